"""Small things every other file does: draw a time, set a clock, list a machine, book a time, a level, a state."""

from __future__ import annotations

from jangin.line.events import heap
from jangin.line.events import state as c
from jangin.line.events import view as v
from jangin.line.events.draws import draw
from jangin.line.events.jit import inlined, jit

__all__ = ["book_level", "book_person", "book_wip", "cancel", "drawn_s", "look_again", "plan", "show", "show_person"]


@inlined
def drawn_s(w, row, stream, k):  # type: ignore[no-untyped-def]
    """The k-th time of a stream, from the distribution in a row."""
    return draw(v.dist(w), v.shape(w), v.values(w), row, v.keys(w)[stream], k)


@inlined
def plan(w, slot, t):  # type: ignore[no-untyped-def]
    """The next event of a slot is at t."""
    if slot == v.counts(w)[c.C_CURRENT]:
        v.counts(w)[c.C_AGAIN] = 1
    heap.put(w, slot, t)


@jit
def cancel(w, slot):  # type: ignore[no-untyped-def]
    heap.clear(w, slot)


@jit
def show(w, m, t):  # type: ignore[no-untyped-def]
    """Book the time in the state a machine was seen in, if it is now seen in another."""
    hold = v.machine(w)[m, c.M_HOLD]
    act = v.machine(w)[m, c.M_ACT]
    if hold:
        now = c.OFF_ if hold & c.OFF else (c.STOPPED_ if hold & c.STOPPED else c.DOWN_)
    elif act == c.RUNNING:
        now = c.RUNNING_
    elif act == c.IDLE:
        now = c.STARVED_
    elif act == c.FINISHED or act == c.HELD:
        now = c.BLOCKED_
    else:
        now = c.SETUP_ if act == c.SETTING else c.WAITING_
    before = v.machine(w)[m, c.M_SHOWN]
    if now != before:
        v.seconds(w)[m, before] += t - v.machine_s(w)[m, c.N_SINCE]
        v.machine_s(w)[m, c.N_SINCE] = t
        v.machine(w)[m, c.M_SHOWN] = now
        if v.trace_rows(w) > 0:
            k = v.counts(w)[c.C_TRACED]
            if k < v.trace_rows(w):
                v.trace(w)[k, 0] = t
                v.trace(w)[k, 1] = m
                v.trace(w)[k, 2] = now
            v.counts(w)[c.C_TRACED] = k + 1


@jit
def show_person(w, p, t):  # type: ignore[no-untyped-def]
    """Book the time of a person up to now, and see what they are doing."""
    doing = v.person(w)[p, c.W_DOING]
    if doing == c.FREE:
        now = c.IDLE_PERSON if v.duty(w)[v.person(w)[p, c.W_CREW]] else c.OFF_SHIFT
    elif doing == c.COMING:
        now = c.WALKING
    else:
        who = v.person(w)[p, c.W_FOR]
        m = who % v.machines(w)
        now = c.WORKING
        if v.machine(w)[m, c.M_HOLD] & c.OFF and (who < v.machines(w) or v.machine(w)[m, c.M_MENDING] != 1):
            now = c.OFF_SHIFT  # with a run that stands still, or a repair that has not begun
    book_person(w, p, now, t)


@inlined
def book_person(w, p, now, t):  # type: ignore[no-untyped-def]
    """Book the time in the state a person was seen in; they are in another from now on."""
    v.person_spent(w)[p, v.person(w)[p, c.W_SHOWN]] += t - v.person_s(w)[p, c.H_SINCE]
    v.person_s(w)[p, c.H_SINCE] = t
    v.person(w)[p, c.W_SHOWN] = now


@inlined
def look_again(w, m):  # type: ignore[no-untyped-def]
    if not v.machine(w)[m, c.M_TODO]:
        v.machine(w)[m, c.M_TODO] = 1
        v.todo(w)[v.counts(w)[c.C_TODO]] = m
        v.counts(w)[c.C_TODO] += 1


@inlined
def book_wip(w, change, t):  # type: ignore[no-untyped-def]
    v.clock(w)[c.T_WIP] += v.counts(w)[c.C_WIP] * (t - v.clock(w)[c.T_WIP_AT])
    v.clock(w)[c.T_WIP_AT] = t
    v.counts(w)[c.C_WIP] += change


@inlined
def book_level(w, b, t):  # type: ignore[no-untyped-def]
    v.buffer_s(w)[b, 0] += v.level(w)[b, c.L_PARTS] * (t - v.buffer_s(w)[b, 1])
    v.buffer_s(w)[b, 1] = t
