"""What is deployed where a lock names the requirements."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from uv import find_uv_bin

from de_tasks.errors import UsageError
from de_tasks.project import checks, locks
from de_tasks.project.checks import lock_files
from de_tasks.repo.git import Git
from de_tasks.repo.sent import Sent, of_folder, of_index
from tests.support.apps import SERVER, app_folder
from tests.support.locks import PROJECT, lock
from tests.support.people import Person
from tests.support.repositories import Repository

PYLOCK = """
lock-version = "1.0"
created-by = "a test"

[[packages]]
name = "flask"
version = "3.0.3"
marker = "python_version >= '3.9'"
sdist = {url = "https://x.example/flask.tar.gz", hashes = {sha256 = "bb"}}
wheels = [{url = "https://x.example/flask.whl", hashes = {sha256 = "aa"}}]

[[packages]]
name = "ours"
vcs = {type = "git", url = "https://git.example/ours", commit-id = "c0ffee"}

[[packages]]
name = "tool"
archive = {url = "https://x.example/tool-1.zip", hashes = {sha256 = "cc"}}
"""


@pytest.fixture
def app(tmp_path: Path, packages: None) -> Path:
    """An app whose requirements stand in pyproject.toml and uv.lock alone."""
    return lock(app_folder(tmp_path, "locked", Procfile=SERVER, pyproject_toml=PROJECT))


def text(folder: Path, name: str = locks.UV) -> str:
    return locks.read(name, of_folder(folder)).text.decode()


def test_requirements_are_those_of_the_lock(app: Path) -> None:
    found = text(app)
    assert found.startswith("# Made from uv.lock\ngunicorn==") and "--hash=sha256:" in found
    assert "idna" not in found, "a group for development"
    assert found == text(app), "equal sources, equal bytes"


def test_commit_and_index_are_read_as_the_folder_is(app: Path) -> None:
    Repository.make(app)
    (app / "uv.lock").rename(app / "elsewhere")
    staged = of_index(app)
    assert staged and locks.read(locks.UV, staged).text.startswith(
        b"# Made from uv.lock\ngunicorn=="
    )
    with pytest.raises(UsageError, match="not in the app's folder"):
        text(app)


def test_lock_that_is_older_than_its_project_is_refused(app: Path) -> None:
    project = app / "pyproject.toml"
    project.write_text(project.read_text().replace('"gunicorn"', '"gunicorn", "idna"'))
    with pytest.raises(UsageError, match="is older than pyproject"):
        text(app)


def test_lock_that_is_damaged_is_named_in_uvs_words(app: Path) -> None:
    (app / "uv.lock").write_text("version = [")
    with pytest.raises(UsageError, match=r"uv cannot read uv\.lock: .*TOML"):
        text(app)


def test_lock_without_uv_says_what_to_install(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("uv.find_uv_bin", _nowhere)
    with pytest.raises(UsageError, match="pip install uv"):
        text(app)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("no program", r"/uv cannot be run: Exec format error\.$"),
        ("#!/bin/sh\nexec tail -f /dev/null\n", r"^uv did not read uv\.lock in 0\.1 s\.$"),
        ("#!/bin/sh\nexit 1\n", r"^uv cannot read uv\.lock: it does not say why\.$"),
    ],
)
def test_uv_that_does_not_answer_is_named(
    program: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "uv").write_text(program)
    (tmp_path / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(locks, "SECONDS", 0.1)
    app = app_folder(tmp_path, "locked", pyproject_toml=PROJECT, uv_lock="version = 1\n")
    with pytest.raises(UsageError, match=words):
        text(app)


def _nowhere() -> str:
    raise FileNotFoundError


@pytest.mark.parametrize(("below", "good"), [("libs/own", True), ("../own", False)])
def test_path_dependency_has_to_be_in_the_folder(app: Path, below: str, good: bool) -> None:
    own = app / below
    own.mkdir(parents=True)
    (own / "pyproject.toml").write_text('[project]\nname = "own"\nversion = "1"\n')
    (own / "own.py").touch()
    project = PROJECT.replace('"gunicorn"', '"gunicorn", "own"')
    source = f'[tool.uv.sources]\nown = {{path = "{below}"}}\n'
    (app / "pyproject.toml").write_text(f"{project}{source}")
    lock(app)
    if good:
        assert f"./{below}\n" in text(app)
    else:
        with pytest.raises(UsageError, match=r"\.\./own, which is outside .* uv build"):
            text(app)


def test_pylock_is_read_as_it_is_specified(tmp_path: Path) -> None:
    folder = app_folder(tmp_path, "pylock", pylock_toml=PYLOCK)
    assert text(folder, "pylock.toml").splitlines()[1:] == [
        "flask==3.0.3 ; python_version >= '3.9' \\",
        "    --hash=sha256:aa \\",
        "    --hash=sha256:bb",
        "ours @ git+https://git.example/ours@c0ffee",
        "tool @ https://x.example/tool-1.zip",
    ]


def test_pylock_of_uv_is_read(app: Path) -> None:
    command = [find_uv_bin(), "export", "--quiet", "--offline", "--format", "pylock.toml"]
    command += ["--no-dev", "--no-emit-project", "-o", "pylock.toml"]
    subprocess.run(command, cwd=app, check=True)
    assert "\ngunicorn==" in text(app, "pylock.toml")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[", "cannot be read"),
        ('lock-version = "2.0"\npackages = []', "no lock file of version 1"),
        ('lock-version = "1.0"\npackages = [{}]', "as its specification has it"),
        (
            'lock-version = "1.0"\n[[packages]]\nname = "x"\nversion = "1"\n'
            "marker = \"'dev' in dependency_groups\"",
            "in a group or an extra",
        ),
    ],
)
def test_pylock_that_cannot_be_deployed_is_refused(
    tmp_path: Path, content: str, words: str
) -> None:
    folder = app_folder(tmp_path, "pylock", pylock_toml=content)
    with pytest.raises(UsageError, match=words):
        text(folder, "pylock.toml")


def codes(sent: Sent, lock_file: str = "") -> dict[str, str]:
    found = checks.run(Path(), "my-app", 50, sent=sent, lock=lock_file)
    return {finding.code: f"{finding.what} {finding.remedy}" for finding in found}


def test_pins_that_are_not_those_of_the_lock_are_named(app: Path) -> None:
    (app / "requirements.txt").write_text("# by hand\ngunicorn==1.2 \\\n    --hash=sha256:aa\n")
    said = codes(of_folder(app))["lock-differs"]
    assert "gunicorn==1.2" in said and "requirements: uv.lock" in said
    said = codes(of_folder(app), "uv.lock")["lock-differs"]
    assert "The lock is deployed" in said
    (app / "requirements.txt").write_text(text(app))
    assert "lock-differs" not in codes(of_folder(app))


def test_package_that_is_missing_is_added_to_the_project(app: Path) -> None:
    (app / "wsgi.py").write_text("import flask\napplication = None\n")
    (app / "Procfile").write_text("web: gunicorn wsgi:application\n")
    assert codes(of_folder(app), "uv.lock")["import-not-required"].endswith("Type: uv add flask")


def test_python_that_is_not_offered_is_named(app: Path) -> None:
    found = app / "uv.lock"
    assert list(lock_files.of_lock(of_folder(app), "uv.lock")) == []
    found.write_text(found.read_text().replace('">=3.10"', '">=3.99"'))
    (finding,) = lock_files.of_lock(of_folder(app), "uv.lock")
    assert finding.code == "lock-python" and ">=3.99" in finding.what


@pytest.mark.parametrize("requires", ["", 'requires-python = "any"\n'])
def test_lock_that_names_no_python_is_for_all(requires: str, tmp_path: Path) -> None:
    folder = app_folder(tmp_path, "pylock", pylock_toml=requires + PYLOCK)
    assert list(lock_files.of_lock(of_folder(folder), "pylock.toml")) == []


def test_package_that_is_missing_is_locked_by_what_made_the_lock(tmp_path: Path) -> None:
    folder = app_folder(tmp_path, "pylock", pylock_toml=PYLOCK)
    sent = locks.apply("pylock.toml", of_folder(folder))
    assert lock_files.to_add(sent, "dash") == (
        "Add to what pylock.toml is made from, and lock again: dash"
    )


@pytest.mark.parametrize("value", ["poetry.lock", "../uv.lock", "requirements.txt"])
def test_other_locks_are_refused_where_they_are_set(app: Path, nobody: Person, value: str) -> None:
    (app / "tasks.py").write_text("from de_tasks import ns\n")
    (app / "invoke.yaml").write_text(f"de: {{requirements: {value}}}\n")
    done = nobody.inv("check", folder=app)
    assert done.code == 2 and "uv.lock or pylock.toml" in done.err


def test_deploy_sends_what_the_lock_names(app: Path, dev: Person) -> None:
    (app / "tasks.py").write_text("from de_tasks import ns\n")
    (app / "invoke.yaml").write_text("de: {requirements: uv.lock}\n")
    Repository.make(app)
    assert dev.inv("check", folder=app).code == 0
    done = dev.inv("deploy", "-y", folder=app)
    assert done.code == 0 and "-dirty" not in done.err, done.err
    assert not (app / "requirements.txt").exists()
    log = dev.inv("logs", "--type", "build", folder=app).out
    assert "uv.lock is not read" not in log
    (built,) = json.loads(dev.inv("history", "--json", folder=app).out)
    assert built["lock"].startswith("uv.lock ") and len(built["lock"]) == 20
    (cache,) = dev.home.rglob(f"deploy/{app.name}-*.git")
    assert Git(cache)("show", f"{built['sha']}:requirements.txt") == text(app)
    assert dev.inv("diff", folder=app).out == ""
    assert "Nothing has changed" in dev.inv("deploy", "-y", folder=app).out
    same = dev.inv("deploy", "-y", "--ref", "HEAD", folder=app)
    assert same.code == 0 and "Nothing has changed" in same.out


def test_fleet_and_hook_see_the_lock_of_an_app(app: Path, dev: Person) -> None:
    entry = f"{{name: {app.name}, path: {app.name}, requirements: uv.lock}}"
    top = app.parent
    (top / "invoke.yaml").write_text(f"de: {{apps: [{entry}]}}\n")
    (top / "tasks.py").write_text("from de_tasks import ns\n")
    (app / "invoke.yaml").write_text("de: {requirements: uv.lock}\n")
    (app / "requirements.txt").write_text("gunicorn==1.2\n")
    Repository.make(top)
    done = dev.inv("fleet.deploy", "-y", "--all", folder=top)
    assert done.code == 0, done.err
    assert "gunicorn==1.2" not in dev.run(f"logs --type build -n {app.name}").out
    (built,) = json.loads(dev.run(f"history -n {app.name} --json").out)
    assert built["lock"].startswith("uv.lock ")
    hook = dev.spawn(f"--path={app.name}", "--no-secrets", folder=top, program="de-check")
    assert hook.code == 0 and "The lock is deployed" in hook.out + hook.err, hook


def of_place(folder: Path, place: str, ends: str = "\n") -> locks.Locked:
    """What a lock says that names a place, where there is a package in the folder."""
    named = f"[[packages]]\nname = 'ours'\n[packages.directory]\npath = '{place}'\n"
    (folder / "libs" / "ours").mkdir(parents=True, exist_ok=True)
    (folder / "libs" / "ours" / "pyproject.toml").touch()
    (folder / "pylock.toml").write_text(f'lock-version = "1.0"\n{named}', newline=ends)
    return locks.read("pylock.toml", of_folder(folder))


@pytest.mark.parametrize("place", ["./libs/ours", r".\libs\ours"])
def test_place_has_slashes_on_the_server(tmp_path: Path, place: str) -> None:
    assert of_place(tmp_path, place).text.endswith(b"\n./libs/ours\n")


@pytest.mark.parametrize(
    "place",
    [r"..\ours", r"C:\work\ours", "c:/ours", "file:///C:/ours", r"\\server\share\ours"],
)
def test_place_on_a_machine_of_windows_is_refused(tmp_path: Path, place: str) -> None:
    with pytest.raises(UsageError, match="outside the app's folder"):
        of_place(tmp_path, place)


def test_place_that_is_not_deployed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^pylock\.toml needs gone, which is not among the"):
        of_place(tmp_path, "./gone")


def test_lock_of_uv_without_its_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text("version = 1\n")
    with pytest.raises(UsageError, match=r"^uv\.lock belongs to a pyproject\.toml, which is not"):
        text(tmp_path)


def test_lock_is_the_same_in_a_checkout_with_crlf(tmp_path: Path) -> None:
    assert of_place(tmp_path, "./libs/ours", "\r\n") == of_place(tmp_path, "./libs/ours")
