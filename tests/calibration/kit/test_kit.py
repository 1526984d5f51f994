"""Making kits, and reading what they measured: the whole way from a kit to a calibration."""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from mbcost.calibration.inputs import read_inputs
from mbcost.calibration.kit.make import Model, make_kit, visits_of
from mbcost.calibration.kit.results import read_kit
from mbcost.calibration.kit.tools import TOOLS
from mbcost.calibration.listed import Listed
from mbcost.errors import InputError
from mbcost.graph import build_graph
from mbcost.networks import load
from tests.calibration.kit.conftest import Device, MakeKit
from tests.cli.conftest import Cli

linux = pytest.mark.skipif(sys.platform != "linux", reason="the stand-ins are Linux's")


def test_what_is_in_a_kit(cli: Cli, small_kit: MakeKit) -> None:
    kit = small_kit(precisions=("fp32", "int8"))
    rows = list(csv.DictReader((kit / "models.csv").read_text().splitlines()))
    assert [(row["name"], row["precision"], row["resolution"]) for row in rows] == [
        ("one.yaml-1-32-fp32", "fp32", ""), ("one.yaml-1-32-int8", "int8", ""), ("two.yaml-1-32-fp32", "fp32", ""),
        ("two.yaml-1-32-int8", "int8", ""),
    ]  # fmt: skip
    for row in rows:  # a file that mbcost reads as the same network: 3x3 at 16x16 of 3 channels, then a dense layer
        out = 8 if row["name"].startswith("one") else 16
        graph = build_graph(load(str(kit / "models" / row["file"])))
        assert graph.cost.macs == 16 * 16 * 9 * 3 * out + 10 * out
    readme = (kit / "README.md").read_text()
    assert "mbcost calibrate rows.csv --device pixel8 --precision int8 --install" in readme
    again = cli("kit", "--device", "pixel8", "-o", str(kit))
    assert (again.code, "exists and was kept" in again.err) == (2, True)


def model(number: int) -> Model:
    return Model(f"m{number}", "", "fp32", "", Listed("m", 1.0, None), "", float(number))


def test_the_order_of_visits() -> None:
    """25 models: each once a pass in another order, the canary (the middle one by MACs) every ten and at the end."""
    models = [model(number) for number in range(25)]
    visits = list(visits_of(models, 3, 0, TOOLS["ncnn"]))
    passes = [[visit for visit in visits if visit[0] == number] for number in ("1", "2", "3")]
    orders = [[name for _, visit, name in each if not visit.startswith("canary")] for each in passes]
    assert [sorted(order) for order in orders] == [sorted(f"m{number}" for number in range(25))] * 3
    assert len({tuple(order) for order in orders}) == 3
    for each in passes:
        canaries = [(at, visit, name) for at, (_, visit, name) in enumerate(each) if visit.startswith("canary")]
        assert canaries == [
            (0, "canary-0", "m12"),
            (11, "canary-1", "m12"),
            (22, "canary-2", "m12"),
            (28, "canary-end", "m12"),
        ]
    assert visits == list(visits_of(models, 3, 0, TOOLS["ncnn"]))
    assert visits != list(visits_of(models, 3, 1, TOOLS["ncnn"]))
    profiled = [visit for visit in visits_of(models, 1, 0, TOOLS["litert"]) if visit[0] == "profile"]
    assert [name for _, _, name in profiled] == [f"m{number}" for number in range(25)]


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--runtime", "tensorrt"), 2, "no kit measures `tensorrt`"),
        (("--runtime", "ncnn", "--precision", "int8"), 2, "a kit for ncnn has no int8 models"),
        (("--precision", "fp32,int4"), 2, "no model is written at `int4`"),
        (("--precision", "fp32,fp32"), 2, "name each precision once"),
        (("--suggest", "0"), 2, "the kit would have no model"),
        (("--suggest", "9999"), 2, "--suggest 9999 is out of range"),
        (("nothing.yaml",), 2, "no architecture or file"),
    ],
)
def test_kits_that_cannot_be_made(cli: Cli, tmp_path: Path, options: tuple[str, ...], code: int, said: str) -> None:
    done = cli("kit", "--device", "pixel8", "-o", "kit", *options)
    assert (done.code, said in done.err) == (code, True), done.err
    assert not (tmp_path / "kit").exists()


def test_suggested_networks(tmp_path: Path) -> None:
    """Two of them, each at both precisions, none of which is larger than 100 MB."""
    kit = make_kit(tmp_path / "kit", "pixel8", precisions=("fp16", "int8"), suggestions=2)
    assert kit.target.name == "pixel8/cpu@tflite-2.10"
    assert Counter(each.precision for each in kit.models) == {"fp16": 2, "int8": 2}
    assert all((tmp_path / "kit/models" / each.file).stat().st_size < 1e8 for each in kit.models)
    assert len({each.network for each in kit.models}) == 2


@linux
def test_from_a_kit_to_a_calibration(cli: Cli, tmp_path: Path, device: Device) -> None:
    """A phone that takes 1.3 times as long as its profile says, for every network and at every visit."""
    networks = ("mobilenet_v3_small", "squeezenet1_1", "shufflenet_v2")
    done = cli("kit", *networks, "-d", "pixel8", "--suggest", "0", "--passes", "2", "-o", "kit")
    assert done.code == 0, done.err
    before, latency = {}, []
    for row in csv.DictReader((tmp_path / "kit/models.csv").read_text().splitlines()):
        shown = cli("analyze", row["architecture"], "--device", "pixel8@tflite-2.10", "--format", "json")
        before[row["architecture"]] = json.loads(shown.out)["latency_ms"]
        latency.append(f"{row['sha256']} {before[row['architecture']] * 1300:.0f}")
    device.write("latency", "\n".join(latency))
    assert device.measure(tmp_path / "kit").returncode == 0
    done = cli("measurements", "read", "kit/results", "-o", "rows.csv", "--operators", "operators.csv")
    assert done.code == 0, done.err
    rows = list(csv.DictReader((tmp_path / "rows.csv").read_text().splitlines()))
    assert {row["architecture"]: float(row["latency_ms"]) for row in rows} == pytest.approx(
        {name: 1.3 * ms for name, ms in before.items()}, rel=1e-3
    )
    assert {(row["device"], row["runtime"], row["precision"], row["threads"]) for row in rows} == {
        ("pixel8", "tflite-2.10", "fp32", "1")
    }
    assert sorted(row["visits"] for row in rows) == ["2", "2", "6"]  # the canary four times more
    assert len((tmp_path / "operators.csv").read_text().splitlines()) == 1 + 3
    done = cli("calibrate", "rows.csv", "--device", "pixel8", "--install")
    assert done.code == 0, done.err
    after = json.loads(cli("analyze", "mobilenet_v3_small", "--device", "pixel8", "--format", "json").out)
    assert after["latency_ms"] == pytest.approx(1.3 * before["mobilenet_v3_small"], rel=0.03)
    own = cli("calibrate", "rows.csv", "--device", "my_phone", "--like", "pixel8", "--install")
    assert (own.code, "use it with --device my_phone" in own.err) == (0, True)
    listed = cli("calibrate", "--device", "pixel8", "--suggest", "9", "--candidates", "kit")
    assert len(listed.out.splitlines()) == 3 + 3


@linux
def test_results_that_are_not_complete(cli: Cli, device: Device, small_kit: MakeKit) -> None:
    kit = small_kit(passes=2)
    with pytest.raises(InputError, match="no finished visit"):
        read_kit(kit)
    device.measure(kit)
    (kit / "results/2/canary-0.txt").rename(kit / "results/2/canary-0.hot")
    (kit / "results/1/one.yaml-1-32-fp32.txt").rename(kit / "results/1/one.yaml-1-32-fp32.failed")
    slow = kit / "results/2/canary-end.txt"
    slow.write_text(slow.read_text().replace("12345", "15000"))
    found = read_inputs([kit / "results"])
    assert [note.partition(":")[0] for note in found.notes] == [
        "2 of 10 visits are missing",
        "1 visits failed, and are left out",
        "1 visits are of a hot device, and are left out",
        "the canary's visits differ by 22%",  # 15,000 to 12,345, by 12,345: 21.5 %
    ]  # fmt: skip
    slow.write_text("INFO: STARTING!\n")
    with pytest.raises(InputError, match=r"canary-end\.txt"):
        read_inputs([kit])


def test_a_damaged_kit(small_kit: MakeKit, tmp_path: Path) -> None:
    kit = small_kit()
    (kit / "results").mkdir()
    for name, text, said in (
        ("models.csv", "name,file,precision,architecture\n,f,fp32,m\n", "`name` is empty"),
        ("models.csv", "name,file,precision,architecture\nm,f,fp32,m\n", "no visit of a model"),
        ("kit.json", "[]", "is not of a kit"),
    ):
        (kit / name).write_text(text)
        with pytest.raises(InputError, match=said):
            read_kit(kit)
    with pytest.raises(InputError, match="neither a kit nor its results"):
        read_kit(tmp_path / "nothing")


@linux
def test_a_benchncnn_that_is_too_old_to_be_told_its_model(device: Device, small_kit: MakeKit) -> None:
    kit = small_kit("ncnn")
    path = device.folder / "device/benchncnn"
    path.write_text(
        "#!/bin/sh\nprintf 'loop_count = 8\\n          squeezenet  min =    8.10  max =    8.33  avg =    8.15\\n'\n"
    )
    assert device.measure(kit, "-l").returncode == 0
    with pytest.raises(InputError, match="of squeezenet, in place of one of"):
        read_kit(kit)
