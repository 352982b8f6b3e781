"""How the pieces of the loop are compiled: for each other, not to be called from Python, and never cached alone.

`inlined` is for what nearly every event passes through: compiled into their callers, these pieces make a run half as
fast again. What is rare stays a call, for inlined everywhere it would only be compiled many times over.
"""

from __future__ import annotations

from typing import Any

import numba

__all__ = ["inlined", "jit"]

_PIECE: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
jit = numba.njit(**_PIECE)
inlined = numba.njit(**_PIECE, forceinline=True)
