"""What `inv check` and the hook find in a folder, and what they let pass."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pip._internal.models.index import PyPI

from de_tasks.errors import DeTasksError, UsageError
from de_tasks.githooks import check as hook
from de_tasks.project import checks
from de_tasks.project.checks import findings, gunicorn
from tests.support.people import Person
from tests.support.places import ROOT

FILES = PyPI.file_storage_domain

GOOD = {
    "Procfile": "web: gunicorn app:server --workers 4\n",
    "requirements.txt": "dash>=3\ngunicorn\n",
    "app.py": "from dash import Dash\napp = Dash()\nserver = app.server\n",
}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder that can be deployed."""
    folder = tmp_path / "good-app"
    folder.mkdir()
    for name, text in GOOD.items():
        (folder / name).write_text(text)
    return folder


def found(folder: Path, *ignore: str) -> list[str]:
    """Codes with their places."""
    listed = checks.run(folder, folder.name, 1, ignore)
    return [f"{f.file}:{f.line} {f.code}" if f.line else f"{f.file} {f.code}" for f in listed]


@pytest.mark.parametrize(
    ("files", "what", "remedy"),
    [
        (["app.py"], "There is no Procfile.", "Let inv init write one"),
        (["app.R"], "app.R is an app in R", "with the platform's own tools"),
        (["app.R", "app.py"], "There is no Procfile.", "Let inv init write one"),
    ],
)
def test_missing_procfile_leads_to_init(
    files: list[str], what: str, remedy: str, tmp_path: Path
) -> None:
    for name in files:
        (tmp_path / name).touch()
    (finding,) = checks.run(tmp_path, "board", 1)
    assert finding.what.startswith(what) and remedy in finding.remedy


def test_good_app_and_the_templates_pass(app: Path) -> None:
    assert found(app) == []
    for path in (ROOT / "templates").glob("*/Procfile"):
        assert found(path.parent) == [], path


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("Procfile", None, "Procfile no-procfile"),
        ("Procfile", "web: gunicorn app:server\nweb gunicorn", "Procfile:2 procfile-line"),
        ("Procfile", "web: gunicorn app:server\nweb: true", "Procfile:2 procfile-twice"),
        ("Procfile", "# web\nworker: python app.py", "Procfile no-web"),
        ("Procfile", "web: gunicorn --workers 4", "Procfile:1 gunicorn-app"),
        ("Procfile", "web: gunicorn app.py:server", "Procfile:1 no-module"),
        ("Procfile", "web: gunicorn app:app.server", "Procfile:1 gunicorn-app"),
        ("Procfile", "web: A=1 exec gunicorn -w 4 main:server", "Procfile:1 no-module"),
        ("Procfile", "web: python -m gunicorn app:flask", "Procfile:1 no-variable"),
        ("Procfile", "web: gunicorn app", "Procfile:1 no-variable"),
        ("Procfile", "web: ddtrace-run gunicorn app:x", "Procfile:1 no-variable"),
        ("Procfile", "web: cd . && python index.py", "Procfile:1 no-script"),
        ("app.py", "if __name__ == '__main__':\n    server = 1\n", "Procfile:1 no-variable"),
        ("Procfile", "web: ./start.sh", "Procfile:1 no-script"),
        ("Procfile", "web: waitress-serve app:server", "Procfile:1 not-required"),
        ("Procfile", "web: my-own --serve", "Procfile:1 unknown-program"),
        ("app.py", "server = (", "app.py:1 syntax-error"),
        ("app.py", "def f():\n    server = 1\n", "Procfile:1 no-variable"),
        ("requirements.txt", None, "requirements.txt no-requirements"),
        ("requirements.txt", "dash\n", "Procfile:1 not-required"),
        ("requirements.txt", "gunicorn\ndash=3\n", "requirements.txt:2 requirements-line"),
        ("requirements.txt", "gunicorn\n-r base.txt", "requirements.txt:2 requirements-include"),
        ("requirements.txt", "gunicorn\n-r ../x.txt", "requirements.txt:2 requirements-include"),
        ("requirements.txt", "gunicorn\n../lib", "requirements.txt:2 local-requirement"),
        ("requirements.txt", "gunicorn\n-e ./lib", "requirements.txt:2 local-requirement"),
        ("requirements.txt", "gunicorn\na @ file:///a.whl", "requirements.txt:2 local-requirement"),
        (
            "requirements.txt",
            "gunicorn\n-i http://127.0.0.1:3141/simple",
            "requirements.txt:2 unreachable-index",
        ),
        (
            "requirements.txt",
            "gunicorn\ngit+ssh://git@github.com/a/b.git",
            "requirements.txt:2 unreachable-index",
        ),
        (
            "requirements.txt",
            "gunicorn\n--extra-index-url=https://packages.example/",
            "requirements.txt:2 other-index",
        ),
        (
            "requirements.txt",
            f"gunicorn\na @ https://me:secret@{FILES}/a.whl",  # kingfisher:ignore
            "requirements.txt:2 index-password",
        ),
        ("requirements.txt", "gunicorn\n./gone", "requirements.txt:2 local-requirement"),
        (
            "requirements.txt",
            "gunicorn\nhttp://127.0.0.9/a.whl",
            "requirements.txt:2 unreachable-index",
        ),
        ("runtime.txt", "3.11", "runtime.txt other-version"),
        ("thumbnail.png", "GIF89a", "thumbnail.png bad-thumbnail"),
        ("data.csv", "x" * 1_000_001, "data.csv large-file"),
        (".env", "A=1", ".env env-file"),
        ("deep/.env.local", "A=1", "deep/.env.local env-file"),
    ],
)
def test_what_is_wrong_is_found(name: str, text: str | None, code: str, app: Path) -> None:
    path = app / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    if text is not None:
        path.write_text(text)
    listed = found(app)
    assert code in listed
    # One fault is told once: only what follows from it may stand beside it.
    assert len(listed) <= 2, listed
    assert code not in found(app, code.split()[-1])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Procfile", "web: gunicorn --chdir src 'app:make()'\n"),
        ("Procfile", "web: gunicorn $APP\nworker: bash run.sh\n"),
        ("Procfile", "web: gunicorn --preload -b :$PORT 'pkg.app:server'\n"),
        ("app.py", "from other import *\n"),
        ("app.py", "try:\n    import x as server\nexcept ImportError:\n    server = None\n"),
        ("app.py", "app = 1\nif app:\n    a, (server, b) = 1, (2, 3)\n"),
        ("app.py", "def __getattr__(name):\n    return 1\n"),
        ("app.py", "def main():\n    global server\n    server = 1\n"),
        ("requirements.txt", "-c pins.txt\nuvicorn[gunicorn]\n"),
        (
            "requirements.txt",
            "dash==3.2.0 \\\n    --hash=sha256:00 # x\nGunicorn ; python_version>'3'",
        ),
        ("requirements.txt", "gunicorn\n-e ./lib[x]\nhttps://example.com/a.whl\n./a.whl\n"),
        ("requirements.txt", f"dash\ngunicorn\n--index-url {PyPI.simple_url}\n-f lib\n"),
        ("Procfile", "web: gunicorn app:server\nworker: $HOME/run\n"),
        ("app.py", "exec('server = 1')\n"),
        ("app.py", "import sys\nsetattr(sys, 'server', 1)\n"),
        ("app.py", "import sys\nsys.modules[__name__] = sys\n"),
        ("app.py", "match [1]:\n    case [*server]:\n        pass\n"),
        ("app.py", "match 1:\n    case int() as server:\n        pass\n"),
        ("data.csv", "x" * 1_000_000),
        *((f".env.{kind}", "A=\n") for kind in ("example", "sample", "template", "dist")),
    ],
)
def test_what_is_right_passes(name: str, text: str, app: Path) -> None:
    (app / "lib").mkdir()
    for other in ("lib/x", "a.whl", "pins.txt", "run.sh", "src/app.py", "pkg/app/__init__.py"):
        path = app / other
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("def make(): ...\nserver = 1\n" if other.endswith("py") else "")
    (app / name).write_text(text)
    assert found(app) == []


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ('a = f"{1}"\nserver = (', "error"),
        ("a = 1\ndef server(:\n    pass", "error"),
        ('server = 1\nb = t"{server"', "error" if sys.version_info >= (3, 14) else "warning"),
    ],
)
def test_syntax_error_says_which_line_to_correct(text: str, level: str, app: Path) -> None:
    (app / "app.py").write_text(text)
    (finding,) = checks.run(app, "app", 1)
    assert (finding.code, finding.level) == ("syntax-error", level) and "names: " in finding.what
    assert finding.remedy.startswith(f"Correct line {finding.line}")
    assert ("newer than" in finding.remedy) == (level == "warning")


def test_constraints_install_nothing(app: Path) -> None:
    (app / "requirements.txt").write_text("dash\n-c pins.txt\n")
    (app / "pins.txt").write_text("gunicorn==23\n")
    assert found(app) == ["Procfile:1 not-required"]


def test_conda_app_needs_no_requirements(app: Path) -> None:
    (app / "requirements.txt").rename(app / "environment.yml")
    assert found(app) == []


def test_utf_16_is_read_with_a_hint(app: Path) -> None:
    (app / "requirements.txt").write_text("gunicorn\ndash=3\n", encoding="utf-16")
    assert found(app) == ["requirements.txt requirements-encoding",
                          "requirements.txt:2 requirements-line"]  # fmt: skip


def test_package_without_a_name_may_bring_any_program(app: Path) -> None:
    (app / "requirements.txt").write_text("gunicorn\n-e .\n")
    (app / "Procfile").write_text("web: my-own --serve\n")
    assert found(app) == []


def test_configuration_of_gunicorn_may_name_the_app(app: Path) -> None:
    (app / "Procfile").write_text("web: gunicorn\n")
    assert found(app) == ["Procfile:1 gunicorn-app"]
    (app / "gunicorn.conf.py").write_text("wsgi_app = 'app:server'\n")
    assert found(app) == []


@pytest.mark.parametrize(("kilobytes", "codes"), [(100, []), (101, ["bad-thumbnail"])])
def test_thumbnail_has_at_most_100_kb(kilobytes: int, codes: list[str], app: Path) -> None:
    (app / "thumbnail.png").write_bytes(b"\x89PNG\r\n\x1a\n".ljust(kilobytes * 1024, b"x"))
    assert [finding.code for finding in checks.run(app, "app", 1)] == codes


def test_repository_inside_is_sent_without_its_own_files(app: Path) -> None:
    subprocess.run(["git", "init", "-q", str(app / "nested")], check=True)
    for name in ("data", ".git/data"):
        (app / "nested" / name).write_bytes(b"x" * 1_000_001)
    assert found(app) == ["nested/data large-file"]


def test_only_what_would_be_deployed_counts(app: Path) -> None:
    (app / ".gitignore").write_text(".env\nlarge/\n")
    (app / "large").mkdir()
    for name in (".env", "large/file"):
        (app / name).write_bytes(b"x" * 2_000_000)
    assert found(app) == []
    (app / ".gitignore").write_text("")
    assert found(app) == [".env env-file", ".env large-file", "large/file large-file"]


@pytest.mark.parametrize(
    ("target", "leaves"),
    [("app.py", 0), ("../good-app/app.py", 1), ("/etc/hosts", 1), ("..", 1), ("../mount/data", 0)],
)
def test_links_that_leave_the_folder(target: str, leaves: int, app: Path) -> None:
    (app / "link").symlink_to(target)
    assert found(app) == ["link link-leaves"] * leaves


def test_illegal_name(app: Path) -> None:
    (finding,) = checks.run(app, "My_App", 1)
    assert finding.code == "app-name" and "my-app" in finding.remedy


def test_unknown_code_to_ignore(app: Path) -> None:
    with pytest.raises(UsageError, match="'no-such'"):
        checks.run(app, "app", 1, ["no-such"])


def test_server_line_is_named(app: Path) -> None:
    (app / "app.py").write_text("import dash\nboard = dash.Dash()\n")
    (finding,) = checks.run(app, "app", 1)
    assert "server = board.server" in finding.remedy


@pytest.mark.slow
def test_secrets_are_found_and_a_line_can_be_allowed(app: Path, detector: str) -> None:
    url = "://jessica:hunter2pass@db.acme-corp.com/x"
    lines = [f"A = 'redis{url}'", "b = 1", f"C = 'mysql{url}'  # kingfisher:ignore", "d = 1"]
    lines += ["# kingfisher:ignore", f"E = 'amqp{url}'", f"F = 'postgresql{url}1'"]
    for name in ("-settings.py", "copy.py"):
        (app / name).write_text("\n".join(lines) + "\n")
    listed = checks.run(app, "app", 1, (), None)
    places = [(f.file, f.line) for f in listed if f.code == "secret"]
    assert places == [("-settings.py", 1), ("-settings.py", 7), ("copy.py", 1), ("copy.py", 7)]
    assert "hunter2pass" not in repr(listed)
    assert checks.run(app, "app", 1, (), ["app.py", "gone.py"]) == []


def test_data_and_links_are_not_searched(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    def scan(detector: str, place: str) -> set[tuple[str, int, str]]:
        sent.extend(path.name for path in Path(place).rglob("*") if path.is_file())
        return set()

    monkeypatch.setattr(checks.secrets, "LARGEST", 50)
    monkeypatch.setattr(checks.secrets, "_scan", scan)
    (app / "large").write_text("x" * 51)
    (app / "link").symlink_to("Procfile")
    assert checks.run(app, "app", 1, (), ["Procfile", "large", "link"]) == []
    assert sent == ["Procfile"]


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("echo rules are broken >&2; exit 3", "kingfisher 3: rules are broken"),
        ("echo '[]'", "kingfisher 0: printed no report"),
        ("exec tail -f /dev/null", "kingfisher did not finish in 0.1 s."),
    ],
)
def test_detector_that_reports_nothing_fails_the_check(
    program: str, error: str, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = app.parent / "detector"
    detector.write_text(f"#!/bin/sh\n{program}\n")
    detector.chmod(0o755)
    monkeypatch.setattr(checks.secrets, "program", lambda: str(detector))
    if "finish" in error:
        monkeypatch.setattr(checks.secrets, "SECONDS", 0.1)
    with pytest.raises(DeTasksError) as raised:
        checks.run(app, "app", 1, (), ["app.py"])
    assert str(raised.value) == error


def test_warnings_alone_fail_nothing(dev: Person, app: Path) -> None:
    (app / "Procfile").write_text("web: my-own --serve\n")
    done = dev.inv("check", folder=app)
    assert done.code == 0 and ": warning: " in done.out and "1 warning" in done.err


def test_check_as_it_is_typed(dev: Person, app: Path) -> None:
    assert dev.inv("check", folder=app).err == "good-app can be deployed.\n"
    (app / "Procfile").write_text("web: gunicorn app:flask\n")
    done = dev.inv("check", folder=app)
    assert done.code == 1 and done.out.startswith("Procfile:1: error: ")
    assert "1 error" in done.err
    (finding,) = json.loads(dev.inv("check", "--json", "--path", str(app)).out)
    assert (finding["code"], finding["line"]) == ("no-variable", 1)
    dev.environment["GITHUB_ACTIONS"] = "true"
    assert (
        "::error file=Procfile,line=1,title=de-tasks%3A no-variable::"
        in dev.inv("check", folder=app).out
    )
    (app / "invoke.yaml").write_text("de:\n  check:\n    ignore: [no-variable]\n")
    assert dev.inv("check", folder=app).code == 0


def test_name_of_a_file_may_be_no_text(dev: Person, app: Path) -> None:
    (app / os.fsdecode(b"bad-\xff")).symlink_to("/etc/hosts")
    done = dev.inv("check", folder=app)
    assert done.code == 0 and r"bad-\xff: warning" in done.out


def test_hook_without_the_detector_fails_saying_how_to_get_it(
    app: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(app)
    monkeypatch.setattr(checks.secrets, "program", lambda: None)
    assert hook.main([]) == 0 and hook.main(["app.py", "--no-secrets"]) == 0
    assert "secrets" not in capsys.readouterr().err
    assert hook.main(["app.py"]) == 2
    said = capsys.readouterr().err
    assert 'pip install "de-tasks[secrets]"' in said and "--no-secrets" in said


def test_docs_list_every_code() -> None:
    rows = [f"| `{code}` | {level} | {words} |" for code, (level, words) in findings.CODES.items()]
    listed = [x for x in (ROOT / "docs" / "check.md").read_text().splitlines() if x[:3] == "| `"]
    assert listed == rows


def test_gunicorn_options_are_gunicorns_own() -> None:
    """Every option that takes no value, as the installed gunicorn has it."""
    config = importlib.import_module("gunicorn.config")
    flags = {
        option
        for setting in config.KNOWN_SETTINGS
        for option in setting.cli or ()
        if setting.action in ("store_true", "store_false", "store_const")
    }
    assert flags <= gunicorn.WITHOUT_VALUE, flags - gunicorn.WITHOUT_VALUE
    known = gunicorn.WITHOUT_VALUE | gunicorn.WITH_VALUE
    every = {option for setting in config.KNOWN_SETTINGS for option in setting.cli or ()}
    assert every <= known, every - known
