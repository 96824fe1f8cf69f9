"""The check before a deploy: what could not run is not sent, and no app is created for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from de_tasks.appspec import DEFAULT_VERSION
from de_tasks.deployment.events import Event
from de_tasks.errors import DeTasksError
from de_tasks.repo.source import Commit
from de_tasks.terminal.commands import typed

if TYPE_CHECKING:
    from de_tasks.project.checks.findings import Finding
    from de_tasks.repo.sent import Sent

GO_ON = "To deploy all the same, give --no-check to the deploy"


@dataclass(frozen=True)
class Check:
    """What is looked for: codes to `ignore`, files of more than `megabytes`; `local` says that
    the server is on this machine, and reaches what is here, `version` which files a build reads.
    `requirements` is the lock that the app is deployed from."""

    ignore: tuple[object, ...] = ()
    megabytes: int = 50
    local: bool = False
    version: int = DEFAULT_VERSION
    requirements: str = ""

    def run_on(self, source: Path | Commit, name: str, tell: Callable[[Event], None]) -> None:
        """`run`, where the source was not read yet."""
        from de_tasks.project import locks
        from de_tasks.repo import sent
        from de_tasks.repo.git import Git

        if isinstance(source, Commit):
            files = sent.of_tree(Git(source.objects.parent), source.tree, source.folder)
        else:
            files = sent.of_folder(source.resolve())
        self.run(locks.apply(self.requirements, files), name, tell)

    def run(self, files: Sent, name: str, tell: Callable[[Event], None]) -> None:
        """Check what a deploy would send. Warnings are told in one line:
        a single one as it is, of several their codes.

        Raises `DeTasksError` that names every error.
        """
        from de_tasks.project import checks

        found = checks.of(files, name, self.megabytes, self.ignore, self.local, self.version)
        errors = [finding for finding in found if finding.level == "error"]
        warnings = [finding for finding in found if finding.level == "warning"]
        if warnings:
            text = _line(warnings[0]) if len(warnings) == 1 else _in_short(warnings)
            tell(Event("step", text, {"warnings": [finding.facts() for finding in warnings]}))
        if errors:
            counted = f"{len(errors)} error{'s' if len(errors) > 1 else ''}"
            lines = [f"{name} was not deployed: the check found {counted}. {GO_ON}"]
            lines += map(_line, errors)
            raise DeTasksError("\n".join(lines))


def _line(finding: Finding) -> str:
    from de_tasks.project.checks import report

    place = f"{report.place(finding, Path())}: " if finding.file else ""
    text = f"{place}{finding.what} {finding.remedy} [{finding.code}]"
    return text.encode("utf-8", "replace").decode()


def _in_short(warnings: Sequence[Finding]) -> str:
    codes = ", ".join(dict.fromkeys(finding.code for finding in warnings))
    return f"The check has {len(warnings)} warnings ({codes}). To read them: {typed('check')}"
