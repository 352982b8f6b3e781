"""A compiled model being read: its bodies posed at home, names for everything, frames that can be multiplied.

    found = Model("arm.xml", compiled, at_home(compiled), urdf=None)
    found.pose(tool).inverse @ found.pose(base)         # the base in the tool's frame

The model is MuJoCo's; nothing here changes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from jangin.cell.arm import Vec3, Vec4
from jangin.cell.arm_urdf import Urdf
from jangin.task import Array

__all__ = ["HINGE", "Model", "Pose", "at_home", "vec3", "vec4"]

HINGE = mujoco.mjtJoint.mjJNT_HINGE


@dataclass(frozen=True, eq=False)
class Pose:
    """A frame in another one: position (3,) [m] and unit quaternion (4,)."""

    pos: Array
    quat: Array

    def __matmul__(self, inner: Pose) -> Pose:
        pos, quat = np.zeros(3), np.zeros(4)
        mujoco.mju_mulPose(pos, quat, self.pos, self.quat, inner.pos, inner.quat)
        return Pose(pos, quat)

    @property
    def inverse(self) -> Pose:
        pos, quat = np.zeros(3), np.zeros(4)
        mujoco.mju_negPose(pos, quat, self.pos, self.quat)
        return Pose(pos, quat)

    @property
    def axes(self) -> Array:
        """Rotation matrix (3, 3): its columns are the axes of this frame in the other one."""
        flat = np.zeros(9)
        mujoco.mju_quat2Mat(flat, self.quat)
        return flat.reshape(3, 3)


@dataclass(frozen=True)
class Model:
    """A model being read: where its sentences point, and its bodies posed at home."""

    where: str
    model: mujoco.MjModel
    home: mujoco.MjData
    urdf: Urdf | None

    def name(self, kind: mujoco.mjtObj, number: int) -> str:
        return mujoco.mj_id2name(self.model, kind, number) or ""

    def joint_name(self, joint: int) -> str:
        return self.name(mujoco.mjtObj.mjOBJ_JOINT, joint) or f"joint{joint + 1}"

    def body_name(self, body: int) -> str:
        return self.name(mujoco.mjtObj.mjOBJ_BODY, body) or f"link{body}"

    def joints_of(self, body: int) -> list[int]:
        first = int(self.model.body_jntadr[body])
        return list(range(first, first + int(self.model.body_jntnum[body])))

    def hinges_of(self, body: int) -> list[int]:
        return [j for j in self.joints_of(body) if self.model.jnt_type[j] == HINGE]

    def bodies_to(self, body: int) -> list[int]:
        """From the world's child down to `body`."""
        way = []
        while body != 0:
            way.append(body)
            body = int(self.model.body_parentid[body])
        return way[::-1]

    def pose(self, body: int) -> Pose:
        """Of a body in the world, at home."""
        return Pose(self.home.xpos[body].copy(), self.home.xquat[body].copy())


def at_home(model: mujoco.MjModel) -> mujoco.MjData:
    """The model at its keyframe "home", or its first one, or its reference."""
    data = mujoco.MjData(model)
    if model.nkey:
        named = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_KEY, "home")
        mujoco.mj_resetDataKeyframe(model, data, max(named, 0))
    mujoco.mj_kinematics(model, data)
    return data


def vec3(v: Array) -> Vec3:
    x, y, z = (float(a) for a in v)
    return x, y, z


def vec4(v: Array) -> Vec4:
    a, b, c, d = (float(x) for x in v)
    return a, b, c, d
