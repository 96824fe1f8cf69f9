"""The GraphQL documents, and the platform made of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from de_tasks.api.client import Client
from de_tasks.api.models import App, Build, LogLine, LogPage, User
from de_tasks.errors import DeTasksError, NotFound, NotPermitted

BUILD_FIELDS = "id status error queuedAt finishedAt commit { sha message author }"
APP_FIELDS = f"""name urlOnServer gitUrl owner {{ username }} status {{ running }}
processes {{ type }} latestBuild {{ {BUILD_FIELDS} }}"""
LOG_FIELDS = "next lines { time process text }"

WHOAMI = "query { current { username isAdmin } }"
APP = f"query ($name: String!) {{ app(name: $name) {{ {APP_FIELDS} }} }}"
APPS = f"query ($page: Int) {{ apps(page: $page) {{ nextPage apps {{ {APP_FIELDS} }} }} }}"
ADD_APP = f"mutation ($name: String) {{ addApp(name: $name) {{ error app {{ {APP_FIELDS} }} }} }}"
DELETE_APP = "mutation ($name: String) { deleteApp(name: $name) { ok error } }"
BUILD = f"""query ($name: String!, $after: String, $wait: Int, $count: Int) {{
build(appname: $name, wait: $wait) {{
{BUILD_FIELDS} log(count: $count, after: $after) {{ {LOG_FIELDS} }} }} }}"""
RUNTIME_LOGS = f"""query ($name: String!, $process: String, $count: Int, $after: String,
$wait: Int) {{ runtimeLogs(appname: $name, processName: $process, count: $count, after: $after,
wait: $wait) {{ {LOG_FIELDS} }} }}"""


class GraphQLPlatform:
    """`Platform` over the GraphQL API."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def whoami(self) -> User:
        current = self._client.execute(WHOAMI)["current"]
        return User(current["username"], bool(current["isAdmin"]))

    def apps(self) -> Iterator[App]:
        page: int | None = 1
        while page:
            answer = self._client.execute(APPS, page=page)["apps"]
            yield from map(_app, answer["apps"])
            page = answer["nextPage"]

    def app(self, name: str) -> App | None:
        found = self._client.execute(APP, name=name)["app"]
        return _app(found) if found else None

    def create_app(self, name: str) -> App:
        return _app(self._changed("addApp", ADD_APP, name)["app"])

    def delete_app(self, name: str) -> None:
        self._changed("deleteApp", DELETE_APP, name)

    def build(self, name: str, after: str = "0", wait: int = 0, count: int = 200) -> Build | None:
        found = self._client.execute(BUILD, name=name, after=after, wait=wait, count=count)
        return _build(found["build"])

    def runtime_log(
        self, name: str, process: str, count: int, after: str | None = None, wait: int = 0
    ) -> LogPage | None:
        found = self._client.execute(
            RUNTIME_LOGS, name=name, process=process, count=count, after=after, wait=wait
        )
        page = found["runtimeLogs"]
        return _log(page) if page else None

    def _changed(self, field: str, document: str, name: str) -> dict[str, Any]:
        answer = self._client.execute(document, repeat=False, name=name)
        result: dict[str, Any] = answer[field]
        if result["error"]:
            forbidden = answer["codes"].get(field) == "FORBIDDEN"
            missing = field == "deleteApp" and "does not exist" in result["error"]
            kind = NotPermitted if forbidden else NotFound if missing else DeTasksError
            raise kind(result["error"])
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
