"""Service workers end with their app.

A browser keeps a worker until its script is replaced: one that answers "not found" changes nothing,
and the worker would go on for the next app of that name. So where there is no script any more, a
browser that asks for one gets a script that takes the worker away.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import Response

FAREWELL = """\
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", () => self.registration.unregister());
"""


def is_asked_for(headers: Headers) -> bool:
    """Whether a browser asks for a worker's script (Service Workers, section 4.6)."""
    return headers.get("service-worker") == "script"


def is_gone(status: int, content_type: str) -> bool:
    """Whether an app's answer says that it has no such script: a page in its place says so too."""
    return status in (404, 410) or (status == 200 and "javascript" not in content_type.lower())


def farewell() -> Response:
    """The script that takes a worker away, also one that an app could once give a wider scope."""
    headers = {"Service-Worker-Allowed": "/", "Cache-Control": "no-store"}
    return Response(FAREWELL, media_type="text/javascript", headers=headers)
