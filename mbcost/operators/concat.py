"""Joining tensors along a dimension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim, all_true
from mbcost.operators.base import Axis, Movement, OperatorError, TensorShape


@dataclass(frozen=True, slots=True)
class Concat(Movement):
    """Joins inputs along `axis`; their other two dimensions are equal."""

    op: ClassVar[str] = "concat"
    summary: ClassVar[str] = "joins inputs along the channels, or along `axis`"
    arity: ClassVar[tuple[int, int | None]] = (1, None)

    axis: Axis = "channels"

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        first, joined = inputs[0], TensorShape._fields.index(self.axis)
        others = [i for i in range(3) if i != joined]
        total: Dim = first[joined]
        for other in inputs[1:]:
            if not all(all_true(first[i] == other[i]) for i in others):
                names = " and ".join(TensorShape._fields[i] for i in others)
                raise OperatorError(f"shapes {first} and {other} cannot be joined: {names} differ")
            total = total + other[joined]
        return TensorShape(*(total if i == joined else dim for i, dim in enumerate(first)))
