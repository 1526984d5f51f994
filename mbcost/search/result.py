"""The result of a sweep: columns with one row per configuration, target and batch."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np

from mbcost._version import __version__
from mbcost.analysis import Analysis
from mbcost.architectures.scaling import resolution_text
from mbcost.calibration.interval import INTERVAL
from mbcost.errors import fail, or_list
from mbcost.parquet import parquet_bytes
from mbcost.pipeline import analyze
from mbcost.search.checkpoints import checkpoints_of, top1_of
from mbcost.search.evaluate import Outcome, Work
from mbcost.search.grid import Floats, Ints
from mbcost.search.measured import measured_ms
from mbcost.search.pareto import on_front
from mbcost.shown import Charted

if TYPE_CHECKING:
    import pandas as pd

SCHEMA: Final = "mbcost/sweep/1"
#: Columns of a result, in their order.
COLUMNS: Final = (
    "architecture", "alpha", "rho", "resolution", "input_width", "batch", "target", "precision", "threads", "macs",
    "params", "peak_activation_bytes", "latency_ms", "latency_low_ms", "latency_high_ms", "basis", "frames_per_s",
    "measured_ms", "top1", "on_front",
)  # fmt: skip

#: Qualities that a front can trade against latency; more is better.
Quality: TypeAlias = Literal["top1", "macs", "params"]
QUALITIES: Final = ("top1", "macs", "params")


class Section(NamedTuple):
    """One network of a sweep: the work and its outcome."""

    work: Work
    outcome: Outcome

    @property
    def rows(self) -> int:
        """Rows of the result: configurations x targets x batch sizes."""
        return self.work.points.size * len(self.work.cases)


class SweepResult(Charted):
    """Predicted latencies of many configurations of networks on many targets.

    Rows are in the order network, target, batch, width, resolution, counted from 0.

    Attributes
    ----------
    sections
        One section per network.
    """

    def __init__(self, sections: tuple[Section, ...]) -> None:
        self.sections = sections

    def __len__(self) -> int:
        return sum(section.rows for section in self.sections)

    def at(self, row: int) -> Analysis:
        """The full analysis of one row, with the same numbers layer by layer."""
        work, case, i = self._place(row)
        model, batch = work.cases[case]
        return analyze(
            work.spec,
            model.target,
            **work.points.at(i),
            batch=batch,
            options=work.how.options,
            params=work.how.params,
            macs=work.how.macs,
            unsupported=work.how.unsupported,
            calibration=model.calibration or False,
            lowering=work.how.lowering,
        )

    def _place(self, row: int) -> tuple[Work, int, int]:
        """Network, case number and configuration number of a row."""
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        row %= len(self)
        for work, outcome in self.sections:
            rows = outcome.latency_s.size
            if row < rows:
                return work, *divmod(row, work.points.size)
            row -= rows
        raise AssertionError("the rows of all sections are counted")

    def size_of(self, row: int) -> str:
        """The resolution of a row as commands take it, such as ``224`` or ``224x320``."""
        return resolution_text(*(int(self.columns[name][row]) for name in ("resolution", "input_width")))

    @cached_property
    def columns(self) -> Mapping[str, Any]:
        """Column -> array, as in :data:`COLUMNS`; times in ms, accuracy in %, NaN where none is published."""
        parts = [section_columns(section) for section in self.sections]
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        columns["on_front"] = self._fronts(columns, "top1" if _any_known(columns["top1"]) else "macs")
        return columns

    def front(self, quality: Quality | None = None) -> Ints:
        """The Pareto front of latency and quality among the rows of each target and batch, fastest first.

        Parameters
        ----------
        quality
            ``top1`` [%], ``macs`` or ``params``, more being better; by default top-1 where any is known, else the
            MACs, which do not rank different networks by accuracy.

        Raises
        ------
        InputError
            MB010 for another quality.
        """
        columns = self.columns
        if quality is None:
            rows = np.flatnonzero(columns["on_front"])
        elif quality in QUALITIES:
            rows = np.flatnonzero(self._fronts(columns, quality))
        else:
            fail("MB010", f"a front is of latency and {or_list(list(QUALITIES))}, not `{quality}`")
        return rows[np.argsort(columns["latency_ms"][rows], kind="stable")]

    def _fronts(self, columns: Mapping[str, Any], quality: str) -> Any:
        """A front for every target and batch, among all networks."""
        result = np.zeros(len(self), dtype=np.bool_)
        for rows in self._rows_by_case():
            result[rows] = on_front(columns["latency_ms"][rows], columns[quality][rows])
        return result

    def _rows_by_case(self) -> list[Ints]:
        """The rows of each target, precision, number of threads and batch, of all networks."""
        found: dict[tuple[str, str, int, int], list[Ints]] = {}
        start = 0
        for section in self.sections:
            count = section.work.points.size
            for model, batch in section.work.cases:
                target = model.target
                rows = np.arange(start, start + count)
                found.setdefault((target.name, target.precision, target.threads, batch), []).append(rows)
                start += count
        return [np.concatenate(rows) for rows in found.values()]

    def to_frame(self) -> pd.DataFrame:
        """A DataFrame with the columns of :data:`COLUMNS`."""
        import pandas as pd

        frame = pd.DataFrame(dict(self.columns))
        for name in ("architecture", "target", "precision", "basis"):
            frame[name] = frame[name].astype("category")
        return frame[list(COLUMNS)]

    def to_parquet(self) -> bytes:
        """The content of a Parquet file with the columns of :data:`COLUMNS`.

        Raises
        ------
        InputError
            MB011 if pyarrow is not installed.
        """
        return parquet_bytes(self.to_frame())

    def to_dict(self) -> dict[str, Any]:
        """The JSON of ``mbcost sweep --format json``, schema ``mbcost/sweep/1``."""
        lists = {name: self.columns[name].tolist() for name in COLUMNS}
        unknown = {"rho", "measured_ms", "top1"}
        rows = [
            {
                name: None if name in unknown and value != value else value
                for name, value in zip(COLUMNS, row, strict=True)
            }
            for row in zip(*lists.values(), strict=True)
        ]
        return {
            "schema": SCHEMA,
            "mbcost_version": __version__,
            "interval": INTERVAL,
            "rows": rows,
            "warnings": list(self.warnings),
        }

    @property
    def warnings(self) -> tuple[str, ...]:
        """Caveats of the targets, from the analysis of the first configuration on each."""
        found: dict[str, None] = {}
        start = 0
        for section in self.sections:
            for case, (model, _) in enumerate(section.work.cases):
                for warning in self.at(start + case * section.work.points.size).warnings:
                    found.setdefault(f"{model.target.name}: {warning}")
            start += section.rows
        return tuple(found)

    def __repr__(self) -> str:
        names = ", ".join(dict.fromkeys(section.work.spec.name for section in self.sections))
        models = (model for section in self.sections for model in section.work.models)
        targets = ", ".join(dict.fromkeys(model.target.name for model in models))
        latency = self.columns["latency_ms"]
        return (
            f"<SweepResult of {len(self):,} rows: {names} on {targets}, "
            f"{latency.min():.3g} to {latency.max():.3g} ms, {int(self.columns['on_front'].sum())} on the front>"
        )


def section_columns(section: Section) -> dict[str, Any]:
    """The columns of one network, all but the front."""
    work, outcome = section.work, section.outcome
    points, count, cases = work.points, work.points.size, len(work.cases)
    rho = _rho(work, outcome) if points.rho is None else points.rho
    batches = np.array([batch for _, batch in work.cases])

    def each_point(values: Any) -> Any:
        return np.tile(values, cases)

    def each_case(values: Any) -> Any:
        return np.repeat(np.array(values), count)

    targets = [model.target for model, _ in work.cases]
    top1 = [
        top1_of(checkpoints_of(work.spec, target.precision, work.how.options), points.alpha, _square(outcome))
        for target in targets
    ]
    measured = [measured_ms(work, outcome, target, int(batch)) for target, batch in zip(targets, batches, strict=True)]
    with np.errstate(divide="ignore"):  # a network that only has views takes no time
        frames = batches[:, None] / outcome.latency_s
    return {
        "architecture": np.repeat(np.array(work.spec.name, dtype=object), section.rows),
        "alpha": each_point(points.alpha),
        "rho": each_point(rho),
        "resolution": each_point(outcome.height),
        "input_width": each_point(outcome.width),
        "batch": each_case(batches),
        "target": np.repeat(np.array([target.name for target in targets], dtype=object), count),
        "precision": np.repeat(np.array([target.precision for target in targets], dtype=object), count),
        "threads": each_case([target.threads for target in targets]),
        "macs": (batches[:, None] * outcome.macs).ravel(),
        "params": each_point(outcome.params),
        "peak_activation_bytes": outcome.peak_bytes.ravel(),
        "latency_ms": outcome.latency_s.ravel() * 1e3,
        "latency_low_ms": outcome.latency_low_s.ravel() * 1e3,
        "latency_high_ms": outcome.latency_high_s.ravel() * 1e3,
        "basis": np.repeat(np.array([model.basis for model, _ in work.cases], dtype=object), count),
        "frames_per_s": frames.ravel(),
        "measured_ms": np.concatenate(measured),
        "top1": np.concatenate(top1),
    }


def _square(outcome: Outcome) -> Floats:
    """Heights of square inputs, NaN for others, since checkpoints are of square inputs."""
    return np.where(outcome.height == outcome.width, outcome.height.astype(np.float64), np.nan)


def _rho(work: Work, outcome: Outcome) -> Floats:
    """Resolution multipliers; NaN where height and width are scaled differently."""
    shape = work.spec.input_shape
    alike = outcome.height * shape.width == outcome.width * shape.height
    return np.where(alike, outcome.height / shape.height, np.nan)


def _any_known(values: Any) -> bool:
    return bool((~np.isnan(values)).any())
