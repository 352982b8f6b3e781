"""Laws of `vehicle/aisle`: motion, contact, people, limits, margins, the expert, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jangin.engine.rollout import rollout
from jangin.errors import BadTask
from jangin.vehicle.aisles import columns as c
from jangin.vehicle.boxes import Boxes, gap
from jangin.vehicle.models import differential
from jangin.vehicle.motion import step as exact_step
from jangin.vehicle.rays import ray_to_box
from jangin.vehicle.tasks.aisle import Aisle

ALONE = Aisle(physics="training", people=0)


def begun(task, trial=0, nsim=1):
    """A world whose simulations are in trials trial, trial + 1, ..."""
    world = task.world(nsim, threads=1, seed=3, purpose="test")
    world.reset(np.arange(nsim), trial + np.arange(nsim))
    return world


def act(*pair):
    return np.array([pair], np.float32)


def bodies(world, sim=0):
    b = world._w.body[sim]
    return b[b[:, c.KIND] != c.NOBODY]


def test_it_moves_as_the_differential_drive_does():
    """Without lag and with the drive's own limits, a second of driving is the exact ramps of the differential drive."""
    world = begun(ALONE)
    w, p = world._w, ALONE.vehicle
    w.trial[0, c.LAG], w.trial[0, c.ACCEL], w.trial[0, c.BRAKE] = 0.0, p.acceleration_m_s2, p.deceleration_m_s2
    w.body[0, 0, [c.X, c.Y, c.HEADING]] = 0.0
    w.body[0, 1:, c.KIND] = c.NOBODY
    model = differential(p)
    state = model.start()[None]
    for command in ((1.2, 0.3), (1.2, 0.3), (1.2, -0.4), (0.2, -0.4), (0.2, 0.0)):
        world.step(act(*command))
        for _ in range(4):
            state = exact_step(model, state, np.array([command]), 0.05)
    found = w.body[0, 0, [c.X, c.Y, c.SPEED, c.HEADING, c.YAW_RATE]]
    np.testing.assert_allclose(found, state[0], atol=5e-3)
    assert abs(found[4]) <= p.yaw_rate_max_rad_s


def test_load_and_floor_lengthen_the_way_to_a_standstill():
    """The braking distance from v is v^2 / 2a, a the least of the drive's setting, the brakes' force and the grip."""
    cases = {(0.0, 0.5): 1.2, (400.0, 0.5): 550.0 / 650.0, (0.0, 0.15): 0.6 * 0.15 * 9.81}
    for (payload, friction), braking in cases.items():
        found = float(ALONE.braking_m_s2(np.array(payload), np.array(friction)))
        assert found == pytest.approx(braking)
        world = begun(ALONE)
        w = world._w
        w.body[0, 1:, c.KIND] = c.NOBODY
        w.trial[0, c.BRAKE], w.trial[0, c.LAG] = found, 0.0
        w.body[0, 0, [c.X, c.Y, c.HEADING, c.SPEED]] = 0.0, 0.0, 0.0, 1.0
        w.trial[0, c.TOLD_SPEED] = 1.0
        while w.body[0, 0, c.SPEED] > 0.0:
            world.step(act(0.0, 0.0))
        assert w.body[0, 0, c.X] == pytest.approx(0.5 / found, abs=0.03)


def test_a_touch_ends_the_trial_and_the_boxes_touch_then():
    """Whoever drives into a person, a vehicle or a rack fails by that name, with the two boxes in contact."""
    task, names = Aisle(physics="training", people=6), set()
    world = begun(task, nsim=64)
    rng = np.random.default_rng(1)
    ids, turn = np.arange(64), rng.uniform(-0.15, 0.15, 64)
    for _ in range(200):
        actions = np.stack([np.full(64, 1.5), turn], axis=1).astype(np.float32)
        step = world.step(actions, ids)
        for sim in ids[step.outcome > 1]:
            name = world.outcomes[step.outcome[ids == sim][0]]
            names.add(name)
            if name == "wall":
                others = world._w.rack[sim]
            else:
                kinds = (c.PERSON,) if name == "person_contact" else (c.DRIVES, c.PARKED)
                b = world._w.body[sim]
                others = b[np.isin(b[:, c.KIND], kinds)][:, [c.X, c.Y, c.HEADING, c.LENGTH, c.WIDTH]]
            ego = world._w.body[sim, 0, [c.X, c.Y, c.HEADING, c.LENGTH, c.WIDTH]]
            apart = gap(Boxes(*(np.array(v) for v in ego)), Boxes(*others.T))
            assert apart.min() < 0.16, name  # it may have passed through a corner within the substep
            assert world.record(np.array([sim]))["margin"][0] < 0.0
        ids = ids[step.outcome == 0]
        turn = turn[step.outcome == 0] if len(ids) == 64 else turn
        if not len(ids):
            break
        turn = np.resize(turn, 64)
    assert names == {"person_contact", "vehicle_contact", "wall"}


def test_people_never_walk_into_a_vehicle_that_stands():
    """A vehicle that does not move is never touched, whoever walks around it, for a whole trial."""
    task = Aisle(physics="training", people=8, stepping=0.3)
    world = begun(task, nsim=32)
    rng = np.random.default_rng(0)
    w = world._w
    w.body[:, 0, c.X] = rng.uniform(5.0, 12.0, 32)
    w.body[:, 0, c.HEADING] = rng.uniform(-3.0, 3.0, 32)
    w.body[:, -2:, c.KIND] = c.NOBODY
    ego, people = w.body[:, :1], w.body[:, 1:-2]
    clear = np.hypot(people[:, :, c.X] - ego[:, :, c.X], people[:, :, c.Y] - ego[:, :, c.Y]).min(axis=1) > 1.2
    ids = np.flatnonzero(clear)
    for _ in range(299):
        step = world.step(np.zeros((32, 2), np.float32), ids)
        touched = np.isin(step.outcome, (c.PERSON_CONTACT,))
        assert not touched.any()
        ids = ids[step.outcome == 0]
        if not len(ids):
            break


def test_people_stay_in_the_aisle_and_keep_their_pace():
    """Nobody who walks along the aisle enters a rack, and nobody is faster than the fastest pace, 1.8 m/s."""
    task = Aisle(physics="evidence", people=8)
    world = begun(task, nsim=16)
    people = world._w.body[:, 1:-2]
    for _ in range(150):
        world.step(np.zeros((16, 2), np.float32))
        walks = (people[:, :, c.KIND] == c.PERSON) & (people[:, :, c.PHASE] == c.WALKS)
        half = world._w.trial[:, c.HALF_WIDTH][:, None]
        assert (np.abs(people[:, :, c.Y]) <= half)[walks].all()
        assert (np.hypot(people[:, :, c.VX], people[:, :, c.VY])[walks] < 1.81).all()


def test_a_person_behind_a_rack_is_not_seen_before_stepping_out():
    """The scanner and the list of people show nobody who waits between racks out of sight."""
    task = Aisle(physics="training", people=1, stepping=1.0)
    world = begun(task, nsim=64)
    at = task.observation.index("person_0_ahead_m")
    waits = (world._w.body[:, 1, c.KIND] == c.PERSON) & (world._w.body[:, 1, c.X] > 5.0)
    seen = world.observe()
    assert waits.sum() > 10
    np.testing.assert_allclose(seen[waits, at], world._w.trial[waits, c.RANGE])
    w = world._w
    w.body[:, 1, c.Y] = 0.0
    w.body[:, 1, c.X] = 5.0
    w.history[:, :, 1, 0], w.history[:, :, 1, 1] = 5.0, 0.0
    w.body[:, 2:, c.KIND] = c.NOBODY
    there = w.body[:, 1, c.KIND] == c.PERSON
    seen = world.observe()[there]
    ahead, left = seen[:, at], seen[:, at + 1]
    np.testing.assert_allclose(np.hypot(ahead, left), np.hypot(5.0, world.values["start_m"][there]), rtol=1e-5)


def test_ranges_are_the_distance_along_the_ray():
    """A ray meets a box where a fine march along it first is inside the box."""
    rng = np.random.default_rng(4)
    for _ in range(50):
        x, y, h = rng.uniform(-3, 3), rng.uniform(-3, 3), rng.uniform(-4, 4)
        length, width, angle = rng.uniform(0.5, 2), rng.uniform(0.5, 2), rng.uniform(-4, 4)
        found = ray_to_box(0.0, 0.0, np.cos(angle), np.sin(angle), x, y, h, length, width)
        t = np.arange(0.0, 6.0, 0.002)
        dx, dy = t * np.cos(angle) - x, t * np.sin(angle) - y
        inside = np.abs(np.cos(h) * dx + np.sin(h) * dy) <= 0.5 * length
        inside &= np.abs(np.cos(h) * dy - np.sin(h) * dx) <= 0.5 * width
        assert (found > 5.9) if not inside.any() else found == pytest.approx(t[inside.argmax()], abs=0.003)


def test_the_zones_speed_and_the_stopping_distance_are_kept_at_their_worst():
    """Beside a person 0.5 m away at 0.8 m/s: that speed is recorded, the excess over 0.3 m/s is the cost."""
    task = Aisle(physics="training", people=1)
    world = begun(task)
    w = world._w
    w.body[0, 1:, c.KIND] = c.NOBODY
    w.body[0, 1, [c.KIND, c.X, c.Y, c.HEADING, c.PHASE, c.STOP_FOR_S, c.STOP_AT_S]] = (
        c.PERSON,
        1.6,
        1.1,
        0,
        c.WALKS,
        99,
        0,
    )
    w.body[0, 1, [c.VX, c.VY, c.LENGTH, c.WIDTH]] = 0.0, 0.0, 0.35, 0.5
    w.body[0, 0, [c.X, c.Y, c.HEADING, c.SPEED]] = 1.0, 0.0, 0.0, 0.8
    w.trial[0, [c.TOLD_SPEED, c.HALF_WIDTH]] = 0.8, 1.6
    step = world.step(act(0.8, 0.0))
    assert world.record(np.array([0]))["peak_zone_speed_m_s"][0] == pytest.approx(0.8)
    assert step.cost[0] == pytest.approx(0.5, abs=1e-6)
    w.body[0, 1, c.Y] = 0.0
    w.body[0, 1, c.X] = 2.6
    world.step(act(0.8, 0.0))
    room = 2.6 - w.body[0, 0, c.X] - 0.5 - c.PERSON_RADIUS_M
    stop = 0.8**2 / (2.0 * w.trial[0, c.BRAKE]) + 0.8 * (w.trial[0, c.LAG] + 0.2)
    assert world.record(np.array([0]))["peak_stop_deficit_m"][0] == pytest.approx(stop - room, abs=1e-6)


def test_the_expert_arrives_touches_hardly_anybody_and_keeps_the_zone():
    """In either physics 80 % and more succeed, hardly a person is touched, and nine in ten keep the zone as claimed."""
    for physics, least in (("training", 0.80), ("evidence", 0.80)):
        task = Aisle(physics=physics)
        trials = rollout(task, task.expert(), 64, seed=11, purpose="test", size=64)
        assert trials.successes / 64 >= least
        won = trials["outcome"] == "success"
        assert (trials["margin"][won] == trials["min_gap_m"][won]).all()
        assert (trials["outcome"] == "person_contact").sum() <= 2
        assert np.quantile(trials["peak_zone_speed_m_s"], 0.9) <= 0.6


def test_a_film_shows_everybody_and_changes_nothing():
    """Frames list the boxes that are there; looking or not, the next step is the same."""
    task = Aisle(people=2)
    one, other = begun(task, trial=5), begun(task, trial=5)
    for _ in range(5):
        frame, scenery = one.frame(0), one.scenery(0)
        assert len(frame.boxes) == len(frame.kinds) == len(frame.ids) == len(bodies(one))
        assert frame.kinds[0] == "driven"
        assert set(frame.values) == set(scenery.values.names)
        one.step(act(0.7, 0.1))
        other.step(act(0.7, 0.1))
    np.testing.assert_array_equal(one.observe(), other.observe())


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("physics", "real", "physics is 'real'; it must be one of training, evidence."),
        ("people", 13, "people is 13; it must be from 0 to 12."),
        ("stepping", 1.5, "stepping is 1.5; it is a share, from 0 to 1."),
        ("goal_m", 5.0, "goal_m is 5; it must be from 12 to 60."),
        ("zone_m", 0.0, "zone_m is 0; it must be above 0."),
        ("limit_s", 60.1, "limit_s is 60.1; it must be a whole number of control periods of 0.2 s."),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(field, value, text):
    """Each field that cannot be is refused with what it is and what it must be."""
    with pytest.raises(BadTask) as refused:
        replace(Aisle(), **{field: value})
    assert str(refused.value) == text
