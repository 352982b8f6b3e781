"""The expert's rule: a dynamic window over speeds and yaw rates, with people and vehicles carried on at their velocity.

    choose(seen, told, rates, out)        # seen (n, NSEEN); out (n, 2) speed [m/s], yaw rate [rad/s]

Every candidate is driven ahead for `AHEAD_S` along its arc. One that comes too near to anything before it could stand
is not allowed; of the others, that wins which comes nearest to a point ahead on the right half of the aisle, keeps
clear, and turns little. Speeds above what the map and the people in sight permit are not candidates: slow where an
opening between racks begins, the zone's speed near people, and never so fast that the goal is overrun.

Source of the idea: Fox, Burgard, Thrun, "The dynamic window approach to collision avoidance", 1997; velocities of
others as in Fiorini and Shiller, "Motion planning in dynamic environments using velocity obstacles", 1998.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np

from jangin.engine.compiled import digest
from jangin.vehicle.aisles.columns import PERSON_RADIUS_M
from jangin.vehicle.aisles.sensing import NOWN, NRAY, NSEEN_PEOPLE, NSEEN_VEHICLES, OPENING_SEEN_M
from jangin.vehicle.lanes.jit import jit

__all__ = ["choose"]

AHEAD_S, STEP_S = 2.4, 0.3
SPEEDS, YAWS = 7, 11
STEEPEST_RAD_S = 1.0
BRAKE_M_S2 = 0.7  # that it counts on, whatever the load and the floor
REACTS_S = 0.5  # period, lag and latency together
KEEP_M, KEEP_S = 0.12, 0.15  # distance to keep, and more of it per speed
CLEAR_M = 0.6  # farther away is no better
VEHICLE_RADIUS_M = 0.45  # of others, as a disc
SAME_M = 0.6  # a range that ends so near to someone who moves belongs to him
RACK_M = 0.12  # and one that ends so near to the racks, or in them, to these
NEAR_M = 3.5  # ranges beyond are of no interest
PREVIEW_M = 3.0
LINES, SIGHT_M, SPARE_M = 13, 4.5, 0.2  # lines along the aisle, how far they are looked along, and at which width
BLIND_M_S = 0.7  # where an opening is about to begin
BLIND_M = 1.0
ZONE_M, ZONE_M_S = 1.25, 0.25  # a little stricter than the limit
FOLLOW_M = 1.0  # behind a vehicle that drives: room enough to go around it
CALM_M_S2 = 0.5  # it brakes so before the goal
BACK_M_S, STUCK_M, STUCK = -0.25, 0.30, 0.45  # it backs out if something is that near and nothing better to do


@jit
def _fastest(seen, half_length, top):  # type: ignore[no-untyped-def]
    """The highest speed that goal, openings and people permit."""
    found = min(top, math.sqrt(2.0 * CALM_M_S2 * math.hypot(seen[2], seen[3])))
    for opening in (seen[7], seen[8]):
        if opening < OPENING_SEEN_M:
            room = max(opening - BLIND_M, 0.0)
            found = min(found, math.sqrt(BLIND_M_S * BLIND_M_S + 2.0 * BRAKE_M_S2 * room))
    for k in range(NSEEN_PEOPLE):
        at = NOWN + NRAY + 4 * k
        if seen[at + 2] == 0.0 and seen[at + 3] == 0.0 and seen[at + 1] == 0.0:
            continue  # nobody, or one who stands exactly ahead at a noise of 0, whom the ranges show
        if seen[at] < -half_length - PERSON_RADIUS_M:
            continue
        ahead = max(seen[at] - half_length, 0.0)
        gap = math.hypot(ahead, seen[at + 1]) - PERSON_RADIUS_M - 0.35
        closing = max(-seen[at + 2], 0.0)
        room = max(gap - ZONE_M - REACTS_S * closing, 0.0)
        found = min(found, math.sqrt(ZONE_M_S * ZONE_M_S + 2.0 * BRAKE_M_S2 * room))
    for k in range(NSEEN_PEOPLE, NSEEN_PEOPLE + NSEEN_VEHICLES):
        at = NOWN + NRAY + 4 * k
        if seen[at] > half_length and abs(seen[at + 1]) < 2.0 * VEHICLE_RADIUS_M and seen[at + 2] > 0.0:
            room = max(seen[at] - 2.0 * half_length - FOLLOW_M, 0.0)
            found = min(found, seen[at + 2] + math.sqrt(2.0 * CALM_M_S2 * room))
    return found


@jit
def _discs(seen, reach, disc):  # type: ignore[no-untyped-def]
    """Fill `disc` (n, 5): ahead, left, velocity, radius of everything that is seen; returns how many.

    A range that ends at someone who moves goes on with him; those that end at the racks are left out, as the map has
    them.
    """
    n = 0
    for k in range(NSEEN_PEOPLE + NSEEN_VEHICLES):
        at = NOWN + NRAY + 4 * k
        if math.hypot(seen[at], seen[at + 1]) >= 0.98 * reach:
            continue
        disc[n, 0], disc[n, 1], disc[n, 2], disc[n, 3] = seen[at], seen[at + 1], seen[at + 2], seen[at + 3]
        disc[n, 4] = PERSON_RADIUS_M if k < NSEEN_PEOPLE else VEHICLE_RADIUS_M
        n += 1
    movers = n
    c, s = math.cos(seen[5]), math.sin(seen[5])
    for ray in range(NRAY):
        r = seen[NOWN + ray]
        if r >= 0.98 * reach or r > NEAR_M:
            continue
        angle = 2.0 * math.pi * ray / NRAY
        x, y = r * math.cos(angle), r * math.sin(angle)
        if abs(seen[4] + s * x + c * y) > seen[6] - RACK_M:
            continue
        disc[n, 0], disc[n, 1], disc[n, 2], disc[n, 3], disc[n, 4] = x, y, 0.0, 0.0, 0.0
        for k in range(movers):
            if math.hypot(x - disc[k, 0], y - disc[k, 1]) < disc[k, 4] + SAME_M:
                disc[n, 2], disc[n, 3] = disc[k, 2], disc[k, 3]
        n += 1
    return n


@jit
def _nearest(seen, x, y, heading, t, disc, n, half_length, half_width):  # type: ignore[no-untyped-def]
    """The distance from the box at this pose, `t` seconds from now, to the nearest disc or rack."""
    c, s = math.cos(heading), math.sin(heading)
    turned = seen[5] + heading
    extent = half_length * abs(math.sin(turned)) + half_width * abs(math.cos(turned))
    aside = seen[4] + math.sin(seen[5]) * x + math.cos(seen[5]) * y
    found = min(CLEAR_M, seen[6] - abs(aside) - extent)
    for k in range(n):
        # a person may go on, or stop: neither must be in the way
        for after in (t, 0.0) if disc[k, 4] == PERSON_RADIUS_M else (t, t):
            dx, dy = disc[k, 0] + disc[k, 2] * after - x, disc[k, 1] + disc[k, 3] * after - y
            u = max(abs(c * dx + s * dy) - half_length, 0.0)
            v = max(abs(c * dy - s * dx) - half_width, 0.0)
            found = min(found, math.hypot(u, v) - disc[k, 4])
    return found


@jit
def _worth(seen, speed, yaw, carrot_x, carrot_y, disc, n, rates, half_length, half_width):  # type: ignore[no-untyped-def]
    """What a candidate is worth; -inf if it is not allowed."""
    x = y = heading = 0.0
    v, w = seen[0], seen[1]
    now = _nearest(seen, 0.0, 0.0, 0.0, 0.0, disc, n, half_length, half_width)
    stands_s = abs(speed) / BRAKE_M_S2 + REACTS_S
    keep = KEEP_M + KEEP_S * abs(speed)
    clear, t = CLEAR_M, 0.0
    far = math.hypot(carrot_x, carrot_y)
    nearest = far
    while t < AHEAD_S - 1e-9:
        v += min(max(speed - v, -rates[1] * STEP_S), rates[0] * STEP_S)
        w += min(max(yaw - w, -rates[2] * STEP_S), rates[2] * STEP_S)
        heading += w * STEP_S
        x += v * math.cos(heading) * STEP_S
        y += v * math.sin(heading) * STEP_S
        t += STEP_S
        gap = _nearest(seen, x, y, heading, t, disc, n, half_length, half_width)
        if t <= stands_s:
            if gap < keep and gap < now - 1e-3:
                return -np.inf
            clear = min(clear, gap)
        else:
            clear = min(clear, max(gap, 0.0) + 0.3 * (t - stands_s))
        nearest = min(nearest, math.hypot(carrot_x - x, carrot_y - y))
    end = math.hypot(carrot_x - x, carrot_y - y)
    wrong = abs(math.atan2(carrot_y - y, carrot_x - x) - heading) if end > 0.4 else 0.0
    return far - 0.5 * (nearest + end) + clear - 0.3 * min(wrong, math.pi) - 0.05 * abs(yaw - seen[1])


@jit
def _free(seen, line, disc, n, half_length, half_width):  # type: ignore[no-untyped-def]
    """How far the line `line` metres left of the aisle's middle is free of what is ahead [m], at most SIGHT_M."""
    c, s = math.cos(seen[5]), math.sin(seen[5])
    found = SIGHT_M
    for k in range(n):
        along = c * disc[k, 0] - s * disc[k, 1]
        aside = seen[4] + s * disc[k, 0] + c * disc[k, 1]
        goes_with = c * disc[k, 2] - s * disc[k, 3] > 0.3
        if along < -half_length or abs(aside - line) > half_width + disc[k, 4] + SPARE_M or goes_with:
            continue
        found = min(found, max(along - half_length - disc[k, 4], 0.0))
    return found


@jit
def _carrot(seen, disc, n, half_length, half_width):  # type: ignore[no-untyped-def]
    """A point to drive to, in the vehicle's frame: the goal, or ahead on the best line along the aisle.

    The best line is free for long, near to the middle of the right half, and near.
    """
    gx, gy = seen[2], seen[3]
    if math.hypot(gx, gy) < PREVIEW_M:
        return gx, gy
    right, edge = -0.5 * seen[6], seen[6] - half_width - 0.15
    best, line = -np.inf, right
    for k in range(LINES):
        y = edge * (2.0 * k / (LINES - 1) - 1.0)
        worth = _free(seen, y, disc, n, half_length, half_width) - 0.5 * abs(y - right) - 0.5 * abs(y - seen[4])
        if worth > best:
            best, line = worth, y
    c, s = math.cos(seen[5]), math.sin(seen[5])
    dx, dy = 0.6 * PREVIEW_M, line - seen[4]
    return c * dx + s * dy, c * dy - s * dx


def _entries(made_by: int) -> Callable[..., None]:
    """What Python calls, kept on disk under a digest of everything it is compiled from."""

    @numba.njit(nogil=True, error_model="numpy", cache=True)  # type: ignore[untyped-decorator]
    def choose(seen, reach, box, rates, top, out):  # type: ignore[no-untyped-def]
        """Fill `out` (n, 2) for `seen` (n, NSEEN).

        reach: a range of this or more is none; box: half length and half width; rates: acceleration, deceleration and
        yaw acceleration that the vehicle is expected to have; top: highest speed.
        """
        if not made_by:
            return
        disc = np.empty((NRAY + NSEEN_PEOPLE + NSEEN_VEHICLES, 5))
        for row in range(len(seen)):
            fastest = _fastest(seen[row], box[0], top)
            n = _discs(seen[row], min(reach, seen[row, NOWN : NOWN + NRAY].max()), disc)
            cx, cy = _carrot(seen[row], disc, n, box[0], box[1])
            best, speed, yaw = -np.inf, 0.0, 0.0
            now = _nearest(seen[row], 0.0, 0.0, 0.0, 0.0, disc, n, box[0], box[1])
            for i in range(SPEEDS + 1):
                v = fastest * i / (SPEEDS - 1) if i < SPEEDS else BACK_M_S
                for j in range(YAWS):
                    w = STEEPEST_RAD_S * (2.0 * j / (YAWS - 1) - 1.0)
                    worth = _worth(seen[row], v, w, cx, cy, disc, n, rates, box[0], box[1])
                    if i == SPEEDS:  # backward only where there is no other way on
                        worth += STUCK if now < STUCK_M else -STUCK
                    if worth > best:
                        best, speed, yaw = worth, v, w
            out[row, 0], out[row, 1] = speed, yaw

    return choose


choose = _entries(digest(Path(__file__).parent))
