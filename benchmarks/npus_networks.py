"""Networks of Hailo's and Rockchip's model zoos: which package defines each, at which input.

Hailo's states the operations of each, which `npus.py` compares with those that are built. Names and sizes are as in the
tables; networks that no package defines, or only otherwise than the zoo has them, are not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ai_hub_networks import Source


def _of(package: str, side: int | tuple[int, int] = 224, *, channels: int = 3, **names: str) -> dict[str, Source]:
    height, width = side if isinstance(side, tuple) else (side, side)
    return {key: Source(package, name, (1, channels, height, width)) for key, name in names.items()}


#: Network of Hailo's table -> what it is.
HAILO: Final[Mapping[str, Source]] = {
    **_of(
        "torchvision", inception_v1="googlenet", resnet_v1_18="resnet18",

    ),
    **_of("torchvision", **{"mobilenet_v2_1.0": "mobilenet_v2", "squeezenet_v1.1": "squeezenet1_1"}),
    "face_attr_resnet_v1_18": Source("torchvision", "resnet18", (1, 3, 218, 178)),
    "r3d_18": Source("torchvision", "video.r3d_18", (1, 3, 16, 112, 112)),
    **_of(
        "timm", repvgg_a1="repvgg_a1", repvgg_a2="repvgg_a2", poolformer_s12="poolformer_s12",
        efficientnet_lite0="tf_efficientnet_lite0", efficientnet_s="efficientnet_es", repghost_1_0x="repghostnet_100",
    ),
    **_of("timm", 260, efficientnet_lite2="tf_efficientnet_lite2"),
    **_of("timm", deit_tiny="deit_tiny_patch16_224", deit_small="deit_small_patch16_224"),
    **_of("timm", vit_tiny="vit_tiny_patch16_224", vit_small="vit_small_patch16_224", vit_base="vit_base_patch16_224"),
    **_of("timm", levit128="levit_128", levit192="levit_192", levit256="levit_256", levit384="levit_384"),
    **_of("timm", swin_tiny="swin_tiny_patch4_window7_224", swin_small="swin_small_patch4_window7_224"),
    **_of(
        "ultralytics", 640, yolov5m_wo_spp="yolov5m", yolov5s="yolov5s", yolov8n="yolov8n", yolov8s="yolov8s",
        yolov8m="yolov8m", yolov8l="yolov8l", yolov8x="yolov8x", yolov8n_seg="yolov8n-seg", yolov8m_seg="yolov8m-seg",
        yolov8s_pose="yolov8s-pose", yolov8m_pose="yolov8m-pose", yolov9c="yolov9c", yolov10n="yolov10n",
        yolov10s="yolov10s", yolov10b="yolov10b", yolov10x="yolov10x", yolov11n="yolo11n", yolov11s="yolo11s",
        yolov11m="yolo11m", yolov11l="yolo11l", yolov11x="yolo11x", yolov5m="yolov5m", yolov6n="yolov6n",
    ),
    **_of("ultralytics", 640, **{"yolov5m_6.1": "yolov5m", "yolov6n_0.2.1": "yolov6n"}),
    **_of("ultralytics", 608, yolov3="yolov3", yolov3_gluon="yolov3"),
    **_of("ultralytics", 416, yolov3_gluon_416="yolov3"),
    **_of("own", 416, tiny_yolov4="yolov4_tiny"),
    **_of("own", 640, yolox_s_leaky="yolox_s"),
    **_of("own", (321, 481), channels=1, dncnn3="dncnn"),
    **_of("own", (512, 1024), segformer_b0_bn="segformer"),
    **_of("own", 512, real_esrgan_x2="esrgan"),
}  # fmt: skip
#: The same of Rockchip's.
RKNN: Final[Mapping[str, Source]] = {
    **_of("torchvision", **{"mobilenetv2-12": "mobilenet_v2", "resnet50-v2-7": "resnet50"}),
    **_of(
        "ultralytics", 640, yolo11n="yolo11n", yolo11s="yolo11s", yolo11m="yolo11m", yolov10n="yolov10n",
        yolov10s="yolov10s", yolov8n="yolov8n", yolov8s="yolov8s", yolov8m="yolov8m",
    ),
    **_of(
        "ultralytics", 640, **{
            "yolov8n-seg": "yolov8n-seg", "yolov8s-seg": "yolov8s-seg", "yolov8m-seg": "yolov8m-seg",
            "yolov8n-obb": "yolov8n-obb", "yolov8n-pose": "yolov8n-pose",
        },
    ),
    **_of("own", 640, yolox_s="yolox_s"),
}  # fmt: skip
