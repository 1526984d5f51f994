"""What a reader has to know before trusting a prediction, in sentences."""

from __future__ import annotations

from typing import Final

from mbcost.architectures import ArchitectureSpec
from mbcost.calibration.apply import notes_on
from mbcost.devices import Target
from mbcost.graph import LayerGraph, peak_elements
from mbcost.hosting import RESTART_S, crossings, is_hosted
from mbcost.kernels import Kernel, Runtime, assumed_kernels, unsupported_layers
from mbcost.latency.model import spread_of
from mbcost.operators import Conv2d, Dense, DepthwiseConv2d, Opaque
from mbcost.prediction import UNKNOWN_FACTOR, Prediction, TargetModel


def caveats_of(graph: LayerGraph, model: TargetModel, predicted: Prediction, *, estimated: bool) -> tuple[str, ...]:
    """What a reader has to know before trusting the prediction of one network."""
    target, runtime, fitted = model.target, model.runtime, model.calibration
    warnings = target_caveats(model)
    if fitted is not None and predicted.workload is not None:
        warnings = [*notes_on(fitted, target, predicted.workload), *warnings]
    warnings += forced_lowering(runtime, predicted)
    warnings += [
        *small_maps(graph),
        *outside_layers(graph, model, predicted),
        *bound_by_the_host(model, predicted),
        *unknown_operators(graph),
        *recurrent_layers(graph),
    ]
    warnings += assumed_kernels(runtime, predicted.kernels)
    warnings += beyond_memory(graph, model, predicted.kernels)
    if estimated:
        names = sorted({layer.op for layer in unsupported_layers(graph, runtime)})
        allowed = f"the interval's upper end allows {UNKNOWN_FACTOR:g} times that"
        warnings += [f"{runtime.name} has no kernel for `{name}`: charged by its traffic; {allowed}" for name in names]
    return tuple(warnings)


#: Notes that are no caveats: the model was read as models usually are.
_AS_USUAL: Final = frozenset({"traced with torch.export", "batch 1"})


def notes_of_model(spec: ArchitectureSpec, target: Target, batch: int) -> list[str]:
    """What a reader has to know about how a model was read, and which batch its numbers are for."""
    notes = [note for note in spec.notes if note not in _AS_USUAL]
    if spec.stated_precision not in {None, target.precision}:
        notes.append(f"{spec.name} is quantised to {spec.stated_precision}: this is for {target.precision}")
    if spec.stated_batch not in {1, batch}:
        notes.append(f"{spec.name} states a batch of {spec.stated_batch}: this is for {batch}")
    return notes


def target_caveats(model: TargetModel) -> list[str]:
    """What a reader has to know about the target's numbers, whatever the network."""
    target, runtime, fitted = model.target, model.runtime, model.calibration
    notes = []
    if target.device.changes:
        changes = ", ".join(f"{place} {value}" for place, value in target.device.changes)
        notes.append(f"a device that does not exist: {target.device.name} with {changes}")
    if runtime.form == "roofline" and fitted is None:
        notes.append(
            f"{runtime.title} is a plain roofline at the peaks of the profile: a lower bound, not a prediction"
        )
    elif fitted is None:
        spread = spread_of(target, runtime, model.form)
        origin = f"rates are {spread.origin}" if spread is not None else runtime.caveat or _origin(target, runtime)
        notes.append(f"not calibrated on {target.device.name}: {origin}")
    computed = runtime.computed(target.precision)
    if computed != target.precision:
        _, why = runtime.computes[target.precision]
        notes.append(f"{runtime.name} computes {target.precision} models in {computed}: no speed-up ({why})")
    elif runtime.form.startswith("cpu_") and not runtime.knows(target.precision) and fitted is None:
        notes.append(f"{target.precision} rates are extrapolated from fp32 by the number of vector lanes")
    return notes


def _origin(target: Target, runtime: Runtime) -> str:
    """Where uncalibrated rates come from."""
    processor = target.processor
    if runtime.was_fitted_on(processor.model, target.precision):
        return f"rates are those of the {processor.model} in another device"
    if runtime.fitted_on is None and all(parameter.source != "fitted" for parameter in runtime.parameters.values()):
        return "nothing was fitted to latencies"
    rates = f"rates are scaled from the {'core' if processor.kind == 'cpu' else processor.kind.upper()} that"
    extrapolated = (
        ""
        if target.precision in {"fp32", runtime.fitted_on and runtime.fitted_on[1]} or processor.kind == "cpu"
        else f"; {target.precision} is extrapolated from fp32"
    )
    return f"{rates} {runtime.name} was fitted on{extrapolated}"


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
    """Warnings about activations or weights that a form assumes on chip but that do not fit there."""
    processor, sram = model.target.processor, model.target.processor.sram
    if sram is None or not kernels:
        return []
    size, batch = kernels[0].element_bytes, 1 if model.form.image_by_image else kernels[0].batch
    needs = {
        "activations": peak_elements(graph) * size * batch,
        "weights": sum(kernel.weight_elements for kernel in kernels) * size,
    }
    return [
        f"{what} take {needs[what] / 1e6:.3g} MB, but {processor.model} has {sram.text} on chip: {fate}"
        for what, fate in model.form.on_chip.items()
        if needs[what] > sram.value
    ]


def small_maps(graph: LayerGraph) -> tuple[str, ...]:
    """A warning about convolutions that see more padding than image, which a resolution that was not meant makes."""
    found = [
        layer.name
        for layer in graph.layers
        if isinstance(layer.operator, (Conv2d, DepthwiseConv2d))
        and all(
            2 * side <= kernel for side, kernel in zip(layer.input_shapes[0][:2], layer.operator.kernel, strict=True)
        )
    ]
    if not found:
        return ()
    shape = graph.input_shape
    what = "1 convolution sees" if len(found) == 1 else f"{len(found)} convolutions see"
    return (
        f"at {shape.height}x{shape.width} {what} more padding than image: is that resolution meant? {_some(found)}",
    )


def bound_by_the_host(model: TargetModel, predicted: Prediction) -> tuple[str, ...]:
    """A warning where a network is predicted to have more frames a second than the processor's host lets through."""
    frame = model.target.overheads.frame
    if frame is None or not predicted.kernels:
        return ()
    batch = float(predicted.kernels[0].batch)
    if float(predicted.latency_s) >= batch * frame.value:
        return ()
    ceiling = f"at most {1 / frame.value:,.0f} frames/s ({frame.text} a frame, {frame.source})"
    return (f"bound by the host: {model.target.device.name} was seen with {ceiling}, the latency leaves that out",)


def outside_layers(graph: LayerGraph, model: TargetModel, predicted: Prediction) -> tuple[str, ...]:
    """A warning about the layers that the runtime hands back to another processor, if there are any."""
    target, partition = model.target, model.runtime.partition
    rows = [
        (kernel, item)
        for kernel, item in zip(predicted.kernels, predicted.estimates, strict=True)
        if kernel.kind == "outside"
    ]
    if not rows:
        return ()
    names = [kernel.name for kernel, _ in rows]
    what = "1 layer" if len(names) == 1 else f"{len(names)} layers"
    more = ", ..." if len(names) > 10 else ""
    listed = f"{', '.join(names[:10])}{more}"
    unit = target.processor.kind.upper()
    if target.outside == "free":
        return (f"the latency is one without {what} that the {unit} does not take: {listed}",)
    if model.host is not None:
        why = _beside_the_largest(model, [kernel for kernel, _ in rows])
        return (f"{_hosted(graph, model, predicted, what)}{why}: {listed}",)
    run = "runs" if len(names) == 1 else "run"
    assumed = "on the host's processor: their time and the transfer there and back are assumed"
    found = f"{what} {run} outside of the {unit} part, {assumed}: {listed}"
    places = [number for number, kernel in enumerate(predicted.kernels) if kernel.kind == "outside"]
    last = max(number for number, kernel in enumerate(predicted.kernels) if kernel.kind != "view")
    inner = partition is not None and places[0] + len(places) - 1 < last
    return (f"{found}; {partition}" if inner else found,)


def _beside_the_largest(model: TargetModel, kernels: list[Kernel]) -> str:
    """How many of the host's layers the delegate has kernels for, and why it leaves them; empty for none."""
    runtime = model.runtime
    able = [kernel for kernel in kernels if runtime.kernel_kind(kernel.main) not in {None, "outside"}]
    return f", {len(able)} of them since {runtime.largest_part}" if able and runtime.largest_part is not None else ""


def _hosted(graph: LayerGraph, model: TargetModel, predicted: Prediction, what: str) -> str:
    """Where the layers run that are handed back, how long they take there, and what crosses."""
    assert model.host is not None
    crossing = crossings(graph, predicted.kernels).values()
    there = sum(
        float(item.latency_s)
        for kernel, item in zip(predicted.kernels, predicted.estimates, strict=True)
        if is_hosted(kernel)
    )
    size, restarts = sum(one.bytes for one in crossing), sum(one.restarts for one in crossing)
    copied = f"{size / 1e6:.3g} MB copied"
    again = f" and {restarts} restart{'s' if restarts > 1 else ''} of {RESTART_S * 1e3:g} ms" if restarts else ""
    host, basis = model.host.target, model.host.basis
    run = "runs" if what.startswith("1 ") else "run"
    time = f"{there * 1e3:.3g} ms with {copied}{again} (assumed)"
    return f"{what} {run} on {host.name} at {host.precision} ({basis}), {time}"


def unknown_operators(graph: LayerGraph) -> tuple[str, ...]:
    """A warning about the layers that were estimated because the importer does not know them, if there are any."""
    opaque = [(layer.name, layer.operator) for layer in graph.layers if type(layer.operator) is Opaque]
    names = [name for name, operator in opaque if not operator.known]
    if not names:
        return ()
    what = "1 operator of the model is" if len(names) == 1 else f"{len(names)} operators of the model are"
    found = f"{what} not known and estimated by memory traffic alone: {_some(names)}"
    return (f"{found}; the interval's upper end allows {UNKNOWN_FACTOR:g} times that",)


def recurrent_layers(graph: LayerGraph) -> tuple[str, ...]:
    """A warning about recurrent layers, whose steps wait for each other, if there are any."""
    steps = {
        layer.name: layer.input_shapes[0].pixels
        for layer in graph.layers
        if type(layer.operator) is Dense and layer.operator.sequential and layer.input_shapes[0].pixels > 1
    }
    if not steps:
        return ()
    what = "1 layer is recurrent" if len(steps) == 1 else f"{len(steps)} layers are recurrent"
    why = f"up to {max(steps.values())} steps run one after another, the latency is that of all at once, a lower bound"
    how = "at the interval's upper end each takes as long as all at once"
    return (f"{what}: {why}; {how}: {_some(list(steps))}",)


def _some(names: list[str]) -> str:
    """The first ten names."""
    return f"{', '.join(names[:10])}{', ...' if len(names) > 10 else ''}"
