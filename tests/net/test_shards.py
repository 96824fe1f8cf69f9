"""Which of several machines this is, and when it may act."""

from __future__ import annotations

import pytest

from de_tasks.errors import UsageError
from de_tasks.net.shards import Shard

TEN = [Shard(index, 10) for index in range(1, 11)]


@pytest.mark.parametrize("text", ["0/3", "4/3", "x", "3", "1/0", "-1/3", "1/3/5", "1.0/3", "²/3"])
def test_what_is_no_shard_is_named(text: str) -> None:
    with pytest.raises(UsageError, match=f"such as 3/10, not '{text}'"):
        Shard.parse(text)


def test_parts_are_everything_once() -> None:
    things = list(range(23))
    parts = [Shard.parse(f"{index}/10").part(things) for index in range(1, 11)]
    assert sorted(thing for part in parts for thing in part) == things
    assert {len(part) for part in parts} == {2, 3}


def test_shares_are_never_more_than_a_window() -> None:
    assert sum(shard.share(128) for shard in TEN) == 120


@pytest.mark.parametrize("left", [2.1, 7.4, 14.9, 19.9, 20.1, 29.9])
def test_turns_are_one_machines_at_a_time(left: float) -> None:
    waits = [shard.until_turn(left, 30) for shard in TEN]
    assert waits.count(0.0) == (0 if TEN[0].may_take_its_share(left, 30) else 1)
    assert len({round(wait, 6) for wait in waits}) == len(TEN), "nobody comes when another does"


def test_each_machine_has_several_turns_of_a_window() -> None:
    third, turn = Shard(3, 10), 20 / 30
    assert third.until_turn(20, 30) == pytest.approx(2 * turn)
    assert third.until_turn(20 - 4 * turn, 30) == pytest.approx(8 * turn)
    assert third.until_turn(3, 30) == 3 + third.delay(30), "the next window comes first"
