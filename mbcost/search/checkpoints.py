"""Published checkpoints: the top-1 accuracy of trained configurations.

``published/`` has one file per network, each row with its source. They hold only for the tables that ship with mbcost,
with default options: the accuracy of another network of the same name is unknown.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from mbcost.architectures import ArchitectureSpec
from mbcost.architectures.loader import find_builtin
from mbcost.architectures.spec import OptionValue
from mbcost.graph import check_architecture
from mbcost.search.grid import Floats, Points

_FOLDER: Final = Path(__file__).parent / "published"
#: Checkpoints of 1000 ImageNet classes may have one class more, for the background.
_CLASSES: Final = (1000, 1001)


class Checkpoint(NamedTuple):
    """A trained configuration.

    Attributes
    ----------
    alpha, resolution, precision
        Width multiplier, height and width of the input [pixels]; ``fp32`` or ``int8``.
    top1
        Top-1 accuracy on ImageNet's validation set [%].
    source
        Where it was published.
    """

    alpha: float
    resolution: int
    precision: str
    top1: float
    source: str


@cache
def published_names() -> tuple[str, ...]:
    """Networks with published checkpoints, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.csv")))


@cache
def published(name: str) -> tuple[Checkpoint, ...]:
    """The published checkpoints of a network that mbcost knows; empty if there are none."""
    path = _FOLDER / f"{name}.csv"
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", newline="") as stream:
        return tuple(
            Checkpoint(
                float(row["alpha"]), int(row["resolution"]), row["precision"], float(row["top1_percent"]), row["source"]
            )
            for row in csv.DictReader(stream)
        )


def checkpoints_of(
    spec: ArchitectureSpec, precision: str, options: Mapping[str, OptionValue] | None = None
) -> tuple[Checkpoint, ...]:
    """The checkpoints of an architecture for a precision; float ones hold for every float precision.

    Parameters
    ----------
    options
        Options that differ from the table's, except the number of classes, make another network without checkpoints.
    """
    known = published(spec.name)
    if not known or find_builtin(spec.name, check_architecture) is not spec:
        return ()
    for name, value in (options or {}).items():
        usual = value in _CLASSES if name == "classes" else value == spec.options.get(name)
        if not usual:
            return ()
    wanted = "int8" if precision == "int8" else "fp32"
    return tuple(checkpoint for checkpoint in known if checkpoint.precision == wanted)


def published_points(spec: ArchitectureSpec, precision: str = "fp32") -> Points | None:
    """Widths and resolutions of an architecture's checkpoints, None if it has none."""
    known = checkpoints_of(spec, precision)
    if not known:
        return None
    alphas, sizes = zip(*((checkpoint.alpha, checkpoint.resolution) for checkpoint in known), strict=True)
    return Points(np.array(alphas), None, np.array(sizes, dtype=np.int64))


def interpolated_top1(known: tuple[Checkpoint, ...], alpha: Floats, resolution: Floats) -> Floats:
    """Top-1 of configurations interpolated between published ones [%]; NaN outside the published range.

    Linear in the logarithms of alpha, then of the resolution, between neighbouring checkpoints: monotone in both where
    the published figures are, and exact at them.
    """
    result = np.full(len(alpha), np.nan)
    sizes = sorted({checkpoint.resolution for checkpoint in known})
    lines = [_along_alpha([c for c in known if c.resolution == size], alpha) for size in sizes]
    for size, line in zip(sizes, lines, strict=True):
        here = resolution == size
        result[here] = line[here]
    for (low, below), (high, above) in zip(
        zip(sizes[:-1], lines[:-1], strict=True), zip(sizes[1:], lines[1:], strict=True), strict=True
    ):
        here = (low < resolution) & (resolution < high)
        share = np.log(resolution[here] / low) / np.log(high / low)
        result[here] = (1 - share) * below[here] + share * above[here]
    return result


def _along_alpha(known: list[Checkpoint], alpha: Floats) -> Floats:
    """Top-1 at one resolution [%]; NaN outside of the published widths."""
    ordered = sorted(known)
    widths, top1 = [c.alpha for c in ordered], [c.top1 for c in ordered]
    values: Floats = np.interp(np.log(alpha), np.log(widths), top1, left=np.nan, right=np.nan)
    for width, value in zip(widths, top1, strict=True):
        values[alpha == width] = value
    return values


def top1_of(known: tuple[Checkpoint, ...], alpha: Floats, resolution: Floats) -> Floats:
    """Published top-1 of configurations [%]; NaN where there is no checkpoint."""
    result = np.full(len(alpha), np.nan)
    for checkpoint in known:
        here = (alpha == checkpoint.alpha) & (resolution == checkpoint.resolution)
        result[here] = checkpoint.top1
    return result
