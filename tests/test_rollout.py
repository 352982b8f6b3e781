"""jangin.engine.rollout: task x policy -> trials, by number, in blocks that do not depend on what ran before."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from jangin.cell.tasks.reach import Reach
from jangin.engine.rollout import blocks, chip, rollout, run_block
from toy import Toy


def same(a, b):
    assert list(a.columns) == list(b.columns)
    for name in a.columns:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


class Watcher:
    """A policy that notes what it is asked and drives straight to where it believes the goal is."""

    name = "watcher"

    def __init__(self, sees="observation"):
        self.sees, self.asked, self.begun = sees, [], []

    def reset(self, ids, trials):
        self.begun.append((ids.copy(), trials.copy()))

    def act(self, seen):
        self.asked.append(seen.copy())
        d = seen[:, 2:4] - seen[:, :2]
        n = np.maximum(np.linalg.norm(d, axis=1, keepdims=True), 1e-9)
        return (d / n * np.minimum(n, 0.08)).astype(np.float32)


def test_rows_are_the_first_n_trials_in_order_whoever_ends_first():
    task = Toy()
    trials = rollout(task, task.expert(), 100, seed=3, size=32)
    assert len(trials) == 100
    np.testing.assert_array_equal(trials["trial"], np.arange(100))
    assert (trials["seed"] == 3).all()
    assert trials["trial"].dtype == trials["seed"].dtype == np.int64
    assert len(set(trials["cycle_s"].tolist())) > 5  # they did end at different times


def test_trials_do_not_depend_on_the_size_of_the_block():
    """For a policy that treats every row alike; a learned one is only the same within its block size."""
    task = Toy()
    same(rollout(task, task.expert(), 70, seed=3, size=32), rollout(task, task.expert(), 70, seed=3, size=7))


def test_a_rollout_is_its_blocks_and_blocks_can_be_started_anywhere():
    task = Toy()
    parts = list(itertools.islice(blocks(task, task.expert(), seed=3, size=16), 4))
    whole = rollout(task, task.expert(), 50, seed=3, size=16)
    for k, part in enumerate(parts):
        alone = next(blocks(task, task.expert(), seed=3, size=16, start=k))
        same(part, alone)
        np.testing.assert_array_equal(whole["outcome"][16 * k : 16 * k + 16], part["outcome"][: 50 - 16 * k])


def test_a_block_of_a_used_world_is_that_of_a_fresh_one():
    """What a replay rests on: nothing of the blocks before is left in the world, on a simulated arm too."""
    task = Reach(physics="training")
    expert = task.expert()
    world = task.world(8, threads=1, seed=3, purpose="evidence")
    used = [run_block(task, world, expert, 8 * k, seed=3) for k in (0, 1, 0)]
    fresh = task.world(8, threads=2, seed=3, purpose="evidence")
    same(used[1], run_block(task, fresh, expert, 8, seed=3))
    same(used[0], used[2])


def test_purpose_and_seed_are_other_trials():
    task = Toy()
    drawn = {
        (seed, purpose): rollout(task, task.expert(), 5, seed=seed, purpose=purpose)["goal_x_m"].tolist()
        for seed in (1, 2)
        for purpose in ("simulate", "evidence")
    }
    assert len({tuple(values) for values in drawn.values()}) == 4


def test_the_policy_always_gets_the_whole_batch_and_is_told_when_trials_begin():
    policy = Watcher()
    task = Toy()
    rollout(task, policy, 24, seed=3, size=12)
    assert {seen.shape for seen in policy.asked} == {(12, len(task.observation))}
    assert [trials.tolist() for _, trials in policy.begun] == [list(range(12)), list(range(12, 24))]
    assert all(ids.tolist() == list(range(12)) for ids, _ in policy.begun)


def test_a_teacher_is_given_what_only_a_simulator_knows():
    task = Toy()
    told, guessing = Watcher("privileged"), Watcher("observation")
    world = task.world(6, seed=3, purpose="simulate")
    run_block(task, world, told, 0, seed=3)
    run_block(task, world, guessing, 0, seed=3)
    np.testing.assert_array_equal(told.asked[0][:, 2:4], world.goal.astype(np.float32))
    assert not np.array_equal(guessing.asked[0][:, 2:4], told.asked[0][:, 2:4])


def test_on_step_sees_who_still_runs_and_control_steps_counts_them():
    task = Toy()
    seen = []
    world = task.world(16, seed=3)
    table = run_block(
        task, world, task.expert(), 0, seed=3, on_step=lambda run, obs, act: seen.append((run.copy(), obs, act))
    )
    sizes = [len(run) for run, _, _ in seen]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 16
    assert table.meta["control_steps"] == sum(sizes)
    for run, obs, act in seen:
        assert set(run) <= set(range(16))
        assert (obs.shape, act.shape, act.dtype) == ((16, 5), (16, 2), np.float32)
    whole = rollout(task, task.expert(), 40, seed=3, size=16)
    assert whole.meta["control_steps"] == sum(
        part.meta["control_steps"] for part in itertools.islice(blocks(task, task.expert(), seed=3, size=16), 3)
    )


def test_on_block_is_told_of_the_rows_that_count():
    task = Toy()
    told = []
    rollout(task, task.expert(), 40, seed=3, size=16, on_block=lambda part: told.append(len(part)))
    assert told == [16, 16, 8]


def test_a_row_says_who_made_it_and_in_which_units():
    task = Toy()
    trials = rollout(task, task.expert(), 4, seed=3, size=4)
    assert set(trials["engine"]) == {"toy 1 evidence"}
    assert set(trials["chip"]) == {chip()}
    assert chip().strip()
    assert trials.meta["task"] == "toy/point"
    assert trials.meta["policy"] == "expert"
    assert trials.units["cycle_s"] == "s"
    assert trials.units["wind_m_s"] == "m/s"


def test_outcomes_are_spelled_out():
    task = Toy(invalid_every=5)
    trials = rollout(task, task.expert(), 20, seed=3, size=20)
    assert set(trials["outcome"][4::5]) == {"invalid_nan"}
    assert trials.invalid.sum() == 4
    assert "running" not in trials["outcome"]


def test_a_world_whose_outcomes_do_not_begin_with_running_and_success_is_our_mistake():
    task = Toy()
    world = task.world(2)
    world.outcomes = ("success", "running", "timeout")
    with pytest.raises(AssertionError, match="a world's outcomes begin with running, success"):
        run_block(task, world, task.expert(), 0, seed=0)
