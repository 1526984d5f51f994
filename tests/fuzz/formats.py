"""The formats that are fuzzed: seeds, how a mutant is made, its first parser, and what mbcost does with it.

Seeds are the project's own small files; where a checkout has `../shared/cases/files` beside it, those too.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import shutil
import tomllib
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

import mbcost
from mbcost.calibration.csv_rows import read_csv
from mbcost.calibration.logs.readers import read_log
from mbcost.calibration.logs.rows import operators_text, rows_of, rows_text
from mbcost.calibration.measurements import _LAYOUTS, read_measurements
from mbcost.cli.defaults import read_defaults
from mbcost.devices import check_device, resolve_target
from mbcost.errors import InputError
from mbcost.files import load_yaml
from mbcost.importers.mapped_file import mapped
from mbcost.importers.onnx.model import read_graph, read_header
from mbcost.importers.onnx.tensors import ModelError
from mbcost.importers.onnx.wire import Range, WireError
from mbcost.importers.tflite.flatbuffer import DamagedError, Flatbuffer
from mbcost.importers.tflite.schema import IDENTIFIER, SCHEMA
from mbcost.resources import hardware_profiles, runtime_rules
from tests.fuzz.texts import bytes_mutant, csv_mutant, json_mutant, yaml_mutant

ROOT: Final = Path(__file__).parents[2]
SHARED: Final = ROOT.parent / "shared" / "cases" / "files"

#: Targets of every latency form: CPUs, GPUs, NPUs, FPGAs and DSPs.
TARGETS: Final = (
    "pixel1", "pixel4", "pixel4/gpu", "pixel1/cpu@tflite-2019", "raspberry_pi_4@xnnpack-2020", "a100", "edge_tpu",
    "ethos_u55_256", "zcu102", "vck190", "intel_ncs2", "zc706", "galaxy_s24/npu", "galaxy_s8/dsp", "iphone_x",
)  # fmt: skip
#: A network that is analysed in a millisecond.
TINY: Final = """\
name: tiny
source: a test
input: 32x32x3
layers:
  - {op: conv2d, out: 16, kernel: 3, stride: 2, norm: batch_norm, activation: relu6}
  - {op: depthwise_conv2d, kernel: 3, norm: batch_norm, activation: relu6}
  - {op: conv2d, out: 24, kernel: 1}
  - {op: global_avg_pool}
  - {op: dense, out: 10}
"""


class NotParsedError(Exception):
    """The first parser does not take a mutant."""


class Format:
    """A format of files."""

    name = ""

    @cached_property
    def seeds(self) -> Sequence[Any]:
        """What mutants are made from."""
        raise NotImplementedError

    def write(self, folder: Path, rng: random.Random) -> Path:
        """Write a mutant into an empty folder; its name tells two mutants apart, since loaders keep what they read."""
        raise NotImplementedError

    def parse(self, path: Path) -> None:
        """Read a mutant by the first parser.

        Raises
        ------
        NotParsedError, InputError
            If it does not take it.
        """
        raise NotImplementedError

    def use(self, path: Path, rng: random.Random) -> None:
        """All that mbcost does with such a file."""
        raise NotImplementedError


def shared_files(*suffixes: str) -> list[bytes]:
    """The contents of files that went wrong before."""
    found = sorted(path for path in SHARED.rglob("*") if path.suffix in suffixes) if SHARED.is_dir() else []
    return [path.read_bytes() for path in found]


def analysed(network: Any, device: Any, **more: Any) -> None:
    """An analysis whose numbers are numbers, written as JSON."""
    result = mbcost.analyze(network, device, **more)
    assert 0 <= result.latency_low_s <= result.latency_s <= result.latency_high_s < float("inf")
    json.dumps(result.to_dict(), allow_nan=False)


def _fresh(folder: Path, rng: random.Random, suffix: str) -> Path:
    return folder / f"m{rng.getrandbits(48):012x}{suffix}"


def _analysed_model(path: Path, rng: random.Random) -> None:
    more: dict[str, Any] = {"unsupported": rng.choice(("refuse", "estimate", "estimate"))}
    if rng.random() < 0.1:
        more["resolution"] = rng.choice((1, 32, 224, 4096))
    if rng.random() < 0.1:
        more["batch"] = rng.choice((1, 3, 1000))
    analysed(path, rng.choice(TARGETS), **more)


class Onnx(Format):
    """ONNX files."""

    name = "onnx"

    @cached_property
    def seeds(self) -> Sequence[bytes]:
        from tests.importers.onnx.models import Net
        from tests.importers.onnx.test_operators import CASES

        found = []
        for case in CASES:
            net = Net(case.opset)
            output = net.node("Relu", case.build(net))
            found.append(net.model([output], {"x": case.dims}).SerializeToString())
        return [*found, *[content for content in shared_files(".onnx") if len(content) < 64_000] * 4]

    def write(self, folder: Path, rng: random.Random) -> Path:
        from tests.fuzz.onnx_mutants import onnx_mutant

        path = _fresh(folder, rng, ".onnx")
        path.write_bytes(onnx_mutant(rng.choice(self.seeds), rng))
        return path

    def parse(self, path: Path) -> None:
        with mapped(path, "an ONNX file") as data:
            try:
                model = read_header(Range(data, 0, len(data)))
                read_graph(model)
            except (WireError, ModelError) as error:
                raise NotParsedError from error
            if not model.graph:
                raise NotParsedError

    def use(self, path: Path, rng: random.Random) -> None:
        _analysed_model(path, rng)


class TFLite(Format):
    """TensorFlow Lite files."""

    name = "tflite"

    @cached_property
    def seeds(self) -> Sequence[Any]:
        from tests.importers.tflite.build import Model
        from tests.importers.tflite.cases import CASES

        models: list[Any] = []
        files: list[Any] = []
        for _, build, _ in CASES:
            model = Model()
            output = build(model)
            files.append(model.finish(*(output if isinstance(output, list) else [output])))
            models.append(model)
        return [*models, *models, *files, *shared_files(".tflite") * 4]

    def write(self, folder: Path, rng: random.Random) -> Path:
        from tests.fuzz.tflite_mutants import file_mutant, model_mutant

        seed = rng.choice(self.seeds)
        path = _fresh(folder, rng, ".tflite")
        path.write_bytes(file_mutant(seed, rng) if isinstance(seed, bytes) else model_mutant(seed, rng))
        return path

    def parse(self, path: Path) -> None:
        content = path.read_bytes()
        if content[4:8] != IDENTIFIER:
            raise NotParsedError
        try:
            root = Flatbuffer(content, SCHEMA).root("Model")
            for graph in root.tables("subgraphs"):
                for name in ("tensors", "operators"):
                    for table in graph.tables(name):
                        table.has("")
        except DamagedError as error:
            raise NotParsedError from error

    def use(self, path: Path, rng: random.Random) -> None:
        _analysed_model(path, rng)


class _Yaml(Format):
    """Files of YAML."""

    @cached_property
    def texts(self) -> Sequence[str]:
        raise NotImplementedError

    @cached_property
    def seeds(self) -> Sequence[tuple[str, Any]]:
        found = []
        for text in self.texts:
            path = Path(os.environ.get("TMPDIR", "/tmp")) / "seed.yaml"
            path.write_text(text, encoding="utf-8")
            with suppress(InputError):
                found.append((text, load_yaml(path).data))
            path.unlink()
        return found

    def write(self, folder: Path, rng: random.Random) -> Path:
        text, data = rng.choice(self.seeds)
        path = _fresh(folder, rng, ".yaml")
        name = self.file_name(data)
        if name is not None:
            path = path.with_suffix("") / name
            path.parent.mkdir()
        path.write_bytes(yaml_mutant(text, data, rng))
        return path

    def file_name(self, data: Any) -> str | None:
        """The name that the file has to have."""
        return None

    def parse(self, path: Path) -> None:
        load_yaml(path)


class Tables(_Yaml):
    """Architecture tables."""

    name = "tables"

    @cached_property
    def texts(self) -> Sequence[str]:
        from mbcost.architectures.loader import TABLES

        shipped = [(TABLES / f"{name}.yaml").read_text(encoding="utf-8") for name in mbcost_tables()]
        broken = sorted((ROOT / "tests" / "bad_input" / "architectures").glob("*.yaml"))
        small = [path.read_text(encoding="utf-8") for path in broken[::12]]
        return [*[TINY] * 12, *shipped, *small]

    def use(self, path: Path, rng: random.Random) -> None:
        if rng.random() < 0.2:
            for problem in mbcost.check(path):
                problem.render()
        analysed(path, rng.choice(TARGETS), alpha=0.5 if rng.random() < 0.05 else 1.0)


def mbcost_tables() -> tuple[str, ...]:
    """Shipped tables that are analysed in a few milliseconds."""
    return ("alexnet", "mobilenet_v1", "mobilenet_v3_small", "squeezenet1_1")


_PASTED: Final = (
    """\
| Input | Operator | t | c | n | s |
|---|---|---|---|---|---|
| 32x32x3 | conv2d | - | 16 | 1 | 2 |
| 16x16x16 | bottleneck | 6 | 24 | 2 | 2 |
| 8x8x24 | avgpool 8x8 | - | - | 1 | - |
""",
    """\
Type / Stride\tFilter Shape\tInput Size
Conv / s2\t3 x 3 x 3 x 32\t224 x 224 x 3
Conv dw / s1\t3 x 3 x 32 dw\t112 x 112 x 32
Conv / s1\t1 x 1 x 32 x 64\t112 x 112 x 32
""",
)


class Pasted(Format):
    """Tables pasted from papers."""

    name = "pasted"

    @cached_property
    def seeds(self) -> Sequence[str]:
        return [*_PASTED, *(content.decode() for content in shared_files(".txt"))]

    def write(self, folder: Path, rng: random.Random) -> Path:
        from tests.bad_input.mutations import mutate

        text = rng.choice(self.seeds)
        path = _fresh(folder, rng, rng.choice((".txt", ".md")))
        path.write_bytes(mutate(text, rng).encode() if rng.random() < 0.8 else bytes_mutant(text.encode(), rng))
        return path

    def parse(self, path: Path) -> None:
        from mbcost.architectures.pasted import is_pasted
        from mbcost.files import read_text

        if not is_pasted(path, read_text(path)):
            raise NotParsedError

    def use(self, path: Path, rng: random.Random) -> None:
        for problem in mbcost.check(path):
            problem.render()


class Profiles(_Yaml):
    """Profiles of devices."""

    name = "profiles"

    @cached_property
    def texts(self) -> Sequence[str]:
        from tests.devices.test_broken_profiles import SOUND

        names = (
            "pixel4",
            "zcu102",
            "edge_tpu",
            "ethos_u55_256",
            "zc706",
            "a100",
            "galaxy_s24",
            "intel_ncs2",
            "galaxy_s8",
        )
        return [SOUND, SOUND, *((hardware_profiles() / f"{name}.yaml").read_text(encoding="utf-8") for name in names)]

    def file_name(self, data: Any) -> str | None:
        return f"{data['identity']['name']}.yaml"

    def use(self, path: Path, rng: random.Random) -> None:
        for problem in check_device(path):
            problem.render()
        analysed(tiny(), str(path))


class Runtimes(_Yaml):
    """Rules of runtimes."""

    name = "runtimes"

    @cached_property
    def texts(self) -> Sequence[str]:
        names = ("tflite-2.1", "xnnpack-2020", "ideal-gpu", "tflite-gpu-2020")
        texts = [(runtime_rules() / f"{name}.yaml").read_text(encoding="utf-8") for name in names]
        return [text.replace(f"name: {name}", f"name: my-{name}", 1) for name, text in zip(names, texts, strict=True)]

    def file_name(self, data: Any) -> str | None:
        return f"{data['name']}.yaml"

    def use(self, path: Path, rng: random.Random) -> None:
        for problem in mbcost.check(path):
            problem.render()
        analysed(tiny(), f"{'pixel4/gpu' if 'gpu' in path.name else 'pixel4'}@{path}")


class Calibrations(_Yaml):
    """Calibrations."""

    name = "calibrations"

    @cached_property
    def texts(self) -> Sequence[str]:
        names = ("pixel1-cpu-tflite-2018-fp32", "pixel4-cpu-tflite-2.1-fp32", "zcu102-fpga-vitis-ai-2.5-int8")
        folder = hardware_profiles() / "calibrations"
        return [(folder / f"{name}.yaml").read_text(encoding="utf-8") for name in names]

    def use(self, path: Path, rng: random.Random) -> None:
        data = load_yaml(path).data
        target = data.get("target") if isinstance(data, dict) else None
        named = target.get("device") if isinstance(target, dict) else None
        device = next((known for known in ("pixel4", "zcu102") if known == named), "pixel1")
        more = {"precision": "int8"} if device == "zcu102" else {}
        analysed(tiny(), device, calibration=path, **more)


_COLUMNS: Final = (
    "architecture", "alpha", "resolution", "batch", "precision", "device", "processor", "runtime", "threads",
    "latency_ms", "latency_std_ms", "source",
)  # fmt: skip


class Measurements(Format):
    """Latencies of networks and of kernels."""

    name = "measurements"

    @cached_property
    def seeds(self) -> Sequence[str]:
        shared = "fp32,pixel1,cpu,tflite-2018,1"
        rows = [f"tiny.yaml,1,{size},1,{shared},{0.2 + size / 64:.3f},0.01,a bench" for size in (32, 48, 64, 96)]
        networks = "\n".join([",".join(_COLUMNS), *rows, ""])
        folder = hardware_profiles() / "measurements"
        heads = [
            "\n".join(path.read_text(encoding="utf-8").splitlines()[:5]) + "\n" for path in sorted(folder.glob("*.csv"))
        ]
        kernels = [
            "\n".join(path.read_text(encoding="utf-8").splitlines()[:6]) + "\n"
            for path in sorted((folder / "kernels").glob("*operators.csv"))
        ]
        return [*[networks] * 8, *heads[:3], *kernels * 4, *(content.decode() for content in shared_files(".csv"))]

    def write(self, folder: Path, rng: random.Random) -> Path:
        (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
        path = _fresh(folder, rng, ".csv")
        path.write_bytes(csv_mutant(rng.choice(self.seeds), rng))
        return path

    def parse(self, path: Path) -> None:
        list(read_csv(path, _LAYOUTS)[1])

    def use(self, path: Path, rng: random.Random) -> None:
        if rng.random() < 0.04:
            mbcost.calibrate("pixel1", path)
        else:
            mbcost.validate("pixel1", path).to_dict()


class Logs(Format):
    """Logs of benchmark tools, as they are and one behind the other."""

    name = "logs"

    @cached_property
    def seeds(self) -> Sequence[bytes]:
        from tests.calibration.logs import texts

        return [*(text.encode() for text in texts.ALL.values()), texts.TFLITE_PROTO, texts.TFLITE_PROTO]

    def write(self, folder: Path, rng: random.Random) -> Path:
        from tests.bad_input.mutations import mutate

        content = rng.choice(self.seeds)
        path = _fresh(folder, rng, rng.choice((".txt", ".csv", ".json", ".log")))
        kind = rng.random()
        if content[:1] == b"{" and kind < 0.6:
            path.write_bytes(json_mutant(content.decode(), rng))
        elif kind < 0.6 and content in self.seeds[:-2]:
            more = rng.choice(self.seeds[:-2]).decode() if rng.random() < 0.15 else ""
            path.write_bytes(mutate(content.decode() + more, rng).encode())
        else:
            path.write_bytes(bytes_mutant(content, rng))
        return path

    def parse(self, path: Path) -> None:
        read_log(path)

    def use(self, path: Path, rng: random.Random) -> None:
        """Rows are read again as they were written."""
        more = {} if rng.random() < 0.5 else {"networks": ["mobilenet_v2"]}
        rows = rows_of(read_log(path), resolve_target("pixel4") if rng.random() < 0.5 else None, **more)
        table = path.with_name("rows.csv")
        table.write_text(rows_text(rows.rows), encoding="utf-8")
        operators_text(rows.rows)
        for row in rows.measurements:
            assert 0 < row.measured_s < float("inf")
        if rows.rows and all(all(row.target) for row in rows.measurements):
            again, _ = read_measurements(table)
            before = [f"{row.measured_s:.5g}" for row in rows.measurements]
            assert [f"{row.measured_s:.5g}" for row in again] == before


_SPACE: Final = """\
name: small
source: a test
input: 32x32x3
resolutions: [32, 48]
blocks:
  b:
    parameters: {out: required, kernel: 3, expand: 2, stride: 1}
    layers:
      - {op: conv2d, out: in_channels * expand, kernel: 1, activation: relu6}
      - {op: depthwise_conv2d, kernel: kernel, stride: stride, activation: relu6}
      - {op: conv2d, out: out, kernel: 1}
stem:
  - {op: conv2d, out: 8, kernel: 3, stride: 2}
stages:
  - {block: b, out: [8, 16], depth: [1, 2], stride: 2, kernel: [3, 5], expand: [2, 3]}
  - {block: b, out: 24, depth: 2, kernel: 3, expand: [1, 2, 4]}
head:
  - {op: global_avg_pool}
  - {op: dense, out: 10}
"""


class Spaces(_Yaml):
    """Search spaces."""

    name = "spaces"

    @cached_property
    def texts(self) -> Sequence[str]:
        from mbcost.search.space import SPACES

        shipped = [path.read_text(encoding="utf-8") for path in sorted(SPACES.glob("*.yaml"))]
        shared = [content.decode() for content in shared_files(".yaml") if b"stages" in content]
        return [*[_SPACE] * 8, *shipped, *shared]

    def use(self, path: Path, rng: random.Random) -> None:
        import numpy as np

        from mbcost.search import compile_space, load_space

        space = load_space(path)
        assert space.size >= 1
        rows = space.sample(2, np.random.default_rng(rng.getrandbits(32)))
        space.describe(rows[0])
        space.architecture(rows[1])
        if space.size < 10_000 and rng.random() < 0.1:
            compile_space(space, "pixel1")


class Parts(Format):
    """Folders of sweeps that were written part by part."""

    name = "parts"
    sweep: Final = {"alpha": [1.0], "resolution": [32, 48, 64, 80], "part_rows": 2}

    @cached_property
    def seeds(self) -> Sequence[Path]:
        folder = Path(os.environ.get("TMPDIR", "/tmp")) / "sweep-of-tiny"
        shutil.rmtree(folder, ignore_errors=True)
        mbcost.search.sweep_to_parts(tiny(), "pixel1", folder=folder, **self.sweep)
        return [folder]

    def write(self, folder: Path, rng: random.Random) -> Path:
        mutant = folder / "parts"
        shutil.copytree(self.seeds[0], mutant)
        for _ in range(rng.choice((1, 1, 2, 3))):
            path = rng.choice(sorted(mutant.iterdir()) or [mutant / "sweep.json"])
            kind, others = rng.randrange(8), sorted(self.seeds[0].iterdir())
            if not path.is_file():
                continue
            target = path.with_name(rng.choice(("part-00009.parquet", "other.txt", rng.choice(others).name)))
            if kind == 0:
                path.unlink()
            elif kind == 1:
                path.write_bytes(rng.choice(others).read_bytes())
            elif kind == 2 and not target.is_dir():
                path.rename(target)
            elif kind == 3:
                path.unlink()
                path.mkdir()
            elif kind == 4:
                path.write_bytes(b"")
            elif path.name == "sweep.json":
                path.write_bytes(json_mutant(path.read_text(encoding="utf-8", errors="replace") or "{}", rng))
            else:
                path.write_bytes(bytes_mutant(path.read_bytes(), rng))
        return mutant

    def parse(self, path: Path) -> None:
        before = (self.seeds[0] / "sweep.json").read_bytes()
        manifest = path / "sweep.json"
        if not manifest.is_file() or manifest.read_bytes() != before:
            raise NotParsedError

    def use(self, path: Path, rng: random.Random) -> None:
        """The folder ends as an undamaged one, whatever became of its files."""
        made = mbcost.search.sweep_to_parts(tiny(), "pixel1", folder=path, **self.sweep)
        for file in sorted(self.seeds[0].iterdir()):
            if file.name == "sweep.json":
                assert json.loads((path / file.name).read_bytes()) == json.loads(file.read_bytes())
            elif file.name != "sweep.sha256":
                assert (path / file.name).read_bytes() == file.read_bytes(), file.name
        assert len(made.paths) == 2


class Journals(Format):
    """Journals of interrupted benches."""

    name = "journals"
    header: Final = {"bench": {"suite": "quick"}, "environment": {"cpu": "Zen", "torch": "2.13.0"}}

    @cached_property
    def seeds(self) -> Sequence[str]:
        first = {"schema": "mbcost/bench-journal/1", **self.header}
        entries: list[dict[str, Any]] = [
            {"name": f"net{i % 3}", "seconds": 1.5 * i + 1, "visit": [0.001 * (i + 1), 5, 0.0001]} for i in range(6)
        ]
        entries.insert(4, {"name": "net3", "seconds": 7.5, "failed": "not enough memory"})
        return ["".join(json.dumps(entry) + "\n" for entry in (first, *entries))]

    def write(self, folder: Path, rng: random.Random) -> Path:
        path = folder / "bench.journal.jsonl"
        lines = self.seeds[0].splitlines(keepends=True)
        kind = rng.randrange(6)
        if kind == 0:
            path.write_bytes(bytes_mutant("".join(lines).encode(), rng))
            return path
        for _ in range(rng.choice((1, 1, 2, 3))):
            at = rng.randrange(1, len(lines)) if rng.random() < 0.85 else 0
            if kind == 1:
                lines.insert(at, lines[rng.randrange(1, len(lines))])
            elif kind == 2:
                lines[at] = rng.choice(("\n", "{}\n", "[]\n", "null\n", "1e999\n", "[" * 5000 + "\n", '{"name": "a"\n'))
            else:
                lines[at] = (
                    json_mutant(lines[at] if lines[at].startswith('{"') else "{}", rng).decode("utf-8", "replace")
                    + "\n"
                )
                lines = "".join(lines).splitlines(keepends=True)
        path.write_text("".join(lines), encoding="utf-8", errors="replace")
        return path

    def parse(self, path: Path) -> None:
        try:
            first = json.loads(path.read_bytes().splitlines()[0])
        except (ValueError, IndexError, RecursionError) as error:
            raise NotParsedError from error
        if not isinstance(first, dict):
            raise NotParsedError

    def use(self, path: Path, rng: random.Random) -> None:
        """Times are times, and every line of the file is still there, wherever it was put."""
        from mbcost.runner.journal import Journal

        before = path.read_bytes()
        try:
            journal = Journal(path.with_name("bench.csv"), self.header, anew=False)
        except InputError:
            assert path.read_bytes() == before
            raise
        for timing in journal.timings.values():
            assert timing.failed or 0 < timing.latency_s < float("inf")
            assert all(0 < visit.canary_s < float("inf") and visit.runs > 0 for visit in timing.visits)
        assert 0 <= journal.seconds < float("inf")
        kept = b"\n".join(file.read_bytes() for file in path.parent.iterdir())
        assert all(line in kept for line in before.split(b"\n")[:-1])


class Benches(Format):
    """The environment and the facts beside a bench's measurements."""

    name = "benches"

    @cached_property
    def seeds(self) -> Sequence[tuple[str, str]]:
        header = "architecture,batch,precision,device,processor,runtime,threads,latency_ms,latency_std_ms\n"
        found = []
        for processor, runtime, device in (("cpu", "pytorch-eager", "cpu"), ("gpu", "pytorch-cuda", "cuda")):
            rows = "".join(f"tiny.yaml,1,fp32,this-machine,{processor},{runtime},1,{i + 1},0.1\n" for i in range(4))
            gpu = {"accelerator": "Imaginary GPU", "accelerator_facts": {"multiprocessors": 60, "l2_bytes": 2**24}}
            document = {
                "schema": "mbcost/bench/1",
                "mbcost_version": "0.1.0",
                "date": "2026-11-21",
                "bench": {"device": device, "precision": "fp32"},
                "environment": {
                    "machine": "x86_64", "system": "Linux 6", "cpu": "Zen", "cores": 8, "memory_bytes": 2**34,
                    "caches": {"l1d": 32768, "l2": 2**20}, "torch": "2.13.0", "accelerator": "",
                    **(gpu if processor == "gpu" else {}),
                },
                "facts": {"peak_macs_per_s": 5e10, "bandwidth_bytes_per_s": 2e10, "vector_bits": 256}
                if processor == "cpu" else {"peak_macs_per_s": 2e13, "bandwidth_bytes_per_s": 8e11, "launch_s": 5e-6},
            }  # fmt: skip
            found.append((header + rows, json.dumps(document)))
        return found

    def write(self, folder: Path, rng: random.Random) -> Path:
        (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
        rows, document = rng.choice(self.seeds)
        path = folder / "bench.csv"
        path.write_text(rows, encoding="utf-8")
        path.with_suffix(".json").write_bytes(json_mutant(document, rng))
        if rng.random() < 0.05:
            path.write_bytes(csv_mutant(rows, rng))
        return path

    def parse(self, path: Path) -> None:
        try:
            json.loads(path.with_suffix(".json").read_bytes())
        except (ValueError, RecursionError) as error:
            raise NotParsedError from error

    def use(self, path: Path, rng: random.Random) -> None:
        from mbcost.runner.profile import named_machine, write_machine

        rows, _ = read_measurements(path)
        machine = named_machine(rows, f"box{rng.getrandbits(40)}", force=rng.random() < 0.9)
        analysed(tiny(), machine.target)
        if rng.random() < 0.02:
            from mbcost.calibration.calibrate import calibrate_on

            write_machine(machine, calibrate_on(machine.rows, machine.target)[0], force=False)
            shutil.rmtree(machine.path.parent)
            machine.path.parent.mkdir()


class Defaults(Format):
    """The file with the defaults of options."""

    name = "defaults"

    @cached_property
    def seeds(self) -> Sequence[str]:
        return [
            'device = ["pixel1", "pixel4/gpu"]\nruntime = "tflite-2.10"\nthreads = 2\nmax-ms = 30.5\n',
            '# a comment\ndevice = "pixel4"\nprecision = "fp16"\nbatch = 8\nmax-ram = "256KiB"\nbudget = ["30ms"]\n',
            "outside = 'free'\nunsupported = \"estimate\"\nmacs = 'all'\nparams = \"none\" \nlowering = 'auto'\n",
        ]

    def write(self, folder: Path, rng: random.Random) -> Path:
        path = _fresh(folder, rng, ".toml")
        text = rng.choice(self.seeds)
        if rng.random() < 0.5:
            lines = text.splitlines()
            place = rng.randrange(len(lines))
            key = lines[place].partition(" = ")[0]
            value = rng.choice(
                ("3", "-1", "true", "inf", "''", "[]", "['x', 1]", "{a = 1}", "2020-01-01", "'fp32'", "0.5")
            )
            lines[place] = f"{rng.choice((key, key, key[1:] or 'x', f'{key}-x', 'a.b'))} = {value}"
            path.write_text("\n".join(lines), encoding="utf-8")
        else:
            path.write_bytes(bytes_mutant(text.encode(), rng))
        return path

    def parse(self, path: Path) -> None:
        try:
            tomllib.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise NotParsedError from error

    def use(self, path: Path, rng: random.Random) -> None:
        try:
            found = read_defaults(path)
        except InputError as error:
            for problem in error.problems:
                assert problem.location is not None or problem.code in {"MB004", "MB005"}
            raise
        with found.devices_folder():
            found.runtime()


@cache
def tiny() -> Any:
    """The small network."""
    path = Path(os.environ.get("TMPDIR", "/tmp")) / "tiny.yaml"
    path.write_text(TINY, encoding="utf-8")
    return dataclasses.replace(mbcost.load(path))


_ALL: Final[tuple[Callable[[], Format], ...]] = (
    Onnx, TFLite, Tables, Pasted, Profiles, Runtimes, Calibrations, Measurements, Logs, Spaces, Parts, Journals,
    Benches, Defaults,
)  # fmt: skip
FORMATS: Final = {form.name: form for form in (make() for make in _ALL)}
