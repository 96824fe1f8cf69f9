"""Who the Portal is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.attacker import ask, bearer, fortified
from tests.support.browser import Browser

CHANGE = (
    "mutation($only: Boolean) { updatePortal(requireLogin: $only) { portal { requireLogin } } }"
)


@pytest.mark.sandbox
def test_portal_that_requires_a_login(tmp_path: Path) -> None:
    with fortified(tmp_path) as running:
        admin, visitor = Browser(running).be("admin"), Browser(running)
        for only in (True, False):
            said = ask(running, CHANGE, bearer(running, "admin"), only=only).json()
            assert said["data"]["updatePortal"]["portal"]["requireLogin"] is only
            page = visitor.get("/")
            assert page.url.endswith("/sign-in?to=%2F") is only and page.status_code == 200
            assert admin.get("/portal").url == f"{running.url}/portal"
