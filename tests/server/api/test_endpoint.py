"""What the API answers where a request cannot be carried out."""

from __future__ import annotations

import asyncio
import json
import logging
from types import SimpleNamespace
from typing import Any, cast

import ariadne
import pytest
from starlette.requests import Request

from de_tasks.errors import DeTasksError, NotPermitted, UsageError
from de_tasks.server.api.endpoint import GraphQLEndpoint, make_schema
from de_tasks.server.users.accounts import User
from de_tasks.server.users.rate_limit import RateLimit
from tests.support.waiting import BOUND

LIMIT = 20


class Somebody:
    """Everybody is known."""

    async def any(self, header: str | None, address: str) -> User:
        return User("ann", "viewer")


def post(document: str, current: Any = None) -> tuple[int, dict[str, Any]]:
    """Status and answer for a document, where `current` is resolved by a function."""
    query = ariadne.QueryType()
    if current:
        query.set_field("current", current)
    somebody = cast(Any, Somebody())
    endpoint = GraphQLEndpoint(make_schema(query), somebody, RateLimit(LIMIT, 60))

    async def receive() -> dict[str, Any]:
        body = json.dumps({"query": document}).encode()
        return {"type": "http.request", "body": body, "more_body": False}

    app = SimpleNamespace(state=SimpleNamespace(patience=BOUND))
    scope = {"type": "http", "method": "POST", "headers": [], "app": app}
    answer = asyncio.run(endpoint.answer(Request(scope, receive)))
    return answer.status_code, json.loads(bytes(answer.body))


def refusal(document: str, current: Any = None) -> tuple[str, str]:
    """Code and message of the one error."""
    (error,) = post(document, current)[1]["errors"]
    return error["extensions"]["code"], error["message"]


def test_field_that_the_sandbox_does_not_have_is_refused_by_name() -> None:
    assert refusal("{ current { username } }") == (
        "BAD_USER_INPUT",
        "This sandbox does not offer Query.current.",
    )
    assert refusal("{ current { username } }", lambda *_: {"isAdmin": True}) == (
        "BAD_USER_INPUT",
        "This sandbox does not offer Current.username.",
    )


def test_request_that_no_window_could_pay_for_is_not_told_to_wait() -> None:
    fields = " ".join(f"a{n}: current {{ username }}" for n in range(LIMIT + 1))
    status, answer = post(f"{{ {fields} }}")
    (error,) = answer["errors"]
    assert (status, error["extensions"]["code"]) == (400, "BAD_REQUEST")
    assert error["message"] == "This costs 21 points, more than a whole window has: split it up."


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (NotPermitted("Not you."), "FORBIDDEN", "Not you."),
        (UsageError("Not so."), "BAD_USER_INPUT", "Not so."),
        (DeTasksError("Not now."), "BAD_USER_INPUT", "Not now."),
        (KeyError("secret"), "INTERNAL_SERVER_ERROR", "The sandbox has failed internally."),
    ],
)
def test_error_of_the_sandbox_has_its_code_and_tells_nothing_of_its_inside(
    error: Exception, code: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    def current(*_: object) -> None:
        raise error

    with caplog.at_level(logging.ERROR):
        assert refusal("{ current { username } }", current) == (code, said)
    logged = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert logged == ([error] if code == "INTERNAL_SERVER_ERROR" else [])
