"""Which app a pushed branch goes to: `de.branches`, by default the default branch to the app."""

from __future__ import annotations

import os

from de_tasks.config.files import CONFIGURATION, nearest
from de_tasks.githooks import repository

TYPE_CHECKING = False  # typing's, without importing typing
if TYPE_CHECKING:
    from de_tasks.config.settings import Settings
    from de_tasks.githooks.pushes import PushedBranch


def surely_none(push: PushedBranch, folder: str) -> bool:
    """Whether the branch can map to no app, as far as a look at the files tells.

    Most pushes map to nothing, and importing invoke for its YAML would take longer than the
    whole of pre-commit. A branch that is no default branch can only map where its name stands
    in a configuration file, letter for letter unless the file has escapes or is a program.
    """
    if repository.is_default(push.branch, push.remote):
        return False
    for name in _files(folder):
        try:
            with open(name, encoding="utf-8", errors="replace") as file:
                text = file.read()
        except FileNotFoundError:
            continue
        except OSError:
            return False
        if name.endswith(".py") or "\\" in text or push.branch in text:
            return False
    return True


def _files(folder: str) -> list[str]:
    """Every file that invoke may read: the system's, the user's and the project's."""
    home = os.path.expanduser("~")
    found = [os.path.join("/etc", name) for name in CONFIGURATION]
    found += [os.path.join(home, f".{name}") for name in CONFIGURATION]
    project = nearest(folder)
    return found + [os.path.join(project, name) for name in CONFIGURATION if project]


def app_of(push: PushedBranch, values: Settings) -> str | None:
    """The app that the branch is deployed to, None for no app.

    Raises `UsageError` for a name that is not legal.
    """
    from de_tasks.appspec import check_app_name
    from de_tasks.errors import UsageError
    from de_tasks.platform.connect import app_name

    if values.branches:
        name = values.branches.get(push.branch)
        if name is None:
            return None
        if not isinstance(name, str):
            raise UsageError(f"de.branches: {push.branch} should name an app, not {name!r}.")
        return check_app_name(name)
    return app_name(values, None) if repository.is_default(push.branch, push.remote) else None
