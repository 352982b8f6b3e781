"""The part of a report that shows where the policy is weaker: success and cycle time over every declared condition.

    found = conditions(run)
    found["cards"][0]["label"], found["cards"][0]["effect"], found["cards"][0]["charts"]

The effect is the share of variance that a condition's bins explain (eta squared): of success, and of the ranks of the
successful trials' cycle times. Conditions are ranked by the first, or by the second when all trials ended alike.
Because the strongest of many conditions looks strong by chance, the share of random deals of the same failures in which
some condition looks as strong is given beside it. Nothing here decides anything; intervals are for one bin alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jangin.report.charts import Axis, Dots, Mark, dot_plot, heat_strip
from jangin.report.folder import Run
from jangin.report.spread import Bins, bins, by_chance, explained
from jangin.report.wording import percent, rate, share
from jangin.stats.binomial import interval
from jangin.task import SUCCESS, Array

__all__ = ["conditions"]


@dataclass(frozen=True)
class _Scene:
    """What all conditions share: outcomes and cycle times (ntrials,), and the axes that make their charts compare."""

    run: Run
    success: Array
    cycle: Array
    success_axis: Axis
    cycle_axis: Axis
    most_failed: float


def conditions(run: Run) -> dict[str, Any]:
    """One card per condition that varied, the strongest effect first; see the module."""
    trials = run.valid(run.trials)
    success = np.array([o == SUCCESS for o in trials["outcome"]], bool)
    cycle = np.asarray(trials["cycle_s"], float) if "cycle_s" in trials.columns else np.full(len(trials), np.nan)
    declared = {str(c["name"]): c for c in run.conditions if str(c["name"]) in trials.columns}
    cuts = {name: bins(np.asarray(trials[name], float)) for name in declared}
    cuts = {name: b for name, b in cuts.items() if b.n > 1}
    mixed = 0 < int(success.sum()) < len(success)
    if not cuts:
        return {"cards": [], "ranked_by": "", "mixed": mixed, "darkest": "–"}
    on_success = {name: explained(success, b) for name, b in cuts.items()}
    on_cycle = {name: explained(_ranks(cycle), b) for name, b in cuts.items()}
    chance = dict(zip(cuts, by_chance(success, list(cuts.values())), strict=True)) if mixed else {}
    order = sorted(cuts, key=(on_success if mixed else on_cycle).__getitem__, reverse=True)
    scene = _scene(run, success, cycle, list(cuts.values()))
    cards = []
    for name in order:
        effect = {"effect": share(on_success[name]) if mixed else "–", "effect_cycle": share(on_cycle[name])}
        cards.append(_card(scene, declared[name], cuts[name]) | effect | {"chance": _chance(chance.get(name))})
    return {
        "cards": cards,
        "ranked_by": "success" if mixed else "cycle time",
        "mixed": mixed,
        "darkest": share(scene.most_failed),
    }


def _chance(p: float | None) -> str:
    if p is None:
        return "–"
    return "< 0.002" if p < 0.002 else f"{p:.3f}"


def _ranks(values: Array) -> Array:
    """Ranks of the finite values, NaN for the others; equal values share their mean rank."""
    ranks = np.full(len(values), np.nan)
    finite = np.isfinite(values)
    _, index, counts = np.unique(values[finite], return_inverse=True, return_counts=True)
    ranks[finite] = (np.cumsum(counts) - (counts + 1) / 2)[index]
    return ranks


def _interval(success: Array, b: Bins) -> tuple[Array, Array, Array]:
    """Success rate of each bin with its 95 % interval, (n,) each."""
    hits = np.bincount(b.index, success, b.n)
    ends = np.array([interval(successes=int(s), trials=int(n)) for s, n in zip(hits, b.sizes, strict=True)])
    return hits / b.sizes, ends[:, 0], ends[:, 1]


def _wanted(run: Run) -> list[float]:
    """The success rates that claims ask for."""
    return [r.claim.p0 for r in run.claims if r.claim is not None and r.claim.kind == "success"]


def _scene(run: Run, success: Array, cycle: Array, cuts: list[Bins]) -> _Scene:
    lowest = min(float(_interval(success, b)[1].min()) for b in cuts)
    floor = max(0.0, float(np.floor(lowest * 10) / 10))
    quartiles = np.concatenate([np.concatenate(b.quantiles(cycle, (0.25, 0.75))) for b in cuts])
    quartiles = quartiles[np.isfinite(quartiles)]
    low, high = (float(quartiles.min()), float(quartiles.max())) if quartiles.size else (0.0, 1.0)
    space = 0.1 * (high - low) or 0.1 * abs(high) or 0.1
    unit = run.unit("cycle_s") or "s"
    wanted = "".join(f"; dotted: claim {percent(p)}" for p in _wanted(run) if p > floor)
    return _Scene(
        run=run,
        success=success,
        cycle=cycle,
        success_axis=Axis(f"success{wanted}", floor, 1.0, percent=True, ticks=4),
        cycle_axis=Axis(f"cycle, median and quartiles [{unit}]", max(0.0, low - space), high + space, ticks=3),
        most_failed=max(float(np.max(1 - b.mean(success))) for b in cuts),
    )


def _card(scene: _Scene, condition: Mapping[str, Any], b: Bins) -> dict[str, Any]:
    name = str(condition["name"])
    show = scene.run.shown(name, b.ends)
    mean, low, high = _interval(scene.success, b)
    worst = int(np.argmin(mean))
    where = show.with_unit(float(b.centres[worst]))
    fewest = rate(round(float(mean[worst] * b.sizes[worst])), int(b.sizes[worst]))
    text = f"Lowest success {fewest} around {where}; {b.n} bins of {b.sizes.min()} to {b.sizes.max()} trials."
    failed = [int(n - round(n * m)) for n, m in zip(b.sizes, mean, strict=True)]
    labels = [
        f"around {show.with_unit(float(v))}: {k} of {n} failed"
        for v, k, n in zip(b.centres, failed, b.sizes, strict=True)
    ]
    shades = (1 - mean) / scene.most_failed if scene.most_failed > 0 else np.zeros(b.n)
    return {
        "label": show.label,
        "column": name,
        "doc": str(condition.get("doc", "")),
        "charts": _charts(scene, condition, b, (mean, low, high), text),
        "strip": heat_strip(f"Failures over {show.label}", text, shades, labels),
        "lowest": f"{fewest} around {where}" if mean.min() < mean.max() else "–",
    }


def _charts(
    scene: _Scene, condition: Mapping[str, Any], b: Bins, success: tuple[Array, Array, Array], text: str
) -> list[Any]:
    """Success above cycle time over the same axis."""
    show = scene.run.shown(str(condition["name"]), b.ends)
    log = (condition.get("distribution") or {}).get("type") == "LogUniform"
    low, high = (float(v) * show.factor for v in b.ends)
    at = b.centres * show.factor
    marks = [Mark(p, "", "claim") for p in _wanted(scene.run) if p > (scene.success_axis.low or 0.0)]
    median, quarter, three = b.quantiles(scene.cycle, (0.5, 0.25, 0.75))
    return [
        dot_plot(
            f"Success over {show.label}",
            text,
            Dots(at, *success, "policy"),
            x=Axis("", low, high, log=log, ticks=4),
            y=scene.success_axis,
            marks=marks,
        ),
        dot_plot(
            f"Cycle time over {show.label}",
            "Median and quartiles of the successful trials.",
            Dots(at, median, quarter, three, "second"),
            x=Axis(show.heading, low, high, log=log, ticks=4),
            y=scene.cycle_axis,
            height=142,
        ),
    ]
