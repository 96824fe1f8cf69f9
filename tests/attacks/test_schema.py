"""The platform API under documents that schemathesis makes of its own schema."""

from __future__ import annotations

import hypothesis
import pytest
import requests
import schemathesis

from de_tasks.server import control
from tests.support.attacker import from_address, post

BUDGET = hypothesis.settings(
    max_examples=60,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)


DATABASES = {"addService"}
"""Left out: it would start servers of databases, which have tests of their own."""
for scalar in ("Upload", "JSONString"):
    texts = hypothesis.strategies.text(max_size=20).map(schemathesis.graphql.nodes.String)
    schemathesis.graphql.scalar(scalar, texts)


@pytest.mark.parametrize("kind", ["Query", "Mutation"])
def test_no_document_breaks_the_api(kind: str, fortress: control.Running) -> None:
    url = f"{fortress.url}/Manager/graphql"
    # An admin of its own, from an address of its own: wrong passwords will be among the values.
    name = f"fuzz-{kind.lower()}"
    made = control.administer(fortress, "users", {"username": name, "role": "admin"})
    client = from_address("127.0.2.1")
    fields = {"grant_type": "password", "username": name, "password": made["password"]}
    tokens = post(fortress, "token", **fields).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    schema = schemathesis.graphql.from_url(url, headers=headers)
    names = sorted(set(schema[kind]) - DATABASES)
    operations = [schema[kind][name].as_strategy() for name in names]

    @BUDGET
    @hypothesis.given(case=hypothesis.strategies.one_of(operations))
    def ask(case: schemathesis.Case) -> None:
        answer = client.post(url, json={"query": case.body}, headers=headers, timeout=45)
        assert answer.status_code in (200, 400, 429), (case.body, answer.text)
        assert "INTERNAL_SERVER_ERROR" not in answer.text, case.body

    ask()
    assert requests.get(f"{fortress.url}/health", timeout=5).status_code == 200
