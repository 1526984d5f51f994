"""Reads runtimes: common rules, rules of their families, and their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from mbcost.devices.runtimes import COMMON, MOST_LIKE, RuntimeFile, find_runtime, parent_of, runtime_document, stamp
from mbcost.devices.runtimes import runtime_names as runtime_names
from mbcost.errors import DefectError, InputError, Problem
from mbcost.files import Document, load_yaml
from mbcost.kernels.conditions import Predicate, condition
from mbcost.kernels.kernel import KERNEL_KINDS
from mbcost.kernels.runtime import FusionStep, KernelRule, Parameter, Runtime
from mbcost.operators import OPERATOR_BY_NAME
from mbcost.resources import runtime_rules

#: In place of a kernel: the runtime refuses a network with the operator.
REFUSED: Final = "refused"
_SOURCES: Final = ("datasheet", "measured", "derived", "fitted", "assumed")

Rules = dict[str, tuple[KernelRule, ...]]


def load_runtime(name_or_path: str) -> Runtime:
    """The rules of a runtime, which are read again when one of its files changes.

    Raises
    ------
    InputError
        MB304 with the nearest names if there is none; every problem of a file that does not ship with mbcost.
    """
    return _load(runtime_version(name_or_path))


def runtime_version(name_or_path: str) -> tuple[tuple[RuntimeFile, int, int], ...]:
    """The current versions of a runtime's files: its own, then those of `like`, with modification time and size.

    Raises
    ------
    InputError
        As :func:`load_runtime` for what it is like.
    """
    files = [find_runtime(name_or_path)]
    for _ in range(MOST_LIKE):
        data = runtime_document(files[-1]).data
        parent = data.get("like") if isinstance(data, dict) else None
        if not isinstance(parent, str):
            break
        try:
            found = parent_of(files[-1], parent)
        except InputError:
            break  # the check of the file reports it with its place
        if found.path in {file.path for file in files}:
            break
        files.append(found)
    return tuple((file, *stamp(file.path)[1:]) for file in files)


@cache
def family(name: str) -> Document:
    """The file of shared rules, of all runtimes or of a family."""
    folder = runtime_rules()
    path = folder / f"{COMMON}.yaml" if name == COMMON else folder / "families" / f"{name}.yaml"
    return load_yaml(path)


@lru_cache(maxsize=128)
def _load(version: tuple[tuple[RuntimeFile, int, int], ...]) -> Runtime:
    (file, *_), *rest = version
    document = runtime_document(file)
    if file.origin != "shipped":
        from mbcost.kernels.runtime_check import runtime_problems

        problems = runtime_problems(document, file)
        if problems:
            raise InputError(problems)
    base = _load(tuple(rest)) if rest else None
    try:
        return _read(document, file, base)
    except (KeyError, TypeError, ValueError) as error:
        raise DefectError(f"{document.path}: {error!r}") from error


def _read(document: Document, file: RuntimeFile, base: Runtime | None) -> Runtime:
    """A runtime from its file, whose shape has been checked.

    A runtime that is `like` another inherits everything that its file does not set, except for the provenance: fitted
    numbers become assumed.
    """
    data = {key: value for key, value in document.data.items() if value is not None}
    own: dict[str, Any] = {
        "name": data["name"],
        "title": data["title"],
        "source": data["source"],
        "rules": _rules(data, document, base),
        "path": "" if file.origin == "shipped" else str(file.path),
    }
    own |= {key: data[key] for key in ("form", "caveat", "partition", "largest_part", "assumed") if key in data}
    if "processors" in data:
        own["processors"] = tuple(data["processors"])
    if "fusion" in data:
        own["fusion"] = tuple(_fusion(data["fusion"], document))
    if "computes" in data:
        own["computes"] = {given: (entry["as"], entry["source"]) for given, entry in data["computes"].items()}
    if "fitted_on" in data:
        own["fitted_on"] = (data["fitted_on"]["processor"], data["fitted_on"]["precision"])
    parameters = {name: _parameter(name, entry, document) for name, entry in data.get("parameters", {}).items()}
    if base is not None:
        base = base.taken_over()
        return replace(base, **own, parameters={**base.parameters, **parameters})
    shared = next(document for document in (*_families(data), family(COMMON)) if "fusion" in document.data)
    return Runtime(**{"fusion": tuple(_fusion(shared.data["fusion"], shared)), **own, "parameters": parameters})


def _rules(data: Mapping[str, Any], document: Document, base: Runtime | None) -> Rules:
    """Operator -> its rules: the file's own, else those of `like` or of its family, else the common ones."""
    families = _families(data)
    inherited: Rules = dict(base.rules) if base else dict(_common())
    others = next((section["others"] for section in (data, *(f.data for f in families)) if "others" in section), None)
    if others:
        for operator, rules in inherited.items():
            if all(rule.common and rule.kind != "view" for rule in rules):
                inherited[operator] = (_rule(operator, others, document),)
    for shared in reversed(families):
        inherited |= _listed(shared)
    if "assumed" in data:
        why = f"assumed: {data['assumed']}"
        inherited = {
            operator: tuple(replace(rule, source=why) for rule in rules) for operator, rules in inherited.items()
        }
    found = dict(inherited)
    for operator, rules in _listed(document).items():
        at_some = bool(rules) and all(rule.precisions for rule in rules)  # at the others what is inherited holds
        found[operator] = (*rules, *inherited.get(operator, ())) if at_some else rules
    return {operator: rules for operator, rules in found.items() if rules}


def _families(data: Mapping[str, Any]) -> list[Document]:
    """The families of a file, its own first, then theirs."""
    found: list[Document] = []
    while "family" in data and len(found) < MOST_LIKE:
        found.append(family(data["family"]))
        data = found[-1].data
    return found


@cache
def _common() -> Rules:
    return _listed(family(COMMON), common=True)


def _listed(document: Document, *, common: bool = False) -> Rules:
    """The rules that a file lists; none for an operator that is refused."""
    found: Rules = {}
    for i, entry in enumerate(document.data.get("kernels") or ()):
        for operator in _operators(entry["operators"], document, ("kernels", i)):
            rules = found.get(operator, ())
            if entry["kernel"] != REFUSED:
                rules = (*rules, _rule(operator, entry, document, ("kernels", i), common=common))
            found[operator] = rules
    return found


def _rule(
    operator: str,
    entry: Mapping[str, Any],
    document: Document,
    path: tuple[str | int, ...] = ("others",),
    *,
    common: bool = False,
) -> KernelRule:
    kind, when = entry["kernel"], _condition(entry.get("when"), document, path)
    if kind not in KERNEL_KINDS:
        raise DefectError(f"{document.value(*path)}: unknown kernel {kind}")
    return KernelRule(operator, kind, when, entry["source"], common, frozenset(entry.get("precision") or ()))


def _condition(entry: Any, document: Document, path: tuple[str | int, ...]) -> Predicate | None:
    try:
        return None if entry is None else condition(entry)
    except (AttributeError, TypeError, ValueError) as error:
        raise DefectError(f"{document.value(*path)}: {error}") from error


def _fusion(entries: Sequence[Any], document: Document) -> list[FusionStep]:
    """The steps that a file lists; the name of a family stands for the family's steps."""
    steps: list[FusionStep] = []
    for i, entry in enumerate(entries):
        if isinstance(entry, str):
            steps += _fusion(family(entry).data["fusion"], family(entry))
            continue
        operators, into = (frozenset(_operators(entry[key], document, ("fusion", i))) for key in ("operators", "into"))
        when, not_into = (_condition(entry.get(key), document, ("fusion", i)) for key in ("when", "not_into"))
        links, alternative = entry.get("links", False), entry.get("alternative", False)
        at = frozenset(entry.get("precision") or ())
        step = FusionStep(operators, into, entry["source"], links, when, not_into, entry.get("option"), alternative, at)
        steps.append(step)
    return steps


def _parameter(name: str, entry: Mapping[str, Any], document: Document) -> Parameter:
    if entry["source"] not in _SOURCES or not entry["reference"]:
        raise DefectError(f"{document.value('parameters', name)}: a parameter needs a source and a reference")
    return Parameter(name, float(entry["value"]), entry["unit"], entry["source"], entry["reference"])


def _operators(names: list[str], document: Document, path: tuple[str | int, ...]) -> list[str]:
    for name in names:
        if name not in OPERATOR_BY_NAME:
            raise DefectError(f"{document.value(*path)}: unknown operator {name}")
    return names


def check_runtime(path: str | Path) -> list[Problem]:
    """All problems of a runtime's file except those of its form; an empty list if its rules can be read."""
    from mbcost.kernels.runtime_check import runtime_problems

    file = find_runtime(str(Path(path).absolute()))
    try:
        return runtime_problems(runtime_document(file), file)
    except InputError as error:
        return list(error.problems)
