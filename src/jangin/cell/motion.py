"""Differential inverse kinematics for many arms at once: a small tool displacement becomes a joint displacement.

    dq = displacement(jacobian, twist)             # (n, 6, nq), (n, 6) -> (n, nq)

Damped least squares, dq = J' (J J' + lambda^2 I)^-1 twist (Wampler, IEEE Trans. SMC 16(1), 1986; Nakamura and Hanafusa,
1986). It works for six axes and for more (the minimum-norm solution), and stays bounded at singular poses.
"""

from __future__ import annotations

import numpy as np

__all__ = ["displacement", "rotation_vector"]

DAMPING = 1e-5  # lambda^2; [m^2] and [rad^2]: errors of a millimetre-sized step stay below a micrometre


def displacement(jacobian: np.ndarray, twist: np.ndarray, damping: float = DAMPING) -> np.ndarray:
    """Joint displacements (n, nq) [rad] for tool displacements `twist` (n, 6) [m, rad]; jacobian (n, 6, nq)."""
    jt = np.swapaxes(jacobian, 1, 2)
    gram = jacobian @ jt + damping * np.eye(6)
    return (jt @ np.linalg.solve(gram, twist[..., None]))[..., 0]


def rotation_vector(rotation: np.ndarray) -> np.ndarray:
    """Rotation matrices (n, 3, 3) to rotation vectors (n, 3) [rad]; for angles below pi / 2 (small-angle safe)."""
    v = 0.5 * np.stack(
        [
            rotation[:, 2, 1] - rotation[:, 1, 2],
            rotation[:, 0, 2] - rotation[:, 2, 0],
            rotation[:, 1, 0] - rotation[:, 0, 1],
        ],
        axis=1,
    )
    sine = np.linalg.norm(v, axis=1, keepdims=True)
    angle = np.arcsin(np.clip(sine, 0.0, 1.0))
    return v * np.where(sine > 1e-9, angle / np.maximum(sine, 1e-9), 1.0)
