"""All problems of a user's runtime, each with its place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pydantic import ValidationError

from mbcost.devices.entries import Section
from mbcost.devices.problems import Path, problem
from mbcost.devices.runtimes import MOST_LIKE, RuntimeFile, is_shipped, parent_of, runtime_document
from mbcost.errors import InputError, Problem, or_list
from mbcost.files import MAX_PROBLEMS, Document
from mbcost.kernels.kernel import KERNEL_KINDS, PRODUCT_KINDS, PRODUCT_OPERATORS
from mbcost.kernels.runtime import FITTED_ALONE
from mbcost.kernels.runtime_schema import (
    TAGS,
    ComputesSection,
    ExcludesSection,
    FittedOnSection,
    FusionSection,
    KernelSection,
    OthersSection,
    ParameterSection,
    RequiresSection,
    RuntimeSection,
)
from mbcost.operators import OPERATOR_BY_NAME

#: Required keys of a runtime without `like`.
_NEEDED: Final = ("processors", "form")
#: Parameters that every form needs.
_INTERVAL: Final = ("interval_low", "interval_high")
_SECTIONS: Final[dict[str, type[Section]]] = {
    "kernels": KernelSection,
    "fusion": FusionSection,
    "parameters": ParameterSection,
    "requires": RequiresSection,
    "excludes": ExcludesSection,
    "fitted_on": FittedOnSection,
    "others": OthersSection,
    "computes": ComputesSection,
}


def runtime_problems(document: Document, file: RuntimeFile) -> list[Problem]:
    """All problems of a runtime's file except those of its form, in the order of the file."""
    data = document.data
    found: list[Problem] = []
    try:
        RuntimeSection.model_validate(data)
    except ValidationError as error:
        for details in error.errors(include_url=False)[:MAX_PROBLEMS]:
            if details["loc"][:1] in {("fusion",), ("kernels",)}:
                details["loc"] = tuple(part for part in details["loc"] if part not in TAGS)
            found.append(problem(details, document, keys=_keys_at, whole="the runtime"))
    if isinstance(data, dict):
        found += _between(data, document, file)
    found.sort(key=lambda item: (item.location.line, item.location.column) if item.location else (0, 0))
    return found[:MAX_PROBLEMS]


def runtime_json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a runtime's file, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **RuntimeSection.model_json_schema()}


def _between(data: dict[str, Any], document: Document, file: RuntimeFile) -> Iterator[Problem]:
    """Contradictions between the parts of a file, and between files."""
    name, like = data.get("name"), data.get("like")
    if isinstance(name, str) and name != file.name:
        message = f"`name` is `{name}`, but the file is called `{file.name}`"
        yield Problem("MB303", message, document.value("name"), "they have to be the same")
    elif isinstance(name, str) and file.origin != "shipped" and is_shipped(name):
        message = f"a runtime of the name `{name}` ships with mbcost, and calibrations of it"
        yield Problem("MB303", message, document.value("name"), "give it another name")
    yield from _kernels(data.get("kernels"), document)
    yield from _intervals(data.get("parameters"), document)
    if isinstance(like, str):
        yield from _like(like, document, file)
        if "family" in data:
            message = "`family` and `like` were both given, but the runtime that it is like has a family already"
            yield Problem("MB103", message, document.key("family"), "leave one of them out")
        return
    for key in _NEEDED:
        if data.get(key) is None:
            yield Problem("MB102", f"the runtime has no `{key}`", document.value(), "or say what it is `like`")
    parameters = data.get("parameters")
    for key in _INTERVAL:
        if isinstance(parameters, dict) and key not in parameters:
            hint = "90 % of latencies lie between interval_low and interval_high times the predicted one"
            yield Problem("MB102", f"`parameters` has no `{key}`", document.key("parameters"), hint)


def _kernels(rules: Any, document: Document) -> Iterator[Problem]:
    """Rules that compute an operator without a matrix product as one, or leave out the MACs of one that has it."""
    for i, rule in enumerate(rules if isinstance(rules, list) else ()):
        kind, operators = (rule.get("kernel"), rule.get("operators")) if isinstance(rule, dict) else (None, None)
        if kind not in KERNEL_KINDS or kind == "outside" or not isinstance(operators, list):
            continue
        is_product = kind in PRODUCT_KINDS
        strange = [
            op
            for op in operators
            if isinstance(op, str) and op in OPERATOR_BY_NAME and (op in PRODUCT_OPERATORS) != is_product
        ]
        if strange and is_product:
            message = f"`kernel: {kind}` is a matrix product, which {or_list(strange)} does not have"
            hint = f"it is for {or_list(sorted(PRODUCT_OPERATORS))}"
            yield Problem("MB103", message, document.value("kernels", i, "kernel"), hint)
        elif strange:
            message = f"`kernel: {kind}` would leave out the MACs of {or_list(strange)}"
            hint = f"it is {or_list([*sorted(PRODUCT_KINDS), 'outside'])}"
            yield Problem("MB103", message, document.value("kernels", i, "kernel"), hint)


def _intervals(parameters: Any, document: Document) -> Iterator[Problem]:
    """Intervals without one of their ends, and those that do not hold the prediction."""
    if not isinstance(parameters, dict):
        return
    low, high = FITTED_ALONE
    for one, other in ((low, high), (high, low)):
        if one in parameters and other not in parameters:
            yield Problem("MB102", f"`parameters` has no `{other}`", document.key("parameters", one), "give both ends")
    for name in (*_INTERVAL, *FITTED_ALONE):
        entry = parameters.get(name)
        value = entry.get("value") if isinstance(entry, dict) else None
        is_low = name.endswith("low")
        if isinstance(value, (int, float)) and (value > 1 if is_low else value < 1):
            message = f"`{name}` is {value}, it has to be {'at most' if is_low else 'at least'} 1"
            hint = "the ends are ratios to the predicted latency, which lies between them"
            yield Problem("MB103", message, document.value("parameters", name, "value"), hint)


def _like(like: str, document: Document, file: RuntimeFile) -> Iterator[Problem]:
    """Problems of `like`: the runtime itself, one that does not exist, or one that cannot be used."""
    place, seen, name = document.value("like"), [file.path.resolve()], like
    for _ in range(MOST_LIKE):
        try:
            file = parent_of(file, name)
            found = runtime_document(file)
        except InputError as error:
            hint = error.problems[0].hint
            yield Problem(error.codes[0], f"`like: {like}`: {error.problems[0].message}", place, hint)
            return
        if file.path.resolve() in seen:
            message = "it is like itself" if len(seen) == 1 else "what it is like is like it: a circle"
            yield Problem("MB103", f"`like: {like}`: {message}", place)
            return
        seen.append(file.path.resolve())
        parent = found.data.get("like") if isinstance(found.data, dict) else None
        if not isinstance(parent, str):
            return
        name = parent
    yield Problem("MB103", f"`like: {like}`: more than {MOST_LIKE} runtimes are like each other", place)


def _keys_at(path: Path, _data: Any) -> tuple[str, ...]:
    """The keys that the section at `path` of a runtime's file may have."""
    section = _SECTIONS[str(path[0])] if path else RuntimeSection
    return tuple(section.model_fields)
