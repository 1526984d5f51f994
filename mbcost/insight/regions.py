"""Names of a report: layer names without what they repeat, and a network's kernels in at most 25 blocks.

The rule for blocks, in this order:

1. The blocks of the architecture's table, where it has at least two and at most 25.
2. The modules that the names spell (``features.2/conv.0/Conv``, ``block_3_expand``): the level of the path with
   most modules up to 25, if it has at least two, none holds most of the kernels, and each runs in one go.
3. The graph: a block ends where a single tensor goes on, so a residual or branched region is one block; kernels in a
   row between such regions make one block a feature map size; of more than 25, the smallest neighbours are joined.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mbcost.analysis import Analysis

#: Most bars of a chart that can be read at once, and so most blocks.
MOST: Final = 25
#: Largest share of the kernels in one module of a division by names.
_LARGEST: Final = 0.7
#: Most modules that may run in two parts; with more, the words of the names are no modules.
_SPLIT: Final = 2
_WORD: Final = re.compile(r"[^/_]+[/_]*")
_PATH: Final = re.compile(r"[^/._]+[/._]*")


def short_names(names: Sequence[str]) -> list[str]:
    """The names without words that the next word repeats and without a prefix that all share; still distinct.

    ``features_features.2_conv_conv.0_Conv`` becomes ``features.2_conv.0_Conv``.
    """
    brief = [_unrepeated(name) for name in names]
    prefix = _shared(brief) if len(brief) > 1 else ""
    end = max(map(prefix.rfind, "/_.")) + 1  # whole words, and what is left begins with a letter
    if all(name[end : end + 1].isalpha() for name in brief):
        brief = [name[end:] for name in brief]
    count = Counter(brief)
    return [short if short and count[short] == 1 else name for short, name in zip(brief, names, strict=True)]


def _shared(names: Sequence[str]) -> str:
    """The longest beginning of all names."""
    low, high = min(names), max(names)
    return low[: next((place for place, char in enumerate(low) if not high.startswith(char, place)), len(low))]


def _unrepeated(name: str) -> str:
    words = _WORD.findall(name)
    bare = [word.rstrip("/_") for word in words]
    kept = [
        word
        for number, word in enumerate(words)
        if not (number + 1 < len(words) and (bare[number + 1] + ".").startswith(bare[number] + "."))
    ]
    return "".join(kept) or name


def regions(analysis: Analysis) -> list[str]:
    """The block of every kernel, by the rule of this module."""
    kernels = analysis.kernels
    table = [kernel.main.block for kernel in kernels]
    if 1 < len(set(table)) <= MOST:
        return table
    names = short_names([layer.name for layer in analysis.layer_graph.layers])
    mains = [names[kernel.main.position] for kernel in kernels]
    return _by_module(mains) or _by_cut(analysis, mains)


def _by_module(names: Sequence[str]) -> list[str]:
    """The most modules of the names' paths that are few enough; none where names tell no modules."""
    paths = [_PATH.findall(name) for name in names]
    found: list[str] = []
    for depth in range(1, max(map(len, paths), default=0)):
        groups = ["".join(path[:depth]).rstrip("/._") for path in paths]
        count = Counter(groups)
        if len(count) > MOST:
            break
        runs = sum(one != other for one, other in pairwise(groups)) + 1
        finer = len(count) > len(set(found)) + (not found)
        if finer and max(count.values()) <= _LARGEST * len(names) and runs <= len(count) + _SPLIT:
            found = groups
    return found


def _by_cut(analysis: Analysis, names: Sequence[str]) -> list[str]:
    """Regions between places where a single tensor goes on."""
    kernels = analysis.kernels
    if not kernels:
        return []
    layers = analysis.layer_graph.layers
    kernel_of = {layer: number for number, kernel in enumerate(kernels) for layer in kernel.layers}
    last_use = list(range(len(kernels)))
    for layer in layers:
        reader = kernel_of[layer.position]
        for producer in layer.inputs:
            if producer >= 0:
                maker = kernel_of[producer]
                last_use[maker] = max(last_use[maker], reader)
    crossing = [0] * (len(kernels) + 1)  # number of tensors that are read at or after a kernel and made before it
    for maker, reader in enumerate(last_use):
        for number in range(maker + 1, reader + 1):
            crossing[number] += 1
    runs: list[list[int]] = []
    for number in range(len(kernels)):
        if not runs or crossing[number] <= 1:
            runs.append([])
        runs[-1].append(number)
    merged: list[list[int]] = []
    chain = False
    for run in runs:
        alone = len(run) == 1
        if alone and chain and _height(analysis, merged[-1][-1]) == _height(analysis, run[0]):
            merged[-1] += run
        else:
            merged.append(list(run))
        chain = alone
    while len(merged) > MOST:
        place = min(range(len(merged) - 1), key=lambda place: len(merged[place]) + len(merged[place + 1]))
        merged[place : place + 2] = [merged[place] + merged[place + 1]]
    label = {number: _label(run, names) for run in merged for number in run}
    return [label[number] for number in range(len(kernels))]


def _height(analysis: Analysis, kernel: int) -> int:
    return analysis.kernels[kernel].main.output_shape.height


def _label(run: Sequence[int], names: Sequence[str]) -> str:
    """What the names of a region share, up to a separator, else its first and its last kernel."""
    first, last = names[run[0]], names[run[-1]]
    shared = _shared([names[number] for number in run])
    shared = shared[: max(shared.rfind("/"), 0)]
    return first if first == last else shared or f"{first} to {last}"
