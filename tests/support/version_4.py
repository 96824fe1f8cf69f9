"""A stand-in for a Dash Enterprise 4: the published part of the contract, and nothing else of it.

It takes documents that fit part 1 alone and hands them to a sandbox.
"""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files

import graphql

PATH = "/Manager/graphql"


@cache
def before_standing() -> graphql.GraphQLSchema:
    """The contract without what it says of processes and of what serves."""
    text = files("de_tasks.server.api").joinpath("platform.graphql").read_text("utf-8")
    fields = "state|since|restarts|lastExit|servingBuild"
    return graphql.build_schema(re.sub(rf"^  ({fields}):.*$", "", text, flags=re.M))


@cache
def published() -> graphql.GraphQLSchema:
    """The schema of part 1: the rest of the contract cut away where it says that it begins."""
    text = files("de_tasks.server.api").joinpath("platform.graphql").read_text("utf-8")
    text = re.split(r"^# -+ Part 2", text, flags=re.M)[0]
    text = re.sub(r"^ *# Part 2$.*?^}", "}", text, flags=re.M | re.S)
    text = re.sub(r"^.*# Part 2:.*$", "", text, flags=re.M)
    return graphql.build_schema(text)


class _Handler(BaseHTTPRequestHandler):
    sandbox = ""
    schema: graphql.GraphQLSchema

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != PATH:
            self._answer(404, b"{}")
            return
        text = json.loads(body)["query"] if body.startswith(b"{") else ""
        if "__type(" in text or "__schema" in text:
            # What a server tells of itself comes from its own schema.
            found = graphql.graphql_sync(self.schema, text)
            self._answer(200, json.dumps(found.formatted).encode())
        elif text and (problems := graphql.validate(self.schema, graphql.parse(text))):
            self._answer(400, json.dumps({"errors": [p.formatted for p in problems]}).encode())
        else:
            self._pass_on(body)

    def _pass_on(self, body: bytes) -> None:
        kept = ("Content-Type", "Authorization")
        headers = {name: self.headers[name] for name in kept if self.headers[name]}
        request = urllib.request.Request(f"{self.sandbox}{PATH}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self._answer(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            self._answer(error.code, error.read())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def version_4(sandbox: str, schema: graphql.GraphQLSchema | None = None) -> Iterator[str]:
    """The address of a stand-in over a sandbox's address, until the end of the block; with a
    schema, for a server that knows so much."""
    own = {"sandbox": sandbox, "schema": schema or published()}
    handler = type("Handler", (_Handler,), own)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
