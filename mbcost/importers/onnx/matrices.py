"""Converters of matrix products: with a weight of the file a dense layer, of two activations a matmul."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from mbcost.importers.onnx.call import Call, UnsupportedError
from mbcost.importers.onnx.pointwise import arithmetic, broadcast_dims, placed
from mbcost.importers.onnx.tensors import ModelError
from mbcost.importers.onnx.values import Constant, Tensor, Value, matrix_axes, shape_of
from mbcost.operators import Add, Dense, Matmul, Shift, Tile


def gemm(call: Call) -> Tensor:
    """Gemm (a, b, c), where c broadcasts to the product: a bias where it is a vector of the file."""
    c, turned = call.value(2), call.integer("transB", 0) == 1
    x, weight = call.value(0), call.value(1)
    if isinstance(x, Constant):
        product = _of_a_weight(call, x, call.tensor(1), turned=turned)
    elif isinstance(weight, Tensor):
        a = call.build.transposed(call.tensor(), [1, 0]) if call.integer("transA", 0) else call.tensor()
        product = _product(call, a, call.build.transposed(weight, [1, 0]) if turned else weight)
    else:
        product = None
    if product is not None:
        return product if c is None else _plus(call, product, c)
    x, matrix = call.tensor(), call.weight(1)
    if call.integer("transA", 0):
        x = call.build.transposed(x, [1, 0])
    if len(matrix.dims) != 2 or len(x.dims) != 2:
        raise ModelError(f"it multiplies {list(x.dims)} by {list(matrix.dims)}")
    rows, columns = reversed(matrix.dims) if turned else matrix.dims
    bias = isinstance(c, Constant) and c.elements in (1, columns)
    product = _dense(call, x, matrix, (rows, columns), bias=bias)
    return product if c is None or bias else _plus(call, product, c)


def _of_a_weight(call: Call, weight: Constant, x: Tensor, *, turned: bool) -> Tensor:
    """A weight times an activation: the product of both transposed, transposed."""
    if len(weight.dims) != 2 or len(x.dims) != 2:
        raise ModelError(f"it multiplies {list(weight.dims)} by {list(x.dims)}")
    columns, rows = reversed(weight.dims) if call.integer("transA", 0) else weight.dims
    product = _dense(call, x if turned else call.build.transposed(x, [1, 0]), weight, (rows, columns), bias=False)
    return call.build.transposed(product, [1, 0])


def _plus(call: Call, product: Tensor, c: Value) -> Tensor:
    result = arithmetic(Add, Shift)(replace(call, inputs=[product, c], opset=max(call.opset, 7)))
    assert isinstance(result, Tensor)
    return result


def matmul(call: Call) -> Tensor:
    """MatMul (a, b)."""
    a, b = call.value(0), call.value(1)
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return _product(call, a, b)
    if isinstance(a, Tensor):
        weight = call.weight(1)
        if prod(weight.dims[:-2]) > 1:
            return _product(call, a, placed(call, weight, a))
        return _dense(call, a, weight, _matrix(weight), bias=False)
    x, weight = call.tensor(1), call.weight(0)
    if prod(weight.dims[:-2]) > 1:
        return _product(call, placed(call, weight, x), x)
    columns, rows = _matrix(weight)
    if len(x.dims) < 2:
        raise UnsupportedError("a product of a weight and a vector, in this order, is not modelled")
    order = [*range(len(x.dims) - 2), len(x.dims) - 1, len(x.dims) - 2]
    product = _dense(call, call.build.transposed(x, order), weight, (rows, columns), bias=False)
    return call.build.transposed(product, order)


def fused_matmul(call: Call) -> Tensor:
    """FusedMatMul (a, b) of ONNX Runtime: either operand's last two dimensions may be exchanged."""
    if call.integer("transBatchA", 0) or call.integer("transBatchB", 0):
        raise UnsupportedError("a product whose batch dimension moves is not modelled")
    operands = [
        value if value is None or not call.integer(name, 0) else _exchanged(call, value)
        for value, name in ((call.value(0), "transA"), (call.value(1), "transB"))
    ]
    return matmul(replace(call, inputs=operands))


def _exchanged(call: Call, x: Value) -> Value:
    rank = len(x.dims)
    if rank < 2:
        raise ModelError(f"it transposes {list(x.dims)}")
    if isinstance(x, Tensor):
        return call.build.transposed(x, [*range(rank - 2), rank - 1, rank - 2])
    return replace(x, dims=(*x.dims[:-2], x.dims[-1], x.dims[-2]), values=None)


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
    lead = broadcast_dims([a.dims[:-2], b.dims[:-2]])
    dims = (*lead, a.dims[-2], b.dims[-1])
    first = _stacked(call, a, lead)
    # one matrix on the right is that of all on the left
    second = (
        call.build.lettered(b, "H" * (len(b.dims) - 2) + "WC") if prod(b.dims[:-2]) == 1 else _stacked(call, b, lead)
    )
    name, shape = call.build.layer(Matmul(), (first, second))
    axes = "H" * len(lead) + "WC"
    result = Tensor(name, dims, axes)
    if result.shape != shape:
        raise UnsupportedError(f"a product of {list(a.dims)} and {list(b.dims)} is not modelled")
    return result


def _stacked(call: Call, x: Tensor, lead: tuple[int, ...]) -> Tensor:
    """Matrices as often as a stack of the shape `lead` has them."""
    dims, axes = (*lead, *x.dims[-2:]), "H" * len(lead) + "WC"
    x = call.build.lettered(x, "H" * (len(x.dims) - 2) + "WC")
    if prod(lead) == prod(x.dims[:-2]):
        return x
    return call.build.tensor(Tile(shape_of(dims, axes)), (x,), dims, axes)
