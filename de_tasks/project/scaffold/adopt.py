"""What an app that is there already lacks to be deployed: its Procfile, and requirements."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from de_tasks.appspec import Procfile, Requirements
from de_tasks.errors import UsageError
from de_tasks.project.checks import shell
from de_tasks.project.scaffold.declared import declared_in, of_conda
from de_tasks.project.scaffold.entry_point import EntryPoint, find_entry
from de_tasks.project.scaffold.python_source import first_unreadable, read_all
from de_tasks.project.scaffold.requirements import Lacking, lacking, own_modules

PROGRAMS = ("gunicorn", "celery", "streamlit", "uvicorn", "waitress-serve", "daphne", "hypercorn")
PACKAGES = {"waitress-serve": "waitress"}
MOST_NAMED = 3
DASH_ITSELF = "dash>=3.0.5"
"""The first that gunicorn can serve without `server = app.server`."""


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


def why_no_app(folder: Path) -> str:
    """Why no app is found in a folder whose files make one, or may; empty where none does."""
    for source in sorted(read_all(folder).values(), key=lambda source: source.path):
        if source.made_at:
            return (
                f"{source.path} makes an app in line {source.made_at}, where no server finds it: "
                "in a function, a class, or below 'if __name__'. Make it, or its `server`, at the "
                "top level of the file"
            )
    path, why = first_unreadable(folder)
    return f"Python cannot read {path}, in which the app may be: {why}" if path else ""


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
        if entry.others:
            others = ", ".join(entry.others[:MOST_NAMED])
            if left := entry.others[MOST_NAMED:]:
                others += f" and {len(left)} more"
            words.append(f"The Procfile can start one app only. The folder has others: {others}")
        if entry.bare_dash:
            words.append(
                "The Procfile names the Dash app itself, which Dash can do since 3.0.5. For an "
                "earlier one add `server = app.server`, and let the Procfile name `server`"
            )
    else:
        return Adopted(words=("Nothing here looks like an app: there is no Procfile to write.",))
    bare = bool(written) and entry is not None and entry.bare_dash
    missing = Lacking((), ())
    if not lock:
        missing, more = _missing(folder, entry, commands, own_modules(sources))
        words += more
    if missing.unknown:
        words.append(
            f"The app imports {', '.join(missing.unknown)}, and this machine does not know from "
            "which packages: name them in requirements.txt"
        )
    return Adopted(
        procfile=tuple(f"{kind}: {command}" for kind, command in written.items()),
        reason=entry.reason if entry else "",
        requirements=tuple(
            DASH_ITSELF if bare and line == "dash" else line for line in missing.lines
        ),
        words=tuple(words),
        services=entry.services if entry else (),
    )


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
