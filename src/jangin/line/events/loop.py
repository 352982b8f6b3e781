"""The next-event loop, compiled: which event is next, and what it sets going.

    w = addresses(plant, world).ctypes.data
    run(w, until)                 # one replication to the time `until` [s]; again to go on from there

Machines that might now be able to start lie on a list (`todo`) until the event has been dealt with, so nothing
recurses. In signatures: w the run's arrays (`view.py`), m a machine, s a station, b a buffer, f a failure mode, r a
release, t the time now [s].
"""

from __future__ import annotations

from collections.abc import Callable

import numba

from jangin.line.events import sources
from jangin.line.events import state as c
from jangin.line.events import view as v
from jangin.line.events.booking import cancel, drawn_s, look_again, plan, show
from jangin.line.events.buffers import insert, let_in, offer, offer_again
from jangin.line.events.carriers import send_vehicles, vehicle_event
from jangin.line.events.interruptions import fail, mend, mended, move_again, next_failure, stand
from jangin.line.events.jit import inlined, jit
from jangin.line.events.parts import release_part
from jangin.line.events.people import arrive, assign, show_people
from jangin.line.events.standstill import stuck
from jangin.line.events.stations import finish, give, set_up, try_to_start, work, worked

__all__ = ["run"]


@inlined
def _settle(w, t):  # type: ignore[no-untyped-def]
    """Let every machine on the list try, then everybody who is free, until nothing more follows from this event."""
    counts = v.counts(w)
    while True:
        while counts[c.C_TODO] > 0:
            counts[c.C_TODO] -= 1
            m = v.todo(w)[counts[c.C_TODO]]
            v.machine(w)[m, c.M_TODO] = 0
            try_to_start(w, m, t)
            show(w, m, t)
        if counts[c.C_PEOPLE] == 0:
            return
        counts[c.C_PEOPLE] = 0  # people after parts: who is free now serves every call of this instant
        assign(w, t)
        send_vehicles(w, t)


@inlined
def _machine_event(w, m, t):  # type: ignore[no-untyped-def]
    act = v.machine(w)[m, c.M_ACT]
    if act == c.CALLING:
        v.counts(w)[c.C_BUSY] -= 1
        set_up(w, m, t)
        arrive(w, v.machine(w)[m, c.M_PERSON], t)
    else:
        worked(w, m, t)
        if act == c.SETTING:
            work(w, m, t)
        elif v.machine(w)[m, c.M_EVENT] == c.RUN_ENDS:
            finish(w, m, t)
        else:
            f = v.machine(w)[m, c.M_EVENT]
            v.mode_s(w)[f] = 0.0
            fail(w, f, t)
    if not v.machine(w)[m, c.M_TODO]:  # else it is about to try again, at this same time
        show(w, m, t)


@jit
def _switch(w, a, t):  # type: ignore[no-untyped-def]
    """A calendar's next window begins or ends."""
    first, n = v.calendar(w)[a, 0], v.calendar(w)[a, 1]
    k = v.calendar_now(w)[a]
    on = v.switches(w)[first + k % n, 1] > 0.0
    v.calendar_now(w)[a] = k + 1
    plan(w, v.slots(w)[c.X_CALENDARS] + a, (k + 1) // n * v.period(w)[a] + v.switches(w)[first + (k + 1) % n, 0])
    for s in range(v.stations(w)):
        if v.on_calendar(w)[s] == a:
            m0 = v.station(w)[s, c.S_MACHINE]
            for m in range(m0, m0 + v.station(w)[s, c.S_MACHINES]):
                if on:
                    move_again(w, m, c.OFF, t)
                else:
                    stand(w, m, c.OFF, t)
    show_people(w, t)


@jit
def _stop_or_go(w, z, t):  # type: ignore[no-untyped-def]
    s = v.stop(w)[z]
    k = v.stop_now(w)[z]
    v.stop_now(w)[z] = k + 1
    starts = k % 2 == 0
    begins = v.stop_s(w)[z, 0] + (k + 1) // 2 * v.stop_s(w)[z, 2]
    plan(w, v.slots(w)[c.X_STOPS] + z, begins + v.stop_s(w)[z, 1] if starts else begins)
    m0 = v.station(w)[s, c.S_MACHINE]
    for m in range(m0, m0 + v.station(w)[s, c.S_MACHINES]):
        if starts:
            stand(w, m, c.STOPPED, t)
        else:
            move_again(w, m, c.STOPPED, t)


@jit
def _arrive(w, r, t):  # type: ignore[no-untyped-def]
    b = v.release(w)[r, c.R_BUFFER]
    k = v.drawn(w)[r, 1] + 1
    v.drawn(w)[r, 1] = k
    gap = drawn_s(w, v.release(w)[r, c.R_EVERY], v.streams(w)[c.Y_ARRIVALS] + r, k)
    plan(w, v.slots(w)[c.X_RELEASES] + r, t + gap)
    insert(w, b, release_part(w, r, t), t)
    offer(w, b)


@jit
def _measure_from(w, t):  # type: ignore[no-untyped-def]
    """Forget what was measured so far."""
    v.clock(w)[c.T_WARM] = t
    v.clock(w)[c.T_WIP] = 0.0
    v.clock(w)[c.T_WIP_AT] = t
    v.clock(w)[c.T_LEAD] = 0.0
    v.counts(w)[c.C_LEFT_BEFORE] = v.counts(w)[c.C_LEFT]
    v.counts(w)[c.C_SCRAPPED_BEFORE] = v.counts(w)[c.C_SCRAPPED]
    v.counts(w)[c.C_AGAIN_LEFT] = 0
    for m in range(v.machines(w)):
        v.machine_s(w)[m, c.N_SINCE] = t
        for k in range(c.STATES):
            v.seconds(w)[m, k] = 0.0
    for b in range(v.buffers(w)):
        v.buffer_s(w)[b, 0] = 0.0
        v.buffer_s(w)[b, 1] = t
    for s in range(v.stations(w)):
        for k in range(c.A_AGAIN_GOOD + 1):
            v.tally(w)[s, k] = 0
    for kind in range(v.kinds(w)):
        v.good(w)[kind] = 0
    for p in range(v.people(w)):
        v.person_s(w)[p, c.H_SINCE] = t
        for k in range(c.IDLE_PERSON + 1):
            v.person_spent(w)[p, k] = 0.0
    for k in range(v.vehicles(w)):
        v.vehicle(w)[k, c.V_BROUGHT] = 0
        v.vehicle_s(w)[k, c.D_SINCE] = t
        v.vehicle_s(w)[k, c.D_MOST] = -1.0
        for state in range(c.IDLE_VEHICLE + 1):
            v.vehicle_spent(w)[k, state] = 0.0


@jit
def _begin(w):  # type: ignore[no-untyped-def]
    """Everybody at home and idle, all clocks set, everything tried once."""
    for f in range(v.modes(w)):
        next_failure(w, f)
        if v.mode(w)[f, c.F_TIMED]:
            plan(w, v.slots(w)[c.X_CLOCKS] + f, v.mode_s(w)[f])
    for r in range(v.releases(w)):
        if v.release(w)[r, c.R_KIND] == c.PUSH:
            plan(
                w,
                v.slots(w)[c.X_RELEASES] + r,
                drawn_s(w, v.release(w)[r, c.R_EVERY], v.streams(w)[c.Y_ARRIVALS] + r, 0),
            )
        elif v.release(w)[r, c.R_KIND] == c.CONWIP:
            let_in(w, r, 0.0)
    for a in range(v.calendars(w)):
        plan(w, v.slots(w)[c.X_CALENDARS] + a, v.switches(w)[v.calendar(w)[a, 0], 0])
        if v.switches(w)[v.calendar(w)[a, 0], 1] > 0.0:  # the first switch is to on: off until then
            for s in range(v.stations(w)):
                if v.on_calendar(w)[s] == a:
                    m0 = v.station(w)[s, c.S_MACHINE]
                    for m in range(m0, m0 + v.station(w)[s, c.S_MACHINES]):
                        stand(w, m, c.OFF, 0.0)
    show_people(w, 0.0)
    for z in range(v.stops(w)):
        plan(w, v.slots(w)[c.X_STOPS] + z, v.stop_s(w)[z, 0])
    for m in range(v.machines(w) - 1, -1, -1):
        look_again(w, m)
    _settle(w, 0.0)


@jit
def _advance(w, until):  # type: ignore[no-untyped-def]
    """Advance to `until`; returns FINE, FULL (more parts than rows for them) or STUCK."""
    while v.size(w)[0] > 0 and v.counts(w)[c.C_STATUS] == c.FINE:
        slot = v.order(w)[0]
        t = v.at(w)[slot]
        if t > until:
            break
        v.counts(w)[c.C_CURRENT] = slot
        v.counts(w)[c.C_AGAIN] = 0
        v.counts(w)[c.C_BLOCKED] = -1
        v.counts(w)[c.C_EVENTS] += 1
        if slot < v.slots(w)[c.X_REPAIRS]:
            _machine_event(w, slot, t)
        elif slot < v.slots(w)[c.X_CLOCKS]:
            m = slot - v.slots(w)[c.X_REPAIRS]
            if v.machine(w)[m, c.M_MENDING] == 1:
                mended(w, m, t)
            else:
                v.counts(w)[c.C_BUSY] -= 1
                mend(w, m, t)
                arrive(w, v.machine(w)[m, c.M_HELPER], t)
        elif slot < v.slots(w)[c.X_RELEASES]:
            fail(w, slot - v.slots(w)[c.X_CLOCKS], t)
        elif slot < v.slots(w)[c.X_CALENDARS]:
            _arrive(w, slot - v.slots(w)[c.X_RELEASES], t)
        elif slot < v.slots(w)[c.X_STOPS]:
            _switch(w, slot - v.slots(w)[c.X_CALENDARS], t)
        elif slot < v.slots(w)[c.X_VEHICLES]:
            _stop_or_go(w, slot - v.slots(w)[c.X_STOPS], t)
        elif slot < v.slots(w)[c.X_WARM_UP]:
            m = vehicle_event(w, slot - v.slots(w)[c.X_VEHICLES], t)
            if m >= 0 and v.machine(w)[m, c.M_PARTS] > 0:
                give(w, m, v.machine(w)[m, c.M_DEST], t)
            if m >= 0 and not v.machine(w)[m, c.M_TODO]:
                show(w, m, t)
        else:
            _measure_from(w, t)
        _settle(w, t)
        if v.counts(w)[c.C_AGAIN] == 0:
            cancel(w, slot)
        if (v.counts(w)[c.C_BUSY] == 0 or v.counts(w)[c.C_BLOCKED] >= 0) and stuck(w):
            v.counts(w)[c.C_STATUS] = c.STUCK
            v.clock(w)[c.T_STUCK] = t
    v.counts(w)[c.C_CURRENT] = -1
    v.clock(w)[c.T_NOW] = until
    return v.counts(w)[c.C_STATUS]


def _entry(made_by: int) -> Callable[[int, float], int]:
    @numba.njit(nogil=True, error_model="numpy", cache=True)  # type: ignore[untyped-decorator]
    def run(w, until):  # type: ignore[no-untyped-def]
        """One replication to the time `until` [s], and on from there next time, by the preferences as they are then.

        Returns FINE, STUCK, FULL (more parts than rows for them), or STALE: `w` was listed by other sources than these.
        """
        if v.made_by(w) != made_by:
            return c.STALE
        if v.counts(w)[c.C_BEGUN] == 0:
            v.counts(w)[c.C_BEGUN] = 1
            _begin(w)
        else:
            offer_again(w)
            _settle(w, v.clock(w)[c.T_NOW])
        return _advance(w, until)

    return run  # type: ignore[no-any-return]


run = _entry(sources.DIGEST)
