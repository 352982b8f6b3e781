"""Laws of betting on a mean: known values, a slow twin, errors at the boundary, windows that exclude nothing they must
not, the same bits whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from jangin.stats.betting import (
    BettingProcess,
    log_e_above,
    log_e_below,
    log_e_no_worse,
    log_e_worse,
    lower_bound_of_difference,
    lower_bound_of_mean,
    predictable_stakes,
)
from jangin.stats.compare import log_e_better
from jangin.stats.crossing import first_at
from jangin.stats.family import settle
from jangin.stats.sequential import EProcess

ENOUGH = float(-np.log(0.05))


def draw(rng, n, won, lost):
    """n differences, won and lost with these probabilities."""
    u = rng.random(n)
    return np.where(u < won, 1, np.where(u < won + lost, -1, 0)).astype(np.int8)


def counts(difference):
    """Won, drawn and lost after every trial."""
    won, lost = np.cumsum(difference == 1), np.cumsum(difference == -1)
    return won, np.arange(1, len(difference) + 1) - won - lost, lost


# ── bounded scores ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("pattern", "known"),
    [
        ([1], {10: 0.588, 20: 0.755, 50: 0.890, 100: 0.942, 200: 0.970, 400: 0.985}),
        ([1] * 9 + [0], {10: 0.558, 20: 0.687, 50: 0.785, 100: 0.817, 200: 0.839, 400: 0.855}),
    ],
)
def test_the_known_bounds_of_predictable_stakes(pattern, known):
    """The lower bounds of the published method on a grid of 1/1000, which ours is at or within one step above."""
    scores = np.resize(pattern, 400)
    for n, bound in known.items():
        assert bound - 1e-12 <= lower_bound_of_mean(scores[:n], alpha=0.05) < bound + 1e-3


def test_stakes_are_predictable_and_follow_the_formula():
    """A stake depends on earlier scores alone; trial by trial it is the formula, written down once more."""
    rng = np.random.default_rng(0)
    x = rng.random(50)
    stakes = predictable_stakes(x, alpha=0.05)
    assert np.array_equal(stakes, predictable_stakes(np.append(x[:-1], 0.0), alpha=0.05))
    mu = [(0.5 + x[: i + 1].sum()) / (i + 2) for i in range(50)]
    for t in range(1, 51):
        variance = (0.25 + sum((x[i] - mu[i]) ** 2 for i in range(t - 1))) / t
        assert stakes[t - 1] == pytest.approx(np.sqrt(2 * np.log(20) / (variance * t * np.log(1 + t))), rel=1e-12)


def test_the_bound_on_a_mean_is_where_the_evidence_ends():
    """Just below the bound the evidence has reached 1/alpha at some time, just above it never has; it never falls."""
    x = np.random.default_rng(1).beta(6, 2, 400)
    last = 0.0
    for n in (5, 50, 200, 400):
        bound = lower_bound_of_mean(x[:n], alpha=0.05)
        assert log_e_above(x[:n], bound - 1e-9, alpha=0.05).max() >= ENOUGH
        assert log_e_above(x[:n], bound + 1e-9, alpha=0.05).max() < ENOUGH
        assert bound >= last
        last = bound
    assert lower_bound_of_mean(np.zeros(50), alpha=0.05) == lower_bound_of_mean([], alpha=0.05) == 0.0


def test_below_is_above_in_the_mirror():
    """Evidence for a mean below c is that of 1 - x for one above 1 - c."""
    x = np.random.default_rng(2).random(100)
    assert np.array_equal(log_e_below(x, 0.3, alpha=0.05), log_e_above(1.0 - x, 0.7, alpha=0.05))
    assert log_e_below(x * 0.1, 0.3, alpha=0.05)[-1] > ENOUGH > log_e_above(x * 0.1, 0.3, alpha=0.05).max()


@pytest.mark.parametrize("draws", ["coin", "beta", "three values"])
def test_evidence_for_what_is_not_so_is_rare(draws):
    """At the mean itself E+ ever reaches 20 within 500 scores in at most 5 % of 1,000 studies, within chance."""
    rng = np.random.default_rng(3)
    kinds = {
        "coin": (rng.random((1000, 500)) < 0.9, 0.9),
        "beta": (rng.beta(8, 2, (1000, 500)), 0.8),
        "three values": ((draw(rng, 500_000, 0.03, 0.03).reshape(1000, 500) + 1) / 2, 0.5),
    }
    scores, mean = kinds[draws]
    crossed = sum(log_e_above(x.astype(float), mean, alpha=0.05).max() >= ENOUGH for x in scores)
    assert crossed <= 86  # P(Binomial(1000, 0.05) > 86) < 1e-6


@pytest.mark.parametrize("wrong", [[0.5, 1.1], [-0.1], [np.nan], [[0.5]]])
def test_what_is_no_score_is_refused(wrong):
    """Scores outside [0, 1] would make an e-process of nothing."""
    with pytest.raises(ValueError, match=r"numbers in \[0, 1\]"):
        lower_bound_of_mean(wrong, alpha=0.05)


def test_a_mean_that_says_nothing_is_refused():
    """Nothing can be bet on a mean of 0 or 1."""
    for mean in (0.0, 1.0):
        with pytest.raises(ValueError, match="strictly between 0 and 1"):
            log_e_above([0.5], mean, alpha=0.05)


# ── the difference of two policies ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("margin", [0.0, 0.01, 0.2])
@pytest.mark.parametrize(("won", "drawn", "lost"), [(0, 0, 0), (3, 100, 1), (20, 400, 18), (0, 300, 0), (5, 0, 40)])
def test_e_is_the_integral_over_all_stakes(margin, won, drawn, lost):
    """Both e-values are the integral of the bettor's money over his stake, by another quadrature."""
    for mine, theirs, c, log_e in (
        (won, lost, (1 - margin) / 2, log_e_no_worse),
        (lost, won, (1 + margin) / 2, log_e_worse),
    ):

        def money(v, mine=mine, theirs=theirs, c=c):
            return (1 - v + v / c) ** mine * (1 - v + v / (2 * c)) ** drawn * (1 - v) ** theirs

        exact, _ = quad(money, 0, 1, epsabs=0, epsrel=1e-12, limit=200)
        assert np.exp(log_e(won, drawn, lost, margin)[0]) == pytest.approx(exact, rel=1e-9)


def test_without_a_margin_it_is_the_closed_form_and_draws_count_for_nothing():
    """E+ at margin 0 is that of `compare`, whatever the number of draws."""
    won, lost = (a.ravel() for a in np.meshgrid([0, 1, 7, 30, 134, 1000], [0, 1, 5, 52, 900], indexing="ij"))
    for drawn in (0, 10_000):
        assert log_e_no_worse(won, drawn, lost, 0.0) == pytest.approx(log_e_better(won, lost), abs=1e-6)
        assert log_e_worse(won, drawn, lost, 0.0) == pytest.approx(log_e_better(lost, won), abs=1e-6)


def test_each_step_is_fair_at_the_boundary_and_a_loss_beyond_it():
    """The mean of E over the next trial is E itself where E[d] = -margin, and less where the claim is falser."""
    for margin, worse in ((0.0, 0.0), (0.02, 0.0), (0.02, 0.01)):
        p_won = 0.04
        p_lost = p_won + margin + worse
        now = np.exp(log_e_no_worse(9, 70, 6, margin)[0])
        ends = np.exp(log_e_no_worse([10, 9, 9], [70, 71, 70], [6, 6, 7], margin))
        after = ends @ [p_won, 1 - p_won - p_lost, p_lost]
        assert after == pytest.approx(now, rel=1e-12) if worse == 0.0 else after < now
        against = np.exp(log_e_worse([10, 9, 9], [70, 71, 70], [6, 6, 7], margin)) @ [p_won, 1 - p_won - p_lost, p_lost]
        if worse == 0.0:
            assert against == pytest.approx(np.exp(log_e_worse(9, 70, 6, margin)[0]), rel=1e-12)


@pytest.mark.parametrize(
    ("won", "lost", "margin"), [(0.03, 0.03, 0.0), (0.02, 0.04, 0.02), (0.0, 0.01, 0.01), (0.1, 0.15, 0.05)]
)
def test_each_wrong_decision_is_rare_at_the_boundary(won, lost, margin):
    """Where E[d] = -margin exactly, support and refutation each come in at most 5 % of 1,000 studies of 1,000 pairs."""
    rng = np.random.default_rng(4)
    studies = np.array([counts(draw(rng, 1000, won, lost))[::2] for _ in range(1000)])  # won and lost
    w, l = studies[:, 0], studies[:, 1]
    at = np.unique(np.geomspace(1, 1000, 200).astype(int)) - 1  # looks at 200 of them: fewer can only find fewer
    w, l = w[:, at].ravel(), l[:, at].ravel()
    d = np.tile(at + 1, 1000) - w - l
    for log_e in (log_e_no_worse, log_e_worse):
        ever = (log_e(w, d, l, margin).reshape(1000, -1) >= ENOUGH).any(axis=1)
        assert ever.sum() <= 86  # P(Binomial(1000, 0.05) > 86) < 1e-6


@pytest.mark.parametrize(
    ("won", "lost", "margin"),
    [(0.03, 0.03, 0.02), (0.03, 0.03, 0.0), (0.02, 0.05, 0.01), (0.2, 0.1, 0.0), (0.0, 0.0, 0.01), (0.0, 0.5, 0.1)],
)
def test_windows_give_what_every_trial_by_itself_gives(won, lost, margin):
    """Decisions, the largest E- and all running bounds are those of the slow twin that looks at each trial."""
    d = draw(np.random.default_rng(5), 3000, won, lost)
    p = BettingProcess.begin(margin=margin, alpha=0.05).extended(d)
    log_for, log_against = log_e_no_worse(*counts(d), margin), log_e_worse(*counts(d), margin)
    every = np.arange(1, 3001)
    assert np.array_equal(p.log_for(every), log_for)
    assert np.array_equal(p.log_against(every), log_against)
    assert p.supported_at == first_at(log_for, ENOUGH)
    for threshold in (0.5, ENOUGH, 8.0):
        assert p.first_against(threshold) == first_at(log_against, threshold)
    assert p.most_against == pytest.approx(max(0.0, log_against.max()), abs=1e-6)
    running = np.maximum.accumulate(lower_bound_of_difference(*counts(d), 0.05))
    assert np.array_equal(p.bounds(every), running)
    assert p.bound() == running[-1]
    assert p.successes_at(3000) == 3000 - np.sum(d == -1)


@pytest.mark.parametrize("block", [1, 7, 256])
def test_the_blocks_change_not_a_bit(block):
    """Fed in blocks of any size a process is the same to the last bit, and the one it came from is as it was."""
    d = draw(np.random.default_rng(6), 1000, 0.04, 0.03)
    whole = BettingProcess.begin(margin=0.01, alpha=0.05).extended(d)
    p = empty = BettingProcess.begin(margin=0.01, alpha=0.05)
    for k in range(0, 1000, block):
        p = p.extended(d[k : k + block])
    for name in ("n", "supported_at", "most_against", "best"):
        assert getattr(p, name) == getattr(whole, name)
    at = np.array([0, 1, 500, 1000])
    for course in ("log_for", "log_against", "bounds"):
        assert np.array_equal(getattr(p, course)(at), getattr(whole, course)(at))
    assert len(empty) == 0
    assert empty.extended(d[:0]) is empty


def test_what_a_window_does_not_exceed():
    """No E- inside a window is above what `log_against_most` says of it."""
    rng = np.random.default_rng(7)
    d = draw(rng, 2000, 0.03, 0.06)
    p = BettingProcess.begin(margin=0.02, alpha=0.05).extended(d)
    low = rng.integers(0, 1999, 300)
    high = np.minimum(low + 1 + rng.integers(0, 200, 300), 2000)
    against, shown = log_e_worse(*counts(d), 0.02), log_e_no_worse(*counts(d), 0.02)
    for l, h, a, s in zip(low, high, p.log_against_most(low, high), p.log_for_most(low, high)):
        assert against[l:h].max() <= a + 1e-6
        assert shown[l:h].max() <= s + 1e-6


def test_the_bound_is_above_minus_the_margin_from_when_it_is_shown():
    """A margin is shown at the first trial at which the bound reaches -margin; without one, when it passes 0."""
    for margin in (0.0, 0.01, 0.05):
        d = draw(np.random.default_rng(8), 2000, 0.06, 0.03)
        p = BettingProcess.begin(margin=margin, alpha=0.05).extended(d)
        at = p.supported_at
        before, after = p.bounds(np.array([at - 1, at]))
        assert before < -margin <= after


def test_it_settles_beside_other_claims():
    """Together with a Bernoulli claim the whole is settled when the later of the two is."""
    rng = np.random.default_rng(9)
    success = EProcess.begin(p0=0.9, alpha=0.05).extended(rng.random(600) < 0.99)
    pair = BettingProcess.begin(margin=0.05, alpha=0.05).extended(draw(rng, 600, 0.01, 0.01))
    settled = settle([success, pair], alpha_refute=0.05)
    assert settled.labels == ("supported", "supported")
    assert settled.qualified_at == max(success.supported_at, pair.supported_at)


def test_a_loss_each_time_shows_nothing():
    """Of a policy that always loses nothing is known from below; of one that always wins ever more."""
    lost = BettingProcess.begin(margin=0.0, alpha=0.05).extended(np.full(300, -1))
    won = BettingProcess.begin(margin=0.0, alpha=0.05).extended(np.full(300, 1))
    assert lost.bound() == -1.0
    assert lost.supported_at is None
    assert (np.diff(won.bounds(np.arange(1, 301))) > 0.0).all()
    assert 0.95 < won.bound() < 1.0
    assert len(won.bounds(np.zeros(0, int))) == 0


def test_a_margin_is_shown_in_so_many_pairs():
    """Two policies that succeed in 97 % and end differently in 1 %: about 327 pairs, fewer than predictable stakes."""
    rng = np.random.default_rng(10)
    here, predictable = [], []
    for _ in range(150):
        d = draw(rng, 2500, 0.005, 0.005)
        here.append(BettingProcess.begin(margin=0.02, alpha=0.05).extended(d).supported_at or 2500)
        predictable.append(first_at(log_e_above((d + 1) / 2, 0.49, alpha=0.05), ENOUGH) or 2500)
    assert 290 < np.mean(here) < 365 < 1.2 * np.mean(predictable)
    assert np.mean(here) < np.mean(predictable)


@pytest.mark.parametrize("margin", [-0.01, 1.0, float("nan")])
def test_a_margin_that_is_none_is_refused(margin):
    """A margin lies in [0, 1)."""
    with pytest.raises(ValueError, match="0 <= margin < 1"):
        BettingProcess.begin(margin=margin, alpha=0.05)


def test_a_difference_that_is_none_is_refused():
    """Anything but -1, 0 and 1 is refused, before anything is changed."""
    with pytest.raises(ValueError, match="-1, 0 or 1"):
        BettingProcess.begin(margin=0.0, alpha=0.05).extended(np.array([0.5]))
