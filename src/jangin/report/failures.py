"""The parts of a report that a run may hold beside its claims: map of failures, cells, estimates, sources of limits.

    explained(run), cells(run), estimates(run), sources(run)      # plain values for the page; empty where not recorded

Nothing is estimated here but the rates of a map's cells, which are counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jangin.report.folder import Run, real
from jangin.report.wording import at_least, count, number

__all__ = ["cells", "estimates", "sources"]


def cells(run: Run) -> list[dict[str, Any]]:
    """Each claim that must hold in cells, with its cells, the weakest first."""
    found = []
    for row in run.claims:
        listed = row.result.get("cells") or []
        if listed:
            ordered = sorted(listed, key=lambda c: real(c.get("bound")) or 0.0)
            found.append({"claim": row.text, "cells": [_cell(c) for c in ordered]})
    return found


def _cell(c: Mapping[str, Any]) -> dict[str, str]:
    return {
        "cell": str(c.get("cell")),
        "n": count(real(c.get("n"))),
        "successes": count(real(c.get("successes"))),
        "bound": at_least(real(c.get("bound"))),
        "decision": str(c.get("decision")),
    }


def estimates(run: Run) -> list[dict[str, Any]]:
    """Each claim of grade B with both methods' numbers."""
    found = []
    for row in run.claims:
        e = row.result.get("estimate")
        if not isinstance(e, Mapping):
            continue
        methods = [
            {
                "name": name,
                "probability": _rare(m["probability"]),
                "interval": f"{_rare(m['low'])} to {_rare(m['high'])}",
                "variation": number(m["variation"], 2),
                "replicates": count(len(m["estimates"])),
                "evaluations": count(m["evaluations"]),
            }
            for name, m in e["methods"].items()
        ]
        nearest = ", ".join(f"{n} {number(v)}" for n, v in e["nearest"].items())
        found.append({"claim": row.text, "refused": e["refused"], "methods": methods, "nearest": nearest})
    return found


def _rare(value: float) -> str:
    return f"{value:.2g}"


def sources(run: Run) -> list[dict[str, str]]:
    """Where limits come from, as the plan has it."""
    return [
        {
            "name": str(p.get("name")),
            "value": f"{number(real(p.get('value')))} {p.get('unit', '')}".strip(),
            "source": str(p.get("source")),
            "verified": "yes" if p.get("verified") is True else "NO: confirm against your copy of the standard",
        }
        for p in run.plan.get("provenance") or []
    ]
