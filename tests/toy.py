"""A task in pure NumPy for tests of the verbs: a point in the plane goes to a goal whose estimate is noisy.

`jangin simulate tests/toy.py:TASK` works too. Solvable in seconds, with failures: leaving the box is one, a strong wind
is a condition, `force` peaks with the speed. Broken variants (`success_at_reset`, `invalid_every`) test the validity
checks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jangin.claim import Claim
from jangin.streams import generator
from jangin.task import Channel, Condition, Conditions, Limits, Signals, Step, Uniform


class ToyWorld:
    outcomes = ("running", "success", "timeout", "left_box", "invalid_nan")

    def __init__(self, task, nsim, seed, purpose):
        self.task, self.nsim, self.seed, self.purpose = task, nsim, seed, purpose
        self.engine = f"toy 1 {task.physics}"
        self.p, self.goal, self.wind = np.zeros((nsim, 2)), np.zeros((nsim, 2)), np.zeros(nsim)
        self.bias, self.t, self.peak = np.zeros((nsim, 2)), np.zeros(nsim, int), np.zeros(nsim)
        self.done_s, self.margin, self.trial = np.full(nsim, np.inf), np.zeros(nsim), np.zeros(nsim, np.int64)
        self.force, self.noise = np.zeros(nsim), np.zeros((nsim, task.steps + 1, 5), np.float32)
        self.values = {k: np.zeros(nsim) for k in task.conditions.names}

    def reset(self, ids, trials, at=None):
        for i, t, u in zip(ids, trials, [None] * len(ids) if at is None else at):
            rng = generator(self.task.name, seed=self.seed, purpose=self.purpose, trial=int(t))
            drawn = self.task.conditions.draw(rng, u)
            for k, v in drawn.items():
                self.values[k][i] = v
            self.goal[i] = drawn["goal_x_m"], drawn["goal_y_m"]
            self.wind[i] = drawn["wind_m_s"]
            self.bias[i] = rng.normal(0, self.task.bias_m, 2)
            self.noise[i] = rng.standard_normal((self.task.steps + 1, 5), np.float32)
            self.p[i], self.t[i], self.peak[i], self.done_s[i], self.trial[i] = 0, 0, 0, np.inf, t
            self.force[i] = 0
            if self.task.success_at_reset:
                self.p[i] = self.goal[i]

    def observe(self):
        k = np.arange(self.nsim)
        seen = np.concatenate([self.p, self.goal + self.bias, self.force[:, None]], 1)
        return (seen + self.noise[k, self.t] * np.array([0.001, 0.001, 0.002, 0.002, 0.01])).astype(np.float32)

    def privileged(self):
        return np.concatenate([self.p, self.goal, self.wind[:, None]], 1).astype(np.float32)

    def step(self, action, ids=None):
        ids = np.arange(self.nsim) if ids is None else np.asarray(ids)
        a = np.clip(action[ids], self.task.action.low, self.task.action.high).astype(float)
        before = np.linalg.norm(self.p[ids] - self.goal[ids], axis=1)
        self.p[ids] += a
        self.p[ids, 0] += self.wind[ids] / self.task.rate_hz
        self.force[ids] = 100 * np.linalg.norm(a, axis=1)
        self.peak[ids] = np.maximum(self.peak[ids], self.force[ids])
        self.t[ids] += 1
        after = np.linalg.norm(self.p[ids] - self.goal[ids], axis=1)
        out = np.zeros(len(ids), np.int16)
        out[self.t[ids] >= self.task.steps] = 2
        out[np.abs(self.p[ids]).max(1) > 1.0] = 3
        out[after < 0.05] = 1
        if self.task.invalid_every:
            out[(self.trial[ids] % self.task.invalid_every) == self.task.invalid_every - 1] = 4
        self.margin[ids] = 0.05 - after
        self.done_s[ids] = np.where(out == 1, self.t[ids] / self.task.rate_hz, np.inf)
        cost = np.maximum(self.force[ids] - 15, 0).astype(np.float32) / 15
        return Step((5 * (before - after) - 0.02 + 1.0 * (out == 1)).astype(np.float32), cost, out)

    def record(self, ids):
        row = {k: v[ids].copy() for k, v in self.values.items()}
        return row | {
            "cycle_s": self.done_s[ids].copy(),
            "margin": self.margin[ids].copy(),
            "peak_force_n": self.peak[ids].copy(),
        }

    def picture(self, sim, width=640, height=480):
        return None


class ToyExpert:
    name, sees = "expert", "observation"

    def __init__(self, speed):
        self.speed = speed

    def reset(self, ids, trials):
        pass

    def act(self, seen):
        d = seen[:, 2:4] - seen[:, :2]
        n = np.maximum(np.linalg.norm(d, axis=1, keepdims=True), 1e-9)
        return (d / n * np.minimum(n, self.speed)).astype(np.float32)


class ToyTeacher(ToyExpert):
    name, sees = "teacher", "privileged"


@dataclass(frozen=True)
class Toy:
    physics: str = "evidence"
    bias_m: float = 0.01
    success_at_reset: bool = False
    invalid_every: int = 0
    steps: int = 40

    name = "toy/point"
    rate_hz = 20.0
    limits = Limits(force_n=30.0)
    claims = (
        Claim.parse("success >= 0.95 @ 0.95"),
        Claim.parse("q95(cycle_s) <= 1.9 @ 0.95"),
        Claim.parse("P(peak_force_n > 15) <= 0.05 @ 0.95"),
    )
    conditions = Conditions(
        (
            Condition("goal_x_m", "m", Uniform(-0.6, 0.6), "where the goal is"),
            Condition("goal_y_m", "m", Uniform(0.2, 0.6), "where the goal is"),
            Condition("wind_m_s", "m/s", Uniform(-0.1, 0.1), "drift along x"),
        )
    )
    observation = Signals(
        (
            Channel("x", "m", "base", -2, 2, 0.001),
            Channel("y", "m", "base", -2, 2, 0.001),
            Channel("goal_x", "m", "base", -2, 2, 0.002),
            Channel("goal_y", "m", "base", -2, 2, 0.002),
            Channel("force", "N", "tool", -100, 100, 0.01, "touch"),
        )
    )
    privileged = Signals(tuple(Channel(n, "m", "base") for n in ("x", "y", "goal_x", "goal_y", "wind")))
    action = Signals((Channel("dx", "m", "base", -0.1, 0.1), Channel("dy", "m", "base", -0.1, 0.1)))
    columns = {"cycle_s": "s", "margin": "m", "peak_force_n": "N"}
    model = {"robot": "point"}

    @property
    def limit_s(self):
        return self.steps / self.rate_hz

    def at(self, stage):
        from dataclasses import replace

        return replace(self, physics=stage)

    def world(self, nsim, *, threads=0, seed=0, purpose="simulate"):
        return ToyWorld(self, nsim, seed, purpose)

    def expert(self):
        return ToyExpert(0.08)

    def teacher(self):
        return ToyTeacher(0.1)


TASK = Toy
