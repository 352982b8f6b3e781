"""Environments of other packages, with the policies and mappings of examples/; `make gym` has all of them.

Each test skips where its package is not installed. gymnasium-robotics 1.4.2 needs a MuJoCo before 3.13.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("gymnasium", reason="the extra 'gym' is not installed")

from jangin.engine.rollout import rollout
from jangin.gym.task import GymTask, gym_task
from jangin.policy import Random, Zero
from jangin.qualify import qualify
from jangin.record import RunFolder
from jangin.replay import replay
from jangin.resolve import resolve_policy, write_task
from jangin.verify import verify

EXAMPLES = Path(__file__).parent.parent / "examples"
CASES = [  # task, mapping, policy, what must be installed, claim, verdict
    ("gym:Pendulum-v1", "pendulum", "swing_up", "gymnasium", "success >= 0.8", "QUALIFIED"),
    ("gym:MountainCar-v0", "mountain_car", "rock", "gymnasium", "success >= 0.8", "QUALIFIED"),
    ("gym:InvertedPendulum-v5", None, "stand", "mujoco imageio", "success >= 0.8", "QUALIFIED"),
    ("gym:Reacher-v5", "reacher", "point", "mujoco imageio", "success >= 0.7", "QUALIFIED"),
    ("gym:Hopper-v5", None, "zero", "mujoco imageio", "success >= 0.5", "NOT_QUALIFIED"),
    (
        "gym:gymnasium_robotics:FetchReach-v4",
        "fetch_reach",
        "fetch",
        "gymnasium_robotics",
        "success >= 0.8",
        "QUALIFIED",
    ),
    ("gym:gym_pusht:gym_pusht/PushT-v0", "pusht", "shove", "gym_pusht", "success >= 0.9", "NOT_QUALIFIED"),
]


@pytest.mark.parametrize(("env", "mapping", "policy", "needs", "claim", "word"), CASES, ids=[c[0] for c in CASES])
@pytest.mark.filterwarnings("ignore")
def test_an_environment_of_others_is_qualified_verified_and_replayed(
    tmp_path, env, mapping, policy, needs, claim, word
):
    for package in needs.split():
        pytest.importorskip(package)
    task = gym_task(env, EXAMPLES / f"{mapping}.yaml" if mapping else None)
    acts = resolve_policy(policy if policy == "zero" else f"examples.gym_policies:{policy}", task, seed=1)
    folder = RunFolder.create(tmp_path / "run")
    write_task(folder, task)
    verdict = qualify(acts, task, [claim], seed=1, folder=folder, block=16, max_trials=400, threads=2)
    assert verdict.verdict == word, verdict
    assert verify(folder).verdict == word
    assert replay(folder, 5, policy=acts, task=task, threads=1).same


@pytest.mark.parametrize("env", ["Ant-v5", "HalfCheetah-v5", "Humanoid-v5", "Swimmer-v5", "Walker2d-v5", "Pusher-v5"])
@pytest.mark.filterwarnings("ignore")
def test_a_mujoco_environment_is_a_task_whose_trials_repeat(env):
    """Zero and random run, and a trial is the same bits in another block, slot and process."""
    for package in ("mujoco", "imageio"):
        pytest.importorskip(package)
    mapping = {"schema": "jangin-gym-mapping/1", "success": {"when": "return >= 1e9"}, "max_steps": 25}
    task = GymTask(env, mapping)
    here = rollout(task, Random(task, seed=1), 4, seed=1, size=4, threads=1)
    there = rollout(task, Random(task, seed=1), 4, seed=1, size=3, threads=2)
    for column in here.columns:
        assert here[column].tolist() == there[column].tolist(), column
    zero = rollout(task, Zero(task), 2, seed=1, size=2, threads=1)
    assert set(Counter(zero["outcome"])) <= {"timeout", "terminated"}
