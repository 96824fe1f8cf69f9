"""The door of the pages: what every one of them does with strangers, forms and refusals."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from de_tasks.server import control
from tests.support.addresses import client
from tests.support.backstage import backstage
from tests.support.browser import Browser
from tests.support.people import log_in
from tests.support.waiting import BOUND


@pytest.fixture
def scarce(tmp_path: Path) -> control.Running:
    """A sandbox where a page and a change are all that one has points for."""
    options: dict[str, int | str] = {"port": 0, "rate_limit_points": 7, "rate_limit_seconds": 3600}
    return control.start(tmp_path / "data", options)


def test_form_beyond_the_rate_limit_says_when_to_send_it_again(
    scarce: control.Running, tmp_path: Path
) -> None:
    try:
        owner = log_in(scarce, "dev", tmp_path / "dev")
        assert owner.run("create --name rare").code == 0
        browser = Browser(scarce).be("admin")
        pages = [browser.get(f"/apps/rare/{tab}") for tab in ("delete", "variables")]
        variable = f"{scarce.url}/apps/rare/set-variable"
        seen = [
            browser.submit(pages[0], typed="rare"),
            browser.submit(pages[1], variable, key="A", value="1"),
        ]
        assert [page.status_code for page in seen] == [429, 429]
        assert all(0 < int(page.headers["Retry-After"]) <= 3600 for page in seen)
        assert "Rate limit reached. Try again in" in seen[0].text
    finally:
        control.stop(scarce)


def test_form_with_a_file_of_who_has_signed_out_says_so(sandbox: control.Running) -> None:
    browser = Browser(sandbox).be(backstage(sandbox).add("dev"))
    page = browser.get("/account")
    browser.session.cookies.clear()
    answer = browser.submit(page, f"{sandbox.url}/apps/any/thumbnail", thumbnail=b"")
    assert answer.status_code == 401 and "Signed out" in answer.text


def test_form_of_no_page_is_answered_by_a_page(sandbox: control.Running) -> None:
    browser = Browser(sandbox).be(backstage(sandbox).add("dev"))
    page = browser.get("/account")
    answer = browser.submit(page, f"{sandbox.url}/apps/any/no-such-thing")
    assert answer.status_code == 404 and "There is nothing at this address." in answer.text


@pytest.mark.parametrize("path", ["/apps", "/apps/x/logs?q=a", "/apps/x/delete", "/account/users"])
def test_stranger_is_sent_to_sign_in_and_back(path: str, sandbox: control.Running) -> None:
    answer = client().get(sandbox.url + path, allow_redirects=False, timeout=BOUND)
    assert answer.headers["Location"].endswith(f"/sign-in?to={quote(path, safe='')}")


@pytest.mark.parametrize("form", ["api-key", "new-api-key"])
def test_too_many_wrong_passwords_are_told_on_the_page(form: str, sandbox: control.Running) -> None:
    browser = Browser(sandbox).be(backstage(sandbox).add("dev"))
    page = browser.get("/account")

    def sent() -> requests.Response:
        return browser.submit(page, f"{page.url}/{form}", password="no")

    while (answer := sent()).status_code in (400, 403):
        assert "password is wrong" in answer.text
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0
    assert "<h1>dev" in answer.text and "Too many failed attempts" in answer.text
