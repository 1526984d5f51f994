"""mbcost: a hardware cost model and latency simulator for convolutional networks.

>>> import mbcost
>>> analysis = mbcost.analyze("mobilenet_v2", device="pixel1")
>>> analysis.totals.macs
300774272

Submodules load on first use, so that the import itself costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from mbcost._version import __version__

if TYPE_CHECKING:
    from mbcost.analysis import Analysis
    from mbcost.architectures import ArchitectureSpec, architecture_names
    from mbcost.devices import DeviceProfile, Target, device_names, load_device, resolve_target
    from mbcost.errors import InputError, MbcostError
    from mbcost.graph import ParamsConvention, build_graph
    from mbcost.importers.onnx import read_onnx as from_onnx
    from mbcost.importers.pytorch import from_torch
    from mbcost.importers.tflite import read_tflite as from_tflite
    from mbcost.pipeline import analyze, load
    from mbcost.search.pick import Pick, pick
    from mbcost.search.result import SweepResult
    from mbcost.search.sweep import sweep
    from mbcost.validation.calibrating import calibrate
    from mbcost.validation.validating import Validation, validate

_HOME: Final[dict[str, str]] = {
    "Analysis": "mbcost.analysis",
    "ArchitectureSpec": "mbcost.architectures",
    "DeviceProfile": "mbcost.devices",
    "InputError": "mbcost.errors",
    "MbcostError": "mbcost.errors",
    "ParamsConvention": "mbcost.graph",
    "Pick": "mbcost.search.pick",
    "SweepResult": "mbcost.search.result",
    "Target": "mbcost.devices",
    "Validation": "mbcost.validation.validating",
    "analyze": "mbcost.pipeline",
    "architecture_names": "mbcost.architectures",
    "build_graph": "mbcost.graph",
    "calibrate": "mbcost.validation.calibrating",
    "device_names": "mbcost.devices",
    "from_onnx": "mbcost.importers.onnx:read_onnx",
    "from_tflite": "mbcost.importers.tflite:read_tflite",
    "from_torch": "mbcost.importers.pytorch",
    "load": "mbcost.pipeline",
    "load_device": "mbcost.devices",
    "pick": "mbcost.search.pick",
    "resolve_target": "mbcost.devices",
    "sweep": "mbcost.search.sweep",
    "validate": "mbcost.validation.validating",
}

__all__ = [
    "Analysis",
    "ArchitectureSpec",
    "DeviceProfile",
    "InputError",
    "MbcostError",
    "ParamsConvention",
    "Pick",
    "SweepResult",
    "Target",
    "Validation",
    "__version__",
    "analyze",
    "architecture_names",
    "build_graph",
    "calibrate",
    "device_names",
    "from_onnx",
    "from_tflite",
    "from_torch",
    "load",
    "load_device",
    "pick",
    "resolve_target",
    "sweep",
    "validate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'mbcost' has no attribute {name!r}")
    module, _, attribute = _HOME[name].partition(":")
    value = getattr(import_module(module), attribute or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
