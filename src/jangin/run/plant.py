"""Plants: where a bundle runs. A plant is one machine, or a few in lock-step, that observes, acts and keeps a record.

    plant = SimPlant(PegInsert(), seed=1, machines=16)
    plant.reset(np.arange(16))
    while (still := plant.running).size:
        plant.act(actions, still)
    rows = plant.record()

A driver for a real machine is a class with the members of `Plant`: `machines` is 1, `act` sends the command and returns
when the control period is over, `record` gives the same rows. It names its channels itself, from the machine, so that
`Player.check_fits` compares two independent descriptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np

from jangin.engine.rollout import chip
from jangin.task import Array, Signals, Task, Trials, World, sha256_of, task_declaration

__all__ = ["Plant", "SimPlant"]


@runtime_checkable
class Plant(Protocol):
    """One machine, or a few in lock-step, that does one task.

    Attributes:
        name: for records, e.g. "sim".
        task, task_sha256: the name and the identity of the task it does.
        robot: what does it, as in `Task.model`.
        rate_hz: of control.
        observation, action: its channels, in its own order.
        machines: how many trials it does at once; 1 for a real machine.
    """

    name: str
    task: str
    task_sha256: str
    robot: Mapping[str, str]
    rate_hz: float
    observation: Signals
    action: Signals
    machines: int

    def reset(self, trials: Array) -> None:
        """Begin these trials (n <= machines numbers), one on each of the first n machines."""

    def observe(self) -> Array:
        """(machines, nobs) float32: what the sensors give now."""

    def act(self, action: Array, ids: Array) -> Array:
        """One control period of machines `ids` with `action` (machines, nact); which have ended, (len(ids),) bool.

        An action that is not a finite number must stop the machine and end its trial.
        """

    def record(self) -> Trials:
        """The rows of the trials that were begun last, once all have ended."""


class SimPlant:
    """The task's own simulated cell, in the physics that evidence rests on.

    Draws: all that is random comes from (task, seed, purpose, trial number): a trial is the same on any number of
    machines. The world is made when the first trial begins, so that a bundle that does not fit costs nothing.
    """

    name = "sim"

    def __init__(self, task: Task, *, seed: int, machines: int = 1, threads: int = 0, purpose: str = "run") -> None:
        self._task = task.at("evidence")
        self._seed, self._threads, self._purpose = seed, threads, purpose
        self.task, self.task_sha256 = self._task.name, sha256_of(task_declaration(self._task))
        self.robot: Mapping[str, str] = dict(self._task.model)
        self.rate_hz = float(self._task.rate_hz)
        self.observation, self.action = self._task.observation, self._task.action
        self.machines = machines
        self._trials = np.zeros(0, np.int64)
        self._outcome = np.zeros(0, np.int16)

    @cached_property
    def _world(self) -> World:
        return self._task.world(self.machines, threads=self._threads, seed=self._seed, purpose=self._purpose)

    def reset(self, trials: Array) -> None:
        """Begin these trials in the first len(trials) simulations."""
        self._trials = np.asarray(trials, np.int64)
        self._outcome = np.zeros(len(trials), np.int16)
        self._world.reset(np.arange(len(trials)), self._trials)

    def observe(self) -> Array:
        """(machines, nobs) float32, noise included."""
        return self._world.observe()

    def act(self, action: Array, ids: Array) -> Array:
        """Simulate one control period; an action that is no number ends its trial as the task's world says."""
        self._outcome[ids] = self._world.step(action, ids).outcome
        return np.asarray(self._outcome[ids] != 0)

    def record(self) -> Trials:
        """Rows of the trials table, as the rollout writes them."""
        n = len(self._trials)
        assert (self._outcome != 0).all(), "a trial still runs"
        columns: dict[str, Array] = {
            "trial": self._trials,
            "seed": np.full(n, self._seed, np.int64),
            "outcome": np.array([self._world.outcomes[k] for k in self._outcome], dtype=object),
            **self._world.record(np.arange(n)),
            "engine": np.full(n, self._world.engine, dtype=object),
            "chip": np.full(n, chip(), dtype=object),
        }
        meta = {"task": self.task, "seed": self._seed, "purpose": self._purpose}
        return Trials(columns, {**self._task.conditions.units, **self._task.columns}, meta)
