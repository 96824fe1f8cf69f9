"""What runs of each app: start a release, try it, switch to it, and let the old one end."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from de_tasks.appspec import Procfile
from de_tasks.server.environments import BuildError, Environments
from de_tasks.server.logs import LogFile
from de_tasks.server.processes import Leash, Process, Supervised, exit_words, free_port
from de_tasks.server.settings import ServerSettings

WEB = "web"
RELEASES_KEPT = 3


@dataclass
class Release:
    """A release that runs. `in_flight` counts the requests that its web process is answering."""

    build_id: int
    port: int
    web: Supervised
    in_flight: int = 0
    others: dict[str, Supervised] = field(default_factory=dict)


@dataclass
class App:
    """An app as far as its processes are concerned."""

    id: int
    name: str
    folder: Path
    logs: dict[str, LogFile] = field(default_factory=dict)
    current: Release | None = None
    ending: set[asyncio.Task[None]] = field(default_factory=set)

    def release_folder(self, build_id: int) -> Path:
        """Where the files of a build are."""
        return self.folder / "releases" / str(build_id)


class Releases:
    """The running releases of all apps."""

    def __init__(
        self,
        settings: ServerSettings,
        environments: Environments,
        leash: Leash,
        client: aiohttp.ClientSession,
    ) -> None:
        self._settings = settings
        self._environments = environments
        self._leash = leash
        self._client = client
        self._apps: dict[int, App] = {}

    def app(self, app_id: int, name: str) -> App:
        """The app, known from now on."""
        if app_id not in self._apps:
            folder = self._settings.data / "apps" / str(app_id)
            (folder / "home").mkdir(parents=True, exist_ok=True)
            self._apps[app_id] = App(app_id, name, folder)
        return self._apps[app_id]

    def log(self, app: App, process: str) -> LogFile:
        """The runtime log of a process type."""
        if process not in app.logs:
            path = app.folder / "logs" / f"{process}.log"
            app.logs[process] = LogFile(path, self._settings.log_limit)
        return app.logs[process]

    def processes(self, app: App) -> list[str]:
        """The process types that the app runs now."""
        return [WEB, *app.current.others] if app.current else []

    async def start(self, app: App, build_id: int, environment: str) -> None:
        """Start a release that was live before, without trying it first."""
        procfile = Procfile.read(app.release_folder(build_id))
        release = self._release(app, build_id, environment, procfile)
        release.web.keep()
        for process in release.others.values():
            process.keep()
        app.current = release

    async def deploy(
        self, app: App, build_id: int, environment: str, say: Callable[[str], None]
    ) -> Callable[[], None]:
        """Start a release and wait until its web process answers.

        Returns the function that switches to it. Raises `BuildError` with the reason when
        it does not answer; the release that serves is not touched then.
        """
        procfile = Procfile.read(app.release_folder(build_id))
        release = self._release(app, build_id, environment, procfile)
        log = self.log(app, WEB)
        say(f"-----> Starting web: {procfile.commands[WEB]}")
        before = log.last
        log.append(f"[sandbox] starting release {build_id}")
        process = await self._spawn(app, build_id, environment, WEB, release.port)
        try:
            seconds = await self._wait_until_healthy(release.port, process)
        except BaseException as error:
            await asyncio.shield(process.stop(1))
            if isinstance(error, BuildError):
                for line in log.tail(40, after=before + 1):
                    say("       " + line.text)
            raise
        say(f"       web answered after {seconds:.1f} s")

        def switch() -> None:
            old, app.current = app.current, release
            release.web.keep(process)
            task = asyncio.create_task(self._replace(old, release))
            app.ending.add(task)
            task.add_done_callback(app.ending.discard)

        return switch

    async def stop(self, app: App) -> None:
        """Stop every process of the app."""
        release, app.current = app.current, None
        for task in app.ending:
            task.cancel()
        await asyncio.gather(*app.ending, return_exceptions=True)
        if release:
            await self._end(release)

    async def stop_all(self) -> None:
        """Stop every process of every app."""
        await asyncio.gather(*(self.stop(app) for app in self._apps.values()))

    async def forget(self, app: App) -> None:
        """Stop the app and delete its files."""
        await self.stop(app)
        self._apps.pop(app.id, None)
        for log in app.logs.values():
            log.close()
        await asyncio.to_thread(shutil.rmtree, app.folder, ignore_errors=True)

    def prune(self, app: App) -> None:
        """Delete the files of releases long replaced."""
        folders = [f for f in (app.folder / "releases").iterdir() if f.name.isdigit()]
        for folder in sorted(folders, key=lambda f: int(f.name))[:-RELEASES_KEPT]:
            if app.current is None or folder.name != str(app.current.build_id):
                shutil.rmtree(folder, ignore_errors=True)

    def _release(self, app: App, build_id: int, environment: str, procfile: Procfile) -> Release:
        def supervised(kind: str, port: int) -> Supervised:
            return Supervised(
                lambda: self._spawn(app, build_id, environment, kind, port), self.log(app, kind)
            )

        port = free_port()
        # `release` is the platform's own name for a command that is no process.
        others = {
            kind: supervised(kind, free_port())
            for kind in procfile.commands
            if kind not in (WEB, "release")
        }
        return Release(build_id, port, supervised(WEB, port), others=others)

    async def _spawn(
        self, app: App, build_id: int, environment: str, kind: str, port: int
    ) -> Process:
        folder = app.release_folder(build_id)
        command = Procfile.read(folder).commands[kind]
        variables = self._variables(app, environment, port)
        return await Process.start(command, folder, variables, self.log(app, kind), self._leash)

    def _variables(self, app: App, environment: str, port: int) -> dict[str, str]:
        """All that a process of an app is told: nothing comes from the server's environment."""
        virtualenv = self._environments.path(environment)
        return {
            "PATH": f"{virtualenv}/bin:/usr/local/bin:/usr/bin:/bin",
            "VIRTUAL_ENV": str(virtualenv),
            "HOME": str(app.folder / "home"),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PORT": str(port),
            "DASH_APP_NAME": app.name,
            "DASH_REQUESTS_PATHNAME_PREFIX": f"/{app.name}/",
            # With PORT set, gunicorn listens on all interfaces unless it is told otherwise.
            "GUNICORN_CMD_ARGS": f"--bind=127.0.0.1:{port}",
        }

    async def _replace(self, old: Release | None, new: Release) -> None:
        if old:
            grace = self._settings.stop_grace
            await asyncio.gather(*(process.stop(grace) for process in old.others.values()))
        for process in new.others.values():
            process.keep()
        if old:
            deadline = time.monotonic() + self._settings.drain_grace
            try:
                while old.in_flight and time.monotonic() < deadline:
                    await asyncio.sleep(0.1)
            finally:
                await old.web.stop(self._settings.stop_grace)

    async def _end(self, release: Release) -> None:
        grace = self._settings.stop_grace
        processes = [release.web, *release.others.values()]
        await asyncio.gather(*(process.stop(grace) for process in processes))

    async def _wait_until_healthy(self, port: int, process: Process) -> float:
        """Seconds until `GET /` is answered with anything but a server error."""
        begin = time.monotonic()
        limit = self._settings.start_timeout
        seen = f"did not listen on $PORT (here {port})"
        while time.monotonic() - begin < limit:
            if process.exit_status is not None:
                raise BuildError(f"The web process {exit_words(await process.wait())}.")
            try:
                status = await self._status(port)
            except (aiohttp.ClientError, OSError, TimeoutError):
                await asyncio.sleep(0.01)
                continue
            if status < 500:
                return time.monotonic() - begin
            seen = f"answered GET / with status {status}"
            await asyncio.sleep(0.5)
        raise BuildError(f"The web process {seen} within {limit} s.")

    async def _status(self, port: int) -> int:
        timeout = aiohttp.ClientTimeout(total=self._settings.start_timeout)
        address = f"http://127.0.0.1:{port}/"
        async with self._client.get(address, allow_redirects=False, timeout=timeout) as answer:
            return answer.status
