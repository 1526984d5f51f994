"""The benchmark tools that a kit's script runs, each of one runtime."""

from __future__ import annotations

from typing import Final, NamedTuple


class Tool(NamedTuple):
    """A runtime's own benchmark tool.

    Attributes
    ----------
    name, source
        The program, and where it is had.
    suffix
        Of the models that it takes.
    done
        What it prints when a run is complete.
    command
        Its arguments: shell words with ``$1`` for the model and ``$THREADS``.
    profile
        Further arguments that print the times of operators; empty where it has none.
    runtimes
        Runtimes of mbcost that it measures, the usual one of a phone first.
    precisions
        What its models may be.
    """

    name: str
    source: str
    suffix: str
    done: str
    command: str
    profile: str
    runtimes: tuple[str, ...]
    precisions: tuple[str, ...] = ("fp32", "fp16", "int8")


TOOLS: Final = {
    "litert": Tool(
        "benchmark_model",
        "prebuilt for Android and Linux: https://ai.google.dev/edge/litert/models/measurement",
        ".tflite",
        "Inference timings in us",
        "--graph=$1 --num_threads=$THREADS --use_xnnpack=true --warmup_min_secs=0.3 --min_secs=1 --num_runs=10 "
        "--max_secs=20",
        "--enable_op_profiling=true",
        ("tflite-2.10", "litert"),
    ),
    "onnxruntime": Tool(
        "onnxruntime_perf_test",
        "built from ONNX Runtime's source: https://onnxruntime.ai/docs/build/android.html, with its tests",
        ".onnx",
        "Average inference time cost",
        "-I -m times -r 30 -x $THREADS -y 1 -s -Z $1",
        "",
        ("onnxruntime",),
    ),
    "ncnn": Tool(
        "benchncnn",
        "in ncnn's releases and build: https://github.com/Tencent/ncnn/tree/master/benchmark",
        ".param",
        "avg =",
        "20 $THREADS 2 -1 0 param=$1 shape=$SHAPE",
        "",
        ("ncnn",),
        ("fp32",),
    ),
}
