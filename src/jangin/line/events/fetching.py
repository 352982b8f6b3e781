"""Calls for vehicles: a machine whose finished part has room kept for it waits to be fetched."""

from __future__ import annotations

from jangin.line.events import state as c
from jangin.line.events import view as v
from jangin.line.events.jit import jit

__all__ = ["call_vehicle"]


@jit
def call_vehicle(w, m, b, t):  # type: ignore[no-untyped-def]
    """Calls of earlier come first, then those of machines declared first."""
    fleet = v.buffer(w)[b, c.B_FLEET]
    v.call_s(w)[m] = t
    before, after = -1, v.first_call(w)[fleet]
    while after >= 0 and (v.call_s(w)[after] < t or after < m):
        before, after = after, v.calls(w)[after]
    v.calls(w)[m] = after
    if before < 0:
        v.first_call(w)[fleet] = m
    else:
        v.calls(w)[before] = m
    v.counts(w)[c.C_PEOPLE] = 1
