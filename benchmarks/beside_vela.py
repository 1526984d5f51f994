"""Ethos-U55-256 beside Vela, Arm's compiler: estimated cycles layer by layer and in all.

python benchmarks/beside_vela.py --vela VENV/bin/vela --json reports/beside_vela.json

Vela has an environment of its own (`pip install ethos-u-vela`). The networks are the shipped tables, written as int8
TensorFlow Lite files with the tests' writer (its packages come with the test extra). Their weights are drawn evenly
from -127 to 127, so that Vela's compression of weights has nothing to gain and does not enter. The form was derived
from the unit's facts and from Vela's list for MobileNet V1; the other networks were only checked, once, after that.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

import mbcost
from mbcost.files import write_text

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.importers.tflite.build import Model
from tests.importers.tflite.from_table import Writer

DERIVED_ON: Final = ("mobilenet_v1",)
CHECKED_ON: Final = (
    "mobilenet_v2",
    "mobilenet_v3_large",
    "resnet18",
    "squeezenet1_1",
    "efficientnet_lite0",
    "mnasnet_b1",
)
DEVICE: Final = "ethos_u55_256"
#: The system that the profile describes.
SYSTEM: Final = (
    *("--accelerator-config", "ethos-u55-256", "--config", "Arm/vela.ini"),
    *("--system-config", "Ethos_U55_High_End_Embedded", "--memory-mode", "Shared_Sram"),
)
CLOCK_HZ: Final = 500e6


class Quantised(Model):
    """A model whose tensors have scales, as quantised ones do; weights that no compression makes smaller."""

    def tensor(self, shape: Sequence[int], name: str = "", dtype: str | None = None, *more: Any, **named: Any) -> int:
        named.setdefault("quantization", (0.02, 0) if (dtype or self.dtype) == "INT8" else None)
        return super().tensor(shape, name, dtype, *more, **named)

    def weights(self, *shape: int) -> int:
        """Weights, or biases where there is one dimension."""
        if len(shape) == 1:
            return self.tensor(shape, dtype="INT32", data=bytes(4 * shape[0]), quantization=(0.0004, 0))
        drawn = np.random.default_rng(len(self.tensors)).integers(-127, 128, math.prod(shape))
        return self.tensor(shape, data=drawn.astype(np.int8).tobytes())

    def raw(self, name: str, inputs: Sequence[int], outputs: Sequence[int], **options: Any) -> None:
        """An operator; Vela wants the options that have no default."""
        if name == "SOFTMAX":
            options = {"kind": "SoftmaxOptions", "Beta": 1.0}
        if name == "RESHAPE":
            options = {"kind": "ReshapeOptions", "NewShape": list(self.shape(outputs[0]))}
        super().raw(name, inputs, outputs, **options)


class QuantisedWriter(Writer):
    """Writes such models."""

    model_type = Quantised


class Row(NamedTuple):
    """A row of Vela's list: the tensor that it makes, and the cycles that count of it."""

    name: str
    cycles: float


def vela(command: Path, content: bytes) -> tuple[list[Row], float]:
    """Vela's list of a network, and the seconds that it took."""
    with tempfile.TemporaryDirectory() as name:
        model = Path(name) / "network.tflite"
        model.write_bytes(content)
        start = time.perf_counter()
        subprocess.run(
            [str(command), str(model), *SYSTEM, "--verbose-performance", "--output-dir", name],
            check=True,
            capture_output=True,
        )
        seconds = time.perf_counter() - start
        with (Path(name) / "network_per-layer.csv").open(encoding="utf-8") as stream:
            return [Row(row["Name"], float(row["Op Cycles"])) for row in csv.DictReader(stream)], seconds


def compare(command: Path, network: str) -> dict[str, Any]:
    """Both estimates of a network.

    A row of Vela's belongs to the kernel that makes its tensor, or to the next one that is named if no kernel does;
    kernels that Vela has no row for (it fuses more, or less) are taken together with the next that it has.
    """
    analysis = mbcost.analyze(network, DEVICE, calibration=False)
    writer = QuantisedWriter(analysis.layer_graph, dtype="INT8", hard_swish="builtin", filled=False, pad_first=False)
    rows, seconds = vela(command, writer.write())
    start = time.perf_counter()
    mbcost.analyze(network, DEVICE, calibration=False)
    own_seconds = time.perf_counter() - start
    made = {writer.model.tensors[tensor][0]: position for position, tensor in writer.tensors.items()}
    cycles_of: dict[int, float] = {}
    waiting = 0.0
    for row in rows:
        waiting += row.cycles
        if row.name in made:
            cycles_of[made[row.name]] = cycles_of.get(made[row.name], 0.0) + waiting
            waiting = 0.0
    layers: list[dict[str, Any]] = []
    names: list[str] = []
    own = theirs = 0.0
    for kernel, estimate in zip(analysis.kernels, analysis.estimates, strict=True):
        own += estimate.latency_s * CLOCK_HZ
        names.append(kernel.name)
        found = [cycles_of.pop(position) for position in kernel.layers if position in cycles_of]
        theirs = sum(found)
        if found:
            layers.append({"layer": " + ".join(names), "cycles": round(own), "vela": round(theirs)})
            own, names = 0.0, []
    total = round(analysis.latency_s * CLOCK_HZ)
    expected = round(sum(row.cycles for row in rows))
    return {
        "network": network,
        "role": "derived" if network in DERIVED_ON else "checked",
        "cycles": total,
        "vela": expected,
        "difference": total / expected - 1,
        "mbcost_s": own_seconds,
        "vela_s": seconds,
        "layers": layers,
    }


def main() -> int:
    """Compare every network; 1 if MobileNet V1's total differs by more than 10 %."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vela", type=Path, required=True, help="the command")
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    parser.add_argument("--networks", nargs="+", default=[*DERIVED_ON, *CHECKED_ON])
    arguments = parser.parse_args()
    networks = []
    for name in arguments.networks:
        found = compare(arguments.vela, name)
        for layer in found["layers"]:
            ratio = layer["cycles"] / layer["vela"] - 1 if layer["vela"] else float("nan")
            print(f"  {layer['layer'][:60]:60} {layer['cycles']:10,} {layer['vela']:10,}  {ratio:+.1%}")
        print(
            f"{name} ({found['role']}): {found['cycles']:,} cycles, Vela {found['vela']:,}, {found['difference']:+.1%}"
        )
        networks.append(found)
    result = {"device": DEVICE, "system": " ".join(SYSTEM), "vela": "5.2.0", "networks": networks}
    write_text(arguments.json, json.dumps(result, indent=1) + "\n", force=True)
    return int(any(abs(found["difference"]) > 0.1 for found in networks if found["network"] in DERIVED_ON))


if __name__ == "__main__":
    sys.exit(main())
