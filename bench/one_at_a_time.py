"""The same task one environment at a time, through Gymnasium's synchronous vector environment.

    rows = against_gymnasium(size)

Every environment is a world of one simulation: the same model, terms, conditions and noise, stepped in turn by one
core, as that vector environment does. With several cores there is one more comparison: as many processes, each with a
vector environment of its own, all at once. (They need not wait for each other, so this flatters them: a learner would.)
"""

from __future__ import annotations

import multiprocessing
import statistics
from multiprocessing.connection import Connection
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import SyncVectorEnv

from bench.rows import Row, Watch, machine
from bench.speed import PHYSICS, Size, peg
from bench.steady import PURPOSE, Steady, expert_of
from jangin.task import TIMEOUT, Array, Signals, Task

__all__ = ["OneCell", "Vector", "against_gymnasium"]

TARGET = 3.0
ENVIRONMENTS = 32  # of one vector environment; it steps them in turn, so that their number hardly matters


class OneCell(gymnasium.Env[Array, Array]):
    """A world of one simulation as a Gymnasium environment; every reset begins the trial `stride` after the last."""

    def __init__(self, task: Task, *, seed: int, first: int, stride: int) -> None:
        self._world = task.world(1, threads=1, seed=seed, purpose=PURPOSE)
        self._id, self._trial, self._stride = np.zeros(1, int), first - stride, stride
        self._timeout = self._world.outcomes.index(TIMEOUT)
        self.observation_space, self.action_space = _box(task.observation), _box(task.action)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Begin the next trial; what is random comes from its number, so `seed` is not used."""
        self._trial += self._stride
        self._world.reset(self._id, np.array([self._trial]))
        return self._world.observe()[0], {}

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """One control period."""
        step = self._world.step(action[None])
        outcome, reward = int(step.outcome[0]), float(step.reward[0] - step.cost[0])
        late = outcome == self._timeout
        return self._world.observe()[0], reward, outcome > 0 and not late, late, {}


def _box(signals: Signals) -> gymnasium.spaces.Box:
    return gymnasium.spaces.Box(signals.low, signals.high, dtype=np.float32)


class Vector:
    """A vector environment of `n` cells under the expert, which go on for ever."""

    def __init__(self, task: Task, n: int, *, seed: int, first: int = 0) -> None:
        self._policy, self.n = expert_of(task), n
        makers = [lambda k=k: OneCell(task, seed=seed, first=first + k, stride=n) for k in range(n)]
        self._envs = SyncVectorEnv(makers)
        self._seen, _ = self._envs.reset()
        self._ended = np.zeros(n, bool)
        self._policy.reset(np.arange(n), np.arange(n))

    def run(self, periods: int) -> tuple[Watch, int]:
        """`periods` steps of all environments; the vector environment's time, and how many of the steps simulated.

        (A step after an environment's end resets it instead.)
        """
        watch, simulated = Watch(), 0
        for _ in range(periods):
            action = self._policy.act(self._seen)
            with watch:
                self._seen, _, terminated, truncated, _ = self._envs.step(action)
            begun = np.flatnonzero(self._ended)  # what had ended was reset now
            simulated += self.n - len(begun)
            if begun.size:
                self._policy.reset(begun, np.zeros(len(begun), int))
            self._ended = terminated | truncated
        return watch, simulated


def _serve(pipe: Connection, physics: str, n: int, seed: int, first: int) -> None:
    """A process's own vector environment: runs as many periods as it is told, until it is told 0."""
    vector = Vector(peg(physics), n, seed=seed, first=first)
    pipe.send(None)
    while periods := pipe.recv():
        watch, steps = vector.run(periods)
        pipe.send(steps / watch.wall_s)


class Crowd:
    """A vector environment in each of `nproc` processes, all run at once."""

    def __init__(self, physics: str, nproc: int, *, seed: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes, self._processes = [], []
        for k in range(nproc):
            ours, theirs = context.Pipe()
            args = (theirs, physics, ENVIRONMENTS, seed, 1_000_000 * (k + 1))
            process = context.Process(target=_serve, args=args, daemon=True)
            process.start()
            self._pipes.append(ours)
            self._processes.append(process)
        for pipe in self._pipes:
            pipe.recv()

    def run(self, periods: int) -> float:
        """Control steps per second of all processes together, the policies' time not counted."""
        for pipe in self._pipes:
            pipe.send(periods)
        return float(sum(pipe.recv() for pipe in self._pipes))

    def close(self) -> None:
        """End the processes."""
        for pipe in self._pipes:
            pipe.send(0)
        for process in self._processes:
            process.join()


def against_gymnasium(size: Size) -> list[Row]:
    """Our world of many simulations against worlds of one, in turn; in both physics."""
    rows = []
    for physics in PHYSICS:
        rows += _against_gymnasium(physics, size)
    return rows


def _against_gymnasium(physics: str, size: Size) -> list[Row]:
    cores = size.threads or int(machine()["cores"])
    task = peg(physics)
    steady = Steady(task, nsim=size.nsim, threads=size.threads, seed=size.seed)
    vector, crowd = Vector(task, ENVIRONMENTS, seed=size.seed), Crowd(physics, cores, seed=size.seed)
    steady.warm_up(size.warm_up)
    vector.run(size.warm_up)
    crowd.run(size.warm_up)
    ours: list[float] = []
    theirs: list[float] = []
    crowds: list[float] = []
    for _ in range(size.pairs):
        watch, _ = steady.run(size.periods)
        ours.append(size.nsim * size.periods / watch.wall_s)
        watch, steps = vector.run(size.periods)
        theirs.append(steps / watch.wall_s)
        crowds.append(crowd.run(size.periods))
    crowd.close()
    return [
        _row(physics, ours, theirs, "gymnasium SyncVectorEnv", TARGET),
        _row(physics, ours, crowds, f"{cores} processes of SyncVectorEnv", None),
    ]


def _row(physics: str, ours: list[float], theirs: list[float], against: str, target: float | None) -> Row:
    return Row(
        what=f"peg-insert, {physics}: world without policy",
        unit="control steps/s",
        values=ours,
        against=against,
        ratio=statistics.median(a / b for a, b in zip(ours, theirs, strict=True)),
        target=target,
        details={"theirs": theirs},
    )
