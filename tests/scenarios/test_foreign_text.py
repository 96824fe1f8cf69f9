"""An app, a server and a repository that speak to the terminal, and to GitHub's runner."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from de_tasks.githooks import prune_previews
from de_tasks.server import control
from tests.support.apps import SERVER, app_folder
from tests.support.backstage import backstage
from tests.support.canned import serving
from tests.support.faultproxy import Exchange, FaultProxy, Strike
from tests.support.people import Done, Person, log_in
from tests.support.repositories import Repository

EVIL = "\x1b]52;c;ZWNobw==\x07\x9b2J\u202e\x7f\r##[error]x\n ::error::x"
"""Writes to the clipboard, clears the screen, turns text round, overwrites a line, and gives
GitHub's runner commands of both kinds."""
OURS = "error file|error title=Deploy failed::|group::(Build log|Log of web)$|endgroup::$"
"""How the workflow commands begin that we print ourselves."""
SAFE = re.compile("[\x20-\x7e\n\t\xa0-\xac\xae-\u0600]*")
KEPT = re.compile("(?i).*(url|time|created|status|type|number|id|next|permissionLevel|sha)$|.*At$")
"""Values of the API that a program reads, and not a person."""
PRINTING = (
    "whoami",
    "apps list",
    "status -n {app}",
    "history -n {app}",
    "logs -n {app}",
    "logs -n {app} --type build",
    "open -n {app}",
    "doctor",
    "update -n {app} --title x --description y --tag z",
    "create -n {app}",
    "restart -n {app}",
)


def poisoned(value: Any, key: str = "") -> Any:
    """An answer of the API whose every text for people is an attack, too."""
    if isinstance(value, dict):
        return {name: poisoned(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [poisoned(inner, key) for inner in value]
    return f"{value}{EVIL}" if isinstance(value, str) and not KEPT.match(key) else value


def poison(exchange: Exchange) -> None:
    """Pass a request on, and an attack back."""
    head, _, body = exchange.forward().partition(b"\r\n\r\n")
    told = json.dumps(poisoned(json.loads(body))).encode()
    head = re.sub(rb"(?i)content-length: \d+", b"Content-Length: %d" % len(told), head)
    exchange.send(head + b"\r\n\r\n" + told)


def refuse(exchange: Exchange) -> None:
    """Refuse a request with an attack."""
    answer = json.dumps({"errors": [{"message": f"refused {EVIL}"}]})
    exchange.answer("200 OK", answer, Content_Type="application/json")


class Victim:
    """Somebody in a job of GitHub's whose server lies behind an attacker, and who has an app."""

    def __init__(self, proxy: FaultProxy, person: Person, app: str) -> None:
        self.proxy, self.person, self.app = proxy, person, app

    def run(self, line: str, program: str = "de-tasks") -> Done:
        """Run a line while every answer of the API is an attack."""
        return self.meet(poison, lambda: self.person.run(line.format(app=self.app), program))

    def meet(self, strike: Strike, act: Callable[[], Done]) -> Done:
        """Do something while the API answers like this; what is said must be safe."""
        self.proxy.arm(strike, "POST \\S+graphql", times=99)
        try:
            done = act()
        finally:
            self.proxy.disarm()
        assert self.proxy.struck
        check(done)
        return done


def check(done: Done) -> None:
    """Nothing that was said is obeyed, by a terminal or by GitHub's runner."""
    for text in (done.out, done.err):
        assert SAFE.fullmatch(text), text
        assert not re.search(rf"^\s*::(?!{OURS})|##\[", text, re.M), text


@pytest.fixture(scope="module")
def victim(sandbox: control.Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    home = tmp_path_factory.mktemp("victim")
    folder = app_folder(home, "foreign", Procfile=SERVER)
    with FaultProxy(sandbox.url).running() as proxy:
        person = log_in(sandbox, backstage(sandbox).add("victim"), home / "home", proxy.url)
        person.environment["GITHUB_ACTIONS"] = "true"
        assert person.run("deploy -y", folder=folder).code == 0
        yield Victim(proxy, person, folder.name)


@pytest.mark.parametrize("line", PRINTING)
def test_what_a_server_says_is_not_obeyed(victim: Victim, line: str) -> None:
    done = victim.run(line)
    assert "ZWNobw==" in done.out + done.err, done


@pytest.mark.parametrize(
    "line", ["whoami", "apps list", "status -n {app}", "history -n {app}", "logs -n {app}"]
)
def test_what_a_server_says_is_not_obeyed_in_json(victim: Victim, line: str) -> None:
    assert "ZWNobw==" in victim.run(f"{line} --json").out


@pytest.mark.parametrize("program", ["de-tasks", "inv"])
def test_what_a_server_says_is_wrong_is_not_obeyed(victim: Victim, program: str) -> None:
    done = victim.meet(refuse, lambda: victim.person.run("whoami", program))
    assert (done.code, done.err.startswith("refused \\x1b]52")) == (1, True), done.err


def test_what_a_hook_hears_is_not_obeyed(victim: Victim, tmp_path: Path) -> None:
    folder = app_folder(tmp_path, "hook", Procfile=SERVER)
    Repository.make(folder).git("push", "-q", "origin", "main")
    person = victim.person
    done = victim.meet(refuse, lambda: person.call(lambda: prune_previews.main([]), folder=folder))
    assert done.err.startswith("de-prune-previews: refused \\x1b]52")


def test_what_an_app_says_is_not_obeyed(dev: Person, quick: Path) -> None:
    (quick / "Procfile").write_text("web: python app.py\n")
    (quick / "app.py").write_text(f"print({EVIL!r}, flush=True)\nexit(3)\n")
    dev.environment["GITHUB_ACTIONS"] = "true"
    for done in (dev.run("deploy -y", folder=quick), dev.run("logs", folder=quick)):
        check(done)
        assert "ZWNobw==" in done.err + done.out


def test_what_a_sign_in_service_says_is_not_obeyed(nobody: Person) -> None:
    denied = (400, {"error": "server_error", "error_description": f"no {EVIL}"})
    code = {"device_code": "x", "user_code": f"ABC{EVIL}", "interval": 1, "expires_in": 60}
    with serving(("token_endpoint", "device_authorization_endpoint")) as canned:
        page = f"{canned.url}/device"
        canned.answers["device_authorization_endpoint"] = (200, {**code, "verification_uri": page})
        canned.answers["token_endpoint"] = denied
        person = replace(nobody, host=canned.url, environment={"GITHUB_ACTIONS": "true"})
        done = person.run("login", terminal=True)
    check(done)
    assert done.err.count("ZWNobw==") == 2, done.err


def test_what_a_repository_has_is_not_obeyed(dev: Person, tmp_path: Path) -> None:
    folder = app_folder(tmp_path, "repository", Procfile=SERVER)
    (folder / "a\x1b]52;c;ZWNobw==\x07\n::error::x.py").write_text("x = 1\n")
    dev.environment["GITHUB_ACTIONS"] = "true"
    check(dev.run("deploy -y -m " + "x\x1b[2J##[error]", folder=folder))
    (folder / "Procfile").write_text(f"{SERVER}# {EVIL}\n")
    for line in ("check", "diff", "diff --names", "history"):
        check(dev.run(line, folder=folder))
