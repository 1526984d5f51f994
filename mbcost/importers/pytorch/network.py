"""From a PyTorch module to an :class:`~mbcost.architectures.ArchitectureSpec`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Final

from mbcost.architectures.spec import ArchitectureSpec
from mbcost.errors import InputError, fail
from mbcost.graph import build_graph, count_params
from mbcost.importers.imported import imported_spec
from mbcost.importers.pytorch.convert import Converted, converted
from mbcost.importers.pytorch.export import exported_trace
from mbcost.importers.pytorch.isolate import alone, fake_copy, import_torch, last_line, real_copy, untouched_randomness
from mbcost.importers.pytorch.layout import Sizes
from mbcost.importers.pytorch.record import recorded_trace
from mbcost.importers.pytorch.trace import Trace, one_step
from mbcost.words import Unsupported

_CODE_FAILED: Final = "MB506"


def from_torch(
    module: Any, example_input: Any, *, name: str | None = None, unsupported: Unsupported = "refuse"
) -> ArchitectureSpec:
    """The architecture of a PyTorch module.

    The module is traced with ``torch.export`` on tensors without memory: neither its weights nor the input need values,
    and a module built under ``torch.device("meta")`` works as well. A module whose control flow depends on values is
    run once on the example instead. Either happens on a copy that shares the weights; the module stays as it is.

    Counts are multiply-accumulates (MACs) of one image, of convolutions, fully connected layers and matrix products.
    ``torch.utils.flop_counter.FlopCounterMode`` counts FLOPs, two a MAC, of the whole batch: halve and divide it to
    compare. Attention counts its two matrix products in full, whether or not the mask is causal.

    Parameters
    ----------
    module
        An ``nn.Module``. It is read as for inference, whatever its training flag.
    example_input
        A tensor, a tuple of tensors for several inputs, a mapping of names to tensors for keyword arguments, or the
        sizes of a tensor, such as ``(1, 3, 224, 224)``, which gets the type of the module's parameters. In a tuple, an
        argument may be a list, tuple or mapping of tensors, as detectors take: ``([image],)``; a mapping with keys that
        are no arguments is one itself. The first dimension is the batch: one image of it is traced, unless the module
        works with that batch only or its inputs are nested.
    name
        Name of the architecture; the module's class by default.
    unsupported
        ``estimate`` charges operators that mbcost does not know by their traffic and says so in the note, instead of
        refusing them.

    Raises
    ------
    InputError
        MB011 without PyTorch; MB010 if the arguments are no module and no tensors; MB501 with every operator that is
        not known and the module that calls it; MB506 with the last line of what the module's own code raised.
    """
    torch = import_torch()
    if not isinstance(module, torch.nn.Module):
        fail("MB010", f"from_torch reads an nn.Module, not {type(module).__name__}")
    examples = _examples(example_input, module)
    with alone(), untouched_randomness():
        traced = _traced(module, examples)
    result = converted(traced.trace, module, estimate=unsupported == "estimate")
    return _spec(name or type(module).__name__, module, result, traced.notes, traced.stated_batch)


@dataclass(frozen=True, slots=True)
class _Example:
    """An input: its sizes and type, and its values where the user gave some."""

    sizes: Sizes
    dtype: Any
    values: Any = None

    def first_image(self) -> _Example:
        values = None if self.values is None else self.values[:1]
        return _Example((1, *self.sizes[1:]), self.dtype, values)

    def fake(self) -> Any:
        return import_torch().empty(self.sizes, dtype=self.dtype, device="cpu")

    def real(self) -> Any:
        torch = import_torch()
        if self.values is None or self.values.is_meta:
            return torch.zeros(self.sizes, dtype=self.dtype)
        return self.values.detach().clone()


@dataclass(frozen=True, slots=True)
class _Inputs:
    """All inputs of a module, and how they make its arguments."""

    tensors: tuple[_Example, ...]
    rebuilt: Callable[[list[Any]], Any] = tuple
    nested: bool = False

    def arguments(self, tensors: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments with these tensors in them."""
        made = self.rebuilt(list(tensors))
        return ((), made) if isinstance(made, dict) else (made, {})

    @property
    def batch(self) -> int:
        """The first extent of all inputs; 1 where they differ, have no second dimension or lie in lists."""
        first = {item.sizes[0] if len(item.sizes) > 1 and not self.nested else 1 for item in self.tensors}
        return first.pop() if len(first) == 1 else 1

    def first_image(self) -> _Inputs:
        return replace(self, tensors=tuple(item.first_image() for item in self.tensors))


def _examples(given: Any, module: Any) -> _Inputs:
    torch = import_torch()
    if isinstance(given, torch.Tensor):
        given = (given,)
    if not isinstance(given, (tuple, list, Mapping)) or not given:
        fail(
            "MB010",
            "an example input is a tensor, a tuple of tensors, a mapping of names to tensors, or the sizes of one: "
            "(1, 3, 224, 224)",
        )
    if not isinstance(given, Mapping) and all(isinstance(x, int) and not isinstance(x, bool) for x in given):
        if min(given) < 1:
            fail("MB010", f"{tuple(given)} are no sizes of a tensor: each has to be at least 1")
        return _Inputs((_Example(tuple(given), _parameter_type(module)),))
    pytree = import_module("torch.utils._pytree")
    arguments = _arguments(given, module)
    leaves, structure = pytree.tree_flatten(arguments)
    if not leaves or not all(isinstance(item, torch.Tensor) for item in leaves):
        fail("MB010", "an example input holds something that is no tensor", hint="wrap the module in one that adds it")
    values = arguments.values() if isinstance(arguments, dict) else arguments
    nested = not all(isinstance(item, torch.Tensor) for item in values)
    tensors = tuple(_Example(tuple(item.shape), item.dtype, item) for item in leaves)
    return _Inputs(tensors, lambda items: pytree.tree_unflatten(items, structure), nested)


def _arguments(given: Any, module: Any) -> tuple[Any, ...] | dict[str, Any]:
    """Positional arguments, or keyword arguments of a mapping whose keys are all names of such."""
    if not isinstance(given, Mapping):
        return tuple(given)
    takes = inspect.signature(module.forward).parameters
    by_name = {key for key, item in takes.items() if item.kind in {item.POSITIONAL_OR_KEYWORD, item.KEYWORD_ONLY}}
    anything = any(item.kind is item.VAR_KEYWORD for item in takes.values())
    if all(isinstance(key, str) and (anything or key in by_name) for key in given):
        return dict(given)
    return (dict(given),)


def _parameter_type(module: Any) -> Any:
    """The type of the module's floating point parameters if all have one, and PyTorch's default otherwise."""
    types = {parameter.dtype for parameter in module.parameters() if parameter.is_floating_point()}
    return types.pop() if len(types) == 1 else import_torch().get_default_dtype()


@dataclass(frozen=True, slots=True)
class _Traced:
    trace: Trace
    notes: tuple[str, ...]
    stated_batch: int


def _traced(module: Any, examples: _Inputs) -> _Traced:
    """The module's trace: of one image if it takes one, exported if it can be."""
    choices = [(examples, _batch_note(examples, examples), 1)]
    if examples.batch > 1:
        image = examples.first_image()
        choices.insert(0, (image, _batch_note(image, examples), examples.batch))
    tracers: tuple[tuple[Callable[..., Trace], str], ...] = (
        (_exported, "traced with torch.export"),
        (_recorded, "control flow depends on values: run once, on the path that the example takes"),
    )
    error: Exception | None = None
    for tracer, how in tracers:
        for inputs, batch, stated in choices:
            try:
                trace = tracer(module, inputs)
                if inputs is not examples and one_step(trace):
                    steps = f"the first dimension, {examples.batch}, is the steps of a recurrent layer, not a batch"
                    trace, batch, stated = tracer(module, examples), f"{steps}: counts are for all of it", 1
                return _Traced(trace, (how, batch), stated)
            except InputError:
                raise
            except Exception as problem:  # noqa: BLE001 - the module's own code runs
                error = problem
    assert error is not None
    name = type(module).__name__
    shapes = ", ".join("x".join(map(str, item.sizes)) for item in examples.tensors)
    fail(_CODE_FAILED, f"{name} does not run on an input of {shapes}: {last_line(error)}")


def _exported(module: Any, examples: _Inputs) -> Trace:
    mode = import_module("torch._subclasses.fake_tensor").FakeTensorMode(allow_non_fake_inputs=True)
    stand_in = fake_copy(module, mode)
    with mode:
        tensors = [item.fake() for item in examples.tensors]
    return exported_trace(stand_in, *examples.arguments(tensors))


def _recorded(module: Any, examples: _Inputs) -> Trace:
    tensors = [item.real() for item in examples.tensors]
    return recorded_trace(real_copy(module), *examples.arguments(tensors), tensors)


def _batch_note(traced: _Inputs, given: _Inputs) -> str:
    batch = given.batch
    if batch == 1:
        return "batch 1"
    if traced is given:
        return f"the module works with a batch of {batch} only: counts are for all of it"
    return f"one image of the example's batch of {batch} was traced"


def _spec(title: str, module: Any, result: Converted, traced: Sequence[str], stated_batch: int) -> ArchitectureSpec:
    """The architecture with notes on how it came about and on parameters that its layers do not hold."""

    def made(notes: Sequence[str]) -> ArchitectureSpec:
        return imported_spec(
            result.layers,
            name=title,
            source=f"PyTorch module {type(module).__module__}.{type(module).__qualname__}",
            origin=f"PyTorch module {title}",
            input_shape=result.input_shape,
            outputs=result.outputs,
            extra_inputs=result.extra_inputs,
            notes=notes,
            stated_batch=stated_batch,
        )

    notes = [*traced, *result.notes]
    held = sum(parameter.numel() for parameter in module.parameters())
    counted = count_params(build_graph(made(())))
    if counted != held:
        notes.append(
            f"{counted} parameters at inference, the module holds {held}: the others are unused or go into these"
        )
    return made(notes)
