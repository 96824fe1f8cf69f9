"""One policy: what is tried again, how long is waited, and what is said meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from de_tasks.errors import DeTasksError
from de_tasks.net import limit_reports
from de_tasks.net.http import NotThePlatform, RateLimited, Unavailable
from de_tasks.net.retry import Attempt, Policy
from de_tasks.repo.errors import error_of


@dataclass
class Clock:
    """A clock that goes on by sleeping alone. `said` is what people were told."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.now += seconds

    def policy(self, deadline: float = 180.0, attempts: int = 8) -> Policy:
        """A policy by this clock."""

        def tell(wait: object) -> None:
            self.said.append(str(getattr(wait, "text", "")))

        return Policy(deadline, attempts, tell, self.sleep, lambda: self.now)


def failing(*errors: Exception) -> Callable[[Attempt], str]:
    left = list(errors)

    def function(_: Attempt) -> str:
        if left:
            raise left.pop(0)
        return "done"

    return function


def always(error: Exception) -> Callable[[Attempt], str]:
    def function(_: Attempt) -> str:
        raise error

    return function


def test_waits_for_the_limit_are_no_failed_attempts() -> None:
    clock = Clock()
    refused = [RateLimited(2.0) for _ in range(20)]
    assert clock.policy(attempts=2).call(failing(*refused)) == "done"
    assert all(2.05 <= seconds <= 2.5 for seconds in clock.slept) and len(clock.slept) == 20


def test_limit_is_waited_out_as_long_as_it_says_and_told() -> None:
    clock = Clock()
    clock.policy().call(failing(RateLimited(9.669)))
    assert clock.said == [f"Rate limit reached: going on in {clock.slept[0]:.1f} s"]
    assert 9.669 < clock.slept[0] < 10.2


def test_limit_that_does_not_say_how_long_is_waited_a_minute() -> None:
    clock = Clock()
    clock.policy().call(failing(RateLimited(None)))
    assert 60 < clock.slept[0] < 60.6


def test_limit_says_whose_it_is() -> None:
    policy = Policy(deadline=1, whose="jessica on de.example")
    with pytest.raises(RateLimited, match=r"limit of jessica on de\.example reached"):
        policy.call(always(RateLimited(None)))


def test_limit_beyond_the_deadline_is_told_at_once() -> None:
    clock = Clock()
    with pytest.raises(RateLimited, match=r"42 s, .+retry\.deadline"):
        clock.policy(deadline=30).call(failing(RateLimited(42)))
    assert clock.slept == []


def test_faults_are_tried_so_often_with_growing_waits() -> None:
    clock, tried = Clock(), []

    def function(this: Attempt) -> str:
        tried.append(this.number)
        raise Unavailable("away")

    with pytest.raises(Unavailable):
        clock.policy(attempts=5).call(function)
    assert tried == [1, 2, 3, 4, 5]
    bounds = (0.2, 0.4, 0.8, 1.6)
    assert all(wait <= bound for wait, bound in zip(clock.slept, bounds, strict=True))


def test_nothing_is_tried_after_the_deadline() -> None:
    clock = Clock()
    with pytest.raises(Unavailable):
        clock.policy(deadline=5, attempts=1000).call(always(Unavailable("away", after=2)))
    assert clock.now <= 5


def test_retry_after_is_honoured() -> None:
    clock = Clock()
    clock.policy().call(failing(Unavailable("busy. Later", after=7)))
    assert 7 < clock.slept[0] < 7.6 and clock.said[0].startswith("busy: trying again in 7.")


def test_another_server_is_not_asked_for_long() -> None:
    clock = Clock()
    with pytest.raises(NotThePlatform):
        clock.policy().call(always(NotThePlatform("a page")))
    assert len(clock.slept) == 2


@pytest.mark.parametrize(("sent", "calls"), [(True, 1), (False, 8)])
def test_what_must_not_be_repeated_is_repeated_if_it_was_never_sent(sent: bool, calls: int) -> None:
    clock = Clock()
    with pytest.raises(Unavailable):
        clock.policy().call(always(Unavailable("away", sent)), repeat=False)
    assert len(clock.slept) == calls - 1


@pytest.mark.parametrize(("made", "result"), [("found", "found"), (None, "done")])
def test_after_a_lost_answer_the_server_is_asked(made: str | None, result: str) -> None:
    lost = failing(Unavailable("cut"))
    assert Clock().policy().call(lost, find=lambda: made) == result


def test_a_request_that_arrives_late_is_recognised() -> None:
    answers = iter([None, "found"])
    late = failing(Unavailable("cut"), DeTasksError("taken"))
    assert Clock().policy().call(late, find=lambda: next(answers)) == "found"


def test_a_first_refusal_is_final() -> None:
    with pytest.raises(DeTasksError, match="taken"):
        Clock().policy().call(always(DeTasksError("taken")), find=lambda: "not ours")


def test_an_interrupt_ends_a_wait_at_once() -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Policy(sleep=interrupted).call(always(RateLimited(60)))


LIMITED = {"message": "x", "extensions": {"code": "TOO_MANY_REQUESTS"}}
TIMED = {**LIMITED, "stacktrace": {"msBeforeNext": 9669}}
INNER = {"extensions": {"code": "TOO_MANY_REQUESTS", "stacktrace": {"msBeforeNext": 9669}}}


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"error": {"errors": [TIMED]}}, 9.669),
        ({"errors": [TIMED]}, 9.669),
        ({"errors": [{"message": "another"}, TIMED], "data": None}, 9.669),
        ({"errors": [INNER]}, 9.669),
        ({"errors": [LIMITED]}, None),
    ],
)
def test_every_form_of_the_refusal(body: object, seconds: float | None) -> None:
    assert limit_reports.refusal(body) == limit_reports.Refusal(seconds)


@pytest.mark.parametrize("body", [None, [], {"errors": None}, {"errors": ["x"]}, {"error": "x"}])
def test_what_is_no_refusal(body: object) -> None:
    assert limit_reports.refusal(body) is None


def test_retry_after_may_be_a_date() -> None:
    headers = {
        "Date": "Tue, 24 Nov 2026 22:00:00 GMT",
        "Retry-After": "Tue, 24 Nov 2026 22:00:30 GMT",
    }
    assert limit_reports.retry_after(headers) == 30
    assert limit_reports.retry_after({"Retry-After": "soon"}) is None


TOLD = {"limit": 60, "remaining": "7", "msBeforeNext": 2500, "windowMs": 60000}


@pytest.mark.parametrize(
    ("answer", "window"),
    [
        (TOLD, limit_reports.ReportedWindow(60, 7, 2.5, 60.0)),
        ({}, None),
        ({**TOLD, "limit": None}, None),
        ({**TOLD, "windowMs": "a minute"}, None),
    ],
)
def test_budget_of_which_a_part_is_not_told_is_not_known(
    answer: dict[str, object], window: limit_reports.ReportedWindow | None
) -> None:
    assert limit_reports.ReportedWindow.from_query(answer) == window


@pytest.mark.parametrize("headers", [{}, {"Date": ""}, {"Date": "soon"}])
def test_server_whose_clock_is_not_told_has_no_time(headers: dict[str, str]) -> None:
    assert limit_reports.server_time(headers) is None


@pytest.mark.parametrize(
    ("said", "seconds", "guessed"),
    [
        ("remote: Rate limit exceeded: push again in 9.7 s\nfatal: refused", 9.7, False),
        ('remote: {"code": "TOO_MANY_REQUESTS", "msBeforeNext": 9669}', 9.669, False),
        ("fatal: unable to access 'x': The requested URL returned error: 429", 60, True),
    ],
)
def test_limit_in_the_words_of_git(said: str, seconds: float, guessed: bool) -> None:
    error = error_of("push", said)
    assert isinstance(error, RateLimited)
    assert (error.seconds, error.guessed) == (seconds, guessed)
