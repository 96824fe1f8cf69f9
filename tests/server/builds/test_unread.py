"""What has no effect here is named, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from de_tasks.server.builds.unread import unread

LINES = r"""
.python-version | 3.10.4 | set it with inv update --python-version 3.10
.python-version | system | set it with inv update --python-version 3.11
environment.yml | name: x | name its packages in requirements.txt
uv.lock | version = 1 | uv export --no-hashes -o requirements.txt
poetry.lock | | poetry export -f requirements.txt
pyproject.toml | [tool.poetry] | poetry lock && poetry export
pyproject.toml | [project] | uv pip compile pyproject.toml -o requirements.txt
Pipfile | [packages] | pipenv lock && pipenv requirements > requirements.txt
Pipfile.lock | {} | with pipenv requirements > requirements.txt
Dockerfile | FROM x | Write what it installs into requirements.txt
compose.yaml | | Write what it installs into requirements.txt
app.json | {} | [scripts] of project.toml
CHECKS | / | version 5 has no step for it
runtime.txt | python-3.9.0 | inv update --python-version 3.9
"""
ROWS = [tuple(part.strip() for part in line.split("|")) for line in LINES.strip().splitlines()]


@pytest.mark.parametrize(("name", "text", "remedy"), ROWS)
def test_what_is_passed_over_is_named(name: str, text: str, remedy: str, tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: serve\n")
    assert list(unread(tmp_path, 5)) == []
    (tmp_path / name).write_text(text.replace("\\n", "\n"))
    (line,) = unread(tmp_path, 5)
    assert remedy in line
    assert name in line


def test_what_is_read_is_not_named(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: serve\nworker: work\n")
    for name in ("requirements.txt", "pyproject.toml", "app.py", "setup.py", ".gitignore"):
        (tmp_path / name).write_text("")
    (tmp_path / "runtime.txt").write_text("python-3.11")
    assert list(unread(tmp_path, 4)) == []


@pytest.mark.parametrize("name", ["pyproject.toml", "project.toml"])
def test_file_that_cannot_be_read_stops_no_build(name: str, tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: serve\n")
    (tmp_path / name).write_bytes(b"\xff[")
    list(unread(tmp_path, 5))
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("/etc/passwd")
    list(unread(tmp_path, 5))


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("==3.12.*", ": set it with inv update --python-version 3.12"),
        (">=3.99", ""),
        (">=3.8", None),
    ],
)
def test_other_python_than_this_one_is_named(
    wanted: str, said: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.version_info", (3, 11, 7))
    files = {"Procfile": "web: serve\n", "requirements.txt": "flask\n"}
    files["pyproject.toml"] = f'[project]\nrequires-python = "{wanted}"\n'
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    line = f"pyproject.toml asks for Python {wanted}, and this one is 3.11{said}"
    assert list(unread(tmp_path, 5)) == ([] if said is None else [line])


@pytest.mark.parametrize(
    ("runtime", "said"),
    [
        (None, "write 'python-3.10' into runtime.txt"),
        ("python-3.11", "Python is the one of runtime.txt"),
    ],
)
def test_python_of_version_4_is_in_runtime_txt(
    runtime: str | None, said: str, tmp_path: Path
) -> None:
    (tmp_path / "Procfile").write_text("web: serve\n")
    (tmp_path / ".python-version").write_text("3.10.4\n")
    if runtime:
        (tmp_path / "runtime.txt").write_text(runtime)
    assert list(unread(tmp_path, 4)) == [f".python-version is not read here: {said}"]


def test_lock_of_a_pipfile_is_named_alone(tmp_path: Path) -> None:
    for name, text in (("Procfile", "web: serve\n"), ("Pipfile", ""), ("Pipfile.lock", "{}")):
        (tmp_path / name).write_text(text)
    (line,) = unread(tmp_path, 5)
    assert line.startswith("Pipfile.lock is not read here: ")
