"""Converts the text of cells to fields of operators: one kind per field type."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, get_args

from mbcost.architectures.cell_numbers import MAX_DIM, FieldError, number, real, shown_value, whole, whole_items
from mbcost.architectures.expressions import Expression, ExpressionError, compile_expression, compile_list
from mbcost.errors import did_you_mean, or_list
from mbcost.numeric import one_value
from mbcost.operators import Explicit, Operator
from mbcost.operators.base import Axis
from mbcost.operators.resize import RESIZE_METHODS

__all__ = [
    "FIELD_KINDS",
    "MAX_DIM",
    "MAX_WINDOW",
    "NUMBER",
    "FieldError",
    "FieldKind",
    "OperatorField",
    "ProductError",
    "is_expression",
    "number",
    "operator_fields",
    "shown_value",
    "whole",
    "whole_items",
]

MAX_WINDOW: Final = 4096

_PAIR: Final = re.compile(r"\s*(\d{1,9})\s*[x×]\s*(\d{1,9})\s*")
_PRODUCT: Final = re.compile(r"\s*(\d{1,9})\s*\*\s*(\d{1,9})\s*")
#: Characters of a text whose errors are reported as those of an expression.
_ARITHMETIC: Final = re.compile(r"[^\w\s×]|\w\s+\w")


class ProductError(FieldError):
    """``3*3`` instead of a pair, which would be read as 9."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"`{first}*{second}` is a product", hint=f"a pair is written `{first}x{second}`")


@dataclass(frozen=True, slots=True)
class FieldKind:
    """A type of field.

    Attributes
    ----------
    name
        For messages and the schema.
    parse
        Converts a cell with a value to the field's value.
    convert
        Converts the value of an expression to the field's value; None where expressions are not allowed.
    schema
        JSON Schema of a literal value.
    words
        The allowed words, where these are few.
    """

    name: str
    parse: Callable[[Any], Any]
    convert: Callable[[Any], Any] | None
    schema: dict[str, Any]
    words: tuple[str, ...] = ()

    def read(self, value: Any) -> Any:
        """The field's value, or an :class:`Expression` that will give it.

        Raises
        ------
        FieldError
            If it is neither.
        ExpressionError
            If it is arithmetic with a mistake in it.
        """
        if isinstance(value, list) and len(value) == _LENGTHS.get(self.convert) and str in map(type, value):
            return compile_list(*map(str, value))
        if not isinstance(value, str) or self.convert in (None, _shape) or _PAIR.fullmatch(value):
            return self.parse(value)
        literal = self._literal(value)
        if literal is not None:
            return literal
        try:
            return compile_expression(value)
        except ExpressionError:
            if _ARITHMETIC.search(value):
                raise
            raise self.mismatch(value) from None

    def mismatch(self, value: str) -> FieldError:
        """The error that `value` is not what the field takes."""
        return FieldError(f"{shown_value(value)} is not {self.name}", hint=did_you_mean(value, self.words))

    def _literal(self, text: str) -> Any:
        try:
            return self.parse(text)
        except ProductError:
            raise
        except FieldError:
            return None


def _dim(value: Any) -> Any:
    return whole(value, 0)


def _integer(value: Any) -> Any:
    return whole(value, 0, 2**31)


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, str) and (match := _PAIR.fullmatch(value)):
        value = [int(match[1]), int(match[2])]
    if isinstance(value, list):
        if len(value) != 2:
            raise FieldError(f"{shown_value(value)} is not a pair such as `3x3`")
        first, second = whole_items(value, 1, MAX_WINDOW)
        return (first, second)
    if isinstance(value, str) and (match := _PRODUCT.fullmatch(value)):
        raise ProductError(match[1], match[2])
    if isinstance(value, str) or value is None or isinstance(value, (dict, bool)):
        raise FieldError(f"{shown_value(value)} is not a number or a pair such as `3x3`")
    size = one_value(whole(value, 1, MAX_WINDOW))
    return (size, size)


def _triple(value: Any) -> tuple[int, int, int]:
    items = value if isinstance(value, list) else [value, value, value]
    if len(items) != 3:
        raise FieldError(f"{shown_value(value)} is not a number or three of them")
    first, second, third = whole_items(items, 0, MAX_WINDOW)
    return (first, second, third)


def _offset_pair(value: Any) -> tuple[int, int]:
    if not isinstance(value, list):
        side = whole(value, 0, MAX_WINDOW)
        return (side, side)
    if len(value) != 2:
        raise FieldError(f"{shown_value(value)} is not a pair")
    first, second = whole_items(value, 0, MAX_WINDOW)
    return (first, second)


def _size(value: Any) -> tuple[Any, Any]:
    if isinstance(value, str) and (match := _PAIR.fullmatch(value)):
        value = [int(match[1]), int(match[2])]
    if isinstance(value, list):
        if len(value) != 2:
            raise FieldError(f"{shown_value(value)} is not a size such as `65x65`")
        first, second = whole_items(value, 1)
        return (first, second)
    side = whole(value, 1)
    return (side, side)


def _explicit(value: Any) -> Explicit:
    if isinstance(value, list):
        sides = whole_items(value, 0, MAX_WINDOW)
        if len(sides) == 2:
            return Explicit(sides[0], sides[0], sides[1], sides[1])
        if len(sides) == 4:
            return Explicit(*sides)
        raise FieldError(f"{shown_value(value)} is not [vertical, horizontal] or [top, bottom, left, right]")
    if isinstance(value, str):
        raise FieldError(f"{shown_value(value)} is not a number of zeros")
    side = whole(value, 0, MAX_WINDOW)
    return Explicit(side, side, side, side)


def _padding(value: Any) -> Any:
    if isinstance(value, str):
        if value.lower() in {"same", "valid"}:
            return value.lower()
        hint = did_you_mean(value.lower(), ["same", "valid"])
        raise FieldError(
            f"{shown_value(value)} is not a padding: same, valid, a number or four of them; {hint or ''}".rstrip("; ")
        )
    return _explicit(value)


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise FieldError(f"{shown_value(value)} is not `true` or `false`")


def _flag_value(value: Any) -> bool:
    if isinstance(value, (bool, int)) and value in (0, 1):
        return bool(value)
    raise FieldError(f"{shown_value(value)} is not a condition")


def _dims(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list) or not value:
        raise FieldError(f"{shown_value(value)} is not a list of numbers")
    return tuple(whole_items(value, 1))


def _shape(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= 3:
        raise FieldError(f"{shown_value(value)} is not a shape such as [7, 7, -1]")
    left = [type(item) is int and item == -1 for item in value]
    dims = whole_items([1 if is_left else item for is_left, item in zip(left, value, strict=True)], 1)
    dims = [-1 if is_left else dim for is_left, dim in zip(left, dims, strict=True)]
    return (1,) * (3 - len(dims)) + tuple(dims)


#: Kinds whose lists may hold expressions, and how many.
_LENGTHS: Final[dict[Callable[[Any], Any] | None, int]] = {_size: 2, _offset_pair: 2, _shape: 3}


def _choice(*words: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if isinstance(value, str) and value in words:
            return value
        raise FieldError(f"{shown_value(value)} is not {or_list(words)}")

    return parse


_INTEGER: Final = {"type": "integer", "minimum": 0}
_TEXT: Final = {"type": "string"}
_PAIR_SCHEMA: Final = {"anyOf": [_INTEGER, _TEXT, {"type": "array", "items": _INTEGER, "minItems": 2, "maxItems": 2}]}
_SIDE: Final = {"anyOf": [_INTEGER, _TEXT]}
_SIZE_SCHEMA: Final = {"anyOf": [_INTEGER, _TEXT, {"type": "array", "items": _SIDE, "minItems": 2, "maxItems": 2}]}
_LIST: Final = {"type": "array", "items": {"type": "integer"}}
_SHAPE: Final = {"type": "array", "items": {"anyOf": [{"type": "integer"}, _TEXT]}, "minItems": 1, "maxItems": 3}

#: annotation of an operator's field -> how it is read
FIELD_KINDS: Final[dict[str, FieldKind]] = {
    "Dim": FieldKind("a number or an expression", _dim, _dim, {"anyOf": [_INTEGER, _TEXT]}),
    "int": FieldKind("a number or an expression", _integer, _integer, {"anyOf": [_INTEGER, _TEXT]}),
    "float": FieldKind("any number or an expression", real, real, {"anyOf": [{"type": "number"}, _TEXT]}),
    "Pair": FieldKind("a number or a pair such as `3x3`", _pair, _pair, _PAIR_SCHEMA),
    "Triple": FieldKind("a number or three of them", _triple, None, {"anyOf": [_INTEGER, _LIST]}),
    "Padding": FieldKind(
        "same, valid, or numbers of zeros",
        _padding,
        _explicit,
        {"anyOf": [_TEXT, _INTEGER, _LIST]},
        ("same", "valid"),
    ),
    "Explicit": FieldKind("numbers of zeros", _explicit, _explicit, {"anyOf": [_INTEGER, _TEXT, _LIST]}),
    "bool": FieldKind("true or false", _flag, _flag_value, {"anyOf": [{"type": "boolean"}, _TEXT]}, ("true", "false")),
    "tuple[int, int]": FieldKind("a number or a pair, 0 allowed", _offset_pair, _offset_pair, _SIZE_SCHEMA),
    "tuple[Dim, Dim]": FieldKind("a size such as `65x65`", _size, _size, _SIZE_SCHEMA),
    "tuple[Dim, Dim, Dim]": FieldKind("a shape such as [7, 7, -1]", _shape, _shape, _SHAPE),
    "tuple[Dim, ...]": FieldKind("a list of numbers", _dims, None, _LIST),
    "ResizeMethod": FieldKind(or_list(RESIZE_METHODS), _choice(*RESIZE_METHODS), None, {"enum": [*RESIZE_METHODS]}),
    "Axis": FieldKind(
        or_list(get_args(Axis)),
        _choice(*get_args(Axis)),
        None,
        {"enum": [*get_args(Axis)]},
    ),
}


@dataclass(frozen=True, slots=True)
class OperatorField:
    """One key of an operator's row."""

    name: str
    kind: FieldKind
    required: bool
    default: Any


@cache
def operator_fields(operator: type[Operator]) -> dict[str, OperatorField]:
    """The keys of an operator's row, in order.

    Raises
    ------
    KeyError
        If a field's type has no :class:`FieldKind`; a test loops over all operators.
    """
    result = {}
    for field in dataclasses.fields(operator):
        required = field.default is dataclasses.MISSING
        kind = FIELD_KINDS[str(field.type).replace('"', "'")]
        result[field.name] = OperatorField(field.name, kind, required, None if required else field.default)
    return result


#: How the parameters of blocks are read, besides those that hold an activation.
NUMBER: Final = FieldKind("a number, true, false or an expression", number, number, {}, ("true", "false"))


def is_expression(value: Any) -> bool:
    """Whether a field's value still has to be computed."""
    return isinstance(value, Expression)
