"""A build's page: how it went, and its log to read, to search and to download."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from de_tasks.errors import NotFound
from de_tasks.server.users.sessions import Session
from de_tasks.server.web.app_page import AppPage
from de_tasks.server.web.log_view import READ, asked_for, download, searched

BUILD = """query ($name: String!, $number: ID, $count: Int) {
build(appname: $name, id: $number) { id status queuedAt startedAt finishedAt error
commit { sha message author } log(count: $count) { next lines { time text } } } }"""


class BuildPage(AppPage):
    """Pages below /apps/NAME/builds."""

    def routes(self) -> list[Route]:
        """The page of a build, and its log as a file."""
        return [
            Route("/apps/{name}/builds/{number}", self.page(self.build)),
            Route("/apps/{name}/builds/{number}/log.txt", self.page(self.log)),
        ]

    async def build(self, request: Request, session: Session) -> Response:
        """The build, with the last lines of its log or those that are searched for."""
        words, lines = asked_for(request)
        app, build = await self.app(request, session), await self._find(request, session, lines)
        view = await searched(build["log"], words)
        return self.shown("app_build.html", request, session, app, "builds", build=build, view=view)

    async def log(self, request: Request, session: Session) -> Response:
        """The log as a file of text."""
        build = await self._find(request, session, READ)
        return download(build["log"], f"{request.path_params['name']}-build-{build['id']}")

    async def _find(self, request: Request, session: Session, lines: int) -> dict[str, Any]:
        name, number = request.path_params["name"], request.path_params["number"]
        asked = {"name": name, "number": number, "count": lines}
        found: dict[str, Any] | None = (await self.ask(request, session, BUILD, **asked))["build"]
        if found is None:
            raise NotFound(f"App {name} has no build {number}.")
        return found
