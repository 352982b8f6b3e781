"""The `path` engine against the exact chains, published values and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from jangin.line.analytic import queues, tandem
from jangin.line.layout import Buffer, Constant, Cycle, Exponential, Failure, Layout, Release, Station
from jangin.line.path import simulate, simulate_until
from jangin.line.result import STATES
from jangin.stats.output import mean_interval

RUNNING, BLOCKED, STARVED, DOWN = (STATES.index(s) for s in ("running", "blocked", "starved", "down"))


def row(stations, capacities, **layout):
    """A serial layout of these stations with buffers of these capacities."""
    pairs = zip(stations, stations[1:], capacities, strict=False)
    buffers = tuple(Buffer(f"b{i}", (a.name,), (z.name,), c) for i, (a, z, c) in enumerate(pairs))
    return Layout("row", tuple(stations), buffers, **layout)


def exponential(means, capacities, **station):
    """A saturated line of exponential stations."""
    return row([Station(f"s{i}", Cycle(Exponential(m)), **station) for i, m in enumerate(means)], capacities)


def covers(values, exact):
    """The 99.9 % interval of the mean holds the exact value, and is narrow enough to mean something."""
    found = mean_interval(values, 0.999)
    assert found.low <= exact <= found.high, (found.sentence, exact)
    assert found.half_width < 0.01 * max(exact, 0.05), found.sentence


TABLE = [
    (2, 0, 0.666667), (2, 10, 0.923077), (3, 0, 0.564103), (3, 2, 0.734017), (3, 10, 0.894419),
    (4, 3, 0.747710), (5, 0, 0.485798), (5, 1, 0.607583), (5, 2, 0.680489), (6, 0, 0.466713),
]  # fmt: skip


@pytest.mark.parametrize(("n", "b", "exact"), TABLE)
def test_balanced_lines_make_what_the_chain_says(n, b, exact):
    """Balanced exponential lines of 2 to 6 stations reach the throughput of their Markov chains."""
    runs = simulate(exponential([1.0] * n, [b] * (n - 1)), seed=11, replications=256, parts=2_400, warmup_parts=300)
    covers(runs.per_hour / 3600.0, exact)


@pytest.mark.parametrize("means", [(1.085, 0.83, 1.085)])
def test_the_bowl_is_better_than_the_balance(means):
    """Hillier and Boling's bowl line reaches .567182."""
    runs = simulate(exponential(means, [0, 0]), seed=3, replications=256, parts=4_000, warmup_parts=200)
    covers(runs.per_hour / 3600.0, 0.567182)


@pytest.mark.parametrize(
    ("stations", "capacities", "blocking"),
    [
        ([tandem.Station(1.0), tandem.Station(1.2), tandem.Station(0.9)], [1, 2], "after"),
        ([tandem.Station(1.0), tandem.Station(1.2)], [2], "before"),
        ([tandem.Station(0.6, machines=2), tandem.Station(1.0), tandem.Station(0.4, machines=3)], [1, 2], "after"),
        ([tandem.Station(1.0, failure_rate=0.05, repair_rate=0.2)] * 3, [2, 2], "after"),
        ([tandem.Station(0.6, machines=2, failure_rate=0.05, repair_rate=0.2), tandem.Station(1.0)], [1], "after"),
    ],
)
def test_every_share_is_the_chains(stations, capacities, blocking):
    """Throughput, parts in every buffer and every station's shares, in both windows, are those of the exact chain."""
    exact = tandem.line_in_steady_state(stations, capacities, blocking=blocking)
    plant = row(
        [
            Station(
                f"s{i}",
                Cycle(Exponential(1.0 / s.rate)),
                machines=s.machines,
                blocking=blocking,
                failures=(Failure("f", Exponential(1 / s.failure_rate), Exponential(1 / s.repair_rate)),)
                if s.failure_rate
                else (),
            )
            for i, s in enumerate(stations)
        ],
        capacities,
    )
    by_parts = simulate(plant, seed=5, replications=512, parts=2_500, warmup_parts=500)
    by_time = simulate_until(plant, seed=5, replications=512, horizon_s=3_000.0, warmup_s=600.0)
    for runs in (by_parts, by_time):
        close = 4.0 * runs.per_hour.std() / runs.per_hour.mean() / np.sqrt(len(runs))
        assert runs.per_hour.mean() / 3600.0 == pytest.approx(exact.throughput, rel=close)
        shares = runs.states.mean(axis=0) / runs.seconds.mean() / [[s.machines] for s in stations]
        assert runs.wip.mean() == pytest.approx(exact.wip, rel=0.02)
        assert runs.buffers.mean(axis=0) == pytest.approx(exact.wip_buffers, rel=0.03)
        for share, told in zip(shares, exact.stations, strict=True):
            if told is exact.stations[0] and blocking == "before":
                assert share[BLOCKED] == pytest.approx(told.blocked + told.starved, abs=0.005)
                continue
            found = (share[RUNNING], share[BLOCKED], share[STARVED], share[DOWN])
            assert found == pytest.approx((told.running, told.blocked, told.starved, told.down), abs=0.005)


@pytest.mark.parametrize(
    ("n", "mean", "after", "repair", "exact"),
    [
        (4, (1.0, 1.0), (100.0, 100.0), (10.0, 10.0), 0.695386),
        (10, (1.0, 1.0), (100.0, 100.0), (10.0, 10.0), 0.785921),
        (4, (1.0, 1.0), (10.0, 10.0), (10.0, 10.0), 0.328224),
        (6, (1 / 2.0, 1 / 1.5), (10.0, 20.0), (2.0, 1 / 0.3), 1.147809),
    ],
)
def test_gershwin_and_bermans_unreliable_pairs(n, mean, after, repair, exact):
    """Two unreliable exponential machines, blocking before service: storage N is a buffer of N - 1."""
    stations = [
        Station(
            f"s{i}",
            Cycle(Exponential(mean[i])),
            blocking="before",
            failures=(Failure("f", Exponential(after[i]), Exponential(repair[i])),),
        )
        for i in range(2)
    ]
    runs = simulate(row(stations, [n - 1]), seed=2, replications=512, parts=4_000, warmup_parts=400)
    covers(runs.per_hour / 3600.0, exact)


def test_a_queue_with_poisson_arrivals():
    """M/M/3 of load 5/6: parts in the system and their time there are Erlang's."""
    exact = queues.many_servers(2.5, 1.0, 3)
    plant = row(
        [Station("s", Cycle(Exponential(1.0)), machines=3)], [], releases=(Release("s", "push", Exponential(0.4)),)
    )
    runs = simulate_until(plant, seed=9, replications=512, horizon_s=2_000.0, warmup_s=400.0)
    for values, told in ((runs.lead_s, exact.time), (runs.wip, 2.5 * exact.time)):
        found = mean_interval(values, 0.999)
        assert found.low <= told <= found.high
        assert found.relative < 0.03


def test_takt_and_constant_times_are_plain_arithmetic():
    """One part every 10 s through two constant stations: shares, counts and times without any error."""
    plant = row(
        [Station("a", Cycle(Constant(4.0))), Station("b", Cycle(Constant(5.0)))],
        [3],
        releases=(Release("a", "takt", Constant(10.0)),),
    )
    runs = simulate_until(plant, seed=0, replications=3, horizon_s=1_000.0, warmup_s=500.0, bins=4)
    assert runs.states[0, :, [RUNNING, STARVED]].tolist() == [[200.0, 250.0], [300.0, 250.0]]
    assert runs.lead_s.tolist() == [9.0] * 3
    assert runs.wip.tolist() == [0.9] * 3
    assert runs.good.tolist() == [50.0] * 3
    assert runs.bins is not None
    assert runs.bins[0].tolist() == [24.0, 25.0, 25.0, 25.0]
