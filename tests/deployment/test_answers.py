"""Who answers at an app's address."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from de_tasks.deployment.answers import Answer, answer_of, running
from de_tasks.errors import NotAvailable
from de_tasks.net.http import Glance

URL = "https://de.example/shop/"
FORM = "<form action=/login><INPUT name=p type=password></form>"


@pytest.mark.parametrize(
    ("seen", "signs_in"),
    [
        (Glance(200, page="<h1>Shop</h1>"), False),
        (Glance(404), False),
        (Glance(302, "/shop/home"), False),
        (Glance(302, "home"), False),
        (Glance(303, "https://auth-de.example/auth/realms/dash"), True),
        (Glance(302, "/Manager/login?next=/shop/"), True),
        (Glance(302, "http://de.example/shop/"), True),
        (Glance(302, "/shopping/"), True),
        (Glance(401), True),
        (Glance(403), True),
        (Glance(200, page=FORM), True),
    ],
)
def test_a_sign_in_is_no_answer_of_the_app(seen: Glance, signs_in: bool) -> None:
    found = {answer_of(seen, URL, known) for known in (True, False, None)}
    hidden = {Answer.RUNNING, Answer.DOWN, Answer.UNKNOWN}
    assert found == (hidden if signs_in else {Answer.APP})


def test_platform_that_does_not_tell_of_apps_knows_of_none_that_it_runs() -> None:
    platform = Mock(app=Mock(side_effect=NotAvailable("Not available through `de`.")))
    assert running(platform, "shop") is None
    assert running(Mock(app=lambda name: None), "shop") is None
