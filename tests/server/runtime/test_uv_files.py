"""Requirements that are written anew for uv keep their secrets."""

from __future__ import annotations

from pathlib import Path

from de_tasks.appspec import Requirements
from de_tasks.server.runtime import uv_files


def test_copy_for_uv_is_for_its_owner_alone(tmp_path: Path) -> None:
    place = tmp_path / "environment"
    place.mkdir()
    (tmp_path / "more.txt").write_text("flask\n")
    index = "--extra-index-url https://me:secret@index.example/simple"
    (tmp_path / "requirements.txt").write_text(f"-rmore.txt\n{index}\n")
    requirements = Requirements.read(tmp_path)
    assert requirements
    made = uv_files.requirements_file(requirements, tmp_path, place)
    assert {"flask", index} <= set(made.read_text().splitlines())
    assert {path.stat().st_mode & 0o777 for path in place.iterdir()} == {0o600}


def test_options_behind_a_requirement_get_lines_of_their_own(tmp_path: Path) -> None:
    text = "psycopg2==2.8 --no-binary psycopg2  # why\nflask==3 --hash=sha256:00 --pre\n"
    (tmp_path / "requirements.txt").write_text(text)
    requirements = Requirements.read(tmp_path)
    assert requirements
    (tmp_path / "place").mkdir()
    made = uv_files.requirements_file(requirements, tmp_path, tmp_path / "place").read_text()
    lines = ["psycopg2==2.8", "--no-binary psycopg2", "flask==3 --hash=sha256:00", "--pre"]
    assert made.splitlines()[1:] == lines
