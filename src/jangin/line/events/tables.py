"""From a layout to the tables of the next-event loop.

plant = tables(layout)                                  # once
world = fresh(plant, seed=7, replication=0)             # for each replication
"""

from __future__ import annotations

import graphlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from jangin.errors import JanginError
from jangin.line import layout as lay
from jangin.line.events import draws
from jangin.line.events import state as c
from jangin.line.events.state import Plant, World
from jangin.line.layout import Layout, Station

__all__ = ["Modes", "fresh", "tables", "unfit"]

Array = np.ndarray
UNLIMITED = 1 << 40


@dataclass(frozen=True, eq=False)
class Modes:
    """The failure modes of all machines, a row each, as `World.mode` begins."""

    rows: Array
    machine_first: Array  # (M,) first row of a machine


@dataclass
class _Pools:
    """What the rows of the tables point into, while they are built."""

    number: list[int] = field(default_factory=list)
    real: list[float] = field(default_factory=list)
    dist: list[tuple[int, int, int]] = field(default_factory=list)
    shape: list[tuple[float, float, float]] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    known: dict[object, int] = field(default_factory=dict)

    def numbers(self, values: Sequence[int]) -> int:
        """Where these whole numbers now lie."""
        self.number += values
        return len(self.number) - len(values)

    def reals(self, values: Sequence[float]) -> int:
        """Where these numbers now lie."""
        self.real += values
        return len(self.real) - len(values)

    def time(self, time: lay.Distribution) -> int:
        """The row of a distribution; equal ones share a row."""
        if time not in self.known:
            kind, values, shape = _numbers_of(time)
            self.dist.append((kind, len(self.values), len(values)))
            self.values += values
            self.shape.append(shape)
            self.known[time] = len(self.dist) - 1
        return self.known[time]


def _numbers_of(time: lay.Distribution) -> tuple[int, tuple[float, ...], tuple[float, float, float]]:
    """Kind, measured values and numbers of a distribution, as `draws.draw` wants them."""
    none: tuple[float, ...] = ()
    match time:
        case lay.Constant(value_s=a):
            return draws.CONSTANT, none, (a, 0.0, 0.0)
        case lay.Exponential(mean_s=a):
            return draws.EXPONENTIAL, none, (a, 0.0, 0.0)
        case lay.Uniform(low_s=a, high_s=b):
            return draws.UNIFORM, none, (a, b, 0.0)
        case lay.Triangular(low_s=a, mode_s=b, high_s=z):
            return draws.TRIANGULAR, none, (a, b, z)
        case lay.Normal(mean_s=a, sd_s=b):
            return draws.NORMAL, none, (a, b, 0.0)
        case lay.Lognormal(mean_s=a, cv=v):
            variance = math.log1p(v * v)
            return draws.LOGNORMAL, none, (math.log(a) - variance / 2, math.sqrt(variance), 0.0)
        case lay.Gamma(mean_s=a, cv=v):
            return draws.GAMMA, none, (a * v * v, 1.0 / (v * v), 0.0)
        case lay.Erlang(mean_s=a, phases=n):
            return draws.ERLANG, none, (a / n, float(n), 0.0)
        case lay.Weibull(mean_s=a, shape=b):
            return draws.WEIBULL, none, (a / math.gamma(1.0 + 1.0 / b), b, 0.0)
        case lay.Empirical(values_s=values):
            return draws.EMPIRICAL, tuple(values), (0.0, 0.0, 0.0)
        case lay.Trace(values_s=values):
            return draws.TRACE, tuple(values), (0.0, 0.0, 0.0)
    raise AssertionError(time)


def unfit(layout: Layout) -> str:
    """Why this engine cannot honour a layout, in one sentence that names the thing; "" when it can."""
    for s in layout.stations:
        if isinstance(s.cycle.time, lay.Evidence):
            return f"station {s.name!r} carries evidence, which has to be drawn before the events engine can run it"
    return ""


def tables(layout: Layout) -> tuple[Plant, Modes]:
    """The tables of a layout that `layout_check.check` has found right; raises JanginError for what `unfit` names."""
    if why := unfit(layout):
        raise JanginError(f"Layout {layout.name!r} cannot be simulated: {why}.")
    pools = _Pools()
    stations, chance = np.zeros((len(layout.stations), 19), np.int64), np.zeros((len(layout.stations), 2))
    releases = _releases(layout)
    names = [b.name for b in layout.buffers] + [f"\x00{r.into}" for r in releases]
    number_of = {name: k for k, name in enumerate(names)}
    skills = _skills(layout)
    machine = 0
    for k, s in enumerate(layout.stations):
        row = stations[k]
        row[[c.S_MACHINE, c.S_MACHINES, c.S_BATCH, c.S_ASSEMBLE]] = machine, s.machines, s.batch, s.assemble
        row[[c.S_SPLIT, c.S_BEFORE, c.S_REWORK_LIMIT]] = s.split, s.blocking == "before", s.rework_limit
        row[c.S_REWORK_TO] = number_of[s.rework_to] if s.rework_to is not None else -1
        row[c.S_CYCLE] = _cycle(pools, layout, s)
        row[c.S_SETUP], row[c.S_FIRST_TYPE] = _setup(pools, layout, s)
        row[c.S_SKILL] = skills[s.operator] if s.operator is not None else -1
        fed = [number_of[b.name] for b in layout.feeding(s.name)]
        fed += [number_of[f"\x00{s.name}"]] if f"\x00{s.name}" in number_of else []
        row[[c.S_IN, c.S_INS]] = pools.numbers(fed), len(fed)
        row[[c.S_ROUTE, c.S_ROUTES]] = _routes(pools, layout, s, number_of)
        row[c.S_LIVE] = len(s.failures)
        row[c.S_AGAIN] = any(other.rework for other in layout.stations)
        chance[k] = s.scrap, s.rework
        machine += s.machines
    buffers = _buffers(pools, layout, releases, stations)
    for row in stations:
        fed_by = pools.number[row[c.S_IN] : row[c.S_IN] + row[c.S_INS]]
        row[c.S_BEHIND] = bool(buffers[fed_by, c.B_TRACKED].any())
    release, mix = _release_rows(pools, layout, releases)
    modes, streams, n_streams = _modes(pools, layout, skills, len(releases))
    crew, skill_crews, serves, speed = _crews(layout, skills)
    calendar, period, switches, on_calendar = _calendars(layout)
    stops = [(k, stop) for k, s in enumerate(layout.stations) for stop in s.stops]
    counts = [
        machine,
        machine,
        len(modes.rows),
        len(releases),
        len(calendar),
        len(stops),
        sum(f.vehicles for f in layout.fleets),
        1,
    ]
    slots = np.append(np.cumsum(counts)[:7], [sum(counts), n_streams])
    plant = Plant(
        station=stations,
        chance=chance,
        buffer=buffers,
        release=release,
        mix=mix,
        number=np.array(pools.number or [0], np.int64),
        real=np.array(pools.real or [0.0], float),
        dist=np.array(pools.dist, np.int64).reshape(-1, 3),
        shape=np.array(pools.shape, float).reshape(-1, 3),
        values=np.array(pools.values or [0.0], float),
        crew=crew,
        skill_crews=skill_crews,
        serves=serves,
        speed=speed,
        home=np.array([one.home_m for one in layout.crews], float).reshape(-1, 2),
        place=np.array([s.at_m or (0.0, 0.0) for s in layout.stations], float),
        calendar=calendar,
        period=period,
        switches=switches,
        on_calendar=on_calendar,
        stop=np.array([k for k, _ in stops], np.int64),
        stop_s=np.array([(z.first_s, z.lasts_s, z.every_s) for _, z in stops], float).reshape(-1, 3),
        **_fleets(layout),
        slots=slots.astype(np.int64),
        streams=streams,
        cyclic=np.array([_cyclic(layout)], np.int64),
    )
    return plant, modes


def _releases(layout: Layout) -> list[lay.Release]:
    """The declared releases, and a saturated one for every other station that nothing feeds."""
    named = {r.into for r in layout.releases}
    alone = [s.name for s in layout.stations if s.name not in named and not layout.feeding(s.name)]
    return list(layout.releases) + [lay.Release(into=name) for name in alone]


def _cycle(pools: _Pools, layout: Layout, s: Station) -> int:
    time = s.cycle.time
    assert not isinstance(time, lay.Evidence)
    if isinstance(time, lay.Distribution):
        return pools.numbers([pools.time(time)] * len(layout.parts))
    missing = pools.time(lay.Constant(0.0))  # a type that never comes here
    return pools.numbers([pools.time(time[part]) if part in time else missing for part in layout.parts])


def _setup(pools: _Pools, layout: Layout, s: Station) -> tuple[int, int]:
    if s.setup is None:
        return -1, -1
    times = s.setup.times_s
    table = [
        0.0 if a == z else times.get(a, {}).get(z, s.setup.default_s)  # no time from a type to itself
        for a in layout.parts
        for z in layout.parts
    ]
    return pools.reals(table), -1 if s.setup.first is None else layout.parts.index(s.setup.first)


def _routes(pools: _Pools, layout: Layout, s: Station, number_of: dict[str, int]) -> tuple[int, int]:
    """Buffers of the routes, then for each a row of the types it takes, then where the shares lie in `real`."""
    routes = s.routes
    if not routes:
        onward = [b for b in layout.fed_by(s.name) if b.name != s.rework_to]
        routes = tuple(lay.Route(b.name) for b in onward) or (lay.Route("out"),)
    first = pools.numbers([-1 if r.buffer == "out" else number_of[r.buffer] for r in routes])
    for r in routes:
        pools.numbers([int(not r.parts or part in r.parts) for part in layout.parts])
    pools.numbers([pools.reals([r.share for r in routes])])
    return first, len(routes)


def _buffers(pools: _Pools, layout: Layout, releases: Sequence[lay.Release], stations: Array) -> Array:
    index = {s.name: k for k, s in enumerate(layout.stations)}
    rows = np.zeros((len(layout.buffers) + len(releases), 11), np.int64)
    rows[:, [c.B_RELEASE, c.B_PRIORITY, c.B_FLEET]] = -1
    fleets = {fleet.name: k for k, fleet in enumerate(layout.fleets)}
    orders = {"fifo": c.FIFO, "lifo": c.LIFO, "priority": c.PRIORITY}
    for row, b in zip(rows, layout.buffers, strict=False):
        target, source = [index[name] for name in b.target], [index[name] for name in b.source]
        row[c.B_CAPACITY] = UNLIMITED if b.capacity is None else b.capacity
        row[[c.B_ORDER, c.B_TARGET, c.B_TARGETS]] = orders[b.order], pools.numbers(target), len(target)
        row[[c.B_SOURCE, c.B_SOURCES]] = pools.numbers(source), len(source)
        row[c.B_TRACKED] = any(stations[k, c.S_BEFORE] for k in source)
        row[c.B_PLACES] = sum(stations[k, c.S_MACHINES] * stations[k, c.S_BATCH] for k in target)
        row[c.B_FLEET] = fleets[b.fleet] if b.fleet is not None else -1
        row[c.B_PRIORITY] = pools.reals([float(b.priority.get(part, 0.0)) for part in layout.parts])
    for k, r in enumerate(releases):
        row = rows[len(layout.buffers) + k]
        row[[c.B_CAPACITY, c.B_TARGET, c.B_TARGETS]] = UNLIMITED, pools.numbers([index[r.into]]), 1
        row[c.B_RELEASE] = k
    return rows


def _release_rows(pools: _Pools, layout: Layout, releases: Sequence[lay.Release]) -> tuple[Array, Array]:
    rows, mix = np.zeros((len(releases), 6), np.int64), np.ones((len(releases), len(layout.parts)))
    kinds = {"saturated": c.SATURATED, "push": c.PUSH, "takt": c.PUSH, "conwip": c.CONWIP}
    for k, r in enumerate(releases):
        rows[k, c.R_KIND], rows[k, c.R_BUFFER] = kinds[r.kind], len(layout.buffers) + k
        rows[k, c.R_EVERY] = pools.time(r.every) if r.every is not None else -1
        rows[k, c.R_WIP] = r.wip or 0
        sequence = [layout.parts.index(part) for part in r.sequence]
        rows[k, [c.R_SEQUENCE, c.R_SEQUENCES]] = pools.numbers(sequence), len(sequence)
        shares = np.array([r.mix.get(part, 0.0) for part in layout.parts]) if r.mix else np.eye(1, len(layout.parts))[0]
        mix[k] = np.cumsum(shares) / np.sum(shares)
    return rows, mix


def _skills(layout: Layout) -> dict[str, int]:
    """Number of each skill; a crew's name is one as well, and only its own."""
    names = [s for crew in layout.crews for s in (*crew.skills, f"\x00{crew.name}")]
    return {name: k for k, name in enumerate(dict.fromkeys(names))}


def _crews(layout: Layout, skills: dict[str, int]) -> tuple[Array, Array, Array, Array]:
    crew, having = np.zeros((len(layout.crews), 2), np.int64), np.zeros((len(skills), len(layout.crews)), np.int64)
    first = 0
    for k, one in enumerate(layout.crews):
        crew[k] = first, one.people
        first += one.people
        for name in (*one.skills, f"\x00{one.name}"):
            having[skills[name], k] = 1
    serves = [[_calls(s, one) for s in layout.stations] for one in layout.crews]
    speed = np.array([one.speed_m_s or 0.0 for one in layout.crews], float)
    return crew, having, np.array(serves, np.int64).reshape(-1, len(layout.stations)), speed


def _calls(s: Station, crew: lay.Crew) -> bool:
    """Whether a station ever calls people of a crew."""
    return s.operator in crew.skills or any(f.crew == crew.name for f in s.failures)


def _modes(pools: _Pools, layout: Layout, skills: dict[str, int], releases: int) -> tuple[Modes, Array, int]:
    """Every machine's failure modes, and the numbers of the streams."""
    n = len(layout.stations)
    failing, machine = 3 * n, 0
    rows: list[tuple[int, ...]] = []
    first: list[int] = []
    for s in layout.stations:
        for _ in range(s.machines):
            first.append(len(rows))
            for f in s.failures:
                skill = skills[f"\x00{f.crew}"] if f.crew is not None else -1
                stream = failing + 2 * len(rows)
                rows.append(
                    (machine, f.counts == "time", pools.time(f.after), pools.time(f.repair), skill, 0, stream, 0)
                )
            machine += 1
    arrivals = failing + 2 * len(rows)
    streams = np.array([0, n, 2 * n, failing, arrivals, arrivals + releases], np.int64)
    modes = Modes(np.array(rows, np.int64).reshape(-1, 8), np.array(first, np.int64))
    return modes, streams, arrivals + 2 * releases


def _fleets(layout: Layout) -> dict[str, Array]:
    """The tables of the vehicles, by their names in `Plant`."""
    sizes = [fleet.vehicles for fleet in layout.fleets]
    first = np.cumsum([0, *sizes])[:-1]
    seconds = [
        (f.speed_m_s, f.load_s, f.unload_s, math.inf if f.drive_s is None else f.drive_s, f.reserve_s, f.charge_s)
        for f in layout.fleets
    ]
    zones = [zone for fleet in layout.fleets for zone in fleet.zones]
    zone_of = np.full((len(layout.fleets), len(layout.stations)), -1, np.int64)
    number = 0
    for k, fleet in enumerate(layout.fleets):
        for zone in fleet.zones:
            zone_of[k, [i for i, s in enumerate(layout.stations) if s.name in zone.stations]] = number
            number += 1
    return {
        "fleet": np.array(list(zip(first.tolist(), sizes, strict=True)), np.int64).reshape(-1, 2),
        "fleet_s": np.array(seconds, float).reshape(-1, 6),
        "depot": np.array([f.home_m for f in layout.fleets], float).reshape(-1, 2),
        "zone_of": zone_of.ravel(),
        "zone_places": np.array([zone.vehicles for zone in zones], np.int64),
    }


def _calendars(layout: Layout) -> tuple[Array, Array, Array, Array]:
    """Each calendar's switches; windows that touch, across the end of the period too, are one."""
    index = {calendar.name: k for k, calendar in enumerate(layout.calendars)}
    rows: list[tuple[int, int]] = []
    switches: list[tuple[float, float]] = []
    for calendar in layout.calendars:
        found: list[tuple[float, float]] = []
        for begin, end in calendar.windows_s:
            if found and found[-1] == (begin, 0.0):
                found.pop()
            else:
                found.append((begin, 1.0))
            found.append((end, 0.0))
        if found[0] == (0.0, 1.0) and found[-1] == (calendar.period_s, 0.0):
            found = found[1:-1]  # on through the end of the period
        elif found[-1] == (calendar.period_s, 0.0):
            found = [(0.0, 0.0), *found[:-1]]
        rows.append((len(switches), len(found)))
        switches += found
    own = [s.calendar or layout.calendar for s in layout.stations]
    on = np.array([index[name] if name is not None else -1 for name in own], np.int64)
    for k, (_, n) in enumerate(rows):
        if n == 0:
            on[on == k] = -1  # never off
    kept = np.array(rows, np.int64).reshape(-1, 2)
    period = np.array([a.period_s for a in layout.calendars], float)
    return kept, period, np.array(switches, float).reshape(-1, 2), on


def _cyclic(layout: Layout) -> bool:
    """Whether parts can come back to a station they left."""
    before: dict[str, set[str]] = {s.name: set() for s in layout.stations}
    for b in layout.buffers:
        for name in b.target:
            before[name].update(b.source)
    try:
        graphlib.TopologicalSorter(before).prepare()
    except graphlib.CycleError:
        return True
    return False


def fresh(
    plant: Plant,
    modes: Modes,
    *,
    seed: int,
    replication: int,
    parts: int,
    bins: int = 0,
    bin_s: float = 1.0,
    trace: int = 0,
) -> World:
    """A replication before its start: `parts` rows for parts, `bins` of `bin_s` seconds, `trace` rows of the log."""
    stations, buffers = len(plant.station), len(plant.buffer)
    machines, slots = int(plant.slots[c.X_REPAIRS]), int(plant.slots[c.X_SLOTS])
    machine = np.zeros((machines, 22), np.int64)
    machine[:, [c.M_PERSON, c.M_NEXT, c.M_SET]] = -1
    for k, row in enumerate(plant.station):
        own = slice(row[c.S_MACHINE], row[c.S_MACHINE] + row[c.S_MACHINES])
        machine[own, c.M_STATION], machine[own, c.M_SET] = k, row[c.S_FIRST_TYPE]
    machine[:, c.M_MODE], machine[:, c.M_SHOWN] = modes.machine_first, c.STARVED_
    level = np.zeros((buffers, 8), np.int64)
    level[:, [c.L_HEAD, c.L_TAIL, c.L_WAIT_HEAD, c.L_WAIT_TAIL]] = -1
    part = np.zeros((parts, 3), np.int64)
    part[:, c.P_NEXT] = np.append(np.arange(1, parts), -1)
    people = int(plant.crew[:, 1].sum())
    person, person_s = np.zeros((people, 4), np.int64), np.zeros((people, 3))
    person[:, c.W_CREW] = np.repeat(np.arange(len(plant.crew)), plant.crew[:, 1])
    person[:, c.W_SHOWN], person_s[:, :2] = c.IDLE_PERSON, plant.home[person[:, c.W_CREW]]
    counts, clock = np.zeros(21, np.int64), np.zeros(7)
    counts[[c.C_CURRENT, c.C_BLOCKED]] = -1
    clock[c.T_STUCK], clock[c.T_BIN] = np.inf, bin_s
    owner = np.repeat(np.arange(len(plant.fleet)), plant.fleet[:, 1])
    vehicle, vehicle_s = np.zeros((len(owner), 9), np.int64), np.zeros((len(owner), 5))
    vehicle[:, c.V_FLEET], vehicle[:, c.V_ZONE], vehicle[:, c.V_SHOWN] = owner, -1, c.IDLE_VEHICLE
    vehicle_s[:, :2], vehicle_s[:, c.D_MOST] = plant.depot[owner], -1.0
    zone = np.full((len(plant.zone_places), 3), -1, np.int64)
    zone[:, c.Z_FREE] = plant.zone_places
    return World(
        machine=machine,
        machine_s=np.zeros((machines, 4)),
        mode=modes.rows.copy(),
        mode_s=np.zeros(len(modes.rows)),
        started=np.zeros(stations, np.int64),
        level=level,
        prefer=np.zeros(buffers),
        part=part,
        born=np.zeros(parts),
        entered=np.zeros(parts),
        person=person,
        person_s=person_s,
        person_spent=np.zeros((people, 4)),
        duty=np.ones(len(plant.crew), np.int64),
        vehicle=vehicle,
        vehicle_s=vehicle_s,
        vehicle_spent=np.zeros((len(owner), 6)),
        first_call=np.full(len(plant.fleet), -1, np.int64),
        calls=np.zeros(machines, np.int64),
        call_s=np.zeros(machines),
        zone=zone,
        queue=np.full((len(plant.skill_crews), 2), -1, np.int64),
        request=np.zeros((2 * machines, 1), np.int64),
        request_s=np.zeros(2 * machines),
        at=np.full(slots, np.inf),
        where=np.full(slots, -1, np.int64),
        order=np.zeros(slots, np.int64),
        size=np.zeros(1, np.int64),
        todo=np.zeros(machines, np.int64),
        drawn=np.zeros((len(plant.release), 2), np.int64),
        calendar_now=np.zeros(len(plant.calendar), np.int64),
        stop_now=np.zeros(len(plant.stop), np.int64),
        keys=draws.stream_keys(seed=seed, replication=replication, n=int(plant.slots[c.X_STREAMS])),
        counts=counts,
        clock=clock,
        seconds=np.zeros((machines, 8)),
        buffer_s=np.zeros((buffers, 2)),
        tally=np.zeros((stations, 5), np.int64),
        good=np.zeros(plant.mix.shape[1], np.int64),
        bins=np.zeros(bins, np.int64),
        trace=np.zeros((trace, 3)),
        mark=np.zeros(machines, np.int64),
        line_up=np.zeros(machines, np.int64),
    )
