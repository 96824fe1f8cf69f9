"""The environment for programs that need none of our secrets. Imports next to nothing."""

from __future__ import annotations

import os
from contextlib import contextmanager

TYPE_CHECKING = False  # typing's, without importing typing
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SECRETS = frozenset(
    f"{prefix}_{name}"
    for prefix in ("DASH_ENTERPRISE", "INVOKE_DE")
    for name in ("PASSWORD", "API_KEY")
)
"""Variables that only we read, and git hooks that run us."""


@contextmanager
def hidden() -> Iterator[None]:
    """Our own environment without secrets, for a library that starts programs by itself."""
    kept = {name: os.environ.pop(name) for name in SECRETS if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


def without_secrets(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a program that we start gets of our own environment."""
    environment = os.environ if environment is None else environment
    return {name: value for name, value in environment.items() if name not in SECRETS}
