"""What makes trials no evidence: reasons, a sentence each, for which nothing may be claimed.

row_faults(plan, trials)          # rows that nobody can vouch for, or that were taken otherwise than planned
null_faults(plan, baselines)      # a task that is solved by doing nothing, or anything, or at the start already
limit_faults(plan, trials)        # a declared limit that no row tells about
course_faults(plan, trials, settled)   # a plan that was not followed to its end, or beyond
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from jangin.evidence.plan import Plan
from jangin.evidence.tables import distinct
from jangin.stats.family import Settled
from jangin.task import INVALID, SUCCESS, Array, Trials

__all__ = ["Rerun", "course_faults", "limit_faults", "null_faults", "row_faults"]

# the columns, any of which shows that a limit was watched; limits without a peak of their own end a trial by name
_WATCHED = {
    "force_n": ("peak_force_n",),
    "torque_nm": ("peak_torque_nm",),
    "tool_speed_m_s": ("peak_tool_speed_m_s",),
    "workspace_low_m": ("outcome",),
    "workspace_high_m": ("outcome",),
    "joint_margin_rad": ("outcome",),
}


@dataclass(frozen=True)
class Rerun:
    """The first block, run a second time from a new world: how many rows, and which columns came out differently."""

    rows: int
    differs: tuple[str, ...] = ()


def row_faults(plan: Plan, trials: Trials) -> list[str]:
    """Why rows, whole blocks in trial order, are no evidence under a plan."""
    missing = [name for name in ("trial", "seed", "outcome", "engine", "chip") if name not in trials.columns]
    if missing:
        return [f"The table has no column {', '.join(missing)}."]
    faults = []
    outcomes = distinct(trials["outcome"])
    for name in sorted(str(o) for o in outcomes if str(o).startswith(INVALID)):
        faults.append(f"{_which(trials, outcomes[name])} ended as {name}: the engine cannot vouch for them.")
    first = int(trials["trial"][0]) if len(trials) else 0
    if (
        first % plan.block
        or len(trials) % plan.block
        or not np.array_equal(trials["trial"], first + np.arange(len(trials)))
    ):
        faults.append(f"The rows are not whole blocks of {plan.block} consecutive trials.")
    for name, planned in (("seed", plan.seed), ("engine", plan.engine), ("chip", plan.chip)):
        other = np.asarray(trials[name] != planned)
        if other.any():
            got = trials[name][other].tolist()[0]
            faults.append(f"{_which(trials, other)} had the {name} {got!r}; the plan names {planned!r}.")
    for name, values in trials.columns.items():
        if values.dtype.kind == "f" and np.isnan(values).any():
            faults.append(f"{_which(trials, np.isnan(values))} recorded {name} as NaN: unknown is no value.")
    if "cycle_s" in trials.columns:
        odd = np.isfinite(trials["cycle_s"]) != (trials["outcome"] == SUCCESS)
        if odd.any():
            faults.append(f"{_which(trials, odd)} have a cycle_s that is finite without success, or infinite with it.")
    return faults


def _which(trials: Trials, rows: Array) -> str:
    n = int(np.sum(rows))
    return f"{n:,} of {len(trials):,} trials (the first is trial {trials['trial'][rows][0]})"


def plan_faults(plan: Plan) -> list[str]:
    """A plan whose physics is not the one for evidence, where its task has more than one."""
    physics = plan.task["fields"].get("physics", "evidence")
    if physics != "evidence":
        return [f"The plan's trials are on the physics {physics!r}; a verdict rests on the physics 'evidence' alone."]
    return []


def limit_faults(plan: Plan, trials: Trials) -> list[str]:
    """Declared limits that the record is silent about."""
    faults = []
    for name, value in plan.declaration["limits"].items():
        shows = _WATCHED.get(name, (name, f"peak_{name}"))
        if not any(column in trials.columns for column in shows):
            faults.append(
                f"The task limits {name} to {value}, but no column tells of it (wanted: {' or '.join(shows)}): "
                f"nothing shows that the limit was kept."
            )
    return faults


def null_faults(plan: Plan, baselines: Mapping[str, Trials]) -> list[str]:
    """A task that is solved by doing nothing, or anything, or at the start already, proves nothing about a policy."""
    asked = [c.p0 for c in plan.claims if c.kind == "success"]
    allowed = 0.5 * min(asked, default=1.0)
    faults = []
    for name, what in (("zero", "the zero action"), ("random", "random actions")):
        trials = baselines.get(name)
        if trials is None:
            faults.append(f"No trials with {what} are recorded, so nothing shows that the task needs a policy.")
            continue
        at_once = _at_once(plan, trials)
        if trials.successes < allowed * len(trials) and not (at_once and name == "zero"):
            continue
        early = f", {at_once:,} of them within the first control period" if at_once else ""
        faults.append(
            f"With {what} {trials.successes:,} of {len(trials):,} trials succeed{early}: "
            f"success says nothing about a policy here."
        )
    return faults


def _at_once(plan: Plan, trials: Trials) -> int:
    """Trials that succeeded within the first control period, before anything was done."""
    if "cycle_s" not in trials.columns:
        return 0
    return int(np.sum(trials["cycle_s"] <= 1.5 / float(plan.declaration["rate_hz"])))


def course_faults(plan: Plan, trials: Trials, settled: Settled) -> list[str]:
    """A plan is followed to where it is settled, and no further."""
    n = len(trials)
    if n and int(trials["trial"][0]) != 0:
        return [f"The evidence begins with trial {trials['trial'][0]}, not with trial 0."]
    if not settled.processes:  # only claims of grade B: the first block shows that the task is sound, no more are run
        end = plan.block
    elif settled.at is None:
        end = plan.max_trials
    else:
        end = -(-settled.at // plan.block) * plan.block
    if n < end and settled.at is None:
        return [f"The evidence ends undecided after {n:,} trials, though the plan goes on to {end:,}."]
    if n > end:
        return [f"The evidence has {n:,} trials, though the plan ends at {end:,}."]
    return []
