"""Repositories with several apps."""

from __future__ import annotations

import secrets
from pathlib import Path

from tests.support.gitserver import git

SERVE = """
import http.server, os
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Page).serve_forever()
"""


def fleet_folder(folder: Path, stem: str, count: int) -> list[str]:
    """A repository with apps that start at once, and with a library of all; their names, which
    no other app has."""
    prefix = f"{stem}-{secrets.token_hex(3)}"
    names = [f"{prefix}-{number}" for number in range(count)]
    (folder / "libs").mkdir(parents=True)
    (folder / "libs" / "file.txt").write_text("one\n")
    for name in names:
        (folder / name).mkdir()
        (folder / name / "serve.py").write_text(SERVE)
        (folder / name / "Procfile").write_text("web: exec python serve.py\n")
    listed = "".join(f"    - {name}\n" for name in names)
    (folder / "invoke.yaml").write_text(f"de:\n  shared: [libs]\n  apps:\n{listed}")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    return names
