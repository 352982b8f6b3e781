"""The loop: control periods of many aisles, each by itself, from command to outcome.

    advance(world, ids, actions, reward, cost, outcome)      # one control period of each simulation in `ids`
    look(world, ids, seen)                                   # what each of them sees then
    begin(world, ids)                                        # the past of a trial that begins: everybody stands

A period: the command, behind the lag of the drive; then substeps in each of which people and vehicles move, and the
swept box of the driven vehicle is checked for contact with all of them and with the racks. `World` is a named tuple of
arrays, a row a simulation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np

from jangin.engine import counted
from jangin.engine.compiled import digest
from jangin.vehicle import boxes_compiled, rays
from jangin.vehicle.aisles.columns import (
    ACCEL,
    BRAKE,
    DEFICIT,
    DRIVES,
    GOAL_X,
    GOAL_Y,
    HEADING,
    HISTORY,
    IMPACT,
    INVALID_STATE,
    KIND,
    LAG,
    LAST_TICK,
    LENGTH,
    MIN_GAP,
    MIN_PERSON_GAP,
    NOBODY,
    PEAK_DEFICIT,
    PEAK_ZONE_SPEED,
    PER_PERIOD,
    PERSON,
    PERSON_CONTACT,
    PERSON_GAP,
    PERSON_RADIUS_M,
    RUNNING,
    SPEED,
    SPEED_MAX,
    SPEED_MIN,
    SUBSTEP,
    SUCCESS,
    TICKS,
    TIMEOUT,
    TOLD_SPEED,
    TOLD_YAW,
    TOLERANCE,
    VEHICLE_CONTACT,
    VX,
    VY,
    WALL,
    WAY,
    WIDTH,
    YAW_ACCEL,
    YAW_MAX,
    YAW_RATE,
    ZONE,
    ZONE_EXCESS,
    ZONE_SPEED,
    X,
    Y,
)
from jangin.vehicle.aisles.people import drive_other, walk
from jangin.vehicle.aisles.sensing import sense
from jangin.vehicle.boxes_compiled import boxes_gap, boxes_swept
from jangin.vehicle.lanes.jit import jit

__all__ = ["World", "advance", "begin", "look"]

STANDS_M_S = 0.05  # slower than this it stands
NEAR_M = 3.0  # beyond half sizes: what is farther is not looked at for contact
CONTACT_COST, ARRIVED_REWARD, TIME_COST, DEAREST = 12.0, 6.0, 0.01, 1.0
CREEP_M = 0.10  # stopping distance that is too long by less costs nothing


class World(NamedTuple):
    """All simulations: a row of each array is one."""

    body: np.ndarray  # (nsim, nbody, NBODY)
    rack: np.ndarray  # (nsim, NRACK, 5)
    trial: np.ndarray  # (nsim, NTRIAL)
    history: np.ndarray  # (nsim, HISTORY, nbody, 5)
    key: np.ndarray  # (nsim,) uint64, of the sensors' noise
    settings: np.ndarray  # (NSETTINGS,)


@jit
def _ramp(now, goal, up, down, step):  # type: ignore[no-untyped-def]
    """A quantity after a substep, and its mean: it changes with `up` away from 0 and with `down` towards it."""
    left, whole = step, 0.0
    while left > 0.0 and now != goal:
        slowing = (goal - now) * now < 0.0
        to = 0.0 if slowing and goal * now < 0.0 else goal
        rate = down if slowing else up
        part = abs(to - now) / rate
        after = to
        if part > left:
            part = left
            after = now + (rate if to > now else -rate) * left
        whole += 0.5 * (now + after) * part
        left -= part
        now = after
    return now, (whole + now * left) / step


@jit
def drive(body, trial, settings, speed, yaw_rate):  # type: ignore[no-untyped-def]
    """Advance the driven vehicle by a substep towards a commanded speed and yaw rate.

    The differential drive of `models`, behind a lag of first order; the arc is driven at the means of speed and yaw
    rate.
    """
    step = settings[SUBSTEP]
    share = 1.0 - math.exp(-step / trial[LAG]) if trial[LAG] > 0.0 else 1.0
    trial[TOLD_SPEED] += share * (min(max(speed, settings[SPEED_MIN]), settings[SPEED_MAX]) - trial[TOLD_SPEED])
    trial[TOLD_YAW] += share * (min(max(yaw_rate, -settings[YAW_MAX]), settings[YAW_MAX]) - trial[TOLD_YAW])
    v_after, v_mean = _ramp(body[0, SPEED], trial[TOLD_SPEED], trial[ACCEL], trial[BRAKE], step)
    w_after, w_mean = _ramp(body[0, YAW_RATE], trial[TOLD_YAW], settings[YAW_ACCEL], settings[YAW_ACCEL], step)
    way, turned = v_mean * step, w_mean * step
    middle = body[0, HEADING] + 0.5 * turned
    body[0, X] += way * math.cos(middle)
    body[0, Y] += way * math.sin(middle)
    body[0, HEADING] += turned
    body[0, SPEED], body[0, YAW_RATE] = v_after, w_after
    body[0, VX], body[0, VY] = v_after * math.cos(body[0, HEADING]), v_after * math.sin(body[0, HEADING])
    trial[WAY] += abs(way)


@jit
def _contact(body, before, rack):  # type: ignore[no-untyped-def]
    """What the driven vehicle's swept box touched first in the last substep: a body, len(body) for a rack, or -1."""
    first, who = np.inf, -1
    x, y, h, x_after, y_after = before[0, 0], before[0, 1], before[0, 2], body[0, X], body[0, Y]
    length, width = body[0, LENGTH], body[0, WIDTH]
    for k in range(1, len(body)):
        if body[k, KIND] == NOBODY or abs(body[k, X] - x) > NEAR_M or abs(body[k, Y] - y) > NEAR_M:
            continue
        at = boxes_swept(
            x, y, h, x_after, y_after, body[0, HEADING], length, width,
            before[k, 0], before[k, 1], before[k, 2], body[k, X], body[k, Y], body[k, HEADING],
            body[k, LENGTH], body[k, WIDTH],
        )  # fmt: skip
        if at < first:
            first, who = at, k
    for k in range(len(rack)):
        bx, by, bh, bl, bw = rack[k, 0], rack[k, 1], rack[k, 2], rack[k, 3], rack[k, 4]
        at = boxes_swept(
            x, y, h, x_after, y_after, body[0, HEADING], length, width, bx, by, bh, bx, by, bh, bl, bw
        )  # fmt: skip
        if at < first:
            first, who = at, len(body)
    return who


@jit
def _watch(body, rack, trial, settings):  # type: ignore[no-untyped-def]
    """Keep the worst of what safety is judged by: gaps, the speed in the zone, and the stopping distance."""
    c, s, v = math.cos(body[0, HEADING]), math.sin(body[0, HEADING]), body[0, SPEED]
    x, y, h, length, width = body[0, X], body[0, Y], body[0, HEADING], body[0, LENGTH], body[0, WIDTH]
    stop = v * v / (2.0 * trial[BRAKE]) + max(v, 0.0) * (trial[LAG] + settings[SUBSTEP] * settings[PER_PERIOD])
    trial[PERSON_GAP] = np.inf
    for k in range(1, len(body)):
        if body[k, KIND] == NOBODY:
            continue
        gap = boxes_gap(
            x, y, h, length, width, body[k, X], body[k, Y], body[k, HEADING], body[k, LENGTH], body[k, WIDTH]
        )
        trial[MIN_GAP] = min(trial[MIN_GAP], gap)
        if body[k, KIND] != PERSON:
            continue
        trial[MIN_PERSON_GAP] = min(trial[MIN_PERSON_GAP], gap)
        trial[PERSON_GAP] = min(trial[PERSON_GAP], gap)
        dx, dy = body[k, X] - x, body[k, Y] - y
        ahead, left = c * dx + s * dy, c * dy - s * dx
        if gap < settings[ZONE] and (ahead * v > 0.0 or abs(ahead) < 0.5 * length):
            trial[PEAK_ZONE_SPEED] = max(trial[PEAK_ZONE_SPEED], abs(v))
            trial[ZONE_EXCESS] = max(trial[ZONE_EXCESS], abs(v) - settings[ZONE_SPEED])
        if v > STANDS_M_S and ahead > 0.0 and abs(left) < 0.5 * width + PERSON_RADIUS_M:
            room = max(ahead - 0.5 * length - PERSON_RADIUS_M, 0.0)
            trial[DEFICIT] = max(trial[DEFICIT], stop - room)
    trial[PEAK_DEFICIT] = max(trial[PEAK_DEFICIT], trial[DEFICIT])
    for k in range(len(rack)):
        near = boxes_gap(x, y, h, length, width, rack[k, 0], rack[k, 1], rack[k, 2], rack[k, 3], rack[k, 4])
        trial[MIN_GAP] = min(trial[MIN_GAP], near)


@jit
def _outcome(body, before, rack, trial, settings):  # type: ignore[no-untyped-def]
    """How the trial stands after a substep."""
    if not (math.isfinite(body[0, X]) and math.isfinite(body[0, Y]) and math.isfinite(body[0, HEADING])):
        return INVALID_STATE
    who = _contact(body, before, rack)
    if who >= 0:
        trial[MIN_GAP] = min(trial[MIN_GAP], 0.0)
        vx, vy = body[0, VX], body[0, VY]
        if who == len(body):
            trial[IMPACT] = max(math.hypot(vx, vy), 0.01)
            return WALL
        trial[IMPACT] = max(math.hypot(vx - body[who, VX], vy - body[who, VY]), 0.01)
        return PERSON_CONTACT if body[who, KIND] == PERSON else VEHICLE_CONTACT
    missing = math.hypot(trial[GOAL_X] - body[0, X], trial[GOAL_Y] - body[0, Y])
    if missing <= settings[TOLERANCE] and abs(body[0, SPEED]) <= STANDS_M_S:
        return SUCCESS
    return TIMEOUT if trial[TICKS] >= settings[LAST_TICK] else RUNNING


@jit
def _remember(body, history, done):  # type: ignore[no-untyped-def]
    row = history[done % HISTORY]
    for k in range(len(body)):
        row[k, 0], row[k, 1], row[k, 2], row[k, 3], row[k, 4] = (
            body[k, X], body[k, Y], body[k, HEADING], body[k, VX], body[k, VY],
        )  # fmt: skip


@numba.njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _period(body, rack, trial, history, settings, action, before):  # type: ignore[no-untyped-def]
    """One control period of one simulation; returns (outcome, by how much the goal came nearer [m])."""
    far = math.hypot(trial[GOAL_X] - body[0, X], trial[GOAL_Y] - body[0, Y])
    trial[ZONE_EXCESS] = trial[DEFICIT] = 0.0
    found = RUNNING
    for _ in range(int(settings[PER_PERIOD])):
        for k in range(len(body)):
            before[k, 0], before[k, 1], before[k, 2] = body[k, X], body[k, Y], body[k, HEADING]
        for k in range(1, len(body)):
            if body[k, KIND] == PERSON:
                walk(body, k, trial, settings)
            elif body[k, KIND] == DRIVES:
                drive_other(body, k, settings)
        drive(body, trial, settings, action[0], action[1])
        trial[TICKS] += 1.0
        _remember(body, history, int(trial[TICKS]))
        _watch(body, rack, trial, settings)
        found = _outcome(body, before, rack, trial, settings)
        if found != RUNNING:
            break
    return found, far - math.hypot(trial[GOAL_X] - body[0, X], trial[GOAL_Y] - body[0, Y])


def _entries(made_by: int) -> tuple[Callable[..., None], Callable[..., None], Callable[..., None]]:
    """What Python calls, kept on disk under a digest of everything it is compiled from."""

    @numba.njit(nogil=True, error_model="numpy", cache=True)  # type: ignore[untyped-decorator]
    def advance(world, ids, actions, reward, cost, outcome):  # type: ignore[no-untyped-def]
        """One control period of each simulation in `ids`; reward, cost, outcome (len(ids),) are filled.

        Reward: how much nearer the goal came [m], less a little for time, less a contact, and more for arriving. Cost:
        the speed in excess of the zone's [m/s] and the stopping distance in excess of the way to a person [m].
        """
        if not made_by:
            return
        before = np.empty((world.body.shape[1], 3))
        for n in range(len(ids)):
            i = ids[n]
            trial = world.trial[i]
            found, nearer = _period(
                world.body[i], world.rack[i], trial, world.history[i], world.settings, actions[i], before
            )
            reward[n] = nearer - TIME_COST
            if found in (PERSON_CONTACT, VEHICLE_CONTACT, WALL):
                reward[n] -= CONTACT_COST
            elif found == SUCCESS:
                reward[n] += ARRIVED_REWARD
            cost[n] = min(trial[ZONE_EXCESS] + max(trial[DEFICIT] - CREEP_M, 0.0), DEAREST)
            outcome[n] = found

    @numba.njit(nogil=True, error_model="numpy", cache=True)  # type: ignore[untyped-decorator]
    def look(world, ids, seen):  # type: ignore[no-untyped-def]
        """What the driven vehicles of simulations `ids` see, into seen[ids] (float64)."""
        if not made_by:
            return
        for i in ids:
            sense(world.body[i], world.history[i], world.rack[i], world.trial[i], world.settings, world.key[i], seen[i])

    @numba.njit(nogil=True, error_model="numpy", cache=True)  # type: ignore[untyped-decorator]
    def begin(world, ids):  # type: ignore[no-untyped-def]
        """Fill the past of the simulations `ids`, and the gaps that they begin with."""
        if not made_by:
            return
        for i in ids:
            for h in range(HISTORY):
                _remember(world.body[i], world.history[i], h)
            _watch(world.body[i], world.rack[i], world.trial[i], world.settings)

    return advance, look, begin


_CALLED = [Path(str(m.__file__)) for m in (boxes_compiled, counted, rays)]
advance, look, begin = _entries(digest(Path(__file__).parent, *_CALLED))
