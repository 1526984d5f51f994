"""MobileNet V2 as a plain PyTorch module, for the tools that count modules.

Written from Table 2 of Sandler et al. 2018, *MobileNetV2: Inverted Residuals and Linear Bottlenecks*, arXiv:1801.04381.
With 1000 classes it has 3,504,872 parameters: batch norm and the classifier's bias are counted.
"""

from __future__ import annotations

from torch import Tensor, nn

#: Expansion t, output channels c, repeats n, stride s of the first repeat: the bottleneck rows of Table 2.
BOTTLENECKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
STEM_CHANNELS = 32
LAST_CHANNELS = 1280


def conv_norm(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """A convolution that keeps height and width at stride 1, with batch norm in place of a bias."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(outputs)]


class Bottleneck(nn.Module):
    """Inverted residual of Table 1: expand by t, filter depthwise, project without an activation."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        super().__init__()
        inner = inputs * expansion
        expand = [*conv_norm(inputs, inner, 1), nn.ReLU6()] if expansion > 1 else []
        depthwise = [*conv_norm(inner, inner, 3, stride, groups=inner), nn.ReLU6()]
        self.layers = nn.Sequential(*expand, *depthwise, *conv_norm(inner, outputs, 1))
        self.adds_input = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """The block's output, with its input added where the shapes agree."""
        y = self.layers(x)
        return x + y if self.adds_input else y


class MobileNetV2(nn.Module):
    """The network at width 1, for images of any multiple of 32 pixels."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = [*conv_norm(3, STEM_CHANNELS, 3, stride=2), nn.ReLU6()]
        channels = STEM_CHANNELS
        for expansion, outputs, repeats, stride in BOTTLENECKS:
            for index in range(repeats):
                layers.append(Bottleneck(channels, outputs, expansion, stride if index == 0 else 1))
                channels = outputs
        layers += [*conv_norm(channels, LAST_CHANNELS, 1), nn.ReLU6()]
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(LAST_CHANNELS, classes)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of a batch of images."""
        return self.layers(x)
