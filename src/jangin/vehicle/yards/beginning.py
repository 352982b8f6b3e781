"""How a trial in a yard begins: the place, what stands around it, and where the vehicle is.

    car, box, trial = place(task, values)            # values: conditions, each (n,)

Everything follows from the conditions. Six of the boxes are rows of neighbours of the vehicle's own kind; the others
are the walls behind the place and opposite it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from jangin.task import Array
from jangin.vehicle.yards import columns as c

if TYPE_CHECKING:
    from jangin.vehicle.tasks.yard import Yard

__all__ = ["boxes_of", "place"]

NBOX = 8  # two walls, and three neighbours on each side
FAR_M = 60.0  # what a map leaves free is known up to this
BEHIND_M = {"parking": 0.30, "dock": 0.45}  # from the placed body to the wall behind it


def boxes_of(task: Yard) -> int:
    """How many boxes a yard of the task has."""
    return NBOX if task.sites is None else task.sites.box.shape[1]


def place(task: Yard, values: Mapping[str, Array]) -> tuple[Array, Array, Array]:
    """The vehicle, what stands around, and the trial's values."""
    n = len(values["start_turn_rad"])
    trial = np.zeros((n, c.NTRIAL))
    for column, name in (
        (c.LAG, "lag_s"),
        (c.STEER_LAG, "steer_lag_s"),
        (c.STEER_OFFSET, "steer_offset_rad"),
        (c.SLOPE, "slope"),
        (c.NOISE, "sensor_noise"),
    ):
        trial[:, column] = values[name]
    trial[:, c.LATENCY] = np.minimum(values["latency_s"] / task.substep_s, c.HISTORY - 2)
    trial[:, c.GOAL_HEADING] = np.where(values["nose_in"] >= 0.5, np.pi, 0.0)
    trial[:, c.MIN_GAP] = np.inf
    if task.sites is not None:
        return _on_map(task, values, trial)
    length, width = task.placed_m
    mouth = 0.5 * length + (BEHIND_M["parking"] if task.place == "parking" else 0.0)
    trial[:, c.MOUTH], trial[:, c.APRON] = mouth, values["apron_m"]
    trial[:, c.LOW_X], trial[:, c.HIGH_X] = -length, mouth + values["apron_m"]
    trial[:, c.LOW_Y], trial[:, c.HIGH_Y] = -task.plan.side_m, task.plan.side_m
    box = _walls(task, values, mouth, n)
    pitch = width + values["spare_m"]  # from the middle of one place to the next
    for side, first, column in ((1.0, 2, c.FREE_LEFT), (-1.0, 5, c.FREE_RIGHT)):
        there = _stands(values, side)
        near = values["near_left_m"] if side > 0 else values["near_right_m"]
        for k in range(3):
            row = box[:, first + k]
            aside = (k + 1) * pitch - (near if k == 0 else 0.0)
            row[:, 0], row[:, 1] = (values["ahead_m"] if k == 0 else 0.0), side * aside
            row[:, 3], row[:, 4] = (np.where(there, length, 0.0) if k == 0 else length), width
        trial[:, column] = np.where(there, pitch - near, 2.0 * pitch) - 0.5 * width
    return _start(task, values, mouth), box, trial


def _stands(values: Mapping[str, Array], side: float) -> Array:
    """Is there a neighbour on the left (side 1) or right (side -1)?"""
    which = np.floor(values["neighbours"])
    return (which == 3.0) | (which == (1.0 if side > 0 else 2.0))


def _on_map(task: Yard, values: Mapping[str, Array], trial: Array) -> tuple[Array, Array, Array]:
    """At a place of the map: its boxes, less the neighbours that are not there, and what they leave free."""
    sites = task.sites
    assert sites is not None
    k = np.minimum(np.floor(values["site"]).astype(int), len(sites.names) - 1)
    box, which = sites.box[k].copy(), sites.neighbour[k]
    for side, number in ((1.0, 1.0), (-1.0, 2.0)):
        box[(which == number) & ~_stands(values, side)[:, None], 3] = 0.0
    half_length, half_width = 0.5 * task.placed_m[0], 0.5 * task.placed_m[1]
    cos, sin = np.abs(np.cos(box[:, :, 2])), np.abs(np.sin(box[:, :, 2]))
    reach_x, reach_y = 0.5 * (box[:, :, 3] * cos + box[:, :, 4] * sin), 0.5 * (box[:, :, 3] * sin + box[:, :, 4] * cos)
    there = box[:, :, 3] > 0.0
    beside = there & (np.abs(box[:, :, 0]) < half_length + reach_x)
    before = there & (np.abs(box[:, :, 1]) < half_width + reach_y) & (box[:, :, 0] - reach_x > half_length)
    for side, column in ((1.0, c.FREE_LEFT), (-1.0, c.FREE_RIGHT)):
        away = side * box[:, :, 1] - reach_y
        trial[:, column] = np.where(beside & (away > 0.0), away, FAR_M).min(axis=1)
    trial[:, c.MOUTH] = half_length
    trial[:, c.APRON] = np.where(before, box[:, :, 0] - reach_x - half_length, FAR_M).min(axis=1)
    trial[:, c.LOW_X], trial[:, c.LOW_Y], trial[:, c.HIGH_X], trial[:, c.HIGH_Y] = -FAR_M, -FAR_M, FAR_M, FAR_M
    x, y, heading = sites.start[k].T
    along, aside = values["start_along_m"], values["start_aside_m"]
    x, y = x + along * np.cos(heading) - aside * np.sin(heading), y + along * np.sin(heading) + aside * np.cos(heading)
    return _rear_axle(task, x, y, heading + values["start_turn_rad"], values["start_hitch_rad"]), box, trial


def _walls(task: Yard, values: Mapping[str, Array], mouth: float, n: int) -> Array:
    """(n, NBOX, 5) with the first two filled: the wall behind the place, and the one opposite."""
    box = np.zeros((n, NBOX, 5))
    behind = -0.5 * task.placed_m[0] - BEHIND_M[task.place]
    for k, x in ((0, behind), (1, mouth + values["apron_m"])):
        box[:, k, 0], box[:, k, 2], box[:, k, 3] = x, 0.5 * np.pi, 2.0 * task.plan.side_m
    return box


def _start(task: Yard, values: Mapping[str, Array], mouth: float) -> Array:
    """(n, NCAR): along the aisle beside the place, or in front of a dock."""
    along, aside, side = values["start_along_m"], values["start_aside_m"], np.where(values["side"] > 0.0, 1.0, -1.0)
    if task.place == "parking":
        x, y = mouth + 0.5 * values["apron_m"] + along, side * aside
        heading = -side * 0.5 * np.pi + values["start_turn_rad"]
    else:
        x, y, heading = mouth + 0.5 * task.placed_m[0] + along, side * aside, values["start_turn_rad"]
    return _rear_axle(task, x, y, heading, values["start_hitch_rad"])


def _rear_axle(task: Yard, x: Array, y: Array, heading: Array, hitch: Array) -> Array:
    """(n, NCAR): standing, with the middle of the placed body at (x, y)."""
    car, trailer = np.zeros((len(heading), c.NCAR)), task.parameters.trailer
    back = -task.parameters.rear_axle_to_centre_m if trailer is None else trailer.centre_behind_hitch_m
    car[:, c.X], car[:, c.Y] = x + back * np.cos(heading), y + back * np.sin(heading)
    car[:, c.HEADING], car[:, c.HITCH] = heading - hitch, hitch
    return car
