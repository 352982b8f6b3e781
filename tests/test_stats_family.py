"""Laws of several claims on one set of trials: Holm by its definition, the mean as an e-value, who decides first."""

from __future__ import annotations

import itertools
import math
from functools import partial

import numpy as np
import pytest

from jangin.stats.crossing import first_at
from jangin.stats.family import holm_at, log_mean, settle
from jangin.stats.sequential import EProcess


def process(good, p0=0.9, alpha=0.05):
    return EProcess.begin(p0=p0, alpha=alpha).extended(np.asarray(good, bool))


def logs_against(p):
    """ln E- after each trial."""
    return p.log_against(np.arange(1, len(p) + 1))


def holm_by_definition(log_against, alpha):
    """At every trial: sort the anytime p-values 1 / (largest E- so far), reject while p_(i) <= alpha / (m - i)."""
    p = np.exp(-np.maximum.accumulate(np.stack(log_against), axis=1))
    m, n = p.shape
    first = [None] * m
    for t in range(n):
        for i, j in enumerate(np.argsort(p[:, t], kind="stable")):
            if p[j, t] > alpha / (m - i):
                break
            first[j] = first[j] or t + 1
    return first


@pytest.mark.parametrize("seed", range(12))
def test_holm_in_time_equals_holm_at_every_trial(seed):
    """Building the rejected set in order of time gives what Holm's method gives at each trial."""
    rng = np.random.default_rng(seed)
    logs = [np.cumsum(rng.normal(0.05, 0.6, 200)) for _ in range(4)]
    assert holm_at([partial(first_at, values) for values in logs], 0.05) == holm_by_definition(logs, 0.05)


def test_log_mean():
    """The mean of e-values, also where they are far beyond a double."""
    logs = [np.array([0.0, 2000.0]), np.array([math.log(3.0), -2000.0])]
    np.testing.assert_allclose(log_mean(logs), [math.log(2.0), 2000.0 - math.log(2.0)])


def test_one_claim_is_its_own_family():
    """With one claim the mean is the claim's E-, and label and verdict fall together."""
    settled = settle([process([False] * 30)], alpha_refute=0.05)
    assert settled.labels == ("refuted",)
    assert settled.refuted_at == settled.decided_at[0] == settled.at
    assert settled.qualified_at is None


def test_qualified_when_the_slowest_claim_is_supported():
    """The family is qualified at the last claim's support, which needs no correction."""
    settled = settle([process([True] * 80), process([True] * 80, p0=0.95)], alpha_refute=0.05)
    assert settled.labels == ("supported", "supported")
    assert settled.decided_at == (36, 74)
    assert settled.qualified_at == settled.at == 74
    assert settled.refuted_at is None


def test_a_refuted_claim_refutes_the_family_and_names_it():
    """One bad claim of three: the label needs 3/alpha, by then the mean has reached 1/alpha."""
    bad = np.arange(100) % 3 > 0
    settled = settle([process([True] * 100), process(bad), process([True] * 100)], alpha_refute=0.05)
    assert settled.labels == ("supported", "refuted", "supported")
    assert settled.refuted_at is not None
    assert settled.refuted_at <= settled.decided_at[1]
    assert settled.qualified_at is None


def test_together_refuted_with_none_to_blame():
    """Three claims a little wrong: the mean reaches 1/alpha while no single one reaches 3/alpha."""
    wrong = np.ones(40, bool)
    wrong[[5, 10, 15, 20, 25, 30, 35]] = False
    processes = [process(wrong) for _ in range(3)]
    top = max(float(logs_against(p).max()) for p in processes)
    settled = settle(processes, alpha_refute=math.exp(-top))
    assert settled.refuted_at is not None
    assert settled.labels == ("undecided",) * 3


def test_the_earlier_decision_stands():
    """After support, later failures change nothing; nor do later successes after a refutation."""
    up_down = process([True] * 60 + [False] * 60)
    assert settle([up_down], alpha_refute=0.05).labels == ("supported",)
    assert settle([up_down], alpha_refute=0.05).refuted_at is None
    down_up = process([False] * 20 + [True] * 2000)
    assert down_up.supported_at is not None
    settled = settle([down_up], alpha_refute=0.05)
    assert settled.labels == ("refuted",)
    assert settled.qualified_at is None


def test_undecided_before_the_first_trial():
    """Nothing is decided by no trials."""
    settled = settle([EProcess.begin(p0=0.9, alpha=0.05)] * 2, alpha_refute=0.05)
    assert settled.labels == ("undecided", "undecided")
    assert settled.at is None


def test_false_refutation_of_a_true_family_is_rare_by_enumeration():
    """Two true claims, every joint sequence of 7 trials each: the mean reaches 1/alpha with probability <= alpha."""
    p0, alpha, n = 0.5, 0.25, 7
    logs = np.stack([logs_against(process(g, p0=p0)) for g in itertools.product((False, True), repeat=n)])
    mean = log_mean(
        [logs[:, None, :].repeat(len(logs), 1).reshape(-1, n), logs[None, :, :].repeat(len(logs), 0).reshape(-1, n)]
    )
    refuted = (mean >= -math.log(alpha)).any(axis=1).mean()  # at p = p0 = 1/2 every pair of sequences is as likely
    assert 0.0 < refuted <= alpha


def settled_by_looking_after_every_trial(processes, alpha_refute):
    """The slow twin of `settle`: labels, decided_at, qualified_at, refuted_at."""
    every = np.arange(1, len(processes[0]) + 1)
    supported = [first_at(p.log_for(every), -math.log(p.alpha)) for p in processes]
    refuted = holm_by_definition([p.log_against(every) for p in processes], alpha_refute)
    labels, decided = [], []
    for s, r in zip(supported, refuted):
        first = s if s is not None and (r is None or s < r) else r
        labels.append("undecided" if first is None else "supported" if first == s and first != r else "refuted")
        decided.append(first)
    refuted_at = first_at(log_mean([p.log_against(every) for p in processes]), -math.log(alpha_refute))
    qualified_at = None if None in supported else max(supported)
    if qualified_at is not None and refuted_at is not None:
        qualified_at, refuted_at = (qualified_at, None) if qualified_at < refuted_at else (None, refuted_at)
    return tuple(labels), tuple(decided), qualified_at, refuted_at


@pytest.mark.parametrize("seed", range(15))
def test_settling_by_windows_equals_settling_after_every_trial(seed):
    """Claims that hold, fail and hover, on trials with a common cause of failure: each decision falls at its trial."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(50, 3000)), int(rng.integers(1, 6))
    p0 = rng.choice([0.8, 0.9, 0.95], m)
    cause = rng.random(n) < 0.03
    processes = [
        process((rng.random(n) < 1 - (1 - q) * rng.choice([0.2, 0.9, 1.0, 1.3, 2.0])) & ~cause, p0=q) for q in p0
    ]
    settled = settle(processes, alpha_refute=0.05)
    found = (settled.labels, settled.decided_at, settled.qualified_at, settled.refuted_at)
    assert found == settled_by_looking_after_every_trial(processes, 0.05)
    at = np.array([1, n])
    np.testing.assert_allclose(settled.log_mean_against(at), log_mean([p.log_against(at) for p in processes]))


def test_processes_must_cover_the_same_trials():
    """Claims share their trials: one that is behind would be decided on others."""
    with pytest.raises(ValueError, match=r"Processes of 3 and of 4 trials; give all of them the same ones\."):
        settle([process([True] * 3), process([True] * 4)], alpha_refute=0.05)


def test_no_claim_decides_nothing():
    """A plan whose claims are all estimates has nothing to settle."""
    settled = settle([], alpha_refute=0.05)
    assert (settled.labels, settled.at) == ((), None)
