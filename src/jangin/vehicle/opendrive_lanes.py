"""The lanes of one OpenDRIVE road: sections, widths or borders, lane offset, elevation and speed limits, as points.

    lanes = road_lanes(road_node)                  # list[OpenLane], section by section, from left to right
    lanes[0].lane.x_m                              # the way it is driven; lanes[0].along says whether s runs so too

Stations are at most 1 m apart, closer where a lane bends (down to 1/16 m), so that a straight piece lies within 1 mm
of the lane's centre line. Every place where a cubic begins is a station.

Source: ASAM OpenDRIVE 1.7, clauses 8 and 9.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from jangin.errors import BadFile, BadRoad
from jangin.vehicle.opendrive_geometry import Curve, Line, read_plan
from jangin.vehicle.road import DRIVABLE
from jangin.vehicle.road_build import Lane
from jangin.vehicle.road_xml import Node

__all__ = ["Cubics", "OpenLane", "cubics", "road_lanes"]

Array = np.ndarray

STEP_M = 1.0
SAGITTA_M = 1e-3
_FINEST = 16  # a step is divided by this at most
_DIP_M = 0.01  # a cubic that swings below a width of 0 by less is taken as 0
_UNITS = {"m/s": 1.0, "km/h": 1.0 / 3.6, "mph": 0.44704}


@dataclass(eq=False)
class OpenLane:
    """A lane of one section as points, with its place in the file."""

    road: str
    section: int
    id: int
    along: bool  # driven the way the road's s runs
    before: int | None  # the section before it on its side; None at the road's start
    after: int | None  # the section after it; None at the road's end
    node: Node
    lane: Lane
    sagitta_m: float

    @property
    def kind(self) -> str:
        return self.lane.kind

    def reaches(self, end: str) -> bool:
        """Whether the lane lies at the "start" or the "end" of its road."""
        return (self.before if end == "start" else self.after) is None


@dataclass(frozen=True, eq=False)
class Cubics:
    """a + b ds + c ds^2 + d ds^3 from each start on, as lane widths and elevations are given; 0 before the first."""

    starts: Array  # (k,), ascending
    terms: Array  # (k, 4)

    def at(self, s: Array) -> tuple[Array, Array, Array]:
        """Value, first and second derivative at s (n,)."""
        if not len(self.starts):
            return np.zeros_like(s), np.zeros_like(s), np.zeros_like(s)
        which = np.searchsorted(self.starts, s, side="right") - 1
        a, b, c, d = np.where(which >= 0, self.terms[np.maximum(which, 0)].T, 0.0)
        ds = s - self.starts[np.maximum(which, 0)]
        return a + ds * (b + ds * (c + ds * d)), b + ds * (2.0 * c + 3.0 * d * ds), 2.0 * c + 6.0 * d * ds


def cubics(nodes: Sequence[Node], start: str = "s", from_m: float = 0.0) -> Cubics:
    """The cubics of elements with the attributes a, b, c, d and a start, which counts from `from_m`."""
    ordered = sorted(nodes, key=lambda node: node.number(start, 0.0))
    return Cubics(
        np.array([from_m + node.number(start, 0.0) for node in ordered]),
        np.array([[node.number(name) for name in "abcd"] for node in ordered]).reshape(-1, 4),
    )


# ── sections ─────────────────────────────────────────────────────────────────────────────────────────────────────


def road_lanes(road: Node) -> tuple[Line, list[OpenLane]]:
    """The reference line of a <road> and its lanes; Lane.left and Lane.right count within the list.

    Raises: BadRoad for sections out of order, a lane that comes twice, has no width or a negative one.
    """
    line = read_plan(road)
    right_hand = _right_hand(road)
    lanes: list[OpenLane] = []
    for side in ("left", "right"):
        sections = _sections(road, side, line.length_m)
        numbers = [None, *(number for number, *_ in sections), None]
        for (number, section, from_m, to_m), before, after in zip(sections, numbers, numbers[2:], strict=False):
            lanes += _Section(road, line, section, side, from_m, to_m).lanes(right_hand, number, before, after)
    _neighbours(lanes)
    return line, lanes


def _right_hand(road: Node) -> bool:
    rule = road.word("rule", "RHT")
    if rule not in ("RHT", "LHT"):
        raise BadRoad(f"{road.place}: the rule is {rule!r}; allowed are 'RHT' and 'LHT'. Correct it.")
    return rule == "RHT"


def _sections(road: Node, side: str, length: float) -> list[tuple[int, Node, float, float]]:
    """Number, element, start and end of the sections that say something of a side."""
    nodes = list(road.within("lanes", "laneSection"))
    if not nodes:
        raise BadRoad(f"{road.place}: the road has no lane section. Give its <lanes> at least one <laneSection>.")
    mine = [
        (k, node)
        for k, node in enumerate(nodes)
        if node.first(side) is not None or node.word("singleSide", "false") != "true"
    ]
    starts = [node.number("s") for _, node in mine] + [length]
    for (_, node), start, end in zip(mine, starts, starts[1:], strict=False):
        if end <= start:
            raise BadRoad(
                f"{node.place}: this lane section begins at s = {start:g} m and ends at {end:g} m. Put the sections in "
                "order, each of some length."
            )
    return [(k, node, a, b) for (k, node), a, b in zip(mine, starts, starts[1:], strict=False)]


@dataclass(eq=False)
class _Section:
    """One side of one lane section, and its lanes from the inside out."""

    road: Node
    line: Line
    section: Node
    side: str
    from_m: float
    to_m: float

    def __post_init__(self) -> None:
        nodes = [node for node in self.section.within(self.side, "lane") if int(node.number("id")) != 0]
        self.nodes = sorted(nodes, key=lambda node: abs(int(node.number("id"))))
        for before, node in zip(self.nodes, self.nodes[1:], strict=False):
            if before.word("id") == node.word("id"):
                raise BadRoad(f"{node.place}: lane {node.word('id')} comes twice in its section. Number lanes once.")
        sign = 1 if self.side == "left" else -1
        for node in self.nodes:
            if int(node.number("id")) * sign < 0:
                raise BadRoad(
                    f"{node.place}: lane {node.word('id')} stands under <{self.side}>, whose lanes are "
                    f"{'positive' if sign > 0 else 'negative'}. Renumber it or move it to the other side."
                )
        self.offset = cubics(list(self.road.within("lanes", "laneOffset")))
        self.height = cubics(list(self.road.within("elevationProfile", "elevation")))
        self.widths = [cubics(list(node.all("width")), "sOffset", self.from_m) for node in self.nodes]
        self.borders = [cubics(list(node.all("border")), "sOffset", self.from_m) for node in self.nodes]
        for node, width, border in zip(self.nodes, self.widths, self.borders, strict=True):
            if not len(width.starts) and not len(border.starts):
                raise BadRoad(f"{node.place}: the lane has neither <width> nor <border>. Give it one.")
            if not len(width.starts) and np.any(self.offset.terms):
                raise BadRoad(
                    f"{node.place}: the lane has a <border> and its road a <laneOffset>, which the standard does not "
                    "allow together. Give the lane a <width>."
                )

    def lanes(self, right_hand: bool, number: int, before: int | None, after: int | None) -> Iterator[OpenLane]:
        """The lanes of this section, the file's `number`th; `before` and `after` as in OpenLane."""
        if not self.nodes:
            return
        s = self._stations()
        curve, edges = self.line.at(s), self._edges(s, check=True)
        limits = _road_limits(self.road)
        for k, node in enumerate(self.nodes):
            id_ = int(node.number("id"))
            along = (id_ < 0) == right_hand
            if node.word("direction", "standard") == "reversed":
                along = not along
            name = f"{self.road.word('id')}/{number}/{id_}"
            limit = _limit(node, limits, s, self.from_m)
            z = self.height.at(s)[0]
            lane = _points(name, node.word("type", "none"), curve, edges[k], edges[k + 1], z, limit, along)
            yield OpenLane(
                self.road.word("id"), number, id_, along, before, after, node, lane, float(np.max(_sagitta(lane)))
            )

    def _edges(self, s: Array, check: bool = False) -> list[tuple[Array, Array, Array]]:
        """Offset t of the edges between the lanes, from the inside out, each with its two derivatives by s."""
        sign = 1.0 if self.side == "left" else -1.0
        edges = [self.offset.at(s)]
        for node, width, border in zip(self.nodes, self.widths, self.borders, strict=True):
            inner = edges[-1]
            if len(width.starts):
                w, slope, bend = width.at(s)
            else:
                w, slope, bend = (sign * (b - i) for b, i in zip(border.at(s), inner, strict=True))
            if check and np.min(w) < -_DIP_M:
                worst = int(np.argmin(w))
                raise BadRoad(
                    f"{node.place}: the lane's width is {w[worst]:.3g} m at s = {s[worst]:.4g} m of the road; it must "
                    "not be negative. Correct its cubics."
                )
            w = np.maximum(w, 0.0)
            edges.append((inner[0] + sign * w, inner[1] + sign * slope, inner[2] + sign * bend))
        return edges

    def _stations(self) -> Array:
        """Stations of this section: where anything begins, at most 1 m apart, closer where a lane bends."""
        marks = [self.from_m, self.to_m, *self.line.joints_m, *self.offset.starts, *self.height.starts]
        for cubic in (*self.widths, *self.borders):
            marks += list(cubic.starts)
        marks += [node.number("s") for node in self.road.all("type")]
        inner = np.unique([m for m in marks if self.from_m <= m <= self.to_m])
        inner = inner[np.concatenate([[True], np.diff(inner) > 1e-6])]
        inner[-1] = self.to_m
        s = _divided(inner, np.ceil(np.diff(inner) / STEP_M))
        middle = 0.5 * (s[1:] + s[:-1])
        worst = np.zeros(len(middle))
        for at in (s[:-1], middle, s[1:]):
            curve, edges = self.line.at(at), self._edges(at)
            for (t0, b0, c0), (t1, b1, c1) in pairwise(edges):
                bend, speed = _bend(curve, 0.5 * (t0 + t1), 0.5 * (b0 + b1), 0.5 * (c0 + c1))
                worst = np.maximum(worst, np.abs(bend) * (speed * np.diff(s)) ** 2 / 8.0)
        return _divided(s, np.clip(np.ceil(np.sqrt(worst / SAGITTA_M)), 1, _FINEST))


def _divided(s: Array, parts: Array) -> Array:
    """Each interval of ascending s in so many equal parts."""
    pieces = [np.linspace(a, b, int(n), endpoint=False) for a, b, n in zip(s[:-1], s[1:], parts, strict=True)]
    return np.concatenate([*pieces, s[-1:]])


# ── points ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _bend(curve: Curve, t: Array, slope: Array, bend: Array) -> tuple[Array, Array]:
    """Curvature [1/m] of a line at offset t(s) of a curve, and its length per metre of s.

    With tangent T and normal N of the curve: r' = a T + b N, a = 1 - kappa t, b = t'.
    """
    kappa, rate = curve.curvature_1_m, curve.rate_1_m2
    a, b = 1.0 - kappa * t, slope
    a1, b1 = -rate * t - 2.0 * kappa * b, bend + kappa * a
    speed = np.maximum(np.hypot(a, b), 1e-9)
    return (a * b1 - b * a1) / speed**3, speed


def _points(
    name: str,
    kind: str,
    curve: Curve,
    inner: tuple[Array, Array, Array],
    outer: tuple[Array, Array, Array],
    z: Array,
    limit: Array,
    along: bool,
) -> Lane:
    """One lane between two edges, turned the way it is driven."""
    t, slope, bend = (0.5 * (i + o) for i, o in zip(inner, outer, strict=True))
    x = curve.x_m - t * np.sin(curve.heading_rad)
    y = curve.y_m + t * np.cos(curve.heading_rad)
    stretch = 1.0 - curve.curvature_1_m * t
    turned = np.arctan2(slope, stretch)
    heading = curve.heading_rad + turned
    curvature, _ = _bend(curve, t, slope, bend)
    low, high = (inner, outer) if np.sum(outer[0] - inner[0]) >= 0.0 else (outer, inner)
    left, right = (_aside(edge, t, stretch, turned) for edge in (high, low))
    if not along:
        x, y, z, heading, limit = x[::-1], y[::-1], z[::-1], heading[::-1] + np.pi, limit[::-1]
        curvature, left, right = -curvature[::-1], right[::-1], left[::-1]
    chord = np.hypot(np.diff(x), np.diff(y))
    half = 0.5 * (np.mod(np.diff(heading) + np.pi, 2.0 * np.pi) - np.pi)
    arc = np.maximum(chord, 1e-9) / np.sinc(half / np.pi)  # exact on circles, of fourth order on any curve
    s = np.concatenate([[0.0], np.cumsum(arc)])
    return Lane(name, kind, x, y, z, heading, curvature, s, left, right, limit)


def _aside(edge: tuple[Array, Array, Array], t: Array, stretch: Array, turned: Array) -> Array:
    """Distance of an edge along the centre line's normal, which is turned against that of the reference line."""
    slope = edge[1] / np.where(np.abs(stretch) > 1e-6, stretch, 1e-6)
    return np.abs(edge[0] - t) / np.maximum(np.cos(turned) + slope * np.sin(turned), 0.1)


def _sagitta(lane: Lane) -> Array:
    """How far the middle of each straight piece lies from the lane's curve [m]."""
    bend = np.maximum(np.abs(lane.curvature_1_m[:-1]), np.abs(lane.curvature_1_m[1:]))
    return bend * np.diff(lane.s_m) ** 2 / 8.0


# ── limits and neighbours ────────────────────────────────────────────────────────────────────────────────────────


def _speed(node: Node) -> float:
    """The limit of a <speed> element [m/s]; NaN where it says there is none."""
    text = node.word("max")
    if text in ("no limit", "undefined"):
        return math.nan
    unit = node.word("unit", "m/s")
    if unit not in _UNITS:
        raise BadFile(f"{node.place}: the unit of the speed is {unit!r}; allowed are {', '.join(_UNITS)}. Correct it.")
    return node.number("max") * _UNITS[unit]


def _road_limits(road: Node) -> list[tuple[float, float]]:
    """(s, limit) from each <type> of a road on."""
    found = [(node.number("s", 0.0), node.first("speed")) for node in road.all("type")]
    return sorted((s, math.nan if speed is None else _speed(speed)) for s, speed in found)


def _limit(lane: Node, road: list[tuple[float, float]], s: Array, from_m: float) -> Array:
    """The limit at each station: the lane's own from where it begins, else the road's."""
    limit = np.full(len(s), math.nan)
    for start, value in road:
        limit[s >= start] = value
    for node in sorted(lane.all("speed"), key=lambda node: node.number("sOffset", 0.0)):
        limit[s >= from_m + node.number("sOffset", 0.0)] = _speed(node)
    return limit


def _neighbours(lanes: list[OpenLane]) -> None:
    """Fill in who is beside whom: within a section from left to right, over the centre line whoever is there."""
    for mine in lanes:
        for number, other in enumerate(lanes):
            step = _beside(mine, other)
            if step == 0:
                continue
            left = (step > 0) == mine.along
            if mine.along == other.along:
                setattr(mine.lane, "left" if left else "right", number)
            elif other.kind in DRIVABLE:
                setattr(mine.lane, "left_opposite" if left else "right_opposite", True)


def _beside(mine: OpenLane, other: OpenLane) -> int:
    """+1 if the other lane is the next one at higher t, -1 at lower t, 0 if it is not beside."""
    if mine.section != other.section:
        return 0
    if mine.id * other.id > 0:
        return other.id - mine.id if abs(other.id - mine.id) == 1 else 0
    return int(np.sign(other.id)) if abs(mine.id) == abs(other.id) == 1 else 0
