"""The loop: control periods of many simulations, each by itself, from decision to outcome.

    advance(world, ids, actions, reward, cost, outcome)      # one control period of each simulation in `ids`
    sense(world, ids, seen)                                  # what each of them sees then
    begin(world, ids, u, peer)                               # traffic at the start of a trial

A period: the policy's decision; then substeps in each of which every driver looks, all move, and the swept boxes of the
driven vehicle and of those near it are checked for contact. The driven vehicle's rear is not its own doing, so that is
noted. `World` is a named tuple of arrays, a row a simulation.
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
from jangin.vehicle import boxes_compiled
from jangin.vehicle.boxes_compiled import boxes_swept
from jangin.vehicle.lanes.beginning import place_peer, place_traffic, wrap
from jangin.vehicle.lanes.columns import (
    ACCEL,
    COLLISION,
    CONTINUOUS,
    CORRECTED,
    CURVATURE,
    EGO_ACCEL,
    EGO_BRAKE,
    FROM_BEHIND,
    GAP_AHEAD,
    GOAL,
    HEADING,
    HISTORY,
    IMPACT,
    INVALID_STATE,
    KINEMATICS,
    LANE_CHANGES,
    LANE_WIDTH,
    LANES,
    LAST_SUBSTEP,
    LENGTH,
    MIN_HEADWAY,
    MIN_TTC,
    OFF_ROAD,
    PEAK_DECEL,
    PEAK_DEFICIT,
    PEER,
    PER_PERIOD,
    PRESENT,
    RAMP_END,
    RUNNING,
    SCRAPES,
    SHIELD,
    SHIELDED,
    SPEED,
    SPEED_LOW,
    SPEED_STEP,
    SPEEDS,
    START,
    STEER,
    STEER_MAX,
    STEER_RATE,
    SUBSTEP,
    SUBSTEPS_DONE,
    SUCCESS,
    TARGET,
    TARGET_SPEED,
    TIMEOUT,
    TRACK_BRAKE,
    TRACK_S,
    TTC,
    WHEELBASE,
    WIDTH,
    WRAP,
    D,
    S,
)
from jangin.vehicle.lanes.decisions import consider, wish
from jangin.vehicle.lanes.jit import jit, scalar
from jangin.vehicle.lanes.motion import keep_lane, move, sin_slip, slip_of, steer_of, yaw_wanted
from jangin.vehicle.lanes.neighbours import ahead, gap, sort
from jangin.vehicle.lanes.sensing import sense_frenet, sense_kinematics
from jangin.vehicle.lanes.shield import braked, leader, may_enter, shortfall
from jangin.vehicle.traffic import following, lane_change

__all__ = ["World", "advance", "begin", "sense"]

_CALLED = [Path(str(m.__file__)) for m in (boxes_compiled, counted, following, lane_change)]
CHOICE = 1.0 / 3.0  # a meta-action of less is none
SIDEWAYS_M_S, PEER_SIDEWAYS_M_S = 1.5, 100.0  # the fastest way into another lane
WHEELBASE_SHARE = 0.6  # of the length, of those whose wheelbase nobody knows
SNAP_M, SNAP_RAD = 0.01, 1e-3  # so near to the middle of its lane a vehicle is in it
NEAR_M = 12.0  # beyond both half lengths: what is farther does not come to touch in a substep
CALM_TTC_S, DEAREST = 4.0, 3.0  # a longer time to collision costs nothing; and no period costs more
CRASH_COST, STEP_SPEED_M_S, LANE_CHANGE_COST = 12.0, 20.0, 0.05


class World(NamedTuple):
    """All simulations: a row of each array is one."""

    car: np.ndarray  # (nsim, ncar, NCAR)
    trial: np.ndarray  # (nsim, NTRIAL)
    order: np.ndarray  # (nsim, ncar) int64, from behind
    place: np.ndarray  # (nsim, ncar) int64, its inverse
    history: np.ndarray  # (nsim, HISTORY, ncar, 4)
    key: np.ndarray  # (nsim,) uint64, of the sensors' noise
    settings: np.ndarray  # (NSETTINGS,)
    people: np.ndarray  # (nclass, 1 + NPERSON, 2) the others' population


# ── the decision ─────────────────────────────────────────────────────────────────────────────────────────────────────


@jit
def _decide(car, order, place, trial, settings, action):  # type: ignore[no-untyped-def]
    """Take a meta-action: another lane, else another speed, else nothing. Returns 1 if the shield forbade it."""
    speed, lane = action[0], action[1]
    if abs(lane) > CHOICE and abs(lane) >= abs(speed):
        to = car[0, TARGET] + (1.0 if lane > 0.0 else -1.0)
        if 0.0 <= to <= settings[LANES] - 1.0:
            if settings[SHIELD] and not may_enter(car, order, place, to, settings):
                return 1.0
            car[0, TARGET] = to
            trial[LANE_CHANGES] += 1.0
    elif abs(speed) > CHOICE:
        now = math.floor((car[0, SPEED] - settings[SPEED_LOW]) / settings[SPEED_STEP] + 0.5)
        to = min(max(now + (1.0 if speed > 0.0 else -1.0), 0.0), settings[SPEEDS] - 1.0)
        trial[TARGET_SPEED] = settings[SPEED_LOW] + to * settings[SPEED_STEP]
    return 0.0


@jit
def _drive(car, order, place, trial, settings, action, forbidden):  # type: ignore[no-untyped-def]
    """Acceleration and steering angle of the driven vehicle for a substep, after the shield."""
    v, step = car[0, SPEED], settings[SUBSTEP]
    if settings[CONTINUOUS]:
        accel, rate = action[0], action[1]
        steer = car[0, STEER] + min(max(rate, -settings[STEER_RATE]), settings[STEER_RATE]) * step
        lane = math.floor(car[0, D] / settings[LANE_WIDTH] + 0.5)
        car[0, TARGET] = lane
    else:
        accel = max((trial[TARGET_SPEED] - v) / settings[TRACK_S], -settings[TRACK_BRAKE])
        fastest = PEER_SIDEWAYS_M_S if settings[PEER] else SIDEWAYS_M_S
        middle, wheelbase = car[0, TARGET] * settings[LANE_WIDTH], settings[WHEELBASE]
        wanted = steer_of(sin_slip(yaw_wanted(car, 0, middle, trial[CURVATURE], wheelbase, fastest), v, wheelbase))
        turn = settings[STEER_RATE] * step
        steer = min(max(wanted, car[0, STEER] - turn), car[0, STEER] + turn)
    steer = min(max(steer, -settings[STEER_MAX]), settings[STEER_MAX])
    accel = min(max(accel, -settings[EGO_BRAKE]), settings[EGO_ACCEL])
    if settings[SHIELD]:
        safe = braked(accel, car, order, place, settings)
        if safe < accel or forbidden:
            trial[CORRECTED] += 1.0
            trial[SHIELDED] += 1.0 / settings[PER_PERIOD]
        accel = safe
    return accel, steer


# ── a substep ────────────────────────────────────────────────────────────────────────────────────────────────────────


@jit
def _others(car, order, place, trial, settings, wanted):  # type: ignore[no-untyped-def]
    """What the other drivers want now, into `wanted` (ncar,); lane changes once a second, in turn."""
    per_second = round(1.0 / settings[SUBSTEP])
    done = int(trial[SUBSTEPS_DONE])
    for k in range(1, len(car)):
        if not car[k, PRESENT]:
            continue
        if (done + k) % per_second == 0:
            consider(car, order, place, k, settings)
            j = ahead(car, order, place, k, car[k, TARGET], settings[LANE_WIDTH])
            if j > 0 and gap(car, k, j) < 0.0 and abs(car[k, D] - car[j, D]) < 0.5 * (car[k, WIDTH] + car[j, WIDTH]):
                trial[SCRAPES] += 1.0
        wanted[k] = wish(car, order, place, k, settings)


@jit
def _move_others(car, trial, settings, wanted):  # type: ignore[no-untyped-def]
    width, curvature, step = settings[LANE_WIDTH], trial[CURVATURE], settings[SUBSTEP]
    fastest = PEER_SIDEWAYS_M_S if settings[PEER] else SIDEWAYS_M_S
    for k in range(1, len(car)):
        if not car[k, PRESENT]:
            continue
        middle, wheelbase = car[k, TARGET] * width, WHEELBASE_SHARE * car[k, LENGTH]
        lean = 0.5 * wheelbase * curvature  # the middle of a vehicle that follows a curve moves at this angle
        if abs(car[k, D] - middle) < SNAP_M and abs(car[k, HEADING] + lean) < SNAP_RAD:
            car[k, D], car[k, HEADING] = middle, -lean
            keep_lane(car, k, wanted[k], curvature, step)
        else:
            yaw = yaw_wanted(car, k, middle, curvature, wheelbase, fastest)
            move(car, k, wanted[k], sin_slip(yaw, car[k, SPEED], wheelbase), curvature, wheelbase, step)


@scalar
def _aside(s, d, curvature, base):  # type: ignore[no-untyped-def]
    """Where (s, d) lies in the plane whose x axis touches the road at `base`, exactly for an even curvature."""
    along = s - base
    if curvature == 0.0:
        return along, d
    angle, radius = curvature * along, 1.0 / curvature
    return (radius - d) * math.sin(angle), radius - (radius - d) * math.cos(angle)


@jit
def _contact(car, before, trial):  # type: ignore[no-untyped-def]
    """The vehicle whose box the driven one touched first in the last substep, or -1."""
    curvature, base = trial[CURVATURE], before[0, 0]
    first, who = np.inf, -1
    x1, y1 = _aside(before[0, 0], before[0, 1], curvature, base)
    x2, y2 = _aside(car[0, S], car[0, D], curvature, base)
    for k in range(1, len(car)):
        reach = 0.5 * (car[0, LENGTH] + car[k, LENGTH]) + NEAR_M
        if not car[k, PRESENT] or abs(car[k, S] - car[0, S]) > reach or abs(car[k, D] - car[0, D]) > 6.0:
            continue
        x3, y3 = _aside(before[k, 0], before[k, 1], curvature, base)
        x4, y4 = _aside(car[k, S], car[k, D], curvature, base)
        at = boxes_swept(
            x1, y1, before[0, 2], x2, y2, car[0, HEADING] + curvature * (car[0, S] - base),
            car[0, LENGTH], car[0, WIDTH],
            x3, y3, before[k, 2] + curvature * (before[k, 0] - base),
            x4, y4, car[k, HEADING] + curvature * (car[k, S] - base), car[k, LENGTH], car[k, WIDTH],
        )  # fmt: skip
        if at < first:
            first, who = at, k
    return who


@jit
def _watch(car, order, place, trial, settings):  # type: ignore[no-untyped-def]
    """Keep the worst of what safety is judged by."""
    j = leader(car, order, place, settings)
    trial[GAP_AHEAD], trial[TTC] = np.inf, np.inf
    if car[0, SPEED] > 0.0:
        trial[PEAK_DECEL] = max(trial[PEAK_DECEL], -car[0, ACCEL])
    if j < 0:
        return
    room, closing = gap(car, 0, j), car[0, SPEED] - car[j, SPEED]
    trial[GAP_AHEAD] = room
    trial[PEAK_DEFICIT] = max(trial[PEAK_DEFICIT], shortfall(car, j, settings))
    if car[0, SPEED] > 1.0:
        trial[MIN_HEADWAY] = min(trial[MIN_HEADWAY], max(room, 0.0) / car[0, SPEED])
    if closing > 0.0:
        trial[TTC] = max(room, 0.0) / closing
        trial[MIN_TTC] = min(trial[MIN_TTC], trial[TTC])


@jit
def _outcome(car, before, trial, settings):  # type: ignore[no-untyped-def]
    """How the trial stands after a substep."""
    if not (math.isfinite(car[0, S]) and math.isfinite(car[0, D]) and math.isfinite(car[0, SPEED])):
        return INVALID_STATE
    width = settings[LANE_WIDTH]
    who = _contact(car, before, trial)
    if who >= 0:
        vx = car[0, SPEED] * math.cos(car[0, HEADING]) - car[who, SPEED] * math.cos(car[who, HEADING])
        vy = car[0, SPEED] * math.sin(car[0, HEADING]) - car[who, SPEED] * math.sin(car[who, HEADING])
        trial[IMPACT] = max(math.hypot(vx, vy), 0.1)
        behind_it = car[0, S] - car[who, S] > 0.25 * (car[0, LENGTH] + car[who, LENGTH])
        trial[FROM_BEHIND] = 1.0 if behind_it and car[who, SPEED] > car[0, SPEED] else 0.0
        return COLLISION
    rightmost = -0.5 * width
    if car[0, S] + 0.5 * car[0, LENGTH] < trial[RAMP_END]:
        rightmost -= width
    if car[0, D] < rightmost or car[0, D] > (settings[LANES] - 0.5) * width:
        return OFF_ROAD
    if car[0, S] - trial[START] >= trial[GOAL]:
        return SUCCESS
    return TIMEOUT if trial[SUBSTEPS_DONE] >= settings[LAST_SUBSTEP] else RUNNING


@jit
def _remember(car, history, done):  # type: ignore[no-untyped-def]
    row = history[done % HISTORY]
    for k in range(len(car)):
        row[k, 0], row[k, 1], row[k, 2], row[k, 3] = car[k, S], car[k, D], car[k, SPEED], car[k, HEADING]


@numba.njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _period(car, order, place, trial, history, settings, action, before, wanted):  # type: ignore[no-untyped-def]
    """One control period of one simulation; returns (outcome, way driven [m], lane changes begun)."""
    begun, from_s = trial[LANE_CHANGES], car[0, S]
    trial[SHIELDED] = 0.0
    forbidden = 0.0
    if not settings[CONTINUOUS]:
        forbidden = _decide(car, order, place, trial, settings, action)
    found = RUNNING
    for _ in range(int(settings[PER_PERIOD])):
        for k in range(len(car)):
            before[k, 0], before[k, 1], before[k, 2] = car[k, S], car[k, D], car[k, HEADING]
        accel, steer = _drive(car, order, place, trial, settings, action, forbidden)
        _others(car, order, place, trial, settings, wanted)
        car[0, STEER] = steer
        move(car, 0, accel, slip_of(steer), trial[CURVATURE], settings[WHEELBASE], settings[SUBSTEP])
        _move_others(car, trial, settings, wanted)
        sort(car, order, place)
        trial[SUBSTEPS_DONE] += 1.0
        _remember(car, history, int(trial[SUBSTEPS_DONE]))
        _watch(car, order, place, trial, settings)
        found = _outcome(car, before, trial, settings)
        if found != RUNNING:
            break
    if settings[WRAP] and found == RUNNING:
        wrap(car, order, place, trial, settings)
    return found, car[0, S] - from_s, trial[LANE_CHANGES] - begun


def _entries(made_by: int) -> tuple[Callable[..., None], Callable[..., None], Callable[..., None]]:
    """What Python calls, kept on disk under a digest of everything it is compiled from."""

    @numba.njit(nogil=True, error_model="numpy", cache=True)  # type: ignore[untyped-decorator]
    def advance(world, ids, actions, reward, cost, outcome):  # type: ignore[no-untyped-def]
        """One control period of each simulation in `ids`; reward, cost, outcome (len(ids),) are filled.

        Reward: the way driven beyond 20 m/s, in tenths; less a collision and, a little, lane changes. Cost: by how much
        the inverse of the time to collision is above that of 4 s [1/s].
        """
        if not made_by:
            return
        settings = world.settings
        ncar = world.car.shape[1]
        before, wanted = np.empty((ncar, 3)), np.zeros(ncar)
        period_s = settings[SUBSTEP] * settings[PER_PERIOD]
        for n in range(len(ids)):
            i = ids[n]
            found, way, changes = _period(
                world.car[i], world.order[i], world.place[i], world.trial[i], world.history[i], settings, actions[i],
                before, wanted,
            )  # fmt: skip
            reward[n] = 0.1 * (way - STEP_SPEED_M_S * period_s) - LANE_CHANGE_COST * changes
            if found in (COLLISION, OFF_ROAD):
                reward[n] -= CRASH_COST
            ttc = world.trial[i, TTC]
            cost[n] = min(max(1.0 / max(ttc, 0.1) - 1.0 / CALM_TTC_S, 0.0), DEAREST)
            outcome[n] = found

    @numba.njit(nogil=True, error_model="numpy", cache=True)  # type: ignore[untyped-decorator]
    def sense(world, ids, seen):  # type: ignore[no-untyped-def]
        """What the vehicles of simulations `ids` see, into seen[ids] (float64)."""
        if not made_by:
            return
        kinematics = world.settings[KINEMATICS] == 1.0
        for i in ids:
            if kinematics:
                sense_kinematics(world.car[i], world.history[i], world.trial[i], world.settings, world.key[i], seen[i])
            else:
                sense_frenet(world.car[i], world.history[i], world.trial[i], world.settings, world.key[i], seen[i])

    @numba.njit(nogil=True, error_model="numpy", cache=True)  # type: ignore[untyped-decorator]
    def begin(world, ids, u):  # type: ignore[no-untyped-def]
        """Put traffic around the driven vehicles of `ids`, which are in place; u (len(ids), (ncar - 1) * NDRAWS)."""
        if not made_by:
            return
        ncar = world.car.shape[1]
        for n in range(len(ids)):
            i = ids[n]
            car, trial = world.car[i], world.trial[i]
            if world.settings[PEER]:
                place_peer(car, trial, world.settings, world.people, u[n])
            else:
                place_traffic(car, trial, world.settings, world.people, u[n])
            for k in range(ncar):
                world.order[i, k] = world.place[i, k] = k
            sort(car, world.order[i], world.place[i])
            for h in range(HISTORY):
                _remember(car, world.history[i], h)

    return advance, sense, begin


advance, sense, begin = _entries(digest(Path(__file__).parent, *_CALLED))
