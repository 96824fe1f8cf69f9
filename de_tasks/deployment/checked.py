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
    from de_tasks.repo.sent import Sent

GO_ON = "To deploy all the same, give --no-check to the deploy"


@dataclass(frozen=True)
class Check:
    """What is looked for: codes to `ignore`, files of more than `megabytes`; `local` says that
    the server is on this machine, and reaches what is here, `version` which files a build reads."""

    ignore: tuple[object, ...] = ()
    megabytes: int = 50
    local: bool = False
    version: int = DEFAULT_VERSION

    def run_on(self, source: Path | Commit, name: str, tell: Callable[[Event], None]) -> None:
        """`run`, where the source was not read yet."""
        from de_tasks.repo import sent
        from de_tasks.repo.git import Git

        if isinstance(source, Commit):
            files = sent.of_tree(Git(source.objects.parent), source.tree)
        else:
            files = sent.of_folder(source.resolve())
        self.run(files, name, tell)

    def run(self, files: Sent, name: str, tell: Callable[[Event], None]) -> None:
        """Check what a deploy would send. Warnings are told in one line.

        Raises `DeTasksError` that names every error.
        """
        from de_tasks.project import checks
        from de_tasks.project.checks import report

        found = checks.of(files, name, self.megabytes, self.ignore, self.local, self.version)
        errors = [finding for finding in found if finding.level == "error"]
        warnings = [finding for finding in found if finding.level == "warning"]
        if warnings:
            codes = ", ".join(dict.fromkeys(finding.code for finding in warnings))
            counted = f"{len(warnings)} warning{'s' if len(warnings) > 1 else ''}"
            text = f"The check has {counted} ({codes}). To read {_them(warnings)}: {typed('check')}"
            tell(Event("step", text, {"warnings": [finding.facts() for finding in warnings]}))
        if errors:
            counted = f"{len(errors)} error{'s' if len(errors) > 1 else ''}"
            lines = [f"{name} was not deployed: the check found {counted}. {GO_ON}"]
            lines += [
                f"{report.place(finding, Path())}: {finding.what} {finding.remedy} [{finding.code}]"
                if finding.file
                else f"{finding.what} {finding.remedy} [{finding.code}]"
                for finding in errors
            ]
            text = "\n".join(lines)
            raise DeTasksError(text.encode("utf-8", "replace").decode())


def _them(found: Sequence[object]) -> str:
    return "them" if len(found) > 1 else "it"
