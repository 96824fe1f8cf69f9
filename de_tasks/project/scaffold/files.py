"""Files that are written beside those that are there, and never over them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from de_tasks.errors import DeTasksError

LONGEST_SHOWN = 25
"""Lines of a file that is shown where it cannot be written."""


@dataclass(frozen=True)
class File:
    """A file to create, or one that gets `text` at its end. `why` says what there is to know."""

    path: str
    text: str
    adds: bool = False
    why: str = ""


def fit(folder: Path, file: File, words: list[str]) -> File | None:
    """The file as it can be written beside what is there; None where there is nothing to write."""
    path = folder / file.path
    if not path.exists():
        return File(file.path, file.text, False, file.why)
    try:
        there = path.read_bytes()
        text = there.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        words.append(f"{file.path} is no text in UTF-8, and stays as it is.{_shown(file)}")
        return None
    end = "\r\n" if "\r\n" in text else "\n"
    if file.adds:
        lines = _new_lines(file, text)
        if not lines:
            return None
        start = "" if text.endswith("\n") or not text else end
        new = [line for line in lines if line and not line.startswith(".PHONY")]
        why = file.why or ", ".join(line.partition(":")[0] for line in new)
        return File(file.path, start + end.join((*lines, "")), True, why)
    if text.replace("\r\n", "\n") != file.text and not _has_ours(file.path, text):
        words.append(f"{file.path} is there, and stays as it is.{_shown(file)}")
    return None


def _new_lines(file: File, there: str) -> list[str]:
    """The lines that a file which is there does not have yet."""
    if file.path != "Makefile":
        present = {line.strip() for line in there.splitlines()}
        return [line for line in file.text.splitlines() if line not in present]
    # A second recipe for a target would replace the first one.
    targets = {line.partition(":")[0].strip() for line in there.splitlines() if ":" in line}
    rules = [line for line in file.text.splitlines() if not line.startswith(".PHONY")]
    new = [rule for rule in rules if rule.partition(":")[0] not in targets]
    names = " ".join(rule.partition(":")[0] for rule in new)
    return ["", f".PHONY: {names}", *new] if new else []


def _has_ours(path: str, text: str) -> bool:
    """Whether a file that is not as we would write it does what ours does."""
    signs = {"tasks.py": "de_tasks", "invoke.yaml": "\nde:", ".pre-commit-config.yaml": "de-deploy"}
    return signs.get(path, "Written by `inv init`") in f"\n{text}"


def _shown(file: File) -> str:
    lines = file.text.splitlines()
    if len(lines) > LONGEST_SHOWN:
        return " To get ours, move it away and run this again."
    return "\n".join([" Ours would be:", *(f"    {line}" for line in lines)])


def write(folder: Path, files: Iterable[File]) -> Iterator[File]:
    """Write the files, telling each when it is written.

    Raises `DeTasksError` for one that has appeared meanwhile, or cannot be written.
    """
    for file in files:
        path = folder / file.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a" if file.adds else "x", encoding="utf-8", newline="") as stream:
                stream.write(file.text)
            if file.text.startswith("#!"):
                path.chmod(0o755)
        except OSError as error:
            raise DeTasksError(f"{path} cannot be written: {error.strerror}.") from None
        yield file
