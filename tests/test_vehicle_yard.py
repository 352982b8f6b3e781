"""Laws of `vehicle/yard`: motion, contact, limits, margins, maps, the experts, refusals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jangin.engine.rollout import rollout
from jangin.errors import BadFile, BadTask
from jangin.vehicle.boxes import Boxes, gap
from jangin.vehicle.models import articulated, kinematic, trailer_centre
from jangin.vehicle.motion import step as exact_step
from jangin.vehicle.tasks.yard import PLANS, Yard
from jangin.vehicle.yards import columns as c

CAR = Yard(physics="training")
TRUCK = Yard(physics="training", vehicle="truck", place="dock")
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "vehicle"


def begun(task, trial=0, nsim=1):
    """A world whose simulations are in trials trial, trial + 1, ..."""
    world = task.world(nsim, threads=1, seed=3, purpose="test")
    world.reset(np.arange(nsim), trial + np.arange(nsim))
    return world


def act(*pair):
    return np.array([pair], np.float32)


@pytest.mark.parametrize("task", [CAR, TRUCK], ids=["car", "truck"])
def test_it_rolls_as_the_published_models_do(task):
    """On level ground and without lag, five seconds of driving are those of the bulk model to a centimetre."""
    world = begun(task)
    w, p = world._w, task.parameters
    w.trial[0, [c.LAG, c.STEER_LAG]] = 0.0
    w.box[0, :, 3] = 0.0  # nothing stands around
    model = articulated(p) if p.trailer else kinematic(p)
    x, y, heading, speed, steer, hitch = w.car[0]
    values = {"x_m": x, "y_m": y, "heading_rad": heading, "speed_m_s": speed, "steer_rad": steer}
    state = model.start(**values, **({"hitch_rad": hitch} if p.trailer else {}))[None]
    for told, rate in ((0.8, 0.2), (0.8, -0.3), (-0.6, -0.2), (-0.6, 0.3), (0.0, 0.0)):
        for _ in range(5):
            world.step(act(told, rate))
            for _ in range(4):
                most = float(world._w.settings[c.ACCEL])
                accel = np.clip((float(np.float32(told)) - state[0, 3]) / 0.05, -most, most)
                state = exact_step(model, state, np.array([[float(np.float32(rate)), accel]]), 0.05)
    np.testing.assert_allclose(w.car[0, [c.X, c.Y, c.STEER, c.SPEED, c.HEADING]], state[0, :5], atol=0.01)
    if p.trailer:
        assert w.car[0, c.HITCH] == pytest.approx(state[0, 5], abs=2e-3)
        np.testing.assert_allclose(
            [v[0] for v in world._placed(np.array([0]))], trailer_centre(model, state)[0], atol=0.02
        )


@pytest.mark.parametrize("task", [CAR, TRUCK], ids=["car", "truck"])
def test_whatever_is_told_the_limits_hold(task):
    """Steering angle and rate, speed and acceleration stay within the vehicle's under wild actions."""
    world, rng = begun(task, nsim=16), np.random.default_rng(0)
    world._w.box[:, :, 3] = 0.0
    p, before = task.parameters, world._w.car.copy()
    for _ in range(40):
        actions = rng.uniform(-9.0, 9.0, (16, 2)).astype(np.float32)
        world.step(actions)
        car = world._w.car
        assert (np.abs(car[:, c.STEER]) <= p.steer_max_rad + 1e-12).all()
        assert (np.abs(car[:, c.STEER] - before[:, c.STEER]) <= 0.2 * p.steer_rate_max_rad_s + 1e-9).all()
        assert (np.abs(car[:, c.SPEED] - before[:, c.SPEED]) <= 0.2 * world._w.settings[c.ACCEL] + 1e-9).all()
        assert (car[:, c.SPEED] <= 10.0 / 3.6).all()
        before = car.copy()


def test_a_touch_ends_the_trial_where_the_boxes_touch():
    """Driving on blindly ends in a collision, with the box in contact with what it hit, and a negative margin."""
    world, ids, hits = begun(CAR, nsim=32), np.arange(32), 0
    for _ in range(150):
        step = world.step(np.tile(act(2.0, 0.02), (32, 1)), ids)
        for sim in ids[step.outcome == c.COLLISION]:
            x, y, heading = (v[0] for v in world._placed(np.array([sim])))
            ego = Boxes(*(np.array(v) for v in (x, y, heading, 4.508, 1.61)))
            box = world._w.box[sim]
            assert gap(ego, Boxes(*box[box[:, 3] > 0.0].T)).min() < 0.11
            assert world.record(np.array([sim]))["margin"][0] < 0.0
            hits += 1
        ids = ids[step.outcome == 0]
        if not len(ids):
            break
    assert hits >= 16


def test_a_truck_that_backs_up_with_its_wheels_turned_folds():
    """Backward at full lock the hitch angle grows until the trial ends as a jackknife."""
    world = begun(TRUCK)
    world._w.box[0, :, 3] = 0.0
    world._w.trial[0, [c.LOW_X, c.LOW_Y]], world._w.trial[0, [c.HIGH_X, c.HIGH_Y]] = -500.0, 500.0
    for _ in range(300):
        step = world.step(act(-1.0, 0.7))
        if step.outcome[0]:
            break
    assert world.outcomes[step.outcome[0]] == "jackknife"
    assert world.record(np.array([0]))["margin"][0] < 0.0


@pytest.mark.parametrize("task", [CAR, TRUCK], ids=["car", "truck"])
def test_standing_at_the_goal_is_success_and_only_there(task):
    """Within both tolerances and at rest the next period is a success; outside either, or rolling, it is not."""
    p = task.parameters
    cases = {(0.0, 0.0, 0.0): True, (0.24, 0.0, 0.0): True, (0.27, 0.0, 0.0): False, (0.0, 0.1, 0.0): False}
    cases |= {(0.0, 0.0, 0.5): False}
    for (aside, turned, speed), wins in cases.items():
        world = begun(task)
        w = world._w
        w.box[0, :, 3] = 0.0
        heading = w.trial[0, c.GOAL_HEADING] + turned
        back = p.trailer.centre_behind_hitch_m if p.trailer else -p.rear_axle_to_centre_m
        w.car[0] = 0.0
        w.car[0, [c.X, c.Y, c.HEADING]] = back * np.cos(heading), aside + back * np.sin(heading), heading
        w.car[0, c.SPEED] = w.trial[0, c.TOLD_SPEED] = speed
        step = world.step(act(speed, 0.0))
        assert (step.outcome[0] == c.SUCCESS) == wins, (aside, turned, speed)
        assert (world.record(np.array([0]))["margin"][0] >= 0.0) == wins


def test_the_goal_is_seen_from_the_placed_body():
    """Goal position and heading in the observation lead from where the body truly is to the goal exactly."""
    for task in (CAR, TRUCK):
        world = begun(task, nsim=16)
        seen, known = world.observe().astype(float), world.privileged().astype(float)
        heading = np.arctan2(known[:, 3], known[:, 2])
        x = known[:, 0] + np.cos(heading) * seen[:, 0] - np.sin(heading) * seen[:, 1]
        y = known[:, 1] + np.sin(heading) * seen[:, 0] + np.cos(heading) * seen[:, 1]
        np.testing.assert_allclose([x, y], 0.0, atol=1e-4)
        turned = heading + np.arctan2(seen[:, 3], seen[:, 2]) - world._w.trial[:, c.GOAL_HEADING]
        np.testing.assert_allclose(np.cos(turned), 1.0, atol=1e-6)


@pytest.mark.parametrize(("vehicle", "place"), PLANS)
def test_the_experts_place_what_they_are_made_for(vehicle, place):
    """Of each kind 90 % and more are placed, in training and in evidence."""
    for physics in ("training", "evidence"):
        task = Yard(physics=physics, vehicle=vehicle, place=place)
        trials = rollout(task, task.expert(), 24, seed=11, purpose="test", size=24)
        assert trials.successes >= 22
        won = trials["outcome"] == "success"
        assert (trials["miss_m"][won] <= task.tolerance_m).all()
        assert (trials["miss_rad"][won] <= task.tolerance_rad).all()


def test_places_are_free_at_the_start_and_at_the_goal():
    """Neither the vehicle at its start nor the placed body at its goal touches anything, whatever is drawn."""
    for vehicle, place in PLANS:
        task = Yard(vehicle=vehicle, place=place)
        world = begun(task, nsim=64)
        assert (world._w.trial[:, c.MIN_GAP] > 0.1).all()
        for sim in range(64):
            box = world._w.box[sim]
            goal = Boxes(*(np.array(v) for v in (0.0, 0.0, 0.0, *task.placed_m)))
            assert gap(goal, Boxes(*box[box[:, 3] > 0.0].T)).min() > 0.2


def test_a_loading_bay_and_a_parking_lot_are_places_too():
    """CommonRoad's loading bay has 12 docks, OpenDRIVE's parking demo places; starts and goals are free."""
    bay, lot = SHARED / "commonroad" / "ZAM_Loading_Bay-1_1_T.xml", SHARED / "opendrive" / "parking_demo.xodr"
    if not bay.exists() or not lot.exists():
        pytest.skip("the shared vehicle data is not here")
    for task, least in ((replace(TRUCK, map=str(bay)), 12), (replace(CAR, map=str(lot)), 20)):
        sites = task.sites
        assert len(sites.names) >= least
        world = begun(task, nsim=48)
        assert (world._w.trial[:, c.MIN_GAP] > 0.0).all()
        goal = Boxes(*(np.array(v) for v in (0.0, 0.0, 0.0, *task.placed_m)))
        for k in range(len(sites.names)):
            there = sites.box[k, :, 3] > 0.0
            assert gap(goal, Boxes(*sites.box[k, there].T)).min() > 0.05
        assert task.model["map_sha256"] == sites.sha256
        assert np.isfinite(world.observe()).all()


def test_a_film_shows_every_body_and_changes_nothing():
    """Frames list truck and trailer; looking or not, the next step is the same."""
    one, other = begun(replace(TRUCK, physics="evidence")), begun(replace(TRUCK, physics="evidence"))
    for _ in range(5):
        frame, scenery = one.frame(0), one.scenery(0)
        assert frame.kinds == ("driven", "trailer")
        assert set(frame.values) == set(scenery.values.names)
        one.step(act(-0.7, 0.1))
        other.step(act(-0.7, 0.1))
    np.testing.assert_array_equal(one.observe(), other.observe())


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"vehicle": "bus"}, "vehicle is 'bus'; it must be one of car, truck, tugger."),
        ({"place": "road"}, "place is 'road'; it must be one of parking, dock."),
        ({"vehicle": "truck"}, "A truck with its trailer does not fit into a parking place; give it place='dock'."),
        ({"tolerance_rad": 0.0}, "tolerance_rad is 0; it must be above 0."),
        ({"limit_s": 9.9}, "limit_s is 9.9; it must be a whole number of control periods of 0.2 s."),
        ({"map": "yard.png"}, "map is 'yard.png'; give a CommonRoad scenario (.xml) or an OpenDRIVE road (.xodr)."),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(fields, text):
    """Each field that cannot be is refused with what it is and what it must be."""
    with pytest.raises(BadTask) as refused:
        replace(Yard(), **fields)
    assert str(refused.value) == text


def test_a_map_that_is_missing_or_has_no_place_is_refused(tmp_path):
    """A file that is not there is named; a road without parking spaces says what it lacks."""
    with pytest.raises(BadFile, match=r"nowhere\.xodr"):
        Yard(map=str(tmp_path / "nowhere.xodr"))
    plain = SHARED / "opendrive" / "straight_500m.xodr"
    if plain.exists():
        with pytest.raises(BadTask, match=r"has no parking space that a body of 4\.508 x 1\.61 m fits in"):
            Yard(map=str(plain))
