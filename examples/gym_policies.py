"""Hand-written controllers for environments that others wrote, to be qualified as module:attribute.

    jangin qualify gym:CartPole-v1 --policy examples.gym_policies:balance --claim 'success >= 0.95'
    jangin qualify gym:Pendulum-v1 --task.mapping examples/pendulum.yaml --policy examples.gym_policies:swing_up

Each takes what n environments observe, (n, nobs), and answers for all of them at once.
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


def rock(seen: np.ndarray) -> np.ndarray:
    """MountainCar: push the way it rolls; an index (n,)."""
    return np.where(seen[:, 1] >= 0, 2, 0)


def stand(seen: np.ndarray) -> np.ndarray:
    """InvertedPendulum: a linear law on place, angle and their rates; a force (n, 1)."""
    return seen @ np.array([[0.5], [15.0], [1.0], [2.5]])


def point(seen: np.ndarray) -> np.ndarray:
    """Reacher: the transposed Jacobian pulls the fingertip to the target, against some damping; torques (n, 2)."""
    q1, q2 = np.arctan2(seen[:, 2], seen[:, 0]), np.arctan2(seen[:, 3], seen[:, 1])
    upper, lower = 0.1 * np.stack([-np.sin(q1), np.cos(q1)]), 0.11 * np.stack([-np.sin(q1 + q2), np.cos(q1 + q2)])
    pull = -seen[:, 8:10].T  # the last numbers are fingertip less target
    torque = np.stack([((upper + lower) * pull).sum(axis=0), (lower * pull).sum(axis=0)], axis=1)
    return 250.0 * torque - seen[:, 6:8] * np.array([0.28, 0.14])


def fetch(seen: np.ndarray) -> np.ndarray:
    """FetchReach: move the gripper straight to the goal; three displacements and the fingers (n, 4)."""
    achieved, desired = seen[:, :3], seen[:, 3:6]
    return np.concatenate([10.0 * (desired - achieved), np.zeros((len(seen), 1))], axis=1)


def shove(seen: np.ndarray) -> np.ndarray:
    """PushT: go through the block towards where it belongs; a place (n, 2). It rarely succeeds."""
    return seen[:, 2:4] + 0.5 * (np.array([256.0, 256.0]) - seen[:, 2:4])
