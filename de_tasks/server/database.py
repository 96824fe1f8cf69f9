"""The sandbox's state: one SQLite file, opened by one process.

Every statement commits on its own unless it stands in a `transaction`, and a commit
reaches the disk before it returns: what was acknowledged survives a kill.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from de_tasks.errors import DeTasksError

SCHEMA = """
CREATE TABLE users (
    username TEXT PRIMARY KEY,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'licensed_user', 'admin')),
    created TEXT NOT NULL,
    -- Signs in with an identity provider elsewhere, and has no password here.
    brokered INTEGER NOT NULL DEFAULT 0,
    key_number INTEGER NOT NULL DEFAULT 1,
    ssh_keys TEXT NOT NULL DEFAULT ''
);
CREATE TABLE members (
    groupname TEXT NOT NULL,
    username TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (groupname, username)
);
CREATE TABLE grants (
    id TEXT PRIMARY KEY,
    username TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    scope TEXT NOT NULL,
    expires REAL NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE refresh_tokens (
    hash TEXT PRIMARY KEY,
    grant_id TEXT NOT NULL REFERENCES grants ON DELETE CASCADE,
    used INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE device_codes (
    hash TEXT PRIMARY KEY,
    user_code TEXT NOT NULL UNIQUE,
    scope TEXT NOT NULL,
    expires REAL NOT NULL,
    polled REAL NOT NULL DEFAULT 0,
    answer TEXT CHECK (answer IN ('yes', 'no')),
    username TEXT REFERENCES users ON DELETE CASCADE
);
CREATE TABLE sessions (
    hash TEXT PRIMARY KEY,
    username TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    csrf TEXT NOT NULL,
    expires REAL NOT NULL
);
CREATE TABLE apps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL REFERENCES users,
    title TEXT NOT NULL DEFAULT '',
    description TEXT NOT NULL DEFAULT '',
    tags TEXT NOT NULL DEFAULT '',
    permission_level TEXT NOT NULL DEFAULT 'unauthenticated'
        CHECK (permission_level IN ('restricted', 'authenticated', 'unauthenticated')),
    show_in_portal INTEGER NOT NULL DEFAULT 0,
    sort_rank INTEGER NOT NULL DEFAULT 0,
    contact_name TEXT NOT NULL DEFAULT '',
    contact_email TEXT NOT NULL DEFAULT '',
    thumbnail TEXT,
    persistent INTEGER NOT NULL DEFAULT 0,
    cache_number INTEGER NOT NULL DEFAULT 1,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    visited TEXT,
    release INTEGER
);
CREATE TABLE access (
    app_id INTEGER NOT NULL REFERENCES apps ON DELETE CASCADE,
    relation TEXT NOT NULL CHECK (relation IN ('viewer', 'co_owner')),
    kind TEXT NOT NULL CHECK (kind IN ('user', 'team')),
    name TEXT NOT NULL,
    PRIMARY KEY (app_id, relation, kind, name)
);
CREATE TABLE variables (
    app_id INTEGER REFERENCES apps ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL
);
-- app_id is null for a global variable, and null is never equal to null.
CREATE UNIQUE INDEX one_variable ON variables (coalesce(app_id, 0), name);
CREATE TABLE scale (
    app_id INTEGER NOT NULL REFERENCES apps ON DELETE CASCADE,
    type TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (app_id, type)
);
CREATE TABLE mounts (
    app_id INTEGER NOT NULL REFERENCES apps ON DELETE CASCADE,
    host_dir TEXT NOT NULL,
    target_dir TEXT NOT NULL,
    PRIMARY KEY (app_id, target_dir)
);
CREATE TABLE services (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    type TEXT NOT NULL CHECK (type IN ('redis', 'postgres')),
    owner TEXT NOT NULL REFERENCES users,
    created TEXT NOT NULL,
    UNIQUE (name, type)
);
CREATE TABLE links (
    service_id INTEGER NOT NULL REFERENCES services ON DELETE CASCADE,
    app_id INTEGER NOT NULL REFERENCES apps ON DELETE CASCADE,
    PRIMARY KEY (service_id, app_id)
);
CREATE TABLE portals (
    name TEXT PRIMARY KEY,
    metadata TEXT NOT NULL DEFAULT '{}',
    require_login INTEGER NOT NULL DEFAULT 1,
    logo TEXT
);
INSERT INTO portals (name) VALUES ('default');
CREATE TABLE admin_tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL
);
CREATE TABLE builds (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    app_id INTEGER NOT NULL REFERENCES apps ON DELETE CASCADE,
    sha TEXT NOT NULL,
    message TEXT NOT NULL,
    author TEXT NOT NULL,
    committed TEXT NOT NULL,
    pushed_by TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'building', 'built', 'failed')),
    queued_at TEXT NOT NULL,
    started_at TEXT,
    finished_at TEXT,
    error TEXT,
    environment TEXT
);
CREATE INDEX builds_by_app ON builds (app_id, id);
"""

SIGN_IN = """
ALTER TABLE sessions ADD COLUMN started TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN browser TEXT NOT NULL DEFAULT '';
CREATE TABLE authorization_codes (
    hash TEXT PRIMARY KEY,
    session TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    challenge TEXT NOT NULL,
    expires REAL NOT NULL
);
CREATE TABLE visits (
    hash TEXT PRIMARY KEY,
    session TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE
);
"""

OWNERS = """
-- What an account's API key is made of. It is null for one from before, which keeps its key.
ALTER TABLE users ADD COLUMN key_seed TEXT;
-- A login that has ended is deleted now, with its tokens.
DELETE FROM grants WHERE revoked;
CREATE INDEX refresh_tokens_by_grant ON refresh_tokens (grant_id);
-- A service belongs to the owner of the app that it was linked to first.
UPDATE services SET owner = (
    SELECT apps.owner FROM links JOIN apps ON apps.id = app_id
    WHERE service_id = services.id ORDER BY links.rowid LIMIT 1
) WHERE id IN (SELECT service_id FROM links);
"""

CANCELLED = """
-- Who has cancelled a build, whose status is failed then.
ALTER TABLE builds ADD COLUMN cancelled_by TEXT;
"""

PYTHON = """
-- The minor version that the app is built for, empty where the sandbox's own will do.
ALTER TABLE apps ADD COLUMN python TEXT NOT NULL DEFAULT '';
"""

DEVICES = """
-- Whence a device asked, and what its program calls itself: shown to who is to approve it.
ALTER TABLE device_codes ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE device_codes ADD COLUMN program TEXT NOT NULL DEFAULT '';
"""

PORTAL = """
-- The Portal has been for everybody, whatever stood here.
UPDATE portals SET require_login = 0;
"""

MIGRATIONS = (SCHEMA, SIGN_IN, OWNERS, CANCELLED, PYTHON, DEVICES, PORTAL)
"""Each takes a data directory from its place's version to the next; the first from nothing."""
VERSION = len(MIGRATIONS)


class Database:
    """A thin layer over `sqlite3`: statements in, rows out."""

    def __init__(self, path: Path) -> None:
        # Created before SQLite does it, so that it is never readable by others.
        path.touch(mode=0o600, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._migrate(path)

    def _migrate(self, path: Path) -> None:
        (version,) = self.one("PRAGMA user_version")
        if version > VERSION:
            raise DeTasksError(
                f"The data directory {path.parent} was written by a newer de-tasks "
                f"(data version {version}, this one reads {VERSION}). "
                "Upgrade de-tasks, or name another directory with --data"
            )
        with self.transaction():
            for migration in MIGRATIONS[version:]:
                for statement in migration.split(";"):
                    self.execute(statement)
            self.execute(f"PRAGMA user_version={VERSION}")

    def execute(self, sql: str, *values: Any) -> int:
        """Run one statement; returns the id of an inserted row."""
        return self._connection.execute(sql, values).lastrowid or 0

    def changed(self, sql: str, *values: Any) -> int:
        """Run one statement; returns how many rows it changed."""
        return self._connection.execute(sql, values).rowcount

    def all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """All rows of a query."""
        return self._connection.execute(sql, values).fetchall()

    def find(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a query, None when there is none."""
        row: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def one(self, sql: str, *values: Any) -> sqlite3.Row:
        """The row of a query that always has one."""
        row = self.find(sql, *values)
        if row is None:
            raise LookupError(sql)
        return row

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside, or none of them."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            # SQLite has ended it by itself after some errors, such as a full disk.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def timestamp() -> str:
    """Now in UTC as the API writes it: microseconds and no zone (`platform.graphql`)."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")
