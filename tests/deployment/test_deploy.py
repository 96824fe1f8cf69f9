"""What a deploy tells, to people and to programs, and how it ends."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from unittest.mock import Mock

import pytest

from de_tasks.deployment import watch as following
from de_tasks.deployment.answers import Answer
from de_tasks.deployment.deploy import ROUNDS, Deploy
from de_tasks.deployment.events import Event, planned
from de_tasks.deployment.plan import Plan
from de_tasks.errors import DeployFailed, NotAvailable, NotFound
from de_tasks.health import readiness
from de_tasks.net.http import Glance, Transport, Unavailable
from de_tasks.platform.models import App, Build
from de_tasks.platform.protocol import DeployPlatform
from de_tasks.repo.errors import Moved
from de_tasks.repo.files import Files
from tests.support.apps import SERVER, held_back
from tests.support.people import People, Person
from tests.support.repositories import Repository
from tests.support.waiting import BOUND

MOODY = """
import http.server, os, sys
answers = iter([200])
class Moody(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("moody as ever", flush=True)
        self.send_response(next(answers, 500))
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Moody).serve_forever()
"""
STREAMING = """
import http.server, os
class Streaming(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(bytes(65536))
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Streaming).serve_forever()
"""


def events(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_words_of_a_deploy(people: People, quick: Path) -> None:
    done = people["dev"].run("deploy -y", folder=quick)
    assert done.code == 0, done.err
    lines = done.err.splitlines()
    assert lines[0].startswith(f"Deploying {quick.name} to http://") and lines[0].endswith(
        f"as {people['dev'].name}"
    )
    assert lines[1] == f"1 file, {len(SERVER)} bytes"
    assert lines[2].startswith(f"App {quick.name} was initialized on [http://")
    assert re.fullmatch("Sent [0-9a-f]{7}", lines[3])
    assert any("-----> Starting web" in line for line in lines)
    parts = r"\(snapshot [\d.]+, check [\d.]+, push [\d.]+, build [\d.]+, start [\d.]+\)"
    address = rf"http://localhost:\d+/{quick.name}/"
    words = rf"{quick.name} is live after [\d.]+ s {parts}"
    assert re.fullmatch(rf"{words}: {address}\n", done.out)
    (quick / "more.txt").write_text("")
    again = people["dev"].run("deploy", folder=quick)
    assert f"2 files, {len(SERVER)} bytes, 1 changed since your last push" in again.err
    assert re.fullmatch(rf"{words}, 1 file changed: {address}\n", again.out)
    third = people["dev"].run("deploy", folder=quick)
    assert "nothing changed since your last push" in third.err
    assert re.fullmatch(rf"Nothing has changed: {address} is up to date\.\n", third.out)


def test_json_lines(people: People, quick: Path) -> None:
    done = people["dev"].run("deploy -y --json", folder=quick)
    told = events(done.out)
    kinds = [event["event"] for event in told]
    assert done.err == "" and kinds[-1] == "done"
    assert {"step", "plan", "log", "done"} <= set(kinds)
    (plan,) = (event for event in told if event["event"] == "plan")
    assert (plan["files"], plan["bytes"], plan["changed"], plan["source"]) == (
        1,
        len(SERVER),
        None,
        None,
    )
    end = told[-1]
    assert end["changed"] is True and str(end["url"]).endswith(f"/{quick.name}/")
    assert set(end["parts"]) == {"snapshot", "check", "push", "build", "start"}  # type: ignore[call-overload]


def test_dry_run_sends_nothing(people: People, quick: Path) -> None:
    done = people["dev"].run("deploy --dry-run", folder=quick)
    assert (done.code, done.out) == (0, "Nothing was sent: this was a dry run.\n")
    assert f"1 file, {len(SERVER)} bytes" in done.err
    status = people["dev"].run(f"apps exists --name {quick.name}")
    assert "does not exist" in status.out
    again = people["dev"].run("deploy --dry-run --json", folder=quick)
    kinds = [event["event"] for event in events(again.out)]
    assert kinds == ["step", "progress", "plan", "step", "done"]
    assert f"{quick.name} does not exist on {people['dev'].host}: it would be created" in done.err


def test_no_wait_returns_after_the_push(people: People, quick: Path) -> None:
    done = people["dev"].run("deploy -y --no-wait", folder=quick)
    watch = f"de-tasks logs --type build --follow --name {quick.name}"
    assert (done.code, done.out) == (0, f"{quick.name} is being built. Watch it: {watch}\n")
    assert "Starting web" not in done.err
    followed = people["dev"].run(f"logs --type build --follow --name {quick.name}")
    assert "Released" in followed.out


def test_largest_files_of_a_big_deploy() -> None:
    files = Files("tree", 7, 120_000_000, 3, (("a\nb.bin", 90_000_000), ("c.csv", 49_000)))
    event = planned(files, "0123456789-dirty (main)")
    assert event.text.splitlines() == [
        "7 files, 120.0 MB, 3 changed since your last push, from 0123456789-dirty (main)",
        "The largest, which lines in the folder's .gitignore would leave out:",
        r"    90.0 MB  a\nb.bin",
        "    49.0 kB  c.csv",
    ]
    assert event.facts["largest"] == [
        {"name": r"a\nb.bin", "bytes": 90_000_000},
        {"name": "c.csv", "bytes": 49_000},
    ]


def test_app_that_does_not_come_up(
    people: People, quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the time for it was over at its first bad answer.
    (quick / "Procfile").write_text("web: python moody.py\n")
    (quick / "moody.py").write_text(MOODY)
    wait = following.wait_until_answers
    monkeypatch.setattr(
        following,
        "wait_until_answers",
        lambda url, name, transport, deadline, *rest: wait(url, name, transport, 0, *rest),
    )
    done = people["dev"].run("deploy -y", folder=quick)
    assert done.code == 3
    assert f"{quick.name} was built, but does not answer" in done.err
    assert "answers 500" in done.err and "moody as ever" in done.err
    assert f"The whole log: de-tasks logs --name {quick.name}" in done.err


def test_app_that_goes_on_answering_an_error_of_its_own_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readiness, "SAID_AFTER", 0.0)
    monkeypatch.setattr(readiness, "GIVEN_UP_AFTER", 0.2)
    told: list[int] = []
    with pytest.raises(following.NotUp, match="answers 500 for "):
        following.wait_until_answers(
            "http://app.example/x/",
            "x",
            cast(Transport, SimpleNamespace(trusted=str, glance=lambda url, seconds: Glance(500))),
            time.monotonic() + BOUND,
            lambda seconds, status: told.append(status),
            lambda: True,
        )
    assert set(told) == {500}


def test_deploy_of_an_app_whose_page_never_ends(people: People, quick: Path) -> None:
    (quick / "Procfile").write_text("web: python streaming.py\n")
    (quick / "streaming.py").write_text(STREAMING)
    done = people["dev"].run("deploy -y", folder=quick)
    assert (done.code, f"{quick.name} is live" in done.out) == (0, True), done.err


def test_build_that_fails(people: People, quick: Path) -> None:
    (quick / "Procfile").write_text("web: echo the reason is here; exit 3\n")
    done = people["dev"].run("deploy -y", folder=quick)
    assert done.code == 3
    end = done.err.splitlines()[-2:]
    whole = f"The whole log: de-tasks logs --type build --name {quick.name}"
    assert end[0] == f"{quick.name} was built, but did not start. {whole}"
    assert re.fullmatch(r"web ended with status 3 after \d+\.\d s: the reason is here", end[1])
    assert any("the reason is here" in line for line in done.err.splitlines()[:-2])
    again = people["dev"].run("deploy", folder=quick)
    assert again.code == 3, "what failed is built again, even where no file has changed"


def test_boot_that_fails_names_the_exception_of_the_apps_own_code(
    people: People, quick: Path
) -> None:
    (quick / "Procfile").write_text("web: python app.py\n")
    (quick / "app.py").write_text("import os\n\nprint(os.environ['DATABASE_URL'])\n")
    done = people["dev"].inv("deploy", "-y", "--name", quick.name, folder=quick)
    remedy = f"Database? inv services.create --type postgres --app-name {quick.name}"
    last = done.err.splitlines()[-1]
    assert re.match(r"web ended with status 1 after \d+\.\d s: ", last)
    assert last.endswith(f"KeyError: 'DATABASE_URL' (app.py, line 3). {remedy}")


def test_build_that_fails_names_the_requirement(people: People, quick: Path) -> None:
    (quick / "requirements.txt").write_text("--no-index\n--find-links .\ndashh-nope==9\n")
    done = people["dev"].run("deploy -y --no-check", folder=quick)
    end = done.err.splitlines()[-2:]
    assert end[0].startswith(f"The build of {quick.name} failed. The whole log:")
    assert end[1].startswith("requirements.txt: dashh-nope==9 is not in the index: correct ")


def test_app_behind_a_sign_in_is_live_because_the_build_says_so(dev: Person, quick: Path) -> None:
    dev.run("deploy -y", folder=quick)
    dev.run(f"apps update --name {quick.name} --view-access restricted")
    (quick / "new").touch()
    done = dev.run("deploy", folder=quick)
    assert f"{quick.name} is up; visitors sign in first.\n" in done.err
    assert (done.code, f"{quick.name} is live" in done.out) == (0, True)
    # And a fleet's health tells the same two apart.
    (quick / "invoke.yaml").write_text("de:\n  apps: [.]\n")
    (seen,) = json.loads(dev.inv("fleet.status", "--json", folder=quick).out)
    assert (seen["health"], seen["healthy"]) == ("runs behind sign-in", True)


def test_app_behind_a_sign_in_of_which_nobody_says_that_it_runs(
    dev: Person, quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "running", lambda platform, name: None)
    dev.run("create --name " + quick.name)
    dev.run(f"apps update --name {quick.name} --view-access restricted")
    done = dev.run("deploy", folder=quick)
    assert "whether the app runs behind it is not known" in done.err
    assert "is live" not in done.out and f"{quick.name} was built" in done.out


def test_what_a_build_waits_for_is_told() -> None:
    builds = [made("12", "building", "other"), made("13", "queued", "ours")]
    platform, late = telling([*builds, made("13", "built", "ours")]), time.monotonic() + BOUND
    told: list[str] = []
    assert not list(following.follow(platform, "shop", "ours", (0, 0, 0), late, told.append))
    assert told == ["Waiting for build 12 of shop to end", "Waiting for the turn of build 13"]


@pytest.mark.parametrize(("author", "who"), [("eve", "eve"), ("", "Somebody")])
def test_deploy_that_another_one_came_after_is_told(author: str, who: str) -> None:
    newest, ours = Build("8", "building", "other", "", author, ""), made("7", "built", "ours")
    platform = telling(builds=[newest] * 3, listed=[newest, ours])
    with pytest.raises(DeployFailed, match=rf"^{who} has deployed shop after you\. How your build"):
        list(following.follow(platform, "shop", "ours", (0, 0, 0), time.monotonic() + BOUND))


def test_deploy_after_ours_is_told_also_where_no_history_is() -> None:
    runs = made("", "built", "other")
    platform = Mock(build=Mock(return_value=runs), builds=Mock(side_effect=NotAvailable("None.")))
    with pytest.raises(DeployFailed, match=r"^Somebody has deployed shop after you\."):
        list(following.follow(platform, "shop", "ours", (0, 0, 0), time.monotonic() + BOUND))


def made(number: str, status: str, sha: str) -> Build:
    return Build(number, status, sha, "", "", "")


def telling(
    builds: Iterable[Build], listed: Iterable[Build] = (), app: App | None = None
) -> DeployPlatform:
    """A platform that tells of a newest build one after the other, and of these builds and app."""
    newest = iter(builds)
    told = SimpleNamespace(
        build=lambda *_, **__: next(newest),
        builds=lambda name: iter(listed),
        app=lambda name: app,
    )
    return cast(DeployPlatform, told)


def test_wait_for_a_turn_and_for_the_app_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "SAID_AFTER", 0.0)
    url, answers = "http://app.example/shop/", iter([503, 200])
    app = App("shop", "dev", url, "", True, processes=("web",))
    platform = telling([made("13", "queued", "ours"), made("13", "built", "ours")], app=app)
    way = SimpleNamespace(trusted=str, glance=lambda url, seconds: Glance(next(answers)))
    told: list[Event] = []
    seen = following.see_through(
        platform=platform,
        name="shop",
        sha="ours",
        transport=cast(Transport, way),
        tell=told.append,
        deadline=time.monotonic() + BOUND,
        waits=(0, 0),
    )
    assert seen == (app, Answer.APP)
    assert told[0] == Event("progress", "Waiting for the turn of build 13")
    (waiting,) = told[1:]
    assert re.fullmatch(rf"Waiting for {url}: \d+ s, answers 503 so far", waiting.text)
    assert waiting.facts["answers"] == 503


def test_app_that_is_deleted_while_it_is_built_is_named() -> None:
    with pytest.raises(NotFound, match=r"^App shop was deleted during the deploy\.$"):
        following.see_through(
            platform=telling([made("1", "built", "ours")]),
            name="shop",
            sha="ours",
            transport=Transport(),
            tell=lambda event: None,
            deadline=time.monotonic() + BOUND,
            waits=(0,),
        )


def test_app_that_is_not_there_is_waited_for_to_the_deadline() -> None:
    def away(url: str, seconds: float) -> Glance:
        raise Unavailable("app.example does not answer. Is the host right?")

    words = r"^http://app\.example/x/ is not there: app\.example does not answer$"
    with pytest.raises(following.NotUp, match=words):
        following.wait_until_answers(
            "http://app.example/x/",
            "x",
            cast(Transport, SimpleNamespace(trusted=str, glance=away)),
            deadline=0,
            waiting=lambda seconds, status: None,
            runs=lambda: True,
        )


def test_app_that_others_deploy_all_the_time_is_not_deployed() -> None:
    there = App("shop", "dev", "http://x/", "http://x/shop", True)
    platform = Mock(app=Mock(return_value=there))
    snapshot = Mock(put=Mock(side_effect=Moved("Somebody else deployed.")))
    plan = Plan("shop", Path(), "dev", "host", "", Mock(), confirm=lambda question: True)
    with pytest.raises(Moved, match="Somebody else deployed"):
        Deploy(plan, Mock(), platform, Mock())._push_when_agreed(snapshot, "message")
    assert platform.app.call_count == snapshot.put.call_count == ROUNDS


@pytest.mark.parametrize(
    ("arrived", "words"),
    [
        (True, r"The server has this deploy \(abcdef0\) and goes on building it"),
        (False, r"The server had not taken this deploy \(abcdef0\) a moment ago"),
        (None, r"The server may have taken this deploy \(abcdef0\) a moment ago"),
    ],
)
def test_interrupted_push_tells_what_the_server_has(arrived: bool | None, words: str) -> None:
    snapshot = Mock(sent="abcdef0123", arrived=lambda remote: arrived, trailers=())
    snapshot.files.return_value, snapshot.origin.return_value = Files("tree", 1, 1), "main"
    snapshot.put.side_effect = KeyboardInterrupt
    plan = Plan("shop", Path(), "dev", "host", "", Mock(), confirm=lambda question: True)
    platform = Mock(app=lambda name: None)
    deploy = Deploy(plan, Mock(last=lambda: None), platform, lambda event: None)
    with pytest.raises(KeyboardInterrupt):
        deploy._snap_and_push(snapshot)
    assert re.match(words, deploy._state)


def test_app_behind_a_sign_in_that_does_not_run_is_waited_for() -> None:
    said = iter([False, False, True])
    glances: list[str] = []
    seen = following.wait_until_answers(
        "http://app.example/x/",
        "x",
        cast(Transport, SimpleNamespace(trusted=str, glance=lambda url, seconds: Glance(401))),
        time.monotonic() + BOUND,
        lambda seconds, status: None,
        lambda: next(said),
        lambda seconds: glances.append("slept"),
    )
    assert (seen, len(glances)) == (Answer.RUNNING, 2)


def test_build_that_outlasts_the_timeout(people: People, quick: Path, hold: Path) -> None:
    (quick / "Procfile").write_text(held_back(hold))
    done = people["dev"].run("deploy -y --timeout 2", folder=quick)
    assert done.code == 75
    watch = f"de-tasks logs --type build --follow --name {quick.name}"
    assert f"has not finished in time, and goes on. Watch it: {watch}" in done.err


@pytest.mark.parametrize("value", ["0", "x", "-1", "1.5"])
def test_bad_timeout(people: People, quick: Path, value: str) -> None:
    done = people["dev"].run(["deploy", f"--timeout={value}"], folder=quick)
    assert done.code == 2 and "--timeout" in done.err and value in done.err


def test_source_commit_is_told_and_kept(dev: Person, quick: Path) -> None:
    repository = Repository.make(quick)
    sha = repository.git("rev-parse", "HEAD")[:10]
    done = dev.inv("deploy", "-y", folder=quick)
    # `tasks.py` came after the commit.
    assert f"from {sha}-dirty (main)" in done.err
    (entry,) = json.loads(dev.inv("history", "--json", folder=quick).out)
    assert (entry["source"], entry["message"]) == (
        f"{sha}-dirty (main)",
        f"Deploy {sha}-dirty (main)",
    )
    at_commit = dev.inv("deploy", "--ref", "main", "--message", "As committed", folder=quick)
    assert f"from {sha} (main)" in at_commit.err and at_commit.code == 0
    newest = json.loads(dev.inv("history", "--json", folder=quick).out)[0]
    assert (newest["source"], newest["message"]) == (f"{sha} (main)", "As committed")


def test_what_cannot_run_is_not_deployed_and_no_app_is_made(dev: Person, quick: Path) -> None:
    (quick / "Procfile").write_text("web: gunicorn nope:server\n")
    done = dev.inv("deploy", "-y", folder=quick)
    assert done.code == 1 and "--no-check" in done.err
    assert done.err.strip().splitlines()[-1].endswith("[no-requirements]")
    assert dev.inv("apps.exists", "--name", quick.name, "--exit-code").code == 1
    assert dev.inv("deploy", "-y", "--no-check", "--no-wait", folder=quick).code == 0
    # What is deployed already is not looked at again.
    assert "[no-requirements]" not in dev.inv("deploy", "--no-wait", folder=quick).err
