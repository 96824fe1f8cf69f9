"""Who works while the sandbox is killed: each keeps what it was promised, and what it asked."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from tests.scenarios.soak.api import Api, Gone, Wrong, git
from tests.support.databases import redis, sql

BOUND = 60
"""Seconds, far above what the sandbox takes for anything that is waited for."""
SERVE = """
import http.server, json, os
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        told = {n: os.environ.get(n) for n in ("V", "REDIS_URL", "DATABASE_URL")}
        self.wfile.write(json.dumps({"version": VERSION, **told}).encode())
    def log_message(self, *arguments):
        print("asked", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Page).serve_forever()
"""
STAY = "trap '' TERM\nwhile sleep 0.1; do :; done\n"
WORKERS = (
    *["sleep 1000"] * 3,
    "setsid sh stay.sh & sleep 1000",
    "env -i setsid sh stay.sh & sleep 0.5",
    "sleep 0.3; kill -35 $$",
)
"""One that stays, daemons that leave its session, and an end by a real-time signal."""
ADD_APP = "mutation ($name: String) { addApp(name: $name) { error } }"
DELETE_APP = "mutation ($name: String) { deleteApp(name: $name) { error } }"
BUILDS = """query ($name: String!, $page: Int) { builds(appname: $name, page: $page) {
nextPage builds { status commit { message } } } }"""
APP = """query ($name: String!) { app(name: $name) { metadata { title } persistentFilesystem
environmentVariables { name value } } }"""
OPEN = """mutation ($name: String) {
updateApp(appname: $name, metadata: {permissionLevel: unauthenticated}) { error } }"""
PURGE = "mutation ($name: String) { purgeCache(appname: $name) { error } }"
SET = """mutation ($app: String, $value: String) {
addEnvironmentVariable(appname: $app, name: "V", value: $value) { error }
updateApp(appname: $app, metadata: {title: $value}) { error } }"""
PERSIST = """mutation ($app: String!, $on: Boolean!) {
setPersistentFilesystem(appname: $app, enabled: $on) { error } }"""
SERVICES = "query { services { name serviceType apps } }"
ADD = """mutation ($name: String, $kind: ServiceType) {
addService(name: $name, serviceType: $kind) { error } }"""
LINK = """mutation ($app: String, $name: String, $kind: ServiceType) {
linkService(appname: $app, serviceName: $name, serviceType: $kind) { error } }"""
DELETE = """mutation ($name: String, $kind: ServiceType) {
deleteService(name: $name, serviceType: $kind) { error } }"""


class Actor(Protocol):
    """One client of the sandbox."""

    def work(self, api: Api) -> None:
        """Do one thing. Raises `Gone` when the sandbox was killed meanwhile."""

    def check(self, api: Api) -> Iterator[str]:
        """What is not as it was promised, once the sandbox has come to rest."""


class Pusher:
    """Deploys numbered versions to one app; some cannot start, and some start daemons."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name, self._folder = name, folder / name
        self._sent = self._acked = self._live = 0
        self._broken: set[int] = set()
        self._doubtful: set[int] = set()
        self._folder.mkdir()
        git(self._folder, "init", "--quiet")
        (self._folder / "stay.sh").write_text(STAY)

    def work(self, api: Api) -> None:
        if not self._acked:
            if not api.ask(APP, name=self.name)["app"]:
                _done(api.change("addApp", ADD_APP, name=self.name))
            _done(api.change("updateApp", OPEN, name=self.name))
        if random.random() < 0.2:
            # The next build makes an environment anew.
            _done(api.change("purgeCache", PURGE, name=self.name))
        version = self._sent = self._sent + 1
        broken = version > 1 and random.random() < 0.15
        if broken:
            self._broken.add(version)
        text = "raise SystemExit(7)" if broken else SERVE
        run = f"web: exec python serve.py\nworker: {random.choice(WORKERS)}\n"
        (self._folder / "Procfile").write_text(run)
        (self._folder / "serve.py").write_text(f"VERSION = {version}\n{text}")
        (self._folder / "data.bin").write_bytes(random.randbytes(random.choice((10, 3_000_000))))
        git(self._folder, "add", ".")
        git(self._folder, "commit", "--quiet", "-m", str(version))
        api.push(self._folder, self.name, wait=random.random() < 0.5)
        self._acked = version
        time.sleep(random.choice((0, 0, 0.2, 1)))

    def doubt(self) -> None:
        """The disk was full: what is being built may fail, and it is said so."""
        self._doubtful.update(range(self._live + 1, self._sent + 1))

    def serves(self, api: Api, seconds: float = BOUND) -> Iterator[str]:
        """Whether the last good release, or one that came later, serves soon after a start."""
        page = self._first_page(api, seconds) if self._live else None
        version = page["version"] if page else None
        if self._live and (version is None or not self._live <= version <= self._sent):
            yield f"{self.name} serves version {version} after the start, and served {self._live}"

    def check(self, api: Api) -> Iterator[str]:
        builds: dict[int, str] = {}
        counts: Counter[int] = Counter()
        page: int | None = 1
        while page and api.ask(APP, name=self.name)["app"]:
            found = api.ask(BUILDS, name=self.name, page=page)["builds"]
            for build in found["builds"]:
                version = int(build["commit"]["message"])
                builds[version] = build["status"]
                counts[version] += 1
            page = found["nextPage"] if min(builds, default=0) > self._sent - 40 else None
        if self._acked and max(builds, default=0) < self._acked:
            yield f"{self.name}: version {self._acked} was taken, builds are of {sorted(builds)}"
        for version, status in builds.items():
            expected = "failed" if version in self._broken else "built"
            if status != expected and not (status == "failed" and version in self._doubtful):
                yield f"{self.name}: build of version {version} is {status}"
            if counts[version] > 1:
                yield f"{self.name}: version {version} was built {counts[version]} times"
        good = max((v for v, status in builds.items() if status == "built"), default=0)
        # What was built before the kill may be starting still: the sandbox serves meanwhile.
        seen = self._first_page(api, BOUND) if good else None
        if good and (seen is None or seen["version"] != good):
            yield f"{self.name} serves {seen}, and version {good} is its last good one"
        self._live = good or self._live
        self._acked = max(builds, default=0)

    def _first_page(self, api: Api, seconds: float) -> dict[str, Any] | None:
        """The first page that the app gives, None when it gives none in time."""
        deadline = time.monotonic() + seconds
        while (page := api.page(self.name)) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        return page


class Updater:
    """Changes the settings of an app."""

    def __init__(self, app: str) -> None:
        self._app, self._sent, self._acked = app, 0, 0

    def work(self, api: Api) -> None:
        if not api.ask(APP, name=self._app)["app"]:
            return time.sleep(0.1)
        number = self._sent = self._sent + 1
        answer = api.ask(SET, app=self._app, value=str(number))
        _done(answer["addEnvironmentVariable"]["error"] or answer["updateApp"]["error"])
        self._acked = number
        _done(api.change("setPersistentFilesystem", PERSIST, app=self._app, on=number % 2 == 0))
        time.sleep(random.random())

    def check(self, api: Api) -> Iterator[str]:
        app = api.ask(APP, name=self._app)["app"]
        if not app or not self._sent:
            return
        value = {v["name"]: v["value"] for v in app["environmentVariables"]}.get("V")
        for what, number in (("variable", value or 0), ("title", app["metadata"]["title"])):
            number = int(number) if str(number).isdigit() else 0
            if not self._acked <= number <= self._sent:
                yield f"{self._app}: {what} is {number}, and {self._acked} was acknowledged"
        deadline, page = time.monotonic() + BOUND, api.page(self._app)
        while page and page["V"] != value and time.monotonic() < deadline:
            time.sleep(0.1)
            page = api.page(self._app)
        if page and page["V"] != value:
            yield f"{self._app} sees V={page['V']}, and it is set to {value}"
        mount = api.running.data / "apps"
        there = any(path.is_dir() for path in mount.glob(f"{_id(api, self._app)}/mount"))
        if there != app["persistentFilesystem"]:
            yield f"{self._app}: persistent filesystem {app['persistentFilesystem']}, mount {there}"


class Maker:
    """Makes apps and deletes them."""

    def __init__(self, prefix: str) -> None:
        self._prefix, self._number = prefix, 0
        self._there: set[str] = set()
        self._gone: set[str] = set()
        self._unsure: set[str] = set()

    def work(self, api: Api) -> None:
        if self._there and random.random() < 0.5:
            name = random.choice(sorted(self._there))
            self._there.remove(name)
            self._unsure.add(name)
            _done(api.change("deleteApp", DELETE_APP, name=name))
            self._unsure.remove(name)
            self._gone.add(name)
        else:
            self._number += 1
            name = f"{self._prefix}-{self._number}"
            self._unsure.add(name)
            _done(api.change("addApp", ADD_APP, name=name))
            self._unsure.remove(name)
            self._there.add(name)
        time.sleep(random.random() * 0.2)

    def check(self, api: Api) -> Iterator[str]:
        for name in sorted(self._there | self._gone | self._unsure):
            found = bool(api.ask(APP, name=name)["app"])
            if name not in self._unsure and found != (name in self._there):
                yield f"app {name} is {'there' if found else 'not there'} against the answer"
            if name in self._unsure and found:
                self._there.add(name)
        self._unsure.clear()
        self._gone.clear()


class Servicer:
    """Makes a database, links it to an app, writes into it, deletes it."""

    def __init__(self, app: str, kind: str) -> None:
        self._app, self._kind, self._number = app, kind, 0
        self._name: str | None = None
        self._linked = self._unsure = False
        self._sent = self._acked = 0

    def work(self, api: Api) -> None:
        if not api.ask(APP, name=self._app)["app"]:
            return time.sleep(0.1)
        named = {"name": self._name, "kind": self._kind}
        self._unsure = True
        if self._name is None:
            self._number += 1
            self._name = f"{self._kind}-{self._number}"
            _done(api.change("addService", ADD, name=self._name, kind=self._kind))
        elif not self._linked:
            _done(api.change("linkService", LINK, app=self._app, **named))
            self._linked = True
        elif self._sent < 3:
            self._unsure = False
            self._sent += 1
            self._write(self._url(api), self._sent)
            self._acked = self._sent
        else:
            _done(api.change("deleteService", DELETE, **named))
            self._forget()
        self._unsure = False
        time.sleep(random.random() * 0.5)

    def check(self, api: Api) -> Iterator[str]:
        found = {s["name"]: s for s in api.ask(SERVICES)["services"]}
        if self._name and self._name not in found:
            if not self._unsure:
                yield f"service {self._name} was acknowledged and is not there"
            self._forget()
        elif self._name:
            linked = self._app in found[self._name]["apps"]
            if self._linked and not linked:
                yield f"service {self._name} was linked to {self._app} and is not"
            if not linked:
                # What is listed must be whole: it can be linked and used.
                named = {"name": self._name, "kind": self._kind}
                _done(api.change("linkService", LINK, app=self._app, **named))
            self._linked, self._unsure = True, False
            value = self._read(self._url(api))
            if not self._acked <= value <= self._sent:
                yield f"service {self._name} has {value}, and {self._acked} was written"

    def _forget(self) -> None:
        self._name, self._linked, self._sent, self._acked = None, False, 0, 0

    def _url(self, api: Api) -> str:
        variable = {"redis": "REDIS_URL", "postgres": "DATABASE_URL"}[self._kind]
        variables: list[dict[str, Any]] = api.ask(APP, name=self._app)["app"][
            "environmentVariables"
        ]
        urls = [v["value"] for v in variables if v["name"] == variable]
        if not urls:
            raise Wrong(f"{self._app} has no {variable}, and {self._name} is linked to it")
        return str(urls[0])

    def _write(self, url: str, value: int) -> None:
        if self._kind == "redis":
            try:
                said = redis(url, "SET", "k", str(value))
            except OSError as error:
                said = repr(error)
            done = said.startswith("+OK")
        else:
            table = "CREATE TABLE IF NOT EXISTS t (v int)"
            status, said = sql(url, f"{table}; INSERT INTO t VALUES ({value})")
            done = status == 0
        if not done:
            raise Gone(f"{self._kind}: {said}")

    def _read(self, url: str) -> int:
        if self._kind == "redis":
            text = redis(url, "GET", "k").split("\r\n")[1:2]
            return int(text[0]) if text and text[0].isdigit() else 0
        status, text_ = sql(url, "SELECT max(v) FROM t")
        if status and "does not exist" not in text_:
            raise Wrong(f"{self._name}: {text_}")
        return int(text_) if text_.isdigit() else 0


class Visitor:
    """Logs in and renews the login; every refresh token is good once."""

    def __init__(self) -> None:
        self._token = ""
        self._unsure = False

    def work(self, api: Api) -> None:
        if not self._token or random.random() < 0.1:
            form = {"grant_type": "password", "username": "dev", "password": api.password}
        else:
            self._unsure = True
            form = {"grant_type": "refresh_token", "refresh_token": self._token}
        answer = api.token(**form)
        if answer is None:
            raise Wrong("a good login was refused")
        self._token, self._unsure = answer["refresh_token"], False
        time.sleep(random.random() * 0.3)

    def check(self, api: Api) -> Iterator[str]:
        if self._token and not self._unsure:
            answer = api.token(grant_type="refresh_token", refresh_token=self._token)
            if answer is None:
                yield "a login that was renewed is not known any more"
            self._token = answer["refresh_token"] if answer else ""
        else:
            self._token = ""
        self._unsure = False


def _done(error: str | None) -> None:
    if error:
        raise Wrong(error)


def _id(api: Api, app: str) -> int:
    from tests.scenarios.soak.invariants import state

    return next(number for number, name in state(api.running.data).apps.items() if name == app)
