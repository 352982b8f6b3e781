"""The loop: control periods of many yards, each by itself, from command to outcome.

    advance(world, ids, actions, reward, cost, outcome)      # one control period of each simulation in `ids`
    look(world, ids, seen)                                   # what each of them sees then
    begin(world, ids)                                        # the past of a trial that begins: it stood there

A period: speed and steering rate that are told; then substeps in each of which the vehicle rolls and the swept boxes of
all its bodies are checked against everything that stands. `World` is a named tuple of arrays, a row a simulation.
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
from jangin.vehicle import boxes_compiled, parameters, rays
from jangin.vehicle.boxes_compiled import boxes_gap, boxes_swept
from jangin.vehicle.lanes.jit import jit
from jangin.vehicle.yards.columns import (
    COLLISION,
    DIRECTION,
    FIRST_MISS,
    GAP,
    HEADING,
    HIGH_X,
    HIGH_Y,
    HISTORY,
    HITCH,
    HITCH_MAX,
    IMPACT,
    INVALID_STATE,
    JACKKNIFE,
    LAST_TICK,
    LENGTH,
    LOW_X,
    LOW_Y,
    MIN_GAP,
    NCAR,
    NEAR_M,
    NEAR_RAD,
    OFF_YARD,
    PEAK_HITCH,
    PEAK_SPEED,
    PER_PERIOD,
    RUNNING,
    SPEED,
    SUCCESS,
    TICKS,
    TIMEOUT,
    TRAILER_LENGTH,
    TRAILER_WIDTH,
    TURNS,
    WIDTH,
    X,
    Y,
)
from jangin.vehicle.yards.rolling import bodies, miss, roll
from jangin.vehicle.yards.sensing import sense

__all__ = ["World", "advance", "begin", "look"]

STANDS_M_S = 0.05  # slower than this it stands
FAR_M = 6.0  # beyond this gaps are not measured
WRONG_M_RAD = 2.0  # a heading error costs as much as so many metres
CONTACT_COST, PLACED_REWARD, TIME_COST, CALM_M, DEAREST = 12.0, 8.0, 0.01, 0.25, 1.0


class World(NamedTuple):
    """All simulations: a row of each array is one."""

    car: np.ndarray  # (nsim, NCAR)
    box: np.ndarray  # (nsim, nbox, 5)
    trial: np.ndarray  # (nsim, NTRIAL)
    history: np.ndarray  # (nsim, HISTORY, NCAR)
    key: np.ndarray  # (nsim,) uint64, of the sensors' noise
    settings: np.ndarray  # (NSETTINGS,)


@jit
def _size(settings, b):  # type: ignore[no-untyped-def]
    if b == 0:
        return settings[LENGTH], settings[WIDTH]
    return settings[TRAILER_LENGTH], settings[TRAILER_WIDTH]


@jit
def _touches(before, pose, n, box, settings):  # type: ignore[no-untyped-def]
    """Did any of the n bodies touch anything on the way from `before` to `pose`?"""
    for b in range(n):
        length, width = _size(settings, b)
        x, y, h, x2, y2, h2 = before[b, 0], before[b, 1], before[b, 2], pose[b, 0], pose[b, 1], pose[b, 2]
        for k in range(len(box)):
            bx, by, bh, bl, bw = box[k, 0], box[k, 1], box[k, 2], box[k, 3], box[k, 4]
            if bl <= 0.0:
                continue
            if boxes_swept(x, y, h, x2, y2, h2, length, width, bx, by, bh, bx, by, bh, bl, bw) <= 1.0:
                return True
    return False


@jit
def _watch(pose, n, box, trial, settings):  # type: ignore[no-untyped-def]
    """The smallest gap of any body to anything, now and so far."""
    gap = FAR_M
    for b in range(n):
        length, width = _size(settings, b)
        for k in range(len(box)):
            bl, bw = box[k, 3], box[k, 4]
            reach = 0.5 * (length + width + bl + bw) + gap
            if bl <= 0.0 or abs(box[k, 0] - pose[b, 0]) > reach or abs(box[k, 1] - pose[b, 1]) > reach:
                continue
            found = boxes_gap(
                pose[b, 0], pose[b, 1], pose[b, 2], length, width, box[k, 0], box[k, 1], box[k, 2], bl, bw
            )
            gap = min(gap, found)
    trial[GAP] = gap
    trial[MIN_GAP] = min(trial[MIN_GAP], gap)


@jit
def _outcome(car, before, pose, n, box, trial, settings):  # type: ignore[no-untyped-def]
    """How the trial stands after a substep."""
    if not (math.isfinite(car[X]) and math.isfinite(car[Y]) and math.isfinite(car[HEADING])):
        return INVALID_STATE
    if _touches(before, pose, n, box, settings):
        trial[IMPACT], trial[MIN_GAP] = max(abs(car[SPEED]), 0.01), 0.0
        return COLLISION
    if abs(car[HITCH]) >= settings[HITCH_MAX]:
        return JACKKNIFE
    for b in range(n):
        if not (trial[LOW_X] < pose[b, 0] < trial[HIGH_X] and trial[LOW_Y] < pose[b, 1] < trial[HIGH_Y]):
            return OFF_YARD
    away, turned = miss(pose, n - 1, trial)
    if away <= settings[NEAR_M] and turned <= settings[NEAR_RAD] and abs(car[SPEED]) <= STANDS_M_S:
        return SUCCESS
    return TIMEOUT if trial[TICKS] >= settings[LAST_TICK] else RUNNING


@numba.njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _period(car, box, trial, history, settings, action, before, pose):  # type: ignore[no-untyped-def]
    """One control period of one simulation; returns (outcome, how much nearer the goal came)."""
    n = bodies(car, settings, pose)
    away, turned = miss(pose, n - 1, trial)
    far = away + WRONG_M_RAD * turned
    found = RUNNING
    for _ in range(int(settings[PER_PERIOD])):
        before[:] = pose
        roll(car, trial, settings, action[0], action[1])
        bodies(car, settings, pose)
        trial[TICKS] += 1.0
        history[int(trial[TICKS]) % HISTORY] = car
        trial[PEAK_SPEED] = max(trial[PEAK_SPEED], abs(car[SPEED]))
        trial[PEAK_HITCH] = max(trial[PEAK_HITCH], abs(car[HITCH]))
        if abs(car[SPEED]) > STANDS_M_S and car[SPEED] * trial[DIRECTION] <= 0.0:
            trial[TURNS] += 1.0 if trial[DIRECTION] != 0.0 else 0.0
            trial[DIRECTION] = 1.0 if car[SPEED] > 0.0 else -1.0
        _watch(pose, n, box, trial, settings)
        found = _outcome(car, before, pose, n, box, trial, settings)
        if found != RUNNING:
            break
    away, turned = miss(pose, n - 1, trial)
    return found, far - away - WRONG_M_RAD * turned


def _entries(made_by: int) -> tuple[Callable[..., None], Callable[..., None], Callable[..., None]]:
    """What Python calls, kept on disk under a digest of everything it is compiled from."""

    @numba.njit(nogil=True, error_model="numpy", cache=True)  # type: ignore[untyped-decorator]
    def advance(world, ids, actions, reward, cost, outcome):  # type: ignore[no-untyped-def]
        """One control period of each simulation in `ids`; reward, cost, outcome (len(ids),) are filled.

        Reward: how much nearer the goal came, in metres, a radian counting as two; less a little for time, less a
        contact, and more for being placed. Cost: how much nearer than 0.25 m it is to anything, per metre.
        """
        if not made_by:
            return
        before, pose = np.zeros((2, 3)), np.zeros((2, 3))
        for n in range(len(ids)):
            i = ids[n]
            trial = world.trial[i]
            found, nearer = _period(
                world.car[i], world.box[i], trial, world.history[i], world.settings, actions[i], before, pose
            )
            reward[n] = nearer - TIME_COST
            if found in (COLLISION, OFF_YARD, JACKKNIFE):
                reward[n] -= CONTACT_COST
            elif found == SUCCESS:
                reward[n] += PLACED_REWARD
            cost[n] = min(max(CALM_M - trial[GAP], 0.0), DEAREST)
            outcome[n] = found

    @numba.njit(nogil=True, error_model="numpy", cache=True)  # type: ignore[untyped-decorator]
    def look(world, ids, seen):  # type: ignore[no-untyped-def]
        """What the vehicles of simulations `ids` see, into seen[ids] (float64)."""
        if not made_by:
            return
        for i in ids:
            sense(world.history[i], world.box[i], world.trial[i], world.settings, world.key[i], seen[i])

    @numba.njit(nogil=True, error_model="numpy", cache=True)  # type: ignore[untyped-decorator]
    def begin(world, ids):  # type: ignore[no-untyped-def]
        """Fill the past of the simulations `ids`, and the gaps that they begin with."""
        if not made_by:
            return
        pose = np.zeros((2, 3))
        for i in ids:
            for h in range(HISTORY):
                for c in range(NCAR):
                    world.history[i, h, c] = world.car[i, c]
            n = bodies(world.car[i], world.settings, pose)
            _watch(pose, n, world.box[i], world.trial[i], world.settings)
            away, _ = miss(pose, n - 1, world.trial[i])
            world.trial[i, FIRST_MISS] = away

    return advance, look, begin


_CALLED = [Path(str(m.__file__)) for m in (boxes_compiled, counted, parameters, rays)]
advance, look, begin = _entries(digest(Path(__file__).parent, *_CALLED))
