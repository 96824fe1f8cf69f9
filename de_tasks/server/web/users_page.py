"""The admins' page of users: new ones, roles, groups, passwords, locks."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from de_tasks.errors import NotPermitted
from de_tasks.server.http.pages import Pages
from de_tasks.server.users.accounts import Accounts
from de_tasks.server.users.administration import ROLES, Administration
from de_tasks.server.users.sessions import Session, Sessions
from de_tasks.server.web.signed_in import SignedIn

ADDRESS = "/account/users"
ACTIONS = ("add", "role", "groups", "password", "unlock")


class UsersPage(SignedIn):
    """The page at /account/users."""

    def __init__(
        self,
        sessions: Sessions,
        pages: Pages,
        accounts: Accounts,
        administration: Administration,
    ) -> None:
        super().__init__(sessions, pages)
        self._accounts = accounts
        self._administration = administration

    def routes(self) -> list[Route]:
        """The page, and what its forms do."""
        change = self.form(self.change, self.users)
        forms = (Route(f"{ADDRESS}/{name}", change, methods=["POST"]) for name in ACTIONS)
        return [Route(ADDRESS, self.page(self.users)), *forms]

    async def users(
        self, request: Request, session: Session, status: int = 200, error: str = "", **values: Any
    ) -> Response:
        """All users, for an admin."""
        _need_admin(session)
        groups, locked = self._accounts.groups_of, self._administration.locked
        names = [(user, user.username) for user in self._accounts.all()]
        users = [(user, groups(name), locked(name)) for user, name in names]
        values |= {"error": error, "users": users, "roles": ROLES, "wide": True}
        return self._pages.answer("users.html", status, session, **values)

    async def change(self, request: Request, session: Session, form: FormData) -> Response:
        """Do what a form of the page asks for. A new password is on the answer itself, once."""
        _need_admin(session)
        given = {name: str(value) for name, value in form.items()}
        name, action = given.get("username", "").strip(), request.url.path.rpartition("/")[2]
        said, password = self._done(session, action, name, given)
        if password:
            return await self.users(request, session, said_now=said, password=password)
        return self._pages.next_page(ADDRESS, session, said)

    def _done(
        self, session: Session, action: str, name: str, form: dict[str, str]
    ) -> tuple[str, str]:
        """Do it; what is to be said, and a new password."""
        users, role = self._administration, form.get("role", "")
        groups = [group.strip() for group in form.get("groups", "").split(",") if group.strip()]
        if action == "add":
            return f"{name} was created. Password:", users.add(name, role, groups)
        if action == "password":
            words = f"{name} has been signed out everywhere. New password:"
            return words, users.reset_password(session.user, name)
        if action == "role":
            users.set_role(session.user, name, role)
            return f"The role of {name} is now {role}.", ""
        if action == "groups":
            users.set_groups(name, groups)
            return f"Groups of {name}: {', '.join(groups) or 'none'}.", ""
        users.unlock(name)
        return f"{name} can sign in again.", ""


def _need_admin(session: Session) -> None:
    if not session.user.is_admin:
        raise NotPermitted("Only admins can do this.")
