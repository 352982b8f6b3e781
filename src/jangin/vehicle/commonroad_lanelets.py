"""The lanelets of a CommonRoad file as a Road: bounds to centre lines, references to links, signs to speed limits.

A lanelet's centre line is the mean of its bounds, point by point, as CommonRoad defines it; pieces longer than 5 m are
divided. Its edges are kept as distances along the centre line's normal, so an end that is cut obliquely is squared.
Speed limits are a lanelet's own (2018b) or those of the signs it refers to (2020a), in m/s.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from jangin.errors import BadRoad
from jangin.vehicle.road import DRIVABLE, Road
from jangin.vehicle.road_build import Lane, build_road
from jangin.vehicle.road_xml import Node

__all__ = ["Sign", "read_network", "read_signs"]

Array = np.ndarray

GAP_M = 0.5  # more than this between a lanelet's end and its successor's start is a gap
STEP_M = 5.0
LONGEST_M = 1e4  # between two points of a bound
_LIMITS = {"274", "274.1", "R2-1"}  # maximum speed: Germany (and most countries' scenarios), zone, United States
_KINDS = {
    "sidewalk": "sidewalk", "crosswalk": "crosswalk", "bicycleLane": "biking", "busLane": "bus", "busStop": "bus",
    "parking": "parking", "shoulder": "shoulder", "border": "border", "restricted": "restricted", "accessRamp": "entry",
    "exitRamp": "exit",
}  # fmt: skip


@dataclass(frozen=True)
class Sign:
    """A traffic sign: its elements as (id, values), where it stands (NaN if the file does not say) and who heeds it."""

    name: str
    elements: tuple[tuple[str, tuple[str, ...]], ...]
    x_m: float
    y_m: float
    lanes: tuple[int, ...]


def read_network(root: Node) -> Road:
    """The lanelets of a file as a Road; one without lanelets has no lanes.

    Raises: BadRoad for bounds that do not fit together, a reference to a lanelet that does not exist, or a successor
    that begins elsewhere than its lanelet ends.
    """
    nodes = list(root.all("lanelet"))
    numbers: dict[str, int] = {}
    for k, node in enumerate(nodes):
        if numbers.setdefault(node.word("id"), k) != k:
            raise BadRoad(f"{node.place}: there is a lanelet {node.word('id')!r} already. Number lanelets once.")
    limits = {node.word("id"): value for node in root.all("trafficSign") if math.isfinite(value := _sign_limit(node))}
    lanes = [_lane(node, limits) for node in nodes]
    for node, lane in zip(nodes, lanes, strict=True):
        _beside(node, lane, numbers, lanes)
    links = {
        (k, to) if tag == "successor" else (to, k)
        for k, node in enumerate(nodes)
        for tag in ("successor", "predecessor")
        for reference in node.all(tag)
        for to in [_number(reference, numbers)]
        if _check_gap(reference, lanes, *((k, to) if tag == "successor" else (to, k)))
    }
    return build_road(lanes, links)


def read_signs(root: Node, road: Road) -> tuple[Sign, ...]:
    """The traffic signs of a file, each with the lanes whose lanelets refer to it."""
    heeding: dict[str, list[int]] = {}
    for node in root.all("lanelet"):
        for reference in node.all("trafficSignRef"):
            heeding.setdefault(reference.word("ref"), []).append(road.find(node.word("id")))
    signs = []
    for node in root.all("trafficSign"):
        elements = tuple(
            (element.need("trafficSignID").text.strip(), tuple(v.text.strip() for v in element.all("additionalValue")))
            for element in node.all("trafficSignElement")
        )
        point = next(node.within("position", "point"), None)
        x, y = (math.nan, math.nan) if point is None else (point.need("x").value(), point.need("y").value())
        signs.append(Sign(node.word("id"), elements, x, y, tuple(heeding.get(node.word("id"), ()))))
    return tuple(signs)


# ── one lanelet ──────────────────────────────────────────────────────────────────────────────────────────────────


def _lane(node: Node, limits: Mapping[str, float]) -> Lane:
    left, right = _bound(node.need("leftBound")), _bound(node.need("rightBound"))
    if len(left) != len(right):
        raise BadRoad(
            f"{node.place}: the left bound has {len(left)} points, the right one {len(right)}; they must be paired. "
            "Give both bounds the same number."
        )
    if (longest := float(np.max(np.abs(np.diff(left + right, axis=0))))) > 2.0 * LONGEST_M:
        raise BadRoad(
            f"{node.place}: two points of the lanelet are {longest / 2.0:.3g} m apart; allowed are {LONGEST_M:g} m. "
            "Correct the points."
        )
    left, right = _divided(left, right)
    centre = 0.5 * (left + right)
    kept = np.concatenate([[True], np.hypot(*np.diff(centre[:, :2], axis=0).T) > 1e-6])
    left, right, centre = left[kept], right[kept], centre[kept]
    if len(centre) < 2:
        raise BadRoad(f"{node.place}: the lanelet has no length. Give its bounds at least two points apart.")
    step = np.diff(centre[:, :2], axis=0)
    size = np.hypot(step[:, 0], step[:, 1])
    heading, curvature = _bends(step, size)
    normal = np.stack([-np.sin(heading), np.cos(heading)], axis=1)
    half = np.sum((left - centre)[:, :2] * normal, axis=1)
    if np.mean(half) < 0.0:
        raise BadRoad(f"{node.place}: the left bound lies to the right of the right bound. Swap them.")
    half = np.maximum(half, 0.0)
    own = [speed.value() for speed in node.all("speedLimit")]
    own += [limits[ref.word("ref")] for ref in node.all("trafficSignRef") if ref.word("ref") in limits]
    return Lane(
        name=node.word("id"),
        kind=_kind(node),
        x_m=centre[:, 0],
        y_m=centre[:, 1],
        z_m=centre[:, 2],
        heading_rad=heading,
        curvature_1_m=curvature,
        s_m=np.concatenate([[0.0], np.cumsum(size)]),
        left_m=half,
        right_m=half.copy(),
        limit_m_s=np.full(len(centre), min(own, default=math.nan)),
    )


def _bound(node: Node) -> Array:
    points = [
        (p.need("x").value(), p.need("y").value(), 0.0 if (z := p.first("z")) is None else z.value())
        for p in node.all("point")
    ]
    if len(points) < 2:
        raise BadRoad(f"{node.place}: the bound has {len(points)} point(s); it needs at least two. Complete it.")
    return np.array(points)


def _divided(left: Array, right: Array) -> tuple[Array, Array]:
    """Both bounds with pieces of at most STEP_M of centre line: the same straight lines, more points on them."""
    step = np.hypot(*np.diff(0.5 * (left + right)[:, :2], axis=0).T)
    parts = np.maximum(np.ceil(step / STEP_M), 1).astype(int)
    at = np.concatenate([*(k + np.arange(n) / n for k, n in enumerate(parts)), [len(step)]])
    first = np.minimum(at.astype(int), len(step) - 1)
    share = (at - first)[:, None]
    between: Callable[[Array], Array] = lambda v: (1.0 - share) * v[first] + share * v[first + 1]  # noqa: E731
    return between(left), between(right)


def _bends(step: Array, size: Array) -> tuple[Array, Array]:
    """Heading (unwrapped) and curvature at the points of a polyline: at a corner the mean of the pieces it joins."""
    course = np.unwrap(np.arctan2(step[:, 1], step[:, 0]))
    heading = np.concatenate([course[:1], 0.5 * (course[1:] + course[:-1]), course[-1:]])
    inner = np.diff(course) / (0.5 * (size[1:] + size[:-1]))
    if not len(inner):
        return heading, np.zeros(2)
    return heading, np.concatenate([inner[:1], inner, inner[-1:]])


def _kind(node: Node) -> str:
    types = [t.text.strip() for t in node.all("laneletType")]
    users = {u.text.strip() for tag in ("userOneWay", "userBidirectional") for u in node.all(tag)}
    known = next((_KINDS[t] for t in types if t in _KINDS), None)
    if known is None and users and users <= {"pedestrian"}:
        return "sidewalk"
    if known is None and users and users <= {"bicycle", "pedestrian"}:
        return "biking"
    return known or "driving"


def _sign_limit(sign: Node) -> float:
    """The lowest speed limit that a sign gives [m/s]; NaN if it gives none."""
    values = [
        float_.value()
        for element in sign.all("trafficSignElement")
        if element.need("trafficSignID").text.strip() in _LIMITS
        for float_ in element.all("additionalValue")
    ]
    return min(values, default=math.nan)


# ── between lanelets ─────────────────────────────────────────────────────────────────────────────────────────────


def _number(reference: Node, numbers: Mapping[str, int]) -> int:
    if (number := numbers.get(reference.word("ref"))) is None:
        raise BadRoad(
            f"{reference.place}: there is no lanelet {reference.word('ref')!r} in the file. Add it or remove the "
            "reference."
        )
    return number


def _check_gap(reference: Node, lanes: list[Lane], from_: int, to: int) -> bool:
    a, b = lanes[from_], lanes[to]
    gap = math.hypot(float(a.x_m[-1] - b.x_m[0]), float(a.y_m[-1] - b.y_m[0]))
    if gap > GAP_M + 0.5 * abs(float(a.left_m[-1] + a.right_m[-1] - b.left_m[0] - b.right_m[0])):
        raise BadRoad(
            f"{reference.place}: lanelet {b.name!r} begins {gap:.3g} m away from where lanelet {a.name!r} ends; "
            f"allowed are {GAP_M} m. Close the gap or remove the reference."
        )
    return True


def _beside(node: Node, lane: Lane, numbers: Mapping[str, int], lanes: list[Lane]) -> None:
    for tag, side in (("adjacentLeft", "left"), ("adjacentRight", "right")):
        if (reference := node.first(tag)) is None:
            continue
        number = _number(reference, numbers)
        if reference.word("drivingDir", "same") == "same":
            setattr(lane, side, number)
        elif lanes[number].kind in DRIVABLE:
            setattr(lane, f"{side}_opposite", True)
