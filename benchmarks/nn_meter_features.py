"""What models simpler than the forms of mbcost count: the ladder of baselines of the accuracy report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np

from mbcost.calibration.fit import fit
from mbcost.kernels import Kernel
from mbcost.numeric import round_up

#: Classes of kernels that have a compute roof of their own.
CLASSES: Final = ("kxk", "pointwise", "depthwise", "dense")
#: MACs a byte at which a roofline's roofs meet, to choose from.
BALANCES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
#: Rows and columns of a matrix product are rounded up to this.
TILE: Final = 8

FEATURES: Final = (
    "macs",
    "kernels",
    "activation_bytes",
    "weight_bytes",
    "im2col_bytes",
    *(f"macs_{name}" for name in CLASSES),
    *(f"tiles_{name}" for name in CLASSES),
    *(f"roof_{balance:g}" for balance in BALANCES),
)


def features(kernels: Iterable[Kernel]) -> list[float]:
    """The :data:`FEATURES` of a network."""
    found = dict.fromkeys(FEATURES, 0.0)
    for kernel in kernels:
        if kernel.kind == "view":
            continue
        activations = float((kernel.input_elements + kernel.output_elements) * kernel.element_bytes)
        weights = float(kernel.weight_elements * kernel.element_bytes)
        found["kernels"] += 1
        found["macs"] += kernel.macs
        found["activation_bytes"] += activations
        found["weight_bytes"] += weights
        found["im2col_bytes"] += kernel.main.cost.im2col_elements * kernel.element_bytes
        for balance in BALANCES:
            found[f"roof_{balance:g}"] += max(float(kernel.macs), balance * (activations + weights))
        if kernel.macs:
            name = _class_of(kernel)
            found[f"macs_{name}"] += kernel.macs
            found[f"tiles_{name}"] += _tiled(kernel, name)
    return list(found.values())


def _class_of(kernel: Kernel) -> str:
    if kernel.op == "dense":
        return "dense"
    if kernel.op == "depthwise_conv2d":
        return "depthwise"
    return "pointwise" if kernel.window == 1 else "kxk"


def _tiled(kernel: Kernel, name: str) -> float:
    """MACs with pixels and output channels in whole tiles; for depthwise convolutions, channels in whole vectors."""
    if name == "depthwise":
        return float(kernel.output_pixels * kernel.window * round_up(kernel.main.output_shape.channels, TILE))
    rows, columns, depth, groups = kernel.gemm()
    return float((1 if rows == 1 else round_up(rows, TILE)) * round_up(columns, TILE) * depth * groups)


class Baseline(NamedTuple):
    """A rung of the ladder: a name and the features that it has rates for."""

    name: str
    columns: tuple[str, ...]


_TRAFFIC: Final = ("activation_bytes", "weight_bytes", "kernels")
_ROOFS: Final = tuple(f"macs_{name}" for name in CLASSES)
_TILES: Final = tuple(f"tiles_{name}" for name in CLASSES)
LADDER: Final = (
    Baseline("MACs only", ("macs",)),
    Baseline("MACs + overhead a kernel", ("macs", "kernels")),
    Baseline("roofline of three parameters", ()),
    Baseline("a compute roof a class, traffic, overhead", (*_ROOFS, *_TRAFFIC)),
    Baseline("+ im2col", (*_ROOFS, *_TRAFFIC, "im2col_bytes")),
    Baseline("+ tiles of 8 x 8", (*_TILES, *_TRAFFIC, "im2col_bytes")),
)


def predict(baseline: Baseline, table: Any, measured_s: Any, train: Any, test: Any) -> Any:
    """Predicted over measured latency of the test networks, with rates fitted to the training networks.

    Fitted as mbcost's own rates are, but without priors. The roofline chooses its balance on the training networks.
    """
    if baseline.columns:
        return _ratios(table[:, [FEATURES.index(name) for name in baseline.columns]], measured_s, train, test)
    choices = [table[:, [FEATURES.index(f"roof_{balance:g}"), FEATURES.index("kernels")]] for balance in BALANCES]
    errors = [np.abs(_ratios(columns, measured_s, train, train) - 1).mean() for columns in choices]
    return _ratios(choices[int(np.argmin(errors))], measured_s, train, test)


def _ratios(columns: Any, measured_s: Any, train: Any, test: Any) -> Any:
    times = measured_s[train][:, None]
    present = columns[train] > 0
    alone = np.array([np.median(t[p] / c[p]) if p.any() else 0.0
                      for c, p, t in zip(columns[train].T, present.T, np.broadcast_to(times, present.shape).T,
                                         strict=True)])  # fmt: skip
    rates = fit(columns[train], measured_s[train], alone, prior_sd=100.0).rates
    return columns[test] @ rates / measured_s[test]
