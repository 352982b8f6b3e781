"""How people walk and the other vehicles drive: declared rules without randomness of their own.

    walk(body, k, trial, settings)         # one substep of person k
    drive_other(body, k, settings)         # one substep of vehicle k

A person walks towards a point at a pace of its own, stops once for a while, and goes on. One who waits between racks
steps out when the driven vehicle comes near, crosses the aisle and then walks along it. Whoever has a vehicle nearer
than `REACTS_M` in the way walks around it, on the side where it is already: attentive people early, others at the last
moment. Nobody walks into a vehicle: a contact is always the vehicle's doing. People do not see each other.

Another vehicle drives straight along its lane, stops before whatever is in it, and leaves at the end of the aisle. Its
brakes are perfect.

The rules are ours: plausible, and fitted to no recording.
"""

from __future__ import annotations

import math

from jangin.vehicle.aisles.columns import (
    ALONG,
    CROSSES,
    END_HIGH,
    END_LOW,
    HALF_WIDTH,
    HEADING,
    KIND,
    LENGTH,
    NOBODY,
    PACE,
    PERSON,
    PERSON_RADIUS_M,
    PHASE,
    REACTS_M,
    SPEED,
    STOP_AT_S,
    STOP_FOR_S,
    SUBSTEP,
    TO_X,
    TO_Y,
    TRIGGER_M,
    VX,
    VY,
    WAITS,
    WALKED_S,
    WALKS,
    WIDTH,
    X,
    Y,
)
from jangin.vehicle.lanes.jit import jit

__all__ = ["drive_other", "towards_box", "walk"]

CHANGE_S = 0.3  # time constant of a person's velocity
SIDESTEP = 0.7  # of the pace, sideways around a vehicle that is very near
KEEP_M = 0.02  # nobody comes nearer to a vehicle by walking
WALL_M = 0.32  # a person's middle keeps this far from the racks
ARRIVED_M = 0.15
OTHER_BRAKE_M_S2, OTHER_ACCEL_M_S2 = 1.0, 0.5
OTHER_KEEPS_M, OTHER_ASIDE_M = 0.4, 0.15  # ahead and aside of another vehicle


@jit
def towards_box(x, y, body, j):  # type: ignore[no-untyped-def]
    """Unit vector and distance [m] from a point to the nearest point of body j's box; distance 0 inside."""
    c, s = math.cos(body[j, HEADING]), math.sin(body[j, HEADING])
    dx, dy = x - body[j, X], y - body[j, Y]
    u, v = c * dx + s * dy, c * dy - s * dx
    half_l, half_w = 0.5 * body[j, LENGTH], 0.5 * body[j, WIDTH]
    pu, pv = min(max(u, -half_l), half_l) - u, min(max(v, -half_w), half_w) - v
    distance = math.hypot(pu, pv)
    if distance < 1e-9:
        pu, pv = -u, -v  # inside: its centre is the way in, so that the way out is allowed
        size = max(math.hypot(pu, pv), 1e-9)
        return (c * pu - s * pv) / size, (s * pu + c * pv) / size, 0.0
    return (c * pu - s * pv) / distance, (s * pu + c * pv) / distance, distance


@jit
def _heads_for(body, k, trial, settings):  # type: ignore[no-untyped-def]
    """The velocity that person k wants with nothing in the way; takes care of waiting, stopping and turning round."""
    if body[k, PHASE] == WAITS:
        if body[k, X] - (body[0, X] + 0.5 * body[0, LENGTH]) > body[k, TRIGGER_M]:
            return 0.0, 0.0
        body[k, PHASE] = CROSSES
    if body[k, WALKED_S] >= body[k, STOP_AT_S] and body[k, STOP_FOR_S] > 0.0:
        body[k, STOP_FOR_S] -= settings[SUBSTEP]
        return 0.0, 0.0
    body[k, WALKED_S] += settings[SUBSTEP]
    dx, dy = body[k, TO_X] - body[k, X], body[k, TO_Y] - body[k, Y]
    far = math.hypot(dx, dy)
    if body[k, PHASE] == CROSSES and abs(dy) < ARRIVED_M:
        body[k, PHASE] = WALKS
        body[k, TO_X] = settings[END_HIGH] if body[k, ALONG] > 0.0 else settings[END_LOW]
        body[k, TO_Y] = body[k, Y]
    elif body[k, PHASE] == WALKS and abs(dx) < 0.5:  # at the end of the aisle it turns round
        body[k, ALONG] = -body[k, ALONG]
        body[k, TO_X] = settings[END_HIGH] if body[k, ALONG] > 0.0 else settings[END_LOW]
    return body[k, PACE] * dx / max(far, 1e-6), body[k, PACE] * dy / max(far, 1e-6)


@jit
def _extent(body, j):  # type: ignore[no-untyped-def]
    """Half of the room that body j takes along the aisle and across it [m]."""
    c, s = abs(math.cos(body[j, HEADING])), abs(math.sin(body[j, HEADING]))
    return 0.5 * (body[j, LENGTH] * c + body[j, WIDTH] * s), 0.5 * (body[j, LENGTH] * s + body[j, WIDTH] * c)


@jit
def _side(body, k, j, nx, ny, edge):  # type: ignore[no-untyped-def]
    """On which side of the direction (nx, ny) person k goes around body j: where it is, unless the rack leaves no room.

    +1: along (-ny, nx).
    """
    side = 1.0 if -ny * (body[k, X] - body[j, X]) + nx * (body[k, Y] - body[j, Y]) >= 0.0 else -1.0
    _, half = _extent(body, j)
    needs = half + PERSON_RADIUS_M
    up = side * nx > 0.0
    blocked = body[j, Y] + needs > edge if up else body[j, Y] - needs < -edge
    return -side if abs(nx) > 0.5 and blocked else side


@jit
def _may_stand(x, y, body, k):  # type: ignore[no-untyped-def]
    """Does person k, by going to (x, y), come nearer than KEEP_M to no vehicle, or at least no nearer than it is?"""
    for j in range(len(body)):
        if body[j, KIND] in (NOBODY, PERSON):
            continue
        _, _, then = towards_box(x, y, body, j)
        if then < PERSON_RADIUS_M + KEEP_M:
            _, _, now = towards_box(body[k, X], body[k, Y], body, j)
            if then < now - 1e-6:
                return False
    return True


@jit
def walk(body, k, trial, settings):  # type: ignore[no-untyped-def]
    """Advance person k by a substep; the vehicles are where they were before it."""
    step = settings[SUBSTEP]
    vx, vy = _heads_for(body, k, trial, settings)
    for j in range(len(body)):
        if body[j, KIND] in (NOBODY, PERSON):
            continue
        nx, ny, distance = towards_box(body[k, X], body[k, Y], body, j)
        into = vx * nx + vy * ny
        reacts = body[k, REACTS_M]
        near = 1.0 - (distance - PERSON_RADIUS_M) / reacts
        if into <= 0.0 or near <= 0.0:
            continue
        near = min(near, 1.0)
        around = SIDESTEP * body[k, PACE] * near * _side(body, k, j, nx, ny, trial[HALF_WIDTH] - WALL_M)
        vx += -near * into * nx - around * ny
        vy += -near * into * ny + around * nx
    slower = min(body[k, PACE] / max(math.hypot(vx, vy), 1e-9), 1.0)  # nobody runs to make way
    vx, vy = slower * vx, slower * vy
    share = min(step / CHANGE_S, 1.0)
    vx, vy = body[k, VX] + share * (vx - body[k, VX]), body[k, VY] + share * (vy - body[k, VY])
    for j in range(len(body)):
        if body[j, KIND] in (NOBODY, PERSON):
            continue
        nx, ny, distance = towards_box(body[k, X], body[k, Y], body, j)
        excess = vx * nx + vy * ny - max(distance - PERSON_RADIUS_M - KEEP_M, 0.0) / step
        if excess > 0.0:
            vx -= excess * nx
            vy -= excess * ny
    edge = trial[HALF_WIDTH] - WALL_M
    x, y = body[k, X] + vx * step, body[k, Y] + vy * step
    if body[k, PHASE] == WALKS:
        y = min(max(y, -edge), edge)
    if not _may_stand(x, y, body, k):
        x, y = body[k, X], body[k, Y]
    body[k, VX], body[k, VY] = (x - body[k, X]) / step, (y - body[k, Y]) / step
    body[k, X], body[k, Y] = x, y
    if math.hypot(body[k, VX], body[k, VY]) > 0.1:
        body[k, HEADING] = math.atan2(body[k, VY], body[k, VX])


@jit
def drive_other(body, k, settings):  # type: ignore[no-untyped-def]
    """Advance vehicle k, one that drives, by a substep."""
    step, along = settings[SUBSTEP], body[k, ALONG]
    room = 1e3
    for j in range(len(body)):
        if j == k or body[j, KIND] == NOBODY:
            continue
        reach_x, reach_y = _extent(body, j)
        ahead = along * (body[j, X] - body[k, X])
        aside = abs(body[j, Y] - body[k, Y])
        if ahead > 0.0 and aside < 0.5 * body[k, WIDTH] + reach_y + OTHER_ASIDE_M:
            room = min(room, ahead - 0.5 * body[k, LENGTH] - reach_x)
    allowed = math.sqrt(2.0 * OTHER_BRAKE_M_S2 * max(room - OTHER_KEEPS_M, 0.0))
    body[k, SPEED] = min(body[k, SPEED] + OTHER_ACCEL_M_S2 * step, body[k, PACE], allowed)
    body[k, VX] = along * body[k, SPEED]
    body[k, X] += body[k, VX] * step
    if body[k, X] < settings[END_LOW] or body[k, X] > settings[END_HIGH]:
        body[k, KIND] = NOBODY
