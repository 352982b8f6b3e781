"""Laws of the compiled engine: exact lines and queues, the same bits however it is run, and nothing lost on the way."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from jangin.engine.compiled import digest
from jangin.errors import JanginError
from jangin.line.analytic.queues import closed_network, many_servers, open_network
from jangin.line.engines import refuse_standstill
from jangin.line.events import sources, view
from jangin.line.events import state as c
from jangin.line.events.engine import simulate, simulate_each, trace
from jangin.line.events.loop import run
from jangin.line.events.tables import fresh, tables
from jangin.line.layout import (
    Buffer,
    Calendar,
    Constant,
    Crew,
    Cycle,
    Empirical,
    Exponential,
    Failure,
    Fleet,
    Gamma,
    Layout,
    Release,
    Route,
    SetUp,
    Station,
)
from jangin.line.result import PERSON_STATES, VEHICLE_STATES
from line_streams import Streams

RUNS = {"seed": 20, "replications": 24, "threads": 2}


def row(stations, capacities, **more):
    """Stations in a row with buffers of the given capacities between them."""
    names = [s.name for s in stations]
    pairs = zip(names[:-1], names[1:], capacities, strict=True)
    return Layout("row", tuple(stations), tuple(Buffer(f"{a}-{z}", (a,), (z,), n) for a, z, n in pairs), **more)


def exponential(means, capacities, **more):
    return row([Station(f"s{k}", Cycle(Exponential(mean))) for k, mean in enumerate(means)], capacities, **more)


def agrees(values, exact):
    """Whether the mean of independent values is `exact`, within four of its standard errors, and these are small."""
    error = np.std(values, ddof=1) / math.sqrt(len(values))
    assert error < 0.01 * exact, error
    return abs(np.mean(values) - exact) < 4.0 * error


def loop_of_rework(places, rework=0.4):
    stations = (
        Station("make", Cycle(Exponential(1.0)), scrap=0.02),
        Station("test", Cycle(Exponential(1.0)), rework=rework, rework_to="again"),
    )
    buffers = (Buffer("on", ("make",), ("test",), 2), Buffer("again", ("test",), ("make",), places))
    return Layout("loop", stations, buffers, (Release("make", "push", Exponential(2.5)),))


def mixed():
    """Scrap, rework, splitting, batches, assembly, routes, failures: every way a part begins or ends."""
    stations = (
        Station("saw", Cycle(Gamma(4.0, 0.5)), routes=(Route("m", 2.0), Route("t", 1.0)), scrap=0.05),
        Station(
            "mill", Cycle(Exponential(7.0)), machines=2, failures=(Failure("f", Exponential(90.0), Gamma(9.0, 1.0)),)
        ),
        Station("turn", Cycle(Exponential(9.0)), rework=0.1, rework_to="t"),
        Station("join", Cycle(Constant(5.0)), assemble=True, scrap=0.1),
        Station("bolt", Cycle(Exponential(12.0)), batch=3),
        Station("cut", Cycle(Exponential(3.0)), split=2),
    )
    buffers = (
        Buffer("m", ("saw",), ("mill",), 3),
        Buffer("t", ("saw", "turn"), ("turn",), None),
        Buffer("body", ("mill", "turn"), ("join",), 4),
        Buffer("bolts", ("bolt",), ("join",), 5),
        Buffer("done", ("join",), ("cut",), 2),
    )
    return Layout("mixed", stations, buffers, (Release("saw"), Release("bolt", "push", Exponential(5.0))))


# ── exact values ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("n", "places", "exact"),
    [(2, 0, 2 / 3), (2, 10, 12 / 13), (3, 0, 22 / 39), (3, 2, 0.734017), (4, 1, 0.631153), (5, 2, 0.680489),
     (6, 0, 0.466713)],
)  # fmt: skip
def test_throughput_of_a_saturated_exponential_line(n, places, exact):
    """The exact Markov chains' throughput lies within four standard errors of the simulated one."""
    runs = simulate(exponential([1.0] * n, [places] * (n - 1)), horizon_s=8_500.0, warmup_s=500.0, **RUNS)
    assert agrees(runs.good / runs.seconds, exact)


@pytest.mark.parametrize(("n", "places", "exact"), [(2, 0, 5 / 3), (3, 2, 4.6335), (5, 1, 6.1354)])
def test_parts_in_a_saturated_exponential_line(n, places, exact):
    """The mean number of parts in the line is that of the exact chains, and Little's law holds."""
    runs = simulate(exponential([1.0] * n, [places] * (n - 1)), horizon_s=8_500.0, warmup_s=500.0, **RUNS)
    assert agrees(runs.wip, exact)
    assert runs.wip.mean() == pytest.approx((runs.lead_s * runs.good / runs.seconds).mean(), rel=2e-3)


def test_a_queue_with_three_servers():
    """M/M/3 has Erlang's mean number of waiting parts, time in the system and utilisation."""
    line = Layout(
        "mm3", (Station("s", Cycle(Exponential(1.0)), machines=3),), (), (Release("s", "push", Exponential(1 / 2.1)),)
    )
    exact = many_servers(2.1, 1.0, 3)
    runs = simulate(line, horizon_s=21_000.0, warmup_s=1_000.0, **RUNS)
    assert agrees(runs.lead_s, exact.time)
    assert agrees(runs.wip, 2.1 * exact.time)
    assert agrees(runs.states[:, 0, c.RUNNING_] / (3.0 * runs.seconds), exact.utilisation)


def test_a_network_of_two_queues():
    """A Jackson network with parts that come back has the product form's times and numbers."""
    stations = (
        Station("a", Cycle(Exponential(1.0))),
        Station("b", Cycle(Exponential(1.2)), rework=0.3, rework_to="back"),
    )
    buffers = (Buffer("on", ("a",), ("b",), None), Buffer("back", ("b",), ("a",), None))
    line = Layout("jackson", stations, buffers, (Release("a", "push", Exponential(2.0)),))
    exact = open_network([0.5, 0.0], [[0.0, 1.0], [0.3, 0.0]], [1.0, 1 / 1.2])
    runs = simulate(line, horizon_s=201_000.0, warmup_s=1_000.0, **RUNS)
    assert agrees(runs.wip, sum(q.arrival_rate * q.time for q in exact.nodes))
    assert agrees(runs.buffers[:, 0], exact.nodes[1].waiting)


def test_a_fixed_number_of_parts():
    """A CONWIP line of exponential stations is a closed network of Gordon and Newell."""
    line = exponential([1.0, 1.3, 0.8], [None, None], releases=(Release("s0", "conwip", wip=5),))
    runs = simulate(line, horizon_s=8_500.0, warmup_s=500.0, **RUNS)
    assert agrees(runs.good / runs.seconds, closed_network([1, 1, 1], [1.0, 1 / 1.3, 1 / 0.8], 5).throughput)
    assert runs.wip == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("first", "second", "storage", "exact"),
    [((1.0, 0.01, 0.1), (1.0, 0.01, 0.1), 4, 0.695386), ((1.0, 0.1, 0.1), (1.0, 0.1, 0.1), 4, 0.328224),
     ((2.0, 0.1, 0.5), (1.5, 0.05, 0.3), 6, 1.147809)],
)  # fmt: skip
def test_two_unreliable_machines(first, second, storage, exact):
    """Gershwin and Berman's line: storage N is a buffer of N - 1 places and blocking before service."""
    stations = [
        Station(f"s{k}", Cycle(Exponential(1 / mu)), blocking="before", failures=(_failure(p, r),))
        for k, (mu, p, r) in enumerate((first, second))
    ]
    runs = simulate(row(stations, [storage - 1]), horizon_s=16_000.0, warmup_s=1_000.0, **RUNS)
    assert agrees(runs.good / runs.seconds, exact)


def _failure(rate, repair_rate):
    return Failure("f", Exponential(1 / rate), Exponential(1 / repair_rate))


# ── the same bits ────────────────────────────────────────────────────────────────────────────────────────────────

ARRAYS = ["good", "scrapped", "wip", "lead_s", "states", "finished", "reworked", "buffers", "stuck"]


def same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True) for name in ARRAYS)


def test_threads_change_nothing():
    """One thread and two give the same bits."""
    one, two = (simulate(mixed(), seed=3, replications=5, horizon_s=2_000.0, threads=n) for n in (1, 2))
    assert same(one, two)


def test_replications_are_known_by_number():
    """Replications 0..2 and 3..4 are the five simulated at once, and so is each layout of `simulate_each`."""
    whole = simulate(mixed(), seed=3, replications=5, horizon_s=2_000.0)
    first = simulate(mixed(), seed=3, replications=3, horizon_s=2_000.0)
    rest = simulate(mixed(), seed=3, replications=2, first=3, horizon_s=2_000.0)
    each = simulate_each([mixed()] * 5, seed=3, horizon_s=2_000.0)
    for name in ARRAYS:
        assert np.array_equal(np.concatenate([getattr(first, name), getattr(rest, name)]), getattr(whole, name))
    assert same(whole, each)
    assert len(set(whole.wip)) == 5


def test_more_rows_for_parts_change_nothing():
    """A queue that outgrows the rows for parts is simulated again with more, to the numbers of any other size."""
    line = Layout("late", (Station("s", Cycle(Constant(1.0))),), (), (Release("s", "push", Exponential(0.1)),))
    runs = simulate(line, seed=1, replications=1, horizon_s=3_000.5, threads=1)
    assert runs.good[0] == pytest.approx(3_000, abs=1)
    assert runs.wip[0] > 4_096


def test_a_change_of_one_buffer_leaves_every_drawn_time():
    """However much room lies between, each station works through the same times in the same order (common numbers)."""
    lines = [exponential([1.0] * 3, [room, 1]) for room in (0, 7)]
    logs = [trace(line, seed=9, replication=4, until_s=300.0) for line in lines]
    drawn = Streams(lines[0], seed=9, replication=4)
    for station in range(3):
        sums = np.cumsum([drawn.cycle(station, k, 0) for k in range(600)])
        for log in logs:
            own = (log.station == station) & (log.state == c.RUNNING_) & (log.end_s < 300.0)
            worked = np.cumsum(log.end_s[own] - log.start_s[own])  # runs that follow at once are one stretch of the log
            assert len(worked) > 20
            assert np.abs(sums - worked[:, None]).min(axis=1).max() < 1e-9
    assert logs[0].end_s.tolist() != logs[1].end_s.tolist()


# ── nothing lost ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("until", [50.0, 777.0, 5_000.0])
def test_no_part_is_lost_or_made(until):
    """Released and split off = left, scrapped, joined to another, and still there; the rows say the same."""
    plant, modes = tables(mixed())
    world = fresh(plant, modes, seed=5, replication=1, parts=4096)
    listed = view.addresses(plant, world)
    assert run(listed.ctypes.data, until) == c.FINE
    n = world.counts
    assert n[c.C_RELEASED] + n[c.C_SPLIT] == n[c.C_LEFT] + n[c.C_SCRAPPED] + n[c.C_JOINED] + n[c.C_WIP]
    assert n[c.C_WIP] == world.level[:, c.L_PARTS].sum() + world.machine[:, c.M_PARTS].sum()
    assert world.level[:, c.L_PARTS].max() <= 4096
    assert (world.level[:, c.L_PARTS] <= plant.buffer[:, c.B_CAPACITY]).all()


def test_every_second_of_a_machine_has_one_state():
    """The states of a station's machines add up to machines times the time measured."""
    runs = simulate(mixed(), seed=5, replications=3, horizon_s=3_000.0, warmup_s=500.0)
    machines = [s.machines for s in mixed().stations]
    assert runs.states.sum(axis=2) == pytest.approx(np.outer(runs.seconds, machines), rel=1e-9)


def test_a_run_goes_on_where_it_stopped():
    """To 400 s and on to 900 s is the run to 900 s, and starting again before the first event begins nothing twice."""
    worlds = []
    for stops in ([900.0], [0.0, 400.0, 900.0]):
        plant, modes = tables(mixed())
        world = fresh(plant, modes, seed=5, replication=1, parts=4096)
        listed = view.addresses(plant, world)
        for until in stops:
            run(listed.ctypes.data, until)
        worlds.append(world)
    for name in worlds[0]._fields:
        assert np.array_equal(getattr(worlds[0], name), getattr(worlds[1], name)), name


# ── standstill ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_full_loop_of_rework_is_found_and_named():
    """Two stations that hold parts for each other's full buffers stand still for good, and the error says which."""
    line = loop_of_rework(1)
    runs = simulate(line, seed=2, replications=4, horizon_s=20_000.0)
    assert np.isfinite(runs.stuck).all()
    assert runs.waiting.all()
    assert np.array_equal(runs.good, simulate(line, seed=2, replications=4, horizon_s=40_000.0).good)
    with pytest.raises(JanginError) as error:
        refuse_standstill(line, runs)
    assert str(error.value) == (
        f"Layout 'loop' comes to a standstill in 4 of 4 replications, first after {runs.stuck.min():.0f} s: make, test "
        "hold finished parts that wait for each other's places. Give a buffer in that loop more places, or let its "
        "parts leave another way."
    )


def test_a_loop_with_room_goes_on():
    """The same loop with a rework buffer without limit never stands still, and makes what the arrivals allow."""
    runs = simulate(loop_of_rework(None), seed=2, replications=4, horizon_s=20_000.0)
    assert np.isinf(runs.stuck).all()
    assert runs.good.sum() > 4 * 20_000.0 / 2.5 * 0.9


# ── machine code and its sources ─────────────────────────────────────────────────────────────────────────────────


def test_any_change_of_the_sources_changes_the_digest(tmp_path):
    """Machine code is filed under all of the sources: one more byte in any file gives another number."""
    folder = tmp_path / "events"
    shutil.copytree(Path(sources.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    assert digest(folder, sources.CALLED) == sources.DIGEST
    seen = {sources.DIGEST}
    for path in sorted(folder.glob("*.py")):
        path.write_text(path.read_text() + "#")
        seen.add(digest(folder, sources.CALLED))
    (folder / "more.py").write_text("")
    seen.add(digest(folder, sources.CALLED))
    assert len(seen) == len(list(folder.glob("*.py"))) + 1


def test_arrays_of_other_sources_are_not_touched():
    """A list of addresses with another digest is refused before anything is read or written."""
    plant, modes = tables(mixed())
    world = fresh(plant, modes, seed=5, replication=1, parts=64)
    listed = view.addresses(plant, world)
    listed[-1, 0] += 1
    assert run(listed.ctypes.data, 100.0) == c.STALE
    assert world.counts[c.C_EVENTS] == 0
    assert not world.machine[:, c.M_ACT].any()


def test_the_digest_is_among_the_constants_numba_files_machine_code_by():
    """`run` closes over the digest: numba's cache key holds its closure."""
    assert [cell.cell_contents for cell in run.py_func.__closure__] == [sources.DIGEST]


def test_whole_numbers_are_numbers():
    """A layout in whole numbers, as a file gives it, runs as the same layout in fractions does."""

    def line(number):
        jam = Failure("jam", Exponential(number(90)), Empirical((number(10), number(20))), crew="fit")
        setup = SetUp({"A": {"B": number(3)}, "B": {"A": number(4)}}, number(0))
        stations = tuple(
            Station(
                f"s{k}", Cycle(Empirical((number(8), number(12)))), failures=(jam,), setup=setup, calendar="day",
                at_m=(number(10 * k), number(0)),
            )
            for k in range(2)
        )  # fmt: skip
        day = Calendar("day", number(600), ((number(0), number(300)), (number(330), number(500))))
        fleet = Fleet("amr", 1, number(1), number(2), number(2), (number(5), number(5)))
        return Layout(
            "whole", stations, (Buffer("b", ("s0",), ("s1",), 2, fleet="amr"),), (Release("s0", mix={"A": 1, "B": 1}),),
            ("A", "B"), calendars=(day,), crews=(Crew("fit", 1, (), number(1), (number(0), number(9))),),
            fleets=(fleet,),
        )  # fmt: skip

    whole, fractions = (simulate(line(n), seed=1, replications=2, horizon_s=5000.0) for n in (int, float))
    assert (whole.vehicles[:, 0, VEHICLE_STATES.index("loaded")] > 0.0).all()
    assert (whole.people[:, 0, PERSON_STATES.index("walking")] > 0.0).all()
    for name in ("good", "states", "people", "vehicles"):
        assert (getattr(whole, name) == getattr(fractions, name)).all()
