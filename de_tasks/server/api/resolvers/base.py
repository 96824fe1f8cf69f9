"""What all resolvers share: how a method becomes a field, and how a refusal is answered."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

import ariadne
from graphql import GraphQLResolveInfo

from de_tasks.errors import DeTasksError, NotFound, NotPermitted, UsageError
from de_tasks.server.api.endpoint import Context
from de_tasks.server.errors import TryLater

CODES: tuple[tuple[type[DeTasksError], str], ...] = (
    (NotPermitted, "FORBIDDEN"),
    (NotFound, "NOT_FOUND"),
    (UsageError, "BAD_USER_INPUT"),
)
OK = {"ok": False}
REFRESH = {"ok": False, "refresh": False}
APP: dict[str, Any] = {"app": None}

Resolver = Callable[..., Awaitable[Any]]


def query(method: Resolver) -> Resolver:
    """A method `(self, context, **arguments)` that answers the query of its name."""

    @functools.wraps(method)
    async def resolve(self: Any, _: None, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        return await method(self, info.context, **arguments)

    resolve.kind = "Query"  # type: ignore[attr-defined]
    return resolve


def mutation(refusal: dict[str, Any]) -> Callable[[Resolver], Resolver]:
    """The same for a mutation. What it raises becomes the `error` beside `refusal`'s fields,
    its code goes to `extensions.codes`."""

    def wrap(method: Resolver) -> Resolver:
        @functools.wraps(method)
        async def resolve(self: Any, _: None, info: GraphQLResolveInfo, **arguments: Any) -> Any:
            context: Context = info.context
            try:
                return {"error": None, **await method(self, context, **arguments)}
            except TryLater:
                raise
            except DeTasksError as error:
                code = next((c for kind, c in CODES if isinstance(error, kind)), "REFUSED")
                # By the answer's own name: a document may have one field several times.
                context.codes[str(info.path.key)] = code
                return {**refusal, "error": str(error)}

        resolve.kind = "Mutation"  # type: ignore[attr-defined]
        return resolve

    return wrap


def bind(*resolvers: object) -> list[ariadne.SchemaBindable]:
    """The marked methods of all objects, bound to the fields of their names."""
    types = {"Query": ariadne.QueryType(), "Mutation": ariadne.MutationType()}
    for resolver in resolvers:
        for name, function in vars(type(resolver)).items():
            if hasattr(function, "kind"):
                types[function.kind].set_field(_camel(name), getattr(resolver, name))
    return list(types.values())


def _camel(name: str) -> str:
    first, *rest = name.strip("_").split("_")
    return first + "".join(word.capitalize() for word in rest)
