"""The accuracy report, as Markdown: predicted against measured latencies, a section a source of measurements.

python benchmarks/accuracy.py            prints the report
python benchmarks/accuracy.py --write    writes reports/accuracy.md
"""

from __future__ import annotations

import argparse
from pathlib import Path

import accuracy_nn_meter
import accuracy_overview
import accuracy_pixel

REPORT = Path(__file__).parent.parent / "reports" / "accuracy.md"
SECTIONS = (accuracy_overview.section, accuracy_nn_meter.section, accuracy_pixel.section)


def report() -> str:
    """The whole report."""
    lines = ["# Accuracy", "", "Made by `python benchmarks/accuracy.py --write`."]
    for section in SECTIONS:
        lines += ["", *section()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print or write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write reports/accuracy.md")
    text = report()
    if parser.parse_args().write:
        REPORT.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
