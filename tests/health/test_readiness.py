"""How long an app that answers with server errors is waited for."""

from __future__ import annotations

import pytest

from de_tasks.health.readiness import GIVEN_UP_AFTER, SAID_AFTER, Errors

LONG = GIVEN_UP_AFTER


@pytest.mark.parametrize(
    ("answers", "told", "final"),
    [
        ([(0, 500), (SAID_AFTER - 1, 500)], 0, False),
        ([(0, 500), (SAID_AFTER, 500)], 500, False),
        ([(0, 500), (LONG, 500)], 500, True),
        ([(0, 503), (2 * LONG, 503)], 503, False),
        ([(0, 500), (LONG - 1, 0), (LONG, 500)], 0, False),
        ([(0, 501), (LONG - 1, 500), (LONG, 500)], 0, False),
        ([(0, 0), (2 * LONG, 0)], 0, False),
    ],
)
def test_the_same_error_of_the_apps_own_is_waited_for_so_long(
    answers: list[tuple[float, int]], told: int, final: bool
) -> None:
    now = [0.0]
    seen = Errors(lambda: now[0])
    for now[0], status in answers:
        seen.saw(status)
    assert (seen.status, seen.final) == (told, final)
