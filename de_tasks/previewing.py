"""Making a preview: an app like the main one, with services of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from de_tasks.api.models import App, Changes, Details, People, Refusal
from de_tasks.api.platform import Platform
from de_tasks.errors import DeTasksError, NotFound
from de_tasks.events import Event
from de_tasks.previews import mark, preview_name, read_mark, without_marks
from de_tasks.spelling import typed


@dataclass(frozen=True)
class Wanted:
    """A preview to make. `variables` are names of those whose values are copied."""

    app: str
    branch: str
    user: str
    host: str
    variables: tuple[str, ...] = ()
    restricted: bool = False

    @property
    def name(self) -> str:
        """The preview's name."""
        return preview_name(self.app, self.branch)


@dataclass(frozen=True)
class Prepared:
    """A preview that is ready for its deploy, and what was done for it.

    `missing` are variables of the main app that the preview has not, since no setting names
    them; `unknown` are names in the setting that the main app has not.
    """

    name: str
    created: bool
    services: tuple[str, ...]
    copied: tuple[str, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    refusals: tuple[Refusal, ...]


def prepare(platform: Platform, wanted: Wanted, agreed: Callable[[str], bool]) -> Prepared:
    """Create the preview if it is not there, and give it what it lacks.

    A preview that is there keeps its settings; services and copied variables that came to the
    main app since are added. Raises `NotFound` without a main app, `DeTasksError` when an app of
    the preview's name is not ours or `agreed` says no.
    """
    main, like = platform.app(wanted.app), platform.details(wanted.app)
    if main is None or like is None:
        raise NotFound(
            f"App [{wanted.app}] does not exist on [{wanted.host}], and a preview is created "
            f"like it. Deploy it first: {typed('deploy')}"
        )
    if without_marks(main.tags) != main.tags:
        raise DeTasksError(f"{wanted.app} is a preview itself. Name the main app with --name")
    found = platform.app(wanted.name, dated=True)
    refusals: list[Refusal] = []
    if found is not None:
        read_mark(found)
    else:
        if not agreed(f"{wanted.name}, the preview of {wanted.branch}, is not there. Create it?"):
            raise DeTasksError("Nothing was deployed.")
        refusals = _create(platform, wanted, main, like)
    there = platform.details(wanted.name)
    if there is None:
        raise NotFound(f"App [{wanted.name}] was deleted from [{wanted.host}] meanwhile.")
    values = {name: like.variables[name] for name in wanted.variables if name in like.variables}
    new = {name: value for name, value in values.items() if name not in there.variables}
    refusals += platform.update(wanted.name, Changes(set_variables=new)) if new else []
    kinds = {service.kind for service in there.services}
    services = [
        platform.attach_service(wanted.name, service.kind)
        for service in like.services
        if service.kind not in kinds
    ]
    return Prepared(
        wanted.name,
        found is None,
        tuple(services),
        tuple(new),
        tuple(sorted(set(like.variables) - set(there.variables) - set(new))),
        tuple(sorted(set(wanted.variables) - set(like.variables))),
        tuple(refusals),
    )


def _create(platform: Platform, wanted: Wanted, main: App, like: Details) -> list[Refusal]:
    platform.create_app(wanted.name)
    try:
        created = platform.app(wanted.name, dated=True)
        changes = like_main(wanted, main, like, created.created if created else "")
        refusals = platform.update(wanted.name, changes)
        for refusal in refusals:
            if refusal.what == "metadata":
                raise refusal.error
    except BaseException:
        # Without its mark nobody could tell it from an app that was created by hand.
        platform.delete_app(wanted.name)
        raise
    return refusals


def told(prepared: Prepared, wanted: Wanted) -> Event:
    """What was done for a preview, to tell people and programs."""
    name = prepared.name
    lines = [f"{name} is the preview of {wanted.branch}, the app being {wanted.app}"]
    if prepared.created:
        lines = [f"{name} was created as the preview of {wanted.branch}, like {wanted.app}"]
    if prepared.services:
        lines.append(f"Attached, new and empty: {', '.join(prepared.services)}")
    if prepared.copied:
        lines.append(f"Copied the values of {', '.join(prepared.copied)}")
    if prepared.missing:
        names = ", ".join(prepared.missing)
        lines.append(f"Without the variables {names}: de.preview.variables does not name them")
    if prepared.unknown:
        names = ", ".join(prepared.unknown)
        lines.append(f"{wanted.app} has no variables {names}, which de.preview.variables names")
    lines += [f"Not as {wanted.app}: {one.what}: {one.error}" for one in prepared.refusals]
    facts: dict[str, object] = {
        "name": name,
        "branch": wanted.branch,
        "created": prepared.created,
        "services": list(prepared.services),
        "copied": list(prepared.copied),
        "missing": list(prepared.missing),
        "unknown": list(prepared.unknown),
        "refused": [refusal.what for refusal in prepared.refusals],
    }
    return Event("preview", "\n".join(lines), facts)


def like_main(wanted: Wanted, main: App, like: Details, created: str) -> Changes:
    """The settings of a new preview: those of the main app, and the mark."""
    # Who answers for the main app answers for its previews, whoever deploys them.
    co_owners = like.co_owners or People()
    managers = (*co_owners.users, main.owner)
    return Changes(
        title=f"{like.title or wanted.app} ({wanted.branch})",
        description=like.description,
        tags=(*without_marks(like.tags), mark(wanted.app, wanted.branch, created)),
        view_access="restricted" if wanted.restricted else like.view_access,
        visible_on_portal=like.visible_on_portal,
        portal_rank=like.portal_rank,
        maintainer_email=like.maintainer_email or None,
        persistent_filesystem=like.persistent_filesystem or None,
        add_viewers=People() if wanted.restricted else like.viewers,
        add_co_owners=People(_others(managers, wanted.user), co_owners.groups),
    )


def _others(users: Sequence[str], user: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in users if name != user))
