"""The objects of an OpenDRIVE road: parking spaces, crossings, poles, each repetition one object.

    spaces = [o for o in road.objects if o.kind == "parkingSpace"]

An object's box is its length and width. Where the file gives an outline, local to the object or along the road, the box
is what fits between the longer sides of a quadrilateral (a slanted parking space), else the extent along the object's
own heading. With a <repeat>, the object and its outline are set down again every `distance` metres; a distance of 0
is one object drawn out along the road, which is not read.

Source: ASAM OpenDRIVE 1.7, clause 13.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from jangin.errors import BadRoad
from jangin.vehicle.opendrive_geometry import Line
from jangin.vehicle.road import RoadObject
from jangin.vehicle.road_xml import Node

__all__ = ["road_objects"]

Array = np.ndarray

_MOST = 100_000  # repetitions of one object


def road_objects(road: Node, line: Line) -> Iterator[RoadObject]:
    """The objects of a <road>, in the order of the file, repetitions along the road."""
    for node in road.within("objects", "object"):
        s, t = node.number("s"), node.number("t")
        corners = _corners(node)
        repeats = list(node.all("repeat"))
        if not repeats:
            yield _object(node, line, s, t, corners, s, t)
        for repeat in repeats:
            for at_s, at_t in _repeated(repeat):
                yield _object(node, line, at_s, at_t, corners, s, t)


def _repeated(repeat: Node) -> Iterator[tuple[float, float]]:
    """The (s, t) of each repetition that fits into the length."""
    distance, length, s = repeat.number("distance"), repeat.number("length"), repeat.number("s")
    if distance <= 0.0:
        return
    if length > _MOST * distance:
        raise BadRoad(
            f"{repeat.place}: this is {length / distance:.3g} objects; allowed are {_MOST}. Correct the distance."
        )
    start, end = repeat.number("tStart", 0.0), repeat.number("tEnd", 0.0)
    for k in range(math.floor(length / distance + 1e-9) + 1):
        share = min(k * distance / length, 1.0) if length > 0.0 else 0.0
        yield s + k * distance, start + share * (end - start)


def _corners(node: Node) -> tuple[str, Array]:
    """How the outline's corners are given, "local" (u, v), "road" (s, t) or "none", and they themselves (k, 2)."""
    outlines = [*node.within("outlines", "outline"), *node.all("outline")]
    for tag, kind, names in (("cornerLocal", "local", ("u", "v")), ("cornerRoad", "road", ("s", "t"))):
        found = [[c.number(name) for name in names] for outline in outlines[:1] for c in outline.all(tag)]
        if found:
            return kind, np.array(found)
    return "none", np.zeros((0, 2))


def _object(
    node: Node, line: Line, s: float, t: float, corners: tuple[str, Array], own_s: float, own_t: float
) -> RoadObject:
    """The object at (s, t); an outline along the road moves with it from where the object itself stands."""
    x, y, road_heading = _place(line, np.array([s]), np.array([t]))
    heading = float(road_heading[0]) + node.number("hdg", 0.0)
    if node.word("orientation", "none") == "-":
        heading += math.pi
    kind, given = corners
    cos, sin = math.cos(heading), math.sin(heading)
    if kind == "road":
        moved = given + [s - own_s, t - own_t] if s != own_s or t != own_t else given
        outline = np.stack(_place(line, moved[:, 0], moved[:, 1])[:2], axis=1)
    else:
        if kind == "local":
            u, v = given.T
        else:
            half = [0.5 * _size(node, "length"), 0.5 * _size(node, "width")]
            u, v = np.array([1, -1, -1, 1]) * half[0], np.array([1, 1, -1, -1]) * half[1]
        outline = np.stack([x[0] + u * cos - v * sin, y[0] + u * sin + v * cos], axis=1)
    return _boxed(node, outline, heading)


def _size(node: Node, name: str) -> float:
    return node.number(name, 2.0 * node.number("radius", 0.0))


def _boxed(node: Node, outline: Array, heading: float) -> RoadObject:
    """The object with its box: of a quadrilateral what fits between its longer sides, else the extent along heading."""
    turned = heading
    quadrilateral = len(outline) == 4
    if quadrilateral:
        sides = np.roll(outline, -1, axis=0) - outline
        lengths = np.hypot(sides[:, 0], sides[:, 1])
        first = 0 if lengths[0] + lengths[2] >= lengths[1] + lengths[3] else 1
        along = sides[first] - sides[first + 2]
        turned = math.atan2(along[1], along[0])
        # a side has no sense: of its two directions, the one nearer to the object's own
        if math.cos(turned - heading) < -1e-9:
            turned += math.pi
    cos, sin = math.cos(turned), math.sin(turned)
    local = outline @ np.array([[cos, -sin], [sin, cos]])
    if quadrilateral:
        pair = np.sort(np.stack([local[[first, first + 1]], local[[first + 2, (first + 3) % 4]]]), axis=1)
        pair = pair[np.argsort(pair[:, :, 1].sum(axis=1))]  # the side with the lower offset first
        low = np.array([pair[:, 0, 0].max(), pair[0, 1, 1]])
        high = np.array([pair[:, 1, 0].min(), pair[1, 0, 1]])
    else:
        low, high = local.min(axis=0), local.max(axis=0)
    middle, (length, width) = 0.5 * (low + high), np.maximum(high - low, 0.0)
    return RoadObject(
        name=node.word("name", "") or node.word("id", ""),
        kind=node.word("type", "none"),
        x_m=float(middle[0] * cos - middle[1] * sin),
        y_m=float(middle[0] * sin + middle[1] * cos),
        heading_rad=math.remainder(turned, 2.0 * math.pi),
        length_m=float(length),
        width_m=float(width),
        corners_m=outline,
    )


def _place(line: Line, s: Array, t: Array) -> tuple[Array, Array, Array]:
    curve = line.at(s)
    return curve.x_m - t * np.sin(curve.heading_rad), curve.y_m + t * np.cos(curve.heading_rad), curve.heading_rad
