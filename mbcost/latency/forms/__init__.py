"""One form a runtime family. A new one is a file here and a line in :data:`FORMS`."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from mbcost.errors import DefectError
from mbcost.latency.form import LatencyForm

#: Form -> the module here that it is in, under its name in capitals. It is imported when it is first asked for, since a
#: command needs one or two of them.
FORMS: Final[dict[str, str]] = {
    "cpu_eigen": "cpu_eigen",
    "cpu_gemm": "cpu_gemm",
    "cpu_indirect": "cpu_indirect",
    "dpu": "dpu",
    "ethos_u": "ethos_u",
    "hexagon_htp": "hexagon_htp",
    "hexagon_hvx": "hexagon_hvx",
    "hls_tiling": "hls_tiling",
    "openvino_myriad": "openvino_myriad",
    "pytorch_cpu": "pytorch_cpu",
    "pytorch_gpu": "pytorch_gpu",
    "pytorch_gpu_graph": "pytorch_gpu",
    "pytorch_inductor": "pytorch_nhwc",
    "pytorch_nhwc": "pytorch_nhwc",
    "roofline": "roofline",
    "systolic": "systolic",
    "tflite_adreno": "tflite_adreno",
}


def find_form(name: str) -> LatencyForm:
    """The form of a runtime's rules file."""
    if name not in FORMS:
        raise DefectError(f"no latency form `{name}`")
    form: LatencyForm = getattr(import_module(f"{__name__}.{FORMS[name]}"), name.upper())
    return form
