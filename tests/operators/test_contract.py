"""What holds for every operator of :data:`mbcost.operators.OPERATORS`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from mbcost.kernels.library import family
from mbcost.operators import OPERATOR_BY_NAME, OPERATORS, Operator, OperatorError, TensorShape
from tests.operators.cases import CASES, Case

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.operator.op}: {case.name}")
each_operator = pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.op)

Inputs = tuple[TensorShape, ...]


def shapes(case: Case) -> Inputs:
    return tuple(TensorShape(*shape) for shape in case.inputs)


def results(operator: Operator, inputs: Inputs) -> tuple[Any, ...]:
    """Output shape and counts in one row."""
    output = operator.output_shape(inputs)
    return (*output, *operator.cost(inputs, output))


def test_every_operator_has_hand_arithmetic() -> None:
    missing = set(OPERATORS) - {type(case.operator) for case in CASES}
    assert not missing, "add a row to tests/operators/cases.py"


@each_operator
def test_every_operator_has_a_kernel_in_common(operator: type[Operator]) -> None:
    """What it usually is; a runtime that says nothing about it has that, and says that it is assumed."""
    entries = [entry for entry in family("common").data["kernels"] if operator.op in entry["operators"]]
    assert entries, "add it to mbcost/kernels/runtimes/common.yaml"
    assert "when" not in entries[-1], "without a condition at the end"
    assert all(entry["source"].startswith("assumed: ") for entry in entries)


@each_case
def test_hand_arithmetic(case: Case) -> None:
    inputs = shapes(case)
    output = case.operator.output_shape(inputs)
    assert output == case.output
    assert case.operator.cost(inputs, output)._asdict() == case.cost._asdict()


@each_case
def test_counts_are_non_negative_ints(case: Case) -> None:
    assert all(type(value) is int and value >= 0 for value in results(case.operator, shapes(case)))


@each_case
def test_number_of_inputs_is_within_the_arity(case: Case) -> None:
    least, most = case.operator.arity
    assert least <= len(case.inputs) <= (most or len(case.inputs))


@each_case
def test_views_and_elementwise_operators_keep_the_number_of_elements(case: Case) -> None:
    inputs = shapes(case)
    output = case.operator.output_shape(inputs)
    if case.operator.view:
        assert output.elements == inputs[0].elements
    if case.operator.elementwise and len(set(inputs)) == 1:
        assert output == inputs[0]


@each_operator
def test_is_a_documented_frozen_value(operator: type[Operator]) -> None:
    assert OPERATOR_BY_NAME[operator.op] is operator
    assert operator.summary
    assert operator.__doc__
    assert operator.__module__.startswith("mbcost.operators.")
    assert dataclasses.is_dataclass(operator)
    assert operator.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert "__slots__" in vars(operator)


@each_case
def test_describe_holds_every_field(case: Case) -> None:
    described = case.operator.describe()
    assert type(case.operator)(**described) == case.operator


# Scalar == array: each dimension in turn becomes an array of configurations.

Build = Any  # (value of the dimension) -> (operator, inputs)


def dimensions(case: Case) -> Iterator[tuple[str, int, Build]]:
    """Each place where a case holds a dimension: its name, its value, and the case with another value there."""
    inputs = shapes(case)
    for axis, name in enumerate(TensorShape._fields):
        value = inputs[0][axis]
        together = [i for i, shape in enumerate(inputs) if shape[axis] == value]
        for which in {tuple(together), (0,), (len(inputs) - 1,)}:

            def build(new: Any, which: tuple[int, ...] = which, name: str = name) -> tuple[Operator, Inputs]:
                changed = [s._replace(**{name: new}) if i in which else s for i, s in enumerate(inputs)]
                return case.operator, tuple(changed)

            yield f"{name} of inputs {which}", inputs[which[0]][axis], build
    for field in dataclasses.fields(case.operator):  # type: ignore[arg-type]
        if "Dim" in str(field.type):
            yield from _field_dimensions(case, field.name)


def _field_dimensions(case: Case, name: str) -> Iterator[tuple[str, int, Build]]:
    value = getattr(case.operator, name)
    if not isinstance(value, tuple):
        yield name, value, lambda new: (dataclasses.replace(case.operator, **{name: new}), shapes(case))
        return
    for i, item in enumerate(value):
        if item > 0:

            def build(new: Any, i: int = i) -> tuple[Operator, Inputs]:
                changed = (*value[:i], new, *value[i + 1 :])
                return dataclasses.replace(case.operator, **{name: changed}), shapes(case)

            yield f"{name}[{i}]", item, build


def accepted(build: Build, value: int) -> bool:
    try:
        results(*build(value))
    except OperatorError:
        return False
    return True


@each_case
def test_scalar_equals_array(case: Case) -> None:
    for name, value, build in dimensions(case):
        candidates = [value, value * 2, value * 3, value * 5, value + 1, max(1, value // 2)]
        configurations = [new for new in candidates if accepted(build, new)]
        array = np.array(configurations, dtype=np.int64)
        array.setflags(write=False)
        columns = results(*build(array))
        for i, new in enumerate(configurations):
            row = tuple(column if isinstance(column, int) else column[i] for column in columns)
            assert row == results(*build(new)), (name, new)
        assert all(isinstance(column, int) or column.dtype == np.int64 for column in columns)


@each_case
def test_array_with_a_refused_configuration_is_refused(case: Case) -> None:
    for _name, value, build in dimensions(case):
        for new in (value + 1, value * 2 + 1, max(1, value // 3)):
            if not accepted(build, new):
                with pytest.raises(OperatorError):
                    results(*build(np.array([value, new], dtype=np.int64)))


def test_every_dimension_as_an_array_at_once() -> None:
    conv = OPERATOR_BY_NAME["conv2d"]
    configurations = [(224, 192, 3, 32, 1), (160, 128, 8, 24, 2), (96, 97, 16, 8, 8)]
    height, width, channels, out, groups = (np.array(column) for column in zip(*configurations, strict=True))
    columns = results(
        conv(out=out, groups=groups, kernel=(3, 3), stride=(2, 2)), (TensorShape(height, width, channels),)
    )
    for i, (h, w, c, o, g) in enumerate(configurations):
        row = results(conv(out=o, groups=g, kernel=(3, 3), stride=(2, 2)), (TensorShape(h, w, c),))
        assert tuple(np.broadcast_to(column, 3)[i] for column in columns) == row
