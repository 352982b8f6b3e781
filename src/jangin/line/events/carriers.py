"""Vehicles that carry parts to buffers: calls, empty and loaded driving, zones, charging; compiled.

A finished part whose room is kept makes its machine call; the call that has waited longest gets the nearest idle
vehicle. A vehicle takes a place in the zone it drives to before it sets out, and gives back that of the zone it leaves;
what it has put down it stands clear of.
"""

from __future__ import annotations

import math

from jangin.line.events import state as c
from jangin.line.events import view as v
from jangin.line.events.booking import plan
from jangin.line.events.buffers import hand_over, insert, offer
from jangin.line.events.jit import inlined, jit

__all__ = ["send_vehicles", "set_out_again", "vehicle_event"]


@jit
def send_vehicles(w, t):  # type: ignore[no-untyped-def]
    """Idle vehicles set out to who has called first."""
    for fleet in range(v.fleets(w)):
        while v.first_call(w)[fleet] >= 0:
            m = v.first_call(w)[fleet]
            s = v.machine(w)[m, c.M_STATION]
            best = _nearest_vehicle(w, fleet, s)
            if best < 0:
                break
            v.first_call(w)[fleet] = v.calls(w)[m]
            v.vehicle(w)[best, c.V_PHASE] = c.TO_SOURCE
            v.vehicle(w)[best, c.V_MACHINE] = m
            v.vehicle(w)[best, c.V_BUFFER] = v.machine(w)[m, c.M_DEST]
            _enter(w, best, s, t)


@jit
def _nearest_vehicle(w, fleet, s):  # type: ignore[no-untyped-def]
    first = v.fleet(w)[fleet, 0]
    found, least = -1, math.inf
    for k in range(first, first + v.fleet(w)[fleet, 1]):
        if v.vehicle(w)[k, c.V_PHASE] == c.PARKED:
            d = abs(v.place(w)[s, 0] - v.vehicle_s(w)[k, c.D_X]) + abs(v.place(w)[s, 1] - v.vehicle_s(w)[k, c.D_Y])
            if d < least:
                found, least = k, d
    return found


@jit
def _enter(w, k, s, t):  # type: ignore[no-untyped-def]
    """Get a place in the zone of station s, now or when one is free; then drive there."""
    zone = v.zone_of(w)[v.vehicle(w)[k, c.V_FLEET] * v.stations(w) + s]
    if zone >= 0 and zone != v.vehicle(w)[k, c.V_ZONE]:
        if v.zone(w)[zone, c.Z_FREE] == 0:
            v.vehicle(w)[k, c.V_NEXT] = -1
            if v.zone(w)[zone, c.Z_FIRST] < 0:
                v.zone(w)[zone, c.Z_FIRST] = k
            else:
                v.vehicle(w)[v.zone(w)[zone, c.Z_LAST], c.V_NEXT] = k
            v.zone(w)[zone, c.Z_LAST] = k
            _becomes(w, k, c.HELD_UP, t)
            return
        v.zone(w)[zone, c.Z_FREE] -= 1
    _set_out(w, k, zone, s, t)


@jit
def _set_out(w, k, zone, s, t):  # type: ignore[no-untyped-def]
    """Drive to station s with a place in its zone (-1: it is in none); the zone left behind gets its place back."""
    left = v.vehicle(w)[k, c.V_ZONE]
    v.vehicle(w)[k, c.V_ZONE] = zone
    _drive(w, k, v.place(w)[s, 0], v.place(w)[s, 1], t)
    if left >= 0 and left != zone:
        _give_back(w, left, t)


@jit
def _give_back(w, zone, t):  # type: ignore[no-untyped-def]
    """A place in a zone is free: whoever has waited longest for it sets out, and may free another."""
    while zone >= 0:
        k = v.zone(w)[zone, c.Z_FIRST]
        if k < 0:
            v.zone(w)[zone, c.Z_FREE] += 1
            return
        v.zone(w)[zone, c.Z_FIRST] = v.vehicle(w)[k, c.V_NEXT]
        left = v.vehicle(w)[k, c.V_ZONE]
        v.vehicle(w)[k, c.V_ZONE] = zone
        s = _bound_for(w, k)
        _drive(w, k, v.place(w)[s, 0], v.place(w)[s, 1], t)
        zone = left


@jit
def _bound_for(w, k):  # type: ignore[no-untyped-def]
    if v.vehicle(w)[k, c.V_PHASE] == c.TO_SOURCE:
        return v.machine(w)[v.vehicle(w)[k, c.V_MACHINE], c.M_STATION]
    return v.number(w)[v.buffer(w)[v.vehicle(w)[k, c.V_BUFFER], c.B_TARGET]]


@jit
def _drive(w, k, x, y, t):  # type: ignore[no-untyped-def]
    far = abs(x - v.vehicle_s(w)[k, c.D_X]) + abs(y - v.vehicle_s(w)[k, c.D_Y])
    takes = far / v.fleet_s(w)[v.vehicle(w)[k, c.V_FLEET], c.G_SPEED]
    v.vehicle_s(w)[k, c.D_X] = x
    v.vehicle_s(w)[k, c.D_Y] = y
    v.vehicle_s(w)[k, c.D_DRIVEN] += takes
    _becomes(w, k, c.LOADED if v.vehicle(w)[k, c.V_PHASE] == c.TO_TARGET else c.EMPTY, t)
    _wait(w, k, takes, t)


@inlined
def _arrived(w, k):  # type: ignore[no-untyped-def]
    v.vehicle_s(w)[k, c.D_MOST] = max(v.vehicle_s(w)[k, c.D_MOST], v.vehicle_s(w)[k, c.D_DRIVEN])


@inlined
def _becomes(w, k, state, t):  # type: ignore[no-untyped-def]
    """Book the time in the state a vehicle was in; it is in another from now on."""
    v.vehicle_spent(w)[k, v.vehicle(w)[k, c.V_SHOWN]] += t - v.vehicle_s(w)[k, c.D_SINCE]
    v.vehicle_s(w)[k, c.D_SINCE] = t
    v.vehicle(w)[k, c.V_SHOWN] = state


@jit
def _wait(w, k, takes, t):  # type: ignore[no-untyped-def]
    v.counts(w)[c.C_BUSY] += 1
    plan(w, v.slots(w)[c.X_VEHICLES] + k, t + takes)


@jit
def set_out_again(w, m, t):  # type: ignore[no-untyped-def]
    """A machine can give again: a vehicle that stands before it begins to load."""
    for k in range(v.vehicles(w)):
        if v.vehicle(w)[k, c.V_PHASE] == c.AT_SOURCE and v.vehicle(w)[k, c.V_MACHINE] == m:
            _load_up(w, k, t)


@jit
def _load_up(w, k, t):  # type: ignore[no-untyped-def]
    v.vehicle(w)[k, c.V_PHASE] = c.LOADING
    _becomes(w, k, c.HANDLING, t)
    _wait(w, k, v.fleet_s(w)[v.vehicle(w)[k, c.V_FLEET], c.G_LOAD], t)


@jit
def vehicle_event(w, k, t):  # type: ignore[no-untyped-def]
    """What a vehicle was doing is done; returns the machine that gave its part, or -1."""
    v.counts(w)[c.C_BUSY] -= 1
    fleet, phase = v.vehicle(w)[k, c.V_FLEET], v.vehicle(w)[k, c.V_PHASE]
    m, b = v.vehicle(w)[k, c.V_MACHINE], v.vehicle(w)[k, c.V_BUFFER]
    if phase == c.TO_SOURCE:
        _arrived(w, k)
        if v.machine(w)[m, c.M_HOLD]:
            v.vehicle(w)[k, c.V_PHASE] = c.AT_SOURCE
            _becomes(w, k, c.HELD_UP, t)
        else:
            _load_up(w, k, t)
    elif phase == c.LOADING:
        v.machine(w)[m, c.M_ACT] = c.FINISHED
        v.vehicle(w)[k, c.V_PART] = hand_over(w, m, t)
        v.vehicle(w)[k, c.V_PHASE] = c.TO_TARGET
        _enter(w, k, v.number(w)[v.buffer(w)[b, c.B_TARGET]], t)
        return m
    elif phase == c.TO_TARGET:
        _arrived(w, k)
        v.vehicle(w)[k, c.V_PHASE] = c.UNLOADING
        _becomes(w, k, c.HANDLING, t)
        _wait(w, k, v.fleet_s(w)[fleet, c.G_UNLOAD], t)
    elif phase == c.UNLOADING:
        v.vehicle(w)[k, c.V_BROUGHT] += 1
        v.level(w)[b, c.L_KEPT] -= 1
        insert(w, b, v.vehicle(w)[k, c.V_PART], t)
        offer(w, b)
        zone = v.vehicle(w)[k, c.V_ZONE]
        v.vehicle(w)[k, c.V_ZONE] = -1
        _give_back(w, zone, t)
        if v.fleet_s(w)[fleet, c.G_DRIVE] - v.vehicle_s(w)[k, c.D_DRIVEN] < v.fleet_s(w)[fleet, c.G_RESERVE]:
            v.vehicle(w)[k, c.V_PHASE] = c.TO_CHARGER
            _drive(w, k, v.depot(w)[fleet, 0], v.depot(w)[fleet, 1], t)
        else:
            _park(w, k, t)
    elif phase == c.TO_CHARGER:
        _arrived(w, k)
        v.vehicle(w)[k, c.V_PHASE] = c.CHARGING
        _becomes(w, k, c.CHARGING_, t)
        _wait(w, k, v.fleet_s(w)[fleet, c.G_CHARGE], t)
    else:
        v.vehicle_s(w)[k, c.D_DRIVEN] = 0.0
        _park(w, k, t)
    return -1


@jit
def _park(w, k, t):  # type: ignore[no-untyped-def]
    v.vehicle(w)[k, c.V_PHASE] = c.PARKED
    _becomes(w, k, c.IDLE_VEHICLE, t)
    v.counts(w)[c.C_PEOPLE] = 1
