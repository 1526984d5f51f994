"""``mbcost.design``: an accelerator for a network within a share of an FPGA's logic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mbcost._version import __version__
from mbcost.architectures.scaling import Resolution
from mbcost.architectures.spec import OptionValue
from mbcost.arguments import configuration
from mbcost.caveats import notes_of_model
from mbcost.checks import Checks
from mbcost.devices import Target
from mbcost.devices.fabric import DesignPoint, Resources, available
from mbcost.errors import fail
from mbcost.fpga.line_buffers import Pipeline, best_pipeline
from mbcost.fpga.loop_tiles import (
    DEFAULT_SHARE,
    Design,
    Workload,
    best_design,
    given_design,
    limits_of,
    multiplier,
    workload,
)
from mbcost.graph import LayerGraph, build_graph
from mbcost.latency.rates import clock
from mbcost.networks import Network, load
from mbcost.prediction import target_for
from mbcost.shown import Shown
from mbcost.words import STYLES, Style, Unsupported

if TYPE_CHECKING:
    import pandas as pd

#: Largest tile size of a design point.
MOST_TILE: Final = 65_536


@dataclass(frozen=True)
class TiledDesign(Shown):
    """A loop-tiled engine with its network and target.

    Attributes
    ----------
    graph
        The network.
    work
        The target, and the network as the engine runs it.
    found
        The design point with its latency [s] and its FPGA resources.
    warnings
        Caveats about how a model was read.
    """

    graph: LayerGraph
    work: Workload
    found: Design
    warnings: tuple[str, ...] = ()

    @property
    def latency_s(self) -> float:
        """Latency of one inference [s]."""
        return self.found.latency_s

    def to_dict(self) -> dict[str, Any]:
        """The JSON of ``mbcost design --format json``, schema ``mbcost/design/1``."""
        graph, (target, _, _), found = self.graph, self.work, self.found
        has = available(target.processor)
        return {
            "schema": "mbcost/design/1",
            "mbcost_version": __version__,
            "architecture": graph.architecture,
            "alpha": graph.alpha,
            "resolution": graph.resolution,
            "input_width": graph.input_shape.width,
            "target": {
                "device": target.device.name,
                "processor": target.processor.name,
                "runtime": target.runtime,
                "precision": target.precision,
            },
            "design": found.point._asdict(),
            "latency_ms": found.latency_s * 1e3,
            "frames_per_s": 1 / found.latency_s,
            "resources": {
                "used": _counted(found.needed),
                "available": _counted(has),
                "allowed": _counted(found.limits),
            },
            "examined": found.examined,
            "candidates": found.candidates,
            "warnings": list(self.warnings),
        }

    def to_frame(self) -> pd.DataFrame:
        """One row per resource: used, available and allowed; block RAMs of 18 Kibit."""
        import pandas as pd

        return pd.DataFrame(self.to_dict()["resources"]).rename_axis("resource").reset_index()

    def __repr__(self) -> str:
        return (
            f"<TiledDesign {self.found.point} for {self.graph.architecture} on {self.work.target.name}: "
            f"{self.latency_s * 1e3:.3g} ms>"
        )


@dataclass(frozen=True)
class PipelineDesign(Shown):
    """A pipeline with one stage per layer, with its network and target."""

    graph: LayerGraph
    target: Target
    found: Pipeline
    warnings: tuple[str, ...] = ()

    @property
    def frames_per_s(self) -> float:
        """Throughput [1/s]."""
        return clock(self.target)[1].value / self.found.interval

    @property
    def latency_s(self) -> float:
        """From a frame's first pixel to its last result [s]."""
        return self.found.latency / clock(self.target)[1].value

    def to_dict(self) -> dict[str, Any]:
        """The JSON of ``mbcost design --style streaming --format json``, schema ``mbcost/pipeline/1``."""
        graph, target, found = self.graph, self.target, self.found
        return {
            "schema": "mbcost/pipeline/1",
            "mbcost_version": __version__,
            "architecture": graph.architecture,
            "alpha": graph.alpha,
            "resolution": graph.resolution,
            "input_width": graph.input_shape.width,
            "device": target.device.name,
            "precision": target.precision,
            "frames_per_s": self.frames_per_s,
            "latency_ms": self.latency_s * 1e3,
            "interval_cycles": found.interval,
            "resources": {"dsp": found.needed.dsp, "bram_18kbit": found.needed.bram},
            "stages": [
                {
                    "name": stage.kernel.name,
                    "interval_cycles": stage.interval,
                    "fill": stage.fill,
                    "multipliers": stage.multipliers,
                    "line_bram_18kbit": stage.line_brams,
                    "weight_bram_18kbit": stage.weight_brams,
                }
                for stage in found.stages
            ],
            "warnings": list(self.warnings),
        }

    def to_frame(self) -> pd.DataFrame:
        """One row per stage, with the keys of the JSON's stages."""
        import pandas as pd

        return pd.DataFrame(self.to_dict()["stages"])

    def __repr__(self) -> str:
        return (
            f"<PipelineDesign for {self.graph.architecture} on {self.target.device.name}: "
            f"{self.frames_per_s:.3g} frames/s, {self.latency_s * 1e3:.3g} ms>"
        )


def _counted(resources: Resources) -> dict[str, Any]:
    """The keys of the JSON; block RAMs of 18 Kibit."""
    return {"dsp": resources.dsp, "bram_18kbit": resources.bram, "uram": resources.uram, "lut": resources.lut}


def design(
    network: Network,
    device: str | Target,
    *,
    style: Style = "tiled",
    share: float = DEFAULT_SHARE,
    point: Sequence[int] | None = None,
    precision: str | None = None,
    alpha: float = 1.0,
    rho: float | None = None,
    resolution: Resolution | None = None,
    options: Mapping[str, OptionValue] | None = None,
    unsupported: Unsupported = "refuse",
    input_shape: Sequence[int] | None = None,
    until: str | None = None,
) -> TiledDesign | PipelineDesign:
    """Find the accelerator that runs a network fastest within a share of an FPGA's logic.

    Parameters
    ----------
    network, precision, alpha, rho, resolution, options, unsupported, input_shape, until
        As for :func:`mbcost.analyze`. The engine takes one image after the other, whatever batch a file states.
    device
        A target with a loop-tiled engine, such as ``zc706`` or ``pynq_z2``.
    style
        ``tiled``: the tiles Tm, Tn, Tr and Tc of one engine for all layers (Zhang et al. 2015); ``streaming``: a
        pipeline with multipliers and line buffers of its own for each layer.
    share
        Share of the DSP slices and block RAMs that it may use [1].
    point
        Evaluate these Tm, Tn, Tr and Tc instead of searching.

    Raises
    ------
    InputError
        MB010 for arguments that are out of range or contradict each other, MB304 if the target is no loop-tiled engine,
        MB401 if its profile lacks a number, MB402 if no design fits.
    """
    checks = Checks()
    chosen = checks.word("style", style, STYLES)
    checks.number("share", share, above=0, most=1)
    tiles = None if point is None else _tiles(checks, point)
    checks.done()
    if chosen == "streaming" and tiles is not None:
        fail("MB010", "a streaming design has no design point", hint="leave out `point=...`")
    how = configuration(
        precision=precision, alpha=alpha, rho=rho, resolution=resolution, options=options, unsupported=unsupported
    )
    spec = load(network, input_shape=input_shape, unsupported=how.unsupported, until=until, resolution=how.resolution)
    target = target_for(device, how.precision, stated=spec.stated_precision)
    graph = build_graph(spec, **how.size)
    work = workload(graph, target)
    notes = tuple(notes_of_model(spec, target, 1))
    if chosen == "streaming":
        limits = limits_of(target, share)
        stages = best_pipeline(work.kernels, target.precision, multiplier(target), limits)
        return PipelineDesign(graph, target, stages, notes)
    if tiles is None:
        return TiledDesign(graph, work, best_design(work, limits_of(target, share)), notes)
    return TiledDesign(graph, work, given_design(work, tiles, limits_of(target, 1.0)), notes)


def _tiles(checks: Checks, point: Sequence[int]) -> DesignPoint | None:
    if isinstance(point, str) or not isinstance(point, Sequence) or len(point) != len(DesignPoint._fields):
        checks.wrong("point", point, "four whole numbers: Tm, Tn, Tr and Tc, such as (64, 7, 27, 27)")
        return None
    return DesignPoint(*(checks.whole("point", tile, least=1, most=MOST_TILE) for tile in point))
