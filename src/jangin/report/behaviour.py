"""The parts of a report that show what the policy did: outcomes, distributions, baselines, worst trials.

    distributions(run)[0]["chart"], baselines(run), worst(run)

Each function takes a `folder.Run` and gives plain values and charts for the page. These parts describe the recorded
trials and decide nothing: intervals here are pointwise and nominal, the verdict stands on the claims alone.
"""

from __future__ import annotations

import shlex
from typing import Any

import numpy as np

from jangin.report.charts import Axis, Mark, Sample, histogram
from jangin.report.folder import Run
from jangin.report.wording import UNKNOWN, Shown, count, exact, number, rate, share, shown
from jangin.stats.binomial import interval
from jangin.stats.quantile import quantile
from jangin.task import SUCCESS, Array, Trials

__all__ = ["baselines", "distributions", "outcomes", "worst"]

_POLICY = "policy"
_ABOUT = {
    "policy": "what is judged here",
    "expert": "the scripted program: what a plant has today",
    "without touch": "the same policy with its touch signals at zero",
    "zero": "no action at all: no task may be solved by it",
    "random": "uniformly random actions",
}


def _label(name: str) -> str:
    """A policy's name in a table, where "without touch" can only mean the policy that is judged."""
    return "without touch" if name.endswith(" without touch") else name


def _everyone(run: Run) -> dict[str, Trials]:
    """The policy and the baselines (expert first, zero and random last), without invalid rows."""
    own = {_POLICY: run.valid(run.trials)} if run.trials is not None else {}
    rank = {"expert": 0, "zero": 2, "random": 3}
    names = sorted((n for n in run.baselines if n != _POLICY), key=lambda n: rank.get(n, 1))
    return {**own, **{_label(name): run.valid(run.baselines[name]) for name in names}}


def _succeeded(trials: Trials) -> Array:
    return np.array([o == SUCCESS for o in trials["outcome"]], bool)


def outcomes(run: Run) -> list[dict[str, str]]:
    """How the evidence trials ended: every outcome with its count and share, the most frequent first."""
    if run.trials is None or len(run.trials) == 0:
        return []
    names, counts = np.unique([str(o) for o in run.trials["outcome"]], return_counts=True)
    order = sorted(range(len(names)), key=lambda k: (names[k] != SUCCESS, -counts[k]))
    return [
        {
            "name": str(names[k]).replace("_", " "),
            "count": count(counts[k]),
            "share": rate(int(counts[k]), len(run.trials)),
        }
        for k in order
    ]


# ── 5: distributions ─────────────────────────────────────────────────────────────────────────────────────────────


def distributions(run: Run) -> list[dict[str, Any]]:
    """A histogram and a table of quantiles for the cycle time and every peak, the policy beside the baselines."""
    everyone = {k: t for k, t in _everyone(run).items() if len(t)}
    if run.trials is None or not everyone:
        return []
    columns = [c for c in ("cycle_s", *run.peaks) if c in run.trials.columns]
    return [_distribution(run, column, everyone) for column in columns]


def _distribution(run: Run, column: str, everyone: dict[str, Trials]) -> dict[str, Any]:
    tables = {name: np.asarray(t[column], float) for name, t in everyone.items() if column in t.columns}
    lines = run.lines(column)
    show = run.shown(column, np.concatenate([*tables.values(), np.array([v for v, _ in lines], float)]))
    samples = []
    high = _axis_end(tables, [v for v, _ in lines])
    for name, values in tables.items():
        finite = values[np.isfinite(values)]
        note = "no value in any trial" if not finite.size else ""
        if finite.size and (over := int(np.sum(finite > high))):
            note = f"{rate(over, len(values))} beyond the axis"
        samples.append(Sample(f"{name} (n = {count(len(values))})", finite * show.factor, _tone(name), note))
    marks = [
        Mark(v * show.factor, f"{what}: {show.typed(v)}", "limit" if what == "limit" else "claim")
        for v, what in lines
        if v <= high
    ]
    low = min((float(v[np.isfinite(v)].min()) for v in tables.values() if np.isfinite(v).any()), default=0.0)
    axis = Axis(show.heading, min(low, 0.0) * show.factor, high * show.factor)
    title = f"Distribution of {show.label}"
    description = f"Histograms for {', '.join(tables)}; lines at {', '.join(m.label for m in marks) or 'none'}."
    return {
        "heading": show.heading,
        "label": show.label,
        "column": column,
        "chart": histogram(title, description, samples, x=axis, marks=marks),
        "rows": [_quantiles(name, values, show) for name, values in tables.items()],
        "lines": [f"{what}: {show.typed(v)} {show.unit}".rstrip() for v, what in lines],
    }


def _axis_end(tables: dict[str, Array], lines: list[float]) -> float:
    """Where the axis ends: behind the policy's largest value and every line that is near it, wherever baselines go."""
    ends = {k: float(v[np.isfinite(v)].max()) for k, v in tables.items() if np.isfinite(v).any()}
    own = ends.get(_POLICY, max(ends.values(), default=1.0))
    near = [v for v in lines if v <= 4 * own or own <= 0] or lines[:1]
    end = max([own, *near])
    usual = [quantile(v[np.isfinite(v)], 0.95) for k, v in tables.items() if k in ends]
    end = max([end, *(u for u in usual if u <= 2 * end)])
    return end + 0.04 * abs(end) or 1.0


def _point(values: Array, q: float) -> float:
    """A quantile that is one of the values; NaN where one is unknown or there is none."""
    return quantile(values, q) if len(values) and not np.isnan(values).any() else float("nan")


def _tone(name: str) -> str:
    return {"policy": "policy", "expert": "second"}.get(name, "third")


def _quantiles(name: str, values: Array, show: Shown) -> dict[str, Any]:
    """p50, p95, p99 and the largest of all trials; a failed trial's cycle time counts as infinite, as in the claims."""
    missing = int(np.sum(~np.isfinite(values)))
    points = [_point(values, q) for q in (0.5, 0.95, 0.99, 1.0)]
    return {
        "name": name,
        "judged": name == _POLICY,
        "n": count(len(values)),
        "missing": count(missing),
        "points": [show.text(p) for p in points],
    }


# ── 7: baselines ─────────────────────────────────────────────────────────────────────────────────────────────────


def baselines(run: Run) -> dict[str, Any]:
    """The policy and every baseline: success with its interval, cycle time, and the main peak.

    A baseline that has only totals in the verdict is listed with those.
    """
    peak = next((p for p in run.peaks if "force" in p), next(iter(run.peaks), None))
    everyone = _everyone(run)
    columns = {
        c: np.concatenate([np.asarray(t[c], float) for t in everyone.values() if c in t.columns] or [np.zeros(0)])
        for c in ("cycle_s", peak)
        if c
    }
    shows = {c: run.shown(c, v) for c, v in columns.items()}
    rows = [_baseline(name, trials, peak, shows) for name, trials in everyone.items()]
    for name, totals in (run.verdict.get("baselines") or {}).items():
        if _label(str(name)) not in everyone:
            rows.append(_totals(_label(str(name)), totals))
    return {"rows": rows, "cycle": shows["cycle_s"].heading, "peak": shows[peak].heading if peak else "peak"}


def _baseline(name: str, trials: Trials, peak: str | None, shows: dict[str, Shown]) -> dict[str, Any]:
    n, good = len(trials), int(_succeeded(trials).sum())

    def points(column: str | None, qs: tuple[float, ...]) -> list[str]:
        if column is None or column not in trials.columns or n == 0:
            return [UNKNOWN] * len(qs)
        return [shows[column].text(_point(np.asarray(trials[column], float), q)) for q in qs]

    return _success(name, good, n) | {"cycle": points("cycle_s", (0.5, 0.95)), "peak": points(peak, (0.95, 0.99, 1.0))}


def _totals(name: str, totals: Any) -> dict[str, Any]:
    n, good = (int(totals.get(k) or 0) for k in ("trials", "successes")) if hasattr(totals, "get") else (0, 0)
    return _success(name, good, n) | {"cycle": [UNKNOWN] * 2, "peak": [UNKNOWN] * 3}


def _success(name: str, good: int, n: int) -> dict[str, Any]:
    low, high = interval(successes=good, trials=n) if n else (0.0, 1.0)
    return {
        "name": name,
        "judged": name == _POLICY,
        "about": _ABOUT.get(name, ""),
        "n": count(n),
        "successes": count(good),
        "rate": rate(good, n),
        "interval": f"{share(low)} … {share(high)}" if n else "–",
    }


# ── 8: the worst trials ──────────────────────────────────────────────────────────────────────────────────────────


def worst(run: Run, most: int = 10) -> dict[str, Any]:
    """The trials to look at first: invalid ones, failures by margin, then those nearest to a limit or a claim."""
    trials = run.trials
    if trials is None or len(trials) == 0 or "trial" not in trials.columns:
        return {"rows": [], "columns": [], "nmeasured": 0}
    use, why = _closeness(run, trials)
    margin = np.asarray(trials["margin"], float) if "margin" in trials.columns else np.zeros(len(trials))
    success, invalid = _succeeded(trials), trials.invalid
    kind = np.where(invalid, 0, np.where(success, 2, 1))
    second = np.where(kind == 2, -np.round(use, 3), np.nan_to_num(margin, nan=-np.inf))
    order = np.lexsort((np.asarray(trials["trial"]), margin, second, kind))[:most]
    measured = [c for c in ("cycle_s", "margin", *run.peaks) if c in trials.columns]
    declared = [str(c["name"]) for c in run.conditions if str(c["name"]) in trials.columns]
    shows = {
        c: run.shown(c, np.asarray(trials[c], float)[order] if c in measured else np.asarray(trials[c], float))
        for c in (*measured, *declared)
    }
    place = shlex.quote(run.path)
    texts = [shows[c].column(np.asarray(trials[c], float)[order]) for c in (*measured, *declared)]
    rows = [
        {
            "trial": str(int(trials["trial"][i])),
            "outcome": str(trials["outcome"][i]).replace("_", " "),
            "good": bool(success[i]),
            "why": why[i] if success[i] else "invalid" if invalid[i] else "failed",
            "values": [column[k] for column in texts],
            "command": f"jangin replay {place} --trial {int(trials['trial'][i])}{run.named}",
        }
        for k, i in enumerate(order)
    ]
    return {"rows": rows, "columns": [shows[c].heading for c in (*measured, *declared)], "nmeasured": len(measured)}


def _closeness(run: Run, trials: Trials) -> tuple[Array, list[str]]:
    """How much of a limit or a claim's threshold each trial used, the most over all of them (n,), and of which."""
    use, why = np.full(len(trials), -np.inf), ["smallest margin"] * len(trials)
    for column in ("cycle_s", *run.peaks):
        if column not in trials.columns:
            continue
        values = np.asarray(trials[column], float)
        for line, what in run.lines(column):
            used = values / line if line > 0 else np.full(len(trials), -np.inf)
            show = shown(column, run.unit(column))
            line_text = f"{'limit' if what == 'limit' else 'claimed'} {exact(line)} {show.unit}".rstrip()
            for i in np.flatnonzero(used > use):
                use[i], why[i] = used[i], f"{show.label} at {number(100 * used[i])} % of the {line_text}"
    return np.where(np.isfinite(use), use, 0.0), why
