"""Do a record and what was computed again agree? Counts and words must be equal, other numbers to 1e-9.

first_difference(recorded, computed, file="verdict.json")     # "" or "claims[0].bound is 0.99 in ..."
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["TOLERANCE", "first_difference"]

TOLERANCE = 1e-9  # another processor may round a logarithm differently


def first_difference(recorded: Any, computed: Any, *, file: str, at: str = "", skip: tuple[str, ...] = ()) -> str:
    """Where two plain values first differ, as a sentence; "" where they do not. Keys in `skip` are not looked at."""
    if isinstance(recorded, Mapping) and isinstance(computed, Mapping):
        for key in [*computed, *(k for k in recorded if k not in computed)]:
            place = f"{at}.{key}" if at else str(key)
            if key in skip:
                continue
            if key not in recorded or key not in computed:
                return f"{place} is {'missing from' if key not in recorded else 'unknown in'} {file}."
            if found := first_difference(recorded[key], computed[key], file=file, at=place, skip=skip):
                return found
        return ""
    if isinstance(recorded, list) and isinstance(computed, list) and len(recorded) == len(computed):
        for k, (there, here) in enumerate(zip(recorded, computed, strict=True)):
            if found := first_difference(there, here, file=file, at=f"{at}[{k}]", skip=skip):
                return found
        return ""
    if isinstance(recorded, float) and isinstance(computed, float):
        same = math.isclose(recorded, computed, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    else:
        same = type(recorded) is type(computed) and recorded == computed
    return "" if same else f"{at} is {recorded!r} in {file}, but the trials give {computed!r}."


def rounded(n: int) -> int:
    """A number of trials that somebody is advised to run: up to two digits that mean something."""
    step = 10 ** max(len(str(n)) - 2, 0)
    return -(-n // step) * step
