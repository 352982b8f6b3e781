"""A line on the ground, compiled: the foot of a point on it, and the point beside a foot.

    s, d, k = foot(x, y, *line, 0)             # arc length [m], offset to the left [m], the segment it lies on
    x, y, heading = beside(s, d, k, *line)     # and back

`line` is x, y, heading and arc length of its points, (n,) each, n >= 2, spaced by about a metre. Before its first and
past its last point the line goes straight on.
"""

from __future__ import annotations

from math import cos, sin

import numba

__all__ = ["beside", "foot", "segment"]

jit = numba.njit(nogil=True, error_model="numpy")


@jit
def segment(s, along, k):  # type: ignore[no-untyped-def]
    """The segment that holds arc length s, searched from segment k on."""
    last = len(along) - 2
    k = min(max(k, 0), last)
    while k < last and s > along[k + 1]:
        k += 1
    while k > 0 and s < along[k]:
        k -= 1
    return k


@jit
def foot(px, py, x, y, heading, along, k):  # type: ignore[no-untyped-def]
    """(s, d, segment) of a point: the foot nearest to segment k; of the whole line if k < 0."""
    last = len(x) - 2
    if k < 0:
        best = (px - x[0]) ** 2 + (py - y[0]) ** 2
        k = 0
        for j in range(1, len(x)):
            away = (px - x[j]) ** 2 + (py - y[j]) ** 2
            if away < best:
                best, k = away, j
    k = min(max(k, 0), last)
    came = 0
    while True:
        ux, uy = x[k + 1] - x[k], y[k + 1] - y[k]
        length = along[k + 1] - along[k]
        share = ((px - x[k]) * ux + (py - y[k]) * uy) / (length * length)
        if share > 1.0 and k < last and came >= 0:
            k, came = k + 1, 1
        elif share < 0.0 and k > 0 and came <= 0:
            k, came = k - 1, -1
        else:
            break
    s = along[k] + share * length
    d = (ux * (py - y[k]) - uy * (px - x[k])) / length
    return s, d, k


@jit
def beside(s, d, k, x, y, heading, along):  # type: ignore[no-untyped-def]
    """x, y [m] and the line's heading [rad] at arc length s of segment k, offset d."""
    share = (s - along[k]) / (along[k + 1] - along[k])
    between = min(max(share, 0.0), 1.0)
    turned = heading[k] + between * (heading[k + 1] - heading[k])
    px, py = x[k] + share * (x[k + 1] - x[k]), y[k] + share * (y[k + 1] - y[k])
    return px - d * sin(turned), py + d * cos(turned), turned
