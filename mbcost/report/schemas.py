"""JSON Schema of every JSON that the commands write, from ``outputs.yaml``, which says what each key is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from mbcost.files import load_yaml

_FILE: Final = Path(__file__).with_name("outputs.yaml")
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_WORDS: Final[Mapping[str, dict[str, Any]]] = {
    "text": {"type": "string"},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "flag": {"type": "boolean"},
    "any": {},
}


def output_kinds() -> dict[str, str]:
    """The outputs: name -> the command that writes it."""
    return {name: entry["made"] for name, entry in _data()["kinds"].items()}


def output_schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of an output.

    Every key that it lists is there, but for those that it does not require; a later version of mbcost may write more.

    Parameters
    ----------
    kind
        A name of :func:`output_kinds`.
    """
    entry = _data()["kinds"][kind]
    needed: dict[str, dict[str, Any]] = {}
    choices = [_type(text.strip(), needed) for text in entry["of"].split(" or ")]
    for choice in choices:
        if choice.get("type") == "array" and len(choices) > 1:
            choice["minItems"] = 2  # one is an object of its own
    whole = choices[0] if len(choices) == 1 else {"oneOf": choices}
    return {"$schema": _DIALECT, "title": kind, "description": entry["made"], **whole, "$defs": needed}


class Column(NamedTuple):
    """What a key is: its unit, empty for a text or a plain number, and its description."""

    unit: str
    meaning: str


def columns_of(*names: str) -> dict[str, Column]:
    """What the keys of objects are; of a key in several of them, as the first says."""
    found: dict[str, Column] = {}
    for name in names:
        for key, text in _keys(name):
            meaning, bracket, unit = text.partition(" | ")[2].partition(" [")
            unit = unit.removesuffix("]") if bracket else ""
            found.setdefault(key.removesuffix("?"), Column("" if unit == "1" else unit, meaning))
    return found


def _type(text: str, needed: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The schema of a type; the objects that it names are added to `needed`."""
    if text.endswith("?"):
        return {"anyOf": [_type(text[:-1], needed), {"type": "null"}]}
    kind, of, inner = text.partition(" of ")
    if of:
        content = _type(inner, needed)
        return {"type": "array", "items": content} if kind == "list" else _map(content)
    if text in _WORDS:
        return dict(_WORDS[text])
    if text not in needed:
        needed[text] = {}  # so that an object may hold one of its own kind
        needed[text] = _object(text, needed)
    return {"$ref": f"#/$defs/{text}"}


def _map(content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": content}


def _object(name: str, needed: dict[str, dict[str, Any]]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required: list[str] = []
    for key, text in _keys(name):
        plain = key.removesuffix("?")
        if key == "schema":
            properties[key] = {"const": text, "description": "name and version of this schema"}
        else:
            kind, _, description = text.partition(" | ")
            properties[plain] = {**_type(kind.strip(), needed), "description": description}
        if plain == key:
            required.append(key)
    return {"type": "object", "properties": properties, "required": required}


def _keys(name: str) -> list[tuple[str, str]]:
    """The keys of an object and what is said of them, with those that it includes in their place."""
    found: list[tuple[str, str]] = []
    for key, text in _data()["objects"][name].items():
        if key == "include":
            for other in text.split(", "):
                found += _keys(other)
        else:
            found.append((key, text))
    return found


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = load_yaml(_FILE).data
    return data
