"""The ways recorded road users took, as places along a line instead of instants; and who is in the way along them.

    ways = paths(recorded)
    ways.travelled_m[7, 30]                              # how far user 7 had come at instant 30 [m]
    ways.pose(7, 12.5)                                   # (x, y, heading) of its box after 12.5 m
    gap, lead, heading = contact(7, 12.5, *ways.arrays, boxes, 100.0)

`contact` moves a user's box along its way and finds the first other box that it would touch: the gap is what it can
drive before that, bumper to bumper in a lane, and right in a curve and across a junction too, without any map. Beyond
its last recorded point a way goes straight on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np

from jangin.errors import BadRoad
from jangin.vehicle.boxes_compiled import boxes_swept, boxes_touch, turn
from jangin.vehicle.recorded import Recorded

__all__ = ["BOX", "SPACING_M", "Paths", "contact", "paths", "pose_at"]

Array = np.ndarray

_compiled = numba.njit(nogil=True, error_model="numpy")  # calls, not inlined: the swept check is long

BOX = ("x_m", "y_m", "heading_rad", "length_m", "width_m", "speed_m_s")
"""The columns of a row of boxes; an absent one has x NaN."""

SPACING_M = 0.25
"""Recorded points closer than this to the last one kept are left out: a standing car's jitter is no way."""


@dataclass(frozen=True, eq=False)
class Paths:
    """The ways of n road users, one after the other in flat arrays.

    Attributes:
        first: (n + 1,) where each one's points begin; every way has at least one.
        x_m, y_m, heading_rad: of the points.
        along_m: of the points, 0 at each way's first.
        travelled_m: (n, steps) where on its way each user was when; NaN where absent.
    """

    first: Array
    x_m: Array
    y_m: Array
    heading_rad: Array
    along_m: Array
    travelled_m: Array

    @property
    def arrays(self) -> tuple[Array, Array, Array, Array, Array]:
        """What the compiled functions take."""
        return self.first, self.x_m, self.y_m, self.heading_rad, self.along_m

    @property
    def length_m(self) -> Array:
        """(n,) of each way."""
        return self.along_m[self.first[1:] - 1]

    def pose(self, user: int, along_m: float) -> tuple[float, float, float]:
        """The centre of a user's box and its heading after `along_m` metres of its way."""
        x, y, heading = pose_at(user, along_m, *self.arrays)
        return float(x), float(y), float(heading)


def paths(recorded: Recorded) -> Paths:
    """The ways of all road users; raises BadRoad for one that is never there, or is away in between."""
    n, steps = recorded.x_m.shape
    travelled = np.full((n, steps), np.nan)
    points: list[Array] = []
    for i in range(n):
        there = np.flatnonzero(recorded.present[i])
        if len(there) == 0 or there[-1] - there[0] >= len(there):
            what = "never there" if len(there) == 0 else "away in between"
            raise BadRoad(f"The recorded road user {recorded.names[i]!r} is {what}; leave it out, or make it two.")
        x, y, heading = recorded.x_m[i, there], recorded.y_m[i, there], recorded.heading_rad[i, there]
        kept = _kept(x, y)
        along = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x[kept]), np.diff(y[kept])))])
        raw = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
        travelled[i, there] = np.interp(raw, raw[kept], along)
        points.append(np.stack([x[kept], y[kept], heading[kept], along]))
    first = np.concatenate([[0], np.cumsum([p.shape[1] for p in points])]).astype(np.int64)
    flat = np.concatenate(points, axis=1) if points else np.zeros((4, 0))
    x, y, heading, along = (np.ascontiguousarray(row) for row in flat)
    return Paths(first, x, y, heading, along, travelled)


def _kept(x: Array, y: Array) -> Array:
    """The first point, each that is SPACING_M from the one kept before it, and of one that moves also the last."""
    kept = [0]
    for k in range(1, len(x)):
        if math.hypot(x[k] - x[kept[-1]], y[k] - y[kept[-1]]) >= SPACING_M:
            kept.append(k)
    if 0 < kept[-1] < len(x) - 1 and (x[-1], y[-1]) != (x[kept[-1]], y[kept[-1]]):
        kept.append(len(x) - 1)
    return np.array(kept)


@_compiled
def _segment(user, along, first, line):  # type: ignore[no-untyped-def]
    """The last point of a user's way at or before `along`."""
    low, high = first[user], first[user + 1] - 1
    while low < high:
        middle = (low + high + 1) // 2
        if line[middle] <= along:
            low = middle
        else:
            high = middle - 1
    return low


@_compiled
def pose_at(user, along, first, x, y, heading, line):  # type: ignore[no-untyped-def]
    """The pose after `along` metres of a user's way; exactly a recorded one where that is; straight on beyond the end.

    `first, x, y, heading, line` are `Paths.arrays`.
    """
    k = _segment(user, along, first, line)
    over = along - line[k]
    if over <= 0.0:
        return x[k], y[k], heading[k]
    if k + 1 == first[user + 1]:
        return x[k] + over * math.cos(heading[k]), y[k] + over * math.sin(heading[k]), heading[k]
    f = over / (line[k + 1] - line[k])
    return x[k] + f * (x[k + 1] - x[k]), y[k] + f * (y[k + 1] - y[k]), heading[k] + f * turn(heading[k], heading[k + 1])


@_compiled
def _reach(user, along, horizon, first, x, y, heading, line, box, length, width):  # type: ignore[no-untyped-def]
    """How far a user's box can go before it touches a box that stands still, and its heading there; inf if farther than
    `horizon`."""
    k = _segment(user, along, first, line)
    x0, y0, h0 = pose_at(user, along, first, x, y, heading, line)
    start, farthest = along, along + horizon
    while start < farthest:
        k += 1
        end = farthest if k >= first[user + 1] else min(line[k], farthest)
        x1, y1, h1 = pose_at(user, end, first, x, y, heading, line)
        bx, by, bh = box[0], box[1], box[2]
        f = boxes_swept(x0, y0, h0, x1, y1, h1, length, width, bx, by, bh, bx, by, bh, box[3], box[4])
        if f <= 1.0:
            return start - along + f * (end - start), h0 + f * turn(h0, h1)
        x0, y0, h0, start = x1, y1, h1, end
    return math.inf, h0


@_compiled
def contact(user, along, first, x, y, heading, line, boxes, horizon):  # type: ignore[no-untyped-def]
    """Whom a user would run into first if it went on along its way and all others stood still.

    Args:
        user, along: who, and where on its way [m]; `boxes[user]` gives its length and width.
        first, x, y, heading, line: `Paths.arrays`.
        boxes: (m, 6) everybody, columns as BOX, the users of the ways first.
        horizon: how far to look [m].

    Returns:
        (gap [m], row of the other in `boxes`, heading of the user's box there [rad]); (inf, -1, heading) when nobody
        is within the horizon. Somebody it touches already is at 0 if centred ahead of it, and ignored otherwise: those
        have run into the user, or scrape along its side.
    """
    length, width = boxes[user, 3], boxes[user, 4]
    x0, y0, h0 = pose_at(user, along, first, x, y, heading, line)
    best, who, facing = horizon, -1, h0
    for j in range(len(boxes)):
        box = boxes[j]
        dx, dy = box[0] - x0, box[1] - y0
        reach = best + 0.5 * (length + width + box[3] + box[4])
        if j == user or not dx * dx + dy * dy <= reach * reach:  # nor anybody absent: NaN
            continue
        if boxes_touch(x0, y0, h0, length, width, box[0], box[1], box[2], box[3], box[4]):
            gap, there = (0.0 if dx * math.cos(h0) + dy * math.sin(h0) > 0.0 else math.inf), h0
        else:
            gap, there = _reach(user, along, best, first, x, y, heading, line, box, length, width)
        if gap < best:
            best, who, facing = gap, j, there
    return (best if who >= 0 else math.inf), who, facing
