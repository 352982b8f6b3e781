"""Search for rare events (grade B): a stub of an interface until the estimators are in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jangin.claim import Claim
from jangin.errors import BadClaim
from jangin.evidence.estimates import Estimate
from jangin.evidence.plan import Plan
from jangin.task import Policy, Task, Trials

__all__ = ["Searched", "search", "search_plan"]


@dataclass(frozen=True)
class Searched:
    """The estimates by the claims' texts, and the table they follow from."""

    estimates: Mapping[str, Estimate]
    table: Trials | None


def search_plan(task: Task, claims: Sequence[Claim]) -> dict[str, Any]:
    """How claims of grade B will be searched."""
    for claim in claims:
        if claim.grade == "B":
            raise BadClaim(f"The claim '{claim}' is of grade B, which this version cannot search yet.")
    return {}


def search(
    plan: Plan, task: Task, policy: Policy, *, threads: int, progress: Callable[[int, int, str], None]
) -> Searched:
    """Estimate the plan's claims of grade B."""
    return Searched({}, None)
