"""The cells of a row by key: from lists under `columns`, mappings, and the papers' short names."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

from mbcost.architectures.names import KEY_ALIASES, ROW_KEYS
from mbcost.architectures.problem_log import Cell, ProblemLog
from mbcost.errors import did_you_mean, nearest
from mbcost.operators import OPERATORS

Cells = dict[str, Cell]

#: The key of every column; None for an unknown one, which is not read.
Columns = tuple[str | None, ...]

_OP_WORDS: Final = ("op", *(alias for alias, key in KEY_ALIASES.items() if key == "op"))


def canonical_key(key: str) -> str:
    """The key of a table's word: ``s`` is the stride, ``NL`` the activation."""
    lowered = key.lower()
    return KEY_ALIASES.get(lowered, lowered)


def read_columns(log: ProblemLog, value: Any, parameters: Collection[str]) -> Columns | None:
    """The keys that head the columns; empty where the table has none, None where they cannot be used.

    `parameters` are those of the blocks, which columns may be too.
    """
    if value is None:
        return ()
    if not isinstance(value, list) or not value:
        log.add("MB103", "`columns` is a list of keys such as [op, out, kernel, stride]", log.document.value("columns"))
        return None
    known = {*ROW_KEYS, *parameters, *(name for op in OPERATORS for name in op.__dataclass_fields__)}
    columns: list[str | None] = []
    words: dict[str, str] = {}
    for position, word in enumerate(value):
        key = _column(log, Cell(word, ("columns", position)), known)
        if key is not None and key in words:
            message = f"the column `{word}` stands here twice"
            if word != words[key]:
                message = f"the columns `{words[key]}` and `{word}` both mean `{key}`"
            log.add("MB104", message, log.document.value("columns", position))
            key = None
        if key is not None:
            words[key] = word
        columns.append(key)
    if "op" not in words:
        log.add("MB102", "no column names the operator", log.document.value("columns"), "head one with `op`")
        return None
    return tuple(columns)


def _column(log: ProblemLog, cell: Cell, known: Collection[str]) -> str | None:
    """The key of a column; for a misspelt one the most similar key, so that its cells are checked too."""
    if not isinstance(cell.value, str):
        log.add("MB103", "a column is headed by a key such as `op`", log.at(cell))
        return None
    key = canonical_key(cell.value)
    if key in known:
        return key
    choices = [*known, *KEY_ALIASES]
    hint = did_you_mean(cell.value, choices) or "it is no key of an operator and no parameter of a block"
    log.add("MB101", f"unknown column `{cell.value}`", log.at(cell), hint)
    return canonical_key(near[0]) if (near := nearest(cell.value, choices, 1)) else None


def read_cells(log: ProblemLog, path: tuple[str | int, ...], value: Any, columns: Columns | None) -> Cells | None:
    """The cells of a row, by canonical key; empty ones (``-``) are left out. None where the row cannot be read."""
    if isinstance(value, list):
        return _list_cells(log, path, value, columns)
    if isinstance(value, dict):
        return _mapping_cells(log, path, value)
    example = "a row is a mapping such as {op: conv2d, out: 32, kernel: 3}, or a list under `columns`"
    log.add("MB103", example, log.document.value(*path))
    return None


def _list_cells(
    log: ProblemLog, path: tuple[str | int, ...], values: list[Any], columns: Columns | None
) -> Cells | None:
    if columns is None:
        return None
    if not columns:
        hint = "for example columns: [op, out, kernel, stride]"
        log.add(
            "MB103", "a row given as a list needs `columns` at the top of the table", log.document.value(*path), hint
        )
        return None
    if len(values) != len(columns):
        message = f"the row has {len(values)} cells, the table {len(columns)} columns"
        hint = f"columns: {', '.join(map(str, log.document.data['columns']))}"
        log.add("MB103", message, log.document.value(*path), hint)
        return None
    return {
        key: Cell(value, (*path, position))
        for position, (key, value) in enumerate(zip(columns, values, strict=True))
        if key is not None and value is not None
    }


def _mapping_cells(log: ProblemLog, path: tuple[str | int, ...], values: dict[str, Any]) -> Cells:
    cells: Cells = {}
    words: dict[str, str] = {}
    for word, value in values.items():
        key = canonical_key(word)
        if key in words:
            log.add("MB104", f"`{words[key]}` and `{word}` both mean `{key}`", log.document.key(*path, word))
        elif value is not None:
            cells[key] = Cell(value, (*path, word))
        words[key] = word
    return cells


def keep_own_words(cells: Cells, fields: Collection[str]) -> None:
    """Undo a short name where the operator has a field of that word: `channels` of `reduce` are not its outputs."""
    for key in [key for key, cell in cells.items() if key not in fields and cell.path[-1] in fields]:
        cell = cells.pop(key)
        cells[str(cell.path[-1])] = cell


def take_misspelt_op(log: ProblemLog, cells: Cells) -> bool:
    """Reports the key that was meant to be `op`, if one was, and takes it for that."""
    for key, cell in cells.items():
        if key not in ROW_KEYS and nearest(key, _OP_WORDS):
            log.add("MB101", f"unknown key `{key}`", log.at_key(cell), did_you_mean(key, _OP_WORDS))
            cells["op"] = cells.pop(key)
            return True
    return False


def refuse_unknown(log: ProblemLog, cells: Cells, known: Iterable[str], owner: str) -> None:
    """Reports the keys that `owner` does not take and takes them out of `cells`.

    A misspelt key is replaced by the most similar one, so that its value is checked too and nothing seems missing.
    """
    allowed = [*known]
    for key in [key for key in cells if key not in allowed]:
        cell = cells.pop(key)
        word = cell.path[-1]
        if cell.derived or isinstance(word, int):
            hint = None if cell.derived else "`-` leaves a cell empty"
            log.add("MB101", f"{owner} takes no `{key}`", log.at(cell), hint)
            continue
        choices = [*allowed, *(alias for alias, meant in KEY_ALIASES.items() if meant in allowed)]
        hint = did_you_mean(key, choices)
        log.add("MB101", f"unknown key `{word}` in {owner}", log.at_key(cell), hint or f"known: {', '.join(allowed)}")
        if hint is not None and (meant := canonical_key(nearest(key, choices, 1)[0])) not in cells:
            cells[meant] = cell
