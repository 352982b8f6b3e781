"""A CommonRoad scenario (.xml) as plain values: the road, the recorded traffic, and the problems to be solved.

    scenario = read_commonroad("USA_US101-4_1_T-1.xml")
    scenario.road, scenario.recorded                       # Road; Recorded: 22 cars
    problem = scenario.problems[0]
    goal = problem.goals[0]
    goal.reached(x_m, y_m, heading_rad, speed_m_s, step)   # (n,) bool, by the state's own reference point
    scenario.notes                                         # what was simplified, in sentences

Read: versions 2018b and 2020a. Not read: traffic lights, stop lines, line markings, intersections, weather, the signals
that vehicles give, and states' accelerations and yaw rates.

A scenario whose goal nobody can reach is refused: if all goals of a problem lie on lanelets, none of which can be
reached from where it starts by driving on and changing lanes, or if their time is over before it begins. Where start or
goal lies off the lanelets (a yard), the road cannot tell and nothing is refused.

Source: CommonRoad XML format 2018b and 2020a, Technical University of Munich.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jangin.errors import BadFile, BadRoad
from jangin.vehicle.commonroad_lanelets import Sign, read_network, read_signs
from jangin.vehicle.commonroad_obstacles import Occupancy, State, StaticObstacle, read_obstacles, read_state
from jangin.vehicle.commonroad_shapes import Interval, Shape, read_interval, read_shapes
from jangin.vehicle.recorded import Recorded
from jangin.vehicle.road import Road
from jangin.vehicle.road_xml import Node, read_xml

__all__ = ["Goal", "Problem", "Scenario", "check_reachable", "read_commonroad"]

Array = np.ndarray

_VERSIONS = ("2018b", "2020a")


@dataclass(frozen=True, eq=False)
class Goal:
    """One way to be done: everything that it gives must hold at one instant.

    Attributes:
        steps: time steps.
        shapes, lanes: where; in any of the shapes, or on any of the lanes; both empty if anywhere will do.
        heading_rad, speed_m_s: None if any will do.
    """

    steps: Interval
    shapes: tuple[Shape, ...]
    lanes: tuple[int, ...]
    heading_rad: Interval | None
    speed_m_s: Interval | None
    road: Road

    def reached(self, x_m: Array, y_m: Array, heading_rad: Array, speed_m_s: Array, step: Array | int) -> Array:
        """(n,) bool: which states at a time step are in the goal."""
        x, y = np.atleast_1d(np.asarray(x_m, dtype=float)), np.atleast_1d(np.asarray(y_m, dtype=float))
        there = np.full(x.shape, not self.shapes and not self.lanes)
        for shape in self.shapes:
            there |= shape.contains(x, y)
        for lane in self.lanes:
            there |= _on(self.road, lane, x, y)
        there &= self.steps.contains(step)
        if self.heading_rad is not None:
            there &= self.heading_rad.contains_angle(heading_rad)
        if self.speed_m_s is not None:
            there &= self.speed_m_s.contains(speed_m_s)
        return there


@dataclass(frozen=True, eq=False)
class Problem:
    """A planning problem: where it starts (the reference point, at a time step); any of its goals will do."""

    name: str
    start: State
    goals: tuple[Goal, ...]
    place: str  # in the file


@dataclass(frozen=True, eq=False)
class Scenario:
    """A whole file; see the module."""

    id: str
    source: str
    tags: tuple[str, ...]
    step_s: float
    road: Road
    recorded: Recorded
    problems: tuple[Problem, ...]
    static: tuple[StaticObstacle, ...]
    occupied: tuple[Occupancy, ...]
    signs: tuple[Sign, ...]
    notes: tuple[str, ...]


def read_commonroad(path: str | Path) -> Scenario:
    """The scenario of a CommonRoad file.

    Raises: BadFile if it is missing, truncated, no CommonRoad of a version read, or holds what is no number; BadRoad if
    it contradicts itself or has a goal that cannot be reached. Both name line and element.
    """
    root = read_xml(path, "commonRoad")
    version = root.word("commonRoadVersion")
    if version not in _VERSIONS:
        raise BadFile(f"{root.place}: the version is {version!r}; read are {', '.join(_VERSIONS)}. Convert the file.")
    step_s = root.number("timeStepSize")
    if step_s <= 0.0:
        raise BadFile(f"{root.place}: timeStepSize is {step_s:g} s; it must be above 0. Correct it.")
    road = read_network(root)
    obstacles = read_obstacles(root, step_s)
    scenario = Scenario(
        id=root.word("benchmarkID"),
        source=root.word("source", ""),
        tags=(*root.word("tags", "").split(), *(t.tag for tags in root.all("scenarioTags") for t in tags.children)),
        step_s=step_s,
        road=road,
        recorded=obstacles.recorded,
        problems=tuple(_problem(node, road) for node in root.all("planningProblem")),
        static=obstacles.static,
        occupied=obstacles.occupied,
        signs=read_signs(root, road),
        notes=obstacles.notes,
    )
    for problem in scenario.problems:
        check_reachable(road, problem)
    return scenario


def _problem(node: Node, road: Road) -> Problem:
    start = read_state(node.need("initialState"))
    if math.isnan(start.heading_rad) or math.isnan(start.speed_m_s):
        raise BadFile(f"{node.place}: the initial state needs an orientation and a velocity. Add them.")
    goals = tuple(_goal(goal, road) for goal in node.all("goalState"))
    if not goals:
        raise BadFile(f"{node.place}: the planning problem has no <goalState>. Give it at least one.")
    return Problem(node.word("id"), start, goals, node.place)


def _goal(node: Node, road: Road) -> Goal:
    position = node.first("position")
    lanes: list[int] = []
    for reference in position.all("lanelet") if position is not None else ():
        if reference.word("ref") not in road.names:
            raise BadRoad(
                f"{reference.place}: the goal is lanelet {reference.word('ref')!r}, which is not in the file. Add it "
                "or choose another goal."
            )
        lanes.append(road.find(reference.word("ref")))
    heading, speed = node.first("orientation"), node.first("velocity")
    return Goal(
        steps=read_interval(node.need("time")),
        shapes=() if position is None else tuple(read_shapes(position)),
        lanes=tuple(lanes),
        heading_rad=None if heading is None else read_interval(heading),
        speed_m_s=None if speed is None else read_interval(speed),
        road=road,
    )


# ── can it be reached ────────────────────────────────────────────────────────────────────────────────────────────


def check_reachable(road: Road, problem: Problem) -> None:
    """Raises BadRoad if no goal of a problem can be reached over the lanes, or in time; see the module."""
    start = problem.start
    if all(goal.steps.high < start.step for goal in problem.goals):
        last = max(goal.steps.high for goal in problem.goals)
        raise BadRoad(
            f"{problem.place}: the goal cannot be reached: its time ends at step {last:g}, before the start at step "
            f"{start.step}. Correct the goal's time."
        )
    begin = _start_lanes(road, start)
    if not begin:
        return
    reachable = np.any([road.reachable(lane) for lane in begin], axis=0)
    missed: list[int] = []
    for goal in problem.goals:
        lanes = _goal_lanes(road, goal)
        if lanes is None or reachable[lanes].any():
            return
        missed += lanes
    raise BadRoad(
        f"{problem.place}: the goal cannot be reached: no way leads from lanelet {_named(road, begin)}, where it "
        f"starts, to lanelet {_named(road, missed)} by driving on and changing lanes. Mend the successors, or choose "
        "another goal."
    )


def _start_lanes(road: Road, start: State) -> list[int]:
    """The drivable lanes that hold the start; of several, those that run its way."""
    x, y = np.array([start.x_m]), np.array([start.y_m])
    lanes = [lane for lane in np.flatnonzero(road.drivable).tolist() if _on(road, lane, x, y)[0]]
    headings = [road.project(x, y, np.array([start.heading_rad]), lanes=lane).heading_rad for lane in lanes]
    same = [lane for lane, turned in zip(lanes, headings, strict=True) if abs(float(turned[0])) < math.pi / 2]  # type: ignore[index]
    return same or lanes


def _goal_lanes(road: Road, goal: Goal) -> list[int] | None:
    """The lanes a goal lies on; None if it does not say where, or some of it lies off the lanes."""
    lanes = list(goal.lanes)
    for shape in goal.shapes:
        # its corners' mean and corners: a goal that only touches a lane may be reached from there
        x, y = np.vstack([[[shape.x_m, shape.y_m]], shape.corners_m]).T
        under = [lane for lane in np.flatnonzero(road.drivable).tolist() if _on(road, lane, x, y).any()]
        if not under:
            return None
        lanes += under
    return lanes or None


def _on(road: Road, lane: int, x: Array, y: Array) -> Array:
    """(n,) bool: whether points are on one lane."""
    _, s, d, _ = road.project(x, y, lanes=lane)
    left, right = road.along(road.left_m, lane, s), road.along(road.right_m, lane, s)
    return (s >= 0.0) & (s <= road.length_m[lane]) & (d <= left) & (d >= -right)


def _named(road: Road, lanes: list[int]) -> str:
    return " or ".join(repr(road.names[lane]) for lane in sorted(set(lanes))[:3])
