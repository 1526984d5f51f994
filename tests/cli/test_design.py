"""``mbcost design`` as a user runs it."""

from __future__ import annotations

import json

import pytest

ARGUMENTS = ("design", "mobilenet_v2", "-d", "pynq_z2", "--alpha", "0.35", "--resolution", "96")


def test_screen(cli):
    outcome = cli(*ARGUMENTS)
    assert outcome.code == 0
    for text in ("Design for MobileNet V2", "Answer", "Resources", "DSP slices", "of 220"):
        assert text in outcome.out


def test_a_design_is_a_device_for_other_commands(cli):
    data = json.loads(cli(*ARGUMENTS, "--format", "json").out)
    assert data["schema"] == "mbcost/design/1"
    assert data["resources"]["used"]["dsp"] == data["design"]["tm"] * data["design"]["tn"]
    assert cli(*ARGUMENTS, "-o", "mine.yaml").code == 0
    assert cli("devices", "check", "mine.yaml").code == 0
    analysis = json.loads(cli("analyze", *ARGUMENTS[1:2], "-d", "mine.yaml", *ARGUMENTS[4:], "--format", "json").out)
    assert analysis["latency_ms"] == data["latency_ms"]
    again = cli(*ARGUMENTS, "-o", "mine.yaml")
    assert again.code == 2
    assert "MB007" in again.err


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (("--point", "64,64,14,14"), "4,096 DSP slices of 220"),
        (("--point", "64,64"), "not TM,TN,TR,TC"),
        (("--share", "0"), "above 0 and at most 1"),
        (("--share", "0.001"), "not enough for one multiplier"),
        (("-d", "zcu102"), "is not a loop-tiled engine"),
        (("--format", "yaml", "-o", "Not a name.yaml"), "cannot be the name of a device"),
    ],
)
def test_bad_input(cli, extra, message):
    outcome = cli(*ARGUMENTS, *extra)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.out == ""


def test_a_profile_over_the_resources_shows_where(cli, tmp_path):
    assert cli(*ARGUMENTS, "--point", "8,8,14,14", "-o", "mine.yaml").code == 0
    path = tmp_path / "mine.yaml"
    path.write_text(path.read_text().replace("value: 8", "value: 80", 1))
    outcome = cli("devices", "check", "mine.yaml")
    assert outcome.code == 1
    assert "MB402" in outcome.out + outcome.err
    assert "mine.yaml:" in outcome.out + outcome.err


def test_streaming(cli):
    arguments = (
        "design",
        "mobilenet_v1",
        "-d",
        "zc706",
        "--alpha",
        "0.25",
        "--resolution",
        "128",
        "--style",
        "streaming",
    )
    outcome = cli(*arguments)
    assert outcome.code == 0
    assert "Pipeline for MobileNet V1" in outcome.out
    data = json.loads(cli(*arguments, "--format", "json").out)
    assert data["schema"] == "mbcost/pipeline/1"
    assert data["frames_per_s"] == pytest.approx(200e6 / data["interval_cycles"])
    assert data["interval_cycles"] == max(stage["interval_cycles"] for stage in data["stages"])
    assert data["resources"]["dsp"] <= 720


@pytest.mark.parametrize(
    ("extra", "message"), [((), "does not fit on chip"), (("--point", "8,8,14,14"), "has no design point")]
)
def test_bad_streaming(cli, extra, message):
    outcome = cli("design", "mobilenet_v2", "-d", "zc706", "--style", "streaming", *extra)
    assert outcome.code == 2
    assert message in outcome.err
