"""The way through, on one page: a table and a target become an :class:`~mbcost.analysis.Analysis`.

Each step is callable on its own, returns a new frozen value and prints well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from os import PathLike, fspath
from typing import Final, NamedTuple

from mbcost.analysis import Analysis
from mbcost.architectures import ArchitectureSpec, find_architecture
from mbcost.architectures.spec import OptionValue
from mbcost.devices import Target, as_target
from mbcost.errors import fail
from mbcost.graph import (
    DEFAULT_PARAMS,
    LayerGraph,
    ParamsConvention,
    build_graph,
    check_architecture,
    peak_elements,
)
from mbcost.graph.counting import MacsConvention
from mbcost.importers import InputShapes, Unsupported, import_model, is_model
from mbcost.kernels import Kernel, Runtime, load_runtime, map_to_kernels, unsupported_layers
from mbcost.latency import KernelEstimate, LatencyForm, Rate, find_form
from mbcost.latency.calibrated import (
    CalibrationChoice,
    choose_calibration,
    interval_of,
    notes_on,
    scale_to_threads,
    workload_of,
)
from mbcost.latency.calibration import Calibration, Workload, calibrated_rates
from mbcost.latency.lowering import Lowering, lowered
from mbcost.latency.rates import ELEMENT_BYTES
from mbcost.numeric import Real, add_up
from mbcost.operators import Opaque

MAX_BATCH: Final = 65_536


def load(
    model: str | PathLike[str],
    *,
    input_shapes: InputShapes | None = None,
    unsupported: Unsupported = "refuse",
) -> ArchitectureSpec:
    """The architecture of a built-in name, a YAML table, an ONNX or TFLite file, or a PyTorch ``module:callable``.

    A table is checked for consistency at alpha = rho = 1.

    Parameters
    ----------
    input_shapes
        Shapes of a model's inputs, for what its file leaves open; ``{"": (1, 3, 224, 224)}`` for the only one.
    unsupported
        ``refuse`` operators of a model that mbcost does not know, or ``estimate`` them by their traffic.

    Raises
    ------
    InputError
        Every problem of the file; MB200 with the nearest names if there is no such architecture.
    """
    text = fspath(model)
    if is_model(text):
        return import_model(text, input_shapes, unsupported)
    if input_shapes:
        hint = "leave out --input-shape; --resolution changes it"
        fail("MB010", "a table says what its input is", hint=hint)
    return find_architecture(text, check=check_architecture)


def analyze(
    model: str | PathLike[str] | ArchitectureSpec,
    device: str | Target = "pixel1",
    *,
    alpha: float = 1.0,
    rho: float | None = None,
    resolution: int | None = None,
    batch: int = 1,
    precision: str | None = None,
    threads: int | None = None,
    options: Mapping[str, OptionValue] | None = None,
    params: ParamsConvention = DEFAULT_PARAMS,
    macs: MacsConvention = "products",
    estimate_unsupported: bool = False,
    calibration: CalibrationChoice = None,
    lowering: Lowering = "auto",
) -> Analysis:
    """Predict the latency of an architecture on a target, layer by layer.

    Parameters
    ----------
    model
        A built-in name, the path of a YAML table, of an ONNX or of a TFLite file, a PyTorch ``module:callable``, or a
        loaded architecture.
    device
        A target: ``pixel1``, ``pixel4/gpu``, ``pixel1/cpu@tflite-2018``, or a :class:`~mbcost.devices.Target`.
    alpha, rho, resolution
        Width multiplier; resolution multiplier, or the input's height and width [pixels].
    batch
        Images an inference.
    precision, threads
        ``fp32``, ``tf32``, ``fp16``, ``bf16`` or ``int8``, and the number of CPU threads; default: the target's.
    options
        Values for the table's options, such as ``{"classes": 1001}``.
    params, macs
        Counting conventions.
    estimate_unsupported
        Charge operators that the runtime has no kernel for by their traffic, with a warning, instead of refusing them.
    calibration
        The file of a calibration; by default the one that ships for the target or that you have of it, if there is
        one; False for none.
    lowering
        ``auto``: convolutions as the runtime computes them; ``im2col``: those that it reads directly are lowered to
        matrix products first, which shows what that would add.

    Raises
    ------
    InputError
        With every problem of the input.
    """
    unsupported: Unsupported = "estimate" if estimate_unsupported else "refuse"
    spec = model if isinstance(model, ArchitectureSpec) else load(model, unsupported=unsupported)
    target = as_target(device, precision, threads)
    if not 1 <= batch <= MAX_BATCH:
        fail("MB010", f"batch is {batch}, it has to be from 1 to {MAX_BATCH}")
    model_of_target = prepare(target, calibration, lowering)
    graph = build_graph(spec, alpha=alpha, rho=rho, resolution=resolution, options=options)
    predicted = predict(graph, model_of_target, batch=batch, estimate_unsupported=estimate_unsupported)
    runtime, fitted = model_of_target.runtime, model_of_target.calibration
    return Analysis(
        layer_graph=graph,
        target=target,
        runtime=runtime,
        form=model_of_target.form,
        rates=model_of_target.rates,
        kernels=predicted.kernels,
        estimates=predicted.estimates,
        batch=batch,
        element_bytes=ELEMENT_BYTES[target.precision],
        latency_s=predicted.latency_s,
        latency_low_s=predicted.latency_low_s,
        latency_high_s=predicted.latency_high_s,
        calibrated=fitted is not None,
        calibration=fitted,
        warnings=_warnings(graph, model_of_target, predicted, estimate_unsupported),
        params_convention=params,
        macs_convention=macs,
    )


@lru_cache(maxsize=64)
def _latency_model(target: Target) -> tuple[Runtime, LatencyForm, Mapping[str, Rate]]:
    runtime = load_runtime(target.runtime)
    if target.processor.kind not in runtime.processors:
        kinds = " and ".join(runtime.processors)
        fail("MB304", f"{runtime.name} runs on a {kinds}, not on the {target.processor.name} of {target.device.name}")
    runtime = runtime.at_precision(target.precision).carried_to(target.processor.model, target.precision)
    form = find_form(runtime.form).on(target)
    return runtime, form, form.rates(target, runtime)


def latency_model(
    target: Target, calibration: CalibrationChoice = None, lowering: Lowering = "auto"
) -> tuple[Runtime, LatencyForm, Mapping[str, Rate]]:
    """The rules, the form and the rates that predict latencies on a target.

    Parameters
    ----------
    calibration, lowering
        As for :func:`analyze`.

    Raises
    ------
    InputError
        MB304 if there are no rules for its runtime, MB401 if its profile lacks a number that the form needs, MB010 if
        the form has no lowered convolutions.
    """
    runtime, form, rates = _latency_model(target)
    fitted = choose_calibration(target, form, calibration)
    if fitted is not None:
        _, _, measured = _latency_model(replace(target, threads=fitted.threads))
        rates = calibrated_rates(fitted, rates, scale_to_threads(fitted, rates, measured))
    return (runtime, form, rates) if lowering == "auto" else lowered(target, runtime, form, rates)


class TargetModel(NamedTuple):
    """All that predicts latencies on a target; the same for every network."""

    target: Target
    runtime: Runtime
    form: LatencyForm
    rates: Mapping[str, Rate]
    calibration: Calibration | None


def prepare(target: Target, calibration: CalibrationChoice = None, lowering: Lowering = "auto") -> TargetModel:
    """Look up the rules, the form, the rates and the calibration of a target; as for :func:`analyze`."""
    fitted = choose_calibration(target, _latency_model(target)[1], calibration)
    return TargetModel(target, *latency_model(target, fitted or False, lowering), fitted)


class Prediction(NamedTuple):
    """Kernels and times [s] of one network, or of an array of configurations."""

    kernels: tuple[Kernel, ...]
    estimates: tuple[KernelEstimate, ...]
    latency_s: Real
    latency_low_s: Real
    latency_high_s: Real
    workload: Workload | None


def predict(graph: LayerGraph, model: TargetModel, *, batch: int, estimate_unsupported: bool = False) -> Prediction:
    """The latency of a network on a target, with its 90 % interval; of one configuration, or of an array of them.

    Raises
    ------
    InputError
        MB400 for every operator without a kernel.
    MixedConfigurationsError
        If the configurations of an array differ in which kernels there are.
    """
    target, runtime, form, rates, fitted = model
    element_bytes = ELEMENT_BYTES[target.precision]
    kernels = map_to_kernels(
        graph, runtime, batch=batch, element_bytes=element_bytes, estimate_unsupported=estimate_unsupported
    )
    counts = form.counts(kernels)
    estimates = form.estimate(kernels, {name: rate.seconds for name, rate in rates.items()}, counts)
    latency = add_up(item.latency_s for item in estimates)
    if fitted is None:
        low, high = runtime.interval(target.processor.model, target.precision)
        return Prediction(kernels, estimates, latency, latency * low.value, latency * high.value, None)
    fitted_rates = {name: rate for name, rate in rates.items() if name in fitted.rates}  # forced lowering is not
    workload = workload_of(kernels, form.total(kernels, counts), fitted_rates)
    factor = interval_of(fitted, target, workload)
    return Prediction(kernels, estimates, latency, latency * (1 / factor), latency * factor, workload)


def _warnings(graph: LayerGraph, model: TargetModel, predicted: Prediction, estimated: bool) -> tuple[str, ...]:
    """What a reader has to know before trusting the prediction of one network."""
    target, runtime, fitted = model.target, model.runtime, model.calibration
    warnings = target_caveats(model)
    if fitted is not None and predicted.workload is not None:
        warnings = [*notes_on(fitted, target, predicted.workload), *warnings]
    warnings += forced_lowering(runtime, predicted)
    warnings += [
        *outside_layers(predicted.kernels, predicted.estimates, target, runtime.partition),
        *unknown_operators(graph),
    ]
    warnings += beyond_memory(graph, model, predicted.kernels)
    if estimated:
        names = sorted({layer.op for layer in unsupported_layers(graph, runtime)})
        warnings += [f"{runtime.name} has no kernel for `{name}`: charged by its traffic" for name in names]
    return tuple(warnings)


def estimate(kernels: tuple[Kernel, ...], form: LatencyForm, rates: Mapping[str, Rate]) -> tuple[KernelEstimate, ...]:
    """The time of every kernel and its split."""
    return form.estimate(kernels, {name: rate.seconds for name, rate in rates.items()})


def forced_lowering(runtime: Runtime, predicted: Prediction) -> list[str]:
    """A warning about what im2col adds where it was asked for."""
    if runtime.lowering == "auto":
        return []
    kernels = [kernel for kernel in predicted.kernels if kernel.kind == "im2col_gemm"]
    size = sum(kernel.im2col_elements * kernel.element_bytes for kernel in kernels)
    seconds = sum(float(item.lowering_s) for item in predicted.estimates)
    what = "1 convolution" if len(kernels) == 1 else f"{len(kernels)} convolutions"
    took = f"{seconds * 1e3:.3g} ms, {seconds / float(predicted.latency_s):.0%} of the time"
    return [f"im2col was asked for: {what} lowered, {size / 1e6:.3g} MB written and read back in {took}"]


def beyond_memory(graph: LayerGraph, model: TargetModel, kernels: tuple[Kernel, ...]) -> list[str]:
    """Warnings about what a form takes to be on chip and does not fit there."""
    processor, sram = model.target.processor, model.target.processor.sram
    if sram is None or not kernels:
        return []
    size, batch = kernels[0].element_bytes, kernels[0].batch
    needs = {
        "activations": peak_elements(graph) * size * batch,
        "weights": sum(kernel.weight_elements for kernel in kernels) * size,
    }
    fate = {
        "activations": "the network does not fit, or spills to a slower memory, which is not charged",
        "weights": "the rest arrives in every inference, which is charged only where a layer alone does not fit",
    }
    return [
        f"{what} take {needs[what] / 1e6:.3g} MB, {processor.model} has {sram.text} on chip: {fate[what]}"
        for what in ("activations", "weights")
        if what in model.form.on_chip and needs[what] > sram.value
    ]


def unknown_operators(graph: LayerGraph) -> tuple[str, ...]:
    """A warning about the layers that were estimated because no importer knows them, if there are any."""
    names = [layer.name for layer in graph.layers if layer.op == Opaque.op]
    if not names:
        return ()
    what = "1 operator of the model is" if len(names) == 1 else f"{len(names)} operators of the model are"
    more = ", ..." if len(names) > 10 else ""
    return (f"{what} not known; what stands in is memory traffic alone: {', '.join(names[:10])}{more}",)


def outside_layers(
    kernels: tuple[Kernel, ...], estimates: tuple[KernelEstimate, ...], target: Target, partition: str | None = None
) -> tuple[str, ...]:
    """A warning about the layers that the runtime hands back to another processor, if there are any."""
    names = [kernel.name for kernel in kernels if kernel.kind == "outside"]
    if not names:
        return ()
    what = "1 layer runs" if len(names) == 1 else f"{len(names)} layers run"
    more = ", ..." if len(names) > 10 else ""
    where = f"outside of the {target.processor.kind.upper()} part"
    charged = any(
        item.latency_s > 0 for kernel, item in zip(kernels, estimates, strict=True) if kernel.kind == "outside"
    )
    how = (
        "on the host's processor: their time and the transfer there and back are assumed"
        if charged
        else "whose time this is; what they take comes on top"
    )
    found = f"{what} {where}, {how}: {', '.join(names[:10])}{more}"
    places = [number for number, kernel in enumerate(kernels) if kernel.kind == "outside"]
    last = max(number for number, kernel in enumerate(kernels) if kernel.kind != "view")
    inner = partition is not None and places[0] + len(places) - 1 < last
    return (f"{found}; {partition}" if inner else found,)


def target_caveats(model: TargetModel) -> list[str]:
    """What a reader has to know about the target's numbers, whatever the network."""
    target, runtime, fitted = model.target, model.runtime, model.calibration
    notes = []
    if runtime.form == "roofline" and fitted is None:
        notes.append(
            f"{runtime.title} is a plain roofline at the peaks of the profile: a lower bound, not a prediction"
        )
    elif fitted is None:
        notes.append(f"not calibrated on {target.device.name}: {runtime.caveat or _origin(target, runtime)}")
    if runtime.form.startswith("cpu_") and not runtime.knows(target.precision) and fitted is None:
        notes.append(f"{target.precision} rates are extrapolated from fp32 by the number of vector lanes")
    return notes


def _origin(target: Target, runtime: Runtime) -> str:
    """Where rates that nobody calibrated come from."""
    processor = target.processor
    if runtime.was_fitted_on(processor.model, target.precision):
        return f"rates are those of the {processor.model} in another device"
    if runtime.fitted_on is None and all(parameter.source != "fitted" for parameter in runtime.parameters.values()):
        return "nothing was fitted to latencies"
    rates = f"rates are scaled from the {'core' if processor.kind == 'cpu' else processor.kind.upper()} that"
    extrapolated = (
        ""
        if target.precision == "fp32" or processor.kind == "cpu"
        else f"; {target.precision} is extrapolated from fp32"
    )
    return f"{rates} {runtime.name} was fitted on{extrapolated}"
