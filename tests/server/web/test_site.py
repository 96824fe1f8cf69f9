"""Links to apps on the platform's own host lead to the very same address on the apps' host."""

from __future__ import annotations

from pathlib import Path

import pytest

from de_tasks.server import control
from tests.support.addresses import client
from tests.support.people import Person
from tests.support.waiting import BOUND


def leads_to(url: str) -> str:
    """Where an address leads."""
    answer = client().get(url, allow_redirects=False, timeout=BOUND)
    assert answer.is_redirect, answer.text
    return answer.headers["Location"]


@pytest.mark.parametrize("rest", ["/page?x=1&y=%2F", "/a%3Fb%23c%2Fd", "/", "?x=1", "//x?"])
def test_link_to_an_app_keeps_what_was_sent(
    rest: str, dev: Person, sandbox: control.Running, quick: Path
) -> None:
    assert dev.inv("create", "--name", quick.name).code == 0
    apps = f"http://localhost:{sandbox.port}/{quick.name}"
    assert leads_to(f"{sandbox.url}/{quick.name}{rest}") == apps + rest.removesuffix("?")


def test_missing_slash_is_added_before_the_query(
    dev: Person, sandbox: control.Running, quick: Path
) -> None:
    assert dev.inv("create", "--name", quick.name).code == 0
    apps = f"http://localhost:{sandbox.port}/{quick.name}"
    assert leads_to(f"{apps}?x=1") == f"/{quick.name}/?x=1"
