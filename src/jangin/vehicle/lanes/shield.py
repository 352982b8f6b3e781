"""The shield of the driven vehicle: what it may not do, whatever the policy asks for, and what it does instead.

    deficit = shortfall(car, k, j, settings)                 # metres by which the safe distance is undershot
    accel = braked(accel, car, order, place, settings)       # braking where it must
    allowed = may_enter(car, order, place, lane, settings)   # of a lane change

Two criteria. RSS: the gap in which one still stops when the leader brakes as hard as is expected of it and oneself
accelerates for a response time first (Shalev-Shwartz, Shammah and Shashua, 2017, lemma 2). R157-derived: the time to
collision at which braking with 6 m/s^2 after 0.35 s still avoids it, v_rel / (2 * 6) + 0.35 s, and 2 m at the least;
below a time gap of 1 s the gap is opened gently.
What it does not do: swerve, or answer for what others do behind it.
"""

from __future__ import annotations

import math

from jangin.vehicle.lanes.columns import (
    EGO_BRAKE,
    LANE_WIDTH,
    RSS_ACCEL,
    RSS_BRAKE,
    RSS_BRAKE_OTHER,
    RSS_RESPONSE,
    SHIELD,
    SPEED,
    TARGET,
    D,
)
from jangin.vehicle.lanes.jit import jit, scalar
from jangin.vehicle.lanes.neighbours import ahead, behind, gap, reaches

__all__ = ["braked", "leader", "may_enter", "r157_distance", "rss_distance", "shortfall"]

R157_BRAKE_M_S2, R157_DELAY_S, R157_LEAST_M = 6.0, 0.35, 2.0
R157_HEADWAY_S = 1.0  # the least of the regulation's minimum time gaps
OPENS_M_S2 = 0.5  # where nothing is closing, a gap that is too small is opened gently
REAR_MAY_BRAKE_M_S2 = 3.0  # what a lane change may ask of who comes from behind, R157-derived


@scalar
def rss_distance(rear, front, response, accel, brake, brake_front):  # type: ignore[no-untyped-def]
    """The safe gap [m] of two vehicles one behind the other; speeds [m/s], decelerations positive [m/s^2]."""
    late = rear + response * accel
    way = rear * response + 0.5 * accel * response * response + late * late / (2.0 * brake)
    return max(way - front * front / (2.0 * brake_front), 0.0)


@scalar
def r157_distance(rear, front):  # type: ignore[no-untyped-def]
    """The gap [m] at which braking still avoids the collision, or 2 m."""
    closing = max(rear - front, 0.0)
    return max(closing * (closing / (2.0 * R157_BRAKE_M_S2) + R157_DELAY_S), R157_LEAST_M)


@jit
def safe_distance(rear, front, settings):  # type: ignore[no-untyped-def]
    """By the criterion of the settings; RSS's where there is no shield, to be reported."""
    if settings[SHIELD] == 2.0:
        return r157_distance(rear, front)
    return rss_distance(
        rear, front, settings[RSS_RESPONSE], settings[RSS_ACCEL], settings[RSS_BRAKE], settings[RSS_BRAKE_OTHER]
    )


@jit
def leader(car, order, place, settings):  # type: ignore[no-untyped-def]
    """The nearest vehicle ahead in the lanes into which the driven vehicle's box reaches, or -1."""
    width = settings[LANE_WIDTH]
    near = math.floor(car[0, D] / width + 0.5)
    found = ahead(car, order, place, 0, near, width)
    other = near + 1.0 if car[0, D] > near * width else near - 1.0
    if reaches(car, 0, other, width):
        j = ahead(car, order, place, 0, other, width)
        if j >= 0 and (found < 0 or place[j] < place[found]):
            found = j
    return found


@jit
def shortfall(car, j, settings):  # type: ignore[no-untyped-def]
    """How much closer [m] than safe the driven vehicle follows j; 0 for nobody."""
    if j < 0:
        return 0.0
    return max(safe_distance(car[0, SPEED], car[j, SPEED], settings) - gap(car, 0, j), 0.0)


@jit
def braked(accel, car, order, place, settings):  # type: ignore[no-untyped-def]
    """The acceleration, or the braking in its place, where the safe distance to a leader is undershot [m/s^2].

    Leaders in the lane it is going to count too. Braking is what the criterion assumes, or what stops the closing
    within the gap that is left, if that is more.
    """
    found = accel
    for which in range(2):
        j = leader(car, order, place, settings)
        if which:
            j = ahead(car, order, place, 0, car[0, TARGET], settings[LANE_WIDTH])
        if j < 0:
            continue
        if settings[SHIELD] == 2.0 and gap(car, 0, j) < R157_HEADWAY_S * car[0, SPEED]:
            found = min(found, -OPENS_M_S2)
        if shortfall(car, j, settings) <= 0.0:
            continue
        closing = max(car[0, SPEED] - car[j, SPEED], 0.0)
        needed = 0.5 * closing * closing / max(gap(car, 0, j), 0.1)
        least = settings[RSS_BRAKE] if settings[SHIELD] == 1.0 else R157_BRAKE_M_S2
        if settings[SHIELD] == 1.0 and closing == 0.0:
            least = OPENS_M_S2
        found = min(found, -min(max(least, needed), settings[EGO_BRAKE]))
    return found


@jit
def may_enter(car, order, place, lane, settings):  # type: ignore[no-untyped-def]
    """Whether a change into a lane leaves a safe distance ahead and behind."""
    width = settings[LANE_WIDTH]
    front, rear = ahead(car, order, place, 0, lane, width), behind(car, order, place, 0, lane, width)
    if front >= 0 and shortfall(car, front, settings) > 0.0:
        return False
    if rear < 0:
        return True
    room = gap(car, rear, 0)
    if room <= 0.0 or room < safe_distance(car[rear, SPEED], car[0, SPEED], settings):
        return False
    closing = max(car[rear, SPEED] - car[0, SPEED], 0.0)
    return settings[SHIELD] != 2.0 or 0.5 * closing * closing / room <= REAR_MAY_BRAKE_M_S2
