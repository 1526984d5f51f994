"""Results as workbooks of Excel, through XlsxWriter: a sheet a table, units in the headings, and what each column is.

Texts are written as texts, whatever they begin with: a layer named ``=1+1`` is no formula and no link.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mbcost import readable
from mbcost.errors import fail, printable
from mbcost.insight.breakdown import time_by
from mbcost.report.schemas import Column, columns_of

if TYPE_CHECKING:
    from mbcost.analysis import Analysis
    from mbcost.insight.comparison import Comparison
    from mbcost.insight.validation import Validation
    from mbcost.search.pick import Pick
    from mbcost.search.result import SweepResult

#: Rows of a sheet, and characters of a cell, that Excel can hold.
_MOST_ROWS: Final = 1_048_576
_LONGEST: Final = 32_000
_WIDEST: Final = 60
_AS_TEXT: Final = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "in_memory": True,
}
#: Endings of keys that their unit says.
_UNIT_ENDINGS: Final = ("_ms", "_bytes", "_mj", "_per_s")
#: Columns that no JSON has.
_OWN: Final[Mapping[str, Column]] = {
    "target": Column("", "device, processor and runtime"),
    "input": Column("", "height x width x channels of the input"),
    "class": Column("", "class of operators"),
    "energy_mj": Column("mJ", "estimated energy of the batch"),
    "kernels": Column("", "kernels of the class"),
    "share": Column("%", "share of the latency"),
    "compared": Column("", "subject that is compared with the baseline"),
    "choice": Column("", "pick, runner_up or front"),
    "fits": Column("", "best candidate there; empty if none fits"),
    "text": Column("", "caveat"),
    "label": Column("", "in what the subject differs from the others"),
    "traffic_bytes": Column("B", "inputs, weights and outputs"),
}


class Sheet(NamedTuple):
    """A table of a workbook.

    Attributes
    ----------
    name
        Of the sheet.
    rows
        Cells by key; every row has the same keys.
    columns
        What the keys are.
    """

    name: str
    rows: Sequence[Mapping[str, Any]]
    columns: Mapping[str, Column]


def analyses_book(analyses: Sequence[Analysis]) -> bytes:
    """Targets, layers, time by class, and caveats."""
    known = columns_of("analysis", "target", "totals", "layer")
    summary: list[dict[str, Any]] = []
    layers: list[dict[str, Any]] = []
    classes: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    for analysis in analyses:
        data = analysis.to_dict()
        name = analysis.target.name
        energy = data["energy"] or {}
        kept = ("alpha", "resolution", "input_width", "batch")
        times = ("latency_ms", "latency_low_ms", "latency_high_ms", "basis", "frames_per_s", "load_ms", "first_ms")
        summary.append(
            {"architecture": data["architecture"], "target": name}
            | {key: data["target"][key] for key in ("precision", "threads")}
            | {key: data[key] for key in (*kept, *times)}
            | data["totals"]
            | {"energy_mj": energy.get("total_mj")}
        )
        layers += [{"target": name} | row for row in data["layers"]]
        classes += [
            {
                "target": name,
                "class": row.label,
                "kernels": row.count,
                "latency_ms": row.latency_s * 1e3,
                "share": row.share * 100,
            }
            for row in time_by(analysis, "op")
        ]
        notes += [{"target": name, "text": text} for text in data["warnings"]]
    return _book(
        Sheet("Summary", summary, known),
        Sheet("Layers", layers, columns_of("layer")),
        Sheet("Classes", classes, known),
        Sheet("Caveats", notes, {}),
    )


def comparison_book(comparison: Comparison) -> bytes:
    """Subjects, classes of operators, layer beside layer, and what changed."""
    data = comparison.to_dict()
    known = columns_of("subject", "target", "totals", "side", "pair", "place")
    subjects = [
        {key: value for key, value in subject.items() if not isinstance(value, (dict, list))}
        | {key: subject["target"][key] for key in ("device", "processor", "runtime", "precision", "threads")}
        | subject["totals"]
        for subject in data["subjects"]
    ]
    classes = [
        {"label": subject["label"], "class": row["class"], "latency_ms": row["latency_ms"][i], "macs": row["macs"][i]}
        for i, subject in enumerate(data["subjects"])
        for row in data["classes"]
    ]
    keys = ("name", "class", "output_shape", "latency_ms", "macs", "traffic_bytes", "bound")
    pairs, notes = [], []
    for other in data["comparisons"]:
        for pair in other["layers"]:
            row: dict[str, Any] = {"compared": other["label"]}
            for side in ("first", "other"):
                row |= {f"{side}_{key}": (pair[side] or {}).get(key) for key in keys}
            pairs.append(row | {key: pair[key] for key in ("matched_by", "difference_ms", "reason")})
        notes += [{"compared": other["label"], "text": text} for text in other["verdicts"]]
    of_sides = {f"{side}_{key}": known[key] for side in ("first", "other") for key in keys}
    return _book(
        Sheet("Subjects", subjects, known),
        Sheet("Classes", classes, known),
        Sheet("Layers", pairs, known | of_sides),
        Sheet("Changes", notes, {}),
    )


def sweep_book(result: SweepResult) -> bytes:
    """All rows, those on the front, and caveats.

    Raises
    ------
    InputError
        MB010 for more rows than a sheet holds.
    """
    if len(result) >= _MOST_ROWS:
        hint = "write .parquet or .csv"
        fail("MB010", f"a sheet holds {_MOST_ROWS - 1:,} rows, the sweep has {len(result):,}", hint=hint)
    data = result.to_dict()
    known = columns_of("sweep_row")
    rows = data["rows"]
    return _book(
        Sheet("Sweep", rows, known),
        Sheet("Front", [row for row in rows if row["on_front"]], known),
        Sheet("Caveats", [{"text": text} for text in data["warnings"]], {}),
    )


def pick_book(result: Pick) -> bytes:
    """The choice, the runner-up and the front, what each target allows alone, and notes."""
    known = columns_of("candidate", "on_target", "sweep_row")
    alone = [
        {"target": one.target, "fits": "" if one.pick is None else one.pick.name, **_alone(one.pick)}
        for one in result.alone
    ]
    return _book(
        Sheet("Pick", result.rows(), known),
        Sheet("Alone", alone, known),
        Sheet("Caveats", [{"text": text} for text in result.notes], {}),
    )


def _alone(candidate: Any) -> dict[str, Any]:
    keys = ("alpha", "resolution", "latency_ms", "basis", "probability", "top1")
    data = {} if candidate is None else candidate.to_dict()
    return {key: data.get(key) for key in keys}


def validation_book(validation: Validation) -> bytes:
    """Scores, measurements beside predictions, and caveats."""
    data = validation.to_dict()
    return _book(
        Sheet("Summary", [data["summary"] | {"basis": data["basis"]}], columns_of("score", "validation")),
        Sheet("Rows", data["rows"], columns_of("validation_row")),
        Sheet("Caveats", [{"text": text} for text in data["warnings"]], {}),
    )


# -- writing ----------------------------------------------------------------------------------------------------------


def _book(*sheets: Sheet) -> bytes:
    """The content of a workbook; empty tables are left out, and the last sheet says what the columns are.

    Raises
    ------
    InputError
        MB011 if XlsxWriter is missing.
    """
    try:
        writer = import_module("xlsxwriter")
    except ImportError:
        fail("MB011", "Excel's workbooks need XlsxWriter", hint="python -m pip install 'mbcost[excel]'")
    stream = io.BytesIO()
    with writer.Workbook(stream, _AS_TEXT) as book:
        bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        legend: list[Mapping[str, str]] = []
        for sheet in sheets:
            if sheet.rows:
                _write(book.add_worksheet(sheet.name), sheet, bold)
                legend += _legend(sheet)
        _write(book.add_worksheet("Columns"), Sheet("Columns", legend, {}), bold)
    return stream.getvalue()


def _write(sheet: Any, table: Sheet, bold: Any) -> None:
    keys = list(table.rows[0])
    for column, key in enumerate(keys):
        heading = _heading(key, _column(table, key).unit)
        sheet.write_string(0, column, heading, bold)
        widths = (len(str(_cell(row[key]))) for row in table.rows[:200])
        sheet.set_column(column, column, min(max(12, len(heading) // 2, *widths) + 2, _WIDEST))
    for number, row in enumerate(table.rows, 1):
        for column, key in enumerate(keys):
            value = _cell(row[key])
            if isinstance(value, bool):
                sheet.write_boolean(number, column, value)
            elif isinstance(value, (int, float)):
                sheet.write_number(number, column, value)
            elif value:
                sheet.write_string(number, column, value)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(table.rows), len(keys) - 1)


def _cell(value: Any) -> str | float | bool:
    """A value as a cell holds it; empty for what is not known or not finite."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, (list, tuple)):
        whole = all(isinstance(each, int) for each in value)
        return readable.shape(value) if whole and value else printable(", ".join(map(str, value)), _LONGEST)
    if hasattr(value, "item"):  # NumPy's
        return _cell(value.item())
    return value if isinstance(value, (bool, int, float)) else printable(str(value), _LONGEST)


def _heading(key: str, unit: str) -> str:
    """``latency [ms]`` of ``latency_ms``."""
    ending = next((each for each in _UNIT_ENDINGS if unit and key.endswith(each)), "")
    words = key.removesuffix(ending).replace("_", " ")
    return f"{words} [{unit}]" if unit else words


def _column(table: Sheet, key: str) -> Column:
    return table.columns.get(key) or _OWN.get(key) or Column("", "")


def _legend(table: Sheet) -> Iterable[Mapping[str, str]]:
    for key in table.rows[0]:
        column = _column(table, key)
        yield {
            "sheet": table.name,
            "column": _heading(key, column.unit),
            "unit": column.unit,
            "key": key,
            "meaning": column.meaning,
        }
