"""Two to six analyses side by side: ratios, what changed and why. The first is the baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from mbcost import readable
from mbcost._version import __version__
from mbcost.analysis import Analysis
from mbcost.devices import Target
from mbcost.errors import fail
from mbcost.insight.breakdown import KernelTime, kernel_times, operator_class, spent
from mbcost.latency import GROUPS
from mbcost.shown import Charted

if TYPE_CHECKING:
    import pandas as pd

SCHEMA: Final = "mbcost/comparison/1"
FEWEST: Final = 2
MOST: Final = 6
#: A ratio that is this close to 1 counts as unchanged. Chosen: 1.00 in the two digits that are shown.
_SAME: Final = 0.005


@dataclass(frozen=True, slots=True)
class Pair:
    """A kernel of the first analysis and its counterpart in another; None where there is none.

    Attributes
    ----------
    how
        How they were matched: by ``name``, or by ``place`` (same class and output shape, in execution order).
    """

    first: KernelTime | None
    other: KernelTime | None
    how: str = ""

    @property
    def name(self) -> str:
        shown = self.first or self.other
        assert shown is not None
        return shown.name

    @property
    def difference_s(self) -> float:
        """Time that the other takes more [s]."""
        return (self.other.latency_s if self.other else 0.0) - (self.first.latency_s if self.first else 0.0)

    @property
    def ratio(self) -> float | None:
        """Time of the other as a ratio to the first [1]."""
        if self.first is None or self.other is None:
            return None
        return self.other.latency_s / self.first.latency_s


@dataclass(frozen=True, slots=True)
class Place:
    """The kernels of one class at one feature map size, in the first analysis and in another.

    Attributes
    ----------
    name, size
        Operator class, and height x width of the outputs, of both analyses where they differ.
    counts, seconds, macs
        Number of kernels, their time [s] and their MACs, in the first analysis and in the other.
    """

    name: str
    size: str
    counts: tuple[int, int]
    seconds: tuple[float, float]
    macs: tuple[int, int]

    @property
    def difference_s(self) -> float:
        """Time that the other takes more [s]."""
        return self.seconds[1] - self.seconds[0]


@dataclass(frozen=True)
class Comparison(Charted):
    """Analyses side by side, with labels that name their differences; the first is the baseline."""

    analyses: tuple[Analysis, ...]
    labels: tuple[str, ...]

    @property
    def first(self) -> Analysis:
        return self.analyses[0]

    def ratio(self, number: int) -> float:
        """Latency as a ratio to the first subject's [1]."""
        return _ratio(self.analyses[number].latency_s, self.first.latency_s)

    def macs_ratio(self, number: int) -> float:
        """MACs as a ratio to the first subject's [1]."""
        return _ratio(self.analyses[number].totals.macs, self.first.totals.macs)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Operator classes of all analyses, sorted by the longest time in any of them."""
        longest: dict[str, float] = {}
        for times in self.class_times:
            for name, (latency, _) in times.items():
                longest[name] = max(longest.get(name, 0.0), latency)
        return tuple(sorted(longest, key=lambda name: longest[name], reverse=True))

    @cached_property
    def class_times(self) -> tuple[Mapping[str, tuple[float, int]], ...]:
        """For every analysis: class -> time [s] and MACs."""
        result = []
        for analysis in self.analyses:
            times: dict[str, tuple[float, int]] = {}
            for row in kernel_times(analysis):
                name = operator_class(row.kernel)
                latency, macs = times.get(name, (0.0, 0))
                times[name] = (latency + row.latency_s, macs + row.kernel.macs)
            result.append(times)
        return tuple(result)

    @cached_property
    def parts(self) -> tuple[tuple[float, ...], ...]:
        """The time of every analysis by part [s], in the order of the groups of a latency form."""
        result = []
        for analysis in self.analyses:
            splits = [spent(row.estimate, analysis.form) for row in kernel_times(analysis)]
            result.append(tuple(map(sum, zip(*splits, strict=True))) or (0.0,) * len(GROUPS))
        return tuple(result)

    def pairs(self, number: int) -> list[Pair]:
        """The kernels of the first analysis beside those of another, in execution order; new kernels come last."""
        return match(kernel_times(self.first), kernel_times(self.analyses[number]))

    def moved(self, number: int) -> list[Pair]:
        """The same pairs, largest difference first."""
        return sorted(self.pairs(number), key=lambda pair: abs(pair.difference_s), reverse=True)

    def matched_share(self, number: int) -> float:
        """Share of the time of both analyses that is spent in matched layers [1]."""
        both = self.first.latency_s + self.analyses[number].latency_s
        pairs = [pair for pair in self.pairs(number) if pair.first and pair.other]
        return sum(side.latency_s for pair in pairs for side in (pair.first, pair.other) if side) / (both or 1.0)

    def differs(self, number: int) -> bool:
        """Whether any kernel takes another time than its counterpart, or has none."""
        return any(pair.difference_s for pair in self.moved(number))

    def places(self, number: int) -> list[Place]:
        """The kernels by class and stage, for networks whose layers do not match; largest difference first.

        Feature maps are of the same stage where they are smaller than their network's input by the same power of two.
        """
        found: dict[tuple[str, int], tuple[list[KernelTime], list[KernelTime]]] = {}
        for side, analysis in enumerate((self.first, self.analyses[number])):
            height = analysis.layer_graph.input_shape.height
            for row in kernel_times(analysis):
                key = operator_class(row.kernel), _stage(row, height)
                found.setdefault(key, ([], []))[side].append(row)
        places = [
            Place(
                name,
                " / ".join(dict.fromkeys(_image(rows[0]) for rows in sides if rows)),
                (len(sides[0]), len(sides[1])),
                (sum(row.latency_s for row in sides[0]), sum(row.latency_s for row in sides[1])),
                (sum(row.kernel.macs for row in sides[0]), sum(row.kernel.macs for row in sides[1])),
            )
            for (name, _), sides in found.items()
        ]
        return sorted(places, key=lambda place: abs(place.difference_s), reverse=True)

    def reason(self, pair: Pair) -> str:
        """Why the times of a pair differ, in words."""
        if pair.other is None:
            return f"only in {self.labels[0]}"
        if pair.first is None:
            return "only in the other"
        before, after = pair.first, pair.other
        found = []
        if before.estimate.bound != after.estimate.bound:
            found.append(f"bound by {after.estimate.bound}, was {before.estimate.bound}")
        found += _factors(
            ("MACs", before.kernel.macs, after.kernel.macs),
            ("traffic", before.traffic_bytes, after.traffic_bytes),
            ("MAC/s", before.macs_per_s or 0, after.macs_per_s or 0),
        )
        return ", ".join(found) or "unchanged"

    def reason_of(self, place: Place) -> str:
        """Why the times of a class at one size differ, in words."""
        (before, after), (old, new) = place.seconds, place.macs
        if not after:
            return f"only in {self.labels[0]}"
        if not before:
            return "only in the other"
        return ", ".join(_factors(("MACs", old, new), ("MAC/s", old / before, new / after))) or "unchanged"

    def overlap(self, number: int) -> bool:
        """Whether the 90 % intervals of the two overlap."""
        analysis = self.analyses[number]
        apart = analysis.latency_low_s > self.first.latency_high_s or analysis.latency_high_s < self.first.latency_low_s
        return not apart

    def headline(self) -> str:
        """The verdict in a sentence: the fastest subject and its speed-up, by the time per image."""
        seconds = [analysis.latency_s / analysis.batch for analysis in self.analyses]
        if not min(seconds):
            return f"{self.labels[0]} against {', '.join(self.labels[1:])}"
        image = "" if self.same_batch else " per image"
        best, first = seconds.index(min(seconds)), self.labels[0]
        if len(seconds) == FEWEST:
            ratio = seconds[1] / seconds[0]
            if abs(ratio - 1) <= _SAME:
                return f"{self.labels[1]} is as fast as {first}{image}"
            times = readable.significant(max(ratio, 1 / ratio))
            return f"{self.labels[1]} is {times} times as {'slow' if ratio > 1 else 'fast'} as {first}{image}"
        times = readable.significant(seconds[0] / seconds[best])
        compared = f", {times} times as fast as {first}" if best else ""
        return f"{self.labels[best]} is the fastest of {len(seconds)}{image}{compared}"

    @property
    def same_batch(self) -> bool:
        return len({analysis.batch for analysis in self.analyses}) == 1

    @property
    def same_basis(self) -> bool:
        """Whether all of them rest on the same ground."""
        return len({analysis.basis for analysis in self.analyses}) == 1

    def verdicts(self, number: int) -> list[str]:
        """One analysis against the first, and against the expectation from its MACs, in sentences."""
        analysis, label = self.analyses[number], self.labels[number]
        if not analysis.latency_s or not self.first.latency_s:
            return ["One of the two takes no time."]
        macs = self.macs_ratio(number)
        parts = [self._speed(number)]
        if self.first.totals.macs and abs(macs - 1) > _SAME:
            promised = self.first.latency_s * macs
            rest = analysis.latency_s - promised
            times = readable.significant(max(macs, 1 / macs) if macs else 0.0)
            parts.append(
                f"It has {readable.significant(macs)} times the MACs; at the same rate that would be "
                f"{readable.milliseconds(promised)}, {times} times as {'slow' if macs > 1 else 'fast'}. It takes "
                f"{readable.milliseconds(abs(rest))} {'more' if rest > 0 else 'less'}: {self._rest(number)}"
            )
        if self.overlap(number) and label != self.labels[0] and abs(self.ratio(number) - 1) > _SAME and self.same_batch:
            parts.append("Their 90 % intervals overlap, so it is not certain which of the two is faster.")
        if analysis.basis != self.first.basis:
            grounds = f"{label}: {analysis.basis}; {self.labels[0]}: {self.first.basis}"
            parts.append(f"The two rest on different grounds, so part of the difference may be error: {grounds}.")
        part = self._largest_part(number)
        return [*parts, part] if part else parts

    def _speed(self, number: int) -> str:
        """Both times and their ratio, per image where the batch sizes differ."""
        sides = [self.analyses[number], self.first]
        seconds = [side.latency_s / side.batch for side in sides]
        here, there = (readable.milliseconds(value) for value in seconds)
        image = "" if self.same_batch else " per image"
        faster = seconds[0] <= seconds[1]
        ratio = seconds[1] / seconds[0] if faster else seconds[0] / seconds[1]
        speed = f"{readable.significant(ratio)} times as {'fast' if faster else 'slow'}"
        words = "the same within 0.5%" if ratio - 1 <= _SAME else speed
        return f"{self.labels[number]} takes {here}{image}, {self.labels[0]} {there}: {words}."

    def _largest_part(self, number: int) -> str | None:
        """Which operator class most of the difference is, or which classes offset each other; None if none differs."""
        whole = self.analyses[number].latency_s - self.first.latency_s
        negligible = _SAME * self.first.latency_s
        changes = {name: self._class_difference(number, name) for name in self.classes}
        if abs(whole) <= negligible:
            apart = [name for name in changes if abs(changes[name]) > negligible]
            apart.sort(key=lambda name: -abs(changes[name]))
            texts = [f"{name} {_signed(changes[name])}" for name in apart[:2]]
            return f"Operator classes differ and offset each other: {', '.join(texts)}." if texts else None
        name = max(changes, key=lambda name: changes[name] * whole)
        share = "Most" if abs(changes[name]) * 2 >= abs(whole) else "The largest part"
        return f"{share} of the difference is {name}: {_signed(changes[name])}."

    def _class_difference(self, number: int, name: str) -> float:
        return self.class_times[number].get(name, (0.0, 0))[0] - self.class_times[0].get(name, (0.0, 0))[0]

    def _rest(self, number: int) -> str:
        """The classes with the largest time above or below the first subject's average time per MAC."""
        first_rate = self.first.latency_s / self.first.totals.macs

        def excess(index: int) -> dict[str, float]:
            return {name: latency - macs * first_rate for name, (latency, macs) in self.class_times[index].items()}

        here, there = excess(number), excess(0)
        scale = self.macs_ratio(number)
        found = {name: here.get(name, 0.0) - scale * there.get(name, 0.0) for name in {*here, *there}}
        largest = sorted(found, key=lambda name: (-abs(found[name]), name))[:3]
        words = [
            f"{name} {'+' if found[name] >= 0 else '-'}{readable.milliseconds(abs(found[name]))}" for name in largest
        ]
        return f"{', '.join(words)} relative to {self.labels[0]}'s time for as many MACs."

    def __repr__(self) -> str:
        times = ", ".join(
            f"{label} {one.latency_s * 1e3:.3g} ms" for label, one in zip(self.labels, self.analyses, strict=True)
        )
        return f"<Comparison {times}>"

    def to_frame(self) -> pd.DataFrame:
        """One row per subject: latency with its interval [ms], counts, and their ratios to the first subject's."""
        import pandas as pd

        keys = (
            "architecture",
            "alpha",
            "resolution",
            "input_width",
            "batch",
            "latency_ms",
            "latency_low_ms",
            "latency_high_ms",
            "basis",
        )
        rows = []
        for number, (label, analysis) in enumerate(zip(self.labels, self.analyses, strict=True)):
            content = analysis.to_dict()
            totals = analysis.totals
            rows.append(
                {
                    "label": label,
                    "target": analysis.target.name,
                    "precision": analysis.target.precision,
                    **{key: content[key] for key in keys},
                    "latency_ratio": self.ratio(number),
                    "macs": totals.macs,
                    "macs_ratio": self.macs_ratio(number),
                    "params": totals.params,
                    "peak_activation_bytes": totals.peak_activation_bytes,
                }
            )
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """The JSON of ``mbcost compare --format json``, schema ``mbcost/comparison/1``."""
        return {
            "schema": SCHEMA,
            "mbcost_version": __version__,
            "subjects": [self._subject(number) for number in range(len(self.analyses))],
            "classes": [
                {
                    "class": name,
                    "latency_ms": [times.get(name, (0.0, 0))[0] * 1e3 for times in self.class_times],
                    "macs": [times.get(name, (0.0, 0))[1] for times in self.class_times],
                }
                for name in self.classes
            ],
            "comparisons": [
                {
                    "label": self.labels[number],
                    "verdicts": self.verdicts(number),
                    "layers": [self._pair(pair) for pair in self.pairs(number)],
                    "places": [self._place(place) for place in self.places(number)],
                }
                for number in range(1, len(self.analyses))
            ],
        }

    def _subject(self, number: int) -> dict[str, Any]:
        analysis = self.analyses[number]
        content = analysis.to_dict()
        keys = ("architecture", "alpha", "resolution", "input_width", "batch", "target", "totals", "latency_ms")
        return {
            "label": self.labels[number],
            **{key: content[key] for key in (*keys, "latency_low_ms", "latency_high_ms", "interval", "basis")},
            "latency_ratio": self.ratio(number),
            "macs_ratio": self.macs_ratio(number),
            "split_ms": {name: part * 1e3 for name, part in zip(GROUPS, self.parts[number], strict=True)},
            "warnings": content["warnings"],
        }

    def _pair(self, pair: Pair) -> dict[str, Any]:
        def side(row: KernelTime | None) -> dict[str, Any] | None:
            if row is None:
                return None
            return {
                "name": row.name,
                "class": operator_class(row.kernel),
                "output_shape": list(row.kernel.main.output_shape),
                "latency_ms": row.latency_s * 1e3,
                "macs": row.kernel.macs,
                "traffic_bytes": row.traffic_bytes,
                "bound": row.estimate.bound or "none",
            }

        return {
            "first": side(pair.first),
            "other": side(pair.other),
            "matched_by": pair.how,
            "difference_ms": pair.difference_s * 1e3,
            "reason": self.reason(pair),
        }

    def _place(self, place: Place) -> dict[str, Any]:
        return {
            "class": place.name,
            "size": place.size,
            "kernels": list(place.counts),
            "latency_ms": [seconds * 1e3 for seconds in place.seconds],
            "macs": list(place.macs),
            "difference_ms": place.difference_s * 1e3,
            "reason": self.reason_of(place),
        }


def side_by_side(analyses: Sequence[Analysis]) -> Comparison:
    """Put analyses side by side.

    Raises
    ------
    InputError
        MB010 if there are fewer than two or more than six.
    """
    require_number(len(analyses))
    return Comparison(tuple(analyses), _labels(analyses))


def require_number(subjects: int) -> None:
    """Refuse fewer than two subjects and more than six, as :func:`side_by_side`."""
    if not FEWEST <= subjects <= MOST:
        hint = "give several networks or several devices"
        fail("MB010", f"there are {subjects} to compare, it has to be {FEWEST} to {MOST}", hint=hint)


def _features(analysis: Analysis) -> dict[str, str]:
    """The settings of an analysis, in words."""
    graph, target = analysis.layer_graph, analysis.target
    options = (f"{name}={str(value).lower()}" for name, value in graph.options.items())
    return {
        "network": analysis.architecture,
        "size": f"@{graph.alpha:g}/{graph.size}",
        "options": ",".join(options),
        "target": target.name,
        "precision": target.precision,
        "threads": _threads(target),
        "batch": f"batch {analysis.batch}",
    }


def _threads(target: Target) -> str:
    """The number of threads of a CPU; empty for other processors."""
    if target.processor.kind != "cpu":
        return ""
    return "1 thread" if target.threads == 1 else f"{target.threads} threads"


def _varying(analyses: Sequence[Analysis]) -> tuple[list[dict[str, str]], set[str]]:
    features = [_features(analysis) for analysis in analyses]
    return features, {name for name in features[0] if len({entry[name] for entry in features}) > 1}


def in_common(analyses: Sequence[Analysis]) -> str:
    """The settings that all analyses share, in words."""
    features, varying = _varying(analyses)
    same = {name: text for name, text in features[0].items() if name not in varying}
    if "size" in same:
        graph = analyses[0].layer_graph
        same["size"] = f"alpha {graph.alpha:g}, input {graph.input_shape}"
    order = ("network", "target", "precision", "threads", "batch", "size", "options")
    return ", ".join(same[name] for name in order if same.get(name))


def _labels(analyses: Sequence[Analysis]) -> tuple[str, ...]:
    """Labels from the settings in which the analyses differ: network, size and options, target, and how it runs."""
    features, varying = _varying(analyses)
    if "network" in varying:  # each has options of its own, which do not distinguish them
        varying.discard("options")
    labels = [_label(entry, varying) for entry in features]
    return tuple(f"{label} ({number})" if labels.count(label) > 1 else label for number, label in enumerate(labels, 1))


def _label(features: Mapping[str, str], varying: set[str]) -> str:
    network = features["network"] + (features["size"] if "size" in varying else "")
    if "options" in varying:
        network += f",{features['options']}"
    running = [features[name] for name in ("precision", "threads", "batch") if name in varying and features[name]]
    if "target" not in varying:
        return ", ".join([network, *running])
    target = ", ".join([features["target"], *running])
    return f"{network} on {target}" if varying & {"network", "size", "options"} else target


def match(first: Sequence[KernelTime], other: Sequence[KernelTime]) -> list[Pair]:
    """Kernels of two networks, matched by name, then by class and output shape in execution order."""
    by_name = {row.name: row for row in other}
    partners: dict[int, tuple[KernelTime, str]] = {}
    for number, row in enumerate(first):
        same = by_name.get(row.name)
        if same is not None and operator_class(same.kernel) == operator_class(row.kernel):
            partners[number] = (same, "name")
            del by_name[row.name]
    waiting: dict[tuple[str, tuple[int, ...]], list[KernelTime]] = {}
    for row in by_name.values():
        waiting.setdefault(_place(row), []).append(row)
    for number, row in enumerate(first):
        queue = waiting.get(_place(row), [])
        if number not in partners and queue:
            partners[number] = (queue.pop(0), "place")
    pairs = [Pair(row, *partners.get(number, (None, ""))) for number, row in enumerate(first)]
    taken = {partner.name for partner, _ in partners.values()}
    return pairs + [Pair(None, row) for row in other if row.name not in taken]


def _signed(seconds: float) -> str:
    """A change [s] in milliseconds with its sign."""
    return f"{'+' if seconds > 0 else '-'}{readable.milliseconds(abs(seconds))}"


def _place(row: KernelTime) -> tuple[str, tuple[int, ...]]:
    return operator_class(row.kernel), tuple(row.kernel.main.output_shape)


def _factors(*changes: tuple[str, float, float]) -> list[str]:
    """The factors of the named amounts that changed."""
    return [
        f"{what} x {readable.significant(new / old)}"
        for what, old, new in changes
        if old and new and abs(new / old - 1) > _SAME
    ]


def _stage(row: KernelTime, input_height: int) -> int:
    """Powers of two between the network's input and the output of a kernel; -1 for a single pixel."""
    height, width, _ = row.kernel.main.output_shape
    return -1 if height == width == 1 else round(math.log2(max(1.0, input_height / height)))


def _image(row: KernelTime) -> str:
    return readable.shape(row.kernel.main.output_shape[:2])


def _ratio(value: float, of: float) -> float:
    if of:
        return value / of
    return 1.0 if value == of else float("inf")
