"""Why an app failed, in what it and its installer print."""

from __future__ import annotations

import pytest

from de_tasks import causes

LIBRARY = "/data/environments/1a/lib/python3.11/site-packages/gunicorn/util.py"
BOOT = f"""\
[2026-01-02 03:04:05 +0000] [7] [ERROR] Exception in worker process
Traceback (most recent call last):
  File "{LIBRARY}", line 371, in import_app
    mod = importlib.import_module(module)
          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "<frozen importlib._bootstrap>", line 241, in _call_with_frames_removed
  File "/data/apps/3/releases/12/pages/home.py", line 5, in <module>
    db = connect()
RuntimeError: no DATABASE_URL configured
[2026-01-02 03:04:05 +0000] [7] [INFO] Worker exiting (pid: 7)
[2026-01-02 03:04:05 +0000] [6] [ERROR] Worker (pid:7) exited with code 3
[2026-01-02 03:04:05 +0000] [6] [ERROR] Shutting down: Master
[2026-01-02 03:04:05 +0000] [6] [ERROR] Reason: Worker failed to boot.
""".splitlines()
SYNTAX = """\
  File "/app/app.py", line 3
    layout(
          ^
SyntaxError: '(' was never closed
""".splitlines()
CHAINED = """\
Traceback (most recent call last):
  File "/app/app.py", line 2, in <module>
    1 / 0
ZeroDivisionError: division by zero

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/app.py", line 4, in <module>
    raise KeyError("TOKEN")
KeyError: 'TOKEN'
""".splitlines()
ATTRIBUTE = [
    "[2026-01-02 03:04:05 +0000] [7] [ERROR] Failed to find attribute 'server' in 'app'.",
    *BOOT[-4:],
]


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        (BOOT, "RuntimeError: no DATABASE_URL configured (pages/home.py, line 5)"),
        (
            ["       " + line for line in BOOT],
            "RuntimeError: no DATABASE_URL configured (pages/home.py, line 5)",
        ),
        (SYNTAX, "SyntaxError: '(' was never closed (app.py, line 3)"),
        (CHAINED, "KeyError: 'TOKEN' (app.py, line 4)"),
        (BOOT[:3] + BOOT[8:], "RuntimeError: no DATABASE_URL configured"),
        (ATTRIBUTE, "Failed to find attribute 'server' in 'app'."),
        (["starting", "no TOKEN given", "[sandbox] over"], "no TOKEN given"),
        ([], ""),
    ],
)
def test_last_words_name_the_cause_and_not_the_frame(lines: list[str], cause: str) -> None:
    assert causes.last_words(lines) == cause


WHY = ", we can conclude that your requirements are unsatisfiable."


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (
            "Because dashh-nope was not found in the package registry and you require\n"
            f"      dashh-nope==9{WHY}",
            "dashh-nope==9 is not in the index",
        ),
        (
            f"Because there is no version of dash==99 and you require dash==99{WHY}",
            "dash==99 is not in the index",
        ),
        (
            f"Because only dash<=4.1 is available and you require dash>=99{WHY}",
            "dash>=99 is not in the index, which has dash<=4.1",
        ),
        (
            f"Because you require flask==2.0.0 and flask==3.0.0{WHY}",
            "flask==2.0.0 and flask==3.0.0 contradict each other",
        ),
        (
            "ERROR: No matching distribution found for dashh-nope==9",
            "dashh-nope==9 is not in the index",
        ),
        (
            "Because a==1 depends on b>=2 and you require a==1 and b==1, we can conclude that it",
            "a==1 depends on b>=2 and you require a==1 and b==1",
        ),
        ("Installed 4 packages in 2ms", ""),
    ],
)
def test_requirement_that_cannot_be_met_is_named(said: str, cause: str) -> None:
    assert causes.unmet(said.splitlines()) == cause


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        (["  KeyError", " !     web: KeyError", " !     Build failed."], "web: KeyError"),
        (["ERROR: No matching distribution found for x==9", " !     Push rejected"], "x==9 is not"),
        ([" !     The app was built, and did not start.", " !     web: KeyError"], "web: KeyError"),
        (["no compiler", " !     Build failed."], "no compiler"),
        ([" !     Build failed."], "Build failed."),
    ],
)
def test_build_log_names_the_reason_and_not_the_verdict(log: list[str], cause: str) -> None:
    assert causes.of_build(log).startswith(cause)


def test_database_whose_address_is_missing() -> None:
    assert causes.database("KeyError: 'REDIS_URL' (app.py, line 3)") == "redis"
    assert causes.database("KeyError: 'TOKEN'") == ""


GUNICORN = """
[2026-11-28 10:00:00 +0000] [7] [INFO] Starting gunicorn 23.0.0
[2026-11-28 10:00:00 +0000] [9] [ERROR] Exception in worker process
Traceback (most recent call last):
  File "arbiter.py", line 608, in spawn_worker
    worker.init_process()
{}
[2026-11-28 10:00:00 +0000] [9] [INFO] Worker exiting (pid: 9)
[2026-11-28 10:00:00 +0000] [7] [ERROR] Worker (pid:9) exited with code 3
[2026-11-28 10:00:00 +0000] [7] [ERROR] Shutting down: Master
[2026-11-28 10:00:00 +0000] [7] [ERROR] Reason: Worker failed to boot.
"""
HALT = """
Traceback (most recent call last):
  File "gunicorn", line 8, in <module>
    sys.exit(run())
gunicorn.errors.HaltServer: <HaltServer 'Worker failed to boot.' 3>
"""
UVICORN = """
INFO:     Waiting for application startup.
ERROR:    Traceback (most recent call last):
  File "starlette/routing.py", line 693, in lifespan
    async with self.lifespan_context(app):
RuntimeError: no database

ERROR:    Application startup failed. Exiting.
"""
CHAINED_WORDS = """
Traceback (most recent call last):
  File "a.py", line 1, in <module>
    {}["a"]
KeyError: 'a'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in <module>
    int("x")
ValueError: invalid literal for int() with base 10: 'x'
"""
NOT_FOUND = "Failed to find attribute 'server' in 'app'."


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("sh: 1: gunicorn: not found\n", "sh: 1: gunicorn: not found"),
        (GUNICORN.format("KeyError: 'REDIS_URL'") + HALT,
         "KeyError: 'REDIS_URL' (arbiter.py, line 608)"),
        (f"[2026-11-28 10:00:00 +0000] [7] [INFO] Booting\n{NOT_FOUND}\n"
         "[2026-11-28 10:00:00 +0000] [7] [ERROR] App failed to load.\n", NOT_FOUND),
        (UVICORN, "RuntimeError: no database (starlette/routing.py, line 693)"),
        (CHAINED_WORDS, "ValueError: invalid literal for int() with base 10: 'x' (a.py, line 3)"),
        ('ERROR:    Error loading ASGI app. Could not import module "main".\n',
         'ERROR:    Error loading ASGI app. Could not import module "main".'),
        ("  File \"app.py\", line 1\n    def (\n        ^\nSyntaxError: invalid syntax\n",
         "SyntaxError: invalid syntax (app.py, line 1)"),
        ("Usage: streamlit run [OPTIONS]\nTry 'streamlit run --help' for help.\n\n"
         "\x1b[31mError: No such file: app.py\x1b[0m\n", "Error: No such file: app.py"),
        ("bash: -c: line 1: syntax error near `('\nbash: -c: line 1: `gunicorn app:make()'\n",
         "bash: -c: line 1: syntax error near `('"),
        ("Traceback (most recent call last):\n  File \"/d/apps/1/releases/7/lib/x.py\", line 4\n"
         "    def (\n        ^\nSyntaxError: invalid syntax\n",
         "SyntaxError: invalid syntax (lib/x.py, line 4)"),
        ("Traceback (most recent call last):\n  File \"a.py\", line 4, in <module>\n"
         "pydantic_core.ValidationError: 2 validation errors for Settings\nDB_URL\n"
         "  Field required [type=missing]\n    For further information\nKEY\n  Field required\n",
         "pydantic_core.ValidationError: 2 validation errors for Settings: DB_URL, KEY"
         " (a.py, line 4)"),
        ("", ""),
    ],
)  # fmt: skip
def test_cause_is_found_among_what_servers_say(said: str, cause: str) -> None:
    assert causes.last_words(said.splitlines()) == cause


def test_port_that_is_not_the_given_one_is_named() -> None:
    said = ["Dash is running on http://127.0.0.1:8050/", "", " * Serving Flask app 'app'"]
    assert causes.other_port(said, 8000) == 8050
    assert causes.other_port(said, 8050) == causes.other_port([], 8050) == 0


def test_worker_that_gunicorn_has_ended_is_named() -> None:
    slow = "[2026-11-28 10:00:00 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:9)"
    assert "--timeout" in causes.slow([slow, "loading data"])
    assert causes.slow(["loading data"]) == ""
