"""The user's module, and the process around it, are as before."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mbcost.graph import build_graph, count_macs, count_params
from mbcost.importers.pytorch import from_torch
from tests.importers.pytorch.networks import NETWORKS


class Busy(nn.Module):
    """Everything that a trace could disturb."""

    def __init__(self, by_value: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.5)
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))
        self.by_value = by_value
        self.seen = 0

    def forward(self, x: Tensor) -> Tensor:
        self.seen += 1
        self.calls += 1
        y = self.drop(self.norm(self.conv(x)))
        if self.by_value and y.sum() > 1e9:
            return y
        return y * random.random() + torch.rand(1)


def state_of(module: nn.Module) -> dict[str, Any]:
    """All that should not change."""
    return {
        "tensors": {name: tensor.clone() for name, tensor in module.state_dict().items()},
        "identities": {name: id(tensor) for name, tensor in module.named_parameters()},
        "gradients": {name: (tensor.requires_grad, tensor.grad) for name, tensor in module.named_parameters()},
        "training": [child.training for child in module.modules()],
        "hooks": [(len(child._forward_hooks), len(child._forward_pre_hooks)) for child in module.modules()],
        "generator": torch.get_rng_state(),
        "random": random.getstate(),
        "grad mode": torch.is_grad_enabled(),
        "default type": torch.get_default_dtype(),
    }


def assert_same(before: dict[str, Any], after: dict[str, Any]) -> None:
    for key, value in before.items():
        if key == "tensors":
            assert value.keys() == after[key].keys()
            assert all(torch.equal(tensor, after[key][name]) for name, tensor in value.items())
        elif key == "generator":
            assert torch.equal(value, after[key])
        else:
            assert value == after[key], key


@pytest.mark.parametrize("by_value", [False, True], ids=["exported", "run once"])
@pytest.mark.parametrize("training", [False, True])
def test_module_is_not_changed(by_value: bool, training: bool) -> None:
    module = Busy(by_value).train(training)
    module.drop.eval()
    module.conv.weight.requires_grad_(False)
    module.norm.weight.grad = torch.ones(4)
    module.conv.register_forward_hook(lambda *_: None)
    x = torch.rand(2, 3, 8, 8)
    before = state_of(module)
    spec = from_torch(module, x)
    assert_same(before, state_of(module))
    assert module.seen == 0
    assert count_macs(build_graph(spec)) == 36 * 4 * 27
    assert ("run once" in " ".join(spec.notes)) == by_value


def test_training_or_not_gives_the_same_network() -> None:
    make, sizes = NETWORKS["ShuffleNet V2"]
    module = make()
    layers = [
        [(layer.name, layer.operator) for layer in build_graph(from_torch(module.train(mode), sizes)).layers]
        for mode in (True, False)
    ]
    assert layers[0] == layers[1]


def test_example_is_not_changed() -> None:
    module = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 4, 1))
    x = torch.randn(1, 3, 4, 4)
    before = x.clone()
    from_torch(module, x)
    assert torch.equal(x, before)


def test_module_on_meta_needs_no_memory() -> None:
    with torch.device("meta"):
        module = nn.Sequential(nn.Linear(100_000, 100_000), nn.ReLU())  # 40 GB of weights
    graph = build_graph(from_torch(module, (1, 100_000)))
    assert count_macs(graph) == 10**10
    assert count_params(graph) == 10**10 + 100_000


def test_copy_of_the_module_is_the_same_network() -> None:
    make, sizes = NETWORKS["U-Net"]
    module = make()
    a, b = (build_graph(from_torch(item, sizes)) for item in (module, copy.deepcopy(module)))
    assert [layer.operator for layer in a.layers] == [layer.operator for layer in b.layers]


def test_new_tensors_on_the_cpu_meet_weights_on_meta() -> None:
    class Positions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.fc = nn.Embedding(9, 8), nn.Linear(8, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(x + self.table(torch.arange(x.shape[1])))

    with torch.device("meta"):
        module = Positions()
    graph = build_graph(from_torch(module, (1, 7, 8)))
    assert [layer.op for layer in graph.layers] == ["shift", "dense"]
    assert count_params(graph) == 9 * 8 + 8 * 4 + 4


def test_threads_leave_streams_and_logging_alone() -> None:
    """Traces in several threads at once, while another one prints."""
    said = io.StringIO()
    stop = threading.Event()
    networks = [nn.Sequential(nn.Conv2d(3, 8 * (i + 1), 3), nn.ReLU()) for i in range(4)]

    def talk() -> int:
        lines = 0
        while not stop.wait(0.01):
            print("still here")
            lines += 1
        return lines

    with contextlib.redirect_stdout(said), ThreadPoolExecutor(5) as pool:
        before = (sys.stdout, sys.stderr, logging.root.manager.disable)
        talking = pool.submit(talk)
        found = list(pool.map(lambda net: count_macs(build_graph(from_torch(net, (1, 3, 16, 16)))), networks))
        assert (sys.stdout, sys.stderr, logging.root.manager.disable) == before
        stop.set()
        lines = talking.result()
    assert found == [14 * 14 * 27 * 8 * (i + 1) for i in range(4)]
    assert lines > 0
    assert said.getvalue().count("still here\n") == lines
