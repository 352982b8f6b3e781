"""The parts of a report that a run may hold beside its claims: map of failures, cells, estimates, sources of limits.

    explained(run), cells(run), estimates(run), sources(run)      # plain values for the page; empty where not recorded

Nothing is estimated here but the rates of a map's cells, which are counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jangin.report.charts import heat_strip, share_bar
from jangin.report.folder import Run, real
from jangin.report.wording import at_least, count, number
from jangin.task import SUCCESS

__all__ = ["cells", "estimates", "explained", "sources"]

_COLUMNS, _ROWS = 8, 6  # of the map's grid


def explained(run: Run) -> dict[str, Any] | None:
    """The map, regions, sensitivity and nudges; None where nothing was mapped."""
    found = run.explained
    if not found:
        return None
    return {
        "sentences": list(found["sentences"]),
        "boxes": [_box(b) for b in found["boxes"]],
        "sensitivity": [_index(n, s) for n, s in _ranked(found)],
        "nearest": [(n, number(v)) for n, v in found["nearest"].items()],
        "map": _grid(run, [n for n, _ in _ranked(found)][:2]),
        "trials": count(found["trials"]),
        "points": count(found["points"]),
    }


def _ranked(found: Mapping[str, Any]) -> list[tuple[str, Mapping[str, float]]]:
    return sorted(found["sensitivity"].items(), key=lambda item: -item[1]["total"])


def _box(b: Mapping[str, Any]) -> dict[str, str]:
    return {
        "sentence": b["sentence"],
        "failures": f"{b['failures']:,} of {b['trials']:,}",
        "interval": f"{100 * b['low']:.0f} to {100 * b['high']:.0f} %",
        "p": "< 0.0001" if b["p"] < 1e-4 else f"{b['p']:.4f}",
        "volume": f"{100 * b['volume']:.1f} %",
        "coverage": f"{100 * b['coverage']:.0f} %",
    }


def _index(name: str, s: Mapping[str, float]) -> dict[str, Any]:
    told = f"total {s['total']:.2f}, 95 % interval {s['total_low']:.2f} to {s['total_high']:.2f}"
    return {
        "condition": name,
        "total": f"{s['total']:.2f}",
        "first": f"{s['first']:.2f}",
        "bar": share_bar(f"Sensitivity to {name}", told, s["total"], s["total_low"], s["total_high"], s["first"]),
    }


def _grid(run: Run, names: list[str]) -> dict[str, Any] | None:
    """Failures of the map over two conditions: rows of cells, the upper row the upper values."""
    table = run.mapped
    if table is None or not run.explained["failures"] or len(names) < 2 or any(n not in table.columns for n in names):
        return None
    x, y = (np.asarray(table[n], float) for n in names)
    failed = np.asarray(table["outcome"] != SUCCESS)
    x_edges, y_edges = np.quantile(x, np.linspace(0, 1, _COLUMNS + 1)), np.quantile(y, np.linspace(0, 1, _ROWS + 1))
    column = np.clip(np.searchsorted(x_edges, x, side="right") - 1, 0, _COLUMNS - 1)
    row = np.clip(np.searchsorted(y_edges, y, side="right") - 1, 0, _ROWS - 1)
    rows = []
    for r in reversed(range(_ROWS)):
        shares, labels = [], []
        for c in range(_COLUMNS):
            inside = (column == c) & (row == r)
            n, k = int(inside.sum()), int(failed[inside].sum())
            shares.append(k / n if n else np.nan)
            labels.append(f"{k} of {n} failed")
        span = f"{y_edges[r]:.3g} to {y_edges[r + 1]:.3g}"
        title = f"Failures where {names[1]} is {span}"
        rows.append(
            {
                "span": span,
                "strip": heat_strip(title, "; ".join(labels), np.array(shares), labels),
                "counts": [f"{int(failed[(column == c) & (row == r)].sum())}" for c in range(_COLUMNS)],
            }
        )
    ends = f"{x_edges[0]:.3g} to {x_edges[-1]:.3g}"
    return {"x": names[0], "y": names[1], "rows": rows, "ends": ends}


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
                "probability": _rare(m["probability"]) if not m["refused"] else "none",
                "interval": f"{_rare(m['low'])} to {_rare(m['high'])}" if not m["refused"] else "–",
                "variation": number(m["variation"], 2),
                "replicates": count(len(m["estimates"])),
                "evaluations": count(m["evaluations"]),
                "refused": m["refused"],
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
