"""Options that several commands share, and reading their values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from mbcost.checks import read_value
from mbcost.cli.complete import complete_architecture, complete_precision, complete_target
from mbcost.errors import call_each, fail, or_list
from mbcost.report.formats import REPORT as REPORT_FORMATS
from mbcost.report.formats import Format, ListFormat, ReportFormat, suffixes_of
from mbcost.words import PRECISIONS, Lowering, MacsConvention, NormParams, Outside, Unsupported

if TYPE_CHECKING:
    from mbcost.architectures import ArchitectureSpec, Resolution
    from mbcost.architectures.spec import OptionValue
    from mbcost.calibration.apply import CalibrationChoice


_NETWORK = "Network"
_COUNTING = "Counting"
_GRID = "Grid"
_TARGET = "Target"
REPORT: Final = "Report"
#: What `--precision` takes.
PRECISION_WORDS: Final = "|".join(PRECISIONS)
_RANGE: Final = re.compile(
    r"(?P<start>\d+(\.\d+)?):(?P<stop>\d+(\.\d+)?):(?P<step>\d+(\.\d+)?)(?P<unit>\s*[A-Za-z][\w/]*)?"
)
#: Values of one number of a device in one command. Chosen: more than a plot shows.
MOST_VALUES: Final = 200
_SHAPE: Final = re.compile(r"[1-9]\d{0,8}(x[1-9]\d{0,8}){0,7}")

Model: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A built-in name, a YAML table, a model such as net.onnx, or module:callable for PyTorch (runs its code).",
        autocompletion=complete_architecture,
        show_default=False,
    ),
]
Alpha: TypeAlias = Annotated[float, typer.Option(help="Width multiplier.", rich_help_panel=_NETWORK)]
Rho: TypeAlias = Annotated[
    float | None, typer.Option(help="Resolution multiplier, such as 0.714.", rich_help_panel=_NETWORK)
]
ResolutionOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--resolution",
        metavar="PIXELS",
        help="Height and width of the input in pixels: 224, or 224x320 for height x width.",
        rich_help_panel=_NETWORK,
    ),
]
Settings: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="An option of the table, such as classes=1001 or shallow=true. Repeatable.",
        rich_help_panel=_NETWORK,
    ),
]
Classes: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", help="Short for --set classes=N.", rich_help_panel=_NETWORK)
]
InputShape: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--input-shape",
        metavar="[NAME=]SHAPE",
        help="Shape of a model's input where its file leaves it open, or of a table's: 1x3x224x320. Repeatable.",
        rich_help_panel=_NETWORK,
    ),
]
Until: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="TENSOR", help="End an ONNX or TFLite network at this tensor of its file.", rich_help_panel=_NETWORK
    ),
]
UnsupportedOption: TypeAlias = Annotated[
    Unsupported,
    typer.Option(
        help="Operators that are unknown or have no kernel: refuse, or estimate by their traffic.",
        rich_help_panel=_NETWORK,
    ),
]
ParamsOption: TypeAlias = Annotated[
    NormParams, typer.Option("--params", help="What a batch norm adds to the parameters.", rich_help_panel=_COUNTING)
]
MacsOption: TypeAlias = Annotated[
    MacsConvention,
    typer.Option(
        "--macs", help="Products only, as papers count, or element-wise operations too.", rich_help_panel=_COUNTING
    ),
]
ListFormatOption: TypeAlias = Annotated[ListFormat, typer.Option("--format", help="Output format.")]
Files: TypeAlias = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Files to check.", show_default=False, dir_okay=True)
]


Models: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        metavar="MODEL...",
        help="Built-in names, YAML tables, models such as net.onnx, or module:callable for PyTorch (runs its code).",
        autocompletion=complete_architecture,
        show_default=False,
    ),
]
OptionalModels: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[MODEL]...",
        help="As for `mbcost analyze`; none with --task.",
        autocompletion=complete_architecture,
        show_default=False,
    ),
]
Devices: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--device",
        "-d",
        metavar="TARGET",
        help="pixel1, pixel4/gpu or pixel1/cpu@tflite-2018. Required; repeatable.",
        autocompletion=complete_target,
        rich_help_panel=_TARGET,
    ),
]
HostDevice: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--host-device",
        metavar="TARGET",
        help="What computes the layers that a GPU or NPU does not take; default: its device's CPU.",
        autocompletion=complete_target,
        rich_help_panel=_TARGET,
    ),
]
OutsideOption: TypeAlias = Annotated[
    Outside,
    typer.Option(
        "--outside", help="Layers that a GPU or NPU does not take: on the host, or left out.", rich_help_panel=_TARGET
    ),
]
SetDevice: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set-device",
        metavar="PLACE=VALUE",
        help="What if: another number of the device, memory.bandwidth=6.4GB/s or npu.array=16:128:16. Repeatable.",
        rich_help_panel=_TARGET,
    ),
]
_AXIS: Final = "Such as 0.35,0.5:1.4:0.05; ranges are start:stop:step and include both ends."
AlphaAxis: TypeAlias = Annotated[
    str | None, typer.Option("--alpha", metavar="NUMBERS", help=f"Width multipliers. {_AXIS}", rich_help_panel=_GRID)
]
RhoAxis: TypeAlias = Annotated[
    str | None, typer.Option("--rho", metavar="NUMBERS", help="Resolution multipliers.", rich_help_panel=_GRID)
]
ResolutionAxis: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--resolution",
        metavar="NUMBERS",
        help="Heights and widths of the input: 96:224:32,224x320.",
        rich_help_panel=_GRID,
    ),
]
BatchAxis: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--batch",
        metavar="NUMBERS",
        help="Images per inference: 1,8; default: what a model's file states, else 1.",
        rich_help_panel=_GRID,
    ),
]
PrecisionAxis: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--precision",
        metavar="fp32,fp16,...",
        help="Default: the first that each processor lists.",
        rich_help_panel=_TARGET,
    ),
]
ThreadsAxis: TypeAlias = Annotated[
    str | None, typer.Option("--threads", metavar="NUMBERS", help="On a CPU; default 1.", rich_help_panel=_TARGET)
]
LoweringOption: TypeAlias = Annotated[
    Lowering,
    typer.Option(
        "--lowering",
        help="Convolutions as the runtime computes them, or all lowered by im2col first.",
        rich_help_panel=_TARGET,
    ),
]
Uncalibrated: TypeAlias = Annotated[
    bool, typer.Option("--uncalibrated", help="Do not use the target's calibration.", rich_help_panel=_TARGET)
]
CalibrationFile: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Use this calibration of the target.", rich_help_panel=_TARGET)
]


Precision: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar=PRECISION_WORDS,
        help="Default: the first that the processor lists.",
        rich_help_panel=_TARGET,
        autocompletion=complete_precision,
    ),
]
Threads: TypeAlias = Annotated[int | None, typer.Option(help="Threads on a CPU; default 1.", rich_help_panel=_TARGET)]
Batch: TypeAlias = Annotated[
    int | None,
    typer.Option(help="Images per inference; default: what a model's file states, else 1.", rich_help_panel=_TARGET),
]


def format_option(usual: str = "Default: table.") -> Any:
    """``--format``, of the formats that its type lists."""
    return typer.Option("--format", help=usual, rich_help_panel=REPORT)


def output_option(formats: Sequence[Format]) -> Any:
    """``-o FILE``, which may end in a suffix of one of the formats."""
    text = f"Write {or_list(suffixes_of(formats))}."
    return typer.Option("--output", "-o", metavar="FILE", help=text, rich_help_panel=REPORT)


Force: TypeAlias = Annotated[bool, typer.Option("--force", help="Overwrite FILE.", rich_help_panel=REPORT)]
ReportFormatOption: TypeAlias = Annotated[ReportFormat | None, format_option()]
ReportOutput: TypeAlias = Annotated[Path | None, output_option(REPORT_FORMATS)]


def required_devices(
    devices: list[str] | None,
    host_device: str | None = None,
    outside: Outside = "host",
    set_device: list[str] | None = None,
) -> list[str]:
    """The targets that the options name, with what is changed of them and their host; each with each set of values.

    Raises
    ------
    InputError
        MB010 with the devices there are, if none was, and for a setting that is not ``PLACE=VALUE``.
    """
    if devices:
        host = f",host={host_device}" if host_device is not None else ""
        behind = f"{host}{',outside=free' if outside == 'free' else ''}"
        changes = list(product(*call_each(read_setting, set_device or [])))
        return [f"{device}{''.join(each)}{behind}" for device in devices for each in changes]
    from mbcost.devices import device_names

    where = "`mbcost devices search TEXT` finds phones, chips and cores"
    hint = f"such as --device pixel1; {where}; there are {', '.join(device_names())}"
    fail("MB010", "`--device` is missing", hint=hint)


def read_setting(text: str) -> list[str]:
    """``memory.bandwidth=6.4GB/s`` and ``npu.array=16:128:16`` as settings behind a target's text, one for each value.

    Raises
    ------
    InputError
        MB010 for what is no setting, or a range that is not ``START:STOP:STEP`` with a unit behind it.
    """
    place, equals, value = (part.strip() for part in text.partition("="))
    if not (place and equals and value) or "=" in value:
        fail("MB010", f"--set-device `{text}` is not PLACE=VALUE", hint="such as memory.bandwidth=6.4GB/s")
    values: list[str] = []
    for part in value.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None and ":" in part:
            hint = "START:STOP:STEP with the unit behind it, such as memory.bandwidth=10:30:10GB/s"
            fail("MB010", f"--set-device `{text}` is no range", hint=hint)
        values += _numbers(match, text) if match is not None else [part.strip()]
    if len(values) > MOST_VALUES:
        fail("MB010", f"--set-device `{text}` has {len(values):,} values, {MOST_VALUES} are allowed")
    return [f",{place}={each}" for each in values]


def _numbers(match: re.Match[str], text: str) -> list[str]:
    start, stop, step = (float(match[name]) for name in ("start", "stop", "step"))
    if step <= 0 or stop < start or (stop - start) / step > MOST_VALUES:
        hint = f"START:STOP:STEP rises, to at most {MOST_VALUES} values"
        fail("MB010", f"--set-device `{text}` is no range", hint=hint)
    count = int((stop - start) / step + 1e-9) + 1
    return [f"{start + i * step:.12g}{match['unit'] or ''}" for i in range(count)]


def calibration_choice(uncalibrated: bool, file: Path | None) -> CalibrationChoice:
    """What ``--uncalibrated`` and ``--calibration`` say; MB010 if they contradict each other."""
    if uncalibrated and file is not None:
        fail("MB010", "--uncalibrated and --calibration contradict each other")
    return False if uncalibrated else file


def load_models(
    models: Sequence[str],
    input_shape: Sequence[str] | None,
    until: str | None,
    unsupported: Unsupported,
    resolution: str | None,
) -> list[ArchitectureSpec]:
    """The networks of a command that takes several; the first resolution fills open sizes.

    Raises
    ------
    InputError
        Every problem of the options and files.
    """
    from mbcost.networks import load
    from mbcost.search.grid import make_grid

    shapes = read_input_shapes(input_shape)
    side = make_grid(1.0, None, resolution).first_resolution

    def load_one(model: str) -> ArchitectureSpec:
        return load(model, input_shapes=shapes, until=until, unsupported=unsupported, resolution=side)

    return call_each(load_one, models)


def read_size(text: str | None) -> Resolution | None:
    """The value of ``--resolution`` of a command that takes one.

    Raises
    ------
    InputError
        MB010 for what is neither a whole number nor HEIGHTxWIDTH.
    """
    from mbcost.architectures.scaling import read_resolution

    try:
        return None if text is None else read_resolution(text)
    except ValueError:
        hint = "such as 224, or 224x320 for height x width"
        fail("MB010", f"--resolution `{text}` is neither a whole number of pixels nor HEIGHTxWIDTH", hint=hint)


def read_whole(option: str, text: str) -> list[int]:
    """The whole numbers of a text such as ``1,2:8:2``.

    Raises
    ------
    InputError
        MB010 for every part that is no number or range, or not whole.
    """
    from mbcost.search.grid import read_numbers

    numbers = read_numbers(option, text)
    broken = [number for number in numbers if not number.is_integer()]
    if broken:
        fail("MB010", f"{option} {broken[0]:g} is not a whole number")
    return [int(number) for number in numbers]


def read_settings(settings: Sequence[str] | None, classes: int | None) -> dict[str, OptionValue]:
    """The values of ``--set`` and ``--classes``.

    Raises
    ------
    InputError
        MB010 for what is not NAME=VALUE with a number, true or false, and for a name that occurs twice.
    """
    texts = [*(settings or ()), *([f"classes={classes}"] if classes is not None else [])]
    values: dict[str, OptionValue] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not name or not equals:
            fail("MB010", f"`--set {text}` is not NAME=VALUE", hint="such as --set classes=1001")
        if name in values:
            fail("MB010", f"option `{name}` was given twice")
        values[name] = read_value(f"`--set {text}`", value)
    return values


def read_input_shapes(texts: Sequence[str] | None) -> dict[str, tuple[int, ...]]:
    """The values of ``--input-shape`` by name; that of the only input is the empty one.

    Raises
    ------
    InputError
        MB010 for what is not a shape, and for a name that occurs twice.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for text in texts or ():
        name, _, shape = text.rpartition("=")
        if not _SHAPE.fullmatch(shape):
            fail("MB010", f"`--input-shape {text}` is not a shape", hint="such as 1x3x224x224 or tokens=1x77")
        if name in shapes:
            fail("MB010", f"the shape of input `{name}` was given twice" if name else "--input-shape was given twice")
        shapes[name] = tuple(int(size) for size in shape.split("x"))
    return shapes
