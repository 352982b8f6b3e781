"""What the driven vehicle sees, late and noisy as its sensors are.

    sense_frenet(car, history, trial, settings, key, out)         # 36 numbers: itself, then eight neighbours
    sense_kinematics(car, history, trial, settings, key, out)     # 5 x 5: highway-env's Kinematics, without its noise

Others are seen as they were `LATENCY` substeps ago, relative to where the driven vehicle was then, within `RANGE`; its
own state is not late. Noise is a function of the trial's key, the substep and the channel, so looking twice shows the
same.
"""

from __future__ import annotations

import math

import numpy as np

from jangin.engine.counted import standard_normal
from jangin.vehicle.lanes.columns import (
    CURVATURE,
    GAP_NOISE_M,
    GOAL,
    HEADING,
    HISTORY,
    LANE_WIDTH,
    LANES,
    LAST_SUBSTEP,
    LATENCY,
    LENGTH,
    NOISE,
    OFFSET_NOISE_M,
    RAMP_END,
    RANGE,
    SLOTS,
    SPEED,
    SPEED_NOISE_M_S,
    START,
    STEER,
    SUBSTEP,
    SUBSTEPS_DONE,
    TARGET,
    TARGET_SPEED,
    WIDTH,
    D,
    S,
)
from jangin.vehicle.lanes.jit import jit, scalar
from jangin.vehicle.lanes.neighbours import TOUCH_M

__all__ = ["sense_frenet", "sense_kinematics"]

NOWN = 12
NSLOT = len(SLOTS)
PEER_SEEN = 5  # rows of highway-env's observation
FAR_M = 300.0  # an end of the lane that is farther is not seen
HS, HD, HV, HH = range(4)  # columns of the history


@scalar
def _seen_at(history, done, late, k, column):  # type: ignore[no-untyped-def]
    """A value of vehicle k as it was `late` substeps ago, between two substeps in proportion."""
    back = int(late)
    w = late - back
    new = max(done - back, 0) % HISTORY
    if w == 0.0:
        return history[new, k, column]
    old = max(done - back - 1, 0) % HISTORY
    return (1.0 - w) * history[new, k, column] + w * history[old, k, column]


@jit
def _noise(key, done, channel, sigma):  # type: ignore[no-untyped-def]
    return sigma * standard_normal(key, done * 64 + channel) if sigma > 0.0 else 0.0


@jit
def _itself(car, trial, settings, out):  # type: ignore[no-untyped-def]
    width = settings[LANE_WIDTH]
    lane = math.floor(car[0, D] / width + 0.5)
    out[0] = car[0, SPEED]
    out[1] = trial[TARGET_SPEED]
    out[2] = car[0, D] - lane * width
    out[3] = car[0, HEADING]
    out[4] = car[0, TARGET] - lane
    out[5] = 1.0 if 0.0 <= lane + 1.0 <= settings[LANES] - 1.0 else 0.0
    out[6] = 1.0 if lane >= 1.0 else 0.0
    ends = trial[RAMP_END] - car[0, S] - 0.5 * car[0, LENGTH] if lane < 0.0 else FAR_M
    out[7] = min(max(ends, 0.0), FAR_M)
    out[8] = trial[START] + trial[GOAL] - car[0, S]
    out[9] = trial[CURVATURE]
    out[10] = car[0, STEER]
    out[11] = (settings[LAST_SUBSTEP] - trial[SUBSTEPS_DONE]) * settings[SUBSTEP]
    return lane


@jit
def sense_frenet(car, history, trial, settings, key, out):  # type: ignore[no-untyped-def]
    """Fill `out` (36,): what is known of itself, then gap, relative speed and offset of each neighbour."""
    width, done, late, reach = settings[LANE_WIDTH], int(trial[SUBSTEPS_DONE]), trial[LATENCY], trial[RANGE]
    lane = _itself(car, trial, settings, out)
    gaps = np.full(NSLOT, reach)
    for slot in range(NSLOT):
        out[NOWN + 3 * slot], out[NOWN + 3 * slot + 1], out[NOWN + 3 * slot + 2] = reach, 0.0, 0.0
    s0, d0 = _seen_at(history, done, late, 0, HS), _seen_at(history, done, late, 0, HD)
    v0 = _seen_at(history, done, late, 0, HV)
    for k in range(1, len(car)):
        s, d = _seen_at(history, done, late, k, HS), _seen_at(history, done, late, k, HD)
        along = s - s0
        free = abs(along) - 0.5 * (car[k, LENGTH] + car[0, LENGTH])
        if free >= reach:
            continue
        v = _seen_at(history, done, late, k, HV)
        for side in range(-1, 2):
            if abs(d - (lane + side) * width) >= 0.5 * (width + car[k, WIDTH]) - TOUCH_M:
                continue
            first = 0 if side == 0 else (2 if side > 0 else 5)
            rear = first + (1 if side == 0 else 2)
            slot = first if along >= 0.0 else rear
            if slot == first and side != 0:
                if free < gaps[first]:
                    gaps[first + 1] = gaps[first]
                    for c in range(3):
                        out[NOWN + 3 * (first + 1) + c] = out[NOWN + 3 * first + c]
                elif free < gaps[first + 1]:
                    slot = first + 1
            if free < gaps[slot]:
                gaps[slot] = free
                out[NOWN + 3 * slot], out[NOWN + 3 * slot + 1], out[NOWN + 3 * slot + 2] = free, v - v0, d - d0
    noise = trial[NOISE]
    for slot in range(NSLOT):
        if gaps[slot] < reach:
            at = NOWN + 3 * slot
            out[at] += _noise(key, done, 3 * slot, noise * GAP_NOISE_M)
            out[at + 1] += _noise(key, done, 3 * slot + 1, noise * SPEED_NOISE_M_S)
            out[at + 2] += _noise(key, done, 3 * slot + 2, noise * OFFSET_NOISE_M)


@jit
def sense_kinematics(car, history, trial, settings, key, out):  # type: ignore[no-untyped-def]
    """Fill `out` (25,): presence, x, y, vx, vy of itself and of the four nearest from 10 m behind on, y to the right.

    Scaled as highway-env scales: x by 200 m, y by the width of the road, speeds by 80 m/s; the others relative to it.
    """
    lanes, width = settings[LANES], settings[LANE_WIDTH]
    done, late, reach = int(trial[SUBSTEPS_DONE]), trial[LATENCY], min(trial[RANGE], 200.0)
    out[:] = 0.0
    vx0, vy0 = car[0, SPEED] * math.cos(car[0, HEADING]), -car[0, SPEED] * math.sin(car[0, HEADING])
    out[0], out[1], out[2] = 1.0, car[0, S] / 200.0, (lanes - 1.0 - car[0, D] / width) / lanes
    out[3], out[4] = vx0 / 80.0, vy0 / 80.0
    s0, d0 = _seen_at(history, done, late, 0, HS), _seen_at(history, done, late, 0, HD)
    nearest = np.full(PEER_SEEN - 1, np.inf)
    who = np.full(PEER_SEEN - 1, -1)
    for k in range(1, len(car)):
        along, aside = _seen_at(history, done, late, k, HS) - s0, _seen_at(history, done, late, k, HD) - d0
        if along <= -10.0 or along * along + aside * aside >= reach * reach:
            continue
        near, j = abs(along), k
        for row in range(PEER_SEEN - 1):
            if near < nearest[row]:
                nearest[row], near = near, nearest[row]
                who[row], j = j, who[row]
    noise = trial[NOISE]
    for row in range(PEER_SEEN - 1):
        k = who[row]
        if k < 0:
            break
        v = _seen_at(history, done, late, k, HV) + _noise(key, done, 3 * row + 1, noise * SPEED_NOISE_M_S)
        psi = _seen_at(history, done, late, k, HH)
        along = _seen_at(history, done, late, k, HS) - s0 + _noise(key, done, 3 * row, noise * GAP_NOISE_M)
        aside = _seen_at(history, done, late, k, HD) - d0 + _noise(key, done, 3 * row + 2, noise * OFFSET_NOISE_M)
        at = 5 * (row + 1)
        out[at], out[at + 1], out[at + 2] = 1.0, along / 200.0, -aside / width / lanes
        out[at + 3], out[at + 4] = (v * math.cos(psi) - vx0) / 80.0, (-v * math.sin(psi) - vy0) / 80.0
    for c in range(5 * PEER_SEEN):
        out[c] = min(max(out[c], -1.0), 1.0)
