"""How much of a result's variance each condition accounts for, by itself and with all its interactions.

    found = indices(y_a, y_b, y_mixed, seed=0)         # (n,), (n,), (dim, n) from design.pairs
    found.first, found.total, found.first_low, ...     # (dim,) each, with 95 % bootstrap intervals

The first-order index is the share of the variance that would go if the condition were known; the total index what would
be left if everything else were. Both are 0 for a condition without influence; total - first is its interactions.

Source: Saltelli et al., Comput. Phys. Commun. 181 (2010) 259, first order; Jansen, Comput. Phys. Commun. 117 (1999) 35,
total; Efron and Tibshirani, An Introduction to the Bootstrap (1993).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Indices", "indices"]

Array = np.ndarray

_REDRAWN = 500  # bootstrap samples


@dataclass(frozen=True)
class Indices:
    """Sobol indices of each condition with 95 % intervals, (dim,) each."""

    first: Array
    first_low: Array
    first_high: Array
    total: Array
    total_low: Array
    total_high: Array


def indices(y_a: Array, y_b: Array, y_mixed: Array, *, seed: int) -> Indices:
    """First- and total-order indices of a result at paired points; raises ValueError for one that is not finite."""
    if not (np.isfinite(y_a).all() and np.isfinite(y_b).all() and np.isfinite(y_mixed).all()):
        raise ValueError("A result that is not a finite number has no variance to share out.")
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, len(y_a), (_REDRAWN, len(y_a)))
    first, total = _both(y_a, y_b, y_mixed)
    again = np.array([_both(y_a[r], y_b[r], y_mixed[:, r]) for r in rows])  # (redrawn, 2, dim)
    low, high = np.percentile(again, [2.5, 97.5], axis=0)
    return Indices(first, low[0], high[0], total, low[1], high[1])


def _both(y_a: Array, y_b: Array, y_mixed: Array) -> tuple[Array, Array]:
    variance = float(np.var(np.concatenate([y_a, y_b])))
    if variance == 0.0:
        return np.zeros(len(y_mixed)), np.zeros(len(y_mixed))
    first = np.mean((y_b - y_b.mean()) * (y_mixed - y_a), axis=1) / variance
    total = 0.5 * np.mean((y_a - y_mixed) ** 2, axis=1) / variance
    return first, total
