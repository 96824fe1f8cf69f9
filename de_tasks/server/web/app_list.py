"""The list of the apps that one manages, to search and to filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from de_tasks.server.users.sessions import Session
from de_tasks.server.web.ago import ago
from de_tasks.server.web.app_page import STATES, AppPage, page_number, state_of
from de_tasks.server.web.previews import grouped, tags_of
from de_tasks.server.web.tile import colour, initials

LIST = """query ($page: Int) { apps(page: $page) { nextPage apps { name urlOnServer thumbnailUrl
owner { username } status { running deploying } processes { state }
latestBuild { id status queuedAt } metadata { title tags }
analytics { timestamps { created } } } } }"""
MOST_PAGES = 20
"""Pages of the API, of 50 apps and a point each, that are searched."""
LONGEST_WORDS = 100


@dataclass(frozen=True)
class Wanted:
    """What the fields of the page ask for; what is empty asks for nothing."""

    words: str
    state: str
    owner: str
    tag: str

    @classmethod
    def of(cls, request: Request) -> Wanted:
        """The fields in a page's address."""
        asked = request.query_params
        state = asked.get("state", "")
        return cls(
            words=asked.get("q", "").strip()[:LONGEST_WORDS],
            state=state if state in STATES else "",
            owner=asked.get("owner", "").strip()[:LONGEST_WORDS],
            tag=asked.get("tag", "").strip()[:LONGEST_WORDS],
        )

    def __bool__(self) -> bool:
        return bool(self.words or self.state or self.owner or self.tag)

    def fits(self, app: dict[str, Any]) -> bool:
        """Whether an app is wanted: it has every word, and that state, owner and tag."""
        about = app["metadata"]
        text = f"{app['name']} {about['title']} {about['tags']}".lower()
        return (
            all(word in text for word in self.words.lower().split())
            and self.state in ("", state_of(app))
            and self.owner in ("", app["owner"]["username"])
            and (not self.tag or self.tag in tags_of(about["tags"]))
        )


class AppList(AppPage):
    """The page at /apps."""

    def routes(self) -> list[Route]:
        """The page."""
        return [Route("/apps", self.page(self.apps))]

    async def apps(self, request: Request, session: Session) -> Response:
        """A page of the apps, or all that are searched for."""
        wanted = Wanted.of(request)
        if wanted:
            apps, more = await self._search(request, session, wanted)
        else:
            apps, more = await self._read(request, session, page_number(request))
        return self._pages.answer(
            "apps.html",
            session=session,
            rows=grouped(apps),
            more=more,
            wanted=wanted,
            states=STATES,
            state_of=state_of,
            ago=ago,
            colour=colour,
            initials=initials,
            wide=True,
        )

    async def _read(
        self, request: Request, session: Session, page: int
    ) -> tuple[list[dict[str, Any]], int | None]:
        found = (await self.ask(request, session, LIST, page=page))["apps"]
        return found["apps"], found["nextPage"]

    async def _search(
        self, request: Request, session: Session, wanted: Wanted
    ) -> tuple[list[dict[str, Any]], int | None]:
        """What fits, and where the search stopped when there are more apps than it looks at."""
        fitting, page = [], 1
        for _ in range(MOST_PAGES):
            apps, more = await self._read(request, session, page)
            fitting += [app for app in apps if wanted.fits(app)]
            if more is None:
                return fitting, None
            page = more
        return fitting, page
