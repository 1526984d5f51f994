"""``mbcost convert`` to files that run: what is not written, and why."""

from __future__ import annotations

from pathlib import Path

import pytest

import mbcost

UNKNOWN = """
name: odd
source: my own
input: 32x32x8
layers:
  - {op: elementwise}
  - {op: conv2d, out: 8, kernel: 3}
  - {op: elementwise}
  - {op: mish}
  - {op: dense, out: 4, sequential: true}
"""


@pytest.mark.parametrize("suffix", [".tflite", ".onnx", ".param"])
def test_every_missing_operator_is_named(suffix: str, tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_text(UNKNOWN)
    path = tmp_path / f"net{suffix}"
    with pytest.raises(mbcost.InputError) as caught:
        mbcost.convert(tmp_path / "odd.yaml", path)
    lacks_mish = suffix == ".tflite"
    assert caught.value.codes == ("MB507",) * (3 if lacks_mish else 2)
    first, second, *rest = caught.value.problems
    assert ["the format lacks `mish`" in problem.message for problem in rest] == [True] * lacks_mish
    assert "`elementwise`" in first.message
    assert first.hint == "layers: elementwise_1, elementwise_2"
    assert "a recurrent layer" in second.message
    assert not list(tmp_path.glob("net*"))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["net.tflite", "--precision", "int4"], "MB010", "'int4' is not one of 'fp32', 'fp16', 'int8'"),
        (["net.param", "--precision", "int8"], "MB305", "ncnn's int8 files are not written"),
        (["net.yaml", "--precision", "int8"], "MB010", "only a model file has a precision"),
        (["net.json", "--seed", "1"], "MB010", "only a model file has a seed"),
        (["net.onnx", "--seed", "-1"], "MB010", "--seed is -1, it has to be a whole number from 0"),
        (["net.onnx", "--device", "pixel1"], "MB010", "a model file holds no latencies"),
        (["net.onnx", "-o", "other.onnx"], "MB010", "name one file to write"),
        ([], "MB010", "name one file to write"),
        (["gone/net.onnx"], "MB008", "cannot write gone"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_refused(cli, tmp_path, arguments, code, message):
    outcome = cli("convert", "mobilenet_v3_small", *arguments, "--alpha", "0.35", "--resolution", "32")
    assert outcome.code == 2
    assert f"error[{code}]" in outcome.err
    assert message in " ".join(outcome.err.split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("taken", ["net.param", "net.bin"])
def test_neither_of_two_files_is_overwritten(cli, tmp_path, taken):
    (tmp_path / taken).write_text("mine")
    command = ("convert", "mobilenet_v3_small", "net.param", "--alpha", "0.35", "--resolution", "32")
    refused = cli(*command)
    assert "error[MB007]" in refused.err
    assert [path.name for path in tmp_path.iterdir()] == [taken]
    assert (tmp_path / taken).read_text() == "mine"
    assert cli(*command, "--force").code == 0
    assert (tmp_path / "net.param").read_text().startswith("7767517\n")


def test_weights_of_a_file_are_said_to_be_others(cli, tmp_path):
    assert cli("convert", "mobilenet_v3_small", "-o", "a.onnx", "--alpha", "0.35", "--resolution", "32").code == 0
    outcome = cli("convert", "a.onnx", "-o", "b.tflite", "--seed", "7")
    assert outcome.code == 0
    assert "the weights are random (seed 7), not those of the network" in outcome.err
