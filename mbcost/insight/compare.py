"""``mbcost.compare``: networks, configurations or targets side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mbcost.analysis import Analysis
from mbcost.architectures.scaling import Resolution
from mbcost.architectures.spec import OptionValue
from mbcost.arguments import Params, as_list, configuration
from mbcost.calibration.apply import CalibrationChoice
from mbcost.devices import Target
from mbcost.errors import call_each, fail
from mbcost.graph import DEFAULT_PARAMS
from mbcost.importers import InputShapes, is_model
from mbcost.insight.comparison import Comparison, require_number, side_by_side
from mbcost.insight.subjects import Subject, arguments_of, read_subject
from mbcost.networks import Network, load
from mbcost.pipeline import analyze_one
from mbcost.words import Lowering, MacsConvention, Unsupported


def compare(
    network: Network | Sequence[Network],
    device: str | Target | Sequence[str | Target],
    *,
    alpha: float = 1.0,
    rho: float | None = None,
    resolution: Resolution | None = None,
    batch: int | None = None,
    precision: str | None = None,
    threads: int | None = None,
    options: Mapping[str, OptionValue] | None = None,
    params: Params = DEFAULT_PARAMS,
    macs: MacsConvention = "products",
    unsupported: Unsupported = "refuse",
    calibration: CalibrationChoice = None,
    lowering: Lowering = "auto",
    input_shape: Sequence[int] | None = None,
    input_shapes: InputShapes | None = None,
    until: str | None = None,
) -> Comparison:
    """Compare two to six networks, configurations or targets: ratios, what changed and why.

    Every network is analysed on every target; the first analysis is the baseline.

    Parameters
    ----------
    network
        One or several, as :func:`mbcost.analyze` takes them. A text may have settings of its own:
        ``mobilenet_v2@0.75/192`` (alpha, resolution), ``mobilenet_v2,device=pixel4,precision=int8,batch=8``.
    device
        One or several targets, for the networks that name none; an empty list where all do.
    alpha, rho, resolution, batch, precision, threads, options, params, macs, unsupported, calibration, lowering
        As for :func:`mbcost.analyze`; they hold for what a network does not say itself.
    input_shape, input_shapes, until
        Of the models among the networks; without any, `input_shape` is of the tables.

    Raises
    ------
    InputError
        MB010 if there are fewer than two or more than six to compare, and what :func:`mbcost.analyze` raises.
    """
    shared: dict[str, Any] = {
        "alpha": alpha,
        "rho": rho,
        "resolution": resolution,
        "batch": batch,
        "precision": precision,
        "threads": threads,
        "options": dict(options or {}) if options is None or isinstance(options, Mapping) else options,
        "params": params,
        "macs": macs,
        "unsupported": unsupported,
        "calibration": calibration,
        "lowering": lowering,
    }
    configuration(**shared)
    subjects = call_each(read_subject, as_list(network))
    targets = as_list(device)
    if not targets and any(subject.device is None for subject in subjects):
        fail("MB010", "device names no target", hint="such as pixel1")
    models = any(_takes_shapes(subject.network) for subject in subjects)
    shapes = {"input_shape": input_shape, "input_shapes": input_shapes, "until": until, "resolution": resolution}

    def analyzed(case: tuple[Subject, str | Target]) -> Analysis:
        subject, target = case
        own: dict[str, Any] = shapes if _takes_shapes(subject.network) or not models else {}
        spec = load(subject.network, unsupported=unsupported, **own)
        return analyze_one(spec, target, configuration(**arguments_of(subject, spec, shared)))

    cases = [(subject, target) for subject in subjects for target in ([subject.device] if subject.device else targets)]
    require_number(len(cases))
    return side_by_side(call_each(analyzed, cases))


def _takes_shapes(network: Network) -> bool:
    return is_model(network) if isinstance(network, str) else hasattr(network, "eval")
