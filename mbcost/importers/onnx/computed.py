"""Convolutions whose weight is computed by the network: the product of the unfolded map with it.

MACs = pixels * Cout * K * K * Cin / groups, as of any convolution; of a transposed one with the pixels of the input.
"""

from __future__ import annotations

from math import prod

from mbcost.importers.onnx.call import Call
from mbcost.importers.onnx.tensors import ModelError
from mbcost.importers.onnx.values import Constant, Tensor
from mbcost.operators import Matmul, Operator, Shift


def convolution(call: Call, x: Tensor, weight: Tensor, operator: Operator, groups: int) -> Tensor:
    """What an operator with this weight makes of a map."""
    out, per_group, *window = weight.dims
    dims = _dims_after(x, operator)
    if groups < 1 or out % groups or per_group * groups != x.dims[1]:
        raise ModelError(f"its weight has the shape {list(weight.dims)}, its input {list(x.dims)}")
    unfolded, pixels = per_group * prod(window), prod(dims[2:])
    columns = call.build.traffic("im2col", (x,), (groups, unfolded, pixels), "HWC")
    rows = call.build.view(weight, (groups, out // groups, unfolded), "HWC")
    product = call.build.tensor(Matmul(), (rows, columns), (groups, out // groups, pixels), "HWC")
    return _plus_bias(call, call.build.view(product, dims, x.axes))


def transposed(call: Call, x: Tensor, weight: Tensor, operator: Operator, groups: int) -> Tensor:
    """What a transposed convolution with this weight makes of a map: every pixel's products, added in their places."""
    inputs, per_group, *window = weight.dims
    dims = _dims_after(x, operator)
    if groups < 1 or inputs % groups or inputs != x.dims[1]:
        raise ModelError(f"its weight has the shape {list(weight.dims)}, its input {list(x.dims)}")
    products, pixels = per_group * prod(window), prod(x.dims[2:])
    stacked = call.build.view(weight, (groups, inputs // groups, products), "HWC")
    rows = call.build.lettered(call.build.transposed(stacked, [0, 2, 1]), "HWC")
    columns = call.build.view(x, (groups, inputs // groups, pixels), "HWC")
    spread = call.build.tensor(Matmul(), (rows, columns), (groups, products, pixels), "HWC")
    return _plus_bias(call, call.build.traffic("col2im", (spread,), dims, x.axes))


def _dims_after(x: Tensor, operator: Operator) -> tuple[int, ...]:
    shape = operator.output_shape((x.shape,))
    sizes = {"N": 1, "H": int(shape.height), "W": int(shape.width), "C": int(shape.channels)}
    return tuple(sizes[axis] for axis in x.axes)


def _plus_bias(call: Call, x: Tensor) -> Tensor:
    bias = call.value(2)
    return call.build.same(Shift(bias.stored), x, weight=bias) if isinstance(bias, Constant) else x
