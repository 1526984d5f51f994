"""A chart in Plotly's form, with the colours and markers that all charts share.

Names are escaped, since Plotly interprets some HTML in texts.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mbcost.errors import did_you_mean, fail, or_list, printable
from mbcost.latency import GROUPS

if TYPE_CHECKING:
    import plotly.graph_objects as go


#: Colours for any colour vision (Okabe, Ito 2008: Color Universal Design); markers differ too.
PALETTE: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C00", "#7F7F7F")
MARKERS: Final = ("circle", "square", "diamond", "triangle-up", "cross", "star", "hexagon", "x")
PART_COLOURS: Final = dict(zip(GROUPS, ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#7F7F7F"), strict=True))
PART_PATTERNS: Final = dict(zip(GROUPS, ("", "/", ".", "x", "-"), strict=True))
_LONGEST_NAME: Final = 48


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart.

    Attributes
    ----------
    title
        A heading.
    summary
        The content in a sentence, for readers who cannot see the chart.
    data, layout
        Plotly's traces and layout, without the colours of the page.
    notes
        How to read it, and what stands out, in further sentences.
    """

    title: str
    summary: str
    data: list[dict[str, Any]]
    layout: dict[str, Any]
    notes: tuple[str, ...] = ()


def style_of(number: int) -> tuple[str, str]:
    """Colour and marker of a class."""
    return PALETTE[min(number, len(PALETTE) - 1)], MARKERS[number % len(MARKERS)]


def short(name: str, longest: int = _LONGEST_NAME) -> str:
    """A name as a chart shows it: one line, cut, escaped."""
    clean = printable(name, 4 * longest)
    return html.escape(clean if len(clean) <= longest else f"{clean[: longest - 1]}…")


def names_axis(names: Sequence[str], longest: int, **more: Any) -> dict[str, Any]:
    """An axis of names, the first at the top.

    Parameters
    ----------
    longest
        Characters that are shown of a name.
    more
        Further settings of the axis.
    """
    return {
        "tickmode": "array",
        "tickvals": list(range(len(names))),
        "ticktext": [short(name, longest) for name in names],
        "autorange": "reversed",
        "automargin": True,
        **more,
    }


def plotly_figure(what: str, charts: Mapping[str, Callable[[], Chart]], name: str) -> go.Figure:
    """The chart of a name as a Plotly figure.

    Parameters
    ----------
    what
        The result that has the charts: ``an analysis``.

    Raises
    ------
    InputError
        MB010 if there is no chart of that name.
    """
    if name not in charts:
        hint = did_you_mean(name, charts) or f"there are {or_list(list(charts))}"
        fail("MB010", f"{what} has no figure `{name}`", hint=hint)
    import plotly.graph_objects as go

    chart = charts[name]()
    return go.Figure(data=chart.data, layout={**chart.layout, "title": {"text": chart.title}})
