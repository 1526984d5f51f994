"""Load on ``mbcost serve``: 20 analyses asked for at once, of different networks and devices; none lost, how long each.

    python benchmarks/serve_load.py [--analyses 20] [--workers 2]

Exits with 1 if a result is missing, failed, is not that of `mbcost.analyze`, or took more than 5 s from the request to
the stored page.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import mbcost
from mbcost.serve.client import ask, send

NETWORKS = (
    "mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "resnet50", "efficientnet_b0", "densenet121", "vgg16",
    "xception", "yolov8n", "unet",
)  # fmt: skip
DEVICES = ("pixel1", "pixel4", "pixel4/gpu", "Pixel 9", "snapdragon_8_gen_3")
LIMIT_S = 5.0


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--analyses", type=int, default=20)
    options.add_argument("--workers", type=int, default=2)
    chosen = options.parse_args()
    count = len(NETWORKS)
    tasks = [
        (NETWORKS[i % count], DEVICES[(i + i // count) % len(DEVICES)], i % 2 == 1) for i in range(chosen.analyses)
    ]
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mbcost", "serve", "--folder", f"{folder}/state", "--port", "0"]
        command += ["--workers", str(chosen.workers)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        try:
            for name in NETWORKS:  # half of the tasks upload their network, as a user does
                mbcost.convert(name, f"{folder}/{name}.yaml")
            ready = ask(url, "POST", "/api/results", asked({"name": "mobilenet_v1"}, "pixel1"))["key"]
            ask(url, "GET", f"/api/results/{ready}?wait=20")  # a person opens the page before 20 of them use it
            start = time.perf_counter()
            with ThreadPoolExecutor(len(tasks)) as people:
                found = list(people.map(lambda task: run(url, Path(folder), *task), tasks))
            total = time.perf_counter() - start
            pairs = zip(found, tasks, strict=True)
            times = [took for (took, key), task in pairs if is_right(url, Path(folder), key, *task)]
        finally:
            server.terminate()
            server.wait()
            server.stdout.close()
    print(f"{len(tasks)} analyses at once on {os.cpu_count()} cores, {chosen.workers} workers: {len(times)} right")
    if times:
        median = statistics.median(times)
        print(f"all done in {total:.2f} s; each {min(times):.2f} to {max(times):.2f} s, median {median:.2f} s")
    return 0 if len(times) == len(tasks) and max(times) <= LIMIT_S else 1


def asked(network: dict[str, str], device: str) -> dict[str, object]:
    return {"kind": "analyze", "networks": [network], "devices": [device]}


def run(url: str, folder: Path, name: str, device: str, uploads: bool) -> tuple[float, str]:
    """Seconds from the request to the stored page, and its key."""
    start = time.perf_counter()
    network = {"upload": send(url, folder / f"{name}.yaml")} if uploads else {"name": name}
    key = ask(url, "POST", "/api/results", asked(network, device))["key"]
    while ask(url, "GET", f"/api/results/{key}?wait=10")["state"] in {"waiting", "running"}:
        pass
    return time.perf_counter() - start, key


def is_right(url: str, folder: Path, key: str, name: str, device: str, uploads: bool) -> bool:
    """Whether a result is stored with its page, and is that of `mbcost.analyze`."""
    found = ask(url, "GET", f"/api/results/{key}")
    if found["state"] != "done":
        print(f"{name} on {device}: {found['problems']}")
        return False
    right = mbcost.analyze(str(folder / f"{name}.yaml") if uploads else name, device)
    stored = ask(url, "GET", f"/results/{key}/result.json")
    same = json.dumps(stored["latency_ms"]) == json.dumps(right.to_dict()["latency_ms"])
    return same and "report.html" in found["files"]


if __name__ == "__main__":
    sys.exit(main())
