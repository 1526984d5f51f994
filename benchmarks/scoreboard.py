"""Writes `reports/scoreboard.html` and `.md`: what 0, 1, 3, 10 and 30 measured networks are worth, on all public data.

python benchmarks/scoreboard.py --data FOLDER [--only NAME ...] [--seeds K]
python benchmarks/scoreboard.py

With `--data`, the folder that holds the data of `boards.py`, the other scripts of this folder score each set, or those
named, again, and what they find is kept in `reports/scores`; then, and without it, the page and its Markdown are made
from what is kept. A data set is added to `boards.py`, by the command that scores it.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from boards import BOARDS, Board, Line

from mbcost.files import write_text
from mbcost.report.html.page import render

HERE: Final = Path(__file__).parent
REPORTS: Final = HERE.parent / "reports"
SCORES: Final = REPORTS / "scores"
#: Latencies of a device that calibrate it.
MEASURED: Final = (0, 1, 3, 10, 30)
#: What is kept of a row of a result.
KEPT: Final = ("networks", "predictions", "mape", "bias", "hit10", "hit20", "coverage90")
#: What the page and the Markdown begin with: paragraphs.
INTRO: Final = """\
What is an answer of mbcost worth on a device that it does not know, and how many networks have to be measured there for
a better one? Each row is public data that other people measured. Measured networks of the device calibrate it, drawn at
random; all others are predicted. What is predicted was in nothing that the prediction rests on, unless the row says so.

The baseline is the mean absolute error of MACs times a factor (of a constant and MACs for NPUs) that the same measured
networks decide. An interval that is right holds 90 % of the measured latencies.

Made by `python benchmarks/scoreboard.py`; `--data FOLDER` scores again. A data set of your own is described in
benchmarks/boards.py, by the command that scores it.
"""


# --- scoring --------------------------------------------------------------------------------------------------------


def measured(board: Board, folder: Path, seeds: int) -> dict[str, Any]:
    """The scores of a data set, by its command, for each number of measured networks."""
    rows: dict[str, dict[str, Any]] = {line.name: {} for line in board.lines}
    left_out, networks = 0, 0
    with tempfile.TemporaryDirectory() as place:  # of all numbers: a script may keep there what takes long
        for number in board.measured:
            found = _run(board, folder, number, seeds, Path(place) / "out.json")
            left_out = len(found.get("left_out", ()))
            for line in board.lines:
                row = line.of(found)
                if row is None:
                    continue
                kept = {key: row[key] for key in KEPT if row.get(key) is not None}
                baseline = row.get("baselines", {}).get("macs", {})
                rows[line.name][str(number)] = {**kept, "baseline": baseline.get("mape")}
                networks = max(networks, row.get("networks", 0))
    return {
        "command": shlex.join(_command(board, Path(board.data), "N", seeds)),
        "date": datetime.now(UTC).date().isoformat(),
        "seeds": seeds,
        "networks": networks,
        "left_out": left_out,
        "rows": rows,
    }


def _command(board: Board, data: Path, number: object, seeds: int) -> list[str]:
    calibrate = [] if board.measured == (0,) else ["--calibrate-on", str(number)]
    several = [] if board.measured == (0,) else ["--seeds", str(seeds)]
    return [f"benchmarks/{board.script}", "--data", str(data), *board.options, *calibrate, *several]


def _run(board: Board, folder: Path, number: int, seeds: int, out: Path) -> dict[str, Any]:
    command = [sys.executable, *_command(board, folder / board.data, number, seeds), "--json", str(out)]
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{shlex.join(command)}:\n{done.stderr or done.stdout}")
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


# --- pages ----------------------------------------------------------------------------------------------------------


def entries() -> Iterator[tuple[Board, Line, Mapping[str, Any], Mapping[str, Any]]]:
    """Each line of each data set that was scored: what it is, what was scored, and score by number measured."""
    for board in BOARDS:
        path = SCORES / f"{board.name}.json"
        if not path.exists():
            continue
        scores = json.loads(path.read_text(encoding="utf-8"))
        for line in board.lines:
            if scores["rows"].get(line.name):
                yield board, line, scores, scores["rows"][line.name]


def percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def markdown() -> str:
    """The scoreboard as Markdown."""
    lines = ["# Scoreboard", "", INTRO.rstrip()]
    board_before = None
    for board, line, scores, found in entries():
        if board is not board_before:
            board_before = board
            lines += ["", f"## {board.title}", "", f"{board.words} Source: {board.source}.", ""]
            lines += [f"- Left out: {board.left_out}. {board.blind}", f"- Ceiling: {board.ceiling}."]
            lines += [f"- Published by others: {board.peers}."] if board.peers else []
            lines += [
                f"- `{scores['command']}`, {scores['date']}; {scores['left_out']} could not be scored.",
                "",
            ]
            lines += ["| target | measured | predictions | MAPE | within 10 % | within 20 % | inside | baseline |"]
            lines += ["|---|--:|--:|--:|--:|--:|--:|--:|"]
        for number, score in found.items():
            values = [percent(score.get(key)) for key in ("mape", "hit10", "hit20", "coverage90", "baseline")]
            count = score.get("predictions", score["networks"])
            lines.append(f"| {line.words} | {number} | {count:,} | {' | '.join(values)} |")
    return "\n".join(lines) + "\n"


def html() -> str:
    """The scoreboard as a page."""
    rows = [
        {
            "data": board.title,
            "words": board.words,
            "target": line.words,
            "kind": board.kind,
            "left_out": board.left_out,
            "ceiling": board.ceiling,
            "peers": board.peers,
            "blind": board.blind,
            "source": board.source,
            "command": scores["command"],
            "date": scores["date"],
            "scores": {number: found.get(str(number)) for number in map(str, MEASURED) if found.get(number)},
        }
        for board, line, scores, found in entries()
    ]
    data = {
        "measured": list(MEASURED),
        "rows": rows,
        "intro": [" ".join(text.replace("`", "").split()) for text in INTRO.split("\n\n")],
    }
    summary = [
        (f"{row['data']}, {row['target']}", ", ".join(f"{n}: {percent(s['mape'])}" for n, s in row["scores"].items()))
        for row in rows
    ]
    script = (HERE / "scoreboard.js").read_text(encoding="utf-8")
    return render("scoreboard", "mbcost scoreboard", data, summary, script)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with the folders of the data sets")
    parser.add_argument("--only", nargs="+", choices=[board.name for board in BOARDS], help="score these again")
    parser.add_argument("--seeds", type=int, default=5)
    chosen = parser.parse_args(arguments)
    if chosen.data is not None:
        SCORES.mkdir(exist_ok=True)
        for board in BOARDS:
            if chosen.only is None or board.name in chosen.only:
                scores = measured(board, chosen.data, chosen.seeds)
                text = json.dumps(scores, indent=1, ensure_ascii=False) + "\n"
                write_text(SCORES / f"{board.name}.json", text, force=True)
                print(f"{board.name}: {sum(map(len, scores['rows'].values()))} scores", flush=True)
    write_text(REPORTS / "scoreboard.md", markdown(), force=True)
    write_text(REPORTS / "scoreboard.html", html(), force=True)


if __name__ == "__main__":
    main()
