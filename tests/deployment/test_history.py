"""What was deployed, what would change, and the way back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import cast
from unittest.mock import Mock

import pytest

from de_tasks.deployment import rollback
from de_tasks.errors import Interrupted
from de_tasks.platform.models import App, Build
from de_tasks.repo.errors import Moved
from de_tasks.repo.remote import Remote
from de_tasks.repo.snapshot import Push
from de_tasks.terminal import console
from tests.support.people import Done, People, Person


def deploy(person: Person, folder: Path, text: str, *options: str) -> Done:
    (folder / "file.txt").write_text(text)
    done = person.run(["deploy", "-y", "--message", text, *options], folder=folder)
    assert done.code == 0, done.err
    return done


def history(person: Person, folder: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(person.run("history --json", folder=folder).out)
    return found


def test_history_has_the_deploys_of_everybody(people: People, quick: Path) -> None:
    dev = people["dev"]
    none = dev.run("history", folder=quick)
    assert none.code == 5 and f"App [{quick.name}] does not exist" in none.err
    deploy(dev, quick, "first")
    deploy(people["admin"], quick, "second")
    (quick / "Procfile").write_text("web: exit 3\n")
    assert dev.run("deploy -y -m broken", folder=quick).code == 3
    told = [(e["who"], e["status"], e["message"]) for e in history(dev, quick)]
    assert told == [
        (dev.name, "failed", "broken"),
        (people["admin"].name, "built", "second"),
        (dev.name, "built", "first"),
    ]
    shown = dev.run("history --count 1", folder=quick).out.splitlines()
    assert shown[0].split()[:2] == ["NUMBER", "WHEN"] and len(shown) == 2
    assert shown[1].split()[3:5] == [dev.name, "failed"]


@pytest.mark.parametrize("count", ["0", "x", "-1"])
def test_bad_count(people: People, quick: Path, count: str) -> None:
    done = people["dev"].run(["history", f"--count={count}"], folder=quick)
    assert done.code == 2 and "--count" in done.err


def test_diff(people: People, quick: Path) -> None:
    dev = people["dev"]
    assert dev.run("diff", folder=quick).code == 5
    deploy(dev, quick, "one\n")
    same = dev.run("diff", folder=quick)
    assert (same.code, same.out) == (0, "")
    assert f"{quick.name} is deployed as the folder is" in same.err
    (quick / "file.txt").write_bytes(b"two \xff\n")
    (quick / "new.txt").write_text("")
    assert dev.run("diff --names", folder=quick).out == "M\tfile.txt\nA\tnew.txt\n"
    assert "2 files changed" in dev.run("diff --stat", folder=quick).out
    assert dev.run("diff --stat --names", folder=quick).code == 2
    theirs = people["admin"].run("diff --names", folder=quick)
    assert theirs.out == "M\tfile.txt\nA\tnew.txt\n", "also where it was deployed by another"


def test_rollback_and_its_undoing(people: People, quick: Path) -> None:
    dev = people["dev"]
    deploy(dev, quick, "first")
    only = dev.run("rollback -y", folder=quick)
    assert only.code == 5 and "the only good one, serves" in only.err
    deploy(people["admin"], quick, "second")
    first, second = (str(entry["number"]) for entry in reversed(history(dev, quick)))
    asked = dev.run("rollback", folder=quick)
    assert asked.code == 2 and f"Put build {first} of {quick.name} back: first?" in asked.err
    back = dev.run("rollback -y", folder=quick)
    assert back.code == 0 and f"{quick.name} is back at build {first} after" in back.out
    assert "Requirements unchanged" in back.err or "nothing to install" in back.err
    undo = f"de-tasks rollback --name {quick.name} --to {second}"
    assert back.err.rstrip().endswith(f"To undo this: {undo}")
    undone = dev.run(f"{undo.removeprefix('de-tasks ')} -y --json", folder=quick)
    end = next(e for e in map(json.loads, undone.out.splitlines()) if e["event"] == "done")
    assert undone.code == 0 and end["files"] == 1
    messages = [entry["message"] for entry in history(dev, quick)]
    assert messages[:2] == [
        f"Roll back to build {second}: second",
        f"Roll back to build {first}: first",
    ]
    unknown = dev.run("rollback -y --to 99999", folder=quick)
    assert unknown.code == 5 and "has no good build 99999. It has: " in unknown.err


def test_rollback_from_another_machine(people: People, quick: Path, tmp_path: Path) -> None:
    dev = people["dev"]
    deploy(dev, quick, "first")
    deploy(dev, quick, "second")
    elsewhere = Person(dev.home, dev.host, {"INVOKE_DE_CACHE": str(tmp_path / "elsewhere")})
    assert elsewhere.run("rollback -y", folder=quick).code == 0
    (quick / "file.txt").write_text("first")
    assert dev.run("diff --names", folder=quick).out == ""


def test_rollback_stops_at_a_deploy_that_nobody_was_asked_about(
    people: People, quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dev = people["dev"]
    deploy(dev, quick, "one")
    deploy(dev, quick, "two")

    def agree(question: str, yes: bool) -> bool:
        monkeypatch.undo()
        deploy(people["admin"], quick, "meanwhile")
        return True

    monkeypatch.setattr(console, "confirm", agree)
    late = dev.run("rollback", folder=quick)
    assert late.code == 1 and "deployed" in late.err, late.err
    assert history(dev, quick)[0]["message"] == "meanwhile"


def test_rollback_after_a_failed_deploy(people: People, quick: Path) -> None:
    dev = people["dev"]
    deploy(dev, quick, "first")
    deploy(dev, quick, "second")
    (quick / "Procfile").write_text("web: exit 3\n")
    assert dev.run("deploy -y", folder=quick).code == 3
    assert "was pushed as the folder is, but its build" in dev.run("diff", folder=quick).err
    first, second = (
        str(e["number"]) for e in reversed(history(dev, quick)) if e["status"] == "built"
    )
    back = dev.run("rollback -y", folder=quick)
    assert f"is back at build {first}" in back.out and f"--to {second}" in back.err


def test_interrupted_rollback_says_how_to_look(
    dev: Person, quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(dev, quick, "first")
    deploy(dev, quick, "second", "--no-wait")

    def interrupt(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rollback, "see_through", interrupt)
    numbers = [entry["number"] for entry in history(dev, quick)]
    done = dev.inv("rollback", "-y", "--to", str(numbers[-1]), "--name", quick.name)
    assert done.code == 130, done.err
    look = f"inv status --name {quick.name}"
    words = f"Interrupted. The last good build serves. How far it came: {look}"
    assert done.err.splitlines()[-1] == words
    assert history(dev, quick)[0]["message"] == f"Roll back to build {numbers[-1]}: first"


def test_push_of_which_no_build_was_made_is_rolled_back_over() -> None:
    build = Build("1", "built", "abc", "", "dev", "")
    app = App("shop", "dev", "http://x/", "http://x/shop", True, build=build)
    push = Push(cast(Remote, None), "dev", "message", print)
    pushed = Mock()
    snapshot = Mock(put=Mock(side_effect=[Moved("Somebody else deployed."), pushed]))
    assert rollback._put(snapshot, push, app, Mock(app=lambda name: app)) is pushed
    expected = [call.kwargs.get("expected") for call in snapshot.put.call_args_list]
    assert expected == ["abc", None]


def test_rollback_tells_what_is_done_with_its_repository_and_how_far_it_came() -> None:
    def snapshot(source: object, step: Callable[[str], None]) -> None:
        step("The deploy repository was damaged, and is made anew.")
        raise KeyboardInterrupt

    app = App("shop", "dev", "http://x/", "http://x/shop", True)
    target = rollback.RollbackTarget(Build("1", "built", "abc", "First", "dev", ""), None)
    back = rollback.Rollback(app, target, "dev", Mock())
    told: list[str] = []
    with pytest.raises(Interrupted, match=r"The last good build serves\. How far it came: "):
        rollback.roll_back(
            back, Mock(snapshot=snapshot), Mock(), lambda event: told.append(event.text), 60
        )
    assert told == [
        "Rolling shop back to build 1: First",
        "The deploy repository was damaged, and is made anew.",
    ]
