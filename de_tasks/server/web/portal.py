"""The Portal: the apps that a visitor may open, by rank, to search and to filter by tag."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from de_tasks.server.apps import Apps
from de_tasks.server.http.pages import Pages
from de_tasks.server.settings import ServerSettings
from de_tasks.server.users.sessions import Sessions
from de_tasks.server.web.previews import tags_of
from de_tasks.server.web.tile import colour, initials

SHOWN = 200
"""Apps on the page; searching finds the others."""


@dataclass(frozen=True)
class Card:
    """An app as the Portal shows it."""

    name: str
    title: str
    description: str
    tags: tuple[str, ...]
    address: str
    has_thumbnail: bool


class Portal:
    """The platform's first page."""

    def __init__(
        self, settings: ServerSettings, apps: Apps, sessions: Sessions, pages: Pages
    ) -> None:
        self._settings = settings
        self._apps = apps
        self._sessions = sessions
        self._pages = pages

    def routes(self) -> list[Route]:
        """The Portal's address, and the one that people guess."""
        return [Route("/", self.page), Route("/portal", self.page)]

    async def page(self, request: Request) -> Response:
        """The apps that one may see; for nobody in particular, the public ones, unless the Portal
        is for who has signed in."""
        session = self._sessions.of(request)
        user = session.user if session else None
        if not self._apps.portal_is_for(user):
            return self._pages.to_sign_in(request)
        seen = [self._card(row) for row in self._apps.in_portal(user)]
        words = request.query_params.get("q", "").strip()[:100]
        tag = request.query_params.get("tag", "").strip()[:100]
        found = [card for card in seen if _matches(card, words.lower()) and _has(card, tag)]
        return self._pages.answer(
            "portal.html",
            session=session,
            cards=found[:SHOWN],
            more=max(0, len(found) - SHOWN),
            tags=sorted({tag for card in seen for tag in card.tags}),
            words=words,
            chosen=tag,
            any=bool(seen),
            colour=colour,
            initials=initials,
            wide=True,
        )

    def _card(self, row: sqlite3.Row) -> Card:
        name = row["name"]
        return Card(
            name=name,
            title=row["title"] or name,
            description=row["description"] or "",
            tags=tags_of(row["tags"]),
            address=f"{self._settings.apps_url}/{name}/",
            has_thumbnail=bool(row["thumbnail"]),
        )


def _matches(card: Card, words: str) -> bool:
    text = f"{card.name} {card.title} {card.description} {' '.join(card.tags)}".lower()
    return all(word in text for word in words.split())


def _has(card: Card, tag: str) -> bool:
    return not tag or tag in card.tags
