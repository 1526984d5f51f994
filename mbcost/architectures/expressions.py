"""The arithmetic of table cells: ``t * in_channels``, ``stride == 1 and in_channels == out``.

A closed subset of Python's expressions: numbers, names, ``+ - * / // %``, comparisons, ``and or not``,
``a if c else b`` and calls of :data:`FUNCTIONS`. There are no attributes, subscripts or strings, so nothing else is
accessible. The compiled form works on ints and on arrays of configurations.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any, Final, NoReturn

from mbcost.architectures.expression_functions import ARITY, FUNCTIONS, HELPERS, EvaluationError
from mbcost.errors import did_you_mean

__all__ = [
    "FUNCTIONS",
    "EvaluationError",
    "Expression",
    "ExpressionError",
    "check_names",
    "compile_expression",
    "compile_list",
    "is_name",
]

MAX_LENGTH: Final = 200
MAX_DIGITS: Final = 12
MAX_DEPTH: Final = 40


class ExpressionError(ValueError):
    """The text is not an expression of the language. ``offset`` is the zero-based column of the mistake."""

    def __init__(self, message: str, offset: int = 0, length: int = 1, hint: str | None = None) -> None:
        super().__init__(message)
        self.offset = offset
        self.length = length
        self.hint = hint


#: Globals of every evaluation; without builtins.
_GLOBALS: Final[dict[str, Any]] = {"__builtins__": {}, **FUNCTIONS, **HELPERS}

_BINARY: Final = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod)
_COMPARE: Final = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
#: The words that an expression is made of, so that Python's parser meets nothing else.
_TOKENS: Final = re.compile(
    r"(?:\s+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])|[^\W\d]\w*|\*\*|//|[-+*/%(),]|[<>=!]=|[<>])*"
)
_ALLOWED: Final = (
    "allowed: numbers, names, + - * / // %, comparisons, and, or, not, `a if c else b`, calls of functions"
)


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
        EvaluationError
            If there is none: a division by zero, a number out of range, a number where a condition is wanted.
        """
        try:
            return eval(self.code, _GLOBALS, scope)  # noqa: S307  (whitelisted syntax tree, no builtins)
        except EvaluationError:
            raise
        except ZeroDivisionError:
            raise EvaluationError("it divides by zero") from None
        except (OverflowError, ValueError):  # int() or round() of infinity or of what is not a number
            raise EvaluationError("a number in it is too large") from None
        except NameError:  # every other name has been checked
            raise EvaluationError("`width` needs a width rule, which the table does not have") from None
        except TypeError:
            raise EvaluationError("it mixes numbers and conditions, or uses a function as a value") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __reduce__(self) -> tuple[Callable[..., Expression], tuple[str, ...]]:
        """Code cannot be pickled; the text can."""
        return compile_expression, (self.text,)


@dataclass(frozen=True, slots=True, eq=False)
class ListExpression(Expression):
    """Several expressions, whose value is the list of theirs: ``[in_height, in_width]``."""

    items: tuple[Expression, ...]

    def __call__(self, scope: Mapping[str, Any]) -> Any:
        return [item(scope) for item in self.items]

    def __reduce__(self) -> tuple[Callable[..., Expression], tuple[str, ...]]:
        return compile_list, tuple(item.text for item in self.items)


def compile_list(*texts: str) -> ListExpression:
    """Several expressions as one, whose value is the list of theirs.

    Raises
    ------
    ExpressionError
        If one of them is not in the language.
    """
    items = tuple(compile_expression(text) for text in texts)
    names = frozenset().union(*(item.names for item in items))
    return ListExpression(f"[{', '.join(texts)}]", items[0].code, names, items)


@lru_cache(maxsize=4096)
def compile_expression(text: str) -> Expression:
    """Parse and compile; which names exist is checked by :func:`check_names`.

    Raises
    ------
    ExpressionError
        If the text is not in the language.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"an expression has at most {MAX_LENGTH} characters, this one has {len(text)}")
    indent = len(text) - len(text.lstrip())
    source = text.strip()
    known = _TOKENS.match(source)
    if known is None or known.end() < len(source):
        offset = known.end() if known else 0
        word = re.match(r"[\w.]+|.", source[offset:], re.DOTALL)
        assert word is not None
        raise ExpressionError(f"`{word[0]}` is not allowed here", indent + offset, len(word[0]), _ALLOWED)
    try:
        tree = ast.parse(source, mode="eval")
    except (SyntaxError, MemoryError, RecursionError) as error:
        offset = min(max((getattr(error, "offset", None) or 1) - 1, 0), max(0, len(source) - 1))
        length = 1 if offset else len(source)
        raise ExpressionError(f"`{text}` is not a complete expression", indent + offset, length) from None
    rewriter = _Rewriter(source, indent)
    body = rewriter.visit(tree)
    code = compile(ast.fix_missing_locations(body), "<table>", "eval")
    return Expression(text, code, frozenset(rewriter.names))


def check_names(expression: Expression, known: Iterable[str]) -> None:
    """Raise an :class:`ExpressionError` for the first name that is not `known`."""
    names = set(known)
    unknown = expression.names - names
    if not unknown:
        return
    found = next(match for match in re.finditer(r"[^\W\d]\w*", expression.text) if match[0] in unknown)
    hint = did_you_mean(found[0], names) or f"known: {', '.join(sorted(names))}"
    raise ExpressionError(f"unknown name `{found[0]}`", found.start(), len(found[0]), hint)


def is_name(text: str) -> bool:
    """Whether a text can name a parameter or an option in expressions."""
    return (
        re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,99}", text) is not None
        and not keyword.iskeyword(text)
        and text not in FUNCTIONS
        and text not in {"true", "false"}
    )


class _Rewriter(ast.NodeTransformer):
    """Checks a syntax tree against the language, and turns ``and or not if`` into forms that arrays understand."""

    def __init__(self, source: str, indent: int) -> None:
        self.source = source
        self.indent = indent
        self.names: set[str] = set()
        self.depth = 0

    def visit(self, node: ast.AST) -> Any:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError(f"nested more than {MAX_DEPTH} levels deep")
        result = super().visit(node)
        self.depth -= 1
        return result

    def generic_visit(self, node: ast.AST) -> ast.AST:
        self._refuse(
            node, f"`{ast.get_source_segment(self.source, node) or self.source}` is not allowed here", _ALLOWED
        )

    def _refuse(self, node: ast.AST, message: str, hint: str | None = None) -> NoReturn:
        """Raise an error with the place of `node`; Python counts its columns in bytes."""
        encoded = self.source.encode()
        start = len(encoded[: getattr(node, "col_offset", 0)].decode())
        end = len(encoded[: getattr(node, "end_col_offset", 0)].decode())
        raise ExpressionError(message, self.indent + start, max(1, end - start), hint)

    def visit_Expression(self, node: ast.Expression) -> ast.AST:
        return ast.Expression(self.visit(node.body))

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, bool):
            return node
        if not isinstance(node.value, (int, float)):
            self._refuse(node, f"`{node.value!r}` is not a number")
        if abs(node.value) >= 10**MAX_DIGITS:
            self._refuse(node, f"only numbers below 10^{MAX_DIGITS} are allowed in an expression")
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in {"true", "false"}:
            return ast.copy_location(ast.Constant(node.id == "true"), node)
        if node.id in FUNCTIONS or node.id == "width":
            self._refuse(node, f"`{node.id}` is a function, not a value", f"call it: `{node.id}(...)`")
        if node.id.startswith("_"):
            self._refuse(node, f"`{node.id}` is not a value", "names do not start with `_`")
        self.names.add(node.id)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        if not isinstance(node.op, _BINARY):
            hint = "multiply the value with itself" if isinstance(node.op, ast.Pow) else None
            self._refuse(node, "only + - * / // % are allowed between values", hint)
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(node.op, (ast.Div, ast.FloorDiv, ast.Mod)) and not isinstance(right, ast.Constant):
            right = _call("_divisor", right)
        return ast.copy_location(ast.BinOp(left, node.op, right), node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.USub):
            return ast.copy_location(ast.UnaryOp(node.op, operand), node)
        if isinstance(node.op, ast.Not):
            return ast.copy_location(_call("_not", operand), node)
        self._refuse(node, "only - and not are allowed before a value")

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        joiner = ast.BitAnd() if isinstance(node.op, ast.And) else ast.BitOr()
        values = [self._operand(value) for value in node.values]
        joined: ast.expr = values[0]
        for value in values[1:]:
            joined = ast.BinOp(joined, joiner, value)
        return ast.copy_location(joined, node)

    def _operand(self, node: ast.expr) -> ast.expr:
        """An operand of ``and`` or ``or``, which has to be a truth value."""
        value: ast.expr = self.visit(node)
        if isinstance(node, (ast.Compare, ast.BoolOp)) or (
            isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
        ):
            return value
        if isinstance(node, (ast.Name, ast.IfExp)):
            return _call("_condition", value)
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            return value
        self._refuse(node, "and / or join conditions such as `stride == 1`", "compare the number with another")

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        if not all(isinstance(op, _COMPARE) for op in node.ops):
            self._refuse(node, "only == != < <= > >= compare values")
        terms = [self.visit(term) for term in (node.left, *node.comparators)]
        joined: ast.expr | None = None
        for left, op, right in zip(terms, node.ops, terms[1:], strict=False):
            pair = ast.Compare(left, [op], [right])
            joined = pair if joined is None else ast.BinOp(joined, ast.BitAnd(), pair)
        assert joined is not None
        return ast.copy_location(joined, node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        test, body, orelse = (self.visit(part) for part in (node.test, node.body, node.orelse))
        return ast.copy_location(_call("_where", _call("_condition", test), body, orelse), node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if not isinstance(node.func, ast.Name) or node.keywords:
            self._refuse(node, "only plain calls of functions are allowed, such as `max(a, b)`")
        name = node.func.id
        if name not in ARITY:
            hint = did_you_mean(name, ARITY) or f"known: {', '.join(ARITY)}"
            self._refuse(node.func, f"unknown function `{name}`", hint)
        least, most = ARITY[name]
        if not least <= len(node.args) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            self._refuse(node, f"`{name}` takes {wanted} value{'s' * (most > 1)}, not {len(node.args)}")
        if name == "width":
            self.names.add("width")
        return ast.copy_location(_call(name, *(self.visit(argument) for argument in node.args)), node)


def _call(name: str, *arguments: ast.AST) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])  # type: ignore[arg-type]
