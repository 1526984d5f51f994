"""Parquet files, through pyarrow."""

from __future__ import annotations

import io
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mbcost.errors import fail

if TYPE_CHECKING:
    import pandas as pd


def require_pyarrow() -> Any:
    """The package.

    Raises
    ------
    InputError
        MB011 if it is not installed.
    """
    try:
        return import_module("pyarrow")
    except ImportError:
        fail("MB011", "Parquet needs pyarrow", hint="python -m pip install 'mbcost[parquet]'")


def read_columns(path: Path) -> pd.DataFrame:
    """A Parquet file as a frame."""
    import pandas as pd

    with path.open("rb") as stream:  # Arrow takes no path that is not UTF-8
        return pd.read_parquet(stream, engine="pyarrow")


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """The content of a Parquet file with a frame's columns."""
    require_pyarrow()
    content = io.BytesIO()
    frame.to_parquet(content, engine="pyarrow", index=False)
    return content.getvalue()
