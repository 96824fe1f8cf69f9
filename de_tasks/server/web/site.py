"""Pages and pictures of the platform beside sign-in: home, documentation, thumbnails."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from de_tasks.errors import NotPermitted
from de_tasks.server.apps import Apps
from de_tasks.server.http.hosts import to_apps_host
from de_tasks.server.http.pages import FOLDER, Pages
from de_tasks.server.http.targets import app_of, target_of
from de_tasks.server.settings import ServerSettings
from de_tasks.server.users.authorization_header import Identity, address_of
from de_tasks.server.users.sessions import Session, Sessions
from de_tasks.server.web.signed_in import SignedIn


class Site(SignedIn):
    """Routes at the platform's root."""

    def __init__(
        self,
        settings: ServerSettings,
        instance: str,
        apps: Apps,
        identity: Identity,
        sessions: Sessions,
        pages: Pages,
    ) -> None:
        super().__init__(sessions, pages)
        self._settings = settings
        self._instance = instance
        self._apps = apps
        self._identity = identity

    def routes(self) -> list[Route]:
        """Routes at the platform's root; the last ones take every other address."""
        return [
            Route("/health", self.health),
            Route("/docs", self.page(self.docs)),
            Route("/static/live.js", self.live),
            Route("/thumbnails/{name}", self.thumbnail),
            Route("/{name}", self.elsewhere),
            Route("/{name}/{rest:path}", self.elsewhere),
        ]

    async def health(self, request: Request) -> Response:
        """Which sandbox answers here."""
        return JSONResponse({"sandbox": self._instance})

    async def live(self, request: Request) -> Response:
        """The one script of the platform's pages."""
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
        return FileResponse(FOLDER / "live.js", media_type="text/javascript", headers=headers)

    async def docs(self, request: Request, session: Session) -> Response:
        """Documentation, for those with a license seat."""
        if not session.user.has_seat:
            user = session.user.username
            raise NotPermitted(f"{user} has no license seat. See https://dash.plotly.com/")
        return self._pages.answer("docs.html", session=session, url=self._settings.url)

    async def thumbnail(self, request: Request) -> Response:
        """The picture of an app, for those who may open it."""
        session = self._sessions.of(request)
        user = await self._identity.any(request.headers.get("authorization"), address_of(request))
        user = user or (session.user if session else None)
        row = self._apps.find(request.path_params["name"])
        file = self._apps.thumbnail(row) if row and self._apps.may_view(user, row) else None
        if file is None:
            return self._pages.message(404, "Not found", "There is no such picture.", session)
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        return FileResponse(file, media_type=f"image/{file.suffix[1:]}", headers=headers)

    async def elsewhere(self, request: Request) -> Response:
        """A link to an app, as the reference has it on the platform's host."""
        name, _ = app_of(request.scope)
        if self._apps.find(name):
            return to_apps_host(self._settings, target_of(request.scope))
        session = self._sessions.of(request)
        return self._pages.message(404, "Not found", "There is nothing at this address.", session)
