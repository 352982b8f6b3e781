"""Full-size oriented boxes in bulk: do they touch, how far apart are they, when in a step do they first touch?

    cars = Boxes(x_m, y_m, heading_rad, length_m, width_m)          # arrays that broadcast with each other
    overlap(cars, others)                                           # bool
    gap(cars, others)                                               # [m], negative by how deep
    swept(cars, cars_after, others, others_after)                   # fraction of the step, inf if they never touch
    swept(cars, cars_after, walls(ends), walls(ends))               # against what stands still

Positions are of the box's centre, headings counter-clockwise from x; sides that coincide touch. A box may have width 0:
that is a wall. Shapes broadcast: (n, 1) against (1, m) compares all with all. `boxes_compiled` has the same functions
as scalars for compiled loops.

The swept check. Within the step centres move straight and headings turn evenly, the shorter way round. Seen from the
larger box, its sides stand still; along each of the four side normals of the moment the boxes are s apart, and that
separation falls no faster than

    c t + b t^2 / 2    c = closing speed along the normal + r |turn of the one relative to the other|
                       b = |w| (2 |v| + |w| d)

with r half the diagonal of the smaller box, v the relative movement, w the turn of the larger box and d the largest
distance of the centres. So time may advance, without missing a touch, to where that bound has used up s: along the
normal that allows most. It does so until the boxes touch or the step is over (conservative advancement). What it
promises:

    inf                 the boxes touched nowhere in the step: no sampling, and nothing between two samples to miss
    a fraction f        before f they did not touch, and at f they are at most sqrt(2) x 1e-5 m apart

The one error possible is a touch called that passes by at less than 0.015 mm. With a motion that is not straight within
the step (a curve), the path between its ends differs from the assumed one by at most a t^2 / 8, a the acceleration of
the box's centre, t the step: 1 cm for 8 m/s^2 and 0.1 s.

Sources: Gottschalk, Lin, Manocha, SIGGRAPH 1996 (separating axes); Mirtich, Impulse-based Dynamic Simulation, 1996, and
Zhang, Lee, Kim, The Visual Computer 22 (2006) 749 (conservative advancement).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from jangin.errors import BadTask

__all__ = ["TOUCH_M", "Boxes", "gap", "overlap", "swept", "touches_polygon", "turn", "walls"]

Array = np.ndarray

TOUCH_M = 1e-5  # as in boxes_compiled, which is not imported here: numba is heavy


@dataclass(frozen=True, eq=False)
class Boxes:
    """Oriented boxes.

    Attributes:
        x_m, y_m: centre.
        heading_rad: counter-clockwise from x.
        length_m: along the heading, full size, 0 or more.
        width_m: across, full size, 0 or more.
    """

    x_m: Array
    y_m: Array
    heading_rad: Array
    length_m: Array
    width_m: Array

    def __post_init__(self) -> None:
        names = ("x_m", "y_m", "heading_rad", "length_m", "width_m")
        values = [np.asarray(getattr(self, name), float) for name in names]
        try:
            np.broadcast_shapes(*(v.shape for v in values))
        except ValueError:
            shapes = ", ".join(f"{name} {v.shape}" for name, v in zip(names, values, strict=True))
            raise BadTask(f"Boxes of {shapes} do not broadcast; give one value, or one per box, of each.") from None
        for name, value in zip(names, values, strict=True):
            object.__setattr__(self, name, value)
        for name in names[3:]:
            value = getattr(self, name)
            if not (value >= 0.0).all():
                worst = value[~(value >= 0.0)].flat[0]
                raise BadTask(f"A box has {name} = {worst:g}; give its full size, 0 or more.")

    @property
    def shape(self) -> tuple[int, ...]:
        return np.broadcast_shapes(
            self.x_m.shape, self.y_m.shape, self.heading_rad.shape, self.length_m.shape, self.width_m.shape
        )

    def scaled(self, factor: float) -> Boxes:
        """Boxes of the same centres whose lengths and widths are `factor` times as large."""
        return replace(self, length_m=factor * self.length_m, width_m=factor * self.width_m)

    def corners(self) -> Array:
        """(..., 4, 2) [m]: front left, rear left, rear right, front right."""
        c, s = np.cos(self.heading_rad), np.sin(self.heading_rad)
        ahead, left = 0.5 * self.length_m, 0.5 * self.width_m
        points = [
            np.stack(np.broadcast_arrays(self.x_m + c * a - s * b, self.y_m + s * a + c * b), axis=-1)
            for a, b in ((ahead, left), (-ahead, left), (-ahead, -left), (ahead, -left))
        ]
        return np.stack(np.broadcast_arrays(*points), axis=-2)


def walls(ends_m: Array) -> Boxes:
    """Line segments (..., 4) [m], x and y of both ends, as boxes of width 0."""
    ends = np.asarray(ends_m, float)
    if ends.ndim == 0 or ends.shape[-1] != 4:
        raise BadTask(f"Walls of shape {ends.shape} have no two ends; give (..., 4): x and y of each end.")
    dx, dy = ends[..., 2] - ends[..., 0], ends[..., 3] - ends[..., 1]
    middle_x, middle_y = 0.5 * (ends[..., 0] + ends[..., 2]), 0.5 * (ends[..., 1] + ends[..., 3])
    return Boxes(middle_x, middle_y, np.arctan2(dy, dx), np.hypot(dx, dy), np.zeros_like(dx))


def overlap(a: Boxes, b: Boxes) -> Array:
    """Do boxes share a point? (...) bool."""
    return _separation(a, b) <= 0.0


def gap(a: Boxes, b: Boxes) -> Array:
    """Distance of boxes [m], exact; of boxes that overlap, minus the shortest way out of each other."""
    apart = _separation(a, b)
    # two convex figures apart are nearest at a corner of one of them
    distance = np.minimum(_corners_gap(a, b), _corners_gap(b, a))
    return np.where(apart <= 0.0, apart, distance)


def turn(before_rad: Array, after_rad: Array) -> Array:
    """How far headings turn [rad], the shorter way round: in [-pi, pi)."""
    return (np.asarray(after_rad) - before_rad + np.pi) % (2.0 * np.pi) - np.pi


def swept(a: Boxes, a_after: Boxes, b: Boxes, b_after: Boxes) -> Array:
    """At which fraction of the step each pair first touches, in [0, 1]; inf for pairs that do not.

    Sizes are those before the step. The head of the module says what is promised. NaN for a pair with a NaN.
    """
    names = ("x_m", "y_m", "heading_rad")
    rows = [getattr(a, n) for n in names] + [getattr(a_after, n) for n in names] + [a.length_m, a.width_m]
    rows += [getattr(b, n) for n in names] + [getattr(b_after, n) for n in names] + [b.length_m, b.width_m]
    whole = np.broadcast_arrays(*rows)
    shape = whole[0].shape
    x1, y1, h1, x1_after, y1_after, h1_after, l1, w1, x2, y2, h2, x2_after, y2_after, h2_after, l2, w2 = (
        v.ravel() for v in whole
    )
    x, y = x2 - x1, y2 - y1
    vx, vy = x2_after - x1_after - x, y2_after - y1_after - y
    r1, r2 = np.hypot(l1, w1), np.hypot(l2, w2)
    turn1, turn2 = turn(h1, h1_after), turn(h2, h2_after)
    swap = r1 < r2
    sign = np.where(swap, -1.0, 1.0)
    first, second = (h1, turn1, l1, w1), (h2, turn2, l2, w2)
    larger = [np.where(swap, q, p) for p, q in zip(first, second, strict=True)]
    smaller = [np.where(swap, p, q) for p, q in zip(first, second, strict=True)]
    known = np.isfinite(x + y + vx + vy + turn1 + turn2 + r1 + r2)
    near = known & ~_never_near(x, y, vx, vy, 0.5 * (r1 + r2) + TOUCH_M)
    found = np.where(known, np.inf, np.nan)
    found[near] = _advanced(*(v[near] for v in (sign * x, sign * y, sign * vx, sign * vy, *larger, *smaller)))
    return found.reshape(shape)


def touches_polygon(boxes: Boxes, polygon_m: Array) -> Array:
    """Do boxes (...) share a point with a filled polygon (k, 2) [m], convex or not? (...) bool.

    With `swept` against `walls` of its sides this finds every touch: a box that does not touch a side during the step
    is inside throughout or outside throughout.

    Raises: BadTask for fewer than three corners.
    """
    corners = np.asarray(polygon_m, float)
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
        raise BadTask(f"A polygon of shape {corners.shape} has no inside; give (k, 2) with three corners or more.")
    sides = walls(np.concatenate([corners, np.roll(corners, -1, axis=0)], axis=1))
    each = Boxes(*(getattr(boxes, name)[..., None] for name in ("x_m", "y_m", "heading_rad", "length_m", "width_m")))
    touched = overlap(each, sides).any(axis=-1)
    box_inside = _inside(boxes.x_m, boxes.y_m, corners)
    polygon_inside = overlap(boxes, Boxes(corners[0, 0], corners[0, 1], np.zeros(()), np.zeros(()), np.zeros(())))
    return touched | box_inside | polygon_inside


# ── one pair, written once for arrays ─────────────────────────────────────────────────────────────────────────────


def _separation(a: Boxes, b: Boxes) -> Array:
    """The widest separation along any of the four side normals [m]; see `boxes_compiled.separation`."""
    dx, dy, relative = b.x_m - a.x_m, b.y_m - a.y_m, b.heading_rad - a.heading_rad
    c1, s1, c2, s2 = np.cos(a.heading_rad), np.sin(a.heading_rad), np.cos(b.heading_rad), np.sin(b.heading_rad)
    c, s = np.abs(np.cos(relative)), np.abs(np.sin(relative))
    l1, w1, l2, w2 = a.length_m, a.width_m, b.length_m, b.width_m
    along_a = np.abs(c1 * dx + s1 * dy) - 0.5 * (l1 + l2 * c + w2 * s)
    across_a = np.abs(c1 * dy - s1 * dx) - 0.5 * (w1 + l2 * s + w2 * c)
    along_b = np.abs(c2 * dx + s2 * dy) - 0.5 * (l2 + l1 * c + w1 * s)
    across_b = np.abs(c2 * dy - s2 * dx) - 0.5 * (w2 + l1 * s + w1 * c)
    return np.maximum(np.maximum(along_a, across_a), np.maximum(along_b, across_b))


def _corners_gap(a: Boxes, b: Boxes) -> Array:
    """The shortest distance of a corner of b to a [m], 0 for one inside."""
    c, s = np.cos(a.heading_rad)[..., None], np.sin(a.heading_rad)[..., None]
    corners = b.corners()
    dx, dy = corners[..., 0] - a.x_m[..., None], corners[..., 1] - a.y_m[..., None]
    out_x = np.maximum(np.abs(c * dx + s * dy) - 0.5 * a.length_m[..., None], 0.0)
    out_y = np.maximum(np.abs(c * dy - s * dx) - 0.5 * a.width_m[..., None], 0.0)
    return np.asarray(np.hypot(out_x, out_y).min(axis=-1))


def _never_near(x: Array, y: Array, vx: Array, vy: Array, reach: Array) -> Array:
    """Does a point that moves from (x, y) by (vx, vy) stay farther than `reach` from the origin?"""
    way = vx * vx + vy * vy
    f = np.clip(np.divide(-(x * vx + y * vy), way, out=np.zeros_like(way), where=way > 0.0), 0.0, 1.0)
    nx, ny = x + f * vx, y + f * vy
    return nx * nx + ny * ny > reach * reach


def _advanced(
    x: Array, y: Array, vx: Array, vy: Array,
    h1: Array, turn1: Array, l1: Array, w1: Array, h2: Array, turn2: Array, l2: Array, w2: Array,
) -> Array:  # fmt: skip
    """The swept check in the frame of the first, larger box; (x, y) is the second one's centre, off the first one's."""
    loose = 0.5 * np.hypot(l2, w2) * np.abs(turn2 - turn1)
    farthest = np.maximum(np.hypot(x, y), np.hypot(x + vx, y + vy))
    bend = np.abs(turn1) * (2.0 * np.hypot(vx, vy) + np.abs(turn1) * farthest)
    pairs = np.stack([x, y, vx, vy, h1, turn1, l1, w1, h2, turn2, l2, w2, loose, bend])
    found, at, rows = np.full(len(x), np.inf), np.zeros(len(x)), np.arange(len(x))
    while rows.size:
        apart, advance = _look(at[rows], *pairs[:, rows])
        touching = apart <= TOUCH_M
        found[rows[touching]] = at[rows[touching]]
        at[rows] += advance
        rows = rows[~touching & (at[rows] <= 1.0)]
    return found


def _look(
    t: Array, x: Array, y: Array, vx: Array, vy: Array, h1: Array, turn1: Array, l1: Array, w1: Array, h2: Array,
    turn2: Array, l2: Array, w2: Array, loose: Array, bend: Array,
) -> tuple[Array, Array]:  # fmt: skip
    """The separation at fraction t, and how far t may advance without a touch."""
    heading, relative = h1 + t * turn1, (h2 - h1) + t * (turn2 - turn1)
    ch, sh, cr, sr = np.cos(heading), np.sin(heading), np.cos(relative), np.sin(relative)
    dx, dy = x + t * vx, y + t * vy
    qx, qy = ch * dx + sh * dy, ch * dy - sh * dx  # the second centre in the turning frame
    ux, uy = ch * vx + sh * vy + turn1 * qy, ch * vy - sh * vx - turn1 * qx  # and its speed there
    c, s = np.abs(cr), np.abs(sr)
    apart, advance = np.full(len(t), -np.inf), np.zeros(len(t))
    for at, rate, reach in (
        (qx, ux, 0.5 * (l1 + l2 * c + w2 * s)),
        (qy, uy, 0.5 * (w1 + l2 * s + w2 * c)),
        (cr * qx + sr * qy, cr * ux + sr * uy, 0.5 * (l2 + l1 * c + w1 * s)),
        (cr * qy - sr * qx, cr * uy - sr * ux, 0.5 * (w2 + l1 * s + w1 * c)),
    ):
        closing = np.where(at >= 0.0, -rate, rate) + loose
        apart = np.maximum(apart, np.abs(at) - reach)
        advance = np.maximum(advance, _safe_advance(np.abs(at) - reach, closing, bend))
    return apart, advance


def _safe_advance(apart: Array, closing: Array, bend: Array) -> Array:
    """Until when apart - closing t - bend t^2 / 2 stays at half of TOUCH_M or above; 0 if it is below already."""
    spare = np.maximum(apart - 0.5 * TOUCH_M, 0.0)
    root = np.sqrt(closing * closing + 2.0 * bend * spare)
    never = np.full(len(apart), np.inf)
    meeting = np.divide(2.0 * spare, closing + root, out=never.copy(), where=closing > 0.0)
    parting = np.divide(root - closing, bend, out=never, where=bend > 0.0)
    return np.where(spare > 0.0, np.where(closing > 0.0, meeting, parting), 0.0)


def _inside(x: Array, y: Array, corners: Array) -> Array:
    """Is a point inside a polygon? Even-odd rule: a ray to +x crosses its sides an odd number of times."""
    x, y = np.asarray(x)[..., None], np.asarray(y)[..., None]
    (x1, y1), (x2, y2) = corners.T, np.roll(corners, -1, axis=0).T
    crosses = (y1 > y) != (y2 > y)
    slope = np.divide(x2 - x1, y2 - y1, out=np.zeros(len(corners)), where=y2 != y1)
    return np.asarray((crosses & (x < x1 + (y - y1) * slope)).sum(axis=-1) % 2 == 1)
