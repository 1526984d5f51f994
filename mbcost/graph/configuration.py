"""The configuration of a table: alpha, rho or the resolution, and its options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mbcost.architectures.limits import MAX_RESOLUTION
from mbcost.architectures.scaling import Resolution, scaled_resolution, sides_of
from mbcost.architectures.spec import ArchitectureSpec, OptionValue
from mbcost.errors import did_you_mean, fail
from mbcost.numeric import all_true
from mbcost.operators import TensorShape

MAX_ALPHA: Final = 100.0


def check_alpha(spec: ArchitectureSpec, alpha: float) -> None:
    """Refuse a width multiplier that is out of range, or any but 1 for a table without a width rule."""
    if not all_true((alpha > 0) & (alpha <= MAX_ALPHA)):
        fail("MB010", f"alpha is {alpha}, it has to be above 0 and at most {MAX_ALPHA:g}")
    if spec.width is None and not all_true(alpha == 1):
        if spec.imported:
            hint = "`mbcost convert` makes a table of it, to which `width:` can be added"
            fail("MB010", f"the channels of {spec.name} are fixed by its weights, so alpha has to be 1", hint=hint)
        fail("MB010", f"{spec.name} has no width rule, so alpha has to be 1", hint="add `width:` to its table")


def scaled_input(spec: ArchitectureSpec, rho: float | None, resolution: Resolution | None) -> TensorShape:
    """The input's shape for a resolution multiplier or for a resolution."""
    base = spec.input_shape
    if rho is not None and resolution is not None:
        fail(
            "MB010", "`rho=...` and `resolution=...` were both given", hint="resolution = rho x the table's resolution"
        )
    if rho is not None:
        if not all_true((rho > 0) & (rho <= MAX_RESOLUTION)):
            fail("MB010", f"rho is {rho}, it has to be above 0")
        height, width = scaled_resolution(base.height, rho), scaled_resolution(base.width, rho)
    elif resolution is not None:
        if base.height != base.width and not isinstance(resolution, tuple):
            hint = f"give both, such as `resolution=({base.height}, {base.width})`, or use rho"
            fail("MB010", f"the input of {spec.name} is {base}, not square", hint=hint)
        height, width = sides_of(resolution)
    else:
        height, width = base.height, base.width
        if min(height, width) >= 1 and height * width <= MAX_RESOLUTION**2:
            return base  # a signal is one row and may be long
    if not all_true((height >= 1) & (height <= MAX_RESOLUTION) & (width >= 1) & (width <= MAX_RESOLUTION)):
        fail("MB010", f"an input of {height}x{width} pixels is out of range: 1 to {MAX_RESOLUTION}")
    return TensorShape(height, width, base.channels)


def choose_options(spec: ArchitectureSpec, given: Mapping[str, OptionValue]) -> dict[str, OptionValue]:
    """The table's options with those that were given."""
    chosen = dict(spec.options)
    for name, value in given.items():
        if name not in chosen:
            known = f"its options are {', '.join(chosen)}" if chosen else "it has no options"
            fail("MB010", f"{spec.name} has no option `{name[:60]}`", hint=did_you_mean(name, chosen) or known)
        default = chosen[name]
        if isinstance(default, bool) != isinstance(value, bool) or isinstance(value, str):
            wanted = "true or false" if isinstance(default, bool) else "a number"
            fail("MB010", f"option `{name}` of {spec.name} is {wanted}, not `{value}`")
        chosen[name] = value
    return chosen
