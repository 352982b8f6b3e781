"""Parts: a row each, from a list of free rows; which type is released next."""

from __future__ import annotations

from jangin.line.events import state as c
from jangin.line.events import view as v
from jangin.line.events.booking import book_wip
from jangin.line.events.draws import uniform
from jangin.line.events.jit import inlined

__all__ = ["new_part", "release_part", "type_of_next"]


@inlined
def new_part(w, kind, t):  # type: ignore[no-untyped-def]
    """The row of a part of a type, born now; the status says so where there is no row left."""
    part = v.counts(w)[c.C_FREE]
    if part < 0:
        v.counts(w)[c.C_STATUS] = c.FULL
        return 0
    v.counts(w)[c.C_FREE] = v.part(w)[part, c.P_NEXT]
    v.part(w)[part, c.P_TYPE] = kind
    v.part(w)[part, c.P_REWORKS] = 0
    v.part(w)[part, c.P_NEXT] = -1
    v.born(w)[part] = t
    book_wip(w, 1, t)
    return part


@inlined
def type_of_next(w, r):  # type: ignore[no-untyped-def]
    """Type of the part that a release will let in next."""
    k = v.drawn(w)[r, 0]
    if v.release(w)[r, c.R_SEQUENCES] > 0:
        return v.number(w)[v.release(w)[r, c.R_SEQUENCE] + k % v.release(w)[r, c.R_SEQUENCES]]
    kinds = v.kinds(w)
    if kinds == 1:
        return 0
    u = uniform(v.keys(w)[v.streams(w)[c.Y_TYPES] + r], k)
    kind = 0
    while kind < kinds - 1 and u >= v.mix(w)[r * kinds + kind]:
        kind += 1
    return kind


@inlined
def release_part(w, r, t):  # type: ignore[no-untyped-def]
    kind = type_of_next(w, r)
    v.drawn(w)[r, 0] += 1
    v.counts(w)[c.C_RELEASED] += 1
    return new_part(w, kind, t)
