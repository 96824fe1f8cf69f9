"""hooks.*: a plain git hook that deploys on push."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import invoke
from invoke import Collection

from de_tasks.tasks.invoke_options import READS
from de_tasks.tasks.task import task
from de_tasks.terminal import console
from de_tasks.terminal.commands import typed


@task(
    changes="write a pre-push hook for the repository of {folder}",
    help={
        "preview": "Deploy a preview app of every other branch, too",
        "warn_only": "Let a failed deploy warn, and never stop a push",
        "allow_forced": "Deploy what is no fast-forward, too",
    },
)
def install(
    context: invoke.Context,
    path: str = "",
    preview: bool = False,
    warn_only: bool = False,
    allow_forced: bool = False,
) -> None:
    """Write a pre-push hook that deploys the pushed commit of each branch that maps to an app."""
    from de_tasks.githooks import install as plain_hook

    options = ["--warn-only"] if warn_only else []
    hooks = {"de-deploy": [*options, *(["--allow-forced"] if allow_forced else [])]}
    if preview:
        # A preview of a branch that was rewritten is one all the same.
        hooks["de-preview"] = options
    console.result(f"Wrote {plain_hook.install(Path(path or '.'), hooks)}")


@task(changes="remove the pre-push hook of the repository of {folder}")
def uninstall(context: invoke.Context, path: str = "") -> None:
    """Remove the pre-push hook that hooks.install wrote."""
    from de_tasks.githooks import install as plain_hook

    removed = plain_hook.uninstall(Path(path or "."))
    console.result(f"Removed {removed}" if removed else "There is no pre-push hook.")


@task(changes=READS, default=True)
def status(context: invoke.Context, path: str = "", json: bool = False) -> None:
    """Say which pre-push hook there is, and what it runs."""
    from de_tasks.githooks import install as plain_hook

    found = plain_hook.installed(Path(path or "."))
    if json:
        console.result_json(asdict(found) if found else None)
    elif found is None:
        console.result(f"There is no pre-push hook. Write one: {typed('hooks.install')}")
    elif found.ours:
        console.result(f"{found.path} runs {' and '.join(found.runs)} before a push.")
    else:
        console.result(f"{found.path} was not written by {typed('hooks.install')}. {found.about}")


ns = Collection("hooks", install, uninstall, status)
ns.__doc__ = "Git hooks that deploy on push."
