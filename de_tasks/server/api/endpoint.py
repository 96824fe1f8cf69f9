"""The platform API: `platform.graphql` bound to the sandbox's parts.

A field of the contract that has no resolver here is refused by name: never answered with
a null that looks like a value.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from typing import Any

import ariadne
from ariadne.exceptions import HttpBadRequestError
from graphql import GraphQLDirective, GraphQLError, GraphQLResolveInfo
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from de_tasks.errors import DeTasksError, NotLoggedIn, NotPermitted, UsageError
from de_tasks.server.api.documents import Document
from de_tasks.server.errors import TryLater
from de_tasks.server.http.bodies import read_body, read_form
from de_tasks.server.users.accounts import User
from de_tasks.server.users.authorization_header import Identity, address_of
from de_tasks.server.users.rate_limit import Budget, RateLimit

BODY_LIMIT = 1024 * 1024
UPLOAD_LIMIT = 4 * 1024 * 1024
MOST_LINES = 20_000
"""Lines of logs in one answer, which may be about many apps."""
LOCATIONS = frozenset(
    "QUERY MUTATION SUBSCRIPTION FIELD FRAGMENT_DEFINITION FRAGMENT_SPREAD INLINE_FRAGMENT"
    " VARIABLE_DEFINITION SCHEMA SCALAR OBJECT FIELD_DEFINITION ARGUMENT_DEFINITION INTERFACE"
    " UNION ENUM ENUM_VALUE INPUT_OBJECT INPUT_FIELD_DEFINITION".split()
)
"""Where directives may stand, in the GraphQL specification of October 2021."""
UNREADABLE = (
    *(ValueError, KeyError, TypeError, RecursionError),
    *(HttpBadRequestError, GraphQLError),
)
KINDS = {"FORBIDDEN": NotPermitted, "UNAUTHENTICATED": NotLoggedIn}
HTTP_STATUS = {"UNAUTHENTICATED": 401, "TOO_MANY_REQUESTS": 429, "BAD_REQUEST": 400}

upload = ariadne.ScalarType("Upload")


@upload.value_parser
def _file_alone(value: object) -> object:
    """What is in the place of a file and is none is a mistake of the client's."""
    if not isinstance(value, UploadFile):
        raise GraphQLError("A file is sent as a part of a multipart request.")
    return value


@upload.literal_parser
def _no_literal(node: object, variables: object = None) -> object:
    return _file_alone(node)


# ariadne logs every refusal with a traceback: what is worth a line is logged here.
logging.getLogger("ariadne").setLevel(logging.CRITICAL)
logger = logging.getLogger(__name__)


class ApiError(GraphQLError):
    """A request that could not be executed, with its code of the contract."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, extensions={"code": code})


FindUser = Callable[[], Awaitable[User | None]]


@dataclass
class Context:
    """What resolvers know of a request. `find` finds who asks once more, None for one whose login
    has ended. `codes` becomes `extensions.codes` of the answer: the
    machine-readable reason beside a mutation's `error` sentence."""

    user: User
    address: str
    budget: Budget
    find: FindUser
    lines: int = MOST_LINES
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a log is read: several of one request share `lines`, and the disk."""
    codes: dict[str, str] = field(default_factory=dict)

    async def held(self, wait: Awaitable[object]) -> None:
        """Wait for news; `user` is who asks as things are then. Raises `ApiError` for one whose
        login has ended meanwhile."""
        await wait
        user = await self.find()
        if user is None:
            raise ApiError("UNAUTHENTICATED", "Log in first: the login has ended.")
        self.user = user


class RateLimited(TryLater):
    """The user's points are used up."""

    def __init__(self, budget: Budget) -> None:
        seconds = -(-budget.ms_before_next // 1000)
        super().__init__(f"Rate limit reached. Try again in {seconds} s.", seconds)


def make_schema(*bindables: ariadne.SchemaBindable) -> Any:
    """The contract's schema with resolvers bound to it."""
    text = files("de_tasks.server.api").joinpath("platform.graphql").read_text("utf-8")
    schema = ariadne.make_executable_schema(text, upload, *bindables)
    schema.directives = tuple(map(_as_published, schema.directives))
    return schema


def _as_published(directive: GraphQLDirective) -> GraphQLDirective:
    # A client that reads the schema refuses a location that came after its own day.
    kept = [location for location in directive.locations if location.name in LOCATIONS]
    settings: dict[str, Any] = {**directive.to_kwargs(), "locations": kept}
    return GraphQLDirective(**settings)


def resolve_field(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    """Take a field from its parent's dict; a field that nobody provides is an error."""
    if isinstance(source, dict) and info.field_name in source:
        value = source[info.field_name]
        return value(info, **arguments) if callable(value) else value
    if info.parent_type.name in ("Query", "Mutation") or isinstance(source, dict):
        raise ApiError(
            "BAD_USER_INPUT",
            f"This sandbox does not offer {info.parent_type.name}.{info.field_name}.",
        )
    return None


class GraphQLEndpoint:
    """Answers `POST /Manager/graphql`."""

    def __init__(self, schema: Any, identity: Identity, limit: RateLimit) -> None:
        self._schema = schema
        self._identity = identity
        self._limit = limit

    async def ask(
        self, user: User, find: FindUser, address: str, text: str, **variables: Any
    ) -> dict[str, Any]:
        """What the API answers a page of the platform: the same rights, the same points.

        `find` finds the user once more, where the answer had to wait. Raises `RateLimited` when
        the user's points are used up, another `TryLater` for too many wrong passwords,
        `NotLoggedIn` and `NotPermitted`, `DeTasksError` for any other refusal.
        """
        document = Document.of(text)
        if not self._limit.take(user.username, document.cost):
            raise RateLimited(self._limit.budget(user.username))
        data = {"query": text, "variables": variables}
        result = await self._execute(
            Context(user, address, self._limit.budget(user.username), find), data, document
        )
        if "errors" in result:
            error = result["errors"][0]
            raise KINDS.get(error["extensions"]["code"], DeTasksError)(error["message"])
        found: dict[str, Any] = result["data"]
        # What a query finds may have failed by itself, as a build does.
        for answer in found.values() if document.changes else ():
            if isinstance(answer, dict) and answer.get("error"):
                raise DeTasksError(answer["error"])
        return found

    async def answer(self, request: Request) -> Response:
        header, address = request.headers.get("authorization"), address_of(request)
        user = await self._identity.any(header, address)
        if user is None:
            return _errors("UNAUTHENTICATED", "Log in first: the login is missing or has expired.")
        try:
            data = await _read(request)
            document = Document.of(data["query"], _operation(data))
        except UNREADABLE as error:
            return _errors("BAD_REQUEST", f"Not a GraphQL request: {error}")
        points, budget = document.cost, self._limit.budget
        if points > budget(user.username).limit:
            words = f"This costs {points} points, more than a whole window has: split it up."
            return _errors("BAD_REQUEST", words)
        if not self._limit.take(user.username, points):
            logger.info("%s was refused for the rate limit", user.username)
            return _too_many(budget(user.username))
        find = partial(self._identity.any, header, address)
        result = await self._execute(
            Context(user, address, budget(user.username), find), data, document
        )
        status = 200 if "data" in result else 400
        # As it is now: a long poll may have been held for half a window.
        return JSONResponse(result, status, headers=budget(user.username).headers())

    async def _execute(
        self, context: Context, data: dict[str, Any], document: Document
    ) -> dict[str, Any]:
        """The answer. Raises `TryLater` of a field: that is no error of the request."""
        later: list[TryLater] = []

        def formatted(error: GraphQLError, debug: bool = False) -> dict[str, Any]:
            if isinstance(error.original_error, TryLater):
                later.append(error.original_error)
            return _format_error(error)

        _, result = await ariadne.graphql(
            self._schema,
            data,
            query_document=document.node,
            query_validator=document.validate,
            context_value=context,
            error_formatter=formatted,
            field_resolver=resolve_field,
        )
        if later:
            raise later[0]
        found: dict[str, Any] = result
        return {**found, "extensions": {"codes": context.codes}} if context.codes else found


def _operation(data: dict[str, Any]) -> str | None:
    name = data.get("operationName")
    if name is not None and not isinstance(name, str):
        raise ValueError("operationName is no text")
    return name or None


async def _read(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await _read_multipart(request)
    data = json.loads(await read_body(request, BODY_LIMIT))
    if not isinstance(data, dict) or not isinstance(data.get("query"), str):
        raise ValueError('the body is not {"query": ..., "variables": ...}')
    return data


async def _read_multipart(request: Request) -> dict[str, Any]:
    """The GraphQL multipart request specification: operations, map, files."""
    form = await read_form(request, UPLOAD_LIMIT, files=10)
    operations = json.loads(str(form.get("operations", "")))
    paths = json.loads(str(form.get("map", "")))
    if not isinstance(operations, dict) or not isinstance(operations.get("query"), str):
        raise ValueError("operations is not one request")
    files = {name: value for name, value in form.items() if isinstance(value, UploadFile)}
    ariadne.combine_multipart_data(operations, paths, files)  # Puts the files into it.
    return operations


def _format_error(error: GraphQLError) -> dict[str, Any]:
    cause = error.original_error
    code, message = error.extensions and error.extensions.get("code"), error.message
    if isinstance(cause, NotPermitted):
        code = "FORBIDDEN"
    elif isinstance(cause, UsageError):
        code = "BAD_USER_INPUT"
    elif cause is not None and not isinstance(cause, (GraphQLError, DeTasksError)):
        logger.error("%s", error.path, exc_info=cause)
        code, message = "INTERNAL_SERVER_ERROR", "The sandbox has failed internally."
    formatted = error.formatted
    return {
        **formatted,
        "message": message,
        "extensions": {"code": code or "BAD_USER_INPUT"},
    }


def _errors(code: str, message: str) -> JSONResponse:
    body = {"errors": [{"message": message, "extensions": {"code": code}}]}
    headers = {"WWW-Authenticate": "Bearer"} if code == "UNAUTHENTICATED" else None
    return JSONResponse(body, HTTP_STATUS[code], headers=headers)


def _too_many(budget: Budget) -> JSONResponse:
    error = {
        "message": "Rate limit exceeded",
        "stacktrace": {
            "remainingPoints": budget.remaining,
            "msBeforeNext": budget.ms_before_next,
            "consumedPoints": budget.used,
            "isFirstInDuration": False,
        },
        "extensions": {"code": "TOO_MANY_REQUESTS"},
    }
    return JSONResponse({"error": {"errors": [error]}}, 429, headers=budget.retry_after())
