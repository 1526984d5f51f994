"""Networks that the tests do not need: what ``host_networks.fresh_networks`` has beyond them, as plain modules."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from tests.importers.pytorch.networks import (
    DenseLayer,
    Fire,
    Inception,
    InvertedResidual,
    MBConv,
    SqueezeExcite,
    conv,
    divisible,
    head,
)


class GoogLeNet(nn.Sequential):
    """Szegedy et al. 2015, arXiv:1409.4842, Table 1, with batch norm as torchvision has it."""

    def __init__(self) -> None:
        super().__init__(
            conv(3, 64, 7, 2, act=nn.ReLU), nn.MaxPool2d(3, 2, 1),
            conv(64, 64, act=nn.ReLU), conv(64, 192, 3, act=nn.ReLU), nn.MaxPool2d(3, 2, 1),
            Inception(192, 64, (96, 128), (16, 32), 32), Inception(256, 128, (128, 192), (32, 96), 64),
            nn.MaxPool2d(3, 2, 1), Inception(480, 192, (96, 208), (16, 48), 64),
            Inception(512, 160, (112, 224), (24, 64), 64), Inception(512, 128, (128, 256), (24, 64), 64),
            Inception(512, 112, (144, 288), (32, 64), 64), Inception(528, 256, (160, 320), (32, 128), 128),
            nn.MaxPool2d(3, 2, 1), Inception(832, 256, (160, 320), (32, 128), 128),
            Inception(832, 384, (192, 384), (48, 128), 128), head(1024),
        )  # fmt: skip


class SqueezeNet10(nn.Sequential):
    """Iandola et al. 2016, arXiv:1602.07360, Table 1."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 96, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
            Fire(96, 16, 64), Fire(128, 16, 64), Fire(128, 32, 128), nn.MaxPool2d(3, 2),
            Fire(256, 32, 128), Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), nn.MaxPool2d(3, 2),
            Fire(512, 64, 256), nn.Conv2d(512, 1000, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        )  # fmt: skip


class DenseNet169(nn.Sequential):
    """Huang et al. 2017, arXiv:1608.06993, Table 1."""

    def __init__(self) -> None:
        layers: list[nn.Module] = [conv(3, 64, 7, 2, act=nn.ReLU), nn.MaxPool2d(3, 2, 1)]
        channels = 64
        for number, depth in enumerate((6, 12, 32, 32)):
            layers += [DenseLayer(channels + 32 * i, 32) for i in range(depth)]
            channels += 32 * depth
            if number < 3:
                half = nn.Conv2d(channels, channels // 2, 1, bias=False)
                layers += [nn.BatchNorm2d(channels), nn.ReLU(), half, nn.AvgPool2d(2, 2)]
                channels //= 2
        super().__init__(*layers, nn.BatchNorm2d(channels), nn.ReLU(), head(channels))


class VGG(nn.Sequential):
    """Simonyan and Zisserman 2015, arXiv:1409.1556, Table 1, up to its fully connected layers of 512 (0: a pooling)."""

    def __init__(self, widths: Sequence[int], *, norm: bool) -> None:
        layers: list[nn.Module] = []
        channels = 3
        for width in widths:
            if not width:
                layers.append(nn.MaxPool2d(2, 2))
            elif norm:
                layers.append(conv(channels, width, 3, act=nn.ReLU))
            else:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width or channels
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 512), nn.ReLU(),
                         nn.Linear(512, 100))  # fmt: skip


class GroupedBottleneck(nn.Module):
    """A bottleneck with groups, and squeeze-and-excite where `squeezed` says how narrow."""

    def __init__(self, c_in: int, width: int, out: int, stride: int, groups: int, squeezed: int = 0) -> None:
        super().__init__()
        gate = [SqueezeExcite(width, squeezed, nn.Sigmoid)] if squeezed else []
        self.convs = nn.Sequential(
            conv(c_in, width, act=nn.ReLU), conv(width, width, 3, stride, groups, nn.ReLU), *gate,
            conv(width, out, act=None),
        )  # fmt: skip
        self.down = conv(c_in, out, 1, stride, act=None) if stride > 1 or c_in != out else None

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.convs(x) + (x if self.down is None else self.down(x)))


class ResNeXt50(nn.Sequential):
    """Xie et al. 2017, arXiv:1611.05431, Table 1: 32 groups of 4 channels."""

    def __init__(self) -> None:
        layers: list[nn.Module] = [conv(3, 64, 7, 2, act=nn.ReLU), nn.MaxPool2d(3, 2, 1)]
        channels = 64
        for stage, depth in enumerate((3, 4, 6, 3)):
            for i in range(depth):
                width, stride = 128 << stage, 2 if stage and i == 0 else 1
                layers.append(GroupedBottleneck(channels, width, 2 * width, stride, 32))
                channels = 2 * width
        super().__init__(*layers, head(channels))


class RegNet(nn.Sequential):
    """Radosavovic et al. 2020, arXiv:2003.13678: RegNetX and, with squeeze-and-excite, RegNetY."""

    def __init__(self, widths: Sequence[int], depths: Sequence[int], group: int, *, squeeze: bool) -> None:
        layers: list[nn.Module] = [conv(3, 32, 3, 2, act=nn.ReLU)]
        channels = 32
        for width, depth in zip(widths, depths, strict=True):
            for i in range(depth):
                squeezed, stride = (channels // 4 if squeeze else 0), 2 if i == 0 else 1
                layers.append(GroupedBottleneck(channels, width, width, stride, width // group, squeezed))
                channels = width
        super().__init__(*layers, head(channels))


class GhostModule(nn.Module):
    """Half of the channels by a convolution, half of them from those by a depthwise one."""

    def __init__(self, c_in: int, out: int, *, act: bool) -> None:
        super().__init__()
        half = math.ceil(out / 2)
        self.out, activation = out, nn.ReLU if act else None
        self.primary, self.cheap = conv(c_in, half, act=activation), conv(half, half, 3, 1, half, activation)

    def forward(self, x: Tensor) -> Tensor:
        x = self.primary(x)
        return torch.cat([x, self.cheap(x)], 1)[:, : self.out]


class GhostBottleneck(nn.Module):
    """Two ghost modules, with a strided depthwise convolution and squeeze-and-excite between them."""

    def __init__(self, c_in: int, wide: int, out: int, kernel: int, stride: int, *, squeeze: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = [GhostModule(c_in, wide, act=True)]
        if stride > 1:
            layers.append(conv(wide, wide, kernel, stride, wide, None))
        if squeeze:
            layers.append(SqueezeExcite(wide, divisible(wide / 4, 4)))
        self.ghosts = nn.Sequential(*layers, GhostModule(wide, out, act=False))
        self.down = None
        if stride > 1 or c_in != out:
            self.down = nn.Sequential(conv(c_in, c_in, kernel, stride, c_in, None), conv(c_in, out, act=None))

    def forward(self, x: Tensor) -> Tensor:
        return self.ghosts(x) + (x if self.down is None else self.down(x))


class GhostNet(nn.Sequential):
    """Han et al. 2020, arXiv:1911.11907, Table 7."""

    def __init__(self) -> None:
        rows = [
            (3, 16, 16, 0, 1), (3, 48, 24, 0, 2), (3, 72, 24, 0, 1), (5, 72, 40, 1, 2), (5, 120, 40, 1, 1),
            (3, 240, 80, 0, 2), (3, 200, 80, 0, 1), (3, 184, 80, 0, 1), (3, 184, 80, 0, 1), (3, 480, 112, 1, 1),
            (3, 672, 112, 1, 1), (5, 672, 160, 1, 2), (5, 960, 160, 0, 1), (5, 960, 160, 1, 1), (5, 960, 160, 0, 1),
            (5, 960, 160, 1, 1),
        ]  # fmt: skip
        layers: list[nn.Module] = [conv(3, 16, 3, 2, act=nn.ReLU)]
        channels = 16
        for kernel, wide, out, squeeze, stride in rows:
            layers.append(GhostBottleneck(channels, wide, out, kernel, stride, squeeze=bool(squeeze)))
            channels = out
        tail = [nn.AdaptiveAvgPool2d(1), nn.Conv2d(960, 1280, 1), nn.ReLU(), nn.Flatten(), nn.Linear(1280, 1000)]
        super().__init__(*layers, conv(channels, 960, act=nn.ReLU), *tail)


class EfficientNetB1(nn.Sequential):
    """Tan and Le 2019, arXiv:1905.11946: B0 with 1.1 times its depth."""

    def __init__(self) -> None:
        rows = [
            (1, 3, 1, 16, 2), (6, 3, 2, 24, 3), (6, 5, 2, 40, 3), (6, 3, 2, 80, 4), (6, 5, 1, 112, 4),
            (6, 5, 2, 192, 5), (6, 3, 1, 320, 2),
        ]  # fmt: skip
        layers: list[nn.Module] = [conv(3, 32, 3, 2, act=nn.SiLU)]
        channels = 32
        for expand, kernel, stride, out, repeats in rows:
            for i in range(repeats):
                layers.append(MBConv(channels, out, kernel, stride if i == 0 else 1, expand))
                channels = out
        super().__init__(*layers, conv(channels, 1280, act=nn.SiLU), head(1280))


class MnasNet(nn.Sequential):
    """Tan et al. 2019, arXiv:1807.11626: MnasNet-B1 at other widths."""

    def __init__(self, alpha: float) -> None:
        rows = [
            (3, 3, 2, 24, 3), (3, 5, 2, 40, 3), (6, 5, 2, 80, 3), (6, 3, 1, 96, 2), (6, 5, 2, 192, 4),
            (6, 3, 1, 320, 1),
        ]  # fmt: skip
        stem, channels = divisible(32 * alpha), divisible(16 * alpha)
        layers = [
            conv(3, stem, 3, 2, act=nn.ReLU),
            conv(stem, stem, 3, 1, stem, nn.ReLU),
            conv(stem, channels, act=None),
        ]
        for expand, kernel, stride, out, repeats in rows:
            width = divisible(out * alpha)
            for i in range(repeats):
                layers.append(InvertedResidual(channels, width, stride if i == 0 else 1, expand, kernel, nn.ReLU))
                channels = width
        super().__init__(*layers, conv(channels, 1280, act=nn.ReLU), head(1280))


class NetworkInNetwork(nn.Sequential):
    """Lin et al. 2014, arXiv:1312.4400, in the version for ImageNet: 1x1 convolutions with bias, no batch norm."""

    def __init__(self) -> None:
        def part(c_in: int, out: int, kernel: int, stride: int, padding: int) -> list[nn.Module]:
            return [nn.Conv2d(c_in, out, kernel, stride, padding), nn.ReLU(), nn.Conv2d(out, out, 1), nn.ReLU(),
                    nn.Conv2d(out, out, 1), nn.ReLU()]  # fmt: skip

        super().__init__(
            *part(3, 96, 11, 4, 0), nn.MaxPool2d(3, 2), *part(96, 256, 5, 1, 2), nn.MaxPool2d(3, 2),
            *part(256, 384, 3, 1, 1), nn.MaxPool2d(3, 2), nn.Conv2d(384, 1024, 3, padding=1), nn.ReLU(),
            nn.Conv2d(1024, 1024, 1), nn.ReLU(), nn.Conv2d(1024, 1000, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )  # fmt: skip


class Darknet19(nn.Sequential):
    """Redmon and Farhadi 2017, arXiv:1612.08242, Table 6."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        channels = 3
        for row in ((32,), (64,), (128, 64, 128), (256, 128, 256), (512, 256, 512, 256, 512),
                    (1024, 512, 1024, 512, 1024)):  # fmt: skip
            for i, width in enumerate(row):
                layers.append(conv(channels, width, 1 if i % 2 else 3, act=lambda: nn.LeakyReLU(0.1)))
                channels = width
            layers.append(nn.MaxPool2d(2, 2))
        super().__init__(*layers[:-1], nn.Conv2d(1024, 1000, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())


class XceptionBlock(nn.Module):
    """Separable convolutions beside a strided 1x1 one, or beside nothing."""

    def __init__(self, c_in: int, out: int, *, strided: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (c_in, out) if strided else (c_in, out, out):
            layers += [nn.ReLU()] if layers else []
            layers += [nn.Conv2d(channels, channels, 3, 1, 1, 1, channels, bias=False), conv(channels, out, act=None)]
        self.convs = nn.Sequential(*layers, *([nn.MaxPool2d(3, 2, 1)] if strided else []))
        self.down = conv(c_in, out, 1, 2, act=None) if strided else None

    def forward(self, x: Tensor) -> Tensor:
        return self.convs(F.relu(x)) + (x if self.down is None else self.down(x))


class Xception(nn.Sequential):
    """Chollet 2017, arXiv:1610.02357, Figure 5, half as wide."""

    def __init__(self) -> None:
        widths = ((32, 64), (64, 128), (128, 364))
        entry = [XceptionBlock(c_in, out, strided=True) for c_in, out in widths]
        middle = [XceptionBlock(364, 364, strided=False) for _ in range(8)]
        super().__init__(
            conv(3, 16, 3, 2, act=nn.ReLU), conv(16, 32, 3, act=nn.ReLU), *entry, *middle,
            XceptionBlock(364, 512, strided=True), conv(512, 512, 3, 1, 512, None), conv(512, 1024, act=nn.ReLU),
            head(1024),
        )  # fmt: skip


class FDMobileNet(nn.Sequential):
    """Qin et al. 2018, arXiv:1802.03750, Table 1: separable convolutions that come to 7x7 pixels early."""

    def __init__(self) -> None:
        rows = [(64, 2), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 4, (1024, 1)]
        layers: list[nn.Module] = [conv(3, 32, 3, 2, act=nn.ReLU)]
        channels = 32
        for out, stride in rows:
            layers += [conv(channels, channels, 3, stride, channels, nn.ReLU), conv(channels, out, act=nn.ReLU)]
            channels = out
        super().__init__(*layers, head(channels))


class RepVGGA0(nn.Sequential):
    """Ding et al. 2021, arXiv:2101.03697, Table 2, as it is deployed: 3x3 convolutions with bias, and ReLU."""

    def __init__(self) -> None:
        layers: list[nn.Module] = [nn.Conv2d(3, 48, 3, 2, 1), nn.ReLU()]
        channels = 48
        for width, depth in ((48, 2), (96, 4), (192, 14), (1280, 1)):
            for i in range(depth):
                layers += [nn.Conv2d(channels, width, 3, 2 if i == 0 else 1, 1), nn.ReLU()]
                channels = width
        super().__init__(*layers, head(channels))


class PreActivation(nn.Module):
    """Batch norm and ReLU before each of two convolutions."""

    def __init__(self, c_in: int, out: int, stride: int) -> None:
        super().__init__()
        self.norm = nn.Sequential(nn.BatchNorm2d(c_in), nn.ReLU())
        self.convs = nn.Sequential(conv(c_in, out, 3, stride, act=nn.ReLU), nn.Conv2d(out, out, 3, 1, 1, bias=False))
        self.down = nn.Conv2d(c_in, out, 1, stride, bias=False) if stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        return self.convs(y) + (x if self.down is None else self.down(y))


class PreActResNet18(nn.Sequential):
    """He et al. 2016, arXiv:1603.05027: batch norm and ReLU before the convolutions."""

    def __init__(self) -> None:
        layers: list[nn.Module] = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.MaxPool2d(3, 2, 1)]
        channels = 64
        for width in (64, 128, 256, 512):
            for i in range(2):
                layers.append(PreActivation(channels, width, 2 if i == 0 and width > 64 else 1))
                channels = width
        super().__init__(*layers, nn.BatchNorm2d(512), nn.ReLU(), head(512))


class UNet(nn.Module):
    """Ronneberger et al. 2015, arXiv:1505.04597, with 16 channels first, padding, and interpolation on the way up."""

    def __init__(self) -> None:
        super().__init__()
        widths = (16, 32, 64, 128)
        self.down = nn.ModuleList([self._twice(c_in, out) for c_in, out in zip((3, *widths), widths, strict=False)])
        self.up = nn.ModuleList([self._twice(3 * out, out) for out in reversed(widths[:-1])])
        self.pool, self.last = nn.MaxPool2d(2), nn.Conv2d(16, 21, 1)

    @staticmethod
    def _twice(c_in: int, out: int) -> nn.Sequential:
        return nn.Sequential(conv(c_in, out, 3, act=nn.ReLU), conv(out, out, 3, act=nn.ReLU))

    def forward(self, x: Tensor) -> Tensor:
        maps = []
        for step in self.down:
            x = step(self.pool(x) if maps else x)
            maps.append(x)
        for step, left in zip(self.up, reversed(maps[:-1]), strict=True):
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = step(torch.cat([left, x], 1))
        return self.last(x)
