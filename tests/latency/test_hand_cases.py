"""Every latency form has a layer that was worked out by hand."""

from __future__ import annotations

import pytest

import mbcost
from mbcost.architectures.loader import read_architecture
from mbcost.files import parse_yaml
from mbcost.latency import FORMS
from tests.latency.hand_cases import CASES, HandCase


def predicted(case: HandCase) -> mbcost.Analysis:
    table = f"name: x\nsource: hand\ninput: {case.shape}\nlayers: [{{{case.row}}}]\n"
    spec = read_architecture(parse_yaml(table, "table"))
    return mbcost.analyze(spec, mbcost.resolve_target(case.target, case.precision), calibration=False)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_hand_arithmetic(form: str) -> None:
    assert form in {case.form for case in CASES}, "add a case to tests/latency/hand_cases.py"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.form)
def test_hand_arithmetic(case: HandCase) -> None:
    analysis = predicted(case)
    assert analysis.form.name == case.form
    assert [kernel.kind for kernel in analysis.kernels] == [case.kind]
    assert analysis.latency_s == pytest.approx(case.seconds, rel=1e-6, abs=2e-15)  # rounded to a femtosecond
