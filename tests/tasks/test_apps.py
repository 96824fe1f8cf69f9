"""`apps.*`, and the same for the app at hand."""

from __future__ import annotations

import secrets

import pytest

from tests.support.people import Done, Person


@pytest.fixture
def app(dev: Person) -> str:
    """An app of dev's with a database; the project's configuration names it."""
    name = f"app-{secrets.token_hex(4)}"
    assert dev.run(f"apps create -n {name}").code == 0
    (dev.home / "invoke.yaml").write_text(f"de:\n  app: {name}\n")
    return name


def is_there(dev: Person, app: str) -> bool:
    return dev.run(f"apps exists -n {app} --exit-code").code == 0


@pytest.mark.parametrize("program", ["inv", "de-tasks"])
@pytest.mark.parametrize(
    "line",
    [
        "delete",
        "delete --name {app}",
        "apps.delete",
        "apps.delete --name {app} --with-services",
        "services.delete --type redis",
        "update --no-persistent-filesystem",
    ],
)
def test_nothing_is_deleted_without_a_question(
    dev: Person, app: str, line: str, program: str
) -> None:
    dev.run(f"update -n {app} --persistent-filesystem")
    done = refused(dev, line.format(app=app), program)
    assert (done.code, done.out) == (2, "")
    assert f"{app}" in done.err and "There is no terminal to ask: Delete " in done.err
    assert "To say yes, give -y" in done.err and is_there(dev, app)


def refused(dev: Person, line: str, program: str) -> Done:
    words = line.split()
    return dev.inv(*words) if program == "inv" else dev.run(words)


def test_what_the_reference_spells_out_needs_no_terminal(dev: Person, app: str) -> None:
    dev.run(f"services create --app-name {app} --type redis")
    assert dev.run(f"services delete --app-name {app} --type redis").code == 0
    options = ("--persistent-filesystem", "--no-persistent-filesystem")
    assert [dev.run(f"apps update --name {app} {option}").code for option in options] == [0, 0]
    assert dev.run(f"apps delete --name {app}").code == 0 and not is_there(dev, app)


def test_yes_deletes_what_the_configuration_names(dev: Person, app: str) -> None:
    assert dev.inv("delete", "--with-services", "-y").code == 0 and not is_there(dev, app)
