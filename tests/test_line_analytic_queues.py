"""Laws of queues and networks: textbook values, limits, recursions as twins, stability."""

from __future__ import annotations

import math

import numpy as np
import pytest

from jangin.line.analytic.queues import (
    closed_network,
    erlang_c,
    general,
    general_service,
    kingman_bound,
    many_servers,
    open_network,
)
from jangin.line.analytic.result import BadNumbers
from jangin.stats.markov import reachable, stationary_of_rates


def test_one_server_at_ninety_percent_holds_nine_parts():
    """M/M/1, lambda = .9: L = 9, W = 10."""
    q = many_servers(0.9, 1.0)
    assert (q.in_system, q.time, q.utilisation) == pytest.approx((9.0, 10.0, 0.9), rel=1e-13)


def test_three_servers_follow_erlang():
    """M/M/3, lambda = 2.5: Lq = 3.51124, W = 2.40449."""
    q = many_servers(2.5, 1.0, 3)
    assert (round(q.waiting, 5), round(q.time, 5)) == (3.51124, 2.40449)


@pytest.mark.parametrize(("load", "servers"), [(0.5, 1), (2.5, 3), (9.0, 10)])
def test_erlang_c_is_the_sum_of_its_series(load, servers):
    """The recursion equals the definition with factorials."""
    tail = load**servers / math.factorial(servers) * servers / (servers - load)
    series = sum(load**k / math.factorial(k) for k in range(servers))
    assert erlang_c(load, servers) == pytest.approx(tail / (series + tail), rel=1e-13)


def test_erlang_c_of_a_thousand_servers_does_not_overflow():
    """A probability, where factorials would overflow; nobody waits at half load."""
    assert 0.0 < erlang_c(990.0, 1000) < 1.0
    assert erlang_c(500.0, 1000) < 1e-30
    assert erlang_c(0.0, 3) == 0.0


def test_pollaczek_khinchine_has_its_two_known_ends():
    """scv = 1 is M/M/1; constant service halves the wait."""
    assert general_service(0.8, 1.0, 1.0).wait == pytest.approx(many_servers(0.8, 1.0).wait, rel=1e-13)
    assert general_service(0.8, 1.0, 0.0).wait == pytest.approx(many_servers(0.8, 1.0).wait / 2, rel=1e-13)


def test_pollaczek_khinchine_agrees_with_an_erlang_chain():
    """M/E2/1 (scv = 1/2) as a chain of phases, cut off at 200 parts."""

    def following(state: tuple[int, int]):
        parts, phase = state
        if parts < 200:
            yield (parts + 1, phase), 0.7
        if parts and phase == 0:
            yield (parts, 1), 2.0
        elif parts:
            yield (parts - 1, 0), 2.0

    chain = reachable((0, 0), following)
    held = float(stationary_of_rates(chain).probability @ [s[0] for s in chain.states])
    assert general_service(0.7, 1.0, 0.5).in_system == pytest.approx(held, rel=1e-9)


def test_allen_cunneen_says_when_it_is_exact():
    """Exact on M/M/c and M/G/1, where it equals their formulas; approximate otherwise."""
    assert general(2.5, 1.0, servers=3, scv_arrivals=1.0, scv_service=1.0).wait == many_servers(2.5, 1.0, 3).wait
    mg1 = general(0.8, 1.0, scv_arrivals=1.0, scv_service=0.3)
    assert mg1.wait == pytest.approx(general_service(0.8, 1.0, 0.3).wait, rel=1e-13)
    assert mg1.exact
    assert not general(0.8, 1.0, scv_arrivals=0.5, scv_service=1.0).exact
    assert not general(1.6, 1.0, servers=2, scv_arrivals=1.0, scv_service=0.5).exact


def test_kingman_bounds_lindley_and_is_tight_in_heavy_traffic():
    """D/M/1 and U/U/1 by Lindley's recursion stay below the bound; D/M/1 at .95 reaches 85 % of it."""
    rng = np.random.default_rng(7)
    n = 400_000
    for draw_a, ca, draw_s, cs in (
        (np.full(n, 1 / 0.95), 0.0, rng.exponential(1.0, n), 1.0),
        (rng.uniform(0, 2 / 0.8, n), 1 / 3, rng.uniform(0, 2.0, n), 1 / 3),
    ):
        walk = np.concatenate([[0.0], np.cumsum(draw_s - draw_a)])
        wait = float(np.mean(walk - np.minimum.accumulate(walk)))
        bound = kingman_bound(1.0 / float(draw_a.mean()), 1.0, scv_arrivals=ca, scv_service=cs)
        assert wait < bound
        assert ca > 0.0 or wait > 0.85 * bound


def test_jackson_network_has_a_product_form():
    """Feedback with probability .1: flows of 10/9, every node M/M/1 on its own, Little over the whole."""
    net = open_network([1.0, 0.0], [[0, 1], [0.1, 0]], [1.5, 1.2])
    for node, mu in zip(net.nodes, (1.5, 1.2)):
        assert node.arrival_rate == pytest.approx(10 / 9, rel=1e-13)
        assert node.in_system == pytest.approx((10 / 9 / mu) / (1 - 10 / 9 / mu), rel=1e-12)
    assert net.lead_time == pytest.approx(net.wip / 1.0, rel=1e-13)


def test_jackson_network_agrees_with_its_chain():
    """Two nodes with feedback as one chain, cut off at 60 parts each: mean contents agree."""

    def following(state: tuple[int, int]):
        a, b = state
        if a < 60:
            yield (a + 1, b), 0.4
        if a and b < 60:
            yield (a - 1, b + 1), 1.0
        if b:
            yield (a, b - 1), 0.7 * min(b, 2)
            if a < 60:
                yield (a + 1, b - 1), 0.3 * min(b, 2)

    chain = reachable((0, 0), following)
    held = stationary_of_rates(chain).probability @ np.array(chain.states)
    net = open_network([0.4, 0.0], [[0, 1], [0.3, 0]], [1.0, 1.0], servers=[1, 2])
    assert [q.in_system for q in net.nodes] == pytest.approx(held, rel=1e-7)


def mean_values(visits, rates, population):
    """Reiser and Lavenberg's mean value analysis for single servers, the twin."""
    held = np.zeros(len(visits))
    made = 0.0
    for n in range(1, population + 1):
        time = (1.0 + held) / rates
        made = n / float(visits @ time)
        held = made * visits * time
    return made, held


@pytest.mark.parametrize("population", [1, 5, 300])
def test_closed_network_equals_mean_value_analysis(population):
    """Buzen's constants and MVA's recursion: one network, the same numbers."""
    visits, rates = np.array([1.0, 2.0, 0.5, 1.0]), np.array([1.0, 1.7, 0.4, 2.0])
    made, held = mean_values(visits, rates, population)
    net = closed_network(visits, rates, population)
    assert net.throughput == pytest.approx(made, rel=1e-11)
    assert net.wip == pytest.approx(held, rel=1e-9)
    assert sum(net.wip) == pytest.approx(population, rel=1e-11)


def test_closed_network_of_many_servers_equals_its_chain():
    """Servers (1, 2, 3), five parts: contents and throughput of the exact chain."""
    rates, servers = (1.0, 0.6, 0.3), (1, 2, 3)

    def following(state: tuple[int, ...]):
        for i in range(3):
            if state[i]:
                then = list(state)
                then[i] -= 1
                then[(i + 1) % 3] += 1
                yield tuple(then), rates[i] * min(state[i], servers[i])

    chain = reachable((5, 0, 0), following)
    states, share = np.array(chain.states), stationary_of_rates(chain).probability
    net = closed_network([1.0] * 3, rates, 5, servers)
    assert net.wip == pytest.approx(share @ states, rel=1e-11)
    assert net.throughput == pytest.approx(float(share @ (states[:, 0] > 0)) * rates[0], rel=1e-12)


def test_balanced_conwip_line_has_its_closed_form():
    """N parts over M equal single servers: N / (N + M - 1)."""
    assert closed_network([1.0] * 4, [1.0] * 4, 6).throughput == pytest.approx(6 / 9, rel=1e-13)


def test_a_delay_serves_everyone_at_once():
    """With a server for each of 500 parts nobody waits."""
    assert closed_network([1.0], [1.0], 500, [500]).throughput == pytest.approx(500.0, rel=1e-10)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: many_servers(3.0, 1.0, 3), "Work of 3 servers arrives at the queue, which has 3: its queue grows"),
        (lambda: general_service(1.0, 1.0, 0.5), "grows without end"),
        (lambda: kingman_bound(1.0, 1.2, scv_arrivals=1, scv_service=1), "grows without end"),
        (lambda: general_service(0.5, 1.0, -0.1), "scv is -0.1"),
        (lambda: open_network([2, 0], [[0, 1], [0, 0]], [1.5, 1.2], names=["press", "wash"]), "arrives at wash"),
        (lambda: open_network([2, 0], [[0, 1], [0, 0]], [1.5, 3.0], names=["press", "wash"]), "arrives at press"),
        (lambda: open_network([1, 0], [[0, 1], [1, 0]], [9, 9]), "comes to node 0, node 1 never leaves"),
        (lambda: open_network([1, 0], [[0, 1.2], [0, 0]], [9, 9]), "The routing out of node 0 is [0.0, 1.2]"),
        (lambda: open_network([0, 0], [[0, 1], [0, 0]], [9, 9]), "No part arrives from outside"),
        (lambda: open_network([1, 0], [[0, 1]], [9, 9]), "The routing has shape (1, 2); give (2, 2)"),
        (lambda: closed_network([1, 1], [1, 1], 0), "population is 0; give a whole number of at least 1"),
        (lambda: closed_network([1, 1], [1], 3), "service rates has 1 entries for 2 nodes; give 2"),
    ],
)
def test_what_has_no_steady_state_is_refused_in_a_sentence(call, text):
    """Overload names the node; every refusal says what to do."""
    with pytest.raises(BadNumbers) as refused:
        call()
    assert text in str(refused.value)
