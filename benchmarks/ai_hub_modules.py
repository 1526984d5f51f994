"""Networks of AI Hub that no package defines, in PyTorch: their layers as their papers and repositories describe them.

They are built without weights, for their shapes only. `ai_hub_data.py` compares the number of parameters of each with
what AI Hub states.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import nn

# ruff: noqa: N812


def conv(inside: int, outside: int, kernel: int = 3, stride: int = 1, act: Any = nn.ReLU, **more: Any) -> nn.Module:
    """Convolution, batch normalisation and activation."""
    more.setdefault("padding", (kernel // 2) * more.get("dilation", 1))
    layers = [nn.Conv2d(inside, outside, kernel, stride, bias=False, **more), nn.BatchNorm2d(outside)]
    return nn.Sequential(*layers, *([act()] if act else []))


def separable(inside: int, outside: int, stride: int = 1, dilation: int = 1, act: Any = nn.ReLU) -> nn.Module:
    """A depthwise convolution and a 1x1 one."""
    return nn.Sequential(
        conv(inside, inside, 3, stride, act, groups=inside, dilation=dilation), conv(inside, outside, 1, act=act)
    )


def up(x: Any, like: Any, mode: str = "bilinear") -> Any:
    """`x` in the size of a map."""
    return F.interpolate(x, like.shape[-2:], mode=mode)


class Residual(nn.Module):
    """Two 3x3 convolutions, or a bottleneck (1x1, 3x3, 1x1), beside a shortcut."""

    def __init__(self, inside: int, outside: int, stride: int = 1, middle: int = 0, dilation: int = 1) -> None:
        super().__init__()
        if middle:
            self.body = nn.Sequential(
                conv(inside, middle, 1),
                conv(middle, middle, 3, stride, dilation=dilation),
                conv(middle, outside, 1, act=None),
            )
        else:
            self.body = nn.Sequential(conv(inside, outside, 3, stride), conv(outside, outside, act=None))
        same = stride == 1 and inside == outside
        self.short = nn.Identity() if same else conv(inside, outside, 1, stride, act=None)

    def forward(self, x: Any) -> Any:
        return F.relu(self.body(x) + self.short(x))


def stage(inside: int, outside: int, blocks: int, stride: int, middle: int = 0, dilation: int = 1) -> nn.Module:
    """Residual blocks, the first of which has the stride."""
    first = [Residual(inside, outside, stride, middle, dilation)]
    return nn.Sequential(*first, *(Residual(outside, outside, 1, middle, dilation) for _ in range(blocks - 1)))


# --- image to image -----------------------------------------------------------------------------------------------


class DnCnn(nn.Module):
    """DnCNN of KAIR: 17 convolutions of 64 channels on a grey image, the noise subtracted."""

    def __init__(self) -> None:
        super().__init__()
        middle = [layer for _ in range(15) for layer in (nn.Conv2d(64, 64, 3, padding=1), nn.ReLU())]
        self.body = nn.Sequential(nn.Conv2d(1, 64, 3, padding=1), nn.ReLU(), *middle, nn.Conv2d(64, 1, 3, padding=1))

    def forward(self, x: Any) -> Any:
        return x - self.body(x)


class Dense(nn.Module):
    """Residual dense block of ESRGAN."""

    def __init__(self, width: int = 64, growth: int = 32) -> None:
        super().__init__()
        sizes = [*(growth,) * 4, width]
        self.layers = nn.ModuleList(nn.Conv2d(width + i * growth, out, 3, padding=1) for i, out in enumerate(sizes))

    def forward(self, x: Any) -> Any:
        parts = [x]
        for layer in self.layers[:-1]:
            parts.append(F.leaky_relu(layer(torch.cat(parts, 1)), 0.2))
        return self.layers[-1](torch.cat(parts, 1)) * 0.2 + x


class Rrdb(nn.Module):
    """Three of them, and a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(Dense(), Dense(), Dense())

    def forward(self, x: Any) -> Any:
        return self.body(x) * 0.2 + x


class Esrgan(nn.Module):
    """ESRGAN and Real-ESRGAN x4plus: 23 blocks of 64 channels, twice resized."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 64, 3, padding=1)
        self.body = nn.Sequential(*(Rrdb() for _ in range(23)), nn.Conv2d(64, 64, 3, padding=1))
        self.tail = nn.ModuleList(nn.Conv2d(64, 64, 3, padding=1) for _ in range(3))
        self.last = nn.Conv2d(64, 3, 3, padding=1)

    def forward(self, x: Any) -> Any:
        x = self.first(x)
        x = x + self.body(x)
        for layer in self.tail[:2]:
            x = F.leaky_relu(layer(F.interpolate(x, scale_factor=2, mode="nearest")), 0.2)
        return self.last(F.leaky_relu(self.tail[2](x), 0.2))


class Srvgg(nn.Module):
    """Real-ESRGAN general x4 v3: 33 convolutions of 64 channels, then pixel shuffle."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[Any] = [nn.Conv2d(3, 64, 3, padding=1), nn.PReLU(64)]
        for _ in range(32):
            layers += [nn.Conv2d(64, 64, 3, padding=1), nn.PReLU(64)]
        self.body = nn.Sequential(*layers, nn.Conv2d(64, 48, 3, padding=1), nn.PixelShuffle(4))

    def forward(self, x: Any) -> Any:
        return self.body(x) + F.interpolate(x, scale_factor=4, mode="nearest")


class QuickSr(nn.Module):
    """QuickSRNet: plain 3x3 convolutions and pixel shuffle (Berger et al. 2023)."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        middle = [layer for _ in range(layers) for layer in (nn.Conv2d(width, width, 3, padding=1), nn.ReLU6())]
        self.body = nn.Sequential(
            nn.Conv2d(3, width, 3, padding=1),
            nn.ReLU6(),
            *middle,
            nn.Conv2d(width, 48, 3, padding=1),
            nn.PixelShuffle(4),
        )

    def forward(self, x: Any) -> Any:
        return self.body(x)


class Sesr(nn.Module):
    """SESR-M5 as it is deployed: 5x5, five 3x3 of 16 channels, 5x5 (Bhardwaj et al. 2022)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 16, 5, padding=2)
        self.middle = nn.ModuleList(nn.Conv2d(16, 16, 3, padding=1) for _ in range(5))
        self.last = nn.Conv2d(16, 48, 5, padding=2)

    def forward(self, x: Any) -> Any:
        first = F.relu(self.first(x))
        inside = first
        for layer in self.middle:
            inside = F.relu(layer(inside))
        return F.pixel_shuffle(self.last(inside + first), 4)


class Xlsr(nn.Module):
    """XLSR: convolutions in four groups (Ayazoglu 2021)."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Conv2d(3, 8, 3, padding=1) for _ in range(4))
        self.skip = nn.Conv2d(3, 16, 3, padding=1)
        self.join = nn.Conv2d(32, 32, 1)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(32, 32, 3, padding=1, groups=4), nn.ReLU(), nn.Conv2d(32, 32, 1)) for _ in range(3)
        )
        self.after = nn.Conv2d(48, 32, 1)
        self.last = nn.Conv2d(32, 48, 3, padding=1)

    def forward(self, x: Any) -> Any:
        inside = self.join(torch.cat([head(x) for head in self.heads], 1))
        for block in self.blocks:
            inside = block(inside)
        inside = F.relu(self.after(torch.cat([inside, self.skip(x)], 1)))
        return F.relu6(F.pixel_shuffle(self.last(inside), 4))


class Srgan(nn.Module):
    """SRResNet, the generator of SRGAN: 16 blocks of 64 channels, 9x9 at both ends."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 64, 9, padding=4), nn.PReLU(64))
        self.blocks = nn.ModuleList(
            nn.Sequential(conv(64, 64, act=None), nn.PReLU(64), conv(64, 64, act=None)) for _ in range(16)
        )
        self.after = conv(64, 64, act=None)
        rise = [m for _ in range(2) for m in (nn.Conv2d(64, 256, 3, padding=1), nn.PixelShuffle(2), nn.PReLU(64))]
        self.rise = nn.Sequential(*rise, nn.Conv2d(64, 3, 9, padding=4))

    def forward(self, x: Any) -> Any:
        first = self.first(x)
        inside = first
        for block in self.blocks:
            inside = block(inside) + inside
        return self.rise(self.after(inside) + first)


class NafBlock(nn.Module):
    """NAFNet block: gates instead of activations (Chen et al. 2022)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(1, width), nn.GroupNorm(1, width)
        self.expand, self.deep = (
            nn.Conv2d(width, 2 * width, 1),
            nn.Conv2d(2 * width, 2 * width, 3, 1, 1, groups=2 * width),
        )
        self.attend, self.project = nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 1)
        self.widen, self.narrow = nn.Conv2d(width, 2 * width, 1), nn.Conv2d(width, width, 1)

    def forward(self, x: Any) -> Any:
        a, b = self.deep(self.expand(self.norm1(x))).chunk(2, 1)
        inside = a * b
        inside = self.project(inside * self.attend(F.adaptive_avg_pool2d(inside, 1))) + x
        a, b = self.widen(self.norm2(inside)).chunk(2, 1)
        return self.narrow(a * b) + inside


class NafNet(nn.Module):
    """NAFNet of a width; blocks of the encoder, the middle and the decoder."""

    def __init__(self, width: int, encoder: Sequence[int], middle: int, decoder: Sequence[int]) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, width, 3, padding=1), nn.Conv2d(width, 3, 3, padding=1)
        self.encoders, self.downs, self.ups, self.decoders = (nn.ModuleList() for _ in range(4))
        for number in encoder:
            self.encoders.append(nn.Sequential(*(NafBlock(width) for _ in range(number))))
            self.downs.append(nn.Conv2d(width, 2 * width, 2, 2))
            width *= 2
        self.middle = nn.Sequential(*(NafBlock(width) for _ in range(middle)))
        for number in decoder:
            self.ups.append(nn.Sequential(nn.Conv2d(width, 2 * width, 1, bias=False), nn.PixelShuffle(2)))
            width //= 2
            self.decoders.append(nn.Sequential(*(NafBlock(width) for _ in range(number))))

    def forward(self, image: Any) -> Any:
        x, kept = self.first(image), []
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            x = encoder(x)
            kept.append(x)
            x = down(x)
        x = self.middle(x)
        for rise, decoder in zip(self.ups, self.decoders, strict=True):
            x = decoder(rise(x) + kept.pop())
        return self.last(x) + image


class AotBlock(nn.Module):
    """Four dilated convolutions on mirrored borders, a normalised gate (Zeng et al. 2021)."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleList(
            nn.Sequential(nn.ReflectionPad2d(rate), nn.Conv2d(256, 64, 3, dilation=rate), nn.ReLU())
            for rate in (1, 2, 4, 8)
        )
        self.fuse = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(256, 256, 3))
        self.gate = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(256, 256, 3))

    def forward(self, x: Any) -> Any:
        out = self.fuse(torch.cat([part(x) for part in self.parts], 1))
        gate = self.gate(x)
        centred = gate - gate.mean((2, 3), keepdim=True)
        spread = torch.sqrt((centred * centred).mean((2, 3), keepdim=True))
        mask = torch.sigmoid(5 * (2 * centred / spread - 1))
        return x * (1 - mask) + out * mask


class AotGan(nn.Module):
    """AOT-GAN: an image and a mask, eight blocks of 256 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv2d(4, 64, 7, padding=3), nn.ReLU(), nn.Conv2d(64, 128, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(128, 256, 4, 2, 1), nn.ReLU(),
        )  # fmt: skip
        self.middle = nn.Sequential(*(AotBlock() for _ in range(8)))
        self.one, self.two = nn.Conv2d(256, 128, 3, padding=1), nn.Conv2d(128, 64, 3, padding=1)
        self.last = nn.Conv2d(64, 3, 3, padding=1)

    def forward(self, x: Any) -> Any:
        x = self.middle(self.down(x))
        for layer in (self.one, self.two):
            x = F.relu(layer(F.interpolate(x, scale_factor=2, mode="bilinear")))
        return torch.tanh(self.last(x))


# --- segmentation -------------------------------------------------------------------------------------------------


class FfNet(nn.Module):
    """FFNet for mobile devices: a slim ResNet, a head that adds and joins its maps (Mehta et al. 2022)."""

    def __init__(self, blocks: Sequence[int], strides: Sequence[int], widths: Sequence[int], head: str) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv(3, 32, 3, 2), conv(32, 64, 3, 2))
        inside, stages = 64, []
        for number, stride, width in zip(blocks, strides, widths[-len(blocks) :], strict=True):
            stages.append(stage(inside, width, number, stride))
            inside = width
        self.stages, self.narrow = nn.ModuleList(stages), len(blocks) == 3
        base = (64, 128, 128, 256) if head == "B" else (128, 128, 128, 128)
        outs = (96, 96, 64, 32) if head == "B" else (128, 16, 16, 16)
        self.adapt = nn.ModuleList(conv(a, b, 1) for a, b in zip(widths, base, strict=True))
        self.smooth = nn.ModuleList(conv(a, b) for a, b in zip(base, outs, strict=True))
        self.rise = nn.ModuleList(conv(base[i + 1], base[i], 1) for i in range(3))
        size, middle = (3, 256) if head == "B" else (1, 128)
        self.last = nn.Sequential(conv(sum(outs), middle, size), nn.Conv2d(middle, 19, size, padding=size // 2))

    def forward(self, x: Any) -> Any:
        x = self.stem(x)
        maps = [x] if self.narrow else []
        for part in self.stages:
            x = part(x)
            maps.append(x)
        maps = [layer(each) for layer, each in zip(self.adapt, maps, strict=True)]
        for i in (2, 1, 0):
            maps[i] = maps[i] + up(self.rise[i](maps[i + 1]), maps[i], "nearest")
        outs = [layer(each) for layer, each in zip(self.smooth, maps, strict=True)]
        return self.last(torch.cat([outs[0], *(up(each, outs[0], "nearest") for each in outs[1:])], 1))


def before(inside: int, outside: int, kernel: int = 1) -> nn.Module:
    """Batch normalisation and activation before a convolution."""
    layers = nn.BatchNorm2d(inside), nn.ReLU(), nn.Conv2d(inside, outside, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(*layers)


class Dappm(nn.Module):
    """Pyramid of DDRNet."""

    def __init__(self, inside: int, middle: int, outside: int) -> None:
        super().__init__()
        pools = [nn.AvgPool2d(2 * k + 1, k, k) for k in (2, 4, 8)]
        self.scales = nn.ModuleList(
            [before(inside, middle)]
            + [nn.Sequential(pool, before(inside, middle)) for pool in (*pools, nn.AdaptiveAvgPool2d(1))]
        )
        self.process = nn.ModuleList(before(middle, middle, 3) for _ in range(4))
        self.join, self.short = before(5 * middle, outside), before(inside, outside)

    def forward(self, x: Any) -> Any:
        parts = [self.scales[0](x)]
        for scale, process in zip(self.scales[1:], self.process, strict=True):
            parts.append(process(up(scale(x), x) + parts[-1]))
        return self.join(torch.cat(parts, 1)) + self.short(x)


class DdrNet(nn.Module):
    """DDRNet-23-slim with 19 classes (Hong et al. 2021)."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        w = width
        self.stem = nn.Sequential(conv(3, w, 3, 2), conv(w, w, 3, 2))
        self.layer1, self.layer2 = stage(w, w, 2, 1), stage(w, 2 * w, 2, 2)
        self.layer3, self.layer4 = stage(2 * w, 4 * w, 2, 2), stage(4 * w, 8 * w, 2, 2)
        self.layer5 = Residual(8 * w, 16 * w, 2, 8 * w)
        self.high3, self.high4 = stage(2 * w, 2 * w, 2, 1), stage(2 * w, 2 * w, 2, 1)
        self.high5 = Residual(2 * w, 4 * w, 1, 2 * w)
        self.narrow3, self.narrow4 = conv(4 * w, 2 * w, 1, act=None), conv(8 * w, 2 * w, 1, act=None)
        self.down3 = conv(2 * w, 4 * w, 3, 2, None)
        self.down4 = nn.Sequential(conv(2 * w, 4 * w, 3, 2), conv(4 * w, 8 * w, 3, 2, None))
        self.pyramid = Dappm(16 * w, 128, 4 * w)
        self.head = nn.Sequential(before(4 * w, 64, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.Conv2d(64, 19, 1))
        self.extra = nn.Sequential(before(2 * w, 64, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.Conv2d(64, 19, 1))

    def forward(self, x: Any) -> Any:
        two = self.layer2(self.layer1(self.stem(x)))
        three, high = self.layer3(two), self.high3(two)
        low = F.relu(three + self.down3(high))
        high = F.relu(high + up(self.narrow3(three), high))
        four, high = self.layer4(low), self.high4(high)
        low = F.relu(four + self.down4(high))
        high = F.relu(high + up(self.narrow4(four), high))
        high = self.high5(high)
        return self.head(high + up(self.pyramid(self.layer5(low)), high))


class Unet(nn.Module):
    """U-Net of milesial with transposed convolutions and two classes."""

    def __init__(self) -> None:
        super().__init__()
        widths = (64, 128, 256, 512, 1024)
        self.downs = nn.ModuleList(
            nn.Sequential(conv(a, b), conv(b, b)) for a, b in zip((3, *widths[:-1]), widths, strict=True)
        )
        self.ups = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, 2) for w in reversed(widths[:-1]))
        self.after = nn.ModuleList(nn.Sequential(conv(2 * w, w), conv(w, w)) for w in reversed(widths[:-1]))
        self.last = nn.Conv2d(64, 2, 1)

    def forward(self, x: Any) -> Any:
        kept: list[Any] = []
        for i, down in enumerate(self.downs):
            x = down(F.max_pool2d(x, 2) if i else x)
            kept.append(x)
        kept.pop()
        for rise, after in zip(self.ups, self.after, strict=True):
            x = after(torch.cat([kept.pop(), rise(x)], 1))
        return self.last(x)


class Aspp(nn.Module):
    """Atrous spatial pyramid pooling of DeepLab V3."""

    def __init__(self, inside: int, rates: Sequence[int], *, apart: bool = False) -> None:
        super().__init__()
        three = [separable(inside, 256, 1, r) if apart else conv(inside, 256, 3, dilation=r) for r in rates]
        self.parts = nn.ModuleList([conv(inside, 256, 1), *three])
        self.image = nn.Sequential(nn.AdaptiveAvgPool2d(1), conv(inside, 256, 1))
        self.join = conv(256 * (len(rates) + 2), 256, 1)

    def forward(self, x: Any) -> Any:
        return self.join(torch.cat([*(part(x) for part in self.parts), up(self.image(x), x)], 1))


class Inverted(nn.Module):
    """Inverted residual of MobileNet V2."""

    def __init__(self, inside: int, outside: int, stride: int, expand: int, dilation: int = 1) -> None:
        super().__init__()
        middle = inside * expand
        first = [conv(inside, middle, 1, act=nn.ReLU6)] if expand > 1 else []
        self.body = nn.Sequential(
            *first,
            conv(middle, middle, 3, stride, nn.ReLU6, groups=middle, dilation=dilation),
            conv(middle, outside, 1, act=None),
        )
        self.same = stride == 1 and inside == outside

    def forward(self, x: Any) -> Any:
        return self.body(x) + x if self.same else self.body(x)


class DeepLabMobile(nn.Module):
    """DeepLab V3+ on MobileNet V2 at stride 16, 21 classes."""

    def __init__(self) -> None:
        super().__init__()
        table = (
            (1, 16, 1, 1, 1),
            (6, 24, 2, 2, 1),
            (6, 32, 3, 2, 1),
            (6, 64, 4, 2, 1),
            (6, 96, 3, 1, 1),
            (6, 160, 3, 1, 2),
            (6, 320, 1, 1, 2),
        )
        blocks: list[Any] = [conv(3, 32, 3, 2, nn.ReLU6)]
        inside = 32
        for expand, outside, number, stride, dilation in table:
            for i in range(number):
                blocks.append(Inverted(inside, outside, stride if i == 0 else 1, expand, dilation))
                inside = outside
        self.low, self.high = nn.Sequential(*blocks[:4]), nn.Sequential(*blocks[4:])
        self.pyramid, self.narrow = Aspp(320, (6, 12, 18)), conv(24, 48, 1)
        self.last = nn.Sequential(conv(304, 256), conv(256, 256), nn.Conv2d(256, 21, 1))

    def forward(self, image: Any) -> Any:
        low = self.low(image)
        x = self.pyramid(self.high(low))
        return up(self.last(torch.cat([up(x, low), self.narrow(low)], 1)), image).amax(1)


class XceptionBlock(nn.Module):
    """Three separable convolutions beside a shortcut."""

    def __init__(self, widths: Sequence[int], stride: int = 1, dilation: int = 1, short: str = "conv") -> None:
        super().__init__()
        a, b, c, d = widths
        self.body = nn.Sequential(
            separable(a, b, 1, dilation), separable(b, c, 1, dilation), separable(c, d, stride, dilation)
        )
        self.short = {"conv": conv(a, d, 1, stride, None), "sum": nn.Identity()}.get(short)

    def forward(self, x: Any) -> Any:
        return self.body(x) if self.short is None else self.body(x) + self.short(x)


class DeepLabXception(nn.Module):
    """DeepLab V3+ on Xception-65 at stride 16 with 21 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv(3, 32, 3, 2), conv(32, 64))
        self.one = XceptionBlock((64, 128, 128, 128), 2)
        self.two = XceptionBlock((128, 256, 256, 256), 2)
        self.rest = nn.Sequential(
            XceptionBlock((256, 728, 728, 728), 2),
            *(XceptionBlock((728,) * 4, short="sum") for _ in range(16)),
            XceptionBlock((728, 728, 1024, 1024)),
            XceptionBlock((1024, 1536, 1536, 2048), dilation=2, short="none"),
        )
        self.pyramid, self.narrow = Aspp(2048, (6, 12, 18), apart=True), conv(256, 48, 1)
        self.last = nn.Sequential(separable(304, 256), separable(256, 256), nn.Conv2d(256, 21, 1))

    def forward(self, image: Any) -> Any:
        low = self.two(self.one(self.stem(image)))
        x = self.pyramid(self.rest(low))
        return up(self.last(torch.cat([up(x, low), self.narrow(low)], 1)), image).amax(1)


class PspNet(nn.Module):
    """PSPNet-101 of hszhao: dilated ResNet-101, pools of 1, 2, 3 and 6 bins, 150 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(3, 64, 3, 2), conv(64, 64), conv(64, 128), nn.MaxPool2d(3, 2, 1), stage(128, 256, 3, 1, 64),
            stage(256, 512, 4, 2, 128), stage(512, 1024, 23, 1, 256, 2), stage(1024, 2048, 3, 1, 512, 4),
        )  # fmt: skip
        self.bins = nn.ModuleList(conv(2048, 512, 1) for _ in range(4))
        self.last = nn.Sequential(conv(4096, 512), nn.Conv2d(512, 150, 1))

    def forward(self, image: Any) -> Any:
        x = self.body(image)
        size = x.shape[-1]
        pools = [F.avg_pool2d(x, size // n) for n in (1, 2, 3, 6)]
        return up(self.last(torch.cat([x, *(up(b(p), x) for b, p in zip(self.bins, pools, strict=True))], 1)), image)


class Rsu(nn.Module):
    """Residual U-block of U2-Net (Qin et al. 2020); without pools where it is `flat`."""

    def __init__(self, depth: int, inside: int, middle: int, outside: int, *, flat: bool = False) -> None:
        super().__init__()
        self.first, self.flat = conv(inside, outside), flat
        base = 2 if flat else 1
        self.down = nn.ModuleList(
            conv(outside if i == 0 else middle, middle, dilation=base**i) for i in range(depth - 1)
        )
        self.deep = conv(middle, middle, dilation=base ** (depth - 1) if flat else 2)
        self.rise = nn.ModuleList(
            conv(2 * middle, outside if i == 0 else middle, dilation=base**i) for i in reversed(range(depth - 1))
        )

    def forward(self, x: Any) -> Any:
        first = self.first(x)
        inside, kept = first, []
        for i, layer in enumerate(self.down):
            inside = layer(F.max_pool2d(inside, 2, ceil_mode=True) if i and not self.flat else inside)
            kept.append(inside)
        inside = self.deep(inside)
        for i, layer in enumerate(self.rise):
            skip = kept.pop()
            inside = layer(torch.cat([up(inside, skip) if i and not self.flat else inside, skip], 1))
        return inside + first


class U2Net(nn.Module):
    """U2-Net."""

    def __init__(self) -> None:
        super().__init__()
        down = (
            (7, 3, 32, 64),
            (6, 64, 32, 128),
            (5, 128, 64, 256),
            (4, 256, 128, 512),
            (4, 512, 256, 512),
            (4, 512, 256, 512),
        )
        rise = (4, 1024, 256, 512), (4, 1024, 128, 256), (5, 512, 64, 128), (6, 256, 32, 64), (7, 128, 16, 64)
        self.down = nn.ModuleList(Rsu(*row, flat=i >= 4) for i, row in enumerate(down))
        self.rise = nn.ModuleList(Rsu(*row, flat=i == 0) for i, row in enumerate(rise))
        self.sides = nn.ModuleList(nn.Conv2d(w, 1, 3, padding=1) for w in (64, 64, 128, 256, 512, 512))
        self.last = nn.Conv2d(6, 1, 1)

    def forward(self, image: Any) -> Any:
        x, kept = image, []
        for i, layer in enumerate(self.down):
            x = layer(F.max_pool2d(x, 2) if i else x)
            kept.append(x)
        outs = [kept.pop()]
        for layer in self.rise:
            skip = kept.pop()
            outs.append(layer(torch.cat([up(outs[-1], skip), skip], 1)))
        maps = [up(side(each), image) for side, each in zip(self.sides, reversed(outs), strict=True)]
        return torch.sigmoid(self.last(torch.cat(maps, 1)))


class Context(nn.Module):
    """Blocks of SalsaNext."""

    def __init__(self, inside: int, outside: int, *, pool: bool = False, context: bool = False) -> None:
        super().__init__()
        self.context, self.pool = context, pool
        act = nn.LeakyReLU
        self.short = nn.Sequential(nn.Conv2d(inside, outside, 1), act())
        sizes = ((3, 1, 1), (3, 2, 2)) if context else ((3, 1, 1), (3, 2, 2), (2, 2, 1))
        layers, now = [], outside if context else inside
        for kernel, dilation, padding in sizes:
            layers.append(
                nn.Sequential(
                    nn.Conv2d(now, outside, kernel, padding=padding, dilation=dilation), act(), nn.BatchNorm2d(outside)
                )
            )
            now = outside
        self.layers = nn.ModuleList(layers)
        if not context:
            self.join = nn.Sequential(nn.Conv2d(3 * outside, outside, 1), act(), nn.BatchNorm2d(outside))

    def forward(self, x: Any) -> Any:
        short = self.short(x)
        if self.context:
            return short + self.layers[1](self.layers[0](short))
        parts, inside = [], x
        for layer in self.layers:
            inside = layer(inside)
            parts.append(inside)
        out = short + self.join(torch.cat(parts, 1))
        return (F.avg_pool2d(out, 3, 2, 1), out) if self.pool else out


class SalsaRise(nn.Module):
    """A block of its decoder."""

    def __init__(self, inside: int, skip: int, outside: int) -> None:
        super().__init__()
        act = nn.LeakyReLU
        sizes = (inside // 4 + skip, 3, 1, 1), (outside, 3, 2, 2), (outside, 2, 2, 1)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, outside, k, padding=p, dilation=d), act(), nn.BatchNorm2d(outside))
            for a, k, d, p in sizes
        )
        self.join = nn.Sequential(nn.Conv2d(3 * outside, outside, 1), act(), nn.BatchNorm2d(outside))

    def forward(self, x: Any, skip: Any) -> Any:
        inside, parts = torch.cat([F.pixel_shuffle(x, 2), skip], 1), []
        for layer in self.layers:
            inside = layer(inside)
            parts.append(inside)
        return self.join(torch.cat(parts, 1))


class SalsaNext(nn.Module):
    """SalsaNext on a 64 x 2048 range image with 5 channels (Cortinhal et al. 2020)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(
            Context(5, 32, context=True), Context(32, 32, context=True), Context(32, 32, context=True)
        )
        widths = (32, 64, 128, 256, 256)
        self.down = nn.ModuleList(Context(a, b, pool=True) for a, b in pairwise(widths))
        self.deep = Context(256, 256)
        self.rise = nn.ModuleList(
            SalsaRise(*row) for row in ((256, 256, 128), (128, 256, 128), (128, 128, 64), (64, 64, 32))
        )
        self.last = nn.Conv2d(32, 20, 1)

    def forward(self, x: Any) -> Any:
        x, kept = self.first(x), []
        for layer in self.down:
            x, whole = layer(x)
            kept.append(whole)
        x = self.deep(x)
        for layer in self.rise:
            x = layer(x, kept.pop())
        return F.softmax(self.last(x), 1)


# --- detectors, poses ----------------------------------------------------------------------------------------------


class Craft(nn.Module):
    """CRAFT: VGG-16 and a U-shaped decoder (Baek et al. 2019)."""

    def __init__(self) -> None:
        super().__init__()
        table = ((3, 64, 64), (64, 128, 128), (128, 256, 256, 256), (256, 512, 512, 512), (512, 512, 512))
        parts = []
        for i, widths in enumerate(table):
            layers = [conv(a, b) for a, b in pairwise(widths)]
            parts.append(nn.Sequential(*([nn.MaxPool2d(2)] if i else []), *layers))
        self.parts = nn.ModuleList(parts)
        self.deep = nn.Sequential(
            nn.MaxPool2d(3, 1, 1), nn.Conv2d(512, 1024, 3, padding=6, dilation=6), nn.Conv2d(1024, 1024, 1)
        )
        rows = (1536, 512, 256), (768, 256, 128), (384, 128, 64), (192, 64, 32)
        self.rise = nn.ModuleList(nn.Sequential(conv(a, b, 1), conv(b, c)) for a, b, c in rows)
        head = (32, 32, 3), (32, 32, 3), (32, 16, 3), (16, 16, 1)
        self.last = nn.Sequential(
            *(m for a, b, k in head for m in (nn.Conv2d(a, b, k, padding=k // 2), nn.ReLU())), nn.Conv2d(16, 2, 1)
        )

    def forward(self, x: Any) -> Any:
        kept = []
        for part in self.parts:
            x = part(x)
            kept.append(x)
        x = self.rise[0](torch.cat([self.deep(x), kept[4]], 1))
        for layer, skip in zip(self.rise[1:], (kept[3], kept[2], kept[1]), strict=True):
            x = layer(torch.cat([up(x, skip), skip], 1))
        return self.last(x)


class YoloTiny(nn.Module):
    """YOLOv4-tiny with 80 classes."""

    def __init__(self) -> None:
        super().__init__()
        leaky = nn.LeakyReLU
        self.stem = nn.Sequential(conv(3, 32, 3, 2, leaky), conv(32, 64, 3, 2, leaky))
        self.blocks = nn.ModuleList(
            nn.ModuleList(
                [
                    conv(w, w, act=leaky),
                    conv(w // 2, w // 2, act=leaky),
                    conv(w // 2, w // 2, act=leaky),
                    conv(w, w, 1, act=leaky),
                ]
            )
            for w in (64, 128, 256)
        )
        self.last, self.narrow = conv(512, 512, act=leaky), conv(512, 256, 1, act=leaky)
        self.head32 = nn.Sequential(conv(256, 512, act=leaky), nn.Conv2d(512, 255, 1))
        self.rise = conv(256, 128, 1, act=leaky)
        self.head16 = nn.Sequential(conv(384, 256, act=leaky), nn.Conv2d(256, 255, 1))

    def forward(self, x: Any) -> Any:
        x = self.stem(x)
        for one, two, three, four in self.blocks:
            x = one(x)
            route = x
            half = two(torch.split(x, x.shape[1] // 2, 1)[1])
            skip = four(torch.cat([three(half), half], 1))
            x = F.max_pool2d(torch.cat([route, skip], 1), 2)
        low = self.narrow(self.last(x))
        rise = F.interpolate(self.rise(low), scale_factor=2, mode="nearest")
        return self.head32(low), self.head16(torch.cat([rise, skip], 1))


class MobilePose(nn.Module):
    """PoseNet on MobileNet V1 at stride 16 (101): heat map, offsets, displacements."""

    def __init__(self) -> None:
        super().__init__()
        rows = (32, 64, 1, 1), (64, 128, 2, 1), (128, 128, 1, 1), (128, 256, 2, 1), (256, 256, 1, 1), (256, 512, 2, 1)
        deep = [separable(512, 512, act=nn.ReLU6) for _ in range(5)]
        tail = [separable(512, 1024, 1, 1, nn.ReLU6), separable(1024, 1024, 1, 2, nn.ReLU6)]
        self.body = nn.Sequential(
            conv(3, 32, 3, 2, nn.ReLU6), *(separable(*row, act=nn.ReLU6) for row in rows), *deep, *tail
        )
        self.heads = nn.ModuleList(nn.Conv2d(1024, n, 1) for n in (17, 34, 32, 32))

    def forward(self, x: Any) -> Any:
        x = self.body(x)
        heat, *rest = (head(x) for head in self.heads)
        return torch.sigmoid(heat), *rest


class YamNet(nn.Module):
    """YAMNet: MobileNet V1 on a 96 x 64 spectrogram, 521 classes."""

    def __init__(self) -> None:
        super().__init__()
        rows = (32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2)
        rest = (*((512, 512, 1),) * 5, (512, 1024, 2), (1024, 1024, 1))
        self.body = nn.Sequential(conv(1, 32, 3, 2), *(separable(*row) for row in (*rows, *rest)))
        self.last = nn.Linear(1024, 521)

    def forward(self, x: Any) -> Any:
        return torch.sigmoid(self.last(self.body(x).mean((2, 3))))


class OsBlock(nn.Module):
    """Omni-scale block: one to four light 3x3 convolutions, joined by a gate (Zhou et al. 2019)."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        w = outside // 4
        self.first, self.last = conv(inside, w, 1), conv(w, outside, 1, act=None)
        self.parts = nn.ModuleList(
            nn.Sequential(*(m for _ in range(n) for m in (nn.Conv2d(w, w, 1, bias=False), conv(w, w, groups=w))))
            for n in range(1, 5)
        )
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(w, w // 16, 1), nn.ReLU(), nn.Conv2d(w // 16, w, 1), nn.Sigmoid()
        )
        self.short = conv(inside, outside, 1, act=None) if inside != outside else nn.Identity()

    def forward(self, x: Any) -> Any:
        first = self.first(x)
        parts = [part(first) for part in self.parts]
        total = parts[0] * self.gate(parts[0])
        for part in parts[1:]:
            total = total + part * self.gate(part)
        return F.relu(self.last(total) + self.short(x))


class OsNet(nn.Module):
    """OSNet x1.0 on 256 x 128."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1),
            OsBlock(64, 256), OsBlock(256, 256), conv(256, 256, 1), nn.AvgPool2d(2),
            OsBlock(256, 384), OsBlock(384, 384), conv(384, 384, 1), nn.AvgPool2d(2),
            OsBlock(384, 512), OsBlock(512, 512), conv(512, 512, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(512, 512), nn.ReLU(),
        )  # fmt: skip

    def forward(self, x: Any) -> Any:
        return self.body(x)


class HighResolution(nn.Module):
    """HRNet of timm as it is used for poses and faces: all maps, or the finest of them."""

    def __init__(self, name: str, outputs: int, *, join: bool) -> None:
        super().__init__()
        from timm_networks import import_timm

        net = import_timm().create_model(name, pretrained=False)
        self.first = nn.Sequential(net.conv1, net.bn1, net.act1, net.conv2, net.bn2, net.act2)
        self.net, self.join = net, join
        width = int(name.rsplit("w", 1)[1])
        wide = 15 * width
        self.head = (
            nn.Sequential(conv(wide, wide, 1), nn.Conv2d(wide, outputs, 1)) if join else nn.Conv2d(width, outputs, 1)
        )

    def forward(self, x: Any) -> Any:
        maps = self.net.stages(self.first(x))
        if self.join:
            return self.head(torch.cat([maps[0], *(up(each, maps[0]) for each in maps[1:])], 1))
        return self.head(maps[0])


class Csp(nn.Module):
    """Cross-stage block of YOLOX."""

    def __init__(self, inside: int, outside: int, number: int, *, short: bool = True) -> None:
        super().__init__()
        w, self.short = outside // 2, short
        self.one, self.two, self.last = (
            conv(inside, w, 1, act=nn.SiLU), conv(inside, w, 1, act=nn.SiLU), conv(outside, outside, 1, act=nn.SiLU)
        )  # fmt: skip
        self.blocks = nn.ModuleList(
            nn.Sequential(conv(w, w, 1, act=nn.SiLU), conv(w, w, act=nn.SiLU)) for _ in range(number)
        )

    def forward(self, x: Any) -> Any:
        inside = self.one(x)
        for block in self.blocks:
            inside = block(inside) + inside if self.short else block(inside)
        return self.last(torch.cat([inside, self.two(x)], 1))


class YoloX(nn.Module):
    """YOLOX-s with 80 classes (Ge et al. 2021)."""

    def __init__(self) -> None:
        super().__init__()
        silu = nn.SiLU
        w = (32, 64, 128, 256, 512)
        self.stem = conv(12, w[0], act=silu)
        self.dark2 = nn.Sequential(conv(w[0], w[1], 3, 2, silu), Csp(w[1], w[1], 1))
        self.dark3 = nn.Sequential(conv(w[1], w[2], 3, 2, silu), Csp(w[2], w[2], 3))
        self.dark4 = nn.Sequential(conv(w[2], w[3], 3, 2, silu), Csp(w[3], w[3], 3))
        self.dark5 = conv(w[3], w[4], 3, 2, silu)
        self.spp1, self.spp2 = conv(512, 256, 1, act=silu), conv(1024, 512, 1, act=silu)
        self.dark5b = Csp(512, 512, 1, short=False)
        self.l1, self.l2 = conv(512, 256, 1, act=silu), conv(256, 128, 1, act=silu)
        self.p4, self.p3 = Csp(512, 256, 1, short=False), Csp(256, 128, 1, short=False)
        self.d3, self.d4 = conv(128, 128, 3, 2, silu), conv(256, 256, 3, 2, silu)
        self.n3, self.n4 = Csp(256, 256, 1, short=False), Csp(512, 512, 1, short=False)
        self.stems = nn.ModuleList(conv(n, 128, 1, act=silu) for n in (128, 256, 512))
        self.classes, self.boxes = (
            nn.ModuleList(nn.Sequential(conv(128, 128, act=silu), conv(128, 128, act=silu)) for _ in range(3))
            for _ in range(2)
        )
        self.c, self.b, self.o = (nn.ModuleList(nn.Conv2d(128, n, 1) for _ in range(3)) for n in (80, 4, 1))

    def forward(self, x: Any) -> Any:
        x = F.pixel_unshuffle(x, 2)
        c3 = self.dark3(self.dark2(self.stem(x)))
        c4 = self.dark4(c3)
        c5 = self.spp1(self.dark5(c4))
        c5 = self.dark5b(self.spp2(torch.cat([c5, *(F.max_pool2d(c5, k, 1, k // 2) for k in (5, 9, 13))], 1)))
        f0 = self.l1(c5)
        p4 = self.p4(torch.cat([up(f0, c4, "nearest"), c4], 1))
        f1 = self.l2(p4)
        p3 = self.p3(torch.cat([up(f1, c3, "nearest"), c3], 1))
        n3 = self.n3(torch.cat([self.d3(p3), f1], 1))
        n4 = self.n4(torch.cat([self.d4(n3), f0], 1))
        outs = []
        for i, each in enumerate((p3, n3, n4)):
            each = self.stems[i](each)
            kind, box = self.classes[i](each), self.boxes[i](each)
            parts = [self.b[i](box), torch.sigmoid(self.o[i](box)), torch.sigmoid(self.c[i](kind))]
            outs.append(torch.cat(parts, 1).flatten(2))
        return torch.cat(outs, 2).permute(0, 2, 1)


class Ssd34(nn.Module):
    """SSD on ResNet-34 at 1200 x 1200 with 81 classes (MLPerf)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1), stage(64, 64, 3, 1), stage(64, 128, 4, 2), stage(128, 256, 6, 1)
        )
        rows = (256, 256, 512, 1), (512, 256, 512, 2), (512, 128, 256, 2), (256, 128, 256, 2), (256, 128, 256, 1)
        strides = (1, 2, 2, 2, 1)
        paddings = (1, 1, 1, 0, 0)
        self.more = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 1), nn.ReLU(), nn.Conv2d(b, c, 3, 2, padding=p), nn.ReLU())
            for (a, b, c, _), _, p in zip(rows, strides, paddings, strict=True)
        )
        heads = (256, 4, 3), (512, 6, 3), (512, 6, 2), (256, 6, 2), (256, 4, 2), (256, 4, 2)
        self.boxes = nn.ModuleList(nn.Conv2d(w, 4 * n, 3, s, 1) for w, n, s in heads)
        self.classes = nn.ModuleList(nn.Conv2d(w, 81 * n, 3, s, 1) for w, n, s in heads)

    def forward(self, x: Any) -> Any:
        maps = [self.body(x)]
        for layer in self.more:
            maps.append(layer(maps[-1]))
        boxes = [h(m).reshape(1, 4, -1) for h, m in zip(self.boxes, maps, strict=True)]
        kinds = [h(m).reshape(1, 81, -1) for h, m in zip(self.classes, maps, strict=True)]
        return torch.cat(boxes, 2), torch.cat(kinds, 2)


class Midas(nn.Module):
    """MiDaS v2.1 small: EfficientNet-Lite3 and a decoder of 64 channels (Ranftl et al. 2020)."""

    def __init__(self) -> None:
        super().__init__()
        from timm_networks import import_timm

        self.body = import_timm().create_model("tf_efficientnet_lite3", pretrained=False)
        wide = (64, 128, 256, 512)
        self.narrow = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in zip((32, 48, 136, 384), wide, strict=True)
        )
        self.units = nn.ModuleList(
            nn.ModuleList(
                nn.Sequential(nn.ReLU(), nn.Conv2d(w, w, 3, padding=1), nn.ReLU(), nn.Conv2d(w, w, 3, padding=1))
                for _ in range(2)
            )
            for w in wide
        )
        self.outs = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(wide, (64, 64, 128, 256), strict=True))
        self.one, self.two, self.three = (
            nn.Conv2d(64, 32, 3, padding=1),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.Conv2d(32, 1, 1),
        )

    def forward(self, image: Any) -> Any:
        x, maps = self.body.bn1(self.body.conv_stem(image)), []
        for i, block in enumerate(self.body.blocks):
            x = block(x)
            if i in (1, 2, 4, 6):
                maps.append(x)
        maps = [layer(each) for layer, each in zip(self.narrow, maps, strict=True)]
        path: Any = None
        for i in (3, 2, 1, 0):
            inside = maps[i]
            if path is not None:
                inside = path + inside + self.units[i][0](inside)
            inside = inside + self.units[i][1](inside)
            path = self.outs[i](F.interpolate(inside, scale_factor=2, mode="bilinear"))
        x = F.interpolate(self.one(path), scale_factor=2, mode="bilinear")
        return F.relu(self.three(F.relu(self.two(x))))


class VggBoxes(nn.Module):
    """3D bounding boxes on VGG-19 (Mousavian et al. 2017)."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[Any] = []
        inside = 3
        for width, number in ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4)):
            for _ in range(number):
                layers.append(conv(inside, width))
                inside = width
            layers.append(nn.MaxPool2d(2))
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(25088, w), nn.ReLU(), nn.Linear(w, w), nn.ReLU(), nn.Linear(w, n))
            for w, n in ((256, 4), (256, 2), (512, 3))
        )

    def forward(self, x: Any) -> Any:
        x = self.body(x)
        return tuple(head(x) for head in self.heads)


class Segformer(nn.Module):
    """SegFormer-B0 with 150 classes (Xie et al. 2021)."""

    def __init__(self) -> None:
        super().__init__()
        widths, ratios, heads, sizes = (32, 64, 160, 256), (8, 4, 2, 1), (1, 2, 5, 8), ((7, 4), (3, 2), (3, 2), (3, 2))
        self.embed = nn.ModuleList(
            nn.Conv2d(a, b, k, s, k // 2) for a, b, (k, s) in zip((3, *widths[:-1]), widths, sizes, strict=True)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(w) for w in (*widths, *widths))
        self.blocks = nn.ModuleList(
            nn.ModuleList(MixBlock(w, r, h) for _ in range(2)) for w, r, h in zip(widths, ratios, heads, strict=True)
        )
        self.narrow = nn.ModuleList(nn.Linear(w, 256) for w in widths)
        self.last = nn.Sequential(conv(1024, 256, 1), nn.Conv2d(256, 150, 1))

    def forward(self, x: Any) -> Any:
        maps: list[Any] = []
        for i, embed in enumerate(self.embed):
            x = embed(x)
            high, wide = x.shape[-2:]
            tokens = self.norms[i](x.flatten(2).transpose(1, 2))
            for block in self.blocks[i]:
                tokens = block(tokens, high, wide)
            tokens = self.norms[4 + i](tokens)
            x = tokens.transpose(1, 2).reshape(1, -1, high, wide)
            flat = self.narrow[i](tokens).transpose(1, 2).reshape(1, 256, high, wide)
            maps.append(up(flat, maps[0]) if maps else flat)
        return self.last(torch.cat(maps, 1))


class MixBlock(nn.Module):
    """Attention on a reduced sequence and a feed-forward part with a depthwise convolution."""

    def __init__(self, width: int, ratio: int, heads: int) -> None:
        super().__init__()
        self.heads, self.width = heads, width
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
        self.reduce = nn.Conv2d(width, width, ratio, ratio) if ratio > 1 else None
        self.norm3 = nn.LayerNorm(width) if ratio > 1 else None
        self.wide, self.thin = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.deep = nn.Conv2d(4 * width, 4 * width, 3, 1, 1, groups=4 * width)

    def forward(self, x: Any, high: int, wide: int) -> Any:
        inside = self.norm1(x)
        short = inside
        if self.reduce is not None and self.norm3 is not None:
            image = inside.transpose(1, 2).reshape(1, self.width, high, wide)
            short = self.norm3(self.reduce(image).flatten(2).transpose(1, 2))
        q, k, v = (
            f(y).reshape(1, -1, self.heads, self.width // self.heads).transpose(1, 2)
            for f, y in ((self.q, inside), (self.k, short), (self.v, short))
        )
        scores = torch.softmax(q @ k.transpose(-1, -2) * 0.1, -1)
        x = x + self.o((scores @ v).transpose(1, 2).reshape(1, -1, self.width))
        inside = self.wide(self.norm2(x))
        image = inside.transpose(1, 2).reshape(1, 4 * self.width, high, wide)
        return x + self.thin(F.gelu(self.deep(image).flatten(2).transpose(1, 2)))


class LamaDilated(nn.Module):
    """LaMa with dilated convolutions: a ResNet generator on an image and a mask (Suvorov et al. 2022)."""

    def __init__(self) -> None:
        super().__init__()
        down = [conv(a, b, 3, 2) for a, b in ((64, 128), (128, 256), (256, 512))]
        self.first = nn.Sequential(nn.ReflectionPad2d(3), conv(4, 64, 7, padding=0), *down)
        self.blocks = nn.ModuleList(
            nn.Sequential(conv(512, 512, dilation=rate), conv(512, 512, act=None))
            for rate in (1, 1, 1, 2, 4, 8, 1, 1, 1)
        )
        rise = [
            m
            for a, b in ((512, 256), (256, 128), (128, 64))
            for m in (nn.ConvTranspose2d(a, b, 3, 2, 1, 1), nn.BatchNorm2d(b), nn.ReLU())
        ]
        self.last = nn.Sequential(*rise, nn.ReflectionPad2d(3), nn.Conv2d(64, 3, 7), nn.Sigmoid())

    def forward(self, x: Any) -> Any:
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x)
        return self.last(x)


#: Name -> how it is built.
MODULES: Final[dict[str, Any]] = {
    "dncnn": DnCnn,
    "esrgan": Esrgan,
    "srvgg": Srvgg,
    "quicksr_small": lambda: QuickSr(32, 2),
    "quicksr_medium": lambda: QuickSr(32, 5),
    "quicksr_large": lambda: QuickSr(64, 11),
    "sesr": Sesr,
    "xlsr": Xlsr,
    "srgan": Srgan,
    "nafnet_sidd": lambda: NafNet(64, (2, 2, 4, 8), 12, (2, 2, 2, 2)),
    "nafnet_reds": lambda: NafNet(64, (1, 1, 1, 28), 1, (1, 1, 1, 1)),
    "aotgan": AotGan,
    "ffnet_40s": lambda: FfNet((4, 5, 6, 4), (2, 2, 2, 2), (64, 128, 192, 320), "B"),
    "ffnet_54s": lambda: FfNet((5, 8, 8, 5), (2, 2, 2, 2), (64, 128, 192, 320), "B"),
    "ffnet_78s": lambda: FfNet((6, 12, 12, 8), (2, 2, 2, 2), (64, 128, 192, 320), "B"),
    "ffnet_78s_lowres": lambda: FfNet((6, 12, 12, 8), (1, 2, 2, 2), (64, 128, 192, 320), "C"),
    "ffnet_122ns": lambda: FfNet((16, 24, 20), (2, 2, 2), (64, 64, 128, 256), "C"),
    "ddrnet": DdrNet,
    "unet": Unet,
    "deeplab_mobile": DeepLabMobile,
    "deeplab_xception": DeepLabXception,
    "pspnet": PspNet,
    "u2net": U2Net,
    "salsanext": SalsaNext,
    "craft": Craft,
    "yolov4_tiny": YoloTiny,
    "posenet": MobilePose,
    "yamnet": YamNet,
    "osnet": OsNet,
    "hrnet_pose": lambda: HighResolution("hrnet_w32", 17, join=False),
    "hrnet_face": lambda: HighResolution("hrnet_w18", 29, join=True),
    "yolox_s": YoloX,
    "ssd34": Ssd34,
    "midas": Midas,
    "vgg_boxes": VggBoxes,
    "segformer": Segformer,
    "lama_dilated": LamaDilated,
}
