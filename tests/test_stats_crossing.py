"""Laws of the search by windows: it finds what looking at every trial finds, whatever the course."""

from __future__ import annotations

import numpy as np
import pytest

from jangin.stats.crossing import first_at, first_reaching, running_highest


def after_trial(course):
    """The course as a function of the number of trials, 1, 2, ...; a floor is not needed."""
    return lambda at, *_: course[at - 1]


def rising_above(most):
    """Whether a window may hold a number above a floor."""
    return lambda low, high, floors: most(low, high) > floors


def windows(course, loose):
    """The tightest bound over (low, high] of a course (n,) of trial 1, 2, ..., and `loose` on top."""

    def most(low, high):
        return np.array([course[a:b].max() for a, b in zip(low, high, strict=True)]) + loose

    return most


def walks(count, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        n = int(rng.integers(1, 3000))
        yield np.cumsum(rng.normal(rng.normal(0.0, 0.02), 1.0, n)), rng


def test_the_first_time_is_exact():
    """Random walks, thresholds reached early, late, often and never, tight and loose windows, any start."""
    for course, rng in walks(80):
        for threshold in (*np.quantile(course, [0.3, 0.9, 1.0]), course.max() + 0.1):
            loose, after = rng.choice([0.0, 0.5, 50.0]), int(rng.integers(0, len(course)))
            most = windows(course, loose)
            found = first_reaching(after_trial(course), most, len(course), threshold, after=after)
            expected = first_at(course[after:], threshold)
            assert found == (None if expected is None else after + expected)


def test_the_running_maximum_is_exact():
    """At any set of ends, with any floor, from any start: the maximum of what came so far."""
    for course, rng in walks(60, seed=1):
        loose, after = rng.choice([0.0, 0.5, 50.0]), int(rng.integers(0, len(course)))
        ends = np.unique(rng.integers(after, len(course) + 1, rng.integers(1, 30)))
        floor = rng.choice([-1e9, course.mean(), course.max() + 1.0])
        above = rising_above(windows(course, loose))
        found = running_highest(after_trial(course), above, ends=ends, after=after, floor=floor)
        expected = [max([floor, *course[after:end].tolist()]) for end in ends]
        np.testing.assert_array_equal(found, expected)


def test_nothing_to_look_at():
    """No trial reaches anything; the highest of none is the floor."""
    none = np.zeros(0)
    assert first_reaching(after_trial(none), windows(none, 0.0), 0, 1.0) is None
    assert first_at(none, 0.0) is None
    highest = running_highest(lambda at, f: f, lambda low, high, f: low > 0, ends=np.array([0]), after=0, floor=2.0)
    assert highest.tolist() == [2.0]


def test_what_can_be_excluded_is_not_looked_at():
    """A course that rises once: a handful of numbers of a million; one window that excludes all: not a single one."""
    looked = []

    def value(at):
        looked.append(len(at))
        return (at >= 654_321).astype(float)

    assert first_reaching(value, lambda low, high: (high >= 654_321).astype(float), 10**6, 1.0) == 654_321
    assert sum(looked) < 200
    looked.clear()
    assert first_reaching(value, lambda low, high: np.zeros(low.shape), 10**6, 1.0) is None
    assert not looked


def test_rounding_of_a_window_never_excludes():
    """A bound that is too low by rounding, here 1e-9, still finds the trial that reaches the threshold exactly."""
    course = np.linspace(0.0, 1.0, 1001)
    assert first_reaching(after_trial(course), windows(course, -1e-9), 1001, 1.0) == 1001


@pytest.mark.parametrize(("threshold", "first"), [(2.0, 2), (3.0, None), (-1.0, 1)])
def test_first_at(threshold, first):
    """Counted from 1."""
    assert first_at(np.array([0.0, 2.0, 2.5]), threshold) == first
