"""Networks exported by PyTorch with a batch: the layers are those of one image, whatever the batch of the example."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from mbcost.graph import build_graph, count_macs, count_params
from mbcost.importers.onnx import read_onnx

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
nn = torch.nn

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


class Shuffle(nn.Module):  # type: ignore[misc,name-defined]
    """Channels in groups, shuffled, with the batch in every shape. 16x16 of 3x3x3x24, then 24x24 in 3 groups."""

    macs = 256 * (27 * 24 + 24 * 8)

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 24, 3, 2, 1), nn.Conv2d(24, 24, 1, groups=3)

    def forward(self, x: Any) -> Any:
        y = self.first(x)
        n, c, h, w = y.shape
        return self.second(y.view(n, 3, c // 3, h, w).transpose(1, 2).reshape(n, c, h, w))


class Tokens(nn.Module):  # type: ignore[misc,name-defined]
    """A class token, positions, attention of 4 heads: 16 patches of 8x8x3, 17 tokens of 32."""

    macs = 16 * 192 * 32 + 17 * 32 * 96 + 2 * 4 * 17 * 17 * 8 + 17 * 32 * 32 + 32 * 10

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.token = nn.Conv2d(3, 32, 8, 8), nn.Parameter(torch.randn(1, 1, 32))
        self.positions, self.norm = nn.Parameter(torch.randn(1, 17, 32)), nn.LayerNorm(32)
        self.project, self.merge, self.head = nn.Linear(32, 96), nn.Linear(32, 32), nn.Linear(32, 10)

    def forward(self, x: Any) -> Any:
        y = self.patches(x).flatten(2).transpose(1, 2)
        y = torch.cat([self.token.expand(y.shape[0], -1, -1), y], 1) + self.positions
        n, length, c = y.shape
        q, k, v = self.project(self.norm(y)).reshape(n, length, 3, 4, 8).permute(2, 0, 3, 1, 4).unbind(0)
        made = ((q @ k.transpose(-2, -1)) * 0.3).softmax(-1) @ v
        return self.head((y + self.merge(made.transpose(1, 2).reshape(n, length, c)))[:, 0])


class Windows(nn.Module):  # type: ignore[misc,name-defined]
    """Attention in 4 windows of 4x4 pixels, which are multiplied into the batch."""

    macs = 64 * 48 * 32 + 64 * 32 * 96 + 4 * 2 * 4 * 16 * 16 * 8 + 64 * 32 * 32

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 32, 4, 4)
        self.project, self.merge = nn.Linear(32, 96), nn.Linear(32, 32)

    def forward(self, x: Any) -> Any:
        y = self.patches(x).permute(0, 2, 3, 1)
        n, h, w, c = y.shape
        y = y.view(n, h // 4, 4, w // 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, c)
        q, k, v = self.project(y).reshape(y.shape[0], 16, 3, 4, 8).permute(2, 0, 3, 1, 4).unbind(0)
        y = self.merge(((q @ k.transpose(-2, -1)).softmax(-1) @ v).transpose(1, 2).reshape(y.shape[0], 16, c))
        return y.view(n, h // 4, w // 4, 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(n, h, w, c)


class Recurrent(nn.Module):  # type: ignore[misc,name-defined]
    """A bidirectional LSTM over the 8 columns of a map of 16 channels."""

    macs = 64 * 48 * 16 + 8 * 2 * 4 * 12 * (16 * 8 + 12)

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 4, 4)
        self.reader = nn.LSTM(16 * 8, 12, bidirectional=True)

    def forward(self, x: Any) -> Any:
        return self.reader(self.patches(x).flatten(1, 2).permute(2, 0, 1))[0]


@pytest.mark.parametrize("dynamo", [False, True], ids=["legacy", "dynamo"])
@pytest.mark.parametrize("kind", [Shuffle, Tokens, Windows, Recurrent])
@pytest.mark.parametrize("batch", [1, 3, 4])
def test_the_batch_of_the_example_does_not_matter(tmp_path: Path, kind: Any, batch: int, dynamo: bool) -> None:
    logging.disable(logging.CRITICAL)
    path = tmp_path / "net.onnx"
    module = kind().eval()
    torch.onnx.export(module, (torch.zeros(batch, 3, 32, 32),), path, dynamo=dynamo, opset_version=18)
    spec = read_onnx(path)
    graph = build_graph(spec)
    assert count_macs(graph) == kind.macs
    assert spec.stated_batch == batch
    assert count_params(graph) == sum(parameter.numel() for parameter in module.parameters())
