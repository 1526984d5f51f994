"""Networks for ``host_validation.py``: those of the field at several widths and resolutions, as plain modules.

None of them is among the random networks that a calibration measures.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

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

#: name -> how to make it, height and width of its input [pixels]
NETWORKS: dict[str, tuple[Callable[[], nn.Module], int]] = {
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


def networks() -> dict[str, tuple[nn.Module, torch.Tensor]]:
    """All networks, each with an example of its input; activations in place, as torchvision has them."""
    return {name: (_in_place(make()), torch.rand(1, 3, size, size)) for name, (make, size) in NETWORKS.items()}


def _in_place(module: nn.Module) -> nn.Module:
    for child in module.modules():
        if hasattr(child, "inplace"):
            child.inplace = True
    return module
