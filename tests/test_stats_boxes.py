"""Laws of failure regions: what is there is found, short and at its place; a re-test keeps its level and coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import xlogy
from scipy.stats import fisher_exact

from jangin.stats.boxes import FEWEST, Box, Counts, Side, boxes, holm, retest
from jangin.stats.design import sobol

EVEN = np.arange(1, 64) / 64


def found(failed, u, **more):
    return boxes(u, failed, [EVEN] * u.shape[1], **more)


# ── finding ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_corner_of_two_among_many_conditions_is_found_with_nothing_else_in_its_description(seed):
    u = sobol(1024, 20, seed=seed)
    rng = np.random.default_rng(seed)
    true = (u[:, 3] >= 0.7) & (u[:, 11] < 0.4)
    failed = (true & (rng.random(1024) < 0.6)) | (rng.random(1024) < 0.01)
    box = found(failed, u)[0]
    assert [s.index for s in box.sides] == [3, 11]
    assert (box.sides[0].high, box.sides[1].low) == (1.0, 0.0)
    assert box.sides[0].low == pytest.approx(0.7, abs=0.05)
    assert box.sides[1].high == pytest.approx(0.4, abs=0.05)


def test_an_interval_inside_a_range_is_found_to_a_cell_of_the_fine_grid():
    u = sobol(1024, 5, seed=3)
    failed = (u[:, 2] >= 20 / 64) & (u[:, 2] < 29 / 64)
    (box,) = found(failed, u)
    assert box.sides == (Side(2, 20 / 64, 29 / 64),)
    assert box.volume == pytest.approx(9 / 64)


def test_two_regions_are_two_boxes():
    u = sobol(1024, 6, seed=4)
    first, second = (u[:, 0] > 0.75) & (u[:, 1] > 0.5), u[:, 4] < 0.06
    one, two = found(first | second, u)
    assert {tuple(s.index for s in b.sides) for b in (one, two)} == {(0, 1), (4,)}


def test_a_third_condition_is_named_only_where_it_bounds_something():
    u = sobol(2048, 8, seed=5)
    corner = (u[:, 1] > 0.5) & (u[:, 2] > 0.5) & (u[:, 6] < 0.5)
    (box,) = found(corner, u)
    assert [s.index for s in box.sides] == [1, 2, 6]
    (shorter,) = found(corner, u, most=1, conditions=2)
    assert len(shorter.sides) == 2


def test_choices_are_bounded_between_choices_and_what_never_varies_not_at_all():
    u = sobol(512, 3, seed=6)
    failed = (u[:, 0] >= 0.4) & (u[:, 0] < 0.6)  # the third of five choices
    (box,) = boxes(u, failed, [np.arange(1, 5) / 5, EVEN, np.zeros(0)])
    assert box.sides == (Side(0, 0.4, 0.6),)


def test_too_few_failures_or_nothing_but_failures_give_no_box():
    u = sobol(256, 2, seed=0)
    failed = np.zeros(256, bool)
    failed[np.argsort(u[:, 0])[: FEWEST - 1]] = True
    assert found(failed, u) == ()
    assert found(np.ones(256, bool), u) == ()
    assert found(np.zeros(256, bool), u) == ()


def test_the_score_is_the_log_likelihood_ratio_less_the_logarithm_of_the_ways_to_bound_it():
    """Slow twin: all one-sided and two-sided intervals of one condition, one after the other."""
    u = sobol(256, 1, seed=8)
    failed = (u[:, 0] > 0.8) & (np.random.default_rng(1).random(256) < 0.7)
    cuts = np.arange(1, 8) / 8

    def log_likelihood(k, n):
        return xlogy(k, k / n) + xlogy(n - k, 1 - k / n) if n else 0.0

    best = (-np.inf, 0.0, 0.0)
    edges = [0.0, *cuts, 1.0]
    for a in range(8):
        for b in range(a + 1, 9):
            if (a, b) == (0, 8):
                continue
            inside = (u[:, 0] >= edges[a]) & (u[:, 0] < edges[b])
            n, k = inside.sum(), failed[inside].sum()
            if k < FEWEST or k / n <= failed[~inside].mean():
                continue
            two = log_likelihood(k, n) + log_likelihood(failed.sum() - k, 256 - n)
            ways = 2 * 7 if a == 0 or b == 8 else 7 * 6 / 2
            best = max(best, (two - log_likelihood(failed.sum(), 256) - np.log(ways), edges[a], edges[b]))
    (box,) = boxes(u, failed, [cuts], most=1)
    assert box.score == pytest.approx(best[0])
    assert box.sides == (Side(0, best[1], best[2]),)


def test_failures_without_a_pattern_rarely_look_like_one():
    """Of 40 maps whose failures are dealt out at random, few give a suspicion; the re-test decides about those."""
    suspected = 0
    for seed in range(40):
        failed = np.random.default_rng(seed).random(512) < 0.05
        suspected += bool(found(failed, sobol(512, 6, seed=seed)))
    assert suspected <= 10


def test_points_drawn_in_a_box_fill_it_evenly():
    box = Box((Side(0, 0.25, 0.5), Side(2, 0.9, 1.0)))
    u = box.draw(sobol(1024, 3, seed=1))
    assert box.inside(u).all()
    assert (u < 1).all()
    assert np.histogram(u[:, 0], 8, (0.25, 0.5))[0].tolist() == [128] * 8
    assert np.histogram(u[:, 1], 8, (0.0, 1.0))[0].tolist() == [128] * 8
    assert box.volume == pytest.approx(0.025)


# ── testing ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_box_is_tested_by_fishers_exact_test():
    (r,) = retest([Counts(60, 9, 200, 8)], [0.1])
    assert r.p == pytest.approx(fisher_exact([[9, 51], [8, 192]], alternative="greater").pvalue)
    assert r.stands
    assert r.rate == 9 / 60
    assert r.low < r.rate < r.high


def test_holm_adjusts_as_by_hand_and_as_statsmodels_does():
    p = [0.01, 0.04, 0.03, 0.005]
    assert holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    multitest = pytest.importorskip("statsmodels.stats.multitest", reason="the oracle is statsmodels")
    rng = np.random.default_rng(0)
    for _ in range(50):
        p = (rng.random(6) ** 3).tolist()
        np.testing.assert_allclose(holm(p), multitest.multipletests(p, method="holm")[1])


@pytest.mark.parametrize("rate", [0.02, 0.3])
def test_no_box_that_is_like_the_rest_stands_more_often_than_alpha(rate):
    """4,000 studies of four boxes that fail exactly as often as all else."""
    rng = np.random.default_rng(7)
    inside, outside = rng.binomial(128, rate, (4000, 4)), rng.binomial(110, rate, 4000)
    wrong = sum(
        any(r.stands for r in retest([Counts(128, int(k), 110, int(o)) for k in row], [0.1] * 4))
        for row, o in zip(inside, outside, strict=True)
    )
    assert wrong / 4000 <= 0.05


def test_a_box_that_fails_much_more_often_stands_nearly_always():
    rng = np.random.default_rng(8)
    inside, outside = rng.binomial(256, 0.2, (500, 4)), rng.binomial(200, 0.02, 500)
    right = sum(
        all(r.stands for r in retest([Counts(256, int(k), 200, int(o)) for k in row], [0.1] * 4))
        for row, o in zip(inside, outside, strict=True)
    )
    assert right >= 495


def test_all_intervals_of_all_boxes_hold_at_once():
    """Rates inside and outside, and the shares of the failures that follow from them, in 95 % of studies at least."""
    rng = np.random.default_rng(9)
    rates, out, volumes = np.array([0.6, 0.2, 0.05]), 0.02, [0.05, 0.1, 0.3]
    held = 0
    for _ in range(1000):
        counts = [Counts(200, int(rng.binomial(200, p)), 150, int(rng.binomial(150, out))) for p in rates]
        judged = retest(counts, volumes)
        shares = [v * p / (v * p + (1 - v) * out) for v, p in zip(volumes, rates, strict=True)]
        held += all(
            r.low <= p <= r.high and r.outside_low <= out <= r.outside_high and r.share_low <= s <= r.share_high
            for r, p, s in zip(judged, rates, shares, strict=True)
        )
    assert held >= 950


def test_a_box_without_a_control_or_a_failure_never_stands():
    everywhere, never = retest([Counts(50, 40, 0, 0), Counts(50, 0, 40, 0)], [1.0, 0.2])
    assert not everywhere.stands
    assert (everywhere.outside_low, everywhere.outside_high) == (0.0, 1.0)
    assert not never.stands
    assert np.isnan(never.share)
