"""`Platform` over the published API of Dash Enterprise 4: part 1 of `platform.graphql`, no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from de_tasks.config.host import Host
from de_tasks.errors import DeTasksError, NotAvailable
from de_tasks.platform.access import Account, AppAccess
from de_tasks.platform.graphql.answers import access_of, app_of, details_of, service_of
from de_tasks.platform.graphql.client import Client
from de_tasks.platform.graphql.operations import GraphQLPlatform
from de_tasks.platform.models import (
    App,
    Build,
    Changes,
    Details,
    LogLine,
    LogPage,
    RefusedChange,
    Service,
)

NEEDED = "app"
"""A field of `Query` that only servers with more than part 1 have."""
OFFERED = 'query { __type(name: "Query") { fields { name } } }'
FIELDS = """name urlOnServer owner { username } processes { type }
metadata { tags } status { running deploying } logs { failed }
analytics { timestamps { created } gitRevision { sha1 subject } }"""
APPS = f"""query ($page: Int, $name: String) {{ apps(page: $page, name: $name) {{
nextPage apps {{ {FIELDS} }} }} }}"""
ADD_APP = f"mutation ($name: String) {{ addApp(name: $name) {{ error app {{ {FIELDS} }} }} }}"
DETAILS = """query ($name: String) { apps(page: 1, name: $name) { apps { name
metadata { title description tags permissionLevel showInPortal sortRank contact { email } }
thumbnailUrl collaborators { users teams } environmentVariables { name value readonly }
linkedServices { name serviceType created status } status { canScale }
processes { type number } mounts { hostDir targetDir } } } }"""
ACCESS = """query ($page: Int, $all: Boolean) { apps(page: $page, allApps: $all) { nextPage apps {
name owner { username } metadata { permissionLevel } collaborators { users teams } } } }"""
LOGS = """query ($name: String) { apps(page: 1, name: $name) { apps { name
logs { app failed } } } }"""
LINKS = """query ($page: Int) { apps(page: $page) { nextPage apps { name
linkedServices { name } } } }"""
SERVICES = "query { services { name serviceType created status } }"


def is_all(client: Client) -> bool:
    """Whether the server has nothing but the published API. Costs no points."""
    try:
        offered = client.execute(OFFERED)["__type"]["fields"]
    except NotAvailable:
        return True
    except DeTasksError as error:
        # GraphQL's libraries, each in its own words, where questions for the schema are off.
        if "introspection" not in str(error).lower():
            raise
        return True
    return all(field["name"] != NEEDED for field in offered)


class PublishedPlatform(GraphQLPlatform):
    """A Dash Enterprise 4."""

    add_app = ADD_APP
    cancels = False

    def __init__(self, client: Client, host: Host) -> None:
        super().__init__(client)
        self._host = host

    def apps(self, dated: bool = False) -> Iterator[App]:
        yield from map(self._read, self._pages(APPS))

    def build(self, name: str, after: str = "0", wait: int = 0, count: int = 200) -> Build | None:
        app = self.app(name)
        return app.build if app else None

    def builds(self, name: str) -> Iterator[Build]:
        self._lacks("the history of deploys", "Query.builds")

    def runtime_log(
        self, name: str, process: str, count: int, after: str | None = None, wait: int = 0
    ) -> LogPage | None:
        if process != "web" or after is not None:
            self._lacks("the log of one process, and following a log", "Query.runtimeLogs")
        found = self._find(LOGS, name)
        if found is None:
            return None
        lines = (found["logs"]["app"] or "").splitlines()[-count:]
        return LogPage(tuple(LogLine("", process, line) for line in lines), "")

    def details(self, name: str) -> Details | None:
        found = self._find(DETAILS, name)
        return details_of(found) if found else None

    def update(self, name: str, changes: Changes) -> list[RefusedChange]:
        if changes.persistent_filesystem is not None:
            self._lacks("the persistent filesystem", "Mutation.setPersistentFilesystem")
        if changes.python_version is not None:
            self._lacks("the Python of an app (version 4 reads runtime.txt)", "Mutation.setPython")
        if changes.add_co_owners or changes.remove_co_owners:
            self._lacks("co-owners", "Mutation.addCoOwners")
        return super().update(name, changes)

    def access(self, everything: bool = False) -> Iterator[AppAccess]:
        yield from map(access_of, self._pages(ACCESS, all=everything))

    def account(self, username: str) -> Account | None:
        return Account(username)

    def transfer(self, name: str, username: str) -> App:
        self._lacks("transferring an app", "Mutation.transferApp")

    def update_service(self, app: str, kind: str, memory: str | None) -> Service:
        self._lacks("the memory limit of a service", "Mutation.updateService")

    def restart(self, name: str) -> tuple[str, ...]:
        self._lacks("restarting an app", "Mutation.restartApp")

    def cancel_build(self, name: str, number: str = "") -> Build:
        self._lacks("cancelling a build", "Mutation.cancelBuild")

    def attached(self, app: str, kinds: Sequence[str] = ("redis", "postgres")) -> list[Service]:
        # Which other apps a service is linked to this API does not tell.
        return [replace(service, apps=(app,)) for service in super().attached(app, kinds)]

    def _services(self) -> tuple[list[Service], str]:
        """The services; what they are linked to only the apps tell."""
        answer = self._client.execute(SERVICES)
        links: dict[str, list[str]] = {}
        for app in self._pages(LINKS):
            for service in app["linkedServices"]:
                links.setdefault(service["name"], []).append(app["name"])
        found = [service_of({"apps": links.get(s["name"]), **s}) for s in answer["services"]]
        return found, answer.time

    def _ask(self, name: str, dated: bool) -> tuple[dict[str, Any] | None, str]:
        answer = self._client.execute(APPS, name=name, page=1)
        return _named(answer["apps"]["apps"], name), answer.time

    def _find(self, document: str, name: str) -> dict[str, Any] | None:
        return _named(self._client.execute(document, name=name)["apps"]["apps"], name)

    def _pages(self, document: str, **more: Any) -> Iterator[dict[str, Any]]:
        page: int | None = 1
        while page:
            answer = self._client.execute(document, page=page, **more)["apps"]
            yield from answer["apps"]
            # Servers answer null, 0 or the same page when there is no next one.
            page = answer["nextPage"] if (answer["nextPage"] or 0) > page else None

    def _read(self, found: dict[str, Any]) -> App:
        git_url = f"{self._host.git}/{found['name']}"
        return replace(
            app_of({"gitUrl": git_url, "latestBuild": None, **found}), build=_build(found)
        )

    def _lacks(self, what: str, field: str) -> NoReturn:
        raise NotAvailable(
            f"{self._host.name} offers the published version 4 API alone, which has no {field}: "
            f"{what} is not available there."
        )


def _named(found: Sequence[dict[str, Any]], name: str) -> dict[str, Any] | None:
    # What is asked for may be a part of others' names too.
    return next((app for app in found if app["name"] == name), None)


def _build(found: dict[str, Any]) -> Build | None:
    """The newest build, as far as state, revision and the log of the last failed one tell."""
    revision = found["analytics"]["gitRevision"]
    failed = found["logs"]["failed"] or ""
    if found["status"]["deploying"]:
        return Build(id="", status="building", sha="", message="", author="", queued_at="")
    if found["status"]["running"]:
        return Build(
            id="",
            status="built",
            sha=revision["sha1"] or "",
            message=revision["subject"] or "",
            author="",
            queued_at="",
        )
    if failed:
        lines = tuple(LogLine("", "build", line) for line in failed.splitlines())
        return Build(
            id="",
            status="failed",
            sha="",
            message="",
            author="",
            queued_at="",
            log=LogPage(lines, ""),
        )
    return None
