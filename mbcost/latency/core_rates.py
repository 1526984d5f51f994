"""Rates of a latency form on a CPU core or an NPU, learned from every device that has it.

One file a runtime and precision, ``hardware_profiles/rates/RUNTIME-PRECISION.json``, holds what latencies of whole
networks on many phones and boards say: cycles a count of each term for a core of average speed, how much slower or
faster every known core is, how its terms differ from the average, and how far all of that was off for phones and for
cores that were left out. ``benchmarks/phones.py fit`` writes them.

A core that was measured with the runtime is predicted from the other devices that have it, any other from its facts
and from what it does with other runtimes. An NPU is one core without a clock: its rates are seconds, not cycles.
``benchmarks/ai_hub.py fit`` writes those of Hexagon.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from mbcost.devices import Target
from mbcost.devices.cores import Core, ancestors, find_core
from mbcost.devices.gpus import Gpu
from mbcost.errors import fail
from mbcost.kernels import Parameter, Runtime
from mbcost.kernels.runtime import ASSUMED
from mbcost.latency.form import Basis, Rate, Spread
from mbcost.latency.rates import clock
from mbcost.resources import hardware_profiles

#: The folder of the files, beside the devices.
FOLDER: Final = "rates"
#: Names of what predicts the speed of a core, in the order of :func:`facts_of`.
FACTS: Final = ("constant", "log_macs", "in_order", "log_decode")
#: MACs a cycle of a core whose file does not state them: one vector of four lanes.
FEWEST_MACS: Final = 4.0
#: Instructions decoded a cycle where they are not stated: the commonest among the cores of the catalogue.
USUAL_DECODE: Final = 4.0


#: The same of an NPU, in the order of :func:`facts_of_npu`, its generation over this one, and the operations a second
#: that count as none stated.
NPU_FACTS: Final = ("constant", "generation", "log_tops", "unstated")
USUAL_GENERATION: Final = 73.0
USUAL_TOPS: Final = 40.0


@dataclass(frozen=True, slots=True)
class Npu:
    """An NPU as rates are known by.

    Attributes
    ----------
    name
        Its model, such as ``Hexagon v75 (Snapdragon 8 Gen 3)``.
    tops
        Operations of int8 a second in 10^12 of one of the chip's NPUs, as its maker counts them; None where nobody
        states them.
    """

    name: str
    tops: float | None = None
    features: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        return self.name

    @property
    def generation(self) -> float:
        """The number behind the v of its model; the usual one where there is none."""
        found = re.search(r"\bv(\d+)\b", self.name)
        return float(found[1]) if found else USUAL_GENERATION


@dataclass(frozen=True, slots=True)
class CoreEntry:
    """A core in a file of rates.

    Attributes
    ----------
    scale
        Natural logarithm of its cycles over those of the average core [1].
    sd
        Standard deviation of `scale` for a device that was not measured [1].
    basis
        What `scale` rests on.
    source
        The same in words.
    shape
        Term -> cycles over those of the average core, beyond `scale` [1]; 1 where it is not named.
    phones
        The devices that were measured with this runtime.
    boards
        Device that was measured -> its `scale` and `sd`, where they are not those of any device with the core [1].
    """

    scale: float
    sd: float
    basis: Basis
    source: str
    shape: Mapping[str, float] = field(default_factory=dict)
    phones: Sequence[str] = ()
    boards: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def on(self, device: str) -> CoreEntry:
        """The entry on a device: with its own scale where it was measured."""
        if device not in self.boards:
            return self
        scale, sd = self.boards[device]
        return replace(self, scale=scale, sd=sd, source=f"{self.source}, this one among them")


@dataclass(frozen=True, slots=True)
class RateFile:
    """One file of rates.

    Attributes
    ----------
    cycles
        Term -> cycles a count of a core of average speed.
    variants
        Instruction set -> terms that have other cycles on cores with it.
    cores
        Key of the core -> what is known of it.
    facts
        Coefficients that predict the scale of any other core: constant, log_macs, in_order, log_decode; and `sd`. Of an
        NPU: constant, generation, log_tops, unstated; and `sd`, and `unstated_sd` where its TOPS are not stated.
    same, other
        Relative covariances of the terms around their prediction, for a device with a measured core and for a core that
        was not measured: lower triangles in the order of `cycles` [1].
    noise
        Standard deviation of the form's relative error of one network [1].
    width
        Standard deviations to either side of the 90 % interval, by basis, and ``calibrated`` [1]; ``same board`` for a
        device that was measured itself, where that differs.
    serial
        Term -> share of its time that does not go down with the threads [1].
    sync_cycles
        Cycles that each kernel takes in addition where there are several threads.
    threads_sd, threads_shape_sd, threads_noise
        Standard deviations of the log of a latency with several threads: of a device, of each of its terms and of one
        network, beyond those of one thread [1].
    source, date
        What was measured, and when the fit was made.
    """

    form: str
    cycles: Mapping[str, float]
    variants: Mapping[str, Mapping[str, float]]
    cores: Mapping[str, CoreEntry]
    facts: Mapping[str, float]
    same: Sequence[Sequence[float]]
    other: Sequence[Sequence[float]]
    noise: float
    width: Mapping[str, float]
    serial: Mapping[str, float]
    sync_cycles: float
    threads_sd: float
    threads_shape_sd: float
    source: str
    date: str
    threads_noise: float = 0.0

    def noise_of(self, threads: int) -> float:
        """Standard deviation of the form's relative error of one network with a number of threads [1]."""
        return self.noise if threads == 1 else math.hypot(self.noise, self.threads_noise)


class _Known(NamedTuple):
    core: Core | Npu
    entry: CoreEntry


def rates(target: Target, runtime: Runtime) -> Mapping[str, Rate]:
    """Seconds a count of every term, from the core's cycles and the processor's clock.

    Several threads share a term's parallel part evenly, so that the slowest of their clusters sets its pace, and each
    kernel waits for all of them. What does not go down with the threads runs on the first cluster.

    Raises
    ------
    InputError
        MB401 if the profile has no clock, if its core is not in the catalogue, or if nothing was measured for the
        runtime at the target's precision.
    """
    file = _file_of(target, runtime)
    if target.processor.kind != "cpu":
        return _seconds(file, _known(target, runtime))
    used = [replace(target, processor=cluster) for cluster in target.processor.in_use(target.threads)]
    known = _known(used[0], runtime)
    place, hertz = clock(used[0])
    slowest = _slowest(file, used, runtime)
    found = {}
    for term, cycles in _cycles(file, known).items():
        share = file.serial.get(term, 1.0)
        seconds = cycles / hertz.value * share + slowest[term] * (1 - share) / target.threads
        formula = f"{cycles:.3g} cycles / {place} {hertz.text}"
        if target.threads > 1 and term == "call":
            seconds += file.sync_cycles / hertz.value
            formula = f"({cycles:.3g} + {file.sync_cycles:.3g} cycles to wait for {target.threads} threads) / {place}"
        elif target.threads > 1:
            formula += f" x ({share:.2g} + {1 - share:.2g} / {target.threads} threads)"
        source = "fitted" if known.entry.basis == "same core" else ASSUMED
        parameter = Parameter(f"{term}_cycles", cycles, "cycle", source, f"{known.entry.source}; {file.source}")
        found[term] = Rate(seconds, formula, {place: hertz}, (parameter,))
    return found


def _seconds(file: RateFile, known: _Known) -> dict[str, Rate]:
    """The rates of an NPU."""
    source = "fitted" if known.entry.basis == "same core" else ASSUMED
    reference = f"{known.entry.source}; {file.source}"
    return {
        term: Rate(seconds, f"{seconds:.3g} s", {}, (Parameter(f"{term}_time", seconds, "s", source, reference),))
        for term, seconds in _cycles(file, known).items()
    }


def _cycles(file: RateFile, known: _Known) -> dict[str, float]:
    """Term -> cycles a count of a core."""
    scale, shape = math.exp(known.entry.scale), known.entry.shape
    return {term: average * scale * shape.get(term, 1.0) for term, average in cycles_of(file, known.core).items()}


def _slowest(file: RateFile, used: Sequence[Target], runtime: Runtime) -> dict[str, float]:
    """Term -> seconds a count on the slowest of the clusters."""
    each = []
    for one in used:
        hertz = clock(one)[1].value
        each.append({term: cycles / hertz for term, cycles in _cycles(file, _known(one, runtime)).items()})
    return {term: max(seconds[term] for seconds in each) for term in each[0]}


def spread(target: Target, runtime: Runtime) -> Spread:
    """How far :func:`rates` may be off for a network that was not measured."""
    file, known = _file_of(target, runtime), _known(target, runtime)
    basis, variance = known.entry.basis, known.entry.sd**2
    rows = file.same if basis == "same core" else file.other
    own = 0.0
    if target.threads > 1:
        variance, own = variance + file.threads_sd**2, file.threads_shape_sd**2
    covariance = tuple((*(value + variance for value in row[:-1]), row[-1] + variance + own) for row in rows)
    source = f"{known.entry.source} ({file.source})"
    width = file.width.get("same board") if target.device.name in known.entry.boards else None
    width = file.width[basis] if width is None else width
    return Spread(covariance, file.noise_of(target.threads), width, file.width["calibrated"], basis, source)


def core_of(target: Target) -> Core:
    """The core of a CPU target in the catalogue.

    Raises
    ------
    InputError
        MB401 if it is not there.
    """
    found = find_core(target.processor.model)
    if found is None:
        fail(
            "MB401",
            f"the core `{target.processor.model}` of {target.device.name} is not in the catalogue of cores",
            hint="name one of `mbcost devices search --kind core` that is like it, or a runtime with rates of its own",
        )
    return found


def npu_of(target: Target) -> Npu:
    """The NPU of a target."""
    peak = target.processor.peak.get("int8")
    return Npu(target.processor.model, None if peak is None else 2 * peak.value / 1e12)


def facts_of_npu(npu: Npu) -> tuple[float, float, float, float]:
    """What predicts an NPU's speed: 1, generations beyond v73 / 10, log(TOPS / 40), whether these are unstated."""
    return (
        1.0,
        (npu.generation - USUAL_GENERATION) / 10,
        0.0 if npu.tops is None else math.log(npu.tops / USUAL_TOPS),
        float(npu.tops is None),
    )


def facts_of(core: Core) -> tuple[float, float, float, float]:
    """What predicts the speed of a core: 1, log(fp32 MACs a cycle / 8), if it is in-order, log(decode width / 4)."""
    macs = core.throughput.get("fp32")
    decode = core.decode_width
    return (
        1.0,
        math.log((macs.value if macs else FEWEST_MACS) / 8),
        float(core.order == "in-order"),
        math.log((decode.value if decode else USUAL_DECODE) / 4),
    )


def read_rates(path: Path) -> RateFile:
    """The rates in a file that ships."""
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    cores = {name: CoreEntry(**entry) for name, entry in data.pop("cores").items()}
    return RateFile(cores=cores, **data)


def known_core(file: RateFile, core: Core | Npu) -> CoreEntry:
    """What a file of rates says of a core: its own entry, that of a core that it derives from, or its facts."""
    for ancestor in ancestors(core) if isinstance(core, Core) else (core,):
        entry = file.cores.get(ancestor.name)
        if entry is not None:
            if ancestor is core or entry.basis == "facts":
                return entry
            return replace(entry, basis="related core", source=f"from {ancestor.title}, from which it derives")
    return from_facts(file.facts, core)


def from_facts(facts: Mapping[str, float], core: Core | Npu) -> CoreEntry:
    """The scale of a core by its facts alone."""
    if isinstance(core, Core):
        values = dict(zip(FACTS, facts_of(core), strict=True))
    else:
        values = dict(zip(NPU_FACTS, facts_of_npu(core), strict=True))
    scale = sum(facts[name] * value for name, value in values.items())
    sd = facts["unstated_sd"] if values.get("unstated") else facts["sd"]
    return CoreEntry(scale, sd, "facts", f"from the facts of {core.title}")


def cycles_of(file: RateFile, core: Core | Gpu | Npu) -> dict[str, float]:
    """Term -> cycles a count of the average core with the instruction sets of this one, or GPU of its designer."""
    found = dict(file.cycles)
    for feature, terms in file.variants.items():
        if feature in core.features:
            found |= terms
    return found


def _known(target: Target, runtime: Runtime) -> _Known:
    core = core_of(target) if target.processor.kind == "cpu" else npu_of(target)
    return _Known(core, known_core(_file_of(target, runtime), core).on(target.device.name))


def rates_of(runtime: Runtime, precision: str) -> RateFile:
    """The rates that ship for a runtime and precision.

    Raises
    ------
    InputError
        MB401 if there are none.
    """
    path = _path(runtime.name, precision)
    if not path.is_file():
        fail(
            "MB401",
            f"no rates of cores were measured for {runtime.name} at {precision}",
            hint="calibrate the target, or choose another precision or runtime",
        )
    return _read(path)


def _file_of(target: Target, runtime: Runtime) -> RateFile:
    return rates_of(runtime, target.precision)


def _path(runtime: str, precision: str) -> Path:
    return hardware_profiles() / FOLDER / f"{runtime}-{precision}.json"


@lru_cache(maxsize=16)
def _read(path: Path) -> RateFile:
    return read_rates(path)
