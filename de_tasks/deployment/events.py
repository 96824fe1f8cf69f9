"""What a deploy tells while it goes, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass, field

from de_tasks.repo.files import Files
from de_tasks.terminal.text import one_line


@dataclass(frozen=True)
class Event:
    """Something to tell: `kind` is plan, preview, step, progress, log, wait or done; `facts` say
    the same to programs."""

    kind: str
    text: str
    facts: dict[str, object] = field(default_factory=dict)


def planned(files: Files, origin: str) -> Event:
    """What is to be deployed: how many files, how big, and from which commit."""
    number = files.changed or "nothing"
    changed = "" if files.changed is None else f", {number} changed since your last push"
    source = f", from {origin}" if origin else ""
    # Of files that are on the server already nobody has asked for the size.
    size = f", {as_size(files.size)}" if files.size else ""
    lines = [f"{counted(files.count)}{size}{changed}{source}"]
    if files.largest:
        lines.append("The largest, which lines in the folder's .gitignore would leave out:")
        lines += [f"  {as_size(size):>9}  {one_line(name)}" for name, size in files.largest]
    facts: dict[str, object] = {
        "files": files.count,
        "bytes": files.size,
        "changed": files.changed,
        "source": origin or None,
        "largest": [{"name": one_line(name), "bytes": size} for name, size in files.largest],
    }
    return Event("plan", "\n".join(lines), facts)


def counted(number: int) -> str:
    """`1 file`, `2 files`."""
    return f"{number} file{'' if number == 1 else 's'}"


def as_size(size: int) -> str:
    """A size in bytes as people read it."""
    if size < 1000:
        return f"{size} byte{'' if size == 1 else 's'}"
    return f"{size / 1e6:.1f} MB" if size >= 50_000 else f"{size / 1e3:.1f} kB"
