"""The commands, put together."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Final

import typer

from mbcost.cli.examples import CommandWithExamples, GroupWithExamples
from mbcost.cli.output import emit

#: command -> the module of its function, or of its group of commands, which has its name unless one is given.
COMMANDS: Final[dict[str, str]] = {
    "analyze": "mbcost.cli.analyze",
    "explain": "mbcost.cli.explain",
    "compare": "mbcost.cli.compare",
    "sweep": "mbcost.cli.sweep",
    "pick": "mbcost.cli.pick",
    "design": "mbcost.cli.design",
    "stream": "mbcost.cli.stream",
    "convert": "mbcost.cli.convert",
    "check": "mbcost.cli.check",
    "open": "mbcost.cli.serve:open_file",
    "serve": "mbcost.cli.serve",
    "bench": "mbcost.cli.bench",
    "kit": "mbcost.cli.kit",
    "measurements": "mbcost.cli.measurements",
    "calibrate": "mbcost.cli.calibrate",
    "validate": "mbcost.cli.validate",
    "devices": "mbcost.cli.devices",
    "runtimes": "mbcost.cli.runtimes",
    "architectures": "mbcost.cli.architectures",
    "schema": "mbcost.cli.schema",
}


def make_app(command: str | None = None) -> typer.Typer:
    """The commands put together; only `command` if it is one, since the others cost time at every start."""
    app = typer.Typer(
        name="mbcost",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(root)
    for name in [command] if command in COMMANDS else COMMANDS:
        module, _, function = COMMANDS[name].partition(":")
        made = getattr(import_module(module), function or name)
        if isinstance(made, typer.Typer):
            app.add_typer(made, name=name, cls=GroupWithExamples)
        else:
            app.command(name, cls=CommandWithExamples)(made)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        from mbcost._version import __version__

        emit(f"mbcost {__version__}\n")
        raise typer.Exit


def root(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001  # acts in its callback
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
    debug: Annotated[  # noqa: ARG001  # read by run(), wherever it stands on the line
        bool, typer.Option("--debug", help="Show the traceback of an internal error; works after a command too.")
    ] = False,
    config: Annotated[  # noqa: ARG001  # read by run(), wherever it stands on the line
        str | None,
        typer.Option(
            "--config", metavar="FILE", help="Defaults of options; default: the nearest mbcost.toml or pyproject.toml."
        ),
    ] = None,
    no_config: Annotated[  # noqa: ARG001  # likewise
        bool, typer.Option("--no-config", help="Read no such file; likewise.")
    ] = False,
) -> None:
    """Predict how long a convolutional network takes on a device and where the time goes, without the device."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
