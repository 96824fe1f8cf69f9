"""The page of the signed-in user: who that is, and what is left of the rate limit."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from de_tasks.server.accounts import Accounts
from de_tasks.server.pages import Pages
from de_tasks.server.ratelimit import RateLimit
from de_tasks.server.sessions import Sessions


class AccountPage:
    """The page at /account. Admins see everybody's budget on it, others their own."""

    def __init__(
        self, accounts: Accounts, sessions: Sessions, pages: Pages, limit: RateLimit
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._pages = pages
        self._limit = limit

    def routes(self) -> list[Route]:
        """Routes at the platform's root."""
        return [Route("/account", self.account)]

    async def account(self, request: Request) -> Response:
        """Show it, to whoever is signed in."""
        session = self._sessions.of(request)
        if session is None:
            return self._pages.to_sign_in(request)
        user = session.user
        shown = self._accounts.all() if user.is_admin else [user]
        budgets = [(one.username, self._limit.budget(one.username)) for one in shown]
        return self._pages.answer("account.html", session=session, user=user, budgets=budgets)
