"""Search spaces in YAML: the choices of each stage of a network, and the network of each candidate.

A space's file has the keys of an architecture table, with ``stem``, ``stages`` and ``head`` in the place of
``layers``. Rows of the stem and the head are ordinary rows. A stage is a block that repeats: ``depth`` times, ``out``
channels wide, with the block's other parameters. A list in the place of a value is a choice: of the stage for depth and
out, of each of its blocks for all others. ``resolutions`` are the heights and widths that the input may have.

A *candidate* is a row of small integers, positions in those lists: the resolution, then for each stage the width, the
depth and, for each block up to the greatest depth, the block's choice. Genes of blocks beyond the chosen depth have no
effect.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mbcost.architectures import ArchitectureSpec, read_architecture
from mbcost.architectures.limits import MAX_RESOLUTION
from mbcost.document import Document, Path_
from mbcost.errors import InputError, Problem, did_you_mean, fail
from mbcost.files import is_file, load_yaml

Candidates: TypeAlias = NDArray[np.uint8]
TableForm: TypeAlias = Literal["once_for_all", "proxylessnas"]

SPACES: Final = Path(__file__).parent / "spaces"
MAX_STAGES: Final = 64
MAX_DEPTH: Final = 64
#: A gene is a byte.
MAX_CHOICES: Final = 256

_COPIED: Final = ("name", "title", "source", "note", "input", "options", "defaults", "blocks")
_KEYS: Final = (*_COPIED, "resolutions", "latency_table", "stem", "stages", "head")
_REQUIRED: Final = ("name", "source", "input", "blocks", "stages")
_TABLE_FORMS: Final = ("once_for_all", "proxylessnas")


class Stage(NamedTuple):
    """A repeated block with its choices.

    Attributes
    ----------
    block
        Name of the block.
    widths, depths
        Output channels and numbers of blocks to choose from.
    stride
        Stride of its first block.
    choices
        Parameters of a block, one mapping per combination of its lists.
    """

    block: str
    widths: tuple[int, ...]
    depths: tuple[int, ...]
    stride: int
    choices: tuple[Mapping[str, Any], ...]

    @property
    def blocks(self) -> int:
        """Number of blocks at the greatest depth."""
        return max(self.depths)


@dataclass(frozen=True, slots=True, eq=False)
class SearchSpace:
    """A search space; the module's docstring describes its candidates.

    Attributes
    ----------
    resolutions
        Heights and widths of the input [pixels].
    latency_table
        The form in which its latency table is exported; None if the file does not set it.
    """

    name: str
    title: str
    source: str
    resolutions: tuple[int, ...]
    stages: tuple[Stage, ...]
    latency_table: TableForm | None
    document: Document = field(repr=False)

    @property
    def genes(self) -> tuple[int, ...]:
        """Number of values of each column of a candidate."""
        sizes = [len(self.resolutions)]
        for stage in self.stages:
            sizes += [len(stage.widths), len(stage.depths), *[len(stage.choices)] * stage.blocks]
        return tuple(sizes)

    @property
    def size(self) -> int:
        """Number of different networks times resolutions."""
        total = len(self.resolutions)
        for stage in self.stages:
            total *= len(stage.widths) * sum(len(stage.choices) ** depth for depth in stage.depths)
        return total

    def sample(self, count: int, rng: np.random.Generator) -> Candidates:
        """Random candidates with uniform genes, one row per candidate."""
        genes = np.array(self.genes)
        drawn: Candidates = (rng.random((count, len(genes))) * genes).astype(np.uint8)
        return drawn

    def check(self, candidates: Any) -> Candidates:
        """Candidates as a two-dimensional array of bytes.

        Raises
        ------
        InputError
            MB010 if they have another number of genes, or a gene is out of range.
        """
        rows = np.atleast_2d(np.asarray(candidates))
        if rows.ndim != 2 or rows.shape[1] != len(self.genes) or rows.dtype.kind not in "iu":
            fail("MB010", f"candidates of {self.name} are rows of {len(self.genes)} whole numbers")
        largest = np.array(self.genes)
        wrong = np.flatnonzero((rows.min(axis=0) < 0) | (rows.max(axis=0) >= largest)) if len(rows) else ()
        for gene in wrong[:1]:
            fail("MB010", f"gene {gene} of a candidate is out of range: 0 to {largest[gene] - 1}")
        result: Candidates = rows.astype(np.uint8, copy=False)
        return result

    def describe(self, candidate: Any) -> dict[str, Any]:
        """A candidate in words: its resolution and, for each stage, its width and the parameters of its blocks."""
        (genes,) = self.check(candidate).tolist()
        stages = []
        place = 1
        for stage in self.stages:
            width, depth = stage.widths[genes[place]], stage.depths[genes[place + 1]]
            blocks = [dict(stage.choices[gene]) for gene in genes[place + 2 : place + 2 + depth]]
            stages.append({"out": width, "stride": stage.stride, "blocks": blocks})
            place += 2 + stage.blocks
        return {"resolution": self.resolutions[genes[0]], "stages": stages}

    def architecture(self, candidate: Any) -> ArchitectureSpec:
        """The network of a candidate, at the space's own resolution: for :func:`mbcost.analyze` with `resolution`."""
        described = self.describe(candidate)
        return read_architecture(self._table([stage["blocks"] for stage in described["stages"]], described["stages"]))

    def _table(self, blocks: Sequence[Sequence[Mapping[str, Any]]], widths: Sequence[Mapping[str, Any]]) -> Document:
        """The table of a network, as a document whose places are those of the space's file."""
        data = self.document.data
        rows: list[Any] = []
        origins: list[tuple[Path_, Mapping[str, str]]] = []
        for i, row in enumerate(data.get("stem") or ()):
            rows.append(row)
            origins.append((("stem", i), {}))
        for s, stage in enumerate(self.stages):
            for position, choice in enumerate(blocks[s]):
                stride = stage.stride if position == 0 else 1
                given = {"op": stage.block, "name": f"stage{s + 1}_{position + 1}", "out": widths[s]["out"], **choice}
                if stage.stride != 1:
                    given["stride"] = stride
                rows.append(given)
                origins.append((("stages", s), {"op": "block"}))
        for i, row in enumerate(data.get("head") or ()):
            rows.append(row)
            origins.append((("head", i), {}))
        table = {key: data[key] for key in _COPIED if key in data}
        return self.document.rearranged({**table, "layers": rows}, "layers", origins)


def space_names() -> tuple[str, ...]:
    """Names of the search spaces that ship with mbcost."""
    return tuple(sorted(path.stem for path in SPACES.glob("*.yaml")))


def load_space(text: str | Path) -> SearchSpace:
    """The search space of a built-in name or of a YAML file.

    Raises
    ------
    InputError
        MB700 with the nearest names if there is neither; every problem of the file otherwise.
    """
    path = Path(text)
    if path.suffix in {".yaml", ".yml"} or is_file(path):
        return read_space(load_yaml(path))
    if str(text) not in space_names():
        hint = did_you_mean(str(text), space_names()) or f"there are {', '.join(space_names())}"
        fail("MB700", f"no search space or file `{str(text)[:60]}`", hint=hint)
    return _load_builtin(str(text))


@lru_cache(maxsize=16)
def _load_builtin(name: str) -> SearchSpace:
    return read_space(load_yaml(SPACES / f"{name}.yaml", f"{name}.yaml"))


def read_space(document: Document) -> SearchSpace:
    """The search space that a parsed document describes; the network of its first choices is built, to check its rows.

    Raises
    ------
    InputError
        Every problem of the file, with its place.
    """
    data = document.data
    if not isinstance(data, dict):
        fail("MB700", f"a search space has the keys {', '.join(_REQUIRED)}", document.value())
    reader = _Reader(document)
    reader.check_keys()
    resolutions = reader.numbers("resolutions", default=None, most=MAX_RESOLUTION)
    stages = reader.stages()
    form = data.get("latency_table")
    if form is not None and form not in _TABLE_FORMS:
        reader.add(f"`latency_table` is `{str(form)[:40]}`, not {' or '.join(_TABLE_FORMS)}", "latency_table")
    reader.raise_problems()
    space = SearchSpace(
        str(data["name"]),
        str(data.get("title", data["name"])),
        str(data["source"]),
        resolutions or (0,),
        stages,
        form,
        document,
    )
    spec = space.architecture([0] * len(space.genes))
    if not resolutions:
        space = SearchSpace(space.name, space.title, space.source, (spec.input_shape.height,), stages, form, document)
    return space


class _Reader:
    """Reads a space's own keys; problems are collected."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []

    def add(self, message: str, *path: str | int, hint: str | None = None) -> None:
        self.problems.append(Problem("MB700", message, self.document.value(*path), hint))

    def raise_problems(self) -> None:
        if self.problems:
            raise InputError(self.problems)

    def check_keys(self) -> None:
        data = self.document.data
        for key in data:
            if key not in _KEYS:
                hint = did_you_mean(key, _KEYS) or f"known: {', '.join(_KEYS)}"
                self.problems.append(Problem("MB101", f"unknown key `{key}`", self.document.key(key), hint))
        for key in _REQUIRED:
            if key not in data:
                self.problems.append(Problem("MB102", f"the key `{key}` is missing", self.document.value()))
        if not isinstance(data.get("blocks") or {}, dict):
            self.add("`blocks` is a mapping of names to blocks", "blocks")
        for key in ("stem", "head"):
            if not isinstance(data.get(key, []), list):
                self.add(f"`{key}` is a list of rows", key)
        self.raise_problems()

    def stages(self) -> tuple[Stage, ...]:
        data = self.document.data["stages"]
        if not isinstance(data, list) or not 1 <= len(data) <= MAX_STAGES:
            self.add(f"`stages` is a list of 1 to {MAX_STAGES} stages", "stages")
            return ()
        return tuple(stage for i, row in enumerate(data) if (stage := self._stage(i, row)) is not None)

    def _stage(self, i: int, row: Any) -> Stage | None:
        if not isinstance(row, dict) or not {"block", "out"} <= set(row):
            self.add("a stage has at least the keys `block` and `out`", "stages", i)
            return None
        if not isinstance(row["block"], str) or row["block"] not in (self.document.data["blocks"] or {}):
            self.add(f"there is no block `{str(row['block'])[:40]}`", "stages", i, "block")
            return None
        before = len(self.problems)
        widths = self.numbers("stages", i, "out", default=())
        depths = self.numbers("stages", i, "depth", default=(1,), most=MAX_DEPTH)
        stride = row.get("stride", 1)
        if type(stride) is not int or stride < 1:
            self.add("`stride` is one whole number, that of the first block", "stages", i, "stride")
        fixed = ("block", "out", "depth", "stride")
        free = {key: value if isinstance(value, list) else [value] for key, value in row.items() if key not in fixed}
        for key, values in free.items():
            if not values or any(isinstance(value, (list, dict)) for value in values):
                self.add(f"`{key}` is a value or a list of values", "stages", i, key)
        if max(prod(map(len, free.values())), len(widths or ()), len(depths or ())) > MAX_CHOICES:
            self.add(f"more than {MAX_CHOICES} choices of a block", "stages", i)
        if len(self.problems) > before:
            return None
        choices = tuple(dict(zip(free, combination, strict=True)) for combination in itertools.product(*free.values()))
        return Stage(row["block"], widths or (), depths or (), stride, choices)

    def numbers(self, *path: str | int, default: Any, most: int = 2**20) -> tuple[int, ...] | None:
        """A number or a list of different ones."""
        value: Any = self.document.data
        for key in path:
            if isinstance(value, dict) and key not in value:
                return default  # type: ignore[no-any-return]
            value = value[key]
        values = value if isinstance(value, list) else [value]
        if not values or any(type(item) is not int or not 1 <= item <= most for item in values):
            self.add(f"`{path[-1]}` is a whole number from 1 to {most}, or a list of them", *path)
            return None
        if len(set(values)) < len(values):
            self.add(f"`{path[-1]}` holds a number twice", *path)
        return tuple(values)
