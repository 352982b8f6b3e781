"""jangin.cell.world: one control period, step by step, and everything a trial may end by."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import mujoco
import numpy as np
import pytest

from conftest import environment
from jangin.cell.scene import physics_named
from jangin.cell.tasks.peg_insert import RADIUS_M, PegInsert
from jangin.cell.tasks.reach import Reach
from jangin.cell.world import BROKEN, OUTCOMES, SLOW_TIP_S, SLOW_WRENCH_S, filter_gain
from jangin.engine.rollout import run_block

QUIET = {"force_noise_n": (0.0, 0.0), "force_offset_n": 0.0, "latency_s": (0.0, 0.0), "servo_gain": (1.0, 1.0)}
DOWN = np.array([0.0, 0.0, -0.002, 0.0, 0.0])


def begun(task, nsim=4, *, first=0, threads=1, seed=1):
    world = task.world(nsim, threads=threads, seed=seed)
    world.reset(np.arange(nsim), first + np.arange(nsim))
    return world


def drive(world, action, steps, ids=None):
    """The same action in every simulation for some periods; the last period's Step."""
    rows = np.tile(np.asarray(action, np.float32), (world.nsim, 1))
    for _ in range(steps):
        step = world.step(rows, ids)
    return step


def spy(world):
    """The controls of every later period, in a list that grows."""
    seen, advance = [], world.sim.advance

    def listening(ids, ctrl):
        seen.append(ctrl.copy())
        return advance(ids, ctrl)

    world.sim.advance = listening
    return seen


def outcome(step, k=0):
    return OUTCOMES[step.outcome[k]]


# ── the set-point ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("latency_s", [0.0, 0.007, 0.02, 0.04])
def test_the_set_point_is_a_line_between_targets_late_by_the_latency(latency_s):
    """Closed form: at time t the joints are told interp(t - latency) of the targets, one per period, home first."""
    world = begun(Reach(physics="training", latency_s=(latency_s, latency_s)), 2)
    told = spy(world)
    rng = np.random.default_rng(0)
    for _ in range(6):
        world.step(rng.uniform(world.task.action.low, world.task.action.high, (2, 5)).astype(np.float32))
    ctrl = np.concatenate(told, axis=1)[1]
    late = round(latency_s / 0.001)
    ends = np.array([world.scene.home, *(ctrl[40 * k + 39 + late] for k in range(6) if 40 * k + 39 + late < len(ctrl))])
    time = np.arange(1, len(ctrl) + 1) - late
    known = time <= 40 * (len(ends) - 1)
    for j in range(world.naxes):
        line = np.interp(time, 40 * np.arange(len(ends)), ends[:, j])
        np.testing.assert_allclose(ctrl[known, j], line[known], atol=1e-12)
    np.testing.assert_array_equal(ctrl[:late], np.tile(world.scene.home, (late, 1)))
    assert (np.abs(np.diff(ctrl, axis=0)).max(0) < world._reach / 40 + 1e-12).all()  # never a jump


def test_latency_is_the_trials_own_condition():
    task = Reach(physics="training", latency_s=(0.0, 0.02))
    world = begun(task, 6)
    told = spy(world)
    drive(world, [0.006, 0, 0, 0, 0], 1)
    still = (told[0] == world.scene.home).all(2).sum(1)
    np.testing.assert_array_equal(still, np.rint(world.values["latency_s"] / 0.001))


def test_a_target_is_the_displaced_measured_pose():
    """J dq = twist: whatever the arm did before, the target lies the asked way from where it is."""
    world = begun(Reach(physics="training"), 3)
    drive(world, [0.004, -0.003, 0.002, 0.01, 0], 5)
    q, jacobian = world.sim.bind("qpos")[:, : world.naxes].copy(), world._jacobian.copy()
    ids, wanted = np.arange(3), np.tile([0.003, 0.002, -0.001, 0.004, -0.005], (3, 1))
    moved = np.einsum("nij,nj->ni", jacobian, world._targets(ids, wanted) - q)
    turn_z = -np.clip(world.tilt[:, 2], -0.01, 0.01)
    np.testing.assert_allclose(moved, np.concatenate([wanted, turn_z[:, None]], axis=1), atol=2e-6)


def test_joints_are_never_told_to_go_faster_than_they_may_or_out_of_their_range():
    world = begun(Reach(physics="training"), 2)
    world._reach[:] = 1e-3
    world._high[2] = world.scene.home[2] + 5e-4
    told = spy(world)
    drive(world, [0.006, 0.006, 0.006, 0.02, 0.02], 3)
    assert (told[-1] <= world._high + 1e-12).all()
    assert (np.abs(told[0] - world.scene.home) <= 1e-3 + 1e-12).all()


def test_zero_action_holds_still():
    world = begun(Reach(physics="training"))
    before = world.tip.copy()
    drive(world, np.zeros(5), 25)
    np.testing.assert_allclose(world.tip, before, atol=1e-9)
    assert world.force_peak.max() < 1e-6


def test_zero_action_yields():
    """Pressed on the face, the arm lets go when nothing is asked of it; asked to press, it goes on pressing."""
    world = begun(PegInsert(physics="training", **QUIET), 4)
    press_on_the_face(world)
    pressed = world.wrench[:, 2].copy()
    assert (pressed > 8.0).all()
    drive(world, DOWN, 5)
    np.testing.assert_allclose(world.wrench[:, 2], pressed, rtol=0.1)
    drive(world, np.zeros(5), 12)
    assert (np.abs(world.wrench[:, 2]) < 0.1 * pressed).all()


def press_on_the_face(world, periods=36):
    """12 mm beside the hole, where there is only the block's face: down fast, then pressing until it rests."""
    drive(world, [0.006, 0, 0, 0, 0], 6)
    for _ in range(periods):
        height = world.tip[:, 2] - world.sim.bind("mocap_pos")[:, 0, 2]
        rows = np.zeros((world.nsim, 5), np.float32)
        rows[:, 2] = np.where(height > 0.005, -0.006, -0.002)
        world.step(rows)


@pytest.mark.parametrize("sick", [np.nan, np.inf, -np.inf])
def test_a_policy_that_answers_nonsense_moves_no_further_than_it_may(sick):
    world = begun(Reach(physics="training"), 2)
    told = spy(world)
    drive(world, [sick, 0, 0, 0, 0], 1)
    assert np.isfinite(told[0]).all()
    way = np.abs(world.last_action[:, 0])
    np.testing.assert_allclose(way, 0.0 if np.isnan(sick) else world.task.action.high[0])


# ── what is measured ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_tip_and_velocity_are_those_of_the_state():
    """The nominal tip from a fresh mj_forward, and its velocity as a finite difference along qvel."""
    world = begun(Reach(physics="training"), 3)
    drive(world, [0.006, 0.003, -0.002, 0.02, -0.01], 4)
    model, body = world.scene.model, world.scene.model.body("tool").id

    def tip(qpos):
        data = mujoco.MjData(model)
        data.qpos[:] = qpos
        mujoco.mj_kinematics(model, data)
        return data.xpos[body] + data.xmat[body].reshape(3, 3) @ world.scene.tip_m

    qpos, qvel, h = world.sim.bind("qpos"), world.sim.bind("qvel"), 1e-6
    for i in range(3):
        np.testing.assert_allclose(world.tip[i], tip(qpos[i]), atol=1e-12)
        slope = (tip(qpos[i] + h * qvel[i]) - tip(qpos[i] - h * qvel[i])) / (2 * h)
        np.testing.assert_allclose(world.velocity[i, :3], slope, atol=1e-8)


def test_the_wrench_is_what_the_world_does_to_the_tool_about_its_tip():
    """At rest it is the sum of the contacts' forces, taken from MuJoCo's contacts themselves, and of their moments."""
    world = begun(PegInsert(physics="training", **QUIET), 3)
    press_on_the_face(world)
    for i in range(3):
        model, data = world.sim.batch.get_model(i), world.sim.batch.get_data(i)
        mujoco.mj_forward(model, data)
        force, torque = np.zeros(3), np.zeros(3)
        for k, c in enumerate(data.contact):
            local = np.zeros(6)
            mujoco.mj_contactForce(model, data, k, local)
            along = -local[:3] @ c.frame.reshape(3, 3)  # on geom 1, the peg
            force += along
            torque += np.cross(c.pos - world.tip[i], along)
        assert force[2] > 8.0
        np.testing.assert_allclose(world.wrench[i, :3], force, atol=0.02 * force[2])
        np.testing.assert_allclose(world.wrench[i, 3:5], torque[:2], atol=0.02 * force[2] * RADIUS_M)


def test_the_pad_gives_way_by_force_over_its_stiffness():
    """The condition "tool stiffness" is the spring between tool and peg: z = F / k, over a decade of k."""
    world = begun(PegInsert(physics="training", grip_tilt_rad=0.0, **QUIET), 12)
    press_on_the_face(world)
    given_way = world.sim.bind("qpos")[:, world.naxes + 2]
    along = np.einsum("nk,nk->n", world.rotation[:, :, 2], world.wrench[:, :3])  # of the tool, not of the base
    stiffness = world.values["tool_stiffness_n_m"]
    assert stiffness.max() > 4 * stiffness.min()
    np.testing.assert_allclose(given_way * stiffness, along, rtol=0.01)


def test_a_stiffer_pad_rings_no_longer():
    """Damping goes with the root of the stiffness: c / sqrt(k) is the same in every trial, for slides and hinges."""
    world = begun(PegInsert(physics="training"), 12)
    for k in range(5):
        joint = world.scene.model.joint(f"pad_{k}")
        stiffness = world.sim.field("jnt_stiffness")[:, joint.id]
        ratio = world.sim.field("dof_damping")[:, joint.dofadr[0]] / np.sqrt(stiffness)
        assert stiffness.max() > 4 * stiffness.min()
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-12)


def test_a_blow_of_one_substep_is_a_peak_and_barely_a_mean():
    """77 N in 1 of 40 readings: the limits see all of it, the policy 1/40."""
    world = begun(Reach(physics="training"), 3)
    advance, reach = world.sim.advance, 77.0

    def struck(ids, ctrl):
        readings = advance(ids, ctrl).copy()
        world.sim.reading(readings, "force")[1, 13] = [0.0, 0.0, reach]
        return readings

    world.sim.advance = struck
    step = drive(world, np.zeros(5), 1)
    assert world.record(np.arange(3))["peak_force_n"] == pytest.approx([0, 77, 0], abs=1e-6)
    assert np.linalg.norm(world.wrench[1, :3]) == pytest.approx(77 / 40, rel=1e-6)
    assert [OUTCOMES[c] for c in step.outcome] == ["running", "wrist_force", "running"]
    assert step.cost[1] > 0 == step.cost[0]


def test_filters_are_first_order():
    """A step of 1 leaves 1 - exp(-n T / tau) after n periods."""
    world = begun(PegInsert(physics="training"), 2)
    for tau in (SLOW_WRENCH_S, SLOW_TIP_S):
        gain, level = filter_gain(tau, 25.0), 0.0
        for _ in range(10):
            level += gain * (1.0 - level)
        assert level == pytest.approx(1 - np.exp(-10 / 25 / tau))
    np.testing.assert_array_equal(world.slow_tip, world.tip)
    start = world.tip.copy()
    drive(world, [0.004, 0, 0, 0, 0], 1)
    np.testing.assert_allclose(world.slow_tip - start, filter_gain(SLOW_TIP_S, 25.0) * (world.tip - start), atol=1e-12)


def test_free_motion_pulls_at_the_wrist_by_its_inertia_alone():
    """A set-point without jumps makes a few newtons, and no integrator makes more of it than its step explains.

    MuJoCo's sensors read the acceleration before `implicitfast` damps it, which is too large by the order of the step:
    extrapolated to no step at all, `evidence` and `twin` give what `training`, which damps it first, reads at once.
    """
    peaks = {}
    for physics in ("training", "evidence", "twin"):
        task = Reach(physics=physics, latency_s=(0.004, 0.004))
        peaks[physics] = run_block(task, task.world(12, seed=1), task.expert(), 0, seed=1)["peak_force_n"]
    np.testing.assert_allclose(2 * peaks["twin"] - peaks["evidence"], peaks["training"], rtol=0.06)
    assert max(p.max() for p in peaks.values()) < 5.0


# ── what is seen ─────────────────────────────────────────────────────────────────────────────────────────────────────


def noise_of(world):
    """What noise adds to every channel, in units of its declared standard deviation."""
    sd = world._noise_sd * world.noise_scale
    with np.errstate(invalid="ignore", divide="ignore"):
        return (world.observe() - world.task.sense(world)) / sd


def test_noise_has_the_declared_standard_deviation():
    """Over 400 trials each channel's reading has the sd that its Channel states; touch is scaled by the condition."""
    task = PegInsert(physics="training", force_noise_n=(0.2, 1.0))
    world = begun(task, 400, threads=0)
    noise = noise_of(world)
    noisy = world._noise_sd > 0
    inside = np.array([c.high > 0.005 or c.unit != "m" for c in task.observation])  # the near view is clipped
    z = noise[:, noisy & inside]
    assert z.shape[1] > 15
    np.testing.assert_allclose(z.std(0), 1.0, atol=5 / np.sqrt(2 * 400))
    np.testing.assert_allclose(z.mean(0), 0.0, atol=5 / np.sqrt(400))
    correlation = np.corrcoef(z.T) - np.eye(z.shape[1])
    assert np.abs(correlation).max() < 5.5 / np.sqrt(400)
    touch = task.observation.of_sense("touch")
    np.testing.assert_array_equal(
        world.noise_scale[:, touch], np.repeat(world.values["force_noise_n"][:, None], touch.sum(), 1).astype("f4")
    )
    assert (world.noise_scale[:, ~touch] == 1).all()


def test_noise_is_another_one_every_period_and_of_the_trial_alone():
    world = begun(Reach(physics="training"), 8)
    first = noise_of(world)
    drive(world, np.zeros(5), 1)
    assert np.abs(np.corrcoef(first.ravel(), noise_of(world).ravel())[0, 1]) < 0.5
    np.testing.assert_array_equal(world._drawn_noise[3], begun(Reach(physics="training"), 1, first=3)._drawn_noise[0])


def test_observing_twice_gives_the_same_bits_and_only_stepped_simulations_change():
    world = begun(PegInsert(physics="training"), 5)
    drive(world, DOWN, 2)
    seen, known = world.observe().copy(), world.privileged().copy()
    np.testing.assert_array_equal(world.observe(), seen)
    ids = np.array([0, 3])
    drive(world, DOWN, 1, ids)
    rest = [1, 2, 4]
    np.testing.assert_array_equal(world.observe()[rest], seen[rest])
    np.testing.assert_array_equal(world.privileged()[rest], known[rest])
    assert (world.observe()[ids] != seen[ids]).any(1).all()


def test_observations_stay_in_their_declared_range():
    task = PegInsert(physics="training")
    world = begun(task, 4)
    for _ in range(10):
        drive(world, [0.006, 0.006, 0.006, 0.02, 0.02], 1)
        seen = world.observe()
        assert seen.dtype == np.float32
        assert ((seen >= task.observation.low) & (seen <= task.observation.high)).all()


# ── a trial is its number ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [Reach, PegInsert])
def test_a_trial_is_the_same_in_any_slot_of_any_batch(kind):
    """Conditions, noise and every bit of what follows, under the same actions; whatever ran in the slot before."""
    task = kind(physics="training")
    big, small = begun(task, 6, threads=2), task.world(2, threads=1, seed=1)
    small.reset(np.arange(2), np.array([90, 91]))
    drive(small, DOWN, 3)
    small.reset(np.array([1]), np.array([4]))
    actions = np.random.default_rng(0).uniform(task.action.low, task.action.high, (8, 5)).astype(np.float32)
    for a in actions:
        one, other = drive(big, a, 1), drive(small, a, 1, np.array([1]))
        assert (one.reward[4], one.cost[4], one.outcome[4]) == (other.reward[0], other.cost[0], other.outcome[0])
        np.testing.assert_array_equal(big.observe()[4], small.observe()[1])
        np.testing.assert_array_equal(big.privileged()[4], small.privileged()[1])
    for name, value in big.record(np.arange(6)).items():
        assert value[4] == small.record(np.array([1]))[name][0], name


def test_a_reset_leaves_the_others_alone():
    world = begun(PegInsert(physics="training"), 4)
    drive(world, DOWN, 3)
    others = [0, 1, 3]
    seen, state = world.observe().copy(), world.sim.bind("qpos").copy()
    world.reset(np.array([2]), np.array([77]))
    np.testing.assert_array_equal(world.observe()[others], seen[others])
    np.testing.assert_array_equal(world.sim.bind("qpos")[others], state[others])
    assert world.elapsed.tolist() == [3, 3, 0, 3]
    fresh = world.record(np.array([2]))
    assert fresh["peak_force_n"] == fresh["overlap_m"] == 0.0
    assert fresh["cycle_s"] == np.inf


# ── how a trial ends ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Tight(Reach):
    """Reach with one limit of its own."""

    limit: str = ""
    value: float = 0.0
    physics: str = "training"

    @property
    def limits(self):
        return replace(super().limits, **{self.limit: self.value})


@pytest.mark.parametrize(
    ("limit", "value", "name"),
    [
        ("force_n", 0.5, "wrist_force"),
        ("torque_nm", 0.02, "wrist_torque"),
        ("tool_speed_m_s", 0.05, "tool_speed"),
        ("workspace_high_m", (0.47, 0.5, 0.5), "workspace"),
    ],
)
def test_a_broken_limit_ends_a_trial_by_its_name(limit, value, name):
    loose, tight = begun(Reach(physics="training"), 1), begun(Tight(limit=limit, value=value), 1)
    for world, expected in ((loose, "running"), (tight, name)):
        for _ in range(15):
            step = drive(world, [0.006, 0, 0, 0, 0], 1)
            if step.outcome[0]:
                break
        assert outcome(step) == expected
        assert world.record(np.array([0]))["margin"][0] < 0
    assert step.cost[0] >= BROKEN


def test_a_joint_near_its_stop_ends_a_trial_by_its_name():
    elbow = Reach().arm().joints[2]
    home = begun(Reach(physics="training"), 1).scene.home[2]
    room = min(home - elbow.low_rad, elbow.high_rad - home) - 0.02
    world = begun(Tight(limit="joint_margin_rad", value=room), 1)
    away = 1.0 if elbow.high_rad - home > home - elbow.low_rad else -1.0
    outcomes = set()
    for sign in (away, -away):  # one way bends the elbow, the other stretches it
        world.reset(np.array([0]), np.array([0]))
        for _ in range(12):
            step = drive(world, [sign * 0.006, 0, 0, 0, 0], 1)
            outcomes.add(outcome(step))
    assert "joint_limit" in outcomes
    assert outcomes <= {"running", "joint_limit"}


def test_time_runs_out_at_the_limit_exactly():
    world = begun(Reach(physics="training", limit_s=0.4), 1)
    assert outcome(drive(world, np.zeros(5), 9)) == "running"
    last = drive(world, np.zeros(5), 1)
    assert outcome(last) == "timeout"
    assert last.cost[0] < BROKEN


def test_success_must_be_held_and_is_timed():
    """A tolerance so wide that the arm is there at once: done after hold_s, no sooner."""
    world = begun(Reach(physics="training", tolerance_m=1.0), 2)
    assert outcome(drive(world, np.zeros(5), 4)) == "running"
    assert outcome(drive(world, np.zeros(5), 1)) == "success"
    row = world.record(np.arange(2))
    assert row["cycle_s"].tolist() == [0.2, 0.2]
    assert (row["margin"] > 0).all()


def test_margin_says_success_and_nothing_else():
    """margin >= 0 exactly for success, also for trials cut off by limits and by time."""
    seen = set()
    for task in (
        PegInsert(physics="training", limit_s=3.2),
        PegInsert(physics="training", force_limit_n=22.0),
        Reach(physics="training", limit_s=1.0),
    ):
        world = task.world(24, seed=1)
        table = run_block(task, world, task.expert(), 0, seed=1)
        won = table["outcome"] == "success"
        np.testing.assert_array_equal(table["margin"] >= 0, won)
        np.testing.assert_array_equal(np.isfinite(table["cycle_s"]), won)
        spare = 1 - table["peak_force_n"] / task.limits.force_n
        assert (spare[won] >= 0).all()
        assert (table["margin"] <= spare).all()  # never further from failure than the force is from its limit
        seen |= set(table["outcome"])
    assert {"success", "timeout", "wrist_force"} <= seen


def test_contact_that_cannot_be_believed_makes_a_trial_invalid():
    world = begun(PegInsert(physics="training"), 3)
    believed = physics_named("training").overlap_share * world.values["clearance_m"]
    world.sim.bind("userdata")[1, 0] = 1.01 * believed[1]
    world.sim.bind("userdata")[2, 0] = 0.99 * believed[2]
    step = drive(world, np.zeros(5), 1)
    assert [OUTCOMES[c] for c in step.outcome] == ["running", "invalid_penetration", "running"]
    assert step.reward[1] == 0.0


def test_a_simulation_that_turns_nan_is_invalid_and_everything_told_of_it_is_finite():
    world, healthy = begun(PegInsert(physics="training"), 3), begun(PegInsert(physics="training"), 3)
    drive(world, DOWN, 2)
    drive(healthy, DOWN, 2)
    world.sim.bind("qvel")[1, 2] = np.nan
    step, fine = drive(world, DOWN, 1), drive(healthy, DOWN, 1)
    assert [OUTCOMES[c] for c in step.outcome] == ["running", "invalid_nan", "running"]
    assert step.reward[1] == 0.0
    for told in (step.reward, step.cost, world.observe(), world.privileged()):
        assert np.isfinite(told).all()
    row = world.record(np.arange(3))
    assert all(np.isfinite(values).all() for name, values in row.items() if name != "cycle_s")
    assert row["margin"][1] < 0
    others = [0, 2]
    np.testing.assert_array_equal(world.observe()[others], healthy.observe()[others])
    np.testing.assert_array_equal(step.reward[others], fine.reward[others])
    world.reset(np.array([1]), np.array([1]))
    assert outcome(drive(world, np.zeros(5), 1), 1) == "running"


# ── other arms ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("robot", ["kuka_iiwa_14", "ufactory_xarm7"])
def test_the_task_runs_on_real_arms_of_seven_axes(robot, monkeypatch):
    """The teacher, who knows where the hole is, seats the peg with the servos and links of the makers' models."""
    models = Path(__file__).parents[2] / "shared" / "data" / "robots" / "menagerie"
    if not models.is_dir():
        pytest.skip("the models of the real arms lie in ../shared, which is not here")
    monkeypatch.setenv("MENAGERIE_ROOT", str(models))
    task = PegInsert(robot=f"menagerie:{robot}", physics="training")
    world = task.world(32, seed=1)
    assert world.naxes == 7
    table = run_block(task, world, task.teacher(), 0, seed=1)
    assert table.successes >= 30
    assert not table.invalid.any()
    assert np.quantile(table["peak_force_n"], 0.95) < 20.0


# ── pictures ─────────────────────────────────────────────────────────────────────────────────────────────────────────

DRAW = """
import numpy as np
from jangin.cell.tasks.{0} import {1}
world = {1}(physics="training").world(2, threads=1)
world.reset(np.arange(2), np.arange(2))
picture = world.picture(1, 96, 72)
print("none" if picture is None else (picture.shape, picture.dtype.name, int(picture.std() > 5)))
again = world.picture(1, 96, 72)
print("same" if picture is None or (again == picture).all() else "other")
"""


def drawn(module, kind, gl):
    code = DRAW.format(module, kind)
    env = environment() | {"MUJOCO_GL": gl}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(("module", "kind"), [("reach", "Reach"), ("peg_insert", "PegInsert")])
def test_a_picture_is_drawn_off_screen(module, kind):
    first, again = drawn(module, kind, "egl")
    if first == "none":
        pytest.skip("no OpenGL (EGL) on this machine, so nothing can be drawn")
    assert first == "((72, 96, 3), 'uint8', 1)"
    assert again == "same"


@pytest.mark.parametrize("kind", [Reach, PegInsert])
def test_looks_weigh_nothing_touch_nothing_and_stand_where_the_simulation_does(kind):
    world = begun(kind(physics="training"), 3)
    drive(world, DOWN, 3)
    model, data = world.looks(1)
    plain = world.scene.model
    np.testing.assert_array_equal(model.body_mass, plain.body_mass)
    np.testing.assert_array_equal(model.body_inertia, plain.body_inertia)
    assert model.ngeom > plain.ngeom
    assert (model.geom_contype == 0).all()
    assert (model.geom_conaffinity == 0).all()
    np.testing.assert_allclose(data.body("tool").xpos, world.sim.bind("xpos")[1, plain.body("tool").id], atol=1e-12)
    if kind is Reach:
        goal = np.asarray(world.task.centre_m) + [world.values[f"goal_{a}_m"][1] for a in "xyz"]
        np.testing.assert_allclose(data.geom("goal").xpos, goal)
    else:
        np.testing.assert_allclose(data.body("fixture").xpos, world.sim.bind("mocap_pos")[1, 0])


def test_without_opengl_there_is_no_picture_and_no_failure():
    assert drawn("reach", "Reach", "disabled")[0] == "none"
