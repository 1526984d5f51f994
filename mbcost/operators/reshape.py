"""The same elements under another shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim
from mbcost.operators.base import Operator, OperatorError, TensorShape, check_positive, require


@dataclass(frozen=True, slots=True)
class Reshape(Operator):
    """The same elements under another shape; one dimension may be -1 (whatever is left)."""

    op: ClassVar[str] = "reshape"
    summary: ClassVar[str] = "the same elements under another shape; one dimension may be -1"
    view: ClassVar[bool] = True

    shape: tuple[Dim, Dim, Dim]

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        elements = inputs[0].elements
        open_dims = [i for i, dim in enumerate(self.shape) if isinstance(dim, int) and dim == -1]
        if len(open_dims) > 1:
            raise OperatorError("only one dimension of a reshape may be -1")
        known: Dim = 1
        for i, dim in enumerate(self.shape):
            if i not in open_dims:
                check_positive("each dimension of a reshape", dim)
                known = known * dim
        if not open_dims:
            require(known == elements, f"{inputs[0]} has {elements} elements, the new shape {known}")
            return TensorShape(*self.shape)
        require(elements % known == 0, f"{inputs[0]} has {elements} elements, not a multiple of {known}")
        dims = list(self.shape)
        dims[open_dims[0]] = elements // known
        return TensorShape(*dims)
