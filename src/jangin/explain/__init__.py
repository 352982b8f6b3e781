"""Where does a policy fail, and what does it depend on? Asked of trials under chosen conditions, never of the evidence.

    found = explain("runs/peg", policy=policy, task=task)
    found.sentences            # "41 of 1,024 map trials failed (4.0 %).", "Fails in 62.1 % of trials ... when ..."
    found.found["regions"]     # plain values, as in explain/explain.json
    point("runs/peg", 811, policy=policy, task=task).same       # row 811 of the map again, bit for bit

In this order: a map of trials spread evenly over all conditions; sensitivity indices of the margin to each condition
and to the noise; failure regions as boxes, each re-tested on fresh trials (`stats.boxes` says how); the most likely
failure (`stats.nearest`); and for failing trials, the single conditions that make them pass when moved towards their
medians. Every trial but the nudged ones of the evidence belongs to streams of its own, "map" and "retest".

The folder gets explain/map.parquet (all trials but the re-tests, in the order they were run), explain/retest.parquet
and explain/explain.json, each whole. Nothing in evidence/ is touched. The result depends on the plan and the seed, not
on the number of threads. Interrupted, finished batches are kept and the same call goes on from there.

What it does not say: anything that could be claimed. A map is no sample, and the verdict never looks at it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jangin.errors import BadFolder, JanginError
from jangin.evidence import TRIALS, VERDICT, Plan, check_same, read_plan
from jangin.explain.chosen import BLOCK, EXPLAIN, MAP, RETEST, again
from jangin.explain.parts import Look, Progress, counted, likely, mapped, nudged, regions, sensitivities, to_nudge
from jangin.record import MANIFEST, RunFolder, sha256_file
from jangin.stats import boxes, sensitivity
from jangin.task import Policy, Task, Trials, canonical_json

__all__ = ["POINTS", "RETESTS", "ROWS", "SCHEMA", "Explained", "Point", "Progress", "explain", "point"]

SCHEMA = "jangin-explain/1"
POINTS, ROWS, RETESTS = 1024, 128, 256
NOTE = "Trials under chosen conditions: map trials, not evidence."


@dataclass(frozen=True)
class Explained:
    """What was found.

    Attributes:
        run_dir: the folder.
        trials: how many were run in all, the map's among them.
        points, failures: of the map, without trials that nobody can vouch for.
        regions: how many failure regions stand.
        sentences: the same for a person.
        found: all of it as plain values, as in explain/explain.json.
    """

    run_dir: str
    trials: int
    points: int
    failures: int
    regions: int
    sentences: tuple[str, ...]
    found: Mapping[str, Any]


@dataclass(frozen=True)
class Point:
    """A row of explain/map.parquet, as stored and as run again; `differs` are columns whose bits differ."""

    number: int
    stored: Mapping[str, Any]
    rerun: Mapping[str, Any]
    differs: tuple[str, ...]
    sentence: str

    @property
    def same(self) -> bool:
        """Whether every value came out the same, bit for bit."""
        return not self.differs


def explain(
    folder: RunFolder | str | Path,
    *,
    policy: Policy,
    task: Task,
    points: int = POINTS,
    rows: int = ROWS,
    retests: int = RETESTS,
    seed: int | None = None,
    trial: int | None = None,
    threads: int = 0,
    progress: Callable[[Progress], None] | None = None,
) -> Explained:
    """Map and explain the failures of the policy that the folder's evidence is about.

    `points` of the map, best a power of two; `rows` of the sensitivity design, of which each costs as many trials as
    conditions vary, and two more (0: none); `retests` fresh trials in each suspected region, and as many over the whole
    domain. `seed` fixes the map, its noise and every search; without it the plan's. `trial` is a failing trial of the
    evidence that is to be looked at before the worst ones. `progress` may raise to stop.

    Raises: BadFolder when the folder has no verdict, was changed, or has no such failing trial; BadTask or BadPolicy
    when the plan names another one, or nothing varies between trials; JanginError for numbers that show nothing.
    """
    _check(points, rows, retests)
    folder = folder if isinstance(folder, RunFolder) else RunFolder.open(folder)
    plan, evidence = _evidence(folder)
    task = task.at("evidence")
    check_same(plan, policy, task)
    seed = plan.seed if seed is None else seed
    look = Look.begin(folder, plan, task, policy, seed=seed, threads=threads, progress=progress)
    asked = to_nudge(evidence, trial)
    table = mapped(look, points)
    found = {
        "schema": SCHEMA,
        "note": NOTE,
        "made": {"plan": plan.sha256, "seed": seed, "points": points, "rows": rows, "retests": retests, "block": BLOCK},
        "map": counted(table),
        "sensitivity": sensitivities(look, table, min(rows, points)),
        "regions": regions(look, table, retests),
        "most_likely": likely(look, table),
        "nudges": nudged(look, evidence, table, asked),
    }
    return _written(look, found)


def point(folder: RunFolder | str | Path, number: int, *, policy: Policy, task: Task, threads: int = 0) -> Point:
    """Run row `number` of explain/map.parquet again, in its batch, and compare every value.

    Raises: BadFolder when there is no such row; BadTask or BadPolicy when the plan names another one.
    """
    folder = folder if isinstance(folder, RunFolder) else RunFolder.open(folder)
    plan, task = read_plan(folder), task.at("evidence")
    check_same(plan, policy, task)
    stored, rerun, differs = again(folder, number, task=task, policy=policy, threads=threads)
    how = f"differently in {', '.join(differs)}" if differs else "the same, bit for bit"
    before, after = ({k: v.tolist()[0] for k, v in row.columns.items()} for row in (stored, rerun))
    return Point(number, before, after, differs, f"Point {number:,} ({before['outcome']}) came out {how}.")


def _check(points: int, rows: int, retests: int) -> None:
    fewest = 16
    if points < fewest:
        raise JanginError(f"A map of {points} points shows nothing; give at least {fewest}, best 1024.")
    if 0 < rows < sensitivity.FEWEST:
        raise JanginError(
            f"{rows} rows are too few for sensitivities; give at least {sensitivity.FEWEST}, or 0 to leave them out."
        )
    if retests < 2 * boxes.FEWEST:
        raise JanginError(f"{retests} fresh trials in a region show nothing; give at least {2 * boxes.FEWEST}.")


def _evidence(folder: RunFolder) -> tuple[Plan, Trials]:
    """The plan and its trials, from a folder that nobody has changed since it was sealed."""
    if not folder.has(VERDICT):
        raise BadFolder(f"{folder.path} has no verdict yet. Run qualify first: a map explains what was judged.")
    if folder.has(MANIFEST):
        # an explanation that was cut off may have written its files and not sealed them: they are written again
        folder.check(apart_from=("explain/", "report.html"))
    return read_plan(folder), folder.read_trials(TRIALS)


def _written(look: Look, found: dict[str, Any]) -> Explained:
    """The files, and the answer."""
    folder = look.folder
    table, fresh = look.chosen.tables()
    folder.write_trials(MAP, table)
    if fresh is not None:
        folder.write_trials(RETEST, fresh)
    else:
        folder.remove(RETEST)
    hashes = {name: sha256_file(folder / name) for name in (MAP, RETEST) if folder.has(name)}
    found = json.loads(canonical_json({**found, "trials": look.chosen.count, "hashes": hashes}))
    folder.write_json(EXPLAIN, found)
    look.chosen.clear()
    stand = [r["sentence"] for r in found["regions"]["boxes"] if r["stands"]]
    sentences = [found["map"]["sentence"], *stand, found["regions"]["sentence"], found["most_likely"]["sentence"]]
    sentences += [n["sentence"] for n in found["nudges"]]
    return Explained(
        run_dir=str(folder.path),
        trials=found["trials"],
        points=found["map"]["trials"],
        failures=found["map"]["failures"],
        regions=len(stand),
        sentences=tuple(s for s in sentences if s),
        found=found,
    )
