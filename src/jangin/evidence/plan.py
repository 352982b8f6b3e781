"""The plan of a qualification: what will be tried and how it will be decided, frozen before the first trial.

plan = make_plan(policy, task, claims, seed=7, block=256, max_trials=20_000, engine=world.engine)
plan.text, plan.sha256                            # evidence/plan.yaml and its hash
check_claims(task, claims, 20_000)                # BadClaim for what no policy could prove, or no trial records
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
from typing import Any

import numpy as np

from jangin import __version__
from jangin.claim import FAILURE, Claim
from jangin.engine.rollout import chip
from jangin.errors import BadClaim, BadFolder, BadPolicy, BadTask, JanginError, nearest
from jangin.evidence.freezing import Frozen
from jangin.partition import partition
from jangin.record import RunFolder
from jangin.stats.betting import fewest_pairs
from jangin.stats.sequential import B, trials_to_support
from jangin.task import (
    INVALID,
    RUNNING,
    Conditions,
    Policy,
    Task,
    canonical_json,
    sha256_of,
    task_declaration,
)

__all__ = ["PLAN", "Plan", "check_claims", "check_same", "make_plan", "read_plan", "reference_column"]

PLAN = "evidence/plan.yaml"
SCHEMA_PLAN = "jangin-plan/2"


@dataclass(frozen=True)
class Plan(Frozen):
    """What will be tried and how it will be decided; frozen by its hash before the first trial.

    Attributes:
        task: `name`, `sha256` of the declaration, `fields` (find("tasks", name)(**fields) makes the task again).
        policy: `name` ("policy.onnx", "expert") and `sha256` (None for a scripted policy).
        references: `name` and `sha256` of the policies that claims compare with, in the claims' order.
        claims: what is to be proved.
        seed, block, max_trials: the trials are 0 .. at most max_trials - 1, in whole blocks of `block`.
        search: how grade B claims are searched; empty where there is none.
        provenance: where limits come from, entry by entry: name, value, unit, source, verified; may be empty.
        engine, chip: what must have run every trial.
        versions: of everything that can change a bit.
        declaration: the task in full.
    """

    task: Mapping[str, Any]
    policy: Mapping[str, Any]
    references: Sequence[Mapping[str, Any]]
    claims: tuple[Claim, ...]
    seed: int
    block: int
    max_trials: int
    search: Mapping[str, Any]
    provenance: Sequence[Mapping[str, Any]]
    engine: str
    chip: str
    versions: Mapping[str, str]
    declaration: Mapping[str, Any] = field(repr=False)

    @property
    def proved(self) -> tuple[Claim, ...]:
        """The claims that trials decide: grade A."""
        return tuple(c for c in self.claims if c.grade == "A")

    @property
    def estimated(self) -> tuple[Claim, ...]:
        """The claims that a search estimates: grade B."""
        return tuple(c for c in self.claims if c.grade == "B")

    @property
    def alpha_refute(self) -> float:
        """The probability, at most, of refuting claims that are all true: the smallest alpha among them."""
        return min(c.alpha for c in self.claims)

    @cached_property
    def conditions(self) -> Conditions:
        """The declared conditions."""
        return Conditions.of_plain(self.declaration["conditions"])

    @cached_property
    def values(self) -> dict[str, Any]:
        """The plan as plain values, in the order they are written."""
        return {
            "schema": SCHEMA_PLAN,
            "purpose": "evidence",
            "task": dict(self.task),
            "policy": dict(self.policy),
            "references": [dict(r) for r in self.references],
            "claims": [c.entry for c in self.claims],
            "alpha": [c.alpha for c in self.claims],
            "alpha_refute": self.alpha_refute,
            "method": f"Beta-mixture e-processes, b = {B:g}; every claim supported, or their mean refutes",
            "seed": self.seed,
            "block": self.block,
            "max_trials": self.max_trials,
            "search": dict(self.search),
            "provenance": [dict(p) for p in self.provenance],
            "engine": self.engine,
            "chip": self.chip,
            "versions": dict(self.versions),
            "declaration": dict(self.declaration),
        }


def reference_column(k: int) -> str:
    """The column of the trials table with the outcomes of the plan's k-th reference."""
    return f"reference_{k + 1}_outcome"


def make_plan(
    policy: Policy,
    task: Task,
    claims: Sequence[Claim],
    *,
    seed: int,
    block: int,
    max_trials: int,
    engine: str,
    references: Mapping[str, Policy] | None = None,
    search: Mapping[str, Any] | None = None,
    provenance: Sequence[Mapping[str, Any]] = (),
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
        references=[{"name": n, "sha256": getattr(p, "sha256", None)} for n, p in (references or {}).items()],
        claims=tuple(claims),
        seed=seed,
        block=block,
        max_trials=max_trials,
        search=dict(search or {}),
        provenance=json.loads(canonical_json(list(provenance))),
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
        plan = Plan(claims=tuple(Claim.of_entry(c) for c in values["claims"]), **{n: values[n] for n in names})
        if plan.values != values:
            raise BadFolder(f"{place} does not say what its own parts say: it was edited.")
        if plan.task["sha256"] != sha256_of(dict(plan.declaration)):
            raise BadFolder(f"{place} names another task's hash than that of the declaration it holds.")
    except JanginError as e:
        raise e if isinstance(e, BadFolder) else BadFolder(f"{place} is damaged: {e}") from e
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as e:
        raise BadFolder(f"{place} is damaged: {' '.join(str(e).split())}.") from e
    return plan


def check_same(plan: Plan, policy: Policy, task: Task) -> None:
    """Refuse a task or a policy that is not the plan's, by hash. Raises: BadTask, BadPolicy."""
    if sha256_of(task_declaration(task)) != plan.task["sha256"]:
        raise BadTask(
            f"The plan's task {plan.task['name']} has another declaration (sha256 {plan.task['sha256'][:12]}…) than "
            f"the task {task.name} given here; make it with the fields in the plan."
        )
    sha256, planned = getattr(policy, "sha256", None), plan.policy
    by_name = sha256 is None or ":" in planned["name"]  # a module's hash covers every policy that is in it
    if sha256 != planned["sha256"] or (by_name and policy.name != planned["name"]):
        raise BadPolicy(
            f"The plan's policy is {planned['name']}{_short(planned['sha256'])}; {policy.name}{_short(sha256)} was "
            f"given. Give the policy that was qualified."
        )


def _short(sha256: str | None) -> str:
    return f" (sha256 {sha256[:12]}…)" if sha256 else " (scripted)"


# ── what no plan may hold ────────────────────────────────────────────────────────────────────────────────────────


def check_claims(task: Task, claims: Sequence[Claim], most: int, outcomes: Sequence[str]) -> None:
    """Refuse claims that a perfect policy could not prove within `most` trials, or on values that are not recorded.

    `outcomes` are the names a trial can end with. Raises: BadClaim.
    """
    if not claims:
        raise BadClaim(
            f"{task.name} declares no claim and none was given. Give one, as --claim 'success >= 0.99 @ 0.95'."
        )
    texts = [str(c) for c in claims]
    if twice := next((t for t in texts if texts.count(t) > 1), None):
        raise BadClaim(f"The claim '{twice}' is given twice. Give each claim once.")
    for claim in claims:
        _check_names(task, claim, outcomes)
        needed = fewest_trials(claim, task.conditions)
        if needed > most:
            raise BadClaim(
                f"The claim '{claim}' needs {needed:,} trials even of a policy that never fails; "
                f"the plan allows {most:,}. Give --max-trials {needed} or more, or claim less."
            )


def fewest_trials(claim: Claim, conditions: Conditions) -> int:
    """Trials without which no policy proves the claim; where it must hold in cells, about so many on average."""
    if claim.grade == "B":
        return 1
    if claim.kind == "reference":
        return fewest_pairs(margin=claim.allowed, alpha=claim.alpha)
    needed = int(trials_to_support(claim.p0, claim.alpha, 0))
    if claim.cells is None:
        return needed
    return int(np.ceil(needed / min(p.probability for p in partition(conditions, claim.cells))))


def _check_names(task: Task, claim: Claim, outcomes: Sequence[str]) -> None:
    columns = [*task.columns, *task.conditions.names]
    for column in claim.columns:
        whole = claim.kind in ("success", "event", "reference")  # these read how a trial ended
        if column not in columns and not (whole and column == "outcome"):
            hint = nearest(column, columns)
            did = f" Did you mean {hint!r}?" if hint else ""
            raise BadClaim(
                f"The claim '{claim}' reads {column!r}, which {task.name} does not record.{did} "
                f"It records: {', '.join(sorted(columns))}."
            )
    if claim.kind == "event":
        possible = [o for o in outcomes if o != RUNNING and not o.startswith(INVALID)] + [FAILURE]
        if claim.event not in possible:
            hint = nearest(claim.event, [*possible, *columns])
            did = f" Did you mean {hint!r}?" if hint else ""
            raise BadClaim(
                f"The claim '{claim}' is about {claim.event!r}, and no trial of {task.name} ends so.{did} "
                f"A trial ends as: {', '.join(possible)}."
            )
    if claim.cells is not None:
        partition(task.conditions, claim.cells)
