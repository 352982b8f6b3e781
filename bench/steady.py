"""A world that never stops, as a learner sees it: whichever trial ends is followed by the next one.

    steady = Steady(task, nsim=256, threads=0, seed=0)
    steady.warm_up(100)                    # until the simulations are at different moments of their trials
    watch, periods = steady.run(25)        # seconds in step, reset and observe; what was simulated, for a replay
    raw = Raw(steady)
    raw.replay(periods)                    # seconds of mujoco.batch alone for the very same substeps

The policy's own time is not counted on either side. A replay begins every period at the recorded state, with the
recorded model fields and controls, so it simulates the same contacts; that it ends in the same bits is checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import mujoco
import numpy as np
from mujoco import batch as mujoco_batch

from bench.rows import Watch
from jangin.cell.world import CellWorld
from jangin.task import Array, Policy, Task

__all__ = ["Period", "Raw", "Steady", "expert_of"]

PURPOSE = "bench"
STATE = ("qpos", "qvel", "time")  # what must come out the same


@dataclass(frozen=True)
class Period:
    """One control period of all simulations: what it began with, the controls, and what it ended with.

    Attributes:
        state: (nsim, nstate), the batch's state rows at the start.
        fields: model fields that differ between simulations, (nsim, ...), by name.
        ctrl: (nsim, substeps, nu).
        after: what STATE names, (nsim, ...), at the end.
    """

    state: Array
    fields: dict[str, Array]
    ctrl: Array
    after: dict[str, Array]


def expert_of(task: Task) -> Policy:
    """The scripted baseline; the benchmark's tasks have one."""
    policy = task.expert()
    assert policy is not None, f"{task.name} has no expert"
    return policy


class Steady:
    """nsim simulations of a cell task under its expert, which go on for ever."""

    def __init__(self, task: Task, *, nsim: int, threads: int, seed: int, first: int = 0) -> None:
        self.world = cast(CellWorld, task.world(nsim, threads=threads, seed=seed, purpose=PURPOSE))
        self.policy = expert_of(task)
        self.nsim, self.threads, self.ended = nsim, threads, 0
        self._next = first
        self._begin(np.arange(nsim))
        self._seen = self.world.observe()

    def _begin(self, ids: Array) -> None:
        trials = self._next + np.arange(len(ids))
        self._next += len(ids)
        self.world.reset(ids, trials)
        self.policy.reset(ids, trials)

    def warm_up(self, periods: int) -> None:
        """Go on without measuring."""
        for _ in range(periods):
            self._period(Watch())

    def run(self, periods: int) -> tuple[Watch, list[Period]]:
        """Go on for `periods` control periods; the time of the world alone, and what was simulated."""
        watch = Watch()
        done: list[Period] = []
        for _ in range(periods):
            done.append(self._recorded(watch))
        return watch, done

    def _period(self, watch: Watch) -> None:
        action = self.policy.act(self._seen)
        with watch:
            step = self.world.step(action)
            ended = np.flatnonzero(step.outcome)
            if ended.size:
                self._begin(ended)
            self._seen = self.world.observe()
        self.ended += len(ended)

    def _recorded(self, watch: Watch) -> Period:
        """One period with what MuJoCo is given and what it leaves, seen at the border to the engine."""
        sim = self.world.sim
        batch, advance = sim.batch, sim.advance
        state = batch.state.copy()
        names = [n for n in mujoco_batch.MODEL_FIELDS if batch.expanded(n) is not None]
        fields = {n: batch.expanded(n).copy() for n in names}
        seen: list[tuple[Array, dict[str, Array]]] = []

        def noting(ids: Array, ctrl: Array) -> Array:
            readings = advance(ids, ctrl)
            # some 30 microseconds, on the world's account
            seen.append((ctrl, {n: batch.bind(n).copy() for n in STATE}))
            return readings

        sim.advance = noting  # type: ignore[method-assign]
        try:
            self._period(watch)
        finally:
            del sim.advance  # the method of the class again
        ((ctrl, after),) = seen
        return Period(state, fields, ctrl, after)


class Raw:
    """The same model in a plain `mujoco.batch.Batch` with as many threads: no sensors read, nothing bound."""

    def __init__(self, steady: Steady) -> None:
        self._substeps = steady.world.substeps
        self._batch = mujoco_batch.Batch(steady.world.scene.model, steady.nsim, steady.threads)

    def replay(self, periods: Sequence[Period]) -> tuple[Watch, int]:
        """Simulate recorded periods; the time of `Batch.rollout` alone, and how many values of STATE differ then."""
        watch, differing = Watch(), 0
        batch, spec = self._batch, int(mujoco.mjtState.mjSTATE_CTRL)
        for period in periods:
            for name, values in period.fields.items():
                _write(batch.expand(name), values)
            _write(batch.state, period.state)
            with watch:
                batch.rollout(self._substeps, period.ctrl, spec, record=())
            for name, values in period.after.items():
                differing += int(np.sum(batch.bind(name).view(np.int64) != values.view(np.int64)))
        return watch, differing


def _write(held: Array, values: Array) -> None:
    """Copy the rows that differ, and leave the others as they are in the processor's caches."""
    changed = (held != values).reshape(len(held), -1).any(1)
    held[changed] = values[changed]
