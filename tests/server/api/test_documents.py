"""Documents that are remembered: what was valid once is, and what was not is not."""

from __future__ import annotations

import pytest
from graphql import GraphQLError, build_schema

from de_tasks.server.api.documents import SHORT, Document

SCHEMA = build_schema("type Query { name: String }")
TWO = "query a { name } query b { name other: name }"


def test_document_that_is_sent_again_is_the_same_and_stays_valid() -> None:
    first, again = Document.of("{ name }"), Document.of("{ name }")
    assert first is again and first is not Document.of(TWO, "a")
    assert [first.validate(SCHEMA, first.node) for _ in range(2)] == [[], []]


def test_what_is_wrong_with_a_document_is_said_each_time() -> None:
    for _ in range(2):
        wrong = Document.of("{ nothing }")
        assert [error.message for error in wrong.validate(SCHEMA, wrong.node)] != []
        with pytest.raises(GraphQLError):
            Document.of("{ name")


def test_operations_of_one_text_keep_their_price() -> None:
    assert [Document.of(TWO, name).cost for name in ("a", "b", "a")] == [1, 2, 1]


def test_long_document_is_not_remembered() -> None:
    text = "{ name }" + " " * SHORT
    assert Document.of(text) is not Document.of(text)


def test_inline_fragments_are_fields_as_others_are() -> None:
    assert Document("{ ... { a b } ... on Query { c } }").cost == 3
    deep = "{ a " * 19 + "{ ... { %s } }" + " }" * 19
    Document(deep % "a")
    with pytest.raises(GraphQLError, match=r"^the document is nested more than 20 fields deep$"):
        Document(deep % "a { a }")


def test_document_that_is_too_deep_to_be_read_is_refused() -> None:
    with pytest.raises(GraphQLError, match="nested too deeply"):
        Document("{ ... " * 700 + "{ a }" + " }" * 700)
