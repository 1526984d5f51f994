"""Hints: the saving of single changes of the network or the target, each predicted by running the model again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeAlias, cast

from mbcost.analysis import Analysis
from mbcost.architectures.scaling import Resolution, as_resolution, resolution_text
from mbcost.architectures.spec import OptionValue
from mbcost.devices import Target
from mbcost.errors import InputError
from mbcost.graph import LayerGraph, build_graph
from mbcost.insight.rewrites import (
    CHANNEL_TILE,
    Rewrite,
    dense_windows,
    left_out,
    ragged,
    rewritten,
    rounded_down,
    separable,
    with_relu,
)
from mbcost.latency.rates import ELEMENT_BYTES
from mbcost.operators import Activation, OperatorError
from mbcost.prediction import estimates_of, kernels_of, prepare

#: Widths that the papers publish.
ALPHAS: Final = (1.4, 1.3, 1.0, 0.75, 0.5, 0.35, 0.25)
RESOLUTION_STEP: Final = 32
#: Activations that a ReLU can replace. Gates of squeeze-and-excitation (sigmoid, hard_sigmoid) are not among them.
_SMOOTH: Final = frozenset({"hard_swish", "swish", "gelu", "elu", "leaky_relu", "prelu", "tanh"})


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
    apart = [kernel.main for kernel in analysis.kernels if isinstance(kernel.main.operator, Activation)]
    smooth = {layer.name: layer.op for layer in apart if layer.op in _SMOOTH}
    replaced = ", ".join(sorted(set(smooth.values())))
    yield f"ReLU in place of {replaced}", partial(with_relu, names=smooth.keys()), len(smooth)
    readers = Counter(producer for layer in graph.layers for producer in layer.inputs)
    fusible = {layer.name for layer in apart if layer.op not in _SMOOTH and readers[layer.inputs[0]] == 1}
    yield "activation fused into the layer before it", partial(left_out, names=fusible), len(fusible)
    yield "separable in place of KxK convolutions", separable, dense_windows(graph)
    yield f"channels rounded down to multiples of {CHANNEL_TILE}", rounded_down, ragged(graph)


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
