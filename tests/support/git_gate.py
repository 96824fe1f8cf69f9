"""A git server of version 5 beside the stand-in for `de`: a way to the sandbox's own git that
takes one kind of login, or is no git at all. It keeps every request that came.
"""

from __future__ import annotations

import base64
import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.support.serving import served

HOP = ("connection", "transfer-encoding", "content-length", "host", "authorization")
PAGE = b"<!doctype html><title>Sign in</title><form>Password</form>"


@dataclass
class GitGate:
    """`takes` is the login that is accepted: `pair`, `bearer`, `token` (as the password of Basic),
    or nothing; `instead` is what stands in git's place: `page`, `redirect`, `late redirect`, which
    comes to who has a login, or nothing. With
    `version_0` a question in a newer protocol is an error. `asked` has method, path, and the
    kind of login of each request; `sent` counts the bytes of pushes."""

    behind: str
    takes: str = ""
    instead: str = ""
    version_0: bool = False
    elsewhere: str = ""
    password: str = field(default="", repr=False)
    url: str = ""
    sent: int = 0
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def logins(self) -> list[str]:
        """The kinds of login that came, each as often as it did."""
        return [kind for _, _, kind in self.asked if kind]

    def kind(self, header: str) -> str:
        """The kind of an Authorization header."""
        if header.startswith("Bearer "):
            return "bearer"
        if not header:
            return ""
        _, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
        return "pair" if password == self.password else "token"


@contextmanager
def gate(behind: str, **options: object) -> Iterator[GitGate]:
    """A gate before the git of the sandbox at `behind`, on a free port of loopback."""
    state = GitGate(behind, **options)  # type: ignore[arg-type]

    class Handler(_Handler):
        gate = state

    with served(Handler) as address:
        state.url = f"{address}/GIT"
        yield state


class _Handler(BaseHTTPRequestHandler):
    gate: GitGate
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        return

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            body = b"".join(pieces)
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.gate.sent += len(body)
        self._answer(body)

    def _answer(self, body: bytes) -> None:
        state = self.gate
        header = self.headers.get("Authorization", "")
        kind = state.kind(header)
        state.asked.append((self.command, self.path, kind))
        if state.instead == "page":
            return self._say(200, PAGE, {"Content-Type": "text/html"})
        if state.instead == "redirect" or (kind and state.instead == "late redirect"):
            return self._say(302, b"", {"Location": f"{state.elsewhere}{self.path}"})
        if not kind or kind != state.takes:
            return self._say(401, b"Log in", {"WWW-Authenticate": 'Basic realm="git"'})
        if state.version_0 and "Git-Protocol" in self.headers:
            return self._say(400, b"unknown protocol", {"Content-Type": "text/plain"})
        if kind == "token":
            _, _, token = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
            header = f"Bearer {token}"
        self._pass_on(body, header)

    def _pass_on(self, body: bytes, header: str) -> None:
        headers = {n: v for n, v in self.headers.items() if n.lower() not in HOP}
        address = urlsplit(self.gate.behind)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=120)
        sent = {**headers, "Authorization": header, "Content-Length": str(len(body))}
        connection.request(self.command, self.path, body or None, sent)
        answer = connection.getresponse()
        content = answer.read()
        kept = {n: v for n, v in answer.getheaders() if n.lower() not in HOP}
        self._say(answer.status, content, kept)
        connection.close()

    def _say(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
