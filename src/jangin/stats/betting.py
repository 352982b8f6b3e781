# NOTE for the owner of this file: the lead needed it now and wrote it (BettingProcess in use by evidence/courses.py).
# Review it, add tests and what your task still needs, then delete this note.
"""Is a policy no worse than another by more than a margin? A bet on each trial's difference, valid at any time.

    process = BettingProcess.begin(margin=0.01, alpha=0.05).extended(difference)    # (n,) in {-1, 0, 1}, in trial order
    process.supported_at, process.bound()         # E[difference] >= -margin shown; anytime lower bound on E[difference]

A trial is run by both policies; its difference d is success minus the other's success. With x = (d+1)/2 the claim
E[d] >= -margin is E[x] >= c, c = (1-margin)/2. Somebody who stakes the share v of his money against "E[x] <= c" has
after n trials

    K_v = product of (1 - v + v x_i / c)

times what he began with. Under E[x] <= c each factor has mean <= 1, so K_v is a non-negative supermartingale, and so is
the mean over many stakes v: E+ = mean of K_v. Bets against "E[x] >= c" are the same with 1-x and 1-c: E-. The stakes
are the 64 Chebyshev nodes of (0, 1), an arcsine prior: it has room for v near 1 (no trial is lost) and near 0 (a long,
close race). x has three values, so both depend on how many trials were won, drawn and lost, not on their order; they
rise and fall with them, which makes bounds by bisection and searches by branch and bound possible.

What it does not say: anything when the two runs of a trial do not share its conditions; then the pairs mean nothing.

Source: Waudby-Smith and Ramdas, J. R. Statist. Soc. B 86 (2024) 1, betting on bounded means; Cover, Math. Finance 1
(1991) 1, mixtures of constant stakes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from jangin.stats.sequential import first_reaching

__all__ = ["BettingProcess", "log_e_no_worse", "log_e_worse", "lower_bound_of_difference"]

Array = np.ndarray

_STAKES = 0.5 + 0.5 * np.cos(np.pi * (np.arange(64) + 0.5) / 64)
_BISECTIONS = 60  # halvings of (-1, 1): finer than a double needs here
_ROWS = 4096  # of counts whose 64 stakes are held at once


def log_e_no_worse(won: ArrayLike, drawn: ArrayLike, lost: ArrayLike, margin: ArrayLike) -> Array:
    """ln E+: evidence that E[difference] > -margin; counts and margin in (-1, 1) broadcast to (k,)."""
    values = (np.atleast_1d(np.asarray(v, float)) for v in (won, drawn, lost, margin))
    won, drawn, lost, margin = np.broadcast_arrays(*values)
    return _log_mean_capital(won, drawn, lost, 0.5 * (1.0 - margin))


def log_e_worse(won: ArrayLike, drawn: ArrayLike, lost: ArrayLike, margin: ArrayLike) -> Array:
    """ln E-: evidence that E[difference] < -margin; counts and margin in (-1, 1) broadcast to (k,)."""
    values = (np.atleast_1d(np.asarray(v, float)) for v in (won, drawn, lost, margin))
    won, drawn, lost, margin = np.broadcast_arrays(*values)
    return _log_mean_capital(lost, drawn, won, 0.5 * (1.0 + margin))


def _log_mean_capital(won: Array, drawn: Array, lost: Array, c: Array) -> Array:
    """ln of the mean over stakes of (1-v+v/c)^won (1-v+v/2c)^drawn (1-v)^lost, (k,)."""
    out = np.empty(len(c))
    v, log_lose = _STAKES[:, None], np.log1p(-_STAKES)[:, None]
    for k in range(0, len(c), _ROWS):
        part = slice(k, k + _ROWS)
        at = np.maximum(c[part], 1e-12)  # the last halvings of a bound that shows nothing come this close to 0
        log_win, log_draw = np.log1p(v * (1.0 / at - 1.0)), np.log1p(v * (0.5 / at - 1.0))
        logs = won[part] * log_win + drawn[part] * log_draw + lost[part] * log_lose
        out[part] = np.logaddexp.reduce(logs, axis=0)
    return out - np.log(len(_STAKES))


def lower_bound_of_difference(won: ArrayLike, drawn: ArrayLike, lost: ArrayLike, alpha: float) -> Array:
    """The lower confidence bound on E[difference] that these counts give, valid at any stopping time, (k,) in [-1, 1).

    E+ falls as the claimed difference rises, so bisection finds where it is 1/alpha; -1 where the counts show nothing.
    """
    won, drawn, lost = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, float)) for v in (won, drawn, lost)))
    low, high = np.full(won.shape, -1.0), np.ones(won.shape)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        reached = log_e_no_worse(won, drawn, lost, -middle) >= -np.log(alpha)
        low, high = np.where(reached, middle, low), np.where(reached, high, middle)
    return low


@dataclass(frozen=True)
class BettingProcess:
    """Both bets on a difference of two policies, in trial order; a `Process` of `sequential`.

    Attributes:
        margin, alpha: the claim E[difference] >= -margin at confidence 1 - alpha.
        n: trials so far.
        won, lost: ascending: the trials, counted from 1, that only this policy, or only the other, succeeded in.
    """

    margin: float
    alpha: float
    n: int
    won: Array
    lost: Array

    @classmethod
    def begin(cls, *, margin: float, alpha: float) -> BettingProcess:
        """Before the first trial."""
        return cls(margin, alpha, 0, np.zeros(0, np.int64), np.zeros(0, np.int64))

    def extended(self, difference: Array) -> BettingProcess:
        """With the trials that come next: success minus the other's success, (m,) in {-1, 0, 1}."""
        d = np.asarray(difference)
        won = np.concatenate([self.won, self.n + 1 + np.flatnonzero(d > 0)])
        lost = np.concatenate([self.lost, self.n + 1 + np.flatnonzero(d < 0)])
        return BettingProcess(self.margin, self.alpha, self.n + len(d), won, lost)

    def __len__(self) -> int:
        return self.n

    def successes_at(self, n: int) -> int:
        """How many of the first n trials were not lost."""
        return n - int(self._lost(np.array([n]))[0])

    def _won(self, at: Array) -> Array:
        return np.searchsorted(self.won, at, side="right")

    def _lost(self, at: Array) -> Array:
        return np.searchsorted(self.lost, at, side="right")

    def log_for(self, at: Array) -> Array:
        """ln E+ after so many trials, (k,)."""
        return self.log_for_most(at, at)

    def log_for_most(self, low: Array, high: Array) -> Array:
        """No less than any ln E+ after low + 1 .. high trials: won as at the end, lost as before, the rest drawn."""
        won, lost = self._won(high), self._lost(low)
        return log_e_no_worse(won, high - won - lost, lost, self.margin)

    def log_against(self, at: Array) -> Array:
        """ln E- after so many trials, (k,)."""
        return self.log_against_most(at, at)

    def log_against_most(self, low: Array, high: Array) -> Array:
        """No less than any ln E- after low + 1 .. high trials: lost as at the end, won and drawn as before.

        A draw speaks against E- while the margin is positive, so fewer of them can only raise it.
        """
        lost, won = self._lost(high), self._won(low)
        drawn = np.maximum(low - won - self._lost(low), 0)
        return log_e_worse(won, drawn, lost, self.margin)

    @property
    def supported_at(self) -> int | None:
        """The number of trials after which E+ first reached 1/alpha; None if it never did."""
        return first_reaching(self.log_for, self.log_for_most, self.n, -np.log(self.alpha))

    def first_against(self, threshold: float) -> int | None:
        """The number of trials after which ln E- first reached a threshold; None if it never did."""
        return first_reaching(self.log_against, self.log_against_most, self.n, threshold)

    def bounds(self, at: Array) -> Array:
        """The lower bound on E[difference] after so many trials, (k,): each is valid, whenever and why ever one stops.

        It is the bound of those trials; the best of an earlier time is kept among the numbers asked for only.
        """
        at = np.asarray(at, np.int64)
        won, lost = self._won(at), self._lost(at)
        order = np.argsort(at, kind="stable")
        best = np.maximum.accumulate(lower_bound_of_difference(won, at - won - lost, lost, self.alpha)[order])
        out = np.empty(at.shape)
        out[order] = best
        return out

    def bound(self) -> float:
        """The lower bound on E[difference] after the last trial."""
        return float(self.bounds(np.array([self.n]))[0])
