"""Virtual environments, one per distinct set of requirements, made with uv and kept.

A release whose requirements did not change starts in an environment that is there already.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.metadata
import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from uv import find_uv_bin

from de_tasks.appspec import LAST_WITH_SETUPTOOLS, Requirements
from de_tasks.errors import DeTasksError
from de_tasks.server.files import remove_tree, write_private
from de_tasks.server.runtime import install_errors, pip_settings, uv_files, vendor
from de_tasks.server.runtime.pythons import AskedPython, find_python
from de_tasks.server.runtime.tree import Tree

COMPLETE = ".complete"
"""Written last; a folder without it is what an interrupted install left behind."""

SETUPTOOLS = "setuptools<81"
"""What the platform's Pythons brought along as long as they brought any: later versions have no
`pkg_resources`, which many packages of that time import."""
REMEDY = (
    "Ask for fewer, smaller or later packages, or start the sandbox with a longer --install-timeout"
)
UNUSED = ".unused"
"""Ends the name of a folder that is being removed."""


class BuildError(DeTasksError):
    """The app cannot be built; the message says why in one sentence."""


class NotInstalled(BuildError):
    """uv has given up, and has said why."""


@dataclass(frozen=True)
class _Making:
    """An environment that is being made, and what for."""

    source: Path
    python: str
    requirements: Requirements | None
    brought: str
    variables: Mapping[str, str]
    say: Callable[[str], None]


class Environments:
    """The environments below one folder. uv's cache lies beside, on the same file system.

    An install holds the descriptor `lock`, and may take `timeout` seconds.
    """

    def __init__(self, folder: Path, lock: int | None, timeout: int) -> None:
        self._folder = folder
        self._lock = lock
        self._timeout = timeout
        self._locks: dict[str, asyncio.Lock] = {}
        self._uv = find_uv_bin()
        self._settings = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(Path.home()),
            "LANG": "C.UTF-8",
            "UV_CACHE_DIR": str(folder / "uv-cache"),
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_NO_PROGRESS": "1",
            "UV_NO_CONFIG": "1",
            **pip_settings.uv_environment(os.environ),
        }
        # The longer ones first: a password is a part of user name and password.
        found = pip_settings.secrets_in(self._settings)
        self._secrets = sorted(found, key=len, reverse=True)
        folder.mkdir(parents=True, exist_ok=True)

    async def provide(
        self,
        source: Path,
        commit: str,
        purged: str,
        say: Callable[[str], None],
        turn: Callable[[], AbstractAsyncContextManager[None]],
        variables: Mapping[str, str],
        asked: AskedPython,
    ) -> str:
        """Name of an environment that has what `source` requires, made if it is not there.

        `commit` identifies the content of the folder, for requirements that install from it;
        `purged` tells an environment from others with the same requirements. An install sees the
        app's `variables`, and is for the Python that was `asked` for. What has to be installed
        waits for its `turn`.
        Raises `BuildError` with the reason.
        """
        requirements = Requirements.read(source)
        try:
            python = await asyncio.to_thread(find_python, asked, say)
        except DeTasksError as error:
            raise BuildError(str(error)) from None
        brought = _brought(asked.version, requirements)
        lines = requirements.lines if requirements else ()
        wanted = [python, *sorted(lines), commit if requirements and requirements.local else ""]
        wanted += [purged] if purged else []
        wanted += [brought] if brought else []
        installs = requirements is not None and requirements.install
        wanted += [json.dumps(sorted(variables.items()))] if installs and variables else []
        name = hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:24]
        lock = self._locks.setdefault(name, asyncio.Lock())
        if lock.locked():
            say("       Waiting for another build that is installing the same requirements")
        async with lock:
            if not self._complete(name):
                async with turn():
                    made = _Making(source, python, requirements, brought, variables, say)
                    await self._make(name, made)
            elif installs:
                say("       Requirements unchanged: nothing to install")
        if requirements is None:
            say("       No requirements.txt: nothing to install")
        elif not installs:
            say("       requirements.txt names no package: nothing to install")
        for line in vendor.stubs(self.path(name)):
            say(f"       {line}")
        return name

    def path(self, name: str) -> Path:
        """Folder of the environment."""
        return self._folder / name

    def installed(self, name: str) -> str:
        """What is installed in an environment, as lines of `name==version`."""
        found = importlib.metadata.distributions(
            path=[str(p) for p in self.path(name).glob("lib/python*/site-packages")]
        )
        return "\n".join(sorted(f"{d.name}=={d.version}" for d in found))

    def remove_unfinished(self) -> None:
        """Remove what an install left behind that was killed."""
        for folder in self._folder.iterdir():
            if folder.name != "uv-cache" and not self._complete(folder.name):
                shutil.rmtree(folder, ignore_errors=True)

    async def prune(self, keep: set[str]) -> None:
        """Remove the environments that are not in `keep`."""
        unused = []
        for folder in self._folder.iterdir():
            lock = self._locks.get(folder.name)
            busy = lock is not None and lock.locked()
            other = folder.name == "uv-cache" or folder.suffix == UNUSED
            if folder.name not in keep and not other and not busy:
                # No build is to take it for whole meanwhile.
                (folder / COMPLETE).unlink(missing_ok=True)
                name = f"{folder.name}-{secrets.token_hex(4)}{UNUSED}"
                unused.append(folder.rename(folder.with_name(name)))
        for folder in unused:
            await remove_tree(folder)

    def _complete(self, name: str) -> bool:
        try:
            return (self._folder / name / COMPLETE).exists()
        except OSError:
            # An app has made it one that nobody may enter.
            return False

    async def _make(self, name: str, making: _Making) -> None:
        folder = self._folder / name
        await remove_tree(folder)
        deadline = time.monotonic() + self._timeout
        venv = ("venv", "--quiet", "--python", making.python, str(folder))
        await self._run("uv venv", replace(making, variables={}), Path("/"), deadline, *venv)
        install = ("pip", "install", "--python", str(folder / "bin" / "python"), "-r")
        if making.brought:
            # Before the rest, which may be built with it or ask for a later one.
            file = folder / "brought.txt"
            # An address in it may have a password.
            lines = uv_files.index_lines(making.requirements, making.source)
            write_private(file, lines + making.brought)
            said: list[str] = []
            quiet = replace(making, say=said.append)
            try:
                await self._run(making.brought, quiet, making.source, deadline, *install, str(file))
            except NotInstalled:
                making.say(f"       {making.brought} was not found: pkg_resources is not there")
            finally:
                file.unlink()
        if making.requirements and making.requirements.install:
            making.say("-----> Installing requirements.txt")
            said = []

            def hear(text: str) -> None:
                said.append(text)
                making.say(text)

            heard = replace(making, say=hear)
            file = uv_files.requirements_file(making.requirements, making.source, folder)
            try:
                await self._run(
                    "requirements.txt", heard, making.source, deadline, *install, str(file)
                )
            except NotInstalled as error:
                raise BuildError(_why(said, _version_in(folder))) from error
            except BuildError as error:
                if compiled := install_errors.being_built(said):
                    version = _version_in(folder)
                    text = f"without a wheel for Python {version}, {compiled} had to be compiled"
                    raise BuildError(f"{error}: {text}. {REMEDY}") from error
                raise BuildError(f"{error}. {REMEDY}") from error
        (folder / COMPLETE).touch()

    async def _run(
        self, what: str, making: _Making, folder: Path, deadline: float, *words: str
    ) -> None:
        def hear(lines: list[str]) -> None:
            for line in lines:
                making.say("       " + self._redact(line.rstrip()))

        # uv's own variables are none that the platform's pip would obey.
        seen = {k: v for k, v in making.variables.items() if not k.startswith("UV_")}
        environment = {**seen, **self._settings, **pip_settings.of_app(making.variables)}
        if hosts := uv_files.trusted_hosts(making.requirements):
            known = environment.get("UV_INSECURE_HOST", "")
            environment["UV_INSECURE_HOST"] = " ".join([known, *hosts]).strip()

        tree = await Tree.start(
            self._uv,
            *words,
            folder=folder,
            environment=environment,
            hear=hear,
            data=self._folder.parent,
            lock=self._lock,
        )
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                status = await tree.wait()
        except TimeoutError:
            raise BuildError(f"{what} was not installed within {self._timeout} s") from None
        finally:
            # What is installed runs code of its own, and may have left some of it behind.
            await tree.stop(0)
        if status != 0:
            raise NotInstalled(f"{what} could not be installed.")

    def _redact(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "****")
        return text


def _why(said: Sequence[str], python: str) -> str:
    """Why the requirements were not installed for this Python, in what uv has said."""
    if hint := vendor.missing("\n".join(said)):
        return hint
    if cause := install_errors.unmet(said, python):
        return f"requirements.txt: {cause}."
    cause = install_errors.refusal(said, python) or "uv gives no reason"
    return f"requirements.txt could not be installed: {cause}."


def _version_in(environment: Path) -> str:
    """The Python of an environment, as `3.11`; empty where it was not made."""
    folder = next(environment.glob("lib/python3*"), None)
    return folder.name.removeprefix("python") if folder else ""


def _brought(version: str | None, requirements: Requirements | None) -> str:
    """What is installed before the requirements, empty where Python or the app brings its own."""
    asked = tuple(map(int, version.split(".")[:2])) if version else sys.version_info[:2]
    named = requirements is not None and "setuptools" in requirements.packages
    return "" if named or asked > LAST_WITH_SETUPTOOLS else SETUPTOOLS
