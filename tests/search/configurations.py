"""Configurations that every shipped table takes, for tests on all of them."""

from __future__ import annotations

from hypothesis import strategies as st

import mbcost
from mbcost.architectures.scaling import Resolution
from mbcost.devices import device_names, load_device

#: What may run on CPUs beside their default, for other forms than its.
_CPU = ("tflite-2.1", "tflite-2018", "xnnpack-2020")

#: Networks that have a printed table for each width, and none between them.
PRINTED_WIDTHS = {"shufflenet_v1": (0.5, 1.0, 1.5, 2.0), "shufflenet_v2": (0.5, 1.0, 1.5, 2.0)}
#: Networks that take some resolutions only: the smallest, and the multiple of which they are.
RESOLUTIONS = {
    **dict.fromkeys(("yolov2", "yolov5n", "yolov5s", "yolov8n", "yolov8s", "yolox_nano", "yolox_tiny"), (32, 32)),
    "bisenet_v2": (64, 64),
    "dla102x": (32, 32),
    "ssd300_vgg16": (257, 1),
    "ssd512_vgg16": (257, 1),
    "tiny_vit_5m": (224, 224),
    "unet": (16, 16),
}

TARGETS = tuple(
    f"{device}/{processor.name}@{runtime}"
    for device in device_names()
    for processor in load_device(device).processors.values()
    for runtime in dict.fromkeys([processor.runtime, *(_CPU if processor.kind == "cpu" else ())])
)


def widths(name: str) -> st.SearchStrategy[float]:
    """Widths that a table takes."""
    if mbcost.load(name).width is None:
        return st.just(1.0)
    if name in PRINTED_WIDTHS:
        return st.sampled_from(PRINTED_WIDTHS[name])
    return st.sampled_from([0.25, 0.35, 0.5, 0.75, 1.0, 1.3, 1.4]) | st.floats(0.05, 2.0)


def resolution_of(name: str, size: int) -> Resolution:
    """A resolution of a table: a rectangle where its own input is one."""
    shape = mbcost.load(name).input_shape
    return size if shape.height == shape.width else (size, size // 2)


def resolutions(name: str) -> st.SearchStrategy[Resolution]:
    """Resolutions that a table takes."""
    least, multiple = RESOLUTIONS.get(name, (97, 1))
    return st.integers(least, 600).map(lambda size: resolution_of(name, -(-size // multiple) * multiple))
