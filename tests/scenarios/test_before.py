"""What people had before the modules moved into packages still works: each kept from a real run."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from de_tasks.auth.store import Store
from de_tasks.repo.cache import DeployRepository
from de_tasks.server import control
from tests.support.desk import Desk
from tests.support.people import PROGRAMS, log_in
from tests.support.places import ROOT
from tests.support.repositories import Repository

HOST = "http://127.0.0.1:47321"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A data folder, a cache, a key file and a hook, as version 0.1 before the move left them."""
    folder = tmp_path / "kept"
    with tarfile.open(ROOT / "tests" / "scenarios" / "before.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder


def test_data_folder(kept: Path, tmp_path: Path) -> None:
    running = control.start(kept / "data", {"port": 0})
    try:
        dev = log_in(running, "dev", tmp_path / "home")
        assert json.loads(dev.run("history -n kept --json").out)[0]["status"] == "built"
        (kept / "kept" / "index.html").write_text("changed since")
        done = dev.run(f"deploy {kept}/kept")
        assert done.code == 0 and "1 file changed" in done.out, done.err
        assert len(json.loads(dev.run("history -n kept --json").out)) == 2
    finally:
        control.stop(running)


def test_key_file(kept: Path) -> None:
    login = Store.at(kept / "credentials.json").get(HOST)
    assert login and login.username == "dev" and login.refresh_token


def test_cache(kept: Path, desk: Desk) -> None:
    repository = DeployRepository(kept / "cache", HOST, "kept", big=1000)
    last = repository.last()
    assert last and last.user == "dev" and last.url == f"{HOST}/GIT/kept"
    (kept / "kept" / "index.html").write_text("changed since")
    with repository.snapshot(kept / "kept", desk.told.append) as snapshot:
        assert snapshot.files().changed == 1, "what was read before is not read again"
        assert snapshot.put(desk.push()).changed
    assert desk.server.content("index.html") == "changed since"


def test_pre_push_hook(kept: Path) -> None:
    work = Repository.make(kept / "kept")
    hook = kept / "kept" / ".git" / "hooks" / "pre-push"
    hook.write_text((kept / "pre-push").read_text().replace("PROGRAMS", str(PROGRAMS)))
    hook.chmod(0o755)
    (kept / "kept" / "invoke.yaml").write_text("de:\n  branches: {main: kept}\n")
    work.commit("map the branch")
    line = ["git", "push", "origin", "main"]
    variables = {"PATH": os.environ["PATH"], "HOME": str(kept), "DASH_ENTERPRISE_HOST": HOST}
    done = subprocess.run(
        line, cwd=work.folder, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "de-deploy: " in done.stderr and "not logged in" in done.stderr
