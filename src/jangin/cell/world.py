"""A robot cell as a world: what all cell tasks share, so that a task file holds only what is its own.

    class MyTask:                                    # see tasks/reach.py, the smallest one
        def scene(self, visual=False) -> Scene: ...  # the model, and where the arm starts
        def begin(self, cell, ids, values): ...      # write a trial's conditions into the simulations `ids`
        def sense(self, cell) -> (nsim, nobs)        # the observation's terms, without noise
        def know(self, cell) -> (nsim, nprivileged)
        def assess(self, cell, ids) -> Assessment    # potential, success, depth of failure

    world = CellWorld(task, nsim=256, threads=0, seed=7, purpose="evidence")

One control period: the action is a displacement of the tool relative to where it is measured to be, (dx, dy, dz, rx,
ry) in the base frame; the turn about the tool's own axis is held. Damped least squares turns it into joint angles,
which the joint servos follow after the trial's latency. Because the displacement is relative to the measured pose,
the arm yields: a zero action never pushes, and a displacement of d against something stiff presses with about
stiffness x d.
Wrist force and torque are read at every substep. Their mean over the period is what the policy feels; their peak is
what the limits and the evidence see, so that no impact hides between two samples.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import mujoco
import numpy as np

from jangin.cell.arm import Arm
from jangin.cell.motion import displacement, rotation_vector
from jangin.engine.mujoco import INVALID_NAMES, Simulation, version
from jangin.streams import generator
from jangin.task import RUNNING, SUCCESS, TIMEOUT, Array, Channel, Conditions, Limits, Signals, Step

__all__ = ["Assessment", "CellTask", "CellWorld", "Scene", "filter_gain", "tool_action"]

OUTCOMES = (
    RUNNING,
    SUCCESS,
    TIMEOUT,
    "wrist_force",
    "wrist_torque",
    "tool_speed",
    "workspace",
    "joint_limit",
    *INVALID_NAMES,
    "invalid_penetration",
)
_CODE = {name: code for code, name in enumerate(OUTCOMES)}
SLOW_WRENCH_S, SLOW_TIP_S = 0.25, 0.6
SOFT = 0.25  # the cost of a force begins at this share of its limit
BROKEN = 3.0  # the cost of ending a trial by a limit; by the time limit too, where the policy sees the clock


def tool_action(step_m: float, turn_rad: float) -> Signals:
    """The action of every cell task: a displacement of the tool per control period, base frame."""
    moves = tuple(Channel(f"move_{a}", "m", "base", -step_m, step_m) for a in "xyz")
    turns = tuple(Channel(f"turn_{a}", "rad", "base", -turn_rad, turn_rad) for a in "xy")
    return Signals(moves + turns)


def filter_gain(time_s: float, rate_hz: float) -> float:
    """The share of a new reading that a first-order filter of this time constant takes in, per period."""
    return 1.0 - math.exp(-1.0 / (time_s * rate_hz))


@dataclass(frozen=True)
class Scene:
    """A compiled cell.

    Attributes:
        model: the MuJoCo model; the arm's joints and actuators come first. Body "tool" and sensors "force", "torque".
        home: joint angles of the arm at the start of a trial, (nq_arm,) [rad].
        tip_m: the nominal tip in the tool frame, (3,): the point that is steered [m].
        rotation: the tool's nominal orientation at home, (3, 3).
    """

    model: mujoco.MjModel
    home: Array
    tip_m: Array
    rotation: Array


@dataclass(frozen=True)
class Assessment:
    """How the stepped simulations stand, (n,) each.

    Attributes:
        potential: rises towards success; its difference over a period is the reward.
        done: whether the goal is reached now (it must be held for `task.hold_s`).
        short: how much is missing to success as a share, 0 at success, 1 or more at the start.
        overlap: whether the engine's penetration makes the trial unbelievable.
        extra: values to record at their maximum so far, by name.
    """

    potential: Array
    done: Array
    short: Array
    overlap: Array
    extra: Mapping[str, Array] = field(default_factory=dict)


class CellTask(Protocol):
    """What CellWorld asks of a task, beyond jangin.task.Task."""

    name: str
    action: Signals
    rate_hz: float
    hold_s: float

    @property
    def conditions(self) -> Conditions: ...
    @property
    def observation(self) -> Signals: ...
    @property
    def limits(self) -> Limits: ...
    @property
    def limit_s(self) -> float: ...
    @property
    def physics(self) -> str: ...
    def arm(self) -> Arm: ...
    def scene(self, visual: bool = False) -> Scene: ...
    def begin(self, cell: CellWorld, ids: Array, values: Mapping[str, Array]) -> None: ...
    def sense(self, cell: CellWorld) -> Array: ...
    def know(self, cell: CellWorld) -> Array: ...
    def assess(self, cell: CellWorld, ids: Array) -> Assessment: ...
    def show(self, model: mujoco.MjModel, values: Mapping[str, float]) -> None: ...


class CellWorld:
    """nsim cells in lock-step; see jangin.task.World for the contract.

    What a task may read, all (nsim, ...) and current after every reset and step:
        tip (3) [m], rotation (3, 3), velocity (6) [m/s, rad/s] of the nominal tip, base frame;
        tilt (3) [rad], rotation vector from the nominal orientation;
        wrench (6) [N, N m], mean over the last period, force and torque about the nominal tip, base frame;
        slow_wrench (6), slow_tip (3): first-order filters of wrench and tip, time constants SLOW_WRENCH_S, SLOW_TIP_S;
        force_peak [N], the last period's; last_action (5); values, the conditions by name; elapsed (steps).
    """

    outcomes = OUTCOMES

    def __init__(self, task: CellTask, nsim: int, *, threads: int, seed: int, purpose: str) -> None:
        self.task, self.nsim, self.seed, self.purpose = task, nsim, seed, purpose
        self.scene = task.scene()
        model = self.scene.model
        self.period_s = 1.0 / task.rate_hz
        self.substeps = round(self.period_s / model.opt.timestep)
        self.sim = Simulation(model, nsim, threads=threads, substeps=self.substeps)
        self.engine = f"{version()} {task.physics}"
        self.max_steps = round(task.limit_s * task.rate_hz)
        self.hold_steps = max(1, round(task.hold_s * task.rate_hz))
        joints = task.arm().joints
        self.naxes = len(joints)
        margin = task.limits.joint_margin_rad or 0.0
        self._low = np.array([j.low_rad for j in joints])
        self._high = np.array([j.high_rad for j in joints])
        self._margin = margin
        self._reach = np.array([j.speed_rad_s for j in joints]) * self.period_s
        self._tool = model.body("tool").id
        self._gain = self.sim.field("actuator_gainprm"), self.sim.field("actuator_biasprm")
        self._nominal_gain = model.actuator_gainprm.copy(), model.actuator_biasprm.copy()
        # a task makes these anew whenever it is asked, which would cost as much as the inverse kinematics of a period
        self._conditions, self._limit, signals = task.conditions, task.limits, task.observation
        self._drawn_noise = np.zeros((nsim, self.max_steps + 1, len(signals)), np.float32)
        self._noise_sd, self._range = np.array([c.noise for c in signals], np.float32), (signals.low, signals.high)
        n, nact = nsim, len(task.action)
        self.tip, self.rotation, self.velocity = np.zeros((n, 3)), np.zeros((n, 3, 3)), np.zeros((n, 6))
        self.tilt, self.wrench, self.force_peak = np.zeros((n, 3)), np.zeros((n, 6)), np.zeros(n)
        self.slow_wrench, self.slow_tip = np.zeros((n, 6)), np.zeros((n, 3))
        self.last_action = np.zeros((n, nact))
        self.values: dict[str, Array] = {name: np.zeros(n) for name in task.conditions.names}
        self.elapsed = np.zeros(n, np.int64)
        self.noise_scale = np.ones((n, len(task.observation)), np.float32)
        self._first_costly = _CODE[TIMEOUT] + (not task.observation.of_sense("time").any())
        self._jacobian = np.zeros((n, 6, self.naxes))
        self._targets_sent = np.zeros((2, n, model.nu))  # the last two targets of the joint servos
        self._latency = np.zeros(n, np.int64)
        self._potential, self._short, self.held = np.zeros(n), np.ones(n), np.zeros(n, np.int64)
        self._cycle_s, self._outcome = np.full(n, np.inf), np.zeros(n, np.int16)
        self._peaks: dict[str, Array] = {}
        self._seen: Array | None = None
        self._known: Array | None = None
        self._picture: Picture | None = None

    # ── the contract ─────────────────────────────────────────────────────────────────────────────────────────────

    def reset(self, ids: Array, trials: Array, at: Array | None = None) -> None:
        """Begin trials[k] in simulation ids[k], where `at` is given under the conditions at those uniforms."""
        ids = np.asarray(ids)
        places: Iterable[Array | None] = itertools.repeat(None, len(ids)) if at is None else at
        drawn = [self._draw(int(i), int(t), u) for i, t, u in zip(ids, trials, places, strict=True)]
        for name, held in self.values.items():
            held[ids] = [d[name] for d in drawn]
        model = self.scene.model
        qpos = np.tile(model.qpos0, (len(ids), 1))
        qpos[:, : self.naxes] = self.scene.home
        self.sim.reset(ids, qpos=qpos)
        self._targets_sent[:, ids] = 0.0
        self._targets_sent[:, ids, : self.naxes] = self.scene.home
        self.noise_scale[ids] = 1.0
        self._latency[ids] = 0
        for array in (
            *(self.last_action, self.wrench, self.slow_wrench, self.force_peak),
            *(self.elapsed, self.held, self._outcome),
        ):
            array[ids] = 0
        for peak in self._peaks.values():
            peak[ids] = 0.0
        self._cycle_s[ids] = np.inf
        self.task.begin(self, ids, {name: held[ids] for name, held in self.values.items()})
        self.sim.bind("ctrl")[ids] = self._targets_sent[1, ids]
        self.sim.refresh(ids)
        self._measure(ids)
        self.slow_tip[ids] = self.tip[ids]
        now = self.task.assess(self, ids)
        self._potential[ids], self._short[ids] = now.potential, now.short

    def observe(self) -> Array:
        """(nsim, nobs) float32, with each channel's noise, clipped to its range."""
        if self._seen is None:
            noise = self._drawn_noise[np.arange(self.nsim), np.minimum(self.elapsed, self.max_steps)]
            # NaN only in a trial that has ended as invalid: what is seen of it is zero
            seen = _finite(self.task.sense(self)) + noise * (self._noise_sd * self.noise_scale)
            self._seen = np.clip(seen, *self._range).astype(np.float32)
        return self._seen

    def privileged(self) -> Array:
        """(nsim, nprivileged) float32."""
        if self._known is None:
            self._known = _finite(self.task.know(self)).astype(np.float32)
        return self._known

    def step(self, action: Array, ids: Array | None = None) -> Step:
        """One control period of simulations ids."""
        ids = np.arange(self.nsim) if ids is None else np.asarray(ids)
        wanted = np.clip(action[ids].astype(float), self.task.action.low, self.task.action.high)
        wanted = np.where(np.isfinite(wanted), wanted, 0.0)  # a policy that answers NaN stands still
        ctrl = self._delayed(ids, self._targets(ids, wanted))
        readings = self.sim.advance(ids, ctrl)
        self.last_action[ids] = wanted
        self.elapsed[ids] += 1
        self._measure(ids)
        self._feel(ids, readings)
        now = self.task.assess(self, ids)
        cost = self._limits(ids, now)
        reward = now.potential - self._potential[ids]
        self._potential[ids], self._short[ids] = now.potential, np.nan_to_num(now.short, nan=1.0)
        outcome = self._judge(ids, now)
        relative = wanted / self.task.action.high
        reward = reward - 0.01 - 0.003 * (relative * relative).sum(1) + 3.0 * (outcome == _CODE[SUCCESS])
        cost = cost + BROKEN * (outcome >= self._first_costly)
        invalid = outcome >= _CODE[INVALID_NAMES[0]]
        reward, cost = np.where(invalid, 0.0, reward), np.where(invalid, 0.0, cost)  # NaN teaches nothing
        return Step(reward.astype(np.float32), cost.astype(np.float32), outcome)

    def record(self, ids: Array) -> dict[str, Array]:
        """Rows of the trials table; see Task.columns for the units."""
        ids = np.asarray(ids)
        row = {name: held[ids].copy() for name, held in self.values.items()}
        row["cycle_s"] = self._cycle_s[ids].copy()
        row["margin"] = self._margins(ids)
        for name, peak in self._peaks.items():
            row[name] = peak[ids].copy()
        return row

    def picture(self, sim: int, width: int = 640, height: int = 480) -> Array | None:
        """An off-screen picture of simulation `sim`, or None where there is no OpenGL."""
        return self._drawing().draw(*self.looks(sim), width, height)

    def looks(self, sim: int) -> tuple[mujoco.MjModel, mujoco.MjData]:
        """Simulation `sim` as it is now, in a model with looks: for pictures, and for MuJoCo's viewer."""
        values = {name: float(held[sim]) for name, held in self.values.items()}
        return self._drawing().posed(self.sim.batch.get_data(sim), values)

    def _drawing(self) -> Picture:
        if self._picture is None:
            self._picture = Picture(self.task)
        return self._picture

    # ── for tasks ────────────────────────────────────────────────────────────────────────────────────────────────

    def set_latency(self, ids: Array, seconds: Array) -> None:
        """From now on ids follow an action this much later; at most one control period."""
        steps = np.rint(np.asarray(seconds) / self.scene.model.opt.timestep).astype(np.int64)
        self._latency[ids] = np.clip(steps, 0, self.substeps)

    def set_servo_gain(self, ids: Array, factor: Array) -> None:
        """Scale stiffness and damping of ids' joint servos."""
        for field_, nominal in zip(self._gain, self._nominal_gain, strict=True):
            field_[ids] = nominal * np.asarray(factor)[:, None, None]

    # ── one period, step by step ─────────────────────────────────────────────────────────────────────────────────

    def _draw(self, sim: int, trial: int, at: Array | None) -> dict[str, float]:
        """A trial's conditions and noise, from its number alone; with `at` (nconditions,) its conditions from there."""
        rng = generator(self.task.name, seed=self.seed, purpose=self.purpose, trial=trial)
        values = self._conditions.draw(rng, at)
        rng.standard_normal(dtype=np.float32, out=self._drawn_noise[sim])
        return values

    def _targets(self, ids: Array, wanted: Array) -> Array:
        """Joint angles to servo to, (n, naxes): the tool displaced, its turn about its own axis held."""
        turn = np.zeros((len(ids), 3))
        turn[:, :2] = wanted[:, 3:5]
        turn[:, 2] = -np.clip(self.tilt[ids, 2], -0.01, 0.01)
        twist = np.concatenate([wanted[:, :3], turn], axis=1)
        dq = np.clip(displacement(self._jacobian[ids], twist), -self._reach, self._reach)
        return np.clip(self.sim.bind("qpos")[ids, : self.naxes] + dq, self._low, self._high)

    def _delayed(self, ids: Array, targets: Array) -> Array:
        """Controls at every substep, (n, substeps, nu).

        As a robot's controller does, the set-point runs in a straight line from the last target to the new one over one
        period, and all of it late by the trial's latency: at first it is still on the line before.
        """
        before, last = self._targets_sent[0, ids], self._targets_sent[1, ids]
        new = last.copy()
        new[:, : self.naxes] = targets
        self._targets_sent[0, ids], self._targets_sent[1, ids] = last, new
        along = (np.arange(1, self.substeps + 1) - self._latency[ids][:, None]) / self.substeps
        late = along <= 0.0
        # rows are gathered, because broadcasting over so short a last axis takes four times as long
        line = 2 * np.arange(len(ids))[:, None] + late
        start, way = np.stack([last, before], axis=1), np.stack([new - last, last - before], axis=1)
        ctrl: Array = way.reshape(-1, way.shape[2]).take(line, axis=0)
        ctrl *= (along + late)[:, :, None]
        ctrl += start.reshape(-1, way.shape[2]).take(line, axis=0)
        return ctrl

    def _measure(self, ids: Array) -> None:
        """Bring tip, rotation, velocity and Jacobian of ids up to date with the state."""
        xpos, xmat = self.sim.bind("xpos"), self.sim.bind("xmat")
        rotation = xmat[ids, self._tool].reshape(-1, 3, 3)
        tip = xpos[ids, self._tool] + rotation @ self.scene.tip_m
        fine = np.isfinite(tip).all(1)
        if not fine.all():  # keep the last believable pose; the trial is already marked invalid
            tip, rotation = np.where(fine[:, None], tip, 0.0), np.where(fine[:, None, None], rotation, np.eye(3))
        jacp, jacr = self.sim.batch.jac(self._tool, tip, ids)
        jacobian = _finite(np.concatenate([jacp, jacr], axis=1)[:, :, : self.naxes])
        qvel = _finite(self.sim.bind("qvel")[ids, : self.naxes])
        self.tip[ids], self.rotation[ids], self._jacobian[ids] = tip, rotation, jacobian
        self.velocity[ids] = np.einsum("nij,nj->ni", jacobian, qvel)
        self.tilt[ids] = rotation_vector(rotation @ self.scene.rotation.T)
        self._seen = self._known = None

    def _feel(self, ids: Array, readings: Array) -> None:
        """Mean wrench about the nominal tip in the base frame, and the period's peaks from every substep."""
        force, torque = self.sim.reading(readings, "force"), self.sim.reading(readings, "torque")
        # axes first and substeps last: three times as fast as sums over a short last axis
        axes = np.concatenate([force.transpose(2, 0, 1), torque.transpose(2, 0, 1)])
        # the sensor reads what the arm does to the tool; a policy is told what the world does to it
        mean = -_finite(axes.mean(2).T)
        mean_force, mean_torque = mean[:, :3], mean[:, 3:]
        axes *= axes
        norm, twist = (np.sqrt((x + y + z).max(1)) for x, y, z in (axes[:3], axes[3:]))
        self.force_peak[ids] = _finite(norm)
        mean_torque = mean_torque - np.cross(self.scene.tip_m, mean_force)
        rotation = self.rotation[ids]
        self.wrench[ids, :3] = np.einsum("nij,nj->ni", rotation, mean_force)
        self.wrench[ids, 3:] = np.einsum("nij,nj->ni", rotation, mean_torque)
        self.slow_wrench[ids] += filter_gain(SLOW_WRENCH_S, self.task.rate_hz) * (
            self.wrench[ids] - self.slow_wrench[ids]
        )
        self.slow_tip[ids] += filter_gain(SLOW_TIP_S, self.task.rate_hz) * (self.tip[ids] - self.slow_tip[ids])
        self._raise("peak_force_n", ids, norm)
        self._raise("peak_torque_nm", ids, twist)
        self._raise("peak_tool_speed_m_s", ids, np.linalg.norm(self.velocity[ids, :3], axis=1))

    def _raise(self, name: str, ids: Array, value: Array) -> None:
        peak = self._peaks.setdefault(name, np.zeros(self.nsim))
        peak[ids] = np.fmax(peak[ids], value)

    def _limits(self, ids: Array, now: Assessment) -> Array:
        """The cost of this period, and the extra peaks of the task."""
        for name, value in now.extra.items():
            self._raise(name, ids, value)
        if self._limit.force_n is None:
            return np.zeros(len(ids))
        soft = SOFT * self._limit.force_n
        return np.clip((self.force_peak[ids] - soft) / soft, 0.0, 10.0)

    def _judge(self, ids: Array, now: Assessment) -> Array:
        """Outcome codes of this period; the gravest that applies."""
        limits, outcome = self._limit, np.zeros(len(ids), np.int16)
        self.held[ids] = np.where(now.done, self.held[ids] + 1, 0)
        outcome[self.elapsed[ids] >= self.max_steps] = _CODE[TIMEOUT]
        seated = self.held[ids] >= self.hold_steps
        outcome[seated] = _CODE[SUCCESS]
        q = self.sim.bind("qpos")[ids, : self.naxes]
        broken = {
            "joint_limit": ((q < self._low + self._margin) | (q > self._high - self._margin)).any(1),
            "tool_speed": self._over("peak_tool_speed_m_s", limits.tool_speed_m_s, ids),
            "wrist_torque": self._over("peak_torque_nm", limits.torque_nm, ids),
            "wrist_force": self._over("peak_force_n", limits.force_n, ids),
        }
        if limits.workspace_low_m is not None and limits.workspace_high_m is not None:
            tip = self.tip[ids]
            broken["workspace"] = ((tip < limits.workspace_low_m) | (tip > limits.workspace_high_m)).any(1)
        for name, mask in broken.items():
            outcome[mask] = _CODE[name]
        outcome[now.overlap] = _CODE["invalid_penetration"]
        invalid = self.sim.invalid[ids]
        outcome = np.where(invalid > 0, _CODE[INVALID_NAMES[0]] + invalid - 1, outcome).astype(np.int16)
        won = outcome == _CODE[SUCCESS]
        self._cycle_s[ids[won]] = self.elapsed[ids[won]] * self.period_s
        self._outcome[ids] = outcome
        return outcome

    def _over(self, peak: str, limit: float | None, ids: Array) -> Array:
        if limit is None:
            return np.zeros(len(ids), bool)
        return self._peaks[peak][ids] > limit

    def _margins(self, ids: Array) -> Array:
        """Signed distance to failure, as a share: what limits and time spare a success, what a failure lacks."""
        limits, outcome = self._limit, self._outcome[ids]
        spare = 1.0 - self.elapsed[ids] / (self.max_steps + 1)
        for peak, limit in (("peak_force_n", limits.force_n), ("peak_torque_nm", limits.torque_nm)):
            if limit is not None and peak in self._peaks:
                spare = np.minimum(spare, 1.0 - self._peaks[peak][ids] / limit)
        missing = -np.maximum(self._short[ids], 1e-6)
        return np.where(outcome == _CODE[SUCCESS], spare, np.minimum(missing, spare))


def _finite(x: Array) -> Array:
    """np.nan_to_num, without its four passes and a copy where all numbers are finite, as they nearly always are."""
    return x if np.isfinite(x).all() else np.nan_to_num(x)


class Picture:
    """Draws one cell from a model with looks; the model is compiled at the first picture."""

    def __init__(self, task: CellTask) -> None:
        self._task = task
        self._model: mujoco.MjModel | None = None
        self._renderer: mujoco.Renderer | None = None
        self._absent = False

    def posed(self, data: mujoco.MjData, values: Mapping[str, float]) -> tuple[mujoco.MjModel, mujoco.MjData]:
        """The model with looks under a trial's conditions, and the state of `data` in it."""
        if self._model is None:
            self._model = self._task.scene(visual=True).model
        model = self._model
        self._task.show(model, values)
        posed = mujoco.MjData(model)
        posed.qpos, posed.mocap_pos, posed.mocap_quat = data.qpos, data.mocap_pos, data.mocap_quat
        mujoco.mj_forward(model, posed)
        return model, posed

    def draw(self, model: mujoco.MjModel, posed: mujoco.MjData, width: int, height: int) -> Array | None:
        """(height, width, 3) uint8, or None where there is no OpenGL."""
        if self._absent:
            return None
        try:
            if self._renderer is None or (self._renderer.width, self._renderer.height) != (width, height):
                model.vis.global_.offwidth, model.vis.global_.offheight = width, height
                self._renderer = mujoco.Renderer(model, height, width)
        except Exception:  # each OpenGL back end raises its own class; no picture is not a failure of the run
            self._absent = True
            return None
        camera = "cell" if any(model.camera(k).name == "cell" for k in range(model.ncam)) else -1
        self._renderer.update_scene(posed, camera)
        return np.asarray(self._renderer.render()).copy()
