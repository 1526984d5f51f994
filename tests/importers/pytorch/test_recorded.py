"""Modules that have to be run: what a recording sees of writes into parts of tensors, and of recurrent layers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from mbcost.errors import InputError
from mbcost.graph import build_graph, count_macs, count_params
from mbcost.importers.pytorch import from_torch
from tests.importers.pytorch.test_traps import Of


def by_value(x: Tensor) -> bool:
    return bool(x.sum() > 1)


def test_what_is_written_into_a_view_is_in_the_tensor() -> None:
    """As torchvision's detectors put images into a batch: without it, all that follows is of constants."""

    def forward(m: Of, images: list[Tensor]) -> Tensor:
        batch = images[0].new_zeros(len(images), 3, 8, 8)
        for number, image in enumerate(images):
            batch[number, :, : image.shape[1], : image.shape[2]].copy_(image)
        return m.c(batch) * (2 if by_value(batch) else 3)

    module = Of(forward, c=nn.Conv2d(3, 8, 3))
    spec = from_torch(module, ([torch.zeros(3, 8, 6)],))
    graph = build_graph(spec)
    assert "control flow depends on values" in " ".join(spec.notes)
    assert count_macs(graph) == 36 * 8 * 27
    assert count_params(graph) == 8 * 27 + 8


def test_halves_that_are_written() -> None:
    def forward(m: Of, x: Tensor) -> Tensor:
        y = x.new_zeros(x.shape[0], 8, 6, 6)
        y[:, :4] = m.a(x)
        y[:, 4:] = x if by_value(x) else x * 2
        return m.b(y)

    module = Of(forward, a=nn.Conv2d(4, 4, 1), b=nn.Conv2d(8, 2, 1))
    graph = build_graph(from_torch(module, torch.zeros(1, 4, 6, 6)))
    assert count_macs(graph) == 36 * (4 * 4 + 8 * 2)
    a = next(layer.position for layer in graph.layers if layer.name == "a")
    assert any(a in layer.inputs for layer in graph.layers)


def test_outputs_that_depend_on_no_input_are_refused() -> None:
    module = Of(lambda m, x: m.c(torch.ones(x.shape)), c=nn.Conv2d(3, 8, 3))
    with pytest.raises(InputError, match="no output of the module depends on its inputs") as caught:
        from_torch(module, (1, 3, 8, 8))
    assert caught.value.codes == ("MB501",)


def test_a_recurrent_layer() -> None:
    """Its products step by step; the first step's product with the state of zeros is one of constants."""
    module = Of(lambda m, x: m.l(x)[0] * (2 if by_value(x) else 3), l=nn.LSTM(10, 16, batch_first=True))
    spec = from_torch(module, torch.zeros(1, 7, 10))
    graph = build_graph(spec)
    assert count_macs(graph) == 7 * 4 * 16 * (10 + 16) - 4 * 16 * 16
    assert f"{4 * 16 * 16} MACs on constants alone" in " ".join(spec.notes)
    assert count_params(graph) == 4 * 16 * (10 + 16) + 2 * 4 * 16


def test_the_tail_of_a_detector() -> None:
    """Scores that are sorted, chosen and gathered: MACs are those of the network before, the tail is by its traffic."""

    def forward(m: Of, x: Tensor) -> Tensor:
        boxes = m.c(x).flatten(2).transpose(1, 2)[0]
        kept = torch.where(boxes[:, 0] > -9)[0]  # all of them, whatever the random bias
        boxes = boxes[kept]
        best = boxes[:, 1].sort(descending=True).indices[:5]
        return boxes[best]

    spec = from_torch(Of(forward, c=nn.Conv2d(3, 8, 3)), torch.zeros(1, 3, 8, 8))
    assert count_macs(build_graph(spec)) == 36 * 8 * 27
    assert "sort (1)" in " ".join(spec.notes)
