"""Who answers at an app's address."""

from __future__ import annotations

import pytest

from de_tasks.deployment.answers import Answer, answer_of
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
