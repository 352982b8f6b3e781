"""Who judges a drive: contact with anything, the edge of the road, the goal, how close it was, and what it costs.

    places = Standing.of(scenario)
    verdict = judged(scenario, problem, states, moving, vehicle=BMW_320I)     # of a trajectory, whoever planned it
    verdict.outcome, verdict.hit, verdict.at_fault, verdict.costs["SM1"]

`states` are those of the kinematic model (k, 5), one a time step from the problem's start on; `moving` (n, k, 6) the
boxes of everybody else then. What is judged:

    collision   the vehicle's full-size box touches anybody's, or what stands, anywhere between two time steps
    off_road    a corner of the box is more than 0.3 m off the surface to drive on, as nuPlan has it; corners that have
                been off it since the start count from when they have first been on it
    goal        the state at a time step is in one of the goals, before anything else has happened
    timeout     neither, until the last goal's time is over

Who is at fault for a collision is said by nuPlan's rules (`measures.fault`); for what stands, the vehicle always is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from jangin.vehicle import costs as published
from jangin.vehicle.boxes import Boxes, swept, touches_polygon, walls
from jangin.vehicle.commonroad import Problem, Scenario
from jangin.vehicle.measures import fault, is_at_fault, time_to_collision
from jangin.vehicle.models import kinematic
from jangin.vehicle.parameters import VehicleParameters
from jangin.vehicle.recorded import Recorded
from jangin.vehicle.road import Road
from jangin.vehicle.traffic.replay import replayed

__all__ = [
    "COSTS",
    "Contact",
    "Standing",
    "Verdict",
    "ahead",
    "boxes_of",
    "corners_on_road",
    "costs_of",
    "first_contact",
    "judged",
    "logged",
    "own_box",
    "reached",
]

Array = np.ndarray

COSTS = ("JB1", "SM1", "WX1")
CIRCLE_SIDES = 24
AHEAD_M = 200.0
OFF_BY_M = 0.3
NEAR_M = 60.0  # no box that touches another in a step has its centre farther away


@dataclass(frozen=True, eq=False)
class Standing:
    """What never moves.

    Attributes:
        names: (n,) of each shape.
        boxes: rectangles, and sides of the other shapes as boxes without width: (n, 6) columns as `paths.BOX`.
        polygons: the other shapes, each with its name: their insides count too.
    """

    names: tuple[str, ...]
    boxes: Array
    polygons: tuple[tuple[str, Array], ...]

    @classmethod
    def of(cls, scenario: Scenario) -> Standing:
        """Of all static obstacles of a scenario."""
        names: list[str] = []
        rows: list[Array] = []
        polygons: list[tuple[str, Array]] = []
        for obstacle in scenario.static:
            for shape in obstacle.shapes:
                if shape.kind == "rectangle":
                    row = [shape.x_m, shape.y_m, shape.heading_rad, shape.length_m, shape.width_m, 0.0]
                    names.append(obstacle.name)
                    rows.append(np.array([row]))
                    continue
                corners = shape.corners_m
                if shape.kind == "circle":  # the polygon around it
                    turn = 2.0 * np.pi * np.arange(CIRCLE_SIDES) / CIRCLE_SIDES
                    radius = 0.5 * shape.length_m / np.cos(np.pi / CIRCLE_SIDES)
                    corners = np.stack([shape.x_m + radius * np.cos(turn), shape.y_m + radius * np.sin(turn)], axis=1)
                sides = walls(np.concatenate([corners, np.roll(corners, -1, axis=0)], axis=1))
                columns = (sides.x_m, sides.y_m, sides.heading_rad, sides.length_m, sides.width_m, 0.0 * sides.x_m)
                rows.append(np.stack(columns, axis=1))
                names += [obstacle.name] * len(corners)
                polygons.append((obstacle.name, corners))
        return cls(tuple(names), np.concatenate(rows) if rows else np.zeros((0, 6)), tuple(polygons))


@dataclass(frozen=True)
class Contact:
    """The first touch.

    Attributes:
        name: of whom or what.
        share: of the time step, at which.
        kind: as `measures.fault` calls it; "standing" for what never moves.
        at_fault: whether the vehicle is.
    """

    name: str
    share: float
    kind: str
    at_fault: bool


@dataclass(frozen=True, eq=False)
class Verdict:
    """What a trajectory came to.

    Attributes:
        outcome: "goal", "collision", "off_road" or "timeout".
        steps: time steps driven until then.
        hit: with whom, of a collision.
        min_ttc_s: the least time to collision with whoever is straight ahead; inf if it never closed in.
        missed: of a timeout, in words.
        costs, parts: cost functions until then, and their parts before weighting; NaN for fewer than four states.
    """

    outcome: str
    steps: int
    hit: Contact | None
    min_ttc_s: float
    missed: str = ""
    costs: dict[str, float] = field(default_factory=dict)
    parts: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def at_fault(self) -> bool:
        """Whether it was a collision that the vehicle is at fault for."""
        return self.hit is not None and self.hit.at_fault


def boxes_of(rows: Array) -> Boxes:
    """Rows (..., 6) as Boxes."""
    return Boxes(*(rows[..., k] for k in range(5)))


def own_box(state: Array, vehicle: VehicleParameters) -> Array:
    """(..., 6) the vehicle's box, columns as `paths.BOX`, of states (..., 5)."""
    centre = kinematic(vehicle).centre(state)
    size = np.broadcast_to([vehicle.length_m, vehicle.width_m], (*state.shape[:-1], 2))
    return np.concatenate([centre, size, state[..., 3:4]], axis=-1)


def first_contact(
    road: Road, own: Array, others: Array, names: tuple[str, ...], standing: Standing, rear_axle_m: float
) -> tuple[int, Contact] | None:
    """The first touch of a box (k, 6) on its way with others (n, k, 6), and at the end of which time step it is.

    Step 0 is the start itself. Somebody who is absent at the beginning of a step is only looked at where it appears.
    """
    moved = np.concatenate([own[:1], own])  # a step 0 that goes nowhere
    theirs = np.concatenate([others[:, :1], others], axis=1)
    appears = np.isnan(theirs[:, :-1, :1])
    before, start = np.where(appears, theirs[:, 1:], theirs[:, :-1]), np.where(appears, moved[1:], moved[:-1])
    with np.errstate(invalid="ignore"):
        near = np.hypot(before[..., 0] - start[..., 0], before[..., 1] - start[..., 1]) < NEAR_M  # absent: not
    near &= np.isfinite(theirs[:, 1:, 0])
    i, k = np.nonzero(near)
    share = np.full(near.shape, np.inf)
    share[i, k] = swept(
        boxes_of(start[i, k]), boxes_of(moved[k + 1]), boxes_of(before[i, k]), boxes_of(theirs[i, k + 1])
    )
    met = _first(share)
    stood = np.full((max(len(standing.boxes), 1), len(own)), np.inf)
    if len(standing.boxes):
        walls_ = boxes_of(standing.boxes[:, None])
        stood = swept(boxes_of(moved[None, :-1]), boxes_of(moved[None, 1:]), walls_, walls_)
    for name, corners in standing.polygons:
        inside = touches_polygon(boxes_of(own), corners)
        row = standing.names.index(name)
        stood[row] = np.minimum(stood[row], np.where(inside, 1.0, np.inf))
    wall = _first(stood)
    if wall is not None and (met is None or (wall[1], stood[wall]) <= (met[1], share[met])):
        return wall[1], Contact(standing.names[wall[0]], float(stood[wall]), "standing", wall[1] > 0)
    if met is None:
        return None
    who, step = met
    if step == 0:
        return 0, Contact(names[who], 0.0, "at the start", False)
    now = _between(start[who, step], moved[step + 1], share[met])
    other = _between(before[who, step], theirs[who, step + 1], share[met])
    grown = now + np.array([0.0, 0.0, 0.0, 1e-4, 1e-4, 0.0])
    kind = fault(boxes_of(grown[None]), boxes_of(other[None]), now[5], other[5], rear_axle_m)
    blame = bool(is_at_fault(kind, _in_one_lane(road, now))[0])
    return step, Contact(names[who], float(share[met]), str(kind[0]), blame)


def _first(share: Array) -> tuple[int, int] | None:
    """Row and step of the first touch in shares (n, k) of each step; inf for none."""
    steps = np.flatnonzero((share <= 1.0).any(axis=0))
    return (int(np.argmin(share[:, steps[0]])), int(steps[0])) if len(steps) else None


def _between(before: Array, after: Array, share: float) -> Array:
    change = after - before
    change[2] = (change[2] + np.pi) % (2.0 * np.pi) - np.pi
    return before + share * change


def _in_one_lane(road: Road, box: Array) -> bool:
    corners = boxes_of(box).corners()
    lane = road.project(box[:1], box[1:2], box[2:3]).lane[0]
    if lane < 0:
        return False
    _, s, d, _ = road.project(corners[:, 0], corners[:, 1], lanes=int(lane))
    # past the lane's ends its edges go on: a box that is in it and in its successor is in one lane
    left, right = road.along(road.left_m, int(lane), s), road.along(road.right_m, int(lane), s)
    return bool(((d <= left) & (d >= -right)).all())


def corners_on_road(road: Road, boxes: Array) -> Array:
    """(k, 4) bool: which corners of boxes (k, 6) are on a surface to drive on, or at most OFF_BY_M off it.

    In junctions, lanes of recorded scenarios are often narrower than the strip that a car sweeps in their bends.
    """
    inner = boxes.copy()
    inner[:, 3:5] = np.maximum(inner[:, 3:5] - 2.0 * OFF_BY_M, 0.0)
    corners = boxes_of(inner).corners()
    return road.inside(corners[..., 0].ravel(), corners[..., 1].ravel()).reshape(corners.shape[:-1])


def ahead(own: Array, others: Array) -> tuple[Array, Array]:
    """Gap [m] to and closing speed [m/s] with who is next straight ahead, as wide as the box; inf and 0 for nobody.

    own: (k, 6).   others: (n, k, 6); they may be absent. Somebody beside it is not ahead.
    """
    c, s = np.cos(own[:, 2]), np.sin(own[:, 2])
    dx, dy, off = (others[..., k] - own[:, k] for k in range(3))
    forward, left = c * dx + s * dy, c * dy - s * dx
    long, across = np.abs(np.cos(off)), np.abs(np.sin(off))
    half = 0.5 * (long * others[..., 3] + across * others[..., 4])
    wide = 0.5 * (across * others[..., 3] + long * others[..., 4] + own[:, 4])
    gap = forward - half - 0.5 * own[:, 3]
    gap = np.where((np.abs(left) <= wide) & (gap >= 0.0) & (gap < AHEAD_M), gap, np.inf)
    gap = np.concatenate([gap, np.full((1, len(own)), np.inf)])
    closing = np.concatenate([own[:, 5] - others[..., 5] * np.cos(off), np.zeros((1, len(own)))])
    k, columns = gap.argmin(axis=0), np.arange(len(own))
    found = gap[k, columns]
    return found, np.where(np.isfinite(found), closing[k, columns], 0.0)


def costs_of(
    road: Road, problem: Problem, states: Array, moving: Array, standing: Standing, vehicle: VehicleParameters,
    step_s: float,
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:  # fmt: skip
    """The cost functions of a trajectory and their parts; lanes are those nearest to the rear axle."""
    if len(states) < 4:
        return dict.fromkeys(COSTS, np.nan), {name: {} for name in COSTS}
    boxes = own_box(states, vehicle)
    on = road.project(states[:, 0], states[:, 1], states[:, 4])
    angle = np.zeros(len(states)) if on.heading_rad is None else on.heading_rad
    gaps, _ = ahead(boxes, everybody(moving[:, : len(states)], standing))
    goal = next((g.speed_m_s.low for g in problem.goals if g.speed_m_s is not None), None)
    driven = published.Driven(
        step_s,
        speed_m_s=states[None, :, 3],
        steer_rad=states[None, :, 2],
        goal_speed_m_s=goal,
        lane_offset_m=np.nan_to_num(on.d_m)[None],
        lane_angle_rad=np.nan_to_num(angle)[None],
        obstacle_m=np.maximum(gaps, 0.0)[None],
    )
    costs = {name: float(published.cost(name, driven)[0]) for name in COSTS}
    parts = {n: {k: float(v[0]) for k, v in published.partial_costs(n, driven).items()} for n in COSTS}
    return costs, parts


def judged(
    scenario: Scenario,
    problem: Problem,
    states: Array,
    moving: Array,
    *,
    vehicle: VehicleParameters,
    ahead_m: float = 0.0,
) -> Verdict:
    """The verdict on a trajectory; see the module.

    ahead_m: how far ahead of the rear axle the point lies that the problem's positions, and so its goals, mean.
    """
    standing, road = Standing.of(scenario), scenario.road
    boxes = own_box(states, vehicle)
    moving = moving[:, : len(states)]
    met = first_contact(road, boxes, moving, scenario.recorded.names, standing, vehicle.rear_axle_to_centre_m)
    on = corners_on_road(road, boxes)
    left = np.flatnonzero((np.maximum.accumulate(on, axis=0) & ~on).any(axis=1))
    won = [k for k in range(len(states)) if reached(problem, states[k], problem.start.step + k, ahead_m)]
    # within a step the touch comes before what is so at its end
    happened = [(met[0], 0, "collision")] if met else []
    happened += [(int(left[0]), 1, "off_road")] if len(left) else []
    happened += [(won[0], 2, "goal")] if won else []
    steps, _, outcome = min(happened, default=(len(states) - 1, 3, "timeout"))
    part = slice(0, steps + 1)
    gap, closing = ahead(boxes[part], everybody(moving[:, part], standing))
    costs, parts = costs_of(road, problem, states[part], moving, standing, vehicle, scenario.step_s)
    return Verdict(
        outcome=outcome,
        steps=steps,
        hit=met[1] if met and outcome == "collision" else None,
        min_ttc_s=float(time_to_collision(gap, closing).min()),
        missed=missed_by(problem, states, ahead_m) if outcome == "timeout" else "",
        costs=costs,
        parts=parts,
    )


def logged(recorded: Recorded, time_s: Array | float) -> Array:
    """`replay.replayed`, also where nobody was recorded."""
    if not len(recorded):
        return np.zeros((0, *np.shape(time_s), 6))
    return replayed(recorded, time_s)


def everybody(moving: Array, standing: Standing) -> Array:
    """(n + m, k, 6) who moves, and what stands at every step."""
    stood = np.broadcast_to(standing.boxes[:, None], (len(standing.boxes), moving.shape[1], 6))
    return np.concatenate([moving, stood])


def reached(problem: Problem, state: Array, step: int, ahead_m: float = 0.0) -> bool:
    """Whether a state (5,) at a time step is in any goal."""
    (x, y), heading, speed = _point(state[None], ahead_m), state[4:5], state[3:4]
    return any(bool(goal.reached(x, y, heading, speed, step)[0]) for goal in problem.goals)


def _point(states: Array, ahead_m: float) -> tuple[Array, Array]:
    heading = states[:, 4]
    return states[:, 0] + ahead_m * np.cos(heading), states[:, 1] + ahead_m * np.sin(heading)


def missed_by(problem: Problem, states: Array, ahead_m: float = 0.0) -> str:
    """What of the first goal was never met in its time, in words."""
    goal = problem.goals[0]
    during = states[np.atleast_1d(goal.steps.contains(problem.start.step + np.arange(len(states))))]
    if not len(during):
        return "its time never came"
    place = replace(goal, heading_rad=None, speed_m_s=None)
    there = place.reached(*_point(during, ahead_m), during[:, 4], during[:, 3], round(goal.steps.low))
    if not there.any():
        return "not there in time"
    wrong = []
    if goal.heading_rad is not None and not goal.heading_rad.contains_angle(during[there, 4]).any():
        wrong.append("orientation")
    if goal.speed_m_s is not None and not goal.speed_m_s.contains(during[there, 3]).any():
        wrong.append("velocity")
    return "there with another " + " and ".join(wrong) if wrong else "never all at one instant"
