"""The formats of results and their suffixes. The command line imports it at start, so it has to stay light."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Final, Literal, TypeAlias, get_args

from mbcost.errors import fail, or_list

#: The formats of each kind of result. A new format is a word here and its writer in `mbcost.report.show`.
AnalysisFormat: TypeAlias = Literal["table", "json", "csv", "md", "html", "trace", "graphml", "dot", "parquet", "xlsx"]
ReportFormat: TypeAlias = Literal["table", "json", "csv", "md", "html", "xlsx"]
SweepFormat: TypeAlias = Literal["table", "json", "csv", "md", "html", "parquet", "xlsx"]
StreamFormat: TypeAlias = Literal["table", "json", "html", "trace"]
DesignFormat: TypeAlias = Literal["table", "json", "yaml"]
PipelineFormat: TypeAlias = Literal["table", "json"]
CalibrationFormat: TypeAlias = Literal["table", "yaml", "html"]
MeasuredFormat: TypeAlias = Literal["table", "json", "csv", "md"]
ExplanationFormat: TypeAlias = Literal["table", "json"]
ListFormat: TypeAlias = Literal["table", "json"]
Format: TypeAlias = (
    AnalysisFormat | ReportFormat | SweepFormat | StreamFormat | DesignFormat | PipelineFormat | CalibrationFormat
)

ANALYSIS: Final[tuple[AnalysisFormat, ...]] = get_args(AnalysisFormat)
REPORT: Final[tuple[ReportFormat, ...]] = get_args(ReportFormat)
SWEEP: Final[tuple[SweepFormat, ...]] = get_args(SweepFormat)
STREAM: Final[tuple[StreamFormat, ...]] = get_args(StreamFormat)
DESIGN: Final[tuple[DesignFormat, ...]] = get_args(DesignFormat)
PIPELINE: Final[tuple[PipelineFormat, ...]] = get_args(PipelineFormat)
MEASURED: Final[tuple[MeasuredFormat, ...]] = get_args(MeasuredFormat)
EXPLANATION: Final[tuple[ExplanationFormat, ...]] = get_args(ExplanationFormat)
CALIBRATION: Final[tuple[CalibrationFormat, ...]] = get_args(CalibrationFormat)

#: Format -> suffix, where that is not its name.
_OTHER_SUFFIXES: Final[Mapping[str, str]] = {"table": ".txt", "trace": ".trace.json"}


def suffix_of(kind: str) -> str:
    """The suffix of a format."""
    return _OTHER_SUFFIXES.get(kind, f".{kind}")


def suffixes_of(formats: Sequence[Format]) -> list[str]:
    """The suffixes of the formats."""
    return [suffix_of(kind) for kind in formats]


def format_of_name(name: str, formats: Sequence[Format]) -> Format | None:
    """The format of a file's suffix, among some formats, by the longest match; None if there is none."""
    lowered = PurePath(name).name.lower()
    known = [kind for kind in formats if lowered.endswith(suffix_of(kind))]
    return sorted(known, key=lambda kind: len(suffix_of(kind)))[-1] if known else None


def named_format(name: str, formats: Sequence[Format]) -> Format:
    """The format of a file's suffix.

    Raises
    ------
    InputError
        MB006 with the known suffixes if the file has none of them.
    """
    found = format_of_name(name, formats)
    if found is None:
        hint = f"end it in {or_list(suffixes_of(formats))}"
        fail("MB006", f"`{PurePath(name).name}` does not say its format", hint=hint)
    return found
