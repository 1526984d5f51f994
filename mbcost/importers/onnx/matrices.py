"""Converters of matrix products: with a weight of the file a dense layer, of two activations a matmul."""

from __future__ import annotations

from mbcost.importers.onnx.call import Call, UnsupportedError
from mbcost.importers.onnx.tensors import ModelError
from mbcost.importers.onnx.values import Constant, Tensor, matrix_axes
from mbcost.operators import Dense, Matmul


def gemm(call: Call) -> Tensor:
    """Gemm (a, b, bias)."""
    x, bias = call.tensor(), call.value(2) is not None
    if call.integer("transA", 0):
        x = call.build.transposed(x, [1, 0])
    turned = call.integer("transB", 0) == 1
    if isinstance(call.value(1), Tensor):
        other = call.tensor(1)
        return _product(call, x, call.build.transposed(other, [1, 0]) if turned else other)
    weight = call.weight(1)
    if len(weight.dims) != 2 or len(x.dims) != 2:
        raise ModelError(f"it multiplies {list(x.dims)} by {list(weight.dims)}")
    rows, columns = reversed(weight.dims) if turned else weight.dims
    return _dense(call, x, weight, (rows, columns), bias=bias)


def matmul(call: Call) -> Tensor:
    """MatMul (a, b)."""
    a, b = call.value(0), call.value(1)
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return _product(call, a, b)
    if isinstance(a, Tensor):
        weight = call.weight(1)
        return _dense(call, a, weight, _matrix(weight), bias=False)
    x, weight = call.tensor(1), call.weight(0)
    columns, rows = _matrix(weight)
    if len(x.dims) < 2:
        raise UnsupportedError("a product of a weight and a vector, in this order, is not modelled")
    order = [*range(len(x.dims) - 2), len(x.dims) - 1, len(x.dims) - 2]
    product = _dense(call, call.build.transposed(x, order), weight, (rows, columns), bias=False)
    return call.build.transposed(product, order)


def _matrix(weight: Constant) -> tuple[int, int]:
    if len(weight.dims) == 1:
        return weight.dims[0], 1
    if any(dim != 1 for dim in weight.dims[:-2]) or not weight.dims:
        raise UnsupportedError(f"a weight of the shape {list(weight.dims)}, a stack of matrices, is not modelled")
    return weight.dims[-2], weight.dims[-1]


def _dense(call: Call, x: Tensor, weight: Constant, extents: tuple[int, int], *, bias: bool) -> Tensor:
    """A fully connected layer over the last dimension."""
    if not x.dims:
        raise UnsupportedError("a product with a single number is not modelled")
    if x.axes[-1] != "C" or not x.whole({len(x.dims) - 1}):
        x = call.build.lettered(x, matrix_axes(x.dims))
    rows, columns = extents
    if rows != x.dims[-1]:
        raise ModelError(f"it multiplies {list(x.dims)} by {rows}x{columns}")
    dims = (*x.dims[:-1], columns)
    return call.build.tensor(Dense(columns, bias), (x,), dims, x.axes, in_channels=rows, weight=weight)


def _product(call: Call, a: Tensor, b: Tensor) -> Tensor:
    """A product of two activations, a stack of them along the height."""
    if len(a.dims) < 2 or len(b.dims) < 2:
        raise UnsupportedError("a product of vectors is not modelled")
    lead = max(a.dims[:-2], b.dims[:-2], key=lambda dims: (len(dims), dims))
    dims = (*lead, a.dims[-2], b.dims[-1])
    inputs = tuple(call.build.lettered(x, "H" * (len(x.dims) - 2) + "WC") for x in (a, b))
    name, shape = call.build.layer(Matmul(), inputs)
    axes = "H" * len(lead) + "WC"
    result = Tensor(name, dims, axes)
    if result.shape != shape:
        raise UnsupportedError(f"a product of {list(a.dims)} and {list(b.dims)} is not modelled")
    return result
