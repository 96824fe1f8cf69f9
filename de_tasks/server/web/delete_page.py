"""Deleting an app, by typing its name."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from de_tasks.errors import UsageError
from de_tasks.server.users.sessions import Session
from de_tasks.server.web.app_page import AppPage

DELETE = "mutation ($name: String) { deleteApp(name: $name) { error } }"


class DeletePage(AppPage):
    """The page at /apps/NAME/delete."""

    def routes(self) -> list[Route]:
        """The page that asks, and what its form does."""
        return [
            Route("/apps/{name}/delete", self.page(self.question)),
            Route("/apps/{name}/delete", self.form(self.delete, self.question), methods=["POST"]),
        ]

    async def question(
        self, request: Request, session: Session, status: int = 200, error: str = ""
    ) -> Response:
        """Ask for the app's name."""
        app = await self.app(request, session)
        return self.shown("app_delete.html", request, session, app, "settings", status, error=error)

    async def delete(self, request: Request, session: Session, form: FormData) -> Response:
        """Delete the app, when its name was typed."""
        name = request.path_params["name"]
        if str(form.get("typed", "")).strip() != name:
            raise UsageError(
                f"That is not the app's name. Nothing was deleted: type {name} to delete it."
            )
        await self.ask(request, session, DELETE, name=name)
        return self._pages.next_page("/apps", session, f"{name} was deleted.")
