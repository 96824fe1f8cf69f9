"""Git as a subprocess with an environment of our own making.

Nothing of a hook's `GIT_*` variables reaches it (they would redirect it into the developer's
index), nothing of the user's configuration (filters, hooks, insteadOf, excludes), and no
secret stands in argv, URL or file: credentials travel in `GIT_CONFIG_*` variables.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from de_tasks.errors import DeTasksError, NotPermitted, Temporary, UsageError

SECONDS = 1800
"""The longest that one git command may take."""
CONFIG = {
    "gc.auto": "0",
    "maintenance.auto": "false",
    "core.hooksPath": os.devnull,
    "core.trustctime": "true",
    "core.autocrlf": "false",
    "credential.helper": "",
    "http.followRedirects": "false",
}
KEPT_VARIABLES = (
    "PATH",
    "HOME",
    "TMPDIR",
    "SYSTEMROOT",
    "LANG",
    *(n for v in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for n in (v, v.upper())),
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)


@dataclass(frozen=True)
class Remote:
    """Where to push: `header` is the Authorization header's value."""

    url: str
    branch: str
    header: str
    ca_path: str = ""

    @property
    def ref(self) -> str:
        """The full name of the branch."""
        return f"refs/heads/{self.branch}"


class Moved(DeTasksError):
    """The remote branch is not where it was expected: somebody else deployed."""


class Damaged(DeTasksError):
    """The repository is not in order."""


class Git:
    """Git commands in one repository; without one, in the repository around `cwd`."""

    def __init__(self, folder: Path | None) -> None:
        self._repository = {"GIT_DIR": str(folder)} if folder else {}

    def __call__(
        self,
        *arguments: str,
        variables: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
        remote: Remote | None = None,
        cwd: Path | None = None,
    ) -> str:
        """What a command prints. Raises an error of the tree with git's own words."""
        done = self.run(*arguments, variables=variables, config=config, remote=remote, cwd=cwd)
        if done.returncode == 0:
            return done.stdout
        raise error_of(arguments[0], done.stderr)

    def run(
        self,
        *arguments: str,
        variables: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
        remote: Remote | None = None,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """The finished command, whatever its status."""
        pairs = [*CONFIG.items(), *(config or {}).items()]
        environment = {n: os.environ[n] for n in KEPT_VARIABLES if n in os.environ}
        environment |= {
            **self._repository,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C.UTF-8",
            **(variables or {}),
        }
        if remote:
            # RFC 7240: we follow the build through the API; the push need not wait for it.
            key = f"http.{remote.url}.extraHeader"
            pairs += [(key, f"Authorization: {remote.header}"), (key, "Prefer: respond-async")]
            if remote.ca_path:
                environment["GIT_SSL_CAINFO"] = remote.ca_path
        environment["GIT_CONFIG_COUNT"] = str(len(pairs))
        for number, (key, value) in enumerate(pairs):
            environment[f"GIT_CONFIG_KEY_{number}"] = key
            environment[f"GIT_CONFIG_VALUE_{number}"] = value
        try:
            return subprocess.run(
                ["git", *arguments],
                env=environment,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="surrogateescape",
                timeout=SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise UsageError("git is not installed, and deploying needs it.") from None
        except subprocess.TimeoutExpired:
            raise Temporary(f"git {arguments[0]} did not finish in {SECONDS} s.") from None


def error_of(command: str, stderr: str) -> DeTasksError:
    """The error that git's words stand for."""
    text = stderr.strip()
    words = next((x[8:].strip() for x in text.splitlines() if x.startswith("remote: ")), "")
    if any(sign in text.lower() for sign in ("no space left", "out of diskspace", "disk quota")):
        return DeTasksError(
            "The disk is full: the deploy repository in your cache directory cannot grow. "
            "Make room, or set de.cache to another directory"
        )
    if any(sign in text for sign in ("403", "401", "Authentication failed")):
        return NotPermitted(words or "The server refuses the push for this user.")
    signs = ("Could not resolve host", "Failed to connect", "Couldn't connect", "timed out")
    if any(sign in text for sign in signs):
        return Temporary("The git server does not answer. Run the deploy again")
    if "stale info" in text:
        return Moved("Somebody else deployed at the same moment. Run the deploy again")
    if any(sign in text for sign in ("bad object", "missing", "corrupt", "index file")):
        return Damaged(f"The deploy repository is damaged: {text}")
    return DeTasksError(f"git {command} failed: {words or text}")
