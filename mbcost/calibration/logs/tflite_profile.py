"""The binary profile of TFLite's ``benchmark_model --op_profiling_output_mode=proto``.

Format: ``BenchmarkProfilingData`` in tensorflow/tensorflow, tensorflow/lite/profiling/proto/profiling_info.proto
(55554911).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mbcost.calibration.logs.log import Log, Operator, Reading
from mbcost.calibration.logs.tflite import TOOL, precision_of
from mbcost.errors import Location
from mbcost.importers.onnx.wire import Range, WireError, read_fields

_FIRST_BYTES: Final = (b"\x0a", b"\x12", b"\x1a")
_NAME, _RUNTIME = 1, 3


def is_log(log: Log) -> bool:
    """Whether a file that is no text begins as such a profile does."""
    return log.raw[:1] in _FIRST_BYTES


def read(log: Log) -> Iterator[Reading]:
    """The profile; the network's time is the sum of its operators."""
    where = Location(str(log.path), 0, 0)
    try:
        network, own, delegated = _content(log.raw)
    except WireError as error:
        hint = "the file is cut, or not what `--op_profiling_output_mode=proto` writes"
        log.wrong(where, f"{log.path} is no profile of benchmark_model: {error}", hint)
        return
    own = [each for each in own if not (delegated and "delegate" in each.type.lower())]
    operators = (*own, *delegated)
    latency = sum(each.seconds for each in operators)
    if not latency > 0:
        log.wrong(where, f"{log.path} has no operator that took time", "measure again with --enable_op_profiling=true")
        return
    yield Reading(
        tool=TOOL,
        network=network,
        latency_s=latency,
        location=where,
        precision=precision_of(each.type for each in operators),
        operators=operators,
        profiled=True,
        notes=("the latency is the sum of the profile's operators",),
    )


def _content(raw: bytes) -> tuple[str, list[Operator], list[Operator]]:
    network, own, delegated = "", list[Operator](), list[Operator]()
    for field in read_fields(Range(raw, 0, len(raw))):
        if field.number == _NAME:
            network = field.text()
        elif field.number == _RUNTIME:
            for part in read_fields(field.message()):
                if part.number == 1:  # SubGraphProfilingData, operators in field 3
                    own += _operators(part.message(), 3, "")
                elif part.number == 2:  # DelegateProfilingData, operators in field 2
                    delegated += _operators(part.message(), 2, "delegate")
    return network, own, delegated


def _operators(message: Range, number: int, unit: str) -> list[Operator]:
    found: list[tuple[int, Operator]] = []
    for field in read_fields(message):
        if field.number != number:
            continue
        kind, name, average, calls, order = "", "", 0, 1, len(found)
        for part in read_fields(field.message()):
            if part.number == 1:
                kind = part.text()
            elif part.number == 2:  # OpProfilingStat: avg is field 3, microseconds
                average = next((stat.signed() for stat in read_fields(part.message()) if stat.number == 3), 0)
            elif part.number == 4:
                calls = part.signed()
            elif part.number == 5:
                name = part.text()
            elif part.number == 6:
                order = part.signed()
        seconds = max(average, 0) * min(max(calls, 1), 1_000_000) * 1e-6
        found.append((order, Operator(name, kind, min(seconds, 1e6), unit)))
    return [operator for _, operator in sorted(found, key=lambda pair: pair[0])]
