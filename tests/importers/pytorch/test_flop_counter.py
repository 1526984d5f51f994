"""MACs are half of what FlopCounterMode counts while small modules run, over random sizes."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mbcost.graph import build_graph, count_macs, count_params
from mbcost.importers.pytorch import from_torch
from tests.importers.pytorch.test_traps import Of

Maker = Callable[[random.Random], tuple[nn.Module, tuple[int, ...]]]


def run_macs(module: nn.Module, sizes: tuple[int, ...]) -> float:
    """Half of the FLOPs of a run, with attention as the two products that it is."""
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        module.eval()(torch.zeros(sizes))
    return counter.get_total_flops() / 2


def heads(x: Tensor, count: int) -> Tensor:
    return x.unflatten(-1, (count, -1)).transpose(1, 2)


def squeeze_and_excite(r: random.Random) -> tuple[nn.Module, tuple[int, ...]]:
    c, n = 4 * r.randint(1, 5), r.randint(5, 12)
    module = Of(
        lambda m, x: (y := m.a(x)) * torch.sigmoid(m.c(F.silu(m.b(y.mean((2, 3), keepdim=True))))),
        a=nn.Conv2d(3, c, 3, stride=r.randint(1, 2), padding=1),
        b=nn.Conv2d(c, c // 4, 1),
        c=nn.Conv2d(c // 4, c, 1),
    )
    return module, (1, 3, n, n + 1)


def inverted_residual(r: random.Random) -> tuple[nn.Module, tuple[int, ...]]:
    c, k = r.randint(2, 9), r.choice([3, 5])
    layers = [nn.Conv2d(c, 6 * c, 1), nn.BatchNorm2d(6 * c), nn.Conv2d(6 * c, 6 * c, k, 1, k // 2, groups=6 * c)]
    body = nn.Sequential(*layers, nn.ReLU6(), nn.Conv2d(6 * c, c, 1))
    return Of(lambda m, x: x + m.body(x), body=body), (1, c, r.randint(4, 9), r.randint(4, 9))


def atrous_pyramid(r: random.Random) -> tuple[nn.Module, tuple[int, ...]]:
    c, rates = r.randint(2, 6), (1, r.randint(2, 3), r.randint(4, 5))
    branches = nn.ModuleList(nn.Conv2d(c, 4, 3, padding=rate, dilation=rate) for rate in rates)
    last = nn.Conv2d(12, 5, 1)
    return Of(lambda m, x: m.last(torch.cat([b(x) for b in m.b], 1)), b=branches, last=last), (1, c, 11, 9)


def decoder(r: random.Random) -> tuple[nn.Module, tuple[int, ...]]:
    c = 2 * r.randint(1, 5)
    up = nn.ConvTranspose2d(c, c, 2 * r.randint(1, 2), 2, groups=r.choice([1, 2]))
    return Of(lambda m, x: m.c(m.up(F.relu(x))), up=up, c=nn.Conv2d(c, 3, 3)), (1, c, r.randint(3, 7), r.randint(3, 7))


def volumes(r: random.Random) -> tuple[nn.Module, tuple[int, ...]]:
    c = r.randint(1, 4)
    down = nn.Conv3d(c, 6, r.randint(2, 3), padding=1)
    return nn.Sequential(down, nn.ReLU(), nn.ConvTranspose3d(6, 3, 2, 2)), (1, c, *(r.randint(3, 6) for _ in range(3)))


def audio(r: random.Random) -> tuple[nn.Module, tuple[int, ...]]:
    c = r.randint(2, 8)
    layers = [
        nn.Conv1d(1, c, 7, 2, 3),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Conv1d(c, 8, 3, groups=1),
        nn.AdaptiveAvgPool1d(1),
    ]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(8, 3)), (1, 1, r.randint(40, 90))


def self_attention(r: random.Random) -> tuple[nn.Module, tuple[int, ...]]:
    count, width = r.choice([1, 2, 4]), 8 * r.randint(1, 4)

    def forward(m: Of, x: Tensor) -> Tensor:
        q, k, v = (heads(item, count) for item in m.qkv(x).chunk(3, -1))
        return m.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))

    return Of(forward, qkv=nn.Linear(width, 3 * width), out=nn.Linear(width, width)), (1, r.randint(2, 20), width)


def grouped_query(r: random.Random) -> tuple[nn.Module, tuple[int, ...]]:
    keys, each, width = r.choice([1, 2, 3]), r.choice([2, 3]), 8

    def forward(m: Of, x: Tensor) -> Tensor:
        q, k, v = heads(m.q(x), keys * each), heads(m.k(x), keys), heads(m.v(x), keys)
        return F.scaled_dot_product_attention(q, k, v, enable_gqa=True).transpose(1, 2).flatten(2)

    projections = {"q": nn.Linear(24, keys * each * width), "k": nn.Linear(24, keys * width)}
    return Of(forward, **projections, v=nn.Linear(24, keys * width)), (1, r.randint(2, 20), 24)


def windows(r: random.Random) -> tuple[nn.Module, tuple[int, ...]]:
    """Attention within windows of 4 x 4 pixels, with a trained bias of positions."""
    c, h, w = 8 * r.randint(1, 3), 4 * r.randint(1, 3), 4 * r.randint(1, 3)

    def forward(m: Of, x: Tensor) -> Tensor:
        y = x.view(1, h // 4, 4, w // 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, c)
        q, k, v = (heads(item, 2) for item in m.qkv(y).chunk(3, -1))
        return ((q @ k.transpose(-2, -1) + m.bias).softmax(-1) @ v).transpose(1, 2).flatten(2)

    return Of(forward, qkv=nn.Linear(c, 3 * c), bias=(2, 16, 16)), (1, h, w, c)


def linear_attention(r: random.Random) -> tuple[nn.Module, tuple[int, ...]]:
    c = r.randint(4, 20)

    def forward(m: Of, x: Tensor) -> Tensor:
        q, k, v = F.elu(m.q(x)) + 1, F.elu(m.k(x)) + 1, m.v(x)
        return torch.einsum("bnd,bde->bne", q, torch.einsum("bnd,bne->bde", k, v))

    return Of(forward, q=nn.Linear(c, 6), k=nn.Linear(c, 6), v=nn.Linear(c, 7)), (1, r.randint(2, 15), c)


def mixer(r: random.Random) -> tuple[nn.Module, tuple[int, ...]]:
    n, c = r.randint(3, 12), r.randint(3, 12)

    def forward(m: Of, x: Tensor) -> Tensor:
        x = x + m.b(F.gelu(m.a(m.n(x).transpose(1, 2)))).transpose(1, 2)
        return x + m.d(F.gelu(m.c(x)))

    parts = {"a": nn.Linear(n, 2 * n), "b": nn.Linear(2 * n, n), "c": nn.Linear(c, 4 * c), "d": nn.Linear(4 * c, c)}
    return Of(forward, n=nn.LayerNorm(c), **parts), (1, n, c)


def experts(r: random.Random) -> tuple[nn.Module, tuple[int, ...]]:
    """A convolution whose kernel is a mixture that the input chooses (CondConv, arXiv:1904.04971)."""
    c, k, many = 2 * r.randint(1, 4), r.choice([1, 3]), r.randint(2, 4)
    groups = r.choice([1, 2])

    def forward(m: Of, x: Tensor) -> Tensor:
        weight = torch.sigmoid(m.route(x.mean((2, 3)))) @ m.kernels
        return F.conv2d(x, weight.view(6, c // groups, k, k), padding=k // 2, groups=groups)

    return Of(forward, route=nn.Linear(c, many), kernels=(many, 6 * c // groups * k * k)), (1, c, 7, r.randint(5, 9))


def convnext(r: random.Random) -> tuple[nn.Module, tuple[int, ...]]:
    """A block of ConvNeXt V2 with global response normalisation (arXiv:2301.00808)."""
    c = r.randint(2, 9)

    def forward(m: Of, x: Tensor) -> Tensor:
        y = F.gelu(m.up(m.norm(m.dw(x).permute(0, 2, 3, 1))))
        g = y.norm(p=2, dim=(1, 2), keepdim=True)
        y = y + torch.addcmul(m.b, m.w, y * (g / (g.mean(-1, keepdim=True) + 1e-6)))
        return x + m.down(y).permute(0, 3, 1, 2)

    module = Of(
        forward,
        dw=nn.Conv2d(c, c, 7, padding=3, groups=c),
        norm=nn.LayerNorm(c),
        up=nn.Linear(c, 4 * c),
        down=nn.Linear(4 * c, c),
        w=(4 * c,),
        b=(4 * c,),
    )
    return module, (1, c, r.randint(3, 9), r.randint(3, 9))


MAKERS: tuple[Maker, ...] = (
    squeeze_and_excite,
    inverted_residual,
    atrous_pyramid,
    decoder,
    volumes,
    audio,
    self_attention,
    grouped_query,
    windows,
    linear_attention,
    mixer,
    experts,
    convnext,
)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_macs_are_half_of_the_flops(make: Maker, seed: int) -> None:
    module, sizes = make(random.Random(f"{make.__name__} {seed}"))
    graph = build_graph(from_torch(module, sizes))
    assert count_macs(graph) == run_macs(module, sizes)
    assert count_params(graph) == sum(parameter.numel() for parameter in module.parameters())
