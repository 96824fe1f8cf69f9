"""What runs of each app: start a release, try it, switch to it, and let the old one end."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from de_tasks.appspec import Procfile
from de_tasks.errors import DeTasksError
from de_tasks.server import authority
from de_tasks.server.environments import BuildError, Environments
from de_tasks.server.logs import LogFile
from de_tasks.server.processes import Leash, Process, Supervised, exit_words, free_port
from de_tasks.server.settings import ServerSettings
from de_tasks.server.surroundings import Surroundings
from de_tasks.server.tokens import app_audience

WEB = "web"
RELEASES_KEPT = 3
CHANGES_TOGETHER = 0.3
"""Seconds after a change of settings until the restart that makes it seen: several changes
of one moment need one."""

logger = logging.getLogger(__name__)


@dataclass
class Instance:
    """One process of a release. `in_flight` counts the requests that it is answering."""

    port: int
    process: Supervised
    in_flight: int = 0


@dataclass
class Release:
    """A release that runs: its processes by type."""

    build_id: int
    environment: str
    instances: dict[str, list[Instance]]

    def pick(self) -> Instance | None:
        """The web process with the least to do, None when web is scaled to nothing."""
        return min(self.instances.get(WEB, []), key=lambda i: i.in_flight, default=None)

    @property
    def running(self) -> bool:
        """Whether a web process is there at this moment."""
        return any(instance.process.running for instance in self.instances.get(WEB, []))

    def others(self) -> list[Supervised]:
        """The processes that answer no requests."""
        return [i.process for kind, all_ in self.instances.items() if kind != WEB for i in all_]


@dataclass
class App:
    """An app as far as its processes are concerned."""

    id: int
    name: str
    folder: Path
    logs: dict[str, LogFile] = field(default_factory=dict)
    current: Release | None = None
    ending: set[asyncio.Task[None]] = field(default_factory=set)
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    refresh: asyncio.Task[None] | None = None

    def release_folder(self, build_id: int) -> Path:
        """Where the files of a build are."""
        return self.folder / "releases" / str(build_id)


class Releases:
    """The running releases of all apps."""

    def __init__(
        self,
        settings: ServerSettings,
        environments: Environments,
        surroundings: Surroundings,
        leash: Leash,
        client: aiohttp.ClientSession,
    ) -> None:
        self._settings = settings
        self._environments = environments
        self._surroundings = surroundings
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
        """The process types that the app has now, also those scaled to nothing."""
        return list(app.current.instances) if app.current else []

    async def start(self, app: App, build_id: int, environment: str) -> None:
        """Start a release that was live before, without trying it first."""
        release = await self._release(app, build_id, environment)
        for instances in release.instances.values():
            for instance in instances:
                instance.process.keep()
        app.current = release

    async def deploy(
        self, app: App, build_id: int, environment: str, say: Callable[[str], None]
    ) -> Callable[[], None]:
        """Start a release and wait until its web processes answer.

        Returns the function that switches to it. Raises `BuildError` with the reason when
        one does not answer; the release that serves is not touched then.
        """
        release = await self._release(app, build_id, environment)
        log = self.log(app, WEB)
        command = Procfile.read(app.release_folder(build_id)).commands[WEB]
        say(f"-----> Starting web: {command}")
        before = log.last
        log.append(f"[sandbox] starting release {build_id}")
        started: list[Process] = []
        try:
            for instance in release.instances[WEB]:
                started.append(await instance.process.start())
            checks = zip(release.instances[WEB], started, strict=True)
            seconds = await asyncio.gather(*(self._healthy(i.port, p) for i, p in checks))
        except BaseException as error:
            await asyncio.shield(asyncio.gather(*(process.stop(1) for process in started)))
            if isinstance(error, BuildError):
                for line in log.tail(40, after=before + 1):
                    say("       " + line.text)
            raise
        say(f"       web answered after {max(seconds, default=0):.1f} s")

        def switch() -> None:
            old, app.current = app.current, release
            for instance, process in zip(release.instances[WEB], started, strict=True):
                instance.process.keep(process)
            task = asyncio.create_task(self._replace(old, release))
            app.ending.add(task)
            task.add_done_callback(app.ending.discard)

        return switch

    async def restart(self, app: App) -> list[str]:
        """Start all processes anew, with the settings of now, before the old ones end.

        Returns the process types; empty when nothing runs. Raises `BuildError` when the new
        web process does not answer: the old ones go on then.
        """
        async with app.changing:
            if app.current is None:
                return []
            log = self.log(app, WEB)
            try:
                switch = await self.deploy(
                    app, app.current.build_id, app.current.environment, lambda text: None
                )
            except BuildError as error:
                log.append(f"[sandbox] not restarted, the old processes go on: {error}")
                raise
            switch()
            return [kind for kind, instances in app.current.instances.items() if instances]

    def restart_soon(self, app: App) -> bool:
        """Restart once for all changes of this moment; False when there is nothing to restart."""
        if app.current is None:
            return False
        if app.refresh is None or app.refresh.done():
            app.refresh = asyncio.create_task(self._restart_later(app))
        return True

    async def _restart_later(self, app: App) -> None:
        await asyncio.sleep(CHANGES_TOGETHER)
        # From here on a further change needs a further restart.
        app.refresh = None
        try:
            await self.restart(app)
        except DeTasksError as error:
            logger.info("%s was not restarted: %s", app.name, error)

    async def stop(self, app: App) -> None:
        """Stop every process of the app."""
        if app.refresh:
            app.refresh.cancel()
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

    def tidy(self, app: App, persistent: bool) -> None:
        """Finish what was begun with the app's files when the sandbox ended."""
        for path in (app.folder / "releases").glob("*.index*"):
            path.unlink()
        for path in app.folder.glob("*.partial"):
            path.unlink()
        self.arrange_persistent(app, persistent)

    def prune(self, app: App) -> None:
        """Delete the files of releases long replaced."""
        folders = [f for f in (app.folder / "releases").iterdir() if f.name.isdigit()]
        for folder in sorted(folders, key=lambda f: int(f.name))[:-RELEASES_KEPT]:
            if app.current is None or folder.name != str(app.current.build_id):
                shutil.rmtree(folder, ignore_errors=True)

    async def _release(self, app: App, build_id: int, environment: str) -> Release:
        commands = Procfile.read(app.release_folder(build_id)).commands
        scale = self._surroundings.scale(app.id)
        variables = await self._surroundings.variables(app.id)
        self._arrange_mounts(app, build_id)

        def instance(kind: str) -> Instance:
            port = free_port()
            platform = self._platform_variables(app, environment, port)
            own = {**authority.variables(self._settings), **variables, **platform}
            folder, log = app.release_folder(build_id), self.log(app, kind)

            async def start() -> Process:
                return await Process.start(commands[kind], folder, own, log, self._leash)

            return Instance(port, Supervised(start, log))

        # `release` is the platform's own name for a command that is no process.
        kinds = [kind for kind in commands if kind != "release"]
        return Release(
            build_id,
            environment,
            {kind: [instance(kind) for _ in range(scale.get(kind, 1))] for kind in kinds},
        )

    def arrange_persistent(self, app: App, enabled: bool) -> None:
        """Make the persistent filesystem or delete it: `../mount` of the app's folder, and
        `~/mount`, as the platform documents it."""
        folder = app.folder / "mount"
        if enabled:
            folder.mkdir(exist_ok=True)
        for parent in (app.folder / "releases", app.folder / "home"):
            parent.mkdir(exist_ok=True)
            (parent / "mount").unlink(missing_ok=True)
            if enabled:
                (parent / "mount").symlink_to("../mount")
        if not enabled:
            shutil.rmtree(folder, ignore_errors=True)

    def _arrange_mounts(self, app: App, build_id: int) -> None:
        release = app.release_folder(build_id)
        for mount in self._surroundings.mounts(app.id):
            target = release / mount.target
            if not target.exists() or target.is_symlink():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.unlink(missing_ok=True)
                target.symlink_to(mount.host)

    def _platform_variables(self, app: App, environment: str, port: int) -> dict[str, str]:
        """What the platform tells a process: nothing comes from the server's environment."""
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
            **account_variables(self._settings, app.name),
            # With PORT set, gunicorn listens on all interfaces unless it is told otherwise;
            # Streamlit does so always.
            "GUNICORN_CMD_ARGS": f"--bind=127.0.0.1:{port}",
            "STREAMLIT_SERVER_ADDRESS": "127.0.0.1",
        }

    async def _replace(self, old: Release | None, new: Release) -> None:
        grace = self._settings.stop_grace
        if old:
            await asyncio.gather(*(process.stop(grace) for process in old.others()))
        for process in new.others():
            process.keep()
        if old:
            webs = old.instances.get(WEB, [])
            deadline = time.monotonic() + self._settings.drain_grace
            try:
                while any(web.in_flight for web in webs) and time.monotonic() < deadline:
                    await asyncio.sleep(0.1)
            finally:
                await asyncio.gather(*(web.process.stop(grace) for web in webs))

    async def _end(self, release: Release) -> None:
        grace = self._settings.stop_grace
        webs = [web.process for web in release.instances.get(WEB, [])]
        await asyncio.gather(*(process.stop(grace) for process in [*webs, *release.others()]))

    async def _healthy(self, port: int, process: Process) -> float:
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


def account_variables(settings: ServerSettings, name: str) -> dict[str, str]:
    """How an app learns who its visitor is: what dash-enterprise-auth reads."""
    return {
        "DASH_JWKS_URL": f"{settings.openid}/certs",
        "DASH_USER_INFO_URL": f"{settings.openid}/userinfo",
        "DASH_LOGOUT_URL": f"{settings.openid}/logout",
        "DASH_AUD": app_audience(name),
    }
