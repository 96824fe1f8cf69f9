"""The App Manager: an app's tabs, their forms, and its logs."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from de_tasks.appspec import URL_VARIABLE
from de_tasks.errors import DeTasksError
from de_tasks.server.api.endpoint import UPLOAD_LIMIT, RateLimited
from de_tasks.server.http.bodies import read_form
from de_tasks.server.http.pages import Pages
from de_tasks.server.users.sessions import Session, Sessions, same
from de_tasks.server.web.app_page import TABS, AppPage, address, page_number
from de_tasks.server.web.carry_out import carry_out, sentences
from de_tasks.server.web.changes import CHANGES
from de_tasks.server.web.log_view import READ, LogView, download

BUILDS = """query ($name: String!, $page: Int) { builds(appname: $name, page: $page) { nextPage
builds { id status queuedAt startedAt finishedAt error commit { sha message author } } } }"""
LOG = """query ($name: String!, $process: String!, $count: Int) {
runtimeLogs(appname: $name, processName: $process, count: $count) { next lines { time text } } }"""
SERVICES = "{ services { name serviceType apps } }"
LIVE = {
    "build": """query ($name: String!, $build: ID, $after: String, $wait: Int) {
build(appname: $name, id: $build, after: $after, wait: $wait) { id status
log(count: 500, after: $after) { next lines { text } } } }""",
    "runtime": """query ($name: String!, $process: String, $after: String, $wait: Int) {
runtimeLogs(appname: $name, processName: $process, count: 500, after: $after, wait: $wait) {
next lines { text } } }""",
}
WAIT = 20
"""Seconds that a page's request for more of a log is held open."""


class AppManager:
    """Pages below /apps."""

    def __init__(self, page: AppPage, sessions: Sessions, pages: Pages) -> None:
        self._page = page
        self._sessions = sessions
        self._pages = pages

    def routes(self) -> list[Route]:
        """Pages below /apps/NAME, which the platform documents as an app's settings."""
        return [
            Route("/apps/{name}", self.app),
            Route("/apps/{name}/live", self.live),
            Route("/apps/{name}/log.txt", self.log),
            *(Route(f"/apps/{{name}}/{tab}", self.app) for tab in TABS if tab != "overview"),
            Route("/apps/{name}/{action}", self.change, methods=["POST"]),
        ]

    async def app(self, request: Request) -> Response:
        """One app: the tab that the address ends in."""
        session = self._sessions.of(request)
        if session is None:
            return self._pages.to_sign_in(request)
        last = request.url.path.removeprefix(f"/apps/{request.path_params['name']}").strip("/")
        return await self._tab(request, session, last or "overview")

    async def log(self, request: Request) -> Response:
        """The log of a process as a file of text."""
        session = self._sessions.of(request)
        if session is None:
            return self._pages.to_sign_in(request)
        name, process = request.path_params["name"], request.query_params.get("process", "web")
        try:
            found = await self._page.ask(
                request, session, LOG, name=name, process=process, count=READ
            )
        except DeTasksError as error:
            return self._page.refused(error, session)
        if found["runtimeLogs"] is None:
            words = f"There is no app {name} that you manage."
            return self._pages.message(404, "No such app", words, session)
        return download(found["runtimeLogs"], f"{name}-{process}")

    async def live(self, request: Request) -> Response:
        """More of a log, for the page's script: held open until there is something."""
        session = self._sessions.of(request)
        if session is None:
            return JSONResponse({"error": "Signed out."}, 401)
        asked = request.query_params
        process = asked.get("process", "")
        known = {"name": request.path_params["name"], "after": asked.get("after") or None}
        # What is there already is given at once; after that there is something to wait for, as
        # there is where a build is yet to begin or to end.
        known["wait"] = WAIT if known["after"] or "watch" in asked else 0
        try:
            if process:
                known["process"] = process
                found = await self._page.ask(request, session, LIVE["runtime"], **known)
                page, state = found["runtimeLogs"], {}
            else:
                known["build"] = asked.get("build") or None
                found = await self._page.ask(request, session, LIVE["build"], **known)
                build = found["build"]
                page = build and build["log"]
                state = {"id": build["id"], "status": build["status"]} if build else {}
        except RateLimited as error:
            return JSONResponse({"error": str(error)}, 429, {"Retry-After": str(error.seconds)})
        except DeTasksError as error:
            return JSONResponse({"error": str(error)}, 400)
        if page is None and "watch" in asked:
            return JSONResponse({})  # The first build is yet to begin.
        if page is None:
            return JSONResponse({"error": "There is no such log."}, 404)
        lines = [line["text"] for line in page["lines"]]
        return JSONResponse({"lines": lines, "next": page["next"], **state})

    async def change(self, request: Request) -> Response:
        """Do what a form of the page asks for, and show the page again."""
        # The form may come slowly; what counts is who is signed in when it has come.
        form = await self._form(request)
        session = self._sessions.of(request)
        if session is None:
            return self._pages.message(401, "Signed out", "Sign in and try again.")
        change = CHANGES.get(request.path_params["action"])
        if change is None:
            words = "There is nothing at this address."
            return self._pages.message(404, "Not here", words, session)
        if not same(form.get("csrf"), session.csrf):
            words = "This form was out of date. Please try again."
            return await self._tab(request, session, change.tab, 403, words)
        name = request.path_params["name"]
        outcome = await carry_out(change, name, form, partial(self._page.ask, request, session))
        said = sentences(change, name, outcome)
        if outcome.refused:
            return await self._tab(request, session, change.tab, outcome.status, said)
        to = address(name, change.tab) + (f"/{outcome.build}" if outcome.build else "")
        return self._pages.next_page(to, session, said)

    async def _form(self, request: Request) -> FormData:
        """The form; one with a file may be larger, for who is signed in."""
        change = CHANGES.get(request.path_params["action"])
        if change and change.read and self._sessions.of(request):
            return await read_form(request, UPLOAD_LIMIT, files=1)
        return await read_form(request)

    async def _tab(
        self, request: Request, session: Session, tab: str, status: int = 200, error: str = ""
    ) -> Response:
        app = await self._page.find(request, session)
        if isinstance(app, Response):
            return app
        try:
            values = await self._values(request, session, app, tab)
        except DeTasksError as problem:
            return self._page.refused(problem, session)
        return self._page.show(f"app_{tab}.html", session, app, tab, status, error=error, **values)

    async def _values(
        self, request: Request, session: Session, app: dict[str, Any], tab: str
    ) -> dict[str, Any]:
        """What a tab shows besides the app."""
        if tab == "builds":
            page = page_number(request)
            asked = self._page.ask(request, session, BUILDS, name=app["name"], page=page)
            found = (await asked)["builds"] or {"builds": [], "nextPage": None}
            return {"builds": found["builds"], "next": found["nextPage"]}
        if tab == "services":
            found = (await self._page.ask(request, session, SERVICES))["services"]
            others = [one for one in found if app["name"] not in one["apps"]]
            taken = {one["serviceType"] for one in app["linkedServices"]}
            return {
                "others": [one for one in others if one["serviceType"] not in taken],
                "kinds": [kind for kind in URL_VARIABLE if kind not in taken],
                "variables": URL_VARIABLE,
            }
        if tab == "logs" and app["latestBuild"]:
            names = [process["type"] for process in app["processes"]] or ["web"]
            process = request.query_params.get("process", "")
            process = process if process in names else names[0]
            asked = self._page.ask(
                request, session, LOG, name=app["name"], process=process, count=READ
            )
            words = request.query_params.get("q", "")
            view = LogView.of((await asked)["runtimeLogs"] or {"lines": [], "next": "0"}, words)
            return {"processes": names, "process": process, "view": view}
        return {}
