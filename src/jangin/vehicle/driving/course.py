"""The way to a goal as one line: lanes one after the other, the lanes beside them, and where on it the goal lies.

    course = course_of(scenario.road, problem)
    course.line                          # x, y, heading, arc length of its points, for the functions of `lines`
    course.target.s_m, course.target.d_m # where the goal is on it: arc lengths and offsets to the left, from and to

The line runs along the lane that the goal is on, as far back as that lane goes beside the way there; a lane change is
thus an offset to lose, not a kink. Where the goal's lane only begins later, the line crosses over to it at that place.
Past the goal it goes on along successors, the straightest of several. A problem that only asks for a time is a course
along the lane where it starts.

A problem has a course if it starts on a lane to drive on, and its goal's area, if it has one, lies on the lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jangin.errors import BadRoad
from jangin.vehicle.commonroad import Goal, Problem
from jangin.vehicle.road import Road

__all__ = ["SPACING_M", "Course", "Target", "course_of", "steady"]

Array = np.ndarray

SPACING_M = 1.0
BEYOND_M, FREE_M = 120.0, 520.0  # how much of the line lies past the goal; and past the start where there is none
CROSSING_M = 12.0  # of the way, where the line has to cross over to a lane that only begins there
ASIDE_M = 8.0  # how far beside the line the road's surface is looked for
SIDE_STEP_M = 0.25
GOAL_ASIDE_M = 6.0  # and the goal
LANES_ASIDE = 3
TIGHTENINGS = 60
TUBE_SHARE, TUBE_LEAST_M, CAR_HALF_M = 0.7, 0.2, 0.85  # of the room beside a car, the line may use so much
STEADY_M_S2, BENDING_1_M_S = 5.0, 0.12  # in curves: across, and change of curvature
SHARPEST_1_M = 0.25  # no car turns in less than 4 m: a line that does is drawn so
SLOWEST_M_S = 4.0  # however sharply it is drawn
JOINT_M = 0.5  # from the last point of a lane to the first that is taken of the next
BRAKES_M_S2 = 2.0  # before curves


@dataclass(frozen=True)
class Target:
    """Where, when and how a goal is to be met, in the coordinates of a course.

    Attributes:
        s_m, d_m: from and to; infinite where any will do.
        heading_rad: (low, high) absolute, at most a whole turn; (-inf, inf) if any will do.
        speed_m_s: (low, high).
        steps: (low, high) time steps of the scenario.
    """

    s_m: tuple[float, float]
    d_m: tuple[float, float]
    heading_rad: tuple[float, float]
    speed_m_s: tuple[float, float]
    steps: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Course:
    """A line of n points.

    Attributes:
        lanes: the lanes it was made of, in order.
        x_m, y_m, heading_rad, s_m: of its points, (n,).
        left_m, right_m: how far the road's surface goes on to either side, (n,).
        centre_m: (n, 7) offset of the middle of the lane on the line (column 3) and of those beside it, from three to
            the right to three to the left; NaN where there is none.
        limit_m_s: speed limit, (n,), inf where there is none.
        curvature_1_m: (n,) to the left.
        steady_m_s: (n,) what curves from here on allow.
        target: the goal.
    """

    lanes: tuple[int, ...]
    x_m: Array
    y_m: Array
    heading_rad: Array
    s_m: Array
    left_m: Array
    right_m: Array
    centre_m: Array
    limit_m_s: Array
    curvature_1_m: Array
    steady_m_s: Array
    target: Target

    @property
    def line(self) -> tuple[Array, Array, Array, Array]:
        """x, y, heading and arc length."""
        return self.x_m, self.y_m, self.heading_rad, self.s_m


def course_of(road: Road, problem: Problem) -> Course:
    """The course to the goal that is the shortest way off.

    Raises: BadRoad if the problem starts off the lanes, or all goals lie off them or cannot be reached over them.
    """
    start = problem.start
    on = road.project(np.array([start.x_m]), np.array([start.y_m]), np.array([start.heading_rad]))
    if on.lane[0] < 0:
        raise BadRoad(
            f"{problem.place}: the problem starts at ({start.x_m:.1f}, {start.y_m:.1f}), on no lane to drive on; a "
            "course needs one. Drive it with a planner that needs no lanes."
        )
    begin = int(on.lane[0])
    ways = [(length, goal, way) for goal in problem.goals for length, way in [_way(road, begin, goal)] if way]
    if ways:
        _, goal, way = min(ways, key=lambda w: w[0])
        lanes = _along_the_last(road, way)
        somewhere = bool(goal.shapes or goal.lanes)
        lanes = lanes if somewhere else _before(road, lanes)
        return _course(road, _beyond(road, lanes, BEYOND_M if somewhere else FREE_M), goal)
    for goal in problem.goals:  # off the lanes, but perhaps beside the one it starts on
        course = _course(road, _beyond(road, [begin], FREE_M), goal)
        if np.isfinite(course.target.s_m[0]):
            return course
    raise BadRoad(
        f"{problem.place}: no way over lanes leads from lanelet {road.names[begin]!r}, where it starts, to a goal: the "
        "goals lie off the lanes, or their lanes cannot be reached. Choose another goal."
    )


def _way(road: Road, begin: int, goal: Goal) -> tuple[float, tuple[int, ...]]:
    """The shortest way to any lane of a goal; () if there is none."""
    if not goal.shapes and not goal.lanes:
        return 0.0, (begin,)
    ends = list(goal.lanes)
    for shape in goal.shapes:
        heading = None if goal.heading_rad is None else np.array([goal.heading_rad.middle])
        on = road.project(np.array([shape.x_m]), np.array([shape.y_m]), heading)
        ends += [int(on.lane[0])] if on.lane[0] >= 0 else []
        ends += [k for k in range(len(road)) if road.drivable[k] and _holds(road, k, shape.x_m, shape.y_m)]
    seen = road.reachable(begin)
    ways = [road.route(begin, end) for end in sorted(set(ends)) if seen[end]]
    if not ways:
        return np.inf, ()
    lengths = [float(sum(road.length_m[k] for k in way)) for way in ways]
    best = int(np.argmin(lengths))
    return lengths[best], ways[best]


def _holds(road: Road, lane: int, x_m: float, y_m: float) -> bool:
    _, s, d, _ = road.project(np.array([x_m]), np.array([y_m]), lanes=lane)
    inside = 0.0 <= s[0] <= road.length_m[lane]
    return bool(inside and -road.along(road.right_m, lane, s)[0] <= d[0] <= road.along(road.left_m, lane, s)[0])


def _along_the_last(road: Road, way: Sequence[int]) -> list[int]:
    """The lanes of the line: the last lane's, back as far as it runs beside the way; then the way's own."""
    lanes, k = [way[-1]], len(way) - 2
    while k >= 0:
        lane = way[k]
        if lane in road.predecessors(lanes[0]):
            lanes.insert(0, lane)
        elif lane not in _beside(road, lanes[0]):
            beside = [p for p in road.predecessors(lanes[0]).tolist() if p == lane or lane in _beside(road, p)]
            lanes.insert(0, int(beside[0]) if beside else lane)
        k -= 1
    return lanes


def _beside(road: Road, lane: int) -> set[int]:
    """The lanes that run the same way beside a lane, itself among them."""
    found = {lane}
    for side in (road.left, road.right):
        at = int(side[lane])
        while at >= 0 and at not in found:
            found.add(at)
            at = int(side[at])
    return found


def _before(road: Road, lanes: list[int]) -> list[int]:
    before = road.predecessors(lanes[0])
    return [int(before[0]), *lanes] if len(before) and int(before[0]) not in lanes else lanes


def _beyond(road: Road, lanes: list[int], more_m: float) -> list[int]:
    """With successors for `more_m` beyond, the one that turns the least where there are several."""
    lanes, left = list(lanes), more_m
    while left > 0.0:
        after = [k for k in road.successors(lanes[-1]).tolist() if road.drivable[k] and k not in lanes]
        if not after:
            break
        turns = [abs(_turn(road.heading_rad[road.offset[k + 1] - 1] - road.heading_rad[road.offset[k]])) for k in after]
        lanes.append(int(after[int(np.argmin(turns))]))
        left -= float(road.length_m[lanes[-1]])
    return lanes


def _turn(angle: float) -> float:
    return float((angle + np.pi) % (2.0 * np.pi) - np.pi)


# ── the line ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _course(road: Road, lanes: list[int], goal: Goal) -> Course:
    x, y, lane_at, s_at = _points(road, lanes)
    heading = np.unwrap(np.arctan2(np.gradient(y), np.gradient(x)))
    s = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    curvature = np.clip(_smooth(np.gradient(heading, s), 5), -SHARPEST_1_M, SHARPEST_1_M)
    limit = np.nan_to_num(road.along(road.limit_m_s, lane_at, s_at), nan=np.inf)
    left, right = _surface(road, x, y, heading)
    return Course(
        lanes=tuple(lanes),
        x_m=x,
        y_m=y,
        heading_rad=heading,
        s_m=s,
        left_m=left,
        right_m=right,
        centre_m=_centres(road, lane_at, x, y),
        limit_m_s=limit,
        curvature_1_m=curvature,
        steady_m_s=steady(curvature, s),
        target=_target(goal, x, y, heading, s),
    )


def _points(road: Road, lanes: list[int]) -> tuple[Array, Array, Array, Array]:
    """Points every metre, smoothed, with the lane and the arc length on it that each comes from."""
    xs: list[Array] = []
    ys: list[Array] = []
    at: list[Array] = []
    ss: list[Array] = []
    cut = 0.0
    for k, lane in enumerate(lanes):
        length, joint = float(road.length_m[lane]), 0.0
        if k + 1 < len(lanes) and lanes[k + 1] not in road.successors(lane):
            joint = min(0.5 * CROSSING_M, 0.4 * length)  # the line crosses over: leave room on both sides of the joint
        n = max(2, 1 + round((length - cut - joint) / SPACING_M))
        s = np.linspace(cut, length - joint, n)
        x, y, heading = road.at(np.full(n, lane), s)
        if xs:  # lanes of hand-drawn roads overlap at their joints: the line never goes back
            gone = (x - xs[-1][-1]) * np.cos(heading) + (y - ys[-1][-1]) * np.sin(heading)
            first = int(np.argmax(gone > JOINT_M)) if (gone > JOINT_M).any() else n - 1
            x, y, s = x[first:], y[first:], s[first:]
        for parts, part in ((xs, x), (ys, y), (at, np.full(len(s), lane)), (ss, s)):
            parts.append(part)
        cut = joint and min(0.5 * CROSSING_M, 0.4 * float(road.length_m[lanes[k + 1]])) if k + 1 < len(lanes) else 0.0
    x, y, lane_at, s_at = (np.concatenate(parts) for parts in (xs, ys, at, ss))
    travelled = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    apart = np.concatenate([[True], np.diff(travelled) > 1e-3])
    x, y, lane_at, s_at, travelled = (v[apart] for v in (x, y, lane_at, s_at, travelled))
    even = np.linspace(0.0, travelled[-1], max(4, 1 + round(travelled[-1] / SPACING_M)))
    nearest = np.clip(np.searchsorted(travelled, even), 0, len(travelled) - 1)
    lane_at, s_at = lane_at[nearest], s_at[nearest]
    half = np.minimum(road.along(road.left_m, lane_at, s_at), road.along(road.right_m, lane_at, s_at))
    tube = np.maximum(TUBE_SHARE * (half - CAR_HALF_M), TUBE_LEAST_M)
    return *_tightened(np.interp(even, travelled, x), np.interp(even, travelled, y), tube), lane_at, s_at


def _tightened(x: Array, y: Array, tube: Array) -> tuple[Array, Array]:
    """The line drawn smooth within a tube: lanes of recorded scenarios are drawn by hand, with kinks no car drives."""
    tight_x, tight_y = x, y
    for _ in range(TIGHTENINGS):
        dx, dy = _without_kinks(tight_x) - x, _without_kinks(tight_y) - y
        within = np.minimum(1.0, tube / np.maximum(np.hypot(dx, dy), 1e-9))
        tight_x, tight_y = x + within * dx, y + within * dy
    return _without_kinks(tight_x), _without_kinks(tight_y)


def _without_kinks(values: Array) -> Array:
    """Smoothed twice over, S + S (1 - S): kinks go, and a bend stays where it is (to the fourth order)."""
    once = _smooth(values, 7)
    return once + _smooth(values - once, 7)


def _smooth(values: Array, width: int) -> Array:
    """A moving average of odd width, straight on at the ends: a straight line stays what it is."""
    half = min(width // 2, (len(values) - 1) // 2)
    if half < 1:
        return values
    front = 2.0 * values[0] - values[half:0:-1]
    back = 2.0 * values[-1] - values[-2 : -2 - half : -1]
    padded = np.concatenate([front, values, back])
    return np.convolve(padded, np.full(2 * half + 1, 1.0 / (2 * half + 1)), mode="valid")


def steady(curvature: Array, s: Array) -> Array:
    """What curves allow: across in each, by how fast a car steers into them, and braking evenly before."""
    bending = np.abs(np.gradient(_smooth(curvature, 3), s))
    across = np.sqrt(STEADY_M_S2 / np.maximum(np.abs(curvature), 1e-5))
    steady = np.maximum(np.minimum(across, BENDING_1_M_S / (bending + 1e-5)), SLOWEST_M_S)
    for k in range(len(s) - 2, -1, -1):
        steady[k] = min(steady[k], np.sqrt(steady[k + 1] ** 2 + 2.0 * BRAKES_M_S2 * (s[k + 1] - s[k])))
    return steady


def _surface(road: Road, x: Array, y: Array, heading: Array) -> tuple[Array, Array]:
    """How far the surface reaches without a gap to the left and the right of each point."""
    aside = np.arange(-ASIDE_M, ASIDE_M + 1e-9, SIDE_STEP_M)
    px, py = x[:, None] - aside * np.sin(heading)[:, None], y[:, None] + aside * np.cos(heading)[:, None]
    on = road.inside(px.ravel(), py.ravel()).reshape(px.shape)
    middle = len(aside) // 2
    left = np.cumprod(on[:, middle:], axis=1).sum(axis=1) - 0.5  # the edge lies between the last on it and the next
    right = np.cumprod(on[:, middle::-1], axis=1).sum(axis=1) - 0.5
    return np.maximum(left, 0.0) * SIDE_STEP_M, np.maximum(right, 0.0) * SIDE_STEP_M


def _centres(road: Road, lane_at: Array, x: Array, y: Array) -> Array:
    centre = np.full((len(x), 2 * LANES_ASIDE + 1), np.nan)
    centre[:, LANES_ASIDE] = 0.0
    for step, side in ((1, road.left), (-1, road.right)):
        lane = lane_at.copy()
        for k in range(1, LANES_ASIDE + 1):
            then = np.where(lane >= 0, side[lane], -1)
            there = (then >= 0) & road.drivable[then]
            onto = road.project(x, y, lanes=np.where(there, then, 0))
            lane = np.where(there, then, -1)
            centre[:, LANES_ASIDE + step * k] = np.where(there, -onto.d_m, np.nan)
    return centre


def _target(goal: Goal, x: Array, y: Array, heading: Array, s: Array) -> Target:
    """Where the goal lies beside the line: the longest stretch in it at the offset nearest to the line's."""
    anywhere = (-np.inf, np.inf)
    turns = anywhere if goal.heading_rad is None else (goal.heading_rad.low, goal.heading_rad.high)
    speeds = (0.0, np.inf) if goal.speed_m_s is None else (goal.speed_m_s.low, goal.speed_m_s.high)
    where: tuple[tuple[float, float], tuple[float, float]] = (anywhere, anywhere)
    if goal.shapes or goal.lanes:
        where = _stretch(goal, x, y, heading, s)
    return Target(where[0], where[1], turns, speeds, (goal.steps.low, goal.steps.high))


def _stretch(
    goal: Goal, x: Array, y: Array, heading: Array, s: Array
) -> tuple[tuple[float, float], tuple[float, float]]:
    fine = np.arange(s[0], s[-1], 0.25)
    px, py, turned = (np.interp(fine, s, v) for v in (x, y, heading))
    aside = np.arange(-GOAL_ASIDE_M, GOAL_ASIDE_M + 1e-9, SIDE_STEP_M)
    gx, gy = px[:, None] - aside * np.sin(turned)[:, None], py[:, None] + aside * np.cos(turned)[:, None]
    speed = 0.0 if goal.speed_m_s is None else goal.speed_m_s.middle
    flat = (gx.ravel(), gy.ravel(), np.repeat(turned, len(aside)), np.full(gx.size, speed))
    on = goal.reached(*flat, step=round(goal.steps.low)).reshape(gx.shape)
    if not on.any():
        # the lane turns away from the orientation that is asked for: where it is counts, how it is met the driver sees
        middle = flat[2] if goal.heading_rad is None else np.full(gx.size, goal.heading_rad.middle)
        on = goal.reached(flat[0], flat[1], middle, flat[3], step=round(goal.steps.low)).reshape(gx.shape)
    if not on.any():
        return (np.nan, np.nan), (np.nan, np.nan)
    column = max(range(len(aside)), key=lambda j: (on[:, j].any(), -abs(aside[j])))
    inside = np.flatnonzero(on[:, column])
    from_m, to_m = float(fine[inside[0]]), float(fine[inside[-1]])
    row = on[(inside[0] + inside[-1]) // 2] if on[(inside[0] + inside[-1]) // 2, column] else on[inside[0]]
    offsets = aside[row]
    return (from_m, to_m), (float(offsets.min()), float(offsets.max()))
