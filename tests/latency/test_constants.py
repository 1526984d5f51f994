"""Numbers of the latency forms and of the fit say what they rest on."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import mbcost

ROOT = Path(mbcost.__file__).parent
FILES = sorted([*(ROOT / "latency").rglob("*.py"), *(ROOT / "calibration").glob("*.py"), *(ROOT / "fpga").glob("*.py")])


def bare_numbers(text: str) -> list[str]:
    """Constants of a module that are numbers, in a paragraph without a ``#:`` comment above the first of them."""
    lines, found = text.splitlines(), []
    for node in ast.parse(text).body:
        if not isinstance(node, ast.AnnAssign) or node.value is None or not isinstance(node.target, ast.Name):
            continue
        leaves = [leaf for leaf in ast.walk(node.value) if isinstance(leaf, (ast.Name, ast.Call, ast.Constant))]
        if not leaves or not all(
            isinstance(leaf, ast.Constant) and type(leaf.value) in (int, float) for leaf in leaves
        ):
            continue
        above = node.lineno - 1
        while above and lines[above - 1].strip() and not lines[above - 1].startswith("#:"):
            above -= 1
        if not (above and lines[above - 1].startswith("#:")):
            found.append(node.target.id)
    return found


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_numbers_have_a_comment(path: Path) -> None:
    assert not bare_numbers(path.read_text(encoding="utf-8"))


def test_a_bare_number_is_found() -> None:
    text = "A: Final = 3\n\n#: Why.\nB: Final = 2 * 4\nC: Final = (1, 0.5)\n\nD: Final = -0.5\n"
    assert bare_numbers(text) == ["A", "D"]
