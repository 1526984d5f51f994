"""Devices: hardware profiles from YAML files, and the targets on them.

>>> target = resolve_target("pixel1/cpu@tflite-2018")  # doctest: +SKIP
>>> target.processor.clock.value  # doctest: +SKIP
2150400000.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mbcost.devices.folders import user_folder
from mbcost.devices.library import check_device, device_json_schema, device_names, load_device
from mbcost.devices.runtimes import runtimes_for
from mbcost.devices.targets import as_target, resolve_target
from mbcost.devices.types import (
    DeviceProfile,
    Dpu,
    Memory,
    Overheads,
    Precision,
    Processor,
    Provenance,
    Quantity,
    Systolic,
    Target,
)

if TYPE_CHECKING:
    from mbcost.devices.finding import Found, search

__all__ = [
    "DeviceProfile",
    "Dpu",
    "Found",
    "Memory",
    "Overheads",
    "Precision",
    "Processor",
    "Provenance",
    "Quantity",
    "Systolic",
    "Target",
    "as_target",
    "check_device",
    "device_json_schema",
    "device_names",
    "load_device",
    "resolve_target",
    "runtimes_for",
    "search",
    "user_folder",
]


def __getattr__(name: str) -> Any:
    """The search, which no analysis needs."""
    if name in {"Found", "search"}:
        from mbcost.devices import finding

        return getattr(finding, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
