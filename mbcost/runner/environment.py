"""The environment of a measurement: the machine, its system and the PyTorch build."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from mbcost.importers.pytorch.isolate import import_torch
from mbcost.runner.engines import Engine
from mbcost.runner.settings import Settings

#: Keys that have to be equal for two measurements to be of one machine.
SAME: Final = ("machine", "cpu", "cores", "accelerator", "torch", "runtime", "cpu_capability")
_CACHES: Final = Path("/sys/devices/system/cpu/cpu0/cache")
_GOVERNOR: Final = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
_APPLE_NAME: Final = ("/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string")
#: Extensions as Linux names them, and the width of their vectors [bit].
_VECTOR_BITS: Final = {"avx512f": 512, "avx2": 256, "avx": 256, "asimd": 128, "sse2": 128}
_FEATURES: Final = (
    *_VECTOR_BITS,
    "avx512_vnni",
    "avx_vnni",
    "avx512_fp16",
    "amx_tile",
    "amx_int8",
    "asimdhp",
    "asimddp",
    "i8mm",
    "sve",
)
#: Times of all cores since the start, in ticks, of which the fourth and the fifth are idle (man 5 proc_stat).
_TIMES: Final = Path("/proc/stat")
_IDLE: Final = slice(3, 5)
#: How long other programs are watched [s].
_WATCHED_S: Final = 0.3
_UNITS: Final = {"K": 2**10, "M": 2**20, "G": 2**30}


def memory_bytes() -> int:
    """Size of the machine's memory [B]."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 4 * 2**30


def cache_bytes() -> dict[str, int]:
    """Sizes of the first core's data caches by level, ``{"l1d": ..., "l2": ...}``, as the system reports them [B]."""
    found: dict[str, int] = {}
    for index in sorted(_CACHES.glob("index*")):
        level, kind, size = (_text(index / name) for name in ("level", "type", "size"))
        match = re.fullmatch(r"(\d+)([KMG])?", size)
        if match is None or kind == "Instruction":
            continue
        name = "l1d" if level == "1" else f"l{level}"
        found[name] = int(match[1]) * _UNITS.get(match[2] or "", 1)
    return found


def busy_share() -> float | None:
    """Share of the cores' time that programs use now, before a measurement [1]; None if the system does not tell."""
    before = _ticks()
    time.sleep(_WATCHED_S if before else 0)
    after = _ticks()
    passed = [late - early for early, late in zip(before, after, strict=False)]
    return 1 - sum(passed[_IDLE]) / sum(passed) if sum(passed) > 0 else None


def _ticks() -> list[int]:
    first, _, numbers = _text(_TIMES).partition("\n")[0].partition(" ")
    return [int(number) for number in numbers.split()] if first == "cpu" else []


def cpu_name() -> str:
    """The processor's name."""
    for line in _text(Path("/proc/cpuinfo")).splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    if platform.system() == "Darwin":
        with suppress(OSError):
            told = subprocess.run(_APPLE_NAME, capture_output=True, text=True, check=False)  # noqa: S603  # constant
            if told.stdout.strip():
                return told.stdout.strip()
    return platform.processor() or platform.machine()


def system_facts() -> dict[str, Any]:
    """The machine and its system."""
    return {
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "cpu": cpu_name(),
        "cores": os.cpu_count() or 1,
        "caches": cache_bytes(),
        "memory_bytes": memory_bytes(),
        "governor": _text(_GOVERNOR) or "not known",
        "python": platform.python_version(),
    }


def runtime_of(environment: Mapping[str, Any]) -> str:
    """What a bench was measured with, such as ``PyTorch 2.13.0`` or ``LiteRT 2.3.0``."""
    return str(environment.get("runtime") or f"PyTorch {environment['torch']}")


def cpu_features() -> tuple[str, ...]:
    """Extensions of the instruction set that the system reports and that runtimes choose their kernels by."""
    for line in _text(Path("/proc/cpuinfo")).splitlines():
        if line.startswith(("flags", "Features")):
            found = set(line.partition(":")[2].split())
            return tuple(name for name in _FEATURES if name in found)
    return ("asimd",) if platform.machine() == "arm64" else ()


def vector_bits() -> int | None:
    """Width of the widest vectors of the core [bit]; None where the system does not tell."""
    return next((bits for name, bits in _VECTOR_BITS.items() if name in cpu_features()), None)


def engine_facts(engine: Engine, threads: int) -> dict[str, Any]:
    """The machine and its system, and the runtime of model files."""
    return {
        **system_facts(),
        "accelerator": "",
        "runtime": engine.versioned,
        "cpu_features": list(cpu_features()),
        "threads": threads,
        "allocator": _allocator(),
        "affinity": _affinity(),
    }


def _allocator() -> dict[str, str]:
    return {name: os.environ.get(name, "") for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")}


def _affinity() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def torch_facts(torch: Any, settings: Settings) -> dict[str, Any]:
    """The machine and its system, the PyTorch build and its settings."""
    config = torch.__config__.show()
    return {
        **system_facts(),
        "accelerator": accelerator_name(torch, settings.device),
        **_accelerator_facts(torch, settings.device),
        "torch": str(torch.__version__),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "onednn": _first(r"MKL-DNN v([\d.]+)", config),
        "mkl": _first(r"Math Kernel Library Version ([\w.-]+)", config),
        "threads": torch.get_num_threads(),
        "allocator": _allocator(),
        "flags": {
            "flush_denormal": True,
            "deterministic": torch.are_deterministic_algorithms_enabled(),
            "matmul_precision": torch.get_float32_matmul_precision(),
        },
        "affinity": _affinity(),
    }


def accelerator_name(torch: Any, device: str) -> str:
    """The device's own name; empty for a CPU."""
    if device == "cuda":
        return str(torch.cuda.get_device_name())
    return f"Apple GPU of {cpu_name()}" if device == "mps" else ""


def accelerator_here(device: str) -> str:
    """The own name of this machine's GPU; ``none`` where PyTorch finds none, or is not installed."""
    with suppress(Exception):  # whatever PyTorch raises without the device
        torch = import_torch()
        if device == "cuda" or torch.backends.mps.is_available():
            return accelerator_name(torch, device)
    return "none"


def _accelerator_facts(torch: Any, device: str) -> dict[str, Any]:
    """CUDA's properties of the device."""
    if device != "cuda":
        return {}
    device_of = torch.cuda.get_device_properties(0)
    return {
        "accelerator_facts": {
            "compute_capability": f"{device_of.major}.{device_of.minor}",
            "multiprocessors": device_of.multi_processor_count,
            "memory_bytes": device_of.total_memory,
            "l2_bytes": getattr(device_of, "L2_cache_size", 0),
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
            "cudnn_benchmark": torch.backends.cudnn.benchmark,
            "cudnn_allow_tf32": torch.backends.cudnn.allow_tf32,
        }
    }


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _first(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1] if match else "not known"
