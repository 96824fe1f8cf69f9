"""A configuration file that is wrong: one sentence that names the place, under every program."""

from __future__ import annotations

from pathlib import Path

import pytest

from de_tasks.githooks import check
from tests.support.people import PROGRAMS, TASKS, Done, Person

WRONG = [
    ("invoke.yaml", "# ours\n\nde:\n", "invoke.yaml:3:4: de should have settings", "it is empty"),
    ("invoke.yaml", "# ours\nde: []\n", "invoke.yaml:2:5: de should have settings", "not []"),
    ("invoke.yaml", "run: {}\nde:  5\n", "invoke.yaml:2:6: de should have settings", "not 5"),
    ("invoke.yml", '"de": shop\n', "invoke.yml:1:7: de should have settings", "not 'shop'"),
    ("invoke.json", '{"de": [1]}', "invoke.json:1:8: de should have settings", "not [1]"),
    ("invoke.yaml", "# ours\n---\n- de\n", "invoke.yaml:3:1: a configuration has sections", ""),
    ("invoke.yaml", "shop\n", "invoke.yaml:1:1: a configuration has sections", ""),
    ("invoke.yaml", "de: {app\n", "invoke.yaml:2:1: ", "expected ',' or '}'"),
    ("invoke.yaml", "de:\n  app: a: b\n", "invoke.yaml:2:9: ", "mapping values"),
    ("invoke.yaml", "de:\n\tapp: a\n", "invoke.yaml:2:1: ", "cannot start any token"),
    ("invoke.yaml", "de:\n  app: \x07\n", "invoke.yaml:2:8: ", "not allowed"),
    ("invoke.json", '{"de": {}', "invoke.json:1:10: ", "delimiter"),
    ("invoke.yaml", b"de: \xff\n", "invoke.yaml is not UTF-8 text: save it as UTF-8", ""),
    ("invoke.json", '{"de": "\xe4"}'.encode("cp1252"), "invoke.json is not UTF-8 text", ""),
]


@pytest.fixture
def folder(nobody: Person, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder."""
    (nobody.home / "tasks.py").write_text(TASKS)
    monkeypatch.chdir(nobody.home)
    return nobody.home


@pytest.mark.parametrize(("name", "text", "place", "words"), WRONG)
def test_wrong_file(
    nobody: Person, folder: Path, name: str, text: str | bytes, place: str, words: str
) -> None:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    for done in (nobody.inv("whoami"), nobody.run("whoami"), hook(nobody)):
        assert done.code == 2 and "Traceback" not in done.err
        assert place in done.err and words in done.err, done.err


def hook(nobody: Person) -> Done:
    return nobody.call(lambda: check.main([]))


@pytest.mark.parametrize("program", ["inv", "de-tasks"])
def test_wrong_file_in_a_process_of_its_own(nobody: Person, folder: Path, program: str) -> None:
    (folder / "invoke.yaml").write_text("de: {app\n")
    done = nobody.spawn("whoami", program=program)
    assert done.code == 2 and done.err.startswith("invoke.yaml:2:1: ")


def test_wrong_file_of_the_user(nobody: Person, folder: Path) -> None:
    (folder / ".invoke.yaml").write_text("- de\n")
    assert nobody.run("whoami").err.startswith(".invoke.yaml:1:1: ")
    (folder / ".invoke.yaml").write_text("de: 5\n")
    for done in (nobody.inv("whoami"), nobody.run("whoami")):
        assert done.code == 2 and done.err.startswith(".invoke.yaml:1:5: ")


def test_same_name_for_a_section_and_a_value_is_named(nobody: Person, folder: Path) -> None:
    (folder / ".invoke.yaml").write_text("de: {app: shop}\n")
    (folder / "invoke.yaml").write_text("# ours\nde: 5\n")
    done = nobody.inv("whoami")
    assert done.code == 2 and done.err.startswith("invoke.yaml:2:5: ")


def test_output_that_cannot_be_written(nobody: Person, folder: Path) -> None:
    line = f"{PROGRAMS / 'de-tasks'} --help > /dev/full"
    done = nobody.spawn("-c", line, program="/bin/sh")
    assert (done.code, done.err) == (1, "The output cannot be written: No space left on device.\n")
