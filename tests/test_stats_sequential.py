"""Laws of the two e-processes: closed forms, the martingale identity, slow twins, the bound's coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import bdtrc, gammaln

from bench.stats_table import BOUNDARIES
from jangin.stats import sequential
from jangin.stats.crossing import first_at
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


@pytest.mark.parametrize(("p0", "first"), BOUNDARIES.items())
def test_trials_to_support(p0, first):
    """The known first numbers of trials that support with 0, 1, ... failures; one trial less does not."""
    k = np.arange(8)
    n = trials_to_support(p0, 0.05, k)
    assert tuple(n.tolist()) == first
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


def bisected(s, f, alpha):
    """The slow twin of `lower_bound`: sixty halvings of (0, 1)."""
    low, high = np.zeros(len(s)), np.ones(len(s))
    for _ in range(60):
        middle = 0.5 * (low + high)
        reached = log_e_for(s, f, middle) >= -math.log(alpha)
        low, high = np.where(reached, middle, low), np.where(reached, high, middle)
    return low


@pytest.mark.parametrize("alpha", [0.5, 0.05, 1e-6])
def test_lower_bound_equals_bisection(alpha):
    """Newton's method within a bracket ends where halving ends, for rates from 0 to 1 and counts up to ten million."""
    rng = np.random.default_rng(int(1e6 * alpha))
    n = np.floor(10 ** rng.uniform(0, 7, 600))
    s = np.maximum(np.round(n * np.concatenate([rng.random(300), 1 - 10 ** rng.uniform(-7, 0, 200), np.ones(100)])), 1)
    found, slow = lower_bound(s, n - s, alpha), bisected(s, n - s, alpha)
    np.testing.assert_allclose(found, slow, rtol=0, atol=1e-11)  # rounding of ln E+ over its slope
    assert (log_e_for(s, n - s, found) >= -math.log(alpha)).all()
    np.testing.assert_allclose(found[n <= 1e5], slow[n <= 1e5], rtol=0, atol=1e-13)
    assert (lower_bound(s.reshape(20, 30), (n - s).reshape(20, 30), alpha).ravel() == found).all()


def test_lower_bound_is_monotone():
    """More successes raise it, more failures lower it, more confidence lowers it; it stays below the point estimate."""
    s, f = np.meshgrid(np.arange(0, 300, 7), np.arange(0, 60, 3), indexing="ij")
    bound = lower_bound(s, f, 0.05)
    assert (np.diff(bound, axis=0) > 0).all()
    assert (np.diff(bound, axis=1)[1:] < 0).all()
    assert (lower_bound(s, f, 0.01) <= bound).all()
    assert (bound <= s / np.maximum(s + f, 1)).all()


def dense(good, p0, alpha):
    """The slow twin: every trial by itself. ln E+, ln E- and the running bound after trial 1, 2, ..., n."""
    s, f = np.cumsum(good), np.cumsum(~np.asarray(good))
    return log_e_for(s, f, p0), log_e_against(s, f, p0), np.maximum.accumulate(lower_bound(s, f, alpha))


def in_pieces(good, cuts, *, p0, alpha):
    process = EProcess.begin(p0=p0, alpha=alpha)
    for part in np.split(np.asarray(good, bool), cuts):
        process = process.extended(part)
    return process


def assert_is_its_twin(good, *, p0, alpha=0.05, cuts=()):
    """Every decision is the same trial, every number the same bits, as by looking after each trial."""
    good = np.asarray(good, bool)
    process = in_pieces(good, cuts, p0=p0, alpha=alpha)
    log_for, log_against, bound = dense(good, p0, alpha)
    every = np.arange(1, len(good) + 1)
    np.testing.assert_array_equal(process.log_for(every), log_for)
    np.testing.assert_array_equal(process.log_against(every), log_against)
    np.testing.assert_array_equal(process.bounds(every[::-1]), bound[::-1])
    assert process.bound() == (bound[-1] if len(good) else 0.0)
    assert process.supported_at == first_at(log_for, -np.log(alpha))
    for threshold in (1e-3, 0.5, 3.0, 20.0):
        assert process.first_against(threshold) == first_at(log_against, threshold)
    assert process.most_against == pytest.approx(max(0.0, log_against.max(initial=0.0)), abs=1e-9)
    assert process.successes_at(len(good)) == good.sum()


@pytest.mark.parametrize("p0", [0.5, 0.8, 0.9, 0.99, 0.999, 0.9999])
def test_a_process_is_its_dense_twin_on_random_paths(p0):
    """Policies from hopeless to perfect, in blocks of any size: no decision is missed, none comes early."""
    rng = np.random.default_rng(int(1e4 * p0))
    for ratio in (0.0, 0.3, 0.8, 1.0, 1.0, 1.2, 2.0, 5.0):
        n = int(10 ** rng.uniform(1.0, 3.6))
        good = rng.random(n) < max(1.0 - ratio * (1.0 - p0), 0.0)
        assert_is_its_twin(good, p0=p0, cuts=np.sort(rng.integers(0, n, 3)))


@pytest.mark.parametrize("p0", [0.5, 0.9, 0.999])
def test_a_process_is_its_dense_twin_beside_the_boundary(p0):
    """Paths that follow the boundary of support, one failure too early or too late, time and again."""
    start = trials_to_support(p0, 0.05, np.arange(12))
    start = start[start < 4000]
    for late in (-1, 0, 1):
        good = np.ones(start[-1] + 40, bool)
        good[start[:-1] - 1 + late] = False  # late = 0: the trial that would have supported fails
        assert_is_its_twin(good, p0=p0, cuts=sorted([7, start[0] - 1]))
        process = in_pieces(good, [], p0=p0, alpha=0.05)
        assert process.supported_at == (start[-1] if late <= 0 else start[0])


@pytest.mark.parametrize("p0", [0.5, 0.99, 0.9999])
@pytest.mark.parametrize("n", [0, 1, 2, 33, 600])
def test_a_process_is_its_dense_twin_at_the_ends(p0, n):
    """No trial, one trial, all successes, all failures, all failures first, all failures last."""
    half = np.arange(n) < n // 2
    for good in (np.ones(n, bool), np.zeros(n, bool), half, ~half):
        assert_is_its_twin(good, p0=p0)


def test_a_drifting_path_is_its_dense_twin():
    """Support and refutation both happen, more than once: the first time of each counts."""
    rng = np.random.default_rng(8)
    n = 6000
    good = rng.random(n) < 0.9 + 0.09 * np.sin(np.arange(n) / 500.0)
    for p0 in (0.85, 0.9, 0.95):
        assert_is_its_twin(good, p0=p0, alpha=0.3, cuts=np.arange(256, n, 256))


def test_extended_block_by_block_is_the_same_process():
    """Blocks of any size, empty ones too, give what all trials at once give; a process stays as it was."""
    good = np.random.default_rng(4).random(5000) < 0.97
    whole = in_pieces(good, [], p0=0.95, alpha=0.05)
    pieces = in_pieces(good, [1, 2, 77, 77, 300, *range(512, 5000, 256)], p0=0.95, alpha=0.05)
    for name in ("n", "supported_at", "most_against", "best"):
        assert getattr(whole, name) == getattr(pieces, name)
    np.testing.assert_array_equal(whole.failed, pieces.failed)
    before = in_pieces(good[:100], [], p0=0.95, alpha=0.05)
    one, other = before.extended(np.ones(50, bool)), before.extended(np.zeros(50, bool))
    assert (len(before), len(one), len(other)) == (100, 150, 150)
    assert one.successes_at(150) - other.successes_at(150) == 50
    assert whole.bounds(np.zeros((2, 3), int)).shape == (2, 3)
    assert whole.bounds(np.zeros(0, int)).shape == (0,)


def test_windows_bound_what_happens_in_them():
    """In any window no trial's logarithm exceeds the window's, nor 0 where that is all the window says."""
    rng = np.random.default_rng(2)
    for p0, p in ((0.5, 0.5), (0.9, 0.92), (0.99, 0.97)):
        process = in_pieces(rng.random(3000) < p, [], p0=p0, alpha=0.05)
        log_for, log_against = process.log_for(np.arange(3001)), process.log_against(np.arange(3001))
        low = rng.integers(0, 2990, 300)
        high = np.minimum(low + rng.integers(1, 400, 300), 3000)
        for a, b, most_for, most_against in zip(
            low, high, process.log_for_most(low, high), process.log_against_most(low, high), strict=True
        ):
            assert log_for[a + 1 : b + 1].max() <= most_for + 1e-9
            assert log_against[a + 1 : b + 1].max() <= most_against + 1e-9


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
        missed = sum(EProcess.begin(p0=0.5, alpha=alpha).extended(g).bound() > p for g in good)
        assert missed > 0
        assert bdtrc(missed - 1, sequences, alpha) > 1e-6  # P(so many misses or more) if the claim "<= alpha" is true


def test_it_looks_at_few_of_a_million_trials(monkeypatch):
    """Of a million trials at the boundary, where nothing is decided, fewer than one in fifty is computed."""
    looked = []

    def counting(log_e):
        return lambda s, f, p0: (looked.append(np.size(s)), log_e(s, f, p0))[1]

    monkeypatch.setattr(sequential, "log_e_for", counting(log_e_for))
    monkeypatch.setattr(sequential, "log_e_against", counting(log_e_against))
    for p0 in (0.5, 0.9, 0.999):
        looked.clear()
        process = EProcess.begin(p0=p0, alpha=1e-6).extended(np.random.default_rng(6).random(1_000_000) < p0)
        assert process.supported_at is None
        assert 0 < sum(looked) < 20_000


def test_a_million_trials_are_computed_in_one_go():
    """Prefixes up to a million, with tails far below the smallest double, stay finite and keep their direction."""
    s = np.arange(0, 1_000_001, 1000)
    assert np.isfinite(log_e_for(s, 0 * s, 0.9)).all()
    assert log_e_for(10**6, 0, 0.9) == pytest.approx(105354.6, abs=0.1)
    assert np.isfinite(log_e_against(0 * s, s, 0.9)).all()
    assert (np.diff(log_e_against(0 * s, s, 0.9)) > 0).all()
    assert (np.diff(log_e_against(s, 0 * s, 0.999999)) < 0).all()
