"""The App Manager: an app's tabs, their forms, and its logs."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from de_tasks.appspec import URL_VARIABLE
from de_tasks.errors import NotFound
from de_tasks.server.api.endpoint import UPLOAD_LIMIT
from de_tasks.server.users.sessions import Session
from de_tasks.server.web.app_page import TABS, AppPage, address, page_number, there
from de_tasks.server.web.carry_out import carry_out, sentences
from de_tasks.server.web.changes import CHANGES, Change
from de_tasks.server.web.log_view import READ, asked_for, download, searched
from de_tasks.server.web.signed_in import Endpoint

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


class AppManager(AppPage):
    """Pages below /apps."""

    def routes(self) -> list[Route]:
        """Pages below /apps/NAME, which the platform documents as an app's settings."""
        return [
            Route("/apps/{name}", self.page(self.tab)),
            Route("/apps/{name}/live", self.script(self.live)),
            Route("/apps/{name}/log.txt", self.page(self.log)),
            *(Route(f"/apps/{{name}}/{tab}", self.page(self.tab)) for tab in list(TABS)[1:]),
            *(
                Route(f"/apps/{{name}}/{action}", self._door(change), methods=["POST"])
                for action, change in CHANGES.items()
            ),
            Route("/apps/{name}/{action}", self.nothing, methods=["POST"]),
        ]

    def _door(self, change: Change) -> Endpoint:
        """The door of one form; of one with a file in it, a wider one."""
        act, again = partial(self.change, change), partial(self.refused, change)
        return self.form(act, again, UPLOAD_LIMIT, 1) if change.read else self.form(act, again)

    async def nothing(self, request: Request) -> Response:
        """A form of another version of these pages."""
        session = self._sessions.of(request)
        return self._pages.message(404, "Not found", "There is nothing at this address.", session)

    async def tab(self, request: Request, session: Session) -> Response:
        """One app: the tab that the address ends in."""
        last = request.url.path.removeprefix(f"/apps/{request.path_params['name']}").strip("/")
        return await self._tab(request, session, last or "overview")

    async def log(self, request: Request, session: Session) -> Response:
        """The log of a process as a file of text."""
        name, process = request.path_params["name"], request.query_params.get("process", "web")
        found = await self.ask(request, session, LOG, name=name, process=process, count=READ)
        return download(there(found["runtimeLogs"], name), f"{name}-{process}")

    async def live(self, request: Request, session: Session) -> dict[str, Any]:
        """More of a log, for the page's script: held open until there is something."""
        asked = request.query_params
        process = asked.get("process", "")
        known = {"name": request.path_params["name"], "after": asked.get("after") or None}
        # What is there already is given at once; after that there is something to wait for, as
        # there is where a build is yet to begin or to end.
        known["wait"] = WAIT if known["after"] or "watch" in asked else 0
        if process:
            known["process"] = process
            found = await self.ask(request, session, LIVE["runtime"], **known)
            page, state = found["runtimeLogs"], {}
        else:
            known["build"] = asked.get("build") or None
            found = await self.ask(request, session, LIVE["build"], **known)
            build = found["build"]
            page = build and build["log"]
            state = {"id": build["id"], "status": build["status"]} if build else {}
        if page is None and "watch" in asked:
            return {}  # The first build is yet to begin.
        if page is None:
            raise NotFound("There is no such log.")
        return {"lines": [line["text"] for line in page["lines"]], "next": page["next"], **state}

    async def change(
        self, change: Change, request: Request, session: Session, form: FormData
    ) -> Response:
        """Do what a form of the page asks for, and show the page again."""
        name = request.path_params["name"]
        if change.read:
            # A file is read for those alone who manage the app.
            await self.app(request, session)
        outcome = await carry_out(change, name, form, partial(self.ask, request, session))
        said = sentences(change, name, outcome)
        if outcome.refused:
            page = await self._tab(request, session, change.tab, outcome.status, said)
            page.headers.update(outcome.headers)
            return page
        to = address(name, change.tab) + (f"/{outcome.build}" if outcome.build else "")
        return self._pages.next_page(to, session, said)

    async def refused(
        self, change: Change, request: Request, session: Session, status: int, error: str
    ) -> Response:
        """The tab of a form, with why it did nothing."""
        return await self._tab(request, session, change.tab, status, error)

    async def _tab(
        self, request: Request, session: Session, tab: str, status: int = 200, error: str = ""
    ) -> Response:
        app = await self.app(request, session)
        values = await self._values(request, session, app, tab)
        return self.shown(
            f"app_{tab}.html", request, session, app, tab, status, error=error, **values
        )

    async def _values(
        self, request: Request, session: Session, app: dict[str, Any], tab: str
    ) -> dict[str, Any]:
        """What a tab shows besides the app."""
        if tab == "builds":
            page = page_number(request)
            asked = self.ask(request, session, BUILDS, name=app["name"], page=page)
            found = (await asked)["builds"] or {"builds": [], "nextPage": None}
            return {"builds": found["builds"], "next": found["nextPage"]}
        if tab == "services":
            found = (await self.ask(request, session, SERVICES))["services"]
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
            name, (words, lines) = app["name"], asked_for(request)
            asked = self.ask(request, session, LOG, name=name, process=process, count=lines)
            found = (await asked)["runtimeLogs"] or {"lines": [], "next": "0"}
            view = await searched(found, words)
            return {"processes": names, "process": process, "view": view}
        return {}
