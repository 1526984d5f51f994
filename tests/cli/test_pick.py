"""``mbcost pick``: the choice in each format, and the exit code where nothing fits."""

from __future__ import annotations

import csv
import io
import json

import pytest

PICK = ("pick", "mobilenet_v2", "--device", "pixel1")


def test_screen(cli):
    result = cli(*PICK, "--budget", "30ms")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("Pick mobilenet_v2 0.5 / 224\n")
    assert "top-1 65.4 %, measured 28.7 ms" in result.out
    assert "mobilenet_v2 0.75 / 160, top-1 66.4 %, measured 30.4 ms" in result.out


def test_json_names_the_published_best(cli):
    data = json.loads(cli(*PICK, "--budget", "30ms", "--format", "json").out)
    assert data["schema"] == "mbcost/pick/1"
    assert data["budget"] == {"latency_ms": 30.0}
    chosen = data["pick"]
    assert (chosen["alpha"], chosen["resolution"], chosen["latency_ms"], chosen["top1"]) == (0.5, 224, 28.7, 65.4)
    assert (chosen["latency_source"], chosen["top1_source"]) == ("measured", "published")


def test_csv_has_a_row_a_choice_and_target(cli):
    text = cli(*PICK, "--device", "pixel4", "--budget", "30ms", "--format", "csv").out
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["choice"], row["target"]) for row in rows[:4]] == [
        ("pick", "pixel1/cpu@tflite-2018"),
        ("pick", "pixel4/cpu@tflite-2.10"),
        ("runner_up", "pixel1/cpu@tflite-2018"),
        ("runner_up", "pixel4/cpu@tflite-2.10"),
    ]
    assert (rows[0]["latency_source"], rows[1]["latency_source"]) == ("measured", "predicted")
    assert float(rows[1]["latency_low_ms"]) < float(rows[1]["latency_ms"]) < float(rows[1]["latency_high_ms"])
    assert rows[0]["top1"] == "65.4"


def test_markdown(cli):
    text = cli(*PICK, "--budget", "30ms", "--format", "md").out
    assert "**mobilenet\\_v2 0.5 / 224" in text or "**mobilenet_v2 0.5 / 224" in text
    assert "| pick |" in text


def test_nothing_fits(cli, tmp_path):
    result = cli(*PICK, "--budget", "4ms", "-o", "none.json")
    assert result.code == 1
    assert "nothing fits the budget" in result.err
    data = json.loads((tmp_path / "none.json").read_text())
    assert data["pick"] is None
    assert data["nearest"]["needs"] == 4.5
    screen = cli(*PICK, "--budget", "4ms").out
    assert screen.startswith("Nothing fits\n")
    assert "would fit  mobilenet_v2" in screen


def test_between_shows_near_ones_unless_all(cli):
    some = cli(*PICK, "--budget", "30ms", "--between").out
    everything = cli(*PICK, "--budget", "30ms", "--between", "--all").out
    assert "--all shows the others" in some
    assert len(everything.splitlines()) > len(some.splitlines())
    assert "interpolated" in some


def test_a_task_in_place_of_networks(cli):
    screen = cli("pick", "--task", "classification", "--device", "galaxy_s24", "--budget", "5ms").out
    assert "with a probability of at least 90%" in screen
    assert "left out: mobilenet_edgetpu" in screen
    assert "no MODEL is given" in cli("pick", "--device", "pixel1", "--budget", "5ms").err
    assert "were both given" in cli(*PICK, "--task", "classification", "--budget", "5ms").err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "`--budget` is missing"),
        (("--budget", "30"), "budget `30` has no unit"),
        (("--budget", "30 parsec"), "unknown unit `parsec`"),
        (("--budget", "30ms", "--budget", "1s"), "two budgets of latency"),
        (("--budget", "30ms", "--min-probability", "2"), "between 0 and 1"),
        (("--budget", "30ms", "--between", "--alpha", "1"), "contradict"),
        (("--budget", "30ms", "--format", "json", "-o", "x.csv"), "--format is json"),
    ],
)
def test_bad_options(cli, arguments, message):
    result = cli(*PICK, *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
