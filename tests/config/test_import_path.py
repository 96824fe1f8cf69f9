"""Whose modules count while our code runs in a project that has modules of the same names."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from de_tasks.config.import_path import installed_first
from tests.support.people import Person

TASKS = """
{first}
from de_tasks import ns
from invoke import task
{then}
import helpers
@task
def own(context):
    import netrc
    print(helpers.WORD, netrc.WORD, queue.WORD)
ns.add_task(own)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder of a project with modules under the names of Python's, and one of its own."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("helpers", "netrc", "queue", "secrets", "graphlib"):
        (folder / f"{name}.py").write_text(f"WORD = 'own {name}'\n")
    return folder


@pytest.mark.parametrize("first", [True, False])
def test_a_projects_tasks_have_its_own_modules(dev: Person, project: Path, first: bool) -> None:
    imports = "import queue, secrets"
    text = TASKS.format(first=imports if first else "", then="" if first else imports)
    (project / "tasks.py").write_text(text)
    done = dev.spawn("--no-dedupe", "own", "whoami", "own", folder=project)
    own = "own helpers own netrc own queue\n"
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{own}Logged in as [{dev.name}] to [{dev.host}].\n{own}"


@pytest.fixture
def on_path(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The project's folder where invoke puts it."""
    monkeypatch.syspath_prepend(str(project))
    known = set(sys.modules)
    yield project
    for name in set(sys.modules) - known:
        del sys.modules[name]


def test_a_module_of_the_projects_is_its_own_again_afterwards(on_path: Path) -> None:
    import helpers  # type: ignore[import-not-found]

    path = list(sys.path)
    with installed_first(), installed_first():
        import graphlib

        assert "WORD" not in vars(graphlib)
        assert sys.modules["helpers"] is helpers and sys.modules["secrets"] is secrets
    assert sys.path == path and "graphlib" not in sys.modules


def test_a_folder_that_is_gone_has_no_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    monkeypatch.syspath_prepend("")
    (tmp_path / "gone").rmdir()
    with installed_first():
        assert "" not in sys.path
    assert sys.path[0] == ""
