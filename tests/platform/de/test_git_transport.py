"""Deploys by git beside `de`, with each kind of git server that may be there."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.backstage import PASSWORD
from tests.support.git_gate import GitGate, gate
from tests.support.people import Person
from tests.support.vendor import FAKE, through, with_tokens

Gates = Callable[..., GitGate]


@pytest.fixture(autouse=True)
def small_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds of tests take no time."""
    monkeypatch.setattr("de_tasks.deployment.through_de.WAITS", ())
    monkeypatch.setattr("de_tasks.deployment.through_de.LONGEST_WAIT", 0.3)
    monkeypatch.setattr("de_tasks.deployment.deploy.WAITS", (0.3,) * 100)
    monkeypatch.setattr("de_tasks.deployment.deploy.WAITS_AFTER_CREATE", (0.3,) * 100)


@pytest.fixture
def gates(dev: Person) -> Iterator[Gates]:
    """Makes gates before the sandbox's git."""
    with ExitStack() as stack:
        yield lambda **o: stack.enter_context(gate(dev.host, password=PASSWORD, **o))


@pytest.fixture
def name(dev: Person) -> str:
    """An app that is there, and was not deployed."""
    name = f"direct-{secrets.token_hex(4)}"
    assert dev.inv("apps.create", "--name", name).code == 0
    return name


def beside(person: Person, git: GitGate, transport: str = "auto") -> Person:
    """The person, for whom the host's git is at the gate."""
    person.environment |= {"INVOKE_DE_GIT": git.url, "INVOKE_DE_GIT_TRANSPORT": transport}
    return person


def test_password_deploys_by_git(dev: Person, gates: Gates, quick: Path, name: str) -> None:
    git = gates(takes="pair")
    one = beside(through(dev, FAKE), git)
    done = one.inv("deploy", "-y", "--name", name, folder=quick)
    assert done.code == 0, done.err
    assert "through `de`" not in done.err and "Sent " in done.err
    assert set(git.logins) == {"pair"}
    assert dev.inv("history", "--name", name).out.count("built") == 1


@pytest.mark.parametrize("takes", ["bearer", "token"])
def test_tokens_deploy_by_git(
    dev: Person, gates: Gates, quick: Path, name: str, takes: str
) -> None:
    git = gates(takes=takes)
    one = beside(with_tokens(dev), git)
    done = one.inv("deploy", "-y", "--name", name, folder=quick)
    assert done.code == 0, done.err
    assert "Sent " in done.err
    # The first guess is made once, if it is the wrong one.
    assert git.logins.count("bearer") == 1 or takes == "bearer"


def test_refused_login_is_not_repeated(dev: Person, gates: Gates, quick: Path, name: str) -> None:
    git = gates()
    one = beside(with_tokens(dev), git)
    for _ in range(2):
        done = one.inv("deploy", "-y", "--name", name, "--dry-run", folder=quick)
        assert done.code == 0 and "through `de`" in done.err, done.err
    assert git.logins == ["bearer", "token"]


@pytest.mark.parametrize("instead", ["page", "redirect"])
def test_what_is_not_git_gets_no_login(
    dev: Person, gates: Gates, quick: Path, name: str, instead: str
) -> None:
    other = gates(takes="pair")
    git = gates(instead=instead, elsewhere=other.url.removesuffix("/GIT"))
    one = beside(through(dev, FAKE), git)
    done = one.inv("deploy", "-y", "--name", name, folder=quick)
    assert done.code == 0 and "through `de`" in done.err, done.err
    assert git.asked and not git.logins and not other.asked
    beside(one, git, "direct")
    failed = one.inv("deploy", "-y", "--name", name, folder=quick)
    assert failed.code == 2, failed.err
    assert f"{git.url}/{name} was asked for" in failed.err and "de.git_transport" in failed.err


def test_login_does_not_follow_a_redirect(
    dev: Person, gates: Gates, quick: Path, name: str
) -> None:
    other = gates(takes="pair")
    git = gates(instead="late redirect", elsewhere=other.url.removesuffix("/GIT"))
    one = beside(through(dev, FAKE), git, "direct")
    failed = one.inv("deploy", "-y", "--name", name, folder=quick)
    assert failed.code == 2 and "it redirects (302)" in failed.err, failed.err
    assert git.logins == ["pair"] and not other.asked


def test_older_protocol_is_spoken_where_it_is_wanted(
    dev: Person, gates: Gates, quick: Path, name: str
) -> None:
    one = beside(through(dev, FAKE), gates(takes="pair", version_0=True))
    done = one.inv("deploy", "-y", "--name", name, folder=quick)
    assert done.code == 0 and "Sent " in done.err, done.err


def test_setting_keeps_deploys_with_de(dev: Person, gates: Gates, quick: Path, name: str) -> None:
    git = gates(takes="pair")
    one = beside(through(dev, FAKE), git, "de")
    done = one.inv("deploy", "-y", "--name", name, "--dry-run", folder=quick)
    assert "through `de`" in done.err and not git.asked
    beside(one, git, "both")
    assert "auto, direct or de" in one.inv("doctor").err


def test_direct_creates_the_app(dev: Person, gates: Gates, quick: Path) -> None:
    name = f"direct-{secrets.token_hex(4)}"
    one = beside(through(dev, FAKE), gates(takes="pair"), "direct")
    done = one.inv("deploy", "-y", "--name", name, folder=quick)
    assert done.code == 0 and f"App {name} was initialized" in done.err, done.err


def test_only_the_change_is_sent_and_history_is_told(
    dev: Person, gates: Gates, quick: Path, name: str
) -> None:
    git = gates(takes="pair")
    (quick / "data.bin").write_bytes(secrets.token_bytes(300_000))
    one = beside(through(dev, FAKE), git)
    words = ("deploy", "-y", "--name", name)
    assert one.inv(*words, "--message", "first", folder=quick).code == 0
    sent = git.sent
    (quick / "note.txt").write_text("new\n")
    assert one.inv("diff", "--names", "--name", name, folder=quick).out == "A\tnote.txt\n"
    done = one.inv(*words, "--message", "second", folder=quick)
    assert done.code == 0 and git.sent - sent < 5_000, done.err
    history = json.loads(one.inv("history", "--name", name, "--json").out)
    told = [(b["number"], b["message"], b["who"], b["status"]) for b in history]
    assert told == [(2, "second", dev.name, "built"), (1, "first", dev.name, None)]
    back = one.inv("rollback", "-y", "--name", name)
    assert back.code == 0, back.err
    assert "A\tnote.txt" in one.inv("diff", "--names", "--name", name, folder=quick).out


def test_failed_build_ends_the_deploy(dev: Person, gates: Gates, quick: Path, name: str) -> None:
    one = beside(through(dev, FAKE), gates(takes="pair"))
    assert one.inv("deploy", "-y", "--name", name, folder=quick).code == 0
    (quick / "Procfile").write_text("web: false\n")
    done = one.inv("deploy", "-y", "--no-check", "--name", name, folder=quick)
    assert done.code == 3 and f"{name} was " in done.err, done.err


def test_memory_holds_no_secret(dev: Person, gates: Gates, quick: Path, name: str) -> None:
    one = beside(with_tokens(dev), gates())
    one.inv("deploy", "-y", "--name", name, "--dry-run", folder=quick)
    [file] = (one.home / "cache").glob("git-logins.json")
    assert file.stat().st_mode & 0o777 == 0o600
    kept = (one.home / ".dash_enterprise" / "de-tasks.json").read_text()
    token = next(iter(json.loads(kept)["hosts"].values()))["access_token"]
    text = file.read_text()
    assert "refused" not in text and token not in text and PASSWORD not in text


@pytest.mark.parametrize(
    ("options", "transport", "words"),
    [
        ({"takes": "pair"}, "auto", "by git to {url}: it takes user name and password"),
        (
            {"instead": "page"},
            "auto",
            "by `de deploy`, not by git to {url}: it answers with a page",
        ),
        ({"takes": "pair"}, "de", "by `de deploy`: set by de.git_transport"),
        ({}, "direct", "de.git_transport is direct, and {url} takes no deploy of yours: "),
    ],
    ids=["git", "page", "de", "refused"],
)
def test_doctor_says_how_deploys_go(
    dev: Person, gates: Gates, name: str, options: dict[str, str], transport: str, words: str
) -> None:
    git = gates(**options)
    one = beside(through(dev, FAKE), git, transport)
    one.environment["INVOKE_DE_APP"] = name
    findings = json.loads(one.inv("doctor", "--json").out)["findings"]
    [seen] = [f for f in findings if f["what"] == "deploys"]
    assert seen["seen"].startswith(words.format(url=f"{git.url}/{name}"))
    assert seen["good"] == (transport != "direct")
