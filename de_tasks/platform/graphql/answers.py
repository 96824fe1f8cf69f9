"""The server's answers, read once into our own types."""

from __future__ import annotations

from typing import Any

from de_tasks.platform.access import AppAccess
from de_tasks.platform.models import (
    App,
    Build,
    Details,
    LogLine,
    LogPage,
    Mount,
    People,
    Process,
    Service,
)


def app_of(found: dict[str, Any]) -> App:
    """An app of an answer."""
    return App(
        name=found["name"],
        owner=found["owner"]["username"],
        url=found["urlOnServer"],
        git_url=found["gitUrl"],
        running=bool(found["status"]["running"]),
        processes=tuple(process["type"] for process in found["processes"]),
        problem=problem_of(found["processes"]),
        build=build_of(found["latestBuild"]),
        tags=split_tags(found["metadata"]["tags"] or ""),
        created=found["analytics"]["timestamps"]["created"] or "" if "analytics" in found else "",
        states=tuple(process_of(p) for p in found["processes"] if p.get("state")),
        serving=build_of(found.get("servingBuild")),
    )


def process_of(found: dict[str, Any]) -> Process:
    """How the processes of a type are doing."""
    return Process(
        type=found["type"],
        state=found["state"],
        since=found["since"] or "",
        restarts=found["restarts"] or 0,
        last_exit=found["lastExit"] or "",
    )


def problem_of(processes: list[dict[str, Any]]) -> str:
    """What is wrong with an app: a sandbox says it behind the status of a process."""
    told = ((process.get("status") or "").partition(": ")[2] for process in processes)
    return next(filter(None, told), "")


def build_of(found: dict[str, Any] | None) -> Build | None:
    """A build of an answer, None where there is none."""
    if not found:
        return None
    commit = found["commit"]
    return Build(
        id=found["id"],
        status=found["status"],
        sha=commit["sha"],
        message=commit["message"],
        author=commit["author"],
        queued_at=found["queuedAt"],
        finished_at=found["finishedAt"],
        error=found["error"],
        log=log_of(found["log"]) if "log" in found else LogPage(),
    )


def log_of(page: dict[str, Any]) -> LogPage:
    """A page of a log of an answer."""
    lines = tuple(LogLine(line["time"], line["process"], line["text"]) for line in page["lines"])
    return LogPage(lines, page["next"])


def service_of(found: dict[str, Any]) -> Service:
    """A service of an answer; where it is linked to the published API does not tell."""
    return Service(
        name=found["name"],
        kind=found["serviceType"].lower(),
        created=found["created"],
        status=found["status"],
        apps=tuple(found.get("apps") or ()),
        memory=found.get("memory"),
    )


def access_of(found: dict[str, Any]) -> AppAccess:
    """Who has to do with an app of an answer; the published API does not tell of co-owners."""
    return AppAccess(
        app=found["name"],
        owner=(found["owner"] or {}).get("username") or "",
        level=found["metadata"]["permissionLevel"],
        viewers=_people(found["collaborators"]),
        co_owners=_people(found["coOwners"]) if "coOwners" in found else None,
    )


def details_of(found: dict[str, Any]) -> Details:
    """The settings of an app of an answer; None where the published API does not tell."""
    metadata = found["metadata"]
    variables, scaled = found["environmentVariables"], found["processes"] or ()
    return Details(
        title=metadata["title"] or "",
        description=metadata["description"] or "",
        tags=split_tags(metadata["tags"] or ""),
        view_access=metadata["permissionLevel"],
        visible_on_portal=bool(metadata["showInPortal"]),
        portal_rank=metadata["sortRank"] or 0,
        maintainer_email=(metadata["contact"] or {}).get("email") or "",
        persistent_filesystem=found.get("persistentFilesystem"),
        python_version=(found["python"] or "") if "python" in found else None,
        thumbnail_url=found["thumbnailUrl"] or "",
        viewers=_people(found["collaborators"]),
        co_owners=_people(found["coOwners"]) if "coOwners" in found else None,
        variables={v["name"]: v["value"] for v in variables if not v["readonly"]},
        platform_variables={v["name"]: v["value"] for v in variables if v["readonly"]},
        services=tuple(service_of(service) for service in found["linkedServices"]),
        scale={p["type"]: p["number"] for p in scaled} if found["status"]["canScale"] else {},
        mounts=tuple(
            Mount(mount["hostDir"], mount["targetDir"]) for mount in found["mounts"] or ()
        ),
    )


def _people(found: dict[str, Any]) -> People:
    return People(tuple(found["users"]), tuple(found["teams"]))


def split_tags(text: str) -> tuple[str, ...]:
    """The tags of the API's one comma-separated text."""
    return tuple(tag for part in text.split(",") if (tag := part.strip()))
