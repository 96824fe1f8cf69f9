"""The admins' page of users: new ones, roles, groups, passwords, locks."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from de_tasks.errors import DeTasksError
from de_tasks.server.http.bodies import read_form
from de_tasks.server.http.pages import Pages
from de_tasks.server.users.accounts import Accounts
from de_tasks.server.users.administration import ROLES, Administration
from de_tasks.server.users.sessions import Session, Sessions, same

ADDRESS = "/account/users"
ACTIONS = ("add", "role", "groups", "password", "unlock")


class UsersPage:
    """The page at /account/users."""

    def __init__(
        self,
        accounts: Accounts,
        administration: Administration,
        sessions: Sessions,
        pages: Pages,
    ) -> None:
        self._accounts = accounts
        self._administration = administration
        self._sessions = sessions
        self._pages = pages

    def routes(self) -> list[Route]:
        """The page, and what its forms do."""
        forms = (Route(f"{ADDRESS}/{name}", self.change, methods=["POST"]) for name in ACTIONS)
        return [Route(ADDRESS, self.page), *forms]

    async def page(self, request: Request) -> Response:
        """All users, for an admin."""
        session = self._sessions.of(request)
        if session is None:
            return self._pages.to_sign_in(request)
        return self._page(session)

    async def change(self, request: Request) -> Response:
        """Do what a form of the page asks for. A new password is on the answer itself, once."""
        form = {name: str(value) for name, value in (await read_form(request)).items()}
        session = self._sessions.of(request)
        if session is None:
            return self._pages.message(401, "Signed out", "Sign in and try again.")
        if not session.user.is_admin:
            return self._page(session)
        if not same(form.get("csrf"), session.csrf):
            words = "This form was out of date. Please try again."
            return self._page(session, 403, error=words)
        name, action = form.get("username", "").strip(), request.url.path.rpartition("/")[2]
        try:
            said, password = self._done(session, action, name, form)
        except DeTasksError as error:
            return self._page(session, 400, error=str(error))
        if password:
            return self._page(session, said_now=said, password=password)
        return self._pages.next_page(ADDRESS, session, said)

    def _done(
        self, session: Session, action: str, name: str, form: dict[str, str]
    ) -> tuple[str, str]:
        """Do it; what is to be said, and a new password."""
        users, role = self._administration, form.get("role", "")
        groups = [group.strip() for group in form.get("groups", "").split(",") if group.strip()]
        if action == "add":
            return f"{name} was created. The password:", users.add(name, role, groups)
        if action == "password":
            words = f"{name} has a new password, and is signed out everywhere:"
            return words, users.reset_password(session.user, name)
        if action == "role":
            users.set_role(session.user, name, role)
            return f"The role of {name} is {role} now.", ""
        if action == "groups":
            users.set_groups(name, groups)
            return f"Groups of {name}: {', '.join(groups) or 'none'}.", ""
        users.unlock(name)
        return f"{name} can sign in again.", ""

    def _page(self, session: Session, status: int = 200, **values: Any) -> Response:
        if not session.user.is_admin:
            return self._pages.message(403, "Forbidden", "This is for admins.", session)
        groups, locked = self._accounts.groups_of, self._administration.locked
        names = [(user, user.username) for user in self._accounts.all()]
        users = [(user, groups(name), locked(name)) for user, name in names]
        return self._pages.answer(
            "users.html", status, session, users=users, roles=ROLES, wide=True, **values
        )
