"""How many trials a claim will take, before the first one is run; and how many more, once some have been.

    need = trials_needed(p0=0.95, p=0.99, alpha=0.05)
    need.expected, need.median, need.supported        # 136.4, 131, 0.9997
    expect(p0=0.95, alpha=0.05, values=[0.99, 0.9])   # the same, beside a fixed number of trials and Wald's bound
    fixed_n(p0=0.95, p=0.99, alpha=0.05, power=0.9)   # 153 trials, 3 of which may fail
    trials_to_go(successes=480, failures=12, p0=0.95, alpha=0.05)

`trials_needed` is exact: the number of failures after n trials is followed as a distribution, and what crosses one of
the two boundaries of `sequential` is taken out and counted. Nothing is simulated and nothing is approximated but the
cut-off: at `most` trials the rest is left undecided.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg.blas import dtbsv
from scipy.special import betainc

from jangin.stats.crossing import fewest
from jangin.stats.sequential import log_e_against, log_e_for, trials_to_support

__all__ = [
    "Expected",
    "FixedPlan",
    "Needed",
    "boundaries",
    "expect",
    "fixed_n",
    "likely_values",
    "refute_until",
    "trials_needed",
    "trials_to_go",
    "wald_bound",
]

Array = np.ndarray

_ROWS = 64  # numbers of failures whose boundaries are computed together
_GONE = 1e-13  # probability below which what is left is not followed


# ── the rule itself, exactly ─────────────────────────────────────────────────────────────────────────────────────


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

    def expected_of(self, share: float) -> float:
        """Mean number of trials when only a share in (0, 1] of them counts, each by chance: those in a cell.

        Wald's identity: the trials up to the one that decides are the counted ones, each with its wait of 1/share.
        """
        return self.expected / share


def trials_needed(
    *, p0: float, p: float, alpha: float, alpha_refute: float | None = None, most: int = 20_000
) -> Needed:
    """The exact distribution of the end of one claim P(indicator) >= p0 when the true probability is p in [0, 1].

    E+ is tested against 1/alpha, E- against 1/alpha_refute (alpha unless given). With a_k(n) the probability of k
    failures after n trials and no decision, a_k(n) = p a_k(n-1) + (1-p) a_{k-1}(n-1), for those n at which k failures
    decide nothing. Row by row of k this is a recursion along n that one call of a solver does.
    """
    _check(p0=p0, p=p)
    ended = np.zeros(most + 1)  # probability of a decision after n trials
    supported = refuted = undecided = expected = 0.0
    band = np.asfortranarray(np.stack([np.ones(most + 1), np.full(most + 1, -p)]))
    before, first = np.ones(1), 0  # what enters the row, and the number of trials it enters after: all, before any
    for until, support in boundaries(p0, alpha, alpha if alpha_refute is None else alpha_refute, most):
        cut = int(np.clip(until - first + 1, 0, len(before))) if until else 0
        refuted += before[:cut].sum()
        ended[first : first + cut] += before[:cut]
        before, first = before[cut:], first + cut
        if before.sum() < _GONE:
            break
        row = np.zeros(min(support - 1, most) - first + 1)
        row[: len(before)] = before
        row = dtbsv(1, band[:, : len(row)], row, lower=1, diag=1)  # row(n) - p row(n-1) = what enters
        if support > most:
            undecided += row[-1]
            row = row[:-1]
        else:
            supported += p * row[-1]
            ended[support] += p * row[-1]
        expected += row.sum()
        before, first = (1.0 - p) * row, first + 1
    decided = np.cumsum(ended)
    median = int(np.searchsorted(decided, 0.5)) if decided[-1] >= 0.5 else None
    return Needed(float(expected), median, float(supported), float(refuted), float(undecided), most)


def boundaries(p0: float, alpha: float, alpha_refute: float, most: int) -> Iterator[tuple[int, int]]:
    """For k = 0, 1, ... failures: trials up to which they refute (0: never), and from which they support.

    Both rise with k: at fixed k another success raises E+ and lowers E-.
    """
    for start in range(0, most + 1, _ROWS):
        failures = np.arange(start, min(start + _ROWS, most + 1))
        until = refute_until(p0, alpha_refute, failures, most)
        yield from zip(until.tolist(), trials_to_support(p0, alpha, failures).tolist(), strict=True)


def refute_until(p0: float, alpha_refute: float, failures: Array, most: int) -> Array:
    """The most trials, <= `most`, that still refute with so many failures (k,); 0 where failures alone do not."""
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


# ── beside it: a number of trials fixed beforehand, and what no rule can beat ────────────────────────────────────


@dataclass(frozen=True)
class FixedPlan:
    """A test with a fixed number of trials: the claim is proved when at most so many of them fail.

    `power` is the probability of that at the p it was planned for.
    """

    trials: int
    failures: int
    power: float


def fixed_n(*, p0: float, p: float, alpha: float, power: float = 0.9, most: int = 10_000_000) -> FixedPlan | None:
    """The smallest number of trials whose Clopper-Pearson lower bound at 1 - alpha reaches p0 with this power at p.

    Exact, by the binomial distribution. None where p <= p0, which no number of trials proves, and above `most`. With c
    failures allowed the fewest trials are the smallest n with P(Binomial(n, 1-p0) <= c) <= alpha; they rise with c, so
    the first c with enough power is the answer. The plan has to be told p, which the sequential rule does not.

    Source: Clopper and Pearson, Biometrika 26 (1934) 404.
    """
    _check(p0=p0, p=p)
    if p <= p0:
        return None
    start, size = 0, 32
    while True:
        c = np.arange(start, start + size)
        n = _fewest_trials(c, p0, alpha, most)
        reached = np.where(n <= most, betainc(n - c, c + 1.0, p), 1.0)  # P(at most c of n fail)
        enough = reached >= power
        if enough.any():
            k = int(np.argmax(enough))
            return FixedPlan(int(n[k]), int(c[k]), float(reached[k])) if n[k] <= most else None
        start, size = start + size, 2 * size


def _fewest_trials(c: Array, p0: float, alpha: float, most: int) -> Array:
    """The smallest n at which c failures still prove p >= p0 with n fixed, (k,) int64; more than `most` where none."""
    low, high = c.astype(np.int64), np.full(c.shape, max(most, int(c[-1])) + 1)
    while (high - low > 1).any():
        middle = (low + high) // 2
        proves = betainc(np.maximum(middle - c, 1), c + 1.0, p0) <= alpha
        low, high = np.where(proves, low, middle), np.where(proves, middle, high)
    return high


def wald_bound(*, p0: float, p: float, alpha: float, beta: float = 0.1) -> float:
    """A lower bound on the mean number of trials, at p, of any sequential rule with these two error probabilities.

    For p > p0: supports a claim P(indicator) = p0 with probability at most alpha, and p with at least 1 - beta. For
    p < p0 the same with "refutes". Infinite at p = p0.

        E_p[N] >= ((1-beta) ln((1-beta)/alpha) + beta ln(beta/(1-alpha))) / KL(p, p0)

    Source: Wald, Ann. Math. Statist. 16 (1945) 117, section 4.7.
    """
    _check(p0=p0, p=p)
    apart = _divergence(p, p0) + _divergence(1.0 - p, 1.0 - p0)
    told = (1.0 - beta) * math.log((1.0 - beta) / alpha) + beta * math.log(beta / (1.0 - alpha))
    return told / apart if apart > 0.0 else math.inf


def _check(*, p0: float, p: float) -> None:
    if not 0.0 < p0 < 1.0 or not 0.0 <= p <= 1.0:
        raise ValueError(f"A claim of {p0:g} and a true value of {p:g}: give 0 < p0 < 1 and 0 <= p <= 1.")


def _divergence(x: float, y: float) -> float:
    return x * math.log(x / y) if x > 0.0 else 0.0


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Expected:
    """What a claim takes when P(indicator) is p: by the sequential rule, by a fixed number, and at the very least.

    Attributes:
        p: the true probability.
        needed: the sequential rule, which is not told p.
        fixed: the smallest fixed number of trials with the power asked for, which is; None where p <= p0.
        wald: lower bound on the mean number of trials of any rule with that power.
    """

    p: float
    needed: Needed
    fixed: FixedPlan | None
    wald: float


def expect(
    *,
    p0: float,
    alpha: float,
    values: Sequence[float] | None = None,
    alpha_refute: float | None = None,
    most: int | None = None,
    power: float = 0.9,
) -> tuple[Expected, ...]:
    """One row for each true value of p, those of `likely_values` unless given.

    `most`, where the sequential rule gives up, is 30,000 trials, and 300 / (1-p0) for a more demanding claim: beyond
    that hardly any p but those next to p0 is undecided.
    """
    refute = alpha if alpha_refute is None else alpha_refute
    most = max(30_000, math.ceil(300 / (1.0 - p0))) if most is None else most

    def row(p: float) -> Expected:
        error = alpha if p > p0 else refute
        return Expected(
            p=p,
            needed=trials_needed(p0=p0, p=p, alpha=alpha, alpha_refute=refute, most=most),
            fixed=fixed_n(p0=p0, p=p, alpha=alpha, power=power),
            wald=wald_bound(p0=p0, p=p, alpha=error, beta=1.0 - power),
        )

    return tuple(row(p) for p in (likely_values(p0) if values is None else values))


def likely_values(p0: float) -> tuple[float, ...]:
    """From a perfect policy to one that fails five times as often as the claim allows, in decimal; p0 itself too."""
    ratios = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0, 3.0, 5.0)
    return tuple(round(1.0 - r * (1.0 - p0), 12) for r in ratios if r * (1.0 - p0) < 1.0)


# ── under way ────────────────────────────────────────────────────────────────────────────────────────────────────


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

    return fewest(decided, most)
