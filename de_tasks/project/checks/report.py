"""Findings as people, editors and CI systems read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from de_tasks.errors import DeTasksError
from de_tasks.project.checks.findings import Finding


def lines(found: Sequence[Finding], folder: Path) -> Iterator[str]:
    """Two lines for each finding."""
    for finding in found:
        yield f"{place(finding, folder)}: {finding.level}: {finding.what} [{finding.code}]"
        yield f"    {finding.remedy}"


def workflow_commands(found: Sequence[Finding], folder: Path) -> Iterator[str]:
    """The workflow commands by which GitHub shows the findings."""
    for finding in found:
        # The name of a file may have bytes that are no text.
        yield annotation(finding, folder).encode("utf-8", "replace").decode()


def conclusion(found: Sequence[Finding], app: str) -> str:
    """That the app can be deployed. Raises `DeTasksError` when one of the findings is an error."""
    errors = sum(finding.level == "error" for finding in found)
    parts = [_counted(errors, "error"), _counted(len(found) - errors, "warning")]
    counted = " and ".join(part for part in parts if part)
    if errors:
        raise DeTasksError(
            f"{app} is not fit to be deployed: {counted}. "
            "To accept a finding, add its code to de.check.ignore"
        )
    return f"{app} can be deployed{f': {counted}' if counted else ''}."


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number > 1 else ''}" if number else ""


def place(finding: Finding, folder: Path) -> str:
    """File and line as an editor opens them."""
    path = (folder / finding.file).as_posix()
    return f"{path}:{finding.line}" if finding.line else path


def annotation(finding: Finding, folder: Path) -> str:
    """The workflow command by which GitHub shows a finding beside the line."""
    where = {"file": (folder / finding.file).as_posix()} if finding.file else {}
    where |= {"line": str(finding.line)} if finding.line else {}
    where["title"] = f"de-tasks: {finding.code}"
    listed = ",".join(
        f"{key}={_escaped(text).replace(':', '%3A').replace(',', '%2C')}"
        for key, text in where.items()
    )
    return f"::{finding.level} {listed}::{_escaped(f'{finding.what} {finding.remedy}')}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
