"""What a request asks for, as it was sent.

The path of an ASGI scope is decoded: `%2F` has become a slash there, and `%3F` the beginning of a
query. Whoever passes a request on, or leads a browser back, needs what was sent.
"""

from __future__ import annotations

from urllib.parse import unquote

from starlette.types import Scope


def path_of(scope: Scope) -> str:
    """The path, percent-encoded."""
    raw: bytes = scope["raw_path"]
    return raw.decode("ascii", "replace").partition("?")[0]


def target_of(scope: Scope) -> str:
    """The path with the query, percent-encoded."""
    query: str = scope["query_string"].decode("ascii", "replace")
    return path_of(scope) + (f"?{query}" if query else "")


def app_of(scope: Scope) -> tuple[str, str | None]:
    """The name that the path begins with, and the rest of the target, with its slash.

    The rest is None where no slash ends the name: `/shop` names the app `shop` but none of its
    pages.
    """
    path, mark, query = target_of(scope).partition("?")
    name, slash, rest = path[1:].partition("/")
    return unquote(name), f"/{rest}{mark}{query}" if slash else None
