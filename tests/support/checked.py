"""Small apps as the check sees them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from de_tasks.project import checks
from de_tasks.project.checks.findings import Finding

FLASK = "from flask import Flask\nserver = app = Flask(__name__)\n"
PLAIN = {
    "Procfile": "web: gunicorn app:server\n",
    "requirements.txt": "flask\ngunicorn\n",
    "app.py": FLASK,
}
"""An app that runs."""


def write(folder: Path, files: Mapping[str, str | bytes | None]) -> None:
    """Write files to a folder, in place of those that are there; None takes one away."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)


def findings(folder: Path, files: Mapping[str, str | bytes | None]) -> list[Finding]:
    """What the check finds in a plain app with these files besides."""
    app = folder / "good-app"
    write(app, {**PLAIN, **files})
    return checks.run(app, app.name, 50)


def codes(folder: Path, files: Mapping[str, str | bytes | None]) -> str:
    """Levels and codes of what the check finds, in one line; empty for nothing."""
    return " ".join(f"{finding.level}:{finding.code}" for finding in findings(folder, files))
