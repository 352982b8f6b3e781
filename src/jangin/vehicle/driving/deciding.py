"""How a planner decides: from a situation to proposals, and to the one that weighs least.

    here = Situation.of(course, target, state, begins_m_s=15.0, step_s=0.1)
    rate, accel, offset = decide(here, many, boxes, turning, numbers(BMW_320I), steps=80)

`many` are the proposals of the rule-based planner; `follow` and `even` are the single ones of the two baselines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jangin.vehicle.driving.course import Course
from jangin.vehicle.driving.foresight import foreseen
from jangin.vehicle.driving.lines import foot
from jangin.vehicle.driving.proposals import EVENLY, FOLLOWS, OFFSET, weigh
from jangin.vehicle.parameters import VehicleParameters

__all__ = ["Situation", "decide", "even", "follow", "many", "numbers"]

Array = np.ndarray

FREE_M_S = 36.0  # the desired speed where nothing limits it
ANOTHER_OFFSET = 200.0  # what going to another offset than before must be worth, in the units of SM1


@dataclass(frozen=True, eq=False)
class Situation:
    """Where the vehicle is on its course, and what is left of the goal; for whoever makes proposals.

    Attributes:
        target: (12,) as `weigh` takes it, its time steps counted from now.
        state: (5,) of the kinematic model.
        s_m, d_m: where the rear axle is on the course.
        begins_m_s: the speed of the start.
    """

    course: Course
    target: Array
    state: Array
    s_m: float
    d_m: float
    begins_m_s: float
    step_s: float

    @classmethod
    def of(cls, course: Course, target: Array, state: Array, *, begins_m_s: float, step_s: float) -> Situation:
        """The situation of a state."""
        s, d, _ = foot(state[0], state[1], *course.line, -1)
        return cls(course, target, state, float(s), float(d), begins_m_s, step_s)

    @property
    def speed_m_s(self) -> float:
        """Of the vehicle."""
        return float(self.state[3])

    @property
    def point(self) -> int:
        """The point of the course here."""
        return int(np.clip(np.searchsorted(self.course.s_m, self.s_m), 0, len(self.course.s_m) - 1))

    @property
    def near(self) -> Array:
        """(7,) offsets of the lanes here, NaN where there is none."""
        return self.course.centre_m[self.point]

    @property
    def limit_m_s(self) -> float:
        """The speed that is wished for here: the limit, or without one what the vehicle had."""
        limit = float(self.course.limit_m_s[self.point])
        return limit if np.isfinite(limit) else max(self.begins_m_s, 0.3 * FREE_M_S)

    @property
    def goal_offset_m(self) -> float:
        """Of the goal; of the lane it is in where the goal has none."""
        low, high = self.target[2], self.target[3]
        return float(0.5 * (low + high)) if np.isfinite(low) and np.isfinite(high) else self.lane_m

    @property
    def lane_m(self) -> float:
        """The offset of the lane whose middle is nearest."""
        return float(self.near[int(np.nanargmin(np.abs(self.near - self.d_m)))])


def decide(
    here: Situation, propose: Callable[[Situation], Array], boxes: Array, turning: Array, vehicle: Array, *, steps: int,
    kept_m: float = np.nan,
) -> tuple[float, float, float]:  # fmt: skip
    """Steering rate [rad/s], acceleration [m/s^2] and offset [m] of the proposal that weighs least.

    boxes: (m, 6) of who is looked at, columns as `paths.BOX`.   turning: (m,) yaw rates.   vehicle: `numbers`.
    steps: how many are driven ahead.   kept_m: the offset that it goes to already.
    """
    course = here.course
    ahead = foreseen(boxes, turning, steps, here.step_s, *course.line)
    beside = (course.left_m, course.right_m, course.steady_m_s, course.curvature_1_m)
    proposals, sizes = propose(here), np.ascontiguousarray(boxes[:, 3:5])
    costs, commands = weigh(
        proposals, here.state, ahead, sizes, course.line, beside, here.target, vehicle, steps, here.step_s
    )
    costs += np.where(np.abs(proposals[:, OFFSET] - kept_m) > 0.5, ANOTHER_OFFSET, 0.0)
    best = int(np.argmin(costs))
    rate, accel = commands[best]
    return float(rate), float(accel), float(proposals[best, OFFSET])


def numbers(p: VehicleParameters) -> Array:
    """(8,) a vehicle as `weigh` takes it."""
    return np.array(
        [p.length_m, p.width_m, p.wheelbase_m, p.rear_axle_to_centre_m, p.steer_max_rad, p.steer_rate_max_rad_s,
         p.acceleration_max_m_s2, p.switch_speed_m_s]
    )  # fmt: skip


def even(here: Situation) -> Array:
    """On at the speed of the start, in the goal's lane."""
    return np.array([[EVENLY, 0.0, here.begins_m_s, here.goal_offset_m, CALM_S]])


def follow(here: Situation) -> Array:
    """Behind whoever is ahead, in the goal's lane."""
    low, high = here.target[6], here.target[7]
    wish = float(np.clip(here.limit_m_s, low, high))
    return np.array([[FOLLOWS, 0.0, wish, here.goal_offset_m, CALM_S]])


EVEN_M_S2 = (0.0, 0.15, 0.4, 0.8, 1.3, 2.0, 3.0, 4.0)
BRAKING_M_S2 = (0.15, 0.4, 0.8, 1.3, 2.0, 3.0, 4.5, 6.0, 8.0)
EVASIVE_M, EVASIVE_M_S2 = (-1.8, -0.9, 0.9, 1.8, 3.2), (1.5, 0.4, 0.0, -0.8, -2.0, -4.5)
CALM_S, BRISK_S = 1.2, 0.6  # how far ahead steering looks
EDGE_M = 0.9  # from the edge of the surface to the middle of the vehicle
SHARES = (0.4, 0.7, 1.0)  # of the limit that FOLLOWS goes for


def many(here: Situation) -> Array:
    """Every offset that may be gone to, with every way to go faster or slower."""
    low, high = here.target[6], min(here.target[7], 1.5 * FREE_M_S)
    fast = max(min(high, max(here.limit_m_s, here.speed_m_s)), low)
    ways = [(FOLLOWS, 0.0, share * max(here.limit_m_s, low)) for share in SHARES]
    ways += [(EVENLY, a, v) for a in EVEN_M_S2 for v in {fast, high}]
    ways += [(EVENLY, -a, v) for a in BRAKING_M_S2 for v in {0.0, min(low, here.speed_m_s)}]
    ways += [(EVENLY, a, high if a > 0.0 else 0.0) for a in _arriving(here)]
    few = [(FOLLOWS, 0.0, max(here.limit_m_s, low))] + [(EVENLY, a, high if a > 0.0 else 0.0) for a in EVASIVE_M_S2]
    rows = [(*way, offset, CALM_S) for offset in _offsets(here) for way in ways]
    return np.array(rows + [(*way, offset, BRISK_S) for offset in _evasive(here) for way in few])


def _evasive(here: Situation) -> list[float]:
    """Offsets beside the middle of the own lane that the surface has room for, past somebody in the way."""
    k = here.point
    low, high = EDGE_M - float(here.course.right_m[k]), float(here.course.left_m[k]) - EDGE_M
    return [here.lane_m + aside for aside in EVASIVE_M if low <= here.lane_m + aside <= high]


def _offsets(here: Situation) -> list[float]:
    """The goal's, the own lane's, and those of the lanes beside it."""
    lanes = here.near[np.isfinite(here.near)]
    own = here.lane_m
    wanted = [here.goal_offset_m, own, *(lane for lane in lanes.tolist() if 0.1 < abs(lane - own) < 5.5)]
    found: list[float] = []
    for offset in wanted:
        if all(abs(offset - other) > 0.15 for other in found):
            found.append(offset)
    return found


def _arriving(here: Situation) -> list[float]:
    """Even accelerations that are at the goal's near end, middle and far end when its time begins, and ends."""
    target, speed = here.target, here.speed_m_s
    found = []
    for steps in {max(target[8], 1.0), target[9]}:
        left_s = steps * here.step_s
        if not 0.0 < left_s < 60.0:
            continue
        if np.isfinite(target[0]):
            for place in (target[0], 0.5 * (target[0] + target[1]), target[1]):
                found.append(2.0 * (place - here.s_m - speed * left_s) / left_s**2)
        for wanted in (target[6], target[7]):
            if np.isfinite(wanted) and (target[6] > 0.0 or np.isfinite(target[7])):
                found.append((wanted - speed) / left_s)
    return [float(np.clip(a, -8.0, 4.0)) for a in found]
