"""Arms for tests: small ones as MJCF and URDF text, and instruments that read an arm's motion."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from jangin.cell.arm import load_arm
from jangin.errors import BadRobot


def posed(model, q, dq=None):
    """Data with the first joints at q, everything derived up to date."""
    data = mujoco.MjData(model)
    data.qpos[: len(q)] = q
    if dq is not None:
        data.qvel[: len(dq)] = dq
    mujoco.mj_forward(model, data)
    return data


def inertia(model, data):
    full = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, full)
    return full


def tool_of(arm, q):
    """Position (3,) and rotation (3, 3) of the tool frame."""
    model = arm.spec(looks=False).compile()
    data = posed(model, q)
    site = model.site(arm.tool_site).id
    return data.site_xpos[site].copy(), data.site_xmat[site].reshape(3, 3).copy()


def samples(arm, n, seed=0):
    return np.random.default_rng(seed).uniform(arm.low_rad, arm.high_rad, (n, len(arm.joints)))


def refused(path, **options):
    with pytest.raises(BadRobot) as caught:
        load_arm(str(path), **options)
    return str(caught.value).replace(str(path), "FILE")


def same_dynamics(arm, original):
    """Kinematics, inertia, passive and servo torques of the arm and of the model it was read from, at 50 states."""
    n, ours, rng = len(arm.joints), arm.spec().compile(), np.random.default_rng(5)
    for q in samples(arm, 50):
        dq, u = rng.normal(0, 0.5, n), rng.uniform(arm.low_rad, arm.high_rad)
        a, b = mujoco.MjData(ours), mujoco.MjData(original)
        if original.nkey:
            mujoco.mj_resetDataKeyframe(original, b, 0)
        for data in (a, b):
            data.qpos[:n], data.qvel[:n], data.ctrl[:n] = q, dq, u
        for model, data in ((ours, a), (original, b)):
            mujoco.mj_forward(model, data)
        for link in (link for link in arm.links if link.joints):
            np.testing.assert_allclose(a.body(link.name).xpos, b.body(link.name).xpos, rtol=0, atol=1e-12)
            np.testing.assert_allclose(a.body(link.name).xmat, b.body(link.name).xmat, rtol=0, atol=1e-12)
        np.testing.assert_allclose(inertia(ours, a), inertia(original, b)[:n, :n], rtol=0, atol=1e-10)
        np.testing.assert_allclose(a.qfrc_actuator, b.qfrc_actuator[:n], rtol=1e-12, atol=1e-9)
        np.testing.assert_allclose(a.qfrc_damper, b.qfrc_damper[:n], rtol=1e-12, atol=1e-12)


# ── texts ────────────────────────────────────────────────────────────────────────────────────────────────────────


AXES = ("0 0 1", "0 1 0", "0 1 0", "0 0 1", "0 1 0", "0 0 1")
SERVO = '<position name="s{k}" joint="j{k}" kp="1000" kv="50" forcerange="-90 90"/>'
SITE = '<site name="attachment_site" pos="0 0 .1"/>'
HOME = '<keyframe><key name="home" qpos="0 .5 1.2 0 .9 0"/></keyframe>'


def mjcf(*, n=6, joint='range="-3 3"', servos=(SERVO,) * 6, site=SITE, more="", end=HOME):
    """An arm of n hinges as MJCF text, on a floor, under a light; every part can be spoilt."""
    body = site
    for k in reversed(range(n)):
        body = (
            f'<body name="l{k + 1}" pos="0 0 .15"><joint name="j{k + 1}" axis="{AXES[k]}" {joint}/>'
            f'<geom type="capsule" size=".04 .05" pos="0 0 .07" mass="{2 - 0.3 * k:.1f}"/>{body}</body>'
        )
    drives = "".join(s.format(k=k + 1) for k, s in enumerate(servos))
    return (
        f'<mujoco model="test"><compiler angle="radian" autolimits="true"/>{more}<worldbody><light/>'
        f'<geom type="plane" size="1 1 1"/><body name="base"><geom type="cylinder" size=".06 .05" mass="3"/>{body}'
        f"</body></worldbody><actuator>{drives}</actuator>{end}</mujoco>"
    )


# joint: position of the next frame, its roll pitch yaw, axis, effort [N m], velocity [rad/s]
CHAIN = (
    ("0 0 0.30", "0 0 0.3", "0 0 1", 120, 2.0),
    ("0.02 0.1 0.05", "0 0.2 0", "0 1 0", 120, 2.0),
    ("0 -0.02 0.35", "0.1 0 0", "0 1 0", 90, 2.5),
    ("0 0.05 0.30", "0 1.2 0", "0 1 0", 30, 3.0),
    ("0 0.08 0", "0 0 -0.2", "0 0 1", 30, 3.0),
    ("0 0 0.09", "0.3 0 0", "0 1 0", 20, 3.5),
)
BOX = '<visual><geometry><box size=".1 .1 .2"/></geometry></visual>'
LIMIT = '<limit lower="-2.9" upper="2.9" effort="{effort}" velocity="{velocity}"/>'


def flange(name="tool0", rpy="-1.5707963 0 0"):
    """A link fixed to the last one; the last axis, out of the flange, is y of the last link."""
    origin = f'<origin xyz="0 0.08 0" rpy="{rpy}"/><parent link="l6"/><child link="{name}"/>'
    return f'<link name="{name}"/><joint name="fixed" type="fixed">{origin}</joint>'


def finger(name):
    """A link that turns on the last one."""
    heavy = '<inertial><mass value=".1"/><inertia ixx=".1" iyy=".1" izz=".1" ixy="0" ixz="0" iyz="0"/></inertial>'
    ends = f'<parent link="l6"/><child link="{name}"/><limit lower="0" upper="1" effort="1" velocity="1"/>'
    return f'<link name="{name}">{heavy}</link><joint name="{name}" type="revolute">{ends}</joint>'


def urdf(*, limit=LIMIT, kind="revolute", end=None, look=BOX, n=6):
    """An arm of n hinges as URDF text; every part can be spoilt."""
    text = f'<link name="base_link">{BOX}</link>'
    for k in range(n):
        mass = 4.0 - 0.6 * k
        xyz, rpy, axis, effort, velocity = CHAIN[k]
        parent = f"l{k}" if k else "base_link"
        text += (
            f'<link name="l{k + 1}"><inertial><origin xyz="0.01 0.02 0.1" rpy="0.1 0 0"/><mass value="{mass}"/>'
            f'<inertia ixx="{mass / 50}" iyy="{mass / 60}" izz="{mass / 90}" ixy="0.001" ixz="0" iyz="0"/></inertial>'
            f'{look}<collision name="same"><geometry><box size=".2 .2 .2"/></geometry></collision></link>'
            f'<joint name="q{k + 1}" type="{kind}"><origin xyz="{xyz}" rpy="{rpy}"/><parent link="{parent}"/>'
            f'<child link="l{k + 1}"/><axis xyz="{axis}"/>{limit.format(effort=effort, velocity=velocity)}'
            f'<dynamics damping="0.5" friction="0.1"/></joint>'
        )
    return f'<robot name="cell arm">{text}{flange() if end is None else end}</robot>'


def stl(size_m=0.05):
    """A tetrahedron as a binary STL file."""
    corners = size_m * np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    data = bytes(80) + (4).to_bytes(4, "little")
    for face in ((0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)):
        data += np.concatenate([np.zeros(3), corners[list(face)].ravel()]).astype("<f4").tobytes() + bytes(2)
    return data
