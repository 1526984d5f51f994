"""An ``nn.Module`` goes straight into the functions that take a network."""

from __future__ import annotations

import pytest

import mbcost
from mbcost.errors import InputError

torch = pytest.importorskip("torch")


def module() -> torch.nn.Module:
    """3x3 with stride 2 and a 1x1: 16 x 16 x (27 x 8 + 8 x 4) MACs of an input of 32x32."""
    return torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, 2, 1), torch.nn.ReLU(), torch.nn.Conv2d(8, 4, 1))


def test_analyze() -> None:
    found = mbcost.analyze(module(), "pixel4", input_shape=(1, 3, 32, 32))
    assert found.totals.macs == 16 * 16 * (27 * 8 + 8 * 4)
    assert found.totals.params == 27 * 8 + 8 + 8 * 4 + 4


def test_compare_and_several_devices() -> None:
    network = module()
    found = mbcost.compare([network, "mobilenet_v2"], "pixel4", input_shape=(1, 3, 32, 32))
    assert found.analyses[0].totals.macs == 16 * 16 * (27 * 8 + 8 * 4)
    assert len(mbcost.analyze(network, ["pixel1", "pixel4"], input_shape=(1, 3, 32, 32))) == 2


def test_load_convert_and_stream(tmp_path: pytest.TempPathFactory) -> None:
    spec = mbcost.load(module(), input_shape=(1, 3, 32, 32))
    made = mbcost.convert(module(), tmp_path / "net.yaml", input_shape=(1, 3, 32, 32))  # type: ignore[operator]
    assert mbcost.build_graph(mbcost.load(made.path)).cost.macs == mbcost.build_graph(spec).cost.macs
    assert mbcost.stream(module(), "pixel4", input_shape=(1, 3, 32, 32)).results[0].frames_per_s > 0


@pytest.mark.parametrize("shape", [None, (1, 3, 32, 32.5), "1x3x32x32", (1, 3, 0, 32), (), 32])
def test_a_shape_that_is_none(shape: object) -> None:
    with pytest.raises(InputError, match="input_shape"):
        mbcost.analyze(module(), "pixel4", input_shape=shape)  # type: ignore[arg-type]


def test_the_module_stays_as_it_was() -> None:
    network = module().train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    mbcost.analyze(network, "pixel4", input_shape=(1, 3, 32, 32))
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
