"""Operators that accelerators do not have, and networks that do not fit on chip: charged or not, they are named."""

from __future__ import annotations

import pytest

import mbcost


@pytest.mark.parametrize(
    ("network", "target", "op"),
    [
        ("efficientnet_b0", "zcu102", "swish"),  # PG338 has hard-swish and hard-sigmoid only
        ("mobilenet_v3_large", "edge_tpu", "hard_swish"),  # not among the operators of coral.ai
        ("ssd300_vgg16", "ethos_u55_256", "l2_norm"),  # not on Vela's list
    ],
)
def test_operators_that_are_not_on_the_list_run_on_the_host(network: str, target: str, op: str) -> None:
    analysis = mbcost.analyze(network, target)
    rows = [layer for layer in analysis.layers if layer.op == op]
    assert rows
    assert all(row.activation_s > 0 for row in rows)
    (warning,) = (text for text in analysis.warnings if "on the host's processor" in text)
    assert rows[0].name in warning
    assert ("coral.ai" in warning) == (target == "edge_tpu")


def test_a_softmax_at_the_end_splits_nothing() -> None:
    (warning,) = (text for text in mbcost.analyze("mobilenet_v1", "edge_tpu").warnings if "1 layer runs" in text)
    assert "coral.ai" not in warning


@pytest.mark.parametrize(
    ("network", "target", "expected"),
    [
        ("vgg16", "edge_tpu", "weights take 138 MB"),  # 138,357,544 parameters
        ("vgg16", "ethos_u55_256", "activations take 6.42 MB"),  # two maps of 224 x 224 x 64
        ("mobilenet_v1", "edge_tpu", None),
        ("mobilenet_v1", "ethos_u55_256", None),
    ],
)
def test_what_does_not_fit_on_chip(network: str, target: str, expected: str | None) -> None:
    found = [warning for warning in mbcost.analyze(network, target).warnings if " on chip: " in warning]
    assert len(found) == (expected is not None)
    assert expected is None or found[0].startswith(expected)
