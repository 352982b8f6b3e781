"""Where points lie in lanes' own coordinates: the arithmetic behind Road.project, Road.at and Road.inside.

Between the points p0 and p1 of a centre line, with unit tangents t0 and t1, the foot at share u in [0, 1] is
c(u) = p0 + u (p1 - p0), and its normal stands on t(u) = t0 + u (t1 - t0). A point p has its foot where
(p - c(u)) . t(u) = 0: one quadratic in u, with a root in [0, 1] exactly where (p - p0) . t0 >= 0 >= (p - p1) . t1.
As neighbouring pieces share the tangent at their common point, no place beside a lane is left out.

Candidates come from a grid: a cell lists the pieces whose strip, as wide as the lane and 2 m more on either side,
touches it. No Python loop runs over points.

Source: P. Bender, J. Ziegler, C. Stiller, Lanelets: efficient map representation for autonomous driving, IROS 2014.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jangin.vehicle.road import Road

__all__ = ["Grid", "grid", "inside", "nearest", "onto", "place", "segment"]

Array = np.ndarray

REACH_M = 2.0  # how far beside a lane, or past its end, a point still belongs to it
WEDGE_M = 0.5  # past an end that goes on in another lane, this much is surface
CELL_M = 1.0
_CHUNK = 1 << 15  # points at a time: a candidate costs about 200 bytes
_TURN_M = 1e-3  # per radian: among lanes that hold a point, the better aligned comes first ...
_CENTRE = 1e-6  # ... and then the nearer centre line


@dataclass(frozen=True, eq=False)
class Grid:
    """For each cell of a grid, sorted by key, the pieces (number of their first point) that come near it."""

    origin: tuple[float, float]
    columns: int
    rows: int
    keys: Array  # (cells,) row * columns + column, ascending
    first: Array  # (cells + 1,) where a cell's pieces begin
    piece: Array


# ── the grid ─────────────────────────────────────────────────────────────────────────────────────────────────────


def grid(road: Road) -> Grid:
    """The grid of a road's drivable lanes: every piece in each cell that its strip's bounding box touches."""
    last = road.offset[1:] - 1
    starts = np.ones(len(road.x_m), dtype=bool)
    starts[last] = False
    piece = np.flatnonzero(starts & road.drivable[road.lane_of_point])
    if not len(piece):
        empty = np.zeros(0, dtype=np.int64)
        return Grid((0.0, 0.0), 1, 1, empty, np.zeros(1, dtype=np.int64), empty)
    low, high = _boxes(road, piece)
    origin = low.min(axis=0)
    low, high = (np.floor((v - origin) / CELL_M).astype(np.int64) for v in (low, high))
    columns, rows = (high.max(axis=0) + 1).tolist()
    wide, tall = (high - low + 1).T
    owner = np.repeat(np.arange(len(piece)), wide * tall)
    step = np.arange(len(owner)) - np.repeat(np.cumsum(wide * tall) - wide * tall, wide * tall)
    key = (low[owner, 1] + step // wide[owner]) * columns + low[owner, 0] + step % wide[owner]
    order = np.argsort(key, kind="stable")
    keys, first = np.unique(key[order], return_index=True)
    return Grid((origin[0], origin[1]), columns, rows, keys, np.append(first, len(key)), piece[owner[order]])


def _boxes(road: Road, piece: Array) -> tuple[Array, Array]:
    """Lower and upper corner (k, 2) of each piece's strip; at a lane's ends the strip is longer by the reach."""
    ends = [piece, piece + 1]
    lane = road.lane_of_point[piece]
    longer = [
        np.where(piece == road.offset[lane], -REACH_M, 0.0),
        np.where(piece + 2 == road.offset[lane + 1], REACH_M, 0.0),
    ]
    corners = []
    for at, more in zip(ends, longer, strict=True):
        cos, sin = (part[at] for part in road.tangent)
        for sideways in (road.left_m[at] + REACH_M, -road.right_m[at] - REACH_M):
            x, y = road.x_m[at] - sideways * sin, road.y_m[at] + sideways * cos
            corners.append(np.stack([x, y], axis=1))
            corners.append(np.stack([x + more * cos, y + more * sin], axis=1))
    stack = np.stack(corners)
    return stack.min(axis=0), stack.max(axis=0)


def _candidates(table: Grid, x: Array, y: Array) -> tuple[Array, Array]:
    """Pairs (point, piece) worth a look, in the order of the points."""
    with np.errstate(invalid="ignore"):
        column = np.floor((x - table.origin[0]) / CELL_M)
        row = np.floor((y - table.origin[1]) / CELL_M)
        within = (column >= 0) & (row >= 0) & (column < table.columns) & (row < table.rows)
    if not len(table.keys):
        within[:] = False
    key = np.where(within, row * table.columns + column, -1).astype(np.int64)
    at = np.minimum(np.searchsorted(table.keys, key), max(len(table.keys) - 1, 0))
    found = np.flatnonzero(within)
    found = found[table.keys[at[found]] == key[found]]
    begin, end = table.first[at[found]], table.first[at[found] + 1]
    count = end - begin
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(found, count), table.piece[np.repeat(begin, count) + step]


# ── feet ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class _Feet:
    """Points against pieces, (k,) each: those that have a foot there."""

    point: Array
    piece: Array
    share: Array  # of the piece; beyond [0, 1] before a lane's start and past its end
    s_m: Array
    d_m: Array
    over_m: Array  # how far before the lane's start or past its end; 0 between
    heading_rad: Array


def _feet(road: Road, x: Array, y: Array, point: Array, piece: Array) -> _Feet:
    """The pairs (point, piece) where the point has its foot on the piece, or beyond an end of the piece's lane."""
    lane = road.lane_of_point[piece]
    begins, ends = piece == road.offset[lane], piece + 2 == road.offset[lane + 1]
    before = _ahead(road, x[point], y[point], piece)
    after = _ahead(road, x[point], y[point], piece + 1)
    hit = ((before >= 0.0) | begins) & ((after <= 0.0) | ends)
    point, piece, before, after = point[hit], piece[hit], before[hit], after[hit]
    first = (before < 0.0) & begins[hit]
    last = (after > 0.0) & ends[hit] & ~first

    nxt = piece + 1
    dx, dy = x[point] - road.x_m[piece], y[point] - road.y_m[piece]
    ex, ey = road.x_m[nxt] - road.x_m[piece], road.y_m[nxt] - road.y_m[piece]
    tangent_x, tangent_y = road.tangent
    tx, ty = tangent_x[piece], tangent_y[piece]
    ux, uy = tangent_x[nxt] - tx, tangent_y[nxt] - ty
    a, b = -(ex * ux + ey * uy), dx * ux + dy * uy - (ex * tx + ey * ty)
    root = np.sqrt(np.maximum(b * b - 4.0 * a * before, 0.0)) - b
    share = np.where(first, 0.0, np.where(last, 1.0, 2.0 * before / np.where(root > 0.0, root, 1.0)))
    share = np.clip(share, 0.0, 1.0)

    tx, ty = tx + share * ux, ty + share * uy
    fx, fy = dx - share * ex, dy - share * ey
    d = (tx * fy - ty * fx) / np.hypot(tx, ty)
    over = np.where(first, -before, np.where(last, after, 0.0))
    s = road.s_m[piece] + share * (road.s_m[nxt] - road.s_m[piece]) + np.where(first, -over, over)
    return _Feet(point, piece, share, s, d, over, np.arctan2(ty, tx))


def _ahead(road: Road, x: Array, y: Array, at: Array) -> Array:
    """How far (x, y) lies ahead of points of the centre line, along its direction there [m]."""
    tx, ty = road.tangent
    return (x - road.x_m[at]) * tx[at] + (y - road.y_m[at]) * ty[at]


def _outside(road: Road, feet: _Feet) -> Array:
    """How far beyond the edges of the lane each foot's point lies, to the side [m]; 0 on the lane."""
    u, i = feet.share, feet.piece
    left = road.left_m[i] + u * (road.left_m[i + 1] - road.left_m[i])
    right = road.right_m[i] + u * (road.right_m[i + 1] - road.right_m[i])
    return np.maximum(np.maximum(feet.d_m - left, -feet.d_m - right), 0.0)


def _chunks(n: int) -> list[slice]:
    return [slice(k, min(k + _CHUNK, n)) for k in range(0, n, _CHUNK)]


# ── what Road calls ──────────────────────────────────────────────────────────────────────────────────────────────


def nearest(road: Road, table: Grid, x: Array, y: Array, heading: Array | None) -> tuple[Array, Array, Array, Array]:
    """Lane, s, d and the lane's heading for points (n,): of all drivable lanes near a point, the one it belongs to."""
    lane = np.full(len(x), -1, dtype=np.int64)
    s, d, along = (np.full(len(x), np.nan) for _ in range(3))
    for part in _chunks(len(x)):
        feet = _feet(road, x[part], y[part], *_candidates(table, x[part], y[part]))
        outside = _outside(road, feet) + feet.over_m
        score = outside + _CENTRE * np.abs(feet.d_m)
        if heading is not None:
            turned = np.mod(heading[part][feet.point] - feet.heading_rad + np.pi, 2.0 * np.pi) - np.pi
            score = score + _TURN_M * np.abs(turned)
        best = _lowest(feet.point, np.where(outside <= REACH_M, score, np.inf))
        to = feet.point[best] + part.start
        lane[to], s[to], d[to] = road.lane_of_point[feet.piece[best]], feet.s_m[best], feet.d_m[best]
        along[to] = feet.heading_rad[best]
    return lane, s, d, along


def onto(road: Road, table: Grid, x: Array, y: Array, lane: Array) -> tuple[Array, Array, Array]:
    """s, d and the lane's heading for points (n,) on the lane given for each, however far away it is."""
    s, d, along = (np.full(len(x), np.nan) for _ in range(3))

    def keep(feet: _Feet, to: Array, within_m: float) -> None:
        best = _lowest(feet.point, np.hypot(feet.d_m, feet.over_m))
        best = best[np.hypot(feet.d_m[best], feet.over_m[best]) <= within_m]
        at = to[feet.point[best]]
        s[at], d[at], along[at] = feet.s_m[best], feet.d_m[best], feet.heading_rad[best]

    # every strip of the grid is as wide as the reach: a foot nearer than that is the lane's nearest
    for part in _chunks(len(x)):
        point, piece = _candidates(table, x[part], y[part])
        own = road.lane_of_point[piece] == lane[part][point]
        keep(_feet(road, x[part], y[part], point[own], piece[own]), np.arange(part.start, part.stop), REACH_M)
    far = np.flatnonzero(np.isnan(s) & np.isfinite(x) & np.isfinite(y))
    for k in np.unique(lane[far]):
        points = np.arange(road.offset[k], road.offset[k + 1])
        mine = far[lane[far] == k]
        size = max(1, (1 << 20) // len(points))
        for some in (mine[i : i + size] for i in range(0, len(mine), size)):
            # the sign test over a small matrix first: feet are computed for the few pieces that have one
            ahead = _ahead(road, x[some, None], y[some, None], points[None, :])
            before, after = ahead[:, :-1] >= 0.0, ahead[:, 1:] <= 0.0
            before[:, 0], after[:, -1] = True, True
            point, piece = np.nonzero(before & after)
            keep(_feet(road, x[some], y[some], point, points[piece]), some, np.inf)
    return s, d, along


def inside(road: Road, table: Grid, x: Array, y: Array) -> Array:
    """(n,) bool: on the surface of a drivable lane, or in the wedge between a lane and the one it goes on in."""
    found = np.zeros(len(x), dtype=bool)
    for part in _chunks(len(x)):
        feet = _feet(road, x[part], y[part], *_candidates(table, x[part], y[part]))
        lane = road.lane_of_point[feet.piece]
        goes_on = np.where(
            feet.share > 0.5, np.diff(road.successor_offset)[lane], np.diff(road.predecessor_offset)[lane]
        )
        near = feet.over_m <= np.where(goes_on > 0, WEDGE_M, 0.0)
        found[feet.point[near & (_outside(road, feet) <= 0.0)] + part.start] = True
    return found


def _lowest(point: Array, score: Array) -> Array:
    """For each point that has a finite score, where its lowest one stands; `point` is ascending."""
    kept = np.flatnonzero(np.isfinite(score))
    if not len(kept):
        return kept
    point, score = point[kept], score[kept]
    first = np.flatnonzero(np.diff(point, prepend=-1))
    low = np.repeat(np.minimum.reduceat(score, first), np.diff(np.append(first, len(point))))
    hits = np.flatnonzero(score == low)
    return kept[hits[np.flatnonzero(np.diff(point[hits], prepend=-1))]]


def segment(road: Road, lane: Array, s: Array) -> tuple[Array, Array]:
    """The piece (its first point) of a lane at arc length s, and the share of it; beyond [0, 1] off the lane's ends."""
    # one ascending array for all lanes: each lane's arc lengths, after all lanes before it and a metre between
    base = np.concatenate([[0.0], np.cumsum(road.length_m + 1.0)])[:-1]
    ranked = road.s_m + base[road.lane_of_point]
    inside_ = np.clip(s, 0.0, road.length_m[lane])
    first = np.searchsorted(ranked, inside_ + base[lane], side="right") - 1
    first = np.clip(first, road.offset[lane], road.offset[lane + 1] - 2)
    return first, (s - road.s_m[first]) / (road.s_m[first + 1] - road.s_m[first])


def place(road: Road, lane: Array, s: Array, d: Array) -> tuple[Array, Array, Array]:
    """x, y and the lane's heading at arc length s and offset d: the inverse of `nearest` and `onto`."""
    first, share = segment(road, lane, s)
    over = np.where(share < 0.0, s, np.maximum(s - road.length_m[lane], 0.0))
    share = np.clip(share, 0.0, 1.0)
    nxt = first + 1
    tx, ty = ((1.0 - share) * part[first] + share * part[nxt] for part in road.tangent)
    size = np.hypot(tx, ty)
    tx, ty = tx / size, ty / size
    x = road.x_m[first] + share * (road.x_m[nxt] - road.x_m[first])
    y = road.y_m[first] + share * (road.y_m[nxt] - road.y_m[first])
    return x + over * tx - d * ty, y + over * ty + d * tx, np.arctan2(ty, tx)
