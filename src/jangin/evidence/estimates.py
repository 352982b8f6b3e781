"""Estimates of rare events, grade B: what searches along a continuous measure found; never a bound.

estimates = read_estimates(plan, table)       # evidence/search.parquet gives them again, without a simulator
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jangin.errors import BadFolder
from jangin.evidence.plan import Plan
from jangin.stats.rare import COLUMNS, METHODS, RareEstimate, recompute, uniform
from jangin.task import Trials

__all__ = ["Estimate", "read_estimates", "search_table"]

_COLUMNS = tuple(name for name in COLUMNS if name != "z")


@dataclass(frozen=True)
class Estimate:
    """What the searches for one claim found.

    Attributes:
        probability: of the event, the mean of the two methods' means; None where it is refused.
        low, high: the interval that covers both methods' 95 % intervals; None where it is refused.
        evaluations: trials that were run for it.
        refused: why there is no estimate, in a sentence; "" where there is one.
        methods: each method's numbers by name.
        nearest: the conditions of the failure that was found nearest to the middle of all conditions; empty for none.
    """

    probability: float | None
    low: float | None
    high: float | None
    evaluations: int
    refused: str = ""
    methods: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    nearest: Mapping[str, float] = field(default_factory=dict)


def search_table(plan: Plan, found: Mapping[str, RareEstimate]) -> Trials:
    """Every trial of all searches, as one table: claim, method by name, and z by condition."""
    parts = []
    for claim, estimate in found.items():
        t = estimate.table
        columns = {name: t[name] for name in _COLUMNS if name != "method"}
        columns["claim"] = np.full(len(t["trial"]), claim, dtype=object)
        columns["method"] = np.array(METHODS, dtype=object)[t["method"]]
        columns |= {f"z_{name}": t["z"][:, k] for k, name in enumerate(plan.conditions.names)}
        parts.append(Trials(columns, {}, {"purpose": "search", "plan": plan.sha256}))
    return Trials.concat(parts)


def read_estimates(plan: Plan, table: Trials | None) -> dict[str, Estimate]:
    """The estimates that a table of searches gives, by the claims' texts; none where nothing was searched.

    Raises: BadFolder for a table that is not one of searches, or whose trials do not follow from one another.
    """
    if table is None:
        return {}
    names = [f"z_{name}" for name in plan.conditions.names]
    if missing := [c for c in ("claim", *_COLUMNS, *names) if c not in table.columns]:
        raise BadFolder(f"The table of searches has no column {missing[0]!r}. Run qualify again.")
    found = {}
    for claim in dict.fromkeys(table["claim"].tolist()):
        rows = np.asarray(table["claim"] == claim)
        columns = {name: table[name][rows] for name in _COLUMNS if name != "method"}
        columns["method"] = np.array([METHODS.index(m) for m in table["method"][rows]], np.int8)
        columns["z"] = np.stack([table[name][rows] for name in names], axis=1)
        try:
            found[str(claim)] = _estimate(plan, recompute(columns))
        except ValueError as e:
            raise BadFolder(f"The search for '{claim}' is not as one was written. {e} Run qualify again.") from e
    return found


def _estimate(plan: Plan, found: RareEstimate) -> Estimate:
    methods = {
        name: {k: v for k, v in dataclasses.asdict(m).items() if k != "estimates"} | {"estimates": list(m.estimates)}
        for name, m in found.methods.items()
    }
    return Estimate(
        probability=found.probability,
        low=found.low,
        high=found.high,
        evaluations=found.evaluations,
        refused=found.refused,
        methods=methods,
        nearest=_nearest(plan, found),
    )


def _nearest(plan: Plan, found: RareEstimate) -> dict[str, float]:
    if found.most_likely is None:
        return {}
    z = np.array([found.most_likely.z])
    return {name: float(v[0]) for name, v in plan.conditions.at(uniform(z)).items()}
