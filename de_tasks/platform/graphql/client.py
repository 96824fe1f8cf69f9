"""GraphQL over HTTP: one `execute`, all errors mapped to the tree."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from de_tasks.appspec import THUMBNAIL_LIMIT, image_type
from de_tasks.auth.caller import Account
from de_tasks.config.host import Host
from de_tasks.errors import (
    DeTasksError,
    NotAvailable,
    NotFound,
    NotLoggedIn,
    NotPermitted,
    UsageError,
)
from de_tasks.net import limit_reports
from de_tasks.net.budget import Spending
from de_tasks.net.http import Transport, Unavailable, read_object
from de_tasks.net.retry import PASSING, Attempt
from de_tasks.platform.no_such_app import no_such_app

T = TypeVar("T")
NOT_IN_SCHEMA = re.compile(r"Cannot query field|Unknown (argument|type)")
"""What GraphQL servers say of a document that their schema does not fit (the specification's
validation, in the words of its reference implementation)."""
ANSWER_SECONDS = 120.0
"""A restart is answered when the app is up again, which may take it a minute."""
RATE_LIMIT = "query { rateLimit { limit remaining windowMs msBeforeNext } }"
NO_SUCH_APP = "App does not exist."
"""What the published API answers to a change of an app that is not there."""


@dataclass(frozen=True)
class Answer:
    """What came back: the `data`, whose fields `answer[name]` gives, and what stood beside it.

    `codes` are those of refusals, `time` is the server's clock as the API writes times (to the
    second, empty where it does not tell), `repeated` whether the request may have been carried
    out before.
    """

    data: dict[str, Any]
    codes: dict[str, str]
    time: str
    repeated: bool = False

    def __getitem__(self, field: str) -> Any:
        return self.data[field]


@dataclass(frozen=True)
class Request:
    """A document with its variables; `uploads` are variables of type `Upload`. `actions` are
    what the rate limit counts: the document's root fields. The server may hold the answer back
    for `held` seconds."""

    document: str
    variables: Mapping[str, Any]
    uploads: Mapping[str, bytes]
    actions: int
    held: float = 0.0

    @property
    def points(self) -> int:
        """What it costs."""
        change = self.document.startswith("mutation")
        return self.actions * (limit_reports.WRITE if change else limit_reports.READ)

    def content(self) -> dict[str, Any]:
        """The body, as requests takes it."""
        variables = {**self.variables, **dict.fromkeys(self.uploads)}
        operations = {"query": self.document, "variables": variables}
        if not self.uploads:
            return {"json": operations}
        # GraphQL multipart request specification.
        places = {name: [f"variables.{name}"] for name in self.uploads}
        return {
            "data": {"operations": json.dumps(operations), "map": json.dumps(places)},
            "files": {name: (name, data) for name, data in self.uploads.items()},
        }


class Client:
    """The platform API of one host."""

    def __init__(self, host: Host, account: Account, transport: Transport) -> None:
        self._host = host
        self._account = account
        self._transport = transport
        account.ask = self._told

    @property
    def username(self) -> str:
        """Who asks."""
        return self._account.credentials.username

    def execute(
        self,
        document: str,
        actions: int = 1,
        uploads: Mapping[str, bytes] | None = None,
        held: float = 0.0,
        **variables: Any,
    ) -> Answer:
        """Run a document that reads, or that sets things to values: doing it twice does no harm.

        `uploads` are variables of type `Upload`, `actions` its root fields that cost points, and
        `held` is how long a long poll asks the server to hold the answer back.
        """
        request = Request(document, variables, uploads or {}, actions, held)
        return self._run(request, lambda answer: answer)

    def change(
        self,
        field: str,
        document: str,
        read: Callable[[dict[str, Any]], T],
        find: Callable[[], T | None] | None = None,
        **variables: Any,
    ) -> T:
        """Run a mutation that must not happen twice; returns what `read` makes of `field`.

        After a lost answer `find` tells what would have been returned, None if it has not
        happened; without `find` it is not repeated then. Raises what the platform refuses it with.
        """

        def judged(answer: Answer) -> T:
            result: dict[str, Any] = answer[field]
            if result["error"]:
                # The published sentences do not say which name they are about.
                name, error = variables.get("app") or variables.get("name") or "", result["error"]
                if error == NO_SUCH_APP:
                    raise self.missing(name)
                words = error if name in error else f"{name}: {error}"
                raise self.refusal(answer.codes.get(field), words)
            return read(result)

        request = Request(document, variables, {}, 1)
        return self._run(request, judged, repeat=False, find=find)

    def picture(self, url: str) -> bytes:
        """A picture of the platform's own. Raises `DeTasksError` for one elsewhere, which is not
        for our credentials to see, and for what is no PNG or JPEG."""
        own, there = urlsplit(self._host.api), urlsplit(url)
        if (own.scheme, own.netloc) != (there.scheme, there.netloc):
            raise DeTasksError(f"It lies on another server: {there.netloc}.")

        def attempt(this: Attempt, spending: Spending) -> bytes:
            headers = {"Authorization": self._account.header()}
            seconds = min(ANSWER_SECONDS, this.seconds)
            answer = self._transport.request(
                "GET", url, seconds, 2 * THUMBNAIL_LIMIT, headers=headers
            )
            if answer.status_code == 401:
                raise NotLoggedIn(f"{self._host.name} shows it to nobody. Log in again")
            if answer.status_code != 200 or image_type(answer.content) is None:
                raise DeTasksError(f"{url} is not a picture (status {answer.status_code}).")
            return answer.content

        return self._account.act(attempt)

    def _run(
        self,
        request: Request,
        judged: Callable[[Answer], T],
        repeat: bool = True,
        find: Callable[[], T | None] | None = None,
    ) -> T:
        lost = False
        # Points are reserved for the moment: the request must not be late for its window.
        self._transport.make_ready()

        def attempt(this: Attempt, spending: Spending) -> T:
            nonlocal lost
            try:
                return judged(self._once(request, this.seconds, spending, lost))
            except PASSING as error:
                lost = lost or error.sent
                raise

        return self._account.act(attempt, request.points, repeat, find, request.held)

    def _once(
        self, request: Request, seconds: float, spending: Spending, repeated: bool = False
    ) -> Answer:
        answer = self._transport.request(
            "POST",
            self._host.api,
            seconds=max(request.held + 1, min(ANSWER_SECONDS + request.held, seconds)),
            headers={"Authorization": self._account.header()},
            **request.content(),
        )
        spending.told = limit_reports.ReportedWindow.from_headers(answer.headers)
        body = read_object(answer)
        envelope = body.get("error")
        errors = (envelope if isinstance(envelope, dict) else body).get("errors")
        if errors:
            raise self._error(errors[0] if isinstance(errors, list) else errors)
        data = body.get("data")
        if not isinstance(data, dict):
            raise Unavailable(
                f"{self._host.name} gave an answer without data (status {answer.status_code}). "
                "Run this again later"
            )
        time = limit_reports.server_time(answer.headers)
        codes = (body.get("extensions") or {}).get("codes", {})
        return Answer(data, codes, f"{time:%Y-%m-%dT%H:%M:%S}" if time else "", repeated)

    def _told(self) -> limit_reports.ReportedWindow | None:
        try:
            # Who waits for points sends nothing that would show that the login must be renewed.
            answer = self._account.renewing(
                lambda: self._once(Request(RATE_LIMIT, {}, {}, 0), 10.0, Spending())
            )
        except DeTasksError:
            return None
        return limit_reports.ReportedWindow.from_query(answer["rateLimit"] or {})

    def missing(self, app: str) -> NotFound:
        """The error for an app that is not there."""
        return no_such_app(app, self._host.name)

    def refusal(self, code: str | None, message: str) -> DeTasksError:
        """The error for a mutation's `error` sentence with its code."""
        kinds = {"FORBIDDEN": NotPermitted, "NOT_FOUND": NotFound, "BAD_USER_INPUT": UsageError}
        return kinds.get(code or "", DeTasksError)(message)

    def _error(self, given: object) -> DeTasksError:
        # What stands before an API may say an error in a text alone.
        error: dict[str, Any] = given if isinstance(given, dict) else {"message": given}
        code = (error.get("extensions") or {}).get("code")
        message = str(error.get("message") or "The server gives no reason.")
        if code == "UNAUTHENTICATED":
            return NotLoggedIn(
                f"The login to {self._host.name} has expired or was revoked. Log in again"
            )
        if NOT_IN_SCHEMA.match(message):
            return NotAvailable(f"{self._host.name} does not offer this: {message}")
        return self.refusal(code, message)
