"""Deleting an app, by typing its name."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from de_tasks.errors import DeTasksError
from de_tasks.server.http.bodies import read_form
from de_tasks.server.http.pages import Pages
from de_tasks.server.users.sessions import Session, Sessions, same
from de_tasks.server.web.app_page import AppPage

DELETE = "mutation ($name: String) { deleteApp(name: $name) { error } }"


class DeletePage:
    """The page at /apps/NAME/delete."""

    def __init__(self, page: AppPage, sessions: Sessions, pages: Pages) -> None:
        self._page = page
        self._sessions = sessions
        self._pages = pages

    def routes(self) -> list[Route]:
        """The page that asks, and what its form does."""
        return [
            Route("/apps/{name}/delete", self.ask),
            Route("/apps/{name}/delete", self.delete, methods=["POST"]),
        ]

    async def ask(self, request: Request) -> Response:
        """Ask for the app's name."""
        session = self._sessions.of(request)
        if session is None:
            return self._pages.to_sign_in(request)
        app = await self._page.find(request, session)
        return app if isinstance(app, Response) else self._question(session, app)

    async def delete(self, request: Request) -> Response:
        """Delete the app, when its name was typed."""
        form = await read_form(request)
        session = self._sessions.of(request)
        if session is None:
            return self._pages.message(401, "Signed out", "Sign in and try again.")
        app = await self._page.find(request, session)
        if isinstance(app, Response):
            return app
        if not same(form.get("csrf"), session.csrf):
            words = "This form was out of date. Please try again."
            return self._question(session, app, 403, words)
        name, typed = app["name"], str(form.get("typed", "")).strip()
        if typed != name:
            words = f"That is not the app's name. Nothing was deleted: type {name} to delete it."
            return self._question(session, app, 400, words)
        try:
            await self._page.ask(request, session, DELETE, name=name)
        except DeTasksError as error:
            return self._question(session, app, 400, str(error))
        return self._pages.next_page("/apps", session, f"{name} was deleted.")

    def _question(
        self, session: Session, app: dict[str, Any], status: int = 200, error: str = ""
    ) -> Response:
        return self._page.show("app_delete.html", session, app, "settings", status, error=error)
