"""Laws of the search for the smallest value over a box."""

from __future__ import annotations

import numpy as np
import pytest

from jangin.stats.minimise import minimise


def valleys(x: np.ndarray) -> np.ndarray:
    """Rastrigin's function moved off the box's middle: one smallest value, 0 at (1, ..., 1), among ten a dimension."""
    y = x - 1.0
    return np.sum(y * y - 10.0 * np.cos(2.0 * np.pi * y) + 10.0, axis=1)


def banana(x: np.ndarray) -> np.ndarray:
    """Rosenbrock's function: a narrow curved valley, 0 at (1, ..., 1)."""
    return np.sum(100.0 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1.0 - x[:, :-1]) ** 2, axis=1)


@pytest.mark.parametrize("function", [valleys, banana])
def test_finds_the_known_minimum(function) -> None:
    """Both classical functions are brought to their minimum within 1e-6, from any of several seeds."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        found = minimise(function, low=[-5.0] * 3, high=[5.0] * 3, rng=rng, generations=300)
        np.testing.assert_allclose(found.x, 1.0, atol=1e-6)
        assert found.value == function(found.x[None])[0]


def test_never_leaves_the_box_and_finds_a_corner() -> None:
    """Every point asked for lies in the box, also when the minimum is at its corner."""
    seen = []

    def sloping(x: np.ndarray) -> np.ndarray:
        seen.append(x.copy())
        return x[:, 0] - 2.0 * x[:, 1]

    found = minimise(sloping, low=[0.0, -3.0], high=[1.0, 4.0], rng=np.random.default_rng(1), generations=120)
    asked = np.concatenate(seen)
    assert np.all((asked >= [0.0, -3.0]) & (asked <= [1.0, 4.0]))
    assert len(asked) == found.evaluations
    np.testing.assert_allclose(found.x, [0.0, 4.0], atol=1e-6)


def test_same_generator_same_bits_and_never_worse_with_more_generations() -> None:
    """The search is a function of its generator; going on can only improve the best."""
    runs = [
        minimise(valleys, low=[-5.0] * 2, high=[5.0] * 2, rng=np.random.default_rng(7), generations=g)
        for g in (20, 20, 40)
    ]
    assert np.array_equal(runs[0].x, runs[1].x)
    assert runs[2].value <= runs[0].value


def test_values_that_are_not_finite_lose_and_a_fixed_dimension_stays() -> None:
    """NaN and infinity are beaten by any number, and a side of length 0 is kept exactly."""

    def half(x: np.ndarray) -> np.ndarray:
        return np.where(x[:, 0] < 0.0, np.nan, (x[:, 0] - 0.25) ** 2 + x[:, 1])

    found = minimise(half, low=[-1.0, 3.0], high=[1.0, 3.0], rng=np.random.default_rng(2), generations=80)
    np.testing.assert_allclose(found.x, [0.25, 3.0], atol=1e-6)
    assert found.x[1] == 3.0


def test_refuses_what_is_no_box() -> None:
    """A box with low above high, a population that cannot mix and values of another shape are refused."""
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="low <= high"):
        minimise(banana, low=[1.0], high=[0.0], rng=rng)
    with pytest.raises(ValueError, match="give 4 or more"):
        minimise(banana, low=[0.0], high=[1.0], rng=rng, population=3)
    with pytest.raises(ValueError, match="give one a point"):
        minimise(lambda x: x, low=[0.0], high=[1.0], rng=rng)
