"""The commands, put together."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from mbcost.cli.analyze import analyze
from mbcost.cli.architectures import architectures
from mbcost.cli.calibrate import calibrate, validate
from mbcost.cli.convert import convert
from mbcost.cli.devices import devices
from mbcost.cli.output import emit
from mbcost.cli.schema import schema

app: Final = typer.Typer(
    name="mbcost",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("analyze")(analyze)
app.command("convert")(convert)
app.command("calibrate")(calibrate)
app.command("validate")(validate)
app.add_typer(devices, name="devices")
app.add_typer(architectures, name="architectures")
app.command("schema")(schema)


def _print_version(wanted: bool) -> None:
    if wanted:
        from mbcost._version import __version__

        emit(f"mbcost {__version__}\n")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001  # acts in its callback
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
    debug: Annotated[  # noqa: ARG001  # read by run(), wherever it stands on the line
        bool, typer.Option("--debug", help="Show the traceback of an internal error; works after a command too.")
    ] = False,
) -> None:
    """How long a convolutional network takes on a device, and where the time goes; without the device."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
