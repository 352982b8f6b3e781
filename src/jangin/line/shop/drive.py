"""Drives the line's engine by a plan: its stations take the jobs as planned, re-planned, or by a rule.

    plant = as_line(instance, failures=(Failure("broken", Exponential(900.0), Exponential(90.0)),))
    ran = drive(instance, plant, "rolling", plan.sequences(), seed=7, replication=0)
    ran.makespan, ran.replans
    drive(instance, plant, "MWKR", seed=7, replication=0)           # the same breakdowns, by a rule

The engine is stopped at every event. First all of the instant happens while every machine is held: what ends, arrives,
breaks down, is repaired. Then whoever decides, decides, and the machines that are free take.

    static      each machine takes what its sequence says next, and waits for it if it has not come
    rolling     the same; whenever a machine comes to a stand, what has not begun is planned anew
    a rule      a machine that is free takes the most urgent of what waits for it, at once; see `rules`

So a sequence is kept exactly as `follow` keeps it, and a rule as `non_delay`: fed one day (`as_line(day)`), both give
the same times (but for rules where work takes no time). Beyond that the engine knows what a shop does not: failures
that count running time only, repair crews, operators, shifts, set-ups, full buffers, vehicles. A plan meets these
unforeseen.

Of a repair a plan is told its end by the fitter once he is there ("told"), or the mean of its kind is taken ("mean");
with "mean", it is made anew when the machine is back as well. Later failures are never known, nor true durations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from jangin.errors import BadSchedule, UnknownName
from jangin.line.layout import Layout
from jangin.line.shop.follow import follow
from jangin.line.shop.instance import Instance
from jangin.line.shop.line_floor import LineFloor, Ran, Repair
from jangin.line.shop.pending import Pending
from jangin.line.shop.replan import replan
from jangin.line.shop.rules import RULES, urgency_of
from jangin.line.shop.timetable import Sequences

__all__ = ["WAYS", "Driven", "drive"]

WAYS = ("static", "rolling", *RULES)
REPAIRS = ("told", "mean")

Choose = Callable[[LineFloor], np.ndarray]


@dataclass(frozen=True)
class Driven:
    """What happened in one replication, in ticks.

    Attributes:
        rows: every operation, by job and operation.
        sequences: what each machine did, in order.
        breakdowns: how often a machine went down before the last job was done.
        replans: how often a new plan was made.
        changed: how often it put an operation at another place in the order.
    """

    instance: Instance = field(repr=False)
    rows: tuple[Ran, ...] = field(repr=False)
    sequences: Sequences = field(repr=False)
    breakdowns: int
    replans: int = 0
    changed: int = 0

    @property
    def makespan(self) -> float:
        """When the last operation ended."""
        return max(row.end for row in self.rows)

    @property
    def tardiness(self) -> float:
        """Total weighted tardiness; 0 without due dates."""
        last, total = {row.job: row.end for row in self.rows}, 0.0
        for job, end in last.items():
            due = self.instance.due_of(job)
            total += 0.0 if due is None else self.instance.weight_of(job) * max(0.0, end - due)
        return total


def drive(
    instance: Instance,
    plant: Layout,
    way: str,
    sequences: Sequences | None = None,
    *,
    seed: int,
    replication: int,
    tick_s: float = 1.0,
    repair: Repair = "told",
    time_limit_s: float = 5.0,
    work_limit: float | None = None,
    workers: int = 1,
    objective: str = "makespan",
) -> Driven:
    """Run a shop in the line's engine until its last job is done.

    Args:
        plant: as `as_line` makes it of the instance with the same `tick_s`, or with other times, failures, people,
            places or vehicles; `layout_check.check` has found it right.
        way: "static", "rolling" or a rule of RULES.
        sequences: of "static" and "rolling", what each machine is to do, in order.
        seed, replication: fix every draw of the engine; the seed is the solver's and of RANDOM as well.
        repair: how a plan learns when a machine will be back.
        time_limit_s, work_limit, workers, objective: of each re-plan, as for `solve`.

    Raises: UnknownName; BadSchedule for sequences that cannot be run, a plant that is not the shop's, or jobs that
    block each other for ever; MissingExtra.
    """
    if way not in WAYS:
        raise UnknownName("way of scheduling", way, WAYS)
    if repair not in REPAIRS:
        raise UnknownName("way to know a repair", repair, REPAIRS)
    floor = LineFloor(instance, plant, seed=seed, replication=replication, tick_s=tick_s, repair=repair)
    if way in RULES:
        _run(floor, _by_rule(instance, way, seed))
        return Driven(instance, floor.rows(), tuple(map(tuple, floor.order)), floor.breakdowns)
    if sequences is None:
        raise BadSchedule(f"{instance.name}: {way} has no sequences to keep; give those of a plan.")
    follow(Pending.of(instance), sequences)  # refuses what cannot be run

    plan = _Plan(instance, sequences)

    def choose(floor: LineFloor) -> np.ndarray:
        if way == "rolling" and (floor.fell or (repair == "mean" and floor.rose)):
            plan.renew(floor, time_limit_s, work_limit, workers, seed, objective)
        return plan.ranks(floor)

    _run(floor, choose)
    return Driven(instance, floor.rows(), tuple(map(tuple, floor.order)), floor.breakdowns, plan.replans, plan.changed)


def _run(floor: LineFloor, choose: Choose) -> None:
    """To the end of the last job: all of an instant happens, then machines take what is chosen, until none takes."""
    now_s = 0.0
    while not floor.over:
        floor.hold()
        floor.advance(now_s)
        before = floor.begun
        floor.prefer(choose(floor))
        floor.advance(now_s)
        if (floor.begun == before).all() and not floor.over:
            floor.refuse_if_still()
            now_s = floor.next_s


def _by_rule(instance: Instance, rule: str, seed: int) -> Choose:
    """Ranks by a rule, the same all day; equals go by job, and where the arrival decides, all are equal.

    In a permutation flow shop the rule decides on the first machine, and the others keep that order.
    """
    operations = Pending.of(instance).operations
    urgency = urgency_of(instance, rule, seed)
    ranks = np.zeros(len(operations))
    if urgency is not None:
        most_urgent = sorted(range(len(operations)), key=lambda i: (urgency[operations[i][0]][operations[i][1]], i))
        ranks[most_urgent] = -np.arange(len(operations))
    if not instance.permutation:
        return lambda floor: ranks
    first = np.array([k == 0 for _, k in operations])

    def choose(floor: LineFloor) -> np.ndarray:
        place = {j: p for p, (j, _) in enumerate(floor.order[0])}
        entered = np.array([-place.get(j, math.inf) for j, _ in operations])
        return np.where(first, ranks, entered)

    return choose


class _Plan:
    """Sequences, how far they have come, and how often they were made anew."""

    def __init__(self, instance: Instance, sequences: Sequences) -> None:
        self.sequences, self.replans, self.changed = sequences, 0, 0
        self._instance = instance
        self._row = {operation: i for i, operation in enumerate(Pending.of(instance).operations)}

    def ranks(self, floor: LineFloor) -> np.ndarray:
        """Of each machine what comes next; all else is held."""
        ranks = np.full(len(self._row), -math.inf)
        for queue, order in zip(self.sequences, floor.order, strict=True):
            if len(order) < len(queue):
                ranks[self._row[queue[len(order)]]] = 0.0
        return ranks

    def renew(
        self,
        floor: LineFloor,
        time_limit_s: float,
        work_limit: float | None,
        workers: int,
        seed: int,
        objective: str,
    ) -> None:
        """Plan what has not begun anew; the old plan is the hint, so the new one is never worse as far as is known."""
        if all(len(order) == len(queue) for order, queue in zip(floor.order, self.sequences, strict=True)):
            return
        new = replan(
            self._instance,
            floor.state(),
            time_limit_s=time_limit_s,
            workers=workers,
            seed=seed,
            objective=objective,
            hint=self.sequences,
            work_limit=work_limit,
        ).sequences
        joined = tuple(tuple(order) + rest for order, rest in zip(floor.order, new, strict=True))
        self.replans, self.changed = self.replans + 1, self.changed + (joined != self.sequences)
        self.sequences = joined
