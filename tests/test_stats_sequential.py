"""Laws of the two e-processes: closed forms, the martingale identity, slow twins, the bound's coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import bdtrc, gammaln

from jangin.stats.sequential import B, EProcess, log_e_against, log_e_for, lower_bound, trials_to_support


def log_choose(n, k):
    return gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)


def log_beta(a, b):
    return gammaln(a) + gammaln(b) - gammaln(a + b)


def twin_for(s, f, p0):
    """E+ as a finite sum of positive terms: expand (1 + (1-u) r)^s, r = (1-p0)/p0, under the prior b u^(b-1)."""
    k = np.arange(s + 1)
    terms = log_choose(s, k) + k * math.log((1 - p0) / p0) + math.log(B) + log_beta(f + B, k + 1.0)
    return np.logaddexp.reduce(terms)


def twin_against(s, f, p0):
    """E- likewise: with q = p0 v a finite sum for f >= 1, the series of q^s / (1-q) for f = 0."""
    norm = -math.log1p(-p0)
    if f == 0:
        j = np.arange(int(60 / (1 - p0)) + 10)
        return math.log(np.sum(p0 ** (j + 1.0) / (s + 1 + j)) / norm)
    k = np.arange(f)
    terms = log_choose(f - 1, k) + k * (math.log(p0) - math.log1p(-p0)) + log_beta(s + 1.0, k + 1.0)
    return math.log(p0) - math.log1p(-p0) - math.log(norm) + np.logaddexp.reduce(terms)


@pytest.mark.parametrize("p0", [0.05, 0.5, 0.9, 0.99, 0.9999])
def test_closed_forms_agree_with_sums_of_positive_terms(p0):
    """Both logarithms equal a sum that cannot cancel, over every mix of few and many successes and failures."""
    for s in (0, 1, 7, 80, 900, 5000):
        for f in (0, 1, 2, 30, 400, 3000):
            assert log_e_for(s, f, p0) == pytest.approx(twin_for(s, f, p0), rel=1e-11, abs=1e-9), (s, f)
            assert log_e_against(s, f, p0) == pytest.approx(twin_against(s, f, p0), rel=1e-11, abs=1e-9), (s, f)


def test_both_are_martingales_at_p0_up_to_a_million_trials():
    """E(s, f) = p0 E(s+1, f) + (1-p0) E(s, f+1): one trial at p0 changes neither on average, at any counts whatever."""
    rng = np.random.default_rng(1)
    s = np.concatenate([np.floor(10 ** rng.uniform(0, 6, 400)), [0, 0, 1e6, 1e6, 0]])
    f = np.concatenate([np.floor(10 ** rng.uniform(0, 6, 400)), [0, 1e6, 0, 1e6, 1]])
    for p0 in (0.01, 0.5, 0.9, 0.99, 0.999, 0.999999):
        for log_e in (log_e_for, log_e_against):
            now = log_e(s, f, p0)
            after = np.logaddexp(np.log(p0) + log_e(s + 1, f, p0), np.log1p(-p0) + log_e(s, f + 1, p0))
            assert np.isfinite(now).all()
            np.testing.assert_allclose(now, after, rtol=1e-11, atol=2e-8)


@pytest.mark.parametrize("p0", [0.3, 0.9, 0.99])
def test_mean_is_one_at_p0_and_below_one_in_the_rest_of_the_null(p0):
    """E_p[E+] = 1 at p0 and <= 1 for p < p0; E_p[E-] = 1 at p0 and <= 1 for p > p0; exactly, by enumeration."""
    n = 200
    f = np.arange(n + 1)

    def mean(log_e, p):
        weights = log_choose(n, f) + (n - f) * math.log(p) + f * math.log1p(-p)
        return math.exp(np.logaddexp.reduce(weights + log_e(n - f, f, p0)))

    assert mean(log_e_for, p0) == pytest.approx(1.0, abs=1e-10)
    assert mean(log_e_against, p0) == pytest.approx(1.0, abs=1e-10)
    for t in (0.2, 0.7, 0.99):
        assert mean(log_e_for, t * p0) <= 1.0 + 1e-10
        assert mean(log_e_against, p0 + t * (1 - p0)) <= 1.0 + 1e-10
    assert mean(log_e_for, 0.5 * (1 + p0)) > 1.0 > mean(log_e_for, 0.5 * p0)


def test_before_the_first_trial_and_without_failure():
    """Both start at 1; without a failure E- only falls, and E+ only rises."""
    s = np.arange(3000)
    for p0 in (0.5, 0.95, 0.9999):
        assert log_e_for(0, 0, p0) == pytest.approx(0.0, abs=1e-14)
        assert log_e_against(0, 0, p0) == pytest.approx(0.0, abs=1e-14)
        assert (np.diff(log_e_against(s, 0 * s, p0)) < 0).all()
        assert (np.diff(log_e_for(s, 0 * s, p0)) > 0).all()


@pytest.mark.parametrize(
    ("p0", "first"),
    [(0.95, [74, 131, 174, 213, 249, 284, 317, 349]), (0.99, [377, 663, 883, 1079, 1262, 1436, 1604, 1767])],
)
def test_trials_to_support(p0, first):
    """The published first numbers of trials that support with 0, 1, ... failures; one trial less does not."""
    k = np.arange(8)
    n = trials_to_support(p0, 0.05, k)
    assert n.tolist() == first
    assert (log_e_for(n - k, k, p0) >= math.log(20)).all()
    assert (log_e_for(n - k - 1, k, p0) < math.log(20)).all()


def test_trials_to_support_of_a_demanding_claim():
    """P >= 0.999 needs 3787 perfect trials at 95 %."""
    assert int(trials_to_support(0.999, 0.05, 0)) == 3787


def test_lower_bound_is_where_e_plus_falls_below_one_over_alpha():
    """E+ at the bound is 1/alpha, and the bound passes p0 exactly when E+(p0) does."""
    s, f = np.array([5, 74, 73, 400, 376, 377, 663, 10_000]), np.array([0, 0, 0, 40, 0, 0, 1, 3])
    for alpha in (0.01, 0.05, 0.2):
        bound = lower_bound(s, f, alpha)
        np.testing.assert_allclose(log_e_for(s, f, bound), -np.log(alpha), atol=1e-9)
    at_95 = lower_bound(np.array([73, 74]), np.zeros(2), 0.05)
    assert at_95[0] < 0.95 <= at_95[1]
    assert lower_bound(0, 0, 0.05) == lower_bound(0, 9, 0.05) == 0.0


def test_lower_bound_is_monotone():
    """More successes raise it, more failures lower it, more confidence lowers it; it stays below the point estimate."""
    s, f = np.meshgrid(np.arange(0, 300, 7), np.arange(0, 60, 3), indexing="ij")
    bound = lower_bound(s, f, 0.05)
    assert (np.diff(bound, axis=0) > 0).all()
    assert (np.diff(bound, axis=1)[1:] < 0).all()
    assert (lower_bound(s, f, 0.01) <= bound).all()
    assert (bound <= s / np.maximum(s + f, 1)).all()


@pytest.mark.parametrize("p", [0.6, 0.97, 1.0])
def test_running_bound_equals_the_best_bound_of_every_prefix(p):
    """`bounds` looks only before failures and at the end; looking after every trial gives the same."""
    good = np.random.default_rng(3).random(400) < p
    process = EProcess.begin(p0=0.9, alpha=0.05).extended(good)
    slow = np.maximum.accumulate(lower_bound(process.successes, process.failures, 0.05))
    at = np.arange(0, 401)
    np.testing.assert_array_equal(process.bounds(at), np.concatenate([[0.0], slow]))
    assert process.bound() == slow[-1]


def test_extended_in_pieces_is_the_same_process():
    """Blocks of any size give the same numbers as all trials at once."""
    good = np.random.default_rng(4).random(500) < 0.93
    whole = EProcess.begin(p0=0.95, alpha=0.05).extended(good)
    pieces = EProcess.begin(p0=0.95, alpha=0.05)
    for part in np.split(good, [1, 2, 77, 77, 300]):
        pieces = pieces.extended(part)
    for name in ("successes", "failures", "log_for", "log_against"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(pieces, name))
    assert len(whole) == 500
    assert EProcess.begin(p0=0.9, alpha=0.05).bound() == 0.0


def test_supported_exactly_when_the_running_bound_reaches_p0():
    """The first trial at which E+ reaches 1/alpha is the first at which the bound reaches p0."""
    for seed in range(20):
        good = np.random.default_rng(seed).random(600) < 0.97
        process = EProcess.begin(p0=0.93, alpha=0.05).extended(good)
        reached = np.flatnonzero(process.bounds(np.arange(1, 601)) >= 0.93 - 1e-12)
        assert process.supported_at == (int(reached[0]) + 1 if reached.size else None)


def test_coverage_of_the_anytime_bound():
    """The running bound ever exceeds the true p in no more than alpha of the sequences (exact binomial bound, 1e-6)."""
    alpha, sequences = 0.1, 400
    for p in (0.7, 0.95):
        good = np.random.default_rng(11).random((sequences, 150)) < p
        missed = sum(EProcess.begin(p0=p, alpha=alpha).extended(g).bound() > p for g in good)
        assert missed > 0
        assert bdtrc(missed - 1, sequences, alpha) > 1e-6  # P(so many misses or more) if the claim "<= alpha" is true


def test_a_million_trials_are_computed_in_one_go():
    """Prefixes up to a million, with tails far below the smallest double, stay finite and keep their direction."""
    s = np.arange(0, 1_000_001, 1000)
    assert np.isfinite(log_e_for(s, 0 * s, 0.9)).all()
    assert log_e_for(10**6, 0, 0.9) == pytest.approx(105354.6, abs=0.1)
    assert np.isfinite(log_e_against(0 * s, s, 0.9)).all()
    assert (np.diff(log_e_against(0 * s, s, 0.9)) > 0).all()
    assert (np.diff(log_e_against(s, 0 * s, 0.999999)) < 0).all()
