"""The configurations of a sweep: widths and resolutions, as a grid or one by one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mbcost.architectures.limits import MAX_RESOLUTION
from mbcost.architectures.scaling import Resolution, as_resolution, resolution_text, sides_of
from mbcost.arguments import as_list
from mbcost.checks import Checks
from mbcost.errors import InputError, Problem, fail
from mbcost.graph.configuration import MAX_ALPHA

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

#: Most values of one range, and most configurations of one grid.
MAX_VALUES: Final = 1_000_000
MAX_POINTS: Final = 1_000_000_000


class Points(NamedTuple):
    """Widths and resolutions of many configurations of one network; one entry per configuration.

    Attributes
    ----------
    alpha
        Width multipliers.
    rho, resolution
        Resolution multipliers, or heights and widths of the input [pixels]; at most one of them, the other is None.
    input_width
        Widths of the input where they differ from `resolution`, which then are heights [pixels].
    """

    alpha: Floats
    rho: Floats | None = None
    resolution: Ints | None = None
    input_width: Ints | None = None

    @property
    def size(self) -> int:
        return len(self.alpha)

    @property
    def sides(self) -> Any:
        """The resolutions as an argument of :func:`mbcost.build_graph`."""
        return self.resolution if self.input_width is None else (self.resolution, self.input_width)

    def take(self, chosen: Any) -> Points:
        """The configurations that a slice, a mask or an array of positions selects."""
        alpha, *others = (None if values is None else values[chosen] for values in self)
        assert alpha is not None
        return Points(alpha, *others)

    def at(self, i: int) -> dict[str, Any]:
        """One configuration as the arguments of :func:`mbcost.analyze`."""
        named = zip(self._fields, self, strict=True)
        found = {name: values[i].item() for name, values in named if values is not None}
        if "input_width" in found:
            found["resolution"] = as_resolution(found["resolution"], found.pop("input_width"))
        return found

    def describe(self, i: int) -> str:
        """One configuration in words, such as ``alpha 0.5, resolution 160``."""
        return ", ".join(
            f"resolution {resolution_text(*sides_of(value))}" if name == "resolution" else f"{name} {value:g}"
            for name, value in self.at(i).items()
        )


class Grid(NamedTuple):
    """The product of widths and resolutions, with the widths as the outer loop; see :class:`Points`."""

    alpha: Floats
    rho: Floats | None = None
    resolution: Ints | None = None
    input_width: Ints | None = None

    @property
    def first_resolution(self) -> Resolution | None:
        """The resolution that fills open sizes of a model's file."""
        if self.resolution is None:
            return None
        height = int(self.resolution[0])
        return height if self.input_width is None else as_resolution(height, int(self.input_width[0]))

    @property
    def size(self) -> int:
        """The number of configurations."""
        return len(self.alpha) * self._inner

    @property
    def _inner(self) -> int:
        return next((len(values) for values in (self.rho, self.resolution) if values is not None), 1)

    def points(self, start: int = 0, stop: int | None = None) -> Points:
        """The configurations from `start` up to, not including, `stop`, without creating the others."""
        places = np.arange(start, min(self.size, self.size if stop is None else stop))
        outer, inner = np.divmod(places, self._inner)
        return Points(
            self.alpha[outer],
            None if self.rho is None else self.rho[inner],
            None if self.resolution is None else self.resolution[inner],
            None if self.input_width is None else self.input_width[inner],
        )


Numbers: TypeAlias = "float | str | Sequence[float]"
#: Resolutions: as numbers, or among several of them pairs of height and width.
Sizes: TypeAlias = "Numbers | Sequence[Resolution]"
_RECTANGLE: Final = re.compile(r"\s*(\d{1,9})\s*[x×]\s*(\d{1,9})\s*")


def make_grid(alpha: Numbers = 1.0, rho: Numbers | None = None, resolution: Sizes | None = None) -> Grid:
    """The grid of widths and resolutions.

    Parameters
    ----------
    alpha, rho, resolution
        A number, several, or a text such as ``0.35,0.5:1.4:0.05`` (a range includes both ends). At most one of rho and
        resolution. A repeated value counts once. A resolution may be a pair of height and width among several, or
        ``224x320`` in a text; ``(224, 320)`` is two of them.

    Raises
    ------
    InputError
        MB010 for every value that is no number or out of range, for empty and for inverted ranges.
    """
    problems: list[Problem] = []
    if rho is not None and resolution is not None:
        problems.append(Problem("MB010", "rho and resolution were both given", hint="give one of them"))
    alphas = _axis("alpha", alpha, MAX_ALPHA, problems)
    rhos = None if rho is None else _axis("rho", rho, MAX_RESOLUTION, problems)
    sizes = None if resolution is None else _resolutions(resolution, problems)
    if problems:
        raise InputError(problems)
    grid = Grid(np.array(alphas), None if rhos is None else np.array(rhos), *_columns(sizes))
    if grid.size > MAX_POINTS:
        fail("MB010", f"the grid has {grid.size:,} configurations, at most {MAX_POINTS:,} are taken")
    return grid


def make_points(pairs: Iterable[tuple[float, Resolution]]) -> Points:
    """Configurations one by one: pairs of alpha and resolution, which may be a pair of height and width.

    Raises
    ------
    InputError
        MB010 for every value that is no number or out of range, and if there is no pair.
    """
    pairs = list(pairs)
    problems: list[Problem] = []
    if not pairs:
        fail("MB010", "there is no configuration to evaluate")
    if any(len(pair) != 2 for pair in pairs):
        fail("MB010", "a configuration is a pair of alpha and resolution", hint="such as (0.5, 160)")
    alphas = _checked("alpha", [pair[0] for pair in pairs], MAX_ALPHA, problems)
    sizes = _checked_sizes([pair[1] for pair in pairs], problems)
    if problems:
        raise InputError(problems)
    return Points(np.array(alphas), None, *_columns(sizes))


def _resolutions(given: Any, problems: list[Problem]) -> list[tuple[int, int]]:
    """The distinct heights and widths of an axis, in their order; its problems are appended."""
    if isinstance(given, str):
        values: list[Any] = []
        for part in given.split(","):
            rectangle = _RECTANGLE.fullmatch(part)
            if rectangle is not None:
                values.append((int(rectangle[1]), int(rectangle[2])))
            else:
                values += _axis("resolution", part, MAX_RESOLUTION, problems, whole=True)
    else:
        values = as_list(given)
    if not values and not problems:
        problems.append(Problem("MB010", "resolution has no value"))
    return list(dict.fromkeys(_checked_sizes(values, problems)))


def _checked_sizes(values: Iterable[Any], problems: list[Problem]) -> list[tuple[int, int]]:
    """Heights and widths of resolutions that are in range; the others become problems."""
    checks = Checks()
    found = []
    for value in values:
        sides = value if isinstance(value, (tuple, list)) else (value, value)
        if len(sides) != 2:
            checks.wrong("resolution", value, "a number of pixels, or height and width such as (224, 320)")
            continue
        height, width = (
            checks.whole("resolution", side, least=1, most=MAX_RESOLUTION, unit=" of pixels") for side in sides
        )
        found.append((height, width))
    problems += checks.problems
    return found


def _columns(sizes: Sequence[tuple[int, int]] | None) -> tuple[Ints | None, Ints | None]:
    """Heights, and widths where any differs from its height."""
    if sizes is None:
        return None, None
    heights, widths = np.array(sizes, dtype=np.int64).reshape(-1, 2).T
    return heights, None if (heights == widths).all() else widths


def read_numbers(name: str, text: str) -> list[float]:
    """The numbers of a text such as ``0.35,0.5:1.4:0.05``; ranges are start:stop:step and include both ends.

    Raises
    ------
    InputError
        MB010 for every part that is neither a number nor a range.
    """
    values: list[float] = []
    problems: list[Problem] = []
    for part in text.split(","):
        try:
            values += _range(part.strip())
        except ValueError as error:
            hint = "numbers and ranges start:stop:step with commas between, such as 0.35,0.5:1.4:0.05"
            problems.append(Problem("MB010", f"{name} `{part.strip()[:60]}` {error}", hint=hint))
    if problems:
        raise InputError(problems)
    return values


def _range(part: str) -> list[float]:
    """A number, or the numbers of a range in decimal arithmetic, so that 0.5:0.7:0.1 has exactly 0.6."""
    try:
        numbers = [Decimal(text.strip()) for text in part.split(":")]
    except InvalidOperation:
        raise ValueError("is not a number or a range" if part else "is empty") from None
    if not all(number.is_finite() for number in numbers):
        raise ValueError("is not a finite number")
    if len(numbers) == 1:
        return [float(numbers[0])]
    if len(numbers) != 3:
        raise ValueError("is no range: start:stop:step")
    start, stop, step = numbers
    if step <= 0:
        raise ValueError("has a step that is not above 0")
    if stop < start:
        raise ValueError("is inverted: it stops before it starts")
    if (stop - start) / step >= MAX_VALUES:
        raise ValueError(f"has more than {MAX_VALUES:,} values")
    return [float(start + step * i) for i in range(int((stop - start) / step) + 1)]


def _axis(name: str, given: Numbers, most: float, problems: list[Problem], whole: bool = False) -> list[float]:
    """The distinct values of one axis, in their order; its problems are appended."""
    if isinstance(given, str):
        try:
            values: Sequence[float] = read_numbers(name, given)
        except InputError as error:
            problems += error.problems
            return []
    else:
        values = as_list(given)
    if not values:
        problems.append(Problem("MB010", f"{name} has no value"))
    return list(dict.fromkeys(_checked(name, values, most, problems, whole)))


def _checked(
    name: str, values: Iterable[float], most: float, problems: list[Problem], whole: bool = False
) -> list[float]:
    """The values that are in range; the others become problems."""
    good: list[float] = []
    checks = Checks()
    for value in values:
        if whole:
            good.append(float(checks.whole(name, value, least=1, most=int(most), unit=" of pixels")))
        else:
            good.append(checks.number(name, value, above=0, most=most))
    problems += checks.problems
    return good
