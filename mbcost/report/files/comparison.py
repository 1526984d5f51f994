"""A comparison as Markdown for a pull request, and as CSV."""

from __future__ import annotations

from collections.abc import Sequence

from mbcost import readable
from mbcost.insight.comparison import FEWEST, Comparison
from mbcost.report.files.text import csv_text, escaped, markdown_table
from mbcost.report.rows.comparison import ALIKE, class_rows, letters_of, pair_rows, place_rows, reasons_of, subject_rows

_SUBJECT_HEAD = ("", "ms", "x", "90 % interval", "rests on", "MACs", "x", "params", "GMAC/s", "peak memory")


def to_markdown(comparison: Comparison, *, limit: int | None = 10) -> str:
    """The verdict, subjects, reasons, classes and largest changes: of layers, or of places if layers do not match."""
    letters = letters_of(comparison)
    subjects = [(f"{letter} {row[0]}", *row[1:]) for letter, row in zip(letters, subject_rows(comparison), strict=True)]
    parts = [
        f"**{escaped(comparison.headline())}**",
        markdown_table(_SUBJECT_HEAD, "-rrr-rrrrr", _escaped(subjects)),
        "\n".join(f"- {escaped(sentence)}" for sentence in reasons_of(comparison)),
    ]
    head = ["operator class", *(f"ms {letter}" for letter in letters)]
    head += [*(["B - A"] if len(letters) == FEWEST else []), *(f"MACs {letter}" for letter in letters)]
    parts.append(markdown_table(head, "-" + "r" * (len(head) - 1), _escaped(class_rows(comparison))))
    for number in filter(comparison.differs, range(1, len(comparison.analyses))):
        label = escaped(comparison.labels[number])
        times = ("ms before", "ms after", "difference", "why")
        if comparison.matched_share(number) >= ALIKE:
            rows = _escaped(pair_rows(comparison, number, limit))
            parts.append(markdown_table((f"moved in {label}", *times), "-rrr-", rows))
        else:
            rows = _escaped(place_rows(comparison, number, limit))
            parts.append(markdown_table((f"moved in {label}", "output", "kernels", *times), "-rrrrr-", rows))
    return "\n\n".join(parts) + "\n"


def _escaped(rows: Sequence[tuple[str, ...]]) -> list[list[str]]:
    return [[escaped(str(cell)) for cell in row] for row in rows]


def to_csv(comparison: Comparison) -> str:
    """A row a pair of layers, behind the label of what is compared with the first."""
    sides = ("name", "class", "output_shape", "latency_ms", "macs", "traffic_bytes", "bound")
    head = ["compared", *(f"{which}_{key}" for which in ("first", "other") for key in sides)]
    rows = []
    first = comparison.first.basis
    for analysis, entry in zip(comparison.analyses[1:], comparison.to_dict()["comparisons"], strict=True):
        for pair in entry["layers"]:
            cells = []
            for side in ("first", "other"):
                row = pair[side] or dict.fromkeys(sides, "")
                cells += [readable.shape(row[key]) if key == "output_shape" else row[key] for key in sides]
            rows.append(
                [
                    entry["label"],
                    *cells,
                    pair["matched_by"],
                    pair["difference_ms"],
                    pair["reason"],
                    first,
                    analysis.basis,
                ]
            )
    return csv_text([*head, "matched_by", "difference_ms", "reason", "first_basis", "other_basis"], rows)
