"""A driver learned in `vehicle/motorway` and carried into highway-env, beside a DQN that learned there.

    python -m bench.transfer --seeds 5 --budget-s 600 --episodes 200

For each seed: ours learns by PPO for so many seconds of wall-clock time in our world of highway-env's traffic, on one
thread; Stable-Baselines3's DQN, with the settings of highway-env's own script, learns for as long in `highway-fast-v0`,
on one thread. Then both drive the same episodes of `highway-fast-v0`, as installed and unchanged. Nothing of that
simulator is seen by ours before. The interval is that of the difference over seeds, paired by episodes' starts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.rows import Row

__all__ = ["compare", "drive", "learn_ours", "learn_theirs"]

ENV = "highway-fast-v0"
FIRST_EPISODE = 1_000_000  # seeds of episodes nobody has learned from
STEPS_PER_S = 8_000  # that learning takes here, about: its step sizes fall over the steps it is told
CHOICE = 1.0 / 3.0  # of our meta-actions: less is none
LEFT, IDLE, RIGHT, FASTER, SLOWER = range(5)


def learn_ours(seed: int, budget_s: float, folder: Path) -> bytes:
    """policy.onnx after so many seconds."""
    from jangin.learn.learning import learn
    from jangin.record import RunFolder
    from jangin.vehicle.tasks.motorway import Motorway

    task = Motorway(traffic="highway-env", sees="kinematics", cars=20)
    learn(
        task, recipe="ppo", seed=seed, folder=RunFolder.create(folder), steps=100_000_000, budget_s=budget_s, threads=1
    )
    return (folder / "policy.onnx").read_bytes()


def learn_theirs(seed: int, budget_s: float) -> tuple[Any, int]:
    """The DQN after so many seconds, and its steps."""
    import gymnasium
    import highway_env  # noqa: F401
    import torch
    from stable_baselines3 import DQN
    from stable_baselines3.common.callbacks import BaseCallback

    class Clock(BaseCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.ends = time.perf_counter() + budget_s

        def _on_step(self) -> bool:
            return time.perf_counter() < self.ends

    torch.set_num_threads(1)
    # the settings of highway-env's own script for this environment
    model = DQN(
        "MlpPolicy", gymnasium.make(ENV), policy_kwargs={"net_arch": [256, 256]}, learning_rate=5e-4,
        buffer_size=15_000, learning_starts=200, batch_size=32, gamma=0.8, train_freq=1, gradient_steps=1,
        target_update_interval=50, seed=seed, device="cpu",
    )  # fmt: skip
    model.learn(10_000_000, callback=Clock())
    return model, model.num_timesteps


def ours(policy: bytes) -> Callable[[np.ndarray], int]:
    """Our policy as a choice among highway-env's five actions."""
    import onnxruntime

    session = onnxruntime.InferenceSession(policy)
    name = session.get_inputs()[0].name

    def choose(seen: np.ndarray) -> int:
        speed, lane = session.run(None, {name: seen.reshape(1, -1).astype(np.float32)})[0][0]
        if abs(lane) > CHOICE and abs(lane) >= abs(speed):
            return LEFT if lane > 0 else RIGHT
        if abs(speed) > CHOICE:
            return FASTER if speed > 0 else SLOWER
        return IDLE

    return choose


def drive(choose: Callable[[np.ndarray], int], episodes: int, first: int) -> dict[str, list[float]]:
    """Return, speed, and whether it crashed, of each episode."""
    import gymnasium
    import highway_env  # noqa: F401

    env = gymnasium.make(ENV)
    found: dict[str, list[float]] = {"return": [], "speed": [], "crashed": [], "seconds": []}
    for episode in range(episodes):
        seen, _ = env.reset(seed=first + episode)
        total, speeds, over = 0.0, [], False
        while not over:
            seen, reward, terminated, truncated, info = env.step(choose(seen))
            total, over = total + float(reward), terminated or truncated
            speeds.append(float(info["speed"]))
        for name, value in zip(found, (total, statistics.mean(speeds), info["crashed"], len(speeds)), strict=True):
            found[name].append(float(value))
    return found


def compare(records: list[dict[str, Any]]) -> list[Row]:
    """Rows from one record a seed."""
    from jangin.stats.output import mean_interval

    rows = []
    for name in ("return", "speed", "crashed"):
        a, b = ([float(np.mean(r[who][name])) for r in records] for who in ("ours", "theirs"))
        rows += [Row(f"{ENV}, {name} of ours", "", a), Row(f"{ENV}, {name} of DQN", "", b)]
        gap = mean_interval(np.array(a) - np.array(b), 0.95)
        rows.append(
            Row(f"{ENV}, {name}, ours - DQN", "", [gap.mean], note=f"± {gap.half_width:.3g} over {len(a)} seeds (95 %)")
        )
    return rows


def main() -> int:
    """One process: seeds one after another, one side or both."""
    parser = argparse.ArgumentParser(prog="python -m bench.transfer", description="See the module.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--budget-s", type=float, default=600.0)
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--side", choices=("ours", "theirs"), required=True)
    parser.add_argument("--folder", type=Path, required=True, help="where policies and records go")
    told = parser.parse_args()
    told.folder.mkdir(parents=True, exist_ok=True)
    for seed in told.seeds:
        if told.side == "ours":
            choose, steps = ours(learn_ours(seed, told.budget_s, told.folder / f"ours-{seed}")), -1
        else:
            model, steps = learn_theirs(seed, told.budget_s)

            def choose(seen: np.ndarray, model: Any = model) -> int:
                return int(model.predict(seen, deterministic=True)[0])

        found = drive(choose, told.episodes, FIRST_EPISODE)
        means = {name: round(statistics.mean(values), 4) for name, values in found.items()}
        print(told.side, seed, "steps", steps, means, flush=True)
        place = told.folder / f"{told.side}-{seed}.json"
        place.write_text(json.dumps({"seed": seed, "steps": steps, **found}), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
