"""WebSockets to apps, and how they end."""

from __future__ import annotations

from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from de_tasks.server import control
from tests.support import streaming
from tests.support.browser import Browser
from tests.support.people import People, Person
from tests.support.waiting import BOUND, until


@pytest.fixture(scope="module")
def app(cast: People, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of an app that streams."""
    return streaming.deploy(cast["dev"], tmp_path_factory.mktemp("streams"))


@pytest.fixture
def browser(sandbox: control.Running) -> Browser:
    """Nobody's browser: the app is for everybody."""
    return Browser(sandbox)


def closing_code(browser: Browser, app: str, word: str) -> int | None:
    """The code with which the visitor's socket is closed when the app hears a word."""
    address = f"{browser.apps}/{app}/"
    until(lambda: browser.get(address).status_code == 200, "the app is there again")
    with streaming.socket(browser, app) as socket:
        socket.send("hello")
        assert socket.recv(BOUND) == "hello"
        socket.send(word)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(BOUND)
        return closed.value.rcvd.code if closed.value.rcvd else None


def test_closing_code_of_the_app_is_passed_on(app: str, browser: Browser) -> None:
    assert closing_code(browser, app, "close") == 4001


def test_socket_of_an_app_that_dies_is_closed_to_be_opened_again(
    app: str, browser: Browser
) -> None:
    assert closing_code(browser, app, "die") == 1012
    with pytest.raises(InvalidStatus) as refused:
        streaming.socket(browser, app)
    answer = refused.value.response
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_app_without_websockets_says_so(dev: Person, page: Path, browser: Browser) -> None:
    assert dev.inv("deploy", "-y", "--no-check", folder=page).code == 0
    with pytest.raises(InvalidStatus) as refused:
        streaming.socket(browser, page.name)
    answer = refused.value.response
    assert answer.status_code == 404
    assert f"{page.name} accepts no WebSockets at this address." in answer.body.decode()
