"""Largest sizes that a configuration may have, in tables and in arguments alike."""

from __future__ import annotations

from typing import Final

#: Height and width of an input [pixels]: chosen, above every camera's; counts of a layer stay far below 2^63. The
#: input of a file may be longer, as signals are, with the square of this in pixels.
MAX_RESOLUTION: Final = 16_384
#: Images per inference: chosen, above what a device holds; counts of a layer stay far below 2^63.
MAX_BATCH: Final = 65_536
#: CPU threads: chosen, above what any device has.
MAX_THREADS: Final = 4_096
