"""Environment variables of apps: their own, global ones, and those of the platform."""

from __future__ import annotations

import re
from pathlib import Path

from de_tasks.errors import NotFound, UsageError
from de_tasks.server.database import Database
from de_tasks.server.runtime.app import App
from de_tasks.server.settings import ServerSettings
from de_tasks.server.users.tokens import app_audience

NAME = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]*")
"""As Kubernetes has it (EnvVar), on which the platform runs: the published example is
`test-env-var`. A name with - or . is read with `os.environ`, and not in a shell."""
PLATFORM = frozenset(
    "PORT PATH HOME VIRTUAL_ENV GUNICORN_CMD_ARGS REDIS_URL DATABASE_URL DASH_APP_NAME"
    " DASH_REQUESTS_PATHNAME_PREFIX DASH_JWKS_URL DASH_LOGOUT_URL DASH_USER_INFO_URL DASH_AUD"
    " DASH_ENTERPRISE_ENV".split()
)
"""Made by the platform: shown as read-only, never to be edited or removed."""
LONGEST = 128 * 1024
"""Bytes of `NAME=value` with its end: Linux takes no longer string (execve(2), MAX_ARG_STRLEN)."""
MOST_OWN, MOST_GLOBAL = 512 * 1024, 256 * 1024
"""Bytes of all variables of an app, and of all that are for every app. With those of the platform
they have to be less than 1 MiB, which macOS allows; Linux allows a quarter of the stack, 2 MiB."""


class Variables:
    """The variables that users set; `app_id` None is for the global ones."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def all(self, app_id: int | None) -> dict[str, str]:
        """Name to value, sorted."""
        rows = self._db.all(
            "SELECT name, value FROM variables WHERE app_id IS ? ORDER BY name", app_id
        )
        return {row["name"]: row["value"] for row in rows}

    def set(self, app_id: int | None, name: str, value: str) -> bool:
        """Add or change one; False when it had that value.

        Raises `UsageError` for a name that no process could see or that the platform makes, and
        for more than a process can be given. The message never has the value.
        """
        self._check(name)
        if "\0" in value or _size(name, value) > LONGEST:
            most = LONGEST - _size(name, "")
            raise UsageError(
                f"The value of {name} is longer than {most} bytes, or has a zero byte."
            )
        there = self.all(app_id)
        if there.get(name) == value:
            return False
        most = MOST_GLOBAL if app_id is None else MOST_OWN
        together = sum(_size(*one) for one in {**there, name: value}.items())
        if together > max(most, sum(_size(*one) for one in there.items())):
            whose = "global environment variables" if app_id is None else "app's variables"
            raise UsageError(
                f"With {name} the {whose} would have {together} bytes, and a process can be given "
                f"{most}: remove some, or put large values into a file."
            )
        self._db.execute(
            "INSERT INTO variables VALUES (?1, ?2, ?3)"
            " ON CONFLICT (coalesce(app_id, 0), name) DO UPDATE SET value = ?3",
            app_id,
            name,
            value,
        )
        return True

    def remove(self, app_id: int | None, name: str) -> None:
        """Remove one. Raises `NotFound` when it is not there."""
        self._check(name)
        if not self._db.changed(
            "DELETE FROM variables WHERE app_id IS ? AND name = ?", app_id, name
        ):
            raise NotFound(f"There is no environment variable {name}.")

    def _check(self, name: str) -> None:
        if not NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} is not a name of an environment variable: it has letters, digits, _,"
                " - and ., and does not begin with a digit."
            )
        if name in PLATFORM:
            raise UsageError(f"{name} is made by the platform: it cannot be changed or removed.")


def _size(name: str, value: str) -> int:
    return len(f"{name}={value}".encode()) + 1


def platform_variables(
    settings: ServerSettings, app: App, virtualenv: Path, port: int
) -> dict[str, str]:
    """All that a process is told: nothing comes from the server's own environment."""
    return {
        "PATH": f"{virtualenv}/bin:/usr/local/bin:/usr/bin:/bin",
        "VIRTUAL_ENV": str(virtualenv),
        "HOME": str(app.folder / "home"),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PORT": str(port),
        "DASH_APP_NAME": app.name,
        "DASH_REQUESTS_PATHNAME_PREFIX": f"/{app.name}/",
        **account_variables(settings, app.name),
        # With PORT set, gunicorn listens on all interfaces unless it is told otherwise;
        # Streamlit does so always.
        "GUNICORN_CMD_ARGS": f"--bind=127.0.0.1:{port}",
        "STREAMLIT_SERVER_ADDRESS": "127.0.0.1",
    }


def account_variables(settings: ServerSettings, name: str) -> dict[str, str]:
    """How an app learns who its visitor is: what dash-enterprise-auth reads."""
    return {
        "DASH_JWKS_URL": f"{settings.openid}/certs",
        "DASH_USER_INFO_URL": f"{settings.openid}/userinfo",
        "DASH_LOGOUT_URL": f"{settings.openid}/logout",
        "DASH_AUD": app_audience(name),
    }
