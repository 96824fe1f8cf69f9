"""Running `de`: no shell, every value an argument of its own, its errors in our tree."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from de_tasks.config.host import Host
from de_tasks.config.settings import Settings
from de_tasks.errors import DeTasksError, Temporary, UsageError
from de_tasks.net.http import RateLimited
from de_tasks.net.retry import Attempt, Policy
from de_tasks.platform.de import output
from de_tasks.platform.no_such_app import no_such_app

SECONDS = 300.0
"""The longest that one command other than a deploy may take."""


@dataclass(frozen=True)
class Output:
    """What a command printed, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def all(self) -> str:
        """Everything that it printed."""
        return "\n".join(filter(None, (self.out.strip(), self.err.strip())))


@dataclass(frozen=True)
class De:
    """The vendor's command line for one host.

    The password travels in the variables that `de` documents, never in argv.
    """

    executable: str
    host: Host
    options: tuple[str, ...]
    policy: Policy
    environment: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(
        cls,
        values: Settings,
        host: Host,
        environment: Mapping[str, str],
        policy: Policy,
    ) -> De:
        """`de` as the settings have it. `environment` is what it inherits."""
        options = ["--host", host.name]
        options += ["--keyfile", values.keyfile] if values.keyfile else []
        options += ["--no-keyfile"] if values.no_keyfile else []
        options += ["--ca-path", values.ca_path] if values.ca_path else []
        inherited = dict(environment)
        given = {
            "DASH_ENTERPRISE_USERNAME": values.username,
            "DASH_ENTERPRISE_PASSWORD": values.password,
        }
        inherited |= {name: value for name, value in given.items() if value}
        secrets = (values.password,) if values.password else ()
        return cls(values.executable, host, tuple(options), policy, inherited, secrets)

    def __call__(self, *arguments: str, seconds: float = SECONDS) -> str:
        """What a command prints on stdout.

        Waits for the rate limit. Raises `NotFound` for an app that is not there, `DeTasksError`
        with the whole output for a failure that is not documented.
        """

        def once(_: Attempt) -> Output:
            done = self._run(arguments, seconds)
            limit = output.rate_limit(done.all)
            if limit is not None:
                raise RateLimited(limit)
            return done

        # Refused for the rate limit means that nothing was done; what else a failure may have
        # done `de` does not tell, so nothing else is repeated.
        done = self.policy.call(once, repeat=False)
        for option, name in pairwise(arguments):
            if option in ("--name", "--app-name") and output.is_missing(done.all, name):
                raise no_such_app(name, self.host.name)
        if done.status:
            raise self.unknown(arguments, done)
        return done.out

    def attached(self, *arguments: str, shown: bool = True) -> Output:
        """Run a command that talks to the person at the terminal. What it prints on stdout is
        taken where it is not to be `shown`."""
        try:
            done = subprocess.run(
                self._line(arguments),
                env=dict(self.environment),
                stdout=None if shown else subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except OSError as error:
            raise self._missing(error) from None
        return Output(done.returncode, self._masked(done.stdout or ""), "")

    def need(self, least: tuple[int, int]) -> None:
        """Raise `UsageError` where `de` is older; one that does not tell its version is trusted."""
        found = output.version(self("--version"))
        if found and found[:2] < least:
            needed, yours = (".".join(map(str, parts)) for parts in (least, found))
            raise UsageError(f"needs de {needed} or newer; yours is {yours}")

    def unknown(self, arguments: tuple[str, ...], done: Output) -> DeTasksError:
        """The error for output that is not documented: all of it, and the remedy for a failure
        that is known."""
        if output.UNTRUSTED in done.all:
            return DeTasksError(
                f"The certificate of {self.host.name} cannot be verified. If an internal authority "
                "signed it, give its root certificate with --ca-path or DASH_ENTERPRISE_CA_PATH"
            )
        name = " ".join(arguments[:2])
        text = self._masked(done.all) or "nothing"
        said = f"`de {name}` ended with status {done.status} and printed:\n{text}"
        return DeTasksError("\n".join(filter(None, (said, output.remedy(done.all)))))

    def _run(self, arguments: tuple[str, ...], seconds: float) -> Output:
        try:
            done = subprocess.run(
                self._line(arguments),
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            name = " ".join(arguments[:2])
            raise Temporary(f"`de {name}` did not end within {seconds:.0f} s.") from None
        except OSError as error:
            raise self._missing(error) from None
        return Output(done.returncode, done.stdout, done.stderr)

    def _line(self, arguments: tuple[str, ...]) -> list[str]:
        # A script without the executable bit, or of another interpreter, is Python's on Windows.
        first = [sys.executable] if self.executable.endswith(".py") else []
        return [*first, self.executable, *self.options, *arguments]

    def _missing(self, error: OSError) -> UsageError:
        return UsageError(
            f"{self.executable} cannot be run ({error.strerror}). {install(self.host)}"
        )

    def _masked(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "****")
        return text


def install(host: Host) -> str:
    """How to get `de`: from the customer's own server, since the public index has stubs only."""
    return (
        "Install the vendor's command line: pip install dash-enterprise-libraries "
        f"--extra-index-url {host.web}/packages\n"
        "or name it with de.executable"
    )
