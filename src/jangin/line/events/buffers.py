"""Buffers: put and take in the declared order, who waits for room, and what a part that ends lets in."""

from __future__ import annotations

import math

from jangin.line.events import state as c
from jangin.line.events import view as v
from jangin.line.events.booking import book_level, book_wip, look_again, show
from jangin.line.events.fetching import call_vehicle
from jangin.line.events.jit import inlined, jit
from jangin.line.events.parts import release_part, type_of_next

__all__ = [
    "behind",
    "end_part",
    "fill",
    "hand_over",
    "insert",
    "let_in",
    "next_type",
    "offer",
    "offer_again",
    "offered",
    "room_made",
    "take",
]


@jit
def offer(w, b):  # type: ignore[no-untyped-def]
    """There may be something to take in b: its idle machines look again, the longest idle first."""
    first, n = v.buffer(w)[b, c.B_TARGET], v.buffer(w)[b, c.B_TARGETS]
    pushed = v.counts(w)[c.C_TODO]
    for k in range(first, first + n):
        s = v.number(w)[k]
        m0 = v.station(w)[s, c.S_MACHINE]
        for m in range(m0, m0 + v.station(w)[s, c.S_MACHINES]):
            if v.machine(w)[m, c.M_ACT] <= c.HELD and v.machine(w)[m, c.M_HOLD] == 0:
                look_again(w, m)
    _longest_idle_last(w, pushed)


@jit
def offer_again(w):  # type: ignore[no-untyped-def]
    """Preferences may have been set anew: every idle machine looks again, the longest idle first."""
    for m in range(v.machines(w)):
        if v.machine(w)[m, c.M_ACT] <= c.HELD and v.machine(w)[m, c.M_HOLD] == 0:
            look_again(w, m)
    _longest_idle_last(w, 0)


@inlined
def _longest_idle_last(w, pushed):  # type: ignore[no-untyped-def]
    """Sort what came onto the list since it had `pushed` entries: it is taken from its end."""
    last = v.counts(w)[c.C_TODO]
    for i in range(pushed + 1, last):
        m = v.todo(w)[i]
        j = i
        while j > pushed and _later(w, m, v.todo(w)[j - 1]):
            v.todo(w)[j] = v.todo(w)[j - 1]
            j -= 1
        v.todo(w)[j] = m


@jit
def _later(w, m, other):  # type: ignore[no-untyped-def]
    mine, its = v.machine_s(w)[m, c.N_IDLE_SINCE], v.machine_s(w)[other, c.N_IDLE_SINCE]
    return mine > its or (mine == its and m > other)


@jit
def room_made(w, b):  # type: ignore[no-untyped-def]
    """For machines that start only with a place ahead."""
    if v.buffer(w)[b, c.B_TRACKED]:
        pushed = v.counts(w)[c.C_TODO]
        first, n = v.buffer(w)[b, c.B_SOURCE], v.buffer(w)[b, c.B_SOURCES]
        for k in range(first, first + n):
            s = v.number(w)[k]
            if v.station(w)[s, c.S_BEFORE]:
                m0 = v.station(w)[s, c.S_MACHINE]
                for m in range(m0, m0 + v.station(w)[s, c.S_MACHINES]):
                    if v.machine(w)[m, c.M_ACT] <= c.HELD:
                        look_again(w, m)
        _longest_idle_last(w, pushed)


@inlined
def insert(w, b, part, t):  # type: ignore[no-untyped-def]
    """Put a part into b, which has room."""
    book_level(w, b, t)
    order = v.buffer(w)[b, c.B_ORDER]
    head = v.level(w)[b, c.L_HEAD]
    if head < 0:
        v.level(w)[b, c.L_HEAD] = part
        v.level(w)[b, c.L_TAIL] = part
        v.part(w)[part, c.P_NEXT] = -1
    elif order == c.FIFO:
        v.part(w)[v.level(w)[b, c.L_TAIL], c.P_NEXT] = part
        v.part(w)[part, c.P_NEXT] = -1
        v.level(w)[b, c.L_TAIL] = part
    else:
        before, after = -1, head
        if order == c.PRIORITY:
            base = v.buffer(w)[b, c.B_PRIORITY]
            mine = v.real(w)[base + v.part(w)[part, c.P_TYPE]]
            while after >= 0 and v.real(w)[base + v.part(w)[after, c.P_TYPE]] >= mine:
                before, after = after, v.part(w)[after, c.P_NEXT]
        v.part(w)[part, c.P_NEXT] = after
        if before < 0:
            v.level(w)[b, c.L_HEAD] = part
        else:
            v.part(w)[before, c.P_NEXT] = part
        if after < 0:
            v.level(w)[b, c.L_TAIL] = part
    v.level(w)[b, c.L_PARTS] += 1
    v.entered(w)[part] = t


@inlined
def _giver(w, b):  # type: ignore[no-untyped-def]
    """The machine that has waited longest for room in b and can give now, or -1."""
    m = v.level(w)[b, c.L_WAIT_HEAD]
    while m >= 0 and v.machine(w)[m, c.M_HOLD]:
        m = v.machine(w)[m, c.M_NEXT]
    return m


@jit
def _stop_waiting(w, b, m):  # type: ignore[no-untyped-def]
    before, x = -1, v.level(w)[b, c.L_WAIT_HEAD]
    while x != m:
        before, x = x, v.machine(w)[x, c.M_NEXT]
    after = v.machine(w)[m, c.M_NEXT]
    if before < 0:
        v.level(w)[b, c.L_WAIT_HEAD] = after
    else:
        v.machine(w)[before, c.M_NEXT] = after
    if after < 0:
        v.level(w)[b, c.L_WAIT_TAIL] = before
    v.machine(w)[m, c.M_WAITS] = 0


@inlined
def hand_over(w, m, t):  # type: ignore[no-untyped-def]
    """The next finished part of a machine; the machine is free when it was the last."""
    part = v.machine(w)[m, c.M_FIRST]
    v.machine(w)[m, c.M_FIRST] = v.part(w)[part, c.P_NEXT]
    v.machine(w)[m, c.M_PARTS] -= 1
    s = v.machine(w)[m, c.M_STATION]
    if v.station(w)[s, c.S_BEHIND]:
        behind(w, s, -1)
    if v.machine(w)[m, c.M_PARTS] == 0:
        if v.machine(w)[m, c.M_WAITS]:
            _stop_waiting(w, v.machine(w)[m, c.M_DEST], m)
        _emptied(w, m, t)
    return part


@jit
def behind(w, s, change):  # type: ignore[no-untyped-def]
    """Count the parts in the machines behind the buffers that feed a station."""
    first = v.station(w)[s, c.S_IN]
    for k in range(first, first + v.station(w)[s, c.S_INS]):
        b = v.number(w)[k]
        v.level(w)[b, c.L_BEHIND] += change
        if change < 0:
            room_made(w, b)


@inlined
def _emptied(w, m, t):  # type: ignore[no-untyped-def]
    v.machine(w)[m, c.M_ACT] = c.IDLE
    v.machine_s(w)[m, c.N_IDLE_SINCE] = t
    look_again(w, m)


@jit
def fill(w, b, t):  # type: ignore[no-untyped-def]
    """Let machines that wait for room in b give, while there is room; or, where vehicles carry, call one each."""
    while v.level(w)[b, c.L_PARTS] + v.level(w)[b, c.L_KEPT] < v.buffer(w)[b, c.B_CAPACITY]:
        m = _giver(w, b)
        if m < 0:
            return
        if v.buffer(w)[b, c.B_FLEET] >= 0:
            _stop_waiting(w, b, m)
            v.level(w)[b, c.L_KEPT] += 1
            v.machine(w)[m, c.M_ACT] = c.FETCHED
            call_vehicle(w, m, b, t)
            show(w, m, t)
            continue
        insert(w, b, hand_over(w, m, t), t)


@inlined
def offered(w, b):  # type: ignore[no-untyped-def]
    """How many parts can be taken from b now: none while the preference holds them back."""
    if v.prefer(w)[b] == -math.inf:
        return 0
    r = v.buffer(w)[b, c.B_RELEASE]
    if r >= 0 and v.release(w)[r, c.R_KIND] == c.SATURATED:
        return 1_000_000_000
    n = v.level(w)[b, c.L_PARTS]
    if n == 0 and v.buffer(w)[b, c.B_CAPACITY] == 0 and v.buffer(w)[b, c.B_FLEET] < 0 and _giver(w, b) >= 0:
        return 1
    return n


@inlined
def next_type(w, b):  # type: ignore[no-untyped-def]
    r = v.buffer(w)[b, c.B_RELEASE]
    if r >= 0 and v.release(w)[r, c.R_KIND] == c.SATURATED:
        return type_of_next(w, r)
    if v.level(w)[b, c.L_PARTS] > 0:
        return v.part(w)[v.level(w)[b, c.L_HEAD], c.P_TYPE]
    return v.part(w)[v.machine(w)[_giver(w, b), c.M_FIRST], c.P_TYPE]


@inlined
def take(w, b, t):  # type: ignore[no-untyped-def]
    """Take the next part that b offers."""
    r = v.buffer(w)[b, c.B_RELEASE]
    if r >= 0 and v.release(w)[r, c.R_KIND] == c.SATURATED:
        return release_part(w, r, t)
    if v.level(w)[b, c.L_PARTS] == 0:
        return hand_over(w, _giver(w, b), t)
    book_level(w, b, t)
    part = v.level(w)[b, c.L_HEAD]
    v.level(w)[b, c.L_HEAD] = v.part(w)[part, c.P_NEXT]
    if v.level(w)[b, c.L_HEAD] < 0:
        v.level(w)[b, c.L_TAIL] = -1
    v.level(w)[b, c.L_PARTS] -= 1
    fill(w, b, t)
    room_made(w, b)
    return part


@jit
def let_in(w, r, t):  # type: ignore[no-untyped-def]
    """Release parts while fewer than `wip` are in the line."""
    b = v.release(w)[r, c.R_BUFFER]
    while v.counts(w)[c.C_WIP] < v.release(w)[r, c.R_WIP] and v.counts(w)[c.C_STATUS] == c.FINE:
        insert(w, b, release_part(w, r, t), t)
        offer(w, b)


@jit
def end_part(w, part, t):  # type: ignore[no-untyped-def]
    v.part(w)[part, c.P_NEXT] = v.counts(w)[c.C_FREE]
    v.counts(w)[c.C_FREE] = part
    book_wip(w, -1, t)
    for r in range(v.releases(w)):
        if v.release(w)[r, c.R_KIND] == c.CONWIP:
            let_in(w, r, t)
