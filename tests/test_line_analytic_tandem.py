"""Laws of the exact chain of exponential lines: published values, reversibility, conservation, slow twins."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from jangin.line.analytic.queues import closed_network, many_servers
from jangin.line.analytic.result import BadNumbers
from jangin.line.analytic.tandem import Arrivals, Station, line_in_steady_state, two_stations
from jangin.stats.markov import reachable, stationary_of_rates

BALANCED = {  # (stations, buffer): throughput at rate 1, blocking after service (Hunt 1956; Hillier and Boling 1967)
    (2, 0): 0.666667, (2, 1): 0.750000, (2, 2): 0.800000, (2, 3): 0.833333, (2, 5): 0.875000, (2, 10): 0.923077,
    (3, 0): 0.564103, (3, 1): 0.670466, (3, 2): 0.734017, (3, 3): 0.776712, (3, 5): 0.830759, (3, 10): 0.894419,
    (4, 0): 0.514775, (4, 1): 0.631153, (4, 2): 0.700713, (4, 3): 0.747710,
    (5, 0): 0.485798, (5, 1): 0.607583, (5, 2): 0.680489,
    (6, 0): 0.466713,
}  # fmt: skip
FAILING = [Station(1.0, 1, 0.02, 0.2, "time"), Station(1.3, 2, 0.05, 0.3), Station(0.9, 1, 0.01, 0.1, "time")]


def balanced(stations: int, buffer: int, **options):
    return line_in_steady_state([Station(1.0)] * stations, [buffer] * (stations - 1), **options)


@pytest.mark.parametrize(("n", "b"), BALANCED)
def test_balanced_lines_have_the_published_throughput(n, b):
    """To the last digit printed, and exact by the answer's own account."""
    answer = balanced(n, b)
    assert round(answer.throughput, 6) == BALANCED[n, b]
    assert answer.exact
    assert answer.error is not None
    assert answer.error < 1e-12


def test_three_stations_without_buffers_make_22_parts_in_39():
    """Hunt's fraction 22/39."""
    assert balanced(3, 0).throughput == pytest.approx(22 / 39, rel=1e-14)


@pytest.mark.parametrize(
    ("rates", "b", "value"), [((1, 1.5), 0, 0.789474), ((1, 1.5), 3, 0.951880), ((2, 1), 2, 0.967742)]
)
def test_two_stations_follow_the_closed_form(rates, b, value):
    """Chain, closed form and printed value are one number."""
    chain = line_in_steady_state([Station(r) for r in rates], [b]).throughput
    assert round(chain, 6) == value
    assert two_stations(*rates, b) == pytest.approx(chain, rel=1e-13)


def test_closed_form_is_smooth_at_equal_rates_and_does_not_overflow():
    """Nearly equal rates, and rates so far apart that their powers would overflow."""
    assert two_stations(1.0, 1.0 + 1e-8, 10) == pytest.approx(12 / 13, rel=1e-7)
    assert two_stations(1e-3, 1e3, 5000) == pytest.approx(1e-3, rel=1e-12)
    assert two_stations(2.0, 2.0, 4) == pytest.approx(2.0 * 6 / 7, rel=1e-15)


@pytest.mark.parametrize(
    ("n", "b", "wip"), [(2, 0, 1.6667), (3, 0, 2.3590), (3, 2, 4.6335), (4, 2, 6.4821), (5, 1, 6.1354)]
)
def test_balanced_lines_hold_the_published_number_of_parts(n, b, wip):
    """Work in progress, parts in machines included."""
    assert round(balanced(n, b).wip, 4) == wip


def test_one_place_is_worth_the_same_on_either_side():
    """Three stations, one place: (1, 0) and (0, 1) both .613333."""
    for places in ([1, 0], [0, 1]):
        assert round(line_in_steady_state([Station(1.0)] * 3, places).throughput, 6) == 0.613333


def test_unbalanced_line_has_the_published_throughput():
    """Rates (1, 1.2, .9), buffers (1, 2): .717932."""
    answer = line_in_steady_state([Station(1.0), Station(1.2), Station(0.9)], [1, 2])
    assert round(answer.throughput, 6) == 0.717932


@pytest.mark.parametrize("blocking", ["after", "before"])
@pytest.mark.parametrize("kind", ["reliable", "operation", "time"])
def test_reversed_line_has_the_same_throughput(blocking, kind):
    """Reversibility (Muth; Yamazaki and Sakasegawa): parts one way are spaces the other way."""
    line = [Station(1.0), Station(1.2), Station(0.9)]
    if kind != "reliable":
        line = [replace(s, failure_rate=0.1 * (k + 1), repair_rate=0.5, fails=kind) for k, s in enumerate(line)]
    there = line_in_steady_state(line, [1, 2], blocking=blocking).throughput
    back = line_in_steady_state(line[::-1], [2, 1], blocking=blocking).throughput
    assert there == pytest.approx(back, rel=1e-11)


def test_a_faster_station_in_the_middle_beats_the_balanced_line():
    """The bowl: mean times (1.085, .83, 1.085) give .567182, above 22/39."""
    bowl = line_in_steady_state([Station(1 / 1.085), Station(1 / 0.83), Station(1 / 1.085)], [0, 0]).throughput
    assert round(bowl, 6) == 0.567182
    assert bowl > 22 / 39


@pytest.mark.parametrize(
    ("first", "second", "n", "throughput", "content"),
    [
        ((1, 0.01, 0.1), (1, 0.01, 0.1), 4, 0.695386, 2.0),
        ((1, 0.01, 0.1), (1, 0.01, 0.1), 10, 0.785921, 5.0),
        ((1, 0.1, 0.1), (1, 0.1, 0.1), 4, 0.328224, 2.0),
        ((2, 0.1, 0.5), (1.5, 0.05, 0.3), 6, 1.147809, 3.8385),
    ],
)
def test_gershwin_and_berman_two_machine_line(first, second, n, throughput, content):
    """Their storage N is blocking before service with a buffer of N - 1: it counts the place in the second machine."""
    line = [Station(mu, 1, p, r) for mu, p, r in (first, second)]
    answer = line_in_steady_state(line, [n - 1], blocking="before")
    assert round(answer.throughput, 6) == throughput
    assert round(answer.wip_buffers[0] + answer.wip_stations[1], 4) == content


def test_blocking_before_service_with_one_more_place_is_blocking_after():
    """Two reliable stations: what the blocked machine holds is one place, so before with b + 1 equals after with b."""
    for rates in ((1.0, 1.0), (1.0, 1.4)):
        line = [Station(r) for r in rates]
        before = line_in_steady_state(line, [3], blocking="before").throughput
        assert before == pytest.approx(line_in_steady_state(line, [2]).throughput, rel=1e-13)


def test_blocking_after_service_is_never_worse():
    """A machine that may start earlier makes at least as much."""
    for buffers in ([0, 0], [1, 3]):
        line = [Station(1.0), Station(1.2), Station(0.9)]
        after, before = (line_in_steady_state(line, buffers, blocking=how).throughput for how in ("after", "before"))
        assert after > before


@pytest.mark.parametrize("blocking", ["after", "before"])
def test_every_station_makes_what_the_line_makes_and_its_shares_sum_to_one(blocking):
    """Conservation: running share x machines x rate is the throughput everywhere; four states fill the time."""
    answer = line_in_steady_state(FAILING, [1, 2], blocking=blocking)
    for station, s in zip(FAILING, answer.stations):
        assert s.running * station.machines * station.rate == pytest.approx(answer.throughput, rel=1e-11)
        assert s.running + s.blocked + s.starved + s.down == pytest.approx(1.0, abs=1e-11)
        assert min(s.running, s.blocked, s.starved, s.down) >= 0.0
    assert answer.stations[0].starved == pytest.approx(0.0, abs=1e-12)
    assert answer.stations[-1].blocked == 0.0


def test_down_shares_follow_from_the_rates():
    """Time-dependent failures: p / (p + r) whatever the line does. Operation-dependent: running x p / r."""
    shares = line_in_steady_state(FAILING, [1, 2]).stations
    assert shares[0].down == pytest.approx(0.02 / 0.22, rel=1e-11)
    assert shares[1].down == pytest.approx(shares[1].running * 0.05 / 0.3, rel=1e-11)
    assert shares[2].down == pytest.approx(0.01 / 0.11, rel=1e-11)


def test_a_failing_machine_alone_makes_its_efficiency():
    """One station: rate x r / (p + r), for either kind of failure, as it always works when up."""
    for fails in ("operation", "time"):
        answer = line_in_steady_state([Station(2.0, 3, 0.1, 0.4, fails)], [])
        assert answer.throughput == pytest.approx(3 * 2.0 * 0.8, rel=1e-13)


def test_idle_machines_fail_only_by_time():
    """The same rates: a machine that also fails while idle makes less."""
    by = {f: line_in_steady_state([Station(1.0, 1, 0.1, 0.3, f)] * 3, [1, 1]).throughput for f in ("operation", "time")}
    assert by["time"] < by["operation"]


def test_poisson_arrivals_at_one_station_are_m_m_c():
    """M/M/1 at .9: L = 9, W = 10. M/M/3 at 2.5: Lq = 3.51124, W = 2.40449."""
    one = line_in_steady_state([Station(1.0)], [], arrivals=Arrivals(0.9))
    assert one.wip == pytest.approx(9.0, rel=1e-7)
    assert one.lead_time == pytest.approx(10.0, rel=1e-7)
    three = line_in_steady_state([Station(1.0, 3)], [], arrivals=Arrivals(2.5))
    assert three.wip_queue == pytest.approx(many_servers(2.5, 1.0, 3).waiting, rel=1e-7)
    assert round(three.lead_time, 5) == 2.40449
    assert three.error is not None
    assert three.lost <= three.error <= 1.1e-10


def test_a_finite_queue_loses_what_erlang_says():
    """M/M/2/2: no place to wait, the loss is Erlang B; the throughput is what is not lost."""
    answer = line_in_steady_state([Station(1.0, 2)], [], arrivals=Arrivals(1.5, queue=0))
    assert answer.lost == pytest.approx((1.5**2 / 2) / (1 + 1.5 + 1.5**2 / 2), rel=1e-13)
    assert answer.throughput == pytest.approx(1.5 * (1 - answer.lost), rel=1e-13)
    assert answer.wip_queue == 0.0


def test_large_buffers_make_a_jackson_network():
    """With buffers that never fill, the second station is M/M/1 too (Burke)."""
    answer = line_in_steady_state([Station(1.0), Station(1.25)], [60], arrivals=Arrivals(0.5))
    assert answer.wip_stations[1] + answer.wip_buffers[0] == pytest.approx(0.4 / 0.6, rel=1e-6)


def test_arrivals_fast_enough_saturate_the_line():
    """A queue that is practically always full is the saturated line."""
    fed = line_in_steady_state([Station(1.0)] * 3, [1, 1], arrivals=Arrivals(1e7, queue=2))
    assert fed.throughput == pytest.approx(balanced(3, 1).throughput, rel=1e-6)


def test_one_machine_upstream_of_ample_machines_runs_always():
    """Two parallel machines downstream of equal rate hold a single one up far less than one does."""
    assert line_in_steady_state([Station(1.0), Station(1.0, 4)], [2]).throughput == pytest.approx(1.0, abs=2e-3)


def test_parallel_line_reversed_with_the_same_spaces_between_has_the_same_throughput():
    """Blocking before service: what counts is b + c downstream; a reversed line that keeps it makes the same."""
    line = [Station(1.0, 2), Station(1.2), Station(0.5, 2)]
    there = line_in_steady_state(line, [1, 2], blocking="before").throughput
    back = line_in_steady_state(line[::-1], [2 + 2 - 1, 1 + 1 - 2], blocking="before").throughput
    assert there == pytest.approx(back, rel=1e-11)


@pytest.mark.parametrize(("blocking", "population"), [("before", 1 + 3), ("after", 2 + 1 + 3)])
def test_two_parallel_stations_are_a_closed_network(blocking, population):
    """Two stations of 2 and 3 machines, one place: parts and spaces circulate as in a closed network."""
    answer = line_in_steady_state([Station(1.0, 2), Station(0.7, 3)], [1], blocking=blocking)
    cycle = closed_network([1.0, 1.0], [1.0, 0.7], population=population, servers=[2, 3])
    assert answer.throughput == pytest.approx(cycle.throughput, rel=1e-13)


def machine_by_machine(line, buffers):
    """The chain of every machine by itself, blocking after service, reliable: the twin of the chain that counts them.

    A state is, per station, what each machine does (0 idle, 1 works, 2 blocked), and the buffers.
    """
    m = len(line)

    def settled(machines, parts):
        moved = True
        while moved:
            moved = False
            for i in range(m):
                for k, does in enumerate(machines[i]):
                    if does == 2 and parts[i] < buffers[i]:
                        parts[i] += 1
                        machines[i][k], moved = 0, True
                    elif does == 0 and (i == 0 or parts[i - 1] > 0):
                        parts[i - 1] -= i > 0
                        machines[i][k], moved = 1, True
                    elif does == 0 and 2 in machines[i - 1]:
                        machines[i - 1][machines[i - 1].index(2)] = 0
                        machines[i][k], moved = 1, True
        return tuple(map(tuple, machines)), tuple(parts)

    def following(state):
        for i in range(m):
            for k, does in enumerate(state[0][i]):
                if does == 1:
                    machines = [list(s) for s in state[0]]
                    machines[i][k] = 0 if i == m - 1 else 2
                    yield settled(machines, list(state[1])), line[i].rate

    chain = reachable(settled([[0] * s.machines for s in line], [0] * (m - 1)), following)
    working = [sum(does == 1 for does in s[0][-1]) for s in chain.states]
    return float(stationary_of_rates(chain).probability @ working) * line[-1].rate


@pytest.mark.parametrize("buffers", [[0, 0], [1, 2]])
def test_counting_machines_is_the_same_as_following_each(buffers):
    """Identical machines need only be counted: the chain of each by itself gives the same throughput."""
    line = [Station(1.0, 2), Station(0.6, 3), Station(0.8, 2)]
    answer = line_in_steady_state(line, buffers)
    assert answer.throughput == pytest.approx(machine_by_machine(line, buffers), rel=1e-11)


def recursion(rates, buffers, blocking, n, seed):
    """Departures by the sample-path recursion, the slow twin: throughput after a warm-up."""
    times = np.random.default_rng(seed).exponential(1.0, (n, len(rates))) / rates
    left = np.zeros((n + 1, len(rates)))
    for k in range(1, n + 1):
        for i in range(len(rates)):
            ready = max(left[k - 1, i], left[k, i - 1] if i else 0.0)
            space = 0.0
            if i < len(rates) - 1 and k > buffers[i] + 1:
                space = left[k - buffers[i] - 1, i + 1]
            start = max(ready, space) if blocking == "before" else ready
            done = start + times[k - 1, i]
            left[k, i] = max(done, space) if blocking == "after" else done
    return (n - 1000) / (left[n, -1] - left[1000, -1])


@pytest.mark.parametrize("blocking", ["after", "before"])
def test_chain_and_recursion_are_one_model(blocking):
    """The recursion's throughput of 60,000 parts is the chain's, within 1.5 % (over four standard errors)."""
    rates, buffers = np.array([1.0, 1.2, 0.9]), [0, 1]
    exact = line_in_steady_state([Station(r) for r in rates], buffers, blocking=blocking).throughput
    assert recursion(rates, buffers, blocking, 60_000, seed=11) == pytest.approx(exact, rel=0.015)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: line_in_steady_state([], []), "no stations"),
        (lambda: balanced(2, -1), "buffers is -1; give a whole number of at least 0"),
        (lambda: line_in_steady_state([Station(1.0)] * 3, [1]), "buffers has 1 entries for 3 stations; give 2"),
        (lambda: line_in_steady_state([Station(0.0)], []), "rate of station 0 is 0"),
        (lambda: line_in_steady_state([Station(math.nan)], []), "rate of station 0 is nan"),
        (lambda: line_in_steady_state([Station(1.0, 0)], []), "machines of station 0 is 0"),
        (lambda: line_in_steady_state([Station(1.0, 1, 0.1)], []), "is never repaired; give a repair rate"),
        (lambda: line_in_steady_state([Station(1.0, fails="x")], []), "fails by 'x'; give 'operation' or 'time'"),
        (lambda: balanced(2, 1, blocking="never"), "Blocking 'never' is not known"),
        (lambda: balanced(2, 1, arrivals=Arrivals(0.8)), "arrive at rate 0.8 and the line can make 0.75"),
        (lambda: balanced(2, 1, arrivals=Arrivals(-1.0)), "arrival rate is -1"),
        (lambda: balanced(6, 9, limit=1000), "more than 1,000 states; use the decomposition"),
    ],
)
def test_what_describes_no_line_is_refused_in_a_sentence(call, text):
    """Every refusal says what came and what to do."""
    with pytest.raises(BadNumbers) as refused:
        call()
    assert text in str(refused.value)
