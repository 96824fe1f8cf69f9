"""Git objects and packs made by hand, as no git would make them."""

from __future__ import annotations

import hashlib
import os
import secrets
import subprocess
from pathlib import Path

from de_tasks.server import control
from tests.support.apps import SERVER
from tests.support.attacker import ask, bearer

FOLDER, FILE, LINK = b"40000", b"100644", b"120000"


class Repository:
    """A repository whose objects are made by hand, and an app of its own to push them to."""

    def __init__(self, folder: Path, running: control.Running) -> None:
        self.folder = folder
        self.running = running
        self.git("init", "-q", "-b", "main")
        self.app = f"target-{secrets.token_hex(4)}"
        self.bearer = bearer(running)
        made = ask(running, f'mutation {{ addApp(name: "{self.app}") {{ error }} }}', self.bearer)
        assert made.json()["data"]["addApp"]["error"] is None

    @property
    def address(self) -> str:
        """The app's remote."""
        return f"{self.running.url}/GIT/{self.app}"

    def git(self, *arguments: str, data: bytes = b"") -> str:
        """Run git; its output."""
        names = ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL")
        none = {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "PATH": os.environ["PATH"],
        }
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**none, **dict.fromkeys(names, "mallory@evil.example")},
            input=data,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return (done.stdout + done.stderr).decode("utf-8", "replace").strip()

    def blob(self, data: bytes) -> str:
        """The hash of a new file."""
        return self.git("hash-object", "-w", "--stdin", data=data)

    def tree(self, *entries: tuple[bytes, bytes, str]) -> str:
        """A tree of (mode, name, hash), in the given order and with any names."""
        data = b"".join(m + b" " + name + b"\0" + bytes.fromhex(h) for m, name, h in entries)
        return self.git("hash-object", "-w", "--literally", "-t", "tree", "--stdin", data=data)

    def app_with(self, *entries: tuple[bytes, bytes, str]) -> str:
        """A tree of an app that could be deployed, with further entries; in git's order, so that
        nothing but these can be wrong."""
        procfile = (FILE, b"Procfile", self.blob(SERVER.encode()))

        def order(entry: tuple[bytes, bytes, str]) -> bytes:
            return entry[1] + (b"/" if entry[0] == FOLDER else b"")

        return self.tree(*sorted([procfile, *entries], key=order))

    def push(self, tree: str, ref: str = "refs/heads/master") -> str:
        """Push a commit of a tree; what git and the build say."""
        commit = self.git("commit-tree", tree, "-m", "hostile")
        return self.remote("-c", "pack.threads=1", "push", "-f", self.address, f"{commit}:{ref}")

    def taken(self) -> str:
        """What the remote has: names and hashes of its branches."""
        return self.remote("ls-remote", self.address)

    def remote(self, *arguments: str) -> str:
        """Run git as the owner of the app."""
        return self.git("-c", f"http.extraHeader=Authorization: {self.bearer}", *arguments)


def pack(*objects: bytes) -> bytes:
    """A pack of objects as they stand (gitformat-pack)."""
    data = b"PACK" + (2).to_bytes(4, "big") + len(objects).to_bytes(4, "big") + b"".join(objects)
    return data + hashlib.sha1(data).digest()


def header(kind: int, size: int) -> bytes:
    """Kind and size of an object in a pack."""
    first, size = (kind << 4) | (size & 15), size >> 4
    return bytes([first | (128 if size else 0)]) + (varint(size) if size else b"")


def varint(size: int) -> bytes:
    """A size in pieces of seven bits."""
    out = b""
    while size > 127:
        out, size = out + bytes([size & 127 | 128]), size >> 7
    return out + bytes([size])
