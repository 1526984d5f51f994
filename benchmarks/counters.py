"""How each tool counts MobileNet V2 at 224: the child processes of ``speed_beside_peers.py``.

``counters.py once TOOL`` counts once and prints the result, one line of JSON: the cold run.
``counters.py serve TOOL`` counts once to warm up, then once more for every line on stdin, timed: the warm runs.

Only the tool that is asked for is imported, so that the peers may live in an interpreter without mbcost.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable
from importlib import import_module, metadata
from typing import Any

RESOLUTION = 224
IMAGE_SHAPE = (3, RESOLUTION, RESOLUTION)

#: Returns the MACs and the parameters of the network.
Counter = Callable[[], tuple[int, int]]


def build_model() -> Any:
    """The network as a PyTorch module, ready for inference."""
    return import_module("models.mobilenet_v2").MobileNetV2().eval()


def mbcost_counter() -> Counter:
    """mbcost on a loaded table: shapes, counts, latency of every layer, and the networkx graph."""
    import mbcost

    spec = mbcost.load("mobilenet_v2")
    target = mbcost.resolve_target("pixel1")

    def count() -> tuple[int, int]:
        analysis = mbcost.analyze(spec, device=target, resolution=RESOLUTION)
        graph = analysis.graph
        return graph.graph["macs"], graph.graph["params"]

    return count


def mbcost_afresh_counter() -> Counter:
    """The same, after the graphs of layers that mbcost keeps for the last configurations were dropped."""
    from mbcost.graph.build import build_one

    count_again = mbcost_counter()

    def count() -> tuple[int, int]:
        build_one.cache_clear()
        return count_again()

    return count


def torchinfo_counter() -> Counter:
    """torchinfo.summary, which runs the network once."""
    import torchinfo

    model = build_model()

    def count() -> tuple[int, int]:
        summary = torchinfo.summary(model, input_size=(1, *IMAGE_SHAPE), verbose=0)
        return summary.total_mult_adds, summary.total_params

    return count


def fvcore_counter() -> Counter:
    """fvcore's flop count, which traces the network; a multiply-accumulate is one of its flops."""
    import torch
    from fvcore.nn import FlopCountAnalysis, parameter_count

    model = build_model()
    image = torch.zeros(1, *IMAGE_SHAPE)

    def count() -> tuple[int, int]:
        return int(FlopCountAnalysis(model, image).total()), parameter_count(model)[""]

    return count


def ptflops_counter() -> Counter:
    """ptflops, which runs the network once; despite the name its first result is MACs."""
    import ptflops

    model = build_model()

    def count() -> tuple[int, int]:
        macs, params = ptflops.get_model_complexity_info(
            model, IMAGE_SHAPE, as_strings=False, print_per_layer_stat=False, verbose=False
        )
        return int(macs), int(params)

    return count


def thop_counter() -> Counter:
    """thop.profile, which runs the network once."""
    import thop
    import torch

    model = build_model()
    image = torch.zeros(1, *IMAGE_SHAPE)

    def count() -> tuple[int, int]:
        macs, params = thop.profile(model, inputs=(image,), verbose=False)
        return int(macs), int(params)

    return count


def torch_counter() -> Counter:
    """PyTorch and the model without a tool, a floor for the peers: only the parameters are counted."""
    model = build_model()
    return lambda: (0, sum(parameter.numel() for parameter in model.parameters()))


COUNTERS: dict[str, Callable[[], Counter]] = {
    "mbcost": mbcost_counter,
    "mbcost_afresh": mbcost_afresh_counter,
    "torchinfo": torchinfo_counter,
    "fvcore": fvcore_counter,
    "ptflops": ptflops_counter,
    "thop": thop_counter,
    "torch": torch_counter,
}


def timed_count(count: Counter) -> dict[str, Any]:
    """One count and the time that it took [s]."""
    start = time.perf_counter()
    macs, params = count()
    return {"seconds": time.perf_counter() - start, "macs": macs, "params": params}


def reply(answer: dict[str, Any]) -> None:
    """Write a line of JSON to the real stdout, whatever the tools print."""
    print(json.dumps(answer), file=sys.__stdout__, flush=True)


def serve(tool: str) -> None:
    """Warm up, then count once for every line on stdin."""
    try:
        count = COUNTERS[tool]()
        count()
    except ImportError as error:
        reply({"missing": str(error)})
        return
    reply({"version": metadata.version(tool.removesuffix("_afresh"))})
    for _ in sys.stdin:
        reply(timed_count(count))


def main() -> None:
    """Count in the mode and with the tool that the command line names."""
    mode, tool = sys.argv[1:]
    with contextlib.redirect_stdout(sys.stderr):
        if mode == "serve":
            serve(tool)
        else:
            reply(timed_count(COUNTERS[tool]()))


if __name__ == "__main__":
    main()
