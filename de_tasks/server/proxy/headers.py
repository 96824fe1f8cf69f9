"""The headers of requests on their way to an app, and of its answers on their way back."""

from __future__ import annotations

import re
from collections.abc import Iterable

from multidict import CIMultiDict
from starlette.types import Scope

from de_tasks.server.settings import ServerSettings
from de_tasks.server.users.cookies import confined, is_ours, without_ours

# RFC 9110, section 7.6.1: these speak of one connection and are not passed on.
HOP_BY_HOP = frozenset(
    "connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding"
    " upgrade proxy-connection expect".split()
)
# What a proxy says of a visitor: believed by apps, so only ever said by us.
TOLD_BY_PROXIES = frozenset(("forwarded", "x-real-ip", "plotly-user-data"))
ORIGIN_WIDE = frozenset(
    (
        # Workers and what browsers keep.
        *("service-worker-allowed", "clear-site-data", "use-as-dictionary"),
        *("cache-groups", "cache-group-invalidation"),
        # How a browser comes from now on, and where to.
        *("strict-transport-security", "alt-svc", "accept-ch", "accept-ch-lifetime", "critical-ch"),
        *("public-key-pins", "public-key-pins-report-only", "expect-ct"),
        *("origin-agent-cluster", "origin-isolation"),
        # Who hears of the errors of every page.
        *("nel", "report-to"),
        # Who is signed in.
        *("set-login", "sec-session-registration", "secure-session-registration"),
    )
)
"""An app's answer says these of all apps, as they share one origin: none of them is passed on."""


def request_headers(
    settings: ServerSettings, scope: Scope, name: str, cookies: str
) -> CIMultiDict[str]:
    """What an app is told of a request; `cookies` are added to the visitor's own."""
    headers: CIMultiDict[str] = CIMultiDict()
    theirs = []
    for raw_key, raw_value in scope["headers"]:
        key, value = raw_key.decode("latin-1"), raw_value.decode("latin-1")
        if key == "cookie":
            theirs.append(without_ours(value))
        elif not _dropped(key):
            headers.add(key, value)
    both = "; ".join(part for part in (*theirs, cookies) if part)
    if both:
        headers["Cookie"] = both
    headers["X-Forwarded-For"] = scope["client"][0] if scope.get("client") else "127.0.0.1"
    headers["X-Forwarded-Proto"] = "https" if settings.secure else "http"
    headers["X-Forwarded-Host"] = headers.get("Host", "")
    headers["X-Forwarded-Prefix"] = f"/{name}"
    return headers


def response_headers(
    settings: ServerSettings, raw_headers: Iterable[tuple[bytes, bytes]], name: str
) -> list[tuple[bytes, bytes]]:
    """What a visitor is told of an app's answer: nothing that reaches beyond the app's path."""
    headers = []
    for raw_key, raw_value in raw_headers:
        key, value = raw_key.lower(), raw_value.decode("latin-1")
        word = key.decode("latin-1")
        if word in HOP_BY_HOP or word in ORIGIN_WIDE or (word == "set-cookie" and is_ours(value)):
            continue
        if word == "set-cookie":
            value = confined(value, name)
        elif word == "location":
            value = _location(settings, value, name)
        headers.append((key, value.encode("latin-1")))
    return headers


def _location(settings: ServerSettings, location: str, name: str) -> str:
    # An app that does not know its prefix redirects to `/path`: put the prefix back.
    path = location.removeprefix(settings.apps_url)
    prefixed = re.match(rf"/{re.escape(name)}(?:[/?#]|$)", path)
    if path.startswith("/") and not path.startswith("//") and not prefixed:
        return f"/{name}{path}"
    return location


def _dropped(key: str) -> bool:
    # With an underscore a header looks to WSGI (PEP 3333) like the one with a dash.
    told = key in TOLD_BY_PROXIES or key.startswith("x-forwarded-")
    return told or "_" in key or key in HOP_BY_HOP
