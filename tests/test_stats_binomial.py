"""Laws of the fixed-number intervals: published values and exact coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import bdtr, gammaln
from scipy.stats import binomtest

from jangin.stats.binomial import interval, lower, upper, zero_failure_trials


def test_published_values():
    """Zero-failure sample sizes, one-sided bounds at 95 %, and 0 failures in 20 trials."""
    assert [zero_failure_trials(p) for p in (0.90, 0.95, 0.99, 0.999)] == [29, 59, 299, 2995]
    assert 1 - lower(successes=20, trials=20) == pytest.approx(0.139, abs=5e-4)
    assert 1 - interval(successes=20, trials=20)[0] == pytest.approx(0.168, abs=5e-4)
    bounds = [
        lower(successes=k, trials=n) for k, n in ((20, 20), (50, 50), (100, 100), (400, 400), (90, 100), (360, 400))
    ]
    assert bounds == pytest.approx([0.8609, 0.9418, 0.9705, 0.9925, 0.8363, 0.8718], abs=5e-5)


@pytest.mark.parametrize(("n", "failures"), [(29, 0), (46, 1), (61, 2)])
def test_fixed_plans(n, failures):
    """29(0), 46(1), 61(2) prove p >= 0.90 at 95 %; one trial less does not."""
    assert lower(successes=n - failures, trials=n) >= 0.90
    assert lower(successes=n - failures - 1, trials=n - 1) < 0.90


@pytest.mark.parametrize(("p", "coverage"), [(0.92, 0.9679), (0.98, 0.9822), (0.99, 0.9862)])
def test_exact_coverage(p, coverage):
    """Coverage of the two-sided 95 % interval for n = 50, by enumeration, as published."""
    n, k = 50, np.arange(51)
    weights = np.exp(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + k * np.log(p) + (n - k) * np.log1p(-p))
    inside = [low <= p <= high for low, high in (interval(successes=int(i), trials=n) for i in k)]
    assert weights[inside].sum() == pytest.approx(coverage, abs=1e-4)


def test_definition_and_ends():
    """At a bound, so many successes or more (fewer) have probability 1 - confidence; 0 and n reach the ends."""
    low, high = interval(successes=37, trials=50, confidence=0.9)
    assert 1 - bdtr(36, 50, low) == pytest.approx(0.05, abs=1e-12)
    assert bdtr(37, 50, high) == pytest.approx(0.05, abs=1e-12)
    assert interval(successes=0, trials=9)[0] == 0.0
    assert interval(successes=9, trials=9)[1] == 1.0
    assert upper(successes=3, trials=9) == pytest.approx(1 - lower(successes=6, trials=9), abs=1e-15)


@pytest.mark.parametrize(("s", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_impossible_counts(s, n):
    """Counts that cannot be are refused."""
    with pytest.raises(ValueError, match="cannot be"):
        interval(successes=s, trials=n)


def test_agrees_with_statsmodels():
    """Every count of several n, one- and two-sided, 80 to 99 %: statsmodels' Clopper-Pearson to 12 digits."""
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    for n in (1, 2, 17, 300, 5000):
        for k in sorted({0, 1, n // 3, n - 1, n}):
            for confidence in (0.8, 0.95, 0.99):
                theirs = proportion.proportion_confint(k, n, alpha=1 - confidence, method="beta")
                assert interval(successes=k, trials=n, confidence=confidence) == pytest.approx(theirs, abs=1e-12)
                one_sided = proportion.proportion_confint(k, n, alpha=2 * (1 - confidence), method="beta")
                assert lower(successes=k, trials=n, confidence=confidence) == pytest.approx(one_sided[0], abs=1e-12)
                assert upper(successes=k, trials=n, confidence=confidence) == pytest.approx(one_sided[1], abs=1e-12)


def test_agrees_with_scipy():
    """scipy.stats.binomtest: its exact interval is ours, and its p-value against our one-sided bound is alpha."""
    for n in (5, 64, 900):
        for k in sorted({0, 2, n // 2, n - 1, n}):
            test = binomtest(k, n)
            theirs = test.proportion_ci(0.95, method="exact")
            assert interval(successes=k, trials=n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
            low = lower(successes=k, trials=n)
            if k > 0:
                assert binomtest(k, n, low, alternative="greater").pvalue == pytest.approx(0.05, abs=1e-9)
