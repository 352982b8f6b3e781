"""How an outcome spreads over a condition: equal-count bins, the share of variance they explain, and plain chance.

    b = bins(clearance)                    # about eight bins with as many trials each; one per value of a choice
    explained(succeeded, b)                # eta squared, 0 (no effect) to 1
    by_chance(succeeded, [b, ...])         # probability of a spread this large for any condition when none matters

Sources: Fisher, Statistical Methods for Research Workers (1925), section 45, for the correlation ratio; Westfall and
Young, Resampling-Based Multiple Testing (1993), section 2.6, for the permutation maximum that allows for having looked
at many conditions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jangin.task import Array

__all__ = ["Bins", "bins", "by_chance", "explained"]


@dataclass(frozen=True)
class Bins:
    """A condition cut into n bins.

    Attributes:
        index: (ntrials,) which bin each trial is in.
        sizes: (n,) trials in each bin, all > 0.
        centres: (n,) the median of each bin's values, in the condition's unit.
        ends: (2,) smallest and largest value.
    """

    index: Array
    sizes: Array
    centres: Array
    ends: Array

    @property
    def n(self) -> int:
        """How many bins."""
        return len(self.sizes)

    def mean(self, values: Array) -> Array:
        """Mean of `values` (ntrials,) in each bin, (n,)."""
        return np.bincount(self.index, np.asarray(values, float), self.n) / self.sizes

    def quantiles(self, values: Array, qs: Sequence[float]) -> list[Array]:
        """Quantiles of the finite values in each bin: for each q an (n,) array, NaN where a bin has none."""
        parts = [values[(self.index == k) & np.isfinite(values)] for k in range(self.n)]
        return [np.array([np.quantile(p, q) if p.size else np.nan for p in parts]) for q in qs]


def bins(values: Array, wanted: int = 8) -> Bins:
    """Cut values (ntrials,) into about `wanted` bins of equal count, fewer for few trials; one per value if few differ.

    A bin holds at least five trials or so: fewer say nothing.
    """
    values = np.asarray(values, float)
    if values.size == 0:
        return Bins(np.zeros(0, int), np.zeros(0, int), np.zeros(0), np.zeros(2))
    distinct = np.unique(values)
    if len(distinct) <= wanted:
        index = np.searchsorted(distinct, values)
    else:
        n = max(1, min(wanted, len(values) // 5))
        edges = np.quantile(values, np.linspace(0, 1, n + 1)[1:-1])
        index = np.unique(np.searchsorted(edges, values, side="right"), return_inverse=True)[1]
    sizes = np.bincount(index)
    centres = np.array([np.median(values[index == k]) for k in range(len(sizes))])
    return Bins(index, sizes, centres, np.array([values.min(), values.max()]))


def explained(values: Array, b: Bins) -> float:
    """Share of the variance of values (ntrials,) between the bins (eta squared); non-finite values are left out."""
    values = np.asarray(values, float)
    finite = np.isfinite(values)
    if finite.sum() < 2 or np.ptp(values[finite]) == 0:
        return 0.0
    v, index = values[finite], b.index[finite]
    sizes = np.bincount(index, minlength=b.n)
    sums = np.bincount(index, v - v.mean(), b.n)
    between = float(np.sum(sums[sizes > 0] ** 2 / sizes[sizes > 0]))
    return between / float(np.sum((v - v.mean()) ** 2))


def by_chance(success: Array, cuts: Sequence[Bins], *, times: int = 1000, seed: int = 0) -> list[float]:
    """For each condition: how often some condition shows a spread this large when outcomes are dealt out at random.

    Args:
        success: (ntrials,) bool, some true and some false.
        cuts: the conditions' bins, of the same trials.
        times: random deals, from `numpy.random.default_rng(seed)`.
    """
    success = np.asarray(success, bool)
    rare = bool(success.mean() <= 0.5)  # dealing out the rarer outcome costs less and spreads the same
    hits = int(np.sum(success == rare))
    rng = np.random.default_rng(seed)

    def spread(chosen: Array, b: Bins) -> float:
        """Pearson's chi squared, less its mean and over its deviation so that unlike numbers of bins compare."""
        expected = hits * b.sizes / len(success)
        squared = np.sum((np.bincount(b.index[chosen], minlength=b.n) - expected) ** 2 / expected)
        freedom = max(b.n - 1, 1)
        return float((squared / (1 - hits / len(success)) - freedom) / math.sqrt(2 * freedom))

    seen = np.array([spread(np.flatnonzero(success == rare), b) for b in cuts])
    largest = np.empty(times)
    for k in range(times):
        dealt = rng.choice(len(success), hits, replace=False)
        largest[k] = max(spread(dealt, b) for b in cuts)
    # the recorded table counts as one of the deals, so that no probability is ever 0
    return [float((1 + np.sum(largest >= s - 1e-9)) / (times + 1)) for s in seen]
