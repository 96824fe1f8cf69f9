"""What differs between what an app should have and what it has, and the changes that are to be
made: a function of both, without a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from de_tasks.deployment.previews.mark import without_marks
from de_tasks.deployment.settings.form import WantedSettings, unlisted
from de_tasks.platform.differences import from_to, to_picture, words
from de_tasks.platform.models import Changes, Details, People, Service

ADD, REMOVE, CHANGE = "+", "-", "~"


@dataclass(frozen=True)
class AppState:
    """What an app has. `picture` is its thumbnail, None where it has none or nobody asked."""

    details: Details
    picture: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class OutsideValues:
    """What the file names and does not contain: values of variables that were found, the
    variables whose source was not, each with why, and the picture."""

    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    absent: Mapping[str, str] = field(default_factory=dict)
    picture: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Pruning:
    """What may be removed because it is not listed: all but services, and services by name."""

    lists: bool = False
    services: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlannedChange:
    """A difference: `action` is + - or ~, `text` says what was and what will be; no secret."""

    action: str
    what: str
    text: str = ""

    def words(self) -> str:
        """As people read it, behind the action."""
        return f"{self.what}: {self.text}" if self.text else self.what


@dataclass(frozen=True)
class SettingsPlan:
    """How to get there. `blocked` are reasons why the app cannot get there; `unknown` is what
    cannot be compared; `kept` is what the app has, and the lists have not."""

    app: str
    host: str
    lines: tuple[PlannedChange, ...] = ()
    changes: Changes = field(default_factory=Changes)
    add_services: tuple[str, ...] = ()
    remove_services: tuple[Service, ...] = ()
    blocked: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def in_step(self) -> bool:
        """Whether nothing that can be compared differs."""
        return not self.lines and not self.blocked


def plan(
    app: str,
    host: str,
    wanted: WantedSettings,
    state: AppState,
    outside: OutsideValues,
    pruning: Pruning = Pruning(),
) -> SettingsPlan:
    """Compare. The order of lists and the case of people's names make no difference."""
    made = _Comparison(state.details, pruning)
    made.values(wanted.values)
    if wanted.tags is not None:
        made.tags(wanted.tags)
    for what in ("viewers", "co_owners"):
        people = getattr(wanted, what)
        if people is not None:
            made.people(what, people)
    if wanted.variables is not None:
        made.variables(wanted, outside)
    if wanted.scale is not None:
        made.scale(wanted.scale)
    if outside.picture is not None and outside.picture != state.picture:
        text = to_picture(bool(state.picture), outside.picture)
        made.say(CHANGE if state.picture else ADD, "thumbnail", text)
        made.set["thumbnail"] = outside.picture
    if wanted.services is not None:
        made.services(wanted.services)
    return SettingsPlan(
        app=app,
        host=host,
        lines=tuple(made.lines),
        changes=replace(Changes(), **made.set),
        add_services=tuple(made.attach),
        remove_services=tuple(made.delete),
        blocked=tuple(made.blocked),
        unknown=tuple(made.unknown),
        kept=tuple(made.kept),
    )


def plan_unseen(
    app: str, host: str, wanted: WantedSettings, present: Sequence[str], outside: OutsideValues
) -> SettingsPlan:
    """The plan for an app of which only the types of its services, `present`, can be read:
    everything that is listed is set."""
    given: dict[str, Any] = dict(wanted.values)
    # Nobody is asked here about files that nobody can see.
    if deletes := given.get("persistent_filesystem") is False:
        del given["persistent_filesystem"]
    names = [*given, *(n for n in ("tags", "viewers", "co_owners") if getattr(wanted, n))]
    given["add_tags"] = wanted.tags or ()
    given["add_viewers"] = wanted.viewers or People()
    given["add_co_owners"] = wanted.co_owners or People()
    given["thumbnail"] = outside.picture
    names += ["thumbnail"] if outside.picture is not None else []
    unknown = [f"{words(name)} cannot be compared" for name in names]
    # `de` takes values of variables in its command line alone, which others can read.
    unknown += [
        f"variable {name} cannot be compared, nor set without its value in a command line"
        for name in wanted.variables or ()
    ]
    unknown += ["scale cannot be compared, nor set"] if wanted.scale else []
    unknown += ["persistent filesystem cannot be compared, nor deleted unseen"] if deletes else []
    attach = tuple(kind for kind in wanted.services or () if kind not in present)
    lines = tuple(PlannedChange(ADD, f"service {kind}", "new and empty") for kind in attach)
    changes = replace(Changes(), **given)
    return SettingsPlan(app, host, lines, changes, attach, unknown=tuple(unknown))


class _Comparison:
    """What is found one setting after the other."""

    def __init__(self, before: Details, pruning: Pruning) -> None:
        self._before, self._pruning = before, pruning
        self.lines: list[PlannedChange] = []
        self.set: dict[str, Any] = {}
        self.attach: list[str] = []
        self.delete: list[Service] = []
        self.blocked: list[str] = []
        self.unknown: list[str] = []
        self.kept: list[str] = []

    def say(self, action: str, what: str, text: str = "") -> None:
        self.lines.append(PlannedChange(action, what, text))

    def values(self, wanted: Mapping[str, object]) -> None:
        for name, value in wanted.items():
            was = getattr(self._before, name)
            if was is None:
                self.unknown.append(f"{words(name)} cannot be compared here, nor set")
            elif was != value:
                text = from_to(was, value)
                loses = name == "persistent_filesystem" and value is False
                more = ", and everything in it is deleted" if loses else ""
                self.say(REMOVE if loses else CHANGE, words(name), text + more)
                self.set[name] = value

    def tags(self, wanted: Sequence[str]) -> None:
        now = self._before.tags
        # A preview's mark is not a setting, but the proof of what the app is.
        marks = tuple(tag for tag in now if tag not in without_marks(now))
        added = [tag for tag in wanted if tag not in now]
        extra = [tag for tag in now if tag not in wanted and tag not in marks]
        removed = self._remove("tag", extra)
        for tag in added:
            self.say(ADD, f"tag {tag}")
        if added or removed:
            self.set["tags"] = (*(tag for tag in now if tag not in removed), *added)
            self.set["add_tags"], self.set["remove_tags"] = tuple(added), tuple(removed)

    def people(self, what: str, wanted: People) -> None:
        now: People | None = getattr(self._before, what)
        if now is None:
            self.unknown.append(f"{words(what)} cannot be compared here, nor set")
            return
        one = words(what)[:-1]
        added = People(unlisted(wanted.users, now.users), unlisted(wanted.groups, now.groups))
        for name in added.users:
            self.say(ADD, f"{one} {name}")
        for name in added.groups:
            self.say(ADD, f"{one} group {name}")
        removed = People(
            tuple(self._remove(one, unlisted(now.users, wanted.users))),
            tuple(self._remove(f"{one} group", unlisted(now.groups, wanted.groups))),
        )
        self.set[f"add_{what}"], self.set[f"remove_{what}"] = added, removed

    def variables(self, wanted: WantedSettings, outside: OutsideValues) -> None:
        own, others = self._before.variables, self._before.platform_variables
        values: dict[str, str] = {}
        for name, source in (wanted.variables or {}).items():
            value = outside.variables.get(name)
            if value is not None and own.get(name) != value:
                values[name] = value
                self.say(
                    *(
                        (CHANGE, f"variable {name}", f"differs from {source.words()}")
                        if name in own
                        else (ADD, f"variable {name}", f"from {source.words()}")
                    )
                )
            elif value is None and name not in own and name not in others:
                why = outside.absent.get(name, f"set it with variables.set {name}")
                self.blocked.append(f"variable {name} is required and not set: {why}")
            elif name in outside.absent:
                self.unknown.append(f"variable {name} is set, and stays: {outside.absent[name]}")
        removed = self._remove("variable", [n for n in own if n not in (wanted.variables or {})])
        self.set["set_variables"], self.set["remove_variables"] = values, tuple(removed)

    def scale(self, wanted: Mapping[str, int]) -> None:
        now, numbers = self._before.scale, {}
        for kind, number in wanted.items():
            if not now:
                self.unknown.append(f"scale of {kind} is set when the app is deployed")
            elif now.get(kind) != number:
                self.say(CHANGE, f"scale of {kind}", f"{now.get(kind, 'none')} -> {number}")
                numbers[kind] = number
        self.set["scale"] = numbers

    def services(self, wanted: Sequence[str]) -> None:
        there = self._before.services
        for kind in wanted:
            if all(service.kind != kind for service in there):
                self.say(ADD, f"service {kind}", "new and empty")
                self.attach.append(kind)
        for service in there:
            if service.kind in wanted:
                continue
            if service.name in self._pruning.services:
                self.say(REMOVE, f"service {service.name}", f"{service.kind}, with all its data")
                self.delete.append(service)
            else:
                self.kept.append(f"service {service.name} (--prune-service {service.name})")

    def _remove(self, one: str, names: Sequence[str]) -> list[str]:
        if not self._pruning.lists:
            self.kept += [f"{one} {name}" for name in names]
            return []
        for name in names:
            self.say(REMOVE, f"{one} {name}")
        return list(names)


def left_over(before: SettingsPlan, after: SettingsPlan) -> tuple[Sequence[PlannedChange], ...]:
    """Of a plan that was carried out: what was done, and what is still to be done."""
    left = {(line.action, line.what) for line in after.lines}
    done = [line for line in before.lines if (line.action, line.what) not in left]
    return done, after.lines


def removals(plans: Sequence[SettingsPlan]) -> Iterator[str]:
    """What the plans remove, for a question."""
    for one in plans:
        yield from (f"{one.app}: {line.what}" for line in one.lines if line.action == REMOVE)
