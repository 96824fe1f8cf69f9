"""Apps as their visitors see them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

from tests.support.people import Person


def fetch(url: str, host: str = "") -> tuple[int, str]:
    """The status and the text of a page."""
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def address(person: Person, folder: Path) -> str:
    """Where the app of a folder is."""
    done = person.inv("status", "--json", folder=folder)
    return str(json.loads(done.out)["url"])
