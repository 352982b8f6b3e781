"""Inverse distribution functions that need special functions: one uniform in, one value out.

normal([0.025, 0.975])             # -1.96, 1.96
gamma([0.5], shape=4.0)            # 3.672: median of the gamma distribution with shape 4 and scale 1

One uniform makes one value, so two studies that draw the same uniforms stay in step whatever the distribution.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincinv, ndtri

__all__ = ["gamma", "normal"]


def normal(u: ArrayLike) -> np.ndarray:
    """Quantiles of the standard normal at u in [0, 1]; -inf and inf at the ends."""
    return np.asarray(ndtri(np.asarray(u, float)))


def gamma(u: ArrayLike, shape: float) -> np.ndarray:
    """Quantiles of the gamma distribution with `shape` > 0 and scale 1 at u in [0, 1]; 0 and inf at the ends."""
    return np.asarray(gammaincinv(shape, np.asarray(u, float)))
