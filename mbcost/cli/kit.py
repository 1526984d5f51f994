"""``mbcost kit``: a folder with models and a script that measures them on a phone or a board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mbcost.cli.complete import complete_target
from mbcost.cli.output import print_note


def kit(
    device: Annotated[
        str,
        typer.Option("--device", "-d", metavar="TARGET", help="Such as pixel8.", autocompletion=complete_target),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="A new folder.")],
    networks: Annotated[
        list[str] | None,
        typer.Argument(metavar="MODEL", help="Further networks: built-in names, tables, models.", show_default=False),
    ] = None,
    runtime: Annotated[str, typer.Option(metavar="litert|onnxruntime|ncnn", help="The runtime.")] = "litert",
    precision: Annotated[str, typer.Option(metavar="LIST", help="Such as fp32,int8.")] = "fp32",
    suggestions: Annotated[
        int, typer.Option("--suggest", metavar="N", help="So many networks that tell most about the device.", min=0)
    ] = 12,
    threads: Annotated[int, typer.Option(help="Threads of the tool.", min=1)] = 1,
    passes: Annotated[int, typer.Option(help="Visits of each model, in another order each time.", min=1)] = 3,
    seed: Annotated[int, typer.Option(help="Of the weights and the orders.", min=0)] = 0,
) -> None:
    """Make a folder with models and a script that measures them on a phone or a board with the runtime's own tool.

    Its README.md says what to do. `mbcost measurements read` reads the results.
    """
    from mbcost.calibration.kit.make import make_kit

    made = make_kit(
        output,
        device,
        runtime,
        precisions=[word.strip() for word in precision.split(",")],
        suggestions=suggestions,
        networks=networks or (),
        threads=threads,
        passes=passes,
        seed=seed,
    )
    for reason in made.skipped:
        print_note(f"left out {reason}")
    print_note(f"wrote {output}: {len(made.models)} models for {made.target.name}; next: {output / 'README.md'}")
