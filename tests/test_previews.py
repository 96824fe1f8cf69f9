"""Previews: their names, their mark, and that nothing but our own is ever deleted."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from de_tasks import previewing, previews
from de_tasks.api.models import App, Build, Changes, Details, Mount, People, Refusal, User
from de_tasks.api.operations import GraphQLPlatform
from de_tasks.errors import DeTasksError, NotFound, NotPermitted
from de_tasks.server import control
from tests.conftest import Cli
from tests.support.platforms import platform_of
from tests.test_main_job import fetch

pytestmark = pytest.mark.usefixtures("in_process")

PICTURE = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
CREATED = "2025-03-01T10:20:30.123456"
BRANCHES = [
    "main",
    "feature/login",
    "feature-login",
    "Feature/Login",
    "日本",
    "-",
    "x" * 250,
    "a,b:c",
]


@pytest.mark.parametrize("branch", BRANCHES)
@pytest.mark.parametrize("app", ["a", "energy", "x" * 30, "a-b-" * 7])
def test_name_is_legal_and_says_what_it_is(app: str, branch: str) -> None:
    name = previews.preview_name(app, branch)
    assert re.fullmatch(r"[a-z][a-z0-9]*(-+[a-z0-9]+)+", name) and len(name) <= 30
    assert name.startswith(app[:10].rstrip("-"))


def test_names_differ_for_all_branches_and_apps() -> None:
    pairs = [
        (app, f"{way}{n}")
        for app in ("a", "a-b")
        for way in ("f/", "f-", "b-f/", "F_")
        for n in range(2500)
    ]
    assert len({previews.preview_name(*pair) for pair in pairs}) == len(pairs)


def test_name_stays_the_same_forever() -> None:
    assert previews.preview_name("energy", "feature/login") == "energy-feature-login-w2r5nfv"


def marked(app: str = "energy", branch: str = "feature/x", message: str = "") -> App:
    """An app as the platform tells it after a deploy of a preview."""
    name, tag = previews.preview_name(app, branch), previews.mark(app, branch, CREATED)
    message = message or f"Deploy it\n\n{previews.trailer(branch)}\nDe-From: here"
    build = Build("1", "built", "0" * 40, message, "dev", "2025-03-02T10:20:30.123456")
    return App(name, "dev", "http://x/", "", True, build=build, tags=("team", tag), created=CREATED)


@pytest.mark.parametrize("branch", BRANCHES)
def test_mark_is_read_as_it_was_written(branch: str) -> None:
    preview = previews.read_mark(marked(branch=branch))
    assert (preview.app, preview.branch, preview.by_hand) == ("energy", branch, False)
    assert preview.created == datetime(2025, 3, 1, 10, 20, 30, 123456, timezone.utc)


TAG = previews.mark("energy", "feature/x", CREATED)
FORGED = {
    "no mark": (marked(), {"tags": ("team", "de-preview")}, "not as we write it"),
    "no tags": (marked(), {"tags": ()}, "does not bear"),
    "mark copied to another app": (marked(), {"name": "energy"}, "that of energy-feature-x-"),
    "mark of another preview": (marked(branch="y"), {"tags": (TAG,)}, "that of energy-feature-x-"),
    "two marks": (marked(), {"tags": (TAG, TAG)}, "not as we write it"),
    "made anew under the name": (marked(), {"created": CREATED[:-1] + "7"}, "older or younger"),
    "no time in the mark": (marked(), {"tags": (TAG.replace("2025", ""),)}, "older or younger"),
    "no time at all": (
        marked(),
        {"tags": (previews.mark("energy", "feature/x", ""),), "created": ""},
        "older or younger",
    ),
    "more in the mark": (marked(), {"tags": (f"{TAG}:x",)}, "not as we write it"),
}


@pytest.mark.parametrize("case", FORGED)
def test_mark_that_proves_nothing(case: str) -> None:
    app, changed, words = FORGED[case]
    with pytest.raises(DeTasksError, match=words):
        previews.read_mark(replace(app, **changed))  # type: ignore[arg-type]


def test_stale_previews() -> None:
    now = datetime(2025, 3, 10, tzinfo=timezone.utc)
    here, by_hand = previews.read_mark(marked()), previews.read_mark(marked(message="By hand"))
    fresh = replace(here, owner="eve", deployed=now - timedelta(minutes=5))
    every = [here, by_hand, fresh]

    def found(branches: set[str], days: int | None, user: User) -> list[previews.Preview]:
        longest = None if days is None else timedelta(days=days)
        return [s.preview for s in previews.stale(every, branches, longest, user, now)]

    dev, admin = User("dev", False), User("admin", True)
    assert found(set(), None, dev) == [here]
    assert found(set(), None, admin) == [here]  # `fresh` may be a push that is under way.
    assert found(set(), None, User("eve", False)) == [fresh]
    assert found({"feature/x"}, None, dev) == []
    assert found({"feature/x"}, 7, dev) == [here]
    assert found({"feature/x"}, 8, dev) == []


@pytest.fixture
def platform(sandbox: control.Running) -> GraphQLPlatform:
    """The platform as dev sees it."""
    return platform_of(sandbox, "dev")


@pytest.fixture
def main_app(platform: GraphQLPlatform) -> Iterator[str]:
    """A main app with settings, people, variables and a database; its previews go with it."""
    name = f"m-{secrets.token_hex(4)}"  # So short that the names of previews begin with all of it.
    platform.create_app(name)
    changes = Changes(
        title="Energy",
        description="Of all sites",
        tags=("team", "blue"),
        view_access="restricted",
        visible_on_portal=True,
        portal_rank=7,
        maintainer_email="me@example.com",
        persistent_filesystem=True,
        add_viewers=People(("viewer",)),
        add_co_owners=People(("admin",)),
        set_variables={"SHARED": "one", "SECRET": "two"},
        thumbnail=PICTURE,
    )
    assert platform.update(name, changes) == []
    yield name
    for app in list(platform.apps()):
        if app.name.startswith(name):
            platform.delete_app(app.name, platform.attached(app.name))


def wanted(app: str, **others: object) -> previewing.Wanted:
    """The preview of branch feature/x."""
    return previewing.Wanted(app, "feature/x", "dev", "here", **others)  # type: ignore[arg-type]


def yes(question: str) -> bool:
    return True


def test_preview_is_created_like_the_main_app(platform: GraphQLPlatform, main_app: str) -> None:
    platform.attach_service(main_app, "redis")
    made = previewing.prepare(platform, wanted(main_app, variables=("SHARED", "NONE")), yes)
    like, there = platform.details(main_app), platform.details(made.name)
    assert like and there and there.title == "Energy (feature/x)"
    assert there.tags[:2] == ("team", "blue") and len(there.tags) == 3
    assert platform.thumbnail(there) == PICTURE
    same = ("description", "view_access", "visible_on_portal", "portal_rank", "viewers")
    for field in (*same, "maintainer_email", "persistent_filesystem", "co_owners"):
        assert getattr(there, field) == getattr(like, field), field
    assert there.variables == {"SHARED": "one"}
    assert (made.copied, made.missing, made.unknown) == (("SHARED",), ("SECRET",), ("NONE",))
    assert made.services == (f"{made.name}-redis",)
    assert [s.name for s in like.services] == [f"{main_app}-redis"]
    assert previewing.prepare(platform, wanted(main_app), yes).created is False


def test_preview_has_as_many_processes_and_one_to_open() -> None:
    main, none = marked(), People()
    like = Details("", "", (), "restricted", False, 0, "", None, "", none, none, {}, {}, ())
    like = replace(like, scale={"web": 0, "worker": 0, "beat": 2})
    made = previewing.like_main(wanted("energy"), main, like, CREATED)
    assert made.scale == {"web": 1, "worker": 0, "beat": 2}


def test_restricted_preview_has_no_viewers(platform: GraphQLPlatform, main_app: str) -> None:
    platform.update(main_app, Changes(view_access="unauthenticated"))
    made = previewing.prepare(platform, wanted(main_app, restricted=True), yes)
    there = platform.details(made.name)
    assert there and there.view_access == "restricted" and not there.viewers
    assert there.co_owners and there.co_owners.users == ("admin",)


def test_what_people_changed_in_a_preview_stays(platform: GraphQLPlatform, main_app: str) -> None:
    made = previewing.prepare(platform, wanted(main_app, variables=("SHARED",)), yes)
    platform.update(made.name, Changes(title="Mine", set_variables={"SHARED": "three"}))
    again = previewing.prepare(platform, wanted(main_app, variables=("SHARED", "SECRET")), yes)
    there = platform.details(made.name)
    assert there and there.title == "Mine"
    assert there.variables == {"SHARED": "three", "SECRET": "two"}
    assert (again.copied, again.missing) == (("SECRET",), ())


HANDS = (
    Changes(title="Mine"),
    Changes(description="Mine"),
    Changes(tags=("mine",)),
    Changes(set_variables={"MINE": "1"}),
    Changes(add_viewers=People(("viewer",))),
    Changes(thumbnail=PICTURE),
)


def test_app_of_that_name_made_by_hand_is_left_alone(
    platform: GraphQLPlatform, main_app: str
) -> None:
    name = wanted(main_app).name
    for changes in HANDS:
        platform.create_app(name)
        assert platform.update(name, changes) == []
        before = platform.details(name)
        with pytest.raises(DeTasksError, match="does not bear the mark"):
            previewing.prepare(platform, wanted(main_app), yes)
        assert platform.details(name) == before
        platform.delete_app(name)
    platform.create_app(name)
    platform.attach_service(name, "redis")
    with pytest.raises(DeTasksError, match="does not bear the mark"):
        previewing.prepare(platform, wanted(main_app), yes)
    with pytest.raises(DeTasksError, match="does not bear the mark"):
        previews.find(platform, main_app, "feature/x")
    assert list(previews.listed(platform, main_app)) == []


def test_app_made_anew_with_the_mark_copied_is_left_alone(
    platform: GraphQLPlatform, main_app: str
) -> None:
    made = previewing.prepare(platform, wanted(main_app), yes)
    preview = previews.find(platform, main_app, "feature/x")
    before = platform.details(made.name)
    platform.delete_app(made.name)
    platform.create_app(made.name)
    assert before
    platform.update(made.name, Changes(tags=before.tags))
    with pytest.raises(DeTasksError, match="older or younger"):
        previews.delete(platform, preview, User("dev", False))
    assert platform.app(made.name)


def test_preview_without_its_mark_is_not_left_behind(
    platform: GraphQLPlatform, main_app: str
) -> None:
    platform.update(main_app, Changes(tags=("x" * 9990,)))  # With the mark it is too long.
    with pytest.raises(DeTasksError, match="longer than 10000"):
        previewing.prepare(platform, wanted(main_app), yes)
    assert platform.app(wanted(main_app).name) is None


def test_interrupted_creation_leaves_no_app_without_a_mark(
    sandbox: control.Running, main_app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = platform_of(sandbox, "dev")

    def interrupted(name: str, changes: Changes) -> list[Refusal]:
        raise KeyboardInterrupt

    monkeypatch.setattr(platform, "update", interrupted)
    with pytest.raises(KeyboardInterrupt):
        previewing.prepare(platform, wanted(main_app), yes)
    assert platform.app(wanted(main_app).name) is None


def test_creation_that_was_killed_is_gone_on_with(
    sandbox: control.Running, main_app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform, name = platform_of(sandbox, "dev"), wanted(main_app).name
    child = os.fork()
    if not child:
        try:
            own = platform_of(sandbox, "dev")
            monkeypatch.setattr(own, "update", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            previewing.prepare(own, wanted(main_app), yes)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    there = platform.app(name)
    assert there and there.tags == ()
    other = replace(wanted(main_app), user="eve")
    with pytest.raises(DeTasksError, match="does not bear the mark"):
        previewing.prepare(platform, other, yes)
    assert previewing.prepare(platform, wanted(main_app), yes).created
    assert previews.find(platform, main_app, "feature/x").name == name


def test_folders_of_the_server_are_given_by_name_alone(
    platform: GraphQLPlatform, main_app: str, sandbox: control.Running
) -> None:
    maps, data = (Mount(str(sandbox.data / "shared" / n), n) for n in ("maps", "data"))
    for mount in (maps, data):
        Path(mount.host).mkdir(parents=True, exist_ok=True)
    assert platform.update(main_app, Changes(add_mounts=(maps, data))) == []
    made = previewing.prepare(platform, wanted(main_app, mounts=("maps",)), yes)
    there = platform.details(made.name)
    assert there and there.mounts == (maps,)
    assert (made.mounted, made.unmounted) == (("maps",), ("data",))
    told = previewing.told(made, wanted(main_app)).text
    assert "Without the folders data: de.preview.mounts" in told
    again = previewing.prepare(platform, wanted(main_app, mounts=(data.host,)), yes)
    assert (again.mounted, again.unmounted) == (("data",), ())


def test_thumbnail_elsewhere_gets_no_credentials(platform: GraphQLPlatform, main_app: str) -> None:
    like = platform.details(main_app)
    assert like
    with pytest.raises(DeTasksError, match="on another server: example"):
        platform.thumbnail(replace(like, thumbnail_url="http://example.com/x.png"))
    with pytest.raises(DeTasksError, match="is no picture"):
        platform.thumbnail(replace(like, thumbnail_url=like.thumbnail_url + "-"))


def test_no_means_that_nothing_is_created(platform: GraphQLPlatform, main_app: str) -> None:
    with pytest.raises(DeTasksError, match="Nothing was deployed"):
        previewing.prepare(platform, wanted(main_app), lambda question: False)
    assert platform.app(wanted(main_app).name) is None


def test_main_app_must_be_there_and_no_preview(platform: GraphQLPlatform, main_app: str) -> None:
    with pytest.raises(NotFound, match="created like it"):
        previewing.prepare(platform, wanted("nowhere"), yes)
    made = previewing.prepare(platform, wanted(main_app), yes)
    with pytest.raises(DeTasksError, match="is a preview itself"):
        previewing.prepare(platform, wanted(made.name), yes)


def test_delete_takes_its_own_services_alone(platform: GraphQLPlatform, main_app: str) -> None:
    made = previewing.prepare(platform, wanted(main_app), yes)
    platform.attach_service(made.name, "redis", f"{main_app}-archive")
    platform.attach_service(main_app, "postgres")
    previewing.prepare(platform, wanted(main_app), yes)
    preview = previews.find(platform, main_app, "feature/x")
    deleted = previews.delete(platform, preview, User("dev", False))
    assert deleted.services == (f"{made.name}-postgres",) and deleted.kept == (
        f"{main_app}-archive",
    )
    left = {s.name for s in platform.services() if s.name.startswith(main_app)}
    assert left == {f"{main_app}-archive", f"{main_app}-postgres"}
    platform.attach_service(main_app, "redis", f"{main_app}-archive")


def test_who_may_not_delete_the_app_loses_no_service(
    sandbox: control.Running, platform: GraphQLPlatform, main_app: str
) -> None:
    platform.attach_service(main_app, "redis")
    made = previewing.prepare(platform, wanted(main_app), yes)
    preview = previews.find(platform, main_app, "feature/x")
    with pytest.raises(NotPermitted, match="Only dev"):
        previews.delete(platform, preview, User("someone", False))
    assert [s.name for s in platform.attached(made.name)] == [f"{made.name}-redis"]


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


def test_preview_from_branch_to_prune(cli: Cli, clone: Path, platform: GraphQLPlatform) -> None:
    refused = cli.run("preview.deploy", "-y", folder=clone)
    assert refused.returncode == 5 and "Deploy it first" in refused.stderr
    platform.create_app(clone.name)
    assert platform.update(clone.name, Changes(visible_on_portal=True, scale={"web": 2})) == []
    assert cli.run("deploy", "-y", folder=clone).returncode == 0
    (clone / "index.html").write_text("two")
    asked = cli.run("preview.deploy", "--branch", "feature/x", folder=clone)
    assert asked.returncode == 2 and "give -y" in asked.stderr
    done = cli.run(
        "preview.deploy", "--branch=feature/x", "-y", "--message=$(id); `id`", folder=clone
    )
    assert done.returncode == 0, done.stderr
    (item,) = json.loads(cli.run("preview.list", "--json", folder=clone).stdout)
    there = platform.details(item["name"])
    assert there and there.scale == {"web": 2} and fetch(item["url"]) == (200, "two")
    assert (item["branch"], item["owner"], item["build"]) == ("feature/x", "dev", "built")
    assert item["url"] in done.stdout and item["age_seconds"] < 600
    portal = fetch(f"{cli.host}/?q={item['name']}")[1]
    assert f"/{item['name']}/" in portal and "de-preview" not in portal
    shown = cli.run("preview.list", folder=clone).stdout.splitlines()[1].split()
    assert shown[:3] == ["feature/x", "0", "min"]

    kept = cli.run("preview.prune", folder=clone)
    assert kept.returncode == 0 and "No preview of" in kept.stderr
    git(clone, "push", "-q", "origin", "--delete", "feature/x")
    dry = cli.run("preview.prune", "--json", folder=clone)
    assert [i["deleted"] for i in json.loads(dry.stdout)] == [False]
    gone = cli.run("preview.prune", "-y", folder=clone)
    assert gone.returncode == 0 and f"{item['name']} of feature/x was deleted" in gone.stdout
    assert not list(cli.home.rglob(f"deploy/{item['name']}*.git"))
    assert cli.run("preview.list", "--json", folder=clone).stdout == "[]\n"
    assert cli.run("preview.delete", "--branch=feature/x", "-y", folder=clone).returncode == 5
    absent = cli.run("preview.delete", "--branch=feature/x", "-y", "--if-exists", folder=clone)
    assert absent.returncode == 0 and "has no preview" in absent.stdout


def test_preview_that_was_deployed_to_by_hand_stays(cli: Cli, clone: Path) -> None:
    cli.run("deploy", "-y", folder=clone)
    assert cli.run("preview.deploy", "--branch=gone", "-y", folder=clone).returncode == 0
    (item,) = json.loads(cli.run("preview.list", "--json", folder=clone).stdout)
    (clone / "extra").write_text("x")
    assert cli.run("deploy", "-y", "--name", item["name"], folder=clone).returncode == 0
    assert cli.run("preview.prune", "-y", folder=clone).returncode == 0
    refused = cli.run("preview.delete", "--branch=gone", "-y", folder=clone)
    assert refused.returncode == 1 and "something else was deployed" in refused.stderr
    assert json.loads(cli.run("preview.list", "--json", folder=clone).stdout)[0]["by_hand"] is True


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (("remote", "set-url", "origin", "/nowhere"), 75, "does not tell its branches: '/nowhere'"),
        (("remote", "remove", "origin"), 2, "no remote 'origin'"),
        (("push", "-q", "origin", "--delete", "feature/x"), 0, "No preview"),
        (("remote", "set-url", "origin", "../empty.git"), 1, "no branches at all"),
    ],
)
def test_what_is_not_known_is_not_taken_for_gone(
    change: tuple[str, ...], code: int, words: str, cli: Cli, clone: Path
) -> None:
    git(clone.parent, "init", "-q", "--bare", "empty.git")
    git(clone, *change)
    done = cli.run("preview.prune", "-y", folder=clone)
    assert done.returncode == code and words in done.stderr


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
def test_bad_usage_is_named(arguments: tuple[str, ...], words: str, cli: Cli, quick: Path) -> None:
    task, *options = arguments
    done = cli.run(f"preview.{task}", *options, folder=quick)
    assert done.returncode == 2 and words in done.stderr
