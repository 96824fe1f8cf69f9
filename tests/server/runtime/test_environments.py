"""What an install runs neither lasts nor stays, and what no release uses is removed."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import pytest

from de_tasks.appspec import read_runtime
from de_tasks.server.runtime.environments import COMPLETE, BuildError, Environments
from de_tasks.server.runtime.pythons import AskedPython
from tests.support.apps import app_folder
from tests.support.processes import processes_of
from tests.support.turns import turns_beside
from tests.support.waiting import BOUND
from tests.support.wheelhouse import required
from tests.support.wheels import index, wheel

pytestmark = pytest.mark.slow
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
OWN = """
import subprocess, time
options = {{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}}
subprocess.Popen(["tail", "-f", {mark!r}], start_new_session=True, **options)
{then}
"""


NEEDS_TOKEN = """
import os
assert os.environ["TOKEN"] and os.environ["build-number"], "no variables"
raise SystemExit(f"TOKEN is {os.environ['TOKEN']}")
"""


EDITABLE = """
import shutil
def build_editable(folder, *settings):
    return shutil.copy({!r}, folder).rpartition("/")[2]
"""


def provide(
    tmp_path: Path, said: list[str], variables: Mapping[str, str] | None = None, **files: str
) -> Path:
    """The environment that is made for an app of those files."""
    return of(app_folder(tmp_path, "provide", **files), tmp_path, said, variables)


def of(
    folder: Path,
    tmp_path: Path,
    said: list[str],
    variables: Mapping[str, str] | None = None,
) -> Path:
    """The environment that is made for an app's folder."""
    environments = Environments(tmp_path / "environments", None, 60)
    make = environments.provide(
        folder, "commit", "", said.append, nullcontext, variables or {}, asked(folder)
    )
    return environments.path(asyncio.run(asyncio.wait_for(make, BOUND)))


def asked(folder: Path) -> AskedPython:
    return AskedPython(read_runtime(folder))


def installed(environment: Path) -> set[str]:
    folders = environment.glob("lib/python*/site-packages/*.dist-info")
    return {folder.name.removesuffix(".dist-info") for folder in folders}


def install(tmp_path: Path, timeout: int, then: str) -> Path:
    """Install a package whose build starts a daemon; a file that the daemon names."""
    mark = tmp_path / "mark"
    mark.touch()
    own = OWN.format(mark=str(mark), then=then)
    files = {"pyproject_toml": PROJECT, "own_py": own, "requirements_txt": "./\n"}
    folder = app_folder(tmp_path, "install", **files)
    environments = Environments(tmp_path / "environments", None, timeout)
    said: list[str] = []
    make = environments.provide(folder, "commit", "", said.append, nullcontext, {}, asked(folder))
    asyncio.run(asyncio.wait_for(make, BOUND))
    return mark


def test_install_has_a_bound_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="was not installed within 1 s"):
        install(tmp_path, 1, "time.sleep(60)")
    assert processes_of(tmp_path / "mark") == []


def test_install_leaves_no_process_behind(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"requirements\.txt could not be installed"):
        install(tmp_path, 60, "raise SystemExit(1)")
    assert processes_of(tmp_path / "mark") == []


def test_removal_of_many_files_lets_others_have_their_turn(tmp_path: Path) -> None:
    for name in ("old", "used"):
        (tmp_path / name).mkdir()
        (tmp_path / name / COMPLETE).touch()
    for number in range(500):
        (tmp_path / "old" / str(number)).touch()
    environments = Environments(tmp_path, None, 60)
    assert asyncio.run(turns_beside(environments.prune({"used"}))) > 1
    assert {path.name for path in tmp_path.iterdir()} - {"uv-cache"} == {"used"}


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12"])
def test_old_pythons_bring_pkg_resources(version: str, tmp_path: Path) -> None:
    required(version)
    made = provide(tmp_path, [], runtime_txt=f"python-{version}")
    code = [str(made / "bin" / "python"), "-Wignore", "-c", "import pkg_resources"]
    has = subprocess.run(code, capture_output=True, check=False).returncode == 0
    assert has == (version != "3.12")


@pytest.mark.parametrize("line", ["setuptools>=90", "other"])
def test_requirements_may_raise_what_python_brings(line: str, tmp_path: Path) -> None:
    wheel(tmp_path / "w", "setuptools", "99")
    wheel(tmp_path / "w", "other", "1")
    text = f"--find-links '{tmp_path}/w'\n{line}\n"
    made = provide(tmp_path, [], runtime_txt="python-3.11", requirements_txt=text)
    found = [name for name in installed(made) if name.startswith("setuptools")]
    assert (found == ["setuptools-99"]) == line.startswith("setuptools")


def test_index_without_setuptools_is_no_error(tmp_path: Path) -> None:
    wheel(tmp_path / "w", "mine", "1")
    said: list[str] = []
    text = f"--no-index\n-f {tmp_path}/w\nmine\n"
    made = provide(tmp_path, said, runtime_txt="python-3.11", requirements_txt=text)
    assert installed(made) == {"mine-1"}
    assert "       setuptools<81 was not found: pkg_resources is not there" in said


def test_best_version_of_all_indexes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_STRATEGY"):
        monkeypatch.delenv(name, raising=False)
    high = index(tmp_path / "high", pair="2")
    low = index(tmp_path / "low", pair="1")
    text = f"--index-url '{high}'\n--extra-index-url \"{low}\"\npair\n"
    assert "pair-2" in installed(provide(tmp_path, [], requirements_txt=text))


def test_what_pip_alone_reads_is_read(tmp_path: Path) -> None:
    for name, version in (("mine", "1"), ("mine", "2"), ("other", "1")):
        wheel(tmp_path / "w", name, version)
    files = {"more_txt": "mine\n", "pins_txt": "mine<2\n"}
    text = f"--no-index\n-f{tmp_path}/w\n-rmore.txt\n-c'pins.txt'\nother\n-e './own'\n"
    folder = app_folder(tmp_path, "reads", **files, requirements_txt=text)
    (folder / "own").mkdir()
    (folder / "own" / "pyproject.toml").write_text(PROJECT)
    (folder / "own" / "own.py").write_text(EDITABLE.format(str(wheel(tmp_path / "b", "own", "1"))))
    assert installed(of(folder, tmp_path, [])) >= {"mine-1", "other-1", "own-1"}


def test_variables_are_there_while_the_app_is_built(tmp_path: Path) -> None:
    said: list[str] = []
    files = {"pyproject_toml": PROJECT, "own_py": NEEDS_TOKEN, "requirements_txt": "./\n"}
    with pytest.raises(BuildError, match="could not be installed"):
        provide(tmp_path, said, {"TOKEN": "a token", "build-number": "7"}, **files)
    assert any("TOKEN is a token" in line for line in said), said


def test_variables_are_part_of_what_an_environment_is_known_by(tmp_path: Path) -> None:
    wheel(tmp_path / "w", "mine", "1")
    text = "--no-index\n-f ${WHEELS_HERE}\nmine\n"
    made = [
        provide(tmp_path, [], {"WHEELS_HERE": f"{tmp_path}/w", "X": x}, requirements_txt=text)
        for x in "112"
    ]
    assert made[0] == made[1] != made[2]
    assert "mine-1" in installed(made[2])


@pytest.mark.parametrize("files", [{}, {"requirements_txt": "# none\n"}])
def test_nothing_is_unchanged_where_nothing_was_installed(
    files: dict[str, str], tmp_path: Path
) -> None:
    said: list[str] = []
    for _ in range(2):
        provide(tmp_path, said, None, **files)
    assert "unchanged" not in "".join(said)
    assert sum("nothing to install" in line for line in said) == 2


def test_package_of_the_vendor_is_known_for_one(tmp_path: Path) -> None:
    text = "--no-index\nDash_Design.Kit>=1\n"
    with pytest.raises(BuildError, match="dash-design-kit comes from your Dash Enterprise's own"):
        provide(tmp_path, [], requirements_txt=text)


def test_empty_stub_of_the_vendor_is_named(tmp_path: Path) -> None:
    wheel(tmp_path / "w", "dash_design_kit", "0.0.1")
    said: list[str] = []
    text = f"--no-index\n-f {tmp_path}/w\ndash-design-kit\n"
    provide(tmp_path, said, requirements_txt=text)
    assert "dash-design-kit 0.0.1 is an empty stub" in "".join(said)
