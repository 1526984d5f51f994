"""Latencies and energies of microcontrollers, from files in the layout of `mcu/mlperf_tiny.csv` and those beside it.

What a row ran on is read from its columns and, where they are empty or those of another submission with the same name
of a system, from the systems' descriptions in the rounds' repositories (`_DESCRIBED`). Counts are mbcost's own.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import mbcost
from mbcost.graph import LayerGraph, build_graph
from mbcost.kernels import load_runtime, map_to_kernels
from mbcost.latency.form import LatencyForm, count_vector
from mbcost.latency.forms import find_form
from mbcost.latency.rates import ELEMENT_BYTES

#: Benchmark of MLPerf Tiny -> its reference network.
BENCHMARKS: Final = {"ad": "fc_autoencoder", "ic": "resnet8", "kws": "ds_cnn", "vww": "mobilenet_v1 0.25 96 2"}
FOLDER: Final = Path(__file__).with_name("mcu_networks")
#: Whose rules count kernels: microcontrollers' runtimes fuse alike.
RULES: Final = "tflm-cmsis-nn"


class Row(NamedTuple):
    """One latency.

    Attributes
    ----------
    round
        Of the benchmark, such as ``v1.1``; empty for other sources.
    board, core
        Board and core, or accelerator.
    family, version
        The runtime, and its version as it sorts; empty where nobody states it.
    clock, seconds
        Hertz and seconds.
    joules, joule_seconds
        Energy of one inference [J], and the time of one at which it was measured [s]; None where there is none.
    volts
        The supply at which it was measured [V]; None where nobody states it.
    """

    round: str
    system: str
    board: str
    core: str
    clock: float
    family: str
    version: str
    precision: str
    network: str
    seconds: float
    joules: float | None = None
    joule_seconds: float | None = None
    volts: float | None = None

    @property
    def runtime(self) -> str:
        """Family and version."""
        return f"{self.family}-{self.version}" if self.version else self.family


class _Described(NamedTuple):
    """What the description of a system says, where the table has nothing or another system's."""

    processor: str
    clock: str
    framework: str
    libraries: str = ""


#: (round, organisation, board) -> its description: github:mlcommons/tiny_results_v0.7, v1.0, v1.2, closed/*/systems.
_DESCRIBED: Final[Mapping[tuple[str, str, str], _Described]] = {
    **{
        (each, "stmicroelectronics", board): _Described(processor, clock, f"X-CUBE-AI v{version}")
        for each, version in (("v0.7", "7.1.0"), ("v1.0", "7.3.0"))
        for board, processor, clock in (
            ("nucleo_h7a3zi", "Cortex-M7", "280 MHz"),
            ("nucleo_u575zi", "Cortex-M33", "160 MHz"),
            ("nucleo_l4r5zi", "Cortex-M4", "120 MHz"),
        )
    },
    # the table has the description of Bosch's system, which has the same name; ST's other two state the version
    ("v1.1", "stmicroelectronics", "nucleo_l4r5zi"): _Described("Cortex-M4", "120 MHz", "X-CUBE-AI v8.1.0"),
    ("v0.7", "renesas", "ek_ra6m4"): _Described("Cortex-M33", "200 MHz", "tflite-micro", "CMSIS"),
    ("v0.7", "renesas", "rx65n_cloud_kit"): _Described("RXv2", "120 MHz", "tflite-micro", "CMSIS (modified)"),
    ("v1.2", "renesas", "ek_ra8d1"): _Described("Cortex-M85", "480 MHz", "tflite-micro", "CMSIS"),
    ("v1.0", "octoml", "nrf5340_dk"): _Described("Cortex-M33", "128 MHz", "microTVM"),
    ("v1.0", "octoml", "nucleo_l4r5zi"): _Described("Cortex-M4", "120 MHz", "microTVM"),
    **{
        (each, "syntiant", "syntiant_9120_0v9_30mhz"): _Described("Syntiant Core 2", "30.7 MHz", "Syntiant")
        for each in ("v0.7", "v1.0")
    },
}
#: What a table calls a board -> the board: Syntiant's is one at two clocks; TinyEngine's README names its board.
_BOARDS: Final = {"syntiant_9120_0v9_30mhz": "ndp9120", "stm32f746": "disco_f746ng"}
#: (round, organisation, board) -> the supply [V] that its description states, where the table has none.
_VOLTS: Final = {
    **{(each, "stmicroelectronics", board): 1.8 for each in ("v0.7", "v1.0", "v1.1")
       for board in ("nucleo_l4r5zi", "nucleo_u575zi")},
    ("v0.7", "stmicroelectronics", "nucleo_h7a3zi"): 3.0,
    ("v1.0", "stmicroelectronics", "nucleo_h7a3zi"): 3.3,
    ("v0.7", "renesas", "ek_ra6m4"): 3.0,
}  # fmt: skip
#: A pattern of the processor -> its core.
CORES: Final = (
    (r"cortex.?-?m0", "cortex_m0_plus"),
    (r"cortex.?-?m4", "cortex_m4"),
    (r"cortex.?-?m7", "cortex_m7"),
    (r"cortex.?-?m33", "cortex_m33"),
    (r"cortex.?-?m55", "cortex_m55"),
    (r"cortex.?-?m85", "cortex_m85"),
    (r"\bn?d25f", "andes_d25f"),
    (r"\bd45", "andes_d45"),
    (r"nx27v", "andes_nx27v"),
    (r"ax45", "andes_ax45mp"),
    (r"rxv2", "rxv2"),
    (r"rh850g3kh", "rh850_g3kh"),
    (r"c906", "c906"),
    (r"esp32-s3|lx7", "xtensa_lx7"),
    (r"esp32-p4", "esp32_p4_hp"),
    (r"esp32-c3", "esp32_c3_core"),
    (r"esp32\b|lx6", "xtensa_lx6"),
)
#: An accelerator -> the name that stands for its core: its runtime is part of it.
ACCELERATORS: Final = ((r"silicon labs mvp", "silabs_mvp"), (r"syntiant core 2", "syntiant_core_2"))
#: A pattern of framework, libraries, compiler and system -> the family of runtimes; the first that fits.
FAMILIES: Final = (
    (r"x-cube-ai|st edge ai|stedgeai|stm32cube\.?ai", "x-cube-ai"),
    (r"plumerai", "plumerai"),
    (r"hale\b|hardware-aware lowering", "hale"),
    (r"microtvm.*cmsis", "microtvm-cmsis-nn"),
    (r"microtvm", "microtvm"),
    (r"onnc.*andes", "onnc-andes-nn"),
    (r"onnc", "onnc"),
    (r"tinyengine", "tinyengine"),
    (r"(tflite.?micro|tensorflow.lite|tflm).*andes", "tflm-andes-nn"),
    (r"(tflite.?micro|tensorflow.lite|tflm).*gecko", "tflm-mvp"),
    (r"(tflite.?micro|tensorflow.lite|tflm).*esp-nn", "tflm-esp-nn"),
    (r"(tflite.?micro|tensorflow.lite|tflm).*(cmsis)|^cmsis-nn", "tflm-cmsis-nn"),
    (r"tflite.?micro|tensorflow.lite|tflm", "tflm-reference"),
    (r"syntiant", "syntiant"),
)
#: Families whose versions are told apart, and how a version reads.
VERSIONED: Final = {"x-cube-ai": r"v\.?\s?(\d+\.\d+)", "plumerai": r"(20\d\d\.\d+)", "hale": r"version (\d[\d.]*\d)"}
#: The version of submissions that state none: both of Plumerai's are older than 2023.05.
_UNSTATED: Final = {("plumerai", "v0.7"): "2022", ("plumerai", "v1.0"): "2022.10"}
#: The version of the STM32 model zoo (image_classification/mobilenetv1/README.md @6f10965e).
ZOO: Final = "10.0"
#: By how much the first number of X-CUBE-AI is above that of ST Edge AI Core (the model zoo's README states both).
EDGE_AI: Final = 8
_MODES: Final = r"(max_performance|min_ram)"


def lines_of(path: Path) -> list[dict[str, str]]:
    """The rows of a file, without the lines that begin with #."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(line for line in stream if not line.startswith("#")))


def read_mlperf(path: Path) -> tuple[list[Row], list[dict[str, str]]]:
    """The rows of a file like `mlperf_tiny.csv`, and what is left out with its reason.

    Raises
    ------
    SystemExit
        If it has other columns.
    """
    lines = lines_of(path)
    needed = {"round", "org", "system", "benchmark", "latency_ms", "processor", "framework"}
    if not lines or not needed <= set(lines[0]):
        raise SystemExit(f"error: {path}: it has not the columns of mlperf_tiny.csv: {', '.join(sorted(needed))}")
    rows: list[Row] = []
    left_out: dict[str, str] = {}
    for line in lines:
        found = _mlperf_row(line)
        if isinstance(found, Row):
            rows.append(found)
        else:
            left_out[f"{line['round']} {line['org']} {line['system']} {line['benchmark']}"] = found
    return rows, [{"name": name, "reason": reason} for name, reason in left_out.items()]


def _mlperf_row(line: Mapping[str, str]) -> Row | str:
    """The row of a line, or why there is none."""
    text = {key: (value or "").strip() for key, value in line.items()}
    board = board_of(text.get("board") or text["system"], text["system"])
    described = _DESCRIBED.get((text["round"], text["org"].lower(), board))
    board = _BOARDS.get(board, board)
    processor, clock = text["processor"], text.get("clock", "")
    software = " ".join([text["framework"], text.get("libraries", ""), text.get("compiler", ""), text["system"]])
    if described is not None:
        processor, clock = described.processor, described.clock
        software = f"{described.framework} {described.libraries} {text['system']}"
    accelerator = text.get("accelerator", "")
    core = _matched(accelerator or processor, ACCELERATORS if accelerator else (*ACCELERATORS, *CORES))
    if core is None:
        what = f"the accelerator `{accelerator}`" if accelerator else f"the processor `{processor}`"
        return f"{what} is not among those that are read"
    hertz = hertz_of(text.get("accelerator_clock", "") or clock if accelerator else clock)
    family = _matched(software, FAMILIES)
    if family is None:
        return "no runtime that is known is named"
    if hertz is None:
        return f"the clock `{clock}` is no number"
    network = BENCHMARKS.get(text["benchmark"])
    latency = _number(text["latency_ms"])
    if network is None or latency is None:
        return f"the benchmark `{text['benchmark']}` is not known, or has no latency"
    system = text["system"].lower()
    precision = "fp16" if "fp16" in text.get("quantization", "").lower() else "fp32" if "float" in system else "int8"
    energy, rate = _number(text.get("energy_uj", "")), _number(text.get("energy_inf_per_s", ""))
    return Row(
        text["round"],
        text["system"],
        board,
        core,
        hertz,
        family,
        _version(family, software, text["round"], system),
        precision,
        network,
        latency / 1e3,
        None if energy is None else energy / 1e6,
        1 / rate if rate else None,
        volts_of(text.get("hardware_notes", "")) or _VOLTS.get((text["round"], text["org"].lower(), board)),
    )


def volts_of(text: str) -> float | None:
    """The supply in notes such as `Operating at 3.0V with SMPS`; the first where there are several."""
    found = re.search(r"(\d(?:\.\d+)?)\s?V", text)
    return float(found[1]) if found else None


def board_of(name: str, system: str = "") -> str:
    """The key of a board, whatever the case, the hyphens and the packaging suffix."""
    if system.startswith("microtvm") and "/" in system:
        name = system.partition("/")[2]
    key = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return re.sub(r"^(nucleo_[a-z0-9]+?)_q$", r"\1", key)


def _version(family: str, software: str, each: str, system: str) -> str:
    pattern = VERSIONED.get(family)
    if pattern is None:
        return ""
    found = re.search(pattern, software, re.IGNORECASE)
    version = found[1] if found else _UNSTATED.get((family, each), "")
    if found and family == "x-cube-ai" and "cube" not in software.lower():  # ST Edge AI Core 2.0 is X-CUBE-AI 10.0
        major, _, minor = version.partition(".")
        version = f"{int(major) + EDGE_AI}.{minor}"
    mode = re.search(_MODES, system)
    return f"{version}-{mode[1].replace('_', '-')}" if mode else version


def version_key(version: str) -> tuple[int, ...]:
    """How versions sort; a mode beside a version sorts with it."""
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("-")[0]))


def hertz_of(text: str) -> float | None:
    """A clock such as `120 MHz`, `1Ghz` or `277.5M`."""
    found = re.search(r"([\d.]+)\s*([MG])", text, re.IGNORECASE)
    return float(found[1]) * {"M": 1e6, "G": 1e9}[found[2].upper()] if found else None


def _matched(text: str, patterns: Iterable[tuple[str, str]]) -> str | None:
    plain = text.replace("®", "").replace("™", "")
    return next((name for pattern, name in patterns if re.search(pattern, plain, re.IGNORECASE | re.DOTALL)), None)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


# --- the tables beside it -------------------------------------------------------------------------------------------

#: Network of `mcu_latency.csv` -> what it is. MCUNet's and ProxylessNAS's have no definition here; MobileNet V3 at 224
#: pixels does not fit the SRAM of an ESP32, and what PSRAM takes is not in the form.
_TYPED: Final = {
    "mbv2-w0.3-r64": "mobilenet_v2_narrow_head 0.3 64 1000",
    "Person Detection (MobileNetV1 0.25 96x96x1)": "mobilenet_v1_grayscale 0.25 96 2",
}


def read_typed(folder: Path) -> list[Row]:
    """Rows of `mcu_latency.csv` and of the STM32H747 in `stm32_mobilenets.csv`, whose networks mbcost has."""
    rows = []
    for line in lines_of(folder / "mcu_latency.csv"):
        network, core = _TYPED.get(line["network"]), _matched(line["board"], CORES)
        family, clock, latency = (
            _matched(line["runtime"], FAMILIES),
            hertz_of(line["board"]),
            _number(line["latency_ms"]),
        )
        if network is None or core is None or family is None or clock is None or latency is None:
            continue
        board = board_of(line["board"].partition(" ")[0])
        board = _BOARDS.get(board, board)
        version = _version(family, line["runtime"], "", "")
        rows.append(
            Row("", line["source"], board, core, clock, family, version, line["precision"], network, latency / 1e3)
        )
    return rows


def read_modelzoo(path: Path) -> list[Row]:
    """Rows of the STM32H747 in `stm32_mobilenets.csv` whose weights and activations are in the chip's own memories."""
    rows = []
    for line in lines_of(path):
        found = re.fullmatch(r"MobileNet v([12]) (0\.25|0\.35|0\.5)( grayscale)?", line["network"])
        latency = _number(line["latency_ms"])
        if found is None or "H747" not in line["target"] or latency is None:
            continue
        side = line["input"].partition("x")[0]
        classes = 1000 if "ImageNet" in line["note"] else 101 if "food" in line["note"] else 5
        kind = "_grayscale" if found[3] else ""
        network = f"mobilenet_v{found[1]}{kind} {found[2]} {side} {classes}"
        rows.append(
            Row(
                "",
                line["target"],
                "stm32h747i_disco",
                "cortex_m7",
                400e6,
                "x-cube-ai",
                ZOO,
                "int8",
                network,
                latency / 1e3,
            )
        )
    return rows


# --- counts -----------------------------------------------------------------------------------------------------------


@cache
def graph_of(network: str) -> LayerGraph:
    """The graph of a network: a name, and, where there are, alpha, resolution and classes."""
    name, *rest = network.split()
    own = FOLDER / f"{name}.yaml"
    source = str(own) if own.is_file() else name
    if not rest:
        return build_graph(mbcost.load(source))
    alpha, side, classes = rest
    return build_graph(mbcost.load(source), alpha=float(alpha), resolution=int(side), options={"classes": int(classes)})


@cache
def counts_of(network: str, precision: str) -> tuple[tuple[float, ...], float]:
    """Counts of the form's terms, and MACs, of a network."""
    kernels = map_to_kernels(graph_of(network), load_runtime(RULES), element_bytes=ELEMENT_BYTES[precision])
    vector = tuple(float(value) for value in count_vector(kernels, form()).values())
    return vector, float(sum(kernel.macs for kernel in kernels))


def form() -> LatencyForm:
    """The form of microcontrollers."""
    return find_form("mcu")
