"""Requirements as uv reads them, where that is not as pip does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from de_tasks.appspec import Line, Requirements, options
from de_tasks.server.files import write_private

INDEXES = ("--index-url", "--extra-index-url", "--find-links", "--no-index")
BESIDE = re.compile(r"\s+(--(?:no-binary|only-binary)(?:\s+|=)\S+|--pre|--prefer-binary)(?=\s|$)")
"""Options of all that is installed, where they stand behind a requirement."""
FOREIGN = re.compile(
    rf"-[a-z][^\s=].*|(?:-e|--editable)[\s=]+['\"].*|[^-].*?{BESIDE.pattern}.*", re.DOTALL
)
"""What pip alone reads: a value that follows its short option at once, a quoted path, and an
option for everything in the line of a requirement."""


def index_lines(requirements: Requirements | None, folder: Path) -> str:
    """The lines that name indexes, each with its end, for a file that lies elsewhere than in the
    app's `folder`."""
    entries = requirements.entries if requirements else ()
    found = [line for entry in entries for line in _options(entry, folder, INDEXES)]
    return "".join(f"{line}\n" for line in found)


def trusted_hosts(requirements: Requirements | None) -> list[str]:
    """The hosts that are trusted without a certificate: uv takes them from a variable alone."""
    entries = requirements.entries if requirements else ()
    given = [pair for entry in entries for pair in options(entry.text)]
    return [value for option, value in given if option == "--trusted-host" and value]


def requirements_file(requirements: Requirements, folder: Path, place: Path) -> Path:
    """The app's own file; or where uv does not read a line of it, one that says the same, made in
    `place` beside one for the constraints."""
    if not any(FOREIGN.fullmatch(entry.text) for entry in requirements.entries):
        return folder / "requirements.txt"
    wanted = [f"-c {place / 'constraints.txt'}"]
    constraints: list[str] = []
    for entry in requirements.entries:
        into = constraints if entry.constraint else wanted
        kept = (*INDEXES, "--editable", "--no-binary", "--only-binary")
        into += _options(entry, folder, kept) if options(entry.text) else _apart(entry.text)
    # An address in them may have a password.
    write_private(place / "constraints.txt", "\n".join(constraints))
    file = place / "requirements.txt"
    write_private(file, "\n".join(wanted))
    return file


def _apart(text: str) -> Iterator[str]:
    """A requirement, and the options behind it in lines of their own."""
    yield BESIDE.sub("", text)
    yield from BESIDE.findall(text)


def _options(entry: Line, folder: Path, kept: tuple[str, ...]) -> Iterator[str]:
    for option, value in options(entry.text):
        elsewhere = "://" in value or "${" in value
        if option in kept:
            beside = option == "--find-links" and not elsewhere
            place = str((folder / entry.file).parent / value) if beside else value
            yield f"{option} {place}".strip()
        elif option in ("--requirement", "--constraint") and elsewhere and "--editable" in kept:
            # All others have been read in.
            yield f"{option} {value}"
