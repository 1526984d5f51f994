"""Reads the definitions under ``blocks:``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from mbcost.architectures.cell_values import SCOPE_NAMES, Names
from mbcost.architectures.expressions import is_name
from mbcost.architectures.fields import FieldError, number
from mbcost.architectures.names import KEY_ALIASES, OP_ALIASES, PARAMETER_KEYS, ROW_KEYS, read_activation
from mbcost.architectures.problem_log import Cell, ProblemLog
from mbcost.architectures.rows import RowReader, RowScope
from mbcost.architectures.spec import Block, OptionValue
from mbcost.errors import did_you_mean
from mbcost.operators import ACTIVATIONS, OPERATOR_BY_NAME

_KEYS: Final = ("parameters", "layers", "output", "note")

Parameters = dict[str, OptionValue | None]


def parameter_names(definitions: Mapping[str, Any]) -> set[str]:
    """The parameters of all blocks, valid or not, which headings of columns may name."""
    values = [value.get("parameters") for value in definitions.values() if isinstance(value, dict)]
    return {name for value in values if isinstance(value, dict) for name in value}


def read_blocks(reader: RowReader, definitions: Mapping[str, Any], options: Collection[str]) -> None:
    """Make every definition available to rows and later blocks; of an invalid one only its name is kept."""
    for name, value in definitions.items():
        reports = reader.log.reports
        block = _read_block(reader, name, value, options)
        reader.blocks[name] = block if reader.log.reports == reports else None


def _read_block(reader: RowReader, name: str, value: Any, options: Collection[str]) -> Block | None:
    log, path = reader.log, ("blocks", name)
    document = log.document
    location = document.key(*path)
    if name in OPERATOR_BY_NAME or name in OP_ALIASES:
        log.add("MB206", f"`{name}` cannot name a block: it is an operator", location)
    elif not is_name(name) or name != name.lower():
        log.add("MB206", f"`{name}` cannot name a block", location, "use lower-case letters, digits and `_`")
    if not isinstance(value, dict):
        log.add("MB103", "a block is a mapping with `parameters` and `layers`", document.value(*path))
        return None
    for key in value:
        if key not in _KEYS:
            hint = did_you_mean(key, _KEYS) or f"known: {', '.join(_KEYS)}"
            log.add("MB101", f"unknown key `{key}` in a block", document.key(*path, key), hint)
    parameters = _read_parameters(log, (*path, "parameters"), value.get("parameters") or {})
    output = value.get("output")
    if output is not None and not isinstance(output, str):
        log.add("MB103", "`output` is the name of a row of the block", document.value(*path, "output"))
    if "layers" not in value:
        if not any(did_you_mean(key, ["layers"]) for key in value if key not in _KEYS):
            log.add("MB102", f"block `{name}` has no `layers`", location)
        return None
    words = frozenset(key for key, default in parameters.items() if _holds_activation(key, default))
    names = Names((SCOPE_NAMES | frozenset(parameters) | frozenset(options)) - words, words)
    rows = reader.rows((*path, "layers"), value["layers"], RowScope(names, name))
    where = document.value(*path, "output") if output is not None else location
    return Block(name, parameters, rows, output if isinstance(output, str) else None, where)


def _holds_activation(name: str, default: OptionValue | None) -> bool:
    return isinstance(default, str) or name == "activation"


def _read_parameters(log: ProblemLog, path: tuple[str | int, ...], value: Any) -> Parameters:
    if not isinstance(value, dict):
        message = "`parameters` maps names to default values, or to `required`"
        log.add("MB103", message, log.document.value(*path), "for example {out: required, stride: 1}")
        return {}
    result: Parameters = {}
    for name, default in value.items():
        if reason := _not_a_parameter(name):
            log.add("MB206", f"`{name}` cannot name a parameter: {reason}", log.document.key(*path, name))
        else:
            result[name] = _read_default(log, name, Cell(default, (*path, name)))
    return result


def _not_a_parameter(name: str) -> str | None:
    """Why rows could not give or read a parameter of this name; None if they can."""
    if name in KEY_ALIASES:
        return f"in a row it means `{KEY_ALIASES[name]}`"
    if name in SCOPE_NAMES:
        return "it has a meaning in expressions"
    if name in ROW_KEYS and name not in PARAMETER_KEYS:
        return "it has a meaning in every row"
    if not is_name(name) or name != name.lower():
        return "use lower-case letters, digits and `_`"
    return None


def _read_default(log: ProblemLog, name: str, cell: Cell) -> OptionValue | None:
    """The default of a parameter, None if rows have to give it; for an invalid one a harmless value."""
    default = cell.value
    if default is None or default == "required":
        return None
    if isinstance(default, str) and read_activation(default) in {*ACTIVATIONS, "none"}:
        return read_activation(default)
    try:
        if isinstance(default, (bool, int, float)) and name != "activation":
            return number(default)  # type: ignore[no-any-return]
    except FieldError as error:
        log.add_mistake(name, cell, error)
        return 1
    wanted = "an activation" if name == "activation" else "a number, true, false, an activation"
    hint = did_you_mean(default, ["required", *ACTIVATIONS]) if isinstance(default, str) else None
    log.add("MB103", f"the default of `{name}` is {wanted} or `required`", log.at(cell), hint)
    return 1
