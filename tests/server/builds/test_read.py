"""What a build reads beside Procfile and requirements, under both versions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from de_tasks.errors import UsageError
from de_tasks.server.builds import read
from tests.support.apps import SERVER, app_folder
from tests.support.people import Person
from tests.support.wheelhouse import OWN

TWO = f"{SERVER}worker: sleep 999\n"
SCRIPTS = '[scripts]\npredeploy = "before.sh"\npostdeploy = "after.sh"\n[other]\nx = 1\n'


def log_of(dev: Person, folder: Path, code: int = 0) -> str:
    done = dev.inv("deploy", "-y", "--no-check", folder=folder)
    assert done.code == code, done.err
    return dev.inv("logs", "--type", "build", folder=folder).out


def test_scripts_of_project_toml_run_in_their_place(dev: Person, tmp_path: Path) -> None:
    files = {"project_toml": SCRIPTS, "before_sh": "echo was before\n"}
    folder = app_folder(tmp_path, "scripts", Procfile=SERVER, after_sh="echo was after\n", **files)
    log = log_of(dev, folder)
    places = [log.index(t) for t in ("was before", "Starting web", "was after", "Released")]
    assert places == sorted(places), log
    (folder / "before.sh").write_text("echo no table >&2; exit 3\n")
    assert "predeploy ended with status 3: no table" in log_of(dev, folder, 3)


def test_aptfile_names_what_the_machine_lacks(dev: Person, tmp_path: Path) -> None:
    apt = "# c\nlibc6 no-such-package-1\n:repo:deb http://x y z\nhttps://x/a.deb\n"
    folder = app_folder(tmp_path, "apt", Procfile=TWO, Aptfile=apt)
    log = log_of(dev, folder)
    assert "sudo apt-get install -- " in log and "no-such-package-1" in log
    assert "the repository deb http://x y z is not used" in log
    assert "the address https://x/a.deb is not used" in log
    assert "Processes: web, worker" in log and "Version 5's default is 3.10" in log
    (folder / "Aptfile").write_bytes(b"curl\r\n")
    assert "Aptfile has CRLF line ends" in log_of(dev, folder, 3)


def test_python_is_a_setting_of_the_app(dev: Person, tmp_path: Path) -> None:
    folder = app_folder(tmp_path, "python", Procfile=SERVER)
    dev.inv("create", folder=folder)
    missing = dev.inv("update", "--python-version", "3.99", folder=folder)
    assert missing.code != 0 and "There is no Python 3.99 on this machine. It has " in missing.err
    done = dev.inv("update", "--python-version", OWN, folder=folder)
    assert f"python version: '' -> {OWN}" in done.out
    assert "No Python is set" not in log_of(dev, folder)


@pytest.mark.parametrize("text", ["[build]\ninclude=['a']\nexclude=['b']\n", "["])
def test_bad_project_toml_is_refused_by_version_5_alone(text: str, tmp_path: Path) -> None:
    (tmp_path / "project.toml").write_text(text)
    with pytest.raises(UsageError, match=r"project\.toml"):
        read.check(tmp_path, 5)
    read.check(tmp_path, 4)


def test_what_cannot_be_asked_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "Procfile").write_text("web: x\n")
    (tmp_path / "Aptfile").write_text("curl\n")
    (line,) = read.notes(tmp_path, 5, "3.11")
    assert "dpkg-query could not tell" in line and "sudo apt-get install -- curl" in line


def test_line_of_an_aptfile_that_names_no_package_is_named(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: x\n")
    (tmp_path / "Aptfile").write_text("# for pdf\nsudo apt install curl\n-y\n")
    assert list(read.notes(tmp_path, 5, "3.11")) == [
        "Aptfile line 2: 'sudo apt install curl' is not the name of a package",
        "Aptfile line 3: '-y' is not the name of a package",
    ]


@pytest.mark.parametrize(
    ("name", "reading"),
    [
        ("project.toml", lambda folder: read.scripts(folder, 5)),
        ("Aptfile", lambda folder: list(read.notes(folder, 5, "3.11"))),
    ],
)
def test_link_out_of_the_folder_is_not_followed(
    name: str, reading: Callable[[Path], object], tmp_path: Path
) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "Procfile").write_text("web: x\n")
    (tmp_path / "theirs").write_text("secret = 1\n")
    (folder / name).symlink_to("../theirs")
    with pytest.raises(UsageError, match=f"^{name} is a link that leaves the app's folder.$"):
        reading(folder)


@pytest.mark.parametrize("text", ["", "scripts = 1\n", "[scripts]\npredeploy = 1\n"])
def test_project_toml_without_commands_runs_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "project.toml").write_text(text)
    assert read.scripts(tmp_path, 5) == {}


def test_what_is_copied_into_a_shell_is_one_word(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: x\n")
    (tmp_path / "Aptfile").write_text("no-such-1=1;curl${IFS}evil\n")
    (line,) = read.notes(tmp_path, 5, "3.11")
    assert line.endswith("sudo apt-get install -- 'no-such-1=1;curl${IFS}evil'")


def test_apt_packages_of_version_4_has_comments(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: x\n")
    (tmp_path / "apt-packages").write_bytes(b"no-such-1 # for pdf\r\n")
    (line,) = read.notes(tmp_path, 4, "")
    assert "not on this machine: no-such-1." in line


def test_long_command_is_no_file(dev: Person, tmp_path: Path) -> None:
    toml = f'[scripts]\npredeploy = "echo {"x" * 300}"\n'
    folder = app_folder(tmp_path, "long", Procfile=SERVER, project_toml=toml)
    assert f"       {'x' * 300}" in log_of(dev, folder)
