"""The part of a report that shows where the policy fails: what `explain` has found, drawn.

    found = where(run)
    found["maps"][0], found["regions"][0]["text"], found["bars"], found["nudges"]

Everything here is of map trials, which are no evidence; the numbers are those of explain/explain.json, and only the
cells of the maps are counted here, from explain/map.parquet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from markupsafe import Markup

from jangin.report.charts import Effect, Outline, effect_bars, heat_map
from jangin.report.failure_words import shown_condition, sides_text
from jangin.report.folder import Run, real
from jangin.report.wording import count, rate, share
from jangin.task import SUCCESS, Array, Choice, Condition, Conditions

__all__ = ["where"]

_CELLS = 8  # along each side of a map
_FACTORS = 10  # bars that are drawn
_LOWEST = 0.1  # of the margins that a map shows where nothing failed


def where(run: Run) -> dict[str, Any] | None:
    """Maps, regions, sensitivities, the most likely failure and nudges; None where nothing was mapped.

    An explanation that was made for another plan is not shown: `stale` says so.
    """
    found, table = run.explained, run.mapped
    if not found or table is None:
        return None
    plan = (run.verdict.get("hashes") or {}).get("plan")
    if found.get("schema") != "jangin-explain/1" or found["made"]["plan"] != plan:
        return {"stale": True}
    conditions = Conditions.of_plain(run.conditions)
    regions = found["regions"]
    return {
        "stale": False,
        "summary": found["map"]["sentence"],
        "trials": count(found["trials"]),
        "points": count(found["made"]["points"]),
        "maps": _maps(found, table.columns, conditions),
        "legend": _legend(found),
        "regions": [_region(conditions, b) for b in regions["boxes"]],
        "regions_note": regions["sentence"],
        "confidence": share(1.0 - regions["alpha"], 0),
        "false_region": share(regions["alpha"], 0),
        "bars": _bars(found["sensitivity"], conditions),
        "bars_note": _bars_note(found["sensitivity"]),
        "likely": found["most_likely"],
        "nudges": found["nudges"],
    }


# ── maps ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _important(found: Mapping[str, Any], conditions: Conditions) -> list[str]:
    """The three conditions to draw: of the strongest region that stands, then those the margin depends on most."""
    boxes = [b for b in found["regions"]["boxes"] if b["stands"]]
    named = [s["condition"] for b in boxes for s in b["sides"]]
    ranked = sorted(found["sensitivity"]["factors"], key=lambda f: -(real(f["total"]) or 0.0))
    named += [f["name"] for f in ranked if f["name"] in conditions.names]
    named += [c.name for c in conditions if len(set(c.distribution.ppf(np.array([0.0, 0.999])).tolist())) > 1]
    return list(dict.fromkeys(named))[:3]


def _maps(found: Mapping[str, Any], columns: Mapping[str, Array], conditions: Conditions) -> list[Markup]:
    names = _important(found, conditions)
    pairs = [(a, b) for k, a in enumerate(names) for b in names[k + 1 :]]
    own = np.asarray(columns["part"] == "map")
    shown = {name: np.asarray(columns[f"u:{name}"])[own] for name in names}
    hits = _hits(found, np.asarray(columns["outcome"])[own], np.asarray(columns["margin"], float)[own])
    return [_map(found, conditions, (a, b), (shown[a], shown[b]), hits) for a, b in pairs]


def _hits(found: Mapping[str, Any], outcome: Array, margin: Array) -> Array:
    """Which trials a map shows: the failures, or the lowest margins where nothing failed."""
    if found["map"]["failures"]:
        invalid = np.array([str(o).startswith("invalid") for o in outcome])
        return np.asarray((outcome != SUCCESS) & ~invalid)
    return np.asarray(margin <= np.nanquantile(margin, _LOWEST, method="inverted_cdf"))


def _legend(found: Mapping[str, Any]) -> str:
    if found["map"]["failures"]:
        text = "Numbers are failures among the map's trials in a cell, the darker the larger their share."
    else:
        text = "Nothing failed, so the numbers are the trials with the lowest tenth of all margins."
    if any(b["stands"] for b in found["regions"]["boxes"]):
        text += " Outlined: regions that stood the re-test; dashed where they are bounded by a third condition too."
    return text


def _map(
    found: Mapping[str, Any], conditions: Conditions, names: tuple[str, str], u: tuple[Array, Array], hits: Array
) -> Markup:
    by_name = {c.name: c for c in conditions}
    x, y = (by_name[n] for n in names)
    nx, ny = _ncells(x), _ncells(y)
    column, row = (np.minimum((v * n).astype(int), n - 1) for v, n in zip(u, (nx, ny), strict=True))
    cell = row * nx + column
    of = np.bincount(cell, minlength=nx * ny).reshape(ny, nx)
    inside = np.bincount(cell[hits], minlength=nx * ny).reshape(ny, nx)
    worst = np.unravel_index(int(np.argmax(inside / np.maximum(of, 1))), of.shape)
    what = "failures" if found["map"]["failures"] else "lowest margins"
    labels = [shown_condition(c).heading for c in (x, y)]
    text = f"{what.capitalize()} of map trials; most in one cell: {inside[worst]} of {of[worst]}."
    return heat_map(
        f"{what.capitalize()} over {labels[0]} and {labels[1]}",
        text,
        inside,
        of,
        x=(labels[0], _ticks(x, 4)),
        y=(labels[1], _ticks(y, 4)),
        outlines=[o for b in found["regions"]["boxes"] if b["stands"] and (o := _outline(b, names))],
    )


def _ncells(condition: Condition) -> int:
    kind = condition.distribution
    return len(kind.values) if isinstance(kind, Choice) else _CELLS


def _ticks(condition: Condition, parts: int) -> list[tuple[float, str]]:
    """Values along an axis that is even in probability."""
    show, kind = shown_condition(condition), condition.distribution
    if isinstance(kind, Choice):
        n = len(kind.values)
        return [((k + 0.5) / n, show.text(v)) for k, v in enumerate(kind.values)]
    at = np.linspace(0.0, 1.0, parts + 1)
    return [(float(p), show.text(float(v))) for p, v in zip(at, kind.ppf(at), strict=True)]


def _outline(box: Mapping[str, Any], names: tuple[str, str]) -> Outline | None:
    """A region's shadow on two conditions; None where it bounds neither."""
    sides = {s["condition"]: (s["u_low"], s["u_high"]) for s in box["sides"]}
    if not set(names) & sides.keys():
        return None
    x, y = (sides.get(n, (0.0, 1.0)) for n in names)
    return Outline(x, y, dashed=bool(sides.keys() - set(names)))


# ── regions, sensitivities ───────────────────────────────────────────────────────────────────────────────────────


def _region(conditions: Conditions, box: Mapping[str, Any]) -> dict[str, Any]:
    fresh, outside, held = box["retest"], box["outside"], box["share_of_failures"]
    return {
        "text": sides_text(conditions, box["sides"]),
        "stands": box["stands"],
        "rate": rate(fresh["failures"], fresh["trials"]),
        "interval": f"{share(fresh['low'])} … {share(fresh['high'])}",
        "counts": f"{count(fresh['failures'])} of {count(fresh['trials'])}",
        "outside": f"{count(outside['failures'])} of {count(outside['trials'])}",
        "volume": share(box["volume"]),
        "held": "–" if held["value"] is None else f"{share(held['value'], 0)}",
        "held_interval": "–" if held["value"] is None else f"{share(held['low'], 0)} … {share(held['high'], 0)}",
        "p": "< 0.0001" if box["p"] < 1e-4 else f"{box['p']:.4f}",
    }


def _bars(found: Mapping[str, Any], conditions: Conditions) -> Markup | None:
    labels = {c.name: shown_condition(c).label for c in conditions}
    ranked = sorted(found["factors"], key=lambda f: -f["total"])[:_FACTORS]
    if not ranked:
        return None
    effects = [
        Effect(
            labels.get(f["name"], f["name"]),
            (f["total"], f["total_low"], f["total_high"]),
            (f["first"], f["first_low"], f["first_high"]),
        )
        for f in ranked
    ]
    named = ", ".join(f"{e.name} {e.whole[0]:.2f}" for e in effects)
    title = f"What the {found['of']} depends on"
    return effect_bars(title, f"Total shares: {named}.", effects, label=f"share of the variance of the {found['of']}")


def _bars_note(found: Mapping[str, Any]) -> str:
    more = max(len(found["factors"]) - _FACTORS, 0)
    rest = f" The other {more} have smaller totals." if more else ""
    return f"{found['sentence']} From {count(found['rows'])} rows.{rest}" if found["factors"] else found["sentence"]
