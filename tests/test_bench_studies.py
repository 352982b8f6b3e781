"""Laws of the simulated studies: they are the e-processes' own decisions, and what the planner says exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import bdtr, bdtrc

from bench.stats_table import TABLE
from bench.studies import simulate
from jangin.stats.family import settle
from jangin.stats.planning import trials_needed
from jangin.stats.sequential import EProcess


class Waits:
    """In place of a generator: hands out given waits between the failures of one study."""

    def __init__(self, waits):
        self.left = iter(waits)

    def geometric(self, q, size):
        assert size == 1
        return np.array([next(self.left)])


@pytest.mark.parametrize(("p0", "p"), [(0.9, 0.9), (0.9, 0.96), (0.8, 0.6), (0.5, 0.55)])
def test_a_study_is_decided_as_its_e_process_decides_it(p0, p):
    """The same sequences, trial by trial through an EProcess: the same end after the same number of trials."""
    rng, most, alpha, alpha_refute = np.random.default_rng(9), 500, 0.1, 0.03
    for _ in range(60):
        waits = rng.geometric(1.0 - p, most)  # more than enough failures
        study = simulate(p0=p0, p=p, alpha=alpha, alpha_refute=alpha_refute, most=most, studies=1, rng=Waits(waits))
        good = np.ones(most, bool)
        failed = np.cumsum(waits)
        good[failed[failed <= most] - 1] = False
        settled = settle([EProcess.begin(p0=p0, alpha=alpha).extended(good)], alpha_refute=alpha_refute)
        assert bool(study.supported[0]) == (settled.qualified_at is not None)
        assert bool(study.refuted[0]) == (settled.refuted_at is not None)
        assert study.trials[0] == (settled.at or most)


@pytest.mark.parametrize("known", [k for k in TABLE if k.p0 < 0.995], ids=lambda k: f"{k.p0}-{k.p}")
def test_studies_end_as_the_table_says(known):
    """2,000 studies: the mean number of trials within 4 standard errors, the share supported by an exact test."""
    n = 2000
    found = simulate(p0=known.p0, p=known.p, alpha=0.05, most=known.most, studies=n, rng=np.random.default_rng(1))
    exact = trials_needed(p0=known.p0, p=known.p, alpha=0.05, most=known.most)
    error = found.trials.std() / math.sqrt(n)
    assert abs(found.trials.mean() - exact.expected) <= 4.0 * error
    k = int(found.supported.sum())
    assert bdtr(k, n, exact.supported) > 1e-4
    assert k == 0 or bdtrc(k - 1, n, exact.supported) > 1e-4
    assert not (found.supported & found.refuted).any()


@pytest.mark.parametrize("p0", [0.5, 0.9, 0.99])
def test_a_claim_that_is_just_true_or_just_false_is_rarely_decided_wrongly(p0):
    """At p = p0, where both errors are largest, 4,000 studies of 3,000 trials: each at most alpha (exact test)."""
    found = simulate(p0=p0, p=p0, alpha=0.05, most=3000, studies=4000, rng=np.random.default_rng(2))
    for wrong in (int(found.supported.sum()), int(found.refuted.sum())):
        assert wrong > 0
        assert bdtrc(wrong - 1, 4000, 0.05) > 1e-6
    assert (found.trials[~found.supported & ~found.refuted] == 3000).all()


def test_the_same_seed_gives_the_same_studies():
    """And a policy that never fails is supported in every one, at the number of trials that takes."""
    runs = [
        simulate(p0=0.9, p=0.95, alpha=0.05, most=900, studies=50, rng=np.random.default_rng(3)).trials for _ in "ab"
    ]
    np.testing.assert_array_equal(*runs)
    perfect = simulate(p0=0.99, p=1.0, alpha=0.05, most=900, studies=5, rng=np.random.default_rng(3))
    assert perfect.supported.all()
    assert perfect.trials.tolist() == [377] * 5
