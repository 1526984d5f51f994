"""The same elements under another shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim, all_true, is_scalar
from mbcost.operators.base import Movement, OperatorError, TensorShape, check_positive, shown


@dataclass(frozen=True, slots=True)
class Reshape(Movement):
    """The same elements under another shape; one dimension may be -1 (whatever is left)."""

    op: ClassVar[str] = "reshape"
    summary: ClassVar[str] = "the same elements under another shape; one dimension may be -1"
    view: ClassVar[bool] = True

    shape: tuple[Dim, Dim, Dim]

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        elements = x.elements
        dims = list(self.shape)
        left = [axis for axis, dim in enumerate(dims) if is_scalar(dim) and dim == -1]
        if len(left) > 1:
            raise OperatorError("only one dimension of a reshape may be -1")
        for axis in left:
            dims[axis] = 1
        for dim in dims:
            check_positive("each dimension of a reshape", dim)
        known = TensorShape(*dims).elements
        if left:
            if not all_true(elements % known == 0):
                raise OperatorError(f"{x} has {shown(elements)} elements, not a multiple of {shown(known)}")
            dims[left[0]] = elements // known
        elif not all_true(known == elements):
            raise OperatorError(f"{x} has {shown(elements)} elements, the new shape {shown(known)}")
        return TensorShape(*dims)
