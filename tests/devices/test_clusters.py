"""Devices from the catalogue: clusters as processors, chips and cores as devices, other names."""

from __future__ import annotations

import csv
import pickle
import time
from pathlib import Path

import pytest

import mbcost
from mbcost.devices import DeviceProfile, Processor, device_names, load_device, resolve_target
from mbcost.devices.cores import core_names, load_core
from mbcost.devices.entries_of_catalogue import Head, head_of, plain
from mbcost.devices.folders import profiles_in
from mbcost.devices.gpus import cores_in, find_gpu
from mbcost.devices.socs import load_soc, soc_names
from mbcost.errors import InputError
from mbcost.files import load_yaml
from mbcost.resources import hardware_profiles

HOME = hardware_profiles()
SHORT = sorted(profiles_in(HOME / "devices"))
ALL = [*SHORT, *soc_names()]


@pytest.fixture(autouse=True)
def no_user_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MBCOST_DEVICES", str(tmp_path))


def check(profile: DeviceProfile) -> None:
    """What holds for every profile: one default, numbers that agree, and a source of each."""
    assert [each.name for each in profile.processors.values() if each.default] == ["cpu"]
    for name, processor in profile.processors.items():
        if name == "gpu":
            check_gpu(processor)
            continue
        if processor.kind == "npu":
            assert (processor.runtime, processor.precisions) in (("tflite-htp", ("int8", "fp16")), ("rknn", ("int8",)))
            continue
        core = load_core(processor.model)
        assert processor.name == name
        assert processor.model == core.name
        assert processor.precisions[0] == ("int8" if core.microcontroller else "fp32")
        assert ("fp16" in processor.precisions) == ("fp16" in core.features)
        assert processor.max_threads == (processor.cores.value if processor.cores else 1)
        assert processor.clock is None or set(processor.peak) == set(processor.throughput)
        for precision, peak in processor.peak.items():
            assert peak.value == pytest.approx(processor.clock.value * processor.throughput[precision].value)
            assert peak.source == "derived"
            assert peak.formula == f"{processor.clock.text} x {processor.throughput[precision].text}"
    for place, quantity in profile.quantities():
        assert set(quantity.reference) <= set(profile.provenance.references), place
        assert quantity.reference or quantity.formula or quantity.note, place


def check_gpu(processor: Processor) -> None:
    """A chip's graphics processor: cores x clock x multiply-adds of a core, from the catalogue."""
    gpu = find_gpu(processor.model)
    assert gpu is not None
    assert (processor.kind, processor.runtime) == ("gpu", "tflite-gpu-2.10")
    cores = processor.cores.value if processor.cores else cores_in(processor.model) or 1
    for precision, peak in processor.peak.items():
        assert peak.value == pytest.approx(cores * processor.clock.value * gpu.throughput[precision].value)
    assert processor.clock.source != "assumed" or "is not known" in processor.clock.note


@pytest.mark.parametrize("name", ALL)
def test_every_entry_is_a_device(name: str) -> None:
    profile = load_device(name)
    assert (profile.name, profile.origin) == (name, "shipped")
    check(profile)


def test_clusters_of_a_chip() -> None:
    """AnandTech 14794: Snapdragon 855: A76 2.84 GHz 512 KiB, three A76 2.42 GHz 256 KiB, four A55 1.8 GHz 128 KiB."""
    profile = load_device("snapdragon_855")
    assert list(profile.processors) == ["cpu", "cpu.medium", "cpu.small", "gpu"]
    clusters = [each for each in profile.processors.values() if each.kind == "cpu"]
    facts = [(each.max_threads, each.clock.value, each.l2.value, each.runtime) for each in clusters]
    assert facts == [
        (1, 2.84e9, 512 * 1024, "tflite-2.10"),
        (3, 2.42e9, 256 * 1024, "tflite-2.10"),
        (4, 1.8e9, 128 * 1024, "tflite-2.10"),
    ]
    assert profile.processors["cpu"].peak["fp32"].value == pytest.approx(2.84e9 * 8)  # two pipes of four lanes
    assert profile.processors["cpu.small"].peak["int8"].value == pytest.approx(1.8e9 * 16)  # one pipe, dot product
    assert profile.processors["cpu"].clock.reference == ("snapdragon_855.at_855",)
    assert profile.memory.bandwidth.value == pytest.approx(33.5e9)
    assert pickle.loads(pickle.dumps(profile)) == profile  # our own


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("snapdragon_855/cpu", "cpu"),
        ("snapdragon_855/cpu.large", "cpu"),
        ("snapdragon_855/cpu.big", "cpu"),
        ("snapdragon_855/cpu.prime", "cpu"),
        ("snapdragon_855/cpu.gold", "cpu.medium"),
        ("snapdragon_855/cpu.mid", "cpu.medium"),
        ("snapdragon_855/cpu.middle", "cpu.medium"),
        ("snapdragon_855/CPU.Silver", "cpu.small"),
        ("snapdragon_855/cpu.little", "cpu.small"),
        ("snapdragon_845/cpu.gold", "cpu"),  # it has no prime core
        ("snapdragon_855/cpu.kryo_485_silver", "cpu.small"),
        ("snapdragon_855/cpu.cortex_a55", "cpu.small"),  # from which the Kryo derives
        ("snapdragon_855/cpu.cortex-a76", "cpu"),
        ("pixel4/cpu.small", "cpu.small"),  # of a full profile
        ("pixel4/cpu.medium", "cpu.medium"),
        ("pixel4/cpu.large", "cpu"),
        ("raspberry_pi_5/cpu.large", "cpu"),
        ("snapdragon_8_gen_3/cpu.cortex_a720", "cpu.medium"),
    ],
)
def test_names_of_clusters(text: str, name: str) -> None:
    assert resolve_target(text).processor.name == name


@pytest.mark.parametrize(
    ("text", "options", "code", "says"),
    [
        ("pixel9/cpu.medium_2", {}, "MB304", "cpu.medium (cortex_a720), cpu.small (cortex_a520) or gpu"),
        ("pixel9/cpu.cortex_a53", {}, "MB304", "cpu.small (cortex_a520)"),
        ("pixel9/cpu.huge", {}, "MB304", "cpu.small (cortex_a520)"),
        ("raspberry_pi_zero_2_w/gpu", {}, "MB304", "no numbers to predict its VideoCore IV"),
        ("raspberry_pi_5/cpu.small", {}, "MB304", "it has cpu (Cortex-A76)"),
        ("snapdragon_855/cpu.small", {"threads": 5}, "MB305", "it has 1 to 4 threads"),
        ("snapdragon_855/cpu", {"threads": 2}, "MB305", "it has 1 thread"),
        ("snapdragon_855/cpu", {"precision": "bf16"}, "MB305", "it has fp32, fp16 or int8"),
        ("cortex_x4@33GHz", {}, "MB303", "the highest known clock of Arm Cortex-X4 is 3.782 GHz"),
        ("cortex_x4@0GHz", {}, "MB303", "does not run at 0 GHz"),
        ("cortex_x4@2.2.2GHz", {}, "MB303", "such as cortex_x4@2.0GHz"),
        ("cortex_a5", {}, "MB303", "cortex_a5@2.0GHz"),  # no chip of the catalogue has one
        ("cortex_x4@2GHz", {"threads": 2}, "MB305", "it has 1 thread"),
        ("cortex_x4@2GHz/cpu.small", {}, "MB304", "it has cpu (cortex_x4)"),
        ("cortex_x9@2GHz", {}, "MB300", "`cortex_x"),
    ],
)
def test_what_does_not_exist(text: str, options: dict[str, object], code: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        resolve_target(text, **options)  # type: ignore[arg-type]
    assert caught.value.codes == (code,)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "name", "hertz"),
    [
        ("cortex_a55@1.8GHz", "cortex_a55@1.8GHz/cpu@tflite-2.10", 1.8e9),
        ("Cortex-A55@1800mhz", "cortex_a55@1.8GHz/cpu@tflite-2.10", 1.8e9),
        ("cortex_x4@3.39GHz@ncnn", "cortex_x4@3.39GHz/cpu@ncnn", 3.39e9),
        ("cortex_x4@3.39GHz/cpu@ncnn", "cortex_x4@3.39GHz/cpu@ncnn", 3.39e9),
        ("cortex_x4@4.7GHz", "cortex_x4@4.7GHz/cpu@tflite-2.10", 4.7e9),  # within 25 % of 3.782 GHz
        ("zen_3@4GHz", "zen_3@4GHz/cpu@ncnn", 4e9),  # which x86 cores were measured with
    ],
)
def test_a_core_and_its_clock(text: str, name: str, hertz: float) -> None:
    target = resolve_target(text)
    assert target.name == name
    assert target.processor.clock.value == pytest.approx(hertz)
    assert resolve_target(target.name) == target
    check(target.device)


def test_a_core_without_a_clock_has_the_highest_that_is_known() -> None:
    device = load_device("cortex_x4")
    assert resolve_target("cortex_x4@ncnn").name == "cortex_x4@3.782GHz/cpu@ncnn"
    assert device.note == "no clock was named: at the highest that is known of it, 3.782 GHz"
    assert load_device("cortex_x4@3GHz").note is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("SM-S921B", "galaxy_s24_exynos"),
        ("sm s921b", "galaxy_s24_exynos"),
        ("Pixel 9", "pixel9"),
        ("pixel_9", "pixel9"),
        ("google pixel 9", "pixel9"),
        ("Pixel 4", "pixel4"),  # of a full profile: its title without the maker
        ("galaxy s24", "galaxy_s24"),
        ("iPhone15,4", "iphone_15"),
        ("iphone15", "iphone_15"),
        ("SM8650", "snapdragon_8_gen_3"),
        ("Snapdragon 8 Gen 3", "snapdragon_8_gen_3"),
        ("Qualcomm Snapdragon 8 Gen 3", "snapdragon_8_gen_3"),
        ("Cortex-X4", "cortex_x4@3.782GHz"),
    ],
)
def test_other_names(text: str, name: str) -> None:
    assert load_device(text).name == name


def test_every_other_name_leads_to_its_own_device() -> None:
    wrong = [
        (alias, name)
        for name in SHORT
        for alias in load_device(name).names
        if load_device(alias.partition("/")[0]).name != name  # behind a stroke a target has its processor
    ]
    wrong += [(alias, name) for name in soc_names() for alias in load_soc(name).names if load_soc(alias).name != name]
    assert wrong == []


@pytest.mark.parametrize("folder", ["cores", "socs", "devices"])
def test_names_are_found_without_reading_the_whole_file(folder: str) -> None:
    for path in sorted((HOME / folder).glob("*.yaml")):
        identity = load_yaml(path).data["identity"]
        assert head_of(path) == Head(identity["title"], tuple(identity["names"])), path


def test_titles_of_full_profiles_are_found() -> None:
    for path in sorted(HOME.glob("*.yaml")):
        assert head_of(path).title == load_yaml(path).data["identity"]["title"], path


def test_names_are_not_those_of_others() -> None:
    """A device, a chip and a core are told apart by their keys alone."""
    groups = [set(profiles_in(HOME)), set(SHORT), set(soc_names()), set(core_names())]
    assert sum(map(len, groups)) == len(set.union(*groups))
    assert {plain(name) for name in set.union(*groups)} == set.union(*groups)


def test_what_deviates_from_the_chip() -> None:
    """pytorch/cpuinfo's mock of the Galaxy S8 (US): 2.3616 GHz; the chip's highest is 2.4576 GHz."""
    deviating = [name for name in SHORT if "clusters" in load_yaml(HOME / "devices" / f"{name}.yaml").data]
    assert deviating
    for name in deviating:
        data, device = load_yaml(HOME / "devices" / f"{name}.yaml").data, load_device(name)
        for cluster, values in data["clusters"].items():
            clock = device.processors["cpu" if cluster == "large" else f"cpu.{cluster}"].clock
            given = values.get("clock")
            if given is not None:
                assert clock.text == (given["value"] if isinstance(given, dict) else given)


def test_full_profiles_name_their_chip() -> None:
    profile = load_device("pixel4")
    assert profile.chip == "snapdragon_855"
    assert list(profile.processors) == ["cpu", "gpu", "cpu.medium", "cpu.small"]
    assert profile.processors["cpu"].clock.text == "2.84 GHz"
    assert profile.processors["cpu"].max_threads == 4  # as its own section says
    assert profile.processors["cpu.small"].clock.reference == ("snapdragon_855.at_855",)
    assert load_device("a100").chip is None


def test_a_profile_without_a_cpu_has_that_of_its_chip() -> None:
    fold = load_device("pixel_fold")
    assert fold.default_processor.name == "cpu"
    assert fold.default_processor.model == "cortex_x1"
    assert load_device("qcs8550").default_processor.name == "npu"  # as its file says
    assert load_device("qcs8550").processors["cpu"].model == "cortex_x3"


@pytest.mark.parametrize(
    ("name", "runtime"),
    [
        ("pixel1", "tflite-2018"),
        ("pixel2", "tflite-2018"),
        ("pixel3", "tflite-2019"),
        *[(name, "tflite-2.10") for name in ("pixel3a", "pixel4", "pixel6", "pixel_fold", "galaxy_s8", "galaxy_s24")],
        *[(name, "tflite-2.10") for name in ("xiaomi_mi9", "iphone_7", "iphone_x", "ipad_pro_10_5")],
        *[(name, "tflite-2.10") for name in ("raspberry_pi_3b_plus", "raspberry_pi_4", "raspberry_pi_5")],
        ("jetson_nano", "ideal-gpu"),
        ("a100", "ideal-gpu"),
    ],
)
def test_default_runtimes(name: str, runtime: str) -> None:
    assert load_device(name).default_processor.runtime == runtime


def test_runtimes_of_the_past_run_by_name() -> None:
    assert mbcost.analyze("mobilenet_v2", "pixel4@xnnpack-2020").latency_s > 0
    old = mbcost.analyze("mobilenet_v2", "pixel4@tflite-2.1")
    assert old.calibration is not None
    assert mbcost.analyze("mobilenet_v2", "iphone_x@coreml-cpu").runtime.name == "coreml-cpu"


def test_models_of_fp16_run_on_cores_without_its_arithmetic() -> None:
    """TFLite makes weights of fp16 fp32; ncnn has no such rule."""
    half, single = (mbcost.analyze("mobilenet_v2", "cortex_a53@1.4GHz", precision=each) for each in ("fp16", "fp32"))
    assert half.latency_s == single.latency_s
    assert resolve_target("cortex_a53@1.4GHz", precision="fp16").precision == "fp16"
    with pytest.raises(InputError, match="fp16"):
        resolve_target("cortex_a53@1.4GHz@ncnn", precision="fp16")


@pytest.mark.parametrize(
    "target",
    ["galaxy_s24", "pixel9", "iphone_15", "raspberry_pi_5", "snapdragon_8_gen_2/cpu", "cortex_a55@1.8GHz"],
)
def test_any_phone_has_an_answer(target: str) -> None:
    mbcost.analyze("mobilenet_v2", "pixel1")
    before = time.process_time()
    analysis = mbcost.analyze("mobilenet_v2", target)
    assert analysis.latency_low_s < analysis.latency_s < analysis.latency_high_s
    assert time.process_time() - before < 1.0


def test_names_of_devices() -> None:
    assert set(device_names()) == set(profiles_in(HOME))
    assert set(device_names(catalogue=True)) == {*profiles_in(HOME), *SHORT, *soc_names()}


def test_only_what_is_needed_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device costs its own file, its chip and their cores; the catalogue is not read."""
    from mbcost.devices import cores, library, socs

    read: list[str] = []
    library._load.cache_clear()
    for module in (cores, socs):
        module._load.cache_clear()
        module._find.cache_clear()
        real = module.load_yaml
        monkeypatch.setattr(module, "load_yaml", lambda path, real=real: (read.append(path.stem), real(path))[1])
    monkeypatch.setattr(cores, "_aliases", None)  # which would read every core
    monkeypatch.setattr(socs, "_aliases", None)
    assert load_device("pixel9").chip == "tensor_g4"
    assert sorted(read) == ["cortex_a520", "cortex_a720", "cortex_x4", "tensor_g4"]


def test_names_of_the_bench_are_names_of_devices() -> None:
    path = Path(__file__).parents[3] / "shared" / "measurements" / "phones_qed" / "phones.csv"
    if not path.exists():
        pytest.skip("the measurements are not beside this checkout")
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(line for line in lines if not line.startswith("#")):
            assert load_soc(row["soc"]).name
            assert load_device(row["phone"]).chip
