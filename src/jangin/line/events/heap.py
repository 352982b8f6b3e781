"""An indexed binary heap of fixed slots: the next event in O(log n), any slot moved or cleared in O(log n).

The arrays lie in the run's list `w`: `at` (n,) the time of each slot [s], inf if it has none; `where` (n,) its place
in the heap or -1; `order` (n,) the slots as a heap; `size` (1,). Equal times go by slot number, so the order of events
is defined.
"""

from __future__ import annotations

import math

from jangin.line.events import view as v
from jangin.line.events.jit import inlined, jit

__all__ = ["clear", "put"]


@jit
def _up(at, where, order, i):  # type: ignore[no-untyped-def]
    slot = order[i]
    t = at[slot]
    while i > 0:
        parent = (i - 1) >> 1
        other = order[parent]
        if at[other] < t or (at[other] == t and other < slot):
            break
        order[i] = other
        where[other] = i
        i = parent
    order[i] = slot
    where[slot] = i


@jit
def _down(at, where, order, n, i):  # type: ignore[no-untyped-def]
    slot = order[i]
    t = at[slot]
    while True:
        child = 2 * i + 1
        if child >= n:
            break
        other = order[child]
        if child + 1 < n:
            second = order[child + 1]
            if at[second] < at[other] or (at[second] == at[other] and second < other):
                child += 1
                other = second
        if at[other] > t or (at[other] == t and other > slot):
            break
        order[i] = other
        where[other] = i
        i = child
    order[i] = slot
    where[slot] = i


@inlined
def put(w, slot, t):  # type: ignore[no-untyped-def]
    """Give a slot the time t, whether it had one or not."""
    at, where, order, size = v.at(w), v.where(w), v.order(w), v.size(w)
    i = where[slot]
    if i < 0:
        i = size[0]
        size[0] = i + 1
        order[i] = slot
        where[slot] = i
        at[slot] = t
        _up(at, where, order, i)
    elif t < at[slot]:
        at[slot] = t
        _up(at, where, order, i)
    else:
        at[slot] = t
        _down(at, where, order, size[0], i)


@inlined
def clear(w, slot):  # type: ignore[no-untyped-def]
    """Take a slot out; nothing happens if it is not in."""
    at, where, order, size = v.at(w), v.where(w), v.order(w), v.size(w)
    i = where[slot]
    if i < 0:
        return
    at[slot] = math.inf
    where[slot] = -1
    size[0] -= 1
    n = size[0]
    if i < n:
        moved = order[n]
        order[i] = moved
        where[moved] = i
        _up(at, where, order, i)
        _down(at, where, order, n, where[moved])
