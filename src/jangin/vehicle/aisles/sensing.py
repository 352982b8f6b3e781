"""What the driven plant vehicle sees: itself on the plant's map, a scanner's ranges, and who moves.

    sense(body, history, rack, trial, settings, key, out)       # NSEEN numbers

    out[0 : NOWN]       itself: its odometry and its place on the map are exact and not late
    then NRAY           ranges from its middle, the first straight ahead, counter-clockwise, at most `RANGE`
    then 4 each         the nearest people in sight: ahead, left, and their velocity over the ground, in its own frame
    then 4 each         likewise vehicles

People and vehicles are seen as they were `LATENCY` substeps ago; those behind a rack are not seen. Noise is a function
of the trial's key, the substep and the channel, so looking twice shows the same. Who is not there is `RANGE` ahead,
with no velocity.
"""

from __future__ import annotations

import math

import numpy as np

from jangin.engine.counted import standard_normal
from jangin.vehicle.aisles.columns import (
    GOAL_X,
    GOAL_Y,
    HALF_WIDTH,
    HEADING,
    HISTORY,
    KIND,
    LAST_TICK,
    LATENCY,
    LENGTH,
    NOBODY,
    NOISE,
    OPEN_LEFT_1,
    OPEN_LEFT_2,
    OPEN_RIGHT_1,
    OPEN_RIGHT_2,
    OPENING_M,
    PERSON,
    RANGE,
    SPEED,
    SUBSTEP,
    TICKS,
    WIDTH,
    YAW_RATE,
    X,
    Y,
)
from jangin.vehicle.lanes.jit import jit
from jangin.vehicle.rays import ray_to_box

__all__ = ["NOWN", "NRAY", "NSEEN", "NSEEN_PEOPLE", "NSEEN_VEHICLES", "RANGE_NOISE_M", "SPEED_NOISE_M_S", "sense"]

NOWN, NRAY, NSEEN_PEOPLE, NSEEN_VEHICLES = 10, 24, 3, 2
NSEEN = NOWN + NRAY + 4 * (NSEEN_PEOPLE + NSEEN_VEHICLES)
RANGE_NOISE_M, PLACE_NOISE_M, SPEED_NOISE_M_S = 0.03, 0.05, 0.10  # standard deviations at a noise of 1
OPENING_SEEN_M = 6.0  # openings farther ahead are not told


@jit
def _as_it_was(history, done, late, k, pose):  # type: ignore[no-untyped-def]
    """Fill `pose` (x, y, heading, vx, vy) of body k as it was `late` substeps ago."""
    back = int(late)
    w = late - back
    new, old = max(done - back, 0) % HISTORY, max(done - back - 1, 0) % HISTORY
    for c in range(5):
        pose[c] = history[new, k, c] if w == 0.0 else (1.0 - w) * history[new, k, c] + w * history[old, k, c]
    pose[2] = history[new, k, 2]  # headings are not averaged


@jit
def _next_opening(x, a, b):  # type: ignore[no-untyped-def]
    """The way from x to where the next opening begins, 0 within one, at most OPENING_SEEN_M."""
    found = OPENING_SEEN_M
    for middle in (a, b):
        if x <= middle + 0.5 * OPENING_M:
            found = min(found, max(middle - 0.5 * OPENING_M - x, 0.0))
    return found


@jit
def _itself(body, trial, settings, out):  # type: ignore[no-untyped-def]
    c, s = math.cos(body[0, HEADING]), math.sin(body[0, HEADING])
    dx, dy = trial[GOAL_X] - body[0, X], trial[GOAL_Y] - body[0, Y]
    front = body[0, X] + 0.5 * body[0, LENGTH]
    out[0], out[1] = body[0, SPEED], body[0, YAW_RATE]
    out[2], out[3] = c * dx + s * dy, c * dy - s * dx
    out[4], out[5] = body[0, Y], math.atan2(s, c)
    out[6] = trial[HALF_WIDTH]
    out[7] = _next_opening(front, trial[OPEN_LEFT_1], trial[OPEN_LEFT_2])
    out[8] = _next_opening(front, trial[OPEN_RIGHT_1], trial[OPEN_RIGHT_2])
    out[9] = (settings[LAST_TICK] - trial[TICKS]) * settings[SUBSTEP]


@jit
def _hidden(x, y, far, cos, sin, rack):  # type: ignore[no-untyped-def]
    for k in range(len(rack)):
        if ray_to_box(x, y, cos, sin, rack[k, 0], rack[k, 1], rack[k, 2], rack[k, 3], rack[k, 4]) < far:
            return True
    return False


@jit
def sense(body, history, rack, trial, settings, key, out):  # type: ignore[no-untyped-def]
    """Fill `out` (NSEEN,)."""
    _itself(body, trial, settings, out)
    done, late, reach, noise = int(trial[TICKS]), trial[LATENCY], trial[RANGE], trial[NOISE]
    n = len(body)
    seen = np.empty((n, 5))
    for k in range(n):
        _as_it_was(history, done, late, k, seen[k])
    x, y, heading = seen[0, 0], seen[0, 1], seen[0, 2]
    for ray in range(NRAY):
        angle = heading + 2.0 * math.pi * ray / NRAY
        cos, sin = math.cos(angle), math.sin(angle)
        r = reach
        for k in range(len(rack)):
            r = min(r, ray_to_box(x, y, cos, sin, rack[k, 0], rack[k, 1], rack[k, 2], rack[k, 3], rack[k, 4]))
        for k in range(1, n):
            if body[k, KIND] != NOBODY:
                r = min(
                    r, ray_to_box(x, y, cos, sin, seen[k, 0], seen[k, 1], seen[k, 2], body[k, LENGTH], body[k, WIDTH])
                )
        if noise > 0.0 and r < reach:
            r += noise * RANGE_NOISE_M * standard_normal(key, done * 64 + ray)
        out[NOWN + ray] = min(max(r, 0.0), reach)
    _movers(body, seen, rack, reach, noise, key, done, out)


@jit
def _movers(body, seen, rack, reach, noise, key, done, out):  # type: ignore[no-untyped-def]
    """The nearest people and vehicles in sight, nearest first."""
    x, y, heading = seen[0, 0], seen[0, 1], seen[0, 2]
    ch, sh = math.cos(heading), math.sin(heading)
    slots = NSEEN_PEOPLE + NSEEN_VEHICLES
    nearest = np.full(slots, np.inf)
    who = np.full(slots, -1)
    for k in range(1, len(body)):
        dx, dy = seen[k, 0] - x, seen[k, 1] - y
        far = math.hypot(dx, dy)
        if body[k, KIND] == NOBODY or far >= reach or far < 1e-6:
            continue
        if _hidden(x, y, far, dx / far, dy / far, rack):
            continue
        first, last = (0, NSEEN_PEOPLE) if body[k, KIND] == PERSON else (NSEEN_PEOPLE, slots)
        j = k
        for slot in range(first, last):
            if far < nearest[slot]:
                nearest[slot], far = far, nearest[slot]
                who[slot], j = j, who[slot]
    at = NOWN + NRAY
    for slot in range(slots):
        k = who[slot]
        if k < 0:
            out[at], out[at + 1], out[at + 2], out[at + 3] = reach, 0.0, 0.0, 0.0
        else:
            dx, dy, vx, vy = seen[k, 0] - x, seen[k, 1] - y, seen[k, 3], seen[k, 4]
            out[at], out[at + 1] = ch * dx + sh * dy, ch * dy - sh * dx
            out[at + 2], out[at + 3] = ch * vx + sh * vy, ch * vy - sh * vx
            if noise > 0.0:
                for c in range(4):
                    sigma = PLACE_NOISE_M if c < 2 else SPEED_NOISE_M_S
                    out[at + c] += noise * sigma * standard_normal(key, done * 64 + NRAY + 4 * slot + c)
        at += 4
