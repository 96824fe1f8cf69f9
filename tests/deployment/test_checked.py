"""What a deploy says of its check."""

from __future__ import annotations

from pathlib import Path

from de_tasks.deployment.checked import Check
from de_tasks.deployment.events import Event
from tests.support.apps import SERVER, app_folder


def told(folder: Path) -> list[str]:
    events: list[Event] = []
    Check().run_on(folder, "app", events.append)
    return [event.text for event in events]


def test_single_warning_is_told_whole(tmp_path: Path) -> None:
    folder = app_folder(tmp_path, "single", Procfile=SERVER, Dockerfile="FROM scratch\n")
    (text,) = told(folder)
    assert text.startswith("Dockerfile: Dockerfile is ") and text.endswith(" [dockerfile]")


def test_several_warnings_are_told_by_their_codes(tmp_path: Path) -> None:
    folder = app_folder(tmp_path, "several", Procfile=SERVER, Dockerfile="FROM scratch\n")
    (folder / "link").symlink_to("/etc/hosts")
    (text,) = told(folder)
    assert text == ("The check has 2 warnings (dockerfile, link-leaves). To read them: inv check")
