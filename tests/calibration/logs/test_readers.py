"""Each tool's output becomes its readings: expected values are those of the texts, converted by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mbcost.calibration.logs.log import Reading
from mbcost.calibration.logs.readers import read_log
from tests.calibration.logs import texts


def readings(folder: Path, content: str | bytes, name: str = "log.txt") -> list[Reading]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_log(path)


def shown(reading: Reading) -> dict[str, Any]:
    """What a log says, without what it leaves open."""
    names = ("network", "version", "runs", "precision", "threads", "processor")
    found: dict[str, Any] = {name: getattr(reading, name) for name in names if getattr(reading, name)}
    for name in ("latency_s", "min_s", "spread_s", "first_s", "load_s"):
        seconds = getattr(reading, name)
        if seconds is not None:
            found[name.removesuffix("_s")] = pytest.approx(seconds * 1e3)
    return found


#: name of the text -> tool, and what each reading says; times in ms.
EXPECTED: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "TFLITE": (
        "TFLite benchmark_model",
        [
            {"network": "/data/local/tmp/mobilenet_v2_1.0_224.tflite", "threads": 1, "runs": 50, "latency": 23.7673,
             "min": 23.59, "spread": 0.152, "first": 25.31, "load": 12.345},
        ],
    ),
    "TFLITE_LOGCAT": (
        "TFLite benchmark_model",
        [
            {"network": "/data/local/tmp/mobilenet_v3_large_int8.tflite", "threads": 4, "runs": 25, "latency": 141.253,
             "min": 140.071, "spread": 13.583, "first": 235.158, "load": 92.318},
        ],
    ),
    "TFLITE_SAME": (
        "TFLite benchmark_model",
        [
            {"network": "/data/local/tmp/resnet18.tflite", "processor": "gpu", "runs": 5, "latency": 9.0, "first": 9.1,
             "load": 800.0},
        ],
    ),
    "TFLITE_SHORT": ("TFLite benchmark_model", [{"latency": 90.8659, "first": 101.726, "load": 5.388}]),
    "TFLITE_CSV": (
        "TFLite benchmark_model", [{"runs": 50, "latency": 1.887, "min": 1.87, "spread": 0.009, "precision": "int8"}],
    ),
    "TFLITE_CSV_START": ("TFLite benchmark_model", [{"runs": 10, "latency": 2.0}]),
    "LITERT_BENCHMARK": (
        "litert-benchmark",
        [{"network": "mobilenet_v2.tflite", "threads": 1, "runs": 10, "latency": 5.76, "min": 5.71, "spread": 1.21,
          "first": 7.24, "load": 13.69}],
    ),
    "ORT_2019": ("onnxruntime_perf_test", [{"runs": 100, "latency": 7.12}]),
    "ORT": (
        "onnxruntime_perf_test",
        [{"network": "../resnet50.onnx", "threads": 4, "runs": 142, "latency": 7.09, "min": 7.02, "first": 9.0,
          "load": 133.189}],
    ),
    # deviation of 7.11, 7.02, 7.09 around 7.07333: sqrt((0.03667^2 + 0.05333^2 + 0.01667^2) / 2) = 0.047258
    "ORT_RESULT": (
        "onnxruntime_perf_test",
        [{"network": "squeezenet1_1", "runs": 3, "latency": 7.09, "min": 7.02, "spread": 0.0472582}],
    ),
    "ORT_PROFILE": (
        "ONNX Runtime profile",
        [{"runs": 1, "latency": 7.113, "min": 7.113, "first": 9.0, "load": 6.0, "precision": "fp32"}],
    ),
    "NCNN": (
        "benchncnn",
        [
            {"network": "resnet18", "threads": 2, "runs": 10, "latency": 23.63, "min": 23.2},
            {"network": "mobilenet_v2", "threads": 2, "runs": 10, "latency": 8.15, "min": 8.1},
        ],
    ),
    "NCNN_LAYERS": (
        "benchncnn", [{"network": "resnet18.param", "threads": 1, "runs": 1, "latency": 23.63, "min": 23.2}],
    ),
    "MNN": (
        "MNN benchmark",
        [
            {"network": "mobilenet_v2.mnn", "threads": 1, "runs": 10, "latency": 9.187, "min": 9.12},
            {"network": "resnet18.mnn", "threads": 1, "runs": 10, "latency": 23.5, "min": 23.12},
        ],
    ),
    # deviation of 4.205, 3.652, 3.660 (the first is above twice the median) around 3.839: sqrt(0.200966 / 2)
    "AI_HUB": (
        "Qualcomm AI Hub",
        [{"runs": 4, "latency": 3.652, "min": 3.652, "spread": 0.3169905, "load": 1374.293, "processor": "npu"}],
    ),
    "OPENVINO": (
        "OpenVINO benchmark_app",
        [{"network": "models/resnet50.onnx", "version": "2024.3.0-16041-1e3b88e4e3f-releases/2024/3", "threads": 4,
          "runs": 200, "latency": 2.03, "min": 1.95, "first": 11.84, "load": 179.18}],
    ),
    "OPENVINO_2021": ("OpenVINO benchmark_app", [{"runs": 8904, "latency": 6.61, "first": 7.2}]),
    "OPENVINO_JSON": (
        "OpenVINO benchmark_app",
        [{"network": "resnet18.onnx", "threads": 2, "runs": 140, "latency": 7.12, "min": 7.01, "first": 9.1,
          "load": 100.0}],
    ),
    "OPENVINO_CSV": (
        "OpenVINO benchmark_app",
        [{"network": "resnet18.onnx", "runs": 140, "latency": 7.12, "min": 7.01, "first": 9.1, "load": 10.5}],
    ),
    "OPENVINO_COUNTERS": ("OpenVINO benchmark_app", [{"latency": 0.41}]),
    "EXECUTORCH": ("ExecuTorch", [{"runs": 3, "latency": 7.01, "min": 7.0, "load": 4.1}]),
    "EXECUTORCH_PRINTED": ("ExecuTorch", [{"latency": 1.25, "min": 1.2}]),
}  # fmt: skip
EXPECTED["TFLITE_TABLE"] = ("TFLite benchmark_model", [{**EXPECTED["TFLITE"][1][0], "precision": "fp32"}])


def test_every_text_has_its_readings() -> None:
    assert set(EXPECTED) == set(texts.ALL)


@pytest.mark.parametrize("name", EXPECTED)
def test_readings(name: str, tmp_path: Path) -> None:
    found = readings(tmp_path, texts.ALL[name])
    tool, expected = EXPECTED[name]
    assert {reading.tool for reading in found} == {tool}
    assert [shown(reading) for reading in found] == expected


#: name of the text -> (name, type, us, unit) of the operators.
OPERATORS = {
    "TFLITE_CSV": [
        ("[l2/hard_swish]:1", "HARD_SWISH", 402, ""),
        ("Delegate/Convolution (NHWC, QC8) IGEMM:0", "Convolution (NHWC, QC8) IGEMM", 200, "delegate"),
        # called twice in an inference, 0.635 ms each
        ("Delegate/Fully Connected (NC, QS8, QC8W) GEMM:1", "Fully Connected (NC, QS8, QC8W) GEMM", 1270, "delegate"),
    ],
    "TFLITE_CSV_START": [("[conv, relu]:0", "CONV_2D", 1200, ""), ("[out]:1", "SOFTMAX", 800, "")],
    "TFLITE_TABLE": [("[l1]:0", "Convolution (NHWC, F32)", 20000, ""), ("[l2]:1", "SOFTMAX", 2000, "")],
    "ORT_PROFILE": [
        ("l2_nchwc", "Conv", 412, "CPUExecutionProvider"),
        ("l9", "Softmax", 20, "CPUExecutionProvider"),
    ],
    "NCNN_LAYERS": [("conv1", "Convolution", 1300, ""), ("splitncnn_0", "Split", 0, "")],
    "AI_HUB": [("l2", "CONV_2D", 127, "NPU"), ("l9", "MUL", 0, "CPU")],
    "OPENVINO_COUNTERS": [("l2_c", "Convolution", 410, "brgconv_avx512_f32")],
    "EXECUTORCH": [
        ("Convolution (NHWC F32) IGEMM #1", "aten.conv2d.default", 410, "delegate"),
        ("native_call_softmax.out", "aten.softmax", 100, ""),
    ],
    "EXECUTORCH_PRINTED": [("native_call_a", "", 250, "")],
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators(name: str, tmp_path: Path) -> None:
    (reading,) = readings(tmp_path, texts.ALL[name])
    found = [(each.name, each.type, pytest.approx(each.seconds * 1e6), each.unit) for each in reading.operators]
    assert found == OPERATORS[name]


def test_binary_profile(tmp_path: Path) -> None:
    (reading,) = readings(tmp_path, texts.TFLITE_PROTO, "profile.pb")
    assert shown(reading) == {
        "network": "mobilenet_v3_small.tflite",
        "precision": "fp32",
        "latency": pytest.approx(1.4),
    }
    assert [(each.name, each.type, each.unit) for each in reading.operators] == [
        ("l2", "HARD_SWISH", ""),
        ("", "Convolution (NHWC, F32) IGEMM", "delegate"),
    ]


def test_two_runs_in_one_file(tmp_path: Path) -> None:
    found = readings(
        tmp_path, texts.TFLITE + texts.TFLITE.replace("mobilenet_v2", "mobilenet_v1").replace("avg=23767.3", "avg=9000")
    )
    assert [(Path(each.network).name, round(each.latency_s * 1e3, 3)) for each in found] == [
        ("mobilenet_v2_1.0_224.tflite", 23.767),
        ("mobilenet_v1_1.0_224.tflite", 9.0),
    ]
    assert [each.location.line for each in found] == [14, 14 + len(texts.TFLITE.splitlines())]


def test_logs_of_two_tools_in_one_file(tmp_path: Path) -> None:
    found = readings(tmp_path, texts.TFLITE_SHORT + texts.NCNN + texts.ORT)
    assert [each.tool for each in found] == [
        "TFLite benchmark_model",
        "onnxruntime_perf_test",
        "benchncnn",
        "benchncnn",
    ]


def test_lines_of_windows_and_broken_bytes(tmp_path: Path) -> None:
    (one,) = readings(tmp_path, b"\xff\xfe broken\r\n" + texts.TFLITE.replace("\n", "\r\n").encode())
    assert one.latency_s == pytest.approx(0.0237673)


def test_a_part_that_runs_outside_the_delegate_is_noted(tmp_path: Path) -> None:
    line = (
        "INFO: Explicitly applied XNNPACK delegate, and the model graph will be partially executed by the delegate "
        "w/ 3 delegate kernels.\n"
    )
    (one,) = readings(tmp_path, texts.TFLITE.replace("INFO: The input", line + "INFO: The input"))
    assert one.notes == ("a part runs outside the delegate: w/ 3 delegate kernels",)
