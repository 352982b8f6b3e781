"""The parts of an explanation: each runs its trials through one `Look` and gives plain values for explain.json.

    look = Look.begin(folder, plan, task, policy, seed=7, threads=0, progress=None)
    table = mapped(look, 1024)
    counted(table), sensitivities(look, table, 128), regions(look, table, 256), likely(look, table)
    nudged(look, evidence, table, to_nudge(evidence, None))

The mathematics is in `stats` (design, sensitivity, boxes, nearest), the sentences are in `report.failure_words`.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from jangin import __version__
from jangin.errors import BadFolder, BadTask
from jangin.evidence import TRIALS, Plan
from jangin.explain.chosen import BLOCK, Chosen, at, signed
from jangin.record import RunFolder
from jangin.report.failure_words import (
    box_sentence,
    likely_sentence,
    map_sentence,
    nudge_sentence,
    regions_sentence,
    sensitivity_sentence,
)
from jangin.stats import sensitivity
from jangin.stats.binomial import upper
from jangin.stats.boxes import Box, Counts, Retested, boxes, retest
from jangin.stats.design import mixed, sobol
from jangin.stats.nearest import Nudged, nearest, nudges, towards
from jangin.stats.rare import normal, uniform
from jangin.streams import generator
from jangin.task import SUCCESS, Array, Choice, Condition, Conditions, Fixed, Policy, Task, Trials, sha256_of

__all__ = ["NOISE", "Look", "Progress", "counted", "likely", "mapped", "nudged", "regions", "sensitivities", "to_nudge"]

ALPHA = 0.05
NOISE = "noise"  # what of a trial is no condition, among the factors of the sensitivity
_CELLS = 64  # places along a condition where a region may end, and one less
_ROUNDS = 10  # of the search for the most likely failure
_NUDGED = 3  # failing trials that are looked at unasked
_RARE = 0.1  # failures of which the margin's variance hangs on too few trials
_SEARCHED = 1 << 40  # trial numbers from here on are those of the search for a first failure
_BELOW_ONE = float(np.nextafter(1.0, 0.0))


@dataclass(frozen=True)
class Progress:
    """How far an explanation is: `done` trials of this stage, of `of` at most; 0 where nobody can know.

    Stages: map, sensitivity, retest, search, nudge.
    """

    stage: str
    done: int
    of: int


@dataclass(frozen=True)
class Look:
    """One explanation under way: what it is about, and its trials so far.

    Attributes:
        expected: trials that a part will take at most, by part, where that is known.
    """

    folder: RunFolder
    plan: Plan
    name: str
    conditions: Conditions
    seed: int
    chosen: Chosen
    expected: dict[str, int] = field(default_factory=dict)

    @classmethod
    def begin(
        cls,
        folder: RunFolder,
        plan: Plan,
        task: Task,
        policy: Policy,
        *,
        seed: int,
        threads: int,
        progress: Callable[[Progress], None] | None,
    ) -> Look:
        """Ready to look; runs nothing. Raises: BadTask when no condition varies."""
        expected: dict[str, int] = {}

        def tell(part: str, done: int) -> None:
            if progress is not None:
                progress(Progress(part, done, max(expected.get(part, 0), 0)))

        key = sha256_of({"plan": plan.sha256, "seed": seed, "block": BLOCK, "jangin": __version__})
        seeds = {"map": seed, "retest": seed, "evidence": plan.seed}
        chosen = Chosen(task, policy, folder, key=key, seeds=seeds, threads=threads, progress=tell)
        look = cls(folder, plan, task.name, task.conditions, seed, chosen, expected)
        if not look.movable.any():
            raise BadTask(f"{task.name} has no condition that varies between trials, so there is nothing to map.")
        return look

    @cached_property
    def movable(self) -> Array:
        """Which conditions vary, (d,) bool."""
        return np.array([_varies(c) for c in self.conditions], bool)

    def design(self, points: int) -> Array:
        """Two designs side by side, (points, 2 d): the map's, and the one its first rows are mixed with."""
        return sobol(points, 2 * len(self.conditions), seed=self.seed)

    def values(self, u: Array) -> dict[str, float]:
        """The conditions at one place u (d,), by name."""
        return {name: float(v[0]) for name, v in self.conditions.at(np.asarray(u, float)[None]).items()}

    def replay(self, point: int) -> str:
        """The command that runs a row of the map's table again."""
        return f"jangin explain {shlex.quote(str(self.folder.path))} --point {point}"


def _varies(condition: Condition) -> bool:
    ends = np.asarray(condition.distribution.ppf(np.array([0.0, _BELOW_ONE])), float)
    return not isinstance(condition.distribution, Fixed) and bool(ends[0] != ends[1])


# ── the map, and what the margin depends on ──────────────────────────────────────────────────────────────────────


def mapped(look: Look, points: int) -> Trials:
    """Trials spread evenly over all conditions, each under noise of its own."""
    look.expected["map"] = points
    u = look.design(points)[:, : len(look.conditions)]
    return look.chosen.run("map", u, np.arange(points), part="map")


def counted(table: Trials) -> dict[str, Any]:
    """How the map's trials ended."""
    known = ~table.invalid
    n, failures = int(known.sum()), int(_failed(table).sum())
    bound = upper(successes=0, trials=n) if n and not failures else None
    names, counts = np.unique(table["outcome"].astype(str), return_counts=True)
    return {
        "trials": n,
        "failures": failures,
        "invalid": len(table) - n,
        "outcomes": dict(zip(names.tolist(), counts.tolist(), strict=True)),
        "bound_if_independent": bound,
        "sentence": map_sentence(n, failures, len(table) - n, bound),
    }


def _failed(table: Trials) -> Array:
    return np.asarray((table["outcome"] != SUCCESS) & ~table.invalid)


def sensitivities(look: Look, table: Trials, rows: int) -> dict[str, Any]:
    """Sobol indices of the margin to each condition that varies, and to the noise as one more input.

    The map's first rows are the first design; the second has other conditions and other noise. A row in which a trial
    has no margin, or one that nobody can vouch for, is left out whole. With infinite margins, or few failures, on which
    the variance would hang, it is the margin's rank that is shared out.
    """
    found: dict[str, Any] = {"of": "margin", "rows": 0, "left_out": 0, "factors": []}
    if rows == 0:
        return {**found, "sentence": "Sensitivities were not asked for."}
    d = len(look.conditions)
    both = look.design(len(table))[:rows]
    ours = np.column_stack([both[:, :d], np.arange(rows)])
    other = np.column_stack([both[:, d:], len(table) + np.arange(rows)])
    factors = [*np.flatnonzero(look.movable).tolist(), d]
    asked = np.concatenate([other, *mixed(ours, other)[factors]])
    look.expected["sensitivity"] = len(asked)
    ran = look.chosen.run("map", asked[:, :d], asked[:, d].astype(np.int64), part="sensitivity")
    of = np.concatenate([signed(table)[:rows], signed(ran)]).reshape(-1, rows)  # a, b, then each factor mixed
    whole = ~np.isnan(of).any(axis=0)
    found |= {"rows": int(whole.sum()), "left_out": int(rows - whole.sum())}
    of = of[:, whole]
    if np.isinf(of).any() or 0.0 < np.mean(of < 0) < _RARE:
        of, found["of"] = sensitivity.ranks(of), "rank of the margin"
    try:
        indices = sensitivity.indices(of[0], of[1], of[2:], seed=look.seed)
    except ValueError as e:
        return {**found, "sentence": f"There are no sensitivities: {str(e)[0].lower()}{str(e)[1:]}"}
    names = [*look.conditions.names, NOISE]
    found["factors"] = [
        {"name": names[j], **{kind: float(getattr(indices, kind)[k]) for kind in _KINDS}} for k, j in enumerate(factors)
    ]
    return {**found, "sentence": sensitivity_sentence(look.conditions, found)}


_KINDS = ("first", "first_low", "first_high", "total", "total_low", "total_high")


# ── failure regions ──────────────────────────────────────────────────────────────────────────────────────────────


def regions(look: Look, table: Trials, retests: int) -> dict[str, Any]:
    """Boxes in which the map's failures are dense, and what fresh trials say of each."""
    known = ~table.invalid
    u, failed = at(table)[known], _failed(table)[known]
    suspected = boxes(u, failed, [_cuts(c) for c in look.conditions])
    entries: list[dict[str, Any]] = []
    if suspected:
        rng = np.random.default_rng([look.seed, 1])
        drawn = rng.random((1 + len(suspected), retests, len(look.conditions)))
        places = np.concatenate([drawn[0], *(box.draw(r) for box, r in zip(suspected, drawn[1:], strict=True))])
        look.expected["retest"] = len(places)
        fresh = look.chosen.run("retest", places, np.arange(len(places)), part="retest")
        counts = [_counts(box, places, fresh, retests, k) for k, box in enumerate(suspected, start=1)]
        judged = retest(counts, [box.volume for box in suspected], alpha=ALPHA)
        entries = [_region(look, b, r, u, failed) for b, r in zip(suspected, judged, strict=True)]
    stand = sum(e["stands"] for e in entries)
    return {
        "alpha": ALPHA,
        "suspected": len(suspected),
        "boxes": sorted(entries, key=lambda e: (not e["stands"], -e["retest"]["failures"] * e["volume"])),
        "sentence": regions_sentence(int(failed.sum()), len(suspected), stand),
    }


def _cuts(condition: Condition) -> Array:
    """Where a region may end along a condition: between its choices, or at one of many even steps."""
    if not _varies(condition):
        return np.zeros(0)
    kind = condition.distribution
    cells = len(kind.values) if isinstance(kind, Choice) else _CELLS
    return np.arange(1, cells) / cells


def _counts(box: Box, places: Array, fresh: Trials, retests: int, k: int) -> Counts:
    """Fresh trials inside the k-th box, and those over the whole domain that fall outside it."""
    known, failed = ~fresh.invalid, _failed(fresh)
    own = slice(k * retests, (k + 1) * retests)
    outside = known[:retests] & ~box.inside(places[:retests])
    return Counts(
        trials=int(known[own].sum()),
        failures=int(failed[own].sum()),
        outside=int(outside.sum()),
        outside_failures=int((failed[:retests] & outside).sum()),
    )


def _region(look: Look, box: Box, r: Retested, u: Array, failed: Array) -> dict[str, Any]:
    items = list(look.conditions)
    inside = box.inside(u)
    sides = []
    for s in box.sides:
        low, high = (float(items[s.index].distribution.ppf(np.array([v]))[0]) for v in (s.low, min(s.high, _BELOW_ONE)))
        name = items[s.index].name
        sides.append({"condition": name, "low": low, "high": high, "u_low": s.low, "u_high": s.high})
    share = {"value": r.share, "low": r.share_low, "high": r.share_high}
    entry = {
        "sides": sides,
        "volume": box.volume,
        "stands": r.stands,
        "p": r.p,
        "retest": {"trials": r.counts.trials, "failures": r.counts.failures, "low": r.low, "high": r.high},
        "outside": {
            "trials": r.counts.outside,
            "failures": r.counts.outside_failures,
            "low": r.outside_low,
            "high": r.outside_high,
        },
        "share_of_failures": {k: None if math.isnan(v) else v for k, v in share.items()},
        "map": {"trials": int(inside.sum()), "failures": int((inside & failed).sum())},
    }
    return {**entry, "sentence": box_sentence(look.conditions, entry)}


# ── the most likely failure ──────────────────────────────────────────────────────────────────────────────────────


def likely(look: Look, table: Trials) -> dict[str, Any]:
    """The failure with the least unusual conditions; where nothing fails, the lowest margin that a search came to."""
    known, _ = look.chosen.tables()
    z, margin = normal(at(known)), signed(known)
    z = np.where(look.movable, z, 0.0)

    def run(z: Array, numbers: Array) -> Array:
        return signed(look.chosen.run("map", uniform(z), numbers, part="search"))

    failing = np.flatnonzero(margin < 0)
    searched = 0
    if failing.size:
        row = int(failing[np.argmin(np.linalg.norm(z[failing], axis=1))])
        start, number = z[row], int(known["trial"][row])
    else:
        if not np.isfinite(margin).any():
            return {"found": False, "point": None, "sentence": "The task records no margin to search along."}
        lowest = towards(run, z, margin, _SEARCHED, movable=look.movable, seed=look.seed, batch=BLOCK)
        searched, start, number = lowest.evaluations, lowest.z, lowest.number
        best = int(np.nanargmin(margin))
        if lowest.margin >= 0:
            beaten = lowest.margin < margin[best]
            row = look.chosen.row("map", uniform(start), number) if beaten else best
            return _lowest(look, row, searched)
        row = look.chosen.row("map", uniform(start), number)
    look.expected["search"] = searched + _ROUNDS * BLOCK
    near = nearest(run, start, number, movable=look.movable, seed=look.seed, rounds=_ROUNDS, batch=BLOCK)
    if near.improved:
        row = look.chosen.row("map", uniform(near.z), number)
    entry = _place(look, row) | {
        "found": True,
        "distance": near.distance,
        "typical": near.typical,
        "share_as_near": near.share,
        "searched": searched + near.evaluations,
    }
    return {**entry, "sentence": likely_sentence(look.conditions, entry)}


def _lowest(look: Look, row: int, searched: int) -> dict[str, Any]:
    entry = _place(look, row) | {"found": False, "searched": searched}
    return {**entry, "sentence": likely_sentence(look.conditions, entry)}


def _place(look: Look, row: int) -> dict[str, Any]:
    """A row of the map's table: how it ended, and its conditions, the most unusual one first."""
    table, _ = look.chosen.tables()
    u = at(table)[row]
    values, medians = look.values(u), look.values(np.full(len(u), 0.5))
    z = np.where(look.movable, normal(u), 0.0)
    order = [int(j) for j in np.argsort(-np.abs(z), kind="stable") if abs(z[j]) > 1e-6]
    names = look.conditions.names
    moved = [
        {"condition": names[j], "value": values[names[j]], "median": medians[names[j]], "u": float(u[j])} for j in order
    ]
    return {
        "point": row,
        "outcome": str(table["outcome"][row]),
        "margin": float(table["margin"][row]),
        "moved": moved,
        "command": look.replay(row),
    }


# ── what would have made it pass ─────────────────────────────────────────────────────────────────────────────────


def to_nudge(evidence: Trials, trial: int | None) -> list[int]:
    """Which trials of the evidence to look at: the one asked for, then the worst failures by margin.

    Raises: BadFolder when the one asked for is not there or did not fail.
    """
    failed = np.flatnonzero(_failed(evidence))
    order = failed[np.argsort(evidence["margin"][failed], kind="stable")].tolist()
    if trial is None:
        return [int(k) for k in order[:_NUDGED]]
    if trial not in order:
        have = ", ".join(str(k) for k in order[:8]) + (" and more" if len(order) > 8 else "")
        which = f"The failing ones are {have}." if order else "None of them failed."
        raise BadFolder(f"Trial {trial} is no failing trial of {TRIALS}, and only such a one can be explained. {which}")
    return [trial, *(int(k) for k in order if k != trial)][:_NUDGED]


def nudged(look: Look, evidence: Trials, table: Trials, asked: Sequence[int]) -> list[dict[str, Any]]:
    """For failing trials of the evidence, then of the map, which single condition moved back makes them pass."""
    d = len(look.conditions)
    drawn = [generator(look.name, seed=look.plan.seed, purpose="evidence", trial=t).random((1, d))[0] for t in asked]
    at_home = [_is_at(look, evidence, t, u) for t, u in zip(asked, drawn, strict=True)]
    cases = [(t, u) for t, u, there in zip(asked, drawn, at_home, strict=True) if there]
    entries = _nudges(look, "evidence", evidence, [t for t, _ in cases], [u for _, u in cases])
    failing = np.flatnonzero(_failed(table))
    z = np.where(look.movable, normal(at(table)), 0.0)
    near = failing[np.argsort(np.linalg.norm(z[failing], axis=1), kind="stable")][: max(_NUDGED - len(entries), 0)]
    return entries + _nudges(look, "map", table, near.tolist(), list(at(table)[near]))


def _is_at(look: Look, evidence: Trials, trial: int, u: Array) -> bool:
    """Whether the evidence's trial had the conditions that its number gives here; a foreign world may draw its own."""
    return all(name in evidence.columns and evidence[name][trial] == v for name, v in look.values(u).items())


def _nudges(look: Look, stream: str, table: Trials, rows: list[int], places: list[Array]) -> list[dict[str, Any]]:
    if not rows:
        return []

    def run(u: Array, numbers: Array) -> Array:
        return signed(look.chosen.run(stream, u, numbers, part="nudge"))

    found = nudges(run, np.stack(places), table["trial"][rows], look.movable)
    return [_nudge(look, stream, table, k, u, n) for k, u, n in zip(rows, places, found, strict=True)]


def _nudge(look: Look, stream: str, table: Trials, row: int, u: Array, n: Nudged) -> dict[str, Any]:
    names, here = look.conditions.names, look.values(u)

    def value(index: int, at: float) -> float:
        return look.values(np.where(np.arange(len(u)) == index, at, u))[names[index]]

    moves = [
        {
            "condition": names[m.index],
            "value": here[names[m.index]],
            "fails_at": value(m.index, m.fails),
            "passes_at": value(m.index, m.passes),
            "moved": m.moved,
        }
        for m in n.moves
    ]
    place = shlex.quote(str(look.folder.path))
    entry = {
        "source": stream,
        "number": row,
        "outcome": str(table["outcome"][row]),
        "fails_again": n.fails_again,
        "median_passes": n.median_passes,
        "moves": moves,
        "command": f"jangin replay {place} --trial {row}" if stream == "evidence" else look.replay(row),
    }
    return {**entry, "sentence": nudge_sentence(look.conditions, entry)}
