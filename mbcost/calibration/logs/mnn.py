"""MNN's ``benchmark.out``: a line a network.

Format: alibaba/MNN, benchmark/benchmark.cpp (03bf3891).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mbcost.calibration.logs.log import Log, Reading, as_count, scaled

TOOL: Final = "MNN benchmark"
_MS: Final = 1e-3

_HEAD: Final = re.compile(
    r"Forward type: \*\*(?P<processor>[\w/]+)\*\* thread=(?P<threads>\d+)\*\* precision=(?P<precision>\d)"
)
_LOOP: Final = re.compile(r"-+> Benchmarking\.\.\. loop = (?P<loop>\d+)")
_ROW: Final = re.compile(
    r"\[ - \] (?P<name>.+?)\s+max = +(?P<max>\S+) ms\s+min = +(?P<min>\S+) ms\s+avg = +(?P<avg>\S+) ms$"
)
_CUT_ROW: Final = re.compile(r"\[ - \] ")
_PROCESSORS: Final = {"CPU": "", "Vulkan": "gpu", "OpenCL": "gpu", "Metal": "gpu"}
_LOW: Final = "2"


def is_log(log: Log) -> bool:
    """Whether a text has lines of the tool."""
    return any(_HEAD.match(line.text) or _CUT_ROW.match(line.text) for line in log.lines)


def read(log: Log) -> Iterator[Reading]:
    """The networks of a log: one line each."""
    head: re.Match[str] | None = None
    loops: int | None = None
    rows = 0
    for line in log.lines:
        if found := _HEAD.match(line.text):
            head = found
        elif loop := _LOOP.match(line.text):
            loops = as_count(loop["loop"])
        elif row := _ROW.match(line.text):
            rows += 1
            latency = log.number(row["avg"], log.at(line, row["avg"]), f"the mean of {row['name']}", _MS)
            if latency is None:
                continue
            low = head is not None and head["precision"] == _LOW
            yield Reading(
                tool=TOOL,
                network=row["name"],
                latency_s=latency,
                location=log.at(line),
                min_s=scaled(row["min"], _MS),
                runs=loops,
                threads=None if head is None else as_count(head["threads"]),
                processor="" if head is None else _PROCESSORS.get(head["processor"], ""),
                notes=("precision=2 lets MNN compute in fp16 where the core can",) if low else (),
            )
        elif _CUT_ROW.match(line.text):
            rows += 1
            log.wrong(
                log.at(line),
                "this line is cut: expected `[ - ] NAME max = .. ms min = .. ms avg = .. ms`",
                "measure again",
            )
    if not rows:
        log.wrong(log.end, "the log ends here, before a network was measured", "measure again")
