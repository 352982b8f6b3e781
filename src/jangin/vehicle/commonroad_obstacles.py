"""The obstacles of a CommonRoad file: who moves how (Recorded), what stands where, what is only said to be occupied.

A moving obstacle's states may be of any of the format's vehicle models; what is used is the centre of its box, heading
and speed. Where a state is a set (a position's rectangle, intervals) its centre is taken; where a speed is missing it
is the distance moved in a step. Both are noted in the scenario. A prediction that is a set (occupancySet) is kept as
`Occupancy`, never turned into a trajectory.

Instants are the file's time steps, counted from 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from jangin.errors import BadFile, BadRoad
from jangin.vehicle.commonroad_shapes import Shape, read_interval, read_shapes
from jangin.vehicle.recorded import Recorded
from jangin.vehicle.road_xml import Node

__all__ = ["Obstacles", "Occupancy", "State", "StaticObstacle", "read_obstacles", "read_state"]

Array = np.ndarray

_LATEST = 1_000_000  # time step
_KINDS = {"parkedVehicle": "parked", "priorityVehicle": "priority_vehicle"}


@dataclass(frozen=True, eq=False)
class StaticObstacle:
    """What never moves: its kind ("roadBoundary", "parked", "building" ...) and the shapes it is made of."""

    name: str
    kind: str
    shapes: tuple[Shape, ...]


@dataclass(frozen=True, eq=False)
class Occupancy:
    """Shapes that an obstacle is predicted to be somewhere in, between two time steps, both included."""

    name: str
    first_step: int
    last_step: int
    shapes: tuple[Shape, ...]


@dataclass(frozen=True, eq=False)
class Obstacles:
    """All of a file; `notes` says in sentences what was simplified."""

    recorded: Recorded
    static: tuple[StaticObstacle, ...]
    occupied: tuple[Occupancy, ...]
    notes: tuple[str, ...]


@dataclass(eq=False)
class _Track:
    name: str
    kind: str
    node: Node
    length_m: float
    width_m: float
    steps: list[int]
    poses: Array  # (k, 4) x, y, heading, speed (NaN where not given)


@dataclass(frozen=True)
class State:
    """One state at a time step; heading and speed are NaN if not given; is_set: some of it was a set's centre."""

    step: int
    x_m: float
    y_m: float
    heading_rad: float
    speed_m_s: float
    is_set: bool


def read_obstacles(root: Node, step_s: float) -> Obstacles:
    """Every obstacle of a file.

    Raises: BadFile for what is no state, BadRoad for a trajectory that leaves out time steps or goes back in time.
    """
    tracks: list[_Track] = []
    static: list[StaticObstacle] = []
    occupied: list[Occupancy] = []
    notes: list[str] = []
    for node in root.children:
        role = _role(node)
        if role:
            occupied += _occupied(node)
        if role in ("static", "environment"):
            static.append(_static(node))
        elif role == "dynamic" and node.first("occupancySet") is None:
            tracks.append(_track(node, step_s, notes))
    return Obstacles(_recorded(tracks, step_s), tuple(static), tuple(occupied), tuple(notes))


def _role(node: Node) -> str:
    """dynamic, static, environment or phantom; "" for what is no obstacle."""
    if node.tag == "obstacle":
        role = node.need("role").text.strip()
        if role not in ("static", "dynamic"):
            raise BadFile(f"{node.place}: the role is {role!r}; allowed are 'static' and 'dynamic'. Correct it.")
        return role
    return node.tag.removesuffix("Obstacle") if node.tag.endswith("Obstacle") else ""


def _kind(node: Node) -> str:
    kind = node.need("type").text.strip()
    return _KINDS.get(kind, kind)


def _static(node: Node) -> StaticObstacle:
    shapes = tuple(read_shapes(node.need("shape")))
    if (initial := node.first("initialState")) is not None:
        state = read_state(initial)
        turned = 0.0 if math.isnan(state.heading_rad) else state.heading_rad
        shapes = tuple(shape.moved(state.x_m, state.y_m, turned) for shape in shapes)
    return StaticObstacle(node.word("id"), _kind(node), shapes)


def _occupied(node: Node) -> Iterator[Occupancy]:
    """What an obstacle with a set as its prediction occupies: where it is at first, and the set."""
    entries = list(node.within("occupancySet", "occupancy"))
    if entries and (initial := node.first("initialState")) is not None:
        state = read_state(initial)
        turned = 0.0 if math.isnan(state.heading_rad) else state.heading_rad
        box = tuple(shape.moved(state.x_m, state.y_m, turned) for shape in read_shapes(node.need("shape")))
        yield Occupancy(node.word("id"), state.step, state.step, box)
    for entry in entries:
        time = read_interval(entry.need("time"))
        yield Occupancy(node.word("id"), round(time.low), round(time.high), tuple(read_shapes(entry.need("shape"))))


# ── states ───────────────────────────────────────────────────────────────────────────────────────────────────────


def read_state(node: Node) -> State:
    """A state of any model: x, y, heading and speed; without an orientation they follow velocity and velocityY."""
    time = read_interval(node.need("time"))
    if time.low != time.high or time.low != round(time.low) or not 0 <= time.low <= _LATEST:
        raise BadFile(
            f"{node.place}: the time is {time.low:g} to {time.high:g}; it must be one whole step from 0 to {_LATEST}. "
            "Correct it."
        )
    position = node.need("position")
    if (point := position.first("point")) is not None:
        x, y, is_set = point.need("x").value(), point.need("y").value(), False
    elif shapes := list(read_shapes(position)):
        x, y, is_set = shapes[0].x_m, shapes[0].y_m, True
    else:
        raise BadFile(f"{position.place}: the position is neither a point nor a shape. Give one of them.")
    values = {tag: read_interval(child) for tag in _USED if (child := node.first(tag)) is not None}
    heading, speed = (values[tag].middle if tag in values else math.nan for tag in ("orientation", "velocity"))
    if "orientation" not in values and "velocity" in values and "velocityY" in values:
        along_x, along_y = speed, values["velocityY"].middle  # a point mass: both in the frame of the road
        heading, speed = math.atan2(along_y, along_x), math.hypot(along_x, along_y)
    is_set = is_set or any(value.low != value.high for value in values.values())
    return State(round(time.low), x, y, heading, speed, is_set)


_USED = ("orientation", "velocity", "velocityY")


def _track(node: Node, step_s: float, notes: list[str]) -> _Track:
    shape = _box(list(read_shapes(node.need("shape"))), node, notes)
    states = [read_state(node.need("initialState")), *map(read_state, node.within("trajectory", "state"))]
    for before, state in pairwise(states):
        if state.step != before.step + 1:
            raise BadRoad(
                f"{node.place}: the trajectory goes from time step {before.step} to {state.step}; steps must follow "
                "one another. Fill the gap, or give a second obstacle."
            )
    if any(state.is_set for state in states):
        notes.append(f"{node.place}: states are sets; the centre of each is taken.")
    poses = np.array([[s.x_m, s.y_m, s.heading_rad, s.speed_m_s] for s in states])
    _fill(poses, step_s, node, notes)
    cos, sin = np.cos(poses[:, 2]), np.sin(poses[:, 2])
    poses[:, 0] += shape.x_m * cos - shape.y_m * sin
    poses[:, 1] += shape.x_m * sin + shape.y_m * cos
    poses[:, 2] += shape.heading_rad
    return _Track(node.word("id"), _kind(node), node, shape.length_m, shape.width_m, [s.step for s in states], poses)


def _fill(poses: Array, step_s: float, node: Node, notes: list[str]) -> None:
    """Headings and speeds that the file leaves out, from the way between neighbouring positions."""
    for column, what in ((2, "heading"), (3, "speed")):
        missing = np.flatnonzero(np.isnan(poses[:, column]))
        if not len(missing):
            continue
        if len(poses) < 2:
            raise BadFile(f"{node.place}: the only state gives no {what}. Add it, or a trajectory it follows from.")
        moved = np.diff(poses[:, :2], axis=0)
        moved = moved[np.maximum(missing - 1, 0)]
        if column == 2:
            poses[missing, 2] = np.arctan2(moved[:, 1], moved[:, 0])
        else:
            along = moved[:, 0] * np.cos(poses[missing, 2]) + moved[:, 1] * np.sin(poses[missing, 2])
            poses[missing, 3] = along / step_s
        notes.append(f"{node.place}: {len(missing)} states give no {what}; it is taken from the way moved.")


def _box(shapes: list[Shape], node: Node, notes: list[str]) -> Shape:
    """The one box of an obstacle, in its own frame."""
    if not shapes:
        raise BadFile(f"{node.place}: the shape is empty. Give a rectangle, a circle or a polygon.")
    if len(shapes) == 1 and shapes[0].kind != "polygon":
        return shapes[0]
    notes.append(f"{node.place}: the shape is not one rectangle or circle; the box around it is taken.")
    low, high = [], []
    for shape in shapes:
        half = 0.5 * np.array([shape.length_m, shape.width_m])
        corners = shape.corners_m if len(shape.corners_m) else np.stack([-half, half]) + [shape.x_m, shape.y_m]
        low.append(corners.min(axis=0))
        high.append(corners.max(axis=0))
    least, most = np.min(low, axis=0), np.max(high, axis=0)
    (x, y), (length, width) = 0.5 * (least + most), most - least
    return Shape("rectangle", float(x), float(y), 0.0, float(length), float(width), np.zeros((0, 2)))


def _recorded(tracks: Iterable[_Track], step_s: float) -> Recorded:
    tracks = list(tracks)
    steps = 1 + max((track.steps[-1] for track in tracks), default=-1)
    table = np.full((4, len(tracks), steps), np.nan)
    for k, track in enumerate(tracks):
        table[:, k, track.steps] = track.poses.T
    return Recorded(
        step_s,
        tuple(track.name for track in tracks),
        tuple(track.kind for track in tracks),
        np.array([track.length_m for track in tracks]),
        np.array([track.width_m for track in tracks]),
        *table,
    )
