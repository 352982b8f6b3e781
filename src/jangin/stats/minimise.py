"""The smallest value of a function over a box, when it has many valleys and no gradient: differential evolution.

    found = minimise(error, low=[5, 0.1], high=[70, 5], rng=rng)      # error: (m, 2) points -> (m,) values
    found.x, found.value, found.evaluations

Every point of a population is challenged in every generation by a mixture of the best and of two others
(`current-to-best/1`, binomial crossover); the better stays. Mutants beyond a side of the box come back half-way to it.
Points of a generation are evaluated in one call. Same generator, same bits. It is a search, no proof: the minimum found
is the best of `evaluations` points and nothing is promised about others.

Source: Storn, Price, J. Global Optimization 11 (1997) 341; the drawn step sizes (dither) from Price, Storn, Lampinen,
Differential Evolution (2005), section 2.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Minimum", "minimise"]

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Minimum:
    """The best point found.

    Attributes:
        x: (d,) the point.
        value: of the function there.
        evaluations: points evaluated.
        spread: how far the last population's values lie apart, largest minus smallest.
    """

    x: Array
    value: float
    evaluations: int
    spread: float


def minimise(
    function: Callable[[Array], Array],
    *,
    low: Sequence[float] | Array,
    high: Sequence[float] | Array,
    rng: np.random.Generator,
    generations: int = 200,
    population: int = 0,
    crossover: float = 0.9,
    tolerance: float = 0.0,
) -> Minimum:
    """The best of a population after some generations.

    Args:
        function: (m, d) points to (m,) values; a value that is not finite loses against any that is.
        low, high: (d,) the box's ends, low <= high, finite.
        rng: draws the first population (one point a slice of each axis) and all steps.
        generations: at most so many.
        population: points in it, 4 or more; 0 for ten a dimension, at least 20.
        crossover: share of coordinates a challenger takes from the mixture.
        tolerance: stop when the population's values lie no farther apart than this.
    """
    low, high = np.asarray(low, float), np.asarray(high, float)
    if low.ndim != 1 or low.shape != high.shape or not np.all(np.isfinite(low) & np.isfinite(high) & (low <= high)):
        raise ValueError(f"No box from {low} to {high}; give two finite ends a dimension, low <= high.")
    d = len(low)
    n = population or max(20, 10 * d)
    if n < 4:
        raise ValueError(f"A population of {n} points has nothing to mix; give 4 or more.")
    slices = np.stack([rng.permutation(n) for _ in range(d)], axis=1)
    x = low + (high - low) * (slices + rng.random((n, d))) / n
    value = _values(function, x)
    evaluations = n
    for _ in range(generations):
        if value.max() - value.min() <= tolerance:
            break
        mutant = _mutants(x, x[np.argmin(value)], rng)
        mutant = np.where(mutant < low, 0.5 * (x + low), np.where(mutant > high, 0.5 * (x + high), mutant))
        taken = rng.random((n, d)) < crossover
        taken[np.arange(n), rng.integers(d, size=n)] = True  # at least one coordinate, or nothing would be tried
        challenger = np.where(taken, mutant, x)
        theirs = _values(function, challenger)
        better = theirs <= value
        x, value = np.where(better[:, None], challenger, x), np.where(better, theirs, value)
        evaluations += n
    best = int(np.argmin(value))
    return Minimum(x[best].copy(), float(value[best]), evaluations, float(value.max() - value.min()))


def _mutants(x: Array, best: Array, rng: np.random.Generator) -> Array:
    """Each point, moved towards the best and along the difference of two others; steps of 0.5 to 1 of the way."""
    n = len(x)
    order = np.argsort(rng.random((n, n - 1)), axis=1)[:, :2]  # two different ones of the n - 1 others
    others = order + (order >= np.arange(n)[:, None])
    step = rng.uniform(0.5, 1.0, (n, 1))
    return x + step * (best - x) + step * (x[others[:, 0]] - x[others[:, 1]])


def _values(function: Callable[[Array], Array], x: Array) -> Array:
    value = np.asarray(function(x), float)
    if value.shape != (len(x),):
        raise ValueError(f"{len(x)} points gave values of shape {value.shape}; give one a point.")
    return np.where(np.isfinite(value), value, np.finfo(float).max)
