"""HTML pages, from the templates in `html/`, with the headers that protect them.

A template extends `layout.html` and fills its blocks `title` and `body`; given a session, the
layout shows who is signed in, the ways between pages, and a button to sign out. `wide` as
a value makes room for lists and tables.
"""

from __future__ import annotations

import base64
import hashlib
from collections import OrderedDict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from de_tasks.server.http.targets import path_of, target_of
from de_tasks.server.settings import ServerSettings
from de_tasks.server.users.sessions import Session

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).with_name("html")
MOST_SAID = 1000
LONGEST_SAID = 3000
OUT_OF_DATE = "This form was out of date. Please try again."


class Pages:
    """Renders pages."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        # By the session: a sentence in an address could be anybody's, and in a cookie an app's.
        self._said: OrderedDict[str, str] = OrderedDict()
        self._style = (FOLDER / "style.css").read_text("utf-8")
        self._headers = {
            "Content-Security-Policy": "; ".join(
                (
                    "default-src 'none'",
                    f"style-src 'sha256-{_hash(self._style)}'",
                    "img-src 'self' data:",
                    # After a sign-in the browser goes on to an app: to Chromium that is still
                    # the form's action.
                    f"form-action 'self' {settings.url} {settings.apps_url}",
                    "frame-ancestors 'none'",
                    "base-uri 'none'",
                )
            ),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }

    @cached_property
    def _templates(self) -> Environment:
        from jinja2 import Environment, FileSystemLoader

        made = Environment(loader=FileSystemLoader(FOLDER), autoescape=True)
        made.globals.update(
            style=self._style,
            platform=self._settings.url,
            authority=self._settings.authority,
            openid=self._settings.openid,
            sign_in=f"{self._settings.issuer}/sign-in",
        )
        return made

    def answer(
        self, template: str, status: int = 200, session: Session | None = None, **values: Any
    ) -> HTMLResponse:
        """A page; with a session, one for a signed-in user. `live` as a value lets the
        platform's own script run and ask the platform. What the last form of the session had
        to say is said on it."""
        said = self._said.pop(session.hash, "") if session and status == 200 else ""
        text = self._templates.get_template(template).render(session=session, said=said, **values)
        response = HTMLResponse(text, status, headers=self._headers)
        if values.get("live"):
            policy = self._headers["Content-Security-Policy"]
            own = f"script-src {self._settings.url}/static/live.js; connect-src 'self'"
            response.headers["Content-Security-Policy"] = f"{policy}; {own}"
        return response

    def message(
        self, status: int, title: str, text: str, session: Session | None = None, **values: Any
    ) -> HTMLResponse:
        """A page that says one thing; `link` and `label` as values are the way on, in place of
        the one back to the platform. `visitor` as a value is who is signed in on the apps' host,
        whose pages have no form: an app could read its token."""
        return self.answer("message.html", status, session, title=title, text=text, **values)

    def to_sign_in(self, request: Request, query: str | None = None) -> Response:
        """Send a browser to sign in, and back to the page that it asked for."""
        path = target_of(request.scope)
        if query is not None:
            path = path_of(request.scope) + (f"?{query}" if query else "")
        return RedirectResponse(f"{self._settings.issuer}/sign-in?to={quote(path, safe='')}", 303)

    def next_page(self, path: str, session: Session | None = None, said: str = "") -> Response:
        """Send a browser on after a form, to a page of this platform and nowhere else, which says
        to the session what was done."""
        if session and said:
            self._said[session.hash] = said[:LONGEST_SAID]
            while len(self._said) > MOST_SAID:
                self._said.popitem(last=False)
        return RedirectResponse(self._settings.url + own_path(path), 303)


def own_path(text: str) -> str:
    """The text if it is a path with a query on this very host, else `/`.

    Browsers take `//host`, `/\\host` and addresses with tabs in them to other hosts
    (https://url.spec.whatwg.org/#concept-basic-url-parser).
    """
    if not text.startswith("/") or not text.isascii() or not text.isprintable() or "\\" in text:
        return "/"
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/"
    return "/" if parts.scheme or parts.netloc or text.startswith("//") else text


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
