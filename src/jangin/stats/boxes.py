"""Failure regions as a few boxes: where in the unit cube failures are denser than elsewhere, found and then tested.

    found = boxes(u, failed)                              # at most 4 Box, the strongest first
    p = excess(failures=40, trials=200, rate=0.02)        # of fresh trials inside a box, against the rate elsewhere

A box is found by peeling: from the whole cube one thin slice after the other is cut off, always the one whose loss
raises the failure rate inside most, and of all boxes on the way the one is kept whose failures exceed what the overall
rate gives by the most standard deviations. Sides that hardly matter are then given up, so a box names few conditions.
Points of a box are put aside before the next is looked for.

A box found in points is at its best in those points. So it is nothing until fresh trials inside it have confirmed it.

Source: Friedman and Fisher, Stat. Comput. 9 (1999) 123, bump hunting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc

__all__ = ["Box", "boxes", "excess", "holm"]

Array = np.ndarray

_SLICE = 0.08  # of the points in a box that one cut takes
_FEWEST = 12  # points in a box
_STRONG = 3.0  # standard deviations of excess failures without which a box is not worth a test
_GIVEN_UP = 0.9  # of a box's strength that must be left when a side is given up


@dataclass(frozen=True)
class Box:
    """A box in the unit cube: low (d,) <= u < high (d,); a side that is open is 0 or 1.

    Attributes:
        points, failures: of the map, inside.
        volume: share of the cube.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    points: int
    failures: int

    @property
    def volume(self) -> float:
        """Share of the conditions that lie in it."""
        return float(np.prod(np.subtract(self.high, self.low)))

    def holds(self, u: Array) -> Array:
        """Which points (n, d) lie in it, (n,) bool."""
        return np.asarray(((u >= self.low) & (u < self.high)).all(axis=1))


def boxes(u: Array, failed: Array, *, most: int = 4) -> list[Box]:
    """Boxes of points u (n, d) in [0, 1) where failed (n,) bool is denser than overall, the strongest first."""
    left = np.ones(len(u), bool)
    found: list[Box] = []
    rate = float(failed.mean())
    while len(found) < most and 0.0 < rate < 1.0:
        low, high, strength = _peeled(u[left], failed[left], rate)
        if strength < _STRONG:
            break
        low, high = _simplified(u[left], failed[left], rate, low, high)
        inside = left & ((u >= low) & (u < high)).all(axis=1)
        found.append(Box(tuple(low.tolist()), tuple(high.tolist()), int(inside.sum()), int(failed[inside].sum())))
        left &= ~inside
    return found


def _strength(failures: float, points: float, rate: float) -> float:
    """By how many standard deviations the failures exceed those of the overall rate."""
    return float((failures - points * rate) / np.sqrt(max(points * rate * (1.0 - rate), 1e-12)))


def _peeled(u: Array, failed: Array, rate: float) -> tuple[Array, Array, float]:
    dim = u.shape[1]
    low, high = np.zeros(dim), np.ones(dim)
    best = (low.copy(), high.copy(), 0.0)
    inside = np.ones(len(u), bool)
    while inside.sum() > _FEWEST:
        cuts = []
        points, bad = u[inside], failed[inside]
        for k in range(dim):
            for side, q in ((0, _SLICE), (1, 1.0 - _SLICE)):
                edge = float(np.quantile(points[:, k], q))
                kept = points[:, k] >= edge if side == 0 else points[:, k] < edge
                if _FEWEST <= kept.sum() < len(points):
                    cuts.append((float(bad[kept].mean()), k, side, edge))
        if not cuts:
            break
        _, k, side, edge = max(cuts)
        (low if side == 0 else high)[k] = edge
        inside = np.asarray(((u >= low) & (u < high)).all(axis=1))
        strength = _strength(failed[inside].sum(), inside.sum(), rate)
        if strength > best[2]:
            best = (low.copy(), high.copy(), strength)
    return best


def _simplified(u: Array, failed: Array, rate: float, low: Array, high: Array) -> tuple[Array, Array]:
    """The box without the sides that hardly matter, the least important first."""

    def strength(a: Array, b: Array) -> float:
        inside = ((u >= a) & (u < b)).all(axis=1)
        return _strength(failed[inside].sum(), inside.sum(), rate)

    wanted = _GIVEN_UP * strength(low, high)
    while True:
        options = []
        for k in range(len(low)):
            for side, open_ in ((low, 0.0), (high, 1.0)):
                if side[k] != open_:
                    a, b = low.copy(), high.copy()
                    (a if side is low else b)[k] = open_
                    options.append((strength(a, b), k, side is low))
        options.sort(reverse=True)
        if not options or options[0][0] < wanted:
            return low, high
        _, k, lower = options[0]
        (low if lower else high)[k] = 0.0 if lower else 1.0


def excess(*, failures: int, trials: int, rate: float) -> float:
    """P(so many failures or more in so many trials) at this rate: the exact one-sided p-value of a denser box."""
    if failures == 0:
        return 1.0
    return float(betainc(failures, trials - failures + 1.0, rate))


def holm(p: Array, alpha: float) -> Array:
    """Which of several hypotheses Holm's method rejects, (m,) bool: any wrong one with probability at most alpha.

    Source: Holm, Scand. J. Statist. 6 (1979) 65.
    """
    order = np.argsort(p, kind="stable")
    passed = np.asarray(p)[order] <= alpha / (len(p) - np.arange(len(p)))
    rejected = np.zeros(len(p), bool)
    rejected[order] = np.logical_and.accumulate(passed)
    return rejected
