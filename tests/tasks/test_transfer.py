"""`apps.transfer`."""

from __future__ import annotations

import json
import secrets

import pytest

from de_tasks.server import control
from tests.support.attacker import ask
from tests.support.backstage import backstage
from tests.support.people import People, Person


@pytest.fixture
def app(dev: Person) -> str:
    name = f"gift-{secrets.token_hex(4)}"
    assert dev.run(f"apps create -n {name}").code == 0
    return name


def test_admin_gives_an_app_with_its_service(people: People, dev: Person, app: str) -> None:
    other = people.add("other")
    assert dev.run(f"services create --app-name {app} --type redis").code == 0
    done = people["admin"].run(f"apps transfer -n {app} --username {other.name} -y --json")
    assert json.loads(done.out)["owner"] == other.name, done.err
    assert dev.run(f"apps exists -n {app} --exit-code").code == 1
    assert other.run(f"services delete --app-name {app} --type redis").code == 0


def test_transfer_needs_an_answer_a_seat_and_an_admin(
    people: People, dev: Person, app: str
) -> None:
    admin, other = people["admin"], people.add("other").name
    line = f"apps transfer -n {app} --username"
    asked = admin.run(f"{line} {other}")
    assert asked.code == 2 and "give" in asked.err and "-y" in asked.err
    seatless = admin.run(f"{line} {people['viewer'].name} -y")
    assert seatless.code == 4 and "both users of a transfer need one" in seatless.err
    refused = dev.run(f"{line} {other} -y")
    assert refused.code == 4 and "for admins" in refused.err
    assert dev.run(f"apps exists -n {app} --exit-code").code == 0


def test_dry_run_transfers_nothing(people: People, dev: Person, app: str) -> None:
    other = people.add("other").name
    done = people["admin"].inv("-R", "apps.transfer", "--name", app, "--username", other)
    assert done.code == 0 and f"Would transfer app {app} on " in done.out, done.err
    assert f"to {other}. Nothing was done" in done.out
    assert dev.run(f"apps exists -n {app} --exit-code").code == 0


def test_app_that_shares_a_service_stays(
    people: People, dev: Person, app: str, sandbox: control.Running
) -> None:
    assert dev.run(f"services create --app-name {app} --type redis").code == 0
    assert dev.run(f"apps create -n {app}-2").code == 0
    link = f'linkService(appname: "{app}-2", serviceName: "{app}-redis", serviceType: redis)'
    header = f"Bearer {backstage(sandbox).tokens(dev.name).access_token}"
    assert ask(sandbox, f"mutation {{ {link} {{ ok }} }}", header).json()["data"]["linkService"]
    line = f"apps transfer -n {app} --username {people.add('other').name} -y"
    done = people["admin"].run(line)
    assert done.code == 1 and f"{app}-redis is linked to {app}-2 too" in done.err
    assert dev.run(f"apps exists -n {app} --exit-code").code == 0
