"""What a simulation's output says: where its warm-up ends, and means with intervals.

    warm = mser5(parts_per_hour)                        # (n,) one run or (R, n) replications: leave out warm.cut
    found = mean_interval(throughput)                   # (R,) one number per replication: found.mean, found.half_width
    long = batch_means(one_long_run[warm.cut:])         # long.interval; long.independent says whether to believe it
    gain = paired_interval(new_line, old_line)          # replications on common random numbers: gain.difference
    replications_needed(throughput, 0.01).needed        # replications until the half-width is 1 % of the mean

A value is one replication's number, or a run's value at equal steps (of time, or of parts). Replications are
independent and identically distributed; the intervals are Student's t, exact for normal values and, by the central
limit theorem, good for means over long runs. They take the simulation's inputs as given: what is not known about those
inputs is the matter of `jangin.stats.nested`.

Source: Law, Simulation Modeling and Analysis, ch. 9 (replications, relative error, batch means) and 10.2 (pairs);
Franklin and White, Proc. Winter Simulation Conf. 2008, 541 (MSER-5); Hoad, Robinson and Davies, J. Oper. Res. Soc. 61
(2010) 1389 (a cut in the second half is none); Alexopoulos and Seila, in Handbook of Simulation (1998) ch. 7 (the von
Neumann test of batch means).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, stdtrit

__all__ = [
    "BatchMeans",
    "Interval",
    "Needed",
    "Paired",
    "Warmup",
    "batch_means",
    "mean_interval",
    "mser5",
    "paired_interval",
    "replications_needed",
]

Array = np.ndarray

_BATCH = 5  # values a batch: the 5 of MSER-5
_TAIL = 5  # batches that are always kept: the spread of fewer can be tiny by chance, and the cut would fall there
_SIGNIFICANCE = 0.05  # of the test of batch means


@dataclass(frozen=True)
class Warmup:
    """Where the warm-up ends.

    Attributes:
        cut: values to leave out from the beginning of every run.
        batches: batches of five values that were looked at.
        reliable: the cut falls in the first half. Otherwise the run is mostly warm-up, as far as anyone can see, and
            its mean is not the long-run mean: make it longer.
    """

    cut: int
    batches: int
    reliable: bool

    @property
    def sentence(self) -> str:
        n = _BATCH * self.batches
        if self.reliable:
            return f"Warm-up: the first {self.cut:,} of {n:,} values are left out (MSER-5)."
        return (
            f"Warm-up: no end of it was found in the first half of {n:,} values (MSER-5 would cut {self.cut:,}); "
            "make the run at least twice as long."
        )


@dataclass(frozen=True)
class Interval:
    """A mean and how well it is known: mean - half_width to mean + half_width, at this confidence, from n values."""

    mean: float
    half_width: float
    confidence: float
    n: int

    @property
    def low(self) -> float:
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        return self.mean + self.half_width

    @property
    def relative(self) -> float:
        """The half-width as a share of the mean; inf where the mean is 0 and the half-width is not."""
        return _relative(self.half_width, self.mean)

    @property
    def sentence(self) -> str:
        return f"{self.mean:.6g} ± {self.half_width:.2g} ({self.confidence:.4g} confidence, {self.n:,} values)"


@dataclass(frozen=True)
class BatchMeans:
    """The mean of one long run from the means of its batches.

    Attributes:
        interval: t interval of the batch means.
        batch: values in each.
        correlation: of neighbouring batch means (von Neumann's estimate), 0 for independent ones.
        p_value: how often independent batch means would look as correlated as these, or more.
        independent: p_value is 5 % or more. Otherwise the interval is too narrow: fewer batches, or a longer run.
    """

    interval: Interval
    batch: int
    correlation: float
    p_value: float
    independent: bool

    @property
    def sentence(self) -> str:
        if self.independent:
            return f"{self.interval.sentence}, in batches of {self.batch:,} values"
        return (
            f"{self.interval.sentence}, but neighbouring batches of {self.batch:,} values correlate "
            f"({self.correlation:+.2f}, p = {self.p_value:.2g}) and the interval is too narrow: make the run longer."
        )


@dataclass(frozen=True)
class Paired:
    """The difference of two systems on common random numbers.

    Attributes:
        difference: interval of the mean of a - b.
        correlation: of a and b over the pairs; None where one of them does not vary.
        variance_reduction: share of the variance of the difference that the common numbers took away, compared with
            independent runs: 0.9 means that those would need ten times as many. Negative where the common numbers
            did harm. None where neither system varies.
    """

    difference: Interval
    correlation: float | None
    variance_reduction: float | None

    @property
    def sentence(self) -> str:
        d = self.difference
        clear = "a difference" if abs(d.mean) > d.half_width else "no difference shown"
        saved = ""
        if self.variance_reduction is not None:
            saved = f"; common random numbers changed the variance by {-self.variance_reduction:+.0%}"
        return f"{d.mean:+.6g} ± {d.half_width:.2g} ({d.confidence:.4g} confidence, {d.n:,} pairs): {clear}{saved}"


@dataclass(frozen=True)
class Needed:
    """How many replications a relative half-width takes.

    Attributes:
        needed: in all, those at hand included; None where even `at_most` are not enough.
        enough: those at hand suffice: a sequential run stops here.
        expected: the relative half-width that `needed`, or else `at_most`, replications would leave.
    """

    needed: int | None
    enough: bool
    expected: float


def mser5(series: ArrayLike) -> Warmup:
    """Where to cut a run, (n,), or replications of it, (R, n), whose mean over replications is looked at; n >= 50.

    The series is averaged in batches of five, Y_1 ... Y_k (an incomplete last one is left out). The cut is after the d
    batches that minimise the estimated squared standard error of what is left,
        sum over i > d of (Y_i - mean)^2 / (k - d)^2,
    the smallest d if several do; five batches are always left.

    Raises: ValueError for fewer than 50 values, another shape, or values that are not finite.
    """
    values = np.asarray(series, float)
    if values.ndim not in (1, 2) or values.shape[-1] < 2 * _BATCH * _TAIL or not values.size:
        raise ValueError(f"A series of shape {values.shape} is too short for MSER-5; give (n,) or (R, n), n >= 50.")
    _finite(values, "A series")
    if values.ndim == 2:
        values = values.mean(axis=0)
    k = len(values) // _BATCH
    y = values[: k * _BATCH].reshape(k, _BATCH).mean(axis=1)
    y = y - np.median(y)  # small numbers lose nothing in the squares
    left = np.arange(k, 0, -1)
    total, squares = np.cumsum(y[::-1])[::-1], np.cumsum(y[::-1] ** 2)[::-1]
    score = np.maximum(squares - total**2 / left, 0.0) / left**2
    d = int(np.argmin(score[: k - _TAIL + 1]))
    return Warmup(cut=d * _BATCH, batches=k, reliable=2 * d <= k)


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """The mean of independent values, (n,), n >= 2: mean ± t(n - 1) s / sqrt(n).

    Raises: ValueError for fewer than 2 values, values that are not finite, or a confidence outside (0, 1).
    """
    known = _values(values, 2, "A mean with an interval")
    n = len(known)
    half = _t(n - 1, confidence) * float(known.std(ddof=1)) / math.sqrt(n)
    return Interval(float(known.mean()), half, confidence, n)


def batch_means(series: ArrayLike, batches: int = 20, confidence: float = 0.95) -> BatchMeans:
    """The mean of one long run without its warm-up, (n,), from this many batches of equal length (3 or more).

    What does not fill a batch is left out at the beginning, where warm-up may be left. Twenty is the usual number:
    fewer cost width, more make neighbours dependent. With B batch means the correlation is von Neumann's
        C = 1 - sum (Y_i - Y_{i-1})^2 / (2 sum (Y_i - mean)^2),
    of mean 0 and variance (B - 2) / (B^2 - 1) when they are independent and normal; the test takes it as normal.

    Raises: ValueError for too few values or batches, values that are not finite, or a confidence outside (0, 1).
    """
    if batches < 3:
        raise ValueError(f"{batches} batches cannot be tested for independence; give 3 or more, 20 as a rule.")
    known = _values(series, 2 * batches, f"A run in {batches} batches")
    batch = len(known) // batches
    means = known[len(known) - batch * batches :].reshape(batches, batch).mean(axis=1)
    spread = float(((means - means.mean()) ** 2).sum())
    steps = float((np.diff(means) ** 2).sum())
    correlation = 1.0 - steps / (2.0 * spread) if spread > 0.0 else 0.0
    z = correlation * math.sqrt((batches**2 - 1) / (batches - 2))
    p_value = float(ndtr(-z))
    return BatchMeans(mean_interval(means, confidence), batch, correlation, p_value, p_value >= _SIGNIFICANCE)


def paired_interval(a: ArrayLike, b: ArrayLike, confidence: float = 0.95) -> Paired:
    """The mean of a - b over pairs that shared their random numbers, (n,) each, n >= 2.

    Raises: ValueError for runs that do not pair up, and as `mean_interval`.
    """
    first, second = _values(a, 2, "A paired interval"), _values(b, 2, "A paired interval")
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} replications are no pairs; give as many of each.")
    difference = mean_interval(first - second, confidence)
    va, vb = float(first.var(ddof=1)), float(second.var(ddof=1))
    vd = float((first - second).var(ddof=1))
    correlation = (va + vb - vd) / (2.0 * math.sqrt(va * vb)) if va > 0.0 and vb > 0.0 else None
    return Paired(difference, correlation, 1.0 - vd / (va + vb) if va + vb > 0.0 else None)


def replications_needed(
    values: ArrayLike, relative_half_width: float, confidence: float = 0.95, at_most: int = 100_000
) -> Needed:
    """How many replications make the half-width this share of the true mean, judged by those at hand, (n,), n >= 2.

    With g the share asked for, the half-width has to reach g / (1 + g) of the *estimated* mean, because the error is
    then at most g of the true one. The answer is the smallest i >= n with t(i - 1) s / sqrt(i) <= g / (1 + g) |mean|.
    Ask once after a first stage and run that many (two stages), or ask again after every replication and stop as soon
    as they are enough (sequential). The sequential stop covers slightly less often than the confidence says: it
    stops early when s happens to be small. Begin with 10 or more.

    Raises: ValueError as `mean_interval`, for a share outside (0, 1), and for an `at_most` below n.
    """
    known = _values(values, 2, "A number of replications")
    n = len(known)
    if not 0.0 < relative_half_width < 1.0:
        raise ValueError(
            f"A half-width of {relative_half_width:g} of the mean cannot be; give a share in (0, 1), as 0.01."
        )
    if at_most < n:
        raise ValueError(f"At most {at_most} replications, but {n} were run; give at_most >= {n}.")
    mean, sd = float(known.mean()), float(known.std(ddof=1))
    wanted = relative_half_width / (1.0 + relative_half_width)

    def left(i: int) -> float:
        return _relative(_t(i - 1, confidence) * sd / math.sqrt(i), mean)

    if left(at_most) > wanted:
        return Needed(None, False, left(at_most))
    low, high = n - 1, at_most  # the half-width falls with i: bisection between too few and enough
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if left(middle) <= wanted else (middle, high)
    return Needed(high, high == n, left(high))


def _relative(half_width: float, mean: float) -> float:
    if half_width == 0.0:
        return 0.0
    return half_width / abs(mean) if mean else math.inf


def _t(freedom: int, confidence: float) -> float:
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"A confidence of {confidence:g} cannot be; give one strictly between 0 and 1, as 0.95.")
    return float(stdtrit(freedom, 0.5 + 0.5 * confidence))


def _values(values: ArrayLike, least: int, what: str) -> Array:
    known = np.asarray(values, float)
    if known.ndim != 1 or len(known) < least:
        raise ValueError(f"{what} from values of shape {known.shape} cannot be; give one row of {least} or more.")
    _finite(known, what)
    return known


def _finite(values: Array, what: str) -> None:
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise ValueError(f"{what} with {bad} values that are not finite means nothing; leave those runs out by name.")
