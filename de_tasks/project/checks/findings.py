"""What a check finds: where, what is wrong, what to do, and a code that stays the same."""

from __future__ import annotations

from dataclasses import asdict, dataclass

ERROR, WARNING = "error", "warning"
CODES = {
    "no-procfile": (ERROR, "There is no Procfile."),
    "procfile-line": (ERROR, "A line of the Procfile is not `type: command`."),
    "procfile-twice": (ERROR, "The Procfile defines a process type twice."),
    "no-web": (ERROR, "The Procfile has no web process."),
    "gunicorn-app": (ERROR, "A gunicorn command names no app, or not as gunicorn reads it."),
    "no-module": (ERROR, "gunicorn is to serve a module that is not in the folder."),
    "no-variable": (ERROR, "The module does not define the variable that gunicorn is to serve."),
    "syntax-error": (ERROR, "The module that gunicorn is to serve is no valid Python."),
    "no-script": (ERROR, "A process runs a file that is not in the folder."),
    "not-required": (ERROR, "A process's program is not in the requirements."),
    "unknown-program": (WARNING, "No requirement has the name of a process's program."),
    "no-requirements": (ERROR, "There is no requirements.txt and no environment.yml."),
    "requirements-encoding": (WARNING, "A requirements file is in UTF-16."),
    "requirements-line": (ERROR, "A line of the requirements cannot be read."),
    "requirements-include": (ERROR, "An included file is missing, or leaves the folder."),
    "local-requirement": (ERROR, "A requirement is a path that the server does not have."),
    "unreachable-index": (ERROR, "An index or address is on this machine, or needs its SSH key."),
    "other-index": (WARNING, "An index is not the public one: the server must reach it."),
    "index-password": (ERROR, "An address in the requirements has a password in it."),
    "bad-runtime": (ERROR, "runtime.txt names no Python 3 version."),
    "app-name": (ERROR, "The app's name is not legal."),
    "bad-thumbnail": (WARNING, "The thumbnail is no PNG or JPEG, or larger than 100 KB."),
    "large-file": (WARNING, "A file is larger than `de.check.limit` (MB)."),
    "link-leaves": (ERROR, "A symbolic link leads out of the folder."),
    "env-file": (ERROR, "A .env file would be deployed."),
    "secret": (ERROR, "A line looks like a key, a token or a password."),
}
"""Every code, with its level and what it stands for. A code never changes its meaning."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. `file` is relative to the app's folder, `line` 0 for all of it."""

    code: str
    file: str
    line: int
    what: str
    remedy: str

    @property
    def level(self) -> str:
        """`error`, or `warning` for what may be meant."""
        return CODES[self.code][0]

    def facts(self) -> dict[str, object]:
        """The finding as it is written in JSON."""
        return {**asdict(self), "line": self.line or None, "level": self.level}
