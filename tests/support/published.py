"""The published API as programs of its time speak it: HTTP Basic with an API key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import graphql
import requests

from de_tasks.server import control
from tests.support.addresses import client
from tests.support.backstage import backstage
from tests.support.waiting import BOUND


@dataclass(frozen=True)
class Caller:
    """A program with a user's API key."""

    url: str
    username: str
    key: str

    def post(self, **content: Any) -> requests.Response:
        """A request, with whatever the program sends."""
        pair = (self.username, self.key)
        address = f"{self.url}/Manager/graphql"
        return client().post(address, auth=pair, timeout=BOUND, **content)

    def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """What a document answers; it has no errors."""
        answer = self.post(json={"query": document, "variables": variables}).json()
        assert "errors" not in answer and "error" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    def do(self, field: str, arguments: str, selection: str = "error") -> dict[str, Any]:
        """What a mutation with its arguments written out answers."""
        words = f"({arguments})" if arguments else ""
        answer: dict[str, Any] = self.ask(f"mutation {{ {field}{words} {{ {selection} }} }}")[field]
        return answer


def caller(running: control.Running, username: str) -> Caller:
    """A program of that user."""
    return Caller(running.url, username, backstage(running).key(username))


def everything(kind: graphql.GraphQLOutputType, above: tuple[str, ...] = ()) -> str:
    """A selection of every field of a type, as deep as it goes without coming back to a type."""
    named = graphql.get_named_type(kind)
    if not isinstance(named, graphql.GraphQLObjectType):
        return ""
    inner = (*above, named.name)
    return "{ " + " ".join(_fields(named, inner)) + " }"


def _fields(kind: graphql.GraphQLObjectType, above: tuple[str, ...]) -> Iterator[str]:
    for name, field in kind.fields.items():
        if graphql.get_named_type(field.type).name not in above:
            yield f"{name} {everything(field.type, above)}"
