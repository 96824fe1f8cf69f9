"""What is asked before something is made or overwritten, and what answers it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from de_tasks.server import control
from tests.support.backstage import backstage
from tests.support.gitserver import git
from tests.support.people import Done, People, Person

WHEN = r"at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"


def change(folder: Path, text: str) -> None:
    (folder / "file.txt").write_text(text)


def deploy(person: Person, folder: Path, *options: str, typed: str = "") -> Done:
    """A deploy; with something `typed` there is a terminal."""
    line = ["deploy", "--no-wait", *options]
    return person.run(line, folder=folder, stdin=typed, terminal=bool(typed))


def push_by_hand(running: control.Running, user: str, folder: Path) -> None:
    """A deploy with plain git and an API key, as people make it without this tool."""
    host = running.url.removeprefix("http://")
    address = f"http://{user}:{backstage(running).key(user)}@{host}/GIT/{folder.name}"
    git(folder.parent, "init", "--quiet", "by-hand.git")
    clone = folder.parent / "by-hand.git"
    (clone / "Procfile").write_bytes((folder / "Procfile").read_bytes())
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "-m", "By hand")
    git(clone, "push", "--quiet", "--force", address, "HEAD:refs/heads/master")


def test_app_is_created_after_a_yes(people: People, quick: Path) -> None:
    dev = people["dev"]
    refused = deploy(dev, quick)
    assert refused.code == 2 and f"{quick.name} does not exist on http://" in refused.err
    assert "Create it? To say yes, give -y" in refused.err
    no = deploy(dev, quick, typed="n\n")
    assert no.code == 1 and "Create it? [y/N]" in no.err and "Nothing was deployed." in no.err
    assert deploy(dev, quick, typed="y\n").code == 0
    change(quick, "own")
    assert deploy(dev, quick).code == 0, "one's own last deploy is overwritten without a question"


def test_deploy_of_another_account(people: People, quick: Path) -> None:
    dev, admin = people["dev"], people["admin"]
    assert deploy(dev, quick, "-y").code == 0
    change(quick, "admin's")
    asked = deploy(admin, quick)
    assert asked.code == 2
    assert re.search(
        rf"{quick.name} was deployed by {dev.name} {WHEN}\. Overwrite\? To say yes", asked.err
    )
    refused = deploy(admin, quick, "--no-overwrite", "-y")
    assert refused.code == 1 and "With --no-overwrite it stays as it is." in refused.err
    assert deploy(admin, quick, "-y").code == 0
    change(quick, "dev's")
    no = deploy(dev, quick, typed="n\n")
    assert no.code == 1 and re.search(rf"was deployed by {admin.name} {WHEN}\. Overwrite\?", no.err)
    assert deploy(dev, quick, typed="yes\n").code == 0


def test_deploy_that_this_tool_did_not_make(
    people: People, quick: Path, sandbox: control.Running
) -> None:
    dev = people["dev"]
    assert deploy(dev, quick, "-y").code == 0
    push_by_hand(sandbox, dev.name, quick)
    change(quick, "dev's")
    asked = deploy(dev, quick)
    assert asked.code == 2 and re.search(rf"was deployed by t@t {WHEN}\. Overwrite\?", asked.err)
    assert deploy(dev, quick, "-y").code == 0


def test_asking_every_time(people: People, quick: Path) -> None:
    dev = people["dev"]
    assert deploy(dev, quick, "-y").code == 0
    careful = Person(dev.home, dev.host, {"INVOKE_DE_CONFIRM": "always"})
    change(quick, "own")
    asked = deploy(careful, quick)
    assert asked.code == 2 and f"Overwrite {quick.name} on http://" in asked.err
    assert deploy(careful, quick, "-y").code == 0
    wrong = Person(dev.home, dev.host, {"INVOKE_DE_CONFIRM": "sometimes"})
    done = deploy(wrong, quick)
    assert done.code == 2 and "de.confirm is others or always, not 'sometimes'" in done.err


def test_somebody_deploys_while_the_question_stands(
    people: People, quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was agreed to was overwriting dev's deploy, and not the one that came meanwhile."""
    dev, admin, carol = people["dev"], people["admin"], people.add("carol", "admin")
    assert deploy(dev, quick, "-y").code == 0
    asked: list[str] = []

    def confirm(question: str, yes: bool) -> bool:
        asked.append(question)
        if len(asked) == 1:
            with monkeypatch.context() as patch:
                patch.setattr("de_tasks.terminal.console.confirm", lambda *_: True)
                change(quick, "carol's")
                assert deploy(carol, quick).code == 0
            change(quick, "admin's")
        return True

    change(quick, "admin's")
    monkeypatch.setattr("de_tasks.terminal.console.confirm", confirm)
    assert deploy(admin, quick).code == 0
    first, second = asked
    assert f"deployed by {dev.name} " in first and f"deployed by {carol.name} " in second
