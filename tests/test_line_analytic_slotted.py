"""Laws of slotted lines, Bernoulli and geometric: published values, formula = chain, error of approximations."""

from __future__ import annotations

import numpy as np
import pytest

from jangin.line.analytic import bernoulli, geometric
from jangin.line.analytic.geometric import Machine, line_decomposed, throughput_bounds
from jangin.line.analytic.result import BadNumbers

LONGER = [  # p, capacities, exact, aggregated
    ([0.9] * 3, [2, 2], 0.831887, 0.832016),
    ([0.9] * 5, [3] * 4, 0.839467, 0.840976),
    ([0.8, 0.85, 0.9, 0.85, 0.8], [2] * 4, 0.707401, 0.714748),
]
TWO = [  # (r1, p1, r2, p2, N), throughput, mean content if published
    ((0.1, 0.01, 0.1, 0.01, 4), 0.840936, 2.0),
    ((0.1, 0.01, 0.1, 0.01, 10), 0.856175, None),
    ((0.1, 0.01, 0.1, 0.01, 50), 0.887845, None),
    ((0.1, 0.01, 0.1, 0.01, 100), 0.896937, None),
    ((0.1, 0.1, 0.1, 0.1, 10), 0.397727, None),
    ((0.1, 0.05, 0.2, 0.05, 8), 0.619198, 3.0809),
]
THREE = [
    ([Machine(0.1, 0.01)] * 3, [10, 10], 0.819137),
    ([Machine(0.1, 0.1)] * 3, [5, 5], 0.310933),
    ([Machine(0.1, 0.05), Machine(0.2, 0.05), Machine(0.1, 0.02)], [8, 6], 0.584901),
]


@pytest.mark.parametrize(("n", "value"), [(1, 0.818182), (2, 0.857143), (3, 0.870968), (10, 0.891089)])
def test_two_equal_bernoulli_machines(n, value):
    """Formula and chain give the published value, and each other's everything."""
    formula, chain = bernoulli.two_machines(0.9, 0.9, n), bernoulli.line_exact([0.9, 0.9], [n])
    assert round(formula.throughput, 6) == value
    assert chain.throughput == pytest.approx(formula.throughput, rel=1e-13)


@pytest.mark.parametrize(
    "p", [(0.8, 0.9), (0.9, 0.8), (1.0, 0.8), (0.8, 1.0), (1.0, 1.0), (0.3, 0.95), (0.5, 0.5 + 1e-9)]
)
@pytest.mark.parametrize("n", [1, 2, 7])
def test_two_bernoulli_machines_formula_equals_chain(p, n):
    """Throughput, content, starvation and blockage, perfect machines included."""
    formula, chain = bernoulli.two_machines(*p, n), bernoulli.line_exact(p, [n])
    assert formula.throughput == pytest.approx(chain.throughput, rel=1e-12)
    assert formula.wip_buffers == pytest.approx(chain.wip_buffers, rel=1e-7)
    for a, b in zip(formula.stations, chain.stations):
        assert (a.starved, a.blocked, a.down) == pytest.approx((b.starved, b.blocked, b.down), abs=1e-12)


def test_published_content_of_two_bernoulli_machines():
    """(.8, .9), N = 2: .778702 and 1.1314 parts; reversed 1.6473 parts."""
    answer = bernoulli.two_machines(0.8, 0.9, 2)
    assert (round(answer.throughput, 6), round(answer.wip, 4)) == (0.778702, 1.1314)
    assert round(bernoulli.two_machines(0.9, 0.8, 2).wip, 4) == 1.6473


def test_two_machine_formula_holds_in_the_extremes():
    """Buffers of 5,000 and machines far apart: the slower machine's p, no overflow."""
    assert bernoulli.two_machines(0.99, 0.2, 5000).throughput == pytest.approx(0.2, rel=1e-12)
    assert bernoulli.two_machines(0.2, 0.99, 5000).throughput == pytest.approx(0.2, rel=1e-12)


@pytest.mark.parametrize(("p", "n", "exact", "aggregated"), LONGER)
def test_longer_bernoulli_lines_exact_and_aggregated(p, n, exact, aggregated):
    """Both published values, each labelled; the aggregation is within 1.1 %."""
    chain, quick = bernoulli.line_exact(p, n), bernoulli.line_aggregated(p, n)
    assert (round(chain.throughput, 6), chain.exact) == (exact, True)
    assert (round(quick.throughput, 6), quick.exact, quick.error) == (aggregated, False, None)
    assert quick.throughput == pytest.approx(chain.throughput, rel=0.011)


@pytest.mark.parametrize("line", [bernoulli.line_exact, bernoulli.line_aggregated])
def test_bernoulli_machines_all_make_the_same_and_shares_sum_to_one(line):
    """Conservation and the four states."""
    answer = line([0.8, 0.85, 0.9, 0.7], [2, 1, 3])
    for s in answer.stations:
        assert s.running == pytest.approx(answer.throughput, rel=1e-10)
        assert s.running + s.blocked + s.starved + s.down == pytest.approx(1.0, abs=1e-10)


def test_bernoulli_line_reversed_has_the_same_throughput():
    """Reversibility of the exact chain and of the aggregation."""
    p, n = [0.8, 0.85, 0.9, 0.7], [2, 1, 3]
    for line in (bernoulli.line_exact, bernoulli.line_aggregated):
        assert line(p, n).throughput == pytest.approx(line(p[::-1], n[::-1]).throughput, rel=1e-9)


def test_bernoulli_chain_agrees_with_a_simulation_slot_by_slot():
    """A literal reading of the conventions, 200,000 slots: throughput within .004 (four standard errors)."""
    p, n = np.array([0.8, 0.7, 0.9]), [1, 2]
    up = np.random.default_rng(5).random((200_000, 3)) < p
    content, made = [0, 0], 0
    for a, b, c in up:
        c = c and content[1] > 0
        b = b and content[0] > 0 and (content[1] < n[1] or c)
        a = a and (content[0] < n[0] or b)
        content = [content[0] + a - b, content[1] + b - c]
        made += c
    assert made / len(up) == pytest.approx(bernoulli.line_exact(p, n).throughput, abs=0.004)


@pytest.mark.parametrize(("line", "value", "content"), TWO)
def test_two_geometric_machines(line, value, content):
    """Chain and closed form give the published throughput and content."""
    r1, p1, r2, p2, n = line
    machines = [Machine(r1, p1), Machine(r2, p2)]
    chain, formula = geometric.line_exact(machines, [n]), line_decomposed(machines, [n])
    assert round(chain.throughput, 6) == value
    assert content is None or round(chain.wip, 4) == content
    assert formula.exact
    assert formula.throughput == pytest.approx(chain.throughput, rel=1e-12)
    assert formula.wip == pytest.approx(chain.wip, rel=1e-10)
    for a, b in zip(formula.stations, chain.stations):
        assert (a.starved, a.blocked, a.down) == pytest.approx((b.starved, b.blocked, b.down), abs=1e-12)


@pytest.mark.parametrize(("machines", "n", "value"), THREE)
def test_three_geometric_machines_and_the_decomposition_within_a_quarter_percent(machines, n, value):
    """The exact chain's published values; the decomposition, labelled approximate, within .25 % of them."""
    chain, quick = geometric.line_exact(machines, n), line_decomposed(machines, n)
    assert round(chain.throughput, 6) == value
    assert not quick.exact
    assert quick.throughput == pytest.approx(chain.throughput, rel=0.0025)
    assert quick.wip == pytest.approx(chain.wip, rel=0.01)


def test_published_contents_of_three_geometric_machines():
    """r = .1, p = .01, N = (10, 10): 5.983 and 4.017 parts."""
    answer = geometric.line_exact(*THREE[0][:2])
    assert [round(v, 3) for v in answer.wip_buffers] == [5.983, 4.017]


def test_decomposition_of_random_lines_is_within_three_percent():
    """40 lines of 3 or 4 machines, repair .02 to .5, failure .002 to .1, buffers 4 to 6."""
    rng = np.random.default_rng(1)
    off = []
    for _ in range(40):
        m = int(rng.integers(3, 5))
        machines = [
            Machine(float(r), float(p))
            for r, p in zip(
                np.exp(rng.uniform(np.log(0.02), np.log(0.5), m)), np.exp(rng.uniform(np.log(0.002), np.log(0.1), m))
            )
        ]
        n = [int(v) for v in rng.integers(4, 7, m - 1)]
        off.append(line_decomposed(machines, n).throughput / geometric.line_exact(machines, n).throughput - 1.0)
    assert np.max(np.abs(off)) < 0.03
    assert np.mean(np.abs(off)) < 0.005


def test_geometric_bounds_hold_and_are_published():
    """1 / (1 + sum p/r) = .833333 and min e = .909091 for two machines; the exact line lies between."""
    machines = [Machine(0.1, 0.01)] * 2
    low, high = throughput_bounds(machines)
    assert (round(low, 6), round(high, 6)) == (0.833333, 0.909091)
    for n in (4, 10, 100):
        assert low < geometric.line_exact(machines, [n]).throughput < high


def test_geometric_throughput_grows_with_storage_and_reverses():
    """More storage never makes less; the reversed line makes the same."""
    machines = [Machine(0.1, 0.05), Machine(0.2, 0.05), Machine(0.1, 0.02)]
    made = [geometric.line_exact(machines, [n, 6]).throughput for n in (4, 6, 8)]
    assert made == sorted(made)
    back = geometric.line_exact(machines[::-1], [6, 8]).throughput
    assert made[-1] == pytest.approx(back, rel=1e-11)


def test_geometric_machines_all_make_the_same_and_stop_as_often_as_they_fail():
    """Conservation; the share down is throughput x p / r for failures in operation."""
    machines, n = THREE[2][:2]
    for line in (geometric.line_exact, line_decomposed):
        answer = line(machines, n)
        for machine, s in zip(machines, answer.stations):
            assert s.running == pytest.approx(answer.throughput, rel=1e-8)
            assert s.down == pytest.approx(s.running * machine.failure / machine.repair, rel=1e-8)
            assert s.running + s.blocked + s.starved + s.down == pytest.approx(1.0, abs=1e-10)


def test_a_long_geometric_line_is_decomposed_between_its_bounds():
    """20 machines: converges, below what its first three alone make, above no storage."""
    machines = [Machine(0.1, 0.01)] * 20
    made = line_decomposed(machines, [10] * 19).throughput
    assert throughput_bounds(machines)[0] < made < geometric.line_exact(machines[:3], [10, 10]).throughput


def test_perfect_and_small_buffered_machines_fall_back_on_the_chain():
    """p = 0 and N < 4, where the closed form does not hold: the two-machine answer is still exact."""
    for machines, n in (([Machine(0.1, 0.0), Machine(0.1, 0.02)], 6), ([Machine(0.1, 0.02)] * 2, 2)):
        exact = geometric.line_exact(machines, [n]).throughput
        assert line_decomposed(machines, [n]).throughput == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: bernoulli.line_exact([0.9, 1.1], [2]), "p[1] is 1.1; give a finite number above 0 and at most 1"),
        (lambda: bernoulli.two_machines(0.9, 0.0, 2), "p[1] is 0"),
        (lambda: bernoulli.line_aggregated([0.9, 0.9], [0]), "capacities is 0; give a whole number of at least 1"),
        (lambda: bernoulli.line_exact([0.9] * 3, [2]), "capacities has 1 entries for 3 machines; give 2"),
        (lambda: bernoulli.line_exact([0.9] * 8, [9] * 7, limit=500), "more than 500 states; use the aggregation"),
        (lambda: geometric.line_exact([Machine(0.0, 0.1)] * 2, [4]), "repair probabilities[0] is 0"),
        (lambda: geometric.line_exact([Machine(0.1, 0.1)] * 2, [2.5]), "capacities is 2.5; give a whole number"),
        (lambda: geometric.line_exact([Machine(0.1, 0.1)] * 4, [9] * 3, limit=500), "use the decomposition"),
        (lambda: throughput_bounds([]), "repair probabilities is empty"),
    ],
)
def test_what_describes_no_slotted_line_is_refused_in_a_sentence(call, text):
    """Every refusal says what came and what to do."""
    with pytest.raises(BadNumbers) as refused:
        call()
    assert text in str(refused.value)
