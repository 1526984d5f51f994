"""Networks as the files that a runtime is measured with, which mbcost's own exporters write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from mbcost.architectures.loader import read_architecture
from mbcost.architectures.spec import ArchitectureSpec
from mbcost.errors import InputError
from mbcost.exporters.export import export
from mbcost.files import parse_yaml, write_bytes
from mbcost.graph import LayerGraph, build_graph
from mbcost.networks import load
from mbcost.runner.engines import ENGINES
from mbcost.runner.settings import Settings, Source
from mbcost.words import FilePrecision

#: Seed of the weights.
_SEED = 0


def write_model(network: str | ArchitectureSpec | LayerGraph, path: Path, precision: FilePrecision) -> Path:
    """A network, a graph or the text of a table as a model file; returns `path`."""
    graph = network
    if isinstance(graph, str):
        graph = read_architecture(parse_yaml(graph, "table"))
    if isinstance(graph, ArchitectureSpec):
        graph = build_graph(graph)
    for suffix, content in export(graph, path.suffix, precision, _SEED).items():
        write_bytes(path.with_suffix(suffix), content, force=True)
    return path


class ModelFiles:
    """Files of a bench's networks in a folder, each written when it is first asked for."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self._settings = settings
        self._found: dict[Source, Source] = {}
        self._failed: dict[Source, str] = {}

    def file_of(self, source: Source) -> Source:
        """The file of a table's network; PyTorch's own sources and files stay as they are.

        Raises
        ------
        InputError
            If the network cannot be written in this format.
        """
        if not self._settings.is_file_based or source.kind == "file":
            return source
        if source not in self._found:
            engine = ENGINES[self._settings.engine]
            graph = build_graph(load(source.name), alpha=source.alpha, resolution=source.resolution)
            path = self._folder / f"{len(self._found):04}{engine.suffix}"
            write_model(graph, path, self._settings.file_precision)
            self._found[source] = replace(source, kind="file", name=str(path), alpha=1.0, resolution=None)
        return self._found[source]

    def files_of(self, sources: list[tuple[str, Source]]) -> tuple[list[tuple[str, Source]], dict[str, str]]:
        """The files of networks, and why others have none, by name."""
        found, failed = [], {}
        for name, source in sources:
            try:
                if source not in self._failed:
                    found.append((name, self.file_of(source)))
            except InputError as error:
                self._failed[source] = error.problems[0].message
            if source in self._failed:
                failed[name] = self._failed[source]
        return found, failed


@contextmanager
def model_files(settings: Settings) -> Iterator[ModelFiles]:
    """A temporary folder of files."""
    with TemporaryDirectory(prefix="mbcost-models-") as folder:
        yield ModelFiles(Path(folder), settings)
