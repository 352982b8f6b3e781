"""How the traffic models are compiled: one formula for a loop's inside, for one call from Python and for arrays.

    @scalar
    def f(speed, gap): ...        # nogil, inlined into whatever compiled loop calls it; callable from Python too
    bulk(f)(speeds, gaps)         # the same machine code as a NumPy ufunc: broadcasts, fills `out=`

Nothing is cached on disk: Numba would ask only whether the calling file has changed, never the one it calls.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numba

__all__ = ["bulk", "scalar"]

scalar = numba.njit(nogil=True, error_model="numpy", forceinline=True)


@functools.cache
def bulk(function: Any) -> Callable[..., Any]:
    """A `scalar` function over arrays; compiled once, at its first call for the types it meets."""
    return numba.vectorize(function.py_func)  # type: ignore[no-any-return]
