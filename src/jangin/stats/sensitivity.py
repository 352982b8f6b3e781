"""Which inputs does an output depend on? First- and total-order Sobol indices, with bootstrap intervals.

    a, b = both[:, :k], both[:, k:]                    # independent inputs, (n, k) each: see `design`
    found = indices(f(a), f(b), np.stack([f(m) for m in mixed(a, b)]), seed=7)
    found.first[i], found.total[i]                     # shares of the variance of f

The first-order index of an input is the share of f's variance that it explains alone; its total index the share that
would remain if everything else were known, alone and in interaction. Both hold for inputs that are independent, and an
input may be a group: a trial's noise, drawn by its number, is one more column. Total indices may add up to more than 1.

The output is centred first, which changes no index and spares the first-order estimate most of its scatter. An estimate
may come out a little below 0: that is its error, and is left as it is. An output with infinite values has no variance,
and one with rare jumps has a variance that hangs on single trials: take `ranks` of all its values together, and say so,
for the indices are then those of the rank.

Source: Sobol, Math. Comput. Simul. 55 (2001) 271; first order by Saltelli et al., Comput. Phys. Commun. 181 (2010) 259,
table 2 (b); total by Jansen, Comput. Phys. Commun. 117 (1999) 35; Archer, Saltelli and Sobol, J. Stat. Comput. Simul.
58 (1997) 99, for the bootstrap over rows. It takes rows for independent, those of a Sobol design are more even than
that: the intervals are then too wide rather than too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["FEWEST", "Indices", "indices", "ranks"]

Array = np.ndarray

FEWEST = 8  # rows without which nothing is said


@dataclass(frozen=True)
class Indices:
    """Shares of the output's variance, (k,) each, with intervals that are pointwise and approximate.

    Attributes:
        first, first_low, first_high: explained by an input alone.
        total, total_low, total_high: what an input has a part in.
        rows: rows of the design.
    """

    first: Array
    first_low: Array
    first_high: Array
    total: Array
    total_low: Array
    total_high: Array
    rows: int


def indices(
    of_a: Array, of_b: Array, of_mixed: Array, *, seed: int, resamples: int = 1000, confidence: float = 0.95
) -> Indices:
    """Indices from the output on a (n,), on b (n,), and on a with column i from b (k, n); random: the bootstrap.

    Raises: ValueError for fewer than FEWEST rows, a value that is not finite, or an output that never varies.
    """
    f_a, f_b, f_m = (np.asarray(v, float) for v in (of_a, of_b, of_mixed))
    n = len(f_a)
    if f_b.shape != (n,) or f_m.ndim != 2 or f_m.shape[1] != n:
        raise ValueError(f"Outputs of shape {f_a.shape}, {f_b.shape} and {f_m.shape}; give (n,), (n,) and (k, n).")
    if n < FEWEST:
        raise ValueError(f"{n} rows are too few for a variance; give at least {FEWEST}.")
    if not all(np.isfinite(v).all() for v in (f_a, f_b, f_m)):
        raise ValueError("A value that is not finite has no variance. Leave its row out, or take ranks of all values.")
    if np.ptp(np.concatenate([f_a, f_b])) == 0.0:
        raise ValueError("The output never varied, so nothing can be said to cause it to.")
    centre = 0.5 * (f_a.mean() + f_b.mean())
    f_a, f_b, f_m = f_a - centre, f_b - centre, f_m - centre
    # a resample of the rows is how often each is drawn, (resamples, n)
    often = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), resamples)
    tail = 0.5 * (1.0 - confidence)
    low, high = np.nanquantile(_estimate(f_a, f_b, f_m, often), [tail, 1.0 - tail], axis=1)
    ((first,), (total,)) = _estimate(f_a, f_b, f_m, np.ones((1, n)))
    return Indices(first, low[0], high[0], total, low[1], high[1], n)


def ranks(values: Array) -> Array:
    """Each value's rank as a share in (0, 1), equal ones the mean of theirs; -inf and inf have ranks too.

    Raises: ValueError for a NaN.
    """
    values = np.asarray(values, float)
    if np.isnan(values).any():
        raise ValueError("NaN has no rank; leave its row out.")
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    shares = (np.cumsum(counts) - 0.5 * counts) / values.size
    return np.asarray(shares[index].reshape(values.shape))


def _estimate(f_a: Array, f_b: Array, f_m: Array, often: Array) -> Array:
    """First and total indices of rows drawn so often (r, n): (2, r, k), NaN where the rows drawn have no variance."""
    n = len(f_a)
    # every one of the k + 2 designs has the inputs' own law, so all of them estimate the variance
    rows = np.concatenate([f_a[None], f_b[None], f_m])
    mean = often @ rows.mean(axis=0) / n
    variance = often @ (rows**2).mean(axis=0) / n - mean**2
    first = often @ (f_b * (f_m - f_a)).T / n
    total = often @ ((f_a - f_m) ** 2).T / (2.0 * n)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.stack([first, total]) / variance[:, None]
    return np.where(variance[:, None] > 0.0, shares, np.nan)
