"""What the forms of an app's page do, each by one mutation of the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from de_tasks.errors import UsageError
from de_tasks.server.web.uploads import env_variables, picture

Fields = Mapping[str, Any]


MOST_NAMED, LONGEST_LISTED = 40, 60
"""Variables of a file that are named when they were set, and characters of a name."""


class Change(NamedTuple):
    """What a form does: a document, the fields that it takes, the tab that it stands in, and the
    sentence for what was done, of the fields and the app's `name`; `then` is a second document, for
    when the first has succeeded: of two mutations in one, GraphQL runs the second in any case; the
    sentence `half` is for when that one fails.
    `read` finds in a form with a file what the document takes, once for each time that it is run;
    `together` joins the sentences of all of them."""

    document: str
    fields: tuple[str, ...]
    tab: str
    said: Callable[[Fields], str]
    then: str = ""
    half: Callable[[Fields], str] = str
    read: Callable[[Fields], list[dict[str, Any]]] | None = None
    together: Callable[[list[str]], str] = " ".join


LINK = """mutation ($name: String, $service: String, $kind: ServiceType) {
linkService(appname: $name, serviceName: $service, serviceType: $kind) { refresh error } }"""
SET_VARIABLE = """mutation ($name: String, $key: String, $value: String) {
addEnvironmentVariable(appname: $name, name: $key, value: $value) { refresh error } }"""
CHANGES: Mapping[str, Change] = {
    "restart": Change(
        "mutation ($name: String!) { restartApp(appname: $name) { error } }",
        (),
        "overview",
        lambda given: f"{given['name']} was restarted.",
    ),
    "roll-back": Change(
        """mutation ($name: String!, $build: ID!) {
rollBack(appname: $name, id: $build) { build { id } error } }""",
        ("build",),
        "builds",
        lambda given: f"Rolling {given['name']} back to build {given['build']} ...",
    ),
    "set-variable": Change(
        SET_VARIABLE,
        ("key", "value"),
        "variables",
        lambda given: f"{given['key']} set.",
    ),
    "env-file": Change(
        SET_VARIABLE,
        ("key", "value"),
        "variables",
        lambda given: str(given["key"]),
        read=env_variables,
        together=lambda names: f"{_listed(names)} set.",
    ),
    "remove-variable": Change(
        """mutation ($name: String, $key: String) {
removeEnvironmentVariable(appname: $name, name: $key) { refresh error } }""",
        ("key",),
        "variables",
        lambda given: f"{given['key']} removed.",
    ),
    "view-access": Change(
        """mutation ($name: String, $level: PermissionLevels) {
updateApp(appname: $name, metadata: {permissionLevel: $level}) { error } }""",
        ("level",),
        "access",
        lambda given: f"Viewer access is now {given['level']}.",
    ),
    "about": Change(
        """mutation ($name: String, $title: String, $description: String, $tags: String,
$shown: Boolean, $rank: Int) { updateApp(appname: $name, metadata: {title: $title,
description: $description, tags: $tags, showInPortal: $shown, sortRank: $rank}) { error } }""",
        ("title", "description", "tags", "shown", "rank"),
        "settings",
        lambda given: f"The settings of {given['name']} were saved.",
    ),
    "scale": Change(
        """mutation ($name: String, $process: String, $number: Int) {
scaleProcesses(appname: $name, processes: [{type: $process, number: $number}]) {
refresh error } }""",
        ("process", "number"),
        "overview",
        lambda given: f"{given['process']} was scaled to {given['number']}.",
    ),
    "thumbnail": Change(
        """mutation ($name: String, $thumbnail: Upload!) {
uploadAppThumbnail(appname: $name, thumbnail: $thumbnail) { error } }""",
        ("thumbnail",),
        "settings",
        lambda given: f"{given['name']} has a new thumbnail.",
        read=picture,
    ),
    "python": Change(
        """mutation ($name: String!, $version: String) {
setPython(appname: $name, version: $version) { error } }""",
        ("version",),
        "settings",
        lambda given: f"The next deploy uses {_python(given['version'])}.",
    ),
    "service-memory": Change(
        """mutation ($service: String!, $kind: ServiceType!, $memory: String) {
updateService(name: $service, serviceType: $kind, memory: $memory) { error } }""",
        ("service", "kind", "memory"),
        "services",
        lambda given: f"Memory limit of {given['service']}: {given['memory'] or 'none'}.",
    ),
    "create-service": Change(
        """mutation ($service: String, $kind: ServiceType) {
addService(name: $service, serviceType: $kind) { error } }""",
        ("service", "kind"),
        "services",
        lambda given: f"{given['service']} created and attached.",
        then=LINK,
        half=lambda given: f"{given['service']} was created but not attached:",
    ),
    "attach-service": Change(
        LINK,
        ("service", "kind"),
        "services",
        lambda given: f"{given['service']} attached.",
    ),
    "detach-service": Change(
        """mutation ($name: String, $service: String, $kind: ServiceType) {
unlinkService(appname: $name, serviceName: $service, serviceType: $kind) { refresh error } }""",
        ("service", "kind"),
        "services",
        lambda given: f"{given['service']} detached. Its data is kept.",
    ),
    "transfer": Change(
        """mutation ($name: String!, $person: String!) {
transferApp(appname: $name, username: $person) { error } }""",
        ("person",),
        "settings",
        lambda given: f"{given['name']} now belongs to {given['person']}.",
    ),
    **{
        f"{verb}-{who}-{kind}": Change(
            f"""mutation ($name: String!, $person: [String]) {{
{mutation}(appname: $name, {argument}: $person) {{ error }} }}""",
            ("person",),
            "access",
            lambda given, done=done, who=who: f"{given['person']} {done} the {who}s.",  # type: ignore[misc]
        )
        for verb, done in (("add", "added to"), ("remove", "removed from"))
        for who, noun in (("viewer", "Collaborators"), ("co-owner", "CoOwners"))
        for kind, argument in (("user", "users"), ("group", "teams"))
        for mutation in (f"{verb}{noun}",)
    },
}


def variables(change: Change, form: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The fields of a form that a change takes, as its document wants them each time that it is
    run. Raises `UsageError` for what is no number where one is asked for, and for a wrong file."""
    if change.read:
        return change.read(form)
    return [{name: _value(name, form) for name in change.fields}]


def _value(name: str, form: Mapping[str, Any]) -> Any:
    text = str(form.get(name, ""))
    if name == "tags":
        # With those that a program wrote for itself, which are not shown to be changed.
        text = ", ".join(filter(None, (text.strip(), str(form.get("marks", "")))))
    return TYPES.get(name, str)(text)


def _whole(text: str) -> int:
    try:
        return int(text or "0")
    except ValueError:
        raise UsageError(f"{text[:20]!r} is not a whole number.") from None


def _processes(text: str) -> int:
    # GraphQL's Int has 32 bits, and nothing typed is not none.
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise UsageError(f"{text[:20]!r} is not a number of processes, such as 2.")
    return int(text)


TYPES: Mapping[str, Callable[[str], Any]] = {
    "shown": bool,
    "rank": _whole,
    "number": _processes,
}
"""Of fields that are no text: a box that is not ticked is not sent."""


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(name[:LONGEST_LISTED] for name in names[:MOST_NAMED]) + more


def _python(version: str) -> str:
    return f"Python {version}" if version else "the sandbox's own Python"
