"""The programs of a Procfile, and the modules and scripts that they are given."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.checked import FLASK, codes, findings

FASTAPI = {
    "Procfile": "web: uvicorn main:app --host 0.0.0.0 --port $PORT\n",
    "main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
}


@pytest.mark.parametrize(
    ("requirements", "found"),
    [
        ("fastapi[standard]", ""),
        ("FastAPI[all]>=0.110", ""),
        ("fastapi==0.111.0", ""),
        ("gradio", ""),
        ("-e .", ""),
        ("-r https://example.org/more.txt", ""),
        ("git+https://example.org/a.git", ""),
        ("acme-base\nfastapi", "warning:not-required"),
        ("fastapi", "error:not-required"),
        ("fastapi\nuvicorn; sys_platform == 'win32'", "error:not-required"),
        ("fastapi\nuvicorn; platform_system != 'Linux'", "error:not-required"),
        ("fastapi\nuvicorn; python_version >= '3.9'", ""),
    ],
)
def test_program_may_be_brought_by_any_requirement(
    requirements: str, found: str, tmp_path: Path
) -> None:
    files = {**FASTAPI, "requirements.txt": requirements, "setup.py": ""}
    assert codes(tmp_path, files) == found


@pytest.mark.parametrize(
    ("command", "package", "found"),
    [
        ("uvicorn --app-dir src lib:app", "uvicorn", ""),
        ("uvicorn nope:app", "uvicorn", "error:no-module"),
        ("hypercorn app:nope", "hypercorn", "error:no-variable"),
        ("waitress-serve --port=$PORT nope:server", "waitress", "error:no-module"),
        ("daphne -p $PORT nope.asgi:application", "daphne", "error:no-module"),
        ("celery --app=app.server worker", "celery", ""),
        ("celery --workdir src -A lib worker", "celery", ""),
        ("celery -A nope worker", "celery", "error:no-module"),
        ("flask --app nope run", "flask", "error:no-module"),
        ("python -m http.server $PORT", "", ""),
        ("python -m nope", "", "error:no-module"),
        ("streamlit run nope.py", "streamlit", "error:no-script"),
        ("python -u nope.py", "", "error:no-script"),
        ("python App.py", "", "error:no-script"),
        ("venv/bin/gunicorn app:server", "", "error:no-script"),
        ("sh -x start.sh", "", "error:no-script"),
        ("bash -euo pipefail start.sh", "", "error:no-script"),
        ("bash -o pipefail settings.ini", "", ""),
        ("bash -- start.sh", "", "error:no-script"),
        ("source ./env.sh && gunicorn app:server", "", "error:no-script"),
        ("wget -q example.org/run.py && python run.py", "", "warning:no-script"),
        ("gunicorn --paste settings.ini", "pastedeploy", ""),
        ("gunicorn --paster=gone.ini", "pastedeploy", "error:no-script"),
        ("gunicorn -c gone.py app:server", "", "error:no-script"),
        ("gunicorn --work 4 app:server", "", ""),
        ("gunicorn --wrokers 4 app:server", "", "warning:gunicorn-option"),
        ("gunicorn board_of_acme.wsgi:app", "board-of-acme", ""),
        ("gunicorn board.wsgi:app", "zeta", "warning:no-module"),
        ("uv run gunicorn app:server", "", "error:not-required"),
        ("ddtrace-run gunicorn app:server", "ddtrace", ""),
        ("celery -Anope worker", "celery", "error:no-module"),
        ("flask --app nope.py run", "flask", "error:no-script"),
        ("flask --app lib run", "flask", "error:no-module"),
        ("uwsgi --ini gone.ini", "uwsgi", "error:no-script"),
        ("python -W ignore -X dev src/lib.py", "", ""),
        ("python -c 'import app' nope.py", "", ""),
        ("python -m src.lib", "", ""),
        ("python -m src", "", ""),
        ("python -m fast", "", ""),
        ("gunicorn fast:server", "", ""),
        ("python src", "", "error:no-script"),
        ("flask --app app run", "flask", ""),
        ("fastapi run app.py", "fastapi", "error:not-required"),
        ("gunicorn -z app:server", "", "warning:gunicorn-option"),
        ("gunicorn --pythonpath /srv nope:server", "", ""),
        ("gunicorn --pythonpath src nope:server", "", "error:no-module"),
        ("gunicorn wsgiref.simple_server:demo_app", "", ""),
        ("gunicorn app.more:server", "-e .", "warning:no-module"),
        ("celery --workdir .. -A nope worker", "celery", ""),
        ("uv run --with nope gunicorn nope:server", "uv", "warning:no-module"),
        ("poetry run -- gunicorn nope:server", "poetry", "warning:no-module"),
        ("streamlit run -- nope.py", "streamlit", ""),
        ("gunicorn -k gevent app:server", "", "error:not-required"),
        ("gunicorn -k gevent app:server", "gunicorn[gevent]", ""),
        ("gunicorn -k gevent app:server", "-e .", ""),
        ("gunicorn -k egg:gunicorn#tornado app:server", "", "error:not-required"),
        ("gunicorn --worker-class=gthread app:server", "", ""),
        ("gunicorn -kuvicorn.workers.UvicornWorker app:server", "zeta", "warning:not-required"),
        ("gunicorn -k uvicorn.workers.UvicornWorker app:server", "uvicorn", ""),
        ("gunicorn -k app.Worker app:server", "", ""),
        ("celery worker -A app", "celery", "warning:celery-order"),
        ("celery beat --app=app", "celery>=5", "warning:celery-order"),
        ("celery worker -A app", "celery~=4.4", ""),
        ("celery -A app worker", "celery", ""),
        ("gunicorn my-board:server", "", "error:no-module"),
        ("gunicorn my-own:server", "", ""),
        ("gunicorn 'my own:server'", "", "error:no-module"),
        ("uvicorn my-own:server", "uvicorn", ""),
        ("uvicorn my-own:gone", "uvicorn", "error:no-variable"),
        ("gunicorn my-own:only", "", "error:no-variable"),
        ("gunicorn src/lib:app", "", "error:gunicorn-app"),
    ],
)
def test_modules_and_scripts_that_programs_are_given(
    command: str, package: str, found: str, tmp_path: Path
) -> None:
    files = {"Procfile": f"web: {command}\n", "src/lib.py": FLASK, "settings.ini": ""}
    files["my-own.py"] = "server = 1\nif __name__ == '__main__':\n    only = 2\n"
    files |= {"setup.py": "", "fast.cpython-311-x86_64-linux-gnu.so": ""}
    files["requirements.txt"] = f"flask\ngunicorn\n{package}\n"
    assert codes(tmp_path, files) == found


@pytest.mark.parametrize(
    ("command", "script", "mode", "found"),
    [
        ("./start.sh", "#!/bin/sh\r\nexec true\r\n", 0o755, "error:crlf-script"),
        ("exec bash -e start.sh", "true\r\n", 0o644, "error:crlf-script"),
        (". ./start.sh", "true\r\n", 0o644, "error:crlf-script"),
        ("./start.sh", "#!/usr/bin/env python\r\n", 0o755, "error:crlf-script"),
        ("python start.sh", "import os\r\n", 0o644, ""),
        ("./start.sh", "#!/bin/sh\n", 0o644, "error:not-executable"),
        ("sh start.sh", "#!/bin/sh\n", 0o644, ""),
        ("chmod +x start.sh && ./start.sh", "true\n", 0o644, "warning:not-executable"),
    ],
)
def test_scripts_as_they_are_started(
    command: str, script: str, mode: int, found: str, tmp_path: Path
) -> None:
    files = {"Procfile": f"web: {command}\n", "start.sh": script}
    codes(tmp_path, files)
    (tmp_path / "good-app" / "start.sh").chmod(mode)
    assert codes(tmp_path, files) == found


@pytest.mark.parametrize(
    ("files", "remedy"),
    [
        (
            {"Procfile": "web: gunicorn app:make('x')\n"},
            "Quote it: \"app:make('x')\"",
        ),
        (
            {"Procfile": "web: source venv/bin/activate && gunicorn app:server\n"},
            "Leave it out: the server has an environment of its own, and uses it",
        ),
        (
            {"Procfile": "web: sh ./start.sh\n", "start.sh": "true\r\n"},
            "Save it with LF, and keep it so: 'start.sh text eol=lf' in .gitattributes",
        ),
        (
            {"Procfile": "web: gunicorn src/lib:server\n", "src/lib.py": FLASK},
            "Write it with the folder before it: --chdir src lib:server",
        ),
        (
            {"Procfile": None, "Procfile ": "web: gunicorn app:server\n"},
            "Rename it to Procfile, without an ending: git mv 'Procfile ' Procfile",
        ),
        (
            {"requirements.txt": None, "setup.cfg": ""},
            "Add one that names what the app imports, and gunicorn",
        ),
    ],
)
def test_remedy_is_what_can_be_typed(
    files: dict[str, str | None], remedy: str, tmp_path: Path
) -> None:
    assert remedy in [finding.remedy for finding in findings(tmp_path, files)]


@pytest.mark.parametrize("name", ["Aptfile", "apt-packages"])
def test_program_may_come_from_a_system_package(name: str, tmp_path: Path) -> None:
    files = {"Procfile": "web: xvfb-run -a gunicorn app:server\n"}
    assert codes(tmp_path, files) == "warning:unknown-program"
    assert "unknown-program" not in codes(tmp_path, {**files, name: "xvfb\n"})


def test_package_of_the_app_itself_is_found_below_src(tmp_path: Path) -> None:
    project = "[project]\nname = 'board'\nversion = '1'\ndependencies = ['flask', 'gunicorn']\n"
    files = {
        "Procfile": "web: gunicorn board.app:server\n",
        "requirements.txt": ".\n",
        "pyproject.toml": project,
        "src/board/__init__.py": "",
        "src/board/app.py": FLASK,
    }
    assert codes(tmp_path, files) == ""
    (finding,) = findings(tmp_path, {**files, "Procfile": "web: gunicorn board.app:api\n"})
    assert finding.code == "no-variable" and "src/board/app.py" in finding.what


def test_remedy_names_the_folder_that_has_the_module(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, {"app.py": None, "src/app.py": FLASK})
    assert finding.code == "no-module" and "cd src &&" in finding.remedy


def test_folder_that_python_runs_is_followed(tmp_path: Path) -> None:
    files = {"Procfile": "web: python src\n", "src/__main__.py": "import numpy\n"}
    (finding,) = findings(tmp_path, files)
    assert finding.code == "import-not-required" and finding.file == "src/__main__.py"


@pytest.mark.parametrize(
    ("command", "name", "ignored", "remedy"),
    [
        ("python run.py", "run.py", "run.py", "Add the line '!run.py' to the .gitignore"),
        ("gunicorn run:server", "run.py", "run.py", "Add the line '!run.py' to the .gitignore"),
        (
            "python src/run.py",
            "src/run.py",
            "src/",
            "Delete the line of the .gitignore that leaves its folder out",
        ),
    ],
)
def test_file_that_is_left_out_is_said_with_what_lets_it_in(
    command: str, name: str, ignored: str, remedy: str, tmp_path: Path
) -> None:
    files = {"Procfile": f"web: {command}\n", name: FLASK, ".gitignore": ignored}
    (finding,) = findings(tmp_path, files)
    assert finding.what == f"A .gitignore leaves {name} out: it would not be deployed."
    assert finding.remedy == remedy


@pytest.mark.parametrize(
    ("code", "reason"),
    [("\0", "source code string cannot contain null bytes."), (f"x = {'-' * 99999}1\n", "")],
)
def test_code_that_cannot_be_compiled_is_named(code: str, reason: str, tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, {"app.py": FLASK + code})
    assert finding.what.startswith("Python cannot read app.py, which app:server names: ")
    assert finding.what.endswith(reason) and finding.remedy.startswith("Correct ")


def test_procfile_that_is_no_text_at_all_is_refused(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, {"Procfile": "#" * 1024**2 + "\n"})
    assert finding.what == "Procfile has more than 1048576 bytes."


def test_folder_that_python_cannot_run(tmp_path: Path) -> None:
    files = {"Procfile": "web: python src\n", "src/app.py": "import json\n"}
    (finding,) = findings(tmp_path, files)
    assert finding.code == "no-script" and "src, without __main__.py" in finding.what
    assert codes(tmp_path, {**files, "Procfile": "web: python $FOLDER\n"}) == ""
