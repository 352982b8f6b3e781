"""A run at a station: take, call, set up, run, leave, in the words of `layout.py`."""

from __future__ import annotations

import math

from jangin.line.events import state as c
from jangin.line.events import view as v
from jangin.line.events.booking import drawn_s, plan
from jangin.line.events.buffers import (
    behind,
    end_part,
    fill,
    hand_over,
    insert,
    next_type,
    offer,
    offered,
    room_made,
    take,
)
from jangin.line.events.draws import uniform
from jangin.line.events.jit import inlined, jit
from jangin.line.events.parts import new_part
from jangin.line.events.requests import call, dismiss

__all__ = ["finish", "give", "go_on", "set_up", "try_to_start", "work", "worked"]


@inlined
def _destination(w, s, k, kind):  # type: ignore[no-untyped-def]
    """Buffer of the k-th run's good parts of a type, -1 for the way out."""
    first, n = v.station(w)[s, c.S_ROUTE], v.station(w)[s, c.S_ROUTES]
    if n == 1:
        return v.number(w)[first]
    kinds = v.kinds(w)
    base = first + n  # after the buffers, a row of types per route; shares lie in `real` at the place noted last
    shares = v.number(w)[base + n * kinds]
    total = 0.0
    last = -1
    for i in range(n):
        if v.number(w)[base + i * kinds + kind]:
            total += v.real(w)[shares + i]
            last = i
    u = uniform(v.keys(w)[v.streams(w)[c.Y_ROUTES] + s], k) * total
    for i in range(n):
        if v.number(w)[base + i * kinds + kind]:
            u -= v.real(w)[shares + i]
            if u < 0.0:
                return v.number(w)[first + i]
    return v.number(w)[first + last]


@inlined
def _fate(w, s, k):  # type: ignore[no-untyped-def]
    scrap, rework = v.chance(w)[s, 0], v.chance(w)[s, 1]
    if scrap == 0.0 and rework == 0.0:
        return c.GOOD
    u = uniform(v.keys(w)[v.streams(w)[c.Y_FATES] + s], k)
    if u < scrap:
        return c.SCRAP
    return c.REWORK if u < scrap + (1.0 - scrap) * rework else c.GOOD


@inlined
def _source(w, s):  # type: ignore[no-untyped-def]
    """The buffer to start from: the most preferred that offers enough, then whose next part entered first; -1: none."""
    first, n = v.station(w)[s, c.S_IN], v.station(w)[s, c.S_INS]
    if v.station(w)[s, c.S_ASSEMBLE]:
        for i in range(first, first + n):
            if offered(w, v.number(w)[i]) < 1:
                return -1
        return v.number(w)[first]
    need = v.station(w)[s, c.S_BATCH]
    best, since = -1, math.inf
    for i in range(first, first + n):
        b = v.number(w)[i]
        if offered(w, b) >= need:
            if n == 1:
                return b
            entered = math.inf  # a release's parts, and those still in machines, have not entered yet
            if v.level(w)[b, c.L_PARTS] > 0:
                entered = v.entered(w)[v.level(w)[b, c.L_HEAD]]
            if best >= 0:
                more = v.prefer(w)[b] - v.prefer(w)[best]
                if more < 0.0 or (more == 0.0 and entered >= since):
                    continue
            best, since = b, entered
    return best


@inlined
def try_to_start(w, m, t):  # type: ignore[no-untyped-def]
    if v.machine(w)[m, c.M_ACT] > c.HELD or v.machine(w)[m, c.M_HOLD]:
        return
    s = v.machine(w)[m, c.M_STATION]
    b = _source(w, s)
    if b < 0:
        v.machine(w)[m, c.M_ACT] = c.IDLE
        return
    k = v.started(w)[s]
    kind = next_type(w, b)
    fate = _fate(w, s, k)
    to = _destination(w, s, k, kind)
    if v.station(w)[s, c.S_BEFORE] and to >= 0:
        taken = v.level(w)[to, c.L_IN_WORK] + v.level(w)[to, c.L_PARTS] + v.level(w)[to, c.L_BEHIND]
        taken += v.level(w)[to, c.L_KEPT]
        more = v.station(w)[s, c.S_SPLIT] * v.station(w)[s, c.S_BATCH]
        if taken + more > v.buffer(w)[to, c.B_CAPACITY] + v.buffer(w)[to, c.B_PLACES]:
            v.machine(w)[m, c.M_ACT] = c.HELD
            return
    v.started(w)[s] = k + 1
    v.machine(w)[m, c.M_RUN] = k
    v.machine(w)[m, c.M_FATE] = fate
    v.machine(w)[m, c.M_DEST] = v.station(w)[s, c.S_REWORK_TO] if fate == c.REWORK else to
    v.machine(w)[m, c.M_TYPE] = kind
    _load(w, m, s, b, t)
    v.machine(w)[m, c.M_AHEAD] = -1
    if to >= 0 and v.buffer(w)[to, c.B_TRACKED]:
        v.machine(w)[m, c.M_AHEAD] = to
        v.level(w)[to, c.L_IN_WORK] += v.machine(w)[m, c.M_PARTS] * v.station(w)[s, c.S_SPLIT]
    v.machine(w)[m, c.M_ACT] = c.CALLING
    if v.station(w)[s, c.S_SKILL] >= 0:
        call(w, m, v.station(w)[s, c.S_SKILL], t)
    else:
        set_up(w, m, t)


@inlined
def _load(w, m, s, b, t):  # type: ignore[no-untyped-def]
    """Take what a run needs; the parts joined by an assembly end here."""
    if v.station(w)[s, c.S_ASSEMBLE]:
        part = take(w, b, t)
        first = v.station(w)[s, c.S_IN]
        for i in range(first + 1, first + v.station(w)[s, c.S_INS]):
            joined = take(w, v.number(w)[i], t)
            v.counts(w)[c.C_JOINED] += 1
            end_part(w, joined, t)
        v.part(w)[part, c.P_NEXT] = -1
        v.machine(w)[m, c.M_FIRST] = part
        v.machine(w)[m, c.M_LAST] = part
        v.machine(w)[m, c.M_PARTS] = 1
    else:
        n = v.station(w)[s, c.S_BATCH]
        for i in range(n):
            part = take(w, b, t)
            v.part(w)[part, c.P_NEXT] = -1
            if i == 0:
                v.machine(w)[m, c.M_FIRST] = part
            else:
                v.part(w)[v.machine(w)[m, c.M_LAST], c.P_NEXT] = part
            v.machine(w)[m, c.M_LAST] = part
        v.machine(w)[m, c.M_PARTS] = n
    if v.station(w)[s, c.S_BEHIND]:
        behind(w, s, v.machine(w)[m, c.M_PARTS])


@jit
def set_up(w, m, t):  # type: ignore[no-untyped-def]
    """The machine has its parts and its operator."""
    s = v.machine(w)[m, c.M_STATION]
    last, kind = v.machine(w)[m, c.M_SET], v.machine(w)[m, c.M_TYPE]
    v.machine(w)[m, c.M_SET] = kind
    if v.station(w)[s, c.S_SETUP] >= 0 and last >= 0:
        time = v.real(w)[v.station(w)[s, c.S_SETUP] + last * v.kinds(w) + kind]
        if time > 0.0:
            v.machine(w)[m, c.M_ACT] = c.SETTING
            v.machine_s(w)[m, c.N_LEFT] = time
            go_on(w, m, t)
            return
    work(w, m, t)


@jit
def work(w, m, t):  # type: ignore[no-untyped-def]
    s = v.machine(w)[m, c.M_STATION]
    row = v.number(w)[v.station(w)[s, c.S_CYCLE] + v.machine(w)[m, c.M_TYPE]]
    time = drawn_s(w, row, v.streams(w)[c.Y_CYCLES] + s, v.machine(w)[m, c.M_RUN])
    if time < 0.0:  # of a trace: as long, and then scrapped
        time = -time
        v.machine(w)[m, c.M_FATE] = c.SCRAP
    v.machine(w)[m, c.M_ACT] = c.RUNNING
    v.machine_s(w)[m, c.N_LEFT] = time
    go_on(w, m, t)


@inlined
def go_on(w, m, t):  # type: ignore[no-untyped-def]
    """Set the clock of a set-up or a run: its end, or the failure that comes before."""
    if v.machine(w)[m, c.M_HOLD]:
        return
    left = v.machine_s(w)[m, c.N_LEFT]
    event = c.RUN_ENDS
    if v.machine(w)[m, c.M_ACT] == c.RUNNING:
        s = v.machine(w)[m, c.M_STATION]
        if v.station(w)[s, c.S_LIVE]:
            n = v.station(w)[s, c.S_LIVE]
            first = v.machine(w)[m, c.M_MODE]
            for f in range(first, first + n):
                if v.mode(w)[f, c.F_TIMED] == 0 and v.mode_s(w)[f] < left:
                    left = v.mode_s(w)[f]
                    event = f
    v.machine(w)[m, c.M_EVENT] = event
    v.machine_s(w)[m, c.N_RUN_SINCE] = t
    v.counts(w)[c.C_BUSY] += 1
    plan(w, m, t + left)


@inlined
def worked(w, m, t):  # type: ignore[no-untyped-def]
    """Count the time since the last look off what is left of the run and of the modes that count running time."""
    v.counts(w)[c.C_BUSY] -= 1
    since = t - v.machine_s(w)[m, c.N_RUN_SINCE]
    v.machine_s(w)[m, c.N_LEFT] = max(0.0, v.machine_s(w)[m, c.N_LEFT] - since)
    if v.machine(w)[m, c.M_ACT] == c.RUNNING:
        n = v.station(w)[v.machine(w)[m, c.M_STATION], c.S_LIVE]
        first = v.machine(w)[m, c.M_MODE]
        for f in range(first, first + n):
            if v.mode(w)[f, c.F_TIMED] == 0:
                v.mode_s(w)[f] = max(0.0, v.mode_s(w)[f] - since)


@inlined
def finish(w, m, t):  # type: ignore[no-untyped-def]
    s = v.machine(w)[m, c.M_STATION]
    n = v.machine(w)[m, c.M_PARTS]
    to, fate = v.machine(w)[m, c.M_DEST], v.machine(w)[m, c.M_FATE]
    if v.station(w)[s, c.S_SKILL] >= 0:
        dismiss(w, v.machine(w)[m, c.M_PERSON], t)
    ahead = v.machine(w)[m, c.M_AHEAD]
    if ahead >= 0:
        v.level(w)[ahead, c.L_IN_WORK] -= n * v.station(w)[s, c.S_SPLIT]
    v.tally(w)[s, c.A_FINISHED] += n
    if v.station(w)[s, c.S_AGAIN]:
        _count_again(w, m, s, n, fate == c.GOOD, to < 0)
    v.machine(w)[m, c.M_ACT] = c.FINISHED
    if fate == c.REWORK:
        fate = _count_reworks(w, m, s)
    if ahead >= 0 and fate != c.GOOD:
        room_made(w, ahead)
    if fate == c.SCRAP:
        v.tally(w)[s, c.A_SCRAPPED] += n
        v.counts(w)[c.C_SCRAPPED] += n
        for _ in range(n):
            end_part(w, hand_over(w, m, t), t)
        return
    if fate == c.REWORK:
        v.tally(w)[s, c.A_REWORKED] += n
    elif v.station(w)[s, c.S_SPLIT] > 1:
        _split(w, m, s, t)
    if to < 0:
        while v.machine(w)[m, c.M_PARTS] > 0:
            _leave(w, hand_over(w, m, t), t)
        return
    give(w, m, to, t)


@jit
def _count_again(w, m, s, n, good, leave):  # type: ignore[no-untyped-def]
    """Count the parts of a finished run that were reworked before, here or elsewhere, and what becomes of them."""
    part, again = v.machine(w)[m, c.M_FIRST], 0
    for _ in range(n):
        if v.part(w)[part, c.P_REWORKS] > 0:
            again += 1
        part = v.part(w)[part, c.P_NEXT]
    if again > 0:
        v.tally(w)[s, c.A_AGAIN] += again
        if good:
            v.tally(w)[s, c.A_AGAIN_GOOD] += again
            if leave:
                v.counts(w)[c.C_AGAIN_LEFT] += again * v.station(w)[s, c.S_SPLIT]


@jit
def _count_reworks(w, m, s):  # type: ignore[no-untyped-def]
    """A part reworked too often is scrapped; a batch shares its first part's fate."""
    part = v.machine(w)[m, c.M_FIRST]
    if v.part(w)[part, c.P_REWORKS] >= v.station(w)[s, c.S_REWORK_LIMIT]:
        return c.SCRAP
    while part >= 0:
        v.part(w)[part, c.P_REWORKS] += 1
        part = v.part(w)[part, c.P_NEXT]
    return c.REWORK


@jit
def _split(w, m, s, t):  # type: ignore[no-untyped-def]
    part = v.machine(w)[m, c.M_FIRST]
    while part >= 0:
        after = v.part(w)[part, c.P_NEXT]
        last = part
        for _ in range(v.station(w)[s, c.S_SPLIT] - 1):
            twin = new_part(w, v.part(w)[part, c.P_TYPE], t)
            v.born(w)[twin] = v.born(w)[part]
            v.part(w)[twin, c.P_REWORKS] = v.part(w)[part, c.P_REWORKS]
            v.part(w)[last, c.P_NEXT] = twin
            last = twin
            v.machine(w)[m, c.M_PARTS] += 1
            v.counts(w)[c.C_SPLIT] += 1
            if v.station(w)[s, c.S_BEHIND]:
                behind(w, s, 1)
        v.part(w)[last, c.P_NEXT] = after
        if after < 0:
            v.machine(w)[m, c.M_LAST] = last
        part = after


@jit
def _leave(w, part, t):  # type: ignore[no-untyped-def]
    v.good(w)[v.part(w)[part, c.P_TYPE]] += 1
    v.counts(w)[c.C_LEFT] += 1
    v.clock(w)[c.T_LEAD] += t - v.born(w)[part]
    if v.bins_kept(w) > 0:
        k = int(t / v.clock(w)[c.T_BIN])
        if k < v.bins_kept(w):
            v.bins(w)[k] += 1
    end_part(w, part, t)


@inlined
def give(w, m, b, t):  # type: ignore[no-untyped-def]
    """Finished parts go on as far as there is room; the rest waits in the machine."""
    if v.level(w)[b, c.L_WAIT_HEAD] < 0 and v.buffer(w)[b, c.B_FLEET] < 0:
        while v.machine(w)[m, c.M_PARTS] > 0 and v.level(w)[b, c.L_PARTS] < v.buffer(w)[b, c.B_CAPACITY]:
            insert(w, b, hand_over(w, m, t), t)
    if v.machine(w)[m, c.M_PARTS] > 0:
        v.machine(w)[m, c.M_WAITS] = 1
        v.machine(w)[m, c.M_NEXT] = -1
        tail = v.level(w)[b, c.L_WAIT_TAIL]
        if tail < 0 or v.level(w)[b, c.L_WAIT_HEAD] < 0:
            v.level(w)[b, c.L_WAIT_HEAD] = m
        else:
            v.machine(w)[tail, c.M_NEXT] = m
        v.level(w)[b, c.L_WAIT_TAIL] = m
        fill(w, b, t)
        v.counts(w)[c.C_BLOCKED] = m
    offer(w, b)
