"""What an app's answer says of addresses holds where the visitor is."""

from __future__ import annotations

from pathlib import Path

import pytest

from de_tasks.server.proxy.headers import response_headers
from de_tasks.server.settings import ServerSettings

SETTINGS = ServerSettings(Path("/"), 8888)


@pytest.mark.parametrize(
    ("location", "told"),
    [
        # By an app that does not know its prefix.
        ("/login?next=/a", "/app/login?next=/a"),
        ("/", "/app/"),
        ("/application", "/app/application"),
        (f"{SETTINGS.apps_url}/login", "/app/login"),
        # By one that does.
        ("/app", "/app"),
        ("/app/login", "/app/login"),
        ("/app?page=2", "/app?page=2"),
        ("/app#end", "/app#end"),
        (f"{SETTINGS.apps_url}/app/login", f"{SETTINGS.apps_url}/app/login"),
        # To where the prefix says nothing.
        ("login", "login"),
        ("?page=2", "?page=2"),
        ("//other/login", "//other/login"),
        ("https://other/login", "https://other/login"),
        (f"{SETTINGS.apps_url}1/login", f"{SETTINGS.apps_url}1/login"),
    ],
)
def test_redirect_stays_below_the_prefix_of_the_app(location: str, told: str) -> None:
    answer = [(b"Location", location.encode())]
    assert response_headers(SETTINGS, answer, "app") == [(b"location", told.encode())]
