"""The App Manager: the apps that somebody manages, and one app with its builds, logs and access.

It speaks to the platform through the API alone, as the signed-in user: the same rights, and the
points of the same budget. Values of variables are never asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from de_tasks.errors import DeTasksError
from de_tasks.server.api.endpoint import GraphQLEndpoint, RateLimited
from de_tasks.server.http.bodies import read_form
from de_tasks.server.http.pages import Pages
from de_tasks.server.users.authorization_header import address_of
from de_tasks.server.users.sessions import Session, Sessions, same
from de_tasks.server.web.ago import ago

LIST = """query ($page: Int) { apps(page: $page) { nextPage apps { name urlOnServer
owner { username } status { running deploying } latestBuild { id status queuedAt }
metadata { title } } } }"""
APP = """query ($name: String!) {
app(name: $name) { name urlOnServer owner { username } status { running deploying }
processes { type number status state restarts lastExit }
servingBuild { id finishedAt commit { sha } }
metadata { title description permissionLevel showInPortal tags }
collaborators { users teams } coOwners { users teams } environmentVariables { name readonly }
linkedServices { name serviceType status memory } persistentFilesystem python
latestBuild { id status error } }
builds(appname: $name) { builds { id status queuedAt commit { sha message author } } } }"""
LIVE = {
    "build": """query ($name: String!, $after: String, $wait: Int) {
build(appname: $name, after: $after, wait: $wait) { id status
log(count: 500, after: $after) { next lines { text } } } }""",
    "runtime": """query ($name: String!, $process: String, $after: String, $wait: Int) {
runtimeLogs(appname: $name, processName: $process, count: 500, after: $after, wait: $wait) {
next lines { text } } }""",
}
WAIT = 20
"""Seconds that a page's request for more of a log is held open."""
TABS: Mapping[str, str] = {
    "overview": "Overview",
    "builds": "Builds",
    "logs": "Logs",
    "variables": "Variables",
    "access": "Access",
    "services": "Services",
    "settings": "Settings",
}
"""The tabs of an app's page, each an address below the app's; the first is the app's own."""


class Change(NamedTuple):
    """What a form does: a document, the fields that it takes, and the tab that it stands in."""

    document: str
    fields: tuple[str, ...]
    tab: str


CHANGES: Mapping[str, Change] = {
    "restart": Change(
        "mutation ($name: String!) { restartApp(appname: $name) { error } }", (), "overview"
    ),
    "set-variable": Change(
        """mutation ($name: String, $key: String, $value: String) {
addEnvironmentVariable(appname: $name, name: $key, value: $value) { error } }""",
        ("key", "value"),
        "variables",
    ),
    "remove-variable": Change(
        """mutation ($name: String, $key: String) {
removeEnvironmentVariable(appname: $name, name: $key) { error } }""",
        ("key",),
        "variables",
    ),
    "view-access": Change(
        """mutation ($name: String, $level: PermissionLevels) {
updateApp(appname: $name, metadata: {permissionLevel: $level}) { error } }""",
        ("level",),
        "access",
    ),
    "python": Change(
        """mutation ($name: String!, $version: String) {
setPython(appname: $name, version: $version) { error } }""",
        ("version",),
        "settings",
    ),
    "service-memory": Change(
        """mutation ($service: String!, $kind: ServiceType!, $memory: String) {
updateService(name: $service, serviceType: $kind, memory: $memory) { error } }""",
        ("service", "kind", "memory"),
        "services",
    ),
    "transfer": Change(
        """mutation ($name: String!, $person: String!) {
transferApp(appname: $name, username: $person) { error } }""",
        ("person",),
        "settings",
    ),
    **{
        f"{verb}-{who}-{kind}": Change(
            f"""mutation ($name: String!, $person: [String]) {{
{mutation}(appname: $name, {argument}: $person) {{ error }} }}""",
            ("person",),
            "access",
        )
        for verb in ("add", "remove")
        for who, noun in (("viewer", "Collaborators"), ("co-owner", "CoOwners"))
        for kind, argument in (("user", "users"), ("group", "teams"))
        for mutation in (f"{verb}{noun}",)
    },
}
"""What the forms of an app's page do: a document, and the fields that it takes."""


class AppManager:
    """Pages below /apps."""

    def __init__(self, api: GraphQLEndpoint, sessions: Sessions, pages: Pages) -> None:
        self._api = api
        self._sessions = sessions
        self._pages = pages

    def routes(self) -> list[Route]:
        """Pages below /apps; the platform documents /apps/NAME as an app's settings."""
        return [
            Route("/apps", self.listing),
            Route("/apps/{name}", self.app),
            Route("/apps/{name}/live", self.live),
            *(Route(f"/apps/{{name}}/{tab}", self.app) for tab in TABS if tab != "overview"),
            Route("/apps/{name}/{action}", self.change, methods=["POST"]),
        ]

    async def listing(self, request: Request) -> Response:
        """The apps that one manages, a page of them."""
        session = self._sessions.of(request)
        if session is None:
            return self._pages.to_sign_in(request)
        text = request.query_params.get("page", "1")
        page = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1
        try:
            found = (await self._ask(request, session, LIST, page=page))["apps"]
        except DeTasksError as error:
            return self._refused(error, session)
        return self._pages.answer(
            "apps.html", session=session, apps=found["apps"], next=found["nextPage"], wide=True
        )

    async def app(self, request: Request) -> Response:
        """One app: the tab that the address ends in."""
        session = self._sessions.of(request)
        if session is None:
            return self._pages.to_sign_in(request)
        last = request.url.path.removeprefix(f"/apps/{request.path_params['name']}").strip("/")
        return await self._page(request, session, last or "overview")

    async def live(self, request: Request) -> Response:
        """More of a log, for the page's script: held open until there is something."""
        session = self._sessions.of(request)
        if session is None:
            return JSONResponse({"error": "Signed out."}, 401)
        asked = request.query_params
        process = asked.get("process", "")
        variables = {"name": request.path_params["name"], "after": asked.get("after") or None}
        # What is there already is given at once; after that there is something to wait for.
        variables["wait"] = WAIT if variables["after"] else 0
        try:
            if process:
                variables["process"] = process
                found = await self._ask(request, session, LIVE["runtime"], **variables)
                page, state = found["runtimeLogs"], {}
            else:
                build = (await self._ask(request, session, LIVE["build"], **variables))["build"]
                page = build and build["log"]
                state = {"id": build["id"], "status": build["status"]} if build else {}
        except RateLimited as error:
            return JSONResponse({"error": str(error)}, 429, {"Retry-After": str(error.seconds)})
        except DeTasksError as error:
            return JSONResponse({"error": str(error)}, 400)
        if page is None:
            return JSONResponse({"error": "There is no such log."}, 404)
        lines = [line["text"] for line in page["lines"]]
        return JSONResponse({"lines": lines, "next": page["next"], **state})

    async def change(self, request: Request) -> Response:
        """Do what a form of the page asks for, and show the page again."""
        session = self._sessions.of(request)
        if session is None:
            return self._pages.message(401, "Signed out", "Sign in and try again.")
        form = await read_form(request)
        change = CHANGES.get(request.path_params["action"])
        if change is None:
            return self._pages.message(404, "Not here", "There is nothing at this address.")
        if not same(form.get("csrf"), session.csrf):
            words = "This form was out of date. Please try again."
            return await self._page(request, session, change.tab, 403, words)
        variables = {field: str(form.get(field, "")) for field in change.fields}
        name = request.path_params["name"]
        try:
            await self._ask(request, session, change.document, name=name, **variables)
        except RateLimited as error:
            return await self._page(request, session, change.tab, 429, str(error))
        except DeTasksError as error:
            return await self._page(request, session, change.tab, 400, str(error))
        return self._pages.next_page(address(name, change.tab))

    async def _page(
        self, request: Request, session: Session, tab: str, status: int = 200, error: str = ""
    ) -> Response:
        name = request.path_params["name"]
        try:
            found = await self._ask(request, session, APP, name=name)
        except DeTasksError as problem:
            return self._refused(problem, session)
        app = found["app"]
        if app is None:
            words = f"There is no app {name} that you manage."
            return self._pages.message(404, "No such app", words, session)
        names = [process["type"] for process in app["processes"]] or ["web"]
        process = request.query_params.get("process", "")
        return self._pages.answer(
            f"app_{tab}.html",
            status,
            session,
            app=app,
            builds=found["builds"]["builds"] if found["builds"] else [],
            processes=names,
            process=process if process in names else names[0],
            tab=tab,
            tabs=TABS,
            state=state_of(app),
            ago=ago,
            error=error,
            wide=True,
            live=True,
        )

    async def _ask(
        self, request: Request, session: Session, document: str, **variables: Any
    ) -> dict[str, Any]:
        return await self._api.ask(session.user, address_of(request), document, **variables)

    def _refused(self, error: DeTasksError, session: Session) -> Response:
        if isinstance(error, RateLimited):
            page = self._pages.message(429, "Too many requests", str(error), session)
            page.headers["Retry-After"] = str(error.seconds)
            return page
        return self._pages.message(403, "Forbidden", str(error), session)


def address(name: str, tab: str) -> str:
    """The path of a tab."""
    return f"/apps/{name}" if tab == "overview" else f"/apps/{name}/{tab}"


def state_of(app: dict[str, Any]) -> str:
    """One word for how an app is: what needs attention before what is well."""
    if app["status"]["deploying"]:
        return "deploying"
    if any(process["state"] == "crashing" for process in app["processes"]):
        return "crashing"
    if app["status"]["running"]:
        return "running"
    return "stopped" if app["latestBuild"] else "never deployed"
