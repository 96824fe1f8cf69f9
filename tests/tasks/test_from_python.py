"""Tasks that a project's own tasks call: what they return, that they can be hidden, and the
compositions of the guide."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.people import TASKS, Person
from tests.support.places import ROOT

HEAD = "import de_tasks\nfrom de_tasks import ns\nfrom invoke import task\n"


def asked(dev: Person, folder: Path, *lines: str) -> tuple[str, str]:
    """What a task of these lines prints, on stdout and on stderr."""
    body = "\n".join(f"    {line}" for line in lines)
    (folder / "tasks.py").write_text(f"{HEAD}\n@task\ndef own(c):\n{body}\n\nns.add_task(own)\n")
    done = dev.inv("own", folder=folder)
    assert done.code == 0, done.err
    return done.out, done.err


def guide() -> str:
    """The code of the guide, as one tasks.py."""
    text = (ROOT / "docs" / "python.md").read_text("utf-8")
    return "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))


@pytest.fixture
def project(dev: Person, page: Path) -> Path:
    (page / "invoke.yaml").write_text(f"de: {{app: {page.name}}}\n")
    dev.environment["INVOKE_DE_CACHE"] = str(dev.home / "cache")
    return page


def test_tasks_return_typed_values_and_print_nothing_hidden(dev: Person, project: Path) -> None:
    out, err = asked(
        dev,
        project,
        "done = de_tasks.deploy(c, yes=True, hide=True)",
        "app = de_tasks.status(c, hide=True)",
        "assert (done.name, done.url, done.changed) == (app.name, app.url, True)",
        "assert done.sha == app.build.sha == de_tasks.history(c, hide=True)[0].sha",
        "assert [a.name for a in de_tasks.apps['list'](c, hide=True)] == [app.name]",
        "assert de_tasks.apps['exists'](c, hide=True)",
        "assert not de_tasks.services['exists'](c, type='redis', hide=True)",
        "assert de_tasks.check(c, hide=True) == []",
        "assert de_tasks.update(c, title='New', hide=True).changes[0].what == 'title'",
        "assert de_tasks.logs(c, type='build', hide=True)[-1].process == 'build'",
        "assert de_tasks.diff(c, hide=True).changed is False",
        "assert de_tasks.open(c, hide=True) == de_tasks.status(c, hide=True)",
        "de_tasks.variables['list'](c, hide=True)",
        "de_tasks.delete(c, yes=True, hide=True)",
        "print('end')",
    )
    assert (out, err) == ("end\n", "")


def test_task_may_be_called_in_a_thread(dev: Person, project: Path) -> None:
    out, err = asked(
        dev,
        project,
        "from concurrent.futures import ThreadPoolExecutor",
        "with ThreadPoolExecutor(1) as pool:",
        "    print(pool.submit(de_tasks.whoami, c, hide=True).result().username)",
    )
    assert (out, err) == (f"{dev.name}\n", "")


def test_task_prints_as_ever_when_it_is_called(dev: Person, project: Path) -> None:
    out, _ = asked(dev, project, "print(de_tasks.whoami(c).username)")
    assert out == f"Logged in as [{dev.name}] to [{dev.host}].\n{dev.name}\n"


def test_hidden_failure_is_an_error_of_the_tree(dev: Person, project: Path) -> None:
    lines = ("de_tasks.status(c, hide=True)", "de_tasks.delete(c, hide=True)")
    for line, error in zip(lines, ("NotFound", "UsageError"), strict=True):
        body = ["try:", f"    {line}", f"except de_tasks.errors.{error} as e:", "    print(e.code)"]
        out, err = asked(dev, project, *body)
        assert (out, err) == ({"NotFound": "5\n", "UsageError": "2\n"}[error], "")


def test_hidden_task_asks_nobody_at_a_terminal(dev: Person, project: Path) -> None:
    (project / "tasks.py").write_text(
        f"{HEAD}\n@task\ndef own(c):\n    de_tasks.deploy(c, hide=True)\n\nns.add_task(own)\n"
    )
    done = dev.inv("own", folder=project, terminal=True, stdin="y\n")
    assert done.code == 2 and "give -y" in done.err and done.out == ""


def test_compositions_of_the_guide_work(dev: Person, project: Path) -> None:
    (project / "tasks.py").write_text(guide())
    done = dev.inv("ship", folder=project)
    assert done.code == 0 and f"{project.name} has changed\n" in done.out, done.err
    assert dev.inv("publish", folder=project).out.endswith("-> Numbers\n")
    assert dev.inv("running", folder=project).out == f"{project.name} runs\n"
    staged = dev.inv("stage", "--stage", "nowhere", folder=project)
    assert staged.code == 0 and staged.out.endswith("Nothing was deployed.\n")
    assert dev.inv("platform.status", folder=project).out.startswith(project.name)


def test_project_of_one_line_keeps_its_names(dev: Person, project: Path) -> None:
    (project / "tasks.py").write_text(TASKS)
    assert dev.inv("apps.exists", folder=project).out.endswith(f"[{dev.host}].\n")
