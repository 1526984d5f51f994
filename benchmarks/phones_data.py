"""Latencies on the CPUs of phones and boards, from folders in the layout of `phones_iitm`, `phones_qed` or `ncnn`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from phones_networks import UnknownNetworkError, iitm_networks, ncnn_network, qed_networks, read_csv

from mbcost.architectures import ArchitectureSpec
from mbcost.devices.cores import Core, ancestors, find_core
from mbcost.devices.entries_of_catalogue import plain
from mbcost.devices.socs import find_soc
from mbcost.graph import build_graph
from mbcost.kernels import load_runtime, map_to_kernels
from mbcost.latency.core_rates import Npu
from mbcost.latency.form import count_vector
from mbcost.latency.forms import find_form
from mbcost.latency.rates import ELEMENT_BYTES

#: What the latencies of a folder are cited as.
SOURCES: Final = {
    "iitm": "Ganesan et al., IISWC 2020",
    "qed": "Li et al., EdgeSys 2024",
    "ncnn": "ncnn's benchmark/README.md @ a4d2ea1d",
}
#: Instruction sets and makers of cores that are not Arm's.
_OTHERS: Final = ("x86", "rv", "riscv", "la64", "loongarch", "mips")
_CORES: Final = re.compile(r"(\d+)([a-z]+)")


class Row(NamedTuple):
    """One latency.

    Attributes
    ----------
    phone
        What is held out together.
    configuration
        The processor, cluster and threads: what is calibrated together.
    core
        The core as the folder has it; None where it is not known or not one.
    seconds, clock
        Latency [s] and clock [Hz].
    """

    phone: str
    configuration: str
    core: str | None
    clock: float
    threads: int
    runtime: str
    precision: str
    network: str
    seconds: float
    kind: str = "cpu"


class Unit(NamedTuple):
    """The latencies of one configuration of a phone, with the counts of their networks.

    Attributes
    ----------
    counts
        A row a network, a column a term.
    macs
        MACs of each network.
    """

    phone: str
    configuration: str
    core: Core | Npu
    clock: float
    threads: int
    networks: tuple[str, ...]
    counts: Any
    macs: Any
    seconds: Any

    @property
    def name(self) -> str:
        return f"{self.phone} {self.configuration}"

    def of(self, rows: Any) -> Unit:
        """The unit with some of its networks."""
        return self._replace(
            networks=tuple(np.array(self.networks)[rows]),
            counts=self.counts[rows],
            macs=self.macs[rows],
            seconds=self.seconds[rows],
        )


class Group(NamedTuple):
    """All units of one runtime and precision."""

    runtime: str
    precision: str
    form: str
    terms: tuple[str, ...]
    units: tuple[Unit, ...]
    source: str


def layout_of(folder: Path) -> str:
    """Which of the three layouts a folder has.

    Raises
    ------
    SystemExit
        If it has none.
    """
    if (folder / "operators.csv").is_file():
        return "iitm"
    if (folder / "phones.csv").is_file():
        return "qed"
    if (folder / "networks").is_dir() and (folder / "devices.csv").is_file():
        return "ncnn"
    raise SystemExit(f"{folder} has the layout of neither phones_iitm, phones_qed nor ncnn")


def read_rows(folder: Path) -> tuple[list[Row], list[dict[str, str]]]:
    """The latencies of a folder, and what is left out with its reason."""
    return {"iitm": _iitm, "qed": _qed, "ncnn": _ncnn}[layout_of(folder)](folder)


def read_groups(folder: Path) -> tuple[list[Group], list[dict[str, str]]]:
    """The units of a folder by runtime and precision, and what is left out with its reason."""
    rows, left_out = read_rows(folder)
    layout = layout_of(folder)
    graphs, missing = graphs_of(folder, sorted({row.network for row in rows}))
    left_out += [{"name": name, "reason": reason} for name, reason in missing.items()]
    groups = []
    for runtime, precision in sorted({(row.runtime, row.precision) for row in rows}):
        mine = [row for row in rows if (row.runtime, row.precision) == (runtime, precision) and row.network in graphs]
        rules = load_runtime(runtime)
        form = find_form(rules.form)
        counts: dict[str, tuple[list[float], float]] = {}
        for name in sorted({row.network for row in mine}):
            kernels = map_to_kernels(
                graphs[name], rules, element_bytes=ELEMENT_BYTES[precision], estimate_unsupported=True
            )
            vector = [float(value) for value in count_vector(kernels, form).values()]
            counts[name] = vector, float(sum(kernel.macs for kernel in kernels))
        units, unknown = _units(mine, counts)
        left_out += unknown
        terms = tuple(term.name for term in form.terms)
        groups.append(Group(runtime, precision, form.name, terms, tuple(units), SOURCES[layout]))
    return groups, left_out


def _units(rows: list[Row], counts: Mapping[str, tuple[list[float], float]]) -> tuple[list[Unit], list[dict[str, str]]]:
    by_unit: dict[tuple[str, str], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        by_unit[row.phone, row.configuration][row.network].append(row)
    units, unknown = [], []
    for (phone, configuration), networks in by_unit.items():
        first = next(iter(networks.values()))[0]
        core = find_core(first.core) if first.core else None
        if core is None:
            name = f"{phone} {configuration}"
            unknown.append({"name": name, "reason": f"core `{first.core}` is not in the catalogue"})
            continue
        names = tuple(sorted(networks))
        units.append(
            Unit(
                phone,
                configuration,
                core,
                first.clock,
                first.threads,
                names,
                np.array([counts[name][0] for name in names]),
                np.array([counts[name][1] for name in names]),
                np.array([float(np.mean([row.seconds for row in networks[name]])) for name in names]),
            )
        )
    return units, unknown


def is_arm(core: Core) -> bool:
    """Whether a core is one of Arm's instruction set."""
    return not core.instructions.lower().startswith(_OTHERS)


def graphs_of(folder: Path, names: list[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The graph of every network that can be built, and why the others cannot."""
    specs: dict[str, ArchitectureSpec] = {}
    missing: dict[str, str] = {}
    layout = layout_of(folder)
    if layout == "iitm":
        specs = iitm_networks(folder)
    elif layout == "qed":
        specs = dict(qed_networks(names))
    else:
        for name in names:
            path = folder / "networks" / f"{name}.param"
            try:
                specs[name] = ncnn_network(path)
            except FileNotFoundError:
                missing[name] = f"there is no networks/{path.name}"
            except UnknownNetworkError as error:
                missing[name] = str(error)
    missing |= {name: "there is no network of that name" for name in names if name not in specs and name not in missing}
    return {name: build_graph(specs[name]) for name in names if name in specs}, missing


# --- the three layouts --------------------------------------------------------------------------------------------


def _iitm(folder: Path) -> tuple[list[Row], list[dict[str, str]]]:
    rows = []
    for line in read_csv(folder / "latencies.csv"):
        if line["processor"] != "cpu":
            continue
        rows.append(
            Row(
                line["phone"],
                "cpu, 1 thread",
                line["cpu"],
                float(line["cpu_ghz"]) * 1e9,
                1,
                "tflite-2020-hybrid",
                "int8",
                line["network"],
                float(line["median_ms"]) / 1e3,
            )
        )
    return rows, []


def _qed(folder: Path) -> tuple[list[Row], list[dict[str, str]]]:
    clusters = {(line["phone"], line["cluster"]): line for line in read_csv(folder / "phones.csv")}
    rows, left_out = [], {}
    for line in read_csv(folder / "latencies.csv"):
        if line["processor"] != "cpu":
            continue
        parts = [(int(number), name) for number, name in _CORES.findall(line["cores"])]
        facts = clusters.get((line["phone"], parts[0][1])) if parts else None
        if facts is None:
            left_out[f"{line['phone']} {line['cores']}"] = "phones.csv does not have the cluster"
            continue
        number, cluster = sum(part[0] for part in parts), "+".join(part[1] for part in parts)
        core = _core_of_chip(facts.get("soc", ""), facts["core"], list(clusters), line["phone"], parts[0][1])
        rows.append(
            Row(
                line["phone"],
                f"{cluster}, {number} thread{'s' * (number > 1)}",
                core,
                float(facts["ghz"]) * 1e9,
                number,
                "tflite-2.10",
                line["precision"],
                line["network"],
                float(line["mean_ms"]) / 1e3,
            )
        )
    return rows, [{"name": name, "reason": reason} for name, reason in left_out.items()]


def _core_of_chip(soc: str, core: str, clusters: list[tuple[str, str]], phone: str, cluster: str) -> str:
    """The core of a cluster by the catalogue, which tells a chip's version of a core from the core; else as it is."""
    found = find_soc(soc) if soc else None
    names = [name for owner, name in clusters if owner == phone]
    if found is None or len(found.clusters) != len(names):
        return core
    ours = list(found.clusters.values())[names.index(cluster)]
    known = find_core(core)
    same = known is not None and known.name in {one.name for one in _family(ours.core)}
    return ours.core if same else core


def _family(name: str) -> tuple[Core, ...]:
    core = find_core(name)
    return () if core is None else ancestors(core)


def _ncnn(folder: Path) -> tuple[list[Row], list[dict[str, str]]]:
    cores = {
        (line["device"], float(line["powersave"]), float(line["threads"])): line
        for line in read_csv(folder / "devices.csv")
    }
    rows, left_out = [], {}
    for line in read_csv(folder / "latencies.csv"):
        if float(line["gpu_device"] or -1) >= 0:
            continue
        if not line["threads"] or not line["powersave"] or not line["avg_ms"]:
            left_out[line["device"]] = "the number of threads, the cores or the latency is not given"
            continue
        key = line["device"], float(line["powersave"]), float(line["threads"])
        facts = cores.get(key)
        name = f"{key[0]}, {key[2]:.0f} threads, powersave {key[1]:.0f}"
        if facts is None or not facts["core"] or not facts["ghz"]:
            left_out[name] = "devices.csv does not know its core or clock"
            continue
        threads = int(key[2])
        core = find_core(facts["core"])
        if core is None:
            left_out[name] = f"the core `{facts['core']}` is not in the catalogue"
            continue
        precision = (
            "int8" if line["net"].endswith("_int8") else "fp16" if "fp16" in core.features and is_arm(core) else "fp32"
        )
        rows.append(
            Row(
                key[0],
                f"powersave {key[1]:.0f}, {threads} thread{'s' * (threads > 1)}",
                core.name,
                float(facts["ghz"]) * 1e9,
                threads,
                "ncnn",
                precision,
                line["net"],
                float(line["avg_ms"]) / 1e3,
            )
        )
    return rows, [{"name": name, "reason": reason} for name, reason in left_out.items()]


def same_phone(one: str, other: str) -> bool:
    """Whether two folders mean the same phone."""
    return plain(one).replace("_", "") == plain(other).replace("_", "")
