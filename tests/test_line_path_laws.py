"""What every run of the `path` engine keeps: the same bits, sums that close, calendars, part types, refusals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from jangin.line.layout import (
    Calendar,
    Constant,
    Crew,
    Cycle,
    Empirical,
    Erlang,
    Evidence,
    Exponential,
    Failure,
    Fleet,
    Gamma,
    Lognormal,
    Normal,
    Release,
    Route,
    SetUp,
    Station,
    Stop,
    Trace,
    Triangular,
    Uniform,
    Weibull,
    mean_s,
)
from jangin.line.path import NotExact, common_random, simulate, simulate_until, unfit
from jangin.line.result import STATES
from test_line_path_exact import exponential, row

RUNNING, BLOCKED, STARVED, DOWN, OFF = (STATES.index(s) for s in ("running", "blocked", "starved", "down", "off"))
FIELDS = [f.name for f in dataclasses.fields(simulate(exponential([1.0], []), seed=0, replications=1, parts=2))]


def same(a, b):
    """Two results agree to the last bit in every field."""
    for name in FIELDS:
        x, y = getattr(a, name), getattr(b, name)
        assert (x is None) == (y is None), name
        if x is not None:
            assert np.array_equal(np.asarray(x), np.asarray(y), equal_nan=name == "lead_s"), name


def mixed_line():
    """Failures, parallel machines, scrap, an unlimited buffer and random arrivals, all at once."""
    stations = [
        Station("a", Cycle(Exponential(1.0)), failures=(Failure("jam", Weibull(30.0, 1.5), Lognormal(4.0, 0.8)),)),
        Station("b", Cycle(Gamma(2.2, 0.5)), machines=3),
        Station("c", Cycle(Uniform(0.5, 1.3)), blocking="before"),
        Station("d", Cycle(Normal(0.9, 0.2)), scrap=0.1),
    ]
    return row(stations, [2, None, 1], releases=(Release("a", "push", Exponential(1.3)),))


def test_a_replication_has_its_own_numbers():
    """Replication r is the same to the last bit in a run of 700, of 3, and in any that begins elsewhere."""
    whole = simulate_until(mixed_line(), seed=4, replications=700, horizon_s=90.0, warmup_s=10.0, bins=5)
    for first, n in ((0, 3), (63, 2), (500, 200), (699, 1)):
        part = simulate_until(mixed_line(), seed=4, replications=n, first=first, horizon_s=90.0, warmup_s=10.0, bins=5)
        same(part, pick(whole, first, n))
    other = simulate_until(mixed_line(), seed=5, replications=3, horizon_s=90.0, warmup_s=10.0)
    assert not np.array_equal(other.wip, whole.wip[:3])


def pick(runs, first, n):
    """Replications first ... first + n - 1 of a result."""
    values = {f: getattr(runs, f) for f in FIELDS}
    own = {f: v[first : first + n] for f, v in values.items() if isinstance(v, np.ndarray)}
    return dataclasses.replace(runs, **own)


def test_parts_of_a_steady_run_concatenate():
    """`simulate` from `first` on gives the rest of the longer run, bit for bit."""
    plant = exponential([1.0, 1.2], [1])
    whole = simulate(plant, seed=1, replications=600, parts=200, warmup_parts=50)
    rest = simulate(plant, seed=1, replications=100, first=500, parts=200, warmup_parts=50)
    same(rest, pick(whole, 500, 100))


@pytest.mark.parametrize("rows", [7, 32, 500])
def test_portions_do_not_matter(monkeypatch, rows):
    """Portions of any length give the same counts, and the same seconds up to rounding."""
    told = simulate_until(mixed_line(), seed=2, replications=20, horizon_s=300.0, warmup_s=50.0, bins=3)
    steady = simulate(mixed_line(), seed=2, replications=20, parts=203, warmup_parts=50)
    monkeypatch.setattr("jangin.line.path.run.ROWS", rows)
    again = simulate_until(mixed_line(), seed=2, replications=20, horizon_s=300.0, warmup_s=50.0, bins=3)
    steady_again = simulate(mixed_line(), seed=2, replications=20, parts=203, warmup_parts=50)
    for a, b in ((told, again), (steady, steady_again)):
        for name in ("good", "scrapped", "finished", "bins"):
            assert np.array_equal(getattr(a, name), getattr(b, name)), name
        for name in ("states", "wip", "lead_s", "buffers"):
            assert getattr(a, name) == pytest.approx(getattr(b, name), rel=1e-9, abs=1e-9), name


def test_seconds_add_up_to_machines_times_the_window():
    """Every machine is in one state at a time, in both windows; nothing is lost or counted twice."""
    by_time = simulate_until(mixed_line(), seed=2, replications=70, horizon_s=300.0, warmup_s=37.0)
    by_parts = simulate(mixed_line(), seed=2, replications=70, parts=400, warmup_parts=50)
    for runs in (by_time, by_parts):
        assert runs.states.sum(axis=2) == pytest.approx(runs.seconds[:, None] * [1, 3, 1, 1], rel=1e-9)
        assert (runs.states >= -1e-9).all()


def test_parts_are_conserved():
    """From an empty line, what a station finished is never more than the one before, and the last one's all left."""
    runs = simulate_until(mixed_line(), seed=2, replications=70, horizon_s=300.0)
    assert (np.diff(runs.finished, axis=1) <= 0).all()
    assert np.array_equal(runs.finished[:, -1], runs.good + runs.scrapped)
    assert np.array_equal(runs.station_scrapped[:, -1], runs.scrapped)
    assert runs.scrapped.sum() / runs.finished[:, -1].sum() == pytest.approx(0.1, abs=0.01)


def test_designs_compared_are_the_designs_alone():
    """`common_random` gives each design what `simulate_until` gives it, bit for bit, also with a scaled cycle."""
    a = exponential([1.0, 1.1, 0.9], [1, 1], failures=(Failure("f", Exponential(20.0), Exponential(2.0)),))
    faster = dataclasses.replace(a.stations[1], cycle=Cycle(Exponential(0.8)))
    b = dataclasses.replace(a, stations=(a.stations[0], faster, a.stations[2]))
    c = dataclasses.replace(a, stations=(dataclasses.replace(a.stations[0], machines=2), *a.stations[1:]))
    at = {"seed": 3, "replications": 520, "horizon_s": 100.0, "warmup_s": 20.0}
    for designs in ([a, b, a.with_capacities({"b0": 4})], [a, c]):
        for found, design in zip(common_random(designs, **at), designs, strict=True):
            same(found, simulate_until(design, **at))


@pytest.mark.parametrize("plant", [exponential([1.0, 1.0], [90]), exponential([1.0, 0.5, 1.0], [40, 0], machines=2)])
def test_buffers_longer_than_a_portion(plant):
    """A buffer that holds more parts than a portion has rows is as exact: portions of another length agree."""
    a = simulate_until(plant, seed=1, replications=64, horizon_s=900.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jangin.line.path.run.ROWS", 300)
        b = simulate_until(plant, seed=1, replications=64, horizon_s=900.0)
    assert np.array_equal(a.good, b.good)
    assert a.states == pytest.approx(b.states, rel=1e-9, abs=1e-9)


def test_more_places_never_cost_a_part():
    """On common random numbers, every replication of a saturated line makes at least as much with a larger buffer."""
    few = exponential([1.0, 1.0, 1.0], [1, 1])
    a, b = common_random([few, few.with_capacities({"b1": 3})], seed=1, replications=100, horizon_s=500.0)
    assert (b.good >= a.good).all()
    assert b.good.mean() > a.good.mean()
    assert np.corrcoef(a.good, b.good)[0, 1] > 0.8


TIMES = [
    Constant(3.0), Exponential(3.0), Uniform(1.0, 5.0), Triangular(1.0, 2.0, 6.0), Normal(3.0, 0.8),
    Lognormal(3.0, 0.7), Gamma(3.0, 0.6), Erlang(3.0, 4), Weibull(3.0, 1.7), Empirical((1.0, 2.0, 6.0)),
    Trace((2.0, 3.0, 4.0)),
]  # fmt: skip


@pytest.mark.parametrize("time", TIMES, ids=lambda t: type(t).__name__)
def test_times_have_their_mean(time):
    """A station alone makes one part per mean of its declared distribution, and never stands still."""
    runs = simulate(row([Station("s", Cycle(time))], []), seed=8, replications=256, parts=300)
    assert (runs.seconds / runs.good).mean() == pytest.approx(mean_s(time), rel=0.015)
    assert runs.states[:, 0, RUNNING] == pytest.approx(runs.seconds)


@pytest.mark.parametrize(
    ("time", "cv"),
    [
        (Uniform(1.0, 5.0), 4.0 / 12**0.5 / 3.0),
        (Triangular(1.0, 2.0, 6.0), ((1 + 4 + 36 - 2 - 6 - 12) / 18) ** 0.5 / 3.0),
        (Normal(3.0, 0.8), 0.8 / 3.0),
        (Lognormal(3.0, 0.7), 0.7),
        (Gamma(3.0, 0.6), 0.6),
        (Erlang(3.0, 4), 0.5),
        (Weibull(3.0, 2.0), (4.0 / np.pi - 1.0) ** 0.5),
    ],
    ids=lambda x: type(x).__name__ if not isinstance(x, float) else "",
)
def test_times_have_their_spread(time, cv):
    """One part per replication shows the distribution itself: its coefficient of variation is the declared one."""
    runs = simulate(row([Station("s", Cycle(time))], []), seed=8, replications=20_000, parts=1)
    assert runs.seconds.std() / runs.seconds.mean() == pytest.approx(cv, rel=0.03)


def test_part_types_keep_their_order_and_times():
    """A sequence of two types with constant times is plain arithmetic; a mix comes in its shares."""
    stations = [
        Station("s", Cycle({"x": Constant(2.0), "y": Constant(5.0)})),
        Station("t", Cycle({"x": Constant(1.0), "y": Constant(1.0)})),
    ]
    turn = row(stations, [0], parts=("x", "y"), releases=(Release("s", sequence=("x", "x", "y")),))
    runs = simulate_until(turn, seed=0, replications=2, horizon_s=91.0, warmup_s=1.0)
    assert runs.good_by_part is not None
    assert runs.good_by_part.tolist() == [[20.0, 10.0]] * 2
    mix = dataclasses.replace(turn, releases=(Release("s", mix={"x": 3.0, "y": 1.0}),))
    runs = simulate(mix, seed=0, replications=256, parts=200)
    assert runs.good_by_part is not None
    assert runs.good_by_part.sum(axis=0) / runs.good.sum() == pytest.approx([0.75, 0.25], abs=0.01)
    assert (runs.seconds / runs.good).mean() == pytest.approx(0.75 * 2.0 + 0.25 * 5.0, rel=0.01)


def test_a_shift_stops_everything_and_goes_on_where_it_stood():
    """Eight hours on, sixteen off: a constant line makes a third, and parts wait the night out."""
    day = Calendar("day", 86_400.0, ((0.0, 14_400.0), (18_000.0, 32_400.0)))
    plant = row(
        [Station("a", Cycle(Constant(1_000.0))), Station("b", Cycle(Constant(500.0)))],
        [2],
        calendars=(day,),
        calendar="day",
    )
    runs = simulate_until(plant, seed=0, replications=1, horizon_s=10 * 86_400.0, warmup_s=86_400.0)
    on = 9 * 28_800.0
    assert runs.states[0, 0, [RUNNING, OFF]].tolist() == [on, 9 * 57_600.0]
    assert runs.states[0, 1, RUNNING] == pytest.approx(on / 2, abs=500.0)
    assert runs.finished[0, 0] == 288 - 28  # 28,800 s a day, and a part that is begun is finished the next day
    assert runs.states.sum(axis=2) == pytest.approx(np.full((1, 2), 9 * 86_400.0))
    assert runs.wip[0] == pytest.approx(
        runs.good[0] * runs.lead_s[0] / runs.seconds[0], abs=0.08
    )  # one part, one night
    steady = simulate(plant, seed=0, replications=1, parts=288, warmup_parts=0)
    assert steady.states.sum(axis=2) == pytest.approx(np.broadcast_to(steady.seconds[:, None], (1, 2)))


def test_arrivals_at_night_wait_for_the_morning():
    """With a part every hour round the clock and eight hours on, all are made, and the night's wait."""
    day = Calendar("day", 86_400.0, ((0.0, 28_800.0),))
    plant = row(
        [Station("a", Cycle(Constant(600.0)))],
        [],
        calendars=(day,),
        calendar="day",
        releases=(Release("a", "takt", Constant(3_600.0)),),
    )
    runs = simulate_until(plant, seed=0, replications=1, horizon_s=6 * 86_400.0, warmup_s=86_400.0, bins=6)
    assert runs.good[0] == 5 * 24
    assert runs.bins is not None
    assert runs.bins[0, 2:].tolist() == [24.0] * 4
    assert runs.lead_s[0] * 24 * 5 / runs.seconds[0] == pytest.approx(runs.wip[0])


def test_given_times_replace_a_stations_own():
    """`times` is asked for the next n parts, in order, and what it gives is what the station takes."""
    plant = exponential([1.0, 5.0], [3])
    rng = np.random.default_rng(0)
    own = rng.exponential(1.0, (150, 5))
    asked = []

    def give(n):
        asked.append(n)
        return own[sum(asked) - n : sum(asked)]

    given = simulate(plant, seed=1, replications=5, first=62, parts=150, times={1: give})
    assert sum(asked) == 150
    assert given.states[:, 1, RUNNING] == pytest.approx(own.sum(axis=0))
    mine = simulate(plant, seed=1, replications=5, first=62, parts=150)
    assert given.states[:, 0, RUNNING] / given.states[:, 0].sum(axis=1) != pytest.approx(
        mine.states[:, 0, RUNNING] / mine.states[:, 0].sum(axis=1)
    )


def test_given_times_are_common_to_designs():
    """Designs that are given the same times for a station, each by its own function, take the same times there."""
    plant = exponential([1.0, 5.0], [3])
    at = {"seed": 1, "replications": 70, "horizon_s": 100.0}

    def give():
        rng = np.random.default_rng(0)
        return {1: lambda n: rng.exponential(1.0, (n, 70))}

    a, b = common_random([plant, plant.with_capacities({"b0": 9})], times=[give(), give()], **at)
    same(a, simulate_until(plant, times=give(), **at))
    assert (b.good >= a.good).all()
    with pytest.raises(NotExact, match=r"^Times for 1 of 2 layouts; give one mapping for each, or none\.$"):
        common_random([plant, plant], times=[give()], **at)
    with pytest.raises(NotExact) as told:
        simulate_until(plant, seed=1, replications=5, horizon_s=9.0, times={1: lambda n: np.ones((n, 4))})
    assert str(told.value) == (
        "Times of shape (32, 4) were given for station 's1'; give (32, 5), seconds by part and replication."
    )


def changed(**station):
    """A line of two whose first station is this."""
    return row([Station("a", Cycle(Exponential(1.0)), **station), Station("b", Cycle(Exponential(1.0)))], [2])


def with_buffer(**buffer):
    """A line of two types whose buffer is this."""
    plant = dataclasses.replace(changed(), parts=("x", "y"))
    return dataclasses.replace(plant, buffers=(dataclasses.replace(plant.buffers[0], **buffer),))


def held_back():
    """A line of three whose second station blocks before service."""
    stations = [Station(name, Cycle(Exponential(1.0)), blocking="before") for name in "abc"]
    return row(stations, [2, 2])


def plant_with(**layout):
    """A line of two with this."""
    return dataclasses.replace(changed(), **layout)


TIP = Failure("tip", Constant(9.0), Constant(1.0), crew="fitters")
DAY = Calendar("day", 86_400.0, ((0.0, 28_800.0),))
REFUSED = [
    (plant_with(buffers=()), "The plant is not one row of stations, each joined to the next by one buffer and without "
     "rework."),
    (plant_with(releases=(Release("b"),)), "Parts are released into 'b', which is not the first station."),
    (plant_with(releases=(Release("a", "conwip", wip=3),)), "The release into 'a' waits for parts to leave the line "
     "(conwip)."),
    (plant_with(releases=(Release("a"), Release("a"))), "Station 'a' has 2 releases."),
    (changed(batch=4), "Station 'a' works on batches of 4."),
    (changed(split=2), "Station 'a' splits each part into 2."),
    (changed(scrap=0.1), "Station 'a' scraps parts before the end of the line."),
    (changed(stops=(Stop("clean", 0.0, 1.0, 9.0),)), "Station 'a' has planned stops of its own ('clean')."),
    (dataclasses.replace(changed(setup=SetUp({}, 1.0)), parts=("x", "y")), "Station 'a' is set up between part types."),
    (changed(routes=(Route("b0", 0.5),)), "Station 'a' divides its parts among routes."),
    (changed(routes=(Route("b0"), Route("out"))), "Station 'a' has 2 routes."),
    (row([Station("e", Cycle(Evidence("run")))], []), "Station 'e' is a qualified policy whose times have not been "
     "drawn from its evidence."),
    (changed(failures=(dataclasses.replace(TIP, counts="time"),)), "Failure 'tip' of station 'a' also happens while "
     "the machine is idle (it counts time, not operation)."),
    (changed(failures=(dataclasses.replace(TIP, after=Constant(0.0)),)), "Failure 'tip' of station 'a' comes after no "
     "time at all."),
    (changed(machines=2, failures=(TIP,)), "Failure 'tip' of station 'a' depends on how long each of 2 machines has "
     "worked; one machine would fit."),
    (changed(machines=2, blocking="before"), "Station 'a' has 2 machines and blocking before service."),
    (dataclasses.replace(changed(machines=2), parts=("x", "y")), "Station 'a' has 2 machines, where part types may "
     "overtake each other."),
    (held_back(), "Station 'b' blocks before service, which keeps parts in the buffer 'b0'."),
    (with_buffer(fleet="amr"), "Parts are carried to buffer 'b0' by fleet 'amr'."),
    (with_buffer(order="lifo"), "Buffer 'b0' gives the last part first."),
    (with_buffer(order="priority", priority={"x": 1.0}), "Buffer 'b0' lets part types overtake by priority."),
    (changed(calendar="day"), "The stations have different calendars."),
    (dataclasses.replace(changed(failures=(TIP,)), calendars=(DAY,), calendar="day"), "Repairs at station 'a' go on "
     "off shift, while the work of the line stands still."),
    (dataclasses.replace(changed(failures=(TIP,)), crews=(Crew("fitters", 3, speed_m_s=1.0),)), "Crew 'fitters' walks "
     "to the machines."),
    (dataclasses.replace(changed(failures=(TIP,), operator="weld"), crews=(Crew("fitters", 1, ("weld",)),)), "Crew "
     "'fitters' has 1 people for up to 2 calls at once; somebody may wait."),
    (changed(operator="weld"), "Station 'a' needs skill 'weld', which nobody has."),
    (row([Station("a", Cycle(Constant(0.0))), Station("b", Cycle(Constant(1.0)))], [None]), "Station 'a' takes parts "
     "without end, and no time passes."),
]  # fmt: skip


@pytest.mark.parametrize(("plant", "why"), REFUSED, ids=[str(i) for i in range(len(REFUSED))])
def test_what_is_not_exact_is_refused_by_name(plant, why):
    """`unfit` names the first thing that breaks the recursion, and a run of it says the same."""
    assert unfit(plant) == why
    with pytest.raises(NotExact) as told:
        simulate_until(plant, seed=0, replications=1, horizon_s=10.0)
    assert str(told.value) == f"Layout 'row' does not fit the engine 'path': {why} Use the engine 'events'."


@pytest.mark.parametrize(
    "plant",
    [
        changed(setup=SetUp({}, 5.0)),
        with_buffer(order="lifo", capacity=1),
        with_buffer(order="priority", priority={"x": 1.0, "y": 1.0}),
        dataclasses.replace(changed(failures=(TIP,), operator="weld"), crews=(Crew("fitters", 2, ("weld",)),)),
        dataclasses.replace(changed(), fleets=(Fleet("amr", 1, 1.0),)),
        row([Station("a", Cycle(Exponential(1.0))), Station("b", Cycle(Exponential(1.0)), machines=2)], [1]),
    ],
)
def test_what_changes_nothing_is_not_refused(plant):
    """Set-ups of one type, orders of one part, crews with somebody for everyone: none of these can be noticed."""
    assert unfit(plant) == ""


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda p: simulate(p, seed=0, replications=0, parts=9), "0 replications from number 0 on cannot be; give at "
         "least 1, from 0 on."),
        (lambda p: simulate(p, seed=0, replications=1, parts=9, warmup_parts=9), "9 of 9 parts are warm-up; give 0 <= "
         "warmup_parts < parts."),
        (lambda p: simulate_until(p, seed=0, replications=1, horizon_s=9.0, warmup_s=10.0), "A warm-up of 10 s in 9 s; "
         "give 0 <= warmup_s < horizon_s."),
        (lambda p: simulate_until(p, seed=0, replications=1, horizon_s=9.0, bins=-1), "-1 bins cannot be; give 0 for "
         "none, or more."),
        (lambda p: common_random([], seed=0, replications=1, horizon_s=9.0), "No layouts to compare; give at least "
         "one."),
    ],
)  # fmt: skip
def test_counts_that_mean_nothing_are_refused(call, why):
    """What was asked, what can be, in one sentence."""
    with pytest.raises(NotExact) as told:
        call(changed())
    assert str(told.value) == why
