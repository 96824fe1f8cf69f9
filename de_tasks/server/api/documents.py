"""GraphQL documents: parsed within limits, and what their operations cost.

One small document can ask for very much: by depth, by aliases of one field, by fragments that
contain fragments. It is measured with its fragments written out before anything runs.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
    validate,
)

from de_tasks.server.users.rate_limit import READ, WRITE

LONGEST = 100_000
MOST_TOKENS = 4000
MOST_FIELDS = 1000
MOST_ALIASES = 20
"""Of one field, below the root: there each costs points."""
DEEPEST = 20
"""GraphiQL's introspection goes to 13."""
SHORT = 4096
"""Characters of a document that is remembered: those of programs, which send the same again and
again, are shorter."""
REMEMBERED = 256
FREE = {"rateLimit", "__schema", "__type", "__typename"}


class Document:
    """A parsed document."""

    def __init__(self, text: str, operation: str | None = None) -> None:
        """A document of which `operation` will run. Raises `GraphQLError` for what is no
        document, has not just that one operation of the name, or goes beyond a limit."""
        if len(text) > LONGEST:
            raise GraphQLError(f"the document has more than {LONGEST} characters")
        try:
            self.node: DocumentNode = parse(text, max_tokens=MOST_TOKENS)
            self._fragments = {
                node.name.value: node
                for node in self.node.definitions
                if isinstance(node, FragmentDefinitionNode)
            }
            for node in self._operations():
                self._left = MOST_FIELDS
                self._measure(node.selection_set, 1, ())
        except RecursionError:
            raise GraphQLError("the document is nested too deeply") from None
        named = [
            node
            for node in self._operations()
            if operation is None or (node.name and node.name.value == operation)
        ]
        if len(named) != 1:
            raise GraphQLError(f"it has {len(named)} operations to run, and one is needed")
        self._runs = named[0]
        self._valid = False

    @classmethod
    def of(cls, text: str, operation: str | None = None) -> Document:
        """The same, remembered when it is short: to parse and to validate one takes longer than
        most answers."""
        return _remembered(text, operation) if len(text) <= SHORT else cls(text, operation)

    def validate(
        self, schema: GraphQLSchema, document_ast: DocumentNode, *rules: Any, **options: Any
    ) -> list[GraphQLError]:
        """What is wrong with it, as `graphql.validate` says it; there is one schema."""
        found = [] if self._valid else validate(schema, document_ast, *rules, **options)
        self._valid = not found
        return found

    @property
    def changes(self) -> bool:
        """Whether the operation that will run is a mutation."""
        return self._runs.operation is OperationType.MUTATION

    @property
    def cost(self) -> int:
        """Points of the operation that will run: each of its root fields is an action."""
        self._left = MOST_FIELDS
        price = WRITE if self.changes else READ
        names = [field.name.value for field in self._fields(self._runs.selection_set, ())]
        return sum(price for name in names if name not in FREE)

    def _operations(self) -> list[OperationDefinitionNode]:
        return [n for n in self.node.definitions if isinstance(n, OperationDefinitionNode)]

    def _measure(
        self, selected: SelectionSetNode | None, depth: int, seen: tuple[str, ...]
    ) -> None:
        if selected is None:
            return
        if depth > DEEPEST:
            raise GraphQLError(f"the document is nested more than {DEEPEST} fields deep")
        times: Counter[str] = Counter()
        for field in self._fields(selected, seen):
            times[field.name.value] += 1
            if depth > 1 and times[field.name.value] > MOST_ALIASES:
                raise GraphQLError(
                    f"{field.name.value} is asked for more than {MOST_ALIASES} times"
                )
            self._measure(field.selection_set, depth + 1, seen)

    def _fields(self, selected: SelectionSetNode, seen: tuple[str, ...]) -> Iterator[FieldNode]:
        """The fields of a selection, those of its fragments included."""
        for node in selected.selections:
            self._left -= 1
            if self._left < 0:
                raise GraphQLError(f"the document asks for more than {MOST_FIELDS} fields")
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                yield from self._fields(node.selection_set, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                fragment = self._fragments.get(node.name.value)
                if fragment:
                    yield from self._fields(fragment.selection_set, (*seen, node.name.value))


@functools.lru_cache(REMEMBERED)
def _remembered(text: str, operation: str | None) -> Document:
    return Document(text, operation)
