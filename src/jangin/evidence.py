"""Evidence: the plan that is frozen before the first trial, and what a table of trials says about its claims.

    plan = make_plan(policy, task, claims, seed=7, block=256, max_trials=20_000, engine=world.engine)
    plan.text, plan.sha256                            # evidence/plan.yaml and its hash
    judgement = judge(plan, trials, baselines, rerun) # from the table alone: no simulator, no policy
    judgement.verdict, judgement.record               # a Verdict, and evidence/verdict.json as plain values

How trials are counted: blocks are run whole, and every row of every block that was run counts. The rule is looked at
after each trial in trial order; it is settled at the first trial after which all claims are supported or the family of
claims is refuted, and no further block is run. That is fair because both e-processes hold at any stopping time.

A judgement is INVALID when a row cannot be vouched for, when the plan was not followed, when the first block did not
repeat to the bit, or when doing nothing (or anything) passes. Then nothing is claimed: every bound is 0.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import metadata
from typing import Any, Literal

import numpy as np

from jangin import __version__
from jangin.claim import Claim
from jangin.engine.rollout import chip
from jangin.errors import BadFolder, JanginError
from jangin.record import RunFolder
from jangin.stats.binomial import interval
from jangin.stats.family import Settled, settle
from jangin.stats.planning import trials_to_go
from jangin.stats.quantile import quantile
from jangin.stats.sequential import B, EProcess
from jangin.task import (
    SUCCESS,
    Array,
    ClaimResult,
    Policy,
    Task,
    Trials,
    Verdict,
    canonical_json,
    sha256_of,
    task_declaration,
)

__all__ = [
    "BASELINES",
    "NOT_SHOWN",
    "PLAN",
    "TRIALS",
    "VERDICT",
    "Judgement",
    "Plan",
    "Rerun",
    "by_policy",
    "differing",
    "judge",
    "make_plan",
    "null_faults",
    "read_plan",
    "results",
    "row_faults",
    "together",
]

PLAN, TRIALS = "evidence/plan.yaml", "evidence/trials.parquet"
BASELINES, VERDICT = "evidence/baselines.parquet", "evidence/verdict.json"
SCHEMA_PLAN, SCHEMA_VERDICT = "jangin-plan/1", "jangin-verdict/1"
TRACE_POINTS = 400  # of each claim's e-processes in verdict.json; all of them can be computed from the trials

NOT_SHOWN = (
    "This is a claim about a task, not a safety function: stopping, separation and force on people belong to a safety "
    "controller that is certified separately.",
    "Every trial ran in a simulator; how far the numbers carry over to a real machine was not shown.",
    "Only the declared conditions were varied, independently and over the declared ranges; nothing is said of others.",
    "Only this policy, on this task with this robot, was tried; another file needs its own evidence.",
)


# ── the plan ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Plan:
    """What will be tried and how it will be decided; frozen by its hash before the first trial.

    Attributes:
        task: `name`, `sha256` of the declaration, `fields` (find("tasks", name)(**fields) makes the task again).
        policy: `name` ("policy.onnx", "expert") and `sha256` (None for a scripted policy).
        claims: what is to be proved.
        seed, block, max_trials: the trials are 0 .. at most max_trials - 1, in whole blocks of `block`.
        engine, chip: what must have run every trial.
        versions: of everything that can change a bit.
        declaration: the task in full.
    """

    task: Mapping[str, Any]
    policy: Mapping[str, Any]
    claims: tuple[Claim, ...]
    seed: int
    block: int
    max_trials: int
    engine: str
    chip: str
    versions: Mapping[str, str]
    declaration: Mapping[str, Any] = field(repr=False)

    @property
    def alpha_refute(self) -> float:
        """The probability, at most, of refuting claims that are all true: the smallest alpha among them."""
        return min(c.alpha for c in self.claims)

    @cached_property
    def values(self) -> dict[str, Any]:
        """The plan as plain values, in the order they are written."""
        return {
            "schema": SCHEMA_PLAN,
            "purpose": "evidence",
            "task": dict(self.task),
            "policy": dict(self.policy),
            "claims": [str(c) for c in self.claims],
            "alpha": [c.alpha for c in self.claims],
            "alpha_refute": self.alpha_refute,
            "method": f"Beta-mixture e-processes, b = {B:g}; every claim supported, or their mean refutes",
            "seed": self.seed,
            "block": self.block,
            "max_trials": self.max_trials,
            "engine": self.engine,
            "chip": self.chip,
            "versions": dict(self.versions),
            "declaration": dict(self.declaration),
        }

    @cached_property
    def text(self) -> str:
        """plan.yaml."""
        import yaml

        return str(yaml.safe_dump(self.values, sort_keys=False, allow_unicode=True, width=120))

    @property
    def sha256(self) -> str:
        """The plan's hash: of the bytes of plan.yaml."""
        return sha256_of(self.text.encode())


def make_plan(
    policy: Policy, task: Task, claims: Sequence[Claim], *, seed: int, block: int, max_trials: int, engine: str
) -> Plan:
    """The plan of one qualification; `task` is already in the physics that evidence uses."""
    declaration = json.loads(canonical_json(task_declaration(task)))
    fields = {k: v for k, v in declaration["fields"].items() if k != "type"}
    versions = {"jangin": __version__, "python": platform.python_version(), "numpy": np.__version__}
    with contextlib.suppress(metadata.PackageNotFoundError):  # without it the policy is a scripted one
        versions["onnxruntime"] = metadata.version("onnxruntime")
    return Plan(
        task={"name": task.name, "sha256": sha256_of(declaration), "fields": fields},
        policy={"name": policy.name, "sha256": getattr(policy, "sha256", None)},
        claims=tuple(claims),
        seed=seed,
        block=block,
        max_trials=max_trials,
        engine=engine,
        chip=chip(),
        versions={**versions, "engine": engine},
        declaration=declaration,
    )


def read_plan(folder: RunFolder) -> Plan:
    """The plan of a run folder; raises BadFolder when it is missing, damaged or inconsistent."""
    import yaml

    place, text = folder / PLAN, folder.read_text(PLAN)
    try:
        values = yaml.safe_load(text)
        if not isinstance(values, dict) or values.get("schema") != SCHEMA_PLAN:
            raise BadFolder(f"{place} is not a plan of schema {SCHEMA_PLAN!r}, which this version reads.")
        names = [f.name for f in dataclasses.fields(Plan) if f.name != "claims"]
        plan = Plan(claims=tuple(Claim.parse(c) for c in values["claims"]), **{n: values[n] for n in names})
        if plan.values != values:
            raise BadFolder(f"{place} does not say what its own parts say: it was edited.")
        if plan.task["sha256"] != sha256_of(dict(plan.declaration)):
            raise BadFolder(f"{place} names another task's hash than that of the declaration it holds.")
    except JanginError as e:
        raise e if isinstance(e, BadFolder) else BadFolder(f"{place} is damaged: {e}") from e
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as e:
        raise BadFolder(f"{place} is damaged: {' '.join(str(e).split())}.") from e
    return plan


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────


def differing(a: Trials, b: Trials, *, ignore: Sequence[str] = ("chip",)) -> tuple[str, ...]:
    """Names of the columns whose values are not the same bits in both tables; the chip is a label, not a value."""
    names = [n for n in dict.fromkeys([*a.columns, *b.columns]) if n not in ignore]
    return tuple(n for n in names if n not in a.columns or n not in b.columns or not _same_bits(a[n], b[n]))


def _same_bits(a: Array, b: Array) -> bool:
    if a.dtype.kind in "OU" or b.dtype.kind in "OU":
        return a.tolist() == b.tolist()
    return a.dtype == b.dtype and np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()


def together(tables: Mapping[str, Trials]) -> Trials:
    """Several policies' trials as one table with a column `policy`."""
    named = [
        dataclasses.replace(t, columns={**t.columns, "policy": np.full(len(t), name, dtype=object)}, meta={})
        for name, t in tables.items()
    ]
    return Trials.concat(named)


def by_policy(table: Trials) -> dict[str, Trials]:
    """The inverse of `together`; raises BadFolder for a table without the column `policy`."""
    if "policy" not in table.columns:
        raise BadFolder("The baselines have no column 'policy', so their rows belong to nobody. Run qualify again.")
    policies = np.asarray(table["policy"])
    return {
        str(name): dataclasses.replace(
            table, columns={k: v[policies == name] for k, v in table.columns.items() if k != "policy"}
        )
        for name in dict.fromkeys(policies.tolist())
    }


# ── what would make it no evidence ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Rerun:
    """The first block, run a second time from a new world: how many rows, and which columns came out differently."""

    rows: int
    differs: tuple[str, ...] = ()


def row_faults(plan: Plan, trials: Trials) -> list[str]:
    """Why rows, whole blocks in trial order, are no evidence under a plan; a sentence each."""
    missing = [name for name in ("trial", "seed", "outcome", "engine", "chip") if name not in trials.columns]
    if missing:
        return [f"The table has no column {', '.join(missing)}."]
    faults = []
    outcomes = np.asarray([str(o) for o in trials["outcome"]])
    for name in sorted(set(outcomes[trials.invalid])):
        faults.append(f"{_which(trials, outcomes == name)} ended as {name}: the engine cannot vouch for them.")
    first = int(trials["trial"][0]) if len(trials) else 0
    if (
        first % plan.block
        or len(trials) % plan.block
        or not np.array_equal(trials["trial"], first + np.arange(len(trials)))
    ):
        faults.append(f"The rows are not whole blocks of {plan.block} consecutive trials.")
    for name, planned in (("seed", plan.seed), ("engine", plan.engine), ("chip", plan.chip)):
        other = np.array([v != planned for v in trials[name].tolist()], bool)
        if other.any():
            got = trials[name][other].tolist()[0]
            faults.append(f"{_which(trials, other)} had the {name} {got!r}; the plan names {planned!r}.")
    for name, values in trials.columns.items():
        if values.dtype.kind == "f" and np.isnan(values).any():
            faults.append(f"{_which(trials, np.isnan(values))} recorded {name} as NaN: unknown is no value.")
    if "cycle_s" in trials.columns:
        odd = np.isfinite(trials["cycle_s"]) != (outcomes == SUCCESS)
        if odd.any():
            faults.append(f"{_which(trials, odd)} have a cycle_s that is finite without success, or infinite with it.")
    return faults


def _which(trials: Trials, rows: Array) -> str:
    n = int(np.sum(rows))
    return f"{n:,} of {len(trials):,} trials (the first is trial {trials['trial'][rows][0]})"


def null_faults(plan: Plan, baselines: Mapping[str, Trials]) -> list[str]:
    """A task that is solved by doing nothing, or anything, proves nothing about a policy."""
    asked = [c.p0 for c in plan.claims if c.kind == "success"]
    allowed = 0.5 * min(asked, default=1.0)
    faults = []
    for name, what in (("zero", "the zero action"), ("random", "random actions")):
        trials = baselines.get(name)
        if trials is None:
            faults.append(f"No trials with {what} are recorded, so nothing shows that the task needs a policy.")
            continue
        if trials.successes < allowed * len(trials):
            continue
        period_s = 1.0 / float(plan.declaration["rate_hz"])
        at_once = int(np.sum(trials["cycle_s"] <= 1.5 * period_s)) if "cycle_s" in trials.columns else 0
        early = f", {at_once:,} of them within the first control period" if at_once else ""
        faults.append(
            f"With {what} {trials.successes:,} of {len(trials):,} trials succeed{early}: "
            f"success says nothing about a policy here."
        )
    return faults


def _course_faults(plan: Plan, trials: Trials, settled: Settled) -> list[str]:
    """A plan is followed to where it is settled, and no further."""
    n = len(trials)
    if n and int(trials["trial"][0]) != 0:
        return [f"The evidence begins with trial {trials['trial'][0]}, not with trial 0."]
    if settled.at is None and n < plan.max_trials:
        return [f"The evidence ends undecided after {n:,} trials, though the plan goes on to {plan.max_trials:,}."]
    end = plan.max_trials if settled.at is None else -(-settled.at // plan.block) * plan.block
    if n > end:
        return [f"The evidence has {n:,} trials, though the plan ends at {end:,}."]
    return []


# ── the judgement ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Judgement:
    """A Verdict without folder and file hashes, and the plain values of verdict.json."""

    verdict: Verdict
    record: Mapping[str, Any]


def judge(
    plan: Plan, trials: Trials, baselines: Mapping[str, Trials], rerun: Rerun, hashes: Mapping[str, str] | None = None
) -> Judgement:
    """Decide the plan's claims on its trials; see the module. `baselines` hold at least "zero" and "random".

    Raises: BadClaim when a claim reads a column that the trials do not have.
    """
    processes = [EProcess.begin(p0=c.p0, alpha=c.alpha).extended(c.indicator(trials.columns)) for c in plan.claims]
    settled = settle(processes, alpha_refute=plan.alpha_refute)
    reasons = row_faults(plan, trials)
    if rerun.differs:
        reasons.append(
            f"The first {rerun.rows:,} trials, run again, differ in {', '.join(rerun.differs)}: "
            f"the simulation does not repeat."
        )
    reasons += null_faults(plan, baselines)
    reasons += [] if reasons else _course_faults(plan, trials, settled)
    claims = results(plan, processes, settled)
    word: Literal["QUALIFIED", "NOT_QUALIFIED", "UNDECIDED", "INVALID"]
    if reasons:
        word = "INVALID"
        claims = tuple(dataclasses.replace(c, bound=0.0, decision="undecided", decided_at=None) for c in claims)
        sentence = f"Invalid evidence: {reasons[0]}"
    elif settled.qualified_at is not None:
        word, sentence = "QUALIFIED", _qualified(plan, settled, len(trials))
    elif settled.refuted_at is not None:
        word, sentence = "NOT_QUALIFIED", _refuted(plan, claims, settled)
    else:
        word, sentence = "UNDECIDED", f"Undecided after {len(trials):,} trials: {_open(plan, claims)[0]}"
        reasons = _open(plan, claims)
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


def results(plan: Plan, processes: Sequence[EProcess], settled: Settled) -> tuple[ClaimResult, ...]:
    """Each claim's standing; logarithms of the e-processes as they were when it was decided, else now."""
    found = []
    for claim, p, label, at in zip(plan.claims, processes, settled.labels, settled.decided_at, strict=True):
        n = len(p)
        k = (at or n) - 1
        found.append(
            ClaimResult(
                claim=str(claim),
                n=n,
                successes=int(p.successes[-1]) if n else 0,
                bound=p.bound(),
                decision=label,
                log_e_for=float(p.log_for[k]) if n else 0.0,
                log_e_against=float(p.log_against[k]) if n else 0.0,
                decided_at=at,
            )
        )
    return tuple(found)


def _qualified(plan: Plan, settled: Settled, n: int) -> str:
    claims = "its claim" if len(plan.claims) == 1 else f"all {len(plan.claims)} claims"
    return (
        f"Qualified: {plan.policy['name']} on {plan.task['name']} has proved {claims}, "
        f"settled after {settled.qualified_at:,} of {n:,} trials."
    )


def _refuted(plan: Plan, claims: Sequence[ClaimResult], settled: Settled) -> str:
    blamed = [
        f"'{c.claim}' ({c.successes:,} of {c.n:,} trials speak for it)" for c in claims if c.decision == "refuted"
    ]
    what = f"refute {' and '.join(blamed)}" if blamed else "refute the claims together, though none of them alone"
    who = f"the trials of {plan.policy['name']} on {plan.task['name']}"
    return f"Not qualified: {who} {what}, settled after {settled.refuted_at:,}."


def _open(plan: Plan, claims: Sequence[ClaimResult]) -> list[str]:
    """A sentence for each undecided claim: how it stands, and about how many more trials would decide it."""
    found = []
    for claim, c in zip(plan.claims, claims, strict=True):
        if c.decision != "undecided":
            continue
        more = trials_to_go(
            successes=c.successes,
            failures=c.n - c.successes,
            p0=claim.p0,
            alpha=claim.alpha,
            alpha_refute=plan.alpha_refute / len(plan.claims),
        )
        remedy = (
            "its rate is so close to the claimed one that no number of trials is likely to decide it; change the claim."
            if more is None
            else f"about {_rounded(more):,} more would likely decide it: give --max-trials {_rounded(c.n + more)} or "
            "more and another --out (the same seed is fine)."
        )
        found.append(
            f"'{c.claim}' is neither proved nor refuted ({c.successes:,} of {c.n:,} trials speak for it, "
            f"lower bound {np.floor(c.bound * 1e4) / 1e4:.4f}); {remedy}"
        )
    return found


def _rounded(n: int) -> int:
    """Up to two digits that mean something."""
    step = 10 ** max(len(str(n)) - 2, 0)
    return -(-n // step) * step


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
    plan: Plan, verdict: Verdict, processes: Sequence[EProcess], settled: Settled, rerun: Rerun
) -> dict[str, Any]:
    """verdict.json: the verdict and what a report draws; no time and no place, so the same run gives the same bytes."""
    return {
        "schema": SCHEMA_VERDICT,
        "verdict": verdict.verdict,
        "exit_code": verdict.exit_code,
        "sentence": verdict.sentence,
        "reasons": list(verdict.reasons),
        "trials": verdict.trials,
        "claims": [dataclasses.asdict(c) for c in verdict.claims],
        "family": {
            "alpha_refute": plan.alpha_refute,
            "qualified_at": settled.qualified_at,
            "refuted_at": settled.refuted_at,
            "log_e_against": float(settled.log_mean_against[-1]) if verdict.trials else 0.0,
        },
        "trace": []
        if verdict.verdict == "INVALID"
        else [_trace(str(c), p) for c, p in zip(plan.claims, processes, strict=True)],
        "baselines": {k: dict(v) for k, v in verdict.baselines.items()},
        "rerun": {"rows": rerun.rows, "differs": list(rerun.differs)},
        "hashes": dict(verdict.hashes),
        "not_shown": list(NOT_SHOWN),
    }


def _trace(claim: str, p: EProcess) -> dict[str, Any]:
    """At most TRACE_POINTS of a claim's course: trials, both logarithms, and the anytime bound."""
    at = (
        np.unique(np.linspace(1, len(p), min(TRACE_POINTS, len(p))).astype(np.int64))
        if len(p)
        else np.zeros(0, np.int64)
    )
    return {
        "claim": claim,
        "n": at.tolist(),
        "log_e_for": p.log_for[at - 1].tolist(),
        "log_e_against": p.log_against[at - 1].tolist(),
        "bound": p.bounds(at).tolist(),
        "log_threshold": float(-np.log(p.alpha)),
    }
