"""Syntax trees of Python source, made one at a time.

Python 3.11 before 3.11.8 and 3.12 before 3.12.2 count the depth of a tree for all threads together:
where two make one at once, `ast.parse` raises `SystemError` (python/cpython#106905).
"""

from __future__ import annotations

import ast
import threading

_turn = threading.Lock()


def tree_of(source: bytes | str) -> ast.Module | None:
    """The tree of a module, None for one that Python cannot read."""
    try:
        with _turn:
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def expression(source: str) -> ast.expr | None:
    """The tree of an expression, None for what is none."""
    try:
        with _turn:
            return ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
