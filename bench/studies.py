"""Many simulated studies of one claim, to hold the rule against its promises.

    found = simulate(p0=0.99, p=0.995, alpha=0.05, most=30_000, studies=10_000, rng=np.random.default_rng(1))
    found.supported.mean(), found.trials.mean()         # 0.993, 2314: what `planning.trials_needed` says exactly

A study is a sequence of independent trials that succeed with probability p, until the rule of `sequential` decides or
`most` trials are used up. Its decision depends on when the first, second, ... trial fails and on nothing else, so a
study draws the waits between failures, all studies at once. The boundaries are those of `planning`; that they are the
decisions of an EProcess, trial by trial, is a test.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jangin.stats.planning import boundaries

__all__ = ["Studies", "simulate"]

Array = np.ndarray

_NEVER = 2**62  # trials until the next failure of a policy that never fails


@dataclass(frozen=True)
class Studies:
    """How each study ended.

    Attributes:
        supported, refuted: (n,) bool; neither where `most` trials did not decide.
        trials: (n,) int64 used.
    """

    supported: Array
    refuted: Array
    trials: Array


def simulate(
    *,
    p0: float,
    p: float,
    alpha: float,
    alpha_refute: float | None = None,
    most: int,
    studies: int,
    rng: np.random.Generator,
) -> Studies:
    """Studies of the claim P(indicator) >= p0 where the true probability is p; `rng` draws the waits for failures."""
    supported, refuted = np.zeros(studies, bool), np.zeros(studies, bool)
    trials = np.full(studies, most, np.int64)
    going = np.arange(studies)
    n = np.zeros(studies, np.int64)  # trials up to the latest failure, of those going
    for until, support in boundaries(p0, alpha, alpha if alpha_refute is None else alpha_refute, most):
        if until:
            ended = n <= until
            refuted[going[ended]], trials[going[ended]] = True, n[ended]
            going, n = going[~ended], n[~ended]
        if not going.size:
            break
        n = n + (rng.geometric(1.0 - p, len(n)) if p < 1.0 else _NEVER)
        if support <= most:
            ended = n > support  # so many trials had come before the next failure
            supported[going[ended]], trials[going[ended]] = True, support
        else:
            ended = n > most
        going, n = going[~ended], n[~ended]
    return Studies(supported, refuted, trials)
