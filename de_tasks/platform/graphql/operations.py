"""The GraphQL documents, and the platform made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from de_tasks.errors import DeTasksError, NotAvailable, NotFound, Temporary
from de_tasks.net.http import Unavailable
from de_tasks.platform.access import Account, AppAccess
from de_tasks.platform.graphql import mutations
from de_tasks.platform.graphql.answers import (
    access_of,
    app_of,
    build_of,
    details_of,
    log_of,
    service_of,
)
from de_tasks.platform.graphql.client import Answer, Client
from de_tasks.platform.models import (
    SERVICE_TYPES,
    App,
    AppInfo,
    Build,
    Changes,
    Details,
    LogPage,
    RefusedChange,
    Service,
    User,
)
from de_tasks.terminal.commands import typed

LOOKED_THROUGH = 20
"""The latest builds, of which one was cancelled a moment ago."""
BUILD_FIELDS = "id status error queuedAt finishedAt commit { sha message author }"
APP_FIELDS = f"""name urlOnServer gitUrl owner {{ username }} status {{ running }}
processes {{ type status }} metadata {{ tags }} latestBuild {{ {BUILD_FIELDS} }}"""
# What not every server of the contract's second part tells.
STANDING = f"processes {{ state since restarts lastExit }} servingBuild {{ {BUILD_FIELDS} }}"
# Asked for where it is needed only: a server may have to look it up elsewhere.
CREATED = "analytics { timestamps { created } }"
LOG_FIELDS = "next lines { time process text }"

WHOAMI = "query { current { username isAdmin } }"
APP = f"query ($name: String!) {{ app(name: $name) {{ {APP_FIELDS} {STANDING} }} }}"
PLAIN_APP = f"query ($name: String!) {{ app(name: $name) {{ {APP_FIELDS} }} }}"
DATED_APP = f"query ($name: String!) {{ app(name: $name) {{ {APP_FIELDS} {CREATED} }} }}"
APPS = f"""query ($page: Int) {{
apps(page: $page) {{ nextPage apps {{ {APP_FIELDS} {STANDING} }} }} }}"""
PLAIN_APPS = f"query ($page: Int) {{ apps(page: $page) {{ nextPage apps {{ {APP_FIELDS} }} }} }}"
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

ACCESS = """query ($page: Int, $all: Boolean) { apps(page: $page, allApps: $all) { nextPage apps {
name owner { username } metadata { permissionLevel } collaborators { users teams }
coOwners { users teams } } } }"""
ACCOUNT = "query ($name: String!) { account(username: $name) { username role groups } }"
SERVICE_FIELDS = "name serviceType created status apps memory"
DETAILS = f"""query ($name: String!) {{ app(name: $name) {{
metadata {{ title description tags permissionLevel showInPortal sortRank contact {{ email }} }}
thumbnailUrl persistentFilesystem python collaborators {{ users teams }} coOwners {{ users teams }}
environmentVariables {{ name value readonly }} linkedServices {{ {SERVICE_FIELDS} }}
status {{ canScale }} processes {{ type number }} mounts {{ hostDir targetDir }} }} }}"""
PLAIN_DETAILS = DETAILS.replace(" python ", " ").replace(" memory", "")
RESTART = "mutation ($name: String!) { restartApp(appname: $name) { restarted error } }"
TRANSFER = f"""mutation ($name: String!, $username: String!) {{
transferApp(appname: $name, username: $username) {{ error app {{ {APP_FIELDS} }} }} }}"""
CANCEL_BUILD = f"""mutation ($name: String!, $id: ID) {{
cancelBuild(appname: $name, id: $id) {{ error build {{ {BUILD_FIELDS} }} }} }}"""
SERVICES = f"query {{ services {{ {SERVICE_FIELDS} }} }}"
PLAIN_SERVICES = SERVICES.replace(" memory", "")
UPDATE_SERVICE = f"""mutation ($name: String!, $kind: ServiceType!, $memory: String) {{
updateService(name: $name, serviceType: $kind, memory: $memory) {{
error service {{ {SERVICE_FIELDS} }} }} }}"""
ADD_SERVICE = """mutation ($name: String, $kind: ServiceType) {
addService(name: $name, serviceType: $kind) { error } }"""
LINK_SERVICE = """mutation ($app: String, $name: String, $kind: ServiceType) {
linkService(appname: $app, serviceName: $name, serviceType: $kind) { error } }"""
DELETE_SERVICE = """mutation ($name: String, $kind: ServiceType) {
deleteService(name: $name, serviceType: $kind) { error } }"""


class GraphQLPlatform:
    """`Platform` over the GraphQL API."""

    add_app = ADD_APP
    cancels = True

    def __init__(self, client: Client) -> None:
        self._client = client
        # Apps that were looked for and not there, and when that was by the server's clock.
        self._absent: dict[str, str] = {}
        self._is_plain = False

    def whoami(self) -> User:
        current = self._client.execute(WHOAMI)["current"]
        return User(current["username"], bool(current["isAdmin"]))

    def apps(self, dated: bool = False) -> Iterator[App]:
        page: int | None = 1
        while page:
            if dated:
                answer = self._client.execute(DATED_APPS, page=page)["apps"]
            else:
                answer = self._standing(APPS, PLAIN_APPS, page=page)["apps"]
            yield from map(app_of, answer["apps"])
            page = answer["nextPage"]

    def app(self, name: str, dated: bool = False) -> App | None:
        found, time = self._ask(name, dated)
        if found:
            self._absent.pop(name, None)
            return self._read(found)
        self._absent[name] = time
        return None

    def create_app(self, name: str) -> App:
        since = self._absent.get(name)
        if since is None:
            present = self.app(name)
            if present:
                raise DeTasksError(f"The name {name} is already taken, by {present.owner}.")
            since = self._absent[name]

        def made() -> App | None:
            found = self.app(name, dated=True)
            ours = found is not None and found.owner == self._client.username
            return found if found and ours and found.created >= since else None

        return self._client.change(
            "addApp", self.add_app, lambda done: self._read(done["app"]), made, name=name
        )

    def delete_app(self, name: str, services: Sequence[Service] = ()) -> None:
        def gone() -> bool | None:
            return self.app(name) is None or None

        self._client.change("deleteApp", DELETE_APP, _done, gone, name=name)
        for service in services:
            self._delete_service(service)

    def build(self, name: str, after: str = "0", wait: int = 0, count: int = 200) -> Build | None:
        found = self._client.execute(
            BUILD, held=wait, name=name, after=after, wait=wait, count=count
        )
        return build_of(found["build"])

    def builds(self, name: str) -> Iterator[Build]:
        page: int | None = 1
        while page:
            answer = self._client.execute(BUILDS, name=name, page=page)["builds"]
            if answer is None:
                return
            yield from (build for found in answer["builds"] if (build := build_of(found)))
            page = answer["nextPage"]

    def runtime_log(
        self, name: str, process: str, count: int, after: str | None = None, wait: int = 0
    ) -> LogPage | None:
        found = self._client.execute(
            RUNTIME_LOGS,
            held=wait,
            name=name,
            process=process,
            count=count,
            after=after,
            wait=wait,
        )
        page = found["runtimeLogs"]
        return log_of(page) if page else None

    def details(self, name: str) -> Details | None:
        found = self._standing(DETAILS, PLAIN_DETAILS, name=name)["app"]
        return details_of(found) if found else None

    def info(self, name: str) -> AppInfo:
        app, details = self.app(name), self.details(name)
        if app is None or details is None:
            raise self._client.missing(name)
        return AppInfo(app, details)

    def users(self, name: str) -> AppAccess:
        found = self.info(name)
        details = found.details
        return AppAccess(
            name, found.app.owner, details.view_access, details.viewers, details.co_owners
        )

    def thumbnail(self, details: Details) -> bytes | None:
        return self._client.picture(details.thumbnail_url) if details.thumbnail_url else None

    def update(self, name: str, changes: Changes) -> list[RefusedChange]:
        steps = mutations.steps(changes)
        refusals = []
        for part in mutations.parts(steps):
            document, variables, uploads = mutations.document(name, part)
            answer = self._client.execute(document, len(part), uploads, **variables)
            for alias, step in mutations.named(part):
                code, error = answer.codes.get(alias), answer[alias]["error"]
                # What a first try has removed already is not there to be removed.
                if error and not (answer.repeated and step.removes and code == "NOT_FOUND"):
                    refusals.append(RefusedChange(step.what, self._client.refusal(code, error)))
        return refusals

    def transfer(self, name: str, username: str) -> App:
        def transferred() -> App | None:
            found = self.app(name)
            return found if found and found.owner == username else None

        return self._client.change(
            "transferApp",
            TRANSFER,
            lambda done: self._read(done["app"]),
            transferred,
            name=name,
            username=username,
        )

    def restart(self, name: str) -> tuple[str, ...]:
        try:
            return self._client.change(
                "restartApp", RESTART, lambda done: tuple(done["restarted"]), name=name
            )
        except Unavailable as error:
            if not error.sent:
                raise
            status = typed(f"status --name {name}")
            raise Temporary(
                f"{error}\nThe restart may have happened, and was not asked for twice: {status}"
            ) from None

    def cancel_build(self, name: str, number: str = "") -> Build:
        def cancelled() -> Build | None:
            found = (b for b in islice(self.builds(name), LOOKED_THROUGH))
            build = next((b for b in found if not number or b.id == number), None)
            return build if build and build.status == "cancelled" else None

        return self._client.change(
            "cancelBuild", CANCEL_BUILD, _build, cancelled, name=name, id=number or None
        )

    def access(self, everything: bool = False) -> Iterator[AppAccess]:
        page: int | None = 1
        while page:
            answer = self._client.execute(ACCESS, page=page, all=everything)["apps"]
            yield from map(access_of, answer["apps"])
            page = answer["nextPage"]

    def account(self, username: str) -> Account | None:
        found = self._client.execute(ACCOUNT, name=username)["account"]
        return Account(username, found["role"], tuple(found["groups"])) if found else None

    def version(self) -> int:
        """The version of Dash Enterprise whose files a build reads. Raises `NotAvailable`."""
        return int(self._client.execute("query { platformVersion }")["platformVersion"])

    def services(self) -> list[Service]:
        return self._services()[0]

    def attached(self, app: str, kinds: Sequence[str] = SERVICE_TYPES) -> list[Service]:
        details = self.details(app)
        if details is None:
            raise self._client.missing(app)
        return [service for service in details.services if service.kind in kinds]

    def attach_service(self, app: str, kind: str, name: str = "") -> str:
        for present in self.attached(app, [kind]):
            raise DeTasksError(f"App {app} has a {kind} service already: {present.name}.")
        name = name or f"{app}-{kind}"
        services, since = self._services()
        half_done = _named(services, name, kind)
        if half_done is None:
            self._add_service(name, kind, since)
        elif half_done.apps:
            raise DeTasksError(
                f"There is a {kind} service {name} already, attached to "
                f"{', '.join(half_done.apps)}. Choose another name with --service-name"
            )
        self._link(app, name, kind)
        return name

    def update_service(self, app: str, kind: str, memory: str | None) -> Service:
        service = self._attached(app, kind)

        def updated() -> Service | None:
            found = self._attached(app, kind)
            return found if found.memory == memory else None

        return self._client.change(
            "updateService",
            UPDATE_SERVICE,
            lambda done: service_of(done["service"]),
            updated,
            name=service.name,
            kind=kind,
            memory=memory,
        )

    def delete_service(self, app: str, kind: str) -> str:
        service = self._attached(app, kind)
        others = [name for name in service.apps if name != app]
        if others:
            raise DeTasksError(
                f"{service.name} is attached to {', '.join(others)} too: nothing was deleted."
            )
        self._delete_service(service)
        return service.name

    def _attached(self, app: str, kind: str) -> Service:
        found = self.attached(app, [kind])
        if not found:
            raise NotFound(f"App {app} has no {kind} service.")
        return found[0]

    def _ask(self, name: str, dated: bool) -> tuple[dict[str, Any] | None, str]:
        """The app's answer, and when that was by the server's clock."""
        if dated:
            answer = self._client.execute(DATED_APP, name=name)
        else:
            answer = self._standing(APP, PLAIN_APP, name=name)
        return answer["app"], answer.time

    def _standing(self, document: str, plain: str, **variables: Any) -> Answer:
        """The answer to a document, or to a plain one where the server does not know all of it."""
        if not self._is_plain:
            try:
                return self._client.execute(document, **variables)
            except NotAvailable:
                self._is_plain = True
        return self._client.execute(plain, **variables)

    def _read(self, found: dict[str, Any]) -> App:
        return app_of(found)

    def _services(self) -> tuple[list[Service], str]:
        """The services, and when that was by the server's clock."""
        answer = self._standing(SERVICES, PLAIN_SERVICES)
        return [service_of(found) for found in answer["services"]], answer.time

    def _add_service(self, name: str, kind: str, since: str) -> None:
        def made() -> bool | None:
            found = _named(self.services(), name, kind)
            return (found is not None and not found.apps and found.created >= since) or None

        self._client.change("addService", ADD_SERVICE, _done, made, name=name, kind=kind)

    def _link(self, app: str, name: str, kind: str) -> None:
        def linked() -> bool | None:
            return any(service.name == name for service in self.attached(app, [kind])) or None

        self._client.change(
            "linkService", LINK_SERVICE, _done, linked, app=app, name=name, kind=kind
        )

    def _delete_service(self, service: Service) -> None:
        name, kind = service.name, service.kind

        def gone() -> bool | None:
            return _named(self.services(), name, kind) is None or None

        self._client.change("deleteService", DELETE_SERVICE, _done, gone, name=name, kind=kind)


def _build(answer: dict[str, Any]) -> Build:
    build = build_of(answer["build"])
    if build is None:
        raise DeTasksError("The server does not say which build was cancelled.")
    return build


def _done(answer: dict[str, Any]) -> bool | None:
    return True


def _named(services: Sequence[Service], name: str, kind: str) -> Service | None:
    return next((s for s in services if (s.name, s.kind) == (name, kind)), None)
