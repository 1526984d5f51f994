"""The Pixel phones' section of the accuracy report: predicted against published latencies, networks and operators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

import mbcost
from mbcost.calibration.experiment import d_optimal
from mbcost.calibration.fit import fit, leave_one_out, prior_of, residuals
from mbcost.calibration.measurements import Measurement, Work, read_measurements, work_of
from mbcost.devices import Target, resolve_target
from mbcost.latency.model import latency_model
from mbcost.prediction import prepare
from mbcost.resources import hardware_profiles

_FOLDER: Final = hardware_profiles() / "measurements"
_PIXEL1: Final = "pixel1_tflite_2018.csv"
#: Target, precision, file and what its rows are, of every published table of the Pixel phones' CPUs.
TABLES: Final = (
    ("pixel1/cpu@tflite-2018", "fp32", _PIXEL1),
    ("pixel1/cpu@tflite-2018", "fp32", "pixel1_tflite_2018_mnasnet.csv"),
    ("pixel2/cpu@tflite-2018", "fp32", "pixel2_tflite_2018.csv"),
    ("pixel2/cpu@tflite-2018", "int8", "pixel2_tflite_2018_int8.csv"),
    *((f"pixel{n}/cpu@tflite-2019", "fp32", f"pixel{n}_tflite_2019.csv") for n in (1, 2, 3)),
    *((f"pixel{n}/cpu@tflite-2019", "int8", f"pixel{n}_tflite_2019_int8.csv") for n in (1, 2, 3)),
    *((f"pixel{n}/cpu@xnnpack-2020", "fp32", f"pixel{n}_xnnpack_2020.csv") for n in ("1", "2", "3a")),
)
#: Latencies that a small set has.
SMALL: Final = 6

_ERRORS: Final = "mean abs. error | mean error"

_ABOUT = (
    "One large core, TensorFlow Lite, against the latencies that tensorflow/models, tensorflow/tensorflow and",
    "mingxingtan/mnasnet and google/XNNPACK published (`hardware_profiles/measurements`). **Not calibrated**: the",
    "rates are those of another phone's core (Cortex-A76, TFLite 2.1), scaled by clock, vector width and",
    "bandwidth; none of the latencies below went into them. MobileNet V3 was published a year and a half after V1",
    "and V2 and runs 15 % faster than they would have it: its rows are a runtime of their own (`tflite-2019`).",
    "The int8 latency of MobileNet V2 on the Pixel 2 is larger than that of V1, which has twice the MACs: it is",
    "shown, and not fitted to.",
)
_CALIBRATED = (
    "**Calibrated.** Every row is predicted by a fit without it (leave one out), without all rows of its width, or",
    f"by a fit to {SMALL} rows alone. Those {SMALL} are chosen before any latency is looked at: the configurations",
    "whose counts, under the prior, say most about the rates (D-optimal). Rates have a prior that they share: one",
    "factor for all that compute, one for all that move data (standard deviation 100 %), and 50 % of their own.",
    "What remains sits in two rows of the Pixel 1: MobileNet V2 0.75 at 128 and 96 pixels, predicted 12 and 14 %",
    "too fast. They are out of line with the widths beside them, as MnasNet-A1 0.75 at 96 pixels is in another",
    "table of that phone; why is not known. They are why MobileNet V2's 3.02 % is no better than the 2.97 % of a",
    "line through MACs, bytes and a constant of this grid's own, which says nothing about other networks.",
    "The form was chosen by the leave-one-out errors of these grids: with the filter's bytes counted once instead",
    "of three times they are 3.6, 3.2 and 3.1 % (V2, V1, V1 on the Pixel 2), without the tiles' start",
    "3.2, 2.3 and 1.9 %. Dropped: tiles of 8 and 12, caches as thresholds on activations,",
    "a cost an operator, rates of their own for the inputs of products.",
)
_TRANSFER = (
    "**Carried over**: a fit to some networks predicts others, which it has not seen a row of. MnasNet-A1, of",
    "another paper and with squeeze-and-excite, was scored once, with the form as it is.",
)
_OPERATORS = (
    "**Operators.** A TFLite profile of ProxylessNAS-Mobile on a Pixel 1, one thread, and the blocks' table of the",
    "same authors (mit-han-lab/proxylessnas), against the calibration that ships, which saw whole networks of",
    "another kind only. The two do not agree with each other: the classifier takes 0.31 ms as a block and 1.48 ms",
    "in the profile of the network, as if the weights of late blocks, timed alone, had stayed in the cache; blocks",
    "at 56 pixels and more take a third longer than predicted.",
)


class Table(NamedTuple):
    """A published table: its rows and what they make the target do."""

    target: Target
    rows: list[Measurement]
    work: Work
    priors: Any

    def chosen(self, *networks: str) -> Any:
        """Which rows are of these networks."""
        return np.array([row.architecture in networks for row in self.rows])


def read_table(name: str, precision: str, file: str) -> Table:
    """A published table and its counts."""
    target = resolve_target(name, precision=precision)
    rows = read_measurements(_FOLDER / file)[0]
    rates = latency_model(target)[2]
    return Table(target, rows, work_of(rows, target), np.array([float(rate.seconds) for rate in rates.values()]))


def _settings(table: Table) -> Mapping[str, Any]:
    return prior_of(latency_model(table.target)[1])


def not_calibrated(table: Table) -> Iterator[str]:
    """Markdown rows: each network of a table, predicted from the phone's facts."""
    runtime, _, _ = latency_model(table.target)
    low, high = (bound.value for bound in runtime.interval(table.target.processor.model, table.target.precision))
    ratios = table.work.counts @ table.priors / table.work.measured_s
    for network in dict.fromkeys(row.architecture for row in table.rows):
        mine = ratios[table.chosen(network)]
        inside = np.mean((mine * low <= 1) & (mine * high >= 1))
        found = residuals(mine)
        yield (
            f"| {network} | {table.target.name}, {table.target.precision} | {len(mine)} | {found.mape:.1%} | "
            f"{found.bias:+.1%} | {found.hit10:.0%} | {found.hit20:.0%} | {inside:.0%} |"
        )


def informative(table: Table, chosen: Any, number: int) -> Any:
    """The rows of `chosen` that say most about the rates, by their counts and priors alone."""
    prior = _settings(table)
    covariance = np.eye(len(table.priors)) * prior["prior_sd"] ** 2 + prior["shared"]
    places = np.flatnonzero(chosen)
    times = table.work.counts[places] * table.priors
    taken = np.zeros(len(chosen), dtype=bool)
    taken[places[d_optimal(times / times.sum(axis=1, keepdims=True), number, covariance=covariance)]] = True
    return taken


def held_out(table: Table, network: str) -> Iterator[str]:
    """Markdown rows of the calibrated form on one network's grid."""
    chosen = table.chosen(network)
    widths = np.array([row.alpha for row in table.rows])
    label = f"| {network} | {table.target.name}, {table.target.precision} |"
    counts, measured = table.work.counts[chosen], table.work.measured_s[chosen]
    yield _row(f"{label} leave one out |", leave_one_out(counts, measured, table.priors, **_settings(table)))
    ratios = [
        _ratios(table, chosen & (widths != width), chosen & (widths == width))
        for width in dict.fromkeys(widths[chosen])
    ]
    yield _row(f"{label} leave one width out |", np.concatenate(ratios))
    few = informative(table, chosen, SMALL)
    names = ", ".join(f"{row.alpha:g}/{row.resolution}" for row, used in zip(table.rows, few, strict=True) if used)
    yield _row(f"{label} {SMALL} rows: {names} |", _ratios(table, few, chosen & ~few))


def _ratios(table: Table, fitted: Any, predicted: Any) -> Any:
    """Predicted over measured latency of some rows, by a fit to others."""
    counts, measured = table.work.counts, table.work.measured_s
    rates = fit(counts[fitted], measured[fitted], table.priors, **_settings(table)).rates
    return counts[predicted] @ rates / measured[predicted]


def _row(label: str, ratios: Any) -> str:
    found = residuals(ratios)
    return f"{label} {len(ratios)} | {found.mape:.1%} | {found.bias:+.1%} | {found.hit5:.0%} | {found.hit10:.0%} |"


def carried_over(tables: Mapping[str, Table]) -> Iterator[str]:
    """Markdown rows: fits to some networks of a target, and how they predict others."""
    grids, mnasnet = tables[_PIXEL1], tables["pixel1_tflite_2018_mnasnet.csv"]
    v1, v2 = grids.chosen("mobilenet_v1"), grids.chosen("mobilenet_v2")
    yield _row("| mobilenet_v2 | mobilenet_v1 | pixel1/cpu@tflite-2018, fp32 |", _ratios(grids, v2, v1))
    yield _row("| mobilenet_v1 | mobilenet_v2 | pixel1/cpu@tflite-2018, fp32 |", _ratios(grids, v1, v2))
    rates = fit(*_fitted(grids, v1 | v2), **_settings(grids)).rates
    late = tables["pixel1_tflite_2019.csv"]
    for label, table in (
        ("mnasnet_a1 | pixel1/cpu@tflite-2018", mnasnet), ("mobilenet_v3_* | pixel1/cpu@tflite-2019", late)
    ):  # fmt: skip
        ratios = table.work.counts @ rates / table.work.measured_s
        yield _row(f"| mobilenet_v1, mobilenet_v2 | {label}, fp32 |", ratios)
    second = tables["pixel2_tflite_2018.csv"]
    v1 = second.chosen("mobilenet_v1")
    for other in ("mobilenet_v2", "densenet121"):
        ratios = _ratios(second, v1, second.chosen(other))
        yield _row(f"| mobilenet_v1 | {other} | pixel2/cpu@tflite-2018, fp32 |", ratios)


def _fitted(table: Table, chosen: Any) -> tuple[Any, Any, Any]:
    return table.work.counts[chosen], table.work.measured_s[chosen], table.priors


def operators() -> list[str]:
    """Lines about the operators and blocks of ProxylessNAS-Mobile."""
    target = resolve_target("pixel1/cpu@tflite-2018")
    profile = timed_kernels("pixel1_proxylessnas_operators.csv", target)
    blocks = timed_kernels("pixel1_proxylessnas_blocks.csv", target)
    kinds = [kind_of(row) for row in profile.rows]
    lines = ["| operators | number | measured ms | predicted ms | measured share | predicted share | mean abs. error |"]
    lines.append("|---|---|---|---|---|---|---|")
    total = profile.predicted.sum() / profile.measured.sum()
    for kind in dict.fromkeys(kinds):
        mine = np.array([kind == other for other in kinds])
        measured, predicted = profile.measured[mine], profile.predicted[mine]
        lines.append(
            f"| {kind} | {mine.sum()} | {1e3 * measured.sum():.2f} | {1e3 * predicted.sum():.2f} | "
            f"{measured.sum() / profile.measured.sum():.1%} | {predicted.sum() / profile.predicted.sum():.1%} | "
            f"{np.abs(predicted / measured - 1).mean():.0%} |"
        )
    tau = kendall_tau(profile.predicted, profile.measured)
    sums = f"{1e3 * profile.measured.sum():.1f} ms measured, {1e3 * profile.predicted.sum():.1f} ms predicted"
    lines += [
        "",
        f"All {len(kinds)} operators: {sums} ({total - 1:+.1%}); Kendall's tau of the operators' times {tau:.2f}.",
    ]
    found = residuals(blocks.predicted / blocks.measured)
    lines.append(
        f"{len(blocks.rows)} blocks: mean abs. error {found.mape:.1%}, mean error {found.bias:+.1%}, Kendall's tau "
        f"{kendall_tau(blocks.predicted, blocks.measured):.2f}."
    )
    return lines


class Timed(NamedTuple):
    """Measured kernels and their predicted times [s]."""

    rows: list[Measurement]
    measured: Any
    predicted: Any


def timed_kernels(file: str, target: Target) -> Timed:
    """Published times of operators or blocks, and what the calibration that ships predicts."""
    rows = read_measurements(_FOLDER / "kernels" / file)[0]
    work = work_of(rows, target)
    rates = prepare(target).rates.values()
    return Timed(rows, work.measured_s, work.counts @ np.array([float(rate.seconds) for rate in rates]))


def kind_of(row: Measurement) -> str:
    """The class that an operator is counted under."""
    layer = mbcost.build_graph(row.spec()).layers[0]
    if layer.op == "conv2d":
        return "1x1 convolution" if layer.operator.kernel == (1, 1) else "first convolution"  # type: ignore[attr-defined]
    return {"depthwise_conv2d": "depthwise", "global_avg_pool": "pooling", "dense": "classifier"}.get(
        layer.op, layer.op
    )


def kendall_tau(first: Any, second: Any) -> float:
    """Kendall's tau-b: 1 where both order the values alike, ties counted in neither."""
    x, y = (np.sign(np.subtract.outer(values, values)) for values in (np.asarray(first), np.asarray(second)))
    return float((x * y).sum() / np.sqrt((x**2).sum() * (y**2).sum()))


def every_row(tables: Sequence[Table]) -> Iterator[str]:
    """Markdown rows: every published latency, predicted without and with the calibration that ships."""
    for table in tables:
        shipped = prepare(table.target).rates.values()
        counts, measured = table.work.counts, table.work.measured_s
        calibrated = counts @ np.array([float(rate.seconds) for rate in shipped])
        for row, raw, fitted, seconds in zip(table.rows, counts @ table.priors, calibrated, measured, strict=True):
            with_it = "" if np.isclose(raw, fitted) else f"{fitted * 1e3:.1f} | {fitted / seconds - 1:+.0%}"
            yield (
                f"| {row.name} | {table.target.name}, {table.target.precision} | {seconds * 1e3:g} | {raw * 1e3:.1f} | "
                f"{raw / seconds - 1:+.0%} | {with_it or ' | '} |"
            )


def section() -> list[str]:
    """The lines of the section."""
    tables = {file: read_table(*entry, file) for *entry, file in TABLES}
    grids = (
        (_PIXEL1, "mobilenet_v2"), (_PIXEL1, "mobilenet_v1"),
        ("pixel2_tflite_2018.csv", "mobilenet_v1"), ("pixel2_tflite_2018_int8.csv", "mobilenet_v1"),
    )  # fmt: skip
    return [
        "## Pixel phones, CPU",
        "",
        *_ABOUT,
        "",
        f"| network | target | configurations | {_ERRORS} | within 10 % | within 20 % | within the interval |",
        "|---|---|---|---|---|---|---|---|",
        *(line for table in tables.values() for line in not_calibrated(table)),
        "",
        *_CALIBRATED,
        "",
        f"| network | target | fitted to | predicted | {_ERRORS} | within 5 % | within 10 % |",
        "|---|---|---|---|---|---|---|---|",
        *(line for file, network in grids for line in held_out(tables[file], network)),
        "",
        *_TRANSFER,
        "",
        f"| fitted to | predicted | target | configurations | {_ERRORS} | within 5 % | within 10 % |",
        "|---|---|---|---|---|---|---|---|",
        *carried_over(tables),
        "",
        *_OPERATORS,
        "",
        *operators(),
        "",
        "Every row, without and with the calibration that ships (its own rows included):",
        "",
        "| network | target | published ms | predicted ms | error | calibrated ms | error |",
        "|---|---|---|---|---|---|---|",
        *every_row(list(tables.values())),
    ]
