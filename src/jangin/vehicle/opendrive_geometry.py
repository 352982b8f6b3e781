"""The reference line of an OpenDRIVE road: pieces of line, arc, spiral and cubics, evaluated at any station.

    line = read_plan(road_node)              # BadRoad where one piece does not begin where the one before it ends
    line.at(s_m)                             # Curve: x, y, heading, curvature and its rate of change

A spiral is integrated by Gauss-Legendre quadrature (8 points a metre or finer), exact to 1e-12 m for any curvature a
road has. `paramPoly3` over "arcLength" takes the station as its parameter, as the standard defines it; over a
"normalized" range, and for `poly3`, the parameter at a station is found by the curve's own arc length.

Source: ASAM OpenDRIVE 1.7, clause 7 (geometry).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from jangin.errors import BadRoad
from jangin.vehicle.road_xml import Node

__all__ = ["Curve", "Line", "read_plan"]

Array = np.ndarray

GAP_M = 0.1  # more than this between the end of a piece and the start of the next is a gap
LONGEST_M = 1e5
TIGHTEST_1_M = 10.0  # a curvature; a radius of 0.1 m
_SHAPES = ("line", "arc", "spiral", "poly3", "paramPoly3")
_GAUSS = np.polynomial.legendre.leggauss(8)


class Curve(NamedTuple):
    """Points of a plane curve, (k,) each; curvature positive to the left, rate_1_m2 its derivative along the curve."""

    x_m: Array
    y_m: Array
    heading_rad: Array
    curvature_1_m: Array
    rate_1_m2: Array


@dataclass(frozen=True, eq=False)
class Piece:
    """One <geometry>: the curve in its own frame, and where that frame stands."""

    node: Node
    s_m: float
    x_m: float
    y_m: float
    heading_rad: float
    length_m: float
    local: Callable[[Array], Curve]  # arc length from the piece's start -> curve in the piece's frame

    def at(self, from_start_m: Array) -> Curve:
        u, v, turned, curvature, rate = self.local(from_start_m)
        cos, sin = math.cos(self.heading_rad), math.sin(self.heading_rad)
        return Curve(
            self.x_m + u * cos - v * sin, self.y_m + u * sin + v * cos, self.heading_rad + turned, curvature, rate
        )


@dataclass(frozen=True, eq=False)
class Line:
    """The pieces of a reference line one after another."""

    pieces: tuple[Piece, ...]
    length_m: float

    @property
    def joints_m(self) -> list[float]:
        """The stations where pieces begin."""
        return [piece.s_m for piece in self.pieces]

    def curved(self, s_m: Array) -> Array:
        """(k,) bool: whether the piece at each station can bend."""
        bends = np.array([piece.node.first("line") is None for piece in self.pieces])
        return bends[self._piece(s_m)]

    def at(self, s_m: Array) -> Curve:
        """The line at stations (k,), ascending or not; a joint belongs to the piece that begins there."""
        found = np.zeros((5, len(s_m)))
        which = self._piece(s_m)
        for k in np.unique(which):
            here = which == k
            found[:, here] = self.pieces[k].at(s_m[here] - self.pieces[k].s_m)
        return Curve(*found)

    def _piece(self, s_m: Array) -> Array:
        return np.clip(np.searchsorted(self.joints_m, s_m, side="right") - 1, 0, len(self.pieces) - 1)


def read_plan(road: Node) -> Line:
    """The reference line of a <road>.

    Raises: BadRoad if a piece is of no known shape, has no length, begins elsewhere than the one before it ends, or if
    the pieces are shorter or longer than the road says.
    """
    pieces = [_piece(node) for node in road.need("planView").all("geometry")]
    length = road.number("length")
    if not pieces:
        raise BadRoad(f"{road.place}: the road has no geometry. Give its planView at least one <geometry>.")
    for before, piece in pairwise(pieces):
        _check_joint(before, piece)
    last = pieces[-1]
    if length > LONGEST_M:
        raise BadRoad(f"{road.place}: the road is {length:g} m long; allowed are {LONGEST_M:g} m. Divide the road.")
    if abs(pieces[0].s_m) > GAP_M or abs(last.s_m + last.length_m - length) > GAP_M:
        raise BadRoad(
            f"{road.place}: the geometries reach from s = {pieces[0].s_m:g} m to {last.s_m + last.length_m:g} m, but "
            f"the road is said to be {length:g} m long. Correct the length or the geometries."
        )
    return Line(tuple(pieces), length)


def _check_joint(before: Piece, piece: Piece) -> None:
    end = before.at(np.array([before.length_m]))
    gap = math.hypot(piece.x_m - float(end.x_m[0]), piece.y_m - float(end.y_m[0]))
    if gap > GAP_M:
        raise BadRoad(
            f"{piece.node.place}: this geometry begins {gap:.3g} m away from where the one before it (line "
            f"{before.node.line}) ends; allowed are {GAP_M} m. Close the gap."
        )
    if abs(before.s_m + before.length_m - piece.s_m) > GAP_M:
        raise BadRoad(
            f"{piece.node.place}: this geometry begins at s = {piece.s_m:g} m, but the one before it (line "
            f"{before.node.line}) ends at {before.s_m + before.length_m:g} m. Correct s or the length."
        )


def _piece(node: Node) -> Piece:
    length = node.number("length")
    if not 0.0 < length <= LONGEST_M:
        raise BadRoad(
            f"{node.place}: the length is {length:g} m; it must be above 0 and at most {LONGEST_M:g}. Remove or "
            "correct the geometry."
        )
    shape = next((child for child in node.children if child.tag in _SHAPES), None)
    if shape is None:
        came = next((f"<{child.tag}>" for child in node.children if child.tag != "userData"), "nothing")
        raise BadRoad(f"{node.place}: the shape is {came}; allowed are {', '.join(_SHAPES)}. Export with one of these.")
    return Piece(
        node, node.number("s"), node.number("x"), node.number("y"), node.number("hdg"), length, _local(shape, length)
    )


def _local(shape: Node, length: float) -> Callable[[Array], Curve]:
    match shape.tag:
        case "line":
            return lambda s: Curve(s, 0.0 * s, 0.0 * s, 0.0 * s, 0.0 * s)
        case "arc":
            curvature = _curvature(shape, "curvature")
            return lambda s: arc(s, curvature)
        case "spiral":
            start, end = _curvature(shape, "curvStart"), _curvature(shape, "curvEnd")
            return lambda s: spiral(s, start, (end - start) / length)
        case "poly3":
            v = [shape.number(name) for name in "abcd"]
            return Cubic((0.0, 1.0, 0.0, 0.0), tuple(v), length, by_arc_length=True, end=None)
    u = tuple(shape.number(f"{name}U") for name in "abcd")
    v = [shape.number(f"{name}V") for name in "abcd"]
    over = shape.word("pRange", "normalized")
    if over not in ("arcLength", "normalized"):
        raise BadRoad(f"{shape.place}: pRange is {over!r}; allowed are 'arcLength' and 'normalized'.")
    normalized = over == "normalized"
    return Cubic(u, tuple(v), length, by_arc_length=normalized, end=1.0 if normalized else length)


def _curvature(shape: Node, name: str) -> float:
    value = shape.number(name)
    if abs(value) > TIGHTEST_1_M:
        raise BadRoad(f"{shape.place}: {name} is {value:g} 1/m; allowed are up to {TIGHTEST_1_M:g} 1/m. Correct it.")
    return value


# ── the curves, each from its own origin along its own x ─────────────────────────────────────────────────────────


def arc(s: Array, curvature: float) -> Curve:
    """A circle; as the curvature goes to 0 a line, without a division by it."""
    half = 0.5 * curvature * s
    chord = s * np.sinc(half / np.pi)
    return Curve(chord * np.cos(half), chord * np.sin(half), 2.0 * half, np.full_like(s, curvature), 0.0 * s)


def spiral(s: Array, curvature: float, rate: float) -> Curve:
    """A clothoid: curvature + rate * s, so that x = integral of cos(curvature s + rate s^2 / 2), y likewise of sin."""
    reach = float(np.max(s, initial=0.0))
    steps = max(math.ceil(reach * max(1.0, abs(curvature) + abs(rate) * reach)), 1)
    knots = np.union1d(np.linspace(0.0, reach, steps + 1), s)
    middle, half = 0.5 * (knots[1:] + knots[:-1]), 0.5 * np.diff(knots)
    at = middle[:, None] + half[:, None] * _GAUSS[0]
    turned = at * (curvature + 0.5 * rate * at)
    x = np.concatenate([[0.0], np.cumsum((np.cos(turned) @ _GAUSS[1]) * half)])
    y = np.concatenate([[0.0], np.cumsum((np.sin(turned) @ _GAUSS[1]) * half)])
    found = np.searchsorted(knots, s)
    return Curve(x[found], y[found], s * (curvature + 0.5 * rate * s), curvature + rate * s, np.full_like(s, rate))


class Cubic:
    """u(p), v(p) = a + b p + c p^2 + d p^3; p is the station, or is found from it by arc length.

    end: where p ends; None if the arc length does (poly3). With an end, arc lengths are scaled so that the curve ends
    where the piece does.
    """

    def __init__(
        self, u: tuple[float, ...], v: tuple[float, ...], length: float, *, by_arc_length: bool, end: float | None
    ) -> None:
        self.u, self.v = ([f.deriv(k) for k in range(4)] for f in map(np.polynomial.Polynomial, (u, v)))
        self.by_arc_length = by_arc_length
        if by_arc_length:
            p = np.linspace(0.0, length if end is None else end, max(math.ceil(length), 8) + 1)
            self._p, self._s = p, np.concatenate([[0.0], np.cumsum(self._arc(p[:-1], p[1:]))])
            if end is not None:
                self._s *= length / self._s[-1]
            self._scale = 1.0 if end is None else length / float(np.sum(self._arc(p[:-1], p[1:])))

    def _speed(self, p: Array) -> Array:
        return np.hypot(self.u[1](p), self.v[1](p))

    def _arc(self, low: Array, high: Array) -> Array:
        middle, half = 0.5 * (low + high), 0.5 * (high - low)
        return (self._speed(middle[:, None] + half[:, None] * _GAUSS[0]) @ _GAUSS[1]) * half

    def _parameter(self, s: Array) -> Array:
        """Where the arc length from the start is s: the table's answer, made exact by Newton's steps."""
        if not self.by_arc_length:
            return s
        at = np.clip(np.searchsorted(self._s, s, side="right") - 1, 0, len(self._p) - 2)
        p = np.interp(s, self._s, self._p)
        for _ in range(4):
            p = p - (self._s[at] + self._scale * self._arc(self._p[at], p) - s) / (self._scale * self._speed(p))
        return p

    def __call__(self, s: Array) -> Curve:
        p = self._parameter(s)
        (u0, u1, u2, u3), (v0, v1, v2, v3) = ([f(p) for f in terms] for terms in (self.u, self.v))
        speed = np.hypot(u1, v1)
        bend = u1 * v2 - v1 * u2
        rate = (u1 * v3 - v1 * u3) / speed**4 - 3.0 * bend * (u1 * u2 + v1 * v2) / speed**6
        return Curve(u0, v0, np.arctan2(v1, u1), bend / speed**3, rate)
