"""What the other drivers do: follow whoever is ahead in each lane they are in (IDM), and change lanes (MOBIL).

    accel = follows(car, order, place, k, lane, settings)        # behind the leader in one lane
    accel = wish(car, order, place, k, settings, low, high)      # the smaller of the lanes it is in
    consider(car, order, place, k, settings)                     # begin a lane change, or not

Under PEER vehicles follow the distance of centres and do not clip what they want of the gap, as highway-env's do.
"""

from __future__ import annotations

import math

from jangin.vehicle.lanes.columns import (
    COMFORT_ACCEL,
    COMFORT_DECEL,
    EXPONENT,
    HEADWAY,
    JAM_GAP,
    KEEP_RIGHT,
    LANE_WIDTH,
    LANES,
    PEER,
    POLITENESS,
    SAFE_DECEL,
    SPEED,
    TARGET,
    THRESHOLD,
    V0,
    D,
    S,
)
from jangin.vehicle.lanes.jit import jit
from jangin.vehicle.lanes.neighbours import ahead, behind, gap, reaches
from jangin.vehicle.traffic.following import idm, idm_highway_env
from jangin.vehicle.traffic.lane_change import mobil_incentive, mobil_safe

__all__ = ["consider", "follows", "wants", "wish"]

HARDEST_M_S2, PEER_HARDEST_M_S2 = 8.0, 6.0  # that a driver brakes with
SETTLED_M = 0.3  # this near to the middle of its lane a vehicle may begin another change
STANDS_M_S = 1.0  # and so fast at the least


@jit
def wants(car, k, j, settings):  # type: ignore[no-untyped-def]
    """The acceleration of driver k behind vehicle j, or on a free road for -1 [m/s^2]; not clipped."""
    v, v0 = car[k, SPEED], car[k, V0]
    if settings[PEER] == 0.0:
        room, lead = (gap(car, k, j), car[j, SPEED]) if j >= 0 else (math.inf, 0.0)
        return idm(
            v, room, lead, v0, car[k, HEADWAY], car[k, COMFORT_ACCEL], car[k, COMFORT_DECEL], car[k, JAM_GAP],
            car[k, EXPONENT],
        )  # fmt: skip
    away, lead = (car[j, S] - car[k, S], car[j, SPEED]) if j >= 0 else (math.inf, 0.0)
    return idm_highway_env(
        v, away, lead, v0, car[k, HEADWAY], car[k, COMFORT_ACCEL], car[k, COMFORT_DECEL], car[k, JAM_GAP],
        car[k, EXPONENT],
    )  # fmt: skip


@jit
def follows(car, order, place, k, lane, settings):  # type: ignore[no-untyped-def]
    """The acceleration of driver k in a lane [m/s^2]."""
    return wants(car, k, ahead(car, order, place, k, lane, settings[LANE_WIDTH]), settings)


@jit
def wish(car, order, place, k, settings):  # type: ignore[no-untyped-def]
    """The acceleration of driver k in all lanes it is in or going to, clipped to what it can do [m/s^2]."""
    width, target = settings[LANE_WIDTH], car[k, TARGET]
    found = follows(car, order, place, k, target, settings)
    if abs(car[k, D] - target * width) > SETTLED_M:
        other = target - 1.0 if car[k, D] < target * width else target + 1.0
        if reaches(car, k, other, width):
            found = min(found, follows(car, order, place, k, other, settings))
    hardest = PEER_HARDEST_M_S2 if settings[PEER] else HARDEST_M_S2
    return min(max(found, -hardest), hardest)


@jit
def consider(car, order, place, k, settings):  # type: ignore[no-untyped-def]
    """Let driver k begin a lane change if it is worth it and imposes nothing unsafe; one at a time."""
    width, own = settings[LANE_WIDTH], car[k, TARGET]
    if abs(car[k, D] - own * width) > SETTLED_M or car[k, SPEED] < STANDS_M_S:
        return
    now = follows(car, order, place, k, own, settings)
    old = behind(car, order, place, k, own, width)
    leader = ahead(car, order, place, k, own, width)
    best, into = car[k, THRESHOLD], own
    for side in range(-1, 2, 2):
        lane = own + side
        if lane < 0.0 or lane > settings[LANES] - 1.0:
            continue
        front, rear = ahead(car, order, place, k, lane, width), behind(car, order, place, k, lane, width)
        if (front >= 0 and gap(car, k, front) <= 0.0) or (rear >= 0 and gap(car, rear, k) <= 0.0):
            continue
        then = wants(car, k, front, settings)
        new_then = wants(car, rear, k, settings) if rear >= 0 else 0.0
        if not mobil_safe(new_then, then, car[k, SAFE_DECEL]):
            continue
        new_now = wants(car, rear, front, settings) if rear >= 0 else 0.0
        old_then = wants(car, old, leader, settings) if old >= 0 else 0.0
        old_now = wants(car, old, k, settings) if old >= 0 else 0.0
        bias = -side * car[k, KEEP_RIGHT]
        worth = mobil_incentive(then, now, new_then, new_now, old_then, old_now, car[k, POLITENESS], bias)
        if worth > best:
            best, into = worth, lane
    car[k, TARGET] = into
