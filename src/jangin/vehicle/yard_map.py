"""Places of a user's map for `vehicle/yard`: a CommonRoad scenario (.xml) or an OpenDRIVE road (.xodr).

    sites = read_sites("yard.xml", length_m=13.6, width_m=2.55)      # of the body that is placed
    sites.box[k], sites.start[k]                                     # of site k, in the frame of its goal

CommonRoad: every planning problem whose goal has a rectangle is a site. The body's middle is to stand on the
rectangle's axis, with the heading that the goal asks for, at the rear-most point where it keeps `KEEP_M` to everything.
What stands around are the sides of the static obstacles. The tolerance is the task's, not the file's.

OpenDRIVE: every parking space that is large enough is a site, open towards the lane that is nearest to it. The start is
in that lane, beside the space; a space whose start is not free is left out. The other spaces are where neighbours
stand, and trees and poles stand where they are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from jangin.errors import BadTask
from jangin.task import Array
from jangin.vehicle.boxes import Boxes, gap, walls

__all__ = ["Sites", "read_sites"]

KEEP_M = 0.3  # a goal keeps this to what stands around
START_KEEP_M = 0.25  # and a start, which varies by 0.1 m to either side and a little turning
NEAR_M = 60.0  # what is farther from a goal is left out
ROOM_M = 0.3  # a parking space is longer and wider than the body by so much
BESIDE_M = 6.0  # the start is so far along the lane from the space
STEP_M = 0.1  # between two points at which a goal is tried
MOST_BOXES = 400
STANDING = ("tree", "pole", "barrier", "building", "obstacle", "vegetation", "streetlamp")


@dataclass(frozen=True, eq=False)
class Sites:
    """Places of one map.

    Attributes:
        names: of each place.
        start: (k, 3) x, y, heading of the placed body at the start, in the goal's frame.
        box: (k, nbox, 5) what stands around, in the goal's frame; length 0: nothing.
        neighbour: (k, nbox) 0: always there; 1, 2: a neighbour on the left, on the right.
        sha256: of the file.
    """

    names: tuple[str, ...]
    start: Array
    box: Array
    neighbour: Array
    sha256: str


@lru_cache(maxsize=8)
def read_sites(path: str, *, length_m: float, width_m: float) -> Sites:
    """The places of a map that a body of this size can stand in.

    Raises: BadFile, BadRoad for a file that cannot be read; BadTask for one without such a place.
    """
    kind = Path(path).suffix.lower()
    if kind not in (".xml", ".xodr"):
        raise BadTask(f"map is {path!r}; give a CommonRoad scenario (.xml) or an OpenDRIVE road (.xodr).")
    read = _of_commonroad if kind == ".xml" else _of_opendrive
    found = read(path, length_m, width_m)
    if not found:
        what = "planning problem with a rectangle as its goal" if kind == ".xml" else "parking space"
        raise BadTask(f"{path} has no {what} that a body of {length_m:g} x {width_m:g} m fits in; choose another map.")
    most = max(len(site[2]) for site in found)
    if most > MOST_BOXES:
        raise BadTask(f"{path} has {most} sides within {NEAR_M:g} m of a goal; at most {MOST_BOXES}. Simplify it.")
    box, neighbour = np.zeros((len(found), most, 5)), np.zeros((len(found), most))
    for k, (_, _, boxes, sides) in enumerate(found):
        box[k, : len(boxes)], neighbour[k, : len(boxes)] = boxes, sides
    names, start = tuple(site[0] for site in found), np.array([site[1] for site in found])
    return Sites(names, start, box, neighbour, hashlib.sha256(Path(path).read_bytes()).hexdigest())


def _local(poses: Array, origin: Array) -> Array:
    """Rows that begin with x, y, heading, in the frame of the pose `origin`."""
    c, s = np.cos(origin[2]), np.sin(origin[2])
    found = np.array(poses, float)
    dx, dy = found[..., 0] - origin[0], found[..., 1] - origin[1]
    found[..., 0], found[..., 1] = c * dx + s * dy, c * dy - s * dx
    found[..., 2] -= origin[2]
    return found


def _near(boxes: Array, origin: Array) -> Array:
    """The boxes within NEAR_M of a pose, in its frame."""
    reach = 0.5 * np.hypot(boxes[:, 3], boxes[:, 4]) + NEAR_M
    return _local(boxes[np.hypot(boxes[:, 0] - origin[0], boxes[:, 1] - origin[1]) < reach], origin)


def _of_commonroad(path: str, length_m: float, width_m: float) -> list[tuple[str, Array, Array, Array]]:
    from jangin.vehicle.commonroad import read_commonroad

    scenario = read_commonroad(path)
    sides = [np.zeros((0, 5))]
    for obstacle in scenario.static:
        for shape in obstacle.shapes:
            if shape.kind == "circle":
                sides.append(np.array([[shape.x_m, shape.y_m, 0.0, shape.length_m, shape.width_m]]))
            else:
                wall = walls(np.concatenate([shape.corners_m, np.roll(shape.corners_m, -1, axis=0)], axis=1))
                row = (wall.x_m, wall.y_m, wall.heading_rad, wall.length_m, wall.width_m)
                sides.append(np.stack(row, axis=1)[wall.length_m > 0.0])
    boxes = np.concatenate(sides)
    found = []
    for problem in scenario.problems:
        rectangles = [(g, s) for g in problem.goals for s in g.shapes if s.kind == "rectangle"]
        if not rectangles:
            continue
        goal, shape = rectangles[0]
        heading = shape.heading_rad if goal.heading_rad is None else goal.heading_rad.middle
        pose = _clear_pose(np.array([shape.x_m, shape.y_m, heading]), shape.length_m, boxes, length_m, width_m)
        start = np.array([problem.start.x_m, problem.start.y_m, problem.start.heading_rad])
        if pose is not None:
            around = _near(boxes, pose)
            found.append((problem.name, _local(start, pose), around, np.zeros(len(around))))
    return found


def _clear_pose(middle: Array, span_m: float, boxes: Array, length_m: float, width_m: float) -> Array | None:
    """The rear-most pose on the axis through `middle` at which the body keeps KEEP_M to everything; None if none."""
    along = np.arange(-0.5 * span_m, 0.5 * span_m + 1e-9, STEP_M)
    x, y = middle[0] + along * np.cos(middle[2]), middle[1] + along * np.sin(middle[2])
    near = _near(boxes, middle)
    near = near[np.hypot(near[:, 0], near[:, 1]) < 0.5 * (span_m + length_m) + 0.5 * near[:, 3] + 5.0]
    if len(near):
        body = Boxes(along[:, None], np.zeros(1), np.zeros(1), np.array([length_m]), np.array([width_m]))
        clear = (gap(body, Boxes(*near.T)) >= KEEP_M).all(axis=1)
    else:
        clear = np.ones(len(along), bool)
    first = np.flatnonzero(clear)
    return np.array([x[first[0]], y[first[0]], middle[2]]) if len(first) else None


def _of_opendrive(path: str, length_m: float, width_m: float) -> list[tuple[str, Array, Array, Array]]:
    from jangin.vehicle.opendrive import read_opendrive

    road = read_opendrive(path)
    row = [(o.x_m, o.y_m, o.heading_rad, o.length_m, o.width_m) for o in road.objects if o.kind == "parkingSpace"]
    stands = [
        (o.x_m, o.y_m, o.heading_rad, max(o.length_m, 0.3), max(o.width_m, 0.3))
        for o in road.objects
        if o.kind in STANDING
    ]
    spaces, fixed = np.array(row).reshape(-1, 5), np.array(stands).reshape(-1, 5)
    found = []
    for k, space in enumerate(spaces):
        if space[3] < length_m + ROOM_M or space[4] < width_m + ROOM_M:
            continue
        pose, start = _open_to_the_lane(road, space)
        others = np.delete(spaces, k, axis=0)
        others = _near(others, pose)
        others[:, 3], others[:, 4] = length_m, width_m
        around = np.concatenate([others, _near(fixed, pose)])
        sides = np.concatenate([np.where(others[:, 1] > 0.0, 1.0, 2.0), np.zeros(len(around) - len(others))])
        body = Boxes(start[[0]], start[[1]], start[[2]], np.array([length_m]), np.array([width_m]))
        if not len(around) or gap(body, Boxes(*around.T)).min() >= START_KEEP_M:
            found.append((str(k), start, around, sides))
    return found


def _open_to_the_lane(road: object, space: Array) -> tuple[Array, Array]:
    """The pose in a parking space that looks out to the nearest lane, and the start in that lane, in its frame."""
    lanes = np.flatnonzero(road.drivable)  # type: ignore[attr-defined]
    offset, xs, ys = road.offset, road.x_m, road.y_m  # type: ignore[attr-defined]
    points = np.concatenate([np.arange(offset[lane], offset[lane + 1]) for lane in lanes])
    far = np.hypot(xs[points] - space[0], ys[points] - space[1])
    nearest = int(points[far.argmin()])
    pose = space[:3].copy()
    towards = np.array([xs[nearest], ys[nearest]]) - pose[:2]
    if towards @ [np.cos(pose[2]), np.sin(pose[2])] < 0.0:
        pose[2] += np.pi
    lane = int(np.searchsorted(offset, nearest, side="right")) - 1
    first, last = int(offset[lane]), int(offset[lane + 1]) - 1
    way = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(xs[first : last + 1]), np.diff(ys[first : last + 1])))])
    at = way[nearest - first]
    s = at - BESIDE_M if at - BESIDE_M > way[0] else min(at + BESIDE_M, way[-1])
    k = min(max(int(np.searchsorted(way, s)), 1), len(way) - 1) + first
    heading = np.arctan2(ys[k] - ys[k - 1], xs[k] - xs[k - 1])
    x, y = np.interp(s, way, xs[first : last + 1]), np.interp(s, way, ys[first : last + 1])
    return pose, _local(np.array([x, y, heading]), pose)
