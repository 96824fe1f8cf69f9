"""Where requirements come from: can the server reach it, and is it for everybody's eyes?"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from de_tasks.appspec import Line, with_slashes
from de_tasks.repo.sent import Sent

TOKEN = re.compile(
    r"(gh[pousr]_|github_pat_|glpat-|gldt-|pypi-|hf_|AKIA|npm_|dckr_)\S{6,}"
    r"|(?=\S*\d)(?=\S*[A-Za-z])[\w.~+=-]{12,}|[\w.~+=-]{24,}"
)


def is_secret(userinfo: str) -> bool:
    """Whether what stands before the host of an address is for nobody's eyes."""
    name, _, password = unquote(userinfo).partition(":")
    if password:
        return not password.startswith("$")
    return not name.startswith("$") and bool(TOKEN.fullmatch(name))


def of_index(address: str, sent: Sent) -> Iterator[tuple[str, str, str]]:
    """What is wrong with the address or folder of an index: code, what, remedy."""
    host = _host(address)
    if host is None:
        if address.startswith("file:") or not _inside(address):
            what = f"{address} is on this machine, where the server cannot read it."
            yield "unreachable-index", what, "Take it out, or bring the folder into the app's"
        elif "$" not in address and "://" not in address and not (
            sent.has_folder(address) or sent.has(address)
        ):  # fmt: skip
            what = f"There is no {address} in the folder."
            yield "unreachable-index", what, "Correct the path, or add the folder"
    elif _is_here(host):
        what = f"{host} is this machine, which the server cannot reach."
        yield "unreachable-index", what, "Take the line out, or name an index that it can reach"
    elif "$" not in host and host not in _public_hosts():
        what = f"{host} is not the public index: Dash Enterprise must be able to reach it."
        yield "other-index", what, "If it can, put other-index into de.check.ignore"


def _public_hosts() -> set[str]:
    """Hosts of the public index, as pip has them; none where there is no pip to ask."""
    try:
        from pip._internal.models import index
    except ImportError:
        return set()
    return {index.PyPI.netloc, index.PyPI.file_storage_domain, index.TestPyPI.netloc}


def of_source(target: str, line: Line, sent: Sent) -> Iterator[tuple[str, str, str]]:
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
    if "$" in target:
        return
    target = target.strip("'\"")
    bare = re.sub(r"\[.*\]$", "", re.split(r"[#;]", target)[0].strip())
    place = posixpath.join(posixpath.dirname(line.file), bare.removeprefix("file:"))
    if re.match(r"(file:)?//|file:/", target) or not _inside(place):
        what = f"{target} is a path that the server does not have."
        remedy = "Name the version, as in 'dash==3.2.0'; pip list --format=freeze writes it so"
        yield "local-requirement", what, remedy
    elif not sent.has(place) and not sent.has_folder(place):
        remedy = "Correct the path"
        if place != (slashes := with_slashes(place)) and (
            sent.has(slashes) or sent.has_folder(slashes)
        ):
            remedy = f"Write it with slashes: {with_slashes(target)}"
        yield "local-requirement", f"There is no {target} in the folder.", remedy


def is_path(text: str) -> bool:
    """Whether a requirement is a path."""
    return text.startswith((".", "/", "~")) or text.endswith((".whl", ".tar.gz", ".zip"))


def _inside(path: str) -> bool:
    """Whether a path stays in the app's folder."""
    path = with_slashes(path)
    absolute = path.startswith(("/", "~")) or bool(re.match(r"[A-Za-z]:/", path))
    return not absolute and posixpath.normpath(path).split("/")[0] != ".."


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
