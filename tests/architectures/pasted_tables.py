"""Tables as they come out of papers and of Markdown, for the tests of the table checker."""

from __future__ import annotations

#: Howard et al. 2017, arXiv:1704.04861, Table 1, with its misprint: the last depthwise layer has stride 2.
V1_PAPER = """\
Table 1. MobileNet Body Architecture

| Type / Stride | Filter Shape | Input Size |
|---|---|---|
| Conv / s2 | 3 × 3 × 3 × 32 | 224 × 224 × 3 |
| Conv dw / s1 | 3 × 3 × 32 dw | 112 × 112 × 32 |
| Conv / s1 | 1 × 1 × 32 × 64 | 112 × 112 × 32 |
| Conv dw / s2 | 3 × 3 × 64 dw | 112 × 112 × 64 |
| Conv / s1 | 1 × 1 × 64 × 128 | 56 × 56 × 64 |
| Conv dw / s1 | 3 × 3 × 128 dw | 56 × 56 × 128 |
| Conv / s1 | 1 × 1 × 128 × 128 | 56 × 56 × 128 |
| Conv dw / s2 | 3 × 3 × 128 dw | 56 × 56 × 128 |
| Conv / s1 | 1 × 1 × 128 × 256 | 28 × 28 × 128 |
| Conv dw / s1 | 3 × 3 × 256 dw | 28 × 28 × 256 |
| Conv / s1 | 1 × 1 × 256 × 256 | 28 × 28 × 256 |
| Conv dw / s2 | 3 × 3 × 256 dw | 28 × 28 × 256 |
| Conv / s1 | 1 × 1 × 256 × 512 | 14 × 14 × 256 |
| 5× Conv dw / s1 | 3 × 3 × 512 dw | 14 × 14 × 512 |
| Conv / s1 | 1 × 1 × 512 × 512 | 14 × 14 × 512 |
| Conv dw / s2 | 3 × 3 × 512 dw | 14 × 14 × 512 |
| Conv / s1 | 1 × 1 × 512 × 1024 | 7 × 7 × 512 |
| Conv dw / s2 | 3 × 3 × 1024 dw | 7 × 7 × 1024 |
| Conv / s1 | 1 × 1 × 1024 × 1024 | 7 × 7 × 1024 |
| Avg Pool / s1 | Pool 7 × 7 | 7 × 7 × 1024 |
| FC / s1 | 1024 × 1000 | 1 × 1 × 1024 |
| Softmax / s1 | Classifier | 1 × 1 × 1000 |
"""
V1 = V1_PAPER.replace("| Conv dw / s2 | 3 × 3 × 1024", "| Conv dw / s1 | 3 × 3 × 1024")

#: The other ways in which the five pairs of layers are written down.
V1_PAIRS = "| 5× Conv dw / s1 | 3 × 3 × 512 dw | 14 × 14 × 512 |\n| Conv / s1 | 1 × 1 × 512 × 512 | 14 × 14 × 512 |\n"
V1_OTHER_PAIRS = {
    "both in one line": "| 5x Conv dw / s1 + Conv / s1 | 3x3x512 dw + 1x1x512x512 | 14x14x512 |\n",
    "a line of its own": f"| 5× | | |\n{V1_PAIRS.replace('5× ', '')}",
    "twice": V1_PAIRS.replace("| Conv / s1", "| 5× Conv / s1"),
    "written out": V1_PAIRS.replace("5× ", "") * 5,
}

#: Howard et al. 2017, Table 2, with its misprint: the 3 x 3 convolution has 1.91 % of the operations.
V1_SHARES = """\
| Type | Mult-Adds | Parameters |
|------|-----------|------------|
| Conv 1 × 1 | 94.86% | 74.59% |
| Conv DW 3 × 3 | 3.06% | 1.06% |
| Conv 3 × 3 | 1.19% | 0.02% |
| Fully Connected | 0.18% | 24.33% |
"""

#: Sandler et al. 2018, arXiv:1801.04381, Table 2.
V2 = """\
| Input | Operator | t | c | n | s |
|:-----:|:--------:|:-:|:-:|:-:|:-:|
| 224² × 3 | conv2d 3x3 | - | 32 | 1 | 2 |
| 112² × 32 | bottleneck | 1 | 16 | 1 | 1 |
| 112² × 16 | bottleneck | 6 | 24 | 2 | 2 |
| 56² × 24 | bottleneck | 6 | 32 | 3 | 2 |
| 28² × 32 | bottleneck | 6 | 64 | 4 | 2 |
| 14² × 64 | bottleneck | 6 | 96 | 3 | 1 |
| 14² × 96 | bottleneck | 6 | 160 | 3 | 2 |
| 7² × 160 | bottleneck | 6 | 320 | 1 | 1 |
| 7² × 320 | conv2d 1x1 | - | 1280 | 1 | 1 |
| 7² × 1280 | avgpool 7x7 | - | - | 1 | - |
| 1 × 1 × 1280 | conv2d 1x1 | - | k | - | |
"""
#: As in early copies of it.
V2_EARLY = V2.replace("| 14² × 64 |", "| 28² × 64 |")

#: Howard et al. 2019, arXiv:1905.02244, Table 1.
V3_LARGE = """\
Input | Operator | exp size | #out | SE | NL | s
--- | --- | --- | --- | --- | --- | ---
224² × 3 | conv2d | - | 16 | - | HS | 2
112² × 16 | bneck, 3x3 | 16 | 16 | - | RE | 1
112² × 16 | bneck, 3x3 | 64 | 24 | - | RE | 2
56² × 24 | bneck, 3x3 | 72 | 24 | - | RE | 1
56² × 24 | bneck, 5x5 | 72 | 40 | ✓ | RE | 2
28² × 40 | bneck, 5x5 | 120 | 40 | ✓ | RE | 1
28² × 40 | bneck, 5x5 | 120 | 40 | ✓ | RE | 1
28² × 40 | bneck, 3x3 | 240 | 80 | - | HS | 2
14² × 80 | bneck, 3x3 | 200 | 80 | - | HS | 1
14² × 80 | bneck, 3x3 | 184 | 80 | - | HS | 1
14² × 80 | bneck, 3x3 | 184 | 80 | - | HS | 1
14² × 80 | bneck, 3x3 | 480 | 112 | ✓ | HS | 1
14² × 112 | bneck, 3x3 | 672 | 112 | ✓ | HS | 1
14² × 112 | bneck, 5x5 | 672 | 160 | ✓ | HS | 2
7² × 160 | bneck, 5x5 | 960 | 160 | ✓ | HS | 1
7² × 160 | bneck, 5x5 | 960 | 160 | ✓ | HS | 1
7² × 160 | conv2d, 1x1 | - | 960 | - | HS | 1
7² × 960 | pool, 7x7 | - | - | - | - | 1
1² × 960 | conv2d 1x1, NBN | - | 1280 | - | HS | 1
1² × 1280 | conv2d 1x1, NBN | - | k | - | - | 1
"""

#: Howard et al. 2019, Table 2, with the 1024 channels and without the last squeeze-and-excite, as in the authors' code.
V3_SMALL = """\
| input | op | k | exp | out | SE | NL | s |
|---|---|---|---|---|---|---|---|
| 224^2x3 | conv2d | 3 | - | 16 | - | HS | 2 |
| 112^2x16 | bneck | 3 | 16 | 16 | y | RE | 2 |
| 56^2x16 | bneck | 3 | 72 | 24 | - | RE | 2 |
| 28^2x24 | bneck | 3 | 88 | 24 | - | RE | 1 |
| 28^2x24 | bneck | 5 | 96 | 40 | y | HS | 2 |
| 14^2x40 | bneck | 5 | 240 | 40 | y | HS | 1 |
| 14^2x40 | bneck | 5 | 240 | 40 | y | HS | 1 |
| 14^2x40 | bneck | 5 | 120 | 48 | y | HS | 1 |
| 14^2x48 | bneck | 5 | 144 | 48 | y | HS | 1 |
| 14^2x48 | bneck | 5 | 288 | 96 | y | HS | 2 |
| 7^2x96 | bneck | 5 | 576 | 96 | y | HS | 1 |
| 7^2x96 | bneck | 5 | 576 | 96 | y | HS | 1 |
| 7^2x96 | conv2d 1x1 | 1 | - | 576 | - | HS | 1 |
| 7^2x576 | pool 7x7 | | | | | | 1 |
| 1^2x576 | conv2d 1x1, NBN | 1 | - | 1024 | - | HS | 1 |
| 1^2x1024 | conv2d 1x1, NBN | 1 | - | k | - | - | 1 |
"""

PASTED = {
    "mobilenet_v1": V1,
    "mobilenet_v2": V2,
    "mobilenet_v3_large": V3_LARGE,
    "mobilenet_v3_small": V3_SMALL,
}


def with_tabs(markdown: str) -> str:
    """A Markdown table as a spreadsheet copies it."""
    lines = [line.strip().strip("|") for line in markdown.splitlines() if "|" in line and "--" not in line]
    return "\n".join("\t".join(cell.strip() for cell in line.split("|")) for line in lines) + "\n"
