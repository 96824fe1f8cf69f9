"""A git server for tests of the deploy repository: `git http-backend` behind a plain HTTP server.

It counts what arrives, and can be told to refuse, to stall or to speak.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.support.serving import served

GIT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    **{f"GIT_{r}_{p}": "t@t" for r in ("AUTHOR", "COMMITTER") for p in ("NAME", "EMAIL")},
}


def git(folder: Path, *arguments: str, **variables: str) -> str:
    """What a git command prints; it must succeed."""
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**GIT, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout.strip()


@dataclass
class GitServer:
    """The repository that is served, and what the server has seen.

    `header` is the Authorization that it wants; with `lengths` it refuses uploads in pieces;
    `hold` stops a push before its answer until the event is set.
    """

    repository: Path
    url: str = ""
    header: str = "Bearer secret-token"
    lengths: bool = False
    hold: threading.Event | None = None
    received: int = 0
    requests: list[str] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)

    def head(self) -> str:
        """The deployed commit, empty before the first deploy."""
        return git(self.repository, "for-each-ref", "--format=%(objectname)", "refs/heads/master")

    def names(self) -> list[str]:
        """Paths of the deployed files."""
        out = git(self.repository, "ls-tree", "-r", "-z", "--name-only", "master")
        return out.rstrip("\0").split("\0") if out else []

    def content(self, name: str) -> str:
        """A deployed file."""
        return git(self.repository, "cat-file", "blob", f"master:{name}")

    def push(self, **files: str) -> str:
        """Somebody else's deploy, on top of what is there; returns its hash."""
        index = self.repository / "others-index"
        for name, text in files.items():
            blob = subprocess.run(
                ["git", "hash-object", "-w", "--stdin"],
                cwd=self.repository,
                env=GIT,
                input=text,
                capture_output=True,
                text=True,
                check=True,
            ).stdout.strip()
            entry = f"100644,{blob},{name}"
            git(
                self.repository,
                *("update-index", "--add", "--cacheinfo", entry),
                GIT_INDEX_FILE=str(index),
            )
        tree = git(self.repository, "write-tree", GIT_INDEX_FILE=str(index))
        parent = ["-p", self.head()] if self.head() else []
        sha = git(self.repository, "commit-tree", tree, *parent, "-m", "Deploy of another")
        git(self.repository, "update-ref", "refs/heads/master", sha)
        return sha


@contextmanager
def serve(folder: Path, **configuration: str) -> Iterator[GitServer]:
    """Serve a new bare repository in `folder` on a free port of loopback."""
    repository = folder / "app.git"
    git(folder, "init", "--quiet", "--bare", "-b", "master", str(repository))
    settings = {
        "http.receivepack": "true",
        "receive.unpackLimit": "1",
        "uploadpack.allowFilter": "true",
        "uploadpack.allowReachableSHA1InWant": "true",
        **configuration,
    }
    # Written, not told to git: that is a process for each of them, in each test.
    with (repository / "config").open("a") as file:
        for name, value in settings.items():
            section, _, key = name.partition(".")
            file.write(f"[{section}]\n\t{key} = {value}\n")
    state = GitServer(repository)

    class Handler(_Handler):
        server_state = state

    with served(Handler) as address:
        state.url = f"{address}/app.git"
        yield state


class _Handler(BaseHTTPRequestHandler):
    server_state: GitServer
    protocol_version = "HTTP/1.1"
    # Without it each small answer waits for the other side's delayed acknowledgement.
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        self.server_state.requests.append(format % args)

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        state = self.server_state
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
        if chunked and state.lengths:
            self.close_connection = True
            return self._plain(411, "Length required")
        body = b"".join(self._pieces(chunked))
        state.received += len(body)
        state.arrived.set()
        if state.hold and "receive-pack" in self.path:
            state.hold.wait(60)
        self._answer(body)

    def _pieces(self, chunked: bool) -> Iterator[bytes]:
        if not chunked:
            yield self.rfile.read(int(self.headers.get("Content-Length", "0")))
            return
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _answer(self, body: bytes) -> None:
        state = self.server_state
        if self.headers.get("Authorization") != state.header:
            return self._plain(401, "Log in first")
        path, _, query = self.path.partition("?")
        environment = {
            **GIT,
            "GIT_PROJECT_ROOT": str(state.repository.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "dev",
            "REMOTE_ADDR": "127.0.0.1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], env=environment, input=body, capture_output=True, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _plain(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="test"')
        self.end_headers()
        self.wfile.write(text.encode())
