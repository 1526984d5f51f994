"""Writes reports/what_runs_where.md: what a phone's GPU and an NPU take of four networks, and what is left to the CPU.

python benchmarks/what_runs_where.py [--out reports/what_runs_where.md]

VGG-16 and ConvNeXt-T ship with mbcost; Swin-T and DeiT-Ti are imported from torchvision and timm (no weights are
needed). Nothing here was measured: the report shows how the delegates' rules cut the networks, and what that costs by
the rates that ship.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import mbcost
from mbcost.hosting import crossings, is_hosted
from mbcost.kernels.partitions import parts_of

OUT: Final = Path(__file__).parents[1] / "reports" / "what_runs_where.md"
SHAPE: Final = (1, 3, 224, 224)
#: Target and precision.
TARGETS: Final = (("pixel4/gpu", "fp16"), ("galaxy_s24/npu", "fp16"), ("galaxy_s24/npu", "int8"))


class Share(NamedTuple):
    """What of a network runs where on one target.

    Attributes
    ----------
    own, hosted
        Kernels on the processor and on the CPU.
    able
        Of the latter, those that the delegate has a kernel for.
    parts
        Parts that the processor runs.
    copied_mb
        What crosses [MB].
    own_ms, hosted_ms, alone_ms
        Time on the processor, on the CPU with what crosses, and of the whole network on the CPU alone [ms].
    operators
        Operators of the kernels without a kernel of the delegate -> how many.
    """

    own: int
    hosted: int
    able: int
    parts: int
    copied_mb: float
    own_ms: float
    hosted_ms: float
    alone_ms: float
    operators: Counter[str]

    @property
    def total_ms(self) -> float:
        """The latency [ms]."""
        return self.own_ms + self.hosted_ms


def share_of(network: Any, target: str, precision: str) -> Share:
    """What of a network runs where."""
    found = mbcost.analyze(network, target, precision=precision)
    kernels = found.kernels
    kernel_of = {position: index for index, kernel in enumerate(kernels) for position in kernel.layers}
    inputs: list[set[int]] = [set() for _ in kernels]
    for layer in found.layer_graph.layers:
        own = kernel_of[layer.position]
        inputs[own] |= {kernel_of[producer] for producer in layer.inputs if producer in kernel_of} - {own}
    taken = [None if kernel.kind == "view" else not is_hosted(kernel) for kernel in kernels]
    parts = {part for part, kind in zip(parts_of(inputs, taken), taken, strict=True) if kind}
    hosted = [kernel for kernel in kernels if is_hosted(kernel)]
    able = [kernel for kernel in hosted if found.runtime.kernel_kind(kernel.main) != "outside"]
    times = [
        (is_hosted(kernel), float(one.latency_s) * 1e3) for kernel, one in zip(kernels, found.estimates, strict=True)
    ]
    # the accelerator's groups may overlap within a kernel, but kernels follow each other: their times add up
    return Share(
        sum(kind is True for kind in taken),
        len(hosted),
        len(able),
        len(parts),
        sum(int(one.bytes) for one in crossings(found.layer_graph, kernels).values()) / 1e6,
        sum(time for there, time in times if not there),
        sum(time for there, time in times if there),
        _alone_ms(network, target, precision),
        Counter(kernel.op for kernel in hosted if kernel not in able),
    )


def _alone_ms(network: Any, target: str, precision: str) -> float:
    """The whole network on the device's CPU, as it runs what is handed back."""
    device = target.split("/")[0]
    cpu = "int8" if precision == "int8" else "fp32"
    return mbcost.analyze(network, f"{device}/cpu", precision=cpu).latency_s * 1e3


def networks() -> dict[str, Callable[[], Any]]:
    """Name -> the network, made when it is asked for."""

    def swin() -> Any:
        import torchvision

        return mbcost.load(torchvision.models.swin_t().eval(), input_shape=SHAPE)

    def deit() -> Any:
        import timm

        return mbcost.load(timm.create_model("deit_tiny_patch16_224").eval(), input_shape=SHAPE)

    return {"VGG-16": lambda: "vgg16", "ConvNeXt-T": lambda: "convnext_tiny", "Swin-T": swin, "DeiT-Ti": deit}


HEAD: Final = """\
# What runs where

Made by `python benchmarks/what_runs_where.py`: how the delegates' rules cut four networks at 224 x 224, batch 1, and
what it costs by the rates that ship. Nothing here was measured. [What an accelerator leaves to the
CPU](../docs/how-to/what-runs-on-the-cpu.md) has the arithmetic.

`layers` are kernels after fusion; `could` are those of the CPU that the delegate has kernels for, and leaves since it
takes its largest part alone; `parts` are the processor's; `CPU alone` is the whole network on one thread of the same
phone (fp32, or int8).

| network | on | layers there | on the CPU | could | parts | MB copied | ms there | ms on the CPU | ms | CPU alone ms |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
"""
TAIL: Final = """
## What the GPU delegate has no kernel for

{left}

## Read beside the delegate's source

`tensorflow/lite/delegates/gpu/common/model_builder.cc` and `tensorflow/lite/graph_info.cc`:

- `GetOpsToReplace` partitions the nodes that pass `IsSupported` by what depends on what, and takes the first of the
  largest partitions: `max_delegated_partitions` is 1 in `TfLiteGpuDelegateOptionsV2Default`. A network that is cut in
  many places runs on the CPU almost as a whole. ConvNeXt-T, Swin-T and DeiT-Ti gain next to nothing, whatever the GPU
  can do.
- `FullyConnectedOperationParser::Parse`: "Amount of input data should match weights width". A product over several
  tokens in a tensor of three or four dimensions passes `IsSupported` and fails when the graph is built, so that the
  app gets no delegate at all: the time is that of `CPU alone`, which is within 3 % of what is predicted here. Where a
  converter makes the tokens the rows of a matrix (two dimensions) the delegate takes it; mbcost does not predict
  that.
- `NewOperationParser` has none of GELU, nor of ERF. Exporters that write GELU out with TANH get it taken.
- Layer normalisation and softmax over tokens are several operators there (MEAN, SQUARED_DIFFERENCE, RSQRT, MUL ...),
  which have parsers. mbcost counts each as one layer when it looks for the largest part.
- `IsAllAllowedTensors` refuses tensors of five dimensions and more, such as Swin-T's windows and channel shuffles have
  between two reshapes. mbcost has kernels of the GPU for their transposes.

## Read beside measurements

Qualcomm AI Hub (release of 2026-10, Galaxy S24, TFLite) has all layers of these two on the NPU, as here:
ConvNeXt-Tiny 2.13 ms in float (predicted {convnext:.2f}) and 1.19 in w8a8 ({convnext_int8:.2f}), Swin-Tiny 6.08 in
float ({swin:.2f}). VGG-16 and DeiT-Ti are not in its tables. No table at hand has these networks on a phone's GPU.
"""


def main(arguments: list[str]) -> int:
    """Write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    rows, left = [], []
    latency: dict[tuple[str, str], float] = {}
    for name, make in networks().items():
        network = make()
        for target, precision in TARGETS:
            one = share_of(network, target, precision)
            latency[name, f"{target} {precision}"] = one.total_ms
            rows.append(
                f"| {name} | `{target}` {precision} | {one.own} | {one.hosted} | {one.able} | {one.parts} "
                f"| {one.copied_mb:.2f} | {one.own_ms:.2f} | {one.hosted_ms:.2f} | {one.total_ms:.2f} "
                f"| {one.alone_ms:.1f} |"
            )
            if one.operators:
                listed = ", ".join(f"{count} `{operator}`" for operator, count in sorted(one.operators.items()))
                left.append(f"- {name} on `{target}`: {listed}")
    tail = TAIL.format(
        left="\n".join(left),
        convnext=latency["ConvNeXt-T", "galaxy_s24/npu fp16"],
        convnext_int8=latency["ConvNeXt-T", "galaxy_s24/npu int8"],
        swin=latency["Swin-T", "galaxy_s24/npu fp16"],
    )
    options.out.write_text(HEAD + "\n".join(rows) + "\n" + tail, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
