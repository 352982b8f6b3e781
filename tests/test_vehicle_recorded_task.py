"""The task vehicle/recorded: what is seen is what there is, files of the user's, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jangin.engine.rollout import rollout
from jangin.errors import BadFile, BadTask
from jangin.task import SUCCESS, Filmed
from jangin.vehicle.driving.lines import beside, foot
from jangin.vehicle.recorded_cases import cases
from jangin.vehicle.recorded_sensing import sensed, situation_of
from jangin.vehicle.tasks.recorded import Recorded
from vehicle_roads import shared

TASK = Recorded(physics="training")


def world_at(problem, task=TASK):
    """One simulation at the start of one of the problems, unmoved."""
    world = task.world(1, threads=1, seed=1)
    share = (problem + 0.5) / len(cases(task.scenarios, task.limit_s).cases)
    world.reset(np.zeros(1, int), np.zeros(1, int), at=np.array([[share, 0.5, 0.5, 0.0]]))
    return world


def test_an_observation_holds_what_the_planner_needs():
    """Read back from a row, everybody is where they are, seen from the vehicle; the course bends as it does."""
    for problem in range(3):
        world = world_at(problem)
        ride, case = world._trials[0].ride, world._trials[0].case
        here, boxes = situation_of(sensed(ride, case.course, np.random.default_rng(0), 0.0), 0.1)
        s, d, _ = foot(*ride.state[:2], *case.course.line, -1)
        assert here.d_m == pytest.approx(d, abs=1e-4)
        assert len(boxes) == len(case.scenario.recorded)
        for box in ride.others:
            s_there, d_there, k = foot(box[0], box[1], *case.course.line, -1)
            _, _, way = beside(s_there, d_there, k, *case.course.line)
            seen = [foot(*b[:2], *here.course.line, -1)[:2] for b in boxes]
            away = [abs(a - here.s_m - (s_there - s)) + abs(b - d_there) for a, b in seen]
            i = int(np.argmin(away))
            assert away[i] < 0.05
            _, _, way_seen = beside(seen[i][0], seen[i][1], int(seen[i][0]), *here.course.line)
            assert boxes[i, 2] - way_seen == pytest.approx(box[2] - way, abs=0.01)
            np.testing.assert_allclose(boxes[i, 3:6], box[3:6])
        assert here.target[9] == case.course.target.steps[1] - ride.step


def test_noise_moves_only_what_is_seen_of_others():
    """Two draws of the noise differ in the neighbours' places, and nowhere else; without noise they are alike."""
    world = world_at(0)
    trial = world._trials[0]
    rows = [sensed(trial.ride, trial.case.course, np.random.default_rng(k), 1.0) for k in (1, 2)]
    names = np.array(TASK.observation.names)
    differ = names[rows[0] != rows[1]]
    assert len(differ)
    assert all(name.startswith("other_") for name in differ)
    exact = [sensed(trial.ride, trial.case.course, np.random.default_rng(k), 0.0) for k in (1, 2)]
    np.testing.assert_array_equal(*exact)


def test_the_conditions_say_which_problem_and_how_it_starts():
    """A share of the list is a problem; the start is moved by what the conditions say, at right angles to its way."""
    found = cases("", 20.0).cases
    assert [case.scenario.id for case in found] == ["slower-ahead", "cut-in", "into-the-gap"]
    np.testing.assert_array_equal(TASK.numbered(np.array([0.0, 0.34, 0.999]), 3), [0, 1, 2])
    world = TASK.world(1, threads=1)
    world.reset(np.zeros(1, int), np.zeros(1, int), at=np.array([[0.0, 0.75, 0.25, 0.0]]))
    ride, start = world._trials[0].ride, found[0].problem.start
    assert ride.box[0] == pytest.approx(start.x_m)
    assert ride.box[1] == pytest.approx(start.y_m + 0.15)
    assert ride.box[5] == pytest.approx(start.speed_m_s - 0.5)


def test_the_world_ends_a_trial_as_the_judge_does():
    """Going straight on at an even speed runs into the car ahead: a collision, at fault, with a margin below 0."""
    world = world_at(0)
    while True:
        step = world.step(np.zeros((1, 2)))
        if step.outcome[0]:
            break
    row = world.record(np.zeros(1, int))
    assert world.outcomes[step.outcome[0]] == "collision"
    assert row["at_fault"][0] == 1.0
    assert row["impact_m_s"][0] > 3.0
    assert row["margin"][0] < 0.0
    assert row["peak_inverse_ttc_1_s"][0] == 20.0


def test_a_world_can_be_seen_from_above_and_looking_changes_nothing():
    """Scenery has the road and the goal, a frame the driven vehicle first; what is observed stays the same."""
    world = world_at(2)
    seen = world.observe()
    assert isinstance(world, Filmed)
    assert {shape.kind for shape in world.scenery(0).shapes} >= {"road", "goal"}
    frame = world.frame(0)
    assert frame.kinds[0] == "driven"
    assert frame.boxes.shape == (1 + len(world._trials[0].case.scenario.recorded), 5)
    np.testing.assert_array_equal(world.observe(), seen)


def test_the_expert_drives_among_reactive_drivers_with_noise():
    """With sensors' noise and drivers who react, it reaches most of 4 trials, and causes no crash."""
    table = rollout(Recorded(replay="reactive"), Recorded().expert(), 4, seed=3, purpose="test", size=4)
    assert np.sum(table["outcome"] == SUCCESS) >= 3
    assert table["at_fault"].sum() == 0.0


def test_files_of_the_users_are_trials_too():
    """A recorded scenario is taken; what lasts too long is left out with a sentence; its hash is in the identity."""
    path = shared("commonroad", "USA_US101-4_1_T-1.xml")
    task = Recorded(scenarios=str(path), physics="training")
    assert task.model["problems"] == "1"
    assert task.model["scenarios_sha256"] != TASK.model["scenarios_sha256"]
    world = task.world(1, threads=1)
    assert np.isfinite(world.observe()).all()
    with pytest.raises(BadTask, match=r"None of 1 problems can be driven; the first: .* beyond limit_s = 1; raise it"):
        _ = replace(task, limit_s=1.0).model


def test_what_is_no_scenario_is_refused(tmp_path):
    """No file, an empty folder and fields out of their range are each one sentence."""
    with pytest.raises(BadFile, match=r"there is no such file or folder\. Give CommonRoad scenarios, or leave"):
        _ = Recorded(scenarios=str(tmp_path / "none")).model
    with pytest.raises(BadFile, match=r"there is no \.xml file in this folder"):
        _ = Recorded(scenarios=str(tmp_path)).model
    with pytest.raises(BadTask, match="replay is 'logs'; it must be one of log, reactive"):
        Recorded(replay="logs")  # type: ignore[arg-type]
    with pytest.raises(BadTask, match=r"limit_s is 0\.5; it must be from 1 to 200"):
        Recorded(limit_s=0.5)
    with pytest.raises(BadTask, match="start_left_m is 2; it must be above 0, and 1 at the most"):
        Recorded(start_left_m=2.0)
