"""What all pages of an app have: who may see them, and the head with its tabs.

They speak to the platform through the API alone, as the signed-in user: the same rights, and the
points of the same budget. Values of variables are never asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from de_tasks.errors import NotFound
from de_tasks.server.api.endpoint import GraphQLEndpoint
from de_tasks.server.http.pages import Pages
from de_tasks.server.http.targets import target_of
from de_tasks.server.runtime.app_settings import MOST_PROCESSES
from de_tasks.server.users.authorization_header import address_of
from de_tasks.server.users.sessions import Session, Sessions
from de_tasks.server.web.ago import ago, duration
from de_tasks.server.web.deployed import commit_of
from de_tasks.server.web.previews import marks_of, preview_of, tags_of
from de_tasks.server.web.signed_in import SignedIn
from de_tasks.server.web.uploads import MOST_BYTES

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


class AppPage(SignedIn):
    """Asks for apps and shows them; each kind of page derives from it."""

    def __init__(self, sessions: Sessions, pages: Pages, api: GraphQLEndpoint) -> None:
        super().__init__(sessions, pages)
        self._api = api

    async def ask(
        self, request: Request, session: Session, document: str, **variables: Any
    ) -> dict[str, Any]:
        """What the API answers the user. Raises `DeTasksError` for a refusal."""
        find = self.finder(session)
        return await self._api.ask(session.user, find, address_of(request), document, **variables)

    async def app(self, request: Request, session: Session) -> dict[str, Any]:
        """The app that the address names. Raises `NotFound`, and as `ask`."""
        name = request.path_params["name"]
        app: dict[str, Any] | None = (await self.ask(request, session, APP, name=name))["app"]
        return there(app, name)

    def shown(
        self,
        template: str,
        request: Request,
        session: Session,
        app: dict[str, Any],
        tab: str,
        status: int = 200,
        **values: Any,
    ) -> Response:
        """A page of the app, in one of its tabs."""
        # The script asks for it again, and a form's own address may have no page.
        own = target_of(request.scope) if request.method == "GET" else address(app["name"], tab)
        return self._pages.answer(
            template,
            status,
            session,
            app=app,
            tab=tab,
            tabs=TABS,
            own=own,
            state=state_of(app),
            tags=tags_of(app["metadata"]["tags"]),
            marks=marks_of(app["metadata"]["tags"]),
            preview=preview_of(app),
            owns=session.user.is_admin or app["owner"]["username"] == session.user.username,
            most_processes=MOST_PROCESSES,
            most_bytes=MOST_BYTES,
            ago=ago,
            duration=duration,
            commit_of=commit_of,
            wide=True,
            live=True,
            **values,
        )


def there(found: dict[str, Any] | None, name: str) -> dict[str, Any]:
    """What the API has found of an app. Raises `NotFound` where that is nothing."""
    if found is None:
        raise NotFound(f"There is no app {name} that you manage.")
    return found


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
