"""One form a runtime family. A new one is a file here and a line in :data:`FORMS`."""

from __future__ import annotations

from typing import Final

from mbcost.errors import DefectError
from mbcost.latency.form import LatencyForm
from mbcost.latency.forms.cpu_eigen import CPU_EIGEN
from mbcost.latency.forms.cpu_gemm import CPU_GEMM
from mbcost.latency.forms.cpu_indirect import CPU_INDIRECT
from mbcost.latency.forms.dpu import DPU
from mbcost.latency.forms.ethos_u import ETHOS_U
from mbcost.latency.forms.hexagon_htp import HEXAGON_HTP
from mbcost.latency.forms.hexagon_hvx import HEXAGON_HVX
from mbcost.latency.forms.hls_tiling import HLS_TILING
from mbcost.latency.forms.openvino_myriad import OPENVINO_MYRIAD
from mbcost.latency.forms.pytorch_cpu import PYTORCH_CPU
from mbcost.latency.forms.pytorch_gpu import PYTORCH_GPU, PYTORCH_GPU_GRAPH
from mbcost.latency.forms.roofline import ROOFLINE
from mbcost.latency.forms.systolic import SYSTOLIC
from mbcost.latency.forms.tflite_adreno import TFLITE_ADRENO

FORMS: Final[dict[str, LatencyForm]] = {
    form.name: form
    for form in (
        CPU_EIGEN,
        CPU_GEMM,
        CPU_INDIRECT,
        DPU,
        ETHOS_U,
        HEXAGON_HTP,
        HEXAGON_HVX,
        HLS_TILING,
        OPENVINO_MYRIAD,
        PYTORCH_CPU,
        PYTORCH_GPU,
        PYTORCH_GPU_GRAPH,
        ROOFLINE,
        SYSTOLIC,
        TFLITE_ADRENO,
    )
}


def find_form(name: str) -> LatencyForm:
    """The form of a runtime's rules file."""
    if name not in FORMS:
        raise DefectError(f"no latency form `{name}`")
    return FORMS[name]


__all__ = [
    "CPU_EIGEN",
    "CPU_GEMM",
    "CPU_INDIRECT",
    "DPU",
    "ETHOS_U",
    "FORMS",
    "HEXAGON_HTP",
    "HEXAGON_HVX",
    "HLS_TILING",
    "OPENVINO_MYRIAD",
    "PYTORCH_CPU",
    "PYTORCH_GPU",
    "PYTORCH_GPU_GRAPH",
    "ROOFLINE",
    "SYSTOLIC",
    "TFLITE_ADRENO",
    "find_form",
]
