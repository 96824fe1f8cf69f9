"""Cookies: which are the platform's own, and what an app sees of a visitor's.

All ports of a host share one cookie jar (RFC 6265, section 8.5), so our names carry the port.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.responses import Response

from de_tasks.server.settings import ServerSettings

OURS = re.compile(r"(?:__Host-)?de-(?:session|visit|browser)-\d+|kc(?:Id)?Token", re.IGNORECASE)
"""Never passed on from a browser to an app, and never taken from an app to a browser."""


def parse(header: str) -> list[tuple[str, str]]:
    """Names and values of a Cookie header, in its order (RFC 6265, section 4.2.1)."""
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return [(name.strip(), value.strip()) for name, equals, value in pairs if equals]


def without_ours(header: str) -> str:
    """The header without the platform's cookies."""
    kept = [(name, value) for name, value in parse(header) if not OURS.fullmatch(name)]
    return "; ".join(f"{name}={value}" for name, value in kept)


def is_ours(set_cookie: str) -> bool:
    """Whether a Set-Cookie header names one of the platform's cookies."""
    return bool(OURS.fullmatch(set_cookie.partition(";")[0].partition("=")[0].strip()))


def confined(set_cookie: str, app: str) -> str:
    """A Set-Cookie header of an app, for its own path: other apps neither get the cookie nor have
    theirs replaced by it. Where it names no path, the browser keeps it to the app's already."""
    pair, *attributes = set_cookie.split(";")
    kept, path = [pair], ""
    for attribute in attributes:
        name, _, value = attribute.partition("=")
        if name.strip().lower() == "path":
            path = value.strip()
        elif name.strip().lower() != "domain":
            kept.append(attribute)
    if path.startswith("/"):
        own = path == f"/{app}" or path.startswith(f"/{app}/")
        kept.append(f" Path={path if own else f'/{app}{path}'}")
    return ";".join(kept)


class Cookies:
    """The platform's cookies of one sandbox: for the browser and its own host alone."""

    def __init__(self, settings: ServerSettings) -> None:
        self._secure = settings.secure
        # RFC 6265bis, section 4.1.3.2: such a cookie comes from this host and over TLS.
        prefix = "__Host-" if settings.secure else ""
        self.session = f"{prefix}de-session-{settings.port}"
        """Who is signed in to the platform."""
        self.visit = f"{prefix}de-visit-{settings.port}"
        """The same on the apps' host."""
        self.browser = f"{prefix}de-browser-{settings.port}"
        """Tells a browser from others before anybody has signed in with it."""

    def all(self, headers: Headers, name: str) -> list[str]:
        """Every value of that name."""
        pairs = parse("; ".join(headers.getlist("cookie")))
        return [value for key, value in pairs if key == name and value]

    def get(self, headers: Headers, name: str) -> str | None:
        """The value of that name; None when there is none, or more than one.

        A page of an app can set a second one for a longer path, which is sent first: then
        nobody can tell which is ours.
        """
        values = self.all(headers, name)
        return values[0] if len(values) == 1 else None

    def set(self, response: Response, name: str, value: str, seconds: int) -> None:
        """Give the browser a cookie. Lax: a link from elsewhere finds people signed in."""
        response.set_cookie(
            name, value, max_age=seconds, httponly=True, samesite="lax", secure=self._secure
        )

    def delete(self, response: Response, name: str) -> None:
        """Take a cookie back."""
        response.delete_cookie(name, httponly=True, samesite="lax", secure=self._secure)
