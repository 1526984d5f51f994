"""Runtimes: what is common, what each documents, where numbers come from, and those of the user."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import mbcost
from mbcost.devices import load_device, resolve_target, runtimes_for
from mbcost.devices.runtimes import find_runtime, runtime_document
from mbcost.errors import InputError
from mbcost.insight.hints import find_hints
from mbcost.kernels import check_runtime, load_runtime, runtime_names
from mbcost.kernels.families import family_names
from mbcost.kernels.library import family
from mbcost.kernels.runtime_check import runtime_problems
from mbcost.latency.forms import check_runtime_file, find_form, form_names
from mbcost.latency.model import latency_model
from mbcost.operators import OPERATORS
from mbcost.resources import runtime_rules

RUNTIMES = runtime_names()

#: A runtime that is like another, with a form that was not fitted with its numbers.
LIKE = """\
name: mine
title: My runtime
like: tflite-2.1
form: cpu_eigen
source: a test
"""
#: A runtime of its own, with the parameters of a roofline.
OWN = """\
name: mine
title: My runtime
source: its manual
processors: [gpu]
form: roofline
kernels:
  - {operators: [mish], kernel: refused, source: "its manual: not there"}
  - {operators: [gelu], kernel: outside, source: "its manual: on the host"}
parameters:
  compute_efficiency: {value: 0.5, unit: "1", source: assumed, reference: half}
  bandwidth_share: {value: 1, unit: "1", source: assumed, reference: all of it}
  interval_low: {value: 0.5, unit: "1", source: assumed, reference: a guess}
  interval_high: {value: 2, unit: "1", source: assumed, reference: a guess}
"""


@pytest.fixture
def own(monkeypatch, tmp_path) -> Path:
    """The folder of the user's runtimes."""
    folder = tmp_path / "devices" / "runtimes"
    folder.mkdir(parents=True)
    monkeypatch.setenv("MBCOST_DEVICES", str(folder.parent))
    return folder


def written(folder: Path, text: str, name: str = "mine") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def network(folder: Path, *operators: str) -> str:
    path = folder / "net.yaml"
    rows = "".join(f"  - {{op: {operator}}}\n" for operator in operators)
    path.write_text(f"name: net\nsource: a test\ninput: 8x8x4\nlayers:\n{rows}", encoding="utf-8")
    return str(path)


# -- what ships -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RUNTIMES)
def test_every_runtime_says_what_becomes_of_every_operator(name: str) -> None:
    """A kernel, `outside`, or a refusal that its file lists; each with a source."""
    runtime = load_runtime(name)
    file: str | None = name
    refused = set()
    while file is not None:
        data = runtime_document(find_runtime(file)).data
        entries = [entry for entry in data.get("kernels", ()) if entry["kernel"] == "refused"]
        refused |= {op for entry in entries for op in entry["operators"]}
        file = data.get("like")
    assert {operator.op for operator in OPERATORS} == set(runtime.rules) | refused
    for rules in runtime.rules.values():
        assert rules[-1].when is None
        assert all(rule.source for rule in rules)


@pytest.mark.parametrize("name", RUNTIMES)
def test_what_ships_passes_the_checks_of_users_files(name: str) -> None:
    file = find_runtime(name)
    assert file.origin == "shipped"
    assert runtime_problems(runtime_document(file), file) == []
    assert check_runtime_file(file.path) == []


def test_no_file_says_what_another_says() -> None:
    """Nothing that a file of rules lists is word for word in a second one: it belongs to a family or to `common`."""
    seen: dict[str, str] = {}
    for path in sorted(runtime_rules().rglob("*.yaml")):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        for entry in [*data.get("kernels", ()), *(step for step in data.get("fusion", ()) if isinstance(step, dict))]:
            if len(entry["operators"]) > 4:
                text = yaml.safe_dump(entry)
                assert text not in seen, f"{path.name} repeats {seen[text]}"
                seen[text] = path.name


def test_families_are_no_runtimes() -> None:
    assert not {"common", *family_names()} & set(RUNTIMES)
    assert family("common").data["name"] == "common"


@pytest.mark.parametrize(
    ("runtime", "operator", "kind", "assumed"),
    [
        ("tflite-2018", "mish", "elementwise", True),  # TFLite has no mish
        ("tflite-2018", "group_norm", "elementwise", True),
        ("tflite-2018", "hard_swish", "elementwise", True),  # HARD_SWISH came in 2019
        ("tflite-2019", "hard_swish", "elementwise", False),
        ("tflite-2.1", "depthwise_conv2d", "depthwise", False),
        ("tflite-2.1", "matmul", "matmul", True),  # batch_matmul.cc came later
        ("pytorch-eager", "mish", "elementwise", False),  # aten/src/ATen/native/Activation.cpp
        ("pytorch-eager", "split", "view", False),
        ("pytorch-channels-last", "split", "copy", False),
        ("pytorch-mps", "mish", "elementwise", True),  # closed source
        ("coreml-cpu", "conv2d", "im2col_gemm", True),
        ("edgetpu", "mish", "outside", False),  # not on coral.ai's list
        ("vitis-ai-2.5", "sigmoid", "outside", False),  # not in PG338
        ("vitis-ai-2.5", "hard_swish", "elementwise", False),
        ("vela", "concat", "view", False),
        ("hexagon-hvx", "lrn", "outside", False),  # not in IsNodeSupportedByHexagon
        ("hexagon-hvx", "hard_swish", "elementwise", True),
        ("tflite-gpu-2.10", "gelu", "outside", False),  # no parser in model_builder.cc
        ("tflite-gpu-2020", "matmul", "outside", False),
        ("hls-tiled", "add", "elementwise", True),  # Zhang et al. compute convolutions
    ],
)
def test_what_runtimes_document(runtime: str, operator: str, kind: str, assumed: bool) -> None:
    rule = load_runtime(runtime).rules[operator][-1]
    assert (rule.kind, rule.assumed) == (kind, assumed)


# -- where numbers come from ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["form: cpu_eigen\n", ""])
def test_like_another_carries_no_fit_over(own: Path, form: str) -> None:
    """What was fitted to TFLite 2.1 on the Pixel 4's core is assumed of another program, on that very core too."""
    written(own, LIKE.replace("form: cpu_eigen\n", form))
    target = resolve_target("pixel4@mine")
    runtime, _, rates = latency_model(target)
    base = load_runtime("tflite-2.1")
    assert runtime.fitted_on is None
    assert not runtime.was_fitted_on("Cortex-A76 (Kryo 485)", "fp32")
    fitted = [name for name, parameter in base.parameters.items() if parameter.source == "fitted"]
    assert len(fitted) == 8
    for name in fitted:
        parameter = runtime.parameters[name]
        assert (parameter.value, parameter.source) == (base.parameters[name].value, "assumed")
        assert parameter.reference.startswith("carried over from tflite-2.1 on Cortex-A76 (Kryo 485) fp32; nn-Meter")
    assert {rate.source for rate in rates.values()} == {"assumed"}
    # 0.8892 MAC a lane and cycle x 4 lanes of 128 bit x 2.84 GHz
    assert rates["gemm"].seconds == pytest.approx(1 / (0.8892 * 4 * 2.84e9))
    assert [bound.value for bound in runtime.interval("Cortex-A76 (Kryo 485)", "fp32")] == [0.7, 1.5]
    assert "fitted_interval_low" not in runtime.parameters
    warnings = mbcost.analyze("mobilenet_v2", target).warnings
    assert "not calibrated on pixel4: nothing was fitted to latencies" in warnings
    assert not any("rates are those of" in warning for warning in warnings)


def test_a_fit_of_its_own_stays(own: Path) -> None:
    own_fit = "parameters:\n  pool_cycles: {value: 3, unit: cycle, source: fitted, reference: my bench}\n"
    written(own, f"{LIKE}fitted_on: {{processor: Cortex-A76 (Kryo 485), precision: fp32}}\n{own_fit}")
    on_it, elsewhere = (latency_model(resolve_target(f"{d}@mine"))[0].parameters for d in ("pixel4", "pixel1"))
    assert (on_it["pool_cycles"].source, on_it["gemm_macs_per_lane_cycle"].source) == ("fitted", "assumed")
    assert elsewhere["pool_cycles"].source == "assumed"
    assert elsewhere["pool_cycles"].reference == "carried over from Cortex-A76 (Kryo 485) fp32; my bench"


@pytest.mark.parametrize(("device", "source"), [("zcu102", "fitted"), ("zcu104", "assumed"), ("ultra96", "assumed")])
def test_what_was_fitted_on_one_unit_is_assumed_of_others(device: str, source: str) -> None:
    """Accel-NASBench timed the ZCU102 (XCZU9EG)."""
    runtime, _, _ = latency_model(resolve_target(device))
    assert runtime.parameters["cycles_per_step"].source == source


def test_like_inherits_the_rest(own: Path) -> None:
    """Rules, fusion and processors; of tflite-2018 the numbers of tflite-2.1 by way of two files."""
    runtime, base = load_runtime("tflite-2019"), load_runtime("tflite-2.1")
    assert (runtime.form, runtime.processors, runtime.fusion) == ("cpu_eigen", ("cpu",), base.fusion)
    assert runtime.parameters["gemm_macs_per_lane_cycle"].value == 0.8892
    assert runtime.parameters["gemm_macs_per_lane_cycle"].source == "assumed"
    assert runtime.parameters["interval_high"].value == 1.5  # its own
    assert runtime.parameters["int8_gemm_macs_per_lane_cycle"].value == 0.2964  # of tflite-2018


# -- caveats ----------------------------------------------------------------------------------------------------------


def assumed_in(analysis: mbcost.Analysis) -> list[str]:
    return [warning for warning in analysis.warnings if "documents" in warning]


def test_an_assumed_kernel_is_a_caveat(tmp_path: Path) -> None:
    model = network(tmp_path, "conv2d 1x1, out: 4", "mish", "softplus", "channel_shuffle, groups: 2", "mish")
    assert assumed_in(mbcost.analyze(model, "pixel1")) == [
        "tflite-2018 documents no kernel for `mish`, `softplus` (assumed: one pass over the tensors)"
    ]
    assert assumed_in(mbcost.analyze(model, "pixel1@pytorch-eager")) == []


@pytest.mark.parametrize("target", ["pixel1", "pixel4", "edge_tpu", "ethos_u55_256", "zcu102", "a100"])
def test_no_caveat_where_all_is_documented(target: str) -> None:
    assert assumed_in(mbcost.analyze("mobilenet_v2", target)) == []


def test_what_takes_no_time_or_is_known_to_be_outside_is_no_caveat(tmp_path: Path) -> None:
    assert assumed_in(mbcost.analyze(network(tmp_path, "conv2d 1x1, out: 4", "flatten"), "zc706")) == []
    on_the_host = mbcost.analyze(network(tmp_path, "conv2d 1x1, out: 4", "mish"), "galaxy_s24/npu")
    assert assumed_in(on_the_host) == []
    assert any("1 layer runs on galaxy_s24/cpu@" in warning for warning in on_the_host.warnings)


def test_a_closed_runtime_says_so_once() -> None:
    (warning,) = assumed_in(mbcost.analyze("mobilenet_v2", "iphone_x@coreml-cpu"))
    assert warning.startswith("nothing documents the kernels of coreml-cpu: it is closed source")


# -- the user's own ---------------------------------------------------------------------------------------------------


def test_a_runtime_beside_the_users_devices(own: Path) -> None:
    written(own, OWN)
    assert "mine" in runtime_names()
    device = load_device("pixel4")
    assert "mine" in runtimes_for(device, device.processors["gpu"])
    assert "mine" not in runtimes_for(device, device.processors["cpu"])
    target = resolve_target("pixel4@mine")
    assert target.name == "pixel4/gpu@mine"
    analysis = mbcost.analyze("mobilenet_v1", target)
    # 1x1, 112 x 112 x 32 -> 64, at half of 449.28 GMAC/s, or its traffic at 30.1 GB/s, whichever is longer
    layer = next(layer for layer in analysis.layers if layer.name == "conv2d_2")
    assert layer.compute_s == pytest.approx(112 * 112 * 32 * 64 / (0.5 * 449.28e9))
    assert layer.latency_s == pytest.approx(max(layer.compute_s, layer.memory_s))
    assert any("documents no kernel for" in warning for warning in analysis.warnings)


def test_what_it_refuses_and_leaves_to_others(own: Path, tmp_path: Path) -> None:
    written(own, OWN)
    with pytest.raises(InputError) as caught:
        mbcost.analyze(network(tmp_path, "mish"), "pixel4/gpu@mine")
    assert caught.value.codes == ("MB400",)
    analysis = mbcost.analyze(network(tmp_path, "gelu"), "pixel4/gpu@mine")
    assert [kernel.kind for kernel in analysis.kernels] == ["outside"]


def test_others_are_left_to_the_host(own: Path) -> None:
    written(own, OWN.replace("kernels:\n", "others: {kernel: outside, source: the list in its manual}\nkernels:\n"))
    rules = load_runtime("mine").rules
    assert {rules[op][-1].kind for op in ("conv2d", "add", "concat", "opaque")} == {"outside"}
    assert not rules["conv2d"][-1].assumed
    assert {rules[op][-1].kind for op in ("reshape", "constant")} == {"view"}


def test_a_runtime_by_its_path(tmp_path: Path, monkeypatch) -> None:
    written(tmp_path, OWN)
    monkeypatch.chdir(tmp_path)
    for text in ("pixel4/gpu@./mine.yaml", "pixel4@mine.yaml", f"pixel4/gpu@{tmp_path}/mine.yaml"):
        target = resolve_target(text)
        assert (target.name, target.runtime_path is not None) == ("pixel4/gpu@mine", True)
        assert mbcost.analyze("mobilenet_v1", text).runtime.title == "My runtime"


def test_both_device_and_runtime_by_their_path(tmp_path: Path) -> None:
    written(tmp_path, OWN)
    folder = tmp_path / "at@home"
    folder.mkdir()
    device = folder / "pixel4.yaml"
    device.write_text(Path(load_device("pixel4").path).read_text(encoding="utf-8"), encoding="utf-8")
    target = resolve_target(f"{device}/gpu@{tmp_path}/mine.yaml")
    assert (target.device.origin, target.name) == ("file", "pixel4/gpu@mine")


def test_a_changed_file_is_read_again(own: Path) -> None:
    written(own, OWN)
    slow = mbcost.analyze("mobilenet_v1", "pixel4/gpu@mine").latency_s
    written(own, OWN.replace("value: 0.5", "value: 0.25"))
    assert mbcost.analyze("mobilenet_v1", "pixel4/gpu@mine").latency_s > slow


def test_a_shipped_name_is_taken(own: Path) -> None:
    """The calibrations that ship are of the runtime that ships."""
    written(own, LIKE.replace("name: mine", "name: tflite-2018"), "tflite-2018")
    with pytest.raises(InputError) as caught:
        resolve_target("pixel1@tflite-2018")
    assert caught.value.codes == ("MB303",)


#: what is replaced, by what, and the problems that follow: code, line, column
BROKEN: dict[str, tuple[str, str, list[tuple[str, int, int]]]] = {
    "unknown key": ("title:", "titel:", [("MB102", 1, 1), ("MB101", 2, 1)]),
    "no source": ("source: its manual\n", "", [("MB302", 1, 1)]),
    "name of another file": ("name: mine", "name: yours", [("MB303", 1, 7)]),
    "unknown kind of processor": ("[gpu]", "[gpo]", [("MB103", 4, 14)]),
    "no processors": ("processors: [gpu]\n", "", [("MB102", 1, 1)]),
    "no form": ("form: roofline\n", "", [("MB102", 1, 1)]),
    "unknown operator": ("[mish]", "[mesh]", [("MB201", 7, 18)]),
    "no operators": ("[mish]", "[]", [("MB103", 7, 17)]),
    "unknown kernel": ("kernel: outside", "kernel: inside", [("MB103", 8, 33)]),
    "unknown condition": ("kernel: outside", "when: wide, kernel: outside", [("MB103", 8, 31)]),
    "product of an operator without one": ("kernel: outside", "kernel: dense", [("MB103", 8, 33)]),
    "product that is computed as none": ("[gelu], kernel: outside", "[gelu, conv2d], kernel: pool", [("MB103", 8, 41)]),
    "rule without a source": (', source: "its manual: on the host"', "", [("MB302", 8, 5)]),
    "unknown key of a rule": ("kernel: outside", "krnel: outside", [("MB102", 8, 5), ("MB101", 8, 25)]),
    "number in words": ("compute_efficiency: {value: 0.5", "compute_efficiency: {value: half", [("MB103", 10, 31)]),
    "not a number": ("value: 1,", "value: .nan,", [("MB103", 11, 28)]),
    "share of zero": ("value: 1,", "value: 0,", [("MB103", 11, 28)]),
    "tiny share": ("value: 1,", "value: 1e-300,", [("MB103", 11, 28)]),
    "unknown source": ("assumed, reference: all", "guessed, reference: all", [("MB103", 11, 50)]),
    "parameter without a reference": (", reference: all of it", "", [("MB102", 11, 3)]),
    "no interval": ("  interval_low:", "  interval_lo:", [("MB102", 9, 1)]),
    "interval above the prediction": ("interval_low: {value: 0.5", "interval_low: {value: 1.5", [("MB103", 12, 25)]),
    "interval below the prediction": ("interval_high: {value: 2,", "interval_high: {value: 0.9,", [("MB103", 13, 26)]),
    "half of a fitted interval": ("  interval_low:", ("  fitted_interval_low: {value: 1, unit: '1', source: assumed, "
        "reference: x}\n  interval_low:"), [("MB102", 12, 3)]),
    "unknown key of what it computes": ("form: roofline", ("computes: {fp16: {as: fp32, multiply: x, source: y}}\n"
        "form: roofline"), [("MB101", 5, 29)]),
    "unknown pattern key": ("form: roofline", "requires: {vendor: [x]}\nform: roofline", [("MB101", 5, 12)]),
    "unknown family": ("form: roofline", "family: tflight\nform: roofline", [("MB103", 5, 9)]),
    "like itself": ("form: roofline", "like: mine.yaml\nform: roofline", [("MB103", 5, 7)]),
    "like nothing": ("form: roofline", "like: nothing\nform: roofline", [("MB304", 5, 7)]),
    "unknown step": ("form: roofline", "fusion: [comon]\nform: roofline", [("MB103", 5, 10)]),
    "unknown form": ("form: roofline", "form: rufline", [("MB103", 5, 7)]),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "problems"), BROKEN.values(), ids=BROKEN)
def test_one_defect(tmp_path: Path, old: str, new: str, problems: list[tuple[str, int, int]]) -> None:
    assert OWN.count(old) == 1
    path = written(tmp_path, OWN.replace(old, new))
    found = check_runtime_file(path)
    assert [(p.code, p.location.line, p.location.column) for p in found if p.location] == problems
    assert len(found) == len(problems)


def test_all_problems_are_raised_at_once(own: Path) -> None:
    written(own, OWN.replace("[mish]", "[mesh]").replace("kernel: outside", "kernel: inside"))
    with pytest.raises(InputError) as caught:
        mbcost.analyze("mobilenet_v1", "pixel4/gpu@mine")
    assert caught.value.codes == ("MB201", "MB103")
    assert "did you mean `mish`" in str(caught.value)


@pytest.mark.parametrize("text", ["", "3\n", "[1]\n", "name: [x]\nlike: 3\n", "kernels: 3\nparameters: [a]\n"])
def test_what_is_no_runtime(own: Path, text: str) -> None:
    path = written(own, text)
    assert check_runtime(path)
    with pytest.raises(InputError):
        mbcost.analyze("mobilenet_v1", "pixel4@mine")


def leaves(data: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from leaves(value, (*path, key))
    if path:
        yield path


VALUES = ["null", "[]", "{}", "true", "-1", "0", "1e300", "x", "''", "[[1]]", "{a: 1}", "like", "tflite-2.1", "[relu]"]


@settings(deadline=None, max_examples=150)
@given(text=st.sampled_from([OWN, LIKE]), data=st.data())
def test_a_runtime_with_any_value_replaced_predicts_or_is_refused(tmp_path_factory, text: str, data) -> None:
    tree = yaml.safe_load(text)
    path = data.draw(st.sampled_from(list(leaves(tree))))
    parent = tree
    for part in path[:-1]:
        parent = parent[part]
    parent[path[-1]] = yaml.safe_load(data.draw(st.sampled_from(VALUES)))
    file = written(tmp_path_factory.mktemp("replaced"), yaml.safe_dump(tree))
    found = check_runtime_file(file)
    for target in (f"pixel4/gpu@{file}", f"pixel4/cpu@{file}"):
        with suppress(InputError):
            assert mbcost.analyze("mobilenet_v1", target).latency_s >= 0
            assert not found


def test_a_circle(own: Path) -> None:
    written(own, LIKE.replace("like: tflite-2.1", "like: yours"))
    path = written(own, LIKE.replace("name: mine", "name: yours").replace("like: tflite-2.1", "like: mine"), "yours")
    (problem,) = check_runtime(path)
    assert (problem.code, problem.message) == ("MB103", "`like: mine`: what it is like is like it: a circle")
    with pytest.raises(InputError, match="circle"):
        load_runtime("yours")


def test_like_a_broken_one(own: Path) -> None:
    written(own, OWN.replace("[mish]", "[mesh]"), "mine")
    written(own, LIKE.replace("name: mine", "name: yours").replace("tflite-2.1", "mine"), "yours")
    with pytest.raises(InputError, match="mesh"):
        load_runtime("yours")


# -- forms ------------------------------------------------------------------------------------------------------------


def test_an_unknown_form_lists_them(own: Path) -> None:
    written(own, OWN.replace("form: roofline", "form: rufline"))
    with pytest.raises(InputError, match="MB103") as caught:
        mbcost.analyze("mobilenet_v1", "pixel4/gpu@mine")
    assert "cpu_eigen, cpu_gemm" in str(caught.value)
    assert "did you mean `roofline`" in str(caught.value)


def test_a_kernel_is_not_free_for_want_of_a_term(own: Path) -> None:
    """cpu_gemm charges no direct convolution, which is what conv2d is where nothing else is said."""
    path = written(own, OWN.replace("form: roofline", "form: cpu_gemm").replace("[gpu]", "[cpu]"))
    found = check_runtime_file(path)
    assert {problem.code for problem in found} == {"MB103"}
    assert any("`direct_conv` of conv2d, transposed_conv2d, conv3d" in problem.message for problem in found)
    with pytest.raises(InputError, match="direct_conv"):
        mbcost.analyze("mobilenet_v1", "pixel4@mine")


def test_a_parameter_that_the_form_needs(own: Path) -> None:
    written(own, OWN.replace("compute_efficiency", "computing_efficiency"))
    with pytest.raises(InputError) as caught:
        mbcost.analyze("mobilenet_v1", "pixel4/gpu@mine")
    assert caught.value.codes == ("MB102",)
    assert "compute_efficiency" in str(caught.value)


@pytest.fixture
def another_package(monkeypatch, tmp_path):
    """Installs a package whose entry point `theirs` is what the code of its module calls FORM."""

    def install(code: str) -> None:
        folder = tmp_path / "site"
        info = folder / "theirs-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text("[mbcost.forms]\ntheirs = their_form:FORM\n", encoding="utf-8")
        (folder / "their_form.py").write_text(code, encoding="utf-8")
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, "their_form", raising=False)

    yield install
    sys.modules.pop("their_form", None)


_COPY = """\
from dataclasses import replace
from mbcost.latency.forms.cpu_gemm import CPU_GEMM
FORM = replace(CPU_GEMM, name="theirs")
"""


def test_a_form_of_another_package(own: Path, another_package) -> None:
    assert "theirs" not in form_names()
    another_package(_COPY)
    assert "theirs" in form_names()
    path = written(own, LIKE.replace("form: cpu_eigen", "form: theirs"))
    assert check_runtime_file(path) == []
    mine = mbcost.analyze("mobilenet_v1", "pixel4@mine")
    assert mine.form.name == "theirs"
    assert (
        mine.latency_s == mbcost.analyze("mobilenet_v1", "pixel4@tflite-2.1", calibration=False).latency_s
    )  # the same terms


@pytest.mark.parametrize(
    "code",
    ["FORM = 3", "from mbcost.latency.forms.cpu_gemm import CPU_GEMM as FORM", "raise ImportError('not today')", ""],
    ids=["a number", "another name", "broken", "nothing"],
)
def test_a_form_of_another_package_that_is_none(another_package, code: str) -> None:
    another_package(code)
    with pytest.raises(InputError, match="theirs"):
        find_form("theirs")


# -- the command ------------------------------------------------------------------------------------------------------


def test_the_json_schema_accepts_what_ships_and_refuses_mistakes() -> None:
    from jsonschema import Draft202012Validator

    from mbcost.kernels.runtime_check import runtime_json_schema

    validator = Draft202012Validator(runtime_json_schema())
    Draft202012Validator.check_schema(validator.schema)
    for name in RUNTIMES:
        validator.validate(runtime_document(find_runtime(name)).data)
    right = yaml.safe_load(OWN)
    assert validator.is_valid(right)
    for change in ({"naem": "x"}, {"processors": ["cpx"]}, {"kernels": [{"operators": ["mesh"]}]}, {"title": ""}):
        assert not validator.is_valid({**right, **change})


@pytest.mark.parametrize("target", ["pixel4", "pixel3@tflite-2018", "pixel3", "galaxy_s24", "pixel4@xnnpack-2020"])
def test_fp16_gains_nothing_where_the_runtime_computes_in_fp32(target: str) -> None:
    """TensorFlow's page on float16 quantisation: on a CPU, weights are made fp32 before the first inference."""
    half, single = (mbcost.analyze("mobilenet_v2", target, precision=precision) for precision in ("fp16", "fp32"))
    assert half.latency_s == single.latency_s
    assert (half.latency_low_s, half.latency_high_s) == (single.latency_low_s, single.latency_high_s)
    assert half.totals == single.totals
    assert sum("in fp32: no speed-up" in warning for warning in half.warnings) == 1
    assert not any("no speed-up" in warning for warning in single.warnings)
    assert not any("fp16" in hint.change for hint in find_hints(single, most=20))
