"""What a vehicle in recorded traffic sees: its course ahead, its goal and its neighbours, in the course's coordinates.

    row = sensed(ride, course, rng, noise=1.0)          # as `recorded_channels.channels`, in their order

And back: `situation_of` makes of such a row, in a frame at the vehicle's foot on its course, what the rule-based
planner decides from. So the planner sees what a policy sees, and nothing else.
"""

from __future__ import annotations

import math

import numpy as np

from jangin.task import Array
from jangin.vehicle.driving.course import LANES_ASIDE, Course, Target, steady
from jangin.vehicle.driving.deciding import Situation
from jangin.vehicle.driving.lines import beside, foot
from jangin.vehicle.driving.planners import goal_numbers
from jangin.vehicle.driving.ride import Ride
from jangin.vehicle.recorded_channels import (
    FAR_M,
    FAST_M_S,
    HEADING_NOISE_RAD,
    NEIGHBOURS,
    OWN,
    PER_NEIGHBOUR,
    PLACE_NOISE_M,
    SEEN_M,
    SPEED_NOISE_M_S,
    STATIONS_M,
)

__all__ = ["sensed", "situation_of"]

FREE_M_S = 15.0  # what is wished for where there is no limit and the start was slower
BEHIND_M, LINE_M = 60.0, 200.0  # of the line that is made again from its curvature


# ── seeing ───────────────────────────────────────────────────────────────────────────────────────────────────────


def sensed(ride: Ride, course: Course, rng: np.random.Generator, noise: float) -> Array:
    """One row of observation; `noise` scales the noise of what is seen of others."""
    x, y, steer, speed, heading = ride.state
    s, d, k = foot(x, y, *course.line, -1)
    way = beside(s, d, k, *course.line)[2]
    lanes = course.centre_m[k]
    lane = float(lanes[int(np.nanargmin(np.abs(lanes - d)))])
    goal = goal_numbers(ride.setting, course)
    step_s = ride.scenario.step_s
    turn = (-math.pi, 2.0 * math.pi) if not math.isfinite(goal[4]) else (_wrapped(goal[4] - way), goal[5] - goal[4])
    own = [
        speed, steer, d, _wrapped(heading - way), lane, _wished(course, k, ride), goal[0] - s, goal[1] - s, *goal[2:4],
        *turn, goal[6], goal[7], (goal[8] - ride.step) * step_s, (goal[9] - ride.step) * step_s,
    ]  # fmt: skip
    at = np.clip(np.searchsorted(course.s_m, s + np.array(STATIONS_M)), 0, len(course.s_m) - 1)
    ahead = np.stack([course.curvature_1_m[at], course.left_m[at], course.right_m[at]], axis=1)
    sides = [lanes[np.isfinite(lanes) & side] for side in (lanes > lane + 1.0, lanes < lane - 1.0)]
    left, right = (float(sides[0].min()) if len(sides[0]) else lane), (float(sides[1].max()) if len(sides[1]) else lane)
    return np.concatenate([own, ahead.ravel(), [left, right], _neighbours(ride, course, s, rng, noise)])


def _wished(course: Course, k: int, ride: Ride) -> float:
    limit = float(course.limit_m_s[k])
    return limit if math.isfinite(limit) else max(ride.problem.start.speed_m_s, FREE_M_S)


def _neighbours(ride: Ride, course: Course, s: float, rng: np.random.Generator, noise: float) -> Array:
    rows = np.zeros((NEIGHBOURS, PER_NEIGHBOUR))
    draws = rng.standard_normal((NEIGHBOURS, 4))  # always as many, whoever is there
    boxes = np.concatenate([ride.others, ride.standing.boxes])
    away = np.hypot(boxes[:, 0] - ride.state[0], boxes[:, 1] - ride.state[1]) - 0.5 * boxes[:, 3]
    order = np.argsort(away, kind="stable")[:NEIGHBOURS]
    for row, draw, i in zip(rows, draws, order, strict=False):
        if not away[i] < SEEN_M:
            break
        box = boxes[i]
        s_other, d_other, k = foot(box[0], box[1], *course.line, -1)
        turned = _wrapped(box[2] - beside(s_other, d_other, k, *course.line)[2])
        row[:] = [1.0, s_other - s, d_other, turned, box[5], box[3], box[4]]
        row[1:5] += noise * draw * [PLACE_NOISE_M, PLACE_NOISE_M, HEADING_NOISE_RAD, SPEED_NOISE_M_S]
        row[4] = max(row[4], 0.0)
    return rows.ravel()


def _wrapped(angle: float) -> float:
    return float((angle + math.pi) % (2.0 * math.pi) - math.pi)


# ── and back ─────────────────────────────────────────────────────────────────────────────────────────────────────


def situation_of(row: Array, step_s: float) -> tuple[Situation, Array]:
    """What a row says, as a planner takes it: the situation, and (m, 6) boxes of who is there.

    The frame is at the vehicle's foot on its course, x along it. The course is made again from its curvature.
    """
    row = np.asarray(row, float)
    speed, steer, d, heading, lane, wished = row[:6]
    n = OWN + 3 * len(STATIONS_M)
    course = _course(row[OWN:n].reshape(-1, 3), lane, row[n : n + 2], wished)
    state = np.array([0.0, d, steer, speed, heading])
    here = Situation.of(course, _goal(row, step_s), state, begins_m_s=speed, step_s=step_s)
    rows = row[n + 2 :].reshape(NEIGHBOURS, PER_NEIGHBOUR)
    boxes = []
    for _, ahead, offset, turned, faster, length, width in rows[rows[:, 0] > 0.5]:
        s = ahead + BEHIND_M
        k = int(np.clip(s, 0, len(course.s_m) - 2))
        x, y, way = beside(s, offset, k, *course.line)
        boxes.append([x, y, way + turned, length, width, faster])
    return here, np.array(boxes).reshape(-1, 6)


def _course(seen: Array, lane: float, sides: Array, wished: float) -> Course:
    s = np.arange(0.0, BEHIND_M + LINE_M + 1.0)
    ahead = s - BEHIND_M
    curvature = np.where(ahead < 0.0, seen[0, 0], np.interp(ahead, STATIONS_M, seen[:, 0]))
    here = int(BEHIND_M)
    heading = np.concatenate([[0.0], np.cumsum(0.5 * (curvature[1:] + curvature[:-1]))])
    heading -= heading[here]
    middle = 0.5 * (heading[1:] + heading[:-1])
    x, y = (np.concatenate([[0.0], np.cumsum(f(middle))]) for f in (np.cos, np.sin))
    centre = np.full((len(s), 2 * LANES_ASIDE + 1), np.nan)
    centre[:, LANES_ASIDE] = lane
    for column, at in ((LANES_ASIDE + 1, sides[0]), (LANES_ASIDE - 1, sides[1])):
        if abs(at - lane) > 1.0:
            centre[:, column] = at
    anywhere = (-math.inf, math.inf)
    return Course(
        lanes=(),
        x_m=x - x[here],
        y_m=y - y[here],
        heading_rad=heading,
        s_m=s,
        left_m=np.interp(ahead, STATIONS_M, seen[:, 1]),
        right_m=np.interp(ahead, STATIONS_M, seen[:, 2]),
        centre_m=centre,
        limit_m_s=np.full(len(s), wished),
        curvature_1_m=curvature,
        steady_m_s=steady(curvature, s),
        target=Target(anywhere, anywhere, anywhere, anywhere, anywhere),  # it is in the situation
    )


def _goal(row: Array, step_s: float) -> Array:
    """The goal as `weigh` takes it; what is at the end of a channel's range is unlimited."""
    from_m, to_m, right, left, heading, turn, slow, fast, begins, ends = row[6:OWN]
    anywhere, all_round = from_m <= -FAR_M and to_m >= FAR_M, turn >= 2.0 * math.pi - 1e-3
    place = (
        (-math.inf, math.inf, -math.inf, math.inf) if anywhere else (from_m + BEHIND_M, to_m + BEHIND_M, right, left)
    )
    turns = (-math.inf, math.inf) if all_round else (heading, heading + turn)
    fastest = math.inf if fast >= FAST_M_S - 1e-3 else fast
    compared = math.nan if math.isinf(fastest) else 1.0
    return np.array([*place, *turns, slow, fastest, round(begins / step_s), round(ends / step_s), compared, step_s])
