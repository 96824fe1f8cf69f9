"""What an app folder says about itself: its name, Procfile, requirements and runtime.

Client and server read the same files with the same rules, so both use this module.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from de_tasks.errors import UsageError

APP_NAME = re.compile(r"[a-z][a-z0-9-]*")
PROCESS_TYPE = re.compile(r"[A-Za-z0-9_-]{1,63}")
"""Its name is that of a file, and on a cluster a label's: these have at most 63 characters."""
LARGEST_FILE = 1024**2
MARK = "\ufeff"
"""A byte order mark, which some programs put before the first line of a text."""
SHORTEST_NAME, LONGEST_NAME = 3, 30
"""Characters of an app's name, as Dash Enterprise 4 says; as far as is known, 5 takes no more."""
THUMBNAIL_LIMIT = 100 * 1024
"""Bytes: the largest thumbnail, as the reference has it."""
RUNTIME = re.compile(r"python-(\d+\.\d+(?:\.\d+)?)")
REQUIREMENTS = "requirements.txt"
MADE_FROM = "# Made from {}"
"""The first line of a requirements.txt that a deploy makes from a lock."""
CONDA = ("environment.yml", "environment.yaml")
"""Files of Conda, which a build does not read beside a requirements.txt."""
DOCKER = ("Dockerfile", "docker-compose.yml", "docker-compose.yaml", "compose.yaml", "compose.yml")
"""Files of Docker, which no build reads."""
VENDOR_PACKAGES = frozenset(
    "dash-design-kit dash-enterprise-libraries dash-embedded ddk "
    "dash-snapshots dash-user-analytics dash-notes dash-pivottable databricks-dash de-client "
    "dash-enterprise-services".split()
)
"""Packages that only a Dash Enterprise's own index has."""
VENDOR_STUB = "0.0.1"
"""The version of the empty packages by which their names are reserved in the public index."""
LOCKS = {
    "uv.lock": "uv export --no-hashes -o requirements.txt",
    "poetry.lock": "poetry export -f requirements.txt -o requirements.txt",
    "pdm.lock": "pdm export -o requirements.txt",
    "Pipfile.lock": "pipenv requirements > requirements.txt",
}
"""Lock files, and what writes the same as requirements."""
VERSIONS = (4, 5)
DEFAULT_VERSION = 5
"""What customers run today: it reads other files than version 4."""
OTHER_VERSION: dict[int, dict[str, str]] = {
    5: {
        "runtime.txt": "set it with {update} --python-version {python}",
        "app.json": "its scripts go to [scripts] of project.toml: {init} --migrate writes it",
        "CHECKS": "version 5 has no step for it, and a build fails or succeeds by itself",
        "DOKKU_SCALE": "every process of the Procfile runs once, and App Manager sets replicas",
        "apt-packages": "its packages go to Aptfile: {init} --migrate writes it",
    },
    4: {
        "Aptfile": "its packages go to apt-packages",
        "project.toml": "its scripts go to scripts.dokku of app.json",
    },
}
"""Files that a version of Dash Enterprise does not read because they are the other's, and what
takes their place there; `{python}` is the minor version that runtime.txt asks for, `{update}` and
`{init}` are commands as they are typed."""
OLDEST_PYTHON = (3, 7)
"""The first in the vendor's published code for version 5."""
RELEASE_UNDOCUMENTED = (
    "release: runs as a process like any other, and nothing is documented of it on version 5: run "
    "it from predeploy of project.toml"
)
LAST_WITH_SETUPTOOLS = (3, 11)
"""Up to this Python an environment has a setuptools below 81, unless the app names its own."""
URL_VARIABLE = {"redis": "REDIS_URL", "postgres": "DATABASE_URL"}
"""The variable in which an app finds the address of a service of a type."""


def check_app_name(name: str, option: str = "--name") -> str:
    """Return `name` if it follows the platform's documented pattern.

    Raises `UsageError` with a legal name made of it otherwise, as it is given: with the option.
    The pattern is that of the Dash Enterprise 4 documentation; the longest name is the server's
    business.
    """
    if APP_NAME.fullmatch(name):
        return name
    rule = "App names start with a lower-case letter and have only a-z, 0-9 and -."
    suggestion = legal_app_name(name)
    try_it = " ".join(filter(None, ("Try", option, suggestion)))
    advice = f" {try_it}" if suggestion else f" Give one with {option}" if option else ""
    raise UsageError(f"'{name}' is not a legal app name. {rule}{advice}")


def legal_app_name(text: str) -> str:
    """The nearest legal app name of `SHORTEST_NAME` to `LONGEST_NAME` characters, or an empty
    string."""
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower())
    name = re.sub(r"^[^a-z]+", "", slug)[:LONGEST_NAME].strip("-")
    return f"{name}-app" if name and len(name) < SHORTEST_NAME else name


def with_slashes(name: str) -> str:
    """A name in an app's folder as every system takes it, where it was written for Windows."""
    return name.replace("\\", "/")


def check_folder(folder: Path) -> None:
    """Raise `UsageError` for a folder that cannot be deployed."""
    if not folder.is_dir():
        remedy = "Name the app's folder with --path"
        if (slashes := with_slashes(str(folder))) != folder.as_posix() and Path(slashes).is_dir():
            remedy = f"Write it with slashes: {slashes}"
        raise UsageError(f"There is no folder {folder}. {remedy}")
    if not any(folder.iterdir()):
        raise UsageError(f"{folder} is empty: there is nothing to deploy.")


@dataclass(frozen=True)
class Procfile:
    """The processes of an app: process type to command line, in the order of the file."""

    commands: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> Procfile:
        """Read `type: command` lines. Raises `UsageError` naming the line that is wrong."""
        commands: dict[str, str] = {}
        for number, raw in enumerate(text.splitlines(), 1):
            line = raw.strip()
            if not line or line.startswith("#"):
                continue
            kind, command = process(line)
            if not kind:
                raise UsageError(
                    f"Procfile line {number} is not 'type: command': {line!r}. A type has letters, "
                    "digits, - and _, at most 63 characters. Example: web: gunicorn app:server"
                )
            if kind in commands:
                raise UsageError(f"Procfile line {number} defines '{kind}' a second time.")
            commands[kind] = command
        return cls(commands)

    @classmethod
    def read(cls, folder: Path) -> Procfile:
        """The Procfile of `folder`. Raises `UsageError` when it is missing or lacks `web`."""
        path = folder / "Procfile"
        if not path.is_file():
            raise UsageError(
                "There is no Procfile. Add a file named Procfile with the line "
                "'web: gunicorn app:server'"
            )
        procfile = cls.parse(read_text(path))
        if "web" not in procfile.commands:
            raise UsageError(
                "The Procfile has no web process. Add the line 'web: gunicorn app:server'"
            )
        return procfile


def process(line: str) -> tuple[str, str]:
    """Type and command of a line of a Procfile; two empty strings when it has no such form."""
    kind, _, command = line.partition(":")
    kind, command = kind.strip(), command.strip()
    return (kind, command) if command and PROCESS_TYPE.fullmatch(kind) else ("", "")


def read_runtime(folder: Path) -> str | None:
    """The Python version that `runtime.txt` asks for (`3.11` or `3.11.7`), None without one.

    Raises `UsageError` when the file says anything but `python-X.Y[.Z]`.
    """
    path = folder / "runtime.txt"
    if not path.is_file():
        return None
    text = read_text(path).strip()
    match = RUNTIME.fullmatch(text)
    if not match:
        raise UsageError(f"runtime.txt says {text!r}; it should be like 'python-3.11.7'.")
    return match.group(1)


SCALE = "DOKKU_SCALE"
SCALE_LINE = re.compile(r"([A-Za-z0-9_-]+)\s*=\s*(\d{1,2})")


def read_scale(folder: Path) -> dict[str, int] | None:
    """How many of each process the DOKKU_SCALE of version 4 asks for, None without the file.

    Raises `UsageError` naming a line that is not like `web=1`.
    """
    path = folder / SCALE
    if not path.is_file():
        return None
    lines = enumerate(read_text(path).splitlines(), 1)
    return dict(found for number, line in lines if (found := scale_of(line, number)))


def scale_of(line: str, number: int) -> tuple[str, int] | None:
    """The process of a line of DOKKU_SCALE and how many there are to be, None for a comment.

    Raises `UsageError` for a line that is not like `web=1`.
    """
    line = line.partition("#")[0].strip()
    match = SCALE_LINE.fullmatch(line)
    if line and not match:
        raise UsageError(f"{SCALE} line {number} is not like 'web=1': {line!r}.")
    return (match[1], int(match[2])) if match else None


@dataclass(frozen=True)
class Line:
    """A requirement as it stands in a file: `file` is relative to the app's folder. A
    constraint installs nothing by itself."""

    file: str
    number: int
    text: str
    constraint: bool = False


class BadInclude(UsageError):
    """A line includes a file that is not there, or not in the app's folder."""

    def __init__(self, message: str, line: Line) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Requirements:
    """The requirement lines of an app, with the files that they include read in."""

    entries: tuple[Line, ...]
    local: bool
    """True when a line installs from the app's own folder, so that the folder's content
    is part of what is installed."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines alone."""
        return tuple(entry.text for entry in self.entries)

    @property
    def packages(self) -> frozenset[str]:
        """Canonical names of the packages that are named to be installed."""
        named = (package(entry.text) for entry in self.entries if not entry.constraint)
        return frozenset(filter(None, named))

    @property
    def install(self) -> bool:
        """Whether anything would be installed: a line that is no constraint and no setting."""
        return any(_installs(entry.text) for entry in self.entries if not entry.constraint)

    @classmethod
    def read(cls, folder: Path, name: str = "requirements.txt") -> Requirements | None:
        """The folder's requirements.txt, or another file of requirements; None without one.

        Raises `UsageError` when an included file is missing or leaves the folder.
        """
        path = folder / name
        if not path.is_file():
            return None
        if not path.resolve().is_relative_to(folder.resolve()):
            raise UsageError(f"{name} leaves the app folder.")
        entries = tuple(_expand(path, folder.resolve(), seen=set()))
        return cls(entries, local=any(_is_local(entry.text, folder) for entry in entries))


_LONG = {
    "-r": "--requirement",
    "-c": "--constraint",
    "-e": "--editable",
    "-i": "--index-url",
    "-f": "--find-links",
}
_OPTION = re.compile(r"(--[\w-]+)(?:=(.*))?|(-[A-Za-z])=?(.*)", re.DOTALL)
_NAMED = re.compile(
    r"([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)(?:\s*[\[(<>=!~;@].*|\s+--.*)?", re.DOTALL
)


def options(text: str) -> list[tuple[str, str]]:
    """pip's options in a line of requirements, by their long names, with what they are given; none
    where the line is a requirement. Words are read as pip does: quotes keep spaces together."""
    if not text.startswith("-"):
        return []
    try:
        words = shlex.split(text)
    except ValueError:  # A quote without its end.
        words = text.split()
    found: list[tuple[str, str]] = []
    for word in words:
        if match := _OPTION.fullmatch(word):
            long, given, short, attached = match.groups()
            found.append((long or _LONG.get(short, short), given or attached or ""))
        elif found:
            name, value = found.pop()
            found.append((name, f"{value} {word}".strip()))
    return found


def package(text: str) -> str:
    """The canonical name (PEP 503) of the package that a line names, empty where it names none."""
    match = _NAMED.fullmatch(text)
    return re.sub(r"[-_.]+", "-", match[1]).lower() if match else ""


_INCLUDES = ("--requirement", "--constraint")


def _expand(path: Path, root: Path, seen: set[Path], constraint: bool = False) -> list[Line]:
    resolved = path.resolve()
    if resolved in seen:
        return []
    seen.add(resolved)
    name = resolved.relative_to(root).as_posix()
    found: list[Line] = []
    for number, text in _logical_lines(read_text(resolved)):
        line = Line(name, number, text, constraint)
        found.append(line)
        for option, value in options(text):
            # What an address or a variable leads to the installer reads.
            if option not in _INCLUDES or "://" in value or "${" in value:
                continue
            other = resolved.parent / value
            if not other.resolve().is_relative_to(root):
                raise BadInclude(f"{other.name} leaves the app folder.", line)
            if not other.is_file():
                raise BadInclude(f"{name} includes {value}, which is not there.", line)
            found += _expand(other, root, seen, constraint or option == "--constraint")
    return found


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with the number of their first, as pip joins them: a backslash at the end goes on."""
    begun = 0
    parts: list[str] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(^|\s)#.*$", "", raw).strip()
        begun = begun if parts else number
        parts.append(line.removesuffix("\\").strip())
        if not line.endswith("\\"):
            whole, parts = " ".join(filter(None, parts)), []
            if whole:
                yield begun, whole
    if whole := " ".join(filter(None, parts)):
        yield begun, whole


def _installs(line: str) -> bool:
    # The lines of a file that is read in speak for themselves.
    return not line.startswith("-") or any(
        name == "--editable" or (name == "--requirement" and re.search(r"://|\$\{", value))
        for name, value in options(line)
    )


def _is_local(line: str, folder: Path) -> bool:
    for option, value in options(line):
        local = value.startswith("file:") or "://" not in value
        if option in ("--editable", "--find-links") and local:
            return True
    if line.startswith((".", "/", "file:")) or " @ file:" in line:
        return True
    return not line.startswith("-") and "/" in line and (folder / line.split("[")[0]).exists()


def read_text(path: Path) -> str:
    """Text of a small file in UTF-8, or in UTF-16 where a byte order mark says so.

    PowerShell's `pip freeze > requirements.txt` writes UTF-16. Raises `UsageError` for
    anything else, and for more than `LARGEST_FILE` bytes.
    """
    with path.open("rb") as stream:
        data = stream.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise UsageError(f"{path.name} has more than {LARGEST_FILE} bytes.")
    try:
        return text_of(data)
    except UnicodeDecodeError as error:
        raise UsageError(f"{path.name} is not UTF-8 text: save it as UTF-8.") from error


def text_of(data: bytes, errors: str = "strict") -> str:
    """Text in UTF-8, or in UTF-16 where a byte order mark says so, without that mark.

    Raises `UnicodeDecodeError` for anything else, unless the `errors` are to be replaced.
    """
    utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    return data.decode("utf-16" if utf16 else "utf-8-sig", errors)


def env_lines(text: str, where: str) -> Iterator[tuple[str, str]]:
    """The variables of an env file such as `.env`, as names and values. Quotes and comments are as
    python-dotenv reads them, but `${...}` stands for itself.

    Raises `UsageError` naming `where` and the line that is none, and nothing of what it says.
    """
    from io import StringIO

    from dotenv.parser import parse_stream

    for binding in parse_stream(StringIO(text)):
        whole = binding.original.string
        # The empty lines before it belong to it.
        skipped = whole[: len(whole) - len(whole.lstrip())].replace("\r\n", "\n")
        number = binding.original.line + len(re.findall(r"[\r\n]", skipped))
        if binding.error:
            raise UsageError(
                f"{where}, line {number}, is not NAME=VALUE. A comment begins with #, and a value "
                "that begins with a quote ends with one."
            )
        if binding.key is not None:
            # What looks like a name may be the second line of a key.
            if binding.value is None:
                raise UsageError(f"{where}, line {number}, has no value: write NAME=VALUE.")
            yield binding.key, binding.value


APT_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?(=\S+)?(/\S+)?")
"""A package of Debian (Policy 5.6.7), perhaps with an architecture, a version or a release."""


def apt_lines(text: str) -> Iterator[tuple[int, str, str]]:
    """The lines of an Aptfile: number, `package`, `address`, `repository` or `wrong`, and what
    it says. Comments begin with `#`.

    Raises `UsageError` for CRLF line ends and a byte order mark, which become part of the packages'
    names.
    """
    if text.startswith(MARK):
        raise UsageError("Aptfile has a byte order mark, which becomes part of a package's name.")
    if "\r" in text:
        raise UsageError("Aptfile has CRLF line ends, which become part of the packages' names.")
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.partition("#")[0].strip()
        if line.startswith(":repo:"):
            yield number, "repository", line.removeprefix(":repo:").strip()
        elif line.startswith(("http://", "https://")):
            yield number, "address", line
        elif line.startswith(("apt ", "apt-get ", "sudo ")):
            yield number, "wrong", line
        else:
            for word in line.split():
                yield number, "package" if APT_PACKAGE.fullmatch(word) else "wrong", word


def other_version(
    version: int, name: str, runtime: str = "", say: Callable[[str], str] = "inv {}".format
) -> str:
    """What takes the place of a file that this version does not read because it is the other's;
    empty for any other file. `runtime` is the text of runtime.txt, `say` writes a command."""
    found = RUNTIME.fullmatch(runtime.strip())
    minor = tuple(int(part) for part in found[1].split(".")[:2]) if found else ()
    # One that is older than all that are offered would be refused.
    python = ".".join(map(str, minor)) if minor >= OLDEST_PYTHON else "3.11"
    place = OTHER_VERSION[version].get(name, "")
    return place.format(python=python, update=say("update"), init=say("init"))


def shell(path: str | None = None) -> str:
    """The shell that runs the commands of a Procfile: bash, as on the platform, else sh."""
    return shutil.which("bash", path=path) or "/bin/sh"


def image_type(data: bytes) -> str | None:
    """`png` or `jpeg` by the first bytes (PNG 5.2, JPEG B.1.1.3), None for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    return "jpeg" if data.startswith(b"\xff\xd8\xff") else None
