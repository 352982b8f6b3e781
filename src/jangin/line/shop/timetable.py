"""A schedule: which operation runs on which machine from when until when, and whether that is possible at all.

    plan = Schedule.of(instance, rows)          # rows of (job, operation, machine, start, end)
    plan.makespan, plan.tardiness
    plan.check()                                # raises BadSchedule with the first thing that cannot be
    rest.check(pending)                         # the same of a plan for what is left
    plan.sequences()[2]                         # ((0, 1), (3, 0), ...): what machine 2 does, in order
    plan.columns()                              # integer arrays by name, ready for Parquet or CSV

`check` knows nothing of how the schedule was found: it looks at rows and instance only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from jangin.errors import BadSchedule
from jangin.line.shop.instance import Instance
from jangin.line.shop.pending import Pending

__all__ = ["Row", "Schedule", "Sequences"]

Sequences = tuple[tuple[tuple[int, int], ...], ...]  # of each machine the (job, operation) it does, in order


class Row(NamedTuple):
    """One operation: where it runs, its first tick and the tick after its last."""

    job: int
    operation: int
    machine: int
    start: int
    end: int


@dataclass(frozen=True)
class Schedule:
    """Rows by job and operation. Make it with `of`, which sorts them; check it with `check`."""

    instance: Instance = field(repr=False)
    rows: tuple[Row, ...] = field(repr=False)

    @classmethod
    def of(cls, instance: Instance, rows: Iterable[tuple[int, int, int, int, int]]) -> Schedule:
        """The schedule of these rows of (job, operation, machine, start, end), in any order; nothing is checked."""
        return cls(instance, tuple(sorted(Row(*(int(v) for v in row)) for row in rows)))

    @property
    def makespan(self) -> int:
        """The tick at which the last operation ends."""
        return max(row.end for row in self.rows)

    def completion(self) -> tuple[int, ...]:
        """The tick at which each job ends, (jobs,)."""
        ends = [0] * len(self.instance.jobs)
        for row in self.rows:
            ends[row.job] = max(ends[row.job], row.end)
        return tuple(ends)

    @property
    def tardiness(self) -> int:
        """Total weighted tardiness: over all jobs, weight x ticks after the due date; 0 without due dates."""
        late = 0
        for job, end in enumerate(self.completion()):
            due = self.instance.due_of(job)
            if due is not None:
                late += self.instance.weight_of(job) * max(0, end - due)
        return late

    def sequences(self, entered: tuple[int, ...] = ()) -> Sequences:
        """What each machine does, in order: (job, operation) pairs.

        Operations of no duration come before what starts with them; ties are broken by job and operation, an order in
        which no two machines can wait for each other. In a permutation flow shop it is one order of jobs for all
        machines, those that have `entered` first.
        """
        place = {j: p for p, j in enumerate(self._one_order(entered))} if self.instance.permutation else {}
        queues: list[list[tuple[int, int]]] = [[] for _ in range(self.instance.machines)]
        for row in sorted(self.rows, key=lambda r: (place.get(r.job, 0), r.start, r.end, r.job, r.operation)):
            queues[row.machine].append((row.job, row.operation))
        return tuple(map(tuple, queues))

    def columns(self) -> dict[str, np.ndarray]:
        """The rows as int64 arrays job, operation, machine, start, end, all of shape (operations,)."""
        table = np.array(self.rows, np.int64).reshape(-1, len(Row._fields))
        return {name: table[:, k].copy() for k, name in enumerate(Row._fields)}

    def check(self, pending: Pending | None = None) -> None:
        """Whether the instance, or what is pending of it, permits this.

        Raises: BadSchedule naming the first operation that cannot be so.
        """
        pending = Pending.of(self.instance) if pending is None else pending
        expected, found = list(pending.operations), [(r.job, r.operation) for r in self.rows]
        if found != expected:
            odd = sorted(set(found) ^ set(expected)) or [a for a, b in pairwise(found) if a == b]
            raise BadSchedule(
                f"{self.instance.name}: job {odd[0][0]}, operation {odd[0][1]} is to be scheduled once or not at all, "
                "and is not; give one row for every operation that has not begun."
            )
        for row in self.rows:
            self._check_row(row, pending)
        self._check_order()
        self._check_machines()
        if self.instance.permutation:
            self._check_permutation(pending)

    def _check_row(self, row: Row, pending: Pending) -> None:
        lasts = self.instance.duration_on(row.job, row.operation, row.machine)
        if lasts is None:
            raise BadSchedule(f"{self._at(row)} is on machine {row.machine}, which cannot do it.")
        if row.end - row.start != lasts:
            raise BadSchedule(f"{self._at(row)} takes {row.end - row.start} ticks where {lasts} belong.")
        if row.start < pending.ready[row.job]:
            raise BadSchedule(
                f"{self._at(row)} starts at {row.start}, before its job is there ({pending.ready[row.job]})."
            )
        if any(row.start < end and begin < row.end for begin, end in pending.blocked[row.machine]):
            raise BadSchedule(
                f"{self._at(row)} runs from {row.start} to {row.end}, while machine {row.machine} is blocked."
            )

    def _check_order(self) -> None:
        for one, two in pairwise(self.rows):
            if one.job == two.job and two.start < one.end:
                raise BadSchedule(
                    f"{self._at(two)} starts at {two.start}, before the one ahead of it ends ({one.end})."
                )

    def _check_machines(self) -> None:
        rows = sorted(self.rows, key=lambda r: (r.machine, r.start, r.end))
        for one, two in pairwise(rows):
            if one.machine == two.machine and two.start < one.end:
                raise BadSchedule(
                    f"{self._at(two)} starts at {two.start} on machine {two.machine}, which is busy with job {one.job} "
                    f"until {one.end}."
                )

    def _check_permutation(self, pending: Pending) -> None:
        start = {(r.job, r.machine): r.start for r in self.rows}
        for m in range(self.instance.machines):
            for one, two in pairwise(self._one_order(pending.entered)):
                if start.get((two, m), -1) < start.get((one, m), -1):
                    raise BadSchedule(
                        f"{self.instance.name}: on machine {m} job {two} passes job {one}; a permutation flow shop "
                        "keeps one order everywhere."
                    )

    def _one_order(self, entered: tuple[int, ...]) -> list[int]:
        """The order of jobs on every machine, where there is one: by all starts together.

        On one machine alone it cannot be read, because operations of no duration may share a start. What has begun
        has no row, and is before everything.
        """
        start = {(r.job, r.machine): r.start for r in self.rows}
        place = {j: p for p, j in enumerate(entered)}

        def key(job: int) -> list[int]:
            return [place.get(job, len(place)), *(start.get((job, m), -1) for m in range(self.instance.machines))]

        return sorted(range(len(self.instance.jobs)), key=key)

    def _at(self, row: Row) -> str:
        return f"{self.instance.name}: job {row.job}, operation {row.operation}"
