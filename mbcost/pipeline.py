"""The pipeline: a network and a target become an :class:`~mbcost.analysis.Analysis`.

Each step is callable on its own and returns a new frozen value with a readable repr: :func:`~mbcost.networks.load`,
:func:`~mbcost.graph.build_graph`, :func:`~mbcost.prediction.prepare`, :func:`~mbcost.prediction.predict`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import overload

from mbcost.analysis import Analyses, Analysis
from mbcost.architectures import ArchitectureSpec
from mbcost.architectures.scaling import Resolution
from mbcost.architectures.spec import OptionValue
from mbcost.arguments import Configuration, Params, configuration, is_several
from mbcost.calibration.apply import CalibrationChoice
from mbcost.caveats import caveats_of, notes_of_model
from mbcost.devices import Target
from mbcost.errors import call_each, fail
from mbcost.graph import DEFAULT_PARAMS, build_graph
from mbcost.hosting import is_hosted
from mbcost.networks import Network, load
from mbcost.prediction import predict, prepare, target_for
from mbcost.words import Lowering, MacsConvention, Unsupported

__all__ = ["analyze", "analyze_one", "load"]


@overload
def analyze(
    network: Network,
    device: str | Target,
    *,
    alpha: float = ...,
    rho: float | None = ...,
    resolution: Resolution | None = ...,
    batch: int | None = ...,
    precision: str | None = ...,
    threads: int | None = ...,
    options: Mapping[str, OptionValue] | None = ...,
    params: Params = ...,
    macs: MacsConvention = ...,
    unsupported: Unsupported = ...,
    calibration: CalibrationChoice = ...,
    lowering: Lowering = ...,
    input_shape: Sequence[int] | None = ...,
    until: str | None = ...,
) -> Analysis: ...


@overload
def analyze(
    network: Network,
    device: list[str] | list[Target] | list[str | Target] | tuple[str | Target, ...],
    *,
    alpha: float = ...,
    rho: float | None = ...,
    resolution: Resolution | None = ...,
    batch: int | None = ...,
    precision: str | None = ...,
    threads: int | None = ...,
    options: Mapping[str, OptionValue] | None = ...,
    params: Params = ...,
    macs: MacsConvention = ...,
    unsupported: Unsupported = ...,
    calibration: CalibrationChoice = ...,
    lowering: Lowering = ...,
    input_shape: Sequence[int] | None = ...,
    until: str | None = ...,
) -> Analyses: ...


def analyze(
    network: Network,
    device: str | Target | Sequence[str | Target],
    *,
    alpha: float = 1.0,
    rho: float | None = None,
    resolution: Resolution | None = None,
    batch: int | None = None,
    precision: str | None = None,
    threads: int | None = None,
    options: Mapping[str, OptionValue] | None = None,
    params: Params = DEFAULT_PARAMS,
    macs: MacsConvention = "products",
    unsupported: Unsupported = "refuse",
    calibration: CalibrationChoice = None,
    lowering: Lowering = "auto",
    input_shape: Sequence[int] | None = None,
    until: str | None = None,
) -> Analysis | Analyses:
    """Predict the latency of a network on a target, layer by layer.

    Parameters
    ----------
    network
        A built-in name, the path of a YAML table, an ONNX or a TFLite file, a PyTorch ``module:callable``, an
        ``nn.Module`` (with `input_shape`), or a loaded architecture.
    device
        A target: ``pixel1``, ``pixel4/gpu``, ``pixel1/cpu@tflite-2018``, or a :class:`~mbcost.devices.Target`; a list
        of targets gives :class:`~mbcost.analysis.Analyses`, one per target.
    alpha, rho, resolution
        Width multiplier; resolution multiplier, or the input's height and width [pixels], such as 224 or (224, 320).
    batch
        Images an inference; default: what a model's file, or the shape given for its input, states, else 1.
    precision, threads
        ``fp32``, ``tf32``, ``fp16``, ``bf16`` or ``int8``, and the number of CPU threads; default: the precision of a
        quantised model where the target has it, else the target's.
    options
        Values for the table's options, such as ``{"classes": 1001}``.
    params, macs
        Counting conventions: what a batch norm adds to the parameters (``folded``, ``affine``, ``all``, ``none``, or a
        :class:`~mbcost.graph.ParamsConvention`), and ``products`` or ``all`` operations as MACs.
    unsupported
        ``refuse`` operators that the importer does not know or the runtime has no kernel for, or ``estimate`` them by
        their memory traffic, with a warning.
    calibration
        The path of a calibration, or a :class:`~mbcost.calibration.record.Calibration`; by default the user's own for
        the target or the one that ships, if there is one; False for none.
    lowering
        ``auto``: convolutions as the runtime computes them; ``im2col``: direct convolutions are lowered to matrix
        products first, which shows the cost of lowering.
    input_shape
        Of a model's input where its file leaves it open, of an ``nn.Module``, or instead of a table's own, such as
        ``(1, 3, 224, 320)``.
    until
        Name of a tensor of an ONNX or TFLite file at which the network ends.

    Raises
    ------
    InputError
        With every problem of the input.
    """
    how = configuration(
        alpha=alpha,
        rho=rho,
        resolution=resolution,
        batch=batch,
        precision=precision,
        threads=threads,
        options=options,
        params=params,
        macs=macs,
        unsupported=unsupported,
        calibration=calibration,
        lowering=lowering,
    )
    spec = load(network, input_shape=input_shape, unsupported=how.unsupported, until=until, resolution=how.resolution)
    if isinstance(device, (str, Target)):
        return analyze_one(spec, device, how)
    if not is_several(device):
        hint = "such as pixel1 or ['pixel1', 'pixel4/gpu']"
        fail("MB010", f"device is of type {type(device).__name__}, which names no target", hint=hint)
    if not device:
        fail("MB010", "device names no target", hint="such as pixel1")
    return Analyses(call_each(lambda one: analyze_one(spec, one, how), device))


def analyze_one(spec: ArchitectureSpec, device: str | Target, how: Configuration) -> Analysis:
    """The analysis of a loaded network on one target, of a checked configuration."""
    target = target_for(device, how.precision, how.threads, spec.stated_precision)
    model = prepare(target, how.calibration, how.lowering)
    graph = build_graph(spec, **how.size)
    batch = spec.stated_batch if how.batch is None else how.batch
    predicted = predict(graph, model, batch=batch, estimate_unsupported=how.estimates)
    host = model.host if any(map(is_hosted, predicted.kernels)) else None
    found = Analysis(
        spec=spec,
        layer_graph=graph,
        target=target,
        runtime=model.runtime,
        form=model.form,
        rates=model.rates,
        kernels=predicted.kernels,
        estimates=predicted.estimates,
        batch=batch,
        element_bytes=model.element_bytes,
        latency_s=predicted.latency_s,
        latency_low_s=predicted.latency_low_s,
        latency_high_s=predicted.latency_high_s,
        calibration=model.calibration,
        host=None if host is None else host.target,
        host_basis=None if host is None else host.basis,
        warnings=(*caveats_of(graph, model, predicted, estimated=how.estimates), *notes_of_model(spec, target, batch)),
        params_convention=how.params,
        macs_convention=how.macs,
    )
    memories = target.device.memories
    if memories is None:
        return found
    from mbcost.memory.limits import board_notes

    return replace(found, warnings=(*found.warnings, *board_notes(found.plan_memory(file=False), memories)))
