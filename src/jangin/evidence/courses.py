"""From a plan's claims to the processes that decide them: which rows speak for a claim, and how they are counted.

    courses = begin(plan)                            # one process for each claim that trials decide
    courses = fed(plan, courses, trials)             # with the rows that come next, in trial order
    settle(courses, alpha_refute=plan.alpha_refute)

A claim in each cell is one process per cell on the trials that lie in it; a claim against a reference is a bet on the
difference of the two outcomes of each trial; all others are one Bernoulli question on every trial.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jangin.claim import Claim
from jangin.errors import BadClaim
from jangin.evidence.plan import Plan, reference_column
from jangin.partition import partition
from jangin.stats.betting import BettingProcess
from jangin.stats.cells import EachCell
from jangin.stats.sequential import EProcess, Process
from jangin.task import SUCCESS, Array, Trials

__all__ = ["begin", "fed"]


def begin(plan: Plan) -> list[Process]:
    """The processes of the claims that trials decide, before the first trial."""
    return [_begin(plan, claim) for claim in plan.proved]


def _begin(plan: Plan, claim: Claim) -> Process:
    if claim.kind == "reference":
        return BettingProcess.begin(margin=claim.allowed, alpha=claim.alpha)
    if claim.cells is None:
        return EProcess.begin(p0=claim.p0, alpha=claim.alpha)
    parts = partition(plan.conditions, claim.cells)
    return EachCell.begin(len(parts), p0=claim.p0, alpha=claim.alpha)


def fed(plan: Plan, processes: Sequence[Process], trials: Trials) -> list[Process]:
    """The processes with the rows of `trials`, which come next in trial order; raises BadClaim for a missing column."""
    return [_fed(plan, c, p, trials) for c, p in zip(plan.proved, processes, strict=True)]


def _fed(plan: Plan, claim: Claim, process: Process, trials: Trials) -> Process:
    good = claim.indicator(trials.columns)
    if isinstance(process, BettingProcess):
        return process.extended(good.astype(np.int8) - _reference_good(plan, claim, trials).astype(np.int8))
    if isinstance(process, EachCell):
        parts = partition(plan.conditions, claim.cells or ())
        return process.extended(good, np.stack([p.holds(trials.columns) for p in parts], axis=1))
    assert isinstance(process, EProcess)
    return process.extended(good)


def _reference_good(plan: Plan, claim: Claim, trials: Trials) -> Array:
    """Whether the reference succeeded in each trial, (n,) bool."""
    k = [r["name"] for r in plan.references].index(claim.reference)
    if reference_column(k) not in trials.columns:
        raise BadClaim(f"The claim '{claim}' compares with {claim.reference}, whose outcomes the trials do not hold.")
    return np.asarray(trials[reference_column(k)] == SUCCESS)
