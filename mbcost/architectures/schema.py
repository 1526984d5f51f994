"""JSON Schema of architecture files, from the tables of the reader."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from mbcost.architectures.backbone import BACKBONE_KEYS, MAX_STRIDE
from mbcost.architectures.fields import FIELD_KINDS, FieldKind, operator_fields
from mbcost.architectures.header import MAX_NOTES
from mbcost.architectures.limits import MAX_BATCH
from mbcost.architectures.loader import FILE_KEYS, REQUIRED_KEYS
from mbcost.architectures.names import ACTIVATION_ALIASES, KEY_ALIASES, OP_ALIASES, ROW_KEYS
from mbcost.architectures.printed_counts import COUNT_KEYS
from mbcost.operators import ACTIVATIONS, OPERATORS, Operator
from mbcost.words import PRECISIONS

_TEXT: Final = {"type": "string"}
_CELL: Final = {"type": ["string", "number", "boolean", "null", "array"]}
_COUNT: Final = {"type": ["string", "integer", "null"]}
_OPTION: Final = {"type": ["number", "boolean"]}
_NAMES: Final = {"type": "array", "items": _TEXT, "minItems": 1}
_ROWS: Final = {"type": "array", "items": {"$ref": "#/$defs/row"}, "minItems": 1}
_SIZE: Final = {
    "anyOf": [
        _TEXT,
        {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 3, "maxItems": 3},
    ]
}


def architecture_json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of an architecture file.

    It has keys and types, for completion and first checks in an editor. Shapes, names and parameters of blocks, which
    depend on other rows, are checked by ``mbcost architectures check`` only.
    """
    types = _file_types()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mbcost architecture",
        "type": "object",
        "required": list(REQUIRED_KEYS),
        "additionalProperties": False,
        "properties": {key: {"description": text, **types[key]} for key, text in FILE_KEYS.items()},
        "$defs": {
            "row": _row(),
            "block": _block(),
            **{_definition(kind): kind.schema for kind in FIELD_KINDS.values()},
        },
    }


def _file_types() -> dict[str, dict[str, Any]]:
    return {
        "name": _TEXT,
        "title": _TEXT,
        "source": _TEXT,
        "note": _TEXT,
        "notes": {"type": "array", "items": _TEXT, "maxItems": MAX_NOTES},
        "batch": {"type": "integer", "minimum": 1, "maximum": MAX_BATCH},
        "precision": {"enum": list(PRECISIONS)},
        "input": _SIZE,
        "inputs": {"type": "object", "additionalProperties": _SIZE},
        "published": {
            "type": "object",
            "additionalProperties": False,
            "properties": dict.fromkeys(COUNT_KEYS, _COUNT),
        },
        "options": {"type": "object", "additionalProperties": _OPTION},
        "width": _width(),
        "backbone": _backbone(),
        "defaults": {
            "type": "object",
            "additionalProperties": False,
            "properties": {operator.op: _keys_of(operator) for operator in OPERATORS},
        },
        "blocks": {"type": "object", "additionalProperties": {"$ref": "#/$defs/block"}},
        "columns": {"type": "array", "items": _TEXT, "minItems": 1},
        "layers": _ROWS,
        "outputs": _NAMES,
    }


def _width() -> dict[str, Any]:
    number = {"type": "integer", "minimum": 1, "maximum": 1024}
    return {
        "type": "object",
        "required": ["rule"],
        "additionalProperties": False,
        "properties": {
            "rule": {"enum": ["truncate", "make_divisible"]},
            "divisor": number,
            "minimum": number,
            "source": _TEXT,
        },
    }


def _backbone() -> dict[str, Any]:
    types: dict[str, dict[str, Any]] = {
        "architecture": _TEXT,
        "until": _TEXT,
        "taps": {"type": "object", "additionalProperties": _TEXT},
        "options": {"type": "object", "additionalProperties": {"type": ["number", "boolean", "string"]}},
        "output_stride": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_STRIDE}, _TEXT]},
    }
    return {
        "type": "object",
        "required": ["architecture"],
        "additionalProperties": False,
        "properties": {key: {"description": text, **types[key]} for key, text in BACKBONE_KEYS.items()},
    }


def _block() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["layers"],
        "additionalProperties": False,
        "properties": {
            "parameters": {
                "type": "object",
                "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
            },
            "layers": _ROWS,
            "output": _TEXT,
            "note": _TEXT,
        },
    }


def _row() -> dict[str, Any]:
    """A row: a list of cells, or a mapping; with a known operator, only the keys that it takes."""
    mapping = {
        "type": "object",
        "properties": _with_aliases(_row_types()),
        "anyOf": [{"required": [key]} for key in (*_spellings("op"), *_spellings("layers"))],
        "allOf": [_if_operator(operator) for operator in OPERATORS],
    }
    return {"anyOf": [{"type": "array", "items": _CELL, "minItems": 1}, mapping]}


def _row_types() -> dict[str, dict[str, Any]]:
    condition = {"type": ["string", "boolean"]}
    types: dict[str, dict[str, Any]] = {
        "op": {"type": "string", "examples": [operator.op for operator in OPERATORS]},
        "name": _TEXT,
        "inputs": {"anyOf": [_TEXT, _NAMES]},
        "input": {"anyOf": [*_SIZE["anyOf"], {"type": "null"}]},
        "filter": {"type": ["string", "null"]},
        "repeat": {"type": ["integer", "string", "null"]},
        "when": condition,
        "scale": {"type": ["string", "number"]},
        "norm": {"enum": ["batch_norm", "bn", "none", True, False, None]},
        "activation": {
            "type": ["string", "null"],
            "examples": sorted({*ACTIVATIONS, *ACTIVATION_ALIASES, "none"}),
        },
        "slope": {"type": ["number", "string", "null"]},
        "in_channels": {"type": ["integer", "null"], "minimum": 1},
        "owns_weights": {"type": ["boolean", "null"]},
        "trained_weights": {"type": ["boolean", "null"]},
        "macs": _COUNT,
        "params": _COUNT,
        "layers": _ROWS,
    }
    return {key: {"description": text, **types[key]} for key, text in ROW_KEYS.items()}


def _if_operator(operator: type[Operator]) -> dict[str, Any]:
    """For rows of `operator`, by whichever of its names: its fields, and no key that it lacks."""
    words = [operator.op, *(alias for alias, op in OP_ALIASES.items() if op == operator.op)]
    name = "|".join(re.escape(word) for word in words)
    pattern = rf"^\s*({name})(\s+\d+(x\d+)?)?\s*(/\s*s\d+\s*)?$"
    is_operator = [{"required": [key], "properties": {key: {"pattern": pattern}}} for key in _spellings("op")]
    return {"if": {"anyOf": is_operator}, "then": _keys_of(operator)}


def _keys_of(operator: type[Operator]) -> dict[str, Any]:
    """An object with the fields of `operator`, and with what every row may have."""
    keys: dict[str, Any] = dict.fromkeys(ROW_KEYS, True)
    for field in operator_fields(operator).values():
        keys[field.name] = {"anyOf": [{"$ref": f"#/$defs/{_definition(field.kind)}"}, {"type": "null"}]}
    return {"type": "object", "properties": _with_aliases(keys), "additionalProperties": False}


def _definition(kind: FieldKind) -> str:
    """The name of a kind of field under ``$defs``: its description as a word."""
    return re.sub(r"\W+", "_", kind.name).strip("_")


def _with_aliases(keys: dict[str, Any]) -> dict[str, Any]:
    return {spelling: schema for key, schema in keys.items() for spelling in _spellings(key)}


def _spellings(key: str) -> Iterable[str]:
    """A key and the papers' short names of it, which they print in capitals too."""
    aliases = [alias for alias, canonical in KEY_ALIASES.items() if canonical == key]
    return (key, *aliases, *(alias.upper() for alias in aliases))
