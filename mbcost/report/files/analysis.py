"""An analysis as a file for other programs (JSON, CSV, Parquet) or for a pull request (Markdown)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mbcost import readable
from mbcost.analysis import Analysis
from mbcost.insight.breakdown import slowest, time_by
from mbcost.parquet import parquet_bytes
from mbcost.report.files.text import csv_text, escaped, json_text, markdown_table
from mbcost.words import GroupBy


def to_json(analyses: Sequence[Analysis]) -> str:
    """The object of :meth:`Analysis.to_dict`, or a list of several."""
    objects = [analysis.to_dict() for analysis in analyses]
    return json_text(objects[0] if len(objects) == 1 else objects)


def to_csv(analyses: Sequence[Analysis]) -> str:
    """A row a layer: the keys of the JSON's layers and `basis`; behind a target's name where there are several."""
    several = len(analyses) > 1
    head: list[str] = []
    rows = []
    for analysis in analyses:
        prefix = {"target": analysis.target.name} if several else {}
        for layer in analysis.layers:
            cells = prefix | layer.to_dict() | {"basis": analysis.basis}
            head = list(cells)
            rows.append([_csv_cell(key, value) for key, value in cells.items()])
    return csv_text(head, rows)


def _csv_cell(key: str, value: Any) -> Any:
    if key == "inputs":
        return " ".join(value)
    return readable.shape(value) if isinstance(value, list) else value


def to_parquet(analyses: Sequence[Analysis]) -> bytes:
    """Parquet with the rows and columns of :func:`to_csv`; shapes and inputs are lists.

    Raises
    ------
    InputError
        MB011 if pyarrow is missing.
    """
    import pandas as pd

    frames = [analysis.to_frame() for analysis in analyses]
    if len(analyses) > 1:
        for frame, analysis in zip(frames, analyses, strict=True):
            frame.insert(0, "target", analysis.target.name)
    return parquet_bytes(pd.concat(frames, ignore_index=True))


def to_markdown(analysis: Analysis, *, limit: int | None = 10, group_by: GroupBy = "op") -> str:
    """A line with the latency, the time by class, block or layer, and the slowest layers (all with ``limit=None``)."""
    digits = readable.decimals_for(analysis.latency_s * 1e3)
    groups = [
        [
            escaped(row.label),
            row.count,
            f"{row.latency_s * 1e3:.{digits}f}",
            *map(_share, (row.share, row.cumulative, row.macs_share, row.params_share)),
        ]
        for row in time_by(analysis, group_by)
    ]
    layers = [
        [
            escaped(row.name),
            readable.shape(row.kernel.main.output_shape),
            f"{row.latency_s * 1e3:.{digits}f}",
            _share(row.share),
            row.estimate.bound or readable.NOTHING,
        ]
        for row in slowest(analysis)[:limit]
    ]
    parts = [
        _summary(analysis),
        markdown_table([_TITLES[group_by], "n", "ms", "%", "cum. %", "MACs %", "params %"], "-rrrrrr", groups),
        markdown_table(["slowest layers", "output", "ms", "%", "bound"], "-rrr-", layers),
    ]
    parts += ["\n".join(f"- {escaped(warning)}" for warning in analysis.warnings)] if analysis.warnings else []
    return "\n\n".join(parts) + "\n"


_TITLES = {"op": "operator class", "block": "block", "layer": "layer"}


def _summary(analysis: Analysis) -> str:
    graph, target, totals = analysis.layer_graph, analysis.target, analysis.totals
    low, high = (readable.significant(bound * 1e3) for bound in (analysis.latency_low_s, analysis.latency_high_s))
    return (
        f"**{escaped(graph.title)}** (alpha {graph.alpha:g}, {graph.input_shape}, batch {analysis.batch}) on "
        f"{escaped(target.name)} {target.precision}: **{readable.milliseconds(analysis.latency_s)}** "
        f"({low} to {high} ms) · {analysis.basis}; "
        f"{readable.si(totals.macs)} MACs, {readable.si(totals.params)} parameters, "
        f"{readable.size(totals.peak_activation_bytes)} peak activations"
    )


def _share(share: float) -> str:
    return readable.percent(share)
