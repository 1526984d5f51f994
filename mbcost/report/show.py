"""Draws results as screens, files, pages and charts, and in notebooks.

A result's class is looked up in :data:`KINDS`; the module that draws it is imported on demand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from mbcost.errors import DefectError, fail
from mbcost.report import formats
from mbcost.report.formats import Format, named_format
from mbcost.report.provenance import NO_ORIGIN, Origin
from mbcost.report.screens.terminal import PLAIN, Screen

if TYPE_CHECKING:
    from mbcost.analysis import Analyses, Analysis
    from mbcost.calibration.record import Calibration
    from mbcost.fpga.design import PipelineDesign, TiledDesign
    from mbcost.insight.comparison import Comparison
    from mbcost.insight.explain import Explanation
    from mbcost.insight.measured import MeasuredAnalysis
    from mbcost.insight.validation import Validation
    from mbcost.search.pick import Pick
    from mbcost.search.result import SweepResult
    from mbcost.streaming.stream import StreamResult
    from mbcost.words import GroupBy

Content: TypeAlias = str | bytes


@dataclass(frozen=True, slots=True)
class How:
    """Options of how a result is drawn.

    Attributes
    ----------
    screen
        The output of a table.
    limit
        Number of listed layers; None for all.
    all_rows
        All rows of a sweep or a front, not only the best.
    group_by
        What the time is grouped by.
    memory
        Whether an analysis shows RAM and flash on every target.
    explain
        Whether an analysis shows the terms of its latency form and the values of what is assumed.
    steps
        What to do next and the command that does it, for a terminal.
    origin
        For the provenance at the foot of a page.
    name
        Name of the device of a written profile.
    """

    screen: Screen = PLAIN
    limit: int | None = 10
    all_rows: bool = False
    group_by: GroupBy = "op"
    memory: bool = False
    explain: bool = False
    steps: Sequence[tuple[str, str]] = ()
    origin: Origin = NO_ORIGIN
    name: str = ""


_Renderer: TypeAlias = Callable[[Any, Format, How], Content]


class Kind(NamedTuple):
    """How one kind of result is drawn.

    Attributes
    ----------
    formats
        Its formats.
    render
        Draws it in one of them.
    notebook
        ``module:function`` of its table in a notebook; by default its frame is shown.
    figure
        ``module:function`` of its charts, if it has any.
    """

    formats: Sequence[Format]
    render: _Renderer
    notebook: str = ""
    figure: str = ""


def render(result: Any, kind: Format, how: How = How()) -> Content:
    """A result in a format: text, or the bytes of a Parquet file or a workbook."""
    return _kind(result).render(result, kind, how)


def save(result: Any, path: str | PathLike[str], *, force: bool = False) -> Path:
    """Write a result in the format of a file's suffix; see :meth:`mbcost.shown.Shown.save`."""
    from mbcost.files import write_bytes, write_text

    if not isinstance(path, (str, PathLike)):
        fail("MB010", f"path is of type {type(path).__name__}, which names no file")
    target = Path(path)
    content = render(result, named_format(target.name, _kind(result).formats), How(limit=None, name=target.stem))
    if isinstance(content, bytes):
        write_bytes(target, content, force=force)
    else:
        write_text(target, content, force=force)
    return target


def notebook(result: Any) -> str:
    """A result as HTML for a notebook."""
    place = _kind(result).notebook
    if not place:
        from mbcost.report.html.notebook import frame_html

        return frame_html(result)
    return str(_found(place)(result))


def figure(result: Any, name: str, **which: Any) -> Any:
    """A chart of a result as a Plotly figure."""
    return _found(_kind(result).figure)(result, name, **which)


def _kind(result: Any) -> Kind:
    for base in type(result).__mro__:
        if base.__name__ in KINDS:
            return KINDS[base.__name__]
    raise DefectError(f"nothing draws a {type(result).__name__}")


def _found(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(f"mbcost.report.{module}"), name)


#: Files that need only analyses: format -> ``module:function`` of a sequence of them.
ANALYSIS_FILES: Final[Mapping[str, str]] = {
    "json": "files.analysis:to_json",
    "csv": "files.analysis:to_csv",
    "parquet": "files.analysis:to_parquet",
    "trace": "files.trace:to_trace",
    "xlsx": "files.excel:analyses_book",
}


def _analysis(result: Analysis, kind: Format, how: How) -> Content:
    return _analyses([result], kind, how)


def _analyses(result: Analyses | Sequence[Analysis], kind: Format, how: How) -> Content:
    if kind == "table":
        from mbcost.report.screens.analysis import analysis_screen

        return "\n".join(
            analysis_screen(
                one,
                how.screen,
                limit=how.limit,
                group_by=how.group_by,
                memory=how.memory,
                explain=how.explain,
                steps=how.steps if one is result[-1] else (),
            )
            for one in result
        )
    if kind == "html":
        from mbcost.report.html.analysis import analysis_page

        return analysis_page(result, how.origin)
    if kind == "md":
        from mbcost.report.files.analysis import to_markdown

        return "\n".join(to_markdown(one, limit=how.limit, group_by=how.group_by) for one in result)
    if kind in {"graphml", "dot"}:
        from mbcost.report.files.graph import to_dot, to_graphml

        if len(result) > 1:
            fail("MB010", "a graph holds the latencies of one target", hint="give one device")
        return (to_dot if kind == "dot" else to_graphml)(result[0].graph)
    content: Content = _found(ANALYSIS_FILES[kind])(result)
    return content


def _comparison(result: Comparison, kind: Format, how: How) -> Content:
    if kind == "table":
        from mbcost.report.screens.comparison import comparison_screen

        return comparison_screen(result, how.screen, limit=how.limit, steps=how.steps)
    if kind == "html":
        from mbcost.report.html.comparison import comparison_page

        return comparison_page(result, how.origin)
    if kind == "xlsx":
        from mbcost.report.files.excel import comparison_book

        return comparison_book(result)
    from mbcost.report.files import comparison as files
    from mbcost.report.files.text import json_text

    if kind == "json":
        return json_text(result.to_dict())
    return files.to_markdown(result, limit=how.limit) if kind == "md" else files.to_csv(result)


def _measured(result: MeasuredAnalysis, kind: Format, how: How) -> Content:
    if kind == "table":
        from mbcost.report.screens.measured import measured_screen

        return measured_screen(result, how.screen, limit=how.limit)
    from mbcost.report.files import measured as files

    if kind == "md":
        return files.to_markdown(result, limit=how.limit)
    return files.to_json(result) if kind == "json" else files.to_csv(result)


def _explanation(result: Explanation, kind: Format, how: How) -> Content:
    if kind == "table":
        from mbcost.report.screens.explain import explanation_screen

        return explanation_screen(result, how.screen, all_rows=how.all_rows, steps=how.steps)
    from mbcost.report.files.text import json_text

    return json_text(result.to_dict())


def _sweep(result: SweepResult, kind: Format, how: How) -> Content:
    if kind == "table":
        from mbcost.report.screens.sweep import sweep_screen

        return sweep_screen(result, how.screen, all_rows=how.all_rows, steps=how.steps)
    if kind == "html":
        from mbcost.report.html.sweep import sweep_page

        return sweep_page(result, how.origin)
    if kind == "parquet":
        return result.to_parquet()
    if kind == "xlsx":
        from mbcost.report.files.excel import sweep_book

        return sweep_book(result)
    from mbcost.report.files import sweep as files

    if kind == "md":
        return files.to_markdown(result, all_rows=how.all_rows)
    return files.to_json(result) if kind == "json" else files.to_csv(result)


def _pick(result: Pick, kind: Format, how: How) -> Content:
    if kind == "table":
        from mbcost.report.screens.pick import pick_screen

        return pick_screen(result, how.screen, all_rows=how.all_rows, steps=how.steps)
    if kind == "html":
        from mbcost.report.html.pick import pick_page

        return pick_page(result, how.origin)
    if kind == "xlsx":
        from mbcost.report.files.excel import pick_book

        return pick_book(result)
    from mbcost.report.files import pick as files

    return {"json": files.to_json, "csv": files.to_csv, "md": files.to_markdown}[kind](result)


def _validation(result: Validation, kind: Format, how: How) -> Content:
    if kind == "table":
        from mbcost.report.screens.validation import validation_text

        return validation_text(result)
    if kind == "html":
        from mbcost.report.html.validation import validation_page

        return validation_page(result, how.origin)
    if kind == "xlsx":
        from mbcost.report.files.excel import validation_book

        return validation_book(result)
    from mbcost.report.files import validation as files

    write = {"json": files.validation_json, "csv": files.validation_csv, "md": files.validation_markdown}
    return write[kind](result)


def _calibration(result: Calibration, kind: Format, how: How) -> Content:
    if kind == "table":
        from mbcost.report.screens.calibration import calibration_summary

        return calibration_summary(result)
    if kind == "yaml":
        from mbcost.calibration.file import calibration_text

        return calibration_text(result)
    from mbcost.devices import resolve_target
    from mbcost.prediction import prepare
    from mbcost.report.html.calibration import calibration_page

    place = f"{result.device}/{result.processor}@{result.runtime}"
    prior = prepare(resolve_target(place, result.precision, result.threads), calibration=False)
    return calibration_page(result, prior, origin=how.origin)


def _stream(result: StreamResult, kind: Format, how: How) -> Content:
    if kind == "table":
        from mbcost.report.screens.stream import screen

        return screen(result, how.screen)
    if kind == "html":
        from mbcost.report.html.stream import stream_page

        return stream_page(result, how.origin)
    from mbcost.report.files import stream as files

    return files.to_json(result) if kind == "json" else files.to_trace(result)


def _tiled(result: TiledDesign, kind: Format, how: How) -> Content:
    if kind == "table":
        from mbcost.report.screens.design import screen

        return screen(result, how.screen)
    from mbcost.report.files import design as files

    return files.to_json(result) if kind == "json" else files.to_profile(result, how.name)


def _pipeline(result: PipelineDesign, kind: Format, how: How) -> Content:
    if kind == "table":
        from mbcost.report.screens.line_buffers import screen

        return screen(result, how.screen)
    from mbcost.report.files.text import json_text

    return json_text(result.to_dict())


#: Class of a result -> how it is drawn.
KINDS: Final[Mapping[str, Kind]] = {
    "Analysis": Kind(formats.ANALYSIS, _analysis, "html.notebook:analysis_html", "charts.analysis:figure"),
    "Analyses": Kind(formats.ANALYSIS, _analyses, "html.notebook:analyses_html"),
    "Comparison": Kind(
        formats.REPORT, _comparison, "html.notebook:comparison_html", "charts.comparison:comparison_figure"
    ),
    "Explanation": Kind(formats.EXPLANATION, _explanation),
    "MeasuredAnalysis": Kind(formats.MEASURED, _measured),
    "SweepResult": Kind(formats.SWEEP, _sweep, "html.notebook:sweep_html", "charts.sweep:sweep_figure"),
    "Pick": Kind(formats.REPORT, _pick, "html.notebook:pick_html"),
    "Validation": Kind(
        formats.REPORT, _validation, "html.notebook:validation_html", "charts.validation:validation_figure"
    ),
    "Calibration": Kind(formats.CALIBRATION, _calibration),
    "StreamResult": Kind(formats.STREAM, _stream),
    "TiledDesign": Kind(formats.DESIGN, _tiled),
    "PipelineDesign": Kind(formats.PIPELINE, _pipeline),
}
