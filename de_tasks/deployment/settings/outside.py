"""What the settings name and do not contain: values of variables, and the thumbnail's file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from de_tasks.config import environment
from de_tasks.deployment.settings.form import WantedSettings
from de_tasks.deployment.settings.plan import OutsideValues
from de_tasks.platform import rules


def read(wanted: WantedSettings, where: str, root: Path) -> OutsideValues:
    """Read them; files of variables are relative to `root`.

    Raises `UsageError` for a file that is there and cannot be used. A source that is not there
    is no error: a colleague's machine has not the secrets of production.
    """
    values: dict[str, str] = {}
    absent: dict[str, str] = {}
    variables = environment.inherited()
    files: dict[str, Mapping[str, str] | None] = {}
    for name, source in (wanted.variables or {}).items():
        found: str | None = None
        if source.kind == "env":
            found = variables.get(source.name)
            why = f"the environment variable {source.name} is not set here"
        elif source.kind == "file":
            if source.name not in files:
                files[source.name] = _env_file(root / Path(source.name).expanduser(), where)
            content = files[source.name]
            found = (content or {}).get(name)
            lacks = "is not there" if content is None else f"has no value of {name}"
            why = f"the file {source.name} {lacks}"
        else:
            continue
        if found is None:
            absent[name] = why
        else:
            values[name] = found
    picture = rules.picture(wanted.thumbnail, f"{where}.thumbnail:") if wanted.thumbnail else None
    return OutsideValues(values, absent, picture)


def _env_file(path: Path, where: str) -> Mapping[str, str] | None:
    """The KEY=VALUE lines of a file, None where there is none."""
    return rules.env_file(path, f"{where}.variables: {path}") if path.exists() else None
