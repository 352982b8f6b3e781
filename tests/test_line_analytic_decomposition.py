"""Laws of the decomposition of exponential lines: exact where it must be, and its measured error elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from jangin.line.analytic.decomposition import _two_phases, line_decomposed
from jangin.line.analytic.result import BadNumbers
from jangin.line.analytic.tandem import Station, line_in_steady_state

FAILS_SELDOM, FAILS_OFTEN, FAILS_LONG = (
    Station(1.0, 1, 0.01, 0.1),
    Station(1.0, 1, 0.1, 0.1),
    Station(1.0, 1, 0.01, 0.02),
)
LINES = {  # what: stations, buffers, largest relative error of the throughput
    "3, no buffers": ([Station(1.0)] * 3, [0, 0], 0.016),
    "4, no buffers": ([Station(1.0)] * 4, [0, 0, 0], 0.031),
    "6, no buffers": ([Station(1.0)] * 6, [0] * 5, 0.054),
    "3, buffers of 2": ([Station(1.0)] * 3, [2, 2], 0.008),
    "5, buffers of 1": ([Station(1.0)] * 5, [1] * 4, 0.027),
    "5, buffers of 2": ([Station(1.0)] * 5, [2] * 4, 0.016),
    "4, unbalanced": ([Station(1.0), Station(1.2), Station(0.9), Station(1.1)], [1, 1, 1], 0.02),
    "4, seldom failing": ([FAILS_SELDOM] * 4, [2] * 3, 0.01),
    "4, often failing": ([FAILS_OFTEN] * 4, [1] * 3, 0.01),
    "3, long failures": ([FAILS_LONG] * 3, [2, 2], 0.01),
    "4, some failing": ([Station(1.0), Station(1.2, 1, 0.05, 0.2), Station(0.9), FAILS_SELDOM], [2, 0, 3], 0.02),
}


@pytest.mark.parametrize("what", LINES)
def test_error_against_the_exact_chain_is_as_stated(what):
    """Labelled approximate; throughput within the stated share of the exact one, work in progress within 4 %."""
    stations, buffers, error = LINES[what]
    exact, quick = line_in_steady_state(stations, buffers), line_decomposed(stations, buffers)
    assert (quick.exact, quick.error) == (False, None)
    assert quick.throughput == pytest.approx(exact.throughput, rel=error)
    assert quick.wip == pytest.approx(exact.wip, rel=0.04)


@pytest.mark.parametrize("line", [[Station(1.0), Station(1.3)], [FAILS_SELDOM, FAILS_OFTEN], [FAILS_OFTEN]])
def test_two_stations_and_one_are_exact(line):
    """A pair is a line of two: throughput, parts and shares of the exact chain."""
    buffers = [3] * (len(line) - 1)
    exact, quick = line_in_steady_state(line, buffers), line_decomposed(line, buffers)
    assert quick.exact
    assert quick.throughput == pytest.approx(exact.throughput, rel=1e-12)
    assert quick.wip == pytest.approx(exact.wip, rel=1e-11)
    for a, b in zip(quick.stations, exact.stations):
        assert (a.running, a.blocked, a.starved, a.down) == pytest.approx(
            (b.running, b.blocked, b.starved, b.down), abs=1e-12
        )


def test_shares_sum_to_one_at_the_fixed_point():
    """Nothing scales them: they sum to 1 because the sweeps have converged."""
    stations, buffers, _ = LINES["4, some failing"]
    for s in line_decomposed(stations, buffers).stations:
        assert s.running + s.blocked + s.starved + s.down == pytest.approx(1.0, abs=1e-6)


def test_reversed_line_has_the_same_throughput():
    """Starved one way is blocked the other way: the decomposition keeps the reversibility of the line."""
    stations, buffers, _ = LINES["4, unbalanced"]
    there, back = line_decomposed(stations, buffers), line_decomposed(stations[::-1], buffers[::-1])
    assert there.throughput == pytest.approx(back.throughput, rel=1e-6)


def test_more_buffer_and_a_faster_station_never_make_less():
    """Monotone in what a planner changes, on a line of twelve."""
    base = line_decomposed([Station(1.0)] * 12, [1] * 11).throughput
    assert line_decomposed([Station(1.0)] * 12, [1] * 5 + [2] + [1] * 5).throughput > base
    assert line_decomposed([*[Station(1.0)] * 5, Station(1.2), *[Station(1.0)] * 6], [1] * 11).throughput > base


def simulated(line, buffers, parts, warm_up, replications, seed):
    """Throughput of a reliable line by the sample-path recursion, one mean per replication."""
    rng, m = np.random.default_rng(seed), len(line)
    left = np.zeros((parts + 1, m, replications))
    for k in range(1, parts + 1):
        times = rng.exponential(1.0, (m, replications))
        for i, s in enumerate(line):
            done = np.maximum(left[k - 1, i], left[k, i - 1] if i else 0.0) + times[i] / s.rate
            if i < m - 1 and k > buffers[i] + 1:
                done = np.maximum(done, left[k - buffers[i] - 1, i + 1])
            left[k, i] = done
    return (parts - warm_up) / (left[parts, -1] - left[warm_up, -1])


def test_twenty_stations_agree_with_simulation_within_two_percent():
    """A line beyond the exact chain: 1.3 % low, simulated to a standard error of .1 %."""
    line, buffers = [Station(1.0)] * 20, [2] * 19
    found = simulated(line, buffers, parts=3000, warm_up=1000, replications=50, seed=1)
    assert found.std() / len(found) ** 0.5 < 0.0015
    assert line_decomposed(line, buffers).throughput == pytest.approx(found.mean(), rel=0.02)


@pytest.mark.parametrize(
    ("moments", "kept"),
    [
        ((1.0, 1.0, 1.0), 3),  # exponential
        ((0.3 * 0.5 + 0.7 * 4.0, 0.3 * 0.25 + 0.7 * 16.0, 0.3 * 0.125 + 0.7 * 64.0), 3),  # a mixture of two
        ((1.0, 2.0, 4.0), 2),  # three moments that no mixture of two exponentials has
        ((1.0, 0.8, 0.6), 2),  # scv 0.6
    ],
)
def test_two_phases_keep_the_moments(moments, kept):
    """The reduced moments E[T^k]/k! of the two phases are those asked for, as far as two phases can have them."""
    d = _two_phases(*moments)
    generator = np.array([[-d.rate_1, d.rate_1 * d.goes_on], [0.0, -d.rate_2]])
    vector, found = np.array([d.begins, 1.0 - d.begins]), []
    for _ in range(kept):
        vector = vector @ np.linalg.inv(-generator)
        found.append(vector.sum())
    assert found == pytest.approx(moments[:kept], rel=1e-9)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: line_decomposed([Station(1.0, 2)] * 3, [1, 1]),
            "Station 0 has 2 machines; the decomposition holds for one",
        ),
        (lambda: line_decomposed([Station(1.0, 1, 0.1, 0.1, "time")] * 3, [1, 1]), "Station 0 fails at any time"),
        (lambda: line_decomposed([Station(1.0)] * 3, [1]), "buffers has 1 entries for 3 stations; give 2"),
        (lambda: line_decomposed([], []), "no stations"),
        (lambda: line_decomposed([Station(1.0)] * 5, [1] * 4, sweeps=1), "has not converged after 1 sweeps"),
    ],
)
def test_lines_it_does_not_hold_for_are_refused_in_a_sentence(call, text):
    """Every refusal says what came and what to do."""
    with pytest.raises(BadNumbers) as refused:
        call()
    assert text in str(refused.value)
