"""Creating an app, by its name."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from de_tasks.appspec import LONGEST_NAME, SHORTEST_NAME, check_app_name, legal_app_name
from de_tasks.errors import DeTasksError, NotPermitted, UsageError
from de_tasks.server.api.endpoint import RateLimited
from de_tasks.server.http.bodies import read_form
from de_tasks.server.http.pages import Pages
from de_tasks.server.users.access import need_seat
from de_tasks.server.users.sessions import Session, Sessions, same
from de_tasks.server.web.app_page import AppPage, address

ADDRESS = "/apps/-/new"
"""No app's name begins with -, so that this is no app's page."""
CREATE = "mutation ($name: String) { addApp(name: $name) { error } }"
LONGEST_SHOWN = 100


class NewAppPage:
    """The page at /apps/-/new."""

    def __init__(self, page: AppPage, sessions: Sessions, pages: Pages) -> None:
        self._page = page
        self._sessions = sessions
        self._pages = pages

    def routes(self) -> list[Route]:
        """The page, and what its form does."""
        return [Route(ADDRESS, self.ask), Route(ADDRESS, self.create, methods=["POST"])]

    async def ask(self, request: Request) -> Response:
        """Ask for a name."""
        session = self._sessions.of(request)
        if session is None:
            return self._pages.to_sign_in(request)
        return self._form(session)

    async def create(self, request: Request) -> Response:
        """Create the app, and show its page, which says how to deploy to it."""
        form = await read_form(request)
        session = self._sessions.of(request)
        if session is None:
            return self._pages.message(401, "Signed out", "Sign in and try again.")
        name = str(form.get("name", "")).strip()
        if not same(form.get("csrf"), session.csrf):
            words = "This form was out of date. Please try again."
            return self._form(session, 403, words, name)
        try:
            need_seat(session.user)
            check_name(name)
            await self._page.ask(request, session, CREATE, name=name)
        except (RateLimited, NotPermitted) as error:
            return self._page.refused(error, session)
        except UsageError as error:
            return self._form(session, 400, str(error), name)
        except DeTasksError as error:
            return self._form(session, 400, f"{name} was not created. {error}", name)
        return self._pages.next_page(address(name, "overview"), session, f"{name} was created.")

    def _form(
        self, session: Session, status: int = 200, error: str = "", name: str = ""
    ) -> Response:
        try:
            need_seat(session.user)
        except NotPermitted as refusal:
            return self._page.refused(refusal, session)
        return self._pages.answer(
            "app_new.html",
            status,
            session,
            error=error,
            name=name[:LONGEST_SHOWN],
            shortest=SHORTEST_NAME,
            longest=LONGEST_NAME,
            below=True,
            wide=True,
        )


def check_name(name: str) -> None:
    """Raise `UsageError` that has the name, what is wrong with it, and a legal one like it."""
    if not name:
        raise UsageError("Type a name for the app, such as sales-report.")
    name = name[:LONGEST_SHOWN]
    check_app_name(name, "")
    if not SHORTEST_NAME <= len(name) <= LONGEST_NAME:
        raise UsageError(
            f"{name!r} is not a legal app name: one has {SHORTEST_NAME} to {LONGEST_NAME} "
            f"characters. Try {legal_app_name(name)}"
        )
