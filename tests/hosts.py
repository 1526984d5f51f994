"""Targets for networks with attention: products that some accelerators hand back, to a CPU which their device lacks."""

from __future__ import annotations

from functools import cache

import mbcost


@cache
def attends(name: str) -> bool:
    """Whether a network has products of two activations."""
    return any(layer.op == "matmul" for layer in mbcost.build_graph(mbcost.load(name)).layers)


def hosted(name: str, target: str) -> str:
    """A target for a network: with a Raspberry Pi 5 as its host where it may need one and its device has no CPU."""
    kinds = {processor.kind for processor in mbcost.resolve_target(target).device.processors.values()}
    return f"{target},host=raspberry_pi_5" if attends(name) and "cpu" not in kinds else target
