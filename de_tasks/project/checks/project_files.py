"""Files that the platform reads beside Procfile and requirements, and those that it does not."""

from __future__ import annotations

import posixpath
import re
from codecs import BOM_UTF8
from collections.abc import Iterator

from de_tasks.appspec import (
    MARK,
    OTHER_VERSION,
    RELEASE_UNDOCUMENTED,
    SCALE,
    apt_lines,
    other_version,
    process,
    scale_of,
    text_of,
)
from de_tasks.errors import UsageError
from de_tasks.project.checks.findings import Finding
from de_tasks.project.checks.requirements import CONDA
from de_tasks.project.checks.requirements import FILE as REQUIREMENTS
from de_tasks.repo.sent import Sent
from de_tasks.terminal.commands import typed

APT = "Aptfile"
WITHOUT_MARK = "Save it as UTF-8 without a byte order mark (BOM)"


def check(sent: Sent, version: int) -> Iterator[Finding]:
    """Look at what stands at the top of the folder, as this version of Dash Enterprise does."""
    yield from _other_version(sent, version)
    for name in CONDA:
        if sent.has(name) and sent.has(REQUIREMENTS):
            what = f"{name} is not read, since there is a requirements.txt: Conda's packages miss."
            remedy = f"Keep one of the two: move its packages to requirements.txt, or delete {name}"
            yield Finding("conda-unused", name, 0, what, remedy)
    if sent.has("Dockerfile"):
        what = "Dockerfile is not read: the app is built from requirements.txt and Procfile."
        remedy = "Write what it installs into requirements.txt and Aptfile"
        yield Finding("dockerfile", "Dockerfile", 0, what, remedy)
    if version == 5:
        yield from _project(sent)
        yield from _apt(sent)
    else:
        yield from _scale(sent)


def _other_version(sent: Sent, version: int) -> Iterator[Finding]:
    for name in OTHER_VERSION[version]:
        # Heroku's app.json has no scripts for a deploy: nothing of it is missed.
        if sent.has(name) and (name != "app.json" or b'"scripts"' in sent.read(name)):
            runtime = text_of(sent.read(name), "replace") if name == "runtime.txt" else ""
            place = other_version(version, name, runtime, typed)
            what = f"{name} is not read on version {version}."
            yield Finding("other-version", name, 0, what, f"{place[0].upper()}{place[1:]}")
    for number, kind in _processes(sent):
        if version == 5 and kind == "release":
            what, _, remedy = RELEASE_UNDOCUMENTED.rpartition(": ")
            finding = Finding(
                "release-process", "Procfile", number, f"{what}.", remedy.capitalize()
            )
            yield finding


def _processes(sent: Sent) -> Iterator[tuple[int, str]]:
    """The lines of the Procfile that have a process, each with its name."""
    text = text_of(sent.read("Procfile"), "replace") if sent.has("Procfile") else ""
    for number, line in enumerate(text.splitlines(), 1):
        if kind := process(line.strip())[0]:
            yield number, kind


def _project(sent: Sent) -> Iterator[Finding]:
    file = "project.toml"
    if not sent.has(file):
        return
    try:
        import tomllib
    except ImportError:  # Python 3.10 has no parser.
        return

    def finding(what: str, remedy: str, line: int = 0) -> Finding:
        return Finding("project-toml", file, line, what, remedy)

    if sent.read(file).startswith(BOM_UTF8):
        yield finding("project.toml has a byte order mark, and TOML has none.", WITHOUT_MARK)
        return
    try:
        table = tomllib.loads(sent.read(file).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        place = re.search(r"line (\d+)", str(error))
        line = int(place[1]) if place else 0
        yield finding(f"project.toml is not TOML: {error}.", "Correct it", line)
        return
    for where in (table, table.get("build"), (table.get("_") or {})):
        if isinstance(where, dict) and "include" in where and "exclude" in where:
            yield finding("project.toml has include and exclude.", "Keep one of the two")
            break
    scripts = table.get("scripts")
    for kind, command in scripts.items() if isinstance(scripts, dict) else ():
        if kind not in ("predeploy", "postdeploy") or not isinstance(command, str):
            continue
        script = command.split()[0] if command.split() else ""
        if script.startswith("/") or not script.endswith((".sh", ".py")):
            continue
        name = posixpath.normpath(script)
        if not sent.has(name):
            what = f"project.toml runs {script}, which is not in the folder."
            yield Finding("no-script", file, 0, what, "Correct the name, or add the file")
        elif b"\r\n" in sent.read(name) and name.endswith(".sh"):
            what = f"{script} has CRLF line ends, which the shell does not read."
            remedy = f"Save it with LF, and keep it so: '{name} text eol=lf' in .gitattributes"
            yield Finding("crlf-script", file, 0, what, remedy)


def _apt(sent: Sent) -> Iterator[Finding]:
    if not sent.has(APT):
        return
    text = sent.read(APT).decode("utf-8", "replace")
    try:
        lines = list(apt_lines(text))
    except UsageError as error:
        remedy = WITHOUT_MARK if text.startswith(MARK) else "Save it with LF"
        yield Finding("apt-line", APT, 0, str(error), remedy)
        return
    for number, kind, text in lines:
        if kind == "wrong":
            what = f"{text!r} is not the name of a package."
            remedy = "Write one name a line, in lower case, as `apt-cache search` has it"
            yield Finding("apt-line", APT, number, what, remedy)


def _scale(sent: Sent) -> Iterator[Finding]:
    if not sent.has(SCALE):
        return
    kinds = {kind for _, kind in _processes(sent)}
    for number, line in enumerate(text_of(sent.read(SCALE), "replace").splitlines(), 1):
        try:
            found = scale_of(line, number)
        except UsageError as error:
            remedy = "Write one process a line, like 'web=1'"
            yield Finding("scale-line", SCALE, number, str(error), remedy)
            continue
        if found and kinds and found[0] not in kinds:
            what = f"{SCALE} scales {found[0]}, which the Procfile does not have."
            remedy = f"Correct the name, or add the process to the Procfile: {found[0]}: COMMAND"
            yield Finding("scale-process", SCALE, number, what, remedy)
