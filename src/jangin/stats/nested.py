"""Two levels of chance kept apart: what is not known about a system's inputs, and what the system itself varies.

    found = two_level(throughput)                # (K, n): K draws of the inputs, n independent runs of each
    found.mean                                   # with the error of this Monte Carlo study itself
    found.long_run                               # (low, high): where the evidence leaves the long-run mean
    found.single_run                             # (low, high): where the next single run may come out
    found.share                                  # of a run's variance that is the evidence's; share_low, share_high
    found.held                                   # (low, high): how much of what the evidence leaves open that holds
    probability_above(throughput, 60.0)          # that the long-run mean is above 60
    halving(found.between, found.within, 412)    # how many more trials would halve either interval

The model is one-way random effects: y_ki = m + u_k + e_ki, all independent; u_k what draw k of the inputs does to the
long-run mean (variance `between`), e_ki what a run varies about it (variance `within`, averaged over the draws). Runs
of different draws must not share random numbers: common ones would enter all rows alike and be seen by neither.

With B and W the mean squares between and within the rows, W estimates `within` and (B - W) / n estimates `between`,
both without bias; a negative estimate is set to 0. That is all the study can then say: more draws, or more runs of
each, would tell.

The rows' means spread wider than the long-run means, by within / n. They are therefore drawn together around the grand
mean by sqrt(1 - W / B), after which their variance is the estimate of `between`: the interval does not get wider
because few runs were made of each draw. (The best guess of each single row's own mean is drawn together by the square
of that; the spread of those guesses is too small.) What remains of the runs' noise is the shape: with few runs of each
draw a skew distribution of long-run means looks more normal than it is.

How many draws? The mean is unbiased for any number of draws and of runs; draws serve to know it more exactly. The ends
of an interval are another matter: they are order statistics. Between the r-th smallest and the r-th largest of K
independent draws lies a share of their distribution that is Beta(K + 1 - 2r, 2r), of mean 1 - 2r / (K + 1). Of an
interval of 95 % that share is 87 to 99 % with 39 draws (the fewest there can be), 92 to 98 % with 200, 94 to 96 % with
1,000, in 95 of 100 studies; `held` says it. More draws make the interval surer, not narrower.

Source: Searle, Casella and McCulloch, Variance Components (1992) ch. 3 (the estimates, the interval of the share);
Louis, J. Am. Stat. Assoc. 79 (1984) 393 (drawing together so that the spread is right); Sun, Apley and Staum, Oper.
Res. 59 (2011) 998 (the same estimate for nested simulation); Wilks, Ann. Math. Statist. 12 (1941) 91 (what lies between
two order statistics).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, fdtri

from jangin.stats.output import Interval, mean_interval
from jangin.stats.quantile import quantile

__all__ = ["Halving", "TwoLevel", "halving", "probability_above", "two_level"]

Array = np.ndarray


@dataclass(frozen=True)
class TwoLevel:
    """What two levels of chance do to a number.

    Attributes:
        mean: over all runs; its interval is the error of the Monte Carlo study, which more draws make smaller. It is
            not the interval to quote.
        between: variance of the long-run mean over the draws of the inputs: what the evidence leaves open.
        within: variance of a run about its long-run mean: what the process varies.
        share: between / (between + within); None where nothing varies.
        share_low, share_high: its interval, exact for normal values; None with it.
        long_run: interval of the long-run mean.
        single_run: interval in which the next run comes out, of a system drawn like these.
        confidence: of all intervals.
        outer, inner: K and n.
        held: (low, high) share of what the evidence leaves open that `long_run` holds, in that share of all studies;
            exact for known long-run means.
    """

    mean: Interval
    between: float
    within: float
    share: float | None
    share_low: float | None
    share_high: float | None
    long_run: tuple[float, float]
    single_run: tuple[float, float]
    confidence: float
    outer: int
    inner: int
    held: tuple[float, float]

    @property
    def sentence(self) -> str:
        share = "" if self.share is None else f"; {self.share:.0%} of a run's variance is what the evidence leaves open"
        return (
            f"{self.mean.mean:.6g}; the long-run mean lies between {self.long_run[0]:.6g} and {self.long_run[1]:.6g}, "
            f"a single run between {self.single_run[0]:.6g} and {self.single_run[1]:.6g} "
            f"(each at {self.confidence:.4g} confidence){share}."
        )


@dataclass(frozen=True)
class Halving:
    """How many more trials halve an interval.

    Attributes:
        evidence: more trials that halve the interval of the long-run mean; None where nothing is left open.
        whole: more trials that halve the interval of a single run; None where no number of trials can.
        floor: share of the present width of the single run's interval that remains however many trials there are.
        reason: why an answer is None, in a sentence; "" where both are known.
    """

    evidence: int | None
    whole: int | None
    floor: float
    reason: str


def two_level(values: ArrayLike, confidence: float = 0.95) -> TwoLevel:
    """Split of (K, n) runs, row by row of one draw of the inputs; n >= 2, and K >= 39 for 95 % confidence.

    Of K exchangeable values the r-th smallest and the r-th largest hold the next one with probability 1 - 2r / (K + 1);
    the intervals take the largest r that keeps the confidence, and refuse a K for which there is none.

    Raises: ValueError for another shape, too few draws or runs, values that are not finite, or a confidence outside
        (0, 1).
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"A confidence of {confidence:g} cannot be; give one strictly between 0 and 1, as 0.95.")
    y = _runs(values)
    outer, inner = y.shape
    least = math.ceil(round(2.0 / (1.0 - confidence), 9)) - 1
    if outer < least:
        raise ValueError(
            f"{outer} draws are too few for an interval at {confidence:g} confidence; give {least} or more."
        )
    rows, mean_between, within = _squares(y)
    grand = float(rows.mean())
    between = max(0.0, (mean_between - within) / inner)
    together = math.sqrt(max(0.0, 1.0 - within / mean_between)) if mean_between > 0.0 else 0.0
    share = between / (between + within) if between + within > 0.0 else None
    share_low, share_high = (
        _share(mean_between, within, outer, inner, confidence) if share is not None else (None, None)
    )
    return TwoLevel(
        mean=mean_interval(rows, confidence),
        between=between,
        within=within,
        share=share,
        share_low=share_low,
        share_high=share_high,
        long_run=_middle(grand + together * (rows - grand), confidence),
        single_run=_middle(y.ravel(), confidence),
        confidence=confidence,
        outer=outer,
        inner=inner,
        held=_held(outer, confidence),
    )


def probability_above(values: ArrayLike, bound: float) -> float:
    """Probability that the long-run mean is above a bound, by (K, n) runs, n >= 2 and K >= 2.

    The rows' means are drawn together around the grand mean until their variance is that which the evidence leaves open
    plus that of the grand mean itself; the share of them above the bound is the answer. So a few draws do not make sure
    what is not.

    Raises: ValueError for another shape, or values that are not finite.
    """
    y = _runs(values)
    if len(y) < 2:
        raise ValueError("One draw shows nothing of what is left open; give 2 or more, 200 as a rule.")
    rows, mean_between, within = _squares(y)
    open_share = max(0.0, 1.0 - within / mean_between) if mean_between > 0.0 else 0.0
    likely = rows.mean() + math.sqrt(open_share + 1.0 / len(rows)) * (rows - rows.mean())
    return float((likely > bound).mean())


def _runs(values: ArrayLike) -> Array:
    y = np.asarray(values, float)
    if y.ndim != 2 or y.shape[1] < 2:
        raise ValueError(f"Runs of shape {y.shape} cannot be split; give (draws, runs), with 2 or more runs each.")
    if not np.isfinite(y).all():
        raise ValueError("Runs with values that are not finite cannot be split; leave those draws out by name.")
    return y


def _squares(y: Array) -> tuple[Array, float, float]:
    """The rows' means, and the mean squares between and within the rows."""
    rows, (outer, inner) = y.mean(axis=1), y.shape
    between = inner * float(((rows - rows.mean()) ** 2).sum()) / (outer - 1)
    return rows, between, float(((y - rows[:, None]) ** 2).sum()) / (outer * (inner - 1))


def halving(between: float, within: float, trials: float) -> Halving:
    """How many more trials halve the intervals, when the posterior weighs `trials` now.

    The variance that the evidence leaves open falls as one over its trials, that of the process stays. Count as trials
    what the posterior's variance is divided by: a + b + 1 for Beta(a, b), of which the answer is then exact at an
    unchanged mean. Where several stations have evidence, each needs its trials multiplied by the same factor,
    1 + more / trials; what is not to be tried further belongs to `within`.

    The interval of the long-run mean is half as wide after 3 times the trials more. That of a single run is half as
    wide once between' + within = (between + within) / 4, which takes between > 3 within.

    Raises: ValueError for negative or infinite variances, or no trials.
    """
    if not (0.0 <= between < math.inf and 0.0 <= within < math.inf):
        raise ValueError(f"Variances of {between:g} and {within:g} cannot be; give two that are >= 0 and finite.")
    if not 0.0 < trials < math.inf:
        raise ValueError(f"Evidence of {trials:g} trials cannot be extended; give the number behind it, more than 0.")
    if between == 0.0:
        return Halving(
            None, None, 1.0, "The evidence leaves nothing open that was seen in the result: more trials narrow nothing."
        )
    floor = math.sqrt(within / (between + within))
    evidence = _ceil(3.0 * trials)
    if between <= 3.0 * within:
        return Halving(
            evidence,
            None,
            floor,
            f"However many trials: the process itself keeps the interval of a single run at {floor:.0%} of its width.",
        )
    return Halving(evidence, _ceil(trials * (4.0 * between / (between - 3.0 * within) - 1.0)), floor, "")


def _middle(values: Array, confidence: float) -> tuple[float, float]:
    """The r-th smallest and r-th largest value, with the largest r such that 1 - 2r / (n + 1) >= confidence."""
    n, r = len(values), _rank(len(values), confidence)
    return quantile(values, r / n), quantile(values, (n + 1 - r) / n)


def _rank(n: int, confidence: float) -> int:
    return math.floor(round((n + 1) * (1.0 - confidence) / 2.0, 9))


def _held(n: int, confidence: float) -> tuple[float, float]:
    """Between which the share of a distribution lies that the r-th smallest and r-th largest of n draws hold."""
    r, tail = _rank(n, confidence), (1.0 - confidence) / 2.0
    low, high = (float(betaincinv(n + 1 - 2 * r, 2 * r, q)) for q in (tail, 1.0 - tail))
    return low, high


def _share(mean_between: float, within: float, outer: int, inner: int, confidence: float) -> tuple[float, float]:
    """Interval of between / (between + within): B / W is F-distributed times 1 + n between / within."""
    if within == 0.0:
        return 1.0, 1.0
    ratio, tail = mean_between / within, (1.0 - confidence) / 2.0
    free = outer - 1, outer * (inner - 1)
    bounds = [(ratio / float(fdtri(*free, q)) - 1.0) / inner for q in (1.0 - tail, tail)]
    low, high = (max(0.0, b) / (1.0 + max(0.0, b)) for b in bounds)
    return low, high


def _ceil(trials: float) -> int:
    return math.ceil(round(trials, 6))  # rounded: 3 * 412 is not 1237
