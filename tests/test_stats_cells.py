"""Laws of a claim in each cell: each cell is its own process, mapped to all trials; together they err as promised."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from jangin.stats.cells import EachCell
from jangin.stats.crossing import first_at
from jangin.stats.family import log_mean, settle
from jangin.stats.sequential import EProcess


def drawn(n, rates, seed, overlap=False):
    """Trials, each in one cell or none (or, overlapping, in any number), that succeed at the rate of the first."""
    rng = np.random.default_rng(seed)
    if overlap:
        inside = rng.random((n, len(rates))) < 0.4
    else:
        inside = rng.integers(0, len(rates) + 1, n)[:, None] == np.arange(len(rates))
    rate = np.where(inside.any(axis=1), np.asarray(rates)[inside.argmax(axis=1)], 0.5)
    return rng.random(n) < rate, inside


def twins(good, inside, p0, alpha):
    """What each cell says after every trial, (cells, n) each: ln E+, ln E-, bound; by counting within the cell."""
    n, cells = inside.shape
    logs = np.zeros((3, cells, n))
    for k in range(cells):
        process = EProcess.begin(p0=p0, alpha=alpha).extended(good[inside[:, k]])
        own = np.cumsum(inside[:, k])
        logs[:, k] = process.log_for(own), process.log_against(own), process.bounds(own)
    return logs


@pytest.mark.parametrize("overlap", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_each_cell_is_its_own_process(seed, overlap):
    """Logarithms, bounds and every decision equal those of counting cell by cell after every trial."""
    rates = np.random.default_rng(seed).choice([0.99, 0.97, 0.9, 0.8], 4)
    good, inside = drawn(1500, rates, seed, overlap)
    process = EachCell.begin(4, p0=0.9, alpha=0.05)
    for part in np.split(np.arange(1500), [1, 1, 40, 700]):
        process = process.extended(good[part], inside[part])
    log_for, log_against, bound = twins(good, inside, 0.9, 0.05)
    every, need = np.arange(1, 1501), -math.log(0.05)
    np.testing.assert_array_equal(process.log_for(every), log_for.min(axis=0))
    np.testing.assert_allclose(process.log_against(every), log_mean(log_against), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(process.bounds(every), bound.min(axis=0))
    assert process.bound() == bound[:, -1].min()
    supported = [first_at(v, need) for v in log_for]
    assert process.supported_at == (None if None in supported else max(supported))
    for threshold in (0.5, 3.0):
        assert process.first_against(threshold) == first_at(log_mean(log_against), threshold)
    assert process.successes_at(1500) == int((good & inside.any(axis=1)).sum())
    assert process.successes_at(40) == int((good & inside.any(axis=1))[:40].sum())
    settled = settle([process], alpha_refute=0.05)
    assert settled.refuted_at in (None, first_at(log_mean(log_against), need))


def test_a_window_bounds_the_mean():
    """No trial within a window has a mean of the cells' E- above what the window says."""
    good, inside = drawn(900, [0.95, 0.9, 0.8], 7)
    process = EachCell.begin(3, p0=0.9, alpha=0.05).extended(good, inside)
    logs, rng = process.log_against(np.arange(901)), np.random.default_rng(0)
    low = rng.integers(0, 890, 200)
    high = np.minimum(low + rng.integers(1, 200, 200), 900)
    for a, b, most in zip(low, high, process.log_against_most(low, high)):
        assert logs[a + 1 : b + 1].max() <= most + 1e-9


def test_cells_are_called_by_holm_in_the_time_of_all_trials():
    """One bad cell of three, tried last: it is named, at a trial counted among all; the claim itself is refuted."""
    n = 200
    inside = np.repeat(np.eye(3, dtype=bool), n, axis=0)
    good = np.ones(3 * n, bool)
    good[2 * n :: 2] = False
    process = EachCell.begin(3, p0=0.9, alpha=0.05).extended(good, inside)
    a, b, c = process.cell_results(0.05)
    assert (a.decision, b.decision, c.decision) == ("supported", "supported", "refuted")
    assert (a.decided_at, b.decided_at) == (36, n + 36)
    own = process.cells[2].first_against(math.log(3 / 0.05))
    assert c.decided_at == 2 * n + own
    assert (c.n, c.successes, c.bound) == (n, n // 2, process.cells[2].bound())
    assert process.supported_at is None
    assert settle([process], alpha_refute=0.05).labels == ("refuted",)


def test_all_cells_supported_is_the_claim_supported():
    """At the last cell's trial; until then, and with a cell that no trial fell into, nothing is."""
    inside = np.repeat(np.eye(2, dtype=bool), [36, 36], axis=0)
    process = EachCell.begin(2, p0=0.9, alpha=0.05).extended(np.ones(72, bool), inside)
    assert process.supported_at == 72
    assert process.bound() >= 0.9
    empty = EachCell.begin(3, p0=0.9, alpha=0.05).extended(np.ones(72, bool), np.pad(inside, ((0, 0), (0, 1))))
    assert (empty.supported_at, empty.bound()) == (None, 0.0)
    assert empty.cell_results(0.05)[2].n == 0
    assert len(EachCell.begin(1, p0=0.9, alpha=0.05)) == 0


def test_no_true_claim_is_refuted_too_often_by_enumeration():
    """Two cells at p0 = 1/2, overlapping or not: over all sequences of 8 trials the mean E- keeps its promise."""
    n, alpha = 8, 0.25
    for inside in (np.eye(2, dtype=bool)[np.arange(n) % 2], np.ones((n, 2), bool), np.tri(n, 2, dtype=bool)):
        refuted = [
            EachCell.begin(2, p0=0.5, alpha=alpha).extended(np.array(g), inside).first_against(-math.log(alpha))
            is not None
            for g in itertools.product((False, True), repeat=n)
        ]
        assert 0.0 < np.mean(refuted) <= alpha


def test_a_claim_that_is_false_in_one_cell_is_rarely_supported():
    """Three good cells and one just below p0: supported in at most alpha of all studies (here 300, alpha 0.3)."""
    supported = 0
    for seed in range(300):
        good, inside = drawn(600, [1.0, 1.0, 1.0, 0.79], seed)
        supported += EachCell.begin(4, p0=0.8, alpha=0.3).extended(good, inside).supported_at is not None
    assert 0 < supported <= 0.3 * 300


@pytest.mark.parametrize("shape", [(3,), (2, 2), (3, 3)])
def test_cells_of_another_shape_are_refused(shape):
    """One row per trial, one column per cell."""
    with pytest.raises(ValueError, match=r"give one row per trial, \(3, 2\)\."):
        EachCell.begin(2, p0=0.9, alpha=0.05).extended(np.ones(3, bool), np.ones(shape, bool))


def test_no_cells_are_refused():
    """A claim about nothing is no claim."""
    with pytest.raises(ValueError, match="give 1 or more"):
        EachCell.begin(0, p0=0.9, alpha=0.05)
