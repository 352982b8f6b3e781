"""Failures, shifts and stops: a machine stands still for one reason or several, and goes on when all are over."""

from __future__ import annotations

from jangin.line.events import state as c
from jangin.line.events import view as v
from jangin.line.events.booking import cancel, drawn_s, look_again, plan, show
from jangin.line.events.buffers import fill, offer
from jangin.line.events.carriers import set_out_again
from jangin.line.events.jit import jit
from jangin.line.events.requests import call, dismiss
from jangin.line.events.stations import go_on, worked

__all__ = ["fail", "mend", "mended", "move_again", "next_failure", "stand"]


@jit
def stand(w, m, why, t):  # type: ignore[no-untyped-def]
    """A machine stands still, for one more reason."""
    if v.machine(w)[m, c.M_HOLD] == 0:
        act = v.machine(w)[m, c.M_ACT]
        working = act == c.RUNNING or act == c.SETTING
        if working and v.where(w)[m] >= 0 and v.counts(w)[c.C_CURRENT] != m:
            worked(w, m, t)
            cancel(w, m)
        _hold_clocks(w, m, t)
    v.machine(w)[m, c.M_HOLD] |= why
    if why != c.DOWN:
        v.counts(w)[c.C_AWAY] += 1
    show(w, m, t)


@jit
def _hold_clocks(w, m, t):  # type: ignore[no-untyped-def]
    n = v.station(w)[v.machine(w)[m, c.M_STATION], c.S_LIVE]
    first = v.machine(w)[m, c.M_MODE]
    for f in range(first, first + n):
        if v.mode(w)[f, c.F_TIMED]:
            slot = v.slots(w)[c.X_CLOCKS] + f
            if v.where(w)[slot] >= 0:
                v.mode_s(w)[f] = max(0.0, v.at(w)[slot] - t)
                if slot != v.counts(w)[c.C_CURRENT]:
                    cancel(w, slot)


@jit
def move_again(w, m, why, t):  # type: ignore[no-untyped-def]
    """One reason to stand still is over."""
    v.machine(w)[m, c.M_HOLD] &= ~why
    if why != c.DOWN:
        v.counts(w)[c.C_AWAY] -= 1
    if v.machine(w)[m, c.M_HOLD] == c.DOWN and v.machine(w)[m, c.M_MENDING] == 2:
        mend(w, m, t)
    if v.machine(w)[m, c.M_HOLD] == 0:
        n = v.station(w)[v.machine(w)[m, c.M_STATION], c.S_LIVE]
        first = v.machine(w)[m, c.M_MODE]
        for f in range(first, first + n):
            if v.mode(w)[f, c.F_TIMED]:
                plan(w, v.slots(w)[c.X_CLOCKS] + f, t + v.mode_s(w)[f])
        act = v.machine(w)[m, c.M_ACT]
        if act == c.RUNNING or act == c.SETTING:
            go_on(w, m, t)
        elif act <= c.HELD:
            look_again(w, m)
        elif act == c.FINISHED:
            b = v.machine(w)[m, c.M_DEST]
            fill(w, b, t)
            offer(w, b)
        elif act == c.FETCHED:
            set_out_again(w, m, t)
    show(w, m, t)


@jit
def fail(w, f, t):  # type: ignore[no-untyped-def]
    m = v.mode(w)[f, c.F_MACHINE]
    v.machine(w)[m, c.M_MENDER] = f  # what is being mended
    stand(w, m, c.DOWN, t)
    if v.mode(w)[f, c.F_SKILL] >= 0:
        call(w, v.machines(w) + m, v.mode(w)[f, c.F_SKILL], t)
    else:
        mend(w, m, t)


@jit
def mend(w, m, t):  # type: ignore[no-untyped-def]
    """Whoever repairs is there: the repair begins now, or when the station is back on shift."""
    if v.machine(w)[m, c.M_HOLD] & (c.OFF | c.STOPPED):
        v.machine(w)[m, c.M_MENDING] = 2  # begins when the station is back
        return
    f = v.machine(w)[m, c.M_MENDER]
    time = drawn_s(w, v.mode(w)[f, c.F_REPAIR], v.mode(w)[f, c.F_STREAM] + 1, v.mode(w)[f, c.F_REPAIRS])
    v.mode(w)[f, c.F_REPAIRS] += 1
    v.machine(w)[m, c.M_MENDING] = 1
    v.counts(w)[c.C_BUSY] += 1
    plan(w, v.slots(w)[c.X_REPAIRS] + m, t + time)


@jit
def mended(w, m, t):  # type: ignore[no-untyped-def]
    """A repair is done: its mode's clock is set anew and the machine goes on."""
    v.counts(w)[c.C_BUSY] -= 1
    v.machine(w)[m, c.M_MENDING] = 0
    f = v.machine(w)[m, c.M_MENDER]
    next_failure(w, f)
    if v.mode(w)[f, c.F_SKILL] >= 0:
        dismiss(w, v.machine(w)[m, c.M_HELPER], t)
    move_again(w, m, c.DOWN, t)


@jit
def next_failure(w, f):  # type: ignore[no-untyped-def]
    k = v.mode(w)[f, c.F_COUNT]
    v.mode(w)[f, c.F_COUNT] = k + 1
    v.mode_s(w)[f] = drawn_s(w, v.mode(w)[f, c.F_AFTER], v.mode(w)[f, c.F_STREAM], k)
