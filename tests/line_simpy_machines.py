"""Of the line's twin: buffers and releases, where parts come from, and stations with their machines."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import simpy

from jangin.line import layout as declared

if TYPE_CHECKING:
    from line_simpy import Line
    from line_simpy_carriers import Fleet

Process = Generator[simpy.Event, Any, None]
OUT = None  # where parts go that leave the line


@dataclass(eq=False)
class Part:
    number: int  # -1: not yet released
    kind: int
    released_s: float
    waits_since: float
    goes_to: Store | None = OUT
    reworks: int = 0


# ── where parts come from ────────────────────────────────────────────────────────────────────────────────────────


class Store:
    """A buffer."""

    def __init__(self, line: Line, buffer: declared.Buffer) -> None:
        self.line, self.declared = line, buffer
        self.parts: list[Part] = []  # in the order in which they came
        self.kept = 0  # places kept for parts that a vehicle will bring

    @property
    def fleet(self) -> Fleet | None:
        return self.line.fleets[self.declared.fleet] if self.declared.fleet else None

    @property
    def room(self) -> float:
        capacity = self.declared.capacity
        return math.inf if capacity is None else capacity - len(self.parts) - self.kept

    @property
    def at_m(self) -> tuple[float, float] | None:
        return self.line.by_name[self.declared.target[0]].declared.at_m

    def put(self, part: Part) -> None:
        part.waits_since = self.line.env.now
        self.parts.append(part)
        self.line.look()

    def offers(self, n: int) -> list[Part]:
        parts = list(self.parts)
        if self.declared.order == "lifo":
            parts.reverse()
        elif self.declared.order == "priority":
            names = self.line.layout.parts
            parts.sort(key=lambda p: -self.declared.priority.get(names[p.kind], 0.0))  # sort is stable
        return (parts + [m.parts[0] for m in self.standing()])[:n]

    def standing(self) -> list[Machine]:
        """Machines that hold a finished part for this buffer and can give it, longest waiting first."""
        ready = [m for m in self.line.machines if m.phase == "leaving" and m.able() and m.parts[0].goes_to is self]
        return [] if self.fleet else sorted(ready, key=lambda m: (m.parts[0].waits_since, *m.place))

    def remove(self, part: Part) -> Part:
        if part in self.parts:
            self.parts.remove(part)
            return part
        return next(m for m in self.standing() if m.parts[0] is part).hand_over()


class Yard:
    """A release, and the parts released that no machine has taken."""

    def __init__(self, line: Line, index: int, release: declared.Release) -> None:
        self.line, self.index, self.declared = line, index, release
        self.parts: list[Part] = []
        self.released = 0
        if release.kind in ("push", "takt"):
            line.env.process(self.arrivals())

    def arrivals(self) -> Process:
        for k in itertools.count():
            takt = self.declared.kind == "takt"
            assert self.declared.every is not None
            yield self.line.env.timeout(
                declared.mean_s(self.declared.every) if takt else self.line.drawn.arrival(self.index, k)
            )
            self.parts.append(self.release(self.planned(k)))

    def release_next(self) -> bool:
        if self.declared.kind != "conwip" or self.line.log.in_line >= (self.declared.wip or 0):
            return False
        self.parts.append(self.release(self.planned(self.released)))
        return True

    def planned(self, k: int) -> Part:
        return Part(-1, self.line.drawn.part_type(self.index, k), math.nan, self.line.env.now)

    def release(self, part: Part) -> Part:
        part.number, part.released_s = next(self.line.born), self.line.env.now
        self.released += 1
        self.line.log.released += 1
        self.line.look()
        return part

    def offers(self, n: int) -> list[Part]:
        if self.declared.kind == "saturated":
            return [self.planned(self.released + i) for i in range(n)]
        return self.parts[:n]

    def remove(self, part: Part) -> Part:
        if self.declared.kind == "saturated":
            return self.release(part)
        self.parts.remove(part)
        return part


# ── where parts are worked on ────────────────────────────────────────────────────────────────────────────────────


class Station:
    def __init__(self, line: Line, index: int, station: declared.Station) -> None:
        self.line, self.index, self.declared = line, index, station
        self.starts = 0
        calendar = station.calendar or line.layout.calendar
        self.off, self.stops = calendar is not None, 0  # off until the calendar says on, which may be at once
        self.sources: list[Store | Yard] = [line.stores[b.name] for b in line.layout.feeding(station.name)]
        self.sources += [y for y in line.yards if y.declared.into == station.name]
        self.machines = [Machine(self, i) for i in range(station.machines)]
        if calendar:
            line.env.process(self.shifts(next(c for c in line.layout.calendars if c.name == calendar)))
        for stop in station.stops:
            line.env.process(self.planned_stop(stop))

    def shifts(self, calendar: declared.Calendar) -> Process:
        for period in itertools.count():
            for begin, end in calendar.windows_s:
                yield self.line.until(period * calendar.period_s + begin)
                self.off = False
                self.changed()
                yield self.line.until(period * calendar.period_s + end)
                self.off = True
                self.changed()

    def planned_stop(self, stop: declared.Stop) -> Process:
        for n in itertools.count():
            yield self.line.until(stop.first_s + n * stop.every_s)
            self.stops += 1
            self.changed()
            yield self.line.env.timeout(stop.lasts_s)
            self.stops -= 1
            self.changed()

    def changed(self) -> None:
        for machine in self.machines:
            machine.changes()

    def choice(self) -> list[tuple[Store | Yard, Part]]:
        """What an idle machine would take now; empty if there is not enough."""
        n = self.declared.batch
        offers = [source.offers(n) for source in self.sources]
        if self.declared.assemble:
            complete = all(len(parts) == n for parts in offers)
            return [(s, p) for s, parts in zip(self.sources, offers) for p in parts] if complete else []
        chosen: list[tuple[Store | Yard, Part]] = []
        while len(chosen) < n:
            heads = [(parts[0].waits_since, i) for i, parts in enumerate(offers) if parts]
            if not heads:
                return []
            _, i = min(heads)
            chosen.append((self.sources[i], offers[i].pop(0)))
        return chosen

    def may_start(self, chosen: Sequence[tuple[Store | Yard, Part]]) -> bool:
        """The rule of blocking before service."""
        store = self.route(self.starts, chosen[0][1].kind)
        if self.declared.blocking == "after" or store is OUT or store.declared.capacity is None:
            return True
        in_work = sum(p.goes_to is store for m in self.line.machines for p in m.parts)
        on_the_way = sum(v.load.goes_to is store for v in self.line.carried() if v.load)
        behind = [m for name in store.declared.target for m in self.line.by_name[name].machines]
        held = in_work + on_the_way + len(store.parts) + sum(len(m.parts) for m in behind)
        return held < store.declared.capacity + len(behind)

    def route(self, k: int, kind: int) -> Store | None:
        """Where the k-th run's parts go if they are good."""
        name = self.line.layout.parts[kind]
        fits = [r for r in self.declared.routes if not r.parts or name in r.parts]
        if not self.declared.routes:
            onward = [b for b in self.line.layout.fed_by(self.declared.name) if b.name != self.declared.rework_to]
            assert len(onward) <= 1, f"{self.declared.name} needs routes"
            return self.line.stores[onward[0].name] if onward else OUT
        left = sum(r.share for r in fits) * self.line.drawn.route(self.index, k) if len(fits) > 1 else 0.0
        for route in fits:
            left -= route.share
            if left < 0.0:
                break
        return self.line.stores.get(route.buffer)  # "out" is none of them


class Machine:
    """One machine: the process of its work, and one process for each mode of failure."""

    def __init__(self, station: Station, index: int) -> None:
        self.station, self.index, self.line = station, index, station.line
        self.place = (station.index, index)  # the order in ties
        self.phase = "idle"  # then "waiting" (for an operator), "setup", "running", "leaving"
        self.parts: list[Part] = []
        self.down = self.room_kept = False
        self.idle_since = 0.0
        setup = station.declared.setup
        self.last = self.line.layout.parts.index(setup.first) if setup and setup.first is not None else None
        self.change, self.taken, self.gone = (self.line.env.event() for _ in range(3))
        self.line.env.process(self.work())
        for mode, failure in enumerate(station.declared.failures):
            self.line.env.process(self.fails(mode, failure))

    def able(self) -> bool:
        return not (self.station.off or self.station.stops or self.down)

    @property
    def state(self) -> str:
        if self.station.off:
            return "off"
        if self.station.stops:
            return "stopped"
        if self.down:
            return "down"
        if self.phase == "leaving":
            return "waiting" if self.room_kept else "blocked"
        if self.phase == "idle":
            chosen = self.station.choice()
            return "blocked" if chosen and not self.station.may_start(chosen) else "starved"
        return self.phase

    def changes(self) -> None:
        """Wakes whoever waits for a change of this machine."""
        happened, self.change = self.change, self.line.env.event()
        happened.succeed()
        self.line.look()

    def enter(self, phase: str) -> None:
        self.phase = phase
        self.changes()

    def spend(self, seconds: float, counts: Callable[[], bool]) -> Process:
        """Passes this much time in which `counts`; the rest does not count."""
        left = seconds
        while left > 0.0:
            if counts():
                began, end = self.line.env.now, self.line.env.timeout(left)
                yield end | self.change
                left = 0.0 if end.processed else left - (self.line.env.now - began)
            else:
                yield self.change

    def until(self, condition: Callable[[], bool]) -> Process:
        while not condition():
            yield self.change

    def take(self, chosen: Sequence[tuple[Store | Yard, Part]]) -> None:
        """The line's move: these parts go into this machine, and those joined vanish."""
        parts = [source.remove(part) for source, part in chosen]
        self.parts, joined = parts[: self.station.declared.batch], parts[self.station.declared.batch :]
        self.line.log.joined += len(joined)
        self.phase = "waiting"
        k, self.station.starts = self.station.starts, self.station.starts + 1
        for part in self.parts:
            part.goes_to = self.station.route(k, part.kind)
        self.taken.succeed(k)

    def hand_over(self) -> Part:
        """The line's move: the first part leaves this machine."""
        part = self.parts.pop(0)
        self.room_kept = False
        self.gone.succeed()
        return part

    def work(self) -> Process:
        station, drawn = self.station.declared, self.line.drawn
        while True:
            self.idle_since, self.taken = self.line.env.now, self.line.env.event()
            self.enter("idle")
            k = yield self.taken
            kind = self.parts[0].kind
            person = None
            if station.operator:
                person = yield self.line.people.call(self, skill=station.operator)
            self.enter("setup")
            yield from self.spend(self.setup_s(kind), self.able)
            self.enter("running")
            yield from self.spend(drawn.cycle(self.station.index, k, kind), self.able)
            if person:
                self.line.people.free(person)
            self.finish(k)
            while self.parts:
                self.gone = self.line.env.event()
                self.enter("leaving")
                yield self.gone

    def setup_s(self, kind: int) -> float:
        setup, names = self.station.declared.setup, self.line.layout.parts
        last, self.last = self.last, kind
        if setup is None or last is None or last == kind:
            return 0.0
        return setup.times_s.get(names[last], {}).get(names[kind], setup.default_s)

    def finish(self, k: int) -> None:
        station, log, u = self.station.declared, self.line.log, self.line.drawn.fate(self.station.index, k)
        i, done, self.parts = self.station.index, self.parts, []
        rework = station.scrap <= u < station.scrap + (1.0 - station.scrap) * station.rework
        for part in done:
            log.finished[i] += 1
            log.first[i] += part.reworks == 0
            part.waits_since = self.line.env.now
            if u < station.scrap or (rework and part.reworks >= station.rework_limit):
                log.scrapped[i] += 1
            elif rework:
                assert station.rework_to is not None
                part.reworks, part.goes_to = part.reworks + 1, self.line.stores[station.rework_to]
                log.reworked[i] += 1
                self.parts.append(part)
            else:
                log.good_first[i] += part.reworks == 0
                self.parts += [part, *(self.copy(part) for _ in range(station.split - 1))]

    def copy(self, part: Part) -> Part:
        self.line.log.split += 1
        return Part(next(self.line.born), part.kind, part.released_s, part.waits_since, part.goes_to, part.reworks)

    def fails(self, mode: int, failure: declared.Failure) -> Process:
        where, drawn = (*self.place, mode), self.line.drawn
        for k in itertools.count():
            runs = self.able if failure.counts == "time" else lambda: self.state == "running"
            yield from self.spend(drawn.fail_after(*where, k), runs)
            yield from self.until(self.able)
            self.down = True
            self.changes()
            person = None
            if failure.crew:
                person = yield self.line.people.call(self, crew=failure.crew)
                yield from self.until(lambda: not (self.station.off or self.station.stops))
            if person:
                person.repairs = True
            yield self.line.env.timeout(drawn.repair(*where, k))
            if person:
                self.line.people.free(person)
            self.down = False
            self.changes()
