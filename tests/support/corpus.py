"""The apps of `tests/corpus/`, whose README has the form of a file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.places import ROOT

FOLDER = ROOT / "tests" / "corpus"
SECTION = re.compile(r"^-- (\S+)((?: \S+)*) --\n", re.MULTILINE)


@dataclass(frozen=True)
class Expected:
    """A finding: level, code and place in one line, and a part of its words."""

    finding: str
    part: str


@dataclass
class Example:
    """One app: `live` is None for one that is only checked."""

    name: str
    app: str = "board"
    findings: list[Expected] = field(default_factory=list)
    live: bool | None = None
    last: str = ""
    untracked: str = ""
    version: str = "5"
    python: str = ""
    files: dict[str, tuple[str, str]] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Write its files to a folder, which is made."""
        folder.mkdir(parents=True)
        for name, (text, flags) in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            text = text.replace("\n", "\r\n") if "crlf" in flags else text
            path.write_bytes(text.encode("utf-16" if "utf-16" in flags else "utf-8"))
            path.chmod(0o755 if "x" in flags.split() else 0o644)
        return folder


def read(path: Path) -> Example:
    """Read the file of an app."""
    head, *sections = SECTION.split(path.read_text("utf-8"))
    about, _, lines = head.partition("\n\n")
    assert about and "\n" not in about, f"{path.name}: a sentence, then an empty line"
    found = Example(path.stem)
    for line in lines.splitlines():
        key, _, value = line.partition(": ")
        if key == "check":
            finding, _, part = value.partition(" | ")
            found.findings.append(Expected(finding, part))
        elif key == "live":
            found.live = {"yes": True, "no": False}[value]
        else:
            assert key in ("last", "app", "untracked", "version", "python"), f"{path.name}: {line}"
            setattr(found, key, value)
    for at in range(0, len(sections), 3):
        name, flags, text = sections[at : at + 3]
        found.files[name] = (text, flags.strip())
    return found


def examples() -> list[Example]:
    """All apps, by name."""
    return [read(path) for path in sorted(FOLDER.glob("*.app"))]
