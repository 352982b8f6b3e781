"""A stretch of motorway seen from above: lanes, slip road and goal, and where everybody is; see jangin.task.Filmed.

    x_m, y_m, heading_rad = in_plane(s_m, d_m, turned_rad, curvature_1_m, base_m)
    scenery(task, trial), frame(task, trial, car, history)      # one simulation's rows of the world's arrays

The plane's x axis touches the middle of the rightmost lane where the trial began; the road's even curvature is honoured
exactly. A control period of several substeps is shown in all of them, as far as the late sensors' memory holds them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from jangin.task import Array, Channel, Frame, Scenery, Shape, Signals
from jangin.vehicle.lanes import columns as c

if TYPE_CHECKING:
    from jangin.vehicle.tasks.motorway import Motorway

__all__ = ["frame", "in_plane", "scenery"]

AHEAD_M, BEHIND_M = 100.0, 60.0  # what is shown around the driven vehicle
ROOM_M = 3.0  # beside the lanes, both sides together
SAGITTA_M = 0.02  # by which a drawn line may miss a curve
TRUCK_M = 7.0  # a vehicle that is longer is drawn as a truck
ABSENT_M = -1e8  # who waits outside to come in is farther back than this
_STATE = [c.S, c.D, c.SPEED, c.HEADING]  # as the world's memory keeps it


def in_plane(
    s: Array | float, d: Array | float, turned: Array | float, curvature: float, base: float
) -> tuple[Array, Array, Array]:
    """Road coordinates, numbers or (n,), to x, y [m] and heading [rad] in the plane whose x axis touches at `base`."""
    along, d = np.asarray(s, float) - base, np.asarray(d, float)
    angle = curvature * along
    heading = np.asarray(angle + turned)
    if curvature == 0.0:
        return along, d + 0.0 * along, heading
    radius = 1.0 / curvature
    half = np.sin(0.5 * angle)  # 1 - cos(angle) = 2 sin^2(angle / 2), without losing digits on a nearly straight road
    return (radius - d) * np.sin(angle), 2.0 * radius * half * half + d * np.cos(angle), heading


def _values(task: Motorway) -> Signals:
    """What is reported over time."""
    channels = (
        Channel("gap_m", "m", low=0.0, high=AHEAD_M),
        Channel("ttc_s", "s", low=0.0, high=10.0),
        Channel("speed_m_s", "m/s", low=0.0, high=40.0),
        Channel("shield", "1", low=0.0, high=1.0),
    )
    return Signals(channels if task.shield != "none" else channels[:-1])


def scenery(task: Motorway, trial: Array) -> Scenery:
    """The road of one trial; `trial` (NTRIAL,)."""
    base, width, curvature = trial[c.START], task.lane_width_m, trial[c.CURVATURE]
    first, goal, last = base - 2.0 * BEHIND_M, base + trial[c.GOAL], base + trial[c.GOAL] + 2.0 * AHEAD_M
    right, left = -0.5 * width, (task.lanes - 0.5) * width
    ends = float(trial[c.RAMP_END])

    def along(d: float, start: float, end: float) -> Array:
        step = math.sqrt(8.0 * SAGITTA_M / abs(curvature)) if curvature else math.inf
        s = np.linspace(start, end, 1 + max(1, math.ceil((end - start) / step)))
        return np.column_stack(in_plane(s, np.full(len(s), d), 0.0, curvature, base)[:2])

    def across(s: float, d_from: float, d_to: float) -> Array:
        return np.column_stack(in_plane(np.array([s, s]), np.array([d_from, d_to]), 0.0, curvature, base)[:2])

    def area(d_from: float, d_to: float, start: float, end: float) -> Array:
        return np.concatenate([along(d_from, start, end), along(d_to, start, end)[::-1]])

    shapes = [Shape("road", area(right, left, first, last), closed=True)]
    if ends > first:
        outer = right - width
        shapes += [
            Shape("road", area(outer, 0.0, first, ends), closed=True),  # up to the middle of a lane: no seam is seen
            Shape("lane edge", np.concatenate([along(outer, first, ends), across(ends, outer, right)])),
            Shape("lane mark", along(right, first, ends)),
        ]
    shapes += [
        Shape("lane edge", along(right, ends if ends > first else first, last)),
        Shape("lane edge", along(left, first, last)),
        *(Shape("lane mark", along((lane - 0.5) * width, first, last)) for lane in range(1, task.lanes)),
        Shape("goal", across(goal, right, left)),
    ]
    return Scenery(tuple(shapes), (AHEAD_M + BEHIND_M, _window(task, trial)[1]), _values(task))


def _window(task: Motorway, trial: Array) -> tuple[float, float]:
    """Middle and height of the window across the road [m]: all lanes, also where the road curves away at its ends."""
    right = -1.5 if np.isfinite(trial[c.RAMP_END]) else -0.5
    sagitta = float(trial[c.CURVATURE]) * (0.5 * (AHEAD_M + BEHIND_M)) ** 2 / 2.0
    middle = 0.5 * (right + task.lanes - 0.5) * task.lane_width_m + 0.5 * sagitta
    return middle, (task.lanes - 0.5 - right) * task.lane_width_m + abs(sagitta) + ROOM_M


def frame(task: Motorway, trial: Array, car: Array, history: Array) -> Frame:
    """Everybody in one simulation now; `trial` (NTRIAL,), `car` (ncar, NCAR), `history` (HISTORY, ncar, 4)."""
    done = int(trial[c.SUBSTEPS_DONE])
    per_period = round(1.0 / (task.substep_s * task.rate_hz))
    begun = (done - 1) // per_period * per_period if done else 0  # substeps done before the last period
    first = max(begun + 1, done - c.HISTORY + 1)
    before = tuple(_at(task, trial, car, history[k % c.HISTORY], k) for k in range(first, done))
    there = np.where(car[:, c.PRESENT] == 1.0, 0.0, -np.inf)
    state = car[:, _STATE]
    state[:, 0] += there
    now = _at(task, trial, car, state, done)
    values = {
        "gap_m": float(trial[c.GAP_AHEAD]),
        "ttc_s": float(trial[c.TTC]),
        "speed_m_s": float(car[0, c.SPEED]),
        "shield": float(trial[c.SHIELDED]),
    }
    return Frame(now.t_s, now.boxes, now.kinds, now.ids, {k: values[k] for k in _values(task).names}, now.view, before)


def _at(task: Motorway, trial: Array, car: Array, state: Array, substep: int) -> Frame:
    """Everybody who is there after `substep` substeps; `state` (ncar, 4) s, d, speed, heading."""
    base, curvature = trial[c.START], trial[c.CURVATURE]
    there = np.flatnonzero(state[:, 0] > ABSENT_M)
    x, y, heading = in_plane(state[there, 0], state[there, 1], state[there, 3], curvature, base)
    boxes = np.column_stack([x, y, heading, car[there, c.LENGTH], car[there, c.WIDTH]])
    kinds = tuple("driven" if k == 0 else "truck" if car[k, c.LENGTH] > TRUCK_M else "vehicle" for k in there)
    looked_at = in_plane(state[0, 0] + 0.5 * (AHEAD_M - BEHIND_M), _window(task, trial)[0], 0.0, curvature, base)
    view = (float(looked_at[0]), float(looked_at[1]), float(looked_at[2]))
    return Frame(substep * task.substep_s, boxes, kinds, tuple(there.tolist()), view=view)
