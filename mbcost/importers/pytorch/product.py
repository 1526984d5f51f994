"""Matrix products: fully connected layers where one side is a weight, attention where none is.

Every product is a contraction: its dimensions have labels, those that both sides share and the result lacks are summed.
Labels that both sides and the result share are the batch; the rest are the rows and the columns of the matrix product.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeAlias

from mbcost.importers.pytorch.layout import Layout, Sizes, layout_of, with_channels
from mbcost.importers.pytorch.movement import reshaped
from mbcost.importers.pytorch.pointwise import combined
from mbcost.importers.pytorch.state import Fixed, ImportState, Tensor, UnsupportedError, Value
from mbcost.operators import Add, Dense, Matmul, Multiply, Softmax

Labels: TypeAlias = tuple[Hashable, ...]


def linear(state: ImportState) -> Tensor:
    """``x @ weight.T + bias`` over the last dimension."""
    x, weight = state.value("input"), state.value("weight")
    lead = tuple(range(len(x.sizes) - 1))
    columns: Labels = ("column",) if len(weight.sizes) == 2 else ()
    bias = state.call.get("bias")
    return _biased(
        state, x, (*lead, "inner"), weight, (*columns, "inner"), (*lead, *columns), state.known(bias) if bias else None
    )


def product(state: ImportState) -> Tensor:
    """mm, bmm, matmul, mv and dot."""
    first, second = (state.value(name) for name in list(state.call.args)[:2])
    return _matrix_product(state, first, second, None)


def product_and_sum(state: ImportState) -> Tensor:
    """addmm, baddbmm and addmv: ``beta * input + alpha * a @ b``."""
    added, first, second = (state.value(name) for name in list(state.call.args)[:3])
    return _matrix_product(state, first, second, added if state.call.get("beta", 1) != 0 else None)


def attention(state: ImportState) -> Tensor:
    """scaled_dot_product_attention: two matrix products with a softmax between them; the scale is part of the first.

    A key of one head serves all heads of the query; with `enable_gqa`, each of its heads serves as many of the query's
    that follow each other. Every head of the query is computed.
    """
    query, key, value = (state.tensor(name) for name in ("query", "key", "value"))
    groups = _heads_a_key(state, query, key)
    grouped = query.sizes[:-2]
    lead: Labels = tuple(range(len(query.sizes) - 2))
    shared = lead
    if groups > 1:
        grouped = (*query.sizes[:-3], query.sizes[-3] // groups, groups)
        query = reshaped(state, query, (*grouped, *query.sizes[-2:]))
        lead = (*lead, "of a key")
    scores = contraction(state, query, (*lead, "to", "inner"), key, (*shared, "from", "inner"), (*lead, "to", "from"))
    plain = (*query.sizes[:-2], query.sizes[-2], key.sizes[-2])
    mask = state.call.get("attn_mask")
    if mask is not None:
        outer = state.result_sizes()[:-1]
        scores = combined(state, Add(), [reshaped(state, scores, (*outer, key.sizes[-2])), state.known(mask)])
        scores = reshaped(state, scores, plain)
    weights = state.emit(Softmax(), [scores], scores.sizes, scores.layout)
    result = contraction(state, weights, (*lead, "to", "from"), value, (*shared, "from", "out"), (*lead, "to", "out"))
    return reshaped(state, result, state.result_sizes())


def _heads_a_key(state: ImportState, query: Tensor, key: Tensor) -> int:
    """How many heads of the query each head of the key serves, if its heads are neither one nor as many."""
    ours, theirs = query.sizes[:-2], key.sizes[:-2]
    if len(ours) == len(theirs) and all(a == b or b == 1 for a, b in zip(ours, theirs, strict=True)):
        return 1
    if state.call.get("enable_gqa") and ours[:-1] == theirs[:-1]:
        return ours[-1] // theirs[-1]
    raise UnsupportedError("an attention whose query has other leading dimensions than its key")


def einsum(state: ImportState) -> Tensor:
    """einsum; more than two operands are contracted from left to right."""
    operands = [state.known(ref) for ref in state.call["tensors"]]
    inputs, wanted = _equation(state.call["equation"], len(operands))
    if len(operands) == 1:
        raise UnsupportedError("an einsum of one operand")
    first, labels = operands[0], inputs[0]
    for number in range(1, len(operands)):
        later = {label for item in inputs[number + 1 :] for label in item} | set(wanted)
        last = number == len(operands) - 1
        kept = wanted if last else tuple(dict.fromkeys(x for x in (*labels, *inputs[number]) if x in later))
        first = contraction(state, first, labels, operands[number], inputs[number], kept)
        labels = kept
    return state.activation(first)


def _equation(text: str, count: int) -> tuple[list[Labels], Labels]:
    """The labels of the operands and of the result of ``"bij,bjk->bik"``."""
    left, arrow, right = text.replace(" ", "").partition("->")
    inputs: list[Labels] = [tuple(part) for part in left.split(",")]
    if "." in left or len(inputs) != count or any(len(set(item)) < len(item) for item in inputs):
        raise UnsupportedError(f"the equation {text!r}")
    return inputs, tuple(right if arrow else sorted(x for x in set(left) - {","} if left.count(x) == 1))


def _matrix_product(state: ImportState, first: Value, second: Value, added: Value | None) -> Tensor:
    """``first @ second + added`` by PyTorch's rules: leading dimensions broadcast, vectors have no rows or columns."""
    left, right = _lead(first.sizes), _lead(second.sizes)
    rows: Labels = ("row",) if len(first.sizes) > 1 else ()
    columns: Labels = ("column",) if len(second.sizes) > 1 else ()
    longer = max(left, right, key=len)
    inner: Labels = ("inner",)
    return _biased(
        state, first, (*left, *rows, *inner), second, (*right, *inner, *columns), (*longer, *rows, *columns), added
    )


def _lead(sizes: Sizes) -> Labels:
    """Labels of leading dimensions; they are counted from the end, so that they broadcast."""
    return tuple(range(len(sizes) - 2, 0, -1))


def _biased(
    state: ImportState, a: Value, a_labels: Labels, b: Value, b_labels: Labels, out: Labels, added: Value | None
) -> Tensor:
    """A contraction plus something, which is a bias where a weight of as many columns is contracted."""
    columns = [size for size, label in zip(b.sizes, b_labels, strict=True) if label not in a_labels]
    is_bias = isinstance(a, Tensor) and isinstance(b, Fixed) and isinstance(added, Fixed) and [*added.sizes] == columns
    bias = added if is_bias and isinstance(added, Fixed) else None
    result = contraction(state, a, a_labels, b, b_labels, out, bias=bias)
    return result if added is None or is_bias else combined(state, Add(), [result, added])


def contraction(
    state: ImportState,
    a: Value,
    a_labels: Labels,
    b: Value,
    b_labels: Labels,
    out: Labels,
    *,
    bias: Fixed | None = None,
) -> Tensor:
    """The sum of products of two tensors over the labels that the result lacks."""
    extents = _extents(a, a_labels) | _extents(b, b_labels)
    sizes = tuple(extents.get(label, 1) for label in out)
    left, right = set(_extents(a, a_labels)), set(_extents(b, b_labels))
    lost = [label for label in (left ^ right) if label not in out]
    if lost:
        raise UnsupportedError("a product that sums one side alone")
    if not (set(a_labels) & set(b_labels)) - set(out):
        return _outer(state, a, a_labels, b, b_labels, out)
    if isinstance(b, Fixed) and isinstance(a, Tensor) and not left & right & set(out):
        return _dense(state, state.activation(a), a_labels, b, right - left, out, sizes, bias)
    if isinstance(a, Fixed) and isinstance(b, Tensor) and not left & right & set(out):
        return _dense(state, state.activation(b), b_labels, a, left - right, out, sizes, None)
    return _matmul(state, state.activation(a), a_labels, state.activation(b), b_labels, out, sizes)


def _extents(value: Value, labels: Labels) -> dict[Hashable, int]:
    """The extents of the labels that have more than one element here; the others broadcast."""
    return {label: size for label, size in zip(labels, value.sizes, strict=True) if size != 1}


def _dense(
    state: ImportState,
    x: Tensor,
    labels: Labels,
    weight: Fixed,
    columns: set[Hashable],
    out: Labels,
    sizes: Sizes,
    bias: Fixed | None,
) -> Tensor:
    """A contraction with a weight: a fully connected layer over the summed dimensions."""
    inner = tuple(dim for dim, label in enumerate(labels) if label not in out and x.sizes[dim] != 1)
    x = state.arranged(x, with_channels(x.layout, inner))
    outputs = tuple(dim for dim, label in enumerate(out) if label in columns)
    kept = x.layout.without(inner).replaced(lambda dim: (out.index(labels[dim]),))
    width = 1
    for dim in outputs:
        width *= sizes[dim]
    operator = Dense(out=width, bias=bias is not None)
    layout = Layout(kept.height, kept.width, outputs)
    return state.emit(operator, [x], sizes, layout, weights=[weight, bias])


def _matmul(
    state: ImportState, a: Tensor, a_labels: Labels, b: Tensor, b_labels: Labels, out: Labels, sizes: Sizes
) -> Tensor:
    """A contraction of two activations: batch along the height, rows along the width, columns along the channels."""
    left, right = _extents(a, a_labels), _extents(b, b_labels)
    batch = [label for label in a_labels if label in left and label in right and label in out]
    inner = [label for label in a_labels if label in left and label in right and label not in out]
    rows = [label for label in out if label in left and label not in batch]
    columns = [label for label in out if label in right and label not in batch]
    first = state.arranged(a, _labelled(a, a_labels, batch, rows, inner))
    innermost = b.layout.order[-1:]
    turned = bool(inner) and bool(innermost) and b_labels[innermost[0]] in inner
    last_two = (columns, inner) if turned else (inner, columns)
    second = state.arranged(b, _labelled(b, b_labels, batch, *last_two))
    layout = Layout(*(tuple(out.index(label) for label in labels) for labels in (batch, rows, columns)))
    return state.emit(Matmul(transpose_b=turned), [first, second], sizes, layout)


def _outer(state: ImportState, a: Value, a_labels: Labels, b: Value, b_labels: Labels, out: Labels) -> Tensor:
    """A product of which nothing is summed: an element-wise one with broadcasting."""
    return combined(state, Multiply(), [_spread(a, a_labels, out), _spread(b, b_labels, out)])


def _spread(value: Value, labels: Labels, out: Labels) -> Value:
    """The value with the dimensions of `out`, of one element where it has none."""
    sizes = tuple(value.sizes[labels.index(label)] if label in labels else 1 for label in out)
    if isinstance(value, Fixed):
        return Fixed(sizes, (value.key, labels, out), value.weights)
    return Tensor(value.source, sizes, value.layout.replaced(lambda dim: (out.index(labels[dim]),)))


def _labelled(value: Tensor, labels: Labels, *axes: Sequence[Hashable]) -> Layout:
    """The layout whose axes are made of the dimensions with these labels."""
    return layout_of(value.sizes, *([labels.index(label) for label in axis] for axis in axes))
