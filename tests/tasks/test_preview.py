"""`inv preview.*`, from a branch until it is gone."""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from de_tasks.platform.graphql.operations import GraphQLPlatform
from de_tasks.platform.models import Changes
from de_tasks.server import control
from de_tasks.tasks.preview import _age
from de_tasks.terminal import console
from tests.support.attacker import ask
from tests.support.backstage import backstage
from tests.support.people import Person
from tests.support.platforms import platform_of
from tests.support.visits import fetch


@pytest.fixture
def platform(sandbox: control.Running, dev: Person) -> GraphQLPlatform:
    """The platform as dev sees it."""
    return platform_of(sandbox, dev.name)


@pytest.fixture
def clone(page: Path) -> Path:
    """The app's folder as a clone of a repository with branches main and feature/x."""
    origin = page.parent / "origin.git"
    git(page.parent, "init", "-q", "--bare", "-b", "main", str(origin))
    git(page, "init", "-q", "-b", "main")
    git(page, "remote", "add", "origin", str(origin))
    git(page, "add", ".")
    git(page, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "First")
    git(page, "push", "-q", "origin", "main", "main:feature/x")
    return page


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True)


def test_preview_from_branch_to_prune(dev: Person, clone: Path, platform: GraphQLPlatform) -> None:
    refused = dev.inv("preview.deploy", "-y", folder=clone)
    assert refused.code == 5 and "Deploy it first" in refused.err
    platform.create_app(clone.name)
    assert platform.update(clone.name, Changes(visible_on_portal=True, scale={"web": 2})) == []
    assert dev.inv("deploy", "-y", folder=clone).code == 0
    (clone / "index.html").write_text("two")
    asked = dev.inv("preview.deploy", "--branch", "feature/x", folder=clone)
    assert asked.code == 2 and "give -y" in asked.err
    done = dev.inv(
        "preview.deploy", "--branch=feature/x", "-y", "--message=$(id); `id`", folder=clone
    )
    assert done.code == 0, done.err
    (item,) = json.loads(dev.inv("preview.list", "--json", folder=clone).out)
    there = platform.details(item["name"])
    assert there and there.scale == {"web": 2} and fetch(item["url"]) == (200, "two")
    assert (item["branch"], item["owner"], item["build"]) == ("feature/x", dev.name, "built")
    assert item["url"] in done.out and item["age_seconds"] >= 0
    portal = fetch(f"{dev.host}/?q={item['name']}")[1]
    assert f"/{item['name']}/" in portal and "de-preview" not in portal
    shown = dev.inv("preview.list", folder=clone).out.splitlines()[1].split()
    assert (shown[0], " ".join(shown[1:3])) == ("feature/x", "just now")
    asked = dev.inv("preview.delete", "--branch=feature/x", folder=clone)
    assert asked.code == 2 and "To say yes, give -y" in asked.err

    kept = dev.inv("preview.prune", folder=clone)
    assert kept.code == 0 and "There is no preview of" in kept.err
    git(clone, "push", "-q", "origin", "--delete", "feature/x")
    dry = dev.inv("preview.prune", "--json", folder=clone)
    assert [i["deleted"] for i in json.loads(dry.out)] == [False]
    assert list(dev.home.rglob(f"deploy/{item['name']}*.git"))
    gone = dev.inv("preview.prune", "-y", folder=clone)
    assert gone.code == 0 and f"{item['name']} of feature/x was deleted" in gone.out
    assert not list(dev.home.rglob(f"deploy/{item['name']}*.git"))
    assert dev.inv("preview.list", "--json", folder=clone).out == "[]\n"
    assert dev.inv("preview.delete", "--branch=feature/x", "-y", folder=clone).code == 5
    absent = dev.inv("preview.delete", "--branch=feature/x", "-y", "--if-exists", folder=clone)
    assert absent.code == 0 and "has no preview" in absent.out


def test_preview_that_was_deployed_to_by_hand_stays(dev: Person, clone: Path) -> None:
    dev.inv("deploy", "-y", folder=clone)
    assert dev.inv("preview.deploy", "--branch=gone", "-y", folder=clone).code == 0
    (item,) = json.loads(dev.inv("preview.list", "--json", folder=clone).out)
    (clone / "extra").write_text("x")
    assert dev.inv("deploy", "-y", "--name", item["name"], folder=clone).code == 0
    assert dev.inv("preview.prune", "-y", folder=clone).code == 0
    refused = dev.inv("preview.delete", "--branch=gone", "-y", folder=clone)
    assert refused.code == 1 and "something else was deployed" in refused.err
    assert json.loads(dev.inv("preview.list", "--json", folder=clone).out)[0]["by_hand"] is True


def test_preview_that_is_deployed_to_meanwhile_stays(
    dev: Person, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dev.inv("deploy", "-y", folder=clone)
    assert dev.inv("preview.deploy", "--branch=gone", "-y", folder=clone).code == 0
    (item,) = json.loads(dev.inv("preview.list", "--json", folder=clone).out)

    def meanwhile(question: str, yes: bool) -> bool:
        (clone / "extra").write_text("x")
        return yes or dev.inv("deploy", "-y", "--name", item["name"], folder=clone).code == 0

    monkeypatch.setattr(console, "confirm", meanwhile)
    done = dev.inv("preview.prune", folder=clone, terminal=True)
    assert done.code == 1 and "something else was deployed" in done.err
    assert done.err.endswith(f"Not deleted: {item['name']}.\n")
    assert json.loads(dev.inv("preview.list", "--json", folder=clone).out)


def test_database_of_another_app_is_kept(
    dev: Person, clone: Path, platform: GraphQLPlatform, sandbox: control.Running
) -> None:
    platform.create_app(clone.name)
    platform.attach_service(clone.name, "redis")
    made = dev.inv("preview.deploy", "-y", "--branch=feature/x", "--no-wait", folder=clone)
    assert made.code == 0, made.err
    (item,) = json.loads(dev.inv("preview.list", "--json", folder=clone).out)
    theirs = f"{platform.create_app(f'{clone.name}-2').name}-postgres"
    platform.attach_service(f"{clone.name}-2", "postgres")
    link = f'appname: "{item["name"]}", serviceName: "{theirs}", serviceType: postgres'
    header = f"Bearer {backstage(sandbox).tokens(dev.name).access_token}"
    ask(sandbox, f"mutation {{ linkService({link}) {{ ok }} }}", header)
    done = dev.inv("preview.delete", "-y", "--branch=feature/x", folder=clone)
    assert done.err == f"Not made for it, and so kept with their data: {theirs}\n"
    assert f"was deleted from {dev.host} with {item['name']}-redis." in done.out
    assert [service.name for service in platform.attached(f"{clone.name}-2")] == [theirs]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (("remote", "set-url", "origin", "/nowhere"), 75, "does not list its branches: '/nowhere'"),
        (("remote", "remove", "origin"), 2, "no remote 'origin'"),
        (("push", "-q", "origin", "--delete", "feature/x"), 0, "There is no preview"),
        (("remote", "set-url", "origin", "../empty.git"), 1, "no branches at all"),
    ],
)
def test_what_is_not_known_is_not_taken_for_gone(
    change: tuple[str, ...], code: int, words: str, dev: Person, clone: Path
) -> None:
    git(clone.parent, "init", "-q", "--bare", "empty.git")
    git(clone, *change)
    done = dev.inv("preview.prune", "-y", folder=clone)
    assert done.code == code and words in done.err


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(-1, "just now"), (1, "1 min"), (119, "119 min"), (120, "2 hours"), (2880, "2 days")],
)
def test_age_is_told_in_the_largest_unit_of_which_there_are_two(minutes: int, words: str) -> None:
    assert _age(timedelta(minutes=minutes, seconds=30)) == words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("deploy", "-y", "--branch=x", "--name=Bad Name"), "not a legal app name"),
        (("deploy", "-y", "--timeout=soon"), "--timeout should be"),
        (("prune", "--older-than=a week"), "--older-than should be"),
        (("deploy", "-y"), "Name it with --branch"),
        (("delete", "-y"), "Name it with --branch"),
    ],
)
def test_bad_usage_is_named(
    arguments: tuple[str, ...], words: str, dev: Person, quick: Path
) -> None:
    task, *options = arguments
    done = dev.inv(f"preview.{task}", *options, folder=quick)
    assert done.code == 2 and words in done.err
