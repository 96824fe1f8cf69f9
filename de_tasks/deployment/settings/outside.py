"""What the settings name and do not contain: values of variables, and the thumbnail's file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from de_tasks.appspec import THUMBNAIL_LIMIT, image_type
from de_tasks.config import environment
from de_tasks.deployment.settings.form import WantedSettings
from de_tasks.deployment.settings.plan import OutsideValues
from de_tasks.errors import UsageError


def read(wanted: WantedSettings, where: str, root: Path) -> OutsideValues:
    """Read them; files of variables are relative to `root`.

    Raises `UsageError` for a file that is there and cannot be used. A source that is not there
    is no error: a colleague's machine has not the secrets of production.
    """
    values: dict[str, str] = {}
    absent: dict[str, str] = {}
    variables = environment.inherited()
    files: dict[str, Mapping[str, str | None] | None] = {}
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
    picture = _picture(wanted.thumbnail, where) if wanted.thumbnail else None
    return OutsideValues(values, absent, picture)


def _env_file(path: Path, where: str) -> Mapping[str, str | None] | None:
    """The KEY=VALUE lines of a file, None where there is none."""
    from dotenv import dotenv_values

    if not path.exists():
        return None
    try:
        with path.open(encoding="utf-8-sig") as stream:
            return dotenv_values(stream=stream, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{where}.variables: {path} cannot be read: {error}.") from None


def _picture(path: Path, where: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{where}.thumbnail: {path} cannot be read: {error.strerror}.") from None
    if image_type(data) is None:
        raise UsageError(f"{where}.thumbnail: {path} is neither a PNG nor a JPEG picture.")
    if len(data) > THUMBNAIL_LIMIT:
        raise UsageError(
            f"{where}.thumbnail: {path} has {len(data)} bytes, and at most {THUMBNAIL_LIMIT} are "
            "allowed."
        )
    return data
