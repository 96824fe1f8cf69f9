"""Windows of failures and of points, on a clock that the test winds."""

from __future__ import annotations

import pytest

from de_tasks.server.users import throttle
from de_tasks.server.users.rate_limit import RateLimit
from de_tasks.server.users.throttle import Throttle, TooManyAttempts


class Clock:
    """Seconds that pass when they are told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guesses(clock: Clock) -> Throttle:
    """Three failures a minute for a user, fifteen for an address."""
    return Throttle(3, 60, clock)


def refused(guesses: Throttle, user: str, address: str) -> int:
    """For how many seconds; 0 when the next attempt is allowed."""
    try:
        guesses.check(user, address)
    except TooManyAttempts as error:
        return error.seconds
    return 0


def fail(guesses: Throttle, times: int, user: str = "dev", address: str = "here") -> None:
    for _ in range(times):
        guesses.failed(user, address)


def test_user_may_fail_so_often_and_no_more(guesses: Throttle) -> None:
    fail(guesses, 2)
    assert refused(guesses, "dev", "here") == 0
    fail(guesses, 1)
    assert refused(guesses, "dev", "elsewhere") == 60
    assert refused(guesses, "other", "here") == 0


def test_refusal_tells_when_the_first_failure_is_forgotten(guesses: Throttle, clock: Clock) -> None:
    for _ in range(3):
        fail(guesses, 1)
        clock.now += 10
    assert refused(guesses, "dev", "here") == 30
    clock.now += 29.9
    assert refused(guesses, "dev", "here") == 1
    clock.now += 0.1
    assert refused(guesses, "dev", "here") == 0
    # Two are remembered still, so that one more is enough.
    fail(guesses, 1)
    assert refused(guesses, "dev", "here") == 10


def test_refused_attempts_do_not_lengthen_the_window(guesses: Throttle, clock: Clock) -> None:
    fail(guesses, 3)
    clock.now += 59
    assert refused(guesses, "dev", "here") == 1
    clock.now += 1
    assert refused(guesses, "dev", "here") == 0


def test_address_may_fail_five_times_as_often(guesses: Throttle) -> None:
    for number in range(14):
        fail(guesses, 1, f"user{number}")
    assert refused(guesses, "another", "here") == 0
    fail(guesses, 1, "last")
    assert refused(guesses, "another", "here") == 60
    assert refused(guesses, "another", "elsewhere") == 0


def test_success_forgets_the_failures_of_its_user_alone(guesses: Throttle) -> None:
    for number in range(12):
        fail(guesses, 1, f"user{number}")
    fail(guesses, 3)
    guesses.succeeded("dev")
    assert refused(guesses, "dev", "elsewhere") == 0
    assert refused(guesses, "dev", "here") == 60


def test_flood_of_names_takes_no_more_room(
    guesses: Throttle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "REMEMBERED", 10)
    fail(guesses, 3, "oldest")
    for number in range(20):
        fail(guesses, 1, f"user{number}", f"address{number}")
    assert len(guesses._failed) == 10
    assert refused(guesses, "oldest", "elsewhere") == 0


@pytest.fixture
def points(clock: Clock) -> RateLimit:
    """Sixty points in half a minute."""
    return RateLimit(60, 30, clock)


def test_points_are_charged_until_too_few_are_left(points: RateLimit) -> None:
    assert points.take("dev", 50) and points.take("dev", 10)
    assert not points.take("dev", 1)
    assert points.take("other", 60)
    assert points.take("dev", 0)


def test_refusal_costs_nothing(points: RateLimit) -> None:
    assert points.take("dev", 55)
    assert not points.take("dev", 6)
    assert points.take("dev", 5)
    budget = points.budget("dev")
    assert (budget.remaining, budget.spent, budget.refused) == (0, 60, 1)


def test_window_begins_with_the_first_action(points: RateLimit, clock: Clock) -> None:
    assert points.budget("dev").ms_before_next == 0
    clock.now += 100
    assert points.take("dev", 60)
    clock.now += 29.9995
    assert points.budget("dev").ms_before_next == 1 and not points.take("dev", 1)
    clock.now += 0.0005
    assert points.budget("dev").remaining == 60 and points.take("dev", 60)


def test_actions_within_a_window_do_not_move_its_end(points: RateLimit, clock: Clock) -> None:
    for _ in range(3):
        assert points.take("dev", 1)
        clock.now += 9
    assert points.budget("dev").ms_before_next == 3000


def test_totals_go_on_in_the_next_window(points: RateLimit, clock: Clock) -> None:
    for _ in range(2):
        assert points.take("dev", 60) and not points.take("dev", 1)
        clock.now += 30
    budget = points.budget("dev")
    assert (budget.used, budget.spent, budget.refused) == (0, 120, 2)


@pytest.mark.parametrize("passed, seconds", [(0, "30"), (0.5, "30"), (29, "1"), (29.9995, "1")])
def test_headers_tell_whole_seconds_that_are_enough(
    points: RateLimit, clock: Clock, passed: float, seconds: str
) -> None:
    points.take("dev", 60)
    clock.now += passed
    headers = points.budget("dev").retry_after()
    assert headers["Retry-After"] == headers["RateLimit-Reset"] == seconds
    assert (headers["RateLimit-Limit"], headers["RateLimit-Remaining"]) == ("60", "0")
    assert headers["RateLimit-Policy"] == "60;w=30"
