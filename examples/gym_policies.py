"""Hand-written controllers for environments that others wrote, to be qualified as `module:attribute`.

    jangin qualify gym:CartPole-v1 --policy examples.gym_policies:balance --claim 'success >= 0.95'
    jangin qualify gym:Pendulum-v1 --task.mapping examples/pendulum.yaml --policy examples.gym_policies:swing_up
"""

from __future__ import annotations

import numpy as np


def balance(seen: np.ndarray) -> np.ndarray:
    """CartPole: push towards where the pole falls, with a little of the cart's place and speed; an index (n,)."""
    position, speed, angle, rate = seen.T
    return (angle + 0.4 * rate + 0.05 * position + 0.1 * speed > 0).astype(int)


def swing_up(seen: np.ndarray) -> np.ndarray:
    """Pendulum: pump energy until it suffices, then hold it upright; a torque (n, 1)."""
    cos, sin, rate = seen.T
    energy = 0.5 * rate**2 / 3.0 + 5.0 * (cos - 1.0)
    angle = np.arctan2(sin, cos)
    hold = -12.0 * angle - 3.0 * rate
    pump = np.where(rate * (0.0 - energy) >= 0, 2.0, -2.0)
    return np.where(cos > 0.9, hold, pump)[:, None]
