"""Networks of the Vitis AI performance tables, predicted by the rates that Accel-NASBench's networks gave.

python benchmarks/vitis_ai_zoo.py --data FILE --json OUT [--channel-augmentation]

Nothing is refitted but one time a board for what its host adds to a call: the tables are measured end to end, with
pre- and postprocessing of the host. Single-thread frames a second become milliseconds. Frames a second of several
threads bound the time on the unit: n cores that serve f frames a second spend at most n / f on each, so what one thread
takes beyond that is not the unit's. `--channel-augmentation` works the networks out on units with that option.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

import mbcost
from mbcost.files import write_text

#: Board and DPU of the table -> target.
BOARDS: Final = {
    ("ZCU102 (0432055-05)", "281MHz"): "zcu102",
    ("ZCU104", "300MHz"): "zcu104",
}


class Measured(NamedTuple):
    """Of a network on a board [ms]: a frame of one thread, and the most that it can take on a core of the unit."""

    frame_ms: float
    unit_ms: float | None


class Network(NamedTuple):
    """An architecture that ships with mbcost, at a width and resolution, with options."""

    architecture: str
    alpha: float = 1.0
    resolution: int | None = None
    options: Mapping[str, Any] = {}  # never changed


#: Name in the tables, by version -> the network. In 2.0 `Mobilenet_v1` is the 0.25, 128 pixels one of the model zoo.
NETWORKS: Final[Mapping[str, Mapping[str, Network]]] = {
    "2.5": {
        "mobilenet_v1_1_0_224_tf": Network("mobilenet_v1"),
        "mobilenet_v1_0_5_160_tf": Network("mobilenet_v1", 0.5, 160),
        "mobilenet_v1_0_25_128_tf": Network("mobilenet_v1", 0.25, 128),
        "mobilenet_v2_1_0_224_tf": Network("mobilenet_v2"),
        "mobilenet_v2_1_4_224_tf": Network("mobilenet_v2", 1.4),
        "Inception_v1_tf": Network("googlenet"),
    },
    "2.0": {
        "resnet18": Network("resnet18"),
        "resnet50": Network("resnet50"),
        "vgg_16": Network("vgg16"),
        "Inception_v1": Network("googlenet"),
        "SqueezeNet": Network("squeezenet1_1"),
    },
}
#: Named in the report, not scored: of what one thread takes, a quarter (ZCU102) and 43 % (ZCU104) at least is not spent
#: on the unit. Its pooling of 14x14x1000 and softmax come after the unit's last layer.
ON_THE_HOST: Final = ("SqueezeNet",)


def read(path: Path) -> dict[str, dict[str, Measured]]:
    """Board -> network -> milliseconds."""
    found: dict[str, dict[str, Measured]] = {name: {} for name in BOARDS.values()}
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            names = NETWORKS.get(row["vitis_ai_version"], {})
            for (board, clock), target in BOARDS.items():
                if row["model"] in names and row["board"] == board and clock in row["dpu"] and row["fps_single_thread"]:
                    key = f"{row['vitis_ai_version']} {row['model']}"
                    cores, many = int(row["dpu"].split("*")[0]), row["fps_multi_thread"]
                    unit_ms = cores * 1e3 / float(many) if many else None
                    found[target][key] = Measured(1e3 / float(row["fps_single_thread"]), unit_ms)
    return found


def board(name: str, *, augmented: bool) -> mbcost.Target:
    """The target of a board, with channel augmentation or as it ships."""
    target = mbcost.resolve_target(name)
    dpu = target.processor.dpu
    assert dpu is not None
    return replace(target, processor=replace(target.processor, dpu=replace(dpu, channel_augmentation=augmented)))


def predict(key: str, target: mbcost.Target) -> float:
    """Milliseconds on the unit, from the uncalibrated rates of the runtime."""
    version, _, name = key.partition(" ")
    network = NETWORKS[version][name]
    analysis = mbcost.analyze(
        network.architecture,
        target,
        alpha=network.alpha,
        resolution=network.resolution,
        options=network.options,
        calibration=False,
    )
    return analysis.latency_s * 1e3


def host_time(measured: Any, predicted: Any) -> float:
    """The time [ms] that, added to every prediction, makes the relative errors smallest in the square."""
    return float(((1 - predicted / measured) / measured).sum() / (1 / measured**2).sum())


def main() -> int:
    """Print and write predictions beside the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="vitis_ai_dpu_performance.csv")
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    parser.add_argument("--channel-augmentation", action="store_true", help="on units with that option")
    arguments = parser.parse_args()
    results = []
    for name, measured in read(arguments.data).items():
        target = board(name, augmented=arguments.channel_augmentation)
        predicted = {key: predict(key, target) for key in measured}
        scored = [key for key in measured if key.split(" ")[1] not in ON_THE_HOST]
        if not scored:
            print(f"no network of {name} in {arguments.data}", file=sys.stderr)
            return 2
        frames = {key: row.frame_ms for key, row in measured.items()}
        host_ms = host_time(*(np.array([of[key] for key in scored]) for of in (frames, predicted)))
        errors = {key: (predicted[key] + host_ms) / frames[key] - 1 for key in measured}
        mape = float(np.mean([abs(errors[key]) for key in scored]))
        print(f"{name}: MAPE {mape:.2%} over {len(scored)} networks, host {host_ms:+.2f} ms")
        print(f"  {'ms':32} 1 thread  on the unit  predicted")
        for key, error in errors.items():
            most = measured[key].unit_ms
            unit = "" if most is None else f"<= {most:.2f}"
            note = "  (not scored)" if key not in scored else ""
            print(f"  {key:32} {frames[key]:8.2f}  {unit:>11}  {predicted[key] + host_ms:9.2f}  {error:+.1%}{note}")
        bounds = {key: row.unit_ms for key, row in measured.items()}
        result = {"device": name, "mape": mape, "host_ms": host_ms, "networks": len(scored)}
        results.append({**result, "errors": errors, "unit_ms_at_most": bounds})
    write_text(arguments.json, json.dumps({"results": results}, indent=2) + "\n", force=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
