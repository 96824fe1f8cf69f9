"""The requirements that a lock file names, deployed in the place of a file that is kept by hand.

uv.lock is read by uv itself (docs.astral.sh/uv, `uv export`), pylock.toml by its specification
(packaging.python.org, "pylock.toml"). Nothing is resolved and nothing downloaded: what is locked is
what is deployed, the same bytes from equal files.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from de_tasks.appspec import MADE_FROM, REQUIREMENTS, text_of, with_slashes
from de_tasks.config.environment import without_secrets
from de_tasks.config.system import temporary_folder
from de_tasks.errors import UsageError
from de_tasks.repo.sent import Sent

UV, PROJECT = "uv.lock", "pyproject.toml"
SECONDS = 60
"""The longest that uv may take; it asks no network."""
EXPORT = (
    *("export", "--offline", "--no-dev", "--no-emit-project", "--no-progress", "--quiet"),
    *("--color", "never", "--no-header"),
)
DYNAMIC = re.compile(r"^\s*dynamic\s*=", re.MULTILINE)
PATH = re.compile(
    r"^(?:-e[^\S\n]+)?(?:\S+[^\S\n]*@[^\S\n]*)?(?:file:/*)?"
    r"((?:[A-Za-z]:|\.{1,2})?[/\\]\S*|\.{1,2}[^\S\n]*$)",
    re.MULTILINE,
)
"""A line of requirements that names a place on this machine, as any system writes it."""


@dataclass(frozen=True)
class Locked:
    """What a lock says: the `text` of requirements.txt, and the lock's `digest`."""

    lock: str
    text: bytes
    digest: str

    @property
    def trailer(self) -> str:
        """A line of the deploy's commit that says which lock it was made from."""
        return f"De-Lock: {self.lock} {self.digest[:12]}"


def read(lock: str, sent: Sent) -> Locked:
    """The requirements of the lock among the files of an app.

    Raises `UsageError` for a lock that is not there, cannot be read, is older than its project
    file, or names what only this machine has.
    """
    if not sent.has(lock):
        left = "is left out by .gitignore" if sent.left_out(lock) else "is not in the app's folder"
        raise UsageError(
            f"de.requirements names {lock}, which {left}. A lock of a workspace above the folder "
            "is not read: write requirements.txt from it with uv export --package NAME"
        )
    content = sent.whole(lock)
    text = _of_uv(sent) if lock == UV else _of_pylock(lock, content)
    text = PATH.sub(lambda found: with_slashes(found[0]), text)
    _check_places(lock, text, sent)
    made = f"{MADE_FROM.format(lock)}\n{text}"
    # The same lock, whatever line ends its checkout has.
    same = content.replace(b"\r\n", b"\n")
    return Locked(lock, made.encode(), hashlib.sha256(same).hexdigest())


def apply(lock: str, sent: Sent) -> Sent:
    """The files as they are deployed; with no `lock` as they are. Raises as `read` does."""
    if lock:
        sent.put(REQUIREMENTS, read(lock, sent).text)
    return sent


def _check_places(lock: str, text: str, sent: Sent) -> None:
    for line in text.splitlines():
        _check_place(lock, line, sent)


def _check_place(lock: str, line: str, sent: Sent) -> None:
    found = PATH.match(line)
    if not found:
        return
    place = posixpath.normpath(found[1].strip())
    if posixpath.isabs(place) or place[1:2] == ":" or place.split("/")[0] == "..":
        raise UsageError(
            f"{lock} needs {found[1].strip()}, which is outside the app's folder and would not be "
            "deployed. Build it into the folder, and depend on that: "
            "uv build --wheel -o wheels PATH, then uv add ./wheels/NAME.whl"
        )
    if not (sent.has(place) or sent.has_folder(place)):
        raise UsageError(f"{lock} needs {place}, which is not among the files that are deployed.")


def _of_uv(sent: Sent) -> str:
    uv = _uv()
    with temporary_folder("de-lock-") as folder:
        # uv reads the project files of what the lock names by its path, too.
        for name in sent.entries:
            if posixpath.basename(name) in (UV, PROJECT):
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(sent.whole(name))
        if not (folder / PROJECT).exists():
            raise UsageError(f"{UV} belongs to a {PROJECT}, which is not beside it.")
        project = (folder / PROJECT).read_text("utf-8", "replace")
        # Whether the lock is up to date uv can tell without a build only of what is written down.
        dynamic = DYNAMIC.search(project) is not None
        done = _run(uv, folder, "--frozen" if dynamic else "--locked")
        if done.returncode and not dynamic:
            frozen = _run(uv, folder, "--frozen")
            if frozen.returncode == 0:
                # What lies outside is not here either, and would be taken for a change.
                _check_places(UV, frozen.stdout, sent)
                raise UsageError(f"{UV} is older than {PROJECT}. Type: uv lock", next=["uv lock"])
    if done.returncode:
        raise UsageError(f"uv cannot read {UV}: {_said(done.stderr)}")
    return done.stdout


def _uv() -> str:
    found = shutil.which("uv")
    if found:
        return found
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        raise UsageError(
            f"de.requirements names {UV}, which uv reads, and uv is not installed. "
            "Type: pip install uv",
            next=["pip install uv"],
        ) from None


def _run(uv: str, folder: Path, how: str) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in without_secrets().items() if name != "VIRTUAL_ENV"
    } | {"UV_PYTHON_DOWNLOADS": "never"}
    try:
        return subprocess.run(
            [uv, *EXPORT, how],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except OSError as error:
        raise UsageError(f"{uv} cannot be run: {error.strerror}.") from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"uv did not read {UV} in {SECONDS} s.") from None


def _said(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[:3]).removeprefix("error: ") or "it does not say why."


def _of_pylock(lock: str, content: bytes) -> str:
    try:
        import tomllib
    except ImportError:
        raise UsageError(f"{lock} is read by Python 3.11 and later, and this is older.") from None
    try:
        document = tomllib.loads(text_of(content))
    except ValueError as error:
        raise UsageError(f"{lock} cannot be read: {error}.") from None
    version, packages = str(document.get("lock-version", "")), document.get("packages")
    if version.partition(".")[0] != "1" or not isinstance(packages, list):
        raise UsageError(f"{lock} is no lock file of version 1: its lock-version is {version!r}.")
    try:
        return "".join(f"{line}\n" for package in packages for line in _lines(lock, package))
    except (KeyError, TypeError, AttributeError):
        raise UsageError(f"{lock} is not as its specification has it. Lock again") from None


def _lines(lock: str, package: Mapping[str, Any]) -> Iterator[str]:
    """The lines that a package has in requirements.txt."""
    name, marker = package["name"], package.get("marker", "")
    if re.search(r"\b(extras|dependency_groups)\b", marker):
        raise UsageError(
            f"{lock} has {name} in a group or an extra, and which of them are meant it does not "
            "say. Lock what the app needs alone, such as: uv export --no-dev -o pylock.toml"
        )
    condition = f" ; {marker}" if marker else ""
    if "directory" in package:
        yield f"{package['directory']['path']}{condition}"
    elif "vcs" in package:
        vcs = package["vcs"]
        address = vcs.get("url") or vcs["path"]
        yield f"{name} @ {vcs['type']}+{address}@{vcs['commit-id']}{condition}"
    elif "archive" in package:
        archive = package["archive"]
        place = archive.get("url") or archive["path"]
        yield f"{name} @ {place}{condition}" if "url" in archive else f"{place}{condition}"
    else:
        files = [*package.get("wheels", []), *filter(None, [package.get("sdist")])]
        hashes = sorted({f"{kind}:{value}" for f in files for kind, value in f["hashes"].items()})
        line = f"{name}=={package['version']}{condition}"
        yield " \\\n    ".join([line, *(f"--hash={one}" for one in hashes)])
