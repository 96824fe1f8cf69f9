"""The sandbox of this machine, as the client meets it where it does not answer."""

from __future__ import annotations

from de_tasks.config.host import Host, on_this_machine
from de_tasks.config.settings import Settings, sandbox_folder
from de_tasks.errors import DeTasksError
from de_tasks.terminal.commands import typed


def stopped(values: Settings, host: Host) -> DeTasksError | None:
    """The error for a host that is this machine's sandbox while it is stopped; else None."""
    start = start_again(values, host)
    return DeTasksError(f"The sandbox is stopped. Start it: {typed(start)}") if start else None


def start_again(values: Settings, host: Host) -> str:
    """The command that starts this machine's sandbox where it was, such as `sandbox.start`; empty
    for a host that is no sandbox of ours, or one that runs."""
    if not on_this_machine(host.web):
        return ""
    try:
        # Only the standard library: it is there without the extra, too.
        from de_tasks.server import control
    except ImportError:
        # On Windows a sandbox runs in WSL, of which nothing is known here.
        return ""
    last = control.last_run(sandbox_folder(values))
    if last is None or last.url != host.web:
        return ""
    port = "" if last.port == values.sandbox_port else f" --port {last.port}"
    return f"sandbox.start{port}"
