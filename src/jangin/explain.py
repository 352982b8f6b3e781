"""Where does it fail, and why? A map of the conditions beside the evidence, never a part of it.

    found = explain("runs/peg", policy=policy, task=task, points=1024, seed=0)
    found.boxes[0].sentence       # "fails in 62 % of trials when tilt_rad > 0.028 and friction > 0.52 ..."
    found.sensitivity, found.nearest, found.nudges

In this order: trials at evenly spread conditions (the map); boxes of conditions in which failures are denser, each
tried again on fresh trials inside it, with Holm's correction for how many were looked at; sensitivity indices of the
margin; the failure nearest to the middle of all conditions; and for the worst failures of the evidence, which single
condition moved back towards its middle makes the trial pass, and where.

Map trials carry the noise of their own numbers in streams of their own ("map", "retest", "sensitivity"), so they never
touch a trial of the evidence. The folder gets explain/map.parquet, explain/retest.parquet and explain/explain.json; no
file of the evidence is changed. Interrupted, nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jangin.engine.probe import Probe
from jangin.errors import BadTask, JanginError
from jangin.evidence import TRIALS, read_plan
from jangin.record import RunFolder
from jangin.stats.binomial import interval, upper
from jangin.stats.boxes import Box, boxes, excess, holm
from jangin.stats.design import pairs, spread
from jangin.stats.rare import normal, uniform
from jangin.stats.sensitivity import indices
from jangin.streams import generator
from jangin.task import SUCCESS, Array, Condition, Fixed, Policy, Task, Trials, sha256_of, task_declaration

__all__ = ["EXPLAIN", "Explained", "FailureBox", "Nudge", "explain"]

EXPLAIN = "explain/explain.json"
MAP, RETEST = "explain/map.parquet", "explain/retest.parquet"
_RETESTED = 192  # fresh trials in a box
_ALPHA = 0.05
_HALVINGS = 8
_NUDGED = 3  # failures of the evidence that are looked at


@dataclass(frozen=True)
class FailureBox:
    """A region of the conditions in which failures are denser, confirmed on fresh trials.

    Attributes:
        sides: by condition the values it is bounded by, (low or None, high or None).
        trials, failures: of the fresh trials inside it.
        low, high: simultaneous 95 % interval of the failure rate in it.
        p: of so many failures at the highest rate that the map leaves to the whole.
        volume: share of all conditions.
        coverage: share of the map's failures that lie in it.
        sentence: the same for a person.
    """

    sides: Mapping[str, tuple[float | None, float | None]]
    trials: int
    failures: int
    low: float
    high: float
    p: float
    volume: float
    coverage: float
    sentence: str


@dataclass(frozen=True)
class Nudge:
    """A failed trial that passes when one condition alone is moved back.

    Attributes:
        trial: its number in the evidence.
        condition, value, passes_at: which one, what it was, and the value nearest to it at which the trial passes.
        moved: how far that is, as a share of the way to the middle of the condition's distribution.
    """

    trial: int
    condition: str
    value: float
    passes_at: float
    moved: float


@dataclass(frozen=True)
class Explained:
    """What the map and the searches beside it gave.

    Attributes:
        points, failures: of the map.
        rate_high: 95 % upper bound of the share of conditions that fail, if the map's points were drawn by chance.
        boxes: confirmed failure regions, the strongest first; `dropped` more were not confirmed.
        sensitivity: by condition first and total index of the margin with intervals; empty where it does not vary.
        nearest: conditions of the failure found nearest to the middle of all; empty for none.
        nudges: single conditions that decide failures of the evidence.
        trials: that were run for all this.
        sentences: what to say of it, in order.
    """

    points: int
    failures: int
    rate_high: float
    boxes: tuple[FailureBox, ...]
    dropped: int
    sensitivity: Mapping[str, Mapping[str, float]]
    nearest: Mapping[str, float]
    nudges: tuple[Nudge, ...]
    trials: int
    sentences: tuple[str, ...]


def explain(
    folder: RunFolder | str | Path,
    *,
    policy: Policy,
    task: Task,
    points: int = 1024,
    seed: int = 0,
    threads: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> Explained:
    """Look for where the folder's policy fails, with a map of so many points; `progress` gets what, done, of how many.

    Raises: BadTask for a task without conditions, or another one than the plan's; JanginError for too few points.
    """
    folder = folder if isinstance(folder, RunFolder) else RunFolder.open(folder)
    plan, task = read_plan(folder), task.at("evidence")
    if sha256_of(task_declaration(task)) != plan.task["sha256"]:
        raise BadTask(f"The task {task.name} given here is not the one that the plan in {folder.path} names.")
    if not len(task.conditions):
        raise BadTask(f"{task.name} declares no conditions, so there is nothing to map. Declare what varies.")
    if points < 64:
        raise JanginError(f"A map of {points} points shows nothing; give at least 64, as --points 1024.")
    look = _Look(task, policy, plan.seed, seed, min(plan.block, 128), threads, progress)
    u = spread(points, len(task.conditions), seed=seed)
    table = look.run("map", u, np.arange(points))
    failed = table["outcome"] != SUCCESS
    retested, kept, dropped = look.boxes(u, failed)
    sensitivity = look.sensitivity(max(points // (len(task.conditions) + 2), 32))
    nearest = look.nearest(u, table, failed)
    nudges = look.nudges(folder.read_trials(TRIALS))
    rate_high = upper(successes=int(failed.sum()), trials=points)
    found = Explained(
        points=points,
        failures=int(failed.sum()),
        rate_high=rate_high,
        boxes=kept,
        dropped=dropped,
        sensitivity=sensitivity,
        nearest=nearest,
        nudges=nudges,
        trials=look.count,
        sentences=_sentences(points, failed, rate_high, kept, dropped, nudges),
    )
    folder.write_trials(MAP, table)
    if retested is not None:
        folder.write_trials(RETEST, retested)
    else:
        folder.remove(RETEST)
    folder.write_json(EXPLAIN, _plain(found, seed))
    return found


class _Look:
    """Runs the trials of an explanation; `count` is how many it ran."""

    def __init__(
        self,
        task: Task,
        policy: Policy,
        evidence_seed: int,
        seed: int,
        block: int,
        threads: int,
        progress: Callable[[str, int, int], None] | None,
    ) -> None:
        self._task, self._policy, self._evidence_seed, self._seed = task, policy, evidence_seed, seed
        self._block, self._threads, self._progress = block, threads, progress
        self._probes: dict[tuple[str, int, int], Probe] = {}  # the one in use: a world takes memory
        self.count = 0

    def run(self, purpose: str, u: Array, trials: Array, *, seed: int | None = None) -> Trials:
        def tell(done: int) -> None:
            if self._progress is not None:
                self._progress(purpose, done, len(u))

        seed, block = self._seed if seed is None else seed, min(self._block, len(u))
        key = (purpose, seed, block)
        if key not in self._probes:
            self._probes = {
                key: Probe(self._task, self._policy, seed=seed, purpose=purpose, block=block, threads=self._threads)
            }
        table = self._probes[key].run(u, trials, tell)
        self.count += len(table)
        return table

    def boxes(self, u: Array, failed: Array) -> tuple[Trials | None, tuple[FailureBox, ...], int]:
        """The boxes that fresh trials confirm, those trials, and how many boxes they do not confirm."""
        found = boxes(u, failed)
        if not found:
            return None, (), 0
        rng = np.random.default_rng([self._seed, 1])
        inside = [np.add(b.low, rng.random((_RETESTED, u.shape[1])) * np.subtract(b.high, b.low)) for b in found]
        table = self.run("retest", np.concatenate(inside), np.arange(_RETESTED * len(found)))
        bad = (table["outcome"] != SUCCESS).reshape(len(found), _RETESTED).sum(axis=1)
        rate = upper(successes=int(failed.sum()), trials=len(failed))
        p = np.array([excess(failures=int(k), trials=_RETESTED, rate=rate) for k in bad])
        confirmed = holm(p, _ALPHA)
        kept = [
            self._described(b, int(k), float(q), u, failed, len(found))
            for b, k, q, yes in zip(found, bad, p, confirmed, strict=True)
            if yes
        ]
        return table, tuple(kept), len(found) - len(kept)

    def _described(self, box: Box, failures: int, p: float, u: Array, failed: Array, looked_at: int) -> FailureBox:
        low, high = interval(successes=failures, trials=_RETESTED, confidence=1.0 - _ALPHA / looked_at)
        sides: dict[str, tuple[float | None, float | None]] = {}
        for k, c in enumerate(self._task.conditions):
            ends = [float(c.distribution.ppf(np.array([v]))[0]) for v in (box.low[k], box.high[k])]
            side = (ends[0] if box.low[k] > 0.0 else None, ends[1] if box.high[k] < 1.0 else None)
            if side != (None, None):
                sides[c.name] = side
        coverage = float(failed[box.holds(u)].sum() / failed.sum())
        where = " and ".join(_side(name, *ends) for name, ends in sides.items())
        sentence = (
            f"Fails in {100 * failures / _RETESTED:.0f} % of fresh trials when {where}: {100 * box.volume:.1f} % of "
            f"the conditions, {100 * coverage:.0f} % of the map's failures."
        )
        return FailureBox(sides, _RETESTED, failures, low, high, p, box.volume, coverage, sentence)

    def sensitivity(self, n: int) -> dict[str, dict[str, float]]:
        """Indices of the margin for each condition; a row's noise is the same in all its variants."""
        names, dim = self._task.conditions.names, len(self._task.conditions)
        a, b, mixed = pairs(n, dim, seed=self._seed + 1)
        u = np.concatenate([a, b, *mixed])
        table = self.run("sensitivity", u, np.tile(np.arange(n), dim + 2))
        y = table["margin"].reshape(dim + 2, n)
        if not np.isfinite(y).all() or np.ptp(y) == 0.0:
            return {}
        found = indices(y[0], y[1], y[2:], seed=self._seed)
        return {
            name: {
                f: float(getattr(found, f)[k])
                for f in ("first", "first_low", "first_high", "total", "total_low", "total_high")
            }
            for k, name in enumerate(names)
        }

    def nearest(self, u: Array, table: Trials, failed: Array) -> dict[str, float]:
        """The conditions of the failure nearest to the middle of all, in normal scores; drawn nearer while it fails."""
        if not failed.any():
            return {}
        z = normal(u)
        k = int(np.flatnonzero(failed)[np.argmin(np.sum(z[failed] ** 2, axis=1))])
        low, high = 0.0, 1.0  # the trial fails at `high` times its distance
        for _ in range(_HALVINGS):
            share = np.linspace(low, high, 9)[1:-1]
            again = self.run("map", uniform(share[:, None] * z[k]), np.full(len(share), table["trial"][k]))
            fails = np.flatnonzero(again["outcome"] != SUCCESS)
            if len(fails):
                low, high = (share[fails[0] - 1] if fails[0] else low), share[fails[0]]
            else:
                low = share[-1]
            if high - low < 0.01:
                break
        return {n: float(v[0]) for n, v in self._task.conditions.at(uniform(high * z[k][None])).items()}

    def nudges(self, trials: Trials) -> tuple[Nudge, ...]:
        """For the evidence's worst failures: each condition that alone, moved towards its middle, makes it pass."""
        failed = np.flatnonzero(trials["outcome"] != SUCCESS)
        worst = failed[np.argsort(trials["margin"][failed], kind="stable")][:_NUDGED]
        found: list[Nudge] = []
        for row in worst:
            found += self._nudged(int(trials["trial"][row]))
        return tuple(found)

    def _nudged(self, trial: int) -> list[Nudge]:
        conditions = self._task.conditions
        rng = generator(self._task.name, seed=self._evidence_seed, purpose="evidence", trial=trial)
        own = rng.random(len(conditions))
        loose = [k for k, c in enumerate(conditions) if not isinstance(c.distribution, Fixed)]
        low, high = (
            np.zeros(len(loose)),
            np.ones(len(loose)),
        )  # share of the way to the middle: fails at low, passes at high

        def passes(share: Array) -> Array:
            u = np.repeat(own[None], len(loose), axis=0)
            for row, k in enumerate(loose):
                u[row, k] = own[k] + share[row] * (0.5 - own[k])
            table = self.run("evidence", u, np.full(len(loose), trial), seed=self._evidence_seed)
            return np.asarray(table["outcome"] == SUCCESS)

        decides = passes(high)
        if not decides.any():
            return []
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            good = passes(middle)
            low, high = np.where(good, low, middle), np.where(good, middle, high)
        items = list(conditions)
        return [_nudge(trial, items[k], own[k], float(high[row])) for row, k in enumerate(loose) if decides[row]]


def _nudge(trial: int, condition: Condition, was: float, moved: float) -> Nudge:
    ends = (was, was + moved * (0.5 - was))
    value, passes_at = (float(condition.distribution.ppf(np.array([x]))[0]) for x in ends)
    return Nudge(trial, condition.name, value, passes_at, moved)


def _of_trial(trial: int, nudges: list[Nudge]) -> str:
    """What makes one failed trial pass, the smallest steps first."""
    first = sorted(nudges, key=lambda n: n.moved)[:3]
    told = ", ".join(f"{n.condition} from {n.value:.4g} to {n.passes_at:.4g}" for n in first)
    more = f" ({len(nudges) - len(first)} more conditions do too)" if len(nudges) > len(first) else ""
    return f"Trial {trial:,} passes when one condition alone is moved back: {told}{more}."


def _side(name: str, low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{low:.4g} <= {name} < {high:.4g}"
    return f"{name} >= {low:.4g}" if low is not None else f"{name} < {high:.4g}"


def _sentences(
    points: int, failed: Array, rate_high: float, kept: tuple[FailureBox, ...], dropped: int, nudges: tuple[Nudge, ...]
) -> tuple[str, ...]:
    k = int(failed.sum())
    found = [f"{k:,} of {points:,} map trials failed; map trials are not evidence."]
    if not k:
        found.append(
            f"No failure was met; were the points drawn by chance, up to {100 * rate_high:.2g} % could still fail."
        )
    elif not kept:
        found.append("No region stood the test on fresh trials: failures are spread over the conditions, or too few.")
    found += [b.sentence for b in kept]
    if dropped:
        found.append(f"{dropped} more suspected regions were not confirmed on fresh trials.")
    trials = dict.fromkeys(n.trial for n in nudges)
    return (*found, *(_of_trial(t, [n for n in nudges if n.trial == t]) for t in trials))


def _plain(found: Explained, seed: int) -> dict[str, Any]:
    import dataclasses

    return {"schema": "jangin-explain/1", "seed": seed, **dataclasses.asdict(found)}
