"""The account page: the user's API key, budget of points, and where the user is signed in."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from de_tasks.errors import NotPermitted
from de_tasks.server.api.endpoint import GraphQLEndpoint
from de_tasks.server.http.pages import Pages
from de_tasks.server.users.accounts import Accounts
from de_tasks.server.users.authorization_header import address_of
from de_tasks.server.users.rate_limit import RateLimit
from de_tasks.server.users.sessions import Session, Sessions
from de_tasks.server.web.ago import ago
from de_tasks.server.web.browser_name import browser_name
from de_tasks.server.web.signed_in import SignedIn

RESET = "mutation ($password: String) { resetApiKey(password: $password) { newKey error } }"


class AccountPage(SignedIn):
    """The page at /account. Admins see everybody's budget on it, others their own."""

    def __init__(
        self,
        sessions: Sessions,
        pages: Pages,
        api: GraphQLEndpoint,
        accounts: Accounts,
        limit: RateLimit,
    ) -> None:
        super().__init__(sessions, pages)
        self._api = api
        self._accounts = accounts
        self._limit = limit

    def routes(self) -> list[Route]:
        """The page, and what its forms do."""
        forms = {
            "api-key": self.show_key,
            "new-api-key": self.new_key,
            "end-others": self.end_others,
        }
        return [
            Route("/account", self.page(self.account)),
            *(
                Route(f"/account/{name}", self.form(act, self.account), methods=["POST"])
                for name, act in forms.items()
            ),
        ]

    async def account(
        self, request: Request, session: Session, status: int = 200, error: str = "", key: str = ""
    ) -> Response:
        """The account of whoever is signed in."""
        user = session.user
        shown = self._accounts.all() if user.is_admin else [user]
        return self._pages.answer(
            "account.html",
            status,
            session,
            error=error,
            key=key,
            sessions=self._sessions.all(user),
            budgets=[(one.username, self._limit.budget(one.username)) for one in shown],
            ago=ago,
            browser_name=browser_name,
            wide=True,
        )

    async def show_key(self, request: Request, session: Session, form: FormData) -> Response:
        """Show the API key, to a form and not to a link: it stays out of what is kept of pages."""
        user, password = session.user.username, str(form.get("password", ""))
        if not await self._accounts.sign_in(user, password, address_of(request)):
            raise NotPermitted("The password is wrong.")
        return await self.account(request, session, key=self._accounts.api_key(user))

    async def new_key(self, request: Request, session: Session, form: FormData) -> Response:
        """Make the present API key worthless, and show the next one."""
        password = str(form.get("password", ""))
        user, find, address = session.user, self.finder(session), address_of(request)
        found = await self._api.ask(user, find, address, RESET, password=password)
        return await self.account(request, session, key=found["resetApiKey"]["newKey"])

    async def end_others(self, request: Request, session: Session, form: FormData) -> Response:
        """Sign the user out everywhere else."""
        self._sessions.end_others(session)
        said = "Signed out everywhere else."
        return self._pages.next_page("/account", session, said)
