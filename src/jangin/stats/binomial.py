"""Exact intervals for a success rate when the number of trials was fixed beforehand.

    interval(successes=20, trials=20)                  # (0.8316, 1.0): Clopper-Pearson, two-sided 95 %
    lower(successes=299, trials=299)                   # 0.99003: one-sided 95 %
    zero_failure_trials(0.99)                          # 299

For display, and for `simulate`, where n was fixed. A verdict never rests on it: looking again and again at such an
interval breaks its promise; `sequential` keeps it.

Source: Clopper and Pearson, Biometrika 26 (1934) 404.
"""

from __future__ import annotations

import math

from scipy.special import betaincinv

__all__ = ["interval", "lower", "upper", "zero_failure_trials"]


def lower(*, successes: int, trials: int, confidence: float = 0.95) -> float:
    """One-sided lower bound: the largest p at which so many successes, or more, have probability 1 - confidence."""
    _check(successes, trials)
    if successes == 0:
        return 0.0
    return float(betaincinv(successes, trials - successes + 1, 1.0 - confidence))


def upper(*, successes: int, trials: int, confidence: float = 0.95) -> float:
    """One-sided upper bound: the smallest p at which so few successes, or fewer, have probability 1 - confidence."""
    return 1.0 - lower(successes=trials - successes, trials=trials, confidence=confidence)


def interval(*, successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided Clopper-Pearson interval: covers p with probability at least `confidence`, whatever p is."""
    each = 0.5 * (1.0 + confidence)
    return (
        lower(successes=successes, trials=trials, confidence=each),
        upper(successes=successes, trials=trials, confidence=each),
    )


def zero_failure_trials(p0: float, confidence: float = 0.95) -> int:
    """The fewest trials that prove p >= p0 when their number is fixed beforehand and none fails."""
    return math.ceil(math.log(1.0 - confidence) / math.log(p0))


def _check(successes: int, trials: int) -> None:
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(
            f"{successes} successes in {trials} trials cannot be; give 0 <= successes <= trials, trials >= 1."
        )
