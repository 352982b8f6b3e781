"""Shapes and intervals of a CommonRoad file: what an obstacle occupies, where a goal lies, when it is reached.

shape = rectangle(x_m=10.0, y_m=0.0, heading_rad=0.0, length_m=4.0, width_m=2.0)
shape.contains(x_m, y_m)                     # (n,) bool
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from jangin.errors import BadFile
from jangin.vehicle.road_xml import Node

__all__ = ["Interval", "Shape", "read_interval", "read_shapes", "rectangle"]

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Shape:
    """A rectangle, a circle or a polygon on the ground.

    Attributes:
        kind: "rectangle", "circle" or "polygon".
        x_m, y_m, heading_rad: the centre of its box, and its length's direction (0 but for a rectangle).
        length_m, width_m: of the box; both the diameter of a circle.
        corners_m: (k, 2) counter-clockwise; none of a circle.
    """

    kind: str
    x_m: float
    y_m: float
    heading_rad: float
    length_m: float
    width_m: float
    corners_m: Array

    def contains(self, x_m: Array, y_m: Array) -> Array:
        """(n,) bool: whether points lie in it, the border included (but for a polygon, where it is undecided)."""
        x, y = np.asarray(x_m, dtype=float), np.asarray(y_m, dtype=float)
        if self.kind == "circle":
            return np.hypot(x - self.x_m, y - self.y_m) <= 0.5 * self.length_m
        if self.kind == "rectangle":
            cos, sin = math.cos(self.heading_rad), math.sin(self.heading_rad)
            u, v = (x - self.x_m) * cos + (y - self.y_m) * sin, (y - self.y_m) * cos - (x - self.x_m) * sin
            return (np.abs(u) <= 0.5 * self.length_m) & (np.abs(v) <= 0.5 * self.width_m)
        odd = np.zeros(np.broadcast(x, y).shape, dtype=bool)
        for (x0, y0), (x1, y1) in zip(self.corners_m, np.roll(self.corners_m, -1, axis=0), strict=True):
            crosses = (y0 > y) != (y1 > y)
            odd ^= crosses & (x < x0 + (x1 - x0) * (y - y0) / np.where(crosses, y1 - y0, 1.0))
        return odd

    def moved(self, x_m: float, y_m: float, heading_rad: float) -> Shape:
        """The shape, given in the frame of a body, with the body at this pose."""
        cos, sin = math.cos(heading_rad), math.sin(heading_rad)
        turn = np.array([[cos, -sin], [sin, cos]])
        x, y = turn @ [self.x_m, self.y_m] + [x_m, y_m]
        corners = self.corners_m @ turn.T + [x_m, y_m]
        if self.kind == "polygon":
            return _polygon(corners)
        turned = self.heading_rad + heading_rad if self.kind == "rectangle" else 0.0
        return Shape(self.kind, float(x), float(y), turned, self.length_m, self.width_m, corners)


@dataclass(frozen=True)
class Interval:
    """From low to high, both included; of angles, counter-clockwise from low to high."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        return 0.5 * (self.low + self.high)

    def contains(self, values: Array | float) -> Array:
        return (np.asarray(values) >= self.low) & (np.asarray(values) <= self.high)

    def contains_angle(self, angles_rad: Array) -> Array:
        """Whether angles lie within, whole turns apart or not."""
        turned = np.mod(np.asarray(angles_rad) - self.low, 2.0 * np.pi)
        return (turned <= self.high - self.low + 1e-12) | (turned >= 2.0 * np.pi - 1e-12)


def rectangle(x_m: float, y_m: float, heading_rad: float, length_m: float, width_m: float) -> Shape:
    """A box about its centre."""
    cos, sin = math.cos(heading_rad), math.sin(heading_rad)
    u, v = 0.5 * length_m * np.array([1, -1, -1, 1]), 0.5 * width_m * np.array([1, 1, -1, -1])
    corners = np.stack([x_m + u * cos - v * sin, y_m + u * sin + v * cos], axis=1)
    return Shape("rectangle", x_m, y_m, heading_rad, length_m, width_m, corners)


def _polygon(corners: Array) -> Shape:
    x, y = corners.T
    if np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) < 0.0:
        corners = corners[::-1]
    low, high = corners.min(axis=0), corners.max(axis=0)
    (cx, cy), (length, width) = 0.5 * (low + high), high - low
    return Shape("polygon", float(cx), float(cy), 0.0, float(length), float(width), corners)


def read_shapes(node: Node) -> Iterator[Shape]:
    """The shapes that an element (<shape>, <position>) holds, in the frame in which it gives them."""
    for child in node.children:
        if child.tag == "rectangle":
            x, y = _centre(child)
            yield rectangle(x, y, _angle(child), _size(child, "length"), _size(child, "width"))
        elif child.tag == "circle":
            x, y = _centre(child)
            size = 2.0 * _size(child, "radius")
            yield Shape("circle", x, y, 0.0, size, size, np.zeros((0, 2)))
        elif child.tag == "polygon":
            corners = np.array([[p.need("x").value(), p.need("y").value()] for p in child.all("point")])
            if len(corners) < 3:
                raise BadFile(f"{child.place}: the polygon has {len(corners)} corners; it needs three or more.")
            yield _polygon(corners)


def _size(node: Node, tag: str) -> float:
    value = node.need(tag).value()
    if value <= 0.0:
        raise BadFile(f"{node.place}: the {tag} is {value:g} m; it must be above 0. Correct it.")
    return value


def _centre(node: Node) -> tuple[float, float]:
    centre = node.first("center")
    return (0.0, 0.0) if centre is None else (centre.need("x").value(), centre.need("y").value())


def _angle(node: Node) -> float:
    angle = node.first("orientation")
    return 0.0 if angle is None else angle.value()


def read_interval(node: Node) -> Interval:
    """An <exact> value or an <intervalStart> and <intervalEnd>; the orientation's may wrap around."""
    if (exact := node.first("exact")) is not None:
        return Interval(exact.value(), exact.value())
    low, high = node.need("intervalStart").value(), node.need("intervalEnd").value()
    if node.tag == "orientation" and high < low:
        high += 2.0 * math.pi
    if high < low:
        raise BadFile(f"{node.place}: the interval ends at {high:g}, before its start at {low:g}. Swap the two.")
    return Interval(low, high)
