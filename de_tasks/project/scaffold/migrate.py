"""An app of Dash Enterprise 4 made ready for version 5: files beside those that are there."""

from __future__ import annotations

import json
import re
from pathlib import Path

from de_tasks.appspec import OTHER_VERSION, apt_lines, other_version, read_text
from de_tasks.errors import UsageError
from de_tasks.project.scaffold.files import File
from de_tasks.terminal.commands import typed

SCRIPTS = ("predeploy", "postdeploy")
SHELL = re.compile(r"(?:(?:ba)?sh\s+)?(?:\./|/app/)?([^\s;&|]+\.(?:sh|py))")
"""A command that runs one file of the app, as it is written in app.json."""


def migrate(folder: Path) -> tuple[tuple[File, ...], tuple[str, ...]]:
    """The files to write, and what is left to do by hand. Nothing is deleted or overwritten."""
    files: list[File] = []
    words: list[str] = []
    for name in OTHER_VERSION[5]:
        if not (folder / name).is_file():
            continue
        try:
            text = read_text(folder / name)
            if name == "app.json":
                files += _project(text, words)
            elif name == "apt-packages":
                files += _apt(text)
            else:
                words.append(f"{name}: {other_version(5, name, text, typed)}")
        except UsageError as error:
            words.append(f"{name} stays to be done by hand: {error}")
    new = []
    for file in files:
        if (folder / file.path).exists():
            words.append(f"{file.path} is there, and stays as it is. Ours would be:\n{file.text}")
        else:
            new.append(file)
    return tuple(new), tuple(words)


def _project(text: str, words: list[str]) -> list[File]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UsageError(f"app.json is not JSON: {error}.") from None
    scripts = found.get("scripts") if isinstance(found, dict) else None
    dokku = scripts.get("dokku") if isinstance(scripts, dict) else None
    lines = []
    for kind in SCRIPTS:
        command = dokku.get(kind) if isinstance(dokku, dict) else None
        if not isinstance(command, str) or not command.strip():
            continue
        if match := SHELL.fullmatch(command.strip()):
            lines.append(f"{kind} = {json.dumps(match[1])}")
        else:
            words.append(
                f"app.json: version 5 runs a file at {kind}. Write {command.strip()!r} into "
                f"{kind}.sh, and '{kind} = \"{kind}.sh\"' below [scripts] of project.toml"
            )
    if isinstance(found, dict) and "healthchecks" in found:
        words.append("app.json: version 5 documents no health checks of an app's own")
    content = "\n".join(["[scripts]", *lines, ""])
    return [File("project.toml", content, why="the scripts of app.json")] if lines else []


def _apt(text: str) -> list[File]:
    lines = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    wrong = [said for _, kind, said in apt_lines(lines) if kind == "wrong"]
    if wrong:
        raise UsageError(f"{wrong[0]!r} is not the name of a package.")
    return [File("Aptfile", lines, why="the packages of apt-packages")]
