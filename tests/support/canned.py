"""A server on a real socket that answers what a test wrote down."""

from __future__ import annotations

import http.server
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from de_tasks.auth.oidc import Oidc
from de_tasks.config.host import Host
from de_tasks.net.http import Transport
from de_tasks.net.retry import Policy
from tests.support.serving import served

REALM = "/auth/realms/dash"


@dataclass
class Canned:
    """Answers by the last word of a path: a status and an object. `asked` has what came.

    `claims` stand in the discovery document in the place of the true ones.
    """

    answers: dict[str, tuple[int, object]]
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    claims: dict[str, object] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)

    def oidc(self) -> Oidc:
        """The client for it."""
        return Oidc(Host.parse(self.url), Transport(), Policy(attempts=2))


@contextmanager
def serving(endpoints: tuple[str, ...], **answers: tuple[int, object]) -> Iterator[Canned]:
    """An OpenID provider with some endpoints, which answers at `/<endpoint>`."""
    canned = Canned(dict(answers))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            name = self.path.rsplit("/", 1)[-1]
            canned.asked.append((name, parse_qs(body)))
            found = {n: f"{canned.url}/{n}" for n in endpoints}
            status, answer = canned.answers.get(name, (404, {}))
            if name == "openid-configuration":
                status, answer = 200, {"issuer": f"{canned.url}{REALM}", **found, **canned.claims}
            data = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            for header, value in {**canned.headers, "Content-Length": str(len(data))}.items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            return

    with served(Handler) as canned.url:
        yield canned
