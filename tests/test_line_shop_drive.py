"""Laws of a driven line: the engine's stations keep a plan or a rule exactly, and what it adds is what was declared."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ortools", reason="CP-SAT: pip install 'jangin[schedule]'")

from jangin.errors import BadSchedule, UnknownName
from jangin.line.events.loop import run
from jangin.line.events.state import FINE, L_PARTS
from jangin.line.events.tables import fresh, tables
from jangin.line.events.view import addresses
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
    SetUp,
    Station,
)
from jangin.line.layout_check import check
from jangin.line.shop import (
    RULES,
    Day,
    Instance,
    Mode,
    Pending,
    as_line,
    compare,
    drive,
    flow_shop,
    follow,
    job_shop,
    non_delay,
    read_instance,
    rolling,
    solve,
)
from jangin.line.shop.line_floor import LineFloor

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "scheduling" / "jsp_instances.json"
classic = pytest.mark.skipif(not SHARED.exists(), reason="the classic instances are not beside this repository")

TWO = job_shop([[3, 2], [2, 4]], [[0, 1], [1, 0]], name="two")
PLAN = (((0, 0), (1, 1)), ((1, 0), (0, 1)))
BROKEN = Failure("broken", Exponential(40.0), Exponential(8.0), counts="operation")
STATIC_RULES = [rule for rule in RULES if rule != "EDD"]


def drawn(rng: np.random.Generator, jobs: int, machines: int, least: int = 1) -> Instance:
    """A random job shop with release and due dates, in which jobs pass over some machines."""
    work = []
    for _ in range(jobs):
        route = rng.permutation(machines)[: rng.integers(1, machines + 1)]
        work.append(tuple((Mode(int(m), int(rng.integers(least, 12))),) for m in route))
    dates = rng.integers(0, 9, jobs).tolist()
    return Instance("drawn", machines, tuple(work), release=tuple(dates), due=tuple(d + 20 for d in dates))


def changed(plant: Layout, **more: object) -> Layout:
    """The plant with something else at every machine; the door stays."""
    stations = (dataclasses.replace(s, **more) for s in plant.stations[:-1])
    return dataclasses.replace(plant, stations=(*stations, plant.stations[-1]))


def same(driven, schedule) -> bool:
    """Equal to the tick: a float that is whole equals the integer."""
    return driven.rows == schedule.rows


# ── a shop is a plant ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_shop_becomes_a_plant_that_the_checks_find_right():
    """By hand: stations for machines that are visited, a type for each job, a buffer for each operation."""
    shop = Instance("three", 3, TWO.jobs, release=(5, 0))
    plant = as_line(shop, cv=0.2, failures=(BROKEN,), tick_s=60.0)
    check(plant)
    assert [s.name for s in plant.stations] == ["m0", "m1", "door"]
    assert plant.parts == ("j0", "j1")
    assert [(b.name, b.source, b.target) for b in plant.buffers] == [
        ("j0.0", ("door",), ("m0",)),
        ("j0.1", ("m0",), ("m1",)),
        ("j1.0", ("door",), ("m1",)),
        ("j1.1", ("m1",), ("m0",)),
    ]
    assert plant.stations[0].cycle.time["j1"].mean_s == 240.0
    assert plant.releases[0].sequence == ("j1", "j0")
    assert plant.releases[0].every.values_s[:2] == (0.0, 300.0)


@classic
@pytest.mark.parametrize(("name", "optimum"), [("ft06", 55), ("la01", 666), ("la06", 926), ("la16", 945)])
def test_the_line_has_the_makespan_that_is_proven_optimal(name, optimum):
    """Without surprises the engine's stations, driven by CP-SAT's sequences, end every operation when planned."""
    shop = read_instance(SHARED, name)
    plan = solve(shop, time_limit_s=60)
    assert plan.optimal
    driven = drive(shop, as_line(shop), "static", plan.schedule.sequences(), seed=0, replication=0)
    assert driven.makespan == optimum
    assert same(driven, follow(Pending.of(shop), plan.schedule.sequences()))
    assert (driven.breakdowns, driven.replans, driven.sequences) == (0, 0, plan.schedule.sequences())


@pytest.mark.parametrize("least", [1, 0])
def test_fed_the_same_day_the_line_does_what_the_shop_does(least):
    """Breakdowns by the calendar and true durations of random days: sequences and every rule, equal to the tick.

    With operations that take no time, sequences; there a rule may choose between jobs that come at one instant.
    """
    rng = np.random.default_rng(least)
    broke = 0
    for number in range(12):
        shop = drawn(rng, 6, 4, least)
        day = Day.drawn(shop, seed=7, number=number, cv=0.5, mean_up=15, mean_down=6)
        sequences = non_delay(Pending.of(shop), "RANDOM", seed=number).sequences()
        plant = as_line(day)
        check(plant)
        driven = drive(shop, plant, "static", sequences, seed=0, replication=0)
        happened = follow(Pending.of(shop), sequences, day)
        assert same(driven, happened)
        assert (driven.makespan, driven.tardiness) == (happened.makespan, happened.tardiness)
        broke += driven.breakdowns
        for rule in RULES if least else ():
            by_rule = non_delay(Pending.of(shop), rule, seed=3, floor=day)
            assert same(drive(shop, plant, rule, seed=3, replication=0), by_rule), rule
    assert broke > 20


def test_fed_the_same_day_the_line_is_replanned_as_the_shop_is():
    """At every breakdown the same state is read off the engine, so the same plans come and the same times."""
    rng = np.random.default_rng(5)
    moved = 0
    for number in range(8):
        shop = drawn(rng, 6, 3)
        day = Day.drawn(shop, seed=5, number=number, cv=0.3, mean_up=20, mean_down=8)
        plan = solve(shop, time_limit_s=60, work_limit=0.05).schedule.sequences()
        search = {"seed": 0, "time_limit_s": 60, "work_limit": 0.05}
        rolled = rolling(shop, plan, day, **search)
        driven = drive(shop, as_line(day), "rolling", plan, replication=0, **search)
        assert same(driven, rolled.schedule)
        assert driven.sequences == rolled.sequences
        moved += driven.changed
    assert moved > 2


def test_a_permutation_flow_shop_keeps_one_order_on_the_line():
    """By a plan, re-planned or by a rule, with a machine down: as the shop does it, one order on every machine."""
    shop = flow_shop(np.random.default_rng(4).integers(1, 10, (5, 3)).tolist(), permutation=True, name="row")
    day = Day.of(shop, down=[(1, 4, 16), (0, 20, 26)])
    plan = solve(shop, time_limit_s=60).schedule.sequences()
    rolled = rolling(shop, plan, day, time_limit_s=60)
    driven = drive(shop, as_line(day), "rolling", plan, seed=0, replication=0, time_limit_s=60)
    assert same(driven, rolled.schedule)
    for rule in STATIC_RULES:
        by_rule = drive(shop, as_line(day), rule, seed=0, replication=0)
        assert same(by_rule, non_delay(Pending.of(shop), rule, floor=day)), rule
        assert len({tuple(j for j, _ in queue) for queue in by_rule.sequences}) == 1


def test_a_tick_may_be_a_minute():
    """The same shop in ticks of 60 s has the same rows in ticks."""
    day = Day.of(TWO, down=[(0, 1, 5)])
    minutes = drive(TWO, as_line(day, tick_s=60.0), "static", PLAN, seed=0, replication=0, tick_s=60.0)
    assert same(minutes, follow(Pending.of(TWO), PLAN, day))


# ── what only the line knows ─────────────────────────────────────────────────────────────────────────────────────


def test_a_machine_is_down_only_for_running_time_if_so_declared():
    """By hand: machine 0 breaks after 4 s of running: in job 1, which came at 3, so at 4; the repair takes 10 s."""
    tool = (Failure("tool", Constant(4.0), Constant(10.0), counts="operation"),)
    driven = drive(TWO, as_line(TWO, failures=tool), "static", PLAN, seed=0, replication=0)
    times = {(r.job, r.operation): (r.begin, r.end) for r in driven.rows}
    # machine 1 runs from 0 to 2 and from 3 to 5: its fourth second of running ends with its work
    assert times == {(0, 0): (0, 3), (0, 1): (3, 5), (1, 0): (0, 2), (1, 1): (3, 17)}
    assert driven.breakdowns == 1


def test_every_job_is_let_in_once_and_leaves_once_and_no_machine_works_on_two():
    """Conservation, with operators, crew, set-ups, shifts and random times: whatever is declared at the stations."""
    rng = np.random.default_rng(8)
    for number in range(6):
        shop = drawn(rng, 7, 3)
        fail = dataclasses.replace(BROKEN, crew="mend", counts=("operation", "time")[number % 2])
        plant = changed(as_line(shop, cv=0.4), failures=(fail,), operator="run", setup=SetUp({}, 1.5), calendar="day")
        plant = dataclasses.replace(
            plant,
            crews=(Crew("mend", 1), Crew("people", 2, ("run",))),
            calendars=(Calendar("day", 60.0, ((0.0, 20.0), (25.0, 55.0))),),
        )
        check(plant)
        plan = solve(shop, time_limit_s=60, work_limit=0.05).schedule.sequences()
        for way in ("static", "rolling", "MWKR"):
            driven = drive(
                shop, plant, way, plan, seed=1, replication=number, repair="mean", time_limit_s=60, work_limit=0.02
            )
            assert [(r.job, r.operation) for r in driven.rows] == list(Pending.of(shop).operations)
            for one, two in itertools.pairwise(driven.rows):
                assert one.job != two.job or one.end <= two.begin
            for machine, queue in enumerate(driven.sequences):
                rows = sorted((r for r in driven.rows if r.machine == machine), key=lambda r: (r.begin, r.end))
                assert [(r.job, r.operation) for r in rows] == list(queue)
                assert all(one.end <= two.begin for one, two in itertools.pairwise(rows))
            if way == "static":
                assert driven.sequences == plan


def test_vehicles_carry_jobs_between_machines():
    """By hand: 4 m at 2 m/s take 2 s loaded, and 2 s empty for the vehicle that stands at the other machine."""
    plant = as_line(TWO)
    stations = tuple(
        dataclasses.replace(s, at_m=(4.0 * k, 0.0) if k < 2 else None) for k, s in enumerate(plant.stations)
    )
    buffers = tuple(dataclasses.replace(b, fleet="amr" if b.source != ("door",) else None) for b in plant.buffers)
    fleets = (Fleet("amr", 2, 2.0, home_m=(0.0, 0.0)),)
    carried = dataclasses.replace(plant, stations=stations, buffers=buffers, fleets=fleets)
    check(carried)
    rows = drive(TWO, carried, "static", PLAN, seed=0, replication=0).rows
    # the vehicle for job 1 drives 4 m empty (from 2 to 4), then 4 m loaded; that for job 0 stands beside machine 0
    assert [(r.begin, r.end) for r in rows] == [(0.0, 3.0), (5.0, 7.0), (0.0, 2.0), (6.0, 10.0)]


def test_the_state_that_a_plan_is_told_is_what_a_supervisor_knows():
    """By hand at 4 s: machine 0 broke 1 s into job 1; a fitter who is there says 14, otherwise the mean is taken."""
    tool = (Failure("tool", Constant(4.0), Constant(10.0), counts="operation"),)
    ticked = {}
    for repair, crew in (("told", None), ("mean", None), ("told", "mend")):
        plant = as_line(TWO, failures=(dataclasses.replace(tool[0], crew=crew),))
        plant = dataclasses.replace(plant, crews=(Crew("mend", 1, speed_m_s=1.0, home_m=(50.0, 0.0)),) if crew else ())
        plant = changed(plant, at_m=(0.0, 0.0))
        floor = LineFloor(TWO, plant, seed=0, replication=0, repair=repair)
        floor.advance(0.0)
        while floor.now_s < 4.0:
            floor.advance(floor.next_s)
        assert floor.fell
        ticked[repair, crew] = floor.state()
    told = ticked["told", None]
    assert (told.now, told.done) == (4, (1, 1))
    assert [tuple(r) for r in told.running] == [(0, 1, 1), (1, 0, 3)]
    assert [tuple(d) for d in told.down] == [(0, 4, 14)]
    assert ticked["mean", None].down == told.down  # the mean of a constant is what it will be
    assert [tuple(d) for d in ticked["told", "mend"].down] == [(0, 4, 14)]  # on the way, and so still a guess


def test_places_that_are_too_few_for_an_order_are_found_not_waited_for():
    """Without places between, two jobs that swap machines block each other: said, with the machines, by any way."""
    plant = as_line(TWO)
    none = tuple(dataclasses.replace(b, capacity=0 if b.source != ("door",) else None) for b in plant.buffers)
    stuck = dataclasses.replace(plant, buffers=none)
    fail = changed(stuck, failures=(Failure("f", Exponential(5.0), Exponential(1.0), counts="time"),))
    for closed, way in itertools.product((stuck, fail), ("SPT", "static")):
        with pytest.raises(BadSchedule) as e:
            drive(TWO, closed, way, PLAN, seed=0, replication=0)
        assert str(e.value).startswith("two: nothing moves any more after ")
        assert str(e.value).endswith(" s, with m0, m1 blocked; give the buffers more places, or another order of jobs.")
    # job 1 comes at 3, when job 0 goes on to machine 1, and follows it there: 3 to 5, 5 to 7, then machine 0 to 11
    apart = Instance("two", 2, TWO.jobs, release=(0, 3))
    closed = dataclasses.replace(as_line(apart), buffers=none)
    assert drive(apart, closed, "SPT", seed=0, replication=0).makespan == 11.0


def test_the_same_seed_gives_the_same_bits_and_another_replication_others():
    """A replication is its seed and number, whatever ran before."""
    plant = as_line(TWO, cv=0.5, failures=(dataclasses.replace(BROKEN, counts="time"),))
    runs = [drive(TWO, plant, "static", PLAN, seed=3, replication=r).rows for r in (0, 1, 0)]
    assert runs[0] == runs[2]
    assert runs[0] != runs[1]


# ── comparisons ──────────────────────────────────────────────────────────────────────────────────────────────────


@classic
@pytest.mark.parametrize("counts", ["time", "operation"])
def test_a_comparison_on_the_line_pairs_its_replications_and_repeats(counts):
    """On ft06: the same again, however many days; each as `drive` gives it alone; re-plans beat the plan kept."""
    ft06 = read_instance(SHARED, "ft06")
    ways = ("static", "rolling", "MWKR")
    given = {"seed": 3, "mean_up": 40.0, "mean_down": 12.0, "time_limit_s": 60, "work_limit": 0.01}
    one, two = (compare(ft06, ways, floor="line", counts=counts, days=days, **given) for days in (24, 3))
    for way in ways:
        assert one.makespan[way][:3].tolist() == two.makespan[way].tolist()
    broken = Failure("breakdown", Exponential(40.0), Exponential(12.0), counts)
    for number in range(4):
        alone = drive(ft06, as_line(ft06, failures=(broken,)), "MWKR", seed=3, replication=number)
        assert one.makespan["MWKR"][number] == alone.makespan
    assert one.against("rolling", "static").difference.high < 0
    assert one.replans.sum() > 24


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────


CELL = Instance("cell", 2, (((Mode(0, 5), Mode(1, 7)), (Mode(1, 2),)),))
TWICE = job_shop([[3, 2, 1]], [[0, 1, 0]], name="twice")
OTHER = dataclasses.replace(as_line(TWO), buffers=as_line(TWO).buffers[:-1])
SCRAP = changed(as_line(TWO), scrap=0.1)
AS_ELSE = (
    "than the one that as_line makes of this shop; change only times, failures, people, places and vehicles of that one"
)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: as_line(CELL),
            "cell: job 0, operation 0 chooses between machines 0, 1, which a line cannot do; give it one, or run it "
            "with `rolling`.",
        ),
        (
            lambda: as_line(TWICE),
            "twice: job 0 comes to machine 0 twice, and a station tells parts apart by their type alone; run it with "
            "`rolling`.",
        ),
        (lambda: as_line(TWO, cv=-1.0), "two: cv -1 and ticks of 1 s; give cv from 0 to 10, ticks above 0."),
        (lambda: as_line(TWO, stretch=[[1.0]]), "two: stretch needs one number for every operation of every job."),
        (
            lambda: as_line(TWO, stretch=[[1.0, 0.0], [1.0, 1.0]]),
            "two: a stretch is a positive number; 1 is as planned.",
        ),
        (
            lambda: as_line(Day.of(TWO), cv=0.1),
            "two: a day says what happens; leave cv, stretch and failures out.",
        ),
        (
            lambda: drive(TWO, as_line(TWO), "static", seed=0, replication=0),
            "two: static has no sequences to keep; give those of a plan.",
        ),
        (
            lambda: drive(TWO, as_line(TWO), "static", (((1, 1), (0, 0)), ((0, 1), (1, 0))), seed=0, replication=0),
            "two: these sequences wait for each other for ever: machine 0 is next to do job 1, operation 1, before "
            "which operation 0 never comes.",
        ),
        (
            lambda: drive(TWO, OTHER, "SPT", seed=0, replication=0),
            f"two: the plant 'two' has no buffer 'j1.1' {AS_ELSE}.",
        ),
        (
            lambda: drive(TWO, SCRAP, "SPT", seed=0, replication=0),
            f"two: the plant 'two' has another scrap at station 'm0' {AS_ELSE}.",
        ),
        (
            lambda: compare(TWO, ("SPT",), days=2, seed=0, counts="operation"),
            "Breakdowns that count running time need the line's engine; give floor='line'.",
        ),
        (lambda: compare(CELL, ("SPT",), days=2, seed=0, floor="line"), "cell: job 0, operation 0 chooses between"),
        (
            lambda: compare(TWO, ("SPT",), days=2, seed=0, floor="line", mean_up=-1.0),
            "A day with cv 0, -1 ticks up and 0 down; give cv from 0 to 10, more than 0 up and 0 or more down.",
        ),
    ],
)
def test_what_a_line_cannot_do_is_refused(make, says):
    """Each in one sentence that says what came and what to do."""
    with pytest.raises(BadSchedule) as e:
        make()
    assert str(e.value).startswith(says)


def test_unknown_words_name_the_nearest():
    """A way, a floor, a clock, a source of repair times."""
    with pytest.raises(UnknownName, match=r"There is no way of scheduling 'statik'\. Did you mean 'static'\?"):
        drive(TWO, as_line(TWO), "statik", seed=0, replication=0)
    with pytest.raises(UnknownName, match=r"There is no floor 'lines'\. Did you mean 'line'\?"):
        compare(TWO, days=2, seed=0, floor="lines")
    with pytest.raises(UnknownName, match=r"There is no way to know a repair 'tol'\. Did you mean 'told'\?"):
        drive(TWO, as_line(TWO), "SPT", seed=0, replication=0, repair="tol")


# ── the engine between two calls ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["failing", "crewed", "shifts", "network", "carried", "before", "rework"])
def test_a_run_in_steps_is_the_run_in_one(name):
    """Idle machines look again whenever the engine goes on; with the same preferences that changes not one bit."""
    pytest.importorskip("simpy")
    import test_line_events_twin as twins

    plant, modes = tables(getattr(twins, name)())
    whole, steps = (fresh(plant, modes, seed=1, replication=0, parts=1 << 10, trace=1 << 13) for _ in range(2))
    one, other = addresses(plant, whole), addresses(plant, steps)
    assert run(one.ctypes.data, 2000.0) == FINE
    for until in np.arange(0.0, 2000.1, 6.25):
        assert run(other.ctypes.data, float(until)) == FINE
    for kind, array in whole._asdict().items():
        assert kind == "todo" or array.tobytes() == getattr(steps, kind).tobytes(), kind  # an empty list's old entries


def test_a_buffer_that_is_held_gives_nothing_until_it_is_preferred():
    """At a machine that nothing else feeds, and at an assembly: held, parts wait; preferred, they are taken at once."""
    parts = (Station("a", Cycle(Constant(1.0))), Station("b", Cycle(Constant(1.0))))
    join = Station("join", Cycle(Constant(2.0)), assemble=True)
    buffers = (Buffer("x", ("a",), ("join",), 3), Buffer("y", ("b",), ("join",), 3))
    plant, modes = tables(Layout("held", (*parts, join), buffers))
    world = fresh(plant, modes, seed=0, replication=0, parts=64)
    table = addresses(plant, world)
    world.prefer[1] = -np.inf
    assert run(table.ctypes.data, 10.0) == FINE
    assert world.level[:2, L_PARTS].tolist() == [3, 3]
    world.prefer[1] = 0.0
    assert run(table.ctypes.data, 14.5) == FINE
    assert int(world.good.sum()) == 2  # from 10 to 12 and from 12 to 14
