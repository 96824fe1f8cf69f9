"""Git objects and packs made by hand, as no git would make them."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from de_tasks.server import control
from tests.support.attacker import ask, genuine


class Repository:
    """A repository whose objects are made by hand, and an app to push them to."""

    def __init__(self, folder: Path, running: control.Running) -> None:
        self.folder = folder
        self.running = running
        self.git("init", "-q", "-b", "main")
        bearer = f"Bearer {genuine(running)}"
        ask(running, 'mutation { addApp(name: "target") { error } }', bearer)

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

    def push(self, tree: str, ref: str = "refs/heads/master") -> str:
        """Push a commit of a tree; what git and the build say."""
        commit = self.git("commit-tree", tree, "-m", "hostile")
        header = f"http.extraHeader=Authorization: Bearer {genuine(self.running)}"
        url = f"{self.running.url}/GIT/target"
        return self.git("-c", header, "-c", "pack.threads=1", "push", "-f", url, f"{commit}:{ref}")


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
