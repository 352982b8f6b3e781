"""Is P(indicator) >= p0? Two e-processes that may be looked at after every trial, and the bound that goes with them.

    process = EProcess.begin(p0=0.99, alpha=0.05).extended(indicator)   # (n,) bool, in trial order
    process.supported_at                                  # first trial at which the claim is proved, or None
    process.bound()                                       # lower confidence bound on P(indicator), valid at any time
    process.log_for(np.arange(1, n + 1))                  # ln E+ after every trial, (n,)
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

import dataclasses
import itertools
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, betaln

from jangin.stats.crossing import SLACK, first_at, first_reaching, running_highest

__all__ = [
    "B",
    "EProcess",
    "Process",
    "caught_up",
    "first_at",
    "first_reaching",
    "log_e_against",
    "log_e_for",
    "lower_bound",
    "trials_to_support",
]

Array = np.ndarray

B = 0.5  # shape of the prior of E+: 1/2 needs 377 perfect trials for p0 = 0.99; the flat prior 1 needs more

_DEEP = 1e-250  # below this the regularised incomplete beta function is about to underflow: use the fraction instead
_CLOSE = 1e-14  # how closely a bound is found, always from below
_NEWTON_STEPS = 20  # six are enough nearly always; then halve


# ── the two e-processes ──────────────────────────────────────────────────────────────────────────────────────────


def log_e_for(successes: ArrayLike, failures: ArrayLike, p0: ArrayLike) -> Array:
    """ln E+: evidence that P(indicator) >= p0. Arguments broadcast; counts need not be whole numbers.

    With q = 1 - (1-p0) u it reads E+ = integral over (0, 1) of b u^(b-1+f) (1 + (1-u)(1-p0)/p0)^s du: it falls as p0
    rises and as f rises, and rises with s: that is why bounds and windows of trials are easy.
    """
    s, f, p0 = np.broadcast_arrays(*(np.asarray(v, float) for v in (successes, failures, p0)))
    return np.asarray(np.log(p0) + np.log(B) + _log_tail(1.0 - p0, p0, f + B, s + 1.0))


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
    """The largest p0 that these counts support, inf{p0: E+(p0) < 1/alpha}, within 1e-14; 0 where they support none.

    It is a lower confidence bound at any stopping time, because {p is excluded at some time} = {E+(p) reaches 1/alpha
    at some time}. E+ falls strictly in p0 once s > 0, so there is one crossing. Newton's method finds it, kept within a
    bracket, with d ln E+ / d p0 = (f + b - b/E+) / (1-p0) - s/p0; what is returned is the end that is supported.
    """
    s, f = np.broadcast_arrays(np.asarray(successes, float), np.asarray(failures, float))
    shape, some = s.shape, s.ravel() > 0
    out = np.zeros(s.size)
    out[some] = _supported_up_to(s.ravel()[some], f.ravel()[some], -np.log(alpha))
    return out.reshape(shape)


def _supported_up_to(s: Array, f: Array, threshold: float) -> Array:
    """`lower_bound` for s >= 1, (k,) each."""
    low, high = np.zeros(s.shape), np.ones(s.shape)
    point = _guess(s, f, threshold)
    active = np.arange(len(s))
    for step in itertools.count():
        if not active.size:
            return low
        si, fi, x = s[active], f[active], point[active]
        log_e = log_e_for(si, fi, x)
        reached = log_e >= threshold
        low[active], high[active] = np.where(reached, x, low[active]), np.where(reached, high[active], x)
        slope = (fi + B - B * np.exp(-np.maximum(log_e, -700.0))) / (1.0 - x) - si / x
        # a little beyond the root, so that the bracket closes from both sides
        new = x + (threshold - log_e) / slope + np.where(reached, 0.2, -0.2) * _CLOSE
        # not where the slope leads away; nor for ever, where rounding is as large as the step
        inside = (low[active] < new) & (new < high[active]) & (step < _NEWTON_STEPS)
        point[active] = np.where(inside, new, 0.5 * (low[active] + high[active]))
        active = active[high[active] - low[active] > _CLOSE]
    raise AssertionError("counting does not end")


def _guess(s: Array, f: Array, threshold: float) -> Array:
    """Near the bound, and inside (0, 1): Wilson's interval with E+ ~ exp(z^2 / 2) / sqrt(n)."""
    n = s + f
    z2 = 2.0 * threshold + np.log1p(n)
    p = s / n
    return np.asarray((p + z2 / (2 * n) - np.sqrt(z2 / n * (p * (1.0 - p) + z2 / (4 * n)))) / (1.0 + z2 / n))


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


# ── what a claim's course must offer ─────────────────────────────────────────────────────────────────────────────


class Process(Protocol):
    """The course of one claim over trials that are counted from 1: what `family.settle`, a verdict and a report need.

    Every claim has an e-value for it, E+, and one against it, E-, after each number of trials. Whatever the claim's
    kind (one Bernoulli question, one in each cell, a mean difference), E+ is an e-process for "the claim is false" and
    E- one for "the claim is true". `at`, `low`, `high` are (k,) int, numbers of trials from 0 to len(self); 0 is before
    the first trial, where ln E = 0. A process is a value: `extended` gives another one and leaves this one as it was.
    """

    def __len__(self) -> int:
        """The number of trials seen, those included that say nothing about the claim."""
        ...

    @property
    def supported_at(self) -> int | None:
        """The number of trials after which the claim was first proved; None while it was not."""
        ...

    def first_against(self, threshold: float) -> int | None:
        """The number of trials after which ln E- first reached a threshold > 0; None while it did not."""
        ...

    def successes_at(self, n: int) -> int:
        """How many of the first n trials speak for the claim."""
        ...

    def log_for(self, at: Array) -> Array:
        """ln E+ after `at` trials each, (k,) float64."""
        ...

    def log_against(self, at: Array) -> Array:
        """ln E- after `at` trials each, (k,) float64."""
        ...

    def log_against_most(self, low: Array, high: Array) -> Array:
        """A number that ln E- does not exceed after any n trials with low < n <= high, (k,) float64.

        For windows of one trial, high = low + 1, it may be anything from ln E- up; the tighter, the faster `settle`.
        """
        ...

    def bounds(self, at: Array) -> Array:
        """The anytime lower bound on what the claim is about after `at` trials each: the best so far, (k,) float64."""
        ...

    def bound(self) -> float:
        """The same after the last trial."""
        ...


class _Course(Protocol):
    """What a process must know of its trials to look at those that were added."""

    @property
    def alpha(self) -> float: ...
    @property
    def n(self) -> int: ...
    @property
    def supported_at(self) -> int | None: ...
    @property
    def most_against(self) -> float: ...
    @property
    def best(self) -> float: ...
    def log_for(self, at: Array) -> Array: ...
    def log_for_most(self, low: Array, high: Array) -> Array: ...
    def log_against(self, at: Array) -> Array: ...
    def log_against_within(self, low: Array, high: Array) -> Array: ...
    def running_bounds(self, ends: Array, *, after: int, floor: float) -> Array: ...


AnyCourse = TypeVar("AnyCourse", bound=_Course)


def caught_up(before: _Course, longer: AnyCourse) -> AnyCourse:
    """A process with more trials than it had `before`, its three running values brought up to date; looks only at the
    trials that were added."""
    at, n = before.supported_at, longer.n
    if at is None:
        at = first_reaching(longer.log_for, longer.log_for_most, n, -np.log(before.alpha), after=before.n)
    most = running_highest(
        lambda k, _: longer.log_against(k),
        lambda low, high, floors: longer.log_against_within(low, high) > floors,
        ends=np.array([n]),
        after=before.n,
        floor=before.most_against,
    )
    best = longer.running_bounds(np.array([n]), after=before.n, floor=before.best)
    # a Protocol cannot say "is a dataclass"
    return cast(
        AnyCourse,
        dataclasses.replace(cast(Any, longer), supported_at=at, most_against=float(most[0]), best=float(best[0])),
    )


# ── one Bernoulli question ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class EProcess:
    """The course of the claim P(indicator) >= p0: which trials failed, in trial order; all else follows on demand.

    What must be known of every trial is kept up to date while trials are added, window by window of those added
    (`crossing`), so that to ask again after every block costs nothing.

    Attributes:
        p0, alpha: the claim at confidence 1 - alpha.
        n: trials so far.
        failed: (k,) int64, ascending: the trials, counted from 1, that failed.
        supported_at: the number of trials after which E+ first reached 1/alpha; None if it never did.
        most_against: the largest ln E- after any number of trials, 0 included, to the rounding of a logarithm.
        best: the largest p0 that any number of trials supported.
    """

    p0: float
    alpha: float
    n: int = 0
    failed: Array = field(default_factory=lambda: np.zeros(0, np.int64), repr=False)
    supported_at: int | None = None
    most_against: float = 0.0
    best: float = 0.0

    @classmethod
    def begin(cls, *, p0: float, alpha: float) -> EProcess:
        """Before the first trial."""
        return cls(p0, alpha)

    def extended(self, indicator: Array) -> EProcess:
        """With the trials that come next, (m,) bool in trial order; looks only at those."""
        good = np.asarray(indicator, bool)
        if not len(good):
            return self
        n, failed = self.n + len(good), np.concatenate([self.failed, self.n + 1 + np.flatnonzero(~good)])
        longer = dataclasses.replace(self, n=n, failed=failed)
        return caught_up(self, longer)

    def __len__(self) -> int:
        return self.n

    def counts(self, at: Array) -> tuple[Array, Array]:
        """Successes and failures after `at` trials each, (k,) int64."""
        at = np.asarray(at, np.int64)
        failures = np.searchsorted(self.failed, at, side="right")
        return at - failures, failures

    def successes_at(self, n: int) -> int:
        """How many of the first n trials succeeded."""
        return int(self.counts(np.array(n))[0])

    def log_for(self, at: Array) -> Array:
        """ln E+ after `at` trials each, (k,)."""
        return log_e_for(*self.counts(at), self.p0)

    def log_against(self, at: Array) -> Array:
        """ln E- after `at` trials each, (k,)."""
        return log_e_against(*self.counts(at), self.p0)

    # within a window E+ is highest were all successes to come first, E- were all failures to come first

    def log_for_most(self, low: Array, high: Array) -> Array:
        """What ln E+, or 0 where it is below, does not exceed after any n trials with low < n <= high, (k,)."""
        return _log_e_for_or_0(self.counts(high)[0], self.counts(low)[1], self.p0)

    def log_against_most(self, low: Array, high: Array) -> Array:
        """What ln E- does not exceed after any n trials with low < n <= high, (k,): nor what it never exceeded."""
        return np.asarray(np.minimum(self.log_against_within(low, high), self.most_against))

    def log_against_within(self, low: Array, high: Array) -> Array:
        return _log_e_against_or_0(self.counts(low)[0], self.counts(high)[1], self.p0)

    def first_against(self, threshold: float) -> int | None:
        """The number of trials after which ln E- first reached a threshold > 0; None if it never did."""
        return first_reaching(self.log_against, self.log_against_most, self.n, threshold)

    def bounds(self, at: Array) -> Array:
        """The anytime lower bound after `at` trials each (k,) int: the best that any number of trials up to there gave.

        (k,) in [0, 1), at confidence 1 - alpha; 0 before the first success.
        """
        at = np.asarray(at, np.int64)
        ends, which = np.unique(at, return_inverse=True)
        if not len(ends):
            return np.zeros(at.shape)
        return np.asarray(self.running_bounds(ends, after=0, floor=0.0)[which.reshape(at.shape)])

    def bound(self) -> float:
        """The anytime lower bound on P(indicator) after the last trial."""
        return self.best

    def running_bounds(self, ends: Array, *, after: int, floor: float) -> Array:
        """The best of `floor` and of the bounds after `after` + 1, ..., end trials, for each end (k,) ascending."""
        enough = -np.log(self.alpha) - SLACK

        def value(at: Array, floors: Array) -> Array:
            s, f = self.counts(at)
            better = _log_e_for_or_0(s, f, floors) >= enough
            out = np.zeros(at.shape)
            out[better] = lower_bound(s[better], f[better], self.alpha)
            return out

        def exceeds(low: Array, high: Array, floors: Array) -> Array:
            return np.asarray(_log_e_for_or_0(self.counts(high)[0], self.counts(low)[1], floors) >= enough)

        return running_highest(value, exceeds, ends=ends, after=after, floor=floor)


def _log_e_for_or_0(s: Array, f: Array, p0: ArrayLike) -> Array:
    """ln E+, or 0 where s/n <= p0, which it is not above: no q > p0 explains such counts better than p0 does."""
    s, f, p0 = np.broadcast_arrays(s, f, np.asarray(p0, float))
    out = np.where((p0 == 0.0) & (s > 0), np.inf, 0.0)  # a success leaves nothing of p = 0
    above = (p0 > 0.0) & (s * (1.0 - p0) > f * p0)
    out[above] = log_e_for(s[above], f[above], p0[above])
    return out


def _log_e_against_or_0(s: Array, f: Array, p0: float) -> Array:
    """ln E-, or 0 where s/n >= p0, which it is not above."""
    out = np.zeros(s.shape)
    below = s * (1.0 - p0) < f * p0
    out[below] = log_e_against(s[below], f[below], p0)
    return out
