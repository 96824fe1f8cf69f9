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
        elif tag in ("input", "button") and self.found and given.get("name"):
            # A button that nobody presses sends nothing.
            value = given.get("value", "") if tag == "input" else ""
            self.found[-1][1][given["name"]] = value


def answer(page: str, steps: list[dict[str, str]], browser: requests.Session | None = None) -> str:
    """Open a page and send a form again and again: the one that has what a step types.

    Returns the text of the last page.
    """
    with browser or requests.Session() as browser:
        shown = browser.get(page, timeout=10)
        for typed in steps:
            forms = Forms(shown.text).found
            fitting = [form for form in forms if typed.keys() <= form[1].keys()] or forms
            action, fields = fitting[0]
            given = {name: value for name, value in fields.items() if value}
            shown = browser.post(urljoin(shown.url, action), data={**given, **typed}, timeout=10)
        return shown.text
