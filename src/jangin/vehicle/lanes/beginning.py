"""Traffic when a trial begins, and who comes in at the ends of the stretch that is simulated.

    place_traffic(car, trial, settings, people, u)       # u: NDRAWS uniforms a vehicle
    place_peer(car, trial, settings, people, u)          # as highway-env places it
    wrap(car, order, place, trial, settings)             # who has left comes in again at the other end

Traffic moves with the driven vehicle: from `BEHIND` metres behind it to `AHEAD` metres ahead. Who leaves at one end
waits outside until there is a gap at the other, so the density stays what it was declared to be.
"""

from __future__ import annotations

import math

from jangin.vehicle.lanes.columns import (
    ACCEL,
    AHEAD,
    BEHIND,
    EXPONENT,
    HEADING,
    HEADWAY,
    JAM_GAP,
    KEEP_RIGHT,
    LANE_WIDTH,
    LANES,
    LENGTH,
    PRESENT,
    SPEED,
    STEER,
    TARGET,
    V0,
    D,
    S,
)
from jangin.vehicle.lanes.jit import jit
from jangin.vehicle.lanes.neighbours import ahead, behind, gap
from jangin.vehicle.traffic.following import idm_equilibrium_gap

__all__ = ["NDRAWS", "OUTSIDE", "place_peer", "place_traffic", "wrap"]

NPERSON = KEEP_RIGHT - LENGTH + 1  # columns LENGTH .. KEEP_RIGHT are drawn from the population
NDRAWS = NPERSON + 3  # and the class, the lane, the place
OUTSIDE = -1e9  # S of a vehicle that waits to come in
SPREAD = 0.5  # of a spacing, over which a place is drawn
CLEAR_M = 25.0  # around the driven vehicle, in its lane
BISECTIONS = 24


@jit
def _person(car, k, people, u):  # type: ignore[no-untyped-def]
    """Draw who drives vehicle k and what: a class by its share, then every column evenly over its range."""
    kind, below = 0, people[0, 0, 0]
    while kind < len(people) - 1 and u[0] >= below:
        kind += 1
        below += people[kind, 0, 0]
    for c in range(NPERSON):
        low, high = people[kind, c + 1, 0], people[kind, c + 1, 1]
        car[k, LENGTH + c] = low + (high - low) * u[1 + c]


@jit
def _settled_speed(car, k, room, limit):  # type: ignore[no-untyped-def]
    """The speed [m/s], at most `limit`, that driver k keeps behind a leader `room` metres ahead."""
    low, high = 0.0, min(car[k, V0], limit)
    if idm_equilibrium_gap(high, car[k, V0] * 1.0001, car[k, HEADWAY], car[k, JAM_GAP], car[k, EXPONENT]) <= room:
        return high
    for _ in range(BISECTIONS):
        v = 0.5 * (low + high)
        if idm_equilibrium_gap(v, car[k, V0] * 1.0001, car[k, HEADWAY], car[k, JAM_GAP], car[k, EXPONENT]) <= room:
            low = v
        else:
            high = v
    return low


@jit
def place_traffic(car, trial, settings, people, u):  # type: ignore[no-untyped-def]
    """Vehicles 1, 2 ... in turn over the lanes, evenly spaced and then shifted; nobody right beside the driven one."""
    lanes, width, n = int(settings[LANES]), settings[LANE_WIDTH], len(car) - 1
    length = trial[AHEAD] + trial[BEHIND]
    for k in range(1, n + 1):
        _person(car, k, people, u[(k - 1) * NDRAWS : k * NDRAWS])
        lane, row = (k - 1) % lanes, (k - 1) // lanes
        in_lane = (n - lane + lanes - 1) // lanes
        spacing = length / in_lane
        shift = SPREAD * u[k * NDRAWS - 1] + (lane * 0.37 + 0.11) % 1.0
        car[k, S] = car[0, S] - trial[BEHIND] + spacing * ((row + shift) % in_lane)
        car[k, D], car[k, TARGET], car[k, PRESENT] = lane * width, lane, 1.0
        near = abs(car[k, S] - car[0, S]) < CLEAR_M + 0.5 * (car[k, LENGTH] + car[0, LENGTH])
        if near and abs(car[k, D] - car[0, D]) < width:
            car[k, S], car[k, PRESENT] = OUTSIDE, 0.0
    for k in range(1, n + 1):  # speeds behind leaders, the leader being the next one of the lane, round the stretch
        room, leader_v0 = length, 1e9
        for j in range(1, n + 1):
            if j != k and car[j, TARGET] == car[k, TARGET] and car[j, PRESENT] and car[k, PRESENT]:
                free = (car[j, S] - car[k, S]) % length - 0.5 * (car[j, LENGTH] + car[k, LENGTH])
                if free < room:
                    room, leader_v0 = free, car[j, V0]
        car[k, SPEED] = _settled_speed(car, k, max(room, 0.0), leader_v0 + 2.0)


@jit
def place_peer(car, trial, settings, people, u):  # type: ignore[no-untyped-def]
    """One vehicle after the other ahead of the driven one, each in a lane of its own choosing, as highway-env does.

    The spacing is 12 m and a second's way, less with more lanes, 10 % more or less; who wants what speed drives it.
    """
    lanes = settings[LANES]
    at = car[0, S]
    for k in range(1, len(car)):
        mine = u[(k - 1) * NDRAWS : k * NDRAWS]
        _person(car, k, people, mine)
        car[k, SPEED] = car[k, V0]
        at += (12.0 + car[k, SPEED]) * math.exp(-5.0 / 40.0 * lanes) * (0.9 + 0.2 * mine[NDRAWS - 1])
        lane = math.floor(mine[NDRAWS - 2] * lanes)
        car[k, S], car[k, D], car[k, TARGET], car[k, PRESENT] = at, lane * settings[LANE_WIDTH], lane, 1.0


@jit
def _sort_one(car, order, place, k):  # type: ignore[no-untyped-def]
    """Put vehicle k, which alone has moved, where it belongs."""
    p = place[k]
    while p + 1 < len(order) and car[order[p + 1], S] < car[k, S]:
        order[p] = order[p + 1]
        place[order[p]] = p
        p += 1
    while p > 0 and car[order[p - 1], S] > car[k, S]:
        order[p] = order[p - 1]
        place[order[p]] = p
        p -= 1
    order[p], place[k] = k, p


@jit
def _come_in(car, order, place, trial, settings):  # type: ignore[no-untyped-def]
    """Let the first vehicle that waits outside in, if a lane has room at the end it is to come in by."""
    width = settings[LANE_WIDTH]
    for k in range(1, len(car)):
        if car[k, PRESENT]:
            continue
        outside, behind_it = car[k, S], car[k, S] > OUTSIDE + 0.5
        car[k, S] = car[0, S] + (-trial[BEHIND] if behind_it else trial[AHEAD])
        _sort_one(car, order, place, k)
        best, lane, speed = 0.0, -1.0, 0.0
        for one in range(int(settings[LANES])):
            front, rear = ahead(car, order, place, k, one, width), behind(car, order, place, k, one, width)
            room_front = gap(car, k, front) if front >= 0 else trial[AHEAD]
            room_rear = gap(car, rear, k) if rear >= 0 else trial[AHEAD]
            limit = car[front, SPEED] + 2.0 if front >= 0 else car[k, V0]
            v = _settled_speed(car, k, max(room_front, 0.0), limit)
            if rear == 0 or (rear > 0 and room_rear < car[rear, HEADWAY] * car[rear, SPEED]):
                continue
            if room_front < car[k, JAM_GAP] + car[k, HEADWAY] * v * 0.8 or v < 0.5 * car[0, SPEED]:
                continue
            if min(room_front, room_rear) > best:
                best, lane, speed = min(room_front, room_rear), float(one), v
        if lane < 0.0:
            car[k, S] = outside
            _sort_one(car, order, place, k)
            continue
        car[k, D], car[k, TARGET], car[k, SPEED], car[k, PRESENT] = lane * width, lane, speed, 1.0
        car[k, HEADING] = car[k, STEER] = car[k, ACCEL] = 0.0
        return


@jit
def wrap(car, order, place, trial, settings):  # type: ignore[no-untyped-def]
    """Take out who has left the stretch, and let one that waits outside in where there is room."""
    for k in range(1, len(car)):
        away = car[k, S] - car[0, S]
        if car[k, PRESENT] and not -trial[BEHIND] <= away <= trial[AHEAD]:
            # whoever was faster than the driven vehicle comes from behind again, the others from ahead
            car[k, S], car[k, PRESENT] = OUTSIDE + (1.0 if away > 0.0 else 0.0), 0.0
            _sort_one(car, order, place, k)
    _come_in(car, order, place, trial, settings)
