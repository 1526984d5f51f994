"""Tables that begin with another table's network: heads for detection and segmentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from mbcost.architectures.problem_log import ProblemLog
from mbcost.architectures.spec import ArchitectureSpec, BackboneRow, OptionValue, RowFrame
from mbcost.errors import InputError, did_you_mean

#: Keys under ``backbone:``, with what they mean.
BACKBONE_KEYS: Final[dict[str, str]] = {
    "architecture": "name of a built-in table, or a file beside this one",
    "until": "its last row that is kept; default: all of them",
    "taps": "names for outputs from inside of it, such as `c4: bottleneck_14/expand/relu6`",
    "options": "values for its options",
    "output_stride": "where its strides multiply to this, further ones become dilation",
}


def read_backbone(
    log: ProblemLog, data: Mapping[str, Any], load: Callable[[str], ArchitectureSpec]
) -> BackboneRow | None:
    """The row for the key ``backbone``; None if the file has none, or a bad one, whose problems are logged.

    Parameters
    ----------
    load
        Loads the architecture that ``architecture`` names.
    """
    value = data.get("backbone")
    if value is None:
        return None
    place = log.document.key("backbone")
    if not isinstance(value, dict):
        log.add("MB103", "`backbone` has to be a mapping", place, f"its keys: {', '.join(BACKBONE_KEYS)}")
        return None
    for key in value:
        if key not in BACKBONE_KEYS:
            hint = did_you_mean(key, BACKBONE_KEYS) or f"known: {', '.join(BACKBONE_KEYS)}"
            log.add("MB101", f"unknown key `{key}` in `backbone`", log.document.key("backbone", key), hint)
    name = value.get("architecture")
    if not isinstance(name, str):
        log.add("MB102", "`backbone` needs an `architecture`", place, BACKBONE_KEYS["architecture"])
        return None
    try:
        architecture = load(name)
    except InputError as error:
        first = error.problems[0]
        log.add(first.code, first.message, log.document.value("backbone", "architecture"), first.hint)
        return None
    return BackboneRow(
        frame=RowFrame(place, places={key: log.document.value("backbone", key) for key in value}),
        architecture=architecture,
        until=_word(log, value, "until"),
        taps=_taps(log, value),
        options=_options(log, value, architecture),
        output_stride=_output_stride(log, value),
    )


def _word(log: ProblemLog, value: Mapping[str, Any], key: str) -> str | None:
    word = value.get(key)
    if word is not None and not isinstance(word, str):
        log.add("MB103", f"`{key}` is the name of a row", log.document.value("backbone", key))
        return None
    return word


def _taps(log: ProblemLog, value: Mapping[str, Any]) -> dict[str, str]:
    taps = value.get("taps") or {}
    if not isinstance(taps, dict) or not all(isinstance(path, str) for path in taps.values()):
        log.add("MB103", "`taps` maps names to names of rows", log.document.value("backbone", "taps"))
        return {}
    return taps


def _options(log: ProblemLog, value: Mapping[str, Any], architecture: ArchitectureSpec) -> dict[str, OptionValue]:
    options = value.get("options") or {}
    if not isinstance(options, dict):
        log.add("MB103", "`options` maps names to values", log.document.value("backbone", "options"))
        return {}
    for name, given in options.items():
        place = log.document.key("backbone", "options", name)
        if name not in architecture.options:
            hint = did_you_mean(name, architecture.options) or f"known: {', '.join(architecture.options)}"
            log.add("MB010", f"{architecture.name} has no option `{name}`", place, hint)
        elif not isinstance(given, (bool, int, float)):
            log.add("MB103", f"option `{name}` is a number, true or false", place)
    return options


def _output_stride(log: ProblemLog, value: Mapping[str, Any]) -> int | None:
    stride = value.get("output_stride")
    if stride is not None and (isinstance(stride, bool) or not isinstance(stride, int) or not 1 <= stride <= 1024):
        log.add("MB103", "`output_stride` is a whole number", log.document.value("backbone", "output_stride"))
        return None
    return stride
