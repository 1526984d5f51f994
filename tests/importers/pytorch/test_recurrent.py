"""Recurrent layers: MACs and parameters by the equations of torch.nn.LSTM, GRU and RNN."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import rnn

from mbcost.graph import build_graph, count_macs, count_params
from mbcost.importers.pytorch import from_torch
from tests.importers.pytorch.counts import imported, spec_of
from tests.importers.pytorch.test_traps import Of

#: A layer, its input of 7 steps, and its MACs by hand: steps * gates * hidden * (input + hidden).
CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int]] = {
    "LSTM": (lambda: nn.LSTM(10, 16, batch_first=True), (1, 7, 10), 7 * 4 * 16 * (10 + 16)),
    "LSTM, steps first": (lambda: nn.LSTM(10, 16), (7, 1, 10), 7 * 4 * 16 * (10 + 16)),
    "LSTM of two layers": (
        lambda: nn.LSTM(10, 16, 2, batch_first=True),
        (1, 7, 10),
        7 * 4 * 16 * (10 + 16) + 7 * 4 * 16 * (16 + 16),
    ),
    "LSTM of two layers in both directions": (
        lambda: nn.LSTM(10, 16, 2, bidirectional=True, batch_first=True),
        (1, 7, 10),
        2 * 7 * 4 * 16 * (10 + 16) + 2 * 7 * 4 * 16 * (32 + 16),
    ),
    "LSTM with a projection": (
        lambda: nn.LSTM(10, 16, proj_size=6, batch_first=True),
        (1, 7, 10),
        7 * (4 * 16 * (10 + 6) + 16 * 6),
    ),
    "LSTM without a bias": (lambda: nn.LSTM(10, 16, bias=False, batch_first=True), (1, 7, 10), 7 * 64 * 26),
    "GRU": (lambda: nn.GRU(10, 16, batch_first=True), (1, 7, 10), 7 * 3 * 16 * (10 + 16)),
    "RNN": (lambda: nn.RNN(10, 16, batch_first=True), (1, 7, 10), 7 * 16 * (10 + 16)),
    "RNN with ReLU": (lambda: nn.RNN(10, 16, nonlinearity="relu", batch_first=True), (1, 7, 10), 7 * 16 * 26),
}


@pytest.mark.parametrize("name", CASES)
def test_macs_and_parameters(name: str) -> None:
    make, sizes, macs = CASES[name]
    module = make()
    spec = spec_of(Of(lambda m, x: m.cell(x)[0].relu(), cell=module), sizes)
    graph = build_graph(spec)
    assert count_macs(graph) == macs
    assert count_params(graph) == sum(parameter.numel() for parameter in module.parameters())
    assert "as if none waited for another" in " ".join(spec.notes)


def test_steps_without_a_batch() -> None:
    for batch_first in (False, True):
        spec = spec_of(Of(lambda m, x: m.cell(x)[0], cell=nn.GRU(10, 16, batch_first=batch_first)), (7, 10))
        assert count_macs(build_graph(spec)) == 7 * 3 * 16 * 26
        assert "the steps of a recurrent layer, not a batch" in " ".join(spec.notes)


def test_a_batch_of_sequences() -> None:
    spec = spec_of(Of(lambda m, x: m.cell(x)[0], cell=nn.GRU(10, 16, batch_first=True)), (4, 7, 10))
    assert count_macs(build_graph(spec)) == 7 * 3 * 16 * 26
    assert "one image of the example's batch of 4" in " ".join(spec.notes)


def test_what_follows_the_last_state() -> None:
    """The state after the last step into a classifier; a first state that the network computes is read."""

    def forward(m: Of, x: Tensor, y: Tensor) -> Tensor:
        _, state = m.cell(x, m.before(y)[None])
        return m.fc(state[-1])

    module = Of(forward, cell=nn.GRU(10, 16, batch_first=True), before=nn.Linear(3, 16), fc=nn.Linear(16, 5))
    graph = imported(module, (1, 7, 10), (1, 3))
    assert count_macs(graph) == 3 * 16 + 7 * 3 * 16 * 26 + 16 * 5
    assert count_params(graph) == sum(parameter.numel() for parameter in module.parameters())
    before = next(layer.position for layer in graph.layers if layer.name == "before")
    assert [layer.op for layer in graph.layers if before in layer.inputs] == ["opaque"]


@pytest.mark.parametrize(
    ("make", "gates"),
    [(lambda: nn.LSTMCell(10, 16), 4), (lambda: nn.GRUCell(10, 16), 3), (lambda: nn.RNNCell(10, 16), 1)],
)
def test_cells(make: Callable[[], nn.Module], gates: int) -> None:
    """Three steps written out; the weights are those of one."""

    def forward(m: Of, x: Tensor) -> Tensor:
        state = None
        for _ in range(3):
            state = m.cell(x, state)
        return state

    module = Of(forward, cell=make())
    graph = imported(module, (1, 10))
    assert count_macs(graph) == 3 * gates * 16 * (10 + 16)
    assert count_params(graph) == sum(parameter.numel() for parameter in module.parameters())


class Packed(nn.Module):
    """An LSTM over sequences of several lengths, as nn.LSTM runs them: rows of all steps, one behind the other."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTM(12, 16, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        packed = rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, (state, _) = self.cell(packed)
        return state[-1]


def test_packed_sequences() -> None:
    # 7 and 4 steps: 11 rows enter; the first state is zeros, whose products are worked out once
    spec = from_torch(Packed(), (torch.zeros(2, 7, 12), torch.tensor([7, 4])))
    graph = build_graph(spec)
    assert count_macs(graph) == 11 * 4 * 16 * 12 + (11 - 2) * 4 * 16 * 16
    assert count_params(graph) == sum(parameter.numel() for parameter in Packed().parameters())
    assert "2048 MACs on constants alone" in " ".join(spec.notes)
