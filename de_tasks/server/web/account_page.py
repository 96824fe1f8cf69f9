"""The account page: the user's API key, budget of points, and where the user is signed in."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from de_tasks.errors import DeTasksError
from de_tasks.server.api.endpoint import GraphQLEndpoint
from de_tasks.server.http.bodies import read_form
from de_tasks.server.http.pages import Pages
from de_tasks.server.users.accounts import Accounts
from de_tasks.server.users.authorization_header import address_of
from de_tasks.server.users.rate_limit import RateLimit
from de_tasks.server.users.sessions import Session, Sessions, same
from de_tasks.server.web.ago import ago
from de_tasks.server.web.browser_name import browser_name

RESET = "mutation ($password: String) { resetApiKey(password: $password) { newKey error } }"


class AccountPage:
    """The page at /account. Admins see everybody's budget on it, others their own."""

    def __init__(
        self,
        api: GraphQLEndpoint,
        accounts: Accounts,
        sessions: Sessions,
        pages: Pages,
        limit: RateLimit,
    ) -> None:
        self._api = api
        self._accounts = accounts
        self._sessions = sessions
        self._pages = pages
        self._limit = limit

    def routes(self) -> list[Route]:
        """The page, and what its forms do."""
        return [
            Route("/account", self.page),
            Route("/account/api-key", self.show_key, methods=["POST"]),
            Route("/account/new-api-key", self.new_key, methods=["POST"]),
            Route("/account/end-others", self.end_others, methods=["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        """The account of whoever is signed in."""
        session = self._sessions.of(request)
        if session is None:
            return self._pages.to_sign_in(request)
        return self._page(session)

    async def show_key(self, request: Request) -> Response:
        """Show the API key, to a form and not to a link: it stays out of what is kept of pages."""
        session, form = await self._posted(request)
        if isinstance(session, Response):
            return session
        user = session.user.username
        if not await self._accounts.sign_in(user, form.get("password", ""), address_of(request)):
            return self._page(session, 403, error="The password is wrong.")
        return self._page(session, key=self._accounts.api_key(user))

    async def new_key(self, request: Request) -> Response:
        """Make the present API key worthless, and show the next one."""
        session, form = await self._posted(request)
        if isinstance(session, Response):
            return session
        try:
            password = form.get("password", "")
            found = await self._api.ask(session.user, address_of(request), RESET, password=password)
        except DeTasksError as error:
            return self._page(session, 403, error=str(error))
        return self._page(session, key=found["resetApiKey"]["newKey"])

    async def end_others(self, request: Request) -> Response:
        """Sign the user out everywhere else."""
        session, _ = await self._posted(request)
        if isinstance(session, Response):
            return session
        self._sessions.end_others(session)
        said = "Signed out everywhere else."
        return self._pages.next_page("/account", session, said)

    async def _posted(self, request: Request) -> tuple[Session | Response, dict[str, str]]:
        """The session and the form's fields; in place of the session an answer that refuses."""
        form = {name: str(value) for name, value in (await read_form(request)).items()}
        session = self._sessions.of(request)
        if session is None:
            return self._pages.message(401, "Signed out", "Sign in and try again."), {}
        if not same(form.get("csrf"), session.csrf):
            words = "This form was out of date. Please try again."
            return self._page(session, 403, error=words), {}
        return session, form

    def _page(self, session: Session, status: int = 200, **values: Any) -> Response:
        user = session.user
        shown = self._accounts.all() if user.is_admin else [user]
        return self._pages.answer(
            "account.html",
            status,
            session,
            sessions=self._sessions.all(user),
            budgets=[(one.username, self._limit.budget(one.username)) for one in shown],
            ago=ago,
            browser_name=browser_name,
            wide=True,
            **values,
        )
