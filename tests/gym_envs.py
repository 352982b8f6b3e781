"""Environments for tests, registered on import, as a package of somebody else would: `gym:gym_envs:Corridor-v0`."""

from __future__ import annotations

import os

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete


class Corridor(gymnasium.Env):
    """A walk on a line to 1; info tells the place, a flag at the end, and a fall; `slope` pushes back."""

    metadata = {"render_fps": 10}

    def __init__(self, slope=0.0, mode="walk"):
        self.observation_space = Dict({"x": Box(-9, 9, (1,)), "goal": Box(-9, 9, (1,))})
        self.action_space = Box(-0.2, 0.2, (1,))
        self.slope, self.mode, self.weights, self.resets = slope, mode, np.zeros(3), 0

    def _see(self):
        x = np.nan if self.mode == "nan" else self.x
        return {"x": np.array([x], np.float32), "goal": np.ones(1, np.float32)}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x = float(self.np_random.uniform(-0.5, 0.5)) + (options or {}).get("shift", 0.0)
        self.x += sum((options or {}).get("shifts", []))
        self.resets += 1
        if self.mode == "stubborn":
            self.slope = 0.0
        return self._see(), {}

    def step(self, action):
        if self.mode == "raises" and action[0] == self.action_space.high[0] and self.x > 0.6:
            raise ZeroDivisionError("no way on")
        if self.mode == "dies" and action[0] == self.action_space.high[0] and self.x > 0.6:
            os._exit(3)
        self.x += float(action[0]) - self.slope
        info = {"place": self.x, "is_success": self.x >= 1.0, "fell": self.x < -1.0, "pose": np.array([self.x, 2.0])}
        info |= {"deep": {"er": 2 * self.x}, "word": "none", "resets": self.resets}
        if self.x > 0.9:
            info["late"] = 1.0
        return self._see(), -0.1, self.mode == "ends" and self.x >= 1.0, False, info


class Still(gymnasium.Env):
    """Does nothing in the spaces it is made with, and tells the last action's sum."""

    metadata = {"render_fps": 10}

    def __init__(self, observation=None, action=None):
        self.observation_space = observation or Box(-1, 1, (2,))
        self.action_space = action or Box(-1, 1, (1,))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(self.observation_space.shape, self.observation_space.dtype), {}

    def step(self, action):
        assert self.action_space.contains(action), action
        told = {"done": float(np.sum(action))}
        return np.zeros(self.observation_space.shape, self.observation_space.dtype), 0.0, False, False, told


def _register(name, entry, **more):
    if name not in gymnasium.registry:
        gymnasium.register(name, entry_point=entry, **{"max_episode_steps": 50, **more})


for mode in ("walk", "nan", "raises", "dies", "ends", "stubborn"):
    suffix = "" if mode == "walk" else mode.title()
    _register(f"Corridor{suffix}-v0", "gym_envs:Corridor", kwargs={"mode": mode})
_register("CorridorEndless-v0", "gym_envs:Corridor", max_episode_steps=None)
for name, keywords in {
    "Picture": {"observation": Box(0, 255, (64, 64, 3), np.uint8)},
    "Rows": {"observation": gymnasium.spaces.Sequence(Discrete(2))},
    "Unbounded": {"action": Box(-np.inf, np.inf, (1,))},
    "Tuple": {"action": gymnasium.spaces.Tuple((Discrete(2), Discrete(2)))},
    "Late": {"action": Discrete(3, start=5)},
    "Many": {"action": MultiDiscrete([2, 3])},
    "Switches": {"action": MultiBinary(2)},
    "Whole": {"action": Box(0, 9, (2,), np.int64)},
}.items():
    _register(f"Still{name}-v0", "gym_envs:Still", kwargs=keywords)


def alive(pid):
    """Whether a process still runs; a zombie does not."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
