"""Laws of the trial planner: the published exact values, full enumeration, simulation, the size of the test."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.special import betainc

from bench.stats_table import SIZES, TABLE
from bench.studies import simulate
from jangin.stats.binomial import lower, zero_failure_trials
from jangin.stats.family import settle
from jangin.stats.planning import expect, fixed_n, likely_values, trials_needed, trials_to_go, wald_bound
from jangin.stats.sequential import EProcess, log_e_against, log_e_for, trials_to_support


@pytest.mark.parametrize("known", TABLE, ids=lambda k: f"{k.p0}-{k.p}")
def test_the_known_table_to_every_digit(known):
    """Mean, median, probability of support, the fixed plan beside it and Wald's bound, as printed in the table."""
    (row,) = expect(p0=known.p0, alpha=0.05, values=[known.p], most=known.most)
    need = row.needed
    assert f"{need.expected:.0f}" == f"{known.expected}"
    assert f"{need.supported:.3f}" == f"{known.supported:.3f}"
    assert need.median == (known.median or need.median)
    assert need.supported + need.refuted + need.undecided == pytest.approx(1.0, abs=1e-9)
    assert (row.fixed and (row.fixed.trials, row.fixed.failures)) == known.fixed
    assert f"{row.wald:.0f}" == f"{known.wald}"


@pytest.mark.parametrize("p0", SIZES)
def test_the_known_size_stays_below_alpha(p0):
    """At p = p0 the claim is supported with probability .046/.046/.045 within 10,000 (p0 = .99: 20,000) trials."""
    most, size = SIZES[p0]
    need = trials_needed(p0=p0, p=p0, alpha=0.05, most=most)
    assert f"{need.supported:.3f}" == f"{size:.3f}"
    assert need.supported < 0.05
    assert need.refuted < 0.05
    assert 0.915 < need.undecided < 0.94
    assert need.median is None


@pytest.mark.parametrize("p0", [0.5, 0.8, 0.9, 0.95, 0.99, 0.999])
def test_the_anytime_bound_is_above_the_truth_in_less_than_alpha_of_all_sequences(p0):
    """Exactly, to 10,000 trials: the bound is ever above p exactly when E+ against p0 = p ever reaches 1/alpha."""
    for alpha in (0.05, 0.01):
        above = trials_needed(p0=p0, p=p0, alpha=alpha, alpha_refute=1e-300, most=10_000).supported
        assert 0.3 * alpha < above < alpha


def slow_trials_needed(p0, p, alpha, alpha_refute, most):
    """The slow twin: trial by trial, every number of failures by its own two logarithms."""
    alive, ends = {0: 1.0}, []
    supported = refuted = expected = 0.0
    for n in range(1, most + 1):
        expected += sum(alive.values())
        after = {}
        for k, w in alive.items():
            after[k] = after.get(k, 0.0) + p * w
            after[k + 1] = after.get(k + 1, 0.0) + (1.0 - p) * w
        k = np.array(sorted(after))
        up, down = log_e_for(n - k, k, p0) >= -math.log(alpha), log_e_against(n - k, k, p0) >= -math.log(alpha_refute)
        supported += sum(after[i] for i in k[up].tolist())
        refuted += sum(after[i] for i in k[down].tolist())
        alive = {i: after[i] for i in k[~up & ~down].tolist()}
        ends.append(supported + refuted)
    median = next((n for n, done in enumerate(ends, 1) if done >= 0.5), None)
    return expected, median, supported, refuted, sum(alive.values())


@pytest.mark.parametrize(
    ("p0", "p", "alpha", "alpha_refute", "most"),
    [
        (0.9, 0.95, 0.05, 0.05, 260),
        (0.9, 0.8, 0.05, 0.01, 260),
        (0.5, 0.5, 0.2, 0.1, 300),
        (0.5, 0.9, 0.05, 0.05, 40),
        (0.05, 0.02, 0.1, 0.1, 200),
        (0.99, 1.0, 0.05, 0.05, 400),
        (0.99, 0.0, 0.05, 0.05, 30),
        (0.7, 0.6, 0.5, 0.5, 1),
    ],
)
def test_row_by_row_equals_trial_by_trial(p0, p, alpha, alpha_refute, most):
    """The recursion along each number of failures is the same distribution as following all of them trial by trial."""
    need = trials_needed(p0=p0, p=p, alpha=alpha, alpha_refute=alpha_refute, most=most)
    expected, median, supported, refuted, undecided = slow_trials_needed(p0, p, alpha, alpha_refute, most)
    found = (need.expected, need.supported, need.refuted, need.undecided)
    assert found == pytest.approx((expected, supported, refuted, undecided), abs=1e-9)
    assert need.median == median


@pytest.mark.parametrize(("p0", "p"), [(0.8, 0.9), (0.9, 0.95), (0.9, 0.99), (0.95, 0.98)])
def test_the_fixed_plan_is_the_smallest(p0, p):
    """Its bound proves p0 with the failures allowed and with one more it does not; no smaller number has the power."""
    for power in (0.8, 0.9):
        plan = fixed_n(p0=p0, p=p, alpha=0.05, power=power)
        assert plan.power == pytest.approx(
            1 - betainc(plan.failures + 1, plan.trials - plan.failures, 1 - p), abs=1e-12
        )
        for n in range(1, plan.trials + 1):
            proves = [c for c in range(n) if lower(successes=n - c, trials=n) >= p0]
            best = 1 - betainc(proves[-1] + 1, n - proves[-1], 1 - p) if proves else 0.0
            assert (best >= power) == (n == plan.trials)
        assert proves[-1] == plan.failures


def test_a_fixed_plan_that_is_not():
    """No number of trials proves what is not so, nor a p0 that is too close within the most allowed."""
    assert fixed_n(p0=0.9, p=0.9, alpha=0.05) is None
    assert fixed_n(p0=0.9, p=0.5, alpha=0.05) is None
    assert fixed_n(p0=0.9, p=0.93, alpha=0.05, most=747) is None
    assert fixed_n(p0=0.9, p=0.93, alpha=0.05, most=748).trials == 748
    assert fixed_n(p0=0.9, p=1.0, alpha=0.05).trials == zero_failure_trials(0.9)


def test_walds_bound_is_below_what_the_rule_takes():
    """With the error probabilities the rule has, its mean is never below the bound; at p0 nothing bounds it."""
    for p0, p in ((0.9, 0.97), (0.9, 0.93), (0.9, 0.8), (0.99, 0.995), (0.5, 0.6)):
        need = trials_needed(p0=p0, p=p, alpha=0.05, most=30_000)
        beta = need.refuted if p > p0 else need.supported
        assert wald_bound(p0=p0, p=p, alpha=0.05, beta=beta + 1e-12) < need.expected
    assert wald_bound(p0=0.9, p=0.9, alpha=0.05) == math.inf
    assert wald_bound(p0=0.99, p=1.0, alpha=0.05) == pytest.approx(236.43, abs=0.01)


def test_the_table_of_a_claim():
    """Without values it goes from perfect to five times the failures allowed, in decimal; each side as it should be."""
    rows = expect(p0=0.9, alpha=0.05, alpha_refute=0.01, most=2000)
    assert [r.p for r in rows] == [1.0, 0.99, 0.98, 0.97, 0.95, 0.93, 0.9, 0.8, 0.7, 0.5]
    assert likely_values(0.5)[-2:] == (0.65, 0.5)  # ratios of 2 and more would be below 0
    assert [r.fixed is None for r in rows] == [r.p <= 0.9 for r in rows]
    mean = [r.needed.expected for r in rows]
    assert mean[:7] == sorted(mean[:7])
    assert mean[6:] == sorted(mean[6:], reverse=True)
    assert rows[-1].wald == wald_bound(p0=0.9, p=0.5, alpha=0.01)


def test_a_cell_takes_its_share():
    """A trial in three counts: the mean number of all trials is three times as large (simulated within 3 %)."""
    need, rng = trials_needed(p0=0.9, p=0.97, alpha=0.05), np.random.default_rng(12)
    counted = simulate(p0=0.9, p=0.97, alpha=0.05, most=20_000, studies=4000, rng=rng).trials
    waits = counted + rng.negative_binomial(counted, 1 / 3)
    assert waits.mean() == pytest.approx(need.expected_of(1 / 3), rel=0.03)


@pytest.mark.parametrize(("p0", "p"), [(1.0, 0.5), (0.0, 0.5), (0.9, 1.1), (0.9, -0.1)])
def test_values_that_are_no_probabilities(p0, p):
    """Refused with what is allowed."""
    with pytest.raises(ValueError, match=r"give 0 < p0 < 1 and 0 <= p <= 1\."):
        trials_needed(p0=p0, p=p, alpha=0.05)


def test_equals_full_enumeration():
    """All 2^11 sequences of 11 trials, each decided by its own e-process, give the same probabilities and mean."""
    p0, p, alpha, most = 0.5, 0.7, 0.3, 11
    supported = refuted = expected = 0.0
    for sequence in itertools.product((False, True), repeat=most):
        process = EProcess.begin(p0=p0, alpha=alpha).extended(np.array(sequence))
        weight = p ** sum(sequence) * (1 - p) ** (most - sum(sequence))
        settled = settle([process], alpha_refute=alpha)
        supported += weight * (settled.qualified_at is not None)
        refuted += weight * (settled.refuted_at is not None)
        expected += weight * (settled.at or most)
    need = trials_needed(p0=p0, p=p, alpha=alpha, most=most)
    assert (need.supported, need.refuted, need.expected) == pytest.approx((supported, refuted, expected), abs=1e-12)
    assert supported > 0.1
    assert refuted > 0.01


def test_impossible_and_certain_policies():
    """A policy that always fails is refuted at once; one that never fails is supported at the planned number."""
    never = trials_needed(p0=0.99, p=0.0, alpha=0.05)
    assert never.refuted == 1.0
    assert never.expected < 5
    always = trials_needed(p0=0.99, p=1.0, alpha=0.01)
    assert always.expected == always.median == int(trials_to_support(0.99, 0.01, 0))


def test_too_few_trials_leave_it_undecided():
    """With fewer trials than any policy needs, nothing is supported."""
    need = trials_needed(p0=0.99, p=1.0, alpha=0.05, most=376)
    assert need.supported == 0.0
    assert need.undecided == 1.0
    assert need.expected == 376
    assert need.median is None


def test_trials_to_go():
    """None needed once decided; a perfect record needs the rest of 377; a rate at the claim is hopeless."""
    assert trials_to_go(successes=377, failures=0, p0=0.99, alpha=0.05) == 0
    perfect = trials_to_go(successes=300, failures=0, p0=0.99, alpha=0.05)
    assert perfect is not None
    assert 77 <= perfect <= 200
    assert trials_to_go(successes=98_999, failures=1000, p0=0.99, alpha=0.05, most=10**6) is None
    few = trials_to_go(successes=90, failures=5, p0=0.99, alpha=0.05, alpha_refute=1e-4)
    assert few is not None
    assert few < 500


def test_the_table_in_the_manual_is_exact():
    """Every number of trials in docs/qualification.md is what the planner computes."""
    text = (Path(__file__).parent.parent / "docs" / "qualification.md").read_text(encoding="utf-8")
    rows = [
        [c.strip() for c in line.strip("|").split("|")] for line in text.splitlines() if re.match(r"\| 0\.\d+ \|", line)
    ]
    assert len(rows) == 4
    for p0, *fewest, good, fair, bad in rows:
        assert trials_to_support(float(p0), 0.05, [0, 1, 2]).tolist() == [int(n) for n in fewest]
        for cell, refuted in ((good, False), (fair, False), (bad, True)):
            p, mean = re.fullmatch(r"([0-9.]+): (\d+)(?:, refuted)?", cell).groups()
            need = trials_needed(p0=float(p0), p=float(p), alpha=0.05, most=100_000)
            assert round(need.expected) == int(mean)
            assert (need.refuted if refuted else need.supported) > 0.99
