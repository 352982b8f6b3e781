"""What is known of a mean by betting, valid at any time: of the difference of two policies, and of any bounded score.

    process = BettingProcess.begin(margin=0.01, alpha=0.05).extended(difference)    # (n,) in {-1, 0, 1}, in trial order
    process.supported_at, process.bound()         # E[difference] >= -margin shown; anytime lower bound on E[difference]
    log_e_above(scores, 0.8, alpha=0.05)          # scores (n,) in [0, 1]: ln of the evidence that their mean is > 0.8
    lower_bound_of_mean(scores, alpha=0.05)       # the best anytime lower bound on their mean so far

Somebody who stakes the share v of his money on "the mean of x is above c", x >= 0, after n trials has

    K_v = product of (1 - v + v x_i / c)

times what he began with. If the mean is at most c, each factor has a mean of at most 1, so K_v is a supermartingale and
P(K_v ever reaches 1/alpha) <= alpha (Ville): his gain is evidence, and remains so when v changes with what was seen
before, or when several share the stake.

Difference of two policies. A trial is run by both; its difference d is 1 where only this one succeeded, -1 where only
the other did, else 0. The claim E[d] >= -margin is E[x] >= c with x = (d+1)/2, c = (1-margin)/2. The stake is shared
evenly between all v in (0, 1):

    E+ = integral of K_v over v;   E-, evidence that E[d] < -margin, is the same with 1-x and 1-c

With margin 0 a trial that ends alike changes nothing, and E+ is the closed form in `compare`. E+ depends on how many
trials were won, drawn and lost, not on their order: it rises with those won and falls with those lost. The integral is
a mean over 64 fixed stakes with the weights of Gauss and Legendre: that mean is itself such an E+, without error.

How good is that? Mean number of trials until a margin of 0.02 is shown at 0.95 for two policies that both succeed in
97 %, 2,000 simulated studies; "predictable" is the rule below, of the same source; "told" is who knows the best stake:

    how often they end differently      told   here   predictable
    5.8 % (independent of each other)    914   1150          1525
    2.9 %                                512    590           688
    1.0 %                                271    327           364
    never                                148    224           296

Stakes by the arcsine law would need 7 % fewer trials where they never differ, and 4 to 7 % more in the other rows.

What it does not say: anything when the two runs of a trial do not share its conditions, or trials are not independent.

Source: Waudby-Smith and Ramdas, J. R. Statist. Soc. B 86 (2024) 1, bets on bounded means; Cover, Math. Finance 1 (1991)
1, all constant stakes at once; Ville, "Etude critique de la notion de collectif" (1939).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from jangin.stats.crossing import SLACK, first_reaching, running_highest
from jangin.stats.sequential import caught_up

__all__ = [
    "BettingProcess",
    "fewest_pairs",
    "log_e_above",
    "log_e_below",
    "log_e_no_worse",
    "log_e_worse",
    "lower_bound_of_difference",
    "lower_bound_of_mean",
    "predictable_stakes",
]

Array = np.ndarray

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_STAKES, _SHARES = 0.5 * (1.0 + _NODES), 0.5 * _WEIGHTS  # of (0, 1)
_ROWS = 1024  # of counts whose 64 stakes are held at once
_HALVINGS = 52  # of (-1, 1): as fine as a double near 1
_TRUNCATION = 0.5  # most of the money that a predictable stake puts at risk


# ── the difference of two policies: all constant stakes at once ──────────────────────────────────────────────────


def log_e_no_worse(won: ArrayLike, drawn: ArrayLike, lost: ArrayLike, margin: ArrayLike) -> Array:
    """ln E+: evidence that E[difference] > -margin. Counts, and margin in (-1, 1), broadcast to (k,) float64."""
    return _log_mean_capital(won, drawn, lost, 0.5 * (1.0 - np.asarray(margin, float)))


def log_e_worse(won: ArrayLike, drawn: ArrayLike, lost: ArrayLike, margin: ArrayLike) -> Array:
    """ln E-: evidence that E[difference] < -margin. Counts, and margin in (-1, 1), broadcast to (k,) float64."""
    return _log_mean_capital(lost, drawn, won, 0.5 * (1.0 + np.asarray(margin, float)))


def _log_mean_capital(won: ArrayLike, drawn: ArrayLike, lost: ArrayLike, c: ArrayLike) -> Array:
    """ln of the mean over stakes v of (1-v+v/c)^won (1-v+v/2c)^drawn (1-v)^lost, (k,)."""
    wins, draws, losses, c = np.broadcast_arrays(*(np.atleast_1d(np.asarray(a, float)) for a in (won, drawn, lost, c)))
    out = np.empty(len(c))
    v, share, lose = _STAKES[:, None], _SHARES[:, None], np.log1p(-_STAKES)[:, None]
    for k in range(0, len(c), _ROWS):
        part = slice(k, k + _ROWS)
        logs = wins[part] * np.log1p(v * (1.0 / c[part] - 1.0))
        logs += draws[part] * np.log1p(v * (0.5 / c[part] - 1.0))
        logs += losses[part] * lose
        highest = logs.max(axis=0)
        # a sum stake by stake: the same bits however many counts are asked for at once
        out[part] = highest + np.log((share * np.exp(logs - highest)).sum(axis=0))
    return out


def lower_bound_of_difference(won: ArrayLike, drawn: ArrayLike, lost: ArrayLike, alpha: float) -> Array:
    """The largest difference that these counts show, (k,) in [-1, 1); a lower bound on E[difference] at any time.

    E+ falls as the difference that is claimed rises, so halving an interval finds where it is 1/alpha, from below; -1
    where the counts show nothing.
    """
    won, drawn, lost = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, float)) for v in (won, drawn, lost)))
    low, high = np.full(won.shape, -1.0), np.ones(won.shape)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        shown = log_e_no_worse(won, drawn, lost, -middle) >= -np.log(alpha)
        low, high = np.where(shown, middle, low), np.where(shown, high, middle)
    return low


def fewest_pairs(*, margin: float, alpha: float) -> int:
    """The fewest pairs that show E[difference] >= -margin, each of them won; with margin 0, that this one is better."""
    n = 1
    while log_e_no_worse(n, 0, 0, margin)[0] < -np.log(alpha):
        n += 1
    return n


@dataclass(frozen=True, eq=False)
class BettingProcess:
    """The course of the claim E[difference] >= -margin, in trial order; a `Process` of `sequential`.

    What must be known of every trial is kept up to date while trials are added, window by window of those added
    (`crossing`), so that to ask again after every block costs nothing.

    Attributes:
        margin, alpha: the claim, at confidence 1 - alpha; 0 <= margin < 1.
        n: trials so far.
        won, lost: ascending: the trials, counted from 1, that only this policy, or only the other, succeeded in.
        supported_at: the number of trials after which E+ first reached 1/alpha; None if it never did.
        most_against: the largest ln E- after any number of trials, 0 included, to the rounding of a logarithm.
        best: the largest difference that any number of trials showed.
    """

    margin: float
    alpha: float
    n: int = 0
    won: Array = field(default_factory=lambda: np.zeros(0, np.int64), repr=False)
    lost: Array = field(default_factory=lambda: np.zeros(0, np.int64), repr=False)
    supported_at: int | None = None
    most_against: float = 0.0
    best: float = -1.0

    @classmethod
    def begin(cls, *, margin: float, alpha: float) -> BettingProcess:
        """Before the first trial."""
        if not 0.0 <= margin < 1.0:
            raise ValueError(f"A margin of {margin:g} is none; give 0 <= margin < 1.")
        return cls(margin, alpha)

    def extended(self, difference: Array) -> BettingProcess:
        """With the trials that come next: success minus the other's success, (m,) in {-1, 0, 1}; looks only at them."""
        d = np.asarray(difference)
        if not len(d):
            return self
        if not np.isin(d, (-1, 0, 1)).all():
            raise ValueError("A difference of two successes is -1, 0 or 1.")
        n = self.n + len(d)
        won = np.concatenate([self.won, self.n + 1 + np.flatnonzero(d == 1)])
        lost = np.concatenate([self.lost, self.n + 1 + np.flatnonzero(d == -1)])
        longer = dataclasses.replace(self, n=n, won=won, lost=lost)
        return caught_up(self, longer)

    def __len__(self) -> int:
        return self.n

    def counts(self, at: Array) -> tuple[Array, Array, Array]:
        """Trials won, drawn and lost after `at` trials each, (k,) int64."""
        at = np.asarray(at, np.int64)
        won, lost = np.searchsorted(self.won, at, side="right"), np.searchsorted(self.lost, at, side="right")
        return won, at - won - lost, lost

    def successes_at(self, n: int) -> int:
        """How many of the first n trials were not lost."""
        return n - int(self.counts(np.array(n))[2])

    def log_for(self, at: Array) -> Array:
        """ln E+ after `at` trials each, (k,)."""
        return log_e_no_worse(*self.counts(at), self.margin)

    def log_against(self, at: Array) -> Array:
        """ln E- after `at` trials each, (k,)."""
        return log_e_worse(*self.counts(at), self.margin)

    # within a window E+ is highest were all that is won to come first and all that is lost last, E- the other way
    # round; a draw speaks for a claim of E[difference] >= -margin and against one of more than 0

    def log_for_most(self, low: Array, high: Array) -> Array:
        """What ln E+ does not exceed after any n trials with low < n <= high, (k,)."""
        return self._shown_within(low, high, np.asarray(-self.margin))

    def log_against_most(self, low: Array, high: Array) -> Array:
        """What ln E- does not exceed after any n trials with low < n <= high, (k,): nor what it never exceeded."""
        return np.asarray(np.minimum(self.log_against_within(low, high), self.most_against))

    def log_against_within(self, low: Array, high: Array) -> Array:
        won, drawn, _ = self.counts(low)
        return log_e_worse(won, drawn, self.counts(high)[2], self.margin)

    def _shown_within(self, low: Array, high: Array, difference: Array) -> Array:
        """What ln E+ for E[d] >= difference does not exceed after any n trials with low < n <= high, (k,)."""
        (_, before, lost), (won, after, _) = self.counts(low), self.counts(high)
        return log_e_no_worse(won, np.where(difference <= 0.0, after, before), lost, -difference)

    def first_against(self, threshold: float) -> int | None:
        """The number of trials after which ln E- first reached a threshold > 0; None if it never did."""
        return first_reaching(self.log_against, self.log_against_most, self.n, threshold)

    def bounds(self, at: Array) -> Array:
        """The anytime lower bound on E[difference] after `at` trials each, (k,): the best of any number up to there.

        In [-1, 1), at confidence 1 - alpha; -1 where nothing was shown.
        """
        at = np.asarray(at, np.int64)
        ends, which = np.unique(at, return_inverse=True)
        if not len(ends):
            return np.zeros(at.shape)
        return np.asarray(self.running_bounds(ends, after=0, floor=-1.0)[which.reshape(at.shape)])

    def bound(self) -> float:
        """The anytime lower bound on E[difference] after the last trial."""
        return self.best

    def running_bounds(self, ends: Array, *, after: int, floor: float) -> Array:
        """The best of `floor` and of the bounds after `after` + 1, ..., end trials, for each end (k,) ascending."""
        enough = -np.log(self.alpha) - SLACK

        def value(at: Array, floors: Array) -> Array:
            won, drawn, lost = self.counts(at)
            none = floors == -1.0
            better = none | (log_e_no_worse(won, drawn, lost, np.where(none, 0.0, -floors)) >= enough)
            out = np.full(at.shape, -1.0)
            out[better] = lower_bound_of_difference(won[better], drawn[better], lost[better], self.alpha)
            return out

        def exceeds(low: Array, high: Array, floors: Array) -> Array:
            none = floors == -1.0
            return np.asarray(none | (self._shown_within(low, high, np.where(none, 0.0, floors)) >= enough))

        return running_highest(value, exceeds, ends=ends, after=after, floor=floor)


# ── any bounded score: a stake that follows what was seen ────────────────────────────────────────────────────────


def predictable_stakes(scores: ArrayLike, *, alpha: float) -> Array:
    """How much to bet on each of scores (n,) in [0, 1], per unit of x - c, from those before it: (n,) > 0.

        lambda_t = sqrt(2 ln(1/alpha) / (sigma^2_{t-1} t ln(1+t))),  sigma^2_t = (1/4 + sum (x_i - mu_i)^2) / (t+1),
        mu_t = (1/2 + sum x_i) / (t+1)

    `alpha` only says how boldly; whatever it is, the bets are fair.

    Source: Waudby-Smith and Ramdas (2024), their predictable plug-in for betting.
    """
    x = _scores(scores)
    t = np.arange(1, len(x) + 1)
    mu = (0.5 + np.cumsum(x)) / (t + 1)
    variance = (0.25 + np.cumsum((x - mu) ** 2)) / (t + 1)
    before = np.concatenate([[0.25], variance[:-1]])
    return np.asarray(np.sqrt(-2.0 * np.log(alpha) / (before * t * np.log1p(t))))


def log_e_above(scores: ArrayLike, mean: float, *, alpha: float) -> Array:
    """ln of the evidence that the mean of scores in [0, 1] is above `mean` in (0, 1), after each of them, (n,).

    An e-process for "each score, given those before it, has a mean of at most `mean`", for a bettor who aims at a
    decision at 1/alpha and never risks more than half of his money.
    """
    if not 0.0 < mean < 1.0:
        raise ValueError(f"A mean of {mean:g} of scores in [0, 1] says nothing; give one strictly between 0 and 1.")
    x = _scores(scores)
    return _log_capital(x, predictable_stakes(x, alpha=alpha), mean)


def log_e_below(scores: ArrayLike, mean: float, *, alpha: float) -> Array:
    """ln of the evidence that the mean of scores in [0, 1] is below `mean`; the mirror image of `log_e_above`."""
    return log_e_above(1.0 - _scores(scores), 1.0 - mean, alpha=alpha)


def lower_bound_of_mean(scores: ArrayLike, *, alpha: float) -> float:
    """The best anytime lower bound on the mean of scores (n,) in [0, 1] after any number of them, in [0, 1).

    The evidence for a mean above c falls as c rises, at every time, so halving [0, 1] finds the largest c for which it
    ever reached 1/alpha, from below.
    """
    x = _scores(scores)
    stakes = predictable_stakes(x, alpha=alpha)
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        shown = len(x) > 0 and _log_capital(x, stakes, middle).max() >= -np.log(alpha)
        low, high = (middle, high) if shown else (low, middle)
    return low


def _log_capital(x: Array, stakes: Array, c: float) -> Array:
    return np.asarray(np.cumsum(np.log1p(np.minimum(stakes, _TRUNCATION / c) * (x - c))))


def _scores(scores: ArrayLike) -> Array:
    x = np.asarray(scores, float)
    if x.ndim != 1 or not ((x >= 0.0) & (x <= 1.0)).all():
        raise ValueError("Scores are one row of numbers in [0, 1]; scale them by bounds that are known beforehand.")
    return x
