"""The compiled motorway: equal to a slow twin, nobody drives through anybody, sensors late by what they say."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from jangin.engine.counted import standard_normal, uniform
from jangin.engine.rollout import rollout
from jangin.errors import BadTask
from jangin.vehicle.lanes import columns as c
from jangin.vehicle.lanes import motion, shield
from jangin.vehicle.tasks.motorway import Motorway
from vehicle_lanes_twin import COLUMNS, Twin

PLAIN = Motorway(physics="training")
CLOSED = dataclasses.replace(PLAIN, ramp=0.0, goal_m=5000.0)


class Always:
    """The same action for ever."""

    name, sees = "always", "observation"

    def __init__(self, *action):
        self.action = np.array(action, np.float32)

    def reset(self, ids, trials):
        pass

    def act(self, seen):
        return np.tile(self.action, (len(seen), 1))


def nobody_leaves(world):
    """Simulate those who are there to the end, and nobody else."""
    world._w.settings[c.WRAP] = 0.0


def look(world):
    """What it sees now, though it was changed from outside."""
    world._moved[:] = True
    return world.observe()


# ── a slow twin ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("trial", [0, 1, 2, 3])
def test_it_is_the_slow_twin_vehicle_for_vehicle(trial):
    """Places, headings, speeds and lanes of all vehicles are the twin's over 20 s of random meta-actions."""
    world = CLOSED.world(1, threads=1, seed=11)
    world.reset(np.array([0]), np.array([trial]))
    nobody_leaves(world)
    twin, rng = Twin.of(world, 0), np.random.default_rng(trial)
    for _ in range(20):
        action = rng.uniform(-1, 1, 2).astype(np.float32)
        step = world.step(action[None])
        if step.outcome[0]:
            break
        twin.period(action.astype(float))
        got = world._w.car[0][:, list(COLUMNS[:6])]
        want = np.array([[o.s, o.d, o.psi, o.v, o.delta, o.target] for o in twin.cars])
        there = world._w.car[0][:, c.PRESENT] == 1.0
        there_steer = np.ones(6, bool)
        there_steer[4] = False  # only the driven vehicle has a steering angle
        np.testing.assert_allclose(got[there][:, there_steer], want[there][:, there_steer], rtol=0, atol=1e-8)
        assert got[0, 4] == pytest.approx(want[0, 4], abs=1e-9)
    assert twin.done >= 10, "the trial was too short to compare anything"


def test_the_others_change_lanes_and_never_overlap():
    """In 256 trials of dense traffic lanes are changed often, and in no second do two of the others overlap."""
    task = dataclasses.replace(PLAIN, density=(14.0, 20.0))
    world = task.world(64, threads=1, seed=3)
    before, changed, overlapping = world._w.car[:, 1:, c.TARGET].copy(), 0, 0.0
    for _ in range(40):
        world.step(np.zeros((64, 2), np.float32))
        now = world._w.car[:, 1:, c.TARGET]
        changed += int((now != before).sum())
        before, overlapping = now.copy(), world._w.trial[:, c.SCRAPES].sum()
    assert changed > 500
    assert overlapping == 0.0


def test_the_density_stays_what_was_declared():
    """While the driven vehicle overtakes everybody, the vehicles around it stay nearly all those there were."""
    task = dataclasses.replace(PLAIN, ramp=0.0, goal_m=1e6, shield="rss")
    world = task.world(64, threads=1, seed=3)
    there = []
    for _ in range(40):
        world.step(np.tile(np.array([1.0, 0.0], np.float32), (64, 1)))
        there.append((world._w.car[:, 1:, c.PRESENT] == 1.0).mean())
    assert there[0] > 0.9
    assert np.mean(there[10:]) > 0.9


# ── motion ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_constant_slip_on_a_straight_road_is_a_circle():
    """The single-track model with a constant slip angle turns on the circle of radius L / (2 sin beta)."""
    car, slip, base, speed = np.zeros((1, c.NCAR)), 0.05, 2.6, 10.0
    car[0, c.SPEED] = speed
    radius, n = base / 2 / slip, 20_000
    turns = _moved(car, slip, base, 2 * math.pi * radius / speed / n, n)
    assert turns == pytest.approx(2 * math.pi, rel=1e-9)
    assert math.hypot(car[0, c.S], car[0, c.D]) < 2 * math.pi * radius / n * 10


def _moved(car, slip, base, step, n):
    from jangin.vehicle.traffic.jit import scalar

    @scalar
    def drive(car, slip, base, step, n):
        for _ in range(n):
            motion.move(car, 0, 0.0, slip, 0.0, base, step)
        return car[0, c.HEADING]

    return drive(car, slip, base, step, n)


def test_along_a_curve_the_lane_left_of_the_middle_is_shorter():
    """Vehicles at the same speed in lanes of a left curve advance along the road in the ratio of the radii."""
    task = dataclasses.replace(CLOSED, cars=3)
    world = task.world(1, threads=1, seed=0)
    w = world._w
    w.trial[0, c.CURVATURE] = 1e-3
    nobody_leaves(world)
    for k in range(1, 4):
        row = w.car[0, k]
        row[c.S], row[c.D], row[c.TARGET], row[c.SPEED], row[c.V0] = 1000.0, (k - 1) * 3.5, k - 1, 25.0, 25.0
        row[c.PRESENT], row[c.HEADING] = 1.0, -0.3 * row[c.LENGTH] * 1e-3
        row[c.KEEP_RIGHT] = row[c.THRESHOLD] = 9.0
    w.order[0] = np.argsort(w.car[0, :, c.S], kind="stable")
    w.place[0, w.order[0]] = np.arange(4)
    at = w.car[0, 1:4, c.S].copy()
    world.step(np.zeros((1, 2), np.float32))
    way = w.car[0, 1:4, c.S] - at
    np.testing.assert_allclose(way * (1 - 1e-3 * 3.5 * np.arange(3)), way[0], rtol=1e-12)


# ── the shield ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_safe_distance_is_enough_and_not_more_than_enough():
    """Who starts to brake after the response time at the safe distance stops just short of a leader braking hardest."""
    response, accel, brake, other = 0.3, 3.0, 6.0, 8.0
    for rear, front in ((30.0, 30.0), (30.0, 20.0), (15.0, 0.0)):
        gap = shield.rss_distance(rear, front, response, accel, brake, other)
        late = rear + accel * response
        way = rear * response + accel * response**2 / 2 + late**2 / (2 * brake)
        assert gap == pytest.approx(way - front**2 / (2 * other))
    assert shield.rss_distance(10.0, 40.0, response, accel, brake, other) == 0.0
    assert shield.r157_distance(30.0, 10.0) == pytest.approx(20.0 * (20.0 / 12.0 + 0.35))
    assert shield.r157_distance(10.0, 30.0) == 2.0


@pytest.mark.parametrize("kind", ["rss", "r157"])
def test_who_only_ever_wants_to_go_faster_hits_nobody_behind_the_shield(kind):
    """Without the shield the same policy collides in many trials; with it in none but where it was cut up or hit."""
    trials = 192
    task = dataclasses.replace(PLAIN, ramp=0.0)
    bare = rollout(task, Always(1.0, 0.0), trials, seed=2, size=64, threads=1)
    kept = rollout(dataclasses.replace(task, shield=kind), Always(1.0, 0.0), trials, seed=2, size=64, threads=1)
    assert (bare["outcome"] == "collision").sum() > trials / 10
    assert (kept["outcome"] == "collision").sum() == 0
    assert (bare["interventions"] == 0).all()
    assert (kept["interventions"] > 0).mean() > 0.5


def test_the_shield_lets_nobody_into_a_gap_that_is_too_small():
    """Always asking for another lane ends in collisions without the shield and in none with it."""
    task = dataclasses.replace(PLAIN, ramp=0.0, density=(18.0, 20.0))
    bare = rollout(task, Always(0.0, 1.0), 128, seed=2, size=64, threads=1)
    kept = rollout(dataclasses.replace(task, shield="rss"), Always(0.0, 1.0), 128, seed=2, size=64, threads=1)
    assert kept["lane_changes"].sum() > 0
    assert (kept["outcome"] == "collision").sum() <= (bare["outcome"] == "collision").sum()
    assert (kept["outcome"] == "collision").sum() == 0


# ── sensors ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_late_sensors_show_what_prompt_ones_showed_before():
    """With a latency of two substeps the neighbours' gaps are those of two substeps ago, between them in proportion."""
    task = dataclasses.replace(CLOSED, actions="continuous")
    names = task.observation.names
    gaps = [k for k, name in enumerate(names) if name.endswith("_gap_m")]
    prompt, late = (task.world(1, threads=1, seed=4) for _ in range(2))
    for world, substeps in ((prompt, 0.0), (late, 2.0)):
        world.reset(np.array([0]), np.array([5]))
        world._w.trial[0, c.LATENCY] = substeps
    seen = []
    for _ in range(12):
        now = look(prompt)[0, gaps]
        seen.append(now)
        if len(seen) > 2:
            np.testing.assert_allclose(look(late)[0, gaps], seen[-3], atol=1e-4)
        prompt.step(np.zeros((1, 2), np.float32))
        late.step(np.zeros((1, 2), np.float32))
    assert np.ptp(np.array(seen), axis=0).max() > 0.1, "nothing moved"


def test_nobody_is_seen_beyond_the_range_of_the_sensors():
    """Every gap is at most the range, whatever is farther."""
    world = PLAIN.world(32, threads=1, seed=4)
    world._w.trial[:, c.RANGE] = 40.0
    gaps = [k for k, name in enumerate(PLAIN.observation.names) if name.endswith("_gap_m")]
    seen = look(world)[:, gaps]
    assert seen.max() == 40.0
    assert (seen < 40.0).any()


def test_the_noise_has_the_declared_spread():
    """At a noise of 1 the standard deviation of a gap is its channel's, within 5 %."""
    world = PLAIN.world(1, threads=1, seed=4)
    world._w.trial[0, c.NOISE] = 0.0
    k = PLAIN.observation.names.index("own_front_gap_m")
    exact = look(world)[0, k]
    assert exact < 200.0
    world._w.trial[0, c.NOISE] = 1.0
    readings = []
    for key in range(4000):
        world._w.key[0] = key
        readings.append(look(world)[0, k] - exact)
    assert np.mean(readings) == pytest.approx(0.0, abs=0.03)
    assert np.std(readings) == pytest.approx(PLAIN.observation.channels[k].noise, rel=0.05)


def test_highway_envs_observation_is_its_own():
    """The rows for a state are those that highway-env 1.12 gave for it, to the printed digit."""
    task = Motorway(traffic="highway-env", sees="kinematics", cars=4)
    world = task.world(1, threads=1, seed=0)
    w = world._w
    for k, (s, d, v) in enumerate([(150.0, 4.0, 25.0), (180.0, 4.0, 22.0), (170.0, 0.0, 21.0), (145.0, 8.0, 24.0)]):
        w.car[0, k, [c.S, c.D, c.SPEED, c.HEADING]] = s, d, v, 0.0
        w.history[0, :, k] = s, d, v, 0.0
    w.car[0, 4, c.S] = w.history[0, :, 4, 0] = 500.0
    want = [
        [1.0, 0.75, 1 / 3, 0.3125, 0.0],
        [1.0, -0.025, -1 / 3, -0.0125, 0.0],
        [1.0, 0.1, 1 / 3, -0.05, 0.0],
        [1.0, 0.15, 0.0, -0.0375, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0],
    ]
    np.testing.assert_allclose(look(world)[0].reshape(5, 5), want, atol=1e-6)


# ── randomness ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_counted_numbers_are_splitmix64s_and_normal_ones_are_normal():
    """The uniforms are the published first outputs of SplitMix64 for the seed 1234567; 20,000 normals are normal."""
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    for k, bits in enumerate(published):
        assert uniform(np.uint64(1234567), k) == (bits >> 11) * 2.0**-53
    key = np.uint64(12345)
    values = np.array([standard_normal(key, k) for k in range(20_000)])
    assert values.mean() == pytest.approx(0.0, abs=0.03)
    assert values.std() == pytest.approx(1.0, abs=0.02)
    assert np.mean(np.abs(values) > 1.959964) == pytest.approx(0.05, abs=0.006)


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"shield": "rs"}, "shield is 'rs'; it must be one of none, rss, r157."),
        ({"lanes": 1}, "lanes is 1; it must be from 2 to 6."),
        ({"cars": 2}, "cars is 2; it must be from one a lane, 3, to 200."),
        ({"density": (0.0, 20.0)}, "density is from 0 to 20; within 0 to 60 per km and lane."),
        ({"ramp": 1.5}, "ramp is 1.5; it is a share, from 0 to 1."),
        ({"limit_s": 40.5}, "limit_s is 40.5; it must be a whole number of control periods."),
        ({"goal_m": -1.0}, "goal_m is -1; it must be above 0 and finite."),
        ({"limit_s": math.inf}, "limit_s is inf; it must be above 0 and finite."),
    ],
)
def test_fields_that_cannot_be_are_refused_in_a_sentence(fields, says):
    """Each bad field is named with what is allowed."""
    with pytest.raises(BadTask) as e:
        Motorway(**fields)
    assert str(e.value) == says


def test_the_shield_and_the_reference_drivers_have_one_formula():
    """The compiled safe distances are those of the R157-derived criteria, over a grid of speeds."""
    from jangin.vehicle.r157.criteria import RssConstants, reg157_ttc_needed_s, rss_longitudinal_gap_m

    constants = RssConstants(0.3, 0.0, 3.0, 6.0, 8.0, 0.2, 0.8, 0.1)
    for rear in (0.0, 10.0, 25.0, 40.0):
        for front in (0.0, 10.0, 25.0, 40.0):
            ours = shield.rss_distance(rear, front, 0.3, 3.0, 6.0, 8.0)
            assert ours == pytest.approx(float(rss_longitudinal_gap_m(rear, front, constants)), abs=1e-12)
            closing = max(rear - front, 0.0)
            needed = closing * float(reg157_ttc_needed_s(closing))
            assert shield.r157_distance(rear, front) == pytest.approx(max(needed, 2.0), abs=1e-12)
