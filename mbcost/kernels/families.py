"""The families of runtimes: rules that several runtimes share."""

from __future__ import annotations

from mbcost.resources import runtime_rules


def family_names() -> tuple[str, ...]:
    """Names of the families whose rules a runtime can share, sorted."""
    return tuple(sorted(path.stem for path in (runtime_rules() / "families").glob("*.yaml")))
