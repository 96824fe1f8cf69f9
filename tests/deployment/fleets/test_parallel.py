"""fleet.deploy: many apps at once, on a real sandbox."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from unittest.mock import Mock

import pytest

from de_tasks.deployment.events import Event
from de_tasks.deployment.fleets import connections, parallel
from de_tasks.deployment.fleets.apps import Chosen, FleetApp
from de_tasks.deployment.fleets.parallel import Job, Result
from de_tasks.deployment.fleets.shared_reads import SharedReads
from de_tasks.deployment.plan import ReadyDeploy
from de_tasks.errors import DeployFailed, DeTasksError, Interrupted, Temporary
from de_tasks.net.budget import Window
from de_tasks.net.retry import Wait
from de_tasks.platform.models import App, Build, LogPage
from de_tasks.server import control
from de_tasks.tasks.ages import age
from tests.support.apps import held_back
from tests.support.fleets import SERVE, fleet_folder
from tests.support.gitserver import git
from tests.support.people import LONGEST, Done, People, Person, log_in
from tests.support.processes import processes_of
from tests.support.waiting import BOUND, until


def fleet(people: People, *words: str, root: Path) -> Done:
    return people["dev"].run(["fleet", *words], folder=root)


def events(done: Done) -> list[dict[str, object]]:
    return [json.loads(line) for line in done.out.splitlines()]


def results(done: Done) -> dict[object, object]:
    return {e["app"]: e["status"] for e in events(done) if e["event"] == "result"}


def test_one_failing_app_stops_no_other(people: People, tmp_path: Path) -> None:
    root = tmp_path / "mono"
    names = fleet_folder(root, "stop", 4)
    (root / names[1] / "Procfile").write_text("web: echo cannot start; exit 7\n")
    done = fleet(people, "deploy", "--all", "-y", root=root)
    assert done.code == 3, done.err
    rows = [line.split()[:2] for line in done.out.splitlines()[1:]]
    expected = ["live", "FAILED", "live", "live"]
    assert rows == [[name, word] for name, word in zip(names, expected, strict=True)]
    last = done.err.splitlines()[-12:]
    assert any("cannot start" in line for line in last)
    again = f"de-tasks fleet deploy --only {names[1]}"
    assert last[-1] == f"Not deployed: {names[1]}. Again: {again}"


def test_only_what_changed_is_deployed(people: People, tmp_path: Path) -> None:
    root = tmp_path / "mono"
    names = fleet_folder(root, "since", 3)
    assert fleet(people, "deploy", "--all", "-y", root=root).code == 0
    (root / names[0] / "serve.py").write_text(SERVE + "\n")
    done = fleet(people, "deploy", "--changed-since", "HEAD", "--json", root=root)
    assert results(done) == {names[0]: "live"} and events(done)[-1] == {
        **{"event": "summary", "code": 0},
        "live": 1,
    }
    again = fleet(people, "deploy", "--all", "--json", root=root)
    assert results(again) == dict.fromkeys(names, "unchanged")
    (root / "libs" / "file.txt").write_text("two\n")
    words = ("--changed-since", "HEAD", "--only", names[1])
    shared = fleet(people, "deploy", *words, "--json", root=root)
    assert results(shared) == {names[1]: "live"}, "built anew though its folder is as before"
    git(root, "commit", "-qam", "two")
    nothing = fleet(people, "deploy", "--changed-since", "HEAD", root=root)
    assert nothing.out.startswith("Nothing has changed") and nothing.code == 0


def test_status_says_what_is_not_deployed(people: People, tmp_path: Path) -> None:
    root = tmp_path / "mono"
    names = fleet_folder(root, "stand", 3)
    done = fleet(people, "deploy", "-y", "--only", f"{names[0]},{names[1]}", root=root)
    assert done.code == 0, done.err
    (root / names[0] / "serve.py").write_text(SERVE + "\n")
    git(root, "commit", "-qam", "two")
    (root / names[1] / "Procfile").write_text("web: exit 7\n")
    assert fleet(people, "deploy", "--only", names[1], root=root).code == 3
    found = json.loads(fleet(people, "status", "--json", root=root).out)
    first, second, third = found
    assert first["undeployed"] == [f"{names[0]}/serve.py"] and first["commits"] == 1
    assert (second["build"], second["healthy"]) == ("failed", True)
    assert second["undeployed"] == [f"{names[1]}/Procfile"] and second["commits"] == 0
    assert (third["exists"], third["release"], third["why"]) == (False, None, "does not exist")
    lines = fleet(people, "status", root=root).out.splitlines()
    assert lines[1].endswith("ok      1 file in 1 commit")
    # Builds of all apps are numbered together, and two were deployed at once.
    assert re.search(r"  1 file; build \d+ is failed$", lines[2])


@pytest.mark.parametrize(
    ("since", "words"),
    [
        ("2026-01-01T00:00:00.000000", "31 d"),
        ("2026-01-31T22:30:00.000000", "1 h"),
        ("2026-02-01T00:00:30.000000", "0 s"),
        ("", "-"),
    ],
)
def test_age(since: str, words: str) -> None:
    assert age(since, datetime(2026, 2, 1, tzinfo=timezone.utc)) == words


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Which apps? Give --changed-since REF, --only NAME, or --all"),
        (("--all", "--only", "any"), "--all contradicts"),
        (("--all", "--jobs", "0"), "--jobs should be a whole number from 1 up"),
        (("--all", "--shard", "0/3"), "such as 3/10, not '0/3'"),
        (("--all", "--shard", "4/3"), "such as 3/10, not '4/3'"),
        (("--all", "--shard", "x"), "such as 3/10, not 'x'"),
        (("--all", "--shard", "2/2"), "To be created: {1}. Deploy 1 app to"),
        (("--only", "{0}", "--shard", "2/2"), "To be created: {0}. Deploy 1 app to"),
        (("--all",), "To be created: {0}, {1}. Deploy 2 apps to http://"),
    ],
)
def test_refused_before_anything_is_sent(
    words: tuple[str, ...], sentence: str, people: People, tmp_path: Path
) -> None:
    root = tmp_path / "mono"
    names = fleet_folder(root, "ask", 2)
    done = fleet(people, "deploy", *(word.format(*names) for word in words), root=root)
    assert done.code == 2 and sentence.format(*names) in done.err


def test_two_rollouts_share_the_points(tmp_path: Path) -> None:
    options = {"port": 0, "rate_limit_points": 20, "rate_limit_seconds": 1}
    running = control.start(tmp_path / "data", options)
    try:
        dev, roots = log_in(running, "dev", tmp_path / "home"), [tmp_path / "one", tmp_path / "two"]
        for root in roots:
            fleet_folder(root, root.name, 2)
        children = [dev.begin("fleet.deploy", "--all", "-y", folder=root) for root in roots]
        told = [child.communicate(timeout=LONGEST) for child in children]
        assert [child.returncode for child in children] == [0, 0], told
        assert control.administer(running, "points", {})["dev"]["spent"] > 40, "three windows"
    finally:
        control.stop(running)


def test_machines_deploy_their_parts_by_budgets_of_their_own(dev: Person, tmp_path: Path) -> None:
    root = tmp_path / "mono"
    names = fleet_folder(root, "part", 3)
    for shard, part in (("1/2", [names[0], names[2]]), ("2/2", [names[1]])):
        done = dev.inv("fleet.deploy", "--all", "-y", "--json", "--shard", shard, folder=root)
        assert results(done) == dict.fromkeys(part, "live"), done.err
    none = dev.inv("fleet.deploy", "--all", "-y", "--shard", "4/4", folder=root)
    assert none.out == "No app is left for job 4/4: there is nothing to deploy.\n"
    kept = list((dev.home / ".cache" / "de-tasks" / "budget").glob("*.lock"))
    assert len(kept) == 2


def test_ctrl_c_ends_all(dev: Person, tmp_path: Path, hold: Path) -> None:
    root = tmp_path / "mono"
    names = fleet_folder(root, "end", 4)
    for name in names:
        (root / name / "Procfile").write_text(held_back(hold, "python serve.py"))
    child = dev.begin("fleet.deploy", "--all", "-y", "--jobs", "3", "--json", folder=root)
    assert child.stdout
    assert any('"plan"' in line for line in child.stdout)
    os.killpg(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=LONGEST)
    assert child.returncode == 130, err
    summary, failure = map(json.loads, out.splitlines()[-2:])
    assert summary["event"] == "summary" and failure["error"]["code"] == summary["code"] == 130
    assert processes_of(root) + processes_of(dev.home) == []
    hold.unlink()
    again = dev.inv("fleet.deploy", "--only", f"{names[0]},{names[3]}", "-y", folder=root)
    assert again.code == 0, "one that was ended, and one that had not begun"


def test_terminal_shows_a_table_that_lives(dev: Person, tmp_path: Path) -> None:
    root = tmp_path / "mono"
    (name,) = fleet_folder(root, "table", 1)
    ours, theirs = pty.openpty()
    child = dev.begin("fleet.deploy", "--all", "-y", folder=root, stderr=theirs)
    os.close(theirs)
    shown = screen(ours)
    out, _ = child.communicate(timeout=LONGEST)
    assert child.returncode == 0 and f"{name}  live" in out
    assert "0 of 1 apps" in shown and "points left" in shown and shown.count("\x1b[2K") > 2


def screen(terminal: int) -> str:
    """All that a terminal is sent until the program at its other side ends."""
    shown = b""
    with open(terminal, "rb", buffering=0) as file:
        # Linux tells of the end with an error.
        with suppress(OSError):
            while piece := file.read(4096):
                shown += piece
    return shown.decode()


class Clock:
    """Time that passes with sleep alone."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Counting:
    """A platform whose builds end after some looks; counts what it is asked."""

    cancels = False

    def __init__(self, names: list[str], looks: int) -> None:
        self.names, self.looks, self.pages, self.single = names, looks, 0, 0
        self.before_page: Callable[[], object] = lambda: None
        self.running: Callable[[], bool] = lambda: True

    def _app(self, name: str) -> App:
        done = self.pages + self.single > self.looks
        build = Build(
            "2" if self.pages + self.single > 1 else "1",
            "built" if done else "queued",
            "sha",
            "m",
            "dev",
            "now",
        )
        return App(name, "dev", "", "", self.running(), (), build)

    def apps(self, dated: bool = False) -> Iterator[App]:
        self.pages += 1
        self.before_page()
        return iter([self._app(name) for name in self.names])

    def app(self, name: str, dated: bool = False) -> App:
        self.single += 1
        return self._app(name)


class Door:
    """A lock that knows how many have it or wait for it."""

    def __init__(self) -> None:
        self.inside = 0
        self._counting, self._lock = threading.Lock(), threading.Lock()

    def __enter__(self) -> None:
        with self._counting:
            self.inside += 1
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        with self._counting:
            self.inside -= 1
        self._lock.release()


def test_many_builds_are_watched_with_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"a{number}" for number in range(40)]
    platform, clock, door, ended = Counting(names, looks=3), Clock(), Door(), list[Build | None]()
    shared = SharedReads(platform, names, Window, clock.sleep, clock)  # type: ignore[arg-type]
    monkeypatch.setattr(shared, "_looking", door)

    def all_wait() -> None:
        until(lambda: door.inside + len(ended) == len(names), "all others wait for this look")

    platform.before_page = all_wait
    with ThreadPoolExecutor(len(names)) as threads:
        for name in names:
            threads.submit(lambda name: ended.append(shared.build(name, wait=60)), name)
    assert [build.status for build in ended if build] == ["built"] * len(names)
    assert platform.pages < 8 and platform.single == 0


def test_looks_are_rare_while_points_are_short() -> None:
    names = [f"a{number}" for number in range(40)]
    short = Window(limit=60, left=20, window=60, end=time.time() + 60)
    clock, platform = Clock(), Counting(names, 3)
    shared = SharedReads(platform, names, lambda: short, clock.sleep, clock)  # type: ignore[arg-type]
    shared.build(names[0], wait=60)
    assert clock.now > 20, "two looks, at a tenth of a point a second"


def test_a_look_that_waits_for_points_ends_with_the_last_write() -> None:
    names = ["one", "two"]
    short = Window(limit=60, left=1, window=60, end=time.time() + 60)
    clock, platform = Clock(), Counting(names, 3)

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now >= 1:
            shared.settle("two")

    shared = SharedReads(platform, names, lambda: short, sleep, clock)  # type: ignore[arg-type]
    shared.build("one", wait=60)
    assert clock.now < 5, "no more than looks take while there are points"


def test_one_of_many_apps_is_looked_at_alone() -> None:
    names = [f"a{number}" for number in range(120)]
    clock, platform = Clock(), Counting(names, 4)
    shared = SharedReads(platform, names, Window, clock.sleep, clock)  # type: ignore[arg-type]
    build = shared.build(names[7], wait=60)
    assert build and build.status == "built"
    assert (platform.pages, platform.single) == (1, 4), "the list alone has three pages"


def test_build_that_goes_on_is_told_at_the_end_of_the_wait() -> None:
    clock, platform = Clock(), Counting(["one"], looks=99)
    shared = SharedReads(platform, ["one"], Window, clock.sleep, clock)  # type: ignore[arg-type]
    build = shared.build("one", wait=5)
    assert build and build.status == "queued" and 5 <= clock.now < 8


def test_app_that_is_waited_for_is_looked_at_anew() -> None:
    clock, platform = Clock(), Counting(["one"], looks=2)
    platform.running = lambda: platform.pages > 3
    shared = SharedReads(platform, ["one"], Window, clock.sleep, clock)  # type: ignore[arg-type]
    assert (app := shared.app("one")) and not app.running and platform.pages == 1
    assert (build := shared.build("one", wait=60)) and build.status == "built"
    assert (app := shared.app("one")) and app.running and platform.pages == 4
    assert shared.app("one") == app and platform.pages == 4


def test_log_of_a_process_is_asked_for_each_app_alone() -> None:
    page = LogPage((), "8")
    platform = Mock(runtime_log=Mock(return_value=page), apps=lambda: iter([]))
    shared = SharedReads(platform, ["one"], Window)
    assert shared.runtime_log("one", "web", 20, "7", 30) is page
    platform.runtime_log.assert_called_once_with("one", "web", 20, "7", 30)


@dataclass
class Heard:
    """Who watches a rollout; at an event of the kind `stop` it is interrupted."""

    stop: str = ""
    events: list[tuple[str, str]] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)

    def told(self, job: Job, event: Event) -> None:
        self.events.append((job.name, event.text))
        if event.kind == self.stop:
            raise KeyboardInterrupt

    def ended(self, result: Result) -> None:
        self.ends.append(result.job.name)

    def tick(self) -> None:
        return


def job(name: str, run: Callable[[Callable[[Event], None]], None], log: object = ()) -> Job:
    """A deploy that does what the test has it do; `log` is the end of its log, or an error."""

    def last_lines() -> tuple[str, ...]:
        if isinstance(log, Exception):
            raise log
        return cast(tuple[str, ...], log)

    def begin(tell: Callable[[Event], None]) -> ReadyDeploy:
        return cast(ReadyDeploy, SimpleNamespace(run=lambda: run(tell)))

    return Job(name, "here", begin, last_lines)


def raising(error: Exception) -> Callable[[object], None]:
    def run(tell: object) -> None:
        raise error

    return run


def live(tell: Callable[[Event], None]) -> None:
    tell(Event("done", "It is live.", {"live": True}))


@pytest.mark.parametrize(
    ("error", "log", "expected"),
    [
        (ValueError("surprise"), (), ("failed", "ValueError: surprise", 1, ())),
        (DeployFailed("broken"), ("cause",), ("failed", "broken", 3, ("cause",))),
        (
            DeployFailed("broken"),
            DeTasksError("It is gone."),
            ("failed", "broken", 3, ("The log cannot be read: It is gone.",)),
        ),
        (Temporary("away"), ("of before",), ("failed", "away", 75, ())),
        (Interrupted("Interrupted. So far."), (), ("interrupted", "Interrupted. So far.", 130, ())),
    ],
)
def test_end_of_one_app_is_told_and_ends_no_other(
    error: Exception, log: object, expected: tuple[object, ...]
) -> None:
    heard = Heard()
    one, other = parallel.Rollout(1).run([job("one", raising(error), log), job("b", live)], heard)
    assert (one.status, one.text, one.code, one.log) == expected
    assert (other.status, other.text, other.code) == ("live", "It is live.", 0)
    assert heard.ends == ["one", "b"]


def test_interrupt_ends_a_wait_and_begins_nothing_more() -> None:
    rollout, heard = parallel.Rollout(1), Heard(stop="wait")

    def waits(tell: object) -> None:
        assert rollout.tell(Event("wait", "for points"))
        rollout.pause(BOUND)

    one, other = rollout.run([job("one", waits), job("other", live)], heard)
    assert (one.status, one.code) == ("interrupted", 130)
    assert (other.status, other.code) == ("not begun", 130)
    assert heard.events == [("one", "for points")]
    assert not rollout.tell(Event("wait", "of no deploy")), "this thread has none"


def test_interrupt_leaves_one_that_does_not_end_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "END_SECONDS", 0)
    over, heard = threading.Event(), Heard(stop="step")

    def deaf(tell: Callable[[Event], None]) -> None:
        tell(Event("step", "begun"))
        over.wait(BOUND)

    (one,) = parallel.Rollout(1).run([job("one", deaf)], heard)
    over.set()
    assert (one.status, one.code, heard.ends) == ("interrupted", 130, [])


def test_failure_after_an_interrupt_says_how_to_find_out() -> None:
    rollout, heard = parallel.Rollout(1), Heard(stop="step")

    def cut(tell: Callable[[Event], None]) -> None:
        tell(Event("step", "begun"))
        with suppress(parallel.Stopped):
            rollout.pause(BOUND)
        raise Temporary("git was ended.")

    (one,) = rollout.run([job("one", cut)], heard)
    assert (one.status, one.code) == ("interrupted", 130)
    assert re.fullmatch(r"How far it came: .* status --name one", one.text)


def test_wait_of_a_deploy_is_told_as_its_own_and_any_other_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tells: list[Callable[[Wait], None]] = []

    def connect(values: object, tell: Callable[[Wait], None]) -> Mock:
        tells.append(tell)
        return Mock()

    monkeypatch.setattr(connections, "connect", connect)
    for_all: list[Wait] = []
    fleet, rollout = connections.Connections({"de": {}}, for_all.append), parallel.Rollout(1)
    app = FleetApp("one", tmp_path)
    connections.make_ready(fleet, Chosen(app), rollout, "", "", check=False)
    (tell,), wait = tells, Wait("for points", 2.04)
    heard = Heard()
    rollout.run([job("one", lambda _: tell(wait))], heard)
    assert (heard.events, for_all) == ([("one", "for points")], [])
    tell(wait)
    assert for_all == [wait]


@pytest.mark.parametrize(
    ("codes", "expected"), [((), 0), ((0, 0), 0), ((0, 75, 75), 75), ((3, 75), 1), ((3, 130), 130)]
)
def test_one_exit_code(codes: tuple[int, ...], expected: int) -> None:
    results = [parallel.Result(None, "", code=code) for code in codes]  # type: ignore[arg-type]
    assert parallel.exit_code(results) == expected
