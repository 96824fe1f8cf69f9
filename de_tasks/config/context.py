"""The settings of a command: invoke's configuration, and what was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import invoke

if TYPE_CHECKING:
    from de_tasks.config.settings import Settings


def settings(context: invoke.Context, **flags: Any) -> Settings:
    """The settings of this call."""
    from de_tasks.config.settings import load

    section, given = sources(context, **flags)
    return load(section, **given)


def sources(context: invoke.Context, **flags: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """invoke's configuration for us, and what was typed."""
    # `de-tasks --host X` puts its core options here; a task's own flag goes before.
    core = dict(context.config.get("de_flags", {}))
    typed_here = {name: value for name, value in flags.items() if value}
    return _plain(context.config.get("de", {})), core | typed_here


def _plain(section: Any) -> dict[str, Any]:
    """invoke's configuration as dicts all the way down."""
    return {
        name: _plain(value) if hasattr(value := section[name], "keys") else value
        for name in section.keys()
    }
