"""What the PyTorch runner reaches on a machine, as Markdown: repeats, learning curves, operators.

python benchmarks/runner_report.py FOLDER... [--operators] [--note TEXT] [--write]

Each FOLDER is one that ``host_validation.py --keep FOLDER --json FOLDER/result.json`` left, or one with
nothing but the ``bench.csv`` of ``mbcost bench``; it may be of networks or of kernels. Learning curves fit parts of a
bench, and mixtures of both kinds, and score them on the networks that the first run measured. ``--operators`` runs two
networks under torch.profiler. ``--write`` writes reports/runner.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path.cwd()), str(Path(__file__).parent.parent)]

from benchmarks.host_networks import FRESH_NETWORKS, NETWORKS, SECOND_NETWORKS, networks  # noqa: E402
from benchmarks.host_validation import kendall_tau  # noqa: E402
from mbcost.calibration.fit import fit, residuals  # noqa: E402
from mbcost.calibration.measurements import noise_of, read_measurements, work_of  # noqa: E402
from mbcost.devices import Target, resolve_target  # noqa: E402
from mbcost.graph import LayerGraph, build_graph  # noqa: E402
from mbcost.importers.pytorch import from_torch  # noqa: E402
from mbcost.kernels import map_to_kernels  # noqa: E402
from mbcost.latency.form import count_vector  # noqa: E402
from mbcost.latency.forms.pytorch_cpu import is_native  # noqa: E402
from mbcost.latency.model import latency_model  # noqa: E402
from mbcost.prediction import estimate, prepare  # noqa: E402
from mbcost.runner.measure import shares_by_class  # noqa: E402
from mbcost.runner.session import open_session  # noqa: E402
from mbcost.runner.settings import Settings, Source  # noqa: E402

ROOT = Path(__file__).parent.parent
REPORT = ROOT / "reports" / "runner.md"
NAME = "this-host"
PROFILED = ("mobilenet_v2 1.0 224", "resnet18 224")


@dataclass(frozen=True)
class Run:
    """One kept folder."""

    folder: Path
    result: dict[str, Any]
    bench: dict[str, Any]

    @property
    def settings(self) -> dict[str, Any]:
        return {key: self.bench["bench"][key] for key in ("suite", "threads", "channels_last", "mode")}

    @property
    def networks(self) -> dict[str, dict[str, Any]]:
        """What was measured and predicted of each network, by name."""
        found: dict[str, dict[str, Any]] = self.result["networks"]
        return found

    @property
    def label(self) -> str:
        """Such as ``quick, 1 thread``."""
        s = self.settings
        threads = "1 thread" if s["threads"] == 1 else f"{s['threads']} threads"
        words = [s["suite"], threads, *(["channels last"] if s["channels_last"] else [])]
        return ", ".join([*words, *([s["mode"]] if s["mode"] != "eager" else [])])

    @property
    def target(self) -> Target:
        s = self.settings
        mode = Settings(threads=s["threads"], channels_last=s["channels_last"], mode=s["mode"])
        path = self.folder / "devices" / f"{NAME}.yaml"
        return resolve_target(f"{path}@{mode.runtime}", threads=mode.threads)


def read_run(folder: Path) -> Run:
    path = folder / "result.json"
    result = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"networks": {}}
    return Run(folder, result, json.loads((folder / "bench.json").read_text(encoding="utf-8")))


def repeats(runs: list[Run]) -> list[str]:
    """The table of all runs: the networks that the runner was developed with, the second ones, and the fresh ones."""
    columns = (
        "bench", "measured", "s", "networks", "mean abs. error", "mean error", "within 5 %", "within 10 %",
        "within 20 %", "Kendall tau", "in the 90 % interval", "noise: the same networks twice, mean (worst)",
    )  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for run in runs:
        for kind, names in (("known", NETWORKS), ("second", SECOND_NETWORKS), ("fresh", FRESH_NETWORKS)):
            rows = [row for name, row in run.networks.items() if name in names]
            if not rows:
                continue
            measured, predicted = ([row[f"{what}_ms"] for row in rows] for what in ("measured", "predicted"))
            found = residuals(np.array(predicted) / np.array(measured))
            noise = [row["noise"] for row in rows]
            lines.append(
                f"| {run.label} | {run.bench['measured']} | {run.result['calibration_s']:.0f} | {len(rows)} {kind} "
                f"| {found.mape:.1%} | {found.bias:+.1%} | {found.hit5:.0%} | {found.hit10:.0%} | {found.hit20:.0%} "
                f"| {kendall_tau(measured, predicted):.3f} | {np.mean([row['covered'] for row in rows]):.0%} "
                f"| {np.mean(noise):.1%} ({max(noise):.1%}) |"
            )
    return lines


def network_table(runs: list[Run]) -> list[str]:
    """Every network of every run."""
    lines = ["| network | " + " | ".join(f"run {i + 1}: measured, error" for i in range(len(runs))) + " |"]
    lines.append("|---|" + "---|" * len(runs))
    for name in {name: None for run in runs for name in run.networks}:
        cells = []
        for run in runs:
            row = run.networks.get(name)
            if row is None:
                cells.append("")
                continue
            cells.append(f"{row['measured_ms']:.2f} ms, {row['predicted_ms'] / row['measured_ms'] - 1:+.1%}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def graphs(run: Run) -> dict[str, LayerGraph]:
    known = networks()
    return {name: build_graph(from_torch(*known[name])) for name in run.networks if name in known}


def learning_curve(whole: Run, kernels: Run | None, graphs: dict[str, LayerGraph]) -> list[str]:
    """Error on the unseen networks against seconds of measuring, by a fit to parts of the benches."""
    target = whole.target
    runtime, form, rates = latency_model(target)
    priors = np.array([float(rate.seconds) for rate in rates.values()])
    kernels_of = {name: map_to_kernels(graph, runtime) for name, graph in graphs.items()}
    counts = np.array([[float(v) for v in count_vector(found, form).values()] for found in kernels_of.values()])

    def rows_of(run: Run) -> tuple[Any, Any, Any]:
        rows = read_measurements(run.folder / "bench.csv")[0]
        work = work_of(rows, target)
        return work.counts, work.measured_s, noise_of(rows)

    sets = {"networks": rows_of(whole)}
    seconds = {"networks": whole.bench["seconds"] / len(sets["networks"][1])}
    if kernels is not None:
        sets["kernels"] = rows_of(kernels)
        seconds["kernels"] = kernels.bench["seconds"] / len(sets["kernels"][1])
    lines = ["| calibrated on | s of measuring | mean abs. error | within 10 % |", "|---|---|---|---|"]
    for share_of_kernels in (0.0, 1.0, 0.5):
        if share_of_kernels and kernels is None:
            continue
        for share in (0.1, 0.2, 0.4, 0.7, 1.0):
            parts = {"networks": share * (1 - share_of_kernels), "kernels": share * share_of_kernels}
            chosen = {kind: round(part * len(sets[kind][1])) for kind, part in parts.items() if part}
            order = {kind: np.random.default_rng(0).permutation(len(sets[kind][1]))[:n] for kind, n in chosen.items()}
            stacked = [np.concatenate([sets[kind][i][order[kind]] for kind in chosen]) for i in range(3)]
            fitted = fit(stacked[0], stacked[1], priors, noise=stacked[2]).rates
            measured = np.array([whole.networks[name]["measured_ms"] * 1e-3 for name in graphs])
            found = residuals(counts @ fitted / measured)
            took = sum(seconds[kind] * number for kind, number in chosen.items())
            what = " and ".join(f"{number} {kind}" for kind, number in chosen.items())
            lines.append(f"| {what} | {took:.0f} | {found.mape:.1%} | {found.hit10:.0%} |")
    measured = np.array([whole.networks[name]["measured_ms"] * 1e-3 for name in graphs])
    found = residuals(counts @ priors / measured)
    nothing = "nothing: the runtime's rates, the machine's peak and bandwidth"
    lines.insert(2, f"| {nothing} | 1 | {found.mape:.1%} | {found.hit10:.0%} |")
    return lines


def operator_class(kernel: Any) -> str:
    """The class of :data:`mbcost.runner.measure.OPERATOR_CLASSES` that a kernel's time is in."""
    if kernel.kind in {"pointwise", "direct_conv", "depthwise"}:
        native = kernel.kind == "pointwise" or (kernel.kind == "direct_conv" and is_native(kernel))
        return "matrix-product convolution" if native else "oneDNN convolution"
    if kernel.op == "batch_norm":
        return "batch norm"
    return {"pool": "pooling", "dense": "dense", "copy": "copy"}.get(kernel.kind, "activation, arithmetic")


def operators(run: Run, graphs: dict[str, LayerGraph]) -> list[str]:
    """Shares of the time by class of operators: predicted, and by torch.profiler."""
    import os

    os.environ["MBCOST_DEVICES"] = str((run.folder / "devices").resolve())
    target = resolve_target(NAME)
    _, runtime, form, rates, _, _ = prepare(target)
    lines = ["| network | class | torch.profiler | predicted | difference |", "|---|---|---|---|---|"]
    with open_session(Settings()) as session:
        for name in PROFILED:
            source = Source("callable", "benchmarks.host_networks:networks", name)
            shares = shares_by_class(session.ask(do="operators", source=asdict(source))["operators"])
            kernels = map_to_kernels(graphs[name], runtime)
            times: Counter[str] = Counter()
            for kernel, found in zip(kernels, estimate(kernels, form, rates), strict=True):
                times[operator_class(kernel)] += found.latency_s
            total = sum(times.values())
            for kind, share in shares.items():
                predicted = times[kind] / total
                lines.append(
                    f"| {name} | {kind} | {share:.1%} | {predicted:.1%} | {100 * (predicted - share):+.1f} points |"
                )
    return lines


def report(runs: list[Run], *, with_operators: bool, note: str = "") -> str:
    """The whole report."""
    machine = runs[0].bench["environment"]
    whole = [run for run in runs if run.settings == {**runs[0].settings, "suite": "quick"}]
    kernels = next((run for run in runs if run.settings["suite"] == "kernels"), None)
    nets = graphs(whole[0])
    about = (
        f"{machine['cpu']} ({machine['cpu_capability']}, {machine['cores']} cores, a shared virtual machine), "
        f"PyTorch {machine['torch']}, oneDNN {machine['onednn']}, MKL {machine['mkl']}. Each run "
        "benches, calibrates, and then measures networks of `benchmarks/host_networks.py`, which no calibration has "
        "seen, twice. The runner was developed with an eye on the known ones. The second ones were fresh until their "
        "errors showed what maps of 2x2 and 3x3 pixels take; the fresh ones were written after that. "
        "Made by `benchmarks/host_validation.py` and `benchmarks/runner_report.py`."
    )
    scored = (
        "Run 1's bench in part, scored on run 1's known networks. The runtime's own rates were fitted on this "
        "processor, so the first row says nothing about others."
    )
    parts = [
        "# The PyTorch runner on one machine",
        about,
        "\n".join(repeats(runs)),
        *([note] if note else []),
        "## Every network, eager, one thread",
        "\n".join(network_table(whole)),
        "## Learning curve",
        scored,
        "\n".join(learning_curve(whole[0], kernels, nets)),
    ]
    if with_operators:
        parts += [
            "## Operators",
            "Share of the time by class, eager, one thread; an operator has its least time of 20 runs.",
            "\n".join(operators(whole[0], nets)),
        ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Print or write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--operators", action="store_true")
    parser.add_argument("--note", default="", help="what else is to be known of the runs")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    text = report(
        [read_run(folder) for folder in arguments.folders], with_operators=arguments.operators, note=arguments.note
    )
    if arguments.write:
        REPORT.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
