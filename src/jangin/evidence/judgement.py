"""The judgement: what a table of trials says about a plan's claims, from the table alone.

    judgement = judge(plan, trials, baselines, rerun, estimates)
    judgement.verdict, judgement.record               # a Verdict, and evidence/verdict.json as plain values

How trials are counted: blocks are run whole, and every row of every block that was run counts. The rule is looked at
after each trial in trial order; it is settled at the first trial after which all claims are supported or the family of
claims is refuted, and no further block is run. That is fair because the e-processes hold at any stopping time.

A judgement is INVALID when a row cannot be vouched for, when the plan was not followed, when the first block did not
repeat to the bit, or when doing nothing (or anything) passes. Then nothing is claimed: every bound is 0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from jangin.claim import Claim
from jangin.evidence.agreement import rounded
from jangin.evidence.courses import begin, fed
from jangin.evidence.estimates import Estimate
from jangin.evidence.faults import Rerun, course_faults, limit_faults, null_faults, plan_faults, row_faults
from jangin.evidence.plan import Plan
from jangin.partition import partition
from jangin.stats.binomial import interval
from jangin.stats.cells import EachCell
from jangin.stats.family import Settled, settle
from jangin.stats.planning import trials_to_go
from jangin.stats.quantile import quantile
from jangin.stats.sequential import Process
from jangin.task import CellResult, ClaimResult, Trials, Verdict

__all__ = ["NOT_SHOWN", "Judgement", "judge", "results"]

SCHEMA_VERDICT = "jangin-verdict/2"
TRACE_POINTS = 400  # of each claim's e-processes in verdict.json; all of them can be computed from the trials

NOT_SHOWN = (
    "This is a claim about a task, not a safety function: stopping, separation and force on people belong to a safety "
    "controller that is certified separately.",
    "Every trial ran in a simulator; how far the numbers carry over to a real machine was not shown.",
    "Only the declared conditions were varied, independently and over the declared ranges; nothing is said of others.",
    "Only this policy, on this task with this robot, was tried; another file needs its own evidence.",
)
ESTIMATED = (
    "A claim of grade B rests on an estimate, not on a bound: a search along a continuous measure found no more, and "
    "what such a search overlooks it does not count."
)

Word = Literal["QUALIFIED", "NOT_QUALIFIED", "UNDECIDED", "INVALID"]


@dataclass(frozen=True)
class Judgement:
    """A Verdict without folder and file hashes, and the plain values of verdict.json."""

    verdict: Verdict
    record: Mapping[str, Any]


def judge(
    plan: Plan,
    trials: Trials,
    baselines: Mapping[str, Trials],
    rerun: Rerun,
    estimates: Mapping[str, Estimate],
    hashes: Mapping[str, str] | None = None,
) -> Judgement:
    """Decide the plan's claims; see the module. `baselines` hold at least "zero" and "random", `estimates` those
    claims of grade B that were searched, by their text.

    Raises: BadClaim when a claim reads a column that the trials do not have.
    """
    processes = fed(plan, begin(plan), trials)
    settled = settle(processes, alpha_refute=plan.alpha_refute)
    reasons = row_faults(plan, trials) + plan_faults(plan) + limit_faults(plan, trials)
    if rerun.differs:
        reasons.append(
            f"The first {rerun.rows:,} trials, run again, differ in {', '.join(rerun.differs)}: "
            f"the simulation does not repeat."
        )
    reasons += null_faults(plan, baselines)
    reasons += [] if reasons else course_faults(plan, trials, settled)
    claims = results(plan, processes, settled, estimates)
    word: Word
    if reasons:
        word = "INVALID"
        claims = tuple(_without_claim(c) for c in claims)
        sentence = f"Invalid evidence: {reasons[0]}"
    else:
        word, sentence, reasons = _decide(plan, claims, settled, len(trials))
    verdict = Verdict(
        verdict=word,
        sentence=sentence,
        trials=len(trials),
        claims=claims,
        run_dir="",
        reasons=tuple(reasons),
        baselines={name: _summary(t) for name, t in baselines.items()},
        hashes={} if hashes is None else dict(hashes),
    )
    return Judgement(verdict, _record(plan, verdict, processes, settled, rerun))


def _decide(plan: Plan, claims: Sequence[ClaimResult], settled: Settled, n: int) -> tuple[Word, str, list[str]]:
    """The word, its sentence, and the reasons of one that is no decision."""
    broken = [c for c in claims if c.grade == "B" and c.decision == "refuted"]
    if settled.refuted_at is not None or broken:
        return "NOT_QUALIFIED", _refuted(plan, claims, settled), []
    if all(c.decision == "supported" for c in claims) and (settled.qualified_at is not None or not plan.proved):
        return "QUALIFIED", _qualified(plan, settled, n), []
    reasons = _open(plan, claims)
    return "UNDECIDED", f"Undecided after {n:,} trials: {reasons[0]}", reasons


def _without_claim(c: ClaimResult) -> ClaimResult:
    cells = tuple(dataclasses.replace(x, bound=0.0, decision="undecided") for x in c.cells)
    return dataclasses.replace(c, bound=0.0, decision="undecided", decided_at=None, cells=cells, estimate=None)


# ── claim by claim ───────────────────────────────────────────────────────────────────────────────────────────────


def results(
    plan: Plan, processes: Sequence[Process], settled: Settled, estimates: Mapping[str, Estimate]
) -> tuple[ClaimResult, ...]:
    """Each claim's standing, in the plan's order; logarithms of the e-processes as they were when it was decided, else
    now."""
    proved = {
        str(c): _result(plan, c, p, label, at)
        for c, p, label, at in zip(plan.proved, processes, settled.labels, settled.decided_at, strict=True)
    }
    return tuple(proved[str(c)] if c.grade == "A" else _estimated(c, estimates.get(str(c))) for c in plan.claims)


def _result(plan: Plan, claim: Claim, p: Process, label: Any, at: int | None) -> ClaimResult:
    n = len(p)
    log_for, log_against = (float(v(np.array([at or n]))[0]) if n else 0.0 for v in (p.log_for, p.log_against))
    return ClaimResult(
        claim=str(claim),
        n=n,
        successes=p.successes_at(n),
        bound=p.bound(),
        decision=label,
        log_e_for=log_for,
        log_e_against=log_against,
        decided_at=at,
        cells=_cells(plan, claim, p) if isinstance(p, EachCell) else (),
    )


def _cells(plan: Plan, claim: Claim, p: EachCell) -> tuple[CellResult, ...]:
    parts = partition(plan.conditions, claim.cells or ())
    return tuple(
        CellResult(part.text, r.n, r.successes, r.bound, r.decision)
        for part, r in zip(parts, p.cell_results(plan.alpha_refute), strict=True)
    )


def _estimated(claim: Claim, estimate: Estimate | None) -> ClaimResult:
    """A claim of grade B: supported when both methods' intervals lie below it, refuted when both lie above."""
    decision: Literal["supported", "refuted", "undecided"] = "undecided"
    if estimate is not None and not estimate.refused:
        assert estimate.low is not None and estimate.high is not None
        if estimate.high <= claim.allowed:
            decision = "supported"
        elif estimate.low > claim.allowed:
            decision = "refuted"
    return ClaimResult(
        claim=str(claim),
        n=0 if estimate is None else estimate.evaluations,
        successes=0,
        bound=0.0,
        decision=decision,
        log_e_for=0.0,
        log_e_against=0.0,
        grade="B",
        estimate=None if estimate is None else dataclasses.asdict(estimate),
    )


# ── sentences ────────────────────────────────────────────────────────────────────────────────────────────────────


def _qualified(plan: Plan, settled: Settled, n: int) -> str:
    proved, estimated = len(plan.proved), len(plan.estimated)
    if not proved:
        return (
            f"Qualified by estimate (grade B): searches found {plan.policy['name']} on {plan.task['name']} within what "
            f"is claimed; nothing was proved."
        )
    claims = "its claim" if proved == 1 else f"all {proved} claims"
    beside = ""
    if estimated:
        beside = f"; {estimated} more {'rests' if estimated == 1 else 'rest'} on an estimate (grade B) and no proof"
    return (
        f"Qualified: {plan.policy['name']} on {plan.task['name']} has proved {claims}, "
        f"settled after {settled.qualified_at:,} of {n:,} trials{beside}."
    )


def _refuted(plan: Plan, claims: Sequence[ClaimResult], settled: Settled) -> str:
    blamed = [f"'{c.claim}' ({_stand(c)})" for c in claims if c.decision == "refuted"]
    what = f"refute {' and '.join(blamed)}" if blamed else "refute the claims together, though none of them alone"
    who = f"the trials of {plan.policy['name']} on {plan.task['name']}"
    after = "" if settled.refuted_at is None else f", settled after {settled.refuted_at:,}"
    return f"Not qualified: {who} {what}{after}."


def _stand(c: ClaimResult) -> str:
    """How a claim stands, in brackets."""
    if c.estimate is not None:
        return f"estimated at {c.estimate['probability']:.2g}, grade B"
    failing = [x for x in c.cells if x.decision == "refuted"]
    if failing:
        return "; ".join(f"{x.successes:,} of {x.n:,} where {x.cell}" for x in failing)
    return f"{c.successes:,} of {c.n:,} trials speak for it"


def _open(plan: Plan, claims: Sequence[ClaimResult]) -> list[str]:
    """A sentence for each undecided claim: how it stands, and about how many more trials would decide it."""
    found = []
    for claim, c in zip(plan.claims, claims, strict=True):
        if c.decision != "undecided":
            continue
        if claim.grade == "B":
            found.append(_open_estimate(c))
            continue
        if claim.kind == "reference":
            found.append(
                f"'{c.claim}' is neither shown nor refuted after {c.n:,} pairs (the mean difference is at least "
                f"{c.bound:+.4f}); give more --max-trials and another --out (the same seed is fine)."
            )
            continue
        found.append(_open_claim(plan, claim, c))
    return found


def _open_claim(plan: Plan, claim: Claim, c: ClaimResult) -> str:
    n, s, share, where = c.n, c.successes, 1.0, ""
    if c.cells:  # the cell that is furthest from its decision
        parts = partition(plan.conditions, claim.cells or ())
        # each cell may be decided by itself while all together, which is a stricter question, are not yet
        open_ = [pair for pair in zip(c.cells, parts, strict=True) if pair[0].decision != "supported"]
        worst, part = min(open_, key=lambda pair: pair[0].bound)
        n, s, share, where = worst.n, worst.successes, part.probability, f" where {worst.cell}"
    more = trials_to_go(
        successes=s,
        failures=n - s,
        p0=claim.p0,
        alpha=claim.alpha,
        alpha_refute=plan.alpha_refute / max(len(plan.proved), 1),
    )
    more = None if more is None else int(np.ceil(more / share))
    remedy = (
        "its rate is so close to the claimed one that no number of trials is likely to decide it; change the claim."
        if more is None
        else f"about {rounded(more):,} more would likely decide it: give --max-trials {rounded(c.n + more)} or "
        "more and another --out (the same seed is fine)."
    )
    return (
        f"'{c.claim}' is neither proved nor refuted ({s:,} of {n:,} trials{where} speak for it, "
        f"lower bound {np.floor(c.bound * 1e4) / 1e4:.4f}); {remedy}"
    )


def _open_estimate(c: ClaimResult) -> str:
    assert c.estimate is not None, "evidence that trials do not refute is searched before it is judged"
    if c.estimate["refused"]:
        return f"'{c.claim}' has no estimate: {c.estimate['refused']}"
    return (
        f"'{c.claim}' is estimated at {c.estimate['probability']:.2g} with an interval "
        f"{c.estimate['low']:.2g} to {c.estimate['high']:.2g} that holds the claimed value: "
        f"give more --search-trials and another --out."
    )


# ── verdict.json ─────────────────────────────────────────────────────────────────────────────────────────────────


def _summary(trials: Trials) -> dict[str, Any]:
    """One baseline in numbers; a quantile is None where it is infinite (so many trials failed)."""
    n, s = len(trials), trials.successes
    low, high = interval(successes=s, trials=n)
    found: dict[str, Any] = {"trials": n, "successes": s, "low": low, "high": high}
    for name, q, column in (("median_cycle_s", 0.5, "cycle_s"), ("q95_peak_force_n", 0.95, "peak_force_n")):
        if column in trials.columns and not np.isnan(trials[column]).any():
            value = quantile(trials[column], q)
            found[name] = value if np.isfinite(value) else None
    return found


def _record(
    plan: Plan, verdict: Verdict, processes: Sequence[Process], settled: Settled, rerun: Rerun
) -> dict[str, Any]:
    """verdict.json: the verdict and what a report draws; no time and no place, so the same run gives the same bytes."""
    n = verdict.trials
    return {
        "schema": SCHEMA_VERDICT,
        "verdict": verdict.verdict,
        "exit_code": verdict.exit_code,
        "sentence": verdict.sentence,
        "reasons": list(verdict.reasons),
        "trials": verdict.trials,
        "claims": [_claim_record(c) for c in verdict.claims],
        "family": {
            "alpha_refute": plan.alpha_refute,
            "qualified_at": settled.qualified_at,
            "refuted_at": settled.refuted_at,
            "log_e_against": float(settled.log_mean_against(np.array([n]))[0]) if n and plan.proved else 0.0,
        },
        "trace": []
        if verdict.verdict == "INVALID"
        else [_trace(str(c), c.alpha, p) for c, p in zip(plan.proved, processes, strict=True)],
        "baselines": {k: dict(v) for k, v in verdict.baselines.items()},
        "rerun": {"rows": rerun.rows, "differs": list(rerun.differs)},
        "hashes": dict(verdict.hashes),
        "not_shown": [*NOT_SHOWN, *([ESTIMATED] if plan.estimated else [])],
    }


def _claim_record(c: ClaimResult) -> dict[str, Any]:
    return {**dataclasses.asdict(c), "cells": [dataclasses.asdict(cell) for cell in c.cells]}


def _trace(claim: str, alpha: float, p: Process) -> dict[str, Any]:
    """At most TRACE_POINTS of a claim's course: trials, both logarithms, and the anytime bound."""
    at = (
        np.unique(np.linspace(1, len(p), min(TRACE_POINTS, len(p))).astype(np.int64))
        if len(p)
        else np.zeros(0, np.int64)
    )
    return {
        "claim": claim,
        "n": at.tolist(),
        "log_e_for": p.log_for(at).tolist(),
        "log_e_against": p.log_against(at).tolist(),
        "bound": p.bounds(at).tolist(),
        "log_threshold": float(-np.log(alpha)),
    }
