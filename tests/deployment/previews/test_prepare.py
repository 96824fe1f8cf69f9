"""Previews are like their app, and an app that is none is left alone."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from de_tasks.deployment.previews import prepare, prune
from de_tasks.deployment.previews.prepare import WantedPreview
from de_tasks.errors import DeTasksError, NotFound
from de_tasks.platform.graphql.operations import GraphQLPlatform
from de_tasks.platform.models import Changes, Details, Mount, People, RefusedChange
from de_tasks.server import control
from tests.support.marks import CREATED, marked
from tests.support.people import People as Users
from tests.support.people import Person
from tests.support.platforms import platform_of
from tests.support.previews import PICTURE, Wish


def yes(question: str) -> bool:
    return True


def test_preview_is_created_like_the_main_app(
    platform: GraphQLPlatform, main_app: str, wanted: Wish
) -> None:
    platform.attach_service(main_app, "redis")
    made = prepare.prepare(platform, wanted(main_app, variables=("SHARED", "NONE")), yes)
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
    lines = prepare.told(made, wanted(main_app)).text.splitlines()
    assert "Copied the values of SHARED" in lines
    assert f"{main_app} has no variables NONE, which de.preview.variables names" in lines
    assert [s.name for s in like.services] == [f"{main_app}-redis"]
    assert prepare.prepare(platform, wanted(main_app), yes).created is False


def test_preview_has_as_many_processes_and_one_to_open() -> None:
    main, none = marked(), People()
    like = Details("", "", (), "restricted", False, 0, "", None, "", none, none, {}, {}, ())
    like = replace(like, scale={"web": 0, "worker": 0, "beat": 2})
    made = prepare.like_main(
        WantedPreview("energy", "feature/x", "dev", "here"), main, like, CREATED
    )
    assert made.scale == {"web": 1, "worker": 0, "beat": 2}


def test_restricted_preview_has_no_viewers(
    platform: GraphQLPlatform, main_app: str, people: Users, wanted: Wish
) -> None:
    platform.update(main_app, Changes(view_access="unauthenticated"))
    made = prepare.prepare(platform, wanted(main_app, restricted=True), yes)
    there = platform.details(made.name)
    assert there and there.view_access == "restricted" and not there.viewers
    assert there.co_owners and there.co_owners.users == (people["admin"].name,)


def test_what_people_changed_in_a_preview_stays(
    platform: GraphQLPlatform, main_app: str, wanted: Wish
) -> None:
    made = prepare.prepare(platform, wanted(main_app, variables=("SHARED",)), yes)
    platform.update(made.name, Changes(title="Mine", set_variables={"SHARED": "three"}))
    again = prepare.prepare(platform, wanted(main_app, variables=("SHARED", "SECRET")), yes)
    there = platform.details(made.name)
    assert there and there.title == "Mine"
    assert there.variables == {"SHARED": "three", "SECRET": "two"}
    assert (again.copied, again.missing) == (("SECRET",), ())


HANDS = (
    Changes(title="Mine"),
    Changes(description="Mine"),
    Changes(tags=("mine",)),
    Changes(set_variables={"MINE": "1"}),
    Changes(thumbnail=PICTURE),
)


def test_app_of_that_name_made_by_hand_is_left_alone(
    platform: GraphQLPlatform, main_app: str, people: Users, wanted: Wish
) -> None:
    name = wanted(main_app).name
    for changes in (*HANDS, Changes(add_viewers=People((people["viewer"].name,)))):
        platform.create_app(name)
        assert platform.update(name, changes) == []
        before = platform.details(name)
        with pytest.raises(DeTasksError, match="does not bear the mark"):
            prepare.prepare(platform, wanted(main_app), yes)
        assert platform.details(name) == before
        platform.delete_app(name)
    platform.create_app(name)
    platform.attach_service(name, "redis")
    with pytest.raises(DeTasksError, match="does not bear the mark"):
        prepare.prepare(platform, wanted(main_app), yes)
    with pytest.raises(DeTasksError, match="does not bear the mark"):
        prune.find(platform, main_app, "feature/x")
    assert list(prune.listed(platform, main_app)) == []


def test_preview_without_its_mark_is_not_left_behind(
    platform: GraphQLPlatform, main_app: str, wanted: Wish
) -> None:
    platform.update(main_app, Changes(tags=("x" * 9990,)))  # With the mark it is too long.
    with pytest.raises(DeTasksError, match="longer than 10000"):
        prepare.prepare(platform, wanted(main_app), yes)
    assert platform.app(wanted(main_app).name) is None


def test_interrupted_creation_leaves_no_app_without_a_mark(
    sandbox: control.Running,
    dev: Person,
    main_app: str,
    monkeypatch: pytest.MonkeyPatch,
    wanted: Wish,
) -> None:
    platform = platform_of(sandbox, dev.name)

    def interrupted(name: str, changes: Changes) -> list[RefusedChange]:
        raise KeyboardInterrupt

    monkeypatch.setattr(platform, "update", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare.prepare(platform, wanted(main_app), yes)
    assert platform.app(wanted(main_app).name) is None


def test_creation_that_was_killed_is_gone_on_with(
    sandbox: control.Running,
    dev: Person,
    main_app: str,
    monkeypatch: pytest.MonkeyPatch,
    wanted: Wish,
) -> None:
    platform, name = platform_of(sandbox, dev.name), wanted(main_app).name
    child = os.fork()
    if not child:
        try:
            own = platform_of(sandbox, dev.name)
            monkeypatch.setattr(own, "update", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            prepare.prepare(own, wanted(main_app), yes)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    there = platform.app(name)
    assert there and there.tags == ()
    other = replace(wanted(main_app), user="eve")
    with pytest.raises(DeTasksError, match="does not bear the mark"):
        prepare.prepare(platform, other, yes)
    assert prepare.prepare(platform, wanted(main_app), yes).created
    assert prune.find(platform, main_app, "feature/x").name == name


def test_folders_of_the_server_are_given_by_name_alone(
    platform: GraphQLPlatform, main_app: str, sandbox: control.Running, wanted: Wish
) -> None:
    shared = sandbox.data / "shared" / main_app
    maps, data = (Mount(str(shared / n), n) for n in ("maps", "data"))
    for mount in (maps, data):
        Path(mount.host).mkdir(parents=True, exist_ok=True)
    assert platform.update(main_app, Changes(add_mounts=(maps, data))) == []
    made = prepare.prepare(platform, wanted(main_app, mounts=("maps",)), yes)
    there = platform.details(made.name)
    assert there and there.mounts == (maps,)
    assert (made.mounted, made.unmounted) == (("maps",), ("data",))
    told = prepare.told(made, wanted(main_app)).text
    assert "Without the folders data: de.preview.mounts" in told
    again = prepare.prepare(platform, wanted(main_app, mounts=(data.host,)), yes)
    assert (again.mounted, again.unmounted) == (("data",), ())


def test_thumbnail_elsewhere_gets_no_credentials(platform: GraphQLPlatform, main_app: str) -> None:
    like = platform.details(main_app)
    assert like
    with pytest.raises(DeTasksError, match="on another server: example"):
        platform.thumbnail(replace(like, thumbnail_url="http://example.com/x.png"))
    with pytest.raises(DeTasksError, match="is not a picture"):
        platform.thumbnail(replace(like, thumbnail_url=like.thumbnail_url + "-"))


def test_thumbnail_that_cannot_be_read_is_left_out(
    platform: GraphQLPlatform, main_app: str, wanted: Wish, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(details: Details) -> bytes:
        raise DeTasksError("It is not a picture.")

    monkeypatch.setattr(platform, "thumbnail", unreadable)
    made = prepare.prepare(platform, wanted(main_app), yes)
    there = platform.details(made.name)
    assert there and there.title == "Energy (feature/x)" and not there.thumbnail_url
    line = f"Not as {main_app}: thumbnail: It is not a picture."
    assert line in prepare.told(made, wanted(main_app)).text.splitlines()


def test_preview_that_somebody_deletes_meanwhile_is_named(
    platform: GraphQLPlatform, main_app: str, wanted: Wish, monkeypatch: pytest.MonkeyPatch
) -> None:
    preview = prepare.prepare(platform, wanted(main_app), yes).name
    read = platform.details
    found = read(preview)

    def details(name: str) -> Details | None:
        return None if name == preview else read(name)

    monkeypatch.setattr(platform, "details", details)
    words = f"^App {preview} was deleted from here in the meantime"
    with pytest.raises(NotFound, match=words):
        prepare.prepare(platform, wanted(main_app), yes)
    assert read(preview) == found


def test_no_means_that_nothing_is_created(
    platform: GraphQLPlatform, main_app: str, wanted: Wish
) -> None:
    with pytest.raises(DeTasksError, match="Nothing was deployed"):
        prepare.prepare(platform, wanted(main_app), lambda question: False)
    assert platform.app(wanted(main_app).name) is None


def test_main_app_must_be_there_and_no_preview(
    platform: GraphQLPlatform, main_app: str, wanted: Wish
) -> None:
    with pytest.raises(NotFound, match="created like it"):
        prepare.prepare(platform, wanted("nowhere"), yes)
    made = prepare.prepare(platform, wanted(main_app), yes)
    with pytest.raises(DeTasksError, match="is a preview itself"):
        prepare.prepare(platform, wanted(made.name), yes)
