"""The requirements: can they be read, and can the server get what they name?"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from de_tasks.appspec import BadInclude, Line, Requirements
from de_tasks.errors import UsageError
from de_tasks.project.checks.findings import Finding

FILE = "requirements.txt"
CONDA = ("environment.yml", "environment.yaml")
PUBLIC = {"pypi.org", "files.pythonhosted.org", "test.pypi.org"}
INDEX = re.compile(r"(?:-i|-f|--index-url|--extra-index-url|--find-links)(?:\s+|=)(\S+)")
OPTION = re.compile(r"\s--[a-z].*$")
"""What pip allows after a requirement, such as `--hash=sha256:...`."""
PASSWORD = re.compile(r"://[^/\s:@]*:(?!\$\{)[^/\s@]+@")

NAMELESS = ""
"""Stands for what an address or path installs, whose name is not known."""


@dataclass(frozen=True)
class Provided:
    """What the requirements install, as far as they say: `names` are canonical ones (PEP 503)."""

    names: frozenset[str]
    unnamed: bool
    """Whether something without a name, such as `-e .`, may bring more."""

    def has(self, package: str) -> bool:
        """Whether a package is named."""
        return canonicalize_name(package) in self.names


def read(folder: Path) -> tuple[Provided | None, list[Finding]]:
    """What the requirements of a folder install, None if not known; and what is wrong."""
    try:
        found = Requirements.read(folder)
    except BadInclude as error:
        where = error.line
        remedy = "Correct the name, or add the file to the folder"
        bad = Finding("requirements-include", where.file, where.number, str(error), remedy)
        return None, [bad]
    except UsageError as error:
        return None, [Finding("requirements-line", FILE, 0, str(error), "Save it as UTF-8 text")]
    if found is None:
        if any((folder / name).is_file() for name in CONDA):
            return None, []
        what = "There is no requirements.txt: nothing would be installed."
        remedy = "Add one that names what the app imports, and gunicorn"
        return None, [Finding("no-requirements", FILE, 0, what, remedy)]
    findings = list(_encodings(folder, found))
    names: set[str] = set()
    for line in found.entries:
        named, wrong = _line(line, folder)
        names |= set() if line.constraint else named
        findings += wrong
    return Provided(frozenset(names), NAMELESS in names), findings


def _encodings(folder: Path, found: Requirements) -> Iterator[Finding]:
    for name in dict.fromkeys([FILE, *(line.file for line in found.entries)]):
        if (folder / name).read_bytes()[:2] in (b"\xff\xfe", b"\xfe\xff"):
            what = f"{name} is in UTF-16, as PowerShell's > writes it; not every tool reads that."
            remedy = f"Save it as UTF-8: pip freeze | Out-File -Encoding utf8 {name}"
            yield Finding("requirements-encoding", name, 0, what, remedy)


def _line(line: Line, folder: Path) -> tuple[set[str], list[Finding]]:
    """The packages that a line installs, and what is wrong with it."""

    def finding(code: str, what: str, remedy: str) -> Finding:
        return Finding(code, line.file, line.number, what, remedy)

    text = OPTION.sub("", line.text)
    found = []
    if PASSWORD.search(text):
        remedy = "Put it in a variable of the app, as ${NAME} (and change it: it was seen)"
        found.append(finding("index-password", "An address has a password in it.", remedy))
    index = INDEX.fullmatch(line.text)
    if index:
        return set(), found + [finding(*problem) for problem in _index(index[1], folder)]
    editable = re.match(r"(?:-e|--editable)(?:\s+|=)(.+)", text)
    target = editable[1] if editable else text
    if not editable and text.startswith("-"):
        return set(), found
    if editable or (" @ " not in target and (_is_path(target) or re.match(r"[a-z+]+:", target))):
        return {NAMELESS}, found + [finding(*problem) for problem in _source(target, line, folder)]
    try:
        wanted = Requirement(target)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        what = f"{target!r} is no requirement: {reason}"
        return set(), [*found, finding("requirements-line", what, "Write it like 'dash>=3,<4'")]
    if wanted.url:
        found += [finding(*problem) for problem in _source(wanted.url, line, folder)]
    return {canonicalize_name(name) for name in (wanted.name, *wanted.extras)}, found


def _index(address: str, folder: Path) -> Iterator[tuple[str, str, str]]:
    host = _host(address)
    if host is None:
        if address.startswith("file:") or not _inside(folder / address, folder):
            what = f"{address} is on this machine, where the server cannot read it."
            yield "unreachable-index", what, "Take it out, or bring the folder into the app's"
    elif _is_here(host):
        what = f"{host} is this machine, which the server cannot reach."
        yield "unreachable-index", what, "Take the line out, or name an index that it can reach"
    elif host not in PUBLIC and "$" not in host:
        what = f"{host} is not the public index: Dash Enterprise must be able to reach it."
        yield "other-index", what, "If it can, put other-index into de.check.ignore"


def _source(target: str, line: Line, folder: Path) -> Iterator[tuple[str, str, str]]:
    """What is wrong with the address or path that something is installed from."""
    if target.startswith(("git+ssh:", "ssh:", "git@", "git+git@")):
        what = f"{target.partition('#')[0]} needs an SSH key that the server does not have."
        yield "unreachable-index", what, "Name it by an https address"
        return
    host = _host(target)
    if host is not None:
        if _is_here(host):
            what = f"{host} is this machine, which the server cannot reach."
            yield "unreachable-index", what, "Name an address that it can reach"
        return
    path = (folder / line.file).parent / re.sub(r"\[.*\]$", "", target.partition("#")[0])
    if target.startswith("file:") or not _inside(path, folder):
        what = f"{target} is a path that the server does not have."
        remedy = "Name the version, as in 'dash==3.2.0'; pip list --format=freeze writes it so"
        yield "local-requirement", what, remedy
    elif not path.exists():
        yield "local-requirement", f"There is no {target} in the folder.", "Correct the path"


def _is_path(text: str) -> bool:
    return text.startswith((".", "/", "~")) or text.endswith((".whl", ".tar.gz", ".zip"))


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder)


def _host(address: str) -> str | None:
    """The host of a web address, None for anything else."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    web = parts.scheme.rpartition("+")[2] in ("http", "https")
    return parts.hostname if web else None


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
