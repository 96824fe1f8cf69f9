"""A sandbox that builds as Dash Enterprise 4 does."""

from __future__ import annotations

from pathlib import Path

from de_tasks.server import control
from tests.support.apps import SERVER, app_folder
from tests.support.backstage import PASSWORD
from tests.support.people import People, Person

RUN = f"release: echo migrated\n{SERVER}worker: sleep 999\nother: sleep 999\n"
OPTIONS: dict[str, int | str] = {"port": 0, "view_access": "unauthenticated"}


def log_of(dev: Person, folder: Path, code: int = 0) -> str:
    done = dev.inv("deploy", "-y", "--no-check", folder=folder)
    assert done.code == code, done.err
    return dev.inv("logs", "--type", "build", folder=folder).out


def test_version_4_reads_its_own_files(tmp_path: Path) -> None:
    running = control.start(tmp_path / "data", {**OPTIONS, "as_version": 4})
    try:
        dev = People(running, tmp_path / "people")["dev"]
        texts = {"app_json": "{}", "runtime_txt": "python-3.11\n", "project_toml": "["}
        folder = app_folder(tmp_path, "four", Procfile=RUN, CHECKS="/ x\n", **texts)
        log = log_of(dev, folder)
        assert log.index("migrated") < log.index("Starting web")
        for part in ("Processes: web\n", "CHECKS is recognised", "app.json is recognised"):
            assert part in log, log
        assert "project.toml is not read on version 4" in log
        (folder / "DOKKU_SCALE").write_text("web=1\nworker=2\n")
        assert "Processes: web, worker\n" in log_of(dev, folder)
        (folder / "Procfile").write_text(RUN.replace("echo migrated", "echo no table; exit 1"))
        log = log_of(dev, folder, 3)
        assert "release ended with status 1: no table" in log and "keeps serving" in log
    finally:
        control.stop(running)
    again = control.start(tmp_path / "data", OPTIONS)
    assert again.version == 4
    control.stop(again)


def test_login_learns_whose_files_a_build_reads(tmp_path: Path) -> None:
    running = control.start(tmp_path / "data", {**OPTIONS, "as_version": 4})
    try:
        dev = People(running, tmp_path / "people")["dev"]
        folder = app_folder(tmp_path, "four", runtime_txt="python-3.11\n")
        unknown = dev.inv("check", "--json", folder=folder)
        assert "runtime" in unknown.out
        line = ("login", "--username", dev.name, "--password-stdin")
        assert dev.inv(*line, stdin=PASSWORD).code == 0
        assert "runtime" not in dev.inv("check", "--json", folder=folder).out
    finally:
        control.stop(running)
