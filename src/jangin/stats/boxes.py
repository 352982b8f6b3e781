"""Failure regions as a few boxes with short descriptions, and a test of each on trials that did not suggest it.

    found = boxes(u, failed, cuts)                     # u (n, d) in [0, 1), failed (n,) bool
    found[0].sides                                     # (Side(3, 0.80, 1.0), Side(14, 0.0, 0.25)): two conditions
    fresh = found[0].draw(rng.random((256, d)))        # uniform inside it
    retest([Counts(256, 160, 230, 4)], [0.05])         # does it stand?

Finding. A box bounds at most three of the conditions. It is scored by how much better two failure rates, inside and
outside, explain the map than one does: Kulldorff's log likelihood ratio. For every condition it bounds it pays the
logarithm of the number of ways it could have been bounded, so that a condition that explains no more than the best of
so many would by chance is left out. The search is a beam over sets of conditions with all intervals of a grid, then
moves each side on a finer one; the next box is sought among the points that the earlier ones leave. What is found on a
map was selected for its rate there, which is therefore too high; it is only a suspicion.

Testing. Fresh trials, independent of the map, are run inside each box and over the whole domain. Those of the whole
domain that fall outside a box are its control. Under "a trial in the box fails no more often than one outside",
Fisher's exact test has a level of at most alpha, however the box was found; Holm's method keeps the probability of a
single false box at most alpha, however the tests depend on each other. Intervals are Clopper-Pearson, each at
1 - alpha / (2 m) for m boxes, so that those of all rates, inside and outside, hold at once (Bonferroni).

Source: Friedman and Fisher, Stat. Comput. 9 (1999) 123, for hunting bumps with boxes, one after the other; Kulldorff,
Commun. Stat. Theory Methods 26 (1997) 1481, for the score; Fisher, J. R. Stat. Soc. 98 (1935) 39; Holm, Scand. J.
Statist. 6 (1979) 65; Clopper and Pearson, Biometrika 26 (1934) 404.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy
from scipy.stats import hypergeom

from jangin.stats.binomial import interval

__all__ = ["FEWEST", "Box", "Counts", "Retested", "Side", "boxes", "holm", "retest"]

Array = np.ndarray

FEWEST = 5  # failures without which nothing is sought, and which a box must hold
_COARSE = 16  # cells of a condition while conditions are chosen
_BEAM = 4  # boxes that are kept of each set of conditions
_SETS = 60  # sets of conditions that are kept at each depth
_PASSES = 8  # over all sides while they are moved


@dataclass(frozen=True)
class Side:
    """The bounds of one condition: low <= u[index] < high, with 0 <= low < high <= 1."""

    index: int
    low: float
    high: float


@dataclass(frozen=True)
class Box:
    """A region of the unit cube: the product of its sides, all other conditions free.

    Attributes:
        sides: what it bounds, at most one side per condition, in their order.
        score: log likelihood ratio on the map's grid, less what its description costs.
    """

    sides: tuple[Side, ...]
    score: float = 0.0

    @property
    def volume(self) -> float:
        """Its share of the unit cube, which is its probability under the declared conditions."""
        return math.prod(s.high - s.low for s in self.sides)

    def inside(self, u: Array) -> Array:
        """Which of the points u (n, d) lie in it, (n,) bool."""
        held = np.ones(len(u), bool)
        for s in self.sides:
            held &= (u[:, s.index] >= s.low) & (u[:, s.index] < s.high)
        return held

    def draw(self, u: Array) -> Array:
        """Points u (n, d) of the unit cube moved into the box: uniform ones stay uniform."""
        moved = np.array(u, float)
        for s in self.sides:
            moved[:, s.index] = np.minimum(s.low + (s.high - s.low) * u[:, s.index], np.nextafter(s.high, 0.0))
        return moved


# ── finding ──────────────────────────────────────────────────────────────────────────────────────────────────────


def boxes(u: Array, failed: Array, cuts: Sequence[Array], *, most: int = 4, conditions: int = 3) -> tuple[Box, ...]:
    """At most `most` boxes of at most `conditions` sides that fail more often than what is outside, the best first.

    `cuts[j]` are where condition j may be bounded, inner points of (0, 1) in order; none for one that never varies.
    Nothing is random. Without FEWEST failures there is no box.
    """
    u, failed = np.asarray(u, float), np.asarray(failed, bool)
    left, found = np.ones(len(u), bool), list[Box]()
    while len(found) < most:
        box = _best(u[left], failed[left], cuts, conditions)
        if box is None:
            break
        found.append(box)
        left &= ~box.inside(u)
    return tuple(found)


def _best(u: Array, failed: Array, cuts: Sequence[Array], conditions: int) -> Box | None:
    """The box with the highest score, if that is above 0."""
    if failed.sum() < FEWEST or failed.all():
        return None
    coarse = _Grid(u, failed, [_thinned(c) for c in cuts])
    beam, best = [Box(())], Box(())
    for _ in range(conditions):
        beam = _pruned([longer for box in beam for longer in coarse.longer(box)])
        if not beam:
            break
        best = max(best, beam[0], key=lambda b: b.score)
    return _Grid(u, failed, cuts).moved(best) if best.score > 0 else None


def _thinned(cuts: Array) -> Array:
    """Every so many of the cuts, so that there are at most _COARSE cells."""
    step = -(-(len(cuts) + 1) // _COARSE)
    return np.asarray(cuts, float)[step - 1 :: step]


def _rank(box: Box) -> tuple[float, tuple[tuple[int, float, float], ...]]:
    """The order of boxes: by score, equal ones by what they say, so that nothing depends on the order of work."""
    return -box.score, tuple((s.index, s.low, s.high) for s in box.sides)


def _pruned(candidates: list[Box]) -> list[Box]:
    """The best few boxes of each of the best sets of conditions, the best box first."""
    kept: dict[tuple[int, ...], list[Box]] = {}
    seen: set[tuple[Side, ...]] = set()
    for box in sorted(candidates, key=_rank):
        names = tuple(s.index for s in box.sides)
        if box.sides in seen or (names not in kept and len(kept) == _SETS):
            continue
        group = kept.setdefault(names, [])
        if len(group) < _BEAM:
            group.append(box)
            seen.add(box.sides)
    return sorted((box for group in kept.values() for box in group), key=_rank)


class _Grid:
    """The map's points in the cells between cuts, and the scores of boxes whose bounds are cuts."""

    def __init__(self, u: Array, failed: Array, cuts: Sequence[Array]) -> None:
        self.u, self.failed = u, failed
        self.edges = [np.concatenate([[0.0], c, [1.0]]) for c in cuts]
        self.sizes = np.array([len(e) - 1 for e in self.edges])
        self.cells = np.stack([np.searchsorted(c, u[:, j], side="right") for j, c in enumerate(cuts)], axis=1)
        self.low, self.high = np.triu_indices(int(self.sizes.max()) + 1, 1)
        # (d, npairs): which pairs of cuts bound a condition, and what that costs: ln of how many pairs do it so
        size = self.sizes[:, None]
        bounded = (self.low > 0).astype(int) + (self.high < size)
        self.possible = (self.high <= size) & (bounded > 0)
        both = np.maximum((size - 1) * (size - 2) // 2, 1)
        ways = np.where(bounded == 2, both, 2 * np.maximum(size - 1, 1))
        self.cost = np.log(ways * max(int((self.sizes > 1).sum()), 1))

    def longer(self, box: Box) -> list[Box]:
        """The box with one more condition bounded, each in the best few ways."""
        paid = self._ratio_of(box) - box.score
        scores = self._scores(box.inside(self.u)) - paid
        scores[[s.index for s in box.sides]] = -np.inf
        found = []
        for j, own in enumerate(scores):
            for k in np.argsort(-own, kind="stable")[:_BEAM]:
                if np.isfinite(own[k]):
                    sides = sorted([*box.sides, self._side(j, int(k))], key=lambda s: s.index)
                    found.append(Box(tuple(sides), float(own[k])))
        return found

    def moved(self, box: Box) -> Box:
        """The box with each side in turn where it is best, given the others, until none moves."""
        sides = list(box.sides)
        for _ in range(_PASSES):
            before = list(sides)
            for k, side in enumerate(before):
                others = Box(tuple(s for i, s in enumerate(sides) if i != k))
                scores = self._scores(others.inside(self.u))[side.index]
                if np.isfinite(scores.max()):
                    sides[k] = self._side(side.index, int(np.argmax(scores)))
            if sides == before:
                break
        return Box(tuple(sides), box.score)

    def _side(self, j: int, pair: int) -> Side:
        return Side(j, float(self.edges[j][self.low[pair]]), float(self.edges[j][self.high[pair]]))

    def _ratio_of(self, box: Box) -> float:
        """The log likelihood ratio of a box."""
        inside = box.inside(self.u)
        n, f = np.array([inside.sum()]), np.array([(inside & self.failed).sum()])
        return float(_ratio(n, f, len(self.failed), int(self.failed.sum()))[0])

    def _scores(self, inside: Array) -> Array:
        """For points `inside` already, each condition and pair of cuts: log likelihood ratio less cost, (d, npairs)."""
        d, most = len(self.sizes), int(self.sizes.max())
        flat = (self.cells[inside] + np.arange(d) * most).ravel()
        weights = (None, np.repeat(self.failed[inside], d))
        counts = [np.bincount(flat, w, d * most).reshape(d, most) for w in weights]
        n, f = (np.pad(np.cumsum(c, axis=1), ((0, 0), (1, 0))) for c in counts)
        n, f = n[:, self.high] - n[:, self.low], f[:, self.high] - f[:, self.low]
        ratio = _ratio(n, f, len(self.failed), int(self.failed.sum()))
        return np.where(self.possible & (f >= FEWEST), ratio - self.cost, -np.inf)


def _ratio(n: Array, f: Array, trials: int, failures: int) -> Array:
    """ln of how much likelier f failures of n, and the rest of the rest, are with two rates than with one; else 0."""
    m, g = trials - n, failures - f
    p, q = f / np.maximum(n, 1), g / np.maximum(m, 1)
    two = xlogy(f, p) + xlogy(n - f, 1.0 - p) + xlogy(g, q) + xlogy(m - g, 1.0 - q)
    one = xlogy(failures, failures / trials) + xlogy(trials - failures, 1.0 - failures / trials)
    return np.where(p > q, two - one, 0.0)


# ── testing ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Counts:
    """Fresh trials inside a box and, of those over the whole domain, outside it."""

    trials: int
    failures: int
    outside: int
    outside_failures: int


@dataclass(frozen=True)
class Retested:
    """What the fresh trials say of a box; the intervals of all boxes' rates hold at once.

    Attributes:
        counts: they themselves.
        p: probability of so many failures inside, or more, if the box were like the rest; adjusted by Holm's method.
        stands: whether p <= alpha.
        rate, low, high: failure rate in the box, with its interval.
        outside_low, outside_high: interval of the failure rate outside it.
        share, share_low, share_high: share of all failures that lie in the box, from both rates and its volume; nan
            where no trial failed.
    """

    counts: Counts
    p: float
    stands: bool
    rate: float
    low: float
    high: float
    outside_low: float
    outside_high: float
    share: float
    share_low: float
    share_high: float


def retest(counts: Sequence[Counts], volumes: Sequence[float], *, alpha: float = 0.05) -> tuple[Retested, ...]:
    """Test each box, of a share `volumes` of the domain, on its fresh trials, and say how often it fails."""
    adjusted = holm([_fisher(c) for c in counts])
    confidence = 1.0 - alpha / max(2 * len(counts), 1)
    found = []
    for c, volume, p in zip(counts, volumes, adjusted, strict=True):
        low, high = _interval(c.failures, c.trials, confidence)
        out_low, out_high = _interval(c.outside_failures, c.outside, confidence)
        rate, out = c.failures / c.trials, c.outside_failures / c.outside if c.outside else 0.0
        share, *ends = (_share(volume, i, o) for i, o in ((rate, out), (low, out_high), (high, out_low)))
        found.append(Retested(c, p, p <= alpha, rate, low, high, out_low, out_high, share, *ends))
    return tuple(found)


def holm(p: Sequence[float]) -> list[float]:
    """p-values adjusted by Holm's method: rejecting those <= alpha makes a false one with probability <= alpha."""
    order = sorted(range(len(p)), key=lambda k: p[k])
    adjusted, largest = [0.0] * len(p), 0.0
    for done, k in enumerate(order):
        largest = max(largest, min(1.0, (len(p) - done) * p[k]))
        adjusted[k] = largest
    return adjusted


def _fisher(c: Counts) -> float:
    """Fisher's exact one-sided test: P(at least so many of all failures are inside | their number)."""
    return float(hypergeom.sf(c.failures - 1, c.trials + c.outside, c.failures + c.outside_failures, c.trials))


def _interval(failures: int, trials: int, confidence: float) -> tuple[float, float]:
    return interval(successes=failures, trials=trials, confidence=confidence) if trials else (0.0, 1.0)


def _share(volume: float, inside: float, outside: float) -> float:
    """Share of failures in a box of this volume; nan where nothing fails anywhere."""
    both = volume * inside + (1.0 - volume) * outside
    return volume * inside / both if both > 0 else math.nan
