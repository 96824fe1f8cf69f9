"""The requirements: can they be read, and can the server get what they name?"""

from __future__ import annotations

import contextlib
import posixpath
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from de_tasks.appspec import (
    CONDA,
    REQUIREMENTS,
    VENDOR_PACKAGES,
    VENDOR_STUB,
    BadInclude,
    Line,
    Requirements,
    text_of,
    with_slashes,
)
from de_tasks.config.system import temporary_folder
from de_tasks.errors import UsageError
from de_tasks.project.checks import addresses, packages, pythons
from de_tasks.project.checks.findings import Finding
from de_tasks.project.checks.modules import is_standard
from de_tasks.project.checks.provided import Provided, Reading
from de_tasks.repo.sent import Sent

FILE = REQUIREMENTS
POETRY_EXPORT = (
    "poetry export -f requirements.txt -o requirements.txt (with the plugin poetry-plugin-export)"
)
INDEX = re.compile(r"(?:-i|-f|--index-url|--extra-index-url|--find-links)(?:\s+|=)(\S+)")
INCLUDE = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)(?:\s+|=)?(\S+)", re.MULTILINE)
OPTION = re.compile(r"\s--[a-z].*$")
"""What pip allows after a requirement, such as `--hash=sha256:...`."""
USERINFO = re.compile(r"://([^/\s@]*)@")
CONDA_LINE = re.compile(r"[A-Za-z0-9_][\w.-]*=[^=\s<>]+(=[^=\s]+)?")
CONDA_YAML = re.compile(r"(name|channels|dependencies|prefix):(\s.*)?")
BELOW = tuple(
    re.compile(pattern)
    for pattern in (
        r"requirements/prod(uction)?\.txt",
        r"[^/]+/requirements\.txt",
        r"requirements/(base|main|common)\.txt",
    )
)
"""Requirements that stand one folder too deep, the likeliest first."""
MOST_ALIKE = 3
"""Lines of one kind that are named one by one: the rest is counted."""
PYTHONS = tuple(f"3.{minor}" for minor in range(7, 15))


def is_conda(sent: Sent) -> bool:
    """Whether Conda makes the environment."""
    return not sent.has(FILE) and any(sent.has(name) for name in CONDA)


def read(sent: Sent, version: int) -> tuple[Provided | None, list[Finding]]:
    """What the requirements install, None if not known; and what is wrong with them."""
    if not sent.has(FILE):
        return None if is_conda(sent) else Provided(), []
    with temporary_folder("de-check-") as place:
        folder = place.resolve()
        sent.export(_files(sent), folder)
        try:
            found = Requirements.read(folder)
        except BadInclude as error:
            return None, [_bad_include(sent, error)]
        except UsageError as error:
            bad = Finding("requirements-line", FILE, 0, str(error), "Save it as UTF-8 text")
            return None, [bad]
    assert found
    findings = list(_encodings(sent, found))
    reading = Reading()
    for line in found.entries:
        findings += _line(line, sent, reading)
    python = pythons.asked_for(sent) if version == 4 else ""
    if "setuptools" not in reading.specifiers and pythons.brings_setuptools(python):
        reading.direct.add("setuptools")
    findings += pythons.without_pkg_resources(reading, python)
    findings += pythons.without_wheels(reading, python, version)
    return reading.provided(), _together(findings, found)


def missing(sent: Sent) -> Finding:
    """That there are no requirements, where something is needed; the remedy is what suits."""
    what = "There is no requirements.txt: nothing would be installed."
    if sent.left_out(FILE):
        from de_tasks.project.checks.procfile import why_left_out

        return Finding("no-requirements", FILE, 0, *why_left_out(sent, FILE))
    names = [name for name in sent.entries if "/" not in name]
    alike = [n for n in names if re.fullmatch(r"requirements?(\.txt)*", n, re.IGNORECASE)]
    below = (name for kind in BELOW for name in sent.entries if kind.fullmatch(name))
    folder = next(below, "")
    remedies = {
        "uv.lock": "Deploy from uv.lock: 'requirements: uv.lock' under de: in invoke.yaml; or "
        "write the file: uv export -o requirements.txt",
        "pylock.toml": "Deploy from pylock.toml: 'requirements: pylock.toml' under de: in "
        "invoke.yaml",
        "poetry.lock": f"Write it from poetry.lock: {POETRY_EXPORT}",
        "pdm.lock": "Write it from pdm.lock: pdm export -o requirements.txt",
        "Pipfile.lock": "Write it from Pipfile.lock: pipenv requirements > requirements.txt",
        "Pipfile": "Write it from the Pipfile: pipenv lock, then pipenv requirements > "
        "requirements.txt",
    }
    remedy = "Add one that names what the app imports, and gunicorn"
    if alike:
        remedy = f"Rename {alike[0]} to requirements.txt"
    elif lock := next((name for name in remedies if name in names), ""):
        remedy = remedies[lock]
    elif "pyproject.toml" in names:
        text = sent.read("pyproject.toml")
        remedy = "Add one with the line '.', which installs what pyproject.toml names"
        if b"[tool.poetry]" in text and b"[project]" not in text:
            remedy = f"Write it from pyproject.toml: poetry lock, then {POETRY_EXPORT}"
        elif b"[build-system]" not in text:
            remedy = "Write it from pyproject.toml: uv pip compile pyproject.toml -o "
            remedy += "requirements.txt"
    elif "setup.py" in names:
        remedy = "Add one with the line '.', which installs what setup.py names"
    elif any(name.endswith((".conda.yml", "conda.yml", "conda.yaml")) for name in names):
        remedy = "Name Conda's file environment.yml, or add a requirements.txt"
    elif folder:
        remedy = f"Only the one at the top is read: add the line '-r {folder}' to one there"
    return Finding("no-requirements", FILE, 0, what, remedy)


def _files(sent: Sent) -> list[str]:
    """The requirements file and what it includes, as far as that would be sent."""
    found: list[str] = []
    waiting = [FILE]
    while waiting:
        name = waiting.pop()
        if name in found or not sent.has(name):
            continue
        found.append(name)
        for include in INCLUDE.findall(text_of(sent.read(name), "replace")):
            path = posixpath.join(posixpath.dirname(name), include.strip("'\""))
            waiting.append(posixpath.normpath(path))
    return found


def _bad_include(sent: Sent, error: BadInclude) -> Finding:
    where = error.line
    what, remedy = str(error), "Correct the name, or add the file to the folder"
    match = INCLUDE.match(with_slashes(where.text))
    name = posixpath.normpath(
        posixpath.join(posixpath.dirname(where.file), match[1].strip("'\"") if match else "")
    )
    if sent.left_out(name):
        from de_tasks.project.checks.procfile import why_left_out

        what, remedy = why_left_out(sent, name)
    elif match and "\\" in where.text:
        remedy = f"Write it with slashes: {match[1]}"
    return Finding("requirements-include", where.file, where.number, what, remedy)


def _together(findings: list[Finding], found: Requirements) -> list[Finding]:
    """One finding for what is one mistake: a file that conda wrote, or many lines of a kind."""
    lines = [line for line in found.entries if line.file == FILE]
    conda = [x for x in lines if CONDA_LINE.fullmatch(x.text) and "==" not in x.text]
    yaml = [line for line in lines if CONDA_YAML.fullmatch(line.text)]
    if len(conda) >= 2 or (yaml and yaml[0] is lines[0]):
        first = (conda or yaml)[0]
        name = "conda env export" if yaml else "conda list --export"
        what = f"requirements.txt is what '{name}' writes, and pip cannot read it."
        remedy = "Write it with: pip list --format=freeze > requirements.txt"
        if yaml:
            remedy = f"Rename it to environment.yml, or: {remedy[15:]}"
        follow = ("requirements-line", "local-requirement")
        kept = [f for f in findings if f.code not in follow or f.file != FILE]
        return [*kept, Finding("conda-export", FILE, first.number, what, remedy)]
    kept = []
    counted = Counter((f.code, f.file) for f in findings)
    seen: Counter[tuple[str, str]] = Counter()
    for finding in findings:
        key, alike = (finding.code, finding.file), counted[(finding.code, finding.file)]
        seen[key] += 1
        if finding.code not in ("local-requirement", "requirements-line") or alike <= MOST_ALIKE:
            kept.append(finding)
        elif seen[key] == 1:
            more = f"{finding.what} {alike - 1} more lines are like it."
            kept.append(replace(finding, what=more))
    return kept


def _encodings(sent: Sent, found: Requirements) -> Iterator[Finding]:
    for name in dict.fromkeys([FILE, *(line.file for line in found.entries)]):
        if sent.read(name)[:2] in (b"\xff\xfe", b"\xfe\xff"):
            what = f"{name} is in UTF-16, as PowerShell's > writes it; not every tool reads that."
            remedy = f"Save it as UTF-8: pip freeze | Out-File -Encoding utf8 {name}"
            yield Finding("requirements-encoding", name, 0, what, remedy)


def _line(line: Line, sent: Sent, reading: Reading) -> list[Finding]:
    """Gather what a line installs; returns what is wrong with it."""

    def finding(code: str, what: str, remedy: str) -> Finding:
        return Finding(code, line.file, line.number, what, remedy)

    text = OPTION.sub("", line.text)
    found = []
    if any(addresses.is_secret(match) for match in USERINFO.findall(line.text)):
        remedy = "Put it in a variable of the app, as ${NAME} (and change it: it was seen)"
        found.append(finding("index-password", "An address has a password in it.", remedy))
    index = INDEX.fullmatch(line.text)
    if index:
        address = index[1].strip("'\"")
        return found + [finding(*problem) for problem in addresses.of_index(address, sent)]
    if (include := INCLUDE.match(line.text)) and "://" in include[1]:
        reading.nameless = reading.nameless or not line.text.startswith(("-c", "--c"))
        return found
    editable = re.match(r"(?:-e|--editable)(?:\s+|=)(.+)", text)
    target = editable[1].strip("'\"") if editable else text
    if not editable and text.startswith("-"):
        return found
    if editable or (
        " @ " not in target and (addresses.is_path(target) or re.match(r"[a-z+]+:", target))
    ):
        if not line.constraint:
            _nameless(target, line, sent, reading)
        return found + [finding(*problem) for problem in addresses.of_source(target, line, sent)]
    try:
        wanted = Requirement(target)
    except InvalidRequirement as error:
        if "${" in target:  # Filled in from the app's variables.
            reading.sure = False
            return found
        # Whatever it is, it may bring what is missing.
        reading.nameless = True
        reason = str(error).splitlines()[0]
        what = f"{target!r} is no requirement: {reason}"
        return [*found, finding("requirements-line", what, "Write it like 'dash>=3,<4'")]
    if wanted.url:
        found += [finding(*problem) for problem in addresses.of_source(wanted.url, line, sent)]
    if not line.constraint:
        found += [finding(*problem) for problem in _named(wanted, line, reading)]
    return found


def _nameless(target: str, line: Line, sent: Sent, reading: Reading) -> None:
    """Something whose name only its own metadata have, or the end of its address."""
    reading.nameless = True
    name = re.search(r"#(?:.*&)?egg=([\w.-]+)", target)
    if name:
        reading.direct.add(canonicalize_name(name[1]))
    wheel = re.search(r"([\w.]+?)-\d[^/]*\.(?:whl|tar\.gz|zip)$", target)
    if wheel:
        reading.direct.add(canonicalize_name(wheel[1]))
    elif "://" not in target:
        path = re.sub(r"\[.*\]$", "", target.partition("#")[0])
        place = posixpath.normpath(posixpath.join(posixpath.dirname(line.file), path))
        reading.roots += [place, posixpath.normpath(f"{place}/src")]
        for text in _dependencies(sent, posixpath.normpath(f"{place}/pyproject.toml")):
            with contextlib.suppress(InvalidRequirement):
                list(_named(Requirement(text), line, reading))


def _dependencies(sent: Sent, name: str) -> list[str]:
    """What a pyproject.toml says that its package needs, where that can be read."""
    try:
        import tomllib

        project = tomllib.loads(text_of(sent.read(name))).get("project", {})
        found = project.get("dependencies", [])
    except (ImportError, ValueError, AttributeError):
        return []
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []


def _named(wanted: Requirement, line: Line, reading: Reading) -> Iterator[tuple[str, str, str]]:
    name = str(canonicalize_name(wanted.name))
    if wanted.marker and not _may_hold(wanted.marker):
        reading.excluded.setdefault(name, line)
        return
    yield from _called(name, wanted)
    reading.direct.add(name)
    reading.lines.setdefault(name, line)
    reading.marked |= {name} if wanted.marker else set()
    reading.specifiers[name] = reading.specifiers.get(name, SpecifierSet()) & wanted.specifier
    reading.sure = reading.sure and packages.is_known(name)
    for extra in wanted.extras:
        brought = packages.EXTRAS.get((name, str(canonicalize_name(extra))))
        if brought is None:
            # An extra is often called as what it brings.
            reading.direct.add(canonicalize_name(extra))
            reading.sure = False
        else:
            reading.direct |= set(brought.split())
    exact = [s.version for s in wanted.specifier if s.operator in ("==", "===")]
    if len(exact) != 1 or exact[0].endswith(".*"):
        return
    try:
        version = Version(exact[0])
    except InvalidVersion:
        return
    if name == "fastapi" and version.release[:2] == (0, 111):
        # The one series that brought its server along.
        reading.direct |= set(packages.EXTRAS["fastapi", "standard"].split())
    if name in VENDOR_PACKAGES and version == Version(VENDOR_STUB):
        what = f"{name} 0.0.1 is an empty stub of the public index."
        remedy = f"Leave the version out: '{name}' comes from your Dash Enterprise's own index"
        yield "vendor-stub", what, remedy
    before = reading.pins.setdefault(name, (version, line))
    if before[0] != version and not wanted.marker:
        where = f"{before[1].file}:{before[1].number}"
        what = f"{name} is pinned to {version}, and to {before[0]} in {where}."
        yield "conflicting-pins", what, "Keep one of the two lines"


def _called(name: str, wanted: Requirement) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a name, whatever its version."""
    if system := packages.OTHER_SYSTEMS.get(name):
        marker = f"sys_platform == '{system}'"
        remedy = f"Add to its marker: and {marker}"
        if not wanted.marker:
            remedy = f'Write "{wanted}; {marker}"'
        what = f"{name} cannot be installed on Linux, which the server runs."
        yield "other-system", what, remedy
    elif package := packages.MISNAMED.get(name):
        what = f"{name} is the name of a module, whose package is {package}."
        yield "module-name", what, f"Write '{package}'"
    elif is_standard(name.replace("-", "_")):
        what = f"{name} is a module of Python itself, and not a package."
        yield "module-name", what, "Delete the line"


def _may_hold(marker: Marker) -> bool:
    """Whether a marker holds on the server, which runs Linux, for any Python that apps have."""
    for python in PYTHONS:
        environment = {
            "os_name": "posix",
            "sys_platform": "linux",
            "platform_system": "Linux",
            "platform_machine": "x86_64",
            "platform_python_implementation": "CPython",
            "implementation_name": "cpython",
            "implementation_version": f"{python}.9",
            "python_version": python,
            "python_full_version": f"{python}.9",
            "platform_release": "5.10.0",
            "platform_version": "#1 SMP",
            "extra": "",
        }
        try:
            if marker.evaluate(environment):
                return True
        except (ValueError, TypeError, KeyError):
            # A comparison that this version of packaging does not know.
            return True
    return False
