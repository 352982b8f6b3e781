"""CommonRoad scenarios: small ones written here against what they say, real ones against their facts."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from jangin.errors import BadFile, BadRoad
from jangin.vehicle.commonroad import read_commonroad
from jangin.vehicle.commonroad_shapes import Interval, rectangle
from vehicle_roads import (
    SHARED,
    bound,
    commonroad,
    exact,
    interval,
    lanelet,
    problem,
    shared,
    state,
    straight,
)

BOX = "<shape><rectangle><length>4.0</length><width>2.0</width></rectangle></shape>"
MOVING = exact("velocity", 10.0)
WHEN = interval("time", 10, 20)


def obstacle(*states: str, id_: int = 7, shape: str = BOX, tag: str = "dynamicObstacle") -> str:
    """A moving obstacle; states after the first make its trajectory."""
    rest = f"<trajectory>{''.join(states[1:])}</trajectory>" if len(states) > 1 else ""
    return f'<{tag} id="{id_}"><type>car</type>{shape}\n{states[0]}{rest}</{tag}>\n'


def refused(path: Path, error: type[Exception] = BadRoad) -> str:
    with pytest.raises(error) as caught:
        read_commonroad(path)
    return str(caught.value)


# ── the road ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lanelet_is_the_mean_of_its_bounds(tmp_path: Path):
    """Centre, width, length and area of a lanelet that widens from 2 to 4 m over 30 m; long pieces are divided."""
    path = commonroad(tmp_path, lanelet(1, bound((0, 2), (30, 4)), bound((0, 0), (30, 0))))
    town = read_commonroad(path).road
    assert (town.x_m[0], town.y_m[0], town.x_m[-1], town.y_m[-1]) == (0.0, 1.0, 30.0, 2.0)
    assert np.max(np.diff(town.s_m)) <= 5.1
    assert town.length_m[0] == pytest.approx(math.hypot(30.0, 1.0))
    assert town.area_m2(0) == pytest.approx(90.0, rel=2e-3)
    assert town.sagitta_m == 0.0


def test_a_chord_polygon_of_a_circle_has_its_curvature(tmp_path: Path):
    """Corners every 2 degrees on a circle of 100 m: curvature 1/100 within a thousandth, heading along the tangent."""
    angle = np.radians(np.arange(0.0, 60.1, 2.0))
    ring = [bound(*zip((r * np.sin(angle)).tolist(), (100.0 - r * np.cos(angle)).tolist())) for r in (98.0, 102.0)]
    town = read_commonroad(commonroad(tmp_path, lanelet(1, *ring))).road
    assert np.allclose(town.curvature_1_m, 0.01, rtol=1e-3)
    assert np.allclose(town.heading_rad[1:-1], angle[1:-1], atol=1e-9)


def test_references_become_links_and_neighbours(tmp_path: Path):
    """Successor, predecessor, same-direction and opposite neighbours, by lanelet id."""
    first = straight(10, 0, 20, more='<successor ref="11"/><adjacentLeft ref="12" drivingDir="same"/>')
    town = read_commonroad(
        commonroad(
            tmp_path,
            first,
            straight(11, 20, 40, more='<predecessor ref="10"/>'),
            straight(12, 0, 20, y=4.0, more='<adjacentRight ref="10" drivingDir="same"/>'),
            lanelet(
                13, bound((20, 6), (0, 6)), bound((20, 10), (0, 10)), '<adjacentLeft ref="12" drivingDir="opposite"/>'
            ),
        )
    ).road
    assert town.names == ("10", "11", "12", "13")
    assert town.successors(0).tolist() == [1]
    assert town.predecessors(1).tolist() == [0]
    assert (town.left[0], town.right[2]) == (2, 0)
    assert town.left_opposite.tolist() == [False, False, False, True]
    assert town.route(2, 1) == (2, 0, 1)


def test_limits_come_from_lanelets_and_from_signs(tmp_path: Path):
    """<speedLimit> of 2018b, and the sign 274 of 2020a with its value in m/s; other signs limit nothing."""
    sign = (
        '<trafficSign id="{}"><trafficSignElement><trafficSignID>{}</trafficSignID>'
        "<additionalValue>{}</additionalValue></trafficSignElement></trafficSign>"
    )
    scenario = read_commonroad(
        commonroad(
            tmp_path,
            straight(1, 0, 9, more="<speedLimit>13.5</speedLimit>"),
            straight(2, 0, 9, y=4, more='<trafficSignRef ref="50"/>'),
            straight(3, 0, 9, y=8, more='<trafficSignRef ref="51"/>'),
            sign.format(50, 274, 22.5),
            sign.format(51, 310, 3.0),
        )
    )
    assert scenario.road.speed_limit_m_s[:2].tolist() == [13.5, 22.5]
    assert np.isnan(scenario.road.speed_limit_m_s[2])
    assert scenario.signs[0].elements == (("274", ("22.5",)),)
    assert scenario.signs[0].lanes == (1,)


def test_lanelets_that_contradict_themselves_are_refused(tmp_path: Path):
    """Unpaired or swapped bounds, one point, unknown references, a gap to the successor: each with line and lanelet."""
    said = refused(commonroad(tmp_path, lanelet(5, bound((0, 2), (9, 2)), bound((0, 0), (4, 0), (9, 0)))))
    assert said.startswith("scenario.xml, line 3 (lanelet '5'): the left bound has 2 points, the right one 3;")
    assert "Swap them" in refused(commonroad(tmp_path, straight(5, 0, 9, width=-3.0)))
    assert "it needs at least two" in refused(commonroad(tmp_path, lanelet(5, bound((0, 2)), bound((0, 0)))))
    assert "there is no lanelet '6' in the file" in refused(
        commonroad(tmp_path, straight(5, 0, 9, more='<successor ref="6"/>'))
    )
    path = commonroad(tmp_path, straight(5, 0, 9, more='<successor ref="6"/>'), straight(6, 12, 20))
    assert "lanelet '6' begins 3 m away from where lanelet '5' ends; allowed are 0.5 m" in refused(path)


# ── traffic ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_trajectory_is_recorded_as_it_is(tmp_path: Path):
    """Positions, headings and speeds at their time steps; before it comes and after it leaves a car is NaN."""
    car = obstacle(*(state("initialState" if t == 2 else "state", t, 1.0 * t, 5.0, 0.1, MOVING) for t in (2, 3, 4)))
    other = obstacle(*(state("initialState" if t == 0 else "state", t, 0, 0, 0.0, MOVING) for t in range(6)), id_=8)
    recorded = read_commonroad(commonroad(tmp_path, car, other)).recorded
    assert (recorded.names, recorded.step_s) == (("7", "8"), 0.1)
    assert recorded.present[0].tolist() == [False, False, True, True, True, False]
    assert recorded.x_m[0, 2:5].tolist() == [2.0, 3.0, 4.0]
    assert recorded.heading_rad[0, 3] == 0.1
    assert recorded.speed_m_s[0, 3] == 10.0
    assert (recorded.length_m[0], recorded.width_m[0], recorded.kinds[0]) == (4.0, 2.0, "car")


def test_a_point_masss_velocity_gives_heading_and_speed(tmp_path: Path):
    """Without an orientation, velocity and velocityY are the parts along x and y: 3 and 4 m/s make 5 at atan2(4, 3)."""
    parts = exact("velocity", 3.0) + exact("velocityY", 4.0)
    car = obstacle(state("initialState", 0, 0, 0, 0.0, MOVING), state("state", 1, 1, 0, None, parts))
    recorded = read_commonroad(commonroad(tmp_path, car)).recorded
    assert recorded.speed_m_s[0, 1] == pytest.approx(5.0)
    assert recorded.heading_rad[0, 1] == pytest.approx(math.atan2(4.0, 3.0))


def test_what_is_simplified_is_noted(tmp_path: Path):
    """Sets are replaced by their centres, missing speeds by the distance moved, and both are said with the place."""
    wide = (
        "<initialState><position><rectangle><length>1</length><width>1</width><center><x>5</x><y>6</y></center>"
        f"</rectangle></position>{interval('orientation', 0.1, 0.3)}{exact('time', 0)}</initialState>"
    )
    scenario = read_commonroad(commonroad(tmp_path, obstacle(wide, state("state", 1, 7.0, 6.0, 0.0))))
    recorded = scenario.recorded
    assert (recorded.x_m[0, 0], recorded.y_m[0, 0]) == (5.0, 6.0)
    assert recorded.heading_rad[0, 0] == pytest.approx(0.2)
    assert recorded.speed_m_s[0, 1] == pytest.approx(20.0)
    assert scenario.notes == (
        "scenario.xml, line 3 (dynamicObstacle '7'): states are sets; the centre of each is taken.",
        "scenario.xml, line 3 (dynamicObstacle '7'): 2 states give no speed; it is taken from the way moved.",
    )


def test_a_box_that_is_not_about_the_reference_point_is_moved(tmp_path: Path):
    """A rectangle whose centre is 1 m ahead of the reference point stands 1 m ahead along the heading."""
    ahead = BOX.replace("</rectangle>", "<center><x>1.0</x><y>0.0</y></center></rectangle>")
    car = obstacle(state("initialState", 0, 5, 5, math.pi / 2, MOVING), shape=ahead)
    recorded = read_commonroad(commonroad(tmp_path, car)).recorded
    assert (recorded.x_m[0, 0], recorded.y_m[0, 0]) == pytest.approx((5.0, 6.0))


def test_sets_are_kept_as_sets(tmp_path: Path):
    """An occupancy prediction is no trajectory: it is kept with its time steps, the first place of its box with it."""
    circle = "<circle><radius>2</radius><center><x>3</x><y>0</y></center></circle>"
    entry = f"<occupancySet><occupancy><shape>{circle}</shape>{interval('time', 1, 4)}</occupancy></occupancySet>"
    node = obstacle(state("initialState", 0, 0, 0)).replace("</dynamicObstacle>", entry + "</dynamicObstacle>")
    scenario = read_commonroad(commonroad(tmp_path, node))
    assert len(scenario.recorded) == 0
    first, then = scenario.occupied
    assert (first.first_step, first.last_step, first.shapes[0].kind) == (0, 0, "rectangle")
    assert (then.first_step, then.last_step, then.shapes[0].length_m) == (1, 4, 4.0)
    assert then.shapes[0].contains(np.array([4.9, 5.1]), np.zeros(2)).tolist() == [True, False]


def test_a_trajectory_without_gaps_is_demanded(tmp_path: Path):
    """A step left out, a time that is an interval, a state without heading: refused with the obstacle."""
    car = obstacle(state("initialState", 0, 0, 0, 0.0, MOVING), state("state", 2, 1, 0, 0.0, MOVING))
    assert "(dynamicObstacle '7'): the trajectory goes from time step 0 to 2" in refused(commonroad(tmp_path, car))
    late = obstacle(state("initialState", 0, 0, 0, 0.0, MOVING).replace(exact("time", 0), interval("time", 0, 1)))
    assert "it must be one whole step from 0 to 1000000" in refused(commonroad(tmp_path, late), BadFile)
    bare = obstacle(state("initialState", 0, 0, 0, None, MOVING))
    assert "the only state gives no heading" in refused(commonroad(tmp_path, bare), BadFile)


def test_static_obstacles_stand_where_they_are_said_to(tmp_path: Path):
    """Both versions' forms; a shape is turned and moved by the initial state."""
    wall = obstacle(state("initialState", 0, 10, 0, math.pi / 2), tag="staticObstacle", id_=1)
    old = wall.replace("staticObstacle", "obstacle").replace("<type>", "<role>static</role><type>")
    for text in (wall, old):
        (found,) = read_commonroad(commonroad(tmp_path, text)).static
        assert found.shapes[0].contains(np.array([10.9, 11.1, 10.0]), np.array([0.0, 0.0, 1.9])).tolist() == [
            True,
            False,
            True,
        ]


# ── goals ────────────────────────────────────────────────────────────────────────────────────────────────────────

START = state("initialState", 0, 2.0, 0.0, 0.0, MOVING)
ONE_WAY = (straight(1, 0, 50, more='<successor ref="2"/>'), straight(2, 50, 90))


def test_a_goal_is_reached_when_all_of_it_holds(tmp_path: Path):
    """Place, time, heading (whole turns apart) and speed, the borders included."""
    goal = (
        "<position><rectangle><length>4</length><width>2</width><orientation>0</orientation><center><x>20</x><y>0</y>"
        f"</center></rectangle></position>{interval('orientation', -0.1, 0.1)}{WHEN}{interval('velocity', 0, 5)}"
    )
    found = read_commonroad(commonroad(tmp_path, *ONE_WAY, problem(START, goal))).problems[0].goals[0]
    x = np.array([18.0, 17.9, 20, 20, 20, 20])
    heading = np.array([0.1, 0, 0.2, 2 * math.pi - 0.05, 0, 0])
    speed = np.array([5.0, 0, 0, 0, 5.1, 0])
    assert found.reached(x, 0.0 * x, heading, speed, 10).tolist() == [True, False, False, True, False, True]
    assert not found.reached(x, 0.0 * x, heading, speed, 21).any()


def test_a_goal_that_is_a_lanelet_is_its_surface(tmp_path: Path):
    """<lanelet ref> is reached anywhere on it."""
    goal = f'<position><lanelet ref="2"/></position>{WHEN}'
    scenario = read_commonroad(commonroad(tmp_path, *ONE_WAY, problem(START, goal)))
    found = scenario.problems[0].goals[0]
    assert found.lanes == (1,)
    x = np.array([49.9, 50.1, 70.0])
    assert found.reached(x, np.array([0, 0, 2.1]), x, x, 15).tolist() == [False, True, False]


def test_a_goal_nobody_can_reach_is_refused(tmp_path: Path):
    """A goal lanelet behind, a goal area on it, or a goal whose time is over: one sentence with line and problem."""
    back = state("initialState", 0, 60.0, 0.0, 0.0, MOVING)
    area = "<circle><radius>1</radius><center><x>20</x><y>0</y></center></circle>"
    for place in ('<lanelet ref="1"/>', area):
        path = commonroad(tmp_path, *ONE_WAY, problem(back, f"<position>{place}</position>{WHEN}"))
        assert refused(path) == (
            "scenario.xml, line 9 (planningProblem '900'): the goal cannot be reached: no way leads from lanelet '2', "
            "where it starts, to lanelet '1' by driving on and changing lanes. Mend the successors, or choose "
            "another goal."
        )
    late = problem(state("initialState", 30, 2.0, 0.0, 0.0, MOVING), WHEN)
    assert "its time ends at step 20, before the start at step 30" in refused(commonroad(tmp_path, *ONE_WAY, late))
    lost = problem(START, f'<position><lanelet ref="9"/></position>{WHEN}')
    assert "the goal is lanelet '9', which is not in the file" in refused(commonroad(tmp_path, *ONE_WAY, lost))


def test_off_the_lanelets_the_road_cannot_refuse(tmp_path: Path):
    """A goal area beside the road, or one goal of several that can be reached, is no reason to refuse."""
    aside = "<position><circle><radius>1</radius><center><x>20</x><y>30</y></center></circle></position>"
    assert read_commonroad(commonroad(tmp_path, *ONE_WAY, problem(START, aside + WHEN)))
    back = state("initialState", 0, 60.0, 0.0, 0.0, MOVING)
    both = f'<position><lanelet ref="1"/><lanelet ref="2"/></position>{WHEN}'
    assert read_commonroad(commonroad(tmp_path, *ONE_WAY, problem(back, both)))


def test_other_files_are_refused_by_what_they_are(tmp_path: Path):
    """Another version, a step of no length, an interval upside down, a truncated file, a value that is no number."""
    assert "the version is '2017a'; read are 2018b, 2020a" in refused(commonroad(tmp_path, version="2017a"), BadFile)
    path = commonroad(tmp_path)
    path.write_text(path.read_text().replace('timeStepSize="0.1"', 'timeStepSize="0"'))
    assert "timeStepSize is 0 s" in refused(path, BadFile)
    upside = problem(START, interval("time", 9, 3))
    assert "the interval ends at 3, before its start at 9" in refused(commonroad(tmp_path, *ONE_WAY, upside), BadFile)
    path = commonroad(tmp_path, *ONE_WAY)
    path.write_text(path.read_text()[:400])
    assert "the file ends too early" in refused(path, BadFile)
    path = commonroad(tmp_path, straight(1, 0, math.nan))
    assert "(lanelet '1' / leftBound / point / x): <x> is 'nan'" in refused(path, BadFile)


def test_angles_wrap_and_boxes_include_their_border():
    """An interval of headings across pi, given as (3.0, 3.3) or (3.0, -2.98), holds -3.1; a box holds its corner."""
    assert Interval(3.0, 3.3).contains_angle(np.array([-3.1, 3.2, 2.9, -2.9])).tolist() == [True, True, False, False]
    box = rectangle(1.0, 1.0, 0.0, 2.0, 2.0)
    assert box.contains(np.array([2.0, 2.01]), np.array([2.0, 2.0])).tolist() == [True, False]


# ── real files ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_scenario_loads():
    """All 22 scenarios of the shared data are read; none is refused; three say what was simplified."""
    files = sorted(SHARED.glob("commonroad/*.xml"))
    if not files:
        pytest.skip("needs the shared vehicle data")
    assert len(files) == 22
    scenarios = {path.name: read_commonroad(path) for path in files}
    noted = {name: len(s.notes) for name, s in scenarios.items() if s.notes}
    assert noted == {"DEU_A9-3_1_T-1.xml": 9, "test_reading_all.xml": 1, "test_reading_obstacles.xml": 1}
    assert sum(len(s.problems) for s in scenarios.values()) == 29
    bay = scenarios["ZAM_Loading_Bay-1_1_T.xml"]
    assert (len(bay.problems), len(bay.static), len(bay.road)) == (12, 67, 3)
    assert bay.problems[0].goals[0].speed_m_s == Interval(0.0, 0.0)


def test_facts_of_recorded_traffic():
    """US101-4_1: 22 cars over 100 steps after the first; every car's speed is its motion's within 1 m/s (median)."""
    scenario = read_commonroad(shared("commonroad", "USA_US101-4_1_T-1.xml"))
    recorded = scenario.recorded
    assert (len(recorded), recorded.x_m.shape[1] - 1, recorded.step_s) == (22, 100, 0.1)
    assert set(recorded.kinds) == {"car"}
    moved = np.hypot(np.diff(recorded.x_m), np.diff(recorded.y_m)) / recorded.step_s
    assert np.nanmedian(np.abs(moved - recorded.speed_m_s[:, 1:])) < 1.0
    inside = scenario.road.inside(recorded.x_m[recorded.present], recorded.y_m[recorded.present])
    assert inside.mean() > 0.99
    goal = scenario.problems[0].goals[0]
    assert (goal.steps, goal.speed_m_s) == (Interval(90.0, 100.0), Interval(0.0, 3.0))


def test_lengths_links_and_positions_agree_with_commonroad_io():
    """commonroad-io's own reader gives the same lanelets, lengths, successors and final positions."""
    reader = pytest.importorskip("commonroad.common.file_reader")
    path = shared("commonroad", "USA_Peach-4_8_T-1.xml")
    theirs, _ = reader.CommonRoadFileReader(str(path)).open()
    mine = read_commonroad(path)
    for lane in theirs.lanelet_network.lanelets:
        k = mine.road.find(str(lane.lanelet_id))
        assert mine.road.length_m[k] == pytest.approx(lane.distance[-1], rel=1e-12)
        assert sorted(int(mine.road.names[j]) for j in mine.road.successors(k)) == sorted(lane.successor)
    for car in theirs.dynamic_obstacles:
        k, last = mine.recorded.names.index(str(car.obstacle_id)), car.prediction.trajectory.final_state
        assert mine.recorded.x_m[k, last.time_step] == last.position[0]
