"""Which of many alike cases the usual run has: every case costs time, and most say what their neighbours say."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

import pytest

#: Networks that are in every usual run: the ones that the project is about, and one of each peculiarity.
ALWAYS: Final = (
    *("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2", "squeezenet1_1", "efficientnet_b0"),
    *("densenet121", "googlenet", "ssdlite_mobilenet_v2", "ghostnet_v2", "fastvit_t8", "mobilevit_s", "resnet8"),
)


def some(
    cases: Iterable[Any], every: int = 6, always: Collection[Any] = ALWAYS, never: Collection[Any] = ()
) -> list[Any]:
    """The cases as parameters of a test, all but some of them marked slow.

    Parameters
    ----------
    every
        One in so many stays in the usual run, beside those that always do.
    never
        Cases that take long, and are slow whatever their place.
    """
    return [
        case
        if case not in never and (case in always or place % every == 0)
        else pytest.param(case, marks=pytest.mark.slow)
        for place, case in enumerate(cases)
    ]
