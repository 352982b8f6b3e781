"""Keep the tool on a part that travels on a belt of unknown speed: a task of your own, in a file of your own.

    jangin simulate examples/my_task.py --policy expert --trials 500
    jangin deliver examples/my_task.py --seed 7 --out runs/belt

docs/tutorial-task.md walks through this file from top to bottom.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import mujoco
import numpy as np

from jangin.cell.arm import Arm, load_arm, solve_home
from jangin.cell.scene import TOOL_LENGTH_M, add_tool, arm_in_cell, physics_named
from jangin.cell.world import Assessment, CellWorld, Scene, tool_action
from jangin.claim import Claim
from jangin.task import Array, Channel, Condition, Conditions, Limits, Signals, Uniform

ABOVE_M = np.array([0.45, -0.10, 0.25])  # where the part enters, base frame; the belt runs along y


@dataclass(frozen=True)
class FollowBelt:
    """Stay over a moving part.

    Attributes:
        robot: a built-in arm, the path of an MJCF or URDF file, or menagerie:NAME.
        physics: "training", "evidence" or "twin"; nothing touches here, so they differ in the length of a substep only.
        belt_m_s: range of the belt's speed [m/s]; the policy is not told.
        spread_m: the part lies off the middle of the belt by up to this in x and y [m].
        tolerance_m: how near the tip must be to the part, and stay [m].
        limit_s: a trial that takes longer has failed [s].
    """

    robot: str = "ur5e"
    physics: Literal["training", "evidence", "twin"] = "evidence"
    belt_m_s: tuple[float, float] = (0.0, 0.08)
    spread_m: float = 0.03
    tolerance_m: float = 0.004
    limit_s: float = 3.0

    # ── what is to be done, and what "ready" means ───────────────────────────────────────────────────────────────

    name = "my/follow-belt"
    rate_hz = 25.0
    hold_s = 0.4
    action = tool_action(0.02, 0.02)
    privileged = Signals(tuple(Channel(n, unit) for n, unit in (("x", "m"), ("y", "m"), ("z", "m"), ("belt", "m/s"))))
    claims = (Claim.parse("success >= 0.98 @ 0.95"), Claim.parse("q95(cycle_s) <= 1.5 @ 0.95"))
    columns = {"cycle_s": "s", "margin": "", "peak_force_n": "N", "peak_torque_nm": "N m", "peak_tool_speed_m_s": "m/s"}
    limits = Limits(force_n=50.0, tool_speed_m_s=0.4, joint_margin_rad=0.02)

    @property
    def conditions(self) -> Conditions:
        """What differs from trial to trial."""
        return Conditions(
            (
                Condition("belt_m_s", "m/s", Uniform(*self.belt_m_s), "speed of the belt"),
                Condition("part_x_m", "m", Uniform(-self.spread_m, self.spread_m), "off the middle of the belt"),
                Condition("part_y_m", "m", Uniform(-self.spread_m, self.spread_m), "early or late"),
                Condition("latency_s", "s", Uniform(0.0, 0.02), "from action to motion"),
            )
        )

    @property
    def observation(self) -> Signals:
        """What a camera over the belt and the robot's controller say, with their noise."""
        error = (Channel(f"error_{a}", "m", "base", -0.3, 0.3, 5e-4) for a in "xyz")
        speed = (Channel(f"speed_{a}", "m/s", "base", -0.5, 0.5, 1e-3) for a in "xyz")
        return Signals((*error, *speed))

    @property
    def model(self) -> Mapping[str, str]:
        """What is simulated: a verdict holds for this robot and no other."""
        return {"robot": self.robot, "robot_sha256": self.arm().sha256}

    def at(self, stage: Literal["training", "evidence"]) -> FollowBelt:
        """This task in a stage's physics."""
        return replace(self, physics=stage)

    def world(self, nsim: int, *, threads: int = 0, seed: int = 0, purpose: str = "simulate") -> CellWorld:
        """nsim cells in lock-step."""
        return CellWorld(self, nsim, threads=threads, seed=seed, purpose=purpose)

    def expert(self) -> Chase:
        """What a plant would run today: go to where the part is seen. It lags behind a fast belt."""
        return Chase("expert", "observation", lead_s=0.0)

    def teacher(self) -> Chase:
        """It knows the belt's speed and aims ahead."""
        return Chase("teacher", "privileged", lead_s=0.12)

    # ── what the cell asks ───────────────────────────────────────────────────────────────────────────────────────

    def arm(self) -> Arm:
        """The arm."""
        return load_arm(self.robot)

    def scene(self, visual: bool = False) -> Scene:
        """The compiled cell, built once per task."""
        return _scene(self, visual)

    def begin(self, cell: CellWorld, ids: Array, values: Mapping[str, Array]) -> None:
        """Write a trial's conditions into its simulation; the belt is computed, not simulated."""
        cell.set_latency(ids, values["latency_s"])

    def sense(self, cell: CellWorld) -> Array:
        """The observation without noise, (nsim, 6)."""
        return np.concatenate([self._error(cell), cell.velocity[:, :3]], axis=1)

    def know(self, cell: CellWorld) -> Array:
        """What only the simulator knows, (nsim, 4)."""
        return np.concatenate([self._error(cell), cell.values["belt_m_s"][:, None]], axis=1)

    def assess(self, cell: CellWorld, ids: Array) -> Assessment:
        """Nearer is better; near enough for `hold_s` is success."""
        away = np.linalg.norm(self._error(cell)[ids], axis=1)
        return Assessment(
            potential=-30.0 * away - np.tanh(away / self.tolerance_m),
            done=away < self.tolerance_m,
            short=np.maximum(away / self.tolerance_m - 1.0, 0.0),
            overlap=np.zeros(len(ids), bool),
        )

    def show(self, model: mujoco.MjModel, values: Mapping[str, float]) -> None:
        """Put the part where it enters, for pictures."""
        model.geom("part").pos = ABOVE_M + [values["part_x_m"], values["part_y_m"], 0.0]

    def _error(self, cell: CellWorld) -> Array:
        """From the tip to the part, (nsim, 3) [m], base frame."""
        part = np.tile(ABOVE_M, (cell.nsim, 1))
        part[:, 0] += cell.values["part_x_m"]
        part[:, 1] += cell.values["part_y_m"] + cell.values["belt_m_s"] * cell.elapsed / self.rate_hz
        return part - cell.tip


TASK = FollowBelt


class Chase:
    """Move to where the part is, or with a lead to where it will be."""

    def __init__(self, name: str, sees: Literal["observation", "privileged"], *, lead_s: float) -> None:
        self.name, self.sees, self._lead_s = name, sees, lead_s

    def reset(self, ids: Array, trials: Array) -> None:
        """Nothing to forget."""

    def act(self, seen: Array) -> Array:
        """(nsim, nseen) -> (nsim, 5) float32: a displacement of the tool, no turn."""
        move = np.zeros((len(seen), 5), np.float32)
        move[:, :3] = seen[:, :3]
        move[:, 1] += self._lead_s * seen[:, 3] if self.sees == "privileged" else 0.0
        return move


@functools.lru_cache(maxsize=8)
def _scene(task: FollowBelt, visual: bool) -> Scene:
    spec = arm_in_cell(task.arm(), physics_named(task.physics), visual=visual)
    add_tool(spec, task.arm())
    if visual:
        seen = {"contype": 0, "conaffinity": 0, "mass": 0}
        spec.worldbody.add_geom(
            name="part", type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.02, 0.02, 0.02], rgba=[0.85, 0.2, 0.15, 1], **seen
        )
        spec.worldbody.add_light(pos=[1.0, -1.0, 2.0], dir=[-0.4, 0.5, -1.0])
    model = spec.compile()
    home = np.asarray(solve_home(task.arm(), tuple(ABOVE_M + [0.0, 0.0, TOOL_LENGTH_M]), (0.0, 0.0, -1.0)))
    data = mujoco.MjData(model)
    data.qpos[: len(home)] = home
    mujoco.mj_kinematics(model, data)
    return Scene(model, home, np.array([0.0, 0.0, TOOL_LENGTH_M]), data.body("tool").xmat.reshape(3, 3).copy())
