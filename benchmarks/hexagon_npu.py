"""Held-out accuracy on Hexagon NPUs: leave one network out, on every device of a table of Qualcomm AI Hub's latencies.

python benchmarks/hexagon_npu.py --data FILE --json OUT

Each network of the table that ships becomes kernels and counts of the form `hexagon_htp`; a device with at least
`--fewest` of them is scored, by runtime and precision. A network is held out on all devices at once: rates of the
others on all devices give the prior, each up to a factor of its device; the others on the device itself then decide.
Which terms the form has (:data:`FORMS`) is chosen for every held-out network anew, by the same procedure among the
others. `--write FOLDER` fits the devices that ship to all networks and writes their calibrations.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from nn_meter_counts import BenchError

import mbcost
from mbcost.architectures import architecture_names
from mbcost.calibration.file import calibration_text
from mbcost.calibration.fit import calibrate, fit
from mbcost.devices import resolve_target
from mbcost.errors import MbcostError
from mbcost.files import write_text
from mbcost.graph import build_graph
from mbcost.kernels import load_runtime, map_to_kernels
from mbcost.latency.form import count_vector
from mbcost.latency.forms import find_form
from mbcost.latency.model import latency_model
from mbcost.latency.rates import ELEMENT_BYTES

#: Networks under other names there than here, and what differs from their tables: AI Hub's classifiers take 224 x 224
#: pixels (qai_hub_models/models/_shared/imagenet_classifier/model.py), and its ShuffleNet has 1.37 M parameters.
NETWORKS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "efficientnet_b4": ("efficientnet_b4", {"resolution": 224}),
    "regnet": ("regnet_x_3_2gf", {}),
    "resnext50": ("resnext50_32x4d", {}),
    "shufflenet_v2": ("shufflenet_v2", {"alpha": 0.5}),
    "wideresnet50": ("wide_resnet50_2", {}),
}
#: What the table calls a precision -> what mbcost does.
PRECISIONS: Final = {"float": "fp16", "w8a8": "int8"}
RUNTIMES: Final = ("tflite", "qnn_dlc", "onnx")
#: Devices of the table that ship: name there -> target.
SHIPPED: Final = {"Samsung Galaxy S24": "galaxy_s24/npu", "QCS8550 (Proxy)": "qcs8550/npu"}
FORM: Final = find_form("hexagon_htp")
TERMS: Final = tuple(term.name for term in FORM.terms)
#: The forms that are compared: terms that stay.
FORMS: Final[dict[str, tuple[str, ...]]] = {
    "engine": ("call", "engine"),
    "weights": ("call", "engine", "weights"),
    "image": ("call", "engine", "weights", "image"),
    "depthwise": ("call", "engine", "weights", "image", "depthwise"),
    "vector": ("call", "engine", "weights", "image", "depthwise", "vector", "functions"),
    "grouped": ("call", "engine", "weights", "image", "depthwise", "grouped"),
    "all": tuple(term for term in TERMS if term not in ("host", "colours")),
}
#: How far a device's rate may lie from those of all devices together, as a share of it, in the prior [1].
DEVICE_SD: Final = 0.3
#: The prior of those of all devices together: none to speak of.
FREE_SD: Final = 1e3
_ROUNDS: Final = 6
_COLUMNS: Final = ("date", "model_id", "precision", "device", "runtime", "inference_time_ms", "primary_compute_unit")


class Row(NamedTuple):
    """One latency of the table [s]."""

    network: str
    device: str
    runtime: str
    precision: str
    seconds: float


@dataclass(frozen=True)
class Table:
    """Latencies of one runtime and precision.

    Attributes
    ----------
    networks
        Names; `counts` [terms] and `macs` have a row for each.
    seconds
        Device -> latency of each network, NaN where there is none [s].
    """

    networks: tuple[str, ...]
    counts: Any
    macs: Any
    seconds: Mapping[str, Any]


def read_rows(path: Path, date: str | None) -> list[Row]:
    """The latencies of networks on NPUs: of a date, or the last one of each.

    Raises
    ------
    BenchError
        If the file lacks a column, or a line of it has no number.
    """
    latest: dict[tuple[str, ...], tuple[str, Row]] = {}
    with path.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise BenchError(f"{path}:1: no column {', '.join(missing)}")
        for line in reader:
            if line["primary_compute_unit"] != "NPU" or line["precision"] not in PRECISIONS:
                continue
            if date is not None and line["date"] != date:
                continue
            try:
                seconds = float(line["inference_time_ms"]) / 1e3
            except ValueError:
                seconds = 0.0
            if not 0 < seconds < 1e3:
                raise BenchError(f"{path}:{reader.line_num}: {line['inference_time_ms']} is no latency in ms")
            row = Row(line["model_id"], line["device"], line["runtime"], line["precision"], seconds)
            latest[row[:4]] = max(latest.get(row[:4], ("", row)), (line["date"], row))
    return [row for _, row in latest.values()]


@cache
def counts_of(network: str, precision: str) -> tuple[float, tuple[float, ...]] | None:
    """MACs of a network and counts of the form's terms; None if it does not ship, or the runtime does not take it."""
    name, configuration = NETWORKS.get(network, (network, {}))
    if name not in architecture_names():
        return None
    try:
        graph = build_graph(mbcost.load(name), **configuration)
        kernels = map_to_kernels(graph, load_runtime("tflite-htp"), element_bytes=ELEMENT_BYTES[PRECISIONS[precision]])
    except MbcostError:
        return None
    return float(graph.cost.macs), tuple(map(float, count_vector(kernels, FORM).values()))


def table_of(rows: Sequence[Row], runtime: str, precision: str, fewest: int) -> Table:
    """The latencies of a runtime and precision, of devices with enough networks."""
    chosen = [row for row in rows if (row.runtime, row.precision) == (runtime, precision)]
    found = {row.network: counts_of(row.network, precision) for row in chosen}
    networks = tuple(sorted(name for name, counts in found.items() if counts is not None))
    seconds: dict[str, Any] = defaultdict(lambda: np.full(len(networks), np.nan))
    for row in chosen:
        if row.network in networks:
            seconds[row.device][networks.index(row.network)] = row.seconds
    pairs = [found[name] or (0.0, ()) for name in networks]
    return Table(
        networks,
        np.array([counts for _, counts in pairs]).reshape(len(networks), len(TERMS)),
        np.array([macs for macs, _ in pairs]),
        {name: values for name, values in sorted(seconds.items()) if np.isfinite(values).sum() >= fewest},
    )


def common_rates(table: Table, terms: Sequence[str], inside: Any) -> tuple[Any, dict[str, float]]:
    """Rates of all devices together, by networks `inside`, and the factor of each device."""
    scale = {name: float(np.nanmedian(values[inside])) for name, values in table.seconds.items()}
    used = np.isin(TERMS, terms)
    typical = np.where(used, 1 / np.maximum(table.counts[inside].mean(axis=0), 1.0), 0.0)
    rates = typical
    for _ in range(_ROUNDS):
        counts, ratios = [], []
        for name, values in table.seconds.items():
            here = inside & np.isfinite(values)
            counts.append(table.counts[here])
            ratios.append(values[here] / scale[name])
        rates = fit(np.vstack(counts), np.concatenate(ratios), typical, prior_sd=FREE_SD).rates
        for name, count, ratio in zip(scale, counts, ratios, strict=True):
            scale[name] *= float(np.exp(np.mean(np.log(ratio / (count @ rates)))))
    return rates, scale


def ratios_of(table: Table, terms: Sequence[str], out: frozenset[int]) -> dict[tuple[str, int], float]:
    """Predicted over measured latency of networks by all others, on each device."""
    inside = np.array([i not in out for i in range(len(table.networks))])
    rates, scale = common_rates(table, terms, inside)
    found = {}
    for name, values in table.seconds.items():
        here = inside & np.isfinite(values)
        fitted = fit(table.counts[here], values[here], rates * scale[name], prior_sd=DEVICE_SD).rates
        for i in out:
            if np.isfinite(values[i]):
                found[name, i] = float(table.counts[i] @ fitted / values[i])
    return found


def baseline_of(table: Table, out: int) -> dict[tuple[str, int], float]:
    """The same of a constant plus a rate a MAC, each device on its own."""
    found = {}
    for name, values in table.seconds.items():
        here = np.isfinite(values) & (np.arange(len(values)) != out)
        columns = np.column_stack([np.ones(len(values)), table.macs])
        rates = np.linalg.lstsq(columns[here] / values[here, None], np.ones(here.sum()), rcond=None)[0]
        if np.isfinite(values[out]):
            found[name, out] = float(columns[out] @ rates / values[out])
    return found


def mape(ratios: Mapping[tuple[str, int], float]) -> float:
    """Mean over devices of their mean errors [1]."""
    errors = defaultdict(list)
    for (device, _), ratio in ratios.items():
        errors[device].append(abs(ratio - 1))
    return float(np.mean([np.mean(values) for values in errors.values()]))


def score(table: Table) -> dict[str, Any]:
    """Leave one network out, with the form chosen among the others."""
    pairs = cache(lambda form, out: ratios_of(table, FORMS[form], out))
    ratios: dict[tuple[str, int], float] = {}
    fixed: dict[str, dict[tuple[str, int], float]] = {form: {} for form in FORMS}
    baseline: dict[tuple[str, int], float] = {}
    chosen = {}
    everything = range(len(table.networks))
    for out in everything:
        inner = {
            form: mape(
                {
                    place: ratio
                    for other in everything
                    if other != out
                    for place, ratio in pairs(form, frozenset({out, other})).items()
                    if place[1] == other
                }
            )
            for form in FORMS
        }
        best = min(inner, key=lambda form: inner[form])
        chosen[table.networks[out]] = best
        for form in FORMS:
            fixed[form].update(pairs(form, frozenset({out})))
        ratios.update(pairs(best, frozenset({out})))
        baseline.update(baseline_of(table, out))
    by_network = defaultdict(list)
    for (_, i), ratio in ratios.items():
        by_network[table.networks[i]].append(ratio - 1)
    return {
        "devices": {
            name: {
                "networks": int(np.isfinite(values).sum()),
                "mape": mape({place: ratio for place, ratio in ratios.items() if place[0] == name}),
                "baseline_mape": mape({place: ratio for place, ratio in baseline.items() if place[0] == name}),
            }
            for name, values in table.seconds.items()
        },
        "mape": mape(ratios),
        "baseline_mape": mape(baseline),
        "hit10": float(np.mean([abs(ratio - 1) <= 0.10 for ratio in ratios.values()])),
        "hit20": float(np.mean([abs(ratio - 1) <= 0.20 for ratio in ratios.values()])),
        "chosen": chosen,
        "bias": {name: float(np.mean(errors)) for name, errors in sorted(by_network.items())},
        "forms": {form: mape(of) for form, of in fixed.items()},
    }


def write_calibration(table: Table, precision: str, device: str, folder: Path) -> None:
    """Fit a device that ships to all networks and write its calibration."""
    target = resolve_target(SHIPPED[device], precision=PRECISIONS[precision])
    _, _, rates = latency_model(target)
    here = np.isfinite(table.seconds[device])
    calibration = calibrate(
        target,
        FORM,
        [name for name, is_in in zip(table.networks, here, strict=True) if is_in],
        table.counts[here],
        table.macs[here],
        table.seconds[device][here],
        {name: float(rate.seconds) for name, rate in rates.items()},
        date=datetime.now(UTC).date().isoformat(),
        source=f"Qualcomm AI Hub, {device}, TFLite, {precision}: classifiers",
    )
    path = folder / f"{calibration.name}.yaml"
    write_text(path, calibration_text(calibration), force=True)
    print(f"wrote {path}")


def main() -> int:
    """Score and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a table in the layout of hexagon_classifiers.csv")
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    parser.add_argument("--runtimes", default=",".join(RUNTIMES), help="of the table")
    parser.add_argument("--date", help="a snapshot of the table; default: the last one of each network")
    parser.add_argument("--fewest", type=int, default=8, metavar="N", help="networks that a device has to have")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="also write the calibrations that ship")
    arguments = parser.parse_args()
    try:
        return _run(arguments)
    except (BenchError, MbcostError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _run(arguments: argparse.Namespace) -> int:
    if arguments.fewest < 4:
        raise BenchError("--fewest is at least 4: two networks are out of every inner fit")
    rows = read_rows(arguments.data, arguments.date)
    results = []
    for runtime in arguments.runtimes.split(","):
        for precision in PRECISIONS:
            table = table_of(rows, runtime, precision, arguments.fewest)
            if not table.seconds:
                print(f"{runtime} {precision}: no device has {arguments.fewest} networks", file=sys.stderr)
                continue
            known = {row.network for row in rows if (row.runtime, row.precision) == (runtime, precision)}
            left_out = sorted(known - set(table.networks))
            if left_out:
                print(
                    f"{runtime} {precision}: left out, since they do not ship: {', '.join(left_out)}", file=sys.stderr
                )
            found = {"runtime": runtime, "precision": precision, "left_out": left_out, **score(table)}
            results.append(found)
            print(
                f"{runtime} {precision}: {len(table.seconds)} devices, {len(table.networks)} networks, "
                f"MAPE {found['mape']:.1%}, constant + MACs {found['baseline_mape']:.1%}, "
                f"within 10 % {found['hit10']:.0%}, 20 % {found['hit20']:.0%}"
            )
            if arguments.write is not None and runtime == "tflite":
                for device in SHIPPED:
                    write_calibration(table, precision, device, arguments.write)
    if not results:
        raise BenchError(f"{arguments.data}: no runtime has a device with {arguments.fewest} networks that ship")
    write_text(arguments.json, json.dumps({"results": results}, indent=2) + "\n", force=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
