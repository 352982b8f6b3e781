"""Differential inverse kinematics: analytic = finite difference, bounded where the arm is singular."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from jangin.cell.arm import load_arm
from jangin.cell.motion import DAMPING, displacement, rotation_vector


@pytest.fixture(scope="module")
def arm():
    """The built-in arm's model, and 40 poses (40, 6) with its elbow and wrist bent."""
    arm = load_arm("ur5e")
    model = arm.spec(looks=False).compile()
    rng = np.random.default_rng(0)
    pose = np.asarray(arm.home_rad) + rng.uniform(-0.4, 0.4, size=(40, 6))
    return model, model.site(arm.tool_site).id, pose


def tool(model, site, q):
    """Position (3,), rotation (3, 3) and Jacobian (6, nv) of the tool."""
    data = mujoco.MjData(model)
    data.qpos[:] = q
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    jacobian = np.zeros((6, model.nv))
    mujoco.mj_jacSite(model, data, jacobian[:3], jacobian[3:], site)
    return data.site_xpos[site].copy(), data.site_xmat[site].reshape(3, 3).copy(), jacobian


def test_the_tool_moves_as_asked_to_second_order(arm):
    """Halving the step quarters what is off; what is left is the damping's share, a millionth of a metre."""
    model, site, poses = arm
    rng = np.random.default_rng(1)
    for q in poses:
        place, rotation, jacobian = tool(model, site, q)
        smallest = np.linalg.svd(jacobian, compute_uv=False)[-1]
        if smallest < 0.05:
            continue
        twist = rng.normal(size=6) * 0.006
        off = []
        for scale in (1.0, 0.5):
            dq = displacement(jacobian[None], scale * twist[None], damping=0.0)[0]
            moved, turned, _ = tool(model, site, q + dq)
            got = np.concatenate([moved - place, rotation_vector((turned @ rotation.T)[None])[0]])
            off.append(np.linalg.norm(got - scale * twist))
        assert off[0] < 0.05 * np.linalg.norm(twist)
        assert off[1] < 0.3 * off[0]
        damped = jacobian @ displacement(jacobian[None], twist[None])[0]
        assert np.linalg.norm(damped - twist) < DAMPING / (smallest**2 + DAMPING) * np.linalg.norm(twist) + 1e-12


def test_many_arms_at_once_are_each_alone(arm):
    model, site, poses = arm
    jacobians = np.stack([tool(model, site, q)[2] for q in poses])
    twists = np.random.default_rng(2).normal(size=(len(poses), 6)) * 0.006
    together = displacement(jacobians, twists)
    assert together.shape == (len(poses), 6)
    for k in range(len(poses)):
        np.testing.assert_allclose(together[k], displacement(jacobians[[k]], twists[[k]])[0], atol=1e-13)


def test_seven_axes_move_as_little_as_they_can():
    """The minimum-norm solution is the pseudo-inverse's: it has no part in the null space."""
    rng = np.random.default_rng(3)
    jacobian, twist = rng.normal(size=(5, 6, 7)), rng.normal(size=(5, 6))
    np.testing.assert_allclose(
        displacement(jacobian, twist, damping=1e-12), (np.linalg.pinv(jacobian) @ twist[..., None])[..., 0], atol=1e-8
    )


def test_it_stays_bounded_where_the_arm_is_singular():
    """|dq| <= |twist| / (2 lambda), the maximum of s / (s^2 + lambda^2) over singular values s."""
    rng = np.random.default_rng(4)
    u, _, vt = np.linalg.svd(rng.normal(size=(6, 6)))
    for smallest in (0.0, 1e-6, np.sqrt(DAMPING), 0.1):
        jacobian = u @ np.diag([1, 1, 0.5, 0.5, 0.2, smallest]) @ vt
        dq = displacement(jacobian[None], 0.006 * u[:, 5][None])[0]
        assert np.linalg.norm(dq) <= 0.006 / (2 * np.sqrt(DAMPING)) + 1e-12
        assert np.linalg.norm(dq) == pytest.approx(0.006 * smallest / (smallest**2 + DAMPING), rel=1e-6, abs=1e-9)


def test_rotation_vector_is_the_inverse_of_mujocos_axis_and_angle():
    rng = np.random.default_rng(5)
    axis = rng.normal(size=(200, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    angle = np.concatenate([np.zeros(5), 10.0 ** rng.uniform(-12, 0, 195)])
    rotation = np.zeros((200, 9))
    for k in range(200):
        quat = np.zeros(4)
        mujoco.mju_axisAngle2Quat(quat, axis[k], angle[k])
        mujoco.mju_quat2Mat(rotation[k], quat)
    np.testing.assert_allclose(rotation_vector(rotation.reshape(-1, 3, 3)), axis * angle[:, None], atol=1e-12)
