"""The readings of a file, by whichever tool wrote it: the format is found by the content."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from mbcost.calibration.logs import ai_hub, executorch, litert, mnn, ncnn, onnxruntime, openvino, tflite, tflite_profile
from mbcost.calibration.logs.log import Log, Reading
from mbcost.errors import InputError, Location, Problem, call_each, fail
from mbcost.files import read_head

#: A profile of ONNX Runtime with many inferences is tens of megabytes [B].
MAX_BYTES: Final = 128 * 2**20


class _Reader(NamedTuple):
    is_log: Callable[[Log], bool]
    read: Callable[[Log], Iterator[Reading]]


#: A file is of one of these alone.
_FILES: Final = (
    _Reader(ai_hub.is_log, ai_hub.read),
    _Reader(litert.is_log, litert.read),
    _Reader(openvino.is_report, openvino.read_report),
    _Reader(onnxruntime.is_profile, onnxruntime.read_profile),
    _Reader(openvino.is_table, openvino.read_table),
    _Reader(executorch.is_log, executorch.read),
)
#: What tools print: one file may hold the outputs of several.
_PRINTED: Final = (
    _Reader(tflite.is_log, tflite.read),
    _Reader(onnxruntime.is_log, onnxruntime.read),
    _Reader(ncnn.is_log, ncnn.read),
    _Reader(mnn.is_log, mnn.read),
    _Reader(openvino.is_log, openvino.read),
)
TOOLS: Final = (
    "TFLite's benchmark_model, litert-benchmark, onnxruntime_perf_test, a profile of ONNX Runtime, benchncnn, MNN's "
    "benchmark.out, OpenVINO's benchmark_app, a profile of Qualcomm AI Hub, the table of ExecuTorch's Inspector"
)


def read_logs(paths: Iterable[Path]) -> list[Reading]:
    """The readings of several files.

    Raises
    ------
    InputError
        MB606 for every run that failed or is cut, and every file that no tool wrote; what reading a file raises.
    """
    return [reading for found in call_each(read_log, paths) for reading in found]


def read_log(path: Path) -> list[Reading]:
    """The readings of a file, one a network and run; see :func:`read_logs`."""
    log = _opened(path)
    readers = _readers_of(log)
    if not readers:
        hint = f"these are read: {TOOLS}"
        fail("MB606", f"{path} is no log of a benchmark tool that mbcost knows", log.at(1), hint)
    readings = [reading for reader in readers for reading in reader.read(log)]
    if not readings and not log.problems:
        log.wrong(log.end, f"{path} holds no finished run", "measure again, and keep all that the tool prints")
    if log.problems:
        raise InputError(dict.fromkeys(log.problems))
    return readings


def is_log(path: Path) -> bool:
    """Whether a file is of one of the tools."""
    try:
        return bool(_readers_of(_opened(path)))
    except InputError:
        return False


def _readers_of(log: Log) -> list[_Reader]:
    if not log.text:
        return [_Reader(tflite_profile.is_log, tflite_profile.read)] if log.raw and tflite_profile.is_log(log) else []
    alone = next((reader for reader in _FILES if reader.is_log(log)), None)
    return [reader for reader in _PRINTED if reader.is_log(log)] if alone is None else [alone]


def _opened(path: Path) -> Log:
    """A file as text, or as bytes where it is none."""
    raw = read_head(path, MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        fail("MB004", f"{path} is larger than {MAX_BYTES // 2**20} MiB", hint="profile fewer inferences")
    if not raw.strip():
        where = Location(str(path), 1, 1)
        raise InputError([Problem("MB606", f"{path} is empty: the tool did not run", where, "measure again")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = ""
    if "\0" in text or "\x1a" in text[:1]:
        text = ""
    return Log(path, text, raw) if text else _of_bytes(path, raw)


def _of_bytes(path: Path, raw: bytes) -> Log:
    """A binary profile; a log with a few broken bytes in it, as terminals leave them, is read in spite of them."""
    binary = Log(path, "", raw)
    if raw.count(b"\0") or tflite_profile.is_log(binary):
        return binary
    return Log(path, raw.decode("utf-8", errors="replace"), raw)
