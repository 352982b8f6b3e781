"""A road as plain arrays, whatever file it came from, with its lanes' own coordinates and the ways through it.

    road = read_opendrive("town.xodr")                       # or read_commonroad("scenario.xml").road
    lane, s_m, d_m, turned_rad = road.project(x_m, y_m, heading_rad)    # (n,) points -> (n,) lane, s, d, heading
    x_m, y_m, heading_rad = road.at(lane, s_m, d_m)          # and back, to 1e-9 m
    road.inside(x_m, y_m)                                    # (n,) bool: on a surface to drive on
    for lane in road.route(road.find("1/0/-1"), road.find("7/0/-1")): ...

A lane is one lane of one lane section (OpenDRIVE) or one lanelet (CommonRoad), and always runs the way it is driven.
Its centre line is points: those of lane k are rows offset[k]:offset[k + 1] of every point array. Between two points the
line is straight and its normal turns evenly from the one point's to the other's (Bender et al., IROS 2014), so that
every point beside a lane has a foot on it and `at` is the inverse of `project` on curves too. What sampling costs, the
reader says: how far the straight pieces lie from the curve.

Frame: x forward, y left, heading counter-clockwise from x, as in the file. s_m runs along the lane from its start, d_m
is positive to the left of the way it is driven. SI units. Superelevation is not applied.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from jangin.errors import BadRoad, UnknownName
from jangin.vehicle import road_frenet

__all__ = ["DRIVABLE", "OnRoad", "Road", "RoadObject"]

Array = np.ndarray

DRIVABLE = frozenset(
    [
        "driving",
        "entry",
        "exit",
        "onRamp",
        "offRamp",
        "connectingRamp",
        "slipLane",
        "bidirectional",
        "bus",
        "taxi",
        "HOV",
        "mwyEntry",
        "mwyExit",
    ]
)
"""Kinds of lanes that are there to be driven on; a hard shoulder ("stop", "shoulder") and a parking lane are not."""

LANE_CHANGE_M = 10.0  # a route changes lanes where that saves more than this much way


class OnRoad(NamedTuple):
    """Points in lanes' coordinates: arrays (n,); where lane is -1 no lane is near, and the other numbers are NaN."""

    lane: Array
    s_m: Array
    d_m: Array
    heading_rad: Array | None  # relative to the lane, in [-pi, pi); None if no heading was given


@dataclass(frozen=True)
class RoadObject:
    """A thing beside or on the road: a parking space, a crossing, a tree.

    Attributes:
        kind: as in the file: "parkingSpace", "crosswalk", "tree" ...
        x_m, y_m, heading_rad: the centre of its box, and its length's direction.
        length_m, width_m: of the box; 0 for a point.
        corners_m: (k, 2) outline where the file gives one, else the box's corners.
    """

    name: str
    kind: str
    x_m: float
    y_m: float
    heading_rad: float
    length_m: float
    width_m: float
    corners_m: Array


@dataclass(frozen=True, eq=False)
class Road:
    """Lanes, each a run of points.

    Attributes, per lane (n,):
        names: unique: "road/section/lane" of an OpenDRIVE file (section counted from 0), the id of a lanelet.
        kinds: "driving", "shoulder", "parking", "sidewalk" ...: the words of OpenDRIVE; see DRIVABLE.
        speed_limit_m_s: the lowest limit on the lane; NaN where there is none.
        left, right: the lane beside it that runs the same way, of whatever kind; -1 none.
        left_opposite, right_opposite: whether the lane on that side is there to be driven the other way.
        successor_offset, successor: lanes that go on from lane k are successor[successor_offset[k]:..[k + 1]].
        predecessor_offset, predecessor: likewise those that lead to it.
    Attributes, per point (m,):
        x_m, y_m, z_m: of the centre line.
        heading_rad: its direction.   curvature_1_m: positive to the left.
        s_m: arc length from the lane's start.
        left_m, right_m: distance of the lane's edges, along the normal; not negative.
        limit_m_s: speed limit there; NaN where there is none.
    And:
        offset: (n + 1,) where the points of a lane begin.
        objects: things beside the road.
        sagitta_m: the most that a straight piece lies from the curve that was sampled; 0 if the file gives points.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    offset: Array
    x_m: Array
    y_m: Array
    z_m: Array
    heading_rad: Array
    curvature_1_m: Array
    s_m: Array
    left_m: Array
    right_m: Array
    limit_m_s: Array
    speed_limit_m_s: Array
    left: Array
    right: Array
    left_opposite: Array
    right_opposite: Array
    successor_offset: Array
    successor: Array
    predecessor_offset: Array
    predecessor: Array
    objects: tuple[RoadObject, ...] = ()
    sagitta_m: float = 0.0

    def __len__(self) -> int:
        return len(self.names)

    # ── lanes ────────────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def drivable(self) -> Array:
        """(n,) bool: lanes that are there to be driven on."""
        return np.array([kind in DRIVABLE for kind in self.kinds], dtype=bool)

    @cached_property
    def length_m(self) -> Array:
        """(n,) length of each lane's centre line."""
        return self.s_m[self.offset[1:] - 1]

    @cached_property
    def lane_of_point(self) -> Array:
        """(m,) the lane each point belongs to."""
        return np.repeat(np.arange(len(self)), np.diff(self.offset))

    @cached_property
    def tangent(self) -> tuple[Array, Array]:
        """(m,), (m,) cosine and sine of the heading at each point."""
        return np.cos(self.heading_rad), np.sin(self.heading_rad)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.names)}

    def find(self, name: str) -> int:
        """The number of the lane of this name; UnknownName, which gives the nearest, if there is none."""
        if (number := self._numbers.get(name)) is None:
            raise UnknownName("lane", name, self.names)
        return number

    def points(self, lane: int) -> slice:
        """Where the points of a lane stand in the point arrays."""
        return slice(int(self.offset[lane]), int(self.offset[lane + 1]))

    def successors(self, lane: int) -> Array:
        """The lanes that go on where this one ends."""
        return self.successor[self.successor_offset[lane] : self.successor_offset[lane + 1]]

    def predecessors(self, lane: int) -> Array:
        """The lanes that end where this one begins."""
        return self.predecessor[self.predecessor_offset[lane] : self.predecessor_offset[lane + 1]]

    def edges(self, lane: int) -> tuple[Array, Array]:
        """The left and the right edge of a lane, each (k, 2) [m], at the points of its centre line."""
        at = self.points(lane)
        normal = np.stack([-np.sin(self.heading_rad[at]), np.cos(self.heading_rad[at])], axis=1)
        centre = np.stack([self.x_m[at], self.y_m[at]], axis=1)
        return centre + self.left_m[at, None] * normal, centre - self.right_m[at, None] * normal

    def area_m2(self, lane: int) -> float:
        """The area between a lane's edges (trapezoids between its points)."""
        left, right = self.edges(lane)
        x, y = np.concatenate([right, left[::-1]]).T
        return float(0.5 * np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))

    # ── coordinates ──────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def _grid(self) -> road_frenet.Grid:
        return road_frenet.grid(self)

    def project(
        self, x_m: Array, y_m: Array, heading_rad: Array | None = None, lanes: Array | int | None = None
    ) -> OnRoad:
        """The lane each point is on, and where: arc length, offset to the left, heading relative to the lane.

        x_m, y_m, heading_rad: (n,). Without `lanes` the lane is one to drive on, whose surface holds the point or
        comes within 2 m of it; where several hold it, the one best aligned with the heading, then the one whose centre
        is nearest. With `lanes`, a number or (n,), every point is projected onto the lane given, however far it is;
        before a lane's start s is negative, past its end above its length.
        """
        x, y = (np.atleast_1d(np.asarray(v, dtype=float)) for v in (x_m, y_m))
        turned = None if heading_rad is None else np.broadcast_to(np.asarray(heading_rad, dtype=float), x.shape)
        if lanes is None:
            lane, s, d, along = road_frenet.nearest(self, self._grid, x, y, turned)
        else:
            lane = np.broadcast_to(np.asarray(lanes), x.shape).astype(np.int64)
            s, d, along = road_frenet.onto(self, self._grid, x, y, lane)
        if turned is not None:
            turned = np.mod(turned - along + np.pi, 2.0 * np.pi) - np.pi
        return OnRoad(lane, s, d, turned)

    def at(self, lane: Array | int, s_m: Array | float, d_m: Array | float = 0.0) -> tuple[Array, Array, Array]:
        """x [m], y [m] and the lane's heading [rad] at arc length s and offset d; straight on before and past its ends.

        The inverse of `project` wherever d stays inside the lane's centre of curvature.
        """
        lane, s, d = np.broadcast_arrays(lane, np.asarray(s_m, dtype=float), np.asarray(d_m, dtype=float))
        return road_frenet.place(self, lane, s, d)

    def along(self, values: Array, lane: Array | int, s_m: Array | float) -> Array:
        """A point array at arc length s of a lane, between two points linearly: along(road.curvature_1_m, lane, s)."""
        lane, s = np.broadcast_arrays(lane, np.asarray(s_m, dtype=float))
        first, share = road_frenet.segment(self, lane, s)
        share = np.clip(share, 0.0, 1.0)
        return (1.0 - share) * values[first] + share * values[first + 1]

    def inside(self, x_m: Array, y_m: Array) -> Array:
        """(n,) bool: whether each point is on the surface of a lane to drive on.

        Where a lane goes on in another, the wedge between their ends counts as surface (up to 0.5 m).
        """
        x, y = (np.atleast_1d(np.asarray(v, dtype=float)) for v in (x_m, y_m))
        return road_frenet.inside(self, self._grid, x, y)

    # ── ways ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def steps(self, lane: int) -> Iterator[tuple[int, float]]:
        """The lanes a vehicle can be on next, each with what it costs [m of way]: straight on, or beside."""
        for after in self.successors(lane):
            if self.drivable[after]:
                yield int(after), float(self.length_m[after])
        for beside in (int(self.left[lane]), int(self.right[lane])):
            if beside >= 0 and self.drivable[beside]:
                yield beside, LANE_CHANGE_M

    def reachable(self, lane: int) -> Array:
        """(n,) bool: the lanes that can be reached from this one, itself among them, by driving on and lane changes."""
        seen = np.zeros(len(self), dtype=bool)
        seen[lane] = True
        open_ = [lane]
        while open_:
            for after, _ in self.steps(open_.pop()):
                if not seen[after]:
                    seen[after] = True
                    open_.append(after)
        return seen

    def route(self, from_lane: int, to_lane: int) -> tuple[int, ...]:
        """The lanes of the shortest way, both ends included; a lane change counts as 10 m of way.

        Raises: BadRoad if driving on and changing lanes never leads there.
        """
        best: dict[int, float] = {from_lane: 0.0}
        before: dict[int, int] = {}
        heap = [(0.0, from_lane)]
        while heap:
            cost, lane = heapq.heappop(heap)
            if lane == to_lane:
                way = [lane]
                while way[-1] != from_lane:
                    way.append(before[way[-1]])
                return tuple(reversed(way))
            if cost > best[lane]:
                continue
            for after, more in self.steps(lane):
                if cost + more < best.get(after, np.inf):
                    best[after], before[after] = cost + more, lane
                    heapq.heappush(heap, (cost + more, after))
        raise BadRoad(
            f"No way leads from lane {self.names[from_lane]!r} to lane {self.names[to_lane]!r}: driving on and "
            f"changing lanes reaches {len(best)} of {len(self)} lanes. Choose another goal or mend the links."
        )
