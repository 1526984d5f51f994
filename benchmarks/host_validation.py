"""Calibrate this machine and predict networks that the calibration has not seen.

python benchmarks/host_validation.py --nets benchmarks.host_networks:networks --suite quick --json OUT

measures the suite's random networks (or kernels) with PyTorch, or in the runtime that ``--runtime`` names, calibrates,
then measures and predicts the networks that the function returns, ``{name: (nn.Module, example_input)}``. For a runtime
of model files mbcost reads each module and writes its file; what does not run is in ``left_out`` with the reason. They
are measured twice, in two processes, each time with as many visits as the calibration's networks: the difference is the
machine's noise, the mean is what predictions are compared with. Run it in the root of the repository.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path.cwd()), str(Path(__file__).parent.parent)]

import mbcost  # noqa: E402
from mbcost.architectures.spec import ArchitectureSpec  # noqa: E402
from mbcost.calibration.fit import residuals  # noqa: E402
from mbcost.cli.run import run  # noqa: E402
from mbcost.devices import resolve_target  # noqa: E402
from mbcost.errors import InputError  # noqa: E402
from mbcost.importers.pytorch import from_torch  # noqa: E402
from mbcost.runner.engines import ENGINES  # noqa: E402
from mbcost.runner.engines.model_files import write_model  # noqa: E402
from mbcost.runner.measure import measure_networks  # noqa: E402
from mbcost.runner.settings import Settings, Source, checked_settings  # noqa: E402

NAME = "this-host"
#: Time of a pass over the networks [s a network]; its first two rounds are made however long they take.
SECONDS = 1.7


def calibrated(folder: Path, arguments: argparse.Namespace, settings: Settings) -> float:
    """Bench and calibrate; what that took [s]."""
    started = time.monotonic()
    csv = folder / "bench.csv"
    options = [
        f"--runtime={settings.engine}",
        f"--precision={settings.precision}",
        f"--threads={settings.threads}",
        f"--mode={settings.mode}",
        *(["--channels-last"] if settings.channels_last else []),
    ]
    for command in (
        ["bench", "-o", str(csv), "--suite", arguments.suite, *options],
        ["calibrate", str(csv), "--name", NAME],
    ):
        code = run(command)
        if code:
            sys.exit(code)
    return time.monotonic() - started


def imported(networks: dict[str, Any], left_out: dict[str, str]) -> dict[str, ArchitectureSpec]:
    """The modules as mbcost reads them, by name."""
    found = {}
    for name, (module, example) in networks.items():
        try:
            found[name] = from_torch(module, example, name="network")
        except InputError as error:
            left_out[name] = error.problems[0].message
    return found


def sources_of(
    specs: dict[str, ArchitectureSpec], nets: str, settings: Settings, folder: Path, left_out: dict[str, str]
) -> list[tuple[str, Source]]:
    """What is measured: PyTorch's modules themselves, or their files."""
    if not settings.is_file_based:
        return [(name, Source("callable", nets, name)) for name in specs]
    found = []
    for i, (name, spec) in enumerate(specs.items()):
        path = folder / f"{i}{ENGINES[settings.engine].suffix}"
        try:
            found.append((name, Source("file", str(write_model(spec, path, settings.file_precision)))))
        except InputError as error:
            left_out[name] = error.problems[0].message
    return found


def predicted(
    specs: dict[str, ArchitectureSpec], settings: Settings, left_out: dict[str, str]
) -> dict[str, tuple[float, float, float]]:
    """Latency and its interval [s], by name."""
    target = resolve_target(f"{NAME}@{settings.runtime}", precision=settings.precision, threads=settings.threads)
    found = {}
    for name, spec in specs.items():
        try:
            analysis = mbcost.analyze(spec, target)
        except InputError as error:
            left_out[name] = error.problems[0].message
            continue
        found[name] = (analysis.latency_s, analysis.latency_low_s, analysis.latency_high_s)
    return found


def kendall_tau(first: list[float], second: list[float]) -> float:
    """Share of pairs in the same order, minus that of pairs in the other one [1]."""
    pairs = list(itertools.combinations(range(len(first)), 2))
    signs = [np.sign(first[i] - first[j]) * np.sign(second[i] - second[j]) for i, j in pairs]
    return float(np.mean(signs))


def main() -> None:
    """Print the table and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", default="benchmarks.host_networks:networks", metavar="MODULE:FUNCTION")
    parser.add_argument("--suite", default="quick", choices=["quick", "full", "kernels"])
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--runtime", default="pytorch", choices=["pytorch", *ENGINES])
    parser.add_argument("--precision", default="fp32", choices=["fp32", "fp16", "int8"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--mode", default="eager", choices=["eager", "compile"])
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the bench and the calibration there")
    arguments = parser.parse_args()
    settings = checked_settings(
        "cpu", arguments.threads, arguments.channels_last, arguments.mode, arguments.precision, arguments.runtime
    )
    home, _, function = arguments.nets.partition(":")
    networks = getattr(importlib.import_module(home), function)()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        (folder / "devices").mkdir(parents=True, exist_ok=True)
        os.environ["MBCOST_DEVICES"] = str(folder / "devices")
        calibration_s = calibrated(folder, arguments, settings)
        left_out: dict[str, str] = {}
        specs = imported(networks, left_out)
        predictions = predicted(specs, settings, left_out)
        files = Path(scratch) / "files"
        files.mkdir()
        specs = {name: specs[name] for name in predictions}
        sources = sources_of(specs, arguments.nets, settings, files, left_out)
        passes = [measure_networks(settings, sources, seconds=SECONDS * len(sources)) for _ in range(2)]
    for name, _ in sources:
        failed = [timings[name].failed for timings in passes if timings[name].failed]
        if failed:
            left_out[name] = failed[0]
    for name, reason in left_out.items():
        print(f"{name} is left out: {reason}", file=sys.stderr)
    networks = {name: networks[name] for name in networks if name not in left_out}
    measured = {name: sum(timings[name].latency_s for timings in passes) / 2 for name in networks}
    noise = [abs(passes[0][name].latency_s / passes[1][name].latency_s - 1) for name in networks]
    ratios = np.array([predictions[name][0] / measured[name] for name in networks])
    found = residuals(ratios)
    covered = [predictions[name][1] <= measured[name] <= predictions[name][2] for name in networks]
    report = {
        "mape": found.mape,
        "hit5": found.hit5,
        "hit10": found.hit10,
        "hit20": found.hit20,
        "kendall_tau": kendall_tau(list(measured.values()), [predictions[name][0] for name in networks]),
        "coverage90": float(np.mean(covered)),
        "calibration_s": calibration_s,
        "bias": found.bias,
        "noise": float(np.mean(noise)),
        "worst_noise": max(noise),
        "left_out": left_out,
        "networks": {
            name: {
                "measured_ms": measured[name] * 1e3,
                "predicted_ms": predictions[name][0] * 1e3,
                "covered": bool(inside),
                "noise": difference,
            }
            for name, inside, difference in zip(networks, covered, noise, strict=True)
        },
    }
    for name, ratio in zip(networks, ratios, strict=True):
        print(f"{name:<28} {measured[name] * 1e3:8.2f} ms  {predictions[name][0] * 1e3:8.2f} ms  {ratio - 1:+6.1%}")
    print({key: round(value, 4) for key, value in report.items() if key not in {"networks", "left_out"}})
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
