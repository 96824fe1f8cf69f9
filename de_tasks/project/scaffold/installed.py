"""Where this installation of de-tasks comes from, for a CI to install the same."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

VARIABLE = "DE_TASKS"
"""What the workflows install: pip's requirement for de-tasks."""
UNKNOWN = "git+https://...@COMMIT"


def source() -> str:
    """What pip is to install, from PEP 610's record of this installation, without a login in the
    address; empty where only this machine has it."""
    try:
        found = distribution("de-tasks")
        record = json.loads(found.read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return ""
    address = str(record.get("url", ""))
    if version := record.get("vcs_info"):
        return f"{version.get('vcs', 'git')}+{_bare(address)}@{version.get('commit_id', '')}"
    if address.startswith("file:"):
        return _of_clone(Path(unquote(urlsplit(address).path)))
    return _bare(address) if address else ""


def _of_clone(folder: Path) -> str:
    from de_tasks.errors import DeTasksError
    from de_tasks.repo.git import Git

    try:
        git = Git(folder / ".git")
        address = git("config", "--get", "remote.origin.url").strip()
        commit = git("rev-parse", "HEAD").strip()
    except (DeTasksError, OSError):
        return ""
    return f"git+{_bare(address)}@{commit}" if address.startswith("https://") else ""


def _bare(address: str) -> str:
    """Without a login; the name of an address for ssh is no secret, and belongs to it."""
    from de_tasks.repo.git import without_logins

    return without_logins(address) if address.startswith("http") else address
