"""Reading architecture tables: YAML files and those that ship with mbcost."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import cache, lru_cache
from pathlib import Path, PurePath
from typing import Final, TypeAlias

from mbcost.architectures.backbone import read_backbone
from mbcost.architectures.block_definitions import parameter_names, read_blocks
from mbcost.architectures.cell_values import SCOPE_NAMES, Names
from mbcost.architectures.cells import read_columns
from mbcost.architectures.header import FILE_KEYS, REQUIRED_KEYS, Header
from mbcost.architectures.problem_log import ProblemLog
from mbcost.architectures.rows import RowReader, RowScope
from mbcost.architectures.spec import ArchitectureSpec
from mbcost.errors import InputError, Problem, did_you_mean, fail
from mbcost.files import Document, is_file, load_yaml, read_text

__all__ = [
    "FILE_KEYS",
    "REQUIRED_KEYS",
    "TABLES",
    "architecture_names",
    "find_architecture",
    "find_builtin",
    "load_architecture",
    "read_architecture",
]

TABLES: Final = Path(__file__).parent / "tables"
MAX_BACKBONES: Final = 4

#: Files whose backbones are being loaded.
_LOADING: ContextVar[tuple[str, ...]] = ContextVar("_LOADING", default=())


def load_architecture(path: Path, shown: str | None = None) -> ArchitectureSpec:
    """Read an architecture table from a YAML file.

    Raises
    ------
    InputError
        Every problem of the file, with its place. Whether the shapes fit together is checked when a graph is built
        (:func:`mbcost.graph.check_architecture`).
    """
    try:
        return read_architecture(load_yaml(path, shown))
    except InputError:
        _refuse_pasted(path)
        raise


def _refuse_pasted(path: Path) -> None:
    """Raise for a table pasted from a paper, which is read where it is made YAML and nowhere else."""
    from mbcost.architectures.pasted import is_pasted

    if is_file(path) and is_pasted(PurePath("table"), read_text(path)):
        hint = f"`mbcost architectures check {path} -o {path.stem}.yaml` writes it as YAML and says what it assumes"
        fail("MB100", f"{path} is a table pasted from a paper, not YAML", hint=hint)


def architecture_names() -> tuple[str, ...]:
    """Names of the architectures that ship with mbcost."""
    return tuple(sorted(path.stem for path in TABLES.glob("*.yaml")))


#: Finds contradictions in an architecture; injected, since they need a graph, which is in the layer above.
Check: TypeAlias = Callable[[ArchitectureSpec], Sequence[Problem]]


def find_architecture(text: str, check: Check | None = None) -> ArchitectureSpec:
    """The architecture of a built-in name (``mobilenet_v2`` or ``mobilenet_v2.yaml``) or of a file.

    A file of that name in the working directory has priority over the built-in table. The result is cached until the
    file changes.

    Parameters
    ----------
    check
        Called once on the architecture; its problems are raised.

    Raises
    ------
    InputError
        MB200 with the nearest names if there is neither; the problems of the file otherwise.
    """
    path = Path(text)
    try:
        is_path = path.exists() or os.sep in text or "\0" in text
    except PermissionError:
        fail("MB003", f"no permission to look for {text[:200]}")
    except (OSError, ValueError):
        fail("MB200", f"`{text[:100]}` is neither an architecture nor a file")
    bare = text.removesuffix(".yaml").removesuffix(".yml")
    if path.is_file() or (is_path and not (path.is_dir() and bare in architecture_names())):
        return _load_cached(text, *_stamp(path), None, check)
    builtin = find_builtin(bare, check)
    if builtin is not None:
        return builtin
    hint = did_you_mean(bare, architecture_names())
    fail("MB200", f"no architecture or file `{text[:100]}`", hint=hint or "`mbcost architectures` lists what ships")


def find_builtin(name: str, check: Check | None = None) -> ArchitectureSpec | None:
    """The architecture of this name that ships with mbcost, whatever the working directory holds; None if none does."""
    if name not in architecture_names():
        return None
    path = TABLES / f"{name}.yaml"
    return _load_shipped(str(path), *_stamp(path), f"{name}.yaml", check)


@cache  # a table that ships is one object, by which its published accuracies know it
def _load_shipped(path: str, _mtime_ns: int, _size: int, shown: str, check: Check | None) -> ArchitectureSpec:
    return _load_checked(path, shown, check)


@lru_cache(maxsize=64)
def _load_cached(path: str, _mtime_ns: int, _size: int, shown: str | None, check: Check | None) -> ArchitectureSpec:
    return _load_checked(path, shown, check)


def _load_checked(path: str, shown: str | None, check: Check | None) -> ArchitectureSpec:
    spec = load_architecture(Path(path), shown)
    problems = check(spec) if check else ()
    if problems:
        raise InputError(problems)
    return spec


def _load_backbone(text: str, origin: str) -> ArchitectureSpec:
    """The table that another one begins with: a file beside it, or a built-in one."""
    loading = _LOADING.get()
    if len(loading) >= MAX_BACKBONES:
        fail("MB200", f"more than {MAX_BACKBONES} tables begin with each other", hint="does a table begin with itself?")
    token = _LOADING.set((*loading, origin))
    try:
        beside = Path(origin).parent / text
        return find_architecture(str(beside) if is_file(beside) else text)
    finally:
        _LOADING.reset(token)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)


def read_architecture(document: Document) -> ArchitectureSpec:
    """The architecture that a parsed YAML document describes; see :func:`load_architecture`."""
    data = document.data
    if not isinstance(data, dict):
        what = "the file is empty" if data is None else "the file is not a mapping"
        fail("MB103", f"{what}: an architecture has the keys name, source, input and layers", document.value())
    log = ProblemLog(document)
    header = Header(log, data)
    header.check_keys()
    options = header.options()
    definitions = header.mapping("blocks")
    columns = read_columns(log, data.get("columns"), parameter_names(definitions))
    reader = RowReader(log, header.defaults(), columns, block_names=definitions)
    names = Names(SCOPE_NAMES | frozenset(options))
    reader.check_defaults(names)
    read_blocks(reader, definitions, options)
    rows = reader.rows(("layers",), data["layers"], RowScope(names)) if data.get("layers") is not None else ()
    backbone = read_backbone(log, data, options, lambda text: _load_backbone(text, document.path))
    outputs, output_locations = header.outputs()
    inputs = header.extra_inputs()
    for row in rows:
        if row.frame.name in inputs:
            log.add("MB206", f"`{row.frame.name}` is an input of the network", row.frame.place("name"))
    spec = ArchitectureSpec(
        name=header.text("name"),
        title=header.text("title") or header.text("name"),
        source=header.text("source"),
        input_shape=header.input_shape(),
        options=options,
        width=header.width() or (backbone.architecture.width if backbone else None),
        rows=rows if backbone is None else (backbone, *rows),
        outputs=outputs,
        output_locations=output_locations,
        extra_inputs=inputs,
        published=header.published(),
        origin=document.path,
        note=header.text("note"),
        notes=header.notes(),
        stated_batch=header.stated_batch(),
        stated_precision=header.stated_precision(),
    )
    log.raise_problems()
    return spec
