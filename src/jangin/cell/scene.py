"""What every cell has: named physics, an arm reduced to its dynamics, and the tool behind a wrist sensor.

    spec = arm_in_cell(arm, physics)             # MjSpec: the arm, with the options of the physics
    tool = add_tool(spec, arm)                   # body "tool" on the flange; sensors "force" and "torque" at its origin
    model = spec.compile()

Gravity is off in a cell: the controller knows the arm and its payload and compensates both exactly, and a wrist sensor
is tared for the payload, so gravity would only appear to disappear again. (A payload error would be a condition of its
own.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import mujoco

from jangin.cell.arm import Arm
from jangin.errors import BadTask, nearest

__all__ = ["PHYSICS", "Physics", "add_tool", "arm_in_cell", "check_ranges", "physics_named"]

TOOL_KG = 0.78
TOOL_LENGTH_M = 0.10


@dataclass(frozen=True)
class Physics:
    """A named way to simulate the same cell.

    Attributes:
        name: recorded with every trial.
        timestep_s: of one substep.
        implicit: contact as an implicit spring under `implicitfast`; otherwise MuJoCo's `discrete` integrator.
        samples: contact candidates per circle of a peg or hole.
        smallest_clearance_m: below it the contact is not believable (docs/physics.md).
        overlap_share: a trial in which peg and bore overlap by more than this share of the clearance is invalid.
    """

    name: Literal["training", "evidence", "twin"]
    timestep_s: float
    implicit: bool
    samples: int
    smallest_clearance_m: float
    overlap_share: float


PHYSICS = {
    p.name: p
    for p in (
        Physics("training", 0.001, False, 8, 0.2e-3, 1.5),
        Physics("evidence", 0.0005, True, 8, 0.1e-3, 1.0),
        Physics("twin", 0.00025, True, 32, 0.1e-3, 1.0),  # the slow twin that `evidence` is tested against
    )
}


def physics_named(name: str) -> Physics:
    """A physics by name; raises BadTask."""
    if name not in PHYSICS:
        hint = nearest(name, PHYSICS)
        did = f" Did you mean {hint!r}?" if hint else ""
        raise BadTask(f"There is no physics {name!r}.{did} A cell has: {', '.join(PHYSICS)}.")
    return PHYSICS[name]


def check_ranges(task: Any, *ranges: str, logarithmic: tuple[str, ...] = ()) -> None:
    """Refuse a task's ranges (low, high) that no trial could be drawn from, and a latency of more than one period.

    Raises: BadTask.
    """
    for field in (*ranges, *logarithmic):
        low, high = getattr(task, field)
        if not 0.0 <= low <= high:
            raise BadTask(f"{field} is {low:g} to {high:g}; give the smaller number first, neither below zero.")
        if field in logarithmic and low == 0.0:
            raise BadTask(f"{field} begins at 0, but it is drawn uniformly in its logarithm; give more than 0.")
    period_s = 1.0 / task.rate_hz
    if task.latency_s[1] > period_s:
        raise BadTask(f"latency_s goes up to {task.latency_s[1]:g} s; the most is one control period, {period_s:g} s.")


def arm_in_cell(arm: Arm, physics: Physics, *, visual: bool = False) -> mujoco.MjSpec:
    """The arm under a physics; without its looks unless `visual`, which would cost time at every substep."""
    spec = arm.spec(looks=visual)
    option = spec.option
    option.gravity = [0, 0, 0]
    option.timestep = physics.timestep_s
    option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    option.impratio = 10
    option.iterations = 50
    option.ls_iterations = 50  # with 20 the line search stops early in stiff contact and forces triple
    option.tolerance = 1e-10
    option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_MIDPHASE) | int(mujoco.mjtDisableBit.mjDSBL_AUTORESET)
    if physics.implicit:
        option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    else:
        option.integrator = mujoco.mjtIntegrator.mjINT_DISCRETE
        option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_REFSAFE)
    return spec


def add_tool(spec: mujoco.MjSpec, arm: Arm) -> mujoco.MjsBody:
    """A rigid tool on the flange, z out of it, behind a wrist sensor: sensors "force" and "torque", tool frame."""
    site = spec.site(arm.tool_site)
    tool = site.parent.add_body(name="tool", pos=site.pos, quat=site.quat)
    tool.explicitinertial = True
    tool.mass, tool.ipos, tool.inertia = TOOL_KG, [0, 0, 0.4 * TOOL_LENGTH_M], [8e-4, 8e-4, 5e-4]
    tool.add_site(name="wrist", size=[0.005] * 3, group=4)
    for name, kind in (("force", mujoco.mjtSensor.mjSENS_FORCE), ("torque", mujoco.mjtSensor.mjSENS_TORQUE)):
        spec.add_sensor(name=name, type=kind, objtype=mujoco.mjtObj.mjOBJ_SITE, objname="wrist")
    return tool
