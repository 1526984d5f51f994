"""Latency forms, one per runtime family. A new one is a file here and a line in :data:`FORMS`.

Other packages add forms as entry points of the group ``mbcost.forms``.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Final

from mbcost.devices.runtimes import find_runtime, runtime_document
from mbcost.errors import InputError, Problem, did_you_mean, fail, or_list
from mbcost.kernels import Runtime, check_runtime, load_runtime
from mbcost.latency.form import LatencyForm

#: Entry points by which other packages add forms: name of the form -> a :class:`~mbcost.latency.LatencyForm`.
GROUP: Final = "mbcost.forms"

#: Form -> its module here, where it has its name in capitals. A module is imported on demand, since a command needs one
#: or two of them.
FORMS: Final[dict[str, str]] = {
    "compiled_npu": "compiled_npu",
    "cpu_eigen": "cpu_eigen",
    "cpu_gemm": "cpu_gemm",
    "cpu_indirect": "cpu_indirect",
    "dpu": "dpu",
    "ethos_u": "ethos_u",
    "generic_npu": "generic_npu",
    "hexagon_htp": "hexagon_htp",
    "hexagon_hvx": "hexagon_hvx",
    "hls_tiling": "hls_tiling",
    "litert_cpu": "litert_cpu",
    "mcu": "mcu",
    "ncnn_cpu": "ncnn_cpu",
    "onnxruntime_cpu": "onnxruntime_cpu",
    "openvino_cpu": "openvino_cpu",
    "openvino_myriad": "openvino_myriad",
    "pytorch_cpu": "pytorch_cpu",
    "pytorch_gpu": "pytorch_gpu",
    "pytorch_gpu_graph": "pytorch_gpu",
    "pytorch_inductor": "pytorch_nhwc",
    "pytorch_nhwc": "pytorch_nhwc",
    "roofline": "roofline",
    "systolic": "systolic",
    "tflite_adreno": "tflite_adreno",
    "tflite_gpu": "tflite_gpu",
    "tflite_hybrid": "tflite_hybrid",
    "tflite_xnnpack": "tflite_xnnpack",
}


def form_names(wanted: object = None) -> tuple[str, ...]:
    """Names of all forms: mbcost's, and those that other packages add, unless one of mbcost's is `wanted`."""
    if isinstance(wanted, str) and wanted in FORMS:
        return tuple(FORMS)
    from importlib.metadata import entry_points

    return tuple(sorted({*FORMS, *(point.name for point in entry_points(group=GROUP))}))


def find_form(name: str) -> LatencyForm:
    """The form of a runtime's rules.

    Raises
    ------
    InputError
        MB103 if there is no form of the name, or if an entry point is not a form.
    """
    if name in FORMS:
        form: LatencyForm = getattr(import_module(f"{__name__}.{FORMS[name]}"), name.upper())
        return form
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP, name=name):
        try:
            found = point.load()
        except Exception as error:  # noqa: BLE001  # whatever the other package does
            fail("MB103", f"the latency form `{name}` of {point.value} cannot be loaded: {error!r}")
        if not isinstance(found, LatencyForm) or found.name != name:
            fail("MB103", f"{point.value} is not a LatencyForm of the name `{name}`")
        return found
    names = form_names()
    hint = did_you_mean(name, names)
    fail("MB103", f"there is no latency form `{name}`; there are {or_list(names)}", hint=hint)


def form_of(runtime: Runtime) -> LatencyForm:
    """The form of a runtime, checked to have a term for each kernel of a user's runtime.

    Raises
    ------
    InputError
        MB103 if there is no such form, or if it lacks a term for a kernel, which would be free.
    """
    if not runtime.path:
        return find_form(runtime.form)
    problems = form_problems(runtime)
    if problems:
        raise InputError(problems)
    return find_form(runtime.form)


def form_problems(runtime: Runtime) -> list[Problem]:
    """Problems of a runtime with its form: no such form, or kernels that the form has no term for."""
    document = runtime_document(find_runtime(runtime.path or runtime.name))
    place = document.value("form") if "form" in document.data else document.key("like")
    try:
        form = find_form(runtime.form)
    except InputError as error:
        return [replace(problem, location=place) for problem in error.problems]
    if form.spread is None and "interval_low" not in runtime.parameters:
        hint = "interval_low and interval_high, and what the form reads; or say what the runtime is `like`"
        return [Problem("MB102", "the runtime has no `parameters`", document.value(), hint)]
    known = {kind for term in form.terms for kind in term.kinds} | {"view"}
    missing: dict[str, list[str]] = {}
    for operator, rules in runtime.rules.items():
        for kind in dict.fromkeys(rule.kind for rule in rules if rule.kind not in known):
            missing.setdefault(kind, []).append(operator)
    return [
        Problem(
            "MB103",
            f"the form {form.name} has no term for the kernel `{kind}` of {', '.join(operators)}",
            place,
            f"list them under `kernels` with {or_list(sorted(known))}, or with `refused`",
        )
        for kind, operators in missing.items()
    ]


def check_runtime_file(path: Path) -> list[Problem]:
    """Everything that is wrong with a runtime's file, its form among it; an empty list if it can be used."""
    problems = check_runtime(path)
    if not problems:
        return form_problems(load_runtime(str(path.absolute())))
    try:
        document = runtime_document(find_runtime(str(path.absolute())))
    except InputError:
        return problems
    form = document.data.get("form") if isinstance(document.data, dict) else None
    if isinstance(form, str):
        try:
            find_form(form)
        except InputError as error:
            problems += [replace(problem, location=document.value("form")) for problem in error.problems]
    return sorted(problems, key=lambda problem: problem.location.line if problem.location else 0)
