"""A person at a browser, as far as forms go."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin

import requests


class Forms(HTMLParser):
    """The forms of a page: where they go, and what stands in them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect a form, or a field of the form that is open."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((given.get("action", ""), {}))
        elif tag == "input" and self.found and given.get("name"):
            self.found[-1][1][given["name"]] = given.get("value", "")


def answer(page: str, steps: list[dict[str, str]], verify: str | bool = True) -> str:
    """Open a page and send its first form again and again, each with what one step types.

    Returns the text of the last page.
    """
    with requests.Session() as browser:
        browser.verify = verify
        shown = browser.get(page, timeout=10)
        for typed in steps:
            action, fields = Forms(shown.text).found[0]
            to = urljoin(shown.url, action)
            shown = browser.post(to, data={**fields, **typed}, timeout=10)
        return shown.text
