"""What a deploy looks like at a terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from de_tasks.deployment.events import Event
from de_tasks.errors import DeployFailed, Temporary
from de_tasks.tasks import deploy_output
from de_tasks.terminal import live, style
from tests.support.people import PROGRAMS, Done, Person
from tests.support.terminals import Terminal

ADDRESS = "http://x/shop/"
LOG = (
    ("00.0", "-----> Build 7 of shop: Deploy shop"),
    ("00.0", "-----> Installing requirements.txt"),
    ("01.0", "       Installed 30 packages in 78ms"),
    ("01.5", "        + dash==3"),
    ("01.5", "-----> Starting web: gunicorn app:server"),
    ("02.0", "       no database"),
)


@pytest.fixture(autouse=True)
def colours(dev: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """As at a terminal, whatever is one here, and no line moves."""
    monkeypatch.setattr(style, "for_people", lambda: True)
    monkeypatch.setattr(style, "moving", lambda: True)
    monkeypatch.setattr(live, "show", lambda work: None)
    monkeypatch.setenv("FORCE_COLOR", "1")
    dev.environment["FORCE_COLOR"] = "1"


def bare(text: str) -> list[str]:
    """Lines without colours."""
    return re.sub(r"\x1b\[\d*m", "", text).splitlines()


def deploy(dev: Person, page: Path, *more: str) -> Done:
    return dev.inv("deploy", "-y", *more, folder=page)


def test_steps_then_one_strong_line(dev: Person, page: Path) -> None:
    first = deploy(dev, page)
    says = bare(first.err)
    assert says[0] == f"Deploying {page.name} to {dev.host} as {dev.name}"
    assert any(re.fullmatch(r"✓ Sent [0-9a-f]{7}( +\d+\.\d s)?", line) for line in says)
    assert any(re.match("✓ web answers", line) for line in says)
    assert not [line for line in says if line.startswith("--")], "the log is folded"
    live, address, following = (*bare(first.out), says[-1])
    assert re.fullmatch(rf"✓ {page.name} is live: build \d+, \d+\.\d s", live)
    assert address == f"  {dev.host.replace('127.0.0.1', 'localhost')}/{page.name}/"
    named = f"--name {page.name}"
    assert following == f"  Next: inv open {named} · inv logs --follow {named}"
    again = deploy(dev, page)
    assert bare(again.out)[0] == f"✓ {page.name} is up to date: nothing has changed"


def test_log_of_what_failed_is_unfolded(dev: Person, page: Path) -> None:
    (page / "Procfile").write_text("web: echo I have no database; exit 3\n")
    failed = deploy(dev, page, "--no-check")
    says = bare(failed.err)
    assert failed.code != 0 and "       I have no database" in says
    assert any(line.startswith("✗ Starting web") for line in says)
    assert any(line.startswith("✗ ") and page.name in line for line in says)


def test_failed_start_says_nothing_twice(capsys: pytest.CaptureFixture[str]) -> None:
    routine = "       [2026-01-02 03:04:05 +0000] [7] [ERROR] Shutting down: Master"
    verdict = " !     The app was built but did not start. Build 3 keeps serving."
    with pytest.raises(DeployFailed), deploy_output.shown(json=False) as tell:
        for text in (*(text for _, text in LOG), routine, verdict):
            tell(Event("log", text))
        raise DeployFailed("shop was built, but did not start.\nNo database")
    said = bare(capsys.readouterr().err)
    step = "✗ Starting web: gunicorn app:server"
    assert said[-3:] == [step, LOG[-1][1], " !     Build 3 keeps serving."]


def test_verbose_shows_the_whole_log(dev: Person, page: Path) -> None:
    says = bare(deploy(dev, page, "--verbose").err)
    assert any(line.startswith("-----> Starting web") for line in says)


def test_steps_take_what_the_server_says(capsys: pytest.CaptureFixture[str]) -> None:
    with deploy_output.shown(json=False) as tell:
        for second, text in LOG:
            tell(Event("log", text, {"time": f"2026-01-02T03:04:{second}"}))
        tell(Event("log", "       web answered after 2.0 s", {"time": "2026-01-02T03:04:03.5"}))
        facts: dict[str, object] = {"url": ADDRESS, "changed": True, "seconds": 9.0}
        tell(Event("done", f"shop is live after 9.0 s: {ADDRESS}", facts))
    installed, answers, *_ = bare(capsys.readouterr().err)
    assert installed.split() == "✓ Installed 30 packages 1.5 s".split()
    assert answers.split() == "✓ web answers 2.0 s".split()


def test_requirements_that_are_unchanged_have_their_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    unchanged = "       Requirements unchanged: nothing to install"
    with deploy_output.shown(json=False) as tell:
        for text in (LOG[0][1], "-----> Python 3.11.7", unchanged, *(t for _, t in LOG[-2:])):
            tell(Event("log", text))
        facts: dict[str, object] = {"url": ADDRESS, "changed": True, "seconds": 9.0}
        tell(Event("done", f"shop is live: {ADDRESS}", facts))
    steps = [line for line in bare(capsys.readouterr().err) if line.startswith("✓")]
    assert steps[:2] == ["✓ Python 3.11.7", "✓ Requirements unchanged"] and len(steps) == 3


@pytest.mark.parametrize("error", [DeployFailed("no"), Temporary("late"), KeyboardInterrupt()])
def test_only_the_step_that_failed_is_unfolded(
    error: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(type(error)), deploy_output.shown(json=False) as tell:
        for _, text in LOG:
            tell(Event("log", text))
        raise error
    said = bare(capsys.readouterr().err)
    # One cross for one ^C: it is the end's.
    mark = "-" if isinstance(error, KeyboardInterrupt) else "✗"
    assert said[-2:] == [f"{mark} Starting web: gunicorn app:server", LOG[-1][1]]
    assert not [line for line in said if "dash" in line]


def test_end_names_the_app_once(capsys: pytest.CaptureFixture[str]) -> None:
    with deploy_output.shown(json=False) as tell:
        tell(Event("step", "Deploying shop to x", {"app": "shop"}))
        tell(Event("done", "shop is being built"))
        tell(Event("done", "Nothing was sent"))
    said = capsys.readouterr()
    assert bare(said.out)[-2:] == ["✓ shop is being built", "✓ Nothing was sent"]


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> list[live.Work]:
    """What is shown of the work that goes on, one after the other."""
    found: list[live.Work] = []
    monkeypatch.setattr(live, "show", found.append)
    return found


def test_wait_for_the_app_names_its_address(shown: list[live.Work]) -> None:
    with deploy_output.shown(json=False) as tell:
        tell(Event("progress", f"Waiting for {ADDRESS}: 3 s", {"seconds": 3.0}))
    assert [work.text for work in shown] == [f"Waiting for {ADDRESS}"]


def test_packages_have_a_bar_where_the_log_tells_how_many(shown: list[live.Work]) -> None:
    lines = ("Resolved 4 packages in 1s", " Downloaded numpy", "+ numpy==2", "+ dash==3")
    with deploy_output.shown(json=False) as tell:
        for text in (*(text for _, text in LOG[:2]), *(f"       {line}" for line in lines)):
            tell(Event("log", text))
    assert [work.percent for work in shown] == [None, None, 0, 25, 25, 50]
    assert shown[-1].detail == "2 of 4 packages"


def test_what_a_build_waits_for_is_what_goes_on(shown: list[live.Work]) -> None:
    with deploy_output.shown(json=False) as tell:
        for text in (LOG[0][1], "       Waiting for build 6 of this app to end"):
            tell(Event("log", text))
    assert shown[-1].text == "Waiting for build 6 of this app to end"


def test_log_shows_life_where_no_line_can_change(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(style, "moving", lambda: False)
    with deploy_output.shown(json=False) as tell:
        for _, text in LOG:
            tell(Event("log", text))
    assert bare(capsys.readouterr().err) == [text for _, text in LOG]


def test_long_work_shows_life(dev: Person, page: Path) -> None:
    (page / "Procfile").write_text("web: sleep 1.5; exec python -m http.server $PORT\n")
    (page / "tasks.py").write_text("from de_tasks import ns\n")
    variables = dev.variables({"TERM": "xterm-256color", "PYTHONUTF8": "1"})
    with Terminal([str(PROGRAMS / "inv"), "deploy", "-y", "--no-check"], page, variables) as seen:
        seen.shows("Waiting for the build")
        seen.shows("is live: build ")
        assert seen.end() == 0
    assert len(set(seen.text) & set("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")) > 1
