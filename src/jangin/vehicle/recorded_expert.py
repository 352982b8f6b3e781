"""The rule-based driver of recorded traffic: the planner of proposals, on what a policy sees.

    expert = RecordedExpert(task)
    action = expert.act(world.observe())

It makes the course ahead again from the observation and drives proposals ahead among who is seen there; see
`driving/`. It looks 5 s ahead and at the ten nearest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from jangin.task import Array

if TYPE_CHECKING:
    from jangin.vehicle.tasks.recorded import Recorded

__all__ = ["RecordedExpert"]

HORIZON_S = 5.0


class RecordedExpert:
    """The scripted baseline; see the module."""

    name = "expert"
    sees: Literal["observation", "privileged"] = "observation"

    def __init__(self, task: Recorded) -> None:
        self._task = task
        self._low, self._high = task.action.low, task.action.high

    def reset(self, ids: Array, trials: Array) -> None:
        """Nothing to forget: it decides anew every time."""

    def act(self, seen: Array) -> Array:
        """(nsim, nobs) -> (nsim, 2): acceleration and steering rate."""
        from jangin.vehicle.driving.deciding import decide, many, numbers  # numba
        from jangin.vehicle.recorded_sensing import situation_of

        vehicle, step_s = numbers(self._task.vehicle), self._task.substep_s
        told = np.zeros((len(seen), 2))
        for k, row in enumerate(seen):
            here, boxes = situation_of(row, step_s)
            steps = int(np.clip(here.target[9], 1, round(HORIZON_S / step_s)))
            rate, accel, _ = decide(here, many, boxes, np.zeros(len(boxes)), vehicle, steps=steps)
            told[k] = accel, rate
        return np.clip(told, self._low, self._high).astype(np.float32)
