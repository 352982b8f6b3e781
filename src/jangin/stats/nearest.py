"""The most likely failure: the one whose conditions are least unusual; and what would have made a failure pass.

    found = nearest(run, z0, number, seed=7)           # run(z (n, d), numbers (n,)) -> margin (n,), negative is failure
    found.z, found.distance, found.share               # share: of trials whose conditions are at most as unusual
    moves = nudges(run_u, u, numbers, movable)         # for each failing trial, single conditions moved to their median

Independent conditions drawn by inverse distribution functions are uniform in u, so no place is likelier than another.
How unusual a place is, is measured where each condition has its normal score z = Phi^-1(u) (`rare.normal`): 0 is its
median, and |z| the distance of all of them together. The failure with the smallest |z| is the design point of
structural reliability. The noise is held at one trial's number throughout; how unusual that noise is, is not measured.

Search: candidates are drawn around the best failures by a normal density that is fitted to them (cross-entropy), shrunk
towards the middle, and the best one with single conditions, or several, put at their medians: what the failure does not
need goes away, so its description is short. The result is a failure that was run, never farther out than the one it
started from; that none is nearer is not promised. Where no trial has failed yet, `towards` first goes down the margin.

Source: Hasofer and Lind, J. Eng. Mech. 100 (1974) 111, for the design point; Rubinstein and Kroese, The Cross-Entropy
Method (2004); Zeller and Hildebrandt, IEEE Trans. Softw. Eng. 28 (2002) 183, for simplifying what fails; Corso et al.,
J. Artif. Intell. Res. 72 (2021) 377, for the question.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtr, chdtri

__all__ = ["Lowest", "Move", "Nearest", "Nudged", "nearest", "nudges", "towards"]

Array = np.ndarray
Run = Callable[[Array, Array], Array]

_SHRUNK = (0.97, 0.9, 0.75, 0.5, 0.25, 0.0)  # of the best failure's distance
_SMALL = (0.1, 0.25, 0.5)  # scores below which conditions are put at their medians together
_SUBSETS = 8  # random sets of conditions put at their medians together
_LAST = 2  # rounds at the end
_ELITE = 8  # failures that a round's density is fitted to
_SMOOTH = 0.7  # weight of a new density against the last one


# ── the nearest failure ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Nearest:
    """The failure with the least unusual conditions that was found.

    Attributes:
        z: (d,) normal scores of its conditions.
        distance: |z|.
        typical: median distance of a trial of the declared conditions.
        share: of trials that are at most this far from the middle.
        improved: whether it is another one than the search began with.
        evaluations: of the margin.
    """

    z: Array
    distance: float
    typical: float
    share: float
    improved: bool
    evaluations: int


def nearest(
    run: Run, start: Array, number: int, *, movable: Array, seed: int, rounds: int = 10, batch: int = 64
) -> Nearest:
    """Search from a failure at `start` (d,), under the noise of trial `number`; random: the candidates, by `seed`.

    `movable` (d,) bool are the conditions that vary; the others count as lying at their medians. A margin that is NaN
    (nobody can vouch for the trial) is no failure.
    """
    rng = np.random.default_rng(seed)
    first = np.where(movable, np.asarray(start, float), 0.0)
    best, mean, std = first, first, np.full(len(first), 0.5)
    used, loose = 0, np.zeros(len(first), bool)  # conditions that, alone, could be put at their medians
    for k in range(rounds):
        last = k >= rounds - _LAST  # only simpler, or what was drawn at the end would still have a little of everything
        asked, single = _simpler(best, loose, rng, batch if last else batch // 2)
        around = mean + std * rng.standard_normal((0 if last else batch - len(asked), len(best)))
        around[::2] *= best != 0.0  # what the best one does without stays away from half of the candidates
        z = np.where(movable, np.concatenate([asked, _within(around, best, rng)]), 0.0)
        failing = np.asarray(run(z, np.full(len(z), number))) < 0
        used += len(z)
        loose = np.zeros(len(best), bool)
        loose[[j for row, j in enumerate(single) if failing[row]]] = True
        if not failing.any():
            mean, std = best, 0.5 * std
            continue
        hits = z[failing]
        elite = hits[np.argsort(np.linalg.norm(hits, axis=1), kind="stable")[:_ELITE]]
        if np.linalg.norm(elite[0]) < np.linalg.norm(best):
            best = elite[0]
        mean = _SMOOTH * elite.mean(axis=0) + (1.0 - _SMOOTH) * mean
        std = np.maximum(_SMOOTH * elite.std(axis=0) + (1.0 - _SMOOTH) * std, 0.02)
    vary, distance = max(int(np.sum(movable)), 1), float(np.linalg.norm(best))
    share, typical = float(chdtr(vary, distance**2)), math.sqrt(float(chdtri(vary, 0.5)))
    return Nearest(best, distance, typical, share, best is not first, used)


def _simpler(best: Array, loose: Array, rng: np.random.Generator, most: int) -> tuple[Array, list[int]]:
    """The best failure with less in it, at most `most` rows (n, d); and which single condition the first rows lack."""
    present = np.flatnonzero(best)
    free = np.flatnonzero(loose & (best != 0))
    sets = [np.flatnonzero(np.abs(best) < small) for small in _SMALL]
    sets += [free] if len(free) > 1 else []
    sets += [free[rng.random(len(free)) < 0.5] for _ in range(_SUBSETS)] if len(free) > 2 else []
    shrunk = [s * best for s in _SHRUNK]
    room = max(most - len(sets) - len(shrunk), 0)
    # the smallest first: they are the ones that the failure can most likely do without
    single = [int(j) for j in present[np.argsort(np.abs(best[present]), kind="stable")][:room]]
    out = []
    for gone in [*(np.array([j]) for j in single), *sets]:
        fewer = best.copy()
        fewer[gone] = 0.0
        out.append(fewer)
    return np.array([*out, *shrunk])[: max(most, 1)], single


def _within(z: Array, best: Array, rng: np.random.Generator) -> Array:
    """Points (n, d), those farther out than the best failure pulled in to just inside its distance."""
    limit = float(np.linalg.norm(best)) * rng.uniform(0.85, 1.0, len(z))
    far = np.linalg.norm(z, axis=1)
    return np.asarray(z * np.minimum(1.0, limit / np.maximum(far, 1e-12))[:, None])


# ── where nothing has failed ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Lowest:
    """The lowest margin a search came to: where (d,), under which trial's noise, and after how many evaluations."""

    z: Array
    number: int
    margin: float
    evaluations: int


def towards(
    run: Run, z: Array, margin: Array, number: int, *, movable: Array, seed: int, rounds: int = 8, batch: int = 64
) -> Lowest:
    """Go down the margin from known points z (n, d) with margins (n,), until one is negative; random: by `seed`.

    Every candidate has a trial number, and noise, of its own, counted on from `number`.
    """
    rng = np.random.default_rng(seed)
    known = np.isfinite(margin)
    z, margin = np.where(movable, z, 0.0)[known], np.asarray(margin, float)[known]
    lowest, used = Lowest(np.zeros(len(movable)), number, math.inf, 0), 0
    elite = z[np.argsort(margin, kind="stable")[: max(_ELITE, len(z) // 20)]]
    mean, std = elite.mean(axis=0), np.maximum(elite.std(axis=0), 0.1)
    for _ in range(rounds):
        z = np.where(movable, mean + std * rng.standard_normal((batch, len(mean))), 0.0)
        numbers = number + used + np.arange(batch)
        found = np.asarray(run(z, numbers), float)
        found = np.where(np.isnan(found), math.inf, found)
        used += batch
        k = int(np.argmin(found))
        if found[k] < lowest.margin:
            lowest = Lowest(z[k], int(numbers[k]), float(found[k]), used)
        if lowest.margin < 0:
            break
        elite = z[np.argsort(found, kind="stable")[:_ELITE]]
        mean = _SMOOTH * elite.mean(axis=0) + (1.0 - _SMOOTH) * mean
        std = np.maximum(_SMOOTH * elite.std(axis=0) + (1.0 - _SMOOTH) * std, 0.05)
    return Lowest(lowest.z, lowest.number, lowest.margin, used)


# ── what would have made it pass ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Move:
    """One condition that, moved towards its median alone, makes a failing trial pass.

    Attributes:
        index: which condition.
        fails, passes: two values of its uniform next to each other, between which the outcome changes.
        moved: share of the way to the median, in (0, 1].
    """

    index: int
    fails: float
    passes: float
    moved: float


@dataclass(frozen=True)
class Nudged:
    """What became of one failing trial.

    Attributes:
        fails_again: whether it failed when it was run as it was; without that nothing else is said.
        median_passes: whether it passes with all conditions at their medians, so that the noise alone is not to blame.
        moves: the single conditions that suffice, the one with the shortest way first.
    """

    fails_again: bool
    median_passes: bool
    moves: tuple[Move, ...]


def nudges(
    run: Run, u: Array, numbers: Array, movable: Array, *, width: float = 1e-3, batch: int = 64
) -> tuple[Nudged, ...]:
    """For trials at u (n, d) with numbers (n,): each movable condition alone at 0.5, and then how far is enough.

    Nothing is random, and the noise stays the trial's own. The way to the median is divided by as many places as fit a
    batch, and the part before the first place that passes is divided again, until it is at most `width` of the way. The
    outcome may change more than once on the way: what is found is one change.
    """
    u, numbers, indices = np.asarray(u, float), np.asarray(numbers), np.flatnonzero(movable)
    cases, d = u.shape
    asked = np.repeat(u[:, None], 2 + len(indices), axis=1)  # (n, 2 + nmovable, d): as it was, all medians, each median
    asked[:, 1, indices] = 0.5
    asked[:, 2 + np.arange(len(indices)), indices] = 0.5
    passes = np.asarray(run(asked.reshape(-1, d), np.repeat(numbers, asked.shape[1]))).reshape(cases, -1) >= 0
    fails_again = ~passes[:, 0]
    case, which = np.nonzero(passes[:, 2:] & fails_again[:, None])
    index = indices[which]
    low, high = np.zeros(len(case)), np.ones(len(case))
    start = u[case, index]
    places = max(batch // max(len(case), 1), 1)
    inner = np.arange(1, places + 1) / (places + 1)
    while len(case) and np.max(high - low) > width:
        share = low[:, None] + (high - low)[:, None] * inner  # (ncases, places)
        tried = np.repeat(u[case], places, axis=0)
        tried[np.arange(len(tried)), np.repeat(index, places)] = (
            start[:, None] + share * (0.5 - start)[:, None]
        ).ravel()
        good = np.asarray(run(tried, np.repeat(numbers[case], places))).reshape(share.shape) >= 0
        share = np.column_stack([low, share, high])
        first = 1 + np.argmax(np.column_stack([good, np.ones(len(good), bool)]), axis=1)  # the far end passes
        low, high = (share[np.arange(len(share)), k] for k in (first - 1, first))
    at = [
        (int(c), Move(int(j), float(s + a * (0.5 - s)), float(s + b * (0.5 - s)), float(b)))
        for c, j, s, a, b in zip(case, index, start, low, high, strict=True)
    ]
    return tuple(
        Nudged(
            bool(fails_again[k]),
            bool(passes[k, 1]),
            tuple(sorted((m for c, m in at if c == k), key=lambda m: (m.moved, m.index))),
        )
        for k in range(cases)
    )
