"""When a course first reaches a threshold, and how high it went, without a look at every trial.

    first_reaching(value, most, 1_000_000, threshold)                       # 377, or None: exact
    running_highest(value, exceeds, ends=[1000, 2000], after=0, floor=0.0)  # the highest so far, at each of `ends`

A course is a number after each trial, value(n). It costs about half a microsecond to compute, so a million of them for
ten claims take seconds. But an e-process depends on how many trials failed, and that changes little over a window of
trials: if even the most favourable order within the window cannot bring it to the threshold, all of its trials are
excluded by one number. What cannot be excluded is cut into pieces; a window of a few trials is computed trial by trial.
The result is that of computing every trial. Near the boundary of a Bernoulli claim about sqrt(n p / (1 - p)) trials fit
into a window that can be excluded, so some thousands of numbers replace a million.

Source: branch and bound, Land and Doig, Econometrica 28 (1960) 497.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["SLACK", "fewest", "first_at", "first_reaching", "running_highest"]

Array = np.ndarray

SLACK = 1e-6  # of a logarithm: far above its rounding error, so that rounding can never exclude what would be reached
_PIECES = 4  # that a window is cut into
_SHORT = 32  # trials: a window no longer than this is computed trial by trial


def fewest(decided: Callable[[int], bool], most: int) -> int | None:
    """The smallest m >= 0 with decided(m), which stays true once it is; None when that is above about `most`."""
    if decided(0):
        return 0
    high = 1
    while not decided(high):
        if high >= most:
            return None
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decided(middle) else (middle, high)
    return high


def first_at(values: Array, threshold: float) -> int | None:
    """1 + the first index at which values (n,) reach the threshold; None if they never do."""
    reached = values >= threshold
    return int(np.argmax(reached)) + 1 if reached.any() else None


def first_reaching(
    value: Callable[[Array], Array],
    most: Callable[[Array, Array], Array],
    until: int,
    threshold: float,
    *,
    after: int = 0,
) -> int | None:
    """The first n with after < n <= until and value(n) >= threshold; None if there is none.

    `value` takes (k,) int and gives (k,). `most` takes windows, low and high (k,), and gives for each a number that
    value(n) does not exceed (by more than SLACK) for low < n <= high.
    """
    low, high = np.array([after], np.int64), np.array([until], np.int64)
    found: int | None = None
    while True:
        kept = low < high
        low, high = low[kept], high[kept]
        kept = most(low, high) >= threshold - SLACK if low.size else np.zeros(0, bool)
        low, high = low[kept], high[kept]
        if not low.size:
            return found
        short = high - low <= _SHORT
        # the ends of long windows too: one that reaches the threshold excludes everything after it
        at = np.sort(np.concatenate([_within(low[short], high[short]), high[~short]]))
        hit = first_at(value(at), threshold)
        low, high = low[~short], high[~short]
        if hit is not None:
            found = int(at[hit - 1])
            high = np.minimum(high, found)
        low, high, _ = _cut(low, high)


def running_highest(
    value: Callable[[Array, Array], Array],
    exceeds: Callable[[Array, Array, Array], Array],
    *,
    ends: Array,
    after: int,
    floor: float,
) -> Array:
    """max(floor, value(n) for after < n <= end) for each of `ends` (k,), ascending and none before `after`; (k,).

    `value` takes n and a floor of each, (k,); where it is below the floor it may give any smaller number.
    `exceeds` takes windows, low and high (k,), and says whether some value(n) with low < n <= high may be above a
    floor (k,) of each.
    """
    ends = np.asarray(ends, np.int64)
    floors = np.full(ends.shape, floor)
    best = np.maximum.accumulate(np.where(ends > after, np.maximum(floors, value(ends, floors)), floors))
    low = np.concatenate([[after], ends[:-1]]).astype(np.int64)
    high, segment = ends - 1, np.arange(len(ends))
    while True:
        kept = low < high
        low, high, segment = low[kept], high[kept], segment[kept]
        kept = exceeds(low, high, best[segment]) if low.size else np.zeros(0, bool)
        low, high, segment = low[kept], high[kept], segment[kept]
        if not low.size:
            return best
        short = high - low <= _SHORT
        owner = np.concatenate([np.repeat(segment[short], (high - low)[short]), segment[~short]])
        at = np.concatenate([_within(low[short], high[short]), high[~short]])
        np.maximum.at(best, owner, value(at, best[owner]))
        best = np.maximum.accumulate(best)
        low, high, window = _cut(low[~short], high[~short])
        segment = segment[~short][window]


def _within(low: Array, high: Array) -> Array:
    """All n with low < n <= high, window by window."""
    length = high - low
    return np.repeat(high - np.cumsum(length), length) + np.arange(1, length.sum() + 1)


def _cut(low: Array, high: Array) -> tuple[Array, Array, Array]:
    """Each window in pieces, in order, and which window each comes from; the end of a window is known already."""
    edges = low + (high - low) * np.arange(_PIECES + 1)[:, None] // _PIECES
    window = np.repeat(np.arange(len(low)), _PIECES)
    lower, upper = edges[:-1].T.ravel(), edges[1:].T.ravel()
    upper[_PIECES - 1 :: _PIECES] -= 1
    return lower, upper, window
