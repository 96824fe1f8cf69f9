"""The server's answers, read once into our own types."""

from __future__ import annotations

from typing import Any

from de_tasks.platform.models import App, Build, Details, LogLine, LogPage, Mount, People, Service


def app_of(found: dict[str, Any]) -> App:
    """An app of an answer."""
    return App(
        found["name"],
        found["owner"]["username"],
        found["urlOnServer"],
        found["gitUrl"],
        bool(found["status"]["running"]),
        tuple(process["type"] for process in found["processes"]),
        build_of(found["latestBuild"]),
        split_tags(found["metadata"]["tags"] or ""),
        found["analytics"]["timestamps"]["created"] or "" if "analytics" in found else "",
    )


def build_of(found: dict[str, Any] | None) -> Build | None:
    """A build of an answer, None where there is none."""
    if not found:
        return None
    commit = found["commit"]
    return Build(
        found["id"],
        found["status"],
        commit["sha"],
        commit["message"],
        commit["author"],
        found["queuedAt"],
        found["finishedAt"],
        found["error"],
        log_of(found["log"]) if "log" in found else LogPage(),
    )


def log_of(page: dict[str, Any]) -> LogPage:
    """A page of a log of an answer."""
    lines = tuple(LogLine(line["time"], line["process"], line["text"]) for line in page["lines"])
    return LogPage(lines, page["next"])


def service_of(found: dict[str, Any]) -> Service:
    """A service of an answer; where it is linked to the published API does not tell."""
    return Service(
        found["name"],
        found["serviceType"].lower(),
        found["created"],
        found["status"],
        tuple(found.get("apps") or ()),
    )


def details_of(found: dict[str, Any]) -> Details:
    """The settings of an app of an answer; None where the published API does not tell."""
    metadata = found["metadata"]
    variables, scaled = found["environmentVariables"], found["processes"] or ()
    return Details(
        metadata["title"] or "",
        metadata["description"] or "",
        split_tags(metadata["tags"] or ""),
        metadata["permissionLevel"],
        bool(metadata["showInPortal"]),
        metadata["sortRank"] or 0,
        (metadata["contact"] or {}).get("email") or "",
        found.get("persistentFilesystem"),
        found["thumbnailUrl"] or "",
        _people(found["collaborators"]),
        _people(found["coOwners"]) if "coOwners" in found else None,
        {v["name"]: v["value"] for v in variables if not v["readonly"]},
        {v["name"]: v["value"] for v in variables if v["readonly"]},
        tuple(service_of(service) for service in found["linkedServices"]),
        {p["type"]: p["number"] for p in scaled} if found["status"]["canScale"] else {},
        tuple(Mount(mount["hostDir"], mount["targetDir"]) for mount in found["mounts"] or ()),
    )


def _people(found: dict[str, Any]) -> People:
    return People(tuple(found["users"]), tuple(found["teams"]))


def split_tags(text: str) -> tuple[str, ...]:
    """The tags of the API's one comma-separated text."""
    return tuple(tag for part in text.split(",") if (tag := part.strip()))
