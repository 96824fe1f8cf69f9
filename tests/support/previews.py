"""What the tests of previews share."""

from __future__ import annotations

from collections.abc import Callable

from de_tasks.deployment.previews.prepare import WantedPreview

PICTURE = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
Wish = Callable[..., WantedPreview]
"""Makes what is wanted of a preview: of which app, and what differs from the usual."""
