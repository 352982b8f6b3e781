"""Is P(indicator) >= p0 in each of several cells? One e-process on the trials that lie in each.

    process = EachCell.begin(3, p0=0.95, alpha=0.05).extended(indicator, inside)    # (n,) bool, (n, 3) bool
    process.supported_at, process.bound()               # the last cell's support; the smallest of the cells' bounds
    process.cell_results(alpha_refute=0.05)[2].decision # "refuted"

A trial may lie in several cells or in none. Within a cell trials are again independent and identically distributed;
those outside leave its e-processes as they are, so these are e-processes over all trials as well.

SUPPORTED when every cell has been, each at the full alpha: if one is below p0, that one would have to be supported too,
with probability at most alpha (intersection-union test). E+ is the smallest of the cells' E+, against "some cell is
below p0"; it may be back below 1/alpha when the last cell gets there, which takes nothing back. E- is their mean,
against "every cell is at p0 or above", however the cells overlap. The bound is the smallest of theirs: a lower
confidence bound on the smallest p of any cell.

Source: Berger, Technometrics 24 (1982) 295; Vovk and Wang, Ann. Statist. 49 (2021) 1736.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from jangin.stats.crossing import first_reaching
from jangin.stats.family import Label, earlier, holm_at, log_mean
from jangin.stats.sequential import EProcess

__all__ = ["CellStanding", "EachCell"]

Array = np.ndarray


@dataclass(frozen=True)
class CellStanding:
    """How one cell stands: its trials, those that speak for the claim, its anytime bound, what it is called, and after
    how many trials in all it was first called so."""

    n: int
    successes: int
    bound: float
    decision: Label
    decided_at: int | None


@dataclass(frozen=True, eq=False)
class EachCell:
    """The course of the claim; a `Process`.

    Attributes:
        cells: a process for each, counted in its own trials.
        trials: of each cell the numbers of its trials among all, counted from 1, ascending.
        silent: the trials that do not speak for the claim: failed, or in no cell; ascending.
        n: trials so far.
    """

    cells: tuple[EProcess, ...]
    trials: tuple[Array, ...] = field(repr=False)
    silent: Array = field(repr=False)
    n: int

    @classmethod
    def begin(cls, cells: int, *, p0: float, alpha: float) -> EachCell:
        """Before the first trial, with so many cells, 1 or more."""
        if cells < 1:
            raise ValueError(f"A claim in each of {cells} cells says nothing; give 1 or more.")
        none = np.zeros(0, np.int64)
        return cls((EProcess.begin(p0=p0, alpha=alpha),) * cells, (none,) * cells, none, 0)

    def extended(self, indicator: Array, inside: Array) -> EachCell:
        """With the trials that come next: (m,) bool in trial order, and which cells each lies in, (m, cells) bool."""
        good, inside = np.asarray(indicator, bool), np.asarray(inside, bool)
        m, cells = len(good), len(self.cells)
        if inside.shape != (m, cells):
            raise ValueError(f"{m} trials in cells of shape {inside.shape}; give one row per trial, ({m}, {cells}).")
        number = self.n + 1 + np.arange(m)
        return EachCell(
            tuple(p.extended(good[inside[:, k]]) for k, p in enumerate(self.cells)),
            tuple(np.concatenate([t, number[inside[:, k]]]) for k, t in enumerate(self.trials)),
            np.concatenate([self.silent, number[~(good & inside.any(axis=1))]]),
            self.n + m,
        )

    def __len__(self) -> int:
        return self.n

    @property
    def supported_at(self) -> int | None:
        """The number of trials after which the last cell was supported; None while one is not."""
        at = [self._number(k, p.supported_at) for k, p in enumerate(self.cells)]
        known = [a for a in at if a is not None]
        return max(known) if len(known) == len(at) else None

    def successes_at(self, n: int) -> int:
        """How many of the first n trials lie in a cell and succeeded; one that lies in two cells is one trial."""
        return n - int(np.searchsorted(self.silent, n, side="right"))

    def log_for(self, at: Array) -> Array:
        """ln of the smallest of the cells' E+ after `at` trials each, (k,)."""
        return np.asarray(np.min([p.log_for(self._own(k, at)) for k, p in enumerate(self.cells)], axis=0))

    def log_against(self, at: Array) -> Array:
        """ln of the mean of the cells' E- after `at` trials each, (k,)."""
        return log_mean([p.log_against(self._own(k, at)) for k, p in enumerate(self.cells)])

    def log_against_most(self, low: Array, high: Array) -> Array:
        """What ln E- does not exceed after any n trials with low < n <= high, (k,)."""
        return log_mean([p.log_against_most(self._own(k, low), self._own(k, high)) for k, p in enumerate(self.cells)])

    def first_against(self, threshold: float) -> int | None:
        """The number of trials after which ln E- first reached a threshold > 0; None if it never did."""
        return first_reaching(self.log_against, self.log_against_most, self.n, threshold)

    def bounds(self, at: Array) -> Array:
        """The smallest of the cells' anytime lower bounds after `at` trials each, (k,)."""
        return np.asarray(np.min([p.bounds(self._own(k, at)) for k, p in enumerate(self.cells)], axis=0))

    def bound(self) -> float:
        """The same after the last trial."""
        return min(p.bound() for p in self.cells)

    def cell_results(self, alpha_refute: float) -> tuple[CellStanding, ...]:
        """How each cell stands.

        Supported is said of each at its own alpha, as of a claim. Refuted is said by Holm's method, because somebody
        will look for a fault in that very cell: P(any cell that keeps the claim is called so) <= alpha_refute.
        """

        def first(k: int, threshold: float) -> int | None:
            return self._number(k, self.cells[k].first_against(threshold))

        refuted = holm_at([partial(first, k) for k in range(len(self.cells))], alpha_refute)
        found = []
        for k, (p, against) in enumerate(zip(self.cells, refuted, strict=True)):
            decision, at = earlier(self._number(k, p.supported_at), against)
            found.append(CellStanding(len(p), p.successes_at(len(p)), p.bound(), decision, at))
        return tuple(found)

    def _own(self, k: int, at: Array) -> Array:
        """How many of the first `at` trials lie in cell k."""
        return np.searchsorted(self.trials[k], at, side="right")

    def _number(self, k: int, at: int | None) -> int | None:
        """The number among all trials of the cell's own trial `at`."""
        return None if at is None else int(self.trials[k][at - 1])
