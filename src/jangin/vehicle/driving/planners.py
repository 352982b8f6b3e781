"""Who drives: the rule-based planner of proposals, and the two baselines it is shown beside.

    driver = Proposals().start(setting)              # a course to the goal; raises BadRoad where there is none
    command = driver(sight)                          # (steering rate [rad/s], acceleration [m/s^2]), every step

    Proposals       what is foreseen of everybody, a few dozen ways to go on, the one that weighs least
    RouteIdm        the line of the course, IDM behind whoever is ahead on it; changes lanes without looking
    ConstantSpeed   the line of the course at the speed of the start

All see the same: everybody's boxes and speeds as they are now and were shortly before, exactly. None knows the
recording. They steer alike, within the vehicle's limits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from jangin.vehicle.commonroad import Problem, Scenario
from jangin.vehicle.driving.course import Course, course_of
from jangin.vehicle.driving.deciding import Situation, decide, even, follow, many, numbers
from jangin.vehicle.parameters import VehicleParameters

__all__ = [
    "PLANNERS",
    "ConstantSpeed",
    "Driver",
    "Planner",
    "Proposals",
    "RouteIdm",
    "Setting",
    "Sight",
    "goal_numbers",
]

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Setting:
    """What a planner is told before it drives.

    Attributes:
        standing: (m, 6) boxes that stand, columns as `paths.BOX`.
        ahead_m: how far ahead of the rear axle the point lies that the problem's positions mean.
    """

    scenario: Scenario
    problem: Problem
    vehicle: VehicleParameters
    standing: Array
    ahead_m: float = 0.0


@dataclass(frozen=True, eq=False)
class Sight:
    """What a planner sees at a time step.

    Attributes:
        step: of the scenario.
        state: (5,) of the kinematic model: rear axle x, y, steering, speed, heading.
        others: (n, 6) everybody now, columns as `paths.BOX`; x is NaN for who is absent.
        before: (n, 6) the same `before_s` ago.
    """

    step: int
    state: Array
    others: Array
    before: Array
    before_s: float


Driver = Callable[[Sight], tuple[float, float]]


class Planner(Protocol):
    """Makes a driver for a problem."""

    @property
    def name(self) -> str: ...

    def start(self, setting: Setting) -> Driver:
        """Raises BadRoad where a problem is none for it."""


@dataclass(frozen=True)
class Proposals:
    """The rule-based planner.

    Attributes:
        horizon_s: how far ahead proposals are driven.
        range_m: others farther away are left out.
        most: of the others, so many of the nearest are looked at.
        course: a course that is there already; by default the one to the problem's goal.
    """

    horizon_s: float = 8.0
    range_m: float = 90.0
    most: int = 40
    course: Course | None = None
    name: str = "proposals"

    def start(self, setting: Setting) -> Driver:
        """See the module."""
        return _weighing(self, setting, many)


@dataclass(frozen=True)
class RouteIdm:
    """The baseline that follows."""

    course: Course | None = None
    name: str = "route IDM"

    def start(self, setting: Setting) -> Driver:
        """See the module."""
        return _weighing(Proposals(horizon_s=0.0, course=self.course), setting, follow)


@dataclass(frozen=True)
class ConstantSpeed:
    """The baseline that does not even look."""

    course: Course | None = None
    name: str = "constant speed"

    def start(self, setting: Setting) -> Driver:
        """See the module."""
        return _weighing(Proposals(horizon_s=0.0, most=0, course=self.course), setting, even)


PLANNERS: tuple[Planner, ...] = (Proposals(), RouteIdm(), ConstantSpeed())


# ── how they decide ──────────────────────────────────────────────────────────────────────────────────────────────


def _weighing(plan: Proposals, setting: Setting, propose: Callable[[Situation], Array]) -> Driver:
    """A driver that takes the command of the proposal which weighs least."""
    course = plan.course or course_of(setting.scenario.road, setting.problem)
    step_s, vehicle, whole = setting.scenario.step_s, numbers(setting.vehicle), goal_numbers(setting, course)
    most_steps, begins_m_s = max(1, round(plan.horizon_s / step_s)), setting.problem.start.speed_m_s
    kept_m = np.nan

    def drive(sight: Sight) -> tuple[float, float]:
        nonlocal kept_m
        target = whole.copy()
        target[8:10] -= sight.step
        here = Situation.of(course, target, sight.state, begins_m_s=begins_m_s, step_s=step_s)
        steps = int(np.clip(target[9], 1, most_steps))
        rate, accel, kept_m = decide(
            here, propose, *_looked_at(plan, setting, sight), vehicle, steps=steps, kept_m=kept_m
        )
        return rate, accel

    return drive


def _looked_at(plan: Proposals, setting: Setting, sight: Sight) -> tuple[Array, Array]:
    """The nearest boxes, moving and standing, and their yaw rates."""
    turned = (sight.others[:, 2] - sight.before[:, 2] + np.pi) % (2.0 * np.pi) - np.pi
    turning = np.nan_to_num(turned / sight.before_s)
    boxes = np.concatenate([sight.others, setting.standing])
    turning = np.concatenate([turning, np.zeros(len(setting.standing))])
    # of a long box, a wall, the nearest point may be half its length nearer than its middle
    away = np.hypot(boxes[:, 0] - sight.state[0], boxes[:, 1] - sight.state[1]) - 0.5 * boxes[:, 3]
    order = np.argsort(away, kind="stable")  # NaN last
    kept = order[: plan.most][away[order[: plan.most]] < plan.range_m]
    return np.ascontiguousarray(boxes[kept]), np.clip(turning[kept], -1.0, 1.0)


def goal_numbers(setting: Setting, course: Course) -> Array:
    """The goal as `weigh` takes it, its time steps the scenario's; places are the rear axle's, and a bit tighter."""
    target, goals = course.target, setting.problem.goals
    compared = np.nan if all(goal.speed_m_s is None for goal in goals) else 1.0
    s, d = _tighter(target.s_m, 0.2), _tighter(target.d_m, 0.1)
    return np.array(
        [s[0] - setting.ahead_m, s[1] - setting.ahead_m, *d, *target.heading_rad, *_tighter(target.speed_m_s, 0.05),
         *target.steps, compared, setting.scenario.step_s]
    )  # fmt: skip


def _tighter(interval: tuple[float, float], by: float) -> tuple[float, float]:
    low, high = interval
    by = min(by, 0.25 * (high - low))
    return (low + by if low > 0.0 or np.isfinite(high) else low), high - by
