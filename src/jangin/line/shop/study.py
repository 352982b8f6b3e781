"""Static plan, rolling re-plan or dispatching rule: the same days for each, so that the differences are paired.

    found = compare(instance, ("static", "rolling", "MWKR"), days=30, seed=0, mean_up=800, mean_down=80)
    found.makespan["rolling"]                           # (30,): what the last job's end was on each day
    found.against("static", "rolling").sentence         # mean difference with its interval, from stats.output

"static" follows one optimised schedule's sequences through everything; "rolling" begins with the same and re-plans what
has not begun at every breakdown; a rule decides whenever a machine is free. Each meets the same breakdowns and the same
true durations (`Day.drawn`). With one worker and `work_limit` well inside `time_limit_s` the study repeats exactly.

What it does not say: how a plant behaves whose breakdowns depend on load, or where re-planning itself takes time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jangin.errors import BadSchedule, UnknownName
from jangin.line.shop.cpsat import Solution, solve
from jangin.line.shop.follow import Day, follow
from jangin.line.shop.instance import Instance
from jangin.line.shop.pending import Pending
from jangin.line.shop.replan import rolling
from jangin.line.shop.rules import RULES, non_delay

if TYPE_CHECKING:
    from jangin.stats.output import Paired

__all__ = ["WAYS", "Comparison", "compare"]

WAYS = ("static", "rolling", *RULES)


@dataclass(frozen=True, eq=False)
class Comparison:
    """What became of the same days.

    Attributes:
        plan: the schedule that "static" and "rolling" begin with.
        makespan, tardiness: of each way, (days,) int64.
        replans: new plans a day of "rolling", (days,) int64; zeros where it was not asked for.
    """

    plan: Solution
    makespan: Mapping[str, np.ndarray]
    tardiness: Mapping[str, np.ndarray]
    replans: np.ndarray

    def against(self, one: str, other: str, measure: str = "makespan", confidence: float = 0.95) -> Paired:
        """The mean difference of two ways, one - other, over the days; needs two days or more."""
        from jangin.stats.output import paired_interval

        values = self.makespan if measure == "makespan" else self.tardiness
        for way in (one, other):
            if way not in values:
                raise UnknownName("way of scheduling", way, values)
        return paired_interval(values[one], values[other], confidence)


def compare(
    instance: Instance,
    ways: Sequence[str] = ("static", "rolling", "MWKR"),
    *,
    days: int,
    seed: int,
    cv: float = 0.0,
    mean_up: float = math.inf,
    mean_down: float = 0.0,
    time_limit_s: float = 5.0,
    work_limit: float | None = None,
    workers: int = 1,
    objective: str = "makespan",
    on_day: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Run each way through days 0, 1, ... of a seed. `time_limit_s` and `work_limit` hold for each plan and re-plan.

    Raises: UnknownName for a way that is neither "static", "rolling" nor a rule; BadSchedule; MissingExtra.
    """
    for way in ways:
        if way not in WAYS:
            raise UnknownName("way of scheduling", way, WAYS)
    if days < 1:
        raise BadSchedule(f"{days} days to compare on; give 1 or more, and 2 or more for an interval.")
    limits = {"time_limit_s": time_limit_s, "work_limit": work_limit}
    plan = solve(instance, workers=workers, seed=seed, objective=objective, **limits)  # type: ignore[arg-type]
    sequences, everything = plan.schedule.sequences(), Pending.of(instance)
    makespan = {way: np.zeros(days, np.int64) for way in ways}
    tardiness = {way: np.zeros(days, np.int64) for way in ways}
    replans = np.zeros(days, np.int64)
    for number in range(days):
        day = Day.drawn(instance, seed=seed, number=number, cv=cv, mean_up=mean_up, mean_down=mean_down)
        for way in ways:
            if way == "static":
                happened = follow(everything, sequences, day)
            elif way == "rolling":
                rolled = rolling(
                    instance,
                    sequences,
                    day,
                    workers=workers,
                    seed=seed,
                    objective=objective,
                    **limits,  # type: ignore[arg-type]
                )
                happened, replans[number] = rolled.schedule, rolled.replans
            else:
                happened = non_delay(everything, way, seed=seed, floor=day)
            makespan[way][number], tardiness[way][number] = happened.makespan, happened.tardiness
        if on_day is not None:
            on_day(number + 1, days)
    return Comparison(plan, makespan, tardiness, replans)
