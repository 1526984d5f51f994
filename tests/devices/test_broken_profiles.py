"""Every way to get a profile wrong: the code of each problem, and the line and column it is shown at."""

from __future__ import annotations

from pathlib import Path

import pytest

from mbcost.devices import check_device, load_device
from mbcost.errors import InputError

SOUND = """\
identity: {name: phone, title: A phone}
provenance:
  date: "2026-01-31"
  references:
    sheet: Data sheet, page 12
    bench: Benchmark, run 3
processors:
  cpu:
    kind: cpu
    core: Cortex-A72
    default: true
    runtimes: [tflite-2.1]
    precisions: [fp32]
    max_threads: 4
    cores: {value: 4, source: datasheet, reference: sheet}
    clock: {value: 1.5, unit: GHz, source: datasheet, reference: sheet}
    throughput:
      fp32: {value: 4, unit: MAC/cycle, source: measured, reference: [sheet, bench]}
    peak:
      fp32: {value: 6 GMAC/s, source: derived, formula: 1.5 GHz x 4}
    l1d: {value: 32, unit: KiB, source: datasheet, reference: sheet}
    l2: {value: 1, unit: MiB, source: assumed, note: as its siblings}
  gpu:
    kind: gpu
    name: A GPU
    runtime: ideal-gpu
    precisions: [fp32, fp16]
    clock: {value: 500, unit: MHz, source: datasheet, reference: sheet}
    lanes: {value: 100, source: datasheet, reference: sheet}
    peak:
      fp32: {value: 50, unit: GMAC/s, source: derived, formula: 500 MHz x 100}
      fp16: {value: 100, unit: GMAC/s, source: derived, formula: 2 x 500 MHz x 100}
memory:
  width: {value: 64, unit: bit, source: datasheet, reference: sheet}
  transfer_rate: {value: 3732, unit: MT/s, source: datasheet, reference: sheet}
  bandwidth: {value: 29.8, unit: GB/s, source: datasheet, reference: sheet}
  capacity: {value: 4, unit: GiB, source: datasheet, reference: sheet}
overheads:
  cpu:
    call: {value: 0.2 ms, source: fitted, reference: bench}
"""

CLOCK = "clock: {value: 1.5, unit: GHz, source: datasheet, reference: sheet}"

Place = tuple[str, int, int]

#: what is replaced, by what, and the problems that follow
CASES: dict[str, tuple[str, str, list[Place]]] = {
    # shape
    "unknown section": ("overheads:\n", "overhead:\n", [("MB101", 38, 1)]),
    "unknown key of a processor": ("max_threads: 4", "max_thread: 4", [("MB101", 14, 5)]),
    "unknown key of a number": ("unit: GHz", "units: GHz", [("MB301", 16, 20), ("MB101", 16, 25)]),
    "key of another kind": ("core: Cortex-A72", "core: A72\n    lanes: null", [("MB101", 11, 5)]),
    "unknown precision": ("fp16: {value: 100", "fp8: {value: 100", [("MB101", 32, 7)]),
    "missing title": (", title: A phone", "", [("MB102", 1, 1)]),
    "missing kind": ("    kind: gpu\n", "", [("MB102", 23, 3)]),
    "missing value": ("{value: 1.5, unit: GHz", "{unit: GHz", [("MB102", 16, 5)]),
    "unknown kind": ("kind: gpu", "kind: gpo", [("MB103", 24, 11)]),
    "number without a source": ("clock: {value: 500, unit: MHz, source", "clock: 500 #", [("MB103", 28, 12)]),
    "list for a mapping": ("identity: {name: phone, title: A phone}", "identity: [phone]", [("MB103", 1, 11)]),
    "text for a list": ("runtime: ideal-gpu", "runtimes: ideal-gpu", [("MB103", 26, 15)]),
    "list for text": ("runtime: ideal-gpu", "runtime: [ideal-gpu]", [("MB103", 26, 14)]),
    "no runtime in the list": ("runtime: ideal-gpu", "runtimes: []", [("MB103", 26, 15)]),
    "no runtime": ("    runtime: ideal-gpu\n", "", [("MB102", 23, 3)]),
    "empty runtime": ("runtime: ideal-gpu", "runtime: null", [("MB102", 23, 3)]),
    "runtime that no target can name": ("runtime: ideal-gpu", "runtime: Ideal GPU", [("MB103", 26, 14)]),
    "unknown runtime": ("runtime: ideal-gpu", "runtime: ideal-gpo", [("MB304", 26, 14)]),
    "unknown runtime of an older profile": ("runtimes: [tflite-2.1]", "runtimes: [tflite-9]", [("MB304", 12, 16)]),
    "runtime of another kind of processor": ("runtime: ideal-gpu", "runtime: tflite-2.1", [("MB304", 26, 14)]),
    "runtime of another maker's GPUs": ("runtime: ideal-gpu", "runtime: tflite-gpu-2020", [("MB304", 26, 14)]),
    "processor that no target can name": ("  gpu:\n", "  g/u:\n", [("MB103", 23, 3)]),
    "no thread": ("max_threads: 4", "max_threads: 0", [("MB103", 14, 18)]),
    "threads in words": ("max_threads: 4", "max_threads: four", [("MB103", 14, 18)]),
    "unknown source": ("source: fitted", "source: guessed", [("MB103", 40, 35)]),
    "value is true": ("{value: 1.5,", "{value: true,", [("MB103", 16, 20)]),
    "date in words": ('"2026-01-31"', "January", [("MB103", 3, 9)]),
    # quantities
    "unknown unit": ("unit: GHz", "unit: Ghz", [("MB301", 16, 31)]),
    "unit of another dimension": ("unit: GHz", "unit: GB/s", [("MB301", 16, 31)]),
    "no unit": ("{value: 500, unit: MHz", "{value: 500", [("MB301", 28, 20)]),
    "unit given twice": ("value: 6 GMAC/s", "value: 6 GMAC/s, unit: GMAC/s", [("MB301", 20, 21)]),
    "not a number": ("{value: 1.5,", "{value: .nan,", [("MB301", 16, 20)]),
    "too large": ("{value: 1.5,", "{value: 1e999,", [("MB103", 16, 20)]),
    "too large in its unit": ("{value: 1.5,", "{value: 1e305,", [("MB301", 16, 20)]),
    "far too small": ("{value: 1.5,", "{value: 1e-300,", [("MB301", 16, 20)]),
    "far too large": ("{value: 1.5,", "{value: 1e6,", [("MB301", 16, 20)]),
    "half a core": ("cores: {value: 4,", "cores: {value: 4.5,", [("MB301", 15, 20)]),
    "negative": ("{value: 29.8,", "{value: -29.8,", [("MB303", 36, 22)]),
    "zero": ("{value: 100, source", "{value: 0, source", [("MB303", 29, 20)]),
    # provenance
    "number that does not say its source": (
        "value: 500, unit: MHz, source: datasheet",
        "value: 500, unit: MHz",
        [("MB302", 28, 5)],
    ),
    "reference that does not exist": ("reference: bench}", "reference: bunch}", [("MB302", 40, 54)]),
    "one of two references does not exist": ("[sheet, bench]", "[sheet, bunch]", [("MB302", 18, 70)]),
    "measured without a reference": (", reference: [sheet, bench]", "", [("MB302", 18, 13)]),
    "derived without a formula": (", formula: 1.5 GHz x 4", "", [("MB302", 20, 13)]),
    "assumed without a note": (", note: as its siblings", "", [("MB302", 22, 9)]),
    # cross-checks
    "name of another file": ("name: phone", "name: fone", [("MB303", 1, 18)]),
    "L1 larger than L2": ("value: 32, unit: KiB", "value: 32, unit: MiB", [("MB303", 21, 18)]),
    "cache larger than the memory": ("{value: 1, unit: MiB", "{value: 8, unit: GiB", [("MB303", 22, 17)]),
    "CPU peak": ("value: 6 GMAC/s", "value: 12 GMAC/s", [("MB303", 20, 21)]),
    "GPU peak": ("{value: 50,", "{value: 51,", [("MB303", 31, 21)]),
    "GPU peak of packed lanes": ("{value: 100, unit", "{value: 200, unit", [("MB303", 32, 21)]),
    "bandwidth": ("{value: 29.8,", "{value: 34.1,", [("MB303", 36, 22)]),
    "two defaults": ("kind: gpu", "kind: gpu\n    default: true", [("MB303", 25, 5)]),
    "no default": ("default: true", "default: false", [("MB303", 7, 1)]),
    "more threads than cores": ("max_threads: 4", "max_threads: 8", [("MB303", 14, 18)]),
    "rate of a precision it does not list": ("[fp32, fp16]", "[fp32]", [("MB303", 32, 7)]),
    "overheads of no processor": ("overheads:\n  cpu", "overheads:\n  npu", [("MB304", 39, 3)]),
    # YAML
    "YAML syntax": ("  gpu:\n", "  gpu: [\n", [("MB100", 25, 9)]),
    "duplicate key": ("    kind: gpu\n", "    kind: gpu\n    kind: gpu\n", [("MB104", 25, 5)]),
}


def write(folder: Path, text: str) -> Path:
    path = folder / "phone.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def places(path: Path) -> list[Place]:
    return [(p.code, p.location.line, p.location.column) for p in check_device(path) if p.location is not None]


def test_the_unchanged_profile_is_sound(tmp_path):
    assert check_device(write(tmp_path, SOUND)) == []


@pytest.mark.parametrize("case", CASES)
def test_one_defect(tmp_path, case):
    before, after, expected = CASES[case]
    assert SOUND.count(before) == 1, "the case has to change one place"
    assert places(write(tmp_path, SOUND.replace(before, after))) == expected


def test_all_defects_are_reported_at_once_in_the_order_of_the_file(tmp_path):
    text = SOUND
    for before, after in [
        ("name: phone", "name: fone"),  # line 1, between the file and its name
        ("max_threads: 4", "max_threads: 8"),  # line 14, between two numbers
        ("unit: GHz", "unit: Ghz"),  # line 16, in a number
        ("value: 32, unit: KiB", "value: 32, unit: MiB"),  # line 21, between two numbers of a processor with a defect
        ("name: A GPU", "nam: A GPU"),  # lines 23 and 25, shape
        ("{value: 29.8,", "{value: 34.1,"),  # line 36, between two numbers of another section
        ("reference: bench}", "reference: bunch}"),  # line 40
    ]:
        text = text.replace(before, after)
    assert places(write(tmp_path, text)) == [
        ("MB303", 1, 18),
        ("MB303", 14, 18),
        ("MB301", 16, 31),
        ("MB303", 21, 18),
        ("MB102", 23, 3),
        ("MB101", 25, 5),
        ("MB303", 36, 22),
        ("MB302", 40, 54),
    ]


def test_an_entry_with_two_defects_shows_both(tmp_path):
    text = SOUND.replace(CLOCK, "clock: {value: 1.5, unit: GB, source: measured}")
    assert places(write(tmp_path, text)) == [("MB302", 16, 12), ("MB301", 16, 31)]


@pytest.mark.parametrize(
    "text",
    ["", "~", "phone", "[]", "- identity\n- provenance\n", "{}", "identity:\nprovenance:\nprocessors:\n", "1: 2"],
)
def test_a_file_that_is_no_profile_is_refused_with_a_place(tmp_path, text):
    problems = check_device(write(tmp_path, text))
    assert problems
    assert all(problem.location is not None for problem in problems)


@pytest.mark.parametrize("section", ["identity", "provenance", "processors", "memory", "overheads"])
@pytest.mark.parametrize("value", ["[1, [2]]", "{1: {2: 3}}", "text", "12", "{cpu: [1]}", "{cpu: {kind: [cpu]}}"])
def test_a_section_of_any_shape_is_refused(tmp_path, section, value):
    lines = SOUND.splitlines(keepends=True)
    start = next(i for i, line in enumerate(lines) if line.startswith(section))
    end = next((i for i in range(start + 1, len(lines)) if not lines[i].startswith(" ")), len(lines))
    text = "".join([*lines[:start], f"{section}: {value}\n", *lines[end:]])
    problems = check_device(write(tmp_path, text))
    assert problems
    assert all(problem.location is not None for problem in problems)


def test_hints_name_what_was_meant(tmp_path):
    text = SOUND.replace("max_threads: 4", "max_thread: 4").replace("reference: bench}", "reference: bunch}")
    hints = [problem.hint for problem in check_device(write(tmp_path, text))]
    assert hints == ["did you mean `max_threads`?", "did you mean `bench`?"]


def test_no_more_problems_than_anyone_reads(tmp_path):
    text = SOUND + "".join(f"key{i}: 1\n" for i in range(5000))
    assert len(check_device(write(tmp_path, text))) == 50


def test_loading_raises_all_problems(tmp_path):
    path = write(tmp_path, SOUND.replace("name: phone", "name: fone").replace("unit: GHz", "unit: Ghz"))
    with pytest.raises(InputError) as caught:
        load_device(path)
    assert caught.value.codes == ("MB303", "MB301")
    assert f"{path}:16:31" in str(caught.value)


def test_null_is_the_same_as_absent(tmp_path):
    path = write(tmp_path, SOUND.replace(CLOCK, "clock: null"))
    assert load_device(path).processors["cpu"].clock is None
