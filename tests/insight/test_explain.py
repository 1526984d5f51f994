"""Which configuration a measured latency is of: probabilities by hand, what is known stays fixed, and wrong input."""

from __future__ import annotations

import json
import math

import pytest

import mbcost
from mbcost.errors import InputError
from mbcost.insight.explain import AXES, Explanation, Hypothesis, explain
from tests.cli.conftest import cli

__all__ = ["cli"]


def hypothesis(runtime: str, probability: float, **changed: object) -> Hypothesis:
    one = Hypothesis(
        f"phone/cpu@{runtime}", "cpu", runtime, runtime.title(), "fp32", 1, "224x224x3", 1, 10e-3, 8e-3, 12.5e-3,
        "calibrated", 0, probability,
    )  # fmt: skip
    return one._replace(**changed)  # type: ignore[arg-type]


def test_answers_are_runtimes_with_the_sum_of_their_configurations() -> None:
    several = (hypothesis("a", 0.4), hypothesis("b", 0.35), hypothesis("b", 0.25, threads=4))
    found = Explanation("net", "phone", 10e-3, several, {}, ())
    assert [(answer.runtime, pytest.approx(answer.probability)) for answer in found.answers] == [("b", 0.6), ("a", 0.4)]
    assert found.shares("threads") == {"1": 0.75, "4": 0.25}
    # entropies: of 0.6 and 0.4 0.673, of 0.75 and 0.25 0.562; all else is decided
    assert found.checks == ["runtime", "threads"]
    assert found.fits
    assert not Explanation("net", "phone", 20e-3, several, {}, ()).fits


def test_probabilities_are_those_of_bayes_rule() -> None:
    """Two threads of one runtime: prior times the density of the logarithm, by hand."""
    found = explain("mobilenet_v2", "pixel4/cpu@ncnn", measured_s=30e-3, precision="fp32", resolution=224, batch=1)
    weights = {}
    for one in found.hypotheses:
        own = math.log(one.high_s / one.low_s) / 3.29
        sigma = math.sqrt(own**2 + (0.11 / 0.67) ** 2)
        density = math.exp(-((math.log(30e-3 / one.predicted_s) / sigma) ** 2) / 2) / sigma
        weights[one.threads] = {1: 0.4, 2: 0.15, 4: 0.3}[one.threads] * density
    assert set(weights) == {1, 2, 4}
    for one in found.hypotheses:
        assert one.probability == pytest.approx(weights[one.threads] / sum(weights.values()))


def test_what_is_predicted_is_the_first_answer() -> None:
    """A latency that is exactly a calibrated prediction, far from the others."""
    slow = mbcost.analyze("mobilenet_v1", "pixel2@tflite-2018").latency_s
    found = explain("mobilenet_v1", "pixel2", measured_s=slow)
    assert found.answers[0].runtime == "tflite-2018"
    assert found.answers[0].hypotheses[0].threads == 1
    assert sum(one.probability for one in found.hypotheses) == pytest.approx(1)


def test_what_is_known_is_not_tried_otherwise() -> None:
    found = explain("mobilenet_v2", "pixel4", measured_s=20e-3, runtime="ncnn", precision="fp16", threads=2, batch=1)
    assert {(one.runtime, one.precision, one.threads, one.batch) for one in found.hypotheses} == {
        ("ncnn", "fp16", 2, 1)
    }
    assert {one.processor for one in explain("mobilenet_v2", "pixel4/gpu", measured_s=9e-3).hypotheses} == {"gpu"}


def test_precisions_that_a_runtime_computes_alike_are_one() -> None:
    """XNNPACK makes fp32 of fp16 weights as it loads them."""
    found = explain("mobilenet_v2", "pixel4@tflite-2.10", measured_s=27e-3)
    assert found.shares("precision").keys() == {"fp32", "int8"}


def test_another_batch_or_size_explains_what_nothing_else_does() -> None:
    alone = mbcost.analyze("mobilenet_v2", "pixel4").latency_s
    found = explain("mobilenet_v2", "pixel4", measured_s=32 * alone)
    assert next(iter(found.shares("batch"))) == "batch 32"
    half = mbcost.analyze("mobilenet_v2", "pixel2@tflite-2018", resolution=128).latency_s
    sizes = explain("mobilenet_v2", "pixel2", measured_s=half, threads=1).shares("input")
    assert "128x128x3" in sizes


def test_a_published_latency_is_recognised() -> None:
    # google/XNNPACK README.md, 2020-03-27: MobileNet V1 on a Pixel 3a, one thread, 88 ms
    found = explain("mobilenet_v1", "pixel3a", measured_s=88e-3)
    assert found.answers[0].runtime == "xnnpack-2020"
    assert found.published[0].ratio == pytest.approx(1)
    blind = explain("mobilenet_v1", "pixel3a", measured_s=88e-3, use_published=False)
    assert blind.answers[0].runtime != "xnnpack-2020"


def test_screen_and_json(cli) -> None:
    command = ("explain", "mobilenet_v2", "--measured", "27ms", "--device", "pixel4")
    screen = cli(*command).out
    assert "27.0 ms of MobileNet V2 on Google Pixel 4" in screen
    assert "Check first" in screen
    assert "google/XNNPACK README.md" in cli(*command, "--published").out
    data = json.loads(cli(*command, "--format", "json").out)
    assert data["schema"] == "mbcost/explanation/1"
    assert set(data["shares"]) == set(AXES)
    assert data["answers"][0]["probability"] >= data["answers"][1]["probability"]
    assert "No configuration explains it" in cli(*command[:3], "900s", *command[4:]).out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mobilenet_v2", "--measured", "27", "--device", "pixel4"), "has no unit"),
        (("mobilenet_v2", "--measured", "-3ms", "--device", "pixel4"), "has to be above 0"),
        (("mobilenet_v2", "--measured", "3GB", "--device", "pixel4"), "GB"),
        (("mobilenet_v2", "--measured", "3ms", "--device", "pixle4"), "pixel4"),
        (("mobilenet_v2", "--measured", "3ms", "--device", "pixel4", "--runtime", "ncn"), "ncnn"),
        (("mobilenet_v2", "--measured", "3ms", "--device", "pixel4", "--threads", "99"), "nothing can be predicted"),
        (("mobilenet_v9", "--measured", "3ms", "--device", "pixel4"), "mobilenet_v"),
    ],
)
def test_wrong_input(cli, arguments: tuple[str, ...], message: str) -> None:
    outcome = cli("explain", *arguments)
    assert outcome.code == 2
    assert message in outcome.err


@pytest.mark.parametrize("measured_s", [0, -1.0, float("nan"), float("inf"), True, "27ms", None])
def test_wrong_latencies(measured_s: object) -> None:
    with pytest.raises(InputError, match="measured_s is"):
        explain("mobilenet_v2", "pixel4", measured_s=measured_s)  # type: ignore[arg-type]
