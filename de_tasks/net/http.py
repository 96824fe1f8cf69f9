"""HTTP: requests to a server, with network faults turned into errors of the tree."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from de_tasks.config.environment import proxy_variable
from de_tasks.config.host import on_this_machine
from de_tasks.errors import DeTasksError, Temporary, UsageError
from de_tasks.net import certificates, limit_reports
from de_tasks.net.deadline import Deadline, heed

if TYPE_CHECKING:
    import requests

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
LONGEST = 5
"""Times what one wait may take: all waits for one answer together."""
LARGEST_ANSWER = 64 * 1024**2
"""Bytes, far above what the platform sends."""
PIECE = 64 * 1024
GLANCE_SECONDS = 2.0
"""For the beginning of a body, where the status is what counts."""
NOT_NOW = (408, 425, 500, 502, 503, 504)


@dataclass(frozen=True)
class Glance:
    """The beginning of an answer: its status, where it redirects to, and the first of its text
    where that is a page."""

    status: int
    location: str = ""
    page: str = ""


class Unavailable(Temporary):
    """The server was not reached, or said that it cannot answer now: safe to try again.

    `sent` says whether the request may have arrived, `after` how many seconds the server asks
    to wait, `patience` how many attempts are worth it.
    """

    def __init__(
        self,
        message: str,
        sent: bool = True,
        after: float | None = None,
        patience: int | None = None,
    ) -> None:
        super().__init__(message)
        self.sent = sent
        self.after = after
        self.patience = patience


class NoSuchHost(Unavailable):
    """A resolver has answered that there is no such name: a mistake, most of the time, and not
    worth another attempt."""

    exit_code = UsageError.exit_code

    def __init__(self, message: str) -> None:
        super().__init__(message, sent=False, patience=1)


JITTER = (0.05, 0.5)
"""Seconds of chance: all who wait for the same moment should not come at the same instant."""


class RateLimited(Temporary):
    """The user's points are used up for `seconds` more, or for how long the server does not say
    (None: then a minute is waited). A refused request had no effect."""

    def __init__(self, seconds: float | None) -> None:
        self.guessed = seconds is None
        self.jitter = JITTER
        self.seconds = limit_reports.UNKNOWN_WAIT if seconds is None else seconds
        super().__init__("")
        self.belongs_to("")

    def belongs_to(self, whose: str) -> None:
        """Say whose limit it is, such as `jessica on example.plotly.host`."""
        self.message = (
            f"Rate limit{f' of {whose}' if whose else ''} reached. Try again in "
            f"{self.seconds:.0f} s, or allow more time with de.retry.deadline"
        )
        self.args = (self.message,)


class NotThePlatform(UsageError):
    """Something else than the platform answered: the wrong host, or a gateway before it.

    A gateway may do so for a moment only, so a few attempts are worth it.
    """

    sent = True

    def __init__(self, message: str, patience: int = 3) -> None:
        super().__init__(message)
        self.patience = patience


class Transport:
    """A connection to one server, made at its first request: a push needs none, and importing
    requests takes as long as the push.

    `trusted` returns an address that the server names, or raises `DeTasksError` for one that is
    not to be asked.
    """

    def __init__(
        self, ca_path: str = "", trusted: Callable[[str], str] = lambda address: address
    ) -> None:
        self.ca_path = ca_path
        self.trusted = trusted

    @cached_property
    def _session(self) -> requests.Session:
        session = certificates.session(self.ca_path)
        session.headers["User-Agent"] = "de-tasks"
        # None is followed; to look for the next address requests would read the answer's body.
        session.get_redirect_target = lambda resp: None  # type: ignore[assignment,method-assign]
        for adapter in session.adapters.values():
            heed(adapter)  # type: ignore[arg-type]
        return session

    def make_ready(self) -> None:
        """Load what the first request needs, so that it leaves as soon as it is asked for."""
        _ = self._session

    def request(
        self,
        method: str,
        url: str,
        seconds: float = READ_SECONDS,
        largest: int = LARGEST_ANSWER,
        **options: Any,
    ) -> requests.Response:
        """Send a request; redirects are not followed: they would carry credentials elsewhere.

        An attempt to connect, and each wait for a piece of the answer, take at most `seconds`, all
        of them together `LONGEST` times that. Raises only errors of the project's own, none for an
        answer of any status: `DeTasksError` for one of more than `largest` bytes.
        """
        with Deadline(LONGEST * seconds) as deadline, _faults(url, deadline):
            answer = self._send(method, url, seconds, options)
            content = bytearray()
            for piece in answer.iter_content(PIECE):
                content += piece
                if len(content) > largest:
                    answer.close()
                    server = urlsplit(url).netloc
                    raise DeTasksError(
                        f"{server} sends more than {largest / 1e6:.1f} MB in one answer."
                    )
            # What requests itself does where it reads an answer whole.
            answer._content = bytes(content)
            return answer

    def glance(self, url: str, seconds: float) -> Glance:
        """What an address answers a GET with, after `seconds` at most.

        It waits for the headers, and not for more than the beginning of a body: a stream has no
        end. Raises `Unavailable` where no answer comes, or its beginning is cut.
        """
        import requests

        with Deadline(seconds) as deadline:
            with _faults(url, deadline):
                answer = self._send("GET", url, seconds, {})
            with answer:
                deadline.shorten(GLANCE_SECONDS)
                piece = b""
                try:
                    piece = next(answer.iter_content(PIECE), b"")
                except requests.RequestException as error:
                    if not deadline.passed:
                        raise _network_error(error, url) from None
                html = "html" in answer.headers.get("Content-Type", "")
                return Glance(
                    answer.status_code,
                    answer.headers.get("Location", ""),
                    piece.decode("utf-8", "replace") if html else "",
                )

    def _send(
        self, method: str, url: str, seconds: float, options: dict[str, Any]
    ) -> requests.Response:
        """The headers of an answer; its body is still to be read."""
        options.setdefault("timeout", (min(CONNECT_SECONDS, seconds), seconds))
        # Without this requests would send what ~/.netrc has for the host in place of the token.
        options.setdefault("auth", _keep_headers)
        if on_this_machine(url):
            # A proxy leads away from this machine, and would be shown what is meant for it.
            options["proxies"] = dict.fromkeys(("http", "https", "all"))
        return self._session.request(method, url, allow_redirects=False, stream=True, **options)


def read_object(answer: requests.Response) -> dict[str, Any]:
    """The JSON object of an answer.

    Raises `RateLimited`; `Unavailable` for an answer that is cut, or says that it is not ready;
    `NotThePlatform` for a page or a redirect.
    """
    server = urlsplit(answer.url).netloc
    status = answer.status_code
    body = _json(answer)
    refused, after = limit_reports.refusal(body), limit_reports.retry_after(answer.headers)
    if refused or status == 429:
        said = refused.seconds if refused else None
        raise RateLimited(after if said is None else said)
    if status == 413:
        raise DeTasksError(
            f"{server} rejected the request as too large (413); a proxy in front of it may have a "
            "lower limit. Send less, or ask for a higher limit there"
        )
    if status in NOT_NOW:
        reason = f": {_reason(body)}" if _reason(body) else ""
        raise Unavailable(f"{server} answers {status}{reason}. Run this again later", after=after)
    if 300 <= status < 400:
        target = urlsplit(answer.headers.get("Location", "")).netloc or "another address"
        raise NotThePlatform(
            f"{server} sends requests on to {target}: a sign-in page or gateway stands before "
            "it. Is it the right host, and may programs pass the gateway?"
        )
    if isinstance(body, dict):
        return body
    if status >= 400 or "html" in answer.headers.get("Content-Type", ""):
        raise NotThePlatform(
            f"{server} answers {urlsplit(answer.url).path} with something else than the "
            f"platform would (status {status}). Is it the right host?",
            patience=1 if status >= 400 else 3,
        )
    raise Unavailable(f"{server} gave an answer that was cut short. Run this again")


def _json(answer: requests.Response) -> object:
    try:
        return json.loads(answer.text)
    except ValueError:
        return None


def _reason(body: object) -> str:
    errors = body.get("errors") if isinstance(body, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    return str(first.get("message") or "").rstrip(".") if isinstance(first, dict) else ""


@contextmanager
def _faults(url: str, deadline: Deadline) -> Iterator[None]:
    """Turn what goes wrong in an exchange into errors of the project's own."""
    import requests

    server = urlsplit(url).netloc
    late = Unavailable(f"{server} did not answer in time. Run this again later")
    try:
        yield
    except requests.RequestException as error:
        raise (late if deadline.passed else _network_error(error, url)) from None
    except OSError as error:
        if deadline.passed:
            raise late from None
        raise UsageError(f"{server} cannot be asked: {error.strerror or error}.") from None
    if deadline.passed:
        raise late


def _network_error(error: requests.RequestException, url: str) -> DeTasksError:
    import requests

    server = urlsplit(url).netloc
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return certificates.refused(server, cause.verify_message or str(cause))
        if isinstance(cause, ssl.SSLError) and "WRONG_VERSION_NUMBER" in str(cause):
            return UsageError(
                f"{server} does not speak TLS there. If it is a sandbox, write http://{server}"
            )
    names = {type(cause).__name__ for cause in causes}
    if isinstance(error, requests.exceptions.ProxyError):
        return Unavailable(f"The proxy on the way to {server} does not answer.", sent=False)
    for cause in causes:
        if isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME:
            # A resolver has answered: nothing that passes by itself.
            return NoSuchHost(f"There is no host {urlsplit(url).hostname}. Is the name right?")
    if "NameResolutionError" in names:
        return Unavailable(
            f"The name of {server} cannot be resolved now: is the network down?", False, None, 3
        )
    never_sent = {"ConnectTimeout", "NewConnectionError", "ConnectTimeoutError"} & names
    if never_sent:
        return Unavailable(
            f"{server} does not answer. Is the host right, and is the server running?", sent=False
        )
    if isinstance(error, requests.Timeout) or "ReadTimeoutError" in names:
        return Unavailable(f"{server} did not answer in time. Run this again later")
    interrupted = (
        requests.ConnectionError,
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.ContentDecodingError,
    )
    if isinstance(error, interrupted):
        return Unavailable(f"The connection to {server} was cut. Run this again")
    variable = proxy_variable(urlsplit(url).scheme)
    if isinstance(error, ValueError) and variable:
        # Our own address has been parsed before; the variable's value may have a password.
        remedy = f"write {variable} like http://proxy.example:3128"
        if "SOCKS" in str(error):
            remedy = f'for SOCKS type: pip install "requests[socks]", or unset {variable}'
        return UsageError(f"The proxy that {variable} names cannot be used: {remedy}")
    return UsageError(f"{server} cannot be asked: {type(error).__name__}.")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was made of: requests and urllib3 wrap it several times."""
    seen, waiting = set(), [error]
    while waiting:
        found = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        inner = (*found.args, found.__cause__, found.__context__, getattr(found, "reason", None))
        waiting += [item for item in inner if isinstance(item, BaseException)]


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
