"""Which project's configuration governs a folder: that of the configuration file nearest to it.

invoke reads the file beside tasks.py, and `de-tasks` the one that is nearest to the current
folder. What is done to a folder elsewhere must not be done with their app and host.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from de_tasks.config.faults import located
from de_tasks.config.files import CONFIGURATION, FILES, nearest
from de_tasks.config.paths import from_here, within
from de_tasks.errors import UsageError

if TYPE_CHECKING:
    import invoke

LEVELS = ("runtime", "project", "user", "system")
"""invoke's levels of configuration that are files, the one that counts most first."""
PATHS = ("ca_path", "keyfile", "cache", "path", "executable", "sandbox.data", "sandbox_data")
"""Settings that are paths."""
CODE = "invoke.py"
DATA = tuple(name for name in CONFIGURATION if name != CODE)
PATH, APP = "INVOKE_DE_PATH", "INVOKE_DE_APP"


def governing(config: invoke.Config, folder: str = "") -> invoke.Config:
    """invoke's configuration for a folder, the current one if none is given.

    Where another file than the one that invoke has read is the nearest, it takes the place of
    the project's level as a whole; every other level stays. Raises `UsageError` for a file
    that is wrong.
    """
    project = _nearest(config, folder)
    if project is None or _same(project, _read(config)):
        return config
    if not any(os.path.isfile(os.path.join(project, name)) for name in DATA):
        raise UsageError(
            f"{os.path.join(project, CODE)} is a program of the folder that was named, and is not "
            "run from elsewhere: type the command there, or write its settings in invoke.yaml"
        )
    found = config.clone()
    found.set_project_location(project)
    with located(os.path.join(project, "invoke")):
        found.load_project()
    return found


def section(config: invoke.Config) -> Any:
    """What of a configuration is ours. A relative path in a file starts from that file's folder,
    wherever the command is typed."""
    found = config.get("de", {})
    if not hasattr(found, "keys"):
        return found
    kept = {name: found[name] for name in found.keys()}
    for name in PATHS:
        outer, _, inner = name.partition(".")
        file = _file_with(config, outer, inner)
        if file is not None:
            folder = os.path.dirname(os.path.abspath(os.path.expanduser(file)))
            _start_from(folder, kept, outer, inner)
    return kept


def own_section(config: invoke.Config, folder: str) -> dict[str, Any]:
    """What the file in a folder itself says, as a file of its own; empty where there is none, or
    where it is the one that invoke has read."""
    here = os.path.abspath(os.path.expanduser(folder))
    if nearest(here) != here or _same(here, _read(config)):
        return {}
    found = _section(getattr(governing(config, here), "_project", None) or {})
    kept = {name: found[name] for name in found.keys()}
    for name in PATHS:
        outer, _, inner = name.partition(".")
        _start_from(here, kept, outer, inner)
    return kept


def _start_from(folder: str, level: dict[str, Any], outer: str, inner: str) -> None:
    """Let a path of a level start from a folder, if it is relative."""
    value = _value(level, outer, inner)
    if not isinstance(value, str) or not value or value.startswith("~") or os.path.isabs(value):
        return
    # A program without a folder is looked for on the PATH.
    named = outer == "executable" and os.path.basename(value) == value
    if named or _same(os.getcwd(), folder):
        return
    path = os.path.normpath(os.path.join(folder, value))
    level[outer] = {**level[outer], inner: path} if inner else path


def _value(level: Any, outer: str, inner: str = "") -> Any:
    value = level.get(outer)
    if not inner:
        return value
    return value.get(inner) if hasattr(value, "keys") else None


def _file_with(config: invoke.Config, outer: str, inner: str = "") -> str | None:
    """The file that a setting is from, None where that is code, or nobody has set it."""
    value = _value(_section(config), outer, inner)
    for level in LEVELS:
        own = _section(getattr(config, f"_{level}", None) or {})
        if value and _value(own, outer, inner) == value:
            path: Any = getattr(config, f"_{level}_path", None)
            return str(path) if path else None
    return None


def origin_of_app(config: invoke.Config, folder: str = "") -> str:
    """Where the app's name in the governing configuration comes from, as people may look it up:
    a variable or a file. Empty where that is the file at hand, or nothing names an app."""
    if os.environ.get(APP):
        return APP
    path = _file_with(governing(config, folder), "app")
    if path is None:
        return ""
    file = os.path.abspath(os.path.expanduser(path))
    below = os.path.abspath(os.path.expanduser(folder or os.environ.get(PATH) or "."))
    at_hand = os.path.dirname(file)
    if _same(at_hand, os.path.abspath(".")) and within(below, at_hand):
        return ""
    return from_here(file, os.getcwd())


def is_apps_own(config: invoke.Config, folder: str) -> bool:
    """Whether the app that the governing configuration names may be that of this very folder:
    not if a project's file around it says so, whose own folder is another."""
    found = governing(config, folder)
    project = _read(found)
    if project is None or _file_with(found, "app") != getattr(found, "_project_path", None):
        return True
    here = os.path.abspath(os.path.expanduser(folder))
    return os.path.normcase(here) == os.path.normcase(project)


def _nearest(config: invoke.Config, folder: str) -> str | None:
    """The folder of the file that governs; None where invoke's own choice stays."""
    given = folder or os.environ.get(PATH, "")
    if given:
        return nearest(os.path.expanduser(given))
    # Under `inv` the nearest tasks.py is the project, unless an app below it has a file.
    tasks = getattr(config, "_project_prefix", None)
    if not tasks or (project := nearest(".")) != nearest(".", FILES) or project is None:
        return None
    return project if within(project, os.path.abspath(tasks)) else None


def _read(config: invoke.Config) -> str | None:
    """The folder whose file invoke has read."""
    path = getattr(config, "_project_path", None)
    return os.path.dirname(os.path.abspath(path)) if path else None


def _same(folder: str, other: str | None) -> bool:
    return other is not None and os.path.samefile(folder, other)


def _section(level: Any) -> Any:
    """What a level of invoke's has of ours; a wrong one is named elsewhere."""
    section = level.get("de", {})
    return section if hasattr(section, "keys") else {}
