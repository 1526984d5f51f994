"""Hints: the saving of single changes of the network or the target, each predicted by running the model again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeAlias, cast

from mbcost.analysis import Analysis
from mbcost.architectures.scaling import Resolution, as_resolution, resolution_text
from mbcost.architectures.spec import OptionValue
from mbcost.devices import Target
from mbcost.errors import InputError
from mbcost.graph import Layer, LayerGraph, build_graph
from mbcost.insight.rewrites import (
    CHANNEL_TILE,
    Rewrite,
    dense_windows,
    grouped,
    left_out,
    ragged,
    replaced,
    rewritten,
    rounded_down,
    separable,
    smaller_windows,
    squeeze_and_excite,
    substitutes,
    ungrouped,
    with_relu,
)
from mbcost.kernels import Kernel, KernelKind, Runtime
from mbcost.latency.rates import ELEMENT_BYTES
from mbcost.operators import Activation, DepthwiseConv2d, Operator, OperatorError
from mbcost.prediction import estimates_of, kernels_of, prepare

#: Widths that the papers publish.
ALPHAS: Final = (1.4, 1.3, 1.0, 0.75, 0.5, 0.35, 0.25)
RESOLUTION_STEP: Final = 32
#: Activations that a ReLU can replace. Gates of squeeze-and-excitation (sigmoid, hard_sigmoid) are not among them.
_SMOOTH: Final = frozenset({"hard_swish", "swish", "gelu", "elu", "leaky_relu", "prelu", "tanh"})
#: Kinds of kernels of layers that the runtime does not compute itself, and what happens to them.
_LEFT_TO: Final[Mapping[KernelKind, str]] = {
    "outside": "handed back to the host",
    "fallback": "left by the delegate to slower kernels",
}
#: Elements of the largest depthwise window that kernels are written for, 5x5 (XNNPACK, src/configs/dwconv-config.c).
_LARGEST_TAPS: Final = 25


@dataclass(frozen=True, slots=True)
class Hint:
    """A change and the predicted latency with it.

    Attributes
    ----------
    latency_s
        Latency with the change [s].
    saving
        Saving as a share of the latency without it [1].
    option
        The option of ``mbcost analyze`` for the change: ``--threads 2``; empty where the network itself has to change.
    """

    change: str
    latency_s: float
    saving: float
    option: str = ""


#: A change in words, its option, and a function that makes the changed network and target.
_Change: TypeAlias = tuple[str, str, Callable[[], tuple[LayerGraph, Target]]]


def find_hints(analysis: Analysis, *, least: float = 0.02, most: int = 4) -> list[Hint]:
    """The changes that save most, best first.

    Parameters
    ----------
    least
        Smallest saving worth a hint, as a share of the latency [1].
    most
        Largest number of hints.
    """
    found = []
    for change, option, make in _changes(analysis):
        try:
            latency = _latency(analysis, *make())
        except (InputError, OperatorError):  # the table, the profile, the runtime or a layer cannot do it
            continue
        saving = 1 - latency / analysis.latency_s if analysis.latency_s else 0.0
        if saving >= least:
            found.append(Hint(change, latency, saving, option))
    return sorted(found, key=lambda hint: hint.saving, reverse=True)[:most]


def _changes(analysis: Analysis) -> Iterator[_Change]:
    spec, graph, target = analysis.spec, analysis.layer_graph, analysis.target
    height, width, _ = graph.input_shape
    resolution = as_resolution(height, width)
    options = cast("Mapping[str, OptionValue]", graph.options)

    def rebuilt(alpha: float, resolution: Resolution) -> Callable[[], tuple[LayerGraph, Target]]:
        return lambda: (build_graph(spec, alpha=alpha, resolution=resolution, options=options), target)

    smaller = [alpha for alpha in ALPHAS if alpha < graph.alpha]
    if spec.width is not None and smaller:
        change = f"alpha {smaller[0]:g} instead of {graph.alpha:g}"
        yield change, f"--alpha {smaller[0]:g}", rebuilt(smaller[0], resolution)
    if min(height, width) > RESOLUTION_STEP:
        lower = [(side - 1) // RESOLUTION_STEP * RESOLUTION_STEP for side in (height, width)]
        less = resolution_text(*lower)
        yield (
            f"resolution {less} instead of {graph.size}",
            f"--resolution {less}",
            rebuilt(graph.alpha, as_resolution(*lower)),
        )
    for precision in target.processor.precisions:
        if ELEMENT_BYTES[precision] < analysis.element_bytes:
            change = f"{precision} instead of {target.precision}"
            yield change, f"--precision {precision}", partial(_on, graph, replace(target, precision=precision))
    most = target.processor.max_threads
    if target.threads < most:
        change = f"{most} threads instead of {target.threads}"
        yield change, f"--threads {most}", partial(_on, graph, replace(target, threads=most))
    for change, rewrite, count in _rewrites(analysis):
        if count:
            yield f"{change} ({count} layer{'s' if count > 1 else ''})", "", partial(_rewritten, graph, rewrite, target)


def _rewrites(analysis: Analysis) -> Iterator[tuple[str, Rewrite, int]]:
    """Replacements of operators: the change in words, its rewrite, and the number of layers."""
    graph = analysis.layer_graph
    for kind, reason in _LEFT_TO.items():
        substitutes = _substitutes(analysis, kind)
        yield (
            f"{_in_words(analysis, substitutes)}, {reason}",
            partial(replaced, operators=substitutes),
            len(substitutes),
        )
    apart = [kernel.main for kernel in analysis.kernels if _is_apart(kernel)]
    smooth = {layer.name: layer.op for layer in apart if layer.op in _SMOOTH}
    old = ", ".join(sorted(set(smooth.values())))
    yield f"ReLU in place of {old}", partial(with_relu, names=smooth.keys()), len(smooth)
    readers = Counter(producer for layer in graph.layers for producer in layer.inputs)
    fusible = {layer.name for layer in apart if layer.op not in _SMOOTH and readers[layer.inputs[0]] == 1}
    yield "activation fused into the layer before it", partial(left_out, names=fusible), len(fusible)
    yield from _window_rewrites(analysis)
    groups = grouped(graph)
    yield "dense in place of grouped convolutions", partial(ungrouped, names=groups), len(groups)
    excited, gates = squeeze_and_excite(graph)
    yield "without squeeze-and-excitation", partial(left_out, names=excited), gates
    yield f"channels rounded down to multiples of {CHANNEL_TILE}", rounded_down, ragged(graph)


def _is_apart(kernel: Kernel) -> bool:
    """Whether it is an activation that is fused into no other layer and not left to another kernel or processor."""
    return isinstance(kernel.main.operator, Activation) and kernel.kind not in _LEFT_TO


def _substitutes(analysis: Analysis, kind: str) -> dict[str, Sequence[Operator]]:
    """Layers of kernels of this kind, and operators that can replace them and that the runtime computes itself."""
    found: dict[str, Sequence[Operator]] = {}
    for kernel in analysis.kernels:
        if kernel.kind == kind:
            layer = kernel.main
            choices = substitutes(layer, last=layer.position in analysis.layer_graph.outputs)
            taken = (new for new in choices if all(_is_taken(analysis.runtime, layer, operator) for operator in new))
            new = next(taken, None)
            if new is not None:
                found[layer.name] = new
    return found


def _is_taken(runtime: Runtime, layer: Layer, operator: Operator) -> bool:
    """Whether the runtime itself computes an operator in place of a layer."""
    return runtime.kernel_kind(layer._replace(operator=operator)) not in _LEFT_TO


def _in_words(analysis: Analysis, changed: Mapping[str, Sequence[Operator]]) -> str:
    """``relu in place of mish, no softmax``."""
    by_name = {layer.name: layer.op for layer in analysis.layer_graph.layers}
    pairs = {(new[0].op if new else "", by_name[name]) for name, new in changed.items()}
    return ", ".join(f"{new} in place of {old}" if new else f"no {old}" for new, old in sorted(pairs, reverse=True))


def _window_rewrites(analysis: Analysis) -> Iterator[tuple[str, Rewrite, int]]:
    """Smaller or separable windows."""
    dense = dense_windows(analysis.layer_graph)
    yield "separable in place of KxK convolutions", partial(separable, names=dense), len(dense)
    if len(dense) > 1:
        times = {kernel.name: one.latency_s for kernel, one in zip(analysis.kernels, analysis.estimates, strict=True)}
        slowest = max(dense, key=lambda name: times.get(name, 0.0))
        yield f"separable in place of {slowest}, the slowest KxK convolution", partial(separable, names={slowest}), 1
    depthwise = [kernel for kernel in analysis.kernels if isinstance(kernel.main.operator, DepthwiseConv2d)]
    odd = {kernel.name for kernel in depthwise if kernel.kind != "depthwise" and kernel.window > _LARGEST_TAPS}
    yield (
        "5x5 in place of larger depthwise windows, which the runtime has no depthwise kernel for",
        partial(smaller_windows, names=odd, side=5),
        len(odd),
    )
    large = {kernel.name for kernel in depthwise if max(kernel.main.operator.kernel) > 3}  # type: ignore[attr-defined]
    yield "3x3 in place of larger depthwise windows", partial(smaller_windows, names=large, side=3), len(large)


def _rewritten(graph: LayerGraph, rewrite: Rewrite, target: Target) -> tuple[LayerGraph, Target]:
    return rewritten(graph, rewrite), target


def _on(graph: LayerGraph, target: Target) -> tuple[LayerGraph, Target]:
    return graph, target


def _latency(analysis: Analysis, graph: LayerGraph, target: Target) -> float:
    """The latency of a changed network or target [s], by the same steps as the analysis."""
    model = prepare(target, analysis.calibration or False, analysis.runtime.lowering)
    kernels = kernels_of(graph, model, batch=analysis.batch, estimate_unsupported=True)
    seconds = {name: rate.seconds for name, rate in model.rates.items()}
    return float(sum(item.latency_s for item in estimates_of(graph, kernels, model, seconds)))
