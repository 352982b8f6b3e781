"""Laws of designs and sensitivity indices: closed forms, invariances, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from jangin.stats.design import mixed, sobol
from jangin.stats.sensitivity import indices, ranks

# ── designs ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_sobol_points_are_even_in_every_condition_and_every_pair_and_the_same_for_the_same_seed():
    u = sobol(256, 7, seed=3)
    assert ((u >= 0) & (u < 1)).all()
    for k in range(7):
        assert np.bincount((u[:, k] * 256).astype(int), minlength=256).tolist() == [1] * 256
    assert np.array_equal(u, sobol(256, 7, seed=3))
    assert not np.array_equal(u, sobol(256, 7, seed=4))


@pytest.mark.parametrize("n", [1, 2, 3, 100, 1000])
def test_any_number_takes_the_first_points(n):
    assert np.array_equal(sobol(n, 3, seed=1), sobol(1024, 3, seed=1)[:n])


def test_designs_that_are_none_are_refused():
    with pytest.raises(ValueError, match="0 points in 3 dimensions are no design; give at least 1 of each"):
        sobol(0, 3, seed=1)
    with pytest.raises(ValueError, match="give two of the same"):
        mixed(np.zeros((4, 2)), np.zeros((4, 3)))


def test_a_mixture_has_one_column_of_the_other_design():
    a, b = np.arange(12.0).reshape(4, 3), -np.arange(12.0).reshape(4, 3)
    for i, m in enumerate(mixed(a, b)):
        for j in range(3):
            assert np.array_equal(m[:, j], (b if i == j else a)[:, j])


# ── indices ──────────────────────────────────────────────────────────────────────────────────────────────────────

A, B = 7.0, 0.1


def ishigami(u):
    x = np.pi * (2 * u - 1)
    return np.sin(x[:, 0]) + A * np.sin(x[:, 1]) ** 2 + B * x[:, 2] ** 4 * np.sin(x[:, 0])


def exact():
    """Ishigami and Homma's function, by its variances: (first (3,), total (3,))."""
    v1, v2 = 0.5 * (1 + B * np.pi**4 / 5) ** 2, A**2 / 8
    v13 = B**2 * np.pi**8 * (1 / 18 - 1 / 50)
    v = v1 + v2 + v13
    return np.array([v1, v2, 0]) / v, np.array([v1 + v13, v2, v13]) / v


def study(f, dim, n, seed):
    both = sobol(n, 2 * dim, seed=seed)
    a, b = both[:, :dim], both[:, dim:]
    return indices(f(a), f(b), np.stack([f(m) for m in mixed(a, b)]), seed=seed)


def test_the_closed_form_has_the_digits_of_the_literature():
    first, total = exact()
    assert first == pytest.approx([0.3139, 0.4424, 0.0], abs=5e-5)
    assert total[2] == pytest.approx(0.2437, abs=5e-5)


def test_ishigamis_indices_are_found():
    first, total = exact()
    found = study(ishigami, 3, 4096, 1)
    assert found.first == pytest.approx(first, abs=0.015)
    assert found.total == pytest.approx(total, abs=0.01)


def test_intervals_hold_at_least_as_often_as_they_say_and_close_on_the_truth():
    """120 studies of 128 rows; an even design makes the bootstrap's intervals wide rather than narrow."""
    first, total = exact()
    found = [study(ishigami, 3, 128, seed) for seed in range(120)]
    for k in range(3):
        in_first = np.mean([r.first_low[k] <= first[k] <= r.first_high[k] for r in found])
        in_total = np.mean([r.total_low[k] <= total[k] <= r.total_high[k] for r in found])
        assert in_first >= 0.9
        assert in_total >= 0.9
    wide, narrow = found[0], study(ishigami, 3, 2048, 1)
    assert (narrow.total_high - narrow.total_low < 0.5 * (wide.total_high - wide.total_low)).all()


def test_an_input_that_is_not_there_has_exactly_no_total():
    found = study(lambda u: u[:, 0] ** 2, 3, 64, 0)
    assert found.total[1:].tolist() == [0.0, 0.0]
    assert found.first[1:].tolist() == [0.0, 0.0]
    assert found.first[0] == pytest.approx(1.0, abs=0.1)


def test_a_sum_has_shares_in_proportion_to_its_variances():
    found = study(lambda u: 3 * u[:, 0] + 4 * u[:, 1], 2, 2048, 2)
    assert found.first == pytest.approx([9 / 25, 16 / 25], abs=0.01)
    assert found.total == pytest.approx([9 / 25, 16 / 25], abs=0.01)


def test_a_product_of_centred_inputs_has_no_first_order_and_all_of_the_total():
    found = study(lambda u: (u[:, 0] - 0.5) * (u[:, 1] - 0.5), 2, 2048, 3)
    assert found.first == pytest.approx([0.0, 0.0], abs=0.03)
    assert found.total == pytest.approx([1.0, 1.0], abs=0.05)


def test_a_shift_or_another_unit_changes_nothing():
    one, other = study(ishigami, 3, 256, 5), study(lambda u: 1e6 - 3 * ishigami(u), 3, 256, 5)
    assert one.total == pytest.approx(other.total, rel=1e-6)
    assert one.first == pytest.approx(other.first, rel=1e-4, abs=1e-6)


def test_noise_is_an_input_like_any_other():
    """A column of numbers, each the seed of a noise of half the variance."""

    def f(u, numbers):
        noise = np.random.default_rng(0).standard_normal(5000)
        return np.sqrt(12) * u[:, 0] + noise[numbers.astype(int)]

    n = 2048
    both = sobol(n, 2, seed=1)
    a = np.column_stack([both[:, 0], np.arange(n)])
    b = np.column_stack([both[:, 1], n + np.arange(n)])
    found = indices(*(f(x, x[:, 1]) for x in (a, b)), np.stack([f(m, m[:, 1]) for m in mixed(a, b)]), seed=0)
    assert found.first == pytest.approx([0.5, 0.5], abs=0.07)
    assert found.total == pytest.approx([0.5, 0.5], abs=0.07)


def test_what_has_no_variance_is_refused():
    ok = np.arange(16.0)
    with pytest.raises(ValueError, match="4 rows are too few for a variance; give at least 8"):
        indices(ok[:4], ok[:4], ok[None, :4], seed=0)
    with pytest.raises(ValueError, match=r"not finite has no variance\. Leave its row out, or take ranks"):
        indices(ok, np.where(ok == 3, -np.inf, ok), ok[None], seed=0)
    with pytest.raises(ValueError, match="The output never varied, so nothing can be said to cause it to"):
        indices(0 * ok, 0 * ok, 0 * ok[None], seed=0)
    with pytest.raises(ValueError, match=r"give \(n,\), \(n,\) and \(k, n\)"):
        indices(ok, ok, ok, seed=0)


# ── ranks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_ranks_are_even_share_ties_and_know_infinity():
    values = np.array([[3.0, -np.inf], [np.inf, 3.0]])
    assert ranks(values).tolist() == [[0.5, 0.125], [0.875, 0.5]]
    x = np.random.default_rng(0).standard_normal(50)
    assert np.array_equal(ranks(x), ranks(np.exp(x)))
    with pytest.raises(ValueError, match="NaN has no rank"):
        ranks(np.array([1.0, np.nan]))
