"""Quantiles of what trials recorded, where a failed trial may be infinite, and a bound that assumes no distribution.

    quantile([1.2, 1.5, inf], 0.5)                     # 1.5
    quantile([1.2, 1.5, inf], 0.95)                    # inf: more than 5 % of the trials failed
    upper_bound(cycle_s, 0.95)                         # 95 % confident that q95 is no larger; inf when n < 59

A quantile here is one of the values: nothing is interpolated, so inf stays inf and is never mixed with a number.

Source: Wilks, Ann. Math. Statist. 12 (1941) 91, order statistics as tolerance limits.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc

__all__ = ["quantile", "upper_bound"]


def quantile(values: ArrayLike, q: float) -> float:
    """The smallest value v such that at least a share q in (0, 1] of the values is <= v.

    Raises: ValueError for no values, a NaN among them (unknown is not a number), or q outside (0, 1].
    """
    known = _known(values, q)
    k = math.ceil(round(q * len(known), 9)) - 1  # rounded: 0.07 * 100 is 7, not 7.000000000000001
    return float(np.partition(known, k)[k])


def upper_bound(values: ArrayLike, q: float, confidence: float = 0.95) -> float:
    """The smallest order statistic that is >= the true q-quantile with this confidence; inf when n is too small.

    The number of values below the true quantile is at most Binomial(n, q), so the k-th smallest is below it with
    probability at most P(Binomial(n, q) >= k) = I_q(k, n - k + 1). Valid for a number of trials fixed beforehand.
    """
    known = _known(values, q)
    n = len(known)
    low, high = 0, n + 1  # the probability falls with k: bisection between too many and few enough
    while high - low > 1:
        k = (low + high) // 2
        low, high = (low, k) if betainc(k, n - k + 1.0, q) <= 1.0 - confidence else (k, high)
    return float(np.partition(known, high - 1)[high - 1]) if high <= n else math.inf


def _known(values: ArrayLike, q: float) -> np.ndarray:
    known = np.asarray(values, float).ravel()
    if not known.size:
        raise ValueError("A quantile of no values does not exist; give at least one.")
    if np.isnan(known).any():
        raise ValueError(
            "A quantile of values with NaN among them is unknown; leave those trials out by name or fix them."
        )
    if not 0.0 < q <= 1.0:
        raise ValueError(f"q = {q:g} is no share; give 0 < q <= 1, as 0.95.")
    return known
