"""What a notebook shows: the numbers of the result, names as text, no scripts, and charts of every view."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

import mbcost
from mbcost.errors import InputError
from mbcost.insight.comparison import Comparison, side_by_side
from mbcost.report.charts.validation import VALIDATION_CHARTS

HOSTILE = "</script><img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """Tags, attributes and text of a piece of HTML, whose tags have to match."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: Counter[str] = Counter()
        self.text = ""
        self.open: list[str] = []
        self.feed(markup)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes.update(name for name, _ in attrs)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "


@pytest.fixture(scope="module")
def analysis() -> mbcost.Analysis:
    return mbcost.analyze("mobilenet_v2", "pixel1")


@pytest.fixture(scope="module")
def comparison(analysis: mbcost.Analysis) -> Comparison:
    return side_by_side([mbcost.analyze("mobilenet_v1", "pixel1"), analysis])


@pytest.fixture(scope="module")
def sweep() -> mbcost.SweepResult:
    return mbcost.sweep(["mobilenet_v2"], "pixel1", alpha="0.5,1", resolution="128,224")


@pytest.fixture(scope="module")
def validation() -> mbcost.Validation:
    return mbcost.validate("pixel3")


def assert_plain(page: Page) -> None:
    """Markup that runs nothing and fetches nothing."""
    assert set(page.tags) <= {
        "div", "p", "strong", "br", "table", "thead", "tbody", "tr", "th", "td", "span", "details", "summary", "ul",
        "li",
    }  # fmt: skip
    assert set(page.attributes) <= {"style", "title"}


def test_an_analysis(analysis: mbcost.Analysis) -> None:
    markup = analysis._repr_html_()
    page = Page(markup)
    assert_plain(page)
    assert f"{analysis.latency_s * 1e3:.3g} ms" in page.text
    classes = markup.partition("</table>")[0]
    times = [float(text) for text in re.findall(r"right\">\d+</td><td[^>]*right\">([\d.]+)</td>", classes)]
    assert sum(times) == pytest.approx(analysis.latency_s * 1e3, rel=0.01)  # three digits each


def test_a_comparison(comparison: Comparison) -> None:
    page = Page(comparison._repr_html_())
    assert_plain(page)
    for label, analysis in zip(comparison.labels, comparison.analyses, strict=True):
        assert label in page.text
        assert f"{analysis.latency_s * 1e3:.3g}" in page.text
    assert comparison.verdicts(1)[0][:60] in page.text


def test_a_sweep(sweep: mbcost.SweepResult) -> None:
    page = Page(sweep._repr_html_())
    assert_plain(page)
    assert page.tags["tr"] == 1 + len(sweep.front())
    assert "mobilenet_v2 1 / 224" in page.text


def test_a_validation(validation: mbcost.Validation) -> None:
    page = Page(validation._repr_html_())
    assert_plain(page)
    assert f"{validation.score().residuals.mape:.1%}" in page.text
    assert validation.rows[validation.worst()[0]].name in page.text


@pytest.mark.parametrize("name", [HOSTILE, "n" * 10_000])
def test_names_stay_text_and_short(analysis: mbcost.Analysis, validation: mbcost.Validation, name: str) -> None:
    graph = analysis.layer_graph
    layers = tuple(layer._replace(name=f"{name}{layer.position}", block=name) for layer in graph.layers)
    changed = replace(graph, architecture=name, title=name, layers=layers)
    kernels = tuple(kernel._replace(main=layers[kernel.main.position]) for kernel in analysis.kernels)
    hostile = replace(analysis, layer_graph=changed, kernels=kernels, warnings=(name,))
    rows = tuple(replace(row, architecture=name) for row in validation.rows)
    shown: list[Any] = [hostile, side_by_side([hostile, analysis]), replace(validation, rows=rows, warnings=(name,))]
    for result in shown:
        markup = result._repr_html_()
        assert_plain(Page(markup))
        assert len(markup) < 40_000


def test_figures(comparison: Comparison, sweep: mbcost.SweepResult, validation: mbcost.Validation) -> None:
    assert [len(comparison.figure(name).data) > 0 for name in ("classes", "parts", "pairs")] == [True] * 3
    for name in VALIDATION_CHARTS:
        found = [trace for trace in validation.figure(name).data if trace.customdata is not None]
        assert sum(len(trace.x) for trace in found) == 6, name
        assert found[0].text[0] in {row.name for row in validation.rows}
    heat = sweep.figure("heat_map", architecture="mobilenet_v2").data[0]
    assert heat.z[1][1] == pytest.approx(mbcost.analyze("mobilenet_v2", "pixel1").latency_s * 1e3)
    front = sweep.figure("front").data[-1]
    assert list(front.x) == sorted(sweep.columns["latency_ms"][sweep.front()])
    for result in (comparison, sweep, validation):
        with pytest.raises(InputError, match="has no figure `froont`"):
            result.figure("froont")
    with pytest.raises(InputError, match="the sweep has no target `pixel2`"):
        sweep.figure("front", target="pixel2")
