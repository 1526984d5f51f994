"""The screen of ``mbcost explain``: the answers, what to check first, and published latencies of the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.console import RenderableType
from rich.text import Text

from mbcost import readable
from mbcost.errors import printable
from mbcost.insight.explain import LIKELY, ROUNDING
from mbcost.report.screens.terminal import ANSWER, Column, Screen, bullets, heading, next_steps, section, table

if TYPE_CHECKING:
    from mbcost.insight.explain import Answer, Explanation, Hypothesis

_ANSWERS: Final = 4
_CONFIGURATIONS: Final = 3
_PUBLISHED: Final = 4
#: Axis -> how to find out.
_CHECKS: Final = {
    "runtime": "the runtime and its version: the benchmark's log names them",
    "processor": "where it ran: the delegate or provider in the log, and the cores that the process was bound to",
    "threads": "the number of threads: `--num_threads`, `intra_op_num_threads` or the tool's default",
    "precision": "the precision of the file, and whether the runtime may compute in fp16",
    "input": "the size of the input that was measured",
    "batch": "the batch that was measured",
}


def explanation_screen(
    result: Explanation, screen: Screen, *, all_rows: bool = False, steps: Sequence[tuple[str, str]] = ()
) -> str:
    """The whole screen as text; all answers and published latencies with `all_rows`."""
    title = Text.assemble(
        (readable.milliseconds(result.measured_s), ANSWER),
        f" of {printable(result.network)} on {printable(result.device)}",
    )
    parts: list[RenderableType] = [section(title, _answers(result, screen, None if all_rows else _ANSWERS))]
    notes = [_fit(result), *(f"{_CHECKS[axis]} ({_shares(result, axis)})" for axis in result.checks[:3])]
    same = next((one for one in result.published if abs(one.ratio - 1) < ROUNDING), None)
    if same is not None:
        notes.insert(0, f"{'/'.join(same.row.target[:2])}@{same.row.target[2]} has this latency in {same.row.source}.")
    parts.append(section(heading("Check first"), bullets(notes, screen)))
    if result.published:
        rows = [
            (
                one.row.name,
                f"{one.row.target[0]}/{one.row.target[1]}@{one.row.target[2]} {one.row.target[3]}",
                readable.milliseconds(one.row.measured_s),
                f"x {one.ratio:.2f}",
                one.row.source,
            )
            for one in (result.published if all_rows else result.published[:_PUBLISHED])
        ]
        columns = [
            Column("network", narrow="squeeze", least=16),
            Column("target"),
            Column("published", "right"),
            Column("yours", "right"),
            Column("source", narrow="cut", least=16, drop=1),
        ]
        note = f"{len(rows)} of {len(result.published)} that ship with mbcost, the nearest first"
        parts.append(section(heading("Published latencies", note), table(columns, rows, screen)))
    return screen.render(*parts, *next_steps(steps, screen))


def _answers(result: Explanation, screen: Screen, limit: int | None) -> RenderableType:
    answers = [answer for answer in result.answers if answer.probability >= LIKELY] or result.answers[:1]
    rows = [row for answer in answers[:limit] for row in _rows(answer)]
    columns = [
        Column("runtime", narrow="squeeze", least=16),
        Column("probability", "right"),
        Column("processor"),
        Column("threads", "right"),
        Column("precision"),
        Column("input", drop=2),
        Column("predicted ms", "right"),
        Column("90% interval", "right", drop=1),
    ]
    return table(columns, rows, screen)


def _rows(answer: Answer) -> list[tuple[str, ...]]:
    """The answer, and its likeliest configurations beneath it."""
    kept = [one for one in answer.hypotheses if one.probability >= LIKELY][:_CONFIGURATIONS] or answer.hypotheses[:1]
    return [(answer.runtime, f"{answer.probability:.0%}", "", "", "", "", "", ""), *map(_row, kept)]


def _row(one: Hypothesis) -> tuple[str, ...]:
    predicted, low, high = (readable.significant(time * 1e3) for time in (one.predicted_s, one.low_s, one.high_s))
    processor = one.processor + (f", {one.left} layers elsewhere" if one.left else "")
    size = one.input if one.batch == 1 else f"{one.input}, batch {one.batch}"
    return (
        "",
        f"{one.probability:.0%}",
        processor,
        str(one.threads),
        one.precision,
        size,
        predicted,
        f"{low} to {high}",
    )


def _fit(result: Explanation) -> str:
    inside = sum(one.covers(result.measured_s) for one in result.hypotheses)
    if inside:
        return f"{inside} of the {len(result.hypotheses)} configurations have it within their 90% interval."
    nearest = result.hypotheses[0]
    ratio = result.measured_s / nearest.predicted_s
    slower = "heat, other programs, a debug build, or a first inference" if ratio > 1 else "a part of the network only"
    return (
        f"No configuration explains it: the nearest, {nearest.target}, takes "
        f"{readable.milliseconds(nearest.predicted_s)}, which is x {1 / ratio:.2f}. Think of {slower}."
    )


def _shares(result: Explanation, axis: str) -> str:
    likely = [(value, share) for value, share in result.shares(axis).items() if share >= LIKELY][:3]
    return ", ".join(f"{value} {share:.0%}" for value, share in likely)
