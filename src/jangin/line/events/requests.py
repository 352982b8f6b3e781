"""Who wants somebody with a skill: one queue for each skill, the longest waiting first."""

from __future__ import annotations

from jangin.line.events import state as c
from jangin.line.events import view as v
from jangin.line.events.booking import book_person, show_person
from jangin.line.events.jit import inlined, jit

__all__ = ["call", "dismiss", "earlier"]


@jit
def call(w, who, skill, t):  # type: ignore[no-untyped-def]
    """Request number `who` (a machine; + machines for its repair) wants somebody with a skill."""
    request, queue = v.request(w), v.queue(w)
    v.request_s(w)[who] = t
    before, after = -1, queue[skill, 0]
    if after >= 0 and v.request_s(w)[queue[skill, 1]] < t:
        before, after = queue[skill, 1], -1  # the usual case: everybody else has waited longer
    while after >= 0 and not earlier(w, who, after):
        before, after = after, request[after, 0]
    request[who, 0] = after
    if before < 0:
        queue[skill, 0] = who
    else:
        request[before, 0] = who
    if after < 0:
        queue[skill, 1] = who
    v.counts(w)[c.C_PEOPLE] = 1


@inlined
def dismiss(w, person, t):  # type: ignore[no-untyped-def]
    """A person is free again."""
    v.person(w)[person, c.W_DOING] = c.FREE
    if v.calendars(w) > 0:
        show_person(w, person, t)
    else:
        book_person(w, person, c.IDLE_PERSON, t)
    v.counts(w)[c.C_PEOPLE] = 1


@jit
def earlier(w, who, other):  # type: ignore[no-untyped-def]
    if v.request_s(w)[who] != v.request_s(w)[other]:
        return v.request_s(w)[who] < v.request_s(w)[other]
    return who % v.machines(w) < other % v.machines(w)
