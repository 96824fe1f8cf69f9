"""Many changes of an app as one GraphQL document: one request, and the points of its parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from de_tasks.platform.models import Changes, People

METADATA = (
    "title",
    "description",
    "tags",
    "view_access",
    "visible_on_portal",
    "portal_rank",
    "maintainer_email",
)
"""Fields of `Changes` that one mutation makes."""
MOST_STEPS = 10


@dataclass(frozen=True)
class Step:
    """One mutation: its arguments as name to (GraphQL type, value). `what` is for people."""

    what: str
    name: str
    arguments: dict[str, tuple[str, Any]] = field(default_factory=dict, repr=False)

    @property
    def removes(self) -> bool:
        """Whether it takes something away, which cannot be taken away twice."""
        return self.name.startswith("remove")


def steps(changes: Changes) -> list[Step]:
    """The mutations that make the changes."""
    metadata = {
        "title": changes.title,
        "description": changes.description,
        "tags": ",".join(changes.tags) if changes.tags is not None else None,
        "permissionLevel": changes.view_access,
        "showInPortal": changes.visible_on_portal,
        "sortRank": changes.portal_rank,
        "contact": (
            {"email": changes.maintainer_email} if changes.maintainer_email is not None else None
        ),
    }
    given = {name: value for name, value in metadata.items() if value is not None}
    found = []
    if given:
        found.append(Step("metadata", "updateApp", {"metadata": ("AppMetaDataInput", given)}))
    for what, name, people in (
        ("added viewers", "addCollaborators", changes.add_viewers),
        ("removed viewers", "removeCollaborators", changes.remove_viewers),
        ("added co-owners", "addCoOwners", changes.add_co_owners),
        ("removed co-owners", "removeCoOwners", changes.remove_co_owners),
    ):
        if people:
            found.append(Step(what, name, _people(people)))
    for key, value in changes.set_variables.items():
        arguments = {"name": ("String", key), "value": ("String", value)}
        found.append(Step(f"variable {key}", "addEnvironmentVariable", arguments))
    for key in changes.remove_variables:
        found.append(
            Step(f"variable {key}", "removeEnvironmentVariable", {"name": ("String", key)})
        )
    if changes.persistent_filesystem is not None:
        enabled = {"enabled": ("Boolean!", changes.persistent_filesystem)}
        found.append(Step("persistent filesystem", "setPersistentFilesystem", enabled))
    if changes.python_version is not None:
        version = {"version": ("String", changes.python_version or None)}
        found.append(Step("python version", "setPython", version))
    if changes.scale:
        numbers = [{"type": kind, "number": number} for kind, number in changes.scale.items()]
        found.append(
            Step("processes", "scaleProcesses", {"processes": ("[ProcessInput]", numbers)})
        )
    for mount in changes.add_mounts:
        arguments = {"hostDir": ("String", mount.host), "targetDir": ("String", mount.target)}
        found.append(Step(f"folder {mount.target}", "mountDirectory", arguments))
    if changes.thumbnail is not None:
        picture = {"thumbnail": ("Upload!", changes.thumbnail)}
        found.append(Step("thumbnail", "uploadAppThumbnail", picture))
    return found


def parts(found: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """The steps in groups that one request makes: a window of the rate limit must pay for each."""
    return (found[begin : begin + MOST_STEPS] for begin in range(0, len(found), MOST_STEPS))


def named(found: Sequence[Step]) -> Iterator[tuple[str, Step]]:
    """Each step with its alias in the document."""
    return ((f"m{number}", step) for number, step in enumerate(found))


def document(app: str, found: Sequence[Step]) -> tuple[str, dict[str, Any], dict[str, bytes]]:
    """The document, its variables, and those of them that are files."""
    declared, fields = ["$app: String!"], []
    variables: dict[str, Any] = {"app": app}
    uploads: dict[str, bytes] = {}
    for alias, step in named(found):
        given = ["appname: $app"]
        for name, (kind, value) in step.arguments.items():
            variable = f"{alias}_{name}"
            declared.append(f"${variable}: {kind}")
            given.append(f"{name}: ${variable}")
            (uploads if kind == "Upload!" else variables)[variable] = value
        fields.append(f"{alias}: {step.name}({', '.join(given)}) {{ error }}")
    return f"mutation ({', '.join(declared)}) {{ {' '.join(fields)} }}", variables, uploads


def _people(people: People) -> dict[str, tuple[str, Any]]:
    return {
        "users": ("[String]", list(people.users)),
        "teams": ("[String]", list(people.groups)),
    }
