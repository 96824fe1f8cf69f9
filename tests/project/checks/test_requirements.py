"""What the requirements say, and what is said where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from pip._internal.models.index import PyPI

from de_tasks.project import checks
from tests.support.checked import PLAIN, codes, findings, write

BOTH = "flask\ngunicorn\n"
TOKEN = "ghp_" + "abcdefghij0123456789"
INDEX = PyPI.simple_url.removeprefix("https://")
"""The public one, as pip has it."""


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (f"--index-url https://{TOKEN}@{INDEX}", "error:index-password"),
        (f"--index-url https://{TOKEN}:@{INDEX}", "error:index-password"),
        (f"a @ git+https://{TOKEN}@github.com/a/b.git", "error:index-password"),
        (f"--index-url https://${{TOKEN}}@{INDEX}", ""),
        (f"--index-url https://me:${{TOKEN}}@{INDEX}", ""),
        ("git+https://git@github.com/a/b.git", ""),
        ("-r 'more.txt'", ""),
        ("-rmore.txt", ""),
        ("-r gone.txt", "error:requirements-include"),
        ("--find-links wheels", "error:unreachable-index"),
        ("--find-links ../wheels", "error:unreachable-index"),
        ("--find-links file:///wheels", "error:unreachable-index"),
        ("gunicorn==20.1.0", ""),
        ("gunicorn==20.1.0\nsetuptools", "warning:needs-setuptools"),
        ("gunicorn==19.9.0\nsetuptools<81", ""),
        ("apscheduler==3.10.4\nsetuptools==80.9.0", ""),
        ("numpy==1.19.2", "warning:no-wheel"),
        ("numpy==1.19.2; python_version < '3.9'", ""),
        ("numpy>=1.19.2", ""),
        ("numpy<1.21", "warning:no-wheel"),
        ("numpy>=1.19,<2", ""),
        ("pandas~=1.2.4", "warning:no-wheel"),
        ("pandas~=1.2", ""),
        ("pandas==1.2.*", "warning:no-wheel"),
        ("pandas==2.0\npandas==1.2.4; python_version < '3.9'", ""),
        ("click==8.0\nclick==8.1", "error:conflicting-pins"),
        ("dash-design-kit==0.0.1", "warning:vendor-stub"),
        ("_libgcc_mutex=0.1=main\nblas=1.0=mkl\ncython=3.0=py_0", "error:conda-export"),
        ("".join(f"p{n} @ file:///croot/p{n}\n" for n in range(9)), "error:local-requirement"),
        ("dash==3.0.1\ndash-enterprise-auth==0.2.4", "warning:logout-button"),
        ("acme===2004d\nacme==1", ""),
        ("acme; os_name ~= 'posix'", ""),
        ("--index-url https://[acme/simple", ""),
        ("https://[acme/a.whl", "error:local-requirement"),
        ("${ACME}/a.whl", ""),
        ("pywin32==306", "error:other-system"),
        ("pywin32==306; sys_platform == 'win32'", ""),
        ("pyobjc; python_version > '3'", "error:other-system"),
        ("sklearn==0.0", "warning:module-name"),
        ("PIL", "warning:module-name"),
        ("pkg_resources==0.0.0", "warning:module-name"),
        ("json", "warning:module-name"),
        ("dataclasses; python_version < '3.7'", ""),
        ("bs4", ""),
        ("zmq", ""),
    ],
)
def test_lines_of_requirements(lines: str, found: str, tmp_path: Path) -> None:
    files = {"requirements.txt": f"{BOTH}{lines}\n", "more.txt": "click\n"}
    assert codes(tmp_path, files) == found


@pytest.mark.parametrize(
    ("version", "pin", "remedy"),
    [
        (4, "1.19.3", "or set Python 3.9 (python-3.9 in runtime.txt)"),
        (5, "1.19.3", "or set Python 3.9 (inv update --python-version 3.9)"),
        (5, "1.19.2", "Write 'numpy>=1.21.2'"),
    ],
)
def test_python_that_has_a_wheel_is_set_as_the_version_has_it(
    version: int, pin: str, remedy: str, tmp_path: Path
) -> None:
    write(tmp_path, {**PLAIN, "requirements.txt": f"{BOTH}numpy=={pin}\n"})
    (finding,) = checks.run(tmp_path, "good-app", 50, version=version)
    assert finding.code == "no-wheel" and finding.remedy.endswith(remedy)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("acme-${EDITION}==1", "warning:not-required"),
        ("git+https://example.org/a.git#egg=uvicorn", ""),
        ("./lib", ""),
        ("./old", ""),
        ("", "error:not-required"),
    ],
)
def test_what_brings_a_program_is_told_as_far_as_it_can_be(
    lines: str, found: str, tmp_path: Path
) -> None:
    needs = "dependencies = ['uvicorn', 3, 'no requirement']"
    files = {
        "Procfile": "web: uvicorn app:server\n",
        "requirements.txt": BOTH + lines,
        "lib/pyproject.toml": f"[project]\nname = 'lib'\n{needs}\n",
        "old/pyproject.toml": "project = 1\n",
    }
    assert codes(tmp_path, files) == found


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("requirements.txt", BOTH, "no-requirements"),
        ("more.txt", "click\n", "requirements-include"),
    ],
)
def test_requirements_that_are_left_out_are_named(
    name: str, text: str, code: str, tmp_path: Path
) -> None:
    files = {"requirements.txt": f"{BOTH}-r more.txt\n", name: text, ".gitignore": name}
    (finding,) = findings(tmp_path, files)
    assert (finding.code, finding.remedy) == (code, f"Add the line '!{name}' to the .gitignore")
    assert finding.what == f"A .gitignore leaves {name} out: it would not be deployed."


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("numpy==1.26.4; python_version < '3.9'\nnumpy==2.0.2; python_version >= '3.9'", ""),
        ("numpy==1.25.0", "numpy==1.25.0 (1.26.4 and 2.0.2 in the lock)"),
        ("pytz==2004.1", "pytz==2004.1 (2004-d in the lock)"),
        ("pytz>=2004.1,<3000\npytz\npytz==2004.*", ""),
    ],
)
def test_pin_differs_from_every_version_of_the_lock(lines: str, found: str, tmp_path: Path) -> None:
    locked = [("numpy", "1.26.4"), ("numpy", "2.0.2"), ("pytz", "2004-d")]
    text = "\n".join(f'[[package]]\nname = "{n}"\nversion = "{v}"\n' for n, v in locked)
    named = findings(tmp_path, {"requirements.txt": f"{BOTH}{lines}\n", "poetry.lock": text})
    said = [f.what for f in named if f.code == "lock-differs"]
    assert said == ([f"requirements.txt differs from poetry.lock: {found}."] if found else [])


@pytest.mark.parametrize(
    ("dash", "found"),
    [
        ("dash", ""),
        ("dash>=2", ""),
        ("dash>=2,<3", "error:gunicorn-app"),
        ("dash<4", ""),
        ("dash==2.18.2", "error:gunicorn-app"),
        ("dash==2.*", "error:gunicorn-app"),
        ("dash~=2.11.1", "error:gunicorn-app"),
        ("dash~=2.11", "error:gunicorn-app"),
        ("dash~=3.0.1", ""),
        ("dash~=3.1.1", ""),
        ("dash==3.*", ""),
        ("dash<=3.0.4", "error:gunicorn-app"),
        ("dash==3.0.5", ""),
        ("dash!=2.*", ""),
    ],
)
def test_dash_that_no_server_takes_itself(dash: str, found: str, tmp_path: Path) -> None:
    app = "import dash\nboard = dash.Dash()\n"
    web = "web: gunicorn app:board\n"
    files = {"Procfile": web, "app.py": app, "requirements.txt": f"{BOTH}{dash}\n"}
    assert codes(tmp_path, files) == found


def test_environment_of_conda_under_the_wrong_name_is_one_finding(tmp_path: Path) -> None:
    text = "name: board\nchannels:\n  - defaults\ndependencies:\n  - flask\n  - gunicorn\n"
    (finding,) = findings(tmp_path, {"requirements.txt": text})
    assert finding.code == "conda-export" and "environment.yml" in finding.remedy


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("uv.lock", "uv export"),
        ("poetry.lock", "poetry export"),
        ("pdm.lock", "pdm export"),
        ("Pipfile", "pipenv requirements"),
        ("pyproject.toml", "pyproject.toml"),
        ("setup.py", "the line '.'"),
        ("ours.conda.yml", "Name Conda's file environment.yml"),
        ("Requirements.txt", "Rename Requirements.txt"),
        ("board/requirements.txt", "-r board/requirements.txt"),
    ],
)
def test_remedy_knows_other_tools(name: str, remedy: str, tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, {"requirements.txt": None, name: "x"})
    assert finding.code == "no-requirements" and remedy in finding.remedy


def test_remedy_for_a_project_of_poetry_alone(tmp_path: Path) -> None:
    project = "[tool.poetry]\nname = 'board'\n"
    (finding,) = findings(tmp_path, {"requirements.txt": None, "pyproject.toml": project})
    assert finding.remedy.startswith(
        "Write it from pyproject.toml: poetry lock, then poetry export"
    )


def test_app_of_pythons_own_modules_needs_no_requirements(tmp_path: Path) -> None:
    files = {"requirements.txt": None, "app.py": "import json, http.server\n"}
    assert codes(tmp_path, {**files, "Procfile": "web: python app.py\n"}) == ""
    assert codes(tmp_path, {**files, "Procfile": "web: gunicorn app:json\n"}) != ""


@pytest.mark.parametrize(
    ("statement", "lines", "found"),
    [
        ("import pandas", "", "warning:import-not-required"),
        ("from PIL import Image", "", "warning:import-not-required"),
        ("from PIL import Image", "Pillow", ""),
        ("import yaml, dateutil", "pyyaml\npandas", ""),
        ("import psycopg2", "psycopg2", ""),
        ("from near import other", "", "warning:import-not-required"),
        ("import near, werkzeug, tomllib", "", ""),
        ("import unheard_of", "", ""),
        ("import pandas", "acme-base", ""),
        ("try:\n    import pandas\nexcept ImportError:\n    pass", "", ""),
        ("def late():\n    import pandas", "", ""),
    ],
)
def test_imports_that_no_requirement_brings(
    statement: str, lines: str, found: str, tmp_path: Path
) -> None:
    code = f"{statement}\nfrom flask import Flask\nserver = Flask(__name__)\n"
    files = {"app.py": code, "requirements.txt": BOTH + lines}
    more = {"near/__init__.py": "", "near/other.py": "import numpy\n"}
    assert codes(tmp_path, {**files, **more}) == found


@pytest.mark.parametrize(
    ("app", "more"),
    [
        ("from pkg import here", "pkg/here.py"),
        ("import pkg", "pkg/near.py"),
        ("from dash import Dash\napp = Dash(use_pages=True)", "pages/home.py"),
    ],
)
def test_imports_of_the_apps_other_files_are_followed(app: str, more: str, tmp_path: Path) -> None:
    code = f"{app}\nfrom flask import Flask\nserver = Flask(__name__)\n"
    files = {
        "app.py": code,
        "requirements.txt": f"{BOTH}dash\n",
        "pkg/__init__.py": "from . import near",
    }
    assert codes(tmp_path, {**files, "pkg/near.py": "", more: ""}) == ""
    (finding,) = findings(tmp_path, {**files, more: "import numpy\n"})
    assert (finding.code, finding.file) == ("import-not-required", more)


@pytest.mark.parametrize("root", ["", "src/"])
def test_imports_from_a_package_above_are_followed(root: str, tmp_path: Path) -> None:
    app = "import pkg.sub\nfrom flask import Flask\nserver = Flask(__name__)\n"
    files = {
        "Procfile": f"web: gunicorn --chdir ./{root} app:server\n",
        "app.py": None,
        f"{root}app.py": app,
        f"{root}pkg/__init__.py": "",
        f"{root}pkg/sub/__init__.py": "from .. import far\n",
        f"{root}pkg/far.py": "import numpy\n",
    }
    (finding,) = findings(tmp_path, files)
    assert (finding.code, finding.file) == ("import-not-required", f"{root}pkg/far.py")
