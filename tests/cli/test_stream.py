"""``mbcost stream`` as a user runs it."""

from __future__ import annotations

import json

import pytest

ARGUMENTS = ("stream", "mobilenet_v2", "-d", "pixel4/gpu", "--preprocess", "3ms", "--buffers", "1,2,3")


def test_screen(cli):
    outcome = cli(*ARGUMENTS)
    assert outcome.code == 0
    for title in ("Stream", "Stages", "Buffers", "Timeline"):
        assert title in outcome.out


def test_json_compares_buffers(cli):
    data = json.loads(cli(*ARGUMENTS, "--format", "json").out)
    assert data["schema"] == "mbcost/stream/1"
    one, two, three = data["results"]
    total = sum(stage["ms"] for stage in data["stages"])
    assert one["frames_per_s"] == pytest.approx(1e3 / total)
    slowest = max(stage["ms"] for stage in data["stages"])
    assert two["frames_per_s"] == pytest.approx(1e3 / slowest, rel=0.2)  # the memory is shared
    assert three["frames_per_s"] >= two["frames_per_s"] * 0.99


def test_trace_has_a_track_a_unit(cli):
    events = json.loads(cli(*ARGUMENTS, "--format", "trace").out)["traceEvents"]
    assert {e["args"]["name"] for e in events if e["name"] == "thread_name"} == {"cpu", "gpu"}
    assert all(e["dur"] > 0 for e in events if e["ph"] == "X")


def test_page_has_a_timeline_for_each_number_of_buffers(cli, tmp_path):
    page = tmp_path / "stream.html"
    assert cli(*ARGUMENTS, "-o", str(page)).code == 0
    content = page.read_text(encoding="utf-8")
    data = json.loads(content.split('id="data">')[1].split("</script>")[0])
    assert [len(line["events"]) for line in data["timelines"]] == [400, 400, 400]
    assert data["stream"] == json.loads(cli(*ARGUMENTS, "--format", "json").out)


def test_all_wrong_options_at_once(cli):
    outcome = cli("stream", "mobilenet_v2", "-d", "pixel4", "--preprocess", "3", "--postprocess", "xms")
    assert outcome.code == 2
    assert "--preprocess 3" in outcome.err
    assert "--postprocess xms" in outcome.err
    outcome = cli("stream", "mobilenet_v2", "-d", "pixel4", "--buffers", "0,5000", "--rate", "-1")
    assert "3 problems" in outcome.err


def test_several_processors_make_a_plan(cli):
    arguments = ("stream", "mobilenet_v2", "-d", "pixel4", "-d", "pixel4/gpu", "--format", "json")
    data = json.loads(cli(*arguments, "--plan", "latency").out)
    assert 1 <= len(data["plan"]["targets"]) <= 2


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (("--buffers", "0"), "--buffers is 0"),
        (("--rate", "0"), "--rate is 0, it has to be a number above 0"),
        (("--preprocess", "3"), "--preprocess 3"),
        (("--preprocess", "0ms"), "has to be more than 0"),
        (("--format", "csv"), "'csv' is not one of"),
        (("-d", "pixel1"), "different devices"),
    ],
)
def test_bad_input(cli, extra, message):
    outcome = cli("stream", "mobilenet_v2", "-d", "pixel4", *extra)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.out == ""
