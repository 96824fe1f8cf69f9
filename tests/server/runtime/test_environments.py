"""What an install runs neither lasts nor stays, and what no release uses is removed."""

from __future__ import annotations

import asyncio
import io
import subprocess
import tarfile
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


@pytest.mark.slow
def test_what_had_to_be_compiled_for_too_long_is_named(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "heavy-1.tar.gz", "w:gz") as archive:
        for name, text in (
            ("PKG-INFO", "Metadata-Version: 2.2\nName: heavy\nVersion: 1\n"),
            ("pyproject.toml", PROJECT),
            ("own.py", "import time\ntime.sleep(60)\n"),
        ):
            entry = tarfile.TarInfo(f"heavy-1/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    text = f"--no-index\n-f {tmp_path}\nheavy\n"
    folder = app_folder(tmp_path, "heavy", requirements_txt=text)
    environments = Environments(tmp_path / "environments", None, 10)
    make = environments.provide(folder, "c", "", lambda text: None, nullcontext, {}, asked(folder))
    with pytest.raises(
        BuildError,
        match=r"not installed within 10 s: without a wheel for Python "
        r"3\.\d+, heavy==1 had to be compiled\. ",
    ):
        asyncio.run(make)


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


def test_python_that_is_not_on_the_machine_fails_the_build(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"there is no Python 3\.99 on this machine"):
        provide(tmp_path, [], runtime_txt="python-3.99")


def test_same_requirements_are_installed_once_for_builds_at_a_time(tmp_path: Path) -> None:
    wheel(tmp_path / "w", "mine", "1")
    text = f"--no-index\n-f {tmp_path}/w\nmine\n"
    folder = app_folder(tmp_path, "together", requirements_txt=text)
    environments = Environments(tmp_path / "environments", None, 60)
    said: tuple[list[str], list[str]] = ([], [])

    async def run() -> set[str]:
        return set(
            await asyncio.gather(
                *(
                    environments.provide(
                        folder, "commit", "", say.append, nullcontext, {}, asked(folder)
                    )
                    for say in said
                )
            )
        )

    assert len(asyncio.run(asyncio.wait_for(run(), BOUND))) == 1
    # Whichever has looked for its Python first installs.
    (waited,) = (lines for lines in said if "-----> Installing requirements.txt" not in lines)
    assert waited[-2:] == [
        "       Waiting for another build that is installing the same requirements",
        "       Requirements unchanged: nothing to install",
    ]


def shown(tmp_path: Path, line: str, name: str) -> str:
    """What a package's own build sees of a variable, as the log of the build has it."""
    said: list[str] = []
    own = f"import os, sys\nsys.exit('it is ' + os.environ[{name!r}])\n"
    text = f"{line}\n-e ./\n"
    with pytest.raises(BuildError):
        provide(tmp_path, said, pyproject_toml=PROJECT, own_py=own, requirements_txt=text)
    (found,) = {text.strip() for text in said if text.strip().startswith("it is ")}
    return found.removeprefix("it is ")


def test_password_of_an_index_is_in_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What a user name is called may be the secret too.
    hosts = [f"host-{number}.invalid/simple" for number in range(8)]
    named = " ".join(f"https://token{host[5]}:x-{host[5]}@{host}" for host in hosts)
    monkeypatch.setenv("UV_INDEX", named)
    seen = shown(tmp_path, "", "UV_INDEX")
    assert seen == " ".join(f"https://****@{host}" for host in hosts)


def test_hosts_that_requirements_trust_are_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_INSECURE_HOST", "one")
    lines = "--trusted-host two:80\n--trusted-host=three"
    assert shown(tmp_path, lines, "UV_INSECURE_HOST") == "one two:80 three"


def test_unfinished_environments_are_removed(tmp_path: Path) -> None:
    environments = Environments(tmp_path / "environments", None, 60)
    for name in ("whole", "killed/lib", "uv-cache"):
        environments.path(name).mkdir(parents=True)
    (environments.path("whole") / COMPLETE).touch()
    environments.remove_unfinished()
    assert {path.name for path in environments.path("").iterdir()} == {"whole", "uv-cache"}
