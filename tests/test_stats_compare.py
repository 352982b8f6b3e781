"""Laws of a paired comparison: published outcomes, exact expectations against a slow twin, fixed-number tests against
other implementations."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import quad

from bench.pairs import independent, pairs, stop
from bench.pairs_table import INDEPENDENT, PUBLISHED
from jangin.stats.betting import BettingProcess, fewest_pairs, log_e_no_worse
from jangin.stats.compare import log_e_better, mcnemar, pairs_needed, pairs_to_go, tango

NEVER = 1e-300

# ── at any time ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("study", PUBLISHED, ids=lambda s: s.name)
def test_it_stops_on_published_outcomes_where_it_is_known_to(study):
    """The pair that decides, and not one before it; the mean at the study's rates is that of simulated studies."""
    assert stop(study) == study.stop
    won, lost = (np.searchsorted(t, np.arange(1, study.stop + 1), side="right") for t in (study.won, study.lost))
    reached = log_e_better(won, lost) >= -math.log(study.alpha)
    assert np.flatnonzero(reached).tolist() == [study.stop - 1]
    mean = independent(study.old / study.pairs, study.new / study.pairs, study.alpha, study.pairs)
    assert mean == pytest.approx(study.mean, rel=0.04)


def test_the_known_mean_numbers_of_pairs():
    """Exactly 127, 407 and 251 pairs, where 1,500 simulated studies had given 129, 395 and 253."""
    means = {rates: independent(*rates, 0.05) for rates in INDEPENDENT}
    assert [round(m) for m in means.values()] == [127, 407, 251]
    assert all(means[rates] == pytest.approx(known, rel=0.04) for rates, known in INDEPENDENT.items())


def test_equal_policies_are_rarely_told_apart():
    """Of two at 0.9, in 500 pairs, each is called better with probability 0.028; forever, with less than 0.05."""
    found = pairs_needed(won=0.09, lost=0.09, alpha=0.05, most=500)
    assert found.better == pytest.approx(found.worse)
    assert round(found.better, 3) == 0.028
    for q in (0.5, 0.45, 0.1):
        assert pairs_needed(won=q, lost=1.0 - q, alpha=0.05, alpha_against=NEVER, most=1000).better < 0.05


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (1, 0), (0, 1), (7, 0), (30, 4), (4, 30), (52, 134)])
def test_the_closed_form_is_the_mixture(won, lost):
    """E is the mean likelihood ratio over q uniform on (1/2, 1)."""
    mixture, _ = quad(lambda q: 2 * (2 * q) ** won * (2 * (1 - q)) ** lost, 0.5, 1.0, epsabs=0, epsrel=1e-12)
    assert np.exp(log_e_better(won, lost)) == pytest.approx(mixture, rel=1e-10)


def slow_pairs_needed(won, lost, alpha, alpha_against, most):
    """The slow twin: pair by pair, every pair of counts."""
    alive, better, worse, expected = {(0, 0): 1.0}, 0.0, 0.0, 0.0
    for _ in range(most):
        expected += sum(alive.values())
        after = {}
        for (w, l), p in alive.items():
            for key, q in (((w + 1, l), won), ((w, l + 1), lost), ((w, l), 1.0 - won - lost)):
                after[key] = after.get(key, 0.0) + p * q
        up = {k for k in after if log_e_better(*k) >= -math.log(alpha)}
        down = {k for k in after if log_e_better(*k[::-1]) >= -math.log(alpha_against)}
        better, worse = better + sum(after[k] for k in up), worse + sum(after[k] for k in down)
        alive = {k: p for k, p in after.items() if k not in up | down}
    return expected, better, worse


@pytest.mark.parametrize(
    ("won", "lost", "alpha", "alpha_against", "most"),
    [(0.3, 0.1, 0.05, 0.05, 40), (0.3, 0.3, 0.2, 0.1, 30), (0.05, 0.6, 0.05, 0.05, 30), (0.7, 0.3, 0.05, 0.05, 30)],
)
def test_pairs_that_differ_and_their_waits_are_every_pair(won, lost, alpha, alpha_against, most):
    """Following the pairs that differ, with binomial waits, is the same as following all pairs."""
    found = pairs_needed(won=won, lost=lost, alpha=alpha, alpha_against=alpha_against, most=most)
    slow = slow_pairs_needed(won, lost, alpha, alpha_against, most)
    assert (found.expected, found.better, found.worse) == pytest.approx(slow, abs=1e-9)
    assert found.most == most


def test_the_exact_numbers_are_those_of_simulated_processes():
    """200 simulated comparisons stop at the exact mean and find the better policy as often, within chance."""
    rng, n = np.random.default_rng(0), 600
    ends, better = [], 0
    for _ in range(200):
        u = rng.random(n)
        d = np.where(u < 0.1425, 1, np.where(u < 0.185, -1, 0))
        p = BettingProcess.begin(margin=0.0, alpha=0.05).extended(d)
        better += p.supported_at is not None
        ends.append(p.supported_at or n)
    exact = pairs_needed(won=0.1425, lost=0.0425, alpha=0.05, alpha_against=NEVER, most=n)
    assert abs(np.mean(ends) - exact.expected) < 5 * np.std(ends) / math.sqrt(200)
    assert abs(better / 200 - exact.better) < 0.01


def test_the_fewest_pairs():
    """Seven pairs won in a row show at 0.95 that one is better, nine at 0.99; one less does not."""
    assert fewest_pairs(margin=0.0, alpha=0.05) == 7
    assert fewest_pairs(margin=0.0, alpha=0.01) == 9
    for margin, alpha in itertools.product((0.0, 0.01, 0.3), (0.5, 0.05, 0.001)):
        n = fewest_pairs(margin=margin, alpha=alpha)
        assert log_e_no_worse([n - 1, n], 0, 0, margin) @ [1, -1] < 0
        assert (log_e_no_worse([n - 1, n], 0, 0, margin) >= -math.log(alpha)).tolist() == [False, True]


def test_the_pairs_to_go_lead_to_the_decision():
    """Following the rates seen so far, so many more pairs decide and one less does not; equal policies never end."""
    for won, drawn, lost, margin in ((5, 200, 2, 0.0), (3, 200, 3, 0.02), (0, 50, 0, 0.01), (2, 300, 12, 0.01)):
        more = pairs_to_go(won=won, drawn=drawn, lost=lost, margin=margin, alpha=0.05)
        rates = np.array([won + 0.5, drawn, lost + 0.5]) / (won + drawn + lost + 1)
        w, d, l = (np.array([won, drawn, lost])[:, None] + rates[:, None] * [more - 1, more]).round(9)
        either = np.maximum(log_e_no_worse(w, d, l, margin), log_e_no_worse(l, d, w, -margin))
        assert (either >= math.log(20)).tolist() == [False, True]
    assert pairs_to_go(won=7, drawn=0, lost=0, margin=0.0, alpha=0.05) == 0
    assert pairs_to_go(won=4, drawn=500, lost=4, margin=0.0, alpha=0.05) is None


@pytest.mark.parametrize(("won", "lost"), [(0.0, 0.0), (-0.1, 0.2), (0.8, 0.3), (float("nan"), 0.1)])
def test_probabilities_that_are_none_are_refused(won, lost):
    """Pairs that never differ decide nothing."""
    with pytest.raises(ValueError, match="sum in"):
        pairs_needed(won=won, lost=lost, alpha=0.05)


# ── for a fixed number ───────────────────────────────────────────────────────────────────────────────────────────


def test_mcnemar_by_hand():
    """Twice the smaller binomial tail, at most 1; the mid-p counts what was seen half; no difference is 1."""
    assert mcnemar(0, 0) == mcnemar(0, 0, mid=True) == 1.0
    assert mcnemar(11, 2) == mcnemar(2, 11) == pytest.approx(2 * (1 + 13 + 78) / 2**13)
    assert mcnemar(11, 2, mid=True) == pytest.approx((2 * (1 + 13 + 78) - 78) / 2**13)
    assert mcnemar(5, 5) == 1.0
    assert mcnemar(5, 5, mid=True) == pytest.approx(1.0)


def test_mcnemar_is_that_of_statsmodels():
    """Over all small tables with a pair that differs."""
    other = pytest.importorskip("statsmodels.stats.contingency_tables", reason="the oracle is statsmodels")
    for won, lost in itertools.product(range(0, 40, 3), range(0, 40, 7)):
        if won + lost:
            assert mcnemar(won, lost) == pytest.approx(other.mcnemar([[0, won], [lost, 0]], exact=True).pvalue)


def test_tango_by_known_values():
    """The published example, and closed forms where no pair differs or all differ the same way."""
    assert tango(11, 2, 28) == pytest.approx((0.0774, 0.5311), abs=5e-5)
    z2 = 1.959963984540054**2
    assert tango(0, 0, 50) == pytest.approx((-z2 / (50 + z2), z2 / (50 + z2)), abs=1e-9)
    assert tango(28, 0, 28) == pytest.approx(((28 - z2) / (28 + z2), 1.0), abs=1e-9)
    assert tango(0, 28, 28) == pytest.approx((-1.0, -(28 - z2) / (28 + z2)), abs=1e-9)


def test_tango_is_a_score_interval():
    """At both ends the score statistic is z; the ends mirror each other, and the interval widens with confidence."""
    for won, lost, n in ((3, 1, 20), (40, 2, 60), (0, 7, 100), (150, 149, 300)):
        low, high = tango(won, lost, n)
        assert low < (won - lost) / n < high
        assert tango(lost, won, n) == pytest.approx((-high, -low), abs=1e-9)
        wide = tango(won, lost, n, confidence=0.99)
        assert wide[0] < low < high < wide[1]
        for end in (low, high):
            q = np.linspace(max(0.0, -end) + 1e-9, (1.0 - end) / 2 - 1e-9, 200_001)  # P(lost); P(won) = q + end
            log_likelihood = won * np.log(q + end) + lost * np.log(q) + (n - won - lost) * np.log1p(-2 * q - end)
            best = q[np.argmax(log_likelihood)]
            z = (won - lost - n * end) / math.sqrt(n * (2 * best + end - end**2))
            assert abs(z) == pytest.approx(1.959964, rel=1e-3)


def test_tango_is_that_of_fieldtrial():
    """Against another public implementation, on random tables."""
    other = pytest.importorskip("fieldtrial.stats.paired", reason="the oracle is fieldtrial")
    rng = np.random.default_rng(0)
    for _ in range(300):
        n = int(rng.integers(1, 200))
        won = int(rng.integers(0, n + 1))
        lost = int(rng.integers(0, n - won + 1))
        assert tango(won, lost, n) == pytest.approx(other.tango_interval(won, lost, n, level=0.95), abs=1e-9)


@pytest.mark.parametrize(("won", "lost", "n"), [(3, 2, 4), (-1, 0, 4), (0, 0, 0)])
def test_counts_that_cannot_be_are_refused(won, lost, n):
    """More pairs differ than there are."""
    with pytest.raises(ValueError, match="cannot be"):
        tango(won, lost, n)


# ── the benchmark ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_benchmark_reaches_what_is_known():
    """Every row of the part `pairs` has a target that is reached and no time in it; a seed gives its numbers."""
    rows, again = pairs(studies=20, seed=0), pairs(studies=20, seed=0)
    assert [row.reached for row in rows] == [True] * len(rows)
    assert [row.values for row in rows] == [row.values for row in again]
    assert not any(row.timed for row in rows)
    assert len({row.what for row in rows}) == len(rows) == 17
