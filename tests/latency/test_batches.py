"""A batch never takes longer than its images one after another: an accelerator can always run them so."""

from __future__ import annotations

import pytest

import mbcost

TARGETS = ("galaxy_s24/npu", "galaxy_s24/npu@qnn-htp", "hailo_8", "orange_pi_5/npu", "galaxy_s24/gpu", "pixel8/gpu")


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_of_a_larger_batch_takes_no_longer(target: str) -> None:
    found = mbcost.sweep(["mobilenet_v1", "vgg16"], target, batch=[1, 2, 8, 32]).columns
    for network in ("mobilenet_v1", "vgg16"):
        rows = found["architecture"] == network
        each = list(found["latency_ms"][rows] / found["batch"][rows])
        assert list(found["batch"][rows]) == [1, 2, 8, 32]
        assert each == sorted(each, reverse=True)
