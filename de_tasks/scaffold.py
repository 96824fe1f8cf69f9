"""New apps from the templates that come with the package."""

from __future__ import annotations

import shutil
from pathlib import Path

from de_tasks.errors import UsageError

LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")


def templates() -> Path:
    """The folder of templates: in the package, or beside it in an editable install."""
    here = Path(__file__).resolve().parent
    for folder in (here / "templates", here.parent / "templates"):
        if folder.is_dir():
            return folder
    raise UsageError("The package was installed without its templates.")


def app_templates() -> list[str]:
    """Names of the templates that are apps: those with a Procfile."""
    return sorted(path.parent.name for path in templates().glob("*/Procfile"))


def check_target(template: str, target: Path) -> None:
    """Raise `UsageError` for a template that is not there, or a target with something in it."""
    if template not in app_templates():
        raise UsageError(
            f"There is no template {template!r}. Templates: {', '.join(app_templates())}"
        )
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is there already and not empty: nothing was written.")


def copy(template: str, target: Path) -> list[str]:
    """Copy a template to a folder; returns the names of what was written."""
    check_target(template, target)
    shutil.copytree(templates() / template, target, dirs_exist_ok=True, ignore=LEFT_OUT)
    return sorted(path.name for path in target.iterdir())
