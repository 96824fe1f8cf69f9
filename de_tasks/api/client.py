"""GraphQL over HTTP: one `execute`, all errors mapped to the tree."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from de_tasks import retry
from de_tasks.auth.credentials import Credentials
from de_tasks.config import Host
from de_tasks.errors import DeTasksError, NotFound, NotLoggedIn, NotPermitted, UsageError
from de_tasks.transport import CONNECT_SECONDS, Transport, Unavailable

ANSWER_SECONDS = 120
"""A restart is answered when the app is up again, which may take it a minute."""


class Client:
    """The platform API of one host."""

    def __init__(
        self, host: Host, session: Credentials, transport: Transport, tell: Callable[[str], None]
    ) -> None:
        self._host = host
        self._session = session
        self._transport = transport
        self._tell = tell

    def execute(
        self,
        document: str,
        repeat: bool = True,
        uploads: Mapping[str, bytes] | None = None,
        **variables: Any,
    ) -> dict[str, Any]:
        """Run a document; returns its `data`, with the answer's codes under `"codes"`.

        Faults are retried where `repeat` says that doing it twice does no harm. `uploads` are
        variables of type `Upload`.
        """

        def attempt() -> dict[str, Any]:
            try:
                return self._once(document, variables, uploads or {})
            except NotLoggedIn:
                self._session.renew()
                return self._once(document, variables, uploads or {})

        return retry.call(attempt, self._tell, repeat)

    def _once(
        self, document: str, variables: dict[str, Any], uploads: Mapping[str, bytes]
    ) -> dict[str, Any]:
        operations = {"query": document, "variables": variables | dict.fromkeys(uploads)}
        content: dict[str, Any] = {"json": operations}
        if uploads:
            # GraphQL multipart request specification.
            places = {name: [f"variables.{name}"] for name in uploads}
            content = {
                "data": {"operations": json.dumps(operations), "map": json.dumps(places)},
                "files": {name: (name, data) for name, data in uploads.items()},
            }
        answer = self._transport.request(
            "POST",
            self._host.api,
            headers={"Authorization": self._session.header()},
            timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
            **content,
        )
        try:
            body = json.loads(answer.text)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            if answer.status_code >= 500:
                raise Unavailable(f"{self._host.name} answers {answer.status_code}.")
            raise UsageError(
                f"{self._host.name} does not speak the platform API at {self._host.api} "
                f"(status {answer.status_code}). Is it the right host?"
            )
        envelope = body.get("error")
        errors = (envelope if isinstance(envelope, dict) else body).get("errors")
        if errors:
            raise self._error(errors[0])
        data = body.get("data")
        if not isinstance(data, dict):
            raise Unavailable(f"{self._host.name} answers {answer.status_code} without data.")
        return {**data, "codes": (body.get("extensions") or {}).get("codes", {})}

    def missing(self, app: str) -> NotFound:
        """The error for an app that is not there."""
        return NotFound(f"App [{app}] does not exist on [{self._host.name}].")

    def refusal(self, code: str | None, message: str) -> DeTasksError:
        """The error for a mutation's `error` sentence with its code."""
        kinds = {"FORBIDDEN": NotPermitted, "NOT_FOUND": NotFound, "BAD_USER_INPUT": UsageError}
        return kinds.get(code or "", DeTasksError)(message)

    def _error(self, error: dict[str, Any]) -> DeTasksError:
        code = (error.get("extensions") or {}).get("code")
        message = str(error.get("message") or "The server gives no reason.")
        if code == "TOO_MANY_REQUESTS":
            wait = (error.get("stacktrace") or {}).get("msBeforeNext", 60_000)
            return retry.RateLimited(float(wait) / 1000)
        if code == "UNAUTHENTICATED":
            return NotLoggedIn(
                f"The login to {self._host.name} has expired or was revoked. Log in again"
            )
        return self.refusal(code, message)
