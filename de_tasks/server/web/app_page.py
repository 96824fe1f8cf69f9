"""What all pages of an app have: who may see them, and the head with its tabs.

They speak to the platform through the API alone, as the signed-in user: the same rights, and the
points of the same budget. Values of variables are never asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from de_tasks.errors import DeTasksError, NotPermitted
from de_tasks.server.api.endpoint import GraphQLEndpoint, RateLimited
from de_tasks.server.http.pages import Pages
from de_tasks.server.runtime.app_settings import MOST_PROCESSES
from de_tasks.server.users.authorization_header import address_of
from de_tasks.server.users.sessions import Session
from de_tasks.server.web.ago import ago, duration
from de_tasks.server.web.deployed import commit_of
from de_tasks.server.web.previews import marks_of, preview_of, tags_of

APP = """query ($name: String!) {
app(name: $name) { name urlOnServer gitUrl thumbnailUrl
owner { username } status { running deploying canScale }
processes { type number status state restarts lastExit }
servingBuild { id finishedAt commit { sha message } }
metadata { title description permissionLevel showInPortal sortRank tags }
collaborators { users teams } coOwners { users teams } environmentVariables { name readonly }
linkedServices { name serviceType status memory } persistentFilesystem python
latestBuild { id status error } analytics { timestamps { created } } } }"""
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

STATES = ("running", "deploying", "crashing", "stopped", "never deployed")
"""How an app may be, in one word."""


class AppPage:
    """Asks for apps and shows them."""

    def __init__(self, api: GraphQLEndpoint, pages: Pages) -> None:
        self._api = api
        self._pages = pages

    async def ask(
        self, request: Request, session: Session, document: str, **variables: Any
    ) -> dict[str, Any]:
        """What the API answers the user. Raises `DeTasksError` for a refusal."""
        return await self._api.ask(session.user, address_of(request), document, **variables)

    async def find(self, request: Request, session: Session) -> dict[str, Any] | Response:
        """The app that the address names, or the page that says why it is not shown."""
        name = request.path_params["name"]
        try:
            app: dict[str, Any] | None = (await self.ask(request, session, APP, name=name))["app"]
        except DeTasksError as error:
            return self.refused(error, session)
        if app is None:
            words = f"There is no app {name} that you manage."
            return self._pages.message(404, "No such app", words, session)
        return app

    def show(
        self,
        template: str,
        session: Session,
        app: dict[str, Any],
        tab: str,
        status: int = 200,
        **values: Any,
    ) -> Response:
        """A page of the app, in one of its tabs."""
        return self._pages.answer(
            template,
            status,
            session,
            app=app,
            tab=tab,
            tabs=TABS,
            state=state_of(app),
            tags=tags_of(app["metadata"]["tags"]),
            marks=marks_of(app["metadata"]["tags"]),
            preview=preview_of(app),
            owns=session.user.is_admin or app["owner"]["username"] == session.user.username,
            most_processes=MOST_PROCESSES,
            ago=ago,
            duration=duration,
            commit_of=commit_of,
            wide=True,
            live=True,
            **values,
        )

    def refused(self, error: DeTasksError, session: Session) -> Response:
        """The page of a refusal."""
        if isinstance(error, RateLimited):
            page = self._pages.message(429, "Too many requests", str(error), session)
            page.headers["Retry-After"] = str(error.seconds)
            return page
        if isinstance(error, NotPermitted):
            return self._pages.message(403, "Forbidden", str(error), session)
        return self._pages.message(400, "Not possible", str(error), session)


def address(name: str, tab: str) -> str:
    """The path of a tab."""
    return f"/apps/{name}" if tab == "overview" else f"/apps/{name}/{tab}"


def page_number(request: Request) -> int:
    """The page of a list that an address asks for, the first one where it asks for none."""
    text = request.query_params.get("page", "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def state_of(app: dict[str, Any]) -> str:
    """One word for how an app is: what needs attention before what is well."""
    if app["status"]["deploying"]:
        return "deploying"
    if any(process["state"] == "crashing" for process in app["processes"]):
        return "crashing"
    if app["status"]["running"]:
        return "running"
    return "stopped" if app["latestBuild"] else "never deployed"
