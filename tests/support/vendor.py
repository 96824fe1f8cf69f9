"""A user who reaches the sandbox through a program in the role of `de`."""

from __future__ import annotations

import json
from pathlib import Path

from de_tasks.auth.keyfile import Keyfile
from de_tasks.auth.store import Store
from tests.support.backstage import PASSWORD
from tests.support.people import Person
from tests.support.places import ROOT

FAKE = ROOT / "tests" / "support" / "fake_de"


def through(dev: Person, executable: Path) -> Person:
    """The same user, with another home, who reaches the sandbox by an executable alone."""
    home = dev.home.parent / f"{dev.name}-through-de"
    (home / "tmp").mkdir(parents=True)
    environment = {
        "INVOKE_DE_PLATFORM": "de",
        "INVOKE_DE_EXECUTABLE": str(executable),
        # The sandbox takes pushes with a password, like some hosts.
        "INVOKE_DE_GIT_TRANSPORT": "de",
        "INVOKE_DE_KEYFILE": "",
        "INVOKE_DE_NO_KEYFILE": "1",
        "DASH_ENTERPRISE_USERNAME": dev.name,
        "DASH_ENTERPRISE_PASSWORD": PASSWORD,
        "INVOKE_DE_CACHE": str(home / "cache"),
        "TMPDIR": str(home / "tmp"),
    }
    return Person(home, dev.host, environment, name=dev.name)


def with_tokens(dev: Person, executable: Path = FAKE) -> Person:
    """The same with tokens of our own, and without a password in the environment: `de` has kept
    its login in its own file."""
    person = through(dev, executable)
    login = Store.at(dev.keyfile).get(dev.host)
    assert login
    folder = person.home / ".dash_enterprise"
    folder.mkdir()
    (folder / "credentials.json").write_text(json.dumps({"pair": [dev.name, PASSWORD]}))
    Store(Keyfile(folder / "de-tasks.json")).put(login)
    for name in ("DASH_ENTERPRISE_USERNAME", "DASH_ENTERPRISE_PASSWORD"):
        del person.environment[name]
    person.environment["INVOKE_DE_NO_KEYFILE"] = ""
    return person
