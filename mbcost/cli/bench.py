"""``mbcost bench``: measures this machine, for ``mbcost calibrate --name``."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mbcost.cli.output import emit, print_note
from mbcost.errors import fail
from mbcost.words import PRECISIONS, BenchRuntime, Mode, SuiteName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mbcost.runner.bench import Bench, OnProgress


def bench(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The CSV file.")] = Path("bench.csv"),
    suite: Annotated[
        SuiteName,
        typer.Option(help="Random networks for 3 minutes (quick) or 15 (full), or single kernels for 3 (kernels)."),
    ] = "quick",
    runtime: Annotated[
        BenchRuntime, typer.Option(help="What runs the networks: PyTorch, or model files in another runtime.")
    ] = "pytorch",
    device: Annotated[str, typer.Option(metavar="cpu|cuda|mps", help="The device, as PyTorch names it.")] = "cpu",
    threads: Annotated[int, typer.Option(help="Threads on a CPU.", min=1)] = 1,
    channels_last: Annotated[bool, typer.Option("--channels-last", help="NHWC instead of NCHW.")] = False,
    mode: Annotated[Mode, typer.Option(help="graph: replay of a CUDA graph.")] = "eager",
    precision: Annotated[str, typer.Option(metavar="|".join(PRECISIONS))] = "fp32",
    force: Annotated[bool, typer.Option("--force", help="Measure again and overwrite FILE.")] = False,
) -> None:
    """Measure random small networks, or single kernels, on this machine.

    An interrupted run resumes when the same command is given again.
    """
    from mbcost.runner.bench import run_bench
    from mbcost.runner.settings import checked_settings

    if output.suffix.lower() != ".csv":
        fail("MB006", f"`{output.name}` does not end in .csv")
    settings = checked_settings(device, threads, channels_last, mode, precision, runtime)
    try:
        with progress() as on_progress:
            found = run_bench(output, suite, settings, force=force, on_progress=on_progress)
    except KeyboardInterrupt:
        print_note("interrupted; what was measured is kept, and the same command without --force resumes from there")
        raise
    emit(_summary(found))
    warn_of_load(found.busy)
    for name, reason in found.failed.items():
        print_note(f"left out {name}: {reason}")
    if found.damaged:
        print_note(f"warning: {found.damaged} lines of the journal were damaged; what they held was measured again")
    print_note(f"wrote {found.output}; next: mbcost calibrate {found.output} --name my-laptop")


def warn_of_load(busy: float | None) -> None:
    """A line on stderr if other programs used the machine when measuring began."""
    from mbcost.calibration.install import MOST_BUSY

    if busy is not None and busy > MOST_BUSY:
        print_note(
            f"warning: other programs used {busy:.0%} of the cores' time: what was measured is too long; measure again "
            "while nothing else runs"
        )


def _summary(found: Bench) -> str:
    share = f", {len(found.failed)} left out" if found.failed else ""
    return (
        f"{found.measured} measured in {found.seconds:.0f} s{share}; "
        f"{found.rejected} of {found.visits} visits rejected because something disturbed the machine\n"
    )


@contextmanager
def progress() -> Iterator[OnProgress]:
    """A bar with the time left, on a terminal only."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns: tuple[Any, ...] = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("measuring", total=1.0)
        yield lambda share, what: progress.update(task, completed=share, description=f"measuring {what}"[:60])
