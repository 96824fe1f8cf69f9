"""Refusing settings that contain a secret, where the detector of `check --secrets` is installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from de_tasks.errors import UsageError
from de_tasks.project.checks import secrets

PATH = "settings"


def refuse(texts: Sequence[tuple[str, str]]) -> None:
    """Raise `UsageError` naming the place of a text that looks like a secret, not the text.

    `texts` are pairs of place and text.
    """
    if not texts or secrets.program() is None:
        return
    lines = [(where, line) for where, text in texts for line in text.splitlines()]
    with TemporaryDirectory(prefix="de-settings-") as folder:
        Path(folder, PATH).write_text("".join(f"{line}\n" for _, line in lines), "utf-8")
        found = list(secrets.scan(Path(folder), [PATH]))
    for finding in found:
        where = lines[(finding.line or 1) - 1][0]
        raise UsageError(
            f"{where} looks like a secret, and this file is shared. Move it to a variable of the "
            "app (variables.set), and change it: it was seen"
        )
