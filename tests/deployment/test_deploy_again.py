"""An app that was deleted is deployed again, under its old name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.people import Person


@pytest.mark.parametrize("changed", [False, True], ids=["the same", "changed"])
def test_deleted_app_is_deployed_again(changed: bool, dev: Person, quick: Path) -> None:
    for line in ("deploy -y", "delete -y"):
        done = dev.inv(*line.split(), folder=quick)
        assert done.code == 0, done.err
    if changed:
        (quick / "note.txt").write_text("another release")
    done = dev.inv("deploy", "-y", folder=quick)
    assert done.code == 0, done.err
    assert f"App {quick.name} was initialized" in done.err and "is live after" in done.out
