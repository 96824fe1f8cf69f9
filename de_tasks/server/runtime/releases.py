"""What runs of each app: start a release, try it, switch to it, and let the old one end."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import aiohttp

from de_tasks.appspec import Procfile, read_scale, shell
from de_tasks.errors import DeTasksError
from de_tasks.health import causes
from de_tasks.health.readiness import GIVEN_UP_AFTER, Errors
from de_tasks.server import tls
from de_tasks.server.files import remove_tree
from de_tasks.server.runtime.app import WEB, App, Instance, Release
from de_tasks.server.runtime.app_settings import AppSettings
from de_tasks.server.runtime.environments import BuildError, Environments
from de_tasks.server.runtime.folders import arrange_mounts
from de_tasks.server.runtime.guarded import at_most_logged, reason, until_done
from de_tasks.server.runtime.logs import LogFile
from de_tasks.server.runtime.ports import Ports
from de_tasks.server.runtime.processes import Leash
from de_tasks.server.runtime.redaction import Redaction
from de_tasks.server.runtime.supervised import Supervised
from de_tasks.server.runtime.tree import Tree
from de_tasks.server.runtime.variables import platform_variables
from de_tasks.server.settings import ServerSettings

CHANGES_TOGETHER = 0.3
"""Seconds after a change of settings until the restart that makes it seen: several changes
of one moment need one."""
SHOWN, SEARCHED = 40, 400
"""Lines of an app that did not start: those that the build's log shows, and those in which the
cause is looked for."""

logger = logging.getLogger(__name__)


class NotStarted(BuildError):
    """The app was built, and its web process did not come up; `failed` whether it ended with an
    error, whose last words are the cause."""

    def __init__(self, message: str, failed: bool = False) -> None:
        super().__init__(message)
        self.failed = failed


class Releases:
    """The running releases of all apps."""

    def __init__(
        self,
        settings: ServerSettings,
        environments: Environments,
        app_settings: AppSettings,
        leash: Leash,
        client: aiohttp.ClientSession,
    ) -> None:
        self._settings = settings
        self._environments = environments
        self._app_settings = app_settings
        self._leash = leash
        self._client = client
        self._ports = Ports()
        self._apps: dict[int, App] = {}

    def app(self, app_id: int, name: str) -> App:
        """The app, known from now on."""
        if app_id not in self._apps:
            folder = self._settings.data / "apps" / str(app_id)
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
        for instance in (*release.webs(), *release.others()):
            instance.process.keep()
        app.current = release

    async def listens(self, app: App) -> None:
        """Wait until a web process of the app listens, or has had its time.

        It is asked for nothing: a request that no visitor made would be counted as one.
        """
        web = next(iter(app.current.webs() if app.current else ()), None)
        deadline = time.monotonic() + self._settings.start_timeout
        while web and time.monotonic() < deadline:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", web.port)
                writer.close()
                return
            except OSError:
                await asyncio.sleep(0.05)

    async def deploy(
        self, app: App, build_id: int, environment: str, say: Callable[[str], None]
    ) -> Release:
        """Start a release and wait until its web processes answer. `switch` to it, or stop it.

        Raises `NotStarted` with the cause when one does not answer; the release that serves is
        not touched then.
        """
        release = await self._release(app, build_id, environment)
        log = self.log(app, WEB)
        command = Procfile.read(app.release_folder(build_id)).commands[WEB]
        say(f"-----> Starting web: {command}")
        before = log.last
        log.append(f"[sandbox] starting build {build_id}")
        try:
            for instance in release.webs():
                instance.process.process = await instance.process.start()
            seconds = await asyncio.gather(*(self._healthy(web, say) for web in release.webs()))
        except BaseException as error:
            await asyncio.shield(release.stop(1))
            if not isinstance(error, NotStarted):
                raise
            said = [line.text for line in log.tail(SEARCHED, after=before + 1)]
            for text in said[-SHOWN:]:
                say("       " + text)
            raise NotStarted(_with_cause(error, said, release.webs())) from None
        say(f"       web answered after {max(seconds, default=0):.1f} s")
        return release

    async def run(
        self,
        app: App,
        build_id: int,
        environment: str,
        kind: str,
        command: str,
        say: Callable[[str], None],
    ) -> None:
        """Run a command of a build to its end, as the app's processes run; `say` gets its lines.

        A file of the app's folder needs no executable bit. Raises `BuildError` with its cause.
        """
        folder = app.release_folder(build_id)
        variables = await self._app_settings.variables(app.id)
        arrange_mounts(app, build_id, self._app_settings.mounts(app.id))
        (app.folder / "home").mkdir(parents=True, exist_ok=True)
        (port,) = self._ports.take(1)
        try:
            platform = platform_variables(
                self._settings, app, self._environments.path(environment), port
            )
            said = deque[str](maxlen=SEARCHED)

            def hear(lines: list[str]) -> None:
                for line in lines:
                    said.append(line)
                    say(f"       {line}")

            say(f"-----> Running {kind}: {command}")
            bash = shell(platform["PATH"])
            script = " " not in command and os.path.isfile(folder / command)
            program = "python" if command.endswith(".py") else bash
            tree = await Tree.start(
                *((program, command) if script else (bash, "-c", command)),
                folder=folder,
                environment={**tls.variables(self._settings), **variables, **platform},
                hear=hear,
                data=self._settings.data,
                lock=self._leash.lock,
            )
            limit = self._settings.install_timeout
            try:
                async with asyncio.timeout(limit):
                    status = await tree.wait()
            except TimeoutError:
                raise BuildError(f"{kind} did not end within {limit} s.") from None
            finally:
                await tree.stop(0)
        finally:
            self._ports.give_back(port)
        if status:
            words = causes.last_words(said)
            raise BuildError(
                f"{kind} {causes.exit_words(status, 'ended')}{f': {words}' if words else '.'}"
            )

    def switch(self, app: App, release: Release) -> None:
        """Let a release that answers take the place of the one that serves."""
        old, app.current, app.problem = app.current, release, ""
        for web in release.webs():
            web.process.keep(web.process.process)
        replace = until_done(
            f"replacing release of {app.name}", lambda: self._replace(old, release)
        )
        task = asyncio.create_task(replace)
        app.ending.add(task)
        task.add_done_callback(app.ending.discard)
        if old:
            app.replaced.append(old)
            task.add_done_callback(lambda _: app.replaced.remove(old))

    async def restart(self, app: App) -> list[str]:
        """Start all processes anew, with the settings of now, before the old ones end.

        Returns the process types; empty when nothing runs. Raises `BuildError` when the new
        web process does not answer: the old ones go on then.
        """
        await app.started()
        async with app.changing:
            if app.current is None:
                return []
            log = self.log(app, WEB)
            try:
                release = await self.deploy(
                    app, app.current.build_id, app.current.environment, lambda text: None
                )
            except (DeTasksError, OSError) as error:
                redact = Redaction((await self._app_settings.variables(app.id)).values())
                why = redact(reason(error))
                log.append(f"[sandbox] not restarted, the old processes go on: {why}")
                raise BuildError(why) from error
            self.switch(app, release)
            return [kind for kind, instances in app.current.instances.items() if instances]

    def restart_soon(self, app: App) -> bool:
        """Restart once for all changes of this moment; False when there is nothing to restart."""
        if app.current is None and app.starting is None:
            return False
        if app.refresh is None or app.refresh.done():
            app.refresh = asyncio.create_task(self._restart_later(app))
        return True

    async def _restart_later(self, app: App) -> None:
        await asyncio.sleep(CHANGES_TOGETHER)
        # From here on a further change needs a further restart.
        app.refresh = None
        await at_most_logged(f"restart of {app.name}", self.restart(app))

    async def stop(self, app: App) -> None:
        """Stop every process of the app."""
        if app.starting:
            app.starting.cancel()
            await asyncio.gather(app.starting, return_exceptions=True)
        if app.refresh:
            app.refresh.cancel()
        release, app.current = app.current, None
        for task in app.ending:
            task.cancel()
        await asyncio.gather(*app.ending, return_exceptions=True)
        if release:
            await release.stop(self._settings.stop_grace)

    async def stop_all(self, waiting: Callable[[list[str]], None]) -> None:
        """Stop every process of every app; `waiting` hears which apps have not ended yet."""
        left = {app.name for app in self._apps.values() if app.current}

        async def stop(app: App) -> None:
            await at_most_logged(f"end of {app.name}", self.stop(app))
            if app.name in left:
                left.remove(app.name)
                waiting(sorted(left))

        waiting(sorted(left))
        await asyncio.gather(*map(stop, list(self._apps.values())))

    async def forget(self, app: App) -> None:
        """Stop the app and delete its files."""
        await self.stop(app)
        self._apps.pop(app.id, None)
        for log in app.logs.values():
            log.close()
        await remove_tree(app.folder)

    async def _release(self, app: App, build_id: int, environment: str) -> Release:
        commands = Procfile.read(app.release_folder(build_id)).commands
        scale = self._app_settings.scale(app.id)
        variables = await self._app_settings.variables(app.id)
        arrange_mounts(app, build_id, self._app_settings.mounts(app.id))
        (app.folder / "home").mkdir(parents=True, exist_ok=True)
        virtualenv = self._environments.path(environment)

        def instance(kind: str, port: int) -> Instance:
            platform = platform_variables(self._settings, app, virtualenv, port)
            own = {**tls.variables(self._settings), **variables, **platform}
            folder, log = app.release_folder(build_id), self.log(app, kind)

            async def start() -> Tree:
                return await Tree.start(
                    shell(platform["PATH"]),
                    "-c",
                    commands[kind],
                    folder=folder,
                    environment=own,
                    hear=lambda lines: log.append("\n".join(lines)),
                    data=self._settings.data,
                    lock=self._leash.lock,
                )

            return Instance(port, Supervised(f"{kind} of {app.name}", start, log), self._ports)

        kinds = _kinds(commands, scale, app.release_folder(build_id), self._settings.as_version)
        ports = self._ports.take(sum(kinds.values()))
        try:
            given = iter(ports)
            instances = {k: [instance(k, next(given)) for _ in range(n)] for k, n in kinds.items()}
        except BaseException:
            self._ports.give_back(*ports)
            raise
        return Release(build_id, environment, instances)

    async def _replace(self, old: Release | None, new: Release) -> None:
        grace = self._settings.stop_grace
        if old:
            await asyncio.gather(*(one.stop(grace) for one in old.others()))
        for one in new.others():
            one.process.keep()
        if old:
            deadline = time.monotonic() + self._settings.drain_grace
            try:
                while any(web.in_flight for web in old.webs()) and time.monotonic() < deadline:
                    await asyncio.sleep(0.1)
            finally:
                await asyncio.gather(*(web.stop(grace) for web in old.webs()))

    async def _healthy(self, web: Instance, say: Callable[[str], None]) -> float:
        """Seconds until `GET /` is answered with anything but a server error.

        Raises `NotStarted` at the process's end, at the timeout, and before that for an error
        that lasts (`readiness`).
        """
        port, process = web.port, web.process.process
        assert process
        begin = time.monotonic()
        limit = self._settings.start_timeout
        seen, errors, told = f"did not listen on $PORT (here {port})", Errors(), 0
        while time.monotonic() - begin < limit:
            if process.exit_status is not None:
                status, seconds = await process.wait(), time.monotonic() - begin
                words = f"web {causes.exit_words(status, 'ended')} after {seconds:.1f} s"
                raise NotStarted(words, failed=status != 0)
            try:
                status = await self._status(port)
            except (aiohttp.ClientError, OSError, TimeoutError):
                errors.saw(0)
                await asyncio.sleep(0.01)
                continue
            if status < 500:
                return time.monotonic() - begin
            seen = f"answered GET / with status {status}"
            errors.saw(status)
            if errors.final:
                raise NotStarted(f"web {seen} for {GIVEN_UP_AFTER:.0f} s")
            if errors.status not in (0, told):
                told = errors.status
                say(f"       web answers {told} so far")
            await asyncio.sleep(0.5)
        raise NotStarted(f"web {seen} within {limit} s")

    async def _status(self, port: int) -> int:
        timeout = aiohttp.ClientTimeout(total=self._settings.start_timeout)
        address = f"http://127.0.0.1:{port}/"
        async with self._client.get(address, allow_redirects=False, timeout=timeout) as answer:
            return answer.status


def _kinds(
    commands: Mapping[str, str], asked: Mapping[str, int], folder: Path, version: int
) -> dict[str, int]:
    """How many of each process are started. Version 5 starts one of each that nobody scaled.
    On version 4 the app's own file decides, else web alone runs; `release` is no process there."""
    if version == 5:
        return {kind: asked.get(kind, 1) for kind in commands}
    own = read_scale(folder)
    scale = {"web": 1, **asked} if own is None else own
    return {kind: scale.get(kind, 0) for kind in commands if kind != "release"}


def _with_cause(error: NotStarted, said: Sequence[str], webs: Sequence[Instance]) -> str:
    """What went wrong with the web process, and its own words for it."""
    if not error.failed:
        for port in [causes.other_port(said, web.port) for web in webs]:
            if port and "$PORT" in str(error):
                return f"{error}. It listens on port {port}: let it read the variable PORT."
    # Of a program that has not ended, the last line is one of many.
    words = causes.last_words(said) if error.failed else causes.exception(said) or causes.slow(said)
    if program := causes.missing_program(words):
        words += f". Name the package that brings {program} in requirements.txt"
    return f"{error}: {words}" if words else f"{error}."
