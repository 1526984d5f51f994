"""Where results and notes go: the result to stdout or a file, everything else to stderr."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO, TypeVar, cast

import typer

from mbcost.errors import Problem, fail
from mbcost.report.formats import Format, format_of_name, named_format

if TYPE_CHECKING:
    from mbcost.report.screens.terminal import Screen
    from mbcost.report.show import How

#: 128 + SIGPIPE: what the shell reports of a program whose reader has gone.
_PIPE_CLOSED: Final = 141
_HEAD: Final = re.compile(r"(?P<severity>error|warning)(?P<code>\[MB\d+\]:)")


_Chosen = TypeVar("_Chosen", bound=str)


def format_of(given: _Chosen | None, output: Path | None, formats: Sequence[_Chosen]) -> _Chosen:
    """The format that was asked for, else that of the file's suffix, else a table.

    Raises
    ------
    InputError
        MB006 if the suffix says nothing and nothing else does, MB010 if the two contradict each other.
    """
    usual = formats[0]
    if output is None:
        return given or usual
    named = format_of_name(output.name, cast("Sequence[Format]", formats))
    by_suffix = next((one for one in formats if one == named), None)
    if by_suffix is None and given is None:
        named_format(output.name, cast("Sequence[Format]", formats))
    if given is not None and by_suffix not in {None, given}:
        fail("MB010", f"--format is {given}, the output {output.name}", hint="give one of them, or the same")
    return given or by_suffix or usual


def command_line(context: typer.Context) -> str:
    """The command line of a command, quoted for a shell."""
    return shlex.join(["mbcost", *(context.obj or ())])


def show(result: Any, kind: Format, how: How, output: Path | None, *, force: bool = False) -> None:
    """Draw a result in a format, and :func:`deliver` it."""
    from mbcost.report.show import render

    deliver(lambda screen: render(result, kind, replace(how, screen=screen)), output, force=force)


def deliver(render: Callable[[Screen], str | bytes], output: Path | None, *, force: bool = False) -> None:
    """Write what `render` makes to a file, or print it as the terminal or pipe at stdout can show it.

    Raises
    ------
    InputError
        MB010 for bytes without a file to take them.
    """
    from mbcost.report.screens.terminal import PLAIN, Screen

    if output is None:
        text = render(Screen.of(sys.stdout))
        if isinstance(text, bytes):
            fail("MB010", "this format is not text", hint="name a file: -o FILE")
        emit(text)
        return
    from mbcost.files import write_bytes, write_text

    content = render(PLAIN)
    if isinstance(content, bytes):
        write_bytes(output, content, force=force)
    else:
        write_text(output, content, force=force)
    print_note(f"wrote {output}")


def emit(text: str) -> None:
    """Print a result. A reader that went away (``| head``) ends the program quietly."""
    stream = sys.stdout
    if stream is None:  # the shell closed it: `>&-`
        return
    try:
        stream.write(_encodable(text, stream))
        stream.flush()
    except BrokenPipeError:
        _silence(stream)
        raise typer.Exit(_PIPE_CLOSED) from None
    except OSError as error:
        _silence(stream)
        fail("MB008", f"cannot write the result: {error.strerror or error}")


def print_note(text: str) -> None:
    """A line on stderr."""
    stream = sys.stderr
    if stream is None:
        return
    try:
        stream.write(_encodable(f"{text}\n", stream))
        stream.flush()
    except OSError:
        _silence(stream)


def print_problems(problems: Sequence[Problem]) -> None:
    """All problems on stderr, in colour on a terminal, and their number if there is more than one."""
    print_note(render_problems(problems, colour=has_colour(sys.stderr)))


def render_problems(problems: Sequence[Problem], *, colour: bool = False) -> str:
    """All problems as text, and their number if there is more than one."""
    parts = [problem.render() for problem in problems]
    if colour:
        parts = [_HEAD.sub(_coloured, part, count=1) for part in parts]
    text = "\n\n".join(parts)
    return text if len(problems) == 1 else f"{text}\n\n{len(problems)} problems"


def _coloured(match: re.Match[str]) -> str:
    colour = "31" if match["severity"] == "error" else "33"
    return f"\x1b[1;{colour}m{match['severity']}\x1b[0;{colour}m{match['code']}\x1b[0m"


def has_colour(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal that wants colour."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream is not None and stream.isatty() and not plain


def _encodable(text: str, stream: TextIO) -> str:
    """`text` with `?` for what the stream's encoding lacks."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def _silence(stream: TextIO) -> None:
    """Discard what is still in a broken stream's buffer, so that Python does not report an error at exit."""
    try:
        handle = os.open(os.devnull, os.O_WRONLY)
        os.dup2(handle, stream.fileno())
        os.close(handle)
    except (OSError, ValueError):
        pass
