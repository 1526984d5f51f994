"""Frame rates of MobileNet V1 and V2 on Apple GPUs with double buffering: from device facts, beside measured ones.

python benchmarks/apple_frame_rates.py [--report reports/frame_rates.md]

The CPU prepares the next frame while the GPU runs this one; with two buffers, frames a second are
min(1 / gpu, 2 / (cpu + gpu)). One efficiency a device is fitted, to both networks: the factor on the whole roofline,
arithmetic and traffic. It leaves the ratio of the two networks alone, which is the test.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import mbcost
from mbcost.devices import resolve_target
from mbcost.files import write_text
from mbcost.graph import build_graph
from mbcost.kernels import Kernel, map_to_kernels
from mbcost.latency import LatencyForm
from mbcost.latency.model import latency_model
from mbcost.latency.rates import ELEMENT_BYTES
from mbcost.numeric import add_up
from mbcost.streaming.simulate import Stage, closed_form, simulate

#: Frames a second at 224 x 224 with double buffering: target, MobileNet V1, MobileNet V2 (M. Hollemans, MobileNet
#: version 2, machinethink.net, 2018).
MEASURED: Final = {
    "iPhone 7": ("iphone_7/gpu", 118.0, 145.0),
    "iPhone X": ("iphone_x/gpu", 162.0, 233.0),
    "iPad Pro 10.5": ("ipad_pro_10_5/gpu", 204.0, 220.0),
}
NETWORKS: Final = ("mobilenet_v1", "mobilenet_v2")
PRECISION: Final = "fp16"
#: Spread of a stage's time, as a share of its mean, in the simulations.
JITTERS: Final = (0.0, 0.1, 0.2)
FRAMES: Final = 20_000
#: CPU stages that are tried, as a share of the GPU's time with MobileNet V2.
CPU_SHARES: Final = (0.25, 0.5, 0.75, 1.0, 1.1)


class Prediction(NamedTuple):
    """Of a device, V1 and V2: GPU times at datasheet peaks [s], additive, overlapped, and of the MACs alone."""

    additive: tuple[float, float]
    overlapped: tuple[float, float]
    macs: tuple[float, float]


def predict(target_name: str) -> Prediction:
    """GPU times of both networks from the profile's facts."""
    target = resolve_target(target_name, precision=PRECISION)
    runtime, form, rates = latency_model(target)
    seconds = {name: rate.seconds for name, rate in rates.items()}
    additive = replace(form, overlap="none")
    lists = [
        map_to_kernels(build_graph(mbcost.load(name)), runtime, element_bytes=ELEMENT_BYTES[PRECISION])
        for name in NETWORKS
    ]

    def pair(times: list[float]) -> tuple[float, float]:
        return times[0], times[1]

    def total(of: tuple[Kernel, ...], by: LatencyForm) -> float:
        estimates = by.estimate(of, seconds)
        return float(add_up(estimate.latency_s for estimate in estimates))

    macs = [float(add_up(kernel.macs for kernel in of)) * float(rates["operations"].seconds) for of in lists]
    return Prediction(pair([total(of, additive) for of in lists]), pair([total(of, form) for of in lists]), pair(macs))


def simulated(cpu: float, gpu: float, buffers: int, jitter: float) -> float:
    """Frames a second of a CPU stage and a GPU stage."""
    stages = [Stage("prepare", "cpu", cpu), Stage("network", "gpu", gpu)]
    return simulate(stages, buffers=buffers, frames=FRAMES, jitter=jitter).frames_per_s


def _table(header: str, rows: list[str]) -> list[str]:
    columns = header.count("|") - 1
    return [header, "|---" + "|--:" * (columns - 1) + "|", *rows, ""]


def report() -> str:
    """The page."""
    ratios, rates, buffers, needed = [], [], [], []
    for device, (target, v1, v2) in MEASURED.items():
        found = predict(target)
        measured = v2 / v1
        shown = [f"{of[0] / of[1]:.2f} ({of[0] / of[1] / measured - 1:+.1%})" for of in found]
        ratios.append(f"| {device} | {measured:.2f} | {' | '.join(shown)} |")
        efficiency = math.sqrt(found.additive[0] * v1 * found.additive[1] * v2)
        gpu = found.additive[0] / efficiency, found.additive[1] / efficiency
        fps = [closed_form([Stage("network", "gpu", seconds)], 2) for seconds in gpu]
        errors = [f"{value:.0f} ({value / of - 1:+.1%})" for value, of in zip(fps, (v1, v2), strict=True)]
        rates.append(f"| {device} | {efficiency:.1%} | {v1:.0f} | {errors[0]} | {v2:.0f} | {errors[1]} |")
        for share in CPU_SHARES:
            cpu = share * gpu[1]
            gains = [
                f"{simulated(cpu, seconds, 3, jitter) / simulated(cpu, seconds, 2, jitter) - 1:+.1%}"
                for jitter in JITTERS
                for seconds in gpu
            ]
            buffers.append(f"| {device} | {cpu * 1e3:.2f} ms | {' | '.join(gains)} |")
        first = 1 / v1
        second = first * found.additive[1] / found.additive[0]
        cpu = 2 / v2 - second
        holds = second < cpu <= first
        needed.append(
            f"| {device} | {first * 1e3:.2f} | {second * 1e3:.2f} | {cpu * 1e3:.2f} | {'yes' if holds else 'no'} |"
        )
    heads = [f"{name}, jitter {jitter:.0%}" for jitter in JITTERS for name in ("V1", "V2")]
    lines = [
        "# Frame rates of MobileNet V1 and V2 on Apple GPUs",
        "",
        "Made by `python benchmarks/apple_frame_rates.py --report reports/frame_rates.md`.",
        "",
        "Measured at 224 x 224 with double buffering (M. Hollemans, machinethink.net, MobileNet version 2,",
        "2018): the CPU",
        "prepares the next frame while the GPU runs this one. Predicted from the facts of the profiles at fp16; the",
        "bandwidths of the iPhone 7 and the iPad are commonly quoted figures without a source, and marked `assumed`.",
        "",
        "## How much faster is V2",
        "",
        "Frames a second of V2 over those of V1. The GPU binds, so the ratio is that of the GPU's times; one",
        "efficiency a",
        "device, a factor on arithmetic and traffic alike, leaves it alone. Three ways to add them up from",
        "the same facts:",
        "arithmetic plus traffic, as in mbcost's fitted forms of mobile GPUs and CPUs; the longer of the two",
        "for each kernel,",
        "the plain roofline that stands in for these GPUs; and arithmetic alone.",
        "",
        *_table("| device | measured | arithmetic + traffic | the longer | MACs alone |", ratios),
        "## Frames a second",
        "",
        "With the efficiency that fits both networks best (the geometric mean of the two).",
        "",
        *_table("| device | efficiency | V1 measured | V1 | V2 measured | V2 |", rates),
        "## Does triple buffering help V2 and not V1",
        "",
        "So it was said of these devices. What a third buffer gains in a simulation (20,000 frames, `mbcost",
        "stream`'s), for",
        "a stage on the CPU of a quarter to a little more than the GPU's time with V2:",
        "",
        *_table(f"| device | CPU | {' | '.join(heads)} |", buffers),
        "It gains most where the CPU's time is near the GPU's, and V2 is nearer; it gains nothing where",
        "stages take constant",
        "time and the GPU's is the longest. So the statement asks for a CPU stage between the two GPU times.",
        "Where it holds",
        "exactly (no jitter), V1's rate is 1 / gpu, and V2's, no longer bound by the GPU, is 2 / (cpu +",
        "gpu). Solved for the",
        "CPU's time, with V1's GPU time as measured and V2's by the predicted ratio [ms]:",
        "",
        *_table("| device | GPU, V1 | GPU, V2 | CPU, solved | between them |", needed),
        "Where it is not between them, two buffers and constant times do not explain the measured rates",
        "together with the",
        "statement: the CPU would have to be faster than the GPU (then V2 gains by jitter only), or slower",
        "than it with V1.",
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    """Print the page, or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    text = report()
    if arguments.report is None:
        print(text)
    else:
        write_text(arguments.report, text, force=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
