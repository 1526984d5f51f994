"""A traced network: the aten operators that ran, in order, with the tensors between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mbcost.importers.pytorch.layout import Sizes

_CALL_NUMBER: Final = re.compile(r"@\d+")
#: The call that a recording adds where a view is written into: the tensor behind it, with `src` somewhere in it.
WRITTEN_THROUGH: Final = "written through a view"
#: Recurrent layers, and their gates: each has a matrix for the input and one for the state.
RECURRENT: Final = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


@dataclass(frozen=True, slots=True)
class Ref:
    """A tensor of a trace."""

    number: int


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operator.

    Attributes
    ----------
    op
        Name without the overload and without the underscore of in-place variants: ``conv2d``, ``add``.
    args
        All arguments by their names in the operator's schema, defaults included; tensors are :class:`Ref`.
    outputs
        The tensors that it returned; None for results that are no tensor.
    where
        Path of the module that called it: ``features.3.conv.0``.
    """

    op: str
    args: Mapping[str, Any]
    outputs: tuple[Ref | None, ...]
    where: str

    def __getitem__(self, name: str) -> Any:
        return self.args[name]

    def get(self, name: str, default: Any = None) -> Any:
        """An argument, or `default` if this overload has none of that name."""
        return self.args.get(name, default)


@dataclass(frozen=True, slots=True)
class Weight:
    """A parameter (trained) or a buffer of the module, by its name there."""

    name: str
    trained: bool


@dataclass(slots=True)
class Trace:
    """What ran: calls, the sizes of all tensors, and which of them are weights, inputs and outputs."""

    calls: list[Call] = field(default_factory=list)
    sizes: dict[Ref, Sizes] = field(default_factory=dict)
    weights: dict[Ref, Weight] = field(default_factory=dict)
    inputs: list[Ref] = field(default_factory=list)
    outputs: list[Ref] = field(default_factory=list)

    def add(self, tensor: Any) -> Ref:
        """A new tensor."""
        ref = Ref(len(self.sizes))
        self.sizes[ref] = tuple(int(size) for size in tensor.shape)
        return ref


def one_step(trace: Trace) -> bool:
    """Whether a recurrent layer gets a single step, as where steps come first and were taken for a batch."""
    layers = [call for call in trace.calls if call.op in RECURRENT and isinstance(call.get("input"), Ref)]
    return any(trace.sizes[call["input"]][1 if call["batch_first"] else 0] == 1 for call in layers)


def references(value: Any) -> list[Ref]:
    """All tensors among arguments, however nested."""
    if isinstance(value, Ref):
        return [value]
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, (tuple, list)) else ()
    return [ref for item in items for ref in references(item)]


def bound_arguments(schema: Any, args: Iterable[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call by name, in the order of the operator's schema, with its defaults."""
    given = {**dict(zip((argument.name for argument in schema.arguments), args, strict=False)), **kwargs}
    return {
        argument.name: given.get(argument.name, argument.default_value if argument.has_default_value() else None)
        for argument in schema.arguments
    }


def operator_name(schema_name: str) -> str:
    """``aten::add_`` -> ``add``; operators of other libraries keep theirs: ``torchvision::nms``."""
    library, _, name = schema_name.rpartition("::")
    return name.rstrip("_") or name if library in {"aten", ""} else schema_name


def module_path(stack_path: str) -> str:
    """The path of a module without the numbers that repeated calls of a shared module get."""
    return _CALL_NUMBER.sub("", stack_path)
