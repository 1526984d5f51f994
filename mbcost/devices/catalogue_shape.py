"""The shape of files of cores, chips and short devices: keys, types, units and sources. It needs no other file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mbcost.devices.catalogue_schema import MODELS, CatalogueKind
from mbcost.devices.entries_of_catalogue import MORE, written_out
from mbcost.devices.problems import Path as Place
from mbcost.devices.problems import problem
from mbcost.devices.quantities import DIMENSIONS
from mbcost.errors import InputError, Problem
from mbcost.files import MAX_PROBLEMS, Document, load_yaml

WHOLE: Final = "the file"
#: Sections whose keys are names of numbers (precisions, banks) -> the unit of a bare number.
_NUMBERS_BY_NAME: Final = {"throughput": "MAC/cycle", "sram": ""}


def shaped(path: Path, kind: CatalogueKind) -> dict[str, Any]:
    """The data of a file whose shape is right; what contradicts other files is for whoever knows them.

    Raises
    ------
    InputError
        With every problem of the file's shape.
    """
    document = load_yaml(path)
    found = shape_problems(document, kind)
    if found:
        raise InputError(found)
    data: dict[str, Any] = document.data
    return data


def shape_problems(document: Document, kind: CatalogueKind) -> list[Problem]:
    """Problems of keys, types, units and sources."""
    model, data = MODELS[kind], document.data
    default = default_reference(data)
    try:
        model.model_validate(_in_full(data, default), context=reference_keys(data))
    except ValidationError as error:
        details = error.errors(include_url=False)[:MAX_PROBLEMS]
        return [problem(_placed(each, data), document, lambda path, _: _keys(model, path), WHOLE) for each in details]
    return []


def _in_full(value: Any, default: str | None, key: str = "") -> Any:
    """The data with a source at every number."""
    if isinstance(value, dict) and "value" not in value and key != "references":
        if key in _NUMBERS_BY_NAME:
            return {name: written_out(each, default, _NUMBERS_BY_NAME[key]) for name, each in value.items()}
        return {name: _in_full(each, default, str(name)) for name, each in value.items()}
    if key in DIMENSIONS or key in MORE:
        return written_out(value, default)
    return value


def _placed(error: ErrorDetails, data: Any) -> ErrorDetails:
    """An error at a number that stands alone is at the number, not at a key of it."""
    place = [part for part in error["loc"] if part != "[key]"]
    kept: list[str | int] = []
    for part in place:
        if kept and not isinstance(at_path(data, kept), (dict, list)):
            break
        kept.append(part)
    return {**error, "loc": tuple(kept)} if len(kept) < len(place) else error


def _keys(model: type[BaseModel], path: Place) -> tuple[str, ...]:
    """The keys that the section at a path may have."""
    section: type[BaseModel] | None = model
    for part in path:
        if section is None:
            return ()
        field = section.model_fields.get(str(part))
        if field is not None:  # else the name of a cluster, whose section is already the one inside
            section = next(iter(_inside(field.annotation)), None)
    return tuple(section.model_fields) if section is not None else ()


def _inside(annotation: Any) -> list[Any]:
    """The sections that a field holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [each for part in get_args(annotation) for each in _inside(part)]


def default_reference(data: Any) -> str | None:
    found = mapping(mapping(data).get("provenance")).get("reference")
    return found if isinstance(found, str) else None


def reference_keys(data: Any) -> frozenset[str] | None:
    found = mapping(mapping(data).get("provenance")).get("references")
    return frozenset(found) if isinstance(found, dict) else None


def at_path(data: Any, path: list[str | int]) -> Any:
    for part in path:
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
