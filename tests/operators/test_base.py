"""Shapes, costs, and the checks that operators share."""

from __future__ import annotations

import numpy as np
import pytest

from mbcost.operators import ZERO_COST, Operator, OperatorCost, TensorShape
from mbcost.operators.base import shown, total_elements

ONE_TO_EIGHT = OperatorCost(1, 2, 3, 4, 5, 6, 7, 8)


def test_costs_add_count_by_count() -> None:
    other = OperatorCost(*range(10, 90, 10))
    assert ONE_TO_EIGHT + other == OperatorCost(11, 22, 33, 44, 55, 66, 77, 88)


def test_zero_cost_is_neutral_and_starts_a_sum() -> None:
    assert ZERO_COST + ONE_TO_EIGHT == ONE_TO_EIGHT
    assert sum([ONE_TO_EIGHT, ONE_TO_EIGHT], ZERO_COST) == ONE_TO_EIGHT * 2


def test_a_cost_times_a_multiplicity() -> None:
    assert ONE_TO_EIGHT * 3 == 3 * ONE_TO_EIGHT == OperatorCost(3, 6, 9, 12, 15, 18, 21, 24)
    there = ONE_TO_EIGHT * np.array([0, 1])
    assert [count.tolist() for count in there] == [[0, count] for count in range(1, 9)]


def test_shape_of_ints_and_of_arrays_as_text() -> None:
    assert str(TensorShape(112, 96, 64)) == "112x96x64"
    assert str(TensorShape(7, 7, np.array([24, 8, 16]))) == "7x7x8..24"
    assert shown(np.array([5, 5])) == "5"


def test_elements() -> None:
    shape = TensorShape(4, 5, 6)
    assert shape.elements == 4 * 5 * 6
    assert shape.pixels == 4 * 5
    assert total_elements((shape, TensorShape(1, 1, 7))) == 120 + 7
    assert total_elements(()) == 0


def test_total_of_arrays_leaves_them_alone() -> None:
    channels = np.array([1, 2])
    total = total_elements((TensorShape(1, 1, channels), TensorShape(2, 1, channels)))
    assert total.tolist() == [3, 6]  # type: ignore[attr-defined]
    assert channels.tolist() == [1, 2]


def test_an_operator_without_a_cost_cannot_be_made() -> None:
    class Forgetful(Operator):
        op = "forgetful"

        def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
            return inputs[0]

    with pytest.raises(TypeError, match="cost"):
        Forgetful()  # type: ignore[abstract]
