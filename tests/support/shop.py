"""The database of a sandbox in which somebody has an app."""

from __future__ import annotations

from pathlib import Path

from de_tasks.server.database import Database


def database_of_a_shop(folder: Path) -> Database:
    """A new database below a folder: ann, an admin, has the app `shop`, whose number is 1."""
    made = Database(folder / "sandbox.sqlite3")
    made.execute(
        "INSERT INTO users (username, password_hash, role, created) VALUES ('ann', '', 'admin', '')"
    )
    made.execute(
        "INSERT INTO apps (id, name, owner, created, updated) VALUES (1, 'shop', 'ann', '', '')"
    )
    return made
