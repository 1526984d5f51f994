"""Networks of the field as compact modules, with the layers of their papers and of torchvision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

Activation = Callable[[], nn.Module]


def divisible(channels: float, divisor: int = 8) -> int:
    """make_divisible of the MobileNets."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def conv(c_in: int, c_out: int, kernel: int = 1, stride: int = 1, groups: int = 1, act: Activation | None = nn.ReLU6):
    """Convolution, batch norm, activation."""
    layers = [nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(c_out)]
    return nn.Sequential(*layers, *([act()] if act else []))


def head(channels: int, classes: int = 1000) -> nn.Sequential:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


class MobileNetV1(nn.Sequential):
    """Howard et al. 2017, arXiv:1704.04861, Table 1, with the code's last stride."""

    def __init__(self, alpha: float = 1.0) -> None:
        rows = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
        channels = int(32 * alpha)
        layers = [conv(3, channels, 3, 2)]
        for out, stride in rows:
            layers += [conv(channels, channels, 3, stride, channels), conv(channels, int(out * alpha))]
            channels = int(out * alpha)
        super().__init__(*layers, head(channels), nn.Softmax(1))


class InvertedResidual(nn.Module):
    """MobileNet V2's bottleneck."""

    def __init__(self, c_in: int, c_out: int, stride: int, expand: int, kernel: int = 3, act: Activation = nn.ReLU6):
        super().__init__()
        hidden = c_in * expand
        first = [conv(c_in, hidden, act=act)] if expand > 1 else []
        self.conv = nn.Sequential(
            *first, conv(hidden, hidden, kernel, stride, hidden, act), conv(hidden, c_out, act=None)
        )
        self.residual = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) + x if self.residual else self.conv(x)


class MobileNetV2(nn.Module):
    """Sandler et al. 2018, arXiv:1801.04381, Table 2."""

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        rows = [
            (1, 16, 1, 1),
            (6, 24, 2, 2),
            (6, 32, 3, 2),
            (6, 64, 4, 2),
            (6, 96, 3, 1),
            (6, 160, 3, 2),
            (6, 320, 1, 1),
        ]
        channels, last = divisible(32 * alpha), divisible(1280 * max(1.0, alpha))
        layers = [conv(3, channels, 3, 2)]
        for expand, out, repeats, stride in rows:
            for i in range(repeats):
                layers.append(InvertedResidual(channels, divisible(out * alpha), stride if i == 0 else 1, expand))
                channels = divisible(out * alpha)
        self.features = nn.Sequential(*layers, conv(channels, last))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(last, 1000))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(F.adaptive_avg_pool2d(self.features(x), (1, 1)).flatten(1))


class SqueezeExcite(nn.Module):
    def __init__(self, channels: int, squeezed: int, gate: Activation = nn.Hardsigmoid, act: Activation = nn.ReLU):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce, self.act = nn.Conv2d(channels, squeezed, 1), act()
        self.expand, self.gate = nn.Conv2d(squeezed, channels, 1), gate()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(self.expand(self.act(self.reduce(self.pool(x)))))


class BneckV3(nn.Module):
    def __init__(self, c_in: int, kernel: int, exp: int, out: int, se: bool, act: Activation, stride: int) -> None:
        super().__init__()
        layers = [conv(c_in, exp, act=act)] if exp != c_in else []
        layers.append(conv(exp, exp, kernel, stride, exp, act))
        if se:
            layers.append(SqueezeExcite(exp, divisible(exp / 4)))
        self.block = nn.Sequential(*layers, conv(exp, out, act=None))
        self.residual = stride == 1 and c_in == out

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x) + x if self.residual else self.block(x)


class MobileNetV3(nn.Sequential):
    """Howard et al. 2019, arXiv:1905.02244. The head's pointwise layers are convolutions, as printed.

    `rows` are kernel, expanded and output channels, squeeze-and-excite, activation and stride of each bottleneck.
    """

    def __init__(self, rows: Sequence[tuple[int, int, int, int, Activation, int]], wide: int, last: int, alpha: float):
        channels = divisible(16 * alpha)
        layers: list[nn.Module] = [conv(3, channels, 3, 2, act=nn.Hardswish)]
        for kernel, exp, out, se, act, stride in rows:
            hidden, narrow = divisible(exp * alpha), divisible(out * alpha)
            layers.append(BneckV3(channels, kernel, hidden, narrow, bool(se), act, stride))
            channels = narrow
        wide = divisible(wide * alpha)
        head = [nn.Conv2d(wide, last, 1), nn.Hardswish(), nn.Conv2d(last, 1000, 1)]
        super().__init__(*layers, conv(channels, wide, act=nn.Hardswish), nn.AdaptiveAvgPool2d(1), *head)


class MobileNetV3Large(MobileNetV3):
    """Its Table 1."""

    def __init__(self, alpha: float = 1.0) -> None:
        hs, re = nn.Hardswish, nn.ReLU
        rows = [
            (3, 16, 16, 0, re, 1), (3, 64, 24, 0, re, 2), (3, 72, 24, 0, re, 1), (5, 72, 40, 1, re, 2),
            (5, 120, 40, 1, re, 1), (5, 120, 40, 1, re, 1), (3, 240, 80, 0, hs, 2), (3, 200, 80, 0, hs, 1),
            (3, 184, 80, 0, hs, 1), (3, 184, 80, 0, hs, 1), (3, 480, 112, 1, hs, 1), (3, 672, 112, 1, hs, 1),
            (5, 672, 160, 1, hs, 2), (5, 960, 160, 1, hs, 1), (5, 960, 160, 1, hs, 1),
        ]  # fmt: skip
        super().__init__(rows, 960, 1280, alpha)


class MobileNetV3Small(MobileNetV3):
    """Its Table 2."""

    def __init__(self, alpha: float = 1.0) -> None:
        hs, re = nn.Hardswish, nn.ReLU
        rows = [
            (3, 16, 16, 1, re, 2), (3, 72, 24, 0, re, 2), (3, 88, 24, 0, re, 1), (5, 96, 40, 1, hs, 2),
            (5, 240, 40, 1, hs, 1), (5, 240, 40, 1, hs, 1), (5, 120, 48, 1, hs, 1), (5, 144, 48, 1, hs, 1),
            (5, 288, 96, 1, hs, 2), (5, 576, 96, 1, hs, 1), (5, 576, 96, 1, hs, 1),
        ]  # fmt: skip
        super().__init__(rows, 576, 1024, alpha)


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, c_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = conv(c_in, width, 3, stride, act=nn.ReLU), conv(width, width, 3, act=None)
        self.relu = nn.ReLU(inplace=True)
        self.down = conv(c_in, width, 1, stride, act=None) if stride > 1 or c_in != width else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.conv1(x))
        y += x if self.down is None else self.down(x)
        return self.relu(y)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, c_in: int, width: int, stride: int) -> None:
        super().__init__()
        out = 4 * width
        self.convs = nn.Sequential(
            conv(c_in, width, act=nn.ReLU), conv(width, width, 3, stride, act=nn.ReLU), conv(width, out, act=None)
        )
        self.down = conv(c_in, out, 1, stride, act=None) if stride > 1 or c_in != out else None

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.convs(x) + (x if self.down is None else self.down(x)))


class ResNet(nn.Module):
    """He et al. 2016, arXiv:1512.03385, Table 1."""

    def __init__(self, block: type[BasicBlock | Bottleneck], depths: Sequence[int]) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv(3, 64, 7, 2, act=nn.ReLU), nn.MaxPool2d(3, 2, 1))
        layers, channels = [], 64
        for stage, depth in enumerate(depths):
            for i in range(depth):
                layers.append(block(channels, 64 << stage, 2 if stage and i == 0 else 1))
                channels = (64 << stage) * block.expansion
        self.layers, self.fc = nn.Sequential(*layers), nn.Linear(channels, 1000)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.layers(self.stem(x)).mean((2, 3)))


class Fire(nn.Module):
    def __init__(self, c_in: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(c_in, squeeze, 1)
        self.left, self.right = nn.Conv2d(squeeze, expand, 1), nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.left(x)), F.relu(self.right(x))], 1)


class SqueezeNet11(nn.Sequential):
    """Iandola et al. 2016, arXiv:1602.07360; version 1.1 of its repository."""

    def __init__(self) -> None:
        pool = partial(nn.MaxPool2d, 3, 2, ceil_mode=True)
        super().__init__(
            nn.Conv2d(3, 64, 3, 2), nn.ReLU(), pool(),
            Fire(64, 16, 64), Fire(128, 16, 64), pool(),
            Fire(128, 32, 128), Fire(256, 32, 128), pool(),
            Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256),
            nn.Dropout(), nn.Conv2d(512, 1000, 1), nn.ReLU(), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(),
        )  # fmt: skip


class ShuffleUnit(nn.Module):
    def __init__(self, c_in: int, out: int, stride: int) -> None:
        super().__init__()
        self.stride, half = stride, out // 2
        width = c_in if stride > 1 else half
        self.left = nn.Sequential(conv(c_in, c_in, 3, 2, c_in, None), conv(c_in, half, act=nn.ReLU))
        if stride == 1:
            self.left = nn.Identity()
        self.right = nn.Sequential(
            conv(width, half, act=nn.ReLU), conv(half, half, 3, stride, half, None), conv(half, half, act=nn.ReLU)
        )

    def forward(self, x: Tensor) -> Tensor:
        left, right = x.chunk(2, dim=1) if self.stride == 1 else (x, x)
        x = torch.cat((self.left(left), self.right(right)), dim=1)
        batch, channels, height, width = x.shape
        return (
            x.view(batch, 2, channels // 2, height, width).transpose(1, 2).contiguous().view(batch, -1, height, width)
        )


class ShuffleNetV2(nn.Module):
    """Ma et al. 2018, arXiv:1807.11164, Table 5; 1x unless other widths are given."""

    def __init__(self, widths: tuple[int, int, int] = (116, 232, 464)) -> None:
        super().__init__()
        layers, channels = [conv(3, 24, 3, 2, act=nn.ReLU), nn.MaxPool2d(3, 2, 1)], 24
        for out, repeats in zip(widths, (4, 8, 4), strict=True):
            for i in range(repeats):
                layers.append(ShuffleUnit(channels, out, 2 if i == 0 else 1))
                channels = out
        self.features, self.fc = nn.Sequential(*layers, conv(channels, 1024, act=nn.ReLU)), nn.Linear(1024, 1000)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.features(x).mean([2, 3]))


class DenseLayer(nn.Module):
    def __init__(self, c_in: int, growth: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(c_in), nn.Conv2d(c_in, 4 * growth, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(4 * growth), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.relu(self.norm1(x), inplace=True))
        return torch.cat([x, self.conv2(F.relu(self.norm2(y), inplace=True))], 1)


class DenseNet121(nn.Sequential):
    """Huang et al. 2017, arXiv:1608.06993, Table 1."""

    def __init__(self) -> None:
        layers: list[nn.Module] = [conv(3, 64, 7, 2, act=nn.ReLU), nn.MaxPool2d(3, 2, 1)]
        channels = 64
        for number, depth in enumerate((6, 12, 24, 16)):
            layers += [DenseLayer(channels + 32 * i, 32) for i in range(depth)]
            channels += 32 * depth
            if number < 3:
                half = nn.Conv2d(channels, channels // 2, 1, bias=False)
                layers += [nn.BatchNorm2d(channels), nn.ReLU(), half, nn.AvgPool2d(2, 2)]
                channels //= 2
        super().__init__(*layers, nn.BatchNorm2d(channels), nn.ReLU(), head(channels))


class VGG11(nn.Sequential):
    """Simonyan and Zisserman 2015, arXiv:1409.1556, Table 1, column A."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        channels = 3
        for width in (64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(True)] if width else [nn.MaxPool2d(2, 2)]
            channels = width or channels
        dense = [nn.Linear(512 * 49, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()]
        super().__init__(*layers, nn.AdaptiveAvgPool2d(7), nn.Flatten(), *dense, nn.Linear(4096, 1000))


class AlexNet(nn.Module):
    """Krizhevsky 2014, arXiv:1404.5997, as torchvision has it."""

    def __init__(self) -> None:
        super().__init__()
        pool = partial(nn.MaxPool2d, 3, 2)
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), pool(), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), pool(),
            nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), pool(),
        )  # fmt: skip
        self.pool = nn.AdaptiveAvgPool2d((6, 6))
        self.dense = nn.Sequential(
            nn.Dropout(), nn.Linear(256 * 36, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(),
            nn.Linear(4096, 1000),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.features(x))
        return self.dense(torch.flatten(x, 1))


class Inception(nn.Module):
    def __init__(self, c_in: int, one: int, three: tuple[int, int], five: tuple[int, int], pooled: int) -> None:
        super().__init__()
        act = nn.ReLU
        self.one = conv(c_in, one, act=act)
        self.three = nn.Sequential(conv(c_in, three[0], act=act), conv(three[0], three[1], 3, act=act))
        self.five = nn.Sequential(conv(c_in, five[0], act=act), conv(five[0], five[1], 5, act=act))
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(c_in, pooled, act=act))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], dim=1)


class InceptionNet(nn.Sequential):
    """The first blocks of GoogLeNet (Szegedy et al. 2015, arXiv:1409.4842, Table 1)."""

    def __init__(self) -> None:
        super().__init__(
            conv(3, 64, 7, 2, act=nn.ReLU), nn.MaxPool2d(3, 2, ceil_mode=True), nn.LocalResponseNorm(5),
            conv(64, 64, act=nn.ReLU), conv(64, 192, 3, act=nn.ReLU), nn.MaxPool2d(3, 2, ceil_mode=True),
            Inception(192, 64, (96, 128), (16, 32), 32), Inception(256, 128, (128, 192), (32, 96), 64),
            nn.MaxPool2d(3, 2, ceil_mode=True), Inception(480, 192, (96, 208), (16, 48), 64), head(512),
        )  # fmt: skip


class MBConv(nn.Module):
    def __init__(self, c_in: int, out: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        wide, act = c_in * expand, nn.SiLU
        layers = [conv(c_in, wide, act=act)] if expand > 1 else []
        layers += [conv(wide, wide, kernel, stride, wide, act), SqueezeExcite(wide, max(1, c_in // 4), nn.Sigmoid, act)]
        self.block = nn.Sequential(*layers, conv(wide, out, act=None))
        self.residual = stride == 1 and c_in == out

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x) + x if self.residual else self.block(x)


class EfficientNetB0(nn.Sequential):
    """Tan and Le 2019, arXiv:1905.11946, Table 1."""

    def __init__(self) -> None:
        rows = [
            (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3),
            (6, 5, 2, 192, 4), (6, 3, 1, 320, 1),
        ]  # fmt: skip
        layers: list[nn.Module] = [conv(3, 32, 3, 2, act=nn.SiLU)]
        channels = 32
        for expand, kernel, stride, out, repeats in rows:
            for i in range(repeats):
                layers.append(MBConv(channels, out, kernel, stride if i == 0 else 1, expand))
                channels = out
        super().__init__(*layers, conv(channels, 1280, act=nn.SiLU), head(1280))


class MnasNetB1(nn.Sequential):
    """Tan et al. 2019, arXiv:1807.11626: MnasNet without squeeze-and-excite."""

    def __init__(self) -> None:
        rows = [
            (3, 3, 2, 24, 3),
            (3, 5, 2, 40, 3),
            (6, 5, 2, 80, 3),
            (6, 3, 1, 96, 2),
            (6, 5, 2, 192, 4),
            (6, 3, 1, 320, 1),
        ]
        first = [conv(3, 32, 3, 2, act=nn.ReLU), conv(32, 32, 3, 1, 32, nn.ReLU), conv(32, 16, act=None)]
        layers, channels = first, 16
        for expand, kernel, stride, out, repeats in rows:
            for i in range(repeats):
                layers.append(InvertedResidual(channels, out, stride if i == 0 else 1, expand, kernel, nn.ReLU))
                channels = out
        super().__init__(*layers, conv(320, 1280, act=nn.ReLU), head(1280))


class VisionTransformer(nn.Module):
    """A small ViT (Dosovitskiy et al. 2021, arXiv:2010.11929) on PyTorch's own encoder layers."""

    def __init__(self, size: int = 64, patch: int = 8, width: int = 48, depth: int = 2, heads: int = 3) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, (size // patch) ** 2 + 1, width))
        layers = [
            nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, F.gelu, batch_first=True) for _ in range(depth)
        ]
        self.layers, self.norm, self.head = nn.Sequential(*layers), nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1) + self.positions
        return self.head(self.norm(self.layers(x))[:, 0])


class UNet(nn.Module):
    """Two levels of a U-Net (Ronneberger et al. 2015, arXiv:1505.04597) with transposed convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2, self.middle = (conv(a, b, 3, act=nn.ReLU) for a, b in ((3, 16), (16, 32), (32, 64)))
        self.up2, self.up1 = nn.ConvTranspose2d(64, 32, 2, 2), nn.ConvTranspose2d(32, 16, 3, 2, 1, 1)
        self.join2, self.join1 = conv(64, 32, 3, act=nn.ReLU), conv(32, 16, 3, act=nn.ReLU)
        self.out = nn.Conv2d(16, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        y = self.join2(torch.cat([self.up2(self.middle(F.max_pool2d(b, 2))), b], 1))
        return self.out(self.join1(torch.cat([self.up1(y), a], 1)))


class SoundNet(nn.Sequential):
    """A one-dimensional network on 16,000 samples."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv1d(1, 16, 80, 4), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(4),
            nn.Conv1d(16, 32, 3, padding=1, groups=4), nn.BatchNorm1d(32), nn.ReLU(), nn.AvgPool1d(4),
            nn.Conv1d(32, 32, 3, dilation=2, padding="same"), nn.GELU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(),
            nn.Linear(32, 35),
        )  # fmt: skip


class VideoNet(nn.Sequential):
    """The beginning of C3D (Tran et al. 2015, arXiv:1412.0767), a quarter as wide."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv3d(3, 16, 3, padding=1), nn.BatchNorm3d(16), nn.ReLU(), nn.MaxPool3d((1, 2, 2)),
            nn.Conv3d(16, 32, (3, 1, 3), (2, 1, 1), padding=(1, 0, 1), groups=2), nn.ReLU(), nn.AvgPool3d(2),
            nn.Conv3d(32, 64, 1), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(64, 101),
        )  # fmt: skip


#: name -> how to make it, sizes of its input
NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "MobileNet V1": (MobileNetV1, (1, 3, 224, 224)),
    "MobileNet V2": (MobileNetV2, (1, 3, 224, 224)),
    "MobileNet V3-Large": (MobileNetV3Large, (1, 3, 224, 224)),
    "ResNet-18": (partial(ResNet, BasicBlock, (2, 2, 2, 2)), (1, 3, 224, 224)),
    "ResNet-50": (partial(ResNet, Bottleneck, (3, 4, 6, 3)), (1, 3, 224, 224)),
    "SqueezeNet 1.1": (SqueezeNet11, (1, 3, 224, 224)),
    "ShuffleNet V2": (ShuffleNetV2, (1, 3, 224, 224)),
    "DenseNet-121": (DenseNet121, (1, 3, 224, 224)),
    "VGG-11": (VGG11, (1, 3, 224, 224)),
    "AlexNet": (AlexNet, (1, 3, 224, 224)),
    "Inception": (InceptionNet, (1, 3, 224, 224)),
    "EfficientNet-B0": (EfficientNetB0, (1, 3, 224, 224)),
    "MnasNet-B1": (MnasNetB1, (1, 3, 224, 224)),
    "ViT": (VisionTransformer, (1, 3, 64, 64)),
    "U-Net": (UNet, (1, 3, 64, 96)),
    "1-D": (SoundNet, (1, 1, 16000)),
    "3-D": (VideoNet, (1, 3, 16, 56, 56)),
}
