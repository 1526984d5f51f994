"""The grammar of a target, and what it says when there is no such thing."""

from __future__ import annotations

import shutil

import pytest

from mbcost.devices import resolve_target, runtimes
from mbcost.errors import InputError
from mbcost.resources import hardware_profiles


@pytest.fixture(autouse=True)
def no_user_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("MBCOST_DEVICES", str(tmp_path))


@pytest.mark.parametrize(
    ("text", "name", "precision"),
    [
        ("pixel1", "pixel1/cpu@tflite-2018", "fp32"),
        ("pixel1/cpu", "pixel1/cpu@tflite-2018", "fp32"),
        ("pixel1/cpu@tflite-2.1", "pixel1/cpu@tflite-2.1", "fp32"),
        ("pixel1@tflite-2.1", "pixel1/cpu@tflite-2.1", "fp32"),
        ("pixel1@hexagon-nn", "pixel1/dsp@hexagon-nn", "int8"),  # the one processor with that runtime
        (" pixel4 ", "pixel4/cpu@tflite-2.10", "fp32"),
        ("pixel4/gpu", "pixel4/gpu@tflite-gpu-2.10", "fp16"),
        ("pixel4/gpu@tflite-gpu-2020", "pixel4/gpu@tflite-gpu-2020", "fp32"),
        ("raspberry_pi_4", "raspberry_pi_4/cpu@tflite-2.10", "fp32"),
        ("iphone_x/gpu", "iphone_x/gpu@coreml-gpu", "fp32"),
        ("zcu102", "zcu102/fpga@vitis-ai-2.5", "int8"),
        ("pixel4@xnnpack-2020", "pixel4/cpu@xnnpack-2020", "fp32"),  # any CPU runs it
        ("iphone_x@pytorch-eager", "iphone_x/cpu@pytorch-eager", "fp32"),
        ("a100@pytorch-cuda-graph", "a100/gpu@pytorch-cuda-graph", "fp32"),
        ("galaxy_s8@hexagon-nn", "galaxy_s8/dsp@hexagon-nn", "int8"),
    ],
)
def test_targets(text, name, precision):
    target = resolve_target(text)
    assert (target.name, target.precision, target.threads) == (name, precision, 1)


@pytest.mark.parametrize("rest", ["", "/gpu", "@tflite-gpu-2020", "/gpu@tflite-gpu-2020"])
def test_a_device_may_be_a_path(tmp_path, rest):
    folder = tmp_path / "at@home"
    folder.mkdir()
    shutil.copy(hardware_profiles() / "pixel4.yaml", folder)
    target = resolve_target(f"{folder}/pixel4.yaml{rest}")
    assert target.processor.name == ("gpu" if rest else "cpu")
    assert target.device.origin == "file"


def test_precision_and_threads():
    target = resolve_target("pixel4", precision="int8", threads=4)
    assert (target.precision, target.threads) == ("int8", 4)
    assert target.peak.value == pytest.approx(90.88e9)


@pytest.mark.parametrize(
    ("text", "options", "code", "says"),
    [
        ("pixle4", {}, "MB300", "`pixel4`"),
        ("pixle4", {}, "MB300", "mbcost devices search"),
        ("nothing like it", {}, "MB300", "mbcost devices search"),
        ("nothing like it", {}, "MB300", "cortex_a76@2.4GHz"),
        ("nothing like it", {}, "MB300", "mbcost devices new"),
        ("nothing like it", {}, "MB300", "mbcost calibrate"),
        ("", {}, "MB300", "device/processor@runtime"),
        ("pixel1/", {}, "MB300", "device/processor@runtime"),
        ("pixel1@", {}, "MB300", "device/processor@runtime"),
        ("pixel1/cpu/gpu", {}, "MB300", "device/processor@runtime"),
        ("nowhere/phone.yaml", {}, "MB001", "nowhere/phone.yaml"),
        ("pixel1/npu", {}, "MB304", "cpu (Kryo), gpu, dsp or cpu.small (kryo)"),
        ("pixel1/cpu@xnnpack", {}, "MB304", "did you mean `xnnpack-2020`? it has tflite-2018, "),
        ("pixel1@xnnpack", {}, "MB304", "did you mean `xnnpack-2020`? it has tflite-2018, "),
        ("pixel4/gpu@tflite-2.1", {}, "MB304", "pixel4/gpu cannot run tflite-2.1: it runs on a cpu"),
        ("pixel4/gpu@tflite-2.1", {}, "MB304", "pixel4/gpu has tflite-gpu-2.10"),
        ("pixel4@coreml-cpu", {}, "MB304", "it runs on a cpu that is `Apple *`"),
        ("pixel6/gpu@tflite-gpu-2020", {}, "MB304", "it runs on a gpu that is `Adreno *`"),
        ("pixel4/gpu@pytorch-cuda", {}, "MB304", "it does not run on Adreno 640"),
        ("iphone_x/gpu@pytorch-mps", {}, "MB304", "it does not run on Apple GPU"),
        ("zc706@vitis-ai-2.5", {}, "MB304", "it needs the section `dpu` of the profile"),
        ("vck190@vitis-ai-2.5", {}, "MB304", "it runs on an fpga that is `xczu*`, `xck26*` or `xc7z*`"),
        ("zcu102@hls-tiled", {}, "MB304", "it needs the section `hls` of the profile"),
        ("intel_ncs2@edgetpu", {}, "MB304", "it needs the section `systolic` of the profile"),
        ("edge_tpu@vela", {}, "MB304", "it needs the section `ethos_u` of the profile"),
        ("pixel4@common", {}, "MB304", "mbcost has no rules for it"),
        ("pixel4@nowhere/mine.yaml", {}, "MB001", "nowhere/mine.yaml"),
        ("pixel1", {"precision": "bf16"}, "MB305", "it has fp32 or int8"),
        ("pixel4/cpu", {"precision": "fp64"}, "MB305", "fp32, fp16 or int8"),
        ("pixel4/cpu", {"threads": 0}, "MB305", "1 to 4 threads"),
        ("pixel4/cpu", {"threads": -1}, "MB305", "1 to 4 threads"),
        ("pixel4/cpu", {"threads": 5}, "MB305", "1 to 4 threads"),
        ("pixel4/gpu", {"threads": 2}, "MB305", "1 thread"),
    ],
)
def test_what_does_not_exist(text, options, code, says):
    with pytest.raises(InputError) as caught:
        resolve_target(text, **options)
    assert caught.value.codes == (code,)
    assert says in str(caught.value)


def test_bandwidth_is_what_the_processor_measured_or_that_of_the_memory():
    assert resolve_target("raspberry_pi_4").bandwidth.value == pytest.approx(4.33e9)
    assert resolve_target("pixel1").bandwidth.value == pytest.approx(29.8e9)


def test_a_target_reads_its_own_runtime_alone():
    """What runs on a processor is worked out where it is listed, not at each start."""
    runtimes._document.cache_clear()
    runtimes._shipped_place.cache_clear()
    resolve_target("pixel1/cpu@tflite-2018")
    assert runtimes._document.cache_info().currsize == 2  # it is like tflite-2.1
