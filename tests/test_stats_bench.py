"""The benchmark's part `stats`: what is timed is the whole decision, and a promise that is broken shows as missed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bench import stats_laws, studies
from bench.stats_laws import CLAIMED, deciding, laws
from bench.stats_table import SIZES, TABLE


@pytest.fixture(autouse=True)
def _few_exact_numbers(monkeypatch):
    """The exact values beside the long sequences take seconds for the smaller p."""
    monkeypatch.setattr(stats_laws, "TRUTHS", (0.95, 0.999))
    monkeypatch.setattr(stats_laws, "SIZES", {0.99: SIZES[0.99]})


def test_every_row_has_a_number_and_no_time_in_it():
    """A row for each promise; the same seed gives the same numbers, another seed others."""
    rows, again, other = (laws(studies=40, seed=seed) for seed in (1, 1, 2))
    assert len(rows) == 2 + len(TABLE) + 4 + 2
    assert len({row.what for row in rows}) == len(rows)
    assert not any(row.timed for row in rows)
    assert [r.values for r in rows] == [r.values for r in again] != [r.values for r in other]


def test_a_rule_that_breaks_its_promise_is_missed(monkeypatch):
    """With a threshold of 1/0.5 in place of 1/0.05, errors, coverage and the mean number of trials are all missed."""

    def lax(**settings):
        return studies.simulate(**{**settings, "alpha": 0.5})

    monkeypatch.setattr(stats_laws, "simulate", lax)
    missed = {row.what for row in laws(studies=400, seed=0) if row.reached is False}
    assert "supported at p = p0 = 0.99, 20,000 trials" in missed
    assert "anytime bound ever above p = 0.95, 10,000 trials" in missed
    assert "mean trials, claim 0.99, true p 0.995" in missed


def test_the_table_is_compared_with_its_own_number():
    """A mean that is 4 % off is missed, one that is 2 % off is not."""
    known = next(k for k in TABLE if (k.p0, k.p) == (0.99, 1.0))
    for mean, reached in ((377 * 1.04, False), (377 * 0.96, False), (377 * 1.02, True)):
        found = studies.Studies(np.ones(1, bool), np.zeros(1, bool), np.array([mean]))
        assert stats_laws._mean(known, found).reached is reached
    assert stats_laws._mean(dataclasses.replace(known, expected=300), found).reached is False


def test_deciding_is_timed_as_a_whole(monkeypatch):
    """Ten claims each time, as often as told, processes and settling; the planner counts every row of the table."""
    decided, planned = [], []
    monkeypatch.setattr(stats_laws, "TRIALS", 3000)
    monkeypatch.setattr(stats_laws, "settle", lambda processes, **_: decided.append([len(p) for p in processes]))
    monkeypatch.setattr(stats_laws, "expect", lambda **claim: planned.append(claim["p0"]))
    rows = deciding(repeats=2, seed=0)
    assert decided == [[3000] * len(CLAIMED)] * 6
    assert planned == [k.p0 for k in TABLE] * 2
    assert [len(row.values) for row in rows] == [2] * 5
    assert [row.ratio == pytest.approx(row.value) for row in rows[:3]] == [True] * 3
