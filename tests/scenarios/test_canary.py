"""Marked secrets go through every command there is, and are then searched for everywhere."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.canaries import HOOKS, ROWS, THROUGH_DE, UNDER_TLS, Watch, contents, stored
from tests.support.canary_stage import GIVEN, VALUE, WRONG, Stage, staged
from tests.support.repositories import Repository
from tests.support.vendor import FAKE
from tests.support.waiting import until


@pytest.mark.sandbox
def test_secrets_stay_secret(wsgi: Path, tmp_path: Path, detector: str) -> None:
    with Watch(tmp_path) as watch, staged(wsgi, "", {}) as stage:
        for name, row in ROWS.items():
            if name == "services.delete":
                for hook, lines in HOOKS.items():
                    stage.play(hook, lines, hook)
                files = stage.files()
                database = stored(stage.running.data / "sandbox.sqlite3")
            if name == "sandbox.stop":
                files += stage.files()
            stage.play(name, row)
            if name == "services.create":
                stage.collect_addresses()
    assert len(stage.canaries) > 14
    # The values of variables are there to be given to apps; everything else is hashed.
    assert {c for c in stage.canaries if c.encode() in database} == {VALUE}
    nothing_was_seen(stage, watch)
    stage.clean(files)


@pytest.mark.sandbox
def test_secrets_stay_secret_under_tls(wsgi: Path, tmp_path: Path) -> None:
    with Watch(tmp_path) as watch, staged(wsgi, "--tls", {}) as stage:
        stage.person.environment["DASH_ENTERPRISE_CA_PATH"] = stage.running.ca_path
        keys = {c for c in stage.canaries if c not in (VALUE, WRONG, GIVEN)}
        assert len(keys) == 2, "the authority's private key and the server's"
        for name in UNDER_TLS:
            if name == "delete":
                stage.play("de-deploy", HOOKS["de-deploy"], "de-deploy")
                files = stage.files()
            stage.play(name, ROWS[name])
    assert len(stage.canaries) > 10
    nothing_was_seen(stage, watch)
    stage.clean(files)


@pytest.mark.sandbox
def test_secrets_stay_secret_through_de(
    wsgi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("de_tasks.deployment.through_de.WAITS", (0.5,) * 5)
    through = {
        "INVOKE_DE_PLATFORM": "de",
        "INVOKE_DE_EXECUTABLE": str(FAKE),
        "INVOKE_DE_NO_KEYFILE": "1",
        "DASH_ENTERPRISE_USERNAME": "dev",
    }
    with Watch(tmp_path) as watch, staged(wsgi, "", through) as stage:
        for name, row in THROUGH_DE.items():
            if name == "delete":
                stage.play("de-deploy", replace(HOOKS["de-deploy"], started=False), "de-deploy")
                files = stage.files()
            stage.play(name, row)
            if name == "services.create":
                stage.collect_addresses()
    assert any("fake_de.py" in process.command for process in watch.seen)
    nothing_was_seen(stage, watch)
    stage.clean(files)


def nothing_was_seen(stage: Stage, watch: Watch) -> None:
    """No secret in what was printed, nor in the processes of the time; all ended as it should."""
    assert not stage.wrong, "\n".join(stage.wrong)
    assert any("git-remote-http" in process.command for process in watch.seen)
    assert any("de_tasks.server" in process.command for process in watch.seen)
    found = [c for c in stage.canaries if any(c in text for text in stage.outputs)]
    assert not found, "in what was printed"
    own = f"DASH_ENTERPRISE_PASSWORD={stage.person.environment['DASH_ENTERPRISE_PASSWORD']}"
    leaks = {p.command: s for p in watch.seen if (s := p.secrets(stage.canaries, own))}
    assert not leaks


def test_search_finds_what_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "file").write_text(f"packed: {VALUE}")
    packed = Repository.make(folder)
    (folder / "file").unlink()
    packed.commit("second")
    packed.git("gc", "-q")
    assert any(VALUE.encode() in data for path, data in contents(tmp_path) if ".git" in str(path))
    with Watch(tmp_path) as watch:
        show(watch, tmp_path, WRONG, WRONG)
        show(watch, tmp_path, GIVEN, "nothing", X=GIVEN)
    assert seen(watch) == {WRONG, GIVEN}


def show(watch: Watch, folder: Path, canary: str, word: str, **variables: str) -> None:
    """Run a process with a canary until it was seen."""
    wait, environment = [sys.executable, "-c", "input()", word], {"HOME": str(folder), **variables}
    with subprocess.Popen(wait, env=environment, stdin=subprocess.PIPE, text=True) as child:
        until(lambda: canary in seen(watch), "it is seen")
        child.communicate("\n")


def seen(watch: Watch) -> set[str]:
    """The secrets that processes had and did not need."""
    found = (process.secrets({WRONG, GIVEN}, "") for process in list(watch.seen))
    return {canary for canaries in found for canary in canaries}
