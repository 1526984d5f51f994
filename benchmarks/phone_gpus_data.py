"""Latencies on the GPUs of phones, from folders in the layout of `phones_qed` (networks and kernels) or `phones_iitm`.

Counts are divided by what the data sheet says of the GPU (:data:`mbcost.latency.gpu_rates.BASES`), so that a rate means
the same on every GPU: slots of its fp32 multiply-adds, cycles of its clock, bytes of its bandwidth, seconds.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from phones_data import SOURCES, Unit, graphs_of, layout_of
from phones_networks import read_csv

from mbcost.devices.gpus import Gpu, find_gpu
from mbcost.devices.library import load_device
from mbcost.devices.socs import Soc, find_soc
from mbcost.errors import InputError
from mbcost.graph import build_graph
from mbcost.importers.imported import INPUT, ImportedLayer, imported_spec
from mbcost.kernels import Kernel, load_runtime, map_to_kernels
from mbcost.latency.forms.gpu_delegate import Delegate, delegate_of
from mbcost.latency.forms.tflite_gpu import TFLITE_GPU, terms_of
from mbcost.latency.gpu_rates import BASES, cores_of
from mbcost.operators import (
    AvgPool2d,
    Concat,
    Conv2d,
    Dense,
    DepthwiseConv2d,
    GlobalAvgPool,
    MaxPool2d,
    Operator,
    TensorShape,
)

#: The runtime whose rules map networks to kernels, and the bytes of an element at fp16.
RUNTIME: Final = "tflite-gpu-2.10"
ELEMENT_BYTES: Final = 2
TERMS: Final = tuple(term.name for term in TFLITE_GPU.terms)
#: Clock and bandwidth where neither the chip nor another one with the GPU has a known one: about the median of the
#: catalogue. They only place a GPU before it is calibrated.
USUAL_CLOCK: Final = 800e6
USUAL_BANDWIDTH: Final = 15e9
USUAL_ALUS: Final = 128.0
#: Layout -> what its runtime is called here.
RUNTIMES: Final = {"qed": "tflite-gpu-2.10", "iitm": "tflite-gpu of 2020"}


class Chip(NamedTuple):
    """A GPU in a phone: its peak [MAC/s at fp32], clock [Hz], bandwidth [B/s], and what was assumed of it."""

    gpu: Gpu
    cores: int
    peak: float
    clock: float
    bandwidth: float
    assumed: tuple[str, ...]

    @property
    def delegate(self) -> Delegate:
        return delegate_of(self.gpu, self.cores)

    @property
    def bases(self) -> Any:
        """What a unit of each term's rate is worth [1/s]."""
        of = {"peak": self.peak, "clock": self.clock, "bandwidth": self.bandwidth, "time": 1.0}
        return np.array([of[BASES[term]] for term in TERMS])


class GpuGroup(NamedTuple):
    """All GPUs of a folder.

    Attributes
    ----------
    units
        The latencies of whole networks of each phone.
    kernels
        Phone -> those of its kernels, a row a kernel; `networks` are the networks that they are of.
    chips
        Phone -> its GPU.
    """

    runtime: str
    precision: str
    units: tuple[Unit, ...]
    kernels: dict[str, Unit]
    chips: dict[str, Chip]
    source: str


def read_group(folder: Path) -> tuple[GpuGroup, list[dict[str, str]]]:
    """The GPUs of a folder, and what is left out with its reason.

    Raises
    ------
    SystemExit
        If the folder has another layout.
    """
    layout = layout_of(folder)
    if layout not in RUNTIMES:
        raise SystemExit(f"{folder} has no latencies of GPUs in the layout of phones_qed or phones_iitm")
    rows, chips, left_out = (_qed if layout == "qed" else _iitm)(folder)
    graphs, missing = graphs_of(folder, sorted({network for _, network, _ in rows}))
    left_out |= missing
    rules = load_runtime(RUNTIME)
    mapped: dict[str, tuple[Kernel, ...]] = {}
    for name, graph in graphs.items():
        mapped[name] = map_to_kernels(graph, rules, element_bytes=ELEMENT_BYTES, estimate_unsupported=True)
    units = []
    for phone, chip in sorted(chips.items()):
        mine: dict[str, list[float]] = defaultdict(list)
        for owner, network, seconds in rows:
            if owner == phone and network in mapped:
                mine[network].append(seconds)
        if mine:
            names = sorted(mine)
            counts = np.array([_counts(chip, mapped[name]) for name in names])
            macs = np.array([float(sum(kernel.macs for kernel in mapped[name])) for name in names])
            units.append(_unit(phone, chip, names, counts, macs, np.array([np.mean(mine[name]) for name in names])))
    kernels = _kernels(folder, chips, left_out) if layout == "qed" else {}
    group = GpuGroup(RUNTIMES[layout], "fp16", tuple(units), kernels, chips, SOURCES[layout])
    return group, [{"name": name, "reason": reason} for name, reason in left_out.items()]


def _unit(phone: str, chip: Chip, names: list[str], counts: Any, macs: Any, seconds: Any) -> Unit:
    core: Any = chip.gpu
    return Unit(phone, "gpu", core, chip.peak, 1, tuple(names), counts / chip.bases, macs, seconds)


def _counts(chip: Chip, kernels: tuple[Kernel, ...]) -> list[float]:
    form = TFLITE_GPU.__class__(**{**_FORM, "terms": terms_of(chip.delegate)})
    return [float(value) for value in form.total(kernels, form.counts(kernels)).values()]


_FORM: Final = {
    "name": TFLITE_GPU.name,
    "title": TFLITE_GPU.title,
    "overlap": TFLITE_GPU.overlap,
    "rates": TFLITE_GPU.rates,
    "source": TFLITE_GPU.source,
}


# --- phones ---------------------------------------------------------------------------------------------------------


def chip_of(name: str, soc: Soc | None) -> Chip | None:
    """A GPU with the clock and the memory of its chip; None if the catalogue does not have it."""
    gpu = find_gpu(name)
    unit = soc.gpu if soc is not None else None
    if gpu is None and unit is not None:
        gpu, name = find_gpu(unit.name), unit.name
    if gpu is None:
        return None
    same = unit is not None and find_gpu(unit.name) == gpu
    assumed = []
    clock = unit.clock if unit is not None and same else None
    hertz = clock.value if clock is not None else gpu.max_clock.value if gpu.max_clock is not None else None
    if clock is None:
        assumed.append("clock")
    memory = soc.memory.bandwidth if soc is not None else None
    if memory is None:
        assumed.append("bandwidth")
    cores = cores_of(gpu, unit.name if unit is not None and same else name, unit.cores if unit and same else None)
    alus = gpu.throughput.get("fp32")
    if alus is None:
        assumed.append("arithmetic")
    hertz = hertz or USUAL_CLOCK
    peak = (alus.value if alus is not None else USUAL_ALUS) * cores * hertz
    return Chip(gpu, cores, peak, hertz, memory.value if memory is not None else USUAL_BANDWIDTH, tuple(assumed))


Rows = list[tuple[str, str, float]]


def _qed(folder: Path) -> tuple[Rows, dict[str, Chip], dict[str, str]]:
    chips: dict[str, Chip] = {}
    left_out: dict[str, str] = {}
    for line in read_csv(folder / "phones.csv"):
        if line["phone"] in chips or not line.get("gpu"):
            continue
        chip = chip_of(line["gpu"], find_soc(line["soc"]) if line.get("soc") else None)
        if chip is None:
            left_out[line["phone"]] = f"the GPU `{line['gpu']}` is not in the catalogue"
        else:
            chips[line["phone"]] = chip
    rows = []
    for line in read_csv(folder / "latencies.csv"):
        if line["processor"] == "gpu":
            if line["phone"] not in chips:
                left_out.setdefault(line["phone"], "phones.csv does not have its GPU")
            rows.append((line["phone"], line["network"], float(line["mean_ms"]) / 1e3))
    return rows, chips, left_out


def _iitm(folder: Path) -> tuple[Rows, dict[str, Chip], dict[str, str]]:
    chips: dict[str, Chip] = {}
    left_out: dict[str, str] = {}
    rows = []
    for line in read_csv(folder / "latencies.csv"):
        if line["processor"] != "gpu":
            continue
        phone = line["phone"]
        if phone not in chips and phone not in left_out:
            try:
                device = load_device(phone)
            except InputError:
                left_out[phone] = "the catalogue does not have the phone, so that its GPU is not known"
                continue
            soc = find_soc(device.chip) if device.chip else None
            chip = chip_of(soc.gpu.name, soc) if soc is not None and soc.gpu is not None else None
            if chip is None:
                left_out[phone] = "its GPU is not in the catalogue"
                continue
            chips[phone] = chip
        if phone in chips:
            rows.append((phone, line["network"], float(line["median_ms"]) / 1e3))
    return rows, chips, left_out


# --- kernels --------------------------------------------------------------------------------------------------------


def _kernels(folder: Path, chips: dict[str, Chip], left_out: dict[str, str]) -> dict[str, Unit]:
    """Phone -> its kernels, of those that the rules have alone."""
    path = folder / "gpu_kernels.csv"
    if not path.is_file():
        return {}
    found: dict[str, list[tuple[str, list[float], float, float]]] = defaultdict(list)
    known: dict[tuple[str, ...], tuple[list[float], float] | str] = {}
    for line in read_csv(path):
        chip = chips.get(line["phone"])
        if chip is None or not line["latency_us"]:
            continue
        links = re.sub(r"_\d+", "", line["kernel_name"]).split("_linked_:_")
        shape = tuple(line[key] for key in ("op", "in_hw", "in_c", "out_hw", "stride", "kernel", "filters", "groups"))
        key = (line["phone"], *shape, *links)
        if key not in known:
            known[key] = _kernel_counts(chip, line, links)
        counts = known[key]
        if isinstance(counts, str):
            left_out.setdefault(f"{line['phone']} {links[0]}", counts)
            continue
        found[line["phone"]].append((line["network"], counts[0], counts[1], float(line["latency_us"]) / 1e6))
    units = {}
    for phone, rows in found.items():
        names, counts_of, macs, seconds = zip(*rows, strict=True)
        units[phone] = _unit(phone, chips[phone], list(names), np.array(counts_of), np.array(macs), np.array(seconds))
    return units


def _kernel_counts(chip: Chip, line: dict[str, str], links: list[str]) -> tuple[list[float], float] | str:
    """Counts and MACs of one kernel; why it is left out."""
    if links[0].startswith("depthwise_conv_plus"):
        return "a depthwise and a 1x1 convolution in one kernel: the table has its time at both"
    made = _layer(line)
    if made is None:
        return f"the operator {line['op']} is not known"
    operator, shape = made
    sources = (INPUT, INPUT) if isinstance(operator, Concat) else (INPUT,)
    layers = [ImportedLayer("layer", operator, sources, int(shape.channels))]
    try:
        spec = imported_spec(layers, name="kernel", source="phones_qed", origin="kernel", input_shape=shape)
        kernel = map_to_kernels(build_graph(spec), load_runtime(RUNTIME), element_bytes=ELEMENT_BYTES)[0]
    except InputError as error:
        return str(error)
    others = sum(link in ("add", "mul", "sub") for link in links[1:])
    kernel = kernel._replace(position=1, input_elements=kernel.input_elements + others * kernel.output_elements)
    counts = dict(zip(TERMS, _counts(chip, (kernel,)), strict=True))
    counts["dispatch"] = 0.0
    if "winograd" in links[0]:  # the products of the tiles alone
        counts |= {"launch": 1.0, "input": 0.0, "output": 0.0}
    return [counts[term] for term in TERMS], float(kernel.macs)


def _layer(line: dict[str, str]) -> tuple[Operator, TensorShape] | None:
    """The operator of a row and the shape of its input."""

    def whole(key: str) -> int:
        return int(line[key]) if line[key] not in ("", "-") else 0

    op, side, channels = line["op"], whole("in_hw") or 1, whole("in_c")
    window, stride, filters = whole("kernel") or 1, whole("stride") or 1, whole("filters")
    same = -(-side // stride) == whole("out_hw")
    padding: Any = "same" if same else "valid"
    shape = TensorShape(side, side, channels)
    if op in ("CONV_2D", "CONV_2D_GROUP"):
        groups = whole("groups") or 1
        return Conv2d(filters, (window, window), (stride, stride), groups=groups, padding=padding, bias=True), shape
    if op == "DEPTHWISE_CONV_2D":
        return DepthwiseConv2d((window, window), (stride, stride), padding=padding, bias=True), shape
    if op == "FULLY_CONNECTED":
        return Dense(filters, bias=True), TensorShape(1, 1, channels)
    if op == "CONCATENATION":
        return Concat(), TensorShape(side, side, max(filters // 2, 1))
    if op == "MEAN" or (op == "AVERAGE_POOL_2D" and window >= side):
        return GlobalAvgPool(), shape
    if op == "AVERAGE_POOL_2D":
        return AvgPool2d((window, window), (stride, stride), padding), shape
    if op == "MAX_POOL_2D":
        return MaxPool2d((window, window), (stride, stride), padding), shape
    return None
