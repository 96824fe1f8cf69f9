"""Who may do what: every command of the reference, as every kind of caller."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

import de_tasks
from de_tasks.server import control
from tests.support.people import People, Person

CALLERS = ("nobody", "viewer", "stranger", "owner", "co-owner", "in-group", "admin")
"""Not logged in; without a seat; with a seat and no relation to the app; those who manage it."""
TABLE = """
whoami                                                            | 4 0 0 0 0 0 0
docs                                                              | 0 0 0 0 0 0 0
run {here}                                                        | 0 0 0 0 0 0 0
apps list                                                         | 4 4 0 0 0 0 0
apps create -n of-{caller}-{mark}; apps delete -n of-{caller}-{mark} | 4 4 0 0 0 0 0
apps exists -n {app} --exit-code                                  | 4 4 1 0 0 0 0
apps status -n {app}                                              | 4 4 5 0 0 0 0
apps info -n {app}                                                | 4 4 5 0 0 0 0
apps users -n {app}                                               | 4 4 5 0 0 0 0
apps transfer -n own-{caller}-{mark} --username {dev} -y                | 4 4 5 4 4 4 0
apps logs -n {app} --type build                                   | 4 4 5 0 0 0 0
apps logs -n {app} --type runtime                                 | 4 4 5 0 0 0 0
~--add-environment-variable A=1; ~--remove-environment-variable A | 4 4 5 0 0 0 0
~--persistent-filesystem; ~--no-persistent-filesystem             | 4 4 5 0 0 0 0
~--view-access restricted; ~--view-access authenticated           | 4 4 5 0 0 0 0
~--add-viewer {viewer}; ~--remove-viewer {viewer}                 | 4 4 5 0 0 0 0
~--add-group-viewer {team}; ~--remove-group-viewer {team}         | 4 4 5 0 0 0 0
~--add-co-owner {dev}; ~--remove-co-owner {dev}                   | 4 4 5 0 0 0 0
~--add-group-co-owner {other}; ~--remove-group-co-owner {other}   | 4 4 5 0 0 0 0
~--title {caller}                                                 | 4 4 5 0 0 0 0
~--description {caller}                                           | 4 4 5 0 0 0 0
~--visible-on-portal; ~--not-visible-on-portal                    | 4 4 5 0 0 0 0
~--thumbnail {png}                                                | 4 4 5 0 0 0 0
~--portal-rank 1; ~--portal-rank 0                                | 4 4 5 0 0 0 0
~--maintainer-email {caller}@example.com                          | 4 4 5 0 0 0 0
~--tag {caller}; ~--remove-tag {caller}                           | 4 4 5 0 0 0 0
~--python-version 3.99                                            | 4 4 5 5 5 5 5
apps export -n {app}                                              | 4 4 5 0 0 0 0
apps plan -n {app}                                                | 2 2 2 2 2 2 2
apps apply -n {app} -y                                            | 2 2 2 2 2 2 2
access list                                                       | 4 4 0 0 0 0 0
access user {viewer}                                              | 4 4 0 0 0 0 0
promote --from {app} --name {app} -y                              | 4 2 2 2 2 2 2
variables list -n {app}                                           | 4 4 5 0 0 0 0
services list --type all                                          | 4 4 0 0 0 0 0
services exists -n {app} --type redis                             | 4 4 5 0 0 0 0
services create --app-name {app} --type redis; services update --app-name {app} --type redis --memory 64Mi; services delete --app-name {app} --type redis | 4 4 5 0 4 1 1
deploy {folder} -n {app} -y                                       | 4 4 1 0 0 0 0
apps restart -n {app}                                             | 4 4 5 0 0 0 0
cancel -n {app}                                                   | 4 4 5 1 1 1 1
apps delete -n del-{caller}-{mark}                                | 4 4 5 0 4 4 0
"""  # noqa: E501
"""Exit codes of the lines' commands: of the first that fails. ~ is `apps update -n {app}`, 4 is
not permitted or not logged in, 5 not there as far as the caller may know, 1 a taken name,
and nothing to cancel."""
SERVER = "python -m http.server $PORT --bind 127.0.0.1"
ROWS = [row.split("|") for row in TABLE.strip().splitlines()]


@pytest.fixture(scope="module")
def names(cast: People) -> dict[str, str]:
    """What the lines call an app, users and groups."""
    mark = secrets.token_hex(3)
    groups = {"team": f"team-{mark}", "other": f"other-{mark}"}
    others = {"viewer": cast["viewer"].name, "dev": cast["dev"].name}
    return {"mark": mark, "app": f"roles-{mark}", **groups, **others}


@pytest.fixture(scope="module")
def callers(
    cast: People,
    names: dict[str, str],
    sandbox: control.Running,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Person]:
    """The callers; the app has been deployed, and each has one of their own to delete."""
    home, folder = tmp_path_factory.mktemp("nobody"), tmp_path_factory.mktemp("roles")
    (folder / "Procfile").write_text(f"web: {SERVER}\n")
    cast.add("other", groups=[names["other"]])
    cast.add("in-group", groups=[names["team"]])
    found = {caller: cast[caller] for caller in CALLERS if caller != "nobody"}
    found["nobody"] = Person(home, sandbox.url)
    owner, access = found["owner"], f"--add-group-co-owner {names['team']}"
    access += f" --add-co-owner {found['co-owner'].name}"
    done = owner.run(f"deploy {folder} -n {names['app']} -y")
    assert done.code == 0, done.err
    own = [f"{kind}-{caller}-{names['mark']}" for kind in ("del", "own") for caller in CALLERS]
    assert all(owner.run(f"apps create -n {app}").code == 0 for app in own)
    for app in (names["app"], *own):
        assert owner.run(f"apps update -n {app} {access}").code == 0
    return {caller: found[caller] for caller in CALLERS}


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
    lines: str,
    codes: str,
    callers: dict[str, Person],
    names: dict[str, str],
    places: dict[str, str],
) -> None:
    seen, said = {}, []
    for caller, person in callers.items():
        # Of another size for each, so that it changes something for each.
        Path(places["png"]).write_bytes(b"\x89PNG\r\n\x1a\n" + caller.encode())
        for line in lines.replace("~", "apps update -n {app} ").split(";"):
            done = person.run(line.format(caller=caller, **names, **places))
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
        if len(argument) > 2 and argument not in ("--name", "--yes", "--env-file", "--json"):
            assert f"{argument} " in lines.replace(";", " "), argument
