"""Systolic arrays beside SCALE-Sim: cycles of every layer of MobileNet V1 in three dataflows, and time a layer.

python benchmarks/beside_scale_sim.py --python VENV/bin/python --json reports/beside_scale_sim.json

SCALE-Sim 3.0.0 wants numpy below 2.4, so it has an environment of its own (`pip install scalesim 'numpy<2.4'`). Maps
are padded by hand, since its layers have none; a depthwise layer is given as one of its channels, whose cycles are
multiplied by their number. Layers of the same shape are simulated once. Each of SCALE-Sim's times is that of a whole
run over all of these layers, its start included, by their number.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import mbcost
from mbcost.devices.types import Dataflow
from mbcost.files import write_text
from mbcost.graph import Layer, build_graph
from mbcost.kernels import load_runtime, map_to_kernels
from mbcost.latency.forms.systolic import SystolicArray, cycles

SIDE: Final = 32
DATAFLOWS: Final[dict[str, Dataflow]] = {
    "os": "output_stationary",
    "ws": "weight_stationary",
    "is": "input_stationary",
}
_SECTIONS: Final = {
    "general": {"run_name": "run"},
    "architecture_presets": {
        "ArrayHeight": SIDE, "ArrayWidth": SIDE, "IfmapSramSzkB": 1024, "FilterSramSzkB": 1024, "OfmapSramSzkB": 1024,
        "IfmapOffset": 0, "FilterOffset": 10_000_000, "OfmapOffset": 20_000_000, "Bandwidth": 100,
        "ReadRequestBuffer": 64, "WriteRequestBuffer": 64, "MemoryBanks": 1,
    },
    "layout": {
        f"{kind}{name}": value
        for kind in ("Ifmap", "Filter")
        for name, value in {
            "CustomLayout": False, "SRAMBankBandwidth": 10, "SRAMBankNum": 10, "SRAMBankPort": 2,
        }.items()
    },
    "sparsity": {
        "SparsitySupport": "false", "SparseRep": "ellpack_block", "OptimizedMapping": "false", "BlockSize": 8,
        "RandomNumberGeneratorSeed": 40,
    },
    "run_presets": {"InterfaceBandwidth": "CALC", "UseRamulatorTrace": False},
}  # fmt: skip


class Shape(NamedTuple):
    """A layer as SCALE-Sim's table has it: extent of the padded map, window, stride and channels."""

    height: int
    width: int
    window: int
    stride: int
    channels: int
    filters: int


def shape_of(layer: Layer) -> tuple[Shape, int]:
    """A layer's shape, and how many of it there are: one a channel of a depthwise layer."""
    height, width, channels = layer.input_shapes[0]
    if layer.op == "dense":
        return Shape(1, 1, 1, 1, channels, layer.output_shape.channels), 1
    window, stride = layer.operator.kernel[0], layer.operator.stride[0]  # type: ignore[attr-defined]
    out = layer.output_shape
    height, width = ((extent - 1) * stride + window for extent in (out.height, out.width))
    if layer.op == "depthwise_conv2d":
        return Shape(height, width, window, stride, 1, 1), channels
    return Shape(height, width, window, stride, channels, out.channels), 1


def scale_sim(python: Path, dataflow: str, shapes: Sequence[Shape]) -> tuple[list[int], float]:
    """Cycles of each shape, and the seconds that the whole run took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sections = {**_SECTIONS, "architecture_presets": {**_SECTIONS["architecture_presets"], "Dataflow": dataflow}}
        lines = []
        for title, keys in sections.items():
            lines += [f"[{title}]", *(f"{key} : {value}" for key, value in keys.items())]
        (folder / "a.cfg").write_text("\n".join(lines) + "\n", encoding="utf-8")
        head = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"
        rows = [
            f"layer{i},{s.height},{s.width},{s.window},{s.window},{s.channels},{s.filters},{s.stride},"
            for i, s in enumerate(shapes)
        ]
        (folder / "t.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
        module = [str(python), "-m", "scalesim.scale"]
        start = time.perf_counter()
        subprocess.run(
            [*module, "-c", "a.cfg", "-t", "t.csv", "-l", "t.csv", "-p", "out", "-s", "N"],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        seconds = time.perf_counter() - start
        with next(folder.rglob("COMPUTE_REPORT.csv")).open(encoding="utf-8") as stream:
            table = csv.DictReader(stream, skipinitialspace=True)
            return [int(float(row["Total Cycles"])) + 1 for row in table], seconds  # it counts from 0


def main() -> int:
    """Compare every dataflow; 1 if a layer's cycles differ by more than 2 % or the ratio of times is below 1,000."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, required=True, help="of the environment with SCALE-Sim")
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    arguments = parser.parse_args()
    graph = build_graph(mbcost.load("mobilenet_v1"))
    kernels = [
        kernel
        for kernel in map_to_kernels(graph, load_runtime("edgetpu"), element_bytes=1)
        if kernel.op in {"conv2d", "depthwise_conv2d", "dense"}
    ]
    given = [shape_of(kernel.main) for kernel in kernels]
    shapes = list(dict.fromkeys(shape for shape, _ in given))
    dataflows = []
    for short, dataflow in DATAFLOWS.items():
        simulated, slow = scale_sim(arguments.python, short, shapes)
        cycles_of = dict(zip(shapes, simulated, strict=True))
        array = SystolicArray(dataflow, SIDE, SIDE, 0)
        passes = 200
        start = time.perf_counter()
        for _ in range(passes):
            found = [cycles(array, kernel) for kernel in kernels]
        fast = (time.perf_counter() - start) / passes
        layers = []
        for kernel, ours, (shape, times) in zip(kernels, found, given, strict=True):
            theirs = cycles_of[shape] * times
            layers.append({"layer": kernel.name, "cycles": int(ours), "scale_sim": theirs})
            print(f"{dataflow:18} {kernel.name:20} {ours:12,} cycles, SCALE-Sim {theirs:12,}  {ours / theirs - 1:+.2%}")
        ratio = (slow / len(shapes)) / (fast / len(kernels))
        worst = max(abs(row["cycles"] / row["scale_sim"] - 1) for row in layers)
        print(f"{dataflow}: {slow / len(shapes):.2f} s a layer with SCALE-Sim, {ratio:,.0f} times as long")
        dataflows.append(
            {
                "dataflow": dataflow,
                "layers": len(layers),
                "simulated_layers": len(shapes),
                "largest_difference": worst,
                "scale_sim_s_per_layer": slow / len(shapes),
                "mbcost_s_per_layer": fast / len(kernels),
                "time_ratio": ratio,
                "cycles": layers,
            }
        )
    result = {"network": "mobilenet_v1", "array": [SIDE, SIDE], "scale_sim": "3.0.0", "dataflows": dataflows}
    write_text(arguments.json, json.dumps(result, indent=1) + "\n", force=True)
    return int(any(entry["largest_difference"] > 0.02 or entry["time_ratio"] < 1000 for entry in dataflows))


if __name__ == "__main__":
    sys.exit(main())
