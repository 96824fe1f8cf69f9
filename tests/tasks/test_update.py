"""`apps update`: every setting of an app, several at once, said as was -> is."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest

from de_tasks.server import control
from tests.support.addresses import client
from tests.support.people import Done, People, Person
from tests.support.published import caller
from tests.support.waiting import BOUND, until

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"
EVERYTHING = """
--add-environment-variable KEY=value
--add-environment-variable OTHER=x
--persistent-filesystem
--view-access restricted
--add-viewer {viewer},{VIEWER}
--add-viewer {dev}
--add-group-viewer {crowd}
--add-co-owner {admin}
--add-group-co-owner {crowd}
--title Sales
--description Numbers
--visible-on-portal
--thumbnail picture
--portal-rank -3
--maintainer-email me@example.com
--tag one,two
--tag three
"""
SAID = """\
title: {app} -> Sales
description: '' -> Numbers
tags: none -> one, two, three
view access: unauthenticated -> restricted
visible on portal: off -> on
portal rank: 0 -> -3
maintainer email: '' -> me@example.com
persistent filesystem: off -> on
viewers: none -> {dev}, {viewer}, group {crowd}
co-owners: none -> {admin}, group {crowd}
variable KEY: added
variable OTHER: added
thumbnail: none -> PNG of 8 bytes
"""
BACK = """
--add-environment-variable KEY=changed
--remove-environment-variable OTHER
--no-persistent-filesystem
--view-access authenticated
--remove-viewer {viewer},{dev}
--remove-group-viewer {crowd}
--remove-co-owner {admin}
--remove-group-co-owner {crowd}
--title=
--description=
--not-visible-on-portal
--thumbnail picture
--portal-rank 0
--maintainer-email=
--remove-tag one,two
--tag four
"""
SAID_BACK = """\
title: Sales -> ''
description: Numbers -> ''
tags: one, two, three -> three, four
view access: restricted -> authenticated
visible on portal: on -> off
portal rank: -3 -> 0
maintainer email: me@example.com -> ''
persistent filesystem: on -> off
viewers: {dev}, {viewer}, group {crowd} -> none
co-owners: {admin}, group {crowd} -> none
variable KEY: changed
variable OTHER: removed
thumbnail: another -> PNG of 8 bytes
"""


@pytest.fixture
def names(people: People) -> dict[str, str]:
    """What the options call the app, users and a group."""
    crowd = f"crowd-{secrets.token_hex(3)}"
    people.add("one-of-crowd", groups=[crowd])
    users = {stem: people[stem].name for stem in ("dev", "viewer", "admin")}
    app = f"up-{secrets.token_hex(4)}"
    return {**users, "VIEWER": users["viewer"].upper(), "crowd": crowd, "app": app}


@pytest.fixture
def owner(people: People) -> Person:
    """Somebody with a picture."""
    people["dev"].home.joinpath("picture").write_bytes(PNG)
    return people["dev"]


@pytest.fixture
def app(owner: Person, names: dict[str, str]) -> str:
    """A new app."""
    assert owner.run(f"apps create -n {names['app']}").code == 0
    return names["app"]


def update(owner: Person, app: str, *options: str, stdin: str = "") -> Done:
    """Run the command; each option is one word or two."""
    words = [word for option in options for word in option.split(" ", 1)]
    return owner.run(["apps", "update", "-n", app, *words], stdin=stdin)


def variables(owner: Person, app: str, running: control.Running) -> dict[str, str]:
    """The app's own variables, as the platform has them."""
    query = "query ($n: String!) { app(name: $n) { environmentVariables { name value readonly } } }"
    found = caller(running, owner.name).ask(query, n=app)["app"]["environmentVariables"]
    return {v["name"]: v["value"] for v in found if not v["readonly"]}


def test_every_option_at_once_and_back(owner: Person, app: str, names: dict[str, str]) -> None:
    options = EVERYTHING.format(**names).split("\n")[1:-1]
    done = update(owner, app, *options)
    assert (done.code, done.out, done.err) == (0, SAID.format(**names), "")
    assert "value" not in done.out
    again = update(owner, app, *options)
    assert again.out == "thumbnail: another -> PNG of 8 bytes\n"
    viewers = "viewers ({viewer}, {dev}, group {crowd})".format(**names)
    for same in ("title", "portal rank", viewers, "tag one", "KEY"):
        assert same in again.err
    done = update(owner, app, *BACK.format(**names).split("\n")[1:-1], "-y")
    assert (done.code, done.out) == (0, SAID_BACK.format(**names))


def test_no_option_is_a_usage_error(nobody: Person) -> None:
    done = nobody.run("apps update --name app")
    assert (done.code, done.err) == (2, "There is nothing to change: give at least one option.\n")


@pytest.mark.parametrize(
    "options",
    [
        ("--title {app}",),
        ("--add-group-viewer=", "--add-group-co-owner=", "--add-viewer=,"),
        ("--remove-viewer {viewer}", "--remove-co-owner {admin}"),
        ("--no-persistent-filesystem", "--not-visible-on-portal"),
        ("--view-access unauthenticated", "--portal-rank 0", "--description="),
    ],
)
def test_nothing_to_change(
    options: tuple[str, ...], owner: Person, app: str, names: dict[str, str]
) -> None:
    done = update(owner, app, *(option.format(**names) for option in options))
    assert (done.code, done.out) == (0, f"Nothing to change: {app} already has these settings.\n")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a=b=c",
        "'single' \"double\" `back`",
        "two\nlines\n",
        "grün 日本 🎉",
        "$HOME %d {x}",
        "--x",
    ],
)
def test_values_arrive_as_they_are(
    value: str, owner: Person, app: str, sandbox: control.Running
) -> None:
    done = update(owner, app, f"--add-environment-variable K={value}")
    assert done.out == "variable K: added\n"
    assert variables(owner, app, sandbox) == {"K": value}
    assert len(value) < 4 or value not in done.out + done.err


def test_key_alone_reads_standard_input(owner: Person, app: str, sandbox: control.Running) -> None:
    options = ("--add-environment-variable A", "--add-environment-variable B")
    assert update(owner, app, *options, stdin="first=1\nsecond\n").code == 0
    assert variables(owner, app, sandbox) == {"A": "first=1", "B": "second"}
    done = update(owner, app, options[0])
    assert done.code == 2 and "Value of A is read from standard input, which is empty" in done.err


FILE = (
    'PLAIN=one\nexport QUOTED="a b=c"\n# remark\nEMPTY=\nLINES="l1\nl2"\nUTF="grün"\nREF=${HOME}\n'
)
READ = {
    "PLAIN": "one",
    "QUOTED": "a b=c",
    "EMPTY": "",
    "LINES": "l1\nl2",
    "UTF": "grün",
    "REF": "${HOME}",
}


@pytest.mark.parametrize("file", ["-", "env"])
def test_file_of_variables(file: str, owner: Person, app: str, sandbox: control.Running) -> None:
    (owner.home / "env").write_text(FILE, encoding="utf-8")
    done = update(owner, app, f"--env-file {file}", stdin=FILE if file == "-" else "")
    assert done.code == 0 and variables(owner, app, sandbox) == READ
    assert "one" not in done.out


@pytest.mark.parametrize(
    ("option", "code", "words"),
    [
        ("--add-environment-variable =x", 2, "should be KEY=VALUE, and KEY is missing"),
        ("--add-environment-variable 9B=secret", 2, "'9B' is not a name of an environment"),
        ("--add-environment-variable PORT=secret", 2, "PORT is made by the platform"),
        ("--remove-environment-variable DASH_APP_NAME", 2, "made by the platform"),
        ("--remove-environment-variable NOPE", 5, "has no environment variable NOPE"),
        ("--env-file nowhere", 2, "--env-file nowhere cannot be read: "),
        ("--env-file alone", 2, "--env-file alone, line 1, has no value"),
        ("--view-access public", 2, "restricted, authenticated or unauthenticated, not 'public'"),
        ("--portal-rank first", 2, "--portal-rank should be a whole number, not 'first'"),
        ("--portal-rank 1.5", 2, "not '1.5'"),
        ("--portal-rank 99999999999", 2, "--portal-rank goes from -2147483648 to 2147483647"),
        ("--maintainer-email me", 2, "should be an e-mail address, not 'me'"),
        ("--thumbnail nowhere", 2, "--thumbnail nowhere cannot be read: No such file"),
        ("--thumbnail text.png", 2, "text.png is neither a PNG nor a JPEG picture"),
        ("--thumbnail large", 2, "large has 102401 bytes, and at most 102400 are allowed"),
        ("--remove-tag nope", 5, "has no tag 'nope'. It has: none."),
        ("--add-viewer nobody", 5, "There is no user 'nobody'"),
        ("--add-group-viewer nobody", 5, "There is no group 'nobody'"),
        ("--add-co-owner {viewer}", 4, "{viewer} has no license seat"),
        ("--add-group-co-owner {mixed}", 4, "{seatless} has no license seat: co-owners, and all"),
    ],
)
def test_refused(
    option: str,
    code: int,
    words: str,
    owner: Person,
    app: str,
    names: dict[str, str],
    people: People,
) -> None:
    names["mixed"] = f"mixed-{secrets.token_hex(3)}"
    names["seatless"] = people.add("seatless", "viewer", [names["mixed"]]).name
    (owner.home / "alone").write_text("KEY\n")
    (owner.home / "text.png").write_text("not a picture")
    (owner.home / "large").write_bytes(JPEG + bytes(100 * 1024 - 3))
    done = update(owner, app, option.format(**names))
    assert (done.code, done.out) == (code, "") and words.format(**names) in done.err, done.err
    assert "secret" not in done.err


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        ("--persistent-filesystem", "--no-persistent-filesystem"),
        ("--visible-on-portal", "--not-visible-on-portal"),
    ],
)
def test_contradiction(yes: str, no: str, owner: Person, app: str) -> None:
    done = update(owner, app, yes, no)
    assert done.code == 2 and f"{yes} and {no} contradict each other" in done.err


def test_what_is_refused_does_not_stop_the_rest(owner: Person, app: str) -> None:
    done = update(owner, app, "--title T", "--add-viewer nobody", "--add-environment-variable A=1")
    assert done.out == f"title: {app} -> T\nvariable A: added\n"
    assert done.code == 5
    assert done.err == "added viewers: There is no user 'nobody'. The rest is done.\n"


@pytest.mark.parametrize(("data", "kind"), [(PNG, "png"), (JPEG, "jpeg")])
def test_thumbnail_is_served(
    data: bytes, kind: str, owner: Person, app: str, sandbox: control.Running
) -> None:
    # By content: the name says something else.
    (owner.home / "picture.txt").write_bytes(data.ljust(100 * 1024, b"\0"))
    assert update(owner, app, "--thumbnail picture.txt").code == 0
    answer = client().get(f"{sandbox.url}/thumbnails/{app}", timeout=BOUND)
    assert answer.headers["content-type"] == f"image/{kind}"
    assert len(answer.content) == 100 * 1024


def test_title_equals_the_name_and_can_be_set_and_removed(owner: Person, app: str) -> None:
    assert update(owner, app, "--title Mine").out == f"title: {app} -> Mine\n"
    assert update(owner, app, "--title=").out == "title: Mine -> ''\n"
    assert update(owner, app, f"--title {app}").out == f"title: '' -> {app}\n"


LOOKS_AROUND = """
import http.server, json, os, pathlib
def listed(folder):
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else None
class Look(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        seen = [listed("../mount"), listed(os.path.expanduser("~/mount")), os.environ.get("KEY")]
        if self.path.endswith("/write"):
            pathlib.Path("../mount/kept").write_text("x")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(seen).encode())
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Look).serve_forever()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An app that shows its variables, and what it finds in its persistent filesystem."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "serve.py").write_text(LOOKS_AROUND)
    (folder / "Procfile").write_text("web: python serve.py\n")
    return folder


def test_persistent_filesystem_restarts_the_app(owner: Person, app: str, folder: Path) -> None:
    assert owner.run(f"deploy {folder} -n {app} -y").code == 0

    def starts() -> int:
        return owner.run(f"logs -n {app}").out.count("[sandbox] starting build")

    assert starts() == 1
    update(owner, app, "--persistent-filesystem")
    until(lambda: starts() == 2, "the restart")


def test_running_app_sees_its_settings(owner: Person, app: str, folder: Path) -> None:
    assert owner.run(f"deploy {folder} -n {app} -y").code == 0
    address = owner.run(f"open -n {app}").out.strip()

    def seen(path: str = "") -> list[object]:
        found: list[object] = json.loads(client().get(address + path, timeout=BOUND).text)
        return found

    assert seen() == [None, None, None]
    update(owner, app, "--persistent-filesystem", "--add-environment-variable KEY=a=b")
    assert owner.run(f"apps restart -n {app}").out == f"Restarting web for app {app}\n"
    assert seen("write") == [[], [], "a=b"]
    (folder / "new").write_text("another release")
    assert owner.run(f"deploy {folder} -n {app} -y").code == 0
    assert seen() == [["kept"], ["kept"], "a=b"]
    update(owner, app, "--no-persistent-filesystem", "-y", "--remove-environment-variable KEY")
    owner.run(f"apps restart -n {app}")
    assert seen() == [None, None, None]
