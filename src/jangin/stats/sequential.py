"""Is P(indicator) >= p0? Two e-processes that may be looked at after every trial, and the bound that goes with them.

    process = EProcess.begin(p0=0.99, alpha=0.05).extended(indicator)   # (n,) bool, in trial order
    process.supported_at                                  # first trial at which the claim is proved, or None
    process.bound()                                       # lower confidence bound on P(indicator), valid at any time
    trials_to_support(0.99, 0.05, failures=[0, 1, 2])     # 377, 663, 883: with so many failures, no fewer trials do

The claim is about p = P(indicator = 1) of independent, identically distributed trials. After s successes and f failures

    E+ = integral over (p0, 1) of (q/p0)^s ((1-q)/(1-p0))^f dW+(q),    W+ with density ~ (1-q)^(b-1), b = 1/2
    E- = integral over (0, p0) of (q/p0)^s ((1-q)/(1-p0))^f dW-(q),    W- with density ~ 1/(1-q)

Each is a mixture of likelihood ratios against p0. One trial multiplies the ratio of a q > p0 by a number whose mean
under p is p q/p0 + (1-p)(1-q)/(1-p0), which is 1 at p = p0 and increases with p: E+ is a martingale at p = p0 and a
supermartingale for every p < p0; E- likewise for every p > p0. So by Ville's inequality, whenever and why ever we stop,

    P(E+ ever reaches 1/alpha) <= alpha   if p <= p0:   reaching it SUPPORTS the claim  p >= p0   (error at most alpha)
    P(E- ever reaches 1/alpha) <= alpha   if p >= p0:   reaching it REFUTES it                    (error at most alpha)

What it does not say: anything when trials depend on each other or the conditions drift; nor that p is the rate on a
real machine. Numbers: natural logarithms, absolute error below 1e-8 up to a million successes and failures.

Source: Ville, "Etude critique de la notion de collectif" (1939); Robbins, Ann. Math. Statist. 41 (1970) 1397, mixtures;
Ramdas, Grunwald, Vovk, Shafer, Statist. Sci. 38 (2023) 576, composite nulls and anytime validity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, betaln

__all__ = ["B", "EProcess", "first_at", "log_e_against", "log_e_for", "lower_bound", "trials_to_support"]

Array = np.ndarray

B = 0.5  # shape of the prior of E+: 1/2 needs 377 perfect trials for p0 = 0.99; the flat prior 1 needs more

_DEEP = 1e-250  # below this the regularised incomplete beta function is about to underflow: use the fraction instead
_BISECTIONS = 60  # halvings of (0, 1): finer than a double


# ── the two e-processes ──────────────────────────────────────────────────────────────────────────────────────────


def log_e_for(successes: ArrayLike, failures: ArrayLike, p0: ArrayLike) -> Array:
    """ln E+: evidence that P(indicator) >= p0. Arguments broadcast; counts need not be whole numbers.

    With q = 1 - (1-p0) u it reads E+ = integral over (0, 1) of b u^(b-1+f) (1 + (1-u)(1-p0)/p0)^s du: it falls as p0
    rises and as f rises, and rises with s. That is why a bound can be found by bisection.
    """
    s, f, p0 = np.broadcast_arrays(*(np.asarray(v, float) for v in (successes, failures, p0)))
    return np.log(p0) + np.log(B) + _log_tail(1.0 - p0, p0, f + B, s + 1.0)


def log_e_against(successes: ArrayLike, failures: ArrayLike, p0: float) -> Array:
    """ln E-: evidence that P(indicator) < p0. Counts broadcast; without a failure it is never above 0."""
    s, f = np.broadcast_arrays(np.asarray(successes, float), np.asarray(failures, float))
    out = np.empty(s.shape)
    perfect = f == 0
    failed = ~perfect
    p = np.full(np.count_nonzero(failed), float(p0))
    out[failed] = _log_tail(p, 1.0 - p, s[failed] + 1.0, f[failed])
    out[perfect] = _log_tail_perfect(p0, s[perfect])
    return np.asarray(out + np.log(p0) - np.log(-np.log1p(-p0)))


def _log_tail(x: Array, y: Array, a: Array, b: Array) -> Array:
    """ln( integral over (0, x) of t^(a-1) (1-t)^(b-1) dt / (x^a y^b) ) with y = 1 - x, for a, b > 0."""
    regularised = betainc(a, b, x)
    deep = regularised < _DEEP
    with np.errstate(divide="ignore"):  # log(0) is replaced just below
        out = np.asarray(betaln(a, b) + np.log(regularised) - a * np.log(x) - b * np.log(y))
    if deep.any():
        out[deep] = np.log(_fraction(x[deep], a[deep], b[deep])) - np.log(a[deep])
    return out


def _log_tail_perfect(p0: float, s: Array) -> Array:
    """The same for x = p0, a = s + 1, b = 0: ln( integral over (0, p0) of q^s / (1-q) dq / p0^(s+1) ).

    The integral is -ln(1-p0) - sum_{k <= s} p0^k / k. The difference is exact while s < 1/(1-p0); from there on it
    would cancel, and the continued fraction converges fast.
    """
    out = np.empty(s.shape)
    few = s < 1.0 / (1.0 - p0)
    if few.any():
        k = np.arange(1, int(s[few].max()) + 1)
        left = -np.log1p(-p0) - np.concatenate([[0.0], np.cumsum(p0**k / k)])
        out[few] = np.log(left[s[few].astype(int)]) - (s[few] + 1) * np.log(p0)
    many = ~few
    out[many] = np.log(_fraction(np.full(many.sum(), p0), s[many] + 1, np.zeros(many.sum()))) - np.log(s[many] + 1)
    return out


def _fraction(x: Array, a: Array, b: Array) -> Array:
    """2F1(a+b, 1; a+1; x) by its continued fraction, Lentz's method; for x below the mean a/(a+b).

    Source: DLMF 8.17.22.
    """
    tiny = 1e-300
    d = 1.0 / _kept_from_zero(1.0 - (a + b) * x / (a + 1.0), tiny)
    c, value = np.ones_like(x), d.copy()
    active = np.arange(len(x))
    for m in range(1, 10_000):
        xa, aa, ba, dm, cm = x[active], a[active], b[active], d[active], c[active]
        even = m * (ba - m) * xa / ((aa + 2 * m - 1) * (aa + 2 * m))
        dm = 1.0 / _kept_from_zero(1.0 + even * dm, tiny)
        cm = _kept_from_zero(1.0 + even / cm, tiny)
        step = dm * cm
        odd = -(aa + m) * (aa + ba + m) * xa / ((aa + 2 * m) * (aa + 2 * m + 1))
        dm = 1.0 / _kept_from_zero(1.0 + odd * dm, tiny)
        cm = _kept_from_zero(1.0 + odd / cm, tiny)
        last = dm * cm
        d[active], c[active] = dm, cm
        value[active] *= step * last
        active = active[np.abs(last - 1.0) > 1e-15]
        if not active.size:
            return value
    raise AssertionError("the continued fraction of a tail below the mean converges in far fewer steps")


def _kept_from_zero(v: Array, tiny: float) -> Array:
    return np.where(np.abs(v) < tiny, tiny, v)


# ── what follows from E+ at one pair of counts ───────────────────────────────────────────────────────────────────


def lower_bound(successes: ArrayLike, failures: ArrayLike, alpha: float) -> Array:
    """The largest p0 that these counts support, inf{p0: E+(p0) < 1/alpha}; 0 where they support none.

    It is a lower confidence bound at any stopping time, because {p is excluded at some time} = {E+(p) reaches 1/alpha
    at some time}. E+ falls strictly in p0 once s > 0, so bisection finds the only crossing.
    """
    s, f = np.broadcast_arrays(np.asarray(successes, float), np.asarray(failures, float))
    low, high = np.zeros(s.shape), np.ones(s.shape)
    threshold = -np.log(alpha)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        inside = (middle > 0.0) & (middle < 1.0)
        reached = inside & (log_e_for(s, f, np.where(inside, middle, 0.5)) >= threshold)
        low, high = np.where(reached, middle, low), np.where(reached, high, middle)
    return np.asarray(np.where(s > 0, low, 0.0))


def trials_to_support(p0: float, alpha: float, failures: ArrayLike) -> Array:
    """The fewest trials that support the claim when so many of them fail, int64 of the shape of `failures`.

    E+ after n trials depends on how many failed, not on when, and rises with n at a fixed number of failures.
    """
    f = np.asarray(failures, float)
    threshold = -np.log(alpha)
    low, high = np.zeros(f.shape), np.ones(f.shape)  # successes: too few, and enough once doubled far enough
    while (short := log_e_for(high, f, p0) < threshold).any():
        low, high = np.where(short, high, low), np.where(short, 2 * high, high)
    while (high - low > 1).any():
        middle = np.floor(0.5 * (low + high))
        enough = log_e_for(middle, f, p0) >= threshold
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.asarray(high + f).astype(np.int64)


# ── the course of one claim ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class EProcess:
    """Both e-processes of one claim after each trial, in trial order.

    Attributes:
        p0, alpha: the claim P(indicator) >= p0 at confidence 1 - alpha.
        successes, failures: (n,) int64 counts after trial 1, 2, ..., n.
        log_for, log_against: (n,) ln E+ and ln E-.
    """

    p0: float
    alpha: float
    successes: Array
    failures: Array
    log_for: Array
    log_against: Array

    @classmethod
    def begin(cls, *, p0: float, alpha: float) -> EProcess:
        """Before the first trial."""
        counts, logs = np.zeros(0, np.int64), np.zeros(0)
        return cls(p0, alpha, counts, counts, logs, logs)

    def extended(self, indicator: Array) -> EProcess:
        """With the trials that come next, (m,) bool in trial order; computes only those."""
        good = np.asarray(indicator, bool)
        s = np.cumsum(good) + (self.successes[-1] if len(self) else 0)
        f = np.cumsum(~good) + (self.failures[-1] if len(self) else 0)
        parts: Sequence[tuple[Array, Array]] = (
            (self.successes, s),
            (self.failures, f),
            (self.log_for, log_e_for(s, f, self.p0)),
            (self.log_against, log_e_against(s, f, self.p0)),
        )
        return EProcess(self.p0, self.alpha, *(np.concatenate(pair) for pair in parts))

    def __len__(self) -> int:
        return len(self.successes)

    @property
    def supported_at(self) -> int | None:
        """The number of trials after which E+ first reached 1/alpha; None if it never did."""
        return first_at(self.log_for, -np.log(self.alpha))

    def bounds(self, at: Array) -> Array:
        """The anytime lower bound after `at` trials each (k,) int >= 0: the best that any trial up to there gave, (k,).

        E+ rises with a success and falls with a failure, so the best is found just before a failure or at the end:
        one bisection per failure is enough.
        """
        at = np.asarray(at, np.int64)
        if not len(self):
            return np.zeros(at.shape)
        fails = np.diff(self.failures, prepend=0) > 0
        peaks = np.flatnonzero(fails[1:])  # the trial before each failure
        best = np.maximum.accumulate(np.concatenate([[0.0], self._bound_after(peaks)]))
        here = np.where(at > 0, self._bound_after(np.maximum(at - 1, 0)), 0.0)
        return np.maximum(here, best[np.searchsorted(peaks, at - 1, side="right")])

    def bound(self) -> float:
        """The anytime lower bound on P(indicator) after the last trial, at confidence 1 - alpha."""
        return float(self.bounds(np.array([len(self)]))[0])

    def _bound_after(self, index: Array) -> Array:
        return lower_bound(self.successes[index], self.failures[index], self.alpha)


def first_at(values: Array, threshold: float) -> int | None:
    """1 + the first index at which values (n,) reach the threshold; None if they never do."""
    reached = values >= threshold
    return int(np.argmax(reached)) + 1 if reached.any() else None
