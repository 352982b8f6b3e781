"""Insert a round peg into a hole whose place is known to +-2 mm only, so that the arm must search by touch.

A 16 mm peg is held by a compliant tool behind a wrist force/torque sensor. The hole's estimate is off, the grip is off
and tilted, the fixture is tilted, the sensor drifts, the arm follows late. Success is the tip seated to depth and held
there.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import mujoco
import numpy as np

from jangin.cell import contact, looks
from jangin.cell.arm import Arm, load_arm, solve_home
from jangin.cell.scene import TOOL_LENGTH_M, add_tool, arm_in_cell, check_ranges, physics_named
from jangin.cell.search import PressAndSlide, SpiralSearch
from jangin.cell.world import SLOW_WRENCH_S, Assessment, CellWorld, Scene, filter_gain, tool_action
from jangin.claim import Claim
from jangin.errors import BadTask
from jangin.task import Array, Channel, Condition, Conditions, Limits, LogUniform, Signals, Uniform

RADIUS_M, LENGTH_M = 0.008, 0.05  # of the peg
PEG_KG = 0.2
START_M = 0.025  # height of the nominal tip above the nominal hole at the start of a trial
# The tool's compliance: three slides and two hinges between tool and peg, scaled together by the condition
PAD_N_M, PAD_NS_M, PAD_NM_RAD, PAD_NMS_RAD = 1e5, 60.0, 60.0, 0.1

PRIVILEGED = (
    *(("error_x", "m"), ("error_y", "m"), ("height", "m"), ("lean_x", "rad"), ("lean_y", "rad")),
    *(("friction", ""), ("clearance_m", "m"), ("edge_m", "m"), ("log_stiffness", ""), ("servo_gain", "")),
    *(("force_offset_x", "N"), ("force_offset_y", "N"), ("force_offset_z", "N"), ("latency_s", "s")),
    *(("estimate_error_x", "m"), ("estimate_error_y", "m"), ("grip_x", "m"), ("grip_y", "m")),
    *(("force_peak", "N"), ("elapsed", "s"), ("held", "s")),
)


@dataclass(frozen=True)
class PegInsert:
    """Insert a peg by touch.

    Attributes:
        robot: a built-in arm, the path of an MJCF or URDF file, or menagerie:NAME.
        tool_site: the site of the flange in a robot file that does not use a usual name.
        physics: "training" (fast; success only), "evidence" (verdicts and forces rest on it) or "twin" (slow check).
        hole_at_m: nominal place of the hole's mouth in the base frame [m].
        clearance_m: range of the hole's diameter minus the peg's [m]; at least 0.0002 in training, 0.0001 in evidence.
        edge_m: range of the rounding of the peg's edge and the hole's rim [m].
        friction: range of the friction coefficient.
        tool_stiffness_n_m: range of the tool's lateral and axial stiffness [N/m], log-uniform.
        hole_range_m: the hole lies within +- this of its nominal place in x and y [m].
        hole_tilt_rad: the fixture leans by up to this about x and about y [rad].
        estimate_error_m: the estimate of the hole is off by up to this in x and in y [m].
        grip_error_m: the peg sits in the tool off by up to this in x and in y [m].
        grip_tilt_rad: and leans in it by up to this about x and about y [rad].
        force_noise_n: range of the white noise of the wrist force, after averaging one period [N]; torque: x 0.05 m.
        force_offset_n: the force sensor is off by up to this on each axis [N]; torque: x 0.05 m.
        latency_s: range of the delay from action to motion [s], at most one control period.
        servo_gain: range of the factor on the joint servos' stiffness and damping, log-uniform.
        depth_m: how deep the tip must sit [m].
        force_limit_n: a trial whose wrist force exceeds this has failed [N].
        limit_s: a trial that takes longer has failed [s].
    """

    robot: str = "ur5e"
    tool_site: str | None = None
    physics: Literal["training", "evidence", "twin"] = "evidence"
    hole_at_m: tuple[float, float, float] = (0.45, 0.0, 0.20)
    clearance_m: tuple[float, float] = (0.0002, 0.0006)
    edge_m: tuple[float, float] = (0.0004, 0.0005)
    friction: tuple[float, float] = (0.1, 0.6)
    tool_stiffness_n_m: tuple[float, float] = (3e4, 3e5)
    hole_range_m: float = 0.03
    hole_tilt_rad: float = 0.008727
    estimate_error_m: float = 0.002
    grip_error_m: float = 0.0005
    grip_tilt_rad: float = 0.008727
    force_noise_n: tuple[float, float] = (0.2, 1.0)
    force_offset_n: float = 1.0
    latency_s: tuple[float, float] = (0.0, 0.02)
    servo_gain: tuple[float, float] = (0.8, 1.25)
    depth_m: float = 0.02
    force_limit_n: float = 100.0
    limit_s: float = 8.0

    name = "cell/peg-insert"
    rate_hz = 25.0
    hold_s = 0.2
    action = tool_action(0.006, 0.02)
    privileged = Signals(tuple(Channel(n, unit, "hole") for n, unit in PRIVILEGED))
    claims = (
        Claim.parse("success >= 0.99 @ 0.95"),
        Claim.parse("q95(cycle_s) <= 4.0 @ 0.95"),
        Claim.parse("P(peak_force_n > 80) <= 0.01 @ 0.95"),
    )
    columns = {
        "cycle_s": "s",
        "margin": "",
        "peak_force_n": "N",
        "peak_torque_nm": "N m",
        "peak_tool_speed_m_s": "m/s",
        "overlap_m": "m",
        "depth_m": "m",
    }

    def __post_init__(self) -> None:
        physics = physics_named(self.physics)
        low, _ = self.clearance_m
        if low < physics.smallest_clearance_m - 1e-12:
            raise BadTask(
                f"A clearance of {1e3 * low:g} mm is not believable in the physics {physics.name!r}: the peg would "
                f"overlap the bore by more than a fifth of it. Give at least {1e3 * physics.smallest_clearance_m:g} mm"
                + (", or use physics 'evidence' (0.1 mm)." if physics.name == "training" else ".")
            )
        check_ranges(
            self,
            *("clearance_m", "edge_m", "friction", "force_noise_n", "latency_s"),
            logarithmic=("tool_stiffness_n_m", "servo_gain"),
        )

    # ── the contract ─────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def conditions(self) -> Conditions:
        """What differs from trial to trial."""

        def around(name: str, unit: str, width: float, doc: str) -> Condition:
            return Condition(name, unit, Uniform(-width, width), doc)

        e, g, f = self.estimate_error_m, self.grip_error_m, self.force_offset_n
        return Conditions(
            (
                around("hole_x_m", "m", self.hole_range_m, "place of the hole"),
                around("hole_y_m", "m", self.hole_range_m, "place of the hole"),
                around("hole_z_m", "m", 0.003, "height of the hole"),
                around("hole_tilt_x_rad", "rad", self.hole_tilt_rad, "lean of the fixture about x"),
                around("hole_tilt_y_rad", "rad", self.hole_tilt_rad, "lean of the fixture about y"),
                around("estimate_error_x_m", "m", e, "hidden error of the estimated place"),
                around("estimate_error_y_m", "m", e, "hidden error of the estimated place"),
                around("estimate_error_z_m", "m", 0.0005, "hidden error of the estimated height"),
                around("grip_x_m", "m", g, "hidden place of the peg in the tool"),
                around("grip_y_m", "m", g, "hidden place of the peg in the tool"),
                around("grip_tilt_x_rad", "rad", self.grip_tilt_rad, "hidden lean of the peg in the tool"),
                around("grip_tilt_y_rad", "rad", self.grip_tilt_rad, "hidden lean of the peg in the tool"),
                Condition("clearance_m", "m", Uniform(*self.clearance_m), "diameter of the hole minus the peg's"),
                Condition("edge_m", "m", Uniform(*self.edge_m), "rounding of the peg's edge and the hole's rim"),
                Condition("friction", "", Uniform(*self.friction), "between peg and block"),
                Condition("tool_stiffness_n_m", "N/m", LogUniform(*self.tool_stiffness_n_m), "of the tool's pad"),
                Condition("servo_gain", "", LogUniform(*self.servo_gain), "factor on the joint servos"),
                Condition("latency_s", "s", Uniform(*self.latency_s), "from action to motion"),
                Condition("force_noise_n", "N", Uniform(*self.force_noise_n), "white noise of the wrist force"),
                around("force_offset_x_n", "N", f, "offset of the wrist force"),
                around("force_offset_y_n", "N", f, "offset of the wrist force"),
                around("force_offset_z_n", "N", f, "offset of the wrist force"),
                around("torque_offset_x_nm", "N m", 0.05 * f, "offset of the wrist torque"),
                around("torque_offset_y_nm", "N m", 0.05 * f, "offset of the wrist torque"),
            )
        )

    @property
    def observation(self) -> Signals:
        """What a cell measures: the nominal tip against the hole's estimate (coarse and fine), speed, wrist wrench."""
        far = (Channel(f"far_{a}", "m", "base", -0.06, 0.06, 2e-5) for a in "xyz")
        near = (Channel(f"near_{a}", "m", "base", -0.004, 0.004, 2e-5) for a in "xyz")
        tilt = (Channel(f"tilt_{a}", "rad", "base", -0.2, 0.2, 1e-4) for a in "xy")
        speed = (Channel(f"speed_{a}", "m/s", "base", -0.5, 0.5, 5e-4) for a in "xyz")
        spin = (Channel(f"spin_{a}", "rad/s", "base", -2.0, 2.0, 2e-3) for a in "xy")
        force = tuple(Channel(f"force_{a}", "N", "base", -100.0, 100.0, 1.0, "touch") for a in "xyz")
        torque = tuple(Channel(f"torque_{a}", "N m", "base", -5.0, 5.0, 0.05, "touch") for a in "xy")
        last = (replace(c, name=f"last_{c.name}") for c in self.action)
        # what a moment cannot tell: the wrench with its noise averaged away, where the tip has been, the time it took
        gain = filter_gain(SLOW_WRENCH_S, self.rate_hz)
        calm = math.sqrt(gain / (2.0 - gain))  # of white noise, what a first-order filter leaves
        slow_force = (replace(c, name=f"slow_{c.name}", noise=calm * c.noise) for c in force)
        slow_torque = (replace(c, name=f"slow_{c.name}", noise=calm * c.noise) for c in torque)
        drift = (Channel(f"drift_{a}", "m", "base", -0.004, 0.004, 2e-5) for a in "xy")
        clock = Channel("elapsed_s", "s", "", 0.0, self.limit_s, sense="time")
        return Signals(
            (*far, *near, *tilt, *speed, *spin, *force, *torque, *last, *slow_force, *slow_torque, *drift, clock)
        )

    @property
    def limits(self) -> Limits:
        """A box of 20 cm around the hole, the wrist force, the tool's speed, the joints."""
        x, y, z = self.hole_at_m
        return Limits(
            force_n=self.force_limit_n,
            torque_nm=10.0,
            tool_speed_m_s=0.25,
            workspace_low_m=(x - 0.1, y - 0.1, z - 0.06),
            workspace_high_m=(x + 0.1, y + 0.1, z + 0.1),
            joint_margin_rad=0.02,
        )

    @property
    def model(self) -> Mapping[str, str]:
        """Which robot, and the identity of its model."""
        return {"robot": self.robot, "robot_sha256": self.arm().sha256}

    def at(self, stage: Literal["training", "evidence"]) -> PegInsert:
        """This task in a stage's physics. Training narrows the clearance to what it can be believed for."""
        smallest = physics_named(stage).smallest_clearance_m
        low, high = (max(c, smallest) for c in self.clearance_m)
        return replace(self, physics=stage, clearance_m=(low, high))

    def world(self, nsim: int, *, threads: int = 0, seed: int = 0, purpose: str = "simulate") -> CellWorld:
        """nsim cells; see jangin.task.World."""
        return CellWorld(self, nsim, threads=threads, seed=seed, purpose=purpose)

    def expert(self) -> SpiralSearch:
        """Approach, touch, search in a spiral at a guarded force, insert: what a plant runs today."""
        return SpiralSearch(self.observation, self.action)

    def teacher(self) -> PressAndSlide:
        """Knows the true errors: presses, slides over the hole, aligns and inserts."""
        return PressAndSlide(self.privileged, self.action)

    # ── what the cell asks ───────────────────────────────────────────────────────────────────────────────────────

    def arm(self) -> Arm:
        """The arm, read once."""
        return _arm(self.robot, self.tool_site)

    def scene(self, visual: bool = False) -> Scene:
        """The compiled cell, built once per task."""
        return _scene(self, visual)

    def begin(self, cell: CellWorld, ids: Array, values: Mapping[str, Array]) -> None:
        """Write the conditions of trials `values` into simulations ids."""
        sim, model = cell.sim, cell.scene.model
        sim.field("pair_friction")[ids, :, :2] = values["friction"][:, None, None]
        edge, hole, rim = contact.parameters(sim.field("geom_user"), model)
        edge[ids] = rim[ids] = values["edge_m"][:, None]
        hole[ids] = RADIUS_M + 0.5 * values["clearance_m"][:, None]
        peg = model.body("peg").id
        tilt = np.stack([values["grip_tilt_x_rad"], values["grip_tilt_y_rad"]], axis=1)
        sim.field("body_pos")[ids, peg, :2] = np.stack([values["grip_x_m"], values["grip_y_m"]], axis=1)
        sim.field("body_quat")[ids, peg] = _tilt_quat(tilt)
        pad = values["tool_stiffness_n_m"] / PAD_N_M
        joints = [model.joint(f"pad_{k}") for k in range(5)]
        for k, joint in enumerate(joints):
            stiffness, damping = (PAD_N_M, PAD_NS_M) if k < 3 else (PAD_NM_RAD, PAD_NMS_RAD)
            sim.field("jnt_stiffness")[ids, joint.id] = stiffness * pad
            # damping with the root of the stiffness: the pad keeps its damping ratio
            sim.field("dof_damping")[ids, joint.dofadr[0]] = damping * np.sqrt(pad)
        cell.set_servo_gain(ids, values["servo_gain"])
        cell.set_latency(ids, values["latency_s"])
        touch = self.observation.of_sense("touch")
        cell.noise_scale[np.ix_(ids, np.flatnonzero(touch))] = values["force_noise_n"][:, None]
        place = np.stack([values["hole_x_m"], values["hole_y_m"], values["hole_z_m"]], axis=1)
        sim.bind("mocap_pos")[ids, 0] = np.asarray(self.hole_at_m) + place
        sim.bind("mocap_quat")[ids, 0] = _tilt_quat(
            np.stack([values["hole_tilt_x_rad"], values["hole_tilt_y_rad"]], axis=1)
        )

    def sense(self, cell: CellWorld) -> Array:
        """The observation's terms, without noise but with the sensor's offset."""
        v = cell.values
        estimate = cell.sim.bind("mocap_pos")[:, 0] + _columns(
            v, "estimate_error_x_m", "estimate_error_y_m", "estimate_error_z_m"
        )
        offset = _columns(
            v, "force_offset_x_n", "force_offset_y_n", "force_offset_z_n", "torque_offset_x_nm", "torque_offset_y_nm"
        )
        away = cell.tip - estimate
        clock = cell.elapsed[:, None] / self.rate_hz
        now = (away, away, cell.tilt[:, :2], cell.velocity[:, :5], cell.wrench[:, :5] + offset, cell.last_action)
        before = (cell.slow_wrench[:, :5] + offset, (cell.tip - cell.slow_tip)[:, :2], clock)
        return np.concatenate([*now, *before], axis=1)

    def know(self, cell: CellWorld) -> Array:
        """What only a simulator knows; PRIVILEGED names the columns."""
        v, (error, height, lean) = cell.values, self._errors(cell)
        conditions = (
            *("friction", "clearance_m", "edge_m", "tool_stiffness_n_m", "servo_gain"),
            *("force_offset_x_n", "force_offset_y_n", "force_offset_z_n", "latency_s"),
            *("estimate_error_x_m", "estimate_error_y_m", "grip_x_m", "grip_y_m"),
        )
        known = _columns(v, *conditions)
        known[:, 3] = np.log(np.maximum(known[:, 3], 1.0) / PAD_N_M)
        progress = np.stack([cell.force_peak, cell.elapsed / self.rate_hz, cell.held / self.rate_hz], axis=1)
        return np.concatenate([error, height[:, None], lean, known, progress], axis=1)

    def assess(self, cell: CellWorld, ids: Array) -> Assessment:
        """Progress, seating, and whether the contact is still to be believed."""
        error, height, _ = (x[ids] for x in self._errors(cell))
        lateral = np.linalg.norm(error, axis=1)
        depth = np.clip(-height, 0.0, self.depth_m)
        above = np.clip(height, 0.0, 0.05)
        wall, face = contact.overlap(cell.sim.bind("userdata")[ids])
        share = physics_named(self.physics).overlap_share
        return Assessment(
            potential=-20.0 * above
            - 0.5 * np.tanh(lateral / 0.003)
            - 0.3 * np.tanh(lateral / 0.0006)
            + 5.0 * depth / self.depth_m,
            done=(-height >= self.depth_m) & (lateral < 0.002),
            short=1.0 - depth / self.depth_m + above / 0.05,
            overlap=(wall > share * cell.values["clearance_m"][ids]) | (face > 0.5e-3),
            extra={"overlap_m": wall, "depth_m": np.maximum(-height, 0.0)},
        )

    def show(self, model: mujoco.MjModel, values: Mapping[str, float]) -> None:
        """Nothing of a trial's conditions can be seen in a picture but the poses."""

    def _errors(self, cell: CellWorld) -> tuple[Array, Array, Array]:
        """True lateral error of the peg's tip (nsim, 2), its height (nsim,), the peg's lean (nsim, 2); hole frame."""
        peg, hole = cell.scene.model.body("peg").id, cell.scene.model.body("fixture").id
        xpos, xmat = cell.sim.bind("xpos"), cell.sim.bind("xmat")
        rotation = xmat[:, peg].reshape(-1, 3, 3)
        tip = xpos[:, peg] + LENGTH_M * rotation[:, :, 2]
        to_hole = np.swapaxes(xmat[:, hole].reshape(-1, 3, 3), 1, 2)
        place = np.einsum("nij,nj->ni", to_hole, tip - xpos[:, hole])
        axis = -np.einsum("nij,nj->ni", to_hole, rotation[:, :, 2])
        # turn_x > 0 moves the axis towards -y, turn_y > 0 towards +x
        return place[:, :2], place[:, 2], np.stack([-axis[:, 1], axis[:, 0]], axis=1)


TASK = PegInsert


def _columns(values: Mapping[str, Array], *names: str) -> Array:
    return np.stack([values[n] for n in names], axis=1)


def _tilt_quat(tilt: Array) -> Array:
    """Rotation about x and y (n, 2) [rad] as quaternions (n, 4)."""
    angle = np.linalg.norm(tilt, axis=1)
    scale = np.where(angle > 1e-12, np.sin(0.5 * angle) / np.maximum(angle, 1e-12), 0.5)
    return np.stack([np.cos(0.5 * angle), tilt[:, 0] * scale, tilt[:, 1] * scale, np.zeros(len(tilt))], axis=1)


@functools.cache
def _arm(robot: str, tool_site: str | None) -> Arm:
    return load_arm(robot, tool_site=tool_site)


@functools.lru_cache(maxsize=8)
def _scene(task: PegInsert, visual: bool) -> Scene:
    contact.install()
    arm, physics = task.arm(), physics_named(task.physics)
    spec = arm_in_cell(arm, physics, visual=visual)
    tool = add_tool(spec, arm)
    peg = tool.add_body(name="peg", pos=[0, 0, TOOL_LENGTH_M])
    peg.explicitinertial = True
    peg.mass, peg.ipos, peg.inertia = PEG_KG, [0, 0, 0.5 * LENGTH_M], [1e-4, 1e-4, 3e-5]
    for k in range(5):
        slide = k < 3
        peg.add_joint(
            name=f"pad_{k}",
            type=mujoco.mjtJoint.mjJNT_SLIDE if slide else mujoco.mjtJoint.mjJNT_HINGE,
            axis=np.eye(3)[k % 3],
            stiffness=PAD_N_M if slide else PAD_NM_RAD,
            damping=PAD_NS_M if slide else PAD_NMS_RAD,
        )
    fixture = spec.worldbody.add_body(name="fixture", mocap=True, pos=task.hole_at_m)
    contact.add_contact(
        spec,
        peg,
        fixture,
        peg_radius_m=RADIUS_M,
        peg_length_m=LENGTH_M,
        edge_m=task.edge_m[0],
        hole_radius_m=RADIUS_M + 0.5 * task.clearance_m[0],
        rim_m=task.edge_m[0],
        samples=physics.samples,
    )
    if visual:
        _dress(spec, tool, peg, fixture, task)
    model = spec.compile()
    contact.stiffen(model, peg="peg", implicit=physics.implicit)
    tip = np.array([0.0, 0.0, TOOL_LENGTH_M + LENGTH_M])
    start = np.asarray(task.hole_at_m) + [0.0, 0.0, START_M + tip[2]]
    home = np.asarray(solve_home(arm, tuple(start), (0.0, 0.0, -1.0)))
    data = mujoco.MjData(model)
    data.qpos[: len(home)] = home
    mujoco.mj_kinematics(model, data)
    return Scene(model, home, tip, data.body("tool").xmat.reshape(3, 3).copy())


def _dress(
    spec: mujoco.MjSpec, tool: mujoco.MjsBody, peg: mujoco.MjsBody, fixture: mujoco.MjsBody, task: PegInsert
) -> None:
    """Looks for pictures: none of it touches or weighs anything."""
    looks.gripper(tool, length_m=TOOL_LENGTH_M, opening_m=2.4 * RADIUS_M)
    bronze, half = [0.86, 0.6, 0.28, 1], 0.5 * LENGTH_M
    peg.add_geom(
        type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=[RADIUS_M, half, 0], pos=[0, 0, half], rgba=bronze, **looks.SEEN
    )
    looks.bored_block(spec, fixture, bore_m=RADIUS_M + 0.5 * task.clearance_m[1], rim_m=task.edge_m[1])
    place = np.asarray(task.hole_at_m)
    looks.table(spec, at=place - [0.0, 0.0, 0.044])
    looks.surroundings(spec, eye=place + [0.5, -0.52, 0.3], target=place + [-0.11, 0.04, 0.1])
