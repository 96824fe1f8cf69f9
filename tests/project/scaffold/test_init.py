"""`init`: an app is found and completed, and nothing that is there is overwritten."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from packaging.requirements import Requirement

from de_tasks.appspec import Procfile
from de_tasks.auth.login import Login
from de_tasks.auth.store import Store
from de_tasks.errors import DeTasksError, UsageError
from de_tasks.project import checks
from de_tasks.project.scaffold import adopt, plan, requirements
from de_tasks.project.scaffold.files import File, fit, write
from de_tasks.project.scaffold.python_source import Source, read_all
from de_tasks.server import control
from tests.support.apps import SERVER as WEB
from tests.support.apps import app_folder
from tests.support.locks import PROJECT, lock
from tests.support.people import PROGRAMS, Done, Person
from tests.support.repositories import Repository
from tests.support.terminals import Terminal

DASH = "from dash import Dash, html\napp = Dash(__name__)\napp.layout = html.Div()\n"
SERVER = DASH + "server = app.server\n"
APPS = {
    "dash": ({"app.py": SERVER}, "gunicorn app:server"),
    "dash by its module": (
        {"main.py": "import dash as d\napp = d.Dash()\nserver = app.server\n"},
        "gunicorn main:server",
    ),
    "dash alone": ({"app.py": DASH}, "gunicorn app:app"),
    "dash with a type": (
        {"app.py": "import dash\napp: dash.Dash = dash.Dash()\nserver = app.server\n"},
        "gunicorn app:server",
    ),
    "dash under another name": (
        {"app.py": "from dash import Dash as D\nx = D()\ny = x.server\n"},
        "gunicorn app:y",
    ),
    "laid out elsewhere": (
        {
            "app.py": "import dash\napp = dash.Dash()\nserver = app.server\n",
            "index.py": "from app import app, server\napp.layout = []\n",
        },
        "gunicorn index:server",
    ),
    "in an if": ({"app.py": f"if True:\n{SERVER}".replace("\n", "\n    ")}, "gunicorn app:server"),
    "in a function": ({"app.py": "def f():\n    import dash\n    app = dash.Dash()\n"}, None),
    "in a folder": ({"src/app.py": SERVER}, "gunicorn --chdir src app:server"),
    "in a package": ({"shop/__init__.py": "", "shop/app.py": SERVER}, "gunicorn shop.app:server"),
    "flask": ({"web.py": "from flask import Flask\napi = Flask(__name__)\n"}, "gunicorn web:api"),
    "django": (
        {
            "manage.py": "import os\n",
            "site_/__init__.py": "",
            "site_/wsgi.py": "from django.core.wsgi import get_wsgi_application\n"
            "application = get_wsgi_application()\n",
        },
        "gunicorn site_.wsgi:application",
    ),
    "django in a folder": (
        {
            "demo/shop/__init__.py": "",
            "demo/shop/settings.py": "",
            "demo/shop/wsgi.py": "import os\nfrom django.core.wsgi import get_wsgi_application\n"
            "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
            "application = get_wsgi_application()\n",
        },
        "gunicorn --pythonpath demo shop.wsgi:application",
    ),
    "run as a script, made elsewhere": (
        {
            "board/__init__.py": "import dash\napp = dash.Dash()\nserver = app.server\n",
            "main.py": "from board import app, server\nif __name__ == '__main__':\n    app.run()\n",
        },
        "gunicorn main:server",
    ),
    "a script that reads its files at the top": (
        {
            "src/app.py": f"import data\nx = open('data/x.csv')\n{SERVER}",
            "src/data.py": "",
            "data/x.csv": "",
        },
        "gunicorn --pythonpath src app:server",
    ),
    "a package that reads its files in a folder": (
        {
            "shop/board/__init__.py": "",
            "shop/board/app.py": f"import board.data\nx = open('board/x.csv')\n{SERVER}",
            "shop/board/data.py": "",
            "shop/board/x.csv": "",
        },
        "gunicorn --chdir shop board.app:server",
    ),
    "django in a folder of the same name": (
        {
            "demo/demo/__init__.py": "",
            "demo/demo/settings.py": "",
            "demo/demo/wsgi.py": "import os\nfrom django.core.wsgi import get_wsgi_application\n"
            "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'demo.settings')\n"
            "application = get_wsgi_application()\n",
        },
        "gunicorn --pythonpath demo demo.wsgi:application",
    ),
    "a test beside it": ({"test_app.py": SERVER, "web/board.py": SERVER}, "gunicorn --chdir web"),
    "a test alone": ({"test_app.py": SERVER}, "gunicorn test_app:server"),
    "fastapi": (
        {"main.py": "from fastapi import FastAPI\napp = FastAPI()\n"},
        "uvicorn main:app --host 0.0.0.0 --port $PORT",
    ),
    "fastapi in a folder": (
        {"src/api.py": "import fastapi\napi = fastapi.FastAPI()\n"},
        "uvicorn api:api --app-dir src --host",
    ),
    "in a package below src": (
        {"src/shop/__init__.py": "", "src/shop/app.py": SERVER},
        "gunicorn --pythonpath src shop.app:server",
    ),
    "in a package below src that has relative imports": (
        {
            "src/shop/__init__.py": "",
            "src/shop/app.py": f"from .data import x\nfrom shop import data\n{SERVER}",
            "src/shop/data.py": "x = 1\n",
        },
        "gunicorn --pythonpath src shop.app:server",
    ),
    "with imports from above the package": (
        {
            "src/shop/__init__.py": "",
            "src/shop/app.py": f"from ..data import x\n{SERVER}",
            "src/data.py": "x = 1\n",
        },
        "gunicorn src.shop.app:server",
    ),
    "with relative imports in a folder": (
        {"src/app.py": f"from .data import x\n{SERVER}", "src/data.py": "x = 1\n"},
        "gunicorn src.app:server",
    ),
    "in a package that has no __init__.py": (
        {"src/shop/app.py": f"from shop.data import x\n{SERVER}", "src/shop/data.py": "x = 1\n"},
        "gunicorn --pythonpath src shop.app:server",
    ),
    "wsgi": ({"x.py": "def run(environ, start_response):\n    return []\n"}, "gunicorn x:run"),
    "streamlit": ({"home.py": "import streamlit as st\nst.title('x')\n"}, "streamlit run home.py"),
    "streamlit of several pages": (
        {"pages/app.py": "import streamlit\n", "src/ui/home.py": "import streamlit\n"},
        "streamlit run src/ui/home.py",
    ),
    "laid out in a folder": (
        {
            "app.py": "import dash\napp = dash.Dash()\nserver = app.server\n",
            "web/index.py": "from app import app, server\napp.layout = []\n",
        },
        "gunicorn web.index:server",
    ),
    "laid out beside it, in a folder": (
        {
            "board/app.py": "import dash\napp = dash.Dash()\nserver = app.server\n",
            "board/index.py": "from app import app, server\napp.layout = []\n",
        },
        "gunicorn --chdir board index:server",
    ),
    "a script in a package": (
        {
            "board/__init__.py": "",
            "board/config.py": "import dash\napp = dash.Dash()\nserver = app.server\n",
            "board/app.py": "from config import app, server\napp.layout = []\n",
        },
        "gunicorn --chdir board app:server",
    ),
    "a script in a folder that its imports name": (
        {"board/app.py": f"import board.data\n{SERVER}", "board/data.py": ""},
        "gunicorn board.app:server",
    ),
    "a package in a package that is imported from there": (
        {
            "src/__init__.py": "",
            "src/board/__init__.py": "",
            "src/board/config.py": "",
            "src/board/app.py": f"from board.config import x\n{SERVER}",
        },
        "gunicorn --pythonpath src board.app:server",
    ),
    "relative imports below src": (
        {
            "src/board/__init__.py": "",
            "src/board/config.py": "",
            "src/board/app.py": f"from .config import x\n{SERVER}",
        },
        "gunicorn --pythonpath src board.app:server",
    ),
    "a folder that is called as a package": ({"dash/app.py": SERVER}, "gunicorn --chdir dash app:"),
    "a name that nothing can import": (
        {"my app.py": SERVER, "zoo.py": SERVER},
        "gunicorn zoo:server",
    ),
    "made by a function that a package hands on": (
        {
            "board/__init__.py": "from .core import create\n",
            "board/core.py": "import flask\ndef create(x):\n    return flask.Flask(x)\n",
            "wsgi.py": "from board import create\napplication = create('x')\n",
        },
        "gunicorn wsgi:application",
    ),
    "made by a function that adds to it": (
        {
            "board.py": "import flask\nfrom more import add\ndef create():\n"
            "    app = flask.Flask('x')\n    with app.app_context():\n        app = add(app)\n"
            "    return app\n",
            "more.py": "",
            "wsgi.py": "from board import create\napplication = create()\n",
        },
        "gunicorn wsgi:application",
    ),
    "laid out beside it, in a package": (
        {
            "shop/__init__.py": "from dash import Dash\napp = Dash()\nserver = app.server\n",
            "shop/index.py": "from . import app, server\napp.layout = []\n",
        },
        "gunicorn shop.index:server",
    ),
    "in an except": (
        {
            "app.py": "try:\n    import board\nexcept ImportError:\n    import dash\n"
            "    server = dash.Dash().server\n"
        },
        "gunicorn app:server",
    ),
    "imports in a circle": (
        {
            "app.py": f"import data\n{SERVER}",
            "data.py": "import app, more\n",
            "more.py": "import app",
        },
        "gunicorn app:server",
    ),
    "made by what is called twice": (
        {"app.py": f"{SERVER}x = make('x')()\n"},
        "gunicorn app:server",
    ),
    "tests and environments": (
        {
            "tests/app.py": SERVER,
            "env2/pyvenv.cfg": "",
            "env2/app.py": SERVER,
            ".hidden/app.py": SERVER,
        },
        None,
    ),
    "made by a function": (
        {
            "main.py": "import fastapi\ndef make():\n    x = fastapi.FastAPI()\n    return x\n"
            "app = make()\n"
        },
        "uvicorn main:app --host",
    ),
    "made by a function of another file": (
        {
            "board/__init__.py": "import flask\ndef create(x=0):\n    return flask.Flask('x')\n",
            "wsgi.py": "from board import create\napplication = create()\n",
        },
        "gunicorn wsgi:application",
    ),
    "made by a function that nobody calls": (
        {"app.py": "import dash\ndef make():\n    app = dash.Dash()\n    return app.server\n"},
        "gunicorn 'app:make()'",
    ),
    "a factory of ASGI": (
        {"app.py": "import fastapi\ndef make():\n    return fastapi.FastAPI()\n"},
        "uvicorn app:make --factory --host",
    ),
    "made by a function of a function": (
        {
            "app.py": "import flask\ndef make(x):\n    return flask.Flask(x)\n"
            "def create():\n    made = make('x')\n    return made\n"
        },
        "gunicorn 'app:create()'",
    ),
    "made of settings": (
        {"app.py": "import flask\ndef make(x):\n    return flask.Flask(x)\napi = make('x')\n"},
        "gunicorn app:api",
    ),
    "a function that needs something": (
        {"app.py": "import flask\ndef make(config):\n    return flask.Flask('x')\n"},
        None,
    ),
    "broken": ({"app.py": "def (\n", "other.py": SERVER}, "gunicorn other:server"),
    "in a folder with a blank": (
        {"my app/app.py": SERVER, "my app/data.csv": ""},
        "gunicorn --chdir 'my app' app:server",
    ),
    "in a file with a hyphen": ({"my-app.py": SERVER}, "gunicorn my-app:server"),
    "with a file that may be imported by name": (
        {"a-copy.py": SERVER, "board.py": SERVER},
        "gunicorn board:server",
    ),
    "made by a program alone": (
        {
            "app.py": "import dash\n"
            "if __name__ == '__main__':\n    app = dash.Dash()\n    app.run()\n"
        },
        None,
    ),
    "made before a program": (
        {
            "board.py": "import dash\napp = dash.Dash()\n"
            "if '__main__' == __name__:\n    app.run()\nelse:\n    server = app.server\n",
            "app.py": "import dash\nserver = dash.Dash().server\n",
        },
        "gunicorn board:server",
    ),
    "nothing": ({"app.py": "print('hello')\n"}, None),
}


def fill(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("case", APPS)
def test_entry_point_is_found(case: str, tmp_path: Path) -> None:
    files, command = APPS[case]
    found = adopt.adopt(fill(tmp_path, files))
    web = Procfile.parse("\n".join(found.procfile)).commands.get("web") if found.procfile else None
    assert (web is None) if command is None else str(web).startswith(command)


@pytest.mark.parametrize("case", [case for case, (_, command) in APPS.items() if command])
def test_what_is_written_passes_the_check(case: str, tmp_path: Path) -> None:
    fill(tmp_path, APPS[case][0])
    written = plan.plan(tmp_path, plan.Choices(app="board"))
    list(write(tmp_path, written.files))
    found = checks.run(tmp_path, "board", 50)
    assert [finding for finding in found if finding.level == "error"] == []


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("main.py", "import dash\ndef main():\n    dash.Dash().run()\n", "Dash app in main, where"),
        (
            "main.py",
            "import flask\nclass X:\n    def x(self):\n        flask.Flask('x')\n",
            "in X,",
        ),
        ("main.py", "import dash\ndef make(x):\n    return dash.Dash(x)\n", "give them defaults"),
        (
            "app.py",
            "import dash\nif __name__ == '__main__':\n    dash.Dash().run()\n",
            "app.py makes its Dash app in the block 'if __name__', where no server finds it",
        ),
        ("app.py", "app = dash.Dash(\n", "in which the app may be: '(' was never closed (line 1)"),
        ("app.py", "app = '\0'\n", "in which the app may be: source code string cannot contain"),
        ("app.R", "library(dash)\n", "app.R is an app in R"),
        ("board.ipynb", "{}\n", "board.ipynb is a notebook"),
    ],
)
def test_what_is_no_app_is_said(
    name: str, text: str, why: str, nobody: Person, tmp_path: Path
) -> None:
    folder = fill(tmp_path / "board", {name: text})
    for terminal in (False, True):
        done = nobody.run(f"init --path {folder}", terminal=terminal)
        assert done.code == 2 and why in " ".join(done.err.split())


def test_other_files_that_look_like_the_app_are_named(tmp_path: Path) -> None:
    files = {f"{name}/app.py": SERVER for name in ("a", "b", "c", "d", "e")}
    fill(tmp_path, {**files, "c/app.py": "from a.app import app, server\napp.layout = []\n"})
    words = (
        "Looks like an app too: b/app.py, d/app.py, e/app.py. The Procfile names what is started"
    )
    assert words in adopt.adopt(tmp_path).words


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("pyproject.toml", "[project]\ndependencies = ['dash>=3', 'gunicorn']\n", ["dash>=3"]),
        ("pyproject.toml", "[tool.poetry.dependencies]\ndash = '^3.0'\n", ["dash>=3.0,<4"]),
        ("requirements/production.txt", "-r base.txt\n", ["-r requirements/production.txt"]),
        (
            "pyproject.toml",
            "[tool.poetry.dependencies]\npython = '^3.9'\n"
            "dash = {version = '3.1', extras = ['ag']}\n"
            "numpy = [{version = '<2', python = '<3.10'}, {version = '2.1', python = '>=3.10'}]\n",
            ["dash[ag]==3.1", "numpy"],
        ),
        ("Pipfile", "[packages]\ndash = '*'\nplotly = '==6.0'\n", ["dash", "plotly==6.0"]),
        (
            "pyproject.toml",
            "[tool.poetry.dependencies]\ndash = '^3.0 || ^4.0'\n"
            "one = {git = 'https://git.example/one.git', tag = 'v1', extras = ['x']}\n"
            "two = {git = 'git@git.example:our/two.git', subdirectory = 'lib'}\n"
            "three = {url = 'https://files.example/three-1.whl'}\n"
            "four = {path = 'libs/four', develop = true}\n"
            "five = {version = '5', optional = true}\n",
            [
                "dash",
                "one[x] @ git+https://git.example/one.git@v1",
                "two @ git+ssh://git@git.example/our/two.git#subdirectory=lib",
                "three @ https://files.example/three-1.whl",
                "./libs/four",
            ],
        ),
        (
            "pyproject.toml",
            "[project]\ndependencies = ['dash>=3', 'Our_Lib[x]; python_version > \"3\"', 'torch',"
            " 'two', '?']\n"
            "[tool.uv.sources]\nour-lib = {git = 'https://git.example/lib', rev = 'c0'}\n"
            "torch = {index = 'cpu'}\ntwo = {path = './libs/two', editable = true}\n",
            [
                "dash>=3",
                'Our_Lib[x] @ git+https://git.example/lib@c0 ; python_version > "3"',
                "torch",
                "./libs/two",
                "?",
            ],
        ),
        (
            "Pipfile",
            "[packages]\ndash = {git = 'https://git.example/d', ref = 'c0'}\none = {path = '.'}\n",
            ["dash @ git+https://git.example/d@c0", "."],
        ),
    ],
)
def test_dependencies_that_stand_elsewhere_are_taken(
    name: str, text: str, lines: list[str], tmp_path: Path
) -> None:
    fill(tmp_path, {"app.py": SERVER, name: text, "uv.lock": "", "requirements/base.txt": "dash\n"})
    if "requirements" not in name:
        (tmp_path / "requirements" / "base.txt").unlink()
    found = adopt.adopt(tmp_path)
    assert list(found.requirements[:-1]) == lines
    assert requirements.name_of(found.requirements[-1]) == "gunicorn"
    assert "uv export" in found.words[-1] or name in found.words[-1]


@pytest.mark.parametrize(
    ("command", "package"),
    [
        ("cd src && gunicorn app:server", "gunicorn"),
        ("PYTHONPATH=src exec gunicorn app:server", "gunicorn"),
        ("python3 -m gunicorn app:server", "gunicorn"),
        ("waitress-serve app:server", "waitress"),
        ("env A=1 uvicorn app:server", "uvicorn"),
        ("python app.py", None),
        ("python -m", None),
        ("gunicorn 'app:server", None),
    ],
)
def test_program_is_required_wherever_it_stands_in_its_line(
    command: str, package: str | None, tmp_path: Path
) -> None:
    files = {"src/app.py": SERVER, "Procfile": f"web: {command}\n", "requirements.txt": "dash\n"}
    lines = adopt.adopt(fill(tmp_path, files)).requirements
    assert [Requirement(line).name for line in lines] == ([package] if package else [])


def test_package_of_a_workspace_is_left_to_the_user(tmp_path: Path) -> None:
    project = (
        "[project]\ndependencies = ['dash', 'our-lib>=1']\n"
        "[tool.uv.sources]\nOur_Lib = {workspace = true}\n"
    )
    found = adopt.adopt(fill(tmp_path, {"app.py": SERVER, "pyproject.toml": project}))
    assert [Requirement(line).name for line in found.requirements] == ["dash", "gunicorn"]
    assert found.words == (
        "requirements.txt gets what pyproject.toml names, which is not read on the platform. "
        "Of its workspace are our-lib: name their folders in it",
    )


@pytest.mark.parametrize(
    ("files", "line"),
    [
        (["board/requirements.txt", "api/requirements.txt"], "-r board/requirements.txt"),
        (["board/requirements/prod.txt", "requirements_dev.txt"], "-r board/requirements/prod.txt"),
        (["requirements_linux.txt", "requirements_win.txt"], "-r requirements_linux.txt"),
        (["setup/requirements.txt", "docs/requirements.txt"], "-r setup/requirements.txt"),
        (["one/requirements.txt", "two/requirements.txt"], "gunicorn"),
        (["requirements_a.txt", "requirements_b.txt"], "gunicorn"),
        (["requirements-dev.txt"], "gunicorn"),
    ],
)
def test_requirements_of_the_app_are_included(files: list[str], line: str, tmp_path: Path) -> None:
    fill(tmp_path, {"board/app.py": SERVER, **dict.fromkeys(files, "dash\ngunicorn\n")})
    first, *_ = adopt.adopt(tmp_path).requirements
    assert first.partition(">")[0] == line


def test_project_that_stands_further_in_is_read(tmp_path: Path) -> None:
    project = "[project]\ndependencies = ['dash>=3', 'gunicorn']\n"
    fill(tmp_path, {"shop/board/app.py": SERVER, "shop/pyproject.toml": project})
    found = adopt.adopt(tmp_path)
    assert found.requirements == ("dash>=3", "gunicorn")
    assert any("what shop/pyproject.toml names" in words for words in found.words)


def test_server_that_an_extra_brings_is_not_named_again(tmp_path: Path) -> None:
    fill(tmp_path, {"main.py": "from fastapi import FastAPI\napp = FastAPI()\n"})
    fill(tmp_path, {"requirements.txt": "fastapi[standard]\n"})
    assert adopt.adopt(tmp_path).requirements == ()


def test_tasks_of_celery_leave_inv_to_others(tmp_path: Path) -> None:
    celery = "from celery import Celery\ncelery_app = Celery('tasks')\n"
    fill(tmp_path, {"app.py": SERVER, "tasks.py": celery})
    planned = plan.plan(tmp_path, plan.Choices(app="board", ci="github"))
    assert any("Celery's tasks" in words for words in planned.words)
    texts = {file.path: file.text for file in planned.files}
    assert "tasks.py" not in texts
    for path in ("Makefile", ".github/workflows/dash-enterprise.yml"):
        assert "de-tasks deploy" in texts[path] and " inv deploy" not in texts[path]


def test_folder_with_a_short_name_gets_a_legal_one(nobody: Person, tmp_path: Path) -> None:
    folder = fill(tmp_path / "ab", {"app.py": SERVER})
    nobody.inv("init", "-y", folder=folder)
    assert "app: ab-app\n" in (folder / "invoke.yaml").read_text()
    done = nobody.inv("init", "-y", "--name", "x", folder=folder)
    assert done.code == 2 and "--name x-app" in done.err


def test_top_of_a_fleet_gets_no_app_files(nobody: Person, tmp_path: Path) -> None:
    fill(tmp_path, {"apps/one/app.py": SERVER, "invoke.yaml": "de:\n  apps: [apps/one]\n"})
    done = nobody.inv("init", "-y", "--ci", "github", folder=tmp_path)
    assert "from its variable DE_TASKS, since no package index has it" in done.err
    assert done.code == 0 and "no app files are written here" in done.err
    assert (tmp_path / ".github/workflows/fleet.yml").exists()
    assert not (tmp_path / "Procfile").exists() and not (tmp_path / "requirements.txt").exists()


@pytest.mark.slow
@pytest.mark.parametrize("template", plan.app_templates())
def test_our_own_templates_are_understood(template: str, tmp_path: Path) -> None:
    source = plan.templates() / template
    written = Procfile.read(source).commands
    fill(tmp_path, {p.name: p.read_text() for p in source.glob("*.py")})
    found = Procfile.parse("\n".join(adopt.adopt(tmp_path).procfile)).commands
    start = {kind: command.split(" --")[0] for kind, command in written.items()}
    assert {kind: command.split(" --")[0] for kind, command in found.items()} == start
    assert adopt.adopt(source).requirements == ()


def test_code_of_the_app_is_not_run(tmp_path: Path) -> None:
    fill(tmp_path, {"app.py": f"open({str(tmp_path / 'run')!r}, 'w')\n{SERVER}"})
    assert adopt.adopt(tmp_path).procfile and not (tmp_path / "run").exists()


def test_a_huge_folder_is_read_in_bounds(tmp_path: Path) -> None:
    fill(tmp_path, {f"m{n}.py": "x = 1\n" for n in range(600)})
    (tmp_path / "loop").symlink_to(tmp_path)
    assert len(read_all(tmp_path)) == 500


def test_what_is_deep_or_large_is_not_read(tmp_path: Path) -> None:
    fill(tmp_path, {"a/b/c/app.py": SERVER, "a/b/c/d/deep.py": SERVER})
    for name, size in (("most.py", 1_000_000), ("more.py", 1_000_001)):
        (tmp_path / name).write_bytes(b"#" * size)
    assert sorted(read_all(tmp_path)) == ["a.b.c.app", "most"]


IMPORTS = "import os, requests, numpy, helper, nobody_knows_this\nfrom sibling import x\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("present", "expected"),
    [
        ([], {"gunicorn", "dash", "requests", "numpy"}),
        (["dash>=3", "Gunicorn==23", "requests"], {"numpy"}),
        (["dash[celery]", "gunicorn", "requests", "pandas ; python_version > '3'"], set()),
        (["-r more.txt", "git+https://x/y", "./local"], {"gunicorn", "dash", "requests", "numpy"}),
    ],
)
def test_missing_requirements(present: list[str], expected: set[str], tmp_path: Path) -> None:
    sources = read_all(
        fill(tmp_path, {"app.py": IMPORTS + SERVER, "helper.py": "", "sibling.py": ""})
    )
    own = requirements.own_modules(sources)
    found = requirements.lacking(["gunicorn"], sources.values(), own, present)
    assert {requirements.name_of(line) for line in found.lines} == expected
    assert found.unknown == ("nobody_knows_this",)


@pytest.mark.slow
def test_what_a_pinned_package_brings_gets_no_version_of_ours(tmp_path: Path) -> None:
    code = "import fastapi, starlette\napp = fastapi.FastAPI()\n"
    fill(tmp_path, {"main.py": code, "requirements.txt": "fastapi==0.115.5\nuvicorn==0.32\n"})
    assert adopt.adopt(tmp_path).requirements == ()


def test_gitignore_lets_through_what_is_written(nobody: Person, tmp_path: Path) -> None:
    fill(tmp_path / "board", {"app.py": SERVER, ".gitignore": "*.txt\n"})
    assert nobody.run("init -y", folder=tmp_path / "board").code == 0
    assert "!/requirements.txt\n" in (tmp_path / "board" / ".gitignore").read_text()
    assert checks.run(tmp_path / "board", "board", 50) == []


def test_gitignore_of_ones_own_is_to_let_through_what_is_written(tmp_path: Path) -> None:
    fill(tmp_path, {"app.py": SERVER, ".gitignore": "Proc*\n*.txt\n"})
    planned = plan.plan(tmp_path, plan.Choices(app="board", without=("gitignore",)))
    assert (
        "A .gitignore leaves out what is written here: add !/Procfile, !/requirements.txt to it"
        in planned.words
    )


def test_empty_folder_is_no_app_to_complete(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"^There is no app in {tmp_path}: begin with one of "):
        plan.plan(tmp_path, plan.Choices(app="board"))


@pytest.mark.parametrize(
    ("written", "version"),
    [
        ("^1.2.3", ">=1.2.3,<2"),
        ("^0.2.3", ">=0.2.3,<0.3"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^0.0", ">=0.0,<0.1"),
        ("^2.0rc1", ">=2.0rc1,<3"),
        ("~1.2.3", ">=1.2.3,<1.3"),
        ("~1", ">=1,<2"),
        ("~=1.2", "~=1.2"),
        (">=1, !=1.5", ">=1,!=1.5"),
        ("1.*", "==1.*"),
        ("2.1", "==2.1"),
    ],
)
def test_versions_of_poetry_keep_both_bounds(written: str, version: str, tmp_path: Path) -> None:
    project = f"[tool.poetry.dependencies]\ndash = '{written}'\n"
    found = adopt.adopt(fill(tmp_path, {"app.py": SERVER, "pyproject.toml": project}))
    assert found.requirements[0] == f"dash{version}"


def test_packages_that_the_check_knows_are_added(tmp_path: Path) -> None:
    text = "import yaml, cv2, dash_extensions, unheard_of\n"
    fill(tmp_path, {"app.py": text + SERVER, "requirements.txt": "opencv-python-headless\n"})
    found = adopt.adopt(tmp_path)
    names = [Requirement(line).name for line in found.requirements]
    assert names == ["gunicorn", "dash", "dash-extensions", "pyyaml"]
    assert [words.partition(",")[0] for words in found.words] == ["The app imports unheard_of"]


def test_fleet_is_told_of_the_workflows_that_there_are(tmp_path: Path) -> None:
    planned = plan.plan(tmp_path, plan.Choices(app="", fleet=True))
    assert planned.words[0] == "A CI workflow for all apps: --ci github or --ci gitlab"


def test_import_of_several_packages_is_left_to_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = {"google": ["google-auth", "google-cloud"], "yaml": ["PyYAML"]}
    monkeypatch.setattr(requirements, "_installed", lambda: shared)
    source = Source(PurePosixPath("app.py"), modules={"google.auth", "yaml"})
    found = requirements.lacking([], [source], [], [])
    assert [requirements.name_of(line) for line in found.lines] == ["pyyaml"]
    assert found.unknown == ("google",)


@pytest.mark.parametrize(
    ("module", "present", "lines"),
    [
        ("dash_bootstrap_components", [], ["dash-bootstrap-components"]),
        ("psycopg2", [], ["psycopg2-binary"]),
        ("psycopg2", ["psycopg2"], []),
        ("slugify", ["slugify"], []),
        ("playhouse.shortcuts", ["peewee"], []),
    ],
)
def test_what_the_check_asks_for_is_added(
    module: str, present: list[str], lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "_installed", dict)
    source = Source(PurePosixPath("app.py"), modules={module})
    found = requirements.lacking([], [source], [], present)
    assert [requirements.name_of(line) for line in found.lines] == lines
    assert found.unknown == ()


def test_app_that_imports_its_own_folder_is_told_so(tmp_path: Path) -> None:
    app = f"from board.data import x\n{SERVER}"
    found = adopt.adopt(fill(tmp_path / "board", {"app.py": app, "data.py": ""}))
    assert any(words.startswith("The app imports board, its own folder:") for words in found.words)
    assert not any("does not know" in words for words in found.words)


@pytest.mark.parametrize(
    ("module", "known"),
    [
        ("azure.storage.blob.BlobClient", True),
        ("azure.storage.queue", False),
        ("databricks.sql", True),
        ("databricks", False),
        ("nobody_knows_this.sql", False),
    ],
)
def test_part_of_a_namespace_is_known_by_its_packages_name(module: str, known: bool) -> None:
    present = ["azure-storage-blob", "databricks-sql-connector"]
    source = Source(PurePosixPath("app.py"), modules={module})
    assert (requirements.lacking([], [source], [], present).unknown == ()) is known


def test_extras_that_nobody_asked_for_bring_nothing(tmp_path: Path) -> None:
    source = Source(PurePosixPath("app.py"), modules={"celery"})
    found = requirements.lacking([], [source], [], ["dash"])
    assert [requirements.name_of(line) for line in found.lines] == ["celery"]


def test_first_dash_that_can_be_served_is_required(tmp_path: Path) -> None:
    fill(tmp_path, {"app.py": DASH})
    found = adopt.adopt(tmp_path)
    assert any("since 3.0.5" in words for words in found.words)
    (dash,) = (line for line in found.requirements if line.startswith("dash"))
    assert Requirement(dash).specifier.contains("3.0.4") is False


@pytest.mark.parametrize(
    ("environment", "needs"),
    [
        ("name: x\n", {"gunicorn", "dash"}),
        ("dependencies:\n- conda-forge::dash>=3\n- numpy=2 # x\n", {"gunicorn"}),
        ("dependencies:\n  - python=3.11\n  - pip:\n    - 'dash==3.1'\n", {"gunicorn"}),
        ("dependencies:\n  - dash\n\n  # web\n  - pip:\n    - gunicorn\nprefix: /x\n", set()),
        ("channels:\n  - dash\ndependencies:\n  - gunicorn\nother:\n  - dash\n", {"dash"}),
        ("dependencies: [dash, {pip: [gunicorn, {a: b}]}, {pip: dash}, 3]\n", set()),
        ("dependencies:\n- dash\n- [\n", {"gunicorn", "dash"}),
        ("- dash\n- gunicorn\n", {"gunicorn", "dash"}),
        ("[" * 5000, {"gunicorn", "dash"}),
    ],
)
def test_conda_app_is_told_what_it_lacks(environment: str, needs: set[str], tmp_path: Path) -> None:
    files = {"app.py": SERVER, "environment.yml": environment, "requirements/base.txt": "flask\n"}
    found = adopt.adopt(fill(tmp_path, files))
    assert found.requirements == ()
    told = [words for words in found.words if words.startswith("environment.yml needs: ")]
    lines = told[0].partition(": ")[2].split(", ") if told else []
    assert {requirements.name_of(line) for line in lines} == needs


def test_worker_and_database_are_seen(tmp_path: Path) -> None:
    jobs = "import os\nfrom celery import Celery\nqueue = Celery(broker=os.environ['REDIS_URL'])\n"
    fill(
        tmp_path,
        {"app.py": "import jobs\n" + SERVER, "jobs.py": jobs, "other.py": "'DATABASE_URL'"},
    )
    found = adopt.adopt(tmp_path)
    assert found.procfile[1] == "worker: celery --app=jobs:queue worker --concurrency=2"
    assert found.services == ("redis",) and "celery" in str(found.requirements)


@pytest.mark.parametrize(
    ("module", "place", "worker"),
    [
        ("jobs.queue", "", "celery --app=jobs.queue:queue worker"),
        ("queue", "board", "celery --workdir board --app=queue:queue worker"),
        ("board.queue", "board", "celery --app=board.queue:queue worker"),
    ],
)
def test_worker_has_the_names_that_the_app_imports(
    module: str, place: str, worker: str, tmp_path: Path
) -> None:
    # A task is known by the name of its module, for the app that sends it and for the worker.
    queue = "from celery import Celery\nqueue = Celery()\n"
    path = f"{module.replace('.', '/')}.py"
    path = path if not place or path.startswith(place) else f"{place}/{path}"
    fill(tmp_path, {f"{place or '.'}/app.py": f"import {module}\n{SERVER}", path: queue})
    found = adopt.adopt(tmp_path)
    assert found.procfile[1].removeprefix("worker: ").startswith(worker)


def snapshot(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".git/" not in str(path))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def init(person: Person, folder: Path, *options: str) -> Done:
    """`de-tasks init`, for a folder that has no tasks.py yet."""
    done = person.run(["init", "--path", str(folder), *options])
    assert "Traceback" not in done.err
    return done


def test_app_is_completed_and_deployed(nobody: Person, dev: Person, tmp_path: Path) -> None:
    folder = fill(
        tmp_path / f"found-app-{secrets.token_hex(3)}",
        {
            "web.py": "def serve(environ, start_response):\n"
            "    start_response('200 OK', [])\n    return [b'hello']\n"
        },
    )
    done = init(nobody, folder)
    assert "Wrote Procfile: web.py has the WSGI app `serve`" in done.out
    assert "Wrote requirements.txt: gunicorn" in done.out
    deployed = dev.inv("deploy", "-y", folder=folder)
    assert deployed.code == 0, deployed.err


def test_nothing_that_is_there_is_overwritten(nobody: Person, tmp_path: Path) -> None:
    paths = [path for path, _ in (*plan.PROJECT.values(), *plan.CI.values())]
    fill(tmp_path, {"app.py": SERVER} | {path: f"mine: {path}" for path in paths})
    fill(tmp_path, {"Procfile": "web: mine\n", "requirements.txt": "dash\ngunicorn\n"})
    before = snapshot(tmp_path)
    for ci in plan.CI:
        done = init(nobody, tmp_path, "--ci", ci)
        assert done.code == 0 and f"{plan.CI[ci][0]} is there, and stays" in done.err
    after = snapshot(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {"Makefile", ".gitignore"}
    assert all(after[name].startswith(before[name]) for name in before)
    assert "from de_tasks import ns" in done.err  # What to add to tasks.py.
    again = init(nobody, tmp_path)
    assert "Nothing to write" in again.out and snapshot(tmp_path) == after


def test_lines_are_added_in_the_files_own_way(nobody: Person, tmp_path: Path) -> None:
    fill(tmp_path, {"app.py": SERVER, "Makefile": "deploy: test\n\ttrue"})
    (tmp_path / ".gitignore").write_bytes(b"*.log\r\n.env")
    (tmp_path / "requirements.txt").write_bytes("dash\n".encode("utf-16"))
    done = init(nobody, tmp_path)
    assert (tmp_path / ".gitignore").read_bytes().startswith(b"*.log\r\n.env\r\n.venv/\r\n")
    assert (tmp_path / "Makefile").read_text().count("deploy:") == 1
    assert "Added to Makefile: preview, status, logs, run" in done.out
    assert (tmp_path / "requirements.txt").read_bytes() == "dash\n".encode("utf-16")
    assert "requirements.txt is no text in UTF-8" in done.err


def test_file_that_appears_meanwhile_stays(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text("mine")
    with pytest.raises(DeTasksError, match=r"tasks\.py cannot be written: File exists"):
        list(write(tmp_path, [File("tasks.py", "ours")]))
    assert (tmp_path / "tasks.py").read_text() == "mine"


@pytest.mark.parametrize(("lines", "shown"), [(25, True), (26, False)])
def test_long_file_is_not_shown(lines: int, shown: bool, tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text("mine")
    words: list[str] = []
    file = File("tasks.py", "ours\n" * lines)
    assert fit(tmp_path, file, words) is None
    assert ("Ours would be:" in words[0]) == shown and ("move it away" in words[0]) != shown


def test_file_is_no_folder_for_an_app(nobody: Person, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = init(nobody, tmp_path / "file", "--template", "dash")
    assert done.code == 2 and "is not a folder: nothing was written" in done.err


def test_dry_run_shows_and_writes_nothing(nobody: Person, tmp_path: Path) -> None:
    folder = fill(tmp_path / "shop", {"app.py": SERVER})
    done = init(nobody, folder, "--dry-run", "--ci", "github")
    assert "--- Procfile (new)" in done.out and "pull_request:" in done.out
    found = json.loads(init(nobody, folder, "--dry-run", "--json").out)
    assert found["written"] is False and "Procfile" in [file["path"] for file in found["files"]]
    assert snapshot(folder) == {"app.py": SERVER.encode()}


def test_repository_decides_branch_and_ci(nobody: Person, tmp_path: Path) -> None:
    folder = fill(tmp_path / "shop", {"app.py": SERVER, "apps/one/app.py": SERVER})
    repository = Repository.make(folder)
    repository.git("branch", "-m", "master")
    repository.git("remote", "set-url", "origin", "git@gitlab.example:x/not-github.git")
    init(nobody, folder, "--name", "other-name")
    assert (folder / ".gitlab-ci.yml").exists()
    text = (folder / "invoke.yaml").read_text()
    assert "app: other-name" in text and '"master": other-name' in text
    done = init(nobody, folder / "apps" / "one")
    assert "not the top of its repository" in done.err
    assert (
        not (folder / "apps/one/.gitlab-ci.yml").exists()
        and (folder / "apps/one/Procfile").exists()
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "begin with one of --template dash, "),
        (("-y",), "begin with one of --template dash, "),
        (("--template", "django"), "There is no template 'django'. There is: dash, "),
        (("--template", "dash", "--ci", "jenkins"), "There is no CI template 'jenkins'"),
        (("--template", "dash", "--without", "ci,docs"), "There is no part 'docs'"),
        (("--template", "dash", "--name", "Not_Legal"), "not a legal app name"),
    ],
)
def test_bad_usage_writes_nothing(
    options: tuple[str, ...], words: str, nobody: Person, tmp_path: Path
) -> None:
    folder = tmp_path / "empty"
    done = init(nobody, folder, *options)
    assert done.code == 2 and words in done.err and not folder.exists()


@pytest.mark.parametrize("task", ["init", "create"])
def test_template_goes_into_no_folder_with_an_app(task: str, dev: Person, tmp_path: Path) -> None:
    fill(tmp_path / "app", {"app.py": SERVER})
    name, path = f"app-{secrets.token_hex(3)}", str(tmp_path / "app")
    done = dev.inv(task, "--template", "dash", "--name", name, "--path", path)
    assert done.code == 2 and "already: nothing was written" in done.err
    assert snapshot(tmp_path / "app") == {"app.py": SERVER.encode()}
    assert dev.inv("apps.exists", "--name", name, "--exit-code").code == 1


def test_next_is_the_sandbox_where_nobody_is_logged_in(nobody: Person) -> None:
    nobody.host = ""
    said = nobody.run("init --path shop --template wsgi -y").err
    assert "Next:\n  cd shop\n  inv sandbox.start   (or, for a Dash Enterprise: " in said


def test_next_is_the_host_where_one_is_logged_in(dev: Person) -> None:
    said = dev.run("init --path shop --template wsgi -y").err
    assert f"Next, on {dev.host} where you are logged in:\n  cd shop\n  inv deploy" in said


def test_next_is_to_log_in_where_the_host_is_known(nobody: Person) -> None:
    said = nobody.run("init --path shop --template wsgi -y").err
    assert f"\n  inv login --host {nobody.host}\n" in said
    (nobody.home / "login.json").write_text("no JSON")
    assert nobody.run("init --path other --template wsgi -y").code == 0


@pytest.mark.parametrize(("port", "words"), [(8888, ""), (9000, " --port 9000")])
def test_next_is_to_start_the_sandbox_where_it_was(port: int, words: str, nobody: Person) -> None:
    nobody.host = f"http://127.0.0.1:{port}"
    data = nobody.home / ".local" / "share" / "de-tasks" / "sandbox"
    data.mkdir(parents=True)
    # No system has processes of such numbers.
    record = {"pid": 2**30, "url": nobody.host, "port": port, "instance": "i"}
    (data / control.RUNNING).write_text(json.dumps(record))
    said = nobody.run("init --path shop --template wsgi -y").err
    assert f"\n  inv sandbox.start{words}\n" in said


def test_next_is_typed_with_the_program_that_is_there(nobody: Person) -> None:
    nobody.host = ""
    app_folder(nobody.home, "x", Procfile=WEB).rename(nobody.home / "shop")
    line = "init --path shop -y --without tasks"
    assert "\n  de-tasks sandbox start " in nobody.run(line).err
    (nobody.home / "tasks.py").write_text("from de_tasks import ns\n")
    assert "\n  inv sandbox.start " in nobody.run(line).err


def test_host_of_the_login_is_proposed(nobody: Person) -> None:
    nobody.host = ""
    Store.at(nobody.keyfile).put(Login("de.example.com", "jessica", "a", "r", 1e12))
    said = nobody.run("init --path shop --template wsgi -y").err
    assert "Next, on de.example.com where you are logged in" in said
    assert 'host: "de.example.com"' in (nobody.home / "shop" / "invoke.yaml").read_text()


def test_three_questions_on_a_terminal(nobody: Person) -> None:
    line, variables = [str(PROGRAMS / "de-tasks"), "init"], {"HOME": str(nobody.home)}
    with Terminal(line, nobody.home, {"PATH": os.environ["PATH"], **variables}) as terminal:
        terminal.shows("Begin with (dash, dash-postgres")
        for typed in ("nonsense", "wsgi", "my-shop", "shell"):
            terminal.type(f"{typed}\n")
        assert terminal.end() == 0
    assert "Wrote ci/deploy.sh" in terminal.text
    assert "app: my-shop" in (nobody.home / "invoke.yaml").read_text()
    assert os.access(nobody.home / "ci" / "deploy.sh", os.X_OK)


def test_name_that_cannot_be_used_is_asked_for_again(nobody: Person) -> None:
    done = nobody.inv("init", terminal=True, stdin="wsgi\nMy App\nab\nmy-app\nnone\n")
    assert done.code == 0, done.err
    assert "'My App' is not a legal app name." in done.err and "Try my-app\n" in done.err
    assert "Try ab-app\n" in done.err and "--name" not in done.err
    assert "app: my-app" in (nobody.home / "invoke.yaml").read_text()


@pytest.mark.parametrize("answer", ["", "requirements.txt"])
def test_lock_is_deployed_where_somebody_says_so(nobody: Person, answer: str) -> None:
    (nobody.home / "Procfile").write_text(WEB)
    (nobody.home / "pyproject.toml").write_text(PROJECT)
    lock(nobody.home)
    done = nobody.inv("init", terminal=True, stdin=f"my-app\nnone\n{answer}\n")
    assert done.code == 0 and "Deploy the requirements of" in done.err, done.err
    settings = (nobody.home / "invoke.yaml").read_text()
    assert ("requirements: uv.lock\n" in settings) is (answer == "")
    assert (nobody.home / "requirements.txt").exists() is (answer != "")


def test_third_name_that_cannot_be_used_ends_it(nobody: Person) -> None:
    done = nobody.inv("init", "--template", "wsgi", terminal=True, stdin="A\nB\nC\nright-one\n")
    assert done.code == 2 and done.err.endswith("Try c-app\n")
    assert not (nobody.home / "Procfile").exists()


def test_help_names_every_template_and_part(nobody: Person) -> None:
    nobody.inv("--list")  # What `inv` reads of a task stays there for the next.
    from de_tasks.tasks.apps import create
    from de_tasks.tasks.init import init as task

    for help_ in (create.help["template"], task.help["template"]):
        assert all(name in help_ for name in plan.app_templates())
    assert all(part in task.help["without"] for part in plan.PARTS)
    assert all(name in task.help["ci"] for name in plan.CI)


@pytest.mark.parametrize("template", plan.app_templates())
def test_project_from_a_template_passes_the_check(
    template: str, nobody: Person, tmp_path: Path
) -> None:
    folder = tmp_path / "shop"
    init(nobody, folder, "--template", template)
    assert nobody.inv("check", "--json", folder=folder).out == "[]\n"


def test_hooks_that_are_written_work_under_pre_commit(
    dev: Person, tmp_path: Path, detector: str
) -> None:
    folder = fill(tmp_path / "hooked", {"app.py": SERVER})
    init(dev, folder)
    variables = {
        **dev.variables(),
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "PRE_COMMIT_HOME": str(tmp_path / "pre-commit"),
    }
    repository = Repository.make(folder, variables)
    subprocess.run(["pre-commit", "install"], cwd=folder, env=variables, check=True, timeout=60)
    (folder / "Procfile").write_text("web: gunicorn app:nothing\n")
    repository.git("add", "Procfile")
    done = repository.run("commit", "-m", "Break")
    assert done.returncode == 1 and "does not define nothing" in done.stdout + done.stderr
    pushed = repository.run("push", "origin", "main:other")
    assert pushed.returncode == 0 and "deploy the pushed branch" in pushed.stdout + pushed.stderr


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("Procfile", "web gunicorn\n", "Procfile"),
        ("requirements.txt", "-r gone.txt\n", "requirements.txt includes gone.txt, which is not"),
    ],
)
def test_file_that_cannot_be_read_is_said_and_left(
    name: str, text: str, words: str, tmp_path: Path
) -> None:
    fill(tmp_path, {"app.py": SERVER, name: text})
    found = adopt.adopt(tmp_path)
    assert any(said.startswith(words) for said in found.words), found.words
    planned = plan.plan(tmp_path, plan.Choices(app="board"))
    assert name not in {file.path for file in planned.files}
