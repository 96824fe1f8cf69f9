"""What an address answers, and where an app is."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

from tests.support.people import Person
from tests.support.waiting import BOUND


def fetch(url: str, host: str = "") -> tuple[int, str]:
    """Status and body of an answer, whatever the status."""
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=BOUND) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def address(person: Person, folder: Path) -> str:
    """Where the app of a folder is."""
    done = person.inv("status", "--json", folder=folder)
    return str(json.loads(done.out)["url"])
