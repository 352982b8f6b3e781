"""People: who is free and nearest goes to who has waited longest."""

from __future__ import annotations

import math

from jangin.line.events import state as c
from jangin.line.events import view as v
from jangin.line.events.booking import plan, show, show_person
from jangin.line.events.interruptions import mend
from jangin.line.events.jit import jit
from jangin.line.events.requests import earlier
from jangin.line.events.stations import set_up

__all__ = ["arrive", "assign", "show_people"]


@jit
def assign(w, t):  # type: ignore[no-untyped-def]
    """Send free people to who has waited longest, the nearest of them."""
    queue = v.queue(w)
    while True:
        best, best_skill, person = -1, -1, -1
        for skill in range(v.skills(w)):
            who = queue[skill, 0]
            if who >= 0 and (best < 0 or earlier(w, who, best)):
                nearest = _nearest(w, skill, v.machine(w)[who % v.machines(w), c.M_STATION])
                if nearest >= 0:
                    best, best_skill, person = who, skill, nearest
        if best < 0:
            return
        queue[best_skill, 0] = v.request(w)[best, 0]
        _send(w, person, best, v.machine(w)[best % v.machines(w), c.M_STATION], t)


@jit
def _nearest(w, skill, s):  # type: ignore[no-untyped-def]
    """The nearest free person with a skill, in a tie the first; -1 for nobody."""
    crew = v.crew(w)
    found, least = -1, math.inf
    for k in range(v.crews(w)):
        if v.skill_crews(w)[skill * v.crews(w) + k]:
            for person in range(crew[k, 0], crew[k, 0] + crew[k, 1]):
                if v.person(w)[person, c.W_DOING] == c.FREE:
                    d = _distance(w, person, s)
                    if d < least:
                        found, least = person, d
    return found


@jit
def _distance(w, person, s):  # type: ignore[no-untyped-def]
    if v.speed(w)[v.person(w)[person, c.W_CREW]] == 0.0:
        return 0.0
    return abs(v.place(w)[s, 0] - v.person_s(w)[person, c.H_X]) + abs(v.place(w)[s, 1] - v.person_s(w)[person, c.H_Y])


@jit
def _send(w, person, who, s, t):  # type: ignore[no-untyped-def]
    machines = v.machines(w)
    m = who % machines
    walk = 0.0
    speed = v.speed(w)[v.person(w)[person, c.W_CREW]]
    if speed > 0.0:
        walk = _distance(w, person, s) / speed
        v.person_s(w)[person, c.H_X] = v.place(w)[s, 0]
        v.person_s(w)[person, c.H_Y] = v.place(w)[s, 1]
    v.person(w)[person, c.W_DOING] = c.COMING if walk > 0.0 else c.THERE
    v.person(w)[person, c.W_FOR] = who
    if who < machines:
        v.machine(w)[m, c.M_PERSON] = person
        if walk > 0.0:
            v.counts(w)[c.C_BUSY] += 1
            plan(w, m, t + walk)
        else:
            set_up(w, m, t)
            show(w, m, t)
    else:
        v.machine(w)[m, c.M_HELPER] = person
        if walk > 0.0:
            v.counts(w)[c.C_BUSY] += 1
            plan(w, v.slots(w)[c.X_REPAIRS] + m, t + walk)
        else:
            mend(w, m, t)
    if v.calendars(w) > 0:
        show_person(w, person, t)
    else:
        v.person_s(w)[person, c.H_SINCE] = t  # idle until now, which is not booked
        v.person(w)[person, c.W_SHOWN] = c.WALKING if walk > 0.0 else c.WORKING


@jit
def arrive(w, person, t):  # type: ignore[no-untyped-def]
    """A person who was walking is there; what they came for begins first."""
    v.person(w)[person, c.W_DOING] = c.THERE
    show_person(w, person, t)


@jit
def show_people(w, t):  # type: ignore[no-untyped-def]
    """Shifts may have changed: whose stations are all off shift is off as well, and so is who waits with one."""
    for k in range(v.crews(w)):
        serves, on = 0, 0
        for s in range(v.stations(w)):
            if v.serves(w)[k * v.stations(w) + s]:
                serves += 1
                if not v.machine(w)[v.station(w)[s, c.S_MACHINE], c.M_HOLD] & c.OFF:
                    on += 1
        v.duty(w)[k] = 1 if on > 0 or serves == 0 else 0
    for person in range(v.people(w)):
        show_person(w, person, t)
