"""Networks in the layout of Accel-NASBench's table as architectures: MnasNet's space, seven stages of MBConv blocks.

Ahmad et al., Accel-NASBench. A stage has an expansion e, a depthwise window k, l layers and a flag for
squeeze-and-excite; widths and strides are the space's own.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from mbcost.architectures import ArchitectureSpec
from mbcost.importers.imported import INPUT, ImportedLayer, imported_spec
from mbcost.operators import (
    Add,
    BatchNorm,
    Conv2d,
    Dense,
    DepthwiseConv2d,
    GlobalAvgPool,
    HardSigmoid,
    Multiply,
    Operator,
    Relu,
    TensorShape,
)

#: Output channels of each stage, and the stride of its first block.
STAGES: Final = ((16, 1), (24, 2), (40, 2), (80, 2), (112, 1), (192, 2), (320, 1))
STEM_CHANNELS: Final = 32
HEAD_CHANNELS: Final = 1280
CLASSES: Final = 1000
RESOLUTION: Final = 224
SQUEEZE: Final = 4


class Stage(NamedTuple):
    """Expansion, depthwise window, layers, and whether its blocks have squeeze-and-excite."""

    expansion: int
    window: int
    layers: int
    excite: bool


@dataclass(frozen=True, slots=True)
class Measurement:
    """One network of the table.

    Attributes
    ----------
    params
        As printed, in millions.
    measured_s
        Device -> latency [s]; devices without one are left out.
    """

    name: str
    stages: tuple[Stage, ...]
    params: float
    measured_s: Mapping[str, float]


def read_measurements(path: Path, devices: tuple[str, ...]) -> list[Measurement]:
    """The networks of a table.

    Raises
    ------
    SystemExit
        If it lacks a column, or for a cell that is not what its column holds.
    """
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        wanted = ["id", *(f"block{i}_{key}" for i in range(len(STAGES)) for key in ("e", "k", "l", "se"))]
        missing = [name for name in wanted if name not in (reader.fieldnames or ())]
        if missing:
            raise SystemExit(f"{path}: no column {', '.join(missing)}")
        found = []
        for row in reader:
            try:
                found.append(_measurement(row, devices))
            except ValueError as error:
                raise SystemExit(f"{path}:{reader.line_num}: {error}") from None
    return found


def _measurement(row: Mapping[str, str], devices: tuple[str, ...]) -> Measurement:
    stages = tuple(
        Stage(*(int(row[f"block{i}_{key}"]) for key in ("e", "k", "l")), _flag(row[f"block{i}_se"]))
        for i in range(len(STAGES))
    )
    latencies = {device: _number(row.get(f"latency_{device}_mean")) / 1e3 for device in devices}
    measured = {device: value for device, value in latencies.items() if value > 0}
    return Measurement(row["id"], stages, _number(row.get("params")), measured)


def _number(text: str | None) -> float:
    """NaN for an empty or missing cell."""
    return float(text) if text else math.nan


def _flag(text: str) -> bool:
    known = {"true": True, "1": True, "false": False, "0": False}
    if text.strip().lower() not in known:
        raise ValueError(f"`{text}` is neither True nor False")
    return known[text.strip().lower()]


class _Layers:
    """Layers so far; each is named by its number and its operator."""

    def __init__(self) -> None:
        self.layers: list[ImportedLayer] = []
        self.last = INPUT

    def add(self, operator: Operator, *inputs: str) -> str:
        sources = inputs or (self.last,)
        self.last = f"{operator.op}_{len(self.layers)}"
        self.layers.append(ImportedLayer(self.last, operator, sources))
        return self.last

    def conv(self, out: int, window: int = 1, stride: int = 1, *, relu: bool = True) -> None:
        self.add(Conv2d(out, (window, window), (stride, stride)))
        self.add(BatchNorm())
        if relu:
            self.add(Relu())


def network(name: str, stages: tuple[Stage, ...]) -> ArchitectureSpec:
    """The architecture of one row."""
    layers = _Layers()
    layers.conv(STEM_CHANNELS, 3, 2)
    channels = STEM_CHANNELS
    for stage, (out, stride) in zip(stages, STAGES, strict=True):
        for position in range(stage.layers):
            _block(layers, stage, channels, out, stride if position == 0 else 1)
            channels = out
    layers.conv(HEAD_CHANNELS)
    layers.add(GlobalAvgPool())
    layers.add(Dense(CLASSES))
    return imported_spec(
        layers.layers,
        name=f"accel_nasbench_{name}",
        source="Accel-NASBench",
        origin=name,
        input_shape=TensorShape(RESOLUTION, RESOLUTION, 3),
    )


def _block(layers: _Layers, stage: Stage, channels: int, out: int, stride: int) -> None:
    """[1x1 expansion], depthwise, [squeeze-and-excite], 1x1 projection, and the residual where shapes allow it."""
    start, wide = layers.last, channels * stage.expansion
    if stage.expansion > 1:
        layers.conv(wide)
    layers.add(DepthwiseConv2d((stage.window, stage.window), (stride, stride)))
    layers.add(BatchNorm())
    body = layers.add(Relu())
    if stage.excite:
        layers.add(GlobalAvgPool())
        layers.add(Conv2d(channels // SQUEEZE, bias=True))
        layers.add(Relu())
        layers.add(Conv2d(wide, bias=True))
        gate = layers.add(HardSigmoid())
        layers.add(Multiply(), body, gate)
    layers.conv(out, relu=False)
    if stride == 1 and channels == out:
        layers.add(Add(), layers.last, start)
