"""Converts pydantic's errors to problems with a code, a place in the file and a hint."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from mbcost.devices.schema import PROCESSORS, DeviceFile, OverheadSection
from mbcost.errors import Problem, did_you_mean, or_list
from mbcost.files import Document

Path = tuple[str | int, ...]

_EXPECTED: Final = {
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dict_type": "a mapping",
    "list_type": "a list",
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "greater_than_equal": "at least 1",
    "too_short": "at least one entry long",
    "string_too_short": "at least one letter long",
    "string_too_long": "shorter",
    "string_pattern_mismatch": "lower-case letters and digits, joined by `-`, `_` or `.`",
}


def problem(
    error: ErrorDetails,
    document: Document,
    keys: Callable[[Path, Any], tuple[str, ...]] | None = None,
    whole: str = "the profile",
) -> Problem:
    """One error of pydantic as a problem for the author of `document`.

    Parameters
    ----------
    keys
        The keys that the section at a path may have; by default those of a profile.
    whole
        What the file is.
    """
    kind, path = error["type"], file_path(error["loc"])
    if kind.startswith("MB"):
        context = error.get("ctx", {})
        return Problem(kind, f"{context['message']} (in {dotted(path)})", document.value(*path), context.get("hint"))
    if kind == "extra_forbidden":
        hint = did_you_mean(str(path[-1]), (keys or keys_at)(path[:-1], document.data))
        return Problem("MB101", f"unknown key `{path[-1]}` in {dotted(path[:-1], whole)}", document.key(*path), hint)
    if kind in {"missing", "union_tag_not_found"}:
        return _missing(path if kind == "missing" else (*path, "kind"), document, whole)
    if path and path[-1] == "[key]":
        path = path[:-1]
        expected = _EXPECTED.get(error["type"], error["msg"])
        return Problem("MB103", f"the name `{path[-1]}` has to be {expected}", document.key(*path))
    if kind == "union_tag_invalid":
        path = (*path, "kind")
    return _wrong(error, path, document, whole)


def file_path(loc: Path) -> Path:
    """The path in the file of an error's `loc`, in which pydantic puts the kind after a processor's name."""
    if len(loc) > 2 and loc[0] == "processors" and loc[2] != "[key]":
        return (*loc[:2], *loc[3:])
    return loc


def dotted(path: Path, whole: str = "the profile") -> str:
    """Such as `processors.cpu.clock`, in backquotes."""
    return f"`{'.'.join(str(part) for part in path)}`" if path else whole


def keys_at(path: Path, data: Any) -> tuple[str, ...]:
    """The keys that the section at `path` of a profile may have."""
    model: type[BaseModel] = DeviceFile
    if len(path) > 1 and path[0] == "processors":
        model, path = PROCESSORS[data["processors"][path[1]]["kind"]], path[2:]
    elif len(path) > 1 and path[0] == "overheads":
        model, path = OverheadSection, path[2:]
    for part in path:
        model = _section_class(model.model_fields[str(part)].annotation)
    return tuple(model.model_fields)


def _section_class(annotation: Any) -> type[BaseModel]:
    """The section that a field holds: of ``X | None``, X."""
    classes = get_args(annotation) or (annotation,)
    return next(cls for cls in classes if isinstance(cls, type) and issubclass(cls, BaseModel))


def _missing(path: Path, document: Document, whole: str) -> Problem:
    where = document.key(*path[:-1])
    if path[-1] == "source" and whole == "the runtime" and path[0] != "parameters":
        hint = "source: what documents it, or `assumed: ...` with the reason"
        return Problem("MB302", f"{dotted(path[:-1], whole)} does not say its `source`", where, hint)
    if path[-1] == "source":
        hint = "source: datasheet, measured, derived, fitted or assumed"
        return Problem("MB302", f"{dotted(path[:-1])} does not say its `source`", where, hint)
    return Problem("MB102", f"{dotted(path[:-1], whole)} has no `{path[-1]}`", where)


def _wrong(error: ErrorDetails, path: Path, document: Document, whole: str) -> Problem:
    value, expected, hint = error["input"], _EXPECTED.get(error["type"], ""), None
    if error["type"] in {"literal_error", "union_tag_invalid"}:
        context = error["ctx"]
        choices = re.findall("'([^']*)'", context.get("expected_tags", context.get("expected", "")))
        value = value["kind"] if path[-1] == "kind" and isinstance(value, Mapping) else value
        expected, hint = or_list(choices), did_you_mean(str(value), choices)
    elif error["type"] == "model_type" and len(path) > 2 and not isinstance(value, (Mapping, list)):
        hint = "write {value: ..., unit: ..., source: ..., reference: ...}"
    wanted = f"has to be {expected}, not {_shown(value)}" if expected else f"is not allowed: {error['msg']}"
    return Problem("MB103", f"{dotted(path, whole)} {wanted}", document.value(*path), hint)


def _shown(value: Any) -> str:
    """The value in the file, shortened."""
    if value is None:
        return "empty"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, (list, tuple)) else f"`{str(value)[:60]}`"
