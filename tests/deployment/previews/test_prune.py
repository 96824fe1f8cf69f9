"""Nothing but our own previews is ever deleted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from de_tasks.deployment.previews import mark, prepare, prune
from de_tasks.errors import DeTasksError, NotFound, NotPermitted
from de_tasks.platform.graphql.operations import GraphQLPlatform
from de_tasks.platform.models import Changes, User
from tests.support.marks import marked
from tests.support.people import Person
from tests.support.previews import Wish


def test_stale_previews() -> None:
    now = datetime(2025, 3, 10, tzinfo=timezone.utc)
    here, by_hand = mark.read_mark(marked()), mark.read_mark(marked(message="By hand"))
    fresh = replace(here, owner="eve", deployed=now - timedelta(minutes=5))
    every = [here, by_hand, fresh]

    def found(branches: set[str], days: int | None, user: User) -> list[mark.Preview]:
        longest = None if days is None else timedelta(days=days)
        return [s.preview for s in prune.stale(every, branches, longest, user, now)]

    dev, admin = User("dev", False), User("admin", True)
    assert found(set(), None, dev) == [here]
    assert found(set(), None, admin) == [here]  # `fresh` may be a push that is under way.
    assert found(set(), None, User("eve", False)) == [fresh]
    assert found({"feature/x"}, None, dev) == []
    assert found({"feature/x"}, 7, dev) == [here]
    assert found({"feature/x"}, 8, dev) == []


def yes(question: str) -> bool:
    return True


def test_app_made_anew_with_the_mark_copied_is_left_alone(
    platform: GraphQLPlatform, main_app: str, dev: Person, wanted: Wish
) -> None:
    made = prepare.prepare(platform, wanted(main_app), yes)
    preview = prune.find(platform, main_app, "feature/x")
    before = platform.details(made.name)
    platform.delete_app(made.name)
    platform.create_app(made.name)
    assert before
    platform.update(made.name, Changes(tags=before.tags))
    with pytest.raises(DeTasksError, match="older or younger"):
        prune.delete(platform, preview, User(dev.name, False))
    assert platform.app(made.name)


def test_delete_takes_its_own_services_alone(
    platform: GraphQLPlatform, main_app: str, dev: Person, wanted: Wish
) -> None:
    made = prepare.prepare(platform, wanted(main_app), yes)
    platform.attach_service(made.name, "redis", f"{main_app}-archive")
    platform.attach_service(main_app, "postgres")
    prepare.prepare(platform, wanted(main_app), yes)
    preview = prune.find(platform, main_app, "feature/x")
    deleted = prune.delete(platform, preview, User(dev.name, False))
    assert deleted.services == (f"{made.name}-postgres",) and deleted.kept == (
        f"{main_app}-archive",
    )
    left = {s.name for s in platform.services() if s.name.startswith(main_app)}
    assert left == {f"{main_app}-archive", f"{main_app}-postgres"}


def test_who_may_not_delete_the_app_loses_no_service(
    platform: GraphQLPlatform, main_app: str, dev: Person, wanted: Wish
) -> None:
    platform.attach_service(main_app, "redis")
    made = prepare.prepare(platform, wanted(main_app), yes)
    preview = prune.find(platform, main_app, "feature/x")
    with pytest.raises(NotPermitted, match=f"Only {dev.name}"):
        prune.delete(platform, preview, User("someone", False))
    assert [s.name for s in platform.attached(made.name)] == [f"{made.name}-redis"]


def test_preview_that_cannot_be_deleted_stops_no_other(
    platform: GraphQLPlatform, main_app: str, dev: Person, wanted: Wish
) -> None:
    branches = ("feature/x", "feature/y")
    wishes = [replace(wanted(main_app), branch=branch) for branch in branches]
    names = [prepare.prepare(platform, wish, yes).name for wish in wishes]
    found = [prune.Stale(prune.find(platform, main_app, b), "gone") for b in branches]
    platform.delete_app(names[0])
    first, second = (end for _, end in prune.delete_all(platform, found, User(dev.name, False)))
    assert isinstance(first, NotFound) and str(first).startswith("Branch feature/x of")
    assert isinstance(second, prune.Deleted) and second.preview.name == names[1]
    assert platform.app(names[1]) is None
