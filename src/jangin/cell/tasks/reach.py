"""Bring the tool's tip to a point that moves from trial to trial: the smallest cell task, learned in seconds.

Read it to learn how a task is written: conditions, signals, limits, claims, and five short methods.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import mujoco
import numpy as np

from jangin.cell import looks
from jangin.cell.arm import Arm, load_arm, solve_home
from jangin.cell.scene import TOOL_LENGTH_M, add_tool, arm_in_cell, check_ranges, physics_named
from jangin.cell.world import Assessment, CellWorld, Scene, tool_action
from jangin.claim import Claim
from jangin.task import Array, Channel, Condition, Conditions, Limits, LogUniform, Signals, Uniform


@dataclass(frozen=True)
class Reach:
    """Reach a point.

    Attributes:
        robot: a built-in arm, the path of an MJCF or URDF file, or menagerie:NAME.
        tool_site: the site of the flange in a robot file that does not use a usual name.
        physics: "training", "evidence" or "twin"; they differ in the length of a substep only, as nothing touches.
        centre_m: middle of the box that goals lie in, base frame [m].
        range_m: half its edge [m].
        tolerance_m: how near the tip must be to the goal, and stay [m].
        servo_gain: range of the factor on the joint servos, log-uniform.
        latency_s: range of the delay from action to motion [s], at most one control period.
        limit_s: a trial that takes longer has failed [s].
    """

    robot: str = "ur5e"
    tool_site: str | None = None
    physics: Literal["training", "evidence", "twin"] = "evidence"
    centre_m: tuple[float, float, float] = (0.45, 0.0, 0.30)
    range_m: float = 0.05
    tolerance_m: float = 0.005
    servo_gain: tuple[float, float] = (0.8, 1.25)
    latency_s: tuple[float, float] = (0.0, 0.02)
    limit_s: float = 4.0

    name = "cell/reach"
    rate_hz = 25.0
    hold_s = 0.2
    action = tool_action(0.006, 0.02)
    privileged = Signals(tuple(Channel(n, "m", "base") for n in ("error_x", "error_y", "error_z")))
    claims = (
        Claim.parse("success >= 0.99 @ 0.95"),
        Claim.parse("q95(cycle_s) <= 3.0 @ 0.95"),
        Claim.parse("P(peak_force_n > 20) <= 0.01 @ 0.95"),
    )
    columns = {"cycle_s": "s", "margin": "", "peak_force_n": "N", "peak_torque_nm": "N m", "peak_tool_speed_m_s": "m/s"}

    def __post_init__(self) -> None:
        physics_named(self.physics)
        check_ranges(self, "latency_s", logarithmic=("servo_gain",))

    @property
    def conditions(self) -> Conditions:
        """Where the goal is, and how the arm follows."""
        goal = (Condition(f"goal_{a}_m", "m", Uniform(-self.range_m, self.range_m), "from the centre") for a in "xyz")
        return Conditions(
            (
                *goal,
                Condition("servo_gain", "", LogUniform(*self.servo_gain), "factor on the joint servos"),
                Condition("latency_s", "s", Uniform(*self.latency_s), "from action to motion"),
            )
        )

    @property
    def observation(self) -> Signals:
        """The tip against the goal, its tilt and its speed."""
        error = (Channel(f"error_{a}", "m", "base", -0.2, 0.2, 1e-4) for a in "xyz")
        tilt = (Channel(f"tilt_{a}", "rad", "base", -0.2, 0.2, 1e-4) for a in "xy")
        speed = (Channel(f"speed_{a}", "m/s", "base", -0.5, 0.5, 5e-4) for a in "xyz")
        return Signals((*error, *tilt, *speed))

    @property
    def limits(self) -> Limits:
        """A box around the goals, the wrist force, the tool's speed, the joints."""
        (x, y, z), room = self.centre_m, self.range_m + 0.1
        return Limits(
            force_n=50.0,
            tool_speed_m_s=0.25,
            workspace_low_m=(x - room, y - room, z - room),
            workspace_high_m=(x + room, y + room, z + room),
            joint_margin_rad=0.02,
        )

    @property
    def model(self) -> Mapping[str, str]:
        """Which robot, and the identity of its model."""
        return {"robot": self.robot, "robot_sha256": self.arm().sha256}

    def at(self, stage: Literal["training", "evidence"]) -> Reach:
        """This task in a stage's physics."""
        return replace(self, physics=stage)

    def world(self, nsim: int, *, threads: int = 0, seed: int = 0, purpose: str = "simulate") -> CellWorld:
        """nsim cells; see jangin.task.World."""
        return CellWorld(self, nsim, threads=threads, seed=seed, purpose=purpose)

    def expert(self) -> StraightLine:
        """Straight to the goal."""
        return StraightLine(self.observation, self.action)

    def teacher(self) -> StraightLine:
        """The same: there is nothing hidden."""
        return self.expert()

    # ── what the cell asks ───────────────────────────────────────────────────────────────────────────────────────

    def arm(self) -> Arm:
        """The arm, read once."""
        return _arm(self.robot, self.tool_site)

    def scene(self, visual: bool = False) -> Scene:
        """The compiled cell, built once per task."""
        return _scene(self, visual)

    def begin(self, cell: CellWorld, ids: Array, values: Mapping[str, Array]) -> None:
        """Nothing but the arm itself changes from trial to trial."""
        cell.set_servo_gain(ids, values["servo_gain"])
        cell.set_latency(ids, values["latency_s"])

    def sense(self, cell: CellWorld) -> Array:
        """The observation's terms, without noise."""
        return np.concatenate([self._error(cell), cell.tilt[:, :2], cell.velocity[:, :3]], axis=1)

    def know(self, cell: CellWorld) -> Array:
        """The error, without noise."""
        return self._error(cell)

    def assess(self, cell: CellWorld, ids: Array) -> Assessment:
        """Nearer is better; there is no contact to doubt."""
        away = np.linalg.norm(self._error(cell)[ids], axis=1)
        return Assessment(
            potential=-30.0 * away - 0.5 * np.tanh(away / self.tolerance_m),
            done=away < self.tolerance_m,
            short=np.maximum(away / self.tolerance_m - 1.0, 0.0),
            overlap=np.zeros(len(ids), bool),
        )

    def show(self, model: mujoco.MjModel, values: Mapping[str, float]) -> None:
        """Put the ball where the goal is."""
        model.geom("goal").pos = np.asarray(self.centre_m) + [values[f"goal_{a}_m"] for a in "xyz"]

    def _error(self, cell: CellWorld) -> Array:
        goal = np.asarray(self.centre_m) + np.stack([cell.values[f"goal_{a}_m"] for a in "xyz"], axis=1)
        return cell.tip - goal


TASK = Reach


class StraightLine:
    """Moves the tip towards the goal, in proportion."""

    name = "expert"
    sees: Literal["observation", "privileged"] = "observation"

    def __init__(self, observation: Signals, action: Signals) -> None:
        self._error = [observation.index(f"error_{a}") for a in "xyz"]
        self._tilt = [observation.index(f"tilt_{a}") for a in "xy"]
        self._low, self._high = action.low, action.high

    def reset(self, ids: Array, trials: Array) -> None:
        """Nothing to forget."""

    def act(self, seen: Array) -> Array:
        """(nsim, nobs) -> (nsim, 5)."""
        move = np.concatenate([-seen[:, self._error], -0.5 * seen[:, self._tilt]], axis=1)
        return np.clip(move, self._low, self._high).astype(np.float32)


@functools.cache
def _arm(robot: str, tool_site: str | None) -> Arm:
    return load_arm(robot, tool_site=tool_site)


@functools.lru_cache(maxsize=8)
def _scene(task: Reach, visual: bool) -> Scene:
    spec = arm_in_cell(task.arm(), physics_named(task.physics), visual=visual)
    tool = add_tool(spec, task.arm())
    if visual:
        red, centre = [0.85, 0.2, 0.15, 1], np.asarray(task.centre_m)
        looks.gripper(tool, length_m=TOOL_LENGTH_M, opening_m=0.036)
        sphere = mujoco.mjtGeom.mjGEOM_SPHERE
        spec.worldbody.add_geom(name="goal", type=sphere, size=[0.015, 0, 0], pos=centre, rgba=red, **looks.SEEN)
        looks.surroundings(spec, eye=centre + [0.6, -0.75, 0.3], target=centre + [-0.15, 0.0, 0.05])
    model = spec.compile()
    start = np.asarray(task.centre_m) + [0.0, 0.0, TOOL_LENGTH_M]
    home = np.asarray(solve_home(task.arm(), tuple(start), (0.0, 0.0, -1.0)))
    data = mujoco.MjData(model)
    data.qpos[: len(home)] = home
    mujoco.mj_kinematics(model, data)
    return Scene(model, home, np.array([0.0, 0.0, TOOL_LENGTH_M]), data.body("tool").xmat.reshape(3, 3).copy())
