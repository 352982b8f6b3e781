"""Two boxes in a compiled world: do they touch, how far apart are they, and where in a step do they first touch?

    if boxes_touch(x1, y1, h1, 4.5, 1.6, x2, y2, h2, 13.6, 2.55): ...
    f = boxes_swept(*pose1, *pose1_after, 4.5, 1.6, *pose2, *pose2_after, 13.6, 2.55)    # inf: not in this step

Scalars in, a scalar out, nothing allocated: compiled by numba into the loop that calls them, and callable from Python.
A box is its centre (x, y) [m], its heading [rad], counter-clockwise from x, and its full length and width [m]. Sides
that coincide touch. `boxes` has the same for arrays, the method of the swept check and what it promises.
"""

from __future__ import annotations

from math import cos, hypot, inf, isfinite, nan, pi, sin, sqrt

import numba

__all__ = ["TOUCH_M", "boxes_gap", "boxes_swept", "boxes_touch", "separation", "turn"]

TOUCH_M = 1e-5
"""Boxes that pass each other closer than this count as touching in the swept check; `boxes` says why there is one."""

_compiled = numba.njit(nogil=True, error_model="numpy")


@_compiled
def separation(
    x1: float, y1: float, h1: float, l1: float, w1: float, x2: float, y2: float, h2: float, l2: float, w2: float
) -> float:
    """The widest separation of two boxes along any of their four side normals [m]: negative by how deep they overlap.

    0 or less means that they touch (separating axis theorem). Negative, it is minus the shortest way out; positive, it
    is at most their distance and at least 1/sqrt(2) of it.
    """
    dx, dy, relative = x2 - x1, y2 - y1, h2 - h1
    c1, s1, c2, s2 = cos(h1), sin(h1), cos(h2), sin(h2)
    c, s = abs(cos(relative)), abs(sin(relative))
    return max(
        abs(c1 * dx + s1 * dy) - 0.5 * (l1 + l2 * c + w2 * s),
        abs(c1 * dy - s1 * dx) - 0.5 * (w1 + l2 * s + w2 * c),
        abs(c2 * dx + s2 * dy) - 0.5 * (l2 + l1 * c + w1 * s),
        abs(c2 * dy - s2 * dx) - 0.5 * (w2 + l1 * s + w1 * c),
    )


@_compiled
def boxes_touch(
    x1: float, y1: float, h1: float, l1: float, w1: float, x2: float, y2: float, h2: float, l2: float, w2: float
) -> bool:
    """Do two boxes share a point?"""
    dx, dy, reach = x2 - x1, y2 - y1, 0.5 * (l1 + w1 + l2 + w2)  # no corner is as far from its centre as (l + w) / 2
    if dx * dx + dy * dy > reach * reach:
        return False
    return separation(x1, y1, h1, l1, w1, x2, y2, h2, l2, w2) <= 0.0


@_compiled
def _corners_gap(
    x1: float, y1: float, h1: float, l1: float, w1: float, x2: float, y2: float, h2: float, l2: float, w2: float
) -> float:
    """The shortest distance of a corner of the second box to the first box [m], 0 for one inside."""
    c1, s1, c2, s2 = cos(h1), sin(h1), cos(h2), sin(h2)
    nearest = inf
    for i in range(4):
        a = 0.5 * l2 if i & 1 else -0.5 * l2
        b = 0.5 * w2 if i & 2 else -0.5 * w2
        dx, dy = x2 + c2 * a - s2 * b - x1, y2 + s2 * a + c2 * b - y1
        out_x = max(abs(c1 * dx + s1 * dy) - 0.5 * l1, 0.0)
        out_y = max(abs(c1 * dy - s1 * dx) - 0.5 * w1, 0.0)
        nearest = min(nearest, hypot(out_x, out_y))
    return nearest


@_compiled
def boxes_gap(
    x1: float, y1: float, h1: float, l1: float, w1: float, x2: float, y2: float, h2: float, l2: float, w2: float
) -> float:
    """The distance of two boxes [m]; of boxes that overlap, minus the shortest way out of each other."""
    apart = separation(x1, y1, h1, l1, w1, x2, y2, h2, l2, w2)
    if apart <= 0.0:
        return apart
    # two convex figures apart are nearest at a corner of one of them
    return min(
        _corners_gap(x1, y1, h1, l1, w1, x2, y2, h2, l2, w2), _corners_gap(x2, y2, h2, l2, w2, x1, y1, h1, l1, w1)
    )


@_compiled
def turn(before: float, after: float) -> float:
    """How far a heading turns [rad], the shorter way round: in [-pi, pi)."""
    return (after - before + pi) % (2.0 * pi) - pi


@_compiled
def _never_near(x: float, y: float, vx: float, vy: float, reach: float) -> bool:
    """Does a point that moves from (x, y) by (vx, vy) stay farther than `reach` from the origin?"""
    way = vx * vx + vy * vy
    f = min(max(-(x * vx + y * vy) / way, 0.0), 1.0) if way > 0.0 else 0.0
    nx, ny = x + f * vx, y + f * vy
    return nx * nx + ny * ny > reach * reach


@_compiled
def _safe_advance(apart: float, closing: float, bend: float) -> float:
    """Until when apart - closing t - bend t^2 / 2 stays at half of TOUCH_M or above; 0 if it is below already."""
    spare = apart - 0.5 * TOUCH_M
    if spare <= 0.0:
        return 0.0
    root = sqrt(closing * closing + 2.0 * bend * spare)
    if closing > 0.0:
        return 2.0 * spare / (closing + root)
    return (root - closing) / bend if bend > 0.0 else inf


@_compiled
def boxes_swept(
    x1: float, y1: float, h1: float, x1_after: float, y1_after: float, h1_after: float, l1: float, w1: float,
    x2: float, y2: float, h2: float, x2_after: float, y2_after: float, h2_after: float, l2: float, w2: float,
) -> float:  # fmt: skip
    """At which fraction of the step two moving boxes first touch, in [0, 1]; inf if they do not, NaN for a NaN.

    Centres move straight and headings turn evenly, the shorter way round. The method and its bound: `boxes.swept`.
    """
    x, y = x2 - x1, y2 - y1
    vx, vy = x2_after - x1_after - x, y2_after - y1_after - y  # per step, as all rates below
    if not isfinite(x + y + vx + vy + h1 + h1_after + h2 + h2_after + l1 + w1 + l2 + w2):
        return nan
    r1, r2 = hypot(l1, w1), hypot(l2, w2)
    if _never_near(x, y, vx, vy, 0.5 * (r1 + r2) + TOUCH_M):
        return inf
    turn1, turn2 = turn(h1, h1_after), turn(h2, h2_after)
    if r1 < r2:  # seen from the larger box: it is the other one's turning that loosens the bound
        return _advanced(-x, -y, -vx, -vy, h2, turn2, l2, w2, h1, turn1, l1, w1)
    return _advanced(x, y, vx, vy, h1, turn1, l1, w1, h2, turn2, l2, w2)


@_compiled
def _advanced(
    x: float, y: float, vx: float, vy: float,
    h1: float, turn1: float, l1: float, w1: float, h2: float, turn2: float, l2: float, w2: float,
) -> float:  # fmt: skip
    """The swept check in the frame of the first, larger box; (x, y) is the second one's centre, off the first one's."""
    # how fast the second box's extent along a direction fixed in that frame can grow
    loose = 0.5 * hypot(l2, w2) * abs(turn2 - turn1)
    farthest = max(hypot(x, y), hypot(x + vx, y + vy))
    bend = abs(turn1) * (2.0 * hypot(vx, vy) + abs(turn1) * farthest)  # no less than |d2q/dt2|
    t = 0.0
    while t <= 1.0:
        heading, relative = h1 + t * turn1, (h2 - h1) + t * (turn2 - turn1)
        ch, sh, cr, sr = cos(heading), sin(heading), cos(relative), sin(relative)
        dx, dy = x + t * vx, y + t * vy
        qx, qy = ch * dx + sh * dy, ch * dy - sh * dx  # the second centre in the turning frame
        ux, uy = ch * vx + sh * vy + turn1 * qy, ch * vy - sh * vx - turn1 * qx  # and its speed there
        c, s = abs(cr), abs(sr)
        apart, advance = -inf, 0.0
        for axis in range(4):
            if axis == 0:
                at, rate, reach = qx, ux, 0.5 * (l1 + l2 * c + w2 * s)
            elif axis == 1:
                at, rate, reach = qy, uy, 0.5 * (w1 + l2 * s + w2 * c)
            elif axis == 2:
                at, rate, reach = cr * qx + sr * qy, cr * ux + sr * uy, 0.5 * (l2 + l1 * c + w1 * s)
            else:
                at, rate, reach = cr * qy - sr * qx, cr * uy - sr * ux, 0.5 * (w2 + l1 * s + w1 * c)
            closing = (-rate if at >= 0.0 else rate) + loose
            apart = max(apart, abs(at) - reach)
            advance = max(advance, _safe_advance(abs(at) - reach, closing, bend))
        if apart <= TOUCH_M:
            return t
        t += advance
    return inf
