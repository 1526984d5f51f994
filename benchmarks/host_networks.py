"""Networks for ``host_validation.py``: those of the field at several widths and resolutions, as plain modules.

None of them is among the random networks that a calibration measures. The runner was developed with an eye on those of
:func:`networks`. Those of :func:`second_networks` were written afterwards, and their errors showed what maps of very
few pixels take; those of :func:`fresh_networks` were written after that and scored with everything else settled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import torch
from torch import nn

from benchmarks.models.more_networks import (
    VGG,
    Darknet19,
    DenseNet169,
    EfficientNetB1,
    FDMobileNet,
    GhostNet,
    GoogLeNet,
    MnasNet,
    NetworkInNetwork,
    PreActResNet18,
    RegNet,
    RepVGGA0,
    ResNeXt50,
    SqueezeNet10,
    UNet,
    Xception,
)
from tests.importers.pytorch.networks import (
    VGG11,
    AlexNet,
    BasicBlock,
    Bottleneck,
    DenseNet121,
    EfficientNetB0,
    InceptionNet,
    MnasNetB1,
    MobileNetV1,
    MobileNetV2,
    MobileNetV3Large,
    MobileNetV3Small,
    ResNet,
    ShuffleNetV2,
    SqueezeNet11,
)

_Networks: TypeAlias = dict[str, tuple[Callable[[], nn.Module], int]]

#: name -> how to make it, height and width of its input [pixels]
NETWORKS: Final[_Networks] = {
    "mobilenet_v1 1.0 224": (MobileNetV1, 224),
    "mobilenet_v1 0.75 192": (lambda: MobileNetV1(0.75), 192),
    "mobilenet_v1 0.5 160": (lambda: MobileNetV1(0.5), 160),
    "mobilenet_v1 0.25 128": (lambda: MobileNetV1(0.25), 128),
    "mobilenet_v2 1.4 224": (lambda: MobileNetV2(1.4), 224),
    "mobilenet_v2 1.0 224": (MobileNetV2, 224),
    "mobilenet_v2 0.75 160": (lambda: MobileNetV2(0.75), 160),
    "mobilenet_v2 0.5 96": (lambda: MobileNetV2(0.5), 96),
    "mobilenet_v3_large 1.0 224": (MobileNetV3Large, 224),
    "mobilenet_v3_large 0.75 160": (lambda: MobileNetV3Large(0.75), 160),
    "mobilenet_v3_small 1.0 224": (MobileNetV3Small, 224),
    "mobilenet_v3_small 0.75 128": (lambda: MobileNetV3Small(0.75), 128),
    "resnet18 224": (lambda: ResNet(BasicBlock, (2, 2, 2, 2)), 224),
    "resnet18 128": (lambda: ResNet(BasicBlock, (2, 2, 2, 2)), 128),
    "resnet50 160": (lambda: ResNet(Bottleneck, (3, 4, 6, 3)), 160),
    "squeezenet1_1 224": (SqueezeNet11, 224),
    "squeezenet1_1 160": (SqueezeNet11, 160),
    "shufflenet_v2 1.0 224": (ShuffleNetV2, 224),
    "shufflenet_v2 0.5 192": (lambda: ShuffleNetV2((48, 96, 192)), 192),
    "efficientnet_b0 224": (EfficientNetB0, 224),
    "efficientnet_b0 160": (EfficientNetB0, 160),
    "densenet121 224": (DenseNet121, 224),
    "densenet121 128": (DenseNet121, 128),
    "vgg11 224": (VGG11, 224),
    "alexnet 224": (AlexNet, 224),
    "mnasnet_b1 224": (MnasNetB1, 224),
    "inception 224": (InceptionNet, 224),
}

#: Others: families, widths and resolutions.
SECOND_NETWORKS: Final[_Networks] = {
    "mobilenet_v1 1.0 128": (MobileNetV1, 128),
    "mobilenet_v1 0.35 192": (lambda: MobileNetV1(0.35), 192),
    "mobilenet_v2 1.3 192": (lambda: MobileNetV2(1.3), 192),
    "mobilenet_v2 0.35 224": (lambda: MobileNetV2(0.35), 224),
    "mobilenet_v3_large 1.25 192": (lambda: MobileNetV3Large(1.25), 192),
    "mobilenet_v3_small 1.0 256": (MobileNetV3Small, 256),
    "mnasnet 0.5 192": (lambda: MnasNet(0.5), 192),
    "efficientnet_b1 192": (EfficientNetB1, 192),
    "ghostnet 224": (GhostNet, 224),
    "regnet_x_400mf 224": (lambda: RegNet((32, 64, 160, 400), (1, 2, 7, 12), 16, squeeze=False), 224),
    "regnet_y_400mf 192": (lambda: RegNet((48, 104, 208, 440), (1, 3, 6, 6), 8, squeeze=True), 192),
    "resnet34 160": (lambda: ResNet(BasicBlock, (3, 4, 6, 3)), 160),
    "resnet18 96": (lambda: ResNet(BasicBlock, (2, 2, 2, 2)), 96),
    "resnet50 224": (lambda: ResNet(Bottleneck, (3, 4, 6, 3)), 224),
    "resnext50 128": (ResNeXt50, 128),
    "squeezenet1_0 192": (SqueezeNet10, 192),
    "shufflenet_v2 1.5 160": (lambda: ShuffleNetV2((176, 352, 704)), 160),
    "densenet169 112": (DenseNet169, 112),
    "vgg13 96": (lambda: VGG((64, 64, 0, 128, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0), norm=False), 96),
    "vgg11 batch norm 160": (lambda: VGG((64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0), norm=True), 160),
    "alexnet 240": (AlexNet, 240),
    "googlenet 224": (GoogLeNet, 224),
    "darknet19 160": (Darknet19, 160),
    "xception 0.5 160": (Xception, 160),
    "network in network 224": (NetworkInNetwork, 224),
}


#: Others again.
FRESH_NETWORKS: Final[_Networks] = {
    "mobilenet_v1 1.0 288": (MobileNetV1, 288),
    "mobilenet_v1 0.6 176": (lambda: MobileNetV1(0.6), 176),
    "fd_mobilenet 224": (FDMobileNet, 224),
    "mobilenet_v2 0.6 256": (lambda: MobileNetV2(0.6), 256),
    "mobilenet_v2 1.1 112": (lambda: MobileNetV2(1.1), 112),
    "mobilenet_v3_large 0.5 144": (lambda: MobileNetV3Large(0.5), 144),
    "mobilenet_v3_small 1.5 160": (lambda: MobileNetV3Small(1.5), 160),
    "mnasnet 1.3 160": (lambda: MnasNet(1.3), 160),
    "efficientnet_b0 96": (EfficientNetB0, 96),
    "efficientnet_b1 256": (EfficientNetB1, 256),
    "ghostnet 128": (GhostNet, 128),
    "regnet_x_800mf 160": (lambda: RegNet((64, 128, 288, 672), (1, 3, 7, 5), 16, squeeze=False), 160),
    "regnet_y_200mf 256": (lambda: RegNet((24, 56, 152, 368), (1, 1, 4, 7), 8, squeeze=True), 256),
    "resnet18 192": (lambda: ResNet(BasicBlock, (2, 2, 2, 2)), 192),
    "resnet34 96": (lambda: ResNet(BasicBlock, (3, 4, 6, 3)), 96),
    "resnet50 96": (lambda: ResNet(Bottleneck, (3, 4, 6, 3)), 96),
    "preact_resnet18 160": (PreActResNet18, 160),
    "repvgg_a0 160": (RepVGGA0, 160),
    "vgg16 64": (lambda: VGG((64, 64, 0, 128, 128, 0, *[256] * 3, 0, *[512] * 3, 0, *[512] * 3, 0), norm=True), 64),
    "squeezenet1_1 288": (SqueezeNet11, 288),
    "squeezenet1_0 128": (SqueezeNet10, 128),
    "shufflenet_v2 2.0 128": (lambda: ShuffleNetV2((244, 488, 976)), 128),
    "shufflenet_v2 1.0 96": (ShuffleNetV2, 96),
    "densenet121 96": (DenseNet121, 96),
    "googlenet 128": (GoogLeNet, 128),
    "unet 128": (UNet, 128),
}


def networks() -> dict[str, tuple[nn.Module, torch.Tensor]]:
    """Networks, each with an example of its input; activations in place, as torchvision has them."""
    return _with_inputs(NETWORKS)


def second_networks() -> dict[str, tuple[nn.Module, torch.Tensor]]:
    """The same of the second ones."""
    return _with_inputs(SECOND_NETWORKS)


def fresh_networks() -> dict[str, tuple[nn.Module, torch.Tensor]]:
    """The same of the last ones."""
    return _with_inputs(FRESH_NETWORKS)


def all_networks() -> dict[str, tuple[nn.Module, torch.Tensor]]:
    """All of them."""
    return networks() | second_networks() | fresh_networks()


def _with_inputs(described: _Networks) -> dict[str, tuple[nn.Module, torch.Tensor]]:
    return {name: (_in_place(make()), torch.rand(1, 3, size, size)) for name, (make, size) in described.items()}


def _in_place(module: nn.Module) -> nn.Module:
    for child in module.modules():
        if hasattr(child, "inplace"):
            child.inplace = True
    return module
