"""What an app finds around it when its processes start: variables, folders, how many of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from de_tasks.appspec import PROCESS_TYPE
from de_tasks.errors import NotFound, UsageError
from de_tasks.server.database import Database
from de_tasks.server.errors import Refused
from de_tasks.server.runtime.variables import Variables

MOST_PROCESSES = 10


@dataclass(frozen=True)
class Mount:
    """A folder of this machine that an app finds in its own folder at `target`."""

    host: Path
    target: str


class AppSettings:
    """Settings of apps that take effect when their processes start."""

    def __init__(
        self,
        database: Database,
        variables: Variables,
        service_urls: Callable[[int], Awaitable[dict[str, str]]],
        allowed_mounts: tuple[Path, ...],
    ) -> None:
        self._db = database
        self._variables = variables
        self._service_urls = service_urls
        self._allowed = allowed_mounts

    async def variables(self, app_id: int) -> dict[str, str]:
        """Global variables, over them the app's own, over them those of its services."""
        return {**self.of_users(app_id), **await self._service_urls(app_id)}

    def of_users(self, app_id: int) -> dict[str, str]:
        """Global variables, over them the app's own: those that users have set."""
        return {**self._variables.all(None), **self._variables.all(app_id)}

    def scale(self, app_id: int) -> dict[str, int]:
        """How many processes of a type were asked for; one of each otherwise."""
        rows = self._db.all("SELECT type, number FROM scale WHERE app_id = ?", app_id)
        return {row["type"]: row["number"] for row in rows}

    def set_scale(self, app_id: int, numbers: dict[str, int], known: list[str]) -> None:
        """Ask for numbers of processes; before the first deploy any type may be named.

        Raises `UsageError` or `NotFound` naming what is wrong.
        """
        for kind, number in numbers.items():
            if kind not in known if known else not PROCESS_TYPE.fullmatch(kind):
                raise NotFound(
                    f"The app has no process {kind!r}. It has: {', '.join(known) or 'none'}."
                )
            if not 0 <= number <= MOST_PROCESSES:
                raise UsageError(f"{kind}={number}: a number from 0 to {MOST_PROCESSES} is needed.")
        with self._db.transaction():
            for kind, number in numbers.items():
                self._db.execute(
                    "INSERT INTO scale VALUES (?1, ?2, ?3)"
                    " ON CONFLICT (app_id, type) DO UPDATE SET number = ?3",
                    app_id,
                    kind,
                    number,
                )

    def mounts(self, app_id: int) -> list[Mount]:
        """The folders of this machine that the app was given."""
        rows = self._db.all("SELECT * FROM mounts WHERE app_id = ? ORDER BY target_dir", app_id)
        return [Mount(Path(row["host_dir"]), row["target_dir"]) for row in rows]

    def add_mount(self, app_id: int, host: str, target: str) -> None:
        """Give the app a folder. Raises `Refused` for one that no admin has allowed."""
        folder = Path(host).resolve()
        if not any(folder.is_relative_to(allowed) for allowed in self._allowed):
            raise Refused(
                "Only directories specified in the Allowed Directories for Mapping list of the "
                f"Dash Enterprise configuration can be mapped to Dash apps. To add {host} to the "
                "sandbox's list, start it with --allow-mount"
            )
        if not folder.is_dir():
            raise NotFound(f"There is no folder {host}.")
        self._db.execute(
            "INSERT OR REPLACE INTO mounts VALUES (?, ?, ?)", app_id, str(folder), inside(target)
        )

    def remove_mount(self, app_id: int, host: str, target: str) -> None:
        """Take a folder away again. Raises `NotFound` when the app has no such mount."""
        if not self._db.changed(
            "DELETE FROM mounts WHERE app_id = ? AND host_dir = ? AND target_dir = ?",
            app_id,
            str(Path(host).resolve()),
            inside(target),
        ):
            raise NotFound(f"{host} is not mounted at {target}.")


def inside(target: str) -> str:
    """A target as a path below the app's folder; `/app/` is what containers call that folder.

    Raises `UsageError` for one that leaves it.
    """
    path = target.removeprefix("/app/").strip("/")
    if not Path(path).parts or ".." in Path(path).parts:
        raise UsageError(f"{target!r} is not a folder inside the app's own.")
    return path
