"""Tests that functions are short. Biome checks the same for the page (biome.jsonc)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: The largest number of lines of a function, without its signature and its docstring.
MOST = 40
MODULES = sorted((ROOT / "src").rglob("*.py"))


def count_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function's body."""
    body = function.body[ast.get_docstring(function) is not None :]
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(ROOT / "src").as_posix())
def test_no_function_is_long(module: Path) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert {each.name: lines for each in functions if (lines := count_lines(each)) > MOST} == {}


def test_lines_are_counted_without_signature_and_docstring() -> None:
    text = 'def f(\n    a,\n    b,\n):\n    """One.\n\n    Two.\n    """\n    a += 1\n\n    return b\n'
    [function] = ast.parse(text).body
    assert isinstance(function, ast.FunctionDef)
    assert count_lines(function) == 3
