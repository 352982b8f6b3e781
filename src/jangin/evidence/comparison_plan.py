"""The plan of a comparison: which two policies, on which trials, and how it will be decided; frozen before the first.

    plan = make_comparison_plan((a, b), task, margin=None, confidence=0.95, seed=7, block=256, max_trials=20_000, ...)
    plan.text, plan.sha256                            # comparison/plan.yaml and its hash
    plan.claim                                        # "A succeeds more often than B @ 0.95"

What the pairs then say is in `comparison`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from jangin.errors import BadClaim, BadFolder
from jangin.evidence.freezing import Frozen
from jangin.evidence.plan import Plan, make_plan
from jangin.record import RunFolder
from jangin.stats.betting import BettingProcess, fewest_pairs
from jangin.task import Policy, Task, sha256_of

__all__ = ["PAIRS_PLAN", "PURPOSE", "SIDES", "ComparisonPlan", "make_comparison_plan", "read_comparison_plan"]

PAIRS_PLAN = "comparison/plan.yaml"
PURPOSE = "compare"  # of the trials: neither those that anything learned from, nor those of a qualification
SIDES = ("A", "B")
SCHEMA_PLAN = "jangin-comparison-plan/1"


@dataclass(frozen=True)
class ComparisonPlan(Frozen):
    """What will be compared and how it will be decided; frozen by its hash before the first trial.

    Attributes:
        task: `name`, `sha256` of the declaration, `fields`.
        policies: of A and of B, `name` and `sha256` (None for a scripted policy).
        margin: None for "A is better"; else how much worse is still acceptable, in (0, 1).
        confidence: 1 - alpha.
        seed, block, max_trials: the trials are 0 .. at most max_trials - 1 for each, in whole blocks of `block`.
        engine, chip, versions, declaration: as in the plan of a qualification.
    """

    task: Mapping[str, Any]
    policies: Mapping[str, Mapping[str, Any]]
    margin: float | None
    confidence: float
    seed: int
    block: int
    max_trials: int
    engine: str
    chip: str
    versions: Mapping[str, str]
    declaration: Mapping[str, Any] = field(repr=False)

    @property
    def alpha(self) -> float:
        """The probability, at most, of saying the claim when it is false; and of saying the opposite likewise."""
        return round(1.0 - self.confidence, 12)

    @property
    def claim(self) -> str:
        """What is to be shown."""
        what = "succeeds more often than B" if self.margin is None else f"is not worse than B by {self.margin:.12g}"
        return f"A {what} @ {self.confidence:.12g}"

    @cached_property
    def values(self) -> dict[str, Any]:
        """The plan as plain values, in the order they are written."""
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        plain = {k: dict(v) if isinstance(v, Mapping) else v for k, v in own.items()}
        plain["policies"] = {side: dict(p) for side, p in self.policies.items()}
        method = "pairs on common trial numbers; all constant stakes on their difference at once; each way at alpha"
        return {"schema": SCHEMA_PLAN, "purpose": PURPOSE, **plain, "claim": self.claim, "method": method}

    def begin(self) -> BettingProcess:
        """The evidence before the first pair."""
        return BettingProcess.begin(margin=self.margin or 0.0, alpha=self.alpha)

    def of(self, side: str) -> Plan:
        """What one policy's rows must follow."""
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        shared = {k: v for k, v in own.items() if k not in ("policies", "margin", "confidence")}
        return Plan(policy=self.policies[side], references=(), claims=(), search={}, provenance=(), **shared)


def make_comparison_plan(
    policies: tuple[Policy, Policy],
    task: Task,
    *,
    margin: float | None,
    confidence: float,
    seed: int,
    block: int,
    max_trials: int,
    engine: str,
) -> ComparisonPlan:
    """The plan of one comparison; `task` is already in the physics that evidence uses.

    Raises: BadClaim for a margin or a confidence that is none, or what no two policies could show in so many trials.
    """
    if margin is not None and not 0.0 < margin < 1.0:
        raise BadClaim(
            f"The margin is {margin:g}; give how much worse is still acceptable, strictly between 0 and 1, as 0.01, or "
            f"none to ask whether A is better."
        )
    if not 0.5 <= confidence < 1.0:
        raise BadClaim(f"The confidence is {confidence:g}; give 0.5 <= c < 1, as 0.95.")
    own = [make_plan(p, task, (), seed=seed, block=block, max_trials=max_trials, engine=engine) for p in policies]
    shared = own[0]
    plan = ComparisonPlan(
        task=shared.task,
        policies={side: p.policy for side, p in zip(SIDES, own, strict=True)},
        margin=margin,
        confidence=confidence,
        seed=seed,
        block=block,
        max_trials=max_trials,
        engine=engine,
        chip=shared.chip,
        versions=shared.versions,
        declaration=shared.declaration,
    )
    needed = fewest_pairs(margin=margin or 0.0, alpha=plan.alpha)
    if needed > max_trials:
        raise BadClaim(
            f"The claim '{plan.claim}' needs {needed:,} pairs even where A wins every one; the plan allows "
            f"{max_trials:,}. Give --max-trials {needed} or more."
        )
    return plan


def read_comparison_plan(folder: RunFolder) -> ComparisonPlan:
    """The plan of a folder; raises BadFolder when it is missing, damaged or inconsistent."""
    import yaml

    place, text = folder / PAIRS_PLAN, folder.read_text(PAIRS_PLAN)
    try:
        values = yaml.safe_load(text)
        if not isinstance(values, dict) or values.get("schema") != SCHEMA_PLAN:
            raise BadFolder(f"{place} is not a plan of schema {SCHEMA_PLAN!r}, which this version reads.")
        plan = ComparisonPlan(**{f.name: values[f.name] for f in dataclasses.fields(ComparisonPlan)})
        if plan.values != values or plan.text != text:
            raise BadFolder(f"{place} does not say what its own parts say: it was edited.")
        if plan.task["sha256"] != sha256_of(dict(plan.declaration)):
            raise BadFolder(f"{place} names another task's hash than that of the declaration it holds.")
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as e:
        raise BadFolder(f"{place} is damaged: {' '.join(str(e).split())}.") from e
    return plan
