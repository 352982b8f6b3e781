"""A station that is the evidence of a policy: what its run folder says, checked before a number of it is used.

    evidence = read_evidence(Path("runs/peg"), declared)     # a StationEvidence; BadFolder, InvalidEvidence
    evidence.outcomes, evidence.cycle_s                      # {"success": 6105, "timeout": 39}, sorted times [s]
    warnings(evidence, today=date.today())                   # what to know before using it, one sentence each
    line_from_evidence(Path("runs/peg"))                     # the smallest line: this station alone, never starved

What is refused: a folder in which a byte differs from its manifest or from the hashes in verdict.json, a qualification
that is not finished, rows that do not follow the plan, a verdict INVALID, and trials without a success. What is only
warned of: a verdict NOT_QUALIFIED or UNDECIDED. Such trials are as true as any other; the line is then what that
policy gives. Whether the verdict follows from the trials is what `jangin verify` recomputes.

`evidence_posterior.py` says what the trials leave open, `evidence_times.py` draws part times from it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from jangin.errors import BadFile, BadFolder, InvalidEvidence, nearest
from jangin.evidence import BASELINES, PLAN, TRIALS, VERDICT, Plan, read_plan, row_faults
from jangin.line.layout import Constant, Cycle, Distribution, Evidence, Layout, Release, Station, Trace
from jangin.record import MANIFEST, RunFolder, sha256_file
from jangin.task import SUCCESS, TIMEOUT, Choice, Condition, Trials

__all__ = ["FEW", "UNSEEN", "StationEvidence", "line_from_evidence", "paced", "read_evidence", "warnings"]

Array = np.ndarray

FEW = 100  # trials, below which the spread of the times is known too badly for its interval to be trusted
UNSEEN = "unseen"  # the failure that stands for all of them where no trial failed
_HASHED = {"plan": PLAN, "trials": TRIALS, "baselines": BASELINES}


@dataclass(frozen=True, eq=False)
class StationEvidence:
    """What the trials of a run folder say about one station.

    Attributes:
        run: the folder.
        declared: how the layout uses it.
        outcomes: trials by how they ended, success first, then the failures in alphabetical order; seen ones only.
        cycle_s: (nsuccesses,) times of the successful attempts, sorted [s].
        failed_s: time of a failed attempt [s]: the declared one, or the task's time limit; as cycle_s at the declared
            pace.
        limit_s: the task's time limit [s].
        task, policy, chip, engine: what was tried, on what.
        made: when the verdict was written, by the file's date; copy folders with their dates (`cp -a`).
        verdict, sentence: as recorded.
        plan_sha256, trials_sha256: hashes of the plan and of the trials' table; the latter tells evidence apart.
        conditions: what was varied, by name.
    """

    run: Path
    declared: Evidence
    outcomes: Mapping[str, int]
    cycle_s: Array
    failed_s: float
    limit_s: float
    task: str
    policy: str
    chip: str
    engine: str
    made: date
    verdict: str
    sentence: str
    plan_sha256: str
    trials_sha256: str
    conditions: Mapping[str, Condition]

    @property
    def trials(self) -> int:
        """How many trials there are."""
        return sum(self.outcomes.values())

    @property
    def failures(self) -> tuple[str, ...]:
        """The reasons of failure that were seen, or (UNSEEN,) where none was."""
        return tuple(name for name in self.outcomes if name != SUCCESS) or (UNSEEN,)

    def recovery(self, reason: str) -> Distribution:
        """Time after an attempt that failed so [s]."""
        after = self.declared.recovery
        return after.get(reason, after.get("default", Constant(0.0)))


def read_evidence(run: Path, declared: Evidence) -> StationEvidence:
    """The evidence in a run folder, its hashes checked first.

    Raises: BadFolder for a folder without finished evidence, or with a byte that differs; InvalidEvidence for a verdict
        INVALID, rows that do not follow the plan, and trials without a success; BadFile for a declaration that says
        what cannot be.
    """
    check_declared(declared)
    folder = RunFolder.open(run)
    recorded = _recorded(folder)
    plan = read_plan(folder)
    trials = _trials(folder, plan, recorded)
    names, counts = np.unique(np.asarray(trials["outcome"], str), return_counts=True)
    seen = {str(name): int(n) for name, n in zip(names, counts, strict=True)}
    if SUCCESS not in seen:
        raise InvalidEvidence(
            f"None of the {len(trials):,} trials in {run} succeeded, so nothing is known about how long a success "
            f"takes. Use the evidence of a policy that can do the task."
        )
    limit_s = float(plan.declaration["limit_s"])
    found = StationEvidence(
        run=Path(run),
        declared=declared,
        outcomes={SUCCESS: seen[SUCCESS], **{k: n for k, n in sorted(seen.items()) if k != SUCCESS}},
        cycle_s=np.sort(trials["cycle_s"][trials["outcome"] == SUCCESS].astype(float)),
        failed_s=limit_s if declared.failed_s is None else declared.failed_s,
        limit_s=limit_s,
        task=str(plan.task["name"]),
        policy=str(plan.policy["name"]),
        chip=plan.chip,
        engine=plan.engine,
        made=datetime.fromtimestamp((folder / VERDICT).stat().st_mtime, UTC).date(),
        verdict=str(recorded["verdict"]),
        sentence=str(recorded.get("sentence", "")),
        plan_sha256=plan.sha256,
        trials_sha256=str(recorded["hashes"]["trials"]),
        conditions={c.name: c for c in plan.conditions},
    )
    return paced(found, declared.pace)


def paced(evidence: StationEvidence, pace: float) -> StationEvidence:
    """What the trials would say had every attempt, failed ones too, taken `pace` times as long; nothing else changes.

    A what-if: no trial was made at that pace, and a policy that is hurried may fail more often.
    """
    if pace == 1.0:
        return evidence
    return dataclasses.replace(
        evidence,
        declared=dataclasses.replace(evidence.declared, pace=pace),
        cycle_s=evidence.cycle_s * pace,
        failed_s=evidence.failed_s * pace,
    )


def check_declared(declared: Evidence) -> None:
    """Refuse a declaration that says what cannot be. Raises: BadFile."""
    where = f"The station with the evidence {declared.run}"
    if declared.attempts < 1:
        raise BadFile(f"{where} has {declared.attempts} attempts; give 1 or more.")
    for name, value in (("handling_s", declared.handling_s), ("failed_s", declared.failed_s)):
        if value is not None and not 0.0 <= value < np.inf:
            raise BadFile(f"{where} has {name} {value:g}; give a time in seconds, 0 or more.")
    if not 0.0 < declared.pace < np.inf:
        raise BadFile(f"{where} has pace {declared.pace:g}; give a factor above 0, 1 for that of the trials.")
    if declared.given_up == "manual" and declared.manual is None:
        raise BadFile(f"{where} gives parts up to manual work without saying how long that takes; give manual.")
    for name, time in {
        **{f"recovery of {k!r}": v for k, v in declared.recovery.items()},
        "manual": declared.manual,
    }.items():
        if isinstance(time, Trace):
            raise BadFile(
                f"{where} has a trace as {name}; how often it is needed is chance, so there is no order to keep. "
                f"Give the same values as empirical."
            )


def line_from_evidence(run: Path, station: str = "") -> Layout:
    """The smallest line: one station that is this evidence, never starved, each part tried once and then scrapped.

    Args: station: its name; "": that of the folder.

    Raises: BadFolder for a folder without finished evidence.
    """
    folder = RunFolder.open(run)
    _check_finished(folder)
    name = Path(run).resolve().name
    only = Station(station or name, cycle=Cycle(Evidence(run=str(run))))
    return Layout(name, stations=(only,), releases=(Release(into=only.name),))


# ── the folder ───────────────────────────────────────────────────────────────────────────────────────────────────


def _check_finished(folder: RunFolder) -> None:
    if not folder.has(PLAN):
        raise BadFolder(f"{folder.path} holds no evidence (it has no {PLAN}). Run qualify or deliver first.")
    if not folder.has(VERDICT):
        raise BadFolder(
            f"The qualification in {folder.path} is not finished (it has no {VERDICT}). The same qualify command goes "
            f"on from there."
        )


def _recorded(folder: RunFolder) -> dict[str, Any]:
    """verdict.json, after every hash was found right."""
    _check_finished(folder)
    if folder.has(MANIFEST):
        folder.check()
    recorded = folder.read_json(VERDICT)
    if not isinstance(recorded, dict) or not isinstance(recorded.get("hashes"), dict):
        raise BadFolder(f"{folder / VERDICT} holds no verdict. Run qualify again.")
    for key, name in _HASHED.items():
        if not folder.has(name):
            raise BadFolder(f"{folder / name} is missing, though verdict.json names its hash.")
        if sha256_file(folder / name) != recorded["hashes"].get(key):
            raise BadFolder(
                f"{folder / name} was changed after the verdict: its sha256 differs from verdict.json. "
                f"Take the folder as it was made, or run qualify again."
            )
    if recorded.get("verdict") not in ("QUALIFIED", "NOT_QUALIFIED", "UNDECIDED"):
        raise InvalidEvidence(
            f"The verdict in {folder.path} is {recorded.get('verdict')}, so its trials are no evidence for a line. "
            f"{recorded.get('sentence', '')}".strip()
        )
    return recorded


def _trials(folder: RunFolder, plan: Plan, recorded: Mapping[str, Any]) -> Trials:
    """The trials, after they were found to be those of the plan and of the verdict."""
    for key, planned in (("task", plan.task["sha256"]), ("policy", plan.policy["sha256"])):
        if recorded["hashes"].get(key) != planned:
            raise BadFolder(f"verdict.json in {folder.path} names another {key} hash than the plan. Run qualify again.")
    trials = folder.read_trials(TRIALS)
    if trials.meta.get("plan") != plan.sha256:
        raise BadFolder(f"{folder / TRIALS} was made under another plan than {PLAN}. Run qualify again.")
    faults = row_faults(plan, trials)
    if not faults and "cycle_s" not in trials.columns:
        faults = ["The table has no column cycle_s, so nothing tells how long a success took."]
    if faults:
        raise InvalidEvidence(f"The trials in {folder.path} are no evidence for a line. {faults[0]}")
    return trials


# ── what to know before using it ─────────────────────────────────────────────────────────────────────────────────


def warnings(evidence: StationEvidence, *, today: date) -> tuple[str, ...]:
    """What the reader of the line's answer should know about this evidence; one sentence each, () for nothing."""
    declared, run, found = evidence.declared, evidence.run, []
    if evidence.verdict != "QUALIFIED":
        found.append(
            f"The policy in {run} is {evidence.verdict}, so the line rests on what its trials showed, not on a claim "
            f"that was proved."
        )
    if declared.pace != 1.0:
        found.append(
            f"Attempts are taken {declared.pace:g} times as long as in {run}: no trial was made at that pace, and a "
            f"policy that is hurried may fail more often."
        )
    if declared.chip is not None and declared.chip != evidence.chip:
        found.append(
            f"The evidence in {run} was taken on the chip {evidence.chip!r}, the line will run on {declared.chip!r}: "
            f"qualify there, because another chip may round, and so act, differently."
        )
    age = (today - evidence.made).days
    if declared.max_age_days is not None and age > declared.max_age_days:
        found.append(
            f"The evidence in {run} is {age:,} days old ({evidence.made.isoformat()}), the layout allows "
            f"{declared.max_age_days:g}: qualify again, or raise max_age_days."
        )
    found += [s for name, seen in declared.conditions.items() if (s := _uncovered(evidence, name, *seen))]
    if evidence.trials < FEW:
        found.append(
            f"Only {evidence.trials} trials are behind {run}: with fewer than {FEW} the intervals are rough, and too "
            f"narrow where times vary much."
        )
    return (*found, *_about_failures(evidence))


def _uncovered(evidence: StationEvidence, name: str, low: float, high: float) -> str:
    """Why the evidence says nothing about a condition of the cell; "" where it covers it."""
    if name not in evidence.conditions:
        hint = nearest(name, evidence.conditions)
        did = f" Did you mean {hint!r}?" if hint else ""
        return (
            f"The cell's condition {name!r} is none that was varied in {evidence.run}.{did} "
            f"There is: {', '.join(sorted(evidence.conditions))}."
        )
    condition = evidence.conditions[name]
    unit = f" {condition.unit}" if condition.unit else ""
    will = f"The cell will see {name} from {low:g} to {high:g}{unit}"
    remedy = "nothing is known about the rest; qualify over the wider range"
    if isinstance(condition.distribution, Choice):
        values = sorted(condition.distribution.values)
        if low == high and low in values:
            return ""
        tried = ", ".join(f"{v:g}" for v in values)
        return f"{will}, the trials in {evidence.run} had only {tried}{unit}: {remedy}."
    first, last = (float(v) for v in condition.distribution.ppf(np.array([0.0, 1.0])))
    slack = 1e-9 * max(abs(first), abs(last))  # a range that went through a logarithm comes back rounded
    if first - slack <= low and high <= last + slack:
        return ""
    return f"{will}, the trials in {evidence.run} cover {first:g} to {last:g}{unit}: {remedy}."


def _about_failures(evidence: StationEvidence) -> list[str]:
    """What is assumed about the time that failures cost."""
    declared, run, found = evidence.declared, evidence.run, []
    early = [name for name in evidence.failures if name != TIMEOUT]
    if declared.failed_s is None and early:
        found.append(
            f"How long a failed attempt takes is not recorded in {run}; {', '.join(early)} is counted with the task's "
            f"limit of {evidence.limit_s:g} s, the most it can be: give failed_s if you know it."
        )
    reasons = evidence.failures
    for name in declared.recovery:
        if name != "default" and name not in reasons:
            hint = nearest(name, reasons)
            did = f" Did you mean {hint!r}?" if hint else ""
            found.append(
                f"The recovery from {name!r} is never used, because no trial in {run} ended so.{did} "
                f"They ended as: {', '.join(evidence.outcomes)}."
            )
    bare = [name for name in reasons if name not in declared.recovery]
    if bare and "default" not in declared.recovery:
        found.append(
            f"No recovery is declared after {', '.join(bare)} at {run}, so it takes no time: give recovery with the "
            f"reason's name, or default."
        )
    return found
