"""Dispatching rules: whenever a machine is free and something waits for it, the rule says what goes next.

    dispatch(instance, "MWKR").makespan         # 1108 on ft10, whose optimum is 930
    best_of_rules(Pending.of(instance))         # ("SPT", its schedule)

The schedule is non-delay: no machine idles while something waits for it. In time order, at the first tick at which
anything can begin, the rule picks the job among all that can begin then; equals go by job number. Of several machines
that can do its next operation a job waits for the one that is expected to finish it first, then for the lowest number;
it chooses again whenever one of them begins something, or any breaks down. A rule counts such an operation's shortest
duration.

| rule | first goes the job with |
|---|---|
| SPT, LPT | the shortest, the longest next operation |
| FIFO | the earliest arrival at the machine |
| MOPNR | most operations remaining |
| MWKR, LWKR | most, least work remaining, the next operation included |
| FDD/MWKR | the smallest ratio of flow due date (release + work up to and with the next operation) to work remaining |
| EDD | the earliest due date; a job without one goes last |
| RANDOM | the smallest number drawn for the next operation, from `seed` |

In a permutation flow shop the rule decides on the first machine only, and the others keep that order.

Source: Haupt, OR Spektrum 11 (1989) 3, a survey of rules; Sels, Gheysen and Vanhoucke, Int. J. Prod. Res. 50 (2012)
4255, FDD/MWKR.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from jangin.errors import BadSchedule, UnknownName
from jangin.line.shop.instance import Instance, Mode
from jangin.line.shop.pending import Pending
from jangin.line.shop.timetable import Row, Schedule

__all__ = [
    "RULES",
    "Floor",
    "Planned",
    "best_of_rules",
    "dispatch",
    "non_delay",
    "objective_of",
    "rule_name",
    "urgency_of",
]

RULES = ("SPT", "LPT", "FIFO", "MOPNR", "MWKR", "LWKR", "FDD/MWKR", "EDD", "RANDOM")


class Floor(Protocol):
    """The machines as they will be (a plan's windows) or as they were (breakdowns and true durations)."""

    @property
    def news(self) -> Iterable[int]:
        """The ticks, ascending, at which something becomes known: a breakdown begins."""

    def opens(self, machine: int, at: int, duration: int) -> int:
        """The first tick, not before `at`, at which the machine can begin something of this planned duration."""

    def foreseen(self, machine: int, at: int, duration: int, now: int) -> int:
        """The same as far as it can be known at the tick `now`."""

    def ends(self, job: int, operation: int, machine: int, start: int) -> int:
        """The tick at which it will have ended what it begins then."""


@dataclass(frozen=True)
class Planned:
    """The floor as planned: durations are the instance's, and nothing runs into a blocked window."""

    pending: Pending
    news: tuple[int, ...] = ()

    def opens(self, machine: int, at: int, duration: int) -> int:
        return self.pending.start_on(machine, at, duration)

    def foreseen(self, machine: int, at: int, duration: int, now: int) -> int:
        return self.pending.start_on(machine, at, duration)

    def ends(self, job: int, operation: int, machine: int, start: int) -> int:
        lasts = self.pending.instance.duration_on(job, operation, machine)
        assert lasts is not None
        return start + lasts


def dispatch(instance: Instance, rule: str, *, seed: int = 0) -> Schedule:
    """The non-delay schedule of a rule. `seed` is of RANDOM alone.

    Raises: UnknownName for a rule that is not in RULES; BadSchedule for EDD without due dates.
    """
    return non_delay(Pending.of(instance), rule, seed=seed)


def best_of_rules(pending: Pending, objective: str = "makespan") -> tuple[str, Schedule]:
    """Of all rules but RANDOM the one whose schedule is best; the first in RULES among equals."""
    rules = [r for r in RULES if r != "RANDOM" and (r != "EDD" or pending.instance.has_due_dates)]
    found = [(rule, non_delay(pending, rule)) for rule in rules]
    return min(found, key=lambda f: objective_of(f[1], objective))


def objective_of(schedule: Schedule, objective: str) -> tuple[int, int]:
    """What is minimised: (makespan, tardiness), or the other way round; the second decides among equals."""
    both = (schedule.makespan, schedule.tardiness)
    return both if objective == "makespan" else both[::-1]


def rule_name(rule: str) -> str:
    """A rule's name as in RULES, whatever the case. Raises: UnknownName."""
    if rule.upper() not in RULES:
        raise UnknownName("dispatching rule", rule.upper(), RULES)
    return rule.upper()


def non_delay(pending: Pending, rule: str, *, seed: int = 0, floor: Floor | None = None) -> Schedule:
    """The schedule of a rule for what is pending, on the floor as planned or as given."""
    urgency = urgency_of(pending.instance, rule_name(rule), seed)
    floor = Planned(pending) if floor is None else floor
    rows = _in_one_order if pending.instance.permutation else _on_free_machines
    return Schedule.of(pending.instance, rows(pending, urgency, floor))


def urgency_of(instance: Instance, rule: str, seed: int) -> list[list[float]] | None:
    """For each job and operation a number, the smallest of which goes first; None where the arrival decides."""
    if rule == "FIFO":
        return None
    if rule == "EDD" and not instance.has_due_dates:
        raise BadSchedule(f"{instance.name} has no due dates, which EDD goes by; choose another rule, as MWKR.")
    rng = np.random.default_rng(seed)
    table = []
    for j, job in enumerate(instance.jobs):
        lasts = [min(d for _, d in modes) for modes in job]
        rest, before = sum(lasts), instance.released(j)
        due = instance.due_of(j)
        draws = rng.random(len(job)) if rule == "RANDOM" else lasts
        row: list[float] = []
        for k, d in enumerate(lasts):
            before += d
            row.append(
                {
                    "SPT": d,
                    "LPT": -d,
                    "MOPNR": k - len(job),
                    "MWKR": -rest,
                    "LWKR": rest,
                    "FDD/MWKR": before / rest if rest else math.inf,
                    "EDD": math.inf if due is None else due,
                    "RANDOM": float(draws[k]),
                }[rule]
            )
            rest -= d
        table.append(row)
    return table


def _on_free_machines(pending: Pending, urgency: list[list[float]] | None, floor: Floor) -> list[Row]:
    """Always the earliest possible beginning; among jobs that can begin then, the most urgent."""
    jobs, machines, never = pending.instance.jobs, pending.instance.machines, math.inf
    step, ready = list(pending.done), list(pending.ready)
    free = [0] * machines  # when each machine truly ends what it does,
    expected = [0] * machines  # and when it should, which is all that a choice may use
    begin, choice = [never] * len(jobs), [Mode(0, 0)] * len(jobs)  # of each job's next operation
    users: list[set[int]] = [set() for _ in range(machines)]  # the jobs that each machine could serve next
    rows: list[Row] = []

    def look(j: int, now: int) -> None:
        """When a job can begin its next operation, and on which machine it chooses to."""
        modes, now = jobs[j][step[j]], max(now, ready[j])
        mode = modes[0]
        if len(modes) > 1:
            mode = min(modes, key=lambda m: (floor.foreseen(m[0], max(now, expected[m[0]]), m[1], now) + m[1], m[0]))
        begin[j] = floor.opens(mode.machine, max(now, free[mode.machine]), mode.duration)
        choice[j] = mode

    def queue_up(j: int) -> None:
        if step[j] < len(jobs[j]):
            for machine, _ in jobs[j][step[j]]:
                users[machine].add(j)
            look(j, 0)

    for j in range(len(jobs)):
        queue_up(j)
    news = iter(floor.news)
    heard = next(news, never)
    while (now := min(begin)) < never:
        if heard <= now:  # a machine has broken down: whoever has a choice looks again
            for i in range(len(jobs)):
                if begin[i] < never and len(jobs[i][step[i]]) > 1:
                    look(i, int(heard))
            heard = next(news, never)
            continue
        waiting = [j for j, at in enumerate(begin) if at == now]
        j = min(waiting, key=lambda j: (urgency[j][step[j]] if urgency else ready[j], j))
        k, at, mode = step[j], int(now), choice[j]
        ready[j] = free[mode.machine] = end = floor.ends(j, k, mode.machine, at)
        expected[mode.machine] = at + mode.duration
        rows.append(Row(j, k, mode.machine, at, end))
        for machine, _ in jobs[j][k]:
            users[machine].discard(j)
        step[j], begin[j] = k + 1, never
        for i in users[mode.machine]:
            look(i, at)
        queue_up(j)
    return rows


def _in_one_order(pending: Pending, urgency: list[list[float]] | None, floor: Floor) -> list[Row]:
    """Jobs enter the first machine by urgency, after those that have entered; all machines keep their order."""
    jobs, free = pending.instance.jobs, [0] * pending.instance.machines
    rows: list[Row] = []

    def run(j: int) -> None:
        at = pending.ready[j]
        for k in range(pending.done[j], len(jobs[j])):
            start = floor.opens(k, max(at, free[k]), jobs[j][k][0].duration)
            at = free[k] = floor.ends(j, k, k, start)
            rows.append(Row(j, k, k, start, at))

    for j in pending.entered:
        run(j)
    outside = [j for j in range(len(jobs)) if j not in pending.entered]
    while outside:
        begin = {j: floor.opens(0, max(pending.ready[j], free[0]), jobs[j][0][0].duration) for j in outside}
        now = min(begin.values())
        waiting = [j for j in outside if begin[j] == now]
        j = min(waiting, key=lambda j: (urgency[j][0] if urgency else pending.ready[j], j))
        outside.remove(j)
        run(j)
    return rows
