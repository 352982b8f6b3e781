"""Driving in recorded scenarios: courses, planners, who judges, both replays, stored solutions."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from jangin.errors import BadFile, BadRoad, BadTask, UnknownName
from jangin.vehicle.commonroad import Goal, read_commonroad
from jangin.vehicle.commonroad_obstacles import StaticObstacle
from jangin.vehicle.commonroad_shapes import Interval, rectangle
from jangin.vehicle.driving.course import course_of
from jangin.vehicle.driving.examples import STEP_S, examples, two_lanes
from jangin.vehicle.driving.foresight import foreseen
from jangin.vehicle.driving.judge import Standing, ahead, first_contact, judged
from jangin.vehicle.driving.lines import beside, foot
from jangin.vehicle.driving.planners import ConstantSpeed, Proposals, RouteIdm
from jangin.vehicle.driving.ride import Ride, drive
from jangin.vehicle.driving.solutions import compared, model_gap_m, read_solution
from jangin.vehicle.driving.study import beside as put_beside
from jangin.vehicle.driving.study import study, summary
from jangin.vehicle.models import kinematic
from jangin.vehicle.parameters import BMW_320I
from jangin.vehicle.recorded import Recorded
from vehicle_roads import shared

SLOWER, CUT_IN, GAP = examples()


def without(scenario, *names):
    """The scenario without some of its road users."""
    r = scenario.recorded
    kept = [k for k, name in enumerate(r.names) if name not in names]
    arrays = {a: getattr(r, a)[kept] for a in ("length_m", "width_m", "x_m", "y_m", "heading_rad", "speed_m_s")}
    words = {a: tuple(getattr(r, a)[k] for k in kept) for a in ("names", "kinds")}
    return replace(scenario, recorded=Recorded(r.step_s, **words, **arrays))


def empty(scenario):
    return without(scenario, *scenario.recorded.names)


def goal_of(scenario, **changes):
    """The scenario with its one goal changed."""
    problem = scenario.problems[0]
    return replace(scenario, problems=(replace(problem, goals=(replace(problem.goals[0], **changes),)),))


def in_straight_line(scenario, x_m, speed_m_s, steps, across_m=0.0):
    """States of a vehicle that goes on along x and is drawn across by so much, its box's centre at x_m first."""
    y_m = np.linspace(0.0, across_m, steps)
    x = x_m - BMW_320I.rear_axle_to_centre_m + speed_m_s * STEP_S * np.arange(steps)
    return kinematic(BMW_320I).start(x_m=x, y_m=y_m, speed_m_s=speed_m_s)


# ── courses ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_point_beside_a_line_has_its_foot_where_it_came_from():
    """foot(beside(s, d)) = (s, d), to a centimetre on a bend of 250 m, and exactly on a straight line."""
    for scenario, tolerance in ((SLOWER, 1e-9), (GAP, 1e-2)):
        line = course_of(scenario.road, scenario.problems[0]).line
        for s in (3.3, 50.0, 123.4):
            for d in (-3.0, 0.0, 2.0):
                x, y, _ = beside(s, d, int(s / line[3][1]), *line)
                np.testing.assert_allclose(foot(x, y, *line, -1)[:2], (s, d), atol=tolerance)


def test_a_lane_change_is_an_offset_of_the_course_and_not_a_kink():
    """With the goal in the left lane, the course is that lane's middle all the way, and the start 3.5 m beside it."""
    problem = GAP.problems[0]
    course = course_of(GAP.road, problem)
    _, d, _ = foot(problem.start.x_m, problem.start.y_m, *course.line, -1)
    assert d == pytest.approx(-3.5, abs=0.01)
    assert np.abs(np.diff(course.curvature_1_m[5:-5])).max() < 1e-3
    assert course.centre_m[50, 2] == pytest.approx(-3.5, abs=0.01)  # the lane to the right
    assert math.isnan(course.centre_m[50, 4])  # none to the left


def test_the_target_is_where_the_goal_lies():
    """A goal of 30 m about the arc length 165 is met by the course from 150 to 180."""
    target = course_of(SLOWER.road, SLOWER.problems[0]).target
    assert target.s_m == pytest.approx((150.0, 180.0), abs=0.5)
    assert target.speed_m_s == (6.0, 13.0)
    assert target.steps == (80.0, 129.0)


def test_the_surface_reaches_as_far_as_the_lanes():
    """From the middle of the right of two 3.5 m lanes, the road goes on 5.25 m to the left and 1.75 m to the right."""
    course = course_of(SLOWER.road, SLOWER.problems[0])
    np.testing.assert_allclose(course.left_m[10:-10], 5.25, atol=0.26)
    np.testing.assert_allclose(course.right_m[10:-10], 1.75, atol=0.26)


# ── foresight ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_drives_along_the_line_is_foreseen_along_it():
    """A car on a bend is foreseen at its even speed along the bend, at the same offset."""
    line = course_of(GAP.road, GAP.problems[0]).line
    x, y, heading = beside(30.0, 1.0, 30, *line)
    seen = foreseen(np.array([[x, y, heading, 4.5, 1.8, 10.0]]), np.zeros(1), 30, 0.1, *line)
    np.testing.assert_allclose(seen[0, :, 3], 30.0 + np.arange(31), atol=0.01)
    np.testing.assert_allclose(seen[0, :, 4], 1.0, atol=0.01)


def test_who_crosses_goes_straight_on():
    """A car that drives across the line is foreseen on its own straight way."""
    line = course_of(SLOWER.road, SLOWER.problems[0]).line
    seen = foreseen(np.array([[50.0, -20.0, math.pi / 2, 4.5, 1.8, 10.0]]), np.zeros(1), 20, 0.1, *line)
    np.testing.assert_allclose(seen[0, :, 0], 50.0, atol=1e-9)
    np.testing.assert_allclose(seen[0, :, 1], -20.0 + np.arange(21), atol=1e-9)


# ── the loop ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("scenario", [empty(s) for s in (SLOWER, CUT_IN, GAP)], ids=lambda s: s.id)
def test_on_an_empty_road_the_planner_reaches_its_goal(scenario):
    """Nobody in the way: the goal is reached in its time with its speed, also in another lane of a bend."""
    assert drive(scenario, scenario.problems[0], Proposals()).outcome == "goal"


def test_a_follower_of_the_route_changes_lanes_on_a_bend():
    """The baseline without proposals gets into the left lane, too, on an empty road."""
    scenario = empty(GAP)
    assert drive(scenario, scenario.problems[0], RouteIdm()).outcome == "goal"


def test_the_planner_reaches_every_example_in_both_replays_and_the_baselines_do_not():
    """Proposals reaches all three goals, twice; going on as at the start does not reach all."""
    rows = study((SLOWER, CUT_IN, GAP))
    assert {row.outcome for row in rows if row.planner == "proposals"} == {"goal"}
    table = {(s.planner, s.replay): s for s in summary(rows)}
    assert len(table) == 6
    assert table["proposals", "log"].goal == 1.0
    assert table["constant speed", "log"].goal < 1.0
    assert table["constant speed", "log"].collision > 0.0
    assert table["proposals", "log"].low < 1.0 <= table["proposals", "log"].high


def test_a_drive_is_what_its_commands_make_of_the_model():
    """Driving a drive's commands again by hand gives its states, bit by bit; so does driving twice."""
    found = drive(GAP, GAP.problems[0], Proposals(), replay="reactive")
    again = drive(GAP, GAP.problems[0], Proposals(), replay="reactive")
    ride = Ride(GAP, GAP.problems[0], replay="reactive")
    for k, command in enumerate(found.commands):
        np.testing.assert_array_equal(ride.state, found.states[k])
        np.testing.assert_array_equal(ride.others, found.moving[:, k])
        ride.advance(*command)
    np.testing.assert_array_equal(found.states, again.states)
    assert found.verdict.costs == again.verdict.costs
    assert (found.outcome, found.verdict.min_ttc_s) == (again.outcome, again.verdict.min_ttc_s)


def test_limits_of_the_vehicle_hold():
    """No drive is faster, steers farther or faster, or brakes harder than the vehicle can, and none drives backward."""
    p = BMW_320I
    for scenario in (SLOWER, CUT_IN, GAP):
        states = drive(scenario, scenario.problems[0], Proposals()).states
        assert (states[:, 3] >= 0.0).all()
        assert np.abs(np.diff(states[:, 2])).max() <= p.steer_rate_max_rad_s * STEP_S + 1e-9
        assert np.abs(np.diff(states[:, 3])).max() <= p.acceleration_max_m_s2 * STEP_S + 1e-9


def test_the_log_does_not_react_and_reactive_traffic_does():
    """Behind an ego that stands, a logged car drives through it; a reactive one stops before it."""
    scenario = without(SLOWER, "0", "1")
    r = SLOWER.recorded
    still, x = np.zeros((1, 130)), 20.0 + np.arange(130.0)[None]
    behind = Recorded(r.step_s, ("b",), ("car",), r.length_m[:1], r.width_m[:1], x, still, still, still + 10.0)
    scenario = replace(scenario, recorded=behind)
    gaps = {}
    for replay in ("log", "reactive"):
        ride = Ride(scenario, scenario.problems[0], replay=replay)
        for _ in range(100):
            ride.advance(0.0, -8.0)
        gaps[replay] = ride.box[0] - ride.others[0, 0]
    assert gaps["log"] < 0.0
    assert gaps["reactive"] > 4.5


# ── who judges ───────────────────────────────────────────────────────────────────────────────────────────────────────


def judged_straight(scenario, **how):
    states = in_straight_line(scenario, 50.0, **how)
    moving = np.zeros((0, len(states), 6))
    return judged(scenario, scenario.problems[0], states, moving, vehicle=BMW_320I, ahead_m=1.4227170936)


def test_outcomes_have_their_classes():
    """A goal met in its time; the same place too fast, and too early; an edge crossed; a wall run into."""
    scenario = empty(SLOWER)
    assert judged_straight(scenario, speed_m_s=12.5, steps=130).outcome == "goal"
    fast = judged_straight(scenario, speed_m_s=14.0, steps=130)
    assert (fast.outcome, fast.missed) == ("timeout", "there with another velocity")
    early = judged_straight(scenario, speed_m_s=20.0, steps=130)
    assert (early.outcome, early.missed) == ("timeout", "not there in time")
    assert judged_straight(scenario, speed_m_s=12.5, steps=130, across_m=-2.0).outcome == "off_road"
    wall = StaticObstacle("w", "building", (rectangle(120.0, 0.0, 0.3, 0.1, 3.0),))
    verdict = judged_straight(replace(scenario, static=(wall,)), speed_m_s=12.5, steps=130)
    assert (verdict.outcome, verdict.hit.kind, verdict.at_fault) == ("collision", "standing", True)


def test_a_touch_between_two_time_steps_is_found():
    """A wall of 1 cm that a fast box passes within one step is hit at the share of the step at which it gets there."""
    wall = rectangle(80.0, 0.0, 0.0, 0.01, 2.0)
    standing = Standing.of(replace(SLOWER, static=(StaticObstacle("w", "x", (wall,)),)))
    own = np.array([[70.0, 0, 0, 4.0, 1.6, 200.0], [90.0, 0, 0, 4.0, 1.6, 200.0]])
    step, hit = first_contact(SLOWER.road, own, np.zeros((0, 2, 6)), (), standing, 1.4)
    assert step == 1
    assert hit.share == pytest.approx((80.0 - 0.005 - 72.0) / 20.0, abs=1e-5)


def test_faults_are_the_published_rules():
    """Who is run into from behind is not at fault; who runs into somebody ahead is."""
    road = SLOWER.road
    ours = np.array([[50.0, 0, 0, 4.5, 1.6, 10.0], [51.0, 0, 0, 4.5, 1.6, 10.0]])
    slow = np.array([[55.3, 0, 0, 4.5, 1.6, 5.0], [55.4, 0, 0, 4.5, 1.6, 5.0]])
    nothing = Standing((), np.zeros((0, 6)), ())
    _, into = first_contact(road, ours, slow[None], ("a",), nothing, 1.4)
    _, struck = first_contact(road, slow, ours[None], ("a",), nothing, 1.4)
    assert (into.kind, into.at_fault) == ("front", True)
    assert (struck.kind, struck.at_fault) == ("rear", False)


def test_who_is_absent_is_not_touched_and_who_appears_is():
    """A box that is NaN hits nobody; one that appears in the vehicle does, in the step in which it appears."""
    own = np.tile([50.0, 0, 0, 4.5, 1.6, 0.0], (3, 1))
    other = np.full((1, 3, 6), np.nan)
    nothing = Standing((), np.zeros((0, 6)), ())
    assert first_contact(SLOWER.road, own, other, ("a",), nothing, 1.4) is None
    other[0, 2] = [51.0, 0, 0, 4.5, 1.6, 0.0]
    step, hit = first_contact(SLOWER.road, own, other, ("a",), nothing, 1.4)
    assert (step, hit.name) == (2, "a")


def test_the_next_ahead_is_bumper_to_bumper():
    """10 m from bumper to bumper, closing at 5 m/s; who is beside or behind does not count."""
    own = np.array([[0.0, 0, 0, 4.0, 1.6, 15.0]])
    others = np.array([[14.0, 0.5, 0, 4.0, 1.8, 10.0], [8.0, 3.5, 0, 4.0, 1.8, 10.0], [-9.0, 0, 0, 4.0, 1.8, 30.0]])
    gap, closing = ahead(own, others[:, None])
    assert (gap[0], closing[0]) == (10.0, 5.0)


def test_costs_of_an_even_straight_drive_are_its_length():
    """At an even speed in the middle of a lane, with no speed in the goal, SM1 is the length and JB1 the time."""
    verdict = judged_straight(goal_of(empty(SLOWER), speed_m_s=None), speed_m_s=12.5, steps=130)
    assert verdict.costs["SM1"] == pytest.approx(12.5 * 0.1 * verdict.steps)
    assert verdict.costs["JB1"] == pytest.approx(0.1 * verdict.steps)


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_start_off_the_lanes_is_refused_in_a_sentence():
    """It names the place in the file, where it starts, and what to do."""
    problem = SLOWER.problems[0]
    away = replace(problem, start=replace(problem.start, y_m=-30.0))
    with pytest.raises(BadRoad) as refusal:
        course_of(SLOWER.road, away)
    assert str(refusal.value) == (
        "example 'slower-ahead': the problem starts at (50.0, -30.0), on no lane to drive on; a course needs one. "
        "Drive it with a planner that needs no lanes."
    )


def test_a_goal_off_the_lanes_is_refused_and_a_row_of_the_study():
    """The planner refuses it in one sentence, which the study keeps; shares are of what was driven."""
    far = goal_of(SLOWER, shapes=(rectangle(165.0, 60.0, 0.0, 30.0, 2.4),))
    rows = study([far, empty(SLOWER)], planners=[Proposals()], replays=["log"])
    assert [row.outcome for row in rows] == ["refused", "goal"]
    assert rows[0].why == (
        "example 'slower-ahead': no way over lanes leads from lanelet '0', where it starts, to a goal: the goals lie "
        "off the lanes, or their lanes cannot be reached. Choose another goal."
    )
    (table,) = summary(rows)
    assert (table.driven, table.refused, table.goal) == (1, 1, 1.0)


def test_replays_and_reference_points_go_by_name():
    """A wrong name is answered with the nearest; a goal that lasts too long is not waited for."""
    with pytest.raises(UnknownName, match=r"There is no replay 'logs'\. Did you mean 'log'"):
        Ride(SLOWER, SLOWER.problems[0], replay="logs")
    with pytest.raises(UnknownName, match=r"There is no reference point 'center'\. Did you mean 'centre'"):
        Ride(SLOWER, SLOWER.problems[0], reference="center")
    long = goal_of(SLOWER, steps=Interval(0.0, 9999.0))
    with pytest.raises(BadTask, match=r"the goal's time ends after 9999 steps; at most 2000 are driven\. Shorten it\."):
        Ride(long, long.problems[0])


def test_an_impossible_goal_ends_in_a_timeout_that_says_what_was_missed():
    """Nobody drives 115 m in 0.2 s."""
    soon = goal_of(empty(SLOWER), steps=Interval(1.0, 2.0))
    verdict = drive(soon, soon.problems[0], Proposals()).verdict
    assert (verdict.outcome, verdict.missed, verdict.steps) == ("timeout", "not there in time", 2)


# ── stored solutions ─────────────────────────────────────────────────────────────────────────────────────────────────


def solution_file(tmp_path, states, *, benchmark="KS2:SM1:slower-ahead:2018b", first=0):
    rows = "".join(
        f"<ksState><x>{float(x)!r}</x><y>{float(y)!r}</y><steeringAngle>{float(d)!r}</steeringAngle>"
        f"<velocity>{float(v)!r}</velocity><orientation>{float(h)!r}</orientation><time>{first + k}</time></ksState>"
        for k, (x, y, d, v, h) in enumerate(states)
    )
    path = tmp_path / "solution.xml"
    path.write_text(
        f'<CommonRoadSolution benchmark_id="{benchmark}"><ksTrajectory planningProblem="1">{rows}</ksTrajectory>'
        "</CommonRoadSolution>"
    )
    return path


def test_a_stored_solution_is_judged_like_a_drive_of_ours(tmp_path):
    """A drive of ours, written as a solution, read and judged again, has the same verdict and no gap to the model."""
    found = drive(SLOWER, SLOWER.problems[0], Proposals(), reference="rear axle")
    solution = read_solution(solution_file(tmp_path, found.states))
    (verdict,) = compared(SLOWER, solution, reference="rear axle").values()
    assert (verdict.outcome, verdict.steps, verdict.costs) == (found.outcome, found.verdict.steps, found.verdict.costs)
    assert model_gap_m(solution, "1", STEP_S) < 1e-3
    rows = study([SLOWER], planners=[Proposals()], replays=["log"])
    side = put_beside(rows, {("slower-ahead", "1"): verdict})
    assert (side.problems, side.goal, side.their_goal, side.both) == (1, 1, 1, 1)


def test_solutions_that_do_not_fit_are_refused(tmp_path):
    """Another model, another scenario and a missing time step are each one sentence."""
    states = in_straight_line(SLOWER, 50.0, 12.5, 5)
    with pytest.raises(BadFile, match=r"the benchmark is 'PM1:JB1:X:2018b'; read are solutions of the kinematic model"):
        read_solution(solution_file(tmp_path, states, benchmark="PM1:JB1:X:2018b"))
    solution = read_solution(solution_file(tmp_path, states))
    with pytest.raises(BadRoad, match="The solution is for 'slower-ahead', the scenario is 'cut-in'"):
        compared(CUT_IN, solution)
    text = solution_file(tmp_path, states).read_text().replace("<time>3</time>", "<time>7</time>")
    (tmp_path / "solution.xml").write_text(text)
    with pytest.raises(BadFile, match=r"time steps must follow one another\. Fill the gap\."):
        read_solution(tmp_path / "solution.xml")


# ── recorded data ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_recorded_car_taken_out_of_its_recording_has_no_crash_with_the_others():
    """Recorded traffic is free of crashes: a car on its recorded states, itself removed, touches nobody."""
    scenario = read_commonroad(shared("commonroad", "USA_US101-4_1_T-1.xml"))
    r = scenario.recorded
    nothing = Standing((), np.zeros((0, 6)), ())
    whole = [i for i in range(len(r)) if r.present[i].all()]
    assert whole
    for i in whole[:6]:
        size = np.full((r.x_m.shape[1], 2), [r.length_m[i], r.width_m[i]])
        own = np.column_stack([r.x_m[i], r.y_m[i], r.heading_rad[i], size, r.speed_m_s[i]])
        rest = without(scenario, r.names[i]).recorded
        sizes = np.broadcast_to(np.stack([rest.length_m, rest.width_m], axis=1)[:, None], (*rest.x_m.shape, 2))
        poses = np.stack([rest.x_m, rest.y_m, rest.heading_rad], axis=2)
        moving = np.concatenate([poses, sizes, rest.speed_m_s[..., None]], axis=2)
        assert first_contact(scenario.road, own, moving, rest.names, nothing, 1.4) is None


def test_recorded_problems_are_driven_to_their_goals():
    """US 101: in the log the planner reaches the goals of these two cut-outs; among reactive drivers it hits nobody."""
    for name in ("USA_US101-3_3_T-1", "USA_US101-4_1_T-1"):
        scenario = read_commonroad(shared("commonroad", f"{name}.xml"))
        assert drive(scenario, scenario.problems[0], Proposals()).outcome == "goal"
        assert drive(scenario, scenario.problems[0], Proposals(), replay="reactive").verdict.hit is None


def test_a_problem_without_a_place_only_asks_for_time():
    """Its course is the lane where it starts, and going on without a crash until its time comes is the goal."""
    road = two_lanes(0.0)
    anywhere = Goal(Interval(20.0, 20.0), (), (), None, None, road)
    scenario = empty(SLOWER)
    scenario = replace(scenario, problems=(replace(scenario.problems[0], goals=(anywhere,)),))
    assert drive(scenario, scenario.problems[0], Proposals()).verdict.steps == 20
    assert drive(scenario, scenario.problems[0], ConstantSpeed()).outcome == "goal"
