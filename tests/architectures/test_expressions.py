"""Expressions of tables: what a cell that holds two of them computes."""

from __future__ import annotations

import pickle

import pytest

from mbcost.architectures.expressions import ExpressionError, compile_list


def test_a_pair_of_expressions_survives_pickling():
    pair = compile_list("max(a, b)", "b // 2")
    assert pair({"a": 3, "b": 8}) == [8, 4]
    again = pickle.loads(pickle.dumps(pair))
    assert (again, again({"a": 9, "b": 8})) == (pair, [9, 4])
    with pytest.raises(ExpressionError, match="not allowed"):
        compile_list("a", "b.c")
