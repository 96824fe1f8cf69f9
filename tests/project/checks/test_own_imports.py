"""Modules of the app's own that the server would not have."""

from __future__ import annotations

from pathlib import Path

import pytest

from de_tasks.project import checks
from tests.support.checked import FLASK, PLAIN, codes, findings, write

LEFT_OUT = {".gitignore": "lib/\nhelpers.py\n", "lib/data.py": "y = 1\n", "helpers.py": "x = 1\n"}
BOARD = {"board/__init__.py": "", "board/data.py": "y = 1\n"}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("import helpers", "error:import-left-out"),
        ("import os, helpers as h", "error:import-left-out"),
        ("import lib.data", "error:import-left-out"),
        ("from lib import data", "error:import-left-out"),
        ("from lib.data import y", "error:import-left-out"),
        ("from lib import other", ""),
        ("import flask, json", ""),
        ("try:\n    import helpers\nexcept ImportError:\n    pass", ""),
        ("def late():\n    import helpers", ""),
    ],
)
def test_import_of_what_is_left_out(line: str, found: str, tmp_path: Path) -> None:
    assert codes(tmp_path, {**LEFT_OUT, "app.py": f"{line}\n{FLASK}"}) == found


@pytest.mark.parametrize(
    ("package", "found"),
    [
        ("from board import data", "error:import-left-out"),
        ("from . import data", "error:import-left-out"),
        ("from .data import y", "error:import-left-out"),
        ("from board import other", ""),
    ],
)
def test_part_of_a_package_is_left_out(package: str, found: str, tmp_path: Path) -> None:
    files: dict[str, str | None] = {**BOARD, ".gitignore": "data.py\n", "app.py": None}
    files |= {"board/app.py": f"{package}\n{FLASK}", "Procfile": "web: gunicorn board.app:server\n"}
    assert codes(tmp_path, files) == found
    # What the package says of itself may be a variable of that name.
    assert codes(tmp_path, {**files, "board/__init__.py": "data = other = 1\n"}).count("left") == (
        package == "from .data import y"
    )


@pytest.mark.parametrize(
    "files",
    [
        {"requirements.txt": "flask\ngunicorn\n.\n", "setup.py": ""},
        {"requirements.txt": "flask\ngunicorn\nhelpers-of-ours\n"},
        {"project.toml": "[scripts]\npredeploy = 'make'\n"},
    ],
)
def test_what_may_bring_the_module_makes_a_warning_of_it(
    files: dict[str, str], tmp_path: Path
) -> None:
    found = codes(tmp_path, {**LEFT_OUT, **files, "app.py": f"import helpers\n{FLASK}"})
    assert found == "warning:import-left-out"


def test_remedy_lets_the_file_in_again(tmp_path: Path) -> None:
    files = {**LEFT_OUT, "app.py": f"import helpers\n{FLASK}"}
    (finding,) = findings(tmp_path, files)
    assert (finding.file, finding.line) == ("app.py", 1) and "'!helpers.py'" in finding.remedy
    again = {".gitignore": f"{LEFT_OUT['.gitignore']}!helpers.py\n"}
    assert codes(tmp_path, {**files, **again}) == ""


@pytest.mark.parametrize(
    "line", ["import board.data", "from board import data", "from board.data import y"]
)
def test_import_by_the_name_of_the_folder(line: str, tmp_path: Path) -> None:
    app = tmp_path / "board"
    write(app, {**PLAIN, "data.py": "y = 1\n", "app.py": f"{line}\n{FLASK}"})
    (finding,) = checks.run(app, app.name, 50)
    assert (finding.level, finding.code) == ("error", "import-own-folder")
    assert finding.remedy.startswith("Import data, or deploy the folder above")
    write(app, {"board/__init__.py": "", "board/data.py": ""})
    assert checks.run(app, app.name, 50) == []
