"""How a vehicle rolls at low speed, without slip: the kinematic and the articulated model, and the boxes of the state.

    roll(car, trial, settings, speed, steering_rate)     # one substep towards a speed, with a steering rate
    bodies(car, settings, pose)                          # fill (2, 3): centre and heading of car and trailer
    miss(car, trial, settings)                           # the placed body's distance and heading error to the goal

    x' = v cos(psi)    y' = v sin(psi)    psi' = v tan(delta) / L    gamma' = -v sin(gamma) / L2 - psi'

The speed ramps to what is told, behind a lag, with at most `ACCEL`, to which the slope adds; the steering rate is cut
to its limit and the wheels stop at theirs. Midpoint rule; `models` has the same equations in bulk.
"""

from __future__ import annotations

import math

from jangin.vehicle.lanes.jit import jit
from jangin.vehicle.parameters import GRAVITY_M_S2
from jangin.vehicle.yards.columns import (
    ACCEL,
    AHEAD,
    GOAL_HEADING,
    GOAL_X,
    GOAL_Y,
    HEADING,
    HITCH,
    LAG,
    SLOPE,
    SPEED,
    SPEED_MAX,
    SPEED_MIN,
    STEER,
    STEER_LAG,
    STEER_MAX,
    STEER_OFFSET,
    STEER_RATE,
    SUBSTEP,
    TOLD_RATE,
    TOLD_SPEED,
    TRAILER,
    TRAILER_BASE,
    TRAILER_BEHIND,
    WHEELBASE,
    X,
    Y,
)

__all__ = ["bodies", "miss", "roll"]


@jit
def roll(car, trial, settings, speed, rate):  # type: ignore[no-untyped-def]
    """Advance by a substep."""
    step = settings[SUBSTEP]
    share = 1.0 - math.exp(-step / trial[LAG]) if trial[LAG] > 0.0 else 1.0
    trial[TOLD_SPEED] += share * (min(max(speed, settings[SPEED_MIN]), settings[SPEED_MAX]) - trial[TOLD_SPEED])
    share = 1.0 - math.exp(-step / trial[STEER_LAG]) if trial[STEER_LAG] > 0.0 else 1.0
    limit = settings[STEER_RATE]
    trial[TOLD_RATE] += share * (min(max(rate, -limit), limit) - trial[TOLD_RATE])
    v, before = car[SPEED], car[STEER]
    uphill = GRAVITY_M_S2 * trial[SLOPE] * math.cos(car[HEADING])
    lowest, highest = -settings[ACCEL] - uphill, settings[ACCEL] - uphill
    accel = min(max((trial[TOLD_SPEED] - v) / step, lowest), highest)
    stop = settings[STEER_MAX]
    car[SPEED] = v + accel * step
    car[STEER] = min(max(before + trial[TOLD_RATE] * step, -stop), stop)
    way = 0.5 * (v + car[SPEED]) * step
    turn = math.tan(0.5 * (before + car[STEER]) + trial[STEER_OFFSET]) / settings[WHEELBASE]
    middle = car[HEADING] + 0.5 * way * turn
    if settings[TRAILER]:
        base, gamma = settings[TRAILER_BASE], car[HITCH]
        half = gamma + 0.5 * way * (-math.sin(gamma) / base - turn)
        car[HITCH] = gamma + way * (-math.sin(half) / base - turn)
    car[X] += way * math.cos(middle)
    car[Y] += way * math.sin(middle)
    car[HEADING] += way * turn


@jit
def bodies(car, settings, pose):  # type: ignore[no-untyped-def]
    """Fill `pose` (2, 3): the centre and heading of the car's box and of the trailer's; returns how many there are."""
    h, ahead = car[HEADING], settings[AHEAD]
    pose[0, 0], pose[0, 1], pose[0, 2] = car[X] + ahead * math.cos(h), car[Y] + ahead * math.sin(h), h
    if not settings[TRAILER]:
        return 1
    h, behind = h + car[HITCH], settings[TRAILER_BEHIND]
    pose[1, 0], pose[1, 1], pose[1, 2] = car[X] - behind * math.cos(h), car[Y] - behind * math.sin(h), h
    return 2


@jit
def miss(pose, last, trial):  # type: ignore[no-untyped-def]
    """Distance [m] and heading error [rad] of the placed body, row `last` of `pose`, to the goal."""
    turned = pose[last, 2] - trial[GOAL_HEADING]
    turned = abs((turned + math.pi) % (2.0 * math.pi) - math.pi)
    return math.hypot(pose[last, 0] - trial[GOAL_X], pose[last, 1] - trial[GOAL_Y]), turned
