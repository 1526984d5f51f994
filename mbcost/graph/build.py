"""Builds a :class:`LayerGraph` with all shapes from a table, alpha, rho and options."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from mbcost.architectures.expressions import Expression
from mbcost.architectures.scaling import Resolution
from mbcost.architectures.spec import ArchitectureSpec, BackboneRow, BlockRow, GroupRow, LayerRow, OptionValue, Row
from mbcost.graph.configuration import check_alpha, choose_options, scaled_input
from mbcost.graph.expansion import Builder
from mbcost.graph.layer_graph import LayerGraph
from mbcost.numeric import all_true, is_scalar
from mbcost.operators import TensorShape


def build_graph(
    spec: ArchitectureSpec,
    *,
    alpha: float = 1.0,
    rho: float | None = None,
    resolution: Resolution | None = None,
    options: Mapping[str, OptionValue] | None = None,
) -> LayerGraph:
    """Build a network at a width and a resolution.

    The graphs of the last configurations are cached, since a network is often analysed on several targets.

    Parameters
    ----------
    spec
        The architecture.
    alpha
        Width multiplier, which scales channels by the table's width rule. A float, or an array with one entry per
        configuration.
    rho, resolution
        Resolution multiplier, or the input's height and width [pixels]: a number, or a tuple of both; at most one of
        them. Default: rho = 1. Either may be an array with one entry per configuration, or a tuple of two such arrays.
    options
        Values for the table's options, such as ``{"classes": 1001}``.

    Raises
    ------
    InputError
        MB010 for a multiplier or an option that the table does not know, MB204 if an operator cannot take its input at
        this configuration, with the row of the table.
    MixedConfigurationsError
        If the configurations of an array differ in which layers exist.
    """
    chosen = tuple(choose_options(spec, options or {}).items())
    check_alpha(spec, alpha)
    shape = scaled_input(spec, rho, resolution)
    build = (
        build_one if is_scalar(alpha) and is_scalar(shape.height) and is_scalar(shape.width) else build_one.__wrapped__
    )
    return build(spec, alpha, shape, chosen)


@lru_cache(maxsize=64)
def build_one(
    spec: ArchitectureSpec, alpha: float, shape: TensorShape, options: tuple[tuple[str, OptionValue], ...]
) -> LayerGraph:
    """Build a network whose configuration has been checked."""
    chosen = dict(options)
    base = None if all_true(alpha == 1) else base_channels(spec, chosen)
    return Builder(spec, alpha, shape, chosen, base).build()


def base_channels(spec: ArchitectureSpec, options: Mapping[str, OptionValue]) -> dict[str, Any]:
    """Input channels of every block at alpha 1, for width rules that refer to the printed table."""
    if not _reads_base(spec.rows, set()):
        return {}
    builder = Builder(spec, 1.0, spec.input_shape, options)
    builder.build()
    return builder.block_channels


def _reads_base(rows: tuple[Row, ...], done: set[str]) -> bool:
    """Whether any row, or any block outside of `done` that one uses, reads ``base_in_channels``."""
    for row in rows:
        expressions = [row.frame.when, row.frame.repeat]
        if isinstance(row, (LayerRow, BlockRow)):
            expressions += [item.expression for item in row.expressions]
        if any(isinstance(e, Expression) and "base_in_channels" in e.names for e in expressions):
            return True
        inner: tuple[Row, ...] = row.rows if isinstance(row, GroupRow) else ()
        if isinstance(row, BackboneRow):
            inner = row.architecture.rows
        if isinstance(row, BlockRow) and row.block.name not in done:
            done.add(row.block.name)
            inner = row.block.rows
        if _reads_base(inner, done):
            return True
    return False
