"""The SimPy twin of the line: closed forms within their confidence intervals, and timelines worked out by hand."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest

from jangin.line.layout import (
    Buffer,
    Calendar,
    Constant,
    Crew,
    Cycle,
    Exponential,
    Failure,
    Fleet,
    Layout,
    Release,
    Route,
    SetUp,
    Station,
    Stop,
    Trace,
    Zone,
)  # fmt: skip

pytest.importorskip("simpy")

from line_simpy import History, Sampled, run

NEVER = 1e9


def station(name: str, cycle_s: float, **more) -> Station:
    return Station(name, cycle=Cycle(Constant(cycle_s)), **more)


def row(*stations: Station, capacity: int | None = 1, **more) -> Layout:
    """Stations one behind the other, a buffer before each but the first."""
    names = [s.name for s in stations]
    buffers = tuple(Buffer(f"{a}{z}", (a,), (z,), capacity) for a, z in itertools.pairwise(names))
    return Layout("row", stations, buffers, **more)


def fail(*after_s: float, repair_s: float, **more) -> Failure:
    return Failure("fail", after=Trace((*after_s, NEVER)), repair=Constant(repair_s), **more)


def timeline(history: History, at: int = 0, machine: int = 0) -> list[tuple[float, str, int]]:
    return [(round(t, 9), state, part) for t, s, m, state, part in history.transitions if (s, m) == (at, machine)]


def simulate(layout: Layout, horizon_s: float, **given) -> History:
    return run(layout, Sampled(layout, **given), horizon_s)


# ── closed forms ─────────────────────────────────────────────────────────────────────────────────────────────────


def interval(values: list[float]) -> tuple[float, float]:
    """Mean and the half-width of its 99.99 % interval, of independent replications."""
    from scipy.stats import t

    return float(np.mean(values)), float(t.ppf(0.99995, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5)


def test_mm1_has_its_mean_queue_and_its_mean_time():
    """M/M/1 at load 1/2: one part in the line on average, 1 / (mu - lambda) in it, busy half of the time."""
    machine = Station("m", cycle=Cycle(Exponential(1.0)))
    layout = Layout("mm1", (machine,), releases=(Release("m", "push", every=Exponential(2.0)),))
    runs = [simulate(layout, 1500.0, seed=s) for s in range(16)]
    for values, exact in (
        ([h.wip for h in runs], 1.0),
        ([h.lead_s for h in runs], 2.0),
        ([h.seconds[0]["running"] / 1500.0 for h in runs], 0.5),
    ):
        mean, half = interval(values)
        assert abs(mean - exact) < half < 0.35 * exact


def test_three_exponential_stations_with_one_place_between_them():
    """The exact throughput of the balanced exponential line of three stations, one place between them, is 0.6705."""
    layout = row(*(Station(n, cycle=Cycle(Exponential(1.0))) for n in "abc"))
    runs = [simulate(layout, 1500.0, seed=s) for s in range(10)]
    mean, half = interval([h.good / 1500.0 for h in runs])
    from jangin.line.analytic.tandem import Station as Exact
    from jangin.line.analytic.tandem import line_in_steady_state

    exact = line_in_steady_state([Exact(1.0)] * 3, [1, 1]).throughput
    assert abs(mean - exact) < half < 0.04


# ── by hand ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_blocking_after_service():
    """A finished part without room stays in its machine until the next one takes."""
    history = simulate(row(station("a", 1.0), station("b", 3.0)), 7.5)
    assert timeline(history) == [
        (0, "running", 0), (1, "running", 1), (2, "running", 2), (3, "blocked", 2), (4, "running", 3),
        (5, "blocked", 3), (7, "running", 4),
    ]  # fmt: skip
    assert timeline(history, 1) == [(0, "starved", -1), (1, "running", 0), (4, "running", 1), (7, "running", 2)]
    assert history.levels["ab"] == pytest.approx(5.5 / 7.5)  # empty from 0 to 2
    assert (history.released, history.good, history.in_progress) == (5, 2, 3)


def test_blocking_before_service():
    """A machine does not start a part for which there will be no room: it is blocked, with nothing in it."""
    history = simulate(row(station("a", 1.0, blocking="before"), station("b", 3.0)), 7.5)
    assert timeline(history) == [
        (0, "running", 0), (1, "running", 1), (2, "blocked", -1), (4, "running", 2), (5, "blocked", -1),
        (7, "running", 3),
    ]  # fmt: skip


def test_a_buffer_of_no_places_hands_over_directly():
    """With capacity 0 the next machine takes the part out of the one that made it."""
    history = simulate(row(station("a", 1.0), station("b", 3.0), capacity=0), 7.5)
    assert timeline(history) == [
        (0, "running", 0), (1, "running", 1), (2, "blocked", 1), (4, "running", 2), (5, "blocked", 2), (7, "running", 3)
    ]  # fmt: skip


@pytest.mark.parametrize(("capacity", "order"), [(0, [1, 2, 0]), (1, [1, 2, 0, 3])])
def test_who_is_blocked_longest_goes_on_first(capacity: int, order: list[int]):
    """Of two machines before one buffer the one that finished first, not the one declared first."""
    stations = station("c", 2.5), station("a", 1.0), station("b", 5.0)
    layout = Layout("merge", stations, (Buffer("m", ("c", "a"), ("b",), capacity),))
    history = simulate(layout, 5.0 * len(order))
    assert [(t, part) for t, state, part in timeline(history, 2) if state == "running"] == [
        (1.0 + 5.0 * i, part) for i, part in enumerate(order)
    ]


def test_operation_dependent_failure_counts_running_time_only():
    """Ten seconds of running are over in the middle of the third run, whatever passed between the runs."""
    machine = station("a", 4.0, failures=(fail(10.0, repair_s=3.0),))
    layout = Layout("odf", (machine,), releases=(Release("a", "takt", every=Constant(20.0)),))
    assert timeline(simulate(layout, 70.0))[-4:] == [
        (60, "running", 2), (62, "down", 2), (65, "running", 2), (67, "starved", -1)
    ]  # fmt: skip


def test_time_dependent_failure_hits_an_idle_and_a_running_machine():
    """Its clock runs while nothing is done, stands during the repair, and the run goes on where it stopped."""
    machine = station("a", 4.0, failures=(fail(10.0, 9.0, repair_s=3.0, counts="time"),))
    layout = Layout("tdf", (machine,), releases=(Release("a", "takt", every=Constant(20.0)),))
    assert timeline(simulate(layout, 30.0)) == [
        (0, "starved", -1), (10, "down", -1), (13, "starved", -1), (20, "running", 0), (22, "down", 0),
        (25, "running", 0), (27, "starved", -1),
    ]  # fmt: skip


def test_all_clocks_of_failures_stand_during_any_repair():
    """A second mode with 12 s of time left on shift fails 12 s of such time later, the first one's repair aside."""
    other = dataclasses.replace(fail(12.0, repair_s=1.0, counts="time"), name="other")
    machine = station("a", 100.0, failures=(fail(10.0, repair_s=5.0), other))
    assert timeline(simulate(Layout("two", (machine,)), 30.0)) == [
        (0, "running", 0), (10, "down", 0), (15, "running", 0), (17, "down", 0), (18, "running", 0)
    ]  # fmt: skip


def test_a_machine_that_is_down_gives_no_part():
    """A blocked machine that fails keeps its part although there is room, until it is repaired."""
    machine = station("a", 1.0, failures=(fail(3.5, repair_s=2.0, counts="time"),))
    history = simulate(row(machine, station("b", 3.0)), 7.0)
    assert timeline(history)[3:] == [(3, "blocked", 2), (3.5, "down", 2), (5.5, "running", 3), (6.5, "blocked", 3)]


def test_one_operator_walks_between_two_stations():
    """He comes to who waits longest, at walking speed from where he stands, and stays until the run ends."""
    layout = Layout(
        "walk",
        (station("a", 3.0, operator="hand", at_m=(0.0, 0.0)), station("b", 2.0, operator="hand", at_m=(10.0, 0.0))),
        releases=(Release("a", "takt", every=Constant(10.0)), Release("b", "takt", every=Constant(12.0))),
        crews=(Crew("crew", 1, ("hand",), speed_m_s=1.0, home_m=(4.0, 0.0)),),
    )
    history = simulate(layout, 50.0)
    assert timeline(history) == [
        (0, "starved", -1), (10, "waiting", 0), (14, "running", 0), (17, "starved", -1), (20, "waiting", 2),
        (39, "running", 2), (42, "waiting", 4),
    ]  # fmt: skip
    assert timeline(history, 1) == [(0, "starved", -1), (12, "waiting", 1), (27, "running", 1), (29, "waiting", 3)]


def test_the_nearest_repairer_comes():
    """Of two who are free, the one who stands nearer; down includes the walk."""
    near, far = (Crew(n, 1, ("mend",), 1.0, at) for n, at in (("near", (3.0, 1.0)), ("far", (9.0, 9.0))))
    failing = station("a", 10.0, at_m=(0.0, 0.0), failures=(fail(5.0, repair_s=2.0, crew="near"),))
    layout = Layout("mend", (failing,), crews=(far, near))
    assert timeline(simulate(layout, 12.0)) == [(0, "running", 0), (5, "down", 0), (11, "running", 0)]
    manned = station("a", 10.0, at_m=(0.0, 0.0), operator="mend")
    layout = Layout("mend", (manned,), crews=(far, near))
    assert timeline(simulate(layout, 12.0))[:2] == [(0, "waiting", 0), (4, "running", 0)]


def test_shift_end_in_the_middle_of_a_run():
    """Off shift a run stands still, and it goes on where it stopped."""
    layout = Layout("shift", (station("a", 7.0),), calendars=(Calendar("day", 20.0, ((0.0, 10.0),)),), calendar="day")
    assert timeline(simulate(layout, 31.0)) == [
        (0, "running", 0), (7, "running", 1), (10, "off", 1), (20, "running", 1), (24, "running", 2), (30, "off", 2)
    ]  # fmt: skip


def test_a_planned_stop():
    """It stands above a failure and below the shift, and the run goes on after it."""
    layout = Layout("stop", (station("a", 7.0, stops=(Stop("tea", 3.0, 2.0, 10.0),)),))
    assert timeline(simulate(layout, 14.0)) == [
        (0, "running", 0), (3, "stopped", 0), (5, "running", 0), (9, "running", 1), (13, "stopped", 1)
    ]  # fmt: skip


@pytest.mark.parametrize(("walk_m", "up_s"), [(0.0, 23.0), (5.0, 35.0)])
def test_a_repair_goes_on_off_shift_but_does_not_begin_there(walk_m: float, up_s: float):
    """Failed at 8, off from 10 to 20: begun at 8 the 15 s end at 23; who arrives at 13 begins at 20."""
    machine = station("a", 9.0, at_m=(0.0, 0.0), failures=(fail(8.0, repair_s=15.0, crew="mend"),))
    layout = Layout(
        "night", (machine,), calendars=(Calendar("day", 50.0, ((0.0, 10.0), (20.0, 50.0))),), calendar="day",
        crews=(Crew("mend", 1, speed_m_s=1.0, home_m=(walk_m, 0.0)),),
    )  # fmt: skip
    assert timeline(simulate(layout, 36.0))[:5] == [
        (0, "running", 0), (8, "down", 0), (10, "off", 0), (20, "down", 0), (up_s, "running", 0)
    ]  # fmt: skip


@pytest.mark.parametrize(("first", "start_s"), [(None, 0.0), ("y", 2.0)])
def test_set_up_from_type_to_type(first: str | None, start_s: float):
    """Named pairs take their time, others the default, the same type none; the first part counts if `first` is said."""
    machine = station("a", 3.0, setup=SetUp({"x": {"y": 5.0}}, default_s=2.0, first=first))
    layout = Layout("types", (machine,), releases=(Release("a", sequence=("x", "y", "y", "x")),), parts=("x", "y"))
    expected = [
        (0, "running", 0),
        (3, "setup", 1),
        (8, "running", 1),
        (11, "running", 2),
        (14, "setup", 3),
        (16, "running", 3),
    ]
    moved = [(t + start_s, state, part) for t, state, part in expected]
    assert timeline(simulate(layout, 18.0 + start_s)) == ([(0, "setup", 0)] if first else []) + moved


def test_rework_up_to_its_limit():
    """The second rework of a part scraps it where one is allowed; the buffer goes before the release in a tie."""
    machine = station("a", 1.0, scrap=0.1, rework=0.5, rework_to="again", rework_limit=1)
    layout = Layout("rework", (machine,), (Buffer("again", ("a",), ("a",), 5),), (Release("a"),))
    history = simulate(layout, 4.5, fate={"a": (0.54, 0.54, 0.09, 0.56)})
    assert timeline(history) == [(0, "running", 0), (2, "running", 1), (3, "running", 2), (4, "running", 3)]
    assert (history.finished, history.reworked, history.station_scrapped, history.good) == ((4,), (1,), (2,), 1)


def test_assembly_waits_for_one_of_each():
    """The part of the first buffer lives on, the other vanishes into it."""
    a, b, c = station("a", 2.0), station("b", 3.0), station("c", 1.0, assemble=True)
    layout = Layout("join", (a, b, c), (Buffer("ac", ("a",), ("c",), 2), Buffer("bc", ("b",), ("c",), 2)))
    history = simulate(layout, 7.5)
    assert timeline(history, 2) == [
        (0, "starved", -1), (3, "running", 0), (4, "starved", -1), (6, "running", 2), (7, "starved", -1)
    ]  # fmt: skip
    assert (history.joined, history.good, history.released) == (2, 2, 7)


def test_a_batch_leaves_one_by_one():
    """All finish together; the machine is free when the last has found room."""
    history = simulate(row(station("a", 2.0, batch=2), station("b", 3.0)), 9.0)
    assert timeline(history) == [
        (0, "running", 0), (2, "running", 2), (4, "blocked", 2), (5, "blocked", 3), (8, "running", 4)
    ]  # fmt: skip


def test_a_split_makes_new_parts():
    """Three come out of each that went in; the first keeps its number and all of them its release time."""
    history = simulate(row(station("a", 2.0, split=3), station("b", 1.0), capacity=None), 4.5)
    assert timeline(history, 1) == [(0, "starved", -1), (2, "running", 0), (3, "running", 1), (4, "running", 2)]
    assert (history.split, history.released, history.good) == (4, 3, 2)
    assert history.lead_s == 3.5


def test_conwip_releases_when_a_part_leaves():
    """Two in the line at most: the third is released when the first has left."""
    layout = row(station("a", 1.0), station("b", 3.0), capacity=None, releases=(Release("a", "conwip", wip=2),))
    history = simulate(layout, 8.5)
    assert timeline(history) == [
        (0, "running", 0), (1, "running", 1), (2, "starved", -1), (4, "running", 2), (5, "starved", -1),
        (7, "running", 3), (8, "starved", -1),
    ]  # fmt: skip
    assert history.wip == pytest.approx(2.0)


def test_routes_fit_the_type_and_share_by_weight():
    """Among the routes that fit, u falls into the cumulated shares; "out" leaves the line."""
    routes = (Route("ab", parts=("y",)), Route("ac", share=1.0), Route("out", share=3.0, parts=("x",)))
    layout = Layout(
        "routes", (station("a", 1.0, routes=routes), station("b", 50.0), station("c", 50.0)),
        (Buffer("ab", ("a",), ("b",)), Buffer("ac", ("a",), ("c",))), (Release("a", sequence=("x", "x", "y", "y")),),
        parts=("x", "y"),
    )  # fmt: skip
    history = simulate(layout, 4.5, route={"a": (0.24, 0.26, 0.49, 0.51)})
    assert history.good == 1
    assert timeline(history, 1) == [(0, "starved", -1), (3, "running", 2)]
    assert timeline(history, 2) == [(0, "starved", -1), (1, "running", 0)]
    assert history.left_s == (2.0,)


def test_orders_of_a_buffer():
    """First in, last in, or the highest priority goes first."""
    taken = {}
    for order in ("fifo", "lifo", "priority"):
        buffer = Buffer("ab", ("a",), ("b",), None, order, {"y": 1.0} if order == "priority" else {})
        layout = Layout(
            "order", (station("a", 1.0), station("b", 4.3)), (buffer,),
            (Release("a", sequence=("x", "x", "y", "x", "y")),), ("x", "y"),
        )  # fmt: skip
        taken[order] = [part for _, state, part in timeline(simulate(layout, 11.0), 1) if state == "running"]
    assert taken == {"fifo": [0, 1, 2], "lifo": [0, 4, 8], "priority": [0, 2, 4]}


def test_the_machine_idle_longest_takes():
    """Of two machines the one that has waited longer, not the one with the lower number."""
    times = Station("a", cycle=Cycle(Trace((5.0, 1.0, 1.0))), machines=2)
    layout = Layout("two", (times,), releases=(Release("a", "takt", every=Constant(3.0)),))
    history = simulate(layout, 9.5)
    assert timeline(history, 0, 0) == [(0, "starved", -1), (3, "running", 0), (8, "starved", -1)]
    assert timeline(history, 0, 1)[1:] == [(6, "running", 1), (7, "starved", -1), (9, "running", 2)]


def carried(fleet: Fleet, *stations: Station) -> Layout:
    *first, last = stations
    buffer = Buffer("carried", tuple(s.name for s in first), (last.name,), 5, fleet="amr")
    return Layout("carried", stations, (buffer,), fleets=(fleet,))


@pytest.mark.parametrize(("reserve_s", "again_s"), [(6.0, 79.0), (4.0, 39.0)])
def test_a_vehicle_fetches_brings_and_charges(reserve_s: float, again_s: float):
    """5 s empty, 1 s up, 10 s loaded, 2 s down; with 5 s of driving left it charges if that is below the reserve."""
    fleet = Fleet("amr", 1, 2.0, 1.0, 2.0, (0.0, 10.0), drive_s=20.0, reserve_s=reserve_s, charge_s=30.0)
    layout = carried(fleet, station("a", 10.0, at_m=(0.0, 0.0)), station("b", 1.0, at_m=(20.0, 0.0)))
    history = simulate(layout, again_s + 1.0)
    assert timeline(history) == [
        (0, "running", 0), (10, "waiting", 0), (16, "running", 1), (26, "waiting", 1), (again_s, "running", 2)
    ]  # fmt: skip
    assert timeline(history, 1)[:3] == [(0, "starved", -1), (28, "running", 0), (29, "starved", -1)]


@pytest.mark.parametrize("drive_s", [None, 12.0])
def test_a_zone_lets_in_one_vehicle_after_the_other(drive_s: float | None):
    """The second waits where it loaded until the first has put down its load, whether that one then charges or not."""
    here, fleet = (
        (0.0, 0.0),
        Fleet("amr", 2, 1.0, unload_s=5.0, drive_s=drive_s, reserve_s=5.0, zones=(Zone("dock", ("b",), 1),)),
    )
    layout = carried(
        fleet, station("a", 10.0, at_m=here), station("c", 10.0, at_m=here), station("b", 1.0, at_m=(10.0, 0.0))
    )
    assert timeline(simulate(layout, 55.5), 2) == [
        (0, "starved", -1), (25, "running", 0), (26, "starved", -1), (40, "running", 1), (41, "starved", -1),
        (55, "running", 2),
    ]  # fmt: skip


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def everything() -> Layout:
    """A plant with every feature at once."""
    exp = Exponential
    jam = Failure("jam", exp(40.0), exp(6.0), crew="mend")
    age = Failure("age", exp(150.0), exp(9.0), counts="time")
    stations = (
        Station("cut", Cycle(exp(4.0)), machines=2, split=2, at_m=(0.0, 0.0), failures=(age,)),
        Station("bake", Cycle(exp(5.0)), batch=3, stops=(Stop("clean", 50.0, 9.0, 200.0),), at_m=(8.0, 0.0)),
        Station("frame", Cycle({"x": exp(3.0), "y": exp(2.0)}), blocking="before", at_m=(0.0, 9.0), failures=(jam,),
                setup=SetUp({"x": {"y": 2.0}}, 1.0)),
        Station("join", Cycle(exp(2.0)), assemble=True, operator="hand", at_m=(9.0, 9.0), failures=(jam, age)),
        Station("test", Cycle(exp(1.5)), scrap=0.05, rework=0.2, rework_to="mending", rework_limit=1, at_m=(15.0, 9.0),
                routes=(Route("out", 3.0), Route("polish", 1.0))),
        Station("mend", Cycle(exp(2.0)), operator="hand", at_m=(15.0, 15.0), calendar="day"),
        Station("shine", Cycle(exp(6.0)), at_m=(20.0, 9.0)),
    )  # fmt: skip
    buffers = (
        Buffer("cut-bake", ("cut",), ("bake",), 4), Buffer("bake-join", ("bake",), ("join",), 4, fleet="amr"),
        Buffer("frame-join", ("frame",), ("join",), 2, "lifo"), Buffer("join-test", ("join", "mend"), ("test",), 3),
        Buffer("mending", ("test",), ("mend",), 8, "priority", {"y": 1.0}),
        Buffer("polish", ("test",), ("shine",), 6, fleet="amr"),
    )  # fmt: skip
    zones = (Zone("dock", ("join", "test"), 1),)
    push = Release("cut", "push", every=exp(6.0))
    takt = Release("frame", "takt", every=Constant(4.0), mix={"x": 1.0, "y": 2.0})
    return Layout(
        "everything", stations, buffers, parts=("x", "y"), releases=(push, takt),
        calendars=(Calendar("day", 100.0, ((0.0, 60.0), (70.0, 95.0))),),
        crews=(Crew("hands", 2, ("hand",), 1.5), Crew("mend", 2, ("hand",), 1.0, (5.0, 5.0))),
        fleets=(Fleet("amr", 2, 3.0, 0.5, 0.5, (4.0, 4.0), drive_s=60.0, reserve_s=20.0, charge_s=15.0, zones=zones),),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_parts_and_time_are_conserved(seed: int):
    """In a plant with every feature, parts add up at every instant (the twin asserts it) and states to all the time."""
    layout, horizon = everything(), 1500.0
    history = simulate(layout, horizon, seed=seed)
    gone = history.good + sum(history.station_scrapped) + history.joined
    assert history.released + history.split == gone + history.in_progress
    assert history.good > 100
    assert min(history.joined, history.split, *history.finished, history.reworked[4], history.station_scrapped[4]) > 0
    for s, seconds in zip(layout.stations, history.seconds):
        assert math.fsum(seconds.values()) == pytest.approx(s.machines * horizon)
    assert all(seconds["off"] == 0.0 for i, seconds in enumerate(history.seconds) if i != 5)
    assert history.seconds[5]["off"] == pytest.approx(0.15 * horizon)


def test_the_same_numbers_give_the_same_events():
    """Same seed, same transitions; another seed, others; and each differs from the one before it on its machine."""
    layout = everything()
    first, again, other = (simulate(layout, 300.0, seed=s).transitions for s in (1, 1, 2))
    assert first == again != other
    assert [t.time_s for t in first] == sorted(t.time_s for t in first)
    now: dict[tuple[int, int], tuple[str, int]] = {}
    for t in first:
        assert now.get((t.station, t.machine)) != (t.state, t.part)
        now[t.station, t.machine] = t.state, t.part


def test_littles_law_where_every_part_leaves():
    """Parts in the line on average = rate of release x mean time in the line, exactly, once the line has run empty."""
    stations = (Station("a", Cycle(Exponential(0.7)), machines=2), Station("b", Cycle(Exponential(0.5))))
    layout = row(*stations, capacity=3, releases=(Release("a", "push", every=Trace((*([1.0] * 200), NEVER))),))
    history = simulate(layout, 1000.0, seed=4)
    assert history.released == history.good == 200
    assert history.wip * 1000.0 == pytest.approx(history.lead_s * 200)
