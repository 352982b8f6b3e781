"""Many recorded problems, driven by several planners in both replays: one table.

    rows = study([read_commonroad(path) for path in paths])
    for line in summary(rows): ...                       # per planner and replay: goal rate, crashes, costs
    beside(rows, verdicts)                               # SM1 beside stored solutions, where both reach the goal

A row is a problem, a planner and a replay. A problem that a planner finds no course for, or that lasts too long, is a
row as well: "refused", with the sentence. Rates are shares of all problems that were not refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from jangin.errors import BadRoad, BadTask
from jangin.vehicle.commonroad import Problem, Scenario
from jangin.vehicle.driving.judge import COSTS, Verdict
from jangin.vehicle.driving.planners import PLANNERS, Planner
from jangin.vehicle.driving.ride import REPLAYS, drive

__all__ = ["Beside", "Row", "Summary", "beside", "study", "summary"]


@dataclass(frozen=True)
class Row:
    """One drive; `why` says who was hit, what was missed, or why it was refused."""

    scenario: str
    problem: str
    planner: str
    replay: str
    outcome: str
    at_fault: bool
    hit: str  # the kind of a collision, "" for none
    steps: int
    min_ttc_s: float
    costs: Mapping[str, float]
    why: str


@dataclass(frozen=True)
class Summary:
    """All rows of a planner in a replay.

    Attributes:
        driven, refused: problems.
        goal, collision, off_road, timeout: shares of the driven.
        at_fault: share of the driven with a collision that the vehicle is at fault for.
        low, high: Wilson's 95 % interval of the goal rate.
        costs: median of each cost function over the drives that reached the goal; NaN if none did.
    """

    planner: str
    replay: str
    driven: int
    refused: int
    goal: float
    low: float
    high: float
    collision: float
    at_fault: float
    off_road: float
    timeout: float
    costs: Mapping[str, float]


@dataclass(frozen=True)
class Beside:
    """A cost of ours beside that of stored solutions of the same problems.

    Attributes:
        problems: that have a stored solution and were driven.
        goal, their_goal: how many of them each reached, by the same judge.
        both: how many both reached; the medians, and the share in which ours is lower, are over these.
    """

    problems: int
    goal: int
    their_goal: int
    both: int
    median: float
    their_median: float
    lower: float


def study(
    scenarios: Iterable[Scenario], *, planners: Sequence[Planner] = PLANNERS, replays: Sequence[str] = REPLAYS
) -> tuple[Row, ...]:
    """Every problem of the scenarios, driven by every planner in every replay."""
    return tuple(
        _row(scenario, problem, planner, replay)
        for scenario in scenarios
        for problem in scenario.problems
        for planner in planners
        for replay in replays
    )


def _row(scenario: Scenario, problem: Problem, planner: Planner, replay: str) -> Row:
    key = (scenario.id, problem.name, planner.name, replay)
    try:
        verdict = drive(scenario, problem, planner, replay=replay).verdict
    except (BadRoad, BadTask) as refusal:  # a scenario that cannot be driven is a result of the study
        return Row(*key, "refused", False, "", 0, np.inf, dict.fromkeys(COSTS, np.nan), str(refusal))
    hit = verdict.hit
    why = f"{hit.kind}: {hit.name}" if hit is not None else verdict.missed
    kind = "" if hit is None else hit.kind
    return Row(*key, verdict.outcome, verdict.at_fault, kind, verdict.steps, verdict.min_ttc_s, verdict.costs, why)


def summary(rows: Sequence[Row]) -> tuple[Summary, ...]:
    """The rows of each planner and replay together, in the order they come."""
    kinds = dict.fromkeys((row.planner, row.replay) for row in rows)
    return tuple(_summed(*kind, [row for row in rows if (row.planner, row.replay) == kind]) for kind in kinds)


def _summed(planner: str, replay: str, rows: list[Row]) -> Summary:
    driven = [row for row in rows if row.outcome != "refused"]
    n = len(driven)

    def share(count: int) -> float:
        return count / n if n else np.nan

    won = [row for row in driven if row.outcome == "goal"]
    low, high = _wilson(len(won), n)
    return Summary(
        planner=planner,
        replay=replay,
        driven=n,
        refused=len(rows) - n,
        goal=share(len(won)),
        low=low,
        high=high,
        collision=share(sum(row.outcome == "collision" for row in driven)),
        at_fault=share(sum(row.at_fault for row in driven)),
        off_road=share(sum(row.outcome == "off_road" for row in driven)),
        timeout=share(sum(row.outcome == "timeout" for row in driven)),
        costs={name: _median([row.costs[name] for row in won]) for name in COSTS},
    )


def _median(values: Sequence[float]) -> float:
    finite = [value for value in values if np.isfinite(value)]
    return float(np.median(finite)) if finite else np.nan


def _wilson(won: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's interval. Source: Wilson, J. American Statistical Association 22 (1927) 209."""
    if n == 0:
        return 0.0, 1.0
    share, extra = won / n, z * z / n
    middle = (share + 0.5 * extra) / (1.0 + extra)
    half = z * np.sqrt(share * (1.0 - share) / n + 0.25 * extra / n) / (1.0 + extra)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def beside(rows: Sequence[Row], stored: Mapping[tuple[str, str], Verdict], *, cost: str = "SM1") -> Beside:
    """One planner's rows in the log beside the verdicts on stored solutions, by scenario and problem."""
    pairs = [
        (row, stored[row.scenario, row.problem])
        for row in rows
        if row.outcome != "refused" and (row.scenario, row.problem) in stored
    ]
    both = [(row.costs[cost], v.costs[cost]) for row, v in pairs if row.outcome == v.outcome == "goal"]
    return Beside(
        problems=len(pairs),
        goal=sum(row.outcome == "goal" for row, _ in pairs),
        their_goal=sum(v.outcome == "goal" for _, v in pairs),
        both=len(both),
        median=_median([ours for ours, _ in both]),
        their_median=_median([theirs for _, theirs in both]),
        lower=float(np.mean([ours < theirs for ours, theirs in both])) if both else np.nan,
    )
