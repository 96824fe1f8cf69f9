"""Previews: a branch as an app of its own. Their names and their mark.

What is deleted here is an app that bears our mark. The mark is a tag that says of which app
and branch the preview is and when it was created, and it holds only where all three agree with
the app that bears it: a tag that was copied to another app, or written on an app that was
created by hand, proves nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from urllib.parse import quote, unquote

from de_tasks.appspec import LONGEST_NAME
from de_tasks.errors import DeTasksError
from de_tasks.platform.models import App
from de_tasks.platform.protocol import Platform
from de_tasks.terminal.commands import typed

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
DIGEST = 7
"""Characters of the name that tell branches apart: 36 bits."""
SLUG = 6
"""Characters of the branch that a long app name leaves room for."""
TAG = "de-preview"


@dataclass(frozen=True)
class Preview:
    """An app that was made by us for a branch of another app.

    `by_hand` says that something else was deployed to it since.
    """

    name: str
    app: str
    branch: str
    owner: str
    url: str
    created: datetime
    deployed: datetime | None
    status: str
    by_hand: bool

    def age(self, now: datetime) -> timedelta:
        """Since the last deploy, or the creation where there was none."""
        return now - (self.deployed or self.created)


def preview_name(app: str, branch: str) -> str:
    """The name of a branch's preview: legal, stable, and another one for every other branch.

    The digest tells `a/b` from `a-b`, and app `a`, branch `b-c` from app `a-b`, branch `c`.
    """
    number = int.from_bytes(hashlib.sha256(f"{app}\0{branch}".encode()).digest(), "big")
    digest = ""
    for _ in range(DIGEST):
        number, digit = divmod(number, len(DIGITS))
        digest += DIGITS[digit]
    slug = re.sub(r"[^a-z0-9]+", "-", branch.lower()).strip("-")
    room = LONGEST_NAME - 1 - DIGEST
    start = app[: room - 1 - min(len(slug), SLUG)].rstrip("-")
    words = (start, slug[: room - 1 - len(start)].strip("-"), digest)
    return "-".join(word for word in words if word)


def mark(app: str, branch: str, created: str) -> str:
    """The tag of a preview. A tag has no comma, and here no colon but those between its parts."""
    return ":".join((TAG, app, re.sub(r"\D", "", created), quote(branch, safe="/")))


def without_marks(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags that are nobody's mark."""
    return tuple(tag for tag in tags if tag.partition(":")[0] != TAG)


def read_mark(app: App) -> Preview:
    """The preview that an app is. Raises `DeTasksError` that says why it is none."""
    parts = [tag.split(":") for tag in app.tags if tag.partition(":")[0] == TAG]
    if not parts:
        raise not_ours(app.name, "it does not bear the mark of a preview")
    if len(parts) > 1 or len(parts[0]) != 4:
        raise not_ours(app.name, "its mark is not as we write it")
    _, of, created, branch = parts[0]
    branch = unquote(branch)
    if mark(of, branch, app.created) != ":".join(parts[0]) or not created:
        raise not_ours(app.name, "its mark is older or younger than the app")
    if preview_name(of, branch) != app.name:
        raise not_ours(app.name, f"its mark is that of {preview_name(of, branch)}")
    build = app.build
    return Preview(
        name=app.name,
        app=of,
        branch=branch,
        owner=app.owner,
        url=app.url,
        created=_time(app.created),
        deployed=_time(build.queued_at) if build and build.queued_at else None,
        status=build.status if build else "not deployed",
        by_hand=build is not None and unquote(build.preview) != branch,
    )


def is_left_over(platform: Platform, app: App, user: str) -> bool:
    """Whether a kill may have left this app, which has the name of a preview, between its creation
    and its mark: the user's own, never deployed, and with nothing in it."""
    if (app.owner, app.tags, app.build, app.running, app.processes) != (user, (), None, False, ()):
        return False
    details = platform.details(app.name)
    return (
        details is not None
        and details.title in ("", app.name)
        and not (details.description or details.variables or details.services)
        and not (details.viewers or details.co_owners or details.mounts or details.thumbnail_url)
    )


def trailer(branch: str) -> str:
    """The line of a deploy's commit that says of which branch it is the preview."""
    return f"De-Preview: {quote(branch, safe='/')}"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def not_ours(name: str, reason: str) -> DeTasksError:
    return DeTasksError(
        f"{name} is left as it is, since it is not ours: {reason}. "
        f"To delete it all the same: {typed(f'apps.delete --name {name}')}"
    )
