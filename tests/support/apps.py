"""Folders of small apps."""

from __future__ import annotations

import secrets
import shlex
from pathlib import Path

from tests.support import page

WSGI = """
import json, os, time
VERSION = "one"
def application(environ, start_response):
    path = environ["PATH_INFO"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    print("asked for", path, flush=True)
    if path == "/env":
        return [json.dumps(sorted(os.environ)).encode()]
    if path == "/slow":
        time.sleep(1)
    return [f"hello {VERSION}".encode()]
"""
SERVER = f"web: python -IS {shlex.quote(page.__file__)}\n"
"""An app that is there at once, and serves its folder."""


def held_back(hold: Path, command: str = SERVER.partition(" ")[2].strip()) -> str:
    """A Procfile whose web process begins with its command when a file is gone."""
    return f"web: while test -e {hold}; do sleep 0.1; done; exec {command}\n"


def app_folder(tmp_path: Path, test: str, **files: str) -> Path:
    """A new folder with files, named after a test as no other app is; `_` in a file's name
    stands for a dot."""
    stem = test.removeprefix("test_").split("[")[0].replace("_", "-")[:18].strip("-")
    folder = tmp_path / f"{stem}-{secrets.token_hex(2)}"
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder
