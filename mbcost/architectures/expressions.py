"""The arithmetic of table cells: ``t * in_channels``, ``stride == 1 and in_channels == out``.

A closed subset of Python's expressions: numbers, names, ``+ - * / // %``, comparisons, ``and or not``,
``a if c else b`` and calls of :data:`FUNCTIONS`. There are no attributes, subscripts or strings, so nothing else can be
reached. The compiled form runs on ints and on arrays of configurations alike.
"""

from __future__ import annotations

import ast
import keyword
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any, Final

from mbcost.errors import did_you_mean
from mbcost.numeric import ceil_div, make_divisible, maximum, minimum, round_half_even, to_int, where

MAX_LENGTH: Final = 200
MAX_DIGITS: Final = 12


class ExpressionError(ValueError):
    """The text is not an expression of the language. ``offset`` is the zero-based column of the mistake."""

    def __init__(self, message: str, offset: int = 0, length: int = 1) -> None:
        super().__init__(message)
        self.offset = offset
        self.length = length


def _make_divisible(channels: Any, divisor: int = 8, minimum_channels: int | None = None) -> Any:
    return make_divisible(channels, divisor, divisor if minimum_channels is None else minimum_channels)


def _ceil(value: Any) -> Any:
    return -to_int(-value // 1)


def _logical_not(value: Any) -> Any:
    return ~value if hasattr(value, "dtype") else not value


#: What an expression may call, besides ``width``, which the network's width rule defines.
FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "min": minimum,
    "max": maximum,
    "int": to_int,
    "round": round_half_even,
    "ceil": _ceil,
    "ceil_div": ceil_div,
    "make_divisible": _make_divisible,
}
_HELPERS: Final[Mapping[str, Callable[..., Any]]] = {"_where": where, "_not": _logical_not}
#: Globals of every evaluation; without builtins.
_GLOBALS: Final[dict[str, Any]] = {"__builtins__": {}, **FUNCTIONS, **_HELPERS}

_BINARY: Final = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod)
_COMPARE: Final = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression: its text, its code and the names that it reads."""

    text: str
    code: CodeType
    names: frozenset[str]

    def __call__(self, scope: Mapping[str, Any]) -> Any:
        """The value in a scope that binds every name.

        Raises
        ------
        ArithmeticError
            On a division by zero.
        """
        return eval(self.code, _GLOBALS, scope)  # noqa: S307  (whitelisted syntax tree, no builtins)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


@lru_cache(maxsize=4096)
def compile_expression(text: str) -> Expression:
    """Parse and compile; which names exist is checked by :func:`check_names`.

    Raises
    ------
    ExpressionError
        If the text is not in the language.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"expression longer than {MAX_LENGTH} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        offset = (getattr(error, "offset", None) or 1) - 1
        raise ExpressionError(f"`{text}` is not an expression", min(offset, max(0, len(text) - 1))) from None
    rewriter = _Rewriter()
    body = rewriter.visit(tree)
    code = compile(ast.fix_missing_locations(body), "<table>", "eval")
    return Expression(text, code, frozenset(rewriter.names))


def check_names(expression: Expression, known: Iterable[str]) -> None:
    """Raise an :class:`ExpressionError` for the first name that is not `known`."""
    names = set(known)
    for name in sorted(expression.names - names):
        hint = did_you_mean(name, names)
        message = f"unknown name `{name}`" + (f", {hint}" if hint else f" (known: {', '.join(sorted(names))})")
        raise ExpressionError(message, max(0, expression.text.find(name)), len(name))


def is_name(text: str) -> bool:
    """Whether a text can name a parameter, an option or a layer in expressions."""
    return text.isidentifier() and not keyword.iskeyword(text) and text not in FUNCTIONS


class _Rewriter(ast.NodeTransformer):
    """Checks a syntax tree against the language, and turns ``and or not if`` into forms that arrays understand."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def generic_visit(self, node: ast.AST) -> ast.AST:
        offset = getattr(node, "col_offset", 0)
        raise ExpressionError(f"`{type(node).__name__}` is not allowed in an expression", offset)

    def visit_Expression(self, node: ast.Expression) -> ast.AST:
        return ast.Expression(self.visit(node.body))

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, bool) or (isinstance(node.value, (int, float)) and abs(node.value) < 10**MAX_DIGITS):
            return node
        raise ExpressionError("only numbers below 10^12 are allowed in an expression", node.col_offset)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in {"true", "false"}:
            return ast.copy_location(ast.Constant(node.id == "true"), node)
        if node.id in FUNCTIONS or node.id.startswith("_"):
            raise ExpressionError(f"`{node.id}` is not a value", node.col_offset, len(node.id))
        self.names.add(node.id)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        if not isinstance(node.op, _BINARY):
            raise ExpressionError("only + - * / // % are allowed in an expression", node.col_offset)
        return ast.copy_location(ast.BinOp(self.visit(node.left), node.op, self.visit(node.right)), node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.USub):
            return ast.copy_location(ast.UnaryOp(node.op, operand), node)
        if isinstance(node.op, ast.Not):
            return ast.copy_location(_call("_not", operand), node)
        raise ExpressionError("only - and not are allowed before a value", node.col_offset)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        joiner = ast.BitAnd() if isinstance(node.op, ast.And) else ast.BitOr()
        values = [self.visit(value) for value in node.values]
        for original in node.values:
            if not _is_condition(original):
                raise ExpressionError("and / or join conditions such as `stride == 1`", original.col_offset)
        joined: ast.expr = values[0]
        for value in values[1:]:
            joined = ast.BinOp(joined, joiner, value)
        return ast.copy_location(joined, node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        if not all(isinstance(op, _COMPARE) for op in node.ops):
            raise ExpressionError("only == != < <= > >= compare values", node.col_offset)
        terms = [self.visit(term) for term in (node.left, *node.comparators)]
        joined: ast.expr | None = None
        for left, op, right in zip(terms, node.ops, terms[1:], strict=False):
            pair = ast.Compare(left, [op], [right])
            joined = pair if joined is None else ast.BinOp(joined, ast.BitAnd(), pair)
        assert joined is not None
        return ast.copy_location(joined, node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        parts = [self.visit(part) for part in (node.test, node.body, node.orelse)]
        return ast.copy_location(_call("_where", *parts), node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if not isinstance(node.func, ast.Name) or node.keywords:
            raise ExpressionError("only plain calls of functions are allowed", node.col_offset)
        name = node.func.id
        if name == "width":
            self.names.add("width")
        elif name not in FUNCTIONS:
            hint = did_you_mean(name, [*FUNCTIONS, "width"])
            known = f"known: {', '.join(FUNCTIONS)}, width"
            raise ExpressionError(f"unknown function `{name}`, {hint or known}", node.col_offset, len(name))
        return ast.copy_location(_call(name, *(self.visit(argument) for argument in node.args)), node)


def _call(name: str, *arguments: ast.AST) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])  # type: ignore[arg-type]


def _is_condition(node: ast.expr) -> bool:
    """Whether a node can be a truth value: a comparison, a flag, or a combination of them."""
    return isinstance(node, (ast.Compare, ast.BoolOp, ast.Name, ast.UnaryOp, ast.Call)) or (
        isinstance(node, ast.Constant) and isinstance(node.value, bool)
    )
