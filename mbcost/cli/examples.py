"""Examples that `--help` ends with: a command that works as it stands, and what it is for."""

from __future__ import annotations

from typing import Any, Final

from typer.core import TyperCommand, TyperGroup

from mbcost.cli.output import emit
from mbcost.errors import fail

#: Command, or group and command -> its examples: arguments after `mbcost`, and what they are for.
EXAMPLES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "analyze": (
        ("analyze mobilenet_v2 --device pixel1", "how long, and where the time goes"),
        ("analyze mobilenet_v2 -d galaxy_s24 -d pixel9/gpu --precision fp16", "two targets side by side"),
        ("analyze mobilenet_v3_large -d pixel4 --threads 4 -o report.html", "an interactive report"),
        ("analyze mobilenet_v2 -d 'cortex_x4@3.39GHz' --max-ms 30", "exit with 1 above 30 ms"),
    ),
    "explain": (
        ("explain mobilenet_v2 --measured 27ms -d pixel4", "which runtime, threads and precision 27 ms fits"),
        ("explain mobilenet_v3_large --measured 66ms -d pixel1 --format json", "for a script"),
    ),
    "compare": (
        ("compare mobilenet_v2 mobilenet_v3_large -d pixel1", "two networks: what differs, and why"),
        ("compare mobilenet_v2 -d pixel4 -d pixel4/gpu", "one network on two targets"),
    ),
    "sweep": (
        ("sweep mobilenet_v1 -d pixel1 --alpha 0.25:1:0.25 --resolution 128:224:32", "a grid, and its Pareto front"),
        ("sweep mobilenet_v2 -d pixel4 --set-device cpu.clock=1.8GHz,2.4GHz,2.8GHz", "a grid of hardware"),
    ),
    "pick": (
        ("pick mobilenet_v2 -d pixel1 --budget 30ms", "the most accurate width and resolution within 30 ms"),
        ("pick --task classification -d galaxy_s24 --budget 5ms", "over all networks with a published accuracy"),
        ("pick mobilenet_v1 -d stm32h747 --budget 200ms --ram 256KiB", "within the memory of a microcontroller"),
    ),
    "design": (("design mobilenet_v1 -d pynq_z2 --alpha 0.5", "tiles of a loop nest on an FPGA"),),
    "stream": (
        ("stream mobilenet_v2 -d pixel1 --preprocess 8ms --buffers 2", "frames a second with double buffering"),
    ),
    "convert": (
        ("convert mobilenet_v2 net.yaml", "a table to edit"),
        ("convert mobilenet_v2 net.tflite --precision int8", "a model with random weights, to measure"),
    ),
    "check": (("check networks/net.yaml my_phone.yaml", "every problem of your files, with line and column"),),
    "open": (("open mobilenet_v2 -d pixel1", "the report in a browser"),),
    "serve": (("serve --port 8000", "a page of this machine that takes files"),),
    "bench": (
        ("bench --runtime litert -o bench.csv", "measure random networks in LiteRT, three minutes"),
        ("bench --suite kernels -o kernels.csv", "single kernels in PyTorch"),
    ),
    "kit": (("kit -d pixel8 --runtime litert --suggest 12 -o kit", "what to measure on a phone, and its script"),),
    "calibrate": (
        ("calibrate bench.csv --name my-machine --install", "rates of this machine, for -d my-machine"),
        ("calibrate bench.log -d pixel8", "from the log of a phone's benchmark tool"),
    ),
    "validate": (
        ("validate -d pixel1", "predicted beside published latencies"),
        ("validate measured.csv -d pixel4 --min-hit 0.9", "beside yours; exit with 1 if few are within 10 %"),
    ),
    "schema": (
        ("schema architecture > architecture.schema.json", "for an editor that checks tables"),
        ("schema analysis", "what `analyze --format json` writes, with units"),
    ),
    "measurements": (("measurements read bench.log -o rows.csv", "rows from the logs of benchmark tools"),),
    "devices": (
        ("devices list", "what ships, and what each prediction rests on"),
        ("devices search '8 gen 3'", "phones, chips and cores by name"),
        ("devices show galaxy_s24", "every number with its source"),
        ("devices new my_phone --like galaxy_s24", "a file for a phone that is not there"),
    ),
    "runtimes": (("runtimes list", "runtimes, and the processors they run on"),),
    "architectures": (
        ("architectures list", "networks by name"),
        ("architectures show mobilenet_v2 --alpha 0.5", "a table with shapes, MACs and parameters"),
    ),
}


class _Ends:
    """Ends the help of a command with its examples: written as they are, so that a line can be copied."""

    name: str | None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        super().format_help(ctx, formatter)  # type: ignore[misc]  # Typer's, which writes to the terminal itself
        lines = [f"   # {what}\n   mbcost {arguments}\n" for arguments, what in EXAMPLES.get(self.name or "", ())]
        if lines:
            emit(" Examples\n" + "\n".join(lines) + "\n")


class CommandWithExamples(_Ends, TyperCommand):
    """A command whose help ends with examples, and which writes one file."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse a second output, which would be written in place of the first without a word."""
        *_, order = self.make_parser(ctx).parse_args(args=list(args))
        if sum(parameter.name == "output" for parameter in order) > 1:
            fail("MB010", "`--output` is given twice, but a command writes one file", hint="run it once for each file")
        return super().parse_args(ctx, args)


class GroupWithExamples(_Ends, TyperGroup):
    """A group of commands whose help ends with examples."""
