"""The GraphQL documents, and the platform made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from de_tasks.api import changing
from de_tasks.api.client import Client
from de_tasks.api.models import (
    SERVICE_TYPES,
    App,
    Build,
    Changes,
    Details,
    LogLine,
    LogPage,
    People,
    Refusal,
    Service,
    User,
)
from de_tasks.errors import DeTasksError, NotFound

BUILD_FIELDS = "id status error queuedAt finishedAt commit { sha message author }"
APP_FIELDS = f"""name urlOnServer gitUrl owner {{ username }} status {{ running }}
processes {{ type }} metadata {{ tags }} latestBuild {{ {BUILD_FIELDS} }}"""
# Asked for where it is needed only: a server may have to look it up elsewhere.
CREATED = "analytics { timestamps { created } }"
LOG_FIELDS = "next lines { time process text }"

WHOAMI = "query { current { username isAdmin } }"
APP = f"query ($name: String!) {{ app(name: $name) {{ {APP_FIELDS} }} }}"
DATED_APP = f"query ($name: String!) {{ app(name: $name) {{ {APP_FIELDS} {CREATED} }} }}"
APPS = f"query ($page: Int) {{ apps(page: $page) {{ nextPage apps {{ {APP_FIELDS} }} }} }}"
DATED_APPS = f"""query ($page: Int) {{
apps(page: $page) {{ nextPage apps {{ {APP_FIELDS} {CREATED} }} }} }}"""
ADD_APP = f"mutation ($name: String) {{ addApp(name: $name) {{ error app {{ {APP_FIELDS} }} }} }}"
DELETE_APP = "mutation ($name: String) { deleteApp(name: $name) { ok error } }"
BUILD = f"""query ($name: String!, $after: String, $wait: Int, $count: Int) {{
build(appname: $name, wait: $wait) {{
{BUILD_FIELDS} log(count: $count, after: $after) {{ {LOG_FIELDS} }} }} }}"""
BUILDS = f"""query ($name: String!, $page: Int) {{
builds(appname: $name, page: $page) {{ nextPage builds {{ {BUILD_FIELDS} }} }} }}"""
RUNTIME_LOGS = f"""query ($name: String!, $process: String, $count: Int, $after: String,
$wait: Int) {{ runtimeLogs(appname: $name, processName: $process, count: $count, after: $after,
wait: $wait) {{ {LOG_FIELDS} }} }}"""

SERVICE_FIELDS = "name serviceType created status apps"
DETAILS = f"""query ($name: String!) {{ app(name: $name) {{
metadata {{ title description tags permissionLevel showInPortal sortRank contact {{ email }} }}
thumbnailUrl persistentFilesystem collaborators {{ users teams }} coOwners {{ users teams }}
environmentVariables {{ name value readonly }} linkedServices {{ {SERVICE_FIELDS} }} }} }}"""
RESTART = "mutation ($name: String!) { restartApp(appname: $name) { restarted error } }"
SERVICES = f"query {{ services {{ {SERVICE_FIELDS} }} }}"
ADD_SERVICE = """mutation ($name: String, $kind: ServiceType) {
addService(name: $name, serviceType: $kind) { error } }"""
LINK_SERVICE = """mutation ($app: String, $name: String, $kind: ServiceType) {
linkService(appname: $app, serviceName: $name, serviceType: $kind) { error } }"""
DELETE_SERVICE = """mutation ($name: String, $kind: ServiceType) {
deleteService(name: $name, serviceType: $kind) { error } }"""


class GraphQLPlatform:
    """`Platform` over the GraphQL API."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def whoami(self) -> User:
        current = self._client.execute(WHOAMI)["current"]
        return User(current["username"], bool(current["isAdmin"]))

    def apps(self, dated: bool = False) -> Iterator[App]:
        page: int | None = 1
        while page:
            answer = self._client.execute(DATED_APPS if dated else APPS, page=page)["apps"]
            yield from map(_app, answer["apps"])
            page = answer["nextPage"]

    def app(self, name: str, dated: bool = False) -> App | None:
        found = self._client.execute(DATED_APP if dated else APP, name=name)["app"]
        return _app(found) if found else None

    def create_app(self, name: str) -> App:
        return _app(self._changed("addApp", ADD_APP, name=name)["app"])

    def delete_app(self, name: str, services: Sequence[Service] = ()) -> None:
        self._changed("deleteApp", DELETE_APP, name=name)
        for service in services:
            self._delete_service(service)

    def build(self, name: str, after: str = "0", wait: int = 0, count: int = 200) -> Build | None:
        found = self._client.execute(BUILD, name=name, after=after, wait=wait, count=count)
        return _build(found["build"])

    def builds(self, name: str) -> Iterator[Build]:
        page: int | None = 1
        while page:
            answer = self._client.execute(BUILDS, name=name, page=page)["builds"]
            if answer is None:
                return
            yield from (build for found in answer["builds"] if (build := _build(found)))
            page = answer["nextPage"]

    def runtime_log(
        self, name: str, process: str, count: int, after: str | None = None, wait: int = 0
    ) -> LogPage | None:
        found = self._client.execute(
            RUNTIME_LOGS, name=name, process=process, count=count, after=after, wait=wait
        )
        page = found["runtimeLogs"]
        return _log(page) if page else None

    def details(self, name: str) -> Details | None:
        found = self._client.execute(DETAILS, name=name)["app"]
        return _details(found) if found else None

    def update(self, name: str, changes: Changes) -> list[Refusal]:
        steps = changing.steps(changes)
        if not steps:
            return []
        document, variables, uploads = changing.document(name, steps)
        # Everything in it sets something to a value, so doing it twice does no harm.
        answer = self._client.execute(document, uploads=uploads, **variables)
        return [
            Refusal(step.what, self._client.refusal(answer["codes"].get(alias), error))
            for alias, step in changing.named(steps)
            if (error := answer[alias]["error"])
        ]

    def restart(self, name: str) -> tuple[str, ...]:
        return tuple(self._changed("restartApp", RESTART, name=name)["restarted"])

    def services(self) -> list[Service]:
        return [_service(found) for found in self._client.execute(SERVICES)["services"]]

    def attached(self, app: str, kinds: Sequence[str] = SERVICE_TYPES) -> list[Service]:
        details = self.details(app)
        if details is None:
            raise self._client.missing(app)
        return [service for service in details.services if service.kind in kinds]

    def attach_service(self, app: str, kind: str, name: str = "") -> str:
        for present in self.attached(app, [kind]):
            raise DeTasksError(f"App {app} has a {kind} service already: {present.name}.")
        name = name or f"{app}-{kind}"
        half_done = next((s for s in self.services() if (s.name, s.kind) == (name, kind)), None)
        if half_done is None:
            self._changed("addService", ADD_SERVICE, name=name, kind=kind)
        elif half_done.apps:
            raise DeTasksError(
                f"There is a {kind} service {name} already, attached to "
                f"{', '.join(half_done.apps)}. Choose another name with --service-name"
            )
        self._changed("linkService", LINK_SERVICE, app=app, name=name, kind=kind)
        return name

    def delete_service(self, app: str, kind: str) -> str:
        found = self.attached(app, [kind])
        if not found:
            raise NotFound(f"App {app} has no {kind} service.")
        others = [name for name in found[0].apps if name != app]
        if others:
            raise DeTasksError(
                f"{found[0].name} is attached to {', '.join(others)} too: nothing was deleted."
            )
        self._delete_service(found[0])
        return found[0].name

    def _delete_service(self, service: Service) -> None:
        self._changed("deleteService", DELETE_SERVICE, name=service.name, kind=service.kind)

    def _changed(self, field: str, document: str, **variables: Any) -> dict[str, Any]:
        answer = self._client.execute(document, repeat=False, **variables)
        result: dict[str, Any] = answer[field]
        if result["error"]:
            raise self._client.refusal(answer["codes"].get(field), result["error"])
        return result


def _app(found: dict[str, Any]) -> App:
    return App(
        found["name"],
        found["owner"]["username"],
        found["urlOnServer"],
        found["gitUrl"],
        bool(found["status"]["running"]),
        tuple(process["type"] for process in found["processes"]),
        _build(found["latestBuild"]),
        split_tags(found["metadata"]["tags"] or ""),
        found["analytics"]["timestamps"]["created"] or "" if "analytics" in found else "",
    )


def _build(found: dict[str, Any] | None) -> Build | None:
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
        _log(found["log"]) if "log" in found else LogPage(),
    )


def _log(page: dict[str, Any]) -> LogPage:
    lines = tuple(LogLine(line["time"], line["process"], line["text"]) for line in page["lines"])
    return LogPage(lines, page["next"])


def _service(found: dict[str, Any]) -> Service:
    return Service(
        found["name"],
        found["serviceType"].lower(),
        found["created"],
        found["status"],
        tuple(found["apps"]),
    )


def _details(found: dict[str, Any]) -> Details:
    metadata = found["metadata"]
    variables = found["environmentVariables"]
    return Details(
        metadata["title"] or "",
        metadata["description"] or "",
        split_tags(metadata["tags"] or ""),
        metadata["permissionLevel"],
        bool(metadata["showInPortal"]),
        metadata["sortRank"] or 0,
        (metadata["contact"] or {}).get("email") or "",
        bool(found["persistentFilesystem"]),
        bool(found["thumbnailUrl"]),
        _people(found["collaborators"]),
        _people(found["coOwners"]),
        {v["name"]: v["value"] for v in variables if not v["readonly"]},
        {v["name"]: v["value"] for v in variables if v["readonly"]},
        tuple(_service(service) for service in found["linkedServices"]),
    )


def _people(found: dict[str, Any]) -> People:
    return People(tuple(found["users"]), tuple(found["teams"]))


def split_tags(text: str) -> tuple[str, ...]:
    """The tags of the API's one comma-separated text."""
    return tuple(tag for part in text.split(",") if (tag := part.strip()))
