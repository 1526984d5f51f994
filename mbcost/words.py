"""The allowed words of parameters and options, each set defined once for the library and the command line."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

#: Types of numbers that networks are computed in; tf32 is fp32 with products of fewer bits.
Precision: TypeAlias = Literal["fp32", "tf32", "fp16", "bf16", "int8"]
#: Types of numbers that model files are written in.
FilePrecision: TypeAlias = Literal["fp32", "fp16", "int8"]
#: What a batch norm adds to the number of parameters; see :class:`mbcost.graph.ParamsConvention`.
NormParams: TypeAlias = Literal["folded", "affine", "all", "none"]
#: What counts as a multiply-accumulate: products only, as papers count, or element-wise operations too.
MacsConvention: TypeAlias = Literal["products", "all"]
#: How operators are treated that mbcost does not know or that a runtime has no kernel for.
Unsupported: TypeAlias = Literal["refuse", "estimate"]
#: How convolutions are computed: as the runtime does (auto), or lowered to matrix products.
Lowering: TypeAlias = Literal["auto", "im2col"]
#: What becomes of layers that a processor does not take: another one computes them, or they are left out.
Outside: TypeAlias = Literal["host", "free"]
#: What the time is grouped by.
GroupBy: TypeAlias = Literal["op", "block", "layer"]
#: Tasks whose networks can be chosen among without naming them.
Task: TypeAlias = Literal["classification"]
#: What a plan for several processors optimises.
Goal: TypeAlias = Literal["latency", "throughput"]
#: ``tiled``: one engine for all layers; ``streaming``: a pipeline with one stage per layer.
Style: TypeAlias = Literal["tiled", "streaming"]
#: Where a sweep is computed.
Engine: TypeAlias = Literal["local", "processes", "dask"]
#: What a bench measures: random networks, for 3 minutes or 15, or single kernels.
SuiteName: TypeAlias = Literal["quick", "full", "kernels"]
#: What a bench runs networks in: PyTorch, or a runtime of model files.
BenchRuntime: TypeAlias = Literal["pytorch", "litert", "onnxruntime", "openvino", "ncnn"]
#: How PyTorch runs a network.
Mode: TypeAlias = Literal["eager", "compile", "graph"]
#: Kinds of entries of the catalogue.
FoundKind: TypeAlias = Literal["device", "soc", "core"]
#: Order of the list of devices: by name, or by what their latencies rest on.
ListOrder: TypeAlias = Literal["name", "basis"]

PRECISIONS: Final[tuple[Precision, ...]] = get_args(Precision)
FILE_PRECISIONS: Final[tuple[FilePrecision, ...]] = get_args(FilePrecision)
NORM_PARAMS: Final[tuple[NormParams, ...]] = get_args(NormParams)
MACS_CONVENTIONS: Final[tuple[MacsConvention, ...]] = get_args(MacsConvention)
UNSUPPORTED: Final[tuple[Unsupported, ...]] = get_args(Unsupported)
OUTSIDE: Final[tuple[Outside, ...]] = get_args(Outside)
LOWERINGS: Final[tuple[Lowering, ...]] = get_args(Lowering)
GOALS: Final[tuple[Goal, ...]] = get_args(Goal)
STYLES: Final[tuple[Style, ...]] = get_args(Style)
ENGINES: Final[tuple[Engine, ...]] = get_args(Engine)
FOUND_KINDS: Final[tuple[FoundKind, ...]] = get_args(FoundKind)
