"""Laws of `simulate`: trials in trial order, the same on any threads, counted and summarised exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest

from jangin.errors import JanginError
from jangin.policy import Random, Zero
from jangin.simulate import simulate
from jangin.stats.binomial import interval
from jangin.stats.quantile import quantile
from toy import Toy, ToyExpert


def test_counts_and_quantiles_are_those_of_the_table():
    """Successes, interval and quantiles are computed from exactly the rows that come back."""
    result = simulate(Toy(bias_m=0.03), ToyExpert(0.08), trials=300, seed=3, block=128)
    assert result.trials["trial"].tolist() == list(range(300))
    assert result.successes == result.trials.successes == int(np.sum(result.trials["outcome"] == "success"))
    assert 0 < result.successes < 300
    assert (result.success_low, result.success_high) == interval(successes=result.successes, trials=300)
    assert result.cycle_s == {q: quantile(result.trials["cycle_s"], q) for q in (0.5, 0.95)}
    assert result.cycle_s[0.5] < result.cycle_s[0.95] == math.inf  # more than 5 % failed
    assert result.peak_force_n == {q: quantile(result.trials["peak_force_n"], q) for q in (0.5, 0.95)}
    assert result.control_steps_per_s == result.control_steps / result.seconds > 0


def test_control_steps_are_counted():
    """The zero policy runs every trial to its limit: trials x steps control periods."""
    result = simulate(Toy(), Zero(Toy()), trials=64, seed=0, block=32)
    assert result.successes == 0
    assert result.control_steps == 64 * 40
    assert result.cycle_s == {0.5: math.inf, 0.95: math.inf}


@pytest.mark.parametrize("policy", [ToyExpert(0.05), Random(Toy(), seed=5)])
def test_a_trial_is_its_number(policy):
    """Other blocks, other threads, more or fewer trials: the same rows."""
    whole = simulate(Toy(), policy, trials=100, seed=5, block=256)
    blocks = simulate(Toy(), policy, trials=64, seed=5, block=16, threads=2)
    for name, values in blocks.trials.columns.items():
        assert values.tolist() == whole.trials[name][:64].tolist(), name


def test_purpose_and_seed_make_other_trials():
    """Evidence, learning and play never share a trial."""
    a = simulate(Toy(), ToyExpert(0.05), trials=20, seed=5)
    b = simulate(Toy(), ToyExpert(0.05), trials=20, seed=5, purpose="evidence")
    c = simulate(Toy(), ToyExpert(0.05), trials=20, seed=6)
    goals = [tuple(x.trials["goal_x_m"].tolist()) for x in (a, b, c)]
    assert len(set(goals)) == 3


def test_progress_ends_with_the_result():
    """Progress is told after every block, with running counts."""
    told = []
    result = simulate(Toy(), ToyExpert(0.05), trials=100, seed=1, block=40, progress=lambda *p: told.append(p))
    assert [t[:2] for t in told] == [(40, 100), (80, 100), (100, 100)]
    assert told[-1][2] == result.successes


def test_invalid_trials_are_left_out_of_quantiles():
    """What the engine cannot vouch for is counted in the table and not in a quantile."""
    result = simulate(Toy(invalid_every=10), ToyExpert(0.08), trials=50, seed=1)
    assert int(result.trials.invalid.sum()) == 5
    assert result.successes == 45
    assert result.cycle_s[0.95] < math.inf
    nothing = simulate(Toy(invalid_every=1), ToyExpert(0.08), trials=5, seed=1)
    assert nothing.cycle_s == nothing.peak_force_n == {}


@pytest.mark.parametrize("options", [{"trials": 0}, {"trials": -3}, {"trials": 5, "block": 0}])
def test_no_trials_are_refused(options):
    """At least one trial and one per block."""
    with pytest.raises(JanginError, match="give at least 1"):
        simulate(Toy(), ToyExpert(0.05), seed=0, **options)
