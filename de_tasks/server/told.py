"""What the platform tells the processes of an app, as environment variables."""

from __future__ import annotations

from pathlib import Path

from de_tasks.server.release import App
from de_tasks.server.settings import ServerSettings
from de_tasks.server.tokens import app_audience


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
