"""Files beside Procfile and requirements, their names, and what the platform makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from de_tasks.project import checks
from de_tasks.repo.sent import of_index
from de_tasks.terminal import commands
from tests.support.checked import PLAIN, codes, findings, write
from tests.support.repositories import Repository

POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    f"oid sha256:{'4d7a214614ab2935' * 4}\nsize 12345678\n"
)
DASH = "import dash\nfrom dash import dcc, html\napp = dash.Dash()\nserver = app.server\n"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("environment.yml", "name: x\n", "warning:conda-unused"),
        ("Dockerfile", "FROM x\n", "warning:dockerfile"),
        ("project.toml", "[scripts\n", "error:project-toml"),
        ("project.toml", "[build]\ninclude = ['a']\nexclude = ['b']\n", "error:project-toml"),
        ("project.toml", "[scripts]\npredeploy = 'gone.sh'\n", "error:no-script"),
        ("project.toml", "[scripts]\npredeploy = 'app.py'\n[other]\n", ""),
        ("project.toml", "[scripts]\nlater = 'gone.sh'\npredeploy = 5\n", ""),
        ("project.toml", "[scripts]\npredeploy = '/gone.sh'\npostdeploy = 'flask x'\n", ""),
        ("Aptfile", "libgdal-dev\r\n", "error:apt-line"),
        ("Aptfile", "# system\nLibGDAL dev\n", "error:apt-line"),
        ("Aptfile", "g++ # x\n:repo:deb http://a b c\nhttps://a/b.deb\nlibc6:amd64\n", ""),
        ("app.json", '{"name": "board", "keywords": ["dash"]}', ""),
        ("app.json", '{"scripts": {"dokku": {"predeploy": "x"}}}', "warning:other-version"),
        ("data/logo.png", POINTER, "warning:lfs-pointer"),
        ("env/pyvenv.cfg", "home = /usr\n", "warning:virtual-environment"),
        ("old/Lib/site-packages/six.py", "", "warning:virtual-environment"),
    ],
)
def test_files_at_the_side(name: str, text: str, found: str, tmp_path: Path) -> None:
    assert codes(tmp_path, {name: text}) == found


@pytest.mark.parametrize(
    ("runtime", "python"),
    [("python-3.13.2", "3.13"), ("python-3.6.1", "3.11"), ("python-2.7.14", "3.11"), ("x", "3.11")],
)
def test_python_that_is_proposed_can_be_had(runtime: str, python: str, tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, {"runtime.txt": runtime})
    assert finding.remedy == f"Set it with inv update --python-version {python}"


def test_remedy_names_the_program_that_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(commands, "_program", "de-tasks")
    (finding,) = findings(tmp_path, {"apt-packages": "curl\n"})
    assert finding.remedy.endswith("Aptfile: de-tasks init --migrate writes it")


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("app.layout = dcc.Link('x', href='/page')", "warning:hard-path"),
        ("app.layout = html.Img(src='/assets/x.png')", "warning:hard-path"),
        ("app.layout = html.A(href='https://x', target='/x')", ""),
        (
            "import os\nfrom sqlalchemy import create_engine\n"
            "engine = create_engine(os.environ['DATABASE_URL'])",
            "warning:postgres-url",
        ),
        (
            "import os\nfrom sqlalchemy import create_engine\n"
            "address = os.environ['DATABASE_URL'].replace('postgres:', 'postgresql:', 1)\n"
            "engine = create_engine(address or os.environ['DATABASE_URL'])",
            "",
        ),
    ],
)
def test_pitfalls_in_the_code(code: str, found: str, tmp_path: Path) -> None:
    files = {"app.py": f"{DASH}{code}\n", "requirements.txt": "dash\ngunicorn\nsqlalchemy\n"}
    assert codes(tmp_path, files) == found


@pytest.mark.parametrize(
    ("worker", "found"),
    [
        ("", "warning:celery-tasks"),
        ("import jobs", ""),
        ("celery_app.autodiscover_tasks(['jobs'])", ""),
    ],
)
def test_worker_that_does_not_load_its_tasks(worker: str, found: str, tmp_path: Path) -> None:
    files = {
        "Procfile": "web: gunicorn app:server\nworker: celery -A work worker\n",
        "requirements.txt": "flask\ngunicorn\ncelery[redis]\n",
        "work.py": f"from celery import Celery\ncelery_app = Celery('x')\n{worker}\n",
        "jobs.py": "from celery import shared_task\n@shared_task\ndef work(): ...\n",
    }
    assert codes(tmp_path, files) == found


def test_many_pointers_are_counted(tmp_path: Path) -> None:
    named = findings(tmp_path, {f"{number}.bin": POINTER for number in range(7)})
    assert [finding.file for finding in named] == [f"{number}.bin" for number in range(5)]
    assert named[4].what.endswith("in place of the file. So are 2 more.")


@pytest.mark.parametrize(
    ("attributes", "found"), [("*.bin filter=lfs\n", "warning:lfs-pointer"), ("* text\n", "")]
)
def test_pointer_among_many_files_is_found_where_git_lfs_is_used(
    attributes: str, found: str, tmp_path: Path
) -> None:
    many = {f"data/{number}.csv": "" for number in range(500)}
    assert codes(tmp_path, {**many, ".gitattributes": attributes, "a.bin": POINTER}) == found


@pytest.mark.parametrize("file", ["pyvenv.cfg", "conda-meta/history", "Lib/site-packages/six.py"])
def test_environment_is_named_by_what_is_there(file: str, tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, {f"old/{file}": ""})
    assert finding.code == "virtual-environment"
    assert finding.file == ("old/" if "six" in file else f"old/{file}")


def test_environment_in_a_commit_is_taken_out_of_it(tmp_path: Path) -> None:
    app = tmp_path / "good-app"
    write(app, {**PLAIN, "my env/pyvenv.cfg": "home = /usr\n"})
    Repository.make(app)
    (finding,) = checks.run(app, app.name, 50, sent=of_index(app))
    assert finding.remedy == (
        "Add the line 'my env/' to .gitignore, and: git rm -r --cached 'my env'"
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("python-2.7.18\n", "runtime.txt asks for Python 2.7.18."),
        ("3.11\n", "runtime.txt says '3.11'; it should be like 'python-3.11.7'."),
    ],
)
def test_python_of_version_4_is_a_3_that_is_named_in_full(
    text: str, what: str, tmp_path: Path
) -> None:
    app = tmp_path / "good-app"
    write(app, {**PLAIN, "runtime.txt": text})
    (finding,) = checks.run(app, app.name, 50, version=4)
    assert (finding.code, finding.what) == ("bad-runtime", what)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("web=1\n", ""),
        ("# none yet\n\nweb = 2  # two\n", ""),
        ("web=1\nworker=1\n", "2 warning scale-process"),
        ("web: 1\n", "1 error scale-line"),
        ("web=100\nwrker=1\n", "1 error scale-line, 2 warning scale-process"),
    ],
)
def test_scale_of_version_4(text: str, found: str, tmp_path: Path) -> None:
    app = tmp_path / "good-app"
    write(app, {**PLAIN, "DOKKU_SCALE": text})
    seen = checks.run(app, app.name, 50, version=4)
    assert ", ".join(f"{f.line} {f.level} {f.code}" for f in seen) == found


def test_script_of_project_toml_has_the_line_ends_of_the_shell(tmp_path: Path) -> None:
    files = {"project.toml": "[scripts]\npredeploy = './a.sh'\n", "a.sh": "true\r\n"}
    (finding,) = findings(tmp_path, files)
    assert finding.code == "crlf-script" and "'a.sh text eol=lf'" in finding.remedy
    assert codes(tmp_path, {**files, "a.sh": "true\n"}) == ""
