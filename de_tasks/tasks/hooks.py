"""hooks.*: a plain git hook that deploys on push."""

from __future__ import annotations

from pathlib import Path

import invoke
from invoke import Collection

from de_tasks.tasks.task import task
from de_tasks.terminal import console


@task(
    help={
        "preview": "Deploy a preview app of every other branch, too",
        "warn_only": "Let a failed deploy warn, and never stop a push",
        "allow_forced": "Deploy what is no fast-forward, too",
    }
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


@task()
def uninstall(context: invoke.Context, path: str = "") -> None:
    """Remove the pre-push hook that hooks.install wrote."""
    from de_tasks.githooks import install as plain_hook

    removed = plain_hook.uninstall(Path(path or "."))
    console.result(f"Removed {removed}" if removed else "There is no pre-push hook.")


ns = Collection("hooks", install, uninstall)
ns.__doc__ = "Git hooks that deploy on push."
