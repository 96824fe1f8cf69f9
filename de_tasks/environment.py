"""The environment for programs that need none of our secrets. Imports next to nothing."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # typing's, without importing typing
if TYPE_CHECKING:
    from collections.abc import Mapping

SECRETS = frozenset(
    f"{prefix}_{name}"
    for prefix in ("DASH_ENTERPRISE", "INVOKE_DE")
    for name in ("PASSWORD", "API_KEY")
)
"""Variables that only we read, and git hooks that run us."""


def without_secrets(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a program that we start gets of our own environment."""
    environment = os.environ if environment is None else environment
    return {name: value for name, value in environment.items() if name not in SECRETS}
