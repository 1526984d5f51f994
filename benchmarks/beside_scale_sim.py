"""Systolic arrays beside SCALE-Sim: cycles and time a layer, on layers of MobileNet V1.

python benchmarks/beside_scale_sim.py --python VENV/bin/python --json OUT

SCALE-Sim 3.0.0 wants numpy below 2.4, so it has an environment of its own (`pip install scalesim 'numpy<2.4'`). Maps
are padded by hand, since its layers have none; a depthwise layer is given as one of its channels.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from mbcost.devices.types import Dataflow
from mbcost.files import write_text
from mbcost.latency.forms.systolic import SystolicArray, fold_cycles

SIDE: Final = 32
#: Name, input height and width with padding, window, input and output channels: stride 1.
LAYERS: Final = (
    ("pointwise 14x14x512", 14, 1, 512, 512),
    ("pointwise 7x7x1024", 7, 1, 1024, 1024),
    ("depthwise 14x14", 16, 3, 1, 1),
    ("depthwise 7x7", 9, 3, 1, 1),
)
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


def scale_sim(python: Path, dataflow: str) -> tuple[list[int], float]:
    """Cycles of each layer, and the seconds that the whole run took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sections = {**_SECTIONS, "architecture_presets": {**_SECTIONS["architecture_presets"], "Dataflow": dataflow}}
        lines = []
        for title, keys in sections.items():
            lines += [f"[{title}]", *(f"{key} : {value}" for key, value in keys.items())]
        (folder / "a.cfg").write_text("\n".join(lines) + "\n", encoding="utf-8")
        head = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"
        rows = [f"layer{i},{h},{h},{k},{k},{c},{n},1," for i, (_, h, k, c, n) in enumerate(LAYERS)]
        (folder / "t.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
        command = [
            str(python),
            "-m",
            "scalesim.scale",
            "-c",
            "a.cfg",
            "-t",
            "t.csv",
            "-l",
            "t.csv",
            "-p",
            "out",
            "-s",
            "N",
        ]
        start = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        seconds = time.perf_counter() - start
        with next(folder.rglob("COMPUTE_REPORT.csv")).open(encoding="utf-8") as stream:
            table = csv.DictReader(stream, skipinitialspace=True)
            return [int(float(row["Total Cycles"])) + 1 for row in table], seconds  # it counts from 0


def mbcost_cycles(dataflow: Dataflow) -> tuple[list[int], float]:
    """The same from the form, and the seconds of one pass over the layers."""
    array = SystolicArray(dataflow, SIDE, SIDE, 0)
    products = [((h - k + 1) ** 2, n, k * k * c) for _, h, k, c, n in LAYERS]
    passes = 10_000
    start = time.perf_counter()
    for _ in range(passes):
        found = [fold_cycles(array, *product) for product in products]
    return found, (time.perf_counter() - start) / passes


def main() -> int:
    """Compare every dataflow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, required=True, help="of the environment with SCALE-Sim")
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    arguments = parser.parse_args()
    results = []
    for short, dataflow in DATAFLOWS.items():
        theirs, slow = scale_sim(arguments.python, short)
        ours, fast = mbcost_cycles(dataflow)
        for (name, *_), cycles, expected in zip(LAYERS, ours, theirs, strict=True):
            print(f"{dataflow:18} {name:20} {cycles:8,} cycles, SCALE-Sim {expected:8,}  {cycles / expected - 1:+.2%}")
            results.append({"dataflow": dataflow, "layer": name, "cycles": cycles, "scale_sim": expected})
        print(f"{dataflow:18} {slow / len(LAYERS):.2f} s a layer with SCALE-Sim, {slow / fast:,.0f} times as long")
        results.append({"dataflow": dataflow, "speed_ratio": slow / fast})
    write_text(arguments.json, json.dumps({"results": results}, indent=2) + "\n", force=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
