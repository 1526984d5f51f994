"""Where tools that look at modules instead of operators count wrongly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from mbcost.errors import InputError
from mbcost.graph import build_graph, count_macs, count_params
from mbcost.importers.pytorch import from_torch
from tests.importers.pytorch.counts import counted_macs, imported, ops, spec_of


class Of(nn.Module):
    """A module that is one function; keyword arguments become its parameters and submodules."""

    def __init__(self, function: Callable[..., Any], **parts: Any) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, nn.Parameter(torch.zeros(part)) if isinstance(part, tuple) else part)

    def forward(self, *inputs: Tensor) -> Any:
        return self.function(self, *inputs)


@dataclass(frozen=True)
class Trap:
    """A module, its inputs, MACs by hand, and the operators it should become."""

    name: str
    make: Callable[[], nn.Module]
    sizes: tuple[tuple[int, ...], ...]
    macs: int
    ops: tuple[str, ...]


def attention(m: Of, x: Tensor) -> Tensor:
    q, k, v = m.qkv(x).chunk(3, dim=-1)
    q, k, v = (t.unflatten(-1, (4, 8)).transpose(1, 2) for t in (q, k, v))
    return m.out(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))


def written_attention(m: Of, x: Tensor) -> Tensor:
    b, t, c = x.shape
    q, k, v = m.qkv(x).reshape(b, t, 3, 4, c // 4).permute(2, 0, 3, 1, 4).unbind(0)
    scores = (q @ k.transpose(-2, -1)) * 0.5
    return m.out((scores.softmax(dim=-1) @ v).transpose(1, 2).reshape(b, t, c))


def filled(m: Of, x: Tensor) -> Tensor:
    y = x.new_zeros(x.shape[0], 8, 6, 6)
    y[:, :4] = m.conv(x)
    y[:, 4:] = x
    return m.last(y)


def shuffled(m: Of, x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return m.conv(x.view(n, 3, c // 3, h, w).transpose(1, 2).reshape(n, c, h, w))


CONVOLUTIONS = (
    Trap("functional conv", lambda: Of(lambda m, x: F.conv2d(x, m.w, padding=1), w=(8, 3, 3, 3)),
         ((1, 3, 9, 7),), 9 * 7 * 8 * 27, ("conv2d",)),
    Trap("grouped", lambda: nn.Conv2d(12, 18, 3, groups=3), ((1, 12, 8, 8),), 6 * 6 * 18 * 9 * 4, ("conv2d",)),
    Trap("depthwise with a multiplier", lambda: nn.Conv2d(6, 18, 3, groups=6, padding=1), ((1, 6, 5, 5),),
         25 * 18 * 9, ("depthwise_conv2d",)),
    Trap("dilated", lambda: nn.Conv2d(4, 4, 3, dilation=2), ((1, 4, 9, 9),), 25 * 4 * 9 * 4, ("conv2d",)),
    Trap("asymmetric kernel and padding", lambda: nn.Conv2d(4, 8, (1, 7), padding=(0, 3), stride=(2, 1)),
         ((1, 4, 9, 9),), 5 * 9 * 8 * 7 * 4, ("conv2d",)),
    Trap("padding same, even kernel", lambda: nn.Conv2d(4, 8, 4, padding="same"), ((1, 4, 9, 7),),
         63 * 8 * 16 * 4, ("conv2d",)),
    Trap("padding valid", lambda: nn.Conv2d(4, 8, 3, padding="valid"), ((1, 4, 9, 7),), 35 * 8 * 9 * 4, ("conv2d",)),
    Trap("circular padding", lambda: nn.Conv2d(4, 8, 3, padding=1, padding_mode="reflect"), ((1, 4, 6, 6),),
         36 * 8 * 9 * 4, ("pad", "conv2d")),
    Trap("zeros before a convolution are its padding", lambda: nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)),
         nn.Conv2d(4, 8, 3, 2)), ((1, 4, 8, 8),), 16 * 8 * 9 * 4, ("conv2d",)),
    Trap("zeros before a pooling are its padding", lambda: nn.Sequential(nn.ZeroPad2d(1), nn.MaxPool2d(2)),
         ((1, 4, 8, 8),), 0, ("max_pool2d",)),
    Trap("transposed, grouped", lambda: nn.ConvTranspose2d(8, 12, 4, 2, 1, groups=4), ((1, 8, 5, 5),),
         25 * 8 * 16 * 3, ("transposed_conv2d",)),
    Trap("transposed, depthwise", lambda: nn.ConvTranspose2d(8, 8, 3, 2, groups=8), ((1, 8, 5, 5),),
         25 * 8 * 9, ("transposed_conv2d",)),
    Trap("transposed, one dimension", lambda: nn.ConvTranspose1d(4, 6, 4, 2), ((1, 4, 10),), 10 * 4 * 6 * 4,
         ("transposed_conv2d",)),
    Trap("1-D", lambda: nn.Conv1d(4, 6, 3, 2, 1), ((1, 4, 11),), 6 * 6 * 3 * 4, ("conv2d",)),
    Trap("3-D, grouped", lambda: nn.Conv3d(4, 6, (3, 1, 2), groups=2), ((1, 4, 5, 6, 7),), 3 * 6 * 6 * 6 * 6 * 2,
         ("conv3d",)),
    Trap("an image without a batch", lambda: nn.Conv2d(4, 8, 3), ((4, 6, 6),), 16 * 8 * 9 * 4, ("conv2d",)),
    Trap("frames as a batch", lambda: Of(lambda m, x: m.conv(x.flatten(0, 1)), conv=nn.Conv2d(3, 4, 3, padding=1)),
         ((1, 5, 3, 8, 8),), 5 * 64 * 4 * 27, ("transpose", "conv3d")),
    Trap("weight norm", lambda: nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 8, 3)), ((1, 4, 6, 6),),
         16 * 8 * 9 * 4, ("conv2d",)),
)  # fmt: skip

PRODUCTS = (
    Trap("linear on four dimensions", lambda: nn.Linear(8, 5), ((1, 3, 4, 8),), 12 * 8 * 5, ("dense",)),
    Trap("linear on a sequence", lambda: nn.Linear(8, 5), ((1, 7, 8),), 7 * 8 * 5, ("dense",)),
    Trap("functional linear", lambda: Of(lambda m, x: F.linear(x, m.w), w=(5, 8)), ((1, 8),), 40, ("dense",)),
    Trap("a weight on the right", lambda: Of(lambda m, x: x @ m.w, w=(8, 5)), ((1, 7, 8),), 7 * 8 * 5, ("dense",)),
    Trap("a weight on the left", lambda: Of(lambda m, x: m.w @ x, w=(5, 7)), ((1, 7, 8),), 5 * 7 * 8,
         ("transpose", "dense")),
    Trap("a batch of weights", lambda: Of(lambda m, x: torch.bmm(x, m.w), w=(1, 8, 5)), ((1, 7, 8),), 7 * 8 * 5,
         ("dense",)),
    Trap("experts", lambda: Of(lambda m, x: torch.einsum("btc,eco->beto", x, m.w), w=(3, 8, 5)), ((1, 7, 8),),
         3 * 7 * 8 * 5, ("dense",)),
    Trap("bilinear product", lambda: Of(lambda _, x: torch.bmm(x, x.transpose(1, 2))), ((1, 7, 8),), 7 * 7 * 8,
         ("matmul",)),
    Trap("matmul", lambda: Of(lambda _, x, y: torch.matmul(x, y)), ((1, 3, 7, 8), (1, 3, 8, 5)), 3 * 7 * 8 * 5,
         ("matmul",)),
    Trap("matmul that broadcasts", lambda: Of(lambda _, x, y: torch.matmul(x, y)), ((1, 3, 7, 8), (1, 1, 8, 5)),
         3 * 7 * 8 * 5, ("reshape", "matmul")),
    Trap("baddbmm", lambda: Of(lambda _, x, y, z: torch.baddbmm(x, y, z)), ((1, 7, 5), (1, 7, 8), (1, 8, 5)),
         7 * 8 * 5, ("matmul", "add")),
    Trap("addmm with a bias", lambda: Of(lambda m, x: torch.addmm(m.b, x, m.w), b=(5,), w=(8, 5)), ((1, 8),), 40,
         ("dense",)),
    Trap("einsum", lambda: Of(lambda _, x, y: torch.einsum("bhtd,bhsd->bhts", x, y)), ((1, 2, 7, 8), (1, 2, 9, 8)),
         2 * 7 * 9 * 8, ("matmul",)),
    Trap("einsum without a sum", lambda: Of(lambda _, x, y: torch.einsum("bt,bs->bts", x, y)), ((1, 7), (1, 9)), 0,
         ("reshape", "multiply")),
    Trap("attention", lambda: Of(attention, qkv=nn.Linear(32, 96), out=nn.Linear(32, 32)), ((1, 6, 32),),
         6 * 32 * 128 + 2 * 4 * 6 * 6 * 8, ()),
    Trap("attention written out", lambda: Of(written_attention, qkv=nn.Linear(32, 96), out=nn.Linear(32, 32)),
         ((1, 6, 32),), 6 * 32 * 128 + 2 * 4 * 6 * 6 * 8, ()),
    Trap("MultiheadAttention", lambda: Of(lambda m, x: m.a(x, x, x)[0],
         a=nn.MultiheadAttention(32, 4, batch_first=True)), ((1, 6, 32),), 6 * 32 * 128 + 2 * 4 * 6 * 6 * 8, ()),
    Trap("MultiheadAttention of two sequences", lambda: Of(lambda m, x, y: m.a(x, y, y, need_weights=False)[0],
         a=nn.MultiheadAttention(32, 4, batch_first=True)), ((1, 6, 32), (1, 9, 32)),
         32 * 32 * (6 + 9 + 9 + 6) + 2 * 4 * 6 * 9 * 8, ()),
)  # fmt: skip

WIRING = (
    Trap("dropout and identity vanish", lambda: nn.Sequential(nn.Dropout(), nn.Identity(), nn.ReLU(), nn.Dropout2d()),
         ((1, 4, 3, 3),), 0, ("relu",)),
    Trap("activations taken apart", lambda: Of(lambda _, x: torch.stack([x * F.relu6(x + 3) / 6, F.relu6(x + 3.0) / 6,
         x * (F.relu6(x + 3) / 6), x * F.hardsigmoid(x), torch.sigmoid(x) * x, x * torch.tanh(F.softplus(x)),
         0.5 * x * (1 + torch.erf(x / 2**0.5)), x * F.hardsigmoid(x + x)])), ((1, 4, 3, 3),), 0, ("hard_swish",
         "hard_sigmoid", "hard_swish", "hard_swish", "swish", "mish", "gelu", "add", "hard_sigmoid", "multiply",
         "concat")),
    Trap("activations", lambda: nn.Sequential(nn.ReLU6(), nn.Hardswish(), nn.Hardsigmoid(), nn.SiLU(), nn.GELU(),
         nn.LeakyReLU(), nn.ELU(), nn.Tanh(), nn.Sigmoid(), nn.PReLU(4), nn.Mish(), nn.Softplus(), nn.Hardtanh(0, 6)),
         ((1, 4, 3, 3),), 0, ("relu6", "hard_swish", "hard_sigmoid", "swish", "gelu", "leaky_relu", "elu", "tanh",
         "sigmoid", "prelu", "mish", "softplus", "relu6")),
    Trap("normalisations", lambda: nn.Sequential(nn.GroupNorm(2, 4), nn.InstanceNorm2d(4, affine=True),
         nn.InstanceNorm2d(4), nn.BatchNorm2d(4, affine=False)), ((1, 4, 3, 3),), 0,
         ("group_norm", "instance_norm", "instance_norm", "batch_norm")),
    Trap("layer norm of a map, channels last", lambda: Of(lambda m, x: m.n(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2),
         n=nn.LayerNorm(4)), ((1, 4, 3, 3),), 0, ("layer_norm",)),
    Trap("channel shuffle", lambda: Of(shuffled, conv=nn.Conv2d(12, 4, 1)), ((1, 12, 4, 4),), 16 * 12 * 4,
         ("channel_shuffle", "conv2d")),
    Trap("a shuffle that is a module", lambda: nn.Sequential(nn.ChannelShuffle(3)), ((1, 12, 4, 4),), 0,
         ("channel_shuffle",)),
    Trap("chunks and joins", lambda: Of(lambda _, x: torch.cat([p.relu() for p in x.split([2, 6, 4], 1)], 1)),
         ((1, 12, 4, 4),), 0, ("split", "split", "split", "relu", "relu", "relu", "concat")),
    Trap("slices", lambda: Of(lambda _, x: x[:, 3:9] + x[:, :6] + x[:, -6:]), ((1, 12, 4, 4),), 0,
         ("split", "split", "add", "split", "add")),
    Trap("focus", lambda: Of(lambda _, x: torch.cat([x[..., ::2, ::2], x[..., 1::2, 1::2]], 1)), ((1, 3, 8, 8),), 0,
         ("crop", "crop", "crop", "crop", "concat")),
    Trap("global pooling by a mean", lambda: Of(lambda m, x: m.fc(x.mean((-2, -1))), fc=nn.Linear(6, 5)),
         ((1, 6, 7, 7),), 30, ("global_avg_pool", "dense")),
    Trap("spatial attention", lambda: Of(lambda _, x: x * torch.sigmoid(torch.cat(
         [x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)[:, :1])), ((1, 6, 7, 7),), 0,
         ("reduce", "reduce", "concat", "split", "sigmoid", "multiply")),
    Trap("adaptive pooling", lambda: nn.Sequential(nn.AdaptiveAvgPool2d(7), nn.AdaptiveAvgPool2d((3, 2))),
         ((1, 6, 7, 7),), 0, ("adaptive_avg_pool2d",)),
    Trap("interpolation", lambda: Of(lambda _, x: F.interpolate(F.interpolate(x, scale_factor=2), (9, 11),
         mode="bilinear")), ((1, 6, 4, 4),), 0, ("resize", "resize")),
    Trap("pixel shuffle", lambda: nn.PixelShuffle(2), ((1, 12, 4, 4),), 0, ("depth_to_space",)),
    Trap("pixel shuffle written out", lambda: Of(lambda _, x: x.view(1, 3, 2, 2, 4, 4).permute(0, 1, 4, 2, 5, 3)
         .reshape(1, 3, 8, 8).relu()), ((1, 12, 4, 4),), 0, ("transpose", "relu")),
    Trap("channels padded with zeros", lambda: Of(lambda _, x: F.pad(x, (0, 0, 0, 0, 2, 2)).relu()), ((1, 4, 3, 3),), 0,
         ("constant", "concat", "relu")),
    Trap("arithmetic with numbers", lambda: Of(lambda _, x: (x * 2 + 1) / 3 - 4), ((1, 4, 3, 3),), 0,
         ("scale", "shift", "scale", "shift")),
    Trap("layer scale", lambda: Of(lambda m, x: x + x * m.g, g=(4, 1, 1)), ((1, 4, 3, 3),), 0, ("scale", "add")),
    Trap("assignment into slices", lambda: Of(filled, conv=nn.Conv2d(4, 4, 1), last=nn.Conv2d(8, 2, 1)),
         ((1, 4, 6, 6),), 36 * (4 * 4 + 8 * 2), ()),
    Trap("in place", lambda: Of(lambda m, x: m.conv(x).relu_().add_(1).mul_(2), conv=nn.Conv2d(4, 8, 1)),
         ((1, 4, 3, 3),), 9 * 32, ("conv2d", "relu", "shift", "scale")),
    Trap("a region without gradients", lambda: Of(lambda m, x: no_gradients(m, x), conv=nn.Conv2d(4, 8, 1)),
         ((1, 4, 3, 3),), 9 * 32, ("conv2d", "relu")),
)  # fmt: skip


def no_gradients(m: Of, x: Tensor) -> Tensor:
    with torch.no_grad():
        y = m.conv(x)
    return y.relu()


@pytest.mark.parametrize("trap", [*CONVOLUTIONS, *PRODUCTS, *WIRING], ids=lambda trap: trap.name)
def test_trap(trap: Trap) -> None:
    module = trap.make()
    graph = imported(module, *trap.sizes)
    assert count_macs(graph) == trap.macs
    assert counted_macs(trap.make().to("meta"), *(torch.zeros(size, device="meta") for size in trap.sizes)) == trap.macs
    if trap.ops:
        assert tuple(ops(graph)) == trap.ops
    folded = {"weight norm"}  # the magnitude is part of the weights at inference
    if trap.name not in folded:
        assert count_params(graph) == sum(parameter.numel() for parameter in module.parameters())


def test_shared_module_is_computed_twice_and_counted_once() -> None:
    module = Of(lambda m, x: m.conv(m.conv(x)), conv=nn.Conv2d(4, 4, 3, padding=1))
    graph = imported(module, (1, 4, 5, 5))
    assert count_macs(graph) == 2 * 25 * 4 * 9 * 4 == counted_macs(module, torch.zeros(1, 4, 5, 5))
    assert count_params(graph) == 4 * 4 * 9 + 4
    assert [layer.name for layer in graph.layers] == ["conv", "conv_2"]


def test_module_reused_on_another_size() -> None:
    module = Of(lambda m, x: m.conv(F.max_pool2d(m.conv(x), 2)), conv=nn.Conv2d(4, 4, 3, padding=1))
    graph = imported(module, (1, 4, 8, 6))
    assert count_macs(graph) == (8 * 6 + 4 * 3) * 4 * 9 * 4 == counted_macs(module, torch.zeros(1, 4, 8, 6))
    assert count_params(graph) == 4 * 4 * 9 + 4


def test_tied_weights_count_once() -> None:
    first, second = nn.Linear(6, 6), nn.Linear(6, 6)
    second.weight, second.bias = first.weight, first.bias
    graph = imported(nn.Sequential(first, nn.ReLU(), second), (1, 6))
    assert count_macs(graph) == 2 * 36
    assert count_params(graph) == 42


def test_batch_is_left_out() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Flatten(), nn.Linear(8 * 36, 5))
    spec = spec_of(module, (16, 3, 6, 6))
    assert "batch of 16" in " ".join(spec.notes)
    graph = imported(module, (16, 3, 6, 6))
    assert count_macs(graph) * 16 == counted_macs(module, torch.zeros(16, 3, 6, 6))
    assert graph.input_shape == (6, 6, 3)


def test_module_that_works_with_one_batch_only() -> None:
    module = Of(lambda m, x: m.fc(x.view(4, 2 * 9)), fc=nn.Linear(18, 3))
    spec = spec_of(module, (4, 2, 3, 3))
    assert "batch of 4 only" in " ".join(spec.notes)
    assert count_macs(imported(module, (4, 2, 3, 3))) == 4 * 18 * 3


def test_control_flow_on_shapes() -> None:
    module = Of(lambda m, x: m.a(x) if x.shape[-1] > 10 else m.b(x), a=nn.Conv2d(3, 4, 1), b=nn.Conv2d(3, 8, 1))
    assert count_macs(imported(module, (1, 3, 12, 12))) == 144 * 12
    assert count_macs(imported(module, (1, 3, 8, 8))) == 64 * 24


def test_control_flow_on_values() -> None:
    """Run once on the example: the path of its values."""
    module = Of(
        lambda m, x: m.c(m.n(m.a(x) if x.sum() > 0 else m.b(x)).relu()),
        a=nn.Conv2d(3, 8, 1),
        b=nn.Conv2d(3, 8, 3, padding=1),
        n=nn.BatchNorm2d(8),
        c=nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)),
    )
    for value, macs in ((1.0, 16 * 3 * 8), (-1.0, 16 * 27 * 8)):
        x = torch.full((2, 3, 4, 4), value)
        spec = from_torch(module, x)
        graph = build_graph(spec)
        assert "control flow depends on values" in " ".join(spec.notes)
        assert "the others are unused" in " ".join(spec.notes)
        assert count_macs(graph) == macs + 40 == counted_macs(module, x[:1])
        assert ops(graph)[-5:] == ["conv2d", "batch_norm", "relu", "global_avg_pool", "dense"]
        assert graph.layers[-5].name == ("a" if value > 0 else "b")


def test_unknown_operators_are_named_all_at_once() -> None:
    module = nn.Sequential()
    module.add_module("first", Of(lambda _, x: torch.logcumsumexp(x, 1)))
    module.add_module("conv", nn.Conv2d(4, 8, 1))
    module.add_module("second", Of(lambda _, x: torch.median(x, dim=1).values))
    with pytest.raises(InputError) as caught:
        imported(module, (1, 4, 5, 5))
    assert caught.value.codes == ("MB501", "MB501")
    assert "operator `logcumsumexp` in module `first`" in str(caught.value)
    assert "operator `median` in module `second`" in str(caught.value)


def test_unknown_operators_estimated() -> None:
    module = nn.Sequential(Of(lambda _, x: torch.logcumsumexp(x, 1)), nn.Conv2d(4, 8, 1))
    spec = from_torch(module, (1, 4, 5, 5), unsupported="estimate")
    graph = build_graph(spec)
    assert ops(graph) == ["opaque", "conv2d"]
    assert graph.layers[0].cost.output_elements == 100
    assert "charged by its traffic: operator `logcumsumexp`" in " ".join(spec.notes)


def test_embedding() -> None:
    module = Of(lambda m, x: m.fc(m.table(x)), table=nn.Embedding(100, 16), fc=nn.Linear(16, 4))
    graph = build_graph(from_torch(module, torch.zeros(1, 7, dtype=torch.long)))
    assert count_macs(graph) == 7 * 16 * 4
    assert count_params(graph) == 1600 + 68
