"""What the API of Dash Enterprise 5 says of itself: names and types, and nothing of anybody's.

One public, unofficial program shows its shape. Nothing here uses that API for anything else: one
unofficial source is not enough. So this shows which of the known shapes are there.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from de_tasks.errors import DeTasksError, UsageError
from de_tasks.net.http import Transport, read_object

SECONDS = 15.0
NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
"""GraphQL specification, section 2.1.9."""
DEEPEST = 8
"""Lists and non-null marks around a type: more is no schema's."""
KNOWN = (
    *("Query.apps", "Query.app", "Mutation.createOneApp", "Mutation.updateOneApp"),
    *("Mutation.createOneService", "App.title", "App.slug", "App.created_at", "App.author"),
    *("App.services", "App.environment_variables"),
)
"""What the one public program asks for; the root types are named as they are mostly named."""


def _type_fields(depth: int) -> str:
    return f"kind name ofType {{ {_type_fields(depth - 1)} }}" if depth else "kind name"


QUESTION = f"""query {{ __schema {{ queryType {{ name }} mutationType {{ name }} types {{ kind name
fields(includeDeprecated: true) {{ name args {{ name type {{ ...T }} }} type {{ ...T }} }}
inputFields {{ name type {{ ...T }} }} enumValues(includeDeprecated: true) {{ name }} }} }} }}
fragment T on __Type {{ {_type_fields(DEEPEST)} }}"""


@dataclass(frozen=True)
class Schema:
    """The types by name, each with its kind and the types of its fields, such as
    `{"App": {"kind": "OBJECT", "fields": {"slug": {"type": "String!", "args": {}}}}}`."""

    query: str
    mutation: str
    types: dict[str, dict[str, Any]]

    def shapes(self) -> tuple[list[str], list[str]]:
        """The known shapes that are there, and those that are not."""
        roots = {"Query": self.query, "Mutation": self.mutation}
        there: list[str] = []
        lacking: list[str] = []
        for shape in KNOWN:
            kind, _, field = shape.partition(".")
            fields = self.types.get(roots.get(kind, kind), {}).get("fields", {})
            (there if field in fields else lacking).append(shape)
        return there, lacking

    def save(self, file: Path) -> None:
        """Write names and types to a file. Raises `UsageError` where that is not possible."""
        found = {"query": self.query, "mutation": self.mutation, "types": self.types}
        try:
            file.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", "utf-8")
        except OSError as error:
            raise UsageError(f"{file} cannot be written: {error.strerror}.") from None


def ask(address: str, header: str, transport: Transport) -> Schema:
    """Ask an API for its schema. Raises `DeTasksError` where it does not tell."""
    headers = {"Authorization": header, "Accept": "application/json"}
    answer = transport.request(
        "POST", address, seconds=SECONDS, headers=headers, json={"query": QUESTION}
    )
    body = read_object(answer)
    data = body.get("data")
    try:
        return _schema(data["__schema"] if isinstance(data, dict) else None)
    except (KeyError, TypeError, ValueError):
        raise DeTasksError(f"it does not tell its schema (status {answer.status_code})") from None


def _schema(found: Any) -> Schema:
    """Takes over what is known by name: a server may put anything beside it."""
    types = {
        _name(one["name"]): {
            "kind": _name(one["kind"]),
            "fields": {
                _name(field["name"]): {
                    "type": _type(field["type"]),
                    "args": {_name(a["name"]): _type(a["type"]) for a in field.get("args") or ()},
                }
                for field in (*(one.get("fields") or ()), *(one.get("inputFields") or ()))
            },
            "values": [_name(value["name"]) for value in one.get("enumValues") or ()],
        }
        for one in found["types"]
        if not _name(one["name"]).startswith("__")
    }
    mutation = found.get("mutationType")
    return Schema(
        _name(found["queryType"]["name"]), _name(mutation["name"]) if mutation else "", types
    )


def _type(found: Any) -> str:
    """A type as it is written: `[String!]!`."""
    if found["kind"] == "NON_NULL":
        return f"{_type(found['ofType'])}!"
    return f"[{_type(found['ofType'])}]" if found["kind"] == "LIST" else _name(found["name"])


def _name(text: Any) -> str:
    """A name; raises `ValueError` for anything else."""
    if isinstance(text, str) and NAME.fullmatch(text):
        return text
    raise ValueError("not a name")
