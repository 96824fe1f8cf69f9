"""The line of a program's output that says why it ended."""

from __future__ import annotations

import pytest

from de_tasks.server.runtime import last_words

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
CHAINED = """
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
        (GUNICORN.format("KeyError: 'REDIS_URL'") + HALT, "KeyError: 'REDIS_URL'"),
        (f"[2026-11-28 10:00:00 +0000] [7] [INFO] Booting\n{NOT_FOUND}\n"
         "[2026-11-28 10:00:00 +0000] [7] [ERROR] App failed to load.\n", NOT_FOUND),
        (UVICORN, "RuntimeError: no database"),
        (CHAINED, "ValueError: invalid literal for int() with base 10: 'x'"),
        ('ERROR:    Error loading ASGI app. Could not import module "main".\n',
         'ERROR:    Error loading ASGI app. Could not import module "main".'),
        ("  File \"app.py\", line 1\n    def (\n        ^\nSyntaxError: invalid syntax\n",
         "SyntaxError: invalid syntax"),
        ("Usage: streamlit run [OPTIONS]\nTry 'streamlit run --help' for help.\n\n"
         "\x1b[31mError: No such file: app.py\x1b[0m\n", "Error: No such file: app.py"),
        ("bash: -c: line 1: syntax error near `('\nbash: -c: line 1: `gunicorn app:make()'\n",
         "bash: -c: line 1: syntax error near `('"),
        ("Traceback (most recent call last):\n  File \"/d/apps/1/releases/7/lib/x.py\", line 4\n"
         "    def (\n        ^\nSyntaxError: invalid syntax\n",
         "SyntaxError: invalid syntax (lib/x.py:4)"),
        ("Traceback (most recent call last):\n  File \"a.py\", line 4, in <module>\n"
         "pydantic_core.ValidationError: 2 validation errors for Settings\nDB_URL\n"
         "  Field required [type=missing]\n    For further information\nKEY\n  Field required\n",
         "pydantic_core.ValidationError: 2 validation errors for Settings: DB_URL, KEY"),
        ("", ""),
    ],
)  # fmt: skip
def test_cause_is_found_among_what_servers_say(said: str, cause: str) -> None:
    assert last_words.of(said.splitlines()) == cause


def test_port_that_is_not_the_given_one_is_named() -> None:
    said = ["Dash is running on http://127.0.0.1:8050/", "", " * Serving Flask app 'app'"]
    assert last_words.other_port(said, 8000) == 8050
    assert last_words.other_port(said, 8050) == last_words.other_port([], 8050) == 0


def test_last_line_says_nothing_of_what_goes_on() -> None:
    assert last_words.of(["loading data"], ended=False) == ""
    assert last_words.of(["KeyError: 1", *CHAINED.splitlines()], ended=False).startswith("Value")
    slow = "[2026-11-28 10:00:00 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:9)"
    assert "--timeout" in last_words.of([slow, "loading data"], ended=False)
