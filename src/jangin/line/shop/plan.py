"""From a file to a schedule in one call: by CP-SAT within a time limit, or by a dispatching rule.

    plan = schedule("ft10.txt", time_limit_s=10)
    print(plan.sentence)
    # ft10 (job shop, 10 jobs, 10 machines, 100 operations): makespan 930, proven optimal in 2.5 s; the best rule, SPT,
    # gives 1,074 (15.5 % more); best known 930 (ScheduleOpt/benchmarks ..., 2026-08-19).
    plan.schedule.columns()                 # job, operation, machine, start, end

Raises: BadFile, BadSchedule, UnknownName or MissingExtra in one sentence.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path

from jangin.errors import UnknownName
from jangin.line.shop.best_known import BestKnown, best_known
from jangin.line.shop.cpsat import OBJECTIVES, Solution, Tell, gap_of, solve
from jangin.line.shop.instance import Instance
from jangin.line.shop.instance_file import read_instance
from jangin.line.shop.pending import Pending
from jangin.line.shop.rules import RULES, best_of_rules, dispatch, objective_of
from jangin.line.shop.timetable import Schedule

__all__ = ["METHODS", "Plan", "schedule"]

METHODS = ("cp-sat", *RULES)


@dataclass(frozen=True)
class Plan:
    """A schedule, and how good it is.

    Attributes:
        method: "cp-sat" or the rule that made it.
        schedule: checked.
        objective: "makespan" or "tardiness": what `value` and `lower_bound` are of.
        lower_bound: no schedule's objective is below this.
        optimal: the objective equals that bound.
        interrupted: Ctrl-C ended the search; this is the best it had found.
        wall_s: seconds it took.
        rule, rule_schedule: the best dispatching rule beside it.
        known: the published bounds of a classic instance; None for any other, and where tardiness was minimised.
    """

    method: str
    schedule: Schedule = field(repr=False)
    objective: str
    lower_bound: int
    optimal: bool
    interrupted: bool
    wall_s: float
    rule: str
    rule_schedule: Schedule = field(repr=False)
    known: BestKnown | None

    @property
    def instance(self) -> Instance:
        return self.schedule.instance

    @property
    def makespan(self) -> int:
        """The tick at which the last operation ends."""
        return self.schedule.makespan

    @property
    def value(self) -> int:
        """The objective of the schedule."""
        return objective_of(self.schedule, self.objective)[0]

    @property
    def gap(self) -> float:
        """See `cpsat.gap_of`."""
        return gap_of(self.value, self.lower_bound)

    @property
    def sentence(self) -> str:
        """The objective, how good it is, and what stands beside it."""
        what = "makespan" if self.objective == "makespan" else "total weighted tardiness"
        by = "" if self.method == "cp-sat" else f" by {self.method}"
        parts = [f"{self.instance}: {what} {self.value:,}{by}, {self._how_good()}"]
        if self.objective == "tardiness":
            parts.append(f"makespan {self.makespan:,}")
        parts.append(self._beside())
        if self.known is not None:
            parts.append(self._published(self.known))
        return "; ".join(p for p in parts if p) + "."

    def _how_good(self) -> str:
        seconds = f"{self.wall_s:.3g} s"
        if self.optimal:
            return f"proven optimal in {seconds}"
        above = (
            f"at most {_percent(self.gap)} above the optimum, which is" if math.isfinite(self.gap) else "the optimum is"
        )
        stopped = "interrupted" if self.interrupted else "ended"
        return f"not proven optimal: {above} at least {self.lower_bound:,}, {stopped} after {seconds}"

    def _beside(self) -> str:
        rule = objective_of(self.rule_schedule, self.objective)[0]
        if self.method == self.rule:
            return "no other rule does better"
        more = f" ({_percent(rule / self.value - 1)} more)" if self.value and rule > self.value else ""
        return f"the best rule, {self.rule}, gives {rule:,}{more}"

    def _published(self, known: BestKnown) -> str:
        source = f"({known.source}, {known.date})"
        if self.makespan < known.lower_bound or self.lower_bound > known.upper_bound:
            bounds = f"{known.lower_bound:,} to {known.upper_bound:,}"
            return f"published bounds {bounds} contradict this {source}: is it another instance?"
        gap = f"{_percent(known.gap(self.makespan))} above the " if self.makespan > known.upper_bound else ""
        bound = "" if known.closed else f", bound {known.lower_bound:,}"
        return f"{gap}best known {known.upper_bound:,}{bound} {source}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def schedule(
    path_or_instance: str | Path | Instance,
    name: str | None = None,
    method: str = "cp-sat",
    *,
    time_limit_s: float = 10.0,
    workers: int = 1,
    seed: int = 0,
    objective: str = "makespan",
    work_limit: float | None = None,
    on_progress: Tell | None = None,
) -> Plan:
    """Schedule an instance, or the one called `name` in a file, by "cp-sat" or by a rule of RULES.

    The options after `method` are those of `solve`; of a rule only `seed` (RANDOM) and `objective` count.
    """
    instance = path_or_instance if isinstance(path_or_instance, Instance) else read_instance(path_or_instance, name)
    chosen = "cp-sat" if method.lower() == "cp-sat" else method.upper()
    if chosen not in METHODS:
        raise UnknownName("method of scheduling", method, METHODS)
    if objective not in OBJECTIVES:
        raise UnknownName("objective", objective, OBJECTIVES)
    known = best_known(instance) if objective == "makespan" else None
    if chosen != "cp-sat":
        return _by_rule(instance, chosen, objective, seed, known)
    found: Solution = solve(
        instance,
        time_limit_s=time_limit_s,
        workers=workers,
        seed=seed,
        objective=objective,
        work_limit=work_limit,
        on_progress=on_progress,
    )
    return Plan(
        chosen,
        found.schedule,
        objective,
        found.lower_bound,
        found.optimal,
        found.interrupted,
        found.wall_s,
        found.rule,
        found.rule_schedule,
        known,
    )


def _by_rule(instance: Instance, rule: str, objective: str, seed: int, known: BestKnown | None) -> Plan:
    """By a rule; the bound is the elementary one, of the longest job and the busiest machine."""
    began, everything = time.monotonic(), Pending.of(instance)
    made = dispatch(instance, rule, seed=seed)
    wall_s = time.monotonic() - began
    made.check()
    bound = everything.bound() if objective == "makespan" else 0
    value = objective_of(made, objective)[0]
    best, best_schedule = best_of_rules(everything, objective)
    return Plan(rule, made, objective, bound, value == bound, False, wall_s, best, best_schedule, known)
