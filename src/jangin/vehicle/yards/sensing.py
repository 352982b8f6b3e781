"""What a vehicle in a yard sees: the goal from the body that is placed, itself, the place, and 12 distances around.

    sense(history, box, trial, settings, key, out)           # NSEEN numbers

The goal is seen, and distances are measured, as they were `LATENCY` substeps ago; speed, steering and hitch are not
late. Distances: `SENSORS` says where on which body each sensor sits and where it looks. Noise is a function of the
trial's key, the substep and the channel, so looking twice shows the same.
"""

from __future__ import annotations

import math

import numpy as np

from jangin.engine.counted import standard_normal
from jangin.vehicle.lanes.jit import jit
from jangin.vehicle.rays import ray_to_box
from jangin.vehicle.yards.columns import (
    APRON,
    FREE_LEFT,
    FREE_RIGHT,
    GOAL_HEADING,
    GOAL_X,
    GOAL_Y,
    HISTORY,
    HITCH,
    LAST_TICK,
    LATENCY,
    LENGTH,
    MOUTH,
    NCAR,
    NOISE,
    RANGE,
    SPEED,
    STEER,
    SUBSTEP,
    TICKS,
    TRAILER_LENGTH,
    TRAILER_WIDTH,
    WIDTH,
)
from jangin.vehicle.yards.rolling import bodies

__all__ = ["NOWN", "NSEEN", "SENSORS", "sense"]

# body (0 the leading one, 1 the last), place on it in halves of its length and width, direction it looks in [rad]
_TURN = math.pi
SENSORS = np.array(
    [
        (0, 1, 1, 0.25 * _TURN), (0, 1, 0, 0.0), (0, 1, -1, -0.25 * _TURN), (0, 0.5, 1, 0.5 * _TURN),
        (0, 0.5, -1, -0.5 * _TURN), (1, -0.5, 1, 0.5 * _TURN), (1, -0.5, -1, -0.5 * _TURN), (1, -1, 1, 0.75 * _TURN),
        (1, -1, 1, _TURN), (1, -1, 0, _TURN), (1, -1, -1, _TURN), (1, -1, -1, -0.75 * _TURN),
    ]
)  # fmt: skip
NOWN, NSENSOR = 13, len(SENSORS)
NSEEN = NOWN + NSENSOR
PLACE_NOISE_M, HEADING_NOISE_RAD, RANGE_NOISE_M = 0.03, 0.01, 0.03  # standard deviations at a noise of 1


@jit
def _noise(key, done, channel, sigma):  # type: ignore[no-untyped-def]
    return sigma * standard_normal(key, done * 32 + channel) if sigma > 0.0 else 0.0


@jit
def sense(history, box, trial, settings, key, out):  # type: ignore[no-untyped-def]
    """Fill `out` (NSEEN,)."""
    done, late, noise = int(trial[TICKS]), trial[LATENCY], trial[NOISE]
    back = int(late)
    w = late - back
    new, old = max(done - back, 0) % HISTORY, max(done - back - 1, 0) % HISTORY
    car, pose = np.empty(NCAR), np.empty((2, 3))
    for k in range(NCAR):
        car[k] = history[new, k] if w == 0.0 else (1.0 - w) * history[new, k] + w * history[old, k]
    last = bodies(car, settings, pose) - 1
    c, s = math.cos(pose[last, 2]), math.sin(pose[last, 2])
    dx, dy = trial[GOAL_X] - pose[last, 0], trial[GOAL_Y] - pose[last, 1]
    turned = trial[GOAL_HEADING] - pose[last, 2] + _noise(key, done, 2, noise * HEADING_NOISE_RAD)
    out[0] = c * dx + s * dy + _noise(key, done, 0, noise * PLACE_NOISE_M)
    out[1] = c * dy - s * dx + _noise(key, done, 1, noise * PLACE_NOISE_M)
    out[2], out[3] = math.cos(turned), math.sin(turned)
    now = history[done % HISTORY]
    out[4], out[5], out[6] = now[SPEED], now[STEER], now[HITCH]
    out[7], out[8], out[9], out[10] = trial[FREE_LEFT], trial[FREE_RIGHT], trial[MOUTH], trial[APRON]
    out[11] = 1.0 if math.cos(trial[GOAL_HEADING]) > 0.0 else -1.0
    out[12] = (settings[LAST_TICK] - trial[TICKS]) * settings[SUBSTEP]
    reach = settings[RANGE]
    for k in range(NSENSOR):
        b = last if SENSORS[k, 0] == 1 else 0
        length, width = settings[LENGTH], settings[WIDTH]
        if b == 1:
            length, width = settings[TRAILER_LENGTH], settings[TRAILER_WIDTH]
        c, s = math.cos(pose[b, 2]), math.sin(pose[b, 2])
        u, v = 0.5 * length * SENSORS[k, 1], 0.5 * width * SENSORS[k, 2]
        x, y = pose[b, 0] + c * u - s * v, pose[b, 1] + s * u + c * v
        angle = pose[b, 2] + SENSORS[k, 3]
        c, s = math.cos(angle), math.sin(angle)
        r = reach
        for j in range(len(box)):
            if box[j, 3] > 0.0:
                r = min(r, ray_to_box(x, y, c, s, box[j, 0], box[j, 1], box[j, 2], box[j, 3], box[j, 4]))
        if r < reach:
            r += _noise(key, done, NOWN + k, noise * RANGE_NOISE_M)
        out[NOWN + k] = min(max(r, 0.0), reach)
