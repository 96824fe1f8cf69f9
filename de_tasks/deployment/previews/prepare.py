"""Making a preview: an app like the main one, with services of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from de_tasks.deployment.events import Event
from de_tasks.deployment.previews.mark import (
    is_left_over,
    mark,
    preview_name,
    read_mark,
    without_marks,
)
from de_tasks.errors import Declined, DeTasksError, NotAvailable, NotFound
from de_tasks.platform.models import App, Changes, Details, Mount, People, RefusedChange
from de_tasks.platform.protocol import Platform
from de_tasks.terminal.commands import typed

WEB = "web"
"""The process that is opened: a preview has one, also where the main app was scaled to none."""


@dataclass(frozen=True)
class WantedPreview:
    """A preview to make. `variables` are names of those whose values are copied, `mounts` names
    of folders, there or on the server, that it is given too."""

    app: str
    branch: str
    user: str
    host: str
    variables: tuple[str, ...] = ()
    restricted: bool = False
    mounts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The preview's name."""
        return preview_name(self.app, self.branch)


@dataclass(frozen=True)
class PreparedPreview:
    """A preview that is ready for its deploy, and what was done for it.

    `missing` are variables of the main app that the preview has not, since no setting names
    them; `unknown` are names in the setting that the main app has not. `mounted` and `unmounted`
    are folders, likewise.
    """

    name: str
    created: bool
    services: tuple[str, ...]
    copied: tuple[str, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    mounted: tuple[str, ...]
    unmounted: tuple[str, ...]
    refusals: tuple[RefusedChange, ...]


def prepare(
    platform: Platform, wanted: WantedPreview, agreed: Callable[[str], bool]
) -> PreparedPreview:
    """Create the preview if it is not there, and give it what it lacks.

    A preview that is there keeps its settings; services, and variables and folders that are
    named, which came to the main app since are added. An app that a kill has left without its
    mark is taken up again. Raises `NotFound` without a main app, `DeTasksError` when an app of the
    preview's name is not ours or `agreed` says no.
    """
    main, like = platform.app(wanted.app), platform.details(wanted.app)
    if main is None or like is None:
        raise NotFound(
            f"App {wanted.app} does not exist on {wanted.host}, and a preview is created "
            f"like it. Deploy it first: {typed('deploy')}"
        )
    if without_marks(main.tags) != main.tags:
        raise DeTasksError(f"{wanted.app} is a preview itself. Name the main app with --name")
    found = platform.app(wanted.name, dated=True)
    refusals: list[RefusedChange] = []
    left_over = found is not None and is_left_over(platform, found, wanted.user)
    new_one = found is None or left_over
    if found is not None and not left_over:
        read_mark(found)
    if new_one:
        if not agreed(f"{wanted.name}, the preview of {wanted.branch}, is not there. Create it?"):
            raise Declined("Nothing was deployed.")
        refusals = _create(platform, wanted, main, like, left_over)
    there = platform.details(wanted.name)
    if there is None:
        raise NotFound(f"App {wanted.name} was deleted from {wanted.host} in the meantime.")
    values = {name: like.variables[name] for name in wanted.variables if name in like.variables}
    new = {name: value for name, value in values.items() if name not in there.variables}
    lacking = [mount for mount in like.mounts if mount not in there.mounts]
    mounts = tuple(mount for mount in lacking if _named(mount, wanted.mounts))
    if new or mounts:
        refusals += platform.update(wanted.name, Changes(set_variables=new, add_mounts=mounts))
    kinds = {service.kind for service in there.services}
    services = [
        platform.attach_service(wanted.name, service.kind)
        for service in like.services
        if service.kind not in kinds
    ]
    return PreparedPreview(
        name=wanted.name,
        created=new_one,
        services=tuple(services),
        copied=tuple(new),
        missing=tuple(sorted(set(like.variables) - set(there.variables) - set(new))),
        unknown=tuple(sorted(set(wanted.variables) - set(like.variables))),
        mounted=tuple(mount.target for mount in mounts),
        unmounted=tuple(mount.target for mount in lacking if mount not in mounts),
        refusals=tuple(refusals),
    )


def _create(
    platform: Platform, wanted: WantedPreview, main: App, like: Details, left_over: bool
) -> list[RefusedChange]:
    picture, refusals = _picture(platform, like)
    if not left_over:
        platform.create_app(wanted.name)
    try:
        created = platform.app(wanted.name, dated=True)
        changes = like_main(wanted, main, like, created.created if created else "")
        if like.co_owners is None and changes.add_co_owners:
            changes = replace(changes, add_co_owners=People())
            refusals.append(RefusedChange("co-owners", NotAvailable("This server offers none.")))
        refusals += platform.update(wanted.name, replace(changes, thumbnail=picture))
        for refusal in refusals:
            if refusal.what == "metadata":
                raise refusal.error
    except BaseException:
        # Without its mark nobody but its owner could tell it from one that was created by hand.
        if not left_over:
            platform.delete_app(wanted.name)
        raise
    return refusals


def _picture(platform: Platform, like: Details) -> tuple[bytes | None, list[RefusedChange]]:
    try:
        return platform.thumbnail(like), []
    except DeTasksError as error:
        return None, [RefusedChange("thumbnail", error)]


def _named(mount: Mount, names: Sequence[str]) -> bool:
    return mount.host in names or mount.target in names


def told(prepared: PreparedPreview, wanted: WantedPreview) -> Event:
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
    if prepared.mounted:
        lines.append(f"Shared with {wanted.app}: the folders {', '.join(prepared.mounted)}")
    if prepared.unmounted:
        names = ", ".join(prepared.unmounted)
        lines.append(f"Without the folders {names}: de.preview.mounts does not name them")
    lines += [f"Not as {wanted.app}: {one.what}: {one.error}" for one in prepared.refusals]
    facts: dict[str, object] = {
        "name": name,
        "branch": wanted.branch,
        "created": prepared.created,
        "services": list(prepared.services),
        "copied": list(prepared.copied),
        "missing": list(prepared.missing),
        "unknown": list(prepared.unknown),
        "mounted": list(prepared.mounted),
        "unmounted": list(prepared.unmounted),
        "refused": [refusal.what for refusal in prepared.refusals],
    }
    return Event("preview", "\n".join(lines), facts)


def like_main(wanted: WantedPreview, main: App, like: Details, created: str) -> Changes:
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
        scale={kind: max(number, kind == WEB) for kind, number in like.scale.items()},
        add_viewers=People() if wanted.restricted else like.viewers,
        add_co_owners=People(_others(managers, wanted.user), co_owners.groups),
    )


def _others(users: Sequence[str], user: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in users if name != user))
