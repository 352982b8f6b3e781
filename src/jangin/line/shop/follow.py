"""Runs given sequences, or a rule, on a floor where durations vary and machines break down: what happens is the result.

    day = Day.drawn(instance, seed=1, number=0, cv=0.2, mean_up=500, mean_down=60)
    follow(Pending.of(instance), schedule.sequences(), day)         # each machine keeps its order, come what may
    non_delay(Pending.of(instance), "MWKR", floor=day)              # the rule decides when a machine is free

Sequences are run semi-actively: an operation begins as soon as its job has come, its machine has ended what goes
before, and the machine is up. A breakdown stops what runs; the rest of it is done after the repair (preempt-resume).
Breakdowns come by the calendar, whatever a machine is doing, so every way of scheduling meets the same day: common
random numbers.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from jangin.errors import BadSchedule
from jangin.line.shop.instance import LONGEST, Instance
from jangin.line.shop.pending import Pending, Window, merged
from jangin.line.shop.rules import Floor, Planned
from jangin.line.shop.timetable import Row, Schedule, Sequences

__all__ = ["Day", "follow", "resumed"]


@dataclass(frozen=True)
class Day:
    """What really happens; a `Floor`.

    Attributes:
        instance: the jobs.
        stretch: true over planned duration of each operation, (jobs, operations); () is 1 for all. A true duration is
            rounded to a whole tick, and is 0 only where the planned one is.
        down: of each machine the windows in which it is down, ascending and apart, (machines,).
    """

    instance: Instance
    stretch: tuple[tuple[float, ...], ...]
    down: tuple[tuple[Window, ...], ...]

    @classmethod
    def of(
        cls,
        instance: Instance,
        *,
        stretch: Sequence[Sequence[float]] = (),
        down: Sequence[tuple[int, int, int]] = (),
    ) -> Day:
        """A day from its breakdowns (machine, from, until) and, where durations are not as planned, their stretch."""
        windows: list[list[Window]] = [[] for _ in range(instance.machines)]
        for machine, begin, end in down:
            if not 0 <= machine < instance.machines or not 0 <= begin < end:
                raise BadSchedule(
                    f"{instance.name}: machine {machine} down from {begin} until {end}; machines are numbered 0 to "
                    f"{instance.machines - 1}, and a breakdown ends after it begins."
                )
            windows[machine].append((int(begin), int(end)))
        rows = tuple(tuple(float(s) for s in row) for row in stretch)
        if rows and [len(r) for r in rows] != [len(job) for job in instance.jobs]:
            raise BadSchedule(f"{instance.name}: stretch needs one number for every operation of every job.")
        if any(not 0.0 < s < 1e6 for row in rows for s in row):
            raise BadSchedule(f"{instance.name}: a stretch is a positive number; 1 is as planned.")
        return cls(instance, rows, tuple(map(merged, windows)))

    @classmethod
    def drawn(
        cls,
        instance: Instance,
        *,
        seed: int,
        number: int,
        cv: float = 0.0,
        mean_up: float = math.inf,
        mean_down: float = 0.0,
    ) -> Day:
        """Day `number` of a seed: what it brings depends on these two, the instance and the parameters alone.

        Stretches are lognormal with mean 1 and this coefficient of variation, up and down times exponential, rounded up
        to whole ticks. Breakdowns are drawn up to a tick by which any schedule should have ended twice over.
        """
        if not (0.0 <= cv < 10.0 and mean_up > 0.0 and 0.0 <= mean_down <= LONGEST):
            raise BadSchedule(
                f"A day with cv {cv:g}, {mean_up:g} ticks up and {mean_down:g} down; give cv from 0 to 10, more than 0 "
                "up and 0 or more down."
            )
        sigma = math.sqrt(math.log1p(cv * cv))
        stretch = []
        rng = np.random.default_rng([seed, number, 0])
        for job in instance.jobs:
            stretch.append(np.exp(sigma * rng.standard_normal(len(job)) - 0.5 * sigma * sigma).tolist())
        down: list[tuple[int, int, int]] = []
        if math.isfinite(mean_up) and mean_down > 0.0:
            longest = max(1.0, max(max(row) for row in stretch))
            last = 2.0 * longest * Pending.of(instance).horizon() * (1.0 + mean_down / mean_up)
            for machine in range(instance.machines):
                rng, at = np.random.default_rng([seed, number, 1 + machine]), 0
                while at < last:
                    begin = at + math.ceil(rng.exponential(mean_up))
                    at = begin + max(1, math.ceil(rng.exponential(mean_down)))
                    down.append((machine, begin, at))
        return cls.of(instance, stretch=stretch if cv else (), down=down)

    @property
    def news(self) -> tuple[int, ...]:
        """The ticks at which breakdowns begin, ascending."""
        return tuple(sorted({begin for windows in self.down for begin, _ in windows}))

    def lasts(self, job: int, operation: int, machine: int) -> int:
        """The true duration on a machine, breakdowns apart."""
        planned = self.instance.duration_on(job, operation, machine)
        assert planned is not None
        if not self.stretch or not planned:
            return planned
        return max(1, round(planned * self.stretch[job][operation]))

    def opens(self, machine: int, at: int, duration: int) -> int:
        """The first tick, not before `at`, at which the machine is up."""
        k = bisect_right(self.down[machine], (at, math.inf)) - 1
        return max(at, self.down[machine][k][1]) if k >= 0 else at

    def foreseen(self, machine: int, at: int, duration: int, now: int) -> int:
        """The same, knowing the breakdowns that have begun by `now`, and their ends."""
        k = bisect_right(self.down[machine], (now, math.inf)) - 1
        return max(at, self.down[machine][k][1]) if k >= 0 else at

    def ends(self, job: int, operation: int, machine: int, start: int) -> int:
        """When the work is done, repairs in between included."""
        return resumed(self.down[machine], start, self.lasts(job, operation, machine))

    def worked(self, machine: int, start: int, now: int) -> int:
        """The ticks of [start, now) in which the machine was up."""
        lost = sum(max(0, min(end, now) - max(begin, start)) for begin, end in self.down[machine] if begin < now)
        return now - start - lost


def resumed(down: Sequence[Window], start: int, work: int) -> int:
    """When `work` ticks that begin at `start` are done on a machine that does nothing in these windows."""
    at = start
    for begin, end in down[max(0, bisect_right(down, (start, math.inf)) - 1) :]:
        if end <= at:
            continue
        if at + work <= begin:
            break
        work -= max(0, begin - at)
        at = end
    return at + work


def follow(
    pending: Pending,
    sequences: Sequences,
    floor: Floor | None = None,
    planned_at: Mapping[tuple[int, int], int] | None = None,
) -> Schedule:
    """What comes of sequences, on the floor as planned or as given.

    Each machine's (job, operation) pairs, of what is pending, in order. An operation does not begin before the tick at
    which it was planned, where `planned_at` names one: a plan made at noon moves nothing into the morning.

    Raises: BadSchedule for sequences that do not hold every pending operation once, on a machine that can do it, or in
    which machines wait for each other for ever.
    """
    _refuse(pending, sequences)
    floor = Planned(pending) if floor is None else floor
    step, ready = list(pending.done), list(pending.ready)
    place, free = [0] * len(sequences), [0] * len(sequences)
    known = planned_at or {}
    waits = {operation: m for m, queue in enumerate(sequences) for operation in queue}
    rows: list[Row] = []
    look = [m for m, queue in enumerate(sequences) if queue]
    while look:
        m = look.pop()
        while place[m] < len(sequences[m]):
            j, k = sequences[m][place[m]]
            if step[j] != k:
                break
            lasts = pending.instance.duration_on(j, k, m)
            assert lasts is not None
            start = floor.opens(m, max(ready[j], free[m], known.get((j, k), 0)), lasts)
            ready[j] = free[m] = end = floor.ends(j, k, m, start)
            rows.append(Row(j, k, m, start, end))
            step[j] += 1
            place[m] += 1
            following = waits.get((j, step[j]))
            if following is not None and following != m:
                look.append(following)
    if len(rows) < len(waits):
        m = next(m for m, queue in enumerate(sequences) if place[m] < len(queue))
        j, k = sequences[m][place[m]]
        raise BadSchedule(
            f"{pending.instance.name}: these sequences wait for each other for ever: machine {m} is next to do job "
            f"{j}, operation {k}, before which operation {step[j]} never comes."
        )
    return Schedule.of(pending.instance, rows)


def _refuse(pending: Pending, sequences: Sequences) -> None:
    name = pending.instance.name
    if len(sequences) != pending.instance.machines:
        raise BadSchedule(
            f"{name}: {len(sequences)} sequences for {pending.instance.machines} machines; give one each."
        )
    given = sorted(operation for queue in sequences for operation in queue)
    if given != list(pending.operations):
        odd = sorted(set(given) ^ set(pending.operations)) or [a for a, b in pairwise(given) if a == b]
        raise BadSchedule(
            f"{name}: job {odd[0][0]}, operation {odd[0][1]} is not in the sequences exactly once, or is not pending; "
            "give every pending operation once."
        )
    for m, queue in enumerate(sequences):
        for j, k in queue:
            if pending.instance.duration_on(j, k, m) is None:
                raise BadSchedule(f"{name}: job {j}, operation {k} is on machine {m}, which cannot do it.")
