"""PostgreSQL databases: one cluster for the sandbox, a role and a database for each service."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
from pathlib import Path

from de_tasks.server.files import write_private
from de_tasks.server.runtime.processes import Leash
from de_tasks.server.services.machine import HOST
from de_tasks.server.services.programs import (
    ENVIRONMENT,
    Copy,
    Programs,
    find_programs,
    runs_as,
    server_user,
)
from de_tasks.server.services.server import Command, DatabaseError, Server

SUPERUSER = "postgres"
BEGUN = ".begun"
"""Ending of the file that says a database is being made."""
INITDB_TIMEOUT = 120
SQL_TIMEOUT = 60

# Connections are let in only after everybody else's right to connect was revoked.
# `\\gexec` runs what the query returns: nothing, where there is nothing to do.
CREATE = """
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
SELECT 'CREATE ROLE {role}'
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec
ALTER ROLE {role} LOGIN PASSWORD '{password}';
SELECT 'CREATE DATABASE {role} OWNER {role} ALLOW_CONNECTIONS false'
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{role}') \\gexec
REVOKE ALL ON DATABASE {role} FROM PUBLIC;
ALTER DATABASE {role} ALLOW_CONNECTIONS true;
"""

# A role to which another service granted something of its own cannot be dropped;
# it stays behind without a password and without the right to log in.
DELETE = """
SELECT 'ALTER ROLE {role} NOLOGIN PASSWORD NULL'
  WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec
DROP DATABASE IF EXISTS {role} WITH (FORCE);
DO $$ BEGIN DROP ROLE IF EXISTS {role};
EXCEPTION WHEN dependent_objects_still_exist THEN NULL; END $$;
"""


class Postgres:
    """The PostgreSQL databases of a sandbox; the cluster is made for the first of them."""

    def __init__(self, folder: Path, leash: Leash) -> None:
        self._cluster = Cluster(folder, leash)
        self._services = folder / "services"
        self._lock = asyncio.Lock()

    async def create(self, name: str) -> None:
        """Make role and database; the file of its password says that all of it is there."""
        async with self._lock:
            await self._cluster.start()
            if self._file(name).exists():
                return
            password = secrets.token_urlsafe(24)
            self._services.mkdir(mode=0o700, exist_ok=True)
            begun = self._file(name + BEGUN)
            begun.touch(0o600)
            await self._cluster.execute(CREATE.format(role=role_of(name), password=password))
            write_private(self._file(name), password)
            begun.unlink()

    async def url(self, name: str) -> str:
        """Address of the database, the cluster running."""
        async with self._lock:
            if not self._file(name).exists():
                raise DatabaseError(f"There is no PostgreSQL database [{name}].")
            await self._cluster.start()
            role, password = role_of(name), self._file(name).read_text()
            return f"postgresql://{role}:{password}@{HOST}:{self._cluster.port}/{role}"

    async def delete(self, name: str) -> None:
        """Drop database and role, whoever is connected."""
        async with self._lock:
            if not self._cluster.exists:
                return
            await self._cluster.start()
            await self._cluster.execute(DELETE.format(role=role_of(name)))
            # The file goes last: as long as it is there, there is something to delete.
            self._file(name).unlink(missing_ok=True)
            if not self._services.is_dir() or not any(self._services.iterdir()):
                await self._cluster.stop()

    async def limit(self, name: str, memory: int) -> None:
        """Not to be had: one server serves all databases. Raises `DatabaseError`."""
        raise DatabaseError(
            "The Postgres databases of the sandbox share one server, whose memory cannot be "
            "limited for one of them. Redis services have limits here."
        )

    def memory(self, name: str) -> int:
        """0: there is no limit."""
        return 0

    def exists(self, name: str) -> bool:
        """Whether role and database were made to the end."""
        return self._file(name).exists()

    async def keep(self, names: set[str]) -> None:
        """Delete all others, and the marks of what is whole."""
        there = list(self._services.iterdir()) if self._services.exists() else []
        for name in {path.name.partition(".")[0] for path in there} - names:
            await self.delete(name)
        for path in there:
            if "." in path.name:
                path.unlink()

    def running(self, name: str) -> bool:
        """Whether the database is there and the cluster takes requests."""
        return self._cluster.running and self._file(name).exists()

    async def stop(self) -> None:
        """Shut the cluster down."""
        await self._cluster.stop()

    def _file(self, name: str) -> Path:
        return self._services / name


class Cluster(Server):
    """The server and its data, and a superuser whose password lies in a 0600 file."""

    title = "PostgreSQL"
    names = ("postgres",)
    end_signal = signal.SIGINT  # PostgreSQL's "fast shutdown"; SIGTERM waits for the clients.

    def __init__(self, folder: Path, leash: Leash) -> None:
        super().__init__(folder, leash)
        # The server's user owns this folder; ours is around it, and keeps everybody else out.
        self._home = folder / "cluster"
        self.data = self._home / "data"
        self._password_file = folder / "superuser.pgpass"
        self._copy = Copy(folder / "programs")
        self._user: int | None = None
        self._descriptor: int | None = None
        self._programs: Programs | None = None

    @property
    def exists(self) -> bool:
        """Whether the cluster was made."""
        return self.data.exists()

    async def prepare(self) -> None:
        """Find the programs and make the cluster, if that was not done."""
        version = self.data / "PG_VERSION"
        major = int(version.read_text()) if version.exists() else None
        self._user = server_user()
        self._programs = await asyncio.to_thread(find_programs, major)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if self._user is not None:
            if not await asyncio.to_thread(runs_as, self._user, self._programs):
                self._programs = await asyncio.to_thread(self._copy.make, self._programs)
        self._home.mkdir(mode=0o700, exist_ok=True)
        self._hand_over(self._home)
        self._close_descriptor()
        if self._user is not None:
            self._descriptor = os.open(self._home, os.O_RDONLY | os.O_DIRECTORY)
        if not self.exists:
            await self._make(self._programs.major)
        else:
            # No server is left, that was seen to; the number in this file may by now be another
            # process of the same user, and the server would take that one for itself.
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def command(self) -> Command:
        """The server, on TCP only; SQL that fails may hold passwords and is not logged."""
        settings = {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            "password_encryption": "scram-sha-256",
            "log_min_error_statement": "panic",
            "log_checkpoints": "off",
        }
        options = [word for name in settings for word in ("-c", f"{name}={settings[name]}")]
        return self._as_server("postgres", "-D", f"{self._place}/data", *options)

    async def answers(self, pid: int) -> bool:
        """Whether the server has written so to its file (as `pg_ctl --wait` asks)."""
        try:
            lines = (self.data / "postmaster.pid").read_text().split("\n")
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"

    async def stop(self) -> None:
        """Shut the server down, and remove what root needed to run it."""
        await super().stop()
        self._close_descriptor()
        await asyncio.to_thread(self._copy.remove)

    async def execute(self, script: str) -> None:
        """Run SQL as the superuser. Raises `DatabaseError` with PostgreSQL's own words."""
        assert self._programs
        environment = {
            **ENVIRONMENT,
            "PGPASSFILE": str(self._password_file),
            "PGCONNECT_TIMEOUT": "10",
            "PGSSLMODE": "disable",
            "PGGSSENCMODE": "disable",
        }
        psql = str(self._programs.folder / "psql")
        options = ["-XAtqw", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse"]
        where = ["-h", HOST, "-p", str(self.port), "-U", SUPERUSER, "-d", "postgres"]
        command = Command([psql, *options, *where], environment)
        status, output = await command.run(self.leash, SQL_TIMEOUT, script)
        if status != 0:
            raise DatabaseError(f"PostgreSQL refused: {output.strip() or f'status {status}'}")

    async def _make(self, major: int) -> None:
        # Complete or not there: initdb works beside, and its result is put in place at the end.
        # A name of its own each time: an interrupted initdb may still be clearing up after itself.
        for left in self._home.glob("new-*"):
            await asyncio.to_thread(shutil.rmtree, left, ignore_errors=True)
        partial = self._home / f"new-{secrets.token_hex(4)}"
        password = secrets.token_urlsafe(24)
        write_private(self._password_file, f"{HOST}:*:*:{SUPERUSER}:{password}\n")
        shared = self._home / "password"
        write_private(shared, password)
        self._hand_over(shared)
        collation = ["--locale=C"]
        if major >= 17:
            collation += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        where = ["-D", f"{self._place}/{partial.name}", f"--pwfile={self._place}/password"]
        options = ["-U", SUPERUSER, "-A", "scram-sha-256", "-E", "UTF8", *collation]
        initdb = self._as_server("initdb", *where, *options)
        try:
            status, output = await initdb.run(self.leash, INITDB_TIMEOUT)
        finally:
            shared.unlink()
        if status != 0:
            write_private(self.log_path, output)
            raise DatabaseError(f"PostgreSQL cannot make its data folder: read {self.log_path}")
        partial.rename(self.data)

    def _as_server(self, program: str, *arguments: str) -> Command:
        assert self._programs
        kept = () if self._descriptor is None else (self._descriptor,)
        line = [str(self._programs.folder / program), *arguments]
        return Command(line, ENVIRONMENT, descriptors=kept, user=self._user)

    @property
    def _place(self) -> str:
        # See `programs`: how a server that is not root reaches a folder below root's home.
        descriptor = self._descriptor
        return str(self._home) if descriptor is None else f"/proc/self/fd/{descriptor}"

    def _hand_over(self, path: Path) -> None:
        if self._user is None:
            return
        try:
            os.chown(path, self._user, self._user)
        except OSError as error:
            raise DatabaseError(
                f"PostgreSQL refuses to run as root, and {path} cannot be given to [nobody] "
                f"({error.strerror}): start the sandbox as an ordinary user."
            ) from None

    def _close_descriptor(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def role_of(name: str) -> str:
    """Name of a service's role and database; SQL takes it without quotes."""
    return "db_" + name.replace("-", "_")
