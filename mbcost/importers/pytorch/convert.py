"""A trace, call by call through the table of converters, as layers."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Final

from mbcost.errors import DefectError, InputError, Problem, fail
from mbcost.importers.imported import INPUT, ImportedLayer
from mbcost.importers.pytorch.convolution import map_layout
from mbcost.importers.pytorch.folding import constant_macs
from mbcost.importers.pytorch.layout import Layout, channels_first, channels_last
from mbcost.importers.pytorch.movement import opaque
from mbcost.importers.pytorch.state import Fixed, ImportState, Tensor, UnsupportedError
from mbcost.importers.pytorch.table import CONVERTERS
from mbcost.importers.pytorch.trace import Call, Ref, Trace, references
from mbcost.importers.trees import Rewriting
from mbcost.operators import TensorShape

#: Operators whose input has its channels last, in four dimensions as well.
_CHANNELS_LAST: Final = frozenset(
    [
        "linear",
        "matmul",
        "einsum",
        "addmm",
        "mm",
        "bmm",
        "layer_norm",
        "native_layer_norm",
        "scaled_dot_product_attention",
    ]
)
#: Operators whose input has its channels second, in three dimensions as well.
_CHANNELS_SECOND: Final = frozenset(
    ["batch_norm", "instance_norm", "group_norm", "max_pool1d", "avg_pool1d", "adaptive_avg_pool1d"]
)


#: Operators that read nothing of a tensor but its sizes.
_CREATE: Final = frozenset(
    [
        "new_zeros",
        "new_ones",
        "new_full",
        "new_empty",
        "zeros_like",
        "ones_like",
        "full_like",
        "empty_like",
    ]
)


@dataclass(frozen=True, slots=True)
class Converted:
    """The layers of a network and what is around them."""

    layers: tuple[ImportedLayer, ...]
    input_shape: TensorShape
    extra_inputs: Mapping[str, TensorShape]
    outputs: tuple[str, ...]
    notes: tuple[str, ...]


def converted(trace: Trace, module: Any, *, estimate: bool) -> Converted:
    """The layers of a traced module.

    Raises
    ------
    InputError
        MB501 for every operator without a counterpart, unless `estimate`: then these are opaque and noted.
    """
    state = ImportState(trace, leaves=_leaves(module))
    _bind_weights(state, module)
    inputs = _bind_inputs(state)
    problems: list[Problem] = []
    for call in trace.calls:
        state.call = call
        reason = _convert(state, call)
        if reason is not None:
            where = f"module `{call.where}`" if call.where else "the module itself"
            problems.append(Problem("MB501", f"operator `{call.op}` in {where}: {reason}"))
    problems = list(dict.fromkeys(problems))
    if problems and not estimate:
        raise InputError(problems)
    if state.folded_macs and not any(isinstance(state.values.get(ref), Tensor) for ref in trace.outputs):
        fail(
            "MB501",
            f"no output of the module depends on its inputs as it was traced, though it computes {state.folded_macs} "
            "MACs",
            hint="give from_torch the part of it between two tensors, such as its backbone",
        )
    outputs = _outputs(state)
    rewriting = Rewriting({item.name: item for item in state.layers}, frozenset(outputs), state.words, state.scalars)
    rewriting.match_trees()
    return Converted(
        layers=tuple(rewriting.layers.values()),
        input_shape=inputs.pop(INPUT),
        extra_inputs=inputs,
        outputs=outputs,
        notes=(*_remarks(state), *(f"charged by its traffic: {problem.message}" for problem in problems)),
    )


def _remarks(state: ImportState) -> Iterator[str]:
    """What the layers do not show: products of constants, and operators of which only the traffic is known."""
    if state.folded_macs:
        yield f"{state.folded_macs} MACs on constants alone are not counted: done once, before the network runs"
    if state.by_traffic:
        operators = ", ".join(f"{op} ({times})" for op, times in state.by_traffic.items())
        yield f"charged by their traffic, as they have no operator here: {operators}"


def _convert(state: ImportState, call: Call) -> str | None:
    """Converts one call; what is wrong with it, if it could only be made opaque."""
    if all(ref is None for ref in call.outputs):
        return None
    arguments = [state.values.setdefault(ref, _unknown(state, ref)) for ref in references(call.args)]
    if call.op in _CREATE or not any(isinstance(value, Tensor) for value in arguments):
        _fold(state, call)
        return None
    if not any(ref is not None and prod(state.trace.sizes[ref]) for ref in call.outputs):
        _fold(state, call)  # nothing of a tensor is a constant as well
        return None
    converter, reason = CONVERTERS.get(call.op), None
    try:
        if converter is None:
            raise UnsupportedError("mbcost does not know it")
        results = converter(state)
    except UnsupportedError as error:
        results, reason = opaque(state), str(error)
    many = results if isinstance(results, tuple) else (results,)
    for ref, value in zip(call.outputs, many, strict=False):
        if ref is not None:
            _check(state, ref, value)
            state.values[ref] = value
    return reason


def _check(state: ImportState, ref: Ref, value: Tensor | Fixed) -> None:
    if value.sizes != state.trace.sizes[ref]:
        call = state.call
        raise DefectError(f"`{call.op}` in `{call.where}` gave {value.sizes}, PyTorch {state.trace.sizes[ref]}")


def _unknown(state: ImportState, ref: Ref) -> Fixed:
    """A tensor that no call made: a constant in the module's code."""
    return Fixed(state.trace.sizes[ref], ("constant", ref))


def _fold(state: ImportState, call: Call) -> None:
    """A call that reads no activation is done before the network runs: its results are constants."""
    arguments = _key(state, dict(call.args))
    fixed = [value for value in map(state.known, references(call.args)) if isinstance(value, Fixed)]
    weights = frozenset[tuple[str, int]]().union(*(value.weights for value in fixed))
    state.folded_macs += constant_macs(state.trace, call)
    for number, ref in enumerate(call.outputs):
        if ref is not None:
            state.values[ref] = Fixed(state.trace.sizes[ref], (call.op, arguments, number), weights)


def _key(state: ImportState, value: Any) -> Hashable:
    if isinstance(value, Ref):
        known = state.known(value)
        return known.key if isinstance(known, Fixed) else known.sizes
    if isinstance(value, dict):
        return tuple((name, _key(state, item)) for name, item in sorted(value.items()))
    if isinstance(value, (tuple, list)):
        return tuple(_key(state, item) for item in value)
    return repr(value)


def _leaves(module: Any) -> frozenset[str]:
    """Paths of the modules that are one layer: those of ``torch.nn`` without children."""
    return frozenset(
        name
        for name, child in module.named_modules()
        if name and type(child).__module__.startswith("torch.nn.modules") and not list(child.children())
    )


def _bind_weights(state: ImportState, module: Any) -> None:
    """Parameters and buffers as constants; one that has several names is one."""
    named = [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]
    first: dict[int, str] = {}
    for name, tensor in named:
        first.setdefault(id(tensor), name)
    canonical = {name: first[id(tensor)] for name, tensor in named}
    for ref, weight in state.trace.weights.items():
        sizes, name = state.trace.sizes[ref], canonical.get(weight.name, weight.name)
        trained = frozenset({(name, prod(sizes))}) if weight.trained else frozenset()
        state.values[ref] = Fixed(sizes, ("weight", name), trained)


def _bind_inputs(state: ImportState) -> dict[str, TensorShape]:
    """The network's inputs, by name, with their shapes; the first is the image."""
    shapes: dict[str, TensorShape] = {}
    for number, ref in enumerate(state.trace.inputs):
        name = f"{INPUT}_{number + 1}" if number else INPUT
        sizes = state.trace.sizes[ref]
        if not prod(sizes):
            fail("MB010", f"an input of {sizes} has no elements")
        value = Tensor(name, sizes, _input_layout(state.trace, ref))
        state.values[ref] = value
        shapes[name] = value.shape
    return shapes


def _input_layout(trace: Trace, ref: Ref) -> Layout:
    """How an input lies: as its first reader takes it."""
    sizes = trace.sizes[ref]
    reader = next((call for call in trace.calls if ref in references(call.args)), None)
    op = reader.op if reader is not None else ""
    weight = reader.get("weight") if reader is not None else None
    if op.startswith("conv") and isinstance(weight, Ref):
        return map_layout(sizes, len(trace.sizes[weight]) - 2)
    if op in _CHANNELS_SECOND or (len(sizes) > 3 and op not in _CHANNELS_LAST):
        return channels_first(sizes)
    return channels_last(sizes)


def _outputs(state: ImportState) -> tuple[str, ...]:
    """Names of the layers that make the network's outputs."""
    made = {layer.name for layer in state.layers}
    values = (state.values.get(ref) for ref in state.trace.outputs)
    sources = (state.activation(value).source for value in values if isinstance(value, Tensor))
    return tuple(dict.fromkeys(source for source in sources if source in made))
