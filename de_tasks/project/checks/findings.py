"""What a check finds: where, what is wrong, what to do, and a code that stays the same."""

from __future__ import annotations

from dataclasses import asdict, dataclass

ERROR, WARNING, NOTE = "error", "warning", "note"
CODES = {
    "no-procfile": (ERROR, "There is no Procfile."),
    "procfile-line": (ERROR, "A line of the Procfile is not `type: command`."),
    "procfile-twice": (ERROR, "The Procfile defines a process type twice."),
    "no-web": (ERROR, "The Procfile has no web process."),
    "shell-syntax": (ERROR, "A command that no shell can read: an open quote, or brackets."),
    "gunicorn-app": (ERROR, "A command names no app, or none that gunicorn can read or serve."),
    "gunicorn-option": (WARNING, "gunicorn has no such option, as far as is known."),
    "no-module": (ERROR, "A process loads a module that is not in the folder."),
    "no-variable": (ERROR, "The module does not define the variable that the command names."),
    "syntax-error": (ERROR, "The module that the command names is not valid Python."),
    "no-script": (ERROR, "A process runs a file that is not in the folder."),
    "no-folder": (ERROR, "A process changes to a folder that is not there."),
    "crlf-script": (ERROR, "A script has CRLF line ends, which the shell does not read."),
    "not-executable": (ERROR, "A process runs a file that is not executable."),
    "celery-order": (WARNING, "Celery 5 takes `-A` only before the word `worker`."),
    "celery-tasks": (WARNING, "A Celery worker's module does not import the tasks."),
    "not-required": (ERROR, "A process's program is not in the requirements."),
    "unknown-program": (WARNING, "No requirement has the name of a process's program."),
    "import-not-required": (WARNING, "An import whose package is not in the requirements."),
    "import-left-out": (ERROR, "A module that the app imports would not be deployed."),
    "import-own-folder": (ERROR, "A module is imported by the name of the app's own folder."),
    "hidden-package": (WARNING, "A file of the app hides a package that the app imports."),
    "no-requirements": (ERROR, "There is no requirements.txt and no environment.yml."),
    "requirements-encoding": (WARNING, "A requirements file is in UTF-16."),
    "requirements-line": (ERROR, "A line of the requirements cannot be read."),
    "requirements-include": (ERROR, "An included file is missing, or leaves the folder."),
    "module-name": (WARNING, "A requirement is the name of a module, not of a package."),
    "other-system": (ERROR, "A requirement that cannot be installed on Linux."),
    "local-requirement": (ERROR, "A requirement is a path that the server does not have."),
    "unreachable-index": (ERROR, "An index or address is on this machine, or needs its SSH key."),
    "other-index": (WARNING, "An index is not the public one: the server must reach it."),
    "index-password": (ERROR, "An address in the requirements has a password or token in it."),
    "conda-export": (ERROR, "requirements.txt is a conda export, which pip cannot read."),
    "conflicting-pins": (ERROR, "A package is pinned to two versions."),
    "needs-setuptools": (WARNING, "A pinned version needs a setuptools below 81."),
    "no-wheel": (WARNING, "A pinned version has no wheel for the Python that the app gets."),
    "lock-differs": (WARNING, "requirements.txt pins another version than the lock beside it."),
    "lock-python": (WARNING, "A lock is for no Python that Dash Enterprise is known to offer."),
    "vendor-stub": (WARNING, "A pin names the empty stub of a package of Dash Enterprise's own."),
    "conda-unused": (WARNING, "environment.yml has no effect beside a requirements.txt."),
    "project-toml": (ERROR, "project.toml is not valid."),
    "apt-line": (ERROR, "A line of the Aptfile cannot be read."),
    "scale-line": (ERROR, "A line of version 4's DOKKU_SCALE cannot be read."),
    "scale-process": (WARNING, "DOKKU_SCALE names a process that the Procfile does not have."),
    "other-version": (WARNING, "Only the other version of Dash Enterprise reads this file."),
    "release-process": (NOTE, "Nothing is documented of `release` on version 5."),
    "dockerfile": (WARNING, "A Dockerfile has no effect."),
    "hard-path": (WARNING, "A link begins with `/`, and the app is served below its name."),
    "postgres-url": (WARNING, "SQLAlchemy 1.4 and later does not accept `postgres://`."),
    "logout-button": (WARNING, "dash-enterprise-auth before 0.2.5 has no LogoutButton in Dash 3."),
    "bad-runtime": (ERROR, "runtime.txt names no Python 3 version."),
    "app-name": (ERROR, "The app's name is not allowed."),
    "bad-thumbnail": (WARNING, "The thumbnail is not a PNG or JPEG, or is larger than 100 KB."),
    "large-file": (WARNING, "A file is larger than `de.check.limit` (MB)."),
    "link-leaves": (WARNING, "A symbolic link leads out of the folder."),
    "virtual-environment": (WARNING, "A virtual environment would be deployed."),
    "lfs-pointer": (WARNING, "A file is a Git LFS pointer, not the file itself."),
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
    lowered: str = ""
    """A lower level than the code's, for what is not sure here."""

    @property
    def level(self) -> str:
        """`error`, `warning` for what may be meant, or `note` for what cannot be followed."""
        return self.lowered or CODES[self.code][0]

    def facts(self) -> dict[str, object]:
        """The finding as it is written in JSON."""
        facts = {**asdict(self), "line": self.line or None, "level": self.level}
        del facts["lowered"]
        return facts
