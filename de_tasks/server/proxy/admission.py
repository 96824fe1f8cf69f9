"""The way to the apps: `/<app>/...` on the apps' own host, for those who may view them."""

from __future__ import annotations

import sqlite3
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from de_tasks.server.apps import Apps
from de_tasks.server.builds.queue import FINISHED
from de_tasks.server.http.pages import Pages
from de_tasks.server.http.targets import app_of
from de_tasks.server.proxy import service_workers
from de_tasks.server.proxy.forward import Forwarder, starting
from de_tasks.server.proxy.visitors import Visit, Visitors
from de_tasks.server.runtime.app import App, Instance
from de_tasks.server.runtime.releases import Releases
from de_tasks.server.settings import ServerSettings
from de_tasks.server.users.access import Access

SIGNED_IN = "/-/signed-in"
AGAIN = "This page reloads every five seconds."
SECONDS = 5


class Proxy:
    """The ASGI app of the apps' host."""

    def __init__(
        self,
        settings: ServerSettings,
        apps: Apps,
        access: Access,
        releases: Releases,
        visitors: Visitors,
        forwarder: Forwarder,
        pages: Pages,
    ) -> None:
        self._settings = settings
        self._apps = apps
        self._access = access
        self._releases = releases
        self._visitors = visitors
        self._forwarder = forwarder
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        row = self._apps.find(app_of(scope)[0])
        visit = self._visitors.of(Headers(scope=scope))
        if scope["type"] == "websocket":
            refusal = self._closed(scope, row, visit)
        else:
            refusal = await self._answered(Request(scope, receive), row, visit)
        if refusal is not None:
            await refusal(scope, receive, send)
        elif row is not None:
            await self._forward(scope, receive, send, row, visit)

    async def _forward(
        self, scope: Scope, receive: Receive, send: Send, row: sqlite3.Row, visit: Visit | None
    ) -> None:
        name: str = row["name"]
        web = self._web(row)
        if web is None:
            return await self._nothing(row, visit)(scope, receive, send)
        headers = Headers(scope=scope)

        def allowed() -> bool:
            """Whether the app is still there, and the visitor the same and still admitted."""
            app, now = self._apps.find(name), self._visitors.of(headers)
            same = (now and now.session) == (visit and visit.session)
            return app is not None and app["id"] == row["id"] and same and self._admits(now, app)

        cookies = self._visitors.app_cookies(visit, name) if visit else ""
        forward = self._forwarder.http if scope["type"] == "http" else self._forwarder.websocket
        await forward(scope, receive, send, name, web, cookies, allowed, _named(visit))

    def _closed(
        self, scope: Scope, row: sqlite3.Row | None, visit: Visit | None
    ) -> Response | None:
        """The refusal of a WebSocket, None when it is passed on."""
        if row is not None and app_of(scope)[1] is not None and self._admits(visit, row):
            return None
        return PlainTextResponse("You may not open this.\n", 403)

    async def _answered(
        self, request: Request, row: sqlite3.Row | None, visit: Visit | None
    ) -> Response | None:
        """The answer to a request that does not reach an app, None when it is passed on."""
        name, rest = app_of(request.scope)
        for_worker = service_workers.is_asked_for(request.headers)
        if row is None:
            if for_worker:
                return service_workers.farewell()
            return await self._elsewhere(request, name, visit)
        if not self._admits(visit, row):
            return self._refusal(request, row, visit)
        if rest is None and for_worker:
            # Its scope would be all apps: a worker's is the folder of its script.
            words = "There is no worker at this address."
            return self._pages.message(404, "Not found", words, visitor=_named(visit))
        if rest is None:
            query = f"?{request.url.query}" if request.url.query else ""
            return RedirectResponse(f"/{name}/{query}", 308)
        self._apps.visited(row)
        return None

    def _admits(self, visit: Visit | None, row: sqlite3.Row) -> bool:
        return self._access.may_view(visit.user if visit else None, row)

    def _web(self, row: sqlite3.Row) -> Instance | None:
        release = self._app(row).current
        return release.pick() if release else None

    def _app(self, row: sqlite3.Row) -> App:
        return self._releases.app(row["id"], row["name"])

    async def _elsewhere(self, request: Request, name: str, visit: Visit | None) -> Response:
        if request.scope["path"] == SIGNED_IN and request.method == "GET":
            return await self._visitors.signed_in(request)
        if request.scope["path"] == "/":
            return RedirectResponse(f"{self._settings.url}/", 303)
        words = f"There is no app {name} here."
        return self._pages.message(404, "No such app", words, visitor=_named(visit))

    def _refusal(self, request: Request, row: sqlite3.Row, visit: Visit | None) -> Response:
        name = row["name"]
        if visit:
            who, owner = visit.user.username, row["owner"]
            text = f"{who} does not have access to {name}. Ask its owner, {owner}."
            link, label = f"{self._settings.openid}/logout", "Sign in as another user"
            return self._pages.message(
                403, "No access", text, link=link, label=label, visitor=_named(visit)
            )
        if self._visitors.ambiguous(request.headers):
            text = "Your browser sent two sign-in cookies. Delete the cookies of this site."
            return self._pages.message(400, "Sign in again", text)
        if request.method in ("GET", "HEAD") and _shows_pages(request.headers):
            return self._visitors.to_sign_in(request)
        text = f"Open {name} in your browser to sign in."
        page = self._pages.message(401, "Not signed in", text, link=f"/{name}/", label="Sign in")
        page.headers["WWW-Authenticate"] = 'Form realm="Dash Enterprise sandbox"'
        return page

    def _nothing(self, row: sqlite3.Row, visit: Visit | None) -> Response:
        name, app = row["name"], self._app(row)
        unstarted = bool(app.problem) and not app.current
        if self._comes(app) and not unstarted:
            return starting(self._pages, name, _named(visit))
        build = self._apps.last_build(row)
        if unstarted:
            title = "Not started"
            text = f"{name} could not be started: {app.problem} The sandbox keeps trying."
        elif app.current:
            title, text = "Not running", f"The web process of {name} is scaled to zero."
        elif build is None:
            title, text = "Not deployed yet", f"{name} has not been deployed yet."
        elif build["status"] not in FINISHED:
            title, text = "Still building", f"The first release of {name} is being built."
        else:
            title, text = "Not built", f"No build of {name} has succeeded yet."
        values: dict[str, Any] = {"visitor": _named(visit)}
        if visit and self._apps.may_manage(visit.user, row):
            values |= {"link": f"{self._settings.url}/apps/{name}", "label": "Open the App Manager"}
            if build is not None and not app.current:
                values["link"] += f"/builds/{build['id']}"
                values["label"] = f"Open build {build['id']}"
        page = self._pages.message(503, title, f"{text} {AGAIN}", **values)
        page.headers["Refresh"] = str(SECONDS)
        return page

    def _comes(self, app: App) -> bool:
        """Whether a web process is started at this moment, or again after its end."""
        return bool(app.current.webs() if app.current else app.starting)


def _named(visit: Visit | None) -> str:
    return visit.user.username if visit else ""


def _shows_pages(headers: Headers) -> bool:
    # What a script asks for is not shown, and cannot lead anybody to sign in.
    return headers.get("sec-fetch-mode", "navigate") == "navigate"
