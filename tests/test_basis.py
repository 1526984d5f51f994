"""What a number rests on: each ground by hand, and the word for it wherever the number is shown."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

import mbcost
from mbcost.basis import BASES, MEANINGS, basis_of, listed, weakest
from mbcost.calibration.file import calibration_text, load_calibration
from mbcost.devices import resolve_target
from mbcost.latency.form import Spread
from mbcost.latency.model import latency_model
from mbcost.prediction import prepare
from mbcost.report.screens.terminal import Screen
from mbcost.report.show import How, render
from mbcost.resources import hardware_profiles

PIXEL1 = hardware_profiles() / "calibrations" / "pixel1-cpu-tflite-2018-fp32.yaml"
ROW = "architecture,alpha,resolution,batch,precision,device,processor,runtime,threads,latency_ms,source"
#: Latencies of a Pixel 1 (tensorflow/models, research/slim/nets/mobilenet/README.md).
ROWS = [
    "mobilenet_v2,1,224,1,fp32,pixel1,cpu,tflite-2018,1,73.8,mine",
    "mobilenet_v2,0.75,224,1,fp32,pixel1,cpu,tflite-2018,1,55.8,mine",
    "mobilenet_v2,0.5,224,1,fp32,pixel1,cpu,tflite-2018,1,28.7,mine",
]


@pytest.mark.parametrize(
    ("target", "basis"),
    [
        ("pixel1", "calibrated"),  # calibrations/pixel1-cpu-tflite-2018-fp32.yaml
        ("xiaomi_mi9/gpu", "calibrated"),  # the GPU of the nn-Meter bench
        ("pixel4/gpu", "from the same core in other devices"),  # an Adreno 640 too
        ("raspberry_pi_4@tflite-2.1", "from facts"),  # a Cortex-A72: tflite-2.1 was fitted on a Cortex-A76
        ("pixel1/dsp", "a bound"),  # hexagon-nn.yaml: the form roofline
        ("rtx_3090@ideal-gpu", "a bound"),
        ("edge_tpu", "a bound"),  # edgetpu.yaml: "a bound from the structure of the array"
        ("ethos_u55_256", "a bound"),  # vela.yaml: "not compared with a device"
    ],
)
def test_what_ships(target: str, basis: str) -> None:
    analysis = mbcost.analyze("mobilenet_v1", target)
    assert analysis.basis == basis
    assert analysis.to_dict()["basis"] == basis
    assert prepare(resolve_target(target)).basis == basis


def test_without_its_calibration_the_fitted_processor_is_that_of_other_devices() -> None:
    # openvino-2019r2.yaml was fitted on the Myriad of this stick; tflite-2018 is tflite-2.1, fitted on another core
    assert (
        mbcost.analyze("mobilenet_v1", "intel_ncs2", calibration=False).basis == "from the same core in other devices"
    )
    assert mbcost.analyze("mobilenet_v1", "pixel1", calibration=False).basis == "from facts"


@pytest.mark.parametrize(
    ("learned", "basis"),
    [
        ("same core", "from the same core in other devices"),
        ("related core", "from a related core"),
        ("facts", "from facts"),
    ],
)
def test_rates_that_were_learned_from_many_devices(learned: str, basis: str) -> None:
    target = resolve_target("pixel6")
    runtime, form, _ = latency_model(target)
    spread = Spread((), noise=0.1, width=1.6, calibrated_width=1.6, basis=learned, source="")  # type: ignore[arg-type]
    assert basis_of(target, runtime, replace(form, spread=lambda *_: spread), None) == basis


def test_a_calibration_of_ones_own(tmp_path: Path) -> None:
    target, two = resolve_target("pixel1"), resolve_target("pixel1", threads=2)
    measurements = tmp_path / "m.csv"
    measurements.write_text("\n".join([ROW, *ROWS]) + "\n")
    mine = mbcost.calibrate("pixel1", measurements)
    assert mbcost.analyze("mobilenet_v2", target, calibration=mine).basis == "measured here"
    file = tmp_path / "mine.yaml"
    file.write_text(calibration_text(mine))
    assert mbcost.analyze("mobilenet_v2", target, calibration=file).basis == "measured here"
    # one thread was measured: two are scaled
    assert mbcost.analyze("mobilenet_v2", two, calibration=file).basis == "calibrated"
    # one that ships is nobody's own, however it is named
    assert mbcost.analyze("mobilenet_v2", target, calibration=str(PIXEL1)).basis == "calibrated"
    assert mbcost.analyze("mobilenet_v2", target, calibration=load_calibration(PIXEL1, target)).basis == "calibrated"


def test_a_calibration_in_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measurements = tmp_path / "m.csv"
    measurements.write_text("\n".join([ROW, *ROWS]) + "\n")
    folder = tmp_path / "calibrations"
    folder.mkdir()
    (folder / PIXEL1.name).write_text(calibration_text(mbcost.calibrate("pixel1", measurements)))
    assert mbcost.analyze("mobilenet_v2", "pixel1").basis == "calibrated"
    monkeypatch.setenv("MBCOST_DEVICES", str(tmp_path))
    assert mbcost.analyze("mobilenet_v2", "pixel1").basis == "measured here"


def test_each_has_a_meaning_and_the_weakest_decides() -> None:
    assert list(MEANINGS) == list(BASES)
    assert weakest(["calibrated", "a bound", "from facts"]) == "a bound"
    assert weakest(["measured here", "calibrated"]) == "calibrated"
    assert listed([("a", "calibrated"), ("b", "calibrated")]) == "calibrated"
    assert listed([("a", "calibrated"), ("b", "a bound")]) == "a: calibrated, b: a bound"


# -- wherever the number is shown -------------------------------------------------------------------------------------


def test_beside_the_answer_of_an_analysis() -> None:
    analysis = mbcost.analyze("mobilenet_v2", "pixel1")
    assert "ms · calibrated (" in render(analysis, "table", How())
    assert "ms - calibrated (" in render(analysis, "table", How(screen=Screen(unicode=False)))
    assert "ms) · calibrated;" in render(analysis, "md", How())
    rows = list(csv.DictReader(io.StringIO(str(render(analysis, "csv", How())))))
    assert {row["basis"] for row in rows} == {"calibrated"}
    assert set(analysis.to_frame()["basis"]) == {"calibrated"}
    assert "calibrated" in repr(analysis)
    assert "· calibrated" in analysis._repr_html_()


def test_a_comparison_says_where_the_grounds_differ() -> None:
    different = mbcost.compare("mobilenet_v2", ["pixel1", "edge_tpu"])
    assert [subject["basis"] for subject in different.to_dict()["subjects"]] == ["calibrated", "a bound"]
    sentence = next(text for text in different.verdicts(1) if "rest on different grounds" in text)
    assert sentence.endswith("int8: a bound; pixel1/cpu@tflite-2018, fp32, 1 thread: calibrated.")
    assert "rests on" in render(different, "table", How())
    rows = list(csv.DictReader(io.StringIO(str(render(different, "csv", How())))))
    assert {(row["first_basis"], row["other_basis"]) for row in rows} == {("calibrated", "a bound")}
    assert list(different.to_frame()["basis"]) == ["calibrated", "a bound"]
    alike = mbcost.compare(["mobilenet_v1", "mobilenet_v2"], "pixel1")
    assert not any("different grounds" in text for text in alike.verdicts(1))
    assert str(render(alike, "table", How())).splitlines()[1].endswith(" · calibrated")


def test_a_sweep_has_it_in_every_row() -> None:
    result = mbcost.sweep("mobilenet_v2", ["pixel1", "edge_tpu"], alpha=[0.5, 1.0])
    assert [row["basis"] for row in result.to_dict()["rows"]] == ["calibrated", "calibrated", "a bound", "a bound"]
    heads = [line for line in str(render(result, "table", How())).splitlines() if line.startswith(("pixel1", "edge_"))]
    assert sorted(head.rpartition(" · ")[2] for head in heads) == ["a bound", "calibrated"]
    assert "| rests on |" in render(result, "md", How())


def test_a_pick_has_it_for_each_target() -> None:
    found = mbcost.pick("mobilenet_v2", ["pixel1", "edge_tpu"], budget="80ms")
    assert found.pick is not None
    assert [target["basis"] for target in found.to_dict()["pick"]["targets"]] == ["calibrated", "a bound"]
    assert {row["basis"] for row in found.rows()} == {"calibrated", "a bound"}
    screen = str(render(found, "table", How()))
    assert "predictions pixel1/cpu@tflite-2018: calibrated, edge_tpu/npu@edgetpu: a bound" in screen


def test_a_stream_and_a_validation() -> None:
    stream = mbcost.stream("mobilenet_v2", "edge_tpu")
    assert (stream.to_dict()["basis"], stream.to_dict()["plan"]["basis"]) == ("a bound", ["a bound"])
    assert "rests on  a bound" in render(stream, "table", How())
    validation = mbcost.validate("pixel1")
    assert validation.to_dict()["basis"] == "calibrated"
    assert "predictions: calibrated" in str(render(validation, "table", How())).splitlines()
    assert {row["basis"] for row in csv.DictReader(io.StringIO(str(render(validation, "csv", How()))))} == {
        "calibrated"
    }


def test_pages_have_a_pill_and_say_it_without_scripts() -> None:
    page = str(render(mbcost.analyze("mobilenet_v2", "pixel1"), "html", How()))
    assert " ms · calibrated</td>" in page
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    assert data["views"][0]["cards"][0]["basis"] == "calibrated"
    assert data["meanings"]["calibrated"] == MEANINGS["calibrated"]


def test_an_interval_that_was_learned_says_so() -> None:
    screen = str(render(mbcost.analyze("mobilenet_v2", "raspberry_pi_5@ncnn"), "table", How()))
    assert "predictions of phones that" in screen
