"""Laws of output analysis: formulas by a slow twin, and coverage with fixed seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from jangin.stats.output import batch_means, mean_interval, mser5, paired_interval, replications_needed


def holds(hits: int, of: int, p: float) -> None:
    """`hits` of `of` agree with a probability of at least p, at an error of 1e-6: a red test is a bug."""
    assert stats.binom.cdf(hits, of, p) > 1e-6, (hits, of, p)


# ── warm-up ──────────────────────────────────────────────────────────────────────────────────────────────────────


def mser5_by_definition(series: np.ndarray) -> int:
    """Slow twin: the statistic written out for every cut."""
    y = [series[5 * i : 5 * i + 5].mean() for i in range(len(series) // 5)]
    scores = [sum((v - np.mean(y[d:])) ** 2 for v in y[d:]) / (len(y) - d) ** 2 for d in range(len(y) - 4)]
    return 5 * int(np.argmin(scores))


def test_mser5_is_its_definition():
    """The cut is where the statistic, computed for every cut, is smallest; also far from 0, where squares cancel."""
    rng = np.random.default_rng(1)
    for case in range(40):
        n = int(rng.integers(50, 300))
        transient = rng.uniform(0, 20) * np.exp(-np.arange(n) / rng.uniform(5, 60))
        series = transient + rng.normal(0, 1, n) + 1e6 * (case % 2)
        assert mser5(series).cut == mser5_by_definition(series), case


def test_mser5_finds_the_end_of_a_jump():
    """Noise that starts three hundred values late, ten deviations off: the cut is within a batch of the jump."""
    rng = np.random.default_rng(2)
    series = rng.normal(0, 1, 2000)
    series[:300] += 10.0
    found = mser5(series)
    assert 300 <= found.cut <= 310
    assert (found.batches, found.reliable) == (400, True)
    assert found.sentence == f"Warm-up: the first {found.cut} of 2,000 values are left out (MSER-5)."


def test_mser5_of_what_is_stationary_cuts_little():
    """White noise loses a few per cent of its values in the mean, and is reliable."""
    rng = np.random.default_rng(3)
    found = [mser5(rng.normal(0, 1, 1000)) for _ in range(200)]
    assert np.mean([f.cut for f in found]) < 100
    holds(sum(f.reliable for f in found), 200, 0.95)


def test_mser5_says_when_the_run_is_too_short():
    """A ramp has no end of its warm-up: the cut falls in the second half and is called unreliable."""
    found = mser5(np.arange(500.0))
    assert not found.reliable
    assert found.sentence == (
        "Warm-up: no end of it was found in the first half of 500 values (MSER-5 would cut 475); "
        "make the run at least twice as long."
    )


def test_mser5_of_a_constant_keeps_everything():
    """A constant, also one that is no binary fraction, has no warm-up; a constant behind a start has that start."""
    assert mser5(np.full(1000, 0.1)).cut == 0
    assert mser5(np.concatenate([[7.0] * 5, np.full(995, 0.1)])).cut == 5


def test_mser5_looks_at_the_mean_over_replications():
    """(R, n) is the series of its means over replications; an incomplete last batch is left out."""
    rng = np.random.default_rng(4)
    runs = rng.normal(0, 1, (8, 203)) + 5.0 * np.exp(-np.arange(203) / 15.0)
    assert mser5(runs) == mser5(runs.mean(axis=0)) == mser5(runs[:, :200])


def test_mser5_removes_the_bias_of_an_empty_start():
    """An AR(1) series that starts 20 deviations off: with the warm-up cut off, the mean's error is mostly gone."""
    rng = np.random.default_rng(5)
    raw, cut = [], []
    for _ in range(50):
        x, series = 20.0, np.empty(2000)
        for k, noise in enumerate(rng.normal(0, 1, 2000)):
            series[k] = x = 0.95 * x + noise
        raw.append(series.mean())
        cut.append(series[mser5(series).cut :].mean())
    assert abs(np.mean(raw)) > 0.15  # 20 / (1 - 0.95) / 2000 = 0.2
    assert abs(np.mean(cut)) < 0.06 + 4 * np.std(cut) / math.sqrt(50)


# ── one mean ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_mean_interval_is_students():
    """The interval is scipy's t interval of the mean."""
    values = np.random.default_rng(6).normal(5, 2, 17)
    found = mean_interval(values, 0.9)
    low, high = stats.t.interval(0.9, 16, loc=values.mean(), scale=stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-12)
    assert found.relative == pytest.approx(found.half_width / values.mean())
    assert (mean_interval([0.0, 0.0]).relative, mean_interval([-1.0, 1.0]).relative) == (0.0, math.inf)


def test_mean_interval_covers():
    """Of normal values, 95 % intervals hold the mean in 95 % of 4,000 cases, from above and from below."""
    values = np.random.default_rng(7).normal(3, 1, (4000, 5))
    hits = sum(abs(f.mean - 3) <= f.half_width for f in map(mean_interval, values))
    holds(hits, 4000, 0.95)
    holds(4000 - hits, 4000, 0.05)


# ── one long run ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_batch_means_by_hand():
    """Batches are taken from the end, and their interval is the t interval of their means."""
    found = batch_means([9.0, 1.0, 3.0, 2.0, 4.0, 3.0, 7.0], batches=3)
    assert found.interval == mean_interval([2.0, 3.0, 5.0])
    assert found.batch == 2
    assert found.correlation == pytest.approx(1 - (1 + 4) / (2 * (42 / 9)))
    assert found.p_value == pytest.approx(stats.norm.sf(found.correlation / math.sqrt(1 / 8)))


def test_von_neumann_under_independence():
    """Of independent normal batches the correlation has mean 0 and variance (B - 2) / (B^2 - 1); 5 % are doubted."""
    rng = np.random.default_rng(8)
    found = [batch_means(row, batches=20) for row in rng.normal(0, 1, (4000, 40))]
    c = np.array([f.correlation for f in found])
    assert abs(c.mean()) < 4 * c.std() / math.sqrt(4000)
    assert c.var() == pytest.approx(18 / 399, rel=0.1)
    doubted = sum(not f.independent for f in found)
    holds(doubted, 4000, 0.04)
    holds(4000 - doubted, 4000, 1 - 0.06)


def test_batch_means_of_a_correlated_run():
    """AR(1): long batches cover and are believed; short ones are too narrow, and most are doubted."""
    rng = np.random.default_rng(9)
    n, phi = 4000, 0.9
    x = np.empty((300, n))
    x[:, 0] = rng.normal(0, 1 / math.sqrt(1 - phi**2), 300)
    for k in range(1, n):
        x[:, k] = phi * x[:, k - 1] + rng.normal(0, 1, 300)
    long = [batch_means(row, batches=20) for row in x]
    short = [batch_means(row, batches=400) for row in x]
    holds(sum(abs(f.interval.mean) <= f.interval.half_width for f in long), 300, 0.92)
    holds(sum(f.independent for f in long), 300, 0.85)
    assert sum(abs(f.interval.mean) <= f.interval.half_width for f in short) < 250
    assert sum(f.independent for f in short) < 30
    doubted = next(f for f in short if not f.independent)
    assert doubted.sentence.endswith("and the interval is too narrow: make the run longer.")


# ── two systems ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_paired_interval_is_that_of_the_differences():
    """The interval of a - b is that of the differences; the reduction is what sharing took off their variance."""
    rng = np.random.default_rng(10)
    common = rng.normal(0, 3, 25)
    a, b = 10 + common + rng.normal(0, 1, 25), 9 + common + rng.normal(0, 1, 25)
    found = paired_interval(a, b)
    assert found.difference == mean_interval(a - b)
    assert found.correlation == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert found.variance_reduction == pytest.approx(1 - (a - b).var(ddof=1) / (a.var(ddof=1) + b.var(ddof=1)))
    assert found.variance_reduction > 0.7
    assert "a difference; common random numbers changed the variance by -" in found.sentence


def test_common_numbers_that_do_harm_show():
    """Opposite numbers make the reduction negative: -1 of a = -b; two constants have none."""
    values = np.array([1.0, -2.0, 3.0, -2.0])
    assert paired_interval(values, -values).variance_reduction == pytest.approx(-1)
    found = paired_interval([1.0, 1.0], [2.0, 2.0])
    assert (found.variance_reduction, found.correlation, found.difference.mean) == (None, None, -1.0)


# ── how many replications ────────────────────────────────────────────────────────────────────────────────────────


def test_replications_needed_is_its_definition():
    """The smallest i >= n with t s / sqrt(i) <= g / (1 + g) |mean|, found here by counting up."""
    rng = np.random.default_rng(11)
    for _ in range(50):
        values = rng.normal(-10, rng.uniform(0.1, 5), int(rng.integers(2, 30)))
        g = rng.uniform(0.01, 0.2)
        found = replications_needed(values, g, 0.9)
        i = np.arange(len(values), 100_001)
        left = stats.t.ppf(0.95, i - 1) * values.std(ddof=1) / np.sqrt(i) / abs(values.mean())
        met = np.flatnonzero(left <= g / (1 + g))
        assert found.needed == (int(i[met[0]]) if len(met) else None)
        assert found.enough == (found.needed == len(values))


def test_replications_stay_below_the_limit():
    """Where the most allowed are not enough, there is no number, and what they would leave is said."""
    found = replications_needed([1.0, 3.0], 0.001, at_most=50)
    assert (found.needed, found.enough) == (None, False)
    assert found.expected == pytest.approx(stats.t.ppf(0.975, 49) * math.sqrt(2 / 50) / 2)
    assert replications_needed([-1.0, 1.0], 0.1).expected == math.inf
    assert replications_needed([2.0, 2.0, 2.0], 0.1).needed == 3


@pytest.mark.parametrize("law", ["normal", "exponential"])
def test_the_sequential_stop_covers(law):
    """Stopping as soon as they are enough, from 10 on: the relative error is at most g in 90 % of the cases, about."""
    rng = np.random.default_rng(12)
    draws = rng.normal(1, 0.4, (600, 4000)) if law == "normal" else rng.exponential(1.0, (600, 4000))
    g = 0.1
    hits = 0
    for row in draws:
        n = 10
        while not (found := replications_needed(row[:n], g, 0.9, at_most=4000)).enough:
            n += max(1, (found.needed - n) // 2)  # half the way at a time: close to one by one, and quick
        hits += abs(row[:n].mean() - 1.0) <= g
    holds(hits, 600, 0.88)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: mser5(np.zeros(49)), "A series of shape (49,) is too short for MSER-5; give (n,) or (R, n), n >= 50."),
        (
            lambda: mser5([math.inf] * 60),
            "A series with 60 values that are not finite means nothing; leave those runs out by name.",
        ),
        (
            lambda: mean_interval([1.0]),
            "A mean with an interval from values of shape (1,) cannot be; give one row of 2 or more.",
        ),
        (
            lambda: mean_interval([1.0, 2.0], 95),
            "A confidence of 95 cannot be; give one strictly between 0 and 1, as 0.95.",
        ),
        (
            lambda: batch_means(np.zeros(30), 2),
            "2 batches cannot be tested for independence; give 3 or more, 20 as a rule.",
        ),
        (
            lambda: batch_means(np.zeros(30)),
            "A run in 20 batches from values of shape (30,) cannot be; give one row of 40 or more.",
        ),
        (
            lambda: paired_interval([1.0, 2.0], [1.0, 2.0, 3.0]),
            "2 and 3 replications are no pairs; give as many of each.",
        ),
        (
            lambda: replications_needed([1.0, 2.0], 5.0),
            "A half-width of 5 of the mean cannot be; give a share in (0, 1), as 0.01.",
        ),
        (
            lambda: replications_needed([1.0, 2.0, 3.0], 0.1, at_most=2),
            "At most 2 replications, but 3 were run; give at_most >= 3.",
        ),
    ],
)
def test_refused(call, says):
    """What cannot be computed is refused in one sentence."""
    with pytest.raises(ValueError) as refused:
        call()
    assert str(refused.value) == says
