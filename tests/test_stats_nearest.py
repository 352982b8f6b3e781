"""Laws of the nearest failure and of nudges: closed forms, and never worse than what it began with."""

from __future__ import annotations

import numpy as np
import pytest

from jangin.stats.nearest import nearest, nudges, towards

D = 15
ALL = np.ones(D, bool)


def half_space(z, numbers):
    """Fails beyond a distance of 2 along (3, 4, 0, ...)/5: the nearest failure is 2 from the middle."""
    return 2.0 - (0.6 * z[:, 0] + 0.8 * z[:, 1])


@pytest.mark.parametrize("seed", range(5))
def test_the_nearest_failure_of_a_half_space_is_found_and_nothing_else_is_in_it(seed):
    rng = np.random.default_rng(seed)
    start = rng.standard_normal(D)
    start[:2] = 2.0, 2.5
    found = nearest(half_space, start, 0, movable=ALL, seed=seed)
    assert 2.0 <= found.distance <= 2.05
    assert half_space(found.z[None], None)[0] < 0
    assert found.z[:2] == pytest.approx([1.2, 1.6], abs=0.3)
    assert np.count_nonzero(found.z) == 2
    assert found.improved


def test_a_failure_nowhere_nearer_stays_as_it_was():
    start = np.zeros(D)
    start[4] = 1.5

    def only_there(z, numbers):
        return np.where((z == start).all(axis=1), -1.0, 1.0)

    found = nearest(only_there, start, 0, movable=ALL, seed=0)
    assert np.array_equal(found.z, start)
    assert not found.improved
    assert found.distance == 1.5


def test_distance_is_judged_by_the_law_of_the_conditions_that_vary():
    """One condition: half of all trials lie within 0.6745 of the median, 68.27 % within one deviation."""
    only = np.arange(D) == 2

    def beyond_one(z, numbers):
        return 1.0 - z[:, 2]

    found = nearest(beyond_one, np.where(only, 3.0, 9.0), 0, movable=only, seed=0)
    assert found.typical == pytest.approx(0.67449, abs=1e-5)
    assert found.share == pytest.approx(0.6827, abs=0.01)
    assert np.count_nonzero(found.z) == 1  # the others never left their medians


def test_failures_everywhere_are_nearest_in_the_middle():
    found = nearest(lambda z, n: -np.ones(len(z)), np.full(D, 2.0), 0, movable=ALL, seed=0)
    assert found.distance == 0.0
    assert found.share == 0.0


def test_what_nobody_can_vouch_for_is_no_failure():
    def broken(z, numbers):
        return np.where(np.linalg.norm(z, axis=1) < 1.9, np.nan, half_space(z, numbers))

    start = np.zeros(D)
    start[:2] = 3.0, 4.0
    found = nearest(broken, start, 0, movable=ALL, seed=1)
    assert found.distance >= 2.0


def test_every_candidate_has_the_noise_of_the_one_trial_and_the_same_seed_gives_the_same():
    seen = []

    def watch(z, numbers):
        seen.extend(numbers.tolist())
        return half_space(z, numbers)

    start = np.full(D, 2.0)
    one, two = (nearest(watch, start, 77, movable=ALL, seed=3) for _ in range(2))
    assert set(seen) == {77}
    assert np.array_equal(one.z, two.z)
    assert one.evaluations == len(seen) / 2


def test_going_down_a_margin_meets_a_failure_that_no_point_was():
    z = np.random.default_rng(0).standard_normal((200, D))
    margin = half_space(z, None) + 2.0  # nothing fails within 4 deviations
    found = towards(lambda z, n: half_space(z, n) + 2.0, z, margin, 1000, movable=ALL, seed=0)
    assert margin.min() > 0
    assert found.margin < 0
    assert found.number >= 1000
    flat = towards(lambda z, n: np.full(len(z), 0.25), z, margin, 0, movable=ALL, seed=0, rounds=2)
    assert (flat.margin, flat.evaluations) == (0.25, 128)


# ── nudges ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_nudge_is_at_the_boundary():
    """Fails where u0 + u1 > 1.2: from (0.9, 0.6) condition 0 must go down to 0.6, 1 cannot get there before 0.5."""

    def run(u, numbers):
        return 1.2 - u[:, 0] - u[:, 1]

    (one,) = nudges(run, np.array([[0.9, 0.6, 0.1]]), np.array([5]), np.ones(3, bool))
    assert one.fails_again
    assert one.median_passes
    (move,) = one.moves
    assert move.index == 0
    assert move.passes <= 0.6 < move.fails
    assert move.fails - move.passes <= 0.4e-3 + 1e-12
    assert move.moved == pytest.approx(0.75, abs=1e-3)


def test_the_shortest_way_comes_first_and_what_cannot_move_is_left_alone():
    def run(u, numbers):
        return np.maximum(0.7 - u[:, 0], np.maximum(u[:, 1] - 0.4, 0.9 - u[:, 2]))

    (one,) = nudges(run, np.array([[0.9, 0.05, 0.95]]), np.array([0]), np.array([True, True, False]))
    assert [m.index for m in one.moves] == [0, 1]
    assert one.moves[0].moved == pytest.approx(0.5, abs=1e-3)
    assert one.moves[1].moved == pytest.approx(0.35 / 0.45, abs=1e-3)


def test_each_trial_keeps_its_own_noise():
    def run(u, numbers):
        return np.where(numbers == 3, 1.0, -1.0) + 0 * u[:, 0]

    never, again = nudges(run, np.full((2, 2), 0.9), np.array([3, 4]), np.ones(2, bool))
    assert not never.fails_again
    assert never.moves == ()
    assert again.fails_again
    assert not again.median_passes
    assert again.moves == ()


def test_the_first_change_on_the_way_is_found_whatever_fits_a_batch():
    """Passes between 0.7 and 0.8 and from 0.6 on: coming from 0.9 the first change is at 0.8."""

    def run(u, numbers):
        x = u[:, 0]
        return np.where(((x > 0.7) & (x <= 0.8)) | (x <= 0.6), 1.0, -1.0)

    for batch in (16, 64, 1000):
        (one,) = nudges(run, np.array([[0.9]]), np.array([0]), np.ones(1, bool), batch=batch)
        assert one.moves[0].passes <= 0.8 < one.moves[0].fails
    (one,) = nudges(run, np.array([[0.9]]), np.array([0]), np.ones(1, bool), batch=1)  # bisection: another change
    assert one.moves[0].passes <= 0.8 < one.moves[0].fails or one.moves[0].passes <= 0.6 < one.moves[0].fails
