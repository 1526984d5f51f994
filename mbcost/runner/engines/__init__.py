"""Runtimes that run model files, each behind the functions of one module.

A module has ``load(path, threads)``, which returns one inference to call, and, if the runtime has a profiler,
``operators(path, threads, runs)``. Both import the runtime, which is an optional extra of mbcost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module, metadata, util
from pathlib import Path
from typing import Any, Final, NamedTuple

from mbcost.errors import fail
from mbcost.words import FilePrecision


class Operator(NamedTuple):
    """An operator of a network as a runtime's profiler names it, in the order of execution.

    Attributes
    ----------
    name, kind
        The runtime's name of this operator, empty where it has none, and of its kernel or type.
    seconds
        Its fastest run [s].
    """

    name: str
    kind: str
    seconds: float


class Engine(NamedTuple):
    """A runtime that runs model files.

    Attributes
    ----------
    name, title
        The runtime's name in rows, which is also that of mbcost's extra, and for people.
    package, distribution
        What is imported, and the name of its distribution.
    suffix
        Kind of model file that it reads.
    precisions
        Those that it computes in; others are refused with `refusal`.
    profiles
        Whether it times operators.
    """

    name: str
    title: str
    package: str
    distribution: str
    suffix: str
    precisions: tuple[FilePrecision, ...]
    refusal: str
    profiles: bool

    def load(self, path: Path, threads: int) -> Callable[[], Any]:
        """One inference of a model file with random input, ready to call."""
        run: Callable[[], Any] = self._module().load(path, threads)
        return run

    def operators(self, path: Path, threads: int, runs: int) -> list[Operator]:
        """The operators of a model file, each with the fastest of its runs."""
        found: list[Operator] = self._module().operators(path, threads, runs)
        return found

    def _module(self) -> Any:
        return import_module(f"{__name__}.{self.name}_engine")

    @property
    def version(self) -> str:
        """The installed version."""
        return metadata.version(self.distribution)

    @property
    def versioned(self) -> str:
        """Such as ``LiteRT 2.3.0``."""
        return f"{self.title} {self.version}"

    def check_installed(self) -> None:
        """Check that the runtime can be imported.

        Raises
        ------
        InputError
            MB011 if it is not installed.
        """
        if util.find_spec(self.package) is None:
            what = f"measuring {self.title} needs the package `{self.distribution}`"
            fail("MB011", what, hint=f"pip install 'mbcost[{self.name}]'")


_NO_HALF: Final = "there is no arithmetic in fp16 by default"
ENGINES: Final[Mapping[str, Engine]] = {
    engine.name: engine
    for engine in (
        Engine(
            "litert", "LiteRT", "ai_edge_litert", "ai-edge-litert", ".tflite", ("fp32", "int8"),
            f"{_NO_HALF}: XNNPACK makes fp32 of such weights as it loads them", profiles=True,
        ),
        Engine(
            "onnxruntime", "ONNX Runtime", "onnxruntime", "onnxruntime", ".onnx", ("fp32", "int8"),
            "its CPU provider converts fp16 to fp32 and back", profiles=True,
        ),
        Engine(
            "openvino", "OpenVINO", "openvino", "openvino", ".onnx", ("fp32", "int8"),
            "its CPU plugin computes such a file in fp32 unless it is told otherwise", profiles=True,
        ),
        Engine(
            "ncnn", "ncnn", "ncnn", "ncnn", ".param", ("fp32",),
            "int8 files of ncnn are not written, and only some Arm CPUs compute in fp16", profiles=False,
        ),
    )
}  # fmt: skip
