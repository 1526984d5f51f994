"""Networks in the layout of the nn-Meter bench, as architectures: `operators.parquet` rows become imported layers.

Zhang et al., nn-Meter, MobiSys 2021. Nothing is counted here: shapes are propagated again by the operators and compared
with the file's.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

from mbcost.architectures import ArchitectureSpec
from mbcost.importers.imported import INPUT, ImportedLayer, imported_spec
from mbcost.operators import (
    Add,
    AvgPool2d,
    BatchNorm,
    ChannelShuffle,
    Concat,
    Conv2d,
    Dense,
    DepthwiseConv2d,
    GlobalAvgPool,
    HardSigmoid,
    HardSwish,
    MaxPool2d,
    Multiply,
    Operator,
    Relu,
    Relu6,
    Reshape,
    Split,
    TensorShape,
)
from mbcost.operators.window import Padding

_COLUMNS = ("model", "op", "in_h", "in_w", "cin", "out_h", "out_w", "cout", "k", "stride", "in_ids", "out_ids")


class Row(NamedTuple):
    """One operator of the file: its shapes, its window and the ids of the tensors that it reads and makes."""

    op: str
    in_h: int
    in_w: int
    cin: int
    out_h: int
    out_w: int
    cout: int
    k: int
    stride: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class BenchError(Exception):
    """A folder that cannot be used, and why."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A latency of one network on one device [s]; NaN where the file has no number."""

    model: str
    device: str
    family: str
    config: str
    measured_s: float


def read_measurements(folder: Path) -> list[Measurement]:
    """The latencies of a folder, in the order of the networks' names.

    Raises
    ------
    BenchError
        If a file or a column is missing.
    """
    networks = {row["model"]: row for row in _read_csv(folder / "networks.csv", ("model", "family", "config"))}
    return [
        Measurement(
            row["model"],
            row["device"],
            networks[row["model"]]["family"],
            networks[row["model"]]["config"],
            _number(row["latency_ms"]) / 1e3,
        )
        for row in sorted(
            _read_csv(folder / "latencies.csv", ("model", "device", "latency_ms")), key=itemgetter("model")
        )
        if row["model"] in networks
    ]


def read_spreads(folder: Path, device: str) -> dict[str, float]:
    """Standard deviation of each network's latency on a device [s].

    Raises
    ------
    BenchError
        If the file or a column is missing.
    """
    rows = _read_csv(folder / "latencies.csv", ("model", "device", "latency_std_ms"))
    return {row["model"]: _number(row["latency_std_ms"]) / 1e3 for row in rows if row["device"] == device}


def _read_csv(path: Path, columns: Iterable[str]) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            _check_columns(path, columns, reader.fieldnames or ())
            return list(reader)
    except OSError as error:
        raise BenchError(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise BenchError(f"{path} is not a CSV file: {error}") from None


def _check_columns(path: Path, wanted: Iterable[str], present: Iterable[str]) -> None:
    missing = [name for name in wanted if name not in present]
    if missing:
        raise BenchError(f"{path} has no column {', '.join(missing)}")


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def read_rows(folder: Path) -> Iterator[tuple[str, list[Row]]]:
    """The rows of every network of the folder, one network at a time: a bench may hold tens of thousands.

    Raises
    ------
    BenchError
        If the file or a column of it is missing.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "operators.parquet"
    try:
        file = pq.ParquetFile(path)
    except FileNotFoundError:
        raise BenchError(f"{path}: no such file") from None
    except (OSError, pa.ArrowException) as error:
        raise BenchError(f"{path} is not a Parquet file: {error}") from None
    _check_columns(path, _COLUMNS, file.schema_arrow.names)
    batches = file.iter_batches(batch_size=50_000, columns=list(_COLUMNS))
    rows = (row for batch in batches for row in zip(*(batch[name].to_pylist() for name in _COLUMNS), strict=True))
    for model, group in groupby(rows, key=itemgetter(0)):
        yield model, [_row(row[1:]) for row in group]


def _row(values: tuple[Any, ...]) -> Row:
    return Row(*values[:-2], tuple(values[-2].split()), tuple(values[-1].split()))


def network(model: str, rows: list[Row]) -> ArchitectureSpec:
    """The architecture of one network's rows.

    Raises
    ------
    ValueError
        For an operator that the layout is not known to have.
    """
    layers: list[ImportedLayer] = []
    first = rows[0]
    named = dict.fromkeys(first.inputs, INPUT)
    for number, (row, operator, inputs) in enumerate(_composed(rows)):
        sources = tuple(named[tensor] for tensor in inputs)
        for part, output in enumerate(row.outputs):
            name = f"{row.op}_{number}_{part}"
            one = replace(operator, part=part) if isinstance(operator, Split) else operator
            layers.append(ImportedLayer(name, one, sources))
            named[output] = name
    return imported_spec(
        layers,
        name=model,
        source="nn-Meter bench (MobiSys 2021)",
        origin=model,
        input_shape=TensorShape(first.in_h, first.in_w, first.cin),
    )


def _composed(rows: list[Row]) -> Iterator[tuple[Row, Operator, tuple[str, ...]]]:
    """Rows with their operators and inputs; h-swish, hard sigmoid and channel shuffle are one operator for several."""
    position = 0
    while position < len(rows):
        size, operator = _pattern(rows[position : position + 4])
        last = rows[position + size - 1]
        yield last, operator or _operator(last), rows[position].inputs
        position += size


def _pattern(rows: list[Row]) -> tuple[int, Operator | None]:
    """How many rows from the first on are one operator, and which; (1, None) for an operator of its own."""
    ops = tuple(row.op for row in rows)
    if ops == ("add_scalar", "relu6", "mul", "mul_scalar") and rows[0].inputs[0] in rows[2].inputs:
        return 4, HardSwish()
    if ops[:3] == ("add_scalar", "relu6", "mul_scalar"):
        return 3, HardSigmoid()
    if ops[:3] == ("reshape", "transpose", "reshape"):  # (h, w, 2, c / 2) to (h, w, c / 2, 2)
        return 3, ChannelShuffle(2)
    return 1, None


def _operator(row: Row) -> Operator:
    """The operator of a row of its own."""
    if row.op in _PLAIN:
        return _PLAIN[row.op]()
    window, stride = (row.k, row.k), (row.stride, row.stride)
    if row.op == "conv":
        return Conv2d(row.cout, window, stride, padding=_padding(row))
    if row.op == "dwconv":
        return DepthwiseConv2d(window, stride, padding=_padding(row))
    if row.op in _POOLS:
        return _POOLS[row.op](window, stride, _padding(row))
    if row.op == "split":
        return Split(len(row.outputs))
    if row.op == "fc":
        return Dense(row.cout)
    if row.op == "reshape":
        return Reshape((row.out_h, row.out_w, row.cout))
    raise ValueError(f"operator {row.op} is not known to this reader")


def _padding(row: Row) -> Padding:
    """SAME, unless the output is smaller than SAME makes it."""
    return "same" if row.out_h == -(-row.in_h // row.stride) else "valid"


_POOLS: Final[Mapping[str, type[AvgPool2d | MaxPool2d]]] = {"avgpool": AvgPool2d, "maxpool": MaxPool2d}
_PLAIN: Final[Mapping[str, Callable[[], Operator]]] = {
    "add": Add,
    "bn": BatchNorm,
    "concat": Concat,
    "gap": GlobalAvgPool,
    "mul": Multiply,
    "relu": Relu,
    "relu6": Relu6,
}
