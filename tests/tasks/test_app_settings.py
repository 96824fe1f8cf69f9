"""`apps.export`, `apps.plan` and `apps.apply`, on a sandbox."""

from __future__ import annotations

import json
import secrets
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from de_tasks.deployment.settings.export import as_yaml
from de_tasks.errors import Temporary
from de_tasks.platform.graphql.client import Answer, Client
from de_tasks.platform.graphql.operations import GraphQLPlatform
from tests.support.app_settings import REACHABLE
from tests.support.backstage import PASSWORD
from tests.support.fleets import fleet_folder
from tests.support.people import TASKS, Done, People, Person
from tests.support.vendor import FAKE

PNG = b"\x89PNG\r\n\x1a\n"
KILLED = """
import os, signal
from de_tasks import ns
from de_tasks.platform.graphql.client import Client
send, changes = Client.execute, []
def execute(self, document, *given, **more):
    changes.extend([document] * document.startswith("mutation"))
    if len(changes) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return send(self, document, *given, **more)
Client.execute = execute
"""
"""A tasks.py whose process ends before its second change is sent."""


class Shop:
    """An app of somebody, in a folder whose `invoke.yaml` lists its settings."""

    def __init__(self, owner: Person, folder: Path) -> None:
        self.name = f"shop-{secrets.token_hex(3)}"
        self.owner, self.folder = owner, folder
        folder.mkdir()
        assert owner.inv("apps.create", "--name", self.name).code == 0

    def wish(self, **settings: Any) -> Shop:
        """List settings for it."""
        return self.write({"app": self.name, "settings": settings})

    def write(self, section: Mapping[str, Any]) -> Shop:
        """Write the section `de`."""
        (self.folder / "invoke.yaml").write_text(as_yaml({"de": section}))
        return self

    def inv(self, line: str, **more: Any) -> Done:
        """Run a task in the folder."""
        return self.owner.inv(*line.split(), folder=self.folder, **more)


@pytest.fixture
def shop(dev: Person, tmp_path: Path) -> Shop:
    return Shop(dev, tmp_path / "shop")


def test_a_plan_says_what_differs_and_after_apply_nothing(shop: Shop, people: People) -> None:
    friend = people["pal"].name
    (shop.folder / "picture.png").write_bytes(PNG)
    shop.wish(title="Sales", tags=["b", "a"], viewers=[friend.upper()], thumbnail="picture.png")
    found = shop.inv("apps.plan")
    assert (found.code, found.out.splitlines()[1:]) == (
        6,
        [
            f"  ~ title: {shop.name} -> Sales",
            "  + tag b",
            "  + tag a",
            f"  + viewer {friend}",
            "  + thumbnail: none -> PNG of 8 bytes",
        ],
    )
    done = shop.inv("apps.apply -y")
    assert (done.code, done.out.splitlines()[-1]) == (0, f"{shop.name}: 5 changes made, in step")
    assert shop.inv("apps.plan").code == 0
    assert shop.inv("apps.apply").code == 0  # Nothing to ask.


@pytest.fixture
def named(people: People) -> dict[str, str]:
    """The names that two people and their groups have here."""
    groups = {stem: f"{stem}{secrets.token_hex(3)}" for stem in ("ann", "bob")}
    made = {stem: people.add(stem, groups=[group]).name for stem, group in groups.items()}
    return {**made, "g": groups["ann"], "h": groups["bob"]}


@given(wishes=st.lists(REACHABLE, min_size=2, max_size=2))
@bounded(
    max_examples=4,
    deadline=None,
    # To find a smaller one takes minutes.
    phases=(Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_random_wish_is_reached_from_a_random_state(
    shop: Shop, named: dict[str, str], wishes: list[dict[str, Any]]
) -> None:
    service, there = f"{shop.name}-redis", False
    for wish in wishes:
        gone = there and wish.get("services") == []
        there = wish.get("services", ["redis"] * there) == ["redis"]
        for who in {"viewers", "co_owners"} & set(wish):
            wish[who] = {k: [named[name] for name in v] for k, v in wish[who].items()}
        pruned = f"--prune --prune-service {service}" if gone else "--prune"
        done = shop.wish(**wish).inv(f"apps.apply -y {pruned}")
        assert done.code == 0, done.err
        assert shop.inv("apps.plan --prune").code == 0
    exported = shop.inv("apps.export").out
    (shop.folder / "invoke.yaml").write_text(f"{exported}  app: {shop.name}\n")
    assert shop.inv("apps.plan --prune").code == 0
    if there:
        shop.wish(services=[]).inv(f"apps.apply -y --prune-service {service}")


def test_what_is_not_listed_stays_unless_it_is_pruned(shop: Shop) -> None:
    assert shop.inv(f"update --name {shop.name} --tag old --add-environment-variable K=v").code == 0
    shop.wish(tags=["new"], variables=[])
    assert shop.inv("apps.apply -y").code == 0
    kept = shop.inv("apps.plan")
    assert (kept.code, "kept: tag old, variable K" in kept.err) == (0, True)
    asked = shop.inv("apps.apply --prune", terminal=True, stdin="n\n")
    assert f"This removes {shop.name}: tag old, {shop.name}: variable K. Apply" in asked.err
    assert shop.inv("apps.apply --prune -y").code == 0
    assert "tag old" not in shop.inv("apps.export").out


def test_a_service_is_attached_and_deleted_only_by_its_name(shop: Shop) -> None:
    shop.wish(services=["redis"])
    assert shop.inv("apps.apply -y").code == 0
    shop.wish(services=[])
    kept = shop.inv("apps.apply -y --prune")
    assert f"--prune-service {shop.name}-redis" in kept.err
    listed = shop.wish(services=["redis"]).inv(f"apps.plan --prune-service {shop.name}-redis")
    assert listed.code == 2 and "invoke.yaml lists its type, or no services at all" in listed.err
    shop.wish(services=[])
    gone = shop.inv(f"apps.apply -y --prune-service {shop.name}-redis")
    assert f"- service {shop.name}-redis: redis, with all its data" in gone.out
    assert json.loads(shop.inv("apps.export --json").out)["de"]["settings"]["services"] == []


def test_values_come_from_where_the_file_says_and_are_never_shown(shop: Shop) -> None:
    (shop.folder / ".env.production").write_text("A=hunter2\n")
    sources = {"A": {"from": "file:.env.production"}, "B": {"from": "env:ELSEWHERE"}}
    shop.wish(variables=sources)
    shop.owner.environment["ELSEWHERE"] = "hunter3"
    seen = [shop.inv(line) for line in ("apps.plan", "apps.apply -y", "apps.plan --json")]
    assert [done.code for done in seen] == [6, 0, 0]
    (shop.folder / ".env.production").write_text("A=hunter4\n")
    seen.append(shop.inv("apps.plan"))
    assert "~ variable A: differs from file:.env.production" in seen[-1].out
    assert "hunter" not in "".join(done.out + done.err for done in seen)


def test_a_missing_variable_is_said_and_nothing_is_changed(shop: Shop) -> None:
    shop.wish(title="Sales", variables={"KEY": {"from": "env:NOT_THERE"}})
    assert shop.inv("apps.plan").code == 6
    done = shop.inv("apps.apply -y")
    assert (done.code, "NOT_THERE is not set here" in done.err) == (1, True)
    assert "Sales" not in shop.inv("apps.export").out


def test_an_app_that_changed_since_its_plan_was_shown_is_left_alone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from de_tasks.terminal import console

    def meanwhile(question: str, yes: bool) -> bool:
        shop.owner.inv("update", "--name", shop.name, "--description", "another's")
        return True

    shop.wish(title="Sales")
    monkeypatch.setattr(console, "confirm", meanwhile)
    done = shop.inv("apps.apply")
    assert (done.code, "has changed since the plan was shown" in done.err) == (1, True)
    assert "Sales" not in shop.inv("apps.export").out


def test_one_apps_failure_stops_no_other(shop: Shop) -> None:
    other = Shop(shop.owner, shop.folder / "other").name
    entries: list[dict[str, Any]] = [
        {"name": "nothing-here", "settings": {"tags": ["x"]}},
        {"name": shop.name, "settings": {"viewers": ["nobody-here"], "title": "Own"}},
        {"name": other},
    ]
    shop.write({"apps": entries, "settings": {"title": "All"}})
    done = shop.inv("apps.apply --all -y --json")
    found = {app["name"]: app for app in json.loads(done.out)}
    assert done.code == 5
    assert found[other]["in_step"]
    assert found[other]["done"] == [{"action": "~", "what": "title", "text": f"{other} -> All"}]
    assert [line["what"] for line in found[shop.name]["done"]] == ["title"]
    assert "nobody-here" in found[shop.name]["failures"][0]
    assert "does not exist" in found["nothing-here"]["failures"][0]


def test_losing_ones_own_access_is_asked_for_twice(shop: Shop, people: People) -> None:
    mate = people["mate"]
    assert shop.inv(f"update --name {shop.name} --add-co-owner {mate.name}").code == 0
    shop.wish(co_owners=[])
    shop.owner = mate
    refused = shop.inv("apps.apply --prune -y")
    assert (refused.code, "--give-up-access" in refused.err) == (2, True)
    asked = shop.inv("apps.apply --prune", terminal=True, stdin="y\nn\n")
    assert (asked.code, "no longer be able to manage" in asked.err) == (1, True)
    assert shop.inv("apps.plan").code == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("apps.plan --name x --all", "contradicts"),
        ("apps.plan --all", "listed before"),
        ("apps.plan --name nothing", "There is no app 'nothing' in de.apps"),
        ("apps.plan", "Which app?"),
    ],
)
def test_bad_choices_are_named(nobody: Person, line: str, words: str) -> None:
    entries = ["a", "a"] if "--all" in line and "--name" not in line else ["a"]
    listed = [{"name": name} for name in entries]
    (nobody.home / "invoke.yaml").write_text(json.dumps({"de": {"apps": listed}}))
    done = nobody.inv(*line.split())
    assert (done.code, words in done.err) == (2, True)


def test_all_apps_are_exported_and_plan_to_nothing(shop: Shop) -> None:
    shop.inv(f"update --name {shop.name} --description two\nlines --view-access restricted")
    (shop.folder / "invoke.yaml").write_text(shop.inv("apps.export --all").out)
    assert shop.inv("apps.plan --all --prune").code == 0


def test_a_thumbnail_is_exported_as_a_file_that_the_form_names(shop: Shop) -> None:
    (shop.folder / "picture.png").write_bytes(PNG)
    assert shop.wish(thumbnail="picture.png").inv("apps.apply -y").code == 0
    written = shop.folder / f"{shop.name}-thumbnail.png"
    assert written.name in shop.inv("-R apps.export").out and not written.exists()
    done = shop.inv("apps.export --all")
    assert f"Wrote {written}" in done.err and written.read_bytes() == PNG
    (shop.folder / "invoke.yaml").write_text(done.out)
    assert shop.inv("apps.plan --all --prune").code == 0
    written.write_bytes(b"another's")
    refused = shop.inv(f"apps.export --name {shop.name}")
    assert (refused.code, written.read_bytes()) == (1, b"another's"), refused.err


def test_a_lost_connection_leaves_the_rest_to_the_same_command(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"V{number}" for number in range(12)]
    shop.owner.environment |= dict.fromkeys(names, "x")
    shop.wish(variables={name: {"from": f"env:{name}"} for name in names})
    requests, send = [], Client.execute

    def lost(client: Client, document: str, *given: Any, **more: Any) -> Answer:
        requests.append(document)
        if sum(document.startswith("mutation") for document in requests) == 2:
            requests.clear()
            raise Temporary("The connection was lost.")
        return send(client, document, *given, **more)

    monkeypatch.setattr(Client, "execute", lost)
    first = shop.inv("apps.apply -y --json")
    (found,) = json.loads(first.out)
    assert (first.code, len(found["done"]), len(found["left"])) == (75, 10, 2)
    assert shop.inv("apps.apply -y").out.splitlines()[-1].endswith("2 changes made, in step")


def test_a_killed_apply_is_finished_by_the_same_command(shop: Shop) -> None:
    names = [f"V{number}" for number in range(12)]
    shop.owner.environment |= dict.fromkeys(names, "x")
    shop.wish(title="Sales", variables={name: {"from": f"env:{name}"} for name in names})
    (shop.folder / "tasks.py").write_text(KILLED)
    assert shop.owner.spawn("apps.apply", "-y", folder=shop.folder).code == -signal.SIGKILL
    (shop.folder / "tasks.py").write_text(TASKS)
    left = shop.inv("apps.plan").out.count("variable V")
    assert 0 < left < len(names), "some were set, and some were not"
    done = shop.inv("apps.apply -y")
    assert (done.code, done.out.splitlines()[-1].endswith("in step")) == (0, True), done.err
    assert shop.inv("apps.plan").code == 0


def test_nobody_claims_to_know_what_was_done_when_nothing_can_be_read(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*given: object) -> None:
        monkeypatch.setattr(GraphQLPlatform, "details", lost)
        raise Temporary("The connection was lost.")

    monkeypatch.setattr(GraphQLPlatform, "update", lost)
    done = shop.wish(title="Sales").inv("apps.apply -y")
    assert (done.code, "how much was done is not known" in done.err) == (75, True)


def test_a_deploy_applies_settings_before_and_scale_behind(dev: Person, quick: Path) -> None:
    name = f"quick-{secrets.token_hex(3)}"
    section = {"title": "Quick", "variables": {"K": {"from": "env:K"}}, "scale": {"web": 2}}
    dev.environment["K"] = "v"
    (quick / "invoke.yaml").write_text(as_yaml({"de": {"app": name, "settings": section}}))
    done = dev.inv("deploy", "-y", "--apply", "--json", folder=quick)
    assert done.code == 0, done.err
    assert [json.loads(line)["event"] for line in done.out.splitlines()][-1] == "done"
    assert "scale of web: 1 -> 2" in done.err
    assert dev.inv("apps.plan", folder=quick).code == 0


def test_a_deploy_that_sends_nothing_shows_what_its_settings_would_change(
    shop: Shop, quick: Path
) -> None:
    (shop.folder / "Procfile").write_text((quick / "Procfile").read_text())
    shop.wish(title="Sales", scale={"web": 2})
    done = shop.inv("deploy -y --apply --dry-run")
    assert done.code == 0 and "title: " in done.err and "Nothing was sent" in done.out, done
    assert "scale of web is set when the app is deployed" in done.err
    refused = shop.inv("deploy -y --apply --no-wait")
    assert refused.code == 2 and "scales processes once the app is deployed" in refused.err
    assert '"title": "Sales"' not in shop.inv("apps.export --json").out
    unknown = shop.wish(viewers=["nobody-here"]).inv("deploy -y --apply --dry-run")
    assert unknown.code == 0 and "nobody-here" in unknown.err


def test_plans_that_fail_alike_end_with_their_code(shop: Shop) -> None:
    gone = [{"name": name, "settings": {"title": "X"}} for name in ("not-here-1", "not-here-2")]
    done = shop.write({"apps": gone}).inv("apps.plan --all")
    assert done.code == 5 and done.err.count("does not exist") == 2
    assert "not-here-1" in done.err and "not-here-2" in done.err


def test_a_picture_that_cannot_be_written_is_named(shop: Shop) -> None:
    (shop.folder / "picture.png").write_bytes(PNG)
    assert shop.wish(thumbnail="picture.png").inv("apps.apply -y").code == 0
    (shop.folder / f"{shop.name}-thumbnail.png").mkdir()
    done = shop.inv("apps.export")
    assert done.code == 1 and f"{shop.name}-thumbnail.png cannot be written: Is a dir" in done.err


def test_a_fleet_deploys_what_got_its_settings(dev: Person, tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    first, second = fleet_folder(folder, "fleet", 2)
    broken = {"name": second, "settings": {"viewers": ["nobody-here"]}}
    section = {"apps": [{"name": first}, broken], "settings": {"title": "All"}}
    (folder / "invoke.yaml").write_text(as_yaml({"de": section}))
    done = dev.inv("fleet.deploy", "--all", "-y", "--apply", "--json", folder=folder)
    *_, summary, failure = map(json.loads, done.out.splitlines())
    assert (done.code, summary["code"], failure["error"]["code"]) == (5, 5, 5)
    assert "nobody-here" in done.out and summary["not begun"] == 1
    assert dev.inv("apps.plan", "--name", first, folder=folder).code == 0
    assert dev.inv("apps.status", "--name", second).out.startswith("This app has not been")


def test_an_app_of_another_is_not_begun_and_stops_no_other(
    people: People, dev: Person, tmp_path: Path
) -> None:
    folder = tmp_path / "fleet"
    ours, theirs = fleet_folder(folder, "fleet", 2)
    assert people["admin"].inv("apps.create", "--name", theirs).code == 0
    section = {"apps": [ours, theirs], "settings": {"title": "All"}}
    (folder / "invoke.yaml").write_text(as_yaml({"de": section}))
    no = dev.inv("fleet.deploy", "--all", "--apply", folder=folder, terminal=True, stdin="n\n")
    assert no.code == 1 and no.err.endswith(" Nothing was deployed.\n")
    done = dev.inv("fleet.deploy", "--all", "-y", "--apply", "--json", folder=folder)
    ended = {x["app"]: x for x in map(json.loads, done.out.splitlines()) if x.get("status")}
    assert done.code == 1 and ended[ours]["status"] == "live"
    assert ended[theirs]["status"] == "not begun" and "already" in ended[theirs]["text"]


def test_through_de_settings_are_set_and_what_cannot_be_compared_is_said(
    shop: Shop, tmp_path: Path
) -> None:
    shop.owner.environment |= {
        "INVOKE_DE_PLATFORM": "de",
        "INVOKE_DE_EXECUTABLE": str(FAKE),
        "INVOKE_DE_KEYFILE": "",
        "INVOKE_DE_NO_KEYFILE": "1",
        "DASH_ENTERPRISE_USERNAME": shop.owner.name,
        "DASH_ENTERPRISE_PASSWORD": PASSWORD,
    }
    shop.wish(title="Sales", tags=["a"], scale={"web": 2})
    seen = shop.inv("apps.plan")
    assert (seen.code, "? title cannot be compared" in seen.err) == (1, True)
    assert '"in_step": null' in shop.inv("apps.plan --json").out
    done = shop.inv("apps.apply -y")
    assert (done.code, "scale cannot be compared, nor set" in done.err) == (0, True)
    nothing = shop.inv(f"apps.update --name {shop.name} --add-viewer ,")
    assert (nothing.code, f"nothing to change for {shop.name}:" in nothing.err) == (2, True)
    promoted = shop.inv(f"promote --from {shop.name} --name other")
    assert (promoted.code, "it does not tell what serves" in promoted.err) == (1, True)
    shop.owner.environment.clear()
    assert shop.inv("apps.export --json").out.count('"title": "Sales"') == 1


def test_an_apps_own_file_names_it_for_its_settings_too(shop: Shop) -> None:
    (shop.folder / "inner").mkdir()
    (shop.folder / "inner" / "invoke.yaml").write_text(as_yaml({"de": {"app": shop.name}}))
    shop.write({"apps": [{"path": "inner", "settings": {"title": "Own"}}]})
    assert shop.inv("apps.apply --all -y").code == 0
    assert (
        json.loads(shop.inv("apps.export --all --json").out)["de"]["apps"][0]["name"] == shop.name
    )


def test_a_deploy_takes_the_settings_for_its_host(dev: Person, quick: Path) -> None:
    name = f"quick-{secrets.token_hex(3)}"
    other = {"name": name, "path": ".", "host": "other.example", "settings": {"title": "Other"}}
    here = {"name": name, "path": ".", "host": dev.host, "settings": {"title": "Here"}}
    (quick / "invoke.yaml").write_text(as_yaml({"de": {"apps": [other, here]}}))
    assert dev.inv("deploy", "--name", name, "-y", "--apply", folder=quick).code == 0
    assert '"title": "Here"' in dev.inv("apps.export", "--name", name, "--json", folder=quick).out
    (quick / "invoke.yaml").write_text(as_yaml({"de": {"apps": [other]}}))
    refused = dev.inv("deploy", "--name", name, "-y", "--apply", folder=quick)
    assert (refused.code, "for other hosts" in refused.err) == (2, True)


def test_a_refused_deploy_leaves_the_settings_as_they_were(
    shop: Shop, people: People, quick: Path
) -> None:
    mate = people["mate"]
    assert shop.inv(f"update --name {shop.name} --add-co-owner {mate.name}").code == 0
    assert mate.inv("deploy", "--name", shop.name, "-y", folder=quick).code == 0
    (quick / "invoke.yaml").write_text(as_yaml({"de": {"settings": {"title": "Mine"}}}))
    line = ("deploy", "--name", shop.name, "--apply")
    for more in (("--no-overwrite", "-y"), ()):
        done = shop.owner.inv(*line, *more, folder=quick, terminal=True, stdin="n\n")
        assert done.code == 1, done.err
    assert "Mine" not in shop.inv(f"apps.export --name {shop.name}").out


def test_a_service_that_is_not_there_is_named(shop: Shop) -> None:
    shop.wish(services=[])
    done = shop.inv("apps.apply -y --prune-service typo")
    assert (done.code, "none of these apps has this service" in done.err) == (2, True)
