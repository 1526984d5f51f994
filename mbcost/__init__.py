"""mbcost: a hardware cost model and latency simulator for convolutional networks.

>>> import mbcost
>>> analysis = mbcost.analyze("mobilenet_v2", "pixel1")
>>> analysis.totals.macs
300774272

Every function takes the network, then the device, then keywords: :func:`analyze`, :func:`compare`, :func:`sweep`,
:func:`pick`, :func:`stream`, :func:`design`, :func:`convert`; :func:`calibrate` and :func:`validate` take a device and
measured latencies; :func:`check` takes a file, :func:`bench` measures this machine. Times end in ``_s`` (seconds) or
``_ms``. Submodules load on first use, so that the import itself costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from mbcost._version import __version__

if TYPE_CHECKING:
    from mbcost.analysis import Analyses, Analysis
    from mbcost.architectures import ArchitectureSpec, architecture_names
    from mbcost.calibration.calibrate import calibrate
    from mbcost.calibration.record import Calibration
    from mbcost.checking import check
    from mbcost.devices import DeviceProfile, Target, device_names, load_device, resolve_target
    from mbcost.errors import InputError, MbcostError
    from mbcost.fpga.design import PipelineDesign, TiledDesign, design
    from mbcost.graph import ParamsConvention, build_graph
    from mbcost.importers.onnx import read_onnx as from_onnx
    from mbcost.importers.pytorch import from_torch
    from mbcost.importers.tflite import read_tflite as from_tflite
    from mbcost.insight.compare import compare
    from mbcost.insight.comparison import Comparison
    from mbcost.insight.explain import Explanation, explain
    from mbcost.insight.measured import MeasuredAnalysis, measure
    from mbcost.insight.validation import Validation, validate
    from mbcost.networks import load
    from mbcost.pipeline import analyze
    from mbcost.report.convert import convert
    from mbcost.runner.bench import bench
    from mbcost.search.pick import Pick, pick
    from mbcost.search.result import SweepResult
    from mbcost.search.sweep import sweep
    from mbcost.streaming.simulate import Stage
    from mbcost.streaming.stream import StreamResult, stream

#: Public name -> the module that has it, and the name it has there where that differs.
_HOME: Final[dict[str, str]] = {
    "Analyses": "mbcost.analysis",
    "Analysis": "mbcost.analysis",
    "ArchitectureSpec": "mbcost.architectures",
    "Calibration": "mbcost.calibration.record",
    "Comparison": "mbcost.insight.comparison",
    "DeviceProfile": "mbcost.devices",
    "Explanation": "mbcost.insight.explain",
    "InputError": "mbcost.errors",
    "MbcostError": "mbcost.errors",
    "MeasuredAnalysis": "mbcost.insight.measured",
    "ParamsConvention": "mbcost.graph",
    "Pick": "mbcost.search.pick",
    "PipelineDesign": "mbcost.fpga.design",
    "Stage": "mbcost.streaming.simulate",
    "StreamResult": "mbcost.streaming.stream",
    "SweepResult": "mbcost.search.result",
    "Target": "mbcost.devices",
    "TiledDesign": "mbcost.fpga.design",
    "Validation": "mbcost.insight.validation",
    "analyze": "mbcost.pipeline",
    "architecture_names": "mbcost.architectures",
    "bench": "mbcost.runner.bench",
    "build_graph": "mbcost.graph",
    "calibrate": "mbcost.calibration.calibrate",
    "check": "mbcost.checking",
    "compare": "mbcost.insight.compare",
    "convert": "mbcost.report.convert",
    "design": "mbcost.fpga.design",
    "device_names": "mbcost.devices",
    "explain": "mbcost.insight.explain",
    "from_onnx": "mbcost.importers.onnx:read_onnx",
    "from_tflite": "mbcost.importers.tflite:read_tflite",
    "from_torch": "mbcost.importers.pytorch",
    "load": "mbcost.networks",
    "load_device": "mbcost.devices",
    "measure": "mbcost.insight.measured",
    "pick": "mbcost.search.pick",
    "resolve_target": "mbcost.devices",
    "stream": "mbcost.streaming.stream",
    "sweep": "mbcost.search.sweep",
    "validate": "mbcost.insight.validation",
}

#: Packages that are used by their name: ``mbcost.search.load_space``.
_ROOMS: Final = ("search",)

__all__ = [
    "Analyses",
    "Analysis",
    "ArchitectureSpec",
    "Calibration",
    "Comparison",
    "DeviceProfile",
    "Explanation",
    "InputError",
    "MbcostError",
    "MeasuredAnalysis",
    "ParamsConvention",
    "Pick",
    "PipelineDesign",
    "Stage",
    "StreamResult",
    "SweepResult",
    "Target",
    "TiledDesign",
    "Validation",
    "__version__",
    "analyze",
    "architecture_names",
    "bench",
    "build_graph",
    "calibrate",
    "check",
    "compare",
    "convert",
    "design",
    "device_names",
    "explain",
    "from_onnx",
    "from_tflite",
    "from_torch",
    "load",
    "load_device",
    "measure",
    "pick",
    "resolve_target",
    "stream",
    "sweep",
    "validate",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"mbcost.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'mbcost' has no attribute {name!r}")
    module, _, attribute = _HOME[name].partition(":")
    value = getattr(import_module(module), attribute or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *_ROOMS])
