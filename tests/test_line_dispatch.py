"""The task line/dispatch: what its plant conserves, what a preference does, and what the rule is worth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jangin.engine.rollout import rollout
from jangin.errors import BadTask
from jangin.line import dispatch_world
from jangin.line.events import state as c
from jangin.line.tasks.dispatch import PRESS_S, TYPES, Dispatch, WorthTheSetUp
from jangin.task import SUCCESS

SHORT = Dispatch(physics="training", order=30, limit_s=3_600.0, setup_scale=(0.3, 0.6))
N = 6


class Always:
    """The same preferences all shift, or new ones at random every minute."""

    name, sees = "always", "observation"

    def __init__(self, prefer=None):
        self.prefer = prefer

    def reset(self, ids, trials):
        self.rng = np.random.default_rng(0)

    def act(self, seen):
        drawn = self.rng.uniform(-1, 1, (len(seen), 3)) if self.prefer is None else np.tile(self.prefer, (len(seen), 1))
        return drawn.astype(np.float32)


def begun(task=SHORT, n=N, threads=1):
    world = task.world(n, threads=threads, seed=3, purpose="test")
    world.reset(np.arange(n), np.arange(n) + 20)
    return world


def played(policy, task=SHORT, n=N):
    """Rewards, costs and outcomes (minutes, n) of whole shifts, and the world at their ends."""
    world, ids = begun(task, n), np.arange(n)
    policy.reset(ids, ids)
    rows = []
    while ids.size:
        step = world.step(policy.act(world.observe()), ids)
        row = np.zeros((3, n))
        row[:, ids] = step.reward, step.cost, step.outcome
        rows.append(row)
        ids = ids[step.outcome == 0]
    return np.stack(rows, axis=1), world


def same(one, other):
    assert set(one.columns) == set(other.columns)
    for name, values in one.columns.items():
        assert values.tolist() == other[name].tolist(), name


def successes(policy, task, n=128):
    return rollout(task, policy, n, seed=11, purpose="test", size=n).successes


# ── preferences ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", range(3))
def test_the_press_takes_the_preferred_type_while_it_waits(kind):
    """With three parts of the preferred type waiting, whatever the press starts within a minute is of that type."""
    world = begun(replace(SHORT, order=80))
    starts, action = 0, np.full((N, 3), -0.5, np.float32)
    action[:, kind] = 0.5
    w = world._now
    for _ in range(60):
        waiting, before = w.level[:, kind, c.L_PARTS].copy(), w.started[:, 1].copy()
        world.step(action)
        certain = (waiting >= 3) & (w.started[:, 1] > before)
        starts += certain.sum()
        assert (w.machine[certain, 1, c.M_TYPE] == kind).all()
    assert starts > 30


def test_equal_preferences_are_first_come_first_served_whatever_their_value():
    """Only the order of preferences counts: equal ones leave the choice to who entered first."""
    zero, high = (rollout(SHORT, Always([p, p, p]), N, seed=3, size=N) for p in (0.0, 0.7))
    same(zero, high)


def test_any_rising_change_of_the_preferences_changes_nothing():
    """Only the order of preferences counts, not how far they are apart."""
    near, far = (rollout(SHORT, Always(p), N, seed=3, size=N) for p in ([0.1, 0.2, 0.3], [-1.0, -0.9, 1.0]))
    same(near, far)


# ── what is conserved ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("places", [0, 1, 6])
def test_no_part_is_lost_and_the_observation_counts_them_as_a_walk_does(places):
    """Released = waiting + in the press and behind it + finished, by type, every minute, counted one part at a time."""
    world = begun(Dispatch(physics="evidence", order=40, limit_s=3_600.0, places=places))
    policy, w, names = Always(), world._now, world.task.observation.names
    policy.reset(None, None)
    for _ in range(60):
        world.step(policy.act(world.observe()))
        seen = dict(zip(names, world.observe().T))
        for i in range(N):
            waiting, behind = walked(w, i)
            assert w.counts[i, c.C_RELEASED] == sum(waiting) + sum(behind) + w.good[i].sum()
            for k, name in enumerate(TYPES):
                assert seen[f"queue_{name}"][i] == waiting[k]
                assert seen[f"to_start_{name}"][i] == max(0, world._needed[i, k] - w.good[i, k] - behind[k])
                assert seen[f"missing_{name}"][i] == max(0, world._needed[i, k] - w.good[i, k])


def walked(w, i):
    """Parts by type that wait, and that are in the press or behind it, one at a time along the chains."""
    waiting, behind = [0, 0, 0], [0, 0, 0]
    for b, found in ((0, waiting), (1, waiting), (2, waiting), (3, behind)):
        part = w.level[i, b, c.L_HEAD]
        while part >= 0:
            found[w.part[i, part, c.P_TYPE]] += 1
            part = w.part[i, part, c.P_NEXT]
    for m in (1, 2, 3):
        part = w.machine[i, m, c.M_FIRST] if w.machine[i, m, c.M_PARTS] > 0 else -1
        while part >= 0:
            behind[w.part[i, part, c.P_TYPE]] += 1
            part = w.part[i, part, c.P_NEXT]
    return waiting, behind


def test_the_order_adds_up_and_rewards_add_up_to_its_progress():
    """Over a shift the reward is 10 times the finished share of the order, and 2 more for all of it."""
    (reward, _, outcome), world = played(SHORT.expert())
    missing, won = world._missing().sum(1), outcome.max(0) == 1
    assert (world._needed.sum(1) == SHORT.order).all()
    np.testing.assert_allclose(reward.sum(0), 10 * (1 - missing / SHORT.order) + 2 * won, rtol=1e-5)
    np.testing.assert_array_equal(won, missing == 0)
    assert won.sum() > 0


def test_costs_add_up_to_the_minutes_of_set_up_above_the_limit():
    """The cost of a shift is the time in set-ups beyond the limit, in minutes, and no part of the reward."""
    (_, cost, _), world = played(Always())
    spent = world.record(np.arange(N))["setup_s"]
    np.testing.assert_allclose(cost.sum(0), np.maximum(spent - SHORT.limits.extra["setup_s"], 0) / 60, rtol=1e-5)
    assert cost.sum() > 0


def test_no_shift_is_faster_than_its_press():
    """An order takes at least its own cycle times at the press, and a whole number of minutes."""
    done = rollout(SHORT, SHORT.expert(), 32, seed=4, size=32)
    won = done["outcome"] == SUCCESS
    needed = np.array([SHORT.needed({k: done[k][i] for k in SHORT.conditions.names}) for i in range(32)])
    assert won.sum() > 10
    assert (done["cycle_s"][won] > (needed @ [PRESS_S[k] for k in TYPES])[won]).all()
    assert (done["cycle_s"][won] % 60 == 0).all()


def test_what_is_privileged_comes_true():
    """A repair of the press that takes longer than a minute takes a minute less after it; a shorter one is over."""
    world, seen = begun(n=32), 0
    for _ in range(59):
        left = world.privileged()[:, 0].astype(float)
        again = world._now.mode[:, 0, c.F_REPAIRS].copy()
        world.step(np.zeros((32, 3), np.float32))
        known, after = left > 60.1, world.privileged()[:, 0]
        np.testing.assert_allclose(after[known], left[known] - 60.0, atol=0.01)
        over = (left > 0) & (left < 59.9) & (world._now.mode[:, 0, c.F_REPAIRS] == again)
        assert (after[over] == 0).all()
        seen += known.sum()
    assert seen > 10


def test_a_trial_with_more_parts_than_the_engine_has_rows_for_is_invalid(monkeypatch):
    """A plant that overflows the engine's rows ends as invalid_overflow: it is no failure of the policy."""
    monkeypatch.setattr(dispatch_world, "PARTS_PER_EXPECTED", 0)
    done = rollout(Dispatch(physics="training"), Always([0, 0, 0]), 4, seed=1, size=4)
    assert set(done["outcome"]) == {"invalid_overflow"}
    assert (done["margin"] < 0).all()


# ── the rule, and wrong flags ────────────────────────────────────────────────────────────────────────────────────────


def test_the_tuned_rule_is_worth_its_tuning():
    """On the same 128 shifts: first come first served and chance finish no order, haste few, the tuned rule most."""
    task = Dispatch()
    assert successes(Always([0, 0, 0]), task) == 0
    assert successes(Always(), task) == 0
    hasty, tuned = (successes(WorthTheSetUp(task.observation, stay=s), task) for s in (4.0, 16.0))
    assert hasty < 0.6 * tuned
    assert 0.7 * 128 <= tuned <= 0.98 * 128


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ({"physics": "real"}, "physics is 'real'; it must be 'training' or 'evidence'."),
        ({"order": 2}, "order is 2; it must be 3 or more."),
        ({"places": -1}, "places is -1; it must be 0 or more."),
        ({"mttr_s": (0.0, 5.0)}, "mttr_s is from 0 to 5; both must be above 0, and the first not the larger."),
        ({"share": (0.3, 0.5)}, "share goes up to 0.5; below 0.5, so that something is left for type c."),
        ({"limit_s": 10.0}, "limit_s is 10; a shift is a minute or more."),
    ],
)
def test_a_wrong_flag_gets_one_sentence(flags, text):
    """A plant that cannot be is refused by the name of the flag."""
    with pytest.raises(BadTask) as told:
        Dispatch(**flags)
    assert str(told.value) == text
