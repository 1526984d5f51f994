"""Latencies of Qualcomm AI Hub's networks on Snapdragon NPUs, and the counts of their networks."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from ai_hub_networks import APART, NETWORKS, OLDER_SIDE, PARAMETERS, Source, network, source_of
from phones_data import Group, Unit
from timm_networks import UnknownNetworkError

import mbcost
from mbcost.errors import MbcostError
from mbcost.graph import build_graph
from mbcost.kernels import Runtime, load_runtime, map_to_kernels
from mbcost.latency.core_rates import Npu
from mbcost.latency.form import LatencyForm, count_vector
from mbcost.latency.forms import find_form

#: What the table calls a precision -> what mbcost does, and the bytes of its activations and of its weights.
PRECISIONS: Final = {"float": ("fp16", 2, 2), "w8a8": ("int8", 1, 1), "w8a16": ("w8a16", 2, 1)}
#: What the table calls a runtime -> mbcost's rules.
RUNTIMES: Final = {"tflite": "tflite-htp", "qnn_dlc": "qnn-htp", "onnx": "onnxruntime-htp"}
#: Devices of the table -> their NPU and its int8 TOPS where its maker states them.
NPUS: Final[Mapping[str, Npu]] = {
    "Samsung Galaxy S22 5G": Npu("Hexagon v69 (Snapdragon 8 Gen 1)", 27.0),
    "Snapdragon XR2 Gen 2": Npu("Hexagon v69 (Snapdragon XR2 Gen 2)", 27.0),
    "QCS8450 (Proxy)": Npu("Hexagon v69 (Snapdragon XR2 Gen 2)", 27.0),
    "QCS8550 (Proxy)": Npu("Hexagon v73 (Snapdragon 8 Gen 2)", 48.0),
    "Samsung Galaxy S23": Npu("Hexagon v73 (Snapdragon 8 Gen 2)", 48.0),
    "Samsung Galaxy S24": Npu("Hexagon v75 (Snapdragon 8 Gen 3)", 45.0),
    "Samsung Galaxy S25": Npu("Hexagon v79 (Snapdragon 8 Elite)", 65.0),
    "Dragonwing Q-8750": Npu("Hexagon v79 (Snapdragon 8 Elite)", 65.0),
    "Snapdragon X Elite CRD": Npu("Hexagon v73 (Snapdragon X Elite)", 45.0),
    "Dragonwing IQ-X7181": Npu("Hexagon v73 (Snapdragon X Elite)", 45.0),
    "Dragonwing IQ-9075 EVK": Npu("Hexagon v73 (SA8775P, QCS9075)", 50.0),
    "Arduino VENTUNO Q": Npu("Hexagon v75 (QCS8275)", 40.0),
    "QCS8275 (Proxy)": Npu("Hexagon v75 (QCS8275)", 40.0),
    "SA7255P ADP": Npu("Hexagon v75 (SA7255P)"),
    "SA8255P ADP": Npu("Hexagon v73 (SA8775P, QCS9075)", 50.0),
    "SA8650P ADP": Npu("Hexagon v73 (SA8775P, QCS9075)", 50.0),
    "SA8775P ADP": Npu("Hexagon v73 (SA8775P, QCS9075)", 50.0),
    "SA8295P ADP": Npu("Hexagon v68 (SA8295P)", 30.0),
    "Dragonwing Q-6690 MTP": Npu("Hexagon v73 (QCM6690)", 6.0),
    "Dragonwing RB3 Gen 2 Vision Kit": Npu("Hexagon v68 (QCS6490)", 12.0),
    "Snapdragon 8 Elite Gen 5 QRD": Npu("Hexagon v81 (Snapdragon 8 Elite Gen 5)"),
    "Snapdragon 8 Elite Gen 6 QRD": Npu("Hexagon v85 (Snapdragon 8 Elite Gen 6)"),
    "Snapdragon 8 Elite Extreme Gen 6 QRD": Npu("Hexagon v85 (Snapdragon 8 Elite Extreme Gen 6)"),
}
#: A quantised network that takes longer than so many times its float latency on the same devices and runtime was not
#: compiled for the matrix engine as a whole.
SLOWER: Final = 1.2
#: Share of the measurements of two devices that are one job, above which they are held out together.
TWINS: Final = 0.5
#: Fewest networks of a device.
FEWEST: Final = 3
#: TFLite's delegate takes 20 to 40 times as long for three-dimensional convolutions as QNN, whatever their size.
_VOLUMES: Final = frozenset(("resnet_3d", "resnet_2plus1d", "resnet_mixed"))
#: Packages of the classifiers that are in the older table too.
_CLASSIFIERS: Final = ("torchvision", "timm")
_COLUMNS: Final = ("precision", "device", "runtime", "inference_time_ms")
#: Networks that ship whose counts tell whether a form or its rules changed.
PROBES: Final = (
    "mobilenet_v2", "mobilenet_v3_large", "shufflenet_v2", "densenet121", "resnext50_32x4d", "googlenet",
    "ssdlite_mobilenet_v2", "deeplabv3_mobilenet_v2", "efficientnet_b0", "yolov2",
)  # fmt: skip
_FORM: Final = find_form("hexagon_htp")
_COUNTS: Final = Path(__file__).with_name("ai_hub_counts.json")


class Row(NamedTuple):
    """One latency [s] of a network on a device."""

    network: str
    device: str
    runtime: str
    precision: str
    seconds: float
    job: str
    date: str


class Counts(NamedTuple):
    """MACs and counts of the form's terms of a network."""

    macs: float
    terms: tuple[float, ...]
    attention: bool


def read_rows(path: Path) -> tuple[list[Row], list[dict[str, str]]]:
    """The latencies of a table on NPUs, and what is left out with its reason.

    Raises
    ------
    SystemExit
        If it lacks a column, or a line of it has no number.
    """
    rows: list[Row] = []
    left_out: list[dict[str, str]] = []
    with path.open(newline="", encoding="utf-8") as stream:
        lines = (line for line in stream if not line.startswith("#"))
        reader = csv.DictReader(lines)
        fields = reader.fieldnames or ()
        missing = [name for name in _COLUMNS if name not in fields]
        if missing or not {"model", "model_id"} & set(fields):
            raise SystemExit(f"error: {path}: no column {', '.join(missing or ['model'])}")
        for number, line in enumerate(reader, start=2):
            if line["runtime"] not in RUNTIMES or line["precision"] not in PRECISIONS:
                continue
            try:
                seconds = float(line["inference_time_ms"]) / 1e3
            except ValueError:
                seconds = 0.0
            if not 0 < seconds < 1e4:
                raise SystemExit(f"error: {path}: row {number}: {line['inference_time_ms']} is no latency in ms")
            name = _name_of(line)
            unit = line.get("compute_unit") or line.get("primary_compute_unit") or "NPU"
            elsewhere = sum(int(float(line.get(key) or 0)) for key in ("gpu", "cpu", "layers_gpu", "layers_cpu"))
            if unit != "NPU" or elsewhere:
                reason = (
                    f"{line['runtime']} {line['precision']} on {line['device']}: not all of its layers run on the NPU"
                )
                left_out.append({"name": name, "reason": reason})
                continue
            job, date = line.get("job_id") or f"row {number}", line.get("date") or ""
            rows.append(Row(name, line["device"], line["runtime"], line["precision"], seconds, job, date))
    return rows, left_out


def _name_of(line: Mapping[str, str]) -> str:
    """The model, with its component where it has several: those are in small letters."""
    model, component = line.get("model") or line.get("model_id") or "", line.get("component") or ""
    return f"{model}/{component}" if component and component == component.lower() and component != model else model


def read_group(
    path: Path, runtime: str, precision: str, cache: Path, *, older: bool = False
) -> tuple[Group, dict[str, Counts], list[dict[str, str]]]:
    """The units of a table for one runtime and precision, the counts of their networks, and what is left out.

    Parameters
    ----------
    cache
        Folder of imported networks.
    older
        Whether it is a table of the older release, in which classifiers take 224 x 224 pixels.
    """
    everything, left_out = read_rows(path)
    left_out = [one for one in left_out if one["reason"].startswith(f"{runtime} {precision} ")]
    rows = [row for row in everything if (row.runtime, row.precision) == (runtime, precision)]
    if precision != "float":
        rows, slow = _without_slow(rows, everything)
        left_out += slow
    counts: dict[str, Counts] = {}
    for name in sorted({row.network for row in rows}):
        if runtime == "tflite" and name in _VOLUMES:
            reason = "TFLite's delegate does not run three-dimensional convolutions on the matrix engine"
            left_out.append({"name": name, "reason": reason})
            continue
        try:
            counts[name] = counts_of(name, precision, cache, older=older)
        except UnknownNetworkError as error:
            left_out.append({"name": name, "reason": str(error)})
    latest: dict[tuple[str, str], Row] = {}
    for row in sorted(rows, key=lambda each: each.date):
        if row.network in counts:
            latest[row.device, row.network] = row
    units = []
    for unit in _units(list(latest.values()), counts):
        if len(unit.networks) >= FEWEST:
            units.append(unit)
        else:
            reason = f"on {unit.configuration}: fewer than {FEWEST} networks of the device can be used"
            left_out += [{"name": name, "reason": reason} for name in unit.networks]
    terms = tuple(term.name for term in _FORM.terms)
    group = Group(RUNTIMES[runtime], PRECISIONS[precision][0], _FORM.name, terms, tuple(units), "Qualcomm AI Hub, 2026")
    return group, counts, left_out


def _without_slow(rows: Sequence[Row], everything: Sequence[Row]) -> tuple[list[Row], list[dict[str, str]]]:
    """Quantised rows without networks that mostly take longer than the same network in float."""
    plain = {(row.network, row.device, row.runtime): row.seconds for row in everything if row.precision == "float"}
    ratios: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if (row.network, row.device, row.runtime) in plain:
            ratios[row.network].append(row.seconds / plain[row.network, row.device, row.runtime])
    slow = {name: float(np.median(each)) for name, each in ratios.items() if np.median(each) > SLOWER}
    left_out = [
        {"name": name, "reason": f"quantised it takes {ratio:.3g} times as long as in float on the same devices"}
        for name, ratio in slow.items()
    ]
    return [row for row in rows if row.network not in slow], left_out


def _units(rows: Sequence[Row], counts: Mapping[str, Counts]) -> tuple[Unit, ...]:
    """One unit a device; devices that mostly share jobs are of one `phone`."""
    by: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by[row.device].append(row)
    phones: dict[str, str] = {}
    for device in sorted(by):
        jobs = {row.job for row in by[device]}
        twin = next(
            (
                phones[other]
                for other in sorted(phones)
                if len(jobs & {row.job for row in by[other]}) > TWINS * min(len(jobs), len(by[other]))
            ),
            device,
        )
        phones[device] = twin
    units = []
    for device, mine in sorted(by.items()):
        mine.sort(key=lambda row: row.network)
        units.append(
            Unit(
                phones[device],
                device,
                NPUS.get(device, Npu(f"Hexagon ({device})")),
                1.0,
                1,
                tuple(row.network for row in mine),
                np.array([counts[row.network].terms for row in mine]),
                np.array([counts[row.network].macs for row in mine]),
                np.array([row.seconds for row in mine]),
            )
        )
    return tuple(units)


def counts_of(name: str, precision: str, cache: Path, *, older: bool = False) -> Counts:
    """The counts of a network, from `ai_hub_counts.json` or imported.

    Raises
    ------
    UnknownNetworkError
        If no package defines it, it cannot be imported, or it has other parameters than AI Hub states.
    """
    source = source_of(*name.split("/"))
    if source is None:
        raise UnknownNetworkError("no package that is looked in defines it")
    if older and source.shape[2:] != (OLDER_SIDE, OLDER_SIDE):
        source = replace(source, shape=(*source.shape[:2], OLDER_SIDE, OLDER_SIDE))
    _, size, weights = PRECISIONS[precision]
    key = key_of(source, size)
    if key not in kept_counts():
        kept_counts()[key] = _counted(source, size, cache)
    macs, *terms = kept_counts()[key]
    place = [term.name for term in _FORM.terms].index("weights")
    built, stated = terms[place] / size / 1e6, PARAMETERS.get(name)
    if stated is not None and abs(built / stated - 1) > APART:
        raise UnknownNetworkError(f"it has {stated:g} M parameters there, {built:.3g} M as it is defined here")
    terms[place] *= weights / size
    return Counts(macs, tuple(terms), source.attention)


def key_of(source: Source, size: int) -> str:
    """What a network and its bytes an element are called in `ai_hub_counts.json`."""
    shape = "x".join(map(str, source.shape))
    return f"{source.package}:{source.name} {shape}{' normalised' * source.normalised} {size}"


def _counted(source: Source, size: int, cache: Path) -> list[float]:
    graph = build_graph(network(source, cache))
    try:
        kernels = map_to_kernels(graph, load_runtime("tflite-htp"), element_bytes=size)
    except MbcostError as error:
        raise UnknownNetworkError(str(error)) from None
    return [float(graph.cost.macs), *map(float, count_vector(kernels, _FORM).values())]


@cache
def kept_counts() -> dict[str, list[float]]:
    """Key -> MACs and counts, where the form and its rules are those that they were counted with."""
    if not _COUNTS.is_file():
        return {}
    data = json.loads(_COUNTS.read_text(encoding="utf-8"))
    found: dict[str, list[float]] = data["counts"] if data["rules"] == rules() else {}
    return found


def write_counts() -> None:
    """Keep what has been counted."""
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(values)}" for key, values in sorted(kept_counts().items()))
    text = f'{{"rules": {json.dumps(rules())}, "counts": {{\n{lines}\n}}}}\n'
    _COUNTS.write_text(text, encoding="utf-8")


@cache
def rules() -> str:
    """What the counts depend on: a hash of what the form counts in networks that ship, by the runtime's rules."""
    return hash_of_counts(load_runtime("tflite-htp"), _FORM, (1, 2))


def hash_of_counts(runtime: Runtime, form: LatencyForm, sizes: Sequence[int]) -> str:
    """A hash of the counts of some networks that ship, which have most operators, at some bytes an element."""
    found = []
    for name in PROBES:
        graph = build_graph(mbcost.load(name))
        for size in sizes:
            kernels = map_to_kernels(graph, runtime, element_bytes=size, estimate_unsupported=True)
            found.append([float(value) for value in count_vector(kernels, form).values()])
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()[:16]


def count_all(cache: Path) -> list[str]:
    """Count every network that is known, for runs without the packages; the names of those that cannot be built."""
    missing = []
    wanted = [(name, False) for name in NETWORKS]
    wanted += [(name, True) for name, source in NETWORKS.items() if source.package in _CLASSIFIERS]
    for name, older in wanted:
        for precision in ("float", "w8a8"):
            try:
                counts_of(name, precision, cache, older=older)
            except UnknownNetworkError as error:
                missing.append(f"{name}{', older' * older}: {error}")
    return sorted(set(missing))
