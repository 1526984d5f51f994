"""``mbcost compare``: each format, widths of screens, and the checks of its options."""

from __future__ import annotations

import csv
import io
import json

import pytest

COMPARE = ("compare", "mobilenet_v1", "mobilenet_v2", "--device", "pixel1")


def test_the_screen_in_order(cli):
    lines = cli(*COMPARE).out.splitlines()
    heads = [line.split("  ")[0] for line in lines if line and not line.startswith(" ")]
    assert heads == [
        "mobilenet_v2 is 1.61 times as fast as mobilenet_v1",
        "Why",
        "By operator class",
        "By what the time is spent on",
        "Where mobilenet_v2 differs",
        "Caveats",
    ]


@pytest.mark.parametrize("width", [80, 100, 200])
def test_the_screen_fits(cli, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    out = cli(*COMPARE).out
    assert max(map(len, out.splitlines())) <= width
    assert "…" not in out


def test_json(cli):
    result = json.loads(cli(*COMPARE, "--format", "json").out)
    assert result["schema"] == "mbcost/comparison/1"
    assert [subject["label"] for subject in result["subjects"]] == ["mobilenet_v1", "mobilenet_v2"]
    first, second = (subject["latency_ms"] for subject in result["subjects"])
    layers = result["comparisons"][0]["layers"]
    assert sum(layer["difference_ms"] for layer in layers) == pytest.approx(second - first)
    for number, subject in enumerate(result["subjects"]):
        assert sum(entry["latency_ms"][number] for entry in result["classes"]) == pytest.approx(subject["latency_ms"])
        assert sum(subject["split_ms"].values()) == pytest.approx(subject["latency_ms"])


def test_csv(cli):
    rows = list(csv.DictReader(io.StringIO(cli(*COMPARE, "--format", "csv").out)))
    layers = json.loads(cli(*COMPARE, "--format", "json").out)["comparisons"][0]["layers"]
    assert [float(row["difference_ms"]) for row in rows] == [layer["difference_ms"] for layer in layers]
    assert {row["compared"] for row in rows} == {"mobilenet_v2"}


def test_markdown(cli):
    lines = cli(*COMPARE, "--format", "md", "--top", "2").out.splitlines()
    assert lines[0] == "**mobilenet_v2 is 1.61 times as fast as mobilenet_v1**"
    assert lines[2].startswith("|  | ms | x | 90 % interval |")
    start = next(number for number, line in enumerate(lines) if line.startswith("| moved in mobilenet"))
    assert len(lines[start:]) == 5
    assert lines[-1].startswith("| 14 others together |")


def test_targets(cli):
    out = cli("compare", "mobilenet_v2", "-d", "pixel1", "-d", "pixel4/gpu", "-d", "zcu102", "--all").out
    first, *_ = out.splitlines()
    assert first.startswith("zcu102/fpga@vitis-ai-2.5, int8 is the fastest of 3, ")
    assert first.endswith(" times as fast as pixel1/cpu@tflite-2018, fp32, 1 thread")
    assert "others together" not in out


def test_html(cli, tmp_path):
    assert cli(*COMPARE, "-o", "out.html").code == 0
    assert (tmp_path / "out.html").read_text().startswith("<!doctype html>")
    assert cli(*COMPARE, "-o", "out.html").err.startswith("error[MB007]")


def test_each_subject_is_analysed_as_it_says(cli):
    """The subjects of one comparison are what ``mbcost analyze`` makes of the same settings."""
    named = ["mobilenet_v2@0.75/192", "mobilenet_v1,shallow=true,rho=0.5", "mobilenet_v2,device=pixel4,precision=int8"]
    named += ["mobilenet_v2@/160,batch=2,threads=2"]
    options = [
        ("mobilenet_v2", "--alpha", "0.75", "--resolution", "192"),
        ("mobilenet_v1", "--set", "shallow=true", "--rho", "0.5"),
        ("mobilenet_v2", "-d", "pixel4", "--precision", "int8", "--resolution", "128"),
        ("mobilenet_v2", "--resolution", "160", "--batch", "2", "--threads", "2"),
    ]
    # what stands for all is overridden, a resolution by a resolution or a rho
    shared = ("-d", "pixel1", "--resolution", "128", "--format", "json")
    subjects = json.loads(cli("compare", *named, *shared).out)["subjects"]
    for subject, arguments in zip(subjects, options, strict=True):
        device = () if "-d" in arguments else ("-d", "pixel1")
        alone = json.loads(cli("analyze", *arguments, *device, "--format", "json").out)
        for key in ("architecture", "alpha", "resolution", "batch", "target", "latency_ms"):
            assert subject[key] == alone[key]


def test_a_file_may_be_named_like_a_subject(cli, tiny, tmp_path):
    (tmp_path / "net@2,x=1.yaml").write_text((tmp_path / "tiny.yaml").read_text())
    subjects = json.loads(cli("compare", "net@2,x=1.yaml", "tiny.yaml@1/16", "-d", "pixel1", "--format", "json").out)[
        "subjects"
    ]
    assert [subject["resolution"] for subject in subjects] == [8, 16]


def test_no_device_is_needed_where_each_names_its_own(cli):
    out = cli("compare", "mobilenet_v1,device=pixel1", "mobilenet_v1,device=pixel4").out
    assert out.startswith("pixel4/cpu@tflite-2.10 is ")


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("mobilenet_v2@pixel4", "a target is `mobilenet_v2,device=pixel4`"),
        ("mobilenet_v2@0.75/x", "is not @ALPHA, @ALPHA/RESOLUTION or @/RESOLUTION"),
        ("mobilenet_v2@", "is not @ALPHA"),
        ("mobilenet_v2@1.2.3", "alpha in `mobilenet_v2@1.2.3` is `1.2.3`, which is not a number"),
        ("mobilenet_v2@0/192", "alpha is 0, it has to be a number above 0"),
        ("mobilenet_v2,batch=2.5", "is `2.5`, which is not a whole number"),
        ("mobilenet_v2,batch=0", "batch is 0, it has to be a whole number from 1"),
        ("mobilenet_v2,alpha", "`alpha` in `mobilenet_v2,alpha` is not NAME=VALUE"),
        ("mobilenet_v2,", "is not NAME=VALUE"),
        ("mobilenet_v2@1,alpha=2", "sets alpha twice"),
        ("mobilenet_v2,device=pixel1,device=pixel4", "sets device twice"),
        ("mobilenet_v2,classes=2,classes=2", "sets classes twice"),
        ("mobilenet_v2,rho=0.5,resolution=160", "sets both rho and resolution"),
        ("mobilenet_v2,resolutoin=192", "did you mean `resolution`?"),
        ("mobilenet_v2,classes=many", "`many` is not a number, true or false"),
        ("mobilenet_v2,precision=int9", "error[MB305]"),
        ("mobilenet_v2,device=pixl4", "did you mean `pixel4`"),
        ("mobilenet_v22@1/192", "error[MB200]: no architecture or file `mobilenet_v22`"),
    ],
)
def test_bad_subjects(cli, subject, expected):
    outcome = cli("compare", "mobilenet_v1", subject, "-d", "pixel1")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.count("error[") == 1
    assert expected in outcome.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("compare", "mobilenet_v1", "-d", "pixel1"), "there are 1 to compare, it has to be 2 to 6"),
        (("compare", *["mobilenet_v1"] * 7, "-d", "pixel1"), "there are 7 to compare"),
        (("compare", "mobilenet_v1", "mobilenet_v2"), "`--device` is missing"),
        ((*COMPARE, "-o", "out.dot"), "error[MB006]"),
        ((*COMPARE, "--format", "xml"), "error[MB010]: invalid value for '--format'"),
        ((*COMPARE, "-o", "no/such/out.md"), "error[MB008]"),
    ],
)
def test_bad_input(cli, arguments, expected):
    outcome = cli(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert expected in outcome.err


def test_problems_come_together(cli):
    outcome = cli("compare", "mobilenet_v11", "mobilenet_v22", "-d", "pixel1")
    assert outcome.err.count("error[MB200]") == 2
    outcome = cli("compare", "mobilenet_v1", "mobilenet_v2", "-d", "one", "-d", "two")
    assert outcome.err.count("error[MB300]") == 2
