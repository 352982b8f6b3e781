"""A scheduling instance: jobs of operations, each of which one of several machines can do in a whole number of ticks.

    shop = job_shop([[3, 2], [2, 4]], [[0, 1], [1, 0]], name="two by two")    # durations, machines: (jobs, operations)
    line = flow_shop([[3, 2], [2, 4]], permutation=True)                        # every job from machine 0 to the last
    cell = Instance("cell", 2, (((Mode(0, 5), Mode(1, 7)), (Mode(1, 2),)),))    # the first operation can choose

A job's operations run in their order, one at a time; a machine does one operation at a time and is not interrupted.
Times are whole ticks of whatever length the user likes: CP-SAT computes with integers, and a coarse tick (a minute, not
a millisecond) is what keeps it fast. Machines and jobs are numbered from 0. Buffers between machines are unlimited and
set-up belongs to the duration: an instance does not know what ran before.

Raises: BadSchedule for an instance that contradicts itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from jangin.errors import BadSchedule

__all__ = ["LONGEST", "Instance", "Mode", "Operation", "flow_shop", "job_shop"]

LONGEST = 10**9  # ticks of one operation or date: sums of a million of them stay exact in CP-SAT


class Mode(NamedTuple):
    """One way to do an operation: on this machine, for so many ticks."""

    machine: int
    duration: int


Operation = tuple[Mode, ...]


@dataclass(frozen=True)
class Instance:
    """What has to be scheduled.

    Attributes:
        name: as it is known; nothing is decided by it.
        machines: their number.
        jobs: for each job its operations in order, for each operation its modes, on different machines.
        permutation: a flow shop whose jobs keep one order on every machine.
        release: the tick from which each job may start, (jobs,); () is 0 for all.
        due: the tick by which each job should end, or None, (jobs,); () is none for all.
        weight: what a tick of tardiness of each job counts, (jobs,); () is 1 for all.
    """

    name: str
    machines: int
    jobs: tuple[tuple[Operation, ...], ...]
    permutation: bool = False
    release: tuple[int, ...] = ()
    due: tuple[int | None, ...] = ()
    weight: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.jobs or self.machines < 1:
            raise BadSchedule(f"{self.name}: {len(self.jobs)} jobs on {self.machines} machines; give one of each.")
        for j, job in enumerate(self.jobs):
            if not job:
                raise BadSchedule(f"{self.name}: job {j} has no operation; leave it out.")
            for k, modes in enumerate(job):
                self._refuse_modes(f"{self.name}: job {j}, operation {k}", modes)
        for what, values, least in (("release", self.release, 0), ("due", self.due, 0), ("weight", self.weight, 0)):
            self._refuse_dates(what, values, least)
        if self.permutation and not self._is_flow_shop:
            raise BadSchedule(
                f"{self.name}: one order of jobs on every machine needs a flow shop, in which every job visits every "
                f"machine from 0 to {self.machines - 1}; leave permutation out."
            )

    def _refuse_modes(self, where: str, modes: Operation) -> None:
        if not modes:
            raise BadSchedule(f"{where} has no machine that can do it; give at least one.")
        if len({m for m, _ in modes}) < len(modes):
            raise BadSchedule(f"{where} names a machine twice; keep the shorter duration.")
        for machine, duration in modes:
            if not _whole(machine) or not 0 <= machine < self.machines:
                raise BadSchedule(f"{where} runs on machine {machine}; they are numbered 0 to {self.machines - 1}.")
            if not _whole(duration) or not 0 <= duration <= LONGEST:
                raise BadSchedule(f"{where} lasts {duration} ticks; give a whole number from 0 to {LONGEST:,}.")

    def _refuse_dates(self, what: str, values: tuple[int | None, ...], least: int) -> None:
        if values and len(values) != len(self.jobs):
            raise BadSchedule(f"{self.name}: {len(values)} entries in {what} for {len(self.jobs)} jobs; give one each.")
        for j, value in enumerate(values):
            if value is None and what == "due":
                continue
            if not _whole(value) or not least <= value <= LONGEST:  # type: ignore[operator]
                raise BadSchedule(f"{self.name}: {what} of job {j} is {value}; give a whole number up to {LONGEST:,}.")

    @cached_property
    def _is_flow_shop(self) -> bool:
        route = tuple(range(self.machines))
        return all(len(m) == 1 for job in self.jobs for m in job) and all(
            tuple(modes[0].machine for modes in job) == route for job in self.jobs
        )

    @property
    def kind(self) -> str:
        """ "job shop", "flow shop", "permutation flow shop" or "flexible job shop"."""
        if self._is_flow_shop:
            return "permutation flow shop" if self.permutation else "flow shop"
        return "flexible job shop" if any(len(m) > 1 for job in self.jobs for m in job) else "job shop"

    @property
    def operations(self) -> int:
        """The number of operations."""
        return sum(map(len, self.jobs))

    def released(self, job: int) -> int:
        """The tick from which a job may start."""
        return self.release[job] if self.release else 0

    def due_of(self, job: int) -> int | None:
        """The tick by which a job should end, or None."""
        return self.due[job] if self.due else None

    def weight_of(self, job: int) -> int:
        """What a tick of a job's tardiness counts."""
        return self.weight[job] if self.weight else 1

    @property
    def has_due_dates(self) -> bool:
        """Whether any job should end by some tick."""
        return any(d is not None for d in self.due)

    def duration_on(self, job: int, operation: int, machine: int) -> int | None:
        """How long an operation takes on a machine; None where the machine cannot do it."""
        return next((d for m, d in self.jobs[job][operation] if m == machine), None)

    def __str__(self) -> str:
        return (
            f"{self.name} ({self.kind}, {len(self.jobs)} jobs, {self.machines} machines, {self.operations} operations)"
        )


def job_shop(
    durations: Sequence[Sequence[int]], machines: Sequence[Sequence[int]], *, name: str = "job shop"
) -> Instance:
    """A job shop from its two matrices, (jobs, operations): operation k of job j takes durations[j][k] on
    machines[j][k]. Jobs may differ in length, and may visit a machine more than once."""
    rows = [(len(d), len(m)) for d, m in zip(durations, machines, strict=False)]
    if len(durations) != len(machines) or any(a != b for a, b in rows):
        raise BadSchedule(f"{name}: durations and machines differ in shape; give one machine for every duration.")
    jobs = tuple(
        tuple((Mode(_plain(m), _plain(d)),) for d, m in zip(ds, ms, strict=True))
        for ds, ms in zip(durations, machines, strict=True)
    )
    top = max((m for row in machines for m in row), default=-1)
    return Instance(name, max(1, _plain(top) + 1), jobs)


def flow_shop(durations: Sequence[Sequence[int]], *, permutation: bool = False, name: str = "flow shop") -> Instance:
    """A flow shop: every job visits machine 0, 1, ... in that order; durations (jobs, machines)."""
    if not durations or len({len(row) for row in durations}) != 1:
        raise BadSchedule(f"{name}: the rows of a flow shop differ in length; give one duration for every machine.")
    jobs = tuple(tuple((Mode(m, _plain(d)),) for m, d in enumerate(row)) for row in durations)
    return Instance(name, len(durations[0]), jobs, permutation)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _plain(value: object) -> int:
    """A Python int where an array's integer came; anything else is left for Instance to refuse."""
    if isinstance(value, (bool, float, str)):
        return value  # type: ignore[return-value]
    return int(value)  # type: ignore[call-overload, no-any-return]
