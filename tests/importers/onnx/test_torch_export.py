"""Networks as PyTorch's two exporters write them; MACs beside ``FlopCounterMode``."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import pytest

from mbcost.graph import build_graph, count_macs
from mbcost.importers.onnx import read_onnx

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
flop_counter = pytest.importorskip("torch.utils.flop_counter")
nn, functional = torch.nn, torch.nn.functional

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def block(channels: int, out: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> Any:
    convolution = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out), nn.ReLU6())


class Gate(nn.Module):  # type: ignore[misc,name-defined]
    """Squeeze and excite, then the activation of MobileNet V3."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze, self.excite = nn.Conv2d(channels, channels // 4, 1), nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x: Any) -> Any:
        y = functional.relu(self.squeeze(functional.adaptive_avg_pool2d(x, 1)))
        return functional.hardswish(x * functional.hardsigmoid(self.excite(y)))


class Shuffle(nn.Module):  # type: ignore[misc,name-defined]
    """Halves of ShuffleNet V2, joined and shuffled, with shapes from the input."""

    def forward(self, x: Any) -> Any:
        left, right = x.chunk(2, 1)
        x = torch.cat([left, right * 2], 1)
        n, c, h, w = x.shape
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


class Attention(nn.Module):  # type: ignore[misc,name-defined]
    """Attention over the pixels of a map."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.norm, self.heads = nn.LayerNorm(channels), heads
        self.project, self.merge = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)

    def forward(self, x: Any) -> Any:
        n, c, h, w = x.shape
        y = self.project(self.norm(x.flatten(2).transpose(1, 2)))
        q, k, v = y.reshape(n, h * w, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        y = (q @ k.transpose(-2, -1) * 0.125).softmax(-1) @ v
        return x + self.merge(y.transpose(1, 2).reshape(n, h * w, c)).transpose(1, 2).reshape(n, c, h, w)


class Decoder(nn.Module):  # type: ignore[misc,name-defined]
    """Dilated convolution, bilinear resize to another map, transposed convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dilated = nn.Conv2d(channels, channels, 3, padding=2, dilation=2)
        self.up = nn.ConvTranspose2d(channels, channels // 2, 3, 2, 1, 1)

    def forward(self, x: Any) -> Any:
        y = self.dilated(functional.max_pool2d(x, 2))
        y = functional.interpolate(y, size=x.shape[-2:], mode="bilinear", align_corners=False)
        return self.up(torch.cat([x, y], 1)[:, : x.shape[1]])


class Boxes(nn.Module):  # type: ignore[misc,name-defined]
    """Boxes of two maps, as a detection head joins them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fine, self.coarse = nn.Conv2d(channels, 12, 3, padding=1), nn.Conv2d(channels, 12, 3, 2, 1)

    def forward(self, x: Any) -> Any:
        maps = (self.fine(x), self.coarse(x))
        return torch.cat([m.permute(0, 2, 3, 1).reshape(m.shape[0], -1, 4) for m in maps], 1).softmax(-1)


class Functions(nn.Module):  # type: ignore[misc,name-defined]
    """Normalisations and activations that exporters take apart."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.group, self.layer = nn.GroupNorm(4, channels), nn.LayerNorm(channels)
        self.linear, self.prelu = nn.Linear(channels, channels), nn.PReLU(channels)

    def forward(self, x: Any) -> Any:
        x = functional.mish(functional.silu(functional.gelu(self.group(x))))
        return functional.pixel_shuffle(
            self.linear(self.layer(self.prelu(x).permute(0, 2, 3, 1))).permute(0, 3, 1, 2), 2
        )


def networks() -> dict[str, tuple[Any, list[str]]]:
    """Name: network, and operators that have to be recognised in it."""
    stem = nn.Conv2d(3, 16, 3, padding=1)
    return {
        "inverted residual": (nn.Sequential(block(3, 16), block(16, 16, groups=16), Gate(16)), ["hard_swish"]),
        "classifier": (
            nn.Sequential(stem, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(16, 10)),
            ["global_avg_pool", "dense"],
        ),
        "flattened map": (nn.Sequential(stem, nn.MaxPool2d(4), nn.Flatten(), nn.Linear(1024, 10)), ["flatten"]),
        "shuffle": (nn.Sequential(stem, Shuffle()), ["split", "concat", "channel_shuffle"]),
        "attention": (nn.Sequential(nn.Conv2d(3, 32, 4, 4), Attention(32, 4)), ["layer_norm", "matmul", "softmax"]),
        "decoder": (nn.Sequential(stem, Decoder(16)), ["resize", "transposed_conv2d"]),
        "boxes": (nn.Sequential(stem, Boxes(16)), ["reshape", "concat"]),
        "functions": (
            nn.Sequential(stem, Functions(16)),
            ["group_norm", "gelu", "swish", "mish", "prelu", "layer_norm", "dense", "depth_to_space"],
        ),
        "padding": (nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(3, 8, 3, 2)), ["conv2d"]),
    }


@pytest.mark.parametrize("dynamo", [False, True], ids=["traced", "dynamo"])
@pytest.mark.parametrize("name", networks())
def test_exported_network(tmp_path: Path, name: str, dynamo: bool) -> None:
    network, operators = networks()[name]
    x = torch.randn(1, 3, 32, 32)
    with flop_counter.FlopCounterMode(display=False) as counter:
        network.eval()(x)
    path = tmp_path / "net.onnx"
    options: dict[str, Any] = {"dynamo": True, "external_data": False} if dynamo else {"dynamo": False}
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (x,), str(path), **options)
    logging.disable(logging.NOTSET)
    graph = build_graph(read_onnx(path))
    found = [layer.op for layer in graph.layers]
    assert set(operators) <= set(found), found
    assert count_macs(graph) == counter.get_total_flops() // 2
