"""Random numbers without a state: the k-th number of a stream is a function of its key and k, for compiled worlds.

    uniform(key, k)                # in [0, 1)
    standard_normal(key, k)        # mean 0, standard deviation 1

SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): the k-th state of a stream is a mix of its key and k, so a draw needs
no memory and is the same in any order and on any number of threads.
"""

from __future__ import annotations

import math

import numba
import numpy as np

__all__ = ["GOLDEN", "mix", "standard_normal", "uniform", "unit"]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX1, _MIX2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_TO_UNIT = 2.0**-53

_jit = numba.njit(nogil=True, error_model="numpy")


@_jit
def mix(z):  # type: ignore[no-untyped-def]
    """64 bits of a state, well mixed."""
    z = (z ^ (z >> _S30)) * _MIX1
    z = (z ^ (z >> _S27)) * _MIX2
    return z ^ (z >> _S31)


@_jit
def unit(bits):  # type: ignore[no-untyped-def]
    """The number in [0, 1) that mixed bits stand for."""
    return (bits >> _S11) * _TO_UNIT


@_jit
def uniform(key, k):  # type: ignore[no-untyped-def]
    """The k-th number in [0, 1) of a stream; key: uint64."""
    return unit(mix(key + np.uint64(k + 1) * GOLDEN))


@_jit
def standard_normal(key, k):  # type: ignore[no-untyped-def]
    """The k-th number of a standard normal stream: of uniforms 2k and 2k + 1 (Box and Muller, 1958)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(key, 2 * k)))
    return radius * math.cos(2.0 * math.pi * uniform(key, 2 * k + 1))
