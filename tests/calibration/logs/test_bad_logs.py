"""Logs that are cut, failed, of other units or of no tool: one problem each, at its line, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from mbcost.calibration.logs.readers import read_log, read_logs
from mbcost.errors import InputError, Problem
from tests.calibration.logs import texts


def problems(folder: Path, content: str | bytes, name: str = "log.txt") -> tuple[Problem, ...]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputError) as caught:
        read_log(path)
    return caught.value.problems


def upto(text: str, part: str) -> str:
    """The text to the end of a part."""
    return text[: text.index(part) + len(part)]


#: what it is -> (the log, the line with the problem, a part of its message).
BAD: dict[str, tuple[str, int, str]] = {
    "tflite cut in the warm-up": (upto(texts.TFLITE, "exceeding 150 seconds."), 10, "before its timed runs"),
    "tflite cut after the warm-up": (upto(texts.TFLITE, "std=341\n"), 11, "before its timed runs"),
    "tflite cut within the last line": (
        upto(texts.TFLITE_SHORT, "Warmup (avg): 92755"), 3, "cut, or in another unit",
    ),
    "tflite in another unit": (texts.TFLITE_SHORT.replace("in us", "in ms"), 3, "cut, or in another unit"),
    "tflite without a number": (texts.TFLITE.replace("avg=23767.3", "avg=nan"), 14, "`nan`, not a time above 0"),
    "tflite negative": (texts.TFLITE.replace("avg=23767.3", "avg=-5"), 14, "`-5`, not a time above 0"),
    "tflite failed": (
        upto(texts.TFLITE, "Loaded model /data/local/tmp/mobilenet_v2_1.0_224.tflite\n")
        + "ERROR: Didn't find op for builtin opcode 'CONV_2D' version '6'.\nERROR: Registration failed.\n"
        + "ERROR: Failed to initialize the interpreter\nERROR: Benchmarking failed.\n",
        7, "failed: Didn't find op for builtin opcode",
    ),
    "tflite profile cut": (upto(texts.TFLITE_CSV, "TfLiteXNNPackDelegate, 1.49, 1.4"), 4, "no row of an operator"),
    "onnxruntime cut": (upto(texts.ORT, "First inference time cost: 9 ms\n"), 4, "the log is cut"),
    "onnxruntime failed": (
        "Session creation time cost: 0.1 s\nthere is no test data for model m\n", 2, "failed: there is no test data",
    ),
    "onnxruntime in another unit": (texts.ORT.replace("cost: 7.11 ms", "cost: 7.11 ticks"), 7, "a unit other than ms"),
    "onnxruntime result cut": (upto(texts.ORT_RESULT, "squeezenet1_1,0.00702,104"), 2, "no line `model,seconds"),
    "onnxruntime profile cut": (upto(texts.ORT_PROFILE, '"l9_fence_before"'), 5, "the profile breaks here"),
    "onnxruntime profile without a run": (
        texts.ORT_PROFILE.replace("model_run", "model_stop"), 11, "no `model_run`",
    ),
    "ncnn cut": (upto(texts.NCNN, "min =   23.20  max ="), 6, "this line is cut"),
    "ncnn without a row": (upto(texts.NCNN, "cooling_down = 0\n"), 5, "it is cut"),
    "ncnn failed": (
        upto(texts.NCNN, "cooling_down = 0\n") + "fopen m.param failed\n" + texts.NCNN.splitlines()[5] + "\n",
        6, "failed: fopen m.param failed",
    ),
    "mnn cut": (upto(texts.MNN, "mobilenet_v2.mnn            max ="), 4, "this line is cut"),
    "ai hub cut": (texts.AI_HUB[:60], 3, "the profile breaks here"),
    "ai hub failed": (texts.AI_HUB.replace("3652,\n  \"all", "null,\n  \"all"), 3, "the job failed"),
    "openvino of a loaded machine": (
        texts.OPENVINO.replace("1 inference requests", "6 inference requests"), 15, "6 inferences ran at once",
    ),
    "openvino cut": (upto(texts.OPENVINO, "First inference took 11.84 ms\n"), 16, "the log is cut"),
    "openvino failed": (
        upto(texts.OPENVINO, "[Step 4/11]") + " Reading model files\n[ ERROR ] Exception from src/core.cpp\n",
        8, "failed: [ ERROR ] Exception",
    ),
    "openvino report of a failure": (
        "Execution results\nerror;Can not open the model\n", 1, "failed: Can not open the model",
    ),
    "openvino counters cut": (upto(texts.OPENVINO_COUNTERS, "l2_c;Status.EXECUTED;Conv"), 2, "3 cells in place of 6"),
    "executorch in ticks": (texts.EXECUTORCH.replace("(ms)", "(cycles)"), 1, "another unit"),
    "executorch without a run": (texts.EXECUTORCH.replace("Method::execute", "Method::init"), 7, "no `Method::exec"),
    "another tool": ("Benchmarking took 12.3 ms on average\n", 1, "no log of a benchmark tool"),
    "empty": ("\n \n", 1, "is empty: the tool did not run"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_log(name: str, tmp_path: Path) -> None:
    content, line, message = BAD[name]
    (problem,) = problems(tmp_path, content)
    assert problem.code == "MB606"
    assert message in problem.message
    assert problem.location is not None
    assert (problem.location.line, problem.hint is not None) == (line, True)


def test_the_column_is_that_of_the_number(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, texts.TFLITE.replace("avg=23767.3", "avg=oops"))
    assert problem.location is not None
    assert problem.location.text is not None
    marked = problem.location.text[problem.location.column - 1 : problem.location.end_column - 1]
    assert marked == "oops"


def test_binary_profile_that_is_cut(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, texts.TFLITE_PROTO[:-4], "profile.pb")
    assert "no profile of benchmark_model" in problem.message


def test_all_problems_of_all_files_at_once(tmp_path: Path) -> None:
    paths = []
    for number, name in enumerate(("tflite failed", "ncnn cut", "empty")):
        paths.append(tmp_path / f"{number}.txt")
        paths[-1].write_text(BAD[name][0])
    with pytest.raises(InputError) as caught:
        read_logs(paths)
    assert len(caught.value.problems) == 3


def test_a_second_run_that_failed_is_a_problem_of_the_file(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, texts.TFLITE + BAD["tflite failed"][0])
    assert problem.location is not None
    assert problem.location.line == len(texts.TFLITE.splitlines()) + 7
