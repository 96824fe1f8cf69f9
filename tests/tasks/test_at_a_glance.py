"""What the reading commands look like at a terminal; what programs read is tested elsewhere."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from de_tasks.platform.models import App, Build, LogLine
from de_tasks.tasks import log_output, status_output
from de_tasks.terminal import style
from tests.support.apps import SERVER, app_folder
from tests.support.fleets import fleet_folder
from tests.support.people import Person
from tests.support.tracebacks import BOOT

BUILT = Build("1", "built", "sha", "Deploy", "dev", "2026-01-02T03:04:05")
RED, DIM, END = "\x1b[31m", "\x1b[2m", "\x1b[0m"


@pytest.fixture(autouse=True)
def colours(dev: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """As at a terminal, whatever is one here."""
    monkeypatch.setattr(style, "for_people", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    dev.environment["FORCE_COLOR"] = "1"


def test_history_marks_what_serves(dev: Person, page: Path) -> None:
    dev.inv("deploy", "-y", folder=page)
    (page / "Procfile").write_text("web: exit 3\n")
    dev.inv("deploy", "-y", "--no-check", folder=page)
    heads, failed, live = dev.inv("history", folder=page).out.splitlines()
    assert "WHEN" in heads and "(UTC)" not in heads
    assert f"{RED}failed{END}" in failed and "status 3" in failed
    assert "▶" in live and "live" in live and " ago " in live


def test_status_shows_what_serves_and_what_fails(dev: Person, tmp_path: Path) -> None:
    folder = app_folder(tmp_path, "glance", Procfile=f"{SERVER}worker: exit 3\n")
    dev.inv("deploy", "-y", folder=folder)
    (folder / "Procfile").write_text("web: exit 4\n")
    dev.inv("deploy", "-y", "--no-check", folder=folder)
    head, serves, latest, web, worker, *_ = dev.inv("status", folder=folder).out.splitlines()
    assert head.startswith(f"\x1b[1m{folder.name}{END}") and "worker crashing" in head
    assert "build" in serves and f"{dev.name}, " in serves and serves.endswith(" ago")
    assert f"{RED}build " in latest and "failed" in latest and "status 4" in latest
    assert "web \x1b[32mrunning" in web and f"worker {RED}crashing" in worker
    (row,) = [line for line in dev.inv("apps").out.splitlines() if folder.name in line]
    assert f"{RED}worker crashing{END}" in row and "failed" in row


@pytest.mark.parametrize(
    ("status", "finished", "words"),
    [
        ("building", None, "build 7 building, queued 4 min ago"),
        ("queued", None, "build 7 queued 4 min ago"),
        ("failed", 1, "build 7 failed 1 min ago"),
    ],
)
def test_build_that_goes_on_has_no_end(
    status: str, finished: int | None, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    queued = (now - timedelta(minutes=4)).isoformat()
    ended = (now - timedelta(minutes=finished)).isoformat() if finished else None
    build = Build("7", status, "sha", "Deploy", "dev", queued, ended)
    status_output.show(App("shop", "dev", "http://x/shop/", "", True, build=build), "x")
    assert words in capsys.readouterr().out


@pytest.mark.parametrize(
    ("app", "words"),
    [
        (App("shop", "dev", "", "", False), ["not deployed", "nothing: the app has not been dep"]),
        (App("shop", "", "", "", None, build=BUILT), ["● unknown"]),
        (App("shop", "", "", "", False, build=BUILT), ["● not running"]),
        (
            App("shop", "", "", "", True, ("web", "worker"), BUILT, problem="No disk"),
            ["processes  web, worker", "problem", "No disk"],
        ),
    ],
)
def test_what_a_server_does_not_tell_is_not_made_up(
    app: App, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    status_output.show(app, "x")
    shown = re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out)
    assert [text for text in words if text not in shown] == [], shown


@pytest.mark.parametrize(
    ("build", "line"),
    [
        (Build("", "built", "", "", "", ""), "  serves     built"),
        (Build("", "built", "sha", "Deploy", "", ""), "  serves     built Deploy"),
        (Build("", "failed", "", "", "", ""), "  latest     build failed"),
        (Build("", "building", "", "", "", ""), "  latest     build building"),
    ],
)
def test_build_of_which_the_status_alone_is_told(
    build: Build, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status_output.show(App("shop", "", "", "", True, build=build), "x")
    assert re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out).splitlines()[1] == line


def test_doctor_shows_what_is_set(dev: Person, page: Path) -> None:
    (page / "invoke.yaml").write_text("de: {app: shop}\n")
    brief, whole = (dev.inv("doctor", *more, folder=page).out for more in ((), ("--all",)))
    assert "shop" in brief and "timeout" not in brief and "doctor --all" in brief
    assert "timeout" in whole and "✓" in whole


def test_doctor_says_that_the_host_is_that_of_the_last_login(dev: Person) -> None:
    host, dev.host = dev.host, ""
    assert re.search(rf"host +{re.escape(host)} +the last login\n", dev.inv("doctor").out)


def test_doctor_ends_with_its_verdict(dev: Person) -> None:
    good = dev.inv("doctor")
    assert re.fullmatch(r".*✓\S* All \d checks passed\.", good.out.splitlines()[-1])
    dev.keyfile.unlink()
    bad = dev.inv("doctor")
    assert bad.code == 1 and re.search(r"✗\S* 1 of \d checks failed\.$", bad.err)


def test_check_marks_each_finding(dev: Person, page: Path) -> None:
    (page / "Procfile").write_text("worker: python -m http.server\n")
    found = dev.inv("check", folder=page)
    assert found.code == 1 and f"{RED}✗{END} \x1b[1m" in found.out
    assert f"{DIM}  [no-web]{END}" in found.out and f"{RED}✗{END} " in found.err


def test_log_lets_the_present_build_stand_out(capsys: pytest.CaptureFixture[str]) -> None:
    before = ["[sandbox] starting build 1", "old", "[sandbox] starting build 2"]
    texts = [*before, "fine", "ValueError: bad", "\x1b[32mits own\x1b[0m"]
    log_output.Shown()([LogLine("2026-01-02T03:04:05.6", "web", text) for text in texts])
    first, old, second, fine, bad, own = capsys.readouterr().out.splitlines()
    assert "── build 1 ──" in first and "── build 2 ──" in second
    assert old == f"{DIM}03:04:05 {END}{DIM}old{END}"
    assert fine == f"{DIM}03:04:05 {END}fine"
    assert bad.endswith(f"{RED}ValueError: bad{END}") and "\x1b[32mits own" in own


def test_fleet_names_what_to_do_again(dev: Person, tmp_path: Path) -> None:
    root = tmp_path / "mono"
    good, bad = fleet_folder(root, "glance", 2)
    (root / bad / "Procfile").write_text("web: exit 3\n")
    done = dev.inv("fleet.deploy", "--all", "-y", "--no-check", folder=root)
    lines = done.out.splitlines()
    rows = {n: next(line for line in lines if n in line) for n in (good, bad)}
    assert "\x1b[32mlive" in rows[good] and f"{RED}✗{END}" in rows[bad]
    assert done.out.splitlines()[-1] == "1 live, 1 failed"
    assert done.err.endswith(f"Not deployed: {bad}. Again: inv fleet.deploy --only {bad}\n")
    # The cause is told once, in the row of its app.
    assert (done.out + done.err).count("status 3") == 1
    seen = dev.inv("fleet", folder=root).out
    assert f"\x1b[1m{good}{END}" in seen and "\x1b[32m" in seen


def test_lines_of_old_processes_are_dim_in_their_place(
    capsys: pytest.CaptureFixture[str],
) -> None:
    texts = [
        "[t] [7] [ERROR] 1",
        "[sandbox] starting build 2",
        "[t] [7] [ERROR] 2",
        "  File",
        "new",
    ]
    log_output.Shown()([LogLine("", "web", text) for text in texts])
    _, build, ends, trace, new = capsys.readouterr().out.splitlines()
    assert ends == f"{DIM}[t] [7] [ERROR] 2{END}" and trace == f"{DIM}  File{END}"
    assert "── build 2 ──" in build and new == "new"


def test_what_serves_is_not_dim_after_a_failed_build(capsys: pytest.CaptureFixture[str]) -> None:
    texts = ["[sandbox] starting build 1", "serves", "[sandbox] starting build 2", "fails"]
    log_output.Shown(serving="1")([LogLine("", "web", text) for text in texts])
    assert capsys.readouterr().out.splitlines()[1::2] == ["serves", "fails"]


def test_log_shows_a_cause_once_and_without_the_libraries(
    capsys: pytest.CaptureFixture[str],
) -> None:
    gunicorn = "[2026-01-02 03:04:05 +0000] [7] [{}] {}"
    texts = [gunicorn.format("ERROR", "Exception in worker process"), *BOOT[:-1]]
    texts.append(gunicorn.format("ERROR", "Shutting down: Master"))
    shown = log_output.Shown(whole=False)
    shown([LogLine("2026-01-02T03:04:05.6", "web", text) for text in texts])
    shown.end()
    said = capsys.readouterr()
    lines = said.out.replace(f"{DIM}03:04:05 {END}", "").splitlines()
    assert lines[0] == f"{DIM}[ERROR] Exception in worker process{END}"
    assert '  File "app.py", line 4, in <module>' in lines and "packages" not in said.out
    assert said.out.count("no DATABASE_URL") == 1 and "inv logs --verbose" in said.err


@pytest.mark.parametrize(
    ("command", "following"),
    [
        ("apps", "inv deploy"),
        ("access", "inv deploy"),
        ("services", "inv services.create --type postgres"),
        ("preview", "inv preview.deploy"),
    ],
)
def test_empty_list_says_what_would_fill_it(
    command: str, following: str, dev: Person, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = dev.inv(command, folder=page).out
    assert said.endswith(f": {following}\n") and len(said.splitlines()) == 1
    monkeypatch.setattr(style, "for_people", lambda: False)
    assert following not in dev.inv(command, folder=page).out


def test_app_without_deploys_says_how_to_deploy_it(dev: Person, page: Path) -> None:
    dev.inv("create", folder=page)
    said = dev.inv("history", folder=page).out
    command = f"inv deploy --name {page.name}"
    assert said == f"{page.name} has not been deployed. Deploy it: {command}\n"


def test_no_is_no_failure(dev: Person, page: Path) -> None:
    no = dev.inv("deploy", folder=page, terminal=True, stdin="n\n")
    assert no.code == 1 and no.err.endswith("[y/N] Nothing was deployed.\n")


def test_patch_is_coloured_as_by_git(dev: Person, page: Path) -> None:
    dev.inv("deploy", "-y", folder=page)
    (page / "index.html").write_text("hello two")
    said = dev.inv("diff", folder=page).out
    assert f"{RED}-hello one{END}" in said and f"\x1b[32m+hello two{END}" in said


def test_what_was_done_has_a_mark(dev: Person, page: Path) -> None:
    assert dev.inv("create", folder=page).out.startswith(f"\x1b[32m✓{END} App {page.name} ")
