"""What an app that is there already lacks to be deployed: its Procfile, and requirements."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from de_tasks.appspec import Procfile, Requirements
from de_tasks.errors import UsageError
from de_tasks.project.checks import shell
from de_tasks.project.checks.packages import SERVABLE_DASH
from de_tasks.project.checks.procfile import in_r
from de_tasks.project.scaffold import entry_point
from de_tasks.project.scaffold.declared import declared_in, of_conda
from de_tasks.project.scaffold.entry_point import EntryPoint, find_entry
from de_tasks.project.scaffold.python_source import Source, first_unreadable, read_all
from de_tasks.project.scaffold.requirements import Lacking, lacking, own_modules

PROGRAMS = ("gunicorn", "celery", "streamlit", "uvicorn", "waitress-serve", "daphne", "hypercorn")
PACKAGES = {"waitress-serve": "waitress"}
MOST_NAMED = 3


@dataclass(frozen=True)
class Adopted:
    """Lines to write, and words about the rest. An empty `procfile` or `requirements` is none."""

    procfile: tuple[str, ...] = ()
    reason: str = ""
    requirements: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


def is_app(folder: Path) -> bool:
    """Whether there is an app in the folder: a Procfile, or something that can be started."""
    return (folder / "Procfile").exists() or find_entry(read_all(folder)) is not None


def why_none(folder: Path) -> str:
    """What there is in a folder without an app that somebody may have taken for one."""
    if why := entry_point.why_none(read_all(folder)):
        return why
    path, refused = first_unreadable(folder)
    if path:
        return f"Python cannot read {path}, in which the app may be: {refused}"
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if any(name.endswith(".py") and name != "setup.py" for name in names):
        return ""
    if script := in_r(names):
        return f"{script} is an app in R, and only apps in Python are deployed"
    if notebook := next((name for name in names if name.endswith(".ipynb")), ""):
        return f"{notebook} is a notebook, which no server can start: its app belongs into app.py"
    return ""


def adopt(folder: Path, lock: str = "") -> Adopted:
    """Look at the app of a folder. Nothing of it is executed, and nothing is written.

    With a `lock` the requirements are deployed from that.
    """
    sources = read_all(folder)
    entry, words = find_entry(sources), []
    commands: dict[str, str] = {}
    if (folder / "Procfile").exists():
        try:
            commands = Procfile.read(folder).commands
        except UsageError as error:
            words.append(str(error))
        written: dict[str, str] = {}
    elif entry:
        commands = written = dict(entry.commands)
        if entry.bare_dash:
            words.append(
                f"The Procfile names the Dash app itself, which Dash can do since {SERVABLE_DASH}. "
                "For an earlier one add `server = app.server`, and let the Procfile name `server`"
            )
        if entry.others:
            listed = ", ".join(entry.others[:MOST_NAMED])
            unnamed = len(entry.others) - MOST_NAMED
            listed += f" and {unnamed} more" if unnamed > 0 else ""
            words.append(f"Looks like an app too: {listed}. The Procfile names what is started")
    else:
        return Adopted(words=("Nothing here looks like an app: there is no Procfile to write.",))
    bare = bool(written) and entry is not None and entry.bare_dash
    missing = Lacking((), ())
    if not lock:
        missing, more = _missing(folder, entry, commands, own_modules(sources))
        words += more
    unknown, itself = list(missing.unknown), folder.resolve().name
    if itself in unknown and _imports_from(itself, entry, sources):
        unknown.remove(itself)
        words.append(
            f"The app imports {itself}, its own folder: deploy the one above it, with --path .., "
            f"or leave {itself} out of the imports"
        )
    if unknown:
        words.append(
            f"The app imports {', '.join(unknown)}, and this machine does not know from "
            "which packages: name them in requirements.txt"
        )
    return Adopted(
        procfile=tuple(f"{kind}: {command}" for kind, command in written.items()),
        reason=entry.reason if entry else "",
        requirements=tuple(
            f"dash>={SERVABLE_DASH}" if bare and line == "dash" else line for line in missing.lines
        ),
        words=tuple(words),
        services=entry.services if entry else (),
    )


def _imports_from(package: str, entry: EntryPoint | None, sources: Mapping[str, Source]) -> bool:
    """Whether the app imports a module of its own as one of a package."""
    imported = (module for source in entry.reached for module in source.modules) if entry else ()
    above = f"{package}."
    return any(module.startswith(above) and module[len(above) :] in sources for module in imported)


def _programs(line: str) -> Iterator[str]:
    """The programs that a line of the Procfile runs, by their names alone."""
    with suppress(ValueError):  # A quote without its partner: the check says so.
        for command in shell.read(line):
            if isinstance(command, shell.Command):
                program, *given = command.words
                module = re.match(r"python[\d.]*$", program) and given[:1] == ["-m"]
                yield posixpath.basename(given[1] if module and len(given) > 1 else program)


def _missing(
    folder: Path, entry: EntryPoint | None, commands: dict[str, str], own: set[str]
) -> tuple[Lacking, list[str]]:
    """What the requirements lack, and words where they cannot be added to."""
    started = {name for command in commands.values() for name in _programs(command)}
    needs = [PACKAGES.get(name, name) for name in PROGRAMS if name in started]
    try:
        present = Requirements.read(folder)
    except UsageError as error:
        return Lacking((), ()), [str(error)]
    reached = entry.reached if entry else ()
    if present is None and (conda := of_conda(folder)) is not None:
        names = ", ".join(lacking(needs, reached, own, conda).lines)
        # With both files the platform takes requirements.txt and passes over the other.
        return Lacking((), ()), [f"environment.yml needs: {names}"] if names else []
    place = entry.reached[0].path.parent if entry else PurePosixPath()
    if present is None and (declared := declared_in(folder, place)):
        found = lacking(needs, reached, own, declared.known)
        return Lacking((*declared.lines, *found.lines), found.unknown), [declared.words]
    return lacking(needs, reached, own, present.lines if present else ()), []
