"""The `path` engine against a slow second engine on the same times."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from jangin.line.layout import Constant, Cycle, Failure, Release, Station, Trace
from jangin.line.path import simulate_until
from jangin.line.path.recursion import Path
from jangin.line.result import STATES
from line_path_twin import INF, Twin
from test_line_path_exact import row

PARTS = 400
RUNNING, BLOCKED, STARVED, DOWN = (STATES.index(s) for s in ("running", "blocked", "starved", "down"))


def traces(rng, n):
    """Times of each station's parts, some stations far faster and steadier than others."""
    times = rng.gamma(rng.uniform(0.3, 3.0, n)[:, None], 1.0, (n, PARTS)) * rng.uniform(0.5, 2.0, n)[:, None]
    return [[float(t) for t in own] for own in times]


def compare(runs, twin):
    """Every number of the engine's first replication is the twin's."""
    good, lead, wip = twin.counted()
    assert runs.good[0] == good
    assert runs.lead_s[0] == pytest.approx(lead, rel=1e-9)
    assert runs.wip[0] == pytest.approx(wip, rel=1e-9)
    found = runs.states[0][:, [RUNNING, BLOCKED, STARVED, DOWN]]
    assert found == pytest.approx(np.array(twin.shares()), rel=1e-9, abs=1e-6)
    window = twin.horizon - twin.warmup
    assert runs.buffers[0] * window == pytest.approx(np.array(twin.in_buffers_at_end()), rel=1e-9, abs=1e-6)
    done = [sum(twin.warmup < t <= twin.horizon for t in own) for own in twin.completions]
    assert runs.finished[0].tolist() == done


CASES = list(itertools.product(range(6), ("after", "before", "mixed"), ("saturated", "push"), (False, True)))


@pytest.mark.parametrize(("case", "blocking", "release", "failing"), CASES)
def test_single_machines_do_what_the_second_engine_does(case, blocking, release, failing):
    """Random lines of single machines, either blocking or both, arrivals or none, failing or not: every number."""
    rng = np.random.default_rng([case, len(blocking), failing])
    n = int(rng.integers(1, 6))
    capacities = [int(c) if c < 5 else None for c in rng.integers(0, 6, n - 1)]
    before = [blocking == "before" or (blocking == "mixed" and bool(rng.integers(2))) for _ in range(n)]
    before = [b and (i == 0 or capacities[i - 1] is None) for i, b in enumerate(before)]  # elsewhere it does not fit
    times = traces(rng, n)
    modes = [
        [(rng.exponential(9.0, 300).tolist(), rng.exponential(2.0, 300).tolist()) for _ in range(rng.integers(3))]
        if failing
        else []
        for _ in range(n)
    ]
    every = rng.exponential(2.0, PARTS).tolist()
    stations = [
        Station(
            f"s{i}",
            Cycle(Trace(tuple(times[i]))),
            blocking="before" if before[i] else "after",
            failures=tuple(Failure(f"f{k}", Trace(tuple(a)), Trace(tuple(r))) for k, (a, r) in enumerate(modes[i])),
        )
        for i in range(n)
    ]
    releases = (Release("s0", "push", Trace(tuple(every))),) if release == "push" else ()
    runs = simulate_until(
        row(stations, capacities, releases=releases), seed=0, replications=2, horizon_s=150.0, warmup_s=40.0
    )
    twin = Twin(
        times,
        [INF if c is None else c for c in capacities],
        machines=[1] * n,
        before=before,
        horizon=150.0,
        warmup=40.0,
        arrivals=np.cumsum(every).tolist() if releases else None,
        fails=modes,
    ).go()
    compare(runs, twin)


@pytest.mark.parametrize("rows", [1, 32])
@pytest.mark.parametrize("case", range(12))
def test_parallel_machines_do_what_the_second_engine_does(monkeypatch, case, rows):
    """Random lines of parallel machines, in which parts overtake: every number, times in the line included."""
    monkeypatch.setattr("jangin.line.path.run.ROWS", rows)
    rng = np.random.default_rng(case)
    n = int(rng.integers(1, 6))
    machines = [int(c) for c in rng.integers(1, 5, n)]
    capacities = [int(c) if c < 4 else None for c in rng.integers(0, 5, n - 1)]
    times = traces(rng, n)
    every = rng.exponential(1.0, PARTS).tolist()
    releases = (Release("s0", "push", Trace(tuple(every))),) if case % 2 else ()
    stations = [Station(f"s{i}", Cycle(Trace(tuple(times[i]))), machines=machines[i]) for i in range(n)]
    runs = simulate_until(
        row(stations, capacities, releases=releases), seed=0, replications=1, horizon_s=60.0, warmup_s=15.0
    )
    twin = Twin(
        times,
        [INF if c is None else c for c in capacities],
        machines=machines,
        before=[False] * n,
        horizon=60.0,
        warmup=15.0,
        arrivals=np.cumsum(every).tolist() if releases else None,
    ).go()
    compare(runs, twin)


@pytest.mark.parametrize("case", range(12))
def test_departures_are_the_twins_bit_for_bit(case):
    """Departures of every station are the twin's to the last bit: the recursion only adds and compares."""
    rng = np.random.default_rng(100 + case)
    n = int(rng.integers(2, 6))
    before = [i == 0 and bool(b) for i, b in enumerate(rng.integers(0, 2, n))]
    machines = [1 if b else int(c) for b, c in zip(before, rng.integers(1, 4, n), strict=True)]
    capacities = [int(c) for c in rng.integers(0, 4, n - 1)]
    times = traces(rng, n)
    stations = [
        Station(f"s{i}", Cycle(Constant(1.0)), machines=machines[i], blocking="before" if before[i] else "after")
        for i in range(n)
    ]
    path = Path(row(stations, capacities), PARTS, 1)
    for place, own in zip(path.places, times, strict=True):
        place.time[place.ghosts :, 0] = own[: PARTS - place.ghosts]
    path.advance()
    twin = Twin(times, capacities, machines=machines, before=before, horizon=100.0, warmup=0.0).go()
    for place, own in zip(path.places, twin.departures, strict=True):
        found = place.left[:, 0]
        assert found[np.isfinite(found)][: len(own)].tolist() == own


@pytest.mark.parametrize("blocking", ["after", "before"])
def test_a_line_reversed_takes_as_long(blocking):
    """The reversed line with the parts in reverse order finishes all parts at the same time."""
    rng = np.random.default_rng(7)
    times, capacities = rng.exponential(1.0, (4, 50)), [1, 0, 2]

    def makespan(own, places):
        stations = [Station(f"s{i}", Cycle(Constant(1.0)), blocking=blocking) for i in range(4)]
        path = Path(row(stations, places), 50, 1)
        for place, t in zip(path.places, own, strict=True):
            place.time[:, 0] = t
        path.advance()
        return path.places[-1].left[-1, 0]

    assert makespan(times, capacities) == pytest.approx(makespan(times[::-1, ::-1], capacities[::-1]), rel=1e-12)
