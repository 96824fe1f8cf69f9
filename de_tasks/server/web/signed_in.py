"""One door to all pages of this package for users who are signed in, to their forms and script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from de_tasks.errors import DeTasksError, NotFound, NotLoggedIn, NotPermitted
from de_tasks.server.errors import TryLater
from de_tasks.server.http.bodies import FORM_LIMIT, read_form
from de_tasks.server.http.pages import OUT_OF_DATE, Pages
from de_tasks.server.users.accounts import User
from de_tasks.server.users.sessions import Session, Sessions, same

Endpoint = Callable[[Request], Awaitable[Response]]
Show = Callable[[Request, Session], Awaitable[Response]]
Act = Callable[[Request, Session, FormData], Awaitable[Response]]
ShowAgain = Callable[[Request, Session, int, str], Awaitable[Response]]
"""Shows the page of a form once more, with a status and the reason of a refusal."""
Give = Callable[[Request, Session], Awaitable[dict[str, Any]]]
STATUS: tuple[tuple[type[DeTasksError], int, str], ...] = (
    (TryLater, 429, "Too many requests"),
    (NotLoggedIn, 401, "Signed out"),
    (NotPermitted, 403, "Forbidden"),
    (NotFound, 404, "Not found"),
    (DeTasksError, 400, "Not possible"),
)


class SignedIn:
    """What has pages derives from this, wraps its handlers in `routes`, and lets them raise."""

    def __init__(self, sessions: Sessions, pages: Pages) -> None:
        self._sessions = sessions
        self._pages = pages

    def page(self, show: Show) -> Endpoint:
        """A page; nobody in particular is sent to sign in, and back to it."""

        async def answer(request: Request) -> Response:
            session = self._sessions.of(request)
            if session is None:
                return self._pages.to_sign_in(request)
            try:
                return await show(request, session)
            except DeTasksError as error:
                return self._refusal(error, session)

        return answer

    def form(self, act: Act, again: ShowAgain, limit: int = FORM_LIMIT, files: int = 0) -> Endpoint:
        """What a form does, for who carries its token; a refusal is shown beside the form.

        `limit` are the bytes of the form, `FORM_LIMIT` from who is not signed in, and `files` how
        many files it may have.
        """

        async def answer(request: Request) -> Response:
            # The form may come slowly; what counts is who is signed in when it has come.
            known = self._sessions.of(request) is not None
            form = await read_form(request, limit if known else FORM_LIMIT, files)
            session = self._sessions.of(request)
            if session is None:
                return self._pages.message(401, "Signed out", "Sign in and try again.")
            if not same(form.get("csrf"), session.csrf):
                return await self._once_more(request, session, again, NotPermitted(OUT_OF_DATE))
            try:
                return await act(request, session, form)
            except DeTasksError as error:
                return await self._once_more(request, session, again, error)

        return answer

    def script(self, give: Give) -> Endpoint:
        """What the script of a page asks for, as JSON."""

        async def answer(request: Request) -> Response:
            session = self._sessions.of(request)
            try:
                if session is None:
                    raise NotLoggedIn("Signed out.")
                return JSONResponse(await give(request, session))
            except DeTasksError as error:
                return JSONResponse({"error": str(error)}, _how(error)[0], _later(error))

        return answer

    def finder(self, session: Session) -> Callable[[], Awaitable[User | None]]:
        """Finds the user of a session once more, None when it has ended."""

        async def user() -> User | None:
            now = self._sessions.find(session.hash)
            return now.user if now else None

        return user

    async def _once_more(
        self, request: Request, session: Session, again: ShowAgain, error: DeTasksError
    ) -> Response:
        try:
            page = await again(request, session, _how(error)[0], str(error))
        except DeTasksError as problem:
            # The page itself cannot be shown: the app is gone, or there are no points for it.
            return self._refusal(problem, session)
        page.headers.update(_later(error))
        return page

    def _refusal(self, error: DeTasksError, session: Session) -> Response:
        status, title = _how(error)
        page = self._pages.message(status, title, str(error), session)
        page.headers.update(_later(error))
        return page


def _later(error: DeTasksError) -> dict[str, str]:
    """The headers of a refusal: when to try again, where that would help."""
    return error.headers if isinstance(error, TryLater) else {}


def _how(error: DeTasksError) -> tuple[int, str]:
    return next((status, title) for kind, status, title in STATUS if isinstance(error, kind))
