"""Every trained element counts once, whatever expressions it is read through; buffers are no parameters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

import mbcost
from mbcost.graph import build_graph, count_macs, count_params
from mbcost.importers.pytorch import from_torch
from tests.importers.pytorch.counts import imported, ops, spec_of
from tests.importers.pytorch.test_traps import Of


def with_buffers(function: Callable[..., Any], buffers: dict[str, tuple[int, ...]], **parts: Any) -> nn.Module:
    module = Of(function, **parts)
    for name, sizes in buffers.items():
        module.register_buffer(name, torch.zeros(sizes))
    return module


def keys_without_bias() -> nn.Module:
    """As BEiT and EVA: queries and values have a trained bias, keys have zeros."""

    def forward(m: Any, x: Tensor) -> Tensor:
        return F.linear(x, m.w, torch.cat([m.q, m.k, m.v]))

    return with_buffers(forward, {"k": (16,)}, w=(48, 16), q=(16,), v=(16,))


def conv(**given: Any) -> nn.Conv2d:
    return nn.Conv2d(4, 4, 3, padding=1, **given)


#: A module, its input, and its parameters by hand.
CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int]] = {
    "a weight and its mirror image": (
        lambda: Of(lambda m, x: m.c(x) + F.conv2d(x, m.c.weight.flip(2), m.c.bias, 1, 1), c=conv()),
        (1, 4, 8, 8),
        4 * 4 * 9 + 4,
    ),
    "a shared weight with a bias of its own": (
        lambda: Of(lambda m, x: m.c(x) + F.conv2d(x, m.c.weight, m.b, 1, 1), c=conv(), b=(4,)),
        (1, 4, 8, 8),
        4 * 4 * 9 + 4 + 4,
    ),
    "a scale that is read in two forms": (
        lambda: Of(lambda m, x: x * m.g + x * (m.g + 1), g=(4, 1, 1)),
        (1, 4, 8, 8),
        4,
    ),
    "parts of a weight": (
        lambda: Of(lambda m, x: torch.cat([F.linear(x, m.w[:10]), F.linear(x, m.w[10:])], -1), w=(32, 16)),
        (1, 5, 16),
        32 * 16,
    ),
    "a batch norm that shares its scale": (
        lambda: Of(
            lambda m, x: m.n(F.batch_norm(x, m.n.running_mean, m.n.running_var, m.n.weight, m.b)),
            n=nn.BatchNorm2d(4),
            b=(4,),
        ),
        (1, 4, 8, 8),
        3 * 4,
    ),
    "the larger of the input and a parameter": (
        lambda: Of(lambda m, x: torch.max(m.a, x), a=(4, 8, 8)),
        (1, 4, 8, 8),
        256,
    ),
    "keys without bias": (keys_without_bias, (1, 5, 16), 48 * 16 + 2 * 16),
    "a bias that nobody trained": (
        lambda: with_buffers(lambda m, x: F.conv2d(x, m.w, m.b), {"b": (8,)}, w=(8, 4, 3, 3)),
        (1, 4, 8, 8),
        8 * 4 * 9,
    ),
    "a bias beside a weight that nobody trained": (
        lambda: with_buffers(lambda m, x: F.conv2d(x, m.w, m.b), {"w": (8, 4, 3, 3)}, b=(8,)),
        (1, 4, 8, 8),
        8,
    ),
    "a grid": (lambda: with_buffers(lambda m, x: m.c(x + m.grid), {"grid": (4, 8, 8)}, c=conv()), (1, 4, 8, 8), 148),
}


@pytest.mark.parametrize("name", CASES)
def test_trained_elements_count_once(name: str, tmp_path: Path) -> None:
    make, sizes, expected = CASES[name]
    module = make()
    graph = imported(module, sizes)
    assert expected == sum(parameter.numel() for parameter in module.parameters())
    assert count_params(graph) == expected
    made = mbcost.convert(module, tmp_path / "net.yaml", input_shape=sizes)  # type: ignore[operator]
    again = mbcost.build_graph(mbcost.load(made.path))
    assert count_params(again) == expected
    assert count_macs(again) == count_macs(graph)


def test_an_embedding_tied_to_the_classifier() -> None:
    module = nn.Sequential(nn.Embedding(100, 16), nn.Linear(16, 100, bias=False))
    module[1].weight = module[0].weight
    graph = build_graph(from_torch(module, torch.zeros(1, 7, dtype=torch.long)))
    assert count_params(graph) == 1600
    assert count_macs(graph) == 7 * 16 * 100


def test_a_product_of_weights_counts_what_was_trained() -> None:
    """A weight of 64 x 64 that is made of two times 64 x 2 before the network runs, by 64 * 64 * 2 MACs."""
    spec = spec_of(Of(lambda m, x: F.linear(x, m.a @ m.b), a=(64, 2), b=(2, 64)), (1, 5, 64))
    graph = build_graph(spec)
    assert ops(graph) == ["constant", "dense"]
    assert count_params(graph) == 2 * 64 * 2
    assert count_macs(graph) == 5 * 64 * 64
    assert f"{64 * 64 * 2} MACs on constants alone" in " ".join(spec.notes)
