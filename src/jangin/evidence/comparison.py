"""A comparison of two policies on the same trials: what a table of pairs says, from the table alone.

    comparison, record = judge_pairs(plan, trials, rerun)        # no simulator, no policy
    verify_comparison("runs/new-against-old")                    # the same from a folder, against what it recorded

The two policies are called A and B. Trial k is run by both: a pair, under the same conditions and noise. The pairs are
looked at one by one, in trial order; blocks are run whole and every row counts. It is settled at the first pair after
which the evidence for the claim, or against it, reaches 1/alpha:

    without a margin     A succeeds more often than B;                  against: B succeeds more often than A
    with a margin m      A's success rate is at least B's minus m;      against: it is more than m below B's

Each of the two is said wrongly with probability at most alpha. Trials are those of the purpose "compare": neither those
that anything learned from, nor those of a qualification, which must not be chosen by.

A comparison is INVALID when a row cannot be vouched for, when a pair does not share its conditions, when the plan was
not followed, or when the first block did not repeat to the bit. Then nothing is said.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jangin import __version__
from jangin.errors import BadFolder, JanginError
from jangin.evidence.agreement import first_difference, rounded
from jangin.evidence.comparison_plan import PAIRS_PLAN, SIDES, ComparisonPlan, read_comparison_plan
from jangin.evidence.faults import Rerun, course_faults, plan_faults, row_faults
from jangin.evidence.tables import by_policy, differing
from jangin.record import MANIFEST, RunFolder, sha256_file
from jangin.stats.betting import BettingProcess
from jangin.stats.compare import mcnemar, pairs_to_go, tango
from jangin.stats.family import settle
from jangin.stats.sequential import EProcess
from jangin.task import SUCCESS, Array, Trials

__all__ = [
    "COMPARISON",
    "PAIRS",
    "Comparison",
    "Standing",
    "comparison_hashes",
    "difference",
    "judge_pairs",
    "pair_faults",
    "pairs_block_name",
    "stored_pairs",
    "verify_comparison",
]

PAIRS, COMPARISON = "comparison/trials.parquet", "comparison/compare.json"
SCHEMA = "jangin-comparison/1"
TRACE_POINTS = 400  # of the course in compare.json; all of it can be computed from the trials
NAMED_TRIALS = 20  # of those that only one policy succeeded in, in compare.json

NOT_SHOWN = (
    "That one policy is better, or no worse, does not say that it is good enough: qualify it.",
    "Every trial ran in a simulator, under the declared conditions alone; how far the difference carries over to a "
    "real machine was not shown.",
)

Word = Literal["BETTER", "NOT_WORSE", "WORSE", "UNDECIDED", "INVALID"]


def pairs_block_name(k: int) -> str:
    """The file of block k while a comparison is under way."""
    return f"comparison/blocks/{k:06d}.parquet"


# ── the result ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Standing:
    """How one policy did.

    Attributes:
        name: of the policy.
        successes: of its trials.
        low, high: anytime bounds on its success rate, each at the plan's confidence.
        alone: the first trials that it succeeded in and the other did not.
    """

    name: str
    successes: int
    low: float
    high: float
    alone: tuple[int, ...]


@dataclass(frozen=True)
class Comparison:
    """What the pairs say of A against B, and what it rests on.

    Attributes:
        decision: BETTER, or with a margin NOT_WORSE; WORSE (by more than the margin); UNDECIDED; INVALID.
        sentence: the same for a person.
        claim: what was to be shown.
        pairs, won, lost: how many, and in how many of them A alone, or B alone, succeeded.
        decided_at: after how many pairs; None while undecided.
        a, b: how each did.
        low, high: anytime bounds on A's success rate minus B's, each at the plan's confidence.
        log_e_for, log_e_against: natural logs of the evidence for the claim and against it, when it was decided (or at
            the end); it decides at `log_threshold`.
        mcnemar_p, mcnemar_mid_p: McNemar's exact p-value and its mid-p form. They, and
        tango_low, tango_high: Tango's interval, would hold only had the number of pairs been fixed beforehand.
        more: about how many more pairs would decide; None where nobody can know, or it is decided.
        run_dir: the folder with plan and pairs.
        reasons: why it is INVALID, one sentence each.
        hashes: sha256 by name: plan, task, trials, and the policies'.
    """

    decision: Word
    sentence: str
    claim: str
    pairs: int
    won: int
    lost: int
    decided_at: int | None
    a: Standing
    b: Standing
    low: float
    high: float
    log_e_for: float
    log_e_against: float
    log_threshold: float
    mcnemar_p: float
    mcnemar_mid_p: float
    tango_low: float
    tango_high: float
    more: int | None
    run_dir: str = ""
    reasons: tuple[str, ...] = ()
    hashes: Mapping[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 the claim is shown, 1 its opposite, 3 undecided, 4 invalid (2 is wrong input, an exception)."""
        return {"BETTER": 0, "NOT_WORSE": 0, "WORSE": 1, "UNDECIDED": 3, "INVALID": 4}[self.decision]


def difference(sides: Mapping[str, Trials]) -> Array:
    """A's success minus B's, pair by pair, (n,) int8 in {-1, 0, 1}."""
    a, b = (np.asarray(sides[side]["outcome"] == SUCCESS) for side in SIDES)
    return a.astype(np.int8) - b.astype(np.int8)


def pair_faults(plan: ComparisonPlan, sides: Mapping[str, Trials]) -> list[str]:
    """Why pairs, whole blocks in trial order, are no evidence under a plan."""
    if missing := [side for side in SIDES if side not in sides]:
        return [f"The table has no rows of policy {missing[0]}."]
    faults = [f"{plan.policies[s]['name']} ({s}): {fault}" for s in SIDES for fault in row_faults(plan.of(s), sides[s])]
    if faults:
        return faults
    a, b = sides["A"], sides["B"]
    if len(a) != len(b):
        return [f"A has {len(a):,} trials and B {len(b):,}: they are no pairs."]
    names = [c["name"] for c in plan.declaration["conditions"]]
    if lost := [n for n in names if n not in a.columns or n not in b.columns]:
        return [f"The table has no column {lost[0]}, so nothing shows that pairs shared their conditions."]
    apart = differing(*(Trials({n: t[n] for n in ("trial", *names)}) for t in (a, b)))
    if apart:
        return [f"The two runs of a trial differ in {', '.join(apart)}: pairs that do not share it say nothing."]
    return []


def judge_pairs(
    plan: ComparisonPlan, trials: Trials, rerun: Rerun, hashes: Mapping[str, str] | None = None
) -> tuple[Comparison, dict[str, Any]]:
    """The comparison that a table with the column `policy` gives, and compare.json as plain values.

    Raises: BadFolder for a table without that column.
    """
    sides = by_policy(trials)
    reasons = pair_faults(plan, sides) + plan_faults(plan.of("A"))
    if rerun.differs:
        reasons.append(
            f"The first {rerun.rows:,} pairs, run again, differ in {', '.join(rerun.differs)}: "
            f"the simulation does not repeat."
        )
    if reasons:
        return _recorded(plan, _invalid(plan, sides, reasons, hashes or {}), None, rerun)
    process = plan.begin().extended(difference(sides))
    settled = settle([process], alpha_refute=plan.alpha)
    reasons = course_faults(plan.of("A"), sides["A"], settled)
    if reasons:
        return _recorded(plan, _invalid(plan, sides, reasons, hashes or {}), None, rerun)
    found = _comparison(plan, sides, process, settled.qualified_at, settled.refuted_at)
    return _recorded(plan, dataclasses.replace(found, hashes=dict(hashes or {})), process, rerun)


def _invalid(
    plan: ComparisonPlan, sides: Mapping[str, Trials], reasons: Sequence[str], hashes: Mapping[str, str]
) -> Comparison:
    """Nothing is said, and every bound says nothing."""
    counted = {s: sides[s].successes if s in sides and "outcome" in sides[s].columns else 0 for s in SIDES}
    a, b = (Standing(str(plan.policies[s]["name"]), counted[s], 0.0, 1.0, ()) for s in SIDES)
    return Comparison(
        decision="INVALID",
        sentence=f"Invalid evidence: {reasons[0]}",
        claim=plan.claim,
        pairs=max((len(t) for t in sides.values()), default=0),
        won=0,
        lost=0,
        decided_at=None,
        a=a,
        b=b,
        low=-1.0,
        high=1.0,
        log_e_for=0.0,
        log_e_against=0.0,
        log_threshold=-math.log(plan.alpha),
        mcnemar_p=1.0,
        mcnemar_mid_p=1.0,
        tango_low=-1.0,
        tango_high=1.0,
        more=None,
        reasons=tuple(reasons),
        hashes=dict(hashes),
    )


def _comparison(
    plan: ComparisonPlan, sides: Mapping[str, Trials], process: BettingProcess, shown: int | None, refuted: int | None
) -> Comparison:
    """Of pairs that are evidence."""
    n, won, lost = len(process), len(process.won), len(process.lost)
    at = refuted if shown is None else shown
    now = np.array([at or n])
    word: Word = "UNDECIDED" if at is None else "WORSE" if shown is None else "BETTER"
    if word == "BETTER" and plan.margin is not None:
        word = "NOT_WORSE"
    more = None if at is not None else _more(plan, process)
    low_tango, high_tango = tango(won, lost, n, confidence=plan.confidence)
    found = Comparison(
        decision=word,
        sentence="",
        claim=plan.claim,
        pairs=n,
        won=won,
        lost=lost,
        decided_at=at,
        a=_standing(plan, "A", sides["A"], process.won),
        b=_standing(plan, "B", sides["B"], process.lost),
        low=process.bound(),
        high=-plan.begin().extended(-difference(sides)).bound(),
        log_e_for=float(process.log_for(now)[0]),
        log_e_against=float(process.log_against(now)[0]),
        log_threshold=-math.log(plan.alpha),
        mcnemar_p=mcnemar(won, lost),
        mcnemar_mid_p=mcnemar(won, lost, mid=True),
        tango_low=low_tango,
        tango_high=high_tango,
        more=more,
    )
    return dataclasses.replace(found, sentence=_sentence(plan, found))


def _standing(plan: ComparisonPlan, side: str, trials: Trials, alone: Array) -> Standing:
    good = np.asarray(trials["outcome"] == SUCCESS)
    low, bad = (EProcess.begin(p0=0.5, alpha=plan.alpha).extended(x).bound() for x in (good, ~good))
    first = tuple(int(k) - 1 for k in alone[:NAMED_TRIALS])  # processes count from 1, trials from 0
    return Standing(str(plan.policies[side]["name"]), trials.successes, low, 1.0 - bad, first)


def _more(plan: ComparisonPlan, p: BettingProcess) -> int | None:
    won, lost = len(p.won), len(p.lost)
    counts = {"won": won, "drawn": len(p) - won - lost, "lost": lost}
    return pairs_to_go(**counts, margin=plan.margin or 0.0, alpha=plan.alpha)


def _sentence(plan: ComparisonPlan, c: Comparison) -> str:
    a, b = (f"{side} ({plan.policies[side]['name']})" for side in SIDES)
    task, margin = plan.task["name"], f"{plan.margin or 0.0:.12g}"
    after = f"shown after {c.decided_at:,} of {c.pairs:,} pairs" if c.decided_at else ""
    if c.decision == "BETTER":
        return f"{a} succeeds more often than {b} on {task}: {after}."
    if c.decision == "NOT_WORSE":
        return f"{a} is not worse than {b} on {task} by more than {margin}: {after}."
    if c.decision == "WORSE" and plan.margin is None:
        return f"{b} succeeds more often than {a} on {task}: {after}."
    if c.decision == "WORSE":
        return f"{a} is worse than {b} on {task} by more than {margin}: {after}."
    stand = f"Undecided after {c.pairs:,} pairs, of which A alone succeeded in {c.won:,} and B alone in {c.lost:,}"
    if c.more is not None:
        return (
            f"{stand}: about {rounded(c.more):,} more would likely decide it; give --max-trials "
            f"{rounded(c.pairs + c.more)} or more and another --out (the same seed is fine)."
        )
    if plan.margin is None:
        return (
            f"{stand}: so close that no number of pairs is likely to say which is better; ask with --margin 0.01 "
            f"whether A is not worse."
        )
    return f"{stand}: A is so nearly worse by just {margin} that no number of pairs is likely to decide; allow more."


# ── compare.json ─────────────────────────────────────────────────────────────────────────────────────────────────


def _recorded(
    plan: ComparisonPlan, c: Comparison, process: BettingProcess | None, rerun: Rerun
) -> tuple[Comparison, dict[str, Any]]:
    """The comparison, and its record: no time and no place, so the same run gives the same bytes."""
    plain = dataclasses.asdict(c)
    del plain["run_dir"]
    for side in ("a", "b"):
        plain[side]["alone"] = list(plain[side]["alone"])
    record = {
        "schema": SCHEMA,
        "exit_code": c.exit_code,
        "confidence": plan.confidence,
        "margin": plan.margin,
        "trace": None if process is None else _trace(process),
        "rerun": {"rows": rerun.rows, "differs": list(rerun.differs)},
        "not_shown": list(NOT_SHOWN),
        **plain,
        "reasons": list(c.reasons),
    }
    return c, record


def _trace(p: BettingProcess) -> dict[str, list[float]]:
    at = np.unique(np.linspace(1, len(p), min(TRACE_POINTS, len(p))).astype(np.int64))
    return {
        "n": at.tolist(),
        "log_e_for": p.log_for(at).tolist(),
        "log_e_against": p.log_against(at).tolist(),
        "low": p.bounds(at).tolist(),
    }


# ── a folder ─────────────────────────────────────────────────────────────────────────────────────────────────────


def stored_pairs(folder: RunFolder, plan: ComparisonPlan) -> list[Trials]:
    """What is there under a plan: the table, if any, then the blocks that came after it."""
    parts = [folder.read_trials(PAIRS)] if folder.has(PAIRS) else []
    done = sum(len(p) for p in parts) // (len(SIDES) * plan.block)
    while folder.has(pairs_block_name(done)):
        parts.append(folder.read_trials(pairs_block_name(done)))
        done += 1
    if any(p.meta.get("plan") != plan.sha256 for p in parts):
        raise BadFolder(f"{folder.path} holds pairs of another plan than {PAIRS_PLAN}. Give another place with --out.")
    return parts


def comparison_hashes(folder: RunFolder, plan: ComparisonPlan) -> dict[str, str]:
    """sha256 by name of what a comparison rests on."""
    policies = {f"policy_{s.lower()}": p["sha256"] for s, p in plan.policies.items() if p["sha256"] is not None}
    files = {"plan": sha256_file(folder / PAIRS_PLAN), "trials": sha256_file(folder / PAIRS)}
    return {"task": str(plan.task["sha256"]), **files, **policies}


def verify_comparison(folder: RunFolder | str | Path) -> Comparison:
    """The comparison that a folder's pairs give; INVALID, with the sentence why, where it is not the recorded one.

    Counts and decisions must be equal, other numbers to 1e-9. Raises: BadFolder when there is no finished comparison.
    """
    folder = folder if isinstance(folder, RunFolder) else RunFolder.open(folder)
    plan = read_comparison_plan(folder)
    if not folder.has(COMPARISON) or not folder.has(PAIRS):
        pairs = sum(len(p) for p in stored_pairs(folder, plan)) // len(SIDES)
        raise BadFolder(
            f"The comparison in {folder.path} is not finished: {pairs:,} pairs in whole blocks are there. "
            f"The same compare command goes on from them."
        )
    recorded = folder.read_json(COMPARISON)
    if not isinstance(recorded, dict) or not isinstance(recorded.get("hashes"), dict):
        raise BadFolder(f"{folder / COMPARISON} holds no comparison. Run compare again.")
    try:
        why, found = _check(folder, plan, recorded)
    except JanginError as e:
        why, found = str(e), None
    if why or found is None:
        found = _invalid(plan, {}, [why], recorded["hashes"])
        found = dataclasses.replace(found, sentence=f"Not verified: {why}")
    return dataclasses.replace(found, run_dir=str(folder.path))


def _check(folder: RunFolder, plan: ComparisonPlan, recorded: Mapping[str, Any]) -> tuple[str, Comparison | None]:
    """The first difference in words, "" for none; and the comparison, None where it did not come to that."""
    if folder.has(MANIFEST):
        folder.check()
    hashes = comparison_hashes(folder, plan)
    if changed := [k for k in {**hashes, **recorded["hashes"]} if hashes.get(k) != recorded["hashes"].get(k)]:
        return f"The sha256 of {changed[0]} differs from that in {COMPARISON}: it was changed afterwards.", None
    trials = folder.read_trials(PAIRS)
    if trials.meta.get("plan") != hashes["plan"]:
        return f"{folder / PAIRS} was made under another plan than {PAIRS_PLAN}.", None
    again = recorded.get("rerun", {})
    rerun = Rerun(int(again.get("rows", 0)), tuple(again.get("differs", ())))
    found, record = judge_pairs(plan, trials, rerun, hashes)
    words = () if plan.versions.get("jangin") == __version__ else ("sentence", "reasons", "not_shown")
    return first_difference(recorded, record, file=COMPARISON, skip=words), found
