"""The files that a deploy would send: which, how large, and where their links lead."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from de_tasks.appspec import (
    LONGEST_NAME,
    SHORTEST_NAME,
    THUMBNAIL_LIMIT,
    check_app_name,
    image_type,
    legal_app_name,
    read_runtime,
)
from de_tasks.config.system import quoted, temporary_folder
from de_tasks.errors import UsageError
from de_tasks.project.checks.findings import Finding
from de_tasks.repo.sent import Sent
from de_tasks.terminal.commands import typed

THUMBNAIL = re.compile(r"(assets/)?thumbnail\.(png|jpe?g|gif|webp|svg|bmp)", re.IGNORECASE)
ENV_FILE = re.compile(r"\.env(\.(?!(.+[._-])?(example|sample|template|dist)$).+)?")
SPECIAL = re.compile(
    r"^(?:.*/)?\.env(?:\..*)?$|^(?:assets/)?thumbnail\.\w+$", re.MULTILINE | re.IGNORECASE
)
"""Names that may be one of the two above."""
ATTRIBUTES = re.compile(r"^(?:.*/)?\.gitattributes$", re.MULTILINE)
MARKERS = ("pyvenv.cfg", "conda-meta/history")
"""What every virtual environment, and every one of Conda's, has."""
PACKAGES = re.compile(r"^(.+?)/(lib/python3[\d.]*|Lib)/site-packages/", re.MULTILINE)
MEGABYTE = 1000**2
MOUNT = re.compile(r"(\.\./)+mount(/|$)")
POINTER = b"version https://git-lfs.github.com/spec/"
LONGEST_POINTER = 1024
"""Bytes, as the specification of Git LFS has it."""
SHORTEST_POINTER = 100
MOST_NAMED = 5
MOST_LOOKED_AT = 500
"""Small files that are looked into where no .gitattributes speaks of Git LFS."""


def check(sent: Sent, megabytes: int) -> Iterator[Finding]:
    """Look at the files that would be sent."""
    environments = _environments(sent)
    within = tuple(f"{top}/" for top in environments)
    yield from (_environment(top, sent) for top in environments)
    limit = megabytes * MEGABYTE
    if sent.total is None or sent.total > limit:
        for name, entry in sent.entries.items():
            if not entry.link and (size := sent.size(name)) > limit and not name.startswith(within):
                what = f"{name} has {size / MEGABYTE:.0f} MB."
                remedy = "Leave it out by a .gitignore in the folder, or set de.check.limit higher"
                yield Finding("large-file", name, 0, what, remedy)
    for name in sent.links:
        if not name.startswith(within):
            yield from _link(name, sent)
    # Among thousands of names, one search finds the few that are of interest.
    there = ".env" in sent.text or "thumbnail." in sent.text.lower()
    for name in SPECIAL.findall(sent.text) if there else ():
        if name.startswith(within):
            continue
        base = name.rpartition("/")[2]
        if ENV_FILE.fullmatch(base):
            what = f"{name} would be deployed, with the secrets that such files have."
            remedy = f"Add the line '{base}' to .gitignore, and set variables: {typed('update')}"
            if sent.of_git:
                remedy = f"git rm --cached {quoted(name)}, {remedy[0].lower()}{remedy[1:]}"
            yield Finding("env-file", name, 0, what, remedy)
        if THUMBNAIL.fullmatch(name):
            yield from _thumbnail(name, sent)
    yield from _pointers(sent, within)


def _environments(sent: Sent) -> list[str]:
    """The folders of virtual environments (PEP 405), and of Conda's."""
    found = set()
    for marker in MARKERS:
        at = sent.text.find(f"/{marker}\n")
        while at >= 0:
            found.add(sent.text[sent.text.rfind("\n", 0, at) + 1 : at])
            at = sent.text.find(f"/{marker}\n", at + 1)
    if "/site-packages/" in sent.text:
        found |= {top for top, _ in PACKAGES.findall(sent.text)}
    return sorted(top for top in found if top)


def _environment(top: str, sent: Sent) -> Finding:
    what = f"{top}/ is a virtual environment: the server makes one of its own."
    remedy = f"Add the line '{top}/' to .gitignore"
    if sent.of_git:
        remedy += f", and: git rm -r --cached {quoted(top)}"
    file = next((name for name in MARKERS if sent.has(f"{top}/{name}")), "")
    return Finding("virtual-environment", posixpath.join(top, file), 0, what, remedy)


def _pointers(sent: Sent, within: tuple[str, ...]) -> Iterator[Finding]:
    # Without its own filter nobody has pointers but by mistake.
    if len(sent.entries) > MOST_LOOKED_AT and not _uses_lfs(sent):
        return
    small = [
        name
        for name, entry in sent.entries.items()
        if not entry.link and SHORTEST_POINTER < sent.size(name) < LONGEST_POINTER
        if not name.startswith(within)
    ]
    sent.prepare(small)
    found = [name for name in small if sent.read(name).startswith(POINTER)]
    for name in found[:MOST_NAMED]:
        what = f"{name} is a pointer of Git LFS: the app would get it in place of the file."
        more = len(found) - MOST_NAMED
        if more > 0 and name == found[MOST_NAMED - 1]:
            what += f" So are {more} more."
        remedy = "git lfs pull fetches the file; deploy the folder, and not a commit (--ref, hooks)"
        yield Finding("lfs-pointer", name, 0, what, remedy)


def _uses_lfs(sent: Sent) -> bool:
    named = ATTRIBUTES.findall(sent.text) if ".gitattributes" in sent.text else ()
    return any(b"filter=lfs" in sent.read(name) for name in named)


def _link(name: str, sent: Sent) -> Iterator[Finding]:
    # As the server sees it: not where this machine has the folder.
    # `../mount` is the persistent file system, which every app has.
    if sent.target(name) is None and not MOUNT.match(posixpath.normpath(sent.read_link(name))):
        where = sent.read_link(name)
        what = f"{name} is a link to {where}, outside the folder: the server does not have it."
        yield Finding("link-leaves", name, 0, what, "Put the file itself into the folder")


def _thumbnail(name: str, sent: Sent) -> Iterator[Finding]:
    size = sent.size(name)
    if image_type(sent.read(name)) is None:
        what = f"{name} is neither PNG nor JPEG."
    elif size > THUMBNAIL_LIMIT:
        most = THUMBNAIL_LIMIT // 1024
        what = f"{name} has {size / 1024:.0f} KB, and a thumbnail has at most {most}."
    else:
        return
    remedy = f"Make it a PNG or JPEG of at most 100 KB, or {typed('update --thumbnail')} refuses it"
    yield Finding("bad-thumbnail", name, 0, what, remedy)


def runtime(sent: Sent) -> Iterator[Finding]:
    """Look at runtime.txt."""
    if not sent.has("runtime.txt"):
        return
    remedy = "Write it like python-3.11.7, or delete the file"
    try:
        with temporary_folder("de-check-") as place:
            sent.export(["runtime.txt"], place)
            version = read_runtime(place)
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
        return
    if not SHORTEST_NAME <= len(wanted) <= LONGEST_NAME:
        much = "short" if len(wanted) < SHORTEST_NAME else "long"
        what = (
            f"'{wanted}' is too {much} for an app name: {len(wanted)} characters, and "
            f"{SHORTEST_NAME} to {LONGEST_NAME} are allowed."
        )
        remedy = f"Set de.app in invoke.yaml, or try --name {legal_app_name(wanted)}"
        yield Finding("app-name", "", 0, what, remedy)
