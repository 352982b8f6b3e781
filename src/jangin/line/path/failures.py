"""Operation-dependent failures, folded into the time a run takes.

The clock of a mode counts running time only and starts again after its repair. So which run it stops, and how far into
it, follows from the running times alone, before anybody knows when the run begins. A failure that would come at the
very end of a run comes at the beginning of the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jangin.line.layout import Station
from jangin.line.path.draws import WIDTH, Pool, Stream

__all__ = ["Failures", "Repairs"]

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Repairs:
    """The repairs of a portion of runs, (m,) each.

    Attributes:
        row, column: the run.
        after_s: from the start of the run to the failure, earlier repairs of the same run included [s].
        lasts_s: how long the repair takes [s].
    """

    row: Array
    column: Array
    after_s: Array
    lasts_s: Array


class _Mode:
    """One way to fail, in all replications."""

    def __init__(self, after: Pool, repair: Pool, width: int) -> None:
        self.after, self.repair = after, repair
        self.count = np.zeros(width, np.intp)  # failures so far
        self.next = after.at(self.count, np.arange(width))  # running time in all at which it fails next


class Failures:
    """The failures of one station in all replications; goes forward portion by portion."""

    def __init__(self, station: Station, *, seed: int, blocks: Sequence[int]) -> None:
        def pool(mode: str, what: str) -> Pool:
            failure = next(f for f in station.failures if f.name == mode)
            time = failure.after if what == "after" else failure.repair
            name = f"{station.name}/{mode}/{what}"
            return Pool(Stream(seed=seed, name=name, time=time, blocks=blocks))

        self._modes = [
            _Mode(pool(f.name, "after"), pool(f.name, "repair"), len(blocks) * WIDTH) for f in station.failures
        ]
        self._ran = np.zeros(len(blocks) * WIDTH)  # running time in all

    def prolong(self, times: Array) -> Repairs:
        """Adds its repairs to every run of `times` [s], (n, R), in place, and says which they were."""
        until = np.empty_like(times)
        np.add(times[0], self._ran, out=until[0])
        for j in range(1, len(times)):
            np.add(until[j - 1], times[j], out=until[j])
        found = [self._of(mode, until) for mode in self._modes]
        row, column, at, lasts = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.lexsort((at, row, column))
        row, column, at, lasts = (x[order] for x in (row, column, at, lasts))
        before = np.where(row > 0, until[np.maximum(row - 1, 0), column], self._ran[column])
        self._ran = until[-1].copy()
        after = at - before
        run = row + len(times) * column
        new = np.flatnonzero(np.r_[True, run[1:] != run[:-1]]) if len(run) else np.zeros(0, np.intp)
        rank = np.arange(len(run)) - np.repeat(new, np.diff(np.r_[new, len(run)]))
        repaired = np.zeros(len(run))
        for r in range(int(rank.max(initial=-1)) + 1):  # the r-th failure of each run that has so many
            which = np.flatnonzero(rank == r)
            if r:
                repaired[which] = repaired[which - 1] + lasts[which - 1]
            times[row[which], column[which]] += lasts[which]
        return Repairs(row, column, after + repaired, lasts)

    def _of(self, mode: _Mode, until: Array) -> tuple[Array, ...]:
        """Row, column, running time in all and length of repair of one mode's failures in a portion."""
        rows: list[tuple[Array, ...]] = [(np.zeros(0, np.intp),) * 2 + (np.zeros(0),) * 2]
        column = np.flatnonzero(until[-1] > mode.next)
        while len(column):
            at = mode.next[column]
            row = (until[:, column] <= at).sum(axis=0)
            lasts = mode.repair.at(mode.count[column], column)
            rows.append((row, column, at, lasts))
            mode.count[column] += 1
            mode.next[column] = at + mode.after.at(mode.count[column], column)
            column = column[until[-1, column] > mode.next[column]]
        least = int(mode.count.min())
        mode.after.forget(least)
        mode.repair.forget(least)
        return tuple(np.concatenate(parts) for parts in zip(*rows, strict=True))
