"""Modules that were refused or crashed: each stands for a kind. MACs by hand and by FlopCounterMode."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from mbcost.errors import InputError
from mbcost.graph import build_graph, count_macs, count_params
from mbcost.importers.pytorch import from_torch
from tests.importers.pytorch.counts import counted_macs, imported, ops, spec_of
from tests.importers.pytorch.test_traps import Of, Trap


def conv() -> nn.Conv2d:
    return nn.Conv2d(3, 8, 3)


def grouped_attention(m: Of, x: Tensor) -> Tensor:
    """Four heads of the query; two of the key and the value, each for two of them."""
    q = m.q(x).unflatten(-1, (4, 16)).transpose(1, 2)
    k, v = (part(x).unflatten(-1, (2, 16)).transpose(1, 2) for part in (m.k, m.v))
    mask = x.new_zeros(5, 5) if m.masked else None
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True).transpose(1, 2).flatten(2)


def one_key_head(m: Of, x: Tensor) -> Tensor:
    q = m.q(x).unflatten(-1, (4, 16)).transpose(1, 2)
    return F.scaled_dot_product_attention(q, m.k(x)[:, None], m.v(x)[:, None]).transpose(1, 2).flatten(2)


def response_norm(m: Of, x: Tensor) -> Tensor:
    """Global response normalisation of ConvNeXt V2 (arXiv:2301.00808)."""
    x = m.c(x)
    g = x.norm(p=2, dim=(2, 3), keepdim=True)
    n = g / (g.mean(1, keepdim=True) + 1e-6)
    return x + torch.addcmul(m.b.view(1, -1, 1, 1), m.w.view(1, -1, 1, 1), x * n)


MAP = ((1, 3, 8, 8),)
CONV = 36 * 8 * 27
CASES = (
    Trap("nothing of a tensor", lambda: Of(lambda m, x: torch.cat([(y := m.c(x))[:, :0], y], 1), c=conv()), MAP, CONV,
         ("conv2d",)),
    Trap("a split with an empty part", lambda: Of(lambda m, x: m.c(x).split([0, 8], 1)[1].relu(), c=conv()), MAP, CONV,
         ("conv2d", "relu")),
    Trap("maximum of two", lambda: Of(lambda m, x: torch.max(y := m.c(x), y * 0.5), c=conv()), MAP, CONV,
         ("conv2d", "scale", "maximum")),
    Trap("minimum of two", lambda: Of(lambda m, x: torch.min(y := m.c(x), y * 0.5), c=conv()), MAP, CONV,
         ("conv2d", "scale", "minimum")),
    Trap("maximum with a constant", lambda: Of(lambda m, x: torch.max(y := m.c(x), torch.ones_like(y)), c=conv()), MAP,
         CONV, ("conv2d", "elementwise")),
    Trap("response normalisation", lambda: Of(response_norm, c=conv(), w=(8,), b=(8,)), MAP, CONV,
         ("conv2d", "reduce", "reduce", "shift", "divide", "multiply", "scale", "shift", "add")),
    Trap("addcdiv with a value", lambda: Of(lambda _, x, y, z: torch.addcdiv(x, y, z, value=0.5)), MAP * 3, 0,
         ("divide", "scale", "add")),
    Trap("lerp", lambda: Of(lambda _, x, y: torch.lerp(x, y, 0.3)), MAP * 2, 0, ("subtract", "scale", "add")),
    Trap("padding by less than nothing", lambda: Of(lambda m, x: F.pad(m.c(x), (-1, 1, -1, 1)).relu(), c=conv()), MAP,
         CONV, ("conv2d", "split", "split", "pad", "relu")),
    Trap("less of the channels", lambda: Of(lambda m, x: F.pad(m.c(x), (0, 0, 0, 0, -2, 0)).relu(), c=conv()), MAP,
         CONV, ("conv2d", "split", "relu")),
    Trap("where on tensors", lambda: Of(lambda m, x: torch.where((y := m.c(x)) > 0, y, y * 2), c=conv()), MAP, CONV,
         ("conv2d", "elementwise", "scale", "opaque")),
    Trap("bicubic", lambda: Of(lambda m, x: F.interpolate(m.c(x), (9, 9), mode="bicubic"), c=conv()), MAP, CONV,
         ("conv2d", "opaque")),
    Trap("unfold and fold", lambda: Of(lambda m, x: F.fold(F.unfold(m.c(x), 2), (6, 6), 2), c=conv()), MAP, CONV,
         ("conv2d", "opaque", "opaque")),
    Trap("grid sample", lambda: Of(lambda m, x, g: F.grid_sample(m.c(x), g, align_corners=False), c=conv()),
         (*MAP, (1, 5, 5, 2)), CONV, ("conv2d", "opaque")),
    Trap("the largest few", lambda: Of(lambda m, x: m.c(x).flatten(1).topk(5).values.relu(), c=conv()), MAP, CONV, ()),
    Trap("one key head", lambda: Of(one_key_head, q=nn.Linear(64, 64), k=nn.Linear(64, 16), v=nn.Linear(64, 16)),
         ((1, 5, 64),), 5 * 64 * 96 + 2 * 4 * 5 * 5 * 16, ()),
    Trap("a computed weight", lambda: Of(lambda m, x: F.conv2d(m.c(x), m.fc(x.mean((2, 3))).view(5, 8, 1, 1)),
         c=conv(), fc=nn.Linear(3, 40)), MAP, CONV + 120 + 36 * 8 * 5, ()),
    Trap("a computed weight, grouped, with a bias", lambda: Of(lambda m, x: F.conv2d(m.c(x),
         m.fc(x.mean((2, 3))).view(4, 4, 3, 3), m.b, 2, 1, 1, 2), c=conv(), fc=nn.Linear(3, 144), b=(4,)), MAP,
         CONV + 3 * 144 + 9 * 4 * 4 * 9, ()),
    Trap("a map that is correlated with another", lambda: Of(lambda _, x, z: F.conv2d(x, z)), ((1, 8, 9, 9),
         (1, 8, 4, 4)), 36 * 8 * 16, ()),
    Trap("transposed, three dimensions", lambda: nn.ConvTranspose3d(4, 6, (2, 3, 3), 2), ((1, 4, 3, 5, 5),),
         75 * 4 * 6 * 18, ("conv2d", "opaque", "shift")),
    Trap("transposed, three dimensions, grouped", lambda: nn.ConvTranspose3d(4, 6, 2, 2, groups=2, bias=False),
         ((1, 4, 3, 5, 5),), 75 * 2 * 6 * 8, ("conv2d", "opaque")),
    Trap("transposed, several images", lambda: Of(lambda m, x: m.t(x.flatten(0, 1)), t=nn.ConvTranspose2d(3, 4, 2, 2)),
         ((1, 5, 3, 8, 8),), 5 * 64 * 3 * 4 * 4, ()),
    *(Trap(f"fewer key heads, masked {masked}", lambda masked=masked: Of(grouped_attention, q=nn.Linear(64, 64),
         k=nn.Linear(64, 32), v=nn.Linear(64, 32), masked=masked), ((1, 5, 64),), 5 * 64 * 128 + 2 * 4 * 5 * 5 * 16, ())
      for masked in (False, True)),
)  # fmt: skip


@pytest.mark.parametrize("trap", CASES, ids=lambda trap: trap.name)
def test_accepted_and_counted(trap: Trap) -> None:
    module = trap.make()
    graph = imported(module, *trap.sizes)
    assert count_macs(graph) == trap.macs
    if "key head" not in trap.name:  # FlopCounterMode refuses other numbers of heads
        counted = counted_macs(trap.make().to("meta"), *(torch.zeros(size, device="meta") for size in trap.sizes))
        assert counted == trap.macs
    if trap.ops:
        assert tuple(ops(graph)) == trap.ops
    assert count_params(graph) == sum(parameter.numel() for parameter in module.parameters())


def test_what_is_charged_by_traffic_is_named() -> None:
    spec = spec_of(Of(lambda _, x: torch.where(x > 0, x, x * 2)), (1, 3, 8, 8))
    assert "charged by their traffic, as they have no operator here: where (1)" in " ".join(spec.notes)


def test_products_of_constants_are_named() -> None:
    """A linear layer over an encoding of 49 positions: 49 * 2 * 16 MACs, once before the network runs."""
    module = Of(lambda m, x: x + m.fc(m.grid), fc=nn.Linear(2, 16))
    module.register_buffer("grid", torch.zeros(1, 49, 2))
    spec = spec_of(module, (1, 49, 16))
    assert count_macs(build_graph(spec)) == 0
    assert counted_macs(module, torch.zeros(1, 49, 16)) == 49 * 2 * 16
    assert f"{49 * 2 * 16} MACs on constants alone are not counted" in " ".join(spec.notes)


def test_plain_tensors_in_containers() -> None:
    """Tensors that are no buffers, in a dict, a list and an object."""
    module = Of(lambda m, x: m.c(x - m.held["mean"] + m.held["many"][0]), c=conv())
    module.held = {"mean": torch.zeros(1, 3, 1, 1), "many": [torch.zeros(3, 1, 1)]}
    assert count_macs(build_graph(from_torch(module, (1, 3, 8, 8)))) == CONV


class Named(nn.Module):
    """Keyword arguments, the second of them after the tensors that it is added to."""

    def __init__(self, *, by_value: bool) -> None:
        super().__init__()
        self.c = conv()
        self.by_value = by_value

    def forward(self, image: Tensor, *, shift: Tensor) -> Tensor:
        if self.by_value and image.sum() > 1:
            return image
        return self.c(image) + shift


@pytest.mark.parametrize("by_value", [False, True])
def test_keyword_arguments(by_value: bool) -> None:
    example = {"image": torch.zeros(4, 3, 8, 8), "shift": torch.zeros(4, 8, 1, 1)}
    spec = from_torch(Named(by_value=by_value), example)
    assert count_macs(build_graph(spec)) == CONV
    assert "one image of the example's batch of 4" in " ".join(spec.notes)


@pytest.mark.parametrize("by_value", [False, True])
def test_arguments_that_hold_tensors(by_value: bool) -> None:
    def forward(m: Of, images: list[Tensor], more: dict[str, Tensor]) -> Tensor:
        x = torch.stack(images)
        if by_value and more["shift"].sum() > 1:
            return x
        return m.c(x) + more["shift"]

    example = ([torch.zeros(3, 8, 8)] * 2, {"shift": torch.zeros(1, 8, 1, 1)})
    graph = build_graph(from_torch(Of(forward, c=conv()), example))
    assert count_macs(graph) == 2 * CONV


def test_a_mapping_that_is_the_argument() -> None:
    module = Of(lambda m, batch: m.c(batch["image"]), c=conv())
    assert count_macs(build_graph(from_torch(module, {"image": torch.zeros(1, 3, 8, 8)}))) == CONV


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_sizes_get_the_type_of_the_parameters(dtype: torch.dtype) -> None:
    assert count_macs(build_graph(from_torch(conv().to(dtype), (1, 3, 8, 8)))) == CONV


@pytest.mark.parametrize("example", [{}, {"x": 3}, ([],), (torch.zeros(1), "x")])
def test_examples_that_are_none(example: object) -> None:
    with pytest.raises(InputError, match="example input"):
        from_torch(conv(), example)


@pytest.mark.parametrize("groups", [1, 2])
def test_a_transposed_convolution_with_a_computed_weight(groups: int) -> None:
    def run(m: Of, x: Tensor) -> Tensor:
        weight = m.g(x.mean((2, 3))).view(8, 4, 2, 2)
        return F.conv_transpose2d(x, weight, m.b, stride=2, groups=groups)

    module = Of(run, g=nn.Linear(8, 8 * 4 * 2 * 2), b=(4 * groups,))
    graph = build_graph(spec_of(module, (1, 8, 6, 6)))
    # the linear layer that makes the weight; every pixel's products, of which a group makes 4 channels
    assert count_macs(graph) == 8 * 128 + 36 * 8 * 4 * 4
    assert count_params(graph) == 8 * 128 + 128 + 4 * groups


MOVING = {
    "cumsum": lambda _, x: torch.cumsum(x, 2),
    "index_add": lambda _, x: x.new_zeros(1, 8, 4, 8).index_add(2, torch.tensor([0, 1, 2, 3, 0, 1, 2, 3]), x),
    "scatter_add": lambda _, x: x.new_zeros(1, 8, 8, 8).scatter_add(2, torch.zeros(1, 8, 8, 8, dtype=torch.long), x),
    "max_unpool2d": lambda _, x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
    "kthvalue": lambda _, x: x.kthvalue(2, -1)[0],
    "affine_grid_generator": lambda _, x: F.grid_sample(
        x, F.affine_grid(x[:, 0, 0, :6].view(1, 2, 3), [1, 8, 8, 8], align_corners=False), align_corners=False
    ),
}


@pytest.mark.parametrize("name", MOVING)
def test_what_moves_elements_is_charged_by_its_traffic(name: str) -> None:
    spec = spec_of(Of(lambda m, x: MOVING[name](m, m.c(x)), c=nn.Conv2d(8, 8, 1)), (1, 8, 8, 8))
    graph = build_graph(spec)
    assert count_macs(graph) == 64 * 8 * 8
    assert f"{name} (1)" in " ".join(spec.notes)
