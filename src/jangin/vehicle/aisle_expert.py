"""The rule-based driver of the aisle: a dynamic window with the velocities of people and vehicles.

    expert = DynamicWindow(task)
    action = expert.act(world.observe())

It sees what a policy sees and remembers nothing. The rule itself: `aisles/windows.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from jangin.task import Array

if TYPE_CHECKING:
    from jangin.vehicle.tasks.aisle import Aisle

__all__ = ["DynamicWindow"]


class DynamicWindow:
    """The scripted baseline; see the module."""

    name = "expert"
    sees: Literal["observation", "privileged"] = "observation"

    def __init__(self, task: Aisle) -> None:
        vehicle = task.vehicle
        self._box = np.array([0.5 * vehicle.length_m, 0.5 * vehicle.width_m])
        self._rates = np.array([vehicle.acceleration_m_s2, 0.8, vehicle.yaw_acceleration_rad_s2])
        self._top = float(vehicle.speed_max_m_s)
        self._reach = float(task.observation.high[task.observation.index("range_0_m")])

    def reset(self, ids: Array, trials: Array) -> None:
        """Nothing to forget."""

    def act(self, seen: Array) -> Array:
        """(nsim, nobs) -> (nsim, 2)."""
        from jangin.vehicle.aisles.windows import choose  # numba

        out = np.zeros((len(seen), 2))
        choose(np.asarray(seen, float), self._reach, self._box, self._rates, self._top, out)
        return out.astype(np.float32)
