"""The platform API under documents that schemathesis makes of its own schema."""

from __future__ import annotations

import hypothesis
import pytest
import schemathesis

from de_tasks.server import control
from tests.support.addresses import client
from tests.support.attacker import alive
from tests.support.backstage import backstage

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
def test_no_document_breaks_the_api(kind: str, own_fortress: control.Running) -> None:
    url = f"{own_fortress.url}/Manager/graphql"
    books = backstage(own_fortress)
    token = books.tokens(books.add("fuzz", "admin")).access_token
    headers = {"Authorization": f"Bearer {token}"}
    schema = schemathesis.graphql.from_url(url, headers=headers)
    names = sorted(set(schema[kind]) - DATABASES)
    operations = [schema[kind][name].as_strategy() for name in names]
    session = client()

    @BUDGET
    @hypothesis.given(case=hypothesis.strategies.one_of(operations))
    def ask(case: schemathesis.Case) -> None:
        answer = session.post(url, json={"query": case.body}, headers=headers)
        assert answer.status_code in (200, 400), (case.body, answer.text)
        assert "INTERNAL_SERVER_ERROR" not in answer.text, case.body

    ask()
    assert alive(own_fortress)
