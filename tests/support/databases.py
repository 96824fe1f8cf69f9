"""Clients of the two kinds of databases, without a library for either."""

from __future__ import annotations

import socket
import subprocess
from urllib.parse import urlsplit

from de_tasks.server.services import programs
from tests.support.waiting import BOUND


def redis(url: str, *command: str, password: str | None = None) -> str:
    """Answer to a command, spoken over a plain socket."""
    parts = urlsplit(url)
    assert parts.hostname == "127.0.0.1" and parts.port and parts.path == "/0"
    with socket.create_connection((parts.hostname, parts.port), BOUND) as spoken:
        for words in (["AUTH", password or parts.password or ""], command):
            text = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
            spoken.sendall(f"*{len(words)}\r\n{text}".encode())
            answer = spoken.recv(64 * 1024).decode()
            if answer.startswith("-"):
                return answer
    return answer


def sql(url: str, statement: str) -> tuple[int, str]:
    """Exit status and output of psql."""
    psql = programs.find_programs(None).folder / "psql"
    done = subprocess.run(
        [psql, "-XAtq", "-c", statement],
        env={**connection(url), "PGCONNECT_TIMEOUT": f"{BOUND:.0f}"},
        capture_output=True,
        text=True,
        timeout=2 * BOUND,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).strip()


def connection(url: str) -> dict[str, str]:
    """The variables that lead psql to a database."""
    parts = urlsplit(url)
    assert parts.scheme == "postgresql" and parts.hostname == "127.0.0.1"
    return {
        "PGHOST": parts.hostname,
        "PGPORT": str(parts.port),
        "PGUSER": parts.username or "",
        "PGPASSWORD": parts.password or "",
        "PGDATABASE": parts.path.lstrip("/"),
    }
