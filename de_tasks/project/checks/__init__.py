"""What would keep a folder from being deployed.

Each module looks at one subject and yields `Finding`s; nothing of the app is imported or run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from de_tasks.errors import UsageError
from de_tasks.project.checks import files, procfile, requirements, secrets
from de_tasks.project.checks.findings import CODES, Finding


def run(
    folder: Path,
    name: str,
    megabytes: int,
    ignore: Sequence[object] = (),
    search: Sequence[str] | None = (),
) -> list[Finding]:
    """Every finding about a folder, in the order of files and lines.

    `search` names the files to look for secrets in, None for all that would be deployed.
    Raises `UsageError` for a code in `ignore` that does not exist.
    """
    for code in ignore:
        if code not in CODES:
            raise UsageError(
                f"de.check.ignore: there is no code {code!r}. Codes: {', '.join(CODES)}"
            )
    folder = folder.resolve()
    names = files.deployed(folder)
    provided, found = requirements.read(folder)
    found += procfile.check(folder, provided)
    found += files.runtime(folder)
    found += files.name(name)
    found += files.check(folder, names, megabytes)
    wanted = names if search is None else search
    found += secrets.scan(folder, wanted) if wanted else []
    kept = [finding for finding in found if finding.code not in ignore]
    return sorted(kept, key=lambda finding: (finding.file, finding.line, finding.code))
