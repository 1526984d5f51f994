"""The result of an analysis: where the time of one network on one target goes, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from mbcost._version import __version__
from mbcost.architectures import ArchitectureSpec
from mbcost.basis import Basis, basis_of, weakest
from mbcost.calibration.interval import INTERVAL
from mbcost.calibration.record import Calibration, StartTime
from mbcost.devices import Quantity, Target
from mbcost.graph import (
    LayerGraph,
    ParamsConvention,
    macs_by_layer,
    params_by_layer,
    peak_elements,
)
from mbcost.graph.exchange import as_networkx, network_attributes
from mbcost.kernels import Kernel, Parameter, Runtime, launches, weight_bytes
from mbcost.latency import KernelEstimate, LatencyForm, Rate
from mbcost.latency.model import computed_target
from mbcost.shown import Charted, Shown
from mbcost.words import MacsConvention

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd

    from mbcost.devices.fabric import Resources
    from mbcost.latency.energy import Energy, MeasuredEnergy
    from mbcost.memory.plan import MemoryPlan

SCHEMA: Final = "mbcost/analysis/1"


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals of a network for the whole batch; bytes at the target's precision.

    Attributes
    ----------
    macs, params
        Multiply-accumulates and parameters by the counting conventions of the analysis [1].
    activation_bytes
        Activations that the kernels read and write [B].
    weight_bytes
        Weights as they are at inference, batch norm folded; what several layers share is there once [B].
    im2col_bytes
        Lowering (im2col) buffers of the target's kernels [B].
    peak_activation_bytes
        Largest activation memory alive at any time [B].
    """

    macs: int
    params: int
    activation_bytes: int
    weight_bytes: int
    im2col_bytes: int
    peak_activation_bytes: int


class LayerResult(NamedTuple):
    """One layer on the target. A layer that is fused into another layer's kernel has no traffic and no time of its own.

    Attributes
    ----------
    macs, params, input_bytes, weight_bytes, output_bytes, im2col_bytes
        Counts for the whole batch; bytes as the kernel moves them [B].
    runs_on
        The processor: that of the target, or that of its host for a layer that the target hands back.
    arithmetic_intensity
        MACs per byte of input, weights and output [MAC/B].
    kernel
        Name of the kernel that computes it, which is the name of the kernel's main layer.
    bound
        The largest part of its time: compute, activations, weights, lowering or overhead; else ``fused`` or ``none``.
    latency_s, compute_s, activation_s, weight_s, lowering_s, overhead_s
        Latency and its parts [s].
    """

    name: str
    op: str
    block: str
    inputs: tuple[str, ...]
    input_shape: tuple[int, int, int]
    output_shape: tuple[int, int, int]
    macs: int
    params: int
    runs_on: str
    input_bytes: int
    weight_bytes: int
    output_bytes: int
    im2col_bytes: int
    arithmetic_intensity: float
    kernel: str
    bound: str
    latency_s: float
    compute_s: float
    activation_s: float
    weight_s: float
    lowering_s: float
    overhead_s: float

    @property
    def memory_s(self) -> float:
        """Activation traffic, weight traffic and lowering [s]."""
        return self.activation_s + self.weight_s + self.lowering_s

    def to_dict(self) -> dict[str, Any]:
        """The entry of the JSON's ``layers``; shapes and inputs as tuples, which JSON writes as lists."""
        return {
            "name": self.name,
            "op": self.op,
            "block": self.block,
            "inputs": self.inputs,
            "input_shape": self.input_shape,
            "output_shape": self.output_shape,
            **self._results(),
        }

    def node_results(self) -> dict[str, Any]:
        """What a node of :attr:`Analysis.graph` has beside its texts: the JSON's, the total traffic, the lowering."""
        return {
            **self._results(),
            "traffic_bytes": self.input_bytes + self.weight_bytes + self.output_bytes,
            "im2col_ms": self.lowering_s * 1e3,
        }

    def _results(self) -> dict[str, Any]:
        return {
            "macs": self.macs,
            "params": self.params,
            "input_bytes": self.input_bytes,
            "weight_bytes": self.weight_bytes,
            "output_bytes": self.output_bytes,
            "im2col_bytes": self.im2col_bytes,
            "arithmetic_intensity": self.arithmetic_intensity,
            "kernel": self.kernel,
            "bound": self.bound,
            "runs_on": self.runs_on,
            "latency_ms": self.latency_s * 1e3,
            "compute_ms": self.compute_s * 1e3,
            "memory_ms": self.memory_s * 1e3,
            "overhead_ms": self.overhead_s * 1e3,
        }


#: The fields of a :class:`LayerResult` that its kernel determines.
_Outcome: TypeAlias = tuple[int, int, int, int, float, str, str, float, float, float, float, float, float]
#: The same fields of a layer that is fused into another layer's kernel.
_FUSED: Final[_Outcome] = (0, 0, 0, 0, 0.0, "", "fused", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def target_entry(target: Target, calibrated: bool) -> dict[str, Any]:
    """A target's entry in the JSON."""
    return {
        "device": target.device.name,
        "processor": target.processor.name,
        "runtime": target.runtime,
        "precision": target.precision,
        "threads": target.threads,
        "calibrated": calibrated,
    }


@dataclass(frozen=True)
class Analysis(Charted):
    """The predicted latency of one architecture on one target, layer by layer.

    ``.save("report.html")`` writes the report; .json, .csv, .md, .parquet, .trace.json, .graphml, .dot and .txt work
    too. ``.figure(name)`` returns the charts ``roofline``, ``by_class``, ``by_block``, ``timeline``, ``memory`` and
    ``arena``.

    Attributes
    ----------
    spec
        The architecture.
    layer_graph
        The network with every shape and count.
    target, runtime, form, rates
        The target, the rules of its runtime, and the latency form with its rates.
    kernels, estimates
        The kernels that the runtime launches, and the time of each.
    batch
        Images per inference.
    element_bytes
        Bytes per activation or weight [B].
    latency_s, latency_low_s, latency_high_s
        Latency of one inference of the whole batch, with the bounds of its 90 % interval [s].
    calibration
        The calibration of the rates; None where they come from the profile.
    warnings
        Caveats that a reader has to know before trusting the number.
    host, host_basis
        The target that computes what this one hands back, and what its part rests on; None where nothing is.
    """

    spec: ArchitectureSpec = field(repr=False)
    layer_graph: LayerGraph
    target: Target
    runtime: Runtime
    form: LatencyForm
    rates: Mapping[str, Rate]
    kernels: tuple[Kernel, ...]
    estimates: tuple[KernelEstimate, ...]
    batch: int
    element_bytes: int
    latency_s: float
    latency_low_s: float
    latency_high_s: float
    warnings: tuple[str, ...]
    params_convention: ParamsConvention
    macs_convention: MacsConvention
    calibration: Calibration | None = None
    host: Target | None = None
    host_basis: Basis | None = None

    @property
    def architecture(self) -> str:
        return self.layer_graph.architecture

    @property
    def calibrated(self) -> bool:
        """Whether the rates were fitted to measurements of this target."""
        return self.calibration is not None

    def __hash__(self) -> int:
        return hash((self.target, self.batch, float(self.latency_s), self.spec.name))

    @cached_property
    def basis(self) -> Basis:
        """What the latency rests on, from ``measured here`` down to ``a bound`` (:data:`mbcost.basis.MEANINGS`)."""
        own = basis_of(computed_target(self.target, self.runtime), self.runtime, self.form, self.calibration)
        return own if self.host_basis is None else weakest((own, self.host_basis))

    @property
    def load_s(self) -> float | None:
        """Time to load the network's file [s]; None where the calibration has measured none."""
        return self._start_s(self.calibration.load if self.calibration is not None else None)

    @property
    def first_s(self) -> float | None:
        """Time of the first inference after loading [s]; None where the calibration has measured none."""
        return self._start_s(self.calibration.first if self.calibration is not None else None)

    def _start_s(self, time: StartTime | None) -> float | None:
        if time is None:
            return None
        return time.seconds(self.latency_s, launches(self.kernels), weight_bytes(self.kernels))

    @property
    def frames_per_s(self) -> float:
        """Images per second when inferences run back to back [1/s]."""
        return self.batch / self.latency_s if self.latency_s else float("inf")

    @property
    def most_frames_per_s(self) -> float | None:
        """The most images per second that the processor's host lets through [1/s]; None where nobody measured it."""
        frame = self.target.overheads.frame
        return None if frame is None else 1.0 / frame.value

    @cached_property
    def totals(self) -> Totals:
        """Sums over the network."""
        rows, owned = self.layers, [layer.owns_weights for layer in self.layer_graph.layers]
        return Totals(
            macs=sum([row.macs for row in rows]),
            params=sum([row.params for row in rows]),
            activation_bytes=sum([row.input_bytes + row.output_bytes for row in rows]),
            weight_bytes=sum([row.weight_bytes for row, own in zip(rows, owned, strict=True) if own]),
            im2col_bytes=sum([row.im2col_bytes for row in rows]),
            peak_activation_bytes=self.element_bytes * self.batch * peak_elements(self.layer_graph),
        )

    @cached_property
    def layers(self) -> tuple[LayerResult, ...]:
        """Every layer in execution order."""
        layers, batch = self.layer_graph.layers, self.batch
        macs = macs_by_layer(self.layer_graph, self.macs_convention)
        params = params_by_layer(self.layer_graph, self.params_convention)
        names = [layer.name for layer in layers] + ["input"]  # NETWORK_INPUT is -1
        results: dict[int, LayerResult] = {}
        for kernel, estimate in zip(self.kernels, self.estimates, strict=True):
            outcome = self._outcome(kernel, estimate)
            runs_on = self.runs_on(kernel)
            for position in kernel.layers:
                layer = layers[position]
                results[position] = LayerResult(
                    layer.name,
                    layer.operator.op,
                    layer.block,
                    tuple([names[producer] for producer in layer.inputs]),
                    layer.input_shapes[0],
                    layer.output_shape,
                    macs[position] * batch,
                    params[position],
                    runs_on,
                    *outcome,
                )
                outcome = (*_FUSED[:5], kernel.main.name, *_FUSED[6:])
        return tuple([results[position] for position in range(len(layers))])

    def runs_on(self, kernel: Kernel) -> str:
        """The name of the processor that computes a kernel; ``another processor`` where none is known."""
        if kernel.kind != "outside":
            return self.target.processor.name
        if self.host is None:
            return "another processor"
        same = self.host.device == self.target.device
        return self.host.processor.name if same else f"{self.host.device.name}/{self.host.processor.name}"

    def _outcome(self, kernel: Kernel, estimate: KernelEstimate) -> _Outcome:
        """Traffic and time of a kernel's main layer, in the order of :class:`LayerResult`."""
        size = self.element_bytes
        moves = size if kernel.kind != "view" else 0
        read, written, weights = (
            kernel.input_elements * moves,
            kernel.output_elements * moves,
            kernel.weight_elements * size,
        )
        traffic = read + written + weights
        return (
            read,
            weights,
            written,
            kernel.im2col_elements * size,
            kernel.macs / traffic if traffic else 0.0,
            kernel.main.name,
            estimate.bound or "none",
            *estimate,
        )

    @cached_property
    def energy(self) -> Energy | None:
        """An estimate of the energy of one inference; None for a precision without a figure."""
        from mbcost.latency.energy import estimate_energy

        return estimate_energy(self.kernels, self.form, self.target)

    @cached_property
    def memory(self) -> MemoryPlan:
        """RAM and flash as the target's runtime lays them out; as TensorFlow Lite Micro does where that is unknown."""
        return self.plan_memory()

    def plan_memory(self, planner: str | None = None, *, file: bool | None = None) -> MemoryPlan:
        """RAM and flash as a planner lays them out.

        Parameters
        ----------
        planner
            ``tflm``, ``cmsis-nn-c``, ``cmsis-nn-dsp``, ``cmsis-nn-mve``, ``tinyengine`` or ``greedy``; default: that of
            the target's runtime, or ``tflm`` where it has none.
        file
            Whether to work out the size of the .tflite file, which takes up to a second; default: on microcontrollers.

        Raises
        ------
        InputError
            MB010 for an unknown planner.
        """
        from mbcost.memory.plan import plan_memory
        from mbcost.memory.planners import planner_of
        from mbcost.memory.targets import plans_memory

        chosen = planner_of(self.target, planner)
        wanted = plans_memory(self.target) if file is None else file
        return plan_memory(
            self.layer_graph,
            self.kernels,
            chosen,
            batch=self.batch,
            precision=self.target.precision,
            element_bytes=self.element_bytes,
            file_bytes=self._file_bytes if wanted and chosen.interpreted else None,
        )

    @cached_property
    def _file_bytes(self) -> int | None:
        """Size of the network's .tflite file [B]."""
        from mbcost.exporters.file_size import tflite_bytes

        return tflite_bytes(self.spec, self.layer_graph, self.target.precision)

    @cached_property
    def measured_energy(self) -> MeasuredEnergy | None:
        """The energy of one inference by what the board was measured to draw; None where it was not."""
        power = self.target.device.active_power
        if power is None or not self.target.processor.default or self.latency_s <= 0:
            return None
        from mbcost.latency.energy import energy_by_power

        return energy_by_power(self.latency_s, self.latency_low_s, self.latency_high_s, power)

    @cached_property
    def resources(self) -> tuple[Resources, Resources] | None:
        """FPGA resources that the accelerator uses, and those of the device; None for processors of other kinds."""
        processor = self.target.processor
        if processor.kind != "fpga":
            return None
        from mbcost.devices.fabric import available, used

        needed = used(processor, self.target.precision)
        return None if needed is None else (needed, available(processor))

    @cached_property
    def graph(self) -> nx.DiGraph[str]:
        """A networkx graph with one node per layer, which has the keys of the JSON's layers as plain scalars.

        Shapes are text such as ``224x224x3``, so that every file format of networkx accepts the graph:
        ``networkx.write_graphml(analysis.graph, "net.graphml")``.
        """
        attributes = {
            **network_attributes(self.layer_graph),
            "target": self.target.name,
            "batch": self.batch,
            "latency_ms": self.latency_s * 1e3,
            "macs": self.totals.macs,
            "params": self.totals.params,
            "peak_activation_bytes": self.totals.peak_activation_bytes,
        }
        return as_networkx(self.layer_graph, [layer.node_results() for layer in self.layers], attributes)

    def assumptions(self) -> dict[str, Quantity | Parameter]:
        """Assumed numbers (without a source) that the latency depends on, by their place."""
        found: dict[str, Quantity | Parameter] = {}
        for rate in self.rates.values():
            found.update({place: q for place, q in rate.quantities.items() if q.source == "assumed"})
            found.update({f"{self.runtime.name}: {p.name}": p for p in rate.parameters if p.source == "assumed"})
        return found

    def to_dict(self) -> dict[str, Any]:
        """The JSON of ``mbcost analyze --format json``, schema ``mbcost/analysis/1``."""
        totals = self.totals
        return {
            "schema": SCHEMA,
            "mbcost_version": __version__,
            "architecture": self.architecture,
            "alpha": self.layer_graph.alpha,
            "resolution": self.layer_graph.resolution,
            "input_width": self.layer_graph.input_shape.width,
            "batch": self.batch,
            "target": {**target_entry(self.target, self.calibrated), "lowering": self.runtime.lowering},
            "totals": {name: getattr(totals, name) for name in Totals.__slots__},
            "latency_ms": self.latency_s * 1e3,
            "latency_low_ms": self.latency_low_s * 1e3,
            "latency_high_ms": self.latency_high_s * 1e3,
            "interval": INTERVAL,
            "load_ms": None if self.load_s is None else self.load_s * 1e3,
            "first_ms": None if self.first_s is None else self.first_s * 1e3,
            "basis": self.basis,
            "frames_per_s": self.frames_per_s if self.latency_s else None,  # JSON has no infinity
            **({} if self.most_frames_per_s is None else {"most_frames_per_s": self.most_frames_per_s}),
            "layers": [layer.to_dict() for layer in self.layers],
            "warnings": list(self.warnings),
            "energy": self._energy_dict(),
            "resources": self._resources_dict(),
            "memory": self.memory.to_dict(),
        }

    def _energy_dict(self) -> dict[str, Any] | None:
        energy = self.energy
        if energy is None:
            return None
        return {
            "label": "estimate",
            "total_mj": energy.total_j * 1e3,
            "compute_mj": energy.compute_j * 1e3,
            "on_chip_mj": energy.on_chip_j * 1e3,
            "off_chip_mj": energy.off_chip_j * 1e3,
            "off_chip_bytes": energy.off_chip_bytes,
            "source": energy.source,
            **({"register_mj": energy.register_j * 1e3} if energy.register_j else {}),
            **self._measured_energy_dict(),
        }

    def _measured_energy_dict(self) -> dict[str, Any]:
        """What a board was measured to draw times the latency, where it was."""
        found = self.measured_energy
        if found is None:
            return {}
        measured = {
            "total_mj": found.total_j * 1e3,
            "low_mj": found.low_j * 1e3,
            "high_mj": found.high_j * 1e3,
            "power_mw": found.power.value * 1e3,
            "source": "; ".join(self.target.device.provenance.references[key] for key in found.power.reference),
        }
        return {"measured_power": measured}

    def _resources_dict(self) -> dict[str, Any] | None:
        if self.resources is None:
            return None
        needed, has = self.resources
        units = {"dsp": "dsp", "bram": "bram_18kbit", "uram": "uram", "lut": "lut"}
        return {
            units[name]: {"used": getattr(needed, name), "available": getattr(has, name)} for name in needed._fields
        }

    def to_frame(self) -> pd.DataFrame:
        """The layers as a DataFrame; the columns are the keys of the JSON's layers, and `basis`."""
        import pandas as pd

        return pd.DataFrame([layer.to_dict() | {"basis": self.basis} for layer in self.layers])

    def __repr__(self) -> str:
        totals = self.totals
        return (
            f"<Analysis {self.architecture} alpha={self.layer_graph.alpha:g} resolution={self.layer_graph.size} "
            f"on {self.target.name} {self.target.precision}: {self.latency_s * 1e3:.3g} ms "
            f"({self.latency_low_s * 1e3:.3g} to {self.latency_high_s * 1e3:.3g}), {self.basis}, "
            f"{totals.macs / 1e6:.1f} M MACs, {totals.params / 1e6:.2f} M params>"
        )


class Analyses(tuple[Analysis, ...], Shown):
    """One network on several targets, in the order of the targets."""

    __slots__ = ()

    def to_dict(self) -> list[dict[str, Any]]:
        """The JSON of ``mbcost analyze`` with several targets: a list of :meth:`Analysis.to_dict`."""
        return [analysis.to_dict() for analysis in self]

    def to_frame(self) -> pd.DataFrame:
        """The layers of all analyses as a DataFrame, with a first column ``target``."""
        import pandas as pd

        frames = [analysis.to_frame() for analysis in self]
        for frame, analysis in zip(frames, self, strict=True):
            frame.insert(0, "target", analysis.target.name)
        return pd.concat(frames, ignore_index=True)

    def __repr__(self) -> str:
        times = ", ".join(f"{one.target.name} {one.latency_s * 1e3:.3g} ms" for one in self)
        return f"<Analyses of {self[0].architecture if self else 'nothing'}: {times}>"
