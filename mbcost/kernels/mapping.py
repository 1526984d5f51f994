"""From layers to kernels: fusion and the choice of an algorithm, by the rules of a runtime."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from mbcost.errors import InputError, Problem, did_you_mean
from mbcost.graph import NETWORK_INPUT, Layer, LayerGraph, same_shape
from mbcost.kernels.kernel import Kernel, KernelKind
from mbcost.kernels.partitions import outside_the_largest, reads_of
from mbcost.kernels.runtime import Runtime
from mbcost.numeric import Dim

#: Operators whose output holds values of their input.
_MOVERS: Final = frozenset(
    {"concat", "split", "crop", "tile", "channel_shuffle", "transpose", "depth_to_space", "space_to_depth", "reshape",
     "flatten", "max_pool2d"}
)  # fmt: skip


#: Operators that a converter makes part of the one before them.
_CONVERTED: Final = frozenset({"batch_norm", "relu", "relu6"})

#: Kernels that can write into their part of a larger tensor.
_IN_PLACE: Final = frozenset({"pointwise", "im2col_gemm", "direct_conv", "depthwise", "pool"})


@dataclass(slots=True)
class _Draft:
    """A kernel while layers are still being fused into it."""

    main: Layer
    kind: KernelKind
    layers: list[int] = field(default_factory=list)
    step: int = -1
    has_norm: bool = False
    host_kind: KernelKind | None = None


def map_to_kernels(
    graph: LayerGraph,
    runtime: Runtime,
    *,
    batch: Dim = 1,
    element_bytes: int = 4,
    estimate_unsupported: bool = False,
    host: Runtime | None = None,
) -> tuple[Kernel, ...]:
    """The kernels that a runtime launches for a network; every layer is in exactly one of them.

    A layer is fused into the kernel that computes its first input if a fusion step of the runtime allows it, the kernel
    is not past the step, no other layer reads the intermediate result, and other inputs come from kernels before it. A
    linking step does the same for any input that has the shape of the output.

    Parameters
    ----------
    batch
        Images per inference.
    element_bytes
        Bytes of an activation or weight [B].
    estimate_unsupported
        Estimate an operator that the runtime has no kernel for by its memory traffic, instead of refusing it.
    host
        The runtime of the processor that computes what this one hands back, if it is known: its kinds of kernels and
        its fusions hold for that part.

    Raises
    ------
    InputError
        MB400 for every operator without a kernel.
    MixedConfigurationsError
        If the configurations of an array differ in their kernels.
    """
    drafts, kernel_of, problems = _drafts(graph, runtime, host, frozenset())
    if runtime.largest_part is not None and any(draft.host_kind is not None for draft in drafts):
        drafts, kernel_of, problems = _drafts(graph, runtime, host, _beside_the_largest(graph, drafts, kernel_of))
    if problems and not estimate_unsupported:
        raise InputError(problems)
    readers = graph.readers()
    joined = _joined(graph, drafts, kernel_of, graph.reads())
    kernels = [
        _finish(i, draft, graph, batch, element_bytes, readers[draft.layers[-1]], joined.get(draft.layers[0], 0))
        for i, draft in enumerate(drafts)
    ]
    macs = sum([kernel.macs for kernel in kernels])
    moved = sum([kernel.input_elements + kernel.output_elements for kernel in kernels if kernel.kind != "view"])
    weights = sum([kernel.weight_elements for kernel in kernels])
    return tuple([k._replace(network_macs=macs, network_activations=moved, network_weights=weights) for k in kernels])


def _drafts(
    graph: LayerGraph, runtime: Runtime, host: Runtime | None, left: frozenset[int]
) -> tuple[list[_Draft], list[int], list[Problem]]:
    """The kernels, the kernel of each layer, and operators that have none; those at `left` are the host's."""
    drafts: list[_Draft] = []
    kernel_of: list[int] = []
    reads = graph.reads()
    problems: list[Problem] = []
    ended = False
    for layer in graph.layers:
        fusion = _find_fusion(layer, drafts, kernel_of, reads, runtime, host)
        if fusion is not None:
            index, step = fusion
            draft = drafts[index]
            draft.layers.append(layer.position)
            draft.step = step
            draft.has_norm |= layer.operator.op == "batch_norm"
            kernel_of.append(index)
            continue
        kind = runtime.kernel_kind(layer)
        if (ended or layer.position in left) and kind != "view":
            kind = "outside"
        if kind is None:
            problems.append(_unsupported(layer, runtime))
            kind = "elementwise"
        kernel_of.append(len(drafts))
        draft = _Draft(layer, kind, [layer.position])
        if host is not None and kind == "outside":
            draft.host_kind = host.kernel_kind(layer) or "elementwise"
            ended |= runtime.partition is not None  # what comes after the first of them stays with the host
        drafts.append(draft)
    return drafts, kernel_of, problems


def _beside_the_largest(graph: LayerGraph, drafts: list[_Draft], kernel_of: list[int]) -> frozenset[int]:
    """Positions of the layers that a delegate leaves to the host since they are not in its largest part.

    Operators are counted as layers, without those that a converter makes part of the one before.
    """
    inputs = reads_of(graph, kernel_of, len(drafts))
    taken = [None if draft.kind == "view" else draft.host_kind is None for draft in drafts]
    sizes = [1 + sum(graph.layers[position].op not in _CONVERTED for position in draft.layers[1:]) for draft in drafts]
    return frozenset(
        position for index in outside_the_largest(inputs, taken, sizes) for position in drafts[index].layers
    )


def _joined(graph: LayerGraph, drafts: list[_Draft], kernel_of: list[int], reads: list[int]) -> dict[int, int]:
    """Position of each concat that copies -> number of tensors that it joins, including those of concats before it."""
    parts: dict[int, int] = {}
    copies = {}
    for layer in graph.layers:
        if layer.operator.op != "concat":
            continue
        position = layer.position
        parts[position] = sum([parts.get(producer, 1) for producer in layer.inputs])
        if not all(
            producer != NETWORK_INPUT and reads[producer] == 1 and drafts[kernel_of[producer]].kind in _IN_PLACE
            for producer in layer.inputs
        ):
            copies[position] = parts[position]
    return copies


def unsupported_layers(graph: LayerGraph, runtime: Runtime) -> tuple[Layer, ...]:
    """Layers whose operator the runtime neither fuses nor has a kernel for."""
    fused = {operator for step in runtime.fusion for operator in step.operators}
    return tuple(
        layer for layer in graph.layers if layer.operator.op not in fused and runtime.kernel_kind(layer) is None
    )


def _find_fusion(
    layer: Layer,
    drafts: list[_Draft],
    kernel_of: list[int],
    reads: list[int],
    accelerator: Runtime,
    host: Runtime | None,
) -> tuple[int, int] | None:
    """The kernel that `layer` joins and the fusion step by which it does; None if it is a kernel of its own."""
    for place, producer in enumerate(layer.inputs):
        if producer == NETWORK_INPUT or reads[producer] != 1:
            continue
        index = kernel_of[producer]
        runtime = accelerator if host is None or drafts[index].host_kind is None else host
        step = _fusion_step(layer, producer, drafts[index], runtime)
        if step is None or (place > 0 and not runtime.fusion[step].links):
            continue
        if len(layer.inputs) > 1 and any(kernel_of[other] > index for other in layer.inputs if other != NETWORK_INPUT):
            continue
        if same_shape(layer.input_shapes[place], layer.output_shape):  # a broadcast input cannot be linked
            return index, step
    return None


def _fusion_step(layer: Layer, producer: int, draft: _Draft, runtime: Runtime) -> int | None:
    """The fusion step by which `layer` joins a kernel whose last layer is `producer`; None if none does."""
    if draft.layers[-1] != producer:
        return None
    last = draft.step
    steps = runtime.fusion
    first = last if last >= 0 and steps[last].links else last + 1
    while last >= 0 and first < len(steps) and steps[first].alternative:
        first += 1
    for number in range(first, len(steps)):
        step = steps[number]
        if step.takes(layer, draft.main) and (not step.precisions or runtime.precision in step.precisions):
            return number
    return None


def _finish(
    index: int, draft: _Draft, graph: LayerGraph, batch: Dim, element_bytes: int, readers: list[str], joined: int
) -> Kernel:
    main, cost = draft.main, draft.main.cost
    last = graph.layers[draft.layers[-1]]
    read = cost.input_elements
    for fused in draft.layers[1:]:
        layer = graph.layers[fused]
        read = read + layer.cost.input_elements - layer.output_shape.elements
    bias = main.output_shape.channels if draft.has_norm else cost.bias_elements + 2 * cost.norm_channels
    computed_as = draft.host_kind or draft.kind
    return Kernel(
        index,
        draft.kind,
        main,
        tuple(draft.layers),
        tuple([graph.layers[fused].op for fused in draft.layers[1:]]),
        batch,
        cost.macs * batch,
        cost.elementwise_ops * batch,
        read * batch,
        last.output_shape.elements * batch,
        cost.weight_elements + bias,
        cost.im2col_elements * batch if computed_as == "im2col_gemm" else 0,
        element_bytes,
        tuple(readers),
        _makers(main, graph) if draft.kind == "pool" else frozenset(),
        joined,
        draft.host_kind,
    )


def _makers(layer: Layer, graph: LayerGraph) -> frozenset[str]:
    """Operators that computed the values of a layer's input; ``input`` for the network's input."""
    found, seen = set(), set()
    open_ends = list(layer.inputs)
    while open_ends:
        source = open_ends.pop()
        if source in seen:
            continue
        seen.add(source)
        if source == NETWORK_INPUT:
            found.add("input")
            continue
        maker = graph.layers[source]
        if maker.op in _MOVERS:
            open_ends += maker.inputs
        else:
            found.add(maker.op)
    return frozenset(found)


def _unsupported(layer: Layer, runtime: Runtime) -> Problem:
    hint = did_you_mean(layer.op, runtime.rules) or '`unsupported="estimate"` charges its traffic and says so'
    return Problem(
        "MB400", f"{runtime.title} has no kernel for `{layer.op}` (layer {layer.name})", layer.location, hint
    )
