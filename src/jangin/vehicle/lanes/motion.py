"""How a vehicle moves: a kinematic single-track model about the middle of its box, in lane coordinates.

    yaw = yaw_wanted(car, k, lane_middle_m, curvature, wheelbase, fastest_sideways)     # to keep or change a lane
    move(car, k, accel, sin_slip(yaw, speed, wheelbase), curvature, wheelbase, substep_s)

    s' = v cos(psi + beta) / (1 - kappa d)      d' = v sin(psi + beta)      beta = atan(tan(delta) / 2)
    psi' = v sin(beta) / (L / 2) - kappa s'

Source: Polack et al., "The kinematic bicycle model", IV 2017, written along a road of curvature kappa.
"""

from __future__ import annotations

import math

from jangin.vehicle.lanes.columns import ACCEL, HEADING, SPEED, D, S
from jangin.vehicle.lanes.jit import jit, scalar

__all__ = ["advance_along", "keep_lane", "move", "sin_slip", "slip_of", "steer_of", "yaw_wanted"]

TO_LANE_S = 0.6  # time constant of the way to the middle of a lane
TO_HEADING_S = 0.2  # and of the heading that it takes
STEEPEST = math.sin(0.25 * math.pi)  # sine of the heading towards a lane
CRAWL_M_S = 0.5  # below it nobody steers
LARGEST_SLIP = 0.9  # its sine


@scalar
def sin_slip(yaw_rate, speed, wheelbase):  # type: ignore[no-untyped-def]
    """Sine of the slip angle at which the model turns with `yaw_rate` [rad/s]."""
    return min(max(0.5 * wheelbase * yaw_rate / max(speed, CRAWL_M_S), -LARGEST_SLIP), LARGEST_SLIP)


@scalar
def steer_of(slip):  # type: ignore[no-untyped-def]
    """The steering angle [rad] of a slip angle, given by its sine."""
    return math.atan(2.0 * slip / math.sqrt(1.0 - slip * slip))


@scalar
def slip_of(steer):  # type: ignore[no-untyped-def]
    """The sine of the slip angle of a steering angle [rad]."""
    half = 0.5 * math.tan(steer)
    return half / math.sqrt(1.0 + half * half)


@scalar
def yaw_wanted(car, k, middle, curvature, wheelbase, fastest_sideways):  # type: ignore[no-untyped-def]
    """The yaw rate [rad/s] that leads to the line `middle` metres left of the road's and then along it.

    A lateral speed in proportion to the distance, at most `fastest_sideways` [m/s], gives a heading; the heading error
    in proportion a yaw rate, beside the road's own.
    """
    v = car[k, SPEED]
    if v < CRAWL_M_S:
        return 0.0
    sideways = min(max((middle - car[k, D]) / TO_LANE_S, -fastest_sideways), fastest_sideways)
    road = curvature / (1.0 - curvature * car[k, D])
    heading = math.asin(min(max(sideways / v, -STEEPEST), STEEPEST)) - 0.5 * wheelbase * road
    return (heading - car[k, HEADING]) / TO_HEADING_S + v * road


@scalar
def advance_along(car, k, accel, step):  # type: ignore[no-untyped-def]
    """Change the speed of vehicle k, which stops at a standstill, and return the way that it goes [m]."""
    v = car[k, SPEED]
    after = v + accel * step
    if after < 0.0:  # it stands before the step is over
        car[k, SPEED], car[k, ACCEL] = 0.0, -v / step
        return 0.5 * v * v / -accel
    car[k, SPEED], car[k, ACCEL] = after, accel
    return 0.5 * (v + after) * step


@scalar
def keep_lane(car, k, accel, curvature, step):  # type: ignore[no-untyped-def]
    """Advance vehicle k by `step` seconds exactly along the line that it is on."""
    car[k, S] += advance_along(car, k, accel, step) / (1.0 - curvature * car[k, D])


@jit
def move(car, k, accel, slip, curvature, wheelbase, step):  # type: ignore[no-untyped-def]
    """Advance vehicle k by `step` seconds with a slip angle, given by its sine.

    The step is explicit but for the distance, which counts the mean of the speeds before and after.
    """
    way = advance_along(car, k, accel, step)
    sin, cos = math.sin(car[k, HEADING]), math.cos(car[k, HEADING])
    straight = math.sqrt(1.0 - slip * slip)
    along = way * (cos * straight - sin * slip) / (1.0 - curvature * car[k, D])
    car[k, S] += along
    car[k, D] += way * (sin * straight + cos * slip)
    car[k, HEADING] += way * slip / (0.5 * wheelbase) - curvature * along
