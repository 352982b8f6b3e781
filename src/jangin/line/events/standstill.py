"""Whether nothing can ever move again."""

from __future__ import annotations

import math

from jangin.line.events import state as c
from jangin.line.events import view as v
from jangin.line.events.jit import jit

__all__ = ["stuck"]


@jit
def _locked(w, start):  # type: ignore[no-untyped-def]
    """Whether a blocked machine waits, directly or through others, only for machines that wait as well."""
    for m in range(v.machines(w)):
        v.mark(w)[m] = 0
    v.mark(w)[start] = 1
    v.line_up(w)[0] = start
    n, i = 1, 0
    while i < n:
        m = v.line_up(w)[i]
        i += 1
        if v.machine(w)[m, c.M_ACT] != c.FINISHED or v.machine(w)[m, c.M_PARTS] == 0:
            return False
        b = v.machine(w)[m, c.M_DEST]
        for k in range(v.buffer(w)[b, c.B_TARGET], v.buffer(w)[b, c.B_TARGET] + v.buffer(w)[b, c.B_TARGETS]):
            s = v.number(w)[k]
            for x in range(v.station(w)[s, c.S_MACHINE], v.station(w)[s, c.S_MACHINE] + v.station(w)[s, c.S_MACHINES]):
                if not v.mark(w)[x]:
                    v.mark(w)[x] = 1
                    v.line_up(w)[n] = x
                    n += 1
    return True


@jit
def stuck(w):  # type: ignore[no-untyped-def]
    """Whether nothing can ever move again: nobody works, walks, mends or is away, and no arrival would be taken.

    Where parts are held back, whoever holds them may let them go.
    """
    blocked = v.counts(w)[c.C_BLOCKED]
    if blocked >= 0 and v.cyclic(w)[0] and _locked(w, blocked):
        return True
    if v.counts(w)[c.C_BUSY] > 0 or v.counts(w)[c.C_AWAY] > 0 or v.counts(w)[c.C_WIP] == 0:
        return False
    for b in range(v.buffers(w)):
        if v.prefer(w)[b] == -math.inf:
            return False
    for r in range(v.releases(w)):
        if v.release(w)[r, c.R_KIND] == c.PUSH:
            b = v.release(w)[r, c.R_BUFFER]
            s = v.number(w)[v.buffer(w)[b, c.B_TARGET]]
            for m in range(v.station(w)[s, c.S_MACHINE], v.station(w)[s, c.S_MACHINE] + v.station(w)[s, c.S_MACHINES]):
                if v.machine(w)[m, c.M_ACT] == c.IDLE:
                    return False
    return True
