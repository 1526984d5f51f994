"""The keys of an architecture file beside its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mbcost.architectures.cell_values import SCOPE_NAMES, is_row_name
from mbcost.architectures.cells import Cells, read_cells
from mbcost.architectures.expressions import is_name
from mbcost.architectures.fields import FieldError, number, shown_value
from mbcost.architectures.limits import MAX_BATCH
from mbcost.architectures.printed_columns import SIZES, parse_shape
from mbcost.architectures.printed_counts import COUNT_KEYS, PrintedNumber, take_counts
from mbcost.architectures.problem_log import Cell, ProblemLog
from mbcost.architectures.scaling import WidthRule
from mbcost.architectures.spec import OptionValue
from mbcost.errors import Location, did_you_mean, nearest, or_list
from mbcost.operators import OPERATOR_BY_NAME, TensorShape
from mbcost.words import PRECISIONS

#: Keys of an architecture file, with what they mean.
FILE_KEYS: Final[dict[str, str]] = {
    "name": "short name, as on the command line",
    "title": "name as it is printed",
    "source": "citation of the paper or code that the table comes from",
    "note": "anything that a reader of the table should know",
    "notes": "caveats of every analysis, such as what was found when a model was read",
    "batch": "images at once that the model states, at which it is analysed; default 1",
    "precision": f"{or_list(PRECISIONS)}, at which it is analysed on targets that have it",
    "input": "height x width x channels of the input at rho = 1",
    "inputs": "further inputs of the network by name, such as `state: 1x1x256`",
    "published": "totals that the paper prints, {macs: 569M, params: 4.2M}: `architectures check` compares them",
    "options": "options of the table with default values, such as `classes: 1000`",
    "width": "the rule of the width multiplier alpha: {rule: truncate | make_divisible, divisor, minimum, source}",
    "backbone": "a table whose network comes first: {architecture, until, taps, options, output_stride}",
    "defaults": "default keys of an operator's rows",
    "blocks": "named sequences of rows with parameters",
    "columns": "the keys of rows that are given as lists",
    "layers": "the table",
    "outputs": "names of rows whose outputs are the network's; default: the last row",
}
REQUIRED_KEYS: Final = ("name", "source", "input", "layers")
MAX_TEXT: Final = 10_000
#: Most entries of `notes`.
MAX_NOTES: Final = 100

_WIDTH_KEYS: Final = ("rule", "divisor", "minimum", "source")
_RULES: Final = ("truncate", "make_divisible")


class Header:
    """Reads the keys of a file other than its rows; problems are logged."""

    def __init__(self, log: ProblemLog, data: Mapping[str, Any]) -> None:
        self.log = log
        self.data = data

    def _problem(self, code: str, message: str, *path: str | int, hint: str | None = None) -> None:
        self.log.add(code, message, self.log.document.value(*path), hint)

    def check_keys(self) -> None:
        """Report unknown keys and missing ones; a misspelt key is not reported as missing too."""
        meant = set()
        for key in self.data:
            if key not in FILE_KEYS:
                hint = did_you_mean(key, FILE_KEYS) or f"known: {', '.join(FILE_KEYS)}"
                self.log.add("MB101", f"unknown key `{key}`", self.log.document.key(key), hint)
                meant.update(nearest(key, FILE_KEYS, 1))
        for key in REQUIRED_KEYS:
            if self.data.get(key) is None and key not in meant:
                self._problem("MB102", f"`{key}` is missing: {FILE_KEYS[key]}", *([key] if key in self.data else []))

    def text(self, *path: str) -> str:
        """The text at `path` on one line, or nothing."""
        value: Any = self.data
        for key in path:
            value = value.get(key)
        if value is None:
            return ""
        if not isinstance(value, str) or not value.strip():
            self._problem("MB103", f"`{path[-1]}` has to be text", *path, hint="quote a number that is meant as text")
            return ""
        line = " ".join(value.split())
        if len(line) > MAX_TEXT:
            self._problem("MB103", f"`{path[-1]}` has more than {MAX_TEXT} characters", *path)
            return ""
        return line

    def notes(self) -> tuple[str, ...]:
        """The caveats of every analysis."""
        value = self.data.get("notes")
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > MAX_NOTES:
            self._problem("MB103", f"`notes` is a list of at most {MAX_NOTES} texts", "notes")
            return ()
        found = []
        for position, item in enumerate(value):
            if isinstance(item, str) and item.strip() and len(item) <= MAX_TEXT:
                found.append(" ".join(item.split()))
            else:
                message = f"{shown_value(item)} is not a text of at most {MAX_TEXT} characters"
                self._problem("MB103", message, "notes", position)
        return tuple(found)

    def stated_batch(self) -> int:
        """The images at once that the model states."""
        value = self.data.get("batch")
        if value is None:
            return 1
        if type(value) is int and 1 <= value <= MAX_BATCH:
            return value
        self._problem("MB103", f"`batch` is a whole number from 1 to {MAX_BATCH}", "batch")
        return 1

    def stated_precision(self) -> str | None:
        """The precision that the model states; None if it states none."""
        value = self.data.get("precision")
        if value is None or value in PRECISIONS:
            return value
        hint = did_you_mean(value, PRECISIONS) if isinstance(value, str) else None
        self._problem("MB103", f"`precision` is {or_list(PRECISIONS)}", "precision", hint=hint)
        return None

    def mapping(self, key: str) -> Mapping[str, Any]:
        """The mapping under `key`, or an empty one."""
        value = self.data.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._problem("MB103", f"`{key}` has to be a mapping", key)
            return {}
        return value

    def input_shape(self) -> TensorShape:
        """The network's input; a harmless value if the file has none."""
        value = self.data.get("input")
        shape = parse_shape(value)
        if shape is None:
            if value is not None:
                message = f"{shown_value(value)} is not an input size such as 224x224x3"
                self._problem("MB103", message, "input", hint=SIZES)
            return TensorShape(1, 1, 1)
        return shape

    def extra_inputs(self) -> dict[str, TensorShape]:
        """The network's inputs beside the image."""
        result: dict[str, TensorShape] = {}
        for name, value in self.mapping("inputs").items():
            shape = parse_shape(value)
            if name == "input" or not is_row_name(name):
                hint = "use letters, digits, `_`, `-` and `.`, and another word than `input`"
                self.log.add("MB206", f"`{name}` cannot name an input", self.log.document.key("inputs", name), hint)
            if shape is None:
                message = f"{shown_value(value)} is not an input size such as 1x1x256"
                self._problem("MB103", message, "inputs", name, hint=SIZES)
            else:
                result[name] = shape
        return result

    def published(self) -> dict[str, PrintedNumber]:
        """The totals that the paper prints."""
        cells = {key: Cell(value, ("published", key)) for key, value in self.mapping("published").items()}
        counts = take_counts(self.log, cells)
        for key in cells:
            hint = did_you_mean(key, COUNT_KEYS) or f"known: {', '.join(COUNT_KEYS)}"
            self.log.add("MB101", f"unknown key `{key}` in `published`", self.log.document.key("published", key), hint)
        return counts

    def options(self) -> dict[str, OptionValue]:
        """The table's options with their defaults; for an invalid one a harmless value."""
        result: dict[str, OptionValue] = {}
        for name, value in self.mapping("options").items():
            if not is_name(name) or name in SCOPE_NAMES:
                hint = "use letters, digits and `_`, and no word that has a meaning in expressions"
                message = f"`{name}` cannot name an option"
                self.log.add("MB206", message, self.log.document.key("options", name), hint)
                continue
            result[name] = 1
            if not isinstance(value, (bool, int, float)):
                self._problem("MB103", f"the default of option `{name}` is a number, true or false", "options", name)
                continue
            try:
                result[name] = number(value)
            except FieldError as error:
                self.log.add_mistake(name, Cell(value, ("options", name)), error)
        return result

    def width(self) -> WidthRule | None:
        """The rule of the width multiplier, None where there is none."""
        data = self.mapping("width")
        for key in data:
            if key not in _WIDTH_KEYS:
                hint = did_you_mean(key, _WIDTH_KEYS) or f"known: {', '.join(_WIDTH_KEYS)}"
                self.log.add("MB101", f"unknown key `{key}` in `width`", self.log.document.key("width", key), hint)
        rule = data.get("rule")
        if rule not in _RULES:
            if rule is not None:
                message = f"{shown_value(rule)} is not a width rule"
                self._problem("MB103", message, "width", "rule", hint=f"known: {', '.join(_RULES)}")
            elif isinstance(self.data.get("width"), dict):
                self._problem("MB102", "`width` needs a `rule`", "width", hint=f"known: {', '.join(_RULES)}")
            return None
        return WidthRule(rule, self._multiple("divisor"), self._multiple("minimum"), self.text("width", "source"))

    def _multiple(self, key: str) -> int:
        value = self.data["width"].get(key, 8)
        if type(value) is int and 1 <= value <= 1024:
            return value
        self._problem("MB103", f"`{key}` is a whole number from 1 to 1024", "width", key)
        return 8

    def defaults(self) -> dict[str, Cells]:
        """The default cells of an operator's rows."""
        result: dict[str, Cells] = {}
        for operator, keys in self.mapping("defaults").items():
            place = self.log.document.key("defaults", operator)
            if operator not in OPERATOR_BY_NAME:
                hint = did_you_mean(operator, OPERATOR_BY_NAME)
                self.log.add("MB201", f"unknown operator `{operator}` in `defaults`", place, hint)
            elif not isinstance(keys, dict):
                message = f"defaults of `{operator}` are a mapping such as {{norm: batch_norm}}"
                self._problem("MB103", message, "defaults", operator)
            elif (cells := read_cells(self.log, ("defaults", operator), keys, ())) is not None:
                result[operator] = cells
        return result

    def outputs(self) -> tuple[tuple[str, ...], tuple[Location, ...]]:
        """The names of the rows whose outputs are the network's, and where they stand."""
        value = self.data.get("outputs")
        if value is None:
            return (), ()
        if not isinstance(value, list) or not value:
            self._problem("MB103", "`outputs` is a list of names of rows", "outputs")
            return (), ()
        for position, item in enumerate(value):
            if not isinstance(item, str):
                self._problem("MB103", f"{shown_value(item)} is not the name of a row", "outputs", position)
        places = tuple(self.log.document.value("outputs", position) for position in range(len(value)))
        return tuple(map(str, value)), places
