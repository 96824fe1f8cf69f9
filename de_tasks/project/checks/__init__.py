"""What would keep a folder from being deployed.

Each module looks at one subject and yields `Finding`s; nothing of the app is imported or run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from de_tasks.appspec import DEFAULT_VERSION
from de_tasks.errors import UsageError
from de_tasks.project import locks
from de_tasks.project.checks import (
    code,
    files,
    lock_files,
    procfile,
    project_files,
    requirements,
    secrets,
)
from de_tasks.project.checks.findings import CODES, Finding
from de_tasks.repo.sent import Sent, of_folder
from de_tasks.terminal.proposals import did_you_mean

NEEDED = ("not-required", "unknown-program", "import-not-required")
"""Findings that say that something has to be installed."""


def run(
    folder: Path,
    name: str,
    megabytes: int,
    ignore: Sequence[object] = (),
    search: Sequence[str] | None = (),
    sent: Sent | None = None,
    version: int = DEFAULT_VERSION,
    lock: str = "",
) -> list[Finding]:
    """Every finding about a folder, in the order of files and lines.

    `sent` are the files that would be deployed, where they are not the folder's. `search` names
    the files to look for secrets in, None for all that would be deployed. `lock` names the lock
    from which the requirements are deployed.
    Raises `UsageError` for a code in `ignore` that does not exist, and for a lock as `locks.read`.
    """
    folder = folder.resolve()
    sent = sent or of_folder(folder)
    found = [one for one in lock_files.of_lock(sent, lock) if one.code not in ignore]
    sent = locks.apply(lock, sent)
    found += of(sent, name, megabytes, ignore, version=version)
    wanted = list(sent.entries) if search is None else search
    if wanted and "secret" not in ignore:
        found += secrets.scan(folder, wanted)
    return _sorted(found)


def of(
    sent: Sent,
    name: str,
    megabytes: int,
    ignore: Sequence[object] = (),
    local: bool = False,
    version: int = DEFAULT_VERSION,
) -> list[Finding]:
    """Every finding about the files that a deploy sends, but for secrets.

    `local` says that the server is on this machine, and reaches what is here; `version` is that of
    its Dash Enterprise.
    """
    for wanted in ignore:
        if wanted not in CODES:
            meant = did_you_mean(str(wanted), CODES)
            raise UsageError(
                f"de.check.ignore: there is no code {wanted!r}.{meant} Codes: {', '.join(CODES)}"
            )
    provided, found = requirements.read(sent, version)
    looked = procfile.check(sent, provided)
    more = [*looked.findings, *code.check(sent, looked.started, provided)]
    if not sent.has(requirements.FILE) and not requirements.is_conda(sent):
        # Where nothing has to be installed, nothing is missing.
        needed = any(finding.code in NEEDED for finding in more)
        more = [finding for finding in more if finding.code not in NEEDED]
        more += [requirements.missing(sent)] if needed else []
    found += more
    found += lock_files.differing(sent)
    found += code.workers(sent, looked.workers)
    found += code.logout(provided)
    found += project_files.check(sent, version)
    found += files.runtime(sent) if version == 4 else []
    found += files.name(name)
    found += files.check(sent, megabytes)
    left_out = {*ignore, *(["unreachable-index"] if local else [])}
    return _sorted([finding for finding in found if finding.code not in left_out])


def _sorted(found: Sequence[Finding]) -> list[Finding]:
    return sorted(found, key=lambda finding: (finding.file, finding.line, finding.code))
