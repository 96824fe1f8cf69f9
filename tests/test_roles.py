"""Who may do what: every command of the reference, as every kind of caller."""

from __future__ import annotations

from pathlib import Path

import pytest

import de_tasks
from de_tasks.server import control
from tests.support.people import People, Person

CALLERS = ("nobody", "viewer", "stranger", "owner", "co-owner", "in-group", "admin")
"""Not logged in; without a seat; with a seat and no relation to the app; those who manage it."""
TABLE = """
whoami                                                  | 4 0 0 0 0 0 0
docs                                                    | 0 0 0 0 0 0 0
run {here}                                              | 0 0 0 0 0 0 0
apps list                                               | 4 4 0 0 0 0 0
apps create -n of-{caller}; apps delete -n of-{caller}  | 4 4 0 0 0 0 0
apps exists -n roles --exit-code                        | 4 4 1 0 0 0 0
apps status -n roles                                    | 4 4 5 0 0 0 0
apps logs -n roles --type build                         | 4 4 5 0 0 0 0
apps logs -n roles --type runtime                       | 4 4 5 0 0 0 0
~--add-environment-variable A=1; ~--remove-environment-variable A | 4 4 5 0 0 0 0
~--persistent-filesystem; ~--no-persistent-filesystem   | 4 4 5 0 0 0 0
~--view-access restricted; ~--view-access authenticated | 4 4 5 0 0 0 0
~--add-viewer viewer; ~--remove-viewer viewer           | 4 4 5 0 0 0 0
~--add-group-viewer team; ~--remove-group-viewer team   | 4 4 5 0 0 0 0
~--add-co-owner dev; ~--remove-co-owner dev             | 4 4 5 0 0 0 0
~--add-group-co-owner other; ~--remove-group-co-owner other | 4 4 5 0 0 0 0
~--title {caller}                                       | 4 4 5 0 0 0 0
~--description {caller}                                 | 4 4 5 0 0 0 0
~--visible-on-portal; ~--not-visible-on-portal          | 4 4 5 0 0 0 0
~--thumbnail {png}                                      | 4 4 5 0 0 0 0
~--portal-rank 1; ~--portal-rank 0                      | 4 4 5 0 0 0 0
~--maintainer-email {caller}@example.com                | 4 4 5 0 0 0 0
~--tag {caller}; ~--remove-tag {caller}                 | 4 4 5 0 0 0 0
services list --type all                                | 4 4 0 0 0 0 0
services exists -n roles --type redis                   | 4 4 5 0 0 0 0
services create --app-name roles --type redis; services delete --app-name roles --type redis | 4 4 5 0 0 0 0
deploy {folder} -n roles -y                             | 4 4 1 0 0 0 0
apps restart -n roles                                   | 4 4 5 0 0 0 0
apps delete -n del-{caller}                             | 4 4 5 0 4 4 0
"""  # noqa: E501
"""Exit codes of the lines' commands: of the first that fails. ~ is `apps update -n roles`, 4 is
not permitted or not logged in, 5 not there as far as the caller may know, 1 a taken name."""
SERVER = "python -m http.server $PORT --bind 127.0.0.1"
ROWS = [row.split("|") for row in TABLE.strip().splitlines()]


@pytest.fixture(scope="module")
def callers(
    people: People, sandbox: control.Running, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Person]:
    """The callers; the app has been deployed, and each has one of their own to delete."""
    home = tmp_path_factory.mktemp("nobody")
    folder = tmp_path_factory.mktemp("roles")
    (folder / "Procfile").write_text(f"web: {SERVER}\n")
    people.add("other", "licensed_user", ["other"])
    found = {
        "nobody": Person(home, sandbox.url),
        "viewer": people["viewer"],
        "stranger": people.add("stranger", "licensed_user"),
        "owner": people.add("owner", "licensed_user"),
        "co-owner": people.add("co-owner", "licensed_user"),
        "in-group": people.add("in-group", "licensed_user", ["team"]),
        "admin": people["admin"],
    }
    assert found["owner"].run(f"deploy {folder} -n roles -y").code == 0
    for app in ("roles", *(f"del-{caller}" for caller in CALLERS)):
        found["owner"].run(f"apps create -n {app}")
        access = "--add-co-owner co-owner --add-group-co-owner team"
        assert found["owner"].run(f"apps update -n {app} {access}").code == 0
    return found


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    """Folders and a picture that lines name."""
    for name, line in {"here": "echo hello", "folder": SERVER}.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "Procfile").write_text(f"web: {line}\n")
    return {"here": f"{tmp_path}/here", "folder": f"{tmp_path}/folder", "png": f"{tmp_path}/png"}


@pytest.mark.parametrize(("lines", "codes"), ROWS, ids=[row[0].strip() for row in ROWS])
def test_command_as_every_caller(
    lines: str, codes: str, callers: dict[str, Person], places: dict[str, str]
) -> None:
    seen, said = {}, []
    for caller, person in callers.items():
        # Of another size for each, so that it changes something for each.
        Path(places["png"]).write_bytes(b"\x89PNG\r\n\x1a\n" + caller.encode())
        for line in lines.replace("~", "apps update -n roles ").split(";"):
            done = person.run(line.format(caller=caller, **places))
            seen[caller] = done.code
            said.append(f"{caller}: {line.strip()}\n{done.out}{done.err}")
            if done.code:
                break
    assert seen == dict(zip(CALLERS, map(int, codes.split()), strict=True)), "\n".join(said)
    assert not any("Traceback" in words for words in said)


def test_table_has_every_command_that_asks_the_platform() -> None:
    lines = TABLE.replace("~", "apps update ")
    for group in (de_tasks.apps, de_tasks.services):
        for name in group.task_names:
            assert f"{group.name} {name} " in lines, name
    for argument in next(c for c in de_tasks.ns.to_contexts() if c.name == "apps.update").flags:
        if len(argument) > 2 and argument not in ("--name", "--yes", "--env-file"):
            assert f"{argument} " in lines.replace(";", " "), argument
