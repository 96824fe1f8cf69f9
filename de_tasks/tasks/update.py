"""apps.update: every setting of an app, several at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import invoke

from de_tasks.errors import Declined, DeTasksError, NotAvailable, UsageError
from de_tasks.platform import rules
from de_tasks.platform.connect import Connection, app_name, missing
from de_tasks.tasks.invoke_options import Facts
from de_tasks.tasks.task import connect, needs_no_answer, settings, task
from de_tasks.terminal import console, style

if TYPE_CHECKING:
    from de_tasks.platform.models import Changes
    from de_tasks.platform.protocol import Platform
    from de_tasks.tasks.values import Update

PEOPLE = {
    "viewer": "user who may open the app",
    "group_viewer": "group whose members may open the app",
    "co_owner": "user who may manage the app; needs a license seat",
    "group_co_owner": "group whose members may manage the app; all need license seats",
}
NO_CHANGE = ("context", "name", "yes")
"""Options that do not say what is to change."""
NO_FILE = ("env_file", "thumbnail", "portal_rank")
"""Options whose empty text is none; in others it removes what there is."""


def _would_change(context: invoke.Context, given: Facts) -> str:
    what = [f"--{name.replace('_', '-')}" for name in given.typed if name not in ("name", "yes")]
    app = app_name(settings(context), given.get("name"))
    return f"change app {app}: {', '.join(what) or 'nothing'}"


def update_facts(done: Update) -> dict[str, object]:
    """What was changed, for programs."""
    changed = [{"what": change.what, "change": change.text} for change in done.changes]
    return {"name": done.name, "changed": changed, "unchanged": list(done.unchanged)}


@task(
    changes=_would_change,
    facts=update_facts,
    iterable=[
        "add_environment_variable",
        "remove_environment_variable",
        "tag",
        "remove_tag",
        *(f"{verb}_{who}" for who in PEOPLE for verb in ("add", "remove")),
    ],
    help={
        "add_environment_variable": "KEY=VALUE to add or change; KEY alone asks for the value, "
        "or reads it from standard input",
        "remove_environment_variable": "KEY of a variable to remove",
        "env_file": "File of KEY=VALUE lines to add or change; - reads standard input",
        "persistent_filesystem": "Give the app a folder that outlives releases",
        "no_persistent_filesystem": "Take that folder away, with everything in it",
        "python_version": "Minor version of Python, such as 3.11, from the next deploy on; an "
        "empty one unsets it",
        "view_access": "restricted, authenticated or unauthenticated",
        **{f"add_{who}": f"Add a {about}" for who, about in PEOPLE.items()},
        **{f"remove_{who}": f"Remove a {about.split(';')[0]}" for who, about in PEOPLE.items()},
        "title": "Title; an empty one removes it",
        "description": "Description; an empty one removes it",
        "visible_on_portal": "Show the app in the Portal",
        "not_visible_on_portal": "Do not show the app in the Portal",
        "thumbnail": "PNG or JPEG file of at most 100 KB",
        "portal_rank": "Rank in the Portal, a whole number",
        "maintainer_email": "E-mail address of the maintainer; an empty one removes it",
        "tag": "Tag to add",
        "remove_tag": "Tag to remove",
    },
)
def update(
    context: invoke.Context,
    add_environment_variable: Sequence[str] = (),
    remove_environment_variable: Sequence[str] = (),
    env_file: str = "",
    persistent_filesystem: bool = False,
    no_persistent_filesystem: bool = False,
    python_version: str | None = None,
    view_access: str | None = None,
    add_viewer: Sequence[str] = (),
    add_group_viewer: Sequence[str] = (),
    remove_viewer: Sequence[str] = (),
    remove_group_viewer: Sequence[str] = (),
    add_co_owner: Sequence[str] = (),
    add_group_co_owner: Sequence[str] = (),
    remove_co_owner: Sequence[str] = (),
    remove_group_co_owner: Sequence[str] = (),
    title: str | None = None,
    description: str | None = None,
    visible_on_portal: bool = False,
    not_visible_on_portal: bool = False,
    thumbnail: str = "",
    portal_rank: str = "",
    maintainer_email: str | None = None,
    tag: Sequence[str] = (),
    remove_tag: Sequence[str] = (),
    name: str = "",
    yes: bool = False,
) -> Update:
    """Change an app: variables, access, title, Portal, persistent filesystem.

    Give as many options as you like: they are one request, and one restart of the app. What
    changed is printed as `what: was -> is`, and what was set already is named. Values of
    variables are never printed. Users, groups and tags may be given several times or with
    commas; an empty one is passed over.

        de-tasks apps update --name my-app --add-environment-variable KEY=VALUE
        de-tasks apps update --name my-app --view-access restricted --add-viewer jessica,joe
        de-tasks apps update --name my-app --env-file - < production.env

    KEY without a value asks for it on a terminal, and otherwise reads a line of standard
    input: what stands in a command line, other users of the machine can read. A file of
    variables has KEY=VALUE lines with quotes and comments as usual; nothing in it is replaced.
    """
    if not _given(locals()):
        raise UsageError("There is nothing to change: give at least one option.")
    from de_tasks.platform.models import Changes, People

    wanted = Changes(
        title=title,
        description=description,
        view_access=_checked(rules.access_level, view_access, "--view-access"),
        visible_on_portal=_pair(
            "visible-on-portal", visible_on_portal, "not-visible-on-portal", not_visible_on_portal
        ),
        persistent_filesystem=_pair(
            "persistent-filesystem",
            persistent_filesystem,
            "no-persistent-filesystem",
            no_persistent_filesystem,
        ),
        python_version=_checked(rules.minor_version, python_version, "--python-version"),
        portal_rank=_rank(portal_rank) if portal_rank else None,
        maintainer_email=_checked(rules.mail, maintainer_email, "--maintainer-email"),
        thumbnail=rules.picture(Path(thumbnail), "--thumbnail") if thumbnail else None,
        add_viewers=People(_users(add_viewer), _split(add_group_viewer)),
        remove_viewers=People(_users(remove_viewer), _split(remove_group_viewer)),
        add_co_owners=People(_users(add_co_owner), _split(add_group_co_owner)),
        remove_co_owners=People(_users(remove_co_owner), _split(remove_group_co_owner)),
        set_variables=_variables(add_environment_variable, env_file),
        remove_variables=_split(remove_environment_variable),
        add_tags=_split(tag),
        remove_tags=_split(remove_tag),
    )
    connection = connect(context)
    return change(connection, app_name(connection.settings, name), wanted, yes, named=bool(name))


def _given(options: Mapping[str, object]) -> list[str]:
    """The options that say what is to change, among all with their values."""
    return [
        name
        for name, value in options.items()
        if name not in NO_CHANGE
        and not (value is None or value is False or value in ((), []))
        and not (name in NO_FILE and value == "")
    ]


def change(
    connection: Connection, app: str, wanted: Changes, yes: bool = False, named: bool = False
) -> Update:
    """Make the changes that are left to make, and tell what was and what is. Before files are
    deleted somebody is asked, without a `yes`; nobody without a terminal for an app that was
    `named`."""
    from de_tasks.platform import differences
    from de_tasks.tasks.values import Change, Update

    try:
        before = connection.platform.details(app)
    except NotAvailable:
        return _change_unseen(connection.platform, app, wanted, yes, named)
    if before is None:
        raise missing(app, connection.host.name)
    changes = differences.effective(app, before, wanted)
    if not list(differences.described(before, changes)):
        console.done(f"Nothing to change: {app} already has these settings.")
        return Update(app, unchanged=tuple(differences.unchanged(wanted, changes)))
    same = tuple(differences.unchanged(wanted, changes))
    if same:
        console.note(f"Already set: {', '.join(same)}")
    _agree(app, changes, yes, named)
    refusals = connection.platform.update(app, changes)
    done = list(differences.described(before, changes, [refusal.what for refusal in refusals]))
    for what, line in done:
        console.done(f"{what}: {line}")
    if style.for_people() and _restarts(changes, [refusal.what for refusal in refusals]):
        console.note(f"If {app} is running, its processes restart now.")
    made = Update(app, tuple(Change(what, line) for what, line in done), same)
    if refusals:
        words = "\n".join(f"{refusal.what}: {refusal.error}" for refusal in refusals)
        failed = type(refusals[0].error)(f"{words}{' The rest is done.' if done else ''}")
        if isinstance(failed, DeTasksError):
            failed.value = made
        raise failed
    return made


def _restarts(changes: Changes, refused: Sequence[str]) -> bool:
    """Whether a change is seen by new processes alone."""
    variables = (*changes.set_variables, *changes.remove_variables)
    seen = [f"variable {key}" for key in variables]
    seen += ["persistent filesystem"] if changes.persistent_filesystem is not None else []
    return not set(seen) <= set(refused)


def _agree(app: str, changes: Changes, yes: bool, named: bool) -> None:
    question = f"Delete the persistent filesystem of {app}, with everything in it?"
    if changes.persistent_filesystem is not False or needs_no_answer(question, yes, named):
        return
    if not console.confirm(question, yes):
        raise Declined("Nothing was changed.")


def _change_unseen(platform: Platform, app: str, wanted: Changes, yes: bool, named: bool) -> Update:
    """Change an app where nobody tells how it was."""
    from de_tasks.platform.models import Changes
    from de_tasks.tasks.values import Change, Update

    none = Changes()
    given = [n for n in Changes.__dataclass_fields__ if getattr(wanted, n) != getattr(none, n)]
    if not given:
        raise UsageError(f"There is nothing to change for {app}: give at least one option.")
    _agree(app, wanted, yes, named)
    platform.update(app, wanted)
    changed = [n.replace("_", " ") for n in given]
    console.done(f"App {app} was updated: {', '.join(changed)}")
    return Update(app, tuple(Change(what, "") for what in changed))


def _variables(given: Sequence[str], env_file: str) -> dict[str, str]:
    """Names and values to set. Raises `UsageError` naming the option, never a value."""
    found = of_env_file(env_file) if env_file else {}
    for text in given:
        key, equals, value = text.partition("=")
        if not key:
            raise UsageError("--add-environment-variable should be KEY=VALUE, and KEY is missing.")
        found[key] = value if equals else console.secret(f"Value of {key}: ")
    return found


def of_env_file(name: str) -> dict[str, str]:
    """The variables of a file of KEY=VALUE lines; `-` is the standard input.

    Raises `UsageError` that names the file and the line, never what it says.
    """
    return rules.env_file(sys.stdin if name == "-" else Path(name), f"--env-file {name}")


def _split(values: Iterable[str]) -> tuple[str, ...]:
    # Published scripts give an empty text for "none", and several names with commas.
    return tuple(name for value in values for part in value.split(",") if (name := part.strip()))


def _users(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.lower() for name in _split(values)))


def _pair(yes: str, is_yes: bool, no: str, is_no: bool) -> bool | None:
    if is_yes and is_no:
        raise UsageError(f"--{yes} and --{no} contradict each other: give one of them.")
    return True if is_yes else False if is_no else None


def _checked(rule: Callable[[str, str], str], text: str | None, option: str) -> str | None:
    return None if text is None else rule(text, option)


def _rank(text: str) -> int:
    try:
        return rules.rank(int(text), "--portal-rank")
    except ValueError:
        raise UsageError(f"--portal-rank should be a whole number, not {text!r}.") from None
