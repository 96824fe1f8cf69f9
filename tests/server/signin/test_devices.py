"""The page on which a login that a device has begun is approved."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from de_tasks.server import control
from tests.support.addresses import client
from tests.support.backstage import backstage
from tests.support.browser import Browser
from tests.support.waiting import BOUND


def begin(running: control.Running, program: str) -> str:
    """The address of the page for a login that a program begins."""
    address = f"{running.url}/auth/realms/dash/protocol/openid-connect/auth/device"
    header = {"User-Agent": program}
    answer = client().post(address, data={"client_id": "dash"}, headers=header, timeout=BOUND)
    return str(answer.json()["verification_uri_complete"])


def test_page_says_where_when_and_by_what_a_login_was_begun(sandbox: control.Running) -> None:
    browser, before = Browser(sandbox).be(backstage(sandbox).add()), datetime.now(timezone.utc)
    page = browser.get(begin(sandbox, "de-tasks")).text
    found = re.search(r'<time datetime="([^"]+)">[0-9-]+ [0-9:]+ UTC</time>, \w+', page)
    assert found and before <= datetime.fromisoformat(found[1]) <= datetime.now(timezone.utc)
    assert re.search(r"<dd>127\.\d+\.\d+\.\d+, by a program that calls itself", page)
    assert "<code>de-tasks</code>" in page and f"<strong>127.0.0.1:{sandbox.port}</strong>" in page


def test_name_that_a_program_gives_itself_is_no_markup(sandbox: control.Running) -> None:
    page = Browser(sandbox).be(backstage(sandbox).add()).get(begin(sandbox, "<script>" + "x" * 99))
    assert "<script>" not in page.text and f"&lt;script&gt;{'x' * 32}<" in page.text
