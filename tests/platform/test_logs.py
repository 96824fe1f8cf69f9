"""Logs from some time on, of several processes, and as they go on."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from types import SimpleNamespace

import pytest

from de_tasks.errors import NotAvailable, NotFound, UsageError
from de_tasks.platform import logs
from de_tasks.platform.models import App, LogLine, LogPage
from tests.support.apps import SERVER, app_folder
from tests.support.people import People, Person

NOW = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("30s", "2026-01-31T11:59:30.000000"),
        ("10m", "2026-01-31T11:50:00.000000"),
        ("2h", "2026-01-31T10:00:00.000000"),
        ("1d", "2026-01-30T12:00:00.000000"),
        ("2026-01-31", "2026-01-31T00:00:00.000000"),
        ("2026-01-31T14:00+02:00", "2026-01-31T12:00:00.000000"),
        ("2026-01-31T14:00:05Z", "2026-01-31T14:00:05.000000"),
        ("0026-01-31", "0026-01-31T00:00:00.000000"),
        ("0001-01-01T00:00+05:00", "0001-01-01T00:00:00.000000"),
        ("9999-12-31T23:00-05:00", "9999-12-31T23:59:59.999999"),
    ],
)
def test_since_is_an_age_or_a_time(text: str, time: str) -> None:
    assert logs.since(text, NOW) == time


@pytest.mark.parametrize("text", ["yesterday", "10", "-5m", "10w", "2026-13-01"])
def test_since_that_is_no_time_is_named(text: str) -> None:
    with pytest.raises(UsageError, match=f"not '{text}'"):
        logs.since(text)


def test_no_age_is_too_old() -> None:
    assert logs.since("999999999d", NOW).startswith("1926-")


def test_what_the_count_cuts_off_is_known() -> None:
    lines = [LogLine(f"2026-01-31T12:00:0{n}", "web", str(n)) for n in range(4)]
    assert logs.Wanted(3).chosen(lines) == (lines[1:], True)
    assert logs.Wanted(4).chosen(lines) == (lines, False)
    # Older lines than are wanted are not missed.
    assert logs.Wanted(3, "2026-01-31T12:00:02").chosen(lines) == (lines[2:], False)


@pytest.fixture(scope="module")
def several(cast: People, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Whoever has deployed an app with two processes, in its folder."""
    beat = 'worker: sh -c "echo one; echo two; sleep 1000"\n'
    folder = app_folder(tmp_path_factory.mktemp("logs"), "several", Procfile=SERVER + beat)
    dev = cast["dev"]
    assert dev.run("deploy -y", folder=folder).code == 0
    dev.environment["INVOKE_DE_APP"] = folder.name
    return dev


def test_all_processes_are_merged_by_time(several: Person) -> None:
    said = several.run("logs --all --json").out.splitlines()
    found = [json.loads(line) for line in said]
    assert {line["process"] for line in found} == {"web", "worker"}
    assert [line["time"] for line in found] == sorted(line["time"] for line in found)
    plain = several.run("logs --process-name worker --process-name web").out
    assert "worker | one\n" in plain and re.search(r"^web \| ", plain, re.MULTILINE)


def test_one_process_is_printed_as_it_is_and_with_its_times(several: Person) -> None:
    assert several.run("logs --process-name worker --count 2").out == "one\ntwo\n"
    timed = several.run("logs --process-name worker --count 1 --timestamps").out
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z two\n", timed)


def test_count_that_cuts_says_so(several: Person) -> None:
    cut = several.run("logs --process-name worker --count 1")
    assert cut.err == "There are more than 1 lines: --count N shows more.\n"
    assert several.run("logs --process-name worker --since 1d").err == ""
    assert several.run("logs --process-name worker --since 2100-01-01").out == ""


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("--all --process-name web", 2, "Give --process-name or --all, not both."),
        ("--type build --all", 2, "A build has one log"),
        (
            "--process-name workr",
            5,
            "no process 'workr'. Did you mean worker? It has: web",
        ),
        ("--since soon", 2, "--since is how long ago (30s, 10m, 2h, 1d)"),
    ],
)
def test_what_cannot_be_shown_is_refused(
    several: Person, words: str, code: int, message: str
) -> None:
    done = several.run(f"logs {words}")
    assert done.code == code and message in done.err


def test_followed_logs_take_new_processes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "GAP", 0)
    platform = Growing()
    log = logs.ProcessLogs(platform, "host", "app", ("web",), logs.Wanted(), all=True)  # type: ignore[arg-type]
    rounds = logs.followed(log)
    seen = [next(rounds) for _ in range(logs.LOOKS + 1)]
    assert {line.process for line in seen[0]} == {"web"}
    assert {line.process for line in seen[-1]} == {"web", "worker"}


class Growing:
    """A platform whose app has another process by the second look."""

    def app(self, name: str) -> object:
        return SimpleNamespace(name=name, processes=("web", "worker"))

    def runtime_log(
        self, name: str, process: str, count: int, after: str | None = None, wait: int = 0
    ) -> object:
        return LogPage((LogLine("2026-01-31T12:00:00.000000", process, "line"),), "1")


def test_what_cannot_be_told_is_said() -> None:
    app = App("sales", "", "", "", None)
    timeless = [LogLine("", "web", "hello"), LogLine("", "worker", "hello")]
    said = logs.caveats(timeless, app, all=True, several=True, times=True)
    for words, line in zip(("log of web alone", "no timestamps", "not merged"), said, strict=True):
        assert words in line
    timed = [LogLine("2026-01-31T12:00:00", "web", "hello")]
    known = App("sales", "", "", "", None, processes=("web",))
    assert logs.caveats(timed, known, all=True, several=True, times=True) == []


def test_process_that_left_the_procfile_keeps_its_last_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def page(name: str, process: str, *rest: object) -> LogPage:
        return LogPage((LogLine("2026-01-31T12:00:00", process, "bye"),), "1")

    left = App("sales", "", "", "", None, processes=("web",))
    platform = SimpleNamespace(runtime_log=page, app=lambda name: left)
    monkeypatch.setattr(logs, "LOOKS", 1)
    log = logs.ProcessLogs(
        platform,
        "h",
        "sales",
        ("web", "worker"),
        logs.Wanted(9),
        all=True,  # type: ignore[arg-type]
    )
    assert [line.process for line in log.read()] == ["web", "worker"]
    assert [line.process for line in log.read()] == ["web"]


def test_lines_without_times_are_not_chosen_by_time() -> None:
    lines = [LogLine("", "web", "hello")]
    assert logs.Wanted(3).chosen(lines) == (lines, False)
    with pytest.raises(NotAvailable, match="a log has no times: leave out --since"):
        logs.Wanted(3, "2026-01-31T12:00:00").chosen(lines)


def test_app_that_goes_away_while_its_log_is_read_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = SimpleNamespace(build=lambda *_, **__: None, runtime_log=lambda *_: None)
    build = logs.BuildLog(gone, "here", "shop", logs.Wanted())  # type: ignore[arg-type]
    web = logs.ProcessLogs(gone, "here", "shop", ["web"], logs.Wanted())  # type: ignore[arg-type]
    looked = SimpleNamespace(app=lambda name: None)
    monkeypatch.setattr(logs, "LOOKS", 1)
    all_ = logs.ProcessLogs(looked, "here", "shop", ["web"], logs.Wanted(), all=True)  # type: ignore[arg-type]
    for log in (build, web, all_):
        with pytest.raises(NotFound, match=r"App \[shop\] does not exist on \[here\]"):
            log.read()
