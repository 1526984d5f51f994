"""What was measured on: the machine, its system and the PyTorch build."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any, Final

from mbcost.runner.settings import Settings

#: What has to be equal for two measurements to be of one machine.
SAME: Final = ("machine", "cpu", "cores", "accelerator", "torch", "cpu_capability")
_CACHES: Final = Path("/sys/devices/system/cpu/cpu0/cache")
_GOVERNOR: Final = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
_UNITS: Final = {"K": 2**10, "M": 2**20, "G": 2**30}


def memory_bytes() -> int:
    """Size of the machine's memory [B]."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 4 * 2**30


def cache_bytes() -> dict[str, int]:
    """Sizes of the first core's data caches by level, ``{"l1d": ..., "l2": ...}``, as the system has them [B]."""
    found: dict[str, int] = {}
    for index in sorted(_CACHES.glob("index*")):
        level, kind, size = (_text(index / name) for name in ("level", "type", "size"))
        match = re.fullmatch(r"(\d+)([KMG])?", size)
        if match is None or kind == "Instruction":
            continue
        name = "l1d" if level == "1" else f"l{level}"
        found[name] = int(match[1]) * _UNITS.get(match[2] or "", 1)
    return found


def cpu_name() -> str:
    """The processor's name."""
    for line in _text(Path("/proc/cpuinfo")).splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
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


def torch_facts(torch: Any, settings: Settings) -> dict[str, Any]:
    """The machine and its system, the PyTorch build and the state in which it measures."""
    config = torch.__config__.show()
    accelerator = ""
    if settings.device == "cuda":
        accelerator = torch.cuda.get_device_name()
    elif settings.device == "mps":
        accelerator = "Apple GPU"
    return {
        **system_facts(),
        "accelerator": accelerator,
        "torch": str(torch.__version__),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "onednn": _first(r"MKL-DNN v([\d.]+)", config),
        "mkl": _first(r"Math Kernel Library Version ([\w.-]+)", config),
        "threads": torch.get_num_threads(),
        "allocator": {name: os.environ.get(name, "") for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")},
        "flush_denormal": True,
        "affinity": sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [],
    }


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _first(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1] if match else "not known"
