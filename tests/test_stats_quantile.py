"""Laws of quantiles with infinite values: definition, infinity, and the coverage of the order-statistic bound."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import betainc

from jangin.stats.quantile import quantile, upper_bound


def test_definition():
    """At least a share q of the values is <= the quantile, and less than q is below it."""
    rng = np.random.default_rng(5)
    for n in (1, 2, 9, 100, 101):
        values = rng.integers(0, 20, n).astype(float)
        for q in (0.01, 0.25, 0.5, 0.95, 0.99, 1.0):
            v = quantile(values, q)
            assert v in values
            assert np.mean(values <= v) >= q - 1e-12
            assert np.mean(values < v) < q


def test_whole_products_are_not_rounded_up():
    """q n that is a whole number picks that order statistic, whatever binary floating point makes of the product."""
    values = np.arange(1, 101)
    assert [quantile(values, k / 100) for k in range(1, 101)] == list(range(1, 101))


def test_infinity_is_a_value():
    """A failed trial is inf; the quantile is finite exactly while few enough failed, and never NaN."""
    values = np.array([1.0, 2.0, math.inf, math.inf])
    assert quantile(values, 0.5) == 2.0
    assert quantile(values, 0.51) == math.inf
    assert quantile([math.inf] * 3, 0.5) == math.inf


@pytest.mark.parametrize(("values", "q"), [([], 0.5), ([1.0, math.nan], 0.5), ([1.0], 0.0), ([1.0], 1.1)])
def test_refused(values, q):
    """No values, unknown values and shares outside (0, 1] have no quantile."""
    with pytest.raises(ValueError):
        quantile(values, q)


def test_upper_bound_needs_wilks_number_of_trials():
    """59 values are the fewest that bound the 95 % quantile at 95 %, by their largest; 58 cannot."""
    values = np.arange(59.0)
    assert upper_bound(values, 0.95) == 58.0
    assert upper_bound(values[:58], 0.95) == math.inf
    assert upper_bound(np.arange(93.0), 0.95) == 91.0  # the second largest, with 93


def test_upper_bound_covers():
    """P(k-th smallest < true quantile) = I_q(k, n-k+1) <= 5 % at the k it takes, and not at k - 1."""
    for n, q in ((100, 0.5), (300, 0.95), (1000, 0.99)):
        k = int(upper_bound(np.arange(1.0, n + 1), q))
        assert betainc(k, n - k + 1, q) <= 0.05 < betainc(k - 1, n - k + 2, q)
