"""The pages of a validation and of a calibration in a real browser."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import mbcost
from mbcost.calibration.experiment import suggest
from mbcost.errors import InputError
from mbcost.insight.validation import Validation, validate, validation_of
from mbcost.prediction import prepare
from mbcost.report.charts.calibration import CALIBRATION_CHARTS
from mbcost.report.charts.validation import VALIDATION_CHARTS
from mbcost.report.files import validation as validation_files
from mbcost.report.html import calibration as calibration_html
from mbcost.report.html import measured as measured_html
from mbcost.report.html import validation as validation_html
from mbcost.report.screens import validation as validation_screen
from mbcost.resources import hardware_profiles
from tests.report.html.conftest import serious_violations, widths_that_overflow

NAMES = "#layers tbody button.name"
HOSTILE = "</script><img src=x onerror=alert(1)>"
FILE = hardware_profiles() / "measurements" / "pixel1_tflite_2018.csv"


def write(tmp_path_factory: pytest.TempPathFactory, text: str) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def validation() -> Validation:
    return validate("pixel1")


@pytest.fixture(scope="module")
def validated(validation: Validation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory, validation_html.validation_page(validation))


@pytest.fixture(scope="module")
def calibration() -> Any:
    pytest.importorskip("scipy")
    return mbcost.calibrate("pixel1", [FILE])


@pytest.fixture(scope="module")
def calibrated(calibration: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = mbcost.resolve_target("pixel1")
    found = suggest(target, 2, calibration, ["mobilenet_v1", "resnet18"])
    return write(
        tmp_path_factory, calibration_html.calibration_page(calibration, prepare(target, calibration=False), found)
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Both pages with six rows, which have all parts of the large ones."""
    pytest.importorskip("scipy")
    target = mbcost.resolve_target("pixel3")
    fitted = mbcost.calibrate(target, [FILE.with_name("pixel3_tflite_2019.csv")])
    found = suggest(target, 1, fitted, ["mobilenet_v1"])
    calibrated = calibration_html.calibration_page(fitted, prepare(target, calibration=False), found)
    return [write(tmp_path_factory, text) for text in (validation_html.validation_page(validate(target)), calibrated)]


def test_rows_cards_json_and_the_printed_line_agree(visited: Any, validated: Path, validation: Validation) -> None:
    page = visited(validated)
    assert validated.stat().st_size < 2_500_000
    for name in VALIDATION_CHARTS:
        assert page.page.locator(f"#chart-{name} svg.main-svg").count() > 0, name
        assert page.page.locator(f"#figure-{name} figcaption").inner_text()
    with page.page.expect_download() as download:
        page.page.locator("#save-json").click()
    saved = json.loads(Path(download.value.path()).read_text())
    assert saved == json.loads(validation_files.validation_json(validation))
    with page.page.expect_download() as download:
        page.page.locator("#save-csv").click()
    assert Path(download.value.path()).read_text() == validation_files.validation_csv(validation)
    printed = validation_screen.validation_text(validation).splitlines()[-1]
    cards = dict(zip(page.texts(".card .label"), page.texts(".card .value"), strict=True))
    assert cards["latencies"] == str(len(saved["rows"])) == str(page.page.locator(NAMES).count())
    assert f"mean abs. error {cards['mean abs. error']}, " in printed
    for share in ("5", "10", "20"):
        assert f"within {share} % {cards[f'within {share} %']}" in printed
    assert f"in their interval {cards['in their interval']}, Kendall tau {cards['Kendall tau']}" in printed
    xs = page.page.evaluate("document.getElementById('chart-measured').data.flatMap(t => t.customdata ? t.x : [])")
    assert sorted(xs) == pytest.approx(sorted(row["measured_ms"] for row in saved["rows"]))


def test_sort_filter_and_facets(visited: Any, validated: Path, validation: Validation) -> None:
    page = visited(validated)
    page.page.locator('#layers th[data-key="error"] button').click()
    page.page.locator('#layers th[data-key="error"] button').click()
    lowest = min(range(63), key=lambda row: validation.errors[row])
    assert page.texts(NAMES)[0] == validation.rows[lowest].name
    page.page.locator("#filter").fill("mnasnet 0.35")
    assert page.page.locator(NAMES).count() == 5
    page.page.locator("#filter").fill("")
    page.page.locator('[data-facet="seen"]').select_option(label="no")
    page.page.locator('[data-facet="covered"]').select_option(label="no")
    missed = [
        row.name
        for row, seen, covered in zip(validation.rows, validation.seen, validation.covered, strict=True)
        if not seen and not covered
    ]
    assert sorted(page.texts(NAMES)) == sorted(missed)


def test_a_selection_is_seen_in_all_views(visited: Any, validated: Path, validation: Validation) -> None:
    page = visited(validated).page
    worst = validation.worst()[0]
    page.locator("#worst tbody button").first.click()
    assert page.locator("#layers tr.selected").get_attribute("data-id") == str(worst)
    assert page.locator("#explain h3").inner_text() == validation.rows[worst].name
    for name in VALIDATION_CHARTS:
        assert page.evaluate(f"document.getElementById('chart-{name}').layout.shapes.length") == 2, name
    page.evaluate("document.getElementById('chart-intervals').emit('plotly_click', {points: [{customdata: 5}]})")
    assert page.locator("#explain h3").inner_text() == validation.rows[5].name
    again = visited(validated, page.evaluate("location.hash")).page
    assert again.locator("#layers tr.selected").get_attribute("data-id") == "5"
    again.locator("#layers tr.selected button.name").focus()
    again.keyboard.press("ArrowDown")
    again.keyboard.press("Enter")
    assert again.locator("#layers tr.selected").get_attribute("data-id") == "6"


def test_the_page_of_a_calibration(visited: Any, calibrated: Path, calibration: Any) -> None:
    page = visited(calibrated)
    for name in CALIBRATION_CHARTS:
        assert page.page.locator(f"#chart-{name} svg.main-svg").count() > 0, name
    heads = page.texts("#rates tbody th")
    assert heads == list(calibration.rates)
    rates = page.page.locator("#rates tbody tr").first.inner_text()
    assert calibration.rates[heads[0]].reading in rates
    assert page.page.locator("#next tbody tr").count() == 2
    with page.page.expect_download() as download:
        page.page.locator("#save-csv").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert len(lines) == 39
    errors = [abs(float(line.split(",")[lines[0].split(",").index("left_out")])) for line in lines[1:]]
    assert dict(zip(page.texts(".card .label"), page.texts(".card .value"), strict=True))["leave one out"] == (
        f"{sum(errors) / 38:.1%}"
    )
    page.page.locator(NAMES).first.click()
    shapes = [
        page.page.evaluate(f"document.getElementById('chart-{name}').layout.shapes?.length")
        for name in ("fitted", "left_out", "leverage")
    ]
    assert shapes == [2, 2, 2]


def test_rates_are_ratios_on_a_logarithmic_scale(visited: Any, calibrated: Path, calibration: Any) -> None:
    """A half and twice are as far from 1, no bar ends at or below 0, and all of them are within the axis."""
    page = visited(calibrated).page
    plot = "document.getElementById('chart-rates')"
    assert page.evaluate(f"{plot}.layout.xaxis.type") == "log"
    bars = "[one.x, one.error_x.arrayminus, one.error_x.array]"
    columns = page.evaluate(f"{plot}.data.filter(one => one.error_x).map(one => {bars})")
    traces = [list(zip(*column, strict=True)) for column in columns]
    ends = [end for trace in traces for ratio, down, up in trace for end in (ratio - down, ratio + up)]
    assert len(ends) == 2 * len(calibration.rates)
    low, high = (10**end for end in page.evaluate(f"{plot}.layout.xaxis.range"))
    assert 0 < low <= min(ends)
    assert max(ends) <= high
    for trace in traces:
        for ratio, down, up in trace:
            assert (ratio + up) / ratio == pytest.approx(ratio / (ratio - down))


@pytest.mark.parametrize("width", [1400, 1280])
def test_no_column_of_the_rates_is_cut(opened: Any, calibrated: Path, width: int) -> None:
    box = opened(calibrated, width=width).page.locator("#rates .scroller")
    assert box.evaluate("node => node.scrollWidth <= node.clientWidth + 1")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(visited: Any, small: list[Path], axe: str, theme: str) -> None:
    for path in small:
        page = visited(path, f"#layer=0&theme={theme}").page
        assert serious_violations(page, axe) == []


def test_zoom_and_print(visited: Any, small: list[Path]) -> None:
    for path in small:
        page = visited(path).page
        assert widths_that_overflow(page) == []
        page.emulate_media(media="print")
        assert not page.locator("nav").is_visible()
        assert page.locator("#layers table").is_visible()
        page.emulate_media(media="screen")


def test_names_stay_text(opened: Any, tmp_path: Path, validation: Validation, calibration: Any) -> None:
    """Names and sources of a user's file, one of them of 10,000 characters, on both validation_html."""
    longest = "n" * 10_000
    rows = [
        replace(row, architecture=name, source=HOSTILE, measured_s=row.measured_s * factor)
        for row, name, factor in zip(validation.rows[:3], (HOSTILE, longest, HOSTILE), (1, 2, 3), strict=True)
    ]
    hostile = replace(validation, rows=tuple(rows), predicted_s=validation.predicted_s[:3])
    hostile = replace(hostile, low_s=validation.low_s[:3], high_s=validation.high_s[:3], seen=(None,) * 3)
    fitted = replace(
        calibration,
        source=HOSTILE,
        rows=[
            row._replace(name=name, group=name) for row, name in zip(calibration.rows, (HOSTILE, longest), strict=False)
        ],
    )
    prior = prepare(mbcost.resolve_target("pixel1"), calibration=False)
    for name, text in (
        ("v", validation_html.validation_page(hostile)),
        ("c", calibration_html.calibration_page(fitted, prior, warnings=[HOSTILE])),
    ):
        (tmp_path / f"{name}.html").write_text(text, encoding="utf-8")
        page = opened(tmp_path / f"{name}.html", "#layer=0").page
        assert page.locator("img").count() == 0
        assert HOSTILE in page.locator("#explain h3").inner_text()
        page.locator(NAMES).nth(1).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_a_browser_that_cannot_unpack_says_so(opened: Any, validated: Path) -> None:
    page = opened(validated, drawn=False, init="delete window.DecompressionStream")
    assert "lacks DecompressionStream" in page.page.get_by_role("alert").inner_text()
    assert page.page.locator(NAMES).count() == 63
    page.page.locator(NAMES).first.click()
    assert page.page.locator("#explain dd").count() > 0


def test_the_same_rows_make_the_same_bytes(validation: Validation) -> None:
    strip = re.compile(r"<time>.*?</time>")
    again = validation_of(validation.rows, validation.target)
    assert strip.sub("", validation_html.validation_page(validation)) == strip.sub(
        "", validation_html.validation_page(again)
    )


def test_what_has_no_page(monkeypatch: pytest.MonkeyPatch, validation: Validation, calibration: Any) -> None:
    prior = prepare(mbcost.resolve_target("pixel1"), calibration=False)
    with pytest.raises(InputError, match="does not hold what it was fitted to"):
        calibration_html.calibration_page(replace(calibration, rows=()), prior)
    monkeypatch.setattr(measured_html, "MOST_ROWS", 10)
    with pytest.raises(InputError, match="a page takes at most 10 latencies, there are 63"):
        validation_html.validation_page(validation)
