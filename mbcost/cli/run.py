"""From a command line to an exit code: every failure ends in one, none in a traceback."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

import typer

from mbcost.cli.config import take_config
from mbcost.cli.output import print_note, print_problems
from mbcost.cli.spelling import spelled
from mbcost.errors import InputError, Problem, did_you_mean, printable

if TYPE_CHECKING:
    from mbcost.cli.defaults import Defaults

DONE: Final = 0
CHECK_FAILED: Final = 1
BAD_INPUT: Final = 2
DEFECT: Final = 3
INTERRUPTED: Final = 130

#: ClickException, whether Typer brings its own Click (as later versions do) or imports it.
_USAGE_ERROR: Final[type[Exception]] = typer.BadParameter.__mro__[2]
_DEBUG: Final = "--debug"


def run(arguments: Sequence[str]) -> int:
    """Run a command line.

    Returns
    -------
    int
        The exit code.
    """
    debug = _DEBUG in arguments
    try:
        rest, defaults = take_config([argument for argument in arguments if argument != _DEBUG])
        with nullcontext() if defaults is None else defaults.devices_folder():
            return _dispatch(rest, defaults)
    except InputError as error:
        print_problems([spelled(problem) for problem in error.problems])
        return BAD_INPUT
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except _USAGE_ERROR as error:
        print_problems([_usage_problem(error)])
        return BAD_INPUT
    except Exception as error:  # noqa: BLE001  # a defect ends in one line, whatever it is
        if debug:
            traceback.print_exc()
        _print_defect(error, debug)
        return DEFECT


def _dispatch(arguments: list[str], defaults: Defaults | None) -> int:
    from mbcost.cli.app import make_app

    command = typer.main.get_command(make_app(arguments[0] if arguments else None))
    if defaults is not None:
        defaults.apply(command)
    code = command.main(arguments, prog_name="mbcost", standalone_mode=False, obj=tuple(arguments))
    return code if isinstance(code, int) else DONE


def _print_defect(error: Exception, debug: bool) -> None:
    what = printable(f"{type(error).__name__}: {error}".rstrip(": "))
    advice = "please report it with the traceback above" if debug else f"run again with {_DEBUG} for the traceback"
    print_note(f"internal error: {what}; {advice}")


def _usage_problem(error: Any) -> Problem:
    """A usage error in the form of all other errors: what it is follows from its class, not from Click's words."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "mbcost"
    fallback = f"`{path} --help` shows what it takes"
    message = " ".join(error.format_message().split()).rstrip(".")
    if context is not None and "NoSuchOption" in kinds:
        known = [name for parameter in context.command.params for name in parameter.opts if name.startswith("-")]
        return _unknown("option", error.option_name, known, path, fallback)
    commands = getattr(getattr(context, "command", None), "commands", None)
    if commands is not None and not kinds & {"BadParameter", "BadOptionUsage"}:
        quoted = re.search("'([^']+)'", message)
        name = getattr(error, "command_name", None) or (quoted[1] if quoted else "")
        if name and name not in commands:
            return _unknown("command", name, commands, path, fallback)
    parameter = getattr(error, "param", None)
    if parameter is not None and "MissingParameter" in kinds:
        choices = [str(choice) for choice in getattr(parameter.type, "choices", ())]
        listed = choices and parameter.param_type_name == "argument"  # some versions of Typer list them in the name
        name = f"'{parameter.name}'" if listed else parameter.get_error_hint(context)
        message = f"missing {parameter.param_type_name} {name}"
        fallback = f"one of {', '.join(choices)}" if choices else fallback
    elif parameter is not None and "BadParameter" in kinds:
        why = " ".join(error.message.split()).removeprefix("Value error, ").rstrip(".")
        message = f"invalid value for {parameter.get_error_hint(context)}: {why}"
    share = re.search(r"'([\d.]+) ?%' is not a valid float", message)
    hint = f"a share is written as a number: {float(share[1]) / 100:g}" if share else fallback
    return Problem("MB010", message[:1].lower() + message[1:], hint=hint)


def _unknown(kind: str, name: str, known: Iterable[str], path: str, fallback: str) -> Problem:
    return Problem("MB010", f"`{path}` has no {kind} `{name}`", hint=did_you_mean(name, known) or fallback)
