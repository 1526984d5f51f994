"""The scoreboard: made from the scores that are kept, and what its page shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.report.html.conftest import Open

ROOT = Path(__file__).parents[3]


@pytest.fixture
def scoreboard(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import scoreboard as found  # type: ignore[import-not-found]

    return found


def test_it_is_what_its_command_makes(scoreboard: Any) -> None:
    assert scoreboard.markdown() == (ROOT / "reports" / "scoreboard.md").read_text(encoding="utf-8")


def test_every_kept_score_belongs_to_a_data_set(scoreboard: Any) -> None:
    kept = {path.stem for path in scoreboard.SCORES.glob("*.json")}
    assert kept == {board.name for board in scoreboard.BOARDS}
    for board in scoreboard.BOARDS:
        scores = json.loads((scoreboard.SCORES / f"{board.name}.json").read_text(encoding="utf-8"))
        for line in board.lines:
            assert list(scores["rows"][line.name]) == [str(number) for number in board.measured]


def test_the_page(scoreboard: Any, opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "scoreboard.html"
    path.write_text(scoreboard.html(), encoding="utf-8")
    page = opened(path).page
    rows = page.locator("#scores-table tbody tr")
    everything = rows.count()
    assert everything == sum(len(board.lines) for board in scoreboard.BOARDS)
    first = rows.first.inner_text()
    page.get_by_role("button", name="inside the interval").click()
    assert "view=2" in page.url
    assert rows.first.inner_text() != first
    page.select_option("#kind", "FPGA")
    assert rows.count() == 2  # ZCU102 and VCK190
    page.evaluate(
        "Plotly.Fx; document.getElementById('chart-scores').emit('plotly_click', {points: [{customdata: 0}]})"
    )
    assert "left out" in page.inner_text("#figure-scores .here")
