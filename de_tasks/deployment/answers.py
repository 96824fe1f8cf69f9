"""Who answers at an app's address: the app, or the platform, which asks to sign in first."""

from __future__ import annotations

import re
from enum import Enum
from urllib.parse import urljoin, urlsplit

from de_tasks.errors import NotAvailable
from de_tasks.net.http import Glance
from de_tasks.platform.protocol import DeployPlatform

PASSWORD = re.compile(r"<input[^>]*\btype\s*=\s*[\"']?password\b", re.IGNORECASE)


class Answer(Enum):
    """Who has answered, and what is known of the app behind it."""

    APP = "app"
    RUNNING = "running"
    """The platform asks to sign in, and says itself that the app runs."""
    DOWN = "down"
    """The same, and it says that the app does not run."""
    UNKNOWN = "unknown"
    """The same, and it does not say."""


def asks_to_sign_in(seen: Glance, url: str) -> bool:
    """Whether an answer may be a sign-in's: a refusal, a form for a password, or a redirect out of
    the app's address. An app may answer so itself; it cannot be told apart, so the platform is
    asked then."""
    if seen.status in (401, 403):
        return True
    if 300 <= seen.status < 400:
        app, target = urlsplit(url), urlsplit(urljoin(url, seen.location))
        inside = target.path.startswith(app.path.rstrip("/") + "/") or target.path == app.path
        return (app.scheme, app.netloc) != (target.scheme, target.netloc) or not inside
    return bool(PASSWORD.search(seen.page))


def answer_of(seen: Glance, url: str, running: bool | None) -> Answer:
    """Who has answered, where the platform says of the app that it is `running`."""
    if not asks_to_sign_in(seen, url):
        return Answer.APP
    return {True: Answer.RUNNING, False: Answer.DOWN, None: Answer.UNKNOWN}[running]


def running(platform: DeployPlatform, name: str) -> bool | None:
    """Whether the platform says that an app runs; None where it does not say."""
    try:
        app = platform.app(name)
    except NotAvailable:
        return None
    return app.running if app else None
