"""Where the others will be in the next seconds, compiled.

    seen = foreseen(boxes, turning, 50, 0.1, *course.line)      # (m, 51, 6): x, y, heading, s, d, speed along the line

Whoever drives along the line follows it at an even speed and keeps the offset, less what it is drifting across now,
which fades. Everybody else goes on at an even speed and turns as it does now, less and less. Nobody reacts: a planner
that relies on others to brake is not what is wanted here.
"""

from __future__ import annotations

from math import cos, exp, pi, sin

import numba
import numpy as np

from jangin.vehicle.driving.lines import beside, foot, segment

__all__ = ["foreseen"]

jit = numba.njit(nogil=True, error_model="numpy")

ALONG_RAD = 0.5  # who is turned by less against the line follows it
ASIDE_M = 12.0
DRIFT_S, TURN_S = 1.0, 1.5  # how long a drift across, a turn goes on


@jit
def foreseen(boxes, turning, steps, step, x, y, heading, along):  # type: ignore[no-untyped-def]
    """(m, steps + 1, 6) x, y, heading, s, d and speed along the line of each box, now and at every step.

    boxes: (m, 6), columns as `paths.BOX`.   turning: (m,) yaw rates [rad/s].
    """
    found = np.zeros((len(boxes), steps + 1, 6))
    for i in range(len(boxes)):
        px, py, h, speed = boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 5]
        s0, d0, k = foot(px, py, x, y, heading, along, -1)
        _, _, way = beside(s0, d0, k, x, y, heading, along)
        off = (h - way + pi) % (2.0 * pi) - pi
        follows = abs(off) < ALONG_RAD and abs(d0) < ASIDE_M and along[0] - 10.0 < s0 < along[-1] + 10.0
        for n in range(steps + 1):
            t = n * step
            if follows:
                s = s0 + speed * cos(off) * t
                d = d0 + speed * sin(off) * DRIFT_S * (1.0 - exp(-t / DRIFT_S))
                k = segment(s, along, k)
                px, py, way = beside(s, d, k, x, y, heading, along)
                h = way + off * exp(-t / DRIFT_S)
            elif n > 0:
                h += turning[i] * exp(-t / TURN_S) * step
                px, py = px + speed * cos(h) * step, py + speed * sin(h) * step
                s, d, k = foot(px, py, x, y, heading, along, k)
                _, _, way = beside(s, d, k, x, y, heading, along)
            else:
                s, d = s0, d0
            found[i, n, 0], found[i, n, 1], found[i, n, 2] = px, py, h
            found[i, n, 3], found[i, n, 4], found[i, n, 5] = s, d, speed * cos(h - way)
    return found
