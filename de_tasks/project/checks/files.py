"""The files that a deploy would send: which, how large, and where their links lead."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from de_tasks.appspec import THUMBNAIL_LIMIT, check_app_name, image_type, read_runtime
from de_tasks.errors import UsageError
from de_tasks.project.checks.findings import Finding
from de_tasks.repo.git import Git

THUMBNAIL = re.compile(r"(assets/)?thumbnail\.(png|jpe?g|gif|webp|svg|bmp)", re.IGNORECASE)
ENV_FILE = re.compile(r"\.env(\.(?!(example|sample|template|dist)$).+)?")
MEGABYTE = 1000**2


def deployed(folder: Path) -> list[str]:
    """The files that a deploy of the folder would send, relative to it, in order.

    The rule is that of deploys: the folder's own .gitignore files count, and nothing else.
    An empty repository is asked, so that no file counts as known.
    """
    with TemporaryDirectory(prefix="de-check-") as empty:
        git = Git(Path(empty))
        git("init", "--bare", "--quiet", "--template=")
        arguments = ("ls-files", "--others", "--exclude-per-directory=.gitignore", "-z")
        text = git(*arguments, variables={"GIT_WORK_TREE": str(folder)}, cwd=folder)
    names: list[str] = []
    for name in filter(None, text.split("\0")):
        # A repository inside the folder is one entry; its files are sent as files.
        names += _inside(folder, name) if name.endswith("/") else [name]
    return sorted(names)


def _inside(folder: Path, name: str) -> Iterator[str]:
    for top, folders, files in os.walk(folder / name):
        if ".git" in folders:
            folders.remove(".git")
        yield from (os.path.relpath(os.path.join(top, file), folder) for file in files)


def check(folder: Path, names: list[str], megabytes: int) -> Iterator[Finding]:
    """Look at the files that would be sent."""
    for name in names:
        path = os.path.join(folder, name)
        try:
            status = os.lstat(path)
        except OSError:
            continue
        if stat.S_ISLNK(status.st_mode):
            yield from _link(name, folder)
        elif status.st_size > megabytes * MEGABYTE:
            what = f"{name} has {status.st_size / MEGABYTE:.0f} MB."
            remedy = "Leave it out by a .gitignore in the folder, or set de.check.limit higher"
            yield Finding("large-file", name, 0, what, remedy)
        base = name.rpartition("/")[2]
        if ENV_FILE.fullmatch(base):
            what = f"{name} would be deployed, with the secrets that such files have."
            remedy = f"Add the line '{base}' to .gitignore, and set variables: inv update"
            yield Finding("env-file", name, 0, what, remedy)
        if THUMBNAIL.fullmatch(name):
            yield from _thumbnail(name, folder)


def _link(name: str, folder: Path) -> Iterator[Finding]:
    target = os.readlink(folder / name)
    # As the server sees it: not where this machine has the folder.
    way = os.path.normpath(os.path.join(os.path.dirname(name), target))
    if os.path.isabs(target) or way.split("/")[0] == "..":
        what = f"{name} is a link to {target}, outside the folder: the server does not have it."
        yield Finding("link-leaves", name, 0, what, "Put the file itself into the folder")


def _thumbnail(name: str, folder: Path) -> Iterator[Finding]:
    data = (folder / name).read_bytes()
    if image_type(data) is None:
        what = f"{name} is neither PNG nor JPEG."
    elif len(data) > THUMBNAIL_LIMIT:
        size, most = len(data) / 1024, THUMBNAIL_LIMIT // 1024
        what = f"{name} has {size:.0f} KB, and a thumbnail has at most {most}."
    else:
        return
    remedy = "Make it a PNG or JPEG of at most 100 KB, or inv update --thumbnail refuses it"
    yield Finding("bad-thumbnail", name, 0, what, remedy)


def runtime(folder: Path) -> Iterator[Finding]:
    """Look at runtime.txt."""
    remedy = "Write it like python-3.11.7, or delete the file"
    try:
        version = read_runtime(folder)
    except UsageError as error:
        yield Finding("bad-runtime", "runtime.txt", 1, str(error), remedy)
        return
    if version and not version.startswith("3."):
        what = f"runtime.txt asks for Python {version}."
        yield Finding("bad-runtime", "runtime.txt", 1, what, remedy)


def name(wanted: str) -> Iterator[Finding]:
    """Look at the app's name."""
    try:
        check_app_name(wanted)
    except UsageError as error:
        what, _, remedy = str(error).partition(" Try ")
        remedy = f"Set de.app in invoke.yaml, or {f'try {remedy}' if remedy else 'give --name'}"
        yield Finding("app-name", "", 0, what, remedy)
