"""Planners of memory: which buffers a runtime makes, how it places them, and which one a target has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, TypeAlias

from mbcost.devices import Target
from mbcost.errors import did_you_mean, fail, or_list
from mbcost.kernels import Kernel
from mbcost.memory.scratch import Extension, cmsis_nn_scratch, tflm_scratch, tinyengine_scratch, tinyengine_weights
from mbcost.memory.targets import planner_name

_Scratch: TypeAlias = Callable[[Kernel], int]


@dataclass(frozen=True, slots=True)
class Planner:
    """How a runtime lays out memory.

    Attributes
    ----------
    name, title, source
        Its name, what it is, and the source that says so; one that begins with ``assumed:`` is a guess.
    alignment
        Sizes of buffers are multiples of it [B].
    ties
        Which of buffers of one size is placed first: the ``last`` added or the ``first``.
    in_place
        Operators whose output takes the memory of their first input, if nothing reads that later.
    shares_views
        Whether a reshape is the memory of its input; else it has a buffer of its own.
    scratch
        Bytes of scratch that an int8 kernel needs while it runs [B].
    lasting
        Bytes of scratch by name of which the largest of all int8 kernels is there all the time [B].
    interpreted
        Whether an interpreter keeps its own structures behind the arena, and reads a .tflite file from flash.
    """

    name: str
    title: str
    source: str
    alignment: int = 1
    ties: Literal["last", "first"] = "last"
    in_place: frozenset[str] = frozenset()
    shares_views: bool = True
    scratch: _Scratch | None = None
    lasting: Mapping[str, _Scratch] | None = None
    interpreted: bool = False

    @property
    def assumed(self) -> bool:
        """Whether no source documents it."""
        return self.source.startswith("assumed")


_TFLM_SOURCE: Final = "tflite-micro@90b983c, micro_allocation_info.cc, memory_planner/greedy_memory_planner.cc"


def _cmsis_nn(extension: Extension, what: str) -> Planner:
    return Planner(
        f"cmsis-nn-{extension}",
        f"TensorFlow Lite Micro's planner, CMSIS-NN for {what}",
        f"{_TFLM_SOURCE}; CMSIS-NN@99f736a, *_get_buffer_sizes_s8.c",
        alignment=16,
        shares_views=False,
        scratch=partial(cmsis_nn_scratch, extension=extension),
        interpreted=True,
    )


#: Every planner by its name.
PLANNERS: Final[Mapping[str, Planner]] = {
    planner.name: planner
    for planner in (
        Planner(
            "tflm",
            "TensorFlow Lite Micro's planner",
            _TFLM_SOURCE,
            alignment=16,
            shares_views=False,
            scratch=tflm_scratch,
            interpreted=True,
        ),
        _cmsis_nn("c", "plain C"),
        _cmsis_nn("dsp", "the DSP extension"),
        _cmsis_nn("mve", "Helium"),
        Planner(
            "tinyengine",
            "TinyEngine's planner",
            "tinyengine@47bb283, code_generator/GeneralMemoryScheduler.py; Lin et al. 2020 (MCUNet), arXiv:2007.10319",
            ties="first",
            in_place=frozenset({"depthwise_conv2d"}),
            lasting={"im2col": tinyengine_scratch, "weights in int16": tinyengine_weights},
        ),
        Planner(
            "greedy",
            "a planner that is greedy by size",
            "assumed: no source documents its planner; greedy by size, views and element-wise layers in place",
            alignment=16,
            in_place=frozenset({"relu", "relu6", "add", "multiply", "subtract", "hard_swish", "sigmoid"}),
        ),
    )
}


def planner_of(target: Target, name: str | None = None) -> Planner:
    """The planner of a name, or of a target's runtime; TensorFlow Lite Micro's where that has none of its own.

    Raises
    ------
    InputError
        MB010 if there is no planner of that name.
    """
    if name is not None:
        if name not in PLANNERS:
            hint = did_you_mean(name, PLANNERS) or f"there are {or_list(list(PLANNERS))}"
            fail("MB010", f"there is no memory planner `{name}`", hint=hint)
        return PLANNERS[name]
    return PLANNERS[planner_name(target)]
