"""RAM and flash of the candidates of a pick."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from mbcost.graph import build_graph
from mbcost.memory.limits import peak_text
from mbcost.memory.plan import plan_memory
from mbcost.memory.planners import planner_of
from mbcost.prediction import TargetModel, kernels_of
from mbcost.search.budget import Budget
from mbcost.search.evaluate import Work


class MemoryNeeds(NamedTuple):
    """RAM and flash of a configuration on a target.

    Attributes
    ----------
    ram_bytes, flash_bytes
        As :class:`mbcost.memory.plan.MemoryPlan` has them [B].
    peak_layer
        The layer that sets the peak.
    peak
        That layer and the tensors that are alive there, in words.
    """

    ram_bytes: int
    flash_bytes: int
    peak_layer: str
    peak: str


#: The needs of configuration number i on a target.
Needs: TypeAlias = Callable[[int, TargetModel], MemoryNeeds]


def needs_of(work: Work, budgets: tuple[Budget, ...]) -> Needs | None:
    """What configurations of a network need, worked out one by one; None if no budget asks for it.

    The .tflite file is written only for a budget of flash, once for all configurations with the same weights.
    """
    asked = {budget.kind for budget in budgets}
    if not asked & {"ram_bytes", "flash_bytes"}:
        return None
    (batch,) = work.batches
    files: dict[tuple[str, int], int | None] = {}

    def needs(i: int, model: TargetModel) -> MemoryNeeds:
        graph = build_graph(work.spec, options=work.how.options, **work.points.at(i))
        planner = planner_of(model.target)
        file = None
        if "flash_bytes" in asked and planner.interpreted:
            key = (model.precision, graph.cost.weight_elements)
            if key not in files:
                from mbcost.exporters.file_size import tflite_bytes

                files[key] = tflite_bytes(work.spec, graph, model.precision)
            file = files[key]
        found = plan_memory(
            graph,
            kernels_of(graph, model, batch=batch, estimate_unsupported=work.how.estimates),
            planner,
            batch=batch,
            precision=model.target.precision,
            element_bytes=model.element_bytes,
            file_bytes=file,
        )
        return MemoryNeeds(found.ram_bytes, found.flash.total_bytes, found.peak_layer, peak_text(found))

    return needs
