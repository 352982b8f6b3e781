"""jangin.engine.mujoco: many simulations, every substep read, poses current, trouble named and kept to itself."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from jangin.engine.mujoco import INVALID_NAMES, POSES, Simulation, version

# A pendulum with a servo, and a cart behind a force sensor that a motor pushes: two actuators, a force of 3 axes.
PENDULUM = """<mujoco><option timestep="0.001" integrator="implicitfast"><flag autoreset="disable"/></option>
<worldbody><body name="arm"><joint name="swing" axis="0 1 0" damping="0.2"/><geom size="0.05" pos="0.3 0 0" mass="1"/>
    <body name="hand" pos="0.3 0 0"><geom size="0.02" pos="0.2 0 0" mass="0.1"/></body></body>
  <body name="cart" pos="0 1 0"><joint name="slide" type="slide" axis="1 0 0"/><geom size="0.05" mass="2"/>
    <body name="load"><site name="wrist"/><geom size="0.05" mass="1"/></body></body>
</worldbody><actuator><position joint="swing" kp="20" kv="1"/><motor name="push" joint="slide"/></actuator>
<sensor><force name="force" site="wrist"/><jointpos name="angle" joint="swing"/></sensor></mujoco>"""

# Four shapes that drift apart from each other until they are put into one another, with a given room for contacts
SHAPES = """<mujoco><size memory="{}"/><option gravity="0 0 0"><flag autoreset="disable"/></option>
<worldbody>{}</worldbody><sensor><framepos name="place" objtype="body" objname="b0"/></sensor></mujoco>"""
SHAPE = '<body name="b{0}" pos="{0} 0 0"><freejoint/><geom type="{1}" size="0.1 0.1 0.1"/></body>'


def pendulums(nsim=5, substeps=40, threads=1):
    model = mujoco.MjModel.from_xml_string(PENDULUM)
    sim = Simulation(model, nsim, threads=threads, substeps=substeps)
    ids = np.arange(nsim)
    sim.reset(ids, qpos=np.stack([0.1 * ids, 0.0 * ids], axis=1))
    sim.refresh(ids)
    return sim


def commands(sim, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(sim.nsim, sim.substeps, sim.model.nu))


def shapes(kind, memory, nsim=3):
    model = mujoco.MjModel.from_xml_string(SHAPES.format(memory, "".join(SHAPE.format(k, kind) for k in range(4))))
    sim = Simulation(model, nsim, threads=2, substeps=5)
    ids = np.arange(nsim)
    sim.reset(ids, qpos=model.qpos0)
    sim.bind("qvel")[:] = 0.01 * np.random.default_rng(0).normal(size=(nsim, model.nv))
    sim.refresh(ids)
    return sim, np.zeros((nsim, sim.substeps, 0))


def test_advance_is_mujocos_own_steps_one_simulation_at_a_time():
    """The slow twin: a loop of mj_step over one MjData each; the same bits, sensors of every substep included."""
    sim = pendulums()
    ctrl = commands(sim)
    readings = sim.advance(np.arange(sim.nsim), ctrl)
    for i in range(sim.nsim):
        data = mujoco.MjData(sim.model)
        data.qpos[:] = [0.1 * i, 0.0]
        for k in range(sim.substeps):
            data.ctrl[:] = ctrl[i, k]
            mujoco.mj_step(sim.model, data)
            np.testing.assert_array_equal(readings[i, k], data.sensordata)
        np.testing.assert_array_equal(sim.bind("qpos")[i], data.qpos)
        np.testing.assert_array_equal(sim.bind("qvel")[i], data.qvel)


def test_a_push_of_one_substep_is_read():
    """Newton: the load (1 kg of 3 kg) takes a third of the push, for exactly the millisecond it lasts."""
    sim = pendulums()
    ctrl = np.zeros((sim.nsim, sim.substeps, 2))
    ctrl[2, 17, 1] = 90.0
    force = sim.reading(sim.advance(np.arange(sim.nsim), ctrl), "force")
    assert force.shape == (5, 40, 3)
    along = np.abs(force[:, :, 0])
    assert along[2, 17] == pytest.approx(30.0, rel=1e-9)
    along[2, 17] = 0.0
    assert along.max() < 1e-9


def test_poses_after_advance_are_those_of_the_state():
    sim = pendulums()
    sim.advance(np.arange(sim.nsim), commands(sim))
    for i in range(sim.nsim):
        data = mujoco.MjData(sim.model)
        data.qpos[:] = sim.bind("qpos")[i]
        mujoco.mj_forward(sim.model, data)
        for name in POSES:
            np.testing.assert_array_equal(sim.bind(name)[i], getattr(data, name))


def test_poses_are_there_after_the_very_first_reset():
    sim = pendulums()
    hand = sim.model.body("hand").id
    angle = 0.1 * np.arange(sim.nsim)
    expected = np.stack([0.3 * np.cos(angle), 0 * angle, -0.3 * np.sin(angle)], axis=1)
    np.testing.assert_allclose(sim.bind("xpos")[:, hand], expected, atol=1e-12)


def test_only_states_and_poses_can_be_bound():
    """Anything else would be zero, or a substep old."""
    sim = pendulums()
    sim.bind("qvel")[:] = 0.0
    with pytest.raises(AssertionError, match="site_xpos is no state and not kept current"):
        sim.bind("site_xpos")


@pytest.mark.parametrize("threads", [2, 3])
def test_the_same_bits_at_any_number_of_threads(threads):
    one, many = pendulums(threads=1), pendulums(threads=threads)
    for k in range(3):
        ids = np.array([0, 1, 3, 4]) if k == 1 else np.arange(5)
        ctrl = commands(one, seed=k)[ids]
        np.testing.assert_array_equal(one.advance(ids, ctrl), many.advance(ids, ctrl))
    np.testing.assert_array_equal(one.bind("qpos"), many.bind("qpos"))


def test_a_subset_leaves_the_others_where_they_are():
    sim = pendulums()
    before = sim.bind("qpos").copy()
    sim.advance(np.array([1, 4]), commands(sim)[[1, 4]])
    changed = (sim.bind("qpos") != before).any(1)
    np.testing.assert_array_equal(changed, [False, True, False, False, True])


def test_a_field_has_a_value_per_simulation():
    """A motor of twice the gain makes the cart of its simulation twice as fast; the others keep theirs."""
    sim = pendulums()
    gain = sim.field("actuator_gainprm")
    assert gain.shape == (5, 2, sim.model.actuator_gainprm.shape[1])
    gain[3, 1, 0] = 2.0
    ctrl = np.zeros((5, 40, 2))
    ctrl[:, :, 1] = 3.0
    sim.advance(np.arange(5), ctrl)
    speed = sim.bind("qvel")[:, 1]
    np.testing.assert_allclose(speed[[0, 1, 2, 4]], 3.0 / 3.0 * 0.04, rtol=1e-9)
    assert speed[3] == pytest.approx(2 * speed[0], rel=1e-9)


def test_nan_is_named_and_the_others_go_on(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    healthy, sick = pendulums(threads=2), pendulums(threads=2)
    ctrl = commands(sick)
    sick.bind("qvel")[2, 0] = np.nan
    ids = np.arange(5)
    expected, readings = healthy.advance(ids, ctrl).copy(), sick.advance(ids, ctrl)
    others = [0, 1, 3, 4]
    assert INVALID_NAMES[sick.invalid[2] - 1] == "invalid_nan"
    assert not sick.invalid[others].any()
    np.testing.assert_array_equal(readings[others], expected[others])
    np.testing.assert_array_equal(sick.bind("xpos")[others], healthy.bind("xpos")[others])
    assert list(tmp_path.iterdir()) == []  # MuJoCo would leave a MUJOCO_LOG.TXT
    assert capfd.readouterr() == ("", "")


def test_a_reset_forgives_and_the_same_trouble_is_named_again():
    sim = pendulums()
    for _ in range(2):
        sim.bind("qvel")[2, 0] = np.nan
        sim.advance(np.arange(5), commands(sim))
        assert sim.invalid.tolist() == [0, 0, 1, 0, 0]
        sim.reset(np.array([2]), qpos=sim.model.qpos0)
        sim.refresh(np.array([2]))
        assert not sim.invalid.any()
        sim.advance(np.arange(5), commands(sim))
        assert not sim.invalid.any()
        assert np.isfinite(sim.bind("qpos")).all()


@pytest.mark.parametrize(("kind", "memory", "raises"), [("capsule", "8k", False), ("box", "5k", True)])
def test_a_full_buffer_is_named_and_the_others_go_on(kind, memory, raises):
    """MuJoCo warns when contacts or constraints do not fit, and raises when not even the search for them does."""
    sim, ctrl = shapes(kind, memory)
    twin, _ = shapes(kind, memory)
    sim.bind("qpos")[1, 7::7] = [0.02, 0.04, 0.06]  # all four in one place
    ids = np.arange(3)
    expected, readings = twin.advance(ids, ctrl).copy(), sim.advance(ids, ctrl)
    assert INVALID_NAMES[sim.invalid[1] - 1] == "invalid_overflow"
    assert bool(sim.batch.error(1)) == raises
    assert np.isnan(readings[1]).all() == raises
    assert not sim.invalid[[0, 2]].any()
    np.testing.assert_array_equal(readings[[0, 2]], expected[[0, 2]])


def test_trouble_while_refreshing_is_named_too():
    sim, _ = shapes("box", "5k")
    sim.bind("qpos")[1, 7::7] = [0.02, 0.04, 0.06]
    sim.refresh(np.arange(3))
    assert sim.invalid.tolist() == [0, 2, 0]


def test_version_names_the_engine():
    assert version() == f"mujoco {mujoco.__version__}"
