"""hooks.*: a plain git hook that deploys on push."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import invoke
from invoke import Collection

from de_tasks.tasks.invoke_options import READS
from de_tasks.tasks.task import task
from de_tasks.terminal import console
from de_tasks.terminal.commands import typed

if TYPE_CHECKING:
    from de_tasks.githooks.install import Installed


def _path(found: Path | None) -> dict[str, object]:
    return {"path": found.as_posix() if found else None}


@task(
    changes="write a pre-push hook for the repository of {folder}",
    facts=_path,
    help={
        "preview": "Deploy a preview app of every other branch, too",
        "warn_only": "Let a failed deploy warn, and never stop a push",
        "allow_forced": "Deploy pushes that are not fast-forwards, too",
    },
)
def install(
    context: invoke.Context,
    path: str = "",
    preview: bool = False,
    warn_only: bool = False,
    allow_forced: bool = False,
) -> Path:
    """Write a pre-push hook that deploys the pushed commit of each branch that maps to an app."""
    from de_tasks.githooks import install as plain_hook

    options = ["--warn-only"] if warn_only else []
    hooks = {"de-deploy": [*options, *(["--allow-forced"] if allow_forced else [])]}
    if preview:
        # A preview of a branch that was rewritten is one all the same.
        hooks["de-preview"] = options
    written = plain_hook.install(Path(path or "."), hooks)
    console.done(f"Wrote {written}")
    return written


@task(changes="remove the pre-push hook of the repository of {folder}", facts=_path)
def uninstall(context: invoke.Context, path: str = "") -> Path | None:
    """Remove the pre-push hook that hooks.install wrote."""
    from de_tasks.githooks import install as plain_hook

    removed = plain_hook.uninstall(Path(path or "."))
    if removed:
        console.done(f"Removed {removed}")
    else:
        console.result("There is no pre-push hook.")
    return removed


def _installed(found: Installed | None) -> dict[str, object] | None:
    return asdict(found) if found else None


@task(changes=READS, facts=_installed, default=True)
def status(context: invoke.Context, path: str = "") -> Installed | None:
    """Say which pre-push hook there is, and what it runs."""
    from de_tasks.appspec import check_folder
    from de_tasks.githooks import install as plain_hook

    folder = Path(path or ".")
    check_folder(folder)
    try:
        found = plain_hook.installed(folder)
    except plain_hook.NoRepository as error:
        console.line(f"There is no pre-push hook: {error}", out=True)
        return None
    if found is None:
        console.line(f"There is no pre-push hook. Write one: {typed('hooks.install')}", out=True)
    elif found.ours:
        console.line(f"{found.path} runs {' and '.join(found.runs)} before a push.", out=True)
    else:
        console.line(
            f"{found.path} was not written by {typed('hooks.install')}. {found.about}", out=True
        )
    return found


ns = Collection("hooks", install, uninstall, status)
ns.__doc__ = "Git hooks that deploy on push."
