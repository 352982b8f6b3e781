"""Laws of the two-level split: unbiased, never negative, intervals that cover, and how many trials halve them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from jangin.stats.nested import halving, two_level
from jangin.stats.output import mean_interval
from test_stats_output import holds


def test_by_hand():
    """Mean squares, variances and share of a small table are those worked out row by row."""
    rng = np.random.default_rng(1)
    y = rng.normal(rng.normal(10, 2, (60, 1)), 1, (60, 4))
    found = two_level(y)
    b = stats.f_oneway(*y)
    within = np.mean([row.var(ddof=1) for row in y])
    between = y.mean(axis=1).var(ddof=1) - within / 4
    assert (found.within, found.between) == pytest.approx((within, between))
    assert found.share == pytest.approx(between / (between + within))
    assert 1 + 4 * found.between / found.within == pytest.approx(b.statistic)
    assert found.mean == mean_interval(y.mean(axis=1))
    assert (found.outer, found.inner) == (60, 4)


def test_unbiased_and_never_negative():
    """Over many studies the two variances average to the truth where none is cut off, and none is ever below 0."""
    rng = np.random.default_rng(2)
    found = [two_level(rng.normal(rng.normal(0, 1, (50, 1)), 2, (50, 8))) for _ in range(300)]
    for name, truth in (("between", 1.0), ("within", 4.0)):
        values = np.array([getattr(f, name) for f in found])
        assert abs(values.mean() - truth) < 5 * values.std() / math.sqrt(300), name
    alone = [two_level(rng.normal(0, 1, (50, 3))) for _ in range(100)]
    assert min(f.between for f in alone) == 0.0
    none = next(f for f in alone if f.between == 0.0)
    assert (none.share, none.share_low) == (0.0, 0.0)
    assert none.long_run == pytest.approx((none.mean.mean, none.mean.mean))


def test_the_long_run_interval_is_not_widened_by_the_runs():
    """With few noisy runs of each draw the interval of the long-run mean still has the width of the draws alone."""
    rng = np.random.default_rng(3)
    width, raw = [], []
    for _ in range(60):
        y = rng.normal(rng.normal(0, 1, (400, 1)), 3, (400, 4))
        low, high = two_level(y).long_run
        width.append(high - low)
        raw.append(np.diff(np.quantile(y.mean(axis=1), [0.025, 0.975]))[0])
    assert np.mean(width) == pytest.approx(2 * 1.96, rel=0.05)
    assert np.mean(raw) == pytest.approx(2 * 1.96 * math.sqrt(1 + 9 / 4), rel=0.05)


def test_intervals_cover_on_a_normal_model():
    """A new draw's long-run mean, a new run of it, and the true share lie in their intervals in 95 % of the cases."""
    rng = np.random.default_rng(4)
    cases, share = 800, 1 / 5
    long_run = single = shares = 0
    for _ in range(cases):
        found = two_level(rng.normal(rng.normal(5, 1, (199, 1)), 2, (199, 10)))
        truth = rng.normal(5, 1)
        long_run += found.long_run[0] <= truth <= found.long_run[1]
        run = rng.normal(truth, 2)
        single += found.single_run[0] <= run <= found.single_run[1]
        shares += found.share_low <= share <= found.share_high
    holds(long_run, cases, 0.94)  # drawing together by an estimate costs a little
    holds(single, cases, 0.945)
    holds(shares, cases, 0.95)
    holds(cases - shares, cases, 0.05)


def test_intervals_cover_on_a_beta_bernoulli_model():
    """Runs of 480 parts of a station of success rate Beta(95, 7): true rates and runs lie in the intervals."""
    rng = np.random.default_rng(5)
    cases = 300
    long_run = single = 0
    for _ in range(cases):
        p = rng.beta(95, 7, 200)
        found = two_level(rng.binomial(480, p[:, None], (200, 20)) / 480)
        truth = rng.beta(95, 7)
        long_run += found.long_run[0] <= truth <= found.long_run[1]
        single += found.single_run[0] <= rng.binomial(480, truth) / 480 <= found.single_run[1]
    holds(long_run, cases, 0.94)
    holds(single, cases, 0.94)


def test_the_beta_bernoulli_split_is_exact_in_the_limit():
    """Of single successes the split goes to Var p and E p (1 - p), and the interval to the quantiles of the Beta."""
    rng = np.random.default_rng(6)
    a, b = 18.0, 4.0
    p = rng.beta(a, b, (8000, 1))
    found = two_level(rng.random((8000, 200)) < p)
    mean = a / (a + b)
    var = mean * (1 - mean) / (a + b + 1)
    assert found.between == pytest.approx(var, rel=0.08)
    assert found.within == pytest.approx(mean * (1 - mean) - var, rel=0.02)
    assert found.long_run == pytest.approx(tuple(stats.beta.ppf([0.025, 0.975], a, b)), abs=0.01)


def test_fewest_draws():
    """39 draws are the fewest for 95 %, whose interval is the smallest to the largest; 38 are refused."""
    rng = np.random.default_rng(7)
    y = rng.normal(rng.normal(0, 1, (39, 1)), 1e-9, (39, 2))
    assert two_level(y).long_run == pytest.approx((y.mean(axis=1).min(), y.mean(axis=1).max()))
    with pytest.raises(ValueError) as refused:
        two_level(y[:38])
    assert str(refused.value) == "38 draws are too few for an interval at 0.95 confidence; give 39 or more."


def test_nothing_varies():
    """Equal runs have no variance, no share and intervals of no width; runs that repeat exactly are all evidence."""
    found = two_level(np.full((40, 2), 3.0))
    assert (found.between, found.within, found.share, found.share_low) == (0.0, 0.0, None, None)
    assert found.long_run == found.single_run == (3.0, 3.0)
    exact = two_level(np.repeat(np.arange(40.0)[:, None], 3, axis=1))
    assert (exact.within, exact.share, exact.share_low, exact.share_high) == (0.0, 1.0, 1.0, 1.0)


def test_sentence():
    """The sentence says both intervals and what share is the evidence's."""
    found = two_level(np.arange(39.0)[:, None] + np.array([-1.0, 1.0]))
    assert found.sentence == (
        "19; the long-run mean lies between 0.073218 and 37.9268, a single run between -1 and 39 "
        "(each at 0.95 confidence); 98% of a run's variance is what the evidence leaves open."
    )


def test_halving_a_beta_posterior_is_exact():
    """With the trials it asks for, at an unchanged mean, the standard deviation of a Beta posterior is exactly half."""
    a, b = 380.0, 32.0
    sd = stats.beta.std(a, b)
    found = halving(sd**2, 0.1 * sd**2, a + b + 1)
    for more, within, part in ((found.evidence, 0.0, "evidence"), (found.whole, 0.1 * sd**2, "whole")):
        scale = (a + b + more) / (a + b)
        after = stats.beta.std(a * scale, b * scale)
        assert math.sqrt((after**2 + within) / (sd**2 + within)) == pytest.approx(0.5, rel=1e-3), part
    assert found.evidence == 3 * 413
    assert found.reason == ""


def test_halving_what_the_process_varies_is_impossible():
    """Where the process varies a third of what the evidence leaves open, or more, no trials halve the whole."""
    assert halving(3.01, 1.0, 100).whole is not None
    found = halving(3.0, 1.0, 100)
    assert (found.evidence, found.whole, found.floor) == (300, None, 0.5)
    assert found.reason == (
        "However many trials: the process itself keeps the interval of a single run at 50% of its width."
    )
    assert halving(1.0, 0.0, 100).whole == halving(1.0, 0.0, 100).evidence == 300


def test_halving_nothing():
    """Evidence that leaves nothing open cannot be halved, and it says so."""
    found = halving(0.0, 1.0, 100)
    assert (found.evidence, found.whole, found.floor) == (None, None, 1.0)
    assert found.reason == "The evidence leaves nothing open that was seen in the result: more trials narrow nothing."


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: two_level(np.zeros((40, 1))),
            "Runs of shape (40, 1) cannot be split; give (draws, runs), with 2 or more runs each.",
        ),
        (
            lambda: two_level(np.full((40, 2), np.nan)),
            "Runs with values that are not finite cannot be split; leave those draws out by name.",
        ),
        (
            lambda: two_level(np.zeros((40, 2)), 1.0),
            "A confidence of 1 cannot be; give one strictly between 0 and 1, as 0.95.",
        ),
        (lambda: halving(-1.0, 1.0, 10), "Variances of -1 and 1 cannot be; give two that are >= 0 and finite."),
        (
            lambda: halving(1.0, 1.0, 0),
            "Evidence of 0 trials cannot be extended; give the number behind it, more than 0.",
        ),
    ],
)
def test_refused(call, says):
    """What cannot be split is refused in one sentence."""
    with pytest.raises(ValueError) as refused:
        call()
    assert str(refused.value) == says
