"""What axe finds wrong with a page for people who cannot see or point."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright import sync_api

WRONG = "wcag2a", "wcag2aa", "wcag21a", "wcag21aa"


def barriers(page: sync_api.Page) -> list[str]:
    """Each rule of WCAG 2.1, levels A and AA, that a page in a browser breaks, with the first
    element that does."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"runOnly": list(WRONG)}).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html']}" for v in found]
