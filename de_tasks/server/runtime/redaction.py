"""What a build's log does not show: the values of the app's variables, and logins in addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

SHORTEST = 8
"""Characters of a value that is taken for a secret: shorter ones are words such as `true`."""
MARK = "****"
LOGIN = re.compile(r"(?<=://)[^/\s@'\"]+(?=@)")
"""Who logs in, and with what, in an address (RFC 3986, 3.2.1)."""


class Redaction:
    """Texts without the values that were given to it, as they are and as addresses have them."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._secrets: list[str] = []
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        """Hide these as well; of a value with several lines, each line that is long enough."""
        found = set(self._secrets)
        for value in values:
            for part in {value, *map(str.strip, value.splitlines())}:
                if len(part) >= SHORTEST:
                    found |= {part, quote(part, safe="")}
        # One may be part of another.
        self._secrets = sorted(found, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text with a mark in place of each."""
        for secret in self._secrets:
            text = text.replace(secret, MARK)
        return LOGIN.sub(MARK, text)
