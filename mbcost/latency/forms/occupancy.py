"""What forms of several GPUs have in common: the transition from too few threads to enough of them."""

from __future__ import annotations

from typing import Final

#: Exponent q of the transition from one bound to the other, ``(a^q + b^q)^(1/q)``. Chosen on half of the
#: nn-Meter bench (Adreno 640, reports/ablations/adreno.csv): with families left out, 99.7 % of networks are within
#: 10 %, and 92.6 % at an exponent of 1.25, 95.7 % at 2, 96.5 % with a sharp corner. Of other GPUs it is assumed.
OCCUPANCY_EXPONENT: Final = 1.5
