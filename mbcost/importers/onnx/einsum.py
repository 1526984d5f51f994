"""Einsum as what it computes: reductions, a product of matrices, an order of dimensions."""

from __future__ import annotations

import math
from typing import Final

from mbcost.importers.onnx.call import Call, UnsupportedError
from mbcost.importers.onnx.pointwise import placed
from mbcost.importers.onnx.tensors import MAX_RANK, ModelError
from mbcost.importers.onnx.values import Constant, Tensor, Value, default_axes
from mbcost.operators import Dense, Matmul, Multiply, Reduce

_ELLIPSIS: Final = "..."


def einsum(call: Call) -> Tensor:
    """Einsum (operands): of several, the first two are multiplied, then their product and the third, and so on.

    A product of two is one of matrices, for which rows, columns and the summed dimensions are each one: its MACs are
    the product of all sizes that occur in it (numpy.einsum, without an optimised order).
    """
    values = [value for value in call.inputs if value is not None]
    terms, result = _terms(call.text("equation", ""), [value.dims for value in values])
    first = next(value for value in values if isinstance(value, Tensor))
    sizes: dict[str, int] = {}
    for term, value in zip(terms, values, strict=True):
        for letter, dim in zip(term, value.dims, strict=True):
            if sizes.setdefault(letter, dim) not in (dim, 1) and dim != 1:
                raise ModelError(f"its dimension `{letter}` is {sizes[letter]} and {dim}")
            sizes[letter] = max(sizes[letter], dim)
    order = (
        sorted(range(len(values)), key=lambda i: isinstance(values[i], Constant))
        if len(values) == 2
        else range(len(values))
    )
    pending = [(values[i], terms[i]) for i in order]
    left, term = pending.pop(0)
    current = placed(call, left, first)
    while pending:
        value, other = pending.pop(0)
        later = set(result).union(*(letters for _, letters in pending))
        current, term = _product(call, current, term, value, other, later, sizes)
    return _ended(call, current, term, result)


def _terms(equation: str, shapes: list[tuple[int, ...]]) -> tuple[list[str], str]:
    """The letters of every operand and of the result; those behind dots are A, B, ... of their own."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes) or any(len(term) > MAX_RANK for term in terms):
        raise ModelError(f"its equation `{equation[:80]}` is not one of {len(shapes)} operands")
    dots = 0
    for term, dims in zip(terms, shapes, strict=True):
        if _ELLIPSIS in term:
            dots = max(dots, len(dims) - len(term) + len(_ELLIPSIS))
    names = "".join(chr(0x3B1 + i) for i in range(dots))
    filled = [
        term.replace(_ELLIPSIS, names[dots - (len(dims) - len(term) + len(_ELLIPSIS)) :] if _ELLIPSIS in term else "")
        for term, dims in zip(terms, shapes, strict=True)
    ]
    if any(len(term) != len(dims) for term, dims in zip(filled, shapes, strict=True)):
        raise ModelError(f"its equation `{equation[:80]}` does not fit its operands")
    if any(len(set(term)) < len(term) for term in filled):
        raise UnsupportedError("a diagonal is not modelled")
    if arrow:
        return filled, right.replace(_ELLIPSIS, names)
    letters = "".join(filled)
    return filled, names + "".join(sorted(c for c in set(letters) if letters.count(c) == 1 and c not in names))


def _product(
    call: Call, a: Tensor, term: str, value: Value, other: str, later: set[str], sizes: dict[str, int]
) -> tuple[Tensor, str]:
    """Two operands as a product of matrices, summed over what nobody needs later; and the letters of the result."""
    a, term = _summed(call, a, term, later | set(other))
    shared = [c for c in term if c in other]
    summed = [c for c in shared if c not in later]
    batch = [c for c in shared if c in later]
    rows = [c for c in term if c not in other]
    if isinstance(value, Constant) and not batch and summed and set(other) <= later | set(term):
        return _dense(call, a, term, value, other, rows, summed, sizes)
    b, other = _summed(call, placed(call, value, a), other, later | set(term))
    columns = [c for c in other if c not in term]
    if not summed:
        return _outer(call, a, term, b, other, batch + rows + columns, sizes)
    left = _matrix(call, a, term, (batch, rows, summed))
    right = _matrix(call, b, other, (batch, summed, columns))
    extents = [math.prod(sizes[c] for c in group) for group in (batch, rows, columns)]
    product = call.build.tensor(Matmul(), (left, right), tuple(extents), "HWC")
    letters = [*batch, *rows, *columns]
    return _split(call, product, letters, sizes, "H" * len(batch) + "W" * len(rows) + "C" * len(columns))


def _dense(
    call: Call,
    a: Tensor,
    term: str,
    weight: Constant,
    other: str,
    rows: list[str],
    summed: list[str],
    sizes: dict[str, int],
) -> tuple[Tensor, str]:
    """A product with a weight of the file."""
    columns = [c for c in other if c not in term]
    inner, outer = (math.prod(sizes[c] for c in group) for group in (summed, columns))
    x = _matrix(call, a, term, ([], rows, summed))
    product = call.build.tensor(
        Dense(outer, bias=False), (x,), (1, x.dims[1], outer), "HWC", in_channels=inner, weight=weight
    )
    return _split(call, product, [*rows, *columns], sizes, "W" * len(rows) + "C" * len(columns))


def _outer(
    call: Call, a: Tensor, term: str, b: Tensor, other: str, letters: list[str], sizes: dict[str, int]
) -> tuple[Tensor, str]:
    """A product that sums nothing: every element of one with its elements of the other."""
    dims = tuple(sizes[c] for c in letters)
    groups = {c: "H" if c in term and c in other else "W" if c in term else "C" for c in letters}
    axes = "".join(groups[c] for c in letters)
    aligned = []
    for x, own in ((a, term), (b, other)):
        order = [own.index(c) for c in letters if c in own]
        turned = call.build.transposed(x, order)
        full = tuple(sizes[c] if c in own else 1 for c in letters)
        aligned.append(call.build.view(turned, full, axes) if math.prod(full) == x.elements else turned)
    return call.build.tensor(Multiply(), (aligned[0], aligned[1]), dims, axes), "".join(letters)


def _matrix(call: Call, x: Tensor, term: str, groups: tuple[list[str], list[str], list[str]]) -> Tensor:
    """A tensor as a stack of matrices whose three dimensions hold these letters."""
    order = [term.index(c) for group in groups for c in group]
    turned = call.build.transposed(x, order)
    dims = tuple(math.prod(x.dims[term.index(c)] for c in group) for group in groups)
    return call.build.view(turned, dims, "HWC")


def _split(call: Call, x: Tensor, letters: list[str], sizes: dict[str, int], axes: str) -> tuple[Tensor, str]:
    return call.build.view(x, tuple(sizes[c] for c in letters), axes), "".join(letters)


def _summed(call: Call, x: Tensor, term: str, needed: set[str]) -> tuple[Tensor, str]:
    """A tensor summed over the letters that nobody needs."""
    gone = [i for i, c in enumerate(term) if c not in needed]
    if not gone:
        return x, term
    letters = "".join("W" if i in gone else "C" for i in range(len(term)))
    x = call.build.lettered(x, letters)
    kept = tuple(1 if i in gone else dim for i, dim in enumerate(x.dims))
    if any(x.dims[i] > 1 for i in gone):
        x = call.build.tensor(Reduce(width=True), (x,), kept, letters)
    rest = [i for i in range(len(term)) if i not in gone]
    dims = tuple(kept[i] for i in rest)
    return Tensor(x.source, dims, "C" * len(rest)), "".join(term[i] for i in rest)


def _ended(call: Call, x: Tensor, term: str, result: str) -> Tensor:
    """The result's dimensions in its order."""
    x, term = _summed(call, x, term, set(result))
    if sorted(term) != sorted(result):
        raise ModelError(f"its result `{result[:40]}` has letters that no operand has")
    turned = call.build.transposed(x, [term.index(c) for c in result])
    return call.build.lettered(turned, default_axes(turned.dims))
