"""How many trials a claim will take, before the first one is run; and how many more, once some have been.

    need = trials_needed(p0=0.95, p=0.99, alpha=0.05)
    need.expected, need.median, need.supported        # 136.4, 131, 0.9997
    trials_to_go(successes=480, failures=12, p0=0.95, alpha=0.05)

`trials_needed` is exact: the number of failures after n trials is followed as a distribution, and what crosses one of
the two boundaries of `sequential` is taken out and counted. Nothing is simulated and nothing is approximated but the
cut-off: at `most` trials the rest is left undecided.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jangin.stats.sequential import log_e_against, log_e_for, trials_to_support

__all__ = ["Needed", "trials_needed", "trials_to_go"]

Array = np.ndarray


@dataclass(frozen=True)
class Needed:
    """What one claim takes when P(indicator) is p.

    Attributes:
        expected: mean number of trials to the decision (undecided ones count as `most`).
        median: the number of trials by which the decision has fallen in half of all cases; None when it has not.
        supported, refuted, undecided: probabilities of the three ends; they sum to 1.
        most: the number of trials at which it was given up.
    """

    expected: float
    median: int | None
    supported: float
    refuted: float
    undecided: float
    most: int


def trials_needed(
    *, p0: float, p: float, alpha: float, alpha_refute: float | None = None, most: int = 20_000
) -> Needed:
    """The exact distribution of the end of one claim P(indicator) >= p0 when the true probability is p in [0, 1].

    E+ is tested against 1/alpha, E- against 1/alpha_refute (alpha unless given). Takes about 10 us per trial.
    """
    support_from, refute_until = _boundaries(p0, alpha, alpha if alpha_refute is None else alpha_refute, most)
    size = len(support_from) + 1
    alive = np.zeros(size)  # probability of k failures so far, undecided
    alive[0] = 1.0
    supported = refuted = expected = 0.0
    median = None
    low = 0  # fewer failures than this are supported
    high = 0  # so many failures, or more, are refuted
    for n in range(1, most + 1):
        left = alive.sum()
        if left < 1e-12:
            break
        expected += left
        alive[1:] = p * alive[1:] + (1.0 - p) * alive[:-1]
        alive[0] *= p
        while low < size - 1 and n >= support_from[low]:
            low += 1
        while high < size - 1 and refute_until[high] < n:
            high += 1
        supported += alive[:low].sum()
        refuted += alive[high:].sum()
        alive[:low] = alive[high:] = 0.0
        if median is None and supported + refuted >= 0.5:
            median = n
    return Needed(float(expected), median, float(supported), float(refuted), float(alive.sum()), most)


def _boundaries(p0: float, alpha: float, alpha_refute: float, most: int) -> tuple[Array, Array]:
    """By number of failures k: trials from which k failures support, and up to which k failures refute (0: never).

    Both rise with k: at fixed k another success raises E+ and lowers E-. They end with the first k that refutes even
    after `most` trials, which nothing undecided can pass.
    """
    size = 32
    while (until := _refute_until(np.arange(size), p0, alpha_refute, most))[-1] < most and size <= most:
        size *= 2
    last = int(np.searchsorted(until, most))
    until = until[: last + 1]
    return trials_to_support(p0, alpha, np.arange(len(until))), until


def _refute_until(failures: Array, p0: float, alpha_refute: float, most: int) -> Array:
    """The most trials, <= `most`, that still refute with so many failures; 0 where failures alone do not."""
    threshold = -np.log(alpha_refute)
    low, high = np.zeros(failures.shape), np.maximum(float(most) - failures, 0.0)  # successes
    ever = log_e_against(low, failures, p0) >= threshold
    always = log_e_against(high, failures, p0) >= threshold
    while (high - low > 1).any():
        middle = np.floor(0.5 * (low + high))
        still = log_e_against(middle, failures, p0) >= threshold
        low, high = np.where(still, middle, low), np.where(still, high, middle)
    most_successes = np.where(always, np.maximum(most - failures, 0), low)
    return np.asarray(np.where(ever, most_successes + failures, 0)).astype(np.int64)


def trials_to_go(
    *, successes: int, failures: int, p0: float, alpha: float, alpha_refute: float | None = None, most: int = 10**9
) -> int | None:
    """About how many more trials decide the claim if the rate stays as it was seen; None when more than `most`.

    A guide for a person, no bound: it follows the mean course (s + m r, f + m (1-r)) at the rate r = (s+1/2)/(n+1).
    """
    rate = (successes + 0.5) / (successes + failures + 1.0)
    refute = -np.log(alpha if alpha_refute is None else alpha_refute)

    def decided(m: int) -> bool:
        s, f = successes + m * rate, failures + m * (1.0 - rate)
        return bool(log_e_for(s, f, p0) >= -np.log(alpha) or log_e_against(s, f, p0) >= refute)

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
