"""Points that the processes of one machine share."""

from __future__ import annotations

import concurrent.futures
import heapq
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from de_tasks.net.budget import SETTLED_SECONDS, Budget
from de_tasks.net.http import RateLimited, Unavailable
from de_tasks.net.limit_reports import ReportedWindow
from de_tasks.net.shards import Shard
from de_tasks.server import control
from de_tasks.server.users.rate_limit import RateLimit
from tests.support.people import log_in
from tests.support.platforms import platform_of


class Clock:
    """A clock that stands still."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(tmp_path: Path, clock: Clock) -> Budget:
    """A budget of which the server told 10 of 60 points for 20 s more, in windows of 60 s."""
    made = Budget(tmp_path, "https://host", "dev", clock)
    made.learn(ReportedWindow(60, 10, 20, 60))
    return made


def spend(budget: Budget, points: int, told: ReportedWindow | None = None) -> None:
    with budget.spending(points) as spending:
        spending.told = told


def test_what_is_not_there_is_waited_for(budget: Budget) -> None:
    spend(budget, 5)
    spend(budget, 5)
    with pytest.raises(RateLimited) as refused:
        spend(budget, 1)
    assert refused.value.seconds == 20


def test_another_process_sees_it(budget: Budget, tmp_path: Path, clock: Clock) -> None:
    spend(budget, 10)
    with pytest.raises(RateLimited):
        spend(Budget(tmp_path, "https://host", "dev", clock), 1)
    spend(Budget(tmp_path, "https://host", "eve", clock), 1)


def test_points_in_use_are_not_given_twice(budget: Budget) -> None:
    with budget.spending(10), pytest.raises(RateLimited):
        spend(budget, 1)


def test_points_that_others_hold_are_looked_for_again_soon(budget: Budget) -> None:
    with budget.spending(5):
        # The server has counted what is under way: here it is counted twice until it is answered.
        budget.learn(ReportedWindow(60, 5, 20, 60))
        with pytest.raises(RateLimited) as refused:
            spend(budget, 5)
        assert refused.value.seconds == SETTLED_SECONDS
        budget.learn(ReportedWindow(60, 4, 20, 60))
        with pytest.raises(RateLimited) as refused:
            spend(budget, 5)
        assert refused.value.seconds == 20


def test_nobody_asks_the_server_for_points_that_others_hold(budget: Budget) -> None:
    def ask() -> ReportedWindow:
        raise AssertionError("asked")

    with budget.spending(10), pytest.raises(RateLimited), budget.spending(1, ask):
        pass


def test_the_first_answer_is_believed(tmp_path: Path, clock: Clock) -> None:
    fresh = Budget(tmp_path, "https://new", "dev", clock)
    spend(fresh, 1, ReportedWindow(60, 59, 60, 60))
    assert fresh.known().left == 59


def test_the_next_window_is_full(budget: Budget, clock: Clock) -> None:
    spend(budget, 10)
    clock.now += 20
    for _ in range(12):
        spend(budget, 5)
    with pytest.raises(RateLimited) as refused:
        spend(budget, 5)
    assert refused.value.seconds == 60


def test_a_window_that_may_have_begun_late_is_asked_about(budget: Budget, clock: Clock) -> None:
    clock.now += 20
    with budget.spending(60):
        clock.now += 61
        with pytest.raises(RateLimited):
            spend(budget, 1)
        with budget.spending(1, ask=lambda: ReportedWindow(61, 61, 60, 60)):
            assert budget.known().held == 61


def test_answers_out_of_order_add_nothing(budget: Budget) -> None:
    spend(budget, 1, ReportedWindow(60, 3, 20))
    spend(budget, 1, ReportedWindow(60, 7, 20))
    assert budget.known().left == 3


def test_the_server_is_asked_before_anybody_waits(budget: Budget) -> None:
    spend(budget, 10)
    with budget.spending(5, ask=lambda: ReportedWindow(60, 60, 60, 60)):
        assert budget.known().left == 60


def test_a_refusal_holds_for_all(budget: Budget) -> None:
    with pytest.raises(RateLimited), budget.spending(1):
        raise RateLimited(7)
    with pytest.raises(RateLimited) as refused:
        spend(budget, 1)
    assert refused.value.seconds == 7


def test_a_refusal_that_says_nothing_is_asked_about(budget: Budget) -> None:
    def ask() -> ReportedWindow:
        return ReportedWindow(60, 0, 3, 60)

    with pytest.raises(RateLimited) as refused, budget.spending(5, ask):
        raise RateLimited(None)
    assert refused.value.seconds == 3


@pytest.mark.parametrize(("sent", "left"), [(True, 5), (False, 10)])
def test_what_was_never_sent_was_not_charged(sent: bool, left: int, budget: Budget) -> None:
    with pytest.raises(Unavailable), budget.spending(5):
        raise Unavailable("away", sent)
    assert (budget.known().left, budget.known().held) == (left, 0)


def test_more_than_a_window_has_is_the_servers_business(budget: Budget, clock: Clock) -> None:
    clock.now += 20
    spend(budget, 100)


def test_nobody_waits_for_a_server_that_tells_nothing(tmp_path: Path) -> None:
    silent = Budget(tmp_path, "https://other", "dev")
    for _ in range(100):
        spend(silent, 5)


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", '{"number": 1, "more": 2}', "\0" * 300),
        *('{"end": "x"}', '{"limit": "x"}', '{"end": null}', '{"end": Infinity}', '{"left": NaN}'),
    ],
)
def test_a_damaged_file_stops_nobody(text: str, budget: Budget, tmp_path: Path) -> None:
    (file,) = (f for f in (tmp_path / "budget").iterdir() if f.suffix != ".lock")
    file.write_text(text)
    spend(budget, 5)


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "budget").write_text("a file in its place")
    spend(Budget(tmp_path, "https://host", "dev"), 5)


def test_a_clock_set_back_makes_nobody_wait(budget: Budget, clock: Clock) -> None:
    spend(budget, 10)
    clock.now -= 86_400
    spend(budget, 5)


def test_only_its_owner_reads_it(budget: Budget, tmp_path: Path) -> None:
    modes = {stat.S_IMODE(os.stat(file).st_mode) for file in (tmp_path / "budget").iterdir()}
    assert modes == {0o600}


@pytest.fixture
def second(tmp_path: Path, clock: Clock) -> Budget:
    """The budget of the second of four machines, at the beginning of a window of 60 points."""
    made = Budget(tmp_path, "https://host", "dev", clock).of_shard(Shard(2, 4))
    made.learn(ReportedWindow(60, 60, 60, 60))
    return made


def test_a_machine_spends_its_part_and_waits_for_its_turn(second: Budget, clock: Clock) -> None:
    for _ in range(3):
        spend(second, 5)
    with pytest.raises(RateLimited) as early:
        spend(second, 5)
    assert early.value.seconds == pytest.approx(20 + 40 / 12), "behind the first machine's turn"
    clock.now += 24
    with second.spending(5, ask=lambda: ReportedWindow(60, 5, 36, 60)):
        assert second.known().held == 5


def test_what_others_have_spent_is_asked_before_a_turn_is_used(
    second: Budget, clock: Clock
) -> None:
    clock.now += 40
    with pytest.raises(RateLimited) as early, second.spending(5, lambda: ReportedWindow(60, 4, 20)):
        pass
    assert early.value.seconds == 20 + Shard(2, 4).delay(60)


def test_a_window_that_others_may_have_begun_is_asked_about(second: Budget, clock: Clock) -> None:
    clock.now += 70
    with pytest.raises(RateLimited) as early, second.spending(5, lambda: ReportedWindow(60, 0, 50)):
        pass
    assert early.value.seconds > 50


def test_machine_that_is_told_of_no_limit_is_not_held_back(tmp_path: Path, clock: Clock) -> None:
    budget = Budget(tmp_path, "https://host", "dev", clock, Shard(2, 4))
    done: list[str] = []
    with budget.spending(5, lambda: done.append("asked")):
        done.append("acted")
    assert done == ["asked", "acted"]


def test_answer_of_a_window_that_is_over_changes_nothing(budget: Budget, clock: Clock) -> None:
    spend(budget, 1, ReportedWindow(60, 50, 5, 60))
    assert (budget.known().left, budget.known().end) == (10, clock.now + 20)


def test_an_answer_that_comes_late_begins_no_window(second: Budget, clock: Clock) -> None:
    clock.now += 3
    spend(second, 15, ReportedWindow(60, 45, 60, 60))
    assert (second.known().used, second.known().end - clock.now) == (15, 57)


def test_what_is_reserved_before_a_window_has_begun_counts_in_it(
    second: Budget, clock: Clock
) -> None:
    def nobody_yet() -> ReportedWindow:
        return ReportedWindow(60, 60, 0, 60)

    clock.now += 70
    with second.spending(10, nobody_yet), second.spending(5, nobody_yet):
        assert second.known().held == second.known().used == 15
        with pytest.raises(RateLimited), second.spending(5, nobody_yet):
            pass


def test_ten_machines_are_not_refused_and_use_all_points(tmp_path: Path, clock: Clock) -> None:
    server, begin, refused = RateLimit(120, 30, clock), clock.now, 0
    shards = [Shard(number, 10) for number in range(1, 11)]
    budgets = [Budget(tmp_path / str(s.index), "https://host", "dev", clock, s) for s in shards]
    # Of each machine six deploys, in three threads.
    turns = [(clock.now, n, thread) for n in range(10) for thread in range(3)]
    work = {turn[1:]: [1, 5, 1] * 2 for turn in turns}
    heapq.heapify(turns)
    while turns:
        clock.now, number, thread = heapq.heappop(turns)
        points, after = work[number, thread][-1], 0.3
        try:
            with budgets[number].spending(points, lambda: told(server)) as spending:
                if not server.take("dev", points):
                    refused += 1
                    raise RateLimited(told(server).seconds)
                spending.told = ReportedWindow.from_headers(server.budget("dev").headers())
            work[number, thread].pop()
        except RateLimited as early:
            after = early.seconds + early.jitter[1]
        if work[number, thread]:
            heapq.heappush(turns, (clock.now + after, number, thread))
    assert refused == 0 and server.budget("dev").spent == 60 * 7
    assert clock.now - begin <= 1.25 * 3 * 30, "420 points: three windows must pass"


def told(server: RateLimit) -> ReportedWindow:
    """What a server answers when it is asked."""
    seen = server.budget("dev")
    return ReportedWindow(seen.limit, seen.remaining, seen.ms_before_next / 1000, 30)


@pytest.mark.sandbox
def test_processes_at_once_send_nothing_that_would_be_refused(tmp_path: Path) -> None:
    with sandbox(tmp_path, points=4, seconds=1800) as running:
        dev = log_in(running, "dev", tmp_path)
        # Now the budget is known, as it is wherever somebody has worked.
        assert dev.inv("whoami").code == 0
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            done = list(pool.map(lambda _: dev.spawn("whoami"), range(6)))
        assert sorted(each.code for each in done) == [0] * 3 + [75] * 3, done
        spent = control.administer(running, "points", {})["dev"]
        assert (spent["spent"], spent["refused"]) == (4, 0)


@pytest.mark.sandbox
def test_all_who_wait_get_their_points(tmp_path: Path) -> None:
    with sandbox(tmp_path, points=5, seconds=1) as running:
        platforms = [platform_of(running, "dev") for _ in range(10)]
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            names = list(pool.map(lambda platform: platform.whoami().username, platforms))
        assert names == ["dev"] * 10
        assert control.administer(running, "points", {})["dev"]["spent"] == 10


@contextmanager
def sandbox(folder: Path, points: int, seconds: int) -> Iterator[control.Running]:
    """A sandbox with so many points in a window of so many seconds."""
    options = {"port": 0, "rate_limit_points": points, "rate_limit_seconds": seconds}
    running = control.start(folder / "data", options)
    try:
        yield running
    finally:
        control.stop(running)
