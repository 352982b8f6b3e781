"""How the pieces of this package are compiled: `jit` for what is called, `scalar` for what is so small that a call
would cost more than it does.

Inlined everywhere, large pieces would only be compiled many times over.
"""

from __future__ import annotations

import numba

from jangin.vehicle.traffic.jit import scalar

__all__ = ["jit", "scalar"]

jit = numba.njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
