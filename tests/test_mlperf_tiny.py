"""Microcontrollers: the benchmark reads its table with care and recovers the rates that made one; boards answer."""

from __future__ import annotations

import csv
import importlib
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import mbcost
from mbcost.devices import load_device
from mbcost.devices.cores import load_core
from mbcost.errors import InputError

FOLDER = Path(__file__).parents[1] / "benchmarks"
FIELDS = (
    "round", "division", "org", "system", "benchmark", "latency_ms", "energy_uj", "energy_inf_per_s", "board",
    "processor", "clock", "accelerator", "accelerator_clock", "framework", "libraries", "compiler", "quantization",
    "hardware_notes",
)  # fmt: skip
#: MACs of the reference networks as MLPerf Tiny publishes them (convolutions and fully connected layers).
MACS = {"ad": 264192, "ic": 12501632, "kws": 2656768, "vww": 7489664}
#: Cycles a count of the table that the tests make: convolution, pointwise, depthwise, dense, outputs, weights, layers.
CYCLES = (1.0, 1.2, 4.0, 1.5, 12.0, 0.5, 1500.0)
BOARDS = (("A", "Cortex-M4", 120), ("B", "Cortex-M4", 80), ("C", "Cortex-M7", 216), ("D", "Cortex-M7", 400))


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    sys.path.insert(0, str(FOLDER))
    yield importlib.import_module("mlperf_tiny")
    sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def data(bench: ModuleType) -> ModuleType:
    return importlib.import_module("mcu_data")


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, FIELDS)
        writer.writeheader()
        writer.writerows({"org": "X", "division": "closed", **row} for row in rows)
    return path


def line(board: str, processor: str, clock: float, benchmark: str, ms: float, **more: Any) -> dict[str, Any]:
    return {
        "round": "v1.1", "system": board, "board": board, "processor": processor, "clock": f"{clock} MHz",
        "benchmark": benchmark, "latency_ms": ms, "framework": "X-CUBE-AI v8.1.0", **more,
    }  # fmt: skip


def made(data: ModuleType, *, rounds: tuple[str, ...] = ("v1.1",)) -> list[dict[str, Any]]:
    """Latencies of four boards by CYCLES; a Cortex-M7 takes 0.6 of the cycles; later rounds are 5 % faster each."""
    rows = []
    for i, each in enumerate(rounds):
        for board, processor, clock in BOARDS:
            for benchmark, network in data.BENCHMARKS.items():
                counts, _ = data.counts_of(network, "int8")
                cycles = sum(count * rate for count, rate in zip(counts, CYCLES, strict=True))
                factor = (0.6 if processor == "Cortex-M7" else 1.0) * 0.95**i
                framework = f"X-CUBE-AI v{8 + i}.0.0"
                ms = cycles * factor / clock / 1e3
                rows.append(line(board, processor, clock, benchmark, ms, round=each, framework=framework))
    return rows


def test_macs_are_those_of_the_reference_networks(data: ModuleType) -> None:
    assert {name: data.counts_of(network, "int8")[1] for name, network in data.BENCHMARKS.items()} == MACS


@pytest.mark.parametrize("protocol", ["new-board", "new-network", "unknown-network"])
def test_rates_that_made_a_table_are_recovered(
    bench: ModuleType, data: ModuleType, tmp_path: Path, protocol: str
) -> None:
    """Boards of one core differ by their clock alone: 10 % is what priors may cost with four networks."""
    found = bench.run(written(tmp_path / "t.csv", made(data)), protocol)
    total = found["results"][0]
    assert total["name"] == "total"
    assert total["predictions"] == len(BOARDS) * 4
    assert total["mape"] < 0.1
    assert total["mape"] < total["baselines"]["macs"]["mape"]
    assert found["networks"] == sorted(data.BENCHMARKS.values())
    assert found["left_out"] == []


def test_a_newer_version_takes_the_newest_known(bench: ModuleType, data: ModuleType, tmp_path: Path) -> None:
    """Each round is 5 % faster than the one before: about that is the error."""
    found = bench.run(written(tmp_path / "t.csv", made(data, rounds=("v1.0", "v1.1", "v1.2"))), "new-version")
    assert found["results"][0]["predictions"] == 2 * len(BOARDS) * 4
    assert 0.0 < found["results"][0]["bias"] < 0.12
    assert {one["reason"] for one in found["left_out"]} == {
        "no other row knows x-cube-ai on cortex_m4 at int8",
        "no other row knows x-cube-ai on cortex_m7 at int8",
    }


def test_a_round_alone_is_predicted_by_the_rates_that_ship(bench: ModuleType, tmp_path: Path) -> None:
    """MLPerf Tiny v1.2, ST, Nucleo-L4R5ZI, X-CUBE-AI 9.0: 165.1 and 5.26 ms, as if a later round had them again."""
    rows = [line("NUCLEO-L4R5ZI", "Cortex-M4", 120, "ic", 165.1, round="v9.9", framework="X-CUBE-AI v9.0"),
            line("NUCLEO-L4R5ZI", "Cortex-M4", 120, "ad", 5.26, round="v9.9", framework="X-CUBE-AI v9.0")]  # fmt: skip
    found = bench.run(written(tmp_path / "t.csv", rows), "new-version")
    assert [one["name"] for one in found["results"]][:2] == ["total", "basis: rates that ship"]
    assert found["results"][0]["predictions"] == 2
    assert found["results"][0]["mape"] < 0.1
    with pytest.raises(SystemExit, match="nothing"):
        bench.run(written(tmp_path / "t.csv", rows), "new-board")  # the rates were fitted to this board


def test_versions_of_edge_ai_are_those_of_x_cube_ai(data: ModuleType, tmp_path: Path) -> None:
    """STM32 model zoo: STM32Cube.AI 10.0.0 is STEdgeAI Core 2.0.0."""
    row = line("NUCLEO-L4R5ZI", "Cortex-M4", 120, "ic", 165.1, framework="ST Edge AI Core v2.0.0")
    rows, _ = data.read_mlperf(written(tmp_path / "t.csv", [row]))
    assert [one.runtime for one in rows] == ["x-cube-ai-10.0"]


def test_energy_is_current_times_volts_times_latency(bench: ModuleType, data: ModuleType, tmp_path: Path) -> None:
    """A board that draws 20 mA at 1.8 V and at 3 V: with its latency known to a few per cent, so is its energy."""
    rows = []
    for row, volts in zip(made(data), (1.8, 3.0) * 8, strict=True):
        joules = 0.02 * volts * row["latency_ms"] / 1e3
        notes = f"Operating at {volts}V"
        rows.append({**row, "energy_uj": joules * 1e6, "energy_inf_per_s": 1e3 / row["latency_ms"],
                     "hardware_notes": notes})  # fmt: skip
    found = bench.run(written(tmp_path / "t.csv", rows), "new-network")
    energy = found["energy"]
    assert [energy[0]["name"], energy[1]["name"]] == ["total", "basis: measured board"]
    assert energy[0]["predictions"] == 16
    assert energy[0]["mape"] == pytest.approx(found["results"][0]["mape"], rel=1e-6)


def test_what_no_other_row_knows_is_left_out(bench: ModuleType, data: ModuleType, tmp_path: Path) -> None:
    rows = [
        *made(data),
        line("E", "Cortex-M33", 160, "ic", 100.0),
        line("F", "RISC-V", 277, "ic", 9.0),
        line("G", "Cortex-M4", 64, "ic", 9.0, accelerator="ANPU"),
        line("H", "Cortex-M4", 64, "ic", 9.0, framework="something"),
        {**line("I", "Cortex-M4", 64, "ic", 9.0), "clock": "fast"},
    ]
    found = bench.run(written(tmp_path / "t.csv", rows), "new-board")
    assert [one["reason"] for one in found["left_out"]] == [
        "the processor `RISC-V` is not among those that are read",
        "the accelerator `ANPU` is not among those that are read",
        "no runtime that is known is named",
        "the clock `fast` is no number",
        "no other row knows x-cube-ai on cortex_m33 at int8",
    ]


def test_a_file_with_other_columns_is_an_error(bench: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("network,board\nx,y\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="it has not the columns of"):
        bench.run(path, "new-board")


def test_a_system_with_the_name_of_another_one_is_not_taken_for_it(data: ModuleType, tmp_path: Path) -> None:
    """v0.7 closed/STMicroelectronics/systems/NUCLEO_L4R5ZI: X-CUBE-AI v7.1.0; the table has Plumerai's there."""
    row = line("Nucleo-L4R5ZI", "ARM Cortex-M4 with FPU", 120, "ad", 7.0, round="v0.7", org="STMicroelectronics",
               system="NUCLEO_L4R5ZI", framework="Plumerai Inference Engine")  # fmt: skip
    rows, _ = data.read_mlperf(written(tmp_path / "t.csv", [row, {**row, "org": "plumerai"}]))
    assert [one.runtime for one in rows] == ["x-cube-ai-7.1", "plumerai-2022"]
    assert {one.board for one in rows} == {"nucleo_l4r5zi"}


@pytest.mark.parametrize(
    ("name", "board"),
    [("NUCLEO-H7A3ZI-Q", "nucleo_h7a3zi"), ("NUCLEO_H7A3ZI", "nucleo_h7a3zi"), ("Nucleo-L4R5ZI", "nucleo_l4r5zi")],
)
def test_boards_are_one_whatever_they_are_written_like(data: ModuleType, name: str, board: str) -> None:
    assert data.board_of(name) == board


def test_versions_sort_by_number(data: ModuleType) -> None:
    assert sorted(["10.0", "9.0", "7.3", "7.10"], key=data.version_key) == ["7.3", "7.10", "9.0", "10.0"]


@pytest.mark.parametrize("device", ["stm32h747", "nucleo_l4r5zi", "esp32_s3"])
def test_boards_answer_with_an_interval(device: str) -> None:
    found = mbcost.analyze("mobilenet_v1", device, alpha=0.25, resolution=96, precision="int8")
    assert found.latency_low_s < found.latency_s < found.latency_high_s
    assert found.basis == "from the same core in other devices"


def test_memories_of_a_board() -> None:
    """RM0399 of the STM32H747: 64 KB ITCM, 128 KB DTCM, 512 KB AXI SRAM, 128 + 128 + 32 and 64 KB; 2 MB of flash."""
    memories = load_device("stm32h747").memories
    assert memories is not None
    assert sum(size.value for size in memories.sram.values()) == 1056 * 1024
    assert memories.flash is not None
    assert memories.flash.value == 2 * 1024 * 1024
    assert memories.psram is not None
    assert load_device("pixel4").memories is None


def test_energy_of_a_board_is_its_power_times_the_latency() -> None:
    """44.6 mW of the Nucleo-L4R5ZI; the bounds of the latency, and 1.645 x 9 % of the power, add up as squares."""
    found = mbcost.analyze("mobilenet_v1", "nucleo_l4r5zi", alpha=0.25, resolution=96, precision="int8")
    energy = found.measured_energy
    assert energy is not None
    assert energy.total_j == pytest.approx(0.0446 * found.latency_s)
    half = math.hypot(math.log(found.latency_high_s / found.latency_s), 1.645 * 0.09)
    assert energy.high_j == pytest.approx(energy.total_j * math.exp(half))
    assert found.to_dict()["energy"]["measured_power"]["power_mw"] == pytest.approx(44.6)
    assert mbcost.analyze("mobilenet_v1", "stm32h747", alpha=0.25, resolution=96).measured_energy is None
    assert "measured_power" not in mbcost.analyze("mobilenet_v1", "pixel4").to_dict()["energy"]


def test_products_a_cycle() -> None:
    """SMLAD: two products a cycle; Helium on 64 bits: eight; EE.VMULAS.S8: sixteen."""
    found = {name: load_core(name).throughput["int8"].value for name in ("cortex_m4", "cortex_m85", "xtensa_lx7")}
    assert found == {"cortex_m4": 2, "cortex_m85": 8, "xtensa_lx7": 16}
    assert "int8" not in load_core("cortex_m0_plus").throughput


@pytest.mark.parametrize(
    ("target", "said"),
    [("stm32h747@ncnn", "it runs on no microcontroller"), ("pixel4@tflm-cmsis-nn", "it runs on a microcontroller")],
)
def test_runtimes_of_other_processors_are_refused(target: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as found:
        mbcost.resolve_target(target)
    assert found.value.problems[0].code == "MB304"


def test_an_operator_that_the_runtime_lacks_is_named(tmp_path: Path) -> None:
    table = tmp_path / "g.yaml"
    rows = "columns: [name, input, operator, out]\nlayers:\n  - [a, 8x8x4, conv2d 1x1, 4]\n  - [b, 8x8x4, gelu, -]\n"
    table.write_text(f"name: g\ntitle: G\nsource: test\ninput: 8x8x4\n{rows}", encoding="utf-8")
    with pytest.raises(InputError) as found:
        mbcost.analyze(str(table), "stm32h747@tflm-cmsis-nn", precision="int8")
    assert found.value.problems[0].code == "MB400"
    assert "gelu" in found.value.problems[0].message


def test_the_command_writes_what_it_prints(
    bench: ModuleType,
    data: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, out = written(tmp_path / "t.csv", made(data)), tmp_path / "out.json"
    arguments = ["mlperf_tiny.py", "--data", str(path), "--protocol", "new-board", "--json", str(out)]
    monkeypatch.setattr(sys, "argv", arguments)
    bench.main()
    assert "total" in capsys.readouterr().out
    assert json.loads(out.read_text(encoding="utf-8"))["protocol"] == "new-board"
