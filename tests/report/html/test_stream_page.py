"""The page of a stream in a real browser."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

import mbcost
from mbcost.readable import significant
from mbcost.report.html.stream import stream_page
from mbcost.streaming.plan import best_plan
from mbcost.streaming.simulate import Stage, simulate
from mbcost.streaming.stream import StreamResult, inference
from tests.report.html.conftest import serious_violations, widths_that_overflow

NAMES = "#events tbody button.name"
HOSTILE = "</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def report() -> StreamResult:
    plan = best_plan([mbcost.analyze("mobilenet_v2", target) for target in ("pixel4", "pixel4/gpu")], "throughput")
    stages = [Stage(HOSTILE, "cpu", 0.003), *inference(plan), Stage("x" * 10_000, "cpu", 0.001)]
    return StreamResult("mobilenet_v2", plan, stages, [simulate(stages, buffers=n) for n in (1, 2, 3)], None, 0.0)


@pytest.fixture(scope="module")
def page_file(report: StreamResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "stream.html"
    path.write_text(stream_page(report), encoding="utf-8")
    return path


def test_opens_and_agrees_with_the_json(visited: Any, page_file: Path, report: StreamResult) -> None:
    page = visited(page_file)
    assert page_file.stat().st_size < 2_500_000
    for chart in ("busy", "timeline"):
        assert page.page.locator(f"#chart-{chart} svg.main-svg").count() > 0
    total = float(page.page.locator('#events tfoot [data-key="time"]').get_attribute("data-value"))
    assert total == pytest.approx(sum((e.end_s - e.start_s) * 1e3 for e in report.results[0].timeline), rel=1e-9)
    for result in report.results:
        assert f"{significant(result.frames_per_s)} frames/s" in page.page.locator("#answer").inner_text()
    with page.page.expect_download() as download:
        page.page.locator("#save-json").click()
    assert json.loads(Path(download.value.path()).read_text()) == json.loads(json.dumps(report.to_dict()))


def test_rounding_is_no_wait(report: StreamResult, tmp_path: Path, opened: Any) -> None:
    """A wait of 1e-17 s is what is left of subtracted times; it was shown as 0.000000000000 ms."""
    results = [dataclasses.replace(result, wait_s=1e-17) for result in report.results]
    path = tmp_path / "stream.html"
    path.write_text(stream_page(dataclasses.replace(report, results=results)), encoding="utf-8")
    answer = opened(path).page.locator("#answer").inner_text()
    assert "none of it waiting" in answer
    assert "0.0000" not in answer


def test_switch_filter_select_and_return(visited: Any, page_file: Path, report: StreamResult) -> None:
    page = visited(page_file)
    page.page.locator(".target").nth(2).click()
    page.page.locator("[data-facet=unit]").select_option(label="gpu")
    shown = [e for e in report.results[2].timeline if e.unit == "gpu"]
    assert page.page.locator("#events .count").inner_text().startswith(f"{len(shown)} of 400")
    page.page.locator(NAMES).nth(1).click()
    again = visited(page_file, page.page.evaluate("location.hash"))
    assert again.page.locator("#events tr.selected").count() == 1
    assert again.page.locator("#chart-timeline .shapelayer path").count() == 1


def test_fits_narrow_windows(visited: Any, page_file: Path) -> None:
    assert widths_that_overflow(visited(page_file).page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(visited: Any, page_file: Path, axe: str, theme: str) -> None:
    assert serious_violations(visited(page_file, f"#layer=0&theme={theme}").page, axe) == []
