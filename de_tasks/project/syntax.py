"""Syntax trees of Python source, made one at a time.

Python 3.11 before 3.11.8 and 3.12 before 3.12.2 count the depth of a tree for all threads together:
where two make one at once, `ast.parse` raises `SystemError` (python/cpython#106905).
"""

from __future__ import annotations

import ast
import threading
from typing import TypeGuard

_turn = threading.Lock()


def tree_of(source: bytes | str) -> ast.Module | None:
    """The tree of a module, None for one that Python cannot read."""
    try:
        with _turn:
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def refusal(source: bytes | str) -> str:
    """Why Python cannot read a module, with the line; empty where it can."""
    try:
        with _turn:
            ast.parse(source)
    except SyntaxError as error:
        return f"{error.msg} (line {error.lineno})"
    except (ValueError, RecursionError, MemoryError) as error:
        return str(error)
    return ""


def is_main(node: ast.AST) -> TypeGuard[ast.If]:
    """Whether it is `if __name__ == "__main__":`, whose body no server runs."""
    if not isinstance(node, ast.If) or not isinstance(node.test, ast.Compare):
        return False
    compared, operators = [node.test.left, *node.test.comparators], node.test.ops
    names = {value.id for value in compared if isinstance(value, ast.Name)}
    texts = {value.value for value in compared if isinstance(value, ast.Constant)}
    return (
        len(operators) == 1
        and isinstance(operators[0], ast.Eq)
        and (names, texts) == ({"__name__"}, {"__main__"})
    )


def expression(source: str) -> ast.expr | None:
    """The tree of an expression, None for what is none."""
    try:
        with _turn:
            return ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
