"""Static plan, rolling re-plan or dispatching rule: the same days for each, so that the differences are paired.

    found = compare(instance, ("static", "rolling", "MWKR"), days=30, seed=0, mean_up=800, mean_down=80)
    found.makespan["rolling"]                           # (30,): what the last job's end was on each day
    found.against("static", "rolling").sentence         # mean difference with its interval, from stats.output

"static" follows one optimised schedule's sequences through everything; "rolling" begins with the same and re-plans what
has not begun at every breakdown; a rule decides whenever a machine is free. Each meets the same breakdowns and the same
true durations (`Day.drawn`). With one worker and `work_limit` well inside `time_limit_s` the study repeats exactly.

    compare(instance, ways, days=30, seed=0, floor="line", mean_up=800, mean_down=80, counts="operation")

With `floor="line"` the days are replications of the line's engine, driven by each way (`drive`): times need not be
whole ticks, and breakdowns may count running time only. In each replication true durations and the times to failure
and repair are the same for every way.

What it does not say: how a plant behaves where re-planning itself takes time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from jangin.errors import BadSchedule, UnknownName
from jangin.line.layout import Exponential, Failure
from jangin.line.shop.as_line import as_line
from jangin.line.shop.cpsat import Solution, solve
from jangin.line.shop.drive import WAYS, drive
from jangin.line.shop.follow import Day, follow
from jangin.line.shop.instance import Instance
from jangin.line.shop.pending import Pending
from jangin.line.shop.replan import rolling
from jangin.line.shop.rules import non_delay
from jangin.line.shop.timetable import Sequences

if TYPE_CHECKING:
    from jangin.stats.output import Paired

__all__ = ["WAYS", "Comparison", "compare"]

FLOORS = ("shop", "line")
COUNTS = ("time", "operation")


@dataclass(frozen=True, eq=False)
class Comparison:
    """What became of the same days.

    Attributes:
        plan: the schedule that "static" and "rolling" begin with.
        makespan, tardiness: of each way, in ticks, (days,) int64; on the line float64.
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
    floor: Literal["shop", "line"] = "shop",
    counts: Literal["time", "operation"] = "time",
    on_day: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Run each way through days 0, 1, ... of a seed. `time_limit_s` and `work_limit` hold for each plan and re-plan.

    Args:
        cv: coefficient of variation of the true durations about the planned ones; lognormal.
        mean_up, mean_down: means of the exponential times to breakdown and to repair of every machine [ticks].
        floor: "shop" for the executor of this package, "line" for the line's engine.
        counts: "time": breakdowns come by the calendar; "operation": running time counts, which only a line can.
        on_day: called after each day with its number from 1, and how many there are.

    Raises: UnknownName for a way that is neither "static", "rolling" nor a rule; BadSchedule; MissingExtra.
    """
    for what, given, allowed in (
        *(("way of scheduling", way, WAYS) for way in ways),
        ("floor", floor, FLOORS),
        ("clock of breakdowns", counts, COUNTS),
    ):
        if given not in allowed:
            raise UnknownName(what, given, allowed)
    if days < 1:
        raise BadSchedule(f"{days} days to compare on; give 1 or more, and 2 or more for an interval.")
    if floor == "shop" and counts == "operation":
        raise BadSchedule("Breakdowns that count running time need the line's engine; give floor='line'.")
    if floor == "line":
        as_line(instance)  # refuses a shop that is no line before the search
    search = {"time_limit_s": time_limit_s, "work_limit": work_limit, "workers": workers, "objective": objective}
    plan = solve(instance, seed=seed, **search)  # type: ignore[arg-type]
    sequences, kind = plan.schedule.sequences(), np.float64 if floor == "line" else np.int64
    makespan = {way: np.zeros(days, kind) for way in ways}
    tardiness = {way: np.zeros(days, kind) for way in ways}
    replans = np.zeros(days, np.int64)
    for number in range(days):
        if floor == "line":
            run = _on_the_line(instance, sequences, seed, number, search, cv, mean_up, mean_down, counts)
        else:
            day = Day.drawn(instance, seed=seed, number=number, cv=cv, mean_up=mean_up, mean_down=mean_down)
            run = _in_the_shop(day, sequences, seed, search)
        for way in makespan:
            makespan[way][number], tardiness[way][number], made = run(way)
            replans[number] += made
        if on_day is not None:
            on_day(number + 1, days)
    return Comparison(plan, makespan, tardiness, replans)


Outcome = tuple[float, float, int]  # makespan, tardiness, re-plans


def _in_the_shop(day: Day, sequences: Sequences, seed: int, search: dict[str, Any]) -> Callable[[str], Outcome]:
    """Puts each way through one day of this package's executor."""
    everything = Pending.of(day.instance)

    def run(way: str) -> Outcome:
        if way == "rolling":
            rolled = rolling(day.instance, sequences, day, seed=seed, **search)
            return rolled.schedule.makespan, rolled.schedule.tardiness, rolled.replans
        if way == "static":
            happened = follow(everything, sequences, day)
        else:
            happened = non_delay(everything, way, seed=seed, floor=day)
        return happened.makespan, happened.tardiness, 0

    return run


def _on_the_line(
    instance: Instance,
    sequences: Sequences,
    seed: int,
    number: int,
    search: dict[str, Any],
    cv: float,
    mean_up: float,
    mean_down: float,
    counts: Literal["time", "operation"],
) -> Callable[[str], Outcome]:
    """Puts each way through one replication of the line's engine."""
    failures: tuple[Failure, ...] = ()
    if math.isfinite(mean_up) and mean_down > 0.0:
        failures = (Failure("breakdown", Exponential(mean_up), Exponential(mean_down), counts),)
    day = Day.drawn(instance, seed=seed, number=number, cv=cv, mean_up=mean_up, mean_down=mean_down)
    plant = as_line(instance, stretch=day.stretch, failures=failures)

    def run(way: str) -> Outcome:
        driven = drive(instance, plant, way, sequences, seed=seed, replication=number, **search)
        return driven.makespan, driven.tardiness, driven.replans

    return run
