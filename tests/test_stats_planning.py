"""Laws of the trial planner: the published exact values, full enumeration, simulation, the size of the test."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from jangin.stats.family import settle
from jangin.stats.planning import trials_needed, trials_to_go
from jangin.stats.sequential import EProcess, trials_to_support


@pytest.mark.parametrize(
    ("p0", "p", "expected", "median", "supported"),
    [
        (0.90, 1.0, 36, 36, 1.0),
        (0.90, 0.99, 48, None, 1.0),
        (0.90, 0.97, 93, 86, 0.999),
        (0.90, 0.95, 216, 172, 0.997),
        (0.90, 0.93, 729, 620, 0.992),
        (0.90, 0.85, 354, None, 0.003),
        (0.90, 0.80, 92, None, 0.0),
        (0.90, 0.70, 26, None, 0.0),
        (0.95, 1.0, 74, 74, 1.0),
        (0.95, 0.995, 99, None, 1.0),
        (0.95, 0.99, 136, None, 1.0),
        (0.95, 0.98, 287, 249, 0.998),
        (0.95, 0.97, 774, 644, 0.996),
        (0.95, 0.92, 556, None, 0.002),
        (0.95, 0.90, 208, None, 0.0),
        (0.99, 1.0, 377, 377, 1.0),
        (0.99, 0.999, 506, 377, 0.999),
        (0.99, 0.995, 2314, 1925, 0.993),
        (0.99, 0.98, 1193, None, 0.001),
        (0.99, 0.97, 339, None, 0.0),
        (0.99, 0.95, 106, None, 0.0),
    ],
)
def test_published_exact_values(p0, p, expected, median, supported):
    """Expected and median trials and the probability of support, to the digits they were published with."""
    need = trials_needed(p0=p0, p=p, alpha=0.05, most=30_000)
    assert round(need.expected) == expected
    assert need.median == (median or need.median)
    assert need.supported == pytest.approx(supported, abs=6e-4)
    assert need.supported + need.refuted + need.undecided == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(("p0", "size"), [(0.90, 0.046), (0.95, 0.046), (0.99, 0.045)])
def test_size_stays_below_alpha(p0, size):
    """At p = p0 the claim is supported with probability .046/.046/.045 (published, 10,000 to 20,000 trials) < .05."""
    need = trials_needed(p0=p0, p=p0, alpha=0.05, most=20_000)
    assert need.supported == pytest.approx(size, abs=1.5e-3)
    assert need.supported < 0.05
    assert need.refuted < 0.05
    assert 0.91 < need.undecided < 0.94
    assert need.median is None


def test_equals_full_enumeration():
    """All 2^13 sequences of 13 trials, each decided by its own e-process, give the same probabilities and mean."""
    p0, p, alpha, most = 0.5, 0.7, 0.3, 13
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
