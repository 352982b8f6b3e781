"""Which of two policies succeeds more often? The same trials by both, and only those that end differently count.

    log_e_better(19, 4)                        # ln of the evidence that this policy is the better one: 19 won, 4 lost
    need = pairs_needed(won=0.1425, lost=0.0425, alpha=0.05)    # of all pairs
    need.expected, need.better                 # 127.3 pairs, 1.0
    mcnemar(19, 4), tango(19, 4, 100)          # beside it, for a number of pairs that was fixed beforehand

Both policies run trial by trial under the same conditions. Where one succeeds and the other does not, the pair is won
or lost; given that it is one of the two, it is won with probability q = P(won) / (P(won) + P(lost)), independently, and
q > 1/2 exactly when this policy succeeds more often. After `won` and `lost` such pairs

    E = 2 integral over (1/2, 1) of (2q)^won (2(1-q))^lost dq
      = 2^(won+lost+1) B(won+1, lost+1) P(Beta(won+1, lost+1) > 1/2)

is a mixture of likelihood ratios against q = 1/2, and a supermartingale for every q <= 1/2: unless this policy is the
better one, P(E ever reaches 1/alpha) <= alpha. Pairs that end alike change nothing. It is the bet of `betting` with
margin 0, v = 2q - 1: the two agree.

Two directions. E(won, lost) speaks for this policy, E(lost, won) for the other one. Each direction is decided at the
full alpha: whichever policy is really the better one, the other is called so with probability at most alpha. If both
are equally good, one or the other is called better with probability at most 2 alpha; where that matters, give half the
alpha.

What it does not say: by how much (`betting` bounds the difference), nor anything about pairs that do not share their
conditions.

Source: Ville, "Etude critique de la notion de collectif" (1939); Robbins, Ann. Math. Statist. 41 (1970) 1397; McNemar,
Psychometrika 12 (1947) 153; Tango, Statist. Med. 17 (1998) 891.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import betainc, betaln, ndtri
from scipy.stats import binom

from jangin.stats.betting import log_e_no_worse, log_e_worse
from jangin.stats.crossing import fewest

__all__ = ["PairsNeeded", "log_e_better", "mcnemar", "pairs_needed", "pairs_to_go", "tango"]

Array = np.ndarray


# ── at any time ──────────────────────────────────────────────────────────────────────────────────────────────────


def log_e_better(won: ArrayLike, lost: ArrayLike) -> Array:
    """ln of the evidence that won pairs are more likely than lost ones; counts broadcast. Equal to 0 before the first.

    Where hundreds more are lost than won the evidence is less than a double can hold, and its logarithm -inf.
    """
    a, b = np.asarray(won, float) + 1.0, np.asarray(lost, float) + 1.0
    with np.errstate(divide="ignore"):
        return np.asarray((a + b - 1.0) * math.log(2.0) + betaln(a, b) + np.log(betainc(b, a, 0.5)))


def pairs_to_go(
    *,
    won: int,
    drawn: int,
    lost: int,
    margin: float,
    alpha: float,
    alpha_against: float | None = None,
    most: int = 10**9,
) -> int | None:
    """About how many more pairs decide E[difference] >= -margin if all goes on as it was seen; None for above `most`.

    A guide for a person, no bound: it follows the mean course, at the rates (won + 1/2)/(n+1) and (lost + 1/2)/(n+1).
    """
    rates = np.array([won + 0.5, drawn, lost + 0.5]) / (won + drawn + lost + 1.0)
    shown = -math.log(alpha)
    refuted = -math.log(alpha if alpha_against is None else alpha_against)

    def decided(m: int) -> bool:
        w, d, b = np.array([won, drawn, lost]) + m * rates
        return bool(log_e_no_worse(w, d, b, margin)[0] >= shown or log_e_worse(w, d, b, margin)[0] >= refuted)

    return fewest(decided, most)


@dataclass(frozen=True)
class PairsNeeded:
    """What it takes to say which policy is better.

    Attributes:
        expected: mean number of pairs to the decision; undecided ones count as `most`.
        better, worse: probabilities that this policy, or the other one, is called better; the rest is undecided.
        most: the number of pairs at which it was given up.
    """

    expected: float
    better: float
    worse: float
    most: int


def pairs_needed(
    *, won: float, lost: float, alpha: float, alpha_against: float | None = None, most: int = 20_000
) -> PairsNeeded:
    """The exact end of a comparison in which a pair is won or lost with these probabilities.

    For independent policies with rates p and q: won = p (1-q), lost = q (1-p). This policy is called better when
    E(won, lost) reaches 1/alpha, the other one when E(lost, won) reaches 1/alpha_against (alpha unless given). The
    number of pairs won is followed as a distribution over the pairs that end differently; the number of pairs before
    the d-th of those is negative binomial.
    """
    if not (won >= 0.0 and lost >= 0.0 and 0.0 < won + lost <= 1.0):
        raise ValueError(f"Pairs are won with {won:g} and lost with {lost:g}: give probabilities of sum in (0, 1].")
    differ, q = won + lost, won / (won + lost)
    steps = int(binom.isf(1e-12, most, differ)) if differ < 1.0 else most  # no more pairs than that will differ
    thresholds = -math.log(alpha), -math.log(alpha if alpha_against is None else alpha_against)
    better = worse = expected = 0.0
    alive = np.ones(1)
    for d in range(1, steps + 1):
        # the pairs spent between one that differs and the next, up to `most` in all
        expected += alive.sum() * _reached(d, differ, most) / differ
        after = np.zeros(d + 1)
        after[1:] += q * alive
        after[:-1] += (1.0 - q) * alive
        wins = np.arange(d + 1.0)
        up, down = log_e_better(wins, d - wins) >= thresholds[0], log_e_better(d - wins, wins) >= thresholds[1]
        reached = _reached(d, differ, most)
        better += float(after[up].sum()) * reached
        worse += float(after[down].sum()) * reached
        after[up | down] = 0.0
        alive = after
        if alive.sum() < 1e-13:
            break
    return PairsNeeded(float(expected), better, worse, most)


def _reached(d: int, differ: float, most: int) -> float:
    """P(at least d of `most` pairs differ)."""
    return float(betainc(d, most - d + 1, differ)) if differ < 1.0 else 1.0


# ── beside it: for a number of pairs that was fixed beforehand ───────────────────────────────────────────────────


def mcnemar(won: int, lost: int, *, mid: bool = False) -> float:
    """McNemar's exact two-sided p-value of "both succeed equally often": the sign test on the pairs that differ.

    1 where no pair differs, for then nothing speaks against it. `mid` counts the observed outcome half: a little below
    the exact level on average, and not guaranteed to keep it. Both hold for one look at a number of pairs fixed
    beforehand.
    """
    fewer, n = min(won, lost), won + lost
    if n == 0:
        return 1.0
    p = 2.0 * float(binom.cdf(fewer, n, 0.5)) - (float(binom.pmf(fewer, n, 0.5)) if mid else 0.0)
    return min(1.0, p)


def tango(won: int, lost: int, pairs: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Tango's score interval for E[difference] = P(won) - P(lost), two-sided, for a number of pairs fixed beforehand.

    The differences D that are not rejected by (won - lost - n D)^2 <= z^2 n (2 q + D (1-D)), where q is the maximum
    likelihood estimate of P(lost) given D; asymptotic, and good from about 20 pairs on.
    """
    if not (won >= 0 and lost >= 0 and pairs >= 1 and won + lost <= pairs):
        raise ValueError(f"{won} won and {lost} lost of {pairs} pairs cannot be.")
    z = float(ndtri(0.5 * (1.0 + confidence)))
    seen = (won - lost) / pairs

    def beyond(difference: float) -> float:
        apart = won - lost - pairs * difference
        return apart * apart - z * z * pairs * _variance(won, lost, pairs, difference)

    # where no pair differs, or all do the same way, what was seen is a root too, and not the one that is meant
    low = float(brentq(beyond, -1.0, seen - 1e-9, xtol=1e-13)) if seen > -1.0 else -1.0
    high = float(brentq(beyond, seen + 1e-9, 1.0, xtol=1e-13)) if seen < 1.0 else 1.0
    return low, high


def _variance(won: int, lost: int, n: int, d: float) -> float:
    """The variance of one pair's difference when its mean is d, at the most likely P(lost)."""
    b = (2 * n - won + lost) * d - won - lost
    q = (math.sqrt(max(b * b + 8 * n * lost * d * (1.0 - d), 0.0)) - b) / (4 * n)
    return 2.0 * q + d * (1.0 - d)
