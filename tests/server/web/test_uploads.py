"""Env files and pictures that forms bring."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from de_tasks.server import control
from tests.support.browser import Browser
from tests.support.people import People, Person
from tests.support.platforms import platform_of

FILE = (
    'PLAIN=one\nexport QUOTED="a b=c"\n# remark\nEMPTY=\nLINES="l1\nl2"\nREF=${HOME}\nPLAIN=two\n'
)
READ = {"PLAIN": "two", "QUOTED": "a b=c", "EMPTY": "", "LINES": "l1\nl2", "REF": "${HOME}"}


@pytest.fixture
def app(dev: Person) -> str:
    name = f"up-{secrets.token_hex(4)}"
    assert dev.run(f"apps create -n {name}").code == 0
    return name


def send(
    sandbox: control.Running, dev: Person, app: str, action: str, **fields: str | bytes
) -> requests.Response:
    """The page that a form of the app leads to."""
    browser = Browser(sandbox).be(dev.name)
    page = browser.get(f"/apps/{app}/{'variables' if action == 'env-file' else 'settings'}")
    return browser.submit(page, f"{sandbox.url}/apps/{app}/{action}", **fields)


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("way", ["file", "text"])
def test_env_file_is_chosen_or_pasted(
    way: str, ends: str, sandbox: control.Running, dev: Person, app: str
) -> None:
    text = FILE.replace("\n", ends)
    given: dict[str, str | bytes] = {"file": text.encode("utf-8-sig")}
    page = send(sandbox, dev, app, "env-file", **(given if way == "file" else {"text": text}))
    assert page.status_code == 200 and ">PLAIN, QUOTED, EMPTY, LINES, REF set.<" in page.text
    assert "a b=c" not in page.text and "${HOME}" not in page.text
    details = platform_of(sandbox, dev.name).details(app)
    lines = ends.join(("l1", "l2")) if way == "file" else "l1\nl2"
    assert details and details.variables == READ | {"LINES": lines}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A=1\n\n'hunter2\n", "The text, line 3, is not NAME=VALUE."),
        ("A=1\nhunter2\n", "The text, line 2, has no value: write NAME=VALUE."),
        ("# hunter2\n", "The text has no variables: write each as NAME=VALUE"),
        ("", "Choose a file, or paste its text."),
        (b"A=\xffhunter2", "file is not UTF-8 text: save it as UTF-8."),
        (b"B\n", "file, line 1, has no value"),
    ],
)
def test_wrong_env_file_sets_nothing_and_shows_no_value(
    text: str | bytes, words: str, sandbox: control.Running, dev: Person, app: str
) -> None:
    fields = {"file" if isinstance(text, bytes) else "text": text}
    page = send(sandbox, dev, app, "env-file", **fields)
    assert page.status_code == 400 and words in page.text and "hunter2" not in page.text
    details = platform_of(sandbox, dev.name).details(app)
    assert details and details.variables == {}


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (b"A=1\nB=x" + b" " * 60_000 + b"y", "file, line 2, has 64 blanks or more in a row"),
        (b"#\n" * 60_000, "file has 60001 lines, and at most 2000 are allowed"),
        (b"A=" + b"x" * 600_000, "file has 600002 bytes, and at most 524288 are allowed"),
    ],
    ids=["blanks", "lines", "bytes"],
)
def test_file_that_would_take_long_to_read_is_refused(
    file: bytes, words: str, sandbox: control.Running, dev: Person, app: str
) -> None:
    page = send(sandbox, dev, app, "env-file", file=file)
    assert page.status_code == 400 and words in page.text


def test_file_of_who_does_not_manage_the_app_is_not_read(
    sandbox: control.Running, dev: Person, app: str, people: People
) -> None:
    browser = Browser(sandbox).be(people["other"].name)
    page = browser.get("/account")
    answer = browser.submit(page, f"{sandbox.url}/apps/{app}/env-file", file=b"no variable")
    assert answer.status_code == 404 and "line 1" not in answer.text


def test_file_and_text_are_too_much(sandbox: control.Running, dev: Person, app: str) -> None:
    page = send(sandbox, dev, app, "env-file", file=b"A=1", text="B=2")
    assert page.status_code == 400 and "not both. Nothing was set." in page.text


def test_refused_variable_keeps_no_other_from_being_set(
    sandbox: control.Running, dev: Person, app: str
) -> None:
    page = send(sandbox, dev, app, "env-file", text="A=1\nPORT=hunter2\n9B=hunter2\nC=3\n")
    assert page.status_code == 400 and "PORT is made by the platform" in page.text
    assert "&#39;9B&#39; is not a name" in page.text and " A, C set.<" in page.text
    details = platform_of(sandbox, dev.name).details(app)
    assert details and details.variables == {"A": "1", "C": "3"} and "hunter2" not in page.text


def test_file_that_costs_more_than_is_left_sets_nothing(
    sandbox_of_its_own: control.Running,
) -> None:
    running = sandbox_of_its_own
    platform = platform_of(running, "dev")
    platform.create_app("poor")
    browser = Browser(running).be("dev")
    page, action = browser.get("/apps/poor/variables"), f"{running.url}/apps/poor/env-file"
    names = [f"N{number}" for number in range(30)]

    def sent(count: int) -> requests.Response:
        return browser.submit(page, action, text="".join(f"{n}=1\n" for n in names[:count]))

    too_many = sent(30)
    words = "30 changes cost 153 points, but your limit is 100. Split the file."
    assert too_many.status_code == 400 and words in too_many.text
    assert "N0, N1, N2, N3, N4, N5, N6, N7, N8, N9 set." in sent(10).text
    later = sent(10)
    assert later.status_code == 429 and 0 < int(later.headers["Retry-After"]) <= 3600
    assert "Nothing was done: 10 changes cost 53 points, and you have" in later.text


@pytest.fixture
def sandbox_of_its_own(tmp_path: Path) -> Iterator[control.Running]:
    """One whose users have few points."""
    options: dict[str, int | str] = {"port": 0, "rate_limit_points": 100}
    running = control.start(tmp_path / "data", {**options, "rate_limit_seconds": 3600})
    yield running
    control.stop(running)


PICTURES = {
    "png": b"\x89PNG\r\n\x1a\n<script>alert(1)</script>",
    "jpeg": b"\xff\xd8\xff" + b"0" * 99,
}


@pytest.mark.parametrize("kind", PICTURES)
def test_thumbnail_is_shown_and_served_as_a_picture_alone(
    kind: str, sandbox: control.Running, dev: Person, app: str
) -> None:
    assert dev.run(f"update -n {app} --visible-on-portal").code == 0
    page = send(sandbox, dev, app, "thumbnail", thumbnail=PICTURES[kind])
    assert page.status_code == 200 and f"{app} has a new thumbnail." in page.text
    browser, src = Browser(sandbox).be(dev.name), f'src="{sandbox.url}/thumbnails/{app}"'
    for path in (f"/apps/{app}/settings", "/apps", f"/?q={app}"):
        assert src in browser.get(path).text, path
    served = browser.get(f"/thumbnails/{app}")
    assert served.content == PICTURES[kind] and served.headers["Content-Type"] == f"image/{kind}"
    assert served.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<svg onload=alert(1)>", "neither a PNG nor a JPEG picture"),
        (PICTURES["png"] + b"0" * 200_000, "has 200033 bytes, and at most 102400 are allowed"),
        (b"", "neither a PNG nor a JPEG picture"),
        ("", "Choose a PNG or JPEG picture."),
    ],
)
def test_what_is_no_thumbnail_is_refused_with_the_reason(
    data: bytes | str, words: str, sandbox: control.Running, dev: Person, app: str
) -> None:
    page = send(sandbox, dev, app, "thumbnail", thumbnail=data)
    assert page.status_code == 400 and words in page.text
    assert Browser(sandbox).be(dev.name).get(f"/thumbnails/{app}").status_code == 404
