"""The slow twin of the line's next-event engine: the semantics of `jangin.line.layout`, written again in SimPy.

    history = run(layout, Sampled(layout, seed=1), horizon_s=3600.0)
    history.transitions[0]        # (0.0, 0, 0, "starved", -1): time, station, machine, state, first part held or none
    history.good, history.lead_s  # counts and time averages, all from time 0 to the horizon

Every random quantity has a name and is asked of `Drawn`, so that two engines can be given the same ones. The twin is
made to be read, not to be fast: any change wakes `Line`, which goes through the stages of one instant in this order:
what happens by itself (ends of work, failures, arrivals, shifts), then material moves (one at a time: releases of
conwip, then parts that leave a machine, then machines that take), then people are sent, then vehicles, then every
machine's state is written down. So a state that lasts no time is not seen, and what happens at the horizon is not.
At every instant the twin counts all parts: released + split = good + scrapped + joined + in the line.

Where the declared semantics leave room, the twin reads them so:
    Numbers.  Parts are numbered from 0 as they come to be, by release or by split (the first part of a split keeps its
              number, the others get new ones). Releases that the layout implies (saturated) come after the declared
              ones, in the order of the stations. A station that has a release and is fed by buffers takes from both, in
              a tie from the buffers first; a saturated release's parts begin to wait when they are taken.
    Take.     Idle longest takes first (since its last part left; in a tie the station declared first, then the machine
              with the lowest number). Of several buffers, the one whose offered part has waited longest in it, in a tie
              the buffer declared first. A buffer offers its own parts in its order, then those finished in machines,
              longest first, one of each; nothing passes by a fleet, so its buffer of capacity 0 never
              has room. A run's type (set-up, cycle) is that of its first part; the draws for fate and route are one for
              the whole batch, and each part's type decides which routes fit it.
    Finish.   Fate is decided at the end of the run. Scrapped parts are gone at once; only good parts are split.
              `rework_limit` counts all reworks of a part, at any station. A batch's parts wait since the run's end.
    Give.     A machine that is off, stopped or down gives nothing: it claims no room, nothing is taken from it, no
              vehicle begins to load; but its place in the queue stays. A loading that has begun ends.
    Before.   What would be taken, and its route, are known beforehand, its fate is not: the room looked for is that of
              the good route. Parts on vehicles count as in the buffer; "in the machines behind it" are all parts of all
              machines of its targets, wherever they came from; for batches it is the same "<".
    Repair.   A crew's member comes whatever the shift; but a repair begins only on shift and outside planned stops (he
              waits there), and then goes on. Nothing but a tie makes two modes fail at once: then one waits.
    People.   Calls of one instant go by station, then machine. A place that is not declared is no distance away.
    States.   A person is busy from reaching a machine until it lets them go, also while it is down or stopped; off
              while that machine's station is off shift (but busy in a repair that goes on), and, when free, while all
              stations that ever call their crew are. A vehicle on its way to the charger drives empty.
    Vehicles. The place in a zone is given back as soon as the load is put down, whatever comes next. Waiting for a zone
              happens where the vehicle stands (loaded: at the source, holding that zone's place). Home is in no zone.
    Averages. A buffer's level is of parts in it, without room kept; parts in the line include those in yards and on
              vehicles; lead time is of good parts, from the release of the part (or of the part it was split from).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, cast

import simpy

from jangin.line import layout as declared
from jangin.line.iso22400 import STATES
from jangin.line.result import PERSON_STATES, VEHICLE_STATES
from line_simpy_carriers import Fleet, People, Person, Vehicle
from line_simpy_drawn import Sampled, releases_of
from line_simpy_machines import OUT, Machine, Part, Station, Store, Yard

__all__ = ["Drawn", "History", "Sampled", "Transition", "run"]

MATERIAL, PEOPLE, VEHICLES, LOG = 2, 3, 4, 5  # stages of one instant; SimPy's own events come before, at 0 and 1


class Transition(NamedTuple):
    """A machine is in `state` from `time_s` on, and the first part it holds is `part` (-1: none)."""

    time_s: float
    station: int
    machine: int
    state: str
    part: int


@dataclass(frozen=True)
class History:
    """What happened between 0 and the horizon; see the module for what is counted how."""

    transitions: list[Transition]
    released: int
    good: int
    scrapped: int
    joined: int  # vanished into another part by assembly
    split: int  # came to be by split
    in_progress: int
    finished: tuple[int, ...]  # by station: parts, each time a run ends
    reworked: tuple[int, ...]
    station_scrapped: tuple[int, ...]
    left_s: tuple[float, ...]  # when each good part left
    seconds: tuple[dict[str, float], ...]  # by station: machine-seconds by state
    levels: dict[str, float]  # by buffer: mean number of parts in it
    wip: float  # mean number of parts in the line
    lead_s: float  # mean, NaN if no good part left
    left_first: int  # good parts that left and never were reworked
    first: tuple[int, ...]  # by station: of those finished, parts never reworked before
    good_first: tuple[int, ...]  # by station: of these, the good ones
    people: tuple[dict[str, float], ...]  # by crew: person-seconds by state
    vehicles: tuple[dict[str, float], ...]  # by fleet: vehicle-seconds by state
    brought: tuple[int, ...]  # by fleet: parts put down
    most_driven_s: tuple[float, ...]  # by fleet: since charging, at the end of any drive; -1 if none ended


class Drawn(Protocol):
    """Every random quantity by name; the same arguments always give the same number. See `layout` for the meaning."""

    def cycle(self, station: int, k: int, part_type: int) -> float: ...
    def fate(self, station: int, k: int) -> float: ...
    def route(self, station: int, k: int) -> float: ...
    def fail_after(self, station: int, machine: int, mode: int, k: int) -> float: ...
    def repair(self, station: int, machine: int, mode: int, k: int) -> float: ...
    def arrival(self, release: int, k: int) -> float: ...
    def part_type(self, release: int, k: int) -> int: ...


def run(layout: declared.Layout, drawn: Drawn, horizon_s: float) -> History:
    """The plant from time 0 to the horizon."""
    line = Line(layout, drawn)
    line.env.run(until=horizon_s)
    line.log.add_up()
    return line.log.history(line)


# ── one instant ──────────────────────────────────────────────────────────────────────────────────────────────────


class Stage(simpy.Event):
    """Calls `act` at this instant, after all events of a lower stage."""

    def __init__(self, env: simpy.Environment, priority: int, act: Callable[[], None]) -> None:
        super().__init__(env)
        self._ok, self._value = True, None  # as simpy.Timeout does: it happens for certain
        self.callbacks.append(lambda _: act())
        env.schedule(self, cast(Any, priority))  # SimPy names 0 and 1 only; any number does


class Line:
    """Everything there is, and the stages of one instant."""

    def __init__(self, layout: declared.Layout, drawn: Drawn) -> None:
        self.env, self.layout, self.drawn = simpy.Environment(), layout, drawn
        self.due: set[int] = set()
        self.born = itertools.count()
        self.stores = {b.name: Store(self, b) for b in layout.buffers}
        self.yards = [Yard(self, i, r) for i, r in enumerate(releases_of(layout))]
        self.fleets = {f.name: Fleet(self, f) for f in layout.fleets}
        self.stations = [Station(self, i, s) for i, s in enumerate(layout.stations)]
        self.people = People(self)
        self.machines = [m for s in self.stations for m in s.machines]
        self.by_name = {s.declared.name: s for s in self.stations}
        self.log = Log(self)
        self.look()

    def look(self) -> None:
        """Something changed: go through the stages of this instant (again)."""
        for stage, act in ((MATERIAL, self.move), (PEOPLE, self.people.send), (VEHICLES, self.send), (LOG, self.write)):
            if stage not in self.due:
                self.due.add(stage)
                Stage(self.env, stage, functools.partial(self.go_through, stage, act))

    def go_through(self, stage: int, act: Callable[[], None]) -> None:
        self.due.discard(stage)
        act()

    def move(self) -> None:
        """The one move of material that is first in order; whoever is moved reacts before the next."""
        if any(act() for act in (*(y.release_next for y in self.yards), self.give, self.take)):
            self.look()

    def give(self) -> bool:
        for machine in sorted(self.machines, key=lambda m: (m.parts[0].waits_since if m.parts else 0.0, *m.place)):
            if machine.phase == "leaving" and machine.able() and not machine.room_kept:
                store = machine.parts[0].goes_to
                if store is OUT:
                    self.log.leaves(machine.hand_over())
                    return True
                if store.room > 0:
                    if store.fleet:
                        store.kept += 1
                        machine.room_kept = True
                        store.fleet.call(machine, store)
                    else:
                        store.put(machine.hand_over())
                    return True
        return False

    def take(self) -> bool:
        for machine in sorted(self.machines, key=lambda m: (m.idle_since, *m.place)):
            if machine.phase == "idle" and machine.able():
                chosen = machine.station.choice()
                if chosen and machine.station.may_start(chosen):
                    machine.take(chosen)
                    return True
        return False

    def send(self) -> None:
        for fleet in self.fleets.values():
            fleet.send()

    def write(self) -> None:
        self.log.write()

    def carried(self) -> list[Vehicle]:
        return [v for f in self.fleets.values() for v in f.vehicles if v.load is not None]

    def in_progress(self) -> int:
        """Parts that can be pointed at."""
        held = sum(len(m.parts) for m in self.machines) + sum(len(s.parts) for s in self.stores.values())
        return held + sum(len(y.parts) for y in self.yards) + len(self.carried())

    def until(self, time_s: float) -> simpy.Event:
        return self.env.timeout(max(0.0, time_s - self.env.now))


# ── what is written down ─────────────────────────────────────────────────────────────────────────────────────────


class Log:
    """Counts, transitions and sums over time; a conservation law checked at every instant."""

    def __init__(self, line: Line) -> None:
        self.line, n = line, len(line.stations)
        self.released = self.good = self.joined = self.split = 0
        self.scrapped, self.finished, self.reworked = [0] * n, [0] * n, [0] * n
        self.left_first, self.first, self.good_first = 0, [0] * n, [0] * n
        self.left: list[tuple[float, float]] = []  # when, and how long it was in the line
        self.transitions: list[Transition] = []
        self.now: dict[Machine, tuple[str, int]] = {}
        self.doing: dict[Person | Vehicle, str] = {}
        self.levels: dict[str, int] = {}
        self.parts, self.since = 0, 0.0
        self.seconds = [dict.fromkeys(STATES, 0.0) for _ in range(n)]
        self.level_s = dict.fromkeys(line.stores, 0.0)
        self.part_s = 0.0

    @property
    def in_line(self) -> int:
        return self.released + self.split - self.good - sum(self.scrapped) - self.joined

    def leaves(self, part: Part) -> None:
        self.good += 1
        self.left_first += part.reworks == 0
        self.left.append((self.line.env.now, self.line.env.now - part.released_s))
        self.line.look()

    def write(self) -> None:
        """The last stage of an instant: who is in another state, or holds another part, than at the last one."""
        self.add_up()
        for machine in self.line.machines:
            now = machine.state, machine.parts[0].number if machine.parts else -1
            if self.now.get(machine) != now:
                self.now[machine] = now
                self.transitions.append(Transition(self.line.env.now, *machine.place, *now))
        self.doing = {one: one.state for one in self.who()}
        self.levels = {name: len(store.parts) for name, store in self.line.stores.items()}
        self.parts = self.line.in_progress()
        assert self.parts == self.in_line, f"{self.parts} parts are there, {self.in_line} should be"
        for name, store in self.line.stores.items():
            assert store.room >= 0, f"{name} is more than full"

    def who(self) -> list[Person | Vehicle]:
        """Everybody, and all vehicles."""
        return [*self.line.people.everybody, *(v for f in self.line.fleets.values() for v in f.vehicles)]

    def add_up(self) -> None:
        """What lasted from the last instant until now."""
        lasted, self.since = self.line.env.now - self.since, self.line.env.now
        for machine, (state, _) in self.now.items():
            self.seconds[machine.station.index][state] += lasted
        for one, state in self.doing.items():
            one.seconds[state] += lasted
        for name, level in self.levels.items():
            self.level_s[name] += level * lasted
        self.part_s += self.parts * lasted

    def history(self, line: Line) -> History:
        horizon = line.env.now
        return History(
            self.transitions, self.released, self.good, sum(self.scrapped), self.joined, self.split, line.in_progress(),
            tuple(self.finished), tuple(self.reworked), tuple(self.scrapped), tuple(t for t, _ in self.left),
            tuple(self.seconds), {name: s / horizon for name, s in self.level_s.items()}, self.part_s / horizon,
            sum(lead for _, lead in self.left) / len(self.left) if self.left else math.nan,
            self.left_first, tuple(self.first), tuple(self.good_first),
            tuple(summed([p for p in line.people.everybody if p.crew is c], PERSON_STATES) for c in line.layout.crews),
            tuple(summed(f.vehicles, VEHICLE_STATES) for f in line.fleets.values()),
            tuple(sum(v.brought for v in f.vehicles) for f in line.fleets.values()),
            tuple(max(v.most_driven_s for v in f.vehicles) for f in line.fleets.values()),
        )  # fmt: skip


def summed(some: Sequence[Person | Vehicle], states: Sequence[str]) -> dict[str, float]:
    """Their seconds together, by state."""
    return {state: sum(one.seconds[state] for one in some) for state in states}
