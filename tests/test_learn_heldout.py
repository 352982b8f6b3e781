"""The held-out measure: how claims become a score, and when a score has settled."""

from __future__ import annotations

import numpy as np
import pytest

from jangin.claim import Claim
from jangin.engine.rollout import rollout
from jangin.learn.export import export
from jangin.learn.heldout import HeldOut, Measure, measured, settled
from jangin.learn.learning import one_thread
from jangin.policy import OnnxPolicy
from jangin.task import Trials
from toy import Toy

CLAIMS = (
    Claim.parse("success >= 0.9"),
    Claim.parse("q50(cycle_s) <= 2"),
    Claim.parse("P(peak_force_n > 60) <= 0.1"),
)


def trials(outcome, cycle_s, peak):
    return Trials(
        {
            "outcome": np.array(outcome, object),
            "cycle_s": np.array(cycle_s, float),
            "peak_force_n": np.array(peak, float),
        }
    )


def table(nfailed=0, nforce=0, cycle=1.0, n=100):
    cycles = np.full(n, cycle)
    cycles[:nfailed] = np.inf
    outcome = ["timeout"] * nfailed + ["success"] * (n - nfailed)
    return trials(outcome, cycles, [70.0] * nforce + [50.0] * (n - nforce))


def test_a_score_is_minus_what_the_claims_lack_with_half_their_failures_in_reserve():
    """success >= 0.9 is asked to reach 0.95: 7 failures lack 0.02; 12 forces over 60 N of 10 allowed lack 0.07."""
    m = measured(table(nfailed=7, nforce=12), CLAIMS, 8.0)
    assert m.score == pytest.approx(-0.02 - 0.07)
    assert m.shares["success >= 0.9 @ 0.95"] == pytest.approx(0.93)
    assert (m.trials, m.successes, m.success) == (100, 93, 0.93)
    assert m.peaks == {"peak_force_n": 70.0}


def test_once_all_claims_stand_the_faster_policy_is_better():
    """score = 1 / (1 + median / limit), above zero; anything that stands beats anything that does not."""
    fast, slow = (measured(table(cycle=c), CLAIMS, 8.0) for c in (0.5, 1.5))
    assert fast.score == pytest.approx(1 / (1 + 0.5 / 8))
    assert fast.score > slow.score > 0 > measured(table(nfailed=6), CLAIMS, 8.0).score


def test_failures_are_infinitely_slow_and_never_averaged_with_a_time():
    """Quantiles of the cycle are order statistics."""
    m = measured(table(nfailed=51), CLAIMS, 8.0)
    assert m.cycle_median_s == np.inf
    assert measured(table(nfailed=4), CLAIMS, 8.0).cycle_q95_s == 1.0
    assert measured(table(nfailed=6), CLAIMS, 8.0).cycle_q95_s == np.inf


def of(score):
    return Measure(10, 10, 1.0, 1.0, {}, {}, score)


@pytest.mark.parametrize(
    ("scores", "patience", "stop"),
    [
        ([-1, 0.90, 0.90], 3, False),  # too few measures
        ([-1, 0.80, 0.90, 0.90], 3, False),  # claims stand, but it was still getting better
        ([-1, 0.90, 0.90, 0.905, 0.90], 3, True),  # less than one per cent better than the best before
        ([-1, 0.90, 0.90, 0.95, 0.90], 3, False),  # more
        ([-1, 0.90, 0.90, -0.01, 0.90], 3, False),  # a claim fell in between
        ([-1, -0.5, -0.5, -0.5, -0.5], 3, False),  # nothing stands
        ([0.9, 0.9], 1, True),
    ],
)
def test_when_to_stop(scores, patience, stop):
    """Every claim stands at each of the last `patience` measures and nothing got 1 % better."""
    assert settled([of(s) for s in scores], patience) is stop


def trained(task):
    """A toy policy that always succeeds: the teacher's rule, imitated for a moment."""
    import torch

    from jangin.learn.dagger import DAgger
    from jangin.learn.recipe import Setting

    learner = DAgger(steps=6400).begin(Setting(task, seed=0, threads=1, device=torch.device("cpu")))
    while not learner.finished:
        learner.advance()
    learner.close()
    return export(learner.actor, task)


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


def test_held_out_trials_are_the_numbers_from_zero_of_their_own_stream():
    """HeldOut runs the same trials again and again: those of rollout(purpose="select"), cut to the number."""
    task = Toy()
    data = trained(task)
    heldout = HeldOut(task, trials=150, seed=5, threads=1)
    once, again = heldout.measure(data), heldout.measure(data)
    assert once == again
    assert once.trials == 150
    slow = rollout(task, OnnxPolicy(data, task), 150, seed=5, purpose="select", size=64)
    assert once == measured(slow, task.claims, task.limit_s)


def test_a_hopeless_policy_is_not_measured_to_the_end():
    """With three times the failures that a claim allows, the next block does not run."""
    import torch

    from jangin.learn.networks import Actor

    task = Toy()
    data = export(Actor(5, 2, hidden=(8,), rng=torch.Generator().manual_seed(1)), task)
    measure = HeldOut(task, trials=150, seed=5, threads=1).measure(data)
    assert (measure.trials, measure.successes) == (64, 0)
