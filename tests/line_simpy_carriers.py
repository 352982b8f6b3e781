"""Of the line's twin: people who walk, and vehicles that carry, with their zones."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import simpy

from jangin.line import layout as declared
from jangin.line.result import PERSON_STATES, VEHICLE_STATES

if TYPE_CHECKING:
    from line_simpy import Line
    from line_simpy_machines import Machine, Part, Station, Store

Process = Generator[simpy.Event, Any, None]


# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────


def distance(a: tuple[float, float] | None, z: tuple[float, float] | None) -> float:
    """Along the axes [m]; 0 where a place is not declared."""
    return 0.0 if a is None or z is None else abs(a[0] - z[0]) + abs(a[1] - z[1])


@dataclass(eq=False)
class Person:
    crew: declared.Crew
    at_m: tuple[float, float] | None
    serves: list[Station]
    busy: bool = False
    walks: bool = False
    repairs: bool = False
    machine: Machine | None = None  # that they are at, or on the way to
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PERSON_STATES, 0.0))

    @property
    def state(self) -> str:
        if self.walks:
            return "walking"
        if self.machine is None:
            return "off" if self.serves and all(s.off for s in self.serves) else "idle"
        return "off" if self.machine.station.off and not self.repairs else "busy"


@dataclass(eq=False)
class Call:
    since: float
    machine: Machine
    answered: simpy.Event
    can: Callable[[declared.Crew], bool] = field(default=lambda crew: True)
    store: Store | None = None  # for vehicles: where to


def serves(line: Line, crew: declared.Crew) -> list[Station]:
    """The stations that ever call this crew."""
    return [
        s
        for s in line.stations
        if s.declared.operator in crew.skills or crew.name in [f.crew for f in s.declared.failures]
    ]


class People:
    """Everybody of all crews, and the calls that nobody answers yet."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.everybody = [Person(c, c.home_m, serves(line, c)) for c in line.layout.crews for _ in range(c.people)]
        self.calls: list[Call] = []

    def call(self, machine: Machine, *, skill: str | None = None, crew: str | None = None) -> simpy.Event:
        """Happens when somebody is there, with the person as its value."""
        can = (lambda c: c.name == crew) if crew else (lambda c: skill in c.skills)
        self.calls.append(Call(self.line.env.now, machine, self.line.env.event(), can))
        self.line.look()
        return self.calls[-1].answered

    def send(self) -> None:
        for call in sorted(self.calls, key=lambda c: (c.since, *c.machine.place)):
            there = call.machine.station.declared.at_m
            free = [p for p in self.everybody if not p.busy and call.can(p.crew)]
            if free:
                person = min(free, key=lambda p: distance(p.at_m, there))  # min keeps the first
                person.busy, person.machine = True, call.machine
                self.calls.remove(call)
                self.line.env.process(self.walk(person, call, there))

    def walk(self, person: Person, call: Call, there: tuple[float, float] | None) -> Process:
        speed = person.crew.speed_m_s
        person.walks = True
        yield self.line.env.timeout(distance(person.at_m, there) / speed if speed else 0.0)
        person.at_m, person.walks = there, False
        call.answered.succeed(person)
        self.line.look()

    def free(self, person: Person) -> None:
        person.busy = person.repairs = False
        person.machine = None
        self.line.look()


# ── vehicles ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Zone:
    def __init__(self, line: Line, zone: declared.Zone) -> None:
        self.line, self.declared = line, zone
        self.free = zone.vehicles
        self.queue: list[simpy.Event] = []

    def place(self) -> simpy.Event:
        """Happens when a place is ours."""
        self.queue.append(self.line.env.event())
        mine = self.queue[-1]
        self.serve()
        return mine

    def give_back(self) -> None:
        self.free += 1
        self.serve()

    def serve(self) -> None:
        while self.free and self.queue:
            self.free -= 1
            self.queue.pop(0).succeed()


class Fleet:
    def __init__(self, line: Line, fleet: declared.Fleet) -> None:
        self.line, self.declared = line, fleet
        self.zones = [Zone(line, z) for z in fleet.zones]
        self.vehicles = [Vehicle(self) for _ in range(fleet.vehicles)]
        self.calls: list[Call] = []

    def call(self, machine: Machine, store: Store) -> None:
        self.calls.append(Call(self.line.env.now, machine, self.line.env.event(), store=store))
        self.line.look()

    def send(self) -> None:
        for call in sorted(self.calls, key=lambda c: (c.since, *c.machine.place)):
            idle = [v for v in self.vehicles if v.idle]
            if idle:
                nearest = min(idle, key=lambda v: distance(v.at_m, call.machine.station.declared.at_m))
                nearest.idle = False
                self.calls.remove(call)
                self.line.env.process(nearest.carry(call))

    def zone(self, station: str) -> Zone | None:
        return next((z for z in self.zones if station in z.declared.stations), None)


class Vehicle:
    def __init__(self, fleet: Fleet) -> None:
        self.fleet, self.line = fleet, fleet.line
        self.at_m: tuple[float, float] | None = fleet.declared.home_m
        self.idle = True
        self.load: Part | None = None
        self.zone: Zone | None = None  # where it has a place
        self.driven_s = 0.0  # since the battery was full
        self.most_driven_s = -1.0  # at the end of any drive
        self.brought = 0
        self.state = "idle"
        self.seconds = dict.fromkeys(VEHICLE_STATES, 0.0)

    def carry(self, call: Call) -> Process:
        """One job, with a visit to the charger after it where that is due."""
        machine, store, fleet = call.machine, call.store, self.fleet.declared
        assert store is not None
        yield from self.enter(machine.station.declared.name)
        yield from self.drive(machine.station.declared.at_m)
        self.becomes("waiting")
        yield from machine.until(machine.able)
        self.becomes("handling")
        yield self.line.env.timeout(fleet.load_s)
        self.load = machine.hand_over()
        self.line.look()
        yield from self.enter(store.declared.target[0])
        yield from self.drive(store.at_m)
        self.becomes("handling")
        yield self.line.env.timeout(fleet.unload_s)
        self.brought += 1
        store.kept -= 1
        store.put(self.load)
        self.load = None
        self.leave_zone()
        if fleet.drive_s is not None and fleet.drive_s - self.driven_s < fleet.reserve_s:
            yield from self.drive(fleet.home_m)
            self.becomes("charging")
            yield self.line.env.timeout(fleet.charge_s)
            self.driven_s = 0.0
        self.idle = True
        self.becomes("idle")

    def becomes(self, state: str) -> None:
        self.state = state
        self.line.look()

    def enter(self, station: str) -> Process:
        """Gets a place in the zone it will drive to, then gives back that of the zone it leaves."""
        zone = self.fleet.zone(station)
        if zone is not self.zone:
            if zone:
                self.becomes("waiting")
                yield zone.place()
            self.leave_zone()
            self.zone = zone

    def leave_zone(self) -> None:
        if self.zone:
            self.zone.give_back()
        self.zone = None

    def drive(self, there: tuple[float, float] | None) -> Process:
        takes = distance(self.at_m, there) / self.fleet.declared.speed_m_s
        self.becomes("empty" if self.load is None else "loaded")
        yield self.line.env.timeout(takes)
        self.driven_s += takes
        self.most_driven_s = max(self.most_driven_s, self.driven_s)
        self.at_m = there
