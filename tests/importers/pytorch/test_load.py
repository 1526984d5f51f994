"""``module:callable``, and what can be wrong with it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from mbcost.errors import InputError
from mbcost.graph import build_graph, count_macs
from mbcost.importers.pytorch import from_torch, isolate, load_torch

SOURCE = """
import torch
from torch import nn

print("imported")

def small():
    return nn.Conv2d(3, 8, 1)

def with_example():
    return nn.Conv2d(3, 8, 1), torch.zeros(2, 3, 5, 5)

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 8, 3))

ready = Net()

def raises():
    raise RuntimeError("first line\\nno weights here")

def leaves():
    raise SystemExit("gone")

def number():
    return 3

class Wrong(nn.Module):
    def forward(self, x):
        raise ValueError("this never works")

answer = 42
"""


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module in the current folder."""
    (tmp_path / "strangers_nets.py").write_text(SOURCE)
    (tmp_path / "strangers_broken.py").write_text("import nowhere_to_be_found\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "strangers_nets", raising=False)
    return "strangers_nets"


def macs(reference: str, shape: tuple[int, ...] | None = None) -> int:
    return int(count_macs(build_graph(load_torch(reference, shape))))


def test_callables(nets: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert macs(f"{nets}:small", (1, 3, 4, 4)) == 16 * 24
    assert macs(f"{nets}:with_example") == 25 * 24
    assert macs(f"{nets}:with_example", (1, 3, 4, 4)) == 16 * 24
    assert macs(f"{nets}:Net", (1, 3, 4, 4)) == 4 * 8 * 27
    assert macs(f"{nets}:ready", (1, 3, 4, 4)) == 4 * 8 * 27
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "imported" in printed.err


def test_folder_is_not_left_on_the_path(nets: str) -> None:
    before = list(sys.path)
    macs(f"{nets}:small", (1, 3, 4, 4))
    assert sys.path == before


REFUSED = [
    ("strangers_nets:small", "MB502", "does not say what its input is"),
    ("strangers_nets:raises", "MB506", "strangers_nets:raises raised RuntimeError: no weights here"),
    ("strangers_nets:leaves", "MB506", "raised SystemExit: gone"),
    ("strangers_nets:number", "MB010", "returned int, not an nn.Module"),
    ("strangers_nets:answer", "MB010", "is a int, which cannot be called"),
    ("strangers_nets:smal", "MB001", "did you mean `small`"),
    ("strangers_net:small", "MB001", "no Python module `strangers_net`"),
    ("strangers_net:small", "MB001", "install the package that has `strangers_net`"),
    ("strangers_broken:small", "MB506", "install the package that has `nowhere_to_be_found`"),
    ("strangers_broken:small", "MB506", "No module named 'nowhere_to_be_found'"),
    ("strangers_nets", "MB010", "not of the form module:callable"),
    ("../nets:small", "MB010", "not of the form module:callable"),
]


@pytest.mark.parametrize(("reference", "code", "message"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refused(nets: str, reference: str, code: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        load_torch(reference)
    assert caught.value.codes == (code,)
    assert message in str(caught.value)


def test_module_that_raises(nets: str) -> None:
    with pytest.raises(InputError) as caught:
        load_torch(f"{nets}:Wrong", (1, 3, 4, 4))
    assert caught.value.codes == ("MB506",)
    assert "Wrong does not run on an input of 1x3x4x4: ValueError: this never works" in str(caught.value)


def test_input_of_the_wrong_size() -> None:
    with pytest.raises(InputError) as caught:
        from_torch(nn.Conv2d(3, 8, 3), (1, 4, 8, 8))
    assert caught.value.codes == ("MB506",)
    assert "expected input[1, 4, 8, 8] to have 3 channels" in str(caught.value)


@pytest.mark.parametrize("example", [None, "1x3x8x8", (), (0, 3, 8, 8), (torch.zeros(1), "x"), 3])
def test_no_example(example: object) -> None:
    with pytest.raises(InputError) as caught:
        from_torch(nn.Conv2d(3, 8, 3), example)
    assert caught.value.codes == ("MB010",)


def test_no_module() -> None:
    with pytest.raises(InputError) as caught:
        from_torch(nn.Conv2d, (1, 3, 8, 8))
    assert caught.value.codes == ("MB010",)


def test_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError) as caught:
        isolate.import_torch()
    assert caught.value.codes == ("MB011",)
    assert "mbcost[torch]" in str(caught.value)
    assert "whl/cpu" in str(caught.value)
