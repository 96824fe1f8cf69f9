"""Real databases for apps: a Valkey per Redis service, one PostgreSQL cluster for the others.

Every service has data and a password of its own; servers listen on 127.0.0.1 alone. All files
lie below the one folder that `Databases` is given, whoever runs the sandbox.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Literal, Protocol

from de_tasks.server.runtime.processes import Leash
from de_tasks.server.services.postgres import Postgres
from de_tasks.server.services.server import DatabaseError
from de_tasks.server.services.valkey import Valkeys

__all__ = ["DatabaseError", "Databases", "Kind"]

Kind = Literal["redis", "postgres"]
NAME = re.compile(r"[a-z0-9-]{1,60}")


class Databases:
    """The databases of a sandbox; `name` is the unique id of a service."""

    def __init__(self, folder: Path, leash: Leash) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._kinds: dict[str, _Databases] = {
            "redis": Valkeys(folder / "redis", leash),
            "postgres": Postgres(folder / "postgres", leash),
        }

    async def create(self, kind: Kind, name: str) -> None:
        """Make the database, unless it is there already, and start its server.

        Raises `DatabaseError`, for example when the server is not installed.
        """
        if not NAME.fullmatch(name):
            raise DatabaseError(f"[{name}] cannot be the name of a database.")
        await self._kinds[kind].create(name)

    async def url(self, kind: Kind, name: str) -> str:
        """Address of the database with its password; its server runs when this returns.

        Raises `DatabaseError` when there is no such database or the server does not start.
        """
        return await self._kinds[kind].url(name)

    async def delete(self, kind: Kind, name: str) -> None:
        """Delete the database with its data; nothing happens when there is none.

        Raises `DatabaseError` when the server that must do it does not start.
        """
        if NAME.fullmatch(name):
            await self._kinds[kind].delete(name)

    def status(self, kind: Kind, name: str) -> str:
        """`running`, or `down`."""
        return "running" if self._kinds[kind].running(name) else "down"

    async def limit(self, kind: Kind, name: str, memory: int) -> None:
        """Let the data of a database take at most that many bytes of memory; 0: no limit.

        Raises `DatabaseError` where its server cannot do that.
        """
        await self._kinds[kind].limit(name, memory)

    def memory(self, kind: Kind, name: str) -> int:
        """The limit in bytes; 0 without one."""
        return self._kinds[kind].memory(name)

    def exists(self, kind: Kind, name: str) -> bool:
        """Whether the database was made to the end."""
        return self._kinds[kind].exists(name)

    async def keep(self, kind: Kind, names: set[str]) -> None:
        """Delete all other databases: those that were half made or half deleted.

        Raises `DatabaseError` when the server that must do it does not start.
        """
        await self._kinds[kind].keep(names)

    async def stop(self) -> None:
        """Shut every server down, in 20 seconds at most."""
        await asyncio.gather(*(kind.stop() for kind in self._kinds.values()))


class _Databases(Protocol):
    async def create(self, name: str) -> None: ...
    async def url(self, name: str) -> str: ...
    async def delete(self, name: str) -> None: ...
    def running(self, name: str) -> bool: ...
    async def limit(self, name: str, memory: int) -> None: ...
    def memory(self, name: str) -> int: ...
    def exists(self, name: str) -> bool: ...
    async def keep(self, names: set[str]) -> None: ...
    async def stop(self) -> None: ...
