"""The settings of a command: invoke's configuration, and what was typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from de_tasks.config.settings import Settings

Configuration = Mapping[str, Any]
"""Of invoke's configuration the key `de`, and `de_flags`, the core options of `de-tasks`."""


def settings(configuration: Configuration, **flags: object) -> Settings:
    """The settings of a call with these flags."""
    from de_tasks.config.settings import load

    section, given = sources(configuration, **flags)
    return load(section, **given)


def sources(configuration: Configuration, **flags: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """The section `de`, and what was typed: a task's own flag overrides a core option."""
    core = dict(configuration.get("de_flags", {}))
    typed_here = {name: value for name, value in flags.items() if value}
    section = configuration.get("de", {})
    if not hasattr(section, "keys"):
        from de_tasks.config.faults import check_section

        check_section(section, str(flags.get("path") or "."))
    return _plain(section), core | typed_here


def _plain(section: Any) -> dict[str, Any]:
    """invoke's configuration as dicts all the way down."""
    return {
        name: _plain(value) if hasattr(value := section[name], "keys") else value
        for name in section.keys()
    }
