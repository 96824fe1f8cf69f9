"""Apps that bear the mark of a preview."""

from __future__ import annotations

from de_tasks.deployment.previews import mark
from de_tasks.platform.models import App, Build

CREATED = "2025-03-01T10:20:30.123456"


def marked(app: str = "energy", branch: str = "feature/x", message: str = "") -> App:
    """An app as the platform tells it after a deploy of a preview."""
    name, tag = mark.preview_name(app, branch), mark.mark(app, branch, CREATED)
    message = message or f"Deploy it\n\n{mark.trailer(branch)}\nDe-From: here"
    build = Build("1", "built", "0" * 40, message, "dev", "2025-03-02T10:20:30.123456")
    return App(name, "dev", "http://x/", "", True, build=build, tags=("team", tag), created=CREATED)
