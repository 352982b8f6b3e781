"""How a trial in an aisle begins: where racks, people and vehicles are.

    body, rack, trial = place(task, values, u)       # values: conditions, each (n,); u (n, NPLACE + people * NDRAWS)

All of it is drawn from the uniforms u, in this order: the four openings between racks, where the other vehicle is, then
people one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from jangin.task import Array
from jangin.vehicle.aisles import columns as c
from jangin.vehicle.parameters import PLANT_TUGGER

if TYPE_CHECKING:
    from jangin.vehicle.tasks.aisle import Aisle

__all__ = ["NDRAWS", "NPLACE", "place"]

NPLACE, NDRAWS = 5, 8
BEHIND_M, BEYOND_M = 3.0, 3.0  # the aisle begins so far behind the start and ends so far beyond the goal
FREE_M = 4.0  # nobody begins nearer to the driven vehicle along the aisle
AT_SIDE_M = 0.05  # between a parked tugger and the racks
EARLY_M, LATE_M = (1.2, 2.0), (0.2, 0.5)  # at which people make way, attentive and not
OPENINGS = (c.OPEN_LEFT_1, c.OPEN_LEFT_2, c.OPEN_RIGHT_1, c.OPEN_RIGHT_2)
SLOWEST_M_S = 0.2  # another vehicle that would be slower is not there
HALF_TURN = np.pi


def place(task: Aisle, values: Mapping[str, Array], u: Array) -> tuple[Array, Array, Array]:
    """Everything as a trial begins."""
    n = len(u)
    trial, body = np.zeros((n, c.NTRIAL)), np.zeros((n, 1 + task.people + 2, c.NBODY))
    half = 0.5 * values["aisle_m"]
    trial[:, c.HALF_WIDTH], trial[:, c.GOAL_X], trial[:, c.GOAL_Y] = half, task.goal_m, values["goal_left_m"]
    trial[:, c.BRAKE] = task.braking_m_s2(values["payload_kg"], values["friction"])
    trial[:, c.ACCEL] = task.accelerating_m_s2(values["payload_kg"], values["friction"])
    trial[:, c.LAG], trial[:, c.RANGE] = values["lag_s"], values["sensor_range_m"]
    trial[:, c.NOISE] = values["sensor_noise"]
    trial[:, c.LATENCY] = np.minimum(values["latency_s"] / task.substep_s, c.HISTORY - 2)
    trial[:, c.MIN_GAP] = trial[:, c.MIN_PERSON_GAP] = np.inf
    middle = 0.5 * task.goal_m
    for k, column in enumerate(OPENINGS):
        low, high = (FREE_M, middle) if k % 2 == 0 else (middle + c.OPENING_M + 0.2, task.goal_m - 1.0)
        trial[:, column] = low + (high - low) * u[:, k]
    ego = body[:, 0]
    ego[:, c.KIND], ego[:, c.Y], ego[:, c.HEADING] = c.ROBOT, values["start_m"], values["start_rad"]
    ego[:, c.LENGTH], ego[:, c.WIDTH] = task.vehicle.length_m, task.vehicle.width_m
    for k in range(task.people):
        draws = u[:, NPLACE + k * NDRAWS : NPLACE + (k + 1) * NDRAWS]
        _person(task, values, trial, draws, k, body[:, 1 + k])
    _other(task, values, u[:, 4], body[:, -2])
    _parked(task, values, body[:, -1])
    return body, _racks(task, trial), trial


def _person(task: Aisle, values: Mapping[str, Array], trial: Array, u: Array, k: int, row: Array) -> None:
    """One person: walks along the aisle, or waits in an opening to step out."""
    half = trial[:, c.HALF_WIDTH]
    here, steps = k < np.floor(values["people_about"]), u[:, 0] < task.stepping
    row[:, c.KIND] = np.where(here, c.PERSON, c.NOBODY)
    row[:, c.LENGTH], row[:, c.WIDTH] = c.PERSON_LENGTH_M, c.PERSON_WIDTH_M
    row[:, c.PACE] = values["walking_m_s"] * (0.8 + 0.4 * u[:, 1])
    row[:, c.ALONG] = np.where(u[:, 2] < 0.5, -1.0, 1.0)
    opening = np.minimum((4.0 * u[:, 3]).astype(int), 3)
    at = np.take_along_axis(trial[:, list(OPENINGS)], opening[:, None], axis=1)[:, 0]
    side = np.where(opening < 2, 1.0, -1.0)
    along = FREE_M + (task.goal_m - FREE_M) * u[:, 3]
    aside = (2.0 * u[:, 4] - 1.0) * (half - 0.5)
    aside = np.where(np.abs(along - _parked_at(task, values)) < 2.0, np.abs(aside), aside)  # not in the parked tugger
    row[:, c.X] = np.where(steps, at + 0.6 * (u[:, 4] - 0.5), along)
    row[:, c.Y] = np.where(steps, side * (half + 0.55), aside)
    row[:, c.HEADING] = np.where(steps, -side * 0.5 * np.pi, np.where(row[:, c.ALONG] > 0.0, 0.0, HALF_TURN))
    row[:, c.PHASE] = np.where(steps, c.WAITS, c.WALKS)
    far = np.where(row[:, c.ALONG] > 0.0, task.goal_m + BEYOND_M, -BEHIND_M)
    row[:, c.TO_X], row[:, c.TO_Y] = np.where(steps, row[:, c.X], far), np.where(steps, -side * (half - 0.5), aside)
    early = EARLY_M[0] + (EARLY_M[1] - EARLY_M[0]) * u[:, 5]
    late = LATE_M[0] + (LATE_M[1] - LATE_M[0]) * u[:, 5]
    row[:, c.REACTS_M] = np.where(u[:, 6] < values["attentive"], early, late)
    row[:, c.TRIGGER_M] = 0.5 + 4.5 * u[:, 5]
    row[:, c.STOP_AT_S] = np.where(steps, 0.4 + 3.0 * u[:, 7], 12.0 * u[:, 7])
    row[:, c.STOP_FOR_S] = np.where(steps, 3.0, 6.0) * u[:, 6]
    walks = here & ~steps
    row[:, c.VX] = np.where(walks, row[:, c.ALONG] * row[:, c.PACE], 0.0)


def _other(task: Aisle, values: Mapping[str, Array], u: Array, row: Array) -> None:
    """The vehicle that drives: on the right of its own direction, ahead of the driven one."""
    speed, half = values["other_m_s"], 0.5 * values["aisle_m"]
    along = np.where(speed > 0.0, 1.0, -1.0)
    row[:, c.KIND] = np.where(np.abs(speed) < SLOWEST_M_S, c.NOBODY, c.DRIVES)
    row[:, c.LENGTH], row[:, c.WIDTH] = task.vehicle.length_m, task.vehicle.width_m
    row[:, c.X] = np.where(speed > 0.0, FREE_M - 1.0 + 3.0 * u, task.goal_m + 2.0 - 4.0 * u)
    row[:, c.Y], row[:, c.HEADING] = -0.5 * along * half, np.where(along > 0.0, 0.0, HALF_TURN)
    row[:, c.ALONG], row[:, c.PACE] = along, np.abs(speed)


def _parked_at(task: Aisle, values: Mapping[str, Array]) -> Array:
    """Where along the aisle a tugger is parked; far away where none is."""
    return np.where(values["parked_m"] < task.goal_m - 3.0, values["parked_m"], np.inf)


def _parked(task: Aisle, values: Mapping[str, Array], row: Array) -> None:
    """The tugger at the right side of the aisle."""
    at = _parked_at(task, values)
    there = np.isfinite(at)
    row[:, c.KIND] = np.where(there, c.PARKED, c.NOBODY)
    row[:, c.LENGTH], row[:, c.WIDTH] = PLANT_TUGGER.length_m, PLANT_TUGGER.width_m
    row[:, c.X] = np.where(there, at, 0.0)
    row[:, c.Y] = -(0.5 * values["aisle_m"] - AT_SIDE_M - 0.5 * PLANT_TUGGER.width_m)


def _racks(task: Aisle, trial: Array) -> Array:
    """(n, NRACK, 5): three racks on each side, what closes the openings behind them, and the ends of the aisle."""
    rack, half = np.zeros((len(trial), c.NRACK, 5)), trial[:, c.HALF_WIDTH]
    low, high = -BEHIND_M, task.goal_m + BEYOND_M
    ends = np.full(len(trial), low), np.full(len(trial), high)
    for side, first in ((1.0, 0), (-1.0, 3)):
        a, b = (trial[:, column] for column in (OPENINGS[:2] if side > 0 else OPENINGS[2:]))
        gap = 0.5 * c.OPENING_M
        for k, (start, end) in enumerate(((ends[0], a - gap), (a + gap, b - gap), (b + gap, ends[1]))):
            rack[:, first + k, 0], rack[:, first + k, 3] = 0.5 * (start + end), end - start
            rack[:, first + k, 1] = side * (half + 0.5 * c.RACK_DEPTH_M)
            rack[:, first + k, 4] = c.RACK_DEPTH_M
    for k, side in ((6, 1.0), (7, -1.0)):
        rack[:, k, 0], rack[:, k, 1], rack[:, k, 3] = 0.5 * (low + high), side * (half + c.RACK_DEPTH_M), high - low
    for k, x in ((8, low), (9, high)):
        rack[:, k, 0], rack[:, k, 2], rack[:, k, 3] = x, 0.5 * np.pi, 2.0 * (half + c.RACK_DEPTH_M)
    return rack
