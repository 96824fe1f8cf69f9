"""Signing in and out of the platform with a browser."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from de_tasks.server.http.bodies import read_form
from de_tasks.server.http.pages import OUT_OF_DATE, Pages, own_path
from de_tasks.server.users.accounts import Accounts
from de_tasks.server.users.authorization_header import address_of
from de_tasks.server.users.sessions import Sessions, same
from de_tasks.server.users.throttle import TooManyAttempts
from de_tasks.server.users.tokens import Tokens


class SignIn:
    """The pages where people sign in and out."""

    def __init__(
        self, accounts: Accounts, tokens: Tokens, sessions: Sessions, pages: Pages
    ) -> None:
        self._accounts = accounts
        self._tokens = tokens
        self._sessions = sessions
        self._pages = pages

    def routes(self) -> list[Route]:
        """Routes below the realm's address."""
        return [
            Route("/sign-in", self.form, methods=["GET"]),
            Route("/sign-in", self.sign_in, methods=["POST"]),
            Route("/protocol/openid-connect/logout", self.sign_out_form, methods=["GET"]),
            Route("/protocol/openid-connect/logout", self.sign_out, methods=["POST"]),
        ]

    async def form(self, request: Request) -> Response:
        """The sign-in form; `to` is the path of the page to go on to."""
        return self._form(request, request.query_params.get("to", "/"))

    async def sign_in(self, request: Request) -> Response:
        """Begin a session, and go on."""
        form = await read_form(request)
        to, name = str(form.get("to", "/")), str(form.get("username", ""))
        if not same(form.get("csrf"), self._sessions.form_token(self._sessions.browser(request))):
            return self._form(request, to, 403, OUT_OF_DATE, name)
        password = str(form.get("password", ""))
        try:
            user = await self._accounts.sign_in(
                name, password, address_of(request), in_browser=True
            )
        except TooManyAttempts as error:
            page = self._form(request, to, 429, str(error), name)
            page.headers.update(error.headers)
            return page
        if user is None:
            words = "Wrong user name or password."
            return self._form(request, to, 401, words, name)
        response = self._pages.next_page(to)
        self._sessions.begin(request, response, user)
        return response

    async def sign_out_form(self, request: Request) -> Response:
        """Ask first: a link, or a picture with that address, must sign nobody out."""
        session = self._sessions.of(request)
        if session is None:
            return self._signed_out()
        return self._pages.answer("sign_out.html", session=session)

    async def sign_out(self, request: Request) -> Response:
        """End the browser's session; or, as Keycloak has it here, the grant of a client's
        refresh token."""
        form = await read_form(request)
        if "refresh_token" in form:
            self._tokens.revoke(str(form["refresh_token"]))
            return Response(status_code=204)
        return self._end(request, form)

    def _end(self, request: Request, form: FormData) -> Response:
        session = self._sessions.of(request)
        if session is None:
            # A form that another site has sent comes without the cookie: an answer that took
            # the cookie back would sign the visitor out all the same.
            return self._signed_out()
        if not same(form.get("csrf"), session.csrf):
            return self._pages.message(403, "Not signed out", OUT_OF_DATE, session)
        response = self._signed_out()
        self._sessions.end(request, response)
        return response

    def _signed_out(self) -> Response:
        text = "You are signed out of the sandbox and of its apps."
        return self._pages.message(200, "Signed out", text, link="/", label="Home")

    def _form(
        self, request: Request, to: str, status: int = 200, error: str = "", name: str = ""
    ) -> Response:
        browser = self._sessions.browser(request)
        response = self._pages.answer(
            "sign_in.html",
            status,
            to=own_path(to),
            error=error,
            name=name,
            csrf=self._sessions.form_token(browser),
        )
        self._sessions.remember(response, browser)
        return response
