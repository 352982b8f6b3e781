"""Laws of stationary distributions: closed forms, agreement of the methods, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from jangin.stats import markov
from jangin.stats.markov import (
    Chain,
    TooManyStates,
    chain_of,
    reachable,
    stationary_of_rates,
    stationary_of_steps,
)


def birth_death(n: int, up: float, down: float):
    """Transitions of a birth-death chain on 0..n."""

    def following(k: int):
        if k < n:
            yield k + 1, up
        if k > 0:
            yield k - 1, down

    return following


def grid(size: int, axes: int):
    """Transitions of a row of queues of `size` places that hand parts on; strictly serial, so nothing is symmetric."""

    def following(state: tuple[int, ...]):
        if state[0] < size:
            yield (state[0] + 1, *state[1:]), 0.9
        for i in range(axes):
            if state[i] and (i == axes - 1 or state[i + 1] < size):
                then = list(state)
                then[i] -= 1
                if i < axes - 1:
                    then[i + 1] += 1
                yield tuple(then), 1.0 + 0.1 * i

    return following


def test_birth_death_chain_is_geometric():
    """A birth-death chain's probabilities are geometric in up/down."""
    found = stationary_of_rates(reachable(0, birth_death(9, 0.9, 1.0))).probability
    geometric = 0.9 ** np.arange(10)
    np.testing.assert_allclose(found, geometric / geometric.sum(), rtol=1e-14)


def test_elimination_keeps_relative_accuracy_of_tiny_probabilities():
    """GTH gives a probability of 1e-240 to 12 digits: nothing is subtracted."""
    found = stationary_of_rates(reachable(0, birth_death(60, 1e-4, 1.0))).probability
    assert found[60] == pytest.approx(1e-240 * (1 - 1e-4), rel=1e-12)


@pytest.mark.parametrize(("size", "axes", "method"), [(11, 3, "sparse LU"), (6, 5, "GMRES")])
def test_every_method_solves_the_balance_equations(size, axes, method):
    """LU and GMRES are taken for larger chains and leave a residual near rounding."""
    found = stationary_of_rates(reachable((0,) * axes, grid(size, axes)))
    assert found.method == method
    assert found.residual < 1e-12
    assert found.probability.min() >= 0.0
    assert found.probability.sum() == pytest.approx(1.0, abs=1e-12)


def test_methods_agree(monkeypatch):
    """The same chain by elimination, LU and GMRES: the same numbers."""
    chain = reachable((0, 0, 0), grid(4, 3))
    by_elimination = stationary_of_rates(chain)
    monkeypatch.setattr(markov, "SMALL", 0)
    by_lu = stationary_of_rates(chain)
    monkeypatch.setattr(markov, "FACTORED", 0)
    by_gmres = stationary_of_rates(chain)
    assert [r.method for r in (by_elimination, by_lu, by_gmres)] == ["GTH elimination", "sparse LU", "GMRES"]
    np.testing.assert_allclose(by_lu.probability, by_elimination.probability, rtol=1e-9)
    np.testing.assert_allclose(by_gmres.probability, by_elimination.probability, rtol=1e-8, atol=1e-13)


def test_lu_takes_over_where_gmres_fails(monkeypatch):
    """If GMRES returns nonsense the LU answers, and says so."""
    monkeypatch.setattr(markov, "SMALL", 0)
    monkeypatch.setattr(markov, "FACTORED", 0)
    monkeypatch.setattr(markov, "_iterated", lambda matrix, b: np.ones_like(b))
    found = stationary_of_rates(reachable(0, birth_death(9, 0.9, 1.0)))
    assert found.method == "sparse LU"
    assert found.probability[9] / found.probability[0] == pytest.approx(0.9**9)


def test_steps_agree_with_matrix_powers():
    """In discrete time the distribution is what the powers of the matrix converge to."""
    matrix = np.random.default_rng(3).dirichlet(np.ones(6), size=6)
    found = stationary_of_steps(chain_of(matrix)).probability
    np.testing.assert_allclose(found, np.linalg.matrix_power(matrix, 200)[0], rtol=1e-12)


def test_periodic_chain_has_long_run_shares():
    """A chain that goes round in a circle spends an equal share of steps in each state."""
    matrix = np.roll(np.eye(5), 1, axis=1)
    np.testing.assert_allclose(stationary_of_steps(chain_of(matrix)).probability, 0.2, rtol=1e-14)


def test_generator_diagonal_is_not_looked_at():
    """A generator and the same without its diagonal are one chain."""
    q = np.array([[-3.0, 1.0, 2.0], [4.0, -4.0, 0.0], [1.0, 1.0, -2.0]])
    found = stationary_of_rates(chain_of(q)).probability
    np.testing.assert_allclose(found @ q, 0.0, atol=1e-15)
    np.testing.assert_array_equal(found, stationary_of_rates(chain_of(q - np.diag(np.diag(q)))).probability)


def test_transient_states_have_probability_zero():
    """A state that is left for good has probability 0 exactly, and the rest is as if it were not there."""
    found = stationary_of_rates(chain_of([[0, 1, 1], [0, 0, 2], [0, 6, 0]]))
    assert found.probability.tolist() == [0.0, 0.75, 0.25]
    assert found.recurrent == 2


def test_absorbing_state_takes_all():
    """A chain with one absorbing state ends there."""
    assert stationary_of_rates(chain_of([[0, 1], [0, 0]])).probability.tolist() == [0.0, 1.0]


def test_repeated_transitions_add_up():
    """The same transition named twice has the sum of the rates."""
    twice = Chain(("a", "b"), np.array([0, 0, 1]), np.array([1, 1, 0]), np.array([1.0, 2.0, 1.0]))
    assert stationary_of_rates(twice).probability.tolist() == pytest.approx([0.25, 0.75])


def test_several_recurrent_classes_are_refused_by_name():
    """Two classes that are never left have no one answer; the error names a state of each."""
    with pytest.raises(ValueError, match=r"2 classes of states that it never leaves \(those of 1, 2\)"):
        stationary_of_rates(chain_of([[0, 1, 1], [0, 0, 0], [0, 0, 0]]))


def test_probabilities_that_do_not_sum_to_one_are_refused():
    """A row of 0.9 is named with its sum."""
    with pytest.raises(ValueError, match=r"out of state 1 sum to 0\.9; make them sum to 1"):
        stationary_of_steps(chain_of([[0.5, 0.5], [0.2, 0.7]]))


@pytest.mark.parametrize(
    ("matrix", "words"),
    [([[1.0, 2.0]], "not shape"), ([[0, -1], [1, 0]], "negative or no number"), ([[0, math.nan], [1, 0]], "no number")],
)
def test_matrices_that_are_no_chain_are_refused(matrix, words):
    """Not square, negative, NaN."""
    with pytest.raises(ValueError, match=words):
        chain_of(matrix)


def test_reachable_numbers_states_breadth_first_and_leaves_out_zero_weights():
    """States are numbered as discovered; one that only a weight of 0 leads to is not built."""
    chain = reachable(
        "a", lambda s: {"a": [("b", 1.0), ("c", 0.0), ("d", 2.0)], "b": [("a", 1.0)], "d": [("a", 1.0)]}[s]
    )
    assert chain.states == ("a", "b", "d")
    assert chain.weight.tolist() == [1.0, 2.0, 1.0, 1.0]


def test_reachable_stops_at_its_limit():
    """An endless chain is refused once the limit is passed; exactly at the limit it is not."""
    with pytest.raises(TooManyStates, match="more than 100 states"):
        reachable(0, lambda k: [(k + 1, 1.0)], limit=100)
    assert len(reachable(0, birth_death(99, 1.0, 1.0), limit=100)) == 100


def test_reachable_refuses_weights_that_are_no_rates():
    """A negative weight names the transition."""
    with pytest.raises(ValueError, match=r"State 0 goes to 1 with weight -1"):
        reachable(0, lambda k: [(1, -1.0)])
