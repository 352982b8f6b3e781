"""Event for event: the compiled engine and the independent SimPy model, fed the same drawn times."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("simpy")

from jangin.line.events.engine import simulate, trace
from jangin.line.iso22400 import STATES
from jangin.line.layout import (
    Buffer,
    Calendar,
    Constant,
    Crew,
    Cycle,
    Empirical,
    Erlang,
    Exponential,
    Failure,
    Fleet,
    Gamma,
    Layout,
    Lognormal,
    Normal,
    Release,
    Route,
    SetUp,
    Station,
    Stop,
    Triangular,
    Uniform,
    Weibull,
    Zone,
)
from jangin.line.result import PERSON_STATES, VEHICLE_STATES
from line_simpy import run as twin
from line_streams import Streams

EXP = Cycle(Exponential(10.0))


def row(stations, capacities, **more):
    """Stations in a row with buffers of the given capacities between them."""
    names = [s.name for s in stations]
    pairs = zip(names[:-1], names[1:], capacities, strict=True)
    buffers = tuple(Buffer(f"{a}-{z}", (a,), (z,), n) for a, z, n in pairs)
    return Layout("row", tuple(stations), buffers, **more)


def plain():
    return row([Station(f"s{k}", EXP) for k in range(4)], [0, 2, 1])


def before():
    stations = [Station(f"s{k}", EXP, blocking="before", machines=1 + k % 2) for k in range(4)]
    return row(stations, [0, 2, 1])


def failing():
    modes = (
        Failure("jam", Exponential(60.0), Erlang(12.0, 2)),
        Failure("power", Weibull(90.0, 1.5), Lognormal(8.0, 0.7), counts="time"),
    )
    return row([Station(f"s{k}", Cycle(Gamma(9.0 + k, 0.5)), failures=modes) for k in range(3)], [1, 3])


def parallel():
    stations = [Station("a", EXP), Station("b", Cycle(Uniform(15.0, 35.0)), machines=3), Station("c", EXP)]
    return row(stations, [1, 2])


def crewed():
    fail = (Failure("jam", Exponential(80.0), Exponential(15.0), crew="mend"),)
    stations = [
        Station(f"s{k}", Cycle(Triangular(4.0, 6.0, 11.0)), operator="run", failures=fail, at_m=(3.0 * k, float(k % 2)))
        for k in range(4)
    ]
    crews = (Crew("run", 2, ("run",), speed_m_s=1.2), Crew("mend", 1, (), speed_m_s=0.9, home_m=(5.0, 5.0)))
    return row(stations, [2, 1, 2], crews=crews)


def at_once():
    stations = [Station(f"s{k}", EXP, operator="run", machines=1 + k % 2) for k in range(4)]
    return row(stations, [2, 1, 2], crews=(Crew("few", 2, ("run",)),))


def shifts():
    calendar = Calendar("day", 500.0, ((0.0, 130.0), (150.0, 290.0), (333.0, 480.0)))
    fail = (Failure("a", Exponential(90.0), Exponential(20.0), counts="time", crew="mend"),)
    stations = [
        Station("s0", EXP, stops=(Stop("clean", 77.7, 11.1, 201.3),), failures=fail),
        Station("s1", EXP, failures=(Failure("b", Exponential(50.0), Exponential(30.0)),)),
        Station("s2", EXP, calendar="night", operator="run"),
    ]
    night = Calendar("night", 300.0, ((20.0, 280.0),))
    crews = (Crew("mend", 1), Crew("people", 1, ("run",)))
    return row(stations, [3, 3], calendars=(calendar, night), calendar="day", crews=crews)


def typed():
    setup = SetUp({"A": {"B": 5.0, "C": 9.0}, "B": {"A": 4.0}}, default_s=7.0, first="B")
    times = {"A": Exponential(8.0), "B": Normal(9.0, 2.0), "C": Empirical((3.0, 7.7, 20.1))}
    stations = [
        Station("s0", Cycle(times), setup=setup),
        Station("s1", Cycle(times), setup=SetUp({}, 3.0)),
        Station("s2", EXP),
    ]
    line = row(stations, [6, 6], parts=("A", "B", "C"), releases=(Release("s0", mix={"A": 0.5, "C": 0.2, "B": 0.3}),))
    first, second = line.buffers
    orders = (
        Buffer(first.name, first.source, first.target, 6, "priority", {"C": 2.0, "A": 1.0}),
        Buffer(second.name, second.source, second.target, 6, "lifo"),
    )
    return Layout("typed", line.stations, orders, line.releases, line.parts)


def rework():
    stations = (
        Station("make", EXP, scrap=0.05),
        Station("test", Cycle(Uniform(5.0, 9.0)), rework=0.3, rework_to="again", rework_limit=2),
        Station("pack", EXP, scrap=0.1),
    )
    buffers = (
        Buffer("in", ("make",), ("test",), 2),
        Buffer("again", ("test",), ("make",), None),
        Buffer("on", ("test",), ("pack",), 1),
    )
    return Layout("rework", stations, buffers, (Release("make", "push", Exponential(14.0)),))


def network():
    stations = (
        Station("saw", EXP),
        Station("mill", Cycle(Exponential(18.0)), machines=2),
        Station("turn", Cycle(Exponential(22.0))),
        Station("join", Cycle(Exponential(12.0)), assemble=True),
        Station("bolt", Cycle(Exponential(25.0)), batch=3),
        Station("cut", Cycle(Exponential(20.0)), split=2),
        Station("paint", Cycle(Exponential(40.0)), batch=4),
    )
    stations = (Station("saw", EXP, routes=(Route("m", 2.0), Route("t", 1.0))), *stations[1:])
    buffers = (
        Buffer("m", ("saw",), ("mill",), 3),
        Buffer("t", ("saw",), ("turn",), 3),
        Buffer("body", ("mill", "turn"), ("join",), 4),
        Buffer("bolts", ("bolt",), ("join",), 5),
        Buffer("blank", ("join",), ("cut",), 2),
        Buffer("half", ("cut",), ("paint",), 9),
    )
    releases = (Release("saw"), Release("bolt", "push", Exponential(9.0)))
    return Layout("network", stations, buffers, releases)


def conwip():
    return row([Station(f"s{k}", EXP) for k in range(3)], [None, None], releases=(Release("s0", "conwip", wip=4),))


def takt():
    return row(
        [Station("a", Cycle(Gamma(8.0, 0.4))), Station("b", EXP)], [2], releases=(Release("a", "takt", Constant(11.0)),)
    )


def carried():
    fail = (Failure("jam", Exponential(70.0), Exponential(9.0), counts="time"),)
    stations = tuple(
        Station(
            f"s{k}",
            Cycle(Gamma(12.0, 0.5)),
            machines=1 + k % 2,
            failures=fail if k == 1 else (),
            at_m=(7.0 * k, 3.0 * (k % 2)),
        )
        for k in range(4)
    )
    buffers = (
        Buffer("b0", ("s0",), ("s1",), 3, fleet="amr"),
        Buffer("b1", ("s1",), ("s2",), 2, fleet="amr"),
        Buffer("b2", ("s2",), ("s3",), 1, fleet="amr"),
    )
    zones = (Zone("west", ("s0", "s1"), 1), Zone("east", ("s3",), 1))
    amr = Fleet("amr", 2, 1.7, 1.1, 0.9, home_m=(2.0, -3.0), drive_s=60.0, reserve_s=20.0, charge_s=35.0, zones=zones)
    return Layout("carried", stations, buffers, fleets=(amr,))


def carried_batches():
    day = Calendar("day", 300.0, ((0.0, 240.0),))
    stations = (
        Station("oven", Cycle(Gamma(30.0, 0.3)), batch=3, at_m=(0.0, 0.0)),
        Station("bend", Cycle(Exponential(9.0)), operator="any", blocking="before", at_m=(11.0, 2.0)),
        Station("pack", Cycle(Exponential(8.0)), at_m=(20.0, -4.0), scrap=0.1),
    )
    buffers = (Buffer("in", ("oven",), ("bend",), 4, fleet="amr"), Buffer("out_", ("bend",), ("pack",), 2, fleet="amr"))
    fleets = (Fleet("amr", 3, 1.3, 0.4, 0.3, home_m=(5.0, 5.0)),)
    crews = (Crew("c", 1, ("any",), speed_m_s=1.1),)
    return Layout("batches", stations, buffers, fleets=fleets, crews=crews, calendars=(day,), calendar="day")


def night():
    """People who walk are with machines, free or on the way when shifts end, and not all shifts end at once."""
    fail = (
        Failure("jam", Exponential(60.0), Exponential(40.0), crew="mend"),
        Failure("wear", Exponential(150.0), Exponential(25.0), counts="time", crew="mend"),
    )
    stations = [
        Station(
            f"s{k}", Cycle(Gamma(14.0, 0.6)), machines=1 + k % 2, operator=("run", "test")[k % 2], failures=fail,
            calendar=("early", "late")[k // 2], stops=(Stop("tea", 111.0, 17.0, 233.0),) if k == 1 else (),
            at_m=(6.0 * k, 4.0 * (k % 2)),
        )
        for k in range(4)
    ]  # fmt: skip
    calendars = (Calendar("early", 400.0, ((0.0, 190.0), (210.0, 250.0))), Calendar("late", 400.0, ((150.0, 390.0),)))
    crews = (
        Crew("first", 1, ("run",), speed_m_s=0.8),
        Crew("both", 2, ("run", "test"), speed_m_s=1.1, home_m=(9.0, 0.0)),
        Crew("mend", 1, speed_m_s=0.5, home_m=(0.0, 9.0)),
        Crew("nobody calls", 1, ("sing",)),
    )
    return row(stations, [3, 3, 3], calendars=calendars, crews=crews)


def again_and_again():
    """Rework over stations that rework and scrap themselves, in batches and over splits."""
    stations = (
        Station("make", EXP, scrap=0.05, rework=0.1, rework_to="again"),
        Station("cut", Cycle(Exponential(7.0)), split=2),
        Station("bake", Cycle(Exponential(9.0)), batch=2, scrap=0.1),
        Station("test", Cycle(Uniform(2.0, 4.0)), rework=0.3, rework_to="halves", rework_limit=3),
        Station("pack", Cycle(Exponential(3.0)), scrap=0.02),
    )
    buffers = (
        Buffer("again", ("make",), ("make",), None),
        Buffer("made", ("make",), ("cut",), 4),
        Buffer("halves", ("cut", "test"), ("bake",), None),
        Buffer("baked", ("bake",), ("test",), 4),
        Buffer("tested", ("test",), ("pack",), 4),
    )
    return Layout("again", stations, buffers, (Release("make", "push", Exponential(18.0)),))


LAYOUTS = [
    night,
    again_and_again,
    carried,
    carried_batches,
    plain,
    before,
    failing,
    parallel,
    crewed,
    at_once,
    shifts,
    typed,
    rework,
    network,
    conwip,
    takt,
]


def by_machine(layout, history):
    """The twin's log as rows (machine, state, begin), states that follow themselves left out."""
    first = np.cumsum([0] + [s.machines for s in layout.stations])
    rows = {}
    for one in history.transitions:
        own = rows.setdefault(first[one.station] + one.machine, [])
        if not own or own[-1][1] != one.state:
            own.append((one.time_s, one.state))
    return rows


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("make", LAYOUTS, ids=lambda make: make.__name__)
def test_every_machine_changes_state_at_the_same_times(make, seed):
    """Both engines, fed the same times, agree on every change of every machine and on every count."""
    layout, until = make(), 4000.0
    history = twin(layout, Streams(layout, seed=seed), until)
    log = trace(layout, seed=seed, replication=0, until_s=until)
    theirs = by_machine(layout, history)
    for m in range(len(log.stations)):
        own = log.station == m
        times, states = log.start_s[own], [STATES[k] for k in log.state[own]]
        keep = [k for k in range(len(states)) if k == 0 or states[k] != states[k - 1]]
        mine = [(times[k], states[k]) for k in keep]
        its = theirs.get(m, [])
        if its and its[0][0] > 0.0:
            its = [(0.0, "starved"), *its]
        its = its or [(0.0, "starved")]
        for k, (a, z) in enumerate(zip(mine, its, strict=False)):
            assert a[1] == z[1], (log.stations[m], k, mine[max(0, k - 2) : k + 2], its[max(0, k - 2) : k + 2])
            assert a[0] == pytest.approx(z[0], rel=1e-9, abs=1e-7), (log.stations[m], k, a, z)
        assert len(mine) == len(its)
    runs = simulate(layout, seed=seed, replications=1, horizon_s=until, threads=1)
    assert runs.good[0] == history.good
    assert runs.scrapped[0] == history.scrapped
    assert runs.finished[0].tolist() == list(history.finished)
    assert runs.wip[0] == pytest.approx(history.wip, rel=1e-9)
    assert runs.buffers[0] == pytest.approx([history.levels[b.name] for b in layout.buffers], rel=1e-9, abs=1e-9)


def by_state(seconds, states):
    """The twin's seconds as an array, a row for each crew or fleet."""
    return np.array([[one[state] for state in states] for one in seconds]).reshape(-1, len(states))


@pytest.mark.parametrize("warmup", [0.0, 1234.5])
@pytest.mark.parametrize("make", LAYOUTS, ids=lambda make: make.__name__)
def test_people_and_vehicles_spend_the_same_time_in_every_state(make, warmup):
    """Both engines agree on every crew's and fleet's seconds by state and on deliveries, from any warm-up on."""
    layout, until = make(), 4000.0
    runs = simulate(layout, seed=3, replications=1, horizon_s=until, warmup_s=warmup, threads=1)
    whole = twin(layout, Streams(layout, seed=3), until)
    begun = twin(layout, Streams(layout, seed=3), warmup) if warmup else None
    for mine, states, name in (
        (runs.people[0], PERSON_STATES, "people"),
        (runs.vehicles[0], VEHICLE_STATES, "vehicles"),
    ):
        its = by_state(getattr(whole, name), states)
        its -= by_state(getattr(begun, name), states) if begun else 0.0
        assert mine == pytest.approx(its, rel=1e-9, abs=1e-6)
    sizes = [crew.people for crew in layout.crews], [fleet.vehicles for fleet in layout.fleets]
    for mine, n in zip((runs.people, runs.vehicles), sizes, strict=True):
        assert mine[0].sum(axis=1) == pytest.approx(np.array(n, float) * (until - warmup))
    before = np.array(begun.brought if begun else 0)
    assert (runs.deliveries[0] == np.array(whole.brought) - before).all()
    if not begun:
        most = np.array(whole.most_driven_s)
        assert runs.most_driven_s[0] == pytest.approx(np.where(most < 0.0, np.nan, most), nan_ok=True)


@pytest.mark.parametrize("make", [rework, typed, network, again_and_again], ids=lambda make: make.__name__)
def test_parts_in_their_first_pass_are_counted_alike(make):
    """Both engines agree on who passes a station, and leaves the line, without ever having been reworked."""
    layout, until = make(), 8000.0
    runs = simulate(layout, seed=4, replications=1, horizon_s=until, threads=1)
    history = twin(layout, Streams(layout, seed=4), until)
    assert runs.left_first[0] == history.left_first
    assert runs.first[0].tolist() == list(history.first)
    assert runs.good_first[0].tolist() == list(history.good_first)


def test_every_state_of_people_and_vehicles_is_reached():
    """The layouts compared above know every state, so that none is compared as zero with zero only."""
    people, vehicles = np.zeros(len(PERSON_STATES)), np.zeros(len(VEHICLE_STATES))
    for make in (crewed, shifts, night, carried, carried_batches):
        runs = simulate(make(), seed=3, replications=1, horizon_s=4000.0, threads=1)
        people += runs.people[0].sum(axis=0)
        vehicles += runs.vehicles[0].sum(axis=0)
    assert (people > 0.0).all()
    assert (vehicles > 0.0).all()
