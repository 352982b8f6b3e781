"""How a cell looks in pictures: sky, floor, light, camera, table, and shapes that MuJoCo has no primitive for.

    surroundings(spec, eye=place + [0.5, -0.6, 0.4], target=place)       # camera "cell"
    table(spec, at=place - [0.0, 0.0, 0.044])
    gripper(tool, length_m=0.10, opening_m=0.02)
    bored_block(spec, fixture, bore_m=0.0082, rim_m=0.0005)              # a square block with a round hole

Nothing here touches or weighs anything; a world is simulated without any of it.
"""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from jangin.task import Array

__all__ = ["SEEN", "bored_block", "gripper", "surroundings", "table"]

SEEN: dict[str, Any] = {"contype": 0, "conaffinity": 0, "mass": 0}  # of a geom that is only looked at
FLOOR, WOOD, BLUE = [0.83, 0.85, 0.87, 1], [0.78, 0.73, 0.66, 1], [0.27, 0.45, 0.66, 1]
DARK, GREY = [0.16, 0.18, 0.21, 1], [0.55, 0.57, 0.6, 1]


def surroundings(spec: mujoco.MjSpec, *, eye: Array, target: Array) -> None:
    """A bright hall: sky, floor, two lights, and the camera "cell" at `eye` that looks at `target` [m]."""
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=[0.97, 0.98, 1.0],
        rgb2=[0.72, 0.78, 0.86],
        width=64,
        height=384,
    )
    light = spec.visual.headlight
    light.ambient, light.diffuse, light.specular = [0.42] * 3, [0.28] * 3, [0.1] * 3
    spec.visual.quality.shadowsize = 4096
    spec.visual.map.znear = 0.02
    world = spec.worldbody
    world.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[4, 4, 0.1], rgba=FLOOR, **SEEN)
    sun = mujoco.mjtLightType.mjLIGHT_DIRECTIONAL
    world.add_light(type=sun, pos=[0.9, -1.2, 2.0], dir=[-0.35, 0.5, -1.0], diffuse=[0.4] * 3)
    world.add_light(type=sun, pos=[1.0, 1.0, 2.0], dir=[-0.6, -0.6, -1.0], diffuse=[0.15] * 3, castshadow=False)
    world.add_camera(name="cell", **_look_from(np.asarray(eye), np.asarray(target)))


def table(spec: mujoco.MjSpec, *, at: Array) -> None:
    """A table whose top's centre is `at` [m]."""
    x, y, z = (float(c) for c in at)
    box = mujoco.mjtGeom.mjGEOM_BOX
    spec.worldbody.add_geom(type=box, size=[0.22, 0.28, 0.01], pos=[x, y, z - 0.01], rgba=WOOD, **SEEN)
    leg = 0.5 * max(z - 0.02, 0.01)
    for dx, dy in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        at_leg = [x + 0.2 * dx, y + 0.26 * dy, leg]
        spec.worldbody.add_geom(type=box, size=[0.012, 0.012, leg], pos=at_leg, rgba=DARK, **SEEN)


def gripper(tool: mujoco.MjsBody, *, length_m: float, opening_m: float) -> None:
    """A wrist sensor, a body and two fingers `opening_m` apart, along z to length_m; frame of the tool."""
    geom = mujoco.mjtGeom
    tool.add_geom(type=geom.mjGEOM_CYLINDER, size=[0.036, 0.014, 0], pos=[0, 0, 0.014], rgba=DARK, **SEEN)
    body = 0.5 * (length_m - 0.028 - 0.03)
    at_body = [0, 0, 0.028 + body]
    tool.add_geom(type=geom.mjGEOM_BOX, size=[0.03, 0.022, body], pos=at_body, rgba=GREY, **SEEN)
    for side in (-1, 1):
        at_finger = [side * (0.5 * opening_m + 0.005), 0, length_m - 0.012]
        tool.add_geom(type=geom.mjGEOM_BOX, size=[0.005, 0.009, 0.022], pos=at_finger, rgba=DARK, **SEEN)


def bored_block(spec: mujoco.MjSpec, body: mujoco.MjsBody, *, bore_m: float, rim_m: float) -> None:
    """A block of 8 x 8 x 4 cm with its top at z = 0 of `body`, and a bore of radius bore_m, its rim broken by rim_m."""
    n, half, depth = 96, 0.04, 0.04
    angle = 2 * np.pi * np.arange(n) / n
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    square = half * circle / np.abs(circle).max(1, keepdims=True)
    ways = (  # from outside over the top into the bore, and back along the bottom
        (square, -depth),
        (square, 0.0),
        ((bore_m + rim_m) * circle, 0.0),
        (bore_m * circle, -rim_m),
        (bore_m * circle, -depth),
        (square, -depth),
    )
    faces: list[tuple[int, int, int]] = []
    for k in range(len(ways) - 1):
        for i in range(n):
            a, b, j = k * n + i, (k + 1) * n + i, (i + 1) % n
            faces += [(a, k * n + j, b), (k * n + j, (k + 1) * n + j, b)]
    points = np.concatenate([np.column_stack([ring, np.full(n, z)]) for ring, z in ways])
    spec.add_mesh(
        name="bored_block",
        uservert=points.ravel(),
        userface=np.array(faces).ravel(),
        inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
    )
    body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname="bored_block", rgba=BLUE, **SEEN)


def _look_from(eye: Array, target: Array) -> dict[str, list[float]]:
    """A camera at `eye` that looks at `target`, upright."""
    z = (eye - target) / np.linalg.norm(eye - target)
    x = np.cross([0.0, 0.0, 1.0], z)
    x /= np.linalg.norm(x)
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, np.stack([x, np.cross(z, x), z], axis=1).ravel())
    return {"pos": list(eye), "quat": list(quat)}
