"""Targets of requests: what was sent is kept, and what is encoded is no slash."""

from __future__ import annotations

import pytest

from de_tasks.server.http.targets import app_of, target_of


@pytest.mark.parametrize(
    ("path", "query", "found"),
    [
        ("/shop/", "", ("shop", "/")),
        ("/shop", "", ("shop", None)),
        ("/shop", "next=/x/", ("shop", None)),
        ("/shop/a%2Fb%3Fc", "d=%23", ("shop", "/a%2Fb%3Fc?d=%23")),
        ("/shop//x", "", ("shop", "//x")),
        ("/shop%2Fx/y", "", ("shop/x", "/y")),
        ("/", "", ("", None)),
        ("//shop/", "", ("", "/shop/")),
    ],
)
def test_app_of_a_target(path: str, query: str, found: tuple[str, str | None]) -> None:
    scope = {"raw_path": path.encode(), "query_string": query.encode()}
    assert app_of(scope) == found
    assert target_of(scope) == path + (f"?{query}" if query else "")
