"""Creating an app, by its name."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from de_tasks.appspec import LONGEST_NAME, SHORTEST_NAME, check_app_name, legal_app_name
from de_tasks.errors import DeTasksError, NotPermitted, UsageError
from de_tasks.server.errors import TryLater
from de_tasks.server.users.access import need_seat
from de_tasks.server.users.sessions import Session
from de_tasks.server.web.app_page import AppPage, address

ADDRESS = "/apps/-/new"
"""No app's name begins with -, so that this is no app's page."""
CREATE = "mutation ($name: String) { addApp(name: $name) { error } }"
LONGEST_SHOWN = 100


class NewAppPage(AppPage):
    """The page at /apps/-/new."""

    def routes(self) -> list[Route]:
        """The page, and what its form does."""
        create = self.form(self.create, self.once_more)
        return [Route(ADDRESS, self.page(self.begin)), Route(ADDRESS, create, methods=["POST"])]

    async def begin(self, request: Request, session: Session) -> Response:
        """Ask for a name."""
        return self._form(session)

    async def create(self, request: Request, session: Session, form: FormData) -> Response:
        """Create the app, and show its page, which says how to deploy to it."""
        name = str(form.get("name", "")).strip()
        try:
            need_seat(session.user)
            check_name(name)
            await self.ask(request, session, CREATE, name=name)
        except NotPermitted:
            raise
        except TryLater as error:
            page = self._form(session, 429, str(error), name)
            page.headers.update(error.headers)
            return page
        except UsageError as error:
            return self._form(session, 400, str(error), name)
        except DeTasksError as error:
            return self._form(session, 400, f"{name} was not created. {error}", name)
        return self._pages.next_page(address(name, "overview"), session, f"{name} was created.")

    async def once_more(
        self, request: Request, session: Session, status: int, error: str
    ) -> Response:
        """The form, with why it did nothing."""
        return self._form(session, status, error)

    def _form(
        self, session: Session, status: int = 200, error: str = "", name: str = ""
    ) -> Response:
        need_seat(session.user)
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
