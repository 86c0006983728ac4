"""Every statement of docs/delivery.md has a test named beside it, and every named test exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8")
TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def _tables() -> list[list[str]]:
    """Each table of the page as its lines, heading first."""
    return [block.strip().splitlines() for block in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE)]


def _statements() -> list[str]:
    return [row for table in _tables() if table[0].endswith("| test |") for row in table[2:]]


def _defined(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("statement", _statements())
def test_a_statement_has_a_test_beside_it_that_exists(statement):
    named = TEST.findall(statement.split(" | ")[-1])

    assert named
    assert [] == [name for path, name in named if name not in _defined(ROOT / "tests" / path)]
