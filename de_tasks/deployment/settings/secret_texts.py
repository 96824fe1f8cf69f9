"""Refusing settings that contain a secret, where the detector of `check --secrets` is installed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from de_tasks.config.system import temporary_folder
from de_tasks.errors import UsageError
from de_tasks.project.checks import secrets

PATH = "settings"
WORTH_A_LOOK = re.compile(r"(?=\S*[A-Za-z])(?=\S*[0-9])\S{12,}")
"""What no secret that the detector knows is without: it takes a second to start, and most settings
are words."""


def refuse(texts: Sequence[tuple[str, str]]) -> None:
    """Raise `UsageError` naming the place of a text that looks like a secret, not the text.

    `texts` are pairs of place and text.
    """
    pairs = [(where, line) for where, text in texts for line in text.splitlines()]
    lines = [(where, line) for where, line in pairs if WORTH_A_LOOK.search(line)]
    if not lines or secrets.program() is None:
        return
    with temporary_folder("de-settings-") as folder:
        content = "".join(f"{line}\n" for _, line in lines)
        (folder / PATH).write_text(content, "utf-8", "replace")
        found = list(secrets.scan(folder, [PATH]))
    for finding in found:
        where = lines[(finding.line or 1) - 1][0]
        raise UsageError(
            f"{where} looks like a secret, and this file is shared. Move it to a variable of the "
            "app (variables.set), and change it: it was seen"
        )
