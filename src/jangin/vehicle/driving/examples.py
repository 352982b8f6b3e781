"""Three small recorded scenarios of ours, for whoever has no recordings at hand: a two-lane road and its traffic.

    for scenario in examples():
        drive(scenario, scenario.problems[0], Proposals())

    slower-ahead    straight on; a car ahead brakes to half its speed, and the goal has its time and its speed
    cut-in          straight on; somebody cuts in from the left and slows down
    into-the-gap    a bend to the left; the goal lies in the left lane, where others drive

They are made, not recorded: nobody's data, made by constant accelerations along lanes. Whoever goes on at the speed of
the start and steers straight on reaches no goal in any of them.
"""

from __future__ import annotations

import numpy as np

from jangin.vehicle.commonroad import Goal, Problem, Scenario
from jangin.vehicle.commonroad_obstacles import State
from jangin.vehicle.commonroad_shapes import Interval, rectangle
from jangin.vehicle.recorded import Recorded
from jangin.vehicle.road import Road
from jangin.vehicle.road_build import Lane, build_road

__all__ = ["examples", "two_lanes"]

Array = np.ndarray

STEP_S, STEPS = 0.1, 130
LANE_M, LENGTH_M, LIMIT_M_S = 3.5, 400.0, 25.0
CAR_M = (4.6, 1.9)


def examples() -> tuple[Scenario, ...]:
    """All three."""
    straight, bend = two_lanes(0.0), two_lanes(1.0 / 250.0)
    # each car: lane, where on it [m], speed [m/s], then (from [s], acceleration [m/s^2]) for 2 s, lane change at [s]
    slower = _traffic(straight, [(0, 95.0, 15.0, 2.0, -3.5, None), (1, 30.0, 19.0, 0.0, 0.0, None)])
    cuts_in = _traffic(straight, [(1, 74.0, 16.0, 3.5, -2.5, 1.0), (0, 130.0, 20.0, 0.0, 0.0, None)])
    left = [(1, s, 14.0, 0.0, 0.0, None) for s in (18.0, 62.0, 118.0)]
    gap = _traffic(bend, [*left, (0, 105.0, 10.0, 0.0, 0.0, None)])
    return (
        _scenario("slower-ahead", straight, slower, lane=0, start=(50.0, 18.0), goal=(165.0, 30.0), speed=(6.0, 13.0)),
        _scenario("cut-in", straight, cuts_in, lane=0, start=(50.0, 20.0), goal=(185.0, 30.0), speed=(8.0, 17.0)),
        _scenario("into-the-gap", bend, gap, lane=1, start=(45.0, 14.0), goal=(190.0, 40.0), speed=(10.0, 18.0)),
    )


def two_lanes(curvature_1_m: float, length_m: float = LENGTH_M) -> Road:
    """Two lanes side by side that run the same way and bend evenly to the left; lane 0 is the right one, "0"."""
    s = np.arange(0.0, length_m + 0.5, 1.0)
    lanes = []
    for k in range(2):
        d = k * LANE_M
        heading = curvature_1_m * s
        # the right lane's middle is the arc; sinc keeps the chord exact down to a straight road
        chord = s * np.sinc(0.5 * heading / np.pi)
        x, y = chord * np.cos(0.5 * heading), chord * np.sin(0.5 * heading)
        along = s * (1.0 - d * curvature_1_m)
        lanes.append(
            Lane(
                name=str(k),
                kind="driving",
                x_m=x - d * np.sin(heading),
                y_m=y + d * np.cos(heading),
                z_m=np.zeros(len(s)),
                heading_rad=heading,
                curvature_1_m=np.full(len(s), curvature_1_m / (1.0 - d * curvature_1_m)),
                s_m=along,
                left_m=np.full(len(s), 0.5 * LANE_M),
                right_m=np.full(len(s), 0.5 * LANE_M),
                limit_m_s=np.full(len(s), LIMIT_M_S),
                left=1 if k == 0 else -1,
                right=0 if k == 1 else -1,
            )
        )
    return build_road(lanes, links=[])


def _traffic(road: Road, cars: list[tuple[int, float, float, float, float, float | None]]) -> Recorded:
    """Cars along their lanes, whose accelerations last 2 s and lane changes, to the other lane, 2.5 s."""
    t = STEP_S * np.arange(STEPS)
    rows = []
    for lane, s0, speed0, from_s, accel, change_s in cars:
        during = np.clip(t - from_s, 0.0, 2.0)
        speed = speed0 + accel * during
        s = s0 + np.concatenate([[0.0], np.cumsum(0.5 * (speed[1:] + speed[:-1])) * STEP_S])
        share = np.zeros(len(t)) if change_s is None else np.clip((t - change_s) / 2.5, 0.0, 1.0)
        d = (1 if lane == 0 else -1) * LANE_M * share * share * (3.0 - 2.0 * share)
        x, y, heading = road.at(np.full(len(t), lane), s, d)
        rows.append((x, y, heading + np.arctan2(np.gradient(d, STEP_S), speed), speed))
    x, y, heading, speed = (np.array([row[k] for row in rows]) for k in range(4))
    n = len(cars)
    names = tuple(str(k) for k in range(n))
    sizes = (np.full(n, CAR_M[0]), np.full(n, CAR_M[1]))
    return Recorded(STEP_S, names, ("car",) * n, *sizes, x, y, heading, speed)


def _scenario(
    name: str, road: Road, recorded: Recorded, *, lane: int, start: tuple[float, float], goal: tuple[float, float],
    speed: tuple[float, float],
) -> Scenario:  # fmt: skip
    """From `start` (s [m], speed [m/s]) in the right lane to a goal (middle [m], length [m]) in a lane, in 13 s."""
    x, y, heading = (float(v) for v in road.at(0, start[0]))
    gx, gy, turned = (float(v) for v in road.at(lane, goal[0]))
    area = rectangle(gx, gy, turned, goal[1], 2.4)
    steps = Interval(80.0, STEPS - 1.0)
    there = Goal(steps, (area,), (), Interval(turned - 0.3, turned + 0.3), Interval(*speed), road)
    problem = Problem("1", State(0, x, y, heading, start[1], False), (there,), f"example {name!r}")
    return Scenario(
        id=name,
        source="made, not recorded",
        tags=(),
        step_s=STEP_S,
        road=road,
        recorded=recorded,
        problems=(problem,),
        static=(),
        occupied=(),
        signs=(),
        notes=(),
    )
