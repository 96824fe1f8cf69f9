"""What the words of an app say of why it did not start."""

from __future__ import annotations

import pytest

from de_tasks.health import causes


@pytest.mark.parametrize(
    ("cause", "name"),
    [
        ("KeyError: 'API_KEY' (app.py, line 3)", "API_KEY"),
        ("RuntimeError: API_KEY is not set", "API_KEY"),
        ("ValueError: Missing environment variable: SECRET_TOKEN", "SECRET_TOKEN"),
        ("bash: line 1: API_KEY: unbound variable", "API_KEY"),
        ("KeyError: 'region'", ""),
        ("AssertionError: no HTTP answer", ""),
        ("TypeError: missing 1 required argument", ""),
    ],
)
def test_variable_that_is_not_set_is_found(cause: str, name: str) -> None:
    assert causes.variable(cause) == name


FRAME = '  File "/app/app.py", line 3, in <module>\n    Settings()\n'
HEAD = "Traceback (most recent call last):\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            f"{HEAD}{FRAME}pydantic_core.ValidationError: 2 validation errors for Settings\n"
            "token\n  Field required [type=missing]\nregion\n  Field required [type=missing]\n",
            "pydantic_core.ValidationError: 2 validation errors for Settings: token, region "
            "(app.py, line 3)",
        ),
        (
            f"{HEAD}{FRAME}ConfigError:\nno region\n\nmore",
            "ConfigError: no region (app.py, line 3)",
        ),
        (f"{HEAD}{FRAME}ConfigError:\n", "ConfigError: (app.py, line 3)"),
        ("[2026-11-28 10:00:00 +0000] [7] [ERROR] Connection in use: ('', 80)\n", "Connection in"),
        ("no config\n[2026-11-28 10:00:00 +0000] [7] [INFO] Booting worker\n", "no config"),
        ("no config\n[2026-11-28 10:00:00 +0000] [7] [ERROR] Worker (pid:8) exited\n", "no config"),
        ("[sandbox] starting build 1\n", ""),
    ],
)
def test_last_words_are_those_that_say_why(text: str, words: str) -> None:
    found = causes.last_words(text.split("\n"))
    assert found.startswith(words) and bool(found) == bool(words)


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (
            "  x No solution found when resolving dependencies:\n"
            "  ╰─▶ Because dash was not found in the package registry and you require dash==99,\n"
            "      we can conclude that your requirements are unsatisfiable.",
            "dash==99 is not in the index",
        ),
        (
            "Because there is no version of dash==99 and you require dash==99, we can conclude",
            "dash==99 is not in the index",
        ),
        (
            "Because only dash<=4.1 is available and you require dash>=9, we can conclude that",
            "dash>=9 is not in the index, which has dash<=4.1",
        ),
        ("Because you require a==1 and a==2, we can conclude", "a==1 and a==2 contradict each"),
        ("ERROR: No matching distribution found for dash==99", "dash==99 is not in the index"),
        ("Because a==1 depends on b, we can conclude that a==1", "a==1 depends on b"),
        ("Installed 4 packages", ""),
    ],
)
def test_requirements_that_cannot_be_met_are_said_in_a_sentence(log: str, words: str) -> None:
    found = causes.unmet(log.splitlines())
    assert found.startswith(words) and bool(found) == bool(words)


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (" !     Procfile is missing\n !     Build failed in 3 s", "Procfile is missing"),
        ("done\nexit 3 of the release\n !     Build failed in 3 s", "exit 3 of the release"),
        (" !     Build failed in 3 s", "Build failed in 3 s"),
        ("No matching distribution found for x==9\nbye\n !     Build failed", "x==9 is not in"),
    ],
)
def test_cause_of_a_failed_build(log: str, words: str) -> None:
    assert causes.of_build(log.splitlines()).startswith(words)


@pytest.mark.parametrize(
    ("cause", "name"),
    [
        ("ModuleNotFoundError: No module named 'flask_login' (app.py, line 1)", "flask_login"),
        ("/usr/bin/python: No module named streamlit", "streamlit"),
        ("bash: line 1: gunicorn: command not found", "gunicorn"),
        ("KeyError: 'x'", ""),
    ],
)
def test_what_is_not_there_is_found(cause: str, name: str) -> None:
    assert causes.missing_package(cause) == name


def test_worker_that_takes_too_long_is_said_to() -> None:
    line = "[2026-11-28 10:00:30 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:8)"
    assert "ended a worker that took longer to start" in causes.slow(["Booting", line])
    assert causes.slow(["Booting"]) == ""


@pytest.mark.parametrize(
    ("status", "words"), [(3, "exited with status 3"), (-9, "ended by SIGKILL"), (-99, "signal 99")]
)
def test_how_a_process_ended(status: int, words: str) -> None:
    assert causes.exit_words(status).endswith(words)


def test_port_that_is_not_the_apps_is_found() -> None:
    lines = ["Dash is running on http://127.0.0.1:8050/"]
    assert (causes.other_port(lines, 16001), causes.other_port(lines, 8050)) == (8050, 0)
