"""A build's page: how it went, and its log to read, to search and to download."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from de_tasks.errors import DeTasksError
from de_tasks.server.http.pages import Pages
from de_tasks.server.users.sessions import Session, Sessions
from de_tasks.server.web.app_page import AppPage
from de_tasks.server.web.log_view import READ, LogView, download

BUILD = """query ($name: String!, $number: ID, $count: Int) {
build(appname: $name, id: $number) { id status queuedAt startedAt finishedAt error
commit { sha message author } log(count: $count) { next lines { time text } } } }"""


class BuildPage:
    """Pages below /apps/NAME/builds."""

    def __init__(self, page: AppPage, sessions: Sessions, pages: Pages) -> None:
        self._page = page
        self._sessions = sessions
        self._pages = pages

    def routes(self) -> list[Route]:
        """The page of a build, and its log as a file."""
        return [
            Route("/apps/{name}/builds/{number}", self.show),
            Route("/apps/{name}/builds/{number}/log.txt", self.log),
        ]

    async def show(self, request: Request) -> Response:
        """The build, with the last lines of its log or those that are searched for."""
        session = self._sessions.of(request)
        if session is None:
            return self._pages.to_sign_in(request)
        app = await self._page.find(request, session)
        if isinstance(app, Response):
            return app
        build = await self._find(request, session)
        if isinstance(build, Response):
            return build
        view = LogView.of(build["log"], request.query_params.get("q", ""))
        return self._page.show("app_build.html", session, app, "builds", build=build, view=view)

    async def log(self, request: Request) -> Response:
        """The log as a file of text."""
        session = self._sessions.of(request)
        if session is None:
            return self._pages.to_sign_in(request)
        build = await self._find(request, session)
        if isinstance(build, Response):
            return build
        return download(build["log"], f"{request.path_params['name']}-build-{build['id']}")

    async def _find(self, request: Request, session: Session) -> dict[str, Any] | Response:
        name, number = request.path_params["name"], request.path_params["number"]
        asked = {"name": name, "number": number, "count": READ}
        try:
            found = (await self._page.ask(request, session, BUILD, **asked))["build"]
        except DeTasksError as error:
            return self._page.refused(error, session)
        if found is None:
            words = f"App {name} has no build {number} that you may see."
            return self._pages.message(404, "No such build", words, session)
        build: dict[str, Any] = found
        return build
