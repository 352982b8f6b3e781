"""What the trials of a policy leave open about its station, and what that does to the part time.

    drawn = outer(evidence, 1000, rng)         # Outer: 1,000 stations that the trials allow, each as good as its weight
    drawn.p, drawn.table_s                     # (K, noutcomes) probabilities, (K, m) times of a success [s]
    moments(drawn).mean_s                      # (K,) mean part time of each, in closed form
    tables(drawn, 7)                           # the seventh as plain arrays, for an engine that draws by itself
    halvings(split, {"peg": evidence})         # how many more trials would halve the interval
    shares(rows, {"peg": drawn, "weld": ...})  # which station's evidence the interval comes from

How an attempt ends: the probabilities are Dirichlet with 1/2 added to the count of success and of every reason of
failure that was seen, Jeffreys' prior for that many outcomes. Reasons that never came are not among them. Where no
trial failed at all, one failure (`UNSEEN`) stands for all of them with its 1/2: 500 successes in 500 trials do not
prove that the policy never fails. With one reason the success probability is Beta(successes + 1/2, failures + 1/2);
each further reason moves 1/2 of a trial towards failure, the cautious side.

How long a success takes: the Bayesian bootstrap. The observed times are the only possible ones, and their weights are
Dirichlet(1, ..., 1). Given the times, the mean has the expectation of the sample's mean and the variance
(sum of squares about it / n) / (n + 1). It says nothing of times longer than the longest seen.

Each draw's times become a table of m equally likely ones: the means of the quantile function over m equal parts. So the
mean is exact (to rounding), the distribution function is off by less than 1 / m, and the variance too small by less
than range^2 / (4 m). Of more than 8,192 different times, neighbours are taken together by their means first.

Source: Rubin, Ann. Statist. 9 (1981) 130 (Bayesian bootstrap); Jeffreys, Theory of Probability (1961) ch. 3.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from jangin.line.evidence_station import StationEvidence
from jangin.line.layout import (
    Constant,
    Distribution,
    Empirical,
    Erlang,
    Exponential,
    Gamma,
    Lognormal,
    Normal,
    Trace,
    Triangular,
    Uniform,
    Weibull,
    mean_s,
)
from jangin.stats.nested import Halving, TwoLevel, halving
from jangin.task import SUCCESS

__all__ = [
    "EvidenceTable", "Moments", "Outer", "Shares", "halvings", "moments", "outer", "posterior_trials", "shares",
    "tables",
]  # fmt: skip

Array = np.ndarray

GROUPS = 8192  # different times, at most: 16 times finer than the tables that are made of them


@dataclass(frozen=True, eq=False)
class Outer:
    """K stations that the trials allow.

    Attributes:
        evidence: what they were drawn from.
        outcomes: how an attempt can end, success first.
        p: (K, noutcomes) probability of each; rows sum to 1.
        table_s: (K, m) equally likely times of a successful attempt, ascending [s].
        first: number of the first draw, where this is a part of a greater study.
    """

    evidence: StationEvidence
    outcomes: tuple[str, ...]
    p: Array
    table_s: Array
    first: int = 0

    def __len__(self) -> int:
        return len(self.p)

    def part(self, first: int, n: int) -> Outer:
        """n draws from draw `first` on; part times drawn from them are those of the whole."""
        rows = slice(first, first + n)
        return dataclasses.replace(self, p=self.p[rows], table_s=self.table_s[rows], first=self.first + first)


def outer(evidence: StationEvidence, K: int, rng: np.random.Generator, *, m: int = 512) -> Outer:
    """K draws of what the trials leave open; see the module. Draws gamma variates from `rng`."""
    outcomes = (SUCCESS, *evidence.failures)
    weights = np.array([evidence.outcomes.get(name, 0) + 0.5 for name in outcomes])
    p = rng.dirichlet(weights, size=K)
    times, counts = _grouped(evidence.cycle_s)
    # equal times share one weight: the sum of c unit exponentials is gamma(c), the same law with fewer numbers
    w = rng.standard_gamma(counts, size=(K, len(times)))
    return Outer(evidence, outcomes, p, _tables(times, w, m))


def posterior_trials(evidence: StationEvidence) -> float:
    """What the posterior variance of an outcome's probability q (1 - q) is divided by: sum of the weights, plus 1."""
    return evidence.trials + 0.5 * (1 + len(evidence.failures)) + 1.0


def _grouped(cycle_s: Array) -> tuple[Array, Array]:
    """Times and how often each came; of very many different ones, equal groups of neighbours by their means."""
    times, counts = np.unique(cycle_s, return_counts=True)
    if len(times) <= GROUPS:
        return times, counts
    groups = np.array_split(np.sort(cycle_s), GROUPS)
    return np.array([g.mean() for g in groups]), np.array([len(g) for g in groups])


def _tables(times: Array, weights: Array, m: int) -> Array:
    """Means of the quantile function of `times` (n,) under each row of `weights` (K, n), over m equal parts: (K, m)."""
    edges = np.linspace(0.0, 1.0, m + 1)
    found = np.empty((len(weights), m))
    for row, w in zip(found, weights, strict=True):
        share = np.concatenate([[0.0], np.cumsum(w)])
        area = np.concatenate([[0.0], np.cumsum(w * times)])  # integral of the quantile function, linear between
        row[:] = np.diff(np.interp(edges, share / share[-1], area / share[-1])) * m
    # differences round: no time is below the first or above the last, and none below the one before it
    return np.maximum.accumulate(np.clip(found, times[0], times[-1]), axis=1)


# ── for an engine that draws by itself ───────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class EvidenceTable:
    """One station as plain arrays. Drawing the time of a part, exactly, with fresh uniforms u and v in [0, 1):

        t = handling_s
        repeat `attempts` times:
            u; if u < cumulative[0]: t += table_s[min(floor(u * (m / cumulative[0])), m - 1)]; the part is done
            r = number of entries of `cumulative` that are <= u, at most noutcomes - 1
            t += failed_s[r] + quantile of recovery[r] at v
        given up: if `scrap`, the part leaves as scrap after t; else t += quantile of `manual` at v, and it is good

    One u chooses both the outcome and, stretched to [0, 1), the time of a success: given success it is uniform again.

    Attributes:
        outcomes: success first.
        cumulative: (noutcomes,) cumulative probabilities in that order; the last is 1.
        table_s: (m,) equally likely times of a successful attempt [s].
        failed_s: (noutcomes,) time of an attempt that ends so [s]; entry 0 is not used.
        recovery: time after it by outcome; entry 0 is not used.
        attempts, handling_s: as declared.
        scrap: whether a part given up is scrap.
        manual: time of a manual finish; Constant(0) where `scrap`.
    """

    outcomes: tuple[str, ...]
    cumulative: Array
    table_s: Array
    failed_s: Array
    recovery: tuple[Distribution, ...]
    attempts: int
    handling_s: float
    scrap: bool
    manual: Distribution


def tables(drawn: Outer, k: int) -> EvidenceTable:
    """The k-th draw as plain arrays; see EvidenceTable for how part times are drawn from it."""
    evidence, declared = drawn.evidence, drawn.evidence.declared
    scrap = declared.given_up == "scrap"
    return EvidenceTable(
        outcomes=drawn.outcomes,
        cumulative=cumulative(drawn.p[k : k + 1])[0],
        table_s=drawn.table_s[k],
        failed_s=np.array([0.0, *(evidence.failed_s for _ in evidence.failures)]),
        recovery=(Constant(0.0), *(evidence.recovery(r) for r in evidence.failures)),
        attempts=declared.attempts,
        handling_s=declared.handling_s,
        scrap=scrap,
        manual=Constant(0.0) if scrap or declared.manual is None else declared.manual,
    )


def cumulative(p: Array) -> Array:
    """Cumulative probabilities along the last axis, of which the last is 1 exactly."""
    found = np.cumsum(p, axis=-1)
    found[..., -1] = 1.0
    return found


# ── closed forms ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class Moments:
    """Of the time at the station per part taken in, for each draw.

    Attributes:
        mean_s: (K,) mean [s].
        variance_s2: (K,) variance [s^2].
        scrap: (K,) probability that the part is scrapped.
    """

    mean_s: Array
    variance_s2: Array
    scrap: Array

    @property
    def good_per_hour(self) -> Array:
        """(K,) good parts per hour of the station alone in the long run, by the renewal reward theorem."""
        return 3600.0 * (1.0 - self.scrap) / self.mean_s


def moments(drawn: Outer) -> Moments:
    """Mean and variance of the part time of each draw, of exactly what EvidenceTable draws.

    By the first attempt: with j attempts left, the time left is a success's, or a failure's and that with j - 1 left.
    A normal recovery counts as if it were not cut at zero.
    """
    evidence, declared = drawn.evidence, drawn.evidence.declared
    success, fail = drawn.p[:, 0], drawn.p[:, 1:]
    after = [evidence.recovery(r) for r in evidence.failures]
    cost1 = np.array([evidence.failed_s + mean_s(d) for d in after])
    cost2 = cost1**2 + np.array([_variance(d) for d in after])
    first, second = np.zeros(len(drawn)), np.zeros(len(drawn))
    if declared.given_up == "manual" and declared.manual is not None:
        first += mean_s(declared.manual)
        second += mean_s(declared.manual) ** 2 + _variance(declared.manual)
    time1, time2 = drawn.table_s.mean(axis=1), (drawn.table_s**2).mean(axis=1)
    for _ in range(declared.attempts):
        again = success * time2 + fail @ cost2 + 2.0 * (fail @ cost1) * first + fail.sum(axis=1) * second
        first = success * time1 + fail @ cost1 + fail.sum(axis=1) * first
        second = again
    scrap = fail.sum(axis=1) ** declared.attempts if declared.given_up == "scrap" else np.zeros(len(drawn))
    return Moments(declared.handling_s + first, np.maximum(second - first**2, 0.0), scrap)


def _variance(time: Distribution) -> float:
    """Variance of a distribution [s^2]; of the normal as if it were not cut at zero."""
    match time:
        case Constant():
            return 0.0
        case Exponential():
            return time.mean_s**2
        case Uniform():
            return (time.high_s - time.low_s) ** 2 / 12.0
        case Triangular():
            a, b, c = time.low_s, time.mode_s, time.high_s
            return (a * a + b * b + c * c - a * b - a * c - b * c) / 18.0
        case Normal():
            return time.sd_s**2
        case Lognormal() | Gamma():
            return (time.mean_s * time.cv) ** 2
        case Erlang():
            return time.mean_s**2 / time.phases
        case Weibull():
            return time.mean_s**2 * (math.gamma(1.0 + 2.0 / time.shape) / math.gamma(1.0 + 1.0 / time.shape) ** 2 - 1.0)
        case Empirical() | Trace():
            return float(np.var(time.values_s))


# ── whose evidence it is, and how much more would help ───────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Shares:
    """Which station's evidence the spread of the long-run mean comes from.

    Attributes:
        stations: share of what the stations explain, by name; sums to 1; all 0 where nothing is explained.
        explained: share of the variance of the rows' means that a linear function of the stations' mean part times and
            scrap rates explains; the rest is the noise of the runs, and what is not linear.
    """

    stations: Mapping[str, float]
    explained: float


def shares(rows: Array, drawn: Mapping[str, Outer]) -> Shares:
    """Split of the rows' means (K,) of a line among its stations with evidence.

    Least squares of the means on every station's mean part time and, where it scraps, its scrap rate, in closed form
    for each draw. The stations' evidence is independent, so the variances of their fitted parts add up; each is taken
    without the part that noise alone would fit (residual variance times the station's regressors, over K - 1).

    Raises: ValueError for other than one mean per draw, or fewer than 10 draws per regressor.
    """
    y = np.asarray(rows, float)
    columns = {name: _regressors(d) for name, d in drawn.items()}
    n = sum(x.shape[1] for x in columns.values())
    if any(len(d) != len(y) for d in drawn.values()) or y.ndim != 1 or len(y) < 10 * max(n, 1):
        raise ValueError(f"Means of shape {y.shape} cannot be split; give one per draw, and {10 * n} draws or more.")
    y = y - y.mean()
    total = float(y @ y)
    if total == 0.0 or n == 0:
        return Shares(dict.fromkeys(drawn, 0.0), 0.0)
    x = np.hstack(list(columns.values()))
    beta, *_ = np.linalg.lstsq(x, y, rcond=1e-10)
    residual = float(((y - x @ beta) ** 2).sum()) / (len(y) - 1 - n)
    found, at = {}, 0
    for name, own in columns.items():
        fitted = own @ beta[at : at + own.shape[1]]
        found[name] = max(0.0, (float(fitted @ fitted) - residual * own.shape[1]) / (len(y) - 1))
        at += own.shape[1]
    known = sum(found.values())
    explained = max(0.0, 1.0 - residual * (len(y) - 1) / total)
    return Shares({name: v / known if known > 0.0 else 0.0 for name, v in found.items()}, explained)


def _regressors(drawn: Outer) -> Array:
    """Mean part time and scrap rate of each draw, centred and scaled, without what does not vary: (K, 0 .. 2)."""
    found = moments(drawn)
    columns = [
        c - c.mean() for c in (found.mean_s, found.scrap) if np.std(c) > 1e-12 * max(abs(float(c.mean())), 1e-12)
    ]
    return np.stack([c / np.std(c) for c in columns], axis=1) if columns else np.zeros((len(drawn), 0))


def halvings(
    split: TwoLevel, evidence: Mapping[str, StationEvidence], alone: Shares | None = None
) -> dict[str, Halving]:
    """How many more trials would halve the line's intervals, by station.

    Without `alone` every station gets so many more: all posteriors narrow by the same factor. With the `shares` of the
    stations each answer is that of trials of this station only, the others' evidence staying as it is; then
    `evidence` (the long-run mean's interval) may be None as well.
    """
    found = {}
    for name, e in evidence.items():
        trials = posterior_trials(e)
        if alone is None:
            found[name] = halving(split.between, split.within, trials)
            continue
        own = split.between * alone.stations[name]
        others = split.between - own
        long_run, single = halving(own, others, trials), halving(own, others + split.within, trials)
        reason = single.reason and f"With trials of {name} alone: {single.reason[0].lower()}{single.reason[1:]}"
        found[name] = Halving(long_run.whole, single.whole, single.floor, reason)
    return found
