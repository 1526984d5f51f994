"""The pages of a sweep and of a pick in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mbcost
from mbcost.errors import InputError
from mbcost.report.html import sweep as pages
from mbcost.report.html.pick import pick_page
from tests.report.html.conftest import serious_violations, widths_that_overflow

NAMES = "#layers tbody button.name"


@pytest.fixture(scope="module")
def result() -> Any:
    return mbcost.sweep(
        ["mobilenet_v2", "mobilenet_v1"], ["pixel1", "pixel4"], alpha="0.5:1:0.25", resolution="96:224:32"
    )


@pytest.fixture(scope="module")
def sweep_file(result: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "sweep.html"
    path.write_text(pages.sweep_page(result), encoding="utf-8")
    return path


def test_heat_map_and_front_are_those_of_the_sweep(visited: Any, sweep_file: Path, result: Any) -> None:
    page = visited(sweep_file).page
    frame = result.to_frame()
    frame = frame[frame.target == "pixel1/cpu@tflite-2018"]
    grid = frame[frame.architecture == "mobilenet_v2"].pivot_table(
        index="resolution", columns="alpha", values="latency_ms"
    )
    assert page.evaluate("document.getElementById('chart-heat').data[0].z") == grid.values.tolist()
    front = page.evaluate("document.getElementById('chart-front').data.at(-1).x")
    assert front == sorted(frame[frame.on_front].latency_ms)
    assert page.locator(NAMES).count() == len(frame)


def test_a_budget_is_answered_as_a_loop_over_the_rows_answers_it(visited: Any, sweep_file: Path, result: Any) -> None:
    page = visited(sweep_file).page
    page.locator("#budget").fill("30")
    page.locator("#budget").press("Enter")
    rows = [row for row in result.to_dict()["rows"] if row["target"] == "pixel1/cpu@tflite-2018" and row["top1"]]
    best = max((row for row in rows if row["latency_ms"] <= 30), key=lambda row: row["top1"])
    name = f"{best['architecture']} {best['alpha']:g} / {best['resolution']}"
    assert name in page.locator(".verdict").inner_text()
    assert page.evaluate("document.getElementById('chart-heat').data[1].contours.start") == 30
    page.locator('[data-facet="fits"]').select_option(label="kept")
    expected = sum(
        row["latency_ms"] <= 30 for row in result.to_dict()["rows"] if row["target"] == "pixel1/cpu@tflite-2018"
    )
    assert page.locator(NAMES).count() == expected
    again = visited(sweep_file, page.evaluate("location.hash")).page
    assert again.locator("#budget").input_value() == "30"


def test_a_selection_is_seen_in_both_charts(visited: Any, sweep_file: Path) -> None:
    page = visited(sweep_file).page
    page.evaluate("document.getElementById('chart-heat').emit('plotly_click', {points: [{customdata: 3}]})")
    assert page.locator("#layers tr.selected").get_attribute("data-id") == "3"
    assert page.evaluate("document.getElementById('chart-heat').layout.shapes.length") == 1
    name = page.locator("#layers tr.selected button.name").text_content()
    assert page.locator("#figure-heat .here h3").inner_text() == name  # it is explained right there
    page.locator(".target").nth(1).click()
    assert page.locator("#layers tr.selected").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(visited: Any, sweep_file: Path, axe: str, theme: str) -> None:
    page = visited(sweep_file, f"#is-budget=30&theme={theme}").page
    assert serious_violations(page, axe) == []


def test_zoom(visited: Any, sweep_file: Path) -> None:
    assert widths_that_overflow(visited(sweep_file).page) == []


def test_a_pick_says_what_the_pick_is(opened: Any, tmp_path: Path) -> None:
    path = tmp_path / "pick.html"
    found = mbcost.pick("mobilenet_v2", "pixel1", budget="30ms")
    path.write_text(pick_page(found), encoding="utf-8")
    page = opened(path).page
    name = f"{found.pick.architecture} {found.pick.alpha:g} / {found.pick.resolution}"
    assert name in page.locator("h1").inner_text()
    assert name in page.locator(".verdict").inner_text()


def test_a_pick_by_frame_rate_and_parameters_shows_what_fits(opened: Any, tmp_path: Path) -> None:
    """25 frames/s are 40 ms a frame; the candidates that do not fit are there too, and both budgets are in force."""
    found = mbcost.pick("mobilenet_v2", "pixel1", budget=["25fps", "3M params"], between=True)
    path = tmp_path / "pick.html"
    path.write_text(pick_page(found), encoding="utf-8")
    opened_page = opened(path)
    page = opened_page.page
    assert page.locator("#budget").input_value() == "40"
    assert "at least 25.0 frames/s and parameters at most 3.000 M" in page.locator("#answer").inner_text()
    assert (
        f"{found.pick.architecture} {found.pick.alpha:g} / {found.pick.resolution}"
        in page.locator(".verdict").inner_text()
    )
    assert page.locator("#figure-heat svg.main-svg").count() > 0
    assert page.locator("#figure-front svg.main-svg").count() > 0
    assert len(opened_page.texts(NAMES)) == len(found.considered) > len(found.front)
    page.locator('[data-facet="fits"]').select_option(label="kept")
    fitting = [one for one in found.considered if one.params <= 3e6 and one.slowest.needs_ms <= 40]
    assert sorted(opened_page.texts(NAMES)) == sorted(one.name for one in fitting)
    assert page.locator('[data-card="top-1"] .value').inner_text() == f"{found.pick.top1:.0f} %"
    assert page.locator('[data-card="top-1"] .note').inner_text() == "interpolated"


def test_a_click_right_after_typing_a_budget_is_not_lost(visited: Any, sweep_file: Path) -> None:
    page = visited(sweep_file).page
    page.locator("#budget").click()
    page.keyboard.type("31")
    wanted = page.locator("#layers tbody tr").nth(2)
    name = wanted.get_attribute("data-id")
    wanted.click()
    assert page.locator("#layers tr.selected").get_attribute("data-id") == name
    assert "is-budget=31" in page.evaluate("location.hash")


def test_a_heat_map_has_numbers_only_where_they_can_be_read(opened: Any, sweep_file: Path) -> None:
    template = "document.getElementById('chart-heat').data[0].texttemplate"
    assert opened(sweep_file).page.evaluate(template)
    assert not opened(sweep_file, width=200).page.evaluate(template)


def test_a_pick_of_nothing(opened: Any, tmp_path: Path) -> None:
    path = tmp_path / "pick.html"
    path.write_text(pick_page(mbcost.pick("mobilenet_v2", "pixel1", budget="0.001ms")), encoding="utf-8")
    assert opened(path).page.locator("h1").inner_text() == "Nothing fits the budget"


def test_too_many_rows(result: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_ROWS", 10)
    with pytest.raises(InputError, match="a page takes at most 10 configurations, there are 60"):
        pages.sweep_page(result)
